"""What closes the lane until the pictures of windows that have left are gone from the display.

The display knows pixels and no rules. Stale pixels inherit the rules that closed the lane when their window vanished:
their own rule is among these, beside those of what was in view with it. Where none did (a harmless window left, and
only later something ended the run), they inherit what ended the run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from agent.core.matching.decide import BLIND, NOT_RECORDED
from agent.core.model.rules import Reason
from agent.core.model.seen import StalePixels
from agent.core.proof.stale_pixels import StalePixelReports


class Attribution:
    """For one lane. Times in ns."""

    def __init__(self) -> None:
        self._before: tuple[StalePixels, ...] = ()  # as last reported
        self._closed_by: dict[int, tuple[Reason, ...]] = {}  # when a window was found gone -> what closed the lane then

    def tell(self, stale_pixels: tuple[StalePixels, ...], closed_by: Iterable[Reason]) -> None:
        """`closed_by`: what closed the lane until this look, and in it."""
        reasons = tuple(closed_by)
        before, after = (Counter(one.left for one in reported) for reported in (self._before, stale_pixels))
        known = self._closed_by
        # Two windows that left one place: from the second on, the rules of both.
        self._closed_by = {
            left: _each(known.get(left, ()), reasons if count > before[left] else ()) for left, count in after.items()
        }
        self._before = stale_pixels

    def forget_rules(self) -> None:
        """A new policy numbers its rules anew."""
        self._closed_by.clear()

    def reasons(
        self, stale_pixels: StalePixelReports, witness: str, began: int, now: int, ended_by: tuple[Reason, ...]
    ) -> Iterator[Reason]:
        """What closes the lane for a run of this witness that is held back. `began`: of the run; `ended_by`: what
        ended the one before.

        None for the time in which nothing was to be recorded: a recording must not begin later for that.
        """
        holding = [
            one.left
            for one, seen in zip(stale_pixels.reported, stale_pixels.seen_by(witness), strict=True)
            if seen.left <= began and seen.until >= now
        ]
        named = [reason for left in holding for reason in self._closed_by.get(left, ())]
        known = [reason for reason in named if reason != BLIND]  # blindness names no rule
        yield from (reason for reason in known or named or ended_by if reason != NOT_RECORDED)


def _each(*several: Iterable[Reason]) -> tuple[Reason, ...]:
    return tuple(dict.fromkeys(reason for reasons in several for reason in reasons))
