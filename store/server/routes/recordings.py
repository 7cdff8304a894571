"""Sealed bytes come in here, and receipts go out."""

from __future__ import annotations

import logging
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse

from protocol import api
from protocol.envelope import KEY_PACKET_STREAM
from store.server.depot import Depot
from store.server.ingest import Arrival, accept
from store.server.log import say
from store.server.routes.access import CurrentDepot, CurrentSender
from store.server.routes.bodies import read_sealed
from store.server.routes.shapes import answers

router = APIRouter(tags=["recordings"])

_SEALED = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.put(
    api.RECORDING,
    openapi_extra=_SEALED,
    responses=answers(
        api.ReceiptResponse,
        {
            400: "no-digest, bad-digest, wrong-digest, misplaced, bad-path, and the envelope's and key packet's codes",
            401: "no-token, bad-token, expired-token",
            403: "foreign-recording, unknown-device, device-revoked",
            408: "slow-body",
            409: "no-key-packet: send stream 65535, sequence 0 first",
            413: "oversized",
            426: "agent-unsupported",
            503: "busy, store-fault",
            507: "store-full",
        },
    ),
)
async def put_sealed(  # noqa: PLR0917 - FastAPI fills them by name
    request: Request,
    recording: UUID,
    stream: Annotated[int, Path(ge=0, le=KEY_PACKET_STREAM)],
    sequence: Annotated[int, Path(ge=0, le=2**63 - 1)],
    depot: CurrentDepot,
    sender: CurrentSender,
) -> JSONResponse:
    """Keep a sealed chunk, or a key packet (stream 65535, sequence 0). May be repeated; may come in any order.

    Needs Content-Digest (RFC 9530, sha-256). The receipt is signed once bytes and row are durable.
    """
    return await receive_sealed(request, depot, sender, (recording, stream, sequence))


async def receive_sealed(request: Request, depot: Depot, sender: str, name: tuple[UUID, int, int]) -> JSONResponse:
    """The request's body under this name (recording, stream, sequence), from a device that has shown its token."""
    recording, stream, sequence = name
    limit = api.MAX_PACKET_BODY if stream == KEY_PACKET_STREAM else api.MAX_CHUNK_BODY
    body, promised = await read_sealed(request, limit)
    accepted = await accept(depot, Arrival(sender, recording, stream, sequence, body, promised.hex()))
    if accepted.alarm:
        say("alarm", logging.WARNING, code=accepted.alarm, device=sender, stream=stream, sequence=sequence)
    receipt: api.ReceiptResponse = {"receipt": accepted.receipt}
    return JSONResponse(receipt)
