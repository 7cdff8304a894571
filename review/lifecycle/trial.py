"""Rules that are tried over the archive before they count: what they would open and delete that others do not."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

from protocol.terminal import printable
from review.exchange import ask
from review.governance.decide import decide
from review.governance.model import OPENS, Act, Channel, Consent, Governance, Person, Question, Recording, Rendition
from review.governance.times import DAY, FOR_EVER
from review.governance.words import listed
from review.lifecycle.facts import Facts, Known, when, why

# -- one recording --------------------------------------------------------------------------------------------------


def what_it_is(known: Known, one: Recording, consent: Iterable[str]) -> Iterator[str]:
    """In sentences that explain a decision about it. `consent`: of `consents_of`."""
    teams = f", which is of team {listed(one.teams)}" if one.teams else ", which is of no team"
    yield printable(f"it was recorded by OS user {known.os_user} in group {one.group or '-'}{teams}")
    yield printable(f"it is the work of {one.person}") if one.person else "no rule says whose work it is"
    yield from consent
    for doubt in known.unsure:
        yield printable(f"not all of it is certain, so that it is kept longer: {doubt}")


def consents_of(
    custodian: Path, recording: UUID, *, says_where: bool = True
) -> tuple[tuple[str, ...], dict[Channel, Consent]]:
    """(what is said of it, by channel). `custodian`: where it listens; `says_where`: also to who reads this. Raises
    ProtocolError as it refuses.
    """
    try:
        answered = ask(custodian, "consent-of", recording=str(recording))["consent"]
    except OSError as error:
        where = f": {custodian}: {error.strerror}" if says_where else ""
        return (f"the custodian cannot be asked for consent, so none counts{where}",), {}
    signed = (
        f"the consent to its {one} was {said['state']}, as {said['person']} signed" for one, said in answered.items()
    )
    return tuple(map(printable, signed)), {Channel(one): Consent(said["state"]) for one, said in answered.items()}


# -- all of them ----------------------------------------------------------------------------------------------------

Both = tuple[Known, Known]
"""One by the rules in force, and by the new ones."""


def by_both(facts: Facts, new: Iterable[Known], now: int) -> Iterator[Both]:
    """`facts`: by the rules in force."""
    for known in new:
        one, rules = known.recording, facts.governance
        if known.os_user and {names.user for names in known.names} == {known.os_user}:
            person, teams = rules.person_of(known.os_user), rules.teams_of(one.group, known.os_user)
            yield replace(known, recording=replace(one, person=person, teams=teams)), known
        # An interaction has agents, and a PC may have changed its user: then rules decide more than that, and it is
        # read once more. What was erased meanwhile does not count.
        elif isinstance(before := facts.of(UUID(known.id), now), Known):
            yield before, known


def _kind(both: Both) -> tuple[object, ...]:
    """What decides of it: by both, whose it is and of which teams; channels with consent, and its first day."""
    before, after = (known.recording for known in both)
    consent = tuple(sorted(after.consent.items()))
    return before.person, before.teams, after.person, after.teams, consent, after.start // DAY


def opens(
    old: Governance, new: Governance, every: list[Both], now: int, *, advance: Callable[[], object] = lambda: None
) -> Iterator[dict[str, object]]:
    """Who could open how many more, or fewer; with approvals, where rules ask for them. `advance`: before each
    question of what one person could do with one kind of recording.
    """
    kinds = Counter(map(_kind, every))
    one_of = {_kind(both): both for both in reversed(every)}
    people = {rule.person for rules in (old, new) for rule in rules.people}
    people |= {known.recording.person for both in one_of.values() for known in both} - {""}
    # With all approvals that may be asked for.
    old, new = (replace(rules, approvals=()) for rules in (old, new))
    for person in sorted(people):
        of = [(rules, rules.person(person)) for rules in (old, new)]
        for act in sorted(OPENS):
            asked = [(rules, who, _purposes(rules, who, act)) for rules, who in of]
            counts: dict[Rendition, Counter[str]] = defaultdict(Counter)
            for kind, both in one_of.items():
                advance()
                before, after = (
                    _renditions(rules, Question(who, act, now, known.recording), purposes)
                    for (rules, who, purposes), known in zip(asked, both, strict=True)
                )
                for one in before | after:
                    counts[one]["now"] += kinds[kind] * (one in before)
                    counts[one]["then"] += kinds[kind] * (one in after)
                    counts[one]["more"] += kinds[kind] * (one in after - before)
                    counts[one]["less"] += kinds[kind] * (one in before - after)
            for rendition, found in sorted(counts.items()):
                if found["more"] or found["less"]:
                    yield {"person": person, "act": str(act), "rendition": str(rendition),
                           **{name: found[name] for name in ("now", "then", "more", "less")}}  # fmt: skip


def _purposes(rules: Governance, of: Person, act: Act) -> list[str]:
    """One of each kind that their roles tell apart, as rules can have thousands; none where they may not do it."""
    roles = [role for name in sorted({one.role for one in of.grants}) if act in (role := rules.roles[name]).may]
    named = sorted(frozenset[str]().union(*(role.purposes for role in roles)))
    kinds = {tuple((one in role.purposes, one in role.sample) for role in roles): one for one in named}
    return ["", *kinds.values()] if roles else []


def _renditions(rules: Governance, asked: Question, purposes: Iterable[str]) -> set[Rendition]:
    """What they could be given, for some purpose."""
    questions = (replace(asked, purpose=purpose, rendition=one) for one in Rendition for purpose in purposes)
    decisions = (decide(rules, one) for one in questions)
    return {one.rendition for one in decisions if one.granted and one.rendition is not None}


def goes(old: Governance, new: Governance, every: list[Both], now: int, until: int) -> Iterator[dict[str, object]]:
    """Of each, when it is deleted by both. `deleted`: before `until`. `sooner`: than now."""
    for was, known in every:
        before, after = was.disposal(old, now), known.disposal(new, now)
        at, then = (now if one.deletes else FOR_EVER if one.at is None else one.at for one in (before, after))
        yield {"recording": known.id, "now": when(before), "then": when(after), "because": why(known, after),
               "deleted": then < until, "sooner": then < at}  # fmt: skip


def summed(gone: Iterable[dict[str, object]]) -> list[tuple[tuple[str, str, str], int]]:
    """What `goes` says of how many, without what stays as it is: ((goes now, would go, because of), recordings)."""
    changed = (one for one in gone if one["now"] != one["then"] or one["deleted"])
    return sorted(Counter((str(one["now"]), str(one["then"]), str(one["because"])) for one in changed).items())
