"""What Prometheus may know of the store: counters and gauges, without a PC's name, a person's, a title or an address.

Requests are counted as they come. How the PCs stand is asked of the catalog at a scrape, at most once a
minute: a fleet of ten thousand takes a moment.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, Final

from prometheus_client import CollectorRegistry, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector
from sqlalchemy import Connection, select
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from protocol.errors import LedgerError
from protocol.ledger import parse_line
from store.admin.ca import days_left
from store.admin.home import Home
from store.catalog import schema, statements
from store.catalog.alarms import open_alarm_counts
from store.clock import MINUTE
from store.evidence.account import PERSON, Entry, Held, held_of
from store.evidence.evidence import MOST_POLICIES, Policies
from store.evidence.isolation import Unreadable, isolated
from store.evidence.rules import OWN_REASONS, Bound, NamesOf, at_most, reason_of
from store.server.room import inodes
from store.server.services import Services

STATES: Final = ("heard", "silent", "off", "never", "revoked", "unreadable")
SILENT: Final = 5 * MINUTE  # as in store.evidence.timeline.gaps
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT"})
# From a chunk on a fast disk to a body on a line of 50 kbit/s.
_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)


class Metrics:
    """One registry of its own, so that nothing else of the process is told. `answered` is for the event loop."""

    def __init__(self, services: Services, home: Home) -> None:
        self.registry = CollectorRegistry()
        self._requests = Histogram(
            "eyelid_store_request_seconds",
            "Time to answer a request, by route and status",
            ("route", "status"),
            registry=self.registry,
            buckets=_BUCKETS,
        )
        self.registry.register(_Fleet(services, home))
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self.app = Starlette(routes=[Route("/metrics", self._scraped)])

    async def _scraped(self, _: Request) -> Response:
        return Response(generate_latest(self.registry), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

    def answered(self, route: str, status: int, seconds: float) -> None:
        """`route`: method and template, never the path that was asked for."""
        method, _, path = route.partition(" ")
        known = path.startswith("/") and method in _METHODS
        self._requests.labels(route if known else "other", str(status)).observe(seconds)


class _Fleet(Collector):
    def __init__(self, services: Services, home: Home) -> None:
        self._services = services
        self._home = home
        self._policies = Policies(_BOUND)
        self._counted: Counts | None = None
        self._at = 0

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Nothing is asked before the first scrape."""
        return ()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        now = self._services.clock()
        if self._counted is None or not 0 <= now - self._at < MINUTE:  # the clock may be set back
            with self._services.database.reading() as connection:
                self._counted, self._at = count(connection, now, self._policies), now
        counted = self._counted
        yield _family("devices", "PCs by state", "state", {state: counted.states[state] for state in STATES})
        yield _family("devices_held", "PCs that are heard of and do not record, by hold", "hold", counted.holds)
        yield _family(
            "devices_held_by_person", "PCs that the person in front holds, by the reason they chose", "reason",
            counted.reasons,
        )  # fmt: skip
        yield _family("alarms_open", "Alarms that are not acknowledged, by code", "code", counted.alarms)
        for name, words, value in (
            ("devices_bundle_behind", "PCs heard of that have an older bundle than the newest", counted.behind),
            ("waiting_chunks", "Sealed chunks that wait on PCs, as they last said", counted.chunks),
            ("waiting_bytes", "Bytes of them", counted.bytes),
            ("bundle_revision", "Revision of the bundle that is handed out", counted.revision),
            ("certificate_days", "Days until the server's certificate ends", self._certificate()),
            ("free_bytes", "Room on the disk that the store lies on", shutil.disk_usage(self._home.folder).free),
            ("free_inodes", "Files that this disk can still take; NaN where it does not count them", self._inodes()),
        ):
            yield GaugeMetricFamily(f"eyelid_store_{name}", words, value)

    def _inodes(self) -> float:
        left, of_all = inodes(self._home.folder)
        return left if of_all else float("nan")

    def _certificate(self) -> float:
        try:
            return days_left(self._home.server_certificate.read_bytes(), self._services.clock())
        except (OSError, ValueError):
            return float("nan")


class Counts:
    """What a scrape gets of the PCs: numbers alone."""

    def __init__(self) -> None:
        self.states: Counter[str] = Counter()
        self.holds: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()  # of holds by the person in front
        self.alarms: dict[str, int] = {}
        self.behind = self.chunks = self.bytes = self.revision = 0


def count(connection: Connection, now: int, policies: Policies) -> Counts:
    """`now`: ns since 1970 by the store's clock. In one question, with an index for each PC."""
    counted = Counts()
    counted.revision = statements.newest_revision(connection) or 0
    counted.alarms = open_alarm_counts(connection)
    devices, health, lines = schema.devices.c, schema.health.c, schema.ledger_lines.c
    last = (
        select(lines.kind)
        .where(lines.device == devices.id)
        .order_by(lines.seq.desc())
        .limit(1)
        .correlate(schema.devices)
        .scalar_subquery()
    )
    rows = connection.execute(
        select(devices.id, devices.revoked_at, health.at, health.body, last.label("kind")).outerjoin_from(
            schema.devices, schema.health
        )
    )
    names_of = at_most(MOST_POLICIES, partial(policies.names_of, connection))
    for row in rows:
        if isinstance(isolated(partial(_add, counted, connection, row, names_of, now)), Unreadable):
            counted.states["unreadable"] += 1
    return counted


def _add(counted: Counts, connection: Connection, row: Any, names_of: NamesOf, now: int) -> None:
    """One PC, or nothing of it."""
    report: dict[str, Any] = json.loads(row.body) if row.body else {}
    state = _state(row.revoked_at, row.at, row.kind, now)
    chunks, waiting, revision = (
        int(report.get(name, 0)) for name in ("pending_chunks", "pending_bytes", "bundle_revision")
    )
    holds = set(map(_word, report.get("holds", ()))) if state == "heard" else set()
    reason = _reason(connection, row.id, names_of) if PERSON in holds else None
    counted.states[state] += 1
    if state in {"heard", "silent"}:
        counted.chunks += chunks
        counted.bytes += waiting
    counted.holds.update(holds)
    if reason is not None:
        counted.reasons[reason] += 1
    counted.behind += state == "heard" and revision < counted.revision


# What a PC that lies could make of it: no longer labels than a policy's reasons can be.
# Read while chunks wait: 60 ms at most, once for each text; a policy of a thousand rules lies within it.
_BOUND: Final = Bound(512 * 2**10, 20_000)
_LONGEST_REASON: Final = 40
_ENTRIES: Final = 20  # holds of the account among which the person's is looked for


def _reason(connection: Connection, device: str, names_of: NamesOf) -> str:
    """What they chose for the hold that is on; "none" for none that is known."""
    lines = schema.ledger_lines.c
    found = connection.execute(
        select(lines.seq, lines.line)
        .where(lines.device == device, lines.kind == "hold")
        .order_by(lines.seq.desc())
        .limit(_ENTRIES)
    )
    for row in found:
        try:
            fields = parse_line(row.line.encode("utf-8"), seq=row.seq)
        except LedgerError:
            continue
        entry = Entry(row.seq, 0, "hold", fields)
        if entry.hold == PERSON:
            return _words_of(held_of(entry), names_of)
    return "none"


def _words_of(held: Held, names_of: NamesOf) -> str:
    if isinstance(held.reason, str) and held.reason not in OWN_REASONS:
        return "other"
    words = reason_of(held, names_of)
    return words if 0 < len(words) <= _LONGEST_REASON and words.isprintable() else "none"


def _state(revoked: int | None, heard: int | None, last_kind: str | None, now: int) -> str:
    if revoked is not None:
        return "revoked"
    if heard is None:
        return "never"
    if last_kind == "stop":
        return "off"
    return "silent" if abs(now - heard) > SILENT else "heard"  # a report from ahead is one of before a clock was set


# A PC may say what it likes of itself; a label takes only what a hold can be.
HOLDS: Final = frozenset(
    {"blind", "display-off", "locked", "logoff", "no-policy", "no-signature", "not-in-front"}
    | {"seat-unknown", "shutdown", "spool-full", "suspended", "user"}
)


def _word(hold: object) -> str:
    return str(hold) if hold in HOLDS else "other"


def _family(name: str, words: str, label: str, values: dict[str, int] | Counter[str]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"eyelid_store_{name}", words, labels=[label])
    for value, number in sorted(values.items()):
        family.add_metric([value], number)
    return family
