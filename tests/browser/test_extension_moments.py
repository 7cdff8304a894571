"""The extension in real browsers: what comes and goes."""

from __future__ import annotations

import gc
import time
from pathlib import Path

import pytest

from tests.browser.extension_live import CSS, FIELDS, Live, browser, fields, read, tabs, tabs_at, titles, urls
from tests.browser.extension_pages import CARD, page

pytestmark = pytest.mark.desktop


def test_a_window_that_another_one_wrote_into_has_no_address_of_its_own(live: Live) -> None:
    write = "const shown = open('', 'written'); shown.document.open(); shown.document.write('<title>w</title>hello');"
    with live.opened("writer", "<p>writes</p>"):
        live.site.order("writer", f"{write} shown.document.close(); window.shown = shown")
        found = live.line.look_until(
            lambda look: [tab for tab in tabs(look) if "about:blank" in urls(tab) and read(tab)]
        )
        written = [tab for tab in tabs(found) if "about:blank" in urls(tab)]
        assert [urls(tab)[0] for tab in written] == ["about:blank"]
        live.site.order("writer", "window.shown.close()")
        live.line.look_until(lambda look: not [tab for tab in tabs(look) if "about:blank" in urls(tab)])


def test_what_has_left_a_page_is_not_told_any_more(live: Live, card_form: str) -> None:
    """Whether it still is in the picture the agent finds out by a mark. Of an address the view may stay a while."""
    before = f"{live.site.here}/{card_form}"
    live.site.order(card_form, "document.getElementById('number').remove(); history.pushState(0, '', '#paid')")
    tab = live.look_until_tab("/card")
    assert fields(tab) == set()
    assert urls(tab) == [f"{before}#paid", before]
    live.look_until_tab("/card", lambda tab: urls(tab) == [f"{before}#paid"])


def test_events_tell_of_addresses_and_fields_as_they_come(live: Live) -> None:
    since = len(live.line.heard)
    with live.opened("eventful", "") as address:
        live.line.await_one(lambda told: told.get("what") == "navigate" and told["urls"][0] == address, since)
        live.site.order("eventful", f"document.body.insertAdjacentHTML('beforeend', '{CARD}')")
        event = live.line.await_one(lambda told: told.get("what") == "field" and told["urls"][0] == address, since)
        assert event["fields"] == ["cc-number"]
        live.site.order("eventful", "history.pushState(0, '', '/paying'); history.replaceState(0, '', '/eventful')")
        live.line.await_one(
            lambda told: told.get("what") in {"history", "tab"} and told["urls"][0].endswith("/paying"), since
        )


def test_an_event_tells_of_which_document_it_is(live: Live) -> None:
    """Of one that is still to come: of none."""
    since = len(live.line.heard)
    with live.opened("first", "") as address:
        (document,) = [frame["doc"] for frame in live.look_until_tab("/first", read)["frames"]]
        told = [one for one in live.line.heard[since:] if address in one.get("urls", [])]
        assert {one["doc"] for one in told if one["what"] in {"navigate", "commit"}} == {0}
        assert {one["doc"] for one in told if one["what"] == "frame"} == {document}
        since = len(live.line.heard)
        live.site.order("first", "history.pushState(0, '', '/paying'); history.replaceState(0, '', '/first')")
        event = live.line.await_one(lambda one: one.get("urls", [""])[0].endswith("/paying"), since)
        assert event["doc"] == document


def test_many_events_are_joined_and_none_is_lost(live: Live) -> None:
    with live.opened("busy", ""):
        since, began = len(live.line.heard), time.monotonic()
        script = """const field = Object.assign(document.createElement('input'), {name: 'cvv'});
            for (let i = 0; i < 2500; i++) {
              document.body.append(field); await null; field.remove(); await null;
            }
            field.name = 'cardnumber'; document.body.append(field);"""
        live.site.order("busy", script)
        live.line.await_one(lambda told: "cc-number" in told.get("fields", []), since)
        told = [message for message in live.line.heard[since:] if message.get("what") == "field"]
        # 500 in each second of the clock one by one, then 20 joined ones. On a busy machine none need be joined.
        assert 0 < len(told) <= 520 * (time.monotonic() - began + 2)


def test_a_page_kept_for_the_way_back_is_in_no_tab_until_it_returns(live: Live) -> None:
    first = (
        f"<!doctype html><title>first</title>{CARD}<script>"
        "onpageshow = ({persisted}) => { if (persisted) document.title = 'back'; };"
        "onload = () => setTimeout(() => { location.href = '/second'; }, 300);</script>"
    )
    live.site.serve({"/first": first, "/second": page("second", "")})
    live.site.order("desk", "window.open('/first', '_blank', 'noopener')")
    tab = live.look_until_tab("/second", read)
    live.look_until_tab("/second", lambda tab: read(tab) and fields(tab) == set())
    live.site.send("second", "history.back()")
    answer = live.line.look_until(
        lambda look: any(read(tab) and fields(tab) == {"cc-number"} for tab in tabs_at(look, "/first"))
    )
    # The window has the title a moment after the page. Where it never comes, the browser has loaded the page anew.
    live.line.look_until(lambda look: "back" in titles(look))
    assert tabs_at(answer, "/first")[0]["id"] == tab["id"]


def test_a_prerendered_page_is_in_no_tab_until_it_is_shown(tmp_path: Path) -> None:
    """Firefox prerenders nothing. A Chromium that refused once does so each time: each try has one of its own."""
    with browser("chromium", tmp_path) as live:
        prerender(live)


def prerender(live: Live) -> None:
    rules = '{"prerender": [{"source": "list", "urls": ["/later"], "eagerness": "immediate"}]}'
    once = "if (document.prerendering) onload = () => fetch('/done?id=prerendered');"
    live.site.serve({"/later": page("later", f"{CARD}<script>{once}</script>")})
    with live.opened("before", f"<script type=speculationrules>{rules}</script>"):
        live.site.await_done("prerendered")
        tab = live.look_until_tab("/before", read)
        assert urls(tab) == [f"{live.site.here}/before"]
        live.site.send("before", "location.href = '/later'")
        live.look_until_tab("/later", lambda tab: read(tab) and fields(tab) == {"cc-number"})
        live.site.send("later", "location.href = '/before'")
        live.look_until_tab("/before", lambda tab: read(tab) and not fields(tab))


def test_a_test_that_fails_leaves_nothing_open(tmp_path: Path) -> None:
    """A warning of a socket that is left fails whichever test runs then."""
    with pytest.raises(TimeoutError), browser("chromium", tmp_path) as live:
        raise TimeoutError
    del live
    gc.collect()


def test_a_new_agent_is_greeted_anew(live: Live) -> None:
    numbers = [message["n"] for message in live.line.heard]
    assert numbers == list(range(1, len(numbers) + 1))
    live.line.cut()
    live.line = live.agent.accept()
    assert live.line.heard[0]["kind"] == "hello"
    assert live.line.heard[0]["n"] == 1
    live.line.policy("P1", FIELDS, CSS)
    live.look_until_tab("/desk", read)
