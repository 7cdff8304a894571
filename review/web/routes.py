"""The console's pages. What a person sees is what the signed rules let them list, as their session leaves them.

A recording that they may not list is answered as one that there is not. A search, a list of more than a page and each
look at an account is in the audit log before it is answered.
"""

from __future__ import annotations

import re
from contextlib import suppress
from functools import partial
from itertools import groupby
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from anyio.to_thread import run_sync
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from review.governance.model import Act
from review.people import routes as people_routes
from review.people.routes import posted, session_of
from review.people.service import PROVIDER
from review.people.states import Use
from review.requests.searches import asked_by
from review.search import calls
from review.search.find import Wanted
from review.web import (
    asked,
    audited,
    cased,
    changed,
    computers,
    custody,
    governed,
    headers,
    lines,
    mine,
    pc_lists,
    policy_tried,
    privacies,
    recording,
    requested,
    retained,
    reviewed,
    transcript,
    words,
)
from review.web.access import DID, looks, mirror, opened_of_mine, openings
from review.web.custody import ForPlayer
from review.web.pages import LANGUAGE, Console, console_of, not_here, page, words_of
from review.web.wanted import wanted_id
from review.web.words import Words
from store.errors import Refusal
from store.server.turns import Allowance

_YEAR: Final = 365 * 24 * 3600
_OWN_PATH: Final = re.compile(r"/(?![/\\])[!-\[\]-~]{0,4000}")
_CALLER: Final = "find-call"  # what a search for a caller is sealed as
_LONGEST_CALLER: Final = 200
SEARCHES: Final = Allowance(rate=0.5, burst=60)  # of a person, for callers: each costs an entry in the log
_LARGEST: Final = 2**63 - 1


def create_app(console: Console) -> ASGIApp:
    """With the routes of sign-in, which answer in JSON."""
    app = Starlette(
        routes=[*people_routes.ROUTES, *custody.ROUTES, *transcript.ROUTES, *ROUTES],
        exception_handlers=dict.fromkeys(people_routes.ANSWERS, _problem),
    )
    app.router.redirect_slashes = False  # it sends on to the host that the request names
    people_routes.share(app, console.sign_in)
    app.state.console = console
    console.sign_in.people.ended = console.custody.forget
    settings = console.sign_in.people.settings
    return headers.Headers(ForPlayer(app, origin=settings.player), secure=settings.address.startswith("https:"))


def _own_path(text: str) -> str:
    """Where to go on; "/" for what is no path of this console."""
    return text if _OWN_PATH.fullmatch(text) else "/"


# -- sign-in ----------------------------------------------------------------------------------------------------------


async def _sign_in(request: Request) -> Response:
    providers = sorted(console_of(request).sign_in.providers)
    back = _own_path(request.query_params.get("back", "/"))
    return page(request, "sign-in.html", providers=providers, back=back)


async def _join(request: Request) -> Response:
    return page(request, "join.html")


async def _enrol(request: Request) -> Response:
    session = await session_of(request, Use.ENROL)
    return page(request, "enrol.html", session=session)


async def _language(request: Request) -> Response:
    """Changes nothing but what this browser is shown, so that no page elsewhere gains by sending it here."""
    name = request.path_params["name"]
    if name not in words.LANGUAGES:
        raise not_here()
    response = RedirectResponse(_own_path(request.query_params.get("back", "/")), 303)
    response.set_cookie(LANGUAGE, name, max_age=_YEAR, path="/", secure=True, httponly=True, samesite="lax")
    return response


async def _sessions(request: Request) -> Response:
    session = await session_of(request)
    found = await run_sync(console_of(request).sign_in.people.sessions, session.person)
    return page(request, "sessions.html", session=session, sessions=found, may_enrol=session.method != PROVIDER,
                place="sessions")  # fmt: skip


# -- find -------------------------------------------------------------------------------------------------------------


async def _first(request: Request) -> Response:
    """Find; of who answers for all recordings what changed, the report or the privacy requests; of who may list their
    own alone: these, or the computers, where they look after them.

    A search is always one of Find.
    """
    session, console = await session_of(request), console_of(request)
    if request.url.query:
        return await _find(request)
    finder, sees = await run_sync(lambda: (console.finder(session), console.sees(session).some))
    if beginning := await run_sync(changed.beginning, finder):
        return RedirectResponse(beginning, 303)
    lists = mine.lists(finder)
    if lists != mine.OTHERS and sees:
        return RedirectResponse("/fleet", 303)
    return await _mine(request) if lists == mine.OWN else await _find(request)


async def _find(request: Request) -> Response:
    session, console = await session_of(request), console_of(request)
    wanted = asked.read(request.query_params, words_of(request))
    call = request.query_params.get("call", "")
    tags = _tags(console, call, words_of(request)) if call else None
    if call:
        await console.sign_in.turns.wait(f"find {session.person}", SEARCHES)

    def find() -> tuple[Any, Any, Any]:
        finder = console.finder(session)
        found = finder.page(wanted, None if tags is None else calls.recordings(finder, tags))
        if wanted.filtered:
            query = urlencode(asked.written(wanted))
            console.note(request, session, "search", query=query, results=found.count)
        elif wanted.after or found.following or tags is not None:
            of = "recordings" if tags is None else "caller"  # whom they searched for is an entry already
            console.note(request, session, "list", of=of, results=found.count)
        return found, finder.choices(), console.searches.of(session.person)

    found, choices, kept = await run_sync(find)
    spoken = words_of(request)
    days = [(day, list(rows)) for day, rows in groupby(found.rows, lambda one: spoken.day(one.start))]
    person_of = console.sign_in.people.rules().person_of
    same = asked.written(wanted) | ({"call": call} if call else {})
    further = same | ({"after": asked.key(found.following)} if found.following else {})
    return page(
        request, "find.html", session=session, page=found, days=days, choices=choices, wanted=wanted,
        asked=asked.written(wanted), lengths=asked.LENGTHS, person_of=lambda one: person_of(one.whose.user),
        next=f"/find?{urlencode(further)}", first=f"/find?{urlencode(same)}", call=call,
        by_call=console.finding is not None, place="find", kept=kept, keeps=urlencode(same),
    )  # fmt: skip


def _tags(console: Console, call: str, spoken: Words) -> tuple[str, ...]:
    if console.finding is not None:
        with suppress(ValueError):
            return console.sign_in.people.sealer.open(_CALLER, call).texts("tags")
    raise Refusal(400, "bad-question", spoken("this search was not made in this console: search again"))


async def _find_call(request: Request) -> Response:
    """The number stands in no address: that has keyed hashes of it, sealed."""
    body, session, console = await posted(request), await session_of(request), console_of(request)
    text, key = body.text("caller"), console.finding
    if key is None:
        raise not_here()
    await console.sign_in.turns.wait(f"find {session.person}", SEARCHES)
    if not 0 < len(text.strip()) <= _LONGEST_CALLER or not text.isprintable():
        raise Refusal(422, "no-caller", "write a number, an address or an id")

    def find() -> str:
        finder = console.finder(session)
        with console.index.catalog.reading() as connection:
            caller = calls.caller(connection, key, text)
        count = finder.page(Wanted(), calls.recordings(finder, caller.tags)).count
        console.note(request, session, "search", query=caller.said, results=count)
        return console.sign_in.people.sealer.seal(_CALLER, {"tags": list(caller.tags)})

    return JSONResponse({"call": await run_sync(find)}, headers={"Cache-Control": "no-store"})


async def _keep_search(request: Request) -> Response:
    body, session, console = await posted(request), await session_of(request), console_of(request)
    name, said = body.text("name"), asked_by(body.text("asked"))
    question = asked.written(asked.read(said, words_of(request)))
    if call := said.get("call", ""):
        _tags(console, call, words_of(request))
        question["call"] = call
    made = await run_sync(console.searches.keep, session.person, name, question)
    return JSONResponse({"search": made}, headers={"Cache-Control": "no-store"})


async def _remove_search(request: Request) -> Response:
    await posted(request)
    session, console = await session_of(request), console_of(request)
    await run_sync(console.searches.remove, session.person, request.path_params["search"])
    return JSONResponse({}, headers={"Cache-Control": "no-store"})


# -- one's own --------------------------------------------------------------------------------------------------------


async def _mine(request: Request) -> Response:
    session, console = await session_of(request), console_of(request)
    wanted = Wanted(agent=session.person, after=asked.read(request.query_params, words_of(request)).after)
    before, opened_before = _position(request), _position(request, "opened")

    def read() -> Any:
        finder = console.finder(session)
        found = finder.page(wanted)
        if wanted.after or found.following:
            console.note(request, session, "list", of="recordings", results=found.count)
        seen, opened = None, None
        if mine.may_see_looks(finder):
            own = partial(mine.seen_looks, finder)
            seen = mirror(console.entries, session.person, console.names(), own, before)
            console.note(request, session, "read-log", first=seen.first, end=seen.end, query="own recordings")
            opened = opened_of_mine(console.openings, session.person, console.names, own, opened_before)
            if opened is not None:
                console.note(request, session, "read-log", first=opened.first, end=opened.end, query="own openings")
        return found, [mine.retention(finder, one) for one in found.rows], seen, opened

    found, kept, seen, opened = await run_sync(read)
    following = f"/mine?{urlencode({'after': asked.key(found.following)})}" if found.following else None
    return page(
        request, "mine.html", session=session, page=found, kept=kept, classes=mine.classes(kept), seen=seen,
        opened=opened, opened_before=opened_before,
        next=following, later=wanted.after is not None, before=before, did=DID,
        spoken=partial(mine.spoken, words=words_of(request)), place="mine",
    )  # fmt: skip


def _position(request: Request, name: str = "before") -> int | None:
    text = request.query_params.get(name, "")
    if not text:
        return None
    if not re.fullmatch("[0-9]{1,19}", text) or int(text) > _LARGEST:
        raise Refusal(400, "bad-question", words_of(request)("this is no place in a list"))
    return int(text)


async def _notice(request: Request) -> Response:
    """For everybody: who is recorded, and who asks before they are. The signed rules have it in one language."""
    session = None
    with suppress(Refusal):  # whether somebody is signed in changes what stands above it alone
        session = await session_of(request)
    rules = await run_sync(console_of(request).sign_in.people.rules)
    return page(request, "notice.html", session=session, notice=rules.notice, house=rules.name)


# -- a recording ------------------------------------------------------------------------------------------------------


async def _recording(request: Request) -> Response:
    session, console = await session_of(request), console_of(request)
    wanted, spoken = wanted_id(request), words_of(request)

    def look() -> tuple[recording.Shown, Any, dict[str, Any], list[Any], list[str]] | None:
        finder = console.finder(session)
        shown = recording.shown(finder, console.index, wanted)
        if shown is None:
            return None
        console.note(request, session, "list", of="account", results=1, recordings=[str(wanted)])
        asked_of_it = requested.of_recording(console, finder, shown.listed)
        asked_of_it |= cased.of_recording(console, finder, shown.listed, request.query_params)
        readable = recording.may_open(finder, shown.listed)
        comments = console.comments.about(str(wanted)) if readable else []
        sampled = recording.sampled(finder, shown.listed) if console.sign_in.people.settings.player else []
        return shown, lines.lanes(shown.evidence, spoken), asked_of_it, comments, sampled

    found = await run_sync(look)
    if found is None:
        raise not_here()
    shown, lanes, asked_of_it, comments, sampled = found
    samples: dict[str, dict[str, Any]] = {}
    if sampled:
        left = partial(console.custody.left, wanted, sampled, session.person)
        samples = await run_sync(left, limiter=console.custody.limit)
    return page(
        request, "recording.html", session=session, shown=shown, lanes=lanes, comments=comments, samples=samples,
        ticks=lines.ticks(shown.listed.length), kinds=KINDS, acts=recording.ACTS,
        by=BY, directions=DIRECTIONS, player=console.sign_in.people.settings.player, verdict=shown.verdict(Act.PLAY),
        **asked_of_it,
    )  # fmt: skip


BY: Final = {"call": "call", "chat": "chat", "mail": "mail"}
DIRECTIONS: Final = {"inbound": "inbound", "outbound": "outbound", "internal": "internal"}
KINDS: Final = {
    "kept": "recorded and here", "closed": "a rule kept it out", "held": "nothing was to be recorded",
    "blind": "nothing could be proven", "missing": "it should be here and is not",
}  # fmt: skip


async def _access(request: Request) -> Response:
    session, console = await session_of(request), console_of(request)
    wanted, before = wanted_id(request), asked.position(request.query_params.get("before", ""), words_of(request))
    opened_before = asked.position(request.query_params.get("opened", ""), words_of(request))

    def read() -> Any:
        shown = recording.shown(console.finder(session), console.index, wanted)
        if shown is None or not shown.may(Act.SEE_ACCESS):
            return None
        found = looks(console.entries, str(wanted), console.names(), before)
        span = {"first": found.first, "end": max(found.first, found.end)}
        console.note(request, session, "read-log", **span, query=f"recording {wanted}")
        opened = openings(console.openings, str(wanted), console.names, opened_before)
        if opened is not None:
            span = {"first": opened.first, "end": max(opened.first, opened.end)}
            console.note(request, session, "read-log", **span, query=f"openings of recording {wanted}")
        return shown, found, opened

    answer = await run_sync(read)
    if answer is None:
        raise not_here()
    shown, found, opened = answer
    return page(request, "access.html", session=session, shown=shown, found=found, opened=opened, did=DID)


ROUTES: Final = (
    Route("/", _first),
    Route("/find", _find),
    Route("/mine", _mine),
    Route("/notice", _notice),
    Route("/v1/find/call", _find_call, methods=["POST"]),
    Route("/v1/searches", _keep_search, methods=["POST"]),
    Route("/v1/searches/{search}", _remove_search, methods=["POST"]),
    *requested.ROUTES,
    *cased.ROUTES,
    *reviewed.ROUTES,
    *privacies.ROUTES,
    *retained.ROUTES,
    *audited.ROUTES,
    *computers.ROUTES,
    *pc_lists.ROUTES,
    *changed.ROUTES,
    *governed.ROUTES,
    *policy_tried.ROUTES,
    Route("/sign-in", _sign_in),
    Route("/join", _join),
    Route("/enrol", _enrol),
    Route("/sessions", _sessions),
    Route("/recordings/{recording}", _recording),
    Route("/recordings/{recording}/access", _access),
    Route("/language/{name}", _language),
    Route("/static/{version}/{name}", headers.static),
)


# -- refusals ---------------------------------------------------------------------------------------------------------


async def _problem(request: Request, error: Exception) -> Response:
    """A page; to a program, and of what is asked by one, JSON as ever."""
    if request.url.path.startswith("/v1/"):
        return await people_routes.problem(request, error)
    status = 503
    match error:
        case Refusal(status=401):
            here = urlsplit(str(request.url))
            back = here.path + (f"?{here.query}" if here.query else "")
            return RedirectResponse("/sign-in" if back == "/" else f"/sign-in?{urlencode({'back': back})}", 303)
        case Refusal(code="not-enrolled"):
            return RedirectResponse("/enrol", 303)
        case Refusal() | HTTPException():
            status = error.status if isinstance(error, Refusal) else error.status_code
        case _:
            people_routes.broken(error)
    message = error.message if isinstance(error, Refusal) and status == 400 else ""
    return page(request, "error.html", status, code=status, message=message)


__all__ = ["Console", "create_app"]
