"""The extension in real browsers: what a look shows of the windows, tabs and frames that are open."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest

from testkit import displays
from testkit.pager import Pager
from tests.browser.extension_live import CSS, FIELDS, Live, fields, read, tabs, tabs_at, titles, urls
from tests.browser.extension_pages import CARD, page

pytestmark = pytest.mark.desktop


# -- the line -----------------------------------------------------------------------------------------------------


def test_hello_comes_first_and_says_who_it_is(live: Live) -> None:
    hello = live.line.heard[0]
    assert (hello["n"], hello["kind"], hello["protocol"]) == (1, "hello", 2)
    assert hello["browser"] == live.name.capitalize()
    assert hello["private"] is False
    assert all(part.isdigit() for part in hello["version"].split("."))


def test_policy_is_answered_with_the_selectors_that_the_browser_refuses(live: Live) -> None:
    told = [message for message in live.line.heard if message["kind"] == "policy"]
    assert told[-1]["hash"] == "P1"
    assert told[-1]["refused"] == [CSS.index("::::")]


def test_looks_carry_the_hash_they_were_judged_with(live: Live, card_form: str) -> None:
    live.line.policy("P2", ["cc-csc"], [])
    assert fields(judged_with(live, "P2", card_form)) == set()
    live.line.policy("P1", FIELDS, CSS)
    assert fields(judged_with(live, "P1", card_form)) == {"cc-number"}


def judged_with(live: Live, policy: str, name: str) -> dict[str, Any]:
    """The tab in the first look by that policy in which it is read: on a busy PC it may be late once."""
    path = f"/{name}"
    answer = live.line.look_until(lambda look: look["policy"] == policy and read(tabs_at(look, path)[0]))
    return tabs_at(answer, path)[0]


def test_windows_have_a_place_and_a_title(live: Live, card_form: str) -> None:
    answer = live.line.look_until(lambda look: card_form in titles(look))
    window = answer["windows"][titles(answer).index(card_form)]
    assert window["minimised"] is False
    assert window["private"] is False
    left, top, width, height = window["box"]
    assert 0 <= left < left + width <= 1280
    assert 0 <= top < top + height <= 800


# -- what is open -------------------------------------------------------------------------------------------------


def test_a_minimised_window_shows_no_tab(live: Live) -> None:
    with displays.connection(live.display) as link:
        pager = Pager(link)
        (top,) = pager.all()
        pager.minimise(top)
        answer = live.line.look_until(lambda look: any(window["minimised"] for window in look["windows"]))
        (window,) = (window for window in answer["windows"] if window["minimised"])
        assert [tab["visible"] for tab in window["tabs"]] == [False]
        pager.window(top).map()
        link.flush()
        live.look_until_tab("/desk", lambda tab: tab["visible"])


def test_every_kind_of_frame_is_read(live: Live) -> None:
    live.site.serve({"/inner": CARD.replace("number", "csc")})
    body = f"""
      <iframe src="{live.site.other}/inner"></iframe>
      <iframe sandbox="allow-scripts" src="/inner?sandboxed"></iframe>
      <iframe srcdoc='{CARD}'></iframe>
      <iframe src='data:text/html,<input type=password>'></iframe>
      <script>
        const inner = new Blob(["<input autocomplete=one-time-code>"], {{type: "text/html"}});
        const frame = document.body.appendChild(document.createElement("iframe"));
        frame.src = URL.createObjectURL(inner);
        const blank = document.body.appendChild(document.createElement("iframe"));
        blank.contentDocument.body.innerHTML = "<input autocomplete=new-password>";
      </script>"""
    with live.opened("frames", body):
        # Until its own script has come a document of the page's origin may be told by the page's.
        tab = live.look_until_tab(
            "/frames", lambda tab: read(tab) and len(fields(tab)) == 5 and len(tab["frames"]) == 7
        )
        by_scheme = {frame["url"].partition(":")[0]: frame["fields"] for frame in tab["frames"][1:]}
        assert by_scheme["data"] == ["current-password"]
        assert by_scheme["blob"] == ["one-time-code"]
        by_address = {frame["url"]: frame["fields"] for frame in tab["frames"]}
        assert by_address[f"{live.site.other}/inner"] == ["cc-csc"]
        assert by_address[f"{live.site.here}/inner?sandboxed"] == ["cc-csc"]
        assert by_address["about:srcdoc"] == ["cc-number"]
        assert by_address["about:blank"] == ["new-password"]


def test_hidden_and_distant_frames_do_not_keep_a_look_waiting(live: Live) -> None:
    live.site.serve({"/far": "<p>far</p>"})
    frames = "".join(
        f'<iframe src="{live.site.other}/far?{style}" style="{style}"></iframe>'
        for style in ("display:none", "visibility:hidden", "position:absolute;left:-9999px", "margin-top:5000px")
    )
    with live.opened("distant", frames):
        # The page is there before the last of its frames is.
        tab = live.look_until_tab("/distant", lambda tab: read(tab) and len(tab["frames"]) == 5)
        assert tab["visible"]


def test_a_tab_behind_another_answers_and_is_not_visible(live: Live, card_form: str) -> None:
    with live.opened("cover", ""):
        tab = live.look_until_tab(f"/{card_form}", lambda tab: not tab["visible"] and read(tab))
        assert fields(tab) == {"cc-number"}


def test_a_page_with_too_long_addresses_is_unread_in_its_own_tab_alone(live: Live) -> None:
    """Together they would be more than a look may have, and each frame tells all of them as it comes."""
    live.site.serve({"/long": CARD})
    with live.opened("huge", ""):
        since = len(live.line.heard)
        live.site.order(
            "huge",
            """for (let frame = 0; frame < 40; frame += 1) {
              const long = document.body.appendChild(document.createElement("iframe"));
              long.src = `/long?${frame}${"x".repeat(32_000)}`;
            }""",
        )
        tab = live.look_until_tab("/huge", lambda tab: tab["unread"] and len(tab["frames"]) == 1 and fields(tab))
        assert fields(tab) == {"cc-number"}
        live.look_until_tab("/desk", read)
        live.line.await_one(lambda told: told["kind"] == "event" and told["unread"] and len(told["urls"]) == 1, since)
        assert max(len(json.dumps(told)) for told in live.line.heard[since:]) < 3 * 2**20


def test_a_long_title_is_cut(live: Live) -> None:
    with live.opened("titled", ""):
        live.site.order("titled", "document.title = 'y'.repeat(100_000)")
        answer = live.line.look_until(lambda look: any(title.startswith("yyy") for title in titles(look)))
        assert all(len(title) <= 32_768 for title in titles(answer))


def test_the_browsers_own_page_is_unread(live: Live) -> None:
    if live.name == "chromium":
        live.run("--new-window")  # with the browser's own new tab; it opens no other own page from outside
        start = "chrome://"
    else:
        live.run("--new-tab", "about:license")
        start = "about:license"
    live.line.look_until(lambda look: any(tab["unread"] and urls(tab)[0].startswith(start) for tab in tabs(look)))


@pytest.mark.parametrize("source", ["refused", "denied"])
def test_an_error_page_inside_another_page_is_empty(live: Live, source: str) -> None:
    live.site.serve({"/denied": "<p>in no frame</p>"})
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # and does not listen
        address = {"refused": f"http://127.0.0.1:{bound.getsockname()[1]}/", "denied": "/denied"}[source]
        body = f'<iframe src="{address}"></iframe>'
    with live.opened("broken", body):
        live.look_until_tab("/broken", lambda tab: read(tab) and urls(tab)[1:] == ["about:blank"])


def test_a_page_that_hangs_is_unread_and_the_look_still_comes(live: Live) -> None:
    with live.opened("hanging", CARD, live.site.other) as address:
        live.site.order("hanging", "setTimeout(() => {for (const end = Date.now() + 3000; Date.now() < end;);}, 50)")
        tab = live.look_until_tab("/hanging", lambda tab: tab["unread"])
        assert urls(tab) == [address]
        live.look_until_tab("/hanging", read)


def test_a_private_window_is_not_seen(live: Live) -> None:
    live.site.serve({"/private": page("private", "")})
    address = f"{live.site.here}/private"
    live.run("--incognito" if live.name == "chromium" else "--private-window", address)
    live.site.order("private", "document.title = 'open'")  # it is there, and runs
    answer = live.line.look()
    live.site.send("private", "window.close()")
    assert not tabs_at(answer, "/private")
    assert not any(window["private"] for window in answer["windows"])
