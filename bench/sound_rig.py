"""What the parts of bench/sound share: a desk with a sound server, recorders that hear it, and what a part says."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
from rich.console import Console, RenderableType

from agent.control.status import RecorderState
from bench import harness
from testkit.fleet import Pc, Store, pc
from testkit.sounds import SoundServer, missing, sound_server
from testkit.stage import Stage, StageError, own_display

LISTENING: Final = {"audio": {"microphone": "default", "far_end": "default"}}

Say = Callable[[str], None]


def policy(app: str, *, screen: str = "record") -> dict[str, str]:
    """Sound pauses while a window of that program is in view. `screen`: what the picture does."""
    audio = {"pause": "shown", "lead": "0s"}
    rule = {"id": "till", "why": "the window of this bench", "any": [{"app": [app]}], "screen": screen, "audio": audio}
    said = {"schema": 1, "revision": 1, "name": "Bench of sound", "rules": [rule]}
    return {"sound.yaml": yaml.safe_dump(said, sort_keys=False) + "...\n"}


@dataclass(frozen=True, slots=True)
class Said:
    """What came of a part: its JSON object, its table, what fails the run, and what a quick run only remarks.

    A quick run is a test, and no test judges by how busy its machine is.
    """

    facts: Any
    table: RenderableType
    wrong: list[str]
    short: list[str]

    def tell(self, console: Console, *, quick: bool = False) -> int:
        """Exit status."""
        wrong = harness.tell(self.wrong, console)
        short = harness.tell(self.short, console, "yellow" if quick else "bold red")
        return wrong or (0 if quick else short)


@dataclass(frozen=True, slots=True)
class Desk:
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
def desk(kind: str, folder: Path) -> Iterator[Desk]:
    """Raises StageError where this machine has no such sound server."""
    if why := missing(kind):
        raise StageError(why)
    with ExitStack() as stack:
        homes = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="eyelid-")))
        server = stack.enter_context(sound_server(kind, homes / "s"))
        yield Desk(stack.enter_context(own_display(folder / "display")), server, homes)


def both_open(recorded: Pc) -> bool:
    """Whether it records the screen and both ends of the call."""
    return recorded.state() is RecorderState.RECORDING and sound_open(recorded) and _each_end(recorded, "device")


def sound_open(recorded: Pc) -> bool:
    return _sound(recorded).get("state") == RecorderState.RECORDING


def hears(recorded: Pc) -> bool:
    """Whether it has heard both ends."""
    return _each_end(recorded, "heard_ago_s")


def _each_end(recorded: Pc, what: str) -> bool:
    sound = _sound(recorded)
    return bool(sound) and all(sound[end][what] not in (None, "") for end in ("microphone", "far_end"))


def _sound(recorded: Pc) -> dict[str, Any]:
    """Nothing while the recorder does not answer, or keeps no sound."""
    return (recorded.status() or {}).get("sound") or {}
