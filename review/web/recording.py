"""One recording for one person: what it is, what they may do with it and why, and how long it is kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final
from uuid import UUID

from protocol.interaction import Interaction
from review.governance.decide import decide
from review.governance.model import PLAY_ORIGINAL, Act, ApprovalRule, Question, Reason, Rendition
from review.governance.words import GOES, Explained, explained
from review.search.calls import of_recording
from review.search.facts import Listed, read
from review.search.find import Finder
from review.search.index import SearchIndex
from store.catalog import erasure
from store.errors import Refusal
from store.evidence.earlier import Earlier
from store.evidence.evidence import Evidence
from store.evidence.isolation import Unreadable, isolated

ACTS: Final = {
    Act.PLAY: "play", Act.COMMENT: "comment", Act.EXPORT: "export", Act.REQUEST_LEGAL_HOLD: "ask for a legal hold",
    Act.SEE_ACCESS: "see who opened it",
}  # fmt: skip

HOLDING: Final = (Act.LEGAL_HOLD, Act.RELEASE_HOLD, Act.REQUEST_LEGAL_HOLD)


@dataclass(frozen=True, slots=True)
class Allowed:
    """`verdict`: yes, not yet, or no."""

    act: Act
    verdict: str
    said: Explained


@dataclass(frozen=True, slots=True)
class Shown:
    """`interactions`: calls, chats and mails that it belongs to, oldest first."""

    listed: Listed
    evidence: Evidence
    person: str
    allowed: tuple[Allowed, ...]
    kept: tuple[Reason, ...]
    held: bool | None  # None: not for this person to know, as it tells whom an inquiry is about
    interactions: tuple[Interaction, ...]
    holds: tuple[str, ...]  # their names, for who may set holds: to others one tells of whom an inquiry is about

    def may(self, act: Act) -> bool:
        return self.verdict(act) == "yes"

    def verdict(self, act: Act) -> str:
        return next((one.verdict for one in self.allowed if one.act == act), "no")


def shown(finder: Finder, index: SearchIndex, wanted: UUID) -> Shown | None:
    """Read anew: the index may be behind. None where there is none that they may list.

    Refusals: 503 unreadable, for one that they may list.
    """
    with finder.catalog.reading() as connection:
        if str(wanted) not in finder.there([str(wanted)]):
            return None
        found = isolated(partial(read, connection, index.blobs, wanted, Earlier()))
        holds = tuple(erasure.held(connection, [str(wanted)]).get(str(wanted), []))
    if isinstance(found, Unreadable):
        if not finder.may_list_anything():
            return None
        raise Refusal(503, "unreadable", "what its PC sent cannot be read")
    listed, evidence = found
    if not finder.may_list(listed.whose, listed.start):
        return None
    rules = finder.governance
    facts = listed.whose.recording(rules, listed.start)
    # What people consented to and what was drawn the custodian knows: here neither speaks against it.
    known = partial(
        listed.whose.recording, rules, listed.start, end=listed.start + listed.length,
        closed_by=frozenset(listed.rules), drawn=rules.purposes,
    )  # fmt: skip
    knows_holds = any(
        _allowed(finder, Question(finder.person, act, finder.now, known())).verdict != "no" for act in HOLDING
    )  # fmt: skip
    asked = known(held=bool(holds) and knows_holds)
    allowed = tuple(_allowed(finder, Question(finder.person, act, finder.now, asked)) for act in ACTS)
    # Of a recording under a hold that they are not shown, nothing is said that the hold makes untrue.
    kept = tuple(one for one in allowed[0].said.kept if knows_holds or not holds or GOES not in one.says)
    names = holds if decide(rules, Question(finder.person, Act.LEGAL_HOLD, finder.now, asked)).granted else ()
    calls = tuple(of_recording(finder, listed.recording, listed.length))
    return Shown(listed, evidence, facts.person, allowed, kept, bool(holds) if knows_holds else None, calls, names)


def _allowed(finder: Finder, question: Question) -> Allowed:
    """For the purpose that gets furthest, of those that their roles have."""
    rules = finder.governance
    mine = (rules.roles[grant.role] for grant in finder.person.grants if grant.role in rules.roles)
    purposes = sorted({purpose for role in mine if question.act in role.may for purpose in role.purposes})
    judged = []
    for purpose in purposes or [""]:
        one = Question(question.person, question.act, question.now, question.recording, purpose)
        decision = decide(rules, one)
        rank = 2 if decision.granted else 1 if all(reason.missing for reason in decision.reasons) else 0
        judged.append((rank, explained(rules, one, decision)))
    rank, said = max(judged, key=lambda one: one[0])
    return Allowed(question.act, ("no", "not yet", "yes")[rank], said)


# -- before it is opened ----------------------------------------------------------------------------------------------


def choices(finder: Finder, listed: Listed) -> list[dict[str, Any]]:
    """What this person can ask to play it for: each purpose that their roles have, and what the rules say to it.

    `verdict`: yes, approvals (nothing else is missing), not yet, or no.
    """
    rules = finder.governance
    known = listed.whose.recording(
        rules, listed.start, end=listed.start + listed.length, closed_by=frozenset(listed.rules), drawn=rules.purposes
    )
    mine = [rules.roles[one.role] for one in finder.person.grants if one.role in rules.roles]
    playing = [role for role in mine if Act.PLAY in role.may]
    purposes = {purpose for role in playing for purpose in role.purposes or {""}} or {""}
    sample = {purpose: one.per_agent_and_month for role in playing for purpose, one in role.sample.items()}
    asked = partial(Question, finder.person, Act.PLAY, finder.now, known)
    return [
        max((_choice(finder, asked(purpose, one), sample.get(purpose)) for one in Rendition), key=_rank)
        for purpose in sorted(purposes)
    ]


def sampled(finder: Finder, listed: Listed) -> list[str]:
    """Purposes for which they open only what was drawn, as far as the rules let them ask."""
    return [one["purpose"] for one in choices(finder, listed) if one["sample"] and one["verdict"] != "no"]


def may_open(finder: Finder, listed: Listed) -> bool:
    """Whether the rules let them ask for it at all."""
    return any(one["verdict"] != "no" for one in choices(finder, listed))


_VERDICTS: Final = ("no", "not yet", "approvals", "yes")


def _rank(choice: dict[str, Any]) -> int:
    return _VERDICTS.index(choice["verdict"])


def _choice(finder: Finder, question: Question, sample: int | None) -> dict[str, Any]:
    rules, decision = finder.governance, decide(finder.governance, question)
    asks = [one for one in rules.approvals if Act.PLAY in one.acts or PLAY_ORIGINAL in one.acts]
    needed = [one for one in asks if one.where in {reason.where for reason in decision.reasons}]
    if decision.granted:
        verdict = "yes"
    elif not all(reason.missing for reason in decision.reasons):
        verdict = "no"
    else:
        verdict = "approvals" if {one.where for one in needed} >= {one.where for one in decision.reasons} else "not yet"
    shown = decision.rendition or Rendition.ORIGINAL  # what is not redacted is shown whole, or not at all
    return {
        "purpose": question.purpose, "rendition": str(question.rendition), "verdict": verdict, "sample": sample,
        "shown": str(shown),
        "reasons": [] if decision.granted else [{"says": one.says, "where": one.where} for one in decision.reasons],
        "approvals": [_asked_of(one) for one in needed],
        "comments": verdict != "no" and _may_comment(finder, question),
    }  # fmt: skip


def _may_comment(finder: Finder, question: Question) -> bool:
    """What is missing of it, such as consent, is the custodian's to know."""
    decision = decide(finder.governance, replace(question, act=Act.COMMENT))
    return decision.granted or all(reason.missing for reason in decision.reasons)


def _asked_of(rule: ApprovalRule) -> dict[str, Any]:
    return {"by": list(rule.by), "need": rule.need, "within": str(rule.within), "delay": str(rule.delay)}
