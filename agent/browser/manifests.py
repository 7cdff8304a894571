"""What a browser must be told before it starts the relay: the host manifest, and the launcher that the manifest names.

Formats: https://developer.chrome.com/docs/extensions/develop/concepts/native-messaging and
https://developer.mozilla.org/docs/Mozilla/Add-ons/WebExtensions/Native_manifests. Both start the file in `path`
directly, with the caller's origin (Chromium) or the manifest's path and the caller's id (Firefox) as arguments.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal

from agent import durable
from agent.errors import EnvironmentFault

Family = Literal["chromium", "firefox"]  # Chrome, Edge, Brave and Vivaldi are told what Chromium is told

HOST_NAME: Final = "eyelid.agent"
FIREFOX_ID: Final = "agent@eyelid"
EXTENSION: Final = Path(__file__).with_name("extension")
RELAY: Final = Path(__file__).with_name("native_host.py")
SOCKET_NAME: Final = "browser.sock"

FOR_ALL: Final = 0o755
FOR_ME: Final = 0o700

# What `agent.config` says where no file names a home, in the words of a shell: one launcher then serves every user.
_EVERYBODYS_SOCKET: Final = '"${EYELID_HOME:-${XDG_STATE_HOME:-$HOME/.local/state}/eyelid}/' + SOCKET_NAME + '"'


def chromium_id(extension: Path = EXTENSION) -> str:
    """The id that Chromium gives to the unpacked extension: 32 letters, made of the `key` in its manifest.

    Raises EnvironmentFault when the extension is not there or has no key: then this installation is not whole.
    """
    path = extension / "manifest.json"
    try:
        key = base64.b64decode(json.loads(path.read_bytes())["key"], validate=True)
    except (OSError, ValueError, KeyError, TypeError, binascii.Error):
        raise EnvironmentFault(f"{path} is missing or has no key: install Eyelid again") from None
    return id_of(key)


def id_of(public_key: bytes) -> str:
    """The id of an extension by its public key in DER: SHA-256, the first 16 bytes, its hex digits as a to p.

    Source: Chromium, components/crx_file/id_util.cc.
    """
    return hashlib.sha256(public_key).hexdigest()[:32].translate(str.maketrans("0123456789abcdef", "abcdefghijklmnop"))


def launcher(socket: Path | None) -> str:
    """The text of a program that becomes the relay for this socket; with None the socket in each user's own home.

    `exec`, because the relay's parent must stay the browser: the agent asks the system whose child it is.
    -I -S: neither PYTHON* variables nor packages of the user decide what runs here, and it starts in half the time.
    """
    where = _EVERYBODYS_SOCKET if socket is None else shlex.quote(str(socket))
    program = f"{shlex.quote(sys.executable)} -I -S {shlex.quote(str(RELAY))}"
    return f'#!/bin/sh\nexec {program} --socket {where} "$@"\n'


def write_launcher(path: Path, socket: Path | None) -> Path:
    """Writes `launcher` as an executable file and returns its path. Raises OSError."""
    place(path, launcher(socket).encode(), FOR_ALL if socket is None else FOR_ME)
    return path


def native_manifest(family: Family, launcher: Path, ids: Sequence[str]) -> dict[str, Any]:
    """Who may start `launcher` as HOST_NAME: extensions with these ids and no others. JSON as the browser reads it."""
    manifest: dict[str, Any] = {
        "name": HOST_NAME,
        "description": "Tells Eyelid which pages are in view, so that it closes before a sensitive one is kept",
        "path": str(launcher.absolute()),
        "type": "stdio",
    }
    if family == "firefox":
        return {**manifest, "allowed_extensions": list(ids)}
    return {**manifest, "allowed_origins": [f"chrome-extension://{id_}/" for id_ in ids]}


def as_text(content: object) -> str:
    """JSON as it stands in a file: for people too, and always the same bytes."""
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def place(path: Path, content: bytes, mode: int) -> None:
    """`path` becomes this content with this mode in one step: no browser ever reads half a file. Raises OSError."""
    beside = path.with_name(f".{path.name}.new")
    durable.write(beside, content)
    beside.chmod(mode)
    beside.replace(path)
    durable.sync_folder(path.parent)
