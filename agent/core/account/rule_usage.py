"""Rules that have matched nothing for as many days as they call odd: out of date, misspelt, or not needed here.

State as data, remembered over restarts. A day counts if the recorder looked: a PC that is off proves nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from agent.core.model.media import Lane
from agent.core.model.rules import Effect, Policy, Reason, Rule


@dataclass(frozen=True, slots=True)
class Unused:
    """Of one rule. `days`: observed days since the last match. `day`: the last counted, in days since 1970.
    `reported`: an alarm has named it since then."""

    days: int
    day: int
    reported: bool = False


@dataclass(frozen=True, slots=True)
class RuleUsage:
    """`policy`: hash of the one that it is about; `rules`: by id, those that are watched."""

    policy: str = ""
    rules: Mapping[str, Unused] = field(default_factory=dict)

    def alarming(self, policy: Policy) -> tuple[Reason, ...]:
        """Rules that have been silent for too long, in the policy's order."""
        return tuple(
            Reason(rule.id, rule.number, rule.stay_closed)
            for rule in watched_rules(policy)
            if rule.id in self.rules and self.rules[rule.id].days >= rule.never_matched
        )

    def all_reported(self, reasons: Collection[Reason]) -> bool:
        return all(self.rules[reason.id].reported for reason in reasons)


def watched_rules(policy: Policy) -> tuple[Rule, ...]:
    """Those that ask for it; one that closes nothing on any lane says nothing that could be missed."""
    return tuple(
        rule
        for rule in policy.rules
        if rule.never_matched and any(rule.on(lane).effect is Effect.PAUSE for lane in Lane)
    )


def followed(usage: RuleUsage, policy: Policy, before: Policy | None) -> RuleUsage:
    """The usage under a policy that comes into force. `before`: the one until now, where that is known.

    A rule whose conditions have changed begins anew; so does one that an alarm has named: it has been seen to.
    """
    if usage.policy == policy.hash:
        return usage
    old = {rule.id: rule for rule in before.rules} if before is not None else {}
    kept = {
        rule.id: unused
        for rule in watched_rules(policy)
        if (unused := usage.rules.get(rule.id)) is not None
        and not unused.reported
        and (rule.id not in old or _fit_the_same(old[rule.id], rule))
    }
    return RuleUsage(policy.hash, kept)


def _fit_the_same(one: Rule, other: Rule) -> bool:
    return (one.any, one.unless, one.lanes) == (other.any, other.unless, other.lanes)


def listened(usage: RuleUsage, policy: Policy, spoke: Collection[str], day: int) -> RuleUsage:
    """After a moment of `day` at which these rules matched; the same object if nothing changed. A day counts once, in
    any order: a wall clock that is set back and forth adds a day at a time."""
    rules = {rule.id: _heard(usage.rules.get(rule.id), rule.id in spoke, day) for rule in watched_rules(policy)}
    return usage if rules == usage.rules else replace(usage, rules=rules)


def _heard(unused: Unused | None, spoke: bool, day: int) -> Unused:
    if unused is None or spoke:
        return Unused(0, day)
    return unused if unused.day == day else replace(unused, days=unused.days + 1, day=day)


def reported(usage: RuleUsage, reasons: Collection[Reason]) -> RuleUsage:
    """An alarm has named these."""
    ids = {reason.id for reason in reasons}
    rules = {name: replace(unused, reported=True) if name in ids else unused for name, unused in usage.rules.items()}
    return replace(usage, rules=rules)
