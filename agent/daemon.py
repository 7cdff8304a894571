"""The recorder at work: one loop that takes looks, pictures and holds, and carries out what the core decides.

Every message of every stage comes through one inbox in order. Only this loop changes the session, the eye or the
shutter, so there is nothing to lock and nothing to race.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from agent.core.asking import PAGES_EVERY, QUIET_EVERY, next_look, timings
from agent.core.clearance import SILENCE
from agent.core.eye import Eye
from agent.core.gate import PATIENCE
from agent.core.model import BROWSERS, SECOND, WINDOWS, Alarm, Frame, Glimpse, Hold, Lane, Look, Monitor, Policy, Scene
from agent.core.session import (
    CloseRecording,
    Command,
    Drained,
    Event,
    Finish,
    HoldsAre,
    LaneJudged,
    OpenRecording,
    PolicyInForce,
    Session,
    Shut,
    Started,
    StopAsked,
    Tick,
    Write,
    step,
)
from agent.core.view import View
from agent.pipeline import Mailbox
from agent.ports import Clock, Ledger, Seat
from agent.recording import Close, Gap, Open, Order
from agent.shutter import Grabbed, Permit, Shutter

IDLE: Final = 1 * SECOND  # the loop turns at least this often: holds of the seat are noticed within it
SEAT: Final = frozenset({Hold.LOCKED, Hold.NOT_IN_FRONT, Hold.DISPLAY_OFF, Hold.SUSPENDED})


class Witness(Protocol):
    """Something that can be asked what is in view; its looks and alarms come through the inbox."""

    name: str

    def ask(self) -> None:
        """Safe from any thread; returns at once."""

    def judge_with(self, policy: Policy) -> None:
        """Looks asked from now on carry this policy's hash."""


@dataclass(frozen=True, slots=True)
class GrabWanted:
    """The capture thread is about to grab and needs a recent look."""


@dataclass(frozen=True, slots=True)
class PolicyArrived:
    policy: Policy


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that a person must hear of: a short code for ledger and status, never a title, URL or content."""

    code: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Cleared:
    """The trouble with this code is over."""

    code: str


@dataclass(frozen=True, slots=True)
class Failed:
    """A stage without which nothing can be kept has died: hold, drain and end, so that a fresh start can mend it."""

    stage: str


@dataclass(frozen=True, slots=True)
class Call:
    """Something another thread needs done on the loop: a status."""

    work: Callable[[], None]


@dataclass(frozen=True, slots=True)
class UserHold:
    """The person in front asks to hold until `until` (ns), until they release (None), or to release (`on` False)."""

    on: bool
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Stop: ...


Sight = Look | Glimpse | Alarm | Grabbed | GrabWanted
Word = PolicyArrived | HoldsAre | UserHold | Trouble | Cleared | Failed | Call | Stop
Message = Sight | Word


class Daemon:
    """Give it a mailbox as `inbox`, and threads that fill it; `run` returns when everything is drained."""

    def __init__(
        self,
        inbox: Mailbox[Message],
        *,
        clock: Clock,
        witnesses: tuple[Witness, ...],
        seat: Seat,
        shutter: Shutter,
        wake_capture: Callable[[], None],
        orders: Mailbox[Order],
        ledger: Ledger,
        drain: Callable[[], None],
        monitors: tuple[Monitor, ...] = (),
    ) -> None:
        self._inbox = inbox
        self._clock = clock
        self._witnesses = {witness.name: witness for witness in witnesses}
        self._view = View()
        self._seat = seat
        self._shutter = shutter
        self._wake_capture = wake_capture
        self._orders = orders
        self._ledger = ledger
        self._drain = drain
        self.session = Session()
        self.eye: Eye[Frame] = Eye(Lane.SCREEN, tuple(self._witnesses), PATIENCE[Lane.SCREEN], clock.now())
        self.troubles: dict[str, str] = {}
        self.since = clock.now()  # of the lane's present state
        self._monitors = monitors
        self._in_flight: dict[str, int] = {}  # witness -> when it was asked; until it answers it is asked nothing else
        self._answered_at = dict.fromkeys(self._witnesses, clock.now())
        self._took = dict.fromkeys(self._witnesses, 0)  # the last look of each, ns
        self._windows_seen: Scene | None = None
        self._windows_changed = False  # since the browsers were last asked
        self._pages_moved = False  # an event has come since then
        self._grab_wanted = False
        self._canvas = 0
        self._zero = 0  # of the open recording
        self._missed = 0
        self._hold_until: int | None = None
        self.finished = False
        self.failed = False

    # -- the loop -------------------------------------------------------------------------------------------------

    def run(self) -> None:
        self.start()
        while not self.finished:
            self.turn(self._inbox.get(max(0.0, (self._due() - self._clock.now()) / SECOND)))

    def start(self) -> None:
        self._happen(Started())

    def turn(self, message: Message | None) -> None:
        """Take a message, if there is one, and then do what the present moment asks for."""
        match message:
            case None:
                pass
            case Look() | Glimpse() | Alarm() | Grabbed() | GrabWanted():
                self._take_sight(message)
            case _:
                self._take_word(message)
        self._follow_up()

    def _take_sight(self, sight: Sight) -> None:
        match sight:
            case Look():
                self._take_look(sight)
            case Glimpse():
                if self.eye.glimpse(sight):
                    self._view.glimpse(sight)
                self._pages_moved = True
            case Alarm():
                self.eye.alarm(sight)
            case Grabbed(frames, monitors):
                self._grab_wanted = False
                if monitors != self._monitors:
                    self._start_over()  # what the monitors before showed ends here, on every stream
                    self._monitors = monitors
                if self.session.held or any(frame.span.start < self._zero for frame in frames):
                    self._start_over()  # taken in a hold, or on its way when its recording closed
                else:
                    for frame in frames:
                        self.eye.push(frame)
            case GrabWanted():
                self._grab_wanted = True

    def _take_look(self, look: Look) -> None:
        if look.asked >= self._in_flight.get(look.witness, look.asked + 1):
            del self._in_flight[look.witness]
        self._answered_at[look.witness] = look.answered
        if look.witness == BROWSERS and not self.eye.counts(look):
            return  # scanned for what another policy names: it says nothing of what this one names
        judged = self._view.take(look)
        self._took[look.witness] = judged.answered - judged.asked
        self.eye.see(judged)
        if self._view.lost_account:
            self.eye.doubt(WINDOWS)  # until the windows are looked at again, nobody speaks for one that is in view
        if look.witness == WINDOWS:
            seen = judged.seen if isinstance(judged.seen, Scene) else None
            self._windows_changed |= seen is not self._windows_seen
            self._windows_seen = seen
            self._ask_browsers()

    def _take_word(self, word: Word) -> None:
        match word:
            case PolicyArrived(policy):
                if self.session.policy is None or self.session.policy.hash != policy.hash:
                    self._put_in_force(policy)
                    self._happen(PolicyInForce(policy))
            case HoldsAre():
                self._happen(word)
            case UserHold(on, until):
                self._hold_until = until if on else None
                self._happen(HoldsAre(frozenset({Hold.USER}), frozenset({Hold.USER} if on else ())))
            case Trouble(code, text):
                if code not in self.troubles:
                    self._ledger.write("alarm", what=code)
                self.troubles[code] = text
            case Cleared(code):
                self.troubles.pop(code, None)
            case Failed(stage):
                self.failed = True
                self._take_word(Trouble(f"stage-failed-{stage}"))
                self._happen(HoldsAre(frozenset({Hold.BLIND}), frozenset({Hold.BLIND})))
                self._happen(StopAsked())
            case Call(work):
                work()
            case Stop():
                self._happen(StopAsked())

    def _follow_up(self) -> None:
        """What follows from the present moment: silence, the seat, the gate's verdict, the next look, the shutter."""
        now = self._clock.now()
        self._notice(now)
        if self.session.closed[Lane.SCREEN] != self.eye.reasons:
            self.since = now
            self._canvas += 1
            self._happen(LaneJudged(Lane.SCREEN, self.eye.reasons))
        self._happen(Tick())
        self._let_go(now)
        self._ask(now)
        self._publish()

    def _notice(self, now: int) -> None:
        """What no message tells: an answer that did not come, a message that was lost, the seat, a compositor."""
        for name in [name for name, asked in self._in_flight.items() if now - asked > SILENCE]:
            self.eye.alarm(Alarm(name, now, "silence"))
            del self._in_flight[name]
        if self._inbox.refused != self._missed:
            self._missed = self._inbox.refused
            for name in self._witnesses:
                self.eye.alarm(Alarm(name, now, "message lost"))
            self._start_over()  # it may have been a picture that the next one is painted over
        if self._hold_until is not None and now >= self._hold_until:
            self._take_word(UserHold(on=False))
        holds = self._seat.holds()
        if holds != self.session.holds & SEAT:
            self._happen(HoldsAre(SEAT, holds))

    def _let_go(self, now: int) -> None:
        outcome = self.eye.judge(now)
        lost = outcome.dropped
        for position, frame in enumerate(outcome.released):
            if self.eye.begins_anew(frame):
                self._mark_gap(frame)
            if self.session.held or not self._orders.put(frame):
                refused = outcome.released[position:]
                self.eye.lost(refused)
                self.eye.drop_all()
                lost = (*refused, *lost)
                break
            self.eye.kept(frame)
        if lost:
            self._canvas += 1
        if self.eye.stretch_is_over():
            self._mark_gap()

    def _start_over(self) -> None:
        """Nothing that waits is kept, and every stream begins anew with a whole picture."""
        self.eye.drop_all()
        self._mark_gap()
        self._canvas += 1

    def _mark_gap(self, before: Frame | None = None) -> None:
        until = self.eye.end_of_kept(before)
        if until is not None:
            self._orders.put(Gap(until), must=True)

    # -- looks ----------------------------------------------------------------------------------------------------

    def _due(self) -> int:
        """When the loop must turn again, ns."""
        now = self._clock.now()
        due = [now + IDLE, *(asked + SILENCE + 1 for asked in self._in_flight.values())]
        if not self.session.held and WINDOWS not in self._in_flight:
            due += [self._next_look(name) for name in self._witnesses if name not in self._in_flight]
        return min(due)

    def _next_look(self, name: str) -> int:
        asked = self.eye.asked(name)
        waiting = self.eye.waiting
        return next_look(
            self._answered_at[name] if asked is None else asked,
            self.eye.timing(name),
            closed=bool(self.eye.said(name)),
            grab_wanted=self._grab_wanted,
            newest=waiting[-1].span.end if waiting else None,
            took=self._took[name],
            quiet=PAGES_EVERY if name == BROWSERS and self._view.pages_in_view else QUIET_EVERY,
        )

    def _ask(self, now: int) -> None:
        """The windows first, whoever is due: what the browsers say is only as fresh as what is known of the windows."""
        if self.session.held or WINDOWS in self._in_flight:
            return
        if any(self._is_due(name, now) for name in self._witnesses if name not in self._in_flight):
            self._put_question(WINDOWS)

    def _is_due(self, name: str, now: int) -> bool:
        """Closed for a page, an event is asked about at once: it may be the page's end."""
        moved = name == BROWSERS and self._pages_moved and bool(self.eye.said(name))
        return moved or self._next_look(name) <= now

    def _ask_browsers(self) -> None:
        """The windows have just been looked at."""
        if BROWSERS not in self._witnesses or BROWSERS in self._in_flight or self.session.held:
            return
        if self._windows_changed or self._is_due(BROWSERS, self._clock.now()):
            self._windows_changed = self._pages_moved = False
            self._put_question(BROWSERS)

    def _put_question(self, name: str) -> None:
        self._in_flight[name] = self._clock.now()
        self._witnesses[name].ask()

    def _publish(self) -> None:
        asked = self.eye.proven_by
        redraw = self._canvas != self._shutter.permit.canvas
        self._shutter.set(
            Permit(
                open=self.session.keeps(Lane.SCREEN) and asked is not None,
                after=self.eye.provable_after,
                asked=asked or 0,
                canvas=self._canvas,
                timing=self.eye.timing(WINDOWS),
            )
        )
        if redraw:
            self._wake_capture()  # it may be waiting for damage on a canvas that is no longer true

    # -- the policy -----------------------------------------------------------------------------------------------

    def _put_in_force(self, policy: Policy) -> None:
        """Nothing seen under another policy counts: the eye closes until a look under this one."""
        for witness in self._witnesses.values():
            witness.judge_with(policy)
        self.eye.put_in_force(policy, timings(policy, Lane.SCREEN), self._clock.now())
        self._let_go(self._clock.now())

    # -- the session ----------------------------------------------------------------------------------------------

    def _happen(self, event: Event) -> None:
        self.session, commands = step(self.session, event, self._clock.now())
        for command in commands:
            self._carry_out(command)

    def _carry_out(self, command: Command) -> None:
        match command:
            case Write(kind, fields):
                self._ledger.write(kind, **fields)
            case Shut():
                self._start_over()
            case OpenRecording(policy):
                self._zero = self._earliest()
                self._orders.put(Open(policy.hash, self._zero, self._monitors), must=True)
            case CloseRecording(why):
                kept_until, earliest = self.eye.end_of_kept(), self._earliest()
                self._orders.put(Close(min(kept_until or earliest, earliest), why), must=True)
            case Finish():
                self._shutter.stop()
                self._wake_capture()
                self._drain()
                self._happen(Drained())
                self.finished = True

    def _earliest(self) -> int:
        """Where a recording that is renewed now hands over: what still waits at the gate belongs to the new one."""
        return min((frame.span.start for frame in self.eye.waiting), default=self._clock.now())
