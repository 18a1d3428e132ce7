"""What a miner without work takes, without a terminal and with the live page on one."""

import os
import pty
import fcntl
import struct
import subprocess
import termios
import threading
import time
from pathlib import Path

from town import Town


def measure(table, program):
    seconds = 20 if table.quick else 60
    with Town(program) as town:
        for name in ["node", "coordinator", "miner"]:
            town.start(name)
            town.wait(name)
        settle(town)
        share = idle_share(town, seconds)
        memory = town.memory("miner")
        table.add("miner without work: processor", "% core", 100 * share, at_most=1, note=f"user and system time over {seconds} s, after it was ready for 10 s")
        table.add("miner without work: memory", "MiB", memory["VmRSS"] / 2**20, at_most=60,
                  note=f"VmRSS; of it {memory['RssAnon'] / 2**20:.1f} MiB its own and {memory['RssFile'] / 2**20:.1f} MiB of files (program, libraries)")
        town.stop("miner")
        live(table, town, seconds)


def settle(town):
    """Until the miner is ready (it profiles itself first), and ten seconds more."""
    deadline = time.monotonic() + 180
    while not any(event["event"] == "ready" for event in town.events("miner")):
        if time.monotonic() > deadline:
            raise RuntimeError(f"the miner did not get ready: {town.events('miner')[-3:]}")
        time.sleep(0.5)
    time.sleep(10)


def idle_share(town, seconds: float) -> float:
    """The share of a stretch in which no challenge came: that is work."""
    for _ in range(3):
        before = len(challenges(town))
        share = cpu(town.processes["miner"].pid, seconds)
        if len(challenges(town)) == before:
            return share
    raise RuntimeError("a challenge came into each of three stretches")


def challenges(town) -> list:
    return [event for event in town.events("miner") if event["event"].startswith("challenge")]


def cpu(pid: int, seconds: float) -> float:
    """Share of one core that a process takes over so many seconds."""
    def ticks():
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    begin, before = time.monotonic(), ticks()
    time.sleep(seconds)
    return (ticks() - before) / os.sysconf("SC_CLK_TCK") / (time.monotonic() - begin)


def live(table, town, seconds):
    """The same miner with a terminal of 80 x 24 as its output, where it shows its live page."""
    name = "miner's live page: processor"
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    arguments = [town.program, "miner", "run", "--bind", f"127.0.0.1:{town.ports['miner']}", "--coordinator", town.url("coordinator"), "--node", town.url("node"),
                 "--data", town.path("miner"), "--key", town.path("miner.key"), "--chain-id", town.chain]
    process = subprocess.Popen(arguments, stdin=slave, stdout=slave, stderr=slave, cwd=town.folder, start_new_session=True, env={**os.environ, "TERM": "xterm"})
    os.close(slave)
    town.processes["miner"] = process
    drawn = bytearray()

    def drain():
        try:
            while chunk := os.read(master, 65536):
                drawn.extend(chunk)
        except OSError:
            pass

    threading.Thread(target=drain, daemon=True).start()
    town.wait("miner")
    time.sleep(15)
    before = len(drawn)
    share = cpu(process.pid, seconds)
    if b"\x1b[" not in drawn:
        table.add(name, "% core", None, at_most=1, note="nothing was drawn: this build shows no live page on a terminal")
        return
    table.add(name, "% core", 100 * share, at_most=1,
              note=f"the whole miner with the page on a pseudoterminal of 80 x 24, without work, over {seconds} s; {(len(drawn) - before) / seconds:.0f} bytes/s drawn")
