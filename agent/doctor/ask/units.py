"""What systemd says of Eyelid's units, where this PC has it."""

from __future__ import annotations

import shutil
import subprocess
from typing import Final

from agent.doctor.facts import UnitsFacts

UNIT: Final = "eyelid.service"
TIMER: Final = "eyelid-drain.timer"
SESSION: Final = "graphical-session.target"
WITHIN: Final = 5.0  # seconds for one question


def ask() -> UnitsFacts:
    systemctl = shutil.which("systemctl")
    if systemctl is None:
        return UnitsFacts(manager=False)

    def say(*words: str) -> str:
        return _first_line([systemctl, *words])

    if not say("--user", "show-environment"):
        return UnitsFacts(manager=False, drain=say("is-enabled", TIMER))
    return UnitsFacts(
        manager=True,
        enabled=say("--user", "is-enabled", UNIT),
        active=say("--user", "is-active", UNIT),
        session=say("--user", "is-active", SESSION),
        drain=say("is-enabled", TIMER),
    )


def _first_line(command: list[str]) -> str:
    """The first line of the answer; "" without an answer."""
    try:
        ran = subprocess.run(
            command, capture_output=True, text=True, timeout=WITHIN, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ran.stdout.partition("\n")[0].strip()
