"""Profiles as real browsers write them: whether they carry the extension, and show pictures of tabs."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import psutil
import pytest

from agent.browser import install, places
from agent.browser.manifests import EXTENSION, chromium_id
from agent.doctor.ask import browsers
from agent.doctor.facts import BrowserFacts
from tests.browser.extension_browsers import CHROMIUM_FLAGS, FIREFOX_PREFERENCES, environment, pack
from tests.stage.displays import await_true, end

pytestmark = [pytest.mark.desktop, pytest.mark.timeout(180)]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return tmp_path


def asked(name: str) -> BrowserFacts:
    return next(one for one in browsers.ask(None) if one.name == name)


def quit_all(home: Path, process: subprocess.Popen[bytes]) -> None:
    children = psutil.Process(process.pid).children(recursive=True)
    end(process)
    _, persistent = psutil.wait_procs(children, timeout=10)
    for one in persistent:
        one.kill()
    assert home.exists()


@pytest.fixture
def chromium(home: Path, openbox_display: str) -> Path:
    """The user's own profile folder, after a first session with our extension in it."""
    if shutil.which("chromium") is None:
        pytest.skip("no Chromium on this machine (scripts/setup installs it)")
    extension = ["--load-extension=" + str(EXTENSION)]
    with subprocess.Popen(
        [shutil.which("chromium") or "", *CHROMIUM_FLAGS, *extension, "about:blank"],
        env=environment(openbox_display, "disabled:", home), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        profile = home / ".config" / "chromium" / "Default"
        browser = places.named("chromium")
        try:
            await_true(lambda: browsers.carries(browser, profile, [chromium_id()]), "the extension in the profile", 60)
        finally:
            quit_all(home, process)
    return home / ".config" / "chromium"


def test_a_profile_of_chromium(chromium: Path) -> None:
    seen = asked("chromium")
    assert (seen.profiles, seen.carrying, seen.previews_off) == (1, 1, False)
    assert (seen.ready, seen.forced, seen.connected) == (False, False, None)
    assert (seen.others_blocked, seen.extensions) == (False, None)
    state = json.loads((chromium / "Local State").read_text())
    state.setdefault("browser", {})["hovercard"] = {"image_previews_enabled": False}
    (chromium / "Local State").write_text(json.dumps(state))
    assert asked("chromium").previews_off is True
    install.install([places.named("chromium")], "user", chromium.parent.parent / "eyelid")
    assert asked("chromium").ready
    second = chromium / "Profile 1"
    second.mkdir()
    (second / "Preferences").write_text("{}")
    seen = asked("chromium")
    assert (seen.profiles, seen.carrying) == (2, 1)
    for name in ("Secure Preferences", "Preferences"):
        path = chromium / "Default" / name
        if path.exists():
            path.write_text(path.read_text().replace(chromium_id(), "a" * 32))
    assert asked("chromium").carrying == 0


def test_a_profile_of_firefox(home: Path, openbox_display: str) -> None:
    if shutil.which("firefox-esr") is None:
        pytest.skip("no Firefox ESR on this machine (scripts/setup installs it)")
    profile = home / ".mozilla" / "firefox" / "abcd.default-esr"
    pack(profile / "extensions" / "agent@eyelid.xpi")
    lines = (f"user_pref({json.dumps(key)}, {json.dumps(value)});\n" for key, value in FIREFOX_PREFERENCES.items())
    (profile / "user.js").write_text("".join(lines))
    with subprocess.Popen(
        [shutil.which("firefox-esr") or "", "--profile", str(profile), "--no-remote", "about:blank"],
        env=environment(openbox_display, "disabled:", home), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        browser = places.named("firefox")
        try:
            await_true((profile / "prefs.js").exists, "the profile's settings", 60)
            await_true(lambda: browsers.carries(browser, profile, []), "the extension in the profile", 60)
        finally:
            quit_all(home, process)
    seen = asked("firefox")
    assert (seen.profiles, seen.carrying, seen.previews_off) == (1, 1, False)
    with (profile / "user.js").open("a") as file:
        file.write('user_pref("browser.tabs.hoverPreview.enabled", false);\n')
    assert asked("firefox").previews_off is True


def test_a_browser_that_was_never_started_says_nothing(home: Path) -> None:
    seen = asked("chromium")
    assert (seen.profiles, seen.carrying, seen.previews_off) == (0, 0, None)
    assert not (home / ".config").exists()


def test_half_written_profiles_are_no_fault(home: Path) -> None:
    profile = home / ".config" / "chromium" / "Default"
    profile.mkdir(parents=True)
    for name, text in (("Preferences", '{"extensions": {"settings"'), ("Secure Preferences", "[1]")):
        (profile / name).write_text(text)
    (profile.parent / "Local State").write_text('{"browser": 3}')
    seen = asked("chromium")
    assert (seen.profiles, seen.carrying, seen.previews_off) == (1, 0, False)


def test_who_speaks_to_the_recorder(home: Path) -> None:
    told = browsers.ask({"browsers": [{"browser": "Chromium"}, {"browser": "Chromium"}, {"browser": "Firefox"}]})
    assert {one.name: one.connected for one in told} == {"chromium": 2, "chrome": 0, "edge": 0, "firefox": 1}
    assert home.exists()


def test_snap_and_flatpak_browsers_are_found(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "ROOT", home)
    (home / "snap" / "bin").mkdir(parents=True)
    (home / "snap" / "bin" / "firefox").touch()
    (home / ".var/app/com.google.Chrome").mkdir(parents=True)
    told = {one.name: one for one in browsers.ask(None)}
    assert (told["firefox"].sandbox, told["chrome"].sandbox, told["chrome"].program) == ("snap", "flatpak", "")
    assert told["chrome"].next == ()
