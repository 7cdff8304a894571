"""Whether any frame of a sensitive page is ever kept: real browsers, every transition, and the recording opened.

    scripts/bench leaks [--quick] [--json] [--rounds N] [--only NAME,...] [--browser chromium|firefox]
                        [--setting plain|ticking|picom|monitors] [--busy] [--cost N] [--add FILE] [--dir D]
    scripts/bench leaks --random SEED [--plays N] [--shrink N] [--browser …] [--json] [--add FILE] [--dir D]
    scripts/bench leaks --play JSON [--rounds N]
    scripts/bench leaks --table FILE

A recorder with rules and one without record the same screen at the same time into one store. A watcher of its own says
when something sensitive was in view. What the first one kept must show nothing of it; what the second kept must show
every transition, or nothing was proven. `--add` keeps a run in FILE and prints what all runs there come to.

`--random` composes what is played from a grammar (bench/leaks_cases.py) instead of playing the transitions; with
`--add FILE` it goes on where that seed ended there. What leaked is printed as a line for `--play`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import yaml
from rich.console import Console

from agent.browser.manifests import chromium_id
from agent.control.recorder_state import RecorderState
from bench import harness, leaks_cost, leaks_outcomes, leaks_random
from bench import leaks_account as account
from bench.leaks_account import Run, Span
from bench.leaks_pages import AWAY, HOME
from bench.leaks_play import CASES, FULL, QUICK, Pace, Player, scene, strips
from bench.leaks_random import LOT, Say
from bench.leaks_scene import BOTH, Transition
from bench.leaks_server import STAGEHAND, site
from bench.leaks_table import of_plays, of_runs
from bench.leaks_transitions import TRANSITIONS
from testkit.browsers import STRANGER, gecko_id
from testkit.desktop_settings import SETTINGS, setting
from testkit.fleet import Pc, Store, pc, store, without_rules, zeros
from testkit.interrupts import in_order
from testkit.opened import open_all
from testkit.screen_watch import Watcher, watcher
from testkit.stage import Stage, StageError, busy_cores

RULES: Final[dict[str, Any]] = {
    "schema": 1,
    "revision": 1,
    "name": "Bench of leaks",
    "record_when": "always",
    "unlisted": "record",
    "allow_extensions": [chromium_id(STAGEHAND), gecko_id(STAGEHAND)],
    "rules": [
        {
            "id": "payment-pages",
            "why": "the pages of this bench that are magenta",
            "any": [
                {"url": [f"{HOME}/pay", f"{AWAY}/pay", f"{HOME}/shop#pay"]},
                {"field": ["cc-number", "cc-csc"]},
                {"css": ["#pan", "dialog.pan[open]", ".pan.open"]},
                {"all": [{"url": [f"{HOME}/app/record"]}, {"css": [".record"]}]},
            ],
            "screen": "pause",
        }
    ],
}


def _as_file(policy: Mapping[str, Any]) -> dict[str, str]:
    return {"leaks.yaml": yaml.safe_dump(policy, sort_keys=False) + "...\n"}


POLICY: Final = _as_file(RULES)


def control_policy() -> dict[str, str]:
    """No rule, and nothing that the recorder closes for without a rule."""
    (text,) = without_rules(POLICY).values()
    seen = {"allow_unseen": [{"app": ["*"]}, {"url": ["*"]}]}
    allowed = [*RULES["allow_extensions"], chromium_id(STRANGER), gecko_id(STRANGER)]
    return _as_file({**yaml.safe_load(text), **seen, "allow_extensions": allowed})


def perform(
    transitions: Sequence[Transition], folder: Path, say: Say, *, where: str, pace: Pace, busy: bool = False
) -> Run:
    """Play, record, open, compare. `where`: the setting. Raises StageError when something that has to run does not."""
    with ExitStack() as stack:
        # Short: a local socket's path may have 107 bytes.
        homes = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="eyelid-")))
        stage = stack.enter_context(setting(where, folder / "display"))
        services = stack.enter_context(store(folder))
        with (
            pc(services, stage, homes / "pc", POLICY) as judged,
            pc(services, stage, homes / "control", control_policy()) as bare,
        ):
            for one in (judged, bare):
                one.wait_for(RecorderState.RECORDING)
            with watcher(stage.name, strips(SETTINGS[where]), folder) as watching, busy_cores(2 * busy):
                player = Player(watching, judged, pace)
                _play_all(transitions, player, stage, say)
            for one in (judged, bare):
                shutil.copytree(one.home / "ledger", folder / f"ledger-of-{one.home.name}")
                shutil.copy(one.home / "agent.log", folder / f"{one.home.name}.log")
            (folder / "phases.json").write_text(json.dumps([asdict(phase) for phase in player.phases], indent=1))
        say("opening what was kept")
        with ThreadPoolExecutor() as both:
            kept, control = both.map(lambda one: Kept.of(services, one, folder / one.home.name), (judged, bare))
        return _account(f"{where} busy" if busy else where, player, watching, kept, control)


def _play_all(transitions: Sequence[Transition], player: Player, stage: Stage, say: Say) -> None:
    with site() as web, tempfile.TemporaryDirectory(prefix="eyelid-browsers-") as folder:
        for browser in BOTH:
            waiting = [one for one in transitions if browser in one.browsers]
            while waiting:
                with scene(browser, stage, web, Path(folder), eyes=player.recorder.home) as there:
                    player.begin()
                    while waiting:
                        one = waiting.pop(0)
                        say(f"{browser}: {one.name.replace('_', ' ')} ({len(waiting)} to go)")
                        try:
                            player.play(one, there)
                        except StageError as failure:
                            # What it left behind is unknown: the rest is played with a new browser.
                            player.faults.append(f"{browser}/{one.name}: {failure}")
                            break


@dataclass(frozen=True, slots=True)
class Kept:
    """What a recorder kept, in ns of the PC's clock; `rest`: what it did not, and why not."""

    spans: list[Span]
    rest: list[tuple[Span, str]]
    leaked: list[int]
    unsound: list[str]

    @classmethod
    def of(cls, services: Store, recorded: Pc, folder: Path) -> Kept:
        starts = zeros(recorded.home)
        spans, rest, leaked, unsound = [], [], [], []
        for opened in open_all(services, recorded.device, folder):
            zero = starts[opened.recording]
            for part in opened.timeline["parts"]:
                span = Span(zero + part["from"], zero + part["to"])
                if part["what"] == "kept":
                    spans.append(span)
                else:
                    rest.append((span, " ".join([part["what"], *map(str, part.get("rules", ()))])))
            if opened.videos:
                leaked += [zero + int(at * account.SECOND) for at in opened.counted.leaked]
            if not opened.verified:
                unsound.append(f"recording {opened.recording} does not verify")
        return cls(spans, rest, leaked, unsound)


def _account(name: str, player: Player, watching: Watcher, kept: Kept, control: Kept) -> Run:
    edges = watching.edges()
    shown = [(came, went) for came, went in itertools.pairwise([*edges, *edges[-1:]]) if came.shown]
    found = account.intervals([Span(came.at, went.at) for came, went in shown], player.phases)
    # For certain in view: from the end of the look that first saw it to the start of the last one that did.
    account.measure(found, kept.spans, [Span(came.at + came.took, went.at - went.gap) for came, went in shown])
    account.charge(found, kept.leaked, control=False)
    account.charge(found, control.leaked, control=True)
    shares: dict[str, list[tuple[float, float]]] = {}
    lost: dict[str, list[dict[str, float]]] = {}
    for phase in player.phases:
        if phase.least is not None:
            whole = Span(phase.start, phase.end)
            shares.setdefault(phase.key, []).append((account.share(kept.spans, whole), phase.least))
            lost.setdefault(phase.key, []).append(account.lost(kept.rest, whole))
    return Run(
        setting=name,
        intervals=found,
        shares=shares,
        lost=lost,
        looks=watching.looks(),
        faults=[*player.faults, *kept.unsound, *control.unsound],
        unplaced=0 if found else len(kept.leaked),
    )


def _runs(path: Path) -> list[Run]:
    return [Run.from_json(run) for run in harness.runs_in(path)]


def main() -> int:
    arguments = _parser().parse_args()
    console = Console(stderr=True)
    if arguments.table is not None:
        return _judge(arguments.table, console)
    with harness.folder(arguments.dir) as folder:
        try:
            if arguments.random is None and arguments.play is None:
                return _play_transitions(arguments, folder, console)
            return _play_cases(arguments, folder, console)
        except (StageError, ValueError) as failure:
            console.print(str(failure), markup=False)
            return 1


def _judge(path: Path, console: Console) -> int:
    if leaks_random.are_in(path):
        played = leaks_outcomes.kept(path)
        figures, faults = of_plays(played), leaks_outcomes.faults(played)
    else:
        runs = _runs(path)
        figures, faults = of_runs(runs), account.faults(runs)
    print(figures.markdown())
    return harness.tell(faults, console)


def _play_transitions(arguments: argparse.Namespace, folder: Path, console: Console) -> int:
    browsers = BOTH if arguments.browser is None else (arguments.browser,)
    chosen = [
        replace(one, browsers=played)
        for one in TRANSITIONS
        if arguments.setting in one.stages and (not arguments.only or one.name in arguments.only)
        if (played := [name for name in (one.quick if arguments.quick else one.browsers) if name in browsers])
    ]
    if not chosen:
        harness.tell(["nothing to play: no transition fits --only, --browser and --setting"], console)
        return 2
    pace, all_of_it = (QUICK, chosen) if arguments.quick else (FULL, chosen * arguments.rounds)
    with console.status("starting") as status:
        run = perform(all_of_it, folder, status.update, where=arguments.setting, pace=pace, busy=arguments.busy)
        if arguments.cost:
            run.cost_percent = leaks_cost.measure(POLICY, control_policy(), arguments.cost, status.update)
    harness.keep(arguments.add, [asdict(run)])
    of_runs([run] if arguments.add is None else _runs(arguments.add)).show(as_json=arguments.json)
    return harness.tell(account.faults([run]), console)


def _play_cases(arguments: argparse.Namespace, folder: Path, console: Console) -> int:
    if arguments.only or arguments.busy or arguments.cost:
        harness.tell(["--only, --busy and --cost are for transitions; a case has a load of its own"], console)
        return 2
    lots = itertools.count()

    def perform_lot(transitions: Sequence[Transition], say: Say) -> Run:
        place = folder / f"lot-{next(lots)}"
        place.mkdir()
        run = perform(transitions, place, say, where=arguments.setting, pace=CASES)
        if arguments.dir is None:
            shutil.rmtree(place)
        return run

    return leaks_random.play(arguments, perform_lot, console)


def _parser() -> argparse.ArgumentParser:
    parser = harness.parser("leaks", __doc__, "a dozen transitions in both browsers, at most 90 seconds")
    parser.add_argument("--rounds", type=int, default=1, metavar="N", help="how often each is played")
    names = harness.some_of(sorted({one.name for one in TRANSITIONS}))
    parser.add_argument("--only", type=names, metavar="NAME,...", help="these transitions alone")
    parser.add_argument("--browser", choices=BOTH)
    parser.add_argument("--setting", choices=SETTINGS, default="plain", help="where it is played (default %(default)s)")
    parser.add_argument("--busy", action="store_true", help="while two processes keep both cores busy")
    parser.add_argument("--cost", type=int, default=0, metavar="N", help="also what it costs, N times (75 s each)")
    harness.add_runs(parser)
    harness.add_folder(parser)
    parser.add_argument("--random", type=int, metavar="SEED", help="play cases drawn from this seed, not transitions")
    parser.add_argument("--plays", type=int, default=LOT, metavar="N", help="so many of them (default %(default)s)")
    shrink = "shrink so many that leaked (default 1; 0 with --play or --quick)"
    parser.add_argument("--shrink", type=int, metavar="N", help=shrink)
    cases = "play this case, or those in this file"
    parser.add_argument("--play", type=leaks_random.cases_in, metavar="JSON", help=cases)
    return parser


if __name__ == "__main__":
    sys.exit(in_order(main))
