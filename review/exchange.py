"""One exchange with the custodian over its socket, for the console and for commands: one request a connection.

request, answer    length (4 bytes, big-endian) · JSON
"""

from __future__ import annotations

import json
import socket
import struct
import time
from pathlib import Path
from typing import Any, Final

from protocol import local_socket
from protocol.claims import parse_object
from protocol.errors import ProtocolError

WITHIN: Final = 5.0  # seconds for a whole exchange
MAX_SIZE: Final = 16 * 2**20
SIZE: Final = struct.Struct(">I")


def exchange(path: Path, do: str, *, within: float = 2 * WITHIN, **fields: Any) -> dict[str, Any]:
    """What it answers within so many seconds, a refusal too. Raises OSError; ValueError for what is no JSON."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        until = time.monotonic() + within
        connection.settimeout(within)
        connection.connect(str(path))
        sent = json.dumps({"do": do, **fields}).encode()
        connection.sendall(SIZE.pack(len(sent)) + sent)
        (size,) = SIZE.unpack(local_socket.receive(connection, SIZE.size, until))
        return parse_object(local_socket.receive(connection, min(size, MAX_SIZE), until))


def ask(path: Path, do: str, **fields: Any) -> dict[str, Any]:
    """Raises ProtocolError with the answer's code; as `exchange`."""
    answer = exchange(path, do, **fields)
    if "error" in answer:
        raise ProtocolError(str(answer["error"]), str(answer.get("message")))
    return answer
