"""The HTTP application: routes, one shape for every refusal, the store's Date on every answer, a quiet log."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from importlib.metadata import version
from typing import Any, Final

from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from protocol.api import AGENT_UNSUPPORTED, MAX_CHUNK_BODY, RECORDING, UNKNOWN_CRITICAL, VERSION
from protocol.claims import MAX_INTEGER
from protocol.errors import ProtocolError
from protocol.numbers import read_number
from store.catalog.writer import WriterClosed
from store.clock import SECOND, Clock
from store.errors import Refusal
from store.server.auth import read_bearer
from store.server.connections import LOCAL, PER_ADDRESS, is_loopback, local_share, network
from store.server.log import say
from store.server.routes import account, devices, health, interactions, openapi, recordings
from store.server.routes.bodies import Intake
from store.server.services import Services
from store.server.turns import CHUNKS, REST, strangers

Answered = Callable[[str, int, float], None]
"""Method and template of the route, status, seconds."""

_INFO: Final = {
    "title": "Eyelid store",
    "description": "Takes sealed recordings and signed accounts from enrolled devices. It can open neither.",
}
_CHUNKS: Final = RECORDING.partition("{")[0]
_TOO_NEW: Final = {"unknown-version": AGENT_UNSUPPORTED, "unknown-suite": AGENT_UNSUPPORTED} | {
    UNKNOWN_CRITICAL: UNKNOWN_CRITICAL  # 426 and not 400: what is refused for good the agent sets aside
}
_OTHER_API: Final = re.compile(rf"/(?!{VERSION}/)(v[0-9]{{1,4}})/")


def create_app(
    services: Services,
    intake: Intake | None = None,
    answered: Answered = lambda *_: None,
    *,
    per_address: int = PER_ADDRESS,
    counts_loopback: bool = False,
) -> Starlette:
    """The application over the services, which the caller closes. Its OpenAPI description is at /openapi.json.

    `answered` is called for every request, from the event loop. `per_address`: connections that one may have.
    `counts_loopback`: whether the loopback has only what any other address has, and not its own share.

    There is no page that shows it: those load their scripts from elsewhere, and a store may have no way there.
    """
    # Nearly every request is a chunk: its route is looked at first.
    routes = (*recordings.ROUTES, *devices.ROUTES, *account.ROUTES, *health.ROUTES, *interactions.ROUTES)
    # One object for all who take it, however slowly (store/server/connections.py).
    description = bytes(JSONResponse(openapi.document(_INFO | {"version": version("eyelid")}, routes)).body)

    async def described(request: Request) -> Response:  # noqa: ARG001 - the shape of every endpoint
        return Response(description, media_type="application/json")

    app = Starlette(
        routes=[*routes, Route("/openapi.json", described)],
        middleware=[
            Middleware(_Envelope, clock=services.clock, answered=answered),
            Middleware(_InTurn, services=services, per_address=per_address, counts_loopback=counts_loopback),
        ],
        exception_handlers=_ANSWERS,
    )
    app.state.services = services
    app.state.intake = intake or Intake()
    return app


def _problem(
    status: int, code: str, message: str, headers: dict[str, str] | None = None, **extra: object
) -> JSONResponse:
    return JSONResponse({"error": code, "message": message, **extra}, status, headers)


async def _refused(request: Request, error: Refusal) -> JSONResponse:
    return _refusal(request, error)


def _refusal(request: Request, error: Refusal) -> JSONResponse:
    headers = {}
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    request.state.code = error.code
    return _problem(error.status, error.code, error.message, headers, **error.extra)


async def _not_protocol(request: Request, error: ProtocolError) -> JSONResponse:
    if error.code in _TOO_NEW:
        request.state.code = code = _TOO_NEW[error.code]
        return _problem(426, code, f"{error}: upgrade the store first")
    request.state.code = error.code
    return _problem(400, error.code, str(error))


async def _no_route(request: Request, error: HTTPException) -> JSONResponse:
    spoken = _OTHER_API.match(request.url.path)
    if error.status_code == 404 and spoken:
        request.state.code = AGENT_UNSUPPORTED
        message = f"this store speaks {VERSION} of the API and not {spoken[1]}: install versions that are neighbours"
        return _problem(426, AGENT_UNSUPPORTED, message)
    request.state.code = code = {404: "no-such-path", 405: "no-such-method"}.get(error.status_code, "refused")
    return _problem(error.status_code, code, "see /openapi.json for what there is", dict(error.headers or {}))


async def _database_fault(request: Request, error: SQLAlchemyError) -> JSONResponse:
    request.state.code = "database-fault"
    say("database-fault", logging.ERROR, reason=str(getattr(error, "orig", type(error).__name__)))
    return _problem(503, "database-fault", "the catalog cannot be written now: send it again", {"Retry-After": "10"})


async def _closing(request: Request, error: WriterClosed) -> JSONResponse:
    request.state.code = "closing"
    return _problem(503, "closing", str(error), {"Retry-After": "5"})


async def _gone(request: Request, error: ClientDisconnect) -> JSONResponse:  # noqa: ARG001 - the shape of every such function
    request.state.code = "cut-short"
    return _problem(400, "cut-short", "the connection ended before the body did: send it again")


async def _broken(request: Request, error: Exception) -> JSONResponse:
    request.state.code = "broken"
    say("broken", logging.ERROR, kind=type(error).__name__)
    return _problem(500, "broken", "the store failed at this: its log says how")


_ANSWERS: Final[dict[type[Exception], Callable[[Request, Any], Awaitable[JSONResponse]]]] = {
    Refusal: _refused,
    ProtocolError: _not_protocol,
    HTTPException: _no_route,
    SQLAlchemyError: _database_fault,
    WriterClosed: _closing,
    ClientDisconnect: _gone,
    Exception: _broken,
}


class _Envelope:
    """Dates every answer by the store's clock (PCs set their tokens' times by it) and logs every request once."""

    def __init__(self, app: ASGIApp, clock: Clock, answered: Answered) -> None:
        self._app = app
        self._clock = clock
        self._answered = answered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})
        begun = time.perf_counter()
        status = 0

        async def dated(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["Date"] = formatdate(self._clock() // SECOND, usegmt=True)
                headers["Cache-Control"] = "no-store"
            await send(message)

        try:
            await self._app(scope, receive, dated)
        finally:
            route = f"{scope['method']} {getattr(scope.get('route'), 'path', '-')}"
            lasted = time.perf_counter() - begun
            facts: dict[str, object] = {"route": route, "status": status, "ms": round(lasted * 1000, 1)}
            facts |= {name: scope["state"][name] for name in ("device", "code") if name in scope["state"]}
            self._answered(route, status, lasted)
            say("request", logging.DEBUG if status < 400 else logging.WARNING, **facts)


class _InTurn:
    """Lets each request in when it is its sender's turn (store/server/turns.py), before a byte of its body is read."""

    def __init__(self, app: ASGIApp, services: Services, per_address: int, counts_loopback: bool) -> None:
        self._app = app
        self._services = services
        self._turns = services.turns
        self._stranger, self._local = strangers(per_address), strangers(local_share(per_address))
        self._counts_loopback = counts_loopback

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request = Request(scope)
            try:
                await self._wait(request)
            except Refusal as refusal:
                await _refusal(request, refusal)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _wait(self, request: Request) -> None:
        # Every body says its length (store/server/connections.py).
        length = read_number(request.headers.get("Content-Length", "0"), MAX_INTEGER) or 0
        try:
            key = read_bearer(self._services, request.headers.get("Authorization"))
        except Refusal:
            if request.client is None or not request.client.host:  # over a socket of this machine
                return
            key, allowance = network(request.client.host), self._stranger
            if is_loopback(key) and not self._counts_loopback:  # a proxy, or any user of this machine
                key, allowance = LOCAL, self._local
        else:
            request.state.device = key
            chunk = request.url.path.startswith(_CHUNKS)
            allowance = CHUNKS if chunk else REST
        await self._turns.wait(key, allowance, allowance.units(min(length, MAX_CHUNK_BODY)))
