"""What the X11 desktop says of a window: whose it is, its title and its kind, and which of them nobody can tell."""

from __future__ import annotations

import contextlib
import os
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from Xlib import X, Xatom

from agent.core.model.seen import Blind, Scene, WindowKind
from agent.desktop.x11 import X11Desktop
from agent.desktop.x11.wire import Wire
from testkit import displays
from testkit.desktops import X11Stage, find, is_shown, look_until, settled, x11_stage
from testkit.windows import program
from tests.desktop.x11_stages import bare, either, managed

__all__ = ["bare", "either", "managed"]  # fixtures

pytestmark = pytest.mark.desktop


@contextlib.contextmanager
def overlay(stage: X11Stage) -> Iterator[int]:
    """The compositor's, as any program may have it made (Composite 0.3, GetOverlayWindow)."""
    with displays.connection(stage.display) as link:
        link.composite_query_version()
        yield link.screen().root.composite_get_overlay_window().overlay_window.id


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


def test_a_lodger_beside_the_client_in_its_frame(managed: X11Stage) -> None:
    """As `xterm -into` with the number of a frame: no window manager looks after it, and it is in no client."""
    host = managed.open(title="host", x=100, y=100, width=400, height=300)
    settled(managed.desktop)
    with displays.connection(managed.display) as link:
        frame = link.create_resource_object("window", host).query_tree().parent.id
    with program(managed.display, "lodger") as lodger:
        window = lodger.open(title="card number", override=True, mapped=False)
        lodger.put_into(window=window, parent=frame)
        part = lodger.open(title="a part of it", parent=window)
        assert is_shown(managed.desktop.look(), window)
        last = settled(managed.desktop)
        seen = find(last, window)
        assert seen is not None
        assert (seen.app, seen.title, seen.shown) == ("lodger", "card number", True)
        assert find(last, part) is None
        lodger.destroy(window=window)
        seen_after = settled(managed.desktop)
        assert find(seen_after, window) is None
        assert is_shown(seen_after, host)


@pytest.mark.parametrize("stranger", [False, True], ids=["its own", "another program's"])
def test_a_part_that_calls_itself_managed_hides_no_title(either: X11Stage, stranger: bool) -> None:
    """Only the window manager makes frames; any other window around one with WM_STATE has a title to be read."""
    host = either.open(title="card number", x=100, y=100, width=400, height=300)
    with program(either.display, "inner") as other:
        part = (other if stranger else either.application).open(title="harmless", parent=host)
        with displays.connection(either.display) as link:
            state = link.intern_atom("WM_STATE")
            link.create_resource_object("window", part).change_property(state, state, 32, [1, 0])
            link.sync()
        seen = find(settled(either.desktop), host)
        assert seen is not None
        assert (seen.app, seen.title, seen.shown) == (either.app, "card number", True)
        with contextlib.closing(X11Desktop(either.display)) as later:
            seen = find(later.look(), host)
        assert seen is not None
        assert (seen.title, seen.shown) == ("card number", True)


@pytest.mark.parametrize("deep", [False, True], ids=["in it", "in a window in it"])
def test_a_window_in_the_compositors_overlay_is_a_window_like_any_other(either: X11Stage, deep: bool) -> None:
    below = either.open(title="below", x=100, y=100, width=200, height=150)
    with program(either.display, "host") as host, program(either.display, "lodger") as lodger, overlay(either) as over:
        parent = host.open(title="host", parent=over) if deep else over
        window = lodger.open(title="card number", override=True, width=400, height=300)
        settled(either.desktop)
        lodger.put_into(window=window, parent=parent)
        assert is_shown(either.desktop.look(), window)
        with contextlib.closing(X11Desktop(either.display)) as later:
            scenes = (settled(either.desktop), later.look())
        for scene in scenes:
            seen = find(scene, window)
            assert seen is not None
            assert (seen.app, seen.title, seen.shown) == ("lodger", "card number", True)
            assert is_shown(scene, below)
        lodger.retitle(window=window, title="harmless")
        seen = find(settled(either.desktop), window)
        assert seen is not None
        assert (seen.title, seen.shown) == ("harmless", True)
        lodger.destroy(window=window)
        assert find(settled(either.desktop), window) is None


def test_a_compositors_own_window_in_its_overlay_is_none() -> None:
    """What it draws there is the picture of all others."""
    with displays.xvfb() as display, x11_stage(display, managed=False) as stage, overlay(stage) as over:
        window = stage.open(title="under it")
        with program(display, "compositor") as compositor:
            stage_of_it = compositor.open(title="its canvas", parent=over)
            assert find(settled(stage.desktop), stage_of_it) is not None
            compositor.composite()
            seen = look_until(stage.desktop, lambda seen: find(seen, stage_of_it) is None, "the canvas to be known")
            assert [one.id for one in seen.windows if one.shown] == [window]


@pytest.mark.parametrize("kind", ["picom", "xfwm4"])
def test_a_window_in_the_overlay_of_a_real_compositor(kind: str, tmp_path: Path) -> None:
    start = {"picom": displays.picom, "xfwm4": displays.xfwm4}[kind]
    with displays.xvfb() as display, x11_stage(display, managed=kind == "xfwm4") as stage, start(display, tmp_path):
        below = stage.open(title="below", x=100, y=100, width=200, height=150)
        look_until(stage.desktop, lambda _: stage.desktop.composited(), "the compositor")
        with contextlib.closing(X11Desktop(display)) as later:
            for desktop in (stage.desktop, later):
                assert [one.id for one in settled(desktop).windows if one.shown] == [below]
        with program(display, "lodger") as lodger, overlay(stage) as over:
            window = lodger.open(title="card number", parent=over)
            with contextlib.closing(X11Desktop(display)) as later:
                for desktop in (stage.desktop, later):
                    assert {one.id for one in settled(desktop).windows if one.shown} == {below, window}


def test_an_overlay_without_a_compositor_is_something_unread(bare: X11Stage) -> None:
    """Any program may have it made, and draw on it."""
    with overlay(bare) as over:
        seen = find(settled(bare.desktop), over)
        assert seen is not None
        assert (seen.title, seen.app, seen.shown) == (Blind.VANISHED, Blind.VANISHED, True)
    assert find(settled(bare.desktop), over) is None


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
        # Window managers show WM_NAME in place of the first, and end the second at the zero.
        ({"title": None, "raw_title": b"records".hex(), "title_type": "STRING"}, Blind.NO_TITLE),
        ({"title": None, "raw_title": b"Chart\0records".hex()}, Blind.NO_TITLE),
    ],
    ids=["none", "not UTF-8", "any alphabet", "too long to be read whole", "of a wrong type", "with a zero in it"],
)
def test_titles(bare: X11Stage, traits: dict[str, object], title: str | Blind) -> None:
    window = bare.open(**traits)
    seen = find(settled(bare.desktop), window)
    assert seen is not None
    assert seen.title == title


@pytest.mark.parametrize(
    "blank", [b"", b"\0", b"  ", "\u200b\u3000".encode()], ids=["empty", "zero", "spaces", "unseen"]
)
@pytest.mark.parametrize("type_", ["UTF8_STRING", "STRING"])
def test_a_title_without_a_sign_in_it_does_not_hide_the_other(either: X11Stage, blank: bytes, type_: str) -> None:
    """openbox shows WM_NAME where _NET_WM_NAME is empty."""
    window = either.open(title=None, raw_title=blank.hex(), title_type=type_)
    either.application.name_plainly(window=window, title="Patient chart")
    seen = find(settled(either.desktop), window)
    assert seen is not None
    assert seen.title == "Patient chart"


def test_a_title_that_was_emptied_and_set_again_cannot_be_read_where_the_other_was_shown(either: X11Stage) -> None:
    window = either.open(title="harmless")
    either.application.name_plainly(window=window, title="card number")
    settled(either.desktop)
    either.retitle(window, "")
    either.retitle(window, "harmless")
    titles = [seen.title for _ in range(2) if (seen := find(either.desktop.look(), window))]
    assert titles == [Blind.NO_TITLE, "harmless"]


def test_an_emptied_title_that_let_the_other_be_shown_for_a_moment_cannot_be_read(either: X11Stage) -> None:
    window = either.open(title="harmless")
    either.application.name_plainly(window=window, title="card number")
    settled(either.desktop)
    either.retitle(window, "")
    either.application.name_plainly(window=window, title="harmless")
    titles = [seen.title for _ in range(2) if (seen := find(either.desktop.look(), window))]
    assert titles == [Blind.NO_TITLE, "harmless"]


# -- what programs say of the desktop ---------------------------------------------------------------------------------


def test_what_another_program_says_has_happened_is_not_believed(bare: X11Stage) -> None:
    window = bare.open(title="notes")
    settled(bare.desktop)
    with displays.connection(bare.display) as link:
        event = struct.pack("=BBHIIIB15x", X.PropertyNotify, 0, 0, window, Xatom.WM_NAME, 0, 0)
        for _ in range(2):
            displays.send_event(link, window, event, X.PropertyChangeMask)
    bare.desktop._wire.round_trip()
    bare.desktop._screen.absorb()
    assert not bare.desktop._screen.changed


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


def test_made_up_types_cost_no_round_trip_each(bare: X11Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    window = bare.open(title="notes")
    settled(bare.desktop)
    waits: list[object] = []
    settle = Wire._settle
    monkeypatch.setattr(Wire, "_settle", lambda wire, asked: waits.append(None) or settle(wire, asked))  # counts them
    with displays.connection(bare.display) as link:
        dock = link.intern_atom("_NET_WM_WINDOW_TYPE_DOCK")
        types = [*range(1_000_000, 1_001_000), dock]
        link.create_resource_object("window", window).change_property(
            link.intern_atom("_NET_WM_WINDOW_TYPE"), Xatom.ATOM, 32, types
        )
        link.sync()
    seen = find(bare.desktop.look(), window)
    assert seen is not None
    assert seen.kind is WindowKind.DESKTOP
    assert len(waits) < 50


def test_engines_and_remote_displays_are_known_by_their_window_class(bare: X11Stage) -> None:
    browser = bare.open(window_class=("Navigator", "firefox"))
    viewer = bare.open(window_class=("wfica", "Wfica"))
    plain = bare.open(window_class=("till", "Till"))
    seen = settled(bare.desktop)
    found = [find(seen, window) for window in (browser, viewer, plain)]
    assert [(w.engine, w.remote) for w in found if w is not None] == [(True, False), (False, True), (False, False)]


@pytest.mark.parametrize("name", ["links2", "netsurf-gtk"])
def test_a_browser_without_a_window_class_is_known_by_its_process(bare: X11Stage, name: str) -> None:
    with program(bare.display, name) as browser:
        window = browser.open(title="Pay", window_class=None)
        seen = find(settled(bare.desktop), window)
        assert seen is not None
        assert (seen.app, seen.engine) == (name, True)


@pytest.mark.parametrize("traits", [{"machine": "elsewhere.example"}, {"pid": 1}], ids=["another host", "another pid"])
def test_a_window_of_an_unidentified_process_counts_as_an_engines(bare: X11Stage, traits: dict[str, object]) -> None:
    window = bare.open(title="Pay", window_class=None, **traits)
    seen = find(settled(bare.desktop), window)
    assert seen is not None
    assert (seen.app, seen.engine) == (Blind.FOREIGN_PROCESS, True)


def test_a_window_that_comes_through_a_relay_shows_another_machine(bare: X11Stage) -> None:
    """Over ssh -X a program without a name of its host is ssh's by all signs: links2, xclock, small ones."""
    with program(bare.display, "ssh") as relay:
        window = relay.open(title="Pay", window_class=None, pid=None, machine=None)
        seen = find(settled(bare.desktop), window)
        assert seen is not None
        assert (seen.app, seen.remote) == ("ssh", True)


def test_the_window_of_an_engine_that_was_loaded_after_the_login_window_is_one(bare: X11Stage, tmp_path: Path) -> None:
    library = tmp_path / "libjfxwebkit.so"
    library.write_bytes(b"\0" * 4096)
    login = bare.open(title="Login")
    seen = find(settled(bare.desktop), login)
    assert seen is not None
    assert not seen.engine
    bare.application.map_file(path=str(library))
    window = bare.application.open(title="Pay")
    found = look_until(bare.desktop, lambda scene: is_shown(scene, window), "the new window")
    seen = find(found, window)
    assert seen is not None
    assert seen.engine


def test_an_engine_loaded_behind_a_window_ends_a_wait(bare: X11Stage, tmp_path: Path) -> None:
    library = tmp_path / "libjfxwebkit.so"
    library.write_bytes(b"\0" * 4096)
    window = bare.open(title="Softphone")
    bare.application.map_file(path=str(library))

    def is_engine(scene: Scene) -> bool:
        seen = find(scene, window)
        return seen is not None and seen.engine

    look_until(bare.desktop, is_engine, "the engine behind the window")
