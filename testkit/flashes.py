"""A flash and a beep at one moment: a window that turns white, and a tone that both ends of the call hear then.

What they are compared with is not the moment that was meant but when they were: a busy machine is late with both, and
that is not the recorder's doing. The tone's moment is the server's own word for when that sample was heard, the
flash's lies between the order to the X server and its answer. Where either is not known well enough, nothing is judged.
"""

from __future__ import annotations

import ctypes
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from ctypes import byref, c_char_p, c_int, c_int64, c_size_t, c_void_p
from dataclasses import dataclass
from itertools import pairwise
from statistics import median_low
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agent.capture.sound_libpulse import (
    ADJUST_LATENCY,
    CONTEXT_READY,
    NO_AUTOSPAWN,
    S16LE,
    STREAM_READY,
    BufferAttributes,
    SampleSpec,
    SuccessCallback,
    load,
)
from agent.core.model.times import SECOND
from testkit.sounds import RATE, SINKS, SoundServer
from testkit.stage import StageError
from testkit.window_program import Windows

BLOCK: Final = RATE // 100
TONE: Final = 1000.0  # Hz
LENGTH: Final = RATE // 5  # samples of a beep
WAVE: Final = (16_000 * np.cos(2 * np.pi * TONE * np.arange(LENGTH) / RATE)).astype("<i2")  # loud from its first sample
DEADLINE: Final = 20.0  # s
ASK_EVERY: Final = 5_000_000  # ns between two questions for the time in the stream, around a beep
ASK_SELDOM: Final = 100_000_000  # otherwise
DOUBT: Final = 20_000_000  # ns; an answer that took longer is not believed
AROUND_A_BEEP: Final = 500_000_000  # ns; so long before and after it the server's words must agree
KNOWN: Final = 4_000_000  # ns; a flash or beep whose moment is not known to this is not judged
PLACE: Final = (80, 60, 640, 360)  # px of the window
DARK, BRIGHT = 0, 0xFFFFFF
AHEAD: Final = 600_000_000  # ns between the word to flash and the flash: longer than any server's buffer
SHOWN: Final = 0.8  # s that the window stays white
_AS_IT_LIKES: Final = 0xFFFFFFFF
Samples = NDArray[np.int16]
_BUFFER: Final = 2 * RATE // 5  # bytes that wait in the server: 0.2 s


def now() -> int:
    """ns of the clock that recordings are stamped with."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


@dataclass(frozen=True, slots=True)
class Word:
    """The server's: that the sample of this count is heard at `at`, ns; and when it said so."""

    said: int
    count: int
    at: int

    @property
    def zero(self) -> int:
        """When the stream's first sample would have been heard, were there no stumble in between."""
        return self.at - self.count * SECOND // RATE


def begins(words: Sequence[Word], *, in_cycles: bool) -> int:
    """When the stream began to be heard, by words about it, ns.

    `in_cycles`: the server answers with what was true at its last cycle, up to 50 ms ago, so that the earliest is
    nearest to the truth; and what a player gave in one cycle is played in the next, which it does not count (PipeWire
    1.4.2; the offset followed the cycle when it was made shorter). Others answer as of now, and are wrong for a moment
    in either direction.
    """
    zeros = [word.zero for word in words]
    if not in_cycles:
        return median_low(zeros)
    steps = [after.count - word.count for word, after in pairwise(words) if after.count > word.count]
    return min(zeros) + (median_low(steps) if steps else 0) * SECOND // RATE


def heard(words: Sequence[Word], count: int, *, in_cycles: bool) -> int | None:
    """When the sample was heard, ns, by words from before and from after it; None where they do not agree."""
    about = begins(words, in_cycles=in_cycles) + count * SECOND // RATE if words else 0
    before = [word for word in words if about - AROUND_A_BEEP < word.said < about]
    after = [word for word in words if about <= word.said < about + AROUND_A_BEEP]
    if not before or not after:
        return None
    one, other = begins(before, in_cycles=in_cycles), begins(after, in_cycles=in_cycles)
    if abs(one - other) > KNOWN:
        return None
    return (one + other) // 2 + count * SECOND // RATE


class Beeper:
    """Plays silence to a sink, without end, and a beep when it is told to. One thread runs libpulse's own loop.

    The server is asked for the time in the stream, and its answer is taken as it is: what the library makes up between
    two answers was wrong by 60 ms (agent/capture/sound_pulse.py).
    """

    def __init__(self, server: str, sink: str, *, in_cycles: bool, wave: Samples = WAVE) -> None:
        """`in_cycles`: as of `begins`. `wave`: what a beep is."""
        self._pulse = _playback()
        self._server, self._sink, self._in_cycles, self._wave = server, sink, in_cycles, wave
        self._at: int | None = None
        self._busy_until = 0  # ns; around a beep
        self._written = 0  # samples
        self._waiting: Samples = np.zeros(0, "<i2")  # of a beep that has begun
        self._words: deque[Word] = deque(maxlen=round(4 * AROUND_A_BEEP / ASK_EVERY))
        self._beeped: int | None = None  # the count of the last beep's first sample
        self._asked_at: int | None = None
        self._ended = threading.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"beep {sink}", daemon=True)

    def __enter__(self) -> Beeper:
        """Raises StageError where the server does not play."""
        self._thread.start()
        if not self._ready.wait(DEADLINE):
            self._ended.set()
            raise StageError(f"the sound server plays nothing to {self._sink}")
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def beep(self, at: int) -> None:
        """To be heard from `at` on (ns); to be said well before."""
        self._beeped, self._at, self._busy_until = None, at, at + 2 * AROUND_A_BEEP

    def beeped(self) -> int | None:
        """When the last one was heard, ns; None where that cannot be said. To be asked `AROUND_A_BEEP` after it."""
        count = self._beeped
        return None if count is None else heard(list(self._words), count, in_cycles=self._in_cycles)

    def _run(self) -> None:
        pulse = self._pulse
        loop = pulse.pa_mainloop_new()
        context = pulse.pa_context_new(pulse.pa_mainloop_get_api(loop), b"bench")
        pulse.pa_context_connect(context, self._server.encode(), NO_AUTOSPAWN, None)
        self._turn(loop, lambda: pulse.pa_context_get_state(context) == CONTEXT_READY)
        spec = SampleSpec(S16LE, RATE, 1)
        stream = pulse.pa_stream_new(context, b"beep", byref(spec), None)
        attributes = BufferAttributes(_AS_IT_LIKES, _BUFFER, 0, _AS_IT_LIKES, _AS_IT_LIKES)
        pulse.pa_stream_connect_playback(stream, self._sink.encode(), byref(attributes), ADJUST_LATENCY, None, None)
        self._turn(loop, lambda: pulse.pa_stream_get_state(stream) == STREAM_READY)
        answered = SuccessCallback(lambda handle, success, _: self._learn(handle, success))
        asked = 0
        while not self._ended.is_set():
            every = ASK_EVERY if now() < self._busy_until else ASK_SELDOM
            if now() - asked > every and self._asked_at is None:
                asked = self._asked_at = now()
                pulse.pa_operation_unref(pulse.pa_stream_update_timing_info(stream, answered, None))
            while pulse.pa_stream_writable_size(stream) >= 2 * BLOCK:
                pulse.pa_stream_write(stream, self._next().tobytes(), 2 * BLOCK, None, 0, 0)
                self._written += BLOCK
            self._step(loop)
        pulse.pa_stream_disconnect(stream)
        pulse.pa_stream_unref(stream)
        pulse.pa_context_disconnect(context)
        pulse.pa_context_unref(context)
        pulse.pa_mainloop_free(loop)

    def _turn(self, loop: int, until: Callable[[], bool]) -> None:
        while not until() and not self._ended.is_set():
            self._step(loop)

    def _step(self, loop: int) -> None:
        self._pulse.pa_mainloop_prepare(loop, 5000)
        self._pulse.pa_mainloop_poll(loop)
        self._pulse.pa_mainloop_dispatch(loop)

    def _learn(self, stream: int, success: int) -> None:
        asked, answered = self._asked_at, now()
        self._asked_at = None
        answer = self._pulse.pa_stream_get_timing_info(stream)
        if not success or asked is None or not answer or answered - asked > DOUBT:
            return
        told = answer.contents
        if told.playing and not told.read_index_corrupt:
            self._words.append(Word(answered, told.read_index // 2, (asked + answered) // 2 + 1000 * told.sink_usec))
            self._ready.set()

    def _next(self) -> Samples:
        """The next hundredth of a second: silence, but for a beep that is due."""
        if self._at is not None and self._words:
            recent = list(self._words)[-round(AROUND_A_BEEP / ASK_EVERY) :]
            into = (self._at - begins(recent, in_cycles=self._in_cycles)) * RATE // SECOND - self._written
            if into < BLOCK:
                self._at, start = None, max(into, 0)
                self._beeped = self._written + start
                self._waiting = np.concatenate([np.zeros(start, "<i2"), self._wave])
        block, self._waiting = self._waiting[:BLOCK], self._waiting[BLOCK:]
        return np.pad(block, (0, BLOCK - len(block)))


def _playback() -> ctypes.CDLL:
    library = load()
    library.pa_stream_connect_playback.argtypes = (c_void_p, c_char_p, c_void_p, c_int, c_void_p, c_void_p)
    library.pa_stream_writable_size.argtypes = (c_void_p,)
    library.pa_stream_writable_size.restype = c_size_t
    library.pa_stream_write.argtypes = (c_void_p, c_char_p, c_size_t, c_void_p, c_int64, c_int)
    return library


@contextmanager
def beepers_of(server: SoundServer, **wave: Samples) -> Iterator[list[Beeper]]:
    """One for each end."""
    with ExitStack() as stack:
        in_cycles = server.kind == "pipewire"
        yield [stack.enter_context(Beeper(server.address, sink, in_cycles=in_cycles, **wave)) for sink in SINKS]


class Lamp:
    """A dark window that turns white for a moment."""

    def __init__(self, display: str) -> None:
        self._windows = Windows(display)
        left, top, width, height = PLACE
        self._window = self._windows.open(title="Lamp", x=left, y=top, width=width, height=height, color=DARK)
        self._windows.display.sync()

    def __enter__(self) -> Lamp:
        return self

    def __exit__(self, *_: object) -> None:
        self._windows.display.close()

    def flash(self, at: int) -> tuple[int, int]:
        """White from `at` (ns) on, for as long as it takes; returns between when it turned white, ns."""
        time.sleep(max(0, at - now()) / SECOND)
        ordered = now()
        self._paint(BRIGHT)
        white = now()
        time.sleep(SHOWN)
        self._paint(DARK)
        return ordered, white

    def _paint(self, color: int) -> None:
        self._windows.paint(window=self._window, color=color, place=(0, 0, *PLACE[2:]))
        self._windows.display.sync()


def flash_and_beep(lamp: Lamp, beepers: Sequence[Beeper]) -> tuple[int, int, int] | None:
    """One flash with one beep; when each was, ns: white, left, right. None where that is not known well enough."""
    at = now() + AHEAD
    for beeper in beepers:
        beeper.beep(at)
    ordered, white = lamp.flash(at)
    left, right = (beeper.beeped() for beeper in beepers)
    if white - ordered > 2 * KNOWN or left is None or right is None:
        return None
    return (ordered + white) // 2, left, right
