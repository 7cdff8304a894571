"""Real browsers on a stage, each with a profile of its own and, where asked, our extension in it.

Chromium takes the extension from its folder, Firefox ESR as an unsigned XPI; the native-messaging manifest goes into
the profile or the browser's own HOME, so that nothing of the user who runs a bench is read or changed. A browser is
ended by asking it, and then by ending every process that it left, by its process id.
"""

from __future__ import annotations

import json
import os
import subprocess
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil

from agent.browser.manifests import (
    EXTENSION,
    FIREFOX_ID,
    HOST_NAME,
    SOCKET_NAME,
    Family,
    as_text,
    chromium_id,
    native_manifest,
    write_launcher,
)
from testkit.stage import Running, Stage

CHROMIUM: Final = "chromium"
FIREFOX: Final = "firefox-esr"
FIREFOX_HOSTS: Final = Path(".mozilla") / "native-messaging-hosts"  # in its HOME
GRACE: Final = 5.0  # seconds to end by itself when asked to; a browser that hangs is part of what is tried here
START: Final = 60.0  # seconds until the first window: two busy cores, and a profile that is made anew

# An extension that no policy names: a card form in its popup and in its panel, and the keys that open them.
STRANGER: Final = Path(__file__).with_name("stranger")
POPUP: Final = ("Alt_L", "Shift_L", "u")
PANEL: Final = ("Alt_L", "Shift_L", "j")

CHROMIUM_QUIET: Final = (
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-sync",
    "--disable-quic",
    "--disable-breakpad",
    "--disable-popup-blocking",  # the pages open windows without anybody's click
    "--password-store=basic",
)
# For a browser that a play kills and starts again.
CHROMIUM_FLAGS: Final = (
    *CHROMIUM_QUIET,
    "--disable-component-update",
    "--disable-crash-reporter",
    "--hide-crash-restore-bubble",
)

# Chromium refuses to run as root with its sandbox; everybody else keeps it. test-type: no bar that warns of it.
AS_ROOT: Final = ("--no-sandbox", "--test-type") if os.geteuid() == 0 else ()

FIREFOX_PREFERENCES: Final[dict[str, bool | int | str]] = {
    "xpinstall.signatures.required": False,
    "extensions.autoDisableScopes": 0,
    "extensions.enabledScopes": 15,
    "extensions.getAddons.cache.enabled": False,
    "extensions.update.enabled": False,
    "app.update.enabled": False,
    "app.update.auto": False,
    "app.normandy.enabled": False,
    "browser.aboutwelcome.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "browser.startup.page": 0,
    "browser.sessionstore.resume_from_crash": False,
    "browser.tabs.warnOnClose": False,
    "browser.warnOnQuit": False,
    "browser.newtabpage.activity-stream.feeds.topsites": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "datareporting.healthreport.uploadEnabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "datareporting.usage.uploadEnabled": False,
    "dom.disable_open_during_load": False,  # as --disable-popup-blocking
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.dns.disablePrefetch": True,
    "services.settings.server": "data:,",
    "startup.homepage_welcome_url": "",
    "termsofuse.bypassNotification": True,
    "toolkit.startup.max_resumed_crashes": -1,
    "toolkit.telemetry.enabled": False,
    "toolkit.telemetry.unified": False,
}


@dataclass(frozen=True)
class Browser:
    """A browser whose first window is on screen. `name`: chromium or firefox; `home`: its own HOME."""

    name: str
    process: Running
    profile: Path
    home: Path
    environment: Mapping[str, str]

    @property
    def pid(self) -> int:
        return self.process.pid

    def tree(self) -> list[psutil.Process]:
        """Every process of it, also those that it has disowned (a relay after a crash)."""
        # Its renderers overwrite their environment, so only their parents tell; what lost its parent kept its HOME.
        found = {process for process in psutil.process_iter() if lives_in(process, self.home)}
        return sorted({*found, *(child for process in found for child in _children(process))}, key=lambda one: one.pid)

    def open_second_profile(self, url: str) -> None:
        """Chromium: a window of another of its profiles, in the same process, asked for by a second start."""
        self._ask("--profile-directory=Second", url)

    def open_private(self, url: str) -> None:
        """Chromium: a private window with that page, asked for by a second start as from a desktop's menu."""
        self._ask("--incognito", url)

    def _ask(self, *words: str) -> None:
        command = [CHROMIUM, f"--user-data-dir={self.profile}", *AS_ROOT, *words]
        subprocess.run(command, env=dict(self.environment), check=True, capture_output=True, timeout=START)

    def end(self) -> None:
        """Ask it to end, insist, and end what it left behind."""
        before = self.tree()
        self.process.end(GRACE)
        left = {*before, *self.tree()}
        for process in left:
            _kill(process)
        psutil.wait_procs(left, timeout=GRACE)


@contextmanager
def chromium(
    stage: Stage,
    folder: Path,
    *urls: str,
    eyes: Path | None,
    extensions: Sequence[Path] = (),
    flags: Sequence[str] = (),
    settings: Mapping[str, Any] | None = None,
) -> Iterator[Browser]:
    """Chromium with `urls` as its tabs, in a new profile in `folder`, its window on screen.

    `eyes`: the home of the agent that our extension is to talk to; None is a browser without it. `extensions`: folders
    of others; `settings`: of the profile, as the browser writes them. Raises StageError when it does not start.
    """
    profile = folder / "profile"
    _write(profile / "Default" / "Preferences", json.dumps(settings or {}))
    loaded = [*extensions]
    if eyes is not None:
        loaded.append(EXTENSION)
        introduce("chromium", folder, eyes / SOCKET_NAME, profile / "NativeMessagingHosts", chromium_id())
    command = [CHROMIUM, *CHROMIUM_FLAGS, f"--user-data-dir={profile}"]
    if loaded:
        command.append("--load-extension=" + ",".join(str(path) for path in loaded))
    with _started("chromium", stage, folder, profile, [*command, *AS_ROOT, *flags, *urls]) as browser:
        yield browser


@contextmanager
def firefox(
    stage: Stage,
    folder: Path,
    *urls: str,
    eyes: Path | None,
    extensions: Sequence[Path] = (),
    flags: Sequence[str] = (),
    settings: Mapping[str, Any] | None = None,
) -> Iterator[Browser]:
    """Firefox ESR, as `chromium`."""
    profile = folder / "profile"
    profile.mkdir(parents=True)
    loaded = [*extensions]
    if eyes is not None:
        loaded.append(EXTENSION)
        introduce("firefox", folder, eyes / SOCKET_NAME, folder / "home" / FIREFOX_HOSTS, FIREFOX_ID)
    for path in loaded:
        pack(path, profile / "extensions" / f"{gecko_id(path)}.xpi")
    chosen = {**FIREFOX_PREFERENCES, **(settings or {})}
    preferences = (f"user_pref({json.dumps(name)}, {json.dumps(v)});\n" for name, v in chosen.items())
    _write(profile / "user.js", "".join(preferences))
    command = [FIREFOX, "--profile", str(profile), *flags, *urls]
    with _started("firefox", stage, folder, profile, command) as browser:
        yield browser


@contextmanager
def _started(name: str, stage: Stage, folder: Path, profile: Path, command: Sequence[str]) -> Iterator[Browser]:
    home = folder / "home"
    home.mkdir(exist_ok=True)
    around = environment(stage.environment, home)
    process = Running(name, command, folder / f"{name}.log", around)
    browser = Browser(name, process, profile, home, around)
    try:
        process.until(lambda: stage.shows(process.pid), "its window was on screen", START)
        yield browser
    finally:
        browser.end()


def environment(around: Mapping[str, str], home: Path) -> dict[str, str]:
    """Of a browser that has `home` for itself, with nothing of the desktop that started it."""
    return {
        **{key: value for key, value in around.items() if not key.startswith(("XDG_", "DBUS_", "MOZ_"))},
        "HOME": str(home),
        "XDG_SESSION_TYPE": "x11",
        "MOZ_CRASHREPORTER_DISABLE": "1",
        "MOZ_ENABLE_WAYLAND": "0",
        "NO_AT_BRIDGE": "1",
    }


def introduce(family: Family, folder: Path, socket: Path, hosts: Path, extension_id: str) -> None:
    """Tell the browser which relay to start, and the relay where the agent listens."""
    launcher = write_launcher(folder / "relay", socket)
    _write(hosts / f"{HOST_NAME}.json", as_text(native_manifest(family, launcher, [extension_id])))


def lives_in(process: psutil.Process, home: Path) -> bool:
    """By its HOME: children that lost their parent are found too, and no other process is."""
    try:
        return process.environ().get("HOME") == str(home) and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:  # gone in between, or not ours to ask
        return False


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def pack(extension: Path, xpi: Path) -> None:
    xpi.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(xpi, "w") as archive:
        for path in sorted(extension.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(extension))


def gecko_id(extension: Path) -> str:
    """What Firefox calls the extension in this folder."""
    manifest = json.loads((extension / "manifest.json").read_text("utf-8"))
    return str(manifest["browser_specific_settings"]["gecko"]["id"])
