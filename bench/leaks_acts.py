"""A case of bench/leaks as a transition: tells its pages when, and does what else happens as it goes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Final
from urllib.parse import urlencode

from bench import leaks_processes as process
from bench.leaks_cases import Case
from bench.leaks_scene import FIRST, OTHER, Scene, Step, Transition, do
from bench.leaks_server import Address
from bench.leaks_settings import busy_cores
from bench.leaks_steps import (
    MIDDLE,
    call,
    close_tab,
    enter,
    gone,
    leave,
    load,
    loaded,
    new_tab,
    present,
    run,
    shop,
    show,
    wait,
)

NOTICE: Final = 0.5  # seconds between the order to go and its going: a browser that hangs takes no order
PUT_AWAY: Final = 1.3  # seconds until a page has removed what it hid (leaks_site/part.js)
HIDDEN: Final = 0.7  # seconds that something is there before it is revealed
ZOOM: Final = 1.5
SCROLLS: Final = 0.3  # seconds that it is scrolled on after it has let go
HIDDEN_TAB: Final = 1.5  # seconds that another tab is shown: timers of a hidden one run once a second
FINDING: Final = 0.3  # seconds to find a browser's processes
# In these the eye has to be closed before or after anything sensitive is seen.
UNSEEN_COMING: Final = frozenset({"reveal", "streamed"})


@dataclass(frozen=True, slots=True)
class Meanwhile:
    """What else happens as it goes, at a time (s, monotonic). `unseen`: the eye has to be closed for it."""

    act: Callable[[Case, float, Scene], None]
    unseen: bool = False
    before: Step = ()
    after: Step = ()


def acted(name: str, case: Case) -> Transition:
    """The case as a transition, so that the bench plays it as any other."""
    meanwhile = MEANWHILE[case.meanwhile]
    unseen = meanwhile.unseen or case.comes in UNSEEN_COMING or case.goes == "hide"
    prepared = (run("order", "prepare", 0), wait(HIDDEN)) if case.comes == "reveal" else ()
    put_away = wait(PUT_AWAY) if case.goes == "hide" else ()

    def goes(scene: Scene) -> None:
        scene.run("order", "leave", 1000 * NOTICE)
        meanwhile.act(case, time.monotonic() + NOTICE, scene)

    return Transition(
        name,
        first=(partial(_open, case), meanwhile.before),
        steps=(
            (enter(lambda _: busy_cores(case.load)), present if unseen else (), prepared, run("order", "come", 0)),
            (wait(case.stays), goes, put_away, gone),
            (leave, meanwhile.after, load(FIRST, shop())),  # the load stays until it has gone
        ),
        browsers=(case.browser,),
    )


def _open(case: Case, scene: Scene) -> None:
    """The case's first page, with all its frames, in the browser's tab."""
    query = urlencode({"case": json.dumps(asdict(case)), "depth": 0, "state": "clean", "turn": time.monotonic_ns()})
    address = Address(f"/part?{query}")
    load(FIRST, address)(scene)
    scene.until_loaded(address=address)


# -- what else happens ------------------------------------------------------------------------------------------------


def _switch_tab(_: Case, at: float, scene: Scene) -> None:
    _until(at - 0.2)
    show(OTHER)(scene)
    _until(at + HIDDEN_TAB)
    do(scene, (show(FIRST), wait(0.5)))


def _zoom(_: Case, at: float, scene: Scene) -> None:
    _until(at)
    scene.call("tabs.setZoom", FIRST, ZOOM)


def _raise_window(_: Case, at: float, scene: Scene) -> None:
    """Another program's window comes before the browser's, and that one again."""
    other = next(one for one in scene.desk.all() if one not in scene.desk.of(scene.browser.pid))
    _until(at - 0.2)
    scene.desk.activate(other)
    _until(at + 0.3)
    scene.desk.activate(scene.windows[FIRST])


def _scroll(_: Case, at: float, scene: Scene) -> None:
    scene.desk.wheel(*MIDDLE, until=at + SCROLLS)


def _hang(whose: process.Whose, earlier: float) -> Meanwhile:
    """`earlier`: how long before its page lets go (s). A page that is stopped has to have let go."""

    def hang(case: Case, at: float, scene: Scene) -> None:
        _until(at - earlier - FINDING)
        processes = whose(scene)
        _until(at - earlier)
        with process.stopped(processes):
            time.sleep(case.hung)

    return Meanwhile(hang, unseen=True)


def _until(at: float) -> None:
    time.sleep(max(0.0, at - time.monotonic()))


MEANWHILE: Final[Mapping[str, Meanwhile]] = {
    "none": Meanwhile(lambda *_: None),
    "scroll": Meanwhile(_scroll),
    "zoom": Meanwhile(_zoom, after=call("tabs.setZoom", FIRST, 1)),
    "tab": Meanwhile(_switch_tab, True, before=(new_tab(shop(), active=False), loaded(OTHER)), after=close_tab),
    "window": Meanwhile(_raise_window, True),
    "hang_gpu": _hang(process.gpu, 0.1),
    "hang_renderer": _hang(process.pages, -0.05),
    "hang_extension": _hang(process.extension, 0.1),
}
