"""The writer: what is acknowledged is there, in order and once, whatever is cut, full, slow or set back meanwhile."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from pathlib import Path

import pytest

from review.audit import journal
from review.audit.entries import Entry, is_shredded
from review.audit.errors import AuditError
from review.audit.kinds import read_body
from review.audit.log import AuditLog
from review.audit.notes import Signer, signed_checkpoint
from review.audit.verify import Report, VerifyOptions, verify_log
from tests.review.audit.making import DAY, KEY, ORIGIN, PRIVATE, SIGNER, START, Clock, new_log, opening

ASKED = VerifyOptions(SIGNER.key, KEY)
YEAR = 365 * DAY // 1_000_000  # ms


def resources(folder: Path) -> list[str]:
    """The first resource of each act, in order; of a statement its kind."""
    found = []
    for group in journal.groups(folder, SIGNER.key):
        for one in group.entries:
            entry = Entry.parse(one.raw)
            if entry.statement:
                found.append(entry.statement.decode().split('"')[3])
            elif is_shredded(one.rest):
                found.append("shredded")
            else:
                body, _ = KEY.open(ORIGIN, one.position, entry, one.rest)
                found.append(read_body(body)["resource"][0].removeprefix("0193a1b2-"))
    return found


def sound(folder: Path) -> Report:
    report = verify_log(folder, ASKED)
    assert report.findings == []
    return report


def code(call: object, *arguments: object, **named: object) -> str:
    with pytest.raises(AuditError) as caught:
        call(*arguments, **named)  # type: ignore[operator]
    return caught.value.code


def test_positions_follow_and_another_process_goes_on(tmp_path: Path) -> None:
    log = new_log(tmp_path / "log")
    assert [log.append(opening(number)) for number in range(3)] == [0, 1, 2]
    other = AuditLog(tmp_path / "log", SIGNER, KEY, clock=Clock())
    assert other.append(opening(3)) == 3
    assert log.append(opening(4)) == 4
    assert other.append_all([opening(5), opening(6)]) == [5, 6]
    assert log.append_all([]) == []
    assert log.size == 7
    assert resources(tmp_path / "log") == list("0123456")
    assert sound(tmp_path / "log").entries == 7


def test_what_is_refused_is_not_written(tmp_path: Path) -> None:
    log = new_log(tmp_path / "log")
    assert code(log.append, opening(kind="lend")) == "unknown-kind"
    assert code(log.append_all, [opening(), opening(who="")]) == "bad-field"
    assert log.size == 0


def test_blocks_fill_and_a_new_writer_finds_the_edge_at_each_place(tmp_path: Path) -> None:
    log = new_log(tmp_path / "log")
    for end in (255, 256, 257, 511, 512, 700):
        log.append_all([opening(number) for number in range(log.size, end)])
        log = AuditLog(tmp_path / "log", SIGNER, KEY, clock=Clock())
        assert log.size == end
    assert resources(tmp_path / "log") == [str(number) for number in range(700)]
    point = log.publish()
    assert point.size == 700
    report = sound(tmp_path / "log")
    assert (report.entries, report.checkpoint) == (700, point)


def test_many_at_once_share_the_wait_for_the_disk(tmp_path: Path) -> None:
    log = new_log(tmp_path / "log")
    positions: list[int] = []

    def write(thread: int) -> None:
        positions.extend(log.append(opening(thread * 100 + number)) for number in range(25))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(positions) == list(range(200))
    block = journal.read_block(tmp_path / "log", 0)
    assert len([one for one in journal.records(block) if one.kind == journal.SIGNED]) < 200
    assert sound(tmp_path / "log").entries == 200


def test_a_disk_that_fails_acknowledges_nothing_and_signs_no_second_history(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The patch stands for a disk: no real one fails on demand."""
    log = new_log(tmp_path / "log")
    log.append(opening(0))
    real, failing = os.fsync, [True]

    def fsync(descriptor: int) -> None:
        if failing[0]:
            raise OSError(errno.EIO, "Input/output error")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    assert code(log.append, opening(1)) == "not-written"
    assert code(log.append, opening(2)) == "not-written"  # what comes first still cannot be written
    assert resources(tmp_path / "log") == ["0"]
    failing[0] = False
    # What was signed first comes first; the second was never signed.
    assert log.append(opening(3)) == 2
    assert resources(tmp_path / "log") == ["0", "1", "3"]
    sound(tmp_path / "log")


@pytest.mark.slow(reason="a hundred logs are opened, each with another end")
def test_the_end_may_be_torn_anywhere(tmp_path: Path) -> None:
    log = new_log(tmp_path / "whole", Clock())
    log.append(opening(0))
    path = journal.block_path(tmp_path / "whole", 0)
    acknowledged = path.stat().st_size
    log.append(opening(1))
    whole = path.read_bytes()
    for length in {*range(acknowledged, len(whole), 5), len(whole) - 1}:
        folder = tmp_path / "torn"
        shutil.copytree(tmp_path / "whole", folder)
        journal.block_path(folder, 0).write_bytes(whole[:length])
        torn = length - acknowledged
        assert [one.code for one in verify_log(folder, ASKED).remarks] == ["unfinished"] * (torn > 0)
        AuditLog(folder, SIGNER, KEY)  # who only looks changes nothing
        assert AuditLog(folder, SIGNER, KEY, clock=Clock()).append(opening(2)) == 1 + (torn > 0)
        assert resources(folder) == ["0", *["mended"] * (torn > 0), "2"]
        assert [one.code for one in sound(folder).remarks] == ["mended"] * (torn > 0)
        shutil.rmtree(folder)


@pytest.mark.parametrize("change", ["journal", "tile", "no-tile", "checkpoint", "ahead", "key", "empty-block"])
def test_a_log_that_is_not_what_was_signed_is_not_written_to(tmp_path: Path, change: str) -> None:
    folder = tmp_path / "log"
    log = new_log(folder)
    log.append_all([opening(number) for number in range(300)])
    log.publish()
    signer = SIGNER
    block, tile = journal.block_path(folder, 1), folder / "tile/0/000"
    if change == "journal":
        content = bytearray(block.read_bytes())
        content[20] ^= 1
        block.write_bytes(content)
    elif change == "tile":
        tile.write_bytes(tile.read_bytes()[:-1])
    elif change == "no-tile":
        tile.unlink()
    elif change == "checkpoint":
        (folder / "checkpoint").write_bytes(b"")
    elif change == "ahead":
        block.unlink()
    elif change == "empty-block":
        block.write_bytes(b"")
        journal.block_path(folder, 0).write_bytes(b"")
    else:
        signer = Signer.of("another.example.com", PRIVATE)
    wanted = {"checkpoint": "malformed-note", "key": "other-log"}
    assert code(AuditLog, folder, signer, KEY) == wanted.get(change, "damaged")


def test_the_time_of_a_full_last_block_is_not_believed_unsigned(tmp_path: Path) -> None:
    """By the time of the last entry is known whether the clock may be wrong, and nothing is to be destroyed."""
    new_log(tmp_path / "log").append_all([opening(number) for number in range(256)])
    path = journal.block_path(tmp_path / "log", 0)
    *_, last, _ = journal.records(path.read_bytes())
    content = bytearray(path.read_bytes())
    content[last.offset + 5 + 2 + 1 + 3] ^= 1  # a byte of its time
    path.write_bytes(content)
    journal.block_path(tmp_path / "log", 1).touch()
    assert code(AuditLog, tmp_path / "log", SIGNER, KEY) == "damaged"


def test_a_log_that_changes_under_the_writer_is_refused(tmp_path: Path) -> None:
    log = new_log(tmp_path / "log")
    log.append(opening())
    path = journal.block_path(tmp_path / "log", 0)
    path.write_bytes(path.read_bytes()[:-1])
    (tmp_path / "log" / "checkpoint").write_bytes(b"")
    assert code(log.append, opening()) == "not-written"


def test_a_log_begins_in_a_folder_of_its_own(tmp_path: Path) -> None:
    assert code(AuditLog, tmp_path, SIGNER, KEY) == "not-found"
    (tmp_path / "other").write_text("x")
    assert code(AuditLog.create, tmp_path, SIGNER) == "exists"


def test_a_clock_that_goes_back(tmp_path: Path) -> None:
    clock = Clock()
    log = new_log(tmp_path / "log", clock)
    log.append(opening(0))
    clock.now -= 60 * 10**9  # a step of a clock that is kept by the network: the log's time stands still
    log.append(opening(1))
    clock.now -= 365 * DAY
    log.append(opening(2))
    log.append(opening(3))
    assert resources(tmp_path / "log") == ["0", "1", "clock", "2", "3"]
    remarks = sound(tmp_path / "log").remarks
    assert [one.code for one in remarks] == ["clock-set-back"]
    assert "365.0 days before entry 2" in remarks[0].message
    forged = AuditLog(tmp_path / "log", SIGNER, KEY, clock=Clock(START - 800 * DAY))
    forged._write = lambda edge, made: [forged._write_group(edge, made, 5) and 0]  # type: ignore[method-assign,func-returns-value,list-item]
    forged.append(opening(4))  # a writer that does not say so
    assert [one.code for one in verify_log(tmp_path / "log", ASKED).findings] == ["clock-set-back"]


def test_old_bodies_are_shredded_and_the_proofs_stay(tmp_path: Path) -> None:
    clock = Clock()
    folder = tmp_path / "log"
    log = new_log(folder, clock)
    log.append_all([opening(number) for number in range(300)])
    clock.now += 300 * DAY
    log.append(opening(300))
    clock.now += 80 * DAY
    log.append(opening(301))
    assert code(log.to_shred, YEAR - 1) == "too-soon"
    before = log.publish()
    old = log.to_shred(YEAR)
    assert [one.position for one in old] == list(range(300))
    log.shred(old, YEAR)
    log.shred(log.to_shred(YEAR), YEAR)  # nothing is left to do, and nothing is said
    assert resources(folder) == [*["shredded"] * 300, "300", "301", "shred"]
    report = verify_log(
        folder, VerifyOptions(SIGNER.key, KEY, noted=[("before", (folder / "checkpoint").read_bytes())])
    )
    assert report.findings == []
    assert report.bodies == {"opened": 2, "sealed": 0, "shredded": 300}
    assert before.size == 302
    assert log.append(opening(302)) == 303


def test_a_clock_that_is_wrong_shreds_nothing(tmp_path: Path) -> None:
    clock = Clock()
    log = new_log(tmp_path / "log", clock)
    assert log.to_shred(400 * DAY // 1_000_000) == []
    log.append(opening(0))
    clock.now += 400 * DAY
    assert code(log.to_shred, YEAR) == "clock"
    clock.now -= 500 * DAY
    assert code(log.to_shred, YEAR) == "clock"


def test_what_is_published_is_at_most_seconds_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The patch: ten seconds that need not be waited for."""
    log = new_log(tmp_path / "log")
    log.append(opening(0))
    assert signed_checkpoint((tmp_path / "log/checkpoint").read_bytes(), SIGNER.key).size == 1
    log.append(opening(1))
    assert signed_checkpoint((tmp_path / "log/checkpoint").read_bytes(), SIGNER.key).size == 1
    monkeypatch.setattr("review.audit.log._PUBLISHED_EVERY", 0.0)  # ten seconds, in which nothing comes
    log.append(opening(2))
    assert signed_checkpoint((tmp_path / "log/checkpoint").read_bytes(), SIGNER.key).size == 3


def test_a_block_in_the_middle_that_is_not_whole_is_not_read_over(tmp_path: Path) -> None:
    log = new_log(tmp_path / "log")
    log.append_all([opening(number) for number in range(600)])
    path = journal.block_path(tmp_path / "log", 1)
    path.write_bytes(path.read_bytes()[:-1])
    assert code(list, journal.groups(tmp_path / "log", SIGNER.key)) == "damaged"
    found = [one.position for group in journal.groups(tmp_path / "log", SIGNER.key, 515) for one in group.entries]
    assert found == list(range(515, 600))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can leave what others own")
def test_root_leaves_nothing_that_the_logs_owner_cannot_write(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    AuditLog.create(folder, SIGNER)
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, 1234, 1234)
    log = AuditLog(folder, SIGNER, KEY, clock=Clock())
    log.append_all([opening(number) for number in range(300)])
    log.publish()
    assert {path.stat().st_uid for path in folder.rglob("*")} == {1234}


def test_whatever_goes_wrong_nobody_waits_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The patch: an interrupt in the middle of a write, which cannot be timed."""
    log = new_log(tmp_path / "log")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(log, "_write_group", interrupted)
        with pytest.raises(KeyboardInterrupt):
            log.append(opening(0))
    assert log.append(opening(1)) == 0


def test_a_torn_end_that_is_longer_than_what_comes_after_it_is_cut_off(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    log = new_log(folder)
    log.append(opening(0))
    path = journal.block_path(folder, 0)
    acknowledged = path.read_bytes()
    log.append_all([opening(number) for number in range(1, 40)])
    path.write_bytes(path.read_bytes()[:-1])
    assert AuditLog(folder, SIGNER, KEY, clock=Clock()).append(opening(1)) == 2
    assert resources(folder) == ["0", "mended", "1"]
    assert path.read_bytes().startswith(acknowledged)
    assert [one.code for one in sound(folder).remarks] == ["mended"]
