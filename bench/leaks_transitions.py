"""Every way in which something sensitive comes into a page and goes again, and what must not close the eye.

Those of tabs, windows, whole browsers and what attacks them are in leaks_outside.py; what a row is stands in
leaks_scene.py, the acts in leaks_steps.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from bench.leaks_acts import acted
from bench.leaks_cases import Case
from bench.leaks_outside import OUTSIDE
from bench.leaks_pages import AWAY
from bench.leaks_scene import BOTH, CHROMIUM, FIREFOX, PLAIN, row
from bench.leaks_server import FIRST, Address, refusing
from bench.leaks_steps import REST, end, go, loaded, pay, point, present, press, require, run, shop, to_shop, wait
from testkit import browser_processes as process

BUSY: Final = 8.0  # seconds that a dialog is left open, or a page busy
REMOVE: Final = run("remove")
FADES: Final = ".pan:not(.open) { opacity: 0; transition: opacity 9.9s steps(1, end) }"
LEAVES: Final = ".pan.leave { opacity: 0; transition: opacity 3s steps(1, end) }"
BEFORE: Final = ".pan::before { content: ''; position: fixed; inset: 0; background: rgb(255, 0, 255) }"
SHADOW: Final = ".pan { box-shadow: 0 0 0 600px rgb(255, 0, 255) }"
PAUSES: Final = """
    .pan:not(.open) { animation: out 2s forwards } .pan:hover { animation-play-state: paused }
    @keyframes out { to { opacity: 0; visibility: hidden } }
"""

on_plain: Final = partial(row, stages=(PLAIN,))
in_chromium: Final = partial(row, browsers=CHROMIUM)


def _found(browsers: Sequence[str], **values: Any) -> list[Case]:
    return [Case(browser, **values) for browser in browsers]


FOUND: Final[dict[str, list[Case]]] = {
    "heavy_raster_in_frame": _found(BOTH, document="frame", after="svg"),
    "heavy_raster_navigated": _found(CHROMIUM, document="frame", goes="navigate", after="svg"),
    "heavy_raster_crossed": _found(CHROMIUM, document="frame", goes="crossing", after="svg"),
    "heavy_raster_written": _found(CHROMIUM, document="frame", goes="written", after="svg"),
    "heavy_layers_in_frame": _found(CHROMIUM, document="frame", after="layers"),
    "view_transition_held": _found(BOTH, document="frame", goes="transition", held=3),
    "gpu_stopped": _found(CHROMIUM, document="frame", after="light", meanwhile="hang_gpu", hung=4),
    # Seed 1, play 4: what was known of a browser that did not answer for a while was forgotten.
    "extension_hung_in_transition": _found(
        CHROMIUM, document="sandboxed", sensitive="css", comes="reveal", goes="transition", by="parent", after="video",
        meanwhile="hang_extension", held=3, hung=2,
    ),
    "providers_frame_removed": _found(
        BOTH, document="frame_in_frame", sensitive="frame_address", by="parent", after="svg"
    ),
}  # fmt: skip
"""Name -> a case that leaked once, in its smallest form, in each browser in which it can be played: what
`scripts/bench leaks --random` finds and shrinks is entered here, and is played as a transition for good.
"""

TRANSITIONS: Final = (
    # -- addresses --
    row("navigation", go(pay()), go(shop()), quick=BOTH),
    row("cross_site", go(pay(host=AWAY)), go(shop())),
    # The browser holds the page before on screen until the style sheet is there, 1.2 s after the address changed.
    row("slow_css", go(pay()), go(shop("?slow=1.2")), quick=CHROMIUM),
    # The payment page is the slow one: its address counts from when it is there, its picture comes 1.2 s later.
    row("slow_css_entered", (present, go(pay("?slow=1.2"))), go(shop())),
    # 3.2 s: longer than a look waits for a page's first picture before it takes the page for drawn.
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
    # The payment page is loaded and drawn before the browser goes there; from then on it is present.
    in_chromium(
        "prerender",
        (present, run("prerender", pay("/prerendered")), wait(1), go(pay("/prerendered"))),
        (require("prerendered", "the browser did not prerender"), go(shop())),
    ),
    row(
        "back_forward_cache",
        go(pay("/cached")),
        go(shop("/cached")),
        run("back"),
        (require("restored", "the browser did not keep the page"), run("forward")),
        quick=FIREFOX,
    ),
    # -- frames and fields --
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
    row("selector_inserted", run("selected"), REMOVE),
    # A form that style sheets hide and reveal: present from when it is in the page.
    row("card_form_revealed", (present, run("hiddenForm"), wait(1), run("reveal")), REMOVE),
    row("closed_shadow_root", run("shadowForm"), REMOVE, quick=CHROMIUM),
    # -- what fades out --
    row("dialog_fades", run("dialogPan"), (run("closeDialog"), to_shop(3))),
    row("class_fades", run("classPan"), (run("closeClass"), to_shop(3))),
    row("shadow_class_fades", run("shadowPan"), (run("closeShadow"), to_shop(3))),
    # As frameworks leave a route: the address changes first, then the view is animated away.
    row("route_fades", run("routeIn", "/pay/route"), (run("routeOut", "/shop"), to_shop(3))),
    row("route_animated", run("routeIn", "/pay/route"), (run("routeAnimated", "/shop"), to_shop(3))),
    # Firefox draws its error page later than the page around it can show a mark.
    row("frame_to_error", run("frame", pay(host=AWAY)), (run("turnFrame", refusing(AWAY)), wait(2), run("remove"))),
    # -- what the browser goes on drawing after no selector fits --
    # The next step of a form is scrolled to smoothly: no animation of the document's says so.
    on_plain("step_scrolled_away", run("steps"), (run("nextStep"), to_shop(3))),
    # What the browser animates of its own pseudo-elements is in no list of animations.
    on_plain("details_fade", run("details"), (run("shutDetails"), to_shop(3))),
    # Its end is told without its rate: 20 s, which are over in 2.5.
    on_plain("fade_at_rate", run("panWith", ""), (run("shutAtRate", 20_000, 8), to_shop(3))),
    on_plain("fade_by_smil", run("panWith", ""), (run("shutBySmil"), to_shop(3))),
    # It begins 150 ms after no selector fits any more, as where a framework waits for something in between.
    on_plain("fade_begins_late", run("panWith", LEAVES), (run("shutLate", 150), to_shop(4))),
    # A fade stands still while the mouse is over what fades.
    on_plain("fade_paused", (point(500, 500), run("panWith", PAUSES)), (run("shut"), wait(4), REST, go(shop()))),
    # Between the request for a mark and the next animation frame is a task of more than 300 ms.
    on_plain("fade_beside_work", run("panWith", FADES), (run("shutThenWork", 350, 14), to_shop(7))),
    # What brought it in, reversed: such an animation begins in the future.
    on_plain("fade_played_backwards", run("panBrought", 4000, False), (run("shutBrought", "reverse"), to_shop(5))),
    # One animation in and out, which rests in between: it began long ago.
    on_plain("fade_played_on", run("panBrought", 5000, True), (run("shutBrought", "play"), to_shop(5))),
    on_plain("fade_before_its_name_goes", run("panWith", ""), (run("shutWhileFading", 1000, 5000), to_shop(6))),
    # Each step begins where the one before ends, the last of them more than two seconds later.
    on_plain("moved_step_by_step", run("panWith", ""), (run("shutInSteps", 1300, 1300, 1300), to_shop(5))),
    on_plain("fade_in_written_frame", run("panInFrame", 4), (run("shutInFrame"), to_shop(6))),
    # It has no size, and what a style sheet puts before it fills the page.
    on_plain("boxless_with_content_before", run("boxless", BEFORE), (run("shutAndRemove", 1200), to_shop(3))),
    on_plain("boxless_with_shadow", run("boxless", SHADOW), (run("shutAndRemove", 1200), to_shop(3))),
    # The selector fits sixty elements; those in view are beyond the fiftieth.
    on_plain("entries_scrolled_down", run("entries"), (run("shutEntries", 1500), to_shop(3))),
    # What the selector fits has no box and nothing inside but a shadow root, in which all is drawn.
    on_plain("host_without_a_box", run("hostOfDialog"), (run("shut"), to_shop(3))),
    # The field is there, but nothing names it any more.
    on_plain("label_changed_while_sent", run("labelled"), (run("sendLabelled", 1500), to_shop(3))),
    # -- what comes back from the cache --
    # The page is left while it fades, and comes back from the back/forward cache.
    on_plain(
        "fade_kept_for_back",
        run("panWith", FADES),
        (run("shutThenGo", shop("?between")), wait(2)),
        run("back"),
        go(shop()),
    ),
    # A form is removed as its page is left: the cache keeps the picture with it, until the page has drawn itself. In a
    # frame no script of the page has seen it.
    *(
        on_plain(
            name, come, (run("removeAndGo", shop("?between")), wait(2)), run("back"), to_shop(1.5), browsers=CHROMIUM
        )
        for name, come in (
            ("removed_and_kept_for_back", run("form")),
            ("frame_removed_and_kept_for_back", run("frame", pay(host=AWAY))),
        )
    ),
    # -- addresses that change before the view --
    # The address was there between two looks: only an event reported it, and the view stays.
    on_plain("address_passed_by", run("viewPassed", "/pay/now", "/shop", 30, 1500), to_shop(2)),
    # The rule names an address and a selector together: the address alone does not close.
    on_plain(
        "address_of_both_before_view", run("record", "/app/record"), (run("leaveView", "/shop", 1500), to_shop(3))
    ),
    # The relay dies shortly before: over the new connection nothing is known of the address before.
    on_plain(
        "address_before_view_reconnected",
        run("view", "/pay/now"),
        (end(process.relay), run("leaveView", "/shop", 1500), to_shop(4)),
    ),
    # The policy names the page around a frame; the frame's next document is slow, and the old one stays.
    on_plain(
        "address_before_frame",
        run("shell", "/pay/shell", shop(host=AWAY)),
        (run("leaveShell", "/shop", Address("/slow.css?slow=1.5", AWAY)), to_shop(4)),
    ),
    # With the address, links are marked in a menu that is not displayed at this width.
    on_plain(
        "address_before_view_with_hidden_menu",
        run("viewWithMenu", "/pay/now"),
        (run("leaveViewWithMenu", "/shop", 1500), to_shop(3)),
    ),
    # -- what must not close --
    # A shop full of other sites' frames below the fold, which browsers do not draw: they must not close the eye.
    row(
        "clean_frames_off_screen",
        wait(5),
        go(shop()),
        first=(go(Address("/frames")), loaded()),
        quick=CHROMIUM,
        least=0.95,
    ),
    # From one clean page to another every 3 s: no share of it is promised, but the account says how much is kept.
    row("clean_navigation", [(go(shop(f"/{page}")), wait(3)) for page in range(3)], least=0),
    # Into full screen over a clean page: Chromium says for 4.6 s how to leave it, Firefox inside its own window.
    in_chromium("clean_full_screen", (press(FIRST, "F11"), wait(6)), (press(FIRST, "F11"), wait(1)), least=0.5),
    # While it is up the page does not answer, and the script that raised it may have changed the page before.
    row("clean_alert", (run("alert"), wait(BUSY)), (press(FIRST, "Return"), to_shop(0.5)), least=0),
    # A page that works half a second at a time: it answers between two tasks.
    row("clean_long_tasks", run("work", 500, int(2 * BUSY)), go(shop()), least=0),
    *OUTSIDE,
    *(acted(name, case) for name, cases in FOUND.items() for case in cases),
)
