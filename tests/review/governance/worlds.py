"""Random rules and questions over few names and small times, so that every bound is met; and what must come out.

The oracle says the law once more, in another shape: for one role at one instant, as one condition, with approvers
tried in every order.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

from hypothesis import strategies as st

from review.governance.model import (
    Act,
    AllOf,
    Approval,
    ApprovalRule,
    Channel,
    Consent,
    Consents,
    Fact,
    Governance,
    Grant,
    Kind,
    Length,
    Person,
    Question,
    Reach,
    Recording,
    Rendition,
    RetentionClass,
    Role,
    Sample,
    Team,
)
from review.governance.times import FOR_EVER, Period

ROLES = ("a", "b", "c")
TEAMS = ("north", "south")
PURPOSES = ("coaching", "legal")
PEOPLE = ("ann", "bob", "cem", "dot")
MOST = 12  # the times of a world
ACTS = (Act.LIST, Act.PLAY, Act.EXPORT, Act.ANALYSE, Act.COMMENT, Act.ERASE, Act.READ_AUDIT)

KINDS = (Kind.SPEECH, Kind.SCREEN_TEXT, Kind.PERSONAL)
times = st.integers(0, MOST)
ends = st.one_of(st.just(FOR_EVER), times)
teams = st.frozensets(st.sampled_from(TEAMS))
purposes = st.frozensets(st.sampled_from(PURPOSES))
periods = st.builds(Period, ns=times)
reaches = st.builds(Reach, st.booleans(), st.booleans(), st.booleans(), teams)
roles = st.builds(
    Role,
    name=st.just(""),
    may=st.frozensets(st.sampled_from(ACTS), min_size=3),
    of=reaches,
    where=st.just("r:1:1"),
    oldest=st.none() | periods,
    since_grant=st.booleans(),
    until=ends,
    rendition=st.sampled_from(Rendition),
    otherwise_original=st.booleans(),
    purposes=purposes,
    sample=st.dictionaries(st.sampled_from(PURPOSES), st.just(Sample(1, "s:1:1")), max_size=1),
    analyses=st.dictionaries(st.sampled_from(KINDS), st.just(1), max_size=2),
)
wide_roles = st.builds(
    Role, st.just(""), st.just(frozenset(ACTS)), st.just(Reach(True)), st.just("r:2:1"),
    analyses=st.just(dict.fromkeys(KINDS, 1)),
)  # fmt: skip
some_roles = st.one_of(wide_roles, roles)  # else nearly everything would be refused
approval_rules = st.builds(
    ApprovalRule,
    acts=st.frozensets(st.sampled_from(("play", "export", "play-original", "list"))),
    by=st.lists(st.sampled_from(ROLES), min_size=1, max_size=3).map(tuple),
    need=st.integers(1, 3),
    within=st.integers(1, 6),
    delay=st.integers(0, 4),
    where=st.just("w:1:1"),
)
facts = st.one_of(
    st.builds(Fact, st.just("group"), st.just(frozenset({"g"}))),
    st.builds(Fact, st.just("team"), st.frozensets(st.sampled_from(TEAMS), min_size=1)),
    st.builds(Fact, st.just("closed_by"), st.just(frozenset({"card"}))),
    st.builds(Fact, st.just("category"), st.frozensets(st.sampled_from(("x", "y")), min_size=1)),
    st.builds(Fact, st.just("channel"), st.frozensets(st.sampled_from(Channel), min_size=1)),
    st.builds(Length, st.booleans(), st.integers(0, 4)),
)
conditions = st.one_of(facts, st.builds(AllOf, st.lists(facts, min_size=1, max_size=2).map(tuple)))
classes = st.lists(
    st.builds(
        RetentionClass,
        name=st.sampled_from(("k", "l", "m")),
        any=st.lists(conditions, min_size=1, max_size=2).map(tuple),
        keep=periods,
        minimum=periods,
        where=st.just("k:1:1"),
    ),
    max_size=3,
).flatmap(
    lambda some: st.builds(lambda keep, minimum: (*some, RetentionClass("rest", None, keep, minimum)), periods, periods)
)


@st.composite
def governances(draw: st.DrawFn) -> Governance:
    named = {name: replace(draw(some_roles), name=name) for name in ROLES}
    required = draw(st.frozensets(st.sampled_from((Channel.VOICE, Channel.SCREEN)), max_size=1))
    return Governance(
        roles=named,
        approvals=tuple(draw(st.lists(approval_rules, max_size=1))),
        retention=draw(classes),
        teams={name: Team() for name in TEAMS},
        consent=Consents(dict.fromkeys(required, "c:1:1")),
        where="g:1:1",
        signed=draw(st.integers(0, 2)),
    )


grants = st.builds(Grant, st.sampled_from(ROLES), teams, times, ends, st.just("p:1:1"))
grants_as_it_goes = st.one_of(grants, st.builds(Grant, st.sampled_from(ROLES)))  # without an end, every other time
people = st.builds(Person, st.sampled_from(PEOPLE), st.lists(grants_as_it_goes, max_size=3).map(tuple))
recordings = st.builds(
    Recording,
    person=st.sampled_from(("", *PEOPLE)),
    group=st.sampled_from(("", "g")),
    teams=teams,
    start=st.integers(0, 6),
    end=st.integers(6, MOST),
    closed_by=st.frozensets(st.sampled_from(("card", "other"))),
    categories=st.none() | st.frozensets(st.sampled_from(("x", "y"))),
    consent=st.dictionaries(st.sampled_from(Channel), st.sampled_from(Consent), max_size=2),
    has_redacted=st.booleans(),
    drawn=purposes,
    held=st.booleans(),
    erasure_asked=st.booleans(),
)
quiet = st.builds(
    Recording, start=st.integers(0, 6), end=st.just(6), categories=st.just(frozenset()), has_redacted=st.just(True)
)
questions = st.builds(
    Question,
    person=people,
    act=st.sampled_from(ACTS),
    now=times,
    recording=st.one_of(st.none(), quiet, recordings),
    purpose=st.sampled_from(("", *PURPOSES)),
    rendition=st.sampled_from(Rendition),
    asked=st.none() | times,
    approvals=st.lists(st.builds(Approval, people, times), max_size=4).map(tuple),
    kind=st.sampled_from((None, *KINDS)),
)


def granted_by(rules: Governance, asked: Question, grant: Grant) -> Rendition | str | None:
    """What this grant alone gives at this instant: the rendition, "nothing to open", or None for a refusal."""
    role, seen, now = rules.roles[grant.role], asked.recording, asked.now
    opens = asked.act in {Act.PLAY, Act.EXPORT, Act.ANALYSE}
    overview = asked.act in {Act.LIST, Act.READ_AUDIT, Act.SEE_ACCESS}
    known = set().union(*(one.purposes for one in rules.roles.values()))
    original = asked.rendition is Rendition.ORIGINAL or asked.act is Act.ANALYSE
    shows = Rendition.REDACTED if seen and seen.has_redacted and not original else Rendition.ORIGINAL
    holds = [
        asked.act in role.may,
        asked.act is not Act.ANALYSE or bool(role.analyses.keys() & ({asked.kind} if asked.kind else set(KINDS))),
        rules.signed <= now,
        grant.since <= now < grant.until,
        now < role.until,
        asked.purpose in {"", *known},
        seen is not None or (overview and role.of.everything),
        overview or asked.purpose in (role.purposes or {""}),
        overview or asked.purpose not in role.sample or (seen is not None and asked.purpose in seen.drawn),
        not opens or not original or role.rendition is Rendition.ORIGINAL,
        not opens or original or (seen is not None and seen.has_redacted) or role.otherwise_original,
    ]
    if seen is not None:
        of = role.of
        reach = (of.teams | grant.teams) if of.own_teams else of.teams
        holds += [
            of.everything or (of.own and seen.person == asked.person.id != "") or not reach.isdisjoint(seen.teams),
            role.oldest is None or now - seen.start < role.oldest.ns,
            not role.since_grant or seen.start >= grant.since,
            not opens
            or all(
                state is Consent.GIVEN or (state is Consent.MISSING and channel not in rules.consent.required)
                for channel, state in seen.consent.items()
            ),
            asked.act is not Act.ERASE or not (seen.held or now < seen.end + longest_minimum(rules, seen)),
        ]
    needed = {asked.act.value}
    if asked.act is Act.PLAY and shows is Rendition.ORIGINAL:
        needed.add("play-original")
    holds += [approved(rules, asked, rule) for rule in rules.approvals if rule.acts & needed]
    if not all(holds):
        return None
    return shows if opens else "nothing to open"


def approved(rules: Governance, asked: Question, rule: ApprovalRule) -> bool:
    if asked.asked is None or not asked.asked + rule.delay <= asked.now < asked.asked + rule.delay + rule.within:
        return False
    by: dict[str, set[str]] = {}
    for one in asked.approvals:
        if (
            asked.asked <= one.at <= asked.now
            and one.at - asked.asked < rule.within
            and one.person.id != asked.person.id
        ):
            by.setdefault(one.person.id, set()).update(
                grant.role
                for grant in one.person.grants
                if grant.since <= one.at < grant.until and one.at < rules.roles[grant.role].until
            )
    nobody = [("", set())] * len(rule.by)
    return any(
        sum(seat in roles for seat, (_, roles) in zip(rule.by, order, strict=False)) >= rule.need
        for order in permutations([*by.items(), *nobody], len(rule.by))
    )


# -- retention ------------------------------------------------------------------------------------------------------


def fits(one: RetentionClass, seen: Recording) -> bool:
    """Of a recording that was analysed."""

    def holds(part: Fact | Length) -> bool:
        if isinstance(part, Length):
            length = seen.end - seen.start
            return part.ns < length if part.over else length < part.ns
        has = {
            "group": {seen.group},
            "team": seen.teams,
            "closed_by": seen.closed_by,
            "category": seen.categories or set(),
            "channel": set(seen.consent),
        }[part.key]
        return not part.words.isdisjoint(has)

    return any(
        all(map(holds, condition.conditions)) if isinstance(condition, AllOf) else holds(condition)
        for condition in one.any or ()
    )


def analyses(seen: Recording) -> list[Recording]:
    """The recording with each set of categories that an analysis could find."""
    if seen.categories is not None:
        return [seen]
    return [replace(seen, categories=frozenset(found)) for found in ((), ("x",), ("y",), ("x", "y"))]


def periods_of(rules: Governance, seen: Recording) -> list[tuple[int, int]]:
    """(keep, minimum) of each class that counts for an analysed one. The rest counts unless a class fits without any
    category."""
    counts = [one for one in rules.retention if fits(one, seen)]
    if not any(fits(one, replace(seen, categories=frozenset())) for one in counts):
        counts += [one for one in rules.retention if one.any is None]
    return [(one.keep.ns, one.minimum.ns) for one in counts]


def longest_keep(rules: Governance, seen: Recording) -> int:
    """The longest that any analysis could ask for, and never below the minimum."""
    kept = max(keep for one in analyses(seen) for keep, _ in periods_of(rules, one))
    return max(kept, longest_minimum(rules, seen))


def longest_minimum(rules: Governance, seen: Recording) -> int:
    return max(minimum for one in analyses(seen) for _, minimum in periods_of(rules, one))
