"""The display, the windows on it twice over, and what reports locks: asked as the recorder asks them."""

from __future__ import annotations

import os
from typing import Final

from agent import desktop
from agent.capture.screen import X11Screen
from agent.core.model.seen import Blind, Scene, Window
from agent.doctor.facts import Display, ScreenFacts, SeatFacts, WindowsFacts
from agent.doctor.findings import Unasked
from agent.errors import EnvironmentFault, UserError
from agent.ports import Desktop

TRIES: Final = 3  # windows that come or go between two listings make a difference once, and not again and again


def ask_screen() -> ScreenFacts:
    name = os.environ.get("DISPLAY", "")
    try:
        here = desktop.current_desktop()
    except EnvironmentFault as fault:
        kinds = {desktop.WAYLAND: Display.WAYLAND, desktop.NO_DISPLAY: Display.MISSING}
        return ScreenFacts(kinds.get(str(fault), Display.REFUSED), name, str(fault))
    except UserError as fault:
        return ScreenFacts(Display.REFUSED, name, str(fault))
    try:
        if here.look() is Blind.CANNOT_VOUCH:
            return ScreenFacts(Display.UNVOUCHED, name)
        composited = here.composited()
    finally:
        here.close()
    return _photographed(name, composited)


def _photographed(name: str, composited: bool) -> ScreenFacts:
    """One picture of each monitor, dropped unseen."""
    try:
        camera = X11Screen(desktop.current_clock())
    except EnvironmentFault as fault:
        return ScreenFacts(Display.X11, name, no_picture=str(fault), composited=composited)
    try:
        camera.void()
        pictures = len(camera.grab())
        monitors = tuple((monitor.box.width, monitor.box.height) for monitor in camera.monitors())
    except EnvironmentFault as fault:
        return ScreenFacts(Display.X11, name, no_picture=str(fault), composited=composited)
    finally:
        camera.close()
    return ScreenFacts(Display.X11, name, monitors=monitors, pictures=pictures, composited=composited)


def ask_windows() -> WindowsFacts | Unasked:
    try:
        here = desktop.current_desktop()
    except (EnvironmentFault, UserError):
        return Unasked("not asked: there is no display", follows=True)
    try:
        return compare(here)
    finally:
        here.close()


def compare(here: Desktop) -> WindowsFacts:
    """The recorder's own looks against PyWinCtl's list; only what differs each time counts."""
    overlooked: set[int] | None = None
    differing: set[int] | None = None
    facts = WindowsFacts("")
    for _ in range(TRIES):
        before = here.look()
        second = desktop.listed_by_system()
        after = here.look()
        if isinstance(before, Blind):
            return WindowsFacts(before.value)
        if isinstance(after, Blind):
            return WindowsFacts(after.value)
        facts = _counted(after)
        if isinstance(second, Blind):
            continue
        listed = _by_number(second)
        ours = _by_number(before) | _by_number(after)
        missing = listed.keys() - ours.keys()
        other = {number for number in listed.keys() & ours.keys() if not _agree(listed[number], before, after)}
        overlooked = missing if overlooked is None else overlooked & missing
        differing = other if differing is None else differing & other
        facts = WindowsFacts(
            "",
            facts.seen,
            facts.unreadable,
            facts.engines,
            facts.remote,
            len(listed),
            len(listed.keys() & ours.keys()),
            len(overlooked),
            len(differing),
        )
        if not overlooked and not differing:
            break
    return facts


def _by_number(scene: Scene) -> dict[int, Window]:
    return {window.id: window for window in scene.windows}


def _counted(scene: Scene) -> WindowsFacts:
    windows = scene.windows
    return WindowsFacts(
        "",
        seen=len(windows),
        unreadable=sum(isinstance(window.app, Blind) or isinstance(window.title, Blind) for window in windows),
        engines=sum(window.engine for window in windows),
        remote=sum(window.remote for window in windows),
    )


def _agree(theirs: Window, *scenes: Scene) -> bool:
    """Whether one of our looks says the same process and title; what either could not read is no other word."""
    for scene in scenes:
        ours = _by_number(scene).get(theirs.id)
        if ours is not None and _same(ours.pid, theirs.pid) and _same(ours.title, theirs.title):
            return True
    return False


def _same(ours: object, theirs: object) -> bool:
    return isinstance(ours, Blind) or isinstance(theirs, Blind) or ours == theirs


def ask_seat() -> SeatFacts:
    seat = desktop.current_seat()
    try:
        return SeatFacts(tuple(getattr(seat, "blind_to", ())), tuple(sorted(seat.holds())))
    finally:
        seat.close()
