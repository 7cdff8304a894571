"""The console's pages. What a person sees is what the signed rules let them list, as their session leaves them.

A recording that they may not list is answered as one that there is not. A search, a list of more than a page and each
look at an account is in the audit log before it is answered.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby
from typing import Any, Final
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from anyio.to_thread import run_sync
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from protocol.claims import MAX_INTEGER
from review.audit.kinds import Act as Noted
from review.audit.kinds import pseudonym
from review.audit.log import AuditLog
from review.governance.model import Act
from review.people import routes as people_routes
from review.people.routes import SignIn, origin_of, session_of
from review.people.service import PROVIDER, Session
from review.people.states import SessionState, Use
from review.report import html, signing
from review.search.find import MOST, Finder, Meanings
from review.search.index import SearchIndex
from review.search.log_index import LogIndex
from review.web import asked, auditor, headers, lines, recording, words
from review.web.access import looks
from review.web.reports import Reports
from review.web.words import Words
from store.errors import Refusal

LANGUAGE: Final = "__Host-eyelid-language"
_YEAR: Final = 365 * 24 * 3600
_NOT_HERE: Final = "there is no such page, or you may not see it"
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
    """`log`, `entries`: the console's own audit log, and its index."""

    sign_in: SignIn
    index: SearchIndex
    log: AuditLog
    entries: LogIndex
    reports: Reports
    meanings: Meanings = field(default_factory=Meanings)

    def finder(self, session: Session) -> Finder:
        people = self.sign_in.people
        return Finder(
            self.index.index, self.index.catalog, people.rules(), people.person(session), people.clock(), self.meanings
        )

    def log_reader(self, session: Session) -> auditor.LogReader:
        return auditor.LogReader(self.finder(session), self.entries, self.names())

    def names(self) -> dict[str, str]:
        """Of pseudonyms, of everybody whom the rules or the console know."""
        people = self.sign_in.people
        return auditor.named(
            self.entries, {one.person for one in people.rules().people} | {one["person"] for one in people.everybody()}
        )

    def note(self, request: Request, session: Session, kind: str, **facts: object) -> None:
        self.sign_in.people.note(Noted(kind, session.person, origin_of(request), ["console"], facts))


def create_app(console: Console) -> ASGIApp:
    """With the routes of sign-in, which answer in JSON."""
    app = Starlette(
        routes=[*people_routes.ROUTES, *API, *ROUTES],
        exception_handlers=dict.fromkeys(people_routes.ANSWERS, _problem),
    )
    people_routes.share(app, console.sign_in)
    app.state.console = console
    return headers.Headers(app, secure=console.sign_in.people.settings.address.startswith("https:"))


def _console(request: Request) -> Console:
    found: Console = request.app.state.console
    return found


def _words(request: Request) -> Words:
    return Words(words.chosen(request.cookies.get(LANGUAGE, ""), request.headers.get("Accept-Language", "")))


def _page(request: Request, template: str, status: int = 200, session: Session | None = None, **facts: Any) -> Response:
    spoken = _words(request)
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    places = _places(request, session)
    common = {"places": places, "_": spoken, "words": spoken, "here": here, "session": session, "zone": words.zone()}
    return HTMLResponse(TEMPLATES.get_template(template).render(common | facts), status)


def _places(request: Request, session: Session | None) -> list[tuple[str, str]]:
    """Further pages that this person finds in the head of each."""
    if session is None or session.state != SessionState.SIGNED_IN:
        return []
    people = _console(request).sign_in.people
    rules, person, now = people.rules(), people.person(session), people.clock()
    log = [("/audit", "Audit log")] if auditor.may_read(rules, person, now) else []
    report = [("/report", "Report")] if auditor.may_report(rules, person, now) else []
    return log + report


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
        raise Refusal(404, "no-such-path", _NOT_HERE)
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


def _id(request: Request) -> UUID:
    text = request.path_params["recording"]
    try:
        found = UUID(text)
    except ValueError:
        raise Refusal(404, "no-such-path", _NOT_HERE) from None
    if str(found) != text:
        raise Refusal(404, "no-such-path", _NOT_HERE)
    return found


async def _recording(request: Request) -> Response:
    session, console = await session_of(request), _console(request)
    wanted, spoken = _id(request), _words(request)

    def look() -> tuple[recording.Shown, Any] | None:
        shown = recording.shown(console.finder(session), console.index, wanted)
        if shown is None:
            return None
        console.note(request, session, "list", of="account", results=1, recordings=[str(wanted)])
        return shown, lines.lanes(shown.evidence, spoken)

    found = await run_sync(look)
    if found is None:
        raise Refusal(404, "no-such-path", _NOT_HERE)
    shown, lanes = found
    return _page(
        request, "recording.html", session=session, shown=shown, lanes=lanes,
        ticks=lines.ticks(shown.listed.length), kinds=KINDS, acts=recording.ACTS,
    )  # fmt: skip


KINDS: Final = {
    "kept": "recorded and here", "closed": "a rule kept it out", "held": "nothing was to be recorded",
    "blind": "nothing could be proven", "missing": "it should be here and is not",
}  # fmt: skip


async def _access(request: Request) -> Response:
    session, console = await session_of(request), _console(request)
    wanted, before = _id(request), asked.position(request.query_params.get("before", ""), _words(request))

    def read() -> Any:
        shown = recording.shown(console.finder(session), console.index, wanted)
        if shown is None or not shown.may(Act.SEE_ACCESS):
            return None
        found = looks(console.entries, str(wanted), console.names(), before)
        span = {"first": found.first, "end": max(found.first, found.end)}
        console.note(request, session, "read-log", **span, query=f"recording {wanted}")
        return shown, found

    answer = await run_sync(read)
    if answer is None:
        raise Refusal(404, "no-such-path", _NOT_HERE)
    shown, found = answer
    return _page(request, "access.html", session=session, shown=shown, found=found)


# -- the audit log ----------------------------------------------------------------------------------------------------


async def _audit(request: Request) -> Response:
    session, console, spoken = await session_of(request), _console(request), _words(request)
    question, said = asked.read_log(request.query_params, auditor.CHOICES, spoken)

    def read() -> Any:
        reader = console.log_reader(session)
        if not auditor.may_read(reader.finder.governance, reader.finder.person, reader.finder.now):
            return None
        who = pseudonym(question.who, console.entries.key) if question.who else ""
        page, head = reader.page(replace(question, who=who)), reader.head()
        first, end = _span([one.position for one in page.rows])
        query = {"query": urlencode(said)} if said else {}
        console.note(request, session, "read-log", first=first, end=end, **query)
        return reader, page, head

    answer = await run_sync(read)
    if answer is None:
        raise Refusal(404, "no-such-path", _NOT_HERE)
    reader, page, head = answer
    days = [(day, list(rows)) for day, rows in groupby(page.rows, lambda one: spoken.day(one.time * 1_000_000))]
    further = urlencode(said | ({"before": str(page.following)} if page.following is not None else {}))
    return _page(
        request, "audit.html", session=session, reader=reader, page=page, head=head, days=days, asked=said,
        kinds=auditor.CHOICES, before=question.before, next=f"/audit?{further}", first=f"/audit?{urlencode(said)}",
    )  # fmt: skip


def _span(positions: Sequence[int]) -> tuple[int, int]:
    """First and end."""
    return (min(positions), max(positions) + 1) if positions else (0, 0)


async def _audit_entry(request: Request) -> Response:
    session, console = await session_of(request), _console(request)
    position = request.path_params["position"]

    def read() -> Any:
        reader = console.log_reader(session)
        console.log.publish()  # an entry that is not published has no proof yet
        found = reader.entry(position) if position <= MAX_INTEGER else None
        if found is not None:
            console.note(request, session, "read-log", first=position, end=position + 1)
        return found and (reader, found)

    answer = await run_sync(read)
    if answer is None:
        raise Refusal(404, "no-such-path", _NOT_HERE)
    reader, entry = answer
    return _page(request, "audit-entry.html", session=session, reader=reader, entry=entry)


async def _audit_proof(request: Request) -> Response:
    session, console = await session_of(request), _console(request)
    position = request.path_params["position"]

    def read() -> str | None:
        reader = console.log_reader(session)
        console.log.publish()
        if position > MAX_INTEGER or reader.entry(position) is None:
            return None
        console.note(request, session, "read-log", first=position, end=position + 1)
        return reader.proof(position)

    proof = await run_sync(read)
    if proof is None:
        raise Refusal(404, "no-such-path", _NOT_HERE)
    return _download(proof.encode(), "application/json", f"entry-{position}.json")


def _download(content: bytes, kind: str, name: str) -> Response:
    return Response(content, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


# -- the report of a period -------------------------------------------------------------------------------------------


async def _may_report(request: Request) -> tuple[Session, Console]:
    """Refusals: 404, for who may not."""
    session, console = await session_of(request), _console(request)
    finder = await run_sync(console.finder, session)
    if not auditor.may_report(finder.governance, finder.person, finder.now):
        raise Refusal(404, "no-such-path", _NOT_HERE)
    return session, console


async def _report(request: Request) -> Response:
    session, console = await _may_report(request)
    job = console.reports.of(session.person)
    shown = await run_sync(html.part, job.shown) if job and job.shown else ""
    first, last = asked.last_month(console.sign_in.people.clock())
    return _page(
        request, "report.html", session=session, job=job, shown=shown, files=(*signing.FILES, signing.SIGNATURE),
        first=first, last=last,
    )  # fmt: skip


async def _report_file(request: Request) -> Response:
    session, console = await _may_report(request)
    job, name = console.reports.of(session.person), request.path_params["name"]
    if job is None or job.signed is None or name not in job.signed.files:
        raise Refusal(404, "no-such-path", _NOT_HERE)
    kind = {"json": "application/json", "html": "text/html; charset=utf-8", "pdf": "application/pdf"}
    content = job.signed.files[name]
    return _download(content, kind.get(name.rpartition(".")[2], "application/jose"), name)


async def _make_report(request: Request) -> Response:
    """By the page of the report alone: says where it stands."""
    session, console = await _may_report(request)
    claims, spoken = await people_routes.claims_of(request), _words(request)
    period = asked.period(claims.text("from"), claims.text("to"), spoken)
    verify = claims.flag("verify")
    start = partial(
        console.reports.start, session.person, origin_of(request), period, verify=verify, language=spoken.language,
        names=console.names,
    )  # fmt: skip
    job = await run_sync(start)
    return JSONResponse(job.progress)


async def _report_progress(request: Request) -> Response:
    session, console = await _may_report(request)
    job = console.reports.of(session.person)
    return JSONResponse(job.progress if job else {"state": "none"})


# What the pages ask for by program.
API: Final = (
    Route("/v1/reports", _make_report, methods=["POST"]),
    Route("/v1/reports", _report_progress, methods=["GET"]),
)
ROUTES: Final = (
    Route("/", _find),
    Route("/sign-in", _sign_in),
    Route("/join", _join),
    Route("/enrol", _enrol),
    Route("/sessions", _sessions),
    Route("/recordings/{recording}", _recording),
    Route("/recordings/{recording}/access", _access),
    Route("/audit", _audit),
    Route("/audit/{position:int}", _audit_entry),
    Route("/audit/{position:int}/proof", _audit_proof),
    Route("/report", _report),
    Route("/report/{name}", _report_file),
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
