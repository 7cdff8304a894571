"""A picture of a recorded call: what each end said, above what the recording has of it, and where nothing was kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from bench.sound_call_heard import RATE, Cut, Samples
from testkit.desk import AMBER, INK, PAPER, SMALL, TEXT

WIDTH: Final = 1200
HEIGHT: Final = 120  # pixels of one row
MARGIN: Final = 16
CAPTION: Final = 24
UP_TO: Final = 10_000.0  # Hz at the top of a row
WINDOW: Final = RATE // 25
FLOOR: Final = -90.0  # dB that are drawn as nothing
ROWS: Final = ("the agent, as spoken", "the agent, as recorded", "the caller, as spoken", "the caller, as recorded")


def draw(said: Samples, film: Samples, kept: Sequence[Cut], to: Path) -> None:
    """Writes a PNG to `to`. `said` as it lies in the film: it is known only where something was kept."""
    rows = (said[:, 0], film[:, 0], said[:, 1], film[:, 1])
    bottom = MARGIN + len(ROWS) * (CAPTION + HEIGHT) + CAPTION
    picture = Image.new("RGB", (WIDTH + 2 * MARGIN, bottom + MARGIN), PAPER)
    pen = ImageDraw.Draw(picture)
    for number, (name, samples) in enumerate(zip(ROWS, rows, strict=True)):
        top = MARGIN + number * (CAPTION + HEIGHT)
        pen.text((MARGIN, top), name, INK, TEXT)
        picture.paste(Image.fromarray(_spectrogram(samples)), (MARGIN, top + CAPTION))
        for first, last in _between(kept, len(film)):
            left, right = (MARGIN + WIDTH * place // len(film) for place in (first, last))
            pen.rectangle((left, top + CAPTION, right, top + CAPTION + HEIGHT - 1), AMBER)
    seconds = len(film) / RATE
    for second in range(0, int(seconds) + 1, 10):
        pen.text((MARGIN + WIDTH * second / seconds, bottom - CAPTION + 4), f"{second} s", INK, SMALL)
    pen.text((MARGIN + WIDTH - 420, MARGIN), "orange: not kept. Height: 0 to 10 kHz", INK, SMALL)
    picture.save(to)


def _between(kept: Sequence[Cut], length: int) -> list[Cut]:
    ends = [0, *(place for stretch in kept for place in stretch), length]
    return [(first, last) for first, last in zip(ends[::2], ends[1::2], strict=True) if last > first]


def _spectrogram(samples: Samples) -> npt.NDArray[np.uint8]:
    """(HEIGHT, WIDTH): dark where there is sound."""
    shape = np.hanning(WINDOW)
    starts = np.linspace(0, len(samples) - WINDOW, WIDTH).astype(int)
    columns = np.stack([np.abs(np.fft.rfft(samples[start : start + WINDOW] * shape)) for start in starts], axis=1)
    top = round(UP_TO * WINDOW / RATE)
    rows = np.linspace(top, 0, HEIGHT).astype(int)
    level = 20 * np.log10(np.maximum(columns[rows] / (WINDOW / 4), 1e-9))
    return np.asarray(255 * np.clip(level / FLOOR, 0, 1), np.uint8)
