"""The disks that tests and benches break: what a cut takes and leaves, that they fill up, that none is left mounted."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from testkit.disks import EXT4, FILE_SYSTEMS, MEGABYTE, CannotMount, Disk, FaultDidNotHappen, disk, sweep

NEEDS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="mounting a disk needs root")


@pytest.fixture(params=FILE_SYSTEMS)
def made(request: pytest.FixtureRequest) -> Iterator[Disk]:
    if os.geteuid() != 0:
        pytest.skip("mounting a disk needs root")
    try:
        with disk(request.param) as there:
            yield there
    except CannotMount as why:
        pytest.skip(str(why))


def mounted(where: Path) -> bool:
    return str(where) in Path("/proc/self/mounts").read_text("utf-8")


def test_a_cut_leaves_what_was_flushed_and_takes_the_rest(made: Disk) -> None:
    with (made.root / "flushed").open("wb") as file:
        file.write(b"promised")
        file.flush()
        os.fsync(file.fileno())
    folder = os.open(made.root, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
    (made.root / "careless").write_bytes(b"x" * MEGABYTE)
    made.cut_power()
    with pytest.raises(OSError, match="Input/output error"):
        (made.root / "later").write_bytes(b"too late")
    made.bring_back()
    assert (made.root / "flushed").read_bytes() == b"promised"
    careless = made.root / "careless"
    assert not careless.exists() or careless.read_bytes() != b"x" * MEGABYTE
    assert not (made.root / ".canary").exists()


def test_a_cut_that_takes_nothing_is_no_cut(made: Disk) -> None:
    (made.root / ".canary").write_bytes(b"x" * (MEGABYTE // 4))
    os.sync()
    with pytest.raises(FaultDidNotHappen):
        made.bring_back()


@NEEDS_ROOT
def test_a_full_disk_takes_nothing_until_there_is_room() -> None:
    with disk("tmpfs", size=4 * MEGABYTE) as there:
        there.fill(leave=MEGABYTE)
        assert MEGABYTE <= there.free < 2 * MEGABYTE
        there.fill()
        with pytest.raises(OSError, match="No space left"):
            (there.root / "more").write_bytes(b"x" * 8192)
        there.make_room()
        (there.root / "more").write_bytes(b"x" * MEGABYTE)


@NEEDS_ROOT
def test_without_inodes_there_is_room_and_no_file() -> None:
    with disk(EXT4, size=16 * MEGABYTE, inodes=64) as there:
        there.take_inodes()
        assert there.free > MEGABYTE
        with pytest.raises(OSError, match="No space left"):
            (there.root / "more").touch()
        there.make_room()
        (there.root / "more").touch()


@NEEDS_ROOT
def test_none_is_left_mounted_however_it_ends() -> None:
    def break_off() -> None:
        with disk("tmpfs") as there:
            roots.append(there.root)
            raise KeyboardInterrupt

    roots: list[Path] = []
    with pytest.raises(KeyboardInterrupt):
        break_off()
    assert not mounted(roots[0])
    assert not roots[0].parent.exists()


@NEEDS_ROOT
def test_what_a_killed_run_left_is_swept_and_nothing_else() -> None:
    child = "import os; from testkit.disks import disk; d = disk('tmpfs'); print(d.__enter__().root); os._exit(9)"
    died = subprocess.run([sys.executable, "-P", "-c", child], capture_output=True, text=True, check=False)
    left = Path(died.stdout.strip())
    assert mounted(left)
    with disk("tmpfs") as mine:  # sweeps before it mounts
        assert not mounted(left)
        assert not left.parent.exists()
        sweep()
        assert mounted(mine.root)
