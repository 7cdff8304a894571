"""The writer of the log. `append` answers with a position once the entry is on disk, under a signed checkpoint.

One process writes at a time, by a lock that each group of entries takes; what another wrote meanwhile is read first.
What comes while a group is written goes with the next, so that many entries cost one fsync (group commit).

A killed process leaves half a group behind the last checkpoint at most: no caller had its answer yet, and the next
writer cuts it off and says so in the log. What could not be written is written again, as it was signed, before
anything else is, so that no second tree of that size is signed; unless another process wrote in between, and then it
never was.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from protocol import jws
from review.audit import journal
from review.audit.bodies import Body, bodies
from review.audit.entries import Entry, ReadingKey, is_shredded
from review.audit.errors import AuditError
from review.audit.kinds import CLOCK, MENDED, SHRED, Act, pseudonym, written_as_json
from review.audit.notes import Checkpoint, Note, Signer, sign, signed_checkpoint
from review.audit.tree import WIDTH, Tile, Tree, leaf_hash, tile_path
from store.files import lock, owned_as, sync_folder, write_all, write_over

LEAST_KEPT: Final = 365 * 86_400_000  # ms; PCI DSS 10.5.1 asks for twelve months
_STANDSTILL: Final = 90 * 86_400_000  # ms; a log without an entry for so long, or a clock that is wrong
_STEP: Final = 300_000  # ms; so far a clock that is kept by the network may go back: the time then stands still
_PUBLISHED_EVERY: Final = 10.0  # s, while entries come
_NOFOLLOW: Final = getattr(os, "O_NOFOLLOW", 0)
_LARGEST_GROUP: Final = 64  # entries: who comes first waits for so many at most


@dataclass(slots=True)
class _Waiting:
    body: bytes
    position: int | None = None
    error: AuditError | None = None


class _Edge(NamedTuple):
    """Where the log ends: in the file of `block`, after `size` bytes. `time`: of the last entry, ms."""

    tree: Tree
    block: int
    size: int
    time: int
    torn: int


class OldBody(NamedTuple):
    """`time`: of its entry, ms. Where it lies: `length` bytes from `rest_at` in the file of `block`."""

    position: int
    time: int
    block: int
    rest_at: int
    length: int


class AuditLog:
    """In `folder`, which `create` made."""

    def __init__(
        self, folder: Path, signer: Signer, key: ReadingKey, *, clock: Callable[[], int] = time.time_ns
    ) -> None:
        """`clock`: ns, POSIX. Raises AuditError: not-found, damaged, or as `signed_checkpoint`."""
        self.folder = folder
        self.origin = signer.key.name
        self.verifier = signer.key
        self._signer = signer
        self._key = key
        self._clock = clock
        self._edge: _Edge | None = None
        self._unwritten: tuple[int, int, bytes] | None = None  # block, place, and what must come there
        self._queue: list[_Waiting] = []
        self._queued = threading.Lock()
        self._committing = threading.Lock()
        self._published = 0.0  # monotonic
        if not (folder / journal.CHECKPOINT).exists():
            raise AuditError("not-found", f"{folder} has no audit log: `eyelid-review audit init` makes one")
        try:
            with self._alone():
                pass  # a log that is not what was signed is named now, not at the first act
        except OSError as error:
            raise AuditError("damaged", f"{folder} cannot be read whole: {error}") from None

    def sign(self, typ: str, payload: Mapping[str, object]) -> str:
        """A statement by the log's key, which no note passes for: it has no line break."""
        return jws.sign(typ, payload, self._signer.private)

    def derived(self, use: str) -> bytes:
        """32 bytes that only who has the key that signs the log can make, the same for the same `use`."""
        info = f"eyelid audit derived v1 {use}".encode()
        return HKDF(SHA256(), 32, salt=None, info=info).derive(self._signer.private.private_bytes_raw())

    def pseudonym(self, person: str) -> str:
        """As the entries of this log name them. Raises AuditError ("bad-field")."""
        try:
            return pseudonym(person, self._key)
        except ValueError as error:
            raise AuditError("bad-field", f"a person's name must be {error}") from None

    def bodies(self, first: int = 0, since: int = 0) -> Iterator[Body]:
        """As `bodies.bodies`, without those from before `since` (ms)."""
        return bodies(self.folder, self.verifier, self._key, first, since)

    @classmethod
    def create(cls, folder: Path, signer: Signer) -> None:
        """An empty log, durable. Raises AuditError ("exists"), OSError."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise AuditError("exists", f"{folder} is not empty: an audit log begins in a folder of its own")
        (folder / journal.FOLDER).mkdir(mode=0o700)
        write_over(folder / journal.CHECKPOINT, bytes(_signed(signer, Tree())))
        sync_folder(folder.parent)

    # -- appending ------------------------------------------------------------------------------------------------

    def append(self, act: Act) -> int:
        """The entry's position, from 0, once it is durable. Of any thread.

        Raises AuditError: as `Act.body`; not-written: then what was asked for must not happen, though the entry may be
        found in the log later.
        """
        return self.append_all([act])[0]

    def append_all(self, acts: Sequence[Act]) -> list[int]:
        """As `append`, in order, with one wait for the disk for many."""
        waiting = [_Waiting(act.body(self._key)) for act in acts]
        with self._queued:
            self._queue += waiting
        with self._committing:
            while waiting and waiting[-1].position is None and waiting[-1].error is None:
                with self._queued:
                    group, self._queue = self._queue[:_LARGEST_GROUP], self._queue[_LARGEST_GROUP:]
                self._commit(group)
        if failed := next((one.error for one in waiting if one.error), None):
            raise failed
        return [one.position for one in waiting if one.position is not None]

    def _commit(self, group: list[_Waiting]) -> None:
        try:
            with self._alone() as edge:
                made = [self._sealed(one) for one in group]
                for one, position in zip(group, self._write(edge, made), strict=True):
                    one.position = position
                if time.monotonic() > self._published + _PUBLISHED_EVERY:
                    self._publish()
        except BaseException as error:  # whatever it was, no caller may wait for ever
            message = f"{self.folder} cannot be written ({error}): what was asked for must not happen"
            for one in group:
                if one.position is None:
                    one.error = AuditError("not-written", message)
            if not isinstance(error, (AuditError, OSError)):
                raise

    def _sealed(self, one: _Waiting) -> _EntryAt:
        return lambda index, now: self._key.seal(self.origin, index, now, one.body)

    def _write(self, edge: _Edge, made: Sequence[_EntryAt]) -> list[int]:
        """Appends entries, in as many groups as there are blocks; where each stands."""
        now = self._clock() // 1_000_000
        said: list[_EntryAt] = []
        if edge.torn:
            said.append(_statement({"kind": MENDED, "bytes": edge.torn}))
        if now < edge.time - _STEP:
            said.append(_statement({"kind": CLOCK, "before": edge.time, "now": now}))
        else:
            now = max(now, edge.time)
        makers = [*said, *made]
        positions: list[int] = []
        while makers:
            room = WIDTH - edge.tree.size % WIDTH
            part, makers = makers[:room], makers[room:]
            positions += range(edge.tree.size, edge.tree.size + len(part))
            edge = self._write_group(edge, part, now)
        return positions[len(said) :]

    def _write_group(self, edge: _Edge, makers: Sequence[_EntryAt], now: int) -> _Edge:
        written, full, tree = b"", list[Tile](), edge.tree
        self._edge = None  # unless all goes well, what the disk has is read anew
        for make in makers:
            entry, rest = make(tree.size, now)
            written += journal.entry_record(bytes(entry), rest)
            full += tree.add(leaf_hash(bytes(entry)))
        written += journal.signed_record(bytes(_signed(self._signer, tree)))
        self._unwritten = (edge.block, edge.size, written)
        self._write_block(edge.block, edge.size, written)
        self._unwritten = None
        after = _Edge(tree, edge.block, edge.size + len(written), now, 0)
        if full:
            self._write_full(edge.block, full)
            after = _Edge(tree, edge.block + 1, 0, now, 0)
        self._edge = after
        return after

    def _write_block(self, block: int, at: int, content: bytes) -> None:
        path = journal.block_path(self.folder, block)
        new = not at
        if new:
            self._make_folder(path.parent)
        opened = os.open(path, os.O_RDWR | os.O_CREAT | _NOFOLLOW, 0o600)
        try:
            if new:
                owned_as(opened, self.folder)
                sync_folder(path.parent)  # first: what is adopted after a crash must have its name, too
            os.ftruncate(opened, at)  # what a killed writer left half written
            os.lseek(opened, at, os.SEEK_SET)
            try:
                write_all(opened, content)
                os.fsync(opened)
            except OSError:
                # Pages that a failed fsync left are marked clean and may never reach the disk: away with them.
                with contextlib.suppress(OSError):
                    os.ftruncate(opened, at)
                raise
        finally:
            os.close(opened)

    def _write_full(self, block: int, full: Sequence[Tile]) -> None:
        """A block's tiles, before the next block begins: where that one is, these are."""
        entries = journal.bundle(journal.read_block(self.folder, block))
        for path, content in [(tile_path("entries", block), entries), *((one.path, one.hashes) for one in full)]:
            self._write_tile(path, content)

    def _write_tile(self, path: str, content: bytes) -> None:
        self._make_folder((self.folder / path).parent)
        write_over(self.folder / path, content)

    def _make_folder(self, path: Path) -> None:
        if not path.is_dir():
            self._make_folder(path.parent)
            path.mkdir(mode=0o700, exist_ok=True)
            opened = os.open(path, os.O_RDONLY)
            try:
                owned_as(opened, self.folder)
            finally:
                os.close(opened)
            sync_folder(path.parent)

    # -- where it ends --------------------------------------------------------------------------------------------

    @contextmanager
    def _alone(self) -> Iterator[_Edge]:
        """No other writer is inside. Raises AuditError, OSError."""
        opened = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | _NOFOLLOW, 0o600)
        try:
            owned_as(opened, self.folder)
            lock(opened, wait=True)
            edge = self._edge
            if edge is None or _size(journal.block_path(self.folder, edge.block)) != edge.size + edge.torn:
                edge = self._read_edge()
                if self._unwritten and self._unwritten[:2] == (edge.block, edge.size):
                    self._write_block(*self._unwritten)
                    edge = self._read_edge()
                self._unwritten = None
                self._edge = edge
            yield edge
        finally:
            os.close(opened)

    def _read_edge(self) -> _Edge:
        """Reads the last block, and builds up the tree from the tiles of those before it. What stands after the last
        checkpoint does not count. Raises AuditError: damaged, bad-entry, or as `signed_checkpoint`; OSError.
        """
        count = journal.blocks(self.folder)
        block = max(0, count - 1)
        content = _read_durable(journal.block_path(self.folder, block)) if count else b""
        found = list(journal.records(content))
        end = max((one.end for one in found if one.kind == journal.SIGNED), default=0)
        published = signed_checkpoint(journal.read_note(self.folder / journal.CHECKPOINT), self._signer.key)
        signed, last = published, 0
        if end:
            by_kind = {one.kind: one.raw for one in found if one.end <= end}  # the last of each
            signed = signed_checkpoint(by_kind[journal.SIGNED], self._signer.key)
            last = Entry.parse(by_kind.get(journal.ENTRY, b"")).time
        elif block:
            before = next(self.groups(block * WIDTH - 1))
            signed = signed_checkpoint(before.note, self._signer.key)
            last = Entry.parse(before.entries[-1].raw).time
        tree, full = journal.tree_before(self.folder, block), list[Tile]()
        for one in found:
            if one.end <= end and one.kind == journal.ENTRY:
                full += tree.add(leaf_hash(one.raw))
        if (tree.size, tree.root) != (signed.size, signed.root) or published.size > signed.size:
            message = (
                "is not as it was signed: nothing is written to it; `eyelid-review audit verify` names what changed"
            )
            raise AuditError("damaged", f"{self.folder} {message}")
        if full:
            self._write_full(block, full)
            return _Edge(tree, block + 1, 0, last, 0)
        return _Edge(tree, block, end, last, len(content) - end)

    @property
    def size(self) -> int:
        """How many entries are durable now. Raises AuditError, OSError."""
        with self._committing, self._alone() as edge:
            return edge.tree.size

    def groups(self, first: int = 0) -> Iterator[journal.Group]:
        """As `journal.groups`."""
        return journal.groups(self.folder, self.verifier, first)

    # -- publishing -----------------------------------------------------------------------------------------------

    def publish(self) -> Checkpoint:
        """Writes tiles and checkpoint as they stand now, for those who read no more than these."""
        with self._committing, self._alone():
            return self._publish()

    def _publish(self) -> Checkpoint:
        edge = self._edge
        assert edge is not None  # noqa: S101 - inside of `_alone`
        if edge.size:
            entries = journal.bundle(journal.read_block(self.folder, edge.block))
            self._write_tile(tile_path("entries", edge.block, edge.tree.size % WIDTH), entries)
        for tile in edge.tree.partial_tiles():
            self._write_tile(tile.path, tile.hashes)
        write_over(self.folder / journal.CHECKPOINT, bytes(_signed(self._signer, edge.tree)))
        self._published = time.monotonic()
        return Checkpoint(self.origin, edge.tree.size, edge.tree.root)

    # -- shredding ------------------------------------------------------------------------------------------------

    def to_shred(self, kept: int) -> list[OldBody]:
        """Bodies that are older than `kept` (ms) and still there. Raises AuditError: too-soon, clock, damaged."""
        if kept < LEAST_KEPT:
            raise AuditError("too-soon", "the log is kept for twelve months at least (PCI DSS 10.5.1): 365d or more")
        now = self.checked_clock() // 1_000_000
        entries = (one for group in self.groups() for one in group.entries if not is_shredded(one.rest))
        bodies = (
            OldBody(one.position, Entry.parse(one.raw).time, one.block, one.rest_at, len(one.rest)) for one in entries
        )
        return [one for one in bodies if one.time < now - kept]

    def now(self) -> int:
        """What time the clock says, ns."""
        return self._clock()

    def checked_clock(self) -> int:
        """What time it is, ns, for who destroys what is old.

        Raises AuditError ("clock") where the clock and the log's last entry are so far apart that it may be wrong.
        """
        now = self._clock()
        with self._committing, self._alone() as edge:
            last = edge.time
        if last and not last - _STEP <= now // 1_000_000 <= last + _STANDSTILL:
            message = (
                "the clock and the log's last entry are far apart: set the clock, or write an entry, and ask again"
            )
            raise AuditError("clock", f"nothing is destroyed: {message}")
        return now

    def shred(self, bodies: Sequence[OldBody], kept: int) -> None:
        """Says in the log which bodies go, durably; then overwrites them in place. A second call goes on where one was
        cut short. Raises AuditError, OSError.
        """
        if not bodies:
            return
        to = self._clock() // 1_000_000 - kept
        self.state({"kind": SHRED, "ranges": _ranges([one.position for one in bodies]), "to": to})
        # Without the lock: no other call writes there, and appending need not wait.
        for block, there in groupby(bodies, lambda one: one.block):
            opened = os.open(journal.block_path(self.folder, block), os.O_WRONLY | _NOFOLLOW)
            try:
                for one in there:
                    os.lseek(opened, one.rest_at, os.SEEK_SET)
                    write_all(opened, bytes(one.length))
                os.fsync(opened)
            finally:
                os.close(opened)

    def state(self, values: Mapping[str, object]) -> None:
        """A statement of the log about itself, in the clear (`kinds.STATEMENTS`). Raises AuditError, OSError."""
        with self._committing, self._alone() as edge:
            self._write(edge, [_statement(values)])


_EntryAt = Callable[[int, int], tuple[Entry, bytes]]
"""(index, ms) -> an entry and what lies beside it."""


def _statement(values: Mapping[str, object]) -> _EntryAt:
    return lambda _index, now: (Entry(now, statement=written_as_json(values)), b"")


def _signed(signer: Signer, tree: Tree) -> Note:
    text = Checkpoint(signer.key.name, tree.size, tree.root).text
    return Note(text, (sign(text, signer),))


def _read_durable(path: Path) -> bytes:
    """What a killed writer wrote and never synced is believed from here on: it must be on disk."""
    content = journal.read(path, journal.LARGEST_BLOCK)
    with path.open("rb") as file:
        os.fsync(file.fileno())
    return content


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _ranges(indices: Sequence[int]) -> list[list[int]]:
    found: list[list[int]] = []
    for index in indices:
        if found and found[-1][1] == index:
            found[-1][1] = index + 1
        else:
            found.append([index, index + 1])
    return found
