"""A call is recorded at both ends, and what is heard while a card terminal is in view is not in the recording.

A marker tone sounds only while the terminal is on the screen. Two recorders listen to the same call: one with the rule,
and one without it as a control, which has to have the marker, or the test has not tried anything.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pytest

from agent.control.status import RecorderState
from store.evidence.film.opus import samples_of
from testkit.fleet import NewStore, Pc, Store, pc
from testkit.sounds import NEEDED, SoundServer, missing, sound_server
from testkit.stage import Stage, own_display
from tests.moods import promised

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(300)]

RATE: Final = 48_000
PIECE: Final = RATE // 50  # 20 ms
VOICE: Final = 450.0  # Hz, all the time: the caller
MARKER: Final = 1500.0  # Hz, only while the terminal is in view: the agent, who reads a number aloud
HEARD: Final = 0.01  # amplitude; both tones are played at 0.5
RULE: Final = """schema: 1
revision: 1
name: Sound
rules:
  - id: card-terminal
    why: PCI DSS 3.3.1.2
    any:
      - app: [{app}]
    screen: record
    audio: {{ pause: shown, lead: 0s }}
...
"""
BOTH: Final = {"microphone": "default", "far_end": "default"}
POLICIES: Final = {"held to the rule": RULE.format(app="eyelid-demo-till"), "control": RULE.format(app="no-such-app")}


@pytest.fixture(params=sorted(NEEDED))
def sound(request: pytest.FixtureRequest) -> Iterator[SoundServer]:
    if why := missing(request.param):
        pytest.skip(why)
    with TemporaryDirectory(prefix="snd") as folder, sound_server(request.param, Path(folder) / "s") as server:
        yield server


@dataclass(frozen=True)
class Desk:
    """A display with a program on it, and a store: PCs in `homes` record there."""

    stage: Stage
    services: Store
    homes: Path

    def pc(self, name: str, policy: str, server: str, audio: Mapping[str, str]) -> AbstractContextManager[Pc]:
        """`server`: the address of the sound server, of which `audio` says what is recorded."""
        return pc(
            self.services,
            self.stage,
            self.homes / name,
            {"policy.yaml": policy},
            settings={"audio": audio},
            more={"PULSE_SERVER": server},
        )


@pytest.fixture
def desk(new_store: NewStore) -> Iterator[Desk]:
    with TemporaryDirectory(prefix="eyelid-") as folder:
        homes = Path(folder)
        with own_display(homes / "display") as stage, new_store(homes) as services, stage.program("notes", (20, 20)):
            yield Desk(stage, services, homes)


def test_nothing_that_is_said_at_a_card_terminal_is_kept(sound: SoundServer, desk: Desk, tmp_path: Path) -> None:
    with ExitStack() as stack:
        stack.enter_context(sound.playing("farend", VOICE))
        recorders = {
            name: stack.enter_context(desk.pc(name.split()[0], text, sound.address, BOTH))
            for name, text in POLICIES.items()
        }
        for recorder in recorders.values():
            recorder.recorder.until(lambda recorder=recorder: _hears(recorder), "it heard both ends of the call")
        held = recorders["held to the rule"]
        for _ in range(2):
            for recorder in recorders.values():
                _stand(recorder, RecorderState.RECORDING, RecorderState.RECORDING, 4)
            with desk.stage.program("till", (300, 200)), sound.playing("micfeed", MARKER), promised():
                _stand(held, RecorderState.RECORDING, RecorderState.CLOSED, 3)
        for recorder in recorders.values():
            _stand(recorder, RecorderState.RECORDING, RecorderState.RECORDING, 4)
            recorder.stop()
        kept = {
            name: _sound_of(desk.services, recorder, tmp_path / name.split()[0]) for name, recorder in recorders.items()
        }
    ruled, control = kept["held to the rule"], kept["control"]
    assert _seconds(control[0], MARKER) > 2
    assert _seconds(ruled[0], MARKER) == 0
    assert _seconds(ruled[1], VOICE) > 6
    # Each end stays in its channel. (The edge of a tone has every frequency in it.)
    assert _seconds(control[1], MARKER) < 0.1
    assert _seconds(control[0], VOICE) < 0.1


LANES: Final = """schema: 1
revision: 1
name: Lanes
rules:
  - id: heard-numbers
    why: PCI DSS 3.3.1.2
    any:
      - app: [eyelid-demo-till]
    screen: record
    audio: { pause: shown, lead: 2s }
    stay_closed: 2s
  - id: seen-charts
    why: HIPAA 164.502(b)
    any:
      - app: [eyelid-demo-chart]
    screen: pause
    audio: record
...
"""


def test_each_lane_closes_by_its_own_rules_with_its_own_lead(sound: SoundServer, desk: Desk, tmp_path: Path) -> None:
    with sound.playing("farend", VOICE), desk.pc("pc", LANES, sound.address, BOTH) as recorded:
        recorded.recorder.until(lambda: _hears(recorded), "it heard both ends of the call")
        _stand(recorded, RecorderState.RECORDING, RecorderState.RECORDING, 6)
        with desk.stage.program("chart", (300, 200)), promised():  # it closes the screen alone
            _stand(recorded, RecorderState.CLOSED, RecorderState.RECORDING, 2)
        _stand(recorded, RecorderState.RECORDING, RecorderState.RECORDING, 6)
        with desk.stage.program("till", (300, 200)), promised():  # it closes the sound alone
            _stand(recorded, RecorderState.RECORDING, RecorderState.CLOSED, 2)
        _stand(recorded, RecorderState.RECORDING, RecorderState.RECORDING, 6)
        recorded.stop()
        _sound_of(desk.services, recorded, tmp_path / "out")
        account = json.loads((tmp_path / "out" / "timeline.json").read_text("utf-8"))
    # The till's: two seconds in view, two before it, two after it. On a busy machine there are others, of sound whose
    # time was in doubt: that the chart left none is for the account to say.
    assert max(_holes(tmp_path / "out" / "sound.mp4")) > 6
    assert "seen-charts" in _rules(account)
    assert "heard-numbers" not in _rules(account)
    assert "heard-numbers" in _rules(account["audio"])
    assert "seen-charts" not in _rules(account["audio"])


def test_without_any_sound_server_the_screen_is_recorded_and_status_says_what_is_not(
    desk: Desk, tmp_path: Path
) -> None:
    # No word on sound in its settings, as where nobody says anything.
    with desk.pc("pc", LANES, f"unix:{desk.homes}/nobody", {}) as recorded:
        recorded.wait_for(RecorderState.RECORDING)
        status = recorded.status()
        assert status is not None
        assert [status["sound"][end]["device"] for end in ("microphone", "far_end")] == ["", ""]
        recorded.recorder.until(
            lambda: ((recorded.status() or {}).get("sound") or {}).get("fault") == "no-device", "it missed the devices"
        )
        recorded.recorder.until(lambda: (recorded.status() or {"frames": 0})["frames"], "it kept a picture")
        recorded.stop()
        (recording,) = desk.services.ask("recordings")["recordings"]
        exported = desk.services.ran(
            "export", recording["recording"], *desk.services.opened_by_recipient, "-o", str(tmp_path / "out")
        )
        assert exported.returncode == 0, exported.stderr
    assert list((tmp_path / "out").glob("screen-*.mp4"))


def _stand(recorder: Pc, screen: RecorderState, call: RecorderState, seconds: float) -> None:
    """Returns when both lanes have been so for this long, by the recorder's own word."""

    def stands() -> bool:
        status = recorder.status()
        if status is None or (status["state"], status["sound"]["state"]) != (screen, call):
            return False
        return bool(min(status["since_s"], status["sound"]["since_s"]) > seconds)

    recorder.recorder.until(stands, f"the screen was {screen} and the call {call} for {seconds} s")


def _rules(account: Mapping[str, Any]) -> set[str]:
    """That closed a lane at any time."""
    return {rule["id"] for rule in account["rules"]}


def _holes(file: Path) -> list[float]:
    """The seconds that are not there between the first sample and the last."""
    found: list[float] = []
    end: int | None = None
    for at, samples in samples_of(file):
        if end is not None and at - end > RATE // 1000:
            found.append((at - end) / RATE)
        end = at + len(samples)
    return found


def _hears(recorder: Pc) -> bool:
    status = recorder.status()
    sound = None if status is None else status["sound"]
    return (
        sound is not None
        and sound["state"] == RecorderState.RECORDING
        and bool(sound["microphone"]["device"])
        and sound["far_end"]["heard_ago_s"] is not None
    )


def _sound_of(services: Store, recorder: Pc, folder: Path) -> npt.NDArray[np.float32]:
    """Both channels of everything that was kept, one run after the other."""
    recordings = services.ask("recordings")["recordings"]
    (mine,) = (one["recording"] for one in recordings if one["device"] == recorder.device)
    exported = services.ran("export", mine, *services.opened_by_recipient, "--output", str(folder))
    assert exported.returncode == 0, exported.stderr
    heard = np.concatenate([samples for _, samples in samples_of(folder / "sound.mp4")])
    return heard.T.astype(np.float32) / 32_768


def _seconds(channel: npt.NDArray[np.float32], hertz: float) -> float:
    """How long the tone can be heard in it."""
    pieces = channel[: len(channel) // PIECE * PIECE].reshape(-1, PIECE)
    wave = np.exp(-2j * np.pi * hertz * np.arange(PIECE) / RATE)
    amplitudes = np.abs(pieces @ wave) * 2 / PIECE
    return float(np.count_nonzero(amplitudes > HEARD)) * PIECE / RATE
