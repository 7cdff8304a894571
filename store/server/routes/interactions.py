"""Interactions come in here, sealed: what is not is refused before a byte of it is written."""

from __future__ import annotations

from functools import partial
from typing import Final

from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse

from protocol import api, bundle, jws
from protocol.errors import ProtocolError
from protocol.interaction import TEXT_STREAM, Received, receive
from protocol.receipt import Receipt
from store.catalog import erasure, interactions
from store.catalog.blobs import BlobFault, charged
from store.catalog.interactions import Integration
from store.catalog.queries import owners
from store.catalog.statements import bundle_of
from store.errors import Refusal
from store.server.routes.access import integration_of, services_of
from store.server.routes.bodies import body_of, read_claims
from store.server.routes.openapi import BYTES, Described
from store.server.services import Services

_BY_SIZE_OR_FORM: Final = frozenset({400, 413})


async def put_interaction(request: Request) -> JSONResponse:
    """Keep a sealed call, chat or mail. May be repeated. The receipt is signed once bytes and row are durable."""
    services, sender = services_of(request), await run_in_threadpool(integration_of, request)
    try:
        async with body_of(request, api.MAX_INTERACTION_BODY) as body:
            return JSONResponse(await run_in_threadpool(_accept, services, sender, body))
    except (Refusal, ProtocolError) as error:
        if not isinstance(error, Refusal) or error.status in _BY_SIZE_OR_FORM:
            await run_in_threadpool(services.refused.note, sender.id, error.code)
        raise


async def put_refused(request: Request) -> JSONResponse:
    """Note what an importer could not read, and so did not send: for which reason, and how many."""
    services, sender = services_of(request), await run_in_threadpool(integration_of, request)
    said = await read_claims(request, api.MAX_JSON_BODY, "refused")
    why, count = said.text("why"), said.integer("count")
    if why not in api.REFUSED_WHY or not 0 < count <= api.MOST_REFUSED:
        wanted = f"why is one of {', '.join(api.REFUSED_WHY)}, and count 1 to {api.MOST_REFUSED}"
        raise Refusal(400, "malformed", wanted)
    await run_in_threadpool(services.refused.note, sender.id, why, count)
    return JSONResponse(api.RefusedResponse(noted=True))


def _accept(services: Services, sender: Integration, body: bytes) -> api.InteractionResponse:
    with services.database.reading() as connection:
        received = receive(body, sender.id, sender.evidence_key, sender.house, partial(_readers, connection))
        at = _here(connection, received)
    new = at is None
    if at is None:
        at = services.clock()
        _write(services, received)
        if not services.writer.write(partial(_record, received=received, at=at)):
            new = False  # it came twice at once, or its erasure did
            try:
                with services.database.reading() as connection:
                    at = _here(connection, received) or at
            except Refusal:
                _take_back(services, received)
                raise
    about = received.about
    receipt = Receipt(about.id, TEXT_STREAM, 0, about.sealed, at=at, device=sender.id)
    return {"receipt": receipt.sign(services.store_key), "new": new}


def _readers(connection: Connection, revision: int) -> frozenset[str] | None:
    """Signed by whom, the importer has checked; here it only counts that the store hands this one out."""
    token = bundle_of(connection, revision)
    if token is None:
        return None
    signer = str(jws.read_header(jws.BUNDLE, token, with_key=True)["kid"])
    return frozenset(recipient.key_id for recipient in bundle.verify(token, signer).recipients)


def _here(connection: Connection, received: Received) -> int | None:
    """When these very bytes came before. Refusals: 409 exists, 410 erased."""
    name = str(received.about.id)
    if erasure.among(connection, [name]):
        raise Refusal(410, "erased", "this interaction was erased here: it is not taken again")
    if owners(connection, [received.about.id]):
        raise Refusal(409, "exists", "a recording has this id: it stays as it is")
    row = interactions.find(connection, name)
    if row is None:
        return None
    if row.statement != received.statement:
        raise Refusal(409, "exists", "an interaction with this id is here, sealed before: it stays as it is")
    came: int = row.received_at
    return came


def _write(services: Services, received: Received) -> None:
    with services.room.writing(charged(len(received.packet)) + charged(len(received.chunk))):
        try:
            for name, content in zip(
                interactions.names_of(received.about), (received.packet, received.chunk), strict=True
            ):
                services.blobs.put(name, content)
        except BlobFault as fault:
            status, code = (507, "store-full") if fault.full else (503, "store-fault")
            message = "the store could not write it: send it again later"
            raise Refusal(status, code, message, retry_after=60) from fault


def _take_back(services: Services, received: Received) -> None:
    """All that was written for it, but what one has that came before it and is not erased: both may have the same key
    packet.
    """
    name = str(received.about.id)
    with services.database.reading() as connection:
        row = None if erasure.among(connection, [name]) else interactions.find(connection, name)
        kept = interactions.names_of(interactions.said(connection, row)[0]) if row is not None else ()
    for name in interactions.names_of(received.about):
        if name not in kept:
            services.blobs.shred(name)


def _record(connection: Connection, received: Received, at: int) -> bool:
    about = received.about
    if erasure.among(connection, [str(about.id)]) or owners(connection, [about.id]):
        return False
    return interactions.keep(connection, received, at)


ROUTES: Final = (
    Described(
        "POST",
        api.INTERACTIONS,
        put_interaction,
        reads=BYTES,
        answers=api.InteractionResponse,
        refusals={
            400: "clear-body, clear-text, clear-party, too-long, misplaced, unknown-bundle, other-readers, "
            "wrong-digest, and the codes of statement, key packet and chunk",
            401: "no-key, bad-key",
            403: "withdrawn-key",
            408: "slow-body",
            409: "exists",
            410: "erased",
            413: "oversized",
            426: "agent-unsupported, unknown-critical",
            503: "busy, store-fault",
            507: "store-full",
        },
    ),
    Described(
        "POST",
        api.INTERACTIONS_REFUSED,
        put_refused,
        reads=api.RefusedRequest,
        answers=api.RefusedResponse,
        refusals={400: "malformed, bad-json", 401: "no-key, bad-key", 403: "withdrawn-key", 413: "oversized"},
    ),
)
