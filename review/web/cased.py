"""Cases in the console: their list, the page of one, and the routes by which they are made, changed and exported."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from anyio.to_thread import run_sync
from sqlalchemy import Row
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from protocol.claims import is_uuid
from protocol.envelope import AUDIO, SCREEN
from review.cases.spans import moment
from review.people.routes import origin_of, posted, session_of
from review.people.service import Session
from review.requests.cases import CaseSeen, Said, Span, SpanSeen, builds, may_see_cases
from review.requests.requests import Wish, may_some
from review.requests.states import CaseState, CaseStep
from review.search.facts import Listed
from review.search.find import Finder
from review.web import recording
from review.web.asked import place_by_id
from review.web.pages import Console, console_of, not_here, page, words_of
from review.web.wanted import wanted_id
from review.web.words import exactly
from store.catalog import erasure
from store.errors import Refusal

STATES: Final[Mapping[CaseState, str]] = {
    CaseState.OPEN: "open", CaseState.ASKED: "export asked for", CaseState.EXPORTED: "exported",
    CaseState.CLOSED: "finished",
}  # fmt: skip
STEPS: Final[Mapping[CaseStep, str]] = {
    CaseStep.ASK: "Ask for its export", CaseStep.APPROVE: "Approve the export", CaseStep.REFUSE: "Refuse the export",
    CaseStep.WITHDRAW: "Withdraw it", CaseStep.EXPORTED: "It was exported", CaseStep.CLOSE: "Finish the case",
    CaseStep.REOPEN: "Open it again",
}  # fmt: skip
ONLY: Final[Mapping[str, str]] = {AUDIO: "Only the sound.", SCREEN: "Only the screens."}
REASONED: Final = (CaseStep.ASK, CaseStep.REFUSE)
# Where the export is done: not here, as its keys are on the store's machine (docs/cases.md).
# By a pipe: a file would have the title in the clear.
DONE_BY: Final = (
    "eyelid-review case show {case} --json | eyelid-review case export --spans - --key KEY --passphrase-file FILE "
    "--to READER --purpose {purpose} -o FOLDER"
)
_HOLD: Final = "legal-hold"
_ID: Final = re.compile(r"[0-9a-f-]{36}")
_SPAN: Final = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Shown:
    """A span, and what its row says of its recording. `opens`: whether they may ask to play it."""

    span: SpanSeen
    agent: str
    opens: bool
    comments: list[Row[Any]]


async def _may(request: Request) -> tuple[Session, Console]:
    """Refusals: 404, for who has nothing to do with cases."""
    session, console = await session_of(request), console_of(request)
    finder = await run_sync(console.finder, session)
    if not may_see_cases(finder.governance, finder.person, finder.now):
        raise not_here()
    return session, console


async def _list(request: Request) -> Response:
    session, console = await _may(request)
    after = place_by_id(request.query_params.get("after", ""), _ID, words_of(request))

    def read() -> Any:
        finder = console.finder(session)
        return console.cases.page(finder, after), builds(finder)

    found, may_make = await run_sync(read)
    further = found.following and urlencode({"after": f"{found.following[0]}.{found.following[1]}"})
    return page(
        request, "cases.html", session=session, found=found, states=STATES, later=after is not None,
        next=further and f"/cases?{further}", builds=may_make, place="cases",
    )  # fmt: skip


async def _case(request: Request) -> Response:
    session, console = await _may(request)
    wanted = str(wanted_id(request, "case"))

    def look() -> Any:
        finder = console.finder(session)
        seen = console.cases.look(finder, wanted, origin_of(request))
        shown = [_shown(console, finder, one) for one in seen.spans]
        return seen, shown, _holds(finder, seen), _hold_purposes(console, finder, seen)

    seen, shown, holds, purposes = await run_sync(look)
    return page(
        request, "case.html", session=session, case=seen, shown=shown, holds=holds, hold_purposes=purposes,
        states=STATES, steps=STEPS, reasoned=REASONED, done_by=DONE_BY, only=ONLY,
        player=console.sign_in.people.settings.player, seconds=lambda ns: f"{ns / 10**9:.3f}", place="cases",
    )  # fmt: skip


def _shown(console: Console, finder: Finder, span: SpanSeen) -> Shown:
    listed = span.recording
    opens = recording.may_open(finder, listed)
    about = console.comments.about(listed.recording) if opens else []
    person = finder.governance.person_of(listed.whose.user) or listed.whose.user
    return Shown(span, person, opens, [one for one in about if one.start < span.until and one.end > span.start])


def _holds(finder: Finder, seen: CaseSeen) -> int | None:
    """How many of its recordings are under a hold; None where it is not theirs to know of each."""
    if not all(may_some(finder, recording.HOLDING, one.whose, one.start) for one in seen.recordings):
        return None
    with finder.catalog.reading() as connection:
        return len(erasure.held(connection, [one.recording for one in seen.recordings]))


def _hold_purposes(console: Console, finder: Finder, seen: CaseSeen) -> list[str]:
    """For which they may ask for a hold of all of it; "" where none has to be named."""
    several = [set(console.requests.purposes(finder, _HOLD, one)) for one in seen.recordings]
    return sorted(set.intersection(*several)) if several else []


def of_recording(console: Console, finder: Finder, listed: Listed, query: Mapping[str, str]) -> dict[str, Any]:
    """What its page shows: its cases, and those that take a span of it. `query`: `from` and `until` of a span."""
    if not may_see_cases(finder.governance, finder.person, finder.now):
        return {"cases": (), "takes": None}
    takes = None
    if console.cases.may_add(finder, listed) and listed.length:
        takes = console.cases.taking(finder)
    whole = {"from": 0, "until": listed.length}
    times = [moment(query.get(name, "")) for name in whole]
    span = tuple(exactly(at if said is None else said) for at, said in zip(whole.values(), times, strict=True))
    mine = console.cases.of_recording(finder, listed.recording)
    return {"cases": mine, "takes": takes, "span": span, "span_asked": times != [None, None], "case_states": STATES}


# -- acts -------------------------------------------------------------------------------------------------------------


async def _make(request: Request) -> Response:
    body, (session, console) = await posted(request), await _may(request)
    title, note = body.text("title"), body.text("note")

    def make() -> str:
        return console.cases.make(console.finder(session), title, note, origin_of(request))

    return _json({"case": await run_sync(make)})


async def _add(request: Request) -> Response:
    """A span of this recording: to a case, or to a new one with this title."""
    body, (session, console), wanted = await posted(request), await _may(request), wanted_id(request)
    case, title, since, until = (body.text(name) for name in ("case", "title", "from", "until"))

    def add() -> str:
        finder = console.finder(session)
        shown = recording.shown(finder, console.index, wanted)
        if shown is None or (case and not is_uuid(case)):
            raise not_here()
        span = _span(shown.listed, since, until)
        if not case:
            return console.cases.make(finder, title, "", origin_of(request), [span])
        console.cases.add(finder, case, span, origin_of(request))
        return case

    return _json({"case": await run_sync(add)})


def _span(listed: Listed, since: str, until: str) -> Span:
    """Pages show tenths of a second: what reaches into the last one reaches the end. Refusals: 422 bad-span."""
    start, end = moment(since), moment(until)
    if start is None or end is None:
        raise Refusal(422, "bad-span", "a time is written 83.5 or 1:23.5")
    return listed, start, listed.length if exactly(end) == exactly(listed.length) else end


async def _remove(request: Request) -> Response:
    body, (session, console), wanted = await posted(request), await _may(request), str(wanted_id(request, "case"))
    span = body.text("span")
    if not _SPAN.fullmatch(span):
        raise not_here()
    await run_sync(lambda: console.cases.remove(console.finder(session), wanted, span, origin_of(request)))
    return _json({"removed": span})


async def _step(request: Request) -> Response:
    body, (session, console), wanted = await posted(request), await _may(request), str(wanted_id(request, "case"))
    said, wish = body.text("step"), Said(*map(body.text, ("purpose", "reason", "asked")))
    if said not in set(CaseStep):
        raise Refusal(422, "no-such-step", "a case has no such step")

    def step() -> CaseState:
        return console.cases.step(console.finder(session), wanted, CaseStep(said), wish, origin_of(request))

    return _json({"state": await run_sync(step)})


async def _hold(request: Request) -> Response:
    """One request for each recording of the case; those that they asked for before stay as they are."""
    body, (session, console), wanted = await posted(request), await _may(request), str(wanted_id(request, "case"))
    wish = Wish(_HOLD, body.text("purpose"), body.text("reason"))

    def ask() -> int:
        finder = console.finder(session)
        several = console.cases.get(finder, wanted).recordings
        if not several:
            raise not_here()
        return console.requests.ask_each(finder, several, wish, origin_of(request))

    return JSONResponse({"asked": await run_sync(ask)}, headers={"Cache-Control": "no-store"})


def _json(answer: dict[str, str]) -> Response:
    return JSONResponse(answer, headers={"Cache-Control": "no-store"})


ROUTES: Final = (
    Route("/cases", _list),
    Route("/cases/{case}", _case),
    Route("/v1/cases", _make, methods=["POST"]),
    Route("/v1/cases/{case}", _step, methods=["POST"]),
    Route("/v1/cases/{case}/remove", _remove, methods=["POST"]),
    Route("/v1/cases/{case}/hold", _hold, methods=["POST"]),
    Route("/v1/recordings/{recording}/case", _add, methods=["POST"]),
)
