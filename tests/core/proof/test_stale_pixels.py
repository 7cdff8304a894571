"""Since when pixels may have been stale: the witness that reported them knows, another one must take them for older."""

from __future__ import annotations

from agent.core.model.seen import BROWSERS, WINDOWS, StalePixels
from agent.core.proof.stale_pixels import StalePixelReports

FADING = StalePixels(left=25, until=90)


def test_the_witness_that_reported_them_takes_them_as_reported() -> None:
    reports = StalePixelReports()
    assert reports.seen_by(WINDOWS) == ()
    reports.tell(WINDOWS, 20, (FADING,))
    assert reports.reported == reports.seen_by(WINDOWS) == (FADING,)


def test_for_another_witness_they_may_have_left_since_the_look_before_the_one_that_found_it() -> None:
    reports = StalePixelReports()
    reports.tell(WINDOWS, 10, ())
    reports.tell(WINDOWS, 20, (FADING,))
    assert reports.seen_by(BROWSERS) == (StalePixels(left=10, until=90),)
    later = StalePixels(left=35, until=80)
    reports.tell(WINDOWS, 30, (FADING, later))
    assert reports.seen_by(BROWSERS) == (StalePixels(left=10, until=90), StalePixels(left=20, until=80))


def test_what_the_first_look_found_may_have_left_at_any_time() -> None:
    reports = StalePixelReports()
    reports.tell(WINDOWS, 20, (FADING,))
    assert reports.seen_by(BROWSERS) == (StalePixels(left=0, until=90),)


def test_what_is_not_reported_any_more_is_forgotten() -> None:
    reports = StalePixelReports()
    reports.tell(WINDOWS, 20, (FADING,))
    reports.tell(WINDOWS, 30, ())
    assert reports.seen_by(WINDOWS) == reports.seen_by(BROWSERS) == ()
    reports.tell(WINDOWS, 40, (FADING,))
    assert reports.seen_by(BROWSERS) == (StalePixels(left=30, until=90),)
