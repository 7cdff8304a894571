"""Whether the PCs bear the store's clock out. One that leaps ahead makes all periods end, and what is erased is gone.

The audit log alone cannot tell: the console writes entries without a person who has looked at the clock.
"""

from __future__ import annotations

from statistics import median_low
from typing import Final

from sqlalchemy import Connection, select

from protocol.errors import KeyProblem, ProtocolError
from protocol.keys import public_from_text
from protocol.numbers import is_integer
from protocol.report import DeviceReport
from review.governance.times import DAY
from store.catalog import queries, schema
from store.errors import StoreError

SILENT: Final = 8 * DAY  # a week in which the office is closed, and a day
OFF: Final = DAY
CLOCK_IS_RIGHT: Final = "--clock-is-right"
_TRUST: Final = f"set the clock, or, if it is right, repeat with {CLOCK_IS_RIGHT}"


def check_by_pcs(connection: Connection, now: int, done: str = "erased") -> None:
    """Raises StoreError where PCs were heard and none lately, or most of those heard lately sign an earlier time.
    `done`: what is not done then.

    Those that were revoked do not count. Where no PC was ever heard nothing is known.
    """
    devices, health = schema.devices.c, schema.health.c
    asked = select(devices.id, devices.evidence_key, health.at).join_from(schema.devices, schema.health)
    rows = [row for row in connection.execute(asked.where(devices.revoked_at.is_(None))) if is_integer(row.at)]
    heard = [row for row in rows if now - SILENT <= row.at <= now]
    if rows and not heard:
        days = SILENT // DAY
        raise StoreError(
            f"nothing is {done}: no PC has reported for {days} days by the store's clock, which may be wrong: {_TRUST}"
        )
    late = [row.at - wall for row in heard if (wall := _wall(connection, row.id, row.evidence_key)) is not None]
    if late and median_low(late) > OFF:
        raise StoreError(
            f"nothing is {done}: the store's clock is {median_low(late) // DAY} days ahead of most PCs: {_TRUST}"
        )


def _wall(connection: Connection, device: str, evidence_key: object) -> int | None:
    """The time that its last report says; None where none is signed by it."""
    try:
        key = public_from_text(queries.legible(evidence_key))
        said = DeviceReport.verify(queries.device_report(connection, device) or "", key)
    except (KeyProblem, ProtocolError):
        return None
    return said.wall if said.device == device else None
