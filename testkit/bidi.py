"""Firefox without a window, spoken to by WebDriver BiDi: geckodriver is not in Debian, and this needs none."""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any, Final

from testkit.browsers import FIREFOX, FIREFOX_PREFERENCES, environment
from testkit.stage import Stage

_LISTENS: Final = re.compile(rb"WebDriver BiDi listening on ws://([\d.]+):(\d+)")
_TEXT, _CLOSE, _PING = 1, 8, 9
_LARGE: Final = 2**16
_MASK: Final = 0x55
_MASKED: Final = bytes(one ^ _MASK for one in range(256))


class _WebSocket:
    """As much of RFC 6455 as a client on loopback needs."""

    def __init__(self, host: str, port: int, path: str) -> None:
        self._socket = socket.create_connection((host, port))
        self._reads = self._socket.makefile("rb")
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        self._socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        assert b" 101 " in self._reads.readline()
        while self._reads.readline() != b"\r\n":
            pass

    def send(self, text: str) -> None:
        body = text.encode()
        size = len(body)
        if size < 126:
            length = bytes([0x80 | size])
        elif size < _LARGE:
            length = bytes([0xFE]) + size.to_bytes(2, "big")
        else:
            length = bytes([0xFF]) + size.to_bytes(8, "big")
        # Masked, as every client must; with one byte four times it is a table. Firefox refuses zeros.
        self._socket.sendall(bytes([0x80 | _TEXT]) + length + bytes([_MASK] * 4) + body.translate(_MASKED))

    def receive(self) -> str:
        whole = b""
        while True:
            head = self._reads.read(2)
            if len(head) < 2:
                raise EOFError("the browser has ended")
            size = head[1] & 0x7F
            if size > 125:
                size = int.from_bytes(self._reads.read(2 if size == 126 else 8), "big")
            body = self._reads.read(size)
            if head[0] & 0xF == _CLOSE:
                raise EOFError("the browser has ended")
            if head[0] & 0xF == _PING:
                continue
            whole += body
            if head[0] & 0x80:
                return whole.decode()

    def close(self) -> None:
        self._reads.close()
        self._socket.close()


class Bidi:
    """One page of it. Each call waits for its answer."""

    name = "firefox"

    def __init__(self, host: str, port: int) -> None:
        self._line = _WebSocket(host, port, "/session")
        self._number = 0
        self.call("session.new", capabilities={})
        # The window of its start never gets the focus, and a page without one does not show where its own is.
        (first,) = self.call("browsingContext.getTree")["contexts"]
        self._page = self.call("browsingContext.create", type="window")["context"]
        self.call("browsingContext.close", context=first["context"])

    def open(self, url: str) -> None:
        self.call("browsingContext.navigate", context=self._page, url=url, wait="complete")

    def run(self, script: str) -> Any:
        """The value that the script's promise gives, as JSON has it. Raises AssertionError with what it threw."""
        answer = self.call(
            "script.evaluate", expression=f"(async () => JSON.stringify(await ({script})))()", awaitPromise=True,
            target={"context": self._page}, userActivation=True,
        )  # fmt: skip
        assert answer["type"] == "success", answer["exceptionDetails"]["text"]
        value = answer["result"].get("value")
        return None if value is None else json.loads(value)

    def press(self, key: str) -> None:
        actions = [{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]
        self.act([{"type": "key", "id": "keyboard", "actions": actions}])

    def act(self, actions: list[dict[str, Any]]) -> None:
        """As WebDriver BiDi has them."""
        self.call("input.performActions", context=self._page, actions=actions)

    def picture(self, width: int, height: int) -> bytes:
        """A PNG of the window."""
        self.call("browsingContext.setViewport", context=self._page, viewport={"width": width, "height": height})
        return base64.b64decode(self.call("browsingContext.captureScreenshot", context=self._page)["data"])

    def look(self, _scheme: str, width: int) -> None:
        """As on a screen so wide. The player has a button for the scheme."""
        self.call("browsingContext.setViewport", context=self._page, viewport={"width": width, "height": 900})

    def whole(self) -> bytes:
        """A PNG of all of the page."""
        made = self.call("browsingContext.captureScreenshot", context=self._page, origin="document")
        return base64.b64decode(made["data"])

    def remember(self, address: str, name: str, value: str) -> None:
        """A cookie of that address's host."""
        host = address.partition("://")[2].partition(":")[0]
        cookie = {"name": name, "value": {"type": "string", "value": value}, "domain": host, "path": "/",
                  "secure": True, "httpOnly": True, "sameSite": "lax"}  # fmt: skip
        self.call("storage.setCookie", cookie=cookie)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        self._line.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while (answer := json.loads(self._line.receive())).get("id") != self._number:
            pass
        assert answer["type"] == "success", (method, answer)
        result: dict[str, Any] = answer["result"]
        return result

    def close(self) -> None:
        self._line.close()


@contextmanager
def headless(folder: Path, *, stage: Stage | None = None, **preferences: bool | int | str) -> Iterator[Bidi]:
    """With a new profile in `folder`. On a stage it has a window, which can fill its screen."""
    profile, home = folder / "profile", folder / "home"
    for made in (profile, home):
        made.mkdir(parents=True)
    chosen = {**FIREFOX_PREFERENCES, "media.autoplay.default": 0, **preferences}
    lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in chosen.items())
    (profile / "user.js").write_text("".join(lines))
    command = [FIREFOX, "--no-remote", "--profile", str(profile), "--remote-debugging-port", "0"]
    command += [] if stage else ["--headless"]
    around = environment(stage.environment if stage else os.environ, home)
    process = subprocess.Popen(command, env=around, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE)  # fmt: skip
    assert process.stderr is not None
    said = iter(process.stderr.readline, b"")
    rest = Thread(target=lambda: [None for _ in said])
    try:
        found = next(filter(None, map(_LISTENS.search, said)), None)
        rest.start()
        assert found is not None, "Firefox ended before it listened"
        browser = Bidi(found[1].decode(), int(found[2]))
        yield browser
        with suppress(EOFError, OSError, AssertionError):
            browser.call("browser.close")
        browser.close()
    finally:
        process.terminate()  # no news for one that was asked to close
        process.wait()
        rest.join()
        process.stderr.close()
