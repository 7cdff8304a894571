"""The judge of the ten seconds is itself tried: who judges by pixels must be able to say no."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.end_to_end.turning import PROMISED, Turning, Waits, served_by, turning, with_children


def test_what_came_too_late_is_not_kept_and_only_a_want_of_cpu_is_allowed_for() -> None:
    assert Turning(PROMISED, 0.0).kept
    assert not Turning(PROMISED + 0.4, 0.3).kept
    assert Turning(PROMISED + 0.4, 0.5).kept


def test_a_sign_is_as_late_as_the_last_picture_without_it_and_no_later() -> None:
    fault = time.monotonic()
    asked: list[float] = []

    def sign() -> bool:
        asked.append(time.monotonic())
        time.sleep(0.2)  # whoever takes the pictures is slow
        return len(asked) == 3

    turned = turning(sign, (os.getpid(),), lambda: "")
    assert 0.2 <= turned.late <= asked[1] - fault
    assert turned.waited >= 0


def test_a_sign_that_never_comes_is_told_with_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.end_to_end.turning.DEADLINE", 0.1)
    with pytest.raises(AssertionError, match=r"no sign after .* what is known"):
        turning(lambda: False, (), lambda: "what is known")


def test_waits_are_counted_also_of_who_has_gone_since() -> None:
    pinned = "import os, time; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})"
    busy = f"{pinned}\nwhile time.process_time() < 0.5: pass"
    first, second = (subprocess.Popen([sys.executable, "-c", busy]) for _ in range(2))  # one CPU for both
    waits = Waits((first.pid, second.pid))
    while first.poll() is None or second.poll() is None:
        waits.note()
        time.sleep(0.005)
    waits.note()
    assert waits.seconds > 0.05


def test_the_processes_in_between_are_found(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as served:
        served.bind(str(tmp_path / "s"))
        served.listen()
        assert served_by(tmp_path / "s") == os.getpid()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert child.pid in with_children(os.getpid())
        child.communicate(b"\n")
