"""Sign-in and sessions over HTTP: JSON in and out, the session in a cookie that only this host gets.

What a page elsewhere makes a browser send is refused by where it comes from (Origin, Sec-Fetch-Site), before anything
is read. Every refusal is one JSON object, and none says whether somebody is known.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Final

import anyio
from anyio.to_thread import run_sync
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from protocol.claims import Claims
from protocol.errors import ProtocolError
from review.people import passkeys, passwords
from review.people.oidc import Provider
from review.people.passkeys import Passkeys
from review.people.passwords import Passwords
from review.people.service import PROVIDER, Begun, Failed, People, Session
from review.people.states import SessionState, Use
from store.errors import Refusal
from store.server.connections import is_loopback, network
from store.server.log import say
from store.server.routes.bodies import Intake, read_claims
from store.server.turns import Allowance, Turns

SESSION: Final = "__Host-eyelid-session"
FLOW: Final = "__Host-eyelid-flow"  # of a sign-in under way
KNOWN: Final = "__Host-eyelid-known"
LARGEST: Final = 2**16  # bytes of a body
ATTEMPTS: Final = Allowance(rate=0.5, burst=60)  # of an address: sign-ins, each of which costs an entry in the log
FORGED: Final = Allowance(rate=1 / 60, burst=1)
_HASHES: Final = 2  # passwords at a time, of 64 MiB each
_JUDGED: Final = 1  # new ones at a time: each may take a second, which no sign-in waits for
_WAITING: Final = 32


class _Json(JSONResponse):
    """That no cache keeps."""

    def init_headers(self, headers: Any = None) -> None:
        super().init_headers({"Cache-Control": "no-store", **(headers or {})})


class SignIn:
    """What the routes share."""

    def __init__(self, people: People, *, guesses: Passwords | None = None) -> None:
        self.people = people
        self.passwords = guesses or Passwords(people)
        self.passkeys = Passkeys(people)
        self.providers = {name: Provider(name, one, people) for name, one in people.settings.providers.items()}
        self.hashes, self.judged = anyio.CapacityLimiter(_HASHES), anyio.CapacityLimiter(_JUDGED)
        self.turns = Turns()


def create_app(sign_in: SignIn) -> Starlette:
    app = Starlette(routes=ROUTES, exception_handlers=ANSWERS)
    share(app, sign_in)
    return app


def share(app: Starlette, sign_in: SignIn) -> None:
    """What these routes need of the application that they are in."""
    app.state.sign_in = sign_in
    app.state.intake = Intake()


# -- who asks ---------------------------------------------------------------------------------------------------------


def _parts(request: Request) -> SignIn:
    parts: SignIn = request.app.state.sign_in
    return parts


def origin_of(request: Request) -> str:
    """Where it came from, for the log."""
    return request.client.host if request.client else "-"


def refuse_foreign(request: Request) -> None:
    said = request.headers.get("Origin")
    here = _parts(request).people.settings.address
    if said != here if said is not None else request.headers.get("Sec-Fetch-Site") != "same-origin":
        raise Refusal(403, "cross-origin", f"this is asked from pages of {here} alone")


async def _in_turn(request: Request) -> None:
    """Refusals: 429 too-many."""
    address = origin_of(request)
    if address != "-" and not is_loopback(address):  # behind a proxy of one's own all are one
        await _parts(request).turns.wait(network(address), ATTEMPTS)


async def posted(request: Request, *, attempt: bool = False, largest: int = LARGEST) -> Claims:
    """The JSON that a page of the console sends. Refusals: 403 cross-origin, 415 no-json, as `read_claims`."""
    refuse_foreign(request)
    if attempt:
        await _in_turn(request)
    if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refusal(415, "no-json", "send application/json")
    return await read_claims(request, largest, "the body")


async def session_of(request: Request, use: Use = Use.CONSOLE, *, acts: bool = True) -> Session:
    """Of the cookie. `acts`, refusals: as `People.session`. An unknown token is in the log, once a minute at most."""
    parts, token, origin = _parts(request), request.cookies.get(SESSION, ""), origin_of(request)
    try:
        return await run_sync(partial(parts.people.session, token, use, acts=acts))
    except Refusal as refusal:
        sender = network(origin) if request.client else origin
        if token and refusal.code == "no-session" and parts.turns.is_free(sender, FORGED):
            await run_sync(parts.people.refusal, "session", Failed("no-session"), origin)
        raise


def _cookie(response: Response, name: str, value: str, seconds: int) -> None:
    response.set_cookie(name, value, max_age=seconds, path="/", secure=True, httponly=True, samesite="lax")


def _begun(response: Response, begun: Begun) -> Response:
    _cookie(response, SESSION, begun.token, (begun.session.ends_at - begun.session.began_at) // 10**9)
    response.delete_cookie(FLOW, path="/", secure=True, httponly=True, samesite="lax")
    return response


def _answer(begun: Begun) -> Response:
    return _begun(_Json({"state": begun.session.state, "person": begun.session.person}), begun)


# -- signing in -------------------------------------------------------------------------------------------------------


async def _join(request: Request) -> Response:
    link = (await posted(request, attempt=True)).text("link")
    begun = await run_sync(_parts(request).people.join, link, origin_of(request), request.cookies.get(SESSION, ""))
    return _answer(begun)


async def _enter(
    request: Request, method: str, prove: Callable[[], Awaitable[Any]], response: Response | None = None
) -> Response:
    people, origin = _parts(request).people, origin_of(request)
    try:
        proof = await prove()
        begun = await run_sync(people.sign_in, proof, origin, request.cookies.get(SESSION, ""))
    except Failed as failed:
        raise await run_sync(people.refusal, method, failed, origin) from None
    return _answer(begun) if response is None else _begun(response, begun)


async def _password(request: Request) -> Response:
    body, parts = await posted(request, attempt=True), _parts(request)
    if parts.hashes.statistics().tasks_waiting >= _WAITING:
        raise Refusal(503, "busy", "too many sign in at once: try again", retry_after=5)
    words = (body.text("person"), body.text("password"), body.text("code"), request.cookies.get(KNOWN, ""))
    prove = partial(parts.passwords.prove, *words, origin_of(request))
    response = await _enter(request, passwords.METHOD, lambda: run_sync(prove, limiter=parts.hashes))
    known = parts.passwords.remember(words[0].lower())
    _cookie(response, KNOWN, known, passwords.KNOWN_LASTS // 10**9)
    return response


async def _ask_passkey(request: Request) -> Response:
    await posted(request, attempt=True)
    options, flow = _parts(request).passkeys.ask()
    return _with_flow(options, flow)


def _with_flow(answer: dict[str, Any], flow: str) -> Response:
    response = _Json(answer)
    _cookie(response, FLOW, flow, 600)
    return response


async def _passkey(request: Request) -> Response:
    body = await posted(request, attempt=True)
    prove = partial(_parts(request).passkeys.prove, request.cookies.get(FLOW, ""), _credential(body))
    return await _enter(request, passkeys.METHOD, lambda: run_sync(prove))


def _credential(body: Claims) -> dict[str, Any]:
    inner = body.object("credential")
    return {name: inner._values[name] for name in inner.names()}  # noqa: SLF001 - as it came, for the library


def _provider(request: Request) -> Provider:
    found = _parts(request).providers.get(request.path_params["name"])
    if found is None:
        raise Refusal(404, "no-provider", "there is no provider of this name")
    return found


async def _begin_oidc(request: Request) -> Response:
    await posted(request, attempt=True)
    url, flow = await _provider(request).begin()
    return _with_flow({"url": url}, flow)


async def _finish_oidc(request: Request) -> Response:
    """The browser comes from the provider's pages: the flow's cookie and its state say that it was sent there."""
    provider = _provider(request)
    await _in_turn(request)
    prove = partial(provider.finish, request.cookies.get(FLOW, ""), dict(request.query_params))
    return await _enter(request, PROVIDER, prove, RedirectResponse("/", 303))


# -- a session --------------------------------------------------------------------------------------------------------


async def _who(request: Request) -> Response:
    session = await session_of(request)
    person = await run_sync(_parts(request).people.person, session)
    return _Json(
        {
            "person": person.id,
            "roles": sorted({grant.role for grant in person.grants}),
            "teams": sorted({team for grant in person.grants for team in grant.teams}),
            **_facts(session, session),
        }
    )


def _facts(session: Session, own: Session) -> dict[str, object]:
    names = ("id", "method", "origin", "began_at", "seen_at", "ends_at")
    return {name: getattr(session, name) for name in names} | {"this": session.id == own.id}


async def _sessions(request: Request) -> Response:
    own = await session_of(request)
    found = await run_sync(_parts(request).people.sessions, own.person)
    return _Json({"sessions": [_facts(one, own) for one in found]})


async def _end_sessions(request: Request) -> Response:
    """`sessions`: ids of one's own; others are none of these, and end nothing."""
    body, own = await posted(request), await session_of(request)
    ids = [one for one in body.texts("sessions") if one.isalnum()]
    ended = await run_sync(_parts(request).people.end, own.person, ids)
    return _Json({"ended": ended})


async def _sign_out(request: Request) -> Response:
    await posted(request)
    own = await session_of(request, Use.ENROL)
    await run_sync(_parts(request).people.end, own.person, [own.id])
    response = _Json({"state": SessionState.ENDED})
    response.delete_cookie(SESSION, path="/", secure=True, httponly=True, samesite="lax")
    return response


async def _offer_passkey(request: Request) -> Response:
    await posted(request)
    own = await session_of(request, Use.ENROL)
    return _with_flow(*await run_sync(_parts(request).passkeys.offer, own))


async def _add_passkey(request: Request) -> Response:
    body, own = await posted(request), await session_of(request, Use.ENROL)
    words = (own, request.cookies.get(FLOW, ""), _credential(body), origin_of(request))
    return _answer(await run_sync(_parts(request).passkeys.add, *words))


async def _propose_password(request: Request) -> Response:
    body, own, parts = await posted(request), await session_of(request, Use.ENROL), _parts(request)
    proposed = await run_sync(parts.passwords.propose, own, body.text("password"), limiter=parts.judged)
    return _Json(proposed)


async def _set_password(request: Request) -> Response:
    body, own = await posted(request), await session_of(request, Use.ENROL)
    words = (own, body.text("pending"), body.text("code"), origin_of(request))
    return _answer(await run_sync(_parts(request).passwords.confirm, *words))


ROUTES: Final[Sequence[Route]] = (
    Route("/v1/session", _who),
    Route("/v1/sessions", _sessions),
    Route("/v1/sessions/end", _end_sessions, methods=["POST"]),
    Route("/v1/sign-out", _sign_out, methods=["POST"]),
    Route("/v1/join", _join, methods=["POST"]),
    Route("/v1/password", _password, methods=["POST"]),
    Route("/v1/password/new", _propose_password, methods=["POST"]),
    Route("/v1/password/set", _set_password, methods=["POST"]),
    Route("/v1/passkey/ask", _ask_passkey, methods=["POST"]),
    Route("/v1/passkey", _passkey, methods=["POST"]),
    Route("/v1/passkey/new", _offer_passkey, methods=["POST"]),
    Route("/v1/passkey/add", _add_passkey, methods=["POST"]),
    Route("/v1/oidc/{name}", _begin_oidc, methods=["POST"]),
    Route("/v1/oidc/{name}/callback", _finish_oidc),
)


# -- refusals ---------------------------------------------------------------------------------------------------------


async def problem(_request: Request, error: Exception) -> Response:
    status, code, message = 503, "broken", "this could not be done, and nothing was: try again later"
    headers: dict[str, str] = {}
    match error:
        case Refusal():
            status, code, message = error.status, error.code, error.message
            headers = {"Retry-After": str(error.retry_after)} if error.retry_after else {}
        case ProtocolError():
            status, code, message = 400, error.code, str(error)
        case HTTPException(status_code=status):
            code, message = "no-such-path" if status == 404 else "refused", "there is no such thing"
        case ClientDisconnect():
            status, code, message = 400, "cut-short", "the connection ended before the body did: send it again"
        case _:
            broken(error)
    return _Json({"error": code, "message": message}, status, headers)


def broken(error: Exception) -> None:
    say("broken", logging.ERROR, kind=type(error).__name__)


ANSWERS: Final[dict[Any, Callable[[Request, Any], Awaitable[Response]]]] = dict.fromkeys(
    (Refusal, ProtocolError, HTTPException, ClientDisconnect, Exception), problem
)
