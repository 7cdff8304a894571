"""Faults for tests: system calls that fail or kill, and disks that fill up or lose their power."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from testkit import disks
from testkit.disks import EXT4, MEGABYTE, CannotMount, Disk


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
def breakable(kind: str = EXT4, *, size: int = 24 * MEGABYTE, inodes: int | None = None) -> Iterator[Disk]:
    """A disk of the test's own, with these limits. The test is skipped where this machine may not mount one."""
    with ExitStack() as stack:
        try:
            disk = stack.enter_context(disks.disk(kind, size=size, inodes=inodes))
        except CannotMount as why:
            pytest.skip(str(why))
        yield disk


def program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path
