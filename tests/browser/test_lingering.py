"""What no selector and no address names any more counts as present until it has left the picture, or for a while.

Each case was a leak. A form is magenta, so that a grab of the real screen says whether it is still in the picture.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.browser.extension_live import Live, css, fields, read, tabs_at, urls
from tests.browser.extension_marks import FRAME, Marks, magenta, marks, places

pytestmark = pytest.mark.desktop

AFTER = 10  # grabs that are judged beyond the first with the mark
TRIES = 4  # of a play in which the form was gone before anybody looked
AT_MOST = 10.0  # seconds; what takes longer is no exit

GO = "const form = document.getElementById('form'), main = document.getElementById('main');"
LOADED = "if (document.readyState === 'loading') await new Promise((done) => addEventListener('load', done));"
BOX = "width: 400px; height: 200px; background: #f0f"
# `.secret .amount` is one of the policy's selectors.
PANEL = f"<style>#form {{ {BOX} }}</style><main id=main class=secret><div id=form class=amount></div></main>"
NAMED = f"<style>#form {{ {BOX} }}</style><main id=main><div id=form><input autocomplete=cc-number></div></main>"
PLAIN = f"<style>#form {{ {BOX} }}</style><main id=main><div id=form><b>Card</b></div></main>"
LEFT = "main.className = '';"
IN = "{opacity: 1, offset: 0.1}, {opacity: 1, offset: 0.9}"
LATE = "{ transition: opacity 1s step-end, display 1s step-end allow-discrete }"


@dataclass(frozen=True)
class Case:
    body: str
    go: str  # what the document does, a script
    chromium_only: str = ""  # why
    before: str = ""  # a script that makes the form


# Each shows the form unfaded for a second or more when it is no longer named, or a busy machine never sees it so.
CASES = {
    "it fades": Case(
        f"<style>.amount {{ transition: opacity .2s 1s }}</style>{PANEL}", f"{LEFT} form.style.opacity = 0"
    ),
    "it fades with what is around it": Case(
        f"<style>main {{ transition: opacity .2s 1s }}</style>{PANEL}", f"{LEFT} main.style.opacity = 0"
    ),
    "it begins to fade later": Case(
        f"<style>.leave {{ opacity: 0; transition: opacity 3s steps(1, end) }}</style>{PANEL}",
        f"{LEFT} setTimeout(() => form.classList.add('leave'), 800)",
    ),
    "it fades at another rate": Case(
        PANEL,
        f"""{LEFT} const goes = form.animate([{IN}, {{opacity: 0}}], {{duration: 20000, fill: "both"}});
        goes.playbackRate = 8; goes.onfinish = () => form.remove()""",
    ),
    "its fading is paused for a while": Case(
        f"""<style>.leave {{ animation: out 2s forwards }} .wait {{ animation-play-state: paused }}
        @keyframes out {{ 90% {{ opacity: 1; visibility: visible }} to {{ opacity: 0; visibility: hidden }} }}
        </style>{PANEL}""",
        f"""{LEFT} form.classList.add('leave'); setTimeout(() => form.classList.add('wait'), 200);
        setTimeout(() => form.classList.remove('wait'), 3500)""",
    ),
    "a script fades it": Case(
        PANEL,
        f"""{LEFT} const begun = performance.now();
        const step = () => {{
          const part = (performance.now() - begun) / 3500;
          form.style.opacity = Math.max(0, 5 * (1 - part));
          if (part < 1) setTimeout(step, 30); else form.remove();
        }};
        step()""",
    ),
    "the page works meanwhile": Case(
        f"<style>main:not(.secret) #form {{ opacity: 0; transition: opacity 5s steps(1, end) }}</style>{PANEL}",
        f"""{LEFT} const channel = new MessageChannel(); let times = 8;
        channel.port1.onmessage = () => {{
          const until = performance.now() + 350;
          while (performance.now() < until);
          if (--times > 0) channel.port2.postMessage(0);
        }};
        channel.port2.postMessage(0)""",
    ),
    "it is scrolled away": Case(
        f"<style>#next {{ height: 110vh }} #form {{ height: 300vh !important }}</style>{PANEL}<p id=next>Next.</p>",
        # In steps, as a busy machine's Firefox is through with a single scroll before anybody looks.
        f"""{LEFT} let times = 0;
        const scroll = () => {{
          scrollTo({{top: ++times * 0.4 * innerHeight, behavior: 'smooth'}});
          if (times < 8) setTimeout(scroll, 200);
        }};
        scroll()""",
    ),
    "it is hidden a second later": Case(PANEL, f"{LEFT} setTimeout(() => form.style.display = 'none', 1000)"),
    "what the browser draws of it fades": Case(
        f"""<style>details::details-content {{ opacity: 0; display: block;
          transition: content-visibility 3s allow-discrete, opacity 1s 2s }}
        details[open]::details-content {{ opacity: 1 }}</style>
        <main id=main class=secret><details class=amount open><summary>Pay</summary>
        <p id=form style="{BOX}"></p></details></main>""",
        f"{LEFT} form.parentNode.open = false",
    ),
    "what the browser draws around it fades": Case(
        f"""<style>details::details-content {{ opacity: 0; display: block;
          transition: content-visibility 3s allow-discrete, opacity 1s 2s }}
        details[open]::details-content {{ opacity: 1 }}</style>
        <main id=main class=secret><details open><summary>Pay</summary>
        <p id=form class=amount style="{BOX}"></p></details></main>""",
        f"{LEFT} form.parentNode.open = false",
    ),
    "an animation of its SVG fades it": Case(
        PANEL,
        f"""{LEFT} form.style.background = "none";
        form.innerHTML = `<svg width="400" height="200"><rect width="400" height="200" fill="#f0f">
          <animate attributeName="opacity" values="1;1;0" dur="3.5s" fill="freeze" begin="indefinite"/></rect></svg>`;
        form.querySelector("animate").beginElement();""",
    ),
    "in a closed shadow root": Case(
        PANEL,
        """form.style.background = "none";
        const root = form.attachShadow({mode: "closed"});
        root.innerHTML = `<style>.amount { background: #f0f; height: 100px; transition: opacity 1s step-end }
          main:not(.secret) .amount { opacity: 0 }</style><main class=secret><div class=amount></div></main>`;
        void root.lastChild.offsetWidth; main.className = "";
        await new Promise((done) => setTimeout(done, 300));
        root.lastChild.className = "";""",  # 300 ms: inside the second of the transition
    ),
    "it is one of many, and not of the first": Case(
        f"""<style>.amount {{ height: 100px }} #form {{ {BOX} }}</style>
        <main id=main class=secret>{"<p class=amount>" * 60}<div id=form class=amount></div></main>""",
        f"{LEFT} setTimeout(() => form.remove(), 1000)",
        before="form.scrollIntoView()",
    ),
    "it has no box of its own, and shows what is in its root": Case(
        "<main id=main class=secret><div id=form class=amount style='display: contents'></div></main>",
        f"{LEFT} setTimeout(() => form.remove(), 1000)",
        before=f"form.attachShadow({{mode: 'closed'}}).innerHTML = `<div style='position: fixed; {BOX}'></div>`;",
    ),
    "it has no size, and shows what is in its root": Case(
        "<main id=main class=secret><div id=form class=amount></div></main>",
        f"{LEFT} setTimeout(() => form.remove(), 1000)",
        before=f"form.attachShadow({{mode: 'open'}}).innerHTML = `<div style='position: fixed; {BOX}'></div>`;",
    ),
    "it is said by an element that shows nothing": Case(
        f"<style>#form {{ {BOX} }}</style><main id=main class=secret><input type=hidden class=amount><p id=form>",
        f"{LEFT} setTimeout(() => form.remove(), 1000)",
    ),
    "it has no size, and draws before itself": Case(
        """<style>.amount { width: 0; height: 0 } .amount::before { content: ''; position: fixed; inset: 0;
          background: #f0f }</style><main id=main class=secret><div id=form class=amount></div></main>""",
        f"{LEFT} setTimeout(() => form.remove(), 1000)",
    ),
    "it has no size, and casts a shadow": Case(
        """<style>.amount { width: 0; height: 0; box-shadow: 0 0 0 150px #f0f; margin: 300px }</style>
        <main id=main class=secret><div id=form class=amount></div></main>""",
        f"{LEFT} setTimeout(() => form.remove(), 1000)",
    ),
    "it is invisible, and what is before it is not": Case(
        f"""<style>.amount {{ visibility: hidden }} .amount::before {{ content: ''; visibility: visible; display: block;
          {BOX} }}</style><main id=main class=secret><div id=form class=amount></div></main>""",
        f"{LEFT} setTimeout(() => form.remove(), 1000)",
    ),
    "it is out of view, and what is before it is not": Case(
        f"""<style>.amount {{ position: absolute; left: -9999px }} .amount::before {{ content: ''; position: fixed;
          left: 0; top: 0; {BOX} }}</style><main id=main class=secret><div id=form class=amount></div></main>""",
        f"{LEFT} setTimeout(() => form.remove(), 1000)",
    ),
    "it is drawn where something else refers to it": Case(
        """<main id=main class=secret><svg width=400 height=200><symbol><rect id=form class=amount width=400 height=200
        fill=#f0f></rect></symbol><use href=#form /></svg></main>""",
        f"{LEFT} setTimeout(() => form.remove(), 1000)",
    ),
    "what brought it in is played backwards": Case(
        PANEL,
        f"{LEFT} const going = form.brought; going.onfinish = () => form.remove(); going.reverse()",
        before=f"""form.brought = form.animate([{{opacity: 0}}, {IN}], {{duration: 3500, fill: 'both'}});
        form.brought.finish()""",
    ),
    "an animation that rests in its middle goes on": Case(
        PANEL,
        f"{LEFT} form.resting.onfinish = () => form.remove(); form.resting.play()",
        before=f"""form.resting = form.animate([{IN}, {{opacity: 0}}], {{duration: 5000, fill: 'both'}});
        form.resting.pause(); form.resting.currentTime = 1500""",
    ),
    "it has begun to fade when its name goes": Case(
        PANEL,
        f"""form.animate([{IN}, {{opacity: 0}}], {{duration: 5000, fill: 'both'}}).onfinish = () => form.remove();
        setTimeout(() => {{ {LEFT} }}, 1000)""",
    ),
    "one animation after the other moves it": Case(
        PANEL,
        f"""{LEFT} let more = 3;
        const move = () => {{
          if (more-- === 0) return form.remove();
          form.animate([{{}}, {{translate: "2px"}}], {{duration: 1300}}).onfinish = move;
        }};
        move()""",
    ),
    "one animation a moment after the other moves it": Case(
        PANEL,
        f"""{LEFT} let more = 3;
        const move = () => {{
          if (more-- === 0) return form.remove();
          form.animate([{{}}, {{translate: "2px"}}], {{duration: 1300}}).onfinish = () => setTimeout(move, 60);
        }};
        move()""",
    ),
    "it fades in a frame that has a clock of its own": Case(
        "<main id=main><iframe id=form width=400 height=200 src='javascript:void 0'></iframe></main>",
        f"""const inner = form.contentDocument.querySelector('.secret');
        inner.firstChild.animate([{IN}, {{opacity: 0}}], {{duration: 3500, fill: 'both'}});
        inner.className = ''""",
        before="""form.contentDocument.body.innerHTML =
        `<main class=secret><div class=amount style="position: fixed; inset: 0; background: #f0f"></div></main>`""",
    ),
    "a field is called otherwise": Case(
        f"<style>#form {{ {BOX} }}</style><main id=main><div id=form><label>Card number <input></label></div></main>",
        """form.querySelector('label').firstChild.data = 'Please wait'; setTimeout(() => form.remove(), 1000)""",
    ),
    "a field is taken away, and what is around it fades": Case(
        f"<style>#form {LATE}</style>{NAMED}", "form.querySelector('input').remove(); form.style.opacity = 0"
    ),
    "a field is taken away, and what brought it in is played backwards": Case(
        NAMED,
        """form.querySelector('input').remove(); form.brought.onfinish = () => form.remove(); form.brought.reverse()""",
        before=f"""form.brought = form.animate([{{opacity: 0}}, {IN}], {{duration: 1500, fill: 'both'}});
        form.brought.finish()""",
    ),
    "and is displayed a while": Case(
        f"<style>#form {LATE}</style>{NAMED}",
        "form.querySelector('input').remove(); form.style.display = 'none'",
        "Firefox takes an element's box away at once",
    ),
    "an address is left, and the view fades": Case(
        f"<style>#form {{ transition: opacity .2s 2.5s }}</style>{PLAIN}",
        "history.pushState(0, '', '/paid'); form.style.opacity = 0",
    ),
    "an address is left, and the view a second later": Case(
        PLAIN, "history.pushState(0, '', '/paid'); setTimeout(() => form.remove(), 1000)"
    ),
    "an address is left, and the view is hidden later": Case(
        PLAIN,
        """history.pushState(0, '', '/paid'); main.className = 'active'; // as an application marks a link
        setTimeout(() => form.style.display = 'none', 1000)""",
    ),
    "an address is left, and a menu that is not displayed changes": Case(
        f"{PLAIN}<nav hidden><ul id=item><li>Shop</ul></nav>",
        """history.pushState(0, '', '/paid'); document.getElementById('item').className = 'active';
        setTimeout(() => form.remove(), 1000)""",
    ),
    "an address is left, and one after it": Case(
        PLAIN,
        """history.pushState(0, '', '/between'); main.title = 'on';
        setTimeout(() => history.pushState(0, '', '/paid'), 50); setTimeout(() => form.remove(), 1000)""",
    ),
}


@pytest.fixture
def screen(live: Live) -> Iterator[Marks]:
    with marks(live) as seen:
        yield seen


def names_it(tab: dict[str, Any], path: str) -> bool:
    return bool(fields(tab) or css(tab) or any(url.endswith(path) for url in urls(tab)))


def follow(live: Live, screen: Marks, *, addressed: bool) -> bool:
    """Looks until nothing names the form any more; then its mark must be in no picture with it. Whether anything was
    tried: the form was in a picture when nothing but what lingers named it.
    """
    path = "/paying" if addressed else "no address"
    tried = False
    end = time.monotonic() + AT_MOST + 20
    while True:
        assert time.monotonic() < end, "it counts for ever"
        look = live.line.look()
        (tab,) = [*tabs_at(look, "/paying"), *tabs_at(look, "/paid"), *tabs_at(look, "/between")]
        if not names_it(tab, path):
            break
        tried |= magenta(screen.grab())
        time.sleep(FRAME)  # nothing says when a browser has drawn: looks and pictures take turns, a frame apart
    known: list[str] = []
    screen_marked = 0

    def ask() -> None:
        known.append(screen.ask(tab["id"], 0)[0])

    def judge(picture: Any) -> bool:
        nonlocal screen_marked
        if any(places(picture, *known)):
            screen_marked += 1
            assert not magenta(picture)
        return screen_marked > AFTER

    ask()
    screen.until(judge, ask)
    return tried


@pytest.mark.parametrize("name", CASES)
def test_it_counts_until_it_has_left_the_picture(live: Live, screen: Marks, name: str) -> None:
    case = CASES[name]
    if case.chromium_only and live.name == "firefox":
        pytest.skip(case.chromium_only)
    addressed = "address" in name
    for _ in range(TRIES):
        with live.opened("paying", case.body):
            live.site.order("paying", f"{LOADED} {GO} {case.before}")
            live.look_until_tab("/paying", lambda tab: names_it(tab, "/paying" if addressed else "no address"))
            screen.until(magenta)
            live.site.order("paying", f"{GO} {case.go}")
            if follow(live, screen, addressed=addressed):
                return
    raise TimeoutError("the form was gone before anybody looked, each time")


def test_what_stays_in_view_is_not_waited_for_long(live: Live) -> None:
    with live.opened("paying", PANEL):
        live.look_until_tab("/paying", css)
        live.site.order("paying", f"{GO} {LEFT}")
        live.look_until_tab("/paying", lambda tab: not css(tab))


def test_nor_is_a_view_that_has_gone(live: Live) -> None:
    """Without an animation nothing is waited for: the answer that has the new address has no other."""
    with live.opened("paying", PLAIN):
        live.site.order("paying", f"{GO} history.pushState(0, '', '/paid'); form.remove()")
        tab = live.look_until_tab("/paid")
        assert not names_it(tab, "/paying")


def test_what_goes_on_moving_is_not_waited_for(live: Live) -> None:
    """A page that is never still: without an end, for minutes, and one short movement after the other."""
    moves = """const move = (timing) => document.body.animate({outlineOffset: ["0px", "9px"]}, timing);
        move({duration: 500, iterations: Infinity});
        move({duration: 600000});
        setInterval(() => move({duration: 400}), 50);"""
    with live.opened("paying", NAMED):
        live.look_until_tab("/paying", fields)
        live.site.order("paying", f"{GO} {moves} form.remove();")
        live.look_until_tab("/paying", lambda tab: not fields(tab))


def test_addresses_without_end_are_followed_in_part(live: Live) -> None:
    """Browsers take 200 of a page in ten seconds; while its view fades all of them are followed."""
    many = """let number = 0;
        const some = async () => {
          main.animate([{opacity: 1}, {opacity: 0.9}], 9000);
          for (let i = 0; i < 110; i++) { history.replaceState(0, '', `#${number++}`); main.title = i; await null }
        };
        window.going = setInterval(some, 11000);
        some()"""
    with live.opened("paying", PLAIN):
        live.site.order("paying", f"{LOADED} {GO} {many}")
        tab = live.look_until_tab("/paying", lambda tab: len(urls(tab)) > 90)
        assert len(urls(tab)) <= 102
        live.site.order("paying", "clearInterval(going)")
        live.look_until_tab("/paying", lambda tab: len(urls(tab)) == 1)


def test_a_page_comes_back_with_what_it_showed_when_it_was_left(live: Live) -> None:
    """The browser keeps its picture for the way back, whatever the page did to itself as it was left. It keeps none
    of a page that waits for orders, or that another can reach."""
    live.site.serve(
        {
            "/returning": f"""<!doctype html>{NAMED}<script>
              addEventListener("pagehide", () => document.getElementById("form").remove(), {{once: true}});
              onpageshow = ({{persisted}}) =>
                persisted ? setTimeout(close, 4000) : setTimeout(() => location.assign("/between"), 2000);
            </script>""",
            "/between": "<!doctype html><script>onload = () => setTimeout(() => history.back(), 1000)</script>",
        }
    )
    live.site.order("desk", "window.open('/returning', '_blank', 'noopener')")
    live.look_until_tab("/returning", fields)
    live.look_until_tab("/between", read)
    assert fields(live.look_until_tab("/returning", read))
    live.look_until_tab("/returning", lambda tab: not fields(tab))
    live.line.look_until(lambda look: not tabs_at(look, "/returning"))
