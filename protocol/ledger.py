"""The device's endless account as bytes: one JSON line an entry, each carrying the hash of the line before it.

Both sides walk the same chain: the agent when it starts, the store when a batch arrives, the auditor years later.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import jws
from protocol.claims import VERSION, Claims, parse_object
from protocol.errors import LedgerError, SignatureError

ZERO: Final = "0" * 64  # `prev` of a device's very first entry
MAX_LINE: Final = 64 * 2**10  # bytes
MAX_TEXT: Final = 200  # characters of a text in a name that docs/envelope.md lists
MAX_DEPTH: Final = 16  # objects and lists within each other; `heads` has three
# Commas, brackets and braces that open, also those within texts: no line has more values than that, and it is known
# before the line is read. Heads of 256 streams have 769 of them; a small value takes twenty times its bytes in memory.
MAX_VALUES: Final = 4_096
MAX_RULES: Final = 1_000  # that an agent names in one entry


def line(seq: int, prev: str, *, at: int, wall: int, kind: str, **fields: object) -> bytes:
    """One entry as it is stored, hashed and sent: JSON in UTF-8, no line feed.

    `at`: ns of the device's clock that never jumps; `wall`: ns since 1970 as the PC believes it.
    """
    entry = {"v": VERSION, "seq": seq, "at": at, "wall": wall, "kind": kind, **fields, "prev": prev}
    try:
        written = json.dumps(entry, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8")
    except UnicodeEncodeError:
        raise LedgerError("bad-line", f"ledger entry {seq}: a text in it is no Unicode", seq=seq) from None
    if len(written) > MAX_LINE:
        raise LedgerError("oversized", f"ledger entry {seq}: {len(written)} bytes, {MAX_LINE} are allowed", seq=seq)
    return written


def line_hash(written: bytes) -> str:
    """Hex SHA-256 of a line without its line feed: the next entry's `prev`."""
    return hashlib.sha256(written).hexdigest()


def parse_line(written: bytes, *, seq: int) -> dict[str, object]:
    """The entry, its own fields checked for their shape. `seq` only says which line it is in the message."""
    if len(written) > MAX_LINE:
        raise LedgerError("oversized", f"ledger entry {seq}: {len(written)} bytes, {MAX_LINE} are allowed", seq=seq)
    if values_of(written) > MAX_VALUES:
        raise LedgerError("bad-line", f"ledger entry {seq}: more than {MAX_VALUES} values", seq=seq)
    try:
        entry = parse_object(written)
    except ValueError as error:
        raise LedgerError("bad-line", f"ledger entry {seq}: {error}", seq=seq) from None
    claims = Claims(entry, f"ledger entry {seq}", partial(LedgerError, seq=seq))
    for name in ("seq", "at", "wall"):
        claims.integer(name)
    claims.text("kind")
    claims.hex256("prev")
    if _too_deep(entry):
        raise LedgerError("bad-line", f"ledger entry {seq}: more than {MAX_DEPTH} levels of objects and lists", seq=seq)
    return entry


def values_of(written: bytes) -> int:
    """How many values a line has, at most."""
    return written.count(b",") + written.count(b"[") + written.count(b"{")


def _too_deep(entry: dict[str, object]) -> bool:
    """Without recursion: what parsed on a short stack must not break a reader with a longer one."""
    level: list[object] = [entry]
    for _ in range(MAX_DEPTH):
        if not level:  # at once, of nearly every line: each is parsed again wherever it is read
            return False
        inside = [member for value in level for member in _members(value)]
        level = [member for member in inside if isinstance(member, dict | list)]
    return bool(level)


def _members(value: object) -> Iterable[object]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


class Walk:
    """A way through lines which should continue after hash `prev` with number `seq`, one after another.

    After a mistake it goes on from the line as it is, so that one break is told once. Codes: bad-line, bad-field,
    oversized, unknown-version, unknown-critical, wrong-seq (lines are missing, repeated or swapped), broken-chain (the
    line before was changed).
    """

    def __init__(self, prev: str = ZERO, seq: int = 0) -> None:
        self._prev = prev
        self._seq = seq

    def step(self, written: bytes) -> list[LedgerError]:
        """What is wrong with the next line."""
        seq, mistakes = self._seq, list[LedgerError]()
        try:
            entry = parse_line(written, seq=seq)
        except LedgerError as mistake:
            mistakes.append(mistake)
        else:
            mistakes += _not_understood(entry, seq)
            if entry["seq"] != seq:
                message = f"ledger entry {seq}: number {entry['seq']} stands in its place"
                mistakes.append(LedgerError("wrong-seq", message, seq=seq))
                seq = int(str(entry["seq"]))
            elif entry["prev"] != self._prev:
                message = f"ledger entry {seq}: the entry before it is not as it was"
                mistakes.append(LedgerError("broken-chain", message, seq=seq))
        self._prev, self._seq = line_hash(written), seq + 1
        return mistakes


def walk(lines: Iterable[bytes], prev: str = ZERO, seq: int = 0) -> tuple[LedgerError, ...]:
    """Everything that is wrong with a run of lines (see Walk)."""
    way = Walk(prev, seq)
    return tuple(mistake for written in lines for mistake in way.step(written))


def _not_understood(entry: dict[str, object], seq: int) -> list[LedgerError]:
    """Its place in the chain can be told all the same: whose reader is older can still show it."""
    try:
        Claims(entry, f"ledger entry {seq}", partial(LedgerError, seq=seq)).check_format()
    except LedgerError as mistake:
        return [mistake]
    return []


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive lines of one device, numbers `first` to `last`, signed by its evidence key."""

    device: str
    first: int
    last: int
    lines: tuple[bytes, ...]

    @property
    def prev(self) -> str:
        """What the entry before `first` must hash to."""
        return str(parse_line(self.lines[0], seq=self.first)["prev"])

    @property
    def head(self) -> str:
        """Hash of the last line."""
        return line_hash(self.lines[-1])

    def payload(self) -> dict[str, object]:
        return {
            "device": self.device,
            "first": self.first,
            "last": self.last,
            "lines": [written.decode("utf-8") for written in self.lines],
        }

    def sign(self, evidence_key: Ed25519PrivateKey) -> str:
        return jws.sign(jws.LEDGER, self.payload(), evidence_key)

    @classmethod
    def verify(cls, token: str, key: jws.Keys) -> Batch:
        """The batch, signed and whole within itself; the caller compares `first` and `prev` with what it has.

        Raises SignatureError (as `jws.verify`; bad-field) and LedgerError (as `walk`; bad-count).
        """
        return cls.read(jws.verify(jws.LEDGER, token, key))

    @classmethod
    def read(cls, payload: Mapping[str, object]) -> Batch:
        """From a `payload`, whose signature is somebody else's business. Raises as `verify`."""
        claims = Claims(payload, "ledger batch", SignatureError)
        batch = cls(
            device=claims.text("device"),
            first=claims.integer("first"),
            last=claims.integer("last"),
            lines=tuple(written.encode("utf-8") for written in claims.texts("lines")),
        )
        if not batch.lines or batch.last - batch.first + 1 != len(batch.lines):
            raise LedgerError(
                "bad-count",
                f"ledger batch: entries {batch.first} to {batch.last} cannot be {len(batch.lines)} lines",
                seq=batch.first,
            )
        for mistake in walk(batch.lines, batch.prev, batch.first):
            raise mistake
        return batch
