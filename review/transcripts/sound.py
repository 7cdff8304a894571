"""A recording's sound as the store has it, held against what its PC signed; what is missing is named, nothing guessed.

Chunks are checked without a key first, and opened with their stream's alone. Sound goes through pipes and memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.exc import SQLAlchemyError

from protocol import envelope
from protocol.envelope import AUDIO, SOUND_STREAM, Kind
from protocol.errors import EnvelopeError
from review.analysis.job_states import Failure
from review.analysis.spans import SECOND, Span
from review.analysis.speech.transcript import Gap
from review.analysis.worker import ReadError
from store.catalog import erasure, schema
from store.catalog.blobs import BlobFault, BlobStore
from store.catalog.database import Database
from store.catalog.statements import bundle_of
from store.errors import StoreError
from store.evidence.chain import Stored
from store.evidence.evidence import Evidence, gather
from store.evidence.export import in_the_way, playable
from store.evidence.film import CannotPlay
from store.evidence.film.plan import make_plan
from store.evidence.film.sampling import RATE, samples
from store.evidence.opening import Unsound, read_body
from store.evidence.rules import words_of
from store.evidence.verify.ledger import SignedLedger
from store.evidence.verify.recording import examine

LONGEST: Final = 6 * 3600 * SECOND  # ns. A recording lasts an hour; a PC that lies can claim years, and fill memory
# What a transcript names as a gap; everything else that is wrong means that it is not what the PC signed.
_GAPS: Final = frozenset({("chain", "gap"), ("heads", "tail-missing")})


@dataclass(frozen=True, slots=True)
class Sound:
    """`length`: ns of the recording. `gaps`: all time of which there is no sound, with why. `chunks`: header first."""

    recording: UUID
    length: int
    gaps: tuple[Gap, ...]
    chunks: tuple[Stored, ...]


@dataclass(frozen=True, slots=True)
class SoundStore:
    """`compliance`: fingerprint of the key that signs bundles."""

    database: Database
    blobs: BlobStore
    compliance: str

    def sound_of(self, recording: UUID) -> Sound | None:
        """None where the recording has no lane of sound. Raises ReadError."""
        with _answering():
            try:
                with self.database.reading() as connection:
                    evidence = gather(connection, recording)
            except StoreError:  # too many entries or chunks, or a damaged row: as `verify` says of it
                raise ReadError(Failure.UNSOUND) from None
            if evidence.erased is not None:
                raise ReadError(Failure.ERASED)
            if not evidence.ended:
                raise ReadError(Failure.NOT_YET)
            if AUDIO not in evidence.lanes:
                return None
            if evidence.length > LONGEST:
                raise ReadError(Failure.UNSOUND)
            return self._sound(evidence)

    def _sound(self, evidence: Evidence) -> Sound:
        def bundles(revision: int) -> str | None:
            with self.database.reading() as connection:
                return bundle_of(connection, revision)

        heard = replace(evidence, stored=tuple(one for one in evidence.stored if _wanted(one)))
        report = examine(
            heard, self.blobs, None, compliance=self.compliance, bundles=bundles,
            ledger=SignedLedger(self.database, evidence.device), run=False,
        )  # fmt: skip
        wrong = in_the_way(report)
        if sum(found.code == "lost" for found in wrong) >= len(heard.stored):
            raise ReadError(Failure.NO_ANSWER)  # all at once: its disk is not there
        for found in wrong:
            if found.code == "unreadable":
                raise ReadError(Failure.NO_ANSWER)
            if (found.check, found.code) not in _GAPS:
                self.check_here(evidence.recording.id)
                raise ReadError(Failure.UNSOUND)
        chunks = tuple(playable(heard.chosen.streams.get(SOUND_STREAM, ()), report))
        kept = [chunk.span for chunk in chunks if chunk.kind is Kind.MEDIA]
        plan = make_plan(
            evidence.length,
            {SOUND_STREAM: kept},
            {AUDIO: evidence.account_of(AUDIO)},
            lambda cause: words_of(cause, evidence.names_of),
            cut=False,
        )
        gaps = tuple(Gap(Span(one.start, one.end), one.words) for one in plan.gaps[AUDIO])
        return Sound(evidence.recording.id, evidence.length, gaps, chunks)

    def check_here(self, recording: UUID) -> None:
        """Raises ReadError where it was erased since."""
        with _answering(), self.database.reading() as connection:
            if erasure.tombstones(connection, schema.erasures.c.recording == str(recording)):
                raise ReadError(Failure.ERASED)

    def pcm(self, sound: Sound, key: bytes, channel: int, beat: Callable[[float], None]) -> NDArray[np.int16]:
        """One channel at RATE, as long as the recording. `beat`: each second, with the share that is done; its errors
        pass. Raises ReadError.
        """
        length = max(sound.length, 1)
        if not any(chunk.kind is Kind.MEDIA for chunk in sound.chunks):
            return np.zeros(sound.length * RATE // SECOND, np.int16)
        with _answering():
            try:
                return samples(
                    self._opened(sound, key), channel, sound.length,
                    beat=lambda at: beat(min(at * SECOND / RATE / length, 1.0)),
                )  # fmt: skip
            except (CannotPlay, EnvelopeError):
                raise ReadError(Failure.UNSOUND) from None
            except Unsound as error:
                self.check_here(sound.recording)
                raise ReadError(Failure.NO_ANSWER if error.code == "unreadable" else Failure.UNSOUND) from None

    def _opened(self, sound: Sound, key: bytes) -> Iterator[bytes]:
        """Read and held against its hash a second time: it may have been altered since it was checked."""
        for chunk in sound.chunks:
            yield envelope.open_sealed(key, read_body(self.blobs, chunk))[1]


def _wanted(stored: Stored) -> bool:
    return stored.is_packet or stored.stream == SOUND_STREAM


@contextmanager
def _answering() -> Iterator[None]:
    """What the store's own troubles come to."""
    try:
        yield
    except (SQLAlchemyError, BlobFault, OSError):
        raise ReadError(Failure.NO_ANSWER) from None
