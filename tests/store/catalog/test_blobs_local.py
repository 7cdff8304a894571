"""What a local folder promises beyond the contract: the order of system calls, nothing half-written, a clean start."""

from __future__ import annotations

import errno
import os
import stat
import sys
import threading
from pathlib import Path
from uuid import UUID

import pytest

from store.catalog import blobs as module
from store.catalog.blobs import STALE, BlobFault, LocalBlobs, sealed_name


@pytest.fixture
def blobs(tmp_path: Path) -> LocalBlobs:
    made = LocalBlobs(tmp_path / "blobs")
    made.prepare()
    return made


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_bytes_are_synced_before_the_rename_and_the_folder_after_it(
    blobs: LocalBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    fsync, replace, here = os.fsync, os.replace, threading.get_ident()

    def note(call: str) -> None:
        if threading.get_ident() == here:  # a thread that another test's log has left may write its last lines
            calls.append(call)

    def spy_fsync(descriptor: int) -> None:
        note("fsync folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "fsync file")
        fsync(descriptor)

    def spy_replace(source: str, target: str) -> None:
        note("rename")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", spy_fsync)
    monkeypatch.setattr(os, "replace", spy_replace)
    blobs.put("ab/one", b"body")
    assert calls == ["fsync folder", "fsync file", "rename", "fsync folder"]  # the first is for the new folder itself
    calls.clear()
    blobs.put("ab/two", b"body")
    assert calls == ["fsync file", "rename", "fsync folder"]


@pytest.mark.parametrize(("number", "full"), [(errno.EIO, False), (errno.ENOSPC, True)])
def test_a_failing_disk_leaves_nothing_and_says_whether_it_is_full(
    blobs: LocalBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, full: bool
) -> None:
    real = os.fsync

    def fail(descriptor: int) -> None:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(BlobFault) as caught:
        blobs.put("ab/one", b"body")
    assert caught.value.full is full
    assert files(tmp_path / "blobs") == []
    monkeypatch.setattr(os, "fsync", real)
    blobs.put("ab/one", b"body")
    assert blobs.get("ab/one") == b"body"


def test_a_start_sweeps_old_leftovers_and_spares_young_ones(tmp_path: Path) -> None:
    blobs = LocalBlobs(tmp_path / "blobs")
    blobs.prepare()
    old, young = (tmp_path / "blobs" / ".incoming" / name for name in ("old", "young"))
    old.write_bytes(b"half")
    young.write_bytes(b"half")
    long_ago = young.stat().st_mtime - STALE - 1
    os.utime(old, (long_ago, long_ago))
    LocalBlobs(tmp_path / "blobs").prepare()
    assert files(tmp_path / "blobs") == [".incoming/young"]
    assert list(blobs.names()) == []


def test_a_file_where_the_folder_should_be_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "blobs").write_bytes(b"")
    with pytest.raises(BlobFault, match="blob folder"):
        LocalBlobs(tmp_path / "blobs").prepare()


def test_folders_are_closed_to_others(blobs: LocalBlobs, tmp_path: Path) -> None:
    blobs.put("ab/cd/one", b"body")
    for folder in ("blobs/ab", "blobs/ab/cd", "blobs/.incoming"):
        assert stat.S_IMODE((tmp_path / folder).stat().st_mode) == 0o700


def test_the_name_of_sealed_bytes() -> None:
    recording = UUID("0193a1b2-0000-7000-8000-0000000000fe")
    assert module.check_name(sealed_name(recording, 0xFFFF, 2**63 - 1, "0" * 64)) == (
        f"fe/{recording}/65535-9223372036854775807-{'0' * 64}"
    )


def test_what_comes_with_every_chunk_leaves_no_name_in_the_interpreters_table(
    blobs: LocalBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A `Path` interns each part of its name for the whole process; a server that runs for months would pay for it."""
    blobs.put("ab/one", b"body")  # the folder is new
    interned: list[str] = []
    monkeypatch.setattr(sys, "intern", lambda name: interned.append(name) or name)
    blobs.put("ab/two", b"body")
    assert blobs.size("ab/two") == 4
    assert blobs.get("ab/two") == b"body"
    assert interned == []
    blobs.remove("ab/two")  # for what was refused
    assert "two" in interned


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files in a folder")
@pytest.mark.parametrize("what", ["pipe", "endless", "huge"])
def test_what_is_no_blob_keeps_no_reader_waiting_and_fills_no_memory(
    blobs: LocalBlobs, tmp_path: Path, what: str
) -> None:
    """Who may write to the disk could hang `verify`, or have it end for want of memory."""
    blobs.put("aa/bb/cc", b"body")
    [place] = tmp_path.rglob("cc")
    place.unlink()
    if what == "pipe":
        os.mkfifo(place)
    elif what == "endless":
        place.symlink_to("/dev/zero")
    else:
        place.touch()
        os.truncate(place, 2**40)
    with pytest.raises(BlobFault, match="none of its files"):
        blobs.get("aa/bb/cc")


def test_what_is_shredded_is_overwritten_where_it_lies_and_nothing_else_is(tmp_path: Path) -> None:
    blobs = LocalBlobs(tmp_path / "blobs")
    blobs.prepare()
    blobs.put("ab/one", b"secret")
    (tmp_path / "same").hardlink_to(tmp_path / "blobs" / "ab" / "one")  # the bytes on the disk, by another name
    (tmp_path / "kept").write_bytes(b"another's")
    (tmp_path / "blobs" / "ab" / "link").symlink_to(tmp_path / "kept")
    os.mkfifo(tmp_path / "blobs" / "ab" / "pipe")
    with pytest.raises(BlobFault, match="is a link, so what it leads to would stay"):
        blobs.shred("ab/link")
    assert (tmp_path / "kept").read_bytes() == b"another's"
    (tmp_path / "kept").unlink()
    for name in ("one", "link", "pipe"):
        blobs.shred(f"ab/{name}")
    assert (tmp_path / "same").read_bytes() == bytes(6)
    assert list((tmp_path / "blobs" / "ab").iterdir()) == []


@pytest.mark.parametrize("prefix", ["", "ab/one/"])
def test_a_folder_that_cannot_be_listed_is_a_fault_and_not_an_empty_one(
    blobs: LocalBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prefix: str
) -> None:
    blobs.put("ab/one/body", b"body")
    real = os.scandir

    def scandir(path: str | Path = ".") -> object:
        if str(path).rstrip("/") == str(tmp_path / "blobs" / "ab" / "one"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)  # root may list every folder
    with pytest.raises(BlobFault, match="cannot list"):
        list(blobs.names(prefix))


def test_all_that_lies_in_a_recordings_folder_is_named_to_be_destroyed(blobs: LocalBlobs, tmp_path: Path) -> None:
    """As rsync and editors leave copies of a key packet."""
    recording = UUID("0193a1b2-0000-7000-8000-0000000000fe")
    name, folder = sealed_name(recording, 0xFFFF, 0, "0" * 64), tmp_path / "blobs" / module.folder_of(recording)
    blobs.put(name, b"packet")
    file = name.rpartition("/")[2]
    left = (f".{file}.AbC123", f".rsync-partial/{file}", f"{file}~", "Thumbs.db")
    (folder / ".rsync-partial").mkdir()
    for number, one in enumerate(left):
        (folder / one).write_bytes(b"packet")
        (tmp_path / f"same{number}").hardlink_to(folder / one)
    (tmp_path / "elsewhere").mkdir()
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    found = list(blobs.names(module.folder_of(recording)))
    assert sorted(found) == sorted(f"{module.folder_of(recording)}{one}" for one in (file, "link", *left))
    assert list(blobs.names(module.packets_of(recording))) == [name]
    for one in found:
        if one.endswith("link"):
            with pytest.raises(BlobFault, match="is a link"):
                blobs.shred(one)
        else:
            blobs.remove(one)
    for number in range(len(left)):
        assert (tmp_path / f"same{number}").read_bytes() == bytes(6)
    for outside in ("../../same0", ".rsync-partial/../../../../same0", "", "./x"):
        with pytest.raises(ValueError, match="a blob's name"):
            blobs.remove(module.folder_of(recording) + outside)


def test_what_no_blob_can_be_called_is_none(blobs: LocalBlobs, tmp_path: Path) -> None:
    blobs.put("ab/one", b"body")
    for stray in (".nfs01", "Thumbs.db"):  # as file servers and desktops leave them
        (tmp_path / "blobs" / "ab" / stray).touch()
    assert list(blobs.names("ab/")) == ["ab/one"]
