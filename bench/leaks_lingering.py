"""What is still to be seen after its name has gone: it fades, stays in a window, or comes back from the cache.

No rule names it any more, or what takes its place is not drawn yet.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from bench import leaks_processes as process
from bench.leaks_pages import AWAY
from bench.leaks_scene import CHROMIUM, CORNER, FIREFOX, FIRST, PLAIN, row
from bench.leaks_server import Address, refusing
from bench.leaks_steps import (
    MIDDLE,
    activate,
    click,
    end,
    enter,
    go,
    gone,
    inside,
    leave,
    moved,
    pay,
    point,
    present,
    press,
    run,
    shop,
    to_shop,
    unpainted,
    wait,
)

FADES: Final = ".pan:not(.open) { opacity: 0; transition: opacity 9.9s steps(1, end) }"
LEAVES: Final = ".pan.leave { opacity: 0; transition: opacity 3s steps(1, end) }"
BEFORE: Final = ".pan::before { content: ''; position: fixed; inset: 0; background: rgb(255, 0, 255) }"
SHADOW: Final = ".pan { box-shadow: 0 0 0 600px rgb(255, 0, 255) }"
PAUSES: Final = """
    .pan:not(.open) { animation: out 2s forwards } .pan:hover { animation-play-state: paused }
    @keyframes out { to { opacity: 0; visibility: hidden } }
"""
SLOW: Final = Address("/slow.css?slow=1.5", AWAY)

on_plain: Final = partial(row, stages=(PLAIN,))

# -- what fades out ---------------------------------------------------------------------------------------------------

FADING: Final = (
    row("dialog_fades", run("dialogPan"), (run("closeDialog"), to_shop(3))),
    row("class_fades", run("classPan"), (run("closeClass"), to_shop(3))),
    row("shadow_class_fades", run("shadowPan"), (run("closeShadow"), to_shop(3))),
    # As frameworks leave a route: the address changes first, then the view is animated away.
    row("route_fades", run("routeIn", "/pay/route"), (run("routeOut", "/shop"), to_shop(3))),
    row("route_animated", run("routeIn", "/pay/route"), (run("routeAnimated", "/shop"), to_shop(3))),
    # Firefox draws its error page later than the page around it can show a mark.
    row("frame_to_error", run("frame", pay(host=AWAY)), (run("turnFrame", refusing(AWAY)), wait(2), run("remove"))),
)

# -- what the browser goes on drawing after no selector fits ----------------------------------------------------------

UNNAMED: Final = (
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
    on_plain(
        "fade_paused", (point(*MIDDLE), run("panWith", PAUSES)), (run("shut"), wait(4), point(*CORNER), go(shop()))
    ),
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
)

# -- what comes back from the cache -----------------------------------------------------------------------------------

CACHED: Final = (
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
)

# -- addresses that change before the view ----------------------------------------------------------------------------

ADDRESS_FIRST: Final = (
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
        (run("leaveShell", "/shop", SLOW), to_shop(4)),
    ),
    # With the address, links are marked in a menu that is not displayed at this width.
    on_plain(
        "address_before_view_with_hidden_menu",
        run("viewWithMenu", "/pay/now"),
        (run("leaveViewWithMenu", "/shop", 1500), to_shop(3)),
    ),
)

# -- windows over a page that may go on showing what was in it: the browser's own, and one that paints nothing --------

STAYS: Final = wait(4)  # such a window is left where it is
LONGER_THAN_NEEDED: Final = wait(13)  # a doubt about a window's pixels is over after ten
HELD: Final = (350, 400)  # of the window's corner: what can be dragged there
MOVED: Final = (130, 130)  # how far it is dragged
OPEN_LIST: Final = inside(click, 400, 275), wait(1)  # a select list of scene.js, in either browser
SHUT_LIST: Final = press(FIRST, "Escape")

OVER: Final = (
    # What is dragged is in a window of its own until it is dropped, whatever the page shows by then.
    row(
        "dragged",
        (activate(FIRST), run("draggable")),
        (
            inside(lambda x, y: enter(lambda scene: scene.desk.dragging((x, y), (x + MOVED[0], y + MOVED[1]))), *HELD),
            (wait(0.5), run("remove"), STAYS, leave, point(*CORNER), go(shop())),
        ),
        browsers=FIREFOX,
    ),
    # A list is open when the form goes, and stays: it has the cards that were in the form. Firefox paints its list in
    # colours of its own, so there only the time after it says that it was closed for.
    row(
        "select_list",
        (activate(FIRST), run("selected"), run("list")),
        (OPEN_LIST, present, run("remove"), STAYS, SHUT_LIST, gone, go(shop())),
    ),
    row(
        "clean_select_list",
        (activate(FIRST), run("list", "rgb(200,220,200)"), OPEN_LIST, STAYS, SHUT_LIST),
        to_shop(1),
        least=0.5,
    ),
    # A window that paints nothing takes its picture of the form along when it is moved.
    on_plain(
        "unpainted_window_moved",
        run("form"),
        (
            (unpainted(300, 200, 500, 333, managed=False), wait(1), moved(700, 400), wait(1)),
            (run("remove"), LONGER_THAN_NEEDED, leave, go(shop())),
        ),
        browsers=CHROMIUM,
    ),
)

LINGERING: Final = (*FADING, *UNNAMED, *CACHED, *ADDRESS_FIRST, *OVER)
