"""A recorder that is only played: it says at its control socket what it is told to. For the icon's tests and pictures.

What a real one says, and when, is tried in tests/end_to_end/test_indicator.py.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from agent.control.control import ControlSocket
from agent.errors import UserError

OFFER: Final[dict[str, Any]] = {"allow": True, "max_s": None, "reasons": ("break", "private", "other"), "own": True}
BEAT: Final = 1.0  # seconds, as the real one's


def status(state: str = "recording", **more: Any) -> dict[str, Any]:
    """As `eyelid status --json` prints it, as far as an icon looks."""
    said = {
        "state": state, "rules": (), "since_s": 60.0, "holds": (), "policy_name": "Contact centre",
        "policy_revision": 12, "policy_hash": "ab", "recording_s": 600.0, "frames": 700, "chunks": 150,
        "bytes": 4_200_000, "sealed_ago_s": 3.0, "pictures_ago_s": 3.0, "receipt_ago_s": 3.0,
        "waiting_chunks": 0, "waiting_bytes": 0, "monitors": 1, "browsers": (), "troubles": {},
        "sound": None, "offline_s": None, "waiting_s": None,
        "hold": None, "user_hold": OFFER,
    }  # fmt: skip
    return {**said, **more}


def sound(state: str = "recording", **more: Any) -> dict[str, Any]:
    """The part of the status that speaks of the call."""
    end = {"wanted": True, "device": "Headset", "peak_dbfs": -24.0, "heard_ago_s": 1.0, "captured_ago_s": 0.1}
    said = {
        "state": state, "fault": "", "rules": (), "since_s": 60.0, "sealed_ago_s": 3.0,
        "microphone": end, "far_end": end,
    }  # fmt: skip
    return {**said, **more}


def held(left: float | None, since: float = 10.0, **more: Any) -> dict[str, Any]:
    hold = {"reason": "break", "since_s": since, "left_s": left}
    return status("held", holds=("user",), hold=hold, **more)


class Played:
    """Answers in `home` until it is closed. `asked`: what was asked of it besides its state."""

    def __init__(self, home: Path) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.home = home
        self.asked: list[tuple[str, dict[str, object]]] = []
        self.pauses: list[dict[str, Any]] = []
        self.refusal = ""
        self._said = status()
        self._changed = threading.Condition()
        self._changes = 0
        self._ended = False
        self._socket = ControlSocket(home, self._answer, self._follow)

    def say(self, said: dict[str, Any]) -> None:
        with self._changed:
            self._said = said
            self._changes += 1
            self._changed.notify_all()

    def close(self) -> None:
        """Once more does no harm."""
        with self._changed:
            ended, self._ended = self._ended, True
            self._changed.notify_all()
        if not ended:
            self._socket.close()

    def _answer(self, verb: str, asked: Mapping[str, object]) -> Mapping[str, object]:
        if verb == "pauses":
            return {"pauses": self.pauses}
        if verb != "status":
            self.asked.append((verb, dict(asked)))
            if self.refusal:
                raise UserError(self.refusal)
        return self._said

    def _follow(self) -> Iterator[Mapping[str, object]]:
        while not self._ended:
            with self._changed:
                seen = self._changes
            yield self._said
            with self._changed:
                self._changed.wait_for(lambda: self._ended or self._changes != seen, BEAT)  # noqa: B023 - called here
