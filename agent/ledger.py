"""The device's endless account on disk: chained, durable before what it records happens, sent on in signed batches.

    <folder>/segment-<number of its first entry>   JSON lines, then zeros up to the size it was made with
    <folder>/spare                                 zeros: the next segment, there before it is needed
    <folder>/sent                                  the first entry that the store has not confirmed

Segments are written in advance, so that an entry costs one flush and fits on a disk that has become full since.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent import durable
from agent.core.model.times import SECOND
from agent.errors import EnvironmentFault, Transient, Untrusted
from agent.ports import Clock, DeviceKeys
from protocol.errors import LedgerError
from protocol.ledger import MAX_RULES, ZERO, Batch, line, line_hash, parse_line, walk

log = logging.getLogger(__name__)

SEGMENT_SIZE: Final = 256 * 2**10  # bytes; about a thousand entries
KEPT_SEGMENTS: Final = 16  # of those that the store has whole; older ones are removed
BATCH_LINES: Final = 500
BATCH_BYTES: Final = 512 * 2**10  # of lines: signed and in base64 they stay below protocol.api.MAX_LEDGER_BODY
BATCH_AGE: Final = 10 * SECOND

_SEGMENT: Final = "segment-"
_RUN_OR_RECORDING: Final = re.compile(rb'"recording":|"kind":"(start|stop)"')  # as `protocol.ledger.line` writes it
# A line overwrites zeros of its file, so its size and place are on disk already and need no second flush.
_flush = getattr(os, "fdatasync", os.fsync)


@dataclass(frozen=True, slots=True)
class _Segment:
    first: int
    path: Path


class DiskLedger:
    """`agent.ports.Ledger` in `folder`, and what uploading asks of it. Safe from any thread.

    Opening recovers: a torn last line is cut, the chain goes on, and an end without a `stop` becomes an entry
    {"kind": "blind-since", "from", "from_wall", "to", "boot", "why": "died"}: `from` and `from_wall` are `at` and
    `wall` of the last sign of life, `to` is now, on the clock of `boot`: after a reboot only the wall times compare.
    Raises EnvironmentFault when the folder cannot be used.
    """

    def __init__(self, folder: Path, clock: Clock, *, device: str, keys: DeviceKeys) -> None:
        self._folder = folder
        self._clock = clock
        self._device = device
        self._keys = keys
        self._lock = threading.Lock()
        self._next = 0  # number of the next entry
        self._prev = ZERO
        self._sent = 0
        self._signed = 0  # number of the first entry that the keys have not signed since the start
        self._waiting_since: int | None = None  # `at` of the oldest entry that the store has not confirmed
        self._used = 0  # bytes of the last segment
        self._without_spare = False  # said once, not with each entry
        try:
            durable.make_folder(folder)
            if durable.overwrite_in_place(folder):
                # A version that did not ask for it laid this by: it is of no use on a full disk, and made anew below.
                (folder / "spare").unlink(missing_ok=True)
            self._segments = self._find_segments()
            last = self._recover()
        except OSError as failure:
            raise EnvironmentFault(f"the ledger in {folder} cannot be used: {failure.strerror}") from failure
        except LedgerError as damage:
            raise EnvironmentFault(
                f"the ledger in {folder} is damaged ({damage}): keep the folder for the store's operator, enrol anew"
            ) from damage
        if last and last["kind"] != "stop":
            since = {"from": last["at"], "from_wall": last["wall"], "to": clock.now(), "boot": clock.boot()}
            self.write("blind-since", why="died", **since)

    # -- writing --------------------------------------------------------------------------------------------------

    def write(self, kind: str, **fields: object) -> None:
        """Durable when it returns. Raises Transient when the disk did not take it: what it records must not happen."""
        with self._lock:
            at = self._clock.now()
            if isinstance(rules := fields.get("rules"), list):
                fields["rules"] = rules[:MAX_RULES]  # who refuses an entry for its size refuses all that follow
            written = line(self._next, self._prev, at=at, wall=self._clock.wall(), kind=kind, **fields)
            try:
                self._append(written + b"\n")
            except OSError as failure:
                why = errno.errorcode.get(failure.errno or 0, "OSError")
                raise Transient(f"the ledger's disk refused an entry ({why})") from failure
            self._next += 1
            self._prev = line_hash(written)
            if self._waiting_since is None:
                self._waiting_since = at

    def _append(self, text: bytes) -> None:
        if self._used + len(text) > SEGMENT_SIZE:
            self._begin_segment()
        try:
            _overwrite(self._segments[-1].path, self._used, text)
        except OSError:
            # The flush failed, and no second flush of this file can be believed (see agent.durable): the same line
            # begins a new file. Where the old one kept it after all, reading sees it twice and takes it once.
            self._begin_segment()
            _overwrite(self._segments[-1].path, 0, text)
        self._used += len(text)
        self._prepare_spare()

    def _begin_segment(self) -> None:
        segment = _Segment(self._next, self._folder / f"{_SEGMENT}{self._next:012d}")
        spare = self._folder / "spare"
        if not spare.exists():
            durable.write(spare, bytes(SEGMENT_SIZE))
        spare.replace(segment.path)
        durable.sync_folder(self._folder)
        self._segments = [s for s in self._segments if s.path != segment.path] + [segment]
        self._used = 0

    def _prepare_spare(self) -> None:
        """While the disk is full there is what is left of this segment; each later entry tries again."""
        spare = self._folder / "spare"
        if not spare.exists():
            try:
                durable.write(spare, bytes(SEGMENT_SIZE))
            except OSError as failure:
                if not self._without_spare:
                    log.warning("no room to write the ledger in advance: %s", failure.strerror)
                self._without_spare = True
                return
        self._without_spare = False

    # -- reading --------------------------------------------------------------------------------------------------

    def entries(self, since: int) -> list[dict[str, object]]:
        """From wall time `since` (ns since 1970) on and some before, oldest first; damaged lines are left out."""
        found: list[dict[str, object]] = []
        with self._lock:
            for place in reversed(range(len(self._segments))):
                read = [parse_line(text, seq=0) for text in self._lines(place) if _number(text) is not None]
                found[:0] = read
                if read and int(str(read[0]["wall"])) < since:
                    break
        return found

    def last_run(self) -> list[dict[str, object]]:
        """From the last `start` on, oldest first: of what concerns no recording only that entry and `stop`."""
        found: list[dict[str, object]] = []
        with self._lock:
            for place in reversed(range(len(self._segments))):
                for text in reversed(self._lines(place)):
                    if not _RUN_OR_RECORDING.search(text) or _number(text) is None:
                        continue
                    found.append(parse_line(text, seq=0))
                    if found[-1]["kind"] == "start":
                        return found[::-1]
        return found[::-1]

    # -- sending --------------------------------------------------------------------------------------------------

    def head(self) -> tuple[int, str]:
        """(number of the next entry, hash of the last)."""
        with self._lock:
            return self._next, self._prev

    def sent(self) -> int:
        """Number of the first entry that the store has not confirmed."""
        with self._lock:
            return self._sent

    def due(self, *, at_once: bool = False) -> str | None:
        """The next signed batch (JWS) if entries have waited 10 s or 500 are there, or any `at_once`; else None.

        All later entries are signed too, although the store cannot take them yet: while it is away, no other account
        can take their place where the keys service has the keys. Raises as `DeviceKeys`.
        """
        with self._lock:
            count = self._next - self._sent
            if self._waiting_since is None or not count:
                return None
            if not (at_once or count >= BATCH_LINES or self._clock.now() - self._waiting_since >= BATCH_AGE):
                return None
            batch = self._batch(self._sent)
        if batch is None:
            return None  # all of them damaged on this disk: the next good one shows it to the store
        signed = self._keys.batch(batch)
        self._signed = max(self._signed, batch.last + 1)
        self._sign_ahead()
        return signed

    def _sign_ahead(self) -> None:
        while True:
            with self._lock:
                batch = self._batch(self._signed) if self._signed < self._next else None
            if batch is None:
                return
            self._keys.batch(batch)
            self._signed = batch.last + 1

    def _batch(self, since: int) -> Batch | None:
        first, lines = self._whole_from(since)
        return Batch(self._device, first, first + len(lines) - 1, tuple(lines)) if lines else None

    def _whole_from(self, since: int) -> tuple[int, list[bytes]]:
        """(number of the first, lines): a run of whole lines from the first one after `since` that this PC has."""
        lines: list[bytes] = []
        first, size = since, 0
        begin = max((place for place, s in enumerate(self._segments) if s.first <= since), default=0)
        for place in range(begin, len(self._segments)):
            start = self._segments[place].first
            skipped = max(0, since - start)
            for number, written in enumerate(self._lines(place)[skipped:], start + skipped):
                if number >= self._next:  # the disk refused it: it can be read, and may never be sent
                    return first, lines
                if _number(written) != number:  # damaged on the disk: the store will ask for it, and so find out
                    continue
                if lines and (number != first + len(lines) or size + len(written) > BATCH_BYTES):
                    return first, lines
                if len(lines) == BATCH_LINES:
                    return first, lines
                first = first if lines else number
                lines.append(written)
                size += len(written)
        return first, lines

    def _lines(self, place: int) -> list[bytes]:
        """A segment's lines, in number order from its first. What the next segment says again was refused here."""
        lines, _ = _whole_lines(durable.read(self._segments[place].path))
        after = self._segments[place + 1 :]
        return lines[: after[0].first - self._segments[place].first] if after else lines

    def confirmed(self, next_: int, head: str) -> None:
        """The store's word: it waits for entry `next_`, and the one before it hashes to `head`.

        Raises Untrusted when that is not this ledger: the store has entries that were never written here, or others.
        """
        with self._lock:
            if next_ > self._next or self._hash_before(next_) not in {head, ""}:
                raise Untrusted(
                    "the store's copy of this PC's ledger is not this ledger: was its state folder replaced? "
                    "Nothing is lost; enrol this PC anew, and let the store's operator see both"
                )
            self._sent = next_
            self._waiting_since = self._clock.now() if next_ < self._next else None
            self._remember_sent()
            self._remove_old()

    def _hash_before(self, number: int) -> str:
        """Hash of entry `number` - 1; "" where that entry is no longer kept here."""
        if number == self._next:
            return self._prev
        if number == 0:
            return ZERO
        for place in reversed(range(len(self._segments))):
            before = number - 1 - self._segments[place].first
            if before >= 0:
                lines = self._lines(place)
                return line_hash(lines[before]) if before < len(lines) else ""
        return ""

    def _remember_sent(self) -> None:
        # Not flushed: if it is lost, the store says again where to go on. So a full disk is no reason to stop sending,
        # which alone makes room on it.
        temporary = self._folder / f"{durable.TEMPORARY}sent"
        try:
            temporary.write_text(f"{self._sent}\n", encoding="ascii")
            temporary.replace(self._folder / "sent")
        except OSError as failure:
            log.warning("how far the ledger was sent could not be noted: %s", failure.strerror)

    def _remove_old(self) -> None:
        whole = [s for s, after in zip(self._segments, self._segments[1:], strict=False) if after.first <= self._sent]
        for segment in whole[:-KEPT_SEGMENTS]:
            segment.path.unlink()
            self._segments.remove(segment)

    # -- at the start ---------------------------------------------------------------------------------------------

    def _find_segments(self) -> list[_Segment]:
        for temporary in self._folder.glob(f"{durable.TEMPORARY}*"):
            temporary.unlink()
        paths = sorted(self._folder.glob(f"{_SEGMENT}*"))
        return [_Segment(int(path.name.removeprefix(_SEGMENT)), path) for path in paths]

    def _recover(self) -> dict[str, object]:
        """Continue after the last whole line; that entry, or {} where there is none."""
        last: dict[str, object] = {}
        if self._segments:
            tail = self._segments[-1].path
            self._used = _whole_lines(durable.read(tail))[1]
            _cut(tail, self._used)
        for place in reversed(range(len(self._segments))):
            lines = self._lines(place)
            if lines:
                first = self._segments[place].first
                for mistake in walk(lines, _claimed_prev(lines[0]), first):
                    log.warning("the ledger is damaged on this disk: %s", mistake)
                last = parse_line(lines[-1], seq=first)
                self._next = first + len(lines)
                self._prev = line_hash(lines[-1])
                break
        if not self._segments:
            self._begin_segment()
        self._prepare_spare()
        self._sent = self._signed = self._read_sent()
        if self._sent < self._next:
            self._waiting_since = self._clock.now() - BATCH_AGE
        durable.sync_folder(self._folder)
        return last

    def _read_sent(self) -> int:
        return min(_sent_until(self._folder), self._next)


def has_unsent(folder: Path) -> bool:
    """Whether a ledger lies there whose last entries the store has not confirmed. Changes nothing.

    Raises EnvironmentFault where it cannot be read.
    """
    segments = sorted(folder.glob(f"{_SEGMENT}*"))
    if not segments:
        return False
    try:
        lines, _ = _whole_lines(durable.read(segments[-1]))
        following = int(segments[-1].name.removeprefix(_SEGMENT)) + len(lines)
        return _sent_until(folder) < following
    except (OSError, ValueError) as damage:
        why = damage.strerror if isinstance(damage, OSError) else "no name of a segment"
        raise EnvironmentFault(f"{segments[-1]}, of this PC's account, cannot be read: {why}") from None


def _sent_until(folder: Path) -> int:
    try:
        return int(durable.read(folder / "sent"))
    except (FileNotFoundError, ValueError):
        return 0


def _overwrite(path: Path, offset: int, text: bytes) -> None:
    with os.fdopen(durable.open_regular(path, os.O_RDWR), "r+b") as file:
        file.seek(offset)
        file.write(text)
        file.flush()
        _flush(file.fileno())


def _cut(path: Path, used: int) -> None:
    """Zeros after the last whole line, and up to the segment's size.

    The lines too are written anew: those that a failed flush left in memory can be read, and are on no disk.
    """
    content = durable.read(path)
    _overwrite(path, 0, content[:used] + bytes(max(len(content), SEGMENT_SIZE) - used))


def _whole_lines(content: bytes) -> tuple[list[bytes], int]:
    """The lines that were written whole, and how many bytes they take. Only the last write can have been torn."""
    written, _, _ = content.rstrip(b"\0").rpartition(b"\n")
    lines = written.split(b"\n") if written else []
    if lines and _number(lines[-1]) is None:  # its line feed reached the disk before its middle did
        lines.pop()
    return lines, sum(len(text) + 1 for text in lines)


def _number(written: bytes) -> int | None:
    """The entry's number; None where the line is damaged."""
    try:
        return int(str(parse_line(written, seq=0)["seq"]))
    except LedgerError:
        return None


def _claimed_prev(written: bytes) -> str:
    try:
        return str(parse_line(written, seq=0)["prev"])
    except LedgerError:
        return ZERO
