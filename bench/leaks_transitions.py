"""Every way in which something sensitive comes into a page and goes again, and what must not close the eye.

Those of tabs, windows, whole browsers and what attacks them are in leaks_outside.py, what lingers in
leaks_lingering.py; what a row is stands in leaks_scene.py, the acts in leaks_steps.py.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from bench.leaks_acts import acted
from bench.leaks_found import FOUND
from bench.leaks_lingering import LINGERING
from bench.leaks_outside import OUTSIDE
from bench.leaks_pages import AWAY, HOME
from bench.leaks_scene import BOTH, CHROMIUM, FIREFOX, FIRST, OTHER, Transition, row
from bench.leaks_server import Address, refusing
from bench.leaks_steps import (
    activate,
    close_tab,
    go,
    load,
    loaded,
    new_tab,
    open_window,
    pay,
    present,
    press,
    remove_window,
    require,
    run,
    shop,
    show,
    to_shop,
    wait,
)

QUIET: Final = 6.0  # seconds that a clean page is left alone; Chromium's words at full screen stay for 4.6
BUSY: Final = 8.0  # seconds that a dialog is left open, or a page busy
HEBREW: Final = "\u05db\u05d9\u05e1\u05d0\u05d5\u05ea"  # chairs
REMOVE: Final = run("remove")

ADDRESSES: Final = (
    row("navigation", go(pay()), go(shop()), quick=BOTH),
    row("cross_site", go(pay(host=AWAY)), go(shop())),
    # The browser holds the page before on screen until the style sheet is there, 1.2 s after the address changed.
    row("slow_css", go(pay()), go(shop("?slow=1.2")), quick=CHROMIUM),
    # The payment page is the slow one: its address counts from when it is there, its picture comes 1.2 s later.
    row("slow_css_entered", (present, go(pay("?slow=1.2"))), go(shop())),
    # 3.2 s: longer than anybody waits for a page's first picture before he takes it for drawn.
    row("slower_css", go(pay()), (go(shop("?slow=3.2")), wait(2))),
    row("slow_css_cross_site", go(pay(host=AWAY)), go(shop("?slow=1.2"))),
    row("push_before_painting", run("pushThenPaint", "/pay/now"), run("pushThenClear", "/shop"), quick=CHROMIUM),
    row("push_after_painting", run("paintThenPush", "/pay/now"), run("clearThenPush", "/shop", 0)),
    row("push_200_ms_late", run("paintThenPushLater", "/pay/late", 200), run("clearThenPush", "/shop", 200)),
    # As an application that changes its address and then asks for what belongs to the new one.
    row("push_200_ms_before_clearing", run("pushThenPaint", "/pay/now"), run("pushThenClearLater", "/shop", 200)),
    # As Turbo does while it waits for a style sheet: it takes the old view away long after it has moved.
    row("address_before_view", run("view", "/pay/now"), run("leaveView", "/shop", 1500)),
    row("hash_change", run("hashThenPaint", "pay"), run("clearThenHash", "shop")),
    # The payment page is loaded and drawn before anybody goes there; from then on it is present.
    row(
        "prerender",
        (present, run("prerender", pay("/prerendered")), wait(1), go(pay("/prerendered"))),
        (require("prerendered", "the browser did not prerender"), go(shop())),
        browsers=CHROMIUM,
    ),
    # To the payment page, away, and back to it as it was.
    row(
        "back_forward_cache",
        go(pay("/cached")),
        go(shop("/cached")),
        run("back"),
        (require("restored", "the browser did not keep the page"), run("forward")),
        quick=FIREFOX,
    ),
)

FRAMES_AND_FIELDS: Final = (
    # A form that is there for 30, 60 and 100 ms: several times, for the control has to catch one of them, too.
    row("flash", *(step for ms in (30, 60, 100, 100) for step in (run("flash", ms), ()))),
    row("frame_inserted", run("frame", pay(host=AWAY)), REMOVE, quick=CHROMIUM),
    row(
        "frame_navigated",
        run("turnFrame", pay(host=AWAY)),
        (run("turnFrame", shop(host=AWAY)), wait(1), REMOVE),
        first=run("frame", shop(host=AWAY)),
    ),
    # A payment frame that is there and hidden, shown later: no event tells of it, so its presence has to count.
    row(
        "hidden_frame_shown",
        (present, run("frame", pay(host=AWAY), "display:none"), wait(1), run("show")),
        REMOVE,
        quick=CHROMIUM,
    ),
    row("srcdoc", run("srcdocForm"), REMOVE),
    # Nothing is loaded into the frame; the page writes into the empty document that it began with.
    row("unloaded_frame", run("writtenForm"), REMOVE),
    row("card_form_inserted", run("form"), REMOVE, quick=BOTH),
    # Something that only a selector of the policy tells from the rest of the page.
    row("selector_inserted", run("selected"), REMOVE),
    # A form that style sheets hide and reveal: present from when it is in the page.
    row("card_form_revealed", (present, run("hiddenForm"), wait(1), run("reveal")), REMOVE),
    row("closed_shadow_root", run("shadowForm"), REMOVE, quick=CHROMIUM),
)


def _clean_window(name: str, page: str) -> Transition:
    """It is to be found on the desktop by what its browser calls it; until then nobody answers for it."""
    return row(name, (open_window(shop(page)), wait(10)), remove_window, least=0)


def _error_page(name: str, browsers: tuple[str, ...], least: float) -> Transition:
    """To an address that does not answer, from a clean page."""
    steps = (go(refusing(HOME)), wait(QUIET)), (load(FIRST, shop()), loaded())
    return row(name, *steps, browsers=browsers, least=least)


CLEAN: Final = (
    # A shop full of other sites' frames below the fold, which browsers do not draw: they must not close the eye.
    row(
        "clean_frames_off_screen",
        wait(5),
        go(shop()),
        first=(go(Address("/frames")), loaded()),
        quick=CHROMIUM,
        least=0.95,
    ),
    # From one clean page to another every 3 s: no share of it is promised, but somebody will ask how much is kept.
    row("clean_navigation", [(go(shop(f"/{page}")), wait(3)) for page in range(3)], least=0),
    _clean_window("clean_window_right_to_left", f"?title={quote(HEBREW)}"),
    _clean_window("clean_window_long_title", f"?title={'chairs+' * 60}"),
    _clean_window("clean_window_untitled", "?untitled"),
    _clean_window("clean_window_titled", ""),  # what the others are to be held against
    # Into full screen over a clean page: the browser says how to leave it, Firefox inside its own window.
    row(
        "clean_full_screen",
        (press(FIRST, "F11"), wait(QUIET)),
        (press(FIRST, "F11"), wait(1)),
        browsers=CHROMIUM,
        least=0.5,
    ),
    _error_page("clean_error_page", CHROMIUM, 0.5),
    # It has an empty page in between, which no script reads and which counts until a page has shown its mark.
    _error_page("clean_error_page_of_firefox", FIREFOX, 0),
    # A page asks for the place. In Firefox the prompt is a window like an extension's popup.
    row(
        "clean_permission_prompt",
        (activate(FIRST), run("askPlace"), wait(BUSY)),
        (press(FIRST, "Escape"), go(shop())),
        least=0,
    ),
    # While it is up the page does not answer, and the script that raised it may have changed the page before.
    row("clean_alert", (run("alert"), wait(BUSY)), (press(FIRST, "Return"), to_shop(0.5)), least=0),
    # A page that works half a second at a time: it answers between two tasks.
    row("clean_long_tasks", run("work", 500, int(2 * BUSY)), go(shop()), least=0),
    # A payment page behind another tab goes on to the shop, and is not visited. In Firefox that stays closed.
    row(
        "clean_left_behind_a_tab",
        wait(BUSY),
        close_tab,
        first=(new_tab(pay()), loaded(OTHER), show(FIRST), load(OTHER, shop("?behind")), loaded(OTHER)),
        browsers=CHROMIUM,
        least=0,
    ),
)

FOUND_ONCE: Final = tuple(acted(name, case) for name, cases in FOUND.items() for case in cases)
TRANSITIONS: Final = (*ADDRESSES, *FRAMES_AND_FIELDS, *OUTSIDE, *LINGERING, *CLEAN, *FOUND_ONCE)
