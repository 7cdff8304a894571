"""Erasure that is killed and restored over: what came back, and what was deleted that must not be."""

from __future__ import annotations

import sys
from pathlib import Path

from bench import harness, tables
from bench.harness import Said, Say
from testkit.interrupts import in_order
from testkit.played_lifecycle import lives

KILLS = {True: 50, False: 500}  # a quick run's, and a whole one's


def main() -> int:
    asked = harness.parser("lifecycle", __doc__, "fifty kills instead of five hundred", "--quick --json").parse_args()

    def part(folder: Path, say: Say) -> Said:
        counts = lives(folder, KILLS[asked.quick], say)
        facts = counts.as_json()
        wrong = [*counts.faults, *(f"{name}: {facts[name]}" for name in ("resurrected", "held_deleted") if facts[name])]
        return Said(facts, tables.facts("Erasure under kill -9", facts), wrong)

    return harness.play_alone(part, asked)


if __name__ == "__main__":
    sys.exit(in_order(main))
