"""Devices: enrolment, tokens, and their minute's health."""

from __future__ import annotations

import json
from typing import Final

from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from protocol import api
from protocol.application import Application
from protocol.claims import Claims
from protocol.envelope import KEY_PACKET_STREAM
from protocol.errors import ProtocolError
from protocol.ledger import MAX_TEXT
from protocol.numbers import read_number
from protocol.report import DeviceReport
from store.catalog import reported, schema
from store.catalog.inserting import put
from store.catalog.queries import Device, ledger_head
from store.catalog.statements import location, newest_revision
from store.errors import Refusal
from store.server.auth import issue_token, read_assertion
from store.server.enrolment import enrol
from store.server.entries import MOST_STREAMS
from store.server.routes.access import check_agent, device_of, services_of
from store.server.routes.bodies import read_claims
from store.server.routes.openapi import Described
from store.server.services import Services
from store.server.turns import TOKENS

_MOST_HOLDS: Final = 32  # there are ten
_MOST_TROUBLES: Final = 128  # there are some forty


async def enroll(request: Request) -> Response:
    """Make a device known by its two public keys, each of which has signed this; takes one use of the token."""
    check_agent(request)
    claims = await read_claims(request, api.MAX_JSON_BODY, "enrolment")
    services = services_of(request)
    return services.bundles.answer(await run_in_threadpool(enrol, services, Application.verify(claims)))


async def token(request: Request) -> JSONResponse:
    """A bearer token for ten minutes, against a one-time assertion (private_key_jwt) of the device."""
    check_agent(request)
    claims = await read_claims(request, api.MAX_JSON_BODY, "token request")
    services = services_of(request)
    asked = await run_in_threadpool(read_assertion, services, claims.text("assertion"))
    await services.turns.wait(asked.device, TOKENS)
    return JSONResponse(await run_in_threadpool(issue_token, services, asked))


async def device_health(request: Request) -> JSONResponse:
    """How the PC is, and the heads of what it has sealed: a tail cut off later is then missed, whatever the PC reports
    after that. Of its health the last report is kept, of its heads all that has not come."""
    sender = await run_in_threadpool(device_of, request)
    if request.path_params["device"] != sender.id:
        raise Refusal(403, "foreign-device", "a device reports its own health alone")
    claims = await read_claims(request, api.MAX_JSON_BODY, "health")
    return JSONResponse(await run_in_threadpool(_keep_health, services_of(request), sender, _health(claims, sender)))


def _head(claims: Claims) -> api.StreamHead:
    return {"next": claims.integer("next"), "head": claims.hex256("head")}


def _health(claims: Claims, sender: Device) -> api.DeviceHealthRequest:
    heads = claims.object("heads")
    health: api.DeviceHealthRequest = {
        "wall": claims.integer("wall"),
        "agent_version": _short(claims, "agent_version", claims.text("agent_version")),
        "heads": {stream: _head(heads.object(stream)) for stream in _streams(heads)},
        "ledger": _head(claims.object("ledger")),
        "holds": _codes(claims, "holds", _MOST_HOLDS),
        "pending_chunks": claims.integer("pending_chunks"),
        "pending_bytes": claims.integer("pending_bytes"),
        "bundle_revision": claims.integer("bundle_revision"),
    }
    if claims.has("recording"):
        health["recording"] = str(claims.uuid("recording"))
    if claims.has("policy"):
        health["policy"] = claims.hex256("policy")
    if claims.has("location"):
        health["location"] = claims.integer("location")
    if claims.has("troubles"):
        health["troubles"] = _codes(claims, "troubles", _MOST_TROUBLES)
    if claims.has("report"):
        health["report"] = claims.text("report")
        _check_report(health["report"], sender)
    return health


def _check_report(token: str, sender: Device) -> None:
    if DeviceReport.verify(token, sender.evidence_key).device != sender.id:
        raise ProtocolError("bad-field", "health: its `report` is another device's")


def _codes(claims: Claims, name: str, most: int) -> list[str]:
    codes = claims.texts(name)
    if len(codes) > most:
        raise claims.refuse(name, f"at most {most} texts")
    return [_short(claims, name, code) for code in codes]


def _short(claims: Claims, name: str, text: str) -> str:
    if len(text) > MAX_TEXT:
        raise claims.refuse(name, f"of at most {MAX_TEXT} characters")
    return text


def _streams(heads: Claims) -> tuple[str, ...]:
    streams = heads.names()
    if len(streams) > MOST_STREAMS:
        raise ProtocolError("bad-field", f"health: `heads` must have at most {MOST_STREAMS} streams")
    for stream in streams:
        if str(read_number(stream, KEY_PACKET_STREAM - 1)) != stream:
            raise ProtocolError("bad-field", "health: `heads` must go by stream number")
    return streams


def _keep_health(services: Services, device: Device, health: api.DeviceHealthRequest) -> api.DeviceHealthResponse:
    services.room.check(account=True)
    body = json.dumps(health, ensure_ascii=False, separators=(",", ":"))
    at = services.clock()

    def write(connection: Connection) -> None:
        put(connection, schema.health, device=device.id, at=at, body=body)
        reported.keep(connection, device.id, health, at)

    services.writer.write(write)
    with services.database.reading() as connection:
        revision = newest_revision(connection)
        head = ledger_head(connection, device.id)
        place = location(connection)
    answer: api.DeviceHealthResponse = {
        "bundle_revision": revision or 0,
        "ledger": {"next": head.next, "head": head.head},
    }
    if place is not None:
        answer["location"] = place[0]
    return answer


ROUTES: Final = (
    Described(
        "POST",
        api.ENROLL,
        enroll,
        reads=api.EnrollRequest,
        answers=api.EnrollResponse,
        refusals={
            400: "bad-json, bad-field, bad-key, same-key, unproven-key",
            403: "other-store, unknown-enrolment, withdrawn-enrolment, expired-enrolment, used-up-enrolment, "
            "device-revoked",
            409: "key-taken",
            426: "agent-unsupported, unknown-critical",
        },
    ),
    Described(
        "POST",
        api.TOKEN,
        token,
        reads=api.TokenRequest,
        answers=api.TokenResponse,
        refusals={
            400: "bad-json, bad-field, malformed, wrong-type, wrong-algorithm, bad-signature",
            401: "wrong-time, replayed-assertion",
            403: "unknown-device, device-revoked",
            426: "agent-unsupported, unknown-critical",
        },
    ),
    Described(
        "PUT",
        api.DEVICE_HEALTH,
        device_health,
        reads=api.DeviceHealthRequest,
        answers=api.DeviceHealthResponse,
        refusals={
            400: "bad-json, bad-field, malformed, wrong-type, wrong-algorithm, wrong-signer, bad-signature",
            401: "no-token, bad-token, expired-token",
            403: "foreign-device, unknown-device, device-revoked",
            426: "agent-unsupported, unknown-critical",
            507: "store-full",
        },
    ),
)
