"""`operator`: what a miner's operator relies on. (Not named `operator`, which is a module of Python's own.)"""
