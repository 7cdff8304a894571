"""What comes out of the loudspeaker: recorded at the monitor of a private sound server, in both browsers."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Iterator
from typing import IO, Any, Final

import numpy as np
import numpy.typing as npt
import pytest

from testkit import bidi, devtools
from testkit.sounds import RATE, SoundServer, missing, sound_server
from tests.review.player.conftest import READY, Page, Recorded, played, until
from tests.review.player.made import QUIET as QUIET_SPAN
from tests.review.player.made import TONES

NEAR: Final = 0.01  # of a tone's frequency
BROAD: Final = 0.05  # of it
HEARD: Final = 0.8  # seconds that are judged
PIECE: Final = RATE // 100
QUIET: Final = 30  # pieces
TRIES: Final = 6
LOUD: Final = 300  # of 32,767
IN_STEP: Final = 0.04  # seconds
FIREFOX_LATE: Final = 0.04  # seconds
Samples = npt.NDArray[np.float64]
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
    """A browser whose sound goes to that server."""
    headless = devtools.headless if request.param == "chromium" else bidi.headless
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PULSE_SERVER", server.address)
        with headless(tmp_path_factory.mktemp(request.param)) as browser:
            yield browser


class Monitor:
    """What goes to the loudspeaker, in pieces of 16-bit samples."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._at = 0  # samples
        self._begin = float("inf")  # the wall clock's seconds at sample 0: of the piece that came with the least delay

    def read(self) -> Samples:
        """(PIECE, 2)."""
        read = self._stream.read(4 * PIECE)
        assert len(read) == 4 * PIECE, "the sound server has ended"
        self._at += PIECE
        self._begin = min(self._begin, time.time() - self._at / RATE)
        return np.frombuffer(read, "<i2").reshape(-1, 2).astype(float)

    def until_quiet(self) -> None:
        quiet = 0
        while quiet < QUIET:
            quiet = quiet + 1 if not loud(self.read()).size else 0

    def heard(self, seconds: float = HEARD) -> Samples:
        """So much without a hole, which a busy machine makes."""
        pieces: list[Samples] = []
        while len(pieces) * PIECE < seconds * RATE:
            piece = self.read()
            pieces = [*pieces, piece] if loud(piece).size else []
        return np.concatenate(pieces)

    def onset(self) -> float:
        """The wall clock's seconds at the next sound."""
        while not (found := loud(self.read())).size:
            pass
        at = self._at - PIECE + int(found[0])
        for _ in range(QUIET):
            self.read()  # for the clock
        return self._begin + at / RATE


def loud(piece: Samples) -> Any:
    """Places of what can be heard."""
    return np.flatnonzero(np.abs(piece).max(axis=1) > LOUD)


@pytest.fixture
def monitor(server: SoundServer) -> Iterator[Monitor]:
    command = ["parec", "--device=farend.monitor", f"--rate={RATE}", "--channels=2", "--format=s16le",
               "--latency-msec=5", "--raw"]  # fmt: skip
    around = {**os.environ, "PULSE_SERVER": server.address}
    with subprocess.Popen(command, env=around, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield Monitor(process.stdout)
        process.terminate()


@pytest.fixture
def opened(speaking: Page, recorded: Recorded) -> Iterator[Page]:
    with played(recorded.home, recorded.id) as address:
        speaking.open(address)
        until(speaking, READY)
        yield speaking
        speaking.run("eyelid.player.pause()")


def pitch(samples: Samples) -> float:
    """Hz of the loudest tone: the middle of its peak, which speeding up broadens."""
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    hertz = np.arange(len(power)) * RATE / len(samples)
    peak = np.abs(hertz - hertz[power.argmax()]) < BROAD * hertz[power.argmax()]
    return float((hertz[peak] * power[peak]).sum() / power[peak].sum())


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


# Notes when each picture comes to the first canvas.
WATCH = """(window.shown = [], new MutationObserver(() =>
  window.shown.push([(performance.timeOrigin + performance.now()) / 1000, document.querySelector("canvas").dataset.at])
).observe(document.querySelector("canvas"), {attributeFilter: ["data-at"]}), 0)"""


@pytest.mark.slow(reason="it plays three seconds of silence, and again where the machine was busy")
def test_sound_begins_with_its_picture(opened: Page, monitor: Monitor) -> None:
    """A busy machine gives its sound server samples late, and its pictures too: one of several tries has to be in step,
    and a page whose sound or pictures are late by themselves has none."""
    begins, offs = QUIET_SPAN[1] / 1000, list[float]()
    opened.run(WATCH)
    while not offs or abs(offs[-1]) > IN_STEP:
        assert len(offs) < TRIES, offs
        opened.run("(eyelid.player.seek(14.6), window.shown = [])")
        monitor.until_quiet()
        opened.run("eyelid.player.play()")
        heard = monitor.onset()
        opened.run("eyelid.player.pause()")
        times = [(wall, int(at) / 1e6) for wall, at in opened.run("window.shown")]
        late = [wall - at for wall, at in times if begins - 2 < at < begins]
        if len(late) > 4:
            offs.append(heard - begins - statistics.quantiles(late)[0])


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
