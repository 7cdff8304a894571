"""Sealed bytes come in here, and receipts go out."""

from __future__ import annotations

import logging
from typing import Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse

from protocol import api
from protocol.envelope import KEY_PACKET_STREAM
from protocol.numbers import read_number
from store.errors import Refusal
from store.server.ingest import Arrival, accept
from store.server.log import say
from store.server.routes.access import sender_of, services_of
from store.server.routes.bodies import body_of, promised_digest
from store.server.routes.openapi import BYTES, Described

_LAST: Final = 2**63 - 1  # sequence


async def put_sealed(request: Request) -> JSONResponse:
    """Keep a sealed chunk, or a key packet (stream 65535, sequence 0). May be repeated; may come in any order.

    Needs Content-Digest (RFC 9530, sha-256). The receipt is signed once bytes and row are durable.
    """
    services, sender = services_of(request), sender_of(request)
    recording = _uuid(request, "recording")
    stream, sequence = _number(request, "stream", KEY_PACKET_STREAM), _number(request, "sequence", _LAST)
    limit = api.MAX_PACKET_BODY if stream == KEY_PACKET_STREAM else api.MAX_CHUNK_BODY
    promised = promised_digest(request).hex()
    async with body_of(request, limit) as body:  # its room is given back once it is on disk
        accepted = await accept(services, Arrival(sender, recording, stream, sequence, body, promised))
    if accepted.alarm:
        say("alarm", logging.WARNING, code=accepted.alarm, device=sender, stream=stream, sequence=sequence)
    receipt: api.ReceiptResponse = {"receipt": accepted.receipt}
    return JSONResponse(receipt)


def _uuid(request: Request, name: str) -> UUID:
    try:
        return UUID(request.path_params[name])
    except ValueError:
        raise _bad_path(name) from None


def _number(request: Request, name: str, most: int) -> int:
    text: str = request.path_params[name]
    number = read_number(text, most)
    if number is None:
        raise _bad_path(name)
    return number


def _bad_path(name: str) -> Refusal:
    # What was sent is not repeated.
    return Refusal(400, "bad-path", f"the path is none of this store's: see {name}")


ROUTES: Final = (
    Described(
        "PUT",
        api.RECORDING,
        put_sealed,
        reads=BYTES,
        answers=api.ReceiptResponse,
        refusals={
            400: "no-digest, bad-digest, wrong-digest, misplaced, bad-path, and the envelope's and key packet's codes",
            401: "no-token, bad-token, expired-token",
            403: "foreign-recording, unknown-device, device-revoked",
            408: "slow-body",
            409: "no-key-packet: send stream 65535, sequence 0 first",
            413: "oversized",
            426: "agent-unsupported, unknown-critical",
            503: "busy, store-fault",
            507: "store-full, over-quota, too-many-bodies",
        },
        path_schemas={
            "recording": {"type": "string", "format": "uuid"},
            "stream": {"type": "integer", "minimum": 0, "maximum": KEY_PACKET_STREAM},
            "sequence": {"type": "integer", "minimum": 0, "maximum": _LAST},
        },
    ),
)
