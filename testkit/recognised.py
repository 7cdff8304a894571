"""`scripts/bench analyst`: how well and how fast what was said is recognised, beside a smaller model.

Word error rate: words left out, added and changed, of those that are said. Figures and words for digits count as single
digits. What is measured is `review.analysis.speech.transcribe` as the worker will call it, at one thread.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from review.analysis.spans import MILLISECOND, SECOND
from review.analysis.speech.model_files import read_model
from review.analysis.speech.pcm import Pcm
from review.analysis.speech.port import RATE
from review.analysis.speech.transcribe import transcribe
from review.analysis.speech.transcript import Settings, Transcript
from review.analysis.speech.whisper import Whisper
from testkit.speech_models import BASE, TINY, models
from testkit.spoken import DIGITS, Speech, speeches

USUAL: Final = Settings()
AS_DELIVERED: Final = Settings(speech_from=0.5, pad=400 * MILLISECOND)
# What is compared: model, settings, languages.
COMPARED: Final[Mapping[str, tuple[str, Settings, tuple[str, ...]]]] = {
    "base": (BASE, USUAL, ("de", "en")),
    "base, voice detection as delivered": (BASE, AS_DELIVERED, ("de", "en")),
    "tiny.en": (TINY, USUAL, ("en",)),
}
QUICK: Final = ("de-numbers", "de-words", "en-numbers", "en-book", "de-customer", "en-customer")
_SAME: Final = {"mr": "mister", "ok": "okay", "dialled": "dialed"}
_TENS: Final = {
    "zehn": "10", "elf": "11", "zwölf": "12", "dreizehn": "13", "sechzehn": "16", "siebzehn": "17", "zwanzig": "20",
    "dreißig": "30", "vierzig": "40", "fünfzig": "50", "sechzig": "60", "siebzig": "70", "achtzig": "80",
    "neunzig": "90", "ten": "10", "eleven": "11", "twelve": "12",
}  # fmt: skip


def plain(text: str, language: str) -> list[str]:
    """Small letters and single digits, without signs."""
    found = list[str]()
    for word in re.findall(r"[^\W_]+(?:'[^\W_]+)*", text.lower()):
        if word in DIGITS[language]:
            found.append(str(DIGITS[language].index(word)))
        else:
            same = _TENS.get(word, _SAME.get(word, word))
            found += list(same) if same.isdigit() else [same]
    return found


def aligned(said: Sequence[str], heard: Sequence[str]) -> tuple[int, list[bool]]:
    """How many words were left out, added or changed, at least; and of each that was heard whether it is right."""
    rows = [list(range(len(heard) + 1))]
    for place, word in enumerate(said, 1):
        row = [place]
        for at, other in enumerate(heard, 1):
            row.append(min(rows[-1][at] + 1, row[-1] + 1, rows[-1][at - 1] + (word != other)))
        rows.append(row)
    right, i, j = [False] * len(heard), len(said), len(heard)
    while i and j:
        if rows[i][j] == rows[i - 1][j - 1] + (said[i - 1] != heard[j - 1]):
            right[j - 1] = said[i - 1] == heard[j - 1]
            i, j = i - 1, j - 1
        elif rows[i][j] == rows[i][j - 1] + 1:
            j -= 1
        else:
            i -= 1
    return rows[-1][-1], right


@dataclass
class Score:
    """Sums. `unsure`, `sure`: words that were heard, and how many of them are wrong."""

    said: int = 0
    errors: int = 0
    cpu: float = 0.0
    audio: float = 0.0
    exact: int = 0
    numbers: int = 0
    unsure: list[int] = field(default_factory=lambda: [0, 0])
    sure: list[int] = field(default_factory=lambda: [0, 0])

    def add(self, other: Score) -> None:
        for name in ("said", "errors", "cpu", "audio", "exact", "numbers"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for mine, its in ((self.unsure, other.unsure), (self.sure, other.sure)):
            mine[0], mine[1] = mine[0] + its[0], mine[1] + its[1]

    def facts(self) -> dict[str, Any]:
        return {
            "wer": round(self.errors / max(self.said, 1), 4), "words": self.said, "audio_s": round(self.audio, 1),
            "cpu_s_per_audio_s": round(self.cpu / max(self.audio, 1e-9), 4),
            "numbers_exact": self.exact, "numbers": self.numbers,
            "unsure": self.unsure[0], "unsure_wrong": self.unsure[1], "sure": self.sure[0], "sure_wrong": self.sure[1],
        }  # fmt: skip


def scored(speech: Speech, transcript: Transcript, cpu: float) -> Score:
    said, heard, of_word = plain(speech.words, speech.language), list[str](), list[int]()
    for place, word in enumerate(transcript.words):
        if place not in transcript.invented:
            tokens = plain(word.text, speech.language)
            heard += tokens
            of_word += [place] * len(tokens)
    errors, right = aligned(said, heard)
    made = Score(len(said), errors, cpu, len(speech.sound) / RATE)
    wrong = {place for place, is_right in zip(of_word, right, strict=True) if not is_right}
    for place in set(of_word):
        counts = made.unsure if place in transcript.unsure else made.sure
        counts[0] += 1
        counts[1] += place in wrong
    if speech.numbers:
        made.numbers, made.exact = len(speech.numbers), _exact(speech, transcript)
    return made


def _exact(speech: Speech, transcript: Transcript) -> int:
    """Strings that are written digit by digit, and nothing else, where they are said."""
    found = 0
    for number, start, end in speech.numbers:
        there = [
            word.text
            for place, word in enumerate(transcript.words)
            if place not in transcript.invented and start - 1.5 < (word.start + word.end) / 2 / SECOND < end + 1.5
        ]
        found += "".join(plain(" ".join(there), speech.language)) == number
    return found


def measure(names: Sequence[str], folder: Path, say: Console) -> dict[str, Any]:
    """`names`: of the sets; none: all."""
    loaded = {name: Whisper(read_model(folder, name)) for name in {model for model, _, _ in COMPARED.values()}}
    sums, sets, missing = dict[str, dict[str, Score]](), dict[str, dict[str, Any]](), list[str]()
    for speech in speeches():
        if isinstance(speech, str):
            missing.append(speech)
            continue
        if names and speech.name not in names:
            continue
        rows = dict[str, Any]()
        for compared, (model, settings, languages) in COMPARED.items():
            if speech.language not in languages:
                continue
            say.print(f"{speech.name}: {compared}", style="dim")
            began = time.process_time()
            transcript = transcribe(loaded[model], Pcm(speech.sound, RATE), settings=settings)
            one = scored(speech, transcript, time.process_time() - began)
            sums.setdefault(compared, {}).setdefault(speech.language, Score()).add(one)
            rows[compared] = one.facts() | {"state": transcript.state, "language": _code(transcript)}
        sets[speech.name] = {"what": speech.what, **rows}
    totals = {name: {code: score.facts() for code, score in of.items()} for name, of in sums.items()}
    audio, cpu = (sum(getattr(one, name) for one in sums["base"].values()) for name in ("audio", "cpu"))
    return {
        "wer": {code: one["wer"] for code, one in totals["base"].items()},
        "cpu_s_per_audio_s": round(cpu / audio, 4),
        "compared": totals, "sets": sets, "not_run": missing,
        "versions": {name: one.versions.name(USUAL) for name, one in loaded.items()},
    }  # fmt: skip


def _code(transcript: Transcript) -> str | None:
    return transcript.language.code if transcript.language else None


def lines(facts: Mapping[str, Any]) -> Iterator[str]:
    yield "| speech | s | recogniser | WER | CPU-s per s | numbers exact | unsure: wrong | sure: wrong |"
    yield "|---|---|---|---|---|---|---|---|"
    for name, of in facts["sets"].items():
        for compared, one in of.items():
            if compared != "what":
                yield _line(f"{name}, {of['what']}", compared, one)
    for compared, languages in facts["compared"].items():
        for code, one in languages.items():
            yield _line(f"all {code}", compared, one)
    yield from facts["not_run"]


def _line(speech: str, compared: str, one: Mapping[str, Any]) -> str:
    exact = f"{one['numbers_exact']}/{one['numbers']}" if one["numbers"] else ""
    return (
        f"| {speech} | {one['audio_s']:.0f} | {compared} | {one['wer']:.1%} | {one['cpu_s_per_audio_s']:.3f} | {exact} "
        f"| {one['unsure']}: {one['unsure_wrong']} | {one['sure']}: {one['sure_wrong']} |"
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/bench analyst", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="six of the nine sets of speech, under a minute")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument("--set", action="append", metavar="NAME", default=[], help="this set alone; may be repeated")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="eyelid-") as folder:
        facts = measure(asked.set or (QUICK if asked.quick else ()), models(Path(folder)), Console(stderr=True))
    print(json.dumps(facts) if asked.json else "\n".join(lines(facts)))
    return 0
