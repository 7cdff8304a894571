"""Erasure that is killed and restored over: what came back, and what was deleted that must not be."""

from __future__ import annotations

import random
import sys
from pathlib import Path

from bench import harness
from bench.harness import Said, Say
from bench.tables import drawn
from testkit.interrupts import in_order
from testkit.lifecycle import World
from testkit.played_lifecycle import played

KILLS = {True: 50, False: 500}  # a quick run's, a whole one's


def main() -> int:
    parser = harness.parser("lifecycle", __doc__, "fifty kills instead of five hundred", "--quick --json")
    parser.add_argument("--seed", type=int, default=random.randrange(10**9), help="play that life again")
    asked = parser.parse_args()

    def part(folder: Path, say: Say) -> Said:
        counts, seed = {}, asked.seed
        wrong: list[str] = []
        while counts.get("kills", 0) < KILLS[asked.quick]:  # a life ends when there is nothing left to erase
            for now in played(World.found(folder / f"{seed}"), seed, turns=60):
                say(f"{counts.get('kills', 0) + now.kills} kills")
            counts = {name: counts.get(name, 0) + value for name, value in now.as_json().items()}
            wrong += [f"seed {seed}: {fault}" for fault in now.faults]
            seed += 1
        wrong += [f"{name}: {counts[name]}" for name in ("resurrected", "held_deleted") if counts[name]]
        return Said(
            counts, drawn("Erasure under kill -9", ("what", "times"), [(k, str(v)) for k, v in counts.items()]), wrong
        )

    with harness.folder() as place:
        return harness.play({"": part}, asked, place)


if __name__ == "__main__":
    sys.exit(in_order(main))
