"""Both ends of a call in memory: each is silent or hums at a steady level, and its device can be taken away."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from agent.core.model.media import Block
from agent.core.model.times import MILLISECOND, SECOND, Span
from agent.ports import PEAK_OF, Channel, Clock, Mishap

BLOCK: Final = 960
LENGTH: Final = 20 * MILLISECOND
WORDS: Final = ("microphone", "far-end")


@dataclass
class Device:
    name: str
    plugged: bool = True
    hum: int = 0  # amplitude, of 32768
    peaks: list[tuple[int, int]] = field(default_factory=list)  # (when, amplitude)
    heard_at: int | None = None
    captured_at: int | None = None
    lost_at: int = 0
    padding: int = 0


class FakeSound:
    """Implements `agent.ports.Sound`. `humming`, `unplug` and `plug` are what the world would do, from any thread.

    Blocks exist as soon as their time has passed on the clock.
    """

    def __init__(
        self, clock: Clock, names: tuple[str, str] = ("fake-microphone", "fake-far-end"), stream: int = 77
    ) -> None:
        self._clock = clock
        self._stream = stream
        self._zero = clock.now()
        self._news = threading.Condition()
        self._devices = tuple(Device(name) for name in names)
        self._next: int | None = None  # number of the next block while listening
        self._mishaps: list[Mishap] = []
        self._woken = self._closed = False

    @contextmanager
    def humming(self, end: int, amplitude: int = 8000) -> Iterator[None]:
        """`end`: 0 the microphone, 1 the far end."""
        self._devices[end].hum = amplitude
        yield
        self._devices[end].hum = 0

    def unplug(self, end: int) -> None:
        with self._news:
            device = self._devices[end]
            device.plugged, device.lost_at = False, self._clock.now()
            self._tell("device-lost", end)

    def plug(self, end: int) -> None:
        with self._news:
            device = self._devices[end]
            device.plugged = True
            self._tell("device-back", end, self._clock.now() - device.lost_at)

    def _tell(self, what: str, end: int, padding: int = 0) -> None:
        if self._next is not None:
            self._devices[end].padding += padding
            self._mishaps.append(Mishap(what, WORDS[end], padding))
            self._news.notify_all()

    def listen(self, *, on: bool) -> None:
        with self._news:
            if on and self._next is None:
                self._next = (self._clock.now() - self._zero) // LENGTH + 1
            elif not on:
                self._next = None
            self._news.notify_all()

    def take(self, timeout: float) -> tuple[tuple[Block, ...], tuple[Mishap, ...]]:
        deadline = self._clock.now() + round(timeout * SECOND)
        with self._news:
            while not self._closed:
                blocks = self._blocks()
                mishaps, self._mishaps = tuple(self._mishaps), []
                woken, self._woken = self._woken, False
                left = deadline - self._clock.now()
                if blocks or mishaps or woken or left <= 0:
                    return blocks, mishaps
                self._news.wait(min(LENGTH, left) / SECOND)
        return (), ()

    def _blocks(self) -> tuple[Block, ...]:
        blocks: list[Block] = []
        if self._next is None:
            return ()
        if not any(device.plugged for device in self._devices):
            self._next = max(self._next, (self._clock.now() - self._zero) // LENGTH + 1)
            return ()
        while (at := self._zero + self._next * LENGTH) + LENGTH <= self._clock.now():
            both = np.zeros((BLOCK, 2), "<i2")
            for end, device in enumerate(self._devices):
                level = device.hum if device.plugged else 0
                both[0::2, end], both[1::2, end] = level, -level
                device.peaks.append((at, level))
                device.captured_at = at if device.plugged else device.captured_at
                device.heard_at = at if level else device.heard_at
            span = Span(at - MILLISECOND, at + LENGTH + MILLISECOND)
            blocks.append(Block(self._stream, span, at, self._next * BLOCK, both.tobytes()))
            self._next += 1
        return tuple(blocks)

    def channels(self) -> tuple[Channel, Channel]:
        with self._news:
            told = []
            for device in self._devices:
                device.peaks = [one for one in device.peaks if one[0] >= self._clock.now() - PEAK_OF]
                peak = max((level for _, level in device.peaks), default=0)
                name = device.name if device.plugged and self._next is not None else ""
                told.append(
                    Channel(name, 20 * math.log10(peak / 32_768) if peak else None, device.heard_at, device.padding)
                )
            microphone, far_end = told
            return microphone, far_end

    def captured(self) -> tuple[int | None, int | None]:
        with self._news:
            microphone, far_end = (device.captured_at for device in self._devices)
            return microphone, far_end

    def wake(self) -> None:
        with self._news:
            self._woken = True
            self._news.notify_all()

    def close(self) -> None:
        with self._news:
            self._closed = True
            self._news.notify_all()
