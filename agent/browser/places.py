"""Where each browser looks on Linux: its programs, its folders for host manifests, its enterprise policy.

Sources: Chromium, chrome/common/chrome_paths.cc; https://chromeenterprise.google/policies; Firefox, NativeManifests and
EnterprisePoliciesParent, whose folders were also asked of a running Firefox ESR 153: host manifests stay in ~/.mozilla
although profiles have moved to ~/.config/mozilla.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent.browser.manifests import HOST_NAME, Family

ROOT: Final = Path("/")
SYSTEM_LAUNCHER: Final = "usr/lib/eyelid/browser-relay"
USER_LAUNCHER: Final = "browser-relay"  # in the home of Eyelid


@dataclass(frozen=True, slots=True)
class Browser:
    """`profile`: under ~/.config (Chromium's kind) or under ~; `system`, `policies`: under the root of all files."""

    name: str
    title: str
    family: Family
    programs: tuple[str, ...]
    profile: str
    system: str
    policies: str
    snap: str
    flatpak: str


BROWSERS: Final = (
    Browser(
        "chromium", "Chromium", "chromium", ("chromium", "chromium-browser"), "chromium/NativeMessagingHosts",
        "etc/chromium/native-messaging-hosts", "etc/chromium/policies/managed", "chromium", "org.chromium.Chromium",
    ),
    Browser(
        "chrome", "Chrome", "chromium", ("google-chrome-stable", "google-chrome"), "google-chrome/NativeMessagingHosts",
        "etc/opt/chrome/native-messaging-hosts", "etc/opt/chrome/policies/managed", "google-chrome",
        "com.google.Chrome",
    ),
    Browser(
        "edge", "Edge", "chromium", ("microsoft-edge-stable", "microsoft-edge"), "microsoft-edge/NativeMessagingHosts",
        "etc/opt/edge/native-messaging-hosts", "etc/opt/edge/policies/managed", "microsoft-edge",
        "com.microsoft.Edge",
    ),
    Browser(
        "firefox", "Firefox", "firefox", ("firefox", "firefox-esr"), ".mozilla/native-messaging-hosts",
        "usr/lib/mozilla/native-messaging-hosts", "etc/firefox/policies", "firefox", "org.mozilla.firefox",
    ),
)  # fmt: skip
FIREFOX_FOLDERS: Final = ("usr/lib/firefox-esr", "usr/lib/firefox", "usr/lib64/firefox", "opt/firefox")
NAMES: Final = tuple(browser.name for browser in BROWSERS)


def named(name: str) -> Browser:
    return next(browser for browser in BROWSERS if browser.name == name)


def user_manifest(browser: Browser) -> Path:
    """Where this user's browser looks, in a profile folder that no --user-data-dir has moved."""
    above = Path.home() if browser.family == "firefox" else _configuration()
    return above / browser.profile / f"{HOST_NAME}.json"


def _configuration() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")


def system_manifest(browser: Browser) -> Path:
    return ROOT / browser.system / f"{HOST_NAME}.json"


def system_launcher() -> Path:
    return ROOT / SYSTEM_LAUNCHER


def program(browser: Browser) -> Path | None:
    """The browser that is installed as an ordinary package; None where there is none, be there a snap or not."""
    for name in browser.programs:
        found = shutil.which(name)
        if found is not None and not _starts_a_sandbox(Path(found)):
            return Path(found)
    return None


def _starts_a_sandbox(path: Path) -> bool:
    """Whether this command is a snap's or a flatpak's, or, as on Ubuntu, a script in /usr/bin that calls one."""
    whole = path.resolve()
    if path.is_relative_to(ROOT / "snap") or whole.name == "snap" or "flatpak" in path.parts:
        return True
    with whole.open("rb") as file:
        begin = file.read(4096)
    return begin.startswith(b"#!") and b"/snap/bin/" in begin


def sandboxed(browser: Browser) -> tuple[str, Path] | None:
    """("snap" or "flatpak", where it was found) of a browser in a sandbox of its own, be another there or not."""
    snap = ROOT / "snap/bin" / browser.snap
    if snap.exists():
        return "snap", snap
    exported = "flatpak/exports/bin"
    for path in (
        ROOT / "var/lib" / exported / browser.flatpak,
        Path.home() / ".local/share" / exported / browser.flatpak,
        Path.home() / ".var/app" / browser.flatpak,
    ):
        if path.exists():
            return "flatpak", path
    return None


def policy_files(browser: Browser) -> list[Path]:
    """The files of enterprise policy that this browser would read, the one that wins last."""
    folder = ROOT / browser.policies
    if browser.family == "chromium":
        return sorted(folder.glob("*.json"))
    # In /etc one file for every Firefox, else one beside the program; what starts it may be a script from elsewhere.
    here = [] if (found := program(browser)) is None else [found.resolve().parent]
    beside = [*here, *(ROOT / folder for folder in FIREFOX_FOLDERS)]
    named = (folder / "policies.json", *(above / "distribution" / "policies.json" for above in beside))
    return [path for path in named if path.is_file()][:1]
