"""One lane of the eye: looks, alarms and items go in; what may be kept comes out.

Puts the judgement (decide), the proof (clearance) and the queue (gate) together, still without clock or thread. When
the lane closes nothing is thrown away by hand: the gate lets go what every witness had already covered, and drops the
rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Generic

from agent.core.account.stretch import Stretch
from agent.core.matching.decide import Verdict, decide, interaction_is_on
from agent.core.model.media import Lane
from agent.core.model.rules import Policy, Reason
from agent.core.model.seen import Alarm, Blind, Browsing, Glimpse, Look, Scene
from agent.core.model.times import Span
from agent.core.proof.clearance import Run, Timing, alarmed, haunted, looked
from agent.core.proof.gate import Gate, ItemT, Outcome, Proof
from agent.core.proof.haunting import Haunting

BLIND = (Reason("blind"),)


class Eye(Generic[ItemT]):
    """`witnesses`: the names whose proof every item needs. Without a policy nothing counts and nothing is released."""

    def __init__(self, lane: Lane, witnesses: tuple[str, ...], patience: int, now: int) -> None:
        self._lane = lane
        self._gate: Gate[ItemT] = Gate(patience)
        self._runs = {name: Run.unproven(now) for name in witnesses}
        self._timings = {name: Timing() for name in witnesses}
        self._said: dict[str, tuple[Reason, ...]] = dict.fromkeys(witnesses, BLIND)
        self._would: dict[str, tuple[Reason, ...]] = {}  # what rules that are only tried said to the last look
        self._policy: Policy | None = None
        self._judged: dict[str, tuple[Scene | Blind, bool, Verdict]] = {}
        self._interactions: set[str] = set()  # witnesses whose last look saw one that `record_when` asks for
        self._interaction_until = 0
        self._stretch = Stretch(witnesses, stands=lane is Lane.SCREEN)
        self._ended_by: dict[str, tuple[Reason, ...]] = dict.fromkeys(witnesses, BLIND)  # the last run
        self._haunting = Haunting()
        self._glimpsed: frozenset[str] = frozenset()  # rules that spoke of events since `spoke` was last asked

    def spoke(self) -> frozenset[str]:
        """Ids of the policy's rules that speak of what was last seen, or have spoken of an event since this was last
        asked: on any lane, also one that is not recorded, and also those that are only tried."""
        verdicts = (verdict for _, _, verdict in self._judged.values())
        found = self._glimpsed.union(*(verdict.ids for verdict in verdicts))
        self._glimpsed = frozenset()
        return found

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why the lane is closed, each reason once; empty when every witness's last word was clean."""
        return tuple(dict.fromkeys(reason for said in self._said.values() for reason in said))

    def closed_by(self, now: int) -> tuple[Reason, ...]:
        """`reasons`, and what closed the lane for windows of which the display still shows something."""
        haunted = [
            reason
            for name, run in self._runs.items()
            if run.clean and now <= run.haunted
            for reason in self._haunting.reasons(name, run.began, now, self._ended_by[name])
        ]
        return tuple(sorted(dict.fromkeys((*self.reasons, *haunted)), key=lambda reason: reason.number is None))

    @property
    def haunted_until(self) -> int:
        """When the display will show nothing more of what has left, as far as is known now (ns)."""
        return max((run.haunted for run in self._runs.values() if run.clean), default=0)

    @property
    def would(self) -> tuple[Reason, ...]:
        """Rules that are only tried and would have closed for what was last seen, each once."""
        return tuple(dict.fromkeys(reason for would in self._would.values() for reason in would))

    @property
    def waiting(self) -> tuple[ItemT, ...]:
        return self._gate.waiting

    @property
    def provable_after(self) -> int:
        """An item that starts at or before this can never be released (ns)."""
        return max((run.clearance.after for run in self._runs.values()), default=0)

    @property
    def proven_by(self) -> int | None:
        """When the older of the witnesses' last clean looks was asked; None while one of them has none."""
        asked = [self.asked(name) for name in self._runs]
        return min((at for at in asked if at is not None), default=None) if None not in asked else None

    @property
    def hindsight(self) -> int:
        """How long at least an item waits for what could still close the lane for it, ns."""
        return max(timing.hindsight for timing in self._timings.values())

    def asked(self, witness: str) -> int | None:
        """When the last counted clean look of this witness was asked; None after an alarm."""
        last = self._runs[witness].last
        return None if last is None else last[0]

    def timing(self, witness: str) -> Timing:
        return self._timings[witness]

    def put_in_force(self, policy: Policy, timings: Mapping[str, Timing], now: int) -> None:
        """Judge by this policy from now on. What was seen under another one proves nothing under it."""
        self._policy = policy
        self._timings.update({name: timings[name] for name in self._timings})
        self._judged.clear()
        self._glimpsed = frozenset()
        self._would.clear()
        self._haunting.forget_rules()
        self._interactions.clear()
        self._interaction_until = now
        for name in self._runs:
            self.alarm(Alarm(name, now, "policy"))

    def alarm(self, alarm: Alarm) -> None:
        self._would.pop(alarm.witness, None)  # until it looks again nobody knows
        self._end_run(alarm.witness, alarmed(self._runs[alarm.witness], alarm.at), BLIND)

    def doubt(self, witness: str, at: int) -> None:
        """Its last word no longer holds: closed until its next.

        What it has proven stands; but its run ends here, for what an account calls closed must not be kept.
        """
        if self._runs[witness].clean:
            self._end_run(witness, alarmed(self._runs[witness], at), BLIND)

    def glimpse(self, glimpse: Glimpse) -> bool:
        """An event between two looks: whether a rule closes for it, and it is an alarm. A clean one says nothing."""
        if self._policy is None:
            return False
        verdict = decide(self._policy, Scene(pages=(glimpse.page,), pages_only=True), interaction=True)
        self._glimpsed |= verdict.ids
        reasons = verdict.on(self._lane)
        if reasons:
            stay_closed = max(reason.stay_closed for reason in reasons)
            self._end_run(glimpse.witness, alarmed(self._runs[glimpse.witness], glimpse.at, stay_closed), reasons)
        return bool(reasons)

    def counts(self, look: Look) -> bool:
        """Whether it was judged with the policy in force."""
        return self._policy is not None and look.policy == self._policy.hash

    def see(self, look: Look) -> None:
        """Take a witness's answer, if it counts. What it says of the display counts for every witness's run."""
        before = self.reasons
        self._take(look)
        if look.ghosts is not None and self._lane is Lane.SCREEN:
            self._haunting.tell(look.witness, look.asked, look.ghosts, (*before, *self._said[look.witness]))
        self._runs = {
            name: haunted(run, self._haunting.seen_by(name), look.answered) for name, run in self._runs.items()
        }

    def _take(self, look: Look) -> None:
        if self._policy is None or not self.counts(look):
            return
        name, timing = look.witness, self._timings[look.witness]
        verdict = self._judge(self._policy, look)
        reasons = verdict.on(self._lane)
        self._would[name] = verdict.would_on(self._lane)
        before = self._runs[name]
        # What a display goes on showing is not heard.
        told = look.ghosts is not None or self._lane is not Lane.SCREEN
        after = looked(before, look.asked, look.answered, reasons, timing, told=told, lag=look.lag)
        if after is before:
            return
        if not after.clean:
            self._end_run(name, after, reasons or BLIND)
            return
        self._runs[name] = after
        self._said[name] = ()
        self._stretch.proven(name, after.clearance.before - timing.hindsight)

    def opened(self, at: int) -> None:
        """The account says that the lane is open from `at` (ns) on: nothing from before is kept, proven or not.

        Sound is heard all the time, so some of it may have been proven between the look and its entry.
        """
        for name, run in self._runs.items():
            self._runs[name] = replace(run, after=max(run.after, at))

    def _judge(self, policy: Policy, look: Look) -> Verdict:
        """A witness hands out the same scene while nothing changes: one judgement serves."""
        # What browsers say is worth a look only put together with what the desktop says (core.proof.view).
        seen = Blind.CANNOT_VOUCH if isinstance(look.seen, Browsing) else look.seen
        if interaction_is_on(policy, seen):
            self._interactions.add(look.witness)
        else:
            self._interactions.discard(look.witness)
        if self._interactions:
            self._interaction_until = look.answered + policy.keep_recording
        interaction = look.asked <= self._interaction_until
        scene, was_on, verdict = self._judged.get(look.witness, (None, False, Verdict()))
        if scene is not seen or was_on is not interaction:
            verdict = decide(policy, seen, interaction=interaction)
            self._judged[look.witness] = (seen, interaction, verdict)
        return verdict

    def _end_run(self, name: str, run: Run, said: tuple[Reason, ...]) -> None:
        if self._runs[name].clean:
            self._stretch.broken(name, run.barrier)
        self._runs[name] = run
        self._said[name] = self._ended_by[name] = said

    def push(self, item: ItemT) -> None:
        self._gate.push(item)

    def judge(self, now: int) -> Outcome[ItemT]:
        """What is released must be told by `kept`, in its order, as soon as it is on its way."""
        proofs = (
            {name: Proof(run.clearance, self._timings[name].hindsight) for name, run in self._runs.items()}
            if self._policy is not None
            else {}
        )
        outcome = self._gate.judge(proofs, now)
        self.lost(outcome.dropped)
        if not (outcome.released or self._gate.waiting):
            self._stretch.rest()
        return outcome

    def drop_all(self) -> Outcome[ItemT]:
        outcome = self._gate.drop_all()
        self.lost(outcome.dropped)
        return outcome

    def said(self, witness: str) -> tuple[Reason, ...]:
        """The witness's last word: why it closes the lane, empty if it does not."""
        return self._said[witness]

    # -- the kept stretch -----------------------------------------------------------------------------------------

    def begins_anew(self, item: ItemT) -> bool:
        """Whether the stretch that is being kept ended before this released item."""
        return self._stretch.ended_before(item.span.start)

    def kept(self, item: ItemT) -> None:
        self._stretch.keep(item.span)

    def lost(self, items: tuple[ItemT, ...]) -> None:
        """These will not be kept, dropped here or later on their way."""
        self._stretch.changed(Span(item.changed, item.span.start) for item in items if not item.repeats)
        self._stretch.repeated(item.span.start for item in items if item.repeats)

    def still(self, until: int) -> None:
        """The screen showed until then (ns) what the pictures told of before hold, let go or not."""
        self._stretch.still(until)

    def stretch_is_over(self, now: int) -> bool:
        """Whether the stretch that is being kept has ended, and where is known for good."""
        return self._stretch.is_over(now)

    def stands_at(self, at: int) -> bool:
        """Whether what is being kept is proven to last until then (ns)."""
        return self._stretch.stands_at(at)

    def end_of_kept(self, before: ItemT | None = None) -> int | None:
        """Where the stretch that was being kept ends (ns), None if nothing was kept since the last call. Begins anew.

        `before`: the item that is let go next, where it is known.
        """
        following = (before, *self.waiting) if before is not None else self.waiting
        return self._stretch.end(following[0].span.start if following else None)
