"""What comes out of the loudspeaker: recorded at the monitor of a private sound server, in both browsers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import pytest

from testkit import bidi
from testkit.loudspeaker import Monitor, heard_browser, listening, pitch
from testkit.sounds import SoundServer, missing, sound_server
from tests.review.player.conftest import READY, Page, Recorded, played, until
from tests.review.player.made import QUIET as QUIET_SPAN
from tests.review.player.made import TONES

NEAR: Final = 0.01  # of a tone's frequency
TRIES: Final = 6
IN_STEP: Final = 0.04  # seconds, where a browser draws 60 times a second
FRAME: Final = 1 / 60  # seconds
FIREFOX_LATE: Final = 0.04  # seconds
RATES: Final = (0.25, 0.5, 1, 2, 4)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoundServer]:
    if why := missing("pulseaudio"):
        pytest.skip(why)
    with sound_server("pulseaudio", tmp_path_factory.mktemp("sound")) as made:
        yield made


@pytest.fixture(scope="module", params=("chromium", "firefox"))
def speaking(
    request: pytest.FixtureRequest, server: SoundServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Page]:
    with heard_browser(request.param, server, tmp_path_factory.mktemp(request.param)) as browser:
        yield browser


@pytest.fixture
def monitor(server: SoundServer) -> Iterator[Monitor]:
    with listening(server) as made:
        yield made


@pytest.fixture
def opened(speaking: Page, recorded: Recorded) -> Iterator[Page]:
    with played(recorded.home, recorded.id) as address:
        speaking.open(address)
        until(speaking, READY)
        yield speaking
        speaking.run("eyelid.player.pause()")


def at_speed(page: Page, monitor: Monitor, rate: float) -> list[float]:
    """Hz of each end."""
    monitor.until_quiet()
    page.run(f"(eyelid.player.setRate({rate}), eyelid.player.seek(1), eyelid.player.setLoop({{start: 1, end: 7}}),"
             "eyelid.player.play())")  # fmt: skip
    samples = monitor.heard()
    page.run("eyelid.player.pause()")
    return [pitch(samples[:, end]) for end in range(len(TONES))]


@pytest.mark.slow(reason="it plays at five speeds, and each is listened to")
def test_every_speed_has_the_pitch_of_the_recording(opened: Page, monitor: Monitor) -> None:
    tones = [tone for tone, _ in TONES]
    for rate in RATES:
        assert at_speed(opened, monitor, rate) == pytest.approx(tones, rel=NEAR), rate
    opened.run("eyelid.player.sound.element.preservesPitch = false")  # or this test would hear nothing
    assert at_speed(opened, monitor, 2) == pytest.approx([2 * tone for tone in tones], rel=NEAR)


# Notes when each picture comes to the first canvas, and when the browser draws.
WATCH = """(window.shown = [], window.drawn = [], new MutationObserver(() =>
  window.shown.push([(performance.timeOrigin + performance.now()) / 1000, document.querySelector("canvas").dataset.at])
).observe(document.querySelector("canvas"), {attributeFilter: ["data-at"]}), function draw(at) {
  window.drawn.push(at / 1000);
  requestAnimationFrame(draw);
}(0), 0)"""


@pytest.mark.slow(reason="it plays three seconds of silence, and again where the machine was busy")
def test_sound_begins_with_its_picture(opened: Page, monitor: Monitor) -> None:
    """A busy machine gives its sound server samples late, and its pictures too: one of several tries has to be in step,
    and a page whose sound or pictures are late by themselves has none. Every picture waits for the browser to draw,
    which it does less often there."""
    begins, offs, rare = QUIET_SPAN[1] / 1000, list[float](), 0.0
    opened.run(WATCH)
    while not offs or abs(offs[-1]) > IN_STEP + rare:
        assert len(offs) < TRIES, (offs, rare)
        opened.run("(eyelid.player.seek(14.6), window.shown = [], window.drawn = [])")
        monitor.until_quiet()
        opened.run("eyelid.player.play()")
        try:
            heard = monitor.onset()
        except TimeoutError:  # the page plays on without sound that does not begin within seconds
            heard = float("inf")
        opened.run("eyelid.player.pause()")
        times = [(wall, int(at) / 1e6) for wall, at in opened.run("window.shown")]
        late = [wall - at for wall, at in times if begins - 2 < at < begins]
        rare = max(0.0, float(np.median(np.diff(opened.run("window.drawn")))) - FRAME)
        if len(late) > 4:
            offs.append(heard - begins - min(late))  # a busy machine makes pictures late, and none of them early


def test_firefox_is_not_asked_how_late_it_is_heard(opened: Page) -> None:
    opened.run("""Object.defineProperty(AudioContext.prototype, "outputLatency", {get() {
      window.asked = true;
      return 0;
    }}) && 0""")
    opened.run("eyelid.player.play()")
    late = opened.run("eyelid.player.sound.latency")
    opened.run("eyelid.player.pause()")
    firefox = isinstance(opened, bidi.Bidi)
    assert opened.run("window.asked ?? false") is not firefox
    assert (late >= FIREFOX_LATE) or not firefox
