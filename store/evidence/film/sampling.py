"""Has sealed sound decoded by a confined process (docs/decisions/0037), for a recogniser: one channel, at 16 kHz.

Sound goes there and comes back through pipes, so that none of it is ever in a file. What that process says is as
little to be trusted as what it decodes.
"""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from enum import IntEnum
from threading import Event, Thread
from typing import IO, Final

import numpy as np
from numpy.typing import NDArray

from store.clock import SECOND
from store.evidence.film import CannotPlay
from store.evidence.film.apart import environment

RATE: Final = 16_000  # Hz
BLOCK: Final = struct.Struct("<qi")  # place of its first sample, how many; or one of `Said` and -1, and no more follows
STALLED_AFTER: Final = 300  # s without a further block: ten minutes of sound take one
_MOST: Final = 2**20  # samples of a block; a packet has 320
_CPU: Final = 120  # s, of which an hour of sound takes 25 or so
_CPU_EACH: Final = 30  # s of sound for one more


class Said(IntEnum):
    """How it ended."""

    DONE = 0
    NO_SOUND = 1
    UNDECODABLE = 2
    MEMORY = 3


WHY: Final = {
    Said.NO_SOUND: "it holds no sound",
    Said.UNDECODABLE: "no decoder takes it",
    Said.MEMORY: "it needs more memory than it may have",
}


def command(channel: int, length: int) -> list[str]:
    """`length`: ns of sound."""
    words = (os.getpid(), channel, _CPU + length // (_CPU_EACH * SECOND))
    return [sys.executable, "-I", "-m", "store.evidence.film.sampler", *map(str, words)]


def samples(
    pieces: Iterable[bytes], channel: int, length: int, *, beat: Callable[[int], None], every: float = 1.0
) -> NDArray[np.int16]:
    """`length` ns at RATE, silent where the stream has nothing. `pieces`: the stream, header first.

    `beat`: called each `every` seconds with the place of the last sample so far; what it raises, and what `pieces`
    raises, passes. Raises CannotPlay, and OSError where the process cannot be started.
    """
    with subprocess.Popen(
        command(channel, length),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # what it writes there a hostile stream may have chosen
        cwd=os.sep,
        env=environment(),
    ) as sampler:
        assert sampler.stdin is not None and sampler.stdout is not None  # noqa: S101, PT018 - both are pipes
        poured, taken = _Pour(pieces, sampler.stdin), _Take(sampler.stdout, length * RATE // SECOND)
        try:
            poured.start()
            taken.start()
            _wait(taken, beat, every)
        finally:
            sampler.kill()  # with which both threads end
            poured.join()
            taken.join()
    if poured.error is not None:
        raise poured.error
    if taken.said is not Said.DONE:
        raise CannotPlay(WHY[taken.said] if taken.said else "the process that decodes it ended before it was done")
    return taken.samples


def _wait(taken: _Take, beat: Callable[[int], None], every: float) -> None:
    last, beats = -1, 0
    while not taken.over.wait(every):
        beat(taken.until)
        beats = 0 if taken.until != last else beats + 1
        last = taken.until
        if beats * every > STALLED_AFTER:
            return


class _Pour(Thread):
    """`error`: of what it was to pour."""

    def __init__(self, pieces: Iterable[bytes], to: IO[bytes]) -> None:
        super().__init__(name="pour", daemon=True)
        self._pieces, self._to = pieces, to
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            for piece in self._pieces:
                try:
                    self._to.write(piece)
                except BrokenPipeError:
                    return  # it ended, and says why
        except Exception as error:  # noqa: BLE001 - raised again where it was asked for
            self.error = error
        finally:
            with suppress(BrokenPipeError):
                self._to.close()


class _Take(Thread):
    """`said`: None until it said how it ended, and where it said what it may not."""

    def __init__(self, of: IO[bytes], count: int) -> None:
        super().__init__(name="take", daemon=True)
        self._of = of
        self.samples: NDArray[np.int16] = np.zeros(count, np.int16)
        self.until = 0
        self.said: Said | None = None
        self.over = Event()

    def run(self) -> None:
        try:
            while len(head := self._of.read(BLOCK.size)) == BLOCK.size:
                at, count = BLOCK.unpack(head)
                if count == -1:
                    self.said = Said(at) if at in set(Said) else None
                    return
                if not (at >= 0 and 0 <= count <= _MOST):
                    return
                block = np.frombuffer(self._of.read(2 * count), np.int16)
                room = self.samples[at : at + len(block)]  # none beyond the recording's end
                room[:] = block[: len(room)]
                self.until = max(self.until, at + len(room))
        except ValueError:
            return  # half a sample: it was ended
        finally:
            self.over.set()
