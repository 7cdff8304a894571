"""What the X11 desktop sees, on a real X server: covers, frames, compositors, and windows that die as they are read."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path

import pytest

from agent.core.model.seen import Blind, Box, Scene
from agent.desktop.x11 import X11Desktop
from testkit import displays
from testkit.desktops import X11Stage, find, is_shown, look_until, settled, x11_stage
from testkit.windows import program
from tests.desktop.x11_stages import HALF, await_hidden, bare, either, managed, stays_shown

__all__ = ["bare", "either", "managed"]  # fixtures

pytestmark = pytest.mark.desktop


# -- covered ----------------------------------------------------------------------------------------------------------


def test_a_wholly_covered_window_is_not_shown(either: X11Stage) -> None:
    below = either.open(title="below", x=100, y=100, width=200, height=100)
    either.open(title="above", x=50, y=50, width=400, height=300)
    await_hidden(either, below)
    assert find(settled(either.desktop), below) is not None


def test_a_half_covered_window_is_shown(either: X11Stage) -> None:
    below = either.open(title="below", x=100, y=100, width=400, height=100)
    either.open(title="above", x=50, y=50, width=200, height=300)
    assert stays_shown(either, below)


def test_a_window_covered_by_two_together_is_not_shown(bare: X11Stage) -> None:
    below = bare.open(title="below", x=100, y=100, width=200, height=100)
    bare.open(title="left", x=50, y=50, width=150, height=300)
    assert stays_shown(bare, below)
    bare.open(title="right", x=200, y=50, width=150, height=300)
    await_hidden(bare, below)


@pytest.mark.parametrize(
    "traits",
    [{"alpha": True}, {"opacity": HALF}, {"override": True}],
    ids=["an alpha channel", "half transparent", "without a manager: it may have no background"],
)
def test_a_cover_that_may_be_seen_through_hides_nothing(either: X11Stage, traits: dict[str, object]) -> None:
    below = either.open(title="below", x=100, y=100, width=200, height=100)
    either.open(title="above", x=50, y=50, width=400, height=300, **traits)
    assert stays_shown(either, below)


def test_a_cover_that_is_cut_to_a_shape_hides_nothing(either: X11Stage) -> None:
    below = either.open(title="below", x=100, y=100, width=200, height=100)
    above = either.open(title="above", x=50, y=50, width=400, height=300)
    await_hidden(either, below)
    either.application.cut(window=above)
    # openbox cuts its frame after the program has cut its window, and moves it about before.
    look_until(either.desktop, lambda _: stays_shown(either, below), "the window behind the hole")


def test_a_cover_that_turns_transparent_hides_nothing_from_then_on(either: X11Stage) -> None:
    below = either.open(title="below", x=100, y=100, width=200, height=100)
    above = either.open(title="above", x=50, y=50, width=400, height=300)
    await_hidden(either, below)
    either.application.fade(window=above, opacity=HALF)
    look_until(either.desktop, lambda seen: is_shown(seen, below), "the window behind")
    either.application.fade(window=above, opacity=0xFFFFFFFF)
    await_hidden(either, below)


def test_a_cover_that_left_and_came_back_between_two_looks_uncovered_what_is_below(bare: X11Stage) -> None:
    below = bare.open(title="below", x=100, y=100, width=200, height=100)
    above = bare.open(title="above", x=50, y=50, width=400, height=300)
    await_hidden(bare, below)
    bare.application.unmap(window=above)
    bare.application.map(window=above)
    assert is_shown(bare.desktop.look(), below)
    assert not is_shown(bare.desktop.look(), below)


def test_a_cover_that_was_transparent_for_a_moment_between_two_looks_hid_nothing(bare: X11Stage) -> None:
    below = bare.open(title="below", x=100, y=100, width=200, height=100)
    above = bare.open(title="above", x=50, y=50, width=400, height=300)
    await_hidden(bare, below)
    bare.application.fade(window=above, opacity=HALF)
    bare.application.fade(window=above, opacity=0xFFFFFFFF)
    assert is_shown(bare.desktop.look(), below)
    assert not is_shown(bare.desktop.look(), below)


def test_a_window_raised_and_lowered_between_two_looks_was_shown(bare: X11Stage) -> None:
    below = bare.open(title="below", x=100, y=100, width=200, height=100)
    bare.open(title="above", x=50, y=50, width=400, height=300)
    await_hidden(bare, below)
    bare.application.stack(window=below, above=True)
    bare.application.stack(window=below, above=False)
    assert is_shown(bare.desktop.look(), below)
    assert not is_shown(bare.desktop.look(), below)


def test_a_window_beside_the_screen_is_not_shown(bare: X11Stage) -> None:
    window = bare.open(title="aside")
    bare.application.move(window=window, x=5000, y=5000)
    assert is_shown(bare.desktop.look(), window)  # it was, until it moved
    assert not is_shown(bare.desktop.look(), window)
    assert find(bare.desktop.look(), window) is not None


def test_a_window_beside_every_monitor_and_on_the_screen_is_shown(bare: X11Stage) -> None:
    """A monitor of somebody's own making may end without any event, and what is captured does not end with it."""
    window = bare.open(title="beside the monitor", x=700, y=100)
    with displays.monitor(bare.display, "narrow", "400/100x720/190+0+0"):
        assert is_shown(settled(bare.desktop), window)
        with contextlib.closing(X11Desktop(bare.display)) as newcomer:
            assert is_shown(settled(newcomer), window)


# -- frames and workspaces --------------------------------------------------------------------------------------------


def test_a_client_is_told_where_it_is_inside_its_frame(managed: X11Stage) -> None:
    window = managed.open(title="framed", x=100, y=120, width=300, height=200)
    seen = find(settled(managed.desktop), window)
    assert seen is not None
    with displays.connection(managed.display) as link:
        place = link.screen().root.translate_coords(window, 0, 0)
    assert seen.box == Box(place.x, place.y, 300, 200)


def test_a_window_on_another_workspace_is_open_and_not_shown(managed: X11Stage) -> None:
    window = managed.open(title="elsewhere")
    managed.application.workspace(window=window, number=1)
    await_hidden(managed, window)
    assert find(settled(managed.desktop), window) is not None
    managed.application.workspace(window=window, number=0)
    look_until(managed.desktop, lambda seen: is_shown(seen, window), "the window's return")


def test_windows_that_were_minimised_before_the_start_are_known(managed: X11Stage) -> None:
    window = managed.open(title="minimised early")
    managed.minimise(window)
    await_hidden(managed, window)
    with contextlib.closing(X11Desktop(managed.display)) as newcomer:
        seen = find(look_until(newcomer, lambda seen: not is_shown(seen, window)), window)
    assert seen is not None
    assert (seen.title, seen.app) == ("minimised early", managed.app)


def test_windows_that_were_open_before_the_start_are_known(either: X11Stage) -> None:
    window = either.open(title="there already", x=30, y=40)
    with contextlib.closing(X11Desktop(either.display)) as newcomer:
        seen = find(newcomer.look(), window)
    assert seen is not None
    assert (seen.title, seen.app, seen.shown) == ("there already", either.app, True)


def test_the_active_window_has_the_focus(managed: X11Stage) -> None:
    first = managed.open(title="first")
    second = managed.open(title="second", x=400)
    for window, other in ((first, second), (second, first)):
        managed.application.activate(window=window)
        seen = look_until(managed.desktop, lambda seen, window=window: bool((w := find(seen, window)) and w.focused))  # type: ignore[misc]
        unfocused = find(seen, other)
        assert unfocused is not None
        assert not unfocused.focused


def test_a_window_manager_that_comes_and_goes_changes_nothing_in_view(tmp_path: Path) -> None:
    with displays.xvfb() as display, x11_stage(display, managed=False) as stage:
        window = stage.open(title="survivor")
        with displays.openbox(display, tmp_path):
            look_until(
                stage.desktop, lambda seen: bool((w := find(seen, window)) and w.shown and w.box.y > 0), "the frame"
            )
            assert [w.id for w in settled(stage.desktop).windows if w.shown] == [window]
        seen = look_until(stage.desktop, lambda seen: [w.id for w in seen.windows if w.shown] == [window], "no frame")
        survivor = find(seen, window)
        assert survivor is not None
        assert (survivor.app, survivor.title) == (stage.app, "survivor")


# -- what goes wrong --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("override", [True, False], ids=["unmanaged", "managed if there is a manager"])
def test_windows_that_die_while_they_are_read_never_break_a_look(either: X11Stage, override: bool) -> None:
    steady = either.open(title="steady", x=700, y=400)
    answers = []
    with program(either.display, "flicker") as flicker:
        flicker.flash(times=1, override=override)  # it has started
        flashing = threading.Thread(target=lambda: [flicker.flash(times=20, override=override) for _ in range(30)])
        flashing.start()
        while flashing.is_alive():
            answers.append(either.desktop.look())
        flashing.join()
    scenes = [answer for answer in answers if isinstance(answer, Scene)]
    assert len(scenes) > len(answers) * 3 // 4
    assert set(answers) - set(scenes) <= {Blind.UNEXPLAINED}
    assert all(is_shown(scene, steady) for scene in scenes)
    if override or not either.managed:
        flashes = [
            w for scene in scenes for w in scene.windows if w.id != steady and w.title in ("flash", Blind.VANISHED)
        ]
        assert flashes
        assert all(w.shown for w in flashes)


def test_a_window_gone_before_it_could_be_read_has_vanished(bare: X11Stage) -> None:
    settled(bare.desktop)
    bare.application.flash(times=1, override=True)
    seen = bare.desktop.look()
    assert isinstance(seen, Scene)
    [vanished] = [w for w in seen.windows if w.shown]
    assert (vanished.app, vanished.title, vanished.pid) == (Blind.VANISHED, Blind.VANISHED, Blind.VANISHED)
    assert [w for w in settled(bare.desktop).windows if w.shown] == []


def test_a_managed_window_that_closes_is_told_once_more_and_as_nothing_else(managed: X11Stage) -> None:
    window = managed.open(title="closing")
    managed.destroy(window)
    while (seen := managed.desktop.look()) and find(seen, window) is not None:
        assert isinstance(seen, Scene)
        assert {(w.title, w.app) for w in seen.windows if w.id != window} <= {("", "openbox")}  # its empty frame
        managed.desktop.wait(1.0)


# -- the compositor ---------------------------------------------------------------------------------------------------


def test_a_compositor_is_noticed_when_it_comes_and_when_it_goes(tmp_path: Path) -> None:
    with displays.xvfb() as display, x11_stage(display, managed=False) as stage:
        window = stage.open(title="composited", x=100, y=100, width=200, height=100)
        assert not stage.desktop.composited()
        with displays.picom(display, tmp_path):
            look_until(stage.desktop, lambda _: stage.desktop.composited(), "the compositor")
            stage.application.fade(window=window, opacity=HALF)
            assert stays_shown(stage, window)
            assert [w.id for w in settled(stage.desktop).windows if w.shown] == [window]
            stage.destroy(window)
            assert is_shown(stage.desktop.look(), window)
        look_until(stage.desktop, lambda _: not stage.desktop.composited(), "the compositor's end")


def test_under_a_compositor_of_its_own_what_is_covered_may_be_in_view(tmp_path: Path) -> None:
    """It makes windows see-through by rules of its own, and no window says so."""
    with displays.xvfb() as display, displays.openbox(display, tmp_path), x11_stage(display, managed=True) as stage:
        below = stage.open(title="below", x=100, y=100, width=200, height=100)
        stage.open(title="above", x=50, y=50, width=400, height=300)
        await_hidden(stage, below)
        with displays.picom(display, tmp_path):
            look_until(stage.desktop, lambda seen: is_shown(seen, below), "the window below")
        await_hidden(stage, below)


# -- a connection that is cut -----------------------------------------------------------------------------------------


def test_a_connection_that_another_client_cuts_is_made_anew(either: X11Stage) -> None:
    window = either.open(title="still there")
    with displays.connection(either.display) as link:
        ours = either.desktop._wire._low.info.resource_id_base
        link.create_resource_object("window", ours).kill_client()
        link.sync()
    assert either.desktop.wait(10.0)
    look_until(either.desktop, lambda seen: is_shown(seen, window), "the display again")
    either.retitle(window, "told anew")
    look_until(either.desktop, lambda seen: (one := find(seen, window)) is not None and one.title == "told anew")
