"""The marks that documents show: where, how, in what pages, and for how long. Each is read from the real screen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.browser.extension_live import Live, browser, press, read, tabs_at, titles, urls
from tests.browser.extension_marks import HIGH, WIDE, Marks, magenta, marks, places
from tests.browser.extension_pages import CARD, page

pytestmark = pytest.mark.desktop

INNER = "<!doctype html><title>inner</title><p>Inner.</p>"


@pytest.fixture
def screen(live: Live) -> Iterator[Marks]:
    with marks(live) as seen:
        yield seen


def by_url(tab: dict[str, Any], ending: str) -> int:
    (number,) = {frame["id"] for frame in tab["frames"] if frame["url"].endswith(ending)}
    return int(number)


# -- the line -----------------------------------------------------------------------------------------------------


def test_a_look_tells_how_frames_lie_in_each_other_and_which_document_is_in_each(live: Live) -> None:
    live.site.serve({"/inner": INNER, "/middle": f'{INNER}<iframe src="{live.site.here}/inner"></iframe>'})
    with live.opened("nested", f'<iframe src="{live.site.other}/middle"></iframe>'):
        tab = live.look_until_tab("/nested", lambda tab: read(tab) and len(tab["frames"]) == 3)
        top, middle, inner = (
            next(frame for frame in tab["frames"] if frame["url"].endswith(end))
            for end in ("/nested", "/middle", "/inner")
        )
        assert (top["id"], top["parent"]) == (0, -1)
        assert middle["parent"] == 0
        assert inner["parent"] == middle["id"]
        assert len({top["doc"], middle["doc"], inner["doc"], 0}) == 4
        live.site.order("nested", "document.querySelector('iframe').src = '/inner?other'")
        tab = live.look_until_tab(
            "/nested", lambda tab: read(tab) and urls(tab)[1:] == [f"{live.site.here}/inner?other"]
        )
        assert tab["frames"][0] == top
        assert tab["frames"][1]["id"] == middle["id"]
        assert tab["frames"][1]["doc"] > max(top["doc"], middle["doc"], inner["doc"])


def test_two_frames_show_a_mark_each_and_one_that_is_no_longer_named_shows_none(live: Live, screen: Marks) -> None:
    live.site.serve({"/inner": INNER})
    with live.opened("around", f'<iframe src="{live.site.other}/inner"></iframe>'):
        tab = live.look_until_tab("/around", lambda tab: read(tab) and len(tab["frames"]) == 2)
        frame = by_url(tab, "/inner")
        since = len(live.line.heard)
        numbers = screen.ask(tab["id"], 0, frame)
        for number in numbers.values():
            screen.answer(number, "shown", since)
        screen.until(lambda picture: all(places(picture, number) for number in numbers.values()))
        live.line.tell(kind="mark", tab=tab["id"], marks={str(frame): numbers[frame]})
        screen.until(lambda picture: bool(places(picture, numbers[frame])) and not places(picture, numbers[0]))
        live.line.tell(kind="mark", tab=tab["id"], marks={})
        screen.until(lambda picture: not places(picture, numbers[frame]))


def test_a_mark_goes_when_it_is_not_asked_for_again(live: Live, screen: Marks) -> None:
    with live.opened("forgotten", ""):
        number, _ = screen.seen(live.look_until_tab("/forgotten")["id"], 0)
        screen.until(lambda picture: not places(picture, number))


def test_a_mark_goes_with_its_document_and_does_not_come_back(live: Live, screen: Marks) -> None:
    """Kept by the browser for the way back, it would show a number of another time."""
    script = """onstorage = () => { location.href = '/second' };
        onpageshow = ({persisted}) => { if (persisted) document.title = 'back' }"""
    live.site.serve({"/first": f"<title>first</title><script>{script}</script>", "/second": page("second", "")})
    live.site.order("desk", "window.open('/first', '_blank', 'noopener')")
    before = live.look_until_tab("/first", read)
    number, _ = screen.seen(before["id"], 0)
    live.site.order("desk", "localStorage.go = Math.random()")
    live.look_until_tab("/second", read)
    live.site.send("second", "history.back()")
    # The window has the title a moment after the page. Where it never comes, the browser has loaded the page anew.
    answer = live.line.look_until(
        lambda look: "back" in titles(look) and any(read(tab) for tab in tabs_at(look, "/first"))
    )
    (after,) = tabs_at(answer, "/first")
    assert after["frames"][0]["doc"] > before["frames"][0]["doc"]
    other, picture = screen.seen(after["id"], 0)
    assert places(picture, other)
    assert not places(picture, number)
    live.site.order("desk", "localStorage.go = Math.random()")
    live.look_until_tab("/second", read)
    live.site.send("second", "window.close()")


# -- the pixels ---------------------------------------------------------------------------------------------------


def test_copies_stand_in_the_corners_and_in_the_middle(live: Live, screen: Marks) -> None:
    with live.opened("cornered", ""):
        number, picture = screen.seen(live.look_until_tab("/cornered")["id"], 0)
        found = places(picture, number)
        assert len(found) == 5
        (left, top), (right, _), (x, y), (_, bottom), _ = found
        assert found == [(left, top), (right, top), (x, y), (left, bottom), (right, bottom)]
        assert abs((x - left) - (right - x)) <= 1
        assert abs((y - top) - (bottom - y)) <= 1
        live.site.order("cornered", "document.documentElement.style.background = 'rgb(1, 2, 3)'")
        place = screen.until(lambda grabbed: tuple(grabbed[top + HIGH + 4, left + WIDE + 4, :3]) == (3, 2, 1))
        own = (place[:, :, 0] == 3) & (place[:, :, 1] == 2) & (place[:, :, 2] == 1)
        rows, columns = own.any(axis=1).nonzero()[0], own.any(axis=0).nonzero()[0]
        assert (left - columns[0], top - rows[0]) == (2, 2)
        assert (columns[-1] + 1 - right - WIDE, rows[-1] + 1 - bottom - HIGH) == (2, 2)


@contextmanager
def shown(live: Live, document: str) -> Iterator[dict[str, Any]]:
    """A tab in front with this document and nothing of the tests' in it; yields what a look tells of it."""
    live.site.serve({"/shown": document})
    live.site.order("desk", "window.shown = window.open('/shown')")
    try:
        yield live.look_until_tab("/shown", lambda tab: tab["visible"] and read(tab) and tab["frames"][0]["doc"] != 0)
    finally:
        live.site.order("desk", "window.shown.close()")
        live.line.look_until(lambda look: not tabs_at(look, "/shown"))


COVER = "<div style='position: fixed; inset: 0; z-index: 2147483647; background: #cdf'></div>"
STRICT = "default-src 'none'; style-src 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
DOCUMENTS = {
    "plain": "<!doctype html><p>Text.",
    "quirks": "<p>Text.",
    "empty": "<!doctype html>",
    "XHTML served as HTML": '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><body><p>Text.</p></body></html>',
    "transformed": "<!doctype html><style>html { transform: rotate(10deg) scale(.9) }</style><p>Text.",
    "clipped": "<!doctype html><style>html { clip-path: circle(10px); opacity: .3; mask: none }</style><p>Text.",
    "contained": "<!doctype html><style>html, body { contain: strict; overflow: hidden; height: 50px }</style><p>Text.",
    "covered": f"<!doctype html>{COVER}",
    "modal": f"<!doctype html><dialog id=modal>{COVER}</dialog><script>modal.showModal()</script>",
    "popover": (
        "<!doctype html><div id=over popover=manual style='inset: 0; width: auto; height: auto'>Over</div>"
        "<script>over.showPopover()</script>"
    ),
    "all transparent": (
        "<!doctype html><style>* { opacity: 0 !important; visibility: hidden !important; display: inline !important;"
        "position: static !important; inset: auto !important; animation: none 1s !important } "
        "div { display: none !important }</style><p>Text."
    ),
    "hidden body": "<!doctype html><style>body { display: none }</style><p>Text.",
    "invisible body": "<!doctype html><style>body { visibility: hidden; pointer-events: none }</style><p>Text.",
    "skipped body": "<!doctype html><style>body { content-visibility: hidden }</style><p>Text.",
    "body with a root": "<!doctype html><body><script>document.body.attachShadow({mode: 'open'})</script><p>Text.",
    "zoomed body": "<!doctype html><style>body { zoom: 1.3 }</style><p>Text.",
    "zoomed root": "<!doctype html><style>html { zoom: 1.3 }</style><p>Text.",
    "right to left": "<!doctype html><style>html { direction: rtl; writing-mode: vertical-rl }</style><p>Text.",
    "scrolled": "<!doctype html><style>p { height: 5000px; width: 5000px }</style><p><script>scrollTo(9, 999)</script>",
    "strict": f'<!doctype html><meta http-equiv=Content-Security-Policy content="{STRICT}"><p>Text.',
    "frameset": "<!doctype html><frameset cols='*,*'><frame src='/inner'><frame src='/inner'></frameset>",
    "names in the way": "<!doctype html><form name=body></form><img name=documentElement><form name=createElementNS>",
    "own elements": "<!doctype html><style>div, slot { display: none !important; width: 9px }</style><p>Text.",
    "filtered": "<!doctype html><style>html { filter: blur(4px) }</style><p>Text.",
}


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_every_document_can_show_a_mark(live: Live, screen: Marks, kind: str) -> None:
    if kind == "filtered" and live.name == "firefox":
        pytest.skip("in Firefox a filter on the document's element reaches all, so its mark cannot be read")
    live.site.serve({"/inner": INNER})
    with shown(live, DOCUMENTS[kind]) as tab:
        number, picture = screen.seen(tab["id"], 0)
        assert len(places(picture, number)) >= 4  # Firefox says below the page what a link leads to, or that it waits
        other, picture = screen.seen(tab["id"], 0)
        assert len(places(picture, other)) >= 4
        assert not places(picture, number)


FRAMES = {
    "of another site": "<iframe src='{other}/inner'></iframe>",
    "of the same": "<iframe src='{here}/inner'></iframe>",
    "in another": "<iframe src='{other}/around'></iframe>",
    "srcdoc": "<iframe srcdoc='<p>Text.'></iframe>",
    "data": "<iframe src='data:text/html,<p>Text.'></iframe>",
    "sandboxed": "<iframe sandbox src='{here}/inner'></iframe>",
    "blank": "<iframe src='about:blank'></iframe>",
    "a drawing": "<iframe src='{here}/drawing.svg'></iframe>",
    "object": "<object data='{other}/inner' type='text/html' width=300 height=150></object>",
    "at half a pixel": "<iframe src='{other}/inner' style='position: absolute; left: 100.5px; top: 99.4px'></iframe>",
    "low": "<iframe src='{other}/inner' height=8 style='border: 0'></iframe>",
    "narrow": "<iframe src='{other}/inner' width=64 style='border: 0'></iframe>",
}


@pytest.mark.parametrize("kind", FRAMES)
def test_a_frame_shows_a_mark_of_its_own(live: Live, screen: Marks, kind: str) -> None:
    if kind == "a drawing" and live.name == "firefox":
        pytest.skip("Firefox displays no HTML element of a drawing's: its mark is never seen")
    live.site.serve({"/drawing.svg": "<svg xmlns='http://www.w3.org/2000/svg'><rect width='99' height='99'/></svg>"})
    live.site.serve({"/inner": INNER, "/around": f"{INNER}<iframe src='{live.site.here}/inner' height=80></iframe>"})
    body = FRAMES[kind].format(here=live.site.here, other=live.site.other)
    count = 3 if kind == "in another" else 2
    with shown(live, f"<!doctype html>{body}"):
        tab = live.look_until_tab(
            "/shown", lambda tab: read(tab) and len({one["id"] for one in tab["frames"]}) == count
        )
        frame = tab["frames"][-1]
        if frame["doc"] == 0:
            assert (kind, live.name) == ("blank", "firefox")
            return
        number, picture = screen.seen(tab["id"], frame["id"])
        assert places(picture, number)


def test_a_frame_that_is_half_out_of_view_shows_one_in_the_other_half(live: Live, screen: Marks) -> None:
    live.site.serve({"/inner": INNER})
    frame = f"<iframe src='{live.site.other}/inner' width=300 height=3000 style='border: 0'></iframe>"
    with shown(live, f"<!doctype html>{frame}<p style='height: 3000px'>"):
        tab = live.look_until_tab("/shown", lambda tab: read(tab) and len(tab["frames"]) == 2)
        frame = tab["frames"][1]["id"]
        number, _ = screen.seen(tab["id"], frame)
        again = lambda: live.line.tell(kind="mark", tab=tab["id"], marks={str(frame): number})  # noqa: E731
        screen.until(lambda grabbed: len(places(grabbed, number)) >= 4, again)
        live.site.order("desk", "window.shown.scrollTo(0, 700)")
        screen.until(lambda grabbed: len(places(grabbed, number)) >= 4, again)


def test_a_mark_is_whole_at_every_zoom(live: Live, screen: Marks) -> None:
    live.site.serve({"/inner": INNER})
    body = f"<iframe src='{live.site.other}/inner' width=300 height=100></iframe>"
    with live.opened("zoomed", body):
        tab = live.look_until_tab("/zoomed", lambda tab: read(tab) and len(tab["frames"]) == 2)
        ratios = ["devicePixelRatio === 1"]
        try:
            for _ in range(5):
                live.site.order("zoomed", SOON.format(ratios[-1]))
                for frame in tab["frames"]:
                    number, picture = screen.seen(tab["id"], frame["id"])
                    assert places(picture, number)
                live.site.order("zoomed", "window.before = devicePixelRatio")
                press(live.display, "Control_L", "plus")
                ratios.append("devicePixelRatio > window.before")
            live.site.order("zoomed", SOON.format("devicePixelRatio >= 1.5"))
        finally:
            press(live.display, "Control_L", "0")


SOON = """for (let tries = 0; !({}); tries++) {{
  if (tries > 500) throw new Error("not so");
  await new Promise((done) => setTimeout(done, 20));
}}"""


def test_full_screen_is_no_obstacle(live: Live, screen: Marks) -> None:
    body = "<div id=all>All</div><script>onkeydown = () => document.getElementById('all').requestFullscreen()</script>"
    with live.opened("filling", body):
        tab = live.look_until_tab("/filling")
        live.site.order("filling", SOON.format("document.hasFocus()"))
        for _ in range(3):  # now and then a key does not get to a Firefox that has just opened a tab
            press(live.display, "f")
            if not live.site.attempt("filling", SOON.format("document.fullscreenElement")):
                break
        number, _ = screen.seen(tab["id"], 0)
        screen.until(lambda picture: len(places(picture, number)) >= 4)
        live.site.order("filling", "await document.exitFullscreen()")


def test_what_comes_over_a_mark_is_below_the_next(live: Live, screen: Marks) -> None:
    with live.opened("piling", f"<dialog id=modal>{COVER}</dialog>"):
        tab = live.look_until_tab("/piling")
        screen.seen(tab["id"], 0)
        live.site.order("piling", "document.getElementById('modal').showModal()")
        number, picture = screen.seen(tab["id"], 0)
        assert len(places(picture, number)) == 5


# -- what cannot show one ------------------------------------------------------------------------------------------

UNSEEN = {
    "not displayed": ("display: none", "empty"),
    "without width": ("width: 0", "empty"),
    "beside the page": ("position: absolute; left: -9999px", "outside"),
    "below the fold": ("margin-top: 5000px; display: block", "outside"),
    "a line": ("height: 3px; border: 0", "outside"),
}


@pytest.mark.parametrize("origin", ["here", "other"])
@pytest.mark.parametrize("kind", UNSEEN)
def test_a_frame_says_why_it_shows_none(live: Live, screen: Marks, kind: str, origin: str) -> None:
    style, how = UNSEEN[kind]
    live.site.serve({"/inner": INNER})
    body = f"<iframe src='{getattr(live.site, origin)}/inner' style='{style}'></iframe>"
    with live.opened("around", body):
        tab = live.look_until_tab("/around", lambda tab: read(tab) and len(tab["frames"]) == 2)
        frame = tab["frames"][1]["id"]
        since = len(live.line.heard)

        def told(*ways: str) -> None:
            """Asked again and again, as the agent does."""
            known: list[str] = []
            screen.until(lambda _: says(known, ways), lambda: known.append(screen.ask(tab["id"], frame)[frame]))

        def says(known: list[str], ways: tuple[str, ...]) -> bool:
            heard = live.line.heard[since:]
            return any(one["kind"] == "marked" and one["mark"] in known and one["how"] in ways for one in heard)

        told(how)
        live.site.order("around", "document.querySelector('iframe').style = ''; scrollTo(0, 0)")
        told("shown")
        number, picture = screen.seen(tab["id"], frame)
        assert places(picture, number)
        live.site.order("around", f"document.querySelector('iframe').style = '{style}'")
        told(how)


def test_each_of_many_frames_out_of_view_says_so(live: Live, screen: Marks) -> None:
    """Firefox draws one of them a second, and then ever more rarely: the page around them speaks for them."""
    live.site.serve({"/inner": INNER})
    frame = f"<iframe src='{live.site.other}/inner' width=300 height=300></iframe>"
    with live.opened("around", f"<div style='height: 4000px'></div>{frame * 24}"):
        tab = live.look_until_tab("/around", lambda tab: read(tab) and len(tab["frames"]) == 25)
        frames = [one["id"] for one in tab["frames"] if one["id"]]
        known: list[str] = []
        since = len(live.line.heard)

        def answered(_: object) -> bool:
            heard = live.line.heard[since:]
            return {one["frame"] for one in heard if one["kind"] == "marked" and one["how"] == "outside"} == {*frames}

        screen.until(answered, lambda: known.extend(screen.ask(tab["id"], *frames).values()))
        assert {one["mark"] for one in live.line.heard[since:] if one["kind"] == "marked"} <= {*known}


def test_a_frame_too_narrow_for_a_mark_says_nothing(live: Live, screen: Marks) -> None:
    """It may show digits all the same: `outside` would be untrue."""
    live.site.serve({"/inner": INNER})
    with live.opened("around", f"<iframe src='{live.site.other}/inner' width=50 height=40></iframe>"):
        tab = live.look_until_tab("/around", lambda tab: read(tab) and len(tab["frames"]) == 2)
        frame = tab["frames"][1]["id"]
        since = len(live.line.heard)
        numbers = screen.ask(tab["id"], frame, 0)
        screen.until(lambda picture: bool(places(picture, numbers[0])))
        screen.seen(tab["id"], 0)
        told = [one for one in live.line.heard[since:] if one["kind"] == "marked" and one["frame"] == frame]
        assert [one["how"] for one in told] == []


# -- the page's own script -----------------------------------------------------------------------------------------


def test_a_page_sees_nothing_of_a_mark(live: Live, screen: Marks) -> None:
    """Neither in its tree nor by an observer, an event or a point; and nothing of it is taken for the page's."""
    watch = """window.seen = [];
        new MutationObserver((records) => seen.push(...records.map(({type}) => type)))
          .observe(document, {subtree: true, childList: true, attributes: true, characterData: true});
        for (const name of ["toggle", "beforetoggle", "focusin", "blur", "resize", "scroll"])
          for (const on of [window, document]) on.addEventListener(name, () => seen.push(name), true);
        window.whole = document.documentElement.outerHTML;
        window.active = document.getElementById("typed"); active.focus();
        window.high = document.documentElement.scrollHeight;"""
    check = """const found = [...seen];
        if (document.documentElement.outerHTML !== whole) found.push("outerHTML");
        if (document.activeElement !== active) found.push("focus");
        if (document.documentElement.scrollHeight !== high) found.push("scrollHeight");
        if (document.body.shadowRoot !== null) found.push("shadowRoot");
        if (document.elementFromPoint(5, 5) !== document.documentElement) found.push("elementFromPoint");
        if (document.getElementsByTagName("slot").length || document.getAnimations().length) found.push("elements");
        if (found.length) throw new Error(found.join());"""
    with live.opened("watching", f"<input id=typed>{CARD}"):
        # An observer hears at the end of a turn, and nothing says that it has heard all of what was just set up.
        live.site.order("watching", f"{watch} await new Promise((done) => setTimeout(done, 100)); seen.length = 0")
        tab = live.look_until_tab("/watching", read)
        number, _ = screen.seen(tab["id"], 0)
        screen.seen(tab["id"], 0)
        live.line.tell(kind="mark", tab=tab["id"], marks={})
        screen.until(lambda picture: not places(picture, number))
        live.site.order("watching", check)


def test_what_a_page_is_doing_goes_on(live: Live, screen: Marks) -> None:
    """The body gets a root once: what is in it must not begin anew, lose its place or what was typed."""
    live.site.serve({"/inner": "<script>parent.loads = (parent.loads ?? 0) + 1</script><p>Inner."})
    body = """<style>@keyframes k { to { opacity: .5 } } #moves { animation: k 60s linear }</style>
        <p id=moves>Moves.</p>
        <div id=rolls style="overflow: auto; height: 50px"><p style="height: 500px">Long.</p></div>
        <input id=typed><iframe src=/inner></iframe><details open><summary>s</summary>d</details>"""
    prepare = f"""{SOON.format("window.loads")} const at = (id) => document.getElementById(id);
        at("rolls").scrollTop = 77; scrollTo(0, 40);
        at("typed").value = "abcdef"; at("typed").focus(); at("typed").setSelectionRange(2, 4);
        window.animation = at("moves").getAnimations()[0]; await animation.ready; window.began = animation.startTime;
        if (window.loads !== 1) throw new Error("the frame has not loaded");"""
    check = """const at = (id) => document.getElementById(id), found = [];
        const now = at("moves").getAnimations()[0];
        if (now !== animation || now.startTime !== began || now.playState !== "running") found.push("animation");
        if (at("rolls").scrollTop !== 77) found.push("scrolled");
        if (document.activeElement !== at("typed") || at("typed").selectionStart !== 2) found.push("focus");
        if (at("typed").value !== "abcdef") found.push("value");
        if (window.loads !== 1) found.push("frame");
        if (!document.body.innerText.includes("Moves.")) found.push("text");
        if (found.length) throw new Error(found.join());"""
    with live.opened("moving", body):
        tab = live.look_until_tab("/moving", lambda tab: read(tab) and len(tab["frames"]) == 2)
        live.site.order("moving", prepare)
        screen.seen(tab["id"], 0)
        screen.seen(tab["id"], 0)
        live.site.order("moving", check)


@pytest.mark.slow(reason="a browser of its own starts")
def test_a_mark_outlives_colours_that_the_user_forces(tmp_path: Path) -> None:
    """As a high-contrast mode does; in Chromium that is a setting of the desktop's."""
    forced = {"browser.display.document_color_use": 2}
    with (
        browser("firefox", tmp_path, forced) as live,
        marks(live) as screen,
        live.opened("forced", "<p style='background: #f0f; width: 90px'>Text.</p>"),
    ):
        number, picture = screen.seen(live.look_until_tab("/forced", read)["id"], 0)
        assert not magenta(picture), "no colours are forced: nothing was tried"
        assert places(picture, number)


def arrived(tab: dict[str, Any], ending: str) -> list[dict[str, Any]]:
    return [frame for frame in tab["frames"] if frame["url"].endswith(ending) and frame["doc"]]


def test_a_document_that_has_just_come_into_a_frame_is_not_said_to_be_out_of_view(live: Live, screen: Marks) -> None:
    """Its process may not have been told where the frame is."""
    live.site.serve({"/inner": INNER})
    with live.opened("around", "<iframe src=/inner></iframe>"):
        for turn in range(12):
            host = live.site.other if turn % 2 else live.site.here
            live.site.order("around", f"document.querySelector('iframe').src = '{host}/inner?{turn}'")
            tab = live.look_until_tab("/around", lambda tab, end=f"?{turn}": arrived(tab, end))
            since = len(live.line.heard)
            (frame,) = arrived(tab, f"?{turn}")
            number, _ = screen.seen(tab["id"], frame["id"])
            screen.answer(number, "shown", since)
            told = [one["how"] for one in live.line.heard[since:] if one["kind"] == "marked"]
            assert set(told) == {"shown"}
