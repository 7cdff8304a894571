"""The shrinker, against oracles that always say the same of a case."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict

from hypothesis import given
from hypothesis import strategies as st

from bench.leaks_cases import DIMENSIONS, FRAMED, Case, Leaks, broken, complexity, drawn, simpler
from bench.leaks_cases import shrink as shrunk

NUMBERS = st.integers(0, 10_000)


def shrink(case: Case, leaks: Leaks) -> Case:
    return [case, *shrunk(case, leaks)][-1]


def each(leaks: Callable[[Case], bool]) -> Callable[[Sequence[Case]], list[bool]]:
    return lambda cases: [leaks(case) for case in cases]


def test_what_makes_it_leak_is_what_is_left() -> None:
    begun = Case(
        "firefox", "frame_in_frame", "css", "transition", "named_transition", "parent", "layers", "scroll", 0.5, 3, 0, 5
    )

    def heavy_in_frame(case: Case) -> bool:
        return case.document in FRAMED and case.after in ("svg", "layers")

    assert shrink(begun, each(heavy_in_frame)) == Case("firefox", document="near_frame", after="svg")


def test_what_needs_another_dimension_keeps_it() -> None:
    begun = Case("chromium", "frame", "name", meanwhile="hang_gpu", hung=4, load=3, after="video")
    assert shrink(begun, each(lambda case: case.meanwhile == "hang_gpu")) == Case(
        "chromium", meanwhile="hang_gpu", hung=1
    )


def test_a_case_that_leaks_in_its_simplest_form_only_stays() -> None:
    plain = Case("chromium")
    assert shrink(plain, each(lambda _: True)) == plain
    assert simpler(plain) == []


def test_where_nothing_leaks_again_it_stays_as_it_was() -> None:
    case = drawn(3, 5)
    assert shrink(case, each(lambda _: False)) == case


@given(NUMBERS, st.sets(st.sampled_from(sorted(DIMENSIONS)), max_size=4))
def test_it_ends_with_a_case_that_leaks_and_of_which_nothing_simpler_does(index: int, causes: set[str]) -> None:
    begun = drawn(4, index)
    asked: list[Case] = []

    def leaks(case: Case) -> bool:
        asked.append(case)
        return all(asdict(case)[name] == asdict(begun)[name] for name in causes)

    steps = list(shrunk(begun, each(leaks)))
    least = [begun, *steps][-1]

    assert all(leaks(case) for case in steps)
    assert least.browser == begun.browser
    assert complexity(least) <= complexity(begun)
    assert not any(leaks(other) for other in simpler(least))
    assert not any(broken(case) for case in asked)


@given(NUMBERS)
def test_what_is_simpler_is_another_case_of_the_same_browser(index: int) -> None:
    case = drawn(5, index)
    for other in simpler(case):
        assert other.browser == case.browser
        assert complexity(other) < complexity(case)
