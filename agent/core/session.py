"""The session as data: from start to stop on one workstation. The only place where its state changes.

Rule 1: paused is not a state but a set of holds. Overlapping reasons need no further states, and releasing one never
releases another.
Rule 2: whether a recording should be open follows from the present facts; `step` compares it with what is open.
Rule 3: a state change is written to the ledger before it takes effect: commands come in the order to be carried out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final

from agent.core.matching.decide import BLIND, NOT_RECORDED
from agent.core.model.media import Lane
from agent.core.model.rules import Hold, Policy, Reason
from agent.core.model.times import SECOND

# An hour at most, with what still waits at the gate when the next takes over: sound waits there for ten seconds.
RECORDING_LENGTH: Final = 3590 * SECOND

# What the seat answers for.
SEAT: Final = frozenset(
    {Hold.LOCKED, Hold.NOT_IN_FRONT, Hold.SEAT_UNKNOWN, Hold.DISPLAY_OFF, Hold.SUSPENDED, Hold.LOGOFF, Hold.SHUTDOWN}
)

# Holds that end the recording, the weightiest first; the others leave a gap in it.
ENDING: Final = (
    Hold.SHUTDOWN,
    Hold.LOGOFF,
    Hold.SUSPENDED,
    Hold.LOCKED,
    Hold.NOT_IN_FRONT,
    Hold.SEAT_UNKNOWN,
    Hold.NO_POLICY,
    Hold.NO_SIGNATURE,
)


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
UNSEEN: Final = (BLIND,)


@dataclass(frozen=True, slots=True)
class Session:
    phase: Phase = Phase.STOPPED
    holds: frozenset[Hold] = frozenset({Hold.NO_POLICY})
    closed: Mapping[Lane, tuple[Reason, ...]] = field(default_factory=lambda: {Lane.SCREEN: UNSEEN})
    policy: Policy | None = None
    judged: frozenset[Lane] = frozenset()  # since the policy came into force
    would: Mapping[Lane, tuple[Reason, ...]] = field(default_factory=dict)  # rules that are only tried, and spoke
    opened: int | None = None  # when the open recording began; None while none is open
    slept: bool = False  # within the present step

    @property
    def held(self) -> bool:
        return self.phase is not Phase.RUNNING or bool(self.holds)

    def keeps(self, lane: Lane) -> bool:
        """Whether what the lane shows now may be kept, once proven."""
        return not self.held and not self.closed.get(lane, UNSEEN)

    def wants_recording(self) -> bool:
        return self.phase is Phase.RUNNING and self.holds.isdisjoint(ENDING) and self.interaction

    @property
    def interaction(self) -> bool:
        """Whether an interaction that `record_when` names goes on; always, where the policy records always.

        One that cannot be seen for a while goes on, and none begins: a lane that is only blind says nothing of it.
        """
        if self.policy is None or self.policy.record_when is None:
            return True
        said = [self.closed[lane] for lane in self.judged if set(self.closed[lane]) != {BLIND}]
        return any(NOT_RECORDED not in reasons for reasons in said) if said else self.opened is not None


# -- events -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Started:
    """`boot`: which start of the PC the device's clock counts from; "" where the system has no name for it."""

    boot: str = ""


@dataclass(frozen=True, slots=True)
class StopAsked: ...


@dataclass(frozen=True, slots=True)
class Drained: ...


@dataclass(frozen=True, slots=True)
class PolicyInForce:
    policy: Policy


@dataclass(frozen=True, slots=True)
class HoldsAre:
    """What one source says of the holds it answers for; it never touches those of others.

    `fields`: what the ledger says beside them, also where such a hold is on already and is only asked for anew.
    """

    answers_for: frozenset[Hold]
    holds: frozenset[Hold]
    fields: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LaneJudged:
    """Every witness of the lane has spoken: the reasons to be closed, none if it is clean."""

    lane: Lane
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class LaneWould:
    """The rules that are only tried and would have closed the lane for what is seen."""

    lane: Lane
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Slept:
    """The PC has slept from `since` to about `until`, whether or not anybody said so before."""

    since: int
    until: int


@dataclass(frozen=True, slots=True)
class WallJumped:
    """The wall clock was set. `before`, `after`: its offset to the device's clock, ns."""

    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Tick: ...


Event = Started | StopAsked | Drained | PolicyInForce | HoldsAre | LaneJudged | LaneWould | Slept | WallJumped | Tick


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
class RenewRecording:
    """With a new key, while the eye stays as it is: what was seen or heard before belongs to the old one still."""

    policy: Policy
    why: str


@dataclass(frozen=True, slots=True)
class Rest:
    """The PC is about to sleep: let it, once all that came before is done."""


@dataclass(frozen=True, slots=True)
class Finish:
    """Nothing more will come: drain and end."""


Command = Write | Shut | OpenRecording | CloseRecording | RenewRecording | Rest | Finish


def step(session: Session, event: Event, now: int) -> tuple[Session, tuple[Command, ...]]:
    """The session after the event, and what must be done, in this order."""
    phase = PHASES.get((session.phase, type(event).__name__), session.phase)
    after = replace(session, phase=phase, slept=isinstance(event, Slept))
    commands: list[Command] = []
    fields: Mapping[str, object] = {}
    match event:
        case Started(boot) if after.phase is not session.phase:
            commands += [Write("start", {"boot": boot} if boot else {})]
            commands += [*(Write("hold", {"hold": hold.value}) for hold in sorted(after.holds))]
            commands += [_lane_entry(lane, reasons, after.policy) for lane, reasons in after.closed.items()]
        case PolicyInForce(policy):
            after = replace(after, policy=policy, judged=frozenset(), holds=after.holds - {Hold.NO_POLICY}, would={})
            commands.append(Write("policy", {"policy": policy.hash, "revision": policy.revision}))
        case HoldsAre(answers_for, holds, fields):
            after = replace(after, holds=(after.holds - answers_for) | (holds & answers_for))
        case LaneJudged(lane, reasons):
            after = replace(after, closed={**after.closed, lane: reasons}, judged=after.judged | {lane})
        case LaneWould(lane, reasons):
            after = replace(after, would={**after.would, lane: reasons})
        case Slept(since, until):
            commands.append(Write("slept", {"from": since, "to": until}))
        case WallJumped(offset, new):
            commands.append(Write("wall-jumped", {"before": offset, "after": new}))
        case _:
            pass
    after = replace(after, would={} if after.held else after.would)  # what is not looked at is not known
    commands += _hold_entries(session, after, fields)
    commands += _lane_entries(session, after)
    commands += _would_entries(session, after)
    if (after.held and not session.held) or (after.slept and not after.held):
        commands.append(Shut())
    after, turned = _turn_recording(session, after, now)
    commands += turned
    commands += _leave_to_sleep(session, after)
    match event:
        case StopAsked() if after.phase is not session.phase:
            commands.append(Finish())
        case Drained() if after.phase is not session.phase:
            commands.append(Write("stop", {"why": _first(STOPS, session, session, now)}))
        case _:
            pass
    return replace(after, slept=False), tuple(commands)


def _hold_entries(before: Session, after: Session, fields: Mapping[str, object]) -> list[Command]:
    """`fields`: of a hold by the person in front, who may ask for it again with another end or reason."""
    anew = after.holds & {Hold.USER} if fields else frozenset()
    begun, ended = sorted((after.holds - before.holds) | anew), sorted(before.holds - after.holds)
    entries: list[Command] = [Write("hold", {"hold": hold.value, **fields}) for hold in begun]
    entries += [Write("release", {"hold": hold.value, **fields}) for hold in ended]
    return entries


def _leave_to_sleep(before: Session, after: Session) -> list[Command]:
    return [Rest()] if Hold.SUSPENDED in after.holds - before.holds else []


def _lane_entry(lane: Lane, reasons: tuple[Reason, ...], policy: Policy | None) -> Write:
    if not reasons:
        return Write("lane-open", {"lane": lane.value})
    rules = [reason.id if reason.number is None else reason.number for reason in reasons]
    return Write("lane-closed", {"lane": lane.value, "rules": rules, "policy": "" if policy is None else policy.hash})


def _would_entries(before: Session, after: Session) -> list[Command]:
    """An entry wherever the rules that would have closed a lane have changed; without rules none would any more."""
    policy = "" if after.policy is None else after.policy.hash
    return [
        Write("would-close", {"lane": lane.value, "rules": [reason.number for reason in reasons], "policy": policy})
        for lane, reasons in ((lane, after.would.get(lane, ())) for lane in Lane)
        if reasons != before.would.get(lane, ())
    ]


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


# -- recordings ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class End:
    """Why an open recording is closed. `why`: the ledger's word; `fits`: (session before, session after, now)."""

    why: str
    fits: Callable[[Session, Session, int], bool]


def _by(hold: Hold) -> End:
    return End(hold.value, lambda _before, after, _now: hold in after.holds)


FAILED: Final = End("failed", lambda _, after, __: after.phase is not Phase.RUNNING and Hold.BLIND in after.holds)
STOPPED: Final = End("stop", lambda _, after, __: after.phase is not Phase.RUNNING)

HOUR: Final = End("hour", lambda _, after, now: after.opened is not None and now - after.opened >= RECORDING_LENGTH)

# The first that fits closes the recording and is the one that the ledger names. What then still wants a recording
# gets a new one, with a new key: after an hour, under another policy, when the hold is released.
ENDS: Final = (
    *(_by(hold) for hold in ENDING),
    FAILED,
    STOPPED,
    End(Hold.SUSPENDED.value, lambda _, after, __: after.slept),  # not announced: its key ends late, but ends
    End("interaction", lambda _, after, __: not after.interaction),
    End("policy", lambda before, after, _: before.policy != after.policy),  # a key packet names one policy
    HOUR,
)

# What the account of a whole run ends with.
STOPS: Final = (_by(Hold.SHUTDOWN), _by(Hold.LOGOFF), FAILED, STOPPED)


def _first(ends: tuple[End, ...], before: Session, after: Session, now: int) -> str | None:
    return next((end.why for end in ends if end.fits(before, after, now)), None)


def _turn_recording(before: Session, after: Session, now: int) -> tuple[Session, list[Command]]:
    """Open, close or renew the recording so that it agrees with the facts."""
    commands: list[Command] = []
    why = None if after.opened is None else _first(ENDS, before, after, now)
    if why == HOUR.why and after.policy is not None:
        return replace(after, opened=now), [RenewRecording(after.policy, why)]
    if why is not None:
        commands.append(CloseRecording(why))
        after = replace(after, opened=None)
    if after.opened is None and after.policy is not None and after.wants_recording():
        commands.append(OpenRecording(after.policy))
        after = replace(after, opened=now)
    return after, commands
