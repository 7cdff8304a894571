"""Another machine vouches that the log only ever grew: a cosigner signs a checkpoint if it continues the one that it
signed last, and never one that does not (https://c2sp.org/tlog-cosignature).
"""

from __future__ import annotations

import os
from pathlib import Path

from review.audit import journal
from review.audit.errors import AuditError
from review.audit.notes import Checkpoint, Note, Signer, VerifierKey, cosign, signed_checkpoint, verify
from review.audit.tree import EMPTY, HashAt, from_tiles, root, tile_path
from store.files import lock, write_over


def hashes(folder: Path, size: int) -> HashAt:
    """Those of the published tree of `size` entries. What it gives raises AuditError ("tile-missing")."""

    def read(level: int, index: int, width: int) -> bytes:
        for path in (tile_path(str(level), index, width), tile_path(str(level), index)):
            try:
                content = (folder / path).read_bytes()[: width * 32]
            except OSError:
                continue
            if len(content) == width * 32:
                return content
        raise AuditError("tile-missing", f"{folder / tile_path(str(level), index, width)} is missing or cut short")

    return from_tiles(size, read)


def published(folder: Path, log: VerifierKey) -> tuple[Note, Checkpoint]:
    """Raises AuditError: no-checkpoint, or as `signed_checkpoint`."""
    try:
        content = (folder / journal.CHECKPOINT).read_bytes()
    except OSError:
        message = f"{folder / journal.CHECKPOINT} cannot be read: nothing says how long the log is"
        raise AuditError("no-checkpoint", message) from None
    return Note.parse(content), signed_checkpoint(content, log)


def check_continues(folder: Path, old: Checkpoint, new: Checkpoint) -> None:
    """That the tiles of `new` lead from `old` to it. Raises AuditError: cut, forked, changed, tile-missing."""
    if new.size < old.size:
        message = f"it has {new.size} entries now, and had {old.size} when it was signed before"
        raise AuditError("cut", f"the end of the log was cut off, or an old copy was given: {message}")
    at = hashes(folder, new.size)
    if root(new.size, at) != new.root:
        raise AuditError("changed", "the tiles are not those over which the checkpoint was signed")
    if root(old.size, at) != old.root:
        message = f"its first {old.size} entries are not those that were signed before"
        raise AuditError("forked", f"this is another log, or it was written anew: {message}")


def cosign_log(folder: Path, log: VerifierKey, cosigner: Signer, last: Path, seconds: int) -> tuple[Note, int | None]:
    """The cosigned checkpoint of the copy in `folder`, and how many entries the one before had (None for the first).

    `last`: the file with the note that was signed before; the new one stands there, durably, when this returns.
    Raises AuditError, as `check_continues` and `signed_checkpoint`; OSError.
    """
    opened = os.open(last.with_name(f".{last.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        lock(opened, wait=True)
        note, point = published(folder, log)
        before = None
        if last.exists():
            signed = last.read_bytes()
            verify(Note.parse(signed), cosigner.key)
            before = signed_checkpoint(signed, log)
        check_continues(folder, before or Checkpoint(point.origin, 0, EMPTY), point)
        made = note.with_signature(cosign(note.text, cosigner, seconds))
        write_over(last, bytes(made))
    finally:
        os.close(opened)
    return made, before.size if before else None


def bring_back(folder: Path, log: VerifierKey, content: bytes) -> Checkpoint:
    """Puts a cosigned note into the log's folder, where `verify` and backups find it; one of fewer entries than the one
    that is there is refused. Raises AuditError, OSError.
    """
    note, point = Note.parse(content), signed_checkpoint(content, log)
    check_continues(folder, point, published(folder, log)[1])
    there = folder / journal.COSIGNED
    if there.exists():
        before = Note.parse(there.read_bytes())
        known = signed_checkpoint(there.read_bytes(), log)
        if known.size > point.size:
            raise AuditError("older", f"a checkpoint over {known.size} entries is there already: this one has fewer")
        if before.text == note.text:
            for one in before.signatures:
                note = note.with_signature(one) if one not in note.signatures else note
    write_over(there, bytes(note))
    return point
