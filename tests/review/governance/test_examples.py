"""What a test and a scene say of a recording, and when a test is asked."""

from __future__ import annotations

from datetime import date

import pytest

from protocol.language.yaml_marks import read_marks
from review.governance.examples import noon_of_tests, run_test
from review.governance.model import Act, Approval, Channel, Consent, Grant, Kind, Person, Question, Recording, Rendition
from review.governance.times import DAY, HOUR, SECOND, start_of
from review.rules import parse_files, question_of
from tests.review.governance.rules import HEAD, REST, rules, wrong

HOUSE = """
roles:
  lead: { may: [list, play], of: { team: own }, purposes: [coaching, legal] }
  agent: { may: [play], of: own }
people:
  ann@x.org: { roles: [lead], teams: [north], since: 2026-02-01 }
os_users: [{ user: "*", person: "*@x.org" }]
teams: { north: { groups: [desks], users: [sven] }, south: { groups: [hall] } }
"""
NOON = start_of(date(2026, 2, 1)) + 90 * DAY + 12 * HOUR


def asked(test: str) -> Question:
    return rules(f"{HOUSE.lstrip()}{REST}tests: [{{ {test} }}]\n", tested=False).tests[0].question


def seen(what: str) -> Recording:
    found = asked(f"what: {{ {what} }}, expect: kept").recording
    assert found is not None
    return found


def test_a_question() -> None:
    assert asked("who: { role: [lead, agent], team: [north, south] }, do: play, expect: refused") == Question(
        Person(
            "somebody",
            (
                Grant("lead", frozenset({"north", "south"}), where="a.yaml:12:25"),
                Grant("agent", frozenset({"north", "south"}), where="a.yaml:12:31"),
            ),
        ),
        "play",  # type: ignore[arg-type]  # a StrEnum
        NOON,
    )
    named = asked(
        "who: { person: ANN@x.org }, do: play, purpose: legal, rendition: original, day: 2026-05-01, asked: 2h, "
        "approved_by: [agent, ann@x.org], expect: refused"
    )
    now = start_of(date(2026, 5, 1)) + 12 * HOUR
    assert [grant.role for grant in named.person.grants] == ["lead"]
    assert (named.purpose, named.rendition, named.now, named.asked) == (
        "legal",
        Rendition.ORIGINAL,
        now,
        now - 2 * HOUR,
    )
    assert named.approvals == (
        Approval(Person("approver 0", (Grant("agent"),)), now - 2 * HOUR + SECOND),
        Approval(named.person, now - 2 * HOUR + SECOND),
    )
    assert asked("who: { role: lead }, do: play, approved_by: agent, expect: refused").asked == NOON - HOUR


def test_a_question_about_one_kind_of_analysis() -> None:
    assert asked("who: { role: lead }, do: analyse, kind: screen-text, expect: refused").kind is Kind.SCREEN_TEXT
    [mistake] = wrong(TEST % "who: { role: clerk }, do: analyse, kind: smell, expect: refused")
    assert "smell" in mistake


def test_a_recording_unless_it_says_otherwise() -> None:
    given = {Channel.VOICE: Consent.GIVEN, Channel.SCREEN: Consent.GIVEN}
    assert seen("") == Recording(start=NOON - DAY - 5 * 60 * SECOND, end=NOON - DAY, consent=given, has_redacted=True)


def test_a_recording() -> None:
    assert seen(
        "user: SVEN, group: hall, age: 2w, length: 1h, closed_by: [cards], category: [x], channel: [mail], "
        "consent: missing, redacted: false, drawn: [legal], held: true, erasure: true"
    ) == Recording(
        person="sven@x.org",
        group="hall",
        teams=frozenset({"north", "south"}),
        start=NOON - 14 * DAY - HOUR,
        end=NOON - 14 * DAY,
        closed_by=frozenset({"cards"}),
        categories=frozenset({"x"}),
        consent={Channel.MAIL: Consent.MISSING},
        has_redacted=False,
        drawn=frozenset({"legal"}),
        held=True,
        erasure_asked=True,
    )
    assert seen("analysed: true").categories == frozenset()
    assert seen("user: sven, person: B@x.org, team: south").person == "b@x.org"
    assert seen("user: sven, team: south").teams == {"south"}
    assert seen("age: 2y").end == NOON - 731 * DAY + DAY
    own = asked("who: { person: ann@x.org }, do: play, what: { person: own }, expect: refused").recording
    assert own is not None
    assert own.person == "ann@x.org"


@pytest.mark.parametrize(
    ("more", "day"),
    [
        ("", date(2026, 4, 1)),
        ("people: { a@x.org: { roles: [r], since: 2026-06-01 } }\n", date(2026, 8, 30)),
        ("people: { a@x.org: { roles: [r], until: 2026-01-31 } }\n", date(2026, 1, 31)),
    ],
)
def test_the_day_of_tests(more: str, day: date) -> None:
    governance = rules(f"roles: {{ r: {{ may: [list], of: own }} }}\n{REST}{more}")
    assert noon_of_tests(governance) == start_of(day) + 12 * HOUR


def test_a_role_that_ends_bounds_the_day_of_tests() -> None:
    governance = rules(f"roles: {{ r: {{ may: [list], of: own, until: 2026-02-28 }} }}\n{REST}")
    assert noon_of_tests(governance) == start_of(date(2026, 2, 28)) + 12 * HOUR


def test_a_test_that_names_no_purpose_tries_each() -> None:
    text = (
        HOUSE.lstrip()
        + REST
        + """
tests:
  - { who: { role: lead, team: north }, do: play, what: { team: north }, expect: granted, class: rest }
  - { who: { role: lead, team: north }, do: play, what: { team: south }, expect: refused }
  - { who: { role: lead, team: north }, do: list, expect: refused, class: rest }
"""
    )
    governance = rules(text)
    granted, refused, overview = (run_test(governance, test) for test in governance.tests)
    assert granted.passed
    assert granted.retention is not None
    assert refused.decision is not None
    assert [reason.says for reason in refused.decision.reasons] == [
        "role lead does not cover this recording, which is of team south"
    ]
    assert overview.retention is not None


def test_a_refusal_without_a_purpose_shows_what_is_nearest_to_granted() -> None:
    """Not that one of the purposes that were tried is none of the role's."""
    governance = rules(
        f"""
        roles:
          owner: {{ may: [export], of: all, rendition: original, purposes: [legal] }}
          lead: {{ may: [list], of: all, purposes: [coaching] }}
        {REST}
        approvals: [{{ act: [export], by: [lead], within: 24h }}]
        tests: [{{ name: not alone, who: {{ role: owner }}, do: export, what: {{}}, expect: refused }}]
        """
    )
    (test,) = governance.tests
    decision = run_test(governance, test).decision
    assert decision is not None
    assert [reason.says for reason in decision.reasons] == ["approval by lead is needed, within 24 h of a request"]


def test_a_test_says_its_name_and_asks_to_list_unless_it_names_an_act() -> None:
    both = "{ name: kept for good, what: {}, expect: kept }, { what: {}, expect: kept }"
    named, other = rules(f"{HOUSE.lstrip()}{REST}tests: [{both}]\n").tests
    assert (named.name, other.name, named.question.act) == ("kept for good", "", Act.LIST)


def test_a_test_that_names_another_class_does_not_hold() -> None:
    classes = "retention: [{ class: rest, keep: 180d }, { class: law, keep: 2y, any: [{ group: [desks] }] }]\n"
    test = "tests: [{ what: { group: %s }, expect: kept, class: law }]\n"
    assert wrong(classes + test % "desks") == ()
    assert wrong(classes + test % "hall") == (
        "a.yaml:5:9 the test expects kept by class law, the rules say kept (class rest counts), correct one of them",
    )


@pytest.mark.parametrize(
    ("day", "years", "began"),
    [
        ("2028-02-29", 1, date(2027, 2, 28)),
        ("2027-05-28", 1, date(2026, 5, 28)),
        ("2027-05-29", 1, date(2026, 5, 28)),
        ("2027-05-31", 2, date(2025, 5, 28)),
        ("2027-05-02", 3, date(2024, 5, 2)),
    ],
)
def test_an_age_in_years_ends_on_a_day_that_each_year_has(day: str, years: int, began: date) -> None:
    recording = asked(f"day: {day}, what: {{ age: {years}y }}, expect: kept").recording
    assert recording is not None
    assert recording.end == start_of(began) + 12 * HOUR


def test_of_how_long_something_is_kept() -> None:
    assert wrong("tests: [{ what: { age: 1y }, expect: deleted }]\n") == ()
    assert wrong("tests: [{ what: { age: 1y }, expect: kept }]\n") == (
        "a.yaml:4:9 the test expects kept, the rules say deleted (class rest counts), correct one of them",
    )
    assert wrong("tests: [{ expect: kept }]\n") == (
        "a.yaml:4:9 the test expects kept, the rules say deleted (class rest counts), correct one of them",
    )


TEST = "tests: [{ %s }]\n"
ASKS = "who: { role: clerk }, do: list, expect: refused"


@pytest.mark.parametrize(
    ("test", "said"),
    [
        ("who: { role: clerk }, do: play", "a test without expect, add expect: …"),
        (ASKS + ", approved_by: ''", "approved_by is empty, write a word"),
        ("who: x, do: list, expect: refused", "who is keys with values, not "),
        ("who: { role: clerk, team: '' }, do: list, expect: refused", "team is empty, write a word"),
        ("who: { role: '' }, do: list, expect: refused", "role is empty, write a word"),
        (ASKS + ", what: { channel: [] }", "channel is empty and would never fit, name words or leave channel out"),
        (ASKS + ", what: x", "what is keys with values, not "),
        (ASKS + ", what: { team: '' }", "team is empty, write a word"),
    ],
)
def test_a_mistake_names_the_key(test: str, said: str) -> None:
    [mistake] = wrong(TEST % test)
    assert mistake.partition(" ")[2].startswith(said)


def test_a_question_is_put_in_the_words_of_a_test() -> None:
    files = {"a.yaml": f"{HEAD}{HOUSE.lstrip()}{REST}...\n".encode()}
    scene = read_marks("scene", b"who: { person: ann@x.org }\ndo: play\npurpose: legal\n...\n").document
    assert scene is not None
    question = question_of(files, parse_files(files), scene.root, NOON)
    assert (question.person.id, question.act, question.purpose, question.now) == ("ann@x.org", Act.PLAY, "legal", NOON)
