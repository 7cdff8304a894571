"""A page of the console in Chromium, by DevTools: a virtual authenticator, and waiting."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from testkit.devtools import DevTools, PageGone
from testkit.looks import Runs
from testkit.waits import until


def with_authenticator(browser: DevTools) -> None:
    browser.call("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    browser.call("WebAuthn.addVirtualAuthenticator", options=options | {"isUserVerified": True})


def wait_for(browser: Runs, script: str) -> Any:
    """What it gives, once that is something; a page that goes is asked again when it is there."""

    def ask() -> Any:
        try:
            return browser.run(script)
        except AssertionError:  # the page went while it was asked
            return None

    return until(ask, script)


def leave(browser: DevTools, script: str) -> None:
    """Runs what may lead to another page, which can be there before this one answers: `wait_for` tells that it is."""
    with suppress(PageGone):
        browser.run(script)


def to(browser: DevTools, url: str) -> None:
    """In the same page, loaded."""
    browser.run("window.gone = false")
    browser.call("Page.navigate", url=url)
    wait_for(browser, "window.gone === undefined && document.readyState === 'complete' ? location.href : ''")
