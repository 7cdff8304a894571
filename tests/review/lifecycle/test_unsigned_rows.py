"""A row that no one signed chooses no class, no end and no owner."""

from __future__ import annotations

import hashlib
from contextlib import closing
from dataclasses import replace

import pytest

from protocol import jws
from protocol.envelope import KEY_PACKET_STREAM
from protocol.erasure import Erasure
from review.governance.model import Channel, Fact, Governance, Length, RetentionClass
from review.governance.times import DAY, Period
from store.admin.init import COMPLIANCE
from store.clock import SECOND
from store.evidence.verify.sweep import sweep
from testkit.fakes.pc import FakeRecording, Pc
from testkit.lifecycle import POLICY, PRIVATE, RULES, World
from tests.review.lifecycle.test_decided import sql
from tests.review.lifecycle.test_lifecycle import founded, known, made, world
from tests.review.lifecycle.test_pinned import looked

__all__ = ["founded", "world"]
SHORT: Governance = replace(
    RULES,
    retention=(
        RetentionClass("voice", (Fact("channel", frozenset({Channel.VOICE})),), keep=Period(ns=5 * DAY)),
        RetentionClass("long", (Length(over=True, ns=4 * 3600 * SECOND),), keep=Period(ns=5 * DAY)),
        RetentionClass("lent", (Fact("group", frozenset({"lent"})),), keep=Period(ns=5 * DAY)),
        RetentionClass("cards", (Fact("closed_by", frozenset({"card-forms"})),), keep=Period(ns=60 * DAY)),
        RetentionClass("rest", None, keep=Period(ns=30 * DAY)),
    ),
)
"""Some classes are shorter than the rest: to be in one of them is to die sooner."""
COPY = """insert into sealed select recording, {stream}, sequence, sha256, size, received_at, kind, flags, start, "end",
          previous from sealed where stream = 0 and sequence = 0"""


def dies(world: World, *recordings: FakeRecording, rules: Governance = SHORT) -> set[str]:
    with world.opened() as (database, lifecycle):
        done = lifecycle.erase(world.facts(database, rules), rules, [str(one.id) for one in recordings])
        assert not done.stuck
        return set(done.erased)


# -- a class ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        COPY.format(stream=32_768),
        COPY.format(stream=7),
        'update sealed set "end" = 18000000000000 where stream = 0 and sequence = 1',
        "update sealed set sequence = sequence + 9 where stream = 0",
    ],
)
def test_a_row_beyond_what_was_signed_makes_it_suspect_and_no_period_is_over(world: World, change: str) -> None:
    _, [recording] = made(world, "rest")
    looked(world)
    sql(world, change)
    world.days.pass_by(10)
    facts = known(world, recording)
    assert "goes beyond what was signed" in facts.suspect
    assert dies(world, recording) == set()
    world.days.pass_by(400)
    assert dies(world, recording) == set()


def test_sound_that_is_signed_is_its_channel_whatever_rows_say(world: World) -> None:
    _, [recording] = made(world, "calls")
    looked(world)
    sql(world, "delete from sealed where stream = 32768")
    facts = known(world, recording)
    assert (facts.suspect, Channel.VOICE in facts.recording.consent) == ("", True)


def test_the_group_that_counts_is_that_of_the_first_look(world: World) -> None:
    _, [recording] = made(world, "rest")
    looked(world)
    sql(world, "update devices set group_name = 'lent'")
    looked(world)
    world.days.pass_by(10)
    facts = known(world, recording)
    assert (facts.recording.group, facts.unsure) == ("g", ("its PC is in another group than when it was first seen",))
    assert dies(world, recording) == set()


def test_a_chunk_that_came_after_the_closing_is_its_senders_all_the_same(world: World) -> None:
    with world.serving() as pcs:
        pc = pcs.pc()
        recording, _ = pcs.record(pc, "rest")
        assert pc.put_sealed(recording.seal(b"late")).status_code == 200
    assert known(world, recording).suspect == ""


def test_what_has_no_account_is_not_over_before_its_last_chunk(world: World) -> None:
    """Rows of receipt are no one's signature: start and length are the sender's."""
    _, [recording] = made(world, "rest")
    sql(world, "delete from ledger_lines")
    sql(world, "update sealed set received_at = received_at - ?", 100 * DAY)
    assert known(world, recording).recording.end == recording.start + recording.streams[0].at


def test_an_account_is_judged_the_same_in_whatever_order_recordings_are_read(world: World) -> None:
    _, [first, second] = made(world, "rest", "rest")
    line = "(select max(seq) from ledger_lines where kind = 'recording-closed')"
    sql(world, f"update ledger_lines set line = replace(line, 'stop', 'quit') where seq = {line}")  # noqa: S608 - a constant
    for order in ((first, second), (second, first)):
        with world.opened() as (database, _):
            facts = world.facts(database)
            unsure = {one.id: bool(getattr(facts.of(one.id, world.days()), "unsure", None)) for one in order}
        assert unsure == {first.id: False, second.id: True}


# -- an owner -----------------------------------------------------------------------------------------------------


def account_of(world: World, pc: Pc, recording: FakeRecording, day: int) -> None:
    """Another PC signs, as of long ago, that it opened and closed the recording; the server takes it."""
    with world.serving() as pcs:
        pc.client = pcs.client
        assert pc.ask_token(world.days() // SECOND).is_success
        at = (len(pc.ledger.lines) + 1) * 100 * SECOND
        pc.ledger.wall = day - at
        pc.ledger.write("recording-open", at=at + 1, recording=str(recording.id), policy=POLICY, zero=at)
        pc.ledger.write("recording-closed", at=at + 10 * SECOND, recording=str(recording.id), heads={}, why="stop")
        assert pc.send_ledger().is_success


def packet_of(world: World, pc: Pc, recording: FakeRecording, day: int) -> None:
    """A key packet that another PC signed takes the place of the recording's, on the disk and in its row."""
    said = jws.verify(jws.PACKET, recording.packet.decode(), recording.pc.evidence_key.public_key())
    body = jws.sign(jws.PACKET, said | {"start": day, "device": pc.device}, pc.evidence_key).encode()
    name = hashlib.sha256(body).hexdigest()
    for folder in (world.home.blobs_folder, world.replica):
        for path in folder.rglob(f"{recording.id}/{KEY_PACKET_STREAM:05d}-*"):
            path.with_name(f"{KEY_PACKET_STREAM:05d}-0000000000-{name}").write_bytes(body)
            path.unlink()
    which = "where stream = ? and recording = ?"
    sql(world, f"update sealed set sha256 = ?, size = ? {which}", name, len(body), KEY_PACKET_STREAM, str(recording.id))  # noqa: S608 - a constant


@pytest.mark.parametrize("also", ["account", "heads", "nothing"])
def test_no_pc_makes_a_colleagues_recording_its_own_and_old(world: World, also: str) -> None:
    with world.serving() as pcs:
        pc = pcs.pc()
        pcs.record(pc, "rest")
    looked(world)
    day = world.days()
    world.days.pass_by(70)
    _, [recording] = made(world, "cards")
    looked(world)
    world.days.pass_by(1)
    account_of(world, pc, recording, day)
    if also != "account":
        sql(world, "delete from ledger_lines where device != ? and recording = ?", pc.device, str(recording.id))
    packet_of(world, pc, recording, day)
    sql(world, "update sealed set received_at = ? where recording = ?", day, str(recording.id))
    sql(world, "update recordings set device = ?, opened_at = ? where id = ?", pc.device, day, str(recording.id))
    if also == "heads":
        sql(world, "delete from sealed where stream != ? and recording = ?", KEY_PACKET_STREAM, str(recording.id))
    looked(world)
    assert dies(world, recording, rules=RULES) == set()
    assert len(world.packets(recording.id)) == 2
    with world.opened() as (database, _):
        facts = world.facts(database).of(recording.id, world.days(), whole=True)
    assert not isinstance(facts, str)
    assert facts.suspect


@pytest.mark.parametrize("whose", ["the thief's", "its own", "no one's"])
def test_an_erasure_of_another_pcs_recording_of_that_id_explains_nothing(world: World, whose: str) -> None:
    """Who has the disk as well can have another PC's bytes erased under its id, in order, and put its account back."""
    with world.serving() as pcs:
        thief = pcs.pc()
        pcs.record(thief, "rest")
    looked(world)
    day = world.days()
    world.days.pass_by(70)
    pc, [recording] = made(world, "cards")
    looked(world)
    named = "where recording = ?"
    assert findings(world) == set()
    account_of(world, thief, recording, day)
    packet_of(world, thief, recording, day)
    for path in (*world.home.blobs_folder.rglob(f"{recording.id}/0*"), *world.replica.rglob(f"{recording.id}/0*")):
        path.unlink()
    sql(world, "delete from sealed where stream != ? and recording = ?", KEY_PACKET_STREAM, str(recording.id))
    sql(world, f"update sealed set received_at = ? {named}", day, str(recording.id))  # noqa: S608 - a constant
    sql(world, "update recordings set device = ?, opened_at = ? where id = ?", thief.device, day, str(recording.id))
    sql(world, f"update ledger_lines set recording = 'x' {named} and device = ?", str(recording.id), pc.device)  # noqa: S608 - a constant
    world.days.pass_by(1)
    assert dies(world, recording, rules=RULES) == {str(recording.id)}
    sql(world, "update ledger_lines set recording = ? where recording = 'x'", str(recording.id))
    if whose == "its own":
        sql(world, "update recordings set device = ? where id = ?", pc.device, str(recording.id))
    if whose == "no one's":
        sql(world, "delete from recordings where id = ?", str(recording.id))
    assert findings(world) == {("recording", "unexplained") if whose == "its own" else ("ledger", "no-recording")}


def findings(world: World) -> set[tuple[str, str]]:
    """Of `verify --all`: what it is of, and the code."""
    fingerprint = world.home.key(COMPLIANCE).id
    with closing(world.home.database()) as database:
        every = sweep(database, world.home.blobs(), None, compliance=fingerprint)
        return {(checked.kind, finding.code) for checked in every for finding in checked.report.findings}


def test_how_much_went_is_counted_where_it_lies(world: World) -> None:
    _, [recording] = made(world, "rest")
    size = sum(path.stat().st_size for path in world.home.blobs_folder.rglob(f"{recording.id}/*"))
    sql(world, "update sealed set size = 1")
    world.days.pass_by(40)
    with world.opened() as (database, lifecycle):
        [token] = lifecycle.erase(world.facts(database), RULES, [str(recording.id)]).erased.values()
    destroyed = Erasure.verify(token, PRIVATE.public_key()).destroyed
    assert destroyed is not None
    assert (destroyed.objects, destroyed.bytes) == (2, size)
