"""What an ordinary call takes: a scripted talk with turns and pauses, through the recorder's own encoder.

Nothing of it is played. The agent's end has the noise of a quiet room and the band of a headset, the caller's the band
of a telephone and nothing else. What sealing adds (108 bytes for each chunk of four seconds) is counted.
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
from bench.sound_account import HEARD, RATE
from bench.sound_play import TELEPHONE, VOICES, Spoken, limited, spoken
from protocol.envelope import SOUND_STREAM

AGENT, CALLER = 0, 1
HEADSET: Final = 8000.0  # Hz
ROOM: Final = 0.001  # of full scale: -60 dB
LEVEL: Final = 0.4  # of the loudest that is said
SEALED: Final = 92 + 16  # bytes that an envelope adds (docs/envelope.md)

Line = tuple[int, str, float]
"""Who speaks, what, and how many seconds nobody says anything after it."""

TALK: Final[tuple[Line, ...]] = (
    (AGENT, "Good morning, you are speaking to Anna. How can I help you?", 0.7),
    (CALLER, "Hello. I ordered a coat two weeks ago, and it has not arrived yet.", 0.5),
    (AGENT, "I am sorry to hear that. Could you tell me the order number, please?", 1.2),
    (CALLER, "Yes, one moment. It is four eight two, one three, seven.", 0.6),
    (AGENT, "Thank you. Let me look that up for you.", 9.0),
    (
        AGENT,
        "I can see it now. It left the depot on Monday, and came back because nobody was at home.",
        0.4,
    ),
    (CALLER, "That is odd. I was at home all day.", 0.5),
    (AGENT, "I understand. I will ask the driver to call before the next try. Is tomorrow afternoon fine?", 0.9),
    (CALLER, "Tomorrow is fine, after two, please.", 0.4),
    (AGENT, "I will note that down.", 6.0),
    (AGENT, "It is done. You will have a message in the morning. Is there anything else that I can do for you?", 0.8),
    (CALLER, "No, that was all. Thank you, and have a nice day.", 0.4),
    (AGENT, "You, too. Goodbye.", 1.5),
)


def talk(folder: Path) -> npt.NDArray[np.int16]:
    """The call once, (samples, 2). Raises StageError without espeak-ng."""
    return scripted(TALK, lambda end, text: spoken(VOICES[end], text, folder))[0]


def scripted(lines: Sequence[Line], speak: Callable[[int, str], Spoken]) -> tuple[npt.NDArray[np.int16], list[float]]:
    """As `talk`, of these `lines`; and when each of them begins, s. `speak`: what that end makes of the words."""
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


def told(samples: npt.NDArray[np.int16]) -> str:
    """In one line."""
    tenths = samples[: len(samples) // (RATE // 10) * (RATE // 10)].reshape(-1, RATE // 10, 2)
    speaking = float((np.abs(tenths.astype(int)).max(axis=(1, 2)) > HEARD * 32_767).mean())
    length = len(samples) / RATE
    return f"a call of {length:.0f} s, {100 * speaking:.0f} % of it spoken: {mb_per_hour(samples):.1f} MB an hour"
