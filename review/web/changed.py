"""What changed since a moment, in one look: the first page of who answers for all recordings, and a page for others.

Each line is a count that leads to its list, of what the person may see there; a part of which they may see nothing is
not there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode

from anyio.to_thread import run_sync
from sqlalchemy import func, select
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from review.governance.model import Act
from review.languages import local, start_of
from review.people.routes import session_of
from review.people.service import Session
from review.requests import privacy
from review.requests.cases import may_see_cases
from review.requests.states import CaseStep, Step
from review.search import pc_find, pc_index, pc_schema
from review.search.find import MOST, MOST_RULES, Finder
from review.search.pc_find import Asked
from review.web import asked as questions
from review.web import auditor, bundles, fleet, recording
from review.web.access import Looks, opened_since
from review.web.beside import Beside
from review.web.fleet import CHANGES, Sees
from review.web.pages import WAITING, Console, console_of, not_here, page, words_of
from review.web.pcs_read import seen
from review.web.waiting import waiting
from review.web.words import Words, lasting
from store.catalog import schema

MOST_SHOWN: Final = 20  # rules, and openings
_MOST_BUNDLES: Final = 50
_SATURDAY: Final = 5


@dataclass(frozen=True, slots=True)
class Line:
    """`count`: MOST + 1 for more than MOST. `says`: what is counted, in the reader's language. `path`: of the list."""

    count: int
    says: str
    path: str


@dataclass(frozen=True, slots=True)
class Section:
    """`lines`: those that count something. `none`: what it says without any. `note`: what is not known of it."""

    id: str
    name: str
    lines: tuple[Line, ...]
    none: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class _Look:
    """Of one person, since a minute (ns)."""

    console: Console
    finder: Finder
    sees: Sees
    since: int
    words: Words

    def path(self, path: str, **said: str) -> str:
        return f"{path}?{urlencode(said | {'from': questions.written_moment(self.since)})}"

    def section(self, id: str, name: str, lines: Iterable[Line], none: str, note: str = "") -> Section:  # noqa: A002
        return Section(id, name, tuple(one for one in lines if one.count), none, note)


def last_working_day(now: int) -> int:
    """ns at which the last one before today began: on Monday that is Friday."""
    day = local(now).date() - timedelta(days=1)
    while day.weekday() >= _SATURDAY:
        day -= timedelta(days=1)
    return start_of(day)


def may_look(finder: Finder, sees: Sees) -> bool:
    rules, person, now = finder.governance, finder.person, finder.now
    return sees.some or auditor.may_report(rules, person, now) or auditor.may_see_retention(rules, person, now)


def beginning(finder: Finder) -> str:
    """Where who lists all recordings begins: who puts on hold what must stay, with what changed; who audits, with the
    report; who answers privacy requests, with these. "" for everybody else.
    """
    if not finder.may_list_anything():
        return ""
    who = finder.governance, finder.person, finder.now
    if auditor.may_of_all(*who, Act.LEGAL_HOLD):
        return "/since"
    if auditor.may_report(*who):
        return "/report"
    return "/privacy" if auditor.may_of_all(*who, Act.SUBJECT_ACCESS) else ""


async def _since(request: Request) -> Response:
    session, console, spoken = await session_of(request), console_of(request), words_of(request)
    finder, sees = await run_sync(lambda: (console.finder(session), console.sees(session)))
    if not may_look(finder, sees):
        raise not_here()
    said = questions.span({"from": request.query_params.get("from", "")}, spoken)
    since = min(said.get("since", last_working_day(finder.now)), finder.now)  # a moment to come is now
    look = _Look(console, finder, sees, since, spoken)

    def read() -> tuple[list[Section], Looks | None]:
        made = list(_sections(look, session))
        console.note(request, session, "list", of="changes", results=sum(len(one.lines) for one in made))
        return made, _opened(request, session, look)

    sections, opened = await run_sync(read, limiter=WAITING)
    reports = auditor.may_report(finder.governance, finder.person, finder.now)
    purposes = Counter(one.purpose for one in opened.looks) if opened else Counter[str]()
    return page(
        request, "since.html", session=session, sections=sections, opened=opened, purposes=purposes, reports=reports,
        since=since, now=finder.now, asked={"from": questions.written_moment(since)}, most_shown=MOST_SHOWN,
        default="from" not in request.query_params, place="since",
    )  # fmt: skip


def _sections(look: _Look, session: Session) -> Iterator[Section]:
    rules, person, now = look.finder.governance, look.finder.person, look.finder.now
    if look.sees.some:
        yield from _of_computers(look)
    if look.finder.reaches_somebody():
        yield _closed(look)
    if auditor.may_report(rules, person, now):
        yield _bundles(look)
    yield _waiting(look, session)
    if auditor.may_see_retention(rules, person, now):
        yield _holds(look)


# -- computers --------------------------------------------------------------------------------------------------------


def _of_computers(look: _Look) -> Iterator[Section]:
    console, words = look.console, look.words
    console.lists.index.take_in_alarms()
    _, found = Beside.together(console.lists, console.fleet)
    about = seen(console.lists, look.sees)
    with console.lists.index.index.reading() as connection:

        def sums(of: str) -> dict[str, tuple[int, int]]:
            return pc_find.sums(connection, about.reach, Asked(of, since=look.since))

        raised, settled, gaps, erased = map(sums, (pc_schema.ALARM, pc_schema.SETTLED, pc_schema.GAP, pc_schema.ERASED))
    yield look.section(
        "alarms", words("Alarms"),
        (Line(_number(raised), words("raised"), look.path("/alarms", state="alarm")),
         Line(_number(settled), words("acknowledged since"), look.path("/alarms", state="settled"))),
        words("No alarm was raised, and none acknowledged."),
    )  # fmt: skip
    missing = sum(length for kind, (_, length) in gaps.items() if kind != pc_schema.ON_ITS_WAY)
    note = _unread(words, about.read, len(about.names))
    week = words("Gaps are looked at seven days back.") if look.since < look.finder.now - pc_index.WEEK else ""
    yield look.section(
        "gaps", words("Gaps"),
        (Line(_number(gaps), words("found, {time} missing", time=lasting(missing)), look.path("/gaps")),
         Line(_number(erased), words("erased by a signed order"), look.path("/gaps", kind="erased"))),
        words("No gap."), " ".join(one for one in (note, week) if one),
    )  # fmt: skip
    counts = Counter(fleet.changed(one, look.since) for one in found.devices if look.sees(one.device)) if found else {}
    yield look.section(
        "computers", words("Computers"),
        (Line(counts.get(one, 0), words(name), look.path("/fleet", change=one)) for one, name in CHANGES.items()),
        words("None came, left or fell silent."),
        "" if found else words("The computers are being checked. Load this page again in a moment."),
    )  # fmt: skip


def _unread(words: Words, read: int, every: int) -> str:
    if read >= every:
        return ""
    said = {"read": words.number(read), "all": words.number(every)}
    return words("{read} of {all} computers were looked at so far. Load this page again in a moment.", **said)


def _number(sums: Mapping[str, tuple[int, int]]) -> int:
    return sum(number for number, _ in sums.values())


# -- rules ------------------------------------------------------------------------------------------------------------


def _closed(look: _Look) -> Section:
    """Recordings that each rule closed, beside as much time before; those of which it is not the same."""
    words, now = look.words, look.finder.now
    found, whole = look.finder.closed_by((look.since, questions.LAST), (2 * look.since - now, look.since))
    differ = {rule: both for rule, both in found.items() if both[0] != both[1]}
    shown = sorted(differ, key=lambda rule: (-abs(differ[rule][0] - differ[rule][1]), rule))[:MOST_SHOWN]

    def line(rule: str) -> Line:
        count, before = differ[rule]
        said = {"rule": rule, "before": words.number(min(before, MOST)) + ("+" if before > MOST else "")}
        more = words("{rule} closed more: {before} before", **said)
        less = words("{rule} closed less: {before} before", **said)
        return Line(count, more if count > before else less, look.path("/find", rule=rule))

    made = tuple(line(one) for one in shown)
    more = len(differ) - len(shown)
    note = words("Counted are recordings that began since then, beside as much time before.") if made else ""
    if more:
        several = words("{count} more rules differ.", count=words.number(more))
        note += f" {words('1 more rule differs.') if more == 1 else several}"
    if not whole:
        note += f" {words('Compared are the {count} newest rules.', count=words.number(MOST_RULES))}"
    return Section(
        "closed", words("Closed by rules"), made, words("Each rule closed as often as before."), note.strip()
    )  # fmt: skip


def _bundles(look: _Look) -> Section:
    words = look.words
    with look.finder.catalog.reading() as connection:
        shown = bundles.newest(connection, look.console.custody.compliance, _MOST_BUNDLES + 1)
    new = [(one, shown[place + 1] if place + 1 < len(shown) else None) for place, one in enumerate(shown)
           if one.added >= look.since][:_MOST_BUNDLES]  # fmt: skip
    policy = sum(one.policy_hash != (before.policy_hash if before else "") for one, before in new)
    governed = sum(one.rules_hash != (before.rules_hash if before else "") for one, before in new)
    return look.section(
        "bundles", words("Signed rules"),
        (Line(policy, words("changed the pause policies"), "/rules"),
         Line(governed, words("changed who may what, or what is kept"), "/rules"),
         Line(len(new) if not policy and not governed else 0, words("with the same rules as before"), "/rules")),
        words("No bundle came."),
    )  # fmt: skip


# -- what waits -------------------------------------------------------------------------------------------------------


def _waiting(look: _Look, session: Session) -> Section:
    """Whenever it was asked: it waits still."""
    console, finder, words = look.console, look.finder, look.words
    answer = sum(bool({Step.ANSWER, Step.REFUSE} & set(one.may)) for one in console.requests.page(
        finder, ended=False).requests)  # fmt: skip
    approve = due = 0
    if may_see_cases(finder.governance, finder.person, finder.now):
        approve = sum(CaseStep.APPROVE in one.may for one in console.cases.page(finder).cases)
    if privacy.kinds_of(finder.governance, finder.person, finder.now):
        due = len(console.privacy.page(finder, answered=False).requests)
    waits = waiting(console, session, finder)
    unknown = words("The custodian does not answer: openings and exports that wait are not counted.")
    return look.section(
        "waiting", words("Waits for you"),
        (Line(answer, words("to answer under Requests"), "/requests"),
         Line(approve, words("to approve under Cases"), "/cases"),
         Line(due, words("to decide under Privacy"), "/privacy"),
         Line(waits.to_approve, words("to approve in the player, under Requests"), "/requests")),
        words("Nothing waits for your answer."), unknown if waits.known is None else "",
    )  # fmt: skip


def _holds(look: _Look) -> Section:
    words, holds = look.words, schema.holds.c
    knows = auditor.may_of_all(
        look.finder.governance, look.finder.person, look.finder.now, *recording.HOLDING
    )  # fmt: skip
    placed = released = 0
    with look.finder.catalog.reading() as connection:

        def count(column: Any) -> int:
            return connection.scalar(select(func.count()).select_from(schema.holds).where(column >= look.since)) or 0

        if knows:
            placed, released = count(holds.placed_at), count(holds.released_at)
        gone = schema.erasures.c.shredded_at >= look.since
        erased = connection.scalar(select(func.count()).select_from(schema.erasures).where(gone)) or 0
    return look.section(
        "holds", words("Holds and erasures"),
        (Line(placed, words("put on hold"), "/retention"),
         Line(released, words("taken off a hold"), "/retention"),
         Line(erased, words("erased"), "/retention")),
        words("Nothing was put on hold, released or erased.") if knows else words("Nothing was erased."),
        "" if knows else words("Legal holds are not shown to you."),
    )  # fmt: skip


# -- openings ---------------------------------------------------------------------------------------------------------


def _opened(request: Request, session: Session, look: _Look) -> Looks | None:
    """For who reads all of the audit log, and lists all recordings. None: not theirs, or there is no copy."""
    if not auditor.may_report(look.finder.governance, look.finder.person, look.finder.now):
        return None
    names: Callable[..., Any] = look.console.names
    found = opened_since(look.console.openings, look.since, names)
    if found is not None:
        look.console.note(request, session, "read-log", first=found.first, end=found.end, query="openings since")
    return found


ROUTES: Final = (Route("/since", _since),)
