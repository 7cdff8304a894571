"""What the recorder answers at its control socket: its state, on demand and as it changes; holds; the day's pauses.

Every answer is made on the daemon's loop, so that it is one moment's truth. What a follower sees is pushed: the loop
says after each turn whether the lid has moved, and a beat every second shows that the loop is alive.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from agent.control import control
from agent.control.recorder_state import RecorderState
from agent.control.status import (
    MarksStatus,
    SoundStatus,
    Status,
    Waiting,
    describe,
    describe_sound,
    pages_as_json,
    state_of,
)
from agent.core.account.day import pauses
from agent.core.account.evidence import Deaf, Ear, Evidence, Hearing, Promise
from agent.core.account.lane import AccountedProof
from agent.core.account.troubles import TroubleCode
from agent.core.holding import grant
from agent.core.model.media import Frame
from agent.core.model.rules import Rule
from agent.core.model.times import SECOND
from agent.core.proof.timing import WINDOW_HINDSIGHT
from agent.core.session import Session
from agent.errors import EyelidError, UserError
from agent.pipeline import Mailbox
from agent.ports import Channel, Clock, Sound
from agent.recorder.daemon import Daemon
from agent.recorder.messages import Call, Cleared, Message, Trouble
from agent.recorder.recording import RecordingStats

BEAT: Final = 1.0  # seconds between two words to a follower while nothing changes
LONGEST_HOLD: Final = 366 * 24 * 3600  # seconds; JSON also knows numbers that no clock can add
NOT_UNDERSTOOD: Final = "this is no request that Eyelid understands; is the command of another version?"

# What the sound's own thread and its start report.
OWN_TROUBLES: Final = (Deaf.NO_SOUND, Deaf.DIED)

T = TypeVar("T")
Entries = Callable[[int], list[dict[str, object]]]  # of the ledger, from a wall time on


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the status comes from besides the daemon; all of them answer at once and from any thread.

    `waiting`: chunks and bytes. `oldest`: when the first of them was recorded, wall time, ns. `sending`: whether it may
    be sent at this hour. `version`: of the recorder that answers. `keys`: the keys service's socket, "" where they lie
    in the home. `hears`: which ends of a call the settings want, microphone and far end. `sound`: None where none is
    wanted, or nothing here knows it. `notice`: of GDPR 13, as the bundle in force has it; "" where it has none.
    """

    version: str
    keys: str
    stats: Callable[[], RecordingStats]
    receipt_at: Callable[[], int | None]
    waiting: Callable[[], tuple[int, int]]
    oldest: Callable[[], int | None]
    sending: Callable[[], bool]
    monitors: Callable[[], int]
    browsers: Callable[[], tuple[dict[str, object], ...]]
    hears: tuple[bool, bool]
    sound: Sound | None
    entries: Entries
    notice: Callable[[], str]


class ControlService:
    """`connect` before the daemon runs; `turned` is for its loop, everything else for any thread."""

    def __init__(self, inbox: Mailbox[Message], clock: Clock, promise: Promise, sources: Sources) -> None:
        self._inbox = inbox
        self._clock = clock
        self._promise = promise
        self._sources = sources
        self._daemon: Daemon | None = None
        self._open_since: int | None = None
        self._waiting_since: int | None = None
        self._listening_since: int | None = None
        self._sound_open_since: int | None = None
        self._reported_deaf: TroubleCode | None = None  # the trouble that goes on
        self._shown: tuple[object, ...] = ()
        self._changes = 0
        self._changed = threading.Condition()
        self._ended = False
        self._rules: dict[str, tuple[Rule, ...]] = {}  # policy hash -> its rules, of every policy since the start

    def connect(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def end(self) -> None:
        """Followers hear no more."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    # -- on the daemon's loop -------------------------------------------------------------------------------------

    def turned(self) -> int | None:
        """After each turn: note what is evidence, and wake the followers if what they show has changed.

        Returns when the loop must turn again for what will be missed then, ns.
        """
        daemon, now = self._the_daemon, self._clock.now()
        session, accounted = daemon.session, daemon.screen.accounted
        self._note(session, accounted, now)
        deaf = self._deaf(now)
        self._tell_deaf(deaf)
        policy = session.policy
        if policy is not None and policy.hash not in self._rules:
            self._rules[policy.hash] = policy.rules
        evidence = self._evidence()
        shown = (
            state_of(session, accounted, now),
            evidence.stalled(self._promise, now),
            evidence.unheard(self._promise, now) is None,
            deaf,
            session.closed,
            session.holds,
            daemon.user_hold,
            tuple(daemon.troubles),
            None if policy is None else policy.hash,
        )
        if shown != self._shown:
            self._shown = shown
            with self._changed:
                self._changes += 1
                self._changed.notify_all()
        return evidence.due(self._promise, now)

    def _note(self, session: Session, accounted: AccountedProof[Frame], now: int) -> None:
        if state_of(session, accounted, now) is not RecorderState.RECORDING:
            self._open_since = None
        elif self._open_since is None:
            self._open_since = now
        self._note_sound(session, now)
        if not self._sources.waiting()[0] or not self._sources.sending():
            self._waiting_since = None
        elif self._waiting_since is None:
            self._waiting_since = now

    def _evidence(self) -> Evidence:
        sealed_at, receipt_at = self._sources.stats().pictures_at, self._sources.receipt_at()
        lead = max(0, self._the_daemon.screen.proof.hindsight - WINDOW_HINDSIGHT)
        return Evidence(self._open_since, self._the_daemon.grabbed_at, sealed_at, self._waiting_since, receipt_at, lead)

    def _note_sound(self, session: Session, now: int) -> None:
        if session.held:
            self._listening_since = None
        elif self._listening_since is None:
            self._listening_since = now
        sound = self._the_daemon.sound
        is_open = sound is not None and state_of(session, sound.accounted, now) is RecorderState.RECORDING
        if not is_open or not self._hearing().unbroken(self._promise, now):
            self._sound_open_since = None
        elif self._sound_open_since is None:
            self._sound_open_since = now

    def _tell_deaf(self, deaf: Deaf | None) -> None:
        """So that the account has it: who opens a recording without a voice in it asks why."""
        before, self._reported_deaf = (
            self._reported_deaf,
            None if deaf is None or deaf in OWN_TROUBLES else deaf.trouble,
        )
        if before and before != self._reported_deaf:
            self._inbox.put(Cleared(before), must=True)
        if deaf is not None and self._reported_deaf not in {None, before}:
            self._inbox.put(Trouble(deaf.trouble), must=True)

    def _hearing(self, devices: tuple[bool, bool] = (False, False)) -> Hearing:
        sound, lane = self._sources.sound, self._the_daemon.sound
        captured = (None, None) if sound is None else sound.captured()
        microphone, far_end = map(Ear, self._sources.hears, devices, captured)
        return Hearing(
            microphone,
            far_end,
            self._listening_since,
            self._sound_open_since,
            self._sources.stats().sound_at,
            0 if lane is None else lane.proof.hindsight,
        )

    def _deaf(self, now: int, devices: tuple[bool, bool] = (False, False)) -> Deaf | None:
        """`devices`: which ends have one; it only tells one fault from another."""
        if not any(self._sources.hears):
            return None
        own = next((deaf for deaf in OWN_TROUBLES if deaf in self._the_daemon.troubles), None)
        return own or self._hearing(devices).deaf(self._promise, now)

    def _sound_status(self, now: int) -> SoundStatus | None:
        if not any(self._sources.hears):
            return None
        daemon, sound, lane = self._the_daemon, self._sources.sound, self._the_daemon.sound
        channels = (Channel(""), Channel("")) if sound is None else sound.channels()
        devices = bool(channels[0].device), bool(channels[1].device)
        hearing = self._hearing(devices)
        return describe_sound(
            daemon.session,
            None if lane is None else lane.accounted,
            now=now,
            since=daemon.screen.since if lane is None else lane.since,
            sealed_at=hearing.sealed_at,
            deaf=self._deaf(now, devices),
            ends=((hearing.microphone, channels[0]), (hearing.far_end, channels[1])),
        )

    def _status(self) -> Status:
        daemon, sources, now = self._the_daemon, self._sources, self._clock.now()
        self._note(daemon.session, daemon.screen.accounted, now)
        oldest = sources.oldest()
        chunks, size = sources.waiting()
        return describe(
            daemon.session,
            daemon.screen.accounted,
            sources.stats(),
            now=now,
            since=daemon.screen.since,
            evidence=self._evidence(),
            promise=self._promise,
            waiting=Waiting(chunks, size, None if oldest is None else now - max(0, self._clock.wall() - oldest)),
            monitors=sources.monitors(),
            browsers=sources.browsers(),
            troubles=daemon.troubles,
            hold=daemon.user_hold,
            sound=self._sound_status(now),
            watch=daemon.policy_monitor.watch,
            marks=MarksStatus(daemon.marks.seen, daemon.marks.late, daemon.marks.waits(now)),
            notice=sources.notice(),
        )

    @property
    def _the_daemon(self) -> Daemon:
        assert self._daemon is not None  # noqa: S101 - connected before anything runs
        return self._daemon

    # -- from any thread ------------------------------------------------------------------------------------------

    def answer(self, verb: str, asked: Mapping[str, object]) -> Mapping[str, object]:
        """Raises UserError for what is refused."""
        match verb, asked:
            case "status", _:
                return {
                    **self._on_loop(self._status).as_json(),
                    "version": self._sources.version,
                    "keys": self._sources.keys,
                }
            case "hold", {"seconds": int() | float() | None as seconds}:
                reason = str(asked.get("reason") or "")
                if seconds is not None and not 0 < seconds <= LONGEST_HOLD:
                    raise UserError("a hold lasts at most a year; without a length it lasts until it is released")
                self._on_loop(lambda: self._hold(seconds, reason))
                return self._on_loop(self._status).as_json()
            case "release", _:
                self._on_loop(self._the_daemon_releases)
                return self._on_loop(self._status).as_json()
            case "pages", _:
                return self._on_loop(lambda: pages_as_json(self._the_daemon.merger.pages))
            case "pauses", _:
                return {"pauses": self._pauses()}
            case _:
                raise UserError(NOT_UNDERSTOOD)

    def follow(self) -> Iterator[Mapping[str, object]]:
        """The status now, at every change and every second, for as long as the recorder runs."""
        seen = -1
        while not self._ended:
            with self._changed:
                seen = self._changes
            yield self._on_loop(self._status).as_json()
            with self._changed:
                self._changed.wait_for(lambda: self._ended or self._changes != seen, BEAT)  # noqa: B023 - called here

    def _hold(self, seconds: float | None, reason: str) -> None:
        daemon, length = self._the_daemon, None if seconds is None else round(seconds * SECOND)
        daemon.hold(grant(daemon.session.policy, length, reason, self._clock.now(), daemon.user_hold))

    def _the_daemon_releases(self) -> None:
        self._the_daemon.hold(None)

    def _pauses(self) -> list[dict[str, Any]]:
        """Since local midnight, oldest first; the last may still go on."""
        today = datetime.fromtimestamp(self._clock.wall() / SECOND, UTC).astimezone()
        # Without a zone: midnight may have had another offset from UTC than now.
        midnight = today.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
        since = round(midnight.timestamp()) * SECOND
        why: dict[str, str] = {}

        def naming(policy: str, number: int) -> str:
            """The rule's id; its number where the policy was in force before this recorder started."""
            rules = self._rules.get(policy, ())
            if number >= len(rules):
                return f"{number + 1}"
            why[rules[number].id] = rules[number].why
            return rules[number].id

        found = pauses(self._sources.entries(since), since, self._clock.now(), naming)
        return [
            {
                "began": pause.began / SECOND,
                "s": round(pause.length / SECOND, 1),
                "kind": pause.kind,
                "names": pause.names,
                "why": {name: why[name] for name in pause.names if name in why},
            }
            for pause in found
        ]

    def _on_loop(self, work: Callable[[], T]) -> T:
        """Raises what `work` raises of Eyelid's own, and NotRunning where the loop does not come to it."""
        answered = threading.Event()
        found: list[T] = []
        refused: list[EyelidError] = []

        def attempt() -> None:
            try:
                found.append(work())
            except EyelidError as refusal:
                refused.append(refusal)
            answered.set()

        self._inbox.put(Call(attempt), must=True)
        if not answered.wait(control.EXCHANGE_WITHIN / 2):
            raise control.NotRunning("Eyelid runs, but its loop has not turned for seconds: nothing is kept; try again")
        if refused:
            raise refused[0]
        return found[0]
