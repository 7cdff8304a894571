"""Erasure that is killed and restored over: what came back, and what was deleted that must not be."""

from __future__ import annotations

import random
import sys
from collections import Counter
from pathlib import Path

from bench import harness
from bench.harness import Said, Say
from bench.tables import drawn
from testkit.interrupts import in_order
from testkit.lifecycle import World
from testkit.played_lifecycle import played

KILLS = {True: 50, False: 500}  # a quick run's, and a whole one's


def main() -> int:
    asked = harness.parser("lifecycle", __doc__, "fifty kills instead of five hundred", "--quick --json").parse_args()

    def part(folder: Path, say: Say) -> Said:
        whole, wrong = Counter[str](), list[str]()
        while whole["kills"] < KILLS[asked.quick]:  # a life ends when there is little left to erase
            seed = random.randrange(10**9)
            *_, counts = played(World.found(folder / f"{seed}"), seed, turns=60)
            whole.update(counts.as_json())
            wrong += [f"seed {seed}: {fault}" for fault in counts.faults]
            say(f"{whole['kills']} kills")
        wrong += [f"{name}: {whole[name]}" for name in ("resurrected", "held_deleted") if whole[name]]
        table = drawn("Erasure under kill -9", ("what", "times"), [(name, str(whole[name])) for name in whole])
        return Said(dict(whole), table, wrong)

    with harness.folder() as place:
        return harness.play({"": part}, asked, place)


if __name__ == "__main__":
    sys.exit(in_order(main))
