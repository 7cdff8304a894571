"""A disk that one PC fills: quotas, a floor of free space, and a reserve with which the account and operators go on."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from sqlalchemy import select, update

from protocol import api
from protocol.bundle import Bundle
from protocol.policyhash import policy_hash
from store.admin.home import Home
from store.catalog import queries, schema
from store.catalog.alarms import open_alarms
from store.catalog.blobs import BlobFault
from store.cli import main
from store.errors import Refusal
from store.server import room
from store.server.enrolment import make_secret
from store.server.room import Limits, Quota, Room
from store.server.services import Services
from store.server.serving import open_services
from testkit.disks import CannotMount, Disk, disk
from testkit.fakes.pc import FakeRecording, Pc
from tests.store.conftest import SetClock, serving

CHUNK = 100_000
MB = 10**6


class Served:
    """A store with limits, and PCs of a group that are enrolled with it."""

    def __init__(self, services: Services, client: httpx.Client, bundle: Bundle) -> None:
        self.services, self.client, self.bundle = services, client, bundle

    def recording(self, group: str = "") -> FakeRecording:
        """Of a new PC."""
        now = self.services.clock()
        with self.services.database.writing() as connection:
            secret = make_secret(connection, uses=1, expires_at=now + 3600 * 10**9, group=group, now=now)
        pc = Pc(self.client)
        assert pc.enrol(secret).status_code == 200
        assert pc.ask_token(now // 10**9).status_code == 200
        return pc.open_recording(self.bundle)

    def alarms(self, device: str) -> list[str]:
        self.services.writer.write(lambda _: None)  # what was submitted before is done
        with self.services.database.reading() as connection:
            return open_alarms(connection, device)


def put(recording: FakeRecording) -> tuple[int, str]:
    """(status, code) of one more chunk."""
    answer = recording.pc.put_sealed(recording.seal(os.urandom(CHUNK)))
    return answer.status_code, answer.json().get("error", "")


@pytest.fixture
def served(home: Home, bundle: Bundle, clock: SetClock) -> Iterator[Callable[[Limits], Served]]:
    open_ones = []

    def make(limits: Limits) -> Served:
        services = open_services(home, clock, limits)
        running = serving(home, services)
        open_ones.append((running, services))
        return Served(services, running.__enter__(), bundle)

    yield make
    for running, services in reversed(open_ones):
        running.__exit__(None, None, None)
        services.close()


TWO = Quota(day=2 * CHUNK + 50_000)  # a key packet has some kilobytes


# -- quotas -------------------------------------------------------------------------------------------------------


def test_a_pc_above_its_quota_of_the_day_is_refused_and_comes_back_the_next_day(
    served: Callable[[Limits], Served], clock: SetClock
) -> None:
    made = served(Limits(device=TWO))
    greedy, modest = made.recording(), made.recording()
    assert [put(greedy), put(greedy), put(greedy)] == [(200, ""), (200, ""), (507, room.OVER_QUOTA)]
    assert put(greedy)[0] == 507
    assert put(modest) == (200, "")
    assert made.alarms(greedy.pc.device) == [room.OVER_QUOTA]  # one, however often
    assert made.alarms(modest.pc.device) == []
    greedy.pc.ledger.write("start", 1)
    assert greedy.pc.send_ledger().status_code == 200  # what it says of itself is no matter of media
    clock.pass_by(86_400)
    greedy.pc.ask_token(clock.seconds)
    assert put(greedy) == (200, "")


def test_a_refused_chunk_may_ask_again_in_a_minute_and_takes_no_room(
    served: Callable[[Limits], Served], home: Home
) -> None:
    recording = served(Limits(device=TWO)).recording()
    for _ in range(2):
        put(recording)
    before = list(home.blobs().names())
    answer = recording.pc.put_sealed(recording.seal(os.urandom(CHUNK)))
    assert (answer.status_code, answer.headers["Retry-After"]) == (507, "60")
    assert list(home.blobs().names()) == before


def test_the_same_chunk_again_counts_once(served: Callable[[Limits], Served], home: Home) -> None:
    recording = served(Limits(device=TWO)).recording()
    sealed = recording.seal(os.urandom(CHUNK))
    for _ in range(5):
        assert recording.pc.put_sealed(sealed).status_code == 200
    next(iter(home.folder.glob("blobs/*/*/00000-*"))).unlink()
    assert recording.pc.put_sealed(sealed).status_code == 200  # healed, and counted before
    assert put(recording) == (200, "")
    assert put(recording)[0] == 507


def test_what_could_not_be_written_is_not_counted(
    served: Callable[[Limits], Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = served(Limits(device=TWO))
    recording = made.recording()

    def fail(*_: object) -> None:
        raise BlobFault("cannot write")

    with monkeypatch.context() as patch:
        patch.setattr(type(made.services.blobs), "put", fail)
        assert [put(recording)[0] for _ in range(5)] == [503] * 5
    assert put(recording) == (200, "")


def test_a_quota_in_all_is_remembered_by_the_catalog(
    served: Callable[[Limits], Served], home: Home, clock: SetClock
) -> None:
    limits = Limits(device=Quota(total=2 * CHUNK + 50_000))
    made = served(limits)
    recording = made.recording()
    assert [put(recording)[0] for _ in range(3)] == [200, 200, 507]
    clock.pass_by(86_400)
    with closing(open_services(home, clock, limits)) as after, pytest.raises(Refusal, match="has stored"):
        after.quotas.reserve(recording.pc.device, CHUNK)
    with made.services.database.reading() as connection:
        (row,) = connection.execute(select(schema.stored)).all()
        size = sum(connection.scalars(select(schema.sealed.c.size)))
        assert queries.stored_bytes(connection) == {recording.pc.device: size}
    assert (row.total, row.today) == (size, size)


@pytest.mark.parametrize(
    "limits", [Limits(device=Quota(total=2 * CHUNK + 50_000)), Limits(group=Quota(total=2 * CHUNK + 50_000))]
)
def test_what_was_erased_makes_room_in_a_server_that_runs(
    served: Callable[[Limits], Served], clock: SetClock, limits: Limits
) -> None:
    made = served(limits)
    recording, other = made.recording("leeds"), made.recording("york")
    assert [put(other)[0] for _ in range(2)] == [200, 200]
    assert [put(recording)[0] for _ in range(3)] == [200, 200, 507]
    made.services.writer.write(lambda _: None)  # what was submitted before is done
    with made.services.database.writing() as connection:  # another process erases
        of_it = schema.stored.c.device == recording.pc.device
        connection.execute(update(schema.stored).where(of_it).values(total=schema.stored.c.total - CHUNK))
    assert put(recording)[0] == 507  # the catalog was asked a moment ago
    clock.pass_by(60)
    assert [put(recording)[0] for _ in range(2)] == [200, 507]
    clock.pass_by(60)
    assert [put(recording)[0], put(other)[0]] == [507, 507]
    with made.services.database.writing() as connection:
        connection.execute(update(schema.stored).where(of_it).values(total=schema.stored.c.total - CHUNK))
    clock.pass_by(-3600)  # it is set back, and no hour to wait
    assert put(recording)[0] == 200


def test_the_pcs_of_a_group_share_its_quota(served: Callable[[Limits], Served]) -> None:
    made = served(Limits(group=Quota(day=10**9), groups={"leeds": TWO}))
    first, second = made.recording("leeds"), made.recording("leeds")
    other = made.recording("york")
    alone = made.recording()
    assert [put(first)[0], put(second)[0], put(first)[0]] == [200, 200, 507]
    assert [put(other)[0] for _ in range(4)] == [put(alone)[0] for _ in range(4)] == [200] * 4


def test_a_small_chunk_counts_as_a_block(served: Callable[[Limits], Served]) -> None:
    """Each is a file, and a disk ends where its inodes do."""
    made = served(Limits(device=Quota(day=20_000)))
    recording = made.recording()
    answers = [recording.pc.put_sealed(recording.seal(b"x")).status_code for _ in range(5)]
    assert answers == [200] * 3 + [507] * 2
    with made.services.database.reading() as connection:
        assert queries.stored_bytes(connection) == {recording.pc.device: len(recording.packet) + 3 * 4096}


def test_an_account_that_grows_without_end_is_refused(
    served: Callable[[Limits], Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "ACCOUNT_A_DAY", 3000)  # of 256 MB
    pc = served(Limits()).recording().pc
    answers = []
    for number in range(8):
        pc.ledger.write("start", number, boot="x" * 200)
        answers.append(pc.send_ledger().status_code)
    assert answers[0] == 200
    assert answers[-1] == 507


def test_a_policy_counts_by_its_bytes(served: Callable[[Limits], Served], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "ACCOUNT_A_DAY", 3000)  # of 256 MB
    pc = served(Limits()).recording().pc
    files = {"p.yaml": "\N{GRINNING FACE}" * 1000}
    policy = policy_hash({name: text.encode() for name, text in files.items()})
    answer = pc.client.put(api.policy_path(policy), json={"files": files}, headers=pc.bearer)
    assert (answer.status_code, answer.json()["error"]) == (507, "over-quota")


# -- free space ---------------------------------------------------------------------------------------------------


@pytest.fixture
def small(made_home: Path) -> Iterator[tuple[Disk, Home]]:
    """A store on a disk of 48 MB; its floor is a twentieth of that."""
    yield from on_a_disk(made_home)


def on_a_disk(made_home: Path, **limits: int) -> Iterator[tuple[Disk, Home]]:
    if os.geteuid() != 0:
        pytest.skip("mounting a disk needs root")
    try:
        with disk("tmpfs", size=48 * 2**20, **limits) as made:
            shutil.copytree(made_home, made.home, copy_function=shutil.copy2)
            yield made, Home.open(made.home)
    except CannotMount as why:
        pytest.skip(str(why))


def test_one_pc_cannot_fill_the_disk_and_the_operator_can_shut_it_out(
    small: tuple[Disk, Home], bundle: Bundle, clock: SetClock, capsys: pytest.CaptureFixture[str]
) -> None:
    there, home = small
    with closing(open_services(home, clock)) as services, serving(home, services) as client:
        made = Served(services, client, bundle)
        hostile, honest = made.recording(), made.recording()
        assert client.get("/v1/health").json()["status"] == "ok"
        there.fill(leave=4 * MB)
        statuses = [put(hostile) for _ in range(30)]
        assert statuses[0] == (200, "")
        assert statuses[-1] == (507, "store-full")
        assert there.free > MB
        assert client.get("/v1/health").json()["status"] == "full"
        assert put(honest) == (507, "store-full")
        honest.pc.ledger.write("start", 1)
        assert honest.pc.send_ledger().status_code == 200
        assert main(["revoke", hostile.pc.device, "--home", str(home.folder)]) == 0
        there.make_room()
        assert put(hostile)[1] == "device-revoked"
        assert put(honest) == (200, "")
        assert client.get("/v1/health").json()["status"] == "ok"
    assert "is shut out" in capsys.readouterr().out


def test_the_last_quarter_of_the_floor_is_the_operators(
    small: tuple[Disk, Home], bundle: Bundle, clock: SetClock
) -> None:
    there, home = small
    with closing(open_services(home, clock)) as services, serving(home, services) as client:
        recording = Served(services, client, bundle).recording()
        pc = recording.pc
        pc.ledger.write("start", 1)
        there.fill(leave=500_000)
        assert pc.send_ledger().status_code == 507
        assert main(["revoke", pc.device, "--home", str(home.folder)]) == 0


@pytest.fixture
def few_inodes(made_home: Path) -> Iterator[tuple[Disk, Home]]:
    """A store on a disk of 300 files; its floor is 15 of them."""
    yield from on_a_disk(made_home, inodes=300)


def test_one_pc_cannot_take_the_last_inodes(
    few_inodes: tuple[Disk, Home], bundle: Bundle, clock: SetClock, capsys: pytest.CaptureFixture[str]
) -> None:
    there, home = few_inodes
    with closing(open_services(home, clock)) as services, serving(home, services) as client:
        made = Served(services, client, bundle)
        hostile, honest = made.recording(), made.recording()
        assert client.get("/v1/health").json()["status"] == "ok"
        there.take_inodes(leave=40)
        answers = [hostile.pc.put_sealed(hostile.seal(b"x")) for _ in range(40)]
        assert answers[0].status_code == 200
        assert (answers[-1].status_code, answers[-1].json()["error"]) == (507, "store-full")
        assert room.inodes(home.folder)[0] >= 15
        assert client.get("/v1/health").json()["status"] == "full"
        assert put(honest) == (507, "store-full")
        there.take_inodes(leave=14)
        honest.pc.ledger.write("start", 1)
        assert honest.pc.send_ledger().status_code == 200
        for command in (["revoke", hostile.pc.device], ["renew", "store-key"], ["recordings"]):
            assert main([*command, "--home", str(home.folder)]) == 0
        there.make_room()
        assert put(honest) == (200, "")
    assert "is shut out" in capsys.readouterr().out


def test_a_file_system_that_counts_no_inodes_has_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "inodes", lambda _: (0, 0))  # as btrfs
    Room([tmp_path], keep_free=0).check(1)


def test_files_on_their_way_count_as_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "inodes", lambda _: (10_005, 10**6))  # a disk with so many left
    made = Room([tmp_path], keep_free=0)
    with made.writing(1), pytest.raises(Refusal, match="no room"), made.writing(1):
        pass
    with made.writing(1):
        pass


def test_chunks_on_their_way_count_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    made = Room([tmp_path], keep_free=usage.free - 3 * MB)
    monkeypatch.setattr(room, "shutil", SimpleNamespace(disk_usage=lambda _: usage))  # others' files come and go
    with made.writing(2 * MB), pytest.raises(Refusal, match="no room"), made.writing(2 * MB):
        pass
    with made.writing(2 * MB):
        assert not made.is_full
