"""Every way in which something sensitive comes into a page and goes again, each as a short play.

Those of tabs, windows and whole browsers are in leaks_outside.py, attacks in leaks_attacks.py, other extensions in
leaks_extensions.py, what a browser shows that is no page in leaks_surfaces.py, what fades out in leaks_exits.py,
windows that outlive a page in leaks_over.py; what a play is stands in leaks_scene.py.
"""

from __future__ import annotations

import time
from typing import Final
from urllib.parse import quote

from bench import (  # noqa: F401 - importing enters their plays
    leaks_attacks,
    leaks_exits,
    leaks_extensions,
    leaks_lingering,
    leaks_outside,
    leaks_over,
    leaks_scene,
    leaks_surfaces,
)
from bench.leaks_acts import acted
from bench.leaks_found import FOUND
from bench.leaks_pages import AWAY
from bench.leaks_scene import BOTH, BOX, CHROMIUM, FIREFOX, Play, Scene, transition
from testkit.stage import StageError

QUIET: Final = 5.0  # seconds that a clean page is left alone
HEBREW: Final = "\u05db\u05d9\u05e1\u05d0\u05d5\u05ea"  # chairs
FLASHES: Final = (30, 60, 100, 100)  # ms


# -- addresses ----------------------------------------------------------------------------------------------------


@transition(quick=BOTH)
def navigation(scene: Scene) -> Play:
    yield
    scene.run("go", scene.pay())
    yield
    scene.run("go", scene.shop())


@transition()
def cross_site(scene: Scene) -> Play:
    yield
    scene.run("go", scene.pay(host=AWAY))
    yield
    scene.run("go", scene.shop())


@transition(quick=CHROMIUM)
def slow_css(scene: Scene) -> Play:
    """The browser holds the page before on screen until the style sheet is there, 1.2 s after the address changed."""
    yield
    scene.run("go", scene.pay())
    yield
    scene.run("go", scene.shop("?slow=1.2"))


@transition()
def slow_css_entered(scene: Scene) -> Play:
    """The payment page is the slow one: its address counts from when it is there, its picture comes 1.2 s later."""
    yield
    scene.present()
    scene.run("go", scene.pay("?slow=1.2"))
    yield
    scene.run("go", scene.shop())


@transition()
def slower_css(scene: Scene) -> Play:
    """As slow_css with 3.2 s: longer than anybody waits for a page's first picture before he takes it for drawn."""
    yield
    scene.run("go", scene.pay())
    yield
    scene.run("go", scene.shop("?slow=3.2"))
    time.sleep(2)


@transition()
def slow_css_cross_site(scene: Scene) -> Play:
    yield
    scene.run("go", scene.pay(host=AWAY))
    yield
    scene.run("go", scene.shop("?slow=1.2"))


def _in_and_out(scene: Scene, come: tuple[object, ...], go: tuple[object, ...]) -> Play:
    """Orders for the page, with what is given to them."""
    for name, *given in (come, go):
        yield
        scene.run(str(name), *given)


@transition(quick=CHROMIUM)
def push_before_painting(scene: Scene) -> Play:
    yield from _in_and_out(scene, ("pushThenPaint", "/pay/now"), ("pushThenClear", "/shop"))


@transition()
def push_after_painting(scene: Scene) -> Play:
    yield from _in_and_out(scene, ("paintThenPush", "/pay/now"), ("clearThenPush", "/shop", 0))


@transition()
def push_200_ms_late(scene: Scene) -> Play:
    yield from _in_and_out(scene, ("paintThenPushLater", "/pay/late", 200), ("clearThenPush", "/shop", 200))


@transition()
def push_200_ms_before_clearing(scene: Scene) -> Play:
    """As an application that changes its address and then asks for what belongs to the new one."""
    yield from _in_and_out(scene, ("pushThenPaint", "/pay/now"), ("pushThenClearLater", "/shop", 200))


@transition()
def address_before_view(scene: Scene) -> Play:
    """As Turbo does while it waits for a style sheet: it takes the old view away long after it has moved."""
    yield from _in_and_out(scene, ("view", "/pay/now"), ("leaveView", "/shop", 1500))


@transition()
def hash_change(scene: Scene) -> Play:
    yield from _in_and_out(scene, ("hashThenPaint", "pay"), ("clearThenHash", "shop"))


@transition(CHROMIUM)
def prerender(scene: Scene) -> Play:
    """The payment page is loaded and drawn before anybody goes there; from then on it is present."""
    yield
    scene.present()
    scene.run("prerender", scene.pay("/prerendered"))
    time.sleep(1)
    scene.run("go", scene.pay("/prerendered"))
    yield
    if not scene.run("prerendered"):
        raise StageError("the browser did not prerender: the transition was a plain navigation")
    scene.run("go", scene.shop())


@transition(quick=FIREFOX)
def back_forward_cache(scene: Scene) -> Play:
    """To the payment page, away, and back to it as it was."""
    yield
    scene.run("go", scene.pay("/cached"))
    yield
    scene.run("go", scene.shop("/cached"))
    yield
    scene.run("back")
    yield
    if not scene.run("restored"):
        raise StageError("the browser did not keep the page: the transition was a plain navigation")
    scene.run("forward")


@transition()
def flash(scene: Scene) -> Play:
    """A form that is there for 30, 60 and 100 ms: several times, for the control has to catch one of them, too."""
    for milliseconds in FLASHES:
        yield
        scene.run("flash", milliseconds)
        yield


# -- frames and fields --------------------------------------------------------------------------------------------


@transition(quick=CHROMIUM)
def frame_inserted(scene: Scene) -> Play:
    yield
    scene.run("frame", scene.pay(host=AWAY))
    yield
    scene.run("remove")


@transition()
def frame_navigated(scene: Scene) -> Play:
    scene.run("frame", scene.shop(host=AWAY))
    yield
    scene.run("turnFrame", scene.pay(host=AWAY))
    yield
    scene.run("turnFrame", scene.shop(host=AWAY))
    time.sleep(1)
    scene.run("remove")


@transition(quick=CHROMIUM)
def hidden_frame_shown(scene: Scene) -> Play:
    """A payment frame that is there and hidden, shown later: no event tells of it, so its presence has to count."""
    yield
    scene.present()
    scene.run("frame", scene.pay(host=AWAY), "display:none")
    time.sleep(1)
    scene.run("show")
    yield
    scene.run("remove")


@transition()
def srcdoc(scene: Scene) -> Play:
    yield
    scene.run("srcdocForm")
    yield
    scene.run("remove")


@transition()
def unloaded_frame(scene: Scene) -> Play:
    """Nothing is loaded into the frame; the page writes into the empty document that it began with."""
    yield
    scene.run("writtenForm")
    yield
    scene.run("remove")


@transition(quick=BOTH)
def card_form_inserted(scene: Scene) -> Play:
    yield
    scene.run("form")
    yield
    scene.run("remove")


@transition()
def selector_inserted(scene: Scene) -> Play:
    """Something that only a selector of the policy tells from the rest of the page."""
    yield
    scene.run("selected")
    yield
    scene.run("remove")


@transition()
def card_form_revealed(scene: Scene) -> Play:
    """A form that style sheets hide and reveal: present from when it is in the page."""
    yield
    scene.present()
    scene.run("hiddenForm")
    time.sleep(1)
    scene.run("reveal")
    yield
    scene.run("remove")


@transition(quick=CHROMIUM)
def closed_shadow_root(scene: Scene) -> Play:
    yield
    scene.run("shadowForm")
    yield
    scene.run("remove")


# -- what must not close ------------------------------------------------------------------------------------------


@transition(least=0.95, quick=CHROMIUM)
def clean_frames_off_screen(scene: Scene) -> Play:
    """A shop full of other sites' frames below the fold, which browsers do not draw: they must not close the eye."""
    scene.run("go", scene.site.url("/frames"))
    scene.until_loaded(scene.tab)
    yield
    time.sleep(QUIET)
    yield
    scene.run("go", scene.shop())


@transition(least=0)
def clean_navigation(scene: Scene) -> Play:
    """From one clean page to another every 3 s: no share of it is promised, but somebody will ask how much is kept."""
    yield
    for page in range(3):
        scene.run("go", scene.shop(f"/{page}"))
        time.sleep(3)
    yield


def _clean_window(scene: Scene, page: str) -> Play:
    """It is to be found on the desktop by what its browser calls it; until then nobody answers for it."""
    yield
    before = scene.windows.of(scene.browser.pid)
    left, top, width, height = BOX
    shape = {"left": left, "top": top, "width": width, "height": height}
    made = scene.call("windows.create", {"url": scene.shop(page), **shape})
    scene.windows.place(scene.windows.new_of(scene.browser.pid, before), *BOX)
    time.sleep(2 * QUIET)
    yield
    scene.call("windows.remove", made["id"])


@transition(least=0)
def clean_window_right_to_left(scene: Scene) -> Play:
    yield from _clean_window(scene, f"?title={quote(HEBREW)}")


@transition(least=0)
def clean_window_long_title(scene: Scene) -> Play:
    yield from _clean_window(scene, f"?title={'chairs+' * 60}")


@transition(least=0)
def clean_window_untitled(scene: Scene) -> Play:
    yield from _clean_window(scene, "?untitled")


@transition(least=0)
def clean_window_titled(scene: Scene) -> Play:
    """What the others are to be held against."""
    yield from _clean_window(scene, "")


FOUND_ONCE: Final = [acted(name, case) for name, cases in FOUND.items() for case in cases]
TRANSITIONS: Final = (*leaks_scene.ENTERED, *FOUND_ONCE)
