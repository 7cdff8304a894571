"""Both browsers with the extension, one after the other, for each module that asks for them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.extension_live import Live, browser, fields


@pytest.fixture(scope="module", params=["chromium", "firefox"])
def live(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with browser(request.param, tmp_path_factory.mktemp(request.param)) as running:
        yield running


@pytest.fixture
def card_form(live: Live) -> Iterator[str]:
    """The name of a tab in front with a card field `#number` in it."""
    with live.opened("card", "<input id=number autocomplete=cc-number>"):
        live.look_until_tab("/card", lambda tab: "cc-number" in fields(tab))
        yield "card"
