"""The call of bench/sound: a talk with turns and pauses in a person's own voice, and what one takes.

A synthetic voice has no breath, no room and no two words that are alike. This is Allison Smith's, recorded for
Asterisk, 16 kHz, as Debian has it in asterisk-core-sounds-en-g722 (CC BY-SA 3.0). The agent's end has the noise of a
quiet room and the band of a headset, the caller's the band of a telephone and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from agent.core.model.media import Block, Chunk, ChunkKind
from agent.core.model.times import Span
from agent.encode.audio import BLOCK_LENGTH, SoundEncoder
from agent.encode.opus import FRAME
from bench.sound_account import HEARD
from protocol.envelope import SOUND_STREAM
from testkit.sounds import RATE
from testkit.speech import TELEPHONE, Spoken, limited, samples_in
from testkit.stage import StageError

AGENT, CALLER = 0, 1
HEADSET: Final = 8000.0  # Hz
ROOM: Final = 0.001  # of full scale: -60 dB
LEVEL: Final = 0.4  # of the loudest that is said
SEALED: Final = 92 + 16  # bytes that an envelope adds (docs/envelope.md)
PACKAGE: Final = "asterisk-core-sounds-en-g722"
PROMPTS: Final = Path("/usr/share/asterisk/sounds/en_US_f_Allison")
BETWEEN: Final = 0.12  # seconds between two recordings of one line

Line = tuple[int, str, float]
"""Who speaks, what, and how many seconds nobody says anything after it."""

# What is said, where the names of the files do not tell it, is beside them.
CALL: Final[tuple[Line, ...]] = (
    (AGENT, "queue-youarenext", 0.7),  # Your call is now first in line and will be answered by the next available ...
    (CALLER, "hello tt-weasels", 0.5),  # Weasels have eaten our phone system.
    (AGENT, "im-sorry privacy-prompt", 1.2),  # Please enter your phone number, starting with the area code.
    (CALLER, "digits/4 digits/8 digits/2 digits/1 digits/3 digits/7 digits/5 digits/0 digits/6 digits/9", 0.6),
    (AGENT, "auth-thankyou one-moment-please", 6.0),
    (AGENT, "followme/status", 0.4),  # The person you are calling is not at their desk; I will try to locate them ...
    (CALLER, "demo-nogo", 0.5),  # I am afraid I was unable to create a connection ... You may find some helpful ...
    (AGENT, "pls-hold-while-try", 4.0),
    (AGENT, "queue-periodic-announce", 0.7),  # All of our representatives are currently busy. Please stay on the ...
    (CALLER, "tt-monkeysintro", 0.4),  # They have been carried away by monkeys.
    (AGENT, "auth-thankyou goodbye", 1.5),
)
NUMBER: Final = 3  # the line in which a number is read out
BUSY: Final = 8  # the one that is the agent's longest


def scripted(lines: Sequence[Line], speak: Callable[[int, str], Spoken]) -> tuple[npt.NDArray[np.int16], list[float]]:
    """The call once, (samples, 2); and when each of its lines begins, s. `speak`: what that end makes of the words."""
    said = [(end, speak(end, text), pause) for end, text, pause in lines]
    length = sum(len(samples) + round(pause * RATE) for _, samples, pause in said)
    ends = np.zeros((2, length))
    place, begins = 0, []
    for end, samples, pause in said:
        begins.append(place / RATE)
        ends[end, place : place + len(samples)] = samples
        place += len(samples) + round(pause * RATE)
    for end, band in ((AGENT, HEADSET), (CALLER, TELEPHONE)):
        ends[end] = limited(ends[end], band)
        ends[end] *= LEVEL / np.abs(ends[end]).max()
    ends[AGENT] += np.random.default_rng(1).normal(0, ROOM, length)
    return np.asarray((ends.T * 32_767).astype("<i2")), begins


def chunks_of(samples: npt.NDArray[np.int16]) -> Iterator[Chunk]:
    """What the recorder's encoder makes of (samples, 2), its header first; without what is left of the last block."""
    encoder = SoundEncoder(0)
    blocks = len(samples) // FRAME
    for number in range(blocks):
        at = number * BLOCK_LENGTH
        raw = samples[number * FRAME : (number + 1) * FRAME].tobytes()
        yield from encoder.encode(Block(SOUND_STREAM, Span(at, at + BLOCK_LENGTH), at, number * FRAME, raw))
    yield from encoder.close(blocks * BLOCK_LENGTH)


def mb_per_hour(samples: npt.NDArray[np.int16]) -> float:
    """Of sealed chunks, as the recorder makes them of it."""
    size = sum(len(chunk.data) + SEALED for chunk in chunks_of(samples) if chunk.kind is ChunkKind.MEDIA)
    return size / 1e6 / (len(samples) // FRAME * FRAME / RATE / 3600)


def told() -> str:
    """What the call takes, in one line. Nothing is played; what sealing adds to each chunk is counted."""
    samples, _ = scripted(CALL, voice)
    tenths = samples[: len(samples) // (RATE // 10) * (RATE // 10)].reshape(-1, RATE // 10, 2)
    speaking = float((np.abs(tenths.astype(int)).max(axis=(1, 2)) > HEARD * 32_767).mean())
    length = len(samples) / RATE
    return f"a call of {length:.0f} s, {100 * speaking:.0f} % of it spoken: {mb_per_hour(samples):.1f} MB an hour"


def voice(_end: int, names: str) -> Spoken:
    """Those recordings one after another, at `RATE`; either end has the same voice.

    Raises StageError where they are not installed.
    """
    between = np.zeros(round(BETWEEN * RATE))
    parts = []
    for file in (PROMPTS / f"{name}.g722" for name in names.split()):
        if not file.is_file():
            raise StageError(f"{file} is missing; on Debian scripts/setup --for test installs it, with {PACKAGE}")
        parts += [between, samples_in(file, "g722")]
    return np.concatenate(parts[1:])
