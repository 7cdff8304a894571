"""Putting the host manifests and their launcher where the browsers look, taking them away again, and judging them.

One launcher for this user or for all; a browser whose manifest it finds there may start it for our extension alone.
"""

from __future__ import annotations

import json
import os
import shlex
import stat
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from agent import durable
from agent.browser import manifests, places
from agent.browser.manifests import HOST_NAME, SOCKET_NAME
from agent.browser.places import Browser
from agent.errors import EnvironmentFault, UserError

Scope = Literal["user", "system"]

READABLE: Final = 0o644
MINE: Final = 0o600
_FOLDER_FOR_ALL: Final = 0o755
_PATH_LIMIT: Final = 107  # bytes in sockaddr_un, Linux unix(7)


def manifest_path(browser: Browser, scope: Scope) -> Path:
    return places.user_manifest(browser) if scope == "user" else places.system_manifest(browser)


def launcher_path(scope: Scope, home: Path) -> Path:
    return home / places.USER_LAUNCHER if scope == "user" else places.system_launcher()


def ids_for(browser: Browser, chromium_ids: Sequence[str]) -> list[str]:
    """Whom the manifest lets in: our own ids, or for Chromium's kind those of packages with another key."""
    if browser.family == "firefox":
        return [manifests.FIREFOX_ID]
    return list(chromium_ids) or [manifests.chromium_id()]


def install(browsers: Sequence[Browser], scope: Scope, home: Path, chromium_ids: Sequence[str] = ()) -> list[Path]:
    """Writes the launcher and a manifest for each browser; returns what was written or was there already, whole.

    Doing it again changes nothing. Raises UserError where this user may not write, or where others could not run it.
    """
    launcher = launcher_path(scope, home)
    if scope == "system":
        _require_for_all()
    elif len(os.fsencode(home / SOCKET_NAME)) > _PATH_LIMIT:
        raise UserError(
            f"the path of the home is too long for a local socket ({home}): set EYELID_HOME to a shorter one"
        )
    files = [manifest_path(browser, scope) for browser in browsers]
    with _Writing(scope):
        for folder in sorted({launcher.parent, *(path.parent for path in files)}):
            _make_folder(folder, scope)
        manifests.write_launcher(launcher, home / SOCKET_NAME if scope == "user" else None)
        for browser, path in zip(browsers, files, strict=True):
            content = manifests.native_manifest(browser.family, launcher, ids_for(browser, chromium_ids))
            mode = MINE if scope == "user" else READABLE
            manifests.place(path, manifests.as_text(content).encode(), mode)
    return [launcher, *files]


def remove(browsers: Sequence[Browser], scope: Scope, home: Path) -> list[Path]:
    """Takes away what `install` wrote, the launcher with the last manifest. Returns what is gone. Raises UserError."""
    gone = []
    with _Writing(scope):
        for path in (manifest_path(browser, scope) for browser in browsers):
            if not _unlink(path):
                continue
            gone.append(path)
            # Empty now are the folders that `install` made for a browser that was never started.
            _remove_if_empty(path.parent)
            if scope == "user":
                _remove_if_empty(path.parent.parent)
        if not any(manifest_path(browser, scope).exists() for browser in places.BROWSERS):
            launcher = launcher_path(scope, home)
            if _unlink(launcher):
                gone.append(launcher)
            if scope == "system":
                _remove_if_empty(launcher.parent)
    return gone


class _Writing:
    """Turns what the system says of a write into a message for the caller."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, failure: BaseException | None, __: object) -> None:
        if isinstance(failure, PermissionError):
            advice = "try it with sudo" if self._scope == "system" else "who owns it? It should be yours"
            raise UserError(f"{failure.filename} may not be changed by you: {advice}") from None
        if isinstance(failure, OSError):
            raise EnvironmentFault(f"{failure.filename} cannot be written: {failure.strerror}") from None


def _make_folder(folder: Path, scope: Scope) -> None:
    if scope == "user":
        durable.make_folder(folder)
        return
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir()
        path.chmod(_FOLDER_FOR_ALL)  # whatever root's umask is: every user's browser reads here
        durable.sync_folder(path.parent)


def _unlink(path: Path) -> bool:
    try:
        path.unlink()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _remove_if_empty(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def _require_for_all() -> None:
    """Raises UserError when a user other than this one could not start the relay."""
    for path in (Path(sys.executable).absolute(), Path(sys.executable).resolve(), manifests.RELAY):
        for part in (path, *path.parents):
            wanted = stat.S_IXOTH if part.is_dir() else stat.S_IROTH
            if part.exists() and not part.stat().st_mode & wanted:
                raise UserError(
                    f"other users could not start {path}, because {part} is closed to them: "
                    "install Eyelid for everybody first, for example in /opt/eyelid (installer/README.md)"
                )


# -- what is there -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Placed:
    """A manifest that a browser would find. `trouble`: why it would not work, "" when it would."""

    scope: Scope
    path: Path
    ids: tuple[str, ...] = ()
    trouble: str = ""


def placed(browser: Browser, scope: Scope) -> Placed | None:
    """What stands in this browser's folder under our name; None when nothing does."""
    path = manifest_path(browser, scope)
    if not path.exists():
        return None
    try:
        content = json.loads(path.read_bytes())
        ids = _ids(content, browser)
        launcher = Path(content["path"])
        right = content["name"] == HOST_NAME and content["type"] == "stdio"
    except OSError as error:
        return Placed(scope, path, trouble=f"it cannot be read: {error.strerror}")
    except (ValueError, KeyError, TypeError, AttributeError):
        return Placed(scope, path, trouble="it is damaged")
    if not right:
        return Placed(scope, path, ids, "it is damaged")
    if not ids:
        return Placed(scope, path, trouble="it lets no extension in")
    return Placed(scope, path, ids, _launcher_trouble(launcher))


def _ids(content: dict[str, list[str]], browser: Browser) -> tuple[str, ...]:
    if browser.family == "firefox":
        return tuple(content["allowed_extensions"])
    return tuple(origin.removeprefix("chrome-extension://").rstrip("/") for origin in content["allowed_origins"])


def _launcher_trouble(launcher: Path) -> str:
    if not launcher.is_file():
        return f"it names {launcher}, which is not there"
    if not os.access(launcher, os.X_OK):
        return f"it names {launcher}, which you may not start"
    try:
        words = shlex.split(launcher.read_text("utf-8"), comments=True)
        python, relay = Path(words[1]), Path(words[4])
    except (OSError, ValueError, IndexError):
        return f"{launcher} is damaged"
    checks: tuple[tuple[Path, Callable[[Path], bool]], ...] = (
        (python, lambda path: os.access(path, os.X_OK)),
        (relay, lambda path: os.access(path, os.R_OK)),
    )
    missing = [path for path, there in checks if not there(path)]
    return f"{launcher} starts {missing[0]}, which is not there any more" if missing else ""
