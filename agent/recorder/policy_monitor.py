"""The daemon's watch over its policy: what rules that are only tried would have done, and rules that close too much,
or have matched nothing for weeks. It changes nothing that is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from agent.core.account import rule_usage
from agent.core.account.rule_usage import RuleUsage
from agent.core.account.troubles import TroubleCode
from agent.core.account.watch import Amiss, Watch, watched
from agent.core.model.rules import Policy, Reason
from agent.core.model.times import SECOND
from agent.core.session import LaneWould, Session
from agent.errors import Transient
from agent.ports import RuleUsageMemory
from agent.recorder.lane_pipeline import LanePipeline
from agent.recorder.messages import Cleared, Trouble

DAY: Final = 24 * 3600 * SECOND


def would_close(session: Session, lanes: Iterable[LanePipeline[Any]]) -> Iterator[LaneWould]:
    """What the session does not know yet. In a hold there are no looks, and what was last seen says nothing."""
    for pipeline in lanes:
        if not session.held and session.would.get(pipeline.lane, ()) != pipeline.proof.would:
            yield LaneWould(pipeline.lane, pipeline.proof.would)


class PolicyMonitor:
    def __init__(self, memory: RuleUsageMemory | None = None) -> None:
        """`memory`: of how long each rule has fitted nothing, across restarts; None where that is not remembered."""
        self.watch = Watch()
        self._reported: dict[Amiss, tuple[Reason, ...]] = {}
        self._memory = memory
        self._usage = RuleUsage() if memory is None else memory.recall()
        self._unused: tuple[Reason, ...] = ()
        self._policy: Policy | None = None
        self._heard: tuple[object, ...] = ()  # what `_unused` was found from
        self._forgets = False

    def turn(
        self, session: Session, now: int, spoke: frozenset[str] = frozenset(), *, day: int = 0
    ) -> Iterator[Trouble | Cleared]:
        """What is amiss now, and no longer. `spoke`: rules that matched since the last turn; `day`: since 1970."""
        self.watch = watched(self.watch, session, now)
        before = self._usage
        self._listen(session, spoke, day)
        amiss = self.watch.alarms(now)
        if self._unused:
            amiss[Amiss.NEVER] = self._unused
        for code in Amiss:
            earlier, rules = self._reported.get(code, ()), amiss.get(code, ())
            if earlier == rules:
                continue
            if earlier:
                yield Cleared(TroubleCode(code))
            if rules:
                names = ", ".join(rule.id for rule in rules)
                numbers = tuple(rule.id if rule.number is None else rule.number for rule in rules)
                # A recorder starts every morning, and a rule is silent for months: one entry of the account says it.
                known = code is Amiss.NEVER and self._usage.all_reported(rules)
                yield Trouble(TroubleCode(code), names, numbers, known)
                if code is Amiss.NEVER and not known:
                    self._usage = rule_usage.reported(self._usage, rules)
        self._reported = amiss
        if self._usage is not before:
            yield from self._remember()

    def _listen(self, session: Session, spoke: frozenset[str], day: int) -> None:
        """In a hold there are no looks, and no day counts."""
        policy = session.policy
        heard = (spoke, day, session.held, None if policy is None else policy.hash)
        if policy is None or heard == self._heard:
            return
        self._usage = rule_usage.followed(self._usage, policy, self._policy)
        if not session.held:
            self._usage = rule_usage.listened(self._usage, policy, spoke, day)
        self._unused = self._usage.alarming(policy)
        self._policy, self._heard = policy, heard

    def _remember(self) -> Iterator[Trouble | Cleared]:
        """It counts all the same where the disk refuses: then only a restart forgets it."""
        if self._memory is None:
            return
        try:
            self._memory.remember(self._usage)
        except Transient:
            self._forgets = True
            yield Trouble(TroubleCode.RULE_USAGE_NOT_REMEMBERED)
        else:
            if self._forgets:
                self._forgets = False
                yield Cleared(TroubleCode.RULE_USAGE_NOT_REMEMBERED)
