"""The grammar of the leak bench's random plays: what it composes can be played, and it composes all there is."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, astuple
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import leaks_cases, leaks_pages
from bench.leaks_acts import UNSEEN_COMING, meanwhiles
from bench.leaks_cases import (
    DEPTHS,
    DIMENSIONS,
    RULES,
    Case,
    as_text,
    broken,
    comes_at,
    completed,
    drawn,
    goes_at,
    nearest,
    parsed,
)
from bench.leaks_scene import BOTH
from bench.leaks_transitions import FOUND

NUMBERS = st.integers(0, 10_000)
BROWSERS = st.sampled_from([None, *BOTH])
VALUES = [(name, value) for name, among in DIMENSIONS.items() for value in among]


@given(NUMBERS, NUMBERS, BROWSERS)
def test_what_is_drawn_can_be_played_and_is_drawn_again(seed: int, index: int, browser: str | None) -> None:
    case = drawn(seed, index, browser)

    assert broken(case) == []
    assert drawn(seed, index, browser) == case
    assert browser in (None, case.browser)


def test_the_same_cases_are_drawn_on_every_machine() -> None:
    """A seed in an issue or in the docs must mean the same next year. A new value or rule changes all of them."""
    assert [astuple(drawn(7, index)) for index in range(2)] == [
        ("chromium", "near_frame", "label", "reveal", "written", "parent", "light", "tab", 1.0, 0, 0, 0),
        ("chromium", "sandboxed", "frame_address", "navigate", "navigate", "document", "canvas", "none", 0.5, 0, 0, 0),
    ]


@given(NUMBERS, NUMBERS)
def test_a_case_is_read_as_it_was_written(seed: int, index: int) -> None:
    case = drawn(seed, index)
    assert parsed(as_text(case)) == case
    assert parsed(json.dumps(asdict(case))) == case


def test_every_value_of_every_dimension_is_drawn() -> None:
    missing = set(VALUES)
    for index in range(3000):
        missing -= set(asdict(drawn(1, index)).items())
    assert not missing


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.why)
def test_each_rule_forbids_what_no_other_one_does(rule: leaks_cases.Rule, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaks_cases, "RULES", tuple(one for one in RULES if one is not rule))
    asked = [completed({name: value}, lambda name: _against(rule, name)) for name, value in VALUES]
    found = next(case for case in asked if case is not None and not rule.allows(asdict(case)))
    monkeypatch.undo()

    assert broken(found) == [rule.why]


def _against(rule: leaks_cases.Rule, name: str) -> list[Any]:
    """The values that break it first."""
    wanted = rule.when.get(name, frozenset(DIMENSIONS[name]) - rule.then.get(name, frozenset()))
    return sorted(DIMENSIONS[name], key=lambda value: value not in wanted)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("[]", "an object"),
        ('{"document": "top"}', "browser"),
        ('{"browser": "lynx"}', "browser has no 'lynx'"),
        ('{"browser": "firefox", "colour": "red"}', "no colour"),
        ('{"browser": "firefox", "goes": "crossing"}', "Firefox has none"),
        ('{"browser": "chromium", "by": "parent"}', "nothing is around a top document"),
        ('{"browser": "chromium", "held": 2}', "nothing is held"),
    ],
)
def test_what_cannot_be_played_is_refused_with_the_reason(text: str, word: str) -> None:
    with pytest.raises(ValueError, match=re.escape(word)):
        parsed(text)


@given(NUMBERS, st.sampled_from(VALUES))
def test_the_nearest_case_with_a_value_has_it_and_can_be_played(index: int, wanted: tuple[str, Any]) -> None:
    name, value = wanted
    case = drawn(2, index)
    other = nearest(case, **{name: value})

    assert other is not None
    assert broken(other) == []
    assert getattr(other, name) == value
    if getattr(case, name) == value:
        assert other == case


def test_the_page_program_knows_every_value() -> None:
    program = leaks_pages.SITE.joinpath("part.js").read_text("utf-8")
    for name in ("comes", "goes", "after"):
        for value in DIMENSIONS[name]:
            assert re.search(rf"^    (async )?{value}(:|\(|,)", program, re.MULTILINE), value
    assert set(leaks_pages.MARKS) == set(DIMENSIONS["sensitive"])
    assert set(DEPTHS) == set(DIMENSIONS["document"])


def test_the_bench_can_do_all_that_may_happen_meanwhile() -> None:
    assert set(meanwhiles(0)) == set(DIMENSIONS["meanwhile"])
    assert set(DIMENSIONS["comes"]) >= UNSEEN_COMING


@given(NUMBERS, NUMBERS)
def test_only_the_document_that_is_sensitive_is_magenta(seed: int, index: int) -> None:
    case = drawn(seed, index)
    secret = case.sensitive.endswith("address")
    query = {"case": [json.dumps(asdict(case))], "depth": [str(DEPTHS[case.document])]}

    for state in ("clean", "after"):
        assert "255,0,255" not in _body(leaks_pages.part("/part", {**query, "state": [state]}, 80))
    path = "/pay/part" if secret else "/part"
    first, late = leaks_pages.part(path, {**query, "state": ["streamed"]}, 80)
    assert "255,0,255" not in _body((first, ""))
    assert "255,0,255" in late
    assert secret or leaks_pages.MARKS[case.sensitive] in late


def _body(halves: tuple[str, str]) -> str:
    """Without what the script is told."""
    return re.sub(r"data-given=\"[^\"]*\"", "", "".join(halves))


@given(NUMBERS, NUMBERS)
def test_whoever_lets_it_come_and_go_is_a_document_of_the_case(seed: int, index: int) -> None:
    case = drawn(seed, index)
    for depth in (comes_at(case), goes_at(case)):
        assert 0 <= depth <= DEPTHS[case.document]


def test_what_was_found_once_is_played_for_good() -> None:
    assert {"heavy_raster_in_frame", "view_transition_held", "gpu_stopped", "providers_frame_removed"} <= set(FOUND)
    for name, cases in FOUND.items():
        assert [broken(case) for case in cases] == [[]] * len(cases), name
        assert len({case.browser for case in cases}) == len(cases)


def test_a_case_is_as_simple_as_it_can_be_until_it_says_otherwise() -> None:
    assert asdict(Case("chromium")) == {name: among[0] for name, among in DIMENSIONS.items()}
