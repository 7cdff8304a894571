"""The reader of transcripts: for one lease, opens what was made of a recording, and seals where personal data is in it.

It has no model and hears nothing: the rules are those of `review.analysis.personal`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from protocol.errors import ProtocolError
from review.analysis.derived import Derived, Shelf
from review.analysis.job_states import Failure, JobState, Kind
from review.analysis.jobs import Job, Jobs, Lease
from review.analysis.lending import Lender, Lent
from review.analysis.personal.find import find
from review.analysis.personal.spans import VERSION
from review.analysis.words import Call
from review.analysis.worker import Progress, ReadError
from review.governance.model import Rendition
from review.leases import label
from review.redaction.form import FORMAT, Source, written
from review.transcripts import form as transcripts

RULES: Final = f"rules-{VERSION}-f{FORMAT}"  # its version, for the job table
_OPENED: Final = 0.1  # the share of the work that opening is


@dataclass(frozen=True, slots=True)
class PersonalReader:
    """A Reader. `models`: of each kind the version that is read here, as `versions` gives it."""

    jobs: Jobs
    lender: Lender
    shelf: Shelf
    models: Mapping[Kind, str]

    @property
    def kind(self) -> Kind:
        return Kind.PERSONAL

    @property
    def model(self) -> str:
        return self.models[Kind.PERSONAL]

    def read(self, lease: Lease, progress: Progress) -> str:
        """As `Reader.read`. Rules take a second for an hour of talk, in which nothing is said of the progress."""
        progress(0.0)
        job = self._source(lease.recording, Kind.SPEECH)
        lent = self.lender.lend(lease)
        recording = UUID(lease.recording)
        try:
            spoken = transcripts.read(self._opened(recording, job, lent))
        except (ProtocolError, OSError, ValueError):
            raise ReadError(Failure.NO_SOURCE) from None
        progress(_OPENED)
        spans = find(Call({channel: one.heard for channel, one in spoken.items()}))
        progress(1.0)
        sources = {job.kind: Source(job.model, job.result or "")}
        return self.shelf.put(lease, lent, written(recording, sources, spoken, spans))

    def _source(self, recording: str, kind: Kind) -> Job:
        for job in self.jobs.of(recording):
            if (job.kind, job.model, job.state) == (kind, self.models[kind], JobState.DONE):
                return job
        raise ReadError(Failure.NO_SOURCE)

    def _opened(self, recording: UUID, job: Job, lent: Lent) -> bytes:
        """What the table says was made, signed by one of those whose signature counts.

        Raises ProtocolError, OSError, ValueError.
        """
        one = Derived(recording, job.kind, Rendition.ORIGINAL, job.model, job.fence)
        body, key = self.shelf.sealed(one), lent.results[label(job.kind, one.rendition)]
        if hashlib.sha256(body).hexdigest() != job.result:
            raise ValueError("another file than the one that was made")
        for worker in lent.workers:
            with suppress(ProtocolError):
                return one.opened(body, key, worker)
        raise ValueError("no worker that counts has signed it")
