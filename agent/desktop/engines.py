"""What gives a web engine away: the helpers it runs, the files it ships, the libraries it loads, its window class.

Any program with an engine can show a payment page, whatever it is called: browsers, private windows, Electron and CEF
applications, help viewers. So the name of the program is the last evidence asked, never the only one. A miss opens
the eye on a web page without a witness; a false find only asks for an entry in the policy's `allow_unseen`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

# Chromium and everything built on it (Electron, CEF, QtWebEngine, WebView2) marks its helpers `--type=`.
# content/public/common/content_switches.cc: kRendererProcess, kZygoteProcess, kGpuProcess, kUtilityProcess,
# kPpapiPluginProcess.
CHROMIUM_HELPERS: Final = frozenset({"renderer", "zygote", "gpu-process", "utility", "ppapi"})

# Gecko: ipc/glue/GeckoChildProcessHost.cpp starts children with -contentproc (also the fork server).
GECKO_HELPER: Final = "-contentproc"

# WebKitGTK and WPE: Source/WebKit/UIProcess/Launcher/glib/ProcessLauncherGLib.cpp.
# Qt: QtWebEngineProcess; Microsoft: WebView2.
HELPER_PROGRAMS: Final = frozenset(
    {
        "WebKitWebProcess",
        "WebKitNetworkProcess",
        "WebKitGPUProcess",
        "WPEWebProcess",
        "WPENetworkProcess",
        "QtWebEngineProcess",
        "msedgewebview2",
    }
)

# Between an application and its WebKit helper stands the sandbox; it is not the one that shows the page.
SANDBOXES: Final = frozenset({"bwrap", "chrome-sandbox", "xdg-dbus-proxy"})

# Loaded into a process that can draw web pages itself. Seen in /proc/PID/maps before the first page is drawn.
LIBRARIES: Final = (
    "libwebkit2gtk",
    "libwebkitgtk",
    "libwpewebkit",
    "libqtwebengine",
    "libqt5webengine",
    "libqt6webengine",
    "libcef.so",
    "libxul.so",
)

# Beside the program: Chromium's and Electron's ICU data and V8 snapshot; Gecko's application archive.
CHROMIUM_FILES: Final = ("v8_context_snapshot.bin", "snapshot_blob.bin", "v8_context_snapshot.x86_64.bin", "libcef.so")
CHROMIUM_ICU: Final = "icudtl.dat"
GECKO_FILES: Final = ("omni.ja", "libxul.so")

# WM_CLASS of browsers, either part, in lower case. Also covers a browser whose process cannot be read.
WINDOW_CLASSES: Final[dict[str, tuple[str, ...]]] = {
    "Chromium, Chrome": (
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-beta",
        "google-chrome-unstable",
    ),
    "Edge": ("microsoft-edge", "microsoft-edge-beta", "microsoft-edge-dev"),
    "other Chromium browsers": ("brave-browser", "vivaldi-stable", "vivaldi-snapshot", "opera", "yandex-browser"),
    "Firefox": ("navigator", "firefox", "firefox-esr", "firefox-developer-edition"),
    "other Gecko programs": ("librewolf", "waterfox", "floorp", "tor browser", "seamonkey", "palemoon", "thunderbird"),
    "WebKit and Qt browsers": (
        "epiphany",
        "org.gnome.epiphany",
        "midori",
        "qutebrowser",
        "falkon",
        "konqueror",
        "surf",
    ),
    "small engines of their own": ("dillo", "netsurf", "links2"),
}
_CLASSES: Final = frozenset(name for names in WINDOW_CLASSES.values() for name in names)


def runs_as_helper(program: str, command: Sequence[str]) -> bool:
    """Whether a process with this program name and command line is an engine's helper (renders, or exists only for
    it).
    """
    if program in HELPER_PROGRAMS or GECKO_HELPER in command:
        return True
    # A zygote's children write their whole command line into argv[0], with spaces.
    words = command[0].split() if len(command) == 1 else command
    return any(word.startswith("--type=") and word[7:] in CHROMIUM_HELPERS for word in words)


def stands_between(program: str) -> bool:
    """Whether a process with this program name only separates an application from its engine's helpers."""
    return program in SANDBOXES


def ships_an_engine(folder: Path) -> bool:
    """Whether the folder of a program holds an engine: true before it has started its first helper."""
    if (folder / CHROMIUM_ICU).is_file() and any((folder / name).is_file() for name in CHROMIUM_FILES):
        return True
    return any((folder / name).is_file() for name in GECKO_FILES)


def has_loaded_an_engine(mapped: str) -> bool:
    """`mapped`: the text of /proc/PID/maps."""
    text = mapped.casefold()
    return any(library in text for library in LIBRARIES)


def is_an_engine_class(window_class: Sequence[str]) -> bool:
    return any(part.casefold() in _CLASSES for part in window_class)
