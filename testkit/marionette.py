"""Firefox without a window, spoken to by Marionette, its own protocol: lengths and JSON over TCP.

It reaches what WebDriver BiDi does not: authenticators, settings and the browser's own console. Its commands are
WebDriver's; geckodriver, which Debian does not have, translates for the same ones.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from testkit.browsers import FIREFOX, FIREFOX_PREFERENCES, environment
from testkit.waits import DEADLINE, until

START: Final = 90.0  # seconds until it listens: two busy cores, and a profile that is made anew
# A virtual authenticator is asked only where these say so, and otherwise a key that somebody would have to touch.
VIRTUAL: Final = {
    "security.webauth.webauthn_enable_softtoken": True,
    "security.webauth.webauthn_enable_usbtoken": False,
}
KEYS: Final = {"Tab": "\ue004", "Enter": "\ue007"}
SCHEMES: Final = ("dark", "light")  # by the number that Firefox's setting has for them
# What its console has of pages of %s: policies that stopped something, and errors, but not warnings.
COMPLAINTS: Final = """[
  ...Services.console.getMessageArray().filter((one) => one instanceof Ci.nsIScriptError)
    .filter(({flags, category, sourceName}) =>
      (category.startsWith("CSP") || !(flags & Ci.nsIScriptError.warningFlag)) && sourceName.startsWith("%s"))
    .map(({category, errorMessage, sourceName}) => `${category}: ${errorMessage} (${sourceName})`),
  ...Cc["@mozilla.org/consoleAPI-storage;1"].getService(Ci.nsIConsoleAPIStorage).getEvents()
    .filter(({level, filename}) => level === "error" && filename.startsWith("%s"))
    .map((one) => one.arguments.join(" ")),
]"""


class Marionette:
    """One tab. Each call waits for its answer; the browser that ends instead raises EOFError."""

    name = "firefox"

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._read = line.makefile("rb")
        self._number = 0
        self._message()  # its greeting

    def call(self, name: str, **parameters: Any) -> Any:
        """Raises AssertionError with what the browser says."""
        self._number += 1
        body = json.dumps([0, self._number, name, parameters]).encode()
        self._line.sendall(b"%d:%s" % (len(body), body))
        while True:
            message = self._message()
            if message[:2] == [1, self._number]:
                assert message[2] is None, (name, message[2])
                return message[3]

    def _message(self) -> Any:
        length = b""
        while (byte := self._read.read(1)) != b":":
            if not byte:
                raise EOFError("the browser has ended")
            length += byte
        return json.loads(self._read.read(int(length)))

    def open(self, url: str) -> None:
        """Returns when it has loaded."""
        self.call("WebDriver:Navigate", url=url)

    def run(self, script: str) -> Any:
        return self.call("WebDriver:ExecuteScript", script=f"return {script}", args=[])["value"]

    def until(self, script: str) -> Any:
        """The first true answer."""

        def ask() -> Any:
            with suppress(AssertionError):  # the page went while it was asked
                return self.run(script)
            return None

        return until(ask, script, DEADLINE)

    def run_as_browser(self, script: str) -> Any:
        """As the browser's own code."""
        self.call("Marionette:SetContext", value="chrome")
        try:
            return self.run(script)
        finally:
            self.call("Marionette:SetContext", value="content")

    def complaints(self, address: str) -> list[str]:
        """What its console has since it was last asked, of pages below that address."""
        found: list[str] = self.run_as_browser(COMPLAINTS.replace("%s", address))
        self.run_as_browser("Services.console.reset()")
        return found

    def look(self, scheme: str, width: int) -> None:
        """As on a screen so wide, at least 500, in that colour scheme."""
        setting = "layout.css.prefers-color-scheme.content-override"
        self.run_as_browser(f"Services.prefs.setIntPref('{setting}', {SCHEMES.index(scheme)})")
        self.call("WebDriver:SetWindowRect", x=0, y=0, width=width, height=900)
        self.until(f"innerWidth === {width} && matchMedia('(prefers-color-scheme: {scheme})').matches")

    def whole(self) -> bytes:
        """A PNG of all of the page."""
        return base64.b64decode(self.call("WebDriver:TakeScreenshot", full=True)["value"])

    def asks_for(self, language: str) -> None:
        """From now on."""
        self.run_as_browser(f"Services.prefs.setStringPref('intl.accept_languages', '{language}')")

    def remember(self, address: str, name: str, value: str) -> None:
        """A cookie of that address, of which a page is open."""
        assert self.run("location.origin") == address
        cookie = {"name": name, "value": value, "path": "/", "secure": True, "httpOnly": True}
        self.call("WebDriver:AddCookie", cookie=cookie)

    def forget(self) -> None:
        """All cookies of the page's address."""
        self.call("WebDriver:DeleteAllCookies")

    def add_authenticator(self) -> str:
        """A virtual one, with no key in it; its id."""
        made = self.call(
            "WebAuthn:AddVirtualAuthenticator",
            protocol="ctap2",
            transport="internal",
            hasResidentKey=True,
            hasUserVerification=True,
            isUserConsenting=True,
            isUserVerified=True,
        )
        return str(made["value"])

    def press(self, key: str) -> None:
        value = KEYS.get(key, key)
        keys = [{"type": "keyDown", "value": value}, {"type": "keyUp", "value": value}]
        self.call("WebDriver:PerformActions", actions=[{"type": "key", "id": "keys", "actions": keys}])

    def type(self, text: str) -> None:
        for sign in text:
            self.press(sign)


@contextmanager
def headless_firefox(folder: Path) -> Iterator[Marionette]:
    """With a new profile in `folder`."""
    home, profile = folder / "home", folder / "profile"
    home.mkdir(parents=True)
    profile.mkdir()
    chosen = {**FIREFOX_PREFERENCES, **VIRTUAL, "marionette.port": 0}
    lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in chosen.items())
    (profile / "user.js").write_text("".join(lines), "utf-8")
    command = [
        FIREFOX,
        "--headless",
        "--marionette",
        "--remote-allow-system-access",
        "--no-remote",
        "--profile",
        str(profile),
    ]
    with (folder / "firefox.log").open("wb") as said:
        process = subprocess.Popen(command, env=environment(os.environ, home), stdout=said, stderr=said)
    try:
        port = until(lambda: _port(profile), "Firefox listened", START)
        with closing(socket.create_connection(("127.0.0.1", port))) as line:
            browser = Marionette(line)
            browser.call("WebDriver:NewSession", capabilities={"alwaysMatch": {}})
            yield browser
            with suppress(EOFError, OSError):
                browser.call("Marionette:Quit", flags=["eForceQuit"])
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait()


def _port(profile: Path) -> int:
    with suppress(OSError, ValueError):
        return int((profile / "MarionetteActivePort").read_text())
    return 0
