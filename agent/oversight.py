"""Tells what rules that are only tried would have done, and when a rule does what nobody can have meant.

The daemon's own watch over its policy: it changes nothing that is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from agent.core.model import Reason
from agent.core.policy_watch import Amiss, Watch, watched
from agent.core.session import LaneWould, Session
from agent.keeping import Keeping
from agent.messages import Cleared, Trouble


def would_close(session: Session, lanes: Iterable[Keeping[Any]]) -> Iterator[LaneWould]:
    """What the session does not know yet. In a hold nobody looks, and what was last seen says nothing."""
    for keeping in lanes:
        if not session.held and session.would.get(keeping.lane, ()) != keeping.eye.would:
            yield LaneWould(keeping.lane, keeping.eye.would)


class Oversight:
    def __init__(self) -> None:
        self.watch = Watch()
        self._told: dict[Amiss, tuple[Reason, ...]] = {}

    def turn(self, session: Session, now: int) -> Iterator[Trouble | Cleared]:
        """What has come to be amiss, and what is no longer so."""
        self.watch = watched(self.watch, session, now)
        amiss = self.watch.alarms(now)
        for code in Amiss:
            told, rules = self._told.get(code, ()), amiss.get(code, ())
            if told == rules:
                continue
            if told:
                yield Cleared(code.value)
            if rules:
                names = ", ".join(rule.id for rule in rules)
                numbers = tuple(rule.id if rule.number is None else rule.number for rule in rules)
                yield Trouble(code.value, names, numbers)
        self._told = amiss
