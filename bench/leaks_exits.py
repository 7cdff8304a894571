"""What no rule names any more while it is still to be seen: it fades out, or what takes its place is not drawn yet."""

from __future__ import annotations

import time
from typing import Final

from bench.leaks_pages import AWAY, refusing
from bench.leaks_scene import Play, Scene, transition

GOES_FOR: Final = 3.0  # seconds; longer than anything here fades


def _exit(scene: Scene, come: str, go: str) -> Play:
    yield
    scene.run(come)
    yield
    scene.run(go)
    time.sleep(GOES_FOR)
    scene.run("go", scene.shop())


@transition()
def dialog_fades(scene: Scene) -> Play:
    yield from _exit(scene, "dialogPan", "closeDialog")


@transition()
def class_fades(scene: Scene) -> Play:
    yield from _exit(scene, "classPan", "closeClass")


@transition()
def shadow_class_fades(scene: Scene) -> Play:
    yield from _exit(scene, "shadowPan", "closeShadow")


def _route(scene: Scene, leave: str) -> Play:
    """As frameworks leave a route: the address changes first, then the view is animated away."""
    yield
    scene.run("routeIn", "/pay/route")
    yield
    scene.run(leave, "/shop")
    time.sleep(GOES_FOR)
    scene.run("go", scene.shop())


@transition()
def route_fades(scene: Scene) -> Play:
    yield from _route(scene, "routeOut")


@transition()
def route_animated(scene: Scene) -> Play:
    yield from _route(scene, "routeAnimated")


@transition()
def frame_to_error(scene: Scene) -> Play:
    """Firefox draws its error page later than the page around it can show a mark."""
    yield
    scene.run("frame", scene.pay(host=AWAY))
    yield
    scene.run("turnFrame", refusing(AWAY))
    time.sleep(2)
    scene.run("remove")
