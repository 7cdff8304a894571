"""kill -9 at a random instant: of the recorder, of the store, of both. Case 1 of bench/loss.

Half of the kills are aimed, because what is rare in time is where things break: into a write of the spool, into a
request under way, into a start. The other half falls anywhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final

from bench.loss_account import Round
from bench.loss_evidence import Journal
from bench.loss_world import Case, World
from bench.stage import StageError

BATCH: Final = 25  # kills between two verdicts: a verdict reads everything again
WRITING: Final = 0.0015  # seconds that a write of the spool takes, about
SENDING: Final = 0.03  # seconds from a chunk in the spool to its receipt, mostly
STARTING: Final = 1.5  # seconds of a start that kills are spread over
DOWN: Final = 0.5  # seconds that what was killed stays away, at most

Kill = Callable[[World], Round]


def _anywhere(world: World) -> None:
    time.sleep(world.dice.uniform(0, 2 * world.chunk))


def _in_a_write(world: World) -> None:
    world.await_told("putting", beat=0.0001)
    time.sleep(world.dice.uniform(0, WRITING))


def _in_a_request(world: World) -> None:
    world.await_told("put")
    time.sleep(world.dice.uniform(0, SENDING))


AGENT: Final = (_anywhere, _in_a_write, _anywhere, _in_a_request)
STORE: Final = (_anywhere, _in_a_request, _in_a_request)


def agent_killed(world: World, rounds: int) -> Iterator[Round]:
    return in_batches(world, rounds, kill_agent)


def store_killed(world: World, rounds: int) -> Iterator[Round]:
    return in_batches(world, rounds, _kill_store)


def both_killed(world: World, rounds: int) -> Iterator[Round]:
    return in_batches(world, rounds, _kill_both)


def in_batches(
    world: World, rounds: int, kill: Kill, verdict: Callable[[World], Iterator[Round]] = World.verdict
) -> Iterator[Round]:
    for turn in range(rounds):
        try:
            yield kill(world)
        except StageError as failure:
            yield Round(rounds=0, faults=(f"no kill: {failure}",))
            world.store.sweep()
            world.agent.sweep()
        if (turn + 1) % BATCH == 0 or turn + 1 == rounds:
            yield from verdict(world)


def kill_agent(world: World, ready: Callable[[World], None] = World.ready) -> Round:
    """`ready`: returns when both run and there is something to lose."""
    starting = world.dice.random() < 0.2  # a start that dies leaves what the next one has to read
    if starting:
        world.store.start()
        if world.agent.alive:
            world.kill("agent", eye_open=False)
        world.agent.begin()
        time.sleep(world.dice.uniform(0, STARTING))
        world.kill("agent", eye_open=False)
        return Round(notes={"in a start": 1})
    ready(world)
    half_way = world.told().half_way()
    world.dice.choice(AGENT)(world)
    world.kill("agent")
    return Round(notes=struck(world.told(), half_way))


def struck(told: Journal, half_way: set[str]) -> dict[str, int]:
    """Where the kill fell, as far as the recorder had said. `half_way`: writes that earlier kills had cut off."""
    if told.half_way() - half_way:
        return {"in a write": 1}
    return {"in a request": 1} if told.waiting() else {"in between": 1}


def _kill_store(world: World) -> Round:
    world.agent.start()
    if world.dice.random() < 0.2:
        if world.store.alive:
            world.kill("store")
        world.store.begin()
        time.sleep(world.dice.uniform(0, STARTING))
        world.kill("store")
        return Round(notes={"in a start": 1})
    world.store.start()
    world.await_told("receipt")  # the recorder has found it again
    world.dice.choice(STORE)(world)
    world.kill("store")
    waiting = bool(world.told().waiting())
    time.sleep(world.dice.uniform(0, DOWN))
    return Round(notes={"in a request" if waiting else "in between": 1})


def _kill_both(world: World) -> Round:
    world.ready()
    half_way = world.told().half_way()
    world.dice.choice(AGENT)(world)
    first, second = world.dice.sample(("agent", "store"), 2)
    world.kill(first)
    time.sleep(world.dice.choice((0.0, world.dice.uniform(0, SENDING))))
    world.kill(second)
    time.sleep(world.dice.uniform(0, DOWN))
    return Round(notes=struck(world.told(), half_way))


CASES: Final = (
    Case("kill-agent", "kill -9 of the recorder", 200, 1, agent_killed),
    Case("kill-store", "kill -9 of the store", 200, 1, store_killed),
    Case("kill-both", "kill -9 of both", 100, 1, both_killed),
)
