"""What goes into the word index, who may see what of it, what is asked and what comes out: values alone.

Times of a recording are ms from its start; `began`, `since` and `until` are ns since 1970.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from protocol.errors import ProtocolError

END: Final = 2**63 - 1
SIZE: Final = 20  # hits of a page
MOST: Final = 10_000  # hits that are counted


class QueryRefused(ProtocolError):
    """`at`: place of the character, from 0. The message has nothing of the query but that place."""

    def __init__(self, code: str, message: str, at: int) -> None:
        super().__init__(code, message)
        self.at = at


class WordsUnusable(ProtocolError):
    """`code`: damaged (or another key's), full, busy, unreachable, another-version. The message says what to do."""


class DocumentRefused(ProtocolError):
    """`code`: forgotten, too-long, out-of-order, bad-time."""


class Channel(StrEnum):
    AGENT = "agent"
    CUSTOMER = "customer"
    SCREEN = "screen"
    TEXT = "text"


class Rendition(StrEnum):
    REDACTED = "redacted"
    ORIGINAL = "original"


@dataclass(frozen=True, slots=True)
class Timed:
    """A word. `start`: ms."""

    text: str
    start: int


@dataclass(frozen=True, slots=True)
class Passage:
    """Words that belong together, as one turn or one line of a screen. No phrase is found across two. `end`: ms."""

    words: Sequence[Timed]
    end: int


@dataclass(frozen=True, slots=True)
class Recording:
    """`whose`: the token that rights are given by; the same for as long as the recording is kept. `length`: ms."""

    id: str
    began: int
    length: int
    whose: str
    agent: str


@dataclass(frozen=True, slots=True)
class Document:
    """One channel of one rendition. `version`: another one wherever another text may come out."""

    recording: Recording
    rendition: Rendition
    channel: Channel
    version: str
    passages: Sequence[Passage]


@dataclass(frozen=True, slots=True)
class Reach:
    """Recordings of these tokens that began at `since` or later; `whose` None: of every token."""

    whose: frozenset[str] | None
    since: int = 0
    renditions: frozenset[Rendition] = frozenset({Rendition.REDACTED})


Rights = Sequence[Reach]
"""What one person may search: what any of these reaches."""


@dataclass(frozen=True, slots=True)
class Key:
    """The last hit of a page: its month and its place there."""

    month: str
    place: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """`first`, `last`: s. In passages that begin in the first, or end in the last seconds of the recording."""

    rendition: Rendition = Rendition.REDACTED
    channels: frozenset[Channel] = frozenset(Channel)
    agent: str = ""
    since: int = 0
    until: int = END
    first: int | None = None
    last: int | None = None
    after: Key | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """`at`: ms of the first word that was found. `marked`: from-to characters of `snippet`."""

    recording: str
    rendition: Rendition
    channel: Channel
    began: int
    agent: str
    at: int
    snippet: str
    marked: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Coverage:
    """Recordings of the asked time, agent and rights: those with words here, those that are known and have none yet.
    `unread`: months of which nothing is known, as their file cannot be read.
    """

    indexed: int
    missing: int
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """`count`: passages on all pages, MOST + 1 for more than MOST. `following`: where the next page begins."""

    hits: tuple[Hit, ...]
    count: int
    following: Key | None
    coverage: Coverage = field(default_factory=lambda: Coverage(0, 0))
