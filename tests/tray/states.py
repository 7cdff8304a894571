"""What a recorder says, for every sign that there is."""

from __future__ import annotations

from typing import Any

OFFER: dict[str, Any] = {"allow": True, "max_s": None, "reasons": ("break", "private", "other"), "own": True}


def status(state: str = "recording", **more: Any) -> dict[str, Any]:
    said = {
        "state": state, "rules": (), "since_s": 60.0, "holds": (), "sealed_ago_s": 3.0, "receipt_ago_s": 3.0,
        "troubles": {}, "sound": None, "offline_s": None, "waiting_s": None, "hold": None, "user_hold": OFFER,
    }  # fmt: skip
    return {**said, **more}


def held(left: float | None, since: float = 10.0, **more: Any) -> dict[str, Any]:
    hold = {"reason": "break", "since_s": since, "left_s": left}
    return status("held", holds=("user",), hold=hold, **more)
