"""Full jitter, a ceiling, and the other side's own word."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.core.backoff import BASE, CAP, delay

chances = st.floats(0, 1, exclude_max=True)


@given(st.integers(0, 10_000), chances)
def test_a_delay_lies_between_nothing_and_the_ceiling(attempt: int, chance: float) -> None:
    assert 0 <= delay(attempt, chance) <= min(CAP, BASE * 2.0 ** min(attempt, 32))


def test_the_ceiling_doubles_until_the_cap() -> None:
    assert [delay(attempt, 0.5) for attempt in range(4)] == [0.25, 0.5, 1.0, 2.0]
    assert delay(100, 0.5) == CAP / 2


@given(st.integers(0, 20), chances, st.floats(0, 10_000))
def test_the_other_sides_word_is_obeyed_up_to_the_cap(attempt: int, chance: float, retry_after: float) -> None:
    assert delay(attempt, chance, retry_after) >= min(CAP, retry_after)
    assert delay(attempt, chance, retry_after) == min(CAP, retry_after) + delay(attempt, chance)
