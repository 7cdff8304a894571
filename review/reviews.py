"""Periodic reviews that the signed rules demand: of which months, until when, and what a person signs of one.

A review looks at what the custodian drew for its name (review.samples), so that no person chooses. What became of each
recording is a list; the statement that a person signs has its SHA-256 and its sums.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final

from protocol.claims import Claims
from review.audit.kinds import MOST
from review.governance.model import Governance, Person, Reason, Review
from review.refusal import Refusal, rule_id
from review.samples import Month

FINE: Final = "fine"
OUTCOMES: Final = (FINE, "finding", "escalated")
MISSING: Final = "missing"  # it has no outcome yet
DONE: Final = "done"
UNFINISHED: Final = "unfinished"
STATES: Final = (DONE, UNFINISHED)
WORD: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
NEWEST: Final = 36  # months that are shown of a review


def months(rule: Review, now: int, most: int = NEWEST) -> Iterator[Month]:
    """Those of which it is demanded and that are over, newest first."""
    return islice(_months(rule, now), most)


def _months(rule: Review, now: int) -> Iterator[Month]:
    month = Month.of(Month.of(now).start - 1)
    while month.start >= rule.since:
        yield month
        month = Month.of(month.start - 1)


def due(rule: Review, month: Month) -> int:
    """The first instant (ns) at which it is late."""
    return month.end + rule.within


def does(rules: Governance, rule: Review, person: Person, now: int) -> bool:
    """Whether this person has the role that does it."""
    return any(
        one.role == rule.by and one.since <= now < min(one.until, rules.roles[one.role].until) for one in person.grants
    )


def named(rules: Governance, name: str) -> Review | None:
    return next((one for one in rules.reviews if one.name == name), None)


def check_person(rules: Governance, name: str, person: str, now: int) -> str:
    """The rule's place, as the log writes it. Raises Refusal."""
    rule = named(rules, name)
    if rule is None:
        raise Refusal.by([Reason(f"no review is called {name}", rules.where)])
    if not does(rules, rule, rules.person(person), now):
        raise Refusal.by([Reason(f"{person} does not have the role {rule.by}, which does this review", rule.where)])
    return rule_id(rule.where)


def listed(outcomes: Mapping[str, str]) -> str:
    """Recording -> outcome, as it is hashed: a line for each, in order."""
    return "".join(f"{recording} {outcome}\n" for recording, outcome in sorted(outcomes.items()))


def sums(outcomes: Mapping[str, str]) -> dict[str, int]:
    """How many there are, and of each outcome."""
    counts = Counter(outcomes.values())
    return {"drawn": len(outcomes), **{one: counts[one] for one in (*OUTCOMES, MISSING)}}


@dataclass(frozen=True, slots=True)
class Statement:
    """`sums`: as `sums`. `outcomes`: SHA-256 of the list, hex."""

    review: str
    month: Month
    state: str
    sums: Mapping[str, int]
    outcomes: str

    @classmethod
    def read(cls, claims: Claims) -> Statement:
        """Raises SignatureError ("bad-field")."""
        name, state = claims.text("review"), claims.text("state")
        if not WORD.fullmatch(name):
            raise claims.refuse("review", "lower-case letters, digits and hyphens")
        if state not in STATES:
            raise claims.refuse("state", " or ".join(STATES))
        try:
            month = Month.named(claims.text("month"))
        except ValueError as error:
            raise claims.refuse("month", str(error)) from None
        counts = {one: claims.integer(one) for one in sums({})}
        return cls(name, month, state, counts, claims.hex256("outcomes"))

    def check(self, text: str, drawn: Collection[str] | None) -> dict[str, object]:
        """What the log says of it. `text`: the list; `drawn`: the month's sample. Raises Refusal."""
        if drawn is None:
            raise Refusal("not-drawn", f"{self.month.name} is not drawn yet, or was drawn without this review's sample")
        if hashlib.sha256(text.encode()).hexdigest() != self.outcomes:
            raise Refusal("other-outcomes", "the outcomes are not those that were signed: look at them again")
        outcomes = {recording: outcome for recording, _, outcome in (one.partition(" ") for one in text.splitlines())}
        if listed(outcomes) != text or not set(outcomes.values()) <= {*OUTCOMES, MISSING}:
            raise Refusal("malformed", "this is no list of outcomes")
        if set(outcomes) != set(drawn):
            raise Refusal("other-sample", f"these are not the recordings that were drawn of {self.month.name}")
        if sums(outcomes) != self.sums:
            raise Refusal("other-outcomes", "the sums are not those of the outcomes")
        missing = [one for one, outcome in outcomes.items() if outcome == MISSING]
        if bool(missing) == (self.state == DONE):
            raise Refusal("unfinished", f"{len(missing)} recordings have no outcome: it is done once all have one")
        facts: dict[str, object] = {"state": self.state, "outcomes": self.outcomes, **self.sums}
        return facts | ({"recordings": missing[:MOST]} if missing else {})

    def said(self, person: str, id: str, entry: int, now: int) -> dict[str, object]:  # noqa: A002 - what it is
        """What the custodian signs of it. `id`: of what the person signed."""
        return {
            "signed": id, "person": person, "review": self.review, "month": self.month.name, "state": self.state,
            "entry": entry, "at": now,
        }  # fmt: skip
