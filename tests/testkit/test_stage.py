"""The stage is real: windows come and go with their contexts, look as they should, and nothing stays behind."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import mss
import numpy as np
import psutil
import pytest

from testkit import desk
from testkit.stage import Stage, StageError, own_display, real_display, running

pytestmark = pytest.mark.desktop


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with own_display(tmp_path_factory.mktemp("stage")) as stage:
        yield stage


def sensitive_pixels(stage: Stage) -> int:
    with mss.MSS(display=stage.name) as screen:
        picture = np.asarray(screen.grab(screen.monitors[0]))[:, :, :3]
    return int(np.count_nonzero((picture == desk.SENSITIVE[::-1]).all(axis=2)))


@pytest.mark.slow(reason="a toolkit starts in a process of its own")
@pytest.mark.parametrize("name", desk.PROGRAMS)
def test_a_program_is_named_as_a_policy_names_it(stage: Stage, name: str) -> None:
    with stage.program(name, (40, 60)) as process:
        assert psutil.Process(process.pid).name() == desk.PROGRAMS[name].process


@pytest.mark.parametrize(("name", "sensitive"), [("notes", False), ("orders", False), ("chart", True), ("till", True)])
def test_only_sensitive_programs_show_the_colour_and_only_while_they_run(
    stage: Stage, name: str, sensitive: bool
) -> None:
    with stage.program(name, (40, 60), still=True) as process:
        if sensitive:
            # Mapped is not yet painted: the server fills the window in when it gets round to it.
            process.until(lambda: sensitive_pixels(stage) > 50_000, "its colour was on screen")
        else:
            assert sensitive_pixels(stage) == 0
    assert not process.alive()
    assert sensitive_pixels(stage) == 0


def test_a_window_takes_the_focus_unless_it_asks_not_to(stage: Stage) -> None:
    with stage.program("notes", (40, 60)) as notes:
        notes.until(lambda: stage.active() == notes.pid, "it had the focus")
        with stage.program("till", (300, 240), focus=False):
            assert stage.active() == notes.pid
        with stage.program("chart", (300, 240)) as chart:
            chart.until(lambda: stage.active() == chart.pid, "it had the focus")
            stage.activate(notes)
            assert stage.active() == notes.pid


def test_a_process_that_ends_too_early_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "print('the reason'); raise SystemExit(3)"]
    with (
        running("the reader", command, tmp_path / "reader.log", os.environ) as process,
        pytest.raises(StageError, match=r"the reader ended before it was ready:\n    the reason"),
    ):
        process.until(lambda: False, "it was ready")


def test_a_process_that_never_gets_ready_is_told_too(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import signal; signal.pause()"]
    with (
        running("the sleeper", command, tmp_path / "sleeper.log", os.environ) as process,
        pytest.raises(StageError, match="the sleeper runs, but it was ready did not come"),
    ):
        process.until(lambda: False, "it was ready", patience=0.1)
    assert not process.alive()


def test_a_program_that_is_not_installed_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(StageError, match="no-such-program is not on this machine"),
        running("it", ["no-such-program"], tmp_path / "it.log", os.environ),
    ):
        pass


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_display_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StageError, match=":4711"), real_display(":4711", tmp_path):
        pass
    gc.collect()  # python-xlib leaves its socket open when nobody answers: collected here, not in another test
