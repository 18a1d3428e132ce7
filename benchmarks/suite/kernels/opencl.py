"""The OpenCL backend, against CLBlast called from C on the same device."""


def measure(table, program):
    pass
