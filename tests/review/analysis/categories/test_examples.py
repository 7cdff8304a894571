"""The tests inside a file: whether they hold, as mistakes where they do not, and what no test shows."""

from __future__ import annotations

import pytest

from review.analysis.categories.examples import cautions, failed_tests, run_tests
from review.analysis.categories.explain import explain
from review.analysis.categories.match import Found, find
from review.analysis.categories.sentences import in_words
from tests.review.analysis.categories.written import rule, written

FONDS = "category: { fonds: { any: [{ said: fonds }] } }\n"
AGENT = "{ by: agent, says: fonds }"


@pytest.mark.parametrize(
    ("tests", "failed"),
    [
        (f"[{{ call: [{AGENT}], expect: [fonds] }}]", ()),
        (f"[{{ call: [{AGENT}], expect: [] }}]",
         ("a.yaml:3:9 the test expects no category, the rules say fonds, correct one of them",)),
        ("[{ call: [{ silence: 1s }], expect: [fonds] }]",
         ("a.yaml:3:9 the test expects fonds, the rules say no category, correct one of them",)),
    ],
)  # fmt: skip
def test_a_test_expects_all_categories_and_no_other(tests: str, failed: tuple[str, ...]) -> None:
    assert failed_tests(run_tests(written(f"{FONDS}tests: {tests}"))) == failed


def test_turns_follow_one_another_unless_they_say_when() -> None:
    overlap = "category: { both: { any: [{ overlap: over 700ms }] } }\ntests:\n  - call:\n"
    one, two = "      - { by: agent, says: a b }\n", "      - { by: customer, says: c d%s }\n"
    after, at_once = (written(f"{overlap}{one}{two % at}    expect: [both]") for at in ("", ", at: 0s"))
    assert [run_tests(one)[0].passed for one in (after, at_once)] == [False, True]
    assert at_once.tests[0].call.speech.end_ns == 800_000_000


@pytest.mark.parametrize(
    ("tests", "says"),
    [
        ("", ["a.yaml:2:13 no test expects fonds, add one"]),
        (f"tests: [{{ call: [{AGENT}], expect: [fonds] }}]",
         ["a.yaml:2:13 every test expects fonds, add one that does not"]),
        (f"tests: [{{ call: [{AGENT}], expect: [fonds] }}, {{ call: [{{ silence: 1s }}], expect: [] }}]", []),
    ],
)  # fmt: skip
def test_what_no_test_shows(tests: str, says: list[str]) -> None:
    assert [str(caution) for caution in cautions(written(FONDS + tests))] == says


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        ({"said": ["*fonds", "a b", "c", "d"], "by": "agent", "near": "empfehl*", "within": 3, "last": "90s"},
         'the agent says "*fonds" or "a b" or "c" or 1 more at most 3 words from "empfehl*" in the last 90 s'),
        ({"said": "a", "first": "2m"}, 'somebody says "a" in the first 2 min'),
        ({"silence": "over 500ms"}, "a silence of over 500 ms"),
        ({"overlap": "over 3s"}, "an overlap of over 3 s"),
        ({"length": "under 1h"}, "the call is under 60 min long"),
        ({"closed_by": ["b", "a"]}, "closed by a or b"),
        ({"all": [{"said": "a"}, {"any": [{"said": "b"}, {"not": {"said": "c"}}]}]},
         '(somebody says "a") and ((somebody says "b") or (not (somebody says "c")))'),
    ],
)  # fmt: skip
def test_a_condition_in_words(condition: object, says: str) -> None:
    assert in_words(rule(condition).categories[0].condition) == f"({says})"


def test_why_a_call_has_a_category_and_what_it_would_need() -> None:
    categories = written(f"{FONDS}tests: [{{ call: [{{ closed: 65s }}, {AGENT}], expect: [fonds] }}]")
    fonds, heard = categories.categories[0], categories.tests[0].call
    assert explain(fonds, find(categories, heard)[0]) == ('1:05 agent: "fonds"',)
    assert explain(fonds, Found("fonds", False)) == ('needs (somebody says "fonds")',)
    missing = 'needs (somebody says "fonds"), which a missing channel would decide'
    assert explain(fonds, Found("fonds", None)) == (missing,)
    other = rule({"length": "over 1s"})
    assert explain(other.categories[0], find(other, heard)[0]) == ("the call is over 1 s long",)
