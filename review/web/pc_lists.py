"""Lists behind the counts of the fleet: alarms, gaps, and what each rule closed, of the PCs that a person may see.

What `eyelid-store alarms`, `gaps` and `rules` say, without a shell. A recording is named to those who may list it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from review.languages import local, start_of
from review.people.routes import session_of
from review.people.service import Session
from review.search import pc_find, pc_index, pc_schema
from review.search.find import Finder
from review.search.pc_find import Asked, AskedRules
from review.web import asked as questions
from review.web.computers import sees_some
from review.web.fleet import Sees
from review.web.pages import WAITING, Console, console_of, page, words_of
from review.web.pcs_read import seen
from review.web.words import Words
from store.errors import Refusal

STATES: Final[Mapping[str, str]] = {
    pc_schema.OPEN: "open", pc_schema.SETTLED: "acknowledged", pc_schema.ALARM: "all",
}  # fmt: skip
KINDS: Final[Mapping[str, str]] = {
    pc_schema.LOST: "lost", pc_schema.GIVEN_UP: "given up: the computer's disk was full",
    pc_schema.ON_ITS_WAY: "still on its way",
    pc_schema.UNEXPLAINED: "time that is unexplained", pc_schema.CONTRADICTED: "not what the computer had named",
    pc_schema.ERASED: "erased by a signed order",
}  # fmt: skip
USES: Final[Mapping[str, str]] = {
    pc_find.NEVER: "never closed anything", pc_find.CLOSED: "closed something",
    pc_find.WOULD: "would have closed something",
}  # fmt: skip


def may_list(finder: Finder, rows: Iterable[Any]) -> set[str]:
    return finder.listed({row.recording for row in rows if row.recording})[1]


async def _sees(request: Request) -> tuple[Session, Console, Sees]:
    """Refusals: 404, for who may see no PC: before anything is said of what they ask."""
    session, console = await session_of(request), console_of(request)
    return session, console, await run_sync(sees_some, console, session)


async def _alarms(request: Request) -> Response:
    await _sees(request)
    state = request.query_params.get("state", pc_schema.OPEN)
    if state not in STATES:
        raise Refusal(400, "bad-question", words_of(request)("the state is one of those in the list"))
    return await _lines(request, "/alarms", state, state)


async def _gaps(request: Request) -> Response:
    erased = request.query_params.get("kind", "") == pc_schema.ERASED
    return await _lines(request, "/gaps", pc_schema.ERASED if erased else pc_schema.GAP, "")


async def _lines(request: Request, path: str, of: str, state: str) -> Response:
    (session, console, sees), spoken = await _sees(request), words_of(request)
    query, alarms = request.query_params, path == "/alarms"
    text, kind = (questions.named(query.get(name, ""), spoken) for name in ("text", "kind"))
    if not alarms and kind and kind not in KINDS:
        raise Refusal(400, "bad-question", spoken("the kind is one of those in the list"))
    after = questions.list_key(query.get("after", ""), spoken)
    wanted = Asked(of, kind, after=after, **questions.span(query, spoken))
    said = {"text": text, "kind": kind, "state": "" if state == pc_schema.OPEN else state}
    said |= questions.written_span(wanted.since, wanted.until)
    said = {name: value for name, value in said.items() if value}

    def look() -> Any:
        lists = console.lists
        if alarms:
            lists.index.take_in_alarms()
        else:
            lists.ask()
        about = seen(lists, sees, text)
        with lists.index.index.reading() as connection:
            found = pc_find.page(connection, about.reach, wanted)
            kinds = pc_find.kinds(connection, about.reach, of) if alarms else list(KINDS)
        named = may_list(console.finder(session), found.rows)
        facts = {"recordings": sorted(named)} if named else {}
        console.note(request, session, "list", of=path[1:], results=found.count, **facts)
        return about, found, kinds, named

    about, found, kinds, named = await run_sync(look, limiter=None if alarms else WAITING)
    return page(
        request, "pc-lines.html", session=session, about=about, found=found, named=named, asked=said, kinds=kinds,
        kind_names=KINDS, alarms=alarms, state=state, states=STATES, path=path, later=after is not None, place="fleet",
        days=_by_day(found.rows, spoken), next=_further(path, said, found.following), first=_address(path, said),
    )  # fmt: skip


def _by_day(rows: Iterable[Any], spoken: Words) -> list[tuple[str, list[Any]]]:
    days: dict[str, list[Any]] = {}
    for row in rows:
        days.setdefault(spoken.day(row.at), []).append(row)
    return list(days.items())


def _address(path: str, said: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(said)}" if said else path


def _further(path: str, said: Mapping[str, str], following: pc_find.Key | None) -> str:
    return _address(path, {**said, "after": questions.key(following)}) if following else ""


# -- rules ------------------------------------------------------------------------------------------------------------


async def _uses(request: Request) -> Response:
    (session, console, sees), spoken = await _sees(request), words_of(request)
    query = request.query_params
    text, after = (questions.named(query.get(name, ""), spoken) for name in ("text", "after"))
    kind = query.get("kind", "")
    if kind and kind not in USES:
        raise Refusal(400, "bad-question", spoken("the kind is one of those in the list"))
    bounds = questions.span(query, spoken)
    since, until = map(_whole_days, (bounds.get("since", 0), bounds.get("until", questions.LAST)), (False, True))
    said = {"text": text, "kind": kind} | questions.written_span(since, until)
    said = {name: value for name, value in said.items() if value}
    if until <= console.sign_in.people.clock() - pc_index.WEEK:
        raise Refusal(400, "bad-question", spoken("the use of rules is known for the last seven days"))
    day = pc_index.day_of
    wanted = AskedRules(
        day(since) if since else 0, day(until - 1) if until != questions.LAST else day(questions.LAST), kind, after
    )

    def look() -> Any:
        finder, lists = console.finder(session), console.lists
        lists.ask()
        about, now = seen(lists, sees, text), console.sign_in.people.clock()
        first = max(since, now - pc_index.WEEK)
        settled = first + max(0, min(until, now) - first) // 10
        with lists.index.index.reading() as connection:
            rows, following = pc_find.used(connection, about.reach, wanted, settled)
        console.note(request, session, "list", of="rules", results=len(rows))
        return about, rows, following, set(finder.choices().rules), settled

    about, rows, following, findable, settled = await run_sync(look, limiter=WAITING)
    return page(
        request, "uses.html", session=session, about=about, rows=rows, asked=said, uses=USES, settled=settled,
        findable=findable, later=bool(after), place="fleet", first=_address("/rules/uses", said),
        next=_address("/rules/uses", said | {"after": following}) if following else "",
        dates=urlencode([(name, said[name]) for name in ("from", "to") if name in said]),
    )  # fmt: skip


def _whole_days(ns: int, end: bool) -> int:
    """Uses are counted by days: the beginning of the one that a moment is of, or the end of it."""
    if ns in {0, questions.LAST}:
        return ns
    day = local(ns).date()
    return ns if ns == start_of(day) else start_of(day + timedelta(days=1) if end else day)


ROUTES: Final = (Route("/alarms", _alarms), Route("/gaps", _gaps), Route("/rules/uses", _uses))
