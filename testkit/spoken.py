"""Speech with its words, to measure recognisers by: recordings of people out of Debian packages, and synthetic calls.

`Sound` is one channel at the rate that recognisers take, unless a rate stands beside it.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import av
import numpy as np

from review.analysis.speech.port import RATE, Sound

_VOICES: Final = {
    "en": (Path("/usr/share/asterisk/sounds/en_US_f_Allison"), "g722"),
    "de": (Path("/usr/share/asterisk/sounds/de"), "gsm"),  # 8 kHz
}
_BOOK: Final = Path("/usr/share/pocketsphinx/test/data")
_PAUSE: Final = RATE // 10
DIGITS: Final = {
    "de": ("null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun"),
    "en": ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
}
# As long as the numbers that people say: cards, an IBAN's digits, phones, security codes.
NUMBERS: Final = (
    "4111111111111111", "5500005555555559", "89370400440532013000", "017634567892", "739", "60313", "20270931",
    "86095742719", "4242",
)  # fmt: skip
# What the prompts of these names say.
SENTENCES: Final = {
    "conf-lockednow": "the conference is now locked",
    "conf-onlyone": "there is currently one other participant in the conference",
    "queue-youarenext": "your call is now first in line and will be answered by the next available representative",
    "ss-noservice": "the number you have dialed is not in service please check the number and try again",
    "pbx-invalidpark": "i am sorry there is no call parked on that extension please try again",
    "privacy-prompt": "please enter your phone number starting with the area code",
    "demo-echotest": "you are about to enter an echo test in this mode everything you say will be repeated back to you "
    "just as soon as it is received the purpose of this test is to give you an audible sense of the latency between "
    "you and the machine that is running the echo test application you may end the test by hanging up or by pressing "
    "the pound key",
}
# The recorded words of German that stand alone: days, months, numbers, in the order of `LONE_FILES`.
LONE_FILES: Final = (
    *(f"digits/day-{day}" for day in range(7)), *(f"digits/mon-{month}" for month in range(12)),
    *(f"digits/{number}" for number in (11, 12, 13, 16, 17, 20, 30, 40, 50, 60, 70, 80, 90)),
)  # fmt: skip
LONE: Final = (
    "sonntag montag dienstag mittwoch donnerstag freitag samstag januar februar märz april mai juni juli august "
    "september oktober november dezember elf zwölf dreizehn sechzehn siebzehn zwanzig dreißig vierzig fünfzig sechzig "
    "siebzig achtzig neunzig"
)


@dataclass(frozen=True)
class Speech:
    """`words`: what is said, in small letters without signs. `numbers`: strings of digits among them."""

    name: str
    language: str
    what: str
    sound: Sound
    words: str
    numbers: Sequence[str] = ()


def decoded(file: Path, form: str | None = None) -> Sound:
    """A file of sound, one channel. Raises OSError where it is missing."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    with av.open(str(file), format=form) as container:
        frames = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    frames += resampler.resample(None)
    return np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames])


def prompts(language: str, *names: str, pause: int = _PAUSE) -> Sound:
    """Prompts of one recorded voice, one behind the other. `pause`: samples between them."""
    folder, form = _VOICES[language]
    parts = list[Sound]()
    for name in names:
        parts += [decoded(folder / f"{name}.{form}", form), np.zeros(pause, np.float32)]
    return np.concatenate(parts)


def digits(language: str, number: str) -> Sound:
    """Digit by digit, 0.1 s between them."""
    return prompts(language, *(f"digits/{digit}" for digit in number))
