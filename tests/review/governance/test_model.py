"""Whose an OS user is, which teams a place has, and which roles a person: by the rules alone."""

from __future__ import annotations

import pytest

from review.governance.model import (
    Act,
    ApprovalRule,
    Channel,
    Consent,
    Consents,
    Decision,
    Governance,
    GovernanceTest,
    Grant,
    Person,
    PersonRule,
    Question,
    Reach,
    Reason,
    Recording,
    Rendition,
    RetentionClass,
    Review,
    Role,
    Sample,
    Team,
    UserRule,
)
from review.governance.times import FOR_EVER, NONE

RULES = Governance(
    people=(
        PersonRule("ann@x.org", frozenset({"lead", "agent"}), frozenset({"north"}), 5, 9, "p:1:1"),
        PersonRule("*@x.org", frozenset({"agent"}), where="p:2:1"),
    ),
    users=(
        UserRule("corp\\bo*", "bosses@x.org".replace("bosses", "*")),
        UserRule("guest", "g@x.org"),
        UserRule("*", "*@y.org"),
    ),
    teams={"north": Team(frozenset({"desks"}), frozenset({"sven"})), "south": Team(frozenset({"hall"}))},
)


def test_words() -> None:
    assert [act.value for act in Act] == [
        "list", "play", "comment", "export", "analyse", "request-legal-hold", "legal-hold", "release-hold",
        "erase-request", "erase", "subject-access", "read-audit", "see-access", "consent", "see-fleet",
    ]  # fmt: skip
    assert [*Rendition, *Channel, *Consent] == [
        "redacted", "original", "voice", "screen", "chat", "mail", "given", "missing", "withdrawn",
    ]  # fmt: skip


def test_a_person_has_the_roles_of_every_entry_that_names_them() -> None:
    assert RULES.person("ANN@x.org") == Person(
        "ann@x.org",
        (
            Grant("agent", frozenset({"north"}), 5, 9, "p:1:1"),
            Grant("lead", frozenset({"north"}), 5, 9, "p:1:1"),
            Grant("agent", where="p:2:1"),
        ),
    )
    assert [grant.role for grant in RULES.person("bob@x.org").grants] == ["agent"]
    for other in ("b@x.org", "bnn@x.org"):  # the shortest, and one that ends like ann
        assert [grant.role for grant in RULES.person(other).grants] == ["agent"]


@pytest.mark.parametrize("person", ["bob@y.org", "bob-x.org", "bob@x.org.evil.org", "x.org", "@x.or", ""])
def test_a_stranger_has_none(person: str) -> None:
    assert RULES.person(person).grants == ()


@pytest.mark.parametrize(
    ("user", "person"),
    [
        ("CORP\\Bob", "b@x.org"),
        ("corp\\bo", "corp\\bo@y.org"),
        ("guest", "g@x.org"),
        ("Guests", "guests@y.org"),
        ("", ""),
    ],
)
def test_the_first_rule_that_names_an_os_user_counts(user: str, person: str) -> None:
    assert RULES.person_of(user) == person


def test_no_rule_names_whose_it_is() -> None:
    assert Governance(users=(UserRule("a*b", "*@x.org"),)).person_of("ab") == ""
    assert Governance(users=(UserRule("a*b", "*@x.org"),)).person_of("acb") == "c@x.org"
    assert Governance(users=(UserRule("a*b", "*@x.org"),)).person_of("acbd") == ""
    assert Governance(users=(UserRule("a*b", "*@x.org"),)).person_of("dacb") == ""


def test_teams_by_group_or_user() -> None:
    assert RULES.teams_of("desks", "") == {"north"}
    assert RULES.teams_of("hall", "SVEN") == {"north", "south"}
    assert RULES.teams_of("", "dora") == frozenset()


def test_narrowing() -> None:
    narrowed = RULES.person("ann@x.org").narrowed(frozenset({"lead", "other"}), frozenset({"south"}))
    assert narrowed == Person("ann@x.org", (Grant("lead", frozenset(), 5, 9, "p:1:1"),))


def test_what_is_meant_unless_it_is_said() -> None:
    nothing: frozenset[str] = frozenset()
    asked = Question(Person("p"), Act.LIST, 5)
    assert Reach() == Reach(False, False, False, nothing)
    assert Role("r", frozenset(), Reach()) == Role(
        "r", frozenset(), Reach(), "", None, False, FOR_EVER, Rendition.REDACTED, False, nothing, {}
    )
    assert Sample(1) == Sample(1, "")
    assert ApprovalRule(nothing, (), 1, 5) == ApprovalRule(nothing, (), 1, 5, 0, "")
    assert RetentionClass("r", None, NONE) == RetentionClass("r", None, NONE, NONE, "", False, "")
    assert Review("r", "c", 0, 1, "w") == Review("r", "c", 0, 1, "w", "")
    assert Team() == Team(nothing, nothing, "")
    assert PersonRule("p", nothing) == PersonRule("p", nothing, nothing, 0, FOR_EVER, "")
    assert UserRule("u", "p") == UserRule("u", "p", "")
    assert Grant("r") == Grant("r", nothing, 0, FOR_EVER, "")
    assert Recording() == Recording("", "", nothing, 0, 0, nothing, None, {}, False, nothing, False, False)
    assert asked == Question(Person("p", ()), Act.LIST, 5, None, "", Rendition.REDACTED, None, ())
    assert Reason("x") == Reason("x", "", False)
    assert Decision(False, ()) == Decision(False, (), "", 0, None)
    assert Governance() == Governance("", 1, "", {}, (), (), {}, (), (), Consents({}), (), "", "", 0, ())
    assert GovernanceTest("n", asked, "kept") == GovernanceTest("n", asked, "kept", "", "")
