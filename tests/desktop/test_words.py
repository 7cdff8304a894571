"""The lists by which kinds of windows, engines and remote displays are known."""

from __future__ import annotations

import pytest

from agent.core.model.seen import WindowKind
from agent.desktop.engines import has_loaded_an_engine, is_an_engine_class, runs_as_helper
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
    assert has_loaded_an_engine("7f00-7f01 r-xp 0 08:01 1 /usr/lib/x86_64-linux-gnu/libQt6WebEngineCore.so.6\n")
    assert not has_loaded_an_engine("7f00-7f01 r-xp 0 08:01 1 /usr/lib/x86_64-linux-gnu/libgtk-3.so.0\n")


def test_classes_of_engines() -> None:
    assert is_an_engine_class(("Navigator", "Firefox-esr"))
    assert not is_an_engine_class(("xterm", "XTerm"))
    assert not is_an_engine_class(())


@pytest.mark.parametrize(
    "process", ["wfica", "xfreerdp", "Remmina", "VirtualBoxVM", "qemu-system-ppc64", "mstsc", "Xephyr"]
)
def test_remote_displays_by_process(process: str) -> None:
    assert shows_another_machine(process)


def test_remote_displays_by_class() -> None:
    assert shows_another_machine("", ("Wfica_Seamless", "Wfica_Seamless"))
    assert shows_another_machine("wine64-preloader", ("mstsc.exe", "mstsc.exe"))
    assert not shows_another_machine("xterm", ("xterm", "XTerm"))


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
