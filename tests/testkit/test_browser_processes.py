"""Processes that are stopped: the play must go on where one of them has ended in between."""

from __future__ import annotations

import os
import subprocess
import sys

import psutil
import pytest

from testkit.browser_processes import stopped
from testkit.stage import StageError


def sleeper() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)


def ended() -> psutil.Process:
    with sleeper() as process:
        found = psutil.Process(process.pid)
        process.communicate(b"")
    return found


def test_what_has_ended_is_passed_over_and_the_rest_goes_on_afterwards() -> None:
    with sleeper() as process:
        with stopped([ended(), psutil.Process(process.pid)]):
            os.waitid(os.P_PID, process.pid, os.WSTOPPED)
        os.waitid(os.P_PID, process.pid, os.WCONTINUED)
        process.communicate(b"")


@pytest.mark.parametrize("gone", [False, True])
def test_where_nothing_is_left_to_stop_the_play_fails(gone: bool) -> None:
    with pytest.raises(StageError, match="no process to stop"), stopped([ended()] if gone else []):
        pass
