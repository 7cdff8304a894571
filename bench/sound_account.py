"""What is heard in opened sound, beside what was played: the ears of bench/sound.

Pure: samples and moments go in, figures come out. Each sensitive span has a marker of its own, a low tone and a high
one; neither is ever played at any other time, and speech has nothing up there. Times are ns of the PC's clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from testkit.sounds import RATE

SECOND: Final = 1_000_000_000
MS: Final = 1_000_000
PIECE: Final = 960  # samples that are listened to at once: 20 ms
HOP: Final = PIECE // 2
# Amplitude, of full scale. Markers are played at 0.3 each: 1 ms of one is heard, also through the encoder and at the
# edge of a stretch, where speech that ends at once comes to 0.002.
HEARD: Final = 0.01
LOW: Final = tuple(6000.0 + 100 * number for number in range(16))  # Hz
HIGH: Final = tuple(8000.0 + 100 * number for number in range(16))
BEEP: Final = 4200.0  # Hz; nothing else is there: `BEEP_LENGTH` of it every `BEEP_EVERY`, all the time
BEEP_EVERY: Final = 5  # seconds
BEEP_LENGTH: Final = RATE // 25  # samples
# Of full scale. libopus makes a burst of noise of one in a hundred beeps of 0.3 and half the length within speech
# (1.5.2 and 1.6.1), and that would be charged to the recorder; of 320 like this it made none.
BEEP_LEVEL: Final = 0.1
BEEP_NEAR: Final = 0.5  # seconds from when it was heard, within which it is looked for
LONGEST: Final = 10  # seconds that are looked through at once: half an hour of pieces does not fit into memory
APART: Final = 0.1  # seconds between a marker in the control and the window's own time that are still the same

ENDS: Final = (0, 1)  # the agent's microphone, the far end

Sound = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Kept:
    """A stretch of kept sound without a gap. `sound`: (2, samples), of full scale; `at`: of the first sample."""

    at: int
    sound: Sound

    @property
    def end(self) -> int:
        return self.at + int(self.sound.shape[1]) * SECOND // RATE


@dataclass(slots=True)
class Span:
    """A window that a rule closes for was in view. `leaked`: ms of its marker that were kept; `control`: without rule,
    of either tone, at the end that has less of it. `played`: ms that each end could hear of it at least; 0 in runs that
    do not say.

    `before`, `after`: ms of clean time that were not kept around it; None in runs that left out what was never kept.
    `case`: what happened to a device meanwhile; "" where nothing did. Over-pause is of the others alone. `untried`: the
    control has less of the marker than it must at both ends, for the PC was too busy to play, keep or prove it: no
    proof, and no fault while such spans are few. One that it kept without any of the marker is a fault.
    """

    shown: int
    hidden: int
    leaked: float = 0
    control: float = 0
    before: float | None = None
    after: float | None = None
    case: str = ""
    untried: bool = False
    played: float = 0

    @property
    def wanted(self) -> float:
        """ms of its marker that the control must have at both ends, or nothing was tried."""
        return max(self.played / 2, HOP * 1000 / RATE)

    @property
    def over_pause(self) -> float | None:
        return None if self.case or self.before is None or self.after is None else self.before + self.after


@dataclass(frozen=True, slots=True)
class Beep:
    """One that was heard at that end at `at`, by the sound server's word, ns."""

    channel: int
    at: int


def marker(number: int) -> tuple[float, float]:
    """The two tones of the span of that number; after 256 spans they come again."""
    return LOW[number % len(LOW)], HIGH[number // len(LOW) % len(HIGH)]


def loudness(sound: Sound, tones: Sequence[float]) -> npt.NDArray[np.float64]:
    """(channels, pieces, tones): amplitude of each tone in each 20 ms, every 10."""
    if sound.shape[1] < PIECE:
        sound = np.pad(sound, ((0, 0), (0, PIECE - sound.shape[1])))
    pieces = np.lib.stride_tricks.sliding_window_view(sound, PIECE, axis=1)[:, ::HOP]
    window = np.hanning(PIECE)
    waves = np.exp(-2j * np.pi * np.outer(np.arange(PIECE), tones) / RATE) * window[:, None]
    return np.asarray(np.abs(pieces @ waves) * 2 / window.sum())


def heard_at(kept: Iterable[Kept], tones: Sequence[float], end: int | None = None) -> list[int]:
    """The middles of the pieces in which any of the tones can be heard at that end, or at either, ns."""
    found = []
    for one in _parts(kept, around=HOP):
        sound = one.sound if end is None else one.sound[end : end + 1]
        pieces = np.flatnonzero((loudness(sound, tones) > HEARD).any(axis=(0, 2)))
        found += [one.at + int(piece * HOP + HOP) * SECOND // RATE for piece in pieces]
    return found


def _parts(kept: Iterable[Kept], *, around: int = 0) -> Iterator[Kept]:
    """The same in parts of at most `LONGEST`, each reaching so far into the next that every piece is in one of them.

    `around`: samples of silence around each stretch. A piece hears next to nothing at its edges, and what leaks is at
    the edges of a stretch.
    """
    for one in kept:
        length = int(one.sound.shape[1])
        for first in range(-around, length, LONGEST * RATE):
            last = min(first + LONGEST * RATE - HOP, length) + PIECE
            sound = one.sound[:, max(first, 0) : last]
            if around:
                sound = np.pad(sound, ((0, 0), (max(-first, 0), last - max(first, 0) - sound.shape[1])))
            yield Kept(one.at + first * SECOND // RATE, sound)


def charge(spans: Sequence[Span], kept: Sequence[Kept], control: Sequence[Kept]) -> list[str]:
    """Fill in what leaked and what the control has; what was wrong with the play. Any marker anywhere is a leak.

    Either tone of a marker leaks, so either counts for the control, if it has both together at all: of one pair in
    twenty libopus turns the higher tone into noise within 0.1 s, and keeps the lower.
    """
    faults = []
    each = HOP * 1000 / RATE
    for at in heard_at(kept, (*LOW, *HIGH)):
        nearest = min(spans, key=lambda span: max(span.shown - at, at - span.hidden, 0))
        nearest.leaked += each
    for number, span in enumerate(spans):
        there = cut(control, Span(span.shown - SECOND, span.hidden + SECOND))
        ends = [[set(heard_at(there, (tone,), end)) for tone in marker(number)] for end in ENDS]
        together = [low & high for low, high in ends]
        # One piece with both may be a single tone that was cut off within it.
        of_it = [low | high if len(low & high) > 1 else set() for low, high in ends]
        in_view = range(span.shown - round(APART * SECOND) + 1, span.hidden + round(APART * SECOND))
        span.control = min(sum(at in in_view for at in one) for one in of_it) * each
        kept_of_it = sum(one.end - one.at for one in cut(control, span))
        half = kept_of_it >= (span.hidden - span.shown) / 2
        span.untried = span.control < span.wanted and (any(together) or not half)
        if not all(at in in_view for one in together for at in one):
            faults.append(f"the marker of span {number} was played when its window was not in view")
    return faults


def talk_heard(kept: Sequence[Kept], talk: Span, spans: Sequence[Span]) -> list[float]:
    """For each end, how much of what was kept of the talk outside of the spans can be heard at all: 0 for pure silence,
    or for nothing."""
    edges = [talk.shown, *(at for span in spans for at in (span.shown, span.hidden)), talk.hidden]
    loud = np.zeros(len(ENDS))
    pieces = 0
    clean = [Span(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True)]
    for one in [part for each in clean for part in cut(kept, each)]:
        whole = one.sound[:, : one.sound.shape[1] // PIECE * PIECE].reshape(len(ENDS), -1, PIECE)
        loud += (np.abs(whole).max(axis=2) > HEARD).sum(axis=1)
        pieces += whole.shape[1]
    return [round(float(one), 3) for one in loud / max(pieces, 1)]


def cut(kept: Iterable[Kept], span: Span) -> list[Kept]:
    """What of it lies in the span."""
    parts = []
    for one in kept:
        first = max(0, (span.shown - one.at) * RATE // SECOND)
        last = min(one.sound.shape[1], (span.hidden - one.at) * RATE // SECOND)
        if first < last:
            parts.append(Kept(one.at + first * SECOND // RATE, one.sound[:, first:last]))
    return parts


def measure(spans: Sequence[Span], kept: Sequence[Kept], began: int, ended: int) -> None:
    """Fill in `before` and `after`. Where nothing at all was kept between two windows, or between one and the moment at
    which the play began or ended, it is the whole of that time.
    """
    for place, span in enumerate(spans):
        earlier = spans[place - 1].hidden if place else began
        later = spans[place + 1].shown if place + 1 < len(spans) else ended
        last = max((min(one.end, span.shown) for one in kept if one.at < span.shown), default=earlier)
        first = min((max(one.at, span.hidden) for one in kept if one.end > span.hidden), default=later)
        span.before = round((span.shown - max(last, earlier)) / MS, 1)
        span.after = round((min(first, later) - span.hidden) / MS, 1)


def offsets(kept: Sequence[Kept], beeps: Iterable[Beep]) -> list[float]:
    """By how many ms each beep lies later in what was kept than it was heard. What was not kept whole is left out."""
    tone = np.exp(-2j * np.pi * BEEP * np.arange(BEEP_LENGTH) / RATE) * np.hanning(BEEP_LENGTH)
    near = round(BEEP_NEAR * SECOND)
    found = []
    for beep in beeps:
        for one in cut(kept, Span(beep.at - near, beep.at + near)):
            if one.sound.shape[1] < BEEP_LENGTH:
                continue
            strength = np.abs(np.correlate(one.sound[beep.channel], np.conj(tone), "valid")) * 2 / np.abs(tone).sum()
            place = int(strength.argmax())
            if strength[place] > BEEP_LEVEL / 3 and 0 < place < len(strength) - 1:
                found.append((one.at + place * SECOND // RATE - beep.at) / MS)
    return found


def recovered(kept: Sequence[Kept], channel: int, hertz: float, since: int) -> float | None:
    """Seconds until the tone can be heard at that end again; None where it never is."""
    for one in _parts(cut(kept, Span(since, since + 60 * SECOND))):
        pieces = np.flatnonzero(loudness(one.sound[channel : channel + 1], (hertz,))[0, :, 0] > HEARD)
        for piece in pieces:
            at = one.at + int(piece) * HOP * SECOND // RATE
            if at >= since:
                return (at - since) / SECOND
    return None
