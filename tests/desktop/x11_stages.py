"""Stages on a real X server, with a window manager and without, and how a test awaits what is in view on them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from testkit.desktops import X11Stage, is_shown, look_until, x11_stage

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
