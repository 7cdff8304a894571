"""What changes when one policy follows another, in words: above all what will be recorded that was closed before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from typing import Final

from agent.core.linting.cover import all_covered, rule_covers
from agent.core.model.media import Lane
from agent.core.model.rules import AllOf, Attribute, Condition, Effect, Extent, HoldTerms, Matcher, Policy, Rule
from agent.core.model.times import MILLISECOND, SECOND

SPOKEN_LANE: Final = {Lane.SCREEN: "screen", Lane.AUDIO: "sound"}


class Weight(StrEnum):
    WEAKER = "weaker"  # something that was closed will be recorded
    STRONGER = "stronger"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Change:
    """`where` it stands, in the new policy if it is still there: file:line:column."""

    weight: Weight
    says: str
    where: str


def changes(old: Policy, new: Policy) -> tuple[Change, ...]:
    """Those that weaken first, each group in the order of the files; empty when nothing that counts has changed."""
    found = [*_of_head(old, new), *_of_rules(old, new), *_of_tests(old, new)]
    return tuple(change for weight in Weight for change in found if change.weight is weight)


def named(condition: Condition) -> str:
    """`url js.stripe.com`, or `app epic* together with title *chart*`."""
    if isinstance(condition, AllOf):
        return " together with ".join(map(named, condition.matchers))
    return f"{condition.attribute} {' or '.join(condition.patterns)}"


def spoken_time(ns: int) -> str:
    for unit, length in (("m", 60 * SECOND), ("s", SECOND), ("ms", MILLISECOND)):
        if ns and ns % length == 0:
            return f"{ns // length}{unit}"
    return "0s"


# -- the head -----------------------------------------------------------------------------------------------------


def _of_head(old: Policy, new: Policy) -> Iterator[Change]:
    where = new.where
    if new.unlisted is not old.unlisted:
        weaker = new.unlisted is Effect.RECORD
        says = "windows that no rule names will be recorded" if weaker else "windows that no rule names now close"
        yield Change(_weaker_if(weaker), says, where)
    yield from _of_allow(old, new)
    if new.parked_tabs_allowed is not old.parked_tabs_allowed:
        weaker = new.parked_tabs_allowed
        says = "no longer close" if weaker else "now close"
        yield Change(_weaker_if(weaker), f"sensitive tabs behind another tab {says}", where)
    yield from _of_recording(old, new)
    if new.keep_scenes is not old.keep_scenes:
        kept = "are kept from now on, sealed" if new.keep_scenes else "are no longer kept"
        says = f"titles and whole addresses of everything that is open {kept} (keep_scenes)"
        yield Change(_weaker_if(new.keep_scenes), says, new.scenes_where)
    if new.user_hold != old.user_hold:
        says = f"the agent {_hold(new.user_hold)} (before: {_hold(old.user_hold)})"
        yield Change(Weight.OTHER, says, where)
    gone, come = _moved(old.allow_unseen, new.allow_unseen)
    if come:
        yield Change(Weight.WEAKER, f"let pass without being looked into: {_listed(come)}", come[0].where)
    if gone:
        yield Change(Weight.STRONGER, f"no longer let pass without being looked into: {_listed(gone)}", where)
    gone, come = _moved(old.allow_extensions, new.allow_extensions)
    if come:
        yield Change(Weight.WEAKER, f"let pass whatever it shows beside pages: {_listed(come)}", come[0].where)
    if gone:
        yield Change(Weight.STRONGER, f"no longer let pass what it shows beside pages: {_listed(gone)}", where)


def _of_allow(old: Policy, new: Policy) -> Iterator[Change]:
    if old.allow == new.allow:
        return
    where = new.allow[0][0].where if new.allow else new.where
    before, after = _only(old), _only(new)
    if _as_narrow(new, old) and _as_narrow(old, new):
        yield Change(Weight.OTHER, "allow says the same in other words", where)
    else:
        says = f"recorded is {after}, and no longer {before} (allow)"
        yield Change(_weaker_if(not _as_narrow(new, old)), says, where)


def _only(policy: Policy) -> str:
    return f"only {' and also '.join(map(_listed, policy.allow))}" if policy.allow else "every application"


def _as_narrow(one: Policy, other: Policy) -> bool:
    """Whether whatever `one` allows is allowed by `other` as well."""
    return all(any(all_covered(wide, _units(narrow)) for narrow in one.allow) for wide in other.allow)


def _of_recording(old: Policy, new: Policy) -> Iterator[Change]:
    if old.record_when != new.record_when:
        before, after = (_interactions(policy) for policy in (old, new))
        narrower = new.record_when is not None and (
            old.record_when is None or all_covered(old.record_when, new.record_when)
        )
        says = f"recorded is {after}, and no longer {before}"
        yield Change(Weight.STRONGER if narrower else Weight.WEAKER, says, new.where)
    if old.keep_recording != new.keep_recording:
        longer = new.keep_recording > old.keep_recording
        before, after = (spoken_time(policy.keep_recording) for policy in (old, new))
        says = f"recording goes on for {after} after an interaction, and no longer for {before}"
        yield Change(_weaker_if(longer), says, new.where)


def _hold(terms: HoldTerms) -> str:
    if not terms.allowed:
        return "may not hold"
    longest = "" if terms.longest is None else f", for {spoken_time(terms.longest)} at most"
    reasons = f", for one of these reasons: {', '.join(terms.reasons)}" if terms.reasons else ""
    return f"may hold{longest}{reasons}"


def _interactions(policy: Policy) -> str:
    return "always" if policy.record_when is None else f"only while this is open: {_listed(policy.record_when)}"


def _of_tests(old: Policy, new: Policy) -> Iterator[Change]:
    before, after = ({(test.name, test.scene) for test in policy.tests} for policy in (old, new))
    for count, says in ((len(before - after), "gone or changed"), (len(after - before), "new or changed")):
        if count:
            are = "test is" if count == 1 else "tests are"
            yield Change(Weight.OTHER, f"{count} {are} {says}", new.where)


# -- the rules ----------------------------------------------------------------------------------------------------


def _of_rules(old: Policy, new: Policy) -> Iterator[Change]:
    before = {rule.id: rule for rule in old.rules}
    after = {rule.id: rule for rule in new.rules}
    for rule in old.rules:
        if rule.id not in after:
            yield _gone(rule, new)
    for rule in new.rules:
        yield from _of_rule(before[rule.id], rule) if rule.id in before else [_come(rule, old)]


def _gone(rule: Rule, new: Policy) -> Change:
    if rule.dry_run or not _closed_lanes(rule):
        return Change(Weight.OTHER, f"rule {rule.id} is gone; it closed nothing", new.where)
    heir = next((other for other in new.closing if rule_covers(other, rule)), None)
    if heir is not None:
        says = f"rule {rule.id} is gone; {heir.id} closes for all that it closed for"
        return Change(Weight.OTHER, says, heir.where)
    says = f"rule {rule.id} is gone: what it closed will be recorded ({_listed(_units(rule.any))})"
    return Change(Weight.WEAKER, says, new.where)


def _come(rule: Rule, old: Policy) -> Change:
    names = _listed(_units(rule.any))
    lanes = _closed_lanes(rule)
    if rule.dry_run or not lanes:
        why = "tried, and closes nothing yet" if rule.dry_run else "there, and closes nothing"
        return Change(Weight.OTHER, f"rule {rule.id} is {why}: {names}", rule.where)
    before = next((other for other in old.closing if rule_covers(other, rule)), None)
    if before is not None:
        says = f"rule {rule.id} is new; {before.id} closed for all of it before"
        return Change(Weight.OTHER, says, rule.where)
    says = f"rule {rule.id} is new: it closes {' and '.join(lanes)} for {names}"
    return Change(Weight.STRONGER, says, rule.where)


def _closed_lanes(rule: Rule) -> list[str]:
    return [SPOKEN_LANE[lane] for lane in Lane if rule.on(lane).effect is Effect.PAUSE]


def _of_rule(old: Rule, new: Rule) -> Iterator[Change]:
    """A rule that was only tried before can only grow stronger."""
    for change in _in_rule(old, new):
        counted = not old.dry_run
        yield (
            change if counted or change.weight is not Weight.WEAKER else Change(Weight.OTHER, change.says, change.where)
        )


def _in_rule(old: Rule, new: Rule) -> Iterator[Change]:
    name, where = new.id, new.where
    if new.dry_run is not old.dry_run:
        if new.dry_run:
            says = f"{name} is only tried from now on (dry_run): what it closed will be recorded"
            yield Change(Weight.WEAKER, says, where)
        else:
            yield Change(Weight.STRONGER, f"{name} closes from now on, and is no longer only tried", where)
    yield from _of_conditions(old, new)
    for lane in Lane:
        yield from _of_lane(old, new, lane)
    if old.stay_closed != new.stay_closed:
        before, after = spoken_time(old.stay_closed), spoken_time(new.stay_closed)
        says = f"{name} stays closed for {after} after the last sign, and no longer for {before}"
        yield Change(_weaker_if(new.stay_closed < old.stay_closed), says, where)
    if old.max_pause != new.max_pause:
        after = f"is raised after {spoken_time(new.max_pause)}" if new.max_pause else "is no longer raised"
        yield Change(Weight.OTHER, f"{name}: an alarm for closing too long {after}", where)
    if old.never_matched != new.never_matched:
        after = f"is raised after {new.never_matched} days" if new.never_matched else "is no longer raised"
        yield Change(Weight.OTHER, f"{name}: an alarm for never fitting {after}", where)
    if old.why != new.why:
        yield Change(Weight.OTHER, f"{name} has another reason: {new.why}", where)


def _of_conditions(old: Rule, new: Rule) -> Iterator[Change]:
    name = new.id
    gone, come = _moved(_units(old.any), _units(new.any))
    lost = [unit for unit in gone if not all_covered(new.any, (unit,))]
    more = [unit for unit in come if not all_covered(old.any, (unit,))]
    if lost:
        yield Change(Weight.WEAKER, f"{name} no longer closes for {_listed(lost)}", new.where)
    if more:
        yield Change(Weight.STRONGER, f"{name} now also closes for {_listed(more)}", more[0].where)
    if (gone or come) and not lost and not more:
        yield Change(Weight.OTHER, f"{name} says the same in other words", new.where)
    gone, come = _moved(_units(old.unless), _units(new.unless))
    silent = [unit for unit in come if not all_covered(old.unless, (unit,))]
    heard = [unit for unit in gone if not all_covered(new.unless, (unit,))]
    if silent:
        yield Change(Weight.WEAKER, f"{name} is now silent for {_listed(silent)} (unless)", silent[0].where)
    if heard:
        yield Change(Weight.STRONGER, f"{name} is no longer silent for {_listed(heard)} (unless)", new.where)


def _of_lane(old: Rule, new: Rule, lane: Lane) -> Iterator[Change]:
    before, after, name, spoken = old.on(lane), new.on(lane), new.id, SPOKEN_LANE[lane]
    if before.effect is not after.effect:
        weaker = after.effect is Effect.RECORD
        yield Change(_weaker_if(weaker), f"{name} {'no longer' if weaker else 'now'} closes the {spoken}", new.where)
        return
    if before.extent is not after.extent:
        weaker = after.extent is Extent.SHOWN
        says = "only while it is in view" if weaker else "also while it is only open in the background"
        yield Change(_weaker_if(weaker), f"{name} closes the {spoken} {says}", new.where)
    if before.lead != after.lead:
        says = f"{name} drops {spoken_time(after.lead)} of {spoken} before the first sign, and no longer "
        yield Change(_weaker_if(after.lead < before.lead), f"{says}{spoken_time(before.lead)}", new.where)


# -- words --------------------------------------------------------------------------------------------------------


def _weaker_if(weaker: bool) -> Weight:
    return Weight.WEAKER if weaker else Weight.STRONGER


def _units(conditions: tuple[Condition, ...]) -> tuple[Condition, ...]:
    """The conditions, each with a single pattern: a list of three is the same as three lists of one."""
    return tuple(chain.from_iterable(_single(condition) for condition in conditions))


def _single(condition: Condition) -> tuple[Condition, ...]:
    if isinstance(condition, AllOf):
        return (condition,)
    return tuple(
        Matcher(condition.attribute, (pattern,), place, (place,))
        for pattern, place in zip(condition.patterns, condition.places, strict=True)
    )


def _moved(
    old: tuple[Condition, ...], new: tuple[Condition, ...]
) -> tuple[tuple[Condition, ...], tuple[Condition, ...]]:
    """(those that are gone, those that have come)."""
    before, after = _units(old), _units(new)
    return tuple(unit for unit in before if unit not in after), tuple(unit for unit in after if unit not in before)


def _listed(conditions: tuple[Condition, ...] | list[Condition]) -> str:
    """Each kind once: `url a, b; field cc-csc; app epic* together with title *chart*`."""
    kinds: dict[str, list[str]] = {attribute.value: [] for attribute in Attribute}
    together = []
    for unit in _units(tuple(conditions)):
        if isinstance(unit, AllOf):
            together.append(named(unit))
        else:
            kinds[unit.attribute.value] += unit.patterns
    said = [f"{kind} {', '.join(patterns)}" for kind, patterns in kinds.items() if patterns]
    return "; ".join([*said, *together])
