"""Privacy requests in the console: what is due first, and one of them with what is kept of who asks, and its answer.

Of a request only such recordings are shown as the officer may list. A decision deletes, holds and gives away nothing:
each of that has its own way and its own approvals, to which the page leads.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from urllib.parse import urlencode

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from protocol.claims import MAX_INTEGER
from protocol.envelope import AUDIO, SCREEN
from protocol.interaction import Interaction
from review.cases.spans import MOST_SPANS
from review.governance.model import Act
from review.lifecycle.facts import OF_MINIMUM, Facts
from review.people.routes import origin_of, posted, session_of
from review.people.service import Session
from review.requests.cases import Span
from review.requests.privacy import About, Decision, Key, Letter, PrivacySeen, kinds_of
from review.requests.requests import Wish, may_some
from review.requests.states import PrivacyState, PrivacyStep
from review.search import calls
from review.search.facts import Listed
from review.search.find import Finder, Wanted
from review.search.find import Key as Place
from review.web import asked, auditor, retained
from review.web.pages import Console, console_of, not_here, page, words_of
from review.web.recording import HOLDING
from review.web.wanted import NOT_HERE, wanted_ids
from review.web.words import Words
from store.errors import Refusal

KINDS: Final[Mapping[str, str]] = {
    "access": "Access (GDPR 15)", "erasure": "Erasure (GDPR 17)", "restriction": "Restriction (GDPR 18)",
    "objection": "Objection (GDPR 21)",
}  # fmt: skip
STATES: Final[Mapping[PrivacyState, str]] = {
    PrivacyState.OPEN: "not answered yet", PrivacyState.DECIDED: "decided", PrivacyState.ENDED: "finished",
}  # fmt: skip
OUTCOMES: Final[Mapping[str, str]] = {
    "granted": "granted", "in-part": "granted in part", "refused": "refused", "withdrawn": "withdrawn",
}  # fmt: skip
# What the person who asked is told; the page shows these sentences before they count.
GROUNDS: Final[Mapping[str, str]] = {
    "identity": "We cannot prove that you are the person whose recordings you ask about. Please send us something that "
    "shows it. Until then we can give nothing away and change nothing.",
    "minimum": "By law we must keep some recordings until a certain day, and cannot delete them before:",
    "hold": "Some recordings have to be kept for a legal claim. They are used for nothing else meanwhile.",
    "others": "Some recordings show or let hear other people, whose rights weigh more than your request here. "
    "These parts are left out.",
}
HOLD: Final = "legal-hold"
HELD_KINDS: Final = ("restriction", "objection")  # of which a hold can come
# Which lanes a case for the person gets. Both ends of a call are in one lane (docs/decisions/0078).
LANES: Final[Mapping[str, str]] = {
    AUDIO: "sound alone: screens are left out", SCREEN: "screens alone: sound is left out", "": "everything",
}  # fmt: skip
_ID: Final = re.compile(r"[0-9a-f]{16}")
_CALL: Final = re.compile(r"([0-9]{1,19})\.([0-9a-f-]{36})")
_PLACE: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})\.([0-9a-f]{16})")


@dataclass(frozen=True, slots=True)
class Row:
    """A recording of who asks. `interactions`: theirs, to which it belongs. `goes`, `because`: as `retained.Tried`."""

    listed: Listed
    person: str
    interactions: list[Interaction]
    goes: str
    because: str


@dataclass(frozen=True, slots=True)
class Found:
    """`count`: of all pages. `earlier`: of a customer with more calls than are gone through at once, the last of these.
    `searchable`: whether this console can look for a customer at all.
    """

    rows: tuple[Row, ...]
    count: int
    following: Place | None
    earlier: calls.Place | None
    searchable: bool


@dataclass(frozen=True, slots=True)
class At:
    """What of it a page shows: recordings after that one, of calls before that one."""

    after: Place | None
    before: calls.Place | None


async def _may(request: Request) -> tuple[Session, Console]:
    """Refusals: 404, for who works on no privacy requests."""
    session, console = await session_of(request), console_of(request)
    finder = await run_sync(console.finder, session)
    if not kinds_of(finder.governance, finder.person, finder.now):
        raise not_here()
    return session, console


def _wanted(request: Request) -> str:
    """Refusals: 404."""
    text: str = request.path_params["privacy"]
    if not _ID.fullmatch(text):
        raise Refusal(404, "no-such-path", NOT_HERE)
    return text


def _place(text: str, words: Words) -> Key | None:
    """Refusals: 400."""
    found = _PLACE.fullmatch(text)
    if text and not found:
        raise Refusal(400, "bad-question", words("this is no place in a list"))
    return (found[1], found[2]) if found else None


def _at(request: Request) -> At:
    """Refusals: 400."""
    spoken, text = words_of(request), request.query_params.get("calls", "")
    found = _CALL.fullmatch(text)
    if text and (not found or int(found[1]) > MAX_INTEGER):
        raise Refusal(400, "bad-question", spoken("this is no place in a list"))
    return At(asked.read(request.query_params, spoken).after, (int(found[1]), found[2]) if found else None)


# -- pages ------------------------------------------------------------------------------------------------------------


async def _list(request: Request) -> Response:
    session, console = await _may(request)
    answered = request.query_params.get("answered") == "1"
    after = _place(request.query_params.get("after", ""), words_of(request))

    def read() -> Any:
        finder = console.finder(session)
        found = console.privacy.page(finder, answered=answered, after=after)
        return found, kinds_of(finder.governance, finder.person, finder.now), finder.choices().people

    found, mine, people = await run_sync(read)
    same = {"answered": "1"} if answered else {}
    further = found.following and urlencode(same | {"after": ".".join(found.following)})
    return page(
        request, "privacies.html", session=session, found=found, mine=mine, people=people, answered=answered,
        today=console.privacy.today.isoformat(), next=further and f"/privacy?{further}", later=after is not None,
        kinds=KINDS, states=STATES, outcomes=OUTCOMES, place="privacy",
    )  # fmt: skip


async def _one(request: Request) -> Response:
    session, console = await _may(request)
    wanted, spoken, at = _wanted(request), words_of(request), _at(request)

    def look() -> Any:
        finder = console.finder(session)
        seen = console.privacy.get(finder, wanted)
        found = _found(console, finder, seen, at)
        console.privacy.note(finder, seen, [one.listed.recording for one in found.rows], origin_of(request))
        listed = [one.listed for one in found.rows]
        erases, holds = (_purposes(console, finder, subject, listed) for subject in ("erasure", HOLD))
        previews = auditor.may_see_retention(finder.governance, finder.person, finder.now)
        gives = bool(listed) and all(may_some(finder, {Act.SUBJECT_ACCESS}, one.whose, one.start) for one in listed)
        knows_holds = retained.of_all(finder, *HOLDING)
        return seen, found, erases if previews else [], holds, gives, knows_holds

    seen, found, erases, holds, gives, knows_holds = await run_sync(look)
    same = {"calls": "{}.{}".format(*at.before)} if at.before else {}
    further = found.following and urlencode(same | {"after": asked.key(found.following)})
    earlier = found.earlier and urlencode({"calls": "{}.{}".format(*found.earlier)})
    return page(
        request, "privacy.html", session=session, one=seen, found=found, erases=erases, holds=holds, gives=gives,
        knows_holds=knows_holds,
        grounds={name: _said(name, found, spoken) for name in GROUNDS}, kinds=KINDS, states=STATES, lanes=LANES,
        outcomes=OUTCOMES, held=HELD_KINDS, later=at != At(None, None), most=calls.MOST_CALLS,
        next=further and f"/privacy/{seen.id}?{further}", earlier=earlier and f"/privacy/{seen.id}?{earlier}",
        place="privacy",
    )  # fmt: skip


def _found(console: Console, finder: Finder, seen: PrivacySeen, at: At) -> Found:
    """What is kept of who asks, of which this officer may list what it is; newest first."""
    about, tags, earlier = seen.about, frozenset[str](), None
    if about.agent:
        listed = finder.page(Wanted(agent=about.agent, after=at.after))
    else:
        if console.finding is None:
            return Found((), 0, None, None, False)
        tags = _tags(console, finder, about.caller)
        of, earlier = calls.tagged(finder, tags, at.before)
        listed = finder.page(Wanted(after=at.after), calls.belonging(finder, of))
    knows_holds = retained.of_all(finder, *HOLDING)
    facts = Facts(finder.catalog, console.index.blobs, finder.governance)
    rows = []
    for one in listed.rows:
        tried = retained.preview(console, finder, facts, one, knows_holds=knows_holds, names=False)
        rows.append(Row(one, tried.person, _calls(finder, one, tags), tried.goes, tried.because))
    return Found(tuple(rows), listed.count, listed.following, earlier, True)


def _tags(console: Console, finder: Finder, caller: str) -> frozenset[str]:
    key = console.finding
    if key is None:
        return frozenset()
    with finder.catalog.reading() as connection:
        return frozenset(calls.caller(connection, key, caller).tags)


def _calls(finder: Finder, one: Listed, tags: frozenset[str]) -> list[Interaction]:
    """Theirs, of those that the recording belongs to."""
    said = calls.of_recording(finder, one.recording, one.length) if tags else []
    return [of for of in said if not tags.isdisjoint(of.tags)]


def _purposes(console: Console, finder: Finder, subject: str, several: Sequence[Listed]) -> list[str]:
    """For which they may ask this of all of these."""
    purposes = [set(console.requests.purposes(finder, subject, one)) for one in several]
    return sorted(set.intersection(*purposes)) if purposes else []


def _said(ground: str, found: Found, spoken: Words) -> str:
    """Its sentence; of the legal minimum with each rule and day, and never with a hold's name."""
    sentence = spoken(GROUNDS[ground])
    if ground != "minimum":
        return sentence
    lines = dict.fromkeys(_minimum(one, spoken) for one in found.rows if one.because.startswith(OF_MINIMUM))
    return "\n".join([sentence, *lines]) if lines else ""


def _minimum(row: Row, spoken: Words) -> str:
    until = spoken("stays") if row.goes == "kept" else spoken.date(row.goes)
    return f"- {until}: {spoken('minimum of class {name}', name=row.because.removeprefix(OF_MINIMUM))}"


# -- acts -------------------------------------------------------------------------------------------------------------


async def _make(request: Request) -> Response:
    body, (session, console) = await posted(request), await _may(request)
    kind, came, note = body.text("kind"), body.text("came"), body.text("note")
    about = About(body.text("caller").strip(), body.text("agent").strip().lower())
    try:
        day = date.fromisoformat(came)
    except ValueError:
        raise Refusal(422, "bad-came", "a day is written 2027-01-31") from None

    def make() -> str:
        return console.privacy.make(console.finder(session), Letter(kind, day, about, note), origin_of(request))

    return _json({"privacy": await run_sync(make)})


async def _step(request: Request) -> Response:
    body, (session, console), wanted = await posted(request), await _may(request), _wanted(request)
    step, reason, spoken, at = body.text("step"), body.text("reason"), words_of(request), _at(request)
    if step not in set(PrivacyStep):
        raise Refusal(422, "no-such-step", "a privacy request is extended, decided or ended")
    outcome = body.text("outcome") if step == PrivacyStep.DECIDE else ""
    chosen = [name for name in GROUNDS if body.has(f"ground-{name}")]

    def act() -> None:
        finder, origin = console.finder(session), origin_of(request)
        match PrivacyStep(step):
            case PrivacyStep.EXTEND:
                console.privacy.extend(finder, wanted, reason, origin)
            case PrivacyStep.END:
                console.privacy.end(finder, wanted, origin)
            case PrivacyStep.DECIDE:
                found = _found(console, finder, console.privacy.get(finder, wanted), at) if chosen else None
                grounds = {name: one for name in chosen if found and (one := _said(name, found, spoken))}
                answer = "\n\n".join([*grounds.values(), *([reason] if reason.strip() else [])])
                console.privacy.decide(finder, wanted, Decision(outcome, tuple(grounds), answer), origin)

    await run_sync(act)
    return _json({"step": step})


async def _case(request: Request) -> Response:
    """A case of the recordings that the page showed, with the lanes that were chosen."""
    body, (session, console), wanted = await posted(request), await _may(request), _wanted(request)
    only = body.text("only")
    if only not in LANES:
        raise Refusal(422, "bad-question", "a case has its sound, its screens, or both")
    ids = wanted_ids(body)

    def make() -> str:
        finder, origin = console.finder(session), origin_of(request)
        seen = console.privacy.get(finder, wanted)
        _of_kind(seen, "access")
        spans = _spans(console, finder, seen, _theirs(console, finder, seen, ids))
        title = f"Privacy request {seen.id}"
        made = console.cases.make(finder, title, "", origin, spans, acts=frozenset({Act.SUBJECT_ACCESS}), only=only)
        console.privacy.add_case(finder, seen.id, made, origin)
        return made

    return _json({"case": await run_sync(make)})


async def _hold(request: Request) -> Response:
    """One request for each recording that the page showed; those that were asked for before stay as they are."""
    body, (session, console), wanted = await posted(request), await _may(request), _wanted(request)
    wish, ids = Wish(HOLD, body.text("purpose"), body.text("reason")), wanted_ids(body)

    def ask() -> int:
        finder = console.finder(session)
        seen = console.privacy.get(finder, wanted)
        _of_kind(seen, *HELD_KINDS)
        listed = _theirs(console, finder, seen, ids)
        return console.requests.ask_each(finder, listed, wish, origin_of(request))

    return JSONResponse({"asked": await run_sync(ask)}, headers={"Cache-Control": "no-store"})


def _theirs(console: Console, finder: Finder, seen: PrivacySeen, ids: Sequence[str]) -> list[Listed]:
    """These recordings, if all are of who asks, and may be listed. Refusals: 404."""
    rows = finder.page(Wanted(agent=seen.about.agent), set(ids)).rows
    if seen.about.caller:
        tags = _tags(console, finder, seen.about.caller)
        rows = tuple(one for one in rows if _calls(finder, one, tags))
    if {one.recording for one in rows} != set(ids):
        raise not_here()
    return list(rows)


def _spans(console: Console, finder: Finder, seen: PrivacySeen, listed: Sequence[Listed]) -> list[Span]:
    """Of a customer the time of their calls, chats and mails alone: the rest of a recording is of others. Refusals:
    409 case-full.
    """
    if seen.about.agent:
        spans = [(one, 0, one.length) for one in listed]
    else:
        tags = _tags(console, finder, seen.about.caller)
        spans = [
            (one, max(0, of.start - one.start), min(one.length, of.end - one.start))
            for one in listed for of in _calls(finder, one, tags)
        ]  # fmt: skip
    spans = [(one, start, until) for one, start, until in spans if start < until]
    if len(spans) > MOST_SPANS:
        raise Refusal(409, "case-full", f"a case has {MOST_SPANS} spans at the most")
    return spans


def _of_kind(seen: PrivacySeen, *kinds: str) -> None:
    """Refusals: 409, for what the page of such a request does not offer."""
    if seen.kind not in kinds:
        raise Refusal(409, "other-kind", "a request of this kind is answered in another way")
    if seen.state is PrivacyState.ENDED:
        raise Refusal(409, "ended-before", "this request is finished")


def _json(answer: dict[str, str]) -> Response:
    return JSONResponse(answer, headers={"Cache-Control": "no-store"})


ROUTES: Final = (
    Route("/privacy", _list),
    Route("/privacy/{privacy}", _one),
    Route("/v1/privacy", _make, methods=["POST"]),
    Route("/v1/privacy/{privacy}", _step, methods=["POST"]),
    Route("/v1/privacy/{privacy}/case", _case, methods=["POST"]),
    Route("/v1/privacy/{privacy}/hold", _hold, methods=["POST"]),
)
