"""The session as data: from start to stop on one workstation. The only place where its state changes.

Rule 1: paused is not a state but a set of holds. Overlapping reasons need no further states, and releasing one never
releases another.
Rule 2: whether a recording should be open follows from the present facts; `step` compares it with what is open.
Rule 3: a state change is written to the ledger before it takes effect: commands come in the order to be carried out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final

from agent.core.model import SECOND, Hold, Lane, Policy, Reason

RECORDING_LENGTH: Final = 3600 * SECOND

# Holds that end the recording; the others leave a gap in it.
ENDING: Final = frozenset({Hold.NO_POLICY, Hold.LOCKED, Hold.NOT_IN_FRONT, Hold.SUSPENDED})


class Phase(Enum):
    STOPPED = "stopped"
    RUNNING = "running"
    DRAINING = "draining"  # nothing new is kept; what was released is still sealed and spooled


# Which phase follows on which event; a pair that is not here changes nothing.
PHASES: Final[Mapping[tuple[Phase, str], Phase]] = {
    (Phase.STOPPED, "Started"): Phase.RUNNING,
    (Phase.RUNNING, "StopAsked"): Phase.DRAINING,
    (Phase.DRAINING, "Drained"): Phase.STOPPED,
}

# Blind until the first clean look: before it no lane is known to be clean.
UNSEEN: Final = (Reason("blind"),)


@dataclass(frozen=True, slots=True)
class Session:
    phase: Phase = Phase.STOPPED
    holds: frozenset[Hold] = frozenset({Hold.NO_POLICY})
    closed: Mapping[Lane, tuple[Reason, ...]] = field(default_factory=lambda: {Lane.SCREEN: UNSEEN})
    policy: Policy | None = None
    opened: int | None = None  # when the open recording began; None while none is open

    @property
    def held(self) -> bool:
        return self.phase is not Phase.RUNNING or bool(self.holds)

    def keeps(self, lane: Lane) -> bool:
        """Whether what the lane shows now may be kept, once proven."""
        return not self.held and not self.closed.get(lane, UNSEEN)

    def wants_recording(self) -> bool:
        return self.phase is Phase.RUNNING and not self.holds & ENDING


# -- events -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Started: ...


@dataclass(frozen=True, slots=True)
class StopAsked: ...


@dataclass(frozen=True, slots=True)
class Drained: ...


@dataclass(frozen=True, slots=True)
class PolicyInForce:
    policy: Policy


@dataclass(frozen=True, slots=True)
class HoldsAre:
    """What one source says of the holds it answers for; it never touches those of others."""

    answers_for: frozenset[Hold]
    holds: frozenset[Hold]


@dataclass(frozen=True, slots=True)
class LaneJudged:
    """Every witness of the lane has spoken: the reasons to be closed, none if it is clean."""

    lane: Lane
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Tick: ...


Event = Started | StopAsked | Drained | PolicyInForce | HoldsAre | LaneJudged | Tick


# -- commands -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Write:
    """A ledger entry, durable before the commands after it are carried out."""

    kind: str
    fields: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shut:
    """Keep nothing more, not even what a witness has already covered: drop what waits on every lane."""


@dataclass(frozen=True, slots=True)
class OpenRecording:
    """With a new key."""

    policy: Policy


@dataclass(frozen=True, slots=True)
class CloseRecording:
    why: str


@dataclass(frozen=True, slots=True)
class Finish:
    """Nothing more will come: drain and end."""


Command = Write | Shut | OpenRecording | CloseRecording | Finish


def step(session: Session, event: Event, now: int) -> tuple[Session, tuple[Command, ...]]:
    """The session after the event, and what must be done, in this order."""
    after = replace(session, phase=PHASES.get((session.phase, type(event).__name__), session.phase))
    commands: list[Command] = []
    match event:
        case Started() if after.phase is not session.phase:
            commands += [Write("start"), *(Write("hold", {"hold": hold.value}) for hold in sorted(after.holds))]
            commands += [_lane_entry(lane, reasons, after.policy) for lane, reasons in after.closed.items()]
        case PolicyInForce(policy):
            after = replace(after, policy=policy, holds=after.holds - {Hold.NO_POLICY})
            commands.append(Write("policy", {"policy": policy.hash, "revision": policy.revision}))
        case HoldsAre(answers_for, holds):
            after = replace(after, holds=(after.holds - answers_for) | (holds & answers_for))
        case LaneJudged(lane, reasons):
            after = replace(after, closed={**after.closed, lane: reasons})
        case _:
            pass
    commands += _hold_entries(session, after)
    commands += _lane_entries(session, after)
    if after.held and not session.held:
        commands.append(Shut())
    after, turned = _turn_recording(session, after, now)
    commands += turned
    match event:
        case StopAsked() if after.phase is not session.phase:
            commands.append(Finish())
        case Drained() if after.phase is not session.phase:
            commands.append(Write("stop"))
        case _:
            pass
    return after, tuple(commands)


def _hold_entries(before: Session, after: Session) -> list[Command]:
    entries: list[Command] = [Write("hold", {"hold": hold.value}) for hold in sorted(after.holds - before.holds)]
    entries += [Write("release", {"hold": hold.value}) for hold in sorted(before.holds - after.holds)]
    return entries


def _lane_entry(lane: Lane, reasons: tuple[Reason, ...], policy: Policy | None) -> Write:
    if not reasons:
        return Write("lane-open", {"lane": lane.value})
    rules = [reason.id if reason.number is None else reason.number for reason in reasons]
    return Write("lane-closed", {"lane": lane.value, "rules": rules, "policy": "" if policy is None else policy.hash})


def _lane_entries(before: Session, after: Session) -> list[Command]:
    """An entry wherever the rules that keep a lane closed have changed, or the policy that gives them their numbers."""

    def spoken(session: Session, lane: Lane) -> tuple[object, ...]:
        policy = None if session.policy is None or not session.closed.get(lane) else session.policy.hash
        return (session.closed.get(lane, UNSEEN), policy)

    return [
        _lane_entry(lane, reasons, after.policy)
        for lane, reasons in after.closed.items()
        if spoken(before, lane) != spoken(after, lane)
    ]


def _turn_recording(before: Session, after: Session, now: int) -> tuple[Session, list[Command]]:
    """Open, close or renew the recording so that it agrees with the facts."""
    commands: list[Command] = []
    opened = after.opened
    if opened is not None:
        if not after.wants_recording():
            ending = sorted(after.holds & ENDING)
            why = ending[0].value if ending and after.phase is Phase.RUNNING else "stop"
            commands.append(CloseRecording(why))
            opened = None
        elif now - opened >= RECORDING_LENGTH or before.policy != after.policy:
            # The key packet names one policy, so another policy begins another recording.
            commands.append(CloseRecording("hour" if before.policy == after.policy else "policy"))
            opened = None
    if opened is None and after.wants_recording() and after.policy is not None:
        commands.append(OpenRecording(after.policy))
        opened = now
    return replace(after, opened=opened), commands
