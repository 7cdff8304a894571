"""The sensitive window of bench/sound: it comes and goes as standard input says, and answers with the moment.

python -m bench.sound_window        then `show` and `hide`, a line each; the answer is the PC's clock in ns
"""

from __future__ import annotations

import os
import socket
import sys
from typing import Final

from setproctitle import setproctitle
from Xlib import X, Xatom, display

from agent.desktop.clock import BootClock

NAME: Final = "eyelid-bench-till"  # what the bench's rule closes for
COLOUR: Final = 0xFF00FF


def main() -> None:
    setproctitle(NAME)
    server = display.Display()
    screen = server.screen()
    window = screen.root.create_window(
        300, 200, 400, 300, 0, screen.root_depth, background_pixel=COLOUR, event_mask=X.StructureNotifyMask
    )
    window.set_wm_name("Till")
    window.change_property(server.intern_atom("_NET_WM_PID"), Xatom.CARDINAL, 32, [os.getpid()])
    window.set_wm_client_machine(socket.gethostname())
    clock = BootClock()
    for line in sys.stdin:
        if line.strip() == "show":
            window.map()
            server.flush()
            while server.next_event().type != X.MapNotify:
                pass
        else:
            window.unmap()
            server.sync()
            while server.pending_events():
                server.next_event()
        print(clock.now(), flush=True)


if __name__ == "__main__":
    main()
