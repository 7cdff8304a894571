"""How long something lasts, as people write it on a command line and read it there."""

from __future__ import annotations

from agent.errors import UserError


def in_seconds(text: str) -> float:
    units = {"s": 1, "m": 60, "h": 3600}
    if text[-1:] not in units or not text[:-1].isdecimal() or int(text[:-1]) == 0:
        raise UserError(f"--for {text}: write a whole number and s, m or h, for example 90s, 5m or 1h")
    return int(text[:-1]) * units[text[-1]]


def spoken(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
