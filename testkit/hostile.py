"""What bench/hostile plays against a store, from a process of its own: python -m testkit.hostile NAME TARGET

TARGET: a file with where the store is and the keys of one enrolled PC. Until it is ended; says on stdout, again and
again, how often it was refused (4xx, 5xx or closed).
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from typing import Final
from uuid import uuid4

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import api, base64url
from testkit.fakes.pc import Pc

PATIENCE, LINES = 40.0, 6000  # seconds for an answer; lines of an account, about as many as may be sent at once
REPORT: Final = dict.fromkeys(("wall", "pending_chunks", "pending_bytes", "bundle_revision"), 1)


class Hostile:
    """One enrolled PC, or a stranger. What many threads repeat says whether it was refused."""

    def __init__(self, target: Path) -> None:
        self.told: dict[str, str] = json.loads(target.read_text("ascii"))
        self.where = (self.told["host"], int(self.told["port"]))
        self.pc = Pc(httpx.Client(verify=False))  # noqa: S501 - it connects to nothing
        self.pc.device = self.told["device"]
        self.pc.token_key, self.pc.evidence_key = (
            Ed25519PrivateKey.from_private_bytes(base64url.decode(self.told[key])) for key in ("token", "evidence")
        )
        for number in range(LINES):
            self.pc.ledger.write("start", number)
        self.account = json.dumps({"batch": self.pc.ledger.batch()}).encode("ascii")
        self._trust = ssl.create_default_context(cafile=self.told["ca"])
        self._trust.check_hostname = False  # it comes by another address than the one in the certificate
        self._kept = threading.local()
        self.place = f"/v1/recordings/{self.told['recording']}/0/"

    def ask(self, method: str, path: str, body: bytes = b"", bearer: bool = True) -> bool:
        """A request over a connection that is kept."""
        kept: HTTPSConnection | None = getattr(self._kept, "line", None)
        if kept is None:
            kept = self._kept.line = HTTPSConnection(*self.where, timeout=PATIENCE, context=self._trust)
        named = {api.CONTENT_DIGEST_HEADER: api.content_digest(body)}
        try:
            kept.request(method, path, body or None, named | ({"Authorization": self.told["bearer"]} if bearer else {}))
            (answer := kept.getresponse()).read()
        except (OSError, HTTPException):
            kept.close()
            raise
        return answer.status >= 400

    def say(self, *words: bytes, after: bytes = b"", stay: bool = True) -> bool:
        """So much of a request and then nothing, until the store has had enough of it."""
        with socket.create_connection(self.where, PATIENCE) as plain, self._trust.wrap_socket(plain) as line:
            line.sendall(b"".join(words))
            line.sendall(after)
            return stay and line.recv(4096) is not None

    def begin(self, line: str, length: int, body: bytes = b"") -> bool:
        """A body that never comes, or no more of it than this."""
        digest = f"{api.CONTENT_DIGEST_HEADER}: {api.content_digest(b'')}"
        head = f"{line} HTTP/1.1\r\nHost: x\r\nAuthorization: {self.told['bearer']}\r\n{digest}\r\n"
        return self.say(f"{head}Content-Length: {length}\r\n\r\n".encode("ascii"), after=body)

    def health(self) -> bool:
        heads = {str(stream): {"next": 9, "head": secrets.token_hex(32)} for stream in range(250)}
        ledger = {"next": 10**6 + secrets.randbelow(10**9), "head": secrets.token_hex(32)}
        report = json.dumps(
            {**REPORT, "agent_version": "0", "recording": str(uuid4()), "heads": heads, "ledger": ledger, "holds": []}
        )
        return self.ask("PUT", api.device_health_path(self.pc.device), report.encode("ascii"))

    def token(self) -> bool:
        asked = {"assertion": self.pc.assertion(int(time.time()))}
        return self.ask("POST", api.TOKEN, json.dumps(asked).encode("ascii"), bearer=False)


MUCH: Final = bytes(2 * 2**20)
CHUNKED: Final = b"POST /v1/nothing HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
TINY: Final = b"1\r\nx\r\n" * 10**6

# Name -> how many at once, and what each repeats.
ATTACKS: Final[dict[str, tuple[int, Callable[[Hostile], bool]]]] = {
    "silence": (300, Hostile.say),
    "idle-bodies": (64, lambda one: one.begin(f"PUT {one.place}1", api.MAX_CHUNK_BODY)),
    "unread-bodies": (500, lambda one: one.begin(f"PUT {one.place}1", api.MAX_CHUNK_BODY, MUCH)),
    "idle-requests": (200, lambda one: one.begin(f"POST {api.TOKEN}", api.MAX_JSON_BODY)),
    "health": (16, Hostile.health),
    "ledger": (16, lambda one: one.ask("POST", api.LEDGER, one.account)),
    "tokens": (16, Hostile.token),
    "chunks": (32, lambda one: one.ask("PUT", f"{one.place}{secrets.randbelow(10**9)}", os.urandom(500))),
    "numbers": (16, lambda one: one.ask("PUT", f"{one.place}{'9' * 5000}", b"x")),
    "strangers": (32, lambda one: one.ask("GET", f"/{secrets.token_hex(4)}", bearer=False)),
    "headers": (8, lambda one: one.say(b"GET / HTTP/1.1\r\n", *[b"x: %s\r\n" % (b"y" * 1000)] * 20_000)),
    "requests": (40, lambda one: one.say(b"GET / HTTP/1.1\r\n\r\n" * 30_000)),
    "tiny-chunks": (16, lambda one: one.say(CHUNKED, after=TINY)),
    "handshakes": (32, lambda one: one.say(stay=False)),
}


def main(name: str, target: Path) -> None:
    os.nice(15)  # what it takes of this machine's processors is not what is measured
    hostile, (many, play) = Hostile(target), ATTACKS[name]
    refused = [0] * many

    def again_and_again(number: int) -> None:
        while True:
            try:
                refused[number] += play(hostile)
            except (OSError, HTTPException):
                refused[number] += 1
                time.sleep(0.01)  # or it would count how fast a closed door is tried

    for number in range(many):
        threading.Thread(target=again_and_again, args=(number,), daemon=True).start()
    while True:
        print(sum(refused), flush=True)
        time.sleep(0.2)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
