"""One lane of the eye: looks, alarms and items go in; what may be kept comes out.

Puts the judgement (decide), the proof (clearance) and the queue (gate) together, still without clock or thread. When
the lane closes nothing is thrown away by hand: the gate lets go what every witness had already covered, and drops the
rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic

from agent.core.clearance import Run, Timing, alarmed, looked
from agent.core.decide import decide, interaction_is_on
from agent.core.gate import Gate, ItemT, Outcome, Proof
from agent.core.model import Alarm, Blind, Lane, Look, Policy, Reason, Scene, Verdict

BLIND = (Reason("blind"),)


class Eye(Generic[ItemT]):
    """`witnesses`: the names whose proof every item needs. Without a policy nothing counts and nothing is released."""

    def __init__(self, lane: Lane, witnesses: tuple[str, ...], patience: int, now: int) -> None:
        self._lane = lane
        self._gate: Gate[ItemT] = Gate(patience)
        self._runs = {name: Run.unproven(now) for name in witnesses}
        self._timings = {name: Timing() for name in witnesses}
        self._said: dict[str, tuple[Reason, ...]] = dict.fromkeys(witnesses, BLIND)
        self._policy: Policy | None = None
        self._judged: tuple[Scene | Blind | None, bool, Verdict] = (None, False, Verdict())
        self._interaction_until = 0
        # How far each witness has proven the unbroken stretch that is being kept, hindsight taken off.
        self._proven: dict[str, int] = {}
        self._kept_until: int | None = None

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why the lane is closed, each reason once; empty when every witness's last word was clean."""
        return tuple(dict.fromkeys(reason for said in self._said.values() for reason in said))

    @property
    def waiting(self) -> tuple[ItemT, ...]:
        return self._gate.waiting

    @property
    def provable_after(self) -> int:
        """An item that starts at or before this can never be released (ns)."""
        return max((run.after for run in self._runs.values()), default=0)

    def asked(self, witness: str) -> int | None:
        """When the last counted clean look of this witness was asked; None after an alarm."""
        last = self._runs[witness].last
        return None if last is None else last[0]

    def timing(self, witness: str) -> Timing:
        return self._timings[witness]

    def put_in_force(self, policy: Policy, timings: Mapping[str, Timing], now: int) -> None:
        """Judge by this policy from now on. What was seen under another one proves nothing under it."""
        self._policy = policy
        self._timings.update(timings)
        self._judged = (None, False, Verdict())
        self._interaction_until = now
        for name in self._runs:
            self.alarm(Alarm(name, now, "policy"))

    def alarm(self, alarm: Alarm) -> None:
        self._end_run(alarm.witness, alarmed(self._runs[alarm.witness], alarm.at), BLIND)

    def see(self, look: Look) -> None:
        """Take a witness's answer. One judged with another policy than the one in force does not count."""
        if self._policy is None or look.policy != self._policy.hash:
            return
        name, timing = look.witness, self._timings[look.witness]
        reasons = self._judge(self._policy, look).on(self._lane)
        before = self._runs[name]
        after = looked(before, look.asked, look.answered, reasons, timing)
        if after is before:
            return
        if not after.clean:
            self._end_run(name, after, reasons or BLIND)
            return
        self._runs[name] = after
        self._said[name] = ()
        if not self.reasons:
            self._proven[name] = after.clearance.before - timing.hindsight

    def _judge(self, policy: Policy, look: Look) -> Verdict:
        """A witness hands out the same scene while nothing changes: one judgement serves."""
        if interaction_is_on(policy, look.seen):
            self._interaction_until = look.answered + policy.keep_recording
        interaction = look.asked <= self._interaction_until
        scene, was_on, verdict = self._judged
        if scene is not look.seen or was_on is not interaction:
            verdict = decide(policy, look.seen, interaction=interaction)
            self._judged = (look.seen, interaction, verdict)
        return verdict

    def _end_run(self, name: str, run: Run, said: tuple[Reason, ...]) -> None:
        self._runs[name] = run
        self._said[name] = said

    def push(self, item: ItemT) -> None:
        self._gate.push(item)

    def judge(self, now: int) -> Outcome[ItemT]:
        proofs = (
            {name: Proof(run.clearance, self._timings[name].hindsight) for name, run in self._runs.items()}
            if self._policy is not None
            else {}
        )
        outcome = self._gate.judge(proofs, now)
        if outcome.released:
            self._kept_until = max(item.span.end for item in outcome.released)
        return outcome

    def drop_all(self) -> Outcome[ItemT]:
        return self._gate.drop_all()

    def end_of_kept(self, dropped: tuple[ItemT, ...] = ()) -> int | None:
        """Where the stretch that was being kept ends (ns), None if nothing was kept since the last call. Begins anew.

        An unchanged picture stands for the time after it as far as every witness has proven it, but never beyond the
        first dropped item: there the picture had changed.
        """
        if self._kept_until is None:
            return None
        proven = min(self._proven.values(), default=self._kept_until)
        changed = min((item.span.start for item in dropped), default=proven)
        until = max(self._kept_until, min(proven, changed))
        self._kept_until = None
        self._proven.clear()
        return until
