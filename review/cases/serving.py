"""A case on this machine alone: the player's page for each of its recordings, and the keys of their chunks.

An address is good for one page. A page that has taken the keys gets addresses of the others with them, so that a person
can go from one recording of the case to the next.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, Final
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from starlette.types import ASGIApp, Receive, Scope, Send

from protocol import base64url
from protocol.errors import ProtocolError
from review.cases.beside import Gone
from review.cases.reading import PartSource
from review.cases.sealing import Content, Part
from review.player.handover import KEYS, PROOF, derived
from review.player.loopback import Loopback

_MOST: Final = 512  # addresses of one recording that were given and not opened yet


class CaseHandover:
    """Gives the keys of a recording's chunks to each page that was given an address. `about`: what the page
    reads of the case, sealed as the keys are."""

    def __init__(self, recording: UUID, keys: Mapping[int, Mapping[int, bytes]], about: Callable[[], Any]) -> None:
        self._recording, self._keys, self._about = recording, keys, about
        self._lock = Lock()
        self._open: dict[bytes, bytes] = {}  # proof -> what it is derived from; the oldest first
        self._used: list[bytes] = []

    @property
    def secret(self) -> str:
        """Another each time, for one page."""
        root = secrets.token_bytes(32)
        with self._lock:
            self._open[derived(root, PROOF)] = root
            while len(self._open) > _MOST:
                del self._open[next(iter(self._open))]
        return base64url.encode(root)

    def take(self, proof: bytes) -> bytes | None:
        """As `Handover.take`."""
        with self._lock:
            known = [one for one in self._open if hmac.compare_digest(one, proof)]
            used = any([hmac.compare_digest(one, proof) for one in self._used])  # noqa: C419 - each is looked at
            if not known:
                return b"" if used else None
            root = self._open.pop(known[0])
            self._used = [*self._used[-_MOST:], proof]
        return self._sealed(derived(root, KEYS))

    def _sealed(self, key: bytes) -> bytes:
        aes, own = AESGCM(key), self._recording.bytes

        def seal(content: bytes, place: bytes) -> str:
            nonce = os.urandom(12)
            return base64url.encode(nonce + aes.encrypt(nonce, content, own + place))

        chunks = {
            str(stream): {
                str(sequence): seal(one, stream.to_bytes(2, "big") + sequence.to_bytes(8, "big"))
                for sequence, one in of.items()
            }
            for stream, of in self._keys.items()
        }
        about = json.dumps(self._about(), ensure_ascii=False).encode("utf-8")
        return json.dumps({"streams": {}, "chunks": chunks, "case": seal(about, b"case")}).encode("ascii")


class CaseLoopback:
    """An application that answers for each recording at an unguessable path of its own."""

    def __init__(self, content: Content, sources: Mapping[UUID, PartSource], files: Mapping[str, bytes]) -> None:
        self._content = content
        self._players = {
            part.recording: Loopback(
                sources[part.recording], CaseHandover(part.recording, part.keys, self._about), files
            )
            for part in content.parts
        }  # fmt: skip
        self.app: ASGIApp = self

    def address(self, served: str, recording: UUID | None = None) -> str:
        """Of a page, once. `served`: scheme, host and port; "" for a path. `recording`: the first, if not another."""
        return self._players[recording or self._content.parts[0].recording].address(served)

    def _about(self) -> dict[str, Any]:
        def named(part: Part) -> dict[str, Any]:
            row, address = part.papers.get("row", {}), self.address("", part.recording)
            about = {"address": address, "host": row.get("host", ""), "start": row.get("start", "0")}
            return about | part.beside.facts()

        return self._content.case.facts() | {
            "recordings": {str(part.recording): named(part) for part in self._content.parts},
            "erased": {str(one.recording): _erased(one) for one in self._content.gone},
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        chosen = next((one for one in self._players.values() if path.startswith(one.path)), None)
        chosen = chosen or next(iter(self._players.values()))  # which refuses it
        await chosen.app(scope, receive, send)


def _erased(one: Gone) -> dict[str, Any]:
    """When, as the certificate says; nothing where that is not as it was signed."""
    try:
        said = one.certified()
    except ProtocolError:
        return {"at": None}
    return {"at": said.destroyed.at if said.destroyed else None}
