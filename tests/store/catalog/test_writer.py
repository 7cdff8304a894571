"""Group commit: many works in one transaction, each alone in its failure, none told of success before the commit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import Connection, func, insert, select, text
from sqlalchemy.exc import IntegrityError, OperationalError

from store.catalog.database import Database, upgrade
from store.catalog.schema import bundles
from store.catalog.writer import Writer, WriterClosed


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database.sqlite(tmp_path / "store.db")
    upgrade(made, "the database")
    yield made
    made.close()


@pytest.fixture
def writer(database: Database) -> Iterator[Writer]:
    made = Writer(database)
    yield made
    made.close()


def add(revision: int, filler: str = "t") -> Callable[[Connection], int]:
    def work(connection: Connection) -> int:
        connection.execute(insert(bundles).values(revision=revision, token=filler, added_at=0))
        return revision

    return work


def revisions(database: Database) -> list[int]:
    with database.reading() as connection:
        return list(connection.scalars(select(bundles.c.revision).order_by(bundles.c.revision)))


class Gate:
    """A work that keeps the writer busy, so that what is submitted meanwhile lands in one transaction."""

    def __init__(self, writer: Writer) -> None:
        self.entered, self.leave = Event(), Event()
        self.future = writer.submit(self._work)
        self.entered.wait()

    def _work(self, connection: Connection) -> int:
        del connection
        self.entered.set()
        self.leave.wait()
        return 0


def test_works_that_wait_share_one_transaction(database: Database, writer: Writer) -> None:
    gate = Gate(writer)
    seen: list[int] = []

    def count(connection: Connection) -> None:
        seen.append(connection.scalar(select(func.count()).select_from(bundles)) or 0)

    futures = [writer.submit(work) for work in (add(1), add(2), count)]
    assert not futures[0].done()
    gate.leave.set()
    assert [futures[0].result(), futures[1].result()] == [1, 2]
    futures[2].result()
    assert seen == [2]
    assert revisions(database) == [1, 2]


def test_one_that_fails_is_undone_alone(database: Database, writer: Writer) -> None:
    def half(connection: Connection) -> None:
        connection.execute(insert(bundles).values(revision=7, token="t", added_at=0))
        raise LookupError("no")

    gate = Gate(writer)
    good, raising, doubled, last = (writer.submit(work) for work in (add(1), half, add(1), add(2)))
    gate.leave.set()
    assert good.result() == 1
    with pytest.raises(LookupError):
        raising.result()
    with pytest.raises(IntegrityError):
        doubled.result()
    assert last.result() == 2
    assert revisions(database) == [1, 2]


def test_a_full_disk_fails_all_of_the_transaction_and_nothing_of_it_stays(database: Database, writer: Writer) -> None:
    def limit(connection: Connection) -> None:
        pages = connection.scalar(text("PRAGMA page_count"))
        connection.execute(text(f"PRAGMA max_page_count = {pages + 2}"))

    def unlimit(connection: Connection) -> None:
        connection.execute(text("PRAGMA max_page_count = 1000000"))

    gate = Gate(writer)
    futures = [writer.submit(work) for work in (limit, add(1), add(2, "x" * 10**6), add(3))]
    gate.leave.set()
    for future in futures:
        with pytest.raises(OperationalError, match="full"):
            future.result()
    assert revisions(database) == []
    writer.write(unlimit)
    assert writer.write(add(4)) == 4
    assert revisions(database) == [4]


def test_closing_finishes_what_was_submitted_and_refuses_the_rest(database: Database) -> None:
    writer = Writer(database, batch=2)
    gate = Gate(writer)
    futures = [writer.submit(add(number)) for number in range(5)]
    gate.leave.set()
    writer.close()
    assert [future.result() for future in futures] == list(range(5))
    assert revisions(database) == list(range(5))
    with pytest.raises(WriterClosed):
        writer.write(add(9))


def test_items_of_one_work_that_wait_are_written_by_one_call(writer: Writer) -> None:
    calls: list[list[int]] = []

    def add_all(connection: Connection, numbers: Sequence[int]) -> list[int | Exception]:
        calls.append(list(numbers))
        for number in numbers:
            connection.execute(insert(bundles).values(revision=number, token="t", added_at=0))
        return [LookupError("refused") if number == 3 else number * 10 for number in numbers]

    gate = Gate(writer)
    futures = [writer.submit_to(add_all, number) for number in (1, 2, 3)]
    beside = writer.submit(add(9))
    gate.leave.set()
    assert [futures[0].result(), futures[1].result(), beside.result()] == [10, 20, 9]
    with pytest.raises(LookupError):
        futures[2].result()
    assert calls == [[1, 2, 3]]


def test_one_that_raises_among_items_of_one_work_is_undone_alone(database: Database, writer: Writer) -> None:
    def add_all(connection: Connection, numbers: Sequence[int]) -> list[int | Exception]:
        for number in numbers:
            connection.execute(insert(bundles).values(revision=number, token="t", added_at=0))
        return list(numbers)

    gate = Gate(writer)
    futures = [writer.submit_to(add_all, number) for number in (1, 1, 2)]
    gate.leave.set()
    assert [futures[0].result(), futures[2].result()] == [1, 2]
    with pytest.raises(IntegrityError):
        futures[1].result()
    assert revisions(database) == [1, 2]


def test_what_was_submitted_cannot_be_taken_back(database: Database, writer: Writer) -> None:
    gate = Gate(writer)
    future = writer.submit(add(1))
    assert not future.cancel()
    gate.leave.set()
    assert future.result() == 1
    assert revisions(database) == [1]
