"""The audit log for one person: entries that the rules let them read, each with its place and its proof.

Who may read entries about all recordings reads every entry. Who may read those about some reads entries that name
recordings, and of these alone: an entry that also names another's is not shown, as its body would be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from review.audit import journal
from review.audit.errors import AuditError
from review.audit.kinds import KINDS, STATEMENTS, pseudonym
from review.audit.notes import Note, signed_checkpoint
from review.audit.proofs import SingleEntries, prove, written
from review.audit.tree import leaf_hash
from review.governance.decide import decide
from review.governance.model import Act, Governance, Person, Question, Recording
from review.search.find import Finder
from review.search.log_index import CHANGED, SHREDDED, Asked, Found, LogIndex
from review.web.access import CATCH_UP

SIZE: Final = 50  # entries of a page
MOST: Final = 200  # that are opened for one, where not all may be shown
CHOICES: Final = (*sorted(KINDS), *sorted(STATEMENTS), CHANGED, SHREDDED)
_KEEPERS: Final = (
    Act.LEGAL_HOLD, Act.RELEASE_HOLD, Act.ERASE_REQUEST, Act.ERASE, Act.SUBJECT_ACCESS, Act.READ_AUDIT,
)  # fmt: skip
_SIGNATURE: Final = 8 + 64  # bytes of a cosigner's: seconds, Ed25519


@dataclass(frozen=True, slots=True)
class Cosigned:
    """As the note says it: the console has no cosigner's key."""

    by: str
    size: int
    at: int  # ns


@dataclass(frozen=True, slots=True)
class Head:
    """Of the published log. `at`: ns, of its newest entry; 0 without one."""

    origin: str
    size: int
    at: int
    cosigned: tuple[Cosigned, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """`following`: the position before which the next page begins. `whole`: whether the index has all of the log."""

    rows: tuple[Found, ...]
    following: int | None
    indexed: int
    whole: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """`leaf`, `steps`: hex. Without steps it is not published yet."""

    found: Found
    leaf: str
    steps: tuple[str, ...]
    note: str
    size: int


def may_read_all(governance: Governance, person: Person, now: int) -> bool:
    return decide(governance, Question(person, Act.READ_AUDIT, now)).granted


def may_report(governance: Governance, person: Person, now: int) -> bool:
    """A report tells of all recordings and of the whole log."""
    listing = Question(person, Act.LIST, now, Recording())
    return may_read_all(governance, person, now) and decide(governance, listing).granted


def may_read(governance: Governance, person: Person, now: int) -> bool:
    """Whether a role lets them read anything of it."""
    roles = ((grant, governance.roles.get(grant.role)) for grant in person.grants)
    return now >= governance.signed and any(
        role is not None and Act.READ_AUDIT in role.may and grant.since <= now < min(grant.until, role.until)
        for grant, role in roles
    )


def may_of_all(governance: Governance, person: Person, now: int, *acts: Act) -> bool:
    """Whether one of these is theirs over all recordings, for some purpose: approvals are for doing it."""
    recording = Recording(drawn=governance.purposes)
    purposes = ("", *sorted(governance.purposes))
    asked = (Question(person, act, now, recording, purpose) for act in acts for purpose in purposes)
    decisions = (decide(governance, one) for one in asked)
    return any(one.granted or all(reason.missing for reason in one.reasons) for one in decisions)


def may_see_retention(governance: Governance, person: Person, now: int) -> bool:
    """What is deleted next is about all recordings, too: for who lists them, and sees to holds, erasures or audits."""
    lists = Question(person, Act.LIST, now, Recording())
    return decide(governance, lists).granted and may_of_all(governance, person, now, *_KEEPERS)


@dataclass(frozen=True, slots=True)
class LogReader:
    """`names`: of pseudonyms."""

    finder: Finder
    entries: LogIndex
    names: Mapping[str, str]

    def page(self, asked: Asked) -> Page:
        """Newest first. Raises AuditError, OSError."""
        whole = self.entries.catch_up(CATCH_UP)
        positions = self.entries.positions(asked, MOST + 1)
        rows, last, following = list[Found](), 0, None
        for one in self.entries.read(positions):
            if len(rows) == SIZE or (len(positions) > MOST and one.position == positions[MOST]):
                following = last
                break
            last = one.position
            if self.may_see(one):
                rows.append(one)
        return Page(tuple(rows), following, self.entries.end, whole)

    def may_see(self, one: Found) -> bool:
        recordings = one.recordings
        if not recordings:
            return self._granted(None)
        known = self.finder.known(recordings)
        return all(
            self._granted(known[name][0].recording(self.finder.governance, known[name][1]))
            if name in known
            else self._granted(Recording())  # it was erased, or the search index has not come to it
            for name in recordings
        )

    def _granted(self, recording: Recording | None) -> bool:
        question = Question(self.finder.person, Act.READ_AUDIT, self.finder.now, recording)
        return decide(self.finder.governance, question).granted

    def entry(self, position: int) -> Entry | None:
        """None where there is none that they may read. Raises AuditError, OSError."""
        self.entries.catch_up(CATCH_UP)
        if position >= self.entries.end:
            return None
        [found] = self.entries.read([position])
        if not self.may_see(found):
            return None
        reading = SingleEntries(self.entries.folder, self.entries.log)
        steps = reading.steps(position) if position < reading.point.size else []
        leaf = leaf_hash(reading.at(position).raw).hex()
        return Entry(found, leaf, tuple(one.hex() for one in steps), str(reading.note.text), reading.point.size)

    def proof(self, position: int) -> str:
        """Of a published entry. Raises AuditError, OSError."""
        return written(prove(SingleEntries(self.entries.folder, self.entries.log), self.entries.key, position))

    def head(self) -> Head:
        """Raises AuditError, OSError."""
        reading = SingleEntries(self.entries.folder, self.entries.log)
        last = self.entries.read([reading.point.size - 1]) if reading.point.size else iter(())
        at = next((one.time for one in last), 0)
        return Head(reading.point.origin, reading.point.size, at * 1_000_000, tuple(self._cosigned()))

    def _cosigned(self) -> list[Cosigned]:
        path = self.entries.folder / journal.COSIGNED
        try:
            content = journal.read_note(path)
            point = signed_checkpoint(content, self.entries.log)
        except (FileNotFoundError, AuditError):
            return []
        others = (one for one in Note.parse(content).signatures if one.id != self.entries.log.id)
        return [
            Cosigned(one.name, point.size, int.from_bytes(one.raw[:8], "big") * 10**9)
            for one in others
            if len(one.raw) == _SIGNATURE
        ]

    def who(self, one: Found) -> str:
        said = str(one.said.get("who", ""))
        return self.names.get(said, said)

    def facts(self, one: Found) -> list[tuple[str, str]]:
        """What it says beyond who, what and whether; people by their names, as far as they are known."""
        said: Mapping[str, Any] = one.said.get("facts", one.said)
        shown = [(name, self._shown(value)) for name, value in said.items() if name != "kind"]
        return [*shown, *([("reason", str(one.said["reason"]))] if "reason" in one.said else [])]

    def _shown(self, value: object) -> str:
        if isinstance(value, list):
            return ", ".join(map(self._shown, value))
        return self.names.get(value, value) if isinstance(value, str) else str(value)


def named(entries: LogIndex, people: set[str]) -> dict[str, str]:
    """Pseudonym -> name, of these people."""
    return {pseudonym(one, entries.key): one for one in people if "*" not in one}
