"""What a PC's health may cost the one writer: a fixed number of statements, and so many rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import Connection, event, func, select

from protocol import api
from protocol.bundle import Bundle
from protocol.envelope import Header, digest
from store.catalog import reported, schema
from store.catalog.alarms import LEFT_OUT, acknowledge, alarms_of, open_alarm_rows, open_alarms
from store.server.entries import MOST_STREAMS
from store.server.services import Services
from testkit.fakes.pc import Pc


def health(recording: UUID, heads: dict[str, tuple[int, str]], ledger: int = 0, sha256: str = "0" * 64) -> Any:
    return {
        "wall": 1,
        "agent_version": "0.1.0",
        "recording": str(recording),
        "heads": {stream: {"next": following, "head": head} for stream, (following, head) in heads.items()},
        "ledger": {"next": ledger, "head": sha256},
        "holds": [],
        "pending_chunks": 0,
        "pending_bytes": 0,
        "bundle_revision": 1,
    }


def full(letter: str = "a", following: int = 5) -> dict[str, tuple[int, str]]:
    return {str(stream): (following, letter * 64) for stream in range(MOST_STREAMS)}


def report(pc: Pc, told: Any) -> httpx.Response:
    return pc.client.put(api.device_health_path(pc.device), json=told, headers=pc.bearer)


@contextmanager
def statements(connection: Connection) -> Iterator[list[str]]:
    """What is asked of the database meanwhile; many rows of one statement are one."""
    asked: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        asked.append(statement)

    event.listen(connection, "before_cursor_execute", note)
    yield asked
    event.remove(connection, "before_cursor_execute", note)


def asked_by(services: Services, device: str, told: Any) -> int:
    with services.database.writing() as connection, statements(connection) as asked:
        reported.keep(connection, device, told, 1)
    return len(asked)


def rows(services: Services, what: Any, device: str) -> int:
    with services.database.reading() as connection:
        return connection.scalar(select(func.count()).select_from(what).where(what.c.device == device)) or 0


def test_a_report_costs_the_writer_the_same_whatever_it_names_and_was_noted(pc: Pc, services: Services) -> None:
    first = asked_by(services, pc.device, health(uuid4(), {"0": (5, "a" * 64)}, ledger=5))
    for number in range(6):
        asked_by(services, pc.device, health(uuid4(), full(), ledger=100 + number))
    assert asked_by(services, pc.device, health(uuid4(), full(), ledger=999)) == first


def test_so_do_heads_of_which_other_bytes_have_come(pc: Pc, services: Services, bundle: Bundle) -> None:
    recording = pc.open_recording(bundle)
    for stream in range(4):
        assert pc.put_sealed(recording.seal(stream=stream)).is_success
    one = asked_by(services, pc.device, health(recording.id, {"0": (1, "a" * 64)}))
    three = asked_by(services, pc.device, health(recording.id, {str(stream): (1, "b" * 64) for stream in (1, 2, 3)}))
    assert one == three
    with services.database.reading() as connection:
        alarms = open_alarm_rows(connection, pc.device, reported.WRONG_HEAD)
    assert [(row.stream, row.sequence, row.sha256) for row in alarms] == [
        (0, 0, "a" * 64), (1, 0, "b" * 64), (2, 0, "b" * 64), (3, 0, "b" * 64),
    ]  # fmt: skip


def test_what_came_as_it_was_named_is_let_go_and_the_rest_stays(pc: Pc, services: Services, bundle: Bundle) -> None:
    recording = pc.open_recording(bundle)
    sealed = [recording.seal(stream=stream) for stream in range(3)]
    heads = {str(Header.parse(body).stream): (1, digest(body).hex()) for body in sealed}
    assert report(pc, health(recording.id, heads)).is_success
    assert rows(services, schema.reported_heads, pc.device) == 3
    for body in sealed[:2]:
        assert pc.put_sealed(body).is_success
    assert report(pc, health(recording.id, {})).is_success
    with services.database.reading() as connection:
        assert reported.heads(connection, pc.device) == {str(recording.id): {2: (1, heads["2"][1])}}
        assert reported.contradicted(connection, pc.device) == []


def test_a_report_of_more_streams_than_a_recording_has_is_refused(pc: Pc, services: Services) -> None:
    told = health(uuid4(), {str(stream): (5, "a" * 64) for stream in range(MOST_STREAMS + 1)})
    answer = report(pc, told)
    assert (answer.status_code, answer.json()["error"]) == (400, "bad-field")
    assert rows(services, schema.reported_heads, pc.device) == 0


def test_a_pc_that_names_ever_more_gets_one_alarm_and_keeps_what_it_named_first(
    pc: Pc, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reported, "MOST_NOTED", 300)
    named = [uuid4() for _ in range(4)]
    for recording in named:
        assert report(pc, health(recording, full())).is_success
    assert rows(services, schema.reported_heads, pc.device) == 300
    assert report(pc, health(named[0], full("b", 9))).is_success  # what is noted goes on
    with services.database.reading() as connection:
        assert set(reported.heads(connection, pc.device)[str(named[0])].values()) == {(9, "b" * 64)}
        assert open_alarms(connection, pc.device) == [reported.TOO_MANY]


def test_nor_is_its_account_noted_for_ever(pc: Pc, services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reported, "MOST_NOTED", 3)
    for number in range(5):
        assert report(pc, health(uuid4(), {}, ledger=10 + number, sha256=f"{number}" * 64)).is_success
    assert rows(services, schema.reported_entries, pc.device) == 3


def test_alarms_of_wrong_heads_end_somewhere(
    new_pc: Callable[[], Pc], services: Services, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.catalog.alarms.MOST_OF_A_PC", 3)  # the real bound is 500
    pc, other = new_pc(), new_pc()
    for one in (other, pc):
        recording = one.open_recording(bundle)
        assert one.put_sealed(recording.seal()).is_success
        for number in range(5 if one is pc else 1):
            assert report(one, health(recording.id, {"0": (1, f"{number}" * 64)})).is_success
    with services.database.reading() as connection:
        assert len(open_alarm_rows(connection, pc.device, reported.WRONG_HEAD)) == 3
        assert open_alarms(connection, pc.device) == [reported.WRONG_HEAD, LEFT_OUT]
    assert rows(services, schema.alarms, other.device) == 1
    with services.database.writing() as connection:  # settled ones take no room, and are not raised again
        acknowledge(connection, range(1, 6), operator="carol", reason="seen", at=1)
    for number in (0, 1, 2, 7):
        assert report(pc, health(recording.id, {"0": (1, f"{number}" * 64)})).is_success
    with services.database.reading() as connection:
        assert [row.sha256 for row in open_alarm_rows(connection, pc.device, reported.WRONG_HEAD)] == ["7" * 64]


def test_nobody_raises_an_alarm_about_the_recording_of_another_pc(
    new_pc: Callable[[], Pc], services: Services, bundle: Bundle
) -> None:
    """Who knew its id could make a sound recording one that `verify` calls unsound."""
    victim, liar = new_pc(), new_pc()
    recording = victim.open_recording(bundle)
    assert victim.put_sealed(recording.seal()).is_success
    for _ in range(2):
        assert report(liar, health(recording.id, {"0": (1, "b" * 64)})).is_success
    with services.database.reading() as connection:
        assert alarms_of(connection, recording.id) == []
        assert reported.contradicted(connection, liar.device) == []
