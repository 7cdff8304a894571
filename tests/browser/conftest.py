"""Both browsers with the extension, each started once a worker: a start costs ten times what most tests do.

A browser is thrown away after a test that failed in it, and when a file leaves anything open but the desk: no test
meets what another did.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.browser.extension_agent import Message
from tests.browser.extension_live import CSS, FIELDS, Live, browser, fields, tabs

FAILED = pytest.StashKey[bool]()


class Kept:
    """The browsers that run, by name."""

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        self._factory = factory
        self._running: dict[str, tuple[Live, ExitStack]] = {}
        self._file: dict[str, Path] = {}  # whose tests had it last

    def take(self, name: str, file: Path) -> Live:
        if name in self._running and file != self._file[name] and not _tidy(self._running[name][0]):
            self.end(name)
        if name not in self._running:
            with ExitStack() as stack:
                live = stack.enter_context(browser(name, self._factory.mktemp(name)))
                self._running[name] = live, stack.pop_all()
        self._file[name] = file
        return self._running[name][0]

    def end(self, name: str) -> None:
        _, stack = self._running.pop(name)
        stack.close()

    def end_all(self) -> None:
        for name in [*self._running]:
            self.end(name)


def _tidy(live: Live) -> bool:
    """Nothing is open but the desk, and it obeys. Gives it back with the policy that it had at its start."""

    def alone(look: Message) -> bool:
        return [tab["frames"][0]["url"] for tab in tabs(look)] == [f"{live.site.here}/desk"]

    try:
        if not alone(live.line.look()):
            return False
        live.site.order("desk", "")
        live.line.policy("P1", FIELDS, CSS)
    except (AssertionError, TimeoutError, OSError):  # it has gone, or hangs
        return False
    return True


@pytest.fixture(scope="package")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    browsers = Kept(tmp_path_factory)
    yield browsers
    browsers.end_all()


@pytest.fixture(params=["chromium", "firefox"])
def live(request: pytest.FixtureRequest, kept: Kept) -> Iterator[Live]:
    yield kept.take(request.param, request.path)
    if request.node.stash.get(FAILED, False):
        kept.end(request.param)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if report.failed:
        item.stash[FAILED] = True
    return report


@pytest.fixture
def card_form(live: Live) -> Iterator[str]:
    """The name of a tab in front with a card field `#number` in it."""
    with live.opened("card", "<input id=number autocomplete=cc-number>"):
        live.look_until_tab("/card", lambda tab: "cc-number" in fields(tab))
        yield "card"
