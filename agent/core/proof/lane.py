"""The proof of one lane: looks, alarms and items go in; what may be kept comes out.

Puts the judgement (decide), the proof (clearance) and the queue (gate) together, still without clock or thread. When
the lane closes nothing is thrown away by hand: the gate releases what every witness had already covered, and drops the
rest. Why the lane is closed, and how far each witness's proof goes, is read here; core.account.lane makes its account
of that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Generic

from agent.core.matching.decide import Verdict, decide, interaction_is_on
from agent.core.model.media import ItemT, Lane
from agent.core.model.rules import Policy, Reason
from agent.core.model.seen import Alarm, Blind, Browsing, Look, PageEvent, Scene
from agent.core.proof.clearance import Run, Timing, alarmed, looked, with_stale
from agent.core.proof.gate import Gate, GateResult, Proof
from agent.core.proof.stale_pixels import StalePixelReports

BLIND = (Reason("blind"),)


class LaneProof(Generic[ItemT]):
    """`witnesses`: the names whose proof every item needs. Without a policy nothing counts and nothing is released."""

    def __init__(self, lane: Lane, witnesses: tuple[str, ...], patience: int, now: int) -> None:
        self._lane = lane
        self._gate: Gate[ItemT] = Gate(patience)
        self._runs = {name: Run.unproven(now) for name in witnesses}
        self._said: dict[str, tuple[Reason, ...]] = dict.fromkeys(witnesses, BLIND)
        self._timings = {name: Timing() for name in witnesses}
        self._policy: Policy | None = None
        self._judged: dict[str, tuple[Scene | Blind, bool, Verdict]] = {}  # witness -> scene, interaction, verdict
        self._interactions: dict[str, bool] = {}  # witness -> its last look saw one that `record_when` asks for
        self._interaction_until = now
        self.stale_pixels = StalePixelReports()

    @property
    def runs(self) -> Mapping[str, Run]:
        """By witness."""
        return self._runs

    @property
    def verdicts(self) -> Mapping[str, Verdict]:
        """By witness: what the policy says, on all lanes, to the last of its looks that counted."""
        return {name: verdict for name, (_, _, verdict) in self._judged.items()}

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why the lane is closed, each reason once; empty when every witness's last word was clean."""
        return tuple(dict.fromkeys(reason for said in self._said.values() for reason in said))

    def said(self, witness: str) -> tuple[Reason, ...]:
        """The witness's last word: why it closes the lane, empty if it does not."""
        return self._said[witness]

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
        self._interactions.clear()
        self._interaction_until = now
        for name in self._runs:
            self.alarm(Alarm(name, now, "policy"))

    def alarm(self, alarm: Alarm) -> None:
        self._end_run(alarm.witness, alarmed(self._runs[alarm.witness], alarm.at), BLIND)

    def doubt(self, witness: str, at: int) -> None:
        """Its last word no longer holds: closed until its next.

        What it has proven stands; but its run ends here, for what an account calls closed must not be kept.
        """
        if self._runs[witness].clean:
            self._end_run(witness, alarmed(self._runs[witness], at), BLIND)

    def page_event(self, page_event: PageEvent) -> Verdict:
        """An event between two looks. If a rule closes this lane for it, it is an alarm. A clean one says nothing."""
        if self._policy is None:
            return Verdict()
        verdict = decide(self._policy, Scene(pages=(page_event.page,)), interaction=True)
        if reasons := verdict.on(self._lane):
            stay_closed = max(reason.stay_closed for reason in reasons)
            run = alarmed(self._runs[page_event.witness], page_event.at, stay_closed)
            self._end_run(page_event.witness, run, reasons)
        return verdict

    def counts(self, look: Look) -> bool:
        """Whether it was judged with the policy in force."""
        return self._policy is not None and look.policy == self._policy.hash

    def see(self, look: Look) -> None:
        """Take a witness's answer, if it counts. What it says of the display counts for every witness's run."""
        if self._policy is not None and self.counts(look):
            self._take(look, self._policy)
        if look.stale_pixels is not None and self._lane is Lane.SCREEN:
            self.stale_pixels.tell(look.witness, look.asked, look.stale_pixels)
        self._runs = {
            name: with_stale(run, self.stale_pixels.seen_by(name), look.answered) for name, run in self._runs.items()
        }
        self.stale_pixels.keep(self.provable_after, (self.proven_by or 0) - self.hindsight)

    def _take(self, look: Look, policy: Policy) -> None:
        name, before = look.witness, self._runs[look.witness]
        reasons = self._judge(policy, look).on(self._lane)
        # What a display goes on showing is not heard.
        known = look.stale_pixels is not None or self._lane is not Lane.SCREEN
        after = looked(
            before, look.asked, look.answered, reasons, self._timings[name], display_known=known, lag=look.lag
        )
        if after.clean:
            self._runs[name], self._said[name] = after, ()
        elif after is not before:
            self._end_run(name, after, reasons or BLIND)

    def opened(self, at: int) -> None:
        """The account says that the lane is open from `at` (ns) on: nothing from before is kept, proven or not.

        Sound is heard all the time, so some of it may have been proven between the look and its entry.
        """
        for name, run in self._runs.items():
            self._runs[name] = replace(run, after=max(run.after, at))

    def _judge(self, policy: Policy, look: Look) -> Verdict:
        """While nothing changes one judgement serves."""
        # What browsers say is worth a look only put together with what the desktop says (core.proof.scene_merger).
        seen = Blind.CANNOT_VOUCH if isinstance(look.seen, Browsing) else look.seen
        self._interactions[look.witness] = interaction_is_on(policy, seen)
        if any(self._interactions.values()):
            self._interaction_until = look.answered + policy.keep_recording
        interaction = look.asked <= self._interaction_until
        scene, was_on, verdict = self._judged.get(look.witness, (None, False, Verdict()))
        if (scene, was_on) != (seen, interaction):
            verdict = decide(policy, seen, interaction=interaction)
            self._judged[look.witness] = (seen, interaction, verdict)
        return verdict

    def _end_run(self, name: str, run: Run, said: tuple[Reason, ...]) -> None:
        """The witness's run has ended, or proves nothing still. `said`: why."""
        self._runs[name], self._said[name] = run, said

    def push(self, item: ItemT) -> None:
        self._gate.push(item)

    def judge(self, now: int) -> GateResult[ItemT]:
        """Release what is proven, and drop what can never be."""
        proofs = (
            {name: Proof(run.clearance, self._timings[name].hindsight) for name, run in self._runs.items()}
            if self._policy is not None
            else {}
        )
        return self._gate.judge(proofs, now)

    def drop_all(self) -> GateResult[ItemT]:
        return self._gate.drop_all()
