"""Writes a case: the chunks of its spans as they lie in the store, what proves them, and the keys of these alone.

What does not verify is refused before; here each chunk is opened once more, with the key that goes into the case.
Nothing decrypted is written. The folder is built beside its place and moved there whole.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import envelope
from protocol.envelope import SCENE_STREAM
from protocol.errors import EnvelopeError
from protocol.keyfile import save_private
from protocol.keys import RecipientPublic
from review.cases.beside import NOTHING, Beside, Gone
from review.cases.sealing import KEY_FILE, KEY_KIND, SEALED, STATEMENT, Content, Part, chunks_file, fits, seal, sign
from review.cases.selecting import Row, belonging
from review.cases.spans import Case
from review.player.source import Source
from store.catalog.blobs import BlobStore
from store.errors import StoreError
from store.evidence.chain import Stored
from store.evidence.opening import Unsound, read_body
from store.evidence.unfinished import building, put_in_place
from store.files import write_new

_KEY: Final = 32  # bytes
ChunkKeys = Callable[[int, int], bytes]
"""Numbers of stream and chunk -> the chunk's own key."""


@dataclass(frozen=True)
class Chosen:
    """One recording of a case, verified. `origin`: JWS by the store's key. `gives`: as `Case` says it of a stream.
    `comments`: what opens comments on it, which `beside` has, opened."""

    source: Source
    origin: str
    keys: ChunkKeys
    spans: tuple[tuple[int, int], ...]
    gives: Callable[[int], bool]
    comments: bytes = b""
    beside: Beside = NOTHING

    @property
    def recording(self) -> UUID:
        return self.source.evidence.recording.id

    def chunks(self) -> Mapping[int, tuple[Stored, ...]]:
        """By stream: those that belong to its spans. Scenes are for other commands."""
        found = {}
        for stream, chain in self.source.rows.items():
            if stream != SCENE_STREAM and self.gives(stream):
                found[stream] = tuple(chain[place] for place in belonging(list(map(Row.of, chain)), self.spans))
        return {stream: chain for stream, chain in found.items() if chain}


@dataclass(frozen=True, slots=True)
class Written:
    folder: Path
    chunks: int
    bytes: int


def write(
    case: Case,
    made: int,
    recordings: Sequence[Chosen],
    folder: Path,
    *,
    reader: RecipientPublic | None,
    passphrase: bytes,
    signer: Ed25519PrivateKey,
    register: Path,
    advance: Callable[[int], None],
    gone: Sequence[Gone] = (),
) -> Written:
    """On disk when it returns. Raises StoreError, and then leaves nothing there.

    `reader`: whom it is sealed to; None: to the passphrase. `register`: where it is noted that something lies here
    unfinished. `advance`: is told how many chunks were written.
    """
    folder = folder.absolute()
    key = os.urandom(_KEY)
    try:
        with building(register, folder) as hidden:
            hashes: dict[str, str] = {}
            parts = tuple(_part(one, hidden, hashes, advance) for one in recordings)
            content = Content(case, parts, tuple(gone)).write()
            if not fits(content):  # and could not be opened again
                raise StoreError(f"case {case.id} is of too many recordings: make several cases of it")
            sealed = seal(key, case.id, content)
            hashes[SEALED] = hashlib.sha256(sealed).hexdigest()
            write_new(hidden / SEALED, sealed)
            if reader is None:
                save_private(hidden / KEY_FILE, KEY_KIND, key, passphrase)
                hashes[KEY_FILE] = hashlib.sha256((hidden / KEY_FILE).read_bytes()).hexdigest()
            token = sign(case.id, made, hashes, key=key, reader=reader, signer=signer)
            write_new(hidden / STATEMENT, token.encode("ascii") + b"\n")
            size = sum(one.stat().st_size for one in hidden.iterdir())
            put_in_place(hidden, folder)
    except OSError as error:
        raise StoreError(f"{folder} cannot be written: {error.strerror or error}") from None
    return Written(folder, sum(len(rows) for part in parts for rows in part.rows.values()), size)


def amount(recordings: Sequence[Chosen]) -> int:
    return sum(len(chain) for one in recordings for chain in one.chunks().values())


def _part(chosen: Chosen, folder: Path, hashes: dict[str, str], advance: Callable[[int], None]) -> Part:
    recording = chosen.recording
    rows: dict[int, tuple[Row, ...]] = {}
    keys: dict[int, dict[int, bytes]] = {}
    for stream, chain in chosen.chunks().items():
        name = chunks_file(recording, stream)
        keys[stream] = {}
        with _new(folder / name) as put:
            hashed = hashlib.sha256()
            for one in chain:
                own = chosen.keys(stream, one.sequence)
                sealed = _opened_by(own, one, chosen.source.blobs)
                put(sealed)
                hashed.update(sealed)
                keys[stream][one.sequence] = own
                advance(1)
        hashes[name] = hashed.hexdigest()
        rows[stream] = tuple(map(Row.of, chain))
    account = list(_account(chosen.source))
    return Part(
        recording, chosen.origin, chosen.source.papers, tuple(account), chosen.source.evidence.device_report, rows,
        keys, chosen.beside,
    )  # fmt: skip


def _opened_by(key: bytes, stored: Stored, blobs: BlobStore) -> bytes:
    """The sealed chunk, which this key opens: no case is given away that its reader could not open."""
    try:
        sealed = read_body(blobs, stored)
        envelope.open_by_chunk_key(key, sealed)
    except (Unsound, EnvelopeError) as error:
        raise StoreError(f"recording {stored.recording}, {stored}: {error} ({error.code})") from None
    return sealed


def _account(source: Source) -> Iterator[Mapping[str, Any]]:
    after: int | None = 0
    while after is not None:
        piece = source.pieces(after)
        yield from piece["batches"]
        after = piece["next"]


@contextmanager
def _new(path: Path) -> Iterator[Callable[[bytes], object]]:
    """Readable by its owner alone, and on disk when it is closed."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        yield file.write
        file.flush()
        os.fsync(file.fileno())
