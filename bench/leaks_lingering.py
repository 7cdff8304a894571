"""What a page goes on showing of what it names no more, and what comes back from the browser's cache."""

from __future__ import annotations

import time
from typing import Final

from bench.leaks_outside import those_with
from bench.leaks_pages import AWAY
from bench.leaks_scene import CHROMIUM, CORNER, PLAIN, Play, Scene, transition

ONLY: Final = (PLAIN,)
MIDDLE: Final = (500, 500)  # within the page
FADES: Final = ".pan:not(.open) { opacity: 0; transition: opacity 9.9s steps(1, end) }"
LEAVES: Final = ".pan.leave { opacity: 0; transition: opacity 3s steps(1, end) }"
BEFORE: Final = ".pan::before { content: ''; position: fixed; inset: 0; background: rgb(255, 0, 255) }"
SHADOW: Final = ".pan { box-shadow: 0 0 0 600px rgb(255, 0, 255) }"
PAUSES: Final = """
    .pan:not(.open) { animation: out 2s forwards } .pan:hover { animation-play-state: paused }
    @keyframes out { to { opacity: 0; visibility: hidden } }
"""


def _in_and_out(scene: Scene, come: tuple[object, ...], go: tuple[object, ...], seconds: float = 3) -> Play:
    yield
    scene.run(str(come[0]), *come[1:])
    yield
    scene.run(str(go[0]), *go[1:])
    time.sleep(seconds)
    scene.run("go", scene.shop())


# -- what the browser goes on drawing after no selector fits -----------------------------------------------------------


@transition(stages=ONLY)
def step_scrolled_away(scene: Scene) -> Play:
    """The next step of a form is scrolled to smoothly: no animation of the document's says so."""
    yield from _in_and_out(scene, ("steps",), ("nextStep",))


@transition(stages=ONLY)
def details_fade(scene: Scene) -> Play:
    """What the browser animates of its own pseudo-elements is in no list of animations."""
    yield from _in_and_out(scene, ("details",), ("shutDetails",))


@transition(stages=ONLY)
def fade_at_rate(scene: Scene) -> Play:
    """Its end is told without its rate: 20 s, which are over in 2.5."""
    yield from _in_and_out(scene, ("panWith", ""), ("shutAtRate", 20_000, 8))


@transition(stages=ONLY)
def fade_by_smil(scene: Scene) -> Play:
    yield from _in_and_out(scene, ("panWith", ""), ("shutBySmil",))


@transition(stages=ONLY)
def fade_begins_late(scene: Scene) -> Play:
    """It begins 150 ms after no selector fits any more, as where a framework waits for something in between."""
    yield from _in_and_out(scene, ("panWith", LEAVES), ("shutLate", 150), 4)


@transition(stages=ONLY)
def fade_paused(scene: Scene) -> Play:
    """A fade stands still while the mouse is over what fades."""
    yield
    scene.windows.point(*MIDDLE)
    scene.run("panWith", PAUSES)
    yield
    scene.run("shut")
    time.sleep(4)
    scene.windows.point(*CORNER)
    scene.run("go", scene.shop())


@transition(stages=ONLY)
def fade_beside_work(scene: Scene) -> Play:
    """Between the request for a mark and the next animation frame is a task of more than 300 ms."""
    yield from _in_and_out(scene, ("panWith", FADES), ("shutThenWork", 350, 14), 7)


@transition(stages=ONLY)
def fade_kept_for_back(scene: Scene) -> Play:
    """The page is left while it fades, and comes back from the back/forward cache."""
    yield
    scene.run("panWith", FADES)
    yield
    scene.run("shutThenGo", scene.shop("?between"))
    time.sleep(2)
    yield
    scene.run("back")
    yield
    scene.run("go", scene.shop())


@transition(CHROMIUM, stages=ONLY)
def removed_and_kept_for_back(scene: Scene) -> Play:
    """A form is removed as its page is left: the cache keeps the picture with it, until the page has drawn itself."""
    yield
    scene.run("form")
    yield
    scene.run("removeAndGo", scene.shop("?between"))
    time.sleep(2)
    yield
    scene.run("back")
    yield
    time.sleep(1.5)
    scene.run("go", scene.shop())


@transition(stages=ONLY)
def fade_played_backwards(scene: Scene) -> Play:
    """What brought it in, reversed: such an animation begins in the future."""
    yield from _in_and_out(scene, ("panBrought", 4000, False), ("shutBrought", "reverse"), 5)


@transition(stages=ONLY)
def fade_played_on(scene: Scene) -> Play:
    """One animation in and out, which rests in between: it began long ago."""
    yield from _in_and_out(scene, ("panBrought", 5000, True), ("shutBrought", "play"), 5)


@transition(stages=ONLY)
def fade_before_its_name_goes(scene: Scene) -> Play:
    yield from _in_and_out(scene, ("panWith", ""), ("shutWhileFading", 1000, 5000), 6)


@transition(stages=ONLY)
def moved_step_by_step(scene: Scene) -> Play:
    """Each step begins where the one before ends, the last of them more than two seconds later."""
    yield from _in_and_out(scene, ("panWith", ""), ("shutInSteps", 1300, 1300, 1300), 5)


@transition(stages=ONLY)
def fade_in_written_frame(scene: Scene) -> Play:
    yield from _in_and_out(scene, ("panInFrame", 4), ("shutInFrame",), 6)


@transition(stages=ONLY)
def boxless_with_content_before(scene: Scene) -> Play:
    """It has no size, and what a style sheet puts before it fills the page."""
    yield from _in_and_out(scene, ("boxless", BEFORE), ("shutAndRemove", 1200))


@transition(stages=ONLY)
def boxless_with_shadow(scene: Scene) -> Play:
    yield from _in_and_out(scene, ("boxless", SHADOW), ("shutAndRemove", 1200))


# -- addresses that change before the view -----------------------------------------------------------------------------


@transition(stages=ONLY)
def address_passed_by(scene: Scene) -> Play:
    """The address was there between two looks: only an event reported it, and the view stays."""
    yield
    scene.run("viewPassed", "/pay/now", "/shop", 30, 1500)
    yield
    time.sleep(2)
    scene.run("go", scene.shop())


@transition(stages=ONLY)
def address_of_both_before_view(scene: Scene) -> Play:
    """The rule names an address and a selector together: the address alone does not close."""
    yield from _in_and_out(scene, ("record", "/app/record"), ("leaveView", "/shop", 1500))


@transition(stages=ONLY)
def address_before_view_reconnected(scene: Scene) -> Play:
    """The relay dies shortly before: over the new connection nothing is known of the address before."""
    yield
    scene.run("view", "/pay/now")
    yield
    for process in those_with(scene.browser, "native_host.py"):
        process.kill()
    scene.run("leaveView", "/shop", 1500)
    time.sleep(4)
    scene.run("go", scene.shop())


@transition(stages=ONLY)
def address_before_frame(scene: Scene) -> Play:
    """The policy names the page around a frame; the frame's next document is slow, and the old one stays."""
    yield
    scene.run("shell", "/pay/shell", scene.shop(host=AWAY))
    yield
    scene.run("leaveShell", "/shop", scene.site.url("/slow.css?slow=1.5", AWAY))
    time.sleep(4)
    scene.run("go", scene.shop())


# -- what the page shows where no document looks for it ----------------------------------------------------------------


@transition(stages=ONLY)
def entries_scrolled_down(scene: Scene) -> Play:
    """The selector fits sixty elements; those in view are beyond the fiftieth."""
    yield from _in_and_out(scene, ("entries",), ("shutEntries", 1500))


@transition(stages=ONLY)
def host_without_a_box(scene: Scene) -> Play:
    """What the selector fits has no box and nothing inside but a shadow root, in which all is drawn."""
    yield from _in_and_out(scene, ("hostOfDialog",), ("shut",))


@transition(stages=ONLY)
def address_before_view_with_hidden_menu(scene: Scene) -> Play:
    """With the address, links are marked in a menu that is not displayed at this width."""
    yield from _in_and_out(scene, ("viewWithMenu", "/pay/now"), ("leaveViewWithMenu", "/shop", 1500))


@transition(stages=ONLY)
def label_changed_while_sent(scene: Scene) -> Play:
    """The field is there, but nothing names it any more."""
    yield from _in_and_out(scene, ("labelled",), ("sendLabelled", 1500))


@transition(CHROMIUM, stages=ONLY)
def frame_removed_and_kept_for_back(scene: Scene) -> Play:
    """As `removed_and_kept_for_back`, with the form in a frame: no script of the page has seen it."""
    yield
    scene.run("frame", scene.pay(host=AWAY))
    yield
    scene.run("removeAndGo", scene.shop("?between"))
    time.sleep(2)
    yield
    scene.run("back")
    yield
    time.sleep(1.5)
    scene.run("go", scene.shop())
