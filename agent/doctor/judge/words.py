"""How amounts and times are said."""

from __future__ import annotations

import datetime as dt

DAY = 86_400.0


def day(moment: float) -> str:
    """`moment`: seconds since 1970."""
    return dt.datetime.fromtimestamp(moment, dt.UTC).strftime("%Y-%m-%d")


def size(amount: int) -> str:
    for unit, of in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("KB", 1e3)):
        if amount >= of:
            return f"{amount / of:.1f} {unit}"
    return f"{amount} bytes"


def span(seconds: float) -> str:
    """In the one unit that says it best."""
    for name, of in (("days", DAY), ("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= 1.9 * of:
            return f"{seconds / of:.0f} {name}"
    return f"{seconds:.0f} s"


def several(count: int, one: str, many: str = "") -> str:
    return f"one {one}" if count == 1 else f"{count} {many or one + 's'}"
