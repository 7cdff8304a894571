"""How each PC stands, in one word and with what to do next: what an engineer looks at first in the morning.

Facts of the catalog in, a verdict out; what counts as broken is a table. Alarms are codes, never content.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

from sqlalchemy import Connection, func, select

from protocol.errors import LedgerError
from protocol.ledger import parse_line
from protocol.numbers import read_release
from store.catalog import queries, schema
from store.catalog.alarms import open_alarms
from store.catalog.database import Database
from store.catalog.queries import Device
from store.clock import MINUTE
from store.evidence.account import Entry
from store.evidence.evidence import Policies
from store.evidence.isolation import Unreadable
from store.evidence.timeline.device_timeline import What
from store.evidence.timeline.gaps import DeviceGaps, gaps

DAY: Final = 24 * 60 * MINUTE
_NEW: Final = 10 * MINUTE  # from enrolling to the first sign of life
_TAKEN_OVER: Final = 5 * MINUTE  # from a new bundle to every PC's having it
_STUCK: Final = 15 * MINUTE  # without a receipt while chunks wait
_RECENT: Final = 20  # recordings among which the last receipt is looked for
NEVER: Final = "rule-never-matched"
UNENROLLED: Final = "unenrolled"  # why, in the last entry of an account whose PC has left (agent/enrolment.py)
_DIM: Final = (What.BLIND, What.UNSEEN, What.UNEXPLAINED)


class Level(IntEnum):
    """In the order of the list."""

    BROKEN = 0
    LOOK = 1  # something is odd, and recording goes on
    FINE = 2
    AWAY = 3  # off in order, or shut out


@dataclass(frozen=True, slots=True)
class DeviceStatus:
    """`blind_share`: of the time watched in the last day, 0 to 1. `receipt`, `heard`: ns by the store's clock.

    `alarms`: of the store about this PC, still open; `reported`: those that the PC has told in the last day, codes.
    `words` say what is the matter, `next_step` what to do; `others` what else is.
    """

    device: Device
    state: str
    version: str
    heard: int | None
    receipt: int | None
    blind_share: float
    pending_chunks: int
    pending_bytes: int
    holds: tuple[str, ...]
    alarms: tuple[str, ...]
    reported: tuple[str, ...]
    bundle_revision: int | None
    level: Level
    words: str
    next_step: str
    others: tuple[str, ...] = ()
    gone: bool = False  # it left, or was enrolled anew: nothing more is to come


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a verdict is made from."""

    gaps: DeviceGaps
    health: Mapping[str, Any]
    receipt: int | None
    alarms: tuple[str, ...]
    reported: tuple[str, ...]
    newest: tuple[int, int] | None  # the store's bundle: revision, and when it came
    store_version: str
    now: int
    left: bool
    replaced: bool

    @property
    def state(self) -> str:
        return self.gaps.state

    @property
    def holds(self) -> frozenset[str]:
        return frozenset(self.health.get("holds", ())) if self.state == "heard" else frozenset()

    @property
    def holds_reported(self) -> tuple[str, ...]:
        """That of the person in front with the reason, which the account has and the report of health has not."""
        reasons = {why.partition(" ")[0]: why for why in self.gaps.held}
        return tuple(reasons.get(hold, hold) for hold in sorted(self.holds))

    @property
    def blind_share(self) -> float:
        watched = sum(day.watched for day in self.gaps.days)
        return sum(day.sums.get(what, 0) for day in self.gaps.days for what in _DIM) / watched if watched else 0.0

    @property
    def version(self) -> str:
        return str(self.health.get("agent_version", self.gaps.device.agent_version))

    @property
    def stuck(self) -> bool:
        last = self.receipt if self.receipt is not None else self.gaps.device.enrolled_at
        return self.state == "heard" and bool(self.gaps.pending_chunks) and self.now - last > _STUCK

    @property
    def behind(self) -> bool:
        """Whether it still has an older bundle, though it had time to fetch the newest."""
        if self.newest is None or self.state != "heard" or "bundle_revision" not in self.health:
            return False
        revision, since = self.newest
        return int(self.health["bundle_revision"]) < revision and self.now - since > _TAKEN_OVER


@dataclass(frozen=True, slots=True)
class _Cause:
    level: Level
    applies: Callable[[_Seen], bool]
    words: Callable[[_Seen], str]
    next_step: str  # ID in it stands for the beginning of the PC's


def _urgent(alarms: tuple[str, ...]) -> tuple[str, ...]:
    """A rule that nothing matches is for the policy's author: the PC does its work."""
    return tuple(code for code in alarms if code != NEVER)


def _reported(seen: _Seen) -> tuple[str, ...]:
    return tuple(code for code in seen.reported if code != NEVER)


_CAUSES: Final = (
    _Cause(Level.AWAY, lambda s: s.state == "revoked", lambda _: "revoked", "nothing: it may send no more"),
    _Cause(Level.AWAY, lambda s: s.replaced, lambda _: "enrolled anew", "nothing: its user has another device since"),
    _Cause(Level.AWAY, lambda s: s.left, lambda _: "left", "nothing; its keys may live on in a backup: revoke it"),
    _Cause(
        Level.BROKEN,
        lambda s: bool(_urgent(s.alarms)),
        lambda s: f"ALARM {', '.join(_urgent(s.alarms))}",
        "look into it, then settle it: eyelid-store alarms",
    ),
    _Cause(
        Level.BROKEN,
        lambda s: s.state == "silent",
        lambda _: "SILENT",
        "is it on, is the network there? On it: eyelid doctor",
    ),
    _Cause(
        Level.BROKEN,
        lambda s: s.state == "never" and s.now - s.gaps.device.enrolled_at > _NEW,
        lambda _: "never heard of",
        "start the recorder on it: eyelid run; what is in its way: eyelid doctor",
    ),
    _Cause(
        Level.BROKEN,
        lambda s: "no-policy" in s.holds,
        lambda _: "NO POLICY",
        "give it one: eyelid-store bundle put, or its policy folder; on it: eyelid policy check",
    ),
    _Cause(
        Level.BROKEN,
        lambda s: "spool-full" in s.holds,
        lambda _: "SPOOL FULL",
        "make it drain: its network, its upload hours, or a larger spool",
    ),
    _Cause(
        Level.BROKEN,
        lambda s: "no-signature" in s.holds,
        lambda _: "NO SIGNATURE",
        "on it: systemctl status eyelid-keys; too many recordings begun in 20 minutes sign again by themselves",
    ),
    _Cause(Level.BROKEN, lambda s: "blind" in s.holds, lambda _: "BLIND", "on it: eyelid doctor"),
    _Cause(
        Level.BROKEN,
        lambda s: s.stuck,
        lambda _: "NOTHING ARRIVES",
        "does the store's log name it? On it: eyelid status, eyelid doctor",
    ),
    _Cause(
        Level.LOOK,
        lambda s: any(short.lost for short in s.gaps.recordings),
        lambda _: "chunks lost",
        "which ones: eyelid-store gaps --device ID",
    ),
    _Cause(
        Level.LOOK,
        lambda s: s.behind,
        lambda s: f"bundle {s.health['bundle_revision']}, not {s.newest[0] if s.newest else ''}",
        "on it: eyelid status says why it refuses the newest",
    ),
    _Cause(
        Level.LOOK,
        lambda s: bool(_reported(s)),
        lambda s: f"reported {', '.join(_reported(s))}",
        "on it: eyelid status says what to do",
    ),
    _Cause(
        Level.LOOK,
        lambda s: NEVER in s.alarms,
        lambda _: NEVER,
        "for compliance: eyelid-store rules; then settle it: eyelid-store alarms",
    ),
    _Cause(
        Level.LOOK,
        lambda s: s.blind_share >= 0.5,
        lambda _: "mostly blind",
        "what for: eyelid-store gaps --since 1d --device ID; on it: eyelid doctor",
    ),
    _Cause(
        Level.LOOK,
        lambda s: bool(s.gaps.unexplained),
        lambda _: "time unexplained",
        "which: eyelid-store gaps --device ID",
    ),
    _Cause(
        Level.LOOK,
        lambda s: s.state == "heard" and older(s.version, s.store_version),
        lambda s: f"version {s.version}",
        "install the store's version on it",
    ),
    _Cause(Level.FINE, lambda s: s.state == "never", lambda _: "just enrolled", "start the recorder: eyelid run"),
    _Cause(Level.AWAY, lambda s: s.state == "off", lambda _: "off", ""),
    _Cause(Level.FINE, lambda s: bool(s.holds), lambda s: f"held: {', '.join(s.holds_reported)}", ""),
    _Cause(Level.FINE, lambda _: True, lambda _: "recording", ""),
)


def device_status(
    database: Database, device: Device, *, now: int, store_version: str, policies: Policies | None = None
) -> DeviceStatus:
    """`now`: ns since 1970 by the store's clock; `policies`: for who asks of many devices."""
    return judge(_look(database, device, now, store_version, policies))


def judge(seen: _Seen) -> DeviceStatus:
    applying = [cause for cause in _CAUSES if cause.applies(seen)]
    wrong = sorted((one for one in applying if one.level <= Level.LOOK), key=lambda one: one.level)
    gone = seen.left or seen.replaced
    if gone or seen.state == "revoked":
        wrong = []  # whatever else it told is past; what the store found stays in `eyelid-store alarms`
    first, others = (wrong or applying)[0], wrong[1:]
    found = seen.gaps
    return DeviceStatus(
        device=found.device,
        state=found.state,
        version=seen.version,
        heard=found.heard,
        receipt=seen.receipt,
        blind_share=seen.blind_share,
        pending_chunks=found.pending_chunks,
        pending_bytes=found.pending_bytes,
        holds=tuple(sorted(seen.holds)),
        alarms=seen.alarms,
        reported=seen.reported,
        bundle_revision=seen.health.get("bundle_revision"),
        level=first.level,
        words=first.words(seen),
        next_step=first.next_step.replace(" ID", f" {found.device.id[:8]}"),
        others=tuple(one.words(seen) for one in others),
        gone=gone,
    )


def unreadable(device: Device, why: Unreadable) -> DeviceStatus:
    """In place of a verdict."""
    return DeviceStatus(
        device=device,
        state="unreadable",
        version=device.agent_version,
        heard=None,
        receipt=None,
        blind_share=0.0,
        pending_chunks=0,
        pending_bytes=0,
        holds=(),
        alarms=(),
        reported=(),
        bundle_revision=None,
        level=Level.BROKEN,
        words=f"UNREADABLE: {why}",
        next_step="which of it: eyelid-store verify --all; to shut it out: eyelid-store revoke",
    )


def older(version: str, than: str) -> bool:
    """Whether it is an older release; a version that is none of ours is not judged."""
    first, second = read_release(version), read_release(than)
    return first is not None and second is not None and first < second


# -- looking ------------------------------------------------------------------------------------------------------


def _look(database: Database, device: Device, now: int, store_version: str, policies: Policies | None) -> _Seen:
    found = gaps(database, device, since=now - DAY, now=now, zone=None, policies=policies)
    with database.reading() as connection:
        last = queries.last_health(connection, device.id)
        columns = schema.bundles.c
        newest = connection.execute(
            select(columns.revision, columns.added_at).order_by(columns.revision.desc()).limit(1)
        ).first()
        health = json.loads(last[1]) if last else {}
        reported = set(_reported_alarms(connection, device, now - DAY))
        return _Seen(
            gaps=found,
            health=health,
            receipt=_last_receipt(connection, device),
            alarms=tuple(dict.fromkeys(open_alarms(connection, device.id))),
            reported=tuple(sorted(reported & set(health.get("troubles", reported)))),
            newest=None if newest is None else (newest.revision, newest.added_at),
            store_version=store_version,
            now=now,
            left=found.state == "off" and _last_words(connection, device) == UNENROLLED,
            replaced=_replaced(connection, device, found.heard),
        )


def _last_words(connection: Connection, device: Device) -> str:
    """Why its account ended; "" where the end is damaged since."""
    head = queries.ledger_head(connection, device.id).next
    for row in queries.ledger_lines(connection, device.id, head - 1, head - 1):
        with suppress(LedgerError):
            return str(parse_line(row.line.encode("utf-8"), seq=row.seq).get("why", ""))
    return ""


def _replaced(connection: Connection, device: Device, heard: int | None) -> bool:
    """Whether the same user of a PC of the same name enrolled later, and this device was not heard of since."""
    columns = schema.devices.c
    later: int | None = connection.scalar(
        select(func.min(columns.enrolled_at)).where(
            columns.host == device.host,
            columns.os_user == device.user,
            columns.enrolled_at > device.enrolled_at,
            columns.revoked_at.is_(None),
        )
    )
    return bool(device.user) and later is not None and (heard or 0) <= later


def _last_receipt(connection: Connection, device: Device) -> int | None:
    recordings, sealed = schema.recordings.c, schema.sealed.c
    newest = (
        select(recordings.id)
        .where(recordings.device == device.id)
        .order_by(recordings.opened_at.desc())
        .limit(_RECENT)
        .scalar_subquery()
    )
    found: int | None = connection.scalar(select(func.max(sealed.received_at)).where(sealed.recording.in_(newest)))
    return found


def _reported_alarms(connection: Connection, device: Device, since: int) -> Iterator[str]:
    """Codes of the alarms that its last run told, and that were received since then: a start says them anew."""
    lines, batches = schema.ledger_lines.c, schema.ledger_batches.c
    head = queries.ledger_head(connection, device.id).next
    start, _ = queries.run_around(connection, device.id, head)
    rows = connection.execute(
        select(lines.seq, lines.line)
        .join_from(schema.ledger_lines, schema.ledger_batches)
        .where(lines.device == device.id, lines.kind == "alarm", lines.seq >= start, batches.received_at >= since)
    )
    for row in rows:
        try:
            fields = parse_line(row.line.encode("utf-8"), seq=row.seq)
        except LedgerError:
            continue  # damaged since it was accepted: `verify --all` names it
        yield Entry(row.seq, 0, "alarm", fields).text("what", "alarm")
