"""Chromium without a window, spoken to by its DevTools protocol over a pair of pipes."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from testkit.browsers import AS_ROOT, CHROMIUM, CHROMIUM_FLAGS, environment


class PageGone(AssertionError):
    """The page was left, or closed, before it answered."""


class DevTools:
    """One page of it. Each call waits for its answer; the browser that ends instead raises EOFError."""

    name = "chromium"

    def __init__(self, reads: int, writes: int) -> None:
        self._reads = os.fdopen(reads, "rb")
        self._writes = os.fdopen(writes, "wb")
        self._number = 0
        self._session = ""
        self._page = ""
        self._context: dict[str, str] = {}
        self._events: list[dict[str, Any]] = []

    @contextmanager
    def apart(self) -> Iterator[None]:
        """Pages that are opened meanwhile share no cookie, key or storage with others, and are gone afterwards: as in
        a browser of their own, without the seconds of its start."""
        self._session = self._page = ""
        self._events.clear()
        self._context = {"browserContextId": self.call("Target.createBrowserContext")["browserContextId"]}
        try:
            yield
        finally:
            self._session = self._page = ""
            gone, self._context = self._context, {}
            with suppress(EOFError, OSError):  # what a test of one that has ended failed of is what counts
                self.call("Target.disposeBrowserContext", **gone)

    def open(self, url: str) -> None:
        """In a new page, which takes the last one's place; returns when it has loaded.

        A page that stayed would go on playing, and asking its console, beside each test that follows.
        """
        self._session = ""  # the browser's own: what is attached by a page's goes with that page
        target = self.call("Target.createTarget", url="about:blank", **self._context)["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        before, self._page = self._page, target
        self.call("Page.enable")
        self.call("Page.setLifecycleEventsEnabled", enabled=True)
        loader = self.call("Page.navigate", url=url)["loaderId"]

        def loaded(message: dict[str, Any]) -> bool:
            """Of this document: that of about:blank may load late. It may come before the answer."""
            if message.get("method") != "Page.lifecycleEvent":
                return False
            return (message["params"]["loaderId"], message["params"]["name"]) == (loader, "load")

        if not any(map(loaded, self._events)):
            self._await(loaded)
        if before:
            self.call("Target.closeTarget", targetId=before)

    def leave(self) -> None:
        """Closes the page: what one keeps of a page that was left counts as its own."""
        self.call("Page.close")
        self._session = self._page = ""

    def run(self, script: str) -> Any:
        """The value that the script's promise gives. Raises AssertionError with what it threw."""
        answer = self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, userGesture=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def frames(self, script: str) -> dict[str, Any]:
        """What `run` gives in each frame of another site, by the address that it was to show."""
        page, given = self._session, dict[str, Any]()
        self._events.clear()
        self.call("Target.setAutoAttach", autoAttach=True, waitForDebuggerOnStart=False, flatten=True)
        self.call("Page.getFrameTree")  # by then all that are there have been named
        attached = [one["params"] for one in self._events if one["method"] == "Target.attachedToTarget"]
        try:
            for one in attached:
                self._session = one["sessionId"]
                given[one["targetInfo"]["url"]] = self.run(script)
        finally:
            self._session = page
        return given

    def press(self, key: str) -> None:
        """A key by its name or its one character."""
        text = {"text": key} if len(key) == 1 else {}
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, **(text if kind == "keyDown" else {}))

    def picture(self, width: int, height: int) -> bytes:
        """A PNG of the window."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])

    def downloads_to(self, folder: Path) -> None:
        """Of this page, and those that are opened with it."""
        self.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder), **self._context)

    def look(self, scheme: str, width: int) -> None:
        """As on a screen so wide, in that colour scheme."""
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **metrics)

    def whole(self) -> bytes:
        """A PNG of all of the page. As wide as its scroll bar leaves it: 15 pixels on the right are missing."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)["data"])

    def asks_for(self, language: str) -> None:
        """From now on, of this page."""
        self.call("Network.enable")
        self.call("Network.setExtraHTTPHeaders", headers={"Accept-Language": language})

    def remember(self, address: str, name: str, value: str) -> None:
        """A cookie of that address."""
        self.call("Network.setCookie", url=address, name=name, value=value, secure=True, path="/")

    def forget(self) -> None:
        """All cookies."""
        self.call("Network.clearBrowserCookies")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        number = self._number
        message = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._writes.write(json.dumps(message).encode() + b"\0")
        self._writes.flush()
        answer = self._await(lambda said: said.get("id") == number)
        failed = answer.get("error", {})
        if failed.get("message") == "Inspected target navigated or closed":
            raise PageGone(method)
        assert not failed, (method, failed)
        result: dict[str, Any] = answer["result"]
        return result

    def _await(self, wanted: Any) -> dict[str, Any]:
        while True:
            text = bytearray()
            while (byte := self._reads.read(1)) != b"\0":
                if not byte:
                    raise EOFError("the browser has ended")
                text += byte
            message: dict[str, Any] = json.loads(text)
            if "method" in message:
                self._events.append(message)
            if wanted(message):
                return message

    def close(self) -> None:
        self._reads.close()
        with suppress(OSError):  # a browser that has ended reads nothing more
            self._writes.close()


@contextmanager
def headless(folder: Path, *more: str) -> Iterator[DevTools]:
    """With a new profile in `folder`. `more`: flags."""
    to_browser, from_browser = os.pipe(), os.pipe()
    home = folder / "home"
    home.mkdir()
    flags = [
        *CHROMIUM_FLAGS,
        *AS_ROOT,
        "--headless",
        "--remote-debugging-pipe",
        f"--user-data-dir={folder / 'profile'}",
        *more,
    ]
    # The pipes are descriptors 3 and 4 there.
    redirected = f'exec "$@" 3<&{to_browser[0]} 4>&{from_browser[1]}'
    with (folder / "chromium.log").open("wb") as said:
        process = subprocess.Popen(
            ["/bin/bash", "-c", redirected, "bash", CHROMIUM, *flags],
            pass_fds=(to_browser[0], from_browser[1]),
            env=environment(os.environ, home),
            stdout=said,
            stderr=said,
        )
    os.close(to_browser[0])
    os.close(from_browser[1])
    browser = DevTools(from_browser[0], to_browser[1])
    try:
        yield browser
    finally:
        # One that has ended is closed: what a test of it failed of is what counts.
        with suppress(EOFError, OSError):
            browser.call("Browser.close")
        browser.close()
        process.wait()
