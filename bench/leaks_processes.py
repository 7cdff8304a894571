"""The processes of a browser that plays of bench/leaks stop and kill, each found by what it does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final

import psutil

from bench.leaks_scene import OTHER, Scene
from testkit.browsers import Browser
from testkit.stage import StageError

BURN: Final = 600  # ms of work by which a page's process is known
FIREFOX_PAGES: Final = ("Isolated Web", "Web Content", "WebCOOP")

Whose = Callable[[Scene], Sequence[psutil.Process]]
"""Of the browser that the play started last. Raises StageError where there is none."""


def main(scene: Scene) -> list[psutil.Process]:
    return [psutil.Process(scene.latest.pid)]


def relay(scene: Scene) -> list[psutil.Process]:
    """The program between extension and recorder."""
    return _with(scene.latest, "native_host.py")


def gpu(scene: Scene) -> list[psutil.Process]:
    return _with(scene.latest, "--type=gpu-process")


def extension(scene: Scene) -> list[psutil.Process]:
    """The process in which the browser runs our extension, and no page."""
    if scene.latest.name == "chromium":
        return _with(scene.latest, "--extension-process")
    if found := [process for process in scene.latest.tree() if _name(process) == "WebExtensions"]:
        return found
    raise StageError("Firefox has no process called WebExtensions")


def pages(scene: Scene) -> list[psutil.Process]:
    """Those that draw its pages."""
    if scene.latest.name == "chromium":
        extensions = extension(scene)
        return [one for one in _with(scene.latest, "--type=renderer") if one not in extensions]
    return [one for one in scene.latest.tree() if _name(one).startswith(FIREFOX_PAGES)]


def renderer(scene: Scene) -> list[psutil.Process]:
    """What draws the other tab: the one that works when the page does (browsers keep spare ones, too)."""
    marks = {"--type=renderer", "-isForBrowser", "-contentproc"}
    drawing = [process for process in scene.browser.tree() if marks & {*_words(process)}]
    before = {process: sum(process.cpu_times()[:2]) for process in drawing}
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


def _with(browser: Browser, mark: str) -> list[psutil.Process]:
    """Those that have this in their command line."""
    if found := [process for process in browser.tree() if any(mark in word for word in _words(process))]:
        return found
    raise StageError(f"{browser.name} has no process with {mark} in its command line")


def _name(process: psutil.Process) -> str:
    try:
        return str(process.name())
    except psutil.Error:  # gone in between
        return ""


def _words(process: psutil.Process) -> list[str]:
    try:
        return " ".join(process.cmdline()).split()
    except psutil.Error:
        return []
