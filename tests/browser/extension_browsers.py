"""Real browsers with the real extension, each with a profile and a home that are thrown away."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from agent.browser.manifests import (
    EXTENSION,
    FIREFOX_ID,
    HOST_NAME,
    Family,
    as_text,
    chromium_id,
    native_manifest,
    write_launcher,
)
from bench.browsers import gecko_id
from tests.stage import displays

CHROMIUM_FLAGS = [
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--disable-breakpad",
    "--disable-popup-blocking",
    "--password-store=basic",
    "--window-size=1000,700",
    *(["--no-sandbox", "--test-type"] if os.geteuid() == 0 else []),  # it refuses to run as root with its sandbox
]

FIREFOX_PREFERENCES: dict[str, bool | int | str] = {
    "xpinstall.signatures.required": False,
    "extensions.autoDisableScopes": 0,
    "extensions.enabledScopes": 15,
    "extensions.update.enabled": False,
    "app.update.enabled": False,
    "app.normandy.enabled": False,
    "browser.aboutwelcome.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "browser.startup.page": 0,
    "browser.tabs.warnOnClose": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "datareporting.usage.uploadEnabled": False,
    "dom.disable_open_during_load": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,",
    "termsofuse.bypassNotification": True,
    "toolkit.telemetry.enabled": False,
}


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
) -> Iterator[subprocess.Popen[bytes]]:
    """`name`: chromium or firefox, with `urls` as its tabs; its relay connects to `socket`.

    `bus`: address of a message bus, by which a second start of Firefox finds the first. `preferences`: of the profile,
    as each browser writes them. `beside`: folders of other extensions.
    """
    home = folder / "home"
    profile = folder / "profile"
    profile.mkdir(parents=True)
    if name == "chromium":
        _introduce("chromium", folder, socket, profile / "NativeMessagingHosts", chromium_id())
        own = profile / "Default" / "Preferences"
        own.parent.mkdir()
        own.write_text(json.dumps(preferences or {}))
        loaded = ",".join(str(path) for path in (EXTENSION, *beside))
        command = ["chromium", *CHROMIUM_FLAGS, f"--user-data-dir={profile}", f"--load-extension={loaded}", *urls]
    else:
        _introduce("firefox", folder, socket, home / ".mozilla" / "native-messaging-hosts", FIREFOX_ID)
        for extension in (EXTENSION, *beside):
            pack(profile / "extensions" / f"{gecko_id(extension)}.xpi", extension)
        chosen = {**FIREFOX_PREFERENCES, **(preferences or {})}
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
    plain = {key: value for key, value in os.environ.items() if not key.startswith(("XDG_", "DBUS_", "MOZ_"))}
    return {
        **plain,
        "DISPLAY": display,
        "DBUS_SESSION_BUS_ADDRESS": bus,
        "HOME": str(home),
        "XDG_SESSION_TYPE": "x11",
        "MOZ_ENABLE_WAYLAND": "0",
        "MOZ_CRASHREPORTER_DISABLE": "1",
        "NO_AT_BRIDGE": "1",
    }


def pack(xpi: Path, extension: Path = EXTENSION) -> None:
    xpi.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(xpi, "w") as archive:
        for path in sorted(extension.iterdir()):
            archive.write(path, path.name)


def _introduce(family: Family, folder: Path, socket: Path, hosts: Path, extension: str) -> None:
    launcher = write_launcher(folder / "relay", socket)
    hosts.mkdir(parents=True)
    (hosts / f"{HOST_NAME}.json").write_text(as_text(native_manifest(family, launcher, [extension])))


def end_all(home: Path) -> None:
    """Every process with this HOME, which nobody else has: a browser's children outlive it by a moment, or for good."""
    left = [process for process in psutil.process_iter() if _lives_in(process, home)]
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):  # it may end by itself meanwhile
            process.terminate()
    _, persistent = psutil.wait_procs(left, timeout=5)
    for process in persistent:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(persistent, timeout=5)


def _lives_in(process: psutil.Process, home: Path) -> bool:
    try:
        return process.environ().get("HOME") == str(home) and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:  # gone in between, or not ours to ask
        return False
