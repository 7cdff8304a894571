"""The socket of the services: who asks is the kernel's word, and who sends slowly or nothing is left in time."""

from __future__ import annotations

import os
import shutil
import socket
import struct
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from protocol import dumps, folder, local_socket
from protocol.system import ON_WINDOWS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel says who asks on Linux alone")


@pytest.fixture
def short() -> Iterator[Path]:
    """A socket's name has 107 characters at the most."""
    made = Path(tempfile.mkdtemp())
    yield made
    shutil.rmtree(made)


def test_the_kernel_says_who_connected_also_where_a_dead_service_left_its_socket(short: Path) -> None:
    for _ in range(2):
        with local_socket.listen(short / "s") as listening, socket.socket(socket.AF_UNIX) as one:
            one.connect(str(short / "s"))
            connection, _ = listening.accept()
            with connection:
                assert local_socket.peer(connection) == os.getuid()
                one.sendall(b"abcd")
                assert local_socket.receive(connection, 3, time.monotonic() + 30) == b"abc"
                with pytest.raises(TimeoutError):
                    local_socket.receive(connection, 3, time.monotonic() - 1)
                one.shutdown(socket.SHUT_WR)
                with pytest.raises(ConnectionError):
                    local_socket.receive(connection, 3, time.monotonic() + 30)


def test_users_beyond_two_thousand_million_have_their_own_numbers() -> None:
    """Such as large directories and containers hand out. The process may be 0: one that cannot be seen from here."""

    class Connection:
        def getsockopt(self, _level: int, _option: int, size: int) -> bytes:
            return struct.pack("=iII", 0, 2**32 - 2, 2**32 - 3)[:size]

    assert local_socket.credentials(cast("socket.socket", Connection())) == (0, 2**32 - 2)


def test_a_socket_that_systemd_hands_over_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[dict[str, int]] = []
    monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
    monkeypatch.setattr(local_socket.socket, "socket", lambda **told: taken.append(told))  # none is handed on
    local_socket.listen(None)
    assert taken == [{"fileno": 3}]


def test_where_nothing_can_be_listened_at_the_system_says_why(short: Path) -> None:
    with pytest.raises(FileNotFoundError):
        local_socket.listen(None)
    with pytest.raises(FileNotFoundError):
        local_socket.listen(short / "missing" / "s")


# -- what else services of keys need of the system --------------------------------------------------------------------


def test_memory_is_locked_or_the_system_says_no(monkeypatch: pytest.MonkeyPatch) -> None:
    """The patch: what the system answers, as to lock this process would outlive the test."""

    class System:
        answer = 0

        def mlockall(self, flags: int) -> int:
            assert flags == 7
            return self.answer

    monkeypatch.setattr(dumps.ctypes, "CDLL", lambda _name: System())  # or this process stays locked
    dumps.lock_memory()
    System.answer = -1
    with pytest.raises(OSError, match="LimitMEMLOCK"):
        dumps.lock_memory()
    monkeypatch.setattr(dumps, "ON_LINUX", False)  # as elsewhere
    dumps.lock_memory()


def test_a_file_that_root_writes_is_its_folders_owners(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The patch: who this is, and what the system is asked to do about it."""
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "fchown", lambda _fd, uid, gid: asked.append((uid, gid)))  # only root may
    for uid in (0, 1000):
        monkeypatch.setattr(os, "geteuid", lambda uid=uid: uid)  # as root, and not
        folder.write_over(tmp_path / "file", str(uid).encode())
        assert (tmp_path / "file").read_text() == str(uid)
    owner = tmp_path.stat()
    assert asked == [(owner.st_uid, owner.st_gid)]
    with pytest.raises(FileExistsError):
        folder.write_new(tmp_path / "file", b"")
    folder.write_new(tmp_path / "other", b"x")
    assert not ON_WINDOWS
