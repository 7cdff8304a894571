"""Two screens in step: each with the sound's clock and with the other, within 40 ms; and a screen that is not is found.

What comes out of the loudspeaker is listened to in test_heard.py.
"""

from __future__ import annotations

from statistics import median
from typing import Final

import pytest

from review.player.files import page_files
from testkit import player_page
from testkit.player_page import PLAY, WATCH, worst_offset
from tests.review.player.conftest import READY, Page, Recorded, played, until
from tests.review.player.made import SIZES

IN_STEP: Final = 40  # ms
TRIES: Final = 3  # a busy machine draws late now and then, a screen that is out of step is so each time
DRAWS: Final = "one.show(this.drawn, this.rate)"
BEGUN: Final = "eyelid.player.screens.map(({log}) => log.resets)"  # how often from a key frame on
LATE: Final = "one.show(Math.max(0, this.drawn - (one === this.screens[1] ? 0.1 : 0)), this.rate)"


def apart(page: Page) -> tuple[float, float]:
    """How far the worst screen is from its sound, and how far apart both show the same moment, ms, by the median."""
    page.run(f"(eyelid.player.seek(2), {WATCH}, 0)")
    off = worst_offset(page.run(PLAY % (4, 1)))
    shown: list[dict[str, float]] = [{} for _ in SIZES]
    for screen, wall, at in page.run("window.shown"):
        shown[screen].setdefault(at, wall)
    both = shown[0].keys() & shown[1].keys()
    assert len(both) > 8
    return off, 1000 * median(shown[1][at] - shown[0][at] for at in both)


@pytest.mark.slow(reason="it plays for some seconds")
@pytest.mark.parametrize("second", ["in step", "late"])
def test_both_screens_are_in_step(page: Page, recorded: Recorded, monkeypatch: pytest.MonkeyPatch, second: str) -> None:
    files = page_files()
    if second == "late":
        text = files["player.js"].decode()
        assert text.count(DRAWS) == 1
        files |= {"player.js": text.replace(DRAWS, LATE).encode()}
    monkeypatch.setattr(player_page, "page_files", lambda: files)
    with played(recorded.home, recorded.id) as address:
        page.open(address)
        until(page, READY)
        found = [apart(page) for _ in range(1 if second == "late" else TRIES)]
    if second == "late":
        assert all(one > IN_STEP for one in found[0])
    else:
        assert any(max(map(abs, one)) <= IN_STEP for one in found), found


@pytest.mark.slow(reason="it plays for some seconds")
def test_what_is_played_goes_on_with_the_picture_that_stands_there(page: Page, recorded: Recorded) -> None:
    """Though what is heard is late: the pictures before have gone, and would be loaded once more."""
    with played(recorded.home, recorded.id) as address:
        page.open(address)
        until(page, READY)
        page.run("eyelid.player.seek(2)")
        until(page, "eyelid.player.ready")
        begun = page.run(BEGUN)
        page.run("eyelid.player.play()")
        until(page, "eyelid.player.time > 3")
        page.run("eyelid.player.setRate(4)")
        until(page, "eyelid.player.time > 5")
        page.run("(eyelid.player.pause(), eyelid.player.play())")
        until(page, "eyelid.player.time > 6")
        assert page.run(BEGUN) == begun
