"""Rule numbers back to names, by the text that was kept: whatever the text is."""

from __future__ import annotations

import pytest

from protocol.language.folder import LARGEST_FOLDER, MOST_FILES
from store.evidence.account import Held
from store.evidence.rules import (
    OWN,
    UNREAD,
    Bound,
    PolicyNames,
    RuleName,
    at_most,
    name_of,
    read_names,
    reason_of,
    words_of,
)

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
    assert [rule.id for rule in read_names(files).rules] == ["card-forms", "off", "last"]
    assert read_names(files).rules[0] == RuleName("card-forms", "PCI DSS 3.3.1.2")


def test_names_are_sorted_as_the_hash_sorts_them() -> None:
    files = {"ä.yaml": "rules: [{id: umlaut}]", "z.yaml": "rules: [{id: zed}]", "Z.yaml": "rules: [{id: ZED}]"}
    assert [rule.id for rule in read_names(files).rules] == ["ZED", "zed", "umlaut"]


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
    assert read_names({"a.yaml": text}).rules == ()


def test_a_rule_without_an_id_keeps_its_number() -> None:
    policy = read_names({"a.yaml": "rules: [{id: one}, {}, nonsense, {id: four}]"}).rules
    assert [rule.id for rule in policy] == ["one", "", "", "four"]
    assert name_of(1, policy).id == "rule 1"
    assert name_of(3, policy).id == "four"


def test_aliases_that_explode_do_not() -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n"
    for one, two in zip("abcdefghi", "bcdefghij", strict=True):
        bomb += f"{two}: &{two} [{','.join(['*' + one] * 9)}]\n"
    assert [rule.id for rule in read_names({"a.yaml": bomb + "rules: [{id: one}]\n"}).rules] == ["one"]


@pytest.mark.parametrize("rule", [7, -1])
def test_a_number_that_no_text_explains_says_so(rule: int) -> None:
    assert name_of(rule, read_names({"a.yaml": CARDS}).rules) == RuleName(
        f"rule {rule}", "no text of this policy is here that can be read"
    )


def test_eyelid_s_own_rules_have_their_reasons() -> None:
    assert name_of("unreadable", ()) == RuleName("unreadable", OWN["unreadable"])
    assert name_of("of-a-later-version", ()) == RuleName("of-a-later-version", "")


def test_the_reasons_of_a_hold_stand_in_one_of_the_files() -> None:
    files = {"a.yaml": CARDS, "b.yaml": "user_hold: {max: 10m, reasons: [Break, off]}\n...\n"}
    assert read_names(files).reasons == ("Break", "off")
    for text in ("user_hold: {allow: false}", "user_hold: text", "user_hold: {reasons: Break}", "{", "[" * 5000, CARDS):
        assert read_names({"a.yaml": text}).reasons == ()


def test_the_revision_of_a_policy_is_the_highest_that_its_files_say() -> None:
    files = {"a.yaml": "revision: 3\n" + CARDS, "b.yaml": "revision: 12\n", "c.yaml": "revision: x\n"}
    assert read_names(files).revision == 12
    assert read_names({"a.yaml": CARDS}).revision is None


def rules(number: int) -> str:
    return "rules:\n" + "- {id: a, any: [{url: [b]}]}\n" * number + "...\n"


@pytest.mark.parametrize(
    "files",
    [
        {"a.yaml": CARDS + "#" * LARGEST_FOLDER},
        {"a.yaml": CARDS, "b.yaml": "#" * LARGEST_FOLDER},
        {"a.yaml": CARDS, **{f"b{number}.yaml": "" for number in range(MOST_FILES)}},
        {"a.yaml": CARDS + "...\n", "b.yaml": f"rest: [{'a,' * 100_000}]"},
        {"a.yaml": "rules:\n" + "- {}\n" * 20_000},  # no rule that closes is as short as that
    ],
)
def test_a_text_that_no_agent_puts_in_force_has_no_names(files: dict[str, str]) -> None:
    assert read_names(files) is UNREAD


def test_a_bound_is_of_all_files_together() -> None:
    one, two = {"a.yaml": rules(1)}, {"a.yaml": rules(1), "b.yaml": rules(1)}
    nodes = 12  # the table, `rules`, its list, and nine of the rule
    assert len(read_names(one, Bound(1000, nodes)).rules) == 1
    assert read_names(one, Bound(1000, nodes - 1)) is UNREAD
    assert len(read_names(two, Bound(1000, 2 * nodes)).rules) == 2
    assert read_names(two, Bound(1000, 2 * nodes - 1)) is UNREAD
    assert read_names(two, Bound(2 * len(rules(1)) - 1, 2 * nodes)) is UNREAD


def test_a_policy_of_thousands_of_rules_has_its_names() -> None:
    assert len(read_names({"a.yaml": rules(8_000)}).rules) == 8_000


def test_one_pc_names_so_many_policies_at_most() -> None:
    asked: list[str] = []

    def names_of(policy: str) -> PolicyNames:
        asked.append(policy)
        return PolicyNames((), (f"Break {policy}",))

    of = at_most(2, names_of)
    said = [reason_of(Held(("user",), 0, policy), of) for policy in ("p", "q", "p", "r", "q")]
    assert said == ["Break p", "Break q", "Break p", "", "Break q"]
    assert reason_of(Held(("user",), "break"), of) == "break"
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
    named = {"p": PolicyNames((), ("Break", "Private call"))}
    assert words_of(held, lambda policy: named.get(policy, UNREAD)) == words
