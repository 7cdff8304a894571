"""Faults for tests: system calls that fail or kill, and disks that are soon full."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def strace(child: list[str], inject: str, log: Path, *more: str, trace: str = "") -> subprocess.CompletedProcess[str]:
    """A Python module (and its arguments) under strace, with a fault put into its system calls."""
    return subprocess.run(
        [
            *(program("strace"), "-f", "-y", "-o", str(log), *more),
            *("-e", f"trace={trace or inject.partition(':')[0]}", "-e", f"inject={inject}"),
            *(sys.executable, "-m", *child),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},  # Python's own caching would write and rename too
    )


@contextmanager
def small_disk(mount: Path, options: str) -> Iterator[Path]:
    """A tmpfs with these limits at `mount`."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small tmpfs needs root")
    mount.mkdir()
    small = ["-t", "tmpfs", "-o", options, "none", str(mount)]
    if subprocess.run([program("mount"), *small], capture_output=True, check=False).returncode != 0:
        pytest.skip("this root may not mount (a container?)")
    try:
        yield mount
    finally:
        subprocess.run([program("umount"), str(mount)], check=True)


def fill(disk: Path) -> Path:
    """A file that takes all the room there is on that disk; removed, there is room again."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (2**20, 4096):  # what is said to be free is not always to be had (btrfs)
            with contextlib.suppress(OSError):
                while file.write(bytes(size)):
                    os.fsync(file.fileno())
    assert shutil.disk_usage(disk).free < 4096
    return filler


class LoopDisk:
    """A small file system in a file, mounted at `mount`. ext4's power can be cut: what was not flushed is then gone."""

    _SHUTDOWN = 0x8004587D  # EXT4_IOC_SHUTDOWN, the same number as XFS' (linux/fs/ext4/ext4.h)
    _NO_LOG_FLUSH = struct.pack("I", 2)

    def __init__(self, folder: Path, kind: str = "ext4", *, size: int = 24 * 2**20) -> None:
        if os.geteuid() != 0:
            pytest.skip("mounting a disk image needs root")
        self.mount = folder / "disk"
        self.mount.mkdir()
        self._image = folder / "image"
        with self._image.open("wb") as image:
            image.truncate(size)
        subprocess.run([program(f"mkfs.{kind}"), "-q", str(self._image)], check=True)
        plugged = [program("mount"), "-o", "loop", str(self._image), str(self.mount)]
        if subprocess.run(plugged, capture_output=True, check=False).returncode != 0:
            pytest.skip("this root may not mount a disk image (a container?)")
        self._plugged = plugged

    def cut_power(self) -> None:
        """And bring it back: the file system is as a new boot would find it."""
        folder = os.open(self.mount, os.O_RDONLY)
        try:
            fcntl.ioctl(folder, self._SHUTDOWN, self._NO_LOG_FLUSH)
        finally:
            os.close(folder)
        self.unplug()
        subprocess.run(self._plugged, check=True)

    def unplug(self) -> None:
        subprocess.run([program("umount"), str(self.mount)], check=True)


def program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path
