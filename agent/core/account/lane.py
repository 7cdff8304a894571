"""One lane's proof (proof.lane) with its account: why the lane is closed, and what time was kept.

The account only listens: it notes what each step of the proof means. What is released is decided there alone.
"""

from __future__ import annotations

from collections.abc import Mapping

from agent.core.account.attribution import Attribution
from agent.core.account.kept_span import KeptSpan
from agent.core.matching.decide import Verdict
from agent.core.model.media import Lane
from agent.core.model.rules import Policy, Reason
from agent.core.model.seen import Alarm, Look, PageEvent
from agent.core.model.times import Span
from agent.core.proof.clearance import Run, Timing
from agent.core.proof.gate import GateResult, ItemT
from agent.core.proof.lane import BLIND, LaneProof


class AccountedProof(LaneProof[ItemT]):
    """As `LaneProof`, with its account."""

    def __init__(self, lane: Lane, witnesses: tuple[str, ...], patience: int, now: int) -> None:
        super().__init__(lane, witnesses, patience, now)
        self._said: dict[str, tuple[Reason, ...]] = dict.fromkeys(witnesses, BLIND)
        self._would: dict[str, tuple[Reason, ...]] = {}  # what rules that are only tried said to the last look
        self._kept_span = KeptSpan(witnesses, stands=lane is Lane.SCREEN)
        self._ended_by: dict[str, tuple[Reason, ...]] = dict.fromkeys(witnesses, BLIND)  # the last run
        self._attribution = Attribution()
        self._spoke_of_events: frozenset[str] = frozenset()  # rules that spoke of events since `spoke` was last asked

    def spoke(self) -> frozenset[str]:
        """Ids of rules that match what was last seen, or an event since the last call: on any lane, tried ones too."""
        verdicts = (verdict for _, _, verdict in self._judged.values())
        found = self._spoke_of_events.union(*(verdict.ids for verdict in verdicts))
        self._spoke_of_events = frozenset()
        return found

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why the lane is closed, each reason once; empty when every witness's last word was clean."""
        return tuple(dict.fromkeys(reason for said in self._said.values() for reason in said))

    def closed_by(self, now: int) -> tuple[Reason, ...]:
        """`reasons`, and what closed the lane for windows of which the display still shows something."""
        with_stale = [
            reason
            for name, run in self._runs.items()
            if run.clean and now <= run.stale_until
            for reason in self._attribution.reasons(self._stale, name, run.began, now, self._ended_by[name])
        ]
        return tuple(sorted(dict.fromkeys((*self.reasons, *with_stale)), key=lambda reason: reason.number is None))

    @property
    def would(self) -> tuple[Reason, ...]:
        """Rules that are only tried and would have closed for what was last seen, each once."""
        return tuple(dict.fromkeys(reason for would in self._would.values() for reason in would))

    def said(self, witness: str) -> tuple[Reason, ...]:
        """The witness's last word: why it closes the lane, empty if it does not."""
        return self._said[witness]

    # -- the steps of the proof ------------------------------------------------------------------------------------

    def put_in_force(self, policy: Policy, timings: Mapping[str, Timing], now: int) -> None:
        self._spoke_of_events = frozenset()
        self._would.clear()
        self._attribution.forget_rules()
        super().put_in_force(policy, timings, now)

    def alarm(self, alarm: Alarm) -> None:
        self._would.pop(alarm.witness, None)  # not known until it looks again
        super().alarm(alarm)

    def see(self, look: Look) -> None:
        before = self.reasons
        super().see(look)
        if self.counts(look):
            _, _, verdict = self._judged[look.witness]
            self._would[look.witness] = verdict.would_on(self._lane)
        if look.stale_pixels is not None and self._lane is Lane.SCREEN:
            self._attribution.tell(look.stale_pixels, (*before, *self._said[look.witness]))

    def judge(self, now: int) -> GateResult[ItemT]:
        """Report what is released by `kept`, in its order, as soon as it is on its way."""
        outcome = super().judge(now)
        self.lost(outcome.dropped)
        if not (outcome.released or self.waiting):
            self._kept_span.rest()
        return outcome

    def drop_all(self) -> GateResult[ItemT]:
        outcome = super().drop_all()
        self.lost(outcome.dropped)
        return outcome

    def _judge_event(self, policy: Policy, page_event: PageEvent) -> Verdict:
        verdict = super()._judge_event(policy, page_event)
        self._spoke_of_events |= verdict.ids
        return verdict

    def _go_on(self, name: str, run: Run) -> None:
        super()._go_on(name, run)
        self._said[name] = ()
        self._kept_span.proven(name, run.clearance.before - self._timings[name].hindsight)

    def _end_run(self, name: str, run: Run, said: tuple[Reason, ...]) -> None:
        if self._runs[name].clean:
            self._kept_span.broken(name, run.barrier)
        super()._end_run(name, run, said)
        self._said[name] = self._ended_by[name] = said

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
        following = (before, *self.waiting) if before is not None else self.waiting
        return self._kept_span.end(following[0].span.start if following else None)
