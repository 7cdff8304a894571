"""Rules that have not fitted anything for as many days as they say is odd: out of date, misspelt, or not needed here.

State as data, remembered over restarts. What counts are days on which the recorder looked, not those of the calendar: a
PC that is off for three weeks proves nothing. Only ids of rules and numbers are known here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from agent.core.model.media import Lane
from agent.core.model.rules import Effect, Policy, Reason, Rule


@dataclass(frozen=True, slots=True)
class Quiet:
    """Of one rule. `days`: on which it was looked for and fitted nothing, since it last did. `day`: the last that was
    counted, in days since 1970. `told`: an alarm has named it since then."""

    days: int
    day: int
    told: bool = False


@dataclass(frozen=True, slots=True)
class Silence:
    """`policy`: hash of the one that it is about; `rules`: by id, those that are watched."""

    policy: str = ""
    rules: Mapping[str, Quiet] = field(default_factory=dict)

    def alarming(self, policy: Policy) -> tuple[Reason, ...]:
        """Rules that have been silent for too long, in the policy's order."""
        return tuple(
            Reason(rule.id, rule.number, rule.stay_closed)
            for rule in watched_rules(policy)
            if rule.id in self.rules and self.rules[rule.id].days >= rule.never_matched
        )

    def all_told(self, reasons: Collection[Reason]) -> bool:
        return all(self.rules[reason.id].told for reason in reasons)


def watched_rules(policy: Policy) -> tuple[Rule, ...]:
    """Those that ask for it; one that closes nothing on any lane says nothing that could be missed."""
    return tuple(
        rule
        for rule in policy.rules
        if rule.never_matched and any(rule.on(lane).effect is Effect.PAUSE for lane in Lane)
    )


def followed(silence: Silence, policy: Policy, before: Policy | None) -> Silence:
    """The silence under a policy that comes into force. `before`: the one until now, where that is known.

    A rule whose conditions have changed begins anew; so does one that an alarm has named: somebody has seen to it.
    """
    if silence.policy == policy.hash:
        return silence
    old = {rule.id: rule for rule in before.rules} if before is not None else {}
    kept = {
        rule.id: quiet
        for rule in watched_rules(policy)
        if (quiet := silence.rules.get(rule.id)) is not None
        and not quiet.told
        and (rule.id not in old or _fit_the_same(old[rule.id], rule))
    }
    return Silence(policy.hash, kept)


def _fit_the_same(one: Rule, other: Rule) -> bool:
    return (one.any, one.unless, one.lanes) == (other.any, other.unless, other.lanes)


def listened(silence: Silence, policy: Policy, spoke: Collection[str], day: int) -> Silence:
    """After a moment of `day` at which the rules with these ids fitted something; the same object if nothing changed.

    A day counts once, and in any order: a wall clock that is set back and forth adds a day at a time.
    """
    rules = {rule.id: _heard(silence.rules.get(rule.id), rule.id in spoke, day) for rule in watched_rules(policy)}
    return silence if rules == silence.rules else replace(silence, rules=rules)


def _heard(quiet: Quiet | None, spoke: bool, day: int) -> Quiet:
    if quiet is None or spoke:
        return Quiet(0, day)
    return quiet if quiet.day == day else replace(quiet, days=quiet.days + 1, day=day)


def told(silence: Silence, reasons: Collection[Reason]) -> Silence:
    """An alarm has named these."""
    ids = {reason.id for reason in reasons}
    rules = {name: replace(quiet, told=True) if name in ids else quiet for name, quiet in silence.rules.items()}
    return replace(silence, rules=rules)
