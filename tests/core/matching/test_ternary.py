"""Three values: yes, no, and what could not be read."""

from __future__ import annotations

import pytest

from agent.core.matching.ternary import Ternary, all_true, any_true, ternary

NO, DOUBT, YES = Ternary.NO, Ternary.DOUBT, Ternary.YES


def test_three_values() -> None:
    assert len(set(Ternary)) == 3


def test_a_plain_answer() -> None:
    assert (ternary(True), ternary(False)) == (YES, NO)


@pytest.mark.parametrize(
    ("fits", "best", "worst"),
    [
        ((), NO, YES),
        ((YES, NO), YES, NO),
        ((NO, YES), YES, NO),
        ((DOUBT, NO), DOUBT, NO),
        ((NO, DOUBT), DOUBT, NO),
        ((DOUBT, YES), YES, DOUBT),
        ((YES, DOUBT), YES, DOUBT),
        ((NO, NO), NO, NO),
        ((YES, YES), YES, YES),
    ],
)
def test_kleenes_tables(fits: tuple[Ternary, ...], best: Ternary, worst: Ternary) -> None:
    assert any_true(fits) is best
    assert all_true(fits) is worst


def test_a_doubt_cannot_be_taken_for_a_yes_by_accident() -> None:
    with pytest.raises(TypeError, match="three values"):
        bool(DOUBT)
