"""What gives a web engine away: its helpers, the files it ships, the libraries and data it has mapped, its name.

Any program with an engine can show a payment page, whatever it is called: browsers, private windows, Electron and CEF
applications, help viewers. So one sign is enough, and the name of the program is the last one asked, never the only
one. A miss opens the eye on a web page without a witness; a false find only asks for an entry in the policy's
`allow_unseen`. So a list had better have a name too many than one too few.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

# Chromium and everything built on it (Electron, CEF, QtWebEngine, WebView2) marks its helpers `--type=`.
# content/public/common/content_switches.cc: kRendererProcess, kZygoteProcess, kGpuProcess, kUtilityProcess,
# kPpapiPluginProcess.
CHROMIUM_HELPERS: Final = frozenset({"renderer", "zygote", "gpu-process", "utility", "ppapi"})

# Gecko: ipc/glue/GeckoChildProcessHost.cpp starts children with -contentproc (also the fork server).
GECKO_HELPER: Final = "-contentproc"

# WebKitGTK and WPE: Source/WebKit/UIProcess/Launcher/glib/ProcessLauncherGLib.cpp.
# Qt: QtWebEngineProcess; Microsoft: WebView2; Ladybird: WebContent.
HELPER_PROGRAMS: Final = frozenset(
    {
        "WebKitWebProcess",
        "WebKitNetworkProcess",
        "WebKitGPUProcess",
        "WPEWebProcess",
        "WPENetworkProcess",
        "QtWebEngineProcess",
        "msedgewebview2",
        "WebContent",
    }
)

# Between an application and its WebKit helper stands the sandbox; it is not the one that shows the page.
SANDBOXES: Final = frozenset({"bwrap", "chrome-sandbox", "xdg-dbus-proxy"})

# What a process that can draw web pages itself has mapped, by file name: without `lib`, in lower case, its beginning.
# Each family's name is where to look it up. Debian 13 has those of Chromium, Firefox, JavaFX, WebKitGTK, WPE, Qt 5 and
# 6, litehtml and Gambas; the others are as their projects name them. None needs a helper process, and what a program
# maps under another name (its own executable) does not change these.
MAPPED: Final[dict[str, tuple[str, ...]]] = {
    "WebKitGTK, WPE, EFL: also Tauri, wry, SWT, wxWidgets": ("webkit", "wpewebkit", "ewebkit"),
    "JavaFX WebView": ("jfxwebkit",),
    "Qt 4 to 6": ("qtweb", "qt5web", "qt6web"),
    "KHTML": ("khtml", "kf5khtml"),
    "CEF, NW.js, Awesomium": ("cef.", "nw.", "awesomium"),
    "Chromium's data: also Electron and whatever else is built on it": (
        "v8_context_snapshot",
        "snapshot_blob.bin",
        "chrome_100_percent.pak",
        "chrome_200_percent.pak",
        "content_shell.pak",
        "headless_lib",
        "cef_100_percent.pak",
    ),
    "Gecko": ("xul.", "omni.ja"),
    "Windows, also under wine": (
        "mshtml.dll",
        "edgehtml.dll",
        "webview2loader.dll",
        "embeddedbrowserwebview.dll",
        "chrome.dll",
    ),
    "Servo, Ladybird": ("servo.", "simpleservo", "lagom-web"),
    "Sciter, Ultralight": ("sciter", "ultralight"),
    "litehtml, GtkHTML, Tkhtml, Gambas": ("litehtml", "gtkhtml", "tkhtml", "gb.form.htmlview"),
}
_MAPPED: Final = tuple(name for names in MAPPED.values() for name in names)
# Not engines, though they begin so: Qt's network protocols.
_OTHER_LIBRARIES: Final = tuple(f"qt{version}web{what}" for version in ("", 5, 6) for what in ("sockets", "channel"))

# Beside the program: Chromium's and Electron's ICU data and V8 snapshot; Gecko's application archive.
CHROMIUM_FILES: Final = (
    "v8_context_snapshot.bin",
    "snapshot_blob.bin",
    "v8_context_snapshot.x86_64.bin",
    "chrome_100_percent.pak",
    "libcef.so",
)
CHROMIUM_ICU: Final = "icudtl.dat"
GECKO_FILES: Final = ("omni.ja", "libxul.so")

# Browsers: the name of the process (without path and `.exe`), or either part of WM_CLASS, in lower case. Also covers a
# browser whose process cannot be read, one without a helper, and one whose engine is inside its own executable.
# Among them: all executables of Debian 13's packages that provide x-www-browser or www-browser.
BROWSERS: Final[dict[str, tuple[str, ...]]] = {
    "Chrome": ("chrome", "thorium-browser"),
    "Edge": ("msedge",),
    "other Chromium browsers": ("opera", "yandex-browser", "yandex_browser"),
    "Gecko": ("navigator", "librewolf", "waterfox", "floorp", "zen", "zen-browser", "icecat", "basilisk", "k-meleon"),
    "Gecko, more": ("tor browser", "mullvad browser", "mullvadbrowser", "seamonkey", "palemoon", "thunderbird"),
    "WebKitGTK and WPE": ("org.gnome.epiphany", "midori", "surf", "vimb", "luakit", "cog", "nyxt", "badwolf", "eolie"),
    "Qt": (
        "qutebrowser",
        "falkon",
        "konqueror",
        "angelfish",
        "angelfish-webapp",
        "morph-browser",
        "privacybrowser",
        "otter-browser",
        "qupzilla",
        "rekonq",
        "arora",
        "dooble",
    ),
    "engines of their own": ("dillo", "links", "links2", "xlinks2", "hv3", "amaya", "servo", "servoshell", "ladybird"),
    "Internet Explorer under wine": ("iexplore", "iexplore.exe"),
}
# Names with endings of their own: netsurf-gtk, google-chrome-beta, firefox-esr, epiphany-browser.
BROWSER_FAMILIES: Final = (
    "chromium",
    "google-chrome",
    "microsoft-edge",
    "brave",
    "vivaldi",
    "firefox",
    "epiphany",
    "netsurf",
)
_BROWSERS: Final = frozenset(name for names in BROWSERS.values() for name in names)


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


def has_loaded_an_engine(mapped: bytes) -> bool:
    """`mapped`: the text of /proc/PID/maps."""
    files = {line.rpartition(b"/")[2] for line in mapped.split(b"\n") if b"/" in line}
    names = (file.decode("utf-8", "replace").casefold().removeprefix("lib") for file in files)
    return any(name.startswith(_MAPPED) and not name.startswith(_OTHER_LIBRARIES) for name in names)


def is_called_an_engine(process: str, window_class: Iterable[str] = (), *, cut: bool = False) -> bool:
    """By process name (without path and `.exe`), or by either part of WM_CLASS. `cut`: the name may go on."""
    names = [name.casefold() for name in (process, *window_class)]
    if any(name in _BROWSERS or name.startswith(BROWSER_FAMILIES) for name in names):
        return True
    return cut and any(f"{one}.exe".startswith(names[0]) for one in _BROWSERS)
