"""What each rule has closed on all PCs together: for `eyelid-store rules`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from store.catalog.database import Database
from store.catalog.queries import Device
from store.evidence.evidence import MOST_POLICIES, Policies
from store.evidence.isolation import Unreadable, isolated
from store.evidence.rules import UNREAD, NamesOf, PolicyNames, at_most
from store.evidence.timeline.gaps import entries_since
from store.evidence.timeline.rule_usage import RuleUse, rule_usage


@dataclass(slots=True)
class Rule:
    """One rule on all PCs that have it. `never`: some PC has had it for nearly all of the time, and none ever closed
    for it, nor would have.
    """

    id: str
    why: str
    devices: int = 0
    total: RuleUse = field(default_factory=lambda: RuleUse("", 0))
    never: bool = False


def of_each(
    database: Database,
    asked: Sequence[Device],
    since: int,
    advance: Callable[[int], None],
    left_out: list[tuple[Device, Unreadable | None]],
) -> Iterator[Mapping[str, RuleUse]]:
    """`left_out`: what could not be read is added; None for policies without names."""
    policies = Policies()

    def names_of(policy: str) -> PolicyNames:
        with database.reading() as connection:
            return policies.names_of(connection, policy)

    for device in asked:
        used = isolated(partial(_used, database, device, at_most(MOST_POLICIES, names_of), since))
        if isinstance(used, Unreadable):
            left_out.append((device, used))
        else:
            found, whole = used
            if not whole:
                left_out.append((device, None))
            yield found
        advance(1)


def _used(database: Database, device: Device, names_of: NamesOf, since: int) -> tuple[dict[str, RuleUse], bool]:
    """Also whether every policy that was put in force has names."""
    whole = True

    def noted(policy: str) -> PolicyNames:
        nonlocal whole
        names = names_of(policy)
        whole = whole and (names is not UNREAD or not policy)
        return names

    return rule_usage(entries_since(database, device, since), noted, since), whole


def joined(of_each: Iterable[Mapping[str, RuleUse]], since: int, tolerance: int) -> list[Rule]:
    """The PCs' rules put together, those that were never used first. `tolerance`: ns by which a PC may have had a rule
    for less than the whole time, because it was off when the time began.
    """
    found: dict[str, Rule] = {}
    settled: set[str] = set()  # rules that some PC has had for long enough to say something
    for rules in of_each:
        for name, use in rules.items():
            rule = found.setdefault(name, Rule(name, use.why))
            rule.devices += 1
            rule.total.times += use.times
            rule.total.ns += use.ns
            rule.total.would_times += use.would_times
            rule.total.would_ns += use.would_ns
            rule.total.last = max((at for at in (rule.total.last, use.last) if at is not None), default=None)
            if use.known <= since + tolerance:
                settled.add(name)
    for rule in found.values():
        rule.never = rule.total.last is None and rule.id in settled
    return sorted(found.values(), key=lambda rule: not rule.never)
