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
from tests.quick import Cases
from tests.review.lifecycle.test_unsigned_rows import SHORT, account_of, looked, packet_of

NUMBERS: Final = (0, 1, -1, 6, SOUND_STREAM, 65_534, 65_535, 18_000_000_000_000, 2**62)
TEXTS: Final = ("", "x", "lent", "start", "recording-open", "recording-closed", "lane-closed")
TABLES: Final = [table for table in schema.metadata.sorted_tables if table.name not in {"lifecycle", "holds"}]
"""The other two are signed as a whole: tests/review/lifecycle/test_decided.py."""
COLUMNS: Final = [(table.name, column.name) for table in TABLES for column in table.columns]
NEAR: Final = frozenset({"sealed", "recordings", "devices", "ledger_lines"})  # whose rows say what a recording is


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

    def values_of(self, table: str, column: str) -> list[Any]:
        """Those of other rows, and extremes of its type."""
        kind = schema.metadata.tables[table].columns[column].type.python_type
        return list(dict.fromkeys([*self.values[table, column], *(NUMBERS if kind is int else TEXTS), None]))

    def statements(self, table: str, column: str, which: str = "") -> list[str]:
        columns = ", ".join(f'"{one.name}"' for one in schema.metadata.tables[table].columns)
        copied = columns.replace(f'"{column}"', "?")
        return [
            f'update "{table}" set "{column}" = ?{which}',  # noqa: S608 - names of the schema
            f'insert or ignore into "{table}" ({columns}) select {copied} from "{table}"{which}',  # noqa: S608 - as before
        ]

    def change(self, table: str, column: str, dice: random.Random) -> str:
        """One of some rows; its words. Many are none that a catalog takes."""
        with closing(sqlite3.connect(self.world.home.database_path)) as database:
            rows = [str(row) for (row,) in database.execute(f'select rowid from "{table}"')]  # noqa: S608 - as before
        which = f" where rowid in ({', '.join(dice.sample(rows, min(len(rows), dice.choice((1, 1, 2, 99)))))})"
        statement = dice.choice([*self.statements(table, column, which), f'delete from "{table}"{which}'])  # noqa: S608 - as before
        value = dice.choice(self.values_of(table, column))
        self.run(statement, *([value] if "?" in statement else []))
        return f"{statement} {value}"

    def run(self, statement: str, *values: object) -> bool:
        """Whether it changed anything."""
        with closing(sqlite3.connect(self.world.home.database_path)) as database:
            with suppress(sqlite3.Error, OverflowError), database:
                return database.execute(statement, values).rowcount > 0
            return False


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
        recordings = [old, *(pcs.record(pcs.pc(), kind)[0] for kind in ("rest", "cards"))]
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
@pytest.mark.parametrize("table", [one.name for one in TABLES])
def test_no_change_of_any_column_lets_more_die(attacked: Attacked, table: str, cases: Cases) -> None:
    may, dice = {attacked.recordings[0].id}, random.Random(1)
    for column in (name for owner, name in COLUMNS if owner == table):
        values = attacked.values_of(table, column)
        for value in cases(values, f"{table}.{column}") if table in NEAR else dice.sample(values, 1):
            for statement in attacked.statements(table, column):
                attacked.put_back()
                if attacked.run(statement, value):
                    assert attacked.dead() <= may, (statement, value)


@pytest.mark.slow(reason="random changes, and all recordings are judged anew")
@pytest.mark.parametrize("seed", range(2))
def test_no_random_changes_let_more_die(attacked: Attacked, seed: int, cases: Cases) -> None:
    may, dice = {attacked.recordings[0].id}, random.Random(seed)
    near = [one for one in COLUMNS if one[0] in NEAR]
    for _ in cases(range(60), str(seed)):
        attacked.put_back()
        done = [attacked.change(*dice.choice(near), dice) for _ in range(dice.randint(2, 3))]
        assert attacked.dead() <= may, done


@pytest.mark.slow(reason="each column is changed, of a recording that another PC calls its own")
def test_no_change_completes_what_another_pc_signed_of_a_recording(
    attacked: Attacked, tmp_path: Path, cases: Cases
) -> None:
    """Its key packet lies there instead of the recording's, with times of long ago: a row of its sender is left."""
    attacked.put_back()
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
            which = f" where id = '{taken.id}'" if table == "recordings" else ""
            values = attacked.values[table, column] if table in NEAR - {"ledger_lines"} else []
            for value in cases(values, f"{table}.{column}"):
                attacked.put_back()
                if attacked.run(attacked.statements(table, column, which)[0], value):
                    assert attacked.dead() <= may, (table, column, value)
    finally:
        attacked._kept = before
        attacked.put_back()
        shutil.rmtree(world.home.blobs_folder)
        shutil.copytree(tmp_path / "blobs", world.home.blobs_folder)
        attacked.keep()
