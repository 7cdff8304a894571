"""The processes of a browser that plays of bench/leaks stop and kill, each found by what it does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final

import psutil

from bench.leaks_scene import Scene
from bench.leaks_server import OTHER
from testkit.stage import StageError

BURN: Final = 600  # ms of work by which a page's process is known
FIREFOX_PAGES: Final = ("Isolated Web", "Web Content", "WebCOOP")

Whose = Callable[[Scene], Sequence[psutil.Process]]
"""Of the browser that the play started last. Raises StageError where there is none."""


def main(scene: Scene) -> list[psutil.Process]:
    return [psutil.Process(scene.latest.pid)]


def _those(what: str, fits: Callable[[str, str], bool]) -> Whose:
    """By name and command line."""

    def find(scene: Scene) -> list[psutil.Process]:
        if found := [one for one in scene.latest.tree() if fits(*_said(one))]:
            return found
        raise StageError(f"{scene.latest.name} has no process that {what}")

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


def renderer(scene: Scene) -> list[psutil.Process]:
    """What draws the other tab: the one that works when the page does (browsers keep spare ones, too)."""
    before = {process: sum(process.cpu_times()[:2]) for process in _drawing(scene)}
    scene.run("burn", BURN, tab=OTHER)
    time.sleep(BURN / 1000)
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
