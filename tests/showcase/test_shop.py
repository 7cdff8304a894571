"""The demo's shop: its sites are of different origins, its pages go where they are sent, and it ends in order."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote, urlsplit

import httpx
import pytest

from scripts.showcase.shop import FILES, PAGES, PAY, SHOP, Shop, shop
from testkit.stage import StageError

SENSITIVE = {"card.html", "patient.html"}


@pytest.fixture
def site() -> Iterator[Shop]:
    with shop() as site:
        yield site


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


def get(address: str) -> httpx.Response:
    """As a browser does it: to this PC, whatever name under localhost it is."""
    parts = urlsplit(address)
    target = httpx.URL(address).copy_with(host="127.0.0.1")
    return httpx.get(target, headers={"Host": parts.netloc}, timeout=30, trust_env=False)


def asks(site: Shop, page: str) -> str:
    """What the script of a page is told when it asks where to go next."""
    host = urlsplit(page).hostname or ""
    return get(site.address(host, f"/next?here={quote(page, safe='')}")).text


def test_every_page_is_there_with_all_that_it_asks_for(site: Shop) -> None:
    for host, path in PAGES:
        page = get(site.address(host, path))
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
        assert "$" not in page.text
        for part in ("/colours.css", "/looks.css", "/play.js", "/leaf.svg", "/heart.svg"):
            if f'"{part}"' in page.text:
                assert get(site.address(host, part)).status_code == 200


def test_a_page_is_on_its_own_site_only(site: Shop) -> None:
    assert get(site.address(PAY, "/checkout")).status_code == 404
    assert get(site.address(SHOP, "/card")).status_code == 404


def test_the_card_form_in_the_checkout_is_of_another_origin_and_names_its_fields(site: Shop) -> None:
    card = site.address(PAY, "/card")
    assert f'<iframe src="{card}"' in get(site.checkout).text
    assert urlsplit(card).hostname != urlsplit(site.checkout).hostname
    assert 'autocomplete="cc-number"' in get(card).text


def test_two_pages_carry_the_sensitive_colour_and_no_other(site: Shop) -> None:
    assert "--sensitive: rgb(255, 0, 255)" in get(site.address(SHOP, "/colours.css")).text
    marks = ("var(--sensitive)", 'class="trace"')
    carrying = {name for name in PAGES.values() if any(mark in (FILES / name).read_text("utf-8") for mark in marks)}
    assert carrying == SENSITIVE


def test_a_page_is_sent_on_when_the_play_says_so(site: Shop, pool: ThreadPoolExecutor) -> None:
    told = pool.submit(asks, site, site.catalogue)
    site.go(site.catalogue)  # it has come up
    sent = pool.submit(site.go, site.checkout)
    assert told.result(30) == site.checkout
    arrived = pool.submit(asks, site, site.checkout)
    sent.result(30)
    site.close()
    assert arrived.result(30) == ""


def test_a_page_that_comes_up_late_is_sent_on_at_once(site: Shop, pool: ThreadPoolExecutor) -> None:
    sent = pool.submit(site.go, site.thanks)
    assert asks(site, site.checkout) == site.thanks
    arrived = pool.submit(asks, site, site.thanks)
    sent.result(30)
    site.close()
    assert arrived.result(30) == ""


def test_a_browser_that_shows_nothing_is_a_failure(site: Shop) -> None:
    with pytest.raises(StageError, match="which did not come up within 0 s"):
        site.go(site.checkout, patience=0.05)
