"""What the player asks of the console: who may play what, ciphertext, and what the custodian answers, unchanged.

The player stands on an origin of its own; pages of that origin alone get these answers. Each request needs a session,
and rights are asked anew. No key passes here that the console could use (docs/custodian.md).
"""

from __future__ import annotations

import os
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, Final
from uuid import UUID

import anyio
from anyio.from_thread import run as run_async
from anyio.to_thread import run_sync
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from protocol import base64url, personal
from protocol.claims import Claims, parse_object
from protocol.envelope import SCENE_STREAM
from protocol.errors import ProtocolError
from review.audit.kinds import MOST
from review.audit.kinds import Act as Noted
from review.exchange import exchange
from review.governance.model import Act, Question, Rendition
from review.governance.narrowing import approves_by_taken, needs_taken
from review.people.routes import LARGEST, origin_of, session_of
from review.people.service import Session
from review.player.source import Source, routes
from review.requests.reviews import Seen
from review.reviews import Statement
from review.search.facts import Listed, Whose, read
from review.search.find import Finder
from review.web import auditor, recording
from review.web.wanted import NOT_HERE, wanted_id
from store.errors import Refusal
from store.evidence.earlier import Earlier
from store.evidence.isolation import Unreadable, isolated
from store.server.routes.bodies import read_claims
from store.server.turns import Allowance

PATHS: Final = re.compile(
    r"/v1/(custodian|recordings/[^/]+/(opening|comments|transcript|player/.+)|reviews/[^/]+/[^/]+/list)"
)
ASKS: Final = Allowance(rate=2, burst=60)  # of a person: an opening asks three times
AT_ONCE: Final = 16  # of the 32 connections that the custodian takes of this user
KEPT: Final = 64  # recordings that are being played: of more, those that were asked for last
WITHIN: Final = 10.0  # s for all that a page asks of a sample
_DAY: Final = 24 * 3600
_NO_PAPERS: Final = {
    "not-closed": "its device has not signed its end yet: a recording that goes on is not opened",
    "no-papers": "what the store signs of it cannot be had now",
}


@dataclass(frozen=True, slots=True)
class Playing:
    """What was read of a recording when somebody began to open it."""

    whose: Whose
    start: int
    source: Source


@dataclass
class Custody:
    """`socket`: the custodian's. `papers`: what `eyelid-store papers` prints of a recording. `compliance`: fingerprint.

    `papers` gives a refusal, with `error` and `message`, of a recording that has none yet.
    """

    socket: Path
    papers: Callable[[UUID], dict[str, Any]]
    compliance: str
    limit: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(AT_ONCE))
    _kept: OrderedDict[tuple[str, UUID], Playing] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def draws(self, review: str, month: str) -> list[str] | None:
        """What the custodian drew. Refusals: 503 no-custodian."""
        try:
            answer = exchange(self.socket, "drawn", purpose=review, month=month)
            drawn = Claims(answer, "what was drawn", ProtocolError)
            return None if answer.get("drawn", 0) is None else list(drawn.texts("drawn"))
        except (OSError, ValueError):
            raise Refusal(503, "no-custodian", "the custodian does not answer") from None

    def left(self, wanted: UUID, purposes: Sequence[str], person: str) -> dict[str, dict[str, Any]]:
        """Purpose -> what is left of its sample for them, as the custodian says; `error` where it does not. Its papers
        are asked once, and all together takes WITHIN at most. Not verified here: the player's page does that.
        """
        until = time.monotonic() + WITHIN
        papers = self.papers(wanted) if purposes else {}
        return {one: self._left(wanted, one, person, papers, until) for one in purposes}

    def _left(self, wanted: UUID, purpose: str, person: str, papers: dict[str, Any], until: float) -> dict[str, Any]:
        if "error" in papers:
            return {"error": papers["error"]}
        asked = {"recording": str(wanted), "purpose": purpose, "person": person, "papers": papers,
                 "nonce": base64url.encode(os.urandom(16))}  # fmt: skip
        try:
            if (within := until - time.monotonic()) <= 0:
                return {"error": "no-custodian"}
            answer = exchange(self.socket, "sampled", within=within, **asked)
            if "error" in answer:
                return {"error": answer["error"]}
            return parse_object(base64url.decode(str(answer["sampled"]).split(".")[1]))
        except (OSError, ValueError, LookupError):
            return {"error": "no-custodian"}

    def keep(self, session: str, wanted: UUID, playing: Playing) -> None:
        with self._lock:
            self._kept[session, wanted] = playing
            self._kept.move_to_end((session, wanted))
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)

    def kept(self, session: str, wanted: UUID) -> Playing | None:
        with self._lock:
            if (session, wanted) in self._kept:
                self._kept.move_to_end((session, wanted))
            return self._kept.get((session, wanted))

    def forget(self, session: str) -> None:
        """What was played in a session that ended."""
        with self._lock:
            for one in [one for one in self._kept if one[0] == session]:
                del self._kept[one]


class ForPlayer:
    """Answers on `PATHS` are for pages of `origin` alone; without one there are none."""

    def __init__(self, app: ASGIApp, *, origin: str) -> None:
        self._app, self._origin = app, origin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["path"].isprintable():
            # Of a path that ends with a line feed a route says that it fits, and `PATHS` that it does not.
            facts = {"error": "no-such-path", "message": "there is no such path"}
            await JSONResponse(facts, 404)(scope, receive, send)
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        if not PATHS.fullmatch(scope["path"]):
            if _is_part_of_another(request):
                facts = {"error": "cross-origin", "message": "no page elsewhere has this as a part of it"}
                await JSONResponse(facts, 403)(scope, receive, send)
                return
            await self._app(scope, receive, send)
            return
        if not self._origin or request.headers.get("Origin") != self._origin:
            facts = {"error": "cross-origin", "message": "this is asked from the player's pages alone"}
            await JSONResponse(facts, 403)(scope, receive, send)
            return

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Access-Control-Allow-Origin"] = self._origin
                headers["Access-Control-Allow-Credentials"] = "true"
                headers["Vary"] = "Origin"
            await send(message)

        if request.method == "OPTIONS":
            allowed = {"Access-Control-Allow-Methods": "GET, POST", "Access-Control-Allow-Headers": "content-type",
                       "Access-Control-Max-Age": str(_DAY)}  # fmt: skip
            await Response(status_code=204, headers=allowed)(scope, receive, sent)
            return
        await self._app(scope, receive, sent)


def _is_part_of_another(request: Request) -> bool:
    """Whether a page of another origin loads it, such as a picture: from another port of this host a browser sends the
    session with that, and the log would say that its person looked. Who follows a link from there does look.
    """
    said = request.headers.get("Sec-Fetch-Site") in {"same-site", "cross-site"}
    return said and request.headers.get("Sec-Fetch-Dest") != "document"


# -- one recording ----------------------------------------------------------------------------------------------------


def listed_of(finder: Finder, console: Any, wanted: UUID) -> Listed:
    """Refusals: as `_found`."""
    return _found(finder, console, wanted)[0]


def _found(finder: Finder, console: Any, wanted: UUID) -> tuple[Listed, Any]:
    """Read anew. Refusals: 404 for one that they may not list; 503 unreadable."""
    with finder.catalog.reading() as connection:
        there = str(wanted) in finder.there([str(wanted)])
        found = isolated(partial(read, connection, console.index.blobs, wanted, Earlier())) if there else None
    if isinstance(found, Unreadable) and finder.may_list_anything():
        raise Refusal(503, "unreadable", "what its PC sent cannot be read")
    if found is None or isinstance(found, Unreadable) or not finder.may_list(found[0].whose, found[0].start):
        raise Refusal(404, "no-such-path", NOT_HERE)
    return found


def note_look(request: Request, session: Session, console: Any, wanted: UUID, of: str = "account") -> None:
    """An entry that they looked at it, before they are answered."""
    console.note(request, session, "list", of=of, results=1, recordings=[str(wanted)])


async def _opening(request: Request) -> Response:
    """What this person is asked before they open it: purposes, and what the rules say to each."""
    session, console, wanted = await session_of(request), request.app.state.console, wanted_id(request)

    def look() -> dict[str, Any]:
        finder = console.finder(session)
        listed, evidence = _found(finder, console, wanted)
        custody = console.custody
        source = Source.of(evidence, console.index.blobs, finder.catalog, compliance=custody.compliance)
        note_look(request, session, console, wanted)
        custody.keep(session.id, wanted, Playing(listed.whose, listed.start, source))
        return {
            "recording": str(wanted), "me": session.person,
            "agent": finder.governance.person_of(listed.whose.user) or listed.whose.user,
            "host": listed.host, "start": str(listed.start), "length": str(listed.length), "state": listed.state,
            "streams": [str(one) for one in evidence.chosen.streams if one != SCENE_STREAM],
            "choices": recording.choices(finder, listed),
        }  # fmt: skip

    return JSONResponse(await run_sync(look))


def source_of(request: Request) -> Source:
    """In a thread. Refusals: as `session_of`; 404 for what they may not list, now."""
    session: Session = run_async(session_of, request)
    console, wanted = request.app.state.console, wanted_id(request)
    finder = console.finder(session)
    kept = console.custody.kept(session.id, wanted)
    if kept is None:
        listed, evidence = _found(finder, console, wanted)
        source = Source.of(evidence, console.index.blobs, finder.catalog, compliance=console.custody.compliance)
        kept = Playing(listed.whose, listed.start, source)
        note_look(request, session, console, wanted)  # who leaves out `opening` learns as much
        console.custody.keep(session.id, wanted, kept)
    if not finder.may_list(kept.whose, kept.start) or str(wanted) not in finder.there([str(wanted)]):
        raise Refusal(404, "no-such-path", NOT_HERE)
    found: Source = kept.source
    return found


# -- the custodian ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Asked:
    body: Claims
    session: Session
    console: Any

    def read(self, typ: str, name: str) -> personal.Signed:
        """What they signed; not verified, which the custodian does. Refusals: 403 for another person's."""
        signed = personal.read(typ, self.body.text(name))
        self.own(signed.claims.text("person"))
        return signed

    def signed(self, typ: str, name: str) -> Claims:
        return self.read(typ, name).claims

    def own(self, person: str) -> None:
        if person.lower() != self.session.person:
            raise Refusal(403, "other-person", "signed in another person's name than that of this session")

    def listed(self, claims: Claims, act: str = "") -> UUID:
        """`act`: where `claims` name none. Refusals: 404 for a recording that they may not list; 403 narrowed for an
        act that the custodian could grant by what was taken from this session.
        """
        finder, wanted = self.console.finder(self.session), claims.uuid("recording")
        listed = listed_of(finder, self.console, wanted)
        act = act or (claims.text("act") if claims.has("act") else "")
        if act in set(Act):  # any other is refused there
            known = listed.whose.recording(
                finder.governance, listed.start, end=listed.start + listed.length, closed_by=frozenset(listed.rules)
            )
            said = claims.text("rendition") if claims.has("rendition") else ""
            rendition = Rendition.ORIGINAL if said == Rendition.ORIGINAL else Rendition.REDACTED
            asked = Question(finder.person, Act(act), finder.now, known, claims.text("purpose"), rendition)
            if needs_taken(finder.governance, asked, finder.governance.person(self.session.person)):
                raise _narrowed()
        return wanted


def _narrowed() -> Refusal:
    return Refusal(403, "narrowed", "this session was left less than the signed rules give you, and not this")


def _open(asked: _Asked) -> dict[str, Any]:
    claims = asked.signed(personal.REQUEST, "request")
    return {"request": asked.body.text("request"), "papers": asked.console.custody.papers(asked.listed(claims))}


def _consent(asked: _Asked) -> dict[str, Any]:
    wanted = asked.listed(asked.signed(personal.CONSENT, "consent"), Act.CONSENT)
    return {"consent": asked.body.text("consent"), "papers": asked.console.custody.papers(wanted)}


def _comment(asked: _Asked) -> dict[str, Any]:
    claims = asked.signed(personal.COMMENT, "comment")
    wanted = asked.listed(claims, Act.COMMENT)
    asked.console.comments.check_room(str(wanted))
    return {"comment": asked.body.text("comment"), "papers": asked.console.custody.papers(wanted)}


def _approve(asked: _Asked) -> dict[str, Any]:
    act, finder = asked.signed(personal.APPROVAL, "approval").text("act"), asked.console.finder(asked.session)
    whole = finder.governance.person(asked.session.person)
    if act in set(Act) and approves_by_taken(finder.governance, finder.person, whole, Act(act)):
        raise _narrowed()
    return {"approval": asked.body.text("approval")}


def _sampled(asked: _Asked) -> dict[str, Any]:
    """Only for a purpose for which they open what was drawn: others would learn what a secret sample holds."""
    asked.own(asked.body.text("person"))
    said = {name: asked.body.text(name) for name in ("recording", "purpose", "person", "nonce")}
    finder, wanted = asked.console.finder(asked.session), asked.body.uuid("recording")
    listed = listed_of(finder, asked.console, wanted)
    if said["purpose"] not in recording.sampled(finder, listed):
        raise Refusal(404, "no-such-path", "there is no sample for this purpose")
    return said | {"papers": asked.console.custody.papers(wanted)}


def _watched(asked: _Asked) -> dict[str, Any]:
    """Sealed by the page for the custodian, which knows whose opening it is."""
    return {name: asked.body.text(name) for name in ("opening", "sealed")}


def _enrol(asked: _Asked) -> dict[str, Any]:
    parts = asked.body.text("invitation").split(".")
    try:
        invited = Claims(parse_object(base64url.decode(parts[1])), "invitation", ProtocolError)
    except (IndexError, ValueError):
        raise Refusal(400, "malformed", "this is no invitation") from None
    asked.own(invited.text("person"))
    return {name: asked.body.text(name) for name in ("invitation", "key", "proof")}


def _review(asked: _Asked) -> dict[str, Any]:
    said = Statement.read(asked.signed(personal.REVIEW, "review"))
    seen = _month(asked.console, asked.console.finder(asked.session), said.review, said.month.name)
    return {"review": asked.body.text("review"), "list": asked.console.reviews.list_of(seen)}


VERBS: Final[Mapping[str, Callable[[_Asked], dict[str, Any]]]] = {
    "nonce": lambda _: {},
    "enrol": _enrol,
    "open": _open,
    "approve": _approve,
    "filed": lambda asked: {"filed": asked.body.text("filed")},
    "comment": _comment,
    "review": _review,
    "sampled": _sampled,
    "watched": _watched,
    "consent": _consent,
    "consent-of": lambda asked: {"recording": str(asked.listed(asked.body))},
}


async def _relay(request: Request) -> Response:
    if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refusal(415, "no-json", "send application/json")
    session, console = await session_of(request, acts=False), request.app.state.console
    await request.app.state.sign_in.turns.wait(f"custodian {session.person}", ASKS)
    body = await read_claims(request, LARGEST, "the body")
    do = body.text("do")
    if do not in VERBS:
        raise Refusal(400, "unknown-verb", f"the custodian is asked {', '.join(sorted(VERBS))} from here")

    if do not in {"filed", "watched"}:  # which a page sends without a person's act
        await session_of(request)

    def ask() -> dict[str, Any]:
        # What is signed must not change until its signature is kept.
        with console.signing if do == "review" else nullcontext():
            return answered()

    def answered() -> dict[str, Any]:
        asked = _Asked(body, session, console)
        fields = VERBS[do](asked)
        if do == "consent-of":
            note_look(request, session, console, body.uuid("recording"), "consent")
        if code := fields.get("papers", {}).get("error"):
            return {"error": code, "message": _NO_PAPERS.get(code, _NO_PAPERS["no-papers"]), "reasons": [], "filed": ""}
        try:
            answer = exchange(console.custody.socket, do, **fields)
        except (OSError, ValueError):
            raise Refusal(
                503, "no-custodian", "the custodian does not answer: who runs this house can start it"
            ) from None
        if do == "comment" and "error" not in answer:
            _keep(request, asked, str(answer["commented"]))
        if do == "review" and "error" not in answer:
            signed, finder = asked.read(personal.REVIEW, "review"), console.finder(session)
            console.reviews.keep(finder, signed, str(answer["reviewed"]), origin_of(request))
        return answer

    answer = await run_sync(ask, limiter=console.custody.limit)
    return JSONResponse(answer, 409 if "error" in answer else 200)


# -- comments ---------------------------------------------------------------------------------------------------------


def _keep(request: Request, asked: _Asked, commented: str) -> None:
    signed, console = asked.read(personal.COMMENT, "comment"), asked.console
    of, origin = str(signed.claims.uuid("recording")), origin_of(request)

    def note(facts: dict[str, object]) -> None:
        console.sign_in.people.note(Noted("comment", asked.session.person, origin, [of], facts))

    console.comments.keep(signed, commented, console.sign_in.people.clock(), note)
    if of not in console.finder(asked.session).there([of]):  # erased meanwhile: what forgets may have been there before
        console.comments.forget([of])
        raise Refusal(404, "no-such-path", NOT_HERE)


async def _comments(request: Request) -> Response:
    """For who may ask to open it, who can read them once the custodian has released the key."""
    session, console, wanted = await session_of(request), request.app.state.console, wanted_id(request)

    def look() -> list[dict[str, str]]:
        finder = console.finder(session)
        if not recording.may_open(finder, listed_of(finder, console, wanted)):
            raise Refusal(403, "not-yours", "the signed rules do not let you open it, nor read its comments")
        note_look(request, session, console, wanted, "comments")  # they say who wrote when, on which span
        return [{"comment": one.token, "commented": one.commented} for one in console.comments.sealed(str(wanted))]

    return JSONResponse({"comments": await run_sync(look)})


# -- reviews ----------------------------------------------------------------------------------------------------------


def reports(finder: Finder) -> bool:
    return auditor.may_report(finder.governance, finder.person, finder.now)


def _month(console: Any, finder: Finder, name: str, month: str) -> Seen:
    """Refusals: 404."""
    seen: Seen = console.reviews.get(finder, console.custody.draws, name, month, reports=reports(finder))
    return seen


async def _list_of_review(request: Request) -> Response:
    """What who signs a month has before them. Refusals: 404; 403 for who does not do it; 409 once it is signed."""
    session, console = await session_of(request), request.app.state.console
    name, month = (request.path_params[one] for one in ("review", "month"))

    def look() -> dict[str, Any]:
        finder = console.finder(session)
        seen = _month(console, finder, name, month)
        console.reviews.list_of(seen)
        console.reviews.note_looked(finder, seen, [one.id for one in seen.drawn][:MOST], origin_of(request))
        person_of = console.sign_in.people.rules().person_of
        rows = [
            {"recording": one.id, "outcome": one.outcome, "person": one.person,
             "start": str(one.listed.start) if one.listed else "",
             "agent": person_of(one.listed.whose.user) or one.listed.whose.user if one.listed else ""}
            for one in seen.drawn
        ]  # fmt: skip
        return {"me": session.person, "why": seen.of.rule.why, "due": seen.of.due_day, "outcomes": rows}

    return JSONResponse(await run_sync(look, limiter=console.custody.limit))


ROUTES: Final = (
    Route("/v1/reviews/{review}/{month}/list", _list_of_review),
    Route("/v1/custodian", _relay, methods=["POST"]),
    Route("/v1/recordings/{recording}/opening", _opening),
    Route("/v1/recordings/{recording}/comments", _comments),
    Mount("/v1/recordings/{recording}/player", routes=routes(source_of)),
)
