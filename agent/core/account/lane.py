"""One lane's proof (proof.lane) with its account: why the lane is closed, and what time was kept.

The account only looks on: after each step it notes what the proof says now. What is released is decided there alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic

from agent.core.account.attribution import Attribution
from agent.core.account.kept_span import KeptSpan
from agent.core.model.media import ItemT, Lane
from agent.core.model.rules import Policy, Reason
from agent.core.model.seen import Alarm, Look, PageEvent
from agent.core.model.times import Span
from agent.core.proof.clearance import Timing
from agent.core.proof.gate import GateResult
from agent.core.proof.lane import BLIND, LaneProof


class AccountedProof(Generic[ItemT]):
    """The steps that an account follows are taken here; what they prove is read from `proof`."""

    def __init__(self, lane: Lane, witnesses: tuple[str, ...], patience: int, now: int) -> None:
        self.proof: LaneProof[ItemT] = LaneProof(lane, witnesses, patience, now)
        self._lane = lane
        self._asked: dict[str, int | None] = dict.fromkeys(witnesses)  # as `LaneProof.asked` at the step before
        self._ended_by: dict[str, tuple[Reason, ...]] = dict.fromkeys(witnesses, BLIND)  # the last run
        self._would: dict[str, tuple[Reason, ...]] = {}  # what rules that are only tried said to the last look
        self._kept_span = KeptSpan(witnesses, stands=lane is Lane.SCREEN)
        self._attribution = Attribution()
        self._spoke_of_events: frozenset[str] = frozenset()  # rules that spoke of events since `spoke` was last asked

    def spoke(self) -> frozenset[str]:
        """Ids of rules that match what was last seen, or an event since the last call: on any lane, tried ones too."""
        found = self._spoke_of_events.union(*(verdict.ids for verdict in self.proof.verdicts.values()))
        self._spoke_of_events = frozenset()
        return found

    def closed_by(self, now: int) -> tuple[Reason, ...]:
        """Why the lane is closed, and what closed it for windows of which the display still shows something."""
        with_stale = [
            reason
            for name, run in self.proof.runs.items()
            if run.clean and now <= run.stale_until
            for reason in self._attribution.reasons(self.proof.stale_pixels, name, run.began, now, self._ended_by[name])
        ]
        reasons = dict.fromkeys((*self.proof.reasons, *with_stale))
        return tuple(sorted(reasons, key=lambda reason: reason.number is None))

    @property
    def stale_until(self) -> int:
        """When the display will show no stale pixels any more, by what is known now (ns)."""
        return max((run.stale_until for run in self.proof.runs.values() if run.clean), default=0)

    @property
    def would(self) -> tuple[Reason, ...]:
        """Rules that are only tried and would have closed for what was last seen, each once."""
        return tuple(dict.fromkeys(reason for would in self._would.values() for reason in would))

    # -- the steps of the proof ------------------------------------------------------------------------------------

    def put_in_force(self, policy: Policy, timings: Mapping[str, Timing], now: int) -> None:
        self._spoke_of_events = frozenset()
        self._would.clear()
        self._attribution.forget_rules()
        self.proof.put_in_force(policy, timings, now)
        self._note()

    def alarm(self, alarm: Alarm) -> None:
        self._would.pop(alarm.witness, None)  # not known until it looks again
        self.proof.alarm(alarm)
        self._note()

    def doubt(self, witness: str, at: int) -> None:
        self.proof.doubt(witness, at)
        self._note()

    def page_event(self, page_event: PageEvent) -> bool:
        """Whether a rule closes for it."""
        verdict = self.proof.page_event(page_event)
        self._spoke_of_events |= verdict.ids
        self._note()
        return bool(verdict.on(self._lane))

    def see(self, look: Look) -> None:
        before = self.proof.reasons
        self.proof.see(look)
        self._note()
        if self.proof.counts(look):
            self._would[look.witness] = self.proof.verdicts[look.witness].would_on(self._lane)
        if look.stale_pixels is not None and self._lane is Lane.SCREEN:
            self._attribution.tell(look.stale_pixels, (*before, *self.proof.said(look.witness)))

    def judge(self, now: int) -> GateResult[ItemT]:
        """Report what is released by `kept`, in its order, as soon as it is on its way."""
        outcome = self.proof.judge(now)
        self.lost(outcome.dropped)
        if not (outcome.released or self.proof.waiting):
            self._kept_span.rest()
        return outcome

    def drop_all(self) -> GateResult[ItemT]:
        outcome = self.proof.drop_all()
        self.lost(outcome.dropped)
        return outcome

    def _note(self) -> None:
        """What the last step made of each witness's run."""
        for name, run in self.proof.runs.items():
            asked = self.proof.asked(name)
            if asked is not None and asked != self._asked[name]:
                self._kept_span.proven(name, asked - self.proof.timing(name).hindsight)
            elif asked is None and self._asked[name] is not None:
                self._kept_span.broken(name, run.barrier)
            self._asked[name] = asked
            self._ended_by[name] = self.proof.said(name) or self._ended_by[name]

    # -- the kept span --------------------------------------------------------------------------------------------

    def begins_anew(self, item: ItemT) -> bool:
        """Whether the kept span ended before this released item."""
        return self._kept_span.ended_before(item.span.start)

    def kept(self, item: ItemT) -> None:
        self._kept_span.keep(item.span)

    def lost(self, items: tuple[ItemT, ...]) -> None:
        """These will not be kept, dropped here or later on their way."""
        self._kept_span.changed(Span(item.changed, item.span.start) for item in items if not item.repeats)
        self._kept_span.repeated(item.span.start for item in items if item.repeats)

    def still(self, until: int) -> None:
        """The screen showed until then (ns) what the pictures reported before hold, released or not."""
        self._kept_span.still(until)

    def kept_span_is_over(self, now: int) -> bool:
        """Whether the kept span has ended, and where is known for good."""
        return self._kept_span.is_over(now)

    def holds_until(self, at: int) -> bool:
        """Whether what is being kept is proven to last until then (ns)."""
        return self._kept_span.holds_until(at)

    def end_of_kept(self, before: ItemT | None = None) -> int | None:
        """Where the kept span ends (ns), None without one. Begins anew. `before`: the item released next, if known."""
        waiting = self.proof.waiting
        following = waiting if before is None else (before, *waiting)
        return self._kept_span.end(following[0].span.start if following else None)
