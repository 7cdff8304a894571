"""Packages of npm that tests use, as a lock file names them, installed once into the user's cache."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest


def installed(wanted: Path, name: str, scratch: Path) -> Path:
    """A folder called after `name` with the packages of `wanted` (package.json, its lock file, .npmrc).

    `scratch`: an empty folder of the test's. Needs the npm registry once for each lock file.
    """
    if missing := [program for program in ("node", "npm") if shutil.which(program) is None]:
        pytest.fail(f"{' and '.join(missing)} not found: scripts/setup installs them (Debian: apt install nodejs npm)")
    contents = b"".join((wanted / file).read_bytes() for file in ("package.json", "package-lock.json"))
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "eyelid"
    folder = cache / f"{name}-{hashlib.sha256(contents).hexdigest()[:16]}"
    if not folder.exists():
        for file in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(wanted / file, scratch)
        npm = shutil.which("npm") or "npm"
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        ran = subprocess.run(command, cwd=scratch, capture_output=True, text=True, check=False)
        if ran.returncode:
            pytest.fail(f"npm ci failed, it needs the npm registry once:\n{ran.stderr[-2000:]}")
        cache.mkdir(parents=True, exist_ok=True)
        staged = cache / f"{folder.name}.{os.getpid()}"
        shutil.copytree(scratch, staged)
        try:
            staged.rename(folder)  # whole or not at all: two test runs may do this at the same time
        except OSError:
            shutil.rmtree(staged)
    return folder
