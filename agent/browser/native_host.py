"""The relay that the browser starts for the extension: carries messages between its pipes and the agent's socket.

Runs alone, perhaps from a copy, as `python -I -S native_host.py --socket PATH [the browser's own arguments]`: it knows
nothing else of Eyelid, and imports little, since every browser waits for its start. A message is four bytes of length
in native order and that many bytes (docs/browser-protocol.md), which are carried unread and whole or not at all.

Without an agent it tries again twice a second and drops what comes meanwhile. An agent that does not take what it is
sent loses the connection. The browser's end of file is the relay's end.

What only Unix has stands in `connect` (local sockets, the owner of the other end) and in `poll` on pipes; Windows
needs both done another way and cannot run this file yet.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import sys
import time

FROM_BROWSER = 8 * 2**20  # bytes of one message
FROM_AGENT = 2**20  # the browsers' own limit
PER_SECOND = 2000  # messages, of each side
WAITING = 2 * FROM_BROWSER  # bytes that an agent may leave untaken
RETRY = 0.5  # seconds between two attempts to find the agent
PIECE = 256 * 1024  # bytes read at once

LENGTH = struct.Struct("=I")
CREDENTIALS = struct.Struct("=iII")  # struct ucred of socket(7): pid, uid, gid


class Refused(Exception):
    """What a side sent is not carried. `code` is the exit code: 4 the browser's fault, 5 the agent's."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


class Messages:
    """Cuts what one side sends into whole messages. Raises Refused as soon as a length is in that cannot be right."""

    def __init__(self, side: str, largest: int, code: int) -> None:
        self._side = side
        self._largest = largest
        self._code = code
        self._held = bytearray()
        self._second = time.monotonic()
        self._count = 0

    def take(self, piece: bytes) -> bytes:
        """The messages that `piece` completes, one after the other; the rest is held for the next piece."""
        self._held += piece
        end = 0
        while len(self._held) - end >= LENGTH.size:
            (length,) = LENGTH.unpack_from(self._held, end)
            if not 0 < length <= self._largest:
                raise Refused(self._code, f"{self._side} sent a message of {length} bytes; 1 to {self._largest} may be")
            if len(self._held) - end - LENGTH.size < length:
                break
            end += LENGTH.size + length
            self._limit_rate()
        whole = bytes(self._held[:end])
        del self._held[:end]
        return whole

    def _limit_rate(self) -> None:
        now = time.monotonic()
        if now - self._second >= 1:
            self._second, self._count = now, 0
        self._count += 1
        if self._count > PER_SECOND:
            raise Refused(self._code, f"{self._side} sent more than {PER_SECOND} messages in a second")


def connect(path: str) -> socket.socket | None:
    """The agent, if one listens at `path` and is run by this relay's own user."""
    agent = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    agent.setblocking(False)
    try:
        agent.connect(path)
        credentials = agent.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
    except OSError:
        agent.close()
        return None
    if CREDENTIALS.unpack(credentials)[1] != os.getuid():
        agent.close()
        return None
    return agent


class Relay:
    """Between the pipes `source` and `sink` (file descriptors) and the socket at `path`."""

    def __init__(self, path: str, source: int, sink: int) -> None:
        self._path = path
        self._source = source
        self._sink = sink
        self._agent: socket.socket | None = None
        self._next_attempt = 0.0
        self._from_browser = Messages("the browser", FROM_BROWSER, 4)
        self._from_agent = Messages("the agent", FROM_AGENT, 5)
        self._to_browser = bytearray()
        self._to_agent = bytearray()

    def run(self) -> None:
        """Returns when the browser has closed its end. Raises Refused."""
        try:
            os.set_blocking(self._source, False)
            os.set_blocking(self._sink, False)
        except OSError:
            return  # started with a closed pipe: there is no other end
        while True:
            wait = None if self._agent is not None else self._attempt()
            happened = self._watch().poll(wait)
            for descriptor, event in happened:
                if descriptor == self._source:
                    if not self._hear_browser():
                        return
                elif descriptor == self._sink:
                    if not self._tell_browser(event):
                        return
                elif self._agent is not None and descriptor == self._agent.fileno():
                    self._exchange_with_agent(event)

    def _attempt(self) -> float | None:
        """Connects if it is time to; how many ms to wait for anything else, None for ever."""
        left = self._next_attempt - time.monotonic()
        if left <= 0:
            self._agent = connect(self._path)
            self._next_attempt = time.monotonic() + RETRY
            left = RETRY
        return None if self._agent is not None else left * 1000

    def _watch(self) -> select.poll:
        watched = select.poll()
        watched.register(self._source, select.POLLIN)
        watched.register(self._sink, select.POLLOUT if self._to_browser else 0)
        if self._agent is not None:
            # An agent is not read while the browser has not taken what came before.
            hear = select.POLLIN if len(self._to_browser) < FROM_AGENT else 0
            watched.register(self._agent, hear | (select.POLLOUT if self._to_agent else 0))
        return watched

    def _hear_browser(self) -> bool:
        try:
            piece = os.read(self._source, PIECE)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if not piece:
            return False
        whole = self._from_browser.take(piece)
        if self._agent is not None:
            self._to_agent += whole
            self._tell_agent()
        return True

    def _tell_browser(self, event: int) -> bool:
        if event & (select.POLLERR | select.POLLHUP | select.POLLNVAL):
            return False
        try:
            del self._to_browser[: os.write(self._sink, self._to_browser[:PIECE])]
        except BlockingIOError:
            pass
        except OSError:
            return False
        return True

    def _exchange_with_agent(self, event: int) -> None:
        if event & select.POLLOUT:
            self._tell_agent()
        if self._agent is None or not event & ~select.POLLOUT:
            return
        try:
            piece = self._agent.recv(PIECE)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        if piece:
            self._to_browser += self._from_agent.take(piece)
        else:
            self._let_go()

    def _tell_agent(self) -> None:
        if self._agent is None or not self._to_agent:
            return
        try:
            # A memoryview in place of a copy would keep the buffer from shrinking below.
            del self._to_agent[: self._agent.send(self._to_agent[:PIECE])]
        except BlockingIOError:
            pass
        except OSError:
            self._let_go()
        if len(self._to_agent) > WAITING:
            self._let_go()

    def _let_go(self) -> None:
        """The next agent begins with whole messages: what this one has half sent or half taken is thrown away."""
        if self._agent is not None:
            self._agent.close()
            self._agent = None
        self._to_agent.clear()
        self._from_agent = Messages("the agent", FROM_AGENT, 5)
        self._next_attempt = time.monotonic() + RETRY


def main(arguments: list[str]) -> int:
    if len(arguments) < 2 or arguments[0] != "--socket":
        sys.stderr.write("usage: native_host.py --socket PATH [the browser's own arguments]\n")
        return 2
    try:
        Relay(arguments[1], source=0, sink=1).run()
    except Refused as refusal:
        sys.stderr.write(f"eyelid relay: {refusal}\n")
        return refusal.code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
