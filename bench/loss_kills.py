"""kill -9 at a random instant: of the recorder, of the store, of both. Case 1 of bench/loss.

Half of the kills are aimed, because what is rare in time is where things break: into a write of the spool, into a
request under way, into a start. The other half falls anywhere. Once more with a recorder that keeps all it can, the
screen, both ends of a call and what was in view; before each of these kills there is something to lose of every lane.
"""

from __future__ import annotations

import math
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from agent.core.model.media import Lane
from agent.core.proof.gate import PATIENCE
from bench.loss_account import SECOND, Journal, Round
from bench.loss_world import RULES, Case, Ground, World, in_batches, stream_of, world
from protocol.envelope import AUDIO, SCENE_STREAM, SOUND_STREAM
from testkit.calls import LISTENING
from testkit.sounds import missing, sound_server
from testkit.speech import talking

BATCH: Final = 25  # kills between two verdicts: a verdict reads everything again
WRITING: Final = 0.0015  # seconds that a write of the spool takes, about
SENDING: Final = 0.03  # seconds from a chunk in the spool to its receipt, mostly
STARTING: Final = 1.5  # seconds of a start that kills are spread over
IN_A_START: Final = 0.2  # of the kills
DOWN: Final = 0.5  # seconds that what was killed stays away, at most
LANES: Final = {0: "screen", SOUND_STREAM: "sound", SCENE_STREAM: "scenes"}

Strike = Callable[[World], object]
"""Takes away what the case takes."""


def _anywhere(made: World) -> None:
    time.sleep(made.dice.uniform(0, 2 * made.chunk))


def _in_a_write(made: World) -> None:
    made.await_told("putting", beat=0.0001)
    time.sleep(made.dice.uniform(0, WRITING))


def _in_a_request(made: World) -> None:
    made.await_told("put")
    time.sleep(made.dice.uniform(0, SENDING))


AIMED: Final = {
    "agent": (_anywhere, _in_a_write, _anywhere, _in_a_request),
    "store": (_anywhere, _in_a_request, _in_a_request),
}


def struck(made: World, who: str, strike: Strike, in_a_start: Strike, ready: Strike = World.ready) -> dict[str, int]:
    """Strikes at `who`, one time in five while it starts; where that fell, as far as the recorder had said.

    `in_a_start`: the same where no eye was open. `ready`: returns when there is something to lose.
    """
    party = made.party(who)
    if made.dice.random() < IN_A_START:  # a start writes, too: what it has half done, the next one has to read
        made.party("agent" if who == "store" else "store").start()
        if party.alive:
            in_a_start(made)
        party.begin()
        time.sleep(made.dice.uniform(0, STARTING))
        in_a_start(made)
        return {"in a start": 1}
    if who == "agent":
        ready(made)
    else:
        made.agent.start()
        made.store.start()
        made.await_told("receipt")  # the recorder has found it again
    half_way = made.told().half_way()
    made.dice.choice(AIMED[who])(made)
    strike(made)
    return where(made.told(), half_way)


def where(told: Journal, half_way: set[str]) -> dict[str, int]:
    """`half_way`: writes that earlier strikes had cut off."""
    if told.half_way() - half_way:
        return {"in a write": 1}
    return {"in a request": 1} if told.waiting() else {"in between": 1}


def _kill_agent(made: World, _turn: int, ready: Strike = World.ready) -> Round:
    kill, in_a_start = (lambda made, eye=eye: made.kill("agent", eye_open=eye) for eye in (True, False))
    return Round(notes=struck(made, "agent", kill, in_a_start, ready))


def _kill_store(made: World, _turn: int) -> Round:
    def kill(made: World) -> None:
        made.kill("store")

    notes = struck(made, "store", kill, kill)
    time.sleep(made.dice.uniform(0, DOWN))
    return Round(notes=notes)


def _kill_both(made: World, _turn: int) -> Round:
    made.ready()
    half_way = made.told().half_way()
    made.dice.choice(AIMED["agent"])(made)
    first, second = made.dice.sample(("agent", "store"), 2)
    made.kill(first)
    time.sleep(made.dice.choice((0.0, made.dice.uniform(0, SENDING))))
    made.kill(second)
    time.sleep(made.dice.uniform(0, DOWN))
    return Round(notes=where(made.told(), half_way))


def _killed(kill: Callable[[World, int], Round]) -> Callable[[World, int], Iterator[Round]]:
    return lambda made, rounds: in_batches(made, rounds, kill, each=BATCH, mend=World.sweep)


# -- with sound and scenes ----------------------------------------------------------------------------------------


def _deaf() -> str:
    """Why it cannot be played here; "" where it can."""
    if why := missing("pulseaudio"):
        return why
    return "" if shutil.which("espeak-ng") else "espeak-ng is not on this machine; scripts/setup installs it"


@contextmanager
def _all_lanes(ground: Ground) -> Iterator[World]:
    with sound_server("pulseaudio", ground.folder / "s") as server, talking(server, ground.folder):
        heard = {"PULSE_SERVER": server.address}
        with world(ground, rules=RULES | {"keep_scenes": True}, settings=LISTENING, more=heard) as made:
            yield made


def _all_lanes_killed(made: World, rounds: int) -> Iterator[Round]:
    counted: Counter[str] = Counter()

    def verdict(made: World) -> Iterator[Round]:
        nonlocal counted
        kills = tuple(made.kills)  # the world forgets them with its own verdict
        yield from made.verdict()
        now = Counter(LANES[stream] for name in made.told().put if (stream := stream_of(name)) in LANES)
        new, counted = now - counted, now
        silent = [f"nothing was acknowledged of the {lane}" for lane in LANES.values() if not new[lane]]
        yield Round(rounds=0, faults=silent, notes=dict(new))
        kept, limit = made.kept(), made.chunk + PATIENCE[Lane.AUDIO] / SECOND
        for moment in kills:
            last = kept.last_before(moment, AUDIO)
            if last is None:
                yield Round(rounds=0, faults=["nothing of the call was kept before a kill"])
                continue
            lost = (moment - last) / SECOND
            late = [f"{lost:.1f} s of the call were lost, more than {limit:.1f} s"] if lost > limit else []
            yield Round(rounds=0, faults=late, notes={f"{math.ceil(lost)} s of the call lost at most": 1})

    def kill(made: World, turn: int) -> Round:
        return _kill_agent(made, turn, lambda made: made.ready(LANES))

    return in_batches(made, rounds, kill, each=BATCH, mend=World.sweep, verdict=verdict)


CASES: Final = (
    Case("kill-agent", "kill -9 of the recorder", 200, 1, _killed(_kill_agent)),
    Case("kill-store", "kill -9 of the store", 200, 1, _killed(_kill_store)),
    Case("kill-both", "kill -9 of both", 100, 1, _killed(_kill_both)),
    Case(
        "kill-agent-all-lanes",
        "kill -9 of the recorder, with sound and scenes",
        20,
        0,
        _all_lanes_killed,
        world=_all_lanes,
        needs=_deaf,
    ),
)
