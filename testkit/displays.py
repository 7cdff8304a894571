"""X servers and what runs on them, as context managers: nothing is left behind, no other process is touched."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from Xlib import X, display
from Xlib.error import ConnectionClosedError, DisplayError
from Xlib.protocol import rq

from testkit.stage import server
from testkit.waits import until

READY_WITHIN = 20.0  # seconds; on two busy cores an X server needs one or two
XORG = Path("/usr/lib/xorg/Xorg")

DUMMY_CONFIGURATION = """
Section "ServerFlags"
  Option "AutoAddDevices" "false"
  Option "DontVTSwitch" "true"
EndSection
Section "Device"
  Identifier "card"
  Driver "dummy"
  VideoRam 256000
EndSection
Section "Monitor"
  Identifier "monitor"
  HorizSync 5-1000
  VertRefresh 5-200
EndSection
Section "Screen"
  Identifier "screen"
  Device "card"
  Monitor "monitor"
  DefaultDepth 24
  SubSection "Display"
    Depth 24
    Modes "1280x800"
    Virtual 5120 2160
  EndSubSection
EndSection
"""


def environment(name: str, **more: str) -> dict[str, str]:
    """This process's environment, for programs that are to appear on display `name`."""
    return {**os.environ, "DISPLAY": name, "XDG_SESSION_TYPE": "x11", **more}


@contextlib.contextmanager
def running(
    command: list[str], *, env: Mapping[str, str] | None = None, log: Path | None = None, **more: object
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is asked to end, and made to if it does not."""
    with contextlib.ExitStack() as stack:
        output = stack.enter_context(log.open("wb")) if log else subprocess.DEVNULL
        process = subprocess.Popen(command, env=env, stdout=output, stderr=output, **more)  # type: ignore[call-overload]
        try:
            yield process
        finally:
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def await_true(condition: Callable[[], bool], what: str, within: float = READY_WITHIN) -> None:
    """For another program's start."""
    until(condition, what, within)


def own_number() -> str:
    """For a server that ends while a program still looks for it: another worker's would take a free number, and the
    program would find a display there again.
    """
    return f":{20_000 + os.getpid() % 20_000}"


@contextlib.contextmanager
def xvfb(*options: str, size: str = "1280x800x24") -> Iterator[str]:
    """A virtual X server on a free display number; yields its name, `:N`."""
    # No screen saver: it comes after ten minutes without a key, and then the tests that follow find the PC idle.
    with server(["Xvfb", "-screen", "0", size, "-nolisten", "tcp", "-noreset", "-s", "0", *options]) as name:
        yield name


@contextlib.contextmanager
def xorg_dummy(folder: Path) -> Iterator[str]:
    """Xorg with the dummy driver: 16 outputs that xrandr can plug and unplug. Needs root, no virtual terminal."""
    configuration = folder / "xorg.conf"
    configuration.write_text(DUMMY_CONFIGURATION)
    options = ["-config", str(configuration), "-noreset", "-novtswitch", "-logfile", str(folder / "xorg.log")]
    with server([str(XORG), *options]) as name:
        yield name


@contextlib.contextmanager
def monitor(name: str, called: str, geometry: str, output: str = "screen") -> Iterator[None]:
    """A monitor made by hand (RandR 1.5) in place of the screen's own; with `none` as its output, beside it."""
    env = environment(name)
    subprocess.run(
        ["/usr/bin/xrandr", "--setmonitor", called, geometry, output], env=env, check=True, capture_output=True
    )
    try:
        yield
    finally:
        subprocess.run(["/usr/bin/xrandr", "--delmonitor", called], env=env, check=True, capture_output=True)


@contextlib.contextmanager
def openbox(name: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A window manager with frames, four workspaces and no menus or programs of its own."""
    env = environment(name, HOME=str(folder), XDG_CONFIG_HOME=str(folder), XDG_CACHE_HOME=str(folder))
    with running(["openbox", "--sm-disable"], env=env, log=folder / "openbox.log") as process, connection(name) as link:
        root = link.screen().root
        check = link.intern_atom("_NET_SUPPORTING_WM_CHECK")
        await_true(lambda: root.get_full_property(check, X.AnyPropertyType) is not None, "openbox's start")
        yield process


@contextlib.contextmanager
def picom(name: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A compositor that fades windows in and out with its default steps."""
    command = ["picom", "--config", "/dev/null", "--backend", "xrender", "--fading"]
    with _compositor(name, command, folder, environment(name)) as process:
        yield process


@contextlib.contextmanager
def xfwm4(name: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A window manager that composes its windows itself; it takes its defaults, without Xfce's settings daemon."""
    homes = dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"), str(folder))
    command = ["dbus-run-session", "--", "xfwm4", "--compositor=on", "--vblank=off", "--sm-client-disable"]
    with _compositor(name, command, folder, environment(name, **homes)) as process:
        yield process


@contextlib.contextmanager
def _compositor(
    name: str, command: list[str], folder: Path, env: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    with running(command, env=env, log=folder / "compositor.log") as process, connection(name) as link:
        selection = link.intern_atom("_NET_WM_CM_S0")
        await_true(lambda: link.get_selection_owner(selection) != X.NONE, f"the start of {command[0]}")
        yield process


@contextlib.contextmanager
def connection(name: str) -> Iterator[display.Display]:
    """A connection of the test's own; one that the server has already cut is closed in silence."""
    try:
        link = display.Display(name)
    except DisplayError as fault:
        raise RuntimeError(f"no connection to {name}") from fault
    try:
        yield link
    finally:
        try:
            link.close()
        except ConnectionClosedError:
            link.display.socket.close()


class _RawEvent(rq.Event):  # type: ignore[misc]
    def __init__(self, event: bytes) -> None:
        self.__dict__["_binary"] = event.ljust(32, b"\0")


def send_event(link: display.Display, window: int, event: bytes, mask: int = 0) -> None:
    """To those who selected one of `mask` on the window; without a mask, to who made it. Any program may."""
    link.create_resource_object("window", window).send_event(_RawEvent(event), event_mask=mask)
    link.sync()
