"""Law 1 for sound: whatever a sound system does, no sample is handed out that was heard outside of its block's span.

Every sample of these made-up devices carries the true time at which it was heard. Losses of any length, words that come
late, twice, or are wrong, and stalls are thrown at the merger; and where none of that happens nothing may be missing.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.capture.sound_feed import RATE, Began, End, Heard, Timed
from agent.capture.sound_merge import Merger
from agent.capture.sound_stamps import AGREE, Doubt, Piece, Stamps
from agent.core.model.media import Block
from agent.core.model.times import MILLISECOND, SECOND
from agent.ports import Mishap

ZERO = 77 * SECOND
TENTH = RATE // 10
GRAIN = 2 * MILLISECOND  # of the times that samples carry, and of a sample more or less


@dataclass(frozen=True)
class Moment:
    """What happens in one tenth of a second of a device. Times in ms."""

    lost: float = 0  # before `lost_at`
    lost_at: int = 0  # the sample of this tenth that the loss comes before
    stalled: float = 0  # how much later than at once it arrives
    word: str = "true"  # true, none, late (its answer took long), stale (the last one again), wrong
    off: float = 0  # of a wrong word
    hung: float = 1  # between question and answer
    place: float = 0.5  # where between them the truth lies


class Device:
    """Says what it heard, as a feed would tell it, in the order in which it arrives.

    `cycle`: how old, in ms, it says that its answers may be.
    """

    def __init__(self, moments: list[Moment], rate: float = RATE, cycle: float = 0) -> None:
        self._cycle = round(cycle * MILLISECOND)
        self.told: list[tuple[int, Heard | Timed]] = []
        time, count, arrived = 0.0, 0, 0
        stale: Timed | None = None
        for moment in moments:
            true = time + np.arange(TENTH) / rate
            true[moment.lost_at :] += moment.lost / 1000
            time = float(true[-1]) + 1 / rate
            count += TENTH
            arrived = max(arrived, self._at(time + moment.stalled / 1000) + MILLISECOND)
            values = (true * 1000 % 30_000 + 1).astype("<i2").tobytes()
            self.told.append((arrived, Heard(End.MICROPHONE, arrived, values)))
            word = self._word(moment, count, time, stale)
            if word is not None:
                self.told.append((arrived, word))
                stale = word if moment.word == "true" else stale

    def _word(self, moment: Moment, count: int, time: float, stale: Timed | None) -> Timed | None:
        hung = moment.hung + (400 if moment.word == "late" else 0)
        earliest = self._at(time - moment.place * hung / 1000)
        latest = earliest + round(hung * MILLISECOND)
        if moment.word == "none":
            return None
        if moment.word == "stale":  # asked again, and answered with what was true before
            return None if stale is None else Timed(End.MICROPHONE, stale.count, earliest, latest, stale=self._cycle)
        off = round(moment.off * MILLISECOND) if moment.word == "wrong" else 0
        return Timed(End.MICROPHONE, count, earliest + off, latest + off, stale=self._cycle)

    @staticmethod
    def _at(second: float) -> int:
        return ZERO + round(second * SECOND)


def hear(device: Device, *, rest: float = 3.0) -> tuple[list[Block], list[Mishap]]:
    """What a taker gets who looks ten times a second, until `rest` seconds after the last word."""
    merger = Merger(ZERO, 9)
    merger.opened(Began(End.MICROPHONE, "device"), ZERO)
    blocks: list[Block] = []
    mishaps: list[Mishap] = []
    told = list(device.told)
    end = told[-1][0] + round(rest * SECOND)
    for now in range(ZERO, end, SECOND // 10):
        while told and told[0][0] <= now:
            at, word = told.pop(0)
            if isinstance(word, Heard):
                merger.heard(word)
            else:
                merger.timed(word, at)
        blocks += merger.blocks(now)
        mishaps += merger.mishaps()
    return blocks, mishaps


def outside(blocks: list[Block]) -> list[tuple[float, float, float]]:
    """(first heard, last heard, span) of the blocks with samples that were heard outside of their span."""
    found = []
    for block in blocks:
        values = np.frombuffer(block.samples, "<i2").reshape(-1, 2)[:, End.MICROPHONE].astype(int)
        values = values[values > 0]
        if not len(values):
            continue
        around = (block.at - ZERO) / MILLISECOND
        heard = around + ((values - 1 - around) + 15_000) % 30_000 - 15_000
        begin, end = (block.span.start - ZERO - GRAIN) / MILLISECOND, (block.span.end - ZERO + GRAIN) / MILLISECOND
        if heard.min() < begin or heard.max() > end:
            found.append((float(heard.min()), float(heard.max()), begin))
    return found


def seconds_of_sound(blocks: list[Block]) -> float:
    return sum(np.count_nonzero(np.frombuffer(block.samples, "<i2")) for block in blocks) / RATE


LOSSES = st.one_of(st.just(0.0), st.just(0.0), st.floats(0.1, 700), st.floats(700, 4000))


@st.composite
def moments(draw: st.DrawFn) -> list[Moment]:
    """Seven seconds of anything. Wrong words stand alone among true ones, half of them as wrong as a loss is long."""
    played = []
    wrong_after = draw(st.integers(0, 30))
    for number in range(70):
        lost = draw(LOSSES) if draw(st.integers(0, 9)) == 0 else 0.0
        word = draw(st.sampled_from(["true"] * 6 + ["none", "late", "stale"]))
        hung, off = draw(st.sampled_from([0.2, 1.0, 5.0, 12.0])), 0.0
        if number > wrong_after:
            word, off = "wrong", draw(st.floats(-5000, 5000))
            if lost and draw(st.booleans()):
                off = draw(st.sampled_from([-lost, lost]))
            wrong_after = number + draw(st.integers(4, 20))
        elif wrong_after - number < 3 or (played and played[-1].word == "wrong"):
            word = "true"  # what stands around a wrong word is not wrong, too
        if word == "stale" and played and played[-1].word == "stale":
            word = "none"
        played.append(
            Moment(
                lost,
                draw(st.integers(0, TENTH)) if lost else 0,
                draw(st.floats(0, 4000)) if draw(st.integers(0, 19)) == 0 else 0.0,
                word,
                off,
                hung,
                draw(st.floats(0, 1)),
            )
        )
    return played


@pytest.mark.slow(reason="minutes of sound are heard, with every fault of a device in them")
@settings(max_examples=150, deadline=None)
@given(moments(), st.floats(RATE * 0.9999, RATE * 1.0001))
def test_nothing_is_handed_out_that_was_heard_outside_of_its_span(played: list[Moment], rate: float) -> None:
    blocks, _ = hear(Device(played, rate))
    assert outside(blocks) == []
    for one, after in itertools.pairwise(blocks):
        assert after.position > one.position


@settings(max_examples=60, deadline=None)
@given(
    st.floats(0.05, 4500),
    st.integers(0, TENTH),
    st.integers(20, 40),
    st.sampled_from(["true", "none", "late", "stale", "wrong"]),
    st.integers(-2, 2),
)
def test_a_loss_of_any_length_at_any_moment_moves_nothing_out_of_its_span(
    lost: float, at: int, when: int, word: str, beside: int
) -> None:
    """Also where the word before, at or after it is missing, late, old, or wrong by just the loss."""
    played = [Moment() for _ in range(80)]
    played[when] = Moment(lost, at)
    there = played[when + beside]
    played[when + beside] = Moment(there.lost, there.lost_at, word=word, off=-lost)
    blocks, _ = hear(Device(played))
    assert outside(blocks) == []
    # And it is dropped, not kept with a span that says nothing.
    assert max(block.span.end - block.span.start for block in blocks) < 300 * MILLISECOND
    assert seconds_of_sound(blocks) > 8 - 1 - 1.5


@pytest.mark.slow(reason="each try hears seventy answers of a device")
@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([0.2, 1.0, 5.0, 10.0]), st.floats(0, 1), st.sampled_from([0.0] * 9 + [300.0, 1500.0])
        ),
        min_size=70,
        max_size=70,
    ),
    st.floats(RATE * 0.9999, RATE * 1.0001),
)
def test_a_device_without_a_fault_loses_nothing(answers: list[tuple[float, float, float]], rate: float) -> None:
    """Though its PC is busy: answers take up to 10 ms, and samples come a second and a half late."""
    played = [Moment(hung=hung, place=place, stalled=stalled) for hung, place, stalled in answers]
    blocks, mishaps = hear(Device([*played, *[Moment()] * 5], rate))
    assert [one for one in mishaps if one.what != "silent-device"] == []
    assert outside(blocks) == []
    silent = [
        block.at for block in blocks if not np.frombuffer(block.samples, "<i2").reshape(-1, 2)[:, End.MICROPHONE].all()
    ]
    begin, end = blocks[0].at, ZERO + 7 * SECOND
    assert begin < ZERO + 1500 * MILLISECOND
    assert [at for at in silent if begin < at < end] == []


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 45), min_size=60, max_size=60), st.booleans())
def test_answers_as_of_the_last_cycle_move_nothing_out_of_its_span(ages: list[float], alike: bool) -> None:
    """Of a busy server, whose samples come as late as it answers; also where all answers are equally old."""
    played = [Moment(word="wrong", off=age, stalled=age) for age in (ages[:1] * 60 if alike else ages)]
    blocks, _ = hear(Device(played, cycle=50))
    assert outside(blocks) == []
    assert seconds_of_sound(blocks) > (6 - 1 - 0.8 if alike else 0)


def test_such_answers_would_be_trusted_too_far_by_whoever_takes_them_for_new() -> None:
    played = [Moment(word="wrong", off=35, stalled=35) for _ in range(60)]
    assert outside(hear(Device(played))[0])
    assert not outside(hear(Device(played, cycle=50))[0])


@pytest.mark.parametrize("off", [-3000, -300, -60, 60, 300, 3000])
def test_one_wrong_word_among_true_ones_costs_nothing(off: float) -> None:
    played = [Moment() for _ in range(60)]
    played[30] = Moment(word="wrong", off=off)
    blocks, mishaps = hear(Device(played), rest=0.5)
    assert mishaps == []
    assert outside(blocks) == []
    assert seconds_of_sound(blocks) > 6 - 1 - 0.8


def test_a_system_that_is_wrong_for_good_from_some_moment_on_is_not_believed_beyond_the_arrival() -> None:
    """It claims that all is older than it is: what a block may be is everything up to its arrival."""
    played = [Moment() for _ in range(20)] + [Moment(word="wrong", off=-900) for _ in range(40)]
    blocks, _ = hear(Device(played))
    assert outside(blocks) == []


def test_a_system_that_says_that_samples_were_heard_after_they_came_is_not_believed() -> None:
    blocks, _ = hear(Device([Moment(word="wrong", off=AGREE / MILLISECOND + 50) for _ in range(60)]))
    assert seconds_of_sound(blocks) == 0


def test_latencies_that_no_system_has_are_not_believed() -> None:
    stamps = Stamps()
    tenth = bytes(2 * TENTH)
    for number in range(1, 20):
        now = ZERO + number * SECOND // 10
        stamps.heard(Heard(End.FAR_END, now, tenth))
        stamps.timed(Timed(End.FAR_END, number * TENTH, now + 9 * SECOND, now + 9 * SECOND, ahead=9 * SECOND))
        stamps.timed(Timed(End.FAR_END, number * TENTH, now, now - 1))
        stamps.timed(Timed(End.FAR_END, number * TENTH, now, now, stale=-1))
    assert stamps.taken() == []


def test_what_is_still_to_be_played_may_be_as_old_as_its_writing() -> None:
    stamps = Stamps()
    ahead = 200 * MILLISECOND
    for number in range(1, 20):
        now = ZERO + number * SECOND // 10
        stamps.heard(Heard(End.FAR_END, now, bytes(2 * TENTH)))
        stamps.timed(Timed(End.FAR_END, number * TENTH, now + ahead, now + ahead, ahead))
    pieces = [one for one in stamps.taken() if isinstance(one, Piece)]
    assert pieces
    assert all(
        one.at - one.early < ZERO + one.first * SECOND // RATE < one.at == ZERO + one.first * SECOND // RATE + ahead
        for one in pieces
    )


def test_samples_whose_time_nobody_says_are_dropped_after_ten_seconds() -> None:
    stamps = Stamps()
    for number in range(1, 150):
        stamps.heard(Heard(End.FAR_END, ZERO + number * SECOND // 10, bytes(2 * TENTH)))
    assert stamps.taken() == [Doubt(TENTH)] * 49
