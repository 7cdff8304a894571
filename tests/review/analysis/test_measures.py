"""Measures of a call: each definition by example, all against a raster of 10 ms, and what must not change a figure."""

from __future__ import annotations

from dataclasses import asdict, replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from review.analysis.measures import Interruptions, Measures, Monologue, Unknown, measures_of
from review.analysis.spans import MILLISECOND, SECOND, Span, common, joined, total_ns, without
from review.analysis.spoken import Party, Speech
from tests.review.analysis.raster import CELL, Raster, Word, spans, speeches, words

A, C = Party.AGENT, Party.CUSTOMER
starts = st.lists(st.integers(0, 9500), max_size=20).map(sorted)
said = st.fixed_dictionaries({}, optional={party: starts.map(words) for party in Party})


def seconds(*pairs: tuple[float, float]) -> tuple[Span, ...]:
    return tuple(Span(round(start * 1000) * MILLISECOND, round(end * 1000) * MILLISECOND) for start, end in pairs)


def measured(agent: Any, customer: Any, end: float = 60, **more: Any) -> Measures:
    """Times in s; None: no channel."""
    channels = [None if one is None else seconds(*one) for one in (agent, customer)]
    return measures_of(Speech(0, round(end * SECOND), *channels, **more), {})


# -- against the raster ---------------------------------------------------------------------------------------------


@given(speeches(), said)
def test_every_figure_is_the_rasters(speech: Speech, spoken: dict[Party, list[Word]]) -> None:
    found = asdict(measures_of(speech, spoken))
    raster = Raster(speech).figures(spoken)
    assert found.keys() == raster.keys()
    for name, shown in raster.items():
        assert plain(found[name]) == shown, name


def plain(value: Any) -> Any:
    """Fields as tuples, as the raster has them; reasons as words."""
    if isinstance(value, Unknown):
        return value.value
    if isinstance(value, dict) and value.keys() == {A, C}:
        return {party: plain(one) for party, one in value.items()}
    return tuple(value.values()) if isinstance(value, dict) else value


@given(spans(), spans())
def test_spans_are_sets_of_cells(one: tuple[Span, ...], other: tuple[Span, ...]) -> None:
    a, b = ({cell for span in given for cell in range(span.start_ns, span.end_ns, CELL)} for given in (one, other))
    for found, cells in ((joined([*other, *one]), a | b), (without(one, other), a - b), (common(one, other), a & b)):
        assert {cell for span in found for cell in range(span.start_ns, span.end_ns, CELL)} == cells
        assert total_ns(found) == len(cells) * CELL
        assert all(left.end_ns < right.start_ns for left, right in pairwise(found))


# -- what changes nothing -------------------------------------------------------------------------------------------


def shifted(value: Any, by: int) -> Any:
    if isinstance(value, Span):
        return Span(value.start_ns + by, value.end_ns + by)
    if isinstance(value, tuple):
        return tuple(shifted(one, by) for one in value)
    if isinstance(value, dict):
        return {key: shifted(one, by) for key, one in value.items()}
    return value


@given(speeches(), said, st.integers(0, 10**18))
def test_a_shift_in_time_changes_no_figure(speech: Speech, spoken: dict[Party, list[Word]], by: int) -> None:
    later = Speech(
        speech.start_ns + by,
        speech.end_ns + by,
        *(shifted(given, by) for given in (speech.agent, speech.customer, speech.closed, speech.hold_music)),
    )
    moved = {
        party: [Word(one.text, one.start_ns + by, one.end_ns + by) for one in those] for party, those in spoken.items()
    }
    assert asdict(measures_of(later, moved)) == shifted(asdict(measures_of(speech, spoken)), by)


@given(speeches(), said)
def test_swapping_the_channels_swaps_the_figures(speech: Speech, spoken: dict[Party, list[Word]]) -> None:
    there = measures_of(speech, spoken)
    swapped = replace(speech, agent=speech.customer, customer=speech.agent)
    back = measures_of(swapped, {party.other: those for party, those in spoken.items()})
    for name, found in asdict(there).items():
        other = asdict(back)[name]
        if name == "talk_ratio" and isinstance(found, Fraction):
            assert found + other == 1
        elif isinstance(found, dict):
            assert found == {party.other: one for party, one in other.items()}
        else:
            assert found == other


@given(speeches(), said)
def test_a_span_split_in_two_is_one(speech: Speech, spoken: dict[Party, list[Word]]) -> None:
    def split(given: tuple[Span, ...] | None) -> tuple[Span, ...] | None:
        return given and tuple(
            part
            for span in given
            for middle in [(span.start_ns + span.end_ns) // 2]
            for part in (Span(middle, span.end_ns), Span(span.start_ns, middle))
        )

    parts = replace(
        speech,
        agent=split(speech.agent),
        customer=split(speech.customer),
        closed=split(speech.closed) or (),
        hold_music=split(speech.hold_music),
    )
    assert measures_of(parts, spoken) == measures_of(speech, spoken)


# -- definitions ----------------------------------------------------------------------------------------------------


def test_what_is_closed_is_no_silence() -> None:
    found = measured([(0, 10)], [(50, 60)], closed=seconds((20, 50)), hold_music=())
    assert (found.silence_ns, found.closed_ns) == (10 * SECOND, 30 * SECOND)
    assert found.hold_ns == 0


def test_hold_is_music_and_long_silence() -> None:
    found = measured([(0, 10)], [(45, 60)], hold_music=seconds((5, 12)))
    assert found.hold == seconds((5, 45))


def test_hold_begins_with_thirty_seconds_of_silence() -> None:
    assert measured([(0, 10)], [(40, 60)], hold_music=()).hold_ns == 30 * SECOND
    assert measured([(0, 10)], [(39.99, 60)], hold_music=()).hold_ns == 0


def test_without_a_channel_there_is_no_figure_of_both() -> None:
    found = measured([(0, 10)], None)
    assert found.talk_ns == {A: 10 * SECOND, C: Unknown.NO_CHANNEL}
    assert {found.talk_ratio, found.overlap_ns, found.silence_ns, found.hold_ns} == {Unknown.NO_CHANNEL}
    assert set(found.monologue.values()) | set(found.interruptions.values()) == {Unknown.NO_CHANNEL}


def test_where_nothing_was_said_there_is_no_ratio_nor_rate() -> None:
    found = measures_of(Speech(0, SECOND, (), ()), {A: []})
    assert found.talk_ratio is Unknown.NO_SPEECH
    assert found.words_per_minute == {A: Unknown.NO_SPEECH, C: Unknown.NO_WORDS}
    assert found.before_first_ns[A] is found.monologue[A] is Unknown.NO_SPEECH
    assert found.silence_ns == SECOND


@pytest.mark.parametrize(
    ("customer", "found"),
    [
        ([(8, 12)], [(8, 10)]),  # the agent speaks until 10
        ([(8, 8.5)], []),  # mhm
        ([(8, 8.6)], [(8, 10)]),
        ([(7.99, 12)], []),  # the agent went on for more than two seconds
        ([(0, 12)], []),  # both began at once
        ([(10, 12)], []),  # the agent was done
    ],
)
def test_interruptions(customer: list[tuple[float, float]], found: list[tuple[float, float]]) -> None:
    assert measured([(0, 10)], customer).interruptions[C] == Interruptions(seconds(*found), 0)


@pytest.mark.parametrize(
    ("customer", "closed", "undecided"),
    [
        ([(8, 12)], (9, 11), 1),  # whether the agent stopped cannot be known
        ([(8, 12)], (8.3, 8.4), 1),
        ([(8, 8.2)], (9, 11), 0),  # mhm, whatever the agent did
        ([(5, 12)], (9, 11), 0),  # the agent had gone on already
    ],
)
def test_what_closed_time_hides_of_an_interruption(
    customer: list[tuple[float, float]], closed: tuple[float, float], undecided: int
) -> None:
    found = measured([(0, 10)], customer, closed=seconds(closed)).interruptions[C]
    assert found == Interruptions((), undecided)


@pytest.mark.parametrize(
    ("agent", "customer", "closed", "longest", "at_least"),
    [
        ([(0, 5), (7, 10)], [], [], (0, 10), False),  # a breath of two seconds
        ([(0, 5), (7.01, 10)], [], [], (0, 5), False),
        ([(0, 10)], [(4, 4.5)], [], (0, 10), False),  # mhm
        ([(0, 10)], [(4, 4.6)], [], (4.6, 10), False),
        ([(0, 10)], [], [(6, 8)], (0, 6), True),
        ([(0, 10)], [(9, 12)], [(12, 14)], (0, 9), False),  # the other speaks in between
        ([(0, 10), (20, 21)], [], [(23.1, 24)], (0, 10), False),
        ([(0, 10), (20, 21)], [], [(23, 24)], (0, 10), True),
        ([(3, 10)], [], [(0, 1)], (3, 10), True),
        ([(3.01, 10)], [], [(0, 1)], (3.01, 10), False),
    ],
)
def test_monologues(agent: Any, customer: Any, closed: Any, longest: tuple[float, float], at_least: bool) -> None:
    found = measured(agent, customer, closed=seconds(*closed)).monologue[A]
    assert found == Monologue(seconds(longest)[0], at_least)


def test_the_first_and_the_last_seconds() -> None:
    found = measured([(2, 10)], [(12, 50)], closed=seconds((51, 52)))
    assert found.before_first_ns == {A: 2 * SECOND, C: 12 * SECOND}
    assert found.after_last_ns == {A: Unknown.CLOSED, C: Unknown.CLOSED}
    speech = Speech(0, 60 * SECOND, seconds((2, 10)), seconds((12, 50)))
    assert measures_of(speech.part(Span(0, 5 * SECOND)), {}).talk_ns == {A: 3 * SECOND, C: 0}
    assert measures_of(speech.part(Span(70 * SECOND, 80 * SECOND)), {}).length_ns == 0


def test_words_a_minute_of_speech() -> None:
    speech = Speech(0, 60 * SECOND, seconds((0, 10)), (), closed=seconds((20, 60)))
    rates = measures_of(speech, {A: words([0, 100, 500, 999, 3000])}).words_per_minute
    assert rates == {A: 24, C: Unknown.NO_WORDS}


def test_a_call_ends_after_it_begins() -> None:
    with pytest.raises(ValueError, match="ends before it begins"):
        Speech(2, 1, (), ())
