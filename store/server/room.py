"""How much is stored: a floor of free space that chunks leave to the catalog, and quotas of a PC and of a group.

A disk also ends where its inodes do: they have a floor like that of bytes, and a small chunk counts as a whole block.

The account goes on below the floor, down to a quarter of it; what is left then is the operator's, as for `revoke`.
Quotas are kept in memory and written with each chunk's row, so that no chunk asks the catalog how much there is.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, Final

from sqlalchemy import Connection, case, select

from protocol.system import ON_WINDOWS
from store.catalog import inserting, schema
from store.catalog.alarms import add_alarm, open_alarm_rows
from store.catalog.database import Database
from store.clock import SECOND, Clock
from store.errors import Refusal

OVER_QUOTA: Final = "over-quota"  # also the code of its alarm
DAY: Final = 86_400 * SECOND
ACCOUNT_A_DAY: Final = 256 * 10**6  # bytes of one PC's ledger and policies' texts; a busy one has some 20 MB
_FLOOR: Final = 10**9  # bytes, or on a smaller disk
_FLOOR_SHARE: Final = 20  # the 20th part of it
_FLOOR_FILES: Final = 10_000  # inodes, or on a disk with few the same part of them
_FILES_EACH: Final = 3  # of a chunk at most: itself and, of a recording's first, two folders
_RECOUNT: Final = 60 * SECOND
_AGAIN: Final = 60  # seconds; longer would keep its health waiting, too


@dataclass(frozen=True, slots=True)
class Quota:
    """Bytes; None is no limit."""

    day: int | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """`group`: of each group that `groups` does not name. `keep_free`: bytes; None is the default."""

    device: Quota = Quota(day=50 * 10**9)
    group: Quota = Quota()
    groups: Mapping[str, Quota] = field(default_factory=dict)
    keep_free: int | None = None


# -- free space ---------------------------------------------------------------------------------------------------


class Room:
    """The free space of the disks that the folders lie on. From any thread."""

    def __init__(self, folders: Sequence[Path], keep_free: int | None = None) -> None:
        self._folders = folders
        self._keep_free = keep_free
        self._lock = Lock()
        self._coming = self._files_coming = 0  # are being written now, and may not be counted as taken yet

    def check(self, size: int = 0, *, account: bool = False) -> None:
        """Refusals: 507 store-full."""
        files = 0 if account else _FILES_EACH  # the catalog is one file
        if not self._has(size + self._coming, files + self._files_coming, 4 if account else 1):
            raise Refusal(507, "store-full", "the store has no room left: send it again later", retry_after=_AGAIN)

    @contextmanager
    def writing(self, size: int) -> Iterator[None]:
        """While a chunk is written. Refusals: 507 store-full."""
        with self._lock:
            self.check(size)
            self._coming += size
            self._files_coming += _FILES_EACH
        try:
            yield
        finally:
            with self._lock:
                self._coming -= size
                self._files_coming -= _FILES_EACH

    @property
    def is_full(self) -> bool:
        """Whether chunks are refused."""
        return not self._has(0, _FILES_EACH, 1)

    def _has(self, size: int, files: int, part: int) -> bool:
        for folder in self._folders:
            usage = shutil.disk_usage(folder)
            floor = min(_FLOOR, usage.total // _FLOOR_SHARE) if self._keep_free is None else self._keep_free
            if usage.free - size < floor // part:
                return False
            left, of_all = inodes(folder)
            if of_all and left - files < min(_FLOOR_FILES, of_all // _FLOOR_SHARE) // part:
                return False
        return True


def inodes(folder: Path) -> tuple[int, int]:
    """Those that the disk has left, and has in all: 0 where it does not count them, as btrfs and Windows."""
    if ON_WINDOWS:
        return 0, 0
    disk = os.statvfs(folder)
    return disk.f_favail, disk.f_files


# -- quotas -------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Stored:
    """`today`: bytes since the beginning of `day`, days since 1970 by the store's clock."""

    total: int = 0
    day: int = 0
    today: int = 0

    def add(self, size: int, day: int) -> None:
        self.on(day)
        self.total += size
        self.today = max(0, self.today + size)  # what is given back may be of yesterday

    def on(self, day: int) -> None:
        if day != self.day:
            self.day, self.today = day, 0

    def exceeds(self, quota: Quota, size: int) -> bool:
        day, total = quota.day, quota.total
        return (day is not None and self.today + size > day) or (total is not None and self.total + size > total)


class Quotas:
    """What each PC and group has stored, as far as this process and those before it have seen. From any thread."""

    def __init__(self, limits: Limits, database: Database, clock: Clock) -> None:
        self._limits = limits
        self._database = database
        self._clock = clock
        self._lock = Lock()
        self._of_device: dict[str, tuple[str, _Stored]] = {}  # with its group
        self._of_group: dict[str, _Stored] = {}
        self._accounts: dict[str, _Stored] = {}
        self._reported: dict[str, int] = {}  # device -> the day of its last alarm
        self._recounted: dict[tuple[str, str], int] = {}  # (device, "") or ("", group) -> when the catalog was asked
        with database.reading() as connection:
            self._read(connection)

    def reserve(self, device: str, size: int) -> None:
        """Before a chunk of so many bytes is written. Refusals: 507 over-quota."""
        self._know(device)
        over = self._take(device, size)
        if over is not None and self._recount(*over):
            over = self._take(device, size)
        if over is not None:
            raise _over("this PC" if over[0] else "this PC's group")

    def _take(self, device: str, size: int) -> tuple[str, str] | None:
        """The device (device, "") or the group ("", group) that would be over its quota; None where it is reserved."""
        day = self._clock() // DAY
        with self._lock:
            group, own = self._of_device[device]
            whole = self._of_group.setdefault(group, _Stored())
            for stored in (own, whole):
                stored.on(day)
            if own.exceeds(self._limits.device, size):
                return device, ""
            if group and whole.exceeds(self._limits.groups.get(group, self._limits.group), size):
                return "", group
            own.add(size, day)
            whole.add(size, day)
        return None

    def _recount(self, device: str, group: str) -> bool:
        """Whether the catalog was asked: another process erases. Not at every refused chunk, so once a minute.

        What is reserved then and has no row yet goes uncounted until the next time: a few chunks for each PC.
        """
        now, devices, stored = self._clock(), schema.devices.c, schema.stored.c
        with self._lock:
            if 0 <= now - self._recounted.get((device, group), -_RECOUNT) < _RECOUNT:  # the clock may be set back
                return False
            self._recounted[device, group] = now
        which = devices.id == device if device else devices.group_name == group
        with self._database.reading() as connection:
            rows = connection.execute(
                select(devices.id, stored.total).join_from(schema.devices, schema.stored).where(which)
            ).all()
        with self._lock:
            for row in rows:
                if row.id in self._of_device:
                    in_group, own = self._of_device[row.id]
                    freed = max(0, own.total - row.total)
                    own.total -= freed
                    self._of_group[in_group].total -= freed
        return True

    def give_back(self, device: str, size: int) -> None:
        """What was reserved and did not become one more row."""
        day = self._clock() // DAY
        with self._lock:
            group, own = self._of_device[device]
            own.add(-size, day)
            self._of_group[group].add(-size, day)

    def take_account(self, device: str, size: int) -> None:
        """Before so many bytes of a PC's account. Refusals: 507 over-quota."""
        day = self._clock() // DAY
        with self._lock:
            stored = self._accounts.setdefault(device, _Stored())
            stored.add(size, day)
            if stored.exceeds(Quota(day=ACCOUNT_A_DAY), 0):
                raise _over("this PC's account")

    def is_news(self, device: str) -> bool:
        """Whether this is today's first refusal of the PC."""
        day = self._clock() // DAY
        with self._lock:
            before = self._reported.get(device)
            self._reported[device] = day
            return before != day

    def _know(self, device: str) -> None:
        if device not in self._of_device:
            with self._database.reading() as connection:
                self._read(connection, device)

    def _read(self, connection: Connection, device: str | None = None) -> None:
        stored, devices = schema.stored.c, schema.devices.c
        statement = select(devices.id, devices.group_name, stored.total, stored.day, stored.today).outerjoin_from(
            schema.devices, schema.stored
        )
        if device is not None:
            statement = statement.where(devices.id == device)
        rows = connection.execute(statement).all()
        with self._lock:
            for row in rows:
                if row.id in self._of_device:
                    continue  # another thread was first
                own = _Stored(row.total or 0, row.day or 0, row.today or 0)
                self._of_device[row.id] = (row.group_name, own)
                whole = self._of_group.setdefault(row.group_name, _Stored(day=own.day))
                whole.total += own.total
                if own.day > whole.day:
                    whole.on(own.day)
                whole.today += own.today if own.day == whole.day else 0


def _over(whose: str) -> Refusal:
    return Refusal(507, OVER_QUOTA, f"{whose} has stored as much as it may: see the store's quotas", retry_after=_AGAIN)


def keep(connection: Connection, sizes: Iterable[tuple[str, int]], now: int) -> None:
    """Count so many bytes more of each device, in the transaction that has their rows."""
    added: dict[str, int] = {}
    for device, size in sizes:
        added[device] = added.get(device, 0) + size
    if not added:
        return
    day = now // DAY
    rows = [{"device": device, "total": size, "day": day, "today": size} for device, size in sorted(added.items())]
    connection.execute(_add_to(connection.dialect.name), rows)


@cache
def _add_to(dialect: str) -> Any:
    """Made once, as making it takes longer than writing a row."""
    statement = inserting.insert_into(dialect, schema.stored)
    before, new = schema.stored.c, statement.excluded
    today = case((before.day == new.day, before.today + new.today), else_=new.today)
    values = {"total": before.total + new.total, "day": new.day, "today": today}
    return statement.on_conflict_do_update(index_elements=["device"], set_=values)


def raise_alarm(connection: Connection, device: str, now: int) -> None:
    """Once, until an operator has acknowledged it."""
    if not open_alarm_rows(connection, device, OVER_QUOTA):
        add_alarm(connection, now, OVER_QUOTA, device)
