"""The stage on which demo, benches and tests play: a display and programs on it, all real processes.

It waits on conditions, says with the end of its log what did not start, and leaves nothing running behind: each context
manager ends what it started, by its process id. The store and the enrolled PC are in testkit/fleet.py.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final, TypeVar

from Xlib import X, display
from Xlib.error import BadWindow, DisplayError
from Xlib.xobject.drawable import Window

from testkit import desk
from testkit.pager import PAGER, Pager
from testkit.waits import DEADLINE, LateError, StageError, until

__all__ = ["GRACE", "Running", "Stage", "StageError", "busy_cores", "own_display", "real_display", "running", "server"]

TAIL: Final = 20  # lines of a log that a failure shows
GRACE: Final = 15.0  # seconds to end by itself when asked to
WALLPAPER: Final = 0x3A4A54

T = TypeVar("T")


class Running:
    """A process with its log."""

    def __init__(
        self, name: str, command: Sequence[str], log: Path, environment: Mapping[str, str], pass_fds: Sequence[int] = ()
    ) -> None:
        self.name = name
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        try:
            with log.open("ab") as output:
                self._process = subprocess.Popen(
                    list(command),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    env=dict(environment),
                    pass_fds=pass_fds,
                )
        except FileNotFoundError:
            raise StageError(f"{command[0]} is not on this machine; scripts/setup --for demo installs it") from None

    @property
    def pid(self) -> int:
        return self._process.pid

    def alive(self) -> bool:
        return self._process.poll() is None

    def until(self, condition: Callable[[], T], what: str, patience: float = DEADLINE) -> T:
        """The first true answer of `condition`. Raises StageError when the process ends or `patience` (s) runs out."""

        def ask() -> T:
            answer = condition()
            if not answer and not self.alive():
                raise StageError(f"{self.name} ended before {what}:\n{self.tail()}")
            return answer

        try:
            return until(ask, what, patience)
        except LateError as late:
            raise LateError(f"{self.name} runs, but {late}:\n{self.tail()}") from None

    def tail(self) -> str:
        lines = self.log.read_text("utf-8", "replace").splitlines()[-TAIL:]
        return "\n".join(f"    {line}" for line in lines) or f"    (its log is empty: {self.log})"

    def kill(self) -> int:
        """kill -9, now. Returns its exit status: anything but -9 means that it had ended before."""
        self._process.kill()
        return self._process.wait()

    def end(self, grace: float = GRACE) -> int:
        """Ask it to end, wait, and insist after `grace` seconds. Returns its exit status; negative is a signal."""
        if self.alive():
            self._process.terminate()
        try:
            return self._process.wait(grace)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


@contextmanager
def running(
    name: str, command: Sequence[str], log: Path, environment: Mapping[str, str], pass_fds: Sequence[int] = ()
) -> Iterator[Running]:
    process = Running(name, command, log, environment, pass_fds)
    try:
        yield process
    finally:
        process.end()


@contextmanager
def busy_cores(count: int = 2) -> Iterator[None]:
    """So many processes that do nothing but work, at the usual priority."""
    work = [sys.executable, "-c", "while True: pass"]
    with ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(running("work", work, Path(os.devnull), os.environ))
        yield


class Stage:
    """A display with programs of the desk on it. `environment` is what a process needs to appear there."""

    def __init__(self, name: str, folder: Path, environment: Mapping[str, str]) -> None:
        self.name = name
        self.folder = folder
        self.environment = dict(environment)
        self._display = display.Display(name)
        self._root = self._display.screen().root
        self._pager = Pager(self._display)

    def close(self) -> None:
        self._display.close()

    def managed(self) -> bool:
        """Whether a window manager has said that it is there (EWMH, _NET_SUPPORTING_WM_CHECK)."""
        return bool(self._pager.property(self._root, "_NET_SUPPORTING_WM_CHECK"))

    @contextmanager
    def program(
        self, program: str, place: tuple[int, int], *, focus: bool = True, still: bool = False
    ) -> Iterator[Running]:
        """A program of testkit/desk.py, on screen when this returns and gone from it when the context has ended."""
        command = [sys.executable, "-P", "-m", "testkit.desk", program, "--place", f"{place[0]},{place[1]}"]
        command += [] if focus else ["--unfocused"]
        command += ["--still"] if still else []
        title = desk.PROGRAMS[program].title
        with running(title, command, self.folder / "desk.log", self.environment) as process:
            process.until(lambda: self._window_of(process.pid), "its window was on screen")
            yield process

    def activate(self, process: Running) -> None:
        """Bring the process's window to the front with the focus; returns when the window manager has done so."""
        window = process.until(lambda: self._window_of(process.pid), "its window was on screen")
        assert window is not None
        self._pager.ask(window.id, "_NET_ACTIVE_WINDOW", PAGER, X.CurrentTime)
        process.until(lambda: self.active() == process.pid, "its window had the focus")

    def shows(self, pid: int) -> bool:
        """Whether a window of that process is viewable."""
        return self._window_of(pid) is not None

    def active(self) -> int | None:
        """The process id behind the focused window, or None while no window has the focus."""
        focused = self._pager.active()
        return (self._pager.pid_of(self._pager.window(focused)) or None) if focused else None

    def paint_wallpaper(self) -> None:
        self._root.change_attributes(background_pixel=WALLPAPER)
        self._root.clear_area()
        self._display.sync()

    def _window_of(self, pid: int) -> Window | None:
        """The viewable window of that process; a window manager's frame does not carry the id, so look one deeper."""
        for top in self._root.query_tree().children:
            for window in (top, *self._children(top)):
                if self._pager.pid_of(window) == pid and self._viewable(window):
                    return window
        return None

    def _children(self, window: Window) -> Sequence[Window]:
        try:
            return list(window.query_tree().children)
        except BadWindow:  # gone in between
            return ()

    def _viewable(self, window: Window) -> bool:
        try:
            return bool(window.get_attributes().map_state == X.IsViewable)
        except BadWindow:
            return False


@contextmanager
def real_display(name: str, folder: Path) -> Iterator[Stage]:
    """The stage on a display that is there. Raises StageError when nothing answers under that name."""
    try:
        stage = Stage(name, folder, {**os.environ, "DISPLAY": name})
    except (DisplayError, OSError) as error:
        raise StageError(f"no X server answers as {name!r}: {error}") from None
    try:
        yield stage
    finally:
        stage.close()


@contextmanager
def own_display(folder: Path, size: tuple[int, int] = (1280, 720)) -> Iterator[Stage]:
    """A display of its own: Xvfb with openbox, both ready. Logs go to `folder`."""
    # No screen saver: it comes after ten minutes without a key, and then the recorder rightly holds.
    xvfb = ["Xvfb", "-screen", "0", f"{size[0]}x{size[1]}x24", "-nolisten", "tcp", "-noreset", "-s", "0"]
    with server(xvfb, folder / "xvfb.log") as name, real_display(name, folder) as stage:
        stage.paint_wallpaper()
        # Its own settings folder: the person who runs the demo may have other settings of openbox.
        openbox = {**stage.environment, "XDG_CONFIG_HOME": str(folder / "openbox")}
        with running("openbox", ["openbox", "--sm-disable"], folder / "openbox.log", openbox) as manager:
            manager.until(stage.managed, "it managed the display")
            yield stage


@contextmanager
def server(command: Sequence[str], log: Path = Path(os.devnull)) -> Iterator[str]:
    """An X server on a free display number, once it answers; its name, `:N`."""
    reading, writing = os.pipe()
    try:
        with running("the X server", [*command, "-displayfd", str(writing)], log, os.environ, (writing,)) as process:
            os.set_blocking(reading, False)
            said = bytearray()
            process.until(lambda: _number(reading, said), "it said which display it is")
            yield f":{int(said)}"
    finally:
        os.close(reading)
        os.close(writing)


def _number(pipe: int, said: bytearray) -> bool:
    """Whether `said` has the whole line."""
    with suppress(BlockingIOError):
        said += os.read(pipe, 16)
    return said.endswith(b"\n")
