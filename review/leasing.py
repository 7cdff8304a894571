"""The worker's side of a lease: asks the custodian for the keys of one recording, and opens them for this lease alone.

The custodian's side is `review.leases`. What a refusal means for the job is decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protocol import base64url, jws, personal
from protocol.claims import Claims
from protocol.errors import ProtocolError
from protocol.keys import public_from_text
from protocol.released import DERIVED, DERIVED_KEY, STREAM_KEY, receive
from review.analysis.job_states import Failure, Kind
from review.analysis.jobs import Lease
from review.analysis.lending import Lent
from review.analysis.worker import ReadError
from review.exchange import ask

# What is final for this recording, and what is no answer. Every other code is not-yet: consent, an approval, or the end
# of the hour or of the recording may still come; the worker's key or the rules may be mended; and a later custodian may
# have codes that are not known here. Were they final, they would end every job of the table within minutes; were they
# no answer, they would be asked for each hour for ever.
MEANS: Final[Mapping[str, Failure]] = {
    "refused": Failure.REFUSED,
    "no-stream-keys": Failure.REFUSED,  # an earlier agent sealed it with one key for all
    "unknown-stream": Failure.UNSOUND,  # the catalog says that it has what no PC signed
    "other-recording": Failure.UNSOUND,
    "other-packet": Failure.UNSOUND,
    "bad-signature": Failure.UNSOUND,
    "no-papers": Failure.NO_ANSWER,  # of the store's command
}


@dataclass(frozen=True, slots=True)
class Lending:
    """`worker`: by the name that the rules give it. `key`: as compliance invited it. `custodian`: its log's key, which
    signs what it gives. `papers`: of a recording, as `eyelid-store papers` prints them; or an `error`. `said` gets a
    kind, and the code of why nothing was lent.
    """

    socket: Path
    worker: str
    key: Ed25519PrivateKey
    custodian: Ed25519PublicKey
    papers: Callable[[UUID], Mapping[str, Any]]
    said: Callable[[Kind, str], None]

    def lend(self, lease: Lease) -> Lent:
        """As Lender. The session's key is made for it and kept by nothing; Python overwrites no memory."""
        try:
            return self._asked(lease)
        except ProtocolError as error:
            code, failure = error.code, MEANS.get(error.code, Failure.NOT_YET)
        except OSError as error:
            code, failure = type(error).__name__, Failure.NO_ANSWER
        except ValueError:  # what came is no JSON
            code, failure = "malformed", Failure.NOT_YET
        self.said(lease.kind, code)
        raise ReadError(failure)

    def _asked(self, lease: Lease) -> Lent:
        """Raises ProtocolError, OSError, ValueError."""
        recording, session = UUID(lease.recording), X25519PrivateKey.generate()
        papers = self.papers(recording)
        if "error" in papers:
            raise ProtocolError(str(papers["error"]), "the store gave no papers")
        asked = {
            "person": self.worker.lower(), "recording": str(recording), "kind": lease.kind, "version": lease.model,
            "fence": lease.fence, "session": base64url.encode(session.public_key().public_bytes_raw()),
            "expires": lease.deadline,
        }  # fmt: skip
        token = personal.sign(personal.LEASE, asked | ask(self.socket, "nonce"), self.key)
        answer = ask(self.socket, "lease", lease=token, papers=papers)
        try:
            leased = jws.verify(jws.LEASED, str(answer.get("leased")), self.custodian)
            return _opened(lease, leased, personal.read(personal.LEASE, token).id, session)
        except ValueError:  # apart from what the custodian says of the recording
            raise ProtocolError(
                "no-lease", "what came is no lease that the custodian signed for this request"
            ) from None


def _opened(lease: Lease, leased: dict[str, object], request: str, session: X25519PrivateKey) -> Lent:
    """Keys that were sealed for this request, recording and session. Raises ValueError."""
    said, recording = Claims(leased, jws.LEASED, ProtocolError), UUID(lease.recording)

    def of(keys: Claims, name: str, stream: int, use: bytes) -> bytes:
        return receive(session, keys.raw(name), request=request, recording=recording, stream=stream, label=use)

    def derived(keys: Claims) -> dict[str, bytes]:
        return {name: of(keys, name, DERIVED, DERIVED_KEY) for name in keys.names()}

    keys = said.object("keys")
    streams = {int(name): of(keys, name, int(name), STREAM_KEY) for name in keys.names()}
    ((label, seals),) = derived(said.object("seals")).items()
    if not said.has("opens"):
        return Lent(streams, label, seals)
    workers = tuple(map(public_from_text, said.texts("workers")))
    return Lent(streams, label, seals, derived(said.object("opens")), workers)
