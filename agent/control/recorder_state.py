"""The recorder's state in one word, and what `eyelid status` ends with for it.

Apart from the rest of a status, which is made in the recorder: who asks for one needs no more than this to start.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from agent.core.account.troubles import degrades


class RecorderState(StrEnum):
    """One word for an icon. `exit_code` is the one of `eyelid status`."""

    RECORDING = "recording"
    CLOSED = "closed"  # by a rule of the policy: as it should be
    HELD = "held"
    BLIND = "blind"  # something that should be seen cannot be
    STALLED = "stalled"  # the eye is open, and yet nothing is sealed
    STOPPING = "stopping"

    @property
    def exit_code(self) -> int:
        """0 recording or rightly closed, 1 degraded, 3 not recording."""
        return {"recording": 0, "closed": 0, "blind": 1, "stalled": 1}.get(self, 3)


def exit_code(status: Mapping[str, object]) -> int:
    """Of `eyelid status`, from the recorder's answer: 1 also where the lid is well, but not the call, the store, or
    something that a person must mend."""
    code = _code(status["state"])
    sound: Any = status["sound"]
    # A recorder of another version may not say of faults.
    deaf = sound is not None and (bool(sound.get("fault")) or _code(sound["state"]) == 1)
    troubles: Any = status["troubles"]
    troubled = any(degrades(str(trouble)) for trouble in troubles)
    return 1 if code == 0 and (deaf or troubled or status["offline_s"] is not None) else code


def _code(state: object) -> int:
    """A state that another version knows and this one does not is no good one."""
    return next((known.exit_code for known in RecorderState if known == state), 1)
