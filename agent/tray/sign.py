"""What the icon shows, from what the recorder says: a lid, and a mark of its own for the way to the store.

Pure. A state is told by its shape first: colour helps those who see it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

Status = Mapping[str, Any]  # as `eyelid status --json` prints it

# A look is asked at once when something has changed, so most blindness is over before anybody could do anything.
MOMENT: Final = 2.0  # seconds for which a blind eye is only closed
FAULTY: Final = ("no-policy", "spool-full")  # holds that a person must mend, the weightiest first
AWAY: Final = ("shutdown", "logoff", "suspended", "locked", "not-in-front", "display-off")


LEFT_OUT: Final = ("unlisted", "not-recorded")


class Lid(StrEnum):
    OPEN = "open"
    SHUT = "shut"  # as it should be: by a rule, while the PC is locked, for a moment
    HELD = "held"  # by the person in front
    FAULT = "fault"  # nothing is kept, and somebody has to do something
    GONE = "gone"  # nobody records


@dataclass(frozen=True, slots=True)
class Sign:
    """`topic`: what it is about, a key of the catalogue. `offline`: the mark."""

    lid: Lid
    topic: str
    offline: bool = False

    @property
    def needs_a_person(self) -> bool:
        return self.lid in {Lid.FAULT, Lid.GONE}


NOBODY: Final = Sign(Lid.GONE, "gone")


def sign_of(status: Status | None) -> Sign:
    """`status` None: no recorder answers."""
    if status is None:
        return NOBODY
    lid, topic = _lid(status)
    return Sign(lid, topic, offline=status["offline_s"] is not None)


def _lid(status: Status) -> tuple[Lid, str]:
    found = Lid.GONE, "stopping"
    match status["state"]:
        case "recording":
            sound = status["sound"]
            found = Lid.OPEN, "open.sound" if sound is not None and sound["state"] == "recording" else "open"
        case "closed":
            found = Lid.SHUT, _shut(status["rules"])
        case "held":
            found = _held(status["holds"])
        case "blind" if status["since_s"] < MOMENT:
            found = Lid.SHUT, "shut.moment"
        case "blind":
            found = Lid.FAULT, f"blind.{next(iter(status['rules']), 'blind')}"
        case "stalled":
            found = Lid.FAULT, "stalled"
    return found


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
