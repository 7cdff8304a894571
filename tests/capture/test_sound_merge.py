"""Two clocks into one: made-up devices that run fast, lose samples, stop, move and come back."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import numpy as np
import pytest

from agent.capture.sound_feed import RATE, Began, End, Heard, Lost, Timed
from agent.capture.sound_merge import BLOCK, BLOCK_LENGTH, Merger
from agent.capture.sound_stamps import SYSTEM_ERROR
from agent.core.model.media import Block
from agent.core.model.times import MILLISECOND, SECOND
from agent.ports import Mishap

ZERO = 77 * SECOND
TENTH = RATE // 10


@dataclass
class Player:
    """One end whose device says, ten times a second, at which true second each sample was heard: sample = seconds."""

    end: End
    rate: float = RATE
    from_second: float = 0.0
    noise: float = 0.0  # s; deviation of what it says of time
    count: int = 0  # samples since `from_second`
    told: int = 0  # samples since the device was opened
    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(5))

    def say(self, missing: int = 0) -> tuple[Heard, Timed]:
        """The next tenth and a word about the sample after it. Each sample's value is its true time in ms, from 1."""
        true = self.from_second + (self.count + np.arange(TENTH)) / self.rate
        self.count += TENTH
        self.told += TENTH + missing
        off = round((self.random.normal(0, self.noise) if self.noise else 0.0) * SECOND)
        samples = (true * 1000 % 30_000 + 1).astype("<i2").tobytes()
        word = Timed(self.end, self.told, self.now + off - MILLISECOND, self.now + off + MILLISECOND)
        return Heard(self.end, self.now + MILLISECOND, samples, missing), word

    def lose(self, samples: int) -> None:
        self.from_second += samples / RATE

    @property
    def now(self) -> int:
        return ZERO + round((self.from_second + self.count / self.rate) * SECOND)


@dataclass
class Call:
    merger: Merger = field(default_factory=lambda: Merger(ZERO, 9))
    blocks: list[Block] = field(default_factory=list)
    mishaps: list[Mishap] = field(default_factory=list)

    def take(self, now: int) -> None:
        self.blocks += self.merger.blocks(now)
        self.mishaps += self.merger.mishaps()

    def hear(self, player: Player, missing: int = 0) -> None:
        heard, timed = player.say(missing)
        self.merger.heard(heard)
        self.merger.timed(timed, player.now)

    def run(self, seconds: float, *players: Player) -> None:
        """All players talk; what they said is taken 50 ms later."""
        for _ in range(round(seconds * 10)):
            for player in players:
                self.hear(player)
            self.take(max(player.now for player in players) + 50 * MILLISECOND)

    def catch_up(self, tenths: int, slow: Player, other: Player) -> None:
        """`slow` talks so often, the other up to the same moment."""
        for _ in range(tenths):
            self.hear(slow)
            while other.now < slow.now:
                self.hear(other)
            self.take(slow.now)

    def open(self, *players: Player) -> None:
        for player in players:
            player.told = 0
            self.merger.opened(Began(player.end, f"device {player.end}"), player.now)


def errors(blocks: list[Block], end: End) -> list[float]:
    """By how many ms each block's first sample is not where it belongs; silence is left out."""
    off = []
    for block in blocks:
        value = int(np.frombuffer(block.samples, "<i2").reshape(-1, 2)[0, end])
        if value:
            apart = (block.at - ZERO) / MILLISECOND - (value - 1)
            off.append((apart + 15_000) % 30_000 - 15_000)
    return off


def talk(seconds: float, **of_microphone: float) -> Call:
    call = Call()
    players = Player(End.MICROPHONE, **of_microphone), Player(End.FAR_END, from_second=0.013)
    call.open(*players)
    call.run(seconds, *players)
    return call


def test_blocks_touch_and_begin_after_the_first_second() -> None:
    call = talk(5)
    assert call.mishaps == []
    for one, after in itertools.pairwise(call.blocks):
        assert (after.at, after.position) == (one.at + BLOCK_LENGTH, one.position + BLOCK)
    assert ZERO + SECOND <= call.blocks[0].at <= ZERO + 1100 * MILLISECOND
    assert call.blocks[-1].at > ZERO + 4400 * MILLISECOND
    for end in End:
        assert all(abs(off) <= 1.5 for off in errors(call.blocks, end))
    assert all(one.span.start <= one.at - SYSTEM_ERROR for one in call.blocks)


def test_a_crystal_that_is_wrong_is_followed_by_single_samples() -> None:
    for rate in (RATE * 1.0001, RATE * 0.9999):
        call = talk(150, rate=rate)
        assert call.mishaps == []
        assert max(map(abs, errors(call.blocks, End.MICROPHONE))) < 5  # 15 ms without


def test_stamps_that_wander_move_nothing_and_widen_the_span() -> None:
    steady, wild = talk(20), talk(20, noise=0.008)
    assert wild.mishaps == []
    assert max(map(abs, errors(wild.blocks, End.MICROPHONE))) < 10
    width = wild.blocks[-1].span.end - wild.blocks[-1].span.start
    assert width > steady.blocks[-1].span.end - steady.blocks[-1].span.start + 10 * MILLISECOND


@pytest.mark.parametrize("lost", [RATE // 20, RATE // 5, RATE * 4 // 5, 3 * RATE])
def test_lost_samples_that_nobody_told_of_are_silence_at_once_with_what_was_heard_around_them(lost: int) -> None:
    """A source was suspended: nobody can say which of the samples around the hole lie before and which after it."""
    call = Call()
    players = Player(End.MICROPHONE), Player(End.FAR_END)
    call.open(*players)
    call.run(4, *players)
    players[0].lose(lost)
    call.catch_up(40, *players)
    told = [one for one in call.mishaps if one.what != "silent-device"]
    assert [(one.what, one.channel) for one in told] == [("drift", "microphone")] * len(told)
    hole = lost * SECOND // RATE
    assert hole - 5 * MILLISECOND < sum(one.padding for one in call.mishaps) < hole + 1400 * MILLISECOND
    assert all(abs(off) < 3 for off in errors(call.blocks, End.MICROPHONE))
    for one, after in itertools.pairwise(call.blocks):
        assert after.position == one.position + BLOCK


def test_samples_that_came_twice_are_left_out() -> None:
    call = Call()
    players = Player(End.MICROPHONE), Player(End.FAR_END)
    call.open(*players)
    call.run(4, *players)
    players[0].lose(-RATE // 10)
    call.run(6, *players)
    assert [one.what for one in call.mishaps] == ["drift"]
    assert call.mishaps[0].padding <= 300 * MILLISECOND  # what was heard around it
    assert all(abs(off) < 3 for off in errors(call.blocks[-50:], End.MICROPHONE))


def test_refused_samples_are_silence_of_their_length() -> None:
    call = Call()
    players = Player(End.MICROPHONE), Player(End.FAR_END)
    call.open(*players)
    call.run(4, *players)
    for _ in range(3):
        players[0].say()
        players[0].told -= TENTH
        call.hear(players[1])
    call.hear(players[0], missing=3 * TENTH)
    call.hear(players[1])
    call.run(2, *players)
    assert [(one.what, one.padding) for one in call.mishaps] == [("overflow", 300 * MILLISECOND)]
    assert all(abs(off) < 1.5 for off in errors(call.blocks, End.MICROPHONE))


def test_a_device_that_says_nothing_is_silence_and_the_other_goes_on() -> None:
    call = Call()
    players = Player(End.MICROPHONE), Player(End.FAR_END)
    call.open(*players)
    call.run(3, *players)
    call.run(5, players[1])
    assert [(one.what, one.channel) for one in call.mishaps] == [("silent-device", "microphone")]
    assert call.blocks[-1].at > players[1].now - 700 * MILLISECOND
    assert errors(call.blocks[-50:], End.MICROPHONE) == []
    microphone, far_end = (call.merger.placed_at(end) for end in End)
    assert microphone is not None
    assert far_end is not None
    assert abs(microphone - ZERO - 3 * SECOND) < SECOND  # what is filled in since then is none of its own
    assert players[1].now - far_end < SECOND
    players[0].lose(5 * RATE)
    call.run(4, *players)
    assert [one.what for one in call.mishaps] == ["silent-device", "silent-device"]
    assert all(abs(off) < 1.5 for off in errors(call.blocks[-50:], End.MICROPHONE))
    for one, after in itertools.pairwise(call.blocks):
        assert after.position == one.position + BLOCK


def test_a_device_that_never_speaks_is_told_and_holds_up_nobody() -> None:
    call = Call()
    players = Player(End.MICROPHONE), Player(End.FAR_END)
    call.open(*players)
    call.run(6, players[1])
    assert [(one.what, one.channel) for one in call.mishaps] == [("silent-device", "microphone")]
    assert len(call.blocks) > 150
    assert call.merger.placed_at(End.MICROPHONE) is None


def test_what_may_be_another_devices_is_not_handed_out() -> None:
    call = Call()
    players = Player(End.MICROPHONE), Player(End.FAR_END)
    call.open(*players)
    call.run(4, *players)
    handed_out = len(call.blocks)
    call.merger.lost(Lost(End.MICROPHONE, "device-changed", doubtful=True), players[0].now)
    call.run(1, players[1])
    assert errors(call.blocks[handed_out:], End.MICROPHONE) == []
    assert len(errors(call.blocks[handed_out:], End.FAR_END)) >= 45


def test_what_came_before_a_device_went_is_kept() -> None:
    call = Call()
    players = Player(End.MICROPHONE), Player(End.FAR_END)
    call.open(*players)
    call.run(4, *players)
    handed_out = len(call.blocks)
    call.merger.lost(Lost(End.MICROPHONE, "device-lost"), players[0].now)
    call.run(2, players[1])
    assert len(errors(call.blocks[handed_out:], End.MICROPHONE)) >= 15  # of the half second on probation
    players[0].lose(2 * RATE)
    call.open(players[0])
    call.run(3, *players)
    assert [one.what for one in call.mishaps] == ["device-lost", "device-back"]
    # Two without, one to warm up, and what is unproven at both ends.
    assert 3 * SECOND <= call.mishaps[1].padding < 3400 * MILLISECOND
    assert all(abs(off) < 1.5 for off in errors(call.blocks, End.MICROPHONE))


def test_after_a_sleep_everything_begins_anew_and_nothing_is_made_up() -> None:
    call = Call()
    players = Player(End.MICROPHONE), Player(End.FAR_END)
    call.open(*players)
    call.run(4, *players)
    for player in players:
        player.lose(3600 * RATE)
    call.run(4, *players)
    assert len(call.blocks) < 400
    late = [one for one in call.blocks if one.at > ZERO + 3600 * SECOND]
    assert len(late) > 60
    assert all(abs(off) < 1.5 for end in End for off in errors(late, end))
