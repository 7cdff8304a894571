"""What all pages share: the console that they are of, the words of who reads, and how one is made."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from threading import Lock
from typing import Any, Final

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from review.analysis.derived import Shelf
from review.analysis.job_states import Kind
from review.analysis.jobs import Jobs
from review.audit.kinds import Act as Noted
from review.audit.log import AuditLog
from review.people.routes import SignIn, origin_of, session_of
from review.people.service import Session
from review.people.states import SessionState
from review.policy_trial.apart import Judge
from review.requests.cases import Cases, may_see_cases
from review.requests.privacy import PrivacyRequests, kinds_of
from review.requests.requests import Requests
from review.requests.reviews import Reviews, may_see_reviews
from review.requests.searches import Searches
from review.search.find import MOST, Finder, Meanings
from review.search.index import SearchIndex
from review.search.log_index import LogIndex
from review.web import auditor, headers, words
from review.web.comments import Comments
from review.web.custody import Custody
from review.web.fleet import Fleet, Sees
from review.web.pcs_read import PcLists
from review.web.reports import Reports
from review.web.trials import Trials
from review.web.wanted import NOT_HERE
from review.web.words import Words
from store.errors import Refusal

# Who waits for a round of all PCs holds a thread for seconds: other pages have theirs nevertheless.
WAITING: Final = CapacityLimiter(4)
LANGUAGE: Final = "__Host-eyelid-language"
_EVERYBODYS: Final = (
    ("/find", "find", "Recordings"), ("/mine", "mine", "My recordings"), ("/requests", "requests", "Requests"),
)  # fmt: skip

TEMPLATES: Final = Environment(
    loader=PackageLoader("review.web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
TEMPLATES.globals |= {
    "lasting": words.lasting, "exactly": words.exactly, "version": headers.VERSION, "languages": words.LANGUAGES,
    "groupby": groupby, "most": MOST,
}  # fmt: skip


@dataclass
class Console:
    """`log`, `entries`: the console's own audit log, and its index. `finding`: the house's finding key, where calls can
    be searched for. `openings`: of a copy of the custodian's log, where the console was given one. `jobs`: of the
    analysis; `readers`: the kinds that are made here; `shelf`: what was made, sealed. `signing`: held while a review is
    signed, and while an outcome is written. `judge`: of policies that are tried; `trying`: the turn.
    """

    sign_in: SignIn
    index: SearchIndex
    log: AuditLog
    entries: LogIndex
    reports: Reports
    fleet: Fleet
    custody: Custody
    lists: PcLists
    meanings: Meanings = field(default_factory=Meanings)
    finding: bytes | None = field(default=None, repr=False)
    openings: LogIndex | None = None
    jobs: Jobs | None = None
    readers: frozenset[Kind] = frozenset()
    shelf: Shelf | None = None
    trials: Trials = field(default_factory=Trials)
    judge: Judge = field(default_factory=Judge)
    trying: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(1))
    signing: Lock = field(default_factory=Lock, repr=False)

    @property
    def requests(self) -> Requests:
        return Requests(self.sign_in.people)

    @property
    def cases(self) -> Cases:
        return Cases(self.sign_in.people)

    @property
    def reviews(self) -> Reviews:
        return Reviews(self.sign_in.people)

    @property
    def privacy(self) -> PrivacyRequests:
        return PrivacyRequests(self.sign_in.people)

    @property
    def searches(self) -> Searches:
        return Searches(self.sign_in.people)

    @property
    def comments(self) -> Comments:
        return Comments(self.sign_in.people.database)

    def finder(self, session: Session) -> Finder:
        people = self.sign_in.people
        return Finder(
            self.index.index, self.index.catalog, people.rules(), people.person(session), people.clock(), self.meanings
        )

    def log_reader(self, session: Session) -> auditor.LogReader:
        return auditor.LogReader(self.finder(session), self.entries, self.names())

    def names(self, entries: LogIndex | None = None) -> dict[str, str]:
        """Of pseudonyms in a log, by default the console's, of everybody whom the rules or the console know."""
        people = self.sign_in.people
        return auditor.named(
            entries or self.entries,
            {one.person for one in people.rules().people} | {one["person"] for one in people.everybody()},
        )

    def sees(self, session: Session) -> Sees:
        people = self.sign_in.people
        return Sees(people.rules(), people.person(session), people.clock(), self.meanings)

    def note(self, request: Request, session: Session, kind: str, **facts: object) -> None:
        self.sign_in.people.note(Noted(kind, session.person, origin_of(request), ["console"], facts))


def console_of(request: Request) -> Console:
    found: Console = request.app.state.console
    return found


def words_of(request: Request) -> Words:
    return Words(words.chosen(request.cookies.get(LANGUAGE, ""), request.headers.get("Accept-Language", "")))


def page(request: Request, template: str, status: int = 200, session: Session | None = None, **facts: Any) -> Response:
    spoken = words_of(request)
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    common = {
        "places": _places(request, session),
        "_": spoken,
        "words": spoken,
        "here": here,
        "session": session,
        "zone": words.zone(),
        "place": "",
    }
    return HTMLResponse(TEMPLATES.get_template(template).render(common | facts), status)


def _places(request: Request, session: Session | None) -> list[tuple[str, str, str]]:
    """What the head of each page leads to: path, name, and how it is called."""
    if session is None or session.state != SessionState.SIGNED_IN:
        return []
    sees = console_of(request).sees(session)
    reports = auditor.may_report(sees.rules, sees.person, sees.now)
    retains = auditor.may_see_retention(sees.rules, sees.person, sees.now)
    may = (
        (may_see_cases(sees.rules, sees.person, sees.now), ("/cases", "cases", "Cases")),
        (may_see_reviews(sees.rules, sees.person, sees.now, reports=reports), ("/reviews", "reviews", "Reviews")),
        (bool(kinds_of(sees.rules, sees.person, sees.now)), ("/privacy", "privacy", "Privacy")),
        (sees.some or reports or retains, ("/since", "since", "What changed")),
        (sees.some, ("/fleet", "fleet", "Computers")),
        (auditor.may_read(sees.rules, sees.person, sees.now), ("/audit", "audit", "Audit log")),
        (reports, ("/report", "report", "Report")),
        (reports, ("/rules", "rules", "Rules")),
        (retains, ("/retention", "retention", "Retention")),
    )
    return [*_EVERYBODYS, *(one for granted, one in may if granted), ("/sessions", "sessions", "My sessions")]


def not_here() -> Refusal:
    return Refusal(404, "no-such-path", NOT_HERE)


async def reporting(request: Request, *, acts: bool = True) -> tuple[Session, Console]:
    """For pages that tell of all people and recordings, as a report does. `acts`: as `session_of`.

    Refusals: 404, for who may not.
    """
    session, console = await session_of(request, acts=acts), console_of(request)
    finder = await run_sync(console.finder, session)
    if not auditor.may_report(finder.governance, finder.person, finder.now):
        raise not_here()
    return session, console
