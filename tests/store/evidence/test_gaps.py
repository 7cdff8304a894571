"""What is not here, as a store knows it that real requests have filled: chunks, time, and devices that are silent."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import delete, event, select, update

from protocol import api
from protocol.bundle import Bundle
from protocol.envelope import KEY_PACKET_STREAM, Kind
from store.catalog import schema
from store.catalog.alarms import acknowledge, alarms_after
from store.catalog.queries import find_device
from store.catalog.reported import Named
from store.evidence.picture import MOST_LINES
from store.evidence.timeline.device_timeline import What
from store.evidence.timeline.gaps import SILENT, DeviceGaps, Hole, gaps
from store.server.services import Services
from testkit.fakes.pc import SECOND, FakeRecording, Pc
from tests.store.command_line import Run, run
from tests.store.conftest import Examine, SetClock
from tests.store.recorded import POLICY, ZERO, Filmed, close, make_filmed, start_run

__all__ = ["run"]  # a fixture

DAY = 86400 * SECOND
Look = Callable[..., DeviceGaps]


@pytest.fixture
def look(services: Services, clock: SetClock) -> Look:
    def at(pc: Pc, since: int = 7 * DAY) -> DeviceGaps:
        with services.database.reading() as connection:
            device = find_device(connection, schema.devices.c.id == pc.device)
        assert device is not None
        return gaps(services.database, device, since=clock() - since, now=clock(), zone=None)

    return at


@pytest.fixture(autouse=True)
def now(clock: SetClock) -> None:
    """When the fake PC's entries are written: its wall clock is 1,800,000,000 s at 0 of its own clock."""
    clock.now = 1_800_000_000 * SECOND + ZERO + 10 * SECOND


def report_health(pc: Pc, clock: SetClock, recording: FakeRecording | None = None, **changes: object) -> None:
    body: dict[str, object] = {
        "wall": clock(), "agent_version": "0.1.0", "holds": [], "heads": {}, "pending_chunks": 0, "pending_bytes": 0,
        "ledger": {"next": len(pc.ledger.lines), "head": pc.ledger.head}, "bundle_revision": 1,
    }  # fmt: skip
    if recording is not None:
        body["recording"] = str(recording.id)
        body["heads"] = {
            str(number): {"next": stream.next, "head": stream.head.hex()}
            for number, stream in recording.streams.items()
        }
    answer = pc.client.put(api.device_health_path(pc.device), json=body | changes, headers=pc.bearer)
    assert answer.is_success, answer.text


# -- chunks -------------------------------------------------------------------------------------------------------


def test_a_whole_recording_lacks_nothing(filmed: Filmed, look: Look, clock: SetClock) -> None:
    report_health(filmed.pc, clock)
    found = look(filmed.pc)
    assert (found.recordings, found.unexplained, found.state, found.amiss) == ((), (), "heard", False)


def test_holes_and_a_tail_below_the_signed_heads(
    filmed: Filmed, look: Look, services: Services, clock: SetClock
) -> None:
    with services.database.writing() as connection:
        connection.execute(delete(schema.sealed).where(schema.sealed.c.sequence.in_((0, 2, 3, 6))))
    report_health(filmed.pc, clock)
    (short,) = look(filmed.pc).recordings
    assert short.recording == filmed.recording.id
    # With sequence 0 of stream 65535, the key packet, gone as well: that is for `verify` to say.
    assert short.holes == (Hole(0, 0, 0, "lost"), Hole(0, 2, 3, "lost"), Hole(0, 6, 6, "lost"))
    assert look(filmed.pc).amiss
    report_health(filmed.pc, clock, pending_chunks=4)
    found = look(filmed.pc)
    assert {hole.why for short in found.recordings for hole in short.holes} == {"on-its-way"}
    assert (found.pending_chunks, found.amiss) == (4, False)


def test_a_stream_of_which_nothing_came(filmed: Filmed, look: Look, services: Services) -> None:
    with services.database.writing() as connection:
        connection.execute(delete(schema.sealed).where(schema.sealed.c.stream == 0))
    (short,) = look(filmed.pc).recordings
    assert short.holes == (Hole(0, 0, 6, "lost"),)


@contextmanager
def pc_heads(services: Services) -> Iterator[list[Any]]:
    with services.database.reading() as connection:
        yield list(connection.execute(select(schema.reported_heads)))


def settle_alarms(services: Services) -> list[str]:
    """Codes of those that an operator acknowledges now."""
    with services.database.writing() as connection:
        raised = alarms_after(connection, 0, 100, settled=False)
        acknowledge(connection, [row.id for row in raised], operator="ada", reason="seen", at=1)
        return [row.code for row in raised]


def test_a_tail_that_only_health_told_of(
    pc: Pc, bundle: Bundle, look: Look, services: Services, clock: SetClock
) -> None:
    made = make_filmed(pc, bundle)
    for body in made.sealed[:5]:
        pc.put_sealed(body)
    pc.send_ledger()
    assert look(pc).recordings == ()
    report_health(pc, clock, made.recording)
    (short,) = look(pc).recordings
    assert short.holes == (Hole(0, 5, 6, "on-its-way"),)
    assert not look(pc).amiss
    pc.ledger.write("stop", at=ZERO + 10 * SECOND)
    pc.ledger.write("start", at=ZERO + 10 * SECOND)
    pc.send_ledger()
    (short,) = look(pc).recordings
    assert short.holes == (Hole(0, 5, 6, "lost"),)
    report_health(pc, clock)  # the first of the new run, which knows nothing of the one before
    (short,) = look(pc).recordings
    assert (short.holes, look(pc).amiss) == ((Hole(0, 5, 6, "lost"),), True)
    for body in made.sealed[5:]:
        pc.put_sealed(body)
    report_health(pc, clock)
    assert (look(pc).recordings, look(pc).amiss) == ((), False)
    with pc_heads(services) as noted:
        assert noted == []


def test_heads_of_health_whose_account_never_came(pc: Pc, bundle: Bundle, look: Look, clock: SetClock) -> None:
    """Cut off with the entry that opened it: only the report of health is left of it."""
    start_run(pc)
    pc.send_ledger()
    here, gone = pc.open_recording(bundle, policy=POLICY), FakeRecording(pc, bundle.recipients)
    for recording in (here, gone):
        recording.seal()
        report_health(pc, clock, recording)
    report_health(pc, clock)
    holes, never = look(pc).recordings
    assert (holes.recording, holes.holes) == (here.id, (Hole(0, 0, 0, "lost"),))
    assert (never.recording, never.start, never.why) == (gone.id, None, "lost")


def test_a_chunk_that_is_not_the_one_that_health_had_named(
    pc: Pc, bundle: Bundle, look: Look, services: Services, clock: SetClock, examined: Examine
) -> None:
    made = make_filmed(pc, bundle)
    pc.send_ledger()
    report_health(pc, clock, made.recording)
    forged = FakeRecording(pc, made.recording.recipients, id=made.recording.id, packet=made.recording.packet)
    for place in range(7):
        body = forged.seal(b"other", kind=Kind.HEADER if place == 0 else Kind.MEDIA)
        pc.put_sealed(body)
    wrong = Named(str(made.recording.id), 0, 6)
    found = look(pc)
    assert (found.contradicted, found.amiss) == ((wrong,), True)
    assert ("heads", "wrong-head") in {(one.check, one.code) for one in examined(made.recording, None).findings}
    report_health(pc, clock)
    report_health(pc, clock, made.recording)
    found = look(pc)
    assert (found.contradicted, found.amiss) == ((wrong,), True)
    assert ("alarm", "wrong-head") in {(one.check, one.code) for one in examined(made.recording, None).findings}
    assert settle_alarms(services) == ["wrong-head"]  # one, however often it is reported
    assert (look(pc).contradicted, look(pc).amiss) == ((), False)


def test_two_heads_under_one_number(pc: Pc, bundle: Bundle, look: Look, clock: SetClock) -> None:
    recording = pc.open_recording(bundle)
    recording.seal()
    report_health(pc, clock, recording)
    report_health(pc, clock, recording, heads={"0": {"next": 1, "head": "a" * 64}, "1": {"next": 0, "head": "a" * 64}})
    assert look(pc).contradicted == (Named(str(recording.id), 0, 0),)


def test_entries_that_health_named_and_that_were_cut_off(
    pc: Pc, look: Look, services: Services, clock: SetClock
) -> None:
    start_run(pc)
    pc.send_ledger()
    for _ in range(2):
        pc.ledger.write("heads", at=ZERO, heads={})
    report_health(pc, clock)
    assert look(pc).pending_entries == 2
    del pc.ledger.lines[-2:]
    pc.ledger.write("blind-since", at=ZERO, from_wall=clock(), why="died")
    pc.send_ledger()
    report_health(pc, clock)
    found = look(pc)
    # The second of the two is still to come, for all that the store can tell.
    assert (found.pending_entries, found.contradicted) == (1, ())
    pc.ledger.write("start", at=ZERO)
    pc.send_ledger()
    found = look(pc)
    entry = len(pc.ledger.lines) - 1
    assert (found.pending_entries, found.contradicted) == (0, (Named(None, None, entry),))
    report_health(pc, clock)
    assert look(pc).amiss
    assert settle_alarms(services) == ["wrong-head"]
    assert not look(pc).amiss


def test_a_gap_with_a_name(pc: Pc, bundle: Bundle, look: Look) -> None:
    made = make_filmed(pc, bundle)
    del made.sealed[2:5]
    made.put_all()
    pc.ledger.write("given-up", at=ZERO + 9 * SECOND, recording=str(made.recording.id), stream=0, sequence=3)
    close(made)
    pc.send_ledger()
    (short,) = look(pc).recordings
    assert short.holes == (Hole(0, 2, 2, "lost"), Hole(0, 3, 3, "given-up"), Hole(0, 4, 4, "lost"))


def test_a_recording_of_which_nothing_came(pc: Pc, look: Look, clock: SetClock) -> None:
    start_run(pc)
    never = uuid4()
    pc.ledger.write("recording-open", at=ZERO, recording=str(never), policy=POLICY, zero=ZERO)
    pc.send_ledger()
    (short,) = look(pc).recordings
    assert (short.recording, short.start, short.why, short.lost) == (never, None, "lost", True)
    report_health(pc, clock, pending_chunks=1)
    assert look(pc).recordings[0].why == "on-its-way"


@pytest.mark.parametrize("opened", [True, False])
def test_what_the_pc_has_signed_that_it_had_receipts_for_is_not_on_its_way(
    pc: Pc, bundle: Bundle, look: Look, services: Services, opened: bool
) -> None:
    start_run(pc)
    recording = pc.open_recording(bundle)
    if opened:
        pc.ledger.write("recording-open", at=ZERO, recording=str(recording.id), policy=recording.policy, zero=ZERO)
    pc.send_ledger()
    for _ in range(3):
        pc.put_sealed(recording.seal())
    recording.seal()
    pc.put_health(pc.report(recording, receipted={0: 3}), pending_chunks=1)
    (short,) = look(pc).recordings
    assert (short.holes, look(pc).amiss) == ((Hole(0, 3, 3, "on-its-way"),), False)
    with services.database.writing() as connection:
        connection.execute(delete(schema.sealed).where(schema.sealed.c.sequence > 0))
    (short,) = look(pc).recordings
    assert (short.holes, look(pc).amiss) == ((Hole(0, 1, 2, "lost"), Hole(0, 3, 3, "on-its-way")), True)
    with services.database.writing() as connection:
        connection.execute(delete(schema.sealed))
        connection.execute(delete(schema.recordings))
    (short,) = look(pc).recordings
    assert (short.recording, short.start, short.why, look(pc).amiss) == (recording.id, None, "lost", True)


def test_a_list_of_what_is_not_here_has_a_bound(pc: Pc, look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.evidence.timeline.gaps.MOST_LISTED", 2)  # the real bound takes long to reach
    start_run(pc)
    for _ in range(2):
        pc.ledger.write("recording-open", at=ZERO, recording=str(uuid4()), policy=POLICY, zero=ZERO)
    pc.send_ledger()
    found = look(pc)
    assert (len(found.recordings), found.more) == (2, False)
    pc.ledger.write("recording-open", at=ZERO, recording=str(uuid4()), policy=POLICY, zero=ZERO)
    pc.send_ledger()
    found = look(pc)
    assert (len(found.recordings), found.more, found.amiss) == (2, True, True)


def test_so_have_the_holes_of_a_recording(pc: Pc, bundle: Bundle, look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.evidence.timeline.gaps.MOST_LISTED", 2)  # the real bound takes long to reach
    start_run(pc)
    recording = pc.open_recording(bundle)
    for sequence in range(8):
        body = recording.seal()
        if sequence % 2:
            pc.put_sealed(body)
    found = look(pc)
    (short,) = found.recordings
    assert ([hole.first for hole in short.holes], short.more, found.more, found.amiss) == ([0, 2], True, True, True)


def test_of_a_recording_with_more_than_is_read_nothing_behind_that_is_missing(
    pc: Pc, bundle: Bundle, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_run(pc)
    recording = pc.open_recording(bundle)
    for _ in range(6):
        pc.put_sealed(recording.seal())
    pc.ledger.write("recording-open", at=ZERO, recording=str(recording.id), policy=POLICY, zero=ZERO)
    pc.ledger.write("heads", at=ZERO, recording=str(recording.id), heads={"0": [6, "a" * 64]})
    pc.send_ledger()
    assert look(pc).recordings == ()
    monkeypatch.setattr("store.evidence.timeline.gaps.MOST_EACH", 4)  # the real bound takes long to reach
    (short,) = look(pc).recordings
    assert (short.holes, short.more) == ((), True)


def test_so_have_the_recordings_that_are_asked_for(
    pc: Pc, bundle: Bundle, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.evidence.timeline.gaps.MOST_ASKED", 2)  # the real bound takes long to reach
    monkeypatch.setattr("store.evidence.timeline.gaps._PAGE", 2)  # as above
    start_run(pc)
    for _ in range(3):
        pc.open_recording(bundle)
    assert look(pc).more is True


def test_a_recording_left_open_is_over_once_its_run_is(pc: Pc, bundle: Bundle, look: Look) -> None:
    start_run(pc)
    made = [pc.open_recording(bundle) for _ in range(2)]
    for one in made:
        pc.ledger.write("recording-open", at=ZERO, recording=str(one.id), policy=POLICY, zero=ZERO)
        pc.ledger.write("heads", at=ZERO, recording=str(one.id), heads={"0": [3, "a" * 64]})
        pc.send_ledger()
        if one is made[0]:
            pc.ledger.write("start", at=ZERO)
    lacking = {short.recording: short.holes for short in look(pc).recordings}
    assert lacking == {made[0].id: (Hole(0, 0, 2, "lost"),), made[1].id: (Hole(0, 0, 2, "on-its-way"),)}


def test_a_list_of_unexplained_time_has_a_bound(pc: Pc, look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.evidence.timeline.gaps.MOST_LISTED", 2)  # the real bound takes long to reach
    start_run(pc)
    for at in range(1, 4):
        pc.ledger.write("start", at=ZERO + at * SECOND)
    pc.send_ledger()
    found = look(pc)
    assert (len(found.unexplained), found.more) == (2, True)
    assert sum(day.sums[What.UNEXPLAINED] for day in found.days) >= 3 * SECOND


def test_a_recording_that_was_opened_before_the_time_asked_for(pc: Pc, look: Look, clock: SetClock) -> None:
    start_run(pc)
    pc.ledger.write("recording-open", at=ZERO, recording=str(uuid4()), policy=POLICY, zero=ZERO)
    pc.send_ledger()
    clock.now += 2 * DAY
    assert len(look(pc).recordings) == 1
    assert look(pc, since=DAY).recordings == ()


def test_a_recording_whose_key_packet_was_given_up(pc: Pc, look: Look) -> None:
    """As agents told it that opened a recording before its key packet was durable."""
    start_run(pc)
    never = str(uuid4())
    pc.ledger.write("recording-open", at=ZERO, recording=never, policy=POLICY, zero=ZERO)
    pc.ledger.write("given-up", at=ZERO, recording=never, stream=0, sequence=0)
    pc.ledger.write("given-up", at=ZERO, recording=never, stream=KEY_PACKET_STREAM, sequence=0)
    pc.ledger.write("stop", at=ZERO)
    pc.send_ledger()
    (short,) = look(pc).recordings
    assert (str(short.recording), short.why, short.lost, look(pc).amiss) == (never, "given-up", False, False)


# -- time ---------------------------------------------------------------------------------------------------------


def test_the_day_is_accounted_for(filmed: Filmed, look: Look, clock: SetClock) -> None:
    report_health(filmed.pc, clock)
    sums: dict[What, int] = {}
    for day in look(filmed.pc).days:
        for what, amount in day.sums.items():
            sums[what] = sums.get(what, 0) + amount
    assert sums[What.KEPT] == 6 * SECOND
    assert sum(sums.values()) == 30 * SECOND  # from the start to the last sign of life
    assert sums[What.HELD] == 11 * SECOND  # ten for want of a policy, one by its user
    assert What.UNEXPLAINED not in sums


def test_a_death_that_nobody_told_of(filmed: Filmed, look: Look, clock: SetClock) -> None:
    filmed.pc.ledger.write("start", at=ZERO + 100 * SECOND)
    clock.pass_by(100)
    filmed.pc.send_ledger()
    (part,) = look(filmed.pc).unexplained
    assert (part.why, part.end - part.start) == (("no-end",), 90 * SECOND)
    assert look(filmed.pc).amiss


def test_states_of_a_device(pc: Pc, look: Look, clock: SetClock, services: Services) -> None:
    assert (look(pc).state, look(pc).days, look(pc).amiss) == ("never", (), False)
    start_run(pc)
    pc.send_ledger()
    report_health(pc, clock)
    assert look(pc).state == "heard"
    clock.now += SILENT + 1
    found = look(pc)
    assert (found.state, found.heard, found.amiss) == ("silent", clock() - SILENT - 1, True)
    assert [part.why for part in found.unexplained] == [("silent",)]
    pc.ledger.write("stop", at=ZERO + 10 * SECOND)
    pc.ask_token(clock.seconds)
    pc.send_ledger()
    clock.now += DAY
    assert (look(pc).state, look(pc).amiss) == ("off", False)
    with services.database.writing() as connection:
        connection.execute(update(schema.devices).values(revoked_at=1))
    assert look(pc).state == "revoked"


def test_entries_and_a_wrong_clock_that_the_last_health_told_of(pc: Pc, look: Look, clock: SetClock) -> None:
    start_run(pc)
    pc.send_ledger()
    report_health(pc, clock, wall=clock() + 3600 * SECOND, ledger={"next": len(pc.ledger.lines) + 3, "head": "a" * 64})
    found = look(pc)
    assert (found.pending_entries, found.clock_off) == (3, 3600 * SECOND)
    assert (found.unexplained, found.late, found.amiss) == ((), False, False)


def test_entries_that_its_health_named_are_late_when_they_do_not_follow(pc: Pc, look: Look, clock: SetClock) -> None:
    """Its health comes on, and with it the name of an ever later entry: what somebody keeps back must show."""
    start_run(pc)
    pc.send_ledger()
    named = len(pc.ledger.lines)
    for minute in range(SILENT // SECOND // 60 + 1):
        pc.ask_token(clock.seconds)
        report_health(pc, clock, ledger={"next": named + 1 + minute, "head": "a" * 64})
        assert (look(pc).state, look(pc).amiss) == ("heard", False)
        clock.pass_by(60)
    found = look(pc)
    assert (found.state, found.late, found.amiss) == ("heard", True, True)
    assert [part.why for part in found.unexplained] == [("not-here-yet",)]


def test_a_tail_that_somebody_cut_off_on_the_way_is_no_time_accounted_for(
    filmed: Filmed, look: Look, clock: SetClock
) -> None:
    """What came of the account does not say that no more was written, however late it came."""
    report_health(filmed.pc, clock)
    reported = clock()
    filmed.pc.ledger.write("heads", at=ZERO + 20 * SECOND, recording=str(filmed.recording.id), heads={})
    clock.pass_by(SILENT // SECOND + 60)
    filmed.pc.ask_token(clock.seconds)
    filmed.pc.send_ledger()  # and nothing else is let through: no report of its health
    found = look(filmed.pc)
    assert (found.state, found.heard, found.amiss) == ("silent", clock(), True)
    (part,) = found.unexplained
    assert (part.start, part.end, part.why) == (reported + 10 * SECOND, clock(), ("silent",))


def test_what_is_kept_of_a_lie_is_no_sign_of_life(
    filmed: Filmed, look: Look, services: Services, clock: SetClock
) -> None:
    report_health(filmed.pc, clock)
    reported = clock()
    clock.pass_by(60)
    filmed.pc.ledger.write("heads", at=ZERO + 20 * SECOND, recording=str(filmed.recording.id), heads={})
    filmed.pc.send_ledger()
    with services.database.writing() as connection:
        batches = schema.ledger_batches
        connection.execute(update(batches).where(batches.c.received_at == clock()).values(accepted=False))
    assert look(filmed.pc).heard == reported


def test_a_device_that_never_reports_its_health_is_silent(pc: Pc, look: Look, clock: SetClock) -> None:
    start_run(pc)
    pc.send_ledger()
    assert look(pc).unexplained == ()
    clock.pass_by(SILENT // SECOND + 60)
    pc.ask_token(clock.seconds)
    pc.ledger.write("lane-closed", at=ZERO, lane="screen", rules=[0], policy=POLICY)
    pc.send_ledger()
    assert (look(pc).state, look(pc).amiss) == ("silent", True)


def test_a_device_last_heard_before_the_clock_was_set_back_is_silent(pc: Pc, look: Look, clock: SetClock) -> None:
    start_run(pc)
    pc.send_ledger()
    report_health(pc, clock)
    clock.now -= DAY
    assert (look(pc).state, look(pc).amiss) == ("silent", True)
    pc.ask_token(clock.seconds)
    report_health(pc, clock)
    assert look(pc).state == "heard"


def test_a_device_silent_for_longer_than_is_looked_at(filmed: Filmed, look: Look, clock: SetClock) -> None:
    report_health(filmed.pc, clock)
    clock.now += 30 * DAY
    found = look(filmed.pc, since=DAY)
    assert found.state == "silent"
    assert {what for day in found.days for what in day.sums} == {What.UNEXPLAINED}
    assert found.recordings == ()


def test_damaged_lines_are_passed_over(filmed: Filmed, look: Look, services: Services, clock: SetClock) -> None:
    report_health(filmed.pc, clock)
    with services.database.writing() as connection:
        connection.execute(
            update(schema.ledger_lines).where(schema.ledger_lines.c.kind == "recording-closed").values(line="x")
        )
    assert look(filmed.pc).state == "heard"


# -- the command --------------------------------------------------------------------------------------------------


@pytest.fixture
def set_wall(clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.commands.sweep.wall", clock)


@pytest.mark.usefixtures("set_wall")
def test_recordings_without_end_that_never_come_cost_no_question_each_and_no_page(
    run: Run, pc: Pc, services: Services, look: Look
) -> None:
    """A PC named 20,000 in 40 s: `gaps` took two minutes and printed as many lines."""
    start_run(pc)
    for _ in range(300):
        pc.ledger.write("recording-open", at=ZERO, recording=str(uuid4()), policy=POLICY, zero=ZERO)
    pc.send_ledger()
    asked: list[str] = []
    with services.database.reading() as connection:
        engine = connection.engine
    event.listen(engine, "before_cursor_execute", lambda *said: asked.append(said[2]))
    assert len(look(pc).recordings) == 300
    assert len(asked) < 100
    lines = run("gaps").out.splitlines()
    assert sum("nothing of it has come" in line for line in lines) == MOST_LINES
    assert f"! and {300 - MOST_LINES} more of these" in "\n".join(lines)
    told = json.loads(run("gaps", "--json").out)
    assert len(told["devices"][0]["recordings"]) == 300


@pytest.mark.usefixtures("set_wall")
def test_gaps_for_a_person(
    run: Run, filmed: Filmed, services: Services, clock: SetClock, new_pc: Callable[[], Pc]
) -> None:
    idle = new_pc()
    report_health(filmed.pc, clock)
    told = run("gaps")
    assert told.code == 0
    assert "2 PCs since" in told.out
    assert "nothing is lost or unexplained" in told.out
    assert "never heard of" in next(line for line in told.out.splitlines() if idle.device in line)
    row = next(line for line in told.out.splitlines() if line.startswith("20"))
    assert "20 %" in row  # 6 of 30 s are kept
    with services.database.writing() as connection:
        connection.execute(delete(schema.sealed).where(schema.sealed.c.sequence.in_((2, 3))))
    clock.pass_by(3600)
    told = run("gaps", "--device", filmed.pc.device[:20])
    assert told.code == 1
    assert "SILENT" in told.out
    assert f"! recording {filmed.recording.id}, stream 0, sequences 2 to 3 (lost)" in told.out
    assert "for 1:00:00 h: nothing was heard" in told.out
    assert "LOOK AT 1 PC" in told.out
    assert idle.device not in told.out


@pytest.mark.usefixtures("set_wall")
def test_gaps_as_json(run: Run, filmed: Filmed, services: Services, clock: SetClock) -> None:
    with services.database.writing() as connection:
        connection.execute(delete(schema.sealed).where(schema.sealed.c.sequence == 6))
    report_health(filmed.pc, clock, pending_chunks=2, pending_bytes=10)
    told = run("gaps", "--json")
    assert told.code == 0  # on its way
    (device,) = told.facts["devices"]
    assert (device["state"], device["pending_chunks"], device["amiss"]) == ("heard", 2, False)
    assert device["recordings"][0]["missing"] == [{"stream": 0, "first": 6, "last": 6, "why": "on-its-way"}]
    assert sum(day["kept_ns"] for day in device["days"]) == 5 * SECOND
    assert {f"{what.value}_ns" for what in What} <= set(device["days"][0])


def test_gaps_of_nobody(run: Run) -> None:
    assert "No PC is enrolled" in run("gaps").out
    assert (run("gaps", "--device", "x").code, run("gaps", "--since", "soon").code) == (2, 2)
