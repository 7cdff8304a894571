"""Reads what all PCs sent, beside the pages, while somebody asks for lists of it; and whose PCs a person may see."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from review.search import pc_schema
from review.search.pc_find import Reach
from review.search.pc_index import PcIndex
from review.web.beside import Beside
from review.web.fleet import Sees
from store.catalog import schema
from store.catalog.queries import devices, legible
from store.clock import MINUTE, Clock, wall
from store.evidence.evidence import Policies

FRESH: Final = MINUTE  # so long a round is shown before the next is begun
_REST: Final = 9  # times as long as a round took, it rests before the next: a tenth of a core
_GROUP: Final = 50  # PCs of one transaction


@dataclass(frozen=True, slots=True)
class Looked:
    """A round. `took`: ns."""

    at: int
    took: int


class PcLists(Beside[Looked]):
    """Keeps the index in step with what PCs send, while somebody asks for its lists."""

    def __init__(self, index: PcIndex, clock: Clock = wall) -> None:
        super().__init__("pc-lists", clock)
        self.index = index

    @property
    def looked_at(self) -> int | None:
        """When the last round over all PCs began, ns: what had sent nothing since the one before was as it is shown."""
        last = self._last
        return last.at if last is not None else None

    def _due(self, last: Looked) -> bool:
        return abs(self._clock() - last.at) > max(FRESH, _REST * last.took)

    def _round(self) -> Looked | None:
        now, began = self._clock(), time.monotonic_ns()
        with self.index.catalog.reading() as connection:
            known = devices(connection)
        marks, before = self.index.marks(known, now), self.index.known_marks()
        due = [one for one in known if before.get(one.id) != marks[one.id]]
        policies = Policies()
        for first in range(0, len(due), _GROUP):
            readings = []
            for one in due[first : first + _GROUP]:
                if self._over:
                    return None
                readings.append((one.id, marks[one.id], now, self.index.read(one, now, policies)))
            self.index.put(readings)
        return Looked(now, time.monotonic_ns() - began)


@dataclass(frozen=True, slots=True)
class Seen:
    """PCs of this person that fit. `names`: id -> host and user. `read`: how many of them were looked at; `since`:
    as of when that is, ns. `unread`: that could not be read; `more`: with more gaps than are listed."""

    reach: Reach
    names: Mapping[str, tuple[str, str]]
    read: int
    since: int | None
    unread: tuple[str, ...]
    more: tuple[str, ...]


def seen(lists: PcLists, sees: Sees, text: str = "") -> Seen:
    """`text`: in the name of PC, user or group, whatever its case, or a PC's id."""
    columns = schema.devices.c
    asked = select(columns.id, columns.host, columns.os_user, columns.group_name)
    with lists.index.catalog.reading() as connection:
        rows = connection.execute(asked).all()
    wanted, names = text.casefold(), dict[str, tuple[str, str]]()
    for row in rows:
        id_, host, user, group = (legible(cell) for cell in row)
        if sees.of(group, user) and (not wanted or any(wanted in one.casefold() for one in (host, user, group, id_))):
            names[id_] = host, user
    with lists.index.index.reading() as connection:
        looked = [row for row in connection.execute(_READ) if row.device in names]
    return Seen(
        Reach(frozenset(names), len(names) == len(rows)), names, len(looked),
        lists.looked_at or min((row.read_at for row in looked), default=None),
        tuple(row.device for row in looked if row.why), tuple(row.device for row in looked if row.more),
    )  # fmt: skip


_READ: Final = select(
    pc_schema.pcs.c.device, pc_schema.pcs.c.read_at, pc_schema.pcs.c.why, pc_schema.pcs.c.more
)  # fmt: skip
