"""An extension without a browser: a test speaks for it, message by message (docs/browser-protocol.md)."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

LENGTH = struct.Struct("=I")
WITHIN = 20.0  # seconds for a message that must come


def framed(words: object) -> bytes:
    """`words` as JSON behind its length."""
    text = json.dumps(words).encode()
    return LENGTH.pack(len(text)) + text


def frame(
    url: str, fields: Iterable[str] = (), css: Iterable[int] = (), *, number: int = 0, parent: int = -1
) -> dict[str, Any]:
    return {"id": number, "parent": parent, "doc": 1, "url": url, "fields": list(fields), "css": list(css)}


def tab(number: int, *frames: dict[str, Any], **other: bool) -> dict[str, Any]:
    return {"id": number, "visible": True, "unread": False, **other, "frames": list(frames)}


def window(number: int, *tabs: dict[str, Any], title: str = "Cart") -> dict[str, Any]:
    return {
        "id": number,
        "minimised": False,
        "fullscreen": False,
        "private": False,
        "box": [60, 40, 1024, 700],
        "title": title,
        "extensions": [],
        "tabs": list(tabs),
    }


class FakeExtension:
    """Reads and writes whole messages; `n` is the number of its last one."""

    def __init__(self, reading: BinaryIO, writing: BinaryIO, *, browser: str = "Chromium") -> None:
        self._reading = reading
        self._writing = writing
        self._browser = browser
        self.n = 0

    def receive(self) -> dict[str, Any] | None:
        """The next message; None when the other end has closed the connection."""
        try:
            length = self._reading.read(LENGTH.size)
            if not length:
                return None
            words: dict[str, Any] = json.loads(self._reading.read(*LENGTH.unpack(length)))
        except ConnectionResetError:
            return None
        return words

    def send(self, sent: bytes) -> None:
        self._writing.write(sent)
        self._writing.flush()

    def tell(self, kind: str, **words: object) -> None:
        self.n += 1
        self.send(framed({"n": self.n, "kind": kind, **words}))

    # -- what a good one does --------------------------------------------------------------------------------------

    def greet(self) -> None:
        """Awaits the welcome and says hello."""
        assert self.receive() == {"kind": "welcome", "protocol": 2}
        self.n = 0
        self.hello()

    def hello(self, **other: object) -> None:
        words = {"protocol": 2, "browser": self._browser, "version": "156.0", "private": False, "extension": "1.0.0"}
        self.tell("hello", **words, **other)

    def take_policy(self, *, refused: Iterable[int] = ()) -> dict[str, Any]:
        """Awaits a policy and takes it."""
        policy = self.receive()
        assert policy is not None
        assert policy["kind"] == "policy"
        self.tell("policy", hash=policy["hash"], refused=list(refused))
        return policy

    def expect_look(self) -> int:
        """The number of the question."""
        look = self.receive()
        assert look is not None
        assert look["kind"] == "look"
        return int(look["id"])

    def answer(self, *windows: dict[str, Any], policy: str, question: int | None = None) -> None:
        """Awaits a question, unless it has come already, and answers it."""
        number = self.expect_look() if question is None else question
        self.tell("look", id=number, policy=policy, windows=list(windows))

    def expect_marks(self) -> tuple[int, dict[str, str]]:
        """The tab and what its documents are to show, by their frames' numbers."""
        words = self.receive()
        assert words is not None
        assert words["kind"] == "mark"
        return int(words["tab"]), words["marks"]

    def event(self, *urls: str, fields: Iterable[str] = (), css: Iterable[int] = ()) -> None:
        words = {"what": "commit", "tab": 3, "frame": 0, "urls": urls, "fields": list(fields), "css": list(css)}
        self.tell("event", **words)


class SocketExtension(FakeExtension):
    """One that is connected to the agent's socket without a relay."""

    def __init__(self, path: Path, *, browser: str = "Chromium") -> None:
        self._end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._end.settimeout(WITHIN)
        self._end.connect(str(path))
        super().__init__(self._end.makefile("rb"), self._end.makefile("wb"), browser=browser)

    def close(self) -> None:
        """As often as one likes."""
        for file in (self._reading, self._writing):
            with contextlib.suppress(BrokenPipeError):  # what was left to write is of no interest to anybody
                file.close()
        self._end.close()
