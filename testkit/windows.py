"""Drives programs that open real windows, each in a process with a name of its own."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from testkit.displays import end, environment

PROGRAM = Path(__file__).with_name("window_program.py")


class Program:
    """A running application. Methods are those of `window_program.Windows`; each returns when X has carried it out."""

    def __init__(self, process: subprocess.Popen[bytes], name: str) -> None:
        self._process = process
        self.pid = process.pid
        self.name = name

    def __getattr__(self, command: str) -> Any:
        def tell(**arguments: Any) -> Any:
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.write(json.dumps({"do": command, **arguments}).encode() + b"\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
            if not line:
                raise RuntimeError(f"the window program ended at {command!r}")
            return json.loads(line)

        return tell


@contextlib.contextmanager
def program(display: str, name: str = "till", *, command: list[str] | None = None) -> Iterator[Program]:
    """`name`: what the kernel calls the process (at most 15 bytes)."""
    process = subprocess.Popen(
        [*(command or [sys.executable]), str(PROGRAM), name],
        env=environment(display),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        yield Program(process, name)
    finally:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        process.stdout.close()
        end(process)
