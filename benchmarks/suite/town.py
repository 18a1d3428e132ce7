"""Node, coordinator and miner: the release build as three processes on loopback, their data in a folder that is gone afterwards."""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

from keys import Key


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Town:
    def __init__(self, program: Path, folder: str | None = None):
        self.program = program
        self.folder = Path(tempfile.mkdtemp(prefix="adit-bench-", dir=folder))
        self.ports = {name: free_port() for name in ["node", "peers", "coordinator", "miner"]}
        self.processes: dict[str, subprocess.Popen] = {}
        self.chain = "ait-bench-" + os.urandom(4).hex()
        self.keys = {name: Key() for name in ["proposer", "admin", "coordinator", "client", "miner"]}
        for name, key in self.keys.items():
            key.write(self.folder / f"{name}.key")
        self._run(
            ["node", "init", "--genesis", self.path("genesis.json"), "--chain-id", self.chain, "--proposer-key", self.path("proposer.key"), "--admin-key",
             self.path("admin.key"), "--coordinator-key", self.path("coordinator.key"), "--fund", f"{self.keys['client'].address}=1000000", "--param",
             "block_interval_s=1"])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for name in ["miner", "coordinator", "node"]:
            self.stop(name)
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    def _run(self, arguments):
        answer = subprocess.run([self.program, *arguments], capture_output=True, text=True, cwd=self.folder)
        if answer.returncode != 0:
            raise RuntimeError(f"adit {' '.join(arguments[:2])}: {answer.stderr}")

    def start(self, name: str, *more: str):
        bind = f"127.0.0.1:{self.ports[name]}"
        arguments = {
            "node": ["node", "run", "--genesis", self.path("genesis.json"), "--db", self.path("chain.db"), "--rpc", bind, "--p2p",
                     f"127.0.0.1:{self.ports['peers']}", "--proposer-key", self.path("proposer.key")],
            "coordinator": ["coordinator", "run", "--bind", bind, "--node", self.url("node"), "--data", self.path("coordinator"), "--key",
                            self.path("coordinator.key"), "--chain-id", self.chain],
            "miner": ["miner", "run", "--bind", bind, "--coordinator", self.url("coordinator"), "--node", self.url("node"), "--data",
                      self.path("miner"), "--key", self.path("miner.key"), "--chain-id", self.chain],
        }[name]
        log = open(self.path(f"{name}.log"), "ab")
        self.processes[name] = subprocess.Popen(
            [self.program, *arguments, *more], stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.folder, start_new_session=True)
        return self.processes[name]

    def stop(self, name: str):
        process = self.processes.pop(name, None)
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def wait(self, name: str, seconds: float = 60):
        """Until its health route says 200."""
        path = "/rpc/health" if name == "node" else "/health"
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.processes[name].poll() is not None:
                break
            try:
                with urllib.request.urlopen(self.url(name) + path, timeout=2) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                pass
            time.sleep(0.01)
        raise RuntimeError(f"{name} did not get ready: {Path(self.path(name + '.log')).read_text()[-2000:]}")

    def events(self, name: str) -> list:
        """The service's log lines so far."""
        lines = Path(self.path(f"{name}.log")).read_text().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n") and line.startswith("{")]

    def forget_peak(self, name: str):
        """Has the kernel count VmHWM from now on (proc(5), clear_refs)."""
        Path(f"/proc/{self.processes[name].pid}/clear_refs").write_text("5")

    def memory(self, name: str) -> dict:
        """/proc's VmHWM, VmRSS, RssAnon and RssFile in bytes."""
        status = Path(f"/proc/{self.processes[name].pid}/status").read_text().splitlines()
        fields = dict(line.split(":", 1) for line in status if ":" in line)
        return {field: int(fields[field].split()[0]) * 1024 for field in ["VmHWM", "VmRSS", "RssAnon", "RssFile"]}
