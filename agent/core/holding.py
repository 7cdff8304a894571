"""A hold by the person in front: what the policy lets them ask for, and when it ends.

The reason is one of a list, and the ledger names it by its number there: free words could be anybody's name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from agent.core.matching.text import fold
from agent.core.model.rules import HoldTerms, Policy
from agent.core.model.times import MILLISECOND, SECOND
from agent.errors import UserError

# Where the policy names none. These words stand in the ledger; the tray shows them in the person's language.
OWN_REASONS: Final = ("break", "private", "other")
ANYTHING: Final = HoldTerms()  # until a policy is in force


@dataclass(frozen=True, slots=True)
class UserHold:
    """`until`: ns, None: until it is released. `reason`: number in the list of the policy of that hash, or one of
    `OWN_REASONS`, or "" for none. `began`: when it was first asked for; to ask again makes no new beginning.
    """

    began: int
    until: int | None = None
    reason: int | str = ""
    policy: str = ""

    def as_fields(self) -> Mapping[str, object]:
        """What the ledger's entry says beside the hold."""
        said: dict[str, object] = {}
        if self.reason != "":
            said["reason"] = self.reason
        if isinstance(self.reason, int):
            said["policy"] = self.policy
        if self.until is not None:
            said["for_ms"] = (self.until - self.began) // MILLISECOND
        return said


def terms_of(policy: Policy | None) -> HoldTerms:
    return ANYTHING if policy is None else policy.user_hold


def reasons_of(policy: Policy | None) -> tuple[str, ...]:
    return terms_of(policy).reasons or OWN_REASONS


def grant(policy: Policy | None, length: int | None, reason: str, now: int, present: UserHold | None) -> UserHold:
    """The hold that is asked for: `length` ns, None for until released. `present`: the one that it follows on.

    Raises UserError with what would be granted instead.
    """
    terms = terms_of(policy)
    if not terms.allowed:
        raise UserError("the policy in force does not allow holding; its author can change user_hold in it")
    if length is not None and terms.longest is not None and length > terms.longest:
        raise UserError(f"the policy in force allows {_spoken(terms.longest)} at most: ask for that, or for less")
    began = now if present is None else present.began
    until = None if length is None else now + length
    return _bounded(UserHold(began, until, _number(policy, reason), "" if policy is None else policy.hash), terms)


def under(policy: Policy, present: UserHold) -> UserHold | None:
    """What is left of a hold when this policy comes into force; None where it allows none."""
    return _bounded(present, policy.user_hold) if policy.user_hold.allowed else None


def _bounded(hold: UserHold, terms: HoldTerms) -> UserHold:
    """Asked for again and again, it still ends at the longest after its beginning."""
    if terms.longest is None:
        return hold
    last = hold.began + terms.longest
    return replace(hold, until=last if hold.until is None else min(hold.until, last))


def _number(policy: Policy | None, reason: str) -> int | str:
    named = terms_of(policy).reasons
    wanted = fold(reason)
    choices = named or OWN_REASONS
    if not reason and not named:
        return ""
    for number, choice in enumerate(choices):
        if fold(choice) == wanted:
            return number if named else choice
    raise UserError(f"a reason is one of these: {', '.join(choices)}" if reason else _missing(choices))


def _missing(choices: tuple[str, ...]) -> str:
    return f"the policy in force wants a reason for a hold; one of these: {', '.join(choices)}"


def _spoken(length: int) -> str:
    seconds = length // SECOND
    return f"{seconds // 60} min" if seconds % 60 == 0 else f"{seconds} s"
