"""Both ends of the call, as blocks: a feed's events wait in a bounded mailbox; taking blocks merges them.

The feed's thread only copies: merging, levels and mishaps are the taker's work, so a busy PC delays blocks and does
not lose sound.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from agent.capture.sound_feed import Began, Devices, End, Feed, FeedEvent, Heard, Lost, Tell, Timed
from agent.capture.sound_merge import Merger
from agent.capture.sound_pulse import PulseFeed
from agent.core.model.media import Block
from agent.core.model.times import MILLISECOND, SECOND
from agent.pipeline import Mailbox
from agent.ports import PEAK_OF, Channel, Clock, Mishap
from protocol.envelope import SOUND_STREAM

WAITING: Final = 400  # tenths of a second of one end, and a word about the time of each: ten seconds of both
BREATH: Final = 100 * MILLISECOND  # between two looks at the clock, while the mailbox is empty
SILENT_BELOW: Final = -60.0  # dBFS; below is what a room and a cheap microphone make
FULL_SCALE: Final = 32_768

Connect = Callable[[Tell], Feed]


@dataclass(frozen=True, slots=True)
class _Woken:
    """Lies in the mailbox for the taker."""


@dataclass(slots=True)
class _Level:
    device: str = ""
    peaks: deque[tuple[int, int]] = field(default_factory=deque)  # (when it came, peak of 32768), falling
    heard_at: int | None = None
    captured_at: int | None = None
    padding: int = 0  # ns

    def heard(self, at: int, peak: int) -> None:
        """Only what nothing louder has come after can be the loudest of the last seconds, now or later."""
        while self.peaks and self.peaks[-1][1] <= peak:
            self.peaks.pop()
        self.peaks.append((at, peak))

    def peak(self, now: int) -> int:
        """Of the last `PEAK_OF`: it passes with time, not with a question, for several ask."""
        while self.peaks and self.peaks[0][0] < now - PEAK_OF:
            self.peaks.popleft()
        return self.peaks[0][1] if self.peaks else 0

    def lost(self) -> None:
        self.device = ""
        self.peaks.clear()


class LiveSound:
    """Implements `agent.ports.Sound` over any feed. Costs about 0.2 MB for each second that blocks wait inside."""

    def __init__(self, clock: Clock, connect: Connect, *, stream: int = SOUND_STREAM, room: int = WAITING) -> None:
        self._clock = clock
        self._events: Mailbox[FeedEvent | _Woken] = Mailbox(room)
        self._merger = Merger(clock.now(), stream)
        self._levels = tuple(_Level() for _ in End)
        self._measuring = threading.Lock()
        self._closed = False
        self._feed = connect(self._hear)

    def listen(self, *, on: bool) -> None:
        self._feed.listen(on=on)

    def take(self, timeout: float) -> tuple[tuple[Block, ...], tuple[Mishap, ...]]:
        deadline = self._clock.now() + round(timeout * SECOND)
        while not self._closed:
            woken = self._merge_all()
            now = self._clock.now()
            blocks, mishaps = self._merger.blocks(now), self._merger.mishaps()
            if blocks or mishaps or woken or now >= deadline:
                self._note_padding(mishaps)
                return blocks, mishaps
            self._events.wait(min(BREATH, deadline - now) / SECOND)
        return (), ()

    def channels(self) -> tuple[Channel, Channel]:
        with self._measuring:
            now = self._clock.now()
            microphone, far_end = (self._channel(level, now) for level in self._levels)
            return microphone, far_end

    def captured(self) -> tuple[int | None, int | None]:
        with self._measuring:
            microphone, far_end = (self._captured(end) for end in End)
            return microphone, far_end

    def wake(self) -> None:
        self._events.put(_Woken(), must=True)

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self.wake()
            self._feed.close()
            self._events.close()

    def _hear(self, event: FeedEvent) -> bool:
        return self._events.put(event, must=isinstance(event, Began | Lost))

    def _merge_all(self) -> bool:
        """Everything that was said until now; whether somebody woke the taker."""
        woken = False
        while (event := self._events.get(0)) is not None:
            if isinstance(event, _Woken):
                woken = True
            else:
                self._merge(event)
        return woken

    def _merge(self, event: FeedEvent) -> None:
        now = self._clock.now()
        if isinstance(event, Heard):
            self._measure(event)
            self._merger.heard(event)
            self._note_placed(event.end)
        elif isinstance(event, Timed):
            self._merger.timed(event, now)
            self._note_placed(event.end)
        elif isinstance(event, Began):
            with self._measuring:
                self._levels[event.end].device = event.device
            self._merger.opened(event, now)
        else:
            with self._measuring:
                self._levels[event.end].lost()
            self._merger.lost(event, now)

    def _measure(self, event: Heard) -> None:
        samples = np.frombuffer(event.samples, "<i2")
        peak = max(int(samples.max()), -int(samples.min()))
        with self._measuring:
            level = self._levels[event.end]
            level.heard(event.arrived, peak)
            if peak and _decibels(peak) > SILENT_BELOW:
                level.heard_at = event.arrived

    def _note_padding(self, mishaps: Iterable[Mishap]) -> None:
        with self._measuring:
            for mishap in mishaps:
                self._levels[next(end for end in End if end.word == mishap.channel)].padding += mishap.padding

    def _note_placed(self, end: End) -> None:
        with self._measuring:
            self._levels[end].captured_at = self._merger.placed_at(end)

    def _captured(self, end: End) -> int | None:
        level = self._levels[end]
        return self._clock.now() if level.device and end in self._feed.pausing else level.captured_at

    @staticmethod
    def _channel(level: _Level, now: int) -> Channel:
        peak = level.peak(now)
        return Channel(level.device, _decibels(peak) if peak else None, level.heard_at, level.padding)


def pulse_sound(clock: Clock, devices: Devices | None = None, server: str | None = None) -> LiveSound:
    """The sound of a Linux desktop. `server` as in $PULSE_SERVER. Raises EnvironmentFault without libpulse."""
    return LiveSound(clock, lambda tell: PulseFeed(clock, devices or Devices(), tell, server))


def _decibels(peak: int) -> float:
    return 20 * math.log10(peak / FULL_SCALE)
