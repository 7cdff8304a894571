"""The network between recorder and store, or what stands in it, does what networks do. Case 4 of bench/loss.

The recorder is told the address of a line (testkit/fakes/line.py) that stands before the real store. "backlog" is
bench/loss_sealer.py filling the spool as two hours without a network would; all other cases run the whole recorder.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from bench.harness import LONG
from bench.loss_account import Round
from bench.loss_world import Case, Ground, World, in_batches, sealer, world
from testkit.fakes.line import BlackHole, EatAnswer, Fault, Line, ResetAt, Says
from testkit.fleet import Store
from testkit.waits import until

BATCH: Final = 25  # faults between two verdicts
NARROW: Final = 50_000 / 8  # bytes a second
SLOW_FOR: Final = 8.0  # seconds of a narrow line
SILENT_FOR: Final = 4.0  # seconds of a black hole that ends
GIVES_UP: Final = 240.0  # seconds after which the recorder must have left a black hole
KEEPS_ON: Final = 30.0  # seconds in which a chunk must be kept whatever the line does
EVERY: Final = 10  # of so many black holes one lasts until the recorder gives up
BACKLOG: Final = 1800  # chunks of 4 s: two hours
FEW: Final = 12  # chunks that may wait where nothing is to be filled
FILLED: Final = 300.0  # seconds in which two hours of chunks are sealed
DRAINED: Final = 400.0  # seconds in which they must be through
LARGE: Final = 90_000  # bytes of one of them at most, half of it on average: 80 MB, a ticking clock at 1080p

RESETS: Final = (ResetAt(0.01), ResetAt(0.5), ResetAt(0.99))
# What a store that fails says, and what a proxy does. A store's own 413 sets the chunk aside, by its name.
ANSWERS: Final = (
    Says.http(500, b"Internal Server Error"),
    Says.http(503, b'{"error":"busy","message":"later"}', "Retry-After: 1"),
    Says.http(413, b"<html>Request Entity Too Large</html>"),
    Says(b"\x16\x03\x01 this is no HTTP\r\n\r\n", "Garbage"),
)


@contextmanager
def _on_line(ground: Ground) -> Iterator[World]:
    """The recorder reaches its store over the world's rig."""
    with ExitStack() as stack:
        lines: list[Line] = []

        def before(store: Store) -> str:
            lines.append(stack.enter_context(Line(store.address, store.home / "tls")))
            return lines[0].address

        made = stack.enter_context(world(ground, address=before))
        made.rig = lines[0]
        yield made


@contextmanager
def _filling(ground: Ground) -> Iterator[World]:
    """One without a screen, which seals until so many chunks wait as the rig says."""
    ahead = [FEW]
    with world(ground, command=lambda told: sealer(told, str(ahead[0]), str(LARGE)), rig=ahead) as made:
        yield made


# -- the cases ----------------------------------------------------------------------------------------------------


def _struck(faults: tuple[Fault, ...]) -> Callable[[World, int], Round]:
    """These in turn, each to the next chunk; then a chunk must come through again."""

    def strike(made: World, turn: int) -> Round:
        made.agent.start()
        fault = faults[turn % len(faults)]
        _happens(made, fault)
        made.await_told("receipt", GIVES_UP)
        return Round(notes={fault.name if isinstance(fault, Says) else type(fault).__name__: 1})

    return strike


def _silent(made: World, turn: int) -> Round:
    made.agent.start()
    line: Line = made.rig
    _happens(made, BlackHole())
    for_good = turn % EVERY == EVERY - 1
    if for_good:
        until(lambda: line.hung_up > 0, "the recorder's leaving a line that is silent", GIVES_UP)
    else:
        time.sleep(SILENT_FOR)
    made.await_kept(KEEPS_ON)  # recording is never slow because the network is
    line.lift()
    made.await_told("receipt", GIVES_UP)
    return Round(notes={"until the recorder gave up" if for_good else "ended by itself": 1})


def _narrow(made: World, _turn: int) -> Round:
    made.agent.start()
    line: Line = made.rig
    before = line.squeezed
    line.rate = NARROW
    until(lambda: line.squeezed > before, "anything on the narrow line", LONG)
    time.sleep(SLOW_FOR)
    made.await_kept(KEEPS_ON)
    crossed = line.squeezed - before
    line.lift()
    made.await_told("receipt", GIVES_UP)
    return Round(notes={"bytes at 50 kbit/s": crossed})


def _happens(made: World, fault: Fault) -> None:
    line: Line = made.rig
    before = line.happened[type(fault)]
    line.arm(fault)
    until(lambda: line.happened[type(fault)] > before, f"a chunk for {type(fault).__name__} to happen to", LONG)


def _backlog(made: World, _turn: int) -> Round:
    made.agent.end()
    made.store.end()
    made.rig[0] = BACKLOG
    made.agent.start()
    until(lambda: len(made.told().waiting()) >= BACKLOG, "two hours of chunks in the spool", FILLED)
    # The next life seals little until all of it is through, and has no failure behind it to wait for.
    made.agent.end()
    made.rig[0] = FEW
    held = sum(file.stat().st_size for file in (made.home / "spool").rglob("*") if file.is_file())
    began = time.monotonic()
    made.drain(DRAINED)
    return Round(notes={"MB waited": held // 10**6, "s to drain": round(time.monotonic() - began)})


def _case(name: str, title: str, rounds: int, do: Callable[[World, int], Round], quick: int = 0) -> Case:
    def run(made: World, rounds: int) -> Iterator[Round]:
        return in_batches(made, rounds, do, each=BATCH, mend=lambda made: made.rig.lift())

    return Case(name, title, rounds, quick, run, _on_line)


CASES: Final = (
    _case("answer-eaten", "the line breaks between commit and answer", 100, _struck((EatAnswer(),)), quick=1),
    _case("reset-in-body", "the line is reset in mid-body", 100, _struck(RESETS)),
    _case("odd-answers", "500, 503 with Retry-After, a proxy's 413, garbage", 100, _struck(ANSWERS)),
    _case("black-hole", "the line swallows everything", 20, _silent),
    _case("narrow-line", "50 kbit/s", 20, _narrow),
    Case(
        "backlog",
        "two hours without a network, then drained",
        3,
        0,
        lambda made, rounds: in_batches(made, rounds, _backlog, each=1),
        _filling,
    ),
)
