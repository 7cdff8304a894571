"""Who is at the other end of a socket, asked of the kernel and of the process table."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from shutil import copy

import psutil
import pytest

from agent.core.model.seen import Blind
from agent.witness.browser_peer import Parent, is_a, is_a_browser, parent_of, peer_of

WITHIN = 20.0


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE) as child:
        yield child


def test_the_parent_is_told_by_pid_and_program(child: subprocess.Popen[bytes]) -> None:
    own = Path(psutil.Process().exe()).name
    assert parent_of(child.pid) == Parent(os.getpid(), own)


def test_a_parent_whose_program_was_replaced_meanwhile_keeps_its_name(tmp_path: Path) -> None:
    """As after an update of the browser: the kernel then calls the file deleted."""
    browser = tmp_path / "chromium"
    copy("/bin/sh", browser)
    with subprocess.Popen(
        [str(browser), "-c", "/bin/cat; exit"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as started:
        assert started.stdin is not None
        assert started.stdout is not None
        started.stdin.write(b"x")
        started.stdin.flush()
        assert started.stdout.read(1) == b"x"  # cat runs
        (cat,) = psutil.Process(started.pid).children()
        browser.unlink()
        assert parent_of(cat.pid) == Parent(started.pid, "chromium")


def test_a_process_that_has_gone_has_vanished() -> None:
    gone = subprocess.Popen(["/bin/true"])
    gone.wait()
    assert parent_of(gone.pid) is Blind.VANISHED
    assert parent_of(2**22 + 1) is Blind.VANISHED


def test_a_number_used_again_meanwhile_has_vanished(
    child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    for pid in (child.pid, os.getpid()):
        # By the start time that it reads anew, psutil knows that another process stands there now.
        monkeypatch.setattr(psutil.Process, "is_running", lambda process, gone=pid: process.pid != gone)
        assert parent_of(child.pid) is Blind.VANISHED
        monkeypatch.undo()


def test_a_parent_that_may_not_be_read_is_no_browser(
    child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: psutil.Process) -> str:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil.Process, "exe", refuse)
    assert parent_of(child.pid) == Parent(os.getpid(), psutil.Process().name().casefold())  # its name may be
    monkeypatch.setattr(psutil.Process, "name", refuse)
    assert parent_of(child.pid) is Blind.FOREIGN_PROCESS


def test_what_a_browser_calls_itself_must_fit_its_program() -> None:
    assert is_a("Chromium", Parent(1, "chromium"))
    assert is_a("Firefox", Parent(1, "firefox-esr"))
    assert not is_a("Chrome", Parent(1, "chromium"))
    assert not is_a("Firefox", Parent(1, "chrome"))
    assert not is_a("Lynx", Parent(1, "lynx"))
    assert is_a_browser(Parent(1, "msedge"))
    assert not is_a_browser(Parent(1, "python3.11"))


def test_a_peer_of_this_user_is_told_by_pid() -> None:
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with one, other:
        assert peer_of(one) == os.getpid()


def test_what_is_no_local_socket_has_no_peer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()[:2]) as end:
        assert isinstance(peer_of(end), Blind)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be another user")
def test_a_peer_of_another_user_is_foreign() -> None:
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listening:
        path = Path(folder, "open.sock")
        listening.bind(str(path))
        path.chmod(0o666)
        path.parent.chmod(0o755)
        listening.listen()
        listening.settimeout(WITHIN)
        connect = (
            "import os, socket, sys\n"
            "os.setuid(65534)\n"
            "s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.recv(1)\n"
        )
        with subprocess.Popen([sys.executable, "-I", "-S", "-c", connect, str(path)]) as stranger:
            end, _ = listening.accept()
            with end:
                assert peer_of(end) is Blind.FOREIGN_PROCESS
            assert stranger.wait(WITHIN) == 0
