"""What narrowing took from a person: the custodian, and who counts approvals, know the signed rules alone, so the
console asks here before it passes on what would count by more than a session leaves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from review.governance.decide import decide
from review.governance.model import PLAY_ORIGINAL, Act, Governance, Grant, Person, Question, Recording


def needs_taken(governance: Governance, question: Question, whole: Person) -> bool:
    """Whether what is left to `question.person` does not suffice for this, and what was taken from `whole` may. Of a
    sample nothing is known here: for what is left it counts as not drawn, for what was taken as drawn.
    """
    taken = Person(whole.id, tuple(_taken(governance, question.person, whole)))
    if not taken.grants or question.recording is None:
        return False
    decision = decide(governance, replace(question, recording=_drawn(question.recording, frozenset())))
    approved = {rule.where for rule in governance.approvals}
    if decision.granted or {reason.where for reason in decision.reasons} <= approved:
        return False
    drawn = _drawn(question.recording, governance.purposes)
    decision = decide(governance, replace(question, person=taken, recording=drawn))
    return decision.granted or all(reason.missing for reason in decision.reasons)


def approves_by_taken(governance: Governance, left: Person, whole: Person, act: Act) -> bool:
    """Whether a role was taken that approves this: who counts their approval would count it as that role's."""
    acts = {act, PLAY_ORIGINAL} if act is Act.PLAY else {act}
    roles = {role for rule in governance.approvals if acts & rule.acts for role in rule.by}
    return bool(roles & {one.role for one in whole.grants} - {one.role for one in left.grants})


def _taken(governance: Governance, left: Person, whole: Person) -> Iterator[Grant]:
    for grant in whole.grants:
        same = next((one for one in left.grants if replace(one, teams=grant.teams) == grant), None)
        if same is None:
            yield grant
        elif grant.teams - same.teams and governance.roles[grant.role].of.own_teams:
            yield replace(grant, teams=grant.teams - same.teams)


def _drawn(recording: Recording, purposes: frozenset[str]) -> Recording:
    return replace(recording, drawn=purposes)
