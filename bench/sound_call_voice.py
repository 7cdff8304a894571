"""The call of bench/sound in a person's own voice: what a telephone system says, put together as a talk.

Allison Smith's recordings for Asterisk, 16 kHz, as Debian has them in asterisk-core-sounds-en-g722 (CC BY-SA 3.0). A
synthetic voice has no breath, no room and no two words that are alike.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import av
import numpy as np

from bench.sound_account import RATE
from bench.sound_play import Spoken
from bench.sound_talk import AGENT, CALLER, Line
from testkit.stage import StageError

PACKAGE: Final = "asterisk-core-sounds-en-g722"
PROMPTS: Final = Path("/usr/share/asterisk/sounds/en_US_f_Allison")
BETWEEN: Final = 0.12  # seconds between two recordings of one line

# What is said, where the names of the files do not tell it, is beside them.
CALL: Final[tuple[Line, ...]] = (
    (AGENT, "queue-youarenext", 0.7),  # Your call is now first in line and will be answered by the next available ...
    (CALLER, "hello tt-weasels", 0.5),  # Weasels have eaten our phone system.
    (AGENT, "im-sorry privacy-prompt", 1.2),  # Please enter your phone number, starting with the area code.
    (
        CALLER,
        "digits/4 digits/8 digits/2 digits/1 digits/3 digits/7 digits/5 digits/0 digits/6 digits/9",
        0.6,
    ),
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


def voice(_end: int, names: str) -> Spoken:
    """Those recordings one after another, at `RATE`; either end has the same voice.

    Raises StageError where they are not installed.
    """
    between = np.zeros(round(BETWEEN * RATE))
    parts = [part for name in names.split() for part in (between, _recording(PROMPTS / f"{name}.g722"))]
    return np.concatenate(parts[1:])


def _recording(file: Path) -> Spoken:
    if not file.is_file():
        raise StageError(f"{file} is missing; on Debian scripts/setup --for test installs it, with {PACKAGE}")
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    with av.open(str(file), format="g722") as container:
        frames = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    frames += resampler.resample(None)
    return np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames]).astype(np.float64)
