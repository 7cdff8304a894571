"""A case opened in both browsers from its folder alone: what it plays, what it proves, and what it says of the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from protocol.keyfile import load_private
from protocol.keys import RecipientPrivate
from testkit.player_page import READY, Page, played_case, until
from tests.review.cases.conftest import Archive
from tests.store.conftest import PASSPHRASE

WITHIN = (5.0, 7.9, 6.3, 20.5, 21.8, 5.01)  # s; where both screens were kept, within the spans


@pytest.fixture(scope="session")
def reader(archive: Archive) -> RecipientPrivate:
    return RecipientPrivate.from_bytes(load_private(archive.reader, PASSPHRASE).raw)


@pytest.fixture
def opened(page: Page, exported: Path, reader: RecipientPrivate) -> Any:
    with played_case(exported, reader) as address:
        page.open(address)
        until(page, READY)
        yield page


def test_it_is_verified_and_outside_of_its_spans_is_not_part_of_it(opened: Page, archive: Archive) -> None:
    assert opened.run("[...document.querySelectorAll('#findings li')].map((one) => one.textContent)") == []
    assert opened.run("document.querySelector('#badge').dataset.state") == "good"
    assert opened.run("[...document.querySelectorAll('#checks li')].map((one) => one.className)") == ["good"] * 9
    assert opened.run("eyelid.about.recording") == archive.ids[0]
    parts = opened.run("eyelid.about.lanes.screen.map(({from, to, what}) => [from / 1e9, to / 1e9, what])")
    assert parts == [
        [0, 5, "outside"], [5, 8, "kept"], [8, 8.3, "closed"], [8.3, 10, "closed"], [10, 20.5, "outside"],
        [20.5, 22, "kept"], [22, 24, "outside"],
    ]  # fmt: skip
