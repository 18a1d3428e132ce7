"""A client of node and coordinator over kept connections: uploads, tasks, payments."""

import http.client
import json
import time
from concurrent.futures import ThreadPoolExecutor
from threading import local

from keys import ESCROW, canonical
from town import Town


class Client:
    def __init__(self, town: Town):
        self.town, self.key = town, town.keys["client"]
        self._local = local()
        self.nonce = 0

    def _connection(self, service: str):
        connections = self._local.__dict__.setdefault("connections", {})
        if service not in connections:
            connections[service] = http.client.HTTPConnection("127.0.0.1", self.town.ports[service], timeout=60)
        return connections[service]

    def ask(self, service: str, method: str, path: str, body: dict | None = None, signed: bool = False):
        data = canonical(body) if body is not None else None
        for attempt in range(3):
            headers = self.key.headers(method, f"127.0.0.1:{self.town.ports[service]}", path, body=data) if signed else {}
            connection = self._connection(service)
            try:
                connection.request(method, path, body=data, headers=headers)
                answer = connection.getresponse()
                text = answer.read()
            except (http.client.HTTPException, OSError):
                connection.close()
                continue
            if answer.status >= 400:
                if answer.status in (401, 503) and attempt < 2:
                    time.sleep(1)
                    continue
                raise RuntimeError(f"{method} {path}: {answer.status} {text[:500].decode()}")
            return json.loads(text)
        raise RuntimeError(f"{method} {path}: no answer")

    def put(self, root: bytes, data: bytes):
        path = f"/blobs/{root.hex()}"
        connection = self._connection("coordinator")
        connection.request("PUT", path, body=data, headers=self.key.headers("PUT", f"127.0.0.1:{self.town.ports['coordinator']}", path))
        answer = connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"PUT {path}: {answer.status} {text[:300].decode()}")

    def order(self, tasks: list) -> list:
        """Quotes for the tasks, paid; comes back when every payment is in a block. At most 128 at once, as the routes allow."""
        ids = []
        with ThreadPoolExecutor(4) as pool:
            for start in range(0, len(tasks), 128):
                chunk = tasks[start:start + 128]
                answers = list(pool.map(lambda task: self.ask("coordinator", "POST", "/tasks", task, signed=True), chunk))
                txs = []
                for answer in answers:
                    self.nonce += 1
                    payload = {"to": ESCROW, "amount": answer["quote"]["price"], "quote": answer["quote"]}
                    txs.append(self.key.transaction(self.town.chain, "TRANSFER", self.nonce, 10, payload))
                results = self.ask("node", "POST", "/rpc/sendTxs", {"txs": txs})["results"]
                hashes = [result["txHash"] for result in results]
                self._wait(lambda: all(tx and tx["status"] == "confirmed" for tx in self.ask("node", "POST", "/rpc/getTxs", {"hashes": hashes})["txs"]))
                ids += [answer["taskId"] for answer in answers]
        return ids

    @staticmethod
    def _wait(condition, seconds: float = 60):
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise RuntimeError("waited too long for the chain")
            time.sleep(0.05)

    def gemm(self, n: int, seed: int, dtype: str = "F32", roots: tuple | None = None) -> dict:
        """A product's task: inputs from seeds, or uploaded ones by their roots."""
        def tensor(name, index):
            if roots:
                return {"name": name, "dtype": dtype, "shape": [n, n], "root": roots[index].hex()}
            return {"name": name, "random": {"seed": f"{2 * seed + index:064x}", "dtype": dtype, "shape": [n, n]}}

        return {"type": "gemm", "requirements": {}, "data": {"inputs": [tensor("a", 0), tensor("b", 1)], "params": {}}, "client": self.key.address}
