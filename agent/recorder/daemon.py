"""The recorder at work: one loop that takes looks, pictures and holds, and carries out what the core decides.

Every message of every stage comes through one inbox in order. Only this loop changes the session, the eye or the
shutter, so there is nothing to lock and nothing to race.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from itertools import count
from typing import Any, Final

from agent.core.account.lane import AccountedProof
from agent.core.account.troubles import TroubleCode
from agent.core.clocks import Clocks
from agent.core.holding import UserHold, under
from agent.core.matching.decide import reasons_of
from agent.core.model.marks import Marked, Request, Sighted
from agent.core.model.media import Block, Frame, Item, Lane, Monitor
from agent.core.model.rules import Hold, Policy
from agent.core.model.seen import BROWSERS, WINDOWS, Alarm, Look, PageEvent
from agent.core.model.times import SECOND
from agent.core.proof.gate import PATIENCE
from agent.core.proof.marks import Marks
from agent.core.proof.scene_merger import SceneMerger
from agent.core.proof.timing import timings
from agent.core.session import (
    SEAT,
    UNSEEN,
    CloseRecording,
    Command,
    Drained,
    Event,
    Finish,
    HoldsAre,
    LaneJudged,
    OpenRecording,
    PolicyInForce,
    RenewRecording,
    Rest,
    Session,
    Shut,
    Started,
    StopAsked,
    Tick,
    Write,
    step,
)
from agent.errors import Transient
from agent.pipeline import Mailbox
from agent.ports import Clock, HoldMemory, Ledger, RuleUsageMemory, Seat, Witness, read
from agent.recorder.audio_loop import Heard, tell
from agent.recorder.lane_pipeline import BlockOutlet, FrameOutlet, LanePipeline, between_blocks
from agent.recorder.messages import (
    Call,
    Cleared,
    Failed,
    GrabWanted,
    Message,
    PolicyArrived,
    Sight,
    Stop,
    Trouble,
    Word,
)
from agent.recorder.policy_monitor import DAY, PolicyMonitor, would_close
from agent.recorder.recording import Close, FlushBarrier, Open, Order
from agent.recorder.scenes import SceneLane
from agent.recorder.shutter import Grabbed, Permit, Shutter, Still
from agent.recorder.witness_poller import WitnessPoller

log = logging.getLogger(__name__)

PAGES: Final = 4096  # so many pages' judgement is remembered
IDLE: Final = 1 * SECOND  # the loop turns at least this often: holds of the seat are noticed within it


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
        listen: Callable[[bool], None] | None = None,
        memory: HoldMemory | None = None,
        usage: RuleUsageMemory | None = None,
        turned: Callable[[], int | None] = lambda: None,
        numbers: Iterator[int] | None = None,
        show: Callable[[Request], None] = lambda _: None,
        seek: Callable[[frozenset[int], int], None] = lambda _, __: None,
    ) -> None:
        """`listen`: opens the microphone and closes it; None without sound. `memory`: of the person's hold; `usage`:
        of rules; both across restarts. `turned`: called after each turn; returns when the loop must turn again, ns, or
        None. `numbers`: see `core.proof.marks`; `show` has documents show marks, `seek` looks for them in the picture.
        """
        self._inbox = inbox
        self._clock = clock
        self.merger = SceneMerger()
        self.marks = Marks(count() if numbers is None else numbers)
        self._show = show
        self._seek = seek
        self._seat = seat
        self._shutter = shutter
        self._wake_capture = wake_capture
        self._orders = orders
        self._ledger = ledger
        self._drain = drain
        now = clock.now()
        names = tuple(witness.name for witness in witnesses)
        pictures: AccountedProof[Frame] = AccountedProof(Lane.SCREEN, names, PATIENCE[Lane.SCREEN], now)
        self.screen = LanePipeline(Lane.SCREEN, pictures, FrameOutlet(orders), orders, now)
        self.sound: LanePipeline[Block] | None = None
        self._lanes: tuple[LanePipeline[Any], ...] = (self.screen,)
        if listen is not None:
            blocks: AccountedProof[Block] = AccountedProof(Lane.AUDIO, names, PATIENCE[Lane.AUDIO], now)
            self.sound = LanePipeline(Lane.AUDIO, blocks, BlockOutlet(orders), orders, now)
            self._lanes = (self.screen, self.sound)
        self.scenes = SceneLane(orders, self.merger)
        self._listen = listen
        self._memory = memory
        self._turned = turned
        self._shown_until: int | None = None
        self._listening = False
        self.session = Session(closed={pipeline.lane: UNSEEN for pipeline in self._lanes})
        self.policy_monitor = PolicyMonitor(usage)
        self.troubles: dict[str, str] = {}
        self._monitors = monitors
        self._poller = WitnessPoller(witnesses, self._lanes, clock)
        self._canvas = 0
        self._held_until = 0  # nothing that began by then is kept, however late it comes
        self._missed = 0
        self.user_hold: UserHold | None = None
        self._clocks = Clocks.of(read(clock))
        self.grabbed_at: int | None = None
        self.finished = False
        self.failed = False

    # -- the loop -------------------------------------------------------------------------------------------------

    def run(self) -> None:
        self.start()
        while not self.finished:
            self.turn(self._inbox.get(max(0.0, (self._due() - self._clock.now()) / SECOND)))

    def start(self) -> None:
        self._happen(Started(self._clock.boot()))
        if self._memory is not None and (hold := self._memory.recall()) is not None:
            self.hold(hold)

    def turn(self, message: Message | None) -> None:
        """Take a message, if there is one, and then do what the present moment asks for."""
        if self.session.held:
            self._held_until = self._clock.now()
        match message:
            case None:
                pass
            case Look() | PageEvent() | Alarm() | Marked() | Sighted() | Grabbed() | GrabWanted() | Still() | Heard():
                self._take_sight(message)
            case _:
                self._take_word(message)
        self._follow_up()

    def _take_sight(self, sight: Sight) -> None:
        if isinstance(sight, Grabbed | GrabWanted):
            self.grabbed_at = self._clock.now()
        match sight:
            case Look():
                self._take_look(sight)
            case PageEvent():
                self._take_page_event(sight)
            case Alarm():
                self._alarm(sight)
            case Marked():
                self._take_proof(clean=self.marks.answer(sight))
            case Sighted():
                self._take_proof(clean=self.marks.sighted(sight))
            case Grabbed():
                self._take_pictures(sight)
            case GrabWanted():
                self._poller.grab_wanted = True
            case Still(until):
                self.screen.accounted.still(until)
            case Heard():
                self._take_sound(sight)

    def _take_pictures(self, grabbed: Grabbed) -> None:
        self._poller.grab_wanted = False
        if grabbed.monitors != self._monitors:
            self._void_canvas()  # what the monitors before showed ends here, on every stream
            self._monitors = grabbed.monitors
        if self.session.held or not all(self._may_be_kept(frame, self.screen) for frame in grabbed.frames):
            self._void_canvas()  # taken in a hold, or on its way when its recording closed
        else:
            for frame in grabbed.frames:
                self.screen.proof.push(frame)

    def _take_sound(self, heard: Heard) -> None:
        tell(self._ledger, heard.mishaps)
        if self.sound is not None and not self.session.held:
            for block in heard.blocks:
                if self._may_be_kept(block, self.sound):
                    self.sound.proof.push(block)

    def _may_be_kept(self, item: Item, pipeline: LanePipeline[Any]) -> bool:
        """Whether it belongs to the recording that the lane is in or goes over to, and not to a hold."""
        return item.span.start >= pipeline.zero and item.span.start > self._held_until

    def _take_page_event(self, page_event: PageEvent) -> None:
        self.marks.page_event(page_event)
        closed = [pipeline.accounted.page_event(page_event) for pipeline in self._lanes]  # every lane hears of it
        if any(closed):
            self.merger.page_event(page_event)
        if not self.session.held and page_event.at > self._held_until:
            self.scenes.pass_by(page_event)
        self._poller.pages_moved()

    def _alarm(self, alarm: Alarm) -> None:
        log.debug("what the %s witness has seen so far proves nothing (%s)", alarm.witness, alarm.why)
        if alarm.witness == BROWSERS:
            self.marks.alarm(alarm.at)
        for pipeline in self._lanes:
            pipeline.accounted.alarm(alarm)

    def _take_proof(self, *, clean: bool) -> None:
        """Once the picture has shown that nothing sensitive is left in a tab, the next look may find it clean."""
        if clean:
            self._poller.pages_moved()

    def _take_look(self, look: Look) -> None:
        self._poller.answered(look)
        if look.witness == BROWSERS and not self.screen.proof.counts(look):
            return  # scanned for what another policy names: it says nothing of what this one names
        judged = self.merger.take(self.marks.take(look))
        self._poller.judged(judged)
        if not self.session.held and look.asked > self._held_until and self.screen.proof.counts(look):
            self.scenes.see(look, judged)
        for pipeline in self._lanes:
            pipeline.accounted.see(judged)
            if self.merger.lost_account:
                # Until the windows are looked at again, no witness answers for one that is in view.
                pipeline.accounted.doubt(WINDOWS, judged.answered)
        if look.witness == WINDOWS:
            self._poller.ask_browsers(held=self.session.held)

    def _take_word(self, word: Word) -> None:
        match word:
            case PolicyArrived(policy):
                if self.session.policy is None or self.session.policy.hash != policy.hash:
                    self._put_in_force(policy)
                    self._happen(PolicyInForce(policy))
                    if self.user_hold is not None and (left := under(policy, self.user_hold)) != self.user_hold:
                        self.hold(left, "policy")
            case HoldsAre():
                self._happen(word)
            case Trouble(code, text, rules, known):
                if code not in self.troubles and not known:
                    judged = self.session.policy
                    of_rules = {"rules": list(rules), "policy": judged.hash} if rules and judged else {}
                    self._ledger.write("alarm", what=code, **of_rules)
                self.troubles[code] = text
            case Cleared(code):
                self.troubles.pop(code, None)
            case Failed(code):
                self.failed = True
                self._take_word(Trouble(code))
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
        for pipeline in self._lanes:
            reasons = pipeline.accounted.closed_by(now)
            if self.session.closed[pipeline.lane] != reasons:
                pipeline.since = now
                self._canvas += pipeline is self.screen
                self._happen(LaneJudged(pipeline.lane, reasons))
                if not reasons:
                    pipeline.proof.opened(self._clock.now())
        for event in would_close(self.session, self._lanes):
            self._happen(event)
        self._happen(Tick())
        spoke = self.screen.accounted.spoke()
        for word in self.policy_monitor.turn(self.session, now, spoke, day=self._clock.wall() // DAY):
            self._take_word(word)
        self._let_go(now)
        self.scenes.turn(now)
        self._poller.ask(now, held=self.session.held)
        self._ask_for_marks(now)
        self._publish()
        self._shown_until = self._turned()

    def _notice(self, now: int) -> None:
        """What no message tells: a sleep, an answer that did not come, a message that was lost, the seat."""
        self._clocks, events = self._clocks.note(read(self._clock))
        for event in events:
            self._happen(event)
        for name in self._poller.silent(now):
            self._alarm(Alarm(name, now, "silence"))
        if self._inbox.refused != self._missed:
            self._missed = self._inbox.refused
            for name in self._poller.names:
                self._alarm(Alarm(name, now, "message-lost"))
            self._start_over()  # it may have been a picture that the next one is painted over
        if self.user_hold is not None and self.user_hold.until is not None and now >= self.user_hold.until:
            self.hold(None, "time")
        holds = self._seat.holds()
        if holds != self.session.holds & SEAT:
            self._happen(HoldsAre(SEAT, holds))

    def _ask_for_marks(self, now: int) -> None:
        """In a hold nothing is grabbed, and no page shows a mark."""
        if self.session.held:
            self._seek(frozenset(), 0)
            return
        for request in self.marks.requests(now):
            self._show(request)
        self._seek(self.marks.sought, self.marks.since)

    def _let_go(self, now: int) -> None:
        for pipeline in self._lanes:
            lost = pipeline.let_go(now, held=self.session.held)
            self._canvas += lost and pipeline is self.screen

    def _start_over(self) -> None:
        """Nothing that waits is kept, and every stream begins anew with a whole picture."""
        for pipeline in self._lanes:
            pipeline.start_over()
        self._canvas += 1

    def _void_canvas(self) -> None:
        self.screen.start_over()
        self._canvas += 1

    def _due(self) -> int:
        """When the loop must turn again, ns."""
        now = self._clock.now()
        due = [now + IDLE, *self._poller.due(held=self.session.held)]
        due += [until + 1 for pipeline in self._lanes if (until := pipeline.accounted.stale_until) >= now]
        due += [] if self.session.held else self.marks.due()
        due += [] if self._shown_until is None else [self._shown_until]
        return min(due)

    def _publish(self) -> None:
        proof = self.screen.proof
        asked = proof.proven_by
        redraw = self._canvas != self._shutter.permit.canvas
        self._shutter.set(
            Permit(
                open=self.session.keeps(Lane.SCREEN) and asked is not None,
                after=proof.provable_after,
                asked=asked or 0,
                canvas=self._canvas,
                timing=proof.timing(WINDOWS),
            )
        )
        if redraw:
            self._wake_capture()  # it may be waiting for damage on a canvas that is no longer true
        if self._listen is not None and self._listening is self.session.held:
            self._listening = not self.session.held
            self._listen(self._listening)

    # -- the policy -----------------------------------------------------------------------------------------------

    def _put_in_force(self, policy: Policy) -> None:
        """Nothing seen under another policy counts: the eye closes until a look under this one."""
        self._poller.judge_with(policy)
        self.marks.judge_with(lru_cache(PAGES)(partial(reasons_of, policy)), self._clock.now())
        for pipeline in self._lanes:
            pipeline.accounted.put_in_force(policy, timings(policy, pipeline.lane), self._clock.now())
        self.scenes.judge_with(policy)
        self._let_go(self._clock.now())

    # -- the session ----------------------------------------------------------------------------------------------

    def hold(self, hold: UserHold | None, why: str = "released") -> None:
        """On the loop: what the person in front asks for, None for no hold any more, and then why."""
        if hold is not None or self.user_hold is not None:
            self.user_hold = hold
            self._remember(hold)
            user = frozenset({Hold.USER})
            fields = {"why": why} if hold is None else hold.as_fields()
            self._happen(HoldsAre(user, user if hold else frozenset(), fields))

    def _remember(self, hold: UserHold | None) -> None:
        """It counts all the same where the disk refuses: then only a restart forgets it."""
        if self._memory is None:
            return
        try:
            self._memory.remember(hold)
        except Transient:
            self._take_word(Trouble(TroubleCode.HOLD_NOT_REMEMBERED))
        else:
            self._take_word(Cleared(TroubleCode.HOLD_NOT_REMEMBERED))

    def _happen(self, event: Event) -> None:
        was_held = self.session.held
        self.session, commands = step(self.session, event, self._clock.now())
        for command in commands:
            self._carry_out(command)
        if was_held and not self.session.held:
            self._held_until = self._clock.now()  # the account says so until the release was durable

    def _carry_out(self, command: Command) -> None:
        match command:
            case Write(kind, fields):
                self._ledger.write(kind, **fields)
            case Shut():
                self._start_over()
                self.scenes.shut(self._clock.now())
            case OpenRecording(policy):
                zero = min(pipeline.earliest(self._clock.now()) for pipeline in self._lanes)
                for pipeline in self._lanes:
                    pipeline.begin(zero)
                self._orders.put(Open(policy.hash, zero, self._monitors), must=True)
                self.scenes.begin(zero)
            case RenewRecording(policy, why):
                self._renew_recording(policy, why)
            case CloseRecording(why):
                self._close_recording(why)
            case Rest():
                self._orders.put(FlushBarrier(), must=True)
            case Finish():
                self._shutter.stop()
                self._wake_capture()
                self._drain()
                self._happen(Drained())
                self.finished = True

    def _close_recording(self, why: str) -> None:
        """Sound ends with what was released; a picture stands until the new recording takes over."""
        self.scenes.end(self._clock.now())
        for pipeline in self._lanes:
            pipeline.finish()
        if self.sound is not None:
            self.sound.mark_gap()
        kept_until, earliest = self.screen.accounted.end_of_kept(), self.screen.earliest(self._clock.now())
        self._orders.put(Close(min(kept_until or earliest, earliest), why), must=True)

    def _renew_recording(self, policy: Policy, why: str) -> None:
        """Both are open until each lane has gone over; no word is cut in two."""
        now = self._clock.now()
        seam = now if self.sound is None else between_blocks(self.sound.proof.waiting, now)
        self.scenes.end(now)
        self._orders.put(Open(policy.hash, seam, self._monitors, renews=why), must=True)
        self.scenes.begin(seam)
        for pipeline in self._lanes:
            pipeline.hand_over(seam)
