"""The steps of an erasure in the catalog, on both engines: what they refuse, and what they leave."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, insert, select, update

from protocol.envelope import KEY_PACKET_STREAM
from protocol.erasure import Destroyed, Erasure
from store.catalog import erasure, schema
from store.catalog.blobs import BlobFault, charged, sealed_name
from store.catalog.database import Database
from store.catalog.erasure import OnHoldError, Step
from store.errors import StoreError
from testkit.fakes.blobs import MemoryBlobs
from tests.store.catalog.test_database import anew, brought_up, opened, postgres

__all__ = ["anew", "postgres"]  # fixtures

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ONE = UUID(int=7)
ORDER = Erasure(ONE, "d", "period", "rest", "0" * 64, "", "log.example.com", 3, 5)
NAMES = [sealed_name(ONE, stream, 0, digit * 64) for stream, digit in ((KEY_PACKET_STREAM, "a"), (0, "b"))]


def filled(connection: Connection) -> None:
    """A device with one recording: a key packet, and a chunk of 5,000 bytes."""
    connection.execute(
        insert(schema.enrolments).values(
            id="e", secret_sha256="0", group_name="", uses_left=0, expires_at=0, created_at=0
        )
    )
    named = dict.fromkeys(("token_key", "token_kid", "evidence_key", "host", "os", "agent_version", "group_name"), "x")
    connection.execute(insert(schema.devices).values(id="d", enrolment="e", enrolled_at=0, **named))
    connection.execute(
        insert(schema.recordings).values(
            id=str(ONE), device="d", start=0, host="h", os_user="ada", policy="p", opened_at=0
        )
    )
    for stream, digit, size in ((KEY_PACKET_STREAM, "a", 10), (0, "b", 5000)):
        row = {"recording": str(ONE), "stream": stream, "sequence": 0, "sha256": digit * 64}
        connection.execute(insert(schema.sealed).values(**row, size=size, received_at=0))
    total = charged(10) + charged(5000) + 7
    connection.execute(insert(schema.stored).values(device="d", total=total, day=0, today=0))
    erasure.appoint(connection, "log.example.com", KEY.public_key(), 0)


def full() -> MemoryBlobs:
    blobs = MemoryBlobs()
    for name in NAMES:
        blobs.put(name, b"sealed")
    return blobs


def test_each_step_stands_in_the_catalog_and_the_last_has_a_certificate(anew: Callable[[], Database]) -> None:
    with brought_up(anew) as database:
        with database.writing() as connection:
            filled(connection)
            erasure.order(connection, ORDER, KEY)
            erasure.order(connection, replace(ORDER, position=9), KEY)  # no second
            [stone] = erasure.unfinished(connection)
        assert (stone.step, stone.position, stone.found.packets) == (Step.ORDERED, 3, ("a" * 64,))
        assert (stone.found.objects, stone.found.bytes, stone.explained) == (1, 5010, True)
        here, there = full(), full()
        erasure.carry_out(database, [("here", here), ("there", there)], stone, 17, KEY)
        assert [*here.names(), *there.names()] == []
        destroyed = Destroyed(17, ("a" * 64,), 1, 5010, ("there",), "2027-01-01", ())
        with database.writing() as connection:
            [stone] = erasure.unfinished(connection)
            assert stone.step == Step.REMOVED
            erasure.certify(connection, str(ONE), replace(ORDER, destroyed=destroyed).sign(KEY))
            done = erasure.tombstone(connection, ONE, ORDER.device)
            assert done is not None
            assert done.certificate == replace(ORDER, destroyed=destroyed)
            assert erasure.explained(connection, {str(ONE), "other"}, ORDER.device) == {str(ONE)}
            assert erasure.explained(connection, ["other"], ORDER.device) == frozenset()
            assert connection.execute(select(schema.sealed)).all() == []
            assert connection.scalar(select(schema.recordings.c.os_user)) == ""
            assert connection.scalar(select(schema.stored.c.total)) == 7
        database.settle()


def test_a_packet_that_one_place_does_not_let_go_leaves_it_ordered(anew: Callable[[], Database]) -> None:
    class Stuck(MemoryBlobs):
        def shred(self, name: str) -> None:
            raise BlobFault(f"{name[:0]}no")

    stuck = Stuck()
    stuck.put(NAMES[0], b"sealed")
    with brought_up(anew) as database:
        with database.writing() as connection:
            filled(connection)
            erasure.order(connection, ORDER, KEY)
            [stone] = erasure.unfinished(connection)
        here = full()
        with pytest.raises(BlobFault):
            erasure.carry_out(database, [("here", here), ("there", stuck)], stone, 17, KEY)
        assert list(here.names()) == NAMES[1:]  # the chunks only when no packet is left anywhere
        with database.reading() as connection:
            assert [one.step for one in erasure.unfinished(connection)] == [Step.ORDERED]


def test_what_is_held_is_not_ordered_and_what_nobody_signed_is_not_carried_out(anew: Callable[[], Database]) -> None:
    stranger = Ed25519PrivateKey.generate()
    with brought_up(anew) as database:
        with database.writing() as connection:
            filled(connection)
            erasure.place(connection, "h", [str(ONE)], why="w", owner="o", review="2027-01-01", placed_at=1)
            with pytest.raises(OnHoldError, match="legal hold h"):
                erasure.order(connection, ORDER, KEY)
            erasure.release(connection, "h", 2)
            erasure.order(connection, ORDER, stranger)
            [stone] = erasure.unfinished(connection)
        assert not stone.explained
        blobs = full()
        with pytest.raises(StoreError, match="is not signed"):
            erasure.carry_out(database, [("here", blobs)], stone, 17, KEY)
        assert len(list(blobs.names())) == 2


DESTROYED = Destroyed(86_400 * 10**9, ("a" * 64,), 1, 5010, (), "2027-01-01", ())


def test_the_day_is_the_signed_one(tmp_path: Path) -> None:
    with closing(opened(tmp_path / "store.db")) as database, database.writing() as connection:
        filled(connection)
        erasure.order(connection, ORDER, KEY)
        erasure.certify(connection, str(ONE), replace(ORDER, destroyed=DESTROYED).sign(KEY))
        connection.execute(update(schema.erasures).values(shredded_at=365 * 86_400 * 10**9))
        stone = erasure.tombstone(connection, ONE, ORDER.device)
    assert stone is not None
    assert str(stone).startswith("erased on 1970-01-02, ")
    assert stone.facts()["on"] == "1970-01-02"


@pytest.mark.parametrize("step", [Step.ORDERED, Step.ERASED])
@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("found", b"\x00"),
        ("found", "{"),
        ("found", "[" * 100_000),
        ("found", "[]"),
        ("found", '{"packets": 1, "objects": 1, "bytes": 1}'),
        ("order", b"\x00"),
        ("order", "\u00e9"),
        ("certificate", b"\x00"),
        ("certificate", "\u00e9"),
        ("step", "melted"),
        ("step", b"\x00"),
        ("shredded_at", "noon"),
        ("position", "first"),
        ("device", b"\x00"),
    ],
)
def test_a_damaged_row_is_no_reason_and_stops_nothing(tmp_path: Path, step: Step, column: str, cell: object) -> None:
    """SQLite keeps whatever is put into a column."""
    with closing(opened(tmp_path / "store.db")) as database:
        with database.writing() as connection:
            filled(connection)
            erasure.order(connection, ORDER, KEY)
            if step is Step.ERASED:
                erasure.certify(connection, str(ONE), replace(ORDER, destroyed=DESTROYED).sign(KEY))
            connection.execute(update(schema.erasures).values({column: cell}))
            stone = erasure.tombstone(connection, ONE, ORDER.device)
            assert stone is not None
            assert all(type(value) in (str, int, bool, type(None)) for value in (*stone.facts().values(), str(stone)))
            if column in ("order", "device", "position"):
                assert not stone.explained
        if column in ("found", "order", "step", "device", "position"):
            blobs = full()
            with pytest.raises(StoreError, match=r"not signed|damaged"):
                erasure.carry_out(database, [("here", blobs)], stone, 17, KEY)
            assert len(list(blobs.names())) == 2
