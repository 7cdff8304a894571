"""What the rules delete, what holds keep, and what is left of an erased recording: on a real store and a real log."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from functools import partialmethod
from pathlib import Path
from uuid import UUID

import pytest

from protocol import api
from protocol.erasure import Erasure
from protocol.policyhash import policy_hash
from protocol.receipt import Receipt
from review.audit.verify import VerifyOptions, verify_log
from review.governance.model import Team
from review.governance.times import DAY, day_of
from review.lifecycle import facts as lifecycle_facts
from review.lifecycle.facts import Known
from store.catalog import erasure
from store.catalog.blobs import folder_of
from store.errors import StoreError
from store.evidence.rules import read_names
from testkit.fakes.pc import FakeRecording, Pc
from testkit.lifecycle import KEPT, ORIGIN, PRIVATE, RULES, SIGNER, World


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("founded")
    World.found(folder)
    return folder


@pytest.fixture
def world(founded: Path, tmp_path: Path) -> World:
    shutil.copytree(founded, tmp_path / "w")
    return World(tmp_path / "w")


def made(world: World, *kinds: str) -> tuple[Pc, list[FakeRecording]]:
    with world.serving() as pcs:
        pc = pcs.pc()
        recordings = [pcs.record(pc, kind)[0] for kind in kinds]
    world.mirror()
    return pc, recordings


def erased(world: World, *recordings: FakeRecording, request: str = "") -> dict[str, str]:
    with world.opened() as (database, lifecycle):
        done = lifecycle.erase(world.facts(database), RULES, [str(one.id) for one in recordings], request)
        assert not done.stuck
        return done.erased


def known(world: World, recording: FakeRecording) -> Known:
    with world.opened() as (database, _):
        found = world.facts(database).of(recording.id, world.days())
    assert isinstance(found, Known), found
    return found


@pytest.mark.parametrize("kind", list(KEPT))
def test_facts_come_from_what_the_device_signed_and_periods_from_the_stores_clock(world: World, kind: str) -> None:
    _, [recording] = made(world, kind)
    facts = known(world, recording)
    assert (facts.unsure, facts.ended, facts.recording.group) == ((), True, "g")
    assert facts.recording.end == world.days.now  # when the store had the last of it, whatever the PC's clock says
    assert facts.disposal(RULES, world.days()).retention.keeps.name == kind
    minimum, keep = KEPT[kind]
    world.days.pass_by(keep - 1)
    assert erased(world, recording) == {}
    world.days.pass_by(1)
    assert list(erased(world, recording)) == [str(recording.id)]
    assert minimum <= keep


@pytest.mark.parametrize(
    ("kind", "damage"),
    [
        ("rest", "update ledger_lines set line = replace(line, 'stop', 'quit') where kind = 'recording-closed'"),
        ("rest", "delete from ledger_lines"),
        ("rest", "delete from sealed where stream = 65535"),
        ("cards", "delete from policies"),
    ],
)
def test_what_is_not_certain_is_kept_as_long_as_any_class_asks_for(world: World, kind: str, damage: str) -> None:
    _, [recording] = made(world, kind)
    with closing(sqlite3.connect(world.home.database_path)) as database, database:
        database.execute(damage)
    facts = known(world, recording)
    assert facts.unsure
    assert facts.disposal(RULES, world.days()).at == facts.recording.end + 60 * DAY


def test_an_account_that_is_too_long_to_be_read_makes_it_unsure_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, [recording] = made(world, "rest")
    monkeypatch.setattr(lifecycle_facts, "MOST_EACH", 2)  # of 50,000
    facts = known(world, recording)
    assert facts.unsure == ("it has more entries or chunks than are read",)
    assert facts.disposal(RULES, world.days()).at == facts.recording.end + 60 * DAY
    world.days.pass_by(60)
    assert list(erased(world, recording)) == [str(recording.id)]


def test_a_packet_that_names_a_user_of_another_team_shortens_no_period(world: World) -> None:
    with world.serving() as pcs:
        pc = pcs.pc()
        recording, _ = pcs.record(pc, "rest")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                FakeRecording, "make_packet", partialmethod(FakeRecording.make_packet, os_user="zz")
            )  # it lies
            other, _ = pcs.record(pc, "rest")
    teams = {"north": Team(users=frozenset({"lovelace"}))}
    rules = replace(RULES, teams=teams)
    with world.opened() as (database, _):
        found = [world.facts(database, rules).of(one.id, world.days()) for one in (recording, other)]
    assert [one.unsure for one in found if isinstance(one, Known)] == [
        (), ("its key packet and its PC name users of different teams",),
    ]  # fmt: skip


def test_one_pc_has_so_much_text_of_policies_read_and_the_others_theirs(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle_facts, "MOST_TEXT", 10_000)  # three short policies
    read = list[str]()
    monkeypatch.setattr(
        lifecycle_facts, "read_names", lambda texts: (read.append(texts["p.yaml"]), read_names(texts))[1]
    )
    with world.serving() as pcs:
        honest, liar = pcs.pc(), pcs.pc()
        made = []
        for number in range(4):
            files = {"p.yaml": f"rules: [{{id: of-{number}}}]"}
            policy = policy_hash({name: text.encode() for name, text in files.items()})
            assert liar.client.put(api.policy_path(policy), json={"files": files}, headers=liar.bearer).is_success
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("testkit.lifecycle.POLICY", policy)
                made.append(pcs.record(liar, "cards")[0])
        good, _ = pcs.record(honest, "cards")
    with world.opened() as (database, _):
        facts = world.facts(database)
        for _ in range(2):
            found = [facts.of(one.id, world.days()) for one in (*made, good)]
            closed = [set(one.recording.closed_by) for one in found if isinstance(one, Known)]
            assert closed == [{"of-0"}, {"of-1"}, {"of-2"}, {"rule 0"}, {"card-forms"}]
            assert [bool(one.unsure) for one in found if isinstance(one, Known)] == [False, False, False, True, False]
    assert len(read) == 4  # each once


def noted(world: World, name: str, reason: str) -> None:
    """What stood against a request is an entry, and the request another."""
    against, asked = world.entries()[-2:]
    assert (against["outcome"], against["reason"], against["resource"]) == ("failure", reason, [name])
    assert (asked["outcome"], asked["facts"]["request"], asked["resource"]) == ("success", "DSR-1", [name])


def test_first_hold_then_minimum_then_request_then_period(world: World) -> None:
    _, [recording] = made(world, "cards")
    name = str(recording.id)
    with world.opened() as (_, lifecycle):
        lifecycle.hold("case-1", [name], why="a letter", owner="Carla", review=day_of(world.days() + 90 * DAY))
    world.days.pass_by(39)
    with world.opened() as (database, lifecycle):
        done = lifecycle.erase(world.facts(database), RULES, [name], "DSR-1")
        assert done.kept == {name: "legal hold case-1"}
    noted(world, name, "legal-hold")
    world.days.pass_by(30)
    assert erased(world, recording) == {}  # its period is over, and it is held
    with world.opened() as (_, lifecycle):
        lifecycle.release("case-1", why="settled", dies=None)
    assert list(erased(world, recording)) == [name]


def test_a_request_waits_for_the_minimum_and_is_then_carried_out(world: World) -> None:
    _, [recording] = made(world, "cards")
    assert erased(world, recording, request="DSR-1") == {}
    noted(world, str(recording.id), "legal-minimum")
    world.days.pass_by(40)
    assert known(world, recording).request == "DSR-1"
    [token] = erased(world, recording).values()
    said = Erasure.verify(token, PRIVATE.public_key())
    assert (said.basis, said.reference) == ("request", "DSR-1")


def test_a_certificate_says_what_went_and_nothing_of_it_is_left(world: World) -> None:
    _, [recording, other] = made(world, "rest", "rest")
    packet = world.packets(recording.id)
    assert len(packet) == 2  # here, and in the replica
    [token] = erased(world, recording, request="DSR-9").values()
    said = Erasure.verify(token, PRIVATE.public_key())
    assert (str(said.recording), said.log, said.basis, said.reference) == (
        str(recording.id),
        ORIGIN,
        "request",
        "DSR-9",
    )
    assert said.destroyed is not None
    assert said.destroyed.packets == (packet[0].rpartition("-")[2],)
    assert (said.destroyed.objects, said.destroyed.replicas) == (2, (str(world.replica),))
    assert said.destroyed.backups_until == day_of(world.days() + 36 * DAY - 1).isoformat()
    assert (world.files(recording.id), len(world.files(other.id))) == ([], 6)
    report = verify_log(world.log_folder, VerifyOptions(SIGNER.key))
    assert report.findings == []


def test_what_comes_late_is_taken_and_destroyed_so_that_the_pc_goes_on(world: World) -> None:
    pc, [recording] = made(world, "rest")
    late = recording.seal(b"late")
    erased(world, recording, request="DSR-1")
    with world.serving() as pcs:
        pc.client = pcs.client
        assert pc.ask_token(world.days() // 10**9).status_code == 200
        assert pc.put_packet(recording).status_code == 200  # with a receipt: it lets its copy go
        assert pc.put_sealed(late).json()["receipt"]
        stranger = pcs.pc()
        assert stranger.put(recording.id, 65_535, 0, recording.make_packet(device=stranger.device)).status_code >= 400
    assert world.files(recording.id) == []


def test_what_comes_while_it_is_erased_is_gone_with_it(world: World) -> None:
    with world.serving() as pcs:
        pc = pcs.pc()
        recording, _ = pcs.record(pc, "rest")
        world.mirror()
        sent, over = threading.Event(), threading.Event()
        answers = []

        def send() -> None:
            while not over.is_set():
                answers.append(pc.put_sealed(recording.seal(b"late")))
                sent.set()

        def await_two() -> None:
            """The first may have been on its way before."""
            for _ in range(2):
                sent.clear()
                assert sent.wait(60)

        sender = threading.Thread(target=send)
        sender.start()
        try:
            await_two()
            assert list(erased(world, recording, request="DSR-1")) == [str(recording.id)]
            await_two()
        finally:
            over.set()
            sender.join()
        store_key = world.home.store_key().public_key()
        assert {Receipt.verify(answer.json()["receipt"], store_key).recording for answer in answers} == {recording.id}
    assert world.files(recording.id) == []


def test_a_hold_and_an_erasure_exclude_each_other(world: World) -> None:
    _, [recording, other] = made(world, "rest", "rest")
    erased(world, recording, request="DSR-1")
    with world.opened() as (_, lifecycle):
        both = [str(recording.id), str(other.id)]
        with pytest.raises(StoreError, match="nothing was put on hold"):
            lifecycle.hold("case", both, why="w", owner="o", review=day_of(world.days()))
        with pytest.raises(StoreError, match="no legal hold"):
            lifecycle.held_by("case")


def test_a_replica_that_is_not_there_leaves_it_begun_until_it_is(world: World) -> None:
    _, [recording] = made(world, "rest")
    away = world.replica.rename(world.folder / "away")
    with world.opened() as (database, lifecycle):
        done = lifecycle.erase(world.facts(database), RULES, [str(recording.id)], "DSR-1")
        assert list(done.stuck) == [str(recording.id)]
    away.rename(world.replica)
    with world.opened() as (_, lifecycle):
        assert list(lifecycle.finish().erased) == [str(recording.id)]
    assert world.files(recording.id) == []


def test_a_mount_point_with_nothing_mounted_is_no_replica(world: World) -> None:
    _, [recording] = made(world, "rest")
    disk = world.replica.rename(world.folder / "disk")
    world.replica.mkdir()
    with world.opened() as (database, lifecycle):
        done = lifecycle.erase(world.facts(database), RULES, [str(recording.id)], "DSR-1")
        assert "is its disk mounted?" in done.stuck[str(recording.id)]
    world.replica.rmdir()
    disk.rename(world.replica)
    with world.opened() as (_, lifecycle):
        assert list(lifecycle.finish().erased) == [str(recording.id)]
    assert world.files(recording.id) == []


def test_a_replica_without_the_packet_is_named_as_such_in_the_certificate(world: World) -> None:
    _, [recording, _] = made(world, "rest", "rest")
    shutil.rmtree(world.replica / folder_of(recording.id))
    [token] = erased(world, recording, request="DSR-1").values()
    destroyed = Erasure.verify(token, PRIVATE.public_key()).destroyed
    assert destroyed is not None
    assert (destroyed.replicas, destroyed.absent) == ((), (str(world.replica),))


def test_what_the_store_itself_cannot_find_is_not_certified_until_it_is_there(world: World) -> None:
    _, [recording] = made(world, "rest")
    away = world.replica.rename(world.folder / "away")
    with world.opened() as (database, lifecycle):  # ordered, and not carried out yet
        assert list(lifecycle.erase(world.facts(database), RULES, [str(recording.id)], "DSR-1").stuck)
    away.rename(world.replica)
    disk = world.home.blobs_folder.rename(world.folder / "disk")
    world.home.blobs_folder.mkdir()
    with world.opened() as (database, lifecycle):
        done = lifecycle.finish()
        assert (done.erased, "is the disk mounted?" in done.stuck[str(recording.id)]) == ({}, True)
        assert len(world.packets(recording.id)) == 1  # in the replica: nothing was begun
        with database.reading() as connection:
            [stone] = erasure.unfinished(connection)
        assert stone.step == "ordered"
    world.home.blobs_folder.rmdir()
    disk.rename(world.home.blobs_folder)
    with world.opened() as (_, lifecycle):
        assert list(lifecycle.finish().erased) == [str(recording.id)]
    assert world.files(recording.id) == []


def test_a_catalog_that_was_put_back_without_its_blobs_is_told_that_they_were_destroyed(world: World) -> None:
    _, [recording] = made(world, "rest")
    shutil.copy(world.home.database_path, world.folder / "old.db")
    erased(world, recording, request="DSR-1")
    shutil.copy(world.folder / "old.db", world.home.database_path)
    with world.opened() as (_, lifecycle):
        done = lifecycle.restored()
    [token] = done.erased.values()
    destroyed = Erasure.verify(token, PRIVATE.public_key()).destroyed
    assert destroyed is not None
    assert destroyed.absent == (str(world.home.blobs_folder), str(world.replica))


@pytest.mark.parametrize("cut", [0, 300])
def test_what_a_killed_server_was_writing_goes_too(world: World, cut: int) -> None:
    _, [recording, other] = made(world, "rest", "rest")
    left = world.home.blobs_folder / ".incoming"
    bodies = {"a": recording.packet, "b": recording.seal(), "c": other.packet, "d": b"", "e": b"x.y.z"}
    for name, body in bodies.items():
        (left / (name * 32)).write_bytes(body[: len(body) - cut])
    (left / "note").write_bytes(recording.packet)  # no name of a body: somebody else's
    mirrored = shutil.copytree(left, world.replica / ".incoming", dirs_exist_ok=True)
    erased(world, recording, request="DSR-1")
    for folder in (left, mirrored):
        assert sorted(one.name for one in folder.iterdir()) == ["c" * 32, "d" * 32, "e" * 32, "note"]
    (left / ("f" * 32)).write_bytes(recording.packet)  # and what was begun before, and left later
    with world.opened() as (_, lifecycle):
        assert lifecycle.sweep([str(recording.id)]) == 1
    assert not (left / ("f" * 32)).exists()


def test_an_erasure_leaves_what_other_pcs_send_meanwhile(world: World) -> None:
    """Key packets begin alike, and a PC chooses its recordings' ids: one may be what stands at an id's place there."""
    _, [other] = made(world, "rest")
    with world.serving() as pcs:
        chosen, _ = pcs.record(pcs.pc(), "rest", id=UUID(bytes=other.packet[8:24]))
    world.mirror()
    sent = world.home.blobs_folder / ".incoming" / ("a" * 32)
    sent.write_bytes(other.packet)
    assert list(erased(world, chosen, request="DSR-1")) == [str(chosen.id)]
    assert sent.read_bytes() == other.packet


@pytest.mark.parametrize("older", [False, True])
def test_a_catalog_that_was_put_back_is_refused_until_it_has_followed(world: World, older: bool) -> None:
    """`older`: than `certificate init`, so that it names no log."""
    with closing(sqlite3.connect(world.home.database_path)) as database, database:
        database.execute("delete from lifecycle" if older else "update lifecycle set generation = 'x'")
    with pytest.raises(StoreError, match=r"run `eyelid-review restored --noted \.\.\.`"), world.serving():
        pass
    with world.opened() as (_, lifecycle):
        lifecycle.restored()
    with world.serving():
        pass


def test_a_row_that_nobody_signed_destroys_nothing_and_stops_no_erasure(world: World) -> None:
    _, [recording, other] = made(world, "rest", "rest")
    strange = (str(other.id), "no id")
    with closing(sqlite3.connect(world.home.database_path)) as database, database:
        for name in strange:
            row = (name, "x", 0, "x", "ordered", "{", None, None)
            database.execute("insert into erasures values (?, ?, ?, ?, ?, ?, ?, ?)", row)
    with world.opened() as (database, lifecycle):
        done = lifecycle.erase(world.facts(database), RULES, [str(recording.id)], "DSR-1")
        assert (list(done.erased), sorted(done.stuck)) == ([str(recording.id)], sorted(strange))
        assert sorted(lifecycle.restored().stuck) == sorted(strange)
    assert (world.files(recording.id), len(world.files(other.id))) == ([], 6)


def test_a_store_without_a_log_is_served(world: World) -> None:
    with closing(sqlite3.connect(world.home.database_path)) as database, database:
        database.execute("delete from lifecycle")
    world.home.generation_path.unlink()
    with world.serving():
        pass


def test_a_clock_that_is_set_on_by_years_erases_nothing(world: World) -> None:
    _, [recording] = made(world, "rest")
    with world.opened() as (_, lifecycle):
        lifecycle.hold("h", [str(recording.id)], why="w", owner="o", review=day_of(world.days()))
        lifecycle.release("h", why="w", dies=None)
    world.days.pass_by(365)
    with world.opened() as (database, lifecycle), pytest.raises(Exception, match="far apart"):
        lifecycle.erase(world.facts(database), RULES, [str(recording.id)])
    assert len(world.files(recording.id)) == 6


def put_back(world: World, backup: Path) -> None:
    """The whole machine: the store, and the audit log as old as it."""
    for name in ("home", "review"):
        shutil.rmtree(world.folder / name)
        shutil.copytree(backup / name, world.folder / name)


def test_a_catalog_that_was_put_back_decides_nothing_until_it_was_let_to(world: World) -> None:
    _, [old, other] = made(world, "rest", "rest")
    backup = world.folder / "backup"
    for name in ("home", "review"):
        shutil.copytree(world.folder / name, backup / name, ignore=shutil.ignore_patterns("generation"))
    day, name = day_of(world.days() + 90 * DAY), str(old.id)
    with world.opened() as (_, lifecycle):
        lifecycle.hold("case-1", [name], why="a letter", owner="Carla", review=day)
    newest = shutil.copytree(world.log_folder, world.folder / "newest")
    put_back(world, backup)
    world.days.pass_by(20)
    with world.opened() as (database, lifecycle):
        for act in (
            lifecycle.follow,
            lifecycle.finish,
            lambda: lifecycle.erase(world.facts(database), RULES, [name, str(other.id)]),
            lambda: lifecycle.hold("case-2", [name], why="w", owner="o", review=day),
            lambda: lifecycle.release("case-1", why="w", dies=None),
        ):
            with pytest.raises(StoreError, match=r"put back from a backup.*`eyelid-review restored"):
                act()
    assert len(world.files(old.id)) == 6
    with world.opened(newest) as (database, lifecycle):
        lifecycle.restored()
        done = lifecycle.erase(world.facts(database), RULES, [name, str(other.id)])
    assert (list(done.erased), done.kept) == ([str(other.id)], {name: "legal hold case-1"})


def test_a_log_that_decided_before_is_not_begun_with_again_by_a_catalog_from_before(world: World) -> None:
    _, [recording] = made(world, "rest")
    with world.opened() as (_, lifecycle):
        lifecycle.hold("case-1", [str(recording.id)], why="w", owner="o", review=day_of(world.days()))
    with closing(sqlite3.connect(world.home.database_path)) as database, database:
        database.execute("delete from lifecycle")
        database.execute("delete from holds")
    with world.opened() as (_, lifecycle):
        with pytest.raises(StoreError, match="`eyelid-review restored`"):
            lifecycle.begin()
        lifecycle.restored()
        assert lifecycle.held_by("case-1") == [str(recording.id)]


def test_what_copies_left_of_a_packet_in_a_replica_goes_with_it(world: World) -> None:
    _, [recording] = made(world, "rest")
    [name] = world.packets(recording.id)[:1]
    packet = world.replica / name
    copies = [packet.with_name(f".{packet.name}.AbC123"), packet.with_name(f"{packet.name}~"),
              packet.parent / ".rsync-partial" / packet.name]  # fmt: skip
    copies[-1].parent.mkdir()
    for one in copies:
        one.write_bytes(packet.read_bytes())
    assert list(erased(world, recording, request="DSR-1")) == [str(recording.id)]
    assert not any(one.exists() for one in (packet, *copies))


def test_a_packet_that_is_a_link_in_a_replica_is_not_certified_until_it_is_destroyed(world: World) -> None:
    _, [recording] = made(world, "rest")
    [name] = world.packets(recording.id)[:1]
    packet, elsewhere = world.replica / name, world.folder / "pool"
    packet.rename(elsewhere)
    packet.symlink_to(elsewhere)
    with world.opened() as (database, lifecycle):
        done = lifecycle.erase(world.facts(database), RULES, [str(recording.id)], "DSR-1")
        assert "is a link" in done.stuck[str(recording.id)]
        assert not done.erased
        packet.unlink()
        elsewhere.rename(packet)
        assert list(lifecycle.finish().erased) == [str(recording.id)]
    assert not packet.exists()
