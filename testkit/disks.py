"""Disks of our own that can lose their power, fill up, or run out of inodes, while a real process writes to them.

A disk is an image in a file, mounted through a loop device, or a tmpfs. Cutting its power is the file system's own
shutdown without flushing its log (EXT4_IOC_SHUTDOWN, XFS_IOC_GOINGDOWN): from then on every call fails with EIO, and
the next mount finds what had been flushed and nothing else. That a cut has really taken something is seen by a canary,
written just before it and not flushed.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from testkit.stage import StageError

EXT4: Final = "ext4"
XFS: Final = "xfs"
BTRFS: Final = "btrfs"  # for want of room alone: it cannot be shut down
FILE_SYSTEMS: Final = (EXT4, XFS)
MEGABYTE: Final = 2**20
SIZE: Final = {EXT4: 256 * MEGABYTE, XFS: 320 * MEGABYTE}  # mkfs.xfs takes nothing below 300 MB; the images are sparse

_PREFIX: Final = "eyelid-disk-"  # and the id of the process whose disks they are, so that a later one can sweep
_OURS: Final = re.compile(rf"/{_PREFIX}(\d+)-[^/]+/")
_SHUTDOWN: Final = 0x8004587D  # the same number in linux/fs/ext4/ext4.h and linux/fs/xfs/libxfs/xfs_fs.h
_NO_LOG_FLUSH: Final = struct.pack("I", 2)
_CANARY: Final = ".canary"


class CannotMount(StageError):
    """This machine does not let us mount disks: what needs them is skipped, with this reason."""


class FaultDidNotHappen(StageError):
    """The disk did not do what was asked of it, so that nothing is proven."""


class Disk:
    """A mounted disk. `root`: where. `home`: a folder on it for what is tested."""

    def __init__(self, folder: Path, mount: Sequence[str]) -> None:
        self.root = folder / "disk"
        self._mount = [*mount, str(self.root)]
        self._ballast = self.root / ".ballast"
        self.root.mkdir()
        mounted = _run(self._mount)
        if mounted.returncode:
            raise CannotMount(f"this user may not mount a disk here (a container?): {mounted.stderr.strip()}")

    @property
    def home(self) -> Path:
        return self.root / "home"

    # -- power ----------------------------------------------------------------------------------------------------

    def cut_power(self) -> None:
        """Everything that was not flushed is gone; a process that still writes gets EIO."""
        (self.root / _CANARY).write_bytes(os.urandom(MEGABYTE // 4))
        folder = os.open(self.root, os.O_RDONLY)
        try:
            fcntl.ioctl(folder, _SHUTDOWN, _NO_LOG_FLUSH)
        finally:
            os.close(folder)

    def bring_back(self) -> None:
        """As a new boot finds it. No file of it may be open. Raises FaultDidNotHappen if nothing was lost."""
        self.unplug()
        _must(self._mount)
        canary = self.root / _CANARY
        try:
            kept = canary.exists() and canary.stat().st_size == MEGABYTE // 4 and canary.read_bytes().strip(b"\0")
        except OSError as failure:
            raise StageError(
                f"the disk is still without power after it was mounted anew ({failure.strerror}): another mount "
                "namespace may hold it, such as a service that was started meanwhile; play the case again"
            ) from failure
        if kept:
            raise FaultDidNotHappen("the power was cut and the disk kept what was never flushed")
        canary.unlink(missing_ok=True)

    def unplug(self) -> None:
        _must(["umount", str(self.root)])

    # -- room -----------------------------------------------------------------------------------------------------

    @property
    def free(self) -> int:
        return shutil.disk_usage(self.root).free

    def fill(self, leave: int = 0) -> None:
        """Take all room but `leave` bytes, as another program would."""
        with self._ballast.open("ab", buffering=0) as ballast:
            for size in (MEGABYTE, 4096):
                with suppress(OSError):  # btrfs has no room for a large piece long before it has none for a small one
                    while self.free - leave >= size:
                        ballast.write(bytes(size))
                        os.fsync(ballast.fileno())
            if not leave:
                with suppress(OSError):
                    while ballast.write(bytes(512)):
                        os.fsync(ballast.fileno())

    def take_inodes(self, leave: int = 0) -> None:
        """Take every inode but `leave`: of none no file can be made any more, however much room there is."""
        folder = self.root / ".many"
        folder.mkdir(exist_ok=True)
        before = len(list(folder.iterdir()))
        with suppress(OSError):
            for number in range(before, before + 10**6):
                if leave and os.statvfs(self.root).f_favail <= leave:
                    break
                (folder / str(number)).touch()
        if os.statvfs(self.root).f_favail > leave:
            raise FaultDidNotHappen(f"more than {leave} inodes are left on a disk that should have no more")

    def make_room(self) -> None:
        self._ballast.unlink(missing_ok=True)
        shutil.rmtree(self.root / ".many", ignore_errors=True)


@contextmanager
def disk(kind: str, *, size: int | None = None, inodes: int | None = None) -> Iterator[Disk]:
    """A disk of FILE_SYSTEMS, BTRFS or "tmpfs", of `size` bytes; unmounted and removed however the block ends.

    Raises CannotMount, with a reason for people, where this machine cannot do it.
    """
    if os.geteuid() != 0:
        raise CannotMount("mounting disks to break needs root")
    sweep()
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
    try:
        made = Disk(folder, _mount_of(kind, folder, size, inodes))
        try:
            yield made
        finally:
            # Lazily where somebody still has a file open: it goes with them, and its loop device too.
            if _run(["umount", str(made.root)]).returncode:
                _run(["umount", "--lazy", str(made.root)])
    finally:
        with suppress(OSError):
            shutil.rmtree(folder)


def _mount_of(kind: str, folder: Path, size: int | None, inodes: int | None) -> list[str]:
    if kind == "tmpfs":
        limits = [f"size={size or 64 * MEGABYTE}", *([f"nr_inodes={inodes}"] if inodes else [])]
        return ["mount", "-t", "tmpfs", "-o", ",".join(limits), "none"]
    tool = shutil.which(f"mkfs.{kind}")
    if tool is None:
        raise CannotMount(f"mkfs.{kind} is not on this machine; scripts/setup installs it")
    image = folder / "image"
    with image.open("wb") as file:
        file.truncate(size or SIZE[kind])
    _must([tool, "-q", *(["-N", str(inodes)] if inodes else []), str(image)])
    # The loop device goes with the mount: that is what `-o loop` asks for.
    return ["mount", "-t", kind, "-o", "loop", str(image)]


def sweep() -> list[str]:
    """Unmount what runs that were killed have left, and remove it; the folders that were swept."""
    swept = []
    for line in Path("/proc/self/mounts").read_text("utf-8").splitlines():
        where = line.split(" ")[1]
        ours = _OURS.search(where)
        if ours and not Path(f"/proc/{ours[1]}").exists():
            if _run(["umount", where]).returncode:
                _run(["umount", "--lazy", where])
            swept.append(where)
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"):
        owner = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists():
            shutil.rmtree(folder, ignore_errors=True)
    return swept


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise CannotMount(f"{command[0]} is not on this machine") from None


def _must(command: Sequence[str]) -> None:
    ran = _run(command)
    if ran.returncode:
        raise StageError(f"`{' '.join(command)}` failed: {ran.stderr.strip()}")
