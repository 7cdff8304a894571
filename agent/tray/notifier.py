"""When a person gets a notice, and of what: rarely, and only where they have to know or to do something. Pure.

Never of a pause: a notice at each payment form would be switched off, and with it the one that mattered.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from agent.tray.icon_state import Call, IconState, Lid, Status
from agent.tray.words import Words

LASTING: Final = 60.0  # seconds for which nothing is kept and a person has to do something, before the notice
OFFLINE: Final = 900.0  # seconds without the store; the spool holds days
ENDS_SOON: Final = 30.0  # seconds before a hold ends: while there is time to ask for more


@dataclass(frozen=True, slots=True)
class Notice:
    """`topic`: a later one of the same topic takes its place. `urgent`: stays until it is seen."""

    topic: str
    title: str
    body: str
    urgent: bool = False


@dataclass(slots=True)
class Notifier:
    """Give it every state in turn, with the time of a clock that never jumps, in seconds."""

    words: Words
    _faults: dict[str, tuple[str, float]] = field(default_factory=dict)  # of which lane -> topic, since when
    _notified: set[str] = field(default_factory=set)
    _held: bool = False
    _released: bool = False  # by the person in front, who needs no word of it

    def released(self) -> None:
        """The person has just asked for it, here."""
        self._released = True

    def hear(self, icon: IconState, status: Status | None, now: float) -> list[Notice]:
        faults = [*self._of_fault(icon, status, now), *self._of_call(icon, status, now)]
        return [*self._of_hold(icon, status), *faults, *self._of_store(icon, status)]

    def _of_hold(self, icon: IconState, status: Status | None) -> list[Notice]:
        hold = None if status is None else status["hold"]
        if hold is None:
            was_held, by_person = self._held, self._released
            self._held = self._released = False
            self._notified.discard("hold")
            if was_held and not by_person and status is not None and icon.lid is not Lid.GONE:
                return [Notice("hold", self.words.say("notice.hold-over"), self.words.say("notice.hold-over.body"))]
            return []
        self._held = True
        left = hold["left_s"]
        if left is None or left > ENDS_SOON:
            self._notified.discard("hold")  # it may have been asked for anew
        elif "hold" not in self._notified and hold["since_s"] + left > 2 * ENDS_SOON:  # a shorter one is still in mind
            self._notified.add("hold")
            title = self.words.say("notice.hold-ends", left=self.words.length(left))
            return [Notice("hold", title, self.words.say("notice.hold-ends.body"))]
        return []

    def _of_fault(self, icon: IconState, status: Status | None, now: float) -> list[Notice]:
        faulty = icon.unclear or (icon.lid in {Lid.FAULT, Lid.GONE} and icon.topic != "stopping")
        return self._lasting("fault", icon.topic if faulty else "", icon, status, now)

    def _of_call(self, icon: IconState, status: Status | None, now: float) -> list[Notice]:
        """Not known in a hold: what was reported before it is not reported again after it."""
        if icon.call is Call.OFF and "call" in self._notified:
            return []
        faulty = icon.call in {Call.DEAF, Call.PART}
        return self._lasting("call", icon.call_topic if faulty else "", icon, status, now)

    def _lasting(self, of: str, topic: str, icon: IconState, status: Status | None, now: float) -> list[Notice]:
        """`topic`: of the fault that goes on; "" where none does."""
        if not topic:
            self._faults.pop(of, None)
            self._notified.discard(of)
            return []
        known, since = self._faults.setdefault(of, (topic, now))
        if known != topic:
            self._faults[of], since = (topic, now), now
            self._notified.discard(of)
        if of in self._notified or now - since < LASTING:
            return []
        self._notified.add(of)
        body = f"{self.words.sentence(icon, status)} {self.words.advice(icon)}"
        return [Notice(of, self.words.title(icon), body, urgent=True)]

    def _of_store(self, icon: IconState, status: Status | None) -> list[Notice]:
        if not icon.offline or status is None:
            self._notified.discard("offline")
            return []
        if "offline" in self._notified or status["offline_s"] < OFFLINE:
            return []
        self._notified.add("offline")
        return [Notice("offline", self.words.say("notice.offline"), self.words.offline(status))]
