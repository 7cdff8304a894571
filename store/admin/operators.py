"""The operators' log: who opened or listed recordings here, when, and how it ended. A line of JSON an entry.

It is only ever added to. Each entry has the SHA-256 of the line before it, so that one that was changed, removed or
moved shows; a second small file says how far the log came, so that a shortened end shows too. An act is noted before it
begins: one that is killed has left its beginning. No entry has a title, an address or content.

Who may write the store's folder can write both files anew (docs/threat-model.md).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from protocol.claims import Claims, parse_object
from protocol.errors import ProtocolError
from protocol.os_user import os_user, whole
from protocol.system import ON_LINUX, ON_WINDOWS
from store.errors import StoreError
from store.files import lock, owned_as, sync_folder, write_all

NAME: Final = "operators.jsonl"
HEAD: Final = "operators.head"
START: Final = "0" * 64  # what the first entry has in place of a hash
BEGIN: Final = "begin"
END: Final = "end"
MENDED: Final = "mended"  # the log was not as it was left
TORN: Final = "torn"
CHANGED: Final = "changed"
_UNSET: Final = 2**32 - 1  # the login uid of what no person's login started


@dataclass(frozen=True, slots=True)
class Head:
    """How far the log came: how many lines, where the last begins and ends (bytes), and its hash."""

    lines: int
    start: int
    end: int
    hash: str


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """`line`: from 1; 0 is the log as a whole."""

    line: int
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}" if self.line else self.message


@dataclass(frozen=True, slots=True)
class Checked:
    """`entries`: those that can be read, in order. `head`: hash of the last line; START in an empty log."""

    entries: tuple[dict[str, Any], ...]
    findings: tuple[Discrepancy, ...]
    head: str


class OperatorsLog:
    """In the store's folder `home`."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self.path = home / NAME
        self._head_path = home / HEAD

    def begin(self, act: str, **facts: object) -> int:
        """Notes that an act begins, and by whom, durably; the entry's line. Raises StoreError: then it must not."""
        try:
            return self._append({"what": BEGIN, "act": act, **_who(), **facts})
        except OSError as error:
            raise StoreError(
                f"{self.path} cannot be written ({error.strerror or error}): nothing was opened or shown, because each "
                "such act must be noted there first"
            ) from None

    def end(self, line: int, outcome: str, **facts: object) -> None:
        """How the act ended that began on `line`. Raises StoreError."""
        try:
            self._append({"what": END, "of": line, "outcome": outcome, **facts})
        except OSError as error:
            raise StoreError(
                f"{self.path} cannot be written ({error.strerror or error}): what was asked for has happened "
                f"({outcome}), and its end is not noted"
            ) from None

    def check(self, noted: str | None = None) -> Checked:
        """Reads the whole log and holds it against itself and against its head. Raises StoreError.

        `noted`: the hash of an entry that was noted elsewhere and must be in it.
        """
        try:
            with self._alone(os.O_RDONLY) as opened:
                return _check(_read(opened), self._head(), noted)
        except FileNotFoundError:
            return _check(b"", self._head(), noted)
        except OSError as error:
            raise StoreError(f"{self.path} cannot be read: {error.strerror or error}") from None

    # -- writing --------------------------------------------------------------------------------------------------

    def _append(self, entry: Mapping[str, object]) -> int:
        with self._alone(os.O_RDWR | os.O_CREAT | os.O_APPEND) as opened:
            head, written, mend = self._end_of(opened)
            size = os.fstat(opened).st_size
            for one in (*mend, entry):
                line = _line(head, one)
                start = size + len(written)
                written += line + b"\n"
                head = Head(head.lines + 1, start, start + len(line) + 1, _hash(line))
            try:
                write_all(opened, written)
                os.fsync(opened)
            except OSError:
                with contextlib.suppress(OSError):
                    os.ftruncate(opened, size)  # no receipt or answer has gone out for it
                raise
            self._write_head(head)
            return head.lines

    def _end_of(self, opened: int) -> tuple[Head, bytes, list[dict[str, object]]]:
        """Where the log ends now, and what to write first: entries about what is not as it was left. A power cut may
        leave a line half written: it becomes one that is no entry, so that nothing is taken away.
        """
        left = self._head()
        size = os.fstat(opened).st_size
        if left is not None and left.end == size and _hash(_read(opened, left.start, size - 1)) == left.hash:
            return left, b"", []
        content = _read(opened)
        head, newline = _last(content), b""
        mend: list[dict[str, object]] = []
        if head.end < size:
            torn = content[head.end :]
            mend.append({"what": MENDED, "why": TORN, "bytes": len(torn)})
            head, newline = Head(head.lines + 1, head.end, size + 1, _hash(torn)), b"\n"
        if not _reaches(content, left):
            mend.append({"what": MENDED, "why": CHANGED, "was": None if left is None else asdict(left)})
        return head, newline, mend

    def _head(self) -> Head | None:
        try:
            claims = Claims(parse_object(self._head_path.read_bytes()), HEAD, ProtocolError)
            return Head(claims.integer("lines"), claims.integer("start"), claims.integer("end"), claims.hex256("hash"))
        except (FileNotFoundError, ValueError):
            return None

    def _write_head(self, head: Head) -> None:
        """The folder is not synced: after a power cut the head may be an older one, and the log reaches that too."""
        part = self._head_path.with_suffix(".part")
        opened = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _NOFOLLOW, 0o600)
        try:
            owned_as(opened, self._home)
            write_all(opened, json.dumps(asdict(head)).encode() + b"\n")
            os.fsync(opened)
        finally:
            os.close(opened)
        part.replace(self._head_path)

    @contextmanager
    def _alone(self, flags: int) -> Iterator[int]:
        opened = os.open(self.path, flags | _NOFOLLOW, 0o600)
        try:
            lock(opened, wait=True)
            if flags & os.O_CREAT and not os.fstat(opened).st_size:
                owned_as(opened, self._home)
                sync_folder(self._home)
            yield opened
        finally:
            os.close(opened)


_NOFOLLOW: Final = getattr(os, "O_NOFOLLOW", 0)


def _hash(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()


def _line(before: Head, entry: Mapping[str, object]) -> bytes:
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    return json.dumps({"line": before.lines + 1, "before": before.hash, "at": at, **entry}).encode("ascii")


def _read(opened: int, start: int = 0, end: int | None = None) -> bytes:
    os.lseek(opened, start, os.SEEK_SET)
    left = max(0, (os.fstat(opened).st_size if end is None else end) - start)
    parts = []
    while left and (part := os.read(opened, left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _last(content: bytes) -> Head:
    """The end of the whole lines."""
    end = content.rfind(b"\n") + 1
    start = content.rfind(b"\n", 0, max(0, end - 1)) + 1
    return Head(content.count(b"\n"), start, end, _hash(content[start : end - 1]) if end else START)


def _reaches(content: bytes, head: Head | None) -> bool:
    """Whether the log has what its head says, and perhaps more. A log without a head has one line at most: the head
    of the first is written just after it."""
    if head is None:
        return content.count(b"\n") <= 1
    return _last(content[: head.end]) == head


def _who() -> dict[str, object]:
    """The user that the system knows, and those that it was told of: who logged in, and who asked sudo."""
    who: dict[str, object] = {"host": socket.gethostname(), "user": os_user()}
    if ON_WINDOWS:
        return who
    who["uid"] = os.getuid()
    if ON_LINUX:
        with contextlib.suppress(OSError, ValueError):
            login = int(Path("/proc/self/loginuid").read_text("ascii"))
            if login != _UNSET:
                who["login_uid"] = login
    claimed = {"sudo_uid": os.environ.get("SUDO_UID", ""), "sudo_user": os.environ.get("SUDO_USER", "")}
    return who | {name: whole(text[:64]) for name, text in claimed.items() if text}


# -- checking -----------------------------------------------------------------------------------------------------


def _check(content: bytes, head: Head | None, noted: str | None) -> Checked:
    lines = content.split(b"\n")
    unfinished = lines.pop()
    read = [_parsed(line) for line in lines]
    findings: list[Discrepancy] = []
    before, begun = START, set[int]()
    for number, (line, entry) in enumerate(zip(lines, read, strict=True), 1):
        following = read[number] if number < len(read) else None
        if entry is not None:
            findings += _faults(number, entry, before, begun)
        elif following is None or (following.get("what"), following.get("why")) != (MENDED, TORN):
            findings.append(Discrepancy(number, "is no entry: it was changed"))
        before = _hash(line)
    if noted is not None and noted not in {START, *map(_hash, lines)}:
        findings.append(Discrepancy(0, "no entry has the hash that was noted: the log was written anew"))
    if unfinished:
        findings.append(Discrepancy(len(lines) + 1, "was cut off while it was written; the next act notes that"))
    if not _reaches(content, head):
        was = "its head is missing or damaged" if head is None else f"it had {head.lines} lines when it was left"
        findings.append(Discrepancy(0, f"the end of the log was changed or removed: {was}, and has {len(lines)} now"))
    return Checked(tuple(entry for entry in read if entry is not None), tuple(findings), before)


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        return parse_object(line)
    except ValueError:
        return None


def _faults(number: int, entry: Mapping[str, Any], before: str, begun: set[int]) -> Iterator[Discrepancy]:
    if entry.get("line") != number:
        said = json.dumps(entry.get("line"))
        yield Discrepancy(number, f"says that it is line {said}: lines were removed, added or moved")
    if entry.get("before") != before:
        yield Discrepancy(number, f"does not follow on what is before it: line {number - 1} or this one was changed")
    what, why, of = entry.get("what"), entry.get("why"), entry.get("of")
    if what == BEGIN:
        begun.add(number)
        if not isinstance(entry.get("recordings", []), list):
            yield Discrepancy(number, "is no entry of this log")
    elif what == END:
        if not isinstance(of, int) or of not in begun:
            yield Discrepancy(number, "ends what did not begin, or has ended before")
        else:
            begun.remove(of)
    elif what == MENDED and why == CHANGED:
        yield Discrepancy(number, f"the log was not as it was left when this was written: {_was(entry.get('was'))}")
    elif what != MENDED or why != TORN:
        yield Discrepancy(number, "is no entry of this log")


def _was(head: object) -> str:
    lines = head.get("lines") if isinstance(head, dict) else None
    return f"it had had {lines} lines" if isinstance(lines, int) else "its head was missing or damaged"


def outcomes(entries: Sequence[Mapping[str, Any]]) -> dict[int, Mapping[str, Any]]:
    """The end of each act, by the line on which it began."""
    return {entry["of"]: entry for entry in entries if entry.get("what") == END and isinstance(entry.get("of"), int)}
