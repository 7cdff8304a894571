"""Makes a case that leaked as simple as it can be and still leak: one dimension after the other, greedily.

Pure: whether cases leak is asked of the caller, many at a time, for every start of a recorder and its browsers takes
its time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict

from bench.leaks_cases import DIMENSIONS, Case, nearest

Leaks = Callable[[Sequence[Case]], Sequence[bool]]
"""Of each case, whether it leaked, played as often as the caller needs to believe that it does not."""


def complexity(case: Case) -> int:
    """How far its values are from the simplest ones. It leaked in its browser: neither is the simpler one."""
    values = asdict(case)
    return sum(among.index(values[name]) for name, among in DIMENSIONS.items() if name != "browser")


def shrink(case: Case, leaks: Leaks) -> Case:
    """The last one that leaked: nothing leaks that is it with one dimension simpler."""
    while (less := _less(case, leaks)) is not None:
        case = less
    return case


def _less(case: Case, leaks: Leaks) -> Case | None:
    asked: set[Case] = set()
    # The simplest value of each dimension is likely to do; only where none does, those in between are asked.
    for candidates in (_simpler(case, first=True), _simpler(case, first=False)):
        new = [other for other in candidates if other not in asked]
        asked.update(new)
        leaking = [other for other, leaked in zip(new, leaks(new), strict=True) if leaked] if new else []
        if leaking:
            return min(leaking, key=complexity)
    return None


def _simpler(case: Case, *, first: bool) -> list[Case]:
    """It with one dimension simpler, and with what that needs. `first`: only with the simplest value of each."""
    values = asdict(case)
    found = {
        other: None
        for name, among in DIMENSIONS.items()
        if name != "browser"
        for other in _with(case, name, among[: among.index(values[name])], first=first)
    }
    return list(found)


def _with(case: Case, name: str, values: Sequence[object], *, first: bool) -> Iterator[Case]:
    for value in values:
        other = nearest(case, browser=case.browser, **{name: value})  # type: ignore[arg-type]
        if other is not None and complexity(other) < complexity(case):
            yield other
            if first:
                return
