"""Each browser: how it stands with the relay and the policy, what its own profiles say, and whether it speaks to us.

Profiles are read as browsers write them (Chromium 156: `Local State` and each profile's `Secure Preferences` or
`Preferences`; Firefox ESR 153: `prefs.js`, `user.js` and `extensions.json`). Of what they hold only our extension and
the previews of tabs are looked at.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import psutil

from agent.browser import install, places
from agent.browser.manifests import FIREFOX_ID
from agent.browser.places import Browser
from agent.browser.status import BrowserStatus, browser_status
from agent.doctor.facts import BrowserFacts

# What the kernel calls the program itself, which a script in /usr/bin may have started.
PROGRAMS: Final[Mapping[str, frozenset[str]]] = {
    "chromium": frozenset({"chromium", "chromium-browser"}),
    "chrome": frozenset({"chrome"}),
    "edge": frozenset({"msedge"}),
    "firefox": frozenset({"firefox", "firefox-esr", "firefox-bin"}),
}
_HOVER: Final = re.compile(r'^\s*user_pref\("browser\.tabs\.hoverPreview\.enabled",\s*(true|false)\);', re.MULTILINE)


def ask(status: Mapping[str, Any] | None) -> tuple[BrowserFacts, ...]:
    """`status`: what a running recorder said of itself."""
    running = {
        process.info["name"]
        for process in psutil.process_iter(["name", "uids"])
        if process.info["name"] and process.info["uids"] is not None and process.info["uids"].real == os.getuid()
    }
    return tuple(_about(browser_status(browser), running, status) for browser in places.BROWSERS)


def _about(stands: BrowserStatus, running: set[str], status: Mapping[str, Any] | None) -> BrowserFacts:
    browser = stands.browser
    profiles = firefox_profiles() if browser.family == "firefox" else chromium_profiles(browser)
    ids = [id_ for placed in stands.manifests for id_ in placed.ids] or install.ids_for(browser, ())
    return BrowserFacts(
        name=browser.name,
        title=browser.title,
        program="" if stands.program is None else str(stands.program),
        sandbox="" if stands.sandbox is None else stands.sandbox[0],
        ready=stands.ready,
        next=stands.next if stands.sandbox is None else stands.next[1:],  # the first is about the sandbox
        forced=stands.policy.extension,
        private=stands.policy.private,
        profiles=len(profiles),
        carrying=sum(carries(browser, profile, ids) for profile in profiles),
        previews_off=previews_off(browser, stands.policy.previews_off, profiles),
        running=bool(running & PROGRAMS[browser.name]),
        connected=None if status is None else len(_connected(browser, status)),
        others_blocked=stands.policy.others_blocked,
        extensions=None if status is None else _extensions(_connected(browser, status)),
    )


def _connected(browser: Browser, status: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [one for one in status["browsers"] if str(one.get("browser", "")).lower() == browser.name]


def _extensions(connected: list[Mapping[str, Any]]) -> tuple[str, ...] | None:
    """None without a profile that is connected, and from a recorder that is older than this."""
    lists = [one["extensions"] for one in connected if "extensions" in one]
    return tuple(sorted({id_ for ids in lists for id_ in ids})) if lists else None


# -- profiles -----------------------------------------------------------------------------------------------------


def chromium_profiles(browser: Browser) -> list[Path]:
    """Those of this user, in the folder that no --user-data-dir has moved."""
    above = _user_data(browser)
    return sorted(path.parent for path in above.glob("*/Preferences")) if above.is_dir() else []


def _user_data(browser: Browser) -> Path:
    return places.user_manifest(browser).parent.parent


def firefox_profiles() -> list[Path]:
    """Those of this user; newer Firefoxes keep them beside the other programs' settings."""
    roots = (Path.home() / ".mozilla/firefox", Path.home() / ".config/mozilla/firefox")
    return sorted(path.parent for root in roots for path in root.glob("*/prefs.js"))


def carries(browser: Browser, profile: Path, ids: list[str]) -> bool:
    """Whether the profile has our extension, switched on."""
    if browser.family == "firefox":
        addons = _json(profile / "extensions.json").get("addons")
        return any(
            isinstance(addon, dict) and addon.get("id") == FIREFOX_ID and addon.get("active") is True
            for addon in (addons if isinstance(addons, list) else [])
        )
    for name in ("Secure Preferences", "Preferences"):
        entries = _within(_json(profile / name), "extensions", "settings")
        for id_ in ids:
            entry = entries.get(id_)
            if isinstance(entry, dict) and entry.get("state", 1) == 1 and not entry.get("disable_reasons"):
                return True
    return False


def previews_off(browser: Browser, policy: bool | None, profiles: list[Path]) -> bool | None:
    """By policy, or by the user's own choice in every profile; Chromium has one for all of them, on by default."""
    if policy is True or browser.name == "edge":
        return policy
    if browser.family == "firefox":
        return all(_no_hover(profile) for profile in profiles) if profiles else None
    state = _user_data(browser) / "Local State"
    if not state.is_file():
        return None
    return _within(_json(state), "browser", "hovercard").get("image_previews_enabled") is False


def _no_hover(profile: Path) -> bool:
    said = ""
    for name in ("prefs.js", "user.js"):  # the second is read after the first, and wins
        for match in _HOVER.finditer(_text(profile / name)):
            said = match[1]
    return said == "false"


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""


def _json(path: Path) -> Mapping[str, Any]:
    """Empty where the browser has written none, or is just writing it."""
    try:
        content = json.loads(_text(path))
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _within(content: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    for key in keys:
        content = inner if isinstance(inner := content.get(key), dict) else {}
    return content
