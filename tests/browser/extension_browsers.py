"""Real browsers with the real extension, each with a profile and a home that are thrown away."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from agent.browser.manifests import (
    EXTENSION,
    FIREFOX_ID,
    chromium_id,
)
from testkit import browsers, displays

# Its own windows come and go without animations, which take a fifth of what opening a page costs.
STILL = {"ui.prefersReducedMotion": 1}
CHROMIUM_FLAGS = [*browsers.CHROMIUM_QUIET, "--window-size=1000,700", *browsers.AS_ROOT]


@contextmanager
def started(
    name: str,
    display: str,
    bus: str,
    folder: Path,
    socket: Path,
    *urls: str,
    preferences: Mapping[str, Any] | None = None,
    beside: Sequence[Path] = (),
    flags: Sequence[str] = (),
) -> Iterator[subprocess.Popen[bytes]]:
    """`name`: chromium or firefox, with `urls` as its tabs; its relay connects to `socket`.

    `bus`: address of a message bus, by which a second start of Firefox finds the first. `preferences`: of the profile,
    as each browser writes them. `beside`: folders of other extensions. `flags`: of Chromium's command line.
    """
    home = folder / "home"
    profile = folder / "profile"
    profile.mkdir(parents=True)
    if name == "chromium":
        browsers.introduce("chromium", folder, socket, profile / "NativeMessagingHosts", chromium_id())
        own = profile / "Default" / "Preferences"
        own.parent.mkdir()
        own.write_text(json.dumps(preferences or {}))
        loaded = ",".join(str(path) for path in (EXTENSION, *beside))
        own_flags = [*CHROMIUM_FLAGS, *flags, f"--user-data-dir={profile}", f"--load-extension={loaded}"]
        command = ["chromium", *own_flags, *urls]
    else:
        browsers.introduce("firefox", folder, socket, home / browsers.FIREFOX_HOSTS, FIREFOX_ID)
        for extension in (EXTENSION, *beside):
            browsers.pack(extension, profile / "extensions" / f"{browsers.gecko_id(extension)}.xpi")
        chosen = {**browsers.FIREFOX_PREFERENCES, **STILL, **(preferences or {})}
        lines = (f"user_pref({json.dumps(key)}, {json.dumps(value)});\n" for key, value in chosen.items())
        (profile / "user.js").write_text("".join(lines))
        command = ["firefox-esr", "--profile", str(profile), *urls]
    home.mkdir(exist_ok=True)
    env = environment(display, bus, home)
    with displays.running(command, env=env, log=folder / f"{name}.log") as process:
        try:
            yield process
        finally:
            end_all(home)


def environment(display: str, bus: str, home: Path) -> dict[str, str]:
    return {**browsers.environment({**os.environ, "DISPLAY": display}, home), "DBUS_SESSION_BUS_ADDRESS": bus}


def end_all(home: Path) -> None:
    """Every process with this HOME, which nobody else has: a browser's children outlive it by a moment, or for good."""
    left = [process for process in psutil.process_iter() if browsers.lives_in(process, home)]
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):  # it may end by itself meanwhile
            process.terminate()
    _, persistent = psutil.wait_procs(left, timeout=5)
    for process in persistent:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(persistent, timeout=5)
