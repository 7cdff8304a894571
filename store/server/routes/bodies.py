"""Request bodies, read within bounds: never more than the route allows, never more at once than the memory set aside.

A body that is too long is refused (413) before it is read: each says its length (store/server/connections.py).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from starlette.requests import Request

from protocol.api import CONTENT_DIGEST_HEADER, MAX_JSON_BODY, parse_content_digest
from protocol.claims import MAX_INTEGER, MOST_VALUES, Claims, has_values, parse_object
from protocol.errors import ProtocolError
from protocol.numbers import read_number
from store.errors import Refusal
from store.server.connections import host_of

BODY_WITHIN: Final = 60.0  # seconds that a body may take to arrive, and more for a long one:
SLOWEST: Final = 4096  # bytes a second; an upload may be held to 50 kbit/s, by its own setting or by the line
STALLED: Final = 20.0  # seconds without a byte: what arrived so far takes room that others need
PER_SENDER: Final = 64 * 2**20  # bytes of one device's bodies; it sends four chunks at once, of one or two hundred KB
SMALL_PER_SENDER: Final = 4 * 2**20  # of an address, 4,000 requests for a token; each body takes three times its bytes


class Intake:
    """Bytes of bodies that are in memory together. Used from the event loop alone.

    Small ones have room of their own: without a token nothing larger can be sent, and nothing that is sent so takes
    room from chunks. A sender is a device or, before one is known, an address.
    """

    def __init__(self, capacity: int = 256 * 2**20, small: int = 64 * 2**20) -> None:
        self._free = {False: capacity, True: small}
        self._of: Counter[tuple[str, bool]] = Counter()

    def reserve(self, size: int, sender: str, *, small: bool) -> None:
        if size > self._free[small]:
            raise Refusal(503, "busy", "the store is receiving as much as it can: send it again", retry_after=2)
        if self._of[sender, small] + size > (SMALL_PER_SENDER if small else PER_SENDER):
            raise Refusal(503, "busy", "this sender has more under way than one may: send it again", retry_after=2)
        self._free[small] -= size
        self._of[sender, small] += size

    @property
    def taken(self) -> int:
        """Bytes, of both kinds."""
        return self._of.total()

    def release(self, size: int, sender: str, *, small: bool) -> None:
        self._free[small] += size
        self._of[sender, small] -= size
        if not self._of[sender, small]:
            del self._of[sender, small]


@asynccontextmanager
async def body_of(request: Request, limit: int, *, patience: float = BODY_WITHIN) -> AsyncIterator[bytes]:
    """At most `limit` bytes; their room is taken as they arrive, and given back when the caller is done with them.

    Refusals: 400 bad-length, cut-short; 408 slow-body; 413 oversized; 503 busy.
    """
    announced = _announced(request)
    if announced > limit:
        raise Refusal(413, "oversized", f"the body is larger than the {limit} bytes allowed here")
    taken = _Taken(request, small=limit <= MAX_JSON_BODY)
    within = patience + announced / SLOWEST
    try:
        try:
            async with asyncio.timeout(within):
                body = await _read(request, taken)
        except TimeoutError:
            raise Refusal(408, "slow-body", "the body did not arrive in time: send it again") from None
        yield body
    finally:
        taken.release()


class _Taken:
    """What one body has of the intake."""

    def __init__(self, request: Request, *, small: bool) -> None:
        self._intake: Intake = request.app.state.intake
        self._sender: str = getattr(request.state, "device", None) or host_of(request.client)
        self._small = small
        self._size = 0

    def more(self, size: int) -> None:
        self._intake.reserve(size, self._sender, small=self._small)
        self._size += size

    def release(self) -> None:
        self._intake.release(self._size, self._sender, small=self._small)


async def read_body(request: Request, limit: int, *, patience: float = BODY_WITHIN) -> bytes:
    """As `body_of`, for what is small or soon done with."""
    async with body_of(request, limit, patience=patience) as body:
        return body


async def _read(request: Request, taken: _Taken) -> bytes:
    parts: list[bytes] = []
    arriving = aiter(request.stream())
    while True:
        try:
            async with asyncio.timeout(STALLED):
                part = await anext(arriving)
        except StopAsyncIteration:
            return b"".join(parts)
        taken.more(len(part))
        parts.append(part)


def promised_digest(request: Request) -> bytes:
    """The SHA-256 (32 bytes) that the body's Content-Digest promises, not compared yet: that is no work for the event
    loop. Refusals: 400 no-digest, bad-digest."""
    value = request.headers.get(CONTENT_DIGEST_HEADER)
    if value is None:
        raise Refusal(400, "no-digest", f"send {CONTENT_DIGEST_HEADER} with the SHA-256 of the body (RFC 9530)")
    return parse_content_digest(value)


async def read_claims(request: Request, limit: int, what: str) -> Claims:
    """A JSON object. Refusals: as `read_body`; 400 bad-json."""
    body = await read_body(request, limit)
    if not has_values(body):
        raise Refusal(400, "bad-json", f"{what}: more than {MOST_VALUES} values")
    try:
        return Claims(parse_object(body), what, ProtocolError)
    except ValueError as error:
        raise Refusal(400, "bad-json", f"{what}: {error}") from None


def _announced(request: Request) -> int:
    length = read_number(request.headers.get("Content-Length", "0"), MAX_INTEGER)
    if length is None:
        raise Refusal(400, "bad-length", "Content-Length must be a number of bytes")
    return length
