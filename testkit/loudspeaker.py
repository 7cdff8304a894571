"""What comes out of a loudspeaker: recorded at the monitor of a private sound server, with the wall clock's time."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, Final
from unittest.mock import patch

import numpy as np
import numpy.typing as npt

from testkit import bidi, devtools
from testkit.player_page import Page
from testkit.sounds import RATE, SoundServer

PIECE: Final = RATE // 100
QUIET: Final = 30  # pieces
LOUD: Final = 300  # of 32,767
LATEST: Final = 20  # seconds of sound, in which what a test waits for has to come
HEARD: Final = 0.8  # seconds that are judged
BROAD: Final = 0.05  # of a tone's frequency
Samples = npt.NDArray[np.float64]
"""(samples, 2), as 16 bit have them."""


class Monitor:
    """Reads piece by piece."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._at = 0  # samples
        self._begin = float("inf")  # the wall clock's seconds at sample 0: of the piece that came with the least delay

    def read(self) -> Samples:
        """(PIECE, 2)."""
        read = self._stream.read(4 * PIECE)
        assert len(read) == 4 * PIECE, "the sound server has ended"
        self._at += PIECE
        self._begin = min(self._begin, time.time() - self._at / RATE)
        return np.frombuffer(read, "<i2").reshape(-1, 2).astype(float)

    def _pieces(self, awaited: str) -> Iterator[Samples]:
        for _ in range(LATEST * RATE // PIECE):
            yield self.read()
        raise TimeoutError(f"no {awaited} within {LATEST} s")

    def until_quiet(self) -> None:
        quiet = 0
        for piece in self._pieces("silence"):
            quiet = quiet + 1 if not loud(piece).size else 0
            if quiet == QUIET:
                return

    def heard(self, seconds: float = HEARD) -> Samples:
        """So much without a hole, which a busy machine makes."""
        pieces: list[Samples] = []
        for piece in self._pieces("sound without a hole"):
            pieces = [*pieces, piece] if loud(piece).size else []
            if len(pieces) * PIECE >= seconds * RATE:
                break
        return np.concatenate(pieces)

    def onset(self) -> float:
        """The wall clock's seconds at the next sound."""
        at = next(self._at - PIECE + int(found[0]) for piece in self._pieces("sound") if (found := loud(piece)).size)
        for _ in range(QUIET):
            self.read()  # for the clock
        return self._begin + at / RATE


def loud(piece: Samples) -> Any:
    """Places of what can be heard."""
    return np.flatnonzero(np.abs(piece).max(axis=1) > LOUD)


def pitch(samples: Samples) -> float:
    """Hz of the loudest tone of one channel: the middle of its peak, which speeding up broadens. 0: it is silent."""
    if not samples.any():
        return 0.0
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    hertz = np.arange(len(power)) * RATE / len(samples)
    peak = np.abs(hertz - hertz[power.argmax()]) < BROAD * hertz[power.argmax()]
    return float((hertz[peak] * power[peak]).sum() / power[peak].sum())


@contextmanager
def listening(server: SoundServer, sink: str = "farend") -> Iterator[Monitor]:
    command = ["parec", f"--device={sink}.monitor", f"--rate={RATE}", "--channels=2", "--format=s16le",
               "--latency-msec=5", "--raw"]  # fmt: skip
    around = {**os.environ, "PULSE_SERVER": server.address}
    with subprocess.Popen(command, env=around, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield Monitor(process.stdout)
        finally:
            process.terminate()


@contextmanager
def heard_browser(name: str, server: SoundServer, folder: Path) -> Iterator[Page]:
    """Chromium or Firefox, whose sound goes to that server."""
    with ExitStack() as stack:
        with patch.dict(os.environ, {"PULSE_SERVER": server.address}):
            page: Page = stack.enter_context((devtools if name == "chromium" else bidi).headless(folder))
        yield page
