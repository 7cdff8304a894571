"""How PCs stand, in a store that real requests have filled: each thing that can be wrong is named, with what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from protocol import api
from protocol.bundle import Bundle
from store.catalog import schema
from store.catalog.alarms import add_alarm
from store.catalog.database import Database
from store.catalog.queries import find_device
from store.clock import MINUTE
from store.evidence.timeline.device_status import DeviceStatus, Level, device_status, older
from store.server.services import Services
from testkit.fakes.pc import SECOND, Pc
from tests.store.conftest import SetClock
from tests.store.recorded import POLICY, POLICY_FILES

Look = Callable[..., DeviceStatus]


@pytest.fixture
def database(services: Services) -> Database:
    return services.database


@pytest.fixture
def look(database: Database, clock: SetClock) -> Look:
    def at(pc: Pc, after: float = 0, version: str = "0.1.0") -> DeviceStatus:
        with database.reading() as connection:
            device = find_device(connection, schema.devices.c.id == pc.device)
        assert device is not None
        return device_status(database, device, now=clock() + int(after * MINUTE), store_version=version)

    return at


def report(pc: Pc, clock: SetClock, **changes: Any) -> None:
    """Its minute's health: recording, nothing waiting."""
    health = {
        "wall": clock(), "agent_version": "0.1.0", "heads": {}, "holds": [], "pending_chunks": 0, "pending_bytes": 0,
        "ledger": {"next": len(pc.ledger.lines), "head": pc.ledger.head}, "bundle_revision": 1, **changes,
    }  # fmt: skip
    assert pc.ask_token(clock.seconds).is_success
    assert pc.client.put(api.device_health_path(pc.device), json=health, headers=pc.bearer).status_code == 200


def verdict(found: DeviceStatus) -> tuple[Level, str]:
    return found.level, found.words


def test_one_that_records_is_fine_and_needs_nothing(pc: Pc, clock: SetClock, look: Look, bundle: Bundle) -> None:
    report(pc, clock)
    recording = pc.open_recording(bundle)
    pc.put_sealed(recording.seal())
    found = look(pc, 1)
    assert verdict(found) == (Level.FINE, "recording")
    assert (found.next_step, found.others, found.receipt) == ("", (), clock())


def test_one_that_was_never_heard_of_is_broken_after_ten_minutes(pc: Pc, look: Look) -> None:
    assert verdict(look(pc, 5)) == (Level.FINE, "just enrolled")
    found = look(pc, 11)
    assert verdict(found) == (Level.BROKEN, "never heard of")
    assert "eyelid run" in found.next_step


def test_silence_is_broken_and_an_end_in_order_is_not(new_pc: Callable[[], Pc], clock: SetClock, look: Look) -> None:
    silent, off = new_pc(), new_pc()
    for pc in (silent, off):
        pc.ledger.write("start", at=0)
    off.ledger.write("stop", at=SECOND, why="shutdown")
    for pc in (silent, off):
        assert pc.send_ledger().is_success
        report(pc, clock)
    assert verdict(look(silent, 3)) == (Level.FINE, "recording")
    assert verdict(look(silent, 6)) == (Level.BROKEN, "SILENT")
    assert verdict(look(off, 60)) == (Level.AWAY, "off")


@pytest.mark.parametrize(
    ("holds", "level", "words"),
    [
        (["no-policy"], Level.BROKEN, "NO POLICY"),
        (["spool-full"], Level.BROKEN, "SPOOL FULL"),
        (["no-signature"], Level.BROKEN, "NO SIGNATURE"),
        (["blind"], Level.BROKEN, "BLIND"),
        (["user"], Level.FINE, "held: user"),
        (["locked", "display-off"], Level.FINE, "held: display-off, locked"),
    ],
)
def test_a_hold_is_broken_where_somebody_must_act(
    pc: Pc, clock: SetClock, look: Look, holds: list[str], level: Level, words: str
) -> None:
    report(pc, clock, holds=holds)
    found = look(pc)
    assert verdict(found) == (level, words)
    assert bool(found.next_step) is (level is Level.BROKEN)
    assert found.holds == tuple(sorted(holds))


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"reason": 1, "policy": POLICY}, "held: locked, user (Break)"),
        ({"reason": 7, "policy": POLICY}, "held: locked, user"),
        ({"reason": "private"}, "held: locked, user (private)"),
        ({}, "held: locked, user"),
    ],
)
def test_a_hold_by_the_person_says_why(pc: Pc, clock: SetClock, look: Look, told: dict[str, Any], words: str) -> None:
    assert pc.client.put(api.policy_path(POLICY), json={"files": POLICY_FILES}, headers=pc.bearer).is_success
    pc.ledger.write("start", at=0)
    pc.ledger.write("hold", at=1, hold="user", **told)
    pc.ledger.write("hold", at=2, hold="locked")
    assert pc.send_ledger().is_success
    report(pc, clock, holds=["user", "locked"])
    assert look(pc).words == words


def test_chunks_that_wait_for_long_without_a_receipt_are_stuck(pc: Pc, clock: SetClock, look: Look) -> None:
    clock.pass_by(20 * 60)
    report(pc, clock, pending_chunks=7, pending_bytes=70_000)
    found = look(pc)
    assert verdict(found) == (Level.BROKEN, "NOTHING ARRIVES")
    assert (found.pending_chunks, found.pending_bytes) == (7, 70_000)


def test_one_that_refuses_its_bundle_is_broken_until_somebody_has_looked(
    pc: Pc, clock: SetClock, look: Look, database: Database
) -> None:
    report(pc, clock)
    pc.ledger.write("start", at=0)
    pc.ledger.write("alarm", at=1, what="bundle-refused")
    assert pc.send_ledger().is_success
    found = look(pc)
    assert verdict(found) == (Level.BROKEN, "ALARM bundle-refused")
    with database.reading() as connection:
        assert [code for code, *_ in connection.execute(select(schema.alarms.c.code))] == ["bundle-refused"]


def test_a_rule_that_never_fitted_is_looked_at_and_the_pc_is_not_broken(
    pc: Pc, clock: SetClock, look: Look, database: Database
) -> None:
    report(pc, clock)
    pc.ledger.write("start", at=0)
    pc.ledger.write("alarm", at=1, what="rule-never-matched", rules=[0], policy="c" * 64)
    assert pc.send_ledger().is_success
    found = look(pc)
    assert (verdict(found), found.others) == ((Level.LOOK, "rule-never-matched"), ())
    assert "eyelid-store rules" in found.next_step
    assert found.alarms == ("rule-never-matched",)
    with database.writing() as connection:
        add_alarm(connection, clock(), "two-bodies", pc.device)
    found = look(pc)
    assert (verdict(found), found.others) == ((Level.BROKEN, "ALARM two-bodies"), ("rule-never-matched",))


def test_alarms_come_first_and_the_rest_is_told_beside(pc: Pc, clock: SetClock, look: Look, database: Database) -> None:
    report(pc, clock, holds=["no-policy"])
    pc.ledger.write("start", at=0)
    pc.ledger.write("alarm", at=1, what="policy-mistakes")
    pc.ledger.write("alarm", at=2, what="policy-mistakes")
    assert pc.send_ledger().is_success
    with database.writing() as connection:
        add_alarm(connection, clock(), "two-bodies", pc.device)
    found = look(pc)
    assert verdict(found) == (Level.BROKEN, "ALARM two-bodies")
    assert found.reported == ("policy-mistakes",)
    assert set(found.others) >= {"NO POLICY", "reported policy-mistakes"}
    with database.writing() as connection:
        values = {"at": 1, "operator": "ada", "action": "acknowledge-alarm", "alarm": 1, "reason": "seen"}
        connection.execute(insert(schema.audit).values(**values))
    assert look(pc).words == "NO POLICY"
    assert look(pc, 60 * 25).reported == ()


def test_a_pc_that_keeps_an_older_bundle_is_looked_at_once_it_had_its_time(
    pc: Pc, clock: SetClock, look: Look, database: Database
) -> None:
    with database.writing() as connection:
        connection.execute(insert(schema.bundles).values(revision=2, token="x", added_at=clock()))
    report(pc, clock)
    assert verdict(look(pc)) == (Level.FINE, "recording")
    clock.pass_by(6 * 60)
    report(pc, clock)
    assert verdict(look(pc)) == (Level.LOOK, "bundle 1, not 2")


def test_one_whose_day_was_mostly_blind_is_looked_at(pc: Pc, clock: SetClock, look: Look) -> None:
    write = pc.ledger.write
    clock.now = (1_800_000_000 + 3600) * SECOND  # an hour after the ledger's first moment
    write("start", at=0)
    write("lane-closed", at=0, lane="screen", rules=["web-engine"], policy="c" * 64)
    write("policy", at=3600 * SECOND, policy="c" * 64, revision=1)
    assert pc.ask_token(clock.seconds).is_success
    assert pc.send_ledger().is_success
    report(pc, clock)
    found = look(pc)
    assert found.blind_share > 0.9
    assert found.words == "mostly blind"
    assert f"eyelid-store gaps --since 1d --device {pc.device[:8]};" in found.next_step


def test_an_older_version_is_named_and_a_revoked_pc_is_nothing_but_revoked(
    pc: Pc, clock: SetClock, look: Look, database: Database
) -> None:
    report(pc, clock, holds=["no-policy"])
    assert "version 0.1.0" in look(pc, version="0.2.0").others
    with database.writing() as connection:
        connection.execute(update(schema.devices).values(revoked_at=1))
    found = look(pc, 60)
    assert (verdict(found), found.others) == ((Level.AWAY, "revoked"), ())


def test_one_that_left_is_gone_and_what_it_had_told_is_past(
    pc: Pc, clock: SetClock, look: Look, database: Database
) -> None:
    report(pc, clock, holds=["no-policy"])
    pc.ledger.write("start", at=0)
    pc.ledger.write("alarm", at=1, what="policy-mistakes")
    pc.ledger.write("stop", at=SECOND, why="shutdown")
    assert pc.send_ledger().is_success
    assert (verdict(look(pc)), look(pc).gone) == ((Level.LOOK, "reported policy-mistakes"), False)
    pc.ledger.write("start", at=2 * SECOND)
    pc.ledger.write("stop", at=3 * SECOND, why="unenrolled")
    assert pc.send_ledger().is_success
    with database.writing() as connection:
        add_alarm(connection, clock(), "two-bodies", pc.device)
    found = look(pc, 60 * 24)
    assert (verdict(found), found.gone, found.others) == ((Level.AWAY, "left"), True, ())


def test_one_whose_user_enrolled_anew_is_gone_until_it_is_heard_of_again(
    new_pc: Callable[[], Pc], clock: SetClock, look: Look
) -> None:
    first = new_pc()
    report(first, clock)
    clock.pass_by(3600)
    second = new_pc()
    assert (verdict(look(first)), look(first).gone) == ((Level.AWAY, "enrolled anew"), True)
    assert not look(second).gone
    clock.pass_by(60)
    report(first, clock)  # it is another PC of that name
    assert not look(first).gone


def test_an_alarm_that_is_over_is_told_no_more(pc: Pc, clock: SetClock, look: Look) -> None:
    pc.ledger.write("start", at=0)
    pc.ledger.write("alarm", at=1, what="policy-mistakes")
    pc.ledger.write("alarm", at=2, what="sound-died")
    assert pc.send_ledger().is_success
    report(pc, clock)
    assert look(pc).reported == ("policy-mistakes", "sound-died")  # an agent of before does not say what is over
    report(pc, clock, troubles=["sound-died"])
    assert look(pc).reported == ("sound-died",)
    pc.ledger.write("start", at=3)
    assert pc.send_ledger().is_success
    assert look(pc).reported == ()  # it would have said it anew


def test_versions_are_compared_as_numbers() -> None:
    assert older("0.9.3", "0.10.0")
    assert not older("0.10.0", "0.9")
    assert not older("0.1.5", "0.1.0")
    assert not older("nightly", "0.2.0")
