"""What changes when one set of rules follows another, in words: above all what is opened that was not before.

Judged line by line and with doubt on the strict side: what cannot be shown to open nothing counts as opening more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from review.governance.model import (
    ApprovalRule,
    Fact,
    Governance,
    PersonRule,
    Reach,
    Rendition,
    RetentionClass,
    Review,
    Role,
    Team,
)
from review.governance.retention import NO_CLASS, parts_of, takes_from_rest
from review.governance.times import FOR_EVER, day_of
from review.governance.words import listed, period_in_words, reach_in_words, review_in_words, sees, wait_in_words


class Weight(StrEnum):
    MORE = "opens more"
    SOONER = "deletes sooner"
    REVIEWS_LESS = "reviews less"
    LESS = "opens less"
    LONGER = "keeps longer"
    OTHER = "other"


GRAVE: Final = frozenset({Weight.MORE, Weight.SOONER, Weight.REVIEWS_LESS})


@dataclass(frozen=True, slots=True)
class Change:
    """`where` it stands, in the new rules if it is still there: file:line:column."""

    weight: Weight
    says: str
    where: str


def changes(old: Governance, new: Governance) -> tuple[Change, ...]:
    """What opens more first; empty when nothing that counts has changed."""
    parts: tuple[Callable[[Governance, Governance], Iterator[Change]], ...] = (
        _of_roles, _of_people, _of_places, _of_approvals, _of_retention, _of_reviews, _of_head,
    )  # fmt: skip
    found = [change for part in parts for change in part(old, new)]
    return tuple(change for weight in Weight for change in found if change.weight is weight)


def _more_if(more: bool) -> Weight:
    return Weight.MORE if more else Weight.LESS


def _sooner_if(sooner: bool) -> Weight:
    return Weight.SOONER if sooner else Weight.LONGER


# -- roles ----------------------------------------------------------------------------------------------------------


def _of_roles(old: Governance, new: Governance) -> Iterator[Change]:
    for name in sorted(new.roles.keys() - old.roles.keys()):
        role = new.roles[name]
        yield Change(Weight.MORE, f"there is a role {name}: {listed(role.may)}", role.where)
    for name in sorted(old.roles.keys() - new.roles.keys()):
        yield Change(Weight.LESS, f"there is no role {name} any more", new.where)
    for name in sorted(old.roles.keys() & new.roles.keys()):
        yield from _of_role(old.roles[name], new.roles[name])


def _of_role(old: Role, new: Role) -> Iterator[Change]:
    name, where = new.name, new.where
    if new.may - old.may:
        yield Change(Weight.MORE, f"{name} may also {listed(new.may - old.may)}", where)
    if old.may - new.may:
        yield Change(Weight.LESS, f"{name} may no longer {listed(old.may - new.may)}", where)
    if new.of != old.of:
        more = not _reaches(old.of, new.of)
        says = f"{name} covers {reach_in_words(new.of)} (before: {reach_in_words(old.of)})"
        yield Change(_more_if(more), says, where)
    if new.oldest != old.oldest:
        more = new.oldest is None or (old.oldest is not None and not old.oldest.covers(new.oldest))
        far = "as far back as there is" if new.oldest is None else f"{period_in_words(new.oldest)} back"
        yield Change(_more_if(more), f"{name} reaches {far}", where)
    if new.since_grant != old.since_grant:
        says = "no longer also" if old.since_grant else "now only"
        yield Change(_more_if(old.since_grant), f"{name} covers {says} what is from after the role was given", where)
    if new.until != old.until:
        yield Change(_more_if(new.until > old.until), f"{name} ends {_end(new.until)}", where)
    if (new.rendition, new.otherwise_original) != (old.rendition, old.otherwise_original):
        more = _sight(new) > _sight(old)
        yield Change(_more_if(more), f"{name} sees {sees(new.rendition, new.otherwise_original)}", where)
    yield from _of_purposes(old, new)
    for kind in sorted(old.analyses.keys() | new.analyses.keys()):
        before, after = old.analyses.get(kind, 0), new.analyses.get(kind, 0)
        if before != after:
            says = f"{name} gets keys for {kind} of {after} recordings an hour (before: {before})"
            yield Change(_more_if(after > before), says, where)


def _sight(role: Role) -> int:
    return 2 if role.rendition is Rendition.ORIGINAL else int(role.otherwise_original)


def _reaches(wide: Reach, narrow: Reach) -> bool:
    if wide.everything:
        return True
    return not narrow.everything and (
        wide.own >= narrow.own and wide.own_teams >= narrow.own_teams and wide.teams >= narrow.teams
    )


def _of_purposes(old: Role, new: Role) -> Iterator[Change]:
    name, where = new.name, new.where
    if old.purposes and not new.purposes:
        yield Change(Weight.MORE, f"{name} need not name a purpose any more", where)
    elif new.purposes and not old.purposes:
        yield Change(Weight.LESS, f"{name} must name a purpose: {listed(new.purposes)}", where)
    elif new.purposes != old.purposes:
        if new.purposes - old.purposes:
            yield Change(Weight.MORE, f"{name} has also the purpose {listed(new.purposes - old.purposes)}", where)
        if old.purposes - new.purposes:
            yield Change(Weight.LESS, f"{name} lost the purpose {listed(old.purposes - new.purposes)}", where)
    for purpose in sorted((old.sample.keys() | new.sample.keys()) & new.purposes):
        before, after = old.sample.get(purpose), new.sample.get(purpose)
        if after is None:
            yield Change(Weight.MORE, f"{name} opens any recording for {purpose}, not only drawn ones", where)
        elif before is None or before.per_agent_and_month != after.per_agent_and_month:
            more = before is not None and after.per_agent_and_month > before.per_agent_and_month
            says = f"for {purpose}, {name} opens {after.per_agent_and_month} drawn ones per agent per month"
            yield Change(_more_if(more), says, after.where)


def _end(until: int) -> str:
    return "never" if until >= FOR_EVER else f"with {day_of(until - 1)}"


# -- people and teams -----------------------------------------------------------------------------------------------


def _of_people(old: Governance, new: Governance) -> Iterator[Change]:
    before = {(rule.person, role): rule for rule in old.people for role in rule.roles}
    after = {(rule.person, role): rule for rule in new.people for role in rule.roles}
    for person, role in sorted(after.keys() - before.keys()):
        yield Change(Weight.MORE, f"{person} has role {role}", after[person, role].where)
    for person, role in sorted(before.keys() - after.keys()):
        yield Change(Weight.LESS, f"{person} no longer has role {role}", new.where)
    for person, role in sorted(before.keys() & after.keys()):
        yield from _of_person(before[person, role], after[person, role], role)


def _of_person(old: PersonRule, new: PersonRule, role: str) -> Iterator[Change]:
    if new.teams - old.teams:
        yield Change(
            Weight.MORE, f"{new.person} has role {role} also in team {listed(new.teams - old.teams)}", new.where
        )
    if old.teams - new.teams:
        says = f"{new.person} has role {role} no longer in team {listed(old.teams - new.teams)}"
        yield Change(Weight.LESS, says, new.where)
    if new.since != old.since:
        more = new.since < old.since
        yield Change(_more_if(more), f"{new.person} has role {role} from {day_of(new.since)} on", new.where)
    if new.until != old.until:
        yield Change(
            _more_if(new.until > old.until), f"{new.person} has role {role}: ends {_end(new.until)}", new.where
        )


def _of_places(old: Governance, new: Governance) -> Iterator[Change]:
    if [(rule.user, rule.person) for rule in new.users] != [(rule.user, rule.person) for rule in old.users]:
        where = new.users[0].where if new.users else new.where
        yield Change(Weight.MORE, "whose an OS user is has changed, and with it whose recordings are whose", where)
    for name in sorted(old.teams.keys() | new.teams.keys()):
        was, now = old.teams.get(name, Team()), new.teams.get(name, Team(where=new.where))
        # A group and a user may have one name.
        more = [*(now.groups - was.groups), *(now.users - was.users)]
        less = [*(was.groups - now.groups), *(was.users - now.users)]
        if more:
            yield Change(Weight.MORE, f"team {name} has also what is recorded at {listed(more)}", now.where)
        if less:
            yield Change(Weight.LESS, f"team {name} no longer has what is recorded at {listed(less)}", now.where)
        yield from _of_classes_of(old, new, name, more=bool(more), less=bool(less))


# -- approvals, retention, the rest ---------------------------------------------------------------------------------


def _of_approvals(old: Governance, new: Governance) -> Iterator[Change]:
    before, after = (
        {(act, tuple(sorted(rule.by)), rule.need, rule.within, rule.delay): rule
         for rule in rules.approvals for act in rule.acts}
        for rules in (old, new)
    )  # fmt: skip
    for key in sorted(before.keys() - after.keys()):
        yield Change(Weight.MORE, f"{key[0]} no longer needs {_approval(before[key])}", new.where)
    for key in sorted(after.keys() - before.keys()):
        yield Change(Weight.LESS, f"{key[0]} needs {_approval(after[key])}", after[key].where)


def _approval(rule: ApprovalRule) -> str:
    delay = f" and a delay of {wait_in_words(rule.delay)}" if rule.delay else ""
    return f"{rule.need} of {', '.join(sorted(rule.by))} within {wait_in_words(rule.within)}{delay}"


def _of_retention(old: Governance, new: Governance) -> Iterator[Change]:
    before, after = ({one.name: one for one in rules.retention} for rules in (old, new))
    for name in sorted(after.keys() - before.keys()):
        one, rest = after[name], _rest(old)
        says = f"there is a class {name}, kept {period_in_words(one.keep)}"
        sooner = (one.any is None or takes_from_rest(one)) and not _covers(one, rest)
        if sooner:
            says += f": what was of class {rest.name} may be kept for less time"
        yield Change(_sooner_if(sooner), says, one.where)
    for name in sorted(before.keys() - after.keys()):
        yield Change(_sooner_if(_loses(new, before[name])), f"there is no class {name} any more", new.where)
    for name in sorted(before.keys() & after.keys()):
        yield from _of_class(before[name], after[name])


def _rest(rules: Governance) -> RetentionClass:
    return next((one for one in rules.retention if one.any is None), NO_CLASS)


def _covers(one: RetentionClass, other: RetentionClass) -> bool:
    return one.keep.covers(other.keep) and one.minimum.covers(other.minimum) and one.worm >= other.worm


def _loses(new: Governance, one: RetentionClass) -> bool:
    """Whether what was of this class, and is not any more, may be kept for less time. Something else keeps it: the
    rest, or any class that takes from the rest."""
    others = [] if one.any is None else [other for other in new.retention if takes_from_rest(other)]
    return not all(_covers(other, one) for other in [_rest(new), *others])


def _of_classes_of(old: Governance, new: Governance, name: str, *, more: bool, less: bool) -> Iterator[Change]:
    """`more`, `less`: whether something became the team's, or no longer is."""
    rest = _rest(old)
    lost = [one for one in old.retention if less and _depends_on(one, name) and _loses(new, one)]
    gained = [one for one in new.retention if more and _depends_on(one, name) and not _covers(one, rest)]
    for one in {one.name: one for one in (*lost, *filter(takes_from_rest, gained))}.values():
        says = f"class {one.name} depends on team {name}: what has changed its team may be kept for less time"
        yield Change(Weight.SOONER, says, new.teams[name].where if name in new.teams else new.where)


def _depends_on(one: RetentionClass, team: str) -> bool:
    return any(
        isinstance(part, Fact) and part.key == "team" and team in part.words
        for condition in one.any or ()
        for part in parts_of(condition)
    )


def _of_class(old: RetentionClass, new: RetentionClass) -> Iterator[Change]:
    if new.any != old.any:
        yield Change(Weight.SOONER, f"other recordings than before belong to class {new.name}", new.where)
    for what, was, now in (("keeps", old.keep, new.keep), ("has a minimum of", old.minimum, new.minimum)):
        if now != was:
            says = f"class {new.name} {what} {period_in_words(now)} (before: {period_in_words(was)})"
            yield Change(_sooner_if(not now.covers(was)), says, new.where)
    if new.worm != old.worm:
        says = f"class {new.name} is {'now' if new.worm else 'no longer'} kept unchanged (worm)"
        yield Change(_sooner_if(old.worm), says, new.where)


def _of_reviews(old: Governance, new: Governance) -> Iterator[Change]:
    before, after = ({one.name: one for one in rules.reviews} for rules in (old, new))
    for name in sorted(before.keys() - after.keys()):
        yield Change(Weight.REVIEWS_LESS, f"what is drawn for {name} need not be reviewed any more", new.where)
    for name in sorted(after):
        one, was = after[name], before.get(name)
        less = was is not None and (one.by != was.by or one.since > was.since or one.within > was.within)
        if was is None or review_in_words(one) != review_in_words(was):
            yield Change(Weight.REVIEWS_LESS if less else Weight.OTHER, review_in_words(one), one.where)
        drawn = _drawn_for(new, one)
        if was is not None and drawn < _drawn_for(old, was):
            says = f"{one.by} reviews {drawn} per agent per month for {name} (before: {_drawn_for(old, was)})"
            yield Change(Weight.REVIEWS_LESS, says, one.where)


def _drawn_for(rules: Governance, review: Review) -> int:
    """The fewest, where roles have different numbers: so many are drawn (docs/samples.md)."""
    samples = (role.sample.get(review.name) for role in rules.roles.values())
    return min(one.per_agent_and_month for one in samples if one is not None)


def _of_head(old: Governance, new: Governance) -> Iterator[Change]:
    for channel in sorted(old.consent.required.keys() - new.consent.required.keys()):
        yield Change(Weight.MORE, f"the {channel} is opened without consent", new.where)
    for channel in sorted(new.consent.required.keys() - old.consent.required.keys()):
        says = f"the {channel} is no longer opened without consent"
        yield Change(Weight.LESS, says, new.consent.required[channel])
    if new.notice != old.notice:
        yield Change(Weight.OTHER, "what those who are recorded read (notice) is another text", new.where)
    if len(new.tests) < len(old.tests):
        yield Change(Weight.OTHER, f"there are {len(old.tests) - len(new.tests)} tests less", new.where)
