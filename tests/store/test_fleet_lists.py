"""What one PC sent, or one damaged row of the catalog, ends no list of the whole fleet and hides no other PC."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, select

from protocol.bundle import Bundle
from protocol.ledger import ZERO, Batch, line
from store.admin.home import Home
from store.catalog import queries, schema
from store.catalog.alarms import LEFT_OUT, MOST_OF_A_PC, acknowledge, add_alarm, open_alarm_rows
from store.commands import alarms
from store.evidence.verify import sweep
from store.server.services import Services
from testkit.fakes.pc import FakeRecording, Pc
from tests.store.command_line import Run, run  # noqa: F401 - a fixture
from tests.store.recorded import Filmed, start_run


@pytest.fixture
def damage(home: Home) -> Callable[..., None]:
    def change(statement: str, *values: object) -> None:
        with closing(sqlite3.connect(home.database_path)) as database:
            database.execute("pragma foreign_keys = off")
            database.execute(statement, values)
            database.commit()

    return change


# -- alarms -------------------------------------------------------------------------------------------------------


def test_alarms_of_ever_new_recordings_end_somewhere(pc: Pc, services: Services, run: Run) -> None:  # noqa: F811
    with services.database.writing() as connection:
        for number in range(MOST_OF_A_PC + 3):
            recording = str(UUID(int=number // 40))
            add_alarm(connection, number, "two-bodies", pc.device, recording=recording, stream=0, sequence=0)
        add_alarm(connection, 1, "ledger-fork", pc.device)
        assert len(open_alarm_rows(connection, pc.device, "two-bodies")) == MOST_OF_A_PC
        assert len(open_alarm_rows(connection, pc.device, LEFT_OUT)) == 1
    listed = run("alarms")
    assert listed.code == 1
    assert f"and {MOST_OF_A_PC - 20} more two-bodies of" in listed.out
    assert LEFT_OUT in listed.out
    assert "ledger-fork" in listed.out
    assert listed.out.count("\n") < 100
    assert len(run("alarms", "--json").facts["alarms"]) == MOST_OF_A_PC + 2


def test_many_are_acknowledged_in_slices_and_listed_in_pages(
    pc: Pc,
    services: Services,
    run: Run,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(alarms, "_SLICE", 4)  # the real one is 1,000
    monkeypatch.setattr(alarms, "_PAGE", 3)  # the real one is 1,000
    monkeypatch.setattr(alarms, "sleep", waited.append)  # the pauses between slices are counted, not waited for
    with services.database.writing() as connection:
        for number in range(10):
            add_alarm(connection, number, "two-bodies", pc.device)
    assert [one["id"] for one in run("alarms", "--json").facts["alarms"]] == list(range(1, 11))
    assert run("alarms", "--ack", "1-600000", "--reason", "an older image").code == 0
    assert len(waited) == 2  # three slices, and others may write between them
    settled = run("alarms", "--all", "--json").facts
    assert (settled["open"], len(settled["alarms"])) == (0, 10)


def test_what_lists_ask_for_has_an_index(services: Services) -> None:
    asked = {
        "alarms": "select count(*) from alarms where device = 'x' and code = 'y'",
        "recordings": "select id from recordings order by opened_at desc limit 20",
        "ledger_batches": "select token from ledger_batches where device = '' and accepted is 0 and id > 5 order by id",
    }
    with services.database.reading() as connection:
        for table, statement in asked.items():
            plan = " ".join(row[3] for row in connection.exec_driver_sql(f"explain query plan {statement}"))
            assert f"ix_{table}_" in plan
            assert "TEMP B-TREE" not in plan


# -- batches that were refused ------------------------------------------------------------------------------------


def test_batches_that_were_refused_are_read_one_at_a_time(
    pc: Pc,
    services: Services,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []

    def counted(connection: object, device: str, *, accepted: bool, after: int) -> object:
        asked.extend([] if accepted else [after])
        return one_batch(connection, device, accepted=accepted, after=after)  # type: ignore[arg-type]

    one_batch = queries.batch_beside
    monkeypatch.setattr(queries, "batch_beside", counted)  # what is held at once is counted
    start_run(pc)
    assert pc.send_ledger().is_success
    for wall in range(3):
        written = line(0, ZERO, at=1, wall=wall, kind="start")
        assert pc.send_ledger(Batch(str(pc.device), 0, 0, (written,)).sign(pc.evidence_key)).status_code == 409
    with services.database.writing() as connection:
        last = connection.scalar(select(schema.ledger_batches.c.id).order_by(schema.ledger_batches.c.id.desc()))
        forged = {"device": pc.device, "first": 0, "last": 0, "sha256": "f" * 64, "received_at": 1, "accepted": False}
        connection.execute(insert(schema.ledger_batches).values(**forged, token="forged"))
        device = queries.find_device(connection, schema.devices.c.id == pc.device)
    assert device is not None
    findings, *_ = sweep.check_ledger(services.database, device)
    assert [one.where for one in findings if one.code == "malformed"] == ["refused batch from entry 0"]
    assert [one.where for one in findings if one.code == "ledger-fork"] == ["entry 0"]
    assert (asked[0], asked[-2:]) == (-1, [last, int(str(last)) + 1])
    assert len(asked) == 5


# -- recordings ---------------------------------------------------------------------------------------------------


def test_a_beginning_that_a_pc_makes_up_pushes_no_other_off_the_list(
    filmed: Filmed,
    new_pc: Callable[[], Pc],
    bundle: Bundle,
    services: Services,
    run: Run,  # noqa: F811
) -> None:
    liar = new_pc()
    for number in range(3):
        made = FakeRecording(liar, bundle.recipients, start=2**63 - 1 - number)
        assert liar.put_packet(made).is_success
    with services.database.writing() as connection:  # a recording that began after the lies
        later = schema.recordings.update().where(schema.recordings.c.id == str(filmed.recording.id))
        connection.execute(later.values(opened_at=2**62))
    listed = run("recordings", "--limit", "1", "--json").facts["recordings"]
    assert [one["recording"] for one in listed] == [str(filmed.recording.id)]


@pytest.mark.parametrize("name", ["host", "os_user"])
def test_a_packet_whose_names_are_long_is_refused(name: str, pc: Pc, bundle: Bundle) -> None:
    for length, status in ((255, 200), (256, 400)):
        made = FakeRecording(pc, bundle.recipients)
        made.packet = made.make_packet(**{name: "W" * length})
        assert pc.put_packet(made).status_code == status


def test_a_long_name_of_an_earlier_store_is_cut_in_a_list(
    filmed: Filmed,
    run: Run,  # noqa: F811
    damage: Callable[..., None],
) -> None:
    damage("update recordings set host = ?, os_user = ?", "desk" * 9000, "ada" * 9000)
    damage("update devices set host = ?, os_user = ?", "desk" * 9000, "ada" * 9000)
    for words in (("recordings",), ("devices",), ("devices", "--wide"), ("gaps",), ("timeline", filmed.recording.id)):
        assert len(run(*words).out) < 10_000


# -- damaged rows -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "delete from devices where id = ?",
        "update recordings set device = 'x' where device = ?",
        "update recordings set id = 'x' where device = ?",
        "update recordings set id = x'fffe' where device = ?",
        "update recordings set start = 'x' where device = ?",
        "update recordings set host = x'fffe', os_user = 5 where device = ?",
        "update recordings set opened_at = 'x' where device = ?",
    ],
)
def test_a_damaged_recording_hides_no_other(
    statement: str,
    filmed: Filmed,
    new_pc: Callable[[], Pc],
    bundle: Bundle,
    run: Run,  # noqa: F811
    damage: Callable[..., None],
) -> None:
    other = new_pc()
    other.open_recording(bundle)
    damage(statement, other.device)
    for words in (("recordings",), ("recordings", "--json"), ("verify", filmed.recording.id)):
        listed = run(*words)
        assert (listed.code, listed.err) == (0, "")
        assert str(filmed.recording.id) in listed.out
    assert len(run("recordings", "--json").facts["recordings"]) == 2


CELLS = (
    "update health set body = '['",
    "update health set body = x'ff'",
    "update health set at = 'x'",
    "update sealed set received_at = 'x'",
    "update devices set revoked_at = 'x'",
    "update devices set revoked_at = x'ff00'",
    "update devices set enrolled_at = 'x'",
    "update devices set group_name = x'ff', host = x'00', os_user = 5, os = x'ff', agent_version = 1.5",
    "update devices set evidence_key = 'AAAA', token_key = x'ff'",
    "update enrolments set uses_left = x'ff'",
    "update enrolments set created_at = x'ff', expires_at = x'ff', group_name = x'ff'",
    "update alarms set at = 'x'",
    "update alarms set recording = x'fffe', code = x'ff', sequence = x'ff'",
    "update alarms set device = 'x'",
    "update ledger_lines set recording = 'x' where kind = 'recording-open'",
    "update audit set at = 'x', operator = x'ff'",
    "update recordings set host = cast(x'ff' as text)",
    "update devices set host = cast(x'ff' as text), evidence_key = cast(x'ff' as text)",
    "update ledger_lines set line = cast(x'ff' as text), kind = cast(x'ff' as text)",
    "update health set body = cast(x'ff' as text)",
)


@pytest.mark.parametrize("statement", CELLS)
def test_a_damaged_cell_ends_no_list(
    statement: str,
    filmed: Filmed,
    services: Services,
    run: Run,  # noqa: F811
    damage: Callable[..., None],
) -> None:
    report = filmed.pc.report(filmed.recording)
    assert filmed.pc.put_health(report).is_success
    with services.database.writing() as connection:
        for _ in range(2):
            add_alarm(connection, 1, "two-bodies", str(filmed.pc.device))
        acknowledge(connection, [1], operator="ada", reason="seen", at=1)
    damage(statement)
    for words in (
        ("recordings",),
        ("devices",),
        ("devices", "--wide"),
        ("gaps", "--since", "900d"),
        ("alarms", "--all"),
        ("tokens", "--all"),
        ("verify", "--all"),
        ("rules",),
    ):
        for form in ((), ("--json",)):
            listed = run(*words, *form)
            assert listed.code in {0, 1}, listed.err
            assert listed.out
            if form:
                json.loads(listed.out)


def test_an_entry_that_opens_no_recording_leaves_its_pc_readable(
    pc: Pc,
    run: Run,  # noqa: F811
) -> None:
    start_run(pc)
    pc.ledger.write("recording-open", at=10**11)
    gone = str(uuid4())
    pc.ledger.write("recording-open", at=10**11, recording=gone, policy="f" * 64, zero=10**11)
    assert pc.send_ledger().is_success
    [found] = run("gaps", "--json").facts["devices"]
    assert found["state"] != "unreadable"
    assert [one["recording"] for one in found["recordings"]] == [gone]
    [listed] = run("devices", "--json").facts["devices"]
    assert listed["state"] != "unreadable"
