"""Faults for tests: system calls that fail or kill, and disks that are soon full."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def strace(child: list[str], inject: str, log: Path, *more: str, trace: str = "") -> subprocess.CompletedProcess[str]:
    """A Python module (and its arguments) under strace, with a fault put into its system calls."""
    return subprocess.run(
        [
            *(program("strace"), "-f", "-y", "-o", str(log), *more),
            *("-e", f"trace={trace or inject.partition(':')[0]}", "-e", f"inject={inject}"),
            *(sys.executable, "-m", *child),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},  # Python's own caching would write and rename too
    )


@contextmanager
def small_disk(mount: Path, options: str) -> Iterator[Path]:
    """A tmpfs with these limits at `mount`."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small tmpfs needs root")
    mount.mkdir()
    small = ["-t", "tmpfs", "-o", options, "none", str(mount)]
    if subprocess.run([program("mount"), *small], capture_output=True, check=False).returncode != 0:
        pytest.skip("this root may not mount (a container?)")
    try:
        yield mount
    finally:
        subprocess.run([program("umount"), str(mount)], check=True)


def program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path
