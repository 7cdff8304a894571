"""What a process may still do once it is confined, tried by a process that is, as an attacker in a decoder would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from protocol.system import ON_LINUX
from store.evidence.film.confined import LANDLOCK, SECCOMP

pytestmark = pytest.mark.skipif(not ON_LINUX, reason="other systems confine by limits alone, and none was tried")

ATTEMPTS = """
import ctypes, fcntl, json, mmap, os, resource, signal, socket, subprocess, sys, threading
from pathlib import Path
from store.evidence.film.confined import confine

home, parent, link, out = sys.argv[1], os.getppid(), sys.argv[2], os.open(sys.argv[3], os.O_RDWR)
done = {"by": list(confine(memory=2 << 30, seconds=5, size=1 << 20))}
libc = ctypes.CDLL(None, use_errno=True)

def attempt(name, act):
    try:
        done[name] = repr(act())
    except BaseException as failure:
        done[name] = type(failure).__name__

def called(*numbers):
    if libc.syscall(*numbers) < 0:
        raise OSError(ctypes.get_errno(), "refused")

attempt("socket", lambda: socket.socket())
attempt("pair", lambda: socket.socketpair())
attempt("read home", lambda: Path(home, "secret").read_text())
attempt("list home", lambda: os.listdir(home))
attempt("write home", lambda: Path(home, "new").write_text("x"))
attempt("unlink", lambda: os.unlink(Path(home, "secret")))
attempt("rename", lambda: os.rename(Path(home, "secret"), Path(home, "taken")))
attempt("mkdir", lambda: os.mkdir(Path(home, "made")))
attempt("symlink", lambda: os.symlink("/", link))
attempt("chmod", lambda: os.chmod(Path(home, "secret"), 0o666))
attempt("fork", lambda: os.fork())
attempt("exec", lambda: os.execv("/bin/true", ["true"]))
attempt("kill", lambda: os.kill(parent, 0))
attempt("signal by file", lambda: fcntl.fcntl(out, 10, signal.SIGKILL))  # F_SETSIG
attempt("owner of file", lambda: fcntl.fcntl(out, fcntl.F_SETOWN, parent))
attempt("asynchronous", lambda: fcntl.fcntl(out, fcntl.F_SETFL, os.O_ASYNC))
attempt("ptrace", lambda: called(101, 16, parent, 0, 0))  # PTRACE_ATTACH
attempt("more files", lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)))
attempt("more memory", lambda: resource.setrlimit(resource.RLIMIT_AS, (-1, -1)))
attempt("bomb", lambda: bytearray(3 << 30))
attempt("bombs", lambda: [mmap.mmap(-1, 64 << 20) for _ in range(64)])
attempt("write", lambda: os.pwrite(out, b"x" * 1000, 0))
attempt("large", lambda: os.pwrite(out, b"x" * 1000, 2 << 20))
ran = []
attempt("thread", lambda: (lambda one: (one.start(), one.join()))(threading.Thread(target=ran.append, args=(1,))))
done["ran"] = ran
os.write(1, json.dumps(done).encode())
if len(sys.argv) > 4:
    while True:
        pass
"""

BY = """
import os
from store.evidence.film.confined import confine
os.write(1, " ".join(confine(memory=1 << 32, seconds=5, size=0)).encode())
"""

BESIDE = """
import threading
from store.evidence.film.confined import confine
done = threading.Event()
threading.Thread(target=done.wait).start()
try:
    confine(memory=1 << 32, seconds=5, size=0)
finally:
    done.set()
"""

ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1"}


def attempts(tmp_path: Path, *more: str) -> subprocess.CompletedProcess[str]:
    home = tmp_path / "home"
    home.mkdir()
    (home / "secret").write_text("what was there")
    (tmp_path / "out").touch()
    return subprocess.run(
        [sys.executable, "-I", "-c", ATTEMPTS, home, tmp_path / "link", tmp_path / "out", *more],
        capture_output=True,
        text=True,
        check=False,
        env=ENVIRONMENT,
    )


def test_it_can_compute_and_nothing_else(tmp_path: Path) -> None:
    ran = attempts(tmp_path)
    assert ran.returncode == 0, ran.stderr
    done = json.loads(ran.stdout)
    by = done.pop("by")
    assert (done.pop("thread"), done.pop("ran"), done.pop("write")) == ("(None, None)", [1], "1000")
    succeeded = {name for name, what in done.items() if what[0] not in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
    may = (
        set()
        if SECCOMP in by
        else {
            *("kill", "fork", "ptrace", "signal by file", "owner of file", "asynchronous"),
            *("chmod", "more memory", "more files"),
        }
    )
    may |= set() if {LANDLOCK, SECCOMP} & set(by) else {"unlink", "rename", "mkdir", "symlink", "exec"}
    assert succeeded <= may
    assert done["bomb"] == "MemoryError"
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["secret"] or may
    assert (tmp_path / "out").stat().st_size == 1000


def test_this_kernel_confines_by_both() -> None:
    """Debian 12 and later, Ubuntu 22.04 and later have both; one that lacks them shows here, not in an export."""
    said = subprocess.run(
        [
            *(sys.executable, "-c", BY),
        ],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | ENVIRONMENT,
    )
    if set(said.stdout.split()) != {LANDLOCK, SECCOMP}:
        pytest.skip(f"this system has only: {said.stdout or 'limits'}")


def test_what_computes_for_ever_is_ended(tmp_path: Path) -> None:
    assert attempts(tmp_path, "spin").returncode < 0


def test_a_thread_that_was_there_before_is_refused() -> None:
    ran = subprocess.run([sys.executable, "-c", BESIDE], capture_output=True, text=True, check=False)
    assert "threads were started before" in ran.stderr
