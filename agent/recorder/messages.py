"""What the stages and the commands tell the daemon: everything that can come through its inbox."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agent.core.account.troubles import TroubleCode
from agent.core.model.marks import Marked, Sighted
from agent.core.model.rules import Policy
from agent.core.model.seen import Alarm, Look, PageEvent
from agent.core.session import HoldsAre
from agent.recorder.audio_loop import Heard
from agent.recorder.shutter import Grabbed, Still


@dataclass(frozen=True, slots=True)
class GrabWanted:
    """The capture thread is about to grab, on a recent look: it waits for one, or has it."""


@dataclass(frozen=True, slots=True)
class PolicyArrived:
    policy: Policy


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that a person must hear of: a short code for ledger and status, never a title, URL or content.

    `rules`: those in question, as the ledger names them: by number, Eyelid's own by name. `known`: the account has an
    entry of it from before a restart, and needs no other.
    """

    code: TroubleCode
    message: str = ""
    rules: tuple[int | str, ...] = ()
    known: bool = False


@dataclass(frozen=True, slots=True)
class Cleared:
    """The trouble with this code is over."""

    code: TroubleCode


@dataclass(frozen=True, slots=True)
class Failed:
    """A stage without which nothing can be kept has died: hold, drain and end, so that a fresh start can mend it."""

    code: TroubleCode


@dataclass(frozen=True, slots=True)
class Call:
    """Something another thread needs done on the loop: a status, a hold."""

    work: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Stop: ...


Sight = Look | PageEvent | Alarm | Marked | Sighted | Grabbed | GrabWanted | Still | Heard
Word = PolicyArrived | HoldsAre | Trouble | Cleared | Failed | Call | Stop
Message = Sight | Word
