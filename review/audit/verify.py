"""Whether a copied folder is the log that was written: offline, with the log's public key alone.

Every record is hashed into the tree again, and every checkpoint on the way must be that tree's and signed. Then the
tiles, the published checkpoint, and those that somebody noted elsewhere are held against it. What the key that reads
opens is checked where it was given. A finding says that the log was changed; a remark says what the log tells of itself
or what could not be checked.
"""

from __future__ import annotations

import errno
import re
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from review.audit import journal
from review.audit.entries import Entry, ReadingKey, is_shredded
from review.audit.errors import AuditError
from review.audit.kinds import CLOCK, MENDED, SHRED, read_body, read_statement
from review.audit.log import LEAST_KEPT
from review.audit.notes import Checkpoint, Note, VerifierKey, signed_checkpoint, verify
from review.audit.tree import HASH_SIZE, WIDTH, Tile, Tree, leaf_hash, numbered, tile_path, tiles_of

_DAY: Final = 86_400_000  # ms
_BLOCK: Final = re.compile(r"(?:x[0-9]{3}/){0,4}[0-9]{3}")
_PARTIAL: Final = re.compile(r"tile/(entries|[0-9]{1,2})/((?:x[0-9]{3}/){0,4}[0-9]{3})[.]p/([0-9]{1,3})")
_NO_FILE: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.EINVAL})
_MOST: Final = 100  # findings that are told; a log that is no log at all has no end of them


class Discrepancy(NamedTuple):
    """`code`: one word for a program, see docs/audit-log.md."""

    code: str
    message: str


@dataclass(slots=True)
class Report:
    """`first`, `last`: times of entries, ms. `bodies`: how many were opened, matched unopened, or are shredded."""

    findings: list[Discrepancy] = field(default_factory=list)
    remarks: list[Discrepancy] = field(default_factory=list)
    checkpoint: Checkpoint | None = None
    entries: int = 0
    first: int | None = None
    last: int | None = None
    bodies: dict[str, int] = field(default_factory=lambda: {"opened": 0, "sealed": 0, "shredded": 0})
    cosigned: dict[str, Any] | None = None
    over_period: int = 0  # bodies that are still there and older than `VerifyOptions.before`

    def find(self, code: str, message: str) -> None:
        if len(self.findings) < _MOST:
            self.findings.append(Discrepancy(code, message))

    def remark(self, code: str, message: str) -> None:
        if len(self.remarks) < _MOST:
            self.remarks.append(Discrepancy(code, message))


@dataclass(frozen=True, slots=True)
class VerifyOptions:
    """`noted`: signed checkpoints that were kept elsewhere, each with its name. `cosigner`: whose word counts for the
    file `cosigned`. `key`: opens the bodies. `before`: ms; bodies of older entries are over their period.
    """

    log: VerifierKey
    key: ReadingKey | None = None
    cosigner: VerifierKey | None = None
    noted: Sequence[tuple[str, bytes]] = ()
    before: int = 0


def verify_log(folder: Path, asked: VerifyOptions) -> Report:
    return _Verifier(folder, asked).report


class _Verifier:
    def __init__(self, folder: Path, asked: VerifyOptions) -> None:
        self._folder = folder
        self._asked = asked
        self._tree = Tree()
        self._full: list[Tile] = []
        self._shreds: list[tuple[int, int, int, int]] = []  # first, end; place and time of the entry that says so
        self._gone: list[
            tuple[int, int, bool]
        ] = []  # place and time of entries whose bodies are not there; overwritten
        self._whole = array("Q")  # places of entries whose bodies are there
        self.report = Report()
        noted = list(self._noted())
        self._roots = {point.size: b"" for _, point in noted}  # size -> the root that this log has there
        whole = self._walk()
        if self._compare(noted, whole=whole) and whole:  # else what follows was not read, or is not this log's
            self._check_bodies()
            self._check_tiles()

    # -- checkpoints ----------------------------------------------------------------------------------------------

    def _noted(self) -> Iterator[tuple[str, Checkpoint]]:
        sources = [(f"{journal.CHECKPOINT}", self._read(journal.CHECKPOINT)), *self._asked.noted]
        if (cosigned := self._read(journal.COSIGNED)) is not None:
            sources.append((journal.COSIGNED, cosigned))
        for name, content in sources:
            if content is None:
                self.report.find(
                    "no-checkpoint", f"{name} is missing, or no file of a log: nothing says how long the log is"
                )
                continue
            try:
                point = signed_checkpoint(content, self._asked.log)
                if name == journal.CHECKPOINT:
                    self.report.checkpoint = point
                self._check_cosigned(name, content, point)
            except AuditError as error:
                self.report.find(error.code, f"{name}: {error}")
            else:
                yield name, point

    def _check_cosigned(self, name: str, content: bytes, point: Checkpoint) -> None:
        cosigner = self._asked.cosigner
        if cosigner is None or name == journal.CHECKPOINT:
            return
        seconds = verify(Note.parse(content), cosigner)
        if self.report.cosigned is None or self.report.cosigned["size"] <= point.size:
            self.report.cosigned = {"by": cosigner.name, "size": point.size, "seconds": seconds}

    def _compare(self, noted: Sequence[tuple[str, Checkpoint]], *, whole: bool) -> bool:
        """Whether this is the log that they were signed over, to its end."""
        before = len(self.report.findings)
        for name, point in noted:
            if point.size > self._tree.size:
                if not whole:
                    continue  # what is wrong before was named, and what follows was not read
                message = f"{name} was signed over {point.size} entries, and {self._tree.size} are here"
                self.report.find("cut", f"the end of the log was cut off: {message}")
            elif self._roots[point.size] != point.root:
                message = f"its first {point.size} entries are not those over which {name} was signed"
                self.report.find("forked", f"this is another log, or it was written anew: {message}")
        return len(self.report.findings) == before

    # -- entries --------------------------------------------------------------------------------------------------

    def _walk(self) -> bool:
        """Whether all was read."""
        self._note_root()
        there = _numbers(self._folder / journal.FOLDER)
        for block in range(max(there, default=-1) + 1):
            if block not in there:
                self.report.find("block-missing", f"{journal.FOLDER}/{numbered(block)} is missing")
                return False
            if not self._walk_block(block, last=block == max(there)):
                return False
        return True

    def _walk_block(self, block: int, *, last: bool) -> bool:
        """Whether what follows can still be checked."""
        name = f"{journal.FOLDER}/{numbered(block)}"
        content = self._read(name, journal.LARGEST_BLOCK)
        if content is None:
            self.report.find("changed", f"{name} is no block of a log: it is a pipe, or larger than one can be")
            return False
        end = signed = 0
        waiting: list[tuple[Entry, bytes]] = []
        leaves: list[bytes] = []
        for record in journal.records(content):
            end = record.end
            if record.kind == journal.ENTRY:
                try:
                    entry = Entry.parse(record.raw)
                except AuditError as error:
                    self.report.find(error.code, f"entry {self._tree.size + len(waiting)}: {error}")
                    return False
                waiting.append((entry, record.rest))
                leaves.append(leaf_hash(record.raw))
                continue
            if not self._take(block, name, record.raw, waiting, leaves):
                return False
            waiting, leaves, signed = [], [], record.end
        whole = self._tree.size == (block + 1) * WIDTH
        if signed < len(content):
            if last and not whole:
                message = f"{len(content) - signed} bytes after the last checkpoint were never acknowledged"
                self.report.remark("unfinished", f"{name}: {message}; the next entry says so")
            else:
                self.report.find("changed", f"{name}: what stands at byte {max(end, signed)} is no record of this log")
                return False
        elif not whole and not last:
            self.report.find("cut", f"{name} has {self._tree.size - block * WIDTH} entries, and not the last block")
            return False
        return True

    def _take(
        self, block: int, name: str, note: bytes, waiting: Sequence[tuple[Entry, bytes]], leaves: Sequence[bytes]
    ) -> bool:
        before = self._tree.size
        if before + len(leaves) > (block + 1) * WIDTH:
            self.report.find("changed", f"{name} has more entries than fit")
            return False
        for leaf in leaves:
            self._full += self._tree.add(leaf)
            self._note_root()
        try:
            point = signed_checkpoint(note, self._asked.log)
            if len(Note.parse(note).signatures) != 1:
                raise AuditError("malformed-note", "it has more signatures than were written")  # noqa: TRY301
        except AuditError as error:
            self.report.find(error.code, f"{name}, the checkpoint after entry {self._tree.size - 1}: {error}")
            return False
        if (point.size, point.root) != (self._tree.size, self._tree.root):
            self._name_change(block, before, leaves, point)
            return False
        for index, (entry, rest) in enumerate(waiting, before):
            self._check_entry(index, entry, rest)
        return True

    def _note_root(self) -> None:
        if self._tree.size in self._roots:
            self._roots[self._tree.size] = self._tree.root

    def _name_change(self, block: int, before: int, leaves: Sequence[bytes], point: Checkpoint) -> None:
        """Which entry does not fit its checkpoint, by the tile of its hashes where that is as it was."""
        where = f"entries {before} to {before + len(leaves) - 1}" if len(leaves) > 1 else f"entry {before}"
        kept = self._leaves_in_tile(block)
        own = kept[before - block * WIDTH : point.size - block * WIDTH]
        if leaves and set(leaves) <= set(kept):
            self.report.find("reordered", f"{where}: entries were removed, or stand in another order than was signed")
            return
        if len(own) == len(leaves):
            wrong = [before + at for at, (one, other) in enumerate(zip(own, leaves, strict=True)) if one != other]
            where = f"entry {', '.join(map(str, wrong[:5]))}"
        self.report.find("changed", f"{where}: not what its checkpoint was signed over")

    def _leaves_in_tile(self, block: int) -> list[bytes]:
        parts = (path for path in self._folder.glob(f"tile/0/{numbered(block)}.p/*") if path.is_file())
        found = sorted(parts, key=lambda path: path.stat().st_size)
        whole = (
            self._read(tile_path("0", block))
            or (self._read(found[-1].relative_to(self._folder)) if found else None)
            or b""
        )
        return [whole[at : at + HASH_SIZE] for at in range(0, len(whole), HASH_SIZE)]

    def _check_entry(self, index: int, entry: Entry, rest: bytes) -> None:
        report = self.report
        report.entries += 1
        said: dict[str, Any] = {}
        if entry.statement:
            try:
                said = read_statement(entry.statement)
            except AuditError as error:
                report.find(error.code, f"entry {index}: {error}")
        if report.last is not None and entry.time < report.last:
            message = f"the clock went back {(report.last - entry.time) / _DAY:.1f} days before entry {index}"
            if said.get("kind") == CLOCK:
                report.remark("clock-set-back", f"{message}; the log says so itself")
            else:
                report.find("clock-set-back", f"{message}, and the log does not say so")
        report.first = entry.time if report.first is None else report.first
        report.last = entry.time
        if said.get("kind") == MENDED:
            report.remark("mended", f"entry {index}: {said['bytes']} bytes that were never acknowledged were cut off")
        elif said.get("kind") == SHRED:
            self._shreds += [(first, end, index, entry.time) for first, end in said["ranges"]]
        if entry.matches(rest):
            self._check_body(index, entry, rest)
        else:
            self._gone.append((index, entry.time, is_shredded(rest) and not entry.statement))

    def _check_body(self, index: int, entry: Entry, rest: bytes) -> None:
        if entry.statement:
            return
        self._whole.append(index)
        self.report.over_period += entry.time < self._asked.before
        if self._asked.key is None:
            self.report.bodies["sealed"] += 1
            return
        try:
            body, _ = self._asked.key.open(self._asked.log.name, index, entry, rest)
            read_body(body)
            self.report.bodies["opened"] += 1
        except AuditError as error:
            self.report.find(error.code, str(error))

    def _check_bodies(self) -> None:
        """Bodies are gone where the log says that they were to go, and nowhere else."""
        for index, time, overwritten in self._gone:
            when = min(
                (said for first, end, by, said in self._shreds if first <= index < end and index < by), default=None
            )
            if when is None:
                how = "overwritten, and no entry says that it was shredded" if overwritten else "changed"
                self.report.find("body-changed", f"entry {index}: what lies beside it was {how}")
            elif when - time < LEAST_KEPT:
                self.report.find(
                    "shredded-early", f"entry {index}: its body was shredded before twelve months were over"
                )
            elif overwritten:
                self.report.bodies["shredded"] += 1
            else:
                message = "its body was to be shredded and is only half: `eyelid-review audit shred` goes on"
                self.report.remark("half-shredded", f"entry {index}: {message}")
        self._check_shredded()

    def _check_shredded(self) -> None:
        """Of a killed shredding the statement is there, and the bodies may be, too; or a backup brought them back."""
        still, upto = list[int](), 0
        for first, end in sorted((first, min(end, by)) for first, end, by, _ in self._shreds):
            begin, upto = max(first, upto), max(end, upto)
            still += self._whole[bisect_left(self._whole, begin) : bisect_left(self._whole, upto)]
        if still:
            bodies = "1 body was" if len(still) == 1 else f"{len(still)} bodies were"
            message = f"{bodies} to be shredded and can still be opened, the first that of entry {still[0]}"
            self.report.remark("half-shredded", f"{message}: `eyelid-review audit shred` goes on")

    # -- tiles ----------------------------------------------------------------------------------------------------

    def _check_tiles(self) -> None:
        """Every tile of the published checkpoint, and every older partial one that is still there."""
        if self.report.checkpoint is None:
            return
        checked = set[str]()
        wanted = {(tile.level, tile.number): tile.hashes for tile in [*self._full, *self._tree.partial_tiles()]}
        for level, index, width in tiles_of(self.report.checkpoint.size):
            path = tile_path(str(level), index, width)
            checked |= {path, tile_path("entries", index, width)}
            self._check_tile(path, wanted[level, index][: width * HASH_SIZE])
            if level == 0:
                block = journal.read_block(self._folder, index)
                self._check_tile(tile_path("entries", index, width), _first(journal.bundle(block), width))
        for older in self._folder.glob("tile/**/*.p/*"):
            name = older.relative_to(self._folder).as_posix()
            parts = _PARTIAL.fullmatch(name)
            if parts is None or name in checked:
                continue  # what a killed writer left half written, or somebody else's: no part of the log
            above, digits, count = parts.groups()
            number = int(digits.replace("x", "").replace("/", ""))
            if above == "entries":
                content = self._read(f"{journal.FOLDER}/{numbered(number)}", journal.LARGEST_BLOCK) or b""
                self._check_tile(name, _first(journal.bundle(content), int(count)))
            else:
                whole = wanted.get((int(above), number), b"")
                self._check_tile(name, whole[: int(count) * HASH_SIZE])

    def _check_tile(self, name: str, wanted: bytes) -> None:
        content = self._read(name)
        if content is None:
            self.report.find("tile-missing", f"{name} is missing, or no file of a log")
        elif content != wanted:
            self.report.find("tile-changed", f"{name} is not what the log's entries make")

    def _read(self, name: str | Path, most: int = journal.LARGEST_BUNDLE) -> bytes | None:
        """None where there is no file that the log could have written."""
        try:
            return journal.read(self._folder / name, most)
        except OSError as error:
            if error.errno in _NO_FILE:
                return None
            raise


def _first(bundle: bytes, count: int) -> bytes:
    at = 0
    for _ in range(count):
        at += 2 + int.from_bytes(bundle[at : at + 2], "big")
    return bundle[:at]


def _numbers(folder: Path) -> set[int]:
    """Of the blocks that are there."""
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    found = {name: int(re.sub("[x/]", "", name)) for name in names if _BLOCK.fullmatch(name)}
    return {number for name, number in found.items() if name == numbered(number)}
