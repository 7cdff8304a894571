"""Whose pictures the display still shows after their windows have left, and since when for each witness."""

from __future__ import annotations

from dataclasses import replace

from agent.core.model.seen import StalePixels


class StalePixelReports:
    """Those of one lane, as its witness last reported them. Times in ns."""

    def __init__(self) -> None:
        self.reported: tuple[StalePixels, ...] = ()
        self._reported_by: str | None = None  # the witness
        self._asked = 0  # when it was last asked
        self._since: dict[int, int] = {}  # when a window was found gone -> since when it may have been

    def tell(self, witness: str, asked: int, stale_pixels: tuple[StalePixels, ...]) -> None:
        self._since = {one.left: self._since.get(one.left, self._asked) for one in stale_pixels}
        self.reported, self._reported_by, self._asked = stale_pixels, witness, asked

    def seen_by(self, witness: str) -> tuple[StalePixels, ...]:
        """As this witness must take them. The witness that reported them knows when each window left. For another one
        it may have left at any moment since the look before: what that one calls clean may have been dirty then.
        """
        if witness == self._reported_by:
            return self.reported
        return tuple(replace(one, left=self._since[one.left]) for one in self.reported)
