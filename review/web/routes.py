"""The console's pages. What a person sees is what the signed rules let them list, as their session leaves them.

A recording that they may not list is answered as one that there is not. A search, a list of more than a page and each
look at an account is in the audit log before it is answered.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from anyio.to_thread import run_sync
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from review.audit.kinds import Act as Noted
from review.governance.model import Act
from review.people import routes as people_routes
from review.people.routes import SignIn, origin_of, session_of
from review.people.service import PROVIDER, Session
from review.people.states import Use
from review.search.find import MOST, Finder, Meanings
from review.search.index import SearchIndex
from review.web import asked, custody, headers, lines, recording, words
from review.web.access import Reader, looks
from review.web.custody import Custody, ForPlayer
from review.web.wanted import NOT_HERE, wanted_id
from review.web.words import Words
from store.errors import Refusal

LANGUAGE: Final = "__Host-eyelid-language"
_YEAR: Final = 365 * 24 * 3600
_OWN_PATH: Final = re.compile(r"/(?![/\\])[!-\[\]-~]{0,1000}")

TEMPLATES: Final = Environment(
    loader=PackageLoader("review.web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
TEMPLATES.globals |= {
    "lasting": words.lasting, "exactly": words.exactly, "version": headers.VERSION, "languages": words.LANGUAGES,
    "groupby": groupby, "most": MOST,
}  # fmt: skip


@dataclass
class Console:
    """`reader`: of the console's own audit log. `custody`: what the player asks for."""

    sign_in: SignIn
    index: SearchIndex
    reader: Reader
    custody: Custody
    meanings: Meanings = field(default_factory=Meanings)

    def finder(self, session: Session) -> Finder:
        people = self.sign_in.people
        return Finder(
            self.index.index, self.index.catalog, people.rules(), people.person(session), people.clock(), self.meanings
        )

    def note(self, request: Request, session: Session, kind: str, **facts: object) -> None:
        self.sign_in.people.note(Noted(kind, session.person, origin_of(request), ["console"], facts))


def create_app(console: Console) -> ASGIApp:
    """With the routes of sign-in, which answer in JSON."""
    app = Starlette(
        routes=[*people_routes.ROUTES, *custody.ROUTES, *ROUTES],
        exception_handlers=dict.fromkeys(people_routes.ANSWERS, _problem),
    )
    people_routes.share(app, console.sign_in)
    app.state.console = console
    settings = console.sign_in.people.settings
    return headers.Headers(ForPlayer(app, origin=settings.player), secure=settings.address.startswith("https:"))


def _console(request: Request) -> Console:
    found: Console = request.app.state.console
    return found


def _words(request: Request) -> Words:
    return Words(words.chosen(request.cookies.get(LANGUAGE, ""), request.headers.get("Accept-Language", "")))


def _page(request: Request, template: str, status: int = 200, session: Session | None = None, **facts: Any) -> Response:
    spoken = _words(request)
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    common = {"_": spoken, "words": spoken, "here": here, "session": session, "zone": words.zone()}
    return HTMLResponse(TEMPLATES.get_template(template).render(common | facts), status)


def _own_path(text: str) -> str:
    """Where to go on; "/" for what is no path of this console."""
    return text if _OWN_PATH.fullmatch(text) else "/"


# -- sign-in ----------------------------------------------------------------------------------------------------------


async def _sign_in(request: Request) -> Response:
    providers = sorted(_console(request).sign_in.providers)
    back = _own_path(request.query_params.get("back", "/"))
    return _page(request, "sign-in.html", providers=providers, back=back)


async def _join(request: Request) -> Response:
    return _page(request, "join.html")


async def _enrol(request: Request) -> Response:
    session = await session_of(request, Use.ENROL)
    return _page(request, "enrol.html", session=session)


async def _language(request: Request) -> Response:
    """Changes nothing but what this browser is shown, so that no page elsewhere gains by sending it here."""
    name = request.path_params["name"]
    if name not in words.LANGUAGES:
        raise Refusal(404, "no-such-path", NOT_HERE)
    response = RedirectResponse(_own_path(request.query_params.get("back", "/")), 303)
    response.set_cookie(LANGUAGE, name, max_age=_YEAR, path="/", secure=True, httponly=True, samesite="lax")
    return response


async def _sessions(request: Request) -> Response:
    session = await session_of(request)
    found = await run_sync(_console(request).sign_in.people.sessions, session.person)
    return _page(request, "sessions.html", session=session, sessions=found, may_enrol=session.method != PROVIDER)


# -- find -------------------------------------------------------------------------------------------------------------


async def _find(request: Request) -> Response:
    session, console = await session_of(request), _console(request)
    wanted = asked.read(request.query_params, _words(request))

    def find() -> tuple[Any, Any]:
        finder = console.finder(session)
        page = finder.page(wanted)
        if wanted.filtered:
            query = urlencode(asked.written(wanted))
            console.note(request, session, "search", query=query, results=page.count)
        elif wanted.after or page.following:
            console.note(request, session, "list", of="recordings", results=page.count)
        return page, finder.choices()

    page, choices = await run_sync(find)
    spoken = _words(request)
    days = [(day, list(rows)) for day, rows in groupby(page.rows, lambda one: spoken.day(one.start))]
    person_of = console.sign_in.people.rules().person_of
    further = asked.written(wanted) | ({"after": asked.key(page.following)} if page.following else {})
    return _page(
        request, "find.html", session=session, page=page, days=days, choices=choices, wanted=wanted,
        asked=asked.written(wanted), lengths=asked.LENGTHS, person_of=lambda one: person_of(one.whose.user),
        next=f"/?{urlencode(further)}", first=f"/?{urlencode(asked.written(wanted))}",
    )  # fmt: skip


# -- a recording ------------------------------------------------------------------------------------------------------


async def _recording(request: Request) -> Response:
    session, console = await session_of(request), _console(request)
    wanted, spoken = wanted_id(request), _words(request)

    def look() -> tuple[recording.Shown, Any] | None:
        shown = recording.shown(console.finder(session), console.index, wanted)
        if shown is None:
            return None
        console.note(request, session, "list", of="account", results=1, recordings=[str(wanted)])
        return shown, lines.lanes(shown.evidence, spoken)

    found = await run_sync(look)
    if found is None:
        raise Refusal(404, "no-such-path", NOT_HERE)
    shown, lanes = found
    return _page(
        request, "recording.html", session=session, shown=shown, lanes=lanes,
        ticks=lines.ticks(shown.listed.length), kinds=KINDS, acts=recording.ACTS,
        player=console.sign_in.people.settings.player, verdict=shown.verdict(Act.PLAY),
    )  # fmt: skip


KINDS: Final = {
    "kept": "recorded and here", "closed": "a rule kept it out", "held": "nothing was to be recorded",
    "blind": "nothing could be proven", "missing": "it should be here and is not",
}  # fmt: skip


async def _access(request: Request) -> Response:
    session, console = await session_of(request), _console(request)
    wanted = wanted_id(request)

    def read() -> Any:
        shown = recording.shown(console.finder(session), console.index, wanted)
        if shown is None or not shown.may(Act.SEE_ACCESS):
            return None
        people = console.sign_in.people
        names = {one.person for one in people.rules().people} | {one["person"] for one in people.everybody()}
        found = looks(console.reader, str(wanted), names)
        span = {"first": found.first, "end": found.end}
        console.note(request, session, "read-log", **span, query=f"recording {wanted}")
        return shown, found

    answer = await run_sync(read)
    if answer is None:
        raise Refusal(404, "no-such-path", NOT_HERE)
    shown, found = answer
    return _page(request, "access.html", session=session, shown=shown, found=found)


ROUTES: Final = (
    Route("/", _find),
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
    return _page(request, "error.html", status, code=status, message=message)


__all__ = ["Console", "create_app"]
