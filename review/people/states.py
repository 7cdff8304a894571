"""What a browser is to the console, what changes that, and what each state allows; tables, without I/O."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

STEP: Final = 300_000_000_000  # ns; so far a clock that is kept by the network may go back


class SessionState(StrEnum):
    STRANGER = "stranger"
    ENROLLING = "enrolling"  # by a one-time link: may make a way to sign in, and nothing else
    SIGNED_IN = "signed-in"
    ENDED = "ended"


class Event(StrEnum):
    LINK = "link"  # a one-time link was followed
    PROOF = "proof"  # a provider, a passkey, or a password with its code said who it is
    ENROLLED = "enrolled"  # a way to sign in was made
    SIGN_OUT = "sign-out"
    IDLE = "idle"
    EXPIRED = "expired"
    CLOCK = "clock"  # the clock was set back: its age is unknown
    REMOVED = "removed"


_ENDS: Final = (Event.SIGN_OUT, Event.IDLE, Event.EXPIRED, Event.CLOCK, Event.REMOVED)
# What is not here does not happen. Every step into a state that allows something makes a new token.
NEXT: Final[Mapping[tuple[SessionState, Event], SessionState]] = {
    (SessionState.STRANGER, Event.LINK): SessionState.ENROLLING,
    (SessionState.STRANGER, Event.PROOF): SessionState.SIGNED_IN,
    (SessionState.ENROLLING, Event.ENROLLED): SessionState.SIGNED_IN,
    (SessionState.SIGNED_IN, Event.ENROLLED): SessionState.SIGNED_IN,
    **{(SessionState.ENROLLING, event): SessionState.ENDED for event in _ENDS},
    **{(SessionState.SIGNED_IN, event): SessionState.ENDED for event in _ENDS},
}


class Use(StrEnum):
    ENROL = "enrol"
    CONSOLE = "console"  # everything else


ALLOWS: Final[Mapping[SessionState, frozenset[Use]]] = {
    SessionState.STRANGER: frozenset(),
    SessionState.ENROLLING: frozenset({Use.ENROL}),
    SessionState.SIGNED_IN: frozenset({Use.ENROL, Use.CONSOLE}),
    SessionState.ENDED: frozenset(),
}


def end_of(now: int, seen: int, idle: int, ends: int) -> Event | None:
    """What has ended a session by now, if anything has; ns."""
    if now < seen - STEP:
        return Event.CLOCK
    if now >= ends:
        return Event.EXPIRED
    return Event.IDLE if now - seen >= idle else None
