"""Request bodies, read within bounds: never more than the route allows, never more at once than the memory set aside.

A body is refused (413) before it is read where it says its length, and as soon as it is too long where it does not.
"""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.requests import Request

from protocol.api import CONTENT_DIGEST_HEADER, parse_content_digest
from protocol.claims import MAX_INTEGER, Claims, parse_object
from protocol.errors import ProtocolError
from protocol.numbers import read_number
from store.errors import Refusal

BODY_WITHIN: Final = 60.0  # seconds that a body may take to arrive, and more for a long one:
SLOWEST: Final = 4096  # bytes a second; an upload may be held to 50 kbit/s, by its own setting or by the line


class Intake:
    """Bytes that bodies under way may take together. Used from the event loop alone."""

    def __init__(self, capacity: int = 256 * 2**20) -> None:
        self._free = capacity

    def reserve(self, size: int) -> None:
        if size > self._free:
            raise Refusal(503, "busy", "the store is receiving as much as it can: send it again", retry_after=2)
        self._free -= size

    def release(self, size: int) -> None:
        self._free += size


async def read_body(request: Request, limit: int, *, patience: float = BODY_WITHIN) -> bytes:
    """At most `limit` bytes. Refusals: 400 bad-length, cut-short; 408 slow-body; 413 oversized; 503 busy."""
    announced = _announced(request)
    if announced is not None and announced > limit:
        raise _oversized(limit)
    intake: Intake = request.app.state.intake
    reserved = limit if announced is None else announced
    intake.reserve(reserved)
    within = patience + reserved / SLOWEST
    try:
        async with asyncio.timeout(within):
            return await _read(request, limit)
    except TimeoutError:
        raise Refusal(408, "slow-body", f"the body did not arrive within {within:.0f} s: send it again") from None
    finally:
        intake.release(reserved)


async def _read(request: Request, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise _oversized(limit)
        parts.append(part)
    return b"".join(parts)


async def read_sealed(request: Request, limit: int) -> tuple[bytes, bytes]:
    """A body and the SHA-256 (32 bytes) that its Content-Digest promises, not compared yet: that is no work for the
    event loop. Refusals: as `read_body`; 400 no-digest, bad-digest."""
    value = request.headers.get(CONTENT_DIGEST_HEADER)
    if value is None:
        raise Refusal(400, "no-digest", f"send {CONTENT_DIGEST_HEADER} with the SHA-256 of the body (RFC 9530)")
    promised = parse_content_digest(value)
    return await read_body(request, limit), promised


async def read_claims(request: Request, limit: int, what: str) -> Claims:
    """A JSON object. Refusals: as `read_body`; 400 bad-json."""
    body = await read_body(request, limit)
    try:
        return Claims(parse_object(body), what, ProtocolError)
    except ValueError as error:
        raise Refusal(400, "bad-json", f"{what}: {error}") from None


def _announced(request: Request) -> int | None:
    value = request.headers.get("Content-Length")
    if value is None:
        return None
    length = read_number(value, MAX_INTEGER)
    if length is None:
        raise Refusal(400, "bad-length", "Content-Length must be a number of bytes")
    return length


def _oversized(limit: int) -> Refusal:
    return Refusal(413, "oversized", f"the body is larger than the {limit} bytes allowed here")
