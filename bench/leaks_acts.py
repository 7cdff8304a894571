"""A case of bench/leaks as a transition: tells its pages when, and does what else happens as it goes."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Final
from urllib.parse import urlencode

from bench import leaks_steps as steps
from bench.leaks_cases import Case
from bench.leaks_scene import Act, Scene, Step, Transition, do, row
from bench.leaks_server import FIRST, OTHER, Address
from bench.leaks_steps import shop, wait
from testkit import browser_processes as process
from testkit.stage import busy_cores

NOTICE: Final = 0.5  # seconds between the order to go and its going: a browser that hangs takes no order
PUT_AWAY: Final = 1.3  # seconds until a page has removed what it hid (leaks_site/part.js)
HIDDEN: Final = 0.7  # seconds that something is there before it is revealed
SCROLLS: Final = 0.3  # seconds that it is scrolled on after it has let go
HIDDEN_TAB: Final = 1.5  # seconds that another tab is shown: timers of a hidden one run once a second
FINDING: Final = 0.3  # seconds to find a browser's processes
# In these the eye has to be closed before or after anything sensitive is seen.
UNSEEN_COMING: Final = frozenset({"reveal", "streamed"})


@dataclass(frozen=True, slots=True)
class Meanwhile:
    """What else happens as it goes. `unseen`: the eye has to be closed for it."""

    step: Step = ()
    unseen: bool = False
    before: Step = ()
    after: Step = ()


def acted(name: str, case: Case) -> Transition:
    """The case as a transition, so that the bench plays it as any other."""
    meanwhile = meanwhiles(case.hung)[case.meanwhile]
    unseen = meanwhile.unseen or case.comes in UNSEEN_COMING or case.goes == "hide"
    prepared = (steps.run("order", "prepare", 0), wait(HIDDEN)) if case.comes == "reveal" else ()
    put_away = wait(PUT_AWAY) if case.goes == "hide" else ()
    busy = steps.enter(lambda _: busy_cores(case.load))
    return row(
        name,
        (busy, steps.present if unseen else (), prepared, steps.run("order", "come", 0)),
        (wait(case.stays), _leave, meanwhile.step, put_away, steps.gone),
        (steps.leave, meanwhile.after, steps.load(FIRST, shop())),  # the load stays until it has gone
        first=(partial(_open, case), meanwhile.before),
        browsers=(case.browser,),
    )


def _open(case: Case, scene: Scene) -> None:
    """The case's first page, with all its frames, in the browser's tab."""
    query = urlencode({"case": json.dumps(asdict(case)), "depth": 0, "state": "clean", "turn": time.monotonic_ns()})
    address = Address(f"/part?{query}")
    steps.load(FIRST, address)(scene)
    scene.until_loaded(address=address)


def _leave(scene: Scene) -> None:
    scene.run("order", "leave", 1000 * NOTICE)
    scene.leaves_at = time.monotonic() + NOTICE


def _at(seconds: float) -> Act:
    """So long after it goes, or before."""
    return lambda scene: time.sleep(max(0.0, scene.leaves_at + seconds - time.monotonic()))


def _raise_other(scene: Scene) -> None:
    """Another program's window comes before the browser's."""
    scene.desk.activate(next(one for one in scene.desk.all() if one not in scene.desk.of(scene.browser.pid)))


def _hang(whose: process.Whose, at: float, seconds: float) -> Meanwhile:
    def hang(scene: Scene) -> None:
        _at(at - FINDING)(scene)
        processes = whose(scene.latest)
        do(scene, (_at(at), steps.enter(lambda _: process.stopped(processes)), wait(seconds), steps.leave))

    return Meanwhile(hang, unseen=True)


def meanwhiles(hung: float) -> Mapping[str, Meanwhile]:
    """By their names. A page that is stopped has to have let go."""
    zoom, unzoom = (steps.call("tabs.setZoom", FIRST, factor) for factor in (1.5, 1))
    behind = steps.new_tab(shop(), active=False), steps.loaded(OTHER)
    switched = _at(-0.2), steps.show(OTHER), _at(HIDDEN_TAB), steps.show(FIRST), wait(0.5)
    return {
        "none": Meanwhile(),
        "scroll": Meanwhile(lambda scene: scene.desk.wheel(*steps.MIDDLE, until=scene.leaves_at + SCROLLS)),
        "zoom": Meanwhile((_at(0), zoom), after=unzoom),
        "tab": Meanwhile(switched, unseen=True, before=behind, after=steps.close_tab),
        "window": Meanwhile((_at(-0.2), _raise_other, _at(0.3), steps.activate(FIRST)), unseen=True),
        "hang_gpu": _hang(process.gpu, -0.1, hung),
        "hang_renderer": _hang(process.pages, 0.05, hung),
        "hang_extension": _hang(process.extension, -0.1, hung),
    }
