"""Comments on recordings, as the console keeps them: sealed and signed, so that it can neither read nor make one.

It knows of each who wrote it, when, and on which span. The key that opens them is derived from the recording's.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Column, Row, delete, exists, func, insert, select

from protocol.personal import Signed
from review.people import schema
from store.catalog.database import Database
from store.errors import Refusal

MOST: Final = 500  # of a recording: the player gets them in one answer
_COLUMNS: Final = schema.comments.c


@dataclass(frozen=True, slots=True)
class Comments:
    database: Database

    def check_room(self, recording: str) -> None:
        """Refusals: 409 too-many."""
        of_it = select(func.count()).select_from(schema.comments).where(_COLUMNS.recording == recording)
        with self.database.reading() as connection:
            if (connection.scalar(of_it) or 0) >= MOST:
                raise Refusal(409, "too-many", f"a recording has {MOST} comments at the most")

    def keep(self, signed: Signed, commented: str, now: int, note: Callable[[dict[str, object]], None]) -> None:
        """`commented`: what the custodian signed of it. `note` writes what it is given into the audit log."""
        claims = signed.claims
        start, end = claims.integer("start"), claims.integer("end")
        row = {"id": signed.id, "recording": str(claims.uuid("recording")), "person": claims.text("person").lower()}
        with self.database.writing() as connection:
            values = row | {"start": start, "end": end, "at": now, "token": signed.token, "commented": commented}
            connection.execute(insert(schema.comments).values(values))
            note({"comment": signed.id, "spans": [[start, end]]})

    def sealed(self, recording: str) -> list[Row[Any]]:
        """In the order of their spans: what the player opens, and on which span."""
        return self._of(recording, _COLUMNS.token, _COLUMNS.commented, _COLUMNS.start, _COLUMNS.end)

    def about(self, recording: str) -> list[Row[Any]]:
        """In the same order: who wrote them, when, and on which span."""
        return self._of(recording, _COLUMNS.start, _COLUMNS.end, _COLUMNS.person, _COLUMNS.at)

    def _of(self, recording: str, *shown: Column[Any]) -> list[Row[Any]]:
        asked = select(*shown).where(_COLUMNS.recording == recording)
        with self.database.reading() as connection:
            return list(connection.execute(asked.order_by(_COLUMNS.start, _COLUMNS.at, _COLUMNS.id)))

    def forget(self, recordings: Collection[str]) -> None:
        """Of recordings that are being erased."""
        gone = _COLUMNS.recording.in_(recordings)
        with self.database.reading() as connection:
            if not connection.scalar(select(exists().where(gone))):
                return  # as for nearly all: there is nothing to write
        with self.database.writing() as connection:
            connection.execute(delete(schema.comments).where(gone))
        self.database.settle()
