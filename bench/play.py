"""What happens on the demo's stage, scene by scene, and what the eye says to it meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from agent.status import State
from bench.fleet import Pc
from bench.stage import Stage

NOTES: Final = (40, 60)
ORDERS: Final = (620, 50)
CHART: Final = (330, 210)
TILL: Final = (300, 240)  # its upper half is behind the two ordinary windows

LOOK: Final = 0.1  # seconds between two looks at the status while a scene lasts

Tell = Callable[[float, State | None, str], None]
"""(seconds since the play began, what the recorder says it is, what is to be seen)"""


@dataclass(slots=True)
class Play:
    """`length`: seconds that all scenes take together."""

    stage: Stage
    pc: Pc
    length: float
    tell: Tell
    began: float = 0.0

    def whole(self) -> None:
        """Ordinary work; a chart in front; work; a payment behind other windows and without focus; work."""
        stage = self.stage
        with stage.program("orders", ORDERS) as orders, stage.program("notes", NOTES) as notes:
            self._begin()
            self._scene("two ordinary windows: orders and call notes", 0.22)
            with stage.program("chart", CHART):
                self._scene("a patient chart opens, in front and focused", 0.17)
            self._scene("the chart is closed", 0.22)
            with stage.program("till", TILL, focus=False):
                # As it happens in an office: the payment goes on behind what the person turns to.
                stage.activate(orders)
                stage.activate(notes)
                self._scene("a card payment opens, half covered and without focus", 0.17)
            self._scene("the payment is closed", 0.22)
            self.pc.stop()

    def control(self) -> None:
        """The sensitive windows again, shortly: for a run in which no rule speaks of them."""
        stage = self.stage
        with stage.program("notes", NOTES):
            self._begin()
            self._scene("an ordinary window", 0.3)
            with stage.program("chart", CHART):
                self._scene("a patient chart opens", 0.35)
            with stage.program("till", TILL):
                self._scene("a card payment opens", 0.35)
                self.pc.stop()

    def _begin(self) -> None:
        self.pc.wait_for(State.RECORDING)
        self.began = time.monotonic()

    def _scene(self, title: str, share: float) -> None:
        """Lasts its share of the play, and tells whenever the eye opens or closes."""
        ends = time.monotonic() + share * self.length
        said = self._say(title)
        while (left := ends - time.monotonic()) > 0:
            time.sleep(min(left, LOOK))
            status = self.pc.status()
            if status is not None and State(status["state"]) is not said:
                said = self._say(", ".join(status["rules"]) if status["rules"] else "")

    def _say(self, text: str) -> State | None:
        state = self.pc.state()
        self.tell(time.monotonic() - self.began, state, text)
        return state
