"""Devices that come and go under real sound servers: what is recorded is never another microphone's."""

from __future__ import annotations

import json
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.capture import sound_libpulse
from agent.capture.audio import LiveSound, pulse_sound
from agent.capture.sound_feed import Began, Devices, End, FeedEvent, Lost, Timed
from agent.capture.sound_pulse import CYCLE, PulseFeed
from agent.core.model.media import Block
from agent.core.model.times import SECOND
from agent.desktop.clock import BootClock
from agent.ports import PEAK_OF, Mishap
from testkit import sounds
from testkit.sounds import SoundServer

pytestmark = pytest.mark.slow(reason="what is played is heard no sooner, on a server that is started for each test")

CLOCK = BootClock()
SOON = 30.0  # s: more than anything takes
AGENT, OTHER, CUSTOMER = 440.0, 1700.0, 1000.0  # Hz


@pytest.fixture(params=sorted(sounds.NEEDED))
def server(request: pytest.FixtureRequest) -> Iterator[SoundServer]:
    if (why := sounds.missing(request.param)) is not None:
        pytest.skip(why)
    with (
        tempfile.TemporaryDirectory(prefix="snd") as folder,
        sounds.sound_server(request.param, Path(folder)) as served,
    ):
        yield served


class Ear:
    """Listens, and keeps everything."""

    def __init__(self, server: SoundServer, devices: Devices, feed: type[PulseFeed]) -> None:
        self.sound = LiveSound(CLOCK, lambda tell: feed(CLOCK, devices, tell, server.address))
        self.blocks: list[Block] = []
        self.mishaps: list[Mishap] = []
        self.sound.listen(on=True)

    def until(self, wanted: Callable[[], bool], ask: Callable[[], object] = lambda: None) -> None:
        """`ask`: for what leads to it, every second."""
        deadline, asked = CLOCK.now() + round(SOON * SECOND), 0
        while not wanted():
            if CLOCK.now() > deadline:
                raise TimeoutError(f"{len(self.blocks)} blocks, {self.mishaps}, {self.sound.channels()}")
            if CLOCK.now() > asked + SECOND:
                ask()
                asked = CLOCK.now()
            blocks, mishaps = self.sound.take(0.5)
            self.blocks += blocks
            self.mishaps += mishaps

    def until_told(self, what: str, channel: str, ask: Callable[[], object] = lambda: None) -> None:
        self.until(lambda: any((one.what, one.channel) == (what, channel) for one in self.mishaps), ask)

    def until_heard(self, end: int, hertz: float) -> None:
        """A fifth of a second of it, from now on."""
        begun = len(self.blocks)
        self.until(lambda: len(self.blocks) >= begun + 10 and strength(self.blocks[-10:], end, hertz) > 0.01)

    def loudest(self, end: int, hertz: float) -> float:
        """Of all tenths of a second. The edge of another tone alone makes up to 0.002 of it, the tone itself 0.5."""
        return max(strength(self.blocks[at : at + 5], end, hertz) for at in range(0, len(self.blocks) - 5, 5))


def strength(blocks: list[Block], end: int, hertz: float) -> float:
    """Amplitude of a tone, of full scale."""
    samples = np.frombuffer(b"".join(one.samples for one in blocks), "<i2").reshape(-1, 2)[:, end] / 32_768
    wave = np.exp(-2j * np.pi * hertz * np.arange(len(samples)) / 48_000) * np.hanning(len(samples))
    return float(abs((samples * wave).sum()) * 4 / len(samples))


@contextmanager
def listening(server: SoundServer, devices: Devices | None = None, feed: type[PulseFeed] = PulseFeed) -> Iterator[Ear]:
    with ExitStack() as stack:
        ear = Ear(server, devices or Devices(), feed)
        stack.callback(ear.sound.close)
        yield ear


def plug_other_microphone(server: SoundServer) -> None:
    server.plug_sink("otherfeed")
    server.plug_microphone("othermic", "otherfeed")


def test_another_microphone_is_never_recorded_under_the_name_of_one_that_went(server: SoundServer) -> None:
    """PulseAudio moves whoever listens to a source that goes to the default one, unless it was asked not to."""
    plug_other_microphone(server)
    server.set_default_source("othermic")
    named = Devices("agentmic", "farend")
    with listening(server, named) as ear, server.playing("micfeed", AGENT), server.playing("otherfeed", OTHER):
        ear.until_heard(0, AGENT)
        server.unplug("agentmic")
        ear.until_told("device-lost", "microphone")
        more = len(ear.blocks) + 100
        ear.until(lambda: len(ear.blocks) > more)
        server.plug_microphone("agentmic")
        ear.until_heard(0, AGENT)
        assert ear.loudest(0, OTHER) < 0.01


def move(server: SoundServer, source: str) -> bool:
    """Whether the server says that the one who listens to the microphone listens to that source now."""
    [mine] = microphone_streams(server)
    return server.attempt("move-source-output", str(mine), source)


def microphone_streams(server: SoundServer) -> list[int]:
    listed = json.loads(server.pactl("--format=json", "list", "source-outputs"))
    return [one["index"] for one in listed if one["properties"].get("media.name") == "microphone"]


def test_a_stream_may_not_be_moved_by_hand(server: SoundServer) -> None:
    plug_other_microphone(server)
    named = Devices("agentmic", "farend")
    with listening(server, named) as ear, server.playing("micfeed", AGENT), server.playing("otherfeed", OTHER):
        ear.until_heard(0, AGENT)
        assert not move(server, "othermic")
        more = len(ear.blocks) + 100
        ear.until(lambda: len(ear.blocks) > more)
        assert ear.loudest(0, OTHER) < 0.01
        assert ear.mishaps == []


def test_a_stream_that_the_server_moved_all_the_same_is_lost_and_opened_again(
    server: SoundServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that does not keep to what it was asked for, as one that may move whoever listens."""
    monkeypatch.setattr(sound_libpulse, "DONT_MOVE", 0)
    plug_other_microphone(server)
    named = Devices("agentmic", "farend")
    with listening(server, named) as ear, server.playing("micfeed", AGENT), server.playing("otherfeed", OTHER):
        ear.until_heard(0, AGENT)
        # PipeWire forgets a move that comes while it still links the stream.
        ear.until_told(
            "device-changed", "microphone", ask=lambda: microphone_streams(server) and move(server, "othermic")
        )
        ear.until_heard(0, AGENT)
        assert ear.sound.channels()[0].device == "agentmic"
        assert ear.loudest(0, OTHER) < 0.01


@pytest.mark.parametrize("told_by", ["the server's word", "its source"])
def test_what_came_of_a_stream_just_before_it_was_found_moved_is_in_doubt(
    server: SoundServer, monkeypatch: pytest.MonkeyPatch, told_by: str
) -> None:
    """By either of two signs, each without the other: the server says so, or the stream has another source."""
    monkeypatch.setattr(sound_libpulse, "DONT_MOVE", 0)
    if told_by == "its source":
        monkeypatch.setattr(sound_libpulse, "StreamCallback", lambda _: sound_libpulse.NO_STREAM_CALLBACK)
    else:
        monkeypatch.setattr(PulseFeed, "_is_its_source", lambda *_: True)
    plug_other_microphone(server)
    lost: list[Lost] = []
    opened, over = threading.Event(), threading.Event()

    def tell(told: FeedEvent) -> bool:
        if isinstance(told, Began):
            opened.set()
        elif isinstance(told, Lost) and not over.is_set():
            lost.append(told)
            over.set()
        return True

    feed = PulseFeed(CLOCK, Devices("agentmic", "none"), tell, server.address)
    feed.listen(on=True)
    assert opened.wait(SOON)
    assert move(server, "othermic")
    # PipeWire forgets a move that comes while it still links the stream. One that took place and was not noticed stays
    # unnoticed however often it is asked for again.
    deadline = time.monotonic() + SOON
    while not over.wait(1) and time.monotonic() < deadline:
        assert move(server, "othermic")
    feed.close()
    assert lost == [Lost(End.MICROPHONE, "device-changed", doubtful=True)]


def test_a_changed_default_is_followed(server: SoundServer) -> None:
    plug_other_microphone(server)
    server.set_default_source("agentmic")
    server.plug_sink("headset")
    server.set_default_sink("farend")
    with listening(server) as ear, server.playing("micfeed", AGENT), server.playing("otherfeed", OTHER):
        ear.until_heard(0, AGENT)
        server.set_default_source("othermic")
        ear.until_heard(0, OTHER)
        assert ear.sound.channels()[0].device == "othermic"
        assert {(one.what, one.channel) for one in ear.mishaps} == {("device-changed", "microphone")}
        server.set_default_sink("headset")
        ear.until_told("device-changed", "far-end")
        with server.playing("headset", CUSTOMER):
            ear.until_heard(1, CUSTOMER)


class DeafFeed(PulseFeed):
    """As some connections to PipeWire are, for good: no word of a changed default, and the old one as the answer."""

    def _take_server(self, connection: int, answer: Any, data: int) -> None:
        if answer:
            answer.contents.default_source_name = b"agentmic"
        super()._take_server(connection, answer, data)

    def _heard_of_change(self, connection: int, event: int, index: int, data: int) -> None:
        if event & sound_libpulse.FACILITY != sound_libpulse.OF_SERVER:
            super()._heard_of_change(connection, event, index, data)


def test_a_changed_default_that_this_connection_is_never_told_is_followed(server: SoundServer) -> None:
    if server.kind != "pipewire":
        pytest.skip("PulseAudio tells every connection, and is not asked over another")
    plug_other_microphone(server)
    server.set_default_source("agentmic")
    with listening(server, feed=DeafFeed) as ear, server.playing("micfeed", AGENT), server.playing("otherfeed", OTHER):
        ear.until_heard(0, AGENT)
        server.set_default_source("othermic")
        ear.until_heard(0, OTHER)
        server.plug_sink("another")  # it is asked again, and told the old one again
        more = len(ear.blocks) + 100
        ear.until(lambda: len(ear.blocks) > more)
        assert ear.sound.channels()[0].device == "othermic"
        assert {(one.what, one.channel) for one in ear.mishaps} == {("device-changed", "microphone")}
        server.set_default_source("agentmic")
        ear.until_heard(0, AGENT)


def test_a_server_that_died_is_heard_again_when_it_is_back(server: SoundServer) -> None:
    with listening(server, Devices("agentmic", "farend")) as ear:
        with server.playing("micfeed", AGENT):
            ear.until_heard(0, AGENT)
            server.kill()
        ear.until_told("server-lost", "far-end")
        assert [one.device for one in ear.sound.channels()] == ["", ""]
        server.start()
        with server.playing("micfeed", AGENT):
            ear.until_heard(0, AGENT)
        ear.until_told("device-back", "microphone")


def test_a_muted_microphone_is_seen_and_the_other_end_goes_on(server: SoundServer) -> None:
    named = Devices("agentmic", "farend")
    with listening(server, named) as ear, server.playing("micfeed", AGENT), server.playing("farend", CUSTOMER):
        ear.until_heard(0, AGENT)
        server.pactl("set-source-mute", "agentmic", "1")
        muted = CLOCK.now()
        ear.until(lambda: ear.blocks[-1].at > muted + SECOND + PEAK_OF)
        microphone, far_end = ear.sound.channels()
        assert (microphone.device, microphone.peak) == ("agentmic", None)
        assert microphone.heard_at is not None
        assert microphone.heard_at < muted + SECOND
        assert far_end.peak is not None
        assert far_end.heard_at is not None
        assert far_end.heard_at > muted + 2 * SECOND
        server.pactl("set-source-mute", "agentmic", "0")
        ear.until_heard(0, AGENT)
        assert ear.sound.channels()[0].peak is not None


def test_an_unplugged_far_end_is_silence_until_it_is_back(server: SoundServer) -> None:
    named = Devices("agentmic", "farend")
    with listening(server, named) as ear, server.playing("micfeed", AGENT):
        ear.until_heard(0, AGENT)
        server.unplug("farend")
        ear.until_told("device-lost", "far-end")
        ear.until_heard(0, AGENT)
        server.plug_sink("farend")
        ear.until_told("device-back", "far-end")
        with server.playing("farend", CUSTOMER):
            ear.until_heard(1, CUSTOMER)
        assert ear.loudest(0, CUSTOMER) < 0.01


def test_a_server_that_hangs_holds_up_nobody(server: SoundServer) -> None:
    with listening(server, Devices("agentmic", "farend")) as ear, server.playing("micfeed", AGENT):
        ear.until_heard(0, AGENT)
        for pid in server.pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            ear.until_told("silent-device", "microphone")
        finally:
            for pid in server.pids:
                os.kill(pid, signal.SIGCONT)
        ear.until_heard(0, AGENT)
    for before, after in zip(ear.blocks, ear.blocks[1:], strict=False):
        assert after.position == before.position + 960


def test_no_server_at_all_is_silence_until_there_is_one() -> None:
    with tempfile.TemporaryDirectory(prefix="snd") as folder:
        sound = pulse_sound(CLOCK, server=f"unix:{folder}/native")
        sound.listen(on=True)
        assert sound.take(1.5) == ((), ())
        assert [one.device for one in sound.channels()] == ["", ""]
        sound.close()


def test_pipewire_answers_as_of_its_last_cycle_and_is_not_taken_for_newer(server: SoundServer) -> None:
    words: list[Timed] = []
    enough = threading.Event()

    def tell(told: FeedEvent) -> bool:
        if isinstance(told, Timed):
            words.append(told)
            if len(words) > 20:
                enough.set()
        return True

    feed = PulseFeed(CLOCK, Devices("agentmic", "farend"), tell, server.address)
    feed.listen(on=True)
    assert enough.wait(SOON)
    feed.close()
    assert {word.stale for word in words} == {CYCLE if server.kind == "pipewire" else 0}
