"""What many tests need: a display of their own, started once for a run and ended with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.stage import displays

# A property holds or it does not; how fast depends on what else the machine is doing.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def bare_display() -> Iterator[str]:
    """An X server without a window manager; its name, `:N`."""
    with displays.xvfb() as name:
        yield name


@pytest.fixture(scope="session")
def openbox_display(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An X server with openbox."""
    with displays.xvfb() as name, displays.openbox(name, tmp_path_factory.mktemp("openbox")):
        yield name


@pytest.fixture(scope="module")
def two_monitors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Xorg with the dummy driver and openbox: DUMMY0 with 1280x800 at the origin; more can be plugged by xrandr."""
    folder: Path = tmp_path_factory.mktemp("xorg")
    with displays.xorg_dummy(folder) as name, displays.openbox(name, folder):
        yield name
