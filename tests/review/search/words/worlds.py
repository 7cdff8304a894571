"""Small worlds of recordings, and what a search of them must find: by going through all words, without an index."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from review.search.words.model import Channel, Document, Passage, Recording, Rendition, Rights, Timed, Wanted

DAY = 86_400 * 10**9
BEGAN = 1_790_000_000 * 10**9  # 21 September 2026


def plain_words(text: str) -> list[str]:
    """Written without the index's own spelling."""
    decomposed = unicodedata.normalize("NFD", text.replace("ß", "ss").lower())
    return re.findall(r"[^\W_]+", "".join(c for c in decomposed if not unicodedata.combining(c)))


@dataclass(frozen=True)
class Word:
    text: str
    prefix: bool = False

    def __str__(self) -> str:
        return self.text + "*" * self.prefix


@dataclass(frozen=True)
class Phrase:
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f'"{" ".join(self.words)}"'


@dataclass(frozen=True)
class Both:
    one: Ask
    other: Ask
    by: str  # AND, OR, NOT

    def __str__(self) -> str:
        return f"({self.one} {self.by} {self.other})"


@dataclass(frozen=True)
class Near:
    one: str
    other: str
    within: int

    def __str__(self) -> str:
        return f"NEAR({self.one} {self.other}, {self.within})"


Ask = Word | Phrase | Both | Near


def fits(ask: Ask, said: Sequence[str]) -> bool:
    match ask:
        case Word(text, prefix):
            *whole, last = plain_words(text)
            return any(
                list(said[at : at + len(whole)]) == whole and (word == last or (prefix and word.startswith(last)))
                for at in range(len(said) - len(whole))
                for word in [said[at + len(whole)]]
            )
        case Phrase(words):
            phrase = plain_words(" ".join(words))
            return any(list(said[at : at + len(phrase)]) == phrase for at in range(len(said)))
        case Near(one, other, within):
            first, second = plain_words(one)[0], plain_words(other)[0]
            return any(
                a == first and b == second and abs(at - to) - 1 <= within and at != to
                for at, a in enumerate(said)
                for to, b in enumerate(said)
            )  # fmt: skip
        case Both(one, other, "AND"):
            return fits(one, said) and fits(other, said)
        case Both(one, other, "OR"):
            return fits(one, said) or fits(other, said)
        case Both(one, other, _):
            return fits(one, said) and not fits(other, said)


@dataclass
class World:
    """What a `Shards` should have."""

    known: dict[str, Recording] = field(default_factory=dict)
    documents: dict[tuple[str, Rendition, Channel], Document] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)

    def expect(self, recording: Recording) -> None:
        if recording.id not in self.gone:
            self.known.setdefault(recording.id, recording)

    def add(self, document: Document) -> bool:
        key = document.recording.id, document.rendition, document.channel
        self.expect(document.recording)
        if key in self.documents and self.documents[key].version == document.version:
            return False
        self.documents[key] = document
        return True

    def forget(self, recording: str) -> None:
        self.gone.add(recording)
        self.known.pop(recording, None)
        self.documents = {key: one for key, one in self.documents.items() if key[0] != recording}

    def visible(self, rights: Rights, wanted: Wanted) -> set[str]:
        return {
            one.id
            for one in self.known.values()
            if wanted.since <= one.began < wanted.until and wanted.agent in {"", one.agent}
            if any(
                wanted.rendition in reach.renditions
                and one.began >= reach.since
                and (reach.whose is None or one.whose in reach.whose)
                for reach in rights
            )
        }

    def found(self, ask: Ask, rights: Rights, wanted: Wanted) -> list[tuple[str, Channel, str]]:
        """Recording, channel and words of each passage."""
        visible = self.visible(rights, wanted)
        return [
            (one.recording.id, one.channel, said_in(passage))
            for one in self.documents.values()
            if one.recording.id in visible and one.rendition is wanted.rendition and one.channel in wanted.channels
            for passage in one.passages
            if wanted.first is None or passage.words[0].start < wanted.first * 1000
            if wanted.last is None or passage.end > self.known[one.recording.id].length - wanted.last * 1000
            if fits(ask, plain_words(said_in(passage)))
        ]

    def coverage(self, rights: Rights, wanted: Wanted) -> tuple[int, int]:
        visible = self.visible(rights, wanted)
        has = {key[0] for key in self.documents if key[1] is wanted.rendition and key[2] in wanted.channels}
        return len(visible & has), len(visible - has)


def said_in(passage: Passage) -> str:
    return " ".join(word.text for word in passage.words)


def passages(texts: Iterable[str], every: int = 400) -> tuple[Passage, ...]:
    """`every`: ms from word to word."""
    return tuple(_timed(texts, every))


def _timed(texts: Iterable[str], every: int) -> Iterator[Passage]:
    at = 0
    for text in texts:
        words = []
        for word in text.split():
            words.append(Timed(word, at))
            at += every
        yield Passage(tuple(words), at)


def recording(name: str = "r1", began: int = BEGAN, whose: str = "north", agent: str = "anna") -> Recording:
    return Recording(name, began, 600_000, whose, agent)


def document(
    *texts: str,
    of: Recording | None = None,
    rendition: Rendition = Rendition.REDACTED,
    channel: Channel = Channel.AGENT,
    version: str = "1",
) -> Document:
    return Document(of or recording(), rendition, channel, version, passages(texts))
