"""What one recording is found by: out of what its PC signed, as the custodian will judge it.

Who may list it is decided by the same facts as who may open it: the key packet's OS user, its PC's group, and its
start, which no clock of a PC makes later than when it came.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from protocol.envelope import AUDIO, SCENE_STREAM, SCREEN, lane_of
from review.governance.model import Governance, Recording
from store.catalog import queries
from store.catalog.blobs import BlobStore
from store.evidence.account import by_rule, totals
from store.evidence.earlier import MOST_EACH, Earlier
from store.evidence.evidence import Evidence, gather
from store.evidence.opening import Unsound, read_packet
from store.evidence.timeline.recording import rule_name, state

MOST_RULES: Final = 32
_LONGEST: Final = 120  # characters of a rule's id


@dataclass(frozen=True, slots=True)
class Whose:
    """`user`: in small letters; "" where no packet that the PC signed says it: then it has no owner."""

    group: str
    user: str

    def recording(self, governance: Governance, start: int, **more: object) -> Recording:
        """For the rules."""
        facts = {"person": governance.person_of(self.user), "group": self.group, "start": start}
        teams = governance.teams_of(self.group, self.user)
        return Recording(teams=teams, **facts, **more)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Listed:
    """Times in ns. `closed`: of the lane that lacks most."""

    recording: str
    whose: Whose
    start: int
    opened_at: int
    device: str
    host: str
    length: int
    closed: int
    screens: int
    sound: bool
    state: str
    rules: tuple[str, ...]


def read(connection: Connection, blobs: BlobStore, recording: UUID, runs: Earlier) -> tuple[Listed, Evidence]:
    """Raises StoreError, TooManyEntries, or what damaged rows cause: callers isolate it."""
    evidence = gather(connection, recording, whole=True, runs=runs, most=MOST_EACH)
    whose, start, came = _identity(blobs, evidence)
    accounts = [evidence.account_of(lane) for lane in evidence.lanes]
    rules = (rule_name(evidence, time.policy, time.rule).id[:_LONGEST] for parts in accounts for time in by_rule(parts))
    sums = [totals(parts) for parts in accounts]
    screens = sum(lane_of(stream) == SCREEN and stream != SCENE_STREAM for stream in evidence.chosen.streams)
    return Listed(
        recording=str(recording),
        whose=whose,
        start=start,
        opened_at=came,
        device=evidence.device.id,
        host=evidence.host,
        length=evidence.length,
        closed=max(one.closed + one.closed_margin for one in sums),
        screens=screens,
        sound=AUDIO in evidence.lanes,
        state=state(evidence),
        rules=tuple(dict.fromkeys(rules))[:MOST_RULES],
    ), evidence


def _identity(blobs: BlobStore, evidence: Evidence) -> tuple[Whose, int, int]:
    stored = evidence.chosen.packet
    came = evidence.recording.start if stored is None else stored.received_at
    group, start = evidence.device.group, min(evidence.recording.start, came)
    try:
        packet = None if stored is None else read_packet(blobs, stored, evidence.device)
    except Unsound:
        packet = None
    if packet is None:
        return Whose(group, ""), start, came
    return Whose(group, queries.legible(packet.os_user).lower()), min(packet.start, came), came
