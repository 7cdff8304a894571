"""The watcher on a real display: it is what the leak bench takes for the truth."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.desktop.clock import BootClock
from testkit.screen_watch import watcher
from testkit.stage import own_display
from testkit.waits import until

pytestmark = pytest.mark.desktop


@pytest.mark.slow(reason="a display of its own is watched while it changes")
def test_it_says_when_the_colour_came_and_went_by_the_clock_of_the_agent(tmp_path: Path) -> None:
    clock = BootClock()
    with own_display(tmp_path) as stage, watcher(stage.name, [(500, 0, 8, 720)], tmp_path) as watching:
        assert not watching.shown()
        before = clock.now()
        with stage.program("chart", (330, 210)) as chart:
            chart.until(watching.shown, "the watcher saw it")
            shown = clock.now()
        until(lambda: not watching.shown(), "the end of the colour")
        after = clock.now()

    came, went = watching.edges()
    assert (came.shown, went.shown) == (True, False)
    assert before < came.at < shown < went.at < after
    looks = watching.looks()
    assert looks["count"] > 0
    assert 0 < looks["gap_p50"] <= looks["gap_p99"] <= looks["gap_max"]
