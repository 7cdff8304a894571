"""What is well formed and hardly meant."""

from __future__ import annotations

import pytest

from review.governance.cautions import cautions
from tests.review.governance.rules import REST, rules

ROLES = """
roles:
  chief: { may: [export, play], of: all }
  privacy: { may: [list], of: all }
"""


def said(text: str) -> list[str]:
    return [str(caution) for caution in cautions(rules(ROLES.lstrip() + REST + text))]


def test_a_role_that_may_analyse_and_makes_nothing() -> None:
    text = REST + "roles: { worker: { may: [analyse], of: all, rendition: original } }\n"
    says = "a.yaml:5:10 role worker may analyse and makes nothing, add analyses: { speech: 60 per hour }"
    assert says in [str(caution) for caution in cautions(rules(text.lstrip()))]


def test_a_role_that_nobody_has_or_no_test_tries() -> None:
    assert said("people: { ann@x.org: { roles: [chief] } }\n") == [
        "a.yaml:5:3 no test of role chief expects granted or refused, add one",
        "a.yaml:6:3 no person has role privacy, name one in people: or leave it out",
        "a.yaml:6:3 no test of role privacy expects granted or refused, add one",
    ]
    tested = """
people: { "*@x.org": { roles: [chief, privacy] } }
tests:
  - { who: { role: chief }, do: export, what: {}, expect: granted }
  - { who: { role: chief }, do: erase, what: {}, expect: refused }
  - { who: { role: privacy }, do: play, what: {}, expect: refused }
"""
    assert said(tested) == ["a.yaml:6:3 no test of role privacy expects granted, add one"]


@pytest.mark.parametrize(
    ("act", "by", "people", "stuck"),
    [
        ("export", "chief, privacy", {"ann": "chief"}, "ann@x.org"),
        ("export", "chief, privacy", {"ann": "chief", "bob": "chief", "pia": "privacy"}, ""),
        (
            "export",
            "chief, privacy",
            {"ann": "chief", "bob": "chief", "cem": "chief"},
            "ann@x.org, bob@x.org and cem@x.org",
        ),
        ("play-original", "privacy", {"ann": "chief, privacy"}, "ann@x.org"),
        ("erase", "chief", {"ann": "chief"}, ""),  # no role may do it at all
        ("export", "chief, chief", {"*": "chief"}, ""),
    ],
)
def test_an_approval_that_nobody_can_give(act: str, by: str, people: dict[str, str], stuck: str) -> None:
    listed = ", ".join(f'"{name}@x.org": {{ roles: [{roles}] }}' for name, roles in people.items())
    text = f"people: {{ {listed} }}\napprovals: [{{ act: [{act}], by: [{by}], within: 1h }}]\n"
    found = [one for one in said(text) if "can ask for" in one]
    need, names = len(by.split(", ")), " and ".join(sorted(set(by.split(", "))))
    expected = (
        f"a.yaml:9:13 {stuck} can ask for {act}, and there are not {need} others of {names} to approve it, "
        "name more of them in people:"
    )
    assert found == ([expected] if stuck else [])


def test_an_entry_with_a_star_counts_as_twenty_people() -> None:
    """So many that no house names a role more often in `by`; and each of them can be the one who asks."""
    for number, stuck in ((19, False), (20, True)):
        by = ", ".join(["chief"] * number)
        text = (
            f'people: {{ "*@x.org": {{ roles: [chief] }} }}\napprovals: [{{ act: [export], by: [{by}], within: 1h }}]\n'
        )
        assert any("can ask for export" in one for one in said(text)) == stuck
