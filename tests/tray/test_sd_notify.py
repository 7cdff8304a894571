"""What systemd hears of a tray that goes on."""

from __future__ import annotations

import socket
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from agent.tray.sd_notify import still_here


def test_systemd_is_told_where_it_watches() -> None:
    with TemporaryDirectory(prefix="eye-") as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        name = str(Path(folder) / "notify")
        manager.bind(name)
        still_here({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "15000000"})
        assert manager.recv(99) == b"WATCHDOG=1"


@pytest.mark.skipif(not hasattr(socket, "AF_NETLINK"), reason="only Linux has sockets without a file")
def test_a_name_that_is_no_file_is_one_too() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("")  # Linux chooses one
        still_here({"NOTIFY_SOCKET": "@" + manager.getsockname()[1:].decode(), "WATCHDOG_USEC": "15000000"})
        assert manager.recv(99) == b"WATCHDOG=1"


def test_nobody_is_told_where_nobody_watches_or_the_manager_has_gone(tmp_path: Path) -> None:
    still_here({})
    still_here({"NOTIFY_SOCKET": str(tmp_path / "nobody"), "WATCHDOG_USEC": "15000000"})
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("")
        manager.setblocking(False)
        still_here({"NOTIFY_SOCKET": "@" + manager.getsockname()[1:].decode()})
        with pytest.raises(BlockingIOError):
            manager.recv(99)
