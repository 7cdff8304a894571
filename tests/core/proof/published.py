"""The times that docs/platforms.md publishes, each beside what it was measured by."""

from __future__ import annotations

import re
from pathlib import Path

from agent.core.model.times import MILLISECOND, SECOND

PLATFORMS = Path(__file__).resolve().parents[3] / "docs" / "platforms.md"
UNITS = {"ms": MILLISECOND, "s": SECOND}


def published(constant: str) -> list[int]:
    """All times in the value of this constant, ns."""
    (value,) = re.findall(rf"^\| {constant} \| ([^|]*) \|", PLATFORMS.read_text(encoding="utf-8"), re.MULTILINE)
    return [int(number) * UNITS[unit] for number, unit in re.findall(r"(\d+) (ms|s)\b", value)]
