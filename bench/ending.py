"""How long a recorder takes to end: 12 pictures in its queue, a store that hangs, a busy machine.

    scripts/bench ending [--quick] [--json] [--rounds N] [--busy N]

Two figures. *drain*: from the word to end until twelve waiting 1080p pictures of coarse noise, far worse than any
desktop, are encoded, sealed and durable. *whole*: from SIGTERM to the exit of a real recorder whose store takes
connections and answers nothing. The aim of both is 2 s; it fails where an end was not in order, never for its time.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Final

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.control.status import RecorderState
from agent.core.model.media import Frame, Monitor
from agent.core.model.seen import Box
from agent.core.model.times import SECOND, Span
from agent.desktop import current_clock
from agent.encode.video import ScreenEncoder
from agent.ledger import DiskLedger
from agent.pipeline import Mailbox
from agent.recorder.recording import Close, Factories, Open, Order, Recorder
from agent.seal import Provenance, RecordingSealer
from agent.spool import DiskSpool
from bench import harness
from protocol.bundle import Bundle
from protocol.keys import RecipientPrivate
from testkit.fleet import entries, found, pc, serving
from testkit.interrupts import in_order
from testkit.stage import StageError, own_display

WAITING: Final = 12
WIDTH: Final = 1920
HEIGHT: Final = 1080
BLOCK: Final = 4  # pixels
POLICY: Final = """schema: 1
revision: 1
name: Ending
rules:
  - id: nothing
    why: a policy has a rule
    any:
      - app: [no-such-program]
...
"""


def drain_once(folder: Path) -> float:
    """Seconds for twelve pictures of noise, from the close of the queue to the end of the recorder's thread."""
    clock = current_clock()
    evidence, reader = Ed25519PrivateKey.generate(), RecipientPrivate.generate()
    bundle = Bundle(revision=1, recipients=(reader.public,), created=clock.wall())
    monitors = (Monitor(0, Box(0, 0, WIDTH, HEIGHT), "one"),)
    origin = Provenance("bench", evidence, "bench", "bench", "bench")
    orders: Mailbox[Order] = Mailbox(2 * WAITING)
    spool = DiskSpool(folder / "spool", max_bytes=10**9, keep_free=0, alarm=print)
    recorder = Recorder(
        orders,
        factories=Factories(
            sealer=lambda order: RecordingSealer(
                origin, bundle, policy=order.policy, monitors=order.monitors, start=order.start, wall=clock.wall()
            ),
            encoder=lambda order: ScreenEncoder(order.start, chunk_length=4 * SECOND, hurry=lambda: orders.closed),
        ),
        spool=spool,
        ledger=DiskLedger(folder / "ledger", clock, device="bench", evidence=evidence),
        clock=clock,
        hold=lambda _hold, _on: None,
    )
    chance = np.random.default_rng(1)
    start = clock.now()
    orders.put(Open("ab" * 32, start, monitors))
    for number in range(WAITING):
        # In blocks, for pictures of finer noise than that do not fit a chunk.
        blocks = chance.integers(0, 256, (HEIGHT // BLOCK, WIDTH // BLOCK), dtype=np.uint8)
        noise = blocks.repeat(BLOCK, 0).repeat(BLOCK, 1).tobytes() + bytes([128]) * (WIDTH * HEIGHT // 2)
        at = start + number * SECOND // 5
        orders.put(Frame(0, Span(at, at + 1), WIDTH, HEIGHT, noise, whole=True))
    orders.put(Close(start + WAITING * SECOND // 5, "stop"), must=True)
    orders.close()
    began = time.perf_counter()
    recorder.run()
    took = time.perf_counter() - began
    if recorder.stats.frames != WAITING or spool.waiting()[0] < 3:
        raise StageError(f"{recorder.stats.frames} of {WAITING} pictures were drained")
    return took


@contextlib.contextmanager
def load(busy: int) -> Iterator[None]:
    """So many processes that do nothing but use a core."""
    spinning = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(busy)]
    try:
        yield
    finally:
        for process in spinning:
            process.kill()
            process.wait()


def whole(rounds: int, folder: Path, busy: int) -> list[float]:
    """Seconds from SIGTERM to the exit, each of a recorder that was at work."""
    took = []
    with (
        own_display(folder / "display", (WIDTH, HEIGHT)) as stage,
        stage.program("notes", (100, 100)),
        serving(*found(folder), folder) as (store, process),
    ):
        for number in range(rounds):
            with tempfile.TemporaryDirectory(prefix="eyelid-") as pcs:
                with pc(store, stage, Path(pcs) / "pc", {"policy.yaml": POLICY}) as recorded:
                    recorded.wait_for(RecorderState.RECORDING)
                    time.sleep(0.1 * (number % 10))  # not always at the same point of its work
                    os.kill(process.pid, signal.SIGSTOP)
                    try:
                        with load(busy):
                            began = time.perf_counter()
                            recorded.stop()
                            took.append(time.perf_counter() - began)
                    finally:
                        os.kill(process.pid, signal.SIGCONT)
                if entries(Path(pcs) / "pc")[-1]["kind"] != "stop":
                    raise StageError("the account does not end with a stop")
    return took


def main(arguments: Sequence[str] | None = None) -> int:
    parser = harness.parser("ending", __doc__, "2 rounds each", "--rounds 20 --busy 2")
    parser.add_argument("--rounds", type=int, default=10, metavar="N", help="of each (default %(default)s)")
    parser.add_argument("--busy", type=int, default=2, metavar="N", help="processes that use a core (%(default)s)")
    asked = parser.parse_args(arguments)
    rounds = 2 if asked.quick else asked.rounds
    try:
        with tempfile.TemporaryDirectory(prefix="eyelid-") as folder:
            with load(asked.busy):
                drains = [drain_once(Path(folder) / str(number)) for number in range(rounds)]
            wholes = whole(rounds, Path(folder), asked.busy)
    except StageError as error:
        print(f"ending: {error}", file=sys.stderr)
        return 1
    figures = {
        name: {"rounds": len(times), "median_s": round(median(times), 3), "max_s": round(max(times), 3)}
        for name, times in (("drain", drains), ("whole", wholes))
    }
    if asked.json:
        print(json.dumps({"busy": asked.busy, **figures}))
    else:
        for name, of in figures.items():
            print(f"{name:6} {of['rounds']:3} rounds   median {of['median_s']:.3f} s   longest {of['max_s']:.3f} s")
    return 0


if __name__ == "__main__":
    sys.exit(in_order(main))
