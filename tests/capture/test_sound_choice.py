"""Which source is which end, by the configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.capture import sound_portaudio, sound_systems
from agent.capture.sound_choice import Server, Source, choose
from agent.capture.sound_feed import Devices, End
from agent.desktop.clock import BootClock
from agent.errors import EnvironmentFault

HEADSET = Source(1, "alsa_input.usb-Jabra", "Jabra Evolve 40")
BUILT_IN = Source(2, "alsa_input.pci", "Built-in Audio")
HEADPHONES = Source(3, "alsa_output.usb-Jabra.monitor", "Monitor of Jabra Evolve 40", "alsa_output.usb-Jabra")
SPEAKERS = Source(4, "alsa_output.pci.monitor", "Monitor of Built-in Audio", "alsa_output.pci")
NOTHING = Source(5, "auto_null.monitor", "Monitor of Dummy Output", "auto_null")

DESK = Server("alsa_input.pci", "alsa_output.pci", (HEADSET, BUILT_IN, HEADPHONES, SPEAKERS))


@pytest.mark.parametrize(
    ("end", "wanted", "chosen"),
    [
        (End.MICROPHONE, "default", BUILT_IN),
        (End.FAR_END, "default", SPEAKERS),
        (End.MICROPHONE, "*jabra*", HEADSET),
        (End.FAR_END, "*jabra*", HEADPHONES),
        (End.FAR_END, "alsa_output.usb-Jabra", HEADPHONES),
        (End.MICROPHONE, "Built-in Audio", BUILT_IN),
        (End.MICROPHONE, "alsa_input.*", BUILT_IN),  # of several the default
        (End.FAR_END, "none", None),
        (End.MICROPHONE, "none", None),
        (End.MICROPHONE, "*poly*", None),
        (End.MICROPHONE, "alsa_output.pci.monitor", SPEAKERS),  # somebody asked for it by name
    ],
)
def test_the_configuration_chooses(end: End, wanted: str, chosen: Source | None) -> None:
    assert choose(end, Devices(wanted, wanted), DESK) == chosen


def test_of_several_that_fit_and_are_not_the_default_the_first_by_name() -> None:
    assert choose(End.MICROPHONE, Devices("alsa*"), Server("", "", (BUILT_IN, HEADSET))) == BUILT_IN


def test_a_monitor_is_no_microphone_even_as_the_default() -> None:
    """PulseAudio makes it so when the last microphone is unplugged."""
    assert choose(End.MICROPHONE, Devices(), Server("alsa_output.pci.monitor", "alsa_output.pci", (SPEAKERS,))) is None


def test_the_sink_that_stands_for_none_is_none() -> None:
    server = Server("auto_null.monitor", "auto_null", (NOTHING,))
    assert [choose(end, Devices("*", "*"), server) for end in End] == [None, None]
    assert [choose(end, Devices(), server) for end in End] == [None, None]


LISTED = [
    {"index": 0, "name": "HDA Intel: ALC (hw:0,0)", "max_input_channels": 0},
    {"index": 1, "name": "Jabra Evolve: USB Audio (hw:1,0)", "max_input_channels": 1},
    {"index": 2, "name": "Loopback: PCM (hw:2,1)", "max_input_channels": 2},
]


@pytest.mark.parametrize(
    ("end", "wanted", "chosen"),
    [
        (End.MICROPHONE, "default", "Jabra Evolve: USB Audio (hw:1,0)"),
        (End.MICROPHONE, "*loopback*", "Loopback: PCM (hw:2,1)"),
        (End.MICROPHONE, "*HDA*", None),  # an output
        (End.MICROPHONE, "none", None),
        (End.FAR_END, "default", None),  # no input is what others play, unless somebody says so
        (End.FAR_END, "Loopback*", "Loopback: PCM (hw:2,1)"),
        (End.FAR_END, "none", None),
    ],
)
def test_an_input_of_portaudios_is_chosen_by_name(end: End, wanted: str, chosen: str | None) -> None:
    assert sound_portaudio.choose(end, Devices(wanted, wanted), LISTED, default=1) == chosen


def test_where_nothing_is_the_default_there_is_no_default_microphone() -> None:
    assert sound_portaudio.choose(End.MICROPHONE, Devices(), LISTED, default=-1) is None


@pytest.mark.parametrize("wanted", ["default", "pulse", "pipewire"])
def test_what_a_sound_server_may_move_untold_is_refused_in_words(wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """PortAudio is told of no move, so that another microphone would be kept under the name of this one."""
    monkeypatch.setenv("PULSE_SERVER", "unix:/nowhere")
    with pytest.raises(EnvironmentFault, match=f"hear the microphone `{wanted}` through this PC's sound server"):
        sound_systems.system_sound(BootClock(), Devices(wanted, "none"), "portaudio")


def test_a_glob_takes_nothing_that_a_sound_server_may_move(monkeypatch: pytest.MonkeyPatch) -> None:
    card, plugins = "HDA Intel: ALC257 (hw:0,0)", ("default", "pulse", "pipewire")
    listed = [{"name": name, "index": at, "max_input_channels": 2} for at, name in enumerate((*plugins, card))]
    through = sound_portaudio.THROUGH_A_SERVER
    assert sound_portaudio.choose(End.MICROPHONE, Devices("*", "none"), listed, default=0) == "default"
    assert sound_portaudio.choose(End.MICROPHONE, Devices("*", "none"), listed, 0, through) == card
    assert sound_portaudio.choose(End.MICROPHONE, Devices("p*", "none"), listed, 0, through) is None
    monkeypatch.setenv("PULSE_SERVER", "unix:/nowhere")
    asked: list[object] = []
    monkeypatch.setattr(sound_systems, "portaudio_sound", lambda *words: asked.extend(words))
    sound_systems.system_sound(BootClock(), Devices("hda*", "default"), "portaudio")
    assert asked[2] == through


def test_a_sound_server_that_is_there_or_will_come_is_spoken_to(tmp_path: Path) -> None:
    def nothing(_: str) -> None:
        return None

    (tmp_path / "pulse").mkdir()
    assert not sound_systems.has_server({"XDG_RUNTIME_DIR": str(tmp_path)}, nothing)
    assert sound_systems.has_server({"PULSE_SERVER": "unix:/x"}, nothing)
    assert sound_systems.has_server({}, lambda name: "/usr/bin/" + name)
    (tmp_path / "pulse" / "native").touch()
    assert sound_systems.has_server({"XDG_RUNTIME_DIR": str(tmp_path)}, nothing)
    assert sound_systems.has_server({"PULSE_RUNTIME_PATH": str(tmp_path / "pulse")}, nothing)
