"""A call that a real agent recorded, played in the page and compared with its export: pictures, sound, what was not
kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import pytest

from agent.control.recorder_state import RecorderState
from store.admin.home import Home
from store.evidence.film.opus import samples_of
from testkit.calls import LISTENING, both_open, hears, policy, stand
from testkit.fleet import NewStore, pc
from testkit.loudspeaker import Samples, heard_browser, listening
from testkit.player_compared import PIXELS, difference, parts_exported, parts_shown, pictures
from testkit.player_page import READY, Page, played, until
from testkit.sounds import RATE, SINKS, SoundServer, missing, sound_server, write
from testkit.stage import own_display

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(300)]

LONG: Final = 150  # seconds of melody: a busy machine takes its time to begin
NOTE: Final = RATE // 10
NEAR: Final = 8  # of 255: two decoders' colours
OTHER: Final = 60
SAME: Final = 0.95  # correlation
OTHER_SOUND: Final = 0.6
TRIES: Final = 8
LOOP: Final = 3.0  # seconds


@dataclass(frozen=True)
class Recorded:
    """`exported`: the folder in which its export is."""

    home: Home
    id: str
    passphrase: bytes
    exported: Path

    @property
    def account(self) -> dict[str, Any]:
        return dict(json.loads((self.exported / "timeline.json").read_text("utf-8")))


@pytest.fixture(scope="module")
def server() -> Iterator[SoundServer]:
    if why := missing("pulseaudio"):
        pytest.skip(why)
    with TemporaryDirectory(prefix="eyelid-") as folder, sound_server("pulseaudio", Path(folder) / "s") as made:
        yield made


@pytest.fixture(scope="module")
def recorded(server: SoundServer, new_store: NewStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    """A card terminal comes into view in its middle, and closes both lanes."""
    folder = tmp_path_factory.mktemp("lanes")
    with ExitStack() as stack:
        homes = Path(stack.enter_context(TemporaryDirectory(prefix="eyelid-")))
        stage = stack.enter_context(own_display(folder / "display", (640, 480)))
        services = stack.enter_context(new_store(homes))
        with ExitStack() as call:
            for seed, sink in enumerate(SINKS):
                call.enter_context(server.plays(sink, write(folder / f"{sink}.wav", melody(seed))))
            call.enter_context(stage.program("orders", (10, 10)))
            rules, more = policy("eyelid-demo-till", screen="pause"), {"PULSE_SERVER": server.address}
            agent = call.enter_context(pc(services, stage, homes / "pc", rules, settings=LISTENING, more=more))
            agent.recorder.until(lambda: both_open(agent) and hears(agent), "it heard both ends")
            both = (RecorderState.RECORDING, RecorderState.RECORDING)
            stand(agent, *both, LOOP + 3)
            with stage.program("till", (20, 100)):
                stand(agent, RecorderState.CLOSED, RecorderState.CLOSED, 2)
            stand(agent, *both, LOOP + 3)
            agent.stop()
        (listed,) = services.ask("recordings")["recordings"]
        asked = ("-o", str(folder / "out"), "--gaps", "no-film")
        services.ask("export", listed["recording"], *services.opened_by_recipient, *asked)
        yield Recorded(Home.open(services.home), listed["recording"], services.secret.read_bytes(), folder / "out")


@pytest.fixture(scope="module", params=("chromium", "firefox"))
def page(
    request: pytest.FixtureRequest, server: SoundServer, recorded: Recorded, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Page]:
    folder = tmp_path_factory.mktemp(request.param)
    with (
        heard_browser(request.param, server, folder) as browser,
        played(recorded.home, recorded.id, recorded.passphrase) as address,
    ):
        browser.open(address)
        until(browser, READY)
        yield browser


def melody(seed: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """A new tone each tenth of a second, so that every moment sounds like no other."""
    tones = np.random.default_rng(seed).uniform(300, 2000, LONG * RATE // NOTE)
    return np.sin(2 * np.pi * np.cumsum(np.repeat(tones, NOTE)) / RATE) * 12_000


def likeness(heard: Samples, whole: Samples) -> float:
    """The best correlation of one end with any place of what was exported of it. 0: it is silent."""
    if not heard.any():
        return 0.0
    size = len(heard) + len(whole)
    product = np.fft.irfft(np.fft.rfft(whole, size) * np.conj(np.fft.rfft(heard, size)), size)
    energy = np.concatenate([[0], np.cumsum(whole**2)])
    places = len(whole) - len(heard) + 1
    there = np.sqrt(np.maximum(energy[len(heard) :] - energy[: -len(heard)], 1))
    return float((product[:places] / there).max() / np.linalg.norm(heard))


def test_nothing_is_found_wrong_and_the_gaps_are_those_of_the_export(page: Page, recorded: Recorded) -> None:
    assert page.run("document.querySelectorAll('#findings li').length") == 0
    account = recorded.account
    for lane, told in (("screen", account), ("audio", account["audio"])):
        parts = parts_shown(page, lane)
        assert parts == parts_exported(told)
        assert "closed" in {one["what"] for one in parts}
    assert page.run("eyelid.about.length") == account["whole_ns"]


def test_the_canvas_shows_each_picture_of_the_export(page: Page, recorded: Recorded) -> None:
    film = pictures(recorded.exported / "screen-0.mp4")
    assert len(film) > 3
    for place, (at, _) in enumerate(film):
        drawn = page.run(PIXELS % (at + 0.0005, 0))
        assert not drawn["hidden"]
        assert np.percentile(difference(drawn["pixels"], film, at), 99.5) <= NEAR, at
        other, _ = film[place - len(film) // 2]
        assert difference(drawn["pixels"], film, other).max() > OTHER  # or any picture would pass


def test_what_is_heard_is_the_sound_of_the_export(page: Page, recorded: Recorded, server: SoundServer) -> None:
    pieces = list(samples_of(recorded.exported / "sound.mp4"))
    whole = np.zeros((max(at + len(piece) for at, piece in pieces), 2))
    for at, piece in pieces:
        whole[max(at, 0) : at + len(piece)] = piece[max(-at, 0) :]
    kept = [part for part in recorded.account["audio"]["parts"] if part["what"] == "kept"]
    longest = max(kept, key=lambda part: part["to"] - part["from"])
    begin = longest["to"] / 1e9 - LOOP - 0.2  # at its start one device may not be open yet
    span = whole[int(begin * RATE) : int((begin + LOOP) * RATE)]
    page.run(f"eyelid.player.setLoop({{start: {begin}, end: {begin + LOOP}}})")
    likenesses: list[list[float]] = []
    with listening(server) as monitor:
        while not likenesses or min(likenesses[-1]) <= SAME:
            assert len(likenesses) < TRIES, likenesses  # a busy machine drops samples: one try has to be whole
            monitor.until_quiet()
            page.run(f"(eyelid.player.seek({begin}), eyelid.player.play())")
            heard = monitor.heard(0.7)[RATE // 5 :]  # behind the edge
            page.run("eyelid.player.pause()")
            likenesses.append([likeness(heard[:, end], span[:, end]) for end in range(2)])
    for end in range(2):  # or any sound would pass
        assert likeness(heard[:, end], span[::-1, end]) < OTHER_SOUND
        assert likeness(heard[:, end], span[:, 1 - end]) < OTHER_SOUND
