"""A day begins at its first moment here, also where clocks go forward at midnight: filters and reports count by it."""

from __future__ import annotations

import random
import time
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from protocol.system import ON_WINDOWS
from review.languages import start_of

ZONES = (
    "UTC", "Europe/Berlin", "Europe/London", "Atlantic/Azores", "America/Sao_Paulo", "America/Santiago",
    "America/Havana", "Asia/Beirut", "Africa/Cairo", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia",
)  # fmt: skip
FORWARD_AT_MIDNIGHT = (
    ("America/Sao_Paulo", date(2018, 11, 4)), ("Asia/Beirut", date(2026, 3, 29)), ("Africa/Cairo", date(2026, 4, 24)),
    ("America/Santiago", date(2026, 9, 6)), ("Atlantic/Azores", date(2026, 3, 29)),
)  # fmt: skip


@pytest.mark.skipif(ON_WINDOWS, reason="its zone is the machine's alone")
@pytest.mark.parametrize("zone", ZONES)
def test_a_day_begins_at_its_first_moment(monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    chance, here = random.Random(zone), ZoneInfo(zone)
    days = [date(2010, 1, 1) + timedelta(days=chance.randrange(7300)) for _ in range(200)]
    days += [day for name, day in FORWARD_AT_MIDNIGHT if name == zone]
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        starts = {day: start_of(day) for day in days if day != date(2011, 12, 30)}  # Samoa had none
    finally:
        monkeypatch.undo()
        time.tzset()
    for day, start in starts.items():
        at = datetime.fromtimestamp(start // 10**9, UTC)
        assert at.astimezone(here).date() == day
        assert (at - timedelta(seconds=1)).astimezone(here).date() < day
