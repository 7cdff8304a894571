"""What one set of rules opens more or less than another, each change in a sentence."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from review.governance.decide import decide
from review.governance.diff import GRAVE, Weight, changes
from review.governance.model import Governance, Question
from tests.review.governance.rules import rules
from tests.review.governance.worlds import governances, questions

BASE = """
roles:
  lead: { may: [list, play], of: { team: own }, from: 30d, until: 2027-01-31, purposes: [coaching], sample: { coaching: 4 per agent per month } }
  agent: { may: [list], of: own }
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
        (SOONER, "there is a class short, kept 1 day"),
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
        (SOONER, "there is a class law, kept 90 days"),
        (SOONER, "there is no class law any more"),
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


def test_what_weighs() -> None:
    assert {Weight.MORE, Weight.SOONER} == GRAVE
    assert changes(rules(BASE), rules(BASE)) == ()


@settings(max_examples=50)
@given(governances(), governances(), questions)
def test_what_is_opened_more_is_said(old: Governance, new: Governance, asked: Question) -> None:
    """No question that is granted after a change and was refused before goes unsaid."""
    if decide(new, asked).granted and not decide(old, asked).granted and new.signed >= old.signed:
        assert any(change.weight in GRAVE for change in changes(old, new))
