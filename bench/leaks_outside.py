"""Ways in which something sensitive comes and goes with its tab, its window or its whole browser, and attacks.

Attacks are what stands beside a page or over it and parts of a browser held up: ways in which a look may be deceived.
Also what browsers show of their own that must not close the eye, or is known to.
"""

from __future__ import annotations

from functools import partial
from typing import Final
from urllib.parse import quote

from bench.leaks_pages import AWAY, HOME
from bench.leaks_scene import BOX, CHROMIUM, FIREFOX, MONITORS, PICOM, PLAIN, TICKING, Scene, row
from bench.leaks_server import FIRST, OTHER, Address, refusing
from bench.leaks_steps import (
    FROZEN,
    MIDDLE,
    REPEATED,
    REST,
    activate,
    by_browser,
    call,
    click,
    close_tab,
    close_window,
    end,
    enter,
    go,
    gone,
    inside,
    leave,
    load,
    loaded,
    minimise,
    new_tab,
    open_window,
    opening,
    page_process,
    pay,
    place,
    point,
    present,
    press,
    remove_window,
    run,
    shop,
    show,
    start,
    stop,
    to_shop,
    wait,
)
from testkit import browser_processes as process
from testkit.browser_processes import kill, stopped
from testkit.browsers import PANEL, POPUP, STRANGER

SECOND_MONITOR: Final = (BOX[0] + 1280, *BOX[1:])
FEATURES: Final = "popup,left=150,top=160,width=640,height=420"
SECOND_TAB: Final = (330, 20)  # of the window's corner
OVER: Final = (640, 300, 500, 333)  # left, top, width, height of a small window over it
COVER: Final = (0, 0, 1200, 770)  # all of the browser's window
ASIDE: Final = (200, 40, 1000, 700)  # so that the watcher's strips go through popup and panel in both browsers
LOGGED: Final = Address("/logged")
CONSOLE: Final = {
    which: by_browser(press(which, "Control_L", "Shift_L", "j"), press(which, "Control_L", "Shift_L", "k"))
    for which in (FIRST, OTHER)
}
APART: Final = by_browser(
    start(LOGGED, settings={"devtools": {"preferences": {"currentDockState": '"undocked"'}}}),
    start(LOGGED, settings={"devtools.toolbox.host": "window"}),
)
PARKED: Final = show(FIRST), wait(1.5)
# Firefox shows nothing to a mouse that has not moved on the tab.
POINT_AT_TAB: Final = inside(point, *SECOND_TAB), wait(0.4), inside(point, 332, 22), wait(2)
LEAVE_TAB: Final = REST, wait(1)
LOOK_AT_CARD: Final = POINT_AT_TAB, LEAVE_TAB
CLEARED: Final = run("pushThenClear", "/shop", tab=OTHER), wait(2)
PAYMENT: Final = open_window(pay("/window"))
IN_TAB: Final = present, new_tab(pay())
STARTED: Final = present, start(pay("/start"))
STAYS: Final = wait(4)  # such a window is left where it is
LONGER_THAN_NEEDED: Final = wait(13)  # a doubt about a window's pixels is over after ten
OPEN_LIST: Final = inside(click, 400, 275), wait(1)  # a select list of scene.js, in either browser
HEBREW: Final = "\u05db\u05d9\u05e1\u05d0\u05d5\u05ea"  # chairs
in_chromium: Final = partial(row, browsers=CHROMIUM)
in_firefox: Final = partial(row, browsers=FIREFOX)
# Firefox lets no extension do it: both tabs are chosen, and in their menu "Open in Split View" (T).
SPLIT: Final = by_browser(
    call("tabs.createSplit", [FIRST, OTHER]),
    (
        call("tabs.highlight", {"tabs": [0, 1]}),
        inside(lambda left, top: click(left, top, 3), *SECOND_TAB),
        (wait(1), press(FIRST, "t")),
    ),
)


def _discard(scene: Scene) -> None:
    kept = scene.call("tabs.discard", OTHER)
    scene.hand.tabs[OTHER] = kept["id"] if kept else scene.hand.tabs[OTHER]


OUTSIDE: Final = (
    # -- tabs and windows of the browser --
    row("popup", run("popup", pay("/popup"), FEATURES), run("closePopup"), quick=CHROMIUM),
    # about:blank, written by its opener: it has no address to judge.
    row("blank_popup", run("blankPopup", FEATURES), run("closePopup")),
    row("new_tab", new_tab(pay()), close_tab),
    # To a payment page that was loaded behind, and back; it is present from its loading to its closing.
    row(
        "tab_switch",
        (present, new_tab(pay(), active=False), loaded(OTHER), show(OTHER)),
        (show(FIRST), wait(1), close_tab),
        quick=FIREFOX,
    ),
    # A tab whose last picture was sensitive goes to a clean page while hidden; its old picture may come back.
    row(
        "tab_cleaned_while_hidden",
        IN_TAB,
        (show(FIRST), load(OTHER, shop()), loaded(OTHER), wait(1), show(OTHER), gone, wait(1), close_tab),
    ),
    # A parked payment tab is put out of memory, and loaded again when it is shown.
    row("tab_discarded", IN_TAB, (show(FIRST), wait(1), _discard, wait(1), show(OTHER), wait(1), close_tab)),
    # The mouse rests on the tab of a parked payment page: the browser shows its last picture, small.
    row("hover_card", IN_TAB, (PARKED, LOOK_AT_CARD, close_tab)),
    # A payment page leaves its tab behind another one, while the mouse rests on the tab, and once more after that.
    # Firefox's card is a window of its own, for which the eye is closed whatever it shows.
    in_chromium(
        "card_of_another_document",
        IN_TAB,
        (PARKED, POINT_AT_TAB, load(OTHER, shop()), loaded(OTHER), gone),
        (wait(1), LEAVE_TAB, LOOK_AT_CARD, close_tab),
    ),
    # An application that changes its address and stays the same document.
    in_chromium(
        "card_of_an_application",
        (new_tab(shop()), loaded(OTHER), present, run("pushThenPaint", "/pay/now", tab=OTHER)),
        (PARKED, POINT_AT_TAB, CLEARED, LEAVE_TAB, LOOK_AT_CARD, close_tab),
    ),
    # The same in a tab that was never in front: only the mouse on it has it drawn.
    in_chromium(
        "card_never_in_front",
        (
            (new_tab(shop(), active=False), loaded(OTHER), wait(1), present),
            (run("pushThenPaint", "/pay/now", tab=OTHER), wait(1), LOOK_AT_CARD),
            (CLEARED, LOOK_AT_CARD, close_tab),
        ),
    ),
    row("split_view", (present, new_tab(pay(), active=False), loaded(OTHER), SPLIT), close_tab),
    # No extension may look into it: it has to close for its own sake.
    in_chromium(
        "private_window",
        (present, opening(lambda scene: scene.browser.open_private(scene.site.url(pay("/private"))))),
        close_window(OTHER),
    ),
    # A second start reaches a running Firefox only over a session bus.
    in_firefox("private_window", (present, start(pay("/private"), "--private-window")), (gone, leave)),
    # -- windows on the desktop --
    # A payment window behind the shop's comes to the front and goes behind again.
    row("window_raised", PAYMENT, activate(FIRST), activate(OTHER), (activate(FIRST), remove_window), stages=(PLAIN,)),
    # Browsers' windows are translucent to a compositor, so the one behind counts as in view.
    row(
        "window_raised_composited",
        (present, PAYMENT),
        ([(activate(one), wait(1.2)) for one in (FIRST, OTHER, FIRST)], remove_window),
        stages=(PICOM,),
    ),
    row("window_unminimised", PAYMENT, minimise(OTHER), activate(OTHER), (minimise(OTHER), wait(1), remove_window)),
    row(
        "moved_to_the_second_monitor",
        (PAYMENT, wait(0.7), place(OTHER, *SECOND_MONITOR), wait(0.7), place(OTHER, *BOX)),
        remove_window,
        stages=(MONITORS,),
    ),
    # -- starts and ends --
    row("browser_started", STARTED, (gone, leave)),
    # A browser, or a profile of it, without the extension: nothing answers for what is in it.
    row("browser_without_extension", (present, start(pay("/start"), seen=False)), (gone, leave)),
    row("browser_killed", STARTED, (gone, end(process.main), leave)),
    # The process of our extension dies while a payment page is shown: the recorder no longer sees the pages.
    row("extension_killed", STARTED, (end(process.extension), wait(1.5), gone, leave)),
    # The page's process dies while it shows a payment: its picture stays until the browser draws its own page.
    row(
        "renderer_killed",
        new_tab(pay("/crash", AWAY)),
        (present, lambda scene: kill(page_process(scene)), wait(1.5), close_tab),
    ),
    # The program between extension and agent dies while a payment page is shown; the browser starts it again.
    row("relay_killed", go(pay()), (end(process.relay), to_shop(1)), quick=CHROMIUM),
    # -- beside a page --
    # Docked beside a clean page they show what it wrote to its console: no address and no field says so.
    row(
        "developer_tools",
        (present, CONSOLE[FIRST]),
        (wait(REPEATED), press(FIRST, "F12"), to_shop(1)),
        first=(go(LOGGED), loaded()),
    ),
    row("developer_tools_apart", (present, APART, wait(2), CONSOLE[OTHER]), (wait(REPEATED), gone, leave)),
    # A document of the page, or its film, is in a small window above all others.
    in_chromium("picture_in_picture", (present, run("pictureInPicture"), click(*MIDDLE)), run("closePicture")),
    row(
        "film_in_picture",
        (present, opening(run("film"), click(*MIDDLE)), place(OTHER, *OVER)),
        (close_window(OTHER), to_shop(1)),
    ),
    # A dialog keeps the payment page from answering the extension.
    row("alert", go(pay()), (run("alert"), wait(FROZEN), press(FIRST, "Return"), to_shop(0.5))),
    # The browser's dialog for files stands over a payment page.
    row(
        "file_picker",
        go(pay()),
        (loaded(), run("picker"), opening(click(*MIDDLE)), wait(1), press(OTHER, "Escape"), to_shop(1)),
    ),
    # It shows what the page was when it was asked for.
    row("print_preview", go(pay()), (loaded(), run("print"), wait(FROZEN), press(FIRST, "Escape"), to_shop(1))),
    # A window comes over the payment page and paints nothing: it shows the form for as long.
    row(
        "unpainted_window",
        go(pay()),
        (enter(lambda scene: scene.desk.unpainted(*COVER)), go(shop()), wait(REPEATED), leave),
        stages=(PLAIN, TICKING),
    ),
    # Another profile of a running browser, in the same process, with an extension of its own.
    in_chromium(
        "second_profile",
        (
            (present, start(shop()), wait(2)),
            lambda scene: scene.latest.open_second_profile(scene.site.url(pay("/second"))),
        ),
        (wait(REPEATED), gone, leave),
    ),
    # The payment page's text and pictures under an address of the browser's own, where no script of ours runs.
    in_firefox(
        "reader_mode",
        (present, go(pay("/article"))),
        (loaded(), call("tabs.toggleReaderMode", FIRST), wait(FROZEN), load(FIRST, shop())),
    ),
    # What an extension that the policy does not name shows: no tab has it, and no script of ours. It runs in a browser
    # of its own: as long as it is switched on, that browser's window closes whenever it has no focus, so at the start
    # the page is clicked. Chromium draws the popup inside its window; the panel stays open while the page is used.
    *(
        row(
            name,
            press(OTHER, *come),
            (wait(REPEATED), press(OTHER, *leave_by), wait(1), present, leave, gone),
            first=(
                (start(shop(), extensions=[STRANGER]), place(OTHER, *ASIDE), activate(OTHER), wait(2)),
                click(ASIDE[0] + 500, ASIDE[1] + 600),
            ),
        )
        for name, come, leave_by in (("extension_popup", POPUP, ("Escape",)), ("extension_panel", PANEL, PANEL))
    ),
    # -- held up --
    # SIGSTOP: its picture stays, and it does not answer.
    row("browser_stopped", go(pay()), (stop(process.main), wait(FROZEN), leave, go(shop()))),
    # The payment page is held up while it is shown, and while another tab is.
    row(
        "renderer_stopped",
        new_tab(pay("/stopped", AWAY)),
        (
            (
                present,
                enter(lambda scene: stopped(page_process(scene))),
                wait(FROZEN),
                show(FIRST),
                wait(FROZEN),
                show(OTHER),
                wait(1),
                leave,
            ),
            close_tab,
        ),
    ),
    # The extension's messages stay in a pipe while a payment page comes and goes; then all arrive at once.
    row("relay_stopped", (stop(process.relay), go(pay())), (wait(FROZEN), go(shop()), wait(1), leave)),
    # The recorder no longer sees the pages of a browser, which then goes to a payment page.
    row(
        "extension_stopped",
        (present, start(shop("?then=/pay/unseen&after=5")), wait(3), stop(process.extension)),
        (wait(FROZEN), leave, gone, leave),
    ),
    # -- windows over a page that may go on showing what was in it: the browser's own, and one that paints nothing --
    # What is dragged is in a window of its own until it is dropped, whatever the page shows by then.
    in_firefox(
        "dragged",
        (activate(FIRST), run("draggable")),
        (
            inside(lambda x, y: enter(lambda scene: scene.desk.dragging((x, y), (x + 130, y + 130))), 350, 400),
            (wait(0.5), run("remove"), STAYS, leave, REST, go(shop())),
        ),
    ),
    # A list is open when the form goes, and stays: it has the cards that were in the form. Firefox paints its list in
    # colours of its own, so there only the time after it says that it was closed for.
    row(
        "select_list",
        (activate(FIRST), run("selected"), run("list")),
        (OPEN_LIST, present, run("remove"), STAYS, press(FIRST, "Escape"), gone, go(shop())),
    ),
    row(
        "clean_select_list",
        (activate(FIRST), run("list", "rgb(200,220,200)"), OPEN_LIST, STAYS, press(FIRST, "Escape")),
        to_shop(1),
        least=0.5,
    ),
    # A window that paints nothing takes its picture of the form along when it is moved.
    in_chromium(
        "unpainted_window_moved",
        run("form"),
        (
            enter(lambda scene: scene.desk.unpainted(300, 200, 500, 333, managed=False)),
            (wait(1), lambda scene: scene.entered[-1][1](700, 400), wait(1)),  # moves it
            (run("remove"), LONGER_THAN_NEEDED, leave, go(shop())),
        ),
        stages=(PLAIN,),
    ),
    # -- what must not close --
    # It is to be found on the desktop by what its browser calls it; until then nothing answers for it. The last one is
    # what the others are to be held against.
    *(
        row(name, (open_window(shop(page)), wait(10)), remove_window, least=0)
        for name, page in (
            ("clean_window_right_to_left", f"?title={quote(HEBREW)}"),
            ("clean_window_long_title", f"?title={'chairs+' * 60}"),
            ("clean_window_untitled", "?untitled"),
            ("clean_window_titled", ""),
        )
    ),
    # To an address that does not answer, from a clean page. Firefox has an empty page in between, which no script reads
    # and which counts until a page has shown its mark.
    *(
        row(name, (go(refusing(HOME)), wait(6)), (load(FIRST, shop()), loaded()), browsers=browsers, least=least)
        for name, browsers, least in (("clean_error_page", CHROMIUM, 0.5), ("clean_error_page_of_firefox", FIREFOX, 0))
    ),
    # A page asks for the place. In Firefox the prompt is a window like an extension's popup.
    row(
        "clean_permission_prompt",
        (activate(FIRST), run("askPlace"), wait(8)),
        (press(FIRST, "Escape"), go(shop())),
        least=0,
    ),
    # A payment page behind another tab goes on to the shop, and is not visited. In Firefox that stays closed.
    in_chromium(
        "clean_left_behind_a_tab",
        wait(8),
        close_tab,
        first=(new_tab(pay()), loaded(OTHER), show(FIRST), load(OTHER, shop("?behind")), loaded(OTHER)),
        least=0,
    ),
)
