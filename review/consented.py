"""What people signed of the consent to recordings, in a folder of the custodian's: a file a recording, a text a line.

It lasts as long as that folder, where the log's bodies are destroyed after a time. What was not signed counts nothing:
it is checked whenever it is read.

A recording can show several calls, and so each reference is a consent of its own: what was withdrawn under one is not
undone by what was given under another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from protocol import personal
from protocol.claims import Claims
from protocol.folder import write_over
from review.enrolled import People
from review.filed import REFERENCE, purpose_of
from review.governance.model import Act, Channel, Consent, Person, Question, Recording
from review.refusal import Refusal

MOST_REFERENCES: Final = 256  # of a recording and channel, by one key: each is checked at each opening


@dataclass(frozen=True, slots=True)
class Statement:
    """`state`: given or withdrawn. `purpose`, `reference` (where it is written down): "" for none."""

    person: str
    recording: UUID
    channel: Channel
    state: Consent
    purpose: str
    reference: str

    @property
    def facts(self) -> dict[str, str]:
        """For the log."""
        facts = {name: getattr(self, name) for name in ("channel", "state", "purpose", "reference")}
        return {name: str(value) for name, value in facts.items() if value}

    def question(self, person: Person, now: int, recording: Recording) -> Question:
        return Question(person, Act.CONSENT, now, recording, self.purpose)

    @classmethod
    def read(cls, claims: Claims) -> Statement:
        """Raises SignatureError ("bad-field")."""
        person, channel, state, reference = map(claims.text, ("person", "channel", "state", "reference"))
        if channel not in set(Channel):
            raise claims.refuse("channel", " or ".join(Channel))
        if state not in {Consent.GIVEN, Consent.WITHDRAWN}:
            raise claims.refuse("state", f"{Consent.GIVEN} or {Consent.WITHDRAWN}")
        if reference and not REFERENCE.fullmatch(reference):
            raise claims.refuse("reference", "a number or word without a space")
        return cls(person, claims.uuid("recording"), Channel(channel), Consent(state), purpose_of(claims), reference)


class Consents:
    """`late`: so many seconds after it was signed, nothing comes any more."""

    def __init__(self, folder: Path, people: People, late: float) -> None:
        self._folder, self._people, self._late = folder, people, late
        self._withdrawn: dict[UUID, float] = {}  # and when, on a clock that never jumps: those of late
        folder.mkdir(mode=0o700, exist_ok=True)

    def kept(self, recording: UUID) -> tuple[str, ...]:
        """As they were signed, in the order in which they came."""
        try:
            return tuple((self._folder / str(recording)).read_text("ascii", "replace").splitlines())
        except FileNotFoundError:
            return ()

    def of(self, recording: UUID, kept: Sequence[str]) -> dict[Channel, Statement]:
        """What counts of each channel: of the newest under each reference, one that withdrew, if there is one. Without
        those that gave it by a key that was removed since: it was stolen.

        Raises Refusal, SignatureError for a file that is not what it was: then nothing is opened.
        """
        newest: dict[tuple[Channel, str], Statement] = {}
        for token in kept:
            signed = personal.read(personal.CONSENT, token)
            by = self._people.keys.get(signed.key)
            if by is None:
                raise Refusal("unknown-key", "what is kept of its consent was signed by no key that is enrolled here")
            personal.check(signed, by.key)
            self._people.check_said(signed, by)
            said = Statement.read(signed.claims)
            if said.recording != recording:
                raise Refusal("other-recording", "what is kept of its consent was signed for another recording")
            if said.state is Consent.WITHDRAWN or not by.removed:
                newest.pop((said.channel, said.reference), None)  # so that the newest of all comes last
                newest[said.channel, said.reference] = said
        by_weight = sorted(newest.values(), key=lambda one: one.state is Consent.WITHDRAWN)
        return {said.channel: said for said in by_weight}

    def shown(self, recording: UUID) -> dict[str, dict[str, str]]:
        """By channel: the state, who signed it, and where it is written down. Raises as `of`."""
        found, names = self.of(recording, self.kept(recording)), ("state", "person", "reference")
        return {str(one): {name: str(getattr(said, name)) for name in names} for one, said in found.items()}

    def take(self, new: Statement, token: str, since: float, now: float, note: Callable[[], int]) -> int:
        """It was signed after `since`, and counts from now on; what `note` answers, which writes it into the log.

        Raises Refusal where consent was withdrawn since it was signed: who hands it in could have kept it back; and for
        more references than any recording has.
        """
        path, content = self._folder / str(new.recording), self._with(new, token)
        if new.state is Consent.GIVEN:
            if since <= self._withdrawn.get(new.recording, -self._late):
                raise Refusal("stale", "consent was withdrawn since this was signed: sign it again")
            entry = note()
            write_over(path, content)
            return entry
        lately = {one: at for one, at in self._withdrawn.items() if at > now - self._late}
        self._withdrawn = lately | {new.recording: now}
        write_over(path, content)  # first: what is opened after the entry finds it
        return note()

    def _with(self, new: Statement, token: str) -> bytes:
        """Its file: in place of the last one that said the same by the same key. Another's stays, as this key may turn
        out to be stolen. Given and withdrawn are both kept, in their order.
        """
        said, kept = _what(token), {one: _what(one) for one in self.kept(new.recording)}
        others = [one for one in kept if kept[one] != said]
        if sum(kept[one][:3] == said[:3] for one in others) >= MOST_REFERENCES:
            raise Refusal("too-many", f"this key has signed {MOST_REFERENCES} references of this recording already")
        return "\n".join([*others, token]).encode("ascii")


def _what(token: str) -> tuple[str, Channel, Consent, str]:
    signed = personal.read(personal.CONSENT, token)
    said = Statement.read(signed.claims)
    return signed.key, said.channel, said.state, said.reference
