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


def shrink(case: Case, leaks: Leaks) -> Iterator[Case]:
    """Simpler and simpler ones that leaked too. Of the last one, none that is simpler by one dimension does."""
    while (less := _less(case, leaks)) is not None:
        case = less
        yield case


def _less(case: Case, leaks: Leaks) -> Case | None:
    # The simplest value of a dimension is likely to do. Only where none does, those in between are asked.
    simplest = simpler(case, most=1)
    for candidates in (simplest, [other for other in simpler(case) if other not in simplest]):
        asked = leaks(candidates) if candidates else []
        leaking = [other for other, leaked in zip(candidates, asked, strict=True) if leaked]
        if leaking:
            return min(leaking, key=complexity)
    return None


def simpler(case: Case, *, most: int | None = None) -> list[Case]:
    """It with one dimension simpler, and with what that needs. `most`: so many of a dimension, its simplest ones."""
    values = asdict(case)
    found: dict[Case, None] = {}
    for name, among in DIMENSIONS.items():
        less = among[: among.index(values[name])] if name != "browser" else ()
        others = [nearest(case, browser=case.browser, **{name: value}) for value in less]
        those = [other for other in others if other is not None and complexity(other) < complexity(case)]
        found.update(dict.fromkeys(those[:most]))
    return list(found)
