"""One month's answer to a question, its rights inside the SQL: nothing that a person may not see is counted or read."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import apsw

from review.search.words.folding import tokens
from review.search.words.model import Channel, Hit, Key, Reach, Rendition, Rights, Wanted
from review.search.words.sealed import rows
from review.search.words.shard import PASSAGES, SECOND, SLACK, after_ns, first_ns, row_of, unpacked

BY_FTS: Final = 64  # tokens of rights that FTS5 itself looks for; of more, rows are looked at
AROUND: Final = 12  # words of a snippet on each side


@dataclass
class _Where:
    """Conditions, and what goes into their question marks."""

    conditions: list[str] = field(default_factory=list)
    values: list[object] = field(default_factory=list)

    def add(self, condition: str, *values: object) -> None:
        self.conditions.append(condition)
        self.values.extend(values)

    def __str__(self) -> str:
        return " and ".join(self.conditions)


@dataclass
class Question:
    """`match`: of the grammar. `hidden`: recordings that are to be forgotten."""

    connection: apsw.Connection
    month: str
    match: str
    rights: Rights
    wanted: Wanted
    hidden: Collection[str]

    def __post_init__(self) -> None:
        """`_own`: the numbers of the tokens of each reach here, None for all."""
        numbers = dict[str, int](rows(self.connection, "select whose, id from tokens"))
        self._reaches = [
            (None if one.whose is None else sorted(numbers[w] for w in one.whose & numbers.keys()), one.since)
            for one in self.rights
            if self.wanted.rendition in one.renditions and (one.whose is None or one.whose & numbers.keys())
        ]

    def _since(self) -> int:
        return max(self.wanted.since, min(since for _, since in self._reaches), first_ns(self.month))

    def _asked(self, after: Key | None = None) -> tuple[str, _Where]:
        """The tables and conditions of a search."""
        wanted, where = self.wanted, _Where()
        where.add("fts match ?", self._match())
        if self._since() > first_ns(self.month):
            where.add("fts.rowid >= ?", row_of(self.month, self._since()))
        if wanted.until < after_ns(self.month):
            where.add("fts.rowid < ?", row_of(self.month, wanted.until + SLACK * SECOND))
        if after is not None and after.month == self.month:
            where.add("fts.rowid < ?", after.place)
        where.add("p.rendition = ?", wanted.rendition.value)
        where.add("p.began between ? and ?", wanted.since, wanted.until - 1)
        _reached(where, "p.token", "p.began", self._reaches)
        if len(wanted.channels) < len(Channel):
            where.add(f"p.channel in ({_marks(wanted.channels)})", *(one.value for one in sorted(wanted.channels)))
        if wanted.agent:
            where.add("p.agent = ?", wanted.agent)
        if self.hidden:
            left = f"select id from recordings where recording in ({_marks(self.hidden)})"  # noqa: S608 - marks alone
            where.add(f"p.recording not in ({left})", *self.hidden)
        tables = f"fts cross join places p on p.place = fts.rowid / {PASSAGES}"
        if wanted.first is not None or wanted.last is not None:
            tables += " cross join spots s on s.passage = fts.rowid"
        if wanted.first is not None:
            where.add("s.first < ?", wanted.first * 1000)
        if wanted.last is not None:
            where.add("s.last > p.length - ?", wanted.last * 1000)
        return tables, where

    def _match(self) -> str:
        asked = f"{{words}} : ({self.match})"
        named = {number for numbers, _ in self._reaches if numbers is not None for number in numbers}
        if any(numbers is None for numbers, _ in self._reaches) or len(named) > BY_FTS:
            return asked
        return f"{{whose}} : ({' OR '.join(f't{number}' for number in sorted(named))}) AND {asked}"

    def hits(self, most: int) -> list[tuple[int, Hit]]:
        """The newest, with their rows."""
        after = self.wanted.after
        if not self._reaches or most <= 0 or (after is not None and self.month > after.month):
            return []
        tables, where = self._asked(after)
        found = rows(
            self.connection,
            f"select fts.rowid, found(fts), p.recording, p.rendition, p.channel, p.began, p.agent from {tables}"  # noqa: S608 - as above
            f" where {where} order by fts.rowid desc limit ?",
            (*where.values, most),
        )
        return [(row[0], self._hit(row)) for row in found]

    def count(self, most: int) -> int:
        """On all pages."""
        if not self._reaches or most <= 0:
            return 0
        tables, where = self._asked()
        asked = f"select count(*) from (select 1 from {tables} where {where} limit ?)"  # noqa: S608 - conditions of ours
        return int(rows(self.connection, asked, (*where.values, most))[0][0])

    def _hit(self, row: tuple[Any, ...]) -> Hit:
        passage, found, number, rendition, channel, began, agent = row
        asked = "select words, starts, recording from texts, recordings where passage = ? and recordings.id = ?"
        words, starts, recording = rows(self.connection, asked, (passage, number))[0]
        snippet, marked, at = cut(words.split(" "), unpacked(starts), found)
        return Hit(recording, Rendition(rendition), Channel(channel), began, agent, at, snippet, marked)

    def coverage(self) -> tuple[int, int]:
        """Recordings with words here, and those without."""
        if not self._reaches:
            return 0, 0
        wanted, where = self.wanted, _Where()
        where.add("r.began between ? and ?", max(wanted.since, 0), wanted.until - 1)
        _reached(where, "r.token", "r.began", self._reaches)
        if wanted.agent:
            where.add("r.agent = ?", wanted.agent)
        if self.hidden:
            where.add(f"r.recording not in ({_marks(self.hidden)})", *self.hidden)
        channels = sorted(wanted.channels)
        of_these = f"d.rendition = ? and d.channel in ({_marks(channels)})"
        has = f"exists (select 1 from documents d where d.recording = r.id and {of_these})"  # noqa: S608 - marks alone
        found = rows(
            self.connection,
            f"select sum({has}), count(*) from recordings r where {where}",  # noqa: S608 - conditions of ours
            (wanted.rendition.value, *(one.value for one in channels), *where.values),
        )[0]
        indexed = int(found[0] or 0)
        return indexed, int(found[1]) - indexed


def _reached(where: _Where, token: str, began: str, reaches: Sequence[tuple[list[int] | None, int]]) -> None:
    parts, values = [], list[object]()
    for numbers, since in reaches:
        if numbers is None:
            parts.append(f"{began} >= ?")
        else:
            parts.append(f"({began} >= ? and {token} in ({','.join(map(str, numbers))}))")
        values.append(since)
    where.add(f"({' or '.join(parts)})", *values)


def _marks(values: Collection[Any]) -> str:
    return ",".join("?" * len(values))


def meets(month: str, rights: Rights, wanted: Wanted) -> bool:
    """Whether anything of this month may be in the answer."""
    reaches: list[Reach] = [one for one in rights if wanted.rendition in one.renditions]
    since = max(wanted.since, min((one.since for one in reaches), default=after_ns(month)))
    return since < after_ns(month) and wanted.until > first_ns(month)


def cut(words: Sequence[str], starts: Sequence[int], found: str) -> tuple[str, tuple[tuple[int, int], ...], int]:
    """A snippet, its marks, and the start of the first word found. `found`: as FTS5 counts tokens."""
    first_token, at = [], 0
    for word in words:
        first_token.append(at)
        at += len(tokens(word))
    marked: set[int] = set()
    for run in found.split():
        first, last = (int(one) for one in run.split("-"))
        marked.update(range(_word(first_token, first), _word(first_token, last) + 1))
    begin = min(marked, default=0)
    low, high = max(0, begin - AROUND), min(len(words), begin + AROUND + 1)
    snippet, marks = "", list[tuple[int, int]]()
    for place in range(low, high):
        snippet += " " if snippet else ""
        if place in marked:
            if marks and place - 1 in marked:
                marks[-1] = (marks[-1][0], len(snippet) + len(words[place]))
            else:
                marks.append((len(snippet), len(snippet) + len(words[place])))
        snippet += words[place]
    return snippet, tuple(marks), starts[begin]


def _word(first_token: Sequence[int], token: int) -> int:
    """The last word that begins at this token or before: one without a letter has none of its own."""
    return bisect_right(first_token, token) - 1
