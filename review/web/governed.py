"""The rules in force: the signed bundle, what changed with it, who may do what and why, and a trial of other rules.

All sentences are the commands': `governance diff`, `policy diff`, `governance explain`, `governance try`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final
from uuid import UUID

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from protocol.claims import is_uuid
from protocol.errors import ProtocolError
from protocol.language.errors import MistakesError
from protocol.language.findings import line_at
from review.analysis import job_report
from review.governance.decide import decide
from review.governance.model import Act, Consent, Question, Recording, Rendition
from review.governance.words import Explained, disposal_in_words, explained
from review.lifecycle import every
from review.lifecycle.facts import Facts
from review.lifecycle.trial import consents_of, what_it_is
from review.people.routes import posted, refuse_foreign
from review.search.find import Finder
from review.search.to_analyse import analysts
from review.web import asked, bundles, trials
from review.web.pages import Console, page, reporting, words_of
from review.web.words import Words
from store.errors import Refusal

DAYS: Final = {"7": "the last 7 days", "30": "the last 30 days", "0": "the whole archive"}
RENDITIONS: Final = {"redacted": "redacted", "original": "original"}
WEIGHTS: Final = {
    "opens more": "Opens more", "deletes sooner": "Deletes sooner", "reviews less": "Reviews less",
    "opens less": "Opens less", "keeps longer": "Keeps longer", "weaker": "Weaker: what was closed will be recorded",
    "stronger": "Stronger: what was recorded will be closed", "other": "Other change",
}  # fmt: skip
JOB_KINDS: Final = {
    "speech": "Speech", "screen-text": "Text on screens", "text": "Chats and mails", "personal": "Personal data",
    "rendition": "Redacted rendition", "index": "Search index",
}  # fmt: skip
_GRAVE: Final = frozenset({"opens more", "deletes sooner", "reviews less", "weaker"})


@dataclass(frozen=True, slots=True)
class ExplainQuery:
    """What *explain* is asked. `who`: "" where nothing was asked yet."""

    who: str
    act: str
    purpose: str
    rendition: str
    recording: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """`wrong`: why there is none."""

    granted: bool = False
    said: Explained | None = None
    what: tuple[str, ...] = ()
    wrong: str = ""


async def _rules(request: Request) -> Response:
    session, console = await reporting(request)
    wish = _query(request.query_params, words_of(request))

    def read() -> Any:
        finder = console.finder(session)
        with console.index.catalog.reading() as connection:
            shown = bundles.newest(connection, console.custody.compliance)
        changed = None
        if len(shown) > 1:
            changed = bundles.rules_changed(shown[1], shown[0]), bundles.policy_changed(shown[1], shown[0])
        answer = None
        if wish.who:
            if wish.recording:
                facts = {"of": "account", "results": 1, "recordings": [wish.recording]}
                console.note(request, session, "list", **facts)
            answer = _explain(console, finder, wish)
        return finder.governance, shown, changed, answer, finder.choices().people, _analysis(console, finder)

    rules, shown, changed, answer, people, analysis = await run_sync(
        read, limiter=console.custody.limit if wish.recording else None
    )  # fmt: skip
    bundle, before = shown[0], shown[1] if len(shown) > 1 else None
    return page(
        request, "rules.html", session=session, bundle=bundle, before=before, rules=rules, wish=wish, answer=answer,
        people=sorted({one.person for one in rules.people if "*" not in one.person} | set(people)),
        of_rules=changed and changed[0], of_policy=changed and changed[1],
        line=partial(line_at, held=bundle.held), signer=console.custody.compliance, acts=tuple(Act), weights=WEIGHTS,
        renditions=RENDITIONS, days=DAYS, trial=console.trials.of(session.person), ahead=trials.AHEAD, grave=_GRAVE,
        place="rules", analysis=analysis, job_kinds=JOB_KINDS,
    )  # fmt: skip


def _analysis(console: Console, finder: Finder) -> dict[str, Any] | None:
    if console.jobs is None:
        return None
    allowed = bool(analysts(finder.governance, finder.now))
    return job_report.facts(console.jobs.status(), console.readers, allowed=allowed)


def _query(asks: Mapping[str, str], words: Words) -> ExplainQuery:
    """Refusals: 400."""
    who, purpose, recording = (asked.named(asks.get(name, ""), words) for name in ("who", "purpose", "recording"))
    act, rendition = asks.get("do", str(Act.PLAY)), asks.get("rendition", str(Rendition.REDACTED))
    if act not in set(Act) or rendition not in set(Rendition):
        raise Refusal(400, "bad-question", words("the kind is one of those in the list"))
    if recording and not is_uuid(recording.lower()):
        raise Refusal(400, "bad-question", words("a recording is named by its whole number"))
    return ExplainQuery(who.lower(), act, purpose, rendition, recording.lower())


def _explain(console: Console, finder: Finder, wish: ExplainQuery) -> Explanation:
    rules, now = finder.governance, finder.now
    recording: Recording | None = None
    what, kept = tuple[str, ...](), None
    if wish.recording:
        catalog, blobs, wanted = finder.catalog, console.index.blobs, UUID(wish.recording)
        if wish.recording not in finder.there([wish.recording]):
            return Explanation(wrong="there is no such recording")
        known = Facts(catalog, blobs, rules).of(wanted, now)
        if isinstance(known, str):
            return Explanation(wrong=f"recording {wanted}: {known}")
        try:
            said, consents = consents_of(console.custody.socket, wanted, says_where=False)
        except (ProtocolError, ValueError) as error:
            said, consents = (f"the custodian does not say what was consented to, so none counts: {error}",), {}
        facts = known.recording
        if (packet := finder.listed([wish.recording])[0].get(wish.recording)) is not None:  # as the custodian has it
            facts = replace(packet.whose.recording(rules, packet.start), end=facts.end, closed_by=facts.closed_by,
                            consent=facts.consent)  # fmt: skip
        recording = replace(
            facts, held=bool(known.holds), erasure_asked=bool(known.request),
            consent={one: consents.get(one, Consent.MISSING) for one in facts.consent},
        )  # fmt: skip
        what = (f"it is recording {known.id}", *what_it_is(known, recording, said))
        kept = tuple(disposal_in_words(known.disposal(rules, now)))
    question = Question(
        rules.person(wish.who), Act(wish.act), now, recording, wish.purpose, Rendition(wish.rendition)
    )  # fmt: skip
    decision = decide(rules, question)
    found = explained(rules, question, decision)
    return Explanation(decision.granted, found if kept is None else replace(found, kept=kept), what)


async def _start(request: Request) -> Response:
    """By the page alone: says where it stands."""
    refuse_foreign(request)
    session, console = await reporting(request)  # before so large a body is read
    claims = await posted(request, largest=trials.LARGEST)
    sent, days = claims.text_map("files"), claims.text("days")
    if days not in DAYS:
        raise Refusal(422, "bad-question", "the days are those in the list")

    def start() -> trials.Trial:
        catalog, blobs = console.index.catalog, console.index.blobs
        files: Mapping[str, bytes] | MistakesError
        try:
            files = trials.files_in(sent, console.custody.compliance)
        except MistakesError as error:
            files = error
        people = console.sign_in.people
        tried = every.amount(catalog, trials.came(int(days), people.clock()))
        console.note(request, session, "list", of="trial", results=tried)
        facts = Facts(catalog, blobs, people.rules())
        return console.trials.start(session.person, int(days), files, facts)

    return JSONResponse((await run_sync(start)).progress)


async def _progress(request: Request) -> Response:
    """The page asks each second while rules are tried."""
    session, console = await reporting(request, acts=False)
    job = console.trials.of(session.person)
    return JSONResponse(job.progress if job else {"state": "none"})


ROUTES: Final = (
    Route("/rules", _rules),
    Route("/v1/rules/trial", _start, methods=["POST"]),
    Route("/v1/rules/trial", _progress, methods=["GET"]),
)
