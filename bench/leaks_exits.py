"""What a rule no longer names while it is still to be seen, and what comes back with an old picture."""

from __future__ import annotations

import time
from typing import Final

from bench.leaks_outside import _point_at_second_tab, those_with
from bench.leaks_pages import AWAY
from bench.leaks_scene import CHROMIUM, CORNER, Play, Scene, transition

NOBODY: Final = f"http://{AWAY}:1023/"


def _exit(scene: Scene, come: str, go: str) -> Play:
    yield
    scene.run(come)
    yield
    scene.run(go)
    time.sleep(3)
    scene.run("remove")
    scene.run("go", scene.shop())


@transition()
def dialog_fades(scene: Scene) -> Play:
    yield from _exit(scene, "dialogPan", "closeDialog")


@transition()
def popover_fades(scene: Scene) -> Play:
    yield from _exit(scene, "popoverPan", "hidePopover")


@transition()
def class_fades(scene: Scene) -> Play:
    yield from _exit(scene, "classPan", "closeClass")


@transition()
def shadow_class_fades(scene: Scene) -> Play:
    yield from _exit(scene, "shadowPan", "closeShadow")


@transition()
def route_fades(scene: Scene) -> Play:
    yield
    scene.run("routeIn", "/pay/route")
    yield
    scene.run("routeOut", "/shop")
    time.sleep(2)
    scene.run("go", scene.shop())


@transition()
def route_animated(scene: Scene) -> Play:
    yield
    scene.run("routeIn", "/pay/route")
    yield
    scene.run("routeAnimated", "/shop")
    time.sleep(2)
    scene.run("go", scene.shop())


@transition()
def frame_to_error(scene: Scene) -> Play:
    yield
    scene.run("frame", scene.pay(host=AWAY))
    yield
    scene.run("turnFrame", NOBODY)
    time.sleep(2)
    scene.run("remove")


@transition()
def frame_to_blank(scene: Scene) -> Play:
    yield
    scene.run("frame", scene.pay(host=AWAY))
    yield
    scene.run("turnFrame", "about:blank")
    time.sleep(2)
    scene.run("remove")


@transition()
def frame_to_slow(scene: Scene) -> Play:
    yield
    scene.run("frame", scene.pay(host=AWAY))
    yield
    scene.run("turnFrame", scene.shop("?slow=3"))
    time.sleep(4)
    scene.run("remove")


@transition()
def frame_to_picture(scene: Scene) -> Play:
    yield
    scene.run("frame", scene.pay(host=AWAY))
    yield
    scene.run("turnFrame", scene.site.url("/favicon.ico", AWAY))
    time.sleep(2)
    scene.run("remove")


def _returns(scene: Scene, busy: int) -> Play:
    """Its form goes while its drawer is shut; the drawer opens again while the page is busy."""
    scene.run("drawer", scene.shop(host=AWAY))
    time.sleep(0.5)
    yield
    scene.run("tell", "form")
    yield
    scene.run("drawerOut")
    time.sleep(2)
    scene.run("tell", "remove")
    time.sleep(5)
    scene.run("drawerIn", busy)
    time.sleep(3)
    scene.run("remove")
    scene.run("go", scene.shop())


@transition()
def drawer_returns(scene: Scene) -> Play:
    yield from _returns(scene, 0)


@transition()
def drawer_returns_busy(scene: Scene) -> Play:
    yield from _returns(scene, 650)


@transition()
def hidden_returns_busy(scene: Scene) -> Play:
    scene.run("frame", scene.shop(host=AWAY))
    time.sleep(0.5)
    yield
    scene.run("tell", "form")
    yield
    scene.run("hide")
    time.sleep(1)
    scene.run("tell", "remove")
    time.sleep(5)
    scene.run("showBusy", 650)
    time.sleep(3)
    scene.run("remove")


@transition()
def scrolled_returns(scene: Scene) -> Play:
    scene.run("longPage")
    scene.run("frameBelow", scene.shop(host=AWAY))
    time.sleep(0.5)
    yield
    scene.run("tell", "form")
    yield
    scene.run("scrollNow", 4000, 0)
    time.sleep(2)
    scene.run("tell", "remove")
    time.sleep(5)
    scene.run("scrollNow", 0, 650)
    time.sleep(3)
    scene.run("go", scene.shop())


@transition()
def printed_frame(scene: Scene) -> Play:
    """The form leaves its frame while the page around it is in the print preview."""
    scene.run("frame", scene.shop(host=AWAY))
    scene.run("tell", "styled", "* { print-color-adjust: exact }")
    time.sleep(0.5)
    yield
    scene.run("tell", "form")
    yield
    scene.run("print")
    time.sleep(4)
    scene.run("tell", "removeLater", 0) if False else None
    scene.windows.press(scene.window, "Escape")
    time.sleep(1)
    scene.run("remove")


@transition()
def printed_frame_cleared(scene: Scene) -> Play:
    scene.run("frame", scene.shop(host=AWAY))
    scene.run("tell", "styled", "* { print-color-adjust: exact }")
    time.sleep(0.5)
    yield
    scene.run("tell", "form")
    yield
    scene.run("tell", "removeLater", 5000)
    scene.run("print")
    time.sleep(12)
    scene.windows.press(scene.window, "Escape")
    time.sleep(1)
    scene.run("remove")
    scene.run("go", scene.shop())


@transition(CHROMIUM)
def card_after_cleaning(scene: Scene) -> Play:
    """The tab's card has a picture of when it was last left, and the tab was cleaned in front since."""
    yield
    tab = scene.new_tab(scene.shop(), active=True)
    scene.until_loaded(tab)
    scene.present()
    scene.run("pushThenPaint", "/pay/now", tab=tab)
    yield
    scene.call("tabs.update", scene.tab, {"active": True})
    time.sleep(2)
    scene.call("tabs.update", tab, {"active": True})
    time.sleep(1)
    scene.run("pushThenClear", "/shop", tab=tab)
    scene.gone()
    time.sleep(3)
    _point_at_second_tab(scene)
    scene.call("tabs.update", scene.tab, {"active": True})
    time.sleep(2)
    scene.windows.point(*CORNER)
    time.sleep(1)
    scene.call("tabs.remove", tab)


@transition()
def frames_process_killed(scene: Scene) -> Play:
    yield
    scene.run("frame", scene.shop(host=AWAY))
    time.sleep(0.5)
    before = set()
    scene.run("tell", "form")
    yield
    import psutil

    drawing = [p for p in scene.browser.tree() if any("--type=renderer" in w or "-isForBrowser" in w for w in p.cmdline())]
    was = {p: sum(p.cpu_times()[:2]) for p in drawing}
    scene.run("tell", "busyFor", 600)
    time.sleep(0.7)
    del before
    max(was, key=lambda p: sum(p.cpu_times()[:2]) - was[p]).kill()
    time.sleep(2)
    scene.run("remove")


@transition(CHROMIUM)
def moved_before(scene: Scene) -> Play:
    yield
    scene.run("frame", scene.pay(host=AWAY))
    yield
    scene.run("moveAway")
    time.sleep(1)
    scene.run("remove")


@transition()
def object_turned(scene: Scene) -> Play:
    yield
    scene.run("object", scene.pay(host=AWAY))
    yield
    scene.run("turnObject", scene.shop(host=AWAY))
    time.sleep(1)
    scene.run("remove")


@transition()
def full_screen_left(scene: Scene) -> Play:
    yield
    scene.run("form")
    scene.windows.press(scene.window, "F11")
    yield
    scene.run("remove")
    scene.windows.press(scene.window, "F11")
    time.sleep(2)


@transition()
def tab_torn_off(scene: Scene) -> Play:
    yield
    tab = scene.new_tab(scene.pay(), active=True)
    yield
    made = scene.call("windows.create", {"tabId": tab})
    time.sleep(1)
    scene.call("tabs.update", tab, {"url": scene.shop()})
    time.sleep(2)
    scene.call("windows.remove", made["id"])


@transition()
def tab_duplicated(scene: Scene) -> Play:
    yield
    tab = scene.new_tab(scene.pay(), active=True)
    yield
    copy = scene.call("tabs.duplicate", tab)
    time.sleep(1)
    scene.run("go", scene.shop(), tab=copy["id"])
    time.sleep(2)
    scene.call("tabs.remove", copy["id"])
    time.sleep(1)
    scene.run("go", scene.shop(), tab=tab)
    time.sleep(2)
    scene.call("tabs.remove", tab)


assert those_with
