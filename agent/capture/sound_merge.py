"""Two ends with a clock each into blocks of one clock.

Every device has its own idea of 48 000 samples a second, and no stamp of it is exact: a callback comes late, a server
guesses its latency. So samples are counted, and the count is compared with the clock over two seconds' stamps. A small
difference is made up by single samples, which nobody hears; a large one means that samples were lost or came twice.
Pure: no thread, no clock of its own.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from statistics import median_low
from typing import Final

import numpy as np

from agent.capture.sound_feed import RATE, SAMPLE, End, Heard, Lost, Opened
from agent.core.model import MILLISECOND, SECOND, Block, Span
from agent.ports import Mishap

BLOCK: Final = 960  # samples of each end: 20 ms, one Opus frame
BLOCK_LENGTH: Final = BLOCK * SECOND // RATE  # ns, exactly

STAMPS: Final = 20  # that the count is compared with: two seconds of a feed's tenths
WARM_UP: Final = SECOND  # after a start stamps may be off by 800 ms (measured with PortAudio): nothing of it is kept
TOGETHER: Final = 3 * SECOND  # how long the first block of a start waits for the other end's device
PROBATION: Final = 500 * MILLISECOND  # samples wait so long for a word that their device was another
STALLED: Final = 2 * SECOND  # a device that is open and said nothing for so long delivers nothing
OUT_OF_TOUCH: Final = 10 * SECOND  # further from the clock than this: the PC slept. Nothing is made up for that
TELL_AGAIN: Final = 60 * SECOND  # while a device is missing

DRIFT: Final = 40 * RATE // 1000  # samples: more than this is no drift of a crystal but a loss
TOLERANCE: Final = 2 * RATE // 1000  # samples: less than this is left alone
CORRECTION: Final = 2  # samples a stamp: up to 400 parts in a million, and a crystal is wrong by 100 at most
ASSUMED_ERROR: Final = 10 * MILLISECOND  # of what systems say of their latency, even where stamps agree


@dataclass(slots=True)
class _Track:
    """One end. Its samples lie on the common clock's grid: `written` is the place after the last of them."""

    end: End
    device: str = ""
    open_since: int | None = None  # ns; None while no device is open
    warm_since: int | None = None  # ns of the device's first stamp; None until then
    live: bool = False  # its stamps are good
    stalled: bool = False  # it says nothing though it is open
    absent: str = ""  # the mishap that took the device away; empty while there is one, or never was
    back: str = ""  # the mishap to tell once the device is live
    written: int = 0
    skip: int = 0  # samples to drop of the next: their place is handed out already, or they came twice
    counted: int = 0  # samples heard while warming up
    samples: bytearray = field(default_factory=bytearray)  # up to `written`
    offsets: deque[int] = field(default_factory=lambda: deque(maxlen=STAMPS))  # stamp minus count, in samples
    filled: int = 0  # samples of silence that no mishap has told yet
    told_at: int = 0  # ns

    @property
    def waited_for(self) -> bool:
        return self.live and not self.stalled

    def put(self, samples: bytes) -> None:
        over = min(self.skip, len(samples) // SAMPLE)
        self.skip -= over
        self.samples += samples[over * SAMPLE :]
        self.written += len(samples) // SAMPLE - over

    def off(self, place: int) -> int:
        """How far the stamp of the next sample is from its count."""
        return place - (self.written - self.skip)

    def cool(self) -> None:
        """Stamps must prove themselves anew."""
        self.warm_since, self.live, self.counted, self.skip = None, False, 0, 0
        self.offsets.clear()


class Merger:
    """Implements the merging for one `agent.ports.Sound`. Places are samples since `zero`; times are ns."""

    def __init__(self, zero: int, stream: int) -> None:
        self._zero = zero
        self._stream = stream
        self._tracks = tuple(_Track(end) for end in End)
        self._out: int | None = None  # the place of the next block; None before a start
        self._started_at: int | None = None  # the first word of a device after nothing was heard
        self._mishaps: list[Mishap] = []

    def opened(self, told: Opened, now: int) -> None:
        track = self._tracks[told.end]
        if track.absent:
            track.back = "device-back" if track.device == told.device else "device-changed"
        track.device, track.absent, track.stalled, track.open_since = told.device, "", False, now
        track.cool()
        if self._started_at is None:
            self._started_at = now

    def lost(self, told: Lost, now: int) -> None:
        """What was heard stays, unless it is doubtful: then it becomes silence, as far as it was not handed out."""
        track = self._tracks[told.end]
        if told.doubtful:
            silence = bytes(len(track.samples))
            track.filled += len(track.samples) // SAMPLE
            track.samples[:] = silence
        track.absent, track.back = told.why, ""
        track.stalled, track.open_since = False, None
        track.cool()
        if told.why:
            self._tell(told.why, track, now)
        if all(one.open_since is None for one in self._tracks):
            self._stop(let_go=not told.why)

    def heard(self, told: Heard) -> None:
        track = self._tracks[told.end]
        if track.stalled:
            track.stalled = False
            self._tell("silent-device", track, told.at)
            track.cool()
        if not track.live:
            self._warm_up(track, told)
        else:
            self._follow(track, told)

    def blocks(self, now: int) -> tuple[Block, ...]:
        """What is complete: every open device has spoken for it, or is known to say nothing."""
        for track in self._tracks:
            self._notice_silence(track, now)
        if not self._begun(now):
            return ()
        assert self._out is not None  # noqa: S101 - begun
        ripe = self._place(now - PROBATION)
        if ripe - self._out > self._samples(OUT_OF_TOUCH):
            self._restart(now)
            return ()
        for track in self._tracks:
            self._watch(track, ripe, now)
        end = min(ripe, *(track.written for track in self._tracks))
        blocks = []
        while self._out + BLOCK <= end:
            blocks.append(self._block())
        return tuple(blocks)

    def mishaps(self) -> tuple[Mishap, ...]:
        told, self._mishaps = tuple(self._mishaps), []
        return told

    # -- one end ------------------------------------------------------------------------------------------------------

    def _warm_up(self, track: _Track, told: Heard) -> None:
        """Drops what is heard, and learns from it where the first sample to be kept belongs."""
        if track.warm_since is None:
            track.warm_since = told.at
        track.counted += told.missing
        if track.counted >= self._samples(WARM_UP):
            learnt = median_low(track.offsets) + track.counted if track.offsets else self._place(told.at)
            self._begin(track, learnt, told.at)
            self._follow(track, Heard(told.end, told.at, told.samples))
            return
        track.offsets.append(self._place(told.at) - track.counted)
        track.counted += len(told.samples) // SAMPLE

    def _begin(self, track: _Track, place: int, now: int) -> None:
        track.live = True
        track.offsets.clear()
        if self._out is None:
            track.written = place
            track.samples.clear()
        else:
            self._move(track, place - track.written)
        if track.back:
            self._tell(track.back, track, now)
            track.back = ""

    def _follow(self, track: _Track, told: Heard) -> None:
        samples = told.samples
        if max(told.missing, abs(track.off(self._place(told.at)))) > self._samples(OUT_OF_TOUCH):
            track.back = "overflow" if told.missing else "drift"
            track.cool()
            self._warm_up(track, told)
            return
        if told.missing:
            self._fill(track, told.missing)
            self._tell("overflow", track, told.at)
        track.offsets.append(track.off(self._place(told.at)))
        off = median_low(track.offsets)  # a stamp that there was: while half of them are new, a mean of both is neither
        if abs(off) > DRIFT and len(track.offsets) > STAMPS // 2:
            self._move(track, off)
            track.offsets.clear()
            self._tell("drift", track, told.at)
        elif abs(off) > TOLERANCE:
            step = min(CORRECTION, abs(off))
            if off > 0:
                samples = samples[:SAMPLE] * step + samples
            else:
                samples, step = samples[step * SAMPLE :], -step
            track.offsets = deque((one - step for one in track.offsets), maxlen=STAMPS)
        track.put(samples)

    def _move(self, track: _Track, by: int) -> None:
        """So that the next sample comes to its place: silence before it, or as many samples dropped."""
        if by >= 0:
            self._fill(track, by)
        else:
            track.skip -= by

    def _fill(self, track: _Track, samples: int) -> None:
        """What is still to be dropped comes off the silence first."""
        before = track.written
        track.put(bytes(samples * SAMPLE))
        track.filled += track.written - before

    def _watch(self, track: _Track, ripe: int, now: int) -> None:
        """Silence for a device that is not there, or that says nothing though it is open."""
        behind = ripe - track.written
        if track.waited_for and behind > self._samples(STALLED):
            track.stalled = True
            self._fill(track, behind)
            self._tell("silent-device", track, now)
        elif not track.waited_for and behind > 0:
            self._fill(track, behind)
            lasting = "silent-device" if track.stalled else track.absent
            if lasting and now - track.told_at > TELL_AGAIN:
                self._tell(lasting, track, now)

    def _notice_silence(self, track: _Track, now: int) -> None:
        """Of a device that never said anything since it was opened."""
        mute = track.open_since is not None and track.warm_since is None and not track.stalled
        if mute and track.open_since is not None and now - track.open_since > STALLED:
            track.stalled = True
            self._tell("silent-device", track, now)

    # -- both ends ----------------------------------------------------------------------------------------------------

    def _begun(self, now: int) -> bool:
        """A start begins with the first sample that any device has proven, once the other had time for it, too."""
        if self._out is not None:
            return True
        live = [track for track in self._tracks if track.live]
        waited = self._started_at is not None and now - self._started_at > TOGETHER
        if not live or not (waited or all(track.live or not self._opening(track) for track in self._tracks)):
            return False
        first = min(track.written - len(track.samples) // SAMPLE for track in live)
        self._out = -(-first // BLOCK) * BLOCK
        for track in self._tracks:
            self._align(track, self._out)
            track.filled = 0
        return True

    def _align(self, track: _Track, start: int) -> None:
        """Samples from `start` on: silence before the first, or less of them."""
        if not track.live:
            track.samples.clear()
            track.written = start
            return
        begins = track.written - len(track.samples) // SAMPLE
        if begins < start:
            del track.samples[: (start - begins) * SAMPLE]
            track.written = max(track.written, start)
        else:
            track.samples[:0] = bytes((begins - start) * SAMPLE)

    @staticmethod
    def _opening(track: _Track) -> bool:
        return track.open_since is not None and not track.live and not track.stalled

    def _block(self) -> Block:
        assert self._out is not None  # noqa: S101 - begun
        both = np.empty((BLOCK, len(self._tracks)), np.int16)
        for track in self._tracks:
            both[:, track.end] = np.frombuffer(bytes(track.samples[: BLOCK * SAMPLE]), "<i2")
            del track.samples[: BLOCK * SAMPLE]
        at = self._zero + self._out // BLOCK * BLOCK_LENGTH
        error = max(self._error(track) for track in self._tracks)
        block = Block(self._stream, Span(at - error, at + BLOCK_LENGTH + error), at, self._out, both.tobytes())
        self._out += BLOCK
        return block

    def _error(self, track: _Track) -> int:
        """How far from its true time a sample may be: by the stamp that disagrees most.

        A median would overlook what vanished untold a moment ago (a source that was suspended for two seconds).
        """
        if not track.live or not track.offsets:
            return ASSUMED_ERROR
        return ASSUMED_ERROR + round(max(map(abs, track.offsets)) * SECOND / RATE)

    def _stop(self, *, let_go: bool) -> None:
        """Nothing is heard any more. The next word of a device is a start, and the places in between stay empty."""
        self._out = self._started_at = None
        for track in self._tracks:
            track.samples.clear()
            track.filled = 0
            if let_go:
                track.device = track.absent = ""

    def _restart(self, now: int) -> None:
        """The PC slept, or nobody took blocks for long: all stamps must prove themselves anew."""
        for track in self._tracks:
            track.stalled = False
            track.cool()
            track.samples.clear()
            track.filled = 0
            if track.open_since is not None:
                track.open_since = now
                self._tell("silent-device", track, now)
        self._out, self._started_at = None, now

    def _tell(self, what: str, track: _Track, now: int, samples: int | None = None) -> None:
        """With all silence that was not told yet, or with `samples` of it."""
        told = track.filled if samples is None else samples
        self._mishaps.append(Mishap(what, track.end.word, told * SECOND // RATE))
        track.filled -= told
        track.told_at = now

    def _place(self, at: int) -> int:
        return (at - self._zero) * RATE // SECOND

    @staticmethod
    def _samples(length: int) -> int:
        return length * RATE // SECOND
