"""Does a test notice when the proof is wrong? Each comparison, constant and condition is changed in turn.

A mutant that survives is a place where the proof, the matching of rules, or who may open and how long something is
kept (review/governance) could be loosened without a test failing.
Each has to be caught by a test, or listed in bench/mutants_equivalent.yaml with the reason why it changes nothing that
can be seen. The list must not hold what is caught or is not there any more, nor more than 2 % of all mutants.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

import yaml
from rich.console import Console

from bench import harness, mutants_run
from bench.mutants_changes import ROOT, Mutant, Place, mutants
from bench.tables import drawn
from testkit.interrupts import in_order

PACKAGES: Final = ("agent.core.matching", "agent.core.proof")
# Which released time is kept is the account's, and as much a law as the proof. So is all of governance.
BESIDES: Final = (
    "agent.core.account.kept_span",
    *(
        f"review.governance.{name}"
        for name in (
            "cautions",
            "decide",
            "diff",
            "examples",
            "keys",
            "model",
            "parse",
            "reading",
            "retention",
            "times",
            "words",
        )
    ),
)
LIST: Final = Path(__file__).with_name("mutants_equivalent.yaml")
AT_MOST: Final = 0.02  # of all mutants may be listed
QUICK_WHOLE: Final = ("agent.core.proof.clearance", "agent.core.proof.gate")
QUICK_EACH: Final = 25  # of every other module one mutant in so many
QUICK_RULES: Final = 75  # of governance


def subjects() -> list[str]:
    found = [
        f"{package}.{file.stem}"
        for package in PACKAGES
        for file in sorted((ROOT / package.replace(".", "/")).glob("*.py"))
        if file.stem != "__init__"
    ]
    return [*found, *BESIDES]


def stages(module: str) -> mutants_run.Stages:
    """A module's own tests (`test_url*.py` for `url`), then all others of its package, and the slow ones last."""
    package, _, name = module.removeprefix("agent.").rpartition(".")
    folder = ROOT.joinpath("tests", *package.split("."))
    every = sorted(folder.glob("test_*.py"))
    own = [file for file in every if file.stem == f"test_{name}" or file.stem.startswith(f"test_{name}_")]
    others = [file for file in every if file not in own]
    kinds = [("not slow", own), ("not slow", others), ("slow", every)]
    return [["-m", kind, *(str(file.relative_to(ROOT)) for file in files)] for kind, files in kinds if files]


def listed(file: Path = LIST) -> dict[Place, str]:
    """Each mutant that is equivalent, with the reason why."""
    found: dict[Place, str] = {}
    for module, entries in (yaml.safe_load(file.read_text(encoding="utf-8")) or {}).items():
        for entry in entries:
            place = Place(module, entry.get("in", ""), entry["was"], entry["now"], entry.get("nth", 1))
            if place in found or not entry["why"]:
                raise SystemExit(f"{file.name}: {place} is there twice or without a reason")
            found[place] = entry["why"]
    return found


def entries(places: Iterable[Place]) -> str:
    """As the list has them, without a reason."""
    written: dict[str, list[dict[str, object]]] = {}
    for place in places:
        entry: dict[str, object] = {"in": place.inside, "was": place.was, "now": place.now}
        written.setdefault(place.module, []).append(entry | ({"nth": place.nth} if place.nth > 1 else {}) | {"why": ""})
    return yaml.safe_dump(written, sort_keys=False, width=1000, allow_unicode=True)


@dataclass
class MutantsTried:
    """`every`: each mutant of the modules asked about; `tried`: which of them, and whether it survived."""

    every: Sequence[Mutant]
    equivalent: Mapping[Place, str]
    tried: dict[Mutant, bool] = field(default_factory=dict)

    @property
    def survived(self) -> list[Mutant]:
        return [mutant for mutant, survived in self.tried.items() if survived and mutant.place not in self.equivalent]

    @property
    def stale(self) -> list[Place]:
        """Entries of the list without a mutant, or whose mutant is caught."""
        there = {mutant.place for mutant in self.every}
        caught = {mutant.place for mutant, survived in self.tried.items() if not survived}
        return [place for place in self.equivalent if place not in there or place in caught]

    @property
    def too_many(self) -> bool:
        return len(self.equivalent) > AT_MOST * len(self.every)

    @property
    def well(self) -> bool:
        return not (self.survived or self.stale or self.too_many)

    def as_json(self) -> dict[str, object]:
        return {
            "modules": self.figures(),
            "survived": [asdict(mutant.place) for mutant in self.survived],
            "stale": [asdict(place) for place in self.stale],
        }

    def figures(self) -> dict[str, dict[str, int]]:
        """By module, and of all."""
        found: dict[str, dict[str, int]] = {}
        for name in (*dict.fromkeys(mutant.place.module for mutant in self.every), "all"):
            mine = [mutant for mutant in self.every if name in {mutant.place.module, "all"}]
            tried = [mutant for mutant in mine if mutant in self.tried]
            found[name] = {
                "mutants": len(mine),
                "tried": len(tried),
                "caught": sum(not self.tried[mutant] for mutant in tried),
                "equivalent": sum(mutant.place in self.equivalent for mutant in mine),
                "survived": sum(mutant in self.survived for mutant in mine),
            }
        return found


def chosen(every: Sequence[Mutant], equivalent: Mapping[Place, str], *, quick: bool) -> list[Mutant]:
    """All, or the same few in each quick run: what the list has would run longest and is looked at in whole runs."""
    if not quick:
        return list(every)
    found: list[Mutant] = []
    for module in dict.fromkeys(mutant.place.module for mutant in every):
        mine = [mutant for mutant in every if mutant.place.module == module and mutant.place not in equivalent]
        each = QUICK_RULES if module.startswith("review.") else QUICK_EACH
        few = len(mine) if module in QUICK_WHOLE else len(mine) // each or 1
        found += random.Random(module).sample(mine, few)  # the same each time
    return found


def measure(outcome: MutantsTried, tries: Sequence[Mutant], jobs: int, *, quick: bool) -> None:
    """Raises SystemExit where tests fail without any change: they would catch every mutant, and prove nothing."""
    modules = {mutant.place.module: mutant.place.module.rpartition(".")[0] for mutant in tries}
    first = {package: module for module, package in reversed(modules.items())}
    for module in first.values():
        mutants_run.preload(mutants_run.loaded_by(stages(module)[0]))
    # Put in place as a mutant is, but unchanged: one module of each package with all tests, the others with their own.
    same = [
        mutants_run.Trial(module, None, stages(module)[: None if module in first.values() and not quick else 1], 3600)
        for module in modules
    ]
    took: dict[str, float] = {}
    for trial, passed, cpu in mutants_run.tried(same, jobs):
        if not passed:
            what = trial.module
            raise SystemExit(f"the tests of {what} fail without any change, so they say nothing about mutants")
        took[modules[trial.module]] = max(took.get(modules[trial.module], 0.0), cpu)
    longest = {module: 120.0 if quick else 2 * took[package] + 5 for module, package in modules.items()}
    began = time.monotonic()
    by_number = {(mutant.place.module, mutant.number): mutant for mutant in tries}
    trials = (mutants_run.Trial(module, number, stages(module), longest[module]) for module, number in by_number)
    for done, (trial, passed, _) in enumerate(mutants_run.tried(trials, jobs), 1):
        mutant = by_number[trial.module, trial.number or 0]
        outcome.tried[mutant] = passed
        left = (time.monotonic() - began) / done * (len(tries) - done)
        what = "caught" if not passed else "equivalent" if mutant.place in outcome.equivalent else "SURVIVED"
        print(f"{done}/{len(tries)}, {left / 60:.0f} min left: {what}  {mutant}", file=sys.stderr)


def show(outcome: MutantsTried) -> None:
    every = outcome.figures()
    lines = [(name.removeprefix("agent.core."), *map(str, figures.values())) for name, figures in every.items()]
    Console().print(drawn("What a test notices", ("module", *every["all"]), lines))
    if outcome.survived:
        print("no test notices, and the list does not have:\n" + entries(one.place for one in outcome.survived))
    if outcome.stale:
        print(f"{LIST.name} has what is caught, or is not there any more:\n" + entries(outcome.stale))
    if outcome.too_many:
        print(f"{LIST.name} has {len(outcome.equivalent)} of {len(outcome.every)} mutants, more than {AT_MOST:.0%}")


def main() -> int:
    whole = " and ".join(module.rpartition(".")[2] for module in QUICK_WHOLE)
    quick = (
        f"all mutants of {whole} and one in {QUICK_EACH} of every other module, the same each time: a minute on two "
        "cores. All of them, without --quick, take a quarter of an hour"
    )
    parser = harness.parser("mutants", __doc__, quick, "--only matching.url --line 60-80")
    parser.add_argument("--only", metavar="MODULE,...", help="these modules, such as matching.url or just url")
    parser.add_argument("--line", metavar="N[-M]", type=_lines, help="the mutants of these lines")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), metavar="N", help="so many at once")
    arguments = parser.parse_args()
    modules = subjects()
    if arguments.only:
        names = arguments.only.split(",")
        modules = [module for module in modules if any(f".{module}".endswith(f".{name}") for name in names)]
        if len(modules) < len(names):
            parser.error(f"--only takes {', '.join(module.removeprefix('agent.core.') for module in subjects())}")
    every = [mutant for module in subjects() for mutant in mutants(module)]
    outcome = MutantsTried(every, listed())
    asked = [one for one in every if one.place.module in modules and (not arguments.line or one.line in arguments.line)]
    measure(outcome, chosen(asked, outcome.equivalent, quick=arguments.quick), arguments.jobs, quick=arguments.quick)
    if arguments.json:
        print(json.dumps(outcome.as_json()))
    else:
        show(outcome)
    return 0 if outcome.well else 1


def _lines(text: str) -> range:
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


if __name__ == "__main__":
    sys.exit(in_order(main))
