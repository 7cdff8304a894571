"""Single entries of the log: each is read by its own proof of inclusion, and can be shown to others with it.

A page of a search has entries from all over the log. Hashing every block before each of them would read the log for a
page; the tiles lead from one entry to the signed checkpoint in some twenty hashes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from protocol.claims import parse_object
from protocol.numbers import is_integer
from review.audit import journal
from review.audit.cosigning import hashes, published
from review.audit.entries import Entry, ReadingKey, hashes_to, is_shredded
from review.audit.errors import AuditError
from review.audit.kinds import LARGEST_BODY, read_body, read_statement
from review.audit.notes import Checkpoint, VerifierKey, signed_checkpoint
from review.audit.tree import WIDTH, inclusion, leaf_hash, root_by

LARGEST: Final = 4 * LARGEST_BODY  # characters of a proof: a body in JSON may need escapes
_NAMES: Final = frozenset({"entry", "raw", "proof", "checkpoint"})
_BODY: Final = frozenset({"body", "salt"})


class SingleEntries:
    """Of one log as it is published now, and of what came since. Not for several threads at once."""

    def __init__(self, folder: Path, log: VerifierKey) -> None:
        """Raises AuditError: no-checkpoint, or as `signed_checkpoint`."""
        self._folder, self._log = folder, log
        self.note, self.point = published(folder, log)
        self._hashes = hashes(folder, self.point.size)
        self._block: tuple[int, list[journal.Record]] = (-1, [])
        self._newer: dict[int, journal.Acknowledged] | None = None

    def at(self, position: int) -> journal.Acknowledged:
        """As it was signed, or not at all. Raises AuditError: no-entry, damaged, tile-missing; OSError."""
        if position >= self.point.size:
            return self._unpublished(position)
        block, place = divmod(position, WIDTH)
        if self._block[0] != block:
            there = journal.records(journal.read_block(self._folder, block))
            self._block = block, [one for one in there if one.kind == journal.ENTRY]
        if place >= len(self._block[1]):
            raise AuditError("damaged", f"entry {position} is not where it was: `eyelid-review audit verify` says more")
        found = self._block[1][place]
        if root_by(leaf_hash(found.raw), position, self.point.size, self.steps(position)) != self.point.root:
            raise AuditError("damaged", f"entry {position} is not as it was signed: `eyelid-review audit verify`")
        return journal.Acknowledged(position, found.raw, found.rest, block, found.rest_at)

    def steps(self, position: int) -> list[bytes]:
        """Of a published entry: the hashes that lead from it to the checkpoint's root."""
        return inclusion(position, self.point.size, self._hashes)

    def _unpublished(self, position: int) -> journal.Acknowledged:
        if self._newer is None:
            groups = journal.groups(self._folder, self._log, self.point.size)
            self._newer = {one.position: one for group in groups for one in group.entries}
        if position not in self._newer:
            raise AuditError("no-entry", f"the log has no entry {position}")
        return self._newer[position]


def prove(entries: SingleEntries, key: ReadingKey, position: int) -> dict[str, object]:
    """A published entry with its body and proof, as `check` takes it. Raises as `at` and `ReadingKey.open`."""
    found = entries.at(position)
    entry = Entry.parse(found.raw)
    revealed: dict[str, object] = {}
    if not entry.statement and not is_shredded(found.rest):
        body, salt = key.open(entries.point.origin, found.position, entry, found.rest)
        revealed = {"body": body.decode("utf-8"), "salt": salt.hex()}
    steps = [step.hex() for step in entries.steps(position)]
    note = bytes(entries.note).decode("utf-8", "replace")
    return {"entry": position, "raw": found.raw.hex(), **revealed, "proof": steps, "checkpoint": note}


class Proven(NamedTuple):
    """`said`: the body or the statement; empty where the proof shows none."""

    position: int
    entry: Entry
    said: Mapping[str, Any]
    point: Checkpoint


def check(content: bytes, log: VerifierKey) -> Proven:
    """That the entry in a proof is in the log: offline, with its public key alone.

    Raises AuditError: malformed-proof, not-in-the-log, body-changed, or as `signed_checkpoint` and `Entry.parse`.
    """
    read = _Proof.parse(content)
    point = signed_checkpoint(read.note, log)
    if root_by(leaf_hash(read.raw), read.position, point.size, read.steps) != point.root:
        message = f"entry {read.position} is not in the log over which its checkpoint was signed, or not at that place"
        raise AuditError("not-in-the-log", message)
    entry = Entry.parse(read.raw)
    if entry.statement:
        return Proven(read.position, entry, read_statement(entry.statement), point)
    if not read.body:
        return Proven(read.position, entry, {}, point)
    if not hashes_to(entry, read.salt, read.body):
        raise AuditError("body-changed", f"entry {read.position}: the body that is shown is not the one that was noted")
    return Proven(read.position, entry, read_body(read.body), point)


@dataclass(frozen=True, slots=True)
class _Proof:
    position: int
    raw: bytes
    body: bytes
    salt: bytes
    steps: list[bytes]
    note: bytes

    @classmethod
    def parse(cls, content: bytes) -> _Proof:
        """Raises AuditError ("malformed-proof")."""
        try:
            if len(content) > LARGEST:
                raise ValueError("too large")  # noqa: TRY301 - said below, as every other fault
            values = parse_object(content)
            if values.keys() not in (_NAMES, _NAMES | _BODY) or not is_integer(values["entry"]):
                raise ValueError("other fields")  # noqa: TRY301
            raw, body, salt, note = (_text(values.get(name, "")) for name in ("raw", "body", "salt", "checkpoint"))
            steps = values["proof"]
            if not isinstance(steps, list):
                raise ValueError("no list")  # noqa: TRY301, TRY004
            return cls(
                values["entry"], bytes.fromhex(raw), body.encode(), bytes.fromhex(salt),
                [bytes.fromhex(_text(one)) for one in steps], note.encode(),
            )  # fmt: skip
        except ValueError:
            message = "no proof of an entry, as `eyelid-review audit prove` prints it"
            raise AuditError("malformed-proof", message) from None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("no text")  # noqa: TRY004 - a fault of the file, as every other
    return value


def written(proof: Mapping[str, object]) -> str:
    return json.dumps(proof, ensure_ascii=False, indent=1) + "\n"
