"""The lists by which kinds of windows, engines and remote displays are known."""

from __future__ import annotations

import pytest

from agent.core.model.seen import WindowKind
from agent.desktop.engines import has_loaded_an_engine, is_called_an_engine, runs_as_helper
from agent.desktop.kinds import kind_of, shows_hidden_windows
from agent.desktop.remote import shows_another_machine


@pytest.mark.parametrize(
    ("program", "command"),
    [
        ("chromium", ["/usr/lib/chromium/chromium", "--type=renderer", "--lang=en"]),
        ("chromium", ["/usr/lib/chromium/chromium --type=renderer --lang=en"]),  # a zygote's child writes one string
        ("slack", ["/usr/lib/slack/slack", "--type=zygote"]),
        ("firefox-esr", ["/usr/lib/firefox-esr/firefox-esr", "-contentproc", "-isForBrowser"]),
        ("WebKitWebProcess", ["/usr/lib/webkit2gtk-4.1/WebKitWebProcess", "7", "21"]),
        ("QtWebEngineProcess", ["/usr/lib/qt6/libexec/QtWebEngineProcess", "--type=renderer"]),
    ],
)
def test_helpers_of_engines(program: str, command: list[str]) -> None:
    assert runs_as_helper(program, command)


@pytest.mark.parametrize(
    ("program", "command"),
    [
        ("chromium", ["/usr/lib/chromium/chromium", "--no-sandbox"]),
        ("backup", ["backup", "--type=full"]),
        ("vim", ["vim", "notes about --type=renderer"]),
        ("kthreadd", []),
    ],
)
def test_no_helpers(program: str, command: list[str]) -> None:
    assert not runs_as_helper(program, command)


def test_libraries() -> None:
    assert has_loaded_an_engine(b"7f00-7f01 r-xp 0 08:01 1 /usr/lib/x86_64-linux-gnu/libQt6WebEngineCore.so.6\n")
    assert has_loaded_an_engine(b"7f00-7f01 r-xp 0 08:01 1 /tmp/.cache/libjfxwebkit.so (deleted)\n")
    assert not has_loaded_an_engine(b"7f00-7f01 r-xp 0 08:01 1 /usr/lib/x86_64-linux-gnu/libgtk-3.so.0\n")
    assert not has_loaded_an_engine(b"7f00-7f01 rw-p 0 00:00 0\n7f02-7f03 rw-p 0 00:00 0 [heap]\n")


# Executables of Debian 13's packages that provide x-www-browser or www-browser, text browsers apart.
@pytest.mark.parametrize(
    "name",
    [
        "chromium",
        "firefox-esr",
        "netsurf-gtk",
        "netsurf-fb",
        "links",
        "links2",
        "dillo",
        "surf",
        "vimb",
        "luakit",
        "qutebrowser",
        "morph-browser",
        "epiphany",
        "epiphany-browser",
        "falkon",
        "konqueror",
        "privacybrowser",
        "angelfish",
        "cog",
    ],
)
def test_browsers_are_known_by_their_process_or_their_class(name: str) -> None:
    assert is_called_an_engine(name)
    assert is_called_an_engine("", (name.title(), name.title()))


def test_what_is_not_called_like_a_browser() -> None:
    assert is_called_an_engine("", ("Navigator", "Firefox-esr"))
    assert not is_called_an_engine("xterm", ("xterm", "XTerm"))
    assert not is_called_an_engine("linkstation", ("opera-desk", "surface"))
    assert not is_called_an_engine("")


@pytest.mark.parametrize(
    "process", ["wfica", "xfreerdp", "Remmina", "VirtualBoxVM", "qemu-system-ppc64", "mstsc", "Xephyr", "ssh", "socat"]
)
def test_remote_displays_by_process(process: str) -> None:
    assert shows_another_machine(process)


def test_remote_displays_by_class() -> None:
    assert shows_another_machine("", ("Wfica_Seamless", "Wfica_Seamless"))
    assert shows_another_machine("wine64-preloader", ("mstsc.exe", "mstsc.exe"))
    assert not shows_another_machine("xterm", ("xterm", "XTerm"))


def test_a_viewer_of_whose_name_only_the_beginning_is_known_shows_another_machine() -> None:
    assert shows_another_machine("Horizon-client.", cut=True)  # of Horizon-Client.exe, under wine
    assert shows_another_machine("workspacesclien", cut=True)
    assert not shows_another_machine("workspacesclien")
    assert not shows_another_machine("patient-records", cut=True)


def test_a_browser_of_whose_name_only_the_beginning_is_known_is_one() -> None:
    assert is_called_an_engine("angelfish-webap", cut=True)
    assert is_called_an_engine("Privacybrowser.", cut=True)  # under wine
    assert not is_called_an_engine("angelfish-webap")
    assert not is_called_an_engine("patient-records", cut=True)


def test_switchers_and_previews() -> None:
    assert kind_of((), override_redirect=True, app="xfwm4") is WindowKind.OVERVIEW
    assert kind_of(("TOOLTIP",), override_redirect=True, app="tint2") is WindowKind.OVERVIEW
    assert kind_of((), override_redirect=True, app="plasmashell") is WindowKind.OVERVIEW
    assert kind_of(("DOCK",), override_redirect=False, app="plasmashell") is WindowKind.DESKTOP
    assert kind_of(("POPUP_MENU",), override_redirect=True, app="tint2") is WindowKind.POPUP
    assert kind_of(("TOOLTIP",), override_redirect=True, app="till") is WindowKind.POPUP


@pytest.mark.parametrize(
    ("window_manager", "hidden"),
    [
        ("GNOME Shell", True),
        ("Mutter (Muffin)", True),
        ("KWin", True),
        ("Openbox", False),
        ("Xfwm4", False),
        ("", False),
    ],
)
def test_window_managers_that_show_hidden_windows(window_manager: str, hidden: bool) -> None:
    assert shows_hidden_windows(window_manager) is hidden
