"""A call that a recorder hears: a display with a private sound server, and PCs on it. For tests and bench/sound."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from agent.control.recorder_state import RecorderState
from testkit.fleet import Pc, Store, pc
from testkit.sounds import SoundServer, missing, sound_server
from testkit.stage import Stage, StageError, own_display

LISTENING: Final = {"audio": {"microphone": "default", "far_end": "default"}}
ENDS: Final = ("microphone", "far_end")


def policy(app: str, *, screen: str = "record") -> dict[str, str]:
    """Sound pauses while a window of that program is in view. `screen`: what the picture does."""
    audio = {"pause": "shown", "lead": "0s"}
    rule = {"id": "till", "why": "PCI DSS 3.3.1.2", "any": [{"app": [app]}], "screen": screen, "audio": audio}
    said = {"schema": 1, "revision": 1, "name": "Sound", "rules": [rule]}
    return {"sound.yaml": yaml.safe_dump(said, sort_keys=False) + "...\n"}


@dataclass(frozen=True, slots=True)
class CallDesk:
    """`homes`: a folder whose name is short, for the recorders: a local socket's path may have 107 bytes."""

    stage: Stage
    server: SoundServer
    homes: Path

    @contextmanager
    def recorder(
        self, services: Store, policy: Mapping[str, str], name: str = "pc", settings: Mapping[str, object] = LISTENING
    ) -> Iterator[Pc]:
        more = {"PULSE_SERVER": self.server.address}
        with pc(services, self.stage, self.homes / name, policy, settings=settings, more=more) as made:
            yield made


@contextmanager
def desk(kind: str, folder: Path) -> Iterator[CallDesk]:
    """Raises StageError where this machine has no such sound server."""
    if why := missing(kind):
        raise StageError(why)
    with ExitStack() as stack:
        homes = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="eyelid-")))
        server = stack.enter_context(sound_server(kind, homes / "s"))
        yield CallDesk(stack.enter_context(own_display(folder / "display")), server, homes)


def both_open(recorded: Pc) -> bool:
    """Whether it records the screen and both ends of the call."""
    sound = sound_of(recorded)
    return (
        recorded.state() is RecorderState.RECORDING
        and sound_open(recorded)
        and all(sound[end]["device"] for end in ENDS)
    )


def sound_open(recorded: Pc) -> bool:
    return sound_of(recorded).get("state") == RecorderState.RECORDING


def hears(recorded: Pc, *ends: str) -> bool:
    """Whether it has heard both ends, or those that are named."""
    sound = sound_of(recorded)
    return bool(sound) and all(sound[end]["heard_ago_s"] is not None for end in ends or ENDS)


def sound_of(recorded: Pc) -> dict[str, Any]:
    """What its status says of the call; nothing while it does not answer, or keeps no sound."""
    return (recorded.status() or {}).get("sound") or {}


def stand(recorder: Pc, screen: RecorderState | None, call: RecorderState | None, seconds: float) -> None:
    """Returns when both lanes have been so for this long, by the recorder's own word; None: whatever it is.

    That a lane closes is promised; that another stays open is not, where a busy machine leaves its proof in doubt.
    """

    def stands() -> bool:
        status = recorder.status()
        if status is None:
            return False
        lanes = ((screen, status), (call, status["sound"]))
        return all(want is None or (one["state"] == want and one["since_s"] > seconds) for want, one in lanes)

    recorder.recorder.until(stands, f"the screen was {screen} and the call {call} for {seconds} s")
