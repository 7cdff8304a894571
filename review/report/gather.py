"""Makes the model of a report: the store's accounts, what it has of policies, alarms and erasures, and the logs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import func, select

from protocol.bundle import verify as verify_bundle
from protocol.carried import read_carried
from protocol.errors import ProtocolError
from protocol.keys import public_to_text
from protocol.language.errors import MistakesError
from protocol.policyhash import policy_hash
from review.audit.notes import VerifierKey
from review.governance.model import Governance
from review.languages import start_of
from review.report import logs, reviewing
from review.report.counting import MOST_NAMES, Counting, size
from review.report.model import AlarmSum, BundleRow, ErasureRow, LogRead, Model
from review.rules import parse_files
from store.catalog import erasure, schema
from store.catalog.blobs import BlobStore
from store.catalog.database import Database
from store.catalog.queries import legible
from store.catalog.statements import governance_of
from store.clock import SECOND, Clock, wall
from store.evidence.verify.sweep import examiner

LONGEST: Final = 366  # days
UNREAD_HOLDS: Final = "it has the legal holds, and its folder was not named (--lifecycle)"
_PAGE: Final = 500
Advance = Callable[[int], None]
Check = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Period:
    """Days, both within, in the time zone of the machine that makes the report."""

    first: date
    last: date

    def __post_init__(self) -> None:
        """Raises ValueError."""
        if self.first > self.last:
            raise ValueError("the first day is after the last")
        if (self.last - self.first).days >= LONGEST:
            raise ValueError(f"a report is of {LONGEST} days at most")

    @property
    def start(self) -> int:
        return start_of(self.first)

    @property
    def end(self) -> int:
        return start_of(self.last + timedelta(days=1))


def _unread(sources: Sources) -> list[LogRead]:
    """The log that has the holds, where it is none of those that are read."""
    with sources.database.reading() as connection:
        named = erasure.decider(connection)
    if named is None or named.key in {public_to_text(one.key.public) for one in sources.logs}:
        return []
    return [LogRead("lifecycle", legible(named.log), why_not=UNREAD_HOLDS)]


@dataclass(frozen=True, slots=True)
class Sources:
    """`compliance`: fingerprint of the key that signs bundles. `absent`: logs that cannot be read, and why.

    `log`: the public key of the log that signs the report.
    """

    database: Database
    blobs: BlobStore
    compliance: str
    log: VerifierKey
    logs: Sequence[logs.Source]
    absent: Sequence[LogRead] = ()


def amount(sources: Sources, period: Period) -> int:
    """How many steps `gather` goes, about."""
    return size(sources.database, period.start, period.end) + 1


def gather(
    sources: Sources, period: Period, by: str, *, verify: bool, language: str = "en", named: bool = False,
    advance: Advance = lambda _: None, check: Check = lambda: None, clock: Clock = wall,
) -> Model:  # fmt: skip
    """`by`: who asked for it. `check` is called often, and may raise to end it. Raises StoreError, and the database's
    errors.
    """
    zone = datetime.fromtimestamp(period.start // SECOND).astimezone().strftime("%Z")
    model = Model(
        period.first.isoformat(), period.last.isoformat(), zone, period.start, period.end, clock(), by,
        sources.log.name, str(sources.log), language, named=named,
    )  # fmt: skip
    examine = examiner(sources.database, sources.blobs, compliance=sources.compliance) if verify else None
    model.verified.asked, model.verified.at = verify, model.made if verify else 0

    def counted(done: int) -> None:
        check()
        advance(done)

    Counting(model, sources.database, sources.blobs, examine).run(counted)
    _bundles(model, sources, check)
    _alarms(model, sources.database)
    _erasures(model, sources.database, check)
    rules = _rules(model, sources)
    if rules is not None:
        reviewing.demand(model, rules)
    for source in sources.logs:
        logs.read_log(model, source, check)
    reviewing.finish(model, rules)
    model.logs += [*sources.absent, *_unread(sources)]
    model.openings.cut()
    logs.add_played(model)
    model.looks.cut()
    advance(1)
    return model


def _rules(model: Model, sources: Sources) -> Governance | None:
    """Those in force at the period's end; None where there are none, or they cannot be read."""
    columns = schema.bundles.c
    newest = select(columns.token).where(columns.added_at < model.end).order_by(columns.revision.desc()).limit(1)
    with sources.database.reading() as connection:
        token = connection.scalar(newest)
        try:
            made = None if token is None else verify_bundle(legible(token), sources.compliance)
            if made is None or not made.governance:
                return None
            files = read_carried(governance_of(connection, made.governance), made.governance)
            return parse_files(files, tested=False)
        except (ProtocolError, MistakesError):
            model.rules_read = False
            return None


def _bundles(model: Model, sources: Sources, check: Check) -> None:
    """Those that the store had as its newest at any time of the period."""
    columns = schema.bundles.c
    with sources.database.reading() as connection:
        rows = connection.execute(select(columns.revision, columns.added_at).order_by(columns.revision)).all()
        for place, row in enumerate(rows):
            check()
            until = rows[place + 1].added_at if place + 1 < len(rows) else None
            if row.added_at >= model.end or (until is not None and until <= model.start):
                continue
            token = connection.scalar(select(columns.token).where(columns.revision == row.revision))
            try:
                made = verify_bundle(legible(token), sources.compliance)
            except ProtocolError:
                model.bundles.append(BundleRow(row.revision, row.added_at, until, "", "", signed=False))
                continue
            files = {name: text.encode() for name, text in made.policy_files.items()}
            policy = policy_hash(files) if files else ""
            model.bundles.append(BundleRow(row.revision, row.added_at, until, policy, made.governance, signed=True))


def _alarms(model: Model, database: Database) -> None:
    columns, settled = schema.alarms.c, schema.audit.c
    within = columns.at.between(model.start, model.end - 1)
    raised = select(columns.code, func.count(columns.id.distinct())).where(within).group_by(columns.code)
    acknowledged = raised.join(schema.audit, settled.alarm == columns.id)
    with database.reading() as connection:
        many = {legible(code): int(number) for code, number in connection.execute(raised)}
        done = {legible(code): int(number) for code, number in connection.execute(acknowledged)}
    for code in sorted(many):
        if len(model.alarms) < MOST_NAMES:
            model.alarms.append(AlarmSum(code, many[code], done.get(code, 0)))
        else:
            model.overflow["alarms"] = model.overflow.get("alarms", 0) + many[code]


def _erasures(model: Model, database: Database, check: Check) -> None:
    """Whose certificates say that they were destroyed in the period; and what is gone without a signed reason."""
    columns, after = schema.erasures.c, ""
    while True:
        check()
        with database.reading() as connection:
            asked = select(columns.recording).where(columns.recording > after).order_by(columns.recording)
            page = list(connection.scalars(asked.limit(_PAGE)))
            found = erasure.tombstones(connection, columns.recording.in_(page)) if page else []
        for one in sorted(found, key=lambda one: one.recording):
            if one.order is None or not one.explained:
                model.unexplained += 1
            elif (
                one.certificate is not None
                and one.certificate.destroyed is not None
                and model.start <= one.certificate.destroyed.at < model.end
            ):
                reference = one.order.rule if one.order.basis == "period" else one.order.reference
                model.erasures.add(
                        ErasureRow(one.recording, one.day or "", one.order.basis, reference, one.position,
                                   one.certificate_hash)
                    )  # fmt: skip
        if len(page) < _PAGE:
            return
        after = page[-1]
