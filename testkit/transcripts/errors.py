"""A model of what speech recognition makes of spoken words, from what was seen of Whisper base on German and English.

Digits come as figures, grouped, as decimals or as words, dropped, doubled or looped; words of questions are misspelt;
a word's time begins late and ends early. What was dropped stays in the sound, mostly given as sound without a word.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from review.analysis.words import Interval, Word
from testkit.transcripts.values import DE, EN

MS: Final = 1_000_000
HOMOPHONES: Final = {
    "de": {
        "1": ("eines", "eins"),
        "3": ("frei",),
        "5": ("fünft", "fünf"),
        "7": ("sieb",),
        "8": ("ach", "acht"),
        "9": ("neuen",),
    },
    "en": {
        "0": ("oh", "o"),
        "1": ("won",),
        "2": ("to", "too"),
        "4": ("for", "fore"),
        "8": ("ate",),
        "9": ("nein", "niner"),
    },
}
MISHEARD: Final = {
    "IBAN": ("E-Bahn", "I Ban", "E-Mahn", "Iban"), "IBAN.": ("E-Bahn.", "I Ban."), "I-BAN": ("eye ban", "I ban"),
    "Prüfziffer": ("Brüffziffer", "Prüf Ziffer"), "Geburtsdatum": ("Geburtstagum", "Geburts Datum"),
    "Köln": ("können",), "CVV": ("CVB", "C V V", "CV"), "CVV?": ("CVB?", "C V V", "see vv"), "punkt": (".", "Punkt"),
    "at": ("@", "et", "add"), "ät": ("at", "@", "ed"), "Klammeraffe": ("Klammer Affe", "klammeraffe"),
    "dot": (".", "dot"),
}  # fmt: skip
FILLERS: Final = {"de": ("ähm", "äh", "also"), "en": ("um", "uh", "er")}
CORRECTIONS: Final = {"de": ("nein,", "Quatsch,", "Entschuldigung,"), "en": ("no,", "sorry,", "I mean")}
_LETTERS: Final = "aeiounrstdgbm"


@dataclass
class Piece:
    """One spoken token; `of_datum`: whether it is personal data. Times in ns."""

    text: str
    of_datum: bool
    start: int
    end: int


@dataclass
class Written:
    words: list[Word]
    wordless: list[Interval]


def spoken_at(random: Random, start: int, tokens: Sequence[tuple[str, bool]]) -> list[Piece]:
    """When each token is spoken. Digits are spoken in groups, with a pause between."""
    found, at, digits = [], start, 0
    for text, of_datum in tokens:
        digits = digits + 1 if of_datum and text.isdigit() else 0
        if digits and digits % 4 == 1 and digits > 1:
            at += random.randrange(150, 500) * MS
        lasts = (300 if text.isdigit() and len(text) == 1 else 120 + 55 * len(text)) * MS
        found.append(Piece(text, of_datum, at, at + lasts))
        at += lasts + random.randrange(20, 80) * MS
    return found


def with_slips(random: Random, language: str, datum: list[str]) -> list[str]:
    """What people do in the midst of a datum: a filler, or a correction of the last digits."""
    datum = list(datum)
    if len(datum) > 2 and random.random() < 0.15:
        datum.insert(random.randrange(1, len(datum)), random.choice(FILLERS[language]))
    tail = [token for token in datum[-2:] if token.isdigit()]
    if len(datum) > 3 and len(tail) == 2 and random.random() < 0.1:
        return [*datum[:-2], str(random.randrange(10)), *tail[1:], *random.choice(CORRECTIONS[language]).split(), *tail]
    return datum


def transcribed(random: Random, language: str, pieces: Sequence[Piece]) -> Written:
    """The words of one turn as they are written."""
    written = Written([], [])
    at = 0
    while at < len(pieces):
        end = at
        while end < len(pieces) and pieces[end].of_datum and _digit(pieces[end].text):
            end += 1
        if end - at > 1 or (end > at and len(pieces[at].text) == 1):
            for word in _digits(random, language, pieces[at:end], written.wordless):
                written.words.append(word)
            at = end
        else:
            written.words += _other(random, pieces[at])
            at += 1
    return written


def _digit(text: str) -> bool:
    return len(text) == 1 and text.isdigit()


def _timed(random: Random, text: str, start: int, end: int) -> Word:
    late, early = random.randrange(0, 250) * MS, random.randrange(0, 250) * MS
    start, end = (start + late, end - early) if end - start > late + early + 50 * MS else (start, end)
    return Word(text, start, end, round(random.uniform(0.5, 0.98), 2))


def _other(random: Random, piece: Piece) -> Iterator[Word]:
    text = piece.text
    if text in MISHEARD and random.random() < 0.35:
        text = random.choice(MISHEARD[text])
    elif len(text) > 5 and random.random() < (0.06 if piece.of_datum else 0.08):
        place = random.randrange(1, len(text) - 1)
        text = text[:place] + random.choice(["", random.choice(_LETTERS)]) + text[place + 1 :]
    parts = text.split()
    lasts = (piece.end - piece.start) // len(parts)
    for number, part in enumerate(parts):
        yield Word(part, piece.start + number * lasts, piece.start + (number + 1) * lasts, 0.8)


def _digits(random: Random, language: str, run: Sequence[Piece], wordless: list[Interval]) -> Iterator[Word]:
    heard: list[tuple[str, int, int]] = []
    for piece in run:
        chance = random.random()
        if chance < 0.06 and len(run) > 2:
            if random.random() < 0.85:
                wordless.append(Interval(piece.start, piece.end))
            continue
        heard.append((piece.text, piece.start, piece.end))
        if chance > 0.93:
            heard.append((piece.text, piece.start, piece.end))
        if chance > 0.99:
            heard += [(piece.text, piece.start, piece.end)] * random.randrange(3, 9)
    way = random.choice(("words", "words", "figures", "groups", "groups", "decimals", "hyphens", "blob"))
    if way == "words":
        for text, start, end in heard:
            homophones = HOMOPHONES[language].get(text)
            plain = (DE if language == "de" else EN)[int(text)]
            yield Word(random.choice(homophones) if homophones and random.random() < 0.12 else plain, start, end, 0.7)
        return
    at = 0
    while at < len(heard):
        size = {"figures": 1, "blob": len(heard), "hyphens": len(heard)}.get(way) or random.choice((2, 3, 4, 4, 5))
        group = heard[at : at + size]
        at += size
        figures = [text for text, _, _ in group]
        joint = "-" if way == "hyphens" else ""
        text = joint.join(figures)
        if way == "decimals" and len(figures) > 1:
            text = figures[0] + random.choice(".,") + "".join(figures[1:])
        if language == "en" and len(figures) == 3 and random.random() < 0.1:
            text = f"{figures[0]}h{figures[2]}"
        comma = "," if at < len(heard) and random.random() < 0.5 else ""
        yield _timed(random, text + comma, group[0][1], max(end for _, _, end in group))
