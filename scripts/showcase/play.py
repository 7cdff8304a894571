"""What happens on the demo's stage, scene by scene, and what the eye says to it meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent.control.recorder_state import RecorderState
from scripts.showcase.shop import Shop, shop
from testkit.browsers import chromium
from testkit.fleet import Pc
from testkit.stage import Running, Stage, StageError

DISPLAY: Final = (1440, 810)
ORDERS: Final = (800, 30)
NOTES: Final = (860, 440)
TILL: Final = (520, 190)  # orders and notes cover half of it when they come to the front
BROWSER: Final = ("--window-position=20,20", "--window-size=900,700", "--force-device-scale-factor=1")

LOOK: Final = 0.1  # seconds between two looks at the status while a scene lasts
TURN: Final = 20.0  # seconds that the eye may take to open or close, on a machine that is busy with other things

Tell = Callable[[float, RecorderState | None, str], None]
"""(seconds since the play began, what the recorder says it is, what is to be seen)"""


@dataclass(slots=True)
class Play:
    """`folder`: a new one for the browser; `length`: seconds that all scenes take together."""

    stage: Stage
    pc: Pc
    folder: Path
    length: float
    tell: Tell
    began: float = 0.0

    def whole(self) -> None:
        """A payment in the browser, a patient's record, a card terminal in front and then behind; and work between."""
        with self._desk() as (site, orders, notes):
            self._kept("orders, call notes, and a shop in Chromium", 0.17)
            site.go(site.checkout)
            self._closed("the shop's checkout, with a card form from a payment service in it", 0.1)
            site.go(site.thanks)
            self._kept("the order is placed", 0.17)
            site.go(site.patient)
            self._closed("a patient's record, in the same tab", 0.1)
            site.go(site.catalogue)
            self._kept("back in the shop", 0.18)
            with self.stage.program("till", TILL):
                self._closed("a card terminal opens, in front and focused", 0.06)
                # As it happens in an office: the payment goes on behind what the person turns to.
                self.stage.activate(orders)
                self.stage.activate(notes)
                self._closed("the card terminal is half covered and without focus", 0.05)
            self._kept("the card terminal is closed", 0.17)
            self.pc.stop()

    def control(self) -> None:
        """The sensitive pages and the window again, shortly: for a run in which no rule speaks of them."""
        with self._desk() as (site, _orders, _notes):
            self._kept("orders, call notes, and a shop in Chromium", 0.2)
            site.go(site.checkout)
            self._kept("the shop's checkout", 0.3)
            site.go(site.patient)
            self._kept("a patient's record", 0.25)
            with self.stage.program("till", TILL):
                self._kept("a card terminal opens", 0.25)
                self.pc.stop()

    @contextmanager
    def _desk(self) -> Iterator[tuple[Shop, Running, Running]]:
        """The shop in a browser, and two ordinary programs beside it. The browser sees with the recorder's own eyes."""
        stage = self.stage
        with (
            shop() as site,
            stage.program("orders", ORDERS) as orders,
            chromium(stage, self.folder, site.catalogue, eyes=self.pc.home, flags=BROWSER),
            stage.program("notes", NOTES) as notes,
        ):
            site.go(site.catalogue)
            self.began = time.monotonic()
            yield site, orders, notes

    def _kept(self, title: str, share: float) -> None:
        """Ordinary work, which lasts its share of the play from when the eye is open."""
        self._scene(title, share, RecorderState.RECORDING)

    def _closed(self, title: str, share: float) -> None:
        """Something that a rule of the policy closes for."""
        self._scene(title, share, RecorderState.CLOSED)

    def _scene(self, title: str, share: float, awaited: RecorderState) -> None:
        """Lasts its share of the play from when the eye is as it should be, and tells whenever it opens or closes."""
        said = self._say(title)
        latest = time.monotonic() + TURN
        ends: float | None = None
        while ends is None or time.monotonic() < ends:
            time.sleep(LOOK)
            status = self.pc.status()
            state = None if status is None else RecorderState(status["state"])
            if status is not None and state is not said:
                said = self._say()
            # Closed without a rule is only what the proof still owes for the scene before.
            if ends is None and state is awaited and (state is RecorderState.RECORDING or (status and status["rules"])):
                ends = time.monotonic() + share * self.length
            if ends is None and time.monotonic() > latest:
                raise StageError(self._why_not(title, awaited))

    def _why_not(self, title: str, awaited: RecorderState) -> str:
        status = self.pc.status()
        if status is None:
            return f"the recorder gave no answer:\n{self.pc.recorder.tail()}"
        rules = ", ".join(status["rules"])
        found = f"the eye was {status['state']}{f' by {rules}' if rules else ''} for {TURN:.0f} s, and should be "
        found += f"{awaited.value} with this on screen: {title}"
        if "web-engine" in status["rules"]:
            found += (
                "\n    web-engine: a window shows web pages and no extension of Eyelid's answers for it. Is another "
                "browser open on this screen? Close it. If not, Chromium did not load the extension or the extension "
                "did not reach the recorder."
            )
        return f"{found}\n{self.pc.recorder.tail()}"

    def _say(self, title: str = "") -> RecorderState | None:
        """Tell the scene that begins, or only how the eye has changed in it; by which rules, in any case."""
        status = self.pc.status()
        rules = ", ".join(status["rules"]) if status else ""
        state = RecorderState(status["state"]) if status else None
        self.tell(time.monotonic() - self.began, state, f"{title} ({rules})" if title and rules else title or rules)
        return state
