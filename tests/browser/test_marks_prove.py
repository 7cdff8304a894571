"""A picture with a document's mark shows nothing older of it, whatever keeps the old picture on the screen.

Each case was a leak when drawing was believed by animation frames or by time. A form is magenta, so that a grab of the
real screen says whether it is still in the picture. A case in which it was gone before the first mark was asked for has
tried nothing, and is played again.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import psutil
import pytest

from tests.browser.extension_live import Live, css, fields, read, tabs_at
from tests.browser.extension_marks import Marks, Picture, magenta, marks, places
from tests.browser.extension_pages import page

pytestmark = pytest.mark.desktop

PLAYS = 2
TRIES = 5  # of a play that tried nothing
HEAVIEST = 8  # times what a page draws anew, or how slowly it goes over, at first
AFTER = 20  # grabs that are judged beyond the first with the mark

FORM = (
    "<div id=form style='background: #f0f; width: 400px; height: 200px'><input autocomplete=cc-number></div>"
    "<main id=rest></main>"
)
GO = "const form = document.getElementById('form'), rest = document.getElementById('rest'), weight = %d;"
# Dashes are what takes long.
SVG = """const of = (number, most) => number % most;
    const line = (i) => `<path d="M0 ${of(i, 300)} C 200 ${of(i * 7, 400)}, 500 ${of(i * 13, 400)}, 900 ${of(i, 400)}"
      fill="none" stroke="rgb(${of(i, 90)},120,90)" stroke-dasharray="3 2"/>`;
    const lines = Array.from({length: 3000 * weight}, (_, i) => line(i));
    rest.innerHTML = `<svg width=900 height=400>${lines.join("")}</svg>`;"""
FILTERS = """const panel = (i) => `<div style="position: absolute; left: ${i % 60 * 4}px; top: ${40 + i % 60 * 2}px;
      width: 500px; height: 300px; backdrop-filter: blur(${8 + i % 20}px)">${i}</div>`;
    rest.innerHTML = Array.from({length: 60 * weight}, (_, i) => panel(i)).join("");"""
HELD = """document.startViewTransition(async () => {
      form.remove(); rest.textContent = "paid"; await new Promise((done) => setTimeout(done, 1500)) });"""
# The new picture is beside the old one, not over it.
SLOW_OLD = """<style>::view-transition-old(*) { animation: none 1.5s; opacity: 1 }
    ::view-transition-group(*) { animation-duration: 1.5s }
    ::view-transition-new(*) { animation: none; clip-path: inset(0 0 0 300px) }</style>"""
PART = """rest.startViewTransition(() => { rest.querySelector("div").remove() });"""


@dataclass(frozen=True)
class Case:
    go: str  # what the document does, a script
    style: str = ""
    chromium_only: str = ""  # why
    body: str = FORM


CASES = {
    "heavy drawing": Case(f"form.remove(); {SVG}"),
    "filters": Case(f"form.remove(); {FILTERS}"),
    "held view transition": Case(HELD),
    "view transition with a slow old picture": Case(
        "document.startViewTransition(() => { form.remove() });",
        f"{SLOW_OLD}<style>#form {{ view-transition-name: form }}</style>",
    ),
    "view transition of a part": Case(
        PART,
        SLOW_OLD,
        "Firefox knows none of a part",
        f"<main id=rest style='contain: layout'>{FORM.partition('<main')[0]}</main><i id=form></i>",
    ),
}


@pytest.fixture
def screen(live: Live) -> Iterator[Marks]:
    with marks(live) as seen:
        yield seen


@dataclass
class Proof:
    """What the grabs showed from the first question on."""

    old: int = 0  # that showed the form
    both: int = 0  # that showed the form and the top document's mark
    marked: int = 0


def prove(screen: Marks, tab: int, frames: Sequence[int]) -> Proof:
    """Asks the frames one after the other, the innermost first; judges by the last one's mark."""
    proof = Proof()
    for frame in frames:
        known: list[str] = []

        def ask(frame: int = frame, known: list[str] = known) -> None:
            known.append(screen.ask(tab, frame)[frame])

        def judge(
            picture: Picture, last: bool = frame == frames[-1], known: list[str] = known, enough: int = AFTER
        ) -> bool:
            old, marked = magenta(picture), any(places(picture, *known))
            proof.old += old
            if last:
                proof.both += old and marked
                proof.marked += marked
            return proof.marked >= enough if last else marked

        ask()
        screen.until(judge, ask)
    return proof


def try_it(play: Callable[[int], Proof], times: int = PLAYS) -> None:
    """Plays until it was tried so many times; what a browser drew too quickly has twice the weight in the next play."""
    tried, weight = 0, 1
    for _ in range(times * TRIES):
        proof = play(weight)
        assert proof.both == 0, proof
        if proof.old:
            tried += 1
        else:
            weight = min(2 * weight, HEAVIEST)
        if tried == times:
            return
    raise TimeoutError(f"the form was gone before a mark was asked for, in all but {tried} of {times * TRIES} plays")


@pytest.mark.parametrize("name", CASES)
def test_a_picture_with_the_mark_shows_nothing_older(live: Live, screen: Marks, name: str) -> None:
    case = CASES[name]
    if case.chromium_only and live.name == "firefox":
        pytest.skip(case.chromium_only)

    def play(weight: int) -> Proof:
        with live.opened("paying", case.style + case.body):
            tab = live.look_until_tab("/paying", lambda tab: fields(tab) or css(tab))["id"]
            screen.until(magenta)
            live.site.order("paying", f"{GO % weight} {case.go}")
            return prove(screen, tab, [0])

    try_it(play)


def test_nor_while_the_process_that_draws_hangs(live: Live, screen: Marks) -> None:
    if live.name == "firefox":
        pytest.skip("Firefox draws in its first process here, which would hang as a whole")
    (drawing,) = [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if "--type=gpu-process" in (line := " ".join(process.info["cmdline"] or [])) and str(live.folder) in line
    ]

    def play(weight: int) -> Proof:
        with live.opened("paying", FORM):
            tab = live.look_until_tab("/paying", lambda tab: "cc-number" in fields(tab))["id"]
            screen.until(magenta)
            os.kill(drawing, signal.SIGSTOP)
            goes_on = threading.Timer(1.5, os.kill, (drawing, signal.SIGCONT))
            goes_on.start()
            try:
                live.site.order("paying", f"{GO % weight} form.remove(); {SVG}")
                return prove(screen, tab, [0])
            finally:
                goes_on.join()

    try_it(play)


def test_nor_of_a_frame_within_a_frame(live: Live, screen: Marks) -> None:
    """A payment provider's frame inside an application's is taken out, and the application draws much anew."""
    live.site.serve(
        {
            "/provider": f"<!doctype html><body style='margin: 0'>{FORM}",
            "/application": page(
                "application",
                f'<iframe id=form src="{live.site.here}/provider" width=420 height=220></iframe><main id=rest></main>',
            ),
        }
    )

    def play(weight: int) -> Proof:
        with live.opened("around", f'<iframe src="{live.site.other}/application" width=940 height=600></iframe>'):
            tab = live.look_until_tab("/around", lambda tab: "cc-number" in fields(tab))
            screen.until(magenta)
            (application,) = [frame["id"] for frame in tab["frames"] if frame["url"].endswith("/application")]
            live.site.order("application", f"{GO % weight} form.remove(); {SVG}")
            return prove(screen, tab["id"], [application, 0])

    if live.name == "chromium":
        try_it(play)
    else:  # it takes away the picture of a frame of another process with the frame: mostly nothing older is left
        assert all(play(1).both == 0 for _ in range(PLAYS))


def test_nor_of_a_frame_that_its_parents_view_transition_holds(live: Live, screen: Marks) -> None:
    live.site.serve({"/inner": page("inner", FORM)})
    body = f'{SLOW_OLD}<iframe src="{live.site.other}/inner" width=600 height=300></iframe>'

    def play(weight: int) -> Proof:
        with live.opened("around", body):
            tab = live.look_until_tab("/around", lambda tab: "cc-number" in fields(tab))
            screen.until(magenta)
            inner = next(frame["id"] for frame in tab["frames"] if frame["id"])
            hold = "document.startViewTransition(() => new Promise((done) => setTimeout(done, 700)))"
            live.site.order("around", f"{hold}; await new Promise((done) => setTimeout(done, 200))")
            live.site.order("inner", f"{GO % weight} form.remove()")
            return prove(screen, tab["id"], [inner, 0])

    try_it(play)


def test_nor_of_the_document_before_it(live: Live, screen: Marks) -> None:
    """A view transition from page to page shows the page before above the new one."""

    def play(weight: int) -> Proof:
        slow = SLOW_OLD.replace("1.5s", f"{1.5 * weight}s")  # a busy machine asks late
        goes_over = "<style>@view-transition { navigation: auto }</style>" + slow
        live.site.serve({"/paid": page("paid", f"{goes_over}<p>Paid.</p>")})
        live.site.serve({"/paying": page("paying", goes_over + FORM)})
        live.site.order("desk", "window.open('/paying')")
        live.look_until_tab("/paying", lambda tab: "cc-number" in fields(tab))
        screen.until(magenta)
        live.site.send("paying", "location.href = '/paid'")
        tab = live.look_until_tab("/paid", read)
        proof = prove(screen, tab["id"], [0])
        live.site.send("paid", "window.close()")
        live.line.look_until(lambda look: not tabs_at(look, "/paid"))
        return proof

    if live.name == "chromium":
        try_it(play)
    else:  # it has no view transition from page to page
        assert play(1).both == 0
