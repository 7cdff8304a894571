"""Finds phrases of the lexicon in words that a recogniser misspelt, split or joined: "Brüffziffer", "Prüf Ziffer"."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from review.analysis.personal import lexicon
from review.analysis.personal.tokens import Token, tokens
from review.analysis.words import Turn, Word

_BETWEEN: Final = 3  # other words that may stand between two of a phrase
_LONGEST: Final = 40  # characters: no word of the lexicon is longer
_JOINED: Final = 3  # letters of a word that may have been split


@dataclass(frozen=True, slots=True)
class Hit:
    """Places of the first and the last word of a phrase. `tag`: the list that it is in."""

    tag: str
    phrase: str
    first: int
    last: int


def slack(length: int) -> int:
    """How many letters may be wrong in a word of so many."""
    return 0 if length < 6 else 1 if length < 9 else 2 if length < 14 else 3


def alike(word: str, other: str, slack: int) -> bool:
    """Whether at most so many letters are added, missing or different."""
    if word == other:
        return True
    if not slack or abs(len(word) - len(other)) > slack:
        return False
    before = list(range(len(other) + 1))
    for row, letter in enumerate(word, 1):
        now = [row]
        for column, its in enumerate(other, 1):
            now.append(min(before[column] + 1, now[-1] + 1, before[column - 1] + (letter != its)))
        if min(now) > slack:
            return False
        before = now
    return before[-1] <= slack


def _letters(word: str) -> int:
    """A bit for each letter that it has: words that differ in many letters need no closer look."""
    found = 0
    for letter in word:
        found |= 1 << (ord(letter) & 63)
    return found


class Phrases:
    """Lists of phrases by tag, looked for together: each word is compared once."""

    def __init__(self, lists: Mapping[str, Sequence[str]]) -> None:
        self._firsts: dict[str, list[tuple[str, str, tuple[str, ...]]]] = {}
        self._by_length: dict[int, list[tuple[str, int, int]]] = {}
        known: set[str] = set()
        for tag, phrases in lists.items():
            for phrase in phrases:
                words = tuple(phrase.casefold().split())
                known.update(words)
                self._firsts.setdefault(words[0], []).append((tag, phrase, words[1:]))
        for word in sorted(known):
            most = slack(len(word))
            for length in range(len(word) - most, len(word) + most + 1):
                self._by_length.setdefault(length, []).append((word, _letters(word), most))

    def hits(self, tokens: Sequence[Token]) -> list[Hit]:
        """In the order of their first words."""
        seen: dict[str, tuple[str, ...]] = {}
        at = [dict(self._words(tokens, place, seen)) for place in range(len(tokens))]
        found = []
        for place, words in enumerate(at):
            for word, last in words.items():
                for tag, phrase, rest in self._firsts.get(word, ()):
                    end = self._follow(at, rest, last)
                    if end is not None:
                        found.append(Hit(tag, phrase, place, end))
        return found

    def _words(
        self, tokens: Sequence[Token], place: int, seen: dict[str, tuple[str, ...]]
    ) -> Iterator[tuple[str, int]]:
        """Words of the lexicon that begin here, and where each ends: one that the recogniser split has two or three."""
        text = ""
        for last in range(place, min(place + 3, len(tokens))):
            text += tokens[last].plain
            if len(text) > _LONGEST:
                return
            if text not in seen:
                seen[text] = tuple(self._alike(text))
            for word in seen[text]:
                if last == place or len(word) >= _JOINED:
                    yield word, last

    def _alike(self, text: str) -> Iterator[str]:
        letters = _letters(text)
        for word, its, most in self._by_length.get(len(text), ()):
            if (letters & ~its).bit_count() <= most >= (its & ~letters).bit_count() and alike(text, word, most):
                yield word

    @staticmethod
    def _follow(at: Sequence[dict[str, int]], rest: Sequence[str], last: int) -> int | None:
        for word in rest:
            for place in range(last + 1, min(last + 2 + _BETWEEN, len(at))):
                if word in at[place]:
                    last = at[place][word]
                    break
            else:
                return None
        return last


_ALL: Final = Phrases(lexicon.PHRASES)


class Text:
    """A channel's words as rules see them, with the phrases in them."""

    def __init__(self, words: Sequence[Word]) -> None:
        self.tokens = tokens(words)
        self.hits = _ALL.hits(self.tokens)
        self._starts = [token.start for token in self.tokens]
        self._firsts = [hit.first for hit in self.hits]

    def of(self, turn: Turn) -> Sequence[Token]:
        return self.tokens[turn.first : turn.last + 1]

    def between(self, start: int, end: int) -> Sequence[Token]:
        """What begins from `start` to before `end`."""
        return self.tokens[bisect_left(self._starts, start) : bisect_left(self._starts, end)]

    def tagged(self, *tags: str, turn: Turn | None = None) -> Iterator[Hit]:
        """Hits of these lists, of one turn or of all the channel."""
        places = range(len(self.tokens)) if turn is None else turn.places
        for hit in self.hits[bisect_left(self._firsts, places.start) : bisect_left(self._firsts, places.stop)]:
            if hit.tag in tags and hit.last in places:
                yield hit
