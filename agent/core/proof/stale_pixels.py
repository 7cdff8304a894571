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
        self._kept: set[int] = set()  # when copies were found that pictures have been kept of

    def tell(self, witness: str, asked: int, stale_pixels: tuple[StalePixels, ...]) -> None:
        self._since = {one.left: self._since.get(one.left, self._asked) for one in stale_pixels}
        self._reported_by, self._asked, self._kept = witness, asked, self._kept & self._since.keys()
        self.reported = tuple(one for one in stale_pixels if not (one.copied and one.left in self._kept))

    def keep(self, after: int, before: int) -> None:
        """What is between these is proven, if anything is: copies that had been found by then hide nothing."""
        self._kept |= {one.left for one in self.reported if after < before and one.left < before}

    def seen_by(self, witness: str) -> tuple[StalePixels, ...]:
        """As this witness must take them. The witness that reported them knows when each window left, not when one was
        copied. For another it may have left at any moment since the look before, which may have been dirty then.
        """
        own = witness == self._reported_by
        return tuple(it if own and not it.copied else replace(it, left=self._since[it.left]) for it in self.reported)
