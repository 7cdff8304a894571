"""What the X11 desktop sees, on a real X server: frames, covers, processes, and windows that will not be read."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.core.model import Blind, Box, Scene, WindowKind
from agent.desktop.x11 import X11Desktop
from tests.stage import displays
from tests.stage.desktops import X11Stage, find, is_shown, look_until, settled, x11_stage
from tests.stage.windows import program

pytestmark = pytest.mark.desktop

HALF = 0x80000000  # _NET_WM_WINDOW_OPACITY: half


@pytest.fixture
def bare(bare_display: str) -> Iterator[X11Stage]:
    with x11_stage(bare_display, managed=False) as stage:
        yield stage


@pytest.fixture
def managed(openbox_display: str) -> Iterator[X11Stage]:
    with x11_stage(openbox_display, managed=True) as stage:
        yield stage


@pytest.fixture(params=["bare", "managed"])
def either(request: pytest.FixtureRequest) -> X11Stage:
    stage: X11Stage = request.getfixturevalue(request.param)
    return stage


def await_hidden(stage: X11Stage, window: int) -> None:
    look_until(stage.desktop, lambda seen: not is_shown(seen, window), "the window's disappearance")


def stays_shown(stage: X11Stage, window: int) -> bool:
    return all(is_shown(stage.desktop.look(), window) for _ in range(5))


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


# -- whose it is ------------------------------------------------------------------------------------------------------


def test_a_window_of_another_host_is_foreign(either: X11Stage) -> None:
    window = either.open(title="from afar", machine="elsewhere.example")
    seen = find(settled(either.desktop), window)
    assert seen is not None
    assert (seen.app, seen.pid) == (Blind.FOREIGN_PROCESS, Blind.FOREIGN_PROCESS)


def test_a_window_that_names_another_process_than_its_own_is_foreign(either: X11Stage) -> None:
    window = either.open(title="in disguise", pid=os.getpid())
    seen = find(settled(either.desktop), window)
    assert seen is not None
    assert (seen.app, seen.pid) == (Blind.FOREIGN_PROCESS, Blind.FOREIGN_PROCESS)


def test_a_window_that_names_no_process_belongs_to_whoever_made_it(either: X11Stage) -> None:
    window = either.open(title="taciturn", pid=None, machine=None)
    seen = find(settled(either.desktop), window)
    assert seen is not None
    assert (seen.app, seen.pid) == (either.app, either.pid)


def test_without_the_servers_word_no_process_is_believed() -> None:
    with displays.xvfb("-extension", "X-Resource") as display, x11_stage(display, managed=False) as stage:
        window = stage.open(title="who knows")
        seen = find(settled(stage.desktop), window)
    assert seen is not None
    assert (seen.app, seen.pid, seen.shown) == (Blind.NO_PROCESS, Blind.NO_PROCESS, True)


def test_a_number_in_a_container_is_the_same_process(bare_display: str) -> None:
    """`unshare --pid` gives the program a number of its own: it names itself by that, the server by the outer one."""
    command = ["unshare", "--pid", "--fork", "--kill-child", sys.executable]
    with (
        program(bare_display, "caged", command=command) as caged,
        contextlib.closing(X11Desktop(bare_display)) as desktop,
    ):
        window = caged.open(title="in a container", pid=-1)
        seen = find(desktop.look(), window)
    assert seen is not None
    assert seen.app == "caged"
    assert isinstance(seen.pid, int)
    assert seen.pid != caged.pid  # that is unshare itself


@pytest.mark.parametrize("deep", [False, True], ids=["in the window", "in a part of it"])
def test_a_program_inside_another_programs_window_is_a_window_of_its_own(either: X11Stage, deep: bool) -> None:
    host = either.open(title="host", x=100, y=100, width=400, height=300)
    part = either.application.open(title="part", parent=host) if deep else host
    settled(either.desktop)
    with program(either.display, "lodger") as lodger:
        window = lodger.open(title="card number", parent=part, window_class=("Navigator", "firefox"))
        seen = find(either.desktop.look(), window)
        assert seen is not None
        assert (seen.title, seen.app, seen.pid, seen.shown) == ("card number", "lodger", lodger.pid, True)
        assert seen.engine
        lodger.destroy(window=window)
        last = either.desktop.look()
        assert is_shown(last, window)
        assert is_shown(last, host)
        seen_after = settled(either.desktop)
        assert find(seen_after, window) is None
        assert is_shown(seen_after, host)


def test_a_window_reparented_into_another_programs_stays_a_window(bare: X11Stage) -> None:
    host = bare.open(title="host", x=100, y=100, width=400, height=300)
    with program(bare.display, "lodger") as lodger:
        window = lodger.open(title="moves in")
        settled(bare.desktop)
        lodger.put_into(window=window, parent=host)
        assert is_shown(bare.desktop.look(), window)
        seen = find(settled(bare.desktop), window)
        assert seen is not None
        assert (seen.app, seen.title, seen.shown) == ("lodger", "moves in", True)


def test_a_lodger_gone_before_it_could_be_read_has_vanished(either: X11Stage) -> None:
    host = either.open(title="host", x=100, y=100, width=400, height=300)
    with program(either.display, "lodger") as lodger:
        window = lodger.open(title="card number", parent=host)
        lodger.destroy(window=window)
        seen = find(either.desktop.look(), window)
        assert seen is not None
        assert (seen.app, seen.shown) == (Blind.VANISHED, True)
        assert find(settled(either.desktop), window) is None


@pytest.mark.parametrize(("size", "kind"), [(24, WindowKind.DESKTOP), (65, WindowKind.NORMAL)])
def test_a_tray_icon_belongs_to_its_panel(managed: X11Stage, size: int, kind: WindowKind) -> None:
    panel = managed.open(title="panel", kind="DOCK", width=800, height=80)
    with program(managed.display, "chat") as chat:
        icon = chat.open(parent=panel, width=size, height=size, window_class=("Navigator", "firefox"))
        seen = find(settled(managed.desktop), icon)
        assert seen is not None
        assert (seen.app, seen.kind, seen.engine) == ("chat", kind, kind is WindowKind.NORMAL)


# -- titles -----------------------------------------------------------------------------------------------------------


def test_a_title_that_was_replaced_before_anybody_read_it_cannot_be_read(either: X11Stage) -> None:
    window = either.open(title="harmless")
    either.retitle(window, "card number")
    either.retitle(window, "harmless")
    seen = find(either.desktop.look(), window)
    assert seen is not None
    assert seen.title is Blind.NO_TITLE
    after = find(either.desktop.look(), window)
    assert after is not None
    assert after.title == "harmless"


@pytest.mark.parametrize("plain", [None, "harmless"], ids=["no other", "WM_NAME below it"])
def test_a_title_that_was_set_and_deleted_before_anybody_read_it_cannot_be_read(
    either: X11Stage, plain: str | None
) -> None:
    window = either.open(title=None)
    if plain is not None:
        either.application.name_plainly(window=window, title=plain)
        settled(either.desktop)
    either.retitle(window, "card number")
    either.application.unname(window=window)
    titles = [seen.title for _ in range(2) if (seen := find(either.desktop.look(), window))]
    assert titles == [Blind.NO_TITLE, plain or ""]


def test_a_title_that_another_one_hid_cannot_be_read_when_it_comes_forth_and_goes(bare: X11Stage) -> None:
    window = bare.open(title="harmless")
    bare.application.name_plainly(window=window, title="card number")
    settled(bare.desktop)
    bare.application.unname(window=window)
    bare.application.name_plainly(window=window, title="harmless")
    titles = [seen.title for _ in range(2) if (seen := find(bare.desktop.look(), window))]
    assert titles == [Blind.NO_TITLE, "harmless"]


@pytest.mark.parametrize("before", ["before", None])
def test_a_title_that_a_toolkit_sets_in_both_properties_is_read_at_once(either: X11Stage, before: str | None) -> None:
    window = either.open(title=before)
    either.application.name_plainly(window=window, title="after")
    either.retitle(window, "after")
    seen = find(either.desktop.look(), window)
    assert seen is not None
    assert seen.title == "after"


def test_a_title_shown_before_the_window_was_known_cannot_be_read(bare: X11Stage) -> None:
    window = bare.application.open(title="card number", mapped=False)
    settled(bare.desktop)
    bare.application.map(window=window)
    bare.retitle(window, "harmless")
    seen = find(bare.desktop.look(), window)
    assert seen is not None
    assert seen.title is Blind.NO_TITLE


@pytest.mark.parametrize(
    ("traits", "title"),
    [
        ({"title": None}, ""),
        ({"title": None, "raw_title": b"\xff\xfe".hex()}, Blind.NO_TITLE),
        ({"title": "Zahlung 支払い"}, "Zahlung 支払い"),
        ({"title": "x" * 20_000}, Blind.NO_TITLE),
    ],
    ids=["none", "not UTF-8", "any alphabet", "too long to be read whole"],
)
def test_titles(bare: X11Stage, traits: dict[str, object], title: str | Blind) -> None:
    window = bare.open(**traits)
    seen = find(settled(bare.desktop), window)
    assert seen is not None
    assert seen.title == title


# -- kinds ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("type_", "override", "kind"),
    [
        ("TOOLTIP", True, WindowKind.POPUP),
        ("POPUP_MENU", True, WindowKind.POPUP),
        ("COMBO", True, WindowKind.POPUP),
        ("DND", True, WindowKind.POPUP),
        ("NOTIFICATION", True, WindowKind.NOTIFICATION),
        ("DESKTOP", False, WindowKind.DESKTOP),
        ("DOCK", False, WindowKind.DESKTOP),
        ("DIALOG", False, WindowKind.NORMAL),
        (None, True, WindowKind.NORMAL),
    ],
)
def test_kinds(managed: X11Stage, type_: str | None, override: bool, kind: WindowKind) -> None:
    window = managed.open(kind=type_, override=override)
    seen = find(settled(managed.desktop), window)
    assert seen is not None
    assert (seen.kind, seen.shown) == (kind, True)


def test_engines_and_remote_displays_are_known_by_their_window_class(bare: X11Stage) -> None:
    browser = bare.open(window_class=("Navigator", "firefox"))
    viewer = bare.open(window_class=("wfica", "Wfica"))
    plain = bare.open(window_class=("till", "Till"))
    seen = settled(bare.desktop)
    found = [find(seen, window) for window in (browser, viewer, plain)]
    assert [(w.engine, w.remote) for w in found if w is not None] == [(True, False), (False, True), (False, False)]


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
