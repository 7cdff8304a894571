"""How long the relay needs from its start to the first message, beside a Python that does nothing.

    scripts/bench relay [--quick] [--json] [--rounds N]

Until it runs nobody hears of what happens in a page, and the eye is closed. Its launcher is started as the browser does
it, with a message already in its pipe, until an agent's socket has all of that. The aim is 100 ms; it fails where
nothing came, never for its time.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Final

from agent.browser.manifests import HOST_NAME, SOCKET_NAME, write_launcher
from bench import harness
from testkit.interrupts import in_order

HELLO: Final = json.dumps({"n": 1, "kind": "hello"}).encode()
MESSAGE: Final = len(HELLO).to_bytes(4, sys.byteorder) + HELLO
WITHIN: Final = 30.0  # seconds for one start, on whatever machine


def first_message(launcher: Path, listening: socket.socket) -> float:
    """ms from the launcher's start to the first whole message at the socket. Raises OSError when none comes."""
    began = time.perf_counter()
    with subprocess.Popen([launcher, "chrome-extension://bench/"], stdin=subprocess.PIPE) as relay:
        assert relay.stdin is not None
        relay.stdin.write(MESSAGE)
        relay.stdin.flush()
        end, _ = listening.accept()
        with end:
            end.settimeout(WITHIN)
            got = b""
            while len(got) < len(MESSAGE):
                piece = end.recv(len(MESSAGE) - len(got))
                if not piece:
                    raise ConnectionError("the relay let go before its first message was whole")
                got += piece
            took = time.perf_counter() - began
        relay.stdin.close()
    return 1000 * took


def nothing() -> float:
    """ms from the start of a Python that loads as little as the relay's does to its end."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-I", "-S", "-c", "pass"], check=True, timeout=WITHIN)
    return 1000 * (time.perf_counter() - began)


def measure(rounds: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="eyelid-relay-") as made:
        path = Path(made) / SOCKET_NAME
        launcher = write_launcher(Path(made) / HOST_NAME, path)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
            listening.bind(str(path))
            listening.listen()
            listening.settimeout(WITHIN)
            first_message(launcher, listening)  # so that the files are in memory, as they are after a login
            relays, bare = [], []
            for _ in range(rounds):  # in turn, so that both meet the same machine
                relays.append(first_message(launcher, listening))
                bare.append(nothing())
    return {
        "relay_ms": round(median(relays), 1),
        "relay_ms_max": round(max(relays), 1),
        "python_ms": round(median(bare), 1),
        "ratio": round(median(relays) / median(bare), 2),
    }


def main() -> int:
    parser = harness.parser("relay", __doc__, "20 starts, a few seconds", "--rounds 200 --json")
    parser.add_argument("--rounds", type=int, default=100, metavar="N", help="starts of each (default %(default)s)")
    arguments = parser.parse_args()
    try:
        found = measure(20 if arguments.quick else arguments.rounds)
    except OSError as failure:
        print(f"the relay's first message did not come: {failure}", file=sys.stderr)
        return 1
    if arguments.json:
        print(json.dumps(found))
    else:
        print(
            f"{found['relay_ms']} ms from the relay's start to its first message at the agent (median; longest "
            f"{found['relay_ms_max']}), {found['ratio']} times a Python that does nothing ({found['python_ms']} ms)"
        )
    return 0


if __name__ == "__main__":
    sys.exit(in_order(main))
