"""How a run's tests are dealt out to its workers: the tests of one file to one worker, unless they share nothing.

The tests of a file share what its module starts. A long file in which each test starts its own is dealt out test by
test; one that starts a browser for each parameter, parameter by parameter. What takes long comes first, so that no
worker is left with it at the end; a third of the workers has none of what starts whole desks and browsers.

Where a folder starts a browser, and a house around it, once a worker, one worker goes on with that folder and that
browser, and others leave them to it while anything else waits: a start costs seconds of CPU.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

# Each test of them starts what it needs.
APART: Final = (
    "tests/agent/recorder/test_daemon_browsers.py",
    "tests/capture/test_sound_pulse.py",
    "tests/contract/test_sound.py",
    "tests/end_to_end/test_sound.py",
    "tests/tray/test_panel.py",
    "tests/protocol/language/test_yaml_marks.py",
)
# Their folders start a browser once a worker, which the tests of all their files share.
BY_BROWSER: Final = ("tests/browser/", "tests/review/cases/", "tests/review/opening/", "tests/review/player/")
# Their tests share what is started for each value of a parameter.
BY_PARAMETER: Final[dict[str, tuple[str, ...]]] = {
    **dict.fromkeys(BY_BROWSER, ("chromium", "firefox")),
    "tests/end_to_end/test_packs.py": ("medical-records", "passwords", "identity"),
}
# They start whole desks, stores and browsers: six at once would keep each other from starting in time.
HEAVY: Final = ("tests/end_to_end/", "tests/installer/", "tests/browser/", "bench/tests/test_random_leaks.py")
# The longest first.
FIRST: Final = (
    "tests/end_to_end/test_sound.py",
    "tests/end_to_end/test_life.py",
    "tests/end_to_end/test_demo.py",
    "tests/end_to_end/test_bundle.py",
    "tests/end_to_end/test_silence.py",
    "tests/end_to_end/",
    "bench/tests/test_random_leaks.py",
    "tests/installer/",
    "tests/review/opening/",
    "tests/review/player/",
    "tests/browser/test_extension.py",
    "tests/tray/test_panel.py",
    "tests/browser/test_extension_fields.py",
    "tests/capture/test_sound_pulse.py",
    "tests/browser/test_extension_moments.py",
    "tests/contract/test_sound.py",
    "tests/browser/",
    "tests/desktop/",
    *APART,
)


def share(name: str) -> str:
    """What a test is dealt out with."""
    file, _, test = name.partition("::")
    if file in APART:
        return name
    for start, values in BY_PARAMETER.items():
        if file.startswith(start) and (found := re.search(rf"[\[-]({'|'.join(values)})[\]-]", test)):
            return f"{file}[{found[1]}]"
    return file


def heavy(name: str) -> bool:
    return name.startswith(HEAVY)


def company(unit: str) -> str:
    """With which a worker goes on, as what it started is there: a folder and a browser; "" where there is none."""
    file, _, value = unit.partition("[")
    return f"{file.rpartition('/')[0]}[{value}" if value and file.startswith(BY_BROWSER) else ""


def chosen(waiting: Collection[str], busy: int, workers: int, last: str = "", others: Collection[str] = ()) -> str:
    """What a worker is given next, when so many others have heavy work: the first, or the first that is not heavy.

    `last`: what it was given before; `others`: what each other worker was given last.
    """
    heavy_too = busy < max(1, workers * 2 // 3)
    may = [unit for unit in waiting if heavy_too or not heavy(unit)] or [*waiting]
    taken = {company(unit) for unit in others} - {"", company(last)}
    going_on = (unit for unit in may if company(unit) and company(unit) == company(last))
    apart = (unit for unit in may if company(unit) not in taken)
    return next(going_on, next(apart, may[0]))


def turn(name: str) -> int:
    """When it comes: the less, the sooner."""
    return next((number for number, start in enumerate(FIRST) if name.startswith(start)), len(FIRST))


class Dealing(LoadScopeScheduling):
    """For `--dist loadscope`; what was collected first is dealt out first, not the file with the most tests."""

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        return share(nodeid)

    def remove_node(self, node: WorkerController) -> str | None:
        """What it had run is not dealt out again: who is given that alone has nothing to end, and never gets more."""
        work = self.assigned_work[node]
        self.assigned_work[node] = {unit: tests for unit, tests in work.items() if not all(tests.values())}
        return super().remove_node(node)

    def _reschedule(self, node: WorkerController) -> None:
        super()._reschedule(node)
        # A worker begins a test when it knows the next: one that takes another's place may have got one alone.
        while self.workqueue and not node.shutting_down and self._pending_of(self.assigned_work[node]) < 2:
            self._assign_work_unit(node)

    def _assign_work_unit(self, node: WorkerController) -> None:
        others = [work for worker, work in self.assigned_work.items() if worker is not node]
        busy = sum(any(heavy(unit) and not all(work[unit].values()) for unit in work) for work in others)
        last = [next(reversed(work), "") for work in (self.assigned_work[node], *others)]
        unit = chosen(self.workqueue, busy, len(self.assigned_work), last[0], last[1:])
        self.workqueue.move_to_end(unit, last=False)
        super()._assign_work_unit(node)
