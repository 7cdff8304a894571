"""The same for windows that are new, have nothing painted yet, or are on a screen that says less."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from agent.core.model.times import MILLISECOND, SECOND
from agent.desktop.x11.unpainted import DOUBT, HANGS, STILL, UNSURE
from testkit import displays
from testkit.desktops import X11Stage, is_shown, look_until, x11_stage
from testkit.stale_pixels import (
    ALL,
    BEHIND,
    CLOCK,
    GREY,
    PLACE,
    close,
    trial,
)
from testkit.windows import Program, program
from tests.desktop.x11_stages import bare, either, managed

__all__ = ["bare", "either", "managed"]  # fixtures

pytestmark = pytest.mark.desktop

TRIES = 10  # of what has to be done within the second that a doubt lasts
BUSY = "the machine was too busy with something else, ten times"


def test_a_new_window_without_a_background_over_it(bare: X11Stage) -> None:
    with trial(bare) as tried:
        new = tried.behind.open(x=60, y=80, width=BEHIND.width, height=BEHIND.height, color=None)
        tried.later(0.3, lambda: tried.behind.paint(window=new, color=GREY, place=ALL))
        tried.verdict()


def come_at_once(new: Program, _: X11Stage) -> int:
    return int(new.open(x=60, y=80, width=BEHIND.width, height=BEHIND.height, color=None))


def come_and_move(new: Program, _: X11Stage) -> int:
    """Created, mapped, moved, resized and raised before anybody looks."""
    window = new.open(x=40, y=60, width=300, height=300, color=None)
    new.move(window=window, x=60, y=80)
    new.resize(window=window, width=BEHIND.width, height=BEHIND.height)
    new.stack(window=window, above=True)
    return int(window)


def come_again(new: Program, stage: X11Stage) -> int:
    """It was here before, and painted all; then it was away."""
    window = new.open(x=60, y=80, width=BEHIND.width, height=BEHIND.height, color=None)
    new.paint(window=window, color=GREY, place=ALL)
    stage.desktop.look()
    new.unmap(window=window)
    stage.desktop.look()
    new.map(window=window)
    return int(window)


def grow(new: Program, stage: X11Stage) -> int:
    window = new.open(x=60, y=80, width=40, height=BEHIND.height, color=None)
    new.paint(window=window, color=GREY, place=ALL)
    look_until(stage.desktop, lambda seen: is_shown(seen, window), "the small one")
    new.stack(window=window, above=True)
    new.resize(window=window, width=BEHIND.width, height=BEHIND.height)
    return int(window)


@pytest.mark.slow(reason="a window that paints late is watched for as long as it may take")
@pytest.mark.parametrize("come", [come_at_once, come_and_move, come_again, grow])
def test_a_new_window_that_paints_after_more_than_a_second(
    either: X11Stage, come: Callable[[Program, X11Stage], int]
) -> None:
    """Until then it shows what was there before, however it came."""
    with trial(either) as tried, program(either.display, "new") as other:
        tried.began = CLOCK.now()
        new = come(other, either)
        tried.later(2.5, lambda: other.paint(window=new, color=GREY, place=ALL))
        last, _ = tried.verdict()
        assert come is not come_at_once or last - tried.began > 2 * SECOND


def test_a_new_window_that_never_paints_owes_for_more_than_ten_seconds(managed: X11Stage) -> None:
    with trial(managed) as tried, program(managed.display, "new") as other:
        come_at_once(other, managed)
        tried.look_while(lambda: tried.words[-1:] == [] or tried.words[-1][1] < tried.began + UNSURE)
        assert tried.was_seen()


def test_a_managed_window_that_the_server_paints_owes_nothing(managed: X11Stage) -> None:
    with trial(managed) as tried, program(managed.display, "new") as other:
        new = other.open(x=60, y=80, width=BEHIND.width, height=BEHIND.height, color=GREY)
        tried.look_while(lambda: not is_shown(managed.desktop.look(), new))
        came = CLOCK.now()
        assert tried.look_until_gone() < came + UNSURE


def test_two_programs_that_hang_one_over_the_other(bare: X11Stage) -> None:
    """What the second has not painted over is of the first's time, not of its own."""
    with trial(bare) as tried, program(bare.display, "third") as third:
        over = third.open(x=60, y=80, width=BEHIND.width, height=BEHIND.height, color=None, mapped=False)
        tried.look()
        tried.look()
        close(tried)
        tried.look()
        [first] = [one for one in bare.desktop.stale_pixels() or () if one.left >= tried.began]
        third.map(window=over)
        tried.later(0.3, lambda: third.paint(window=over, color=GREY, place=ALL))
        assert min(one.left for one in bare.desktop.stale_pixels() or () if one.until > CLOCK.now()) <= first.left
        tried.verdict()


def test_minimised(managed: X11Stage) -> None:
    with trial(managed) as tried:
        managed.minimise(tried.window)
        tried.later(0.4, tried.paint)
        tried.verdict()


def test_with_a_compositor_only_what_windows_copied_is_told(tmp_path: Path) -> None:
    with displays.xvfb() as name, displays.picom(name, tmp_path), x11_stage(name, managed=False) as stage:
        window = stage.open(title="composited")
        stage.destroy(window)
        look_until(stage.desktop, lambda seen: not is_shown(seen, window), "its end")
        assert all(one.copied for one in stage.desktop.stale_pixels() or ())
        assert stage.desktop.stale_pixels() is not None


def test_a_window_that_paints_beside_the_screen_is_not_believed(bare: X11Stage) -> None:
    """Redirected by a program that shows its picture elsewhere: covers do not clip what it reports."""
    with trial(bare) as tried, displays.connection(bare.display) as link:
        link.composite_query_version()
        link.create_resource_object("window", tried.back).composite_redirect_window(1)
        link.sync()
        tried.paint()
        close(tried)
        left = CLOCK.now()
        reported = tried.look_until_gone()
        assert reported >= left + DOUBT - 50 * MILLISECOND


def test_without_damage_nobody_can_tell() -> None:
    with displays.xvfb("-extension", "DAMAGE") as name, x11_stage(name, managed=False) as stage:
        stage.open(title="behind", width=400)
        window = stage.open(title="above", width=500)
        for _ in range(2):
            stage.destroy(window)
            stage.desktop.look()
            assert stage.desktop.stale_pixels() is None
            window = stage.open(title="alone", x=700)


def test_the_published_constants() -> None:
    assert (STILL, DOUBT, UNSURE) == (350 * MILLISECOND, 1 * SECOND, 10 * SECOND)


def test_a_new_window_that_paints_nothing_owes_what_it_takes_along_until_it_paints(managed: X11Stage) -> None:
    for _ in range(TRIES):
        with trial(managed) as tried:
            size = {"width": PLACE.width, "height": PLACE.height}
            new = tried.behind.open(x=PLACE.x, y=PLACE.y, color=None, **size)
            tried.later(2 * HANGS / SECOND, lambda: None)
            if tried.words[-1][1] < CLOCK.now() + 2 * UNSURE:
                continue  # its damage was emptied too late to be certain that it has painted nothing
            tried.behind.move(window=new, x=PLACE.x + 150, y=PLACE.y + 90)
            tried.look()
            close(tried)
            tried.look()
            tried.paint()
            tried.later(2 * DOUBT / SECOND, lambda: None)
            if tried.words[-1][1] < CLOCK.now() + 2 * UNSURE:
                continue  # as above: something happened after a look had emptied the damage
            tried.behind.paint(window=new, color=GREY, place=ALL)
            left = CLOCK.now()
            assert tried.look_until_gone() < left + UNSURE
            return
    pytest.fail(BUSY)
