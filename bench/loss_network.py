"""The network between recorder and store, or what stands in it, does what networks do. Case 4 of bench/loss.

The recorder is told the address of bench/loss_proxy.py, which stands before the real store. "backlog" is
bench/loss_sealer.py filling the spool as two hours without a network would; all other cases run the whole recorder.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Final

from bench.loss_account import Round
from bench.loss_proxy import BlackHole, EatAnswer, Fault, Garbage, Line, ResetAt, Says
from bench.loss_world import Case, Ground, World, expect, shipped, world
from testkit.fleet import Store
from testkit.stage import StageError

BATCH: Final = 25  # faults between two verdicts
NARROW: Final = 50_000 / 8  # bytes a second
SLOW_FOR: Final = 8.0  # seconds of a narrow line
SILENT_FOR: Final = 4.0  # seconds of a black hole that ends by itself
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
    Says(500, b"Internal Server Error"),
    Says(503, b'{"error":"busy","message":"later"}', (("Retry-After", "1"),)),
    Says(413, b"<html>Request Entity Too Large</html>"),
    Garbage(b"\x16\x03\x01 this is no HTTP\r\n\r\n"),
)


class OnLine:
    """A world whose recorder reaches its store over a bad line. One case's, for one run."""

    def __init__(self) -> None:
        self.command: Callable[[Path], Sequence[str]] = shipped
        self._ahead = 0  # chunks up to which the recorder of `backlog` goes on sealing
        self._line: Line | None = None

    @property
    def line(self) -> Line:
        assert self._line is not None, "the case's world has not been made"
        return self._line

    @contextmanager
    def world(self, ground: Ground) -> Iterator[World]:
        with ExitStack() as stack:

            def before(served: str) -> str:
                store = Store(ground.folder / "store", served, ground.folder / "operator.key")
                self._line = stack.enter_context(Line(store))
                return self._line.address

            yield stack.enter_context(
                world(
                    ground.stage,
                    ground.folder,
                    chunk=ground.chunk,
                    model=ground.model,
                    address=before,
                    command=self.command,
                )
            )

    # -- the cases ------------------------------------------------------------------------------------------------

    def struck(self, faults: Sequence[Fault]) -> Callable[[World, int], Iterator[Round]]:
        """A case that does these in turn, each to the next chunk, and waits until a chunk comes through again."""

        def run(made: World, rounds: int) -> Iterator[Round]:
            yield from self._in_batches(made, rounds, islice(cycle(faults), rounds), self._strike)

        return run

    def silent(self, made: World, rounds: int) -> Iterator[Round]:
        holes = (GIVES_UP if turn % EVERY == EVERY - 1 else SILENT_FOR for turn in range(rounds))
        yield from self._in_batches(made, rounds, holes, self._swallow)

    def narrow(self, made: World, rounds: int) -> Iterator[Round]:
        yield from self._in_batches(made, rounds, iter([SLOW_FOR] * rounds), self._squeeze)

    def backlog(self, made: World, rounds: int) -> Iterator[Round]:
        for _ in range(rounds):
            made.agent.end()
            made.store.end()
            self._ahead = BACKLOG
            made.agent.start()
            expect(lambda: len(made.told().waiting()) >= BACKLOG, "two hours of chunks in the spool", FILLED)
            # The next life seals little until all of it is through, and has no failure behind it to wait for.
            made.agent.end()
            self._ahead = FEW
            held = sum(file.stat().st_size for file in (made.home / "spool").rglob("*") if file.is_file())
            began = time.monotonic()
            made.drain(DRAINED)
            took = time.monotonic() - began
            yield Round(notes={"MB waited": held // 10**6, "s to drain": round(took)})
            yield from made.verdict()

    def filling(self, told: Path) -> list[str]:
        """The recorder without a screen, which seals until so many chunks wait."""
        return [
            *(sys.executable, "-P", "-m", "bench.loss_sealer"),
            *(str(told.parent / "pc"), str(told), str(self._ahead), str(LARGE)),
        ]

    def _in_batches(
        self, made: World, rounds: int, faults: Iterator[Any], do: Callable[[World, Any], Round]
    ) -> Iterator[Round]:
        for turn, fault in enumerate(faults, 1):
            try:
                yield do(made, fault)
            except StageError as failure:
                yield Round(faults=(f"no fault, or no end of it: {failure}",))
            finally:
                self.line.rate = None
                self.line.lift()
            if turn % BATCH == 0 or turn == rounds:
                yield from made.verdict()

    def _strike(self, made: World, fault: Fault) -> Round:
        made.agent.start()
        name = type(fault).__name__
        self._await_fault(fault, name)
        self._await_receipt(made)
        said = f"{fault.status}" if isinstance(fault, Says) else name
        return Round(notes={said: 1})

    def _swallow(self, made: World, lasts: float) -> Round:
        made.agent.start()
        self._await_fault(BlackHole(), "BlackHole")
        size = made.told_size()
        if lasts == GIVES_UP:
            held = self.line.connections
            expect(lambda: self.line.hung_up > 0, f"the recorder's leaving a line that is silent ({held})", GIVES_UP)
        else:
            time.sleep(lasts)
        self._goes_on(made, size)
        self.line.lift()
        self._await_receipt(made)
        return Round(notes={"until the recorder gave up" if lasts == GIVES_UP else "ended by itself": 1})

    def _squeeze(self, made: World, lasts: float) -> Round:
        made.agent.start()
        before = self.line.squeezed
        self.line.rate = NARROW
        expect(lambda: self.line.squeezed > before, "anything on the narrow line")
        size = made.told_size()
        time.sleep(lasts)
        self._goes_on(made, size)
        crossed = self.line.squeezed - before
        self.line.rate = None
        self._await_receipt(made)
        return Round(notes={"bytes at 50 kbit/s": crossed})

    def _goes_on(self, made: World, size: int) -> None:
        """Recording is never slow because the network is: asked while the line is still bad."""
        expect(lambda: made.kept_since(size), "a chunk that is kept here while the line is bad", KEEPS_ON)

    def _await_fault(self, fault: Fault, name: str) -> None:
        before = self.line.happened[name]
        self.line.arm(fault)
        expect(lambda: self.line.happened[name] > before, f"a chunk for {name} to happen to")

    def _await_receipt(self, made: World) -> None:
        size = made.told_size()
        expect(lambda: made.told_since(size, "receipt"), "a receipt after it", GIVES_UP)


def _cases() -> Iterator[Case]:
    for name, title, rounds, quick, faults in (
        ("answer-eaten", "the line breaks between commit and answer", 100, 1, (EatAnswer(),)),
        ("reset-in-body", "the line is reset in mid-body", 100, 0, RESETS),
        ("odd-answers", "500, 503 with Retry-After, a proxy's 413, garbage", 100, 0, ANSWERS),
    ):
        on = OnLine()
        yield Case(name, title, rounds, quick, on.struck(faults), on.world)
    on = OnLine()
    yield Case("black-hole", "the line swallows everything", 20, 0, on.silent, on.world)
    on = OnLine()
    yield Case("narrow-line", "50 kbit/s", 20, 0, on.narrow, on.world)
    on = OnLine()
    on.command = on.filling
    yield Case("backlog", "two hours without a network, then drained", 3, 0, on.backlog, on.world)


CASES: Final = tuple(_cases())
