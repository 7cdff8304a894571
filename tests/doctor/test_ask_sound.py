"""Both ends of the call as the doctor hears them: a real sound server, with a tone, in silence, without a device."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.config import AudioSettings
from agent.doctor.ask import sound
from agent.doctor.judge import pc as judge
from agent.errors import EnvironmentFault
from testkit import sounds
from tests.doctor.facts import GOOD

DEFAULT = AudioSettings("default", "default")


@pytest.fixture(scope="module")
def server() -> Iterator[sounds.SoundServer]:
    if why := sounds.missing("pulseaudio"):
        pytest.skip(why)
    with tempfile.TemporaryDirectory(prefix="eyelid-") as folder:
        made = sounds.SoundServer("pulseaudio", Path(folder))
        made.start()
        yield made
        made.kill()


@pytest.fixture(autouse=True)
def session(server: sounds.SoundServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULSE_SERVER", server.address)


def test_a_voice_at_both_ends(server: sounds.SoundServer) -> None:
    with server.playing("micfeed", 440), server.playing("farend", 880, level=0.1):
        heard = sound.ask(DEFAULT, None)
    assert (heard.microphone.device, heard.far_end.device) != ("", "")
    assert heard.microphone.peak == pytest.approx(-6, abs=1.5)
    assert heard.far_end.peak == pytest.approx(-20, abs=1.5)
    assert [one.mark for one in judge.sound(heard, GOOD)] == ["good", "good"]


def test_silence_and_a_device_that_is_none(server: sounds.SoundServer) -> None:
    assert server.address
    heard = sound.ask(AudioSettings("default", "*no such*"), None)
    assert heard.microphone.device
    assert heard.far_end.device == ""
    assert [one.mark for one in judge.sound(heard, GOOD)] == ["warning", "wrong"]


def test_no_server_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULSE_SERVER", "unix:/nowhere")
    assert [one.mark for one in judge.sound(sound.listen(DEFAULT, 0.5), GOOD)] == ["wrong", "wrong"]


def test_what_was_not_asked_for_is_not_listened_to(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        pytest.fail("the microphone was opened")

    monkeypatch.setattr(sound, "system_sound", never)
    assert not sound.ask(AudioSettings("none", "none"), None).wanted
    end = {"device": "Headset", "peak_dbfs": -12.0, "heard_ago_s": 1.0}
    told = sound.ask(DEFAULT, {"sound": {"fault": "", "microphone": end, "far_end": {**end, "device": ""}}})
    assert (told.microphone.device, told.microphone.peak, told.far_end.device) == ("Headset", -12.0, "")


def test_a_recorder_that_knows_no_sound_leaves_it_to_the_doctor_to_say_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking(*_: object) -> None:
        raise EnvironmentFault("libpulse.so.0 is missing")

    monkeypatch.setattr(sound, "system_sound", lacking)
    end = {"device": "", "peak_dbfs": None, "heard_ago_s": None}
    told = sound.ask(DEFAULT, {"sound": {"fault": "no-sound", "microphone": end, "far_end": end}})
    assert told.fault == "libpulse.so.0 is missing"
