"""What a case says beside its chunks: comments on its spans, legal holds, and why a recording of it is gone.

It lies in the sealed object. Comments were opened by who exported, once the custodian's signature had said whose they
are; that they say what they said is the word of the exporting store, as is the title.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from protocol import jws, personal
from protocol.claims import Claims
from protocol.erasure import Erasure
from protocol.errors import ProtocolError, SignatureError
from protocol.keys import public_from_text
from review.cases.spans import CaseError
from review.commented import Comment as SignedComment

_SEALED_AS: Final = b"eyelid comment v1"
_NONCE: Final = 12


@dataclass(frozen=True, slots=True)
class Comment:
    """`at`: wall clock, ns. `start`, `end`: ns since the recording's start."""

    person: str
    at: int
    start: int
    end: int
    text: str

    @classmethod
    def read(cls, said: Claims) -> Comment:
        """Raises CaseError."""
        start = said.integer("start")
        end = said.integer("end", least=start + 1)
        return cls(said.text("person"), said.integer("at"), start, end, said.text("text"))


@dataclass(frozen=True, slots=True)
class Held:
    """A legal hold, in force when the case was exported. `since`: wall clock, ns. `review`: a day."""

    hold: str
    since: int
    review: str

    @classmethod
    def read(cls, said: Claims) -> Held:
        """Raises CaseError."""
        return cls(said.text("hold"), said.integer("since"), said.text("review"))


@dataclass(frozen=True, slots=True)
class Beside:
    """Of one recording."""

    comments: tuple[Comment, ...] = ()
    holds: tuple[Held, ...] = ()

    def facts(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def read(cls, said: Claims) -> Beside:
        """Of a case from before there were any, too. Raises CaseError."""
        comments = said.objects("comments") if said.has("comments") else ()
        holds = said.objects("holds") if said.has("holds") else ()
        return cls(tuple(map(Comment.read, comments)), tuple(map(Held.read, holds)))


NOTHING: Final = Beside()


@dataclass(frozen=True, slots=True)
class Gone:
    """A recording that was erased. `certificate`: JWS. `signer`: the key of the house's audit log, which signed it."""

    recording: UUID
    certificate: str
    signer: str

    def facts(self) -> dict[str, Any]:
        return {"recording": str(self.recording), "certificate": self.certificate, "signer": self.signer}

    @classmethod
    def read(cls, said: Claims) -> Gone:
        """Raises CaseError."""
        return cls(said.uuid("recording"), said.text("certificate"), said.text("signer"))

    def certified(self) -> Erasure:
        """What the certificate says. Raises ProtocolError."""
        said = Erasure.verify(self.certificate, public_from_text(self.signer))
        if said.recording != self.recording or said.destroyed is None:
            raise CaseError("misplaced", f"recording {self.recording}: the certificate is none of its erasure")
        return said


def opened(
    found: Iterable[Mapping[str, str]], recording: UUID, key: bytes, custodian: Ed25519PublicKey,
    spans: Iterable[tuple[int, int]],
) -> tuple[tuple[Comment, ...], int]:  # fmt: skip
    """Those on these spans, and how many of this recording were not verified. `custodian`: the key of its log."""
    spans, comments, refused = list(spans), dict[str, Comment](), 0
    for one in found:
        try:
            signed = personal.read(personal.COMMENT, one["comment"])
            about = SignedComment.read(signed)
            if about.recording != recording:
                continue
            comments[signed.id] = _opened(signed, about, one["commented"], key, custodian)
        except (ProtocolError, KeyError):
            refused += 1
    kept = [one for one in comments.values() if any(one.start < until and one.end > start for start, until in spans)]
    return tuple(sorted(kept, key=lambda one: (one.start, one.at))), refused


def _opened(
    signed: personal.Signed, about: SignedComment, commented: str, key: bytes, custodian: Ed25519PublicKey
) -> Comment:
    """Raises ProtocolError."""
    said = Claims(jws.verify(jws.COMMENTED, commented, custodian), "comment", SignatureError)
    if (said.text("comment"), said.uuid("recording")) != (signed.id, about.recording):
        raise CaseError("other-comment", "the custodian signed another comment")
    sealed = signed.claims.raw("sealed")
    try:
        text = AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], _SEALED_AS + about.recording.bytes)
        return Comment(said.text("person"), said.integer("at"), about.start, about.end, text.decode("utf-8").rstrip())
    except (InvalidTag, UnicodeDecodeError):
        raise CaseError("wrong-key", "the comment was sealed under another key") from None
