"""What is well formed and hardly meant: a role without people, an approval that cannot be given, what is untested."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from review.governance.decide import open_seats
from review.governance.model import Act, ApprovalRule, Governance
from review.governance.times import DAY, Period
from review.governance.words import listed


@dataclass(frozen=True, slots=True)
class Caution:
    """`where`: file:line:column."""

    says: str
    where: str

    def __str__(self) -> str:
        return f"{self.where} {self.says}"


def cautions(governance: Governance) -> tuple[Caution, ...]:
    return (*_of_roles(governance), *_of_approvals(governance), *_of_reviews(governance))


def _of_roles(governance: Governance) -> Iterator[Caution]:
    held = {role for rule in governance.people for role in rule.roles}
    tried = {(grant.role, test.expect) for test in governance.tests for grant in test.question.person.grants}
    for name, role in governance.roles.items():
        if Act.ANALYSE in role.may and not role.analyses:
            yield Caution(
                f"role {name} may analyse and makes nothing, add analyses: {{ speech: 60 per hour }}", role.where
            )
        if name not in held:
            yield Caution(f"no person has role {name}, name one in people: or leave it out", role.where)
        lacking = [expect for expect in ("granted", "refused") if (name, expect) not in tried]
        if lacking:
            yield Caution(f"no test of role {name} expects {' or '.join(lacking)}, add one", role.where)


def _of_approvals(governance: Governance) -> Iterator[Caution]:
    """Whether there are enough people besides each one who can ask. An entry with * counts as enough people."""
    people: dict[str, frozenset[str]] = {}
    for rule in governance.people:
        several = [f"{rule.person} {number}" for number in range(20)]
        for name in several if rule.person.startswith("*") else [rule.person]:
            people[name] = people.get(name, frozenset()) | rule.roles
    for approval in governance.approvals:
        stuck = sorted(_stuck(governance, approval, people))
        if stuck:
            yield Caution(
                f"{listed(stuck)} can ask for {listed(approval.acts)}, and there are not {approval.need} others of "
                f"{listed(set(approval.by))} to approve it, name more of them in people:",
                approval.where,
            )


def _stuck(governance: Governance, rule: ApprovalRule, people: dict[str, frozenset[str]]) -> Iterator[str]:
    acts = {"play" if act == "play-original" else act for act in rule.acts}
    for asks, roles in people.items():
        if any(governance.roles[role].may & acts for role in roles):
            others = {person: has for person, has in people.items() if person != asks}
            if len(rule.by) - len(open_seats(rule.by, others)) < rule.need:
                yield asks


def _of_reviews(governance: Governance) -> Iterator[Caution]:
    """Whether the role still reaches the first day of a month when its review is due."""
    for review in governance.reviews:
        days = 31 + review.within // DAY
        reaches = governance.roles[review.by].oldest
        if reaches is not None and not reaches.covers(Period(ns=days * DAY)):
            yield Caution(
                f"role {review.by} reaches less far back than review {review.name} needs, write from: {days}d or more",
                review.where,
            )
