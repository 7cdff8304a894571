"""README's three paths, pasted as a reader pastes them: into an interactive bash at a terminal, block after block.

The shell has a home, a folder for temporary files and a loopback of its own, and on PATH only what the first line of
the first block puts there. So a block fails here where it works only after something that README does not say.
"""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import psutil
import pytest

from testkit.stage import own_display
from tests.test_documents import PATHS, ROOT

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(500)]

PATIENCE: Final = 120.0  # seconds for one line, on a machine that is busy with other tests
ENDED: Final = re.compile(r"<ended (\d+)>\r?\n")
# Bash says so before each prompt. A dumb terminal gets no colour, no bar of progress and no bracketed paste.
PROMPTS: Final = {"PROMPT_COMMAND": 'echo "<ended $?>"', "PS1": "", "PS2": "", "TERM": "dumb", "COLUMNS": "150"}
(TO_END,) = re.findall(r"To end it all:\s+`([^`]+)`", (ROOT / "README.md").read_text("utf-8"))
# With a code other than 0 these two say that the PC lacks something, as this one lacks a headset and an extension.
JUDGES: Final = re.compile(r"(?:sleep \d+; )?eyelid (?:status|doctor)\b")
# In a new network the loopback is down. SIOCSIFFLAGS with IFF_UP and IFF_RUNNING: `ip` is not on every machine.
WITH_LOOPBACK: Final = """
import fcntl, os, socket, struct, sys
with socket.socket() as any_socket:
    fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH22x", b"lo", 0x41))
os.execvp(sys.argv[1], sys.argv[1:])
"""


@dataclass(frozen=True)
class Line:
    typed: str
    printed: str
    code: int


class Shell:
    """An interactive bash at a pseudo-terminal, in a network of its own, where the store's port is free."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._here, there = pty.openpty()
        apart = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
        self._process = subprocess.Popen(
            [*apart, sys.executable, "-c", WITH_LOOPBACK, "bash", "--norc", "--noprofile", "-i"],
            cwd=folder,
            env={**environment, **PROMPTS},
            stdin=there,
            stdout=there,
            stderr=there,
            start_new_session=True,
        )
        os.close(there)
        self._said = ""
        self._until_prompt()

    def paste(self, block: str) -> list[Line]:
        """All of it at once, as a terminal hands it over; what each of its lines printed."""
        os.write(self._here, f"{block.rstrip()}\n".encode())
        return [Line(typed, *self._until_prompt()) for typed in block.splitlines()]

    def _until_prompt(self) -> tuple[str, int]:
        deadline = time.monotonic() + PATIENCE
        while (found := ENDED.search(self._said)) is None:
            if not select.select([self._here], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise TimeoutError(f"no prompt within {PATIENCE:.0f} s after:\n{self._said}")
            self._said += os.read(self._here, 65536).decode("utf-8", "replace")
        printed, self._said = self._said[: found.start()], self._said[found.end() :]
        return printed.replace("\r\n", "\n"), int(found.group(1))

    def end(self) -> None:
        """With all that it started and that still runs."""
        whole = [psutil.Process(self._process.pid), *psutil.Process(self._process.pid).children(recursive=True)]
        for process in whole:
            with suppress(psutil.NoSuchProcess):  # those that were just told to end
                process.kill()
        psutil.wait_procs(whole)
        self._process.wait()
        os.close(self._here)


@contextmanager
def shell() -> Iterator[Shell]:
    """In a folder like a clone that was set up, in an X11 session with a program in view."""
    with TemporaryDirectory() as made:  # not pytest's: a socket's path holds a hundred characters
        folder = Path(made)
        for name in ("home", "tmp", "run", "clone/.venv"):
            (folder / name).mkdir(mode=0o700, parents=True)
        (folder / "clone/.venv/bin").symlink_to(Path(sys.executable).parent)
        with own_display(folder) as stage, stage.program("notes", (40, 60)):
            environment = {
                "PATH": os.pathsep.join(("/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin")),
                "HOME": str(folder / "home"),
                "TMPDIR": str(folder / "tmp"),
                "XDG_RUNTIME_DIR": str(folder / "run"),
                "DISPLAY": stage.name,
                "LANG": "C.UTF-8",
            }
            started = Shell(folder / "clone", environment)
            try:
                yield started
            finally:
                started.end()


@pytest.fixture(scope="module")
def pasted() -> list[list[Line]]:
    """The three paths, and the line that ends it all."""
    with shell() as bash:
        return [bash.paste(block) for block in (*PATHS, TO_END)]


@pytest.mark.parametrize("number", range(4), ids=["IT", "agents", "compliance", "the end"])
def test_each_line_of_a_block_works_when_pasted(pasted: list[list[Line]], number: int) -> None:
    failed = [line for line in pasted[number] if line.code and not JUDGES.match(line.typed)]
    assert not failed, "\n".join(f"{line.code}: {line.typed}\n{line.printed}" for line in failed)


@pytest.mark.parametrize(
    ("number", "command", "printed"),
    [
        (0, "enroll -", "This PC is now enrolled"),
        (0, "status", "Card payments, revision"),
        (0, "doctor", "eyelid browser install --browser"),
        (1, "hold", "On hold: nothing is being kept"),
        (1, "release", "Released."),
        (1, "timeline", "held: by the person (break)"),
        (2, "policy check", "no mistake"),
        (2, "policy test", "expectations hold"),
        (2, "policy explain", "payment-pages closes both"),
        (2, "timeline", "held: by the person (break)"),
        (2, "verify", "every chunk opens, unchanged since it was sealed"),
        (2, "verify", "nothing wrong was found in recording"),
        (2, "export", "Play it:"),
        (2, "gaps", "1 PC since"),
    ],
)
def test_a_block_shows_what_it_promises(pasted: list[list[Line]], number: int, command: str, printed: str) -> None:
    line = [line for line in pasted[number] if f" {command}" in line.typed.split("#")[0]][-1]
    assert printed in " ".join(line.printed.split())


def test_status_shows_the_hold_while_it_lasts(pasted: list[list[Line]]) -> None:
    before, during = [line.printed for line in pasted[1] if line.typed.startswith("eyelid status")]
    assert "You have stopped the recording" in during
    assert "You have stopped the recording" not in before


def test_the_last_line_ends_the_recorder_and_the_store(pasted: list[list[Line]]) -> None:
    assert pasted[3][0].code == 0
