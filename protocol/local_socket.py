"""A Unix socket of which the kernel says who asks: for the services that sign and open for others."""

from __future__ import annotations

import errno
import os
import socket
import struct
import time
from pathlib import Path
from typing import Final

_PIECE: Final = 2**20  # bytes asked of the kernel at once
_BACKLOG: Final = 128
_UCRED: Final = struct.Struct("=iII")  # struct ucred of unix(7): pid, uid, gid


def listen(path: Path | None) -> socket.socket:
    """The socket that systemd hands over (sd_listen_fds(3)), else one at `path`, which anyone may connect to.

    Raises OSError; FileNotFoundError where there is neither.
    """
    if os.environ.get("LISTEN_PID") == str(os.getpid()):
        return socket.socket(fileno=3)
    if path is None:
        raise FileNotFoundError(errno.ENOENT, "no socket is handed over")
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.unlink(missing_ok=True)
        listening.bind(str(path))
        path.chmod(0o666)  # who asks is told by the kernel
        listening.listen(_BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening


def credentials(connection: socket.socket) -> tuple[int, int]:
    """Process and user at the other end, by their numbers, as the kernel knows them since the connection was made.

    Process 0 is in a pid namespace that this one does not see. Raises OSError.
    """
    pid, uid, _ = _UCRED.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
    return int(pid), int(uid)


def peer(connection: socket.socket) -> int:
    """The number of the user that connected."""
    return credentials(connection)[1]


def receive(connection: socket.socket, size: int, until: float) -> bytes:
    """Exactly so many bytes, before `until` (time.monotonic) however slowly they come.

    Raises TimeoutError, ConnectionError, OSError.
    """
    parts = bytearray()
    while len(parts) < size:
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        connection.settimeout(left)
        part = connection.recv(min(size - len(parts), _PIECE))
        if not part:
            raise ConnectionError
        parts += part
    return bytes(parts)
