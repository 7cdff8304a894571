"""Speech with its words, to measure recognisers by: recordings of people out of Debian packages, and synthetic calls.

`Sound` is one channel at the rate that recognisers take, unless a rate stands beside it.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
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
    "4111111111111111", "5425233430109903", "89370400440532013000", "017634567892", "739", "60313", "20270931",
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
AGENTS: Final = frozenset({"mb-de6", "mb-us2"})
VOICES: Final = {
    "mb-de6": ("de", "MBROLA de6"), "mb-de7": ("de", "MBROLA de7"),
    "mb-us2": ("en", "MBROLA us2"), "mb-us1": ("en", "MBROLA us1"),
}  # fmt: skip
# Lines of a call; numbers are written as they are said.
CALLS: Final = {
    "de": (
        ("agent", "Guten Tag, Sie sprechen mit der Kundenbetreuung, wie kann ich Ihnen helfen?"),
        ("customer", "Guten Tag, ich habe letzte Woche eine Rechnung bekommen, die ich nicht verstehe."),
        ("agent", "Das sehe ich mir gern an. Nennen Sie mir bitte Ihre Kundennummer."),
        ("customer", "Die Kundennummer ist vier acht zwei eins drei sieben null."),
        ("agent", "Vielen Dank. Im Januar wurden Ihnen zwei Monate berechnet, das ist ein Fehler."),
        ("customer", "Genau das meinte ich. Können Sie das bitte ändern?"),
        ("agent", "Ja, ich schreibe Ihnen den Betrag gut. Auf welche Bankverbindung sollen wir ihn überweisen?"),
        ("customer", "Auf dasselbe Konto wie immer, bei der Sparkasse in München."),
        ("agent", "Zur Sicherheit brauche ich noch Ihr Geburtsdatum und die Telefonnummer."),
        ("customer", "Meine Telefonnummer ist null eins sieben sechs drei vier fünf sechs sieben acht neun zwei."),
        ("agent", "Das habe ich notiert. Der Betrag ist in drei Tagen auf Ihrem Konto."),
        ("customer", "Sehr schön, dann warte ich bis Donnerstag. Vielen Dank für Ihre Hilfe."),
        ("agent", "Sehr gern. Ich wünsche Ihnen noch einen schönen Tag. Auf Wiederhören."),
        ("customer", "Danke, Ihnen auch. Auf Wiederhören."),
    ),
    "en": (
        ("agent", "Good morning, this is customer service, how may I help you today?"),
        ("customer", "Good morning, I received a bill last week that I do not understand."),
        ("agent", "Let me have a look. Could you give me your customer number, please?"),
        ("customer", "My customer number is four eight two one three seven zero."),
        ("agent", "Thank you. In January you were charged for two months, and that is a mistake."),
        ("customer", "That is exactly what I meant. Can you change that, please?"),
        ("agent", "Yes, I will refund the amount. Which account should we send it to?"),
        ("customer", "The same account as always, with the savings bank in Boston."),
        ("agent", "To be safe, I also need your date of birth and your telephone number."),
        ("customer", "My phone number is five five five zero one seven six three four two."),
        ("agent", "I have noted that down. The money will be in your account in three days."),
        ("customer", "Very good, then I will wait until Thursday. Thank you for your help."),
        ("agent", "You are welcome. I hope you have a wonderful day. Goodbye."),
        ("customer", "Thank you, the same to you. Goodbye."),
    ),
}


@dataclass(frozen=True)
class Speech:
    """`words`: what is said, in small letters without signs. `numbers`: strings of digits among them, each with the
    seconds from which till when it is said.
    """

    name: str
    language: str
    what: str
    sound: Sound
    words: str
    numbers: Sequence[tuple[str, float, float]] = ()


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


# -- sets with their words --------------------------------------------------------------------------------------------


def speeches() -> Iterator[Speech | str]:
    """Each set, or a sentence on why it is not here."""
    for language in ("de", "en"):
        yield _or_why(lambda language=language: _numbers(language))  # type: ignore[misc]
    yield _or_why(_lone)
    yield _or_why(_sentences)
    yield _or_why(_book)
    for voice, (language, what) in VOICES.items():
        yield _or_why(lambda voice=voice, language=language, what=what: _call(voice, language, what))  # type: ignore[misc]


def _or_why(made: Callable[[], Speech]) -> Speech | str:
    try:
        return made()
    except (OSError, subprocess.CalledProcessError) as error:
        return f"not run: {error}"


def _numbers(language: str) -> Speech:
    """Strings with 3 s between them."""
    parts, numbers, at = [np.zeros(3 * RATE, np.float32)], list[tuple[str, float, float]](), 3 * RATE
    for number in NUMBERS:
        parts += [digits(language, number), parts[0]]
        numbers.append((number, at / RATE, (at + len(parts[-2])) / RATE))
        at += len(parts[-2]) + len(parts[0])
    words = " ".join(DIGITS[language][int(digit)] for number in NUMBERS for digit in number)
    what = "recorded digits, 8 kHz" if language == "de" else "recorded digits"
    return Speech(f"{language}-numbers", language, what, np.concatenate(parts), words, numbers)


def _lone() -> Speech:
    sound = prompts("de", *LONE_FILES, pause=RATE // 2)
    return Speech("de-words", "de", "recorded days, months, numbers, 8 kHz", sound, LONE)


def _sentences() -> Speech:
    sound = prompts("en", *SENTENCES, pause=RATE)
    return Speech("en-prompts", "en", "recorded sentences", sound, " ".join(SENTENCES.values()))


def _book() -> Speech:
    parts, words = list[Sound](), list[str]()
    for folder, text in (("librivox", "transcription"), ("cards", "cards.transcription")):
        for line in (_BOOK / folder / text).read_text("utf-8").splitlines():
            said, _, name = line.rpartition("(")
            parts += [decoded(_BOOK / folder / f"{name.rstrip(')')}.wav"), np.zeros(RATE, np.float32)]
            words.append(said.replace("<s>", "").replace("</s>", "").strip())
    read = " ".join(words).replace("a more a amiable", "a more amiable")  # its transcript has one word too many
    return Speech("en-book", "en", "a book and cards, read", np.concatenate(parts), read)


def _call(voice: str, language: str, what: str) -> Speech:
    """One end's lines at a telephone's rate, with a little noise, 1.2 s between them."""
    who = "agent" if voice in AGENTS else "customer"
    lines = [line for one, line in CALLS[language] if one == who]
    with tempfile.TemporaryDirectory() as folder:
        parts = list[Sound]()
        for place, line in enumerate(lines):
            file = Path(folder) / f"{place}.wav"
            command = ["espeak-ng", "-v", voice, "-s", "150", "-w", str(file), line]
            # Without the voice of MBROLA it says so, and speaks with none.
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            if done.stderr or not file.exists():
                raise FileNotFoundError(f"espeak-ng has no voice {voice}, of Debian's mbrola-{voice[3:]} (non-free)")
            parts += [decoded(file), np.zeros(RATE * 6 // 5, np.float32)]
    sound = np.concatenate(parts)
    noise = np.random.default_rng(5).normal(0, 0.003, len(sound)).astype(np.float32)
    return Speech(f"{language}-{who}", language, what, sound + noise, " ".join(lines))
