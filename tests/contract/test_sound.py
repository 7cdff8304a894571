"""What every Sound promises: the real one on PulseAudio and on PipeWire, each private, and the fake of other tests."""

from __future__ import annotations

import itertools
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from agent.capture.audio import pulse_sound
from agent.capture.sound_feed import Devices
from agent.capture.sound_systems import portaudio_sound
from agent.core.model.media import Block
from agent.core.model.times import MILLISECOND, SECOND
from agent.desktop.clock import BootClock
from agent.ports import PEAK_OF, Mishap, Sound
from testkit import sounds
from testkit.fakes.sound import FakeSound
from tests.end_to_end.turning import Waits

CLOCK = BootClock()
SOON = 20.0  # s: more than anything takes, so that a test that waits for it in vain fails
LOUD = 1000  # of 32768


@dataclass
class Rig:
    """A sound and what happens around it. Ends by number: 0 the microphone, 1 the far end."""

    sound: Sound
    speaks: Callable[[int], AbstractContextManager[None]]
    unplug: Callable[[int], None]
    plug: Callable[[int], None]
    devices: tuple[str, str]
    wanders: bool = False  # what the system says of time does, on a busy machine; then a drift is no surprise
    waits: Waits | None = None  # of the programs between the sound and the test, for a CPU

    def surprises(self, mishaps: list[Mishap]) -> list[Mishap]:
        return [one for one in mishaps if not (one.what == "drift" and self._explains(one))]

    def _explains(self, drift: Mishap) -> bool:
        """By no more than they waited for a CPU can the programs have been late. On a quiet machine that is nothing."""
        if self.waits is None:
            return self.wanders
        self.waits.note()
        return drift.padding < self.waits.seconds * SECOND

    def until(self, wanted: Callable[[list[Block], list[Mishap]], bool]) -> tuple[list[Block], list[Mishap]]:
        """Everything up to the moment at which all of it is what is wanted."""
        deadline = CLOCK.now() + round(SOON * SECOND)
        blocks: list[Block] = []
        mishaps: list[Mishap] = []
        while not wanted(blocks, mishaps):
            if CLOCK.now() > deadline:
                raise TimeoutError(f"{len(blocks)} blocks, {mishaps}, {self.sound.channels()}")
            more, worse = self.sound.take(1.0)
            blocks += more
            mishaps += worse
        return blocks, mishaps


def loud(block: Block) -> tuple[bool, bool]:
    """Whether anything is to be heard of each end."""
    left, right = (np.abs(np.frombuffer(block.samples, "<i2").reshape(-1, 2)).max(axis=0) > LOUD).tolist()
    return left, right


def ends_with(*wanted: bool) -> Callable[[list[Block], list[Mishap]], bool]:
    return lambda blocks, _: bool(blocks) and loud(blocks[-1]) == wanted


def told(what: str) -> Callable[[list[Block], list[Mishap]], bool]:
    return lambda _, mishaps: any(one.what == what for one in mishaps)


def fake(stack: ExitStack) -> Rig:
    sound = FakeSound(CLOCK)
    stack.callback(sound.close)
    return Rig(sound, sound.humming, sound.unplug, sound.plug, ("fake-microphone", "fake-far-end"))


def real(kind: str, stack: ExitStack) -> Rig:
    if (why := sounds.missing(kind)) is not None:
        pytest.skip(why)
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="snd")))
    server = stack.enter_context(sounds.sound_server(kind, folder))
    sound = pulse_sound(CLOCK, Devices("agentmic", "farend"), server.address)
    stack.callback(sound.close)

    def plug(end: int) -> None:
        if end == 0:
            server.plug_microphone("agentmic")
            server.set_default_source("agentmic")
        else:
            server.plug_sink("farend")
            server.set_default_sink("farend")

    sinks, devices = ("micfeed", "farend"), ("agentmic", "farend.monitor")
    names = ("agentmic", "farend")
    return Rig(
        sound,
        lambda end: server.playing(sinks[end], (440.0, 1000.0)[end]),
        lambda end: server.unplug(names[end]),
        plug,
        devices,
        waits=Waits((os.getpid(), *server.pids)),
    )


def through_portaudio(stack: ExitStack) -> Rig:
    """Devices that PortAudio finds by ALSA's names for them, on a server each: unplugged is a server that is gone."""
    if (why := sounds.missing("pulseaudio")) is not None:
        pytest.skip(why)
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="snd")))
    names, devices = ("micfeed", "farend"), ("agentmic", "farend_monitor")
    servers = [stack.enter_context(sounds.sound_server("pulseaudio", folder / name, devices=False)) for name in names]
    for server, name in zip(servers, names, strict=True):
        server.plug_sink(name)
    pcms = [
        f'pcm.{device} {{ type pulse server "{server.address}" device "{name}.monitor" '
        f'hint {{ show on description "{device}" }} }}'
        for device, server, name in zip(devices, servers, names, strict=True)
    ]
    (folder / "asound.conf").write_text("\n".join(["</usr/share/alsa/alsa.conf>", *pcms]))
    patch = stack.enter_context(pytest.MonkeyPatch.context())
    patch.setenv("ALSA_CONFIG_PATH", str(folder / "asound.conf"))
    sound = portaudio_sound(CLOCK, Devices(*devices))
    stack.callback(sound.close)

    def plug(end: int) -> None:
        servers[end].start(devices=False)
        servers[end].plug_sink(names[end])

    return Rig(
        sound,
        lambda end: speaks_again(servers[end], names[end], (440.0, 1000.0)[end]),
        lambda end: servers[end].kill(),
        plug,
        devices,
        wanders=True,
    )


@contextmanager
def speaks_again(server: sounds.SoundServer, sink: str, hertz: float) -> Iterator[None]:
    """Also on the server that comes after one that died."""
    over = threading.Event()

    def speak() -> None:
        while not over.wait(0.1):
            with server.playing(sink, hertz) as player:
                while player.poll() is None and not over.wait(0.05):
                    pass

    speaking = threading.Thread(target=speak)
    speaking.start()
    try:
        yield
    finally:
        over.set()
        speaking.join()


MAKERS: dict[str, Callable[[ExitStack], Rig]] = {
    "fake": fake,
    "pulseaudio": lambda stack: real("pulseaudio", stack),
    "pipewire": lambda stack: real("pipewire", stack),
    "portaudio": through_portaudio,
}


HEARD = pytest.mark.slow(reason="what is played is heard no sooner, on a server that is started for each test")
RIGS = [pytest.param(name, marks=[] if name == "fake" else HEARD) for name in sorted(MAKERS)]


@pytest.fixture(params=RIGS)
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    with ExitStack() as stack:
        yield MAKERS[request.param](stack)


def test_nothing_is_heard_before_anybody_listens(rig: Rig) -> None:
    assert rig.sound.take(0.3) == ((), ())
    assert [one.device for one in rig.sound.channels()] == ["", ""]


def test_blocks_follow_each_other_on_the_clock_with_each_end_on_its_side(rig: Rig) -> None:
    before = CLOCK.now()
    rig.sound.listen(on=True)
    with rig.speaks(0):
        blocks, mishaps = rig.until(ends_with(True, False))
    # What a player that is ended had handed in is still heard, and would fall into one block with what the next says.
    pause, meanwhile = rig.until(ends_with(False, False))
    with rig.speaks(1):
        more, worse = rig.until(ends_with(False, True))
    assert rig.surprises(mishaps + meanwhile + worse) == []
    for one, after in itertools.pairwise(blocks + pause + more):
        assert after.stream == one.stream
        assert after.position == one.position + 960
        assert after.at == one.at + 20 * MILLISECOND
    for one in blocks + pause + more:
        assert len(one.samples) == 960 * 4
        assert before < one.span.start < one.at
        assert one.at + 20 * MILLISECOND < one.span.end < CLOCK.now() + SECOND
        # A tenth that came together, what a sink holds back before it is heard, and what is open of both.
        assert one.span.end - one.span.start < SECOND
        assert loud(one) != (True, True)


def test_channels_tell_devices_levels_and_when_something_was_heard(rig: Rig) -> None:
    rig.sound.listen(on=True)
    with rig.speaks(0):
        blocks, _ = rig.until(ends_with(True, False))
        microphone, far_end = rig.sound.channels()
    assert (microphone.device, far_end.device) == rig.devices
    assert microphone.peak is not None
    assert -40 < microphone.peak < 0
    assert microphone.heard_at is not None
    assert blocks[-1].at - SECOND < microphone.heard_at < CLOCK.now()
    assert (far_end.peak, far_end.heard_at) == (None, None)


def test_a_level_is_the_same_for_all_who_ask_and_passes_with_time(rig: Rig) -> None:
    """The tray asks every second, and must not take the level from who asks after it."""
    rig.sound.listen(on=True)
    with rig.speaks(0):
        rig.until(ends_with(True, False))
        peaks = [rig.sound.channels()[0].peak for _ in range(3)]
    assert None not in peaks
    assert peaks[0] == peaks[1] == peaks[2]
    quiet = CLOCK.now()
    rig.until(lambda blocks, _: bool(blocks) and not loud(blocks[-1])[0])
    rig.until(lambda blocks, _: bool(blocks) and blocks[-1].at > quiet + PEAK_OF + SECOND)
    microphone = rig.sound.channels()[0]
    assert microphone.peak is None or microphone.peak < -40
    assert microphone.heard_at is not None


def test_a_microphone_that_goes_is_silence_until_it_is_back(rig: Rig) -> None:
    rig.sound.listen(on=True)
    with rig.speaks(0), rig.speaks(1):
        blocks, _ = rig.until(ends_with(True, True))
        rig.unplug(0)
        more, mishaps = rig.until(ends_with(False, True))
        if not mishaps:
            mishaps = rig.until(told("device-lost"))[1]
        assert [(one.what, one.channel) for one in rig.surprises(mishaps)] == [("device-lost", "microphone")]
        assert rig.sound.channels()[0].device == ""
        rig.plug(0)
        again, back = rig.until(ends_with(True, True))
        assert [(one.what, one.channel) for one in back if one.what != "drift"] == [("device-back", "microphone")]
        assert back[0].padding > 0
        put_in = sum(one.padding for one in (*mishaps, *back) if one.channel == "microphone")
        microphone, far_end = rig.sound.channels()
        assert microphone.padding >= put_in > 0
        assert microphone.padding > far_end.padding
    for one, after in itertools.pairwise(blocks + more + again):
        assert after.position == one.position + 960


def test_when_an_end_last_gave_sound_is_told_be_it_silence_and_what_is_filled_in_is_none_of_it(rig: Rig) -> None:
    assert rig.sound.captured() == (None, None)
    rig.sound.listen(on=True)
    with rig.speaks(1):
        blocks, _ = rig.until(lambda blocks, _: all(at is not None for at in rig.sound.captured()) and bool(blocks))
        microphone, far_end = rig.sound.captured()
        assert microphone is not None
        assert far_end is not None
        assert blocks[0].at - SECOND < microphone < CLOCK.now()
        rig.unplug(0)
        rig.until(told("device-lost"))
        last, before = rig.sound.captured()
        rig.until(lambda blocks, _: len(blocks) > 20)
        after, beyond = rig.sound.captured()
        assert after == last
        assert before is not None
        assert beyond is not None
        assert beyond > before


def test_without_any_device_nothing_is_taken(rig: Rig) -> None:
    rig.sound.listen(on=True)
    with rig.speaks(1):
        rig.until(ends_with(False, True))
    rig.unplug(0)
    rig.unplug(1)
    deadline = CLOCK.now() + round(SOON * SECOND)
    while any(one.device for one in rig.sound.channels()):
        assert CLOCK.now() < deadline
        rig.sound.take(0.2)
    rig.sound.take(0.2)
    assert rig.sound.take(1.0)[0] == ()
    rig.plug(1)
    with rig.speaks(1):
        rig.until(ends_with(False, True))


def test_nobody_listens_after_letting_go_and_it_begins_again(rig: Rig) -> None:
    rig.sound.listen(on=True)
    blocks, _ = rig.until(lambda blocks, _: len(blocks) > 5)
    rig.sound.listen(on=False)
    deadline = CLOCK.now() + round(SOON * SECOND)
    while any(one.device for one in rig.sound.channels()):
        assert CLOCK.now() < deadline
        rig.sound.take(0.1)
    assert rig.sound.take(1.0) == ((), ())
    let_go = CLOCK.now()
    rig.sound.listen(on=True)
    again, mishaps = rig.until(lambda blocks, _: len(blocks) > 5)
    assert rig.surprises(mishaps) == []
    assert again[0].at > let_go
    assert again[0].position - blocks[0].position == round((again[0].at - blocks[0].at) * 48_000 / SECOND)


def test_wake_ends_a_take_also_when_it_comes_before(rig: Rig) -> None:
    taken: list[object] = []
    taking = threading.Thread(target=lambda: taken.append(rig.sound.take(SOON * 10)))
    rig.sound.wake()
    taking.start()
    taking.join(SOON)
    assert taken == [((), ())]


def test_close_ends_a_take_and_nothing_is_taken_after_it(rig: Rig) -> None:
    rig.sound.listen(on=True)
    taking = threading.Thread(target=lambda: rig.sound.take(SOON * 10))
    taking.start()
    rig.sound.close()
    taking.join(SOON)
    assert not taking.is_alive()
    assert rig.sound.take(0.1) == ((), ())
    rig.sound.listen(on=True)
    rig.sound.wake()
    rig.sound.close()
