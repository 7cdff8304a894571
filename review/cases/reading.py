"""Opens a case: its statement, its key by a reader's private key or a passphrase, its sealed object, and its chunks.

The folder may come from anywhere: a name in it is used only where it is one that a case has, and no link is followed.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import IO, Any, Final
from uuid import UUID

from protocol.keyfile import load_private
from protocol.keys import RecipientPrivate, public_to_text
from protocol.origin import Origin
from review.cases.sealing import (
    KEY_FILE,
    KEY_KIND,
    LARGEST_SEALED,
    SEALED,
    STATEMENT,
    Content,
    Part,
    Statement,
    check_key,
    chunks_file,
    read_statement,
    unseal,
    unwrap,
)
from review.cases.selecting import Row
from review.cases.spans import Case, CaseError

_STATEMENT: Final = 2**20
_PIECE: Final = 2**20
_BATCHES: Final = 8  # of the account, a request


def is_case(folder: Path) -> bool:
    return (folder / STATEMENT).is_file()


def statement_of(folder: Path) -> Statement:
    """Raises CaseError, ProtocolError, OSError."""
    token = _read(folder / STATEMENT, _STATEMENT)
    try:
        return read_statement(token.decode("ascii").strip())
    except UnicodeDecodeError:
        raise CaseError("malformed", f"{STATEMENT} is no signed statement") from None


def by_key(statement: Statement, reader: RecipientPrivate) -> bytes:
    """The case's key. Raises CaseError, KeyProblem."""
    return unwrap(statement, reader)


def by_passphrase(folder: Path, statement: Statement, passphrase: bytes) -> bytes:
    """The case's key. Raises CaseError, KeyProblem."""
    if KEY_FILE not in statement.files:
        whom = next(iter(statement.wrapped), "no reader")
        raise CaseError("no-passphrase", f"case {statement.case} is sealed to {whom}: a passphrase does not open it")
    if hashlib.sha256(_read(folder / KEY_FILE, _STATEMENT)).hexdigest() != statement.files[KEY_FILE]:
        raise CaseError("changed", f"{KEY_FILE} is not what was signed")
    made = load_private(folder / KEY_FILE, passphrase)
    if made.kind != KEY_KIND:
        raise CaseError("wrong-key", f"{KEY_FILE} is a key of another kind")
    return check_key(statement, made.raw)


def content_of(folder: Path, statement: Statement, key: bytes) -> Content:
    """Raises CaseError: changed, wrong-tag, malformed; OSError."""
    sealed = _read(folder / SEALED, LARGEST_SEALED)
    if hashlib.sha256(sealed).hexdigest() != statement.files[SEALED]:
        raise CaseError("changed", f"{SEALED} is not what was signed")
    content = Content.read(unseal(key, statement.case, sealed))
    if content.case.id != statement.case:
        raise CaseError("malformed", f"{SEALED} is of another case")
    return content


def _read(path: Path, most: int) -> bytes:
    """All of it; a larger one is not read at all. Raises CaseError, OSError."""
    with _opened(path) as file:
        found = b"" if os.fstat(file.fileno()).st_size > most else file.read(most + 1)
        if len(found) > most or os.fstat(file.fileno()).st_size > most:
            raise CaseError("oversized", f"{path.name} has more than {most >> 20} MiB: no case has so much there")
    return found


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """Raises CaseError ("bad-name") for what is no file; OSError."""
    try:
        descriptor = os.open(path, _HOW)
    except OSError as error:
        if error.errno in _LINK:
            raise CaseError("bad-name", f"{path.name} is a link: no link in a case is followed") from None
        raise
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise CaseError("bad-name", f"{path.name} is no file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            yield file
    finally:
        os.close(descriptor)


_LINK: Final = (errno.ELOOP, errno.EMLINK)  # BSD has the second
_HOW: Final = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def sources_of(folder: Path, statement: Statement, content: Content) -> dict[UUID, PartSource]:
    """Of each recording, by the evidence key that the exporting store names. Raises SignatureError, CaseError."""
    found = {}
    for part in content.parts:
        origin = Origin.verify(part.origin, statement.signer)
        if origin.recording != part.recording:
            raise CaseError("misplaced", f"recording {part.recording}: the store says where another is from")
        found[part.recording] = PartSource(folder, content.case, part, public_to_text(origin.evidence_key))
    return found


# -- files ------------------------------------------------------------------------------------------------------------


def findings(folder: Path, statement: Statement) -> dict[str, str]:
    """Name -> what is wrong, of the files that are not as they were signed."""
    found = {}
    for name, sha256 in sorted(statement.files.items()):
        hashed = _hash(folder / name)
        if hashed is None:
            found[name] = "is missing, or no file"
        elif hashed != sha256:
            found[name] = "is not what was signed"
    return found


def others(folder: Path, statement: Statement) -> list[str]:
    """Names in the folder that the statement says nothing of."""
    known = {STATEMENT, *statement.files}
    return sorted(one.name for one in folder.iterdir() if one.name not in known)


def missing(folder: Path, statement: Statement) -> list[str]:
    """Quickly, without reading them."""
    return [name for name in sorted(statement.files) if (folder / name).is_symlink() or not (folder / name).is_file()]


def _hash(path: Path) -> str | None:
    made = hashlib.sha256()
    try:
        with _opened(path) as file:
            while piece := file.read(_PIECE):
                made.update(piece)
    except (OSError, CaseError):
        return None
    return made.hexdigest()


# -- what the player asks for -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PartSource:
    """One recording of a case, as `review.player.source.Source` answers of one in the store."""

    folder: Path
    case: Case
    part: Part
    evidence_key: str
    _starts: dict[int, tuple[int, ...]] = field(default_factory=dict)

    @cached_property
    def papers(self) -> Mapping[str, Any]:
        """With the evidence key that the store vouched for, whatever they say themselves."""
        device = {**self.part.papers.get("device", {}), "evidence_key": self.evidence_key}
        spans = [list(one) for one in self.case.of(self.part.recording)]
        only = {"only": self.case.only} if self.case.only else {}
        return {**self.part.papers, "device": device, "case": {"spans": spans, **only}}

    @property
    def rows(self) -> Mapping[int, tuple[Row, ...]]:
        return self.part.rows

    @property
    def index(self) -> dict[str, Any]:
        return {"streams": [{"stream": stream, "rows": list(map(list, all_))} for stream, all_ in self.rows.items()]}

    def pieces(self, after: int) -> dict[str, Any]:
        """`after`: how many batches were given."""
        upto = after + _BATCHES
        account = self.part.account
        return {
            "batches": list(account[after:upto]),
            "next": upto if upto < len(account) else None,
            "report": self.part.report,
        }

    def chunks(self, stream: int, first: int, after: int) -> bytes:
        """Rows `first` to before `after`, each behind its length in 4 bytes; 0 for what is not here."""
        read = self.sealed(stream, first, after)
        return b"".join(len(body).to_bytes(4, "big") + body for body in read)

    def sealed(self, stream: int, first: int, after: int) -> list[bytes]:
        """As they lie here, whatever became of them. Empty for what is not here."""
        rows = self.rows[stream]
        if (starts := self._starts.get(stream)) is None:
            starts = self._starts[stream] = tuple(accumulate((one.size for one in rows), initial=0))
        try:
            with _opened(self.folder / chunks_file(self.part.recording, stream)) as file:
                file.seek(starts[first])
                bodies = [file.read(one.size) for one in rows[first:after]]
        except (OSError, CaseError):
            return [b""] * (after - first)
        return [body if len(body) == one.size else b"" for body, one in zip(bodies, rows[first:after], strict=True)]
