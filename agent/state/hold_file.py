"""The hold by the person in front, across a restart of the recorder: who holds and is forgotten would be recorded.

    <home>/hold.json    while a hold is on, and only then; no words of anybody's, for a reason is chosen from a list

Within one start of the PC its times are those of the clock that never jumps; across one only the wall clock is left.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from agent import durable
from agent.core.holding import UserHold
from agent.errors import Transient
from agent.ports import Clock
from protocol.claims import MAX_INTEGER, Claims, parse_object
from protocol.errors import ProtocolError

NAME: Final = "hold.json"


class HoldFile:
    def __init__(self, home: Path, clock: Clock) -> None:
        self._path = home / NAME
        self._clock = clock

    def recall(self) -> UserHold | None:
        """The hold that was on when the recorder ended; None where there was none, or where its end has passed.

        What cannot be read was a hold, whatever else it was: it lasts until it is released, or as long as the policy
        lets it, and began now.
        """
        now = self._clock.now()
        try:
            saved = Claims(parse_object(durable.read(self._path)), "the hold", ProtocolError)
            hold = self._read(saved, now)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, ProtocolError):
            return UserHold(now)
        return None if hold.until is not None and hold.until <= now else hold

    def _read(self, saved: Claims, now: int) -> UserHold:
        same = bool(self._clock.boot()) and saved.text("boot") == self._clock.boot()
        ahead = 0 if same else self._clock.wall() - now
        clock = "at" if same else "wall"
        until = _time(saved, f"until_{clock}") - ahead if saved.has(f"until_{clock}") else None
        reason: int | str = saved.integer("number") if saved.has("number") else saved.text("reason")
        # A wall clock that was set back would make it begin later than now, and so last longer than it may.
        return UserHold(min(now, _time(saved, f"began_{clock}") - ahead), until, reason, saved.text("policy"))

    def remember(self, hold: UserHold | None) -> None:
        """Durable when it returns. Raises Transient when the disk refuses."""
        try:
            if hold is None:
                self._path.unlink(missing_ok=True)
                durable.sync_folder(self._path.parent)
            else:
                durable.write(self._path, json.dumps(self._written(hold)).encode())
        except OSError as failure:
            raise Transient(f"{self._path} cannot be written: {failure.strerror}") from failure

    def _written(self, hold: UserHold) -> dict[str, int | str]:
        ahead = self._clock.wall() - self._clock.now()
        said: dict[str, int | str] = {
            "boot": self._clock.boot(),
            "began_at": hold.began,
            "began_wall": hold.began + ahead,
            "policy": hold.policy,
            "number" if isinstance(hold.reason, int) else "reason": hold.reason,
        }
        if hold.until is not None:
            said |= {"until_at": hold.until, "until_wall": hold.until + ahead}
        return said


def _time(saved: Claims, name: str) -> int:
    """Before zero where the hold began before this start of the PC."""
    return saved.integer(name, least=-MAX_INTEGER)
