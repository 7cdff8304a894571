"""Who owns the database alone destroys nothing early, nothing that is held, and nothing unasked."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from protocol.envelope import KEY_PACKET_STREAM
from protocol.erasure import Erasure
from review.audit.errors import AuditError
from review.governance.times import DAY
from review.lifecycle.decided import Rows
from review.lifecycle.facts import Known
from store.admin import renew
from store.admin.home import Home
from store.catalog import erasure
from store.errors import StoreError
from testkit.fakes.pc import FakeRecording
from testkit.lifecycle import PRIVATE, RULES, World
from tests.review.audit.making import opening, unsay
from tests.review.lifecycle.test_lifecycle import erased, founded, known, made, world

__all__ = ["founded", "world"]
REFUSED = "not those of the audit log"


def sql(world: World, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(world.home.database_path)) as database, database:
        assert database.execute(statement, values).rowcount


def held(world: World, recording: FakeRecording, name: str = "case-1") -> None:
    with world.opened() as (_, lifecycle):
        lifecycle.hold(name, [str(recording.id)], why="court", owner="ann", review=date(2030, 1, 1))


def derived(world: World) -> tuple[int, int]:
    with world.opened() as (_, lifecycle):
        return lifecycle.derive()


# -- what it is ---------------------------------------------------------------------------------------------------

HIDES = (  # what closed it
    "update ledger_lines set kind = 'start' where kind = 'lane-closed'",
    """update ledger_lines set line = replace(line, '"rules":[0]', '"rules":[]') where kind = 'lane-closed'""",
    "delete from ledger_lines where kind = 'lane-closed'",
)
CUTS = "delete from ledger_lines where seq >= (select seq from ledger_lines where kind = 'lane-closed')"


@pytest.mark.parametrize("change", [*HIDES, CUTS])
def test_a_line_that_hides_what_closed_it_makes_every_class_count(world: World, change: str) -> None:
    _, [recording] = made(world, "cards")
    world.days.pass_by(20)
    sql(world, change)
    assert erased(world, recording) == {}
    assert known(world, recording).unsure


@pytest.mark.parametrize("change", HIDES)
def test_a_line_before_it_that_hides_what_closed_it_makes_every_class_count(world: World, change: str) -> None:
    _, [before, recording] = made(world, "cards", "rest")
    sql(world, change)
    with world.opened() as (database, _):
        facts = world.facts(database)
        for one in (before, recording, recording):  # of what was read before, the mistake is remembered
            found = facts.of(one.id, world.days())
            assert isinstance(found, Known), found
            assert found.unsure


# -- when it ended ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("also", ["", "ledger_lines", "packet"])
def test_a_row_that_says_it_came_long_ago_erases_nothing_early(world: World, also: str) -> None:
    _, [recording] = made(world, "cards")
    sql(world, "update sealed set received_at = received_at - ?", 400 * DAY)
    if also == "ledger_lines":
        sql(world, "delete from ledger_lines")
    if also == "packet":
        sql(world, "delete from sealed where stream = ?", KEY_PACKET_STREAM)
    world.days.pass_by(1)
    assert erased(world, recording) == {}
    assert known(world, recording).unsure


def test_a_packet_that_another_key_signed_lets_no_account_of_that_key_date_it(world: World) -> None:
    _, [recording] = made(world, "rest")
    sql(world, "update sealed set received_at = received_at - ?", 400 * DAY)
    for path in world.home.blobs_folder.rglob(f"{KEY_PACKET_STREAM:05d}-*"):
        path.write_bytes(b"none")
    assert known(world, recording).recording.end == world.days.now


def test_a_clock_of_a_pc_that_runs_late_erases_nothing_early(world: World) -> None:
    with world.serving() as pcs:
        pcs.ahead = -300 * DAY
        recording = pcs.record(pcs.pc(), "rest")[0]
    facts = known(world, recording)
    assert (facts.recording.end, facts.unsure) == (world.days.now, ())


def test_a_clock_of_a_pc_that_runs_ahead_makes_it_unsure(world: World) -> None:
    with world.serving() as pcs:
        pcs.ahead = 300 * DAY
        recording = pcs.record(pcs.pc(), "rest")[0]
    facts = known(world, recording)
    assert facts.recording.end > world.days.now
    assert "its own clock says that it ended on" in facts.unsure[0]


# -- holds and requests -------------------------------------------------------------------------------------------


def test_a_hold_whose_row_is_gone_or_taken_off_still_holds(world: World) -> None:
    _, [recording] = made(world, "rest")
    held(world, recording)
    world.days.pass_by(20)
    for tampering in ("update holds set released_at = 1", "update holds set recording = 'x'", "delete from holds"):
        sql(world, tampering)
        with pytest.raises(StoreError, match=REFUSED):
            erased(world, recording)
        assert derived(world) == (1, 0 if tampering.startswith("delete") else 1)
        assert erased(world, recording) == {}
    assert world.packets(recording.id)


def test_a_request_that_nobody_made_erases_nothing(world: World) -> None:
    _, [recording] = made(world, "rest")
    sql(world, "insert into erasure_requests (recording, reference) values (?, 'DSR-1')", str(recording.id))
    with pytest.raises(StoreError, match=REFUSED):
        erased(world, recording)
    assert derived(world) == (0, 1)
    assert erased(world, recording) == {}


def test_a_row_that_goes_while_a_command_runs_changes_nothing(world: World) -> None:
    _, [recording] = made(world, "rest")
    held(world, recording)
    world.days.pass_by(20)
    with world.opened() as (database, lifecycle):
        lifecycle.follow()
        sql(world, "delete from holds")
        done = lifecycle.erase(world.facts(database), RULES, [str(recording.id)])
    assert done.kept == {str(recording.id): "legal hold case-1"}


def test_rows_and_signature_of_an_older_catalog_only_make_it_follow_more(world: World) -> None:
    _, [recording] = made(world, "rest")
    with world.opened() as (database, _), database.reading() as connection:
        old = erasure.decider(connection)
    assert old is not None
    held(world, recording)
    world.days.pass_by(20)
    sql(world, "delete from holds")
    sql(world, "update lifecycle set decided = ?, applied = ?", old.decided, old.applied)
    assert erased(world, recording) == {}
    sql(world, "update lifecycle set applied = applied + 1000")  # it is not believed
    assert erased(world, recording) == {}


def test_another_stores_signature_is_none(world: World, tmp_path: Path) -> None:
    _, [recording] = made(world, "rest")
    held(world, recording)
    other = World.found(tmp_path / "other", anew=True)
    with other.opened() as (database, _), database.reading() as connection:
        foreign = erasure.decider(connection)
    assert foreign is not None
    sql(world, "delete from holds")
    sql(world, "update lifecycle set decided = ?", foreign.decided)
    with pytest.raises(StoreError, match=REFUSED):
        erased(world, recording)


def test_a_store_whose_key_was_renewed_decides_as_before(world: World) -> None:
    _, [first, second, third] = made(world, "rest", "rest", "rest")
    held(world, first)
    for _ in range(2):
        with closing(world.home.database()) as database, database.writing() as connection:
            key = renew.new_store_key(world.home, connection, world.days())
        renew.put_store_key(world.home, key)
        world.home = Home.open(world.home.folder)
    sql(world, "insert into successors (token, added_at) values ('damaged', 1)")
    held(world, second, "case-2")
    world.days.pass_by(20)
    assert set(erased(world, first, second, third)) == {str(third.id)}
    sql(world, "delete from holds where hold = 'case-2'")
    with pytest.raises(StoreError, match=REFUSED):
        erased(world, second)


def test_a_catalog_that_lost_the_signature_has_it_from_the_log(world: World) -> None:
    _, [recording] = made(world, "rest")
    held(world, recording)
    world.days.pass_by(20)
    with world.opened() as (database, lifecycle):
        with database.reading() as connection:
            before = Rows.read(connection)
        sql(world, "update lifecycle set decided = ''")
        lifecycle.follow()
        with database.reading() as connection:
            assert Rows.read(connection).decided == before.decided
    sql(world, "delete from holds")
    sql(world, "update lifecycle set decided = ''")
    with pytest.raises(StoreError, match=REFUSED):
        erased(world, recording)


def test_a_tombstone_that_nobody_signed_takes_no_hold_off(world: World) -> None:
    _, [recording] = made(world, "rest")
    held(world, recording)
    world.days.pass_by(20)
    columns = '(recording, device, position, "order", step, found)'
    row = f"insert into erasures {columns} values (?, 'd', 0, '', 'erased', '{{}}')"  # noqa: S608 - a constant
    sql(world, row, str(recording.id))
    derived(world)
    sql(world, "delete from erasures")
    assert erased(world, recording) == {}


@pytest.mark.parametrize("step", ["ordered", "shredded", "removed"])
def test_an_order_that_is_put_back_destroys_nothing_that_is_held_since(world: World, step: str) -> None:
    _, [recording] = made(world, "rest")
    world.days.pass_by(20)
    away = world.replica.rename(world.replica.with_name("away"))
    with world.opened() as (database, lifecycle):
        assert lifecycle.erase(world.facts(database), RULES, [str(recording.id)]).stuck
    with closing(sqlite3.connect(world.home.database_path)) as database:
        [row] = database.execute("select * from erasures").fetchall()
    sql(world, "delete from erasures")
    held(world, recording)
    sql(world, f"insert into erasures values ({', '.join('?' * len(row))})", *row)  # noqa: S608 - question marks
    sql(world, "update erasures set step = ?", step)
    away.rename(world.replica)
    for way in ("finish", "restored"):
        with world.opened() as (_, lifecycle):
            assert "legal hold case-1" in getattr(lifecycle, way)().stuck[str(recording.id)]
    assert len(world.packets(recording.id)) == 2


def begun(world: World) -> FakeRecording:
    """Ordered, and nothing of it destroyed yet."""
    _, [recording] = made(world, "rest")
    world.days.pass_by(20)
    away = world.replica.rename(world.replica.with_name("away"))
    with world.opened() as (database, lifecycle):
        assert lifecycle.erase(world.facts(database), RULES, [str(recording.id)]).stuck
    away.rename(world.replica)
    return recording


@pytest.mark.parametrize("step", ["shredded", "removed"])
def test_a_step_that_nobody_signed_leaves_nothing_out(world: World, step: str) -> None:
    recording = begun(world)
    sql(world, "update erasures set step = ?, shredded_at = ?", step, world.days() - 9 * DAY)
    with world.opened() as (_, lifecycle):
        [token] = lifecycle.finish().erased.values()
    destroyed = Erasure.verify(token, PRIVATE.public_key()).destroyed
    assert destroyed is not None
    assert (destroyed.at, destroyed.packets) == (world.days(), (hashlib.sha256(recording.packet).hexdigest(),))
    assert world.files(recording.id) == []


def test_what_nobody_signed_of_what_there_was_is_not_certified(world: World) -> None:
    recording = begun(world)
    sql(world, "update erasures set found = ?", '{"packets": [], "objects": 0, "bytes": 0, "absent": []}')
    with world.opened() as (_, lifecycle):
        done = lifecycle.finish()
    assert (done.erased, "not signed" in done.stuck[str(recording.id)]) == ({}, True)
    assert len(world.packets(recording.id)) == 2


# -- a trigger ----------------------------------------------------------------------------------------------------

LOSES_HOLDS = "create trigger t before insert on holds begin select raise(ignore); end"
KEEPS_REQUESTS = "create trigger t before delete on erasure_requests begin select raise(ignore); end"
UNKEPT = "did not keep holds and requests"


def test_a_trigger_that_was_there_before_is_refused_when_the_catalog_is_opened(world: World) -> None:
    sql(world, LOSES_HOLDS)
    with pytest.raises(StoreError, match="has the trigger 't' on 'holds'"), world.opened():
        pass


def test_a_trigger_loses_no_hold_that_is_placed_while_the_catalog_is_open(world: World) -> None:
    _, [recording] = made(world, "rest")
    with world.opened() as (_, lifecycle):
        sql(world, LOSES_HOLDS)
        with pytest.raises(StoreError, match=UNKEPT):
            lifecycle.hold("case-1", [str(recording.id)], why="court", owner="ann", review=date(2030, 1, 1))
    sql(world, "drop trigger t")
    world.days.pass_by(20)
    assert erased(world, recording) == {}


@pytest.mark.parametrize("statement", [LOSES_HOLDS, LOSES_HOLDS.replace("insert", "update"), KEEPS_REQUESTS])
@pytest.mark.parametrize("way", ["follow", "derive"])
def test_a_trigger_signs_nothing_when_rows_are_made_from_the_whole_log(world: World, statement: str, way: str) -> None:
    _, [recording, other] = made(world, "rest", "rest")
    held(world, recording)
    held(world, other, "case-2")
    with world.opened() as (_, lifecycle):
        lifecycle.release("case-2", why="over", dies=None)
        sql(world, "delete from holds")
        sql(world, "insert into erasure_requests values (?, 'DSR-1')", str(other.id))
        sql(world, "update lifecycle set decided = '', applied = 0")
        sql(world, statement)
        with pytest.raises(StoreError, match=f"{UNKEPT}|{REFUSED}"):
            getattr(lifecycle, way)()
        with pytest.raises(StoreError, match=f"{UNKEPT}|{REFUSED}"):
            lifecycle.finish()
    sql(world, "drop trigger t")
    assert derived(world) == (2, 1)
    world.days.pass_by(20)
    assert set(erased(world, recording, other)) == {str(other.id)}


def test_a_trigger_has_no_request_signed_by_who_begins_anew(world: World) -> None:
    _, [recording] = made(world, "cards")
    with world.opened() as (_, lifecycle):
        sql(world, "insert into erasure_requests values (?, 'DSR-1')", str(recording.id))
        sql(world, "update lifecycle set decided = ''")
        sql(world, KEEPS_REQUESTS)
        with pytest.raises(StoreError, match=REFUSED):
            lifecycle.restored()


# -- who owns the log's folder, too, and no key --------------------------------------------------------------------


def test_a_hold_that_an_old_block_says_no_more_is_missed(world: World) -> None:
    """The journal is read again from its first entry where the catalog says that it was never followed."""
    _, [recording] = made(world, "rest")
    held(world, recording)
    with world.opened() as (_, lifecycle):
        lifecycle.log.append_all([opening(number) for number in range(256)])  # ordinary work goes on
    world.days.pass_by(20)
    path = world.log_folder / "journal/000"
    whole = path.read_bytes()
    unsay(world.log_folder, 0)
    sql(world, "delete from holds")
    sql(world, "update lifecycle set decided = '', applied = 0")
    with pytest.raises(AuditError, match="is not as it was signed"):
        erased(world, recording)
    path.write_bytes(whole)
    with pytest.raises(StoreError, match=REFUSED):
        erased(world, recording)
    assert world.packets(recording.id)
