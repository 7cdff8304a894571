"""Where sealed bytes lie. A receipt is signed for what `put` has made durable, so this file promises durability.

No library does: object stores' local back ends do not call fsync (measured: every acknowledged object damaged after a
simulated power loss; docs/decisions/0003).
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol
from uuid import UUID

from protocol.envelope import KEY_PACKET_STREAM, MAX_SEALED
from store.files import is_full, sync_folder, write_all, write_new

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*")
_SHARD: Final = re.compile(r"[0-9a-f]{2}")
_OF_RECORDING: Final = re.compile(r"[0-9a-f]{2}/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/")  # see folder_of
_SEALED: Final = re.compile(rf"{_OF_RECORDING.pattern}[0-9]{{5}}-[0-9]{{10,20}}-[0-9a-f]{{64}}")
_READING: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_OVERWRITING: Final = (
    os.O_WRONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
)
_INCOMING: Final = ".incoming"  # no blob's name begins with a dot
_REMEMBERED: Final = 8_192  # folders, of some 230 bytes; one is made for every recording
_UNFINISHED: Final = re.compile(rf"{re.escape(_INCOMING)}/[0-9a-f]{{32}}")
_BEGINNING: Final = 65_536  # bytes of an unfinished body that are read
STALE: Final = 3600.0  # seconds after which a leftover of a crash is swept


class BlobFault(Exception):
    """The bytes could not be made durable or read. `full`: no room is left."""

    def __init__(self, message: str, *, full: bool = False) -> None:
        super().__init__(message)
        self.full = full


class BlobMissing(Exception):
    """There is no blob of that name."""


class BlobStore(Protocol):
    """Named bytes. Safe from any thread. Callers put the content's SHA-256 into the name, so a name means one content.

    `names` are lower-case words of `a-z 0-9 . _ -` with slashes between.
    """

    def put(self, name: str, body: bytes) -> None:
        """Durable when it returns; a reader sees the whole of it or nothing. Heals a damaged blob of the same name.

        Raises BlobFault; then nothing of it lies under the name that did not lie there before.
        """

    def get(self, name: str) -> bytes:
        """All of it; of what no sealed body can be, a byte more than the largest. Raises BlobMissing, BlobFault."""

    def size(self, name: str) -> int:
        """Bytes, without reading them. Raises BlobMissing."""

    def names(self, prefix: str = "") -> Iterator[str]:
        """All names that begin with the prefix, sorted. Raises BlobFault where one cannot be known.

        Of `folder_of` also what is no blob's name, for `remove` and `shred` alone: what copies a store leaves parts of
        a key packet there, or all of it.
        """

    def recordings(self) -> Iterator[UUID]:
        """Those that have a folder (`folder_of`), in the order of their ids' ends; of an erased one it may be empty.
        Raises BlobFault."""

    def unfinished(self) -> Iterator[tuple[str, bytes]]:
        """Of each body that `put` is writing, or that a killed process left of one: its name, for `shred` alone, and
        how it begins. Raises BlobFault."""

    def remove(self, name: str) -> None:
        """Durable when it returns; removing what is not there is no mistake."""

    def shred(self, name: str) -> None:
        """As `remove`, and what lay there is overwritten before, as far as the disk does that in place."""


_BLOCK: Final = 4096  # bytes


def charged(size: int) -> int:
    """What a body of so many bytes counts as: on a disk it takes a block and an inode, however small it is."""
    return max(size, _BLOCK)


def folder_of(recording: UUID) -> str:
    """What the names of all that is sealed of a recording begin with."""
    return f"{recording.hex[-2:]}/{recording}/"


def packets_of(recording: UUID) -> str:
    """What the names of its key packets begin with."""
    return f"{folder_of(recording)}{KEY_PACKET_STREAM:05d}-"


def is_sealed(name: str) -> bool:
    """Whether it can be one of `sealed_name`: what copying programs leave in a recording's folder has others."""
    return _SEALED.fullmatch(name) is not None


def sealed_name(recording: UUID, stream: int, sequence: int, sha256: str) -> str:
    """Name of a sealed object's bytes: a folder for each recording, spread over 256 folders (UUIDv7 ends in chance)."""
    return f"{folder_of(recording)}{stream:05d}-{sequence:010d}-{sha256}"


def check_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError("a blob's name is lower-case words of a-z 0-9 . _ - with slashes between")
    return name


class LocalBlobs:
    """A folder on a local disk: temporary file, fsync, rename, fsync of the folder.

    What comes with every chunk has its places as plain text. A `Path` interns each of its parts for the whole process
    (CPython 3.11), and the table of those grew by 1.9 MB in the heap of one thread after the other.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._incoming = root / _INCOMING
        self._durable: set[str] = {str(root)}  # folders whose own entry is known to be on disk

    def prepare(self) -> None:
        """Make the folder, and sweep what a crash left half-written. Raises BlobFault."""
        try:
            for folder in (self._root, self._incoming):
                folder.mkdir(exist_ok=True, mode=0o700)
            for leftover in self._incoming.iterdir():
                # Another server on the same folder may be writing the young ones.
                if time.time() - leftover.stat().st_mtime > STALE:
                    leftover.unlink(missing_ok=True)
        except OSError as error:
            raise _fault("prepare", error) from error

    def put(self, name: str, body: bytes) -> None:
        target = self._place(name)
        folder = os.path.dirname(target)
        incoming = os.path.join(self._incoming, secrets.token_hex(16))
        try:
            self._make_folder(folder)
            try:
                write_new(incoming, body)
                os.replace(incoming, target)
            except OSError:
                # After a failed fsync the same file may not be tried again: the next fsync can succeed without the
                # bytes being on disk (fsync(2), "fsyncgate"). A retry writes a new one.
                with suppress(FileNotFoundError):
                    os.unlink(incoming)
                raise
            sync_folder(folder)
        except OSError as error:
            raise _fault("write", error) from error

    def get(self, name: str) -> bytes:
        try:
            return _read(self._place(name))
        except FileNotFoundError:
            raise BlobMissing(name) from None
        except OSError as error:
            raise _fault("read", error) from error

    def size(self, name: str) -> int:
        try:
            return os.stat(self._place(name)).st_size
        except FileNotFoundError:
            raise BlobMissing(name) from None
        except OSError as error:
            raise _fault("read", error) from error

    def names(self, prefix: str = "") -> Iterator[str]:
        # `Path.rglob` leaves out what it may not list (CPython 3.11): what lies there would be taken for destroyed.
        found = (
            os.path.relpath(os.path.join(folder, file), self._root).replace(os.sep, "/")
            for folder, folders, files in os.walk(self._root / os.path.dirname(prefix), onerror=_unlisted)
            for file in [*files, *(one for one in folders if os.path.islink(os.path.join(folder, one)))]
        )
        # Half-written ones and what file servers and desktops leave behind (.nfs01, Thumbs.db) have no blob's name.
        every = _OF_RECORDING.fullmatch(prefix) is not None
        yield from sorted(name for name in found if name.startswith(prefix) and (every or _NAME.fullmatch(name)))

    def recordings(self) -> Iterator[UUID]:
        try:
            for shard in sorted(os.listdir(self._root)):
                if _SHARD.fullmatch(shard):
                    for name in sorted(os.listdir(os.path.join(self._root, shard))):
                        if _OF_RECORDING.fullmatch(f"{shard}/{name}/"):
                            yield UUID(name)
        except OSError as error:
            raise _fault("list", error) from error

    def unfinished(self) -> Iterator[tuple[str, bytes]]:
        try:
            for file in sorted(os.listdir(self._incoming)):
                if _UNFINISHED.fullmatch(name := f"{_INCOMING}/{file}"):
                    with suppress(FileNotFoundError):  # finished meanwhile
                        yield name, _read(os.path.join(self._incoming, file), _BEGINNING)
        except FileNotFoundError:
            return
        except OSError as error:
            raise _fault("list", error) from error

    def remove(self, name: str) -> None:
        if _is_left_over(name):
            self.shred(name)  # it may be a copy of a key packet
        else:
            _unlink(Path(self._place(name)))

    def shred(self, name: str) -> None:
        known = _UNFINISHED.fullmatch(name) or _is_left_over(name)
        shred_file(os.path.join(self._root, name) if known else self._place(name))

    def _place(self, name: str) -> str:
        return os.path.join(self._root, check_name(name))

    def _make_folder(self, folder: str) -> None:
        if folder in self._durable:
            return
        above = os.path.dirname(folder)
        self._make_folder(above)
        with suppress(FileExistsError):
            os.mkdir(folder, mode=0o700)
        sync_folder(above)
        if len(self._durable) >= _REMEMBERED:
            self._durable = {str(self._root)}  # the others are made durable once more
        self._durable.add(folder)


def shred_file(place: str | Path) -> bool:
    """Overwritten in place, and then durably gone; whether there was any. Raises BlobFault: also for a link to a file,
    which is neither destroyed (it could be anybody's) nor passed over.
    """
    try:
        opened = os.open(place, _OVERWRITING)
        try:
            found = os.fstat(opened)
            if stat.S_ISREG(found.st_mode):
                write_all(opened, bytes(found.st_size))
                os.fsync(opened)
        finally:
            os.close(opened)
    except FileNotFoundError:
        return False
    except OSError as error:
        if error.errno == errno.ELOOP and os.path.exists(place):
            message = f"{place} is a link, so what it leads to would stay: destroy that by hand, and remove the link"
            raise BlobFault(message) from None
        if error.errno not in {errno.ELOOP, errno.ENXIO, errno.EISDIR}:  # a link, a pipe, a folder: none of ours
            raise _fault("overwrite", error) from error
    _unlink(Path(place))
    return True


def _unlink(target: Path) -> None:
    try:
        target.unlink(missing_ok=True)
        if target.parent.is_dir():
            sync_folder(target.parent)
    except OSError as error:
        raise _fault("remove", error) from error


def _is_left_over(name: str) -> bool:
    """Whether it lies in a recording's folder and has no blob's name."""
    parts = name.split("/")
    return bool(_OF_RECORDING.match(name)) and not {"", ".", ".."} & {*parts} and not _NAME.fullmatch(name)


def _read(place: str, most: int = MAX_SEALED) -> bytes:
    """Someone with the disk can put a pipe there, which never ends, or more than there is memory for."""
    descriptor = os.open(place, _READING)
    try:
        found = os.fstat(descriptor)
        if stat.S_ISDIR(found.st_mode):
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_SEALED:
            raise OSError(0, "what lies there is none of its files")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(most)
    finally:
        os.close(descriptor)


def _unlisted(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):  # nothing is there, or no longer
        raise _fault("list", error) from error


def _fault(verb: str, error: OSError) -> BlobFault:
    words = f"cannot {verb} in the blob folder: {error.strerror or type(error).__name__}"
    return BlobFault(words, full=is_full(error))
