"""What a person asks for, read by a small grammar and written anew for FTS5 out of words alone.

    ask    = all { "OR" all }
    all    = one { ["AND"] one | "NOT" one | "-" one }
    one    = word | word "*" | "\"" words "\"" | "NEAR(" { word | phrase } ["," number] ")" | "(" ask ")"

Nothing of what was typed reaches FTS5 but the letters and digits that its own tokenizer makes of a word.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from review.search.words.folding import plain, tokens
from review.search.words.model import QueryRefused

LONGEST: Final = 500  # characters
MOST_WORDS: Final = 32
DEEPEST: Final = 8
SHORTEST_PREFIX: Final = 3  # letters: a shorter one is in most words
NEAR: Final = 10  # words between, where no number is given
FARTHEST: Final = 100
_SPACE: Final = re.compile(r"[\s\0]*")
_PART: Final = re.compile(r'NEAR\(|[()"]|[^\s\0()"]+')


@dataclass
class _Reader:
    text: str
    at: int = 0
    words: int = 0
    depth: int = 0
    _ends: int = field(init=False)

    def __post_init__(self) -> None:
        self._ends = len(self.text)

    def peek(self) -> str:
        space = _SPACE.match(self.text, self.at)
        self.at = space.end() if space else self.at
        found = _PART.match(self.text, self.at)
        return found[0] if found else ""

    def take(self) -> str:
        part = self.peek()
        self.at += len(part)
        return part

    def refuse(self, code: str, message: str, at: int | None = None) -> QueryRefused:
        at = self.at if at is None else at
        return QueryRefused(code, f"character {at + 1}: {message}", at)

    def ask(self) -> str:
        found = [self.all()]
        while self.peek() == "OR":
            self.take()
            found.append(self.all())
        return found[0] if len(found) == 1 else f"({' OR '.join(found)})"

    def all(self) -> str:
        wanted, unwanted = list[str](), list[str]()
        began = self.at
        while (part := self.peek()) not in {"", ")", "OR"}:
            if part == "AND":
                if not wanted:
                    raise self.refuse("nothing-before", "AND stands between two things: put one before it")
                self.take()
                if self.peek() in {"", ")", "OR", "AND", "NOT"}:
                    raise self.refuse("nothing-after", "AND stands between two things: put one after it")
                continue
            if part == "NOT" or (part.startswith("-") and self._unwanted(part)):
                self.at += 1 if part.startswith("-") else len(part)
                unwanted.append(self.one())
            else:
                wanted.append(self.one())
        if not wanted:
            if unwanted:
                raise self.refuse("only-not", "say also what is to be there: NOT only takes away from it", began)
            raise self.refuse("nothing", "a word or a phrase is missing here")
        found = wanted[0] if len(wanted) == 1 else f"({' AND '.join(wanted)})"
        for one in unwanted:
            found = f"({found} NOT {one})"
        return found

    def _unwanted(self, part: str) -> bool:
        return bool(tokens(part)) or (part == "-" and self.text.startswith(('"', "("), self.at + 1))

    def one(self) -> str:
        began, part = self.at, self.peek()
        if part == "(":
            return self._within(began)
        if part == "NEAR(":
            return self._near()
        if part == '"':
            return self._phrase()
        if part in {"", ")", "AND", "OR"}:
            raise self.refuse("nothing", "a word or a phrase is missing here")
        return self._word()

    def _within(self, began: int) -> str:
        self.take()
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.refuse("too-deep", f"more than {DEEPEST} parentheses in one another: write it flatter", began)
        inner = self.ask()
        if self.take() != ")":
            raise self.refuse("not-closed", "the parenthesis that begins here is not closed", began)
        self.depth -= 1
        return inner

    def _word(self, in_near: str = "") -> str:
        began, part = self.at, in_near or self.peek()
        self.at += len(part)
        made = self._count(tokens(part.rstrip("*")), began)
        if not part.endswith("*"):
            return _quoted(made)
        if in_near:
            raise self.refuse("prefix-near", "NEAR takes whole words: leave the * out", began)
        if len(made[-1]) < SHORTEST_PREFIX:
            raise self.refuse("short-prefix", f"write at least {SHORTEST_PREFIX} letters before *", began)
        return f"{_quoted(made)} *"

    def _phrase(self) -> str:
        began = self.at
        end = self.text.find('"', began + 1)
        if end < 0:
            raise self.refuse("not-closed", "the phrase that begins here has no closing quotation mark", began)
        self.at = end + 1
        return _quoted(self._count(tokens(plain(self.text[began + 1 : end])), began))

    def _near(self) -> str:
        began = self.at
        self.take()
        found: list[str] = []
        within = NEAR
        while (part := self.peek()) != ")":
            if part.startswith(","):
                self.at += 1
                number = self.peek()
                at = self.at
                self.take()
                if not re.fullmatch("[0-9]{1,3}", number) or not 1 <= int(number) <= FARTHEST or self.peek() != ")":
                    raise self.refuse("bad-number", f"after the comma of NEAR goes a number from 1 to {FARTHEST}", at)
                within = int(number)
            elif part == '"':
                found.append(self._phrase())
            elif part in {"", "(", "NEAR("}:
                raise self.refuse("not-closed", "NEAR( takes words and phrases, and ends with )", began)
            else:
                found.append(self._word(part.partition(",")[0]))
        self.take()
        if len(found) < 2:
            raise self.refuse("near-one", "NEAR takes two words or phrases, or more", began)
        return f"NEAR({' '.join(found)}, {within})"

    def _count(self, made: tuple[str, ...], began: int) -> tuple[str, ...]:
        if not made:
            raise self.refuse("no-letters", "there is no letter and no digit to look for", began)
        self.words += len(made)
        if self.words > MOST_WORDS:
            raise self.refuse("too-many", f"more than {MOST_WORDS} words: ask for fewer", began)
        return made


def _quoted(made: tuple[str, ...]) -> str:
    return f'"{" ".join(made)}"'


def parse(text: str) -> str:
    """For MATCH. Raises QueryRefused."""
    if len(text) > LONGEST:
        raise QueryRefused("too-long", f"more than {LONGEST} characters: ask for fewer words", LONGEST)
    reader = _Reader(text)
    found = reader.ask()
    if reader.peek():
        raise reader.refuse("not-opened", "a parenthesis is closed here that was not opened")
    return found
