"""What a person sees of themselves: whether that is all they may list, and how long their recordings are kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from review.governance.decide import decide
from review.governance.model import Act, Question, RetentionClass
from review.governance.retention import Retention, retention_of
from review.governance.times import FOR_EVER, NONE, Period
from review.search.facts import Listed
from review.search.find import Finder
from review.web.words import Words

OTHERS, OWN = "others", "own"


@dataclass(frozen=True, slots=True)
class Kept:
    """A class that decides about some of one's recordings, of those that are shown."""

    one: RetentionClass
    count: int


def lists(finder: Finder) -> str:
    """Whose recordings their roles let them list now: OTHERS too, OWN alone, or none ("")."""
    roles = finder.governance.roles
    reaches = [
        roles[grant.role].of
        for grant in finder.person.grants
        if grant.role in roles
        and Act.LIST in roles[grant.role].may
        and grant.since <= finder.now < min(grant.until, roles[grant.role].until)
    ]
    if any(one.everything or one.own_teams or one.teams for one in reaches):
        return OTHERS
    return OWN if any(one.own for one in reaches) else ""


def may_see_looks(finder: Finder) -> bool:
    roles = finder.governance.roles
    return any(Act.SEE_ACCESS in roles[grant.role].may for grant in finder.person.grants if grant.role in roles)


def seen_looks(finder: Finder, recordings: Collection[str]) -> dict[str, Listed]:
    """Those of these that are one's own, and at which one may see who looked."""
    rules, me = finder.governance, finder.person
    return {
        name: one
        for name, one in finder.listed(recordings)[0].items()
        if rules.person_of(one.whose.user) == me.id
        and decide(rules, Question(me, Act.SEE_ACCESS, finder.now, one.whose.recording(rules, one.start))).granted
    }


def retention(finder: Finder, listed: Listed) -> Retention:
    """As far as it is known here: a legal hold, or what an analysis finds, keeps it longer."""
    rules = finder.governance
    facts = {"end": listed.start + listed.length, "closed_by": frozenset(listed.rules)}
    return retention_of(rules, listed.whose.recording(rules, listed.start, **facts))


def classes(kept: Iterable[Retention]) -> list[Kept]:
    """In the order of the rules' names."""
    counts: Counter[str] = Counter()
    known: dict[str, RetentionClass] = {}
    for found in kept:
        for one in {found.keeps.name: found.keeps, **_minimum(found)}.values():
            known[one.name] = one
            counts[one.name] += 1
    return [Kept(known[name], counts[name]) for name in sorted(known)]


def _minimum(found: Retention) -> dict[str, RetentionClass]:
    return {} if found.minimum_of is None else {found.minimum_of.name: found.minimum_of}


def spoken(period: Period, words: Words) -> str:
    if period == NONE:
        return ""
    if period.ns >= FOR_EVER:
        return words("without an end")
    if period.years:
        return words("1 year") if period.years == 1 else words("{count} years", count=period.years)
    days = period.ns // (24 * 3600 * 10**9)
    return words("1 day") if days == 1 else words("{count} days", count=days)
