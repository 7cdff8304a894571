"""Whatever a row of the catalog says, nothing dies that would not have died without it.

The cases are made from the schema, so that a new column is tried as soon as it is there.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import pytest

from protocol.envelope import SOUND_STREAM
from review.governance.times import DAY
from review.lifecycle.facts import Known
from store.catalog import schema
from store.errors import StoreError
from testkit.fakes.pc import FakeRecording
from testkit.lifecycle import World
from tests.review.lifecycle.test_unsigned_rows import SHORT, account_of, looked, packet_of

EXTREMES: Final = (
    0, 1, -1, 6, SOUND_STREAM, 65_534, 65_535, 18_000_000_000_000, 2**62, "", "x", "lent", "start", "recording-closed",
    "recording-open", None,
)  # fmt: skip
TABLES: Final = [table for table in schema.metadata.sorted_tables if table.name not in {"lifecycle", "holds"}]
"""The other two are signed as a whole: tests/review/lifecycle/test_decided.py."""
COLUMNS: Final = [(table.name, column.name) for table in TABLES for column in table.columns]
LIVES: Final = ("rest", "cards", "calls", "rest")


class Attacked:
    """A store whose catalog is changed and put back. `recordings`: all that are in it."""

    def __init__(self, world: World, recordings: list[FakeRecording]) -> None:
        self.world, self.recordings = world, recordings
        self.keep()

    def keep(self) -> None:
        """From now on this is what is put back."""
        with closing(sqlite3.connect(self.world.home.database_path)) as database:
            database.execute("pragma wal_checkpoint(truncate)")
            self.values = {one: self._values(database, *one) for one in COLUMNS}

        self._kept = self.world.home.database_path.read_bytes()

    @staticmethod
    def _values(database: sqlite3.Connection, table: str, column: str) -> list[Any]:
        found = database.execute(f'select distinct "{column}" from "{table}" limit 20')  # noqa: S608 - names of the schema
        return [value for (value,) in found]

    def put_back(self) -> None:
        for file in self.world.home.folder.glob(f"{self.world.home.database_path.name}*"):
            file.unlink()
        self.world.home.database_path.write_bytes(self._kept)

    def dead(self) -> set[UUID]:
        """What the eraser would order now. A refusal of the whole command is nothing."""
        with suppress(StoreError), self.world.opened() as (database, lifecycle):
            lifecycle.follow()
            facts = self.world.facts(database, SHORT)
            now = self.world.days()
            found = [(one.id, facts.of(one.id, now, whole=True)) for one in self.recordings]
            known = [(one, lifecycle.decided.of(what)) for one, what in found if isinstance(what, Known)]
            return {one for one, what in known if what.disposal(SHORT, now).deletes}
        return set()

    def change(self, table: str, column: str, dice: random.Random) -> str:
        """One change of that column; its words. Many are none that a catalog takes."""
        value = dice.choice([*EXTREMES, *self.values[table, column]])
        columns = ", ".join(f'"{one.name}"' for one in schema.metadata.tables[table].columns)
        copied = columns.replace(f'"{column}"', "?")
        with closing(sqlite3.connect(self.world.home.database_path)) as database:
            rows = [str(row) for (row,) in database.execute(f'select rowid from "{table}"')]  # noqa: S608 - names of the schema
        which = f"rowid in ({', '.join(dice.sample(rows, min(len(rows), dice.choice((1, 1, 2, 99)))))})"
        statement, values = dice.choice(
            [
                (f'update "{table}" set "{column}" = ? where {which}', (value,)),  # noqa: S608 - as before
                (f'update "{table}" set "{column}" = ?', (value,)),  # noqa: S608 - as before
                (f'insert or ignore into "{table}" ({columns}) select {copied} from "{table}" where {which}', (value,)),  # noqa: S608 - as before
                (f'delete from "{table}" where {which}', ()),  # noqa: S608 - as before
            ]
        )
        with (
            closing(sqlite3.connect(self.world.home.database_path)) as database,
            suppress(sqlite3.Error, OverflowError),
            database,
        ):
            database.execute(statement, values)
        return f"{statement} {values}"


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    """On its day 42 the first recording is over, and no other is, as they lived for 12 days and less."""
    world = World.found(tmp_path_factory.mktemp("attacked"))
    with world.serving() as pcs:
        pc = pcs.pc()
        old = pcs.record(pc, "rest")[0]
    looked(world)
    began = world.days()
    world.days.pass_by(30)
    with world.serving() as pcs:
        recordings = [old, *(pcs.record(pcs.pc(), kind)[0] for kind in LIVES if kind != "calls")]
    world.days.pass_by(9)
    with world.serving() as pcs:
        recordings.append(pcs.record(pcs.pc(), "calls")[0])
    looked(world)
    world.days.pass_by(3)
    world.mirror()
    made = Attacked(world, recordings)
    made.put_back()
    assert made.dead() == {old.id}
    # What a PC of the attacker's signs of a colleague's recording lies ready, and of its rows one is to be changed.
    taken = recordings[2]
    account_of(world, pc, taken, began)
    made.keep()
    yield made
    shutil.rmtree(world.folder, ignore_errors=True)


@pytest.mark.slow(reason="each column of each table is changed, and all recordings are judged anew")
def test_no_change_of_any_column_lets_more_die(attacked: Attacked) -> None:
    attacked.put_back()
    may, dice = attacked.dead() | {attacked.recordings[0].id}, random.Random(1)
    for table, column in COLUMNS:
        done = [attacked.change(table, column, dice) for _ in range(2)]
        assert attacked.dead() <= may, done
        attacked.put_back()


@pytest.mark.slow(reason="random changes, and all recordings are judged anew")
@pytest.mark.parametrize("seed", range(4))
def test_no_random_changes_let_more_die(attacked: Attacked, seed: int) -> None:
    attacked.put_back()
    may, dice = {attacked.recordings[0].id}, random.Random(seed)
    near = [one for one in COLUMNS if one[0] in {"sealed", "recordings", "devices", "ledger_lines", "interactions"}]
    for _ in range(60):
        done = [attacked.change(*dice.choice(near), dice) for _ in range(dice.randint(1, 3))]
        assert attacked.dead() <= may, done
        attacked.put_back()


@pytest.mark.slow(reason="each column is changed, of a recording that another PC calls its own")
def test_no_change_completes_what_another_pc_signed_of_a_recording(attacked: Attacked, tmp_path: Path) -> None:
    """Its key packet lies there instead of the recording's, with times of long ago: a row of its sender is left."""
    world, taken = attacked.world, attacked.recordings[2]
    shutil.copytree(world.home.blobs_folder, tmp_path / "blobs")
    thief = attacked.recordings[0].pc
    long_ago = world.days() - 42 * DAY
    packet_of(world, thief, taken, long_ago)
    before = attacked._kept
    with closing(sqlite3.connect(world.home.database_path)) as database, database:
        database.execute("update sealed set received_at = ? where recording = ?", (long_ago, str(taken.id)))
        database.execute("delete from ledger_lines where device != ? and recording = ?", (thief.device, str(taken.id)))
    attacked.keep()
    may = {attacked.recordings[0].id}
    try:
        for table, column in COLUMNS:
            for value in dict.fromkeys(attacked.values[table, column]):
                with (
                    closing(sqlite3.connect(world.home.database_path)) as database,
                    suppress(sqlite3.Error),
                    database,
                ):
                    which = " where id = ?" if table == "recordings" else ""
                    owner = (str(taken.id),) if which else ()
                    database.execute(f'update "{table}" set "{column}" = ?{which}', (value, *owner))  # noqa: S608 - names of the schema
                assert attacked.dead() <= may, (table, column, value)
                attacked.put_back()
    finally:
        attacked._kept = before
        attacked.put_back()
        shutil.rmtree(world.home.blobs_folder)
        shutil.copytree(tmp_path / "blobs", world.home.blobs_folder)
        attacked.keep()
