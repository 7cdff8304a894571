"""What a recording is, for the rules: out of what its device signed, and of the store's own clock.

A fact that only the catalog says is none. Where one is not certain every class counts, so that nothing dies sooner than
any class would have it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Final
from uuid import UUID

from protocol.envelope import AUDIO
from protocol.numbers import is_integer
from review.governance.model import Channel, Consent, Governance, Recording
from review.governance.retention import Because, Disposal, disposal
from review.governance.times import DAY
from review.lifecycle.ends import ended_at
from store.catalog import erasure
from store.catalog.blobs import BlobStore
from store.catalog.database import Database
from store.evidence.account import Closed
from store.evidence.earlier import MOST_EACH, Earlier
from store.evidence.evidence import MOST_POLICIES, Evidence, Policies, gather
from store.evidence.isolation import Unreadable, isolated
from store.evidence.opening import Unsound, read_packet
from store.evidence.rules import UNREAD, at_most, name_of
from store.evidence.verify.ledger import SignedLedger

# A recording lasts an hour. What is open for so long after its last byte goes on no more: its PC is gone.
GONE: Final = 7 * DAY


@dataclass(frozen=True, slots=True)
class Known:
    """`unsure`: why not all of it is certain. `ended`: no more of it comes. `request`: that asked for its erasure."""

    id: str
    device: str
    host: str
    os_user: str
    bytes: int
    recording: Recording
    ended: bool
    unsure: tuple[str, ...]
    holds: tuple[str, ...]
    request: str

    def disposal(self, governance: Governance, now: int, *, asked: bool = False, without: str = "") -> Disposal:
        """`asked`: as if it were. `without`: as if that hold were off."""
        held = any(hold != without for hold in self.holds)
        recording = replace(self.recording, held=held, erasure_asked=asked or bool(self.request))
        found = disposal(strictest(governance) if self.unsure else governance, recording, now)
        return found if self.ended or not found.deletes else replace(found, deletes=False, at=now + GONE)


def strictest(governance: Governance) -> Governance:
    """With every class for every recording."""
    return replace(governance, retention=tuple(replace(one, any=None) for one in governance.retention))


class Facts:
    """Reads many recordings of one store."""

    def __init__(self, database: Database, blobs: BlobStore, governance: Governance) -> None:
        self._database = database
        self._blobs = blobs
        self._governance = governance
        self._runs = Earlier()
        self._policies = Policies()

    def of(self, recording: UUID, now: int) -> Known | str:
        """Why not, in words, where it cannot be read at all or was erased: then nothing is done to it."""
        found = isolated(lambda: self._read(recording, now))
        return str(found) if isinstance(found, Unreadable) else found

    def _read(self, recording: UUID, now: int) -> Known | str:
        with self._database.reading() as connection:
            evidence = gather(connection, recording, whole=True, runs=self._runs, most=MOST_EACH, policies=False)
            closings = list(_closings(evidence))
            read = at_most(MOST_POLICIES, partial(self._policies.names_of, connection))
            names = {policy: read(policy) for policy in dict.fromkeys(closed.policy for closed in closings)}
            holds = erasure.held(connection, [str(recording)]).get(str(recording), [])
            request = erasure.asked(connection, [str(recording)]).get(str(recording), "")
        if evidence.erased is not None:
            return str(evidence.erased)
        not_signed = self._not_signed(evidence)
        unsure = [not_signed] if not_signed else []
        if any(names[closed.policy] == UNREAD and any(map(is_integer, closed.rules)) for closed in closings):
            unsure.append("the names of its rules are not here")
        user, device = evidence.recording.os_user, evidence.device
        packet = None
        if evidence.chosen.packet is None:
            unsure.append("it has no key packet")
        else:
            try:
                packet = read_packet(self._blobs, evidence.chosen.packet, device)
                user = packet.os_user
            except Unsound as error:
                unsure.append(f"key packet: {error}")
        end, doubt = ended_at(evidence, packet, self._blobs, signed=not not_signed, now=now)
        if doubt:
            unsure.append(doubt)
        channels = (Channel.SCREEN, Channel.VOICE) if AUDIO in evidence.lanes else (Channel.SCREEN,)
        rules = self._governance
        return Known(
            id=str(recording),
            device=device.id,
            host=evidence.recording.host,
            os_user=user,
            bytes=sum(one.size for one in evidence.stored),
            recording=Recording(
                person=rules.person_of(user),
                group=device.group,
                teams=rules.teams_of(device.group, user),
                start=end - evidence.length,
                end=end,
                closed_by=frozenset(
                    name_of(rule, names[closed.policy].rules).id for closed in closings for rule in closed.rules
                ),
                consent=dict.fromkeys(channels, Consent.MISSING),
            ),
            ended=evidence.ended or now - end > GONE,
            unsure=tuple(unsure),
            holds=tuple(sorted(holds)),
            request=request,
        )

    def _not_signed(self, evidence: Evidence) -> str:
        """Why the account is not what the device signed; "" where it is."""
        if (lines := evidence.lines) is None:
            return "its account has not come"
        defects = SignedLedger(self._database, evidence.device).defects(lines.first, lines.last)
        return next((f"{defect.where}: {defect.message}" for defect in defects), "")


def _closings(evidence: Evidence) -> Iterator[Closed]:
    for lane in evidence.lanes:
        for state in evidence.stated(lane):
            if isinstance(state.cause, Closed):
                yield state.cause


def why(known: Known, found: Disposal) -> str:
    """In a few words, for a list."""
    classes = found.retention
    if found.because is Because.HOLD:
        return f"legal hold {', '.join(known.holds)}"
    if found.because is Because.MINIMUM and classes.minimum_of is not None:
        return f"minimum of class {classes.minimum_of.name}"
    if found.because is Because.ERASURE:
        return f"request {known.request}" if known.request else "request"
    return f"class {classes.keeps.name}"
