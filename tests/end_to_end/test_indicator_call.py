"""Law 7 for the call: its sound stops in turn at the server, at the devices and by a rule, and status and eye say so.

A real recorder, tray and panel, and a private PulseAudio with both ends of a call. How soon is judged by pixels.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pytest

from agent.tray.drawing import COLOURS
from agent.tray.icon_state import Lid
from testkit import panel, sounds
from testkit.calls import LISTENING
from testkit.fleet import Founded
from testkit.sounds import SoundServer, sound_server
from tests.end_to_end.desk import Desk, desk_of
from tests.moods import promised

KIND: Final = "pulseaudio"
LACKING: Final = panel.missing() or sounds.missing(KIND) or ""

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.timeout(300),
    pytest.mark.skipif(bool(LACKING), reason=LACKING or "-"),
]

POLICY: Final = {
    "policy.yaml": """schema: 1
revision: 1
name: Indicator
rules:
  - id: charts
    why: HIPAA 164.502(b)
    any:
      - app: [eyelid-demo-chart]
    screen: pause
    audio: record
  - id: numbers
    why: PCI DSS 3.3.1.2
    any:
      - app: [eyelid-demo-till]
    screen: record
    audio: { pause: shown, lead: 1s }
...
"""
}


@pytest.fixture(scope="module")
def server() -> Iterator[SoundServer]:
    with TemporaryDirectory(prefix="snd") as folder, sound_server(KIND, Path(folder) / "s") as made:
        yield made


@pytest.fixture(scope="module")
def desk(founded: Founded, server: SoundServer) -> Iterator[Desk]:
    with desk_of(founded, POLICY, LISTENING, {"PULSE_SERVER": server.address}) as made:
        yield made


def until_deaf(desk: Desk, *faults: str) -> dict[str, Any]:
    """The first status that says so. The screen is recorded all the while."""

    def deaf() -> dict[str, Any] | None:
        said = desk.status()
        return said if said.get("sound", {}).get("fault") in faults else None

    said: dict[str, Any] = desk.until(deaf, f"the recorder said {faults}")
    assert said["state"] == "recording"
    return said


def shows_deaf(desk: Desk, words: str) -> None:
    """From now, when the fault is there."""
    turned = desk.turning(COLOURS[Lid.FAULT])
    assert turned.kept, turned
    assert desk.sees(COLOURS[Lid.OPEN])  # the eye itself is open: the screen is recorded
    shown = desk.command("status")
    assert shown.returncode == 1
    assert words in " ".join(shown.stdout.split())


def test_a_sound_server_that_hangs_is_not_shown_as_a_recorded_call(desk: Desk, server: SoundServer) -> None:
    desk.until_well()
    desk.until(lambda: desk.command("status").returncode == 0, "status said that all was well")
    [pid] = server.pids
    os.kill(pid, signal.SIGSTOP)  # keeps its connections, and gives no sample
    try:
        shows_deaf(desk, "The call is NOT being recorded: no signal comes from the sound devices.")
        said = until_deaf(desk, "silent")
        assert said["sound"]["state"] == "stalled"
        assert all(said["sound"][end]["device"] for end in ("microphone", "far_end"))
    finally:
        os.kill(pid, signal.SIGCONT)
    desk.until_well()


def test_a_sound_server_that_is_killed_is_not_shown_as_a_recorded_call(desk: Desk, server: SoundServer) -> None:
    desk.until_well()
    server.kill()
    try:
        shows_deaf(desk, "Plug in your headset.")
        until_deaf(desk, "no-device")
    finally:
        server.start()
    desk.until_well()


def test_a_microphone_that_is_unplugged_is_missed_and_the_other_end_goes_on(desk: Desk, server: SoundServer) -> None:
    desk.until_well()
    server.unplug("agentmic")
    try:
        shows_deaf(desk, "Only the other end of the call is being recorded")
        assert until_deaf(desk, "microphone")["sound"]["state"] == "recording"
    finally:
        server.plug_microphone("agentmic")
        server.set_default_source("agentmic")
    desk.until_well()


def test_each_lane_is_said_to_be_closed_or_to_go_on_by_itself(desk: Desk) -> None:
    desk.until_well()
    with desk.stage.program("chart", (400, 150)):
        desk.until_state("closed")
        desk.until_seen(COLOURS[Lid.SHUT])
        desk.until_seen(COLOURS[Lid.OPEN])  # the dot: the call goes on
        shown = desk.command("status")
        assert (shown.returncode, "but the call goes on being recorded" in shown.stdout) == (0, True)
    desk.until_well()
    with desk.stage.program("till", (400, 150)):
        with promised():
            desk.until(lambda: desk.status().get("sound", {}).get("state") == "closed", "the call was closed")
        assert desk.status()["state"] == "recording"
        shown = desk.command("status")
        assert shown.returncode == 0
        assert "The call is not being recorded: PCI DSS 3.3.1.2." in " ".join(shown.stdout.split())
    desk.until_well()
