"""What one set of rules opens more or less than another, each change in a sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from review.governance.decide import decide
from review.governance.diff import GRAVE, Weight, changes
from review.governance.model import (
    Act,
    Approval,
    Governance,
    PersonRule,
    Question,
    Recording,
    Rendition,
    Team,
    UserRule,
)
from review.governance.retention import retention_of
from tests.review.governance.rules import rules
from tests.review.governance.worlds import (
    PEOPLE,
    ROLES,
    TEAMS,
    ends,
    governances,
    questions,
    recordings,
    teams,
    times,
)

BASE = """
roles:
  lead: { may: [list, play], of: { team: own }, from: 30d, until: 2027-01-31, purposes: [coaching], sample: { coaching: 4 per agent per month } }
  agent: { may: [list], of: own }
  worker: { may: [analyse], of: all, rendition: original, analyses: { speech: 60 per hour } }
people:
  ann@x.org: { roles: [lead], teams: [north], since: 2026-01-01, until: 2026-12-31 }
teams:
  north: { groups: [desks, hall] }
  south: { users: [sven] }
os_users:
  - { user: sven, person: sven@x.org }
approvals:
  - { act: [play], by: [agent, lead], need: 1, within: 24h, delay: 30m }
retention:
  - { class: long, any: [{ group: [desks] }], keep: 2y, minimum: 1y, why: law, worm: true }
  - { class: rest, keep: 180d }
consent: { voice: required }
notice: We record.
tests:
  - { who: { role: agent }, do: list, what: {}, expect: refused }
"""  # noqa: E501 - a role in one line, so that a test changes a word

MORE, LESS, SOONER, LONGER, OTHER = Weight.MORE, Weight.LESS, Weight.SOONER, Weight.LONGER, Weight.OTHER
# (what stands there, what is to stand there) -> what follows, and what follows when it is taken back
CASES = [
    (
        "may: [list, play]",
        "may: [list, play, export]",
        (MORE, "lead may also export"),
        (LESS, "lead may no longer export"),
    ),
    (
        "of: { team: own }",
        "of: all",
        (MORE, "lead covers all recordings (before: those of one's own teams)"),
        (LESS, "lead covers those of one's own teams (before: all recordings)"),
    ),
    (
        "of: own }",
        "of: { team: [own, south] } }",
        (MORE, "agent covers those of one's own teams and those of team south (before: one's own)"),
        (MORE, "agent covers one's own (before: those of one's own teams and those of team south)"),
    ),
    (
        "of: { team: own }",
        "of: { team: [own, south] }",
        (MORE, "lead covers those of one's own teams and those of team south (before: those of one's own teams)"),
        (LESS, "lead covers those of one's own teams (before: those of one's own teams and those of team south)"),
    ),
    ("from: 30d", "from: 31d", (MORE, "lead reaches 31 days back"), (LESS, "lead reaches 30 days back")),
    ("from: 30d", "from: grant", (MORE, "lead reaches as far back as there is"), (LESS, "lead reaches 30 days back")),
    (
        "of: own }",
        "of: own, from: 1d }",
        [
            (LESS, "agent reaches 1 day back"),
            (LESS, "agent covers now only what is from after the role was given"),
        ],
        [
            (MORE, "agent reaches as far back as there is"),
            (MORE, "agent covers no longer also what is from after the role was given"),
        ],
    ),
    ("until: 2027-01-31, ", "", (MORE, "lead ends never"), (LESS, "lead ends with 2027-01-31")),
    (
        "of: own }",
        "of: own, rendition: original }",
        (MORE, "agent sees the original"),
        (LESS, "agent sees the redacted rendition"),
    ),
    (
        "of: own }",
        "of: own, otherwise: original }",
        (MORE, "agent sees the redacted rendition, or the original until there is one"),
        (LESS, "agent sees the redacted rendition"),
    ),
    (
        "[coaching]",
        "[coaching, legal]",
        (MORE, "lead has also the purpose legal"),
        (LESS, "lead lost the purpose legal"),
    ),
    (
        "of: own }",
        "of: own, purposes: [legal] }",
        (LESS, "agent must name a purpose: legal"),
        (MORE, "agent need not name a purpose any more"),
    ),
    (
        ", sample: { coaching: 4 per agent per month }",
        "",
        (MORE, "lead opens any recording for coaching, not only drawn ones"),
        (LESS, "for coaching, lead opens 4 drawn ones per agent per month"),
    ),
    (
        "speech: 60",
        "speech: 90",
        (MORE, "worker gets keys for speech of 90 recordings an hour (before: 60)"),
        (LESS, "worker gets keys for speech of 60 recordings an hour (before: 90)"),
    ),
    (
        "speech: 60 per hour",
        "speech: 60 per hour, screen-text: 9 per hour",
        (MORE, "worker gets keys for screen-text of 9 recordings an hour (before: 0)"),
        (LESS, "worker gets keys for screen-text of 0 recordings an hour (before: 9)"),
    ),
    (
        "coaching: 4",
        "coaching: 5",
        (MORE, "for coaching, lead opens 5 drawn ones per agent per month"),
        (LESS, "for coaching, lead opens 4 drawn ones per agent per month"),
    ),
    (
        "people:\n",
        "  chief: { may: [play, list], of: all }\npeople:\n",
        (MORE, "there is a role chief: list and play"),
        (LESS, "there is no role chief any more"),
    ),
    (
        "roles: [lead], teams",
        "roles: [lead, agent], teams",
        (MORE, "ann@x.org has role agent"),
        (LESS, "ann@x.org no longer has role agent"),
    ),
    (
        "teams: [north], since",
        "teams: [north, south], since",
        (MORE, "ann@x.org has role lead also in team south"),
        (LESS, "ann@x.org has role lead no longer in team south"),
    ),
    (
        "since: 2026-01-01",
        "since: 2025-01-01",
        (MORE, "ann@x.org has role lead from 2025-01-01 on"),
        (LESS, "ann@x.org has role lead from 2026-01-01 on"),
    ),
    (
        ", until: 2026-12-31",
        "",
        (MORE, "ann@x.org has role lead: ends never"),
        (LESS, "ann@x.org has role lead: ends with 2026-12-31"),
    ),
    (
        "[desks, hall]",
        "[desks, hall, attic]",
        (MORE, "team north has also what is recorded at attic"),
        (LESS, "team north no longer has what is recorded at attic"),
    ),
    (
        "os_users:",
        "  west: { groups: [west] }\nos_users:",
        (MORE, "team west has also what is recorded at west"),
        (LESS, "team west no longer has what is recorded at west"),
    ),
    (
        "person: sven@x.org",
        "person: ann@x.org",
        (MORE, "whose an OS user is has changed, and with it whose recordings are whose"),
        (MORE, "whose an OS user is has changed, and with it whose recordings are whose"),
    ),
    (
        "need: 1, within: 24h, delay: 30m",
        "need: 2, within: 24h",
        [
            (MORE, "play no longer needs 1 of agent, lead within 24 h and a delay of 30 min"),
            (LESS, "play needs 2 of agent, lead within 24 h"),
        ],
        [
            (MORE, "play no longer needs 2 of agent, lead within 24 h"),
            (LESS, "play needs 1 of agent, lead within 24 h and a delay of 30 min"),
        ],
    ),
    (
        "keep: 180d",
        "keep: 179d",
        (SOONER, "class rest keeps 179 days (before: 180 days)"),
        (LONGER, "class rest keeps 180 days (before: 179 days)"),
    ),
    (
        "minimum: 1y, why: law, worm: true",
        "why: law",
        [
            (SOONER, "class long has a minimum of nothing (before: 1 year)"),
            (SOONER, "class long is no longer kept unchanged (worm)"),
        ],
        [
            (LONGER, "class long has a minimum of 1 year (before: nothing)"),
            (LONGER, "class long is now kept unchanged (worm)"),
        ],
    ),
    (
        "[{ group: [desks] }]",
        "[{ group: [hall] }]",
        (SOONER, "other recordings than before belong to class long"),
        (SOONER, "other recordings than before belong to class long"),
    ),
    (
        "consent:",
        "  - { class: short, any: [{ group: [x] }], keep: 1d }\nconsent:",
        (SOONER, "there is a class short, kept 1 day: what was of class rest may be kept for less time"),
        (LONGER, "there is no class short any more"),
    ),
    (
        "consent:",
        "  - { class: more, any: [{ group: [x] }], keep: 1y }\nconsent:",
        (LONGER, "there is a class more, kept 1 year"),
        (SOONER, "there is no class more any more"),
    ),
    (
        "consent:",
        "  - { class: law, any: [{ group: [x] }], keep: 90d, minimum: 90d, why: law }\nconsent:",
        (SOONER, "there is a class law, kept 90 days: what was of class rest may be kept for less time"),
        (SOONER, "there is no class law any more"),
    ),
    (
        "consent:",
        "  - { class: seen, any: [{ all: [{ category: [y] }, { length: over 1h }] }], keep: 1d }\nconsent:",
        (LONGER, "there is a class seen, kept 1 day"),  # what analysis finds takes nothing out of the rest
        (LONGER, "there is no class seen any more"),
    ),
    (
        "voice: required",
        "voice: where-written",
        (MORE, "the voice is opened without consent"),
        (LESS, "the voice is no longer opened without consent"),
    ),
    (
        "We record.",
        "We look.",
        (OTHER, "what those who are recorded read (notice) is another text"),
        (OTHER, "what those who are recorded read (notice) is another text"),
    ),
    (
        "tests:\n  - { who: { role: agent }, do: list, what: {}, expect: refused }\n",
        "",
        (OTHER, "there are 1 tests less"),
        [],
    ),
]


@pytest.mark.parametrize(("was", "becomes", "forth", "back"), CASES)
def test_each_change(was: str, becomes: str, forth: object, back: object) -> None:
    assert was in BASE
    old, new = rules(BASE), rules(BASE.replace(was, becomes, 1))
    for before, after, expected in ((old, new, forth), (new, old, back)):
        listed = expected if isinstance(expected, list) else [expected]
        assert [(change.weight, change.says) for change in changes(before, after)] == listed
        assert all(change.where.startswith("a.yaml:") for change in changes(before, after))


def test_people_and_os_users_may_all_go() -> None:
    bare = "roles: { agent: { may: [list], of: own } }\nretention: [{ class: rest, keep: 180d }]\n"
    with_user = f'{bare}os_users: [{{ user: "*", person: "*@x.org" }}]\n'
    assert [change.weight for change in changes(rules(with_user), rules(bare))] == [MORE]


def test_who_saw_the_original_meanwhile_sees_no_more_than_who_always_does() -> None:
    meanwhile, always = (
        rules(BASE.replace("of: own }", f"of: own, {sight} }}", 1))
        for sight in ("otherwise: original", "rendition: original")
    )
    assert [one.weight for one in changes(meanwhile, always)] == [MORE]
    assert [one.weight for one in changes(always, meanwhile)] == [LESS]


def test_ones_own_teams_beside_another_reach_farther_than_that_one() -> None:
    one, several = (
        rules(BASE.replace("of: own }", f"of: {{ team: {teams} }} }}", 1)) for teams in ("[south]", "[own, south]")
    )
    assert [one.weight for one in changes(one, several)] == [MORE]
    assert [one.weight for one in changes(several, one)] == [LESS]


def test_os_users_that_changed_are_shown_at_the_first() -> None:
    more = BASE.replace("os_users:\n", "os_users:\n  - { user: ann, person: ann@x.org }\n", 1)
    (change,) = changes(rules(BASE), rules(more))
    assert change.where == rules(more).users[0].where != rules(more).users[-1].where


def test_some_tests_of_several_may_go() -> None:
    test = BASE[BASE.index("  - { who:") :]
    assert [one.says for one in changes(rules(BASE + test + test), rules(BASE))] == ["there are 2 tests less"]


SHORT = "  - { class: short, any: [{ group: [x] }], keep: 1d }\nconsent:"


def test_a_rest_of_another_name_keeps_what_the_one_before_did() -> None:
    short = BASE.replace("consent:", SHORT, 1)
    found = changes(rules(short), rules(short.replace("class: rest", "class: others")))
    assert {one.says: one.weight for one in found}["there is no class rest any more"] == LONGER


def test_what_was_of_a_class_that_is_gone_may_be_of_a_short_one_and_not_of_the_rest() -> None:
    middle = "  - { class: middle, any: [{ group: [x] }], keep: 90d }\n"
    both, short = (rules(BASE.replace("consent:", own + SHORT, 1)) for own in (middle, ""))
    assert [(one.weight, one.says) for one in changes(both, short)] == [(SOONER, "there is no class middle any more")]


def test_what_weighs() -> None:
    assert {Weight.MORE, Weight.SOONER, Weight.REVIEWS_LESS} == GRAVE
    assert Weight.OTHER == "other"
    assert changes(rules(BASE), rules(BASE)) == ()


KEPT = """
roles: { clerk: { may: [list], of: own } }
teams:
  advice: { groups: [desk-1, desk-2], users: [sven] }
retention:
  - { class: advised, any: [{ team: [advice] }, { length: over 1h }], keep: 7y, minimum: 5y, why: MiFID II }
  - { class: rest, keep: 5y, minimum: 4y, why: HGB }
"""
TEAM = "class advised depends on team advice: what has changed its team may be kept for less time"
# (what stands there, what is to stand there) -> what of it deletes sooner, and what does when it is taken back
KEPT_CASES = [
    (
        "  - { class: rest",
        "  - { class: spoken, any: [{ channel: [voice] }], keep: 5y }\n  - { class: rest",
        ["there is a class spoken, kept 5 years: what was of class rest may be kept for less time"],
        [],  # advised and rest keep as long as it did
    ),
    ("[desk-1, desk-2]", "[desk-1]", [TEAM], []),
    (", users: [sven]", "", [TEAM], []),
    ("groups: [desk-1, desk-2], users: [sven]", "groups: [desk-1, sven], users: [desk-2]", [TEAM], [TEAM]),
    (
        "  - { class: rest",
        "  - { class: talks, any: [{ team: [advice] }], keep: 6y, minimum: 5y, why: x }\n  - { class: rest",
        [],
        ["there is no class talks any more"],  # that advised keeps all of it is not looked for
    ),
    ("class: rest", "class: others", [], []),
]


@pytest.mark.parametrize(("was", "becomes", "forth", "back"), KEPT_CASES)
def test_what_may_go_sooner(was: str, becomes: str, forth: list[str], back: list[str]) -> None:
    old, new = rules(KEPT), rules(KEPT.replace(was, becomes, 1))
    for before, after, expected in ((old, new, forth), (new, old, back)):
        assert [change.says for change in changes(before, after) if change.weight is SOONER] == expected


def test_a_class_by_team_that_is_shorter_than_the_rest() -> None:
    old = rules(KEPT.replace("keep: 7y, minimum: 5y", "keep: 1y, minimum: 1y"))
    new = replace(old, teams={"advice": replace(old.teams["advice"], groups=frozenset({"desk-1", "desk-3"}))})
    assert [change.says for change in changes(old, new) if change.weight is SOONER] == [TEAM]
    gone = replace(old, teams={})
    assert TEAM in [change.says for change in changes(replace(old, retention=rules(KEPT).retention), gone)]


# -- random worlds ----------------------------------------------------------------------------------------------------

PLACES = ("g", "h")  # of groups and of OS users
some_places = st.frozensets(st.sampled_from(PLACES))
person_rules = st.builds(
    PersonRule, st.sampled_from(("*", *PEOPLE)), st.frozensets(st.sampled_from(ROLES), min_size=1), teams, times, ends
)
user_rules = st.builds(UserRule, st.sampled_from(("*", *PLACES)), st.sampled_from(PEOPLE))


@st.composite
def worlds(draw: st.DrawFn) -> Governance:
    people = {rule.person: rule for rule in draw(st.lists(person_rules, max_size=3))}
    drawn = draw(governances())
    return replace(
        drawn,
        retention=tuple({one.name: one for one in drawn.retention}.values()),
        people=tuple(people.values()),
        users=tuple(draw(st.lists(user_rules, max_size=2))),
        teams={name: Team(draw(some_places), draw(some_places)) for name in TEAMS},
    )


@st.composite
def followers(draw: st.DrawFn) -> tuple[Governance, Governance]:
    """Two that differ in little, so that no other change weighs as much as the one that counts."""
    old, other = draw(worlds()), draw(worlds())
    changed: dict[str, Any] = {}
    for name in draw(st.sets(st.sampled_from(("roles", "approvals", "retention", "teams", "people", "users",
                                              "consent")), min_size=1, max_size=2)):  # fmt: skip
        mine, theirs = getattr(old, name), getattr(other, name)
        if isinstance(mine, dict):
            changed[name] = mine | {one: theirs[one] for one in draw(st.sets(st.sampled_from(sorted(mine))))}
        elif name == "retention":
            both = {one.name: one for one in mine} | {one.name: one for one in theirs if draw(st.booleans())}
            changed[name] = tuple(one for one in both.values() if draw(st.integers(0, 3)))
        else:
            changed[name] = theirs
    if draw(st.booleans()):  # one value of one role
        name = draw(st.sampled_from(ROLES))
        field = draw(st.sampled_from(("oldest", "since_grant", "until", "rendition", "otherwise_original", "sample",
                                          "analyses")))  # fmt: skip
        value = getattr(other.roles[name], field)
        changed["roles"] = changed.get("roles", old.roles) | {name: replace(old.roles[name], **{field: value})}
    return old, replace(old, **changed)


def there(by: Governance, seen: Recording, user: str) -> Recording:
    """Whose it is and of which teams, by these rules."""
    return replace(seen, person=by.person_of(user), teams=by.teams_of(seen.group, user))


@settings(max_examples=60)
@given(followers(), recordings, st.sampled_from(("", *PLACES)))
def test_what_may_be_deleted_sooner_is_said(both: tuple[Governance, Governance], seen: Recording, user: str) -> None:
    before, after = (retention_of(one, there(one, seen, user)) for one in both)
    if after.ends < before.ends or after.minimum_ends < before.minimum_ends:
        assert any(change.weight is SOONER for change in changes(*both))


def released(by: Governance, asked: Question, user: str) -> set[Rendition | None]:
    """What they could be given, whatever purpose and rendition they name."""
    people: dict[str, Any] = {"person": by.person(asked.person.id)}
    people["approvals"] = tuple(Approval(by.person(one.person.id), one.at) for one in asked.approvals)
    seen = asked.recording and there(by, asked.recording, user)
    decisions = [
        decide(by, replace(asked, recording=seen, purpose=purpose, rendition=rendition, **people))
        for purpose in ("", *by.purposes)
        for rendition in Rendition
    ]
    return {one.rendition for one in decisions if one.granted}


@settings(max_examples=60)
@given(followers(), questions, st.sampled_from(("", *PLACES)))
def test_what_is_opened_more_is_said(both: tuple[Governance, Governance], asked: Question, user: str) -> None:
    before, after = (released(one, asked, user) for one in both)
    if after - before:
        weights = {change.weight for change in changes(*both)}
        assert MORE in weights or (asked.act is Act.ERASE and SOONER in weights)
