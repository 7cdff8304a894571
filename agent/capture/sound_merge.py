"""Two ends with a clock each into blocks of one clock.

Every device has its own idea of 48 000 samples a second. The times of its samples are proven piece by piece
(`agent.capture.sound_stamps`); single samples, which no ear hears, make up a small difference between count and time.
What is not proven becomes silence, and is reported. Pure: no thread, no clock of its own.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from statistics import median_low
from typing import Final

import numpy as np

from agent.capture.sound_feed import RATE, SAMPLE, Began, End, Heard, Lost, Timed
from agent.capture.sound_stamps import Doubt, Piece, Stamps
from agent.core.model.media import Block
from agent.core.model.times import MILLISECOND, SECOND, Span
from agent.ports import Mishap

BLOCK: Final = 960  # samples of each end: 20 ms, one Opus frame
BLOCK_LENGTH: Final = BLOCK * SECOND // RATE  # ns, exactly

PLACES: Final = 20  # pieces that the count is compared with: two seconds of a feed's tenths
WARM_UP: Final = SECOND  # after a start stamps may be off by 800 ms (measured with PortAudio): nothing of it is kept
TOGETHER: Final = 3 * SECOND  # how long the first block of a start waits for the other end's device
PROBATION: Final = 500 * MILLISECOND  # samples wait so long for a word that their device was another
OPENS_WITHIN: Final = 4 * SECOND  # PulseAudio's null sink gave its first samples up to 2.1 s after it was opened
STALLED: Final = 2 * SECOND  # a device that is open and said nothing for so long delivers nothing
UNDATED: Final = 5 * SECOND  # samples that came wait so long for a word about their time
OUT_OF_TOUCH: Final = 10 * SECOND  # further from the clock than this: the PC slept. Nothing is made up for that
TELL_AGAIN: Final = 60 * SECOND  # while a device is missing

DRIFT: Final = 40 * RATE // 1000  # samples: more than this is no drift of a crystal but a loss
TOLERANCE: Final = 2 * RATE // 1000  # samples: less than this is left alone
CORRECTION: Final = 2  # samples a piece: up to 400 parts in a million, and a crystal is wrong by 100 at most
CLOCK_ERROR: Final = 1 * MILLISECOND  # of places that are rounded, and of a sample doubled or left out


@dataclass(slots=True)
class _Track:
    """One end. Its samples lie on the common clock's grid: `written` is the place after the last of them."""

    end: End
    device: str = ""
    open_since: int | None = None  # ns; None while no device is open
    stamps: Stamps = field(default_factory=Stamps)
    warm_at: int = 0  # the count from which on samples are kept
    live: bool = False  # its samples' times are proven
    resync: bool = False  # samples were left out: what comes next goes to its place at once
    stalled: bool = False  # it says nothing though it is open
    absent: str = ""  # the mishap that took the device away; empty while there is one, or never was
    back: str = ""  # the mishap to tell once the device is live
    heard_at: int = 0  # when something last came, ns
    placed_at: int | None = None  # when samples last found their place: what is filled in is none, ns
    written: int = 0
    skip: int = 0  # samples to drop of the next: their place is handed out already, or they came twice
    samples: bytearray = field(default_factory=bytearray)  # up to `written`
    bounds: deque[tuple[int, int, int]] = field(default_factory=deque)  # up to which place; how early, how late (ns)
    offsets: deque[int] = field(default_factory=lambda: deque(maxlen=PLACES))  # proven place minus count, in samples
    padding: int = 0  # samples of silence that no mishap has told yet
    reported_at: int = 0  # ns

    @property
    def waited_for(self) -> bool:
        return self.live and not self.stalled

    def put(self, samples: bytes, early: int = 0, late: int = 0) -> None:
        over = min(self.skip, len(samples) // SAMPLE)
        self.skip -= over
        self.samples += samples[over * SAMPLE :]
        self.written += len(samples) // SAMPLE - over
        self.bounds.append((self.written, early, late))

    def off(self, place: int) -> int:
        """How far the place of the next sample is from its count."""
        return place - (self.written - self.skip)

    def around(self, start: int) -> tuple[int, int]:
        """By how much samples of the block at `start` may have been heard before and after their place, ns."""
        while self.bounds and self.bounds[0][0] <= start:
            self.bounds.popleft()
        early = late = CLOCK_ERROR
        for until, earlier, later in self.bounds:
            early, late = max(early, earlier), max(late, later)
            if until >= start + BLOCK:
                break
        return early, late

    def cool(self) -> None:
        """Times must be proven anew."""
        self.stamps.forget()
        self.warm_at = self.stamps.counted + WARM_UP * RATE // SECOND
        self.live, self.resync, self.skip = False, False, 0
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

    def opened(self, event: Began, now: int) -> None:
        track = self._tracks[event.end]
        if track.absent:
            track.back = "device-back" if track.device == event.device else "device-changed"
        track.device, track.absent, track.stalled, track.open_since = event.device, "", False, now
        track.stamps = Stamps()
        track.cool()
        if self._started_at is None:
            self._started_at = now

    def lost(self, event: Lost, now: int) -> None:
        """What was heard stays, unless it is doubtful: then it becomes silence, as far as it was not handed out."""
        track = self._tracks[event.end]
        if event.doubtful:
            silence = bytes(len(track.samples))
            track.padding += len(track.samples) // SAMPLE
            track.samples[:] = silence
        track.absent, track.back = event.why, ""
        track.stalled, track.open_since = False, None
        track.cool()  # with what was not proven yet
        if event.why:
            self._tell(event.why, track, now)
        if all(one.open_since is None for one in self._tracks):
            self._stop(let_go=not event.why)

    def heard(self, event: Heard) -> None:
        track = self._tracks[event.end]
        if track.open_since is None:
            return  # its device is gone
        if track.stalled:
            track.stalled = False
            self._tell("silent-device", track, event.arrived)
            track.cool()
        track.heard_at = event.arrived
        track.stamps.heard(event)
        self._place_all(track, event.arrived)

    def timed(self, event: Timed, now: int) -> None:
        track = self._tracks[event.end]
        if track.open_since is not None:
            track.stamps.timed(event)
            self._place_all(track, now)

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

    def placed_at(self, end: End) -> int | None:
        """When samples of this end last found their proven place, ns; None: never since the start."""
        return self._tracks[end].placed_at

    def mishaps(self) -> tuple[Mishap, ...]:
        mishaps, self._mishaps = tuple(self._mishaps), []
        return mishaps

    # -- one end ------------------------------------------------------------------------------------------------------

    def _place_all(self, track: _Track, now: int) -> None:
        for one in track.stamps.taken():
            if isinstance(one, Doubt):
                track.resync = track.live
            elif one.first >= track.warm_at:
                self._put(track, one, now)
            else:
                track.offsets.append(self._place(one.at) - one.first)

    def _begin(self, track: _Track, piece: Piece, now: int) -> None:
        """At the place that the whole of the second before speaks for."""
        place = median_low(track.offsets) + piece.first if track.offsets else self._place(piece.at)
        track.live = True
        track.offsets.clear()
        if self._out is None:
            track.written = place
            track.samples.clear()
            track.bounds.clear()
        else:
            self._move(track, place - track.written)
        if track.back:
            self._tell(track.back, track, now)
            track.back = ""

    def _put(self, track: _Track, piece: Piece, now: int) -> None:
        place = self._place(piece.at)
        if not track.live:
            self._begin(track, piece, now)
        off = track.off(place)
        if abs(off) > self._samples(OUT_OF_TOUCH):
            track.back = "drift"
            track.cool()
            return
        track.offsets.append(off)
        typical = median_low(track.offsets)
        if track.resync or (abs(typical) > DRIFT and len(track.offsets) > PLACES // 2):
            track.resync = False
            if abs(off) > TOLERANCE:
                self._move(track, off)
                self._tell("drift", track, now)
            track.offsets.clear()
            off = typical = 0
        samples = piece.samples
        track.placed_at = track.placed_at if piece.missing else now
        if piece.missing:
            track.padding += len(samples) // SAMPLE
            self._tell("overflow", track, now)
        elif abs(typical) > TOLERANCE:
            step = min(CORRECTION, abs(typical))
            if typical > 0:
                samples = samples[:SAMPLE] * step + samples
            else:
                samples, step = samples[step * SAMPLE :], -step
            track.offsets = deque((one - step for one in track.offsets), maxlen=PLACES)
        apart = off * SECOND // RATE  # by how much it lies before the place that is proven
        track.put(samples, max(0, piece.early - apart) + CLOCK_ERROR, max(0, piece.late + apart) + CLOCK_ERROR)

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
        track.padding += track.written - before

    def _watch(self, track: _Track, ripe: int, now: int) -> None:
        """Silence for a device that is not there, or that says nothing though it is open, or whose word is no proof."""
        behind = ripe - track.written
        patience = UNDATED if now - track.heard_at < STALLED else STALLED
        if track.waited_for and behind > self._samples(patience):
            track.stalled = True
            self._fill(track, behind)
            self._tell("silent-device", track, now)
        elif not track.waited_for and behind > 0:
            self._fill(track, behind)
            lasting = track.absent if track.open_since is None else "silent-device"
            if lasting and now - max(track.reported_at, track.open_since or 0) > TELL_AGAIN:
                self._tell(lasting, track, now)

    def _notice_silence(self, track: _Track, now: int) -> None:
        """Of a device that never said anything since it was opened."""
        mute = track.open_since is not None and not track.stamps.counted and not track.stalled
        if mute and track.open_since is not None and now - track.open_since > OPENS_WITHIN:
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
            track.padding = 0
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
        early, late = map(max, zip(*(track.around(self._out) for track in self._tracks), strict=True))
        block = Block(self._stream, Span(at - early, at + BLOCK_LENGTH + late), at, self._out, both.tobytes())
        self._out += BLOCK
        return block

    def _stop(self, *, let_go: bool) -> None:
        """Nothing is heard any more. The next word of a device is a start, and the places in between stay empty."""
        self._out = self._started_at = None
        for track in self._tracks:
            track.samples.clear()
            track.padding = 0
            if let_go:
                track.device = track.absent = ""

    def _restart(self, now: int) -> None:
        """The PC slept, or no block was taken for long: all stamps must prove themselves anew."""
        for track in self._tracks:
            track.stalled = False
            track.cool()
            track.samples.clear()
            track.padding = 0
            if track.open_since is not None:
                track.open_since = now
                self._tell("silent-device", track, now)
        self._out, self._started_at = None, now

    def _tell(self, what: str, track: _Track, now: int, samples: int | None = None) -> None:
        """With all silence that was not told yet, or with `samples` of it."""
        length = track.padding if samples is None else samples
        self._mishaps.append(Mishap(what, track.end.word, length * SECOND // RATE))
        track.padding -= length
        track.reported_at = now

    def _place(self, at: int) -> int:
        return (at - self._zero) * RATE // SECOND

    @staticmethod
    def _samples(length: int) -> int:
        return length * RATE // SECOND
