"""kill -9 of a recorder that keeps all it can: the screen, both ends of a call, and what was in view. Case 1 again.

The call is speech at both ends of a PulseAudio of the case's own; what was in view is kept because the policy says so.
Before each kill there is something to lose of every lane.
"""

from __future__ import annotations

import copy
import math
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import yaml

from agent.core.model.media import Lane
from agent.core.proof.gate import PATIENCE
from bench.loss_account import Round
from bench.loss_kills import in_batches, kill_agent
from bench.loss_world import RULES, SECOND, Case, Ground, World, expect, stream_of, world
from bench.sound_play import talking
from protocol.envelope import AUDIO, SCENE_STREAM, SOUND_STREAM
from testkit.sounds import missing, sound_server

POLICY: Final = {"losses.yaml": yaml.safe_dump(RULES | {"keep_scenes": True}, sort_keys=False) + "...\n"}
LISTENING: Final = {"audio": {"microphone": "default", "far_end": "default"}}
LANES: Final = {0: "screen", SOUND_STREAM: "sound", SCENE_STREAM: "scenes"}


def needs() -> str:
    """Why it cannot be played here; "" where it can."""
    if why := missing("pulseaudio"):
        return why
    return "" if shutil.which("espeak-ng") else "espeak-ng is not on this machine; scripts/setup installs it"


class AllLanes:
    """A world whose recorder hears a call and keeps scenes. One case's, for one run."""

    def __init__(self) -> None:
        self._counted: Counter[str] = Counter()

    @contextmanager
    def world(self, ground: Ground) -> Iterator[World]:
        self._counted.clear()
        with sound_server("pulseaudio", ground.folder / "s") as server, talking(server, ground.folder):
            stage = copy.copy(ground.stage)
            stage.environment = {**stage.environment, "PULSE_SERVER": server.address}
            with world(
                stage,
                ground.folder,
                chunk=ground.chunk,
                model=ground.model,
                policy=POLICY,
                settings=LISTENING,
            ) as made:
                yield made

    def killed(self, made: World, rounds: int) -> Iterator[Round]:
        return in_batches(made, rounds, lambda made: kill_agent(made, _ready), self._verdict)

    def _verdict(self, made: World) -> Iterator[Round]:
        kills = tuple(made.kills)  # the world forgets them with its own verdict
        yield from made.verdict()
        counted = Counter(LANES[stream] for name in made.told().put if (stream := stream_of(name)) in LANES)
        new = counted - self._counted
        silent = [f"nothing was acknowledged of the {lane}" for lane in LANES.values() if not new[lane]]
        yield Round(rounds=0, faults=tuple(silent), notes=dict(new))
        self._counted = counted
        kept = made.kept()
        for moment in kills:
            last = kept.last_before(moment, AUDIO)
            if last is None:
                yield Round(rounds=0, faults=("nothing of the call was kept before a kill",))
                continue
            lost = (moment - last) / SECOND
            limit = made.chunk + PATIENCE[Lane.AUDIO] / SECOND
            late = (f"{lost:.1f} s of the call were lost, more than {limit:.1f} s",) if lost > limit else ()
            yield Round(rounds=0, faults=late, notes={f"{math.ceil(lost)} s of the call lost at most": 1})


def _ready(made: World) -> None:
    made.store.start()
    size = made.told_size()
    made.agent.start()
    expect(
        lambda: made.streams_since(size) >= LANES.keys(), "a chunk of the screen, of the call and of what was in view"
    )


_ALL = AllLanes()

CASES: Final = (
    Case(
        "kill-agent-all-lanes",
        "kill -9 of the recorder, with sound and scenes",
        20,
        0,
        _ALL.killed,
        world=_ALL.world,
        needs=needs,
    ),
)
