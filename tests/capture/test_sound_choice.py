"""Which source is which end, by the configuration."""

from __future__ import annotations

import pytest

from agent.capture.sound_choice import Server, Source, choose
from agent.capture.sound_feed import Devices, End

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
