"""A real browser with the extension in it, the pages that it shows, and the agent's end of its line."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testkit import displays
from testkit.buses import private_bus
from testkit.hands import Hands
from tests.browser import extension_agent, extension_browsers, extension_pages
from tests.browser.extension_agent import Agent, Line, Message
from tests.browser.extension_pages import Site, page

FIELDS = ["cc-number", "cc-csc", "cc-exp", "current-password", "new-password", "one-time-code"]
CSS = ["#pan", ".secret .amount", "::::", "input:checked + b", "[data-kind=ssn]"]


@dataclass
class Live:
    """A running browser with the extension, a tab `desk` that opens others, and the agent's line to it."""

    name: str
    site: Site
    agent: Agent
    line: Line
    display: str
    bus: str
    folder: Path

    def look_until_tab(self, path: str, fits: Any = lambda _: True) -> dict[str, Any]:
        """The tab whose top frame is at `path`, in the first look where it fits."""
        answer = self.line.look_until(lambda look: any(fits(tab) for tab in tabs_at(look, path)))
        return next(tab for tab in tabs_at(answer, path) if fits(tab))

    def run(self, *options: str) -> None:
        """Starts the browser once more, which asks the running one, as a desktop's menu does."""
        profile = self.folder / "profile"
        if self.name == "chromium":
            command = ["chromium", f"--user-data-dir={profile}", *extension_browsers.CHROMIUM_FLAGS, *options]
        else:
            command = ["firefox-esr", "--profile", str(profile), *options]
        env = extension_browsers.environment(self.display, self.bus, self.folder / "home")
        subprocess.run(command, env=env, check=True, capture_output=True, timeout=60)

    @contextmanager
    def opened(self, name: str, body: str, host: str = "") -> Iterator[str]:
        """A tab in front with a page called `name` at /`name`; yields its address. It is closed in the end."""
        self.site.serve({f"/{name}": page(name, body)})
        address = f"{host or self.site.here}/{name}"
        self.site.order("desk", f"window.open({address!r})")
        self.look_until_tab(f"/{name}", read)
        try:
            yield address
        finally:
            self.site.send(name, "window.close()")
            self.line.look_until(lambda look: not tabs_at(look, f"/{name}"))


def tabs(look: Message) -> list[dict[str, Any]]:
    return [tab for window in look["windows"] for tab in window["tabs"]]


def tabs_at(look: Message, path: str) -> list[dict[str, Any]]:
    return [tab for tab in tabs(look) if tab["frames"][0]["url"].partition("#")[0].endswith(path)]


def titles(look: Message) -> list[str]:
    return [window["title"] for window in look["windows"]]


def read(tab: dict[str, Any]) -> bool:
    return not tab["unread"]


def fields(tab: dict[str, Any]) -> set[str]:
    return {field for frame in tab["frames"] for field in frame["fields"]}


def css(tab: dict[str, Any]) -> set[int]:
    return {place for frame in tab["frames"] for place in frame["css"]}


def urls(tab: dict[str, Any]) -> list[str]:
    return [frame["url"] for frame in tab["frames"]]


def press(display: str, *keys: str) -> None:
    """These together: whatever has the focus gets them."""
    with displays.connection(display) as link:
        Hands(link).chord(*keys, held=0.05)


FOCUS = """
while (document.readyState !== "complete" || !document.hasFocus()) await new Promise((then) => setTimeout(then, 10));
document.querySelector("button").focus();
"""


def press_button(live: Live, name: str) -> None:
    """Of page `name`, as its user, until the page has asked for a picture of a screen or for a payment. Once may be too
    early: the page may have the focus before its window has the keys."""

    def asked() -> bool:
        return any(told.get("what") == "share" for told in live.line.heard[since:])

    def enter() -> bool:
        press(live.display, "Return")
        return False

    since = len(live.line.heard)
    live.site.order(name, FOCUS)
    live.line.look_until(lambda _: asked() or enter())


@contextmanager
def browser(
    name: str,
    folder: Path,
    preferences: Mapping[str, Any] | None = None,
    beside: Sequence[Path] = (),
    flags: Sequence[str] = (),
) -> Iterator[Live]:
    """`name`: chromium or firefox, on a display of its own, with a policy taken and the tab `desk` read.

    `beside`: folders of other extensions. `flags`: of Chromium's command line.
    """
    with ExitStack() as stack:
        display = stack.enter_context(displays.xvfb())
        stack.enter_context(displays.openbox(display, folder))
        site = stack.enter_context(extension_pages.site())
        place = folder / "agent.sock"
        agent = stack.enter_context(extension_agent.agent(place))
        site.serve({"/desk": page("desk", "")})
        bus = stack.enter_context(private_bus(folder))
        desk = f"{site.here}/desk"
        more = {"preferences": preferences, "beside": beside, "flags": flags}
        stack.enter_context(extension_browsers.started(name, display, bus, folder / name, place, desk, **more))
        running = Live(name, site, agent, agent.accept(), display, bus, folder / name)
        try:
            running.line.policy("P1", FIELDS, CSS)
            running.look_until_tab("/desk", read)
            yield running
        finally:
            running.line.cut()  # after a failure as well, or the next test is blamed for the socket
