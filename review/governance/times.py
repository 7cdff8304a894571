"""Times of governance: wall clock in ns since 1970, days in UTC, periods in calendar years or in exact time.

A year ends on the same day of the year, so that seven years are seven years whichever of them are leap years.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import MAXYEAR, date, timedelta
from typing import Final

SECOND: Final = 1_000_000_000
HOUR: Final = 3600 * SECOND
DAY: Final = 24 * HOUR
FOR_EVER: Final = 1 << 63  # the year 2262: later than every time that is asked about


@dataclass(frozen=True, slots=True)
class Period:
    """Whole years, or ns; one of both is 0."""

    years: int = 0
    ns: int = 0

    def after(self, start: int) -> int:
        """The end of a period that begins at this time. A 29 February without a counterpart ends on 1 March."""
        if not self.years:
            return start + self.ns
        return _later(start, self.years)

    def covers(self, other: Period) -> bool:
        """Whether it is never shorter than the other, whenever both begin."""
        if bool(self.years) == bool(other.years):
            return (self.years, self.ns) >= (other.years, other.ns)
        if self.years:
            return self.years * 365 * DAY >= other.ns
        return self.ns >= other.years * 366 * DAY


NONE: Final = Period()


def _later(at: int, years: int) -> int:
    day = day_of(at)
    try:
        ends = day.replace(year=min(day.year + years, MAXYEAR))
    except ValueError:  # a 29 February
        ends = date(day.year + years, 3, 1)
    return start_of(ends) + at % DAY


def start_of(day: date) -> int:
    return (day - date(1970, 1, 1)).days * DAY


def end_of(day: date) -> int:
    """The first instant of the next day."""
    return start_of(day) + DAY


def day_of(at: int) -> date:
    return date(1970, 1, 1) + timedelta(days=at // DAY)
