"""The word index of a house: a folder with one encrypted file a month, and one of what is forgotten.

It can be removed and is made anew from sealed data. A month's file that cannot be read hides nothing of the others.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import apsw

from review.search.words import shard
from review.search.words.grammar import parse
from review.search.words.model import (
    MOST,
    SIZE,
    Coverage,
    Document,
    DocumentRefused,
    Found,
    Hit,
    Key,
    Recording,
    Rights,
    Wanted,
    WordsUnusable,
)
from review.search.words.question import Question, meets
from review.search.words.sealed import Sealed, explained

FORGOTTEN: Final = "forgotten.db"
_MONTH: Final = re.compile(r"([0-9]{4}-(?:0[1-9]|1[0-2]))\.db")


@dataclass(frozen=True, slots=True)
class Forgotten:
    """`documents`: that were there. `left`: months that could not be written, as their file cannot be read: what is
    there of it is found no more, and goes when the file is rebuilt. `in_wal`: months where a reader keeps old pages.
    """

    documents: int
    left: tuple[str, ...] = ()
    in_wal: tuple[str, ...] = ()


class Shards:
    """`key`: 32 bytes. Raises WordsUnusable where the folder cannot be used. Threads and processes may share it."""

    def __init__(self, folder: Path, key: bytes) -> None:
        self.folder, self._key = folder, key
        with explained(folder):
            folder.mkdir(0o700, parents=True, exist_ok=True)
        self._open: dict[str, Sealed] = {}
        self._gone = Sealed(folder / FORGOTTEN, key, _gone_tables)
        for recording in self._hidden():
            self._take(recording)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        for one in (self._gone, *self._open.values()):
            one.close()

    @property
    def months(self) -> tuple[str, ...]:
        """Newest first."""
        return tuple(sorted((m[1] for p in self.folder.iterdir() if (m := _MONTH.fullmatch(p.name))), reverse=True))

    def _shard(self, month: str) -> Sealed:
        return self._open.setdefault(month, Sealed(self.folder / f"{month}.db", self._key, shard.prepare))

    def expect(self, recordings: Iterable[Recording]) -> None:
        """They are kept, and have words or will have: coverage counts them. A forgotten one is passed over."""
        wanted = defaultdict[str, list[Recording]](list)
        for one in recordings:
            wanted[shard.month_of(one.began)].append(one)
        with self._writer() as gone:
            for month, of_it in wanted.items():
                with self._shard(month).writing() as connection:
                    for one in of_it:
                        if not gone(one.id):
                            shard.know(connection, one)

    def add(self, documents: Iterable[Document]) -> int:
        """How many of them are new, or another version. Each month's are durable as a whole, or none is.
        Raises DocumentRefused, and WordsUnusable.
        """
        wanted = defaultdict[str, list[Document]](list)
        for one in documents:
            shard.check(one)
            wanted[shard.month_of(one.recording.began)].append(one)
        added = 0
        with self._writer() as gone:
            for month, of_it in wanted.items():
                for one in of_it:
                    if gone(one.recording.id):
                        raise DocumentRefused("forgotten", "this recording was erased: it is not indexed again")
                with self._shard(month).writing() as connection:
                    added += sum(shard.put(connection, month, one) for one in of_it)
        return added

    @contextmanager
    def _writer(self) -> Iterator[Callable[[str], bool]]:
        """One writer at a time in all processes, so that no erasure falls between a look and a write."""
        with self._gone.writing() as connection:
            yield lambda recording: bool(
                connection.execute("select 1 from gone where recording = ?", (recording,)).fetchall()
            )

    def forget(self, recording: str) -> Forgotten:
        """From now on it is found no more, and cannot be added again; both also after a kill or a power cut."""
        with self._gone.writing() as connection:
            connection.execute("insert or ignore into gone values (?, 0)", (recording,))
        return self._take(recording)

    def _take(self, recording: str) -> Forgotten:
        documents, left, in_wal = 0, list[str](), list[str]()
        for month in self.months:
            of_month = self._shard(month)
            try:
                with of_month.writing() as connection:
                    taken = shard.take(connection, recording)
                documents += taken
                if (taken or of_month.has_wal) and not of_month.emptied():
                    in_wal.append(month)
            except WordsUnusable as error:
                if error.code in {"full", "busy"}:
                    raise
                left.append(month)
        if not left and not in_wal:
            with self._gone.writing() as connection:
                connection.execute("update gone set done = 1 where recording = ?", (recording,))
        return Forgotten(documents, tuple(left), tuple(in_wal))

    def _hidden(self) -> list[str]:
        """Erasures that a kill or a damaged file has left undone."""
        with self._gone.reading() as connection:
            return [str(row[0]) for row in connection.execute("select recording from gone where done = 0")]

    def search(self, query: str, rights: Rights, wanted: Wanted | None = None) -> Found:
        """Raises QueryRefused. A month that cannot be read is named in the coverage."""
        wanted = wanted or Wanted()
        match, hidden = parse(query), self._hidden()
        found: list[tuple[Key, Hit]] = []
        count, indexed, missing, unread = 0, 0, 0, list[str]()
        for month in self.months:
            try:
                with self._shard(month).reading() as connection:
                    asked = Question(connection, month, match, rights, wanted, hidden)
                    if meets(month, rights, wanted):
                        rows = asked.hits(SIZE + 1 - len(found))
                        counted = asked.count(MOST + 1 - count)
                        covered = asked.coverage()
                        found += [(Key(month, row), hit) for row, hit in rows]
                        count, indexed, missing = count + counted, indexed + covered[0], missing + covered[1]
            except WordsUnusable:
                unread.append(month)
        following = found[SIZE - 1][0] if len(found) > SIZE else None
        hits = tuple(hit for _, hit in found[:SIZE])
        return Found(hits, count, following, Coverage(indexed, missing, tuple(unread)))

    def settle(self, month: str) -> None:
        """Merge what FTS5 has of a month into one piece: for months to which little is added any more."""
        with self._shard(month).writing() as connection:
            connection.execute("insert into fts (fts) values ('optimize')")
        self._shard(month).emptied()


def _gone_tables(connection: apsw.Connection) -> None:
    connection.execute(
        "create table if not exists gone (recording text primary key, done integer not null) strict, without rowid"
    )
