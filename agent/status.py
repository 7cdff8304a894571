"""What the recorder says of itself, in one shape for `eyelid status`, the tray and the store: true or not said.

No title, no URL, no content: a rule is named by its id, a trouble by its code.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Final

from agent.core.eye import Eye
from agent.core.model import SECOND, Block, Effect, Frame, Hold, Lane, Reason, Scene
from agent.core.policy_watch import Tried, Watch
from agent.core.session import Phase, Session
from agent.ports import Channel
from agent.recording import Tally

UNWATCHED: Final = Watch()


class State(StrEnum):
    """One word for an icon. `exit_code` is the one of `eyelid status`."""

    RECORDING = "recording"
    CLOSED = "closed"  # by a rule of the policy: as it should be
    HELD = "held"
    BLIND = "blind"  # something that should be seen cannot be
    STOPPING = "stopping"

    @property
    def exit_code(self) -> int:
        """0 recording or rightly closed, 1 degraded, 3 not recording."""
        return {State.RECORDING: 0, State.CLOSED: 0, State.BLIND: 1}.get(self, 3)


@dataclass(frozen=True, slots=True)
class End:
    """One end of the call. `device`: "" while there is none. `peak_dbfs`: since last asked, None for silence."""

    device: str
    peak_dbfs: float | None
    heard_ago_s: float | None  # None: not since the start


@dataclass(frozen=True, slots=True)
class SoundStatus:
    """The lane of sound, which opens and closes by itself."""

    state: State
    rules: tuple[str, ...]
    microphone: End
    far_end: End


@dataclass(frozen=True, slots=True)
class TriedRule:
    """A rule with `dry_run`, and what it would have closed since its policy came into force. `now`: it would now."""

    id: str
    lane: str
    times: int
    seconds: float
    now: bool


@dataclass(frozen=True, slots=True)
class Status:
    """Seconds everywhere; None where there has been none yet. `browsers`: those whose extension answers."""

    state: State
    rules: tuple[str, ...]
    since_s: float
    holds: tuple[str, ...]
    policy_name: str
    policy_revision: int | None
    policy_hash: str
    recording_s: float | None
    frames: int
    chunks: int
    bytes: int
    sealed_ago_s: float | None
    receipt_ago_s: float | None
    waiting_chunks: int
    waiting_bytes: int
    monitors: int
    browsers: tuple[dict[str, object], ...] = ()
    troubles: dict[str, str] = field(default_factory=dict)
    sound: SoundStatus | None = None
    tried: tuple[TriedRule, ...] = ()

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def state_of(session: Session, eye: Eye[Frame] | Eye[Block], now: int) -> State:
    """The lid follows the gate: closed as soon as a picture taken now could not be released."""
    if session.phase is not Phase.RUNNING:
        return State.STOPPING
    if session.holds - {Hold.BLIND}:
        return State.HELD
    if Hold.BLIND in session.holds or any(reason.number is None for reason in eye.reasons):
        return State.BLIND
    if eye.reasons or now <= eye.provable_after:
        return State.CLOSED
    return State.RECORDING


def describe(
    session: Session,
    eye: Eye[Frame],
    tally: Tally,
    *,
    now: int,
    since: int,
    receipt_at: int | None,
    waiting: tuple[int, int],
    monitors: int,
    browsers: tuple[dict[str, object], ...],
    troubles: dict[str, str],
    sound: SoundStatus | None = None,
    watch: Watch = UNWATCHED,
) -> Status:
    def ago(at: int | None) -> float | None:
        return None if at is None else round((now - at) / SECOND, 1)

    policy = session.policy
    return Status(
        state=state_of(session, eye, now),
        rules=tuple(reason.id for reason in session.closed.get(Lane.SCREEN, ())),
        since_s=round((now - since) / SECOND, 1),
        holds=tuple(sorted(session.holds)),
        policy_name="" if policy is None else policy.name,
        policy_revision=None if policy is None else policy.revision,
        policy_hash="" if policy is None else policy.hash,
        recording_s=ago(session.opened),
        frames=tally.frames,
        chunks=tally.chunks,
        bytes=tally.bytes,
        sealed_ago_s=ago(tally.sealed_at),
        receipt_ago_s=ago(receipt_at),
        waiting_chunks=waiting[0],
        waiting_bytes=waiting[1],
        monitors=monitors,
        browsers=browsers,
        troubles=dict(troubles),
        sound=sound,
        tried=tuple(tried_rules(watch)),
    )


def tried_rules(watch: Watch) -> Iterator[TriedRule]:
    """One for each lane that a rule with `dry_run` would close, also where it never has."""
    for rule in () if watch.policy is None else watch.policy.rules:
        reason = Reason(rule.id, rule.number, rule.stay_closed)
        for lane in Lane if rule.dry_run else ():
            if rule.on(lane).effect is Effect.PAUSE:
                key = lane, reason
                tried = watch.tried.get(key, Tried())
                yield TriedRule(rule.id, lane.value, tried.times, round(tried.ns / SECOND, 1), key in watch.trying)


def pages_as_json(scene: Scene) -> dict[str, object]:
    """For the terminal of the person in front and nowhere else: these are addresses."""
    return {
        "accounted": sorted(scene.accounted),
        "pages": [
            {
                "urls": list(page.urls),
                "fields": sorted(page.fields),
                "selectors": sorted(page.selectors),
                "shown": page.shown,
                "parked": page.parked,
                "unread": page.unread,
            }
            for page in scene.pages
        ],
    }


def describe_sound(session: Session, eye: Eye[Block], ends: tuple[Channel, Channel], now: int) -> SoundStatus:
    microphone, far_end = (
        End(
            device=end.device,
            peak_dbfs=None if end.peak is None else round(end.peak, 1),
            heard_ago_s=None if end.heard_at is None else round((now - end.heard_at) / SECOND, 1),
        )
        for end in ends
    )
    rules = tuple(reason.id for reason in session.closed.get(Lane.AUDIO, ()))
    return SoundStatus(state_of(session, eye, now), rules, microphone, far_end)
