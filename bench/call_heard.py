"""What a person hears of a recorded call, in figures: the film's sound beside what was said, and its cuts.

Pure: samples go in, figures come out. Everything is at 48 kHz, from -1 to 1; (samples, 2): the agent's
end, the caller's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from bench.stage import StageError

RATE: Final = 48_000
PIECE: Final = RATE // 50  # samples that are judged together: 20 ms
EDGE: Final = RATE // 50  # samples at both ends of a stretch that are left out of the likeness: they fade
SPOKEN: Final = 0.01  # of full scale, RMS of a piece in which somebody speaks
MISSING: Final = 0.1  # of what was said, below which a piece was lost: 20 dB
SILENT: Final = 1e-3  # of full scale, RMS of a piece in which nobody speaks; a headset's noise is as loud
STRAY: Final = 4e-3  # of full scale, RMS of a piece that has something which nobody said
NEAR: Final = 3  # pieces around one that must be silent too: encoders spread a sound that begins at once
CLICK: Final = RATE // 200  # samples before and after an edge in which a click is looked for
ABOVE: Final = (9000.0, 4500.0)  # Hz: nothing that either end says lies there
SPREAD: Final = 2048  # samples by which AAC, the film's own encoder, spreads what was kept: one of its blocks
SILENCE: Final = 1e-6  # of full scale
WIDE: Final = RATE // 4  # samples by which a stretch may lie elsewhere than the film as a whole

Samples = npt.NDArray[np.float64]
Cut = tuple[int, int]
"""A stretch that was kept: first sample of the film, and the one after its last."""


@dataclass(frozen=True, slots=True)
class End:
    """One end of the call. `like`: dB of what was said over what was heard beside it; `above`: the loudest within a
    stretch that lies above all speech, dB of full scale; `opus` and `opus_above`: the same of the encoder alone.

    `lost`: ms in which somebody speaks and the film does not; `stray`: ms that nobody said. `apart`: ms by which its
    stretches lie differently in the film, at most.
    """

    like: float
    opus: float
    above: float
    opus_above: float
    lost: int
    stray: int
    apart: float


@dataclass(frozen=True, slots=True)
class Heard:
    """`clicks`: dB of full scale, the loudest that an edge has above all speech; `hard`: if it were cut without fading.
    `gaps`: the loudest sample where nothing was kept, further from an edge than the film's encoder spreads. `kept`:
    seconds; `cuts`: how many edges."""

    ends: tuple[End, End]
    clicks: float
    hard: float
    gaps: float
    kept: float
    cuts: int


Which = Callable[[Samples, Samples], npt.NDArray[np.bool_]]


def placed(said: Samples, film: Samples, kept: Sequence[Cut]) -> tuple[Samples, float]:
    """What was said at one end as it lies in the film, and by how many ms its stretches are apart. Silence elsewhere.

    Raises StageError where it is not in the film at all.
    """
    whole = _shift(said, film)
    there = np.zeros(len(film))
    shifts = []
    for first, last in kept:
        near = _taken(said, first - whole - WIDE, last - whole + WIDE)
        if np.sqrt(np.mean(near**2)) < SPOKEN / 4:
            shift = 0  # nobody spoke: nothing tells where it lies
        else:
            # By where `near` itself begins in the stretch, if it lay as the whole does: WIDE earlier.
            shift = _shift(near, film[first:last]) + WIDE
            shifts.append(shift)
        there[first:last] = _taken(said, first - whole - shift, last - whole - shift)
    if not shifts:
        raise StageError("nothing of what was said is in the film")
    return there, 1000 * (max(shifts) - min(shifts)) / RATE


def judged(said: Samples, opus: Samples, film: Samples, kept: Sequence[Cut], apart: tuple[float, float]) -> Heard:
    """`said`: as `placed` puts it; `opus`: the same through the encoder alone, stretch by stretch, without fading."""
    inner = [(first + EDGE, last - EDGE) for first, last in kept if last - first > 4 * EDGE]
    ends = tuple(
        End(
            like=_likeness(said[:, end], film[:, end], inner),
            opus=_likeness(said[:, end], opus[:, end], inner),
            above=_above(film[:, end], inner, ABOVE[end]),
            opus_above=_above(opus[:, end], inner, ABOVE[end]),
            lost=_pieces(said[:, end], film[:, end], inner, _lost),
            stray=_pieces(said[:, end], film[:, end], inner, _stray),
            apart=apart[end],
        )
        for end in (0, 1)
    )
    edges = [place for first, last in kept for place in (first, last) if CLICK < place < len(film) - CLICK]
    between = np.ones(len(film), bool)
    for first, last in kept:
        between[max(first - SPREAD, 0) : last + SPREAD] = False
    return Heard(
        ends=(ends[0], ends[1]),
        clicks=_clicks(film, edges),
        hard=_clicks(opus, edges),
        gaps=float(np.abs(film[between]).max(initial=0.0)),
        kept=sum(last - first for first, last in kept) / RATE,
        cuts=len(edges),
    )


def _taken(samples: Samples, first: int, last: int) -> Samples:
    """With silence for what lies outside."""
    taken = np.zeros(last - first)
    begin, end = max(first, 0), min(last, len(samples))
    if begin < end:
        taken[begin - first : end - first] = samples[begin:end]
    return taken


def _shift(said: Samples, film: Samples) -> int:
    """By how many samples `said` lies later in the film than at its beginning."""
    length = 1 << (len(said) + len(film) - 1).bit_length()
    found = np.fft.irfft(np.fft.rfft(film, length) * np.conj(np.fft.rfft(said, length)), length)
    place = int(np.argmax(found))
    return place if place <= len(film) else place - length


def _likeness(said: Samples, heard: Samples, stretches: Sequence[Cut]) -> float:
    signal = sum(float(np.sum(said[first:last] ** 2)) for first, last in stretches)
    beside = sum(float(np.sum((said[first:last] - heard[first:last]) ** 2)) for first, last in stretches)
    return round(10 * float(np.log10(signal / max(beside, 1e-12))), 1)


def _lost(said: Samples, heard: Samples) -> npt.NDArray[np.bool_]:
    return (said > SPOKEN) & (heard < MISSING * said)


def _stray(said: Samples, heard: Samples) -> npt.NDArray[np.bool_]:
    near = np.lib.stride_tricks.sliding_window_view(np.pad(said, NEAR), 2 * NEAR + 1).max(axis=1)
    return np.asarray((near < SILENT) & (heard > STRAY))


def _pieces(said: Samples, heard: Samples, stretches: Sequence[Cut], which: Which) -> int:
    """ms of the pieces that are so."""
    count = 0
    for first, last in stretches:
        whole = (last - first) // PIECE * PIECE
        loud = [np.sqrt(np.mean(one[first : first + whole].reshape(-1, PIECE) ** 2, axis=1)) for one in (said, heard)]
        count += int(np.count_nonzero(which(*loud)))
    return count * 1000 * PIECE // RATE


def _above(samples: Samples, stretches: Sequence[Cut], band: float) -> float:
    """The loudest above `band` in any piece, dB of full scale."""
    loudest = SILENCE
    shape = np.hanning(PIECE)
    for first, last in stretches:
        pieces = np.lib.stride_tricks.sliding_window_view(samples[first:last], PIECE)[:: PIECE // 2]
        for part in np.array_split(pieces, 1 + len(pieces) // 1000):  # a long stretch need not fit into memory
            loudest = max(loudest, float(np.abs(_without_speech(part * shape, band)).max(initial=0.0)))
    return _db(loudest)


def _clicks(samples: Samples, edges: Sequence[int]) -> float:
    """As `_above`, within `CLICK` of an edge, at either end."""
    loudest = SILENCE
    shape = np.hanning(2 * CLICK)
    for end, band in enumerate(ABOVE):
        for place in edges:
            part = samples[place - CLICK : place + CLICK, end] * shape
            loudest = max(loudest, float(np.abs(_without_speech(part, band)).max()))
    return _db(loudest)


def _without_speech(samples: Samples, band: float) -> Samples:
    length = samples.shape[-1]
    spectrum = np.fft.rfft(samples)
    spectrum[..., np.fft.rfftfreq(length, 1 / RATE) < band] = 0
    return np.fft.irfft(spectrum, length)


def _db(level: float) -> float:
    return round(20 * float(np.log10(level)), 1)
