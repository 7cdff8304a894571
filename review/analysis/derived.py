"""What the analysis made of recordings, each result a sealed file: RECORDING/KIND.RENDITION.FENCE.

A line of JSON says what it is, and a chunk of the third edition (`protocol.envelope`) follows; docs/envelope.md has it
to the byte. The line's SHA-256 stands in the chunk's header, in the place of the chunk before it, and the header is
authenticated: no file counts as another recording's, kind's, rendition's, version's or lease's.

No key and nonce seal twice. A chunk's key comes from its sequence number, which is the lease's fence, and no two leases
have one fence: a job that is done again is sealed under another key. A job table that was lost begins its fences again,
and one lease may put twice: there the nonce alone differs, 96 random bits for each seal. It is the same twice by a
chance of n^2 / 2^97 in n seals under one fence (NIST SP 800-38D, section 8.3, allows 2^32 of them).
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from protocol.claims import is_uuid, parse_object
from protocol.envelope import MAX_SEALED, Edition, Flag, Header, check_signature, open_sealed, seal
from protocol.envelope import Kind as ChunkKind
from protocol.errors import EnvelopeError, ProtocolError
from protocol.folder import sync_folder, unfinished, write_over
from protocol.system import ON_WINDOWS
from review.analysis.job_states import Failure, JobState, Kind
from review.analysis.jobs import Jobs, Lease
from review.analysis.lending import Lent
from review.analysis.worker import ReadError
from review.governance.model import Rendition

FORMAT: Final = 1
# For good: a number says what it is of. PCs number their streams below 0x9000.
STREAMS: Final[Mapping[Kind, int]] = {
    Kind.SPEECH: 0xF000,
    Kind.SCREEN_TEXT: 0xF001,
    Kind.TEXT: 0xF002,
    Kind.PERSONAL: 0xF003,
    Kind.RENDITION: 0xF004,
    Kind.INDEX: 0xF005,
}
EVERY: Final = 60.0  # s from one sweep to the next
_REST: Final = 20  # times as long as a sweep took nothing is done
_LONGEST_LINE: Final = 1024
_NAME: Final = re.compile(rf"({'|'.join(Kind)})\.({'|'.join(Rendition)})\.([1-9][0-9]*)")
_STANDS: Final = frozenset({JobState.LEASED, JobState.DONE})


class DerivedError(ProtocolError):
    """`code`: missing, unknown-format, cut-off, swapped."""


@dataclass(frozen=True, slots=True)
class Derived:
    """Which file it is: of what, and by the lease with this fence. `version`: of the job."""

    recording: UUID
    kind: Kind
    rendition: Rendition
    version: str
    fence: int

    @classmethod
    def of(cls, lease: Lease, label: str) -> Derived:
        """`label`: of what is sealed, as the custodian names it. Raises ValueError where it is another kind's."""
        kind, _, rendition = label.partition("/")
        if kind != lease.kind:
            raise ValueError(f"a lease of {lease.kind} seals nothing of another kind")
        return cls(UUID(lease.recording), lease.kind, Rendition(rendition), lease.model, lease.fence)

    @property
    def name(self) -> str:
        return f"{self.kind}.{self.rendition}.{self.fence}"

    def line(self, size: int) -> bytes:
        """`size`: bytes of the chunk that follows."""
        said = {
            "format": FORMAT, "recording": str(self.recording), "kind": self.kind, "rendition": self.rendition,
            "version": self.version, "fence": self.fence, "stream": STREAMS[self.kind], "size": size,
        }  # fmt: skip
        return json.dumps(said, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"

    def sealed(self, content: bytes, key: bytes, signer: Ed25519PrivateKey) -> bytes:
        """All of the file. Raises EnvelopeError ("oversized")."""
        line = self.line(Edition.KEYED.overhead + len(content))
        return line + seal(key, self._header(line), content, signer)

    def opened(self, body: bytes, key: bytes, worker: Ed25519PublicKey) -> bytes:
        """What was put. Raises DerivedError; EnvelopeError as `open_sealed` and `check_signature`."""
        begins = body.find(b"\n", 0, _LONGEST_LINE) + 1
        line, sealed = body[:begins], body[begins:]
        if not line and len(body) < _LONGEST_LINE:
            raise DerivedError("cut-off", f"{self._what} ends within its first line")
        try:
            said = parse_object(line)
        except ValueError:
            raise DerivedError("unknown-format", f"{self._what} does not begin with what it is") from None
        size = said.get("size")
        if said.get("format") != FORMAT or not isinstance(size, int):
            raise DerivedError("unknown-format", f"{self._what} is in a format that this version cannot read")
        if line != self.line(size):
            raise DerivedError("swapped", f"{self._what} says that it is another, or was changed")
        if len(sealed) != size:
            raise DerivedError("cut-off", f"{self._what} has {len(sealed)} bytes after its line, which says {size}")
        header, content = open_sealed(key, sealed)
        if header != replace(self._header(line), nonce=header.nonce):
            raise DerivedError("swapped", f"{self._what} holds the chunk of another file")
        check_signature(sealed, worker)
        return content

    @property
    def _what(self) -> str:
        return f"{self.recording}/{self.name}"

    def _header(self, line: bytes) -> Header:
        place = (STREAMS[self.kind], self.recording, self.fence, 0, 0, hashlib.sha256(line).digest())
        return Header(ChunkKind.MEDIA, Flag.NONE, *place, edition=Edition.KEYED)


@dataclass(frozen=True, slots=True)
class Shelf:
    """For several threads and processes of one machine and user. `folder`: of sealed files; the one above it is there.
    `signer`: the worker's key; None where nothing is put, as in the console.
    """

    folder: Path
    signer: Ed25519PrivateKey | None = None

    def put(self, lease: Lease, lent: Lent, content: bytes) -> str:
        """As Keeper. Again for the same lease, the new one takes the place of the old.

        Raises ReadError (no-room); EnvelopeError ("oversized") above 16 MiB; OSError.
        """
        if self.signer is None:
            raise ValueError("a shelf without a worker's key takes nothing")
        one = Derived.of(lease, lent.label)
        body, path = one.sealed(content, lent.seals, self.signer), self.path(one)
        try:
            with self._alone():
                path.parent.mkdir(mode=0o700, exist_ok=True)
                for one_above in (self.folder, self.folder.parent):
                    sync_folder(one_above)
                try:
                    write_over(path, body)
                except OSError:
                    unfinished(path).unlink(missing_ok=True)
                    raise
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise ReadError(Failure.NO_ROOM) from None
            raise
        return hashlib.sha256(body).hexdigest()

    def get(self, one: Derived, key: bytes, worker: Ed25519PublicKey) -> bytes:
        """What was put. `key`: under which it was sealed. `worker`: whose signature counts.

        Raises DerivedError, EnvelopeError as `Derived.opened`; OSError.
        """
        return one.opened(self.sealed(one), key, worker)

    def sealed(self, one: Derived) -> bytes:
        """The file, unopened. Raises DerivedError ("missing"), EnvelopeError ("oversized"), OSError."""
        try:
            with self.path(one).open("rb") as file:
                body = file.read(_LONGEST_LINE + MAX_SEALED + 1)
        except FileNotFoundError:
            raise DerivedError("missing", f"{one.recording}/{one.name} is not there") from None
        if len(body) > _LONGEST_LINE + MAX_SEALED:
            raise EnvelopeError("oversized", f"{one.recording}/{one.name} is larger than any can be")
        return body

    def path(self, one: Derived) -> Path:
        return self.folder / str(one.recording) / one.name

    def sweep(self, jobs: Jobs, stop: threading.Event | None = None) -> int:
        """Removes what no lease that holds and no result is named by, and what a put that was killed left; how many.

        Raises JobsUnusable, OSError: what was not looked at stays.
        """
        gone = 0
        for folder in self._folders():
            if stop is not None and stop.is_set():
                break
            with self._alone():  # while the table is asked, too: nothing that is put meanwhile is taken for older
                names = [one.name for one in folder.iterdir() if not one.is_dir()] if folder.exists() else []
                stand = {(one.kind, one.fence) for one in jobs.of(folder.name) if one.state in _STANDS}
                over = [one for one in names if not _stands(one, stand)]
                for name in over:
                    (folder / name).unlink()
                if len(over) == len(names):
                    with suppress(OSError):  # it is gone already, or holds a folder that is not ours
                        folder.rmdir()
                gone += len(over)
        return gone

    def forget(self, recordings: Iterable[str]) -> None:
        """They are erased. Raises OSError: then it is asked again."""
        for one in recordings:
            if is_uuid(one) and (self.folder / one).exists():
                with self._alone(), suppress(FileNotFoundError):  # a sweep was faster
                    shutil.rmtree(self.folder / one)

    def _folders(self) -> list[Path]:
        return sorted(one for one in self.folder.iterdir() if is_uuid(one.name)) if self.folder.exists() else []

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One process at a time, until it ends or dies: none removes what another has just begun to write."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        opened = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            if not ON_WINDOWS:  # it has no such lock, and no console runs there
                import fcntl  # noqa: PLC0415 - Windows has none

                fcntl.flock(opened, fcntl.LOCK_EX)
            yield
        finally:
            os.close(opened)


@dataclass(frozen=True, slots=True)
class Sweeper:
    """`every`: s from one sweep to the next."""

    shelf: Shelf
    jobs: Jobs
    every: float = EVERY

    def follow(self, stop: threading.Event, failed: Callable[[str], None]) -> None:
        """Until `stop`; `failed` gets the kind of an error, after which it is tried again."""
        while not stop.is_set():
            began = time.monotonic()
            try:
                self.shelf.sweep(self.jobs, stop)
            except Exception as error:  # noqa: BLE001 - a table that is locked, a disk that is damaged ends no console
                failed(type(error).__name__)
            stop.wait(max(self.every, _REST * (time.monotonic() - began)))


def _stands(name: str, stand: Iterable[tuple[Kind, int]]) -> bool:
    found = _NAME.fullmatch(name)
    return found is not None and (Kind(found[1]), int(found[3])) in stand
