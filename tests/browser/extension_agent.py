"""The agent's end of the line, as a test holds it: listens where the relay connects, keeps all that it is told."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

Message = dict[str, Any]
DEADLINE = 30.0  # seconds
BETWEEN = 0.03  # seconds from an answer to the next look: without them a browser does nothing but answer
STARTS = 150.0  # seconds in which a browser starts: at a load of 40 on two cores Firefox took more than 60


class Line:
    """One connection of a relay. `heard` grows as messages come; `ended` when the relay has gone."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._ids = count(1)
        self.changed = threading.Condition()
        self.heard: list[Message] = []
        self.ended = False
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()

    def tell(self, **message: object) -> None:
        data = json.dumps(message).encode()
        self._end.sendall(struct.pack("=I", len(data)) + data)

    def _listen(self) -> None:
        try:
            with self._end.makefile("rb") as stream:
                while len(head := stream.read(4)) == 4:
                    message = json.loads(stream.read(struct.unpack("=I", head)[0]))
                    with self.changed:
                        self.heard.append(message)
                        self.changed.notify_all()
        except OSError:
            pass  # cut by the test
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def await_one(self, fits: Callable[[Message], bool], since: int = 0) -> Message:
        """The first message from number `since` of `heard` on that fits."""
        until = time.monotonic() + DEADLINE
        with self.changed:
            while True:
                for message in self.heard[since:]:
                    if fits(message):
                        return message
                since = len(self.heard)
                if self.ended:
                    raise AssertionError(f"the line ended before what was awaited; {len(self.heard)} messages came")
                if not self.changed.wait(until - time.monotonic()):
                    raise TimeoutError(f"not told what was awaited; {len(self.heard)} messages came")

    def look(self) -> Message:
        number = next(self._ids)
        since = len(self.heard)
        self.tell(kind="look", id=number)
        return self.await_one(lambda message: message["kind"] == "look" and message["id"] == number, since)

    def look_until(self, fits: Callable[[Message], bool]) -> Message:
        until = time.monotonic() + DEADLINE
        while True:
            answer = self.look()
            if fits(answer):
                return answer
            if time.monotonic() > until:
                raise TimeoutError(f"no look showed what was awaited; the last: {json.dumps(answer, indent=1)}")
            time.sleep(BETWEEN)

    def policy(self, name: str, fields: list[str], css: list[str]) -> Message:
        """Sets the policy; returns what the browser says about its selectors."""
        since = len(self.heard)
        self.tell(kind="policy", hash=name, fields=fields, css=css)
        return self.await_one(lambda message: message["kind"] == "policy" and message["hash"] == name, since)

    def cut(self) -> None:
        with contextlib.suppress(OSError):  # the relay may have gone before
            self._end.shutdown(socket.SHUT_RDWR)
        self.thread.join(DEADLINE)
        self._end.close()


class Agent:
    """Listens at `path`, one relay after the other."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(str(path))
        self._socket.listen()
        self._socket.settimeout(STARTS)

    def accept(self) -> Line:
        """The next relay, welcomed; returns after its hello."""
        end, _ = self._socket.accept()
        end.settimeout(None)
        line = Line(end)
        try:
            line.tell(kind="welcome", protocol=2)
            line.await_one(lambda message: message["kind"] == "hello")
        except BaseException:
            line.cut()
            raise
        return line

    def close(self) -> None:
        self._socket.close()


@contextmanager
def agent(path: Path) -> Iterator[Agent]:
    listening = Agent(path)
    try:
        yield listening
    finally:
        listening.close()
