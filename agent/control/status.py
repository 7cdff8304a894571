"""What the recorder says of itself, in one shape for `eyelid status`, the tray and the store: true or not said.

No title, no URL, no content: a rule is named by its id, a trouble by its code.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Final

from agent.control.recorder_state import RecorderState
from agent.core.account.evidence import Deaf, Ear, Evidence, Promise
from agent.core.account.lane import AccountedProof
from agent.core.account.watch import Tried, Watch
from agent.core.holding import UserHold, reasons_of, terms_of
from agent.core.matching.decide import LEFT_OUT, NOT_ALLOWED, NOT_RECORDED
from agent.core.model.media import Block, Frame, Lane
from agent.core.model.rules import AllOf, Condition, Effect, Hold, Policy, Reason
from agent.core.model.seen import Scene
from agent.core.model.times import SECOND
from agent.core.session import Phase, Session
from agent.ports import Channel
from agent.recorder.recording import RecordingStats

UNWATCHED: Final = Watch()


@dataclass(frozen=True, slots=True)
class End:
    """One end of the call. `wanted`: False where the settings say none. `device`: "" while there is none.

    `peak_dbfs`: of the last seconds, None for silence. `captured_ago_s`: since it last gave samples, be they silence.
    `padding_s`: silence that the recorder put in since its start, where the device gave nothing that can be dated.
    """

    wanted: bool
    device: str
    peak_dbfs: float | None
    heard_ago_s: float | None  # None: not since the start
    captured_ago_s: float | None
    padding_s: float = 0.0


@dataclass(frozen=True, slots=True)
class SoundStatus:
    """The lane of sound, which opens and closes by itself.

    `fault`: why the call, or one end of it, is not recorded although it should be (account.evidence.Deaf); "" while all
    is well. `sealed_ago_s`: since a chunk of sound last became durable.
    """

    state: RecorderState
    fault: str
    rules: tuple[str, ...]
    since_s: float
    sealed_ago_s: float | None
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
class HoldStatus:
    """The hold that is on. `reason`: as the policy has it, or one of Eyelid's own; "" for none.

    `left_s`: None until it is released.
    """

    reason: str
    since_s: float
    left_s: float | None


@dataclass(frozen=True, slots=True)
class HoldOffer:
    """What the person in front may ask for. `max_s`: None for as long as they like. `own`: the reasons are Eyelid's."""

    allow: bool
    max_s: float | None
    reasons: tuple[str, ...]
    own: bool


@dataclass(frozen=True, slots=True)
class MarksStatus:
    """Pages that were sensitive and have left: how many the picture has shown to be gone since the start, how many of
    them took more than two seconds, and whether one takes so long now. What covers a page's corners, or a busy
    browser, is why; until then the page counts as shown."""

    seen: int = 0
    late: int = 0
    waiting: bool = False


@dataclass(frozen=True, slots=True)
class Status:
    """Seconds everywhere; None where there has been none yet. `browsers`: those whose extension answers.

    `sealed_ago_s`: since a chunk of any lane became durable; `pictures_ago_s`: one of the screen.
    `sound`: None where the settings say that no sound is recorded.
    `offline_s`: for how long the store has confirmed nothing although something waits; None while all is well.
    `waiting_s`: how long ago the oldest of what waits was recorded. `scenes`: whether the policy in force
    has titles and addresses kept too. `why`: of the policy's rules that close a lane now, by id, the reason that the
    policy gives. `notice`: of GDPR 13, as compliance signed it; "" where the settings' own counts.
    """

    state: RecorderState
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
    pictures_ago_s: float | None
    receipt_ago_s: float | None
    waiting_chunks: int
    waiting_bytes: int
    monitors: int
    browsers: tuple[dict[str, object], ...] = ()
    troubles: dict[str, str] = field(default_factory=dict)
    sound: SoundStatus | None = None
    offline_s: float | None = None
    waiting_s: float | None = None
    hold: HoldStatus | None = None
    user_hold: HoldOffer | None = None
    tried: tuple[TriedRule, ...] = ()
    scenes: bool = False
    why: dict[str, str] = field(default_factory=dict)
    marks: MarksStatus = MarksStatus()
    notice: str = ""

    def as_json(self) -> dict[str, object]:
        return asdict(self)


MOST_ALLOWED: Final = 6  # names in a sentence of what may be recorded
MEANT: Final = LEFT_OUT | {NOT_RECORDED}  # reasons without a rule of the policy that the policy asks for all the same


def state_of(session: Session, accounted: AccountedProof[Frame] | AccountedProof[Block], now: int) -> RecorderState:
    """The lid follows the gate: closed as soon as a picture taken now could not be released."""
    if (of_all := _whole(session)) is not None:
        return of_all
    reasons = accounted.closed_by(now)
    if Hold.BLIND in session.holds or any(reason.number is None for reason in reasons if reason not in MEANT):
        return RecorderState.BLIND
    if reasons or now <= accounted.proof.provable_after:
        return RecorderState.CLOSED
    return RecorderState.RECORDING


def _whole(session: Session) -> RecorderState | None:
    """What is so of every lane, whatever its eye sees; None while each has its own state."""
    if session.phase is not Phase.RUNNING:
        return RecorderState.STOPPING
    return RecorderState.HELD if session.holds - {Hold.BLIND} else None


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for the store. `oldest`: when it was recorded, ns on the status's clock."""

    chunks: int = 0
    bytes: int = 0
    oldest: int | None = None


def describe(
    session: Session,
    accounted: AccountedProof[Frame],
    stats: RecordingStats,
    *,
    now: int,
    since: int,
    evidence: Evidence,
    promise: Promise,
    waiting: Waiting,
    monitors: int,
    browsers: tuple[dict[str, object], ...],
    troubles: dict[str, str],
    hold: UserHold | None = None,
    sound: SoundStatus | None = None,
    watch: Watch = UNWATCHED,
    marks: MarksStatus = MarksStatus(),
    notice: str = "",
) -> Status:
    """One moment's truth: what the gate says, corrected by what was really sealed and receipted."""

    def ago(at: int | None) -> float | None:
        return None if at is None else round((now - at) / SECOND, 1)

    policy = session.policy
    state = state_of(session, accounted, now)
    unheard = evidence.unheard(promise, now)
    return Status(
        state=RecorderState.STALLED if state is RecorderState.RECORDING and evidence.stalled(promise, now) else state,
        rules=tuple(reason.id for reason in session.closed.get(Lane.SCREEN, ())),
        since_s=round((now - since) / SECOND, 1),
        holds=tuple(sorted(session.holds)),
        policy_name="" if policy is None else policy.name,
        policy_revision=None if policy is None else policy.revision,
        policy_hash="" if policy is None else policy.hash,
        recording_s=ago(session.opened),
        frames=stats.frames,
        chunks=stats.chunks,
        bytes=stats.bytes,
        sealed_ago_s=ago(stats.sealed_at),
        pictures_ago_s=ago(stats.pictures_at),
        receipt_ago_s=ago(evidence.receipt_at),
        waiting_chunks=waiting.chunks,
        waiting_bytes=waiting.bytes,
        monitors=monitors,
        browsers=browsers,
        troubles=dict(troubles),
        sound=sound,
        offline_s=None if unheard is None else round(unheard / SECOND, 1),
        waiting_s=ago(waiting.oldest),
        hold=None if hold is None else _hold(hold, policy, now),
        user_hold=_offer(policy),
        tried=tuple(tried_rules(watch)),
        scenes=policy is not None and policy.keep_scenes,
        why=_why(session),
        marks=marks,
        notice=notice,
    )


def _why(session: Session) -> dict[str, str]:
    policy = session.policy
    if policy is None:
        return {}
    reasons = [reason for reasons in session.closed.values() for reason in reasons]
    closing = {reason.number for reason in reasons}
    why = {rule.id: rule.why for rule in policy.rules if rule.number in closing}
    if NOT_ALLOWED in reasons and len(policy.allow) == 1:  # what several files allow together has no list
        why[NOT_ALLOWED.id] = _allowed_in_words(policy.allow[0])
    return why


def _allowed_in_words(block: tuple[Condition, ...]) -> str:
    firsts = [condition.matchers[0] if isinstance(condition, AllOf) else condition for condition in block]
    names = [pattern for matcher in firsts for pattern in matcher.patterns]
    return ", ".join(names[:MOST_ALLOWED]) + (" …" if names[MOST_ALLOWED:] else "")


def _hold(hold: UserHold, policy: Policy | None, now: int) -> HoldStatus:
    reason, named = hold.reason, terms_of(policy).reasons
    if isinstance(reason, int):  # of an earlier policy: its words are no longer here
        reason = named[reason] if policy is not None and policy.hash == hold.policy else ""
    left = None if hold.until is None else max(0.0, round((hold.until - now) / SECOND, 1))
    return HoldStatus(reason, round((now - hold.began) / SECOND, 1), left)


def _offer(policy: Policy | None) -> HoldOffer:
    terms = terms_of(policy)
    longest = None if terms.longest is None else terms.longest / SECOND
    return HoldOffer(terms.allowed, longest, reasons_of(policy), own=not terms.reasons)


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
                "extension": page.extension,
            }
            for page in scene.pages
        ],
    }


def describe_sound(
    session: Session,
    accounted: AccountedProof[Block] | None,
    *,
    now: int,
    since: int,
    sealed_at: int | None,
    deaf: Deaf | None,
    ends: tuple[tuple[Ear, Channel], tuple[Ear, Channel]],
) -> SoundStatus:
    """`accounted`: None where nothing on this PC knows its sound. Both ends: microphone, far end."""

    def ago(at: int | None) -> float | None:
        return None if at is None else round((now - at) / SECOND, 1)

    microphone, far_end = (
        End(
            wanted=ear.wanted,
            device=channel.device,
            peak_dbfs=None if channel.peak is None else round(channel.peak, 1),
            heard_ago_s=ago(channel.heard_at),
            captured_ago_s=ago(ear.captured_at),
            padding_s=round(channel.padding / SECOND, 1),
        )
        for ear, channel in ends
    )
    return SoundStatus(
        state=_sound_state(session, accounted, now, deaf),
        fault="" if deaf is None else deaf.value,
        rules=tuple(reason.id for reason in session.closed.get(Lane.AUDIO, ())),
        since_s=round((now - since) / SECOND, 1),
        sealed_ago_s=ago(sealed_at),
        microphone=microphone,
        far_end=far_end,
    )


def _sound_state(
    session: Session, accounted: AccountedProof[Block] | None, now: int, deaf: Deaf | None
) -> RecorderState:
    """A lane that is open for nothing that comes is none that records."""
    state = _whole(session) or (RecorderState.RECORDING if accounted is None else state_of(session, accounted, now))
    return RecorderState.STALLED if state is RecorderState.RECORDING and deaf is not None and not deaf.part else state
