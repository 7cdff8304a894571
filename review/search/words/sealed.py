"""Encrypted SQLite files of the index: opened with the key, errors as what a person can do about them.

Each page is encrypted and authenticated (ChaCha20-Poly1305), in the file and in the WAL; nothing is kept in temporary
files. What SQLite says of an error is dropped: it may quote the query.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import apsw

from review.search.words.model import WordsUnusable

CACHE: Final = 20_000  # KiB of pages of one connection
BUSY: Final = 10_000  # ms that one waits for another's write
READERS: Final = 1_000  # ms that an erasure waits until no reader needs old pages: a search takes less
_IDLE: Final = 2  # connections that are kept open

Prepare = Callable[[apsw.Connection], None]


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Raises WordsUnusable for what SQLite and the system raise."""
    try:
        yield
    except OSError as error:
        raise WordsUnusable("unreachable", f"{path}: {error.strerror}: look at the folder") from None
    except apsw.Error as error:
        code, says = _why(error)
        raise WordsUnusable(code, f"{path}: {says}") from None


def _why(error: apsw.Error) -> tuple[str, str]:
    if isinstance(error, apsw.FullError):
        return "full", "the disk is full: make room, then add again; what was acknowledged is there"
    if isinstance(error, apsw.BusyError | apsw.LockedError):
        return "busy", "another process has been writing for too long: try again"
    if isinstance(error, apsw.CantOpenError | apsw.PermissionsError | apsw.ReadOnlyError):
        return "unreachable", "cannot be opened or written: look at the folder's owner and mode"
    if isinstance(error, apsw.NotADBError | apsw.CorruptError | apsw.IOError):
        return "damaged", "damaged, or written with another key: give its key, or remove the file and rebuild it"
    return "damaged", "cannot be used: remove the file and rebuild it"


def rows(connection: apsw.Connection, asked: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    return connection.execute(asked, values).fetchall()


class Sealed:
    """One file. `key`: 32 bytes. `prepare`: what makes its tables, and what each connection needs."""

    def __init__(self, path: Path, key: bytes, prepare: Prepare) -> None:
        if len(key) != 32:
            raise WordsUnusable("bad-key", "the index's key is 32 bytes")
        self.path, self._key, self._prepare = path, key, prepare
        self._idle: list[apsw.Connection] = []
        self._lock = threading.Lock()

    def _open(self, patience: int = BUSY) -> apsw.Connection:
        self.path.touch(0o600)
        connection = apsw.Connection(str(self.path))
        try:
            connection.set_busy_timeout(patience)
            connection.pragma("cipher", "chacha20")
            connection.pragma("key", f"raw:{self._key.hex()}")
            connection.pragma("temp_store", 2)  # memory: a temporary file would be in the clear
            connection.pragma("cache_size", -CACHE)
            connection.pragma("secure_delete", 1)
            connection.pragma("journal_mode", "wal")
            connection.pragma("synchronous", 2)
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    @contextmanager
    def reading(self) -> Iterator[apsw.Connection]:
        """One state of the file throughout."""
        with explained(self.path):
            with self._lock:
                connection = self._idle.pop() if self._idle else None
            connection = connection or self._open()
            try:
                with _transaction(connection, "begin"):
                    yield connection
            except BaseException:
                connection.close()
                raise
            with self._lock:
                if len(self._idle) < _IDLE:
                    self._idle.append(connection)
                    return
            connection.close()

    @contextmanager
    def writing(self) -> Iterator[apsw.Connection]:
        """All of it durable, or nothing."""
        with explained(self.path):
            connection = self._open()
            try:
                with _transaction(connection, "begin immediate"):
                    yield connection
            finally:
                connection.close()

    def emptied(self) -> bool:
        """The WAL goes into the file and is cut to nothing: pages from before an erasure go with it. False where a
        reader still needs them."""
        with explained(self.path):
            with self._lock:
                idle, self._idle = self._idle, []
            for one in idle:
                one.close()
            connection = self._open(READERS)
            try:
                connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
            except apsw.BusyError:
                return False
            finally:
                connection.close()
        return True

    @property
    def has_wal(self) -> bool:
        wal = self.path.with_name(f"{self.path.name}-wal")
        return wal.exists() and wal.stat().st_size > 0

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for one in idle:
            one.close()


@contextmanager
def _transaction(connection: apsw.Connection, begin: str) -> Iterator[None]:
    connection.execute(begin)
    try:
        yield
        connection.execute("commit")
    except BaseException:
        with suppress(apsw.Error):  # SQLite has rolled it back where it was the disk
            connection.execute("rollback")
        raise
