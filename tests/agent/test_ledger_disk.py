"""The account on disks that are full, lose their power, fail to flush, and under processes that die in mid-write."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest

from agent import durable
from agent import ledger as ledger_module
from agent.errors import Transient
from agent.ledger import SEGMENT_SIZE
from protocol.ledger import line_hash
from testkit.disks import BTRFS, MEGABYTE, Disk
from tests.agent import faults
from tests.agent.ledger_child import ENTRIES
from tests.agent.ledgers import all_lines, batch_of, entries, opened, store_takes
from tests.quick import Cases


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state" / "ledger"


# -- full ----------------------------------------------------------------------------------------------------------


def test_the_reason_for_a_hold_can_be_written_on_a_full_disk() -> None:
    with faults.breakable("tmpfs", size=MEGABYTE) as disk:
        write_on_a_full_disk(disk)


def test_so_it_can_where_files_are_copied_when_they_are_overwritten() -> None:
    """btrfs: what was laid by in advance is of use only if it is overwritten where it lies."""
    with faults.breakable(BTRFS, size=128 * MEGABYTE) as disk:
        write_on_a_full_disk(disk)


def test_so_it_can_after_an_upgrade_from_a_version_whose_files_are_copied(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with faults.breakable(BTRFS, size=128 * MEGABYTE) as disk:
        with monkeypatch.context() as before:
            before.setattr(durable, "overwrite_in_place", lambda _: False)
            opened(disk.root / "ledger").write("stop")
        spares = [spare_of(disk.root)]
        for _ in range(2):
            opened(disk.root / "ledger").write("stop")
            spares.append(spare_of(disk.root))
        assert spares[0] != spares[1] == spares[2]  # made anew, once
        write_on_a_full_disk(disk, already=3)


def spare_of(mount: Path) -> int:
    return (mount / "ledger" / "spare").stat().st_ino


def write_on_a_full_disk(disk: Disk, already: int = 0) -> None:
    """`already`: entries that lie there."""
    ledger = opened(disk.root / "ledger")
    ledger.write("start")
    disk.fill()
    for number in range(500):
        ledger.write("hold", hold="spool-full", number=number)
    assert len(entries(disk.root / "ledger")) == already + 501
    assert len(entries(disk.root / "ledger")) == opened(disk.root / "ledger").head()[0] - 1


def test_the_store_s_word_is_taken_on_a_full_disk_too() -> None:
    """Sending is what makes room: if this failed, the disk would stay full for ever."""
    with faults.breakable("tmpfs", size=MEGABYTE) as disk:
        ledger = opened(disk.root / "ledger")
        ledger.write("start")
        disk.fill()
        assert store_takes(ledger).last == 0
        ledger.write("hold", hold="spool-full")
        assert store_takes(ledger).first == 1


def test_when_even_the_reserve_is_used_up_it_is_told_and_goes_on_later() -> None:
    with faults.breakable("tmpfs", size=MEGABYTE) as disk:
        ledger = opened(disk.root / "ledger")
        disk.fill()

        def write_on() -> None:
            for _ in range(100):
                ledger.write("note", text="x" * 10_000)

        with pytest.raises(Transient, match="ENOSPC"):
            write_on()
        written = ledger.head()[0]
        assert written > SEGMENT_SIZE // 10_100
        disk.make_room()
        ledger.write("release", hold="spool-full")
        assert ledger.head()[0] == written + 1
        assert entries(disk.root / "ledger")[-1]["kind"] == "release"


def test_a_power_cut_takes_no_entry_that_was_promised() -> None:
    with faults.breakable() as disk:
        ledger = opened(disk.root / "ledger")
        for number in range(300):
            ledger.write("note", number=number, text="x" * 1000)
        head = ledger.head()
        disk.cut_power()
        disk.bring_back()
        assert line_hash(all_lines(disk.root / "ledger")[-1]) == head[1]
        assert len(entries(disk.root / "ledger")) == head[0]
        opened(disk.root / "ledger").write("start")
        assert [entry["kind"] for entry in entries(disk.root / "ledger")[300:]] == ["blind-since", "start"]


def promised(output: str) -> list[str]:
    return [line.split()[2] for line in output.splitlines() if line.startswith("kept")]


@pytest.mark.slow(reason="a process under strace for each system call")
@pytest.mark.parametrize("call", ["write", "fdatasync", "fsync", "/^rename"])
def test_killed_at_any_step_no_promised_entry_is_lost(tmp_path: Path, call: str, cases: Cases) -> None:
    for step in cases(range(1, 40), call):
        folder = tmp_path / f"{step}" / "ledger"
        child = faults.strace(
            ["tests.agent.ledger_child", str(folder)], f"{call}:signal=KILL:when={step}", tmp_path / "log"
        )
        kept = promised(child.stdout)
        opened(folder).write("start")
        hashes = [line_hash(line) for line in all_lines(folder)]
        assert hashes[: len(kept)] == kept
        kinds = [entry["kind"] for entry in entries(folder)]
        assert kinds.count("hold") <= len(kept) + 1
        assert kinds == ["hold"] * kinds.count("hold") + ["blind-since"] * bool(kinds.count("hold")) + ["start"]
        if child.returncode == 0:
            break
    assert len(kept) == ENTRIES, child
    assert step > 2, child


@pytest.mark.parametrize("step", range(1, ENTRIES + 1))
def test_a_failed_flush_is_answered_with_the_same_entry_in_a_new_file(tmp_path: Path, step: int) -> None:
    folder = tmp_path / "ledger"
    child = faults.strace(
        ["tests.agent.ledger_child", str(folder)], f"fdatasync:error=EIO:when={step}", tmp_path / "log"
    )
    assert len(promised(child.stdout)) == ENTRIES
    newest = max(folder.glob("segment-*"))
    assert newest.name == f"segment-{step - 1:012d}"
    assert line_hash(newest.read_bytes().splitlines()[0]) == promised(child.stdout)[step - 1]
    ledger = opened(folder)
    assert [line_hash(line) for line in batch_of(ledger).lines][:ENTRIES] == promised(child.stdout)
    assert ledger.head()[0] == ENTRIES + 1


def test_an_entry_that_was_refused_never_comes_back(tmp_path: Path) -> None:
    """It lies in the old file, perhaps whole; the next entry takes its number, and what it told of did not happen."""
    folder = tmp_path / "ledger"
    child = faults.strace(["tests.agent.ledger_child", str(folder)], "fdatasync:error=EIO:when=2..3", tmp_path / "log")
    assert child.stdout.split()[:4:3] == ["open", promised(child.stdout)[0]]
    assert child.stdout.count("Transient") == 1
    assert any(b"reason-1" in path.read_bytes() for path in folder.glob("segment-*"))
    lines = batch_of(opened(folder)).lines
    assert [json.loads(line).get("hold") for line in lines] == ["reason-0", "reason-2", None]
    assert [line_hash(line) for line in lines[:2]] == promised(child.stdout)


def test_an_entry_that_was_refused_is_never_sent(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It can be read in the old file, and a power cut would take it: the store would have an entry that never was."""

    def broken(_: object) -> None:
        raise OSError(errno.EIO, "the disk is broken")

    ledger = opened(folder)
    ledger.write("start")
    with monkeypatch.context() as disk:
        disk.setattr(ledger_module, "_flush", broken)
        disk.setattr(durable, "sync_folder", broken)
        with pytest.raises(Transient):
            ledger.write("hold", hold="user")
    assert any(b"hold" in path.read_bytes() for path in folder.glob("segment-*"))
    assert [json.loads(line)["kind"] for line in store_takes(ledger).lines] == ["start"]
    assert ledger.due(at_once=True) is None
    ledger.write("stop")
    assert [json.loads(line)["kind"] for line in store_takes(ledger).lines] == ["stop"]


def test_what_is_found_at_the_start_is_written_once_more(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flush that failed leaves pages that can be read and were never written: only writing them anew can be believed,
    and nothing that the store is told may vanish later."""
    ledger = opened(folder)
    ledger.write("start")
    ledger.write("hold", hold="user")
    written: list[tuple[str, int, bytes]] = []
    overwrite = ledger_module._overwrite

    def watched(path: Path, offset: int, text: bytes) -> None:
        written.append((path.name, offset, text))
        overwrite(path, offset, text)

    monkeypatch.setattr(ledger_module, "_overwrite", watched)
    lines = all_lines(folder)
    opened(folder)
    name, offset, text = written[0]
    assert (name, offset, text.rstrip(b"\0").splitlines()) == ("segment-000000000000", 0, lines)


def test_a_disk_that_goes_on_failing_is_told_and_nothing_is_promised(tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    child = faults.strace(["tests.agent.ledger_child", str(folder)], "fdatasync:error=EIO:when=1+", tmp_path / "log")
    assert child.stdout.split() == ["open", *["Transient"] * ENTRIES]


def test_flushing_only_the_bytes_is_enough_because_the_file_has_its_size_already(folder: Path) -> None:
    """fdatasync leaves out what only a changed size would need; so no write may change it."""
    ledger = opened(folder)
    [segment] = folder.glob("segment-*")
    before = segment.stat()
    ledger.write("start")
    assert (segment.stat().st_size, segment.stat().st_blocks) == (before.st_size, before.st_blocks)
    assert before.st_blocks * 512 >= SEGMENT_SIZE
