"""Which witness is asked, and when: one question in flight to each, and the windows first.

What the browsers say is only as fresh as what is known of the windows, so these are asked whichever is due, and the
browsers right after their answer. The daemon turns; this keeps what it needs to know between two turns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from agent.core.model.media import Lane
from agent.core.model.rules import Policy
from agent.core.model.seen import BROWSERS, WINDOWS, Look, Scene
from agent.core.model.times import MILLISECOND
from agent.core.pace import next_look
from agent.core.proof.clearance import ANSWERS_WITHIN
from agent.ports import Clock, Witness
from agent.recorder.lane_pipeline import LanePipeline

SLOW: Final = 100 * MILLISECOND  # a look that took longer is no slower for that: it is forgotten after 29 others


class WitnessPoller:
    """`lanes`: whose looks these are. `grab_wanted`: a picture is about to be taken, on a recent look."""

    def __init__(self, witnesses: Sequence[Witness], lanes: Sequence[LanePipeline[Any]], clock: Clock) -> None:
        self._witnesses = {witness.name: witness for witness in witnesses}
        self._lanes = lanes
        self._clock = clock
        self.grab_wanted = False
        self._in_flight: dict[str, int] = {}  # witness -> when it was asked; until it answers it is asked nothing else
        self._answered_at = dict.fromkeys(self._witnesses, clock.now())
        self._took = dict.fromkeys(self._witnesses, 0)  # the last look of each, ns
        self._slowest = dict.fromkeys(self._witnesses, SLOW)  # of the last seconds; forgotten bit by bit
        self._windows_seen: Scene | None = None
        self._windows_changed = False  # since the browsers were last asked
        self._pages_moved = False  # an event has come since then

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._witnesses)

    def judge_with(self, policy: Policy) -> None:
        for witness in self._witnesses.values():
            witness.judge_with(policy)

    # -- what came ------------------------------------------------------------------------------------------------

    def answered(self, look: Look) -> None:
        if look.asked >= self._in_flight.get(look.witness, look.asked + 1):
            del self._in_flight[look.witness]
        self._answered_at[look.witness] = look.answered

    def judged(self, look: Look) -> None:
        """The same look, put together with what else is known, and judged."""
        self._took[look.witness] = took = look.answered - look.asked
        self._slowest[look.witness] = max(min(took, SLOW), self._slowest[look.witness] * 15 // 16)
        if look.witness == WINDOWS:
            seen = look.seen if isinstance(look.seen, Scene) else None
            self._windows_changed |= seen is not self._windows_seen
            self._windows_seen = seen

    def pages_moved(self) -> None:
        """An event of a page came: closed for a page, its end may be near."""
        self._pages_moved = True

    def silent(self, now: int) -> Iterator[str]:
        """Those that did not answer in time; they are no longer waited for."""
        for name in [name for name, asked in self._in_flight.items() if now - asked > ANSWERS_WITHIN]:
            yield name
            del self._in_flight[name]

    # -- what is asked --------------------------------------------------------------------------------------------

    def due(self, *, held: bool) -> Iterator[int]:
        """When something is to be done, ns, in no order."""
        yield from (asked + ANSWERS_WITHIN + 1 for asked in self._in_flight.values())
        if not held and WINDOWS not in self._in_flight:
            yield from (self._next_look(name) for name in self._witnesses if name not in self._in_flight)

    def ask(self, now: int, *, held: bool) -> None:
        """The windows, whichever is due."""
        if held or WINDOWS in self._in_flight:
            return
        if any(self._is_due(name, now) for name in self._witnesses if name not in self._in_flight):
            self._put(WINDOWS)

    def ask_browsers(self, *, held: bool) -> None:
        """The windows have just been looked at."""
        if BROWSERS not in self._witnesses or BROWSERS in self._in_flight or held:
            return
        if self._windows_changed or self._is_due(BROWSERS, self._clock.now()):
            self._windows_changed = self._pages_moved = False
            self._put(BROWSERS)

    def _put(self, name: str) -> None:
        self._in_flight[name] = self._clock.now()
        self._witnesses[name].ask()

    def _is_due(self, name: str, now: int) -> bool:
        """Closed for a page, an event is asked about at once: it may be the page's end."""
        moved = name == BROWSERS and self._pages_moved
        return (moved and any(pipeline.proof.said(name) for pipeline in self._lanes)) or self._next_look(name) <= now

    def _next_look(self, name: str) -> int:
        """When the lane that needs it first needs the next look."""
        return min(self._next_look_for(pipeline, name) for pipeline in self._lanes)

    def _next_look_for(self, pipeline: LanePipeline[Any], name: str) -> int:
        proof, waiting = pipeline.proof, pipeline.last_waiting()
        asked = proof.asked(name)
        return next_look(
            self._answered_at[name] if asked is None else asked,
            proof.timing(name),
            closed=bool(proof.said(name)),
            grab_wanted=self.grab_wanted and pipeline.lane is Lane.SCREEN,
            newest=None if waiting is None else waiting.end,
            took=self._took[name],
            slowest=self._slowest[name],
        )
