"""The tables of one month, and what is written into them.

A document takes a run of places, each of them 4,096 passages: a place is the second of the month in which its recording
began, so rows in descending order are the newest first, and a range of time is a range of rows. FTS5 has each passage's
words and the token of whose it is, and no text; the text lies beside it and says what to take out of FTS5 again.
"""

from __future__ import annotations

import array
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

import apsw

from review.search.words.folding import TOKENIZER, plain
from review.search.words.model import Document, DocumentRefused, Passage, Recording, WordsUnusable
from review.search.words.sealed import rows

VERSION: Final = 1
PASSAGES: Final = 4096  # of a place
IN_A_SECOND: Final = 256  # places
SLACK: Final = 3_600  # s that a place may lie after the second in which its recording began
SECOND: Final = 10**9
LONGEST: Final = 7 * 86_400_000  # ms of a recording
MOST_PASSAGES: Final = 64 * PASSAGES  # of a document
_TABLES: Final = f"""
create table shard_version (version integer not null) strict;
insert into shard_version values ({VERSION});
create table recordings (
    id integer primary key, recording text not null unique, began integer not null, length integer not null,
    token integer not null, agent text not null
) strict;
create index recordings_began on recordings (began);
create table tokens (id integer primary key, whose text not null unique) strict;
create table documents (
    id integer primary key, recording integer not null, rendition text not null, channel text not null,
    version text not null, place integer not null, places integer not null,
    unique (recording, rendition, channel)
) strict;
create table places (  -- what is asked of each hit, so that no other table is
    place integer primary key, recording integer not null, rendition text not null, channel text not null,
    token integer not null, began integer not null, length integer not null, agent text not null
) strict;
create table spots (passage integer primary key, first integer not null, last integer not null) strict;  -- ms
create table texts (passage integer primary key, words text not null, starts blob not null) strict;
create virtual table fts using fts5(words, whose, content='', columnsize=0, tokenize="{" ".join(TOKENIZER)}");
insert into fts (fts, rank) values ('secure-delete', 1);
"""  # noqa: S608 - of names and numbers of ours


def prepare(connection: apsw.Connection) -> None:
    there = "select 1 from sqlite_schema where name = 'shard_version'"
    if not rows(connection, there):
        connection.execute("begin immediate")
        if not rows(connection, there):  # another process may have been first
            connection.execute(_TABLES)
        connection.execute("commit")
    if rows(connection, "select version from shard_version") != [(VERSION,)]:
        raise WordsUnusable("another-version", f"{connection.filename}: another version's: remove it and rebuild it")
    connection.register_fts5_function("found", _found)


def _found(api: apsw.FTS5ExtensionApi, *_: object) -> str:
    """Places of the tokens that were found, first to last, of each phrase."""
    runs = [
        (at, at + len(api.phrases[phrase]) - 1)
        for phrase in range(api.phrase_count)
        for at in api.phrase_locations(phrase)[0]
    ]
    return " ".join(f"{first}-{last}" for first, last in sorted(runs))


def month_of(began: int) -> str:
    """Raises DocumentRefused for a time that is in none of the years 1970 to 2999."""
    if not 0 <= began < 32_503_680_000 * SECOND:
        raise DocumentRefused("bad-time", "a recording begins in the years 1970 to 2999")
    return datetime.fromtimestamp(began // SECOND, UTC).strftime("%Y-%m")


def first_ns(month: str) -> int:
    return int(datetime(int(month[:4]), int(month[5:]), 1, tzinfo=UTC).timestamp()) * SECOND


def after_ns(month: str) -> int:
    year, number = int(month[:4]), int(month[5:])
    return first_ns(f"{year + number // 12}-{number % 12 + 1:02}")


def row_of(month: str, ns: int) -> int:
    """The first row that a recording of this moment may have."""
    return (ns - first_ns(month)) // SECOND * IN_A_SECOND * PASSAGES


def know(connection: apsw.Connection, recording: Recording) -> int:
    """Its number; the first description of a recording counts."""
    connection.execute("insert or ignore into tokens (whose) values (?)", (recording.whose,))
    connection.execute(
        "insert or ignore into recordings (recording, began, length, token, agent)"
        " select ?, ?, ?, id, ? from tokens where whose = ?",
        (recording.id, recording.began, recording.length, recording.agent, recording.whose),
    )
    return int(rows(connection, "select id from recordings where recording = ?", (recording.id,))[0][0])


def put(connection: apsw.Connection, month: str, document: Document) -> bool:
    """False where this version of it is there."""
    number = know(connection, document.recording)
    same = (number, document.rendition.value, document.channel.value)
    asked = "select id, version from documents where (recording, rendition, channel) = (?, ?, ?)"
    for earlier, version in rows(connection, asked, same):
        if version == document.version:
            return False
        _take_out(connection, earlier)
    asked = "select token, began, length, agent from recordings where id = ?"
    token, *about = rows(connection, asked, (number,))[0]
    passages = [one for one in document.passages if one.words]
    places = max(1, -(-len(passages) // PASSAGES))
    place = _free(connection, row_of(month, about[0]) // PASSAGES, places)
    connection.execute(
        "insert into documents (recording, rendition, channel, version, place, places) values (?, ?, ?, ?, ?, ?)",
        (*same, document.version, place, places),
    )
    connection.executemany(
        "insert into places values (?, ?, ?, ?, ?, ?, ?, ?)",
        ((place + step, *same, token, *about) for step in range(places)),
    )
    made = list(_rows(place * PASSAGES, passages))
    connection.executemany(
        "insert into fts (rowid, words, whose) values (?, ?, ?)", ((one[0], one[3], f"t{token}") for one in made)
    )
    connection.executemany("insert into spots values (?, ?, ?)", (one[:3] for one in made))
    connection.executemany("insert into texts values (?, ?, ?)", ((one[0], *one[4:]) for one in made))
    return True


def take(connection: apsw.Connection, recording: str) -> int:
    """How many documents of it there were."""
    asked = "select id from documents where recording = (select id from recordings where recording = ?)"
    documents = rows(connection, asked, (recording,))
    for (document,) in documents:
        _take_out(connection, document)
    connection.execute("delete from recordings where recording = ?", (recording,))
    return len(documents)


def _take_out(connection: apsw.Connection, document: int) -> None:
    place, places = rows(connection, "select place, places from documents where id = ?", (document,))[0]
    of_it = place * PASSAGES, (place + places) * PASSAGES - 1
    token = rows(connection, "select token from places where place = ?", (place,))[0][0]
    # FTS5 finds what to take out by the words that it was given.
    written = rows(connection, "select passage, words from texts where passage between ? and ?", of_it)
    connection.executemany(
        "insert into fts (fts, rowid, words, whose) values ('delete', ?, ?, ?)",
        ((passage, plain(words), f"t{token}") for passage, words in written),
    )
    connection.execute("delete from texts where passage between ? and ?", of_it)
    connection.execute("delete from spots where passage between ? and ?", of_it)
    connection.execute("delete from places where place between ? and ?", (place, place + places - 1))
    connection.execute("delete from documents where id = ?", (document,))


def _free(connection: apsw.Connection, from_place: int, places: int) -> int:
    """The first run of so many free places from there on; of a second that is full, it reaches into the next ones."""
    at = from_place
    for (taken,) in connection.execute("select place from places where place >= ? order by place", (from_place,)):
        if taken - at >= places:
            break
        at = taken + 1
    if at - from_place > SLACK * IN_A_SECOND:
        raise DocumentRefused("too-many", "so many recordings began in this second that there is no place for another")
    return at


def _rows(first: int, passages: Sequence[Passage]) -> Iterator[tuple[int, int, int, str, str, bytes]]:
    for number, passage in enumerate(passages):
        said = [(word, one.start) for one in passage.words for word in one.text.replace("\0", " ").split()]
        words = " ".join(word for word, _ in said).encode("utf-8", "replace").decode()
        yield first + number, passage.words[0].start, passage.end, plain(words), words, _packed(s for _, s in said)


def _packed(starts: Iterable[int]) -> bytes:
    found = array.array("I", starts)
    if sys.byteorder == "big":
        found.byteswap()
    return found.tobytes()


def unpacked(starts: bytes) -> array.array[int]:
    found = array.array("I", starts)
    if sys.byteorder == "big":
        found.byteswap()
    return found


def check(document: Document) -> None:
    """Raises DocumentRefused."""
    month_of(document.recording.began)
    if len(document.passages) > MOST_PASSAGES:
        raise DocumentRefused("too-long", f"more than {MOST_PASSAGES} passages in one channel")
    before = 0
    for passage in document.passages:
        for word in passage.words:
            if not before <= word.start <= LONGEST:
                raise DocumentRefused("out-of-order", "words come in the order of their times, within a week, in ms")
            before = word.start
        if not before <= passage.end <= LONGEST:
            raise DocumentRefused("out-of-order", "a passage ends after its last word begins, in ms")
