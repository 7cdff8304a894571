"""The processes of a browser, each found by what it does: to stop and to kill."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final

import psutil

from testkit.browsers import Browser
from testkit.stage import StageError

FIREFOX_PAGES: Final = ("Isolated Web", "Web Content", "WebCOOP")

Whose = Callable[[Browser], Sequence[psutil.Process]]
"""Raises StageError where it has none such."""


def main(browser: Browser) -> list[psutil.Process]:
    return [psutil.Process(browser.pid)]


def _those(what: str, fits: Callable[[str, str], bool]) -> Whose:
    """By name and command line."""

    def find(browser: Browser) -> list[psutil.Process]:
        if found := [one for one in browser.tree() if fits(*_said(one))]:
            return found
        raise StageError(f"{browser.name} has no process that {what}")

    return find


def _said(process: psutil.Process) -> tuple[str, str]:
    try:
        return process.name(), " ".join(process.cmdline())
    except psutil.Error:  # gone in between
        return "", ""


relay: Final = _those("stands between extension and recorder", lambda _, line: "native_host.py" in line)
gpu: Final = _those("draws for all others", lambda _, line: "--type=gpu-process" in line)
extension: Final = _those(
    "runs our extension, and no page", lambda name, line: "--extension-process" in line or name == "WebExtensions"
)
pages: Final = _those(
    "draws pages",
    lambda name, line: (
        name.startswith(FIREFOX_PAGES) or ("--type=renderer" in line and "--extension-process" not in line)
    ),
)
_drawing: Final = _those("draws", lambda _, line: "--type=renderer" in line or "-contentproc" in line)


def renderer(browser: Browser, work: Callable[[], object]) -> list[psutil.Process]:
    """What draws a page: the one that works when the page does, as `work` has it do (browsers keep spare ones, too)."""
    before = {process: sum(process.cpu_times()[:2]) for process in _drawing(browser)}
    work()
    return [max(before, key=lambda process: sum(process.cpu_times()[:2]) - before[process])]


def kill(processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):  # it went with another of them
            process.kill()


@contextmanager
def stopped(processes: Sequence[psutil.Process]) -> Iterator[None]:
    """SIGSTOP to each of them that is still there. Raises StageError where none is."""
    held: list[psutil.Process] = []
    try:
        for process in processes:
            with suppress(psutil.NoSuchProcess):  # browsers end a spare one whenever they like
                process.suspend()
                held.append(process)
        if not held:
            raise StageError("there is no process to stop")
        yield
    finally:
        for process in held:
            with suppress(psutil.NoSuchProcess):
                process.resume()
