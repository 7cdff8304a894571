"""What a person hears of a recorded call, in figures: the film's sound beside what was said, and its cuts.

Pure: samples go in, figures come out. Everything is at 48 kHz, from -1 to 1; (samples, 2): the agent's end, the
caller's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from testkit.listening import Samples
from testkit.sounds import RATE
from testkit.stage import StageError

PIECE: Final = RATE // 50  # samples that are judged together: 20 ms
HOP: Final = PIECE // 4
EDGE: Final = RATE // 50  # samples at both ends of a stretch that are left out of the likeness: they fade
SPOKEN: Final = 0.01  # of full scale, RMS of a piece in which somebody speaks
MISSING: Final = 0.1  # of what was said, below which a piece was lost: 20 dB
SILENT: Final = 2e-3  # of full scale, RMS of a piece in which nobody speaks: the noise of a quiet room is half of that
STRAY: Final = 4e-3  # of full scale, RMS of a piece that has something which nobody said
NEAR: Final = 12  # hops around a piece that must be silent too: encoders spread a sound that begins at once
ABOVE: Final = (9000.0, 4500.0)  # Hz: nothing that either end says lies there
SPREAD: Final = 2048  # samples by which AAC, the film's own encoder, spreads what was kept: one of its blocks
FADE: Final = RATE // 200  # samples, as the film does
WIDE: Final = RATE // 4  # samples by which a stretch may lie elsewhere than the film as a whole
LONG: Final = RATE // 2  # samples of a stretch from which on its own place is looked for
ALIKE: Final = 0.5  # of 1, how well what was said must fit where it is found
SILENT_BELOW: Final = 1e-6  # of full scale

Cut = tuple[int, int]
"""A stretch that was kept: first sample of the film, and the one after its last."""
Which = Callable[[Samples, Samples], npt.NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class End:
    """One end of the call. dB, but for `lost` and `stray`: ms of missing speech, of sound that was not made; and
    `apart`: ms by which its stretches lie differently in the film, at most.

    `like`: what was said over what the film has beside it; `like_sealed`, `like_opus`: the same of the recording, and
    of the encoder alone. `film`: the recording over what the film has beside it. `above`, `above_sealed`: the loudest
    that film and recording have above all speech, of full scale.
    """

    like: float
    like_sealed: float
    like_opus: float
    film: float
    above: float
    above_sealed: float
    lost: int
    stray: int
    apart: float


@dataclass(frozen=True, slots=True)
class Heard:
    """`edges`: the loudest above all speech around an edge of the film, dB of full scale; `soft`, `hard`: of the
    recording there, if it faded and as it is. `between`: the loudest sample where nothing was kept, further from an
    edge than the film's encoder spreads. `kept`: seconds; `cuts`: gaps between two stretches."""

    ends: tuple[End, End]
    edges: float
    soft: float
    hard: float
    between: float
    kept: float
    cuts: int


def placed(said: Samples, film: Samples, kept: Sequence[Cut]) -> tuple[Samples, float]:
    """What was said at one end as it lies in the film, and by how many ms its stretches are apart. Silence elsewhere.

    Raises StageError where it is not in the film.
    """
    whole = _shift(said, film, -len(said), len(film))
    there = np.zeros(len(film))
    shifts = []
    for first, last in kept:
        there[first:last] = _taken(said, first - whole, last - whole)
        if last - first < LONG or _rms(there[first:last]) < SPOKEN / 4:
            continue  # too little of the call to tell where it lies by itself
        near = _taken(said, first - whole - WIDE, last - whole + WIDE)
        # `near` begins WIDE before the stretch would, if it lay as the whole does.
        shift = _shift(near, film[first:last], -2 * WIDE, 0) + WIDE
        shifts.append(shift)
        there[first:last] = _taken(said, first - whole - shift, last - whole - shift)
    if not shifts or _fit(there, film) < ALIKE:
        raise StageError("what was said is not in the film")
    return there, 1000 * (max(shifts) - min(shifts)) / RATE


@dataclass(frozen=True)
class Call:
    """`said`: as `placed` puts it; `opus`: the same through the encoder alone; `sealed`: the recording as it is."""

    said: Samples
    opus: Samples
    sealed: Samples
    film: Samples


def judged(call: Call, kept: Sequence[Cut], apart: tuple[float, float]) -> Heard:
    """`apart`: of each end, as `placed` says."""
    said, opus, sealed, film = call.said, call.opus, call.sealed, call.film
    inner = [(first + EDGE, last - EDGE) for first, last in kept if last - first > 4 * EDGE]
    ends = tuple(
        End(
            like=_likeness(said[:, end], film[:, end], inner),
            like_sealed=_likeness(said[:, end], sealed[:, end], inner),
            like_opus=_likeness(said[:, end], opus[:, end], inner),
            film=_likeness(sealed[:, end], film[:, end], inner),
            above=_above(film[:, end], inner, ABOVE[end]),
            above_sealed=_above(sealed[:, end], inner, ABOVE[end]),
            lost=_pieces(said[:, end], film[:, end], inner, _lost),
            stray=_pieces(said[:, end], film[:, end], inner, _stray),
            apart=apart[end],
        )
        for end in (0, 1)
    )
    between = np.ones(len(film), bool)
    for first, last in kept:
        between[max(first - SPREAD, 0) : last + SPREAD] = False
    edges = [(max(place - SPREAD, 0), place + SPREAD) for stretch in kept for place in stretch]
    soft = _faded(sealed, kept)
    return Heard(
        ends=(ends[0], ends[1]),
        edges=max(_above(film[:, end], edges, ABOVE[end]) for end in (0, 1)),
        soft=max(_above(soft[:, end], edges, ABOVE[end]) for end in (0, 1)),
        hard=max(_above(sealed[:, end], edges, ABOVE[end]) for end in (0, 1)),
        between=float(np.abs(film[between]).max(initial=0.0)),
        kept=sum(last - first for first, last in kept) / RATE,
        cuts=len(kept) - 1,
    )


def _taken(samples: Samples, first: int, last: int) -> Samples:
    """With silence for what lies outside."""
    taken = np.zeros(last - first)
    begin, end = max(first, 0), min(last, len(samples))
    if begin < end:
        taken[begin - first : end - first] = samples[begin:end]
    return taken


def _rms(samples: Samples) -> float:
    return float(np.sqrt(np.mean(samples**2)))


def _fit(one: Samples, other: Samples) -> float:
    """1 where they are alike but for how loud they are, 0 where they have nothing in common."""
    loud = float(np.sqrt(np.sum(one**2) * np.sum(other**2)))
    return float(np.sum(one * other)) / loud if loud else 0.0


def _shift(said: Samples, film: Samples, least: int, most: int) -> int:
    """By how many samples `said` lies later in the film than at its beginning, from `least` to `most`."""
    length = 1 << (len(said) + len(film) - 1).bit_length()
    found = np.fft.irfft(np.fft.rfft(film, length) * np.conj(np.fft.rfft(said, length)), length)
    places = np.arange(least, most + 1)
    return int(places[np.argmax(found[places % length])])


def _likeness(said: Samples, heard: Samples, stretches: Sequence[Cut]) -> float:
    signal = sum(float(np.sum(said[first:last] ** 2)) for first, last in stretches)
    beside = sum(float(np.sum((said[first:last] - heard[first:last]) ** 2)) for first, last in stretches)
    return round(10 * float(np.log10(max(signal, SILENT_BELOW) / max(beside, SILENT_BELOW))), 1)


def _lost(said: Samples, heard: Samples) -> npt.NDArray[np.bool_]:
    return np.asarray((said > SPOKEN) & (heard < MISSING * said))


def _stray(said: Samples, heard: Samples) -> npt.NDArray[np.bool_]:
    near = np.lib.stride_tricks.sliding_window_view(np.pad(said, NEAR), 2 * NEAR + 1).max(axis=1)
    return np.asarray((near < SILENT) & (heard > STRAY))


def _parts(samples: Samples, stretches: Sequence[Cut]) -> Iterator[Samples]:
    """Pieces of each stretch, one every `HOP`; a thousand at once, since a long one need not fit into memory."""
    for first, last in stretches:
        if last - first >= PIECE:
            pieces = np.lib.stride_tricks.sliding_window_view(samples[first:last], PIECE)[::HOP]
            yield from np.array_split(pieces, 1 + len(pieces) // 1000)


def _pieces(said: Samples, heard: Samples, stretches: Sequence[Cut], which: Which) -> int:
    """ms that are so; of what is longer than a piece its length, and up to two pieces more."""
    found = 0
    for stretch in stretches:
        loud = [
            np.concatenate([np.sqrt(np.mean(part**2, axis=1)) for part in _parts(one, [stretch])])
            for one in (said, heard)
        ]
        # Each piece that is so, with all that it holds.
        so = np.convolve(which(*loud), np.ones(PIECE // HOP), "full") > 0
        found += int(np.count_nonzero(so))
    return found * 1000 * HOP // RATE


def _above(samples: Samples, stretches: Sequence[Cut], band: float) -> float:
    """The loudest above `band` in any piece, dB of full scale."""
    loudest = SILENT_BELOW
    shape = np.hanning(PIECE)
    for part in _parts(samples, stretches):
        spectrum = np.fft.rfft(part * shape)
        spectrum[:, np.fft.rfftfreq(PIECE, 1 / RATE) < band] = 0
        loudest = max(loudest, float(np.abs(np.fft.irfft(spectrum, PIECE)).max(initial=0.0)))
    return round(20 * float(np.log10(loudest)), 1)


def _faded(samples: Samples, kept: Sequence[Cut]) -> Samples:
    faded = np.zeros_like(samples)
    for first, last in kept:
        steps = np.arange(last - first)
        share = np.minimum((np.minimum(steps, steps[::-1]) + 0.5) / FADE, 1)
        faded[first:last] = samples[first:last] * share[:, None]
    return faded
