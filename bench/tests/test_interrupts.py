"""A bench that is told to end does so, in order, wherever in Python the signal comes."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from testkit.interrupts import in_order, interrupts_told

ROOT = Path(__file__).resolve().parents[2]

PLAYS = r"""
import sys, time
from bench.sound_pauses import on_all
from testkit.interrupts import in_order, interrupts_told

def perform(kind, say):
    print(f"{kind}\n", end="", flush=True)
    while True:
        say("span")
        time.sleep(0.01)

sys.exit(in_order(lambda: len(on_all(["one", "other"], perform, lambda _: None))))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_bench_ends_without_a_word_of_python(number: signal.Signals) -> None:
    command = [sys.executable, "-P", "-c", PLAYS]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert {process.stdout.readline() for _ in range(2)} == {b"one\n", b"other\n"}
            process.send_signal(number)
            assert process.communicate(timeout=60) == (b"", b"")
            assert process.returncode == 130
        finally:
            process.kill()


@pytest.mark.usefixtures("handlers")
def test_a_lock_that_the_interrupt_broke_is_no_fault_of_the_bench() -> None:
    def main() -> int:
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            raise RuntimeError("release unlocked lock")  # as threading.Condition.wait does

    assert in_order(main) == 130


@pytest.mark.usefixtures("handlers")
def test_a_fault_of_the_bench_is_no_interrupt() -> None:
    def main() -> int:
        raise RuntimeError("of its own")

    with pytest.raises(RuntimeError, match="of its own"):
        in_order(main)


@pytest.mark.usefixtures("handlers")
def test_a_second_signal_does_not_break_off_what_ends_the_rest() -> None:
    ended = []

    def main() -> int:
        try:
            signal.raise_signal(signal.SIGINT)
        finally:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGTERM)
            ended.append(True)
        return 0

    assert in_order(main) == 130
    signal.raise_signal(signal.SIGTERM)  # nor does one between its end and the process's
    assert ended == [True]


@pytest.mark.usefixtures("handlers")
def test_one_that_was_told_is_not_broken_off_by_a_second() -> None:
    steps = []

    def main() -> int:
        try:
            with interrupts_told(lambda: steps.append("told")):
                signal.raise_signal(signal.SIGINT)
                raise KeyboardInterrupt
        finally:
            signal.raise_signal(signal.SIGTERM)
            steps.append("ended")

    assert in_order(main) == 130
    assert steps == ["told", "ended"]


@pytest.mark.usefixtures("handlers")
def test_one_that_was_told_of_nothing_is_interrupted_as_before() -> None:
    def main() -> int:
        with interrupts_told(lambda: None):
            pass
        signal.raise_signal(signal.SIGTERM)
        raise AssertionError("it went on")

    assert in_order(main) == 130
