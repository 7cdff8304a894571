"""A comment on a span of a recording, as a person signed it: who, which, and where in it; what it says is sealed.

The text is sealed in the browser under a key that the custodian releases with an opening. Neither the console nor the
custodian opens it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from protocol.personal import Signed
from review.filed import purpose_of
from review.governance.model import Act, Person, Question, Recording

LARGEST: Final = 5 * 2**10  # bytes of what is sealed: a signed statement has room for it, and a passkey's assertion
SMALLEST: Final = 12 + 16  # a nonce and a tag


@dataclass(frozen=True, slots=True)
class Comment:
    """`id`: of what was signed. `start`, `end`: ns since the recording's start. `purpose`: "" for none."""

    id: str
    recording: UUID
    start: int
    end: int
    purpose: str

    @property
    def facts(self) -> dict[str, object]:
        """For the log."""
        purpose = {"purpose": self.purpose} if self.purpose else {}
        return {"comment": self.id, "spans": [[self.start, self.end]], **purpose}

    def question(self, person: Person, now: int, recording: Recording) -> Question:
        return Question(person, Act.COMMENT, now, recording, self.purpose)

    def statement(self, person: str, entry: int, now: int) -> dict[str, object]:
        """What the custodian signs of it."""
        return {"comment": self.id, "person": person, "recording": str(self.recording), "entry": entry, "at": now}

    @classmethod
    def read(cls, signed: Signed) -> Comment:
        """Raises SignatureError ("bad-field")."""
        claims = signed.claims
        start = claims.integer("start")
        end = claims.integer("end", least=start + 1)
        if not SMALLEST < len(claims.raw("sealed")) <= LARGEST:
            raise claims.refuse("sealed", f"more than {SMALLEST} bytes, and at most {LARGEST}")
        return cls(signed.id, claims.uuid("recording"), start, end, purpose_of(claims))
