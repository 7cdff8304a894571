"""The account: chained without an end, durable before what it tells of happens, and honest about where it was blind."""

from __future__ import annotations

import errno
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent import durable
from agent import ledger as ledger_module
from agent.core.model import SECOND
from agent.errors import EnvironmentFault, Transient, Untrusted
from agent.ledger import BATCH_LINES, KEPT_SEGMENTS, SEGMENT_SIZE, DiskLedger
from protocol.api import MAX_LEDGER_BODY
from protocol.ledger import ZERO, Batch, line_hash, walk
from tests.agent import faults
from tests.agent.ledger_child import ENTRIES
from tests.agent.recordings import EVIDENCE
from tests.fakes.clock import HandClock


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state" / "ledger"


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


def opened(folder: Path, clock: HandClock | None = None) -> DiskLedger:
    return DiskLedger(folder, clock or HandClock(), device="device-1", evidence=EVIDENCE)


def all_lines(folder: Path) -> list[bytes]:
    """What an auditor with a copy of the folder reads."""
    lines: list[bytes] = []
    for path in sorted(folder.glob("segment-*")):
        lines += path.read_bytes().rstrip(b"\0").splitlines()
    return lines


def entries(folder: Path) -> list[dict[str, Any]]:
    lines = all_lines(folder)
    assert walk(lines) == ()
    return [json.loads(line) for line in lines]


def batch_of(ledger: DiskLedger) -> Batch:
    token = ledger.due(at_once=True)
    assert token is not None
    return Batch.verify(token, EVIDENCE.public_key())


def store_takes(ledger: DiskLedger) -> Batch:
    batch = batch_of(ledger)
    ledger.confirmed(batch.last + 1, batch.head)
    return batch


# -- writing ------------------------------------------------------------------------------------------------------


def test_entries_carry_number_both_times_kind_fields_and_the_hash_before(folder: Path, clock: HandClock) -> None:
    ledger = opened(folder, clock)
    ledger.write("lane-closed", lane="screen", rules=[4, "unreadable"])
    clock.pass_by(1.5)
    clock.ahead -= 3600 * SECOND
    ledger.write("hold", hold="user")
    first, second = entries(folder)
    start = HandClock()
    assert first == {
        "seq": 0, "at": start.now(), "wall": start.wall(), "kind": "lane-closed", "lane": "screen",
        "rules": [4, "unreadable"], "prev": ZERO,
    }  # fmt: skip
    assert (second["seq"], second["at"], second["wall"]) == (1, clock.now(), clock.wall())
    assert second["prev"] == line_hash(all_lines(folder)[0])
    assert ledger.head() == (2, line_hash(all_lines(folder)[1]))


def test_nobody_else_may_read_it(folder: Path) -> None:
    opened(folder).write("start")
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_segment_that_is_full_is_followed_by_another(folder: Path) -> None:
    ledger = opened(folder)
    for number in range(30):
        ledger.write("note", number=number, text="x" * 20_000)
    assert [entry["number"] for entry in entries(folder)] == list(range(30))
    assert len(list(folder.glob("segment-*"))) == 3
    assert {path.stat().st_size for path in folder.glob("segment-*")} == {SEGMENT_SIZE}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(runs=st.lists(st.lists(st.integers(1, 60_000), max_size=6), min_size=1, max_size=4), stopped=st.booleans())
def test_whatever_is_written_over_however_many_starts_is_one_chain(
    tmp_path_factory: pytest.TempPathFactory, runs: list[list[int]], *, stopped: bool
) -> None:
    folder = tmp_path_factory.mktemp("ledger")
    sizes: list[int] = []
    for run in runs:
        ledger = opened(folder)
        for size in run:
            ledger.write("note", text="x" * size)
        if stopped:
            ledger.write("stop")
        sizes += run
    written = entries(folder)
    assert [len(entry["text"]) for entry in written if entry["kind"] == "note"] == sizes
    assert [entry["seq"] for entry in written] == list(range(len(written)))


# -- after a start ------------------------------------------------------------------------------------------------


def test_an_end_without_a_stop_becomes_an_entry(folder: Path, clock: HandClock) -> None:
    opened(folder, clock).write("start")
    died = (clock.now(), clock.wall())
    clock.pass_by(90)
    opened(folder, clock)
    last = entries(folder)[-1]
    assert (last["kind"], last["why"]) == ("blind-since", "died")
    assert (last["from"], last["from_wall"], last["to"], last["boot"]) == (*died, clock.now(), clock.boot())


@pytest.mark.parametrize("kinds", [[], ["start", "stop"]])
def test_nothing_is_told_where_nothing_was_missed(folder: Path, kinds: list[str]) -> None:
    ledger = opened(folder)
    for kind in kinds:
        ledger.write(kind)
    opened(folder)
    assert [entry["kind"] for entry in entries(folder)] == kinds


LAST = 160  # bytes, less than the last entry below has


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(begin=st.integers(0, LAST), length=st.integers(1, LAST))
def test_a_torn_last_line_is_cut_and_the_chain_goes_on(
    tmp_path_factory: pytest.TempPathFactory, begin: int, length: int
) -> None:
    """Any stretch of the last line may be zeros still: pages reach the disk in any order."""
    folder = tmp_path_factory.mktemp("ledger")
    ledger = opened(folder)
    ledger.write("start")
    whole = len(b"\n".join(all_lines(folder))) + 1
    ledger.write("hold", hold="user", reason="r" * 80)
    [segment] = folder.glob("segment-*")
    content = bytearray(segment.read_bytes())
    used = len(content.rstrip(b"\0"))
    torn = slice(whole + begin, min(whole + begin + length, used))
    content[torn] = bytes(torn.stop - torn.start)
    segment.write_bytes(content)

    opened(folder).write("release", hold="user")

    assert [entry["kind"] for entry in entries(folder)] == ["start", "blind-since", "release"]


def test_an_entry_that_lost_only_its_line_feed_is_cut_too(folder: Path) -> None:
    ledger = opened(folder)
    ledger.write("start")
    ledger.write("hold", hold="user")
    [segment] = folder.glob("segment-*")
    content = segment.read_bytes().rstrip(b"\0")
    segment.write_bytes(content[:-1])
    opened(folder)
    assert [entry["kind"] for entry in entries(folder)] == ["start", "blind-since"]


def test_a_changed_entry_in_the_middle_is_told_and_stays_visible(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is repaired: the chain shows it to everybody who walks it."""
    ledger = opened(folder)
    for number in range(4):
        ledger.write("note", number=number)
    [segment] = folder.glob("segment-*")
    segment.write_bytes(segment.read_bytes().replace(b'"number":1', b'"number":7'))
    opened(folder)
    assert "the ledger is damaged on this disk: ledger entry 2: the entry before it is not as it was" in caplog.text
    [mistake] = walk(all_lines(folder))
    assert (mistake.code, mistake.seq) == ("broken-chain", 2)
    assert len(all_lines(folder)) == 5


def test_a_folder_that_cannot_be_used_is_a_clear_message(tmp_path: Path) -> None:
    (tmp_path / "ledger").write_text("a file in its place")
    with pytest.raises(EnvironmentFault, match="cannot be used"):
        opened(tmp_path / "ledger")


# -- sending ------------------------------------------------------------------------------------------------------


def test_a_batch_is_due_after_ten_seconds_or_500_entries(folder: Path, clock: HandClock) -> None:
    ledger = opened(folder, clock)
    assert ledger.due() is None
    assert ledger.due(at_once=True) is None
    ledger.write("start")
    clock.pass_by(9.9)
    ledger.write("hold", hold="user")
    assert ledger.due() is None
    clock.pass_by(0.1)
    assert ledger.due() is not None
    assert store_takes(ledger).last == 1
    for number in range(BATCH_LINES - 1):
        ledger.write("note", number=number)
    assert ledger.due() is None
    ledger.write("note")
    assert ledger.due() is not None


def test_a_batch_is_signed_and_holds_what_the_store_lacks(folder: Path) -> None:
    ledger = opened(folder)
    ledger.write("start")
    ledger.write("hold", hold="user")
    batch = store_takes(ledger)
    assert (batch.device, batch.first, batch.last, batch.prev) == ("device-1", 0, 1, ZERO)
    assert list(batch.lines) == all_lines(folder)
    ledger.write("release", hold="user")
    batch = batch_of(ledger)
    assert (batch.first, batch.last) == (2, 2)
    assert batch.prev == line_hash(all_lines(folder)[1])


def test_a_batch_without_an_answer_is_handed_out_again(folder: Path) -> None:
    ledger = opened(folder)
    ledger.write("start")
    assert batch_of(ledger) == batch_of(ledger)


def test_a_long_absence_becomes_many_batches_over_segments_and_starts(folder: Path) -> None:
    ledger = opened(folder)
    for number in range(1800):
        ledger.write("note", number=number, text="x" * 300)
    ledger = opened(folder)
    sent: list[bytes] = []
    while ledger.due(at_once=True):
        token = ledger.due(at_once=True)
        assert token is not None
        assert len(token) < MAX_LEDGER_BODY
        batch = store_takes(ledger)
        assert len(batch.lines) <= BATCH_LINES
        sent += batch.lines
    assert sent == all_lines(folder)
    assert len(sent) == 1801
    assert ledger.due() is None


def test_large_entries_make_small_batches(folder: Path) -> None:
    ledger = opened(folder)
    for _ in range(20):
        ledger.write("note", text="\\" * 20_000)  # every one is escaped twice on its way into the batch
    while (token := ledger.due(at_once=True)) is not None:
        assert len(token) < MAX_LEDGER_BODY
        store_takes(ledger)


def test_what_was_sent_is_known_after_a_start(folder: Path) -> None:
    ledger = opened(folder)
    ledger.write("start")
    ledger.write("stop")
    store_takes(ledger)
    ledger = opened(folder)
    assert ledger.due(at_once=True) is None
    ledger.write("start")
    assert batch_of(ledger).first == 2


def test_without_its_mark_the_store_says_where_to_go_on(folder: Path) -> None:
    ledger = opened(folder)
    for kind in ("start", "hold", "stop"):
        ledger.write(kind)
    (folder / "sent").unlink(missing_ok=True)
    ledger = opened(folder)
    assert batch_of(ledger).first == 0
    ledger.confirmed(2, line_hash(all_lines(folder)[1]))
    assert batch_of(ledger).first == 2


def test_a_store_that_went_back_gets_the_entries_again(folder: Path) -> None:
    ledger = opened(folder)
    for kind in ("start", "hold", "stop"):
        ledger.write(kind)
    store_takes(ledger)
    ledger.confirmed(1, line_hash(all_lines(folder)[0]))
    assert batch_of(ledger).first == 1
    ledger.confirmed(0, ZERO)
    assert batch_of(ledger).first == 0


@pytest.mark.parametrize(("next_", "head"), [(4, "ab" * 32), (2, "ab" * 32), (0, "ab" * 32)])
def test_a_store_with_another_ledger_is_not_believed(folder: Path, next_: int, head: str) -> None:
    ledger = opened(folder)
    for kind in ("start", "hold", "stop"):
        ledger.write(kind)
    with pytest.raises(Untrusted, match="is not this ledger"):
        ledger.confirmed(next_, head)
    assert batch_of(ledger).first == 0


def test_old_segments_go_once_the_store_has_them(folder: Path) -> None:
    ledger = opened(folder)
    while len(list(folder.glob("segment-*"))) < KEPT_SEGMENTS + 4:
        ledger.write("note", text="x" * 60_000)
    kept = len(all_lines(folder))
    while ledger.due(at_once=True):
        store_takes(ledger)
    assert len(list(folder.glob("segment-*"))) == KEPT_SEGMENTS + 1
    ledger = opened(folder)
    assert ledger.head()[0] == kept + 1
    assert batch_of(ledger).first == kept


def test_a_damaged_entry_that_was_not_sent_is_left_out_so_that_the_store_misses_it(folder: Path) -> None:
    ledger = opened(folder)
    for number in range(4):
        ledger.write("note", number=number)
    [segment] = folder.glob("segment-*")
    segment.write_bytes(segment.read_bytes().replace(b'"number":1', b'"\xff\xffmber":1'))
    ledger = opened(folder)
    assert store_takes(ledger).last == 0
    assert batch_of(ledger).first == 2


# -- a full or broken disk ----------------------------------------------------------------------------------------


def test_the_reason_for_a_hold_can_be_written_on_a_full_disk(tmp_path: Path) -> None:
    with faults.small_disk(tmp_path / "small", "size=1m") as mount:
        ledger = opened(mount / "ledger")
        ledger.write("start")
        fill(mount)
        for number in range(500):
            ledger.write("hold", hold="spool-full", number=number)
        assert len(entries(mount / "ledger")) == 501
        assert len(entries(mount / "ledger")) == opened(mount / "ledger").head()[0] - 1


def test_the_store_s_word_is_taken_on_a_full_disk_too(tmp_path: Path) -> None:
    """Sending is what makes room: if this failed, the disk would stay full for ever."""
    with faults.small_disk(tmp_path / "small", "size=1m") as mount:
        ledger = opened(mount / "ledger")
        ledger.write("start")
        fill(mount)
        assert store_takes(ledger).last == 0
        ledger.write("hold", hold="spool-full")
        assert store_takes(ledger).first == 1


def test_when_even_the_reserve_is_used_up_it_is_told_and_goes_on_later(tmp_path: Path) -> None:
    with faults.small_disk(tmp_path / "small", "size=1m") as mount:
        ledger = opened(mount / "ledger")
        filler = fill(mount)

        def write_on() -> None:
            for _ in range(100):
                ledger.write("note", text="x" * 10_000)

        with pytest.raises(Transient, match="ENOSPC"):
            write_on()
        written = ledger.head()[0]
        assert written > SEGMENT_SIZE // 10_100
        filler.unlink()
        ledger.write("release", hold="spool-full")
        assert ledger.head()[0] == written + 1
        assert entries(mount / "ledger")[-1]["kind"] == "release"


def fill(disk: Path) -> Path:
    filler = disk / "filler"
    with filler.open("wb") as file:
        file.write(bytes(shutil.disk_usage(disk).free))
    assert shutil.disk_usage(disk).free == 0
    return filler


def test_a_power_cut_takes_no_entry_that_was_promised(tmp_path: Path) -> None:
    disk = faults.LoopDisk(tmp_path)
    try:
        ledger = opened(disk.mount / "ledger")
        for number in range(300):
            ledger.write("note", number=number, text="x" * 1000)
        head = ledger.head()
        disk.cut_power()
        assert line_hash(all_lines(disk.mount / "ledger")[-1]) == head[1]
        assert len(entries(disk.mount / "ledger")) == head[0]
        opened(disk.mount / "ledger").write("start")
        assert [entry["kind"] for entry in entries(disk.mount / "ledger")[300:]] == ["blind-since", "start"]
    finally:
        disk.unplug()


def promised(output: str) -> list[str]:
    return [line.split()[2] for line in output.splitlines() if line.startswith("kept")]


@pytest.mark.parametrize("call", ["write", "fdatasync", "fsync", "/^rename"])
def test_killed_at_any_step_no_promised_entry_is_lost(tmp_path: Path, call: str) -> None:
    for step in range(1, 40):
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


def test_entries_of_a_day_are_read_back_with_some_before(folder: Path, clock: HandClock) -> None:
    ledger = opened(folder, clock)
    while len(list(folder.glob("segment-*"))) < 3:
        ledger.write("filling", text="x" * 9000)
    clock.pass_by(5)
    ledger.write("today")
    read = ledger.entries(clock.wall())
    assert read[-1]["kind"] == "today"
    assert len(read) < len(entries(folder)) == len(ledger.entries(0))
    assert ledger.entries(0) == entries(folder)
