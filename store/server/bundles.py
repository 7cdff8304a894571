"""Gives out the newest bundle from one object: it may have millions of bytes, and many clients that take it slowly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from threading import Lock
from typing import Final

from sqlalchemy import Connection
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from store.catalog.statements import newest_bundle, newest_revision

_BUNDLE: Final = "bundle"


class Bundles:
    """The newest, read anew only where its revision is another."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._newest = (-1, "")
        self._quoted = ("", b'""')

    def newest(self, connection: Connection) -> str | None:
        """The JWS; None where the store has none yet."""
        with self._lock:
            revision = newest_revision(connection)
            if revision is not None and revision != self._newest[0]:
                self._newest = newest_bundle(connection) or (-1, "")
            return None if revision is None else self._newest[1]

    def answer(self, facts: Mapping[str, object]) -> Response:
        """As JSON. `facts`: those of an answer that has a `bundle`."""
        token = str(facts[_BUNDLE])
        with self._lock:
            if token != self._quoted[0]:
                self._quoted = (token, json.dumps(token).encode("utf-8"))
            quoted = self._quoted[1]
        return _Shared({name: value for name, value in facts.items() if name != _BUNDLE}, quoted)


class _Shared(Response):
    """The bundle's bytes are a message of their own, and copied nowhere (store/server/connections.py)."""

    media_type = "application/json"

    def __init__(self, others: Mapping[str, object], quoted: bytes) -> None:
        begun = json.dumps(others, ensure_ascii=False, separators=(",", ":"))[:-1] + f',"{_BUNDLE}":'
        self._parts = (begun.encode("utf-8"), quoted, b"}")
        super().__init__(headers={"Content-Length": str(sum(map(len, self._parts)))})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - Starlette's signature
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        for part in self._parts:
            await send({"type": "http.response.body", "body": part, "more_body": part is not self._parts[-1]})
