"""What another extension shows over or beside pages: each look says in which windows it may, and in no others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from agent.browser.manifests import chromium_id
from agent.core.model.seen import Scene, WindowKind
from agent.desktop import current_desktop
from testkit import displays
from testkit.browsers import PANEL, POPUP, STRANGER, gecko_id
from testkit.desktops import look_until
from testkit.hands import Hands
from tests.browser.extension_live import Live, browser, fields, press, read, tabs, tabs_at
from tests.browser.extension_pages import CARD

pytestmark = pytest.mark.desktop


@pytest.fixture(scope="module", params=["chromium", "firefox"])
def visited(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A browser with the stranger in it, its page in front and with the focus."""
    with browser(request.param, tmp_path_factory.mktemp(request.param), beside=[STRANGER]) as running:
        running.line.look_until(lambda look: may_show(look) == [[]])
        yield running


def stranger(live: Live) -> str:
    return chromium_id(STRANGER) if live.name == "chromium" else gecko_id(STRANGER)


def may_show(look: dict[str, Any]) -> list[list[str]]:
    """For each window the extensions that may be showing something in it."""
    return [window["extensions"] for window in look["windows"]]


def lose_focus(live: Live) -> None:
    """Until the page says that it has no focus any more."""
    live.site.order("desk", "while (document.hasFocus()) await new Promise((then) => setTimeout(then, 10));")


def take_focus(live: Live) -> None:
    """By a click into the page: a panel that closes may take the focus along, and then no key reaches the browser."""
    with displays.connection(live.display) as link:
        Hands(link).click(500, 600)
    live.site.order("desk", "while (!document.hasFocus()) await new Promise((then) => setTimeout(then, 10));")


def test_it_is_switched_on_and_shows_nothing(visited: Live) -> None:
    look = visited.line.look()
    assert look["extensions"] == [stranger(visited)]
    assert may_show(look) == [[]]


def test_its_late_root_in_a_page(visited: Live) -> None:
    with visited.opened("entered", "<div id=host></div>"):
        attach = "document.getElementById('host').dispatchEvent(new Event('stranger-attach', {bubbles: true}))"
        visited.site.order("entered", attach)
        visited.look_until_tab("/entered", lambda tab: read(tab) and fields(tab) == {"cc-number"})


def test_its_popup(visited: Live) -> None:
    since = len(visited.line.heard)
    if visited.name == "firefox":
        desktop = current_desktop(visited.display)
        try:
            press(visited.display, *POPUP)
            # A window that no look at the browser accounts for: it closes for its own sake.
            look_until(desktop, lambda seen: sum(counts_for_itself(seen)) == 2)
            press(visited.display, "Escape")
            look_until(desktop, lambda seen: sum(counts_for_itself(seen)) == 1)
        finally:
            desktop.close()
        return
    press(visited.display, *POPUP)
    event = visited.line.await_one(lambda told: told.get("what") == "extension", since)
    assert (event["urls"], event["extensions"]) == ([], [stranger(visited)])
    assert may_show(visited.line.look()) == [[stranger(visited)]]
    press(visited.display, "Escape")
    visited.line.look_until(lambda look: may_show(look) == [[]])


def counts_for_itself(seen: Scene) -> list[bool]:
    return [window.engine and window.shown and window.kind is WindowKind.NORMAL for window in seen.windows]


def test_the_address_bar_has_the_focus_and_no_extension_shows_anything(visited: Live) -> None:
    press(visited.display, "Control_L", "l")
    lose_focus(visited)
    assert may_show(visited.line.look()) == [[]]
    press(visited.display, "Escape")
    press(visited.display, "Escape")


def test_its_panel_beside_the_page_as_long_as_it_is_there(visited: Live) -> None:
    press(visited.display, *PANEL)
    visited.line.look_until(lambda look: may_show(look) == [[stranger(visited)]])
    press(visited.display, *PANEL)
    visited.line.look_until(lambda look: may_show(look) == [[]])


def test_a_page_in_place_of_the_browsers_own(visited: Live) -> None:
    """Chromium tells the address of the page that was replaced, so that of the page itself nobody knows."""
    if visited.name == "firefox":
        pytest.skip("Firefox tells the address of the extension's own page, which is unread")
    take_focus(visited)
    press(visited.display, "Control_L", "h")
    look = visited.line.look_until(lambda look: may_show(look) != [[]])
    assert may_show(look) == [[stranger(visited)]]
    assert len(tabs(look)) == 2
    press(visited.display, "Control_L", "w")
    visited.line.look_until(lambda look: may_show(look) == [[]])


# -- its page in a frame of another page --------------------------------------------------------------------------

INSERT = "document.body.insertAdjacentHTML('beforeend', `<div id=here>{}</div>`)"
FRAMED = {
    "a frame": INSERT.format("<iframe src=@FORM></iframe>"),
    "a sandboxed frame": INSERT.format("<iframe sandbox src=@FORM></iframe>"),
    "an object": INSERT.format("<object data=@FORM></object>"),
    "an embedded thing": INSERT.format("<embed src=@FORM>"),
    "a frame in a shadow root": (
        INSERT.format("")
        + "; document.getElementById('here').attachShadow({mode: 'closed'}).innerHTML = '<iframe src=@FORM></iframe>'"
    ),
    "a frame in a frame of another site": INSERT.format("<iframe src=@OTHER/around></iframe>"),
}


def form_of(live: Live) -> str:
    if live.name == "firefox":
        pytest.skip("Firefox lists such a frame, which is unread")
    return f"chrome-extension://{stranger(live)}/form.html"


@pytest.mark.parametrize("way", FRAMED)
def test_its_page_in_a_frame_as_long_as_it_is_there(visited: Live, way: str) -> None:
    form = form_of(visited)
    visited.site.serve({"/around": f"<iframe src={form}></iframe>"})
    with visited.opened("shop", ""):
        assert may_show(visited.line.look()) == [[]]
        visited.site.order("shop", FRAMED[way].replace("@FORM", form).replace("@OTHER", visited.site.other))
        look = visited.line.look_until(lambda look: may_show(look) == [[stranger(visited)]])
        assert read(tabs_at(visited.line.look(), "/shop")[0]), "the page itself is read: the policy may name the other"
        assert look["extensions"] == [stranger(visited)]
        visited.site.order("shop", "document.getElementById('here').remove()")
        visited.line.look_until(lambda look: may_show(look) == [[]] and read(tabs_at(look, "/shop")[0]))


def test_its_page_in_a_frame_that_does_not_name_it_leaves_the_page_unread(visited: Live) -> None:
    form = form_of(visited)
    with visited.opened("shop", "<iframe id=here></iframe>"):
        visited.site.order("shop", f"document.getElementById('here').contentWindow.location = '{form}'")
        visited.look_until_tab("/shop", lambda tab: not read(tab))
        for _ in range(5):
            assert not read(tabs_at(visited.line.look(), "/shop")[0])
        visited.site.order("shop", "document.getElementById('here').remove()")
        visited.look_until_tab("/shop", read)


def test_its_page_in_a_tab_behind_shows_nothing(visited: Live) -> None:
    form = form_of(visited)
    with visited.opened("shop", f"<iframe src={form}></iframe>"):
        visited.line.look_until(lambda look: may_show(look) == [[stranger(visited)]])
        with visited.opened("cover", ""):
            visited.line.look_until(lambda look: may_show(look) == [[]])


# -- where there is none ------------------------------------------------------------------------------------------

OWN = (
    "src=@OTHER/inner", "src=/inner", "sandbox=allow-scripts src=@OTHER/inner", "loading=lazy src=@OTHER/inner",
    "sandbox loading=lazy src=/inner", "srcdoc=text", "", "sandbox", "src=/nothing", "src=/never", "sandbox src=/never",
    "sandbox=allow-scripts srcdoc='<iframe src=/never></iframe>'", "src=javascript:void(0)",
    "src='data:text/html,text'", "src=foo:bar", "src=chrome://version", "src=/some.pdf",
    f"src=chrome-extension://{'a' * 32}/not-here.html",
)  # fmt: skip
COMES_AND_GOES = """const kinds = {}, here = [];
for (let n = 0; n < 60; n += 1) {{
  const place = document.body.appendChild(document.createElement("div"));
  (n % 3 ? place : place.attachShadow({{mode: "closed"}})).innerHTML = `<iframe ${{kinds[n % kinds.length]}}></iframe>`;
  here.push(place);
  if (here.length > 8) here.shift().remove();
  await new Promise((done) => setTimeout(done, 30));
}}
for (const place of here) place.remove();
document.body.insertAdjacentHTML("beforeend", `{}`);"""


@pytest.fixture
def own_frames(live: Live) -> list[str]:
    if live.name == "firefox":
        pytest.skip("Firefox lists all frames: none is found by counting")
    live.site.serve({"/inner": "<iframe srcdoc=text></iframe>", "/some.pdf": "%PDF-1.4"})
    return [kind.replace("@OTHER", live.site.other) for kind in OWN]


def test_a_pages_own_frames_leave_it_read_whatever_is_in_them(live: Live, own_frames: list[str]) -> None:
    framed = "".join(f"<iframe width=60 height=40 {kind}></iframe>" for kind in own_frames * 2)
    with live.opened("framed", f"{framed}<object data=/none.png type=image/png></object><embed src=/some.pdf>"):
        # Refused ones are replaced by pages of the browser's own at first, and are short in number meanwhile.
        looks = list[bool]()
        while not all(looks[-20:]) or len(looks) < 20:
            looks.append(read(live.look_until_tab("/framed")))
            assert len(looks) < 2000


def test_frames_that_come_and_go_do_not_stay_short_in_number(live: Live, own_frames: list[str]) -> None:
    with live.opened("churning", ""):
        done = live.site.send("churning", COMES_AND_GOES.format(own_frames, CARD))
        by_number = []
        while "cc-number" not in fields(tab := live.look_until_tab("/churning")):
            # One that has just come may have no script yet.
            scriptless = any(frame["unread"] for frame in tab["frames"] if "unread" in frame)
            by_number.append(not read(tab) and not scriptless)
        # On a busy machine one look may end before the browser has listed what the page counts, but not each.
        assert by_number.count(True) <= len(by_number) // 2 + 1
        live.site.await_done(done)
        live.look_until_tab("/churning", read)


def test_where_there_is_no_other_extension_nothing_is_lost(live: Live) -> None:
    press(live.display, "Control_L", "d")  # the bubble of bookmarks takes the focus from the browser's window
    lose_focus(live)
    look = live.line.look()
    assert look["extensions"] == []
    assert may_show(look) == [[]]
    press(live.display, "Escape")
