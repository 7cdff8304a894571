"""What a run of tests says of itself at its end: what was repeated, what is slow and bears no mark, what was skipped.

Several runs may write into one file (`--account FILE`), from which `scripts/test` shows all that stand in it:

    python -m tests.account FILE
"""

from __future__ import annotations

import json
import resource
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import pytest
from xdist.workermanage import WorkerController

from tests.moods import mood

SLOW: Final = 5.0  # seconds of CPU in a test's own part, not of a clock: other programs have no say in it
SHOWN: Final = 10  # files
LONGEST: Final = 300  # characters of what a test failed of
LEFT: Final = pytest.StashKey[dict[str, str]]()  # tests that `scripts/test` leaves to --all -> why


@dataclass(frozen=True, slots=True)
class Ran:
    """A part of a test: setup, call or teardown; `left` for one that did not run here.

    `outcome`: passed, skipped, failed, rerun, or left.
    """

    name: str
    when: str
    outcome: str
    seconds: float
    cpu: float
    marked: bool
    why: str = ""  # it was skipped or left to --all, or where and by what it failed

    @property
    def file(self) -> str:
        return self.name.partition("::")[0]


def cpu() -> float:
    """Seconds of CPU of this process and of those that it started and that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def why(report: pytest.TestReport) -> str:
    """Why a test was skipped; where it failed, and the first line of what it failed of."""
    if report.skipped and isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    crash = getattr(report.longrepr, "reprcrash", None)
    return f"{Path(crash.path).name}:{crash.lineno}: {crash.message.partition(chr(10))[0][:LONGEST]}" if crash else ""


class Account:
    """The plugin. Where there are workers, they measure, and the process that started them sums up."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._since = cpu()
        self._ran: list[Ran] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Iterator[None]:
        report = yield
        now = cpu()
        report.cpu, self._since = now - self._since, now
        report.marked = item.get_closest_marker("slow") is not None
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        cost, marked = getattr(report, "cpu", 0.0), getattr(report, "marked", False)
        self._add(Ran(report.nodeid, report.when or "", report.outcome, report.duration, cost, marked, why(report)))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        others = session.config.stash.get(LEFT, {})
        told = getattr(session.config, "workeroutput", None)  # to the process that started the workers
        if told is None:
            self._leave(others)
        else:
            told["left"] = others

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: WorkerController) -> None:
        self._leave(getattr(node, "workeroutput", {}).get("left", {}))

    def _leave(self, others: Mapping[str, str]) -> None:
        """Each worker says the same."""
        known = {one.name for one in self._ran if one.outcome == "left"}
        for name in others.keys() - known:
            self._add(Ran(name, "left", "left", 0.0, 0.0, marked=False, why=others[name]))

    def _add(self, ran: Ran) -> None:
        self._ran.append(ran)
        if self._file is not None:  # at once: also a run that is killed says how far it came
            with self._file.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(ran)) + "\n")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for line in [*unmarked(self._ran), *repeated(self._ran)]:
            terminalreporter.write_line(line, yellow=True)


def unmarked(ran: Iterable[Ran]) -> list[str]:
    """What took long and bears no mark."""
    return [
        f"slow without a mark: {one.name} took {one.cpu:.1f} s of CPU; mark it slow and say why, or make it quicker"
        for one in ran
        if one.when == "call" and one.cpu > SLOW and not one.marked
    ]


def repeated(ran: Iterable[Ran]) -> list[str]:
    """What had to be repeated."""
    times = Counter(one.name for one in ran if one.outcome == "rerun")
    return [f"repeated {number}x: {name} ({mood(name)})" for name, number in sorted(times.items())]


def skipped(ran: Iterable[Ran]) -> list[str]:
    """Why, and how many."""
    whys = Counter(one.why for one in ran if one.outcome == "skipped")
    return [f"skipped {number}: {why}" for why, number in whys.most_common()]


def left(ran: Iterable[Ran]) -> list[str]:
    """What runs under --all alone."""
    whys = Counter(one.why for one in ran if one.outcome == "left")
    return [f"left to --all {number}: they run here, and there also {why}" for why, number in whys.most_common()]


def slowest(ran: Iterable[Ran]) -> list[str]:
    """The files whose tests took longest, waits included."""
    files: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for one in ran:
        files[one.file][0] += one.seconds
        files[one.file][1] += one.cpu
    longest = sorted(files.items(), key=lambda item: -item[1][0])[:SHOWN]
    return [f"{seconds:6.0f} s, {used:4.0f} s of CPU  {file}" for file, (seconds, used) in longest]


def failed(ran: Iterable[Ran]) -> list[str]:
    """By name, how often, and of what at last."""
    failures = [one for one in ran if one.outcome == "failed"]
    whys = {one.name: one.why for one in failures}
    times = Counter(one.name for one in failures)
    return [f"failed {number}x: {name} ({whys[name]})" for name, number in times.most_common()]


def main(file: Path) -> None:
    lines = file.read_text("utf-8").splitlines() if file.exists() else []
    ran = [Ran(**json.loads(line)) for line in lines]
    tests = sum(one.when == "setup" and one.outcome != "rerun" for one in ran)
    print(f"{tests} tests; the files that took longest:")
    for line in [*slowest(ran), *skipped(ran), *left(ran), *unmarked(ran), *repeated(ran), *failed(ran)]:
        print(line)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
