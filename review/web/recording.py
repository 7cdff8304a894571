"""One recording for one person: what it is, what they may do with it and why, and how long it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final
from uuid import UUID

from protocol.interaction import Interaction
from review.governance.decide import decide
from review.governance.model import Act, Question, Reason
from review.governance.words import Explained, explained
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
    held: bool
    interactions: tuple[Interaction, ...]
    holds: tuple[str, ...]  # their names, for who may set holds: to others one tells of whom an inquiry is about

    def may(self, act: Act) -> bool:
        return any(one.act is act and one.verdict == "yes" for one in self.allowed)


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
    known = listed.whose.recording(
        rules, listed.start, end=listed.start + listed.length, closed_by=frozenset(listed.rules), held=bool(holds),
        drawn=rules.purposes,
    )  # fmt: skip
    allowed = tuple(_allowed(finder, Question(finder.person, act, finder.now, known)) for act in ACTS)
    names = holds if decide(rules, Question(finder.person, Act.LEGAL_HOLD, finder.now, known)).granted else ()
    calls = tuple(of_recording(finder, listed.recording, listed.length))
    return Shown(listed, evidence, facts.person, allowed, allowed[0].said.kept, bool(holds), calls, names)


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
