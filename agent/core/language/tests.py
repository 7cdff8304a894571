"""Runs the tests that live in a policy: examples by the authors of the rules, in the words of the rules."""

from __future__ import annotations

from dataclasses import dataclass, replace

from agent.core.matching.decide import RuleFinding, explain
from agent.core.model.media import Lane
from agent.core.model.rules import Effect, Policy


@dataclass(frozen=True, slots=True)
class Tested:
    """What a test expected of one lane and what the policy does. `where` the test stands: file:line:column."""

    name: str
    where: str
    lane: Lane
    expected: Effect
    findings: tuple[RuleFinding, ...]

    @property
    def spoke(self) -> tuple[str, ...]:
        """The names of the rules that pause the lane, each once."""
        return tuple(dict.fromkeys(found.reason.id for found in self.findings if found.effect is Effect.PAUSE))

    @property
    def got(self) -> Effect:
        return Effect.PAUSE if self.spoke else Effect.RECORD

    @property
    def passed(self) -> bool:
        return self.got is self.expected


def run_tests(policy: Policy) -> tuple[Tested, ...]:
    """One outcome for each lane that each test names, in the order written.

    A test says what a rule is meant to do: one that is only tried counts here, so that its tests hold before and after.
    So do those of a pack beside a file that allows little: a test is judged by the `allow` of its own file alone.
    """
    outcomes = []
    policy = replace(policy, rules=tuple(replace(rule, dry_run=False) for rule in policy.rules))
    for test in policy.tests:
        own = tuple(block for block in policy.allow if _file(block[0].where) == _file(test.where))
        findings = explain(replace(policy, allow=own), test.scene)
        for lane, expected in test.expect.items():
            of_lane = tuple(found for found in findings if found.lane is lane)
            outcomes.append(Tested(test.name, test.where, lane, expected, of_lane))
    return tuple(outcomes)


def _file(where: str) -> str:
    return where.rsplit(":", 2)[0]


def failed_tests(policy: Policy) -> tuple[str, ...]:
    """The tests that do not hold, as mistakes: `file:line:column what is wrong, what was meant`."""
    return tuple(
        f"{outcome.where} the test expects {outcome.lane}: {outcome.expected}, the policy says {outcome.got}"
        f" ({', '.join(outcome.spoke) or 'no rule speaks'}), correct the rule or the test"
        for outcome in run_tests(policy)
        if not outcome.passed
    )
