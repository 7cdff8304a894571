"""Rule numbers back to names, by the text that was kept: whatever the text is."""

from __future__ import annotations

import pytest

from store.evidence.account import Held
from store.evidence.rules import OWN, HoldReasons, RuleName, hold_reasons_in, name_of, names_in, words_of

CARDS = """\
schema: 1
rules:
  - id: card-forms
    why: PCI DSS 3.3.1.2
    any: [{url: [js.stripe.com]}]
  - id: off
    any: [{app: [x]}]
...
"""


def test_numbers_go_by_file_name_then_by_place() -> None:
    files = {"b.yaml": "rules: [{id: last}]\n...\n", "a.yaml": CARDS}
    assert [rule.id for rule in names_in(files)] == ["card-forms", "off", "last"]
    assert names_in(files)[0] == RuleName("card-forms", "PCI DSS 3.3.1.2")


def test_names_are_sorted_as_the_hash_sorts_them() -> None:
    files = {"ä.yaml": "rules: [{id: umlaut}]", "z.yaml": "rules: [{id: zed}]", "Z.yaml": "rules: [{id: ZED}]"}
    assert [rule.id for rule in names_in(files)] == ["ZED", "zed", "umlaut"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "...",
        "rules:",
        "rules: text",
        "[1, 2]",
        "rules: {a: b}",
        ": : :",
        "{",
        "a: &a [*a]",
        "\x00",
        "[" * 5000,
        "--- 1\n--- 2",
    ],
)
def test_a_text_that_is_no_policy_has_no_names(text: str) -> None:
    assert names_in({"a.yaml": text}) == ()


def test_a_rule_without_an_id_keeps_its_number() -> None:
    policy = names_in({"a.yaml": "rules: [{id: one}, {}, nonsense, {id: four}]"})
    assert [rule.id for rule in policy] == ["one", "", "", "four"]
    assert name_of(1, policy).id == "rule 1"
    assert name_of(3, policy).id == "four"


def test_aliases_that_explode_do_not() -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n"
    for one, two in zip("abcdefghi", "bcdefghij", strict=True):
        bomb += f"{two}: &{two} [{','.join(['*' + one] * 9)}]\n"
    assert [rule.id for rule in names_in({"a.yaml": bomb + "rules: [{id: one}]\n"})] == ["one"]


@pytest.mark.parametrize("rule", [7, -1])
def test_a_number_that_no_text_explains_says_so(rule: int) -> None:
    assert name_of(rule, names_in({"a.yaml": CARDS})) == RuleName(f"rule {rule}", "the text of this policy is not here")


def test_eyelid_s_own_rules_have_their_reasons() -> None:
    assert name_of("unreadable", ()) == RuleName("unreadable", OWN["unreadable"])
    assert name_of("of-a-later-version", ()) == RuleName("of-a-later-version", "")


def test_the_reasons_of_a_hold_stand_in_one_of_the_files() -> None:
    files = {"a.yaml": CARDS, "b.yaml": "user_hold: {max: 10m, reasons: [Break, off]}\n...\n"}
    assert hold_reasons_in(files) == ("Break", "off")
    for text in ("user_hold: {allow: false}", "user_hold: text", "user_hold: {reasons: Break}", "{", "[" * 5000, CARDS):
        assert hold_reasons_in({"a.yaml": text}) == ()


def test_the_text_of_a_policy_is_asked_for_once_and_of_so_many_policies_at_most() -> None:
    asked: list[str] = []

    def texts(policy: str) -> dict[str, str]:
        asked.append(policy)
        return {"a.yaml": f"user_hold: {{reasons: [Break {policy}]}}\n...\n"}

    reasons = HoldReasons(texts, most=2)
    said = [reasons(Held(("user",), 0, policy)) for policy in ("p", "q", "p", "r", "q")]
    assert said == ["Break p", "Break q", "Break p", "", "Break q"]
    assert reasons(Held(("user",), "break")) == "break"
    assert asked == ["p", "q"]


@pytest.mark.parametrize(
    ("held", "words"),
    [
        (Held(("user",), 1, "p"), "held: by the person (Private call)"),
        (Held(("user",), "break"), "held: by the person (break)"),
        (Held(("locked", "user"), 0, "p"), "held: locked, by the person (Break)"),
        (Held(("user",)), "held: by the person"),
        (Held(("user",), 2, "p"), "held: by the person"),
        (Held(("user",), -1, "p"), "held: by the person"),
        (Held(("user",), 0, "a policy whose text is not here"), "held: by the person"),
        (Held(("locked",)), "held: locked"),
    ],
)
def test_a_hold_by_the_person_has_its_reason_where_the_policy_s_text_says_it(held: Held, words: str) -> None:
    assert words_of(held, {}, {"p": ("Break", "Private call")}) == words
