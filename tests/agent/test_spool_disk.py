"""What only a spool on disk promises: durable before it counts, whole after any crash, honest about a broken disk."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from agent.core.account.troubles import TroubleCode
from agent.core.model.times import SECOND
from agent.durable import TEMPORARY
from agent.errors import SpoolFull, Transient
from agent.spool import SET_ASIDE
from testkit.disks import MEGABYTE, Disk
from testkit.fakes.clock import NEW_YEAR_2026
from tests.agent import faults
from tests.agent.recordings import media, new_sealer, sealed_recording
from tests.agent.spool_child import CHUNKS
from tests.agent.spools import ROOM, filled, opened, reasons
from tests.quick import Cases

OTHER = "0192a000-0000-7000-8000-000000000000"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "state" / "spool"


@pytest.fixture
def alarms() -> list[str]:
    return []


# -- damage -------------------------------------------------------------------------------------------------------


def _put_in_place(folder: Path) -> None:
    folder.rmdir()
    folder.write_text("x")


DAMAGES: dict[str, Callable[[Path, Path], object]] = {
    "a file with a recording's name": lambda root, _: (root / OTHER).write_text("x"),
    "a link with a recording's name": lambda root, _: (root / OTHER).symlink_to("/nonexistent"),
    "a loop of links": lambda root, _: (root / OTHER).symlink_to(root / OTHER),
    "a half-written folder": lambda root, _: (root / f"{TEMPORARY}x").mkdir(),
    "a half-written folder in a recording": lambda _, recording: (recording / f"{TEMPORARY}x").mkdir(),
    "a file in the place of what was set aside": lambda root, _: _put_in_place(root / SET_ASIDE),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_one_thing_that_cannot_be_used_keeps_no_chunk_here(
    root: Path, alarms: list[str], damage: Callable[[Path, Path], object]
) -> None:
    put = filled(root)
    damage(root, root / str(put[0].recording))
    spool = opened(root, alarms)
    assert [sealed.name for sealed in spool.pending()] == [sealed.name for sealed in put]
    assert set(alarms) >= {TroubleCode.CHUNK_UNREADABLE}
    assert spool.aside() in (0, 1)


@pytest.mark.parametrize("place", ["of a recording", "set aside"])
def test_a_folder_that_cannot_be_read_is_passed_over(
    root: Path, alarms: list[str], monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    first, second = filled(root), filled(root)
    shut = root / (SET_ASIDE if place == "set aside" else str(first[0].recording))
    listed = Path.iterdir

    def iterdir(folder: Path) -> Iterator[Path]:  # root, as whom tests may run, can read all
        if folder == shut:
            raise PermissionError(errno.EACCES, "no rights")
        return listed(folder)

    monkeypatch.setattr(Path, "iterdir", iterdir)  # root may list every folder
    spool = opened(root, alarms)
    left = {sealed.name for sealed in (*first, *second) if not (root / sealed.name).is_relative_to(shut)}
    assert {sealed.name for sealed in spool.pending()} == left
    assert alarms == [TroubleCode.CHUNK_UNREADABLE]
    assert spool.aside() == 0


# -- a full disk --------------------------------------------------------------------------------------------------


def test_the_floor_of_free_disk_is_kept(root: Path) -> None:
    [packet] = sealed_recording(1)
    spool = opened(root, keep_free=shutil.disk_usage(root.parents[1]).total)
    with pytest.raises(SpoolFull, match=r"spool\.keep_free"):
        spool.put(packet)
    assert [path for path in root.rglob("*") if path.is_file()] == []


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A tmpfs of 256 KiB with room for a dozen files and folders."""
    with faults.breakable("tmpfs", size=MEGABYTE // 4, inodes=12) as disk:
        yield disk.root


@pytest.fixture
def full_disk() -> Iterator[Disk]:
    """A tmpfs of 1 MiB, for a test to fill."""
    with faults.breakable("tmpfs", size=MEGABYTE) as disk:
        yield disk


def test_a_disk_that_fills_during_the_write_means_held_not_lost(small_disk: Path) -> None:
    """`keep_free` below zero lets the put begin although it cannot end, as when another program takes the room."""
    spool = opened(small_disk / "spool", keep_free=-ROOM)
    sealer = new_sealer()
    spool.put(sealer.packet())
    kept = [sealer.packet()]
    for number in range(20):
        sealed = sealer.seal(media(0, 4 * number, 60_000))
        try:
            spool.put(sealed)
        except SpoolFull:
            break
        kept.append(sealed)
    assert 2 < len(kept) < 6
    assert not list(small_disk.rglob(".part-*"))
    assert list(opened(small_disk / "spool", keep_free=-ROOM).pending()) == kept
    spool.forget(kept[1].name)
    spool.put(sealed)
    assert list(spool.pending()) == [kept[0], *kept[2:], sealed]


def test_a_disk_without_room_for_another_file_means_held_not_lost(small_disk: Path) -> None:
    spool = opened(small_disk / "spool")
    kept = []

    def fill() -> None:
        for sealed in sealed_recording(20):
            spool.put(sealed)
            kept.append(sealed)

    with pytest.raises(SpoolFull, match="disk is full"):
        fill()
    assert len(kept) > 2
    assert list(opened(small_disk / "spool").pending()) == kept


# -- the power goes -----------------------------------------------------------------------------------------------


@pytest.fixture
def loop_disk() -> Iterator[Disk]:
    with faults.breakable() as disk:
        yield disk


def test_a_power_cut_takes_nothing_that_was_promised(loop_disk: Disk) -> None:
    """The control: the same bytes, written and renamed without flushing, do not come back. So this test can see."""
    careless = loop_disk.root / "careless"
    careless.mkdir()
    put = []
    spool = opened(loop_disk.root / "spool")
    for sealed in sealed_recording(20, length=50_000):
        spool.put(sealed)
        put.append(sealed)
    for number, sealed in enumerate(put):
        (careless / ".part").write_bytes(sealed.data)
        (careless / ".part").rename(careless / str(number))

    loop_disk.cut_power()
    loop_disk.bring_back()

    assert list(opened(loop_disk.root / "spool").pending()) == put
    survived = [path.read_bytes() for path in careless.iterdir()] if careless.exists() else []
    assert not set(survived) & {sealed.data for sealed in put}


def test_a_power_cut_in_the_first_moment_leaves_a_spool_that_works(loop_disk: Disk) -> None:
    [packet] = sealed_recording(1)
    opened(loop_disk.root / "state" / "eyelid" / "spool").put(packet)
    loop_disk.cut_power()
    loop_disk.bring_back()
    assert list(opened(loop_disk.root / "state" / "eyelid" / "spool").pending()) == [packet]


# -- killed, and lied to by the disk, at every step ---------------------------------------------------------------


def strace(inject: str, task: str, root: Path, log: Path, *more: str, trace: str = "") -> CompletedProcess[str]:
    return faults.strace(["tests.agent.spool_child", task, str(root)], inject, log, *more, trace=trace)


def promised(output: str) -> dict[str, str]:
    """name -> hash of what the child was told is durable."""
    lines = [line.split() for line in output.splitlines()]
    return {line[1]: line[2] for line in lines if line[0] == "kept"}


@pytest.mark.slow(reason="a process under strace for each system call")
@pytest.mark.parametrize("call", ["/^mkdir", "write", "fsync", "/^rename"])
def test_killed_at_any_step_nothing_promised_is_lost_and_nothing_half_is_kept(
    tmp_path: Path, call: str, cases: Cases
) -> None:
    """kill -9 at the first such system call, the second, ... until none is left: then the child lives through."""
    for step in cases(range(1, 40), call):
        root = tmp_path / f"{step}" / "spool"
        child = strace(f"{call}:signal=KILL:when={step}", "put", root, tmp_path / "log")
        kept = promised(child.stdout)
        spool = opened(root)
        found = {sealed.name: sealed.sha256.hex() for sealed in spool.pending()}
        assert kept.items() <= found.items(), child
        assert len(found) <= len(kept) + 1, child  # one may have been whole when the answer was still on its way
        assert not list(root.rglob(".part-*"))
        assert spool.aside() == 0
        if child.returncode == 0:
            break
    assert len(kept) == CHUNKS, child
    assert step > 2, child


def test_file_then_name_then_folder_are_flushed_before_anything_is_promised(tmp_path: Path) -> None:
    """kill -9 leaves the page cache alone, so only the order of the calls shows what a power cut would leave."""
    root = tmp_path / "spool"
    log = tmp_path / "log"
    strace("fsync:error=EIO:when=1000", "put", root, log, trace="write,fsync,/^rename")
    calls = [line for line in log.read_text().splitlines() if str(root) in line or '"kept' in line]
    spoken = [place for place, line in enumerate(calls) if '"kept' in line]
    assert len(spoken) == CHUNKS
    for place in spoken:
        write, flush, rename, flush_folder = calls[place - 4 : place]
        temporary = flush.split("<")[1].split(">")[0]
        assert ".part-" in temporary
        assert "write(" in write
        assert temporary in write
        assert "fsync(" in flush
        assert "rename" in rename
        assert f'"{temporary}", "' in rename
        assert "fsync(" in flush_folder
        assert f"<{Path(temporary).parent}>" in flush_folder


@pytest.mark.slow(reason="a process under strace for each flush")
def test_a_failed_flush_is_answered_with_the_same_bytes_in_a_new_file(tmp_path: Path) -> None:
    rewritten = 0
    for step in range(1, 40):
        root = tmp_path / f"{step}" / "spool"
        opened(root)
        log = tmp_path / "log"
        child = strace(f"fsync:error=EIO:when={step}", "put", root, log)
        assert child.returncode == 0
        flushed = [line for line in log.read_text().splitlines() if "fsync(" in line]
        failed = [place for place, line in enumerate(flushed) if "EIO" in line]
        if not failed:
            break
        if "open" not in child.stdout:
            assert child.stdout == "EnvironmentFault\n"
            continue
        assert len(promised(child.stdout)) == CHUNKS
        assert {s.name: s.sha256.hex() for s in opened(root).pending()} == promised(child.stdout)
        if ".part-" in flushed[failed[0]]:
            before, after = (line.split("<")[1].split(">")[0] for line in flushed[failed[0] : failed[0] + 2])
            assert Path(before).parent == Path(after).parent
            assert before != after
            assert ".part-" in after
            rewritten += 1
    assert rewritten == CHUNKS


def test_a_disk_that_goes_on_failing_is_told_and_nothing_is_promised(tmp_path: Path) -> None:
    root = tmp_path / "spool"
    opened(root)
    opening = sum("fsync(" in line for line in _trace(tmp_path, root))
    child = strace(f"fsync:error=EIO:when={opening + 1}+", "put", root, tmp_path / "log")
    assert child.stdout.split("\n")[0] == "open"
    assert promised(child.stdout) == {}
    assert child.stdout.count("Transient") == 2 * CHUNKS


def _trace(tmp_path: Path, root: Path) -> list[str]:
    """The system calls of opening an empty spool, with nothing put into it."""
    strace("fsync:error=EIO:when=1000", "drain", root, tmp_path / "log")
    return (tmp_path / "log").read_text().splitlines()


def test_a_chunk_that_the_disk_cannot_read_is_set_aside_and_the_queue_goes_on(tmp_path: Path) -> None:
    root = tmp_path / "spool"
    first, second, third = filled(root, 3)
    bad = str(root / second.name)
    child = strace("read:error=EIO:when=2+", "drain", root, tmp_path / "log", "-P", bad)  # its header could be read
    assert child.stdout.splitlines() == [
        "open",
        f"got {first.name} {first.sha256.hex()}",
        "alarm chunk-unreadable",
        f"got {third.name} {third.sha256.hex()}",
    ]
    assert reasons(root) == ["the disk cannot read it (EIO)\n"]


def test_a_chunk_that_may_not_be_read_is_set_aside_and_the_queue_goes_on(tmp_path: Path) -> None:
    root = tmp_path / "spool"
    first, second, third = filled(root, 3)
    bad = str(root / second.name)
    child = strace("openat:error=EACCES:when=2+", "drain", root, tmp_path / "log", "-P", bad)  # the start could
    got = [f"got {sealed.name} {sealed.sha256.hex()}" for sealed in (first, third)]
    assert child.stdout.splitlines() == ["open", got[0], "alarm chunk-unreadable", got[1]]
    assert reasons(root) == ["the disk cannot read it (EACCES)\n"]


@pytest.mark.parametrize("fault", ["read:error=EIO", "openat:error=EACCES", "openat:error=EUCLEAN"])
def test_a_file_that_cannot_be_read_at_the_start_is_set_aside_and_the_others_wait(tmp_path: Path, fault: str) -> None:
    root = tmp_path / "spool"
    first, second, third = filled(root, 3)
    child = strace(fault, "drain", root, tmp_path / "log", "-P", str(root / second.name))
    got = [f"got {sealed.name} {sealed.sha256.hex()}" for sealed in (first, third)]
    assert child.stdout.splitlines() == ["alarm chunk-unreadable", "open", *got]
    assert reasons(root) == [f"found at the start: the disk cannot read it ({fault.rpartition('=')[2]})\n"]
    assert opened(root).aside() == 1


def test_a_start_that_has_no_file_handles_left_blames_no_chunk(tmp_path: Path) -> None:
    root = tmp_path / "spool"
    _, second, _ = filled(root, 3)
    child = strace("openat:error=EMFILE", "drain", root, tmp_path / "log", "-P", str(root / second.name))
    assert child.stdout.splitlines() == ["EnvironmentFault"]
    assert len(list(opened(root).pending())) == 3


def test_what_is_damaged_stays_where_it_is_while_a_full_disk_cannot_set_it_aside(
    full_disk: Disk, alarms: list[str]
) -> None:
    """Only sending makes room there, so the start must not fail."""
    root = full_disk.root / "spool"
    packet, chunk = filled(root, 2)
    strange = root / str(packet.recording) / "notes.txt"
    strange.write_text("four")
    full_disk.fill()
    spool = opened(root, alarms)
    assert list(spool.pending()) == [packet, chunk]
    assert (strange.exists(), spool.aside(), alarms) == (True, 0, ["chunk-damaged"])
    full_disk.make_room()
    with pytest.raises(SpoolFull):
        opened(root, alarms, max_bytes=len(packet.data) + len(chunk.data)).put(next(sealed_recording(1)))
    assert opened(root, alarms).aside() == 1


def test_a_chunk_that_cannot_even_be_set_aside_keeps_its_own_recording_alone(
    full_disk: Disk, alarms: list[str]
) -> None:
    root = full_disk.root / "spool"
    packet, chunk = filled(root, 2)
    spool = opened(root, alarms)
    other = next(sealed_recording(1, NEW_YEAR_2026 + SECOND))
    spool.put(other)
    (root / chunk.name).unlink()
    (root / chunk.name).mkdir()  # EISDIR
    full_disk.fill()
    for _ in range(2):
        assert list(spool.pending()) == [packet, other]
    spool.forget(packet.name)
    spool.forget(other.name)
    full_disk.fill()  # another program takes the room that sending made
    with pytest.raises(Transient, match="ENOSPC"):
        next(spool.pending())
    assert alarms == ["chunk-unreadable"]
    assert spool.waiting()[0] == 1
