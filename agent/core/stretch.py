"""How far an unchanged picture stands for the time after it: the account of what was kept without a break.

A picture is kept, and then nothing changes on the screen. The time goes on being kept as far as every witness has
proven it, hindsight taken off, and never beyond the first picture that was dropped: there the screen had changed. One
witness's proof may end while another's still catches up (windows reach back a second, pages less), so the end is known
only when the slowest has come that far, or has ended too.
"""

from __future__ import annotations

from collections.abc import Iterable

from agent.core.model import Span


class Stretch:
    """Times in ns. `witnesses`: those whose proof is needed."""

    def __init__(self, witnesses: tuple[str, ...]) -> None:
        self._reach = dict.fromkeys(witnesses, 0)  # how far each has proven, in its present run or the last
        self._breaks: dict[str, list[int]] = {name: [] for name in witnesses}  # how far each ended run had come
        self._changes: list[int] = []  # where dropped pictures began
        self._kept: Span | None = None  # the last picture let go

    def proven(self, witness: str, until: int) -> None:
        self._reach[witness] = until

    def broken(self, witness: str) -> None:
        """The witness's run has ended: it proves nothing beyond what it has proven."""
        self._breaks[witness].append(self._reach[witness])

    def changed(self, starts: Iterable[int]) -> None:
        """Pictures that begin at these times were dropped."""
        self._changes += starts

    def keep(self, span: Span) -> None:
        """A picture with this span has been let go."""
        self._kept = span if self._kept is None else Span(span.start, max(self._kept.end, span.end))

    def rest(self) -> None:
        """Nothing waits to be let go: what ended before now ends nothing any more, unless something is being kept."""
        if self._kept is None:
            self._forget(None)

    def ended_before(self, start: int) -> bool:
        """Whether something ended the stretch before a picture that begins at `start`."""
        bound = self._bound()
        return bound is not None and bound < start

    def is_over(self) -> bool:
        bound = self._bound()
        return bound is not None and all(
            reach >= bound or self._break_of(name) is not None for name, reach in self._reach.items()
        )

    def end(self, next_start: int | None) -> int | None:
        """Where the stretch ends; None if there was none. The next begins with the picture kept next.

        `next_start`: where the oldest picture begins that is or may still be let go; None if there is none.
        """
        until = None
        if self._kept is not None:
            bound = self._bound()
            proven = [reach for name, reach in self._reach.items() if self._break_of(name) is None]
            until = max(self._kept.end, min([*proven, *([] if bound is None else [bound])]))
        self._kept = None
        self._forget(next_start)
        return until

    def _forget(self, next_start: int | None) -> None:
        """Breaks before all that can still be kept."""
        if next_start is None:
            self._changes.clear()
            for breaks in self._breaks.values():
                breaks.clear()
            return
        self._changes = [start for start in self._changes if start >= next_start]
        for name, breaks in self._breaks.items():
            self._breaks[name] = [at for at in breaks if at >= next_start]

    def _bound(self) -> int | None:
        """What ends the stretch first; None while nothing does."""
        if self._kept is None:
            return None
        ends = [at for at in map(self._break_of, self._breaks) if at is not None]
        ends += [start for start in self._changes if start >= self._kept.start]
        return min(ends, default=None)

    def _break_of(self, witness: str) -> int | None:
        """Where the run that proved what is kept ended; None while it goes on."""
        kept = self._kept
        return min((at for at in self._breaks[witness] if kept is not None and at >= kept.end), default=None)
