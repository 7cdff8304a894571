"""What stands beside a page or over it, and parts of a browser held up: ways in which a look may be deceived."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final

import psutil

from bench.leaks_outside import extension_of, renderer_of, those_with
from bench.leaks_pages import AWAY
from bench.leaks_scene import CHROMIUM, FIREFOX, PLAIN, TICKING, Play, Scene, transition
from testkit.stage import StageError

FROZEN: Final = 2.5  # seconds that something is held up: longer than anybody waits for an answer
REPEATED: Final = 4.5  # seconds in which the control takes a picture also of what stands still
MIDDLE: Final = (500, 500)  # within the page
OVER: Final = (640, 300, 500, 333)  # left, top, width, height of a small window over it
COVER: Final = (0, 0, 1200, 770)  # all of the browser's window
CONSOLE: Final = {"chromium": ("Control_L", "Shift_L", "j"), "firefox": ("Control_L", "Shift_L", "k")}
APART: Final = {
    "chromium": {"devtools": {"preferences": {"currentDockState": '"undocked"'}}},
    "firefox": {"devtools.toolbox.host": "window"},
}


# -- beside a page ------------------------------------------------------------------------------------------------


@transition()
def developer_tools(scene: Scene) -> Play:
    """Docked beside a clean page they show what it wrote to its console: no address and no field says so."""
    scene.run("go", scene.site.url("/logged"))
    scene.until_loaded(scene.tab)
    yield
    scene.present()
    scene.windows.press(scene.window, *CONSOLE[scene.browser.name])
    yield
    time.sleep(REPEATED)
    scene.windows.press(scene.window, "F12")
    time.sleep(1)
    scene.run("go", scene.shop())


@transition()
def developer_tools_apart(scene: Scene) -> Play:
    """In a window of their own."""
    yield
    scene.present()
    before = scene.windows.all()
    with scene.another(scene.site.url("/logged"), settings=APART[scene.browser.name]) as other:
        window = scene.windows.new_of(other.pid, before)
        time.sleep(2)
        scene.windows.press(window, *CONSOLE[scene.browser.name])
        yield
        time.sleep(REPEATED)
        scene.gone()


@transition(CHROMIUM)
def picture_in_picture(scene: Scene) -> Play:
    """A page puts a document of its own into a small window above all others."""
    yield
    scene.present()
    scene.run("pictureInPicture")
    scene.windows.click(*MIDDLE)
    yield
    scene.run("closePicture")


@transition()
def film_in_picture(scene: Scene) -> Play:
    """A film goes on in a small window above all others."""
    yield
    scene.present()
    before = scene.windows.all()
    scene.run("film")
    scene.windows.click(*MIDDLE)
    window = scene.windows.new(before)
    scene.windows.place(window, *OVER)
    yield
    scene.windows.close_window(window)
    time.sleep(1)
    scene.run("go", scene.shop())


@transition()
def alert(scene: Scene) -> Play:
    """A dialog keeps the payment page from answering anybody."""
    yield
    scene.run("go", scene.pay())
    yield
    scene.run("alert")
    time.sleep(FROZEN)
    scene.windows.press(scene.window, "Return")
    time.sleep(0.5)
    scene.run("go", scene.shop())


@transition()
def file_picker(scene: Scene) -> Play:
    """The browser's dialog for files stands over a payment page."""
    yield
    scene.run("go", scene.pay())
    yield
    scene.until_loaded(scene.tab)
    scene.run("picker")
    before = scene.windows.all()
    scene.windows.click(*MIDDLE)
    dialog = scene.windows.new(before)
    time.sleep(1)
    scene.windows.press(dialog, "Escape")
    time.sleep(1)
    scene.run("go", scene.shop())


@transition()
def print_preview(scene: Scene) -> Play:
    """It shows what the page was when it was asked for."""
    yield
    scene.run("go", scene.pay())
    yield
    scene.until_loaded(scene.tab)
    scene.run("print")
    time.sleep(FROZEN)
    scene.windows.press(scene.window, "Escape")
    time.sleep(1)
    scene.run("go", scene.shop())


@transition(stages=(PLAIN, TICKING))
def unpainted_window(scene: Scene) -> Play:
    """A window comes over the payment page and paints nothing: it shows the form for as long."""
    yield
    scene.run("go", scene.pay())
    yield
    with scene.windows.unpainted(*COVER):
        scene.run("go", scene.shop())
        time.sleep(REPEATED)


@transition(CHROMIUM)
def second_profile(scene: Scene) -> Play:
    """Another profile of a running browser, in the same process, with an extension of its own."""
    yield
    scene.present()
    with scene.another(scene.shop()) as other:
        time.sleep(2)
        other.open_second_profile(scene.pay("/second"))
        yield
        time.sleep(REPEATED)
        scene.gone()


@transition(FIREFOX)
def reader_mode(scene: Scene) -> Play:
    """The payment page's text and pictures under an address of the browser's own, where no script of ours runs."""
    yield
    scene.present()
    scene.run("go", scene.pay("/article"))
    yield
    scene.until_loaded(scene.tab)
    scene.call("tabs.toggleReaderMode", scene.tab)
    time.sleep(FROZEN)
    scene.call("tabs.update", scene.tab, {"url": scene.shop()})


@transition()
def tab_discarded(scene: Scene) -> Play:
    """A parked payment tab is put out of memory, and loaded again when it is shown."""
    yield
    scene.present()
    tab = scene.new_tab(scene.pay(), active=True)
    yield
    scene.call("tabs.update", scene.tab, {"active": True})
    time.sleep(1)
    kept = scene.call("tabs.discard", tab)
    tab = kept["id"] if kept else tab
    time.sleep(1)
    scene.call("tabs.update", tab, {"active": True})
    time.sleep(1)
    scene.call("tabs.remove", tab)


# -- held up ------------------------------------------------------------------------------------------------------


@transition()
def browser_stopped(scene: Scene) -> Play:
    """SIGSTOP: its picture stays, and it answers nobody."""
    yield
    scene.run("go", scene.pay())
    yield
    with stopped([psutil.Process(scene.browser.pid)]):
        time.sleep(FROZEN)
    scene.run("go", scene.shop())


@transition()
def renderer_stopped(scene: Scene) -> Play:
    """The payment page is held up while it is shown, and while another tab is."""
    yield
    tab = scene.new_tab(scene.pay("/stopped", AWAY), active=True)
    yield
    scene.present()
    with stopped([renderer_of(scene, tab)]):
        time.sleep(FROZEN)
        scene.call("tabs.update", scene.tab, {"active": True})
        time.sleep(FROZEN)
        scene.call("tabs.update", tab, {"active": True})
        time.sleep(1)
    scene.call("tabs.remove", tab)


@transition()
def relay_stopped(scene: Scene) -> Play:
    """What the extension tells stays in a pipe, while a payment page comes and goes; then all of it is told at once."""
    yield
    with stopped(those_with(scene.browser, "native_host.py")):
        scene.run("go", scene.pay())
        yield
        time.sleep(FROZEN)
        scene.run("go", scene.shop())
        time.sleep(1)


@transition()
def extension_stopped(scene: Scene) -> Play:
    """Nobody sees the pages of a browser any more, which then goes to a payment page by itself."""
    yield
    scene.present()
    before = scene.windows.all()
    with scene.another(scene.shop("?then=/pay/unseen&after=5")) as other:
        scene.windows.new_of(other.pid, before)
        time.sleep(3)
        with stopped(extension_of(other)):
            yield
            time.sleep(FROZEN)
        scene.gone()


@contextmanager
def stopped(processes: Sequence[psutil.Process]) -> Iterator[None]:
    """SIGSTOP to each of them that is still there. Raises StageError where none is."""
    held: list[psutil.Process] = []
    try:
        for process in processes:
            with suppress(psutil.NoSuchProcess):  # browsers end a spare one whenever they like
                process.suspend()
                held.append(process)
        if not held:
            raise StageError("there is no process to stop")
        yield
    finally:
        for process in held:
            with suppress(psutil.NoSuchProcess):
                process.resume()
