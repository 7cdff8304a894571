"""What a command need not import it does not: on a PC that is busy with a call, each import is felt.

By the modules that a process has, never by the time that it took.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

# Ends as the command does; then says on stderr what it has imported.
STARTED = """
import atexit, json, sys
atexit.register(lambda: sys.stderr.write("\\n" + json.dumps(sorted(sys.modules))))
from {package}.__main__ import main
sys.exit(main({words!r}))
"""
PICTURES = {"av", "mss", "numpy", "PIL", "Xlib"}
SERVING = {"jinja2", "prometheus_client", "starlette", "uvicorn"}
KEYS = {"cryptography", "joserfc"}
DATABASE = {"alembic", "sqlalchemy"}
REST = {"asyncio", "dbus_fast", "fpdf", "httpx", "psutil", "pywinctl", "sounddevice", "watchdog", "webauthn", "zxcvbn"}
DRAWN = {"importlib.metadata", "rich"}
ALL = PICTURES | SERVING | KEYS | DATABASE | REST | DRAWN


@pytest.mark.parametrize(
    ("package", "words", "without"),
    [
        ("agent", ["--help"], ALL | {"yaml"}),
        ("agent", ["status", "--json"], ALL),
        ("agent", ["tray", "--help"], ALL),
        ("agent", ["policy", "check", "."], ALL - {"rich"}),
        ("store", ["--help"], ALL | {"yaml"}),
        ("review", ["--help"], ALL | {"yaml"}),
        ("review", ["governance", "check", "."], ALL - KEYS - {"rich"}),
        ("review", ["audit", "verify", "--help"], ALL - KEYS - DRAWN),
        ("review", ["custodian", "serve", "--home", "."], ALL - KEYS - {"rich"}),
        ("review", ["player", "serve", "--help"], ALL - {"rich"}),
    ],
)  # fmt: skip
def test_a_command_starts_without_what_it_does_not_need(
    package: str, words: list[str], without: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EYELID_HOME", str(tmp_path))
    code = STARTED.format(package=package, words=words)
    ended = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "Traceback" not in ended.stderr, ended.stderr
    imported = set(json.loads(ended.stderr.splitlines()[-1]))
    assert f"{package}.__main__" in imported
    assert not sorted(imported & without)
