"""Where one recording takes over from another in mid-work: no picture and no word is missing there, nor told as blind.

The daemon is turned by hand, as in its other tests; what it orders goes through the real recorder and real encoders.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest

from agent.core.model.media import Block, Chunk, ChunkKind, Frame
from agent.core.model.rules import Hold
from agent.core.model.seen import Blind, Look, Scene
from agent.core.model.times import MILLISECOND, SECOND, Span
from agent.core.session import RECORDING_LENGTH, HoldsAre
from agent.encode.audio import SoundEncoder
from agent.encode.video import ScreenEncoder
from agent.pipeline import Mailbox
from agent.ports import Sealed
from agent.recorder.audio_loop import Heard
from agent.recorder.messages import PolicyArrived
from agent.recorder.recording import Factories, Open, Order, Recorder
from agent.recorder.shutter import Grabbed
from protocol.envelope import SOUND_STREAM, lane_of
from store.evidence.account import Interval, union, without
from tests.agent.recorder.daemon_rig import NOTES, WITH_CHART, Pages, Rig
from tests.agent.recorder.test_daemon_sound import LENGTH, POLICY
from tests.agent.recorder.test_recording import Shelf

STEP = 100 * MILLISECOND
PIXELS = bytes(16 * 16 * 3 // 2)


@dataclass
class Made:
    """A sealer that shows what it was given."""

    order: Open
    recording: UUID = field(default_factory=uuid4)
    chunks: list[Chunk] = field(default_factory=list)
    forgotten: bool = False

    def packet(self) -> Sealed:
        return Sealed(self.recording, 0xFFFF, 0, b"packet", b"")

    def seal(self, chunk: Chunk) -> Sealed:
        assert not self.forgotten
        self.chunks.append(chunk)
        return Sealed(self.recording, chunk.stream, len(self.chunks), chunk.data, b"\xab")

    def forget(self) -> None:
        self.forgotten = True

    def kept(self, lane: str) -> list[Interval]:
        spans = [chunk.span for chunk in self.chunks if chunk.kind is ChunkKind.MEDIA and lane_of(chunk.stream) == lane]
        return union(Interval(span.start, span.end) for span in spans)


class Desk(Rig):
    """A call that is heard all the time and a screen that is grabbed now and then, a tenth of a second at a time."""

    def __init__(self, *, sound: bool = True) -> None:
        super().__init__(sound=sound, room=10_000)
        self.recordings: list[Made] = []
        self.account = Pages()
        self.position = 0
        self.clock.time = 1000 * SECOND
        self.ordered: list[Order] = []
        self._sound = sound
        self.daemon.turn(PolicyArrived(POLICY))

    def play(self, seconds: float, seen: Scene | Blind = NOTES, *, grab_every: int = 5) -> None:
        for tenth in range(round(seconds * 10)):
            begins = self.clock.time
            self.clock.time += STEP
            if self._sound:
                blocks = []
                for number in range(5):
                    at = begins + number * LENGTH
                    span = Span(at - 30 * MILLISECOND, at + LENGTH + MILLISECOND)
                    blocks.append(Block(SOUND_STREAM, span, at, self.position, bytes(960 * 4)))
                    self.position += 960
                self.daemon.turn(Heard(tuple(blocks)))
            if tenth % grab_every == 0 and self.shutter.permit.open:
                span = Span(self.clock.time - MILLISECOND, self.clock.time)
                self.daemon.turn(Grabbed((Frame(0, span, 16, 16, PIXELS, whole=True),), ()))
            self.daemon.turn(Look("window", self.clock.time, self.clock.time + 1, POLICY.hash, seen))
            self.ordered += self.taken()

    def skip_to_the_hour(self, before: float) -> None:
        """Without a look, a picture or a word: blind until `before` seconds to the hour."""
        assert self.daemon.session.opened is not None
        ahead = (self.daemon.session.opened + RECORDING_LENGTH - round(before * SECOND)) - self.clock.time
        self.clock.time += ahead
        self.position += ahead // LENGTH * 960

    def record(self) -> None:
        """Everything ordered so far, by the real recorder."""
        orders: Mailbox[Order] = Mailbox(10_000)
        for order in (*self.ordered, *self.taken()):
            orders.put(order)
        orders.close()
        recorder = Recorder(
            orders,
            factories=Factories(
                self._seal, lambda order: ScreenEncoder(order.start), self._hear if self._sound else None
            ),
            spool=Shelf(10_000),
            ledger=self.account,
            clock=self.clock,
            hold=lambda hold, on: pytest.fail(str((hold, on))),
        )
        recorder.run()

    def _seal(self, order: Open) -> Made:
        self.recordings.append(Made(order))
        return self.recordings[-1]

    def _hear(self, order: Open) -> SoundEncoder:
        return SoundEncoder(order.start)

    def closings(self) -> list[dict[str, Any]]:
        return [fields for kind, fields in self.account.entries if kind == "recording-closed"]


def holes(desk: Desk, lane: str, start: int, end: int) -> list[Interval]:
    """What is not kept of [start, end), as each recording's own account tells it: within its own bounds."""
    old, new = desk.recordings
    seam = new.order.start
    in_old = list(without([Interval(start, seam)], old.kept(lane)))
    return in_old + list(without([Interval(seam, end)], new.kept(lane)))


@pytest.mark.parametrize("sound", [True, False])
@pytest.mark.parametrize("grab_every", [1, 39])
def test_nothing_is_missing_or_told_twice_at_the_hour(grab_every: int, *, sound: bool) -> None:
    desk = Desk(sound=sound)
    desk.play(5)
    desk.skip_to_the_hour(before=30)
    desk.play(60, grab_every=grab_every)
    now = desk.clock.time
    desk.record()
    old, new = desk.recordings
    (closed,) = desk.closings()
    assert (closed["why"], closed["until"]) == ("hour", new.order.start)
    assert abs(new.order.start - (now - 30 * SECOND)) <= STEP
    for lane in ("screen", "audio") if sound else ("screen",):
        assert holes(desk, lane, now - 40 * SECOND, now - 15 * SECOND) == []
    assert old.forgotten
    assert not new.forgotten


def test_every_word_is_in_one_recording_and_in_one_only() -> None:
    desk = Desk()
    desk.play(5)
    desk.skip_to_the_hour(before=30)
    desk.play(60)
    desk.record()
    old, new = desk.recordings
    seam = new.order.start
    assert max(end for _, end in old.kept("audio")) == seam
    assert min(start for start, _ in new.kept("audio")) == seam


@pytest.mark.parametrize("lag", [1, 25])
def test_a_chart_around_the_hour_is_in_neither(lag: int) -> None:
    """It comes `lag` tenths of a second after the hour, while one lane or both have yet to go over."""
    desk = Desk()
    desk.play(5)
    desk.skip_to_the_hour(before=20)
    desk.play(20 + lag / 10)
    began = desk.clock.time
    desk.play(3, WITH_CHART)
    ended = desk.clock.time
    desk.play(30)
    desk.record()
    assert [closed["why"] for closed in desk.closings()] == ["hour"]
    for recording in desk.recordings:
        for start, end in recording.kept("screen"):
            assert end <= began or start >= ended


@pytest.mark.parametrize("lag", [1, 60])
@pytest.mark.parametrize("hold", [Hold.LOCKED, Hold.USER, Hold.SPOOL_FULL])
def test_a_hold_in_mid_seam_ends_what_waits_in_both(hold: Hold, lag: int) -> None:
    desk = Desk()
    desk.play(5)
    desk.skip_to_the_hour(before=20)
    desk.play(20 + lag / 10)
    if hold is Hold.LOCKED:
        desk.seat.now = frozenset({hold})
        desk.daemon.turn(None)
    else:
        desk.daemon._happen(HoldsAre(frozenset({hold}), frozenset({hold})))
        desk.daemon.turn(None)
    held = desk.clock.time
    desk.play(5)
    desk.record()
    whys = [closed["why"] for closed in desk.closings()]
    assert whys == (["hour", "locked"] if hold is Hold.LOCKED else ["hour"])
    for recording in desk.recordings:
        for lane in ("screen", "audio"):
            assert all(end <= held for _, end in recording.kept(lane))


def test_an_hour_that_ends_in_a_closed_lane_hands_over_once_nothing_can_come() -> None:
    desk = Desk()
    desk.play(5)
    desk.skip_to_the_hour(before=5)
    desk.play(20, WITH_CHART)
    desk.record()
    (closed,) = desk.closings()
    assert closed["until"] == desk.recordings[1].order.start
