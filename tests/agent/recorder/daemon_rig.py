"""The daemon turned by hand: its clock, its witness and its seat are the test's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from agent.core.holding import UserHold
from agent.core.model.marks import Request, Sighted
from agent.core.model.media import Frame
from agent.core.model.rules import Attribute, Hold, Matcher, Policy, Rule
from agent.core.model.seen import BROWSERS, Blind, Box, Look, Scene, Window
from agent.core.model.times import MILLISECOND, Span
from agent.pipeline import Mailbox
from agent.ports import RuleUsageMemory
from agent.recorder.daemon import Daemon
from agent.recorder.messages import Call, Message, PolicyArrived
from agent.recorder.recording import Order
from agent.recorder.shutter import Grabbed, Shutter
from testkit.fakes.clock import HandClock

CHART = Rule(0, "charts", "HIPAA", (Matcher(Attribute.APP, ("chart",)),))
POLICY = Policy("hash-1", 1, "test", (CHART,))
NOTES = Scene((Window(1, "notes", "Notes", 10, Box(0, 0, 100, 100), shown=True),))
WITH_CHART = Scene((*NOTES.windows, Window(2, "chart", "Chart", 11, Box(0, 0, 50, 50), shown=True)))


@dataclass
class Asked:
    """A witness that only counts how often it is asked; the test answers."""

    name: str = "window"
    questions: int = 0
    policy: str = ""

    def ask(self) -> None:
        self.questions += 1

    def judge_with(self, policy: Policy) -> None:
        self.policy = policy.hash


@dataclass
class EmptySeat:
    now: frozenset[Hold] = frozenset()

    def holds(self) -> frozenset[Hold]:
        return self.now

    def let_sleep(self) -> None: ...

    def close(self) -> None: ...


@dataclass
class Pages:
    entries: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def write(self, kind: str, **fields: object) -> None:
        self.entries.append((kind, fields))

    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.entries]


def hold(daemon: Daemon, asked: UserHold | None) -> None:
    """As the control socket asks: on the loop."""
    daemon.turn(Call(lambda: daemon.hold(asked)))


class Rig:
    def __init__(
        self, *, room: int = 64, browsers: bool = False, sound: bool = False, usage: RuleUsageMemory | None = None
    ) -> None:
        self.clock, self.witness, self.seat, self.ledger = HandClock(), Asked(), EmptySeat(), Pages()
        self.inbox: Mailbox[Message] = Mailbox(8)
        self.orders: Mailbox[Order] = Mailbox(room)
        self.shutter = Shutter(self.clock)
        self.woken = 0
        self.listening: list[bool] = []
        self.shown: list[Request] = []
        self.sought: frozenset[int] = frozenset()
        self.drained = False
        self.daemon = Daemon(
            self.inbox,
            clock=self.clock,
            witnesses=(self.witness, Asked(BROWSERS)) if browsers else (self.witness,),
            seat=self.seat,
            shutter=self.shutter,
            wake_capture=self._wake,
            orders=self.orders,
            ledger=self.ledger,
            drain=self._drain,
            listen=self.listening.append if sound else None,
            usage=usage,
            show=self.shown.append,
            seek=self._seek,
        )
        self.daemon.start()

    def _wake(self) -> None:
        self.woken += 1

    def _seek(self, marks: frozenset[int], _: int) -> None:
        self.sought = marks

    def draw(self) -> None:
        """The display shows what every document is by now."""
        self.daemon.turn(None)
        while self.sought:
            self.wait(1)
            self.daemon.turn(Sighted(self.sought, self.clock.time))

    def _drain(self) -> None:
        self.drained = True

    def wait(self, milliseconds: int) -> None:
        self.clock.time += milliseconds * MILLISECOND

    def look(self, seen: Scene | Blind = NOTES, policy: str = "hash-1") -> None:
        self.wait(1)
        asked = self.clock.time
        self.wait(1)
        self.daemon.turn(Look("window", asked, self.clock.time, policy, seen))

    def watch(self, seen: Scene | Blind = NOTES, policy: str = "hash-1") -> None:
        """Looks for as long as the window witness's proof needs around anything: more than a second."""
        for _ in range(12):
            self.wait(100)
            self.look(seen, policy)

    def grab(self, *, whole: bool = True) -> Frame:
        self.wait(1)
        start = self.clock.time
        self.wait(1)
        frame = Frame(0, Span(start, self.clock.time), 2, 2, bytes(6), whole)
        self.daemon.turn(Grabbed((frame,), ()))
        return frame

    def taken(self) -> list[Order]:
        orders = []
        while (order := self.orders.get(0)) is not None:
            orders.append(order)
        return orders

    def opened(self) -> Rig:
        """Policy in force, clean looks for long enough, the recording open."""
        self.daemon.turn(PolicyArrived(POLICY))
        self.watch()
        self.taken()
        return self
