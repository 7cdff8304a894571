"""What the icon shows, from what the recorder says: a lid for the screen, a mark for the call, an arrow for the store.

Pure. A state is told by its shape first: colour helps those who see it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from agent.core.account.evidence import Deaf
from agent.core.account.troubles import degrades

Status = Mapping[str, Any]  # as `eyelid status --json` prints it
NOT_UNDERSTOOD: Final[Status] = {}  # in place of what a recorder of another version says; nothing of it is known

# A look is asked at once when something has changed, so most blindness is over before anybody could do anything.
MOMENT: Final = 2.0  # seconds for which a blind eye is only closed
FAULTY: Final = (
    "no-policy",
    "spool-full",
    "seat-unknown",
    "no-signature",
)  # holds that a person must mend, the weightiest first
AWAY: Final = ("shutdown", "logoff", "suspended", "locked", "not-in-front", "display-off")
LEFT_OUT: Final = ("unlisted", "not-allowed", "not-recorded")
UNSEEN: Final = ("unreadable", "web-engine", "unseen-page", "remote-display", "overview")  # what a person can change
STATES: Final = ("recording", "closed", "held", "blind", "stalled", "stopping")
OVER: Final = ("held", "stopping")  # states of both lanes at once
OF_CALL: Final = frozenset(deaf.trouble for deaf in Deaf)  # the call says so itself
PARTS: Final = ("microphone", "far-end")  # faults of one end of the call


class Lid(StrEnum):
    OPEN = "open"
    SHUT = "shut"  # as it should be: by a rule, while the PC is locked, for a moment
    HELD = "held"  # by the person in front
    FAULT = "fault"  # nothing is kept, and a person has to do something
    GONE = "gone"  # no recorder runs


class Call(StrEnum):
    """What becomes of the call, which a rule closes by itself."""

    NOT_WANTED = "not-wanted"  # by the settings
    ON = "on"
    OFF = "off"  # as it should be
    DEAF = "deaf"  # it should be recorded, and is not
    PART = "part"  # of one end of it


class Mark(StrEnum):
    """What lies over the lid besides the arrow."""

    NONE = ""
    CALL = "call"  # the lid is shut, and the call is recorded
    WARNING = "warning"  # the call, or an end of it, is not recorded although it should be; or IT must mend something


@dataclass(frozen=True, slots=True)
class IconState:
    """`topic`: what it is about, a key of the catalogue; `call_topic` the same of the call. `offline`: the mark.

    `troubles`: codes of what makes a recorder degraded and is told by nothing else here.
    """

    lid: Lid
    topic: str
    offline: bool = False
    call: Call = Call.NOT_WANTED
    call_topic: str = ""
    troubles: tuple[str, ...] = ()

    @property
    def mark(self) -> Mark:
        """A lid that shows a fault has the warning in its shape."""
        if self.lid not in {Lid.OPEN, Lid.SHUT}:
            return Mark.NONE
        if self.call in {Call.DEAF, Call.PART} or self.troubles or self.unclear:
            return Mark.WARNING
        return Mark.CALL if self.lid is Lid.SHUT and self.call is Call.ON else Mark.NONE

    @property
    def unclear(self) -> bool:
        """A recorder is there, and what it does is not known."""
        return self.topic == UNCLEAR.topic

    @property
    def needs_a_person(self) -> bool:
        return self.lid in {Lid.FAULT, Lid.GONE} or self.mark is Mark.WARNING or self.call in {Call.DEAF, Call.PART}

    @property
    def look(self) -> tuple[Lid, Mark, bool]:
        """All that can be seen of it."""
        return self.lid, self.mark, self.offline


NO_RECORDER: Final = IconState(Lid.GONE, "gone")
UNCLEAR: Final = IconState(Lid.OPEN, "unclear")  # it may be recording, so it must not look as if it were not


def icon_state_of(status: Status | None) -> IconState:
    """`status` None: no recorder answers."""
    if status is None:
        return NO_RECORDER
    if not status or any(part["state"] not in STATES for part in (status, status["sound"]) if part is not None):
        return UNCLEAR
    lid, topic = _lid(status)
    call, call_topic = _call(status["sound"], status["rules"])
    troubles = tuple(code for code in status["troubles"] if degrades(code) and code not in OF_CALL)
    return IconState(lid, topic, status["offline_s"] is not None, call, call_topic, troubles)


def _lid(status: Status) -> tuple[Lid, str]:
    found = Lid.GONE, "stopping"
    match status["state"]:
        case "recording":
            found = Lid.OPEN, "open"
        case "closed":
            found = Lid.SHUT, _shut(status["rules"])
        case "held":
            found = _held(status["holds"])
        case "blind" if status["since_s"] < MOMENT:
            found = Lid.SHUT, "shut.moment"
        case "blind":
            found = Lid.FAULT, f"blind.{next((rule for rule in status['rules'] if rule in UNSEEN), 'blind')}"
        case "stalled":
            found = Lid.FAULT, "stalled"
    return found


def _call(sound: Status | None, rules: Sequence[str]) -> tuple[Call, str]:
    """`rules`: why the screen is closed. What closes both is named once."""
    if sound is None:
        return Call.NOT_WANTED, "not-wanted"
    state, fault = sound["state"], sound.get("fault", "")  # a recorder of another version may not say
    if fault and fault not in PARTS and state not in OVER:  # also where a rule closes it: when it opens, nothing comes
        return Call.DEAF, f"deaf.{fault}"
    if state != "recording":
        return Call.OFF, _off(sound, state, rules)
    return (Call.PART, f"deaf.{fault}") if fault else (Call.ON, "on")


def _off(sound: Status, state: str, rules: Sequence[str]) -> str:
    own = sound["rules"]
    if state in OVER:
        return "off"
    if not own or (state == "blind" and sound.get("since_s", MOMENT) < MOMENT):
        return "moment"
    if set(own) <= set(rules):
        return "off"
    return "rule" if state == "closed" and _shut(own) == "shut.rule" else "because"


def _shut(rules: Sequence[str]) -> str:
    """By the policy's rules, where any of them speaks: what it leaves out is the lesser reason."""
    named = [rule for rule in rules if rule not in LEFT_OUT]
    return "shut.rule" if named else f"shut.{next(iter(rules), 'moment')}"


def _held(holds: list[str]) -> tuple[Lid, str]:
    for hold in FAULTY:
        if hold in holds:
            return Lid.FAULT, hold
    if "user" in holds:
        return Lid.HELD, "user"
    return Lid.SHUT, next((hold for hold in AWAY if hold in holds), "shut.moment")
