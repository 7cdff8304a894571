"""Checks the whole store, one thing at a time: memory stays flat however many there are, and it can go on where it was.

Before the recordings comes what belongs to none of them: the catalog's indexes, bundles, policies, governance, and
every device's ledger from its first entry. Nothing is read under one long transaction, so that a running store goes on
beside it.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, func, select

from protocol.bundle import verify as verify_bundle
from protocol.carried import read_carried
from protocol.envelope import KEY_PACKET_STREAM
from protocol.errors import LedgerError, ProtocolError
from protocol.keys import RecipientPrivate, is_weak
from protocol.ledger import ZERO, Walk, line_hash, parse_line
from protocol.numbers import is_integer
from protocol.report import DeviceReport
from store.catalog import erasure, queries, reported, schema, statements
from store.catalog.alarms import alarms_without_recording
from store.catalog.blobs import BlobStore
from store.catalog.database import Database
from store.catalog.erasure import Tombstone
from store.catalog.queries import Device
from store.evidence.earlier import MOST_EACH, Earlier
from store.evidence.evidence import gather, hash_of
from store.evidence.isolation import Unreadable, isolated
from store.evidence.verify.catalog import indexes
from store.evidence.verify.ledger import OTHER_DEVICE, Defect, SignedLedger, claimed
from store.evidence.verify.recording import CUT, NOT_WHOLE, Report, examine, examine_erased

_PAGE: Final = 500  # recordings asked for at once
MOST_FINDINGS: Final = 1_000  # listed of one account: a PC may write 840,000 entries a day, each with one
_MOST_OPEN: Final = 1_000  # recordings: of more the first ones count as over, though a PC has one at a time
FORK: Final = "the device signed another account of the same time: both are here"
OPENING_GONE: Final = "an entry opened it when the ledger was checked, and is not found any more"


@dataclass(frozen=True, slots=True)
class Checked:
    """What one thing came to. `host`: of its PC, or "".

    `kind`: catalog, bundle, policy, governance, ledger, recording, or erasure: of a recording that the catalog has no
    row of.
    """

    kind: str
    id: str
    report: Report
    host: str = ""
    start: int | None = None  # of a recording, as the PC believed it
    vouched: DeviceReport | None = None  # of a ledger: what the PC last signed of its end

    @property
    def sound(self) -> bool:
        return self.report.sound


def _report(findings: list[Defect], notes: list[str] | None = None) -> Report:
    return Report(tuple(findings), (), (), tuple(notes or ()))


def size(database: Database, after: str = "") -> int:
    """How many things `sweep` will tell of, as it stands now."""
    with database.reading() as connection:
        count = queries.count_recordings(connection, after)
        if not after:
            count += 1  # the catalog
            for table in (schema.bundles, schema.policies, schema.governance, schema.devices):
                count += connection.scalar(select(func.count()).select_from(table)) or 0
    return count


def sweep(
    database: Database, blobs: BlobStore, recipient: RecipientPrivate | None, *, compliance: str, after: str = ""
) -> Iterator[Checked]:
    """Everything, sound or not. `after`: go on behind the recording with this id, and leave out what comes before."""
    opened = _OpenedRecordings()
    if not after:
        yield Checked("catalog", "indexes", _report(indexes(database)))
        yield from _bundles(database, compliance)
        yield from _policies(database)
        yield from _governance(database)
        with database.reading() as connection:
            devices = queries.device_rows(connection)
        for row in devices:
            checked = isolated(partial(_checked_ledger, database, row.id, opened))
            if isinstance(checked, Unreadable):
                yield Checked("ledger", str(row.id), _unreadable("ledger", checked), _text(row.host))
            else:
                findings, notes, vouched = checked
                yield Checked("ledger", str(row.id), _report(findings, notes), _text(row.host), vouched=vouched)
    shared = partial(_examined, database, blobs, recipient)
    examine_one = partial(shared, compliance=compliance, whole=_Whole(database), runs=Earlier(), opened=opened)
    for row in _recordings(database, after):
        examined = isolated(partial(examine_one, row.id))
        report = _unreadable("recording", examined) if isinstance(examined, Unreadable) else examined
        start = row.start if is_integer(row.start) else None
        yield Checked("recording", str(row.id), report, _text(row.host), start)
    for erased in _without_row(database, after):
        examined = isolated(partial(examine_erased, erased, blobs))
        report = _unreadable("recording", examined) if isinstance(examined, Unreadable) else examined
        yield Checked("erasure", erased.recording, report)


def examiner(database: Database, blobs: BlobStore, *, compliance: str) -> Callable[[str], Report]:
    """Examines recordings one by one, as `sweep` does without a key; the accounts of their PCs are not walked."""
    shared = partial(_examined, database, blobs, None)
    one = partial(shared, compliance=compliance, whole=_Whole(database), runs=Earlier(), opened=_OpenedRecordings())

    def examine(name: str) -> Report:
        examined = isolated(partial(one, name))
        return _unreadable("recording", examined) if isinstance(examined, Unreadable) else examined

    return examine


def _text(value: object) -> str:
    """Of a column in which SQLite keeps whatever was put there."""
    return value if isinstance(value, str) else ""


class _OpenedRecordings:
    """Which recordings each device's account opened as it was walked, 8 bytes each: recordings are looked at later."""

    def __init__(self) -> None:
        self._of: dict[str, array[int]] = {}

    def note(self, device: str, recordings: array[int]) -> None:
        self._of[device] = array("q", sorted(recordings))

    def has(self, device: str, recording: str) -> bool:
        noted, asked = self._of.get(device, ()), hash(recording)
        place = bisect_left(noted, asked)
        return place < len(noted) and noted[place] == asked


def _checked_ledger(
    database: Database, name: str, opened: _OpenedRecordings
) -> tuple[list[Defect], list[str], DeviceReport | None]:
    with database.reading() as connection:
        device = queries.find_device(connection, schema.devices.c.id == name)
    if device is None:
        raise ValueError("gone meanwhile, or no id")
    recordings = array("q")
    checked = check_ledger(database, device, recordings)
    opened.note(device.id, recordings)
    return checked


class _Whole:
    """Whether a device's ledger is whole. It is counted once: a year of a PC has millions of entries."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, bool] = {}

    def __call__(self, device: str) -> bool:
        if device not in self._known:
            with self._database.reading() as connection:
                self._known[device] = queries.ledger_is_whole(connection, device)
        return self._known[device]


def _examined(
    database: Database,
    blobs: BlobStore,
    recipient: RecipientPrivate | None,
    name: str,
    *,
    compliance: str,
    whole: Callable[[str], bool],
    runs: Earlier,
    opened: _OpenedRecordings,
) -> Report:
    def bundles(revision: int) -> str | None:
        with database.reading() as connection:
            return statements.bundle_of(connection, revision)

    recording = UUID(name)
    if str(recording) != name:
        raise ValueError("another spelling of an id")
    with database.reading() as connection:
        evidence = gather(connection, recording, whole=True, runs=runs, most=MOST_EACH, policies=False)
    evidence = replace(evidence, ledger_whole=whole(evidence.device.id))
    ledger = SignedLedger(database, evidence.device)
    report = examine(evidence, blobs, recipient, compliance=compliance, bundles=bundles, ledger=ledger, run=False)
    if evidence.lines is None and opened.has(evidence.device.id, name):
        gone = Defect("ledger", "changed-catalog", "the device's ledger", OPENING_GONE)
        report = replace(report, findings=(*report.findings, gone))
    return report


def _unreadable(check: str, why: Unreadable) -> Report:
    return _report([Defect(check, "unreadable", check, str(why))])


def _recordings(database: Database, after: str) -> Iterator[Row[Any]]:
    while True:
        with database.reading() as connection:
            page = queries.recording_rows(connection, after, _PAGE)
        yield from page
        if len(page) < _PAGE:
            return
        after = page[-1].id


def _without_row(database: Database, after: str) -> Iterator[Tombstone]:
    while True:
        with database.reading() as connection:
            page = erasure.without_row(connection, _PAGE, after=after)
        yield from page
        if len(page) < _PAGE:
            return
        after = page[-1].recording


def _bundles(database: Database, compliance: str) -> Iterator[Checked]:
    with database.reading() as connection:
        rows = connection.execute(select(schema.bundles).order_by(schema.bundles.c.revision)).all()
        carried = set(connection.scalars(select(schema.governance.c.hash)))
    for row in rows:
        findings: list[Defect] = []
        try:
            bundle = verify_bundle(queries.legible(row.token), compliance)
        except ProtocolError as error:
            findings.append(Defect("bundle", error.code, f"bundle revision {row.revision}", str(error)))
        else:
            if bundle.revision != row.revision:
                message = f"compliance signed this one as revision {bundle.revision}"
                findings.append(Defect("bundle", "changed-catalog", f"bundle revision {row.revision}", message))
            if bundle.governance and bundle.governance not in carried:
                message = "its governance files are not here: put the file that `bundle sign` wrote once more"
                findings.append(Defect("bundle", "no-governance", f"bundle revision {row.revision}", message))
        yield Checked("bundle", str(row.revision), _report(findings))


def _policies(database: Database) -> Iterator[Checked]:
    with database.reading() as connection:
        hashes = list(connection.scalars(select(schema.policies.c.hash).order_by(schema.policies.c.hash)))
    for name in hashes:
        with database.reading() as connection:
            text = statements.policy_files(connection, name)
        findings = []
        if text is not None and hash_of(text) != name:
            message = "its text is not the one with this hash: rules of recordings may be named wrongly"
            findings.append(Defect("policy", "wrong-hash", f"policy {name[:12]}", message))
        yield Checked("policy", name, _report(findings))


def _governance(database: Database) -> Iterator[Checked]:
    with database.reading() as connection:
        hashes = list(connection.scalars(select(schema.governance.c.hash).order_by(schema.governance.c.hash)))
    for each in hashes:
        with database.reading() as connection:
            text = statements.governance_of(connection, each)
        name, findings = queries.legible(each), []
        try:
            read_carried(text, name)
        except ProtocolError as error:
            findings.append(Defect("governance", error.code, f"governance {name[:12]}", str(error)))
        yield Checked("governance", name, _report(findings))


# -- a device's ledger --------------------------------------------------------------------------------------------


def check_ledger(
    database: Database, device: Device, opened: array[int] | None = None
) -> tuple[list[Defect], list[str], DeviceReport | None]:
    """(what is wrong, notes, the last report that the device signed) of its account, from entry 0 on.

    `opened`: takes the hashes of the recordings that it opened and that are here.

    The report is read before the lines: what the device signs of its ends while a running store takes more of it says
    nothing about lines that were read before.
    """
    ledger = _Ledger(database, device, array("q") if opened is None else opened)
    report, reported_end = ledger.last_words()
    if is_weak(device.evidence_key):
        message = "its key is of small order, so that anyone could have signed this: shut it out and enrol it again"
        ledger.find("weak-key", "evidence key", message)
    lines = SignedLedger(database, device)
    expected, before = 0, ZERO
    for row in lines.rows():
        written = row.line.encode("utf-8")
        if row.seq != expected:
            ledger.find("missing", f"entries {expected} to {row.seq - 1}", "they were accepted and are gone")
            before = claimed(written)
        other = lines.signed(row.seq)  # in the batch of the row before, of which this one may be too
        ledger.take([*lines.step(Walk(before, row.seq), written), *lines.compare(row, written)])
        if lines.signed(row.seq) != written:
            ledger.unsigned.add(row.seq)
        elif other not in (None, written):
            ledger.fork(row.seq)
        ledger.follow(row.seq, written)
        expected, before = row.seq + 1, line_hash(written)
    ledger.end(expected, report, reported_end)
    return ledger.listed(), ledger.notes, report


class _Ledger:
    """What one device's lines come to, beside what it signed, and beside what its last health said."""

    def __init__(self, database: Database, device: Device, here: array[int]) -> None:
        self._database = database
        self._device = device
        self._here = here  # hashes of those that it opened and that are here
        self._opened: dict[str, int] = {}  # recordings that are open after the last line, and the entries that say so
        self._ended: dict[str, int | None] = {}  # those that are over, and were not asked for yet
        self.unsigned: set[int] = set()  # numbers of lines that are not in their batch
        self._forks: set[int] = set()  # entries that are named for it: two batches may begin with one
        self.findings: list[Defect] = []
        self._unlisted = 0
        self.notes: list[str] = []

    def find(self, code: str, where: str, message: str, check: str = "ledger") -> None:
        self.take([Defect(check, code, where, message)])

    def take(self, found: list[Defect]) -> None:
        room = MOST_FINDINGS - len(self.findings)
        self.findings += found[:room]
        self._unlisted += len(found[room:])

    def listed(self) -> list[Defect]:
        if not self._unlisted:
            return self.findings
        message = f"{self._unlisted} more findings of this account are not listed"
        return [*self.findings, Defect("ledger", "more-findings", "the device's ledger", message)]

    def fork(self, seq: int) -> None:
        if seq not in self._forks:
            self.find("ledger-fork", f"entry {seq}", FORK)
        self._forks.add(seq)

    def follow(self, seq: int, written: bytes) -> None:
        """Which recordings the device says that it made: of each something must be here."""
        try:
            entry = parse_line(written, seq=seq)
        except LedgerError:
            return
        recording = _text(entry.get("recording"))
        match entry["kind"]:
            case "recording-open" if recording:
                self._opened.setdefault(recording, seq)
                if len(self._opened) > _MOST_OPEN:
                    self._end(next(iter(self._opened)))
            case "recording-closed" if recording in self._opened:
                self._end(recording)
            case "given-up" if entry.get("stream") == KEY_PACKET_STREAM:
                self._note_here({recording} if self._opened.pop(recording, None) is not None else set())
            case "start" | "blind-since":
                for one in list(self._opened):
                    self._end(one)
            case _:
                pass

    def _end(self, recording: str) -> None:
        self._ended[recording] = self._opened.pop(recording)
        if len(self._ended) >= _PAGE:
            self._check_ended()

    def _note_here(self, recordings: Collection[str]) -> set[str]:
        with self._database.reading() as connection:
            here = queries.recordings_here(connection, self._device.id, recordings)
        self._here.extend(map(hash, here))
        return here

    def _check_ended(self) -> None:
        """Of what a PC made something is here, or it was erased."""
        ended, self._ended = self._ended, {}
        here = self._note_here([one for one, seq in ended.items() if seq is not None])
        with self._database.reading() as connection:
            here |= queries.recordings_here(connection, self._device.id, ended.keys() - here)
            gone = ended.keys() - here
            gone -= erasure.explained(connection, gone, self._device.id)
        for recording, seq in ended.items():
            if recording in gone:
                where = "the device's last report" if seq is None else f"entry {seq}"
                self.find("no-recording", where, f"recording {recording} was made, and nothing of it is here")

    def _check_recordings(self, report: DeviceReport | None) -> None:
        if report is not None and report.recording is not None and any(report.receipted.values()):
            # Receipts were given for its chunks: it counts also while it goes on, or before its opening has come.
            self._ended.setdefault(str(report.recording), self._opened.get(str(report.recording)))
        self._note_here(self._opened)
        self._check_ended()

    def last_words(self) -> tuple[DeviceReport | None, tuple[int, str] | None]:
        """(what the device last signed of its ends, what it says beside that of its account's: next number, hash)."""
        with self._database.reading() as connection:
            reported_end = queries.reported_end(connection, self._device.id)
        return self._report(), reported_end

    def end(self, following: int, report: DeviceReport | None, reported_end: tuple[int, str] | None) -> None:
        """What the chain cannot vouch for: its own end, and what the device signed beside it."""
        device = self._device.id
        self._check_recordings(report)
        with self._database.reading() as connection:
            alarms = alarms_without_recording(connection, device)
            # What stands beside the report is not signed.
            next_, head = (reported_end or (0, ZERO)) if report is None else report.ledger
            whole = queries.ledger_is_whole(connection, device)
            known = queries.ledger_hashes(connection, device, next_ - 1, next_ - 1)
            named = max(next_, reported.ledger_next(connection, device))
        if not whole:
            self.find("changed-catalog", "the device's ledger", NOT_WHOLE)
        if named > following:
            self.notes.append(f"{named - following} entries are still on their way")
        elif next_ and known.get(next_ - 1, head) != head:
            self.find("wrong-head", f"entry {next_ - 1}", "the device's last health named another hash of it")
        if report is not None and report.confirmed > following:
            self.find("ledger-cut", f"entries {following} to {report.confirmed - 1}", CUT)
        lines = SignedLedger(self._database, self._device)
        for accepted in (False, True):
            for first, token in self._beside(accepted=accepted):
                self.take(list(lines.verified(token, f"{'' if accepted else 'refused '}batch from entry {first}")))
                if (forked := lines.contradicted_from(self.unsigned)) is not None:
                    self.fork(forked)
        for alarm in alarms:
            where = f"entry {alarm.sequence}" if alarm.sequence is not None else "device"
            if any((one.code, one.where) == (alarm.code, where) for one in self.findings):
                continue
            self.find(alarm.code, where, "the store raised this alarm when it was received", "alarm")

    def _beside(self, *, accepted: bool) -> Iterator[tuple[int, str]]:
        """(first entry, JWS) of each batch that the walk did not come by."""
        after = -1
        while True:
            with self._database.reading() as connection:
                batch = queries.batch_beside(connection, self._device.id, accepted=accepted, after=after)
            if batch is None:
                return
            after, first, token = batch
            yield first, token

    def _report(self) -> DeviceReport | None:
        """What the device last reported of its ends, signed; None where it did not sign it."""
        with self._database.reading() as connection:
            token = queries.device_report(connection, self._device.id)
        if token is None:
            return None
        try:
            report = DeviceReport.verify(token, self._device.evidence_key)
        except ProtocolError as error:
            self.find(error.code, "the device's last report", str(error))
            return None
        if report.device != self._device.id:
            self.find("misplaced", "the device's last report", OTHER_DEVICE)
            return None
        return report
