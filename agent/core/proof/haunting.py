"""Whose pictures the display still shows after their windows have left: what closes the lane until they are gone.

The display knows pixels and no rules. So a ghost goes by what closed the lane when its window was found gone, in that
look or up to it: its own rule is among these, beside those of what was in view with it. Where nothing did (a harmless
window left, and only later something ended the run), it goes by what ended the run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from agent.core.matching.decide import BLIND, NOT_RECORDED
from agent.core.model.rules import Reason
from agent.core.model.seen import Ghost


class Haunting:
    """For one lane. `ghosts` as a witness told of them last. Times in ns."""

    def __init__(self) -> None:
        self._ghosts: tuple[Ghost, ...] = ()
        self._told_by = ""  # the witness
        self._asked = 0  # when it was last asked
        self._since: dict[int, int] = {}  # when a ghost was found to have left -> since when it may have
        self._closed_by: dict[int, tuple[Reason, ...]] = {}  # when a ghost was found to have left -> by what, then

    def tell(self, witness: str, asked: int, ghosts: tuple[Ghost, ...], closed_by: Iterable[Reason]) -> None:
        """`closed_by`: what closed the lane until this look, and in it."""
        reasons = tuple(closed_by)
        before, after = (Counter(ghost.left for ghost in told) for told in (self._ghosts, ghosts))
        self._since = {left: self._since.get(left, self._asked) for left in after}
        known = self._closed_by
        # One that came to the place of another has left since the other did: from then on it is what both were.
        self._closed_by = {
            left: _each(known.get(left, ()), reasons if count > before[left] else ()) for left, count in after.items()
        }
        self._ghosts, self._told_by, self._asked = ghosts, witness, asked

    def forget_rules(self) -> None:
        """A new policy numbers its rules anew."""
        self._closed_by.clear()

    def seen_by(self, witness: str) -> tuple[Ghost, ...]:
        """Whoever found them saw what was in view until then. To another they may have left at any moment since the
        look before: what that one calls clean may have been dirty when its window left.
        """
        if witness == self._told_by:
            return self._ghosts
        return tuple(replace(ghost, left=self._since[ghost.left]) for ghost in self._ghosts)

    def reasons(self, witness: str, began: int, now: int, ended_by: tuple[Reason, ...]) -> Iterator[Reason]:
        """What closes the lane for a run of this witness that is held back. `began`: when the run did; `ended_by`: what
        ended the one before.

        None for the time in which nothing was to be recorded: a recording must not begin later for that.
        """
        holding = [
            ghost.left
            for ghost, seen in zip(self._ghosts, self.seen_by(witness), strict=True)
            if seen.left <= began and seen.until >= now
        ]
        named = [reason for left in holding for reason in self._closed_by.get(left, ())]
        known = [reason for reason in named if reason != BLIND]  # who was blind then can name nothing
        yield from (reason for reason in known or named or ended_by if reason != NOT_RECORDED)


def _each(*several: Iterable[Reason]) -> tuple[Reason, ...]:
    return tuple(dict.fromkeys(reason for reasons in several for reason in reasons))
