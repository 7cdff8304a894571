"""Ports for a process that binds them later, as one that is named in a file before it starts.

A port that the system hands out would be handed out again in between: to a connection, or to another test's server.
"""

from __future__ import annotations

import random
import socket
from contextlib import ExitStack
from typing import Final

BELOW: Final = range(15_000, 32_000)  # the system's own choice begins at 32,768 (net.ipv4.ip_local_port_range)


def free_ports(count: int) -> list[int]:
    """Different ones of the loopback, and most likely none that another process chooses this way."""
    found: list[int] = []
    with ExitStack() as held:
        for port in random.SystemRandom().sample(BELOW, len(BELOW)):
            if len(found) == count:
                break
            one = held.enter_context(socket.socket())
            try:
                one.bind(("127.0.0.1", port))
            except OSError:
                continue
            found.append(port)
    return found
