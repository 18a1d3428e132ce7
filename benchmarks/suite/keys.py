"""Keys, addresses, canonical JSON and signed requests, written from docs/PROTOCOL.md and nothing else."""

import base64
import hashlib
import json
import os
import secrets
import time

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def canonical(value) -> bytes:
    """RFC 8785 for what is used here: ASCII keys, integers, strings."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _polymod(values):
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate([0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3]):
            if top >> bit & 1:
                check ^= generator
    return check


def address(data: bytes) -> str:
    """bech32 (BIP-173), hrp ait, of the first 20 bytes of SHA-256."""
    digest = hashlib.sha256(data).digest()[:20]
    number = int.from_bytes(digest, "big")
    words = [number >> shift & 31 for shift in range(155, -1, -5)]
    prefix = [ord(c) >> 5 for c in "ait"] + [0] + [ord(c) & 31 for c in "ait"]
    check = _polymod(prefix + words + [0] * 6) ^ 1
    return "ait1" + "".join(ALPHABET[word] for word in words + [check >> 5 * (5 - i) & 31 for i in range(6)])


ESCROW = address(b"module|escrow")


class Key:
    def __init__(self):
        self.seed = secrets.token_bytes(32)
        self._key = Ed25519PrivateKey.from_private_bytes(self.seed)
        self.public = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.address = address(self.public)

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)

    def write(self, path):
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(canonical({"format": "adit-key-v1", "seed": self.seed.hex(), "address": self.address}) + b"\n")

    def headers(self, method: str, authority: str, path: str, query: str = "", body: bytes | None = None) -> dict:
        """RFC 9421 headers of section 10; `body` None or empty for none, and for a blob."""
        lines = [f'"@method": {method}', f'"@authority": {authority}', f'"@path": {path}', f'"@query": ?{query}']
        names, headers = ['"@method"', '"@authority"', '"@path"', '"@query"'], {}
        if body:
            headers["Content-Digest"] = f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"
            headers["Content-Type"] = "application/json"
            lines.append(f'"content-digest": {headers["Content-Digest"]}')
            names.append('"content-digest"')
        now = int(time.time())
        parameters = (
            f'({" ".join(names)});created={now};expires={now + 60};nonce="{secrets.token_hex(16)}";keyid="{self.address}";alg="ed25519";tag="adit-v1"')
        base = "\n".join(lines + [f'"@signature-params": {parameters}']).encode()
        headers["Signature-Input"] = f"adit={parameters}"
        headers["Signature"] = f"adit=:{base64.b64encode(self.sign(base)).decode()}:"
        headers["Adit-Key"] = self.public.hex()
        return headers

    def transaction(self, chain: str, type: str, nonce: int, fee: int, payload: dict) -> dict:
        preimage = f"adit.tx.v1|{chain}|{type}|{self.address}|{nonce}|{fee}|".encode() + canonical(payload)
        signature = self.sign(hashlib.sha256(preimage).digest())
        return {"type": type, "sender": self.address, "nonce": nonce, "fee": fee, "payload": payload, "pubkey": self.public.hex(), "sig": signature.hex()}


def leaf_hashes(data, size=65_536) -> list:
    """Leaf hashes of a tensor's bytes (RFC 6962, leaves of 65,536 bytes)."""
    view = memoryview(data)
    return [hashlib.sha256(b"\0" + view[start:start + size]).digest() for start in range(0, len(view), size)]


def merkle_root(hashes: list) -> bytes:
    if not hashes:
        return hashlib.sha256(b"").digest()
    while len(hashes) > 1:
        # A level of RFC 6962's left-balanced tree: pairs from the left, an odd last one goes up as it is.
        hashes = [hashlib.sha256(b"\1" + b"".join(hashes[i:i + 2])).digest() if i + 1 < len(hashes) else hashes[i] for i in range(0, len(hashes), 2)]
    return hashes[0]
