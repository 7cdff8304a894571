"""Tells systemd that this process still hears and shows: one that hangs would leave its last picture in the panel, and
an eye that is shut there may be open. The protocol is sd_notify(3): a datagram, so no library for it.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Mapping


def still_here(environment: Mapping[str, str] = os.environ) -> None:
    """To be called at least every few seconds (`WatchdogSec=`); does nothing where no unit watches this process."""
    name = environment.get("NOTIFY_SOCKET", "")
    if not name or "WATCHDOG_USEC" not in environment:
        return
    # A manager that is busy or gone: what to do about it is its own affair, and it decides by what does not come.
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.setblocking(False)
        line.sendto(b"WATCHDOG=1", "\0" + name[1:] if name.startswith("@") else name)
