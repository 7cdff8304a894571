"""How far an unchanged picture covers the time after it: the account of what was kept without a break.

A picture is kept, and then nothing changes on the screen. Kept time extends to the slowest witness's proof, minus
hindsight, and never beyond the first dropped picture: there the screen had changed. One witness's proof may end while
another's still catches up (windows reach back a second, pages less), so the end is known only when the slowest has
come that far, or has ended too.

Where the capture thread reports that the screen was *still*, the last kept picture counts further: until the first
thing was drawn, or until a run ended. What was on the screen by then is what was proven, pixel for pixel, so no
witness has to prove it again. This releases no picture: only the account comes closer to the screen.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from agent.core.model.times import SECOND, Span

ANSWERS_WITHIN: Final = SECOND  # the capture thread; after that its report is done without


@dataclass(frozen=True, slots=True)
class _Break:
    """A run of one witness ended at `at`, having proven as far as `reach`; ns."""

    reach: int
    at: int


class KeptSpan:
    """Times in ns. `witnesses`: those whose proof is needed. `stands`: `still` is called after each break."""

    def __init__(self, witnesses: tuple[str, ...], *, stands: bool = False) -> None:
        self._reach = dict.fromkeys(witnesses, 0)  # how far each has proven, in its present run or the last
        self._breaks: dict[str, list[_Break]] = {name: [] for name in witnesses}
        self._changes: list[Span] = []  # from when the screen was another until a picture of that, which was dropped
        self._repeats: list[int] = []  # where pictures that show nothing new began, and were dropped
        self._kept: Span | None = None  # the last picture released
        self._stands = stands
        self._still: int | None = None  # since the break: up to when nothing was drawn

    def proven(self, witness: str, until: int) -> None:
        self._reach[witness] = until

    def broken(self, witness: str, at: int) -> None:
        """The witness's run has ended: it proves nothing beyond what it has proven."""
        self._breaks[witness].append(_Break(self._reach[witness], at))

    def changed(self, spans: Iterable[Span]) -> None:
        """Pictures were dropped: each span runs from when the screen first differed to where its picture begins."""
        self._changes += spans

    def repeated(self, starts: Iterable[int]) -> None:
        """Pictures that begin at these times were dropped; they show what those before them show."""
        self._repeats += starts

    def still(self, until: int) -> None:
        """Up to `until` nothing was drawn that is not in a picture reported before, kept, waiting or dropped."""
        if self._first_break() is not None:
            self._still = until

    def keep(self, span: Span) -> None:
        """A picture with this span has been released."""
        self._kept = span if self._kept is None else Span(span.start, max(self._kept.end, span.end))

    def rest(self) -> None:
        """Nothing waits: breaks up to now are forgotten, unless something is being kept."""
        if self._kept is None:
            self._forget(None)

    def ended_before(self, start: int) -> bool:
        """Whether something ended the span before a picture that begins at `start`."""
        bound = self._bound()
        return bound is not None and bound < start

    def holds_until(self, at: int) -> bool:
        """Whether every witness has proven that what is being kept lasts until then."""
        return self._kept is not None and self._bound() is None and min(self._reach.values()) >= at

    def is_over(self, now: int) -> bool:
        """Whether it has ended, and where is known for good."""
        bound = self._bound()
        return (
            bound is not None
            and all(reach >= bound or self._break_of(name) is not None for name, reach in self._reach.items())
            and not self._awaits_still(now)
        )

    def end(self, next_start: int | None) -> int | None:
        """Where the span ends; None without one. The next begins with the picture kept next.

        `next_start`: where the oldest picture begins that is or may still be released; None if there is none.
        """
        until = None
        if self._kept is not None:
            proven = [reach for name, reach in self._reach.items() if self._break_of(name) is None]
            stood = [min([*proven, *self._ceased()]), *self._stood_still()]
            until = max(self._kept.end, min([max(stood), *self._changed_since()]))
        self._kept = None
        self._forget(next_start)
        return until

    def _stood_still(self) -> list[int]:
        """Until when the screen is known to show the last kept picture; empty where that was not reported."""
        first = self._first_break()
        return [] if first is None or self._still is None else [min(self._still, first)]

    def _awaits_still(self, now: int) -> bool:
        first = self._first_break()
        return self._stands and first is not None and self._still is None and now - first <= ANSWERS_WITHIN

    def _forget(self, next_start: int | None) -> None:
        """Breaks before all that can still be kept."""
        self._still = None
        if next_start is None:
            self._changes.clear()
            self._repeats.clear()
            for breaks in self._breaks.values():
                breaks.clear()
            return
        self._changes = [span for span in self._changes if span.end >= next_start]
        self._repeats = [start for start in self._repeats if start >= next_start]
        for name, breaks in self._breaks.items():
            self._breaks[name] = [one for one in breaks if one.reach >= next_start]

    def _bound(self) -> int | None:
        """What ends the span first; None while nothing does."""
        return min([*self._ceased(), *self._changed_since()], default=None)

    def _ceased(self) -> list[int]:
        """Where a witness or the capture ceased to prove that what is kept is still there. Only `still` goes beyond."""
        if self._kept is None:
            return []
        ends = [one.reach for one in map(self._break_of, self._breaks) if one is not None]
        return ends + [start for start in self._repeats if start >= self._kept.start]

    def _changed_since(self) -> list[int]:
        kept = self._kept
        return [] if kept is None else [span.start for span in self._changes if span.end >= kept.start]

    def _first_break(self) -> int | None:
        """When the first of the runs ended that proved what is kept; None while they all go on."""
        return min((one.at for one in map(self._break_of, self._breaks) if one is not None), default=None)

    def _break_of(self, witness: str) -> _Break | None:
        """How the run that proved what is kept ended: the first that had come as far. None while it goes on."""
        kept = self._kept
        return next((one for one in self._breaks[witness] if kept is not None and one.reach >= kept.end), None)
