"""The local socket that browsers' relays connect to, and the framing on it: whole messages, few and small enough.

The relay (agent/browser/native_host.py) checks the same bounds; a program that connects without it meets them, too.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from pathlib import Path
from typing import Final

from agent.errors import EnvironmentFault, UserError

FROM_BROWSER: Final = 8 * 2**20  # bytes of one message
FROM_AGENT: Final = 2**20  # the browsers' own limit
PER_SECOND: Final = 2000  # messages
WAITING: Final = 4 * FROM_AGENT  # bytes that a relay may leave untaken
_LENGTH: Final = struct.Struct("=I")
_PIECE: Final = 256 * 1024  # bytes read at once
_PATH_LIMIT: Final = 107  # bytes in sockaddr_un, Linux unix(7)


class Ended(Exception):
    """The other end has gone."""


class Excess(Exception):
    """The other end sends messages that are too large, empty or too many, or takes none."""


def listen(path: Path) -> socket.socket:
    """A listening socket that only this user (and root) can open, in a folder that only they can enter.

    Raises UserError when the path is too long, EnvironmentFault when it cannot be made.
    """
    if len(os.fsencode(path)) > _PATH_LIMIT:
        raise UserError(
            f"the path of the home is too long for a local socket ({path}): set EYELID_HOME to a shorter one"
        )
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.parent.chmod(0o700)
        path.unlink(missing_ok=True)  # the home is claimed, so what lies here is a dead recorder's
        listening.bind(str(path))
        path.chmod(0o600)
        listening.listen(16)
    except OSError as failure:
        listening.close()
        raise EnvironmentFault(
            f"{path}, where browsers reach Eyelid, cannot be made: {failure.strerror}; is the folder yours?"
        ) from failure
    listening.setblocking(False)
    return listening


class Connection:
    """One relay's end of the socket. Never blocks."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._end = end
        self._read = bytearray()
        self._unsent = bytearray()
        self._second = time.monotonic()
        self._count = 0

    def fileno(self) -> int:
        return self._end.fileno()

    @property
    def unsent(self) -> bool:
        """Whether `flush` is to be called once the socket takes more."""
        return bool(self._unsent)

    def read(self) -> list[bytes]:
        """The messages that are whole now. Raises Ended, or Excess: then the connection is to be closed."""
        try:
            piece = self._end.recv(_PIECE)
        except BlockingIOError:
            return []
        except OSError:
            raise Ended from None
        if not piece:
            raise Ended
        self._read += piece
        messages = []
        end = 0
        while len(self._read) - end >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._read, end)
            if not 0 < length <= FROM_BROWSER:
                raise Excess
            start = end + _LENGTH.size
            if len(self._read) - start < length:
                break
            end = start + length
            messages.append(bytes(self._read[start:end]))
        del self._read[:end]
        self._limit_rate(len(messages))
        return messages

    def _limit_rate(self, messages: int) -> None:
        now = time.monotonic()
        if now - self._second >= 1:
            self._second, self._count = now, 0
        self._count += messages
        if self._count > PER_SECOND:
            raise Excess

    def tell(self, message: bytes) -> None:
        """Sends now what the socket takes, keeps the rest for `flush`. Raises Ended or Excess."""
        self._unsent += _LENGTH.pack(len(message)) + message
        self.flush()
        if len(self._unsent) > WAITING:
            raise Excess

    def flush(self) -> None:
        """Raises Ended."""
        try:
            while self._unsent:
                del self._unsent[: self._end.send(self._unsent)]
        except BlockingIOError:
            return
        except OSError:
            raise Ended from None

    def close(self) -> None:
        self._end.close()
