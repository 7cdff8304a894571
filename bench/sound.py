"""Whether anything said while a sensitive window is in view is kept: real sound servers, and the recording opened.

    scripts/bench sound [--quick] [--json] [--server pulseaudio|pipewire] [--spans N] [--minutes M] [--rounds N]
                        [--add FILE] [--dir D]
    scripts/bench sound --table FILE
    scripts/bench sound --talk

Speech is played to both ends of a call, and a window that a rule closes for comes and goes. Each time it is in view a
marker of its own is played, and never else: what a recorder with the rule kept must have none of them, and what one
without it kept must have every one, or nothing was proven. Then devices go and come (`--rounds` times), while the
window is out of view, and again while it is in view. `--add` keeps a run in FILE and prints what all runs there come
to. `--talk`: what an ordinary call takes, with turns and pauses.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Final, TypeVar

import numpy as np
from rich.console import Console

from agent.control.status import RecorderState
from bench import sound_account as account
from bench.fleet import DEAF, Pc, Store, pc, store
from bench.interrupts import in_order, interrupts_told
from bench.opened import OpenedRecording, open_all
from bench.sound_account import RATE, SECOND, Kept, Run, Span
from bench.sound_cost import Meter, mb_per_hour, used_more
from bench.sound_faults import beyond, faults
from bench.sound_play import (
    AFTER,
    CASES,
    CLEAN,
    MARKED,
    Event,
    Till,
    beeping,
    hot_plug,
    hot_plug_in_view,
    marked,
    talking,
)
from bench.sound_table import markdown, table
from bench.sound_talk import talk, told
from bench.sound_window import NAME
from bench.stage import StageError, own_display
from bench.sync_signals import now
from bench.tables import kept_runs
from protocol.ledger import parse_line
from store.evidence.film.opus import samples_of
from tests.stage.sounds import NEEDED, SoundServer, missing, sound_server

POLICY: Final = """schema: 1
revision: 1
name: Bench of sound
rules:
  - id: till
    why: the window of this bench
    any:
      - app: [{app}]
    screen: record
    audio: {{ pause: shown, lead: 0s }}
...
"""
RULED: Final = {"sound.yaml": POLICY.format(app=NAME)}
CONTROL: Final = {"sound.yaml": POLICY.format(app="no-such-app")}
LISTENING: Final = {"audio": {"microphone": "default", "far_end": "default"}}
NOT_LISTENING: Final = {"audio": DEAF}
OPEN: Final = 15.0  # seconds until the sound's lid must be open again
BEAT: Final = 0.05

Say = Callable[[str], None]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run plays: so many spans, and for at least so many minutes; devices go and come `rounds` times.

    `cases`: while the window is out of view. `in_view`: while it is in view. `clean`: seconds between two windows.
    `costs`: whether a recorder without sound runs beside, for what sound costs.
    """

    spans: int
    minutes: float
    rounds: int
    cases: Sequence[str] = tuple(CASES)
    in_view: Sequence[str] = tuple(CASES)
    clean: float = CLEAN
    costs: bool = True


QUICK: Final = Plan(2, 0, 1, (), ("unplug", "replug"), clean=2.5, costs=False)


def perform(kind: str, plan: Plan, services: Store, folder: Path, say: Say) -> Run:
    """Play, record, open, compare on one sound server. Raises StageError when something that has to run does not."""
    with ExitStack() as stack:
        # Short: a local socket's path may have 107 bytes.
        homes = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="eyelid-")))
        server = stack.enter_context(sound_server(kind, homes / "s"))
        stage = stack.enter_context(own_display(folder / "display"))
        stack.enter_context(stage.program("notes", (20, 20), still=True))
        more = {"PULSE_SERVER": server.address}
        with ExitStack() as recorders:
            ruled, control, *deaf = (
                recorders.enter_context(pc(services, stage, homes / name, policy, settings=settings, more=more))
                for name, policy, settings in (
                    ("ruled", RULED, LISTENING),
                    ("control", CONTROL, LISTENING),
                    ("deaf", CONTROL, NOT_LISTENING),
                )[: 3 if plan.costs else 2]
            )
            with Till(stage.environment) as till:
                with talking(server, homes), beeping(server) as beeps:
                    ruled.recorder.until(lambda: _hears(ruled), "it heard both ends of the call")
                    control.recorder.until(lambda: _hears(control), "it heard both ends of the call")
                    meters = [Meter(one) for one in (control, *deaf)]
                    began = now()
                    spans = _play(server, till, plan, (ruled, control), say)
                    talk = Span(began, now())
                    used = [meter.read() for meter in meters]
                    plain = len(spans)
                events = []
                for _ in range(plan.rounds):
                    events += hot_plug(server, plan.cases, say)
                    for case in plan.in_view:
                        say(f"{server.kind}: {case}, in view")
                        _until_open((ruled, control), plan.clean)
                        span, event = hot_plug_in_view(server, case, till, len(spans), homes)
                        spans.append(span)
                        events.append(event)
                time.sleep(plan.clean)
                ended = now()
        minutes = (talk.hidden - talk.shown) / SECOND / 60
        played = {
            "spans": [asdict(one) for one in spans],
            "events": [asdict(one) for one in events],
            "beeps": [asdict(one) for one in beeps],
        }
        (folder / "play.json").write_text(json.dumps(played, indent=1))
        say(f"{kind}: opening what was kept")
        zeros = {**_zeros(ruled.home), **_zeros(control.home)}
        opened = {one.device: open_all(services, one.device, folder / one.home.name) for one in (ruled, control)}
        costs = {
            **used_more(used, minutes),
            "mb_per_h": round(
                mb_per_hour({one.folder / "sound.mp4": zeros[one.recording] for one in opened[control.device]}, talk), 2
            ),
        }
        kept, bare = (_kept(opened[one.device], zeros) for one in (ruled, control))
        run = Run(kind, round(minutes, 1), spans, costs=costs, planned=plan.spans)
        run.offsets = [round(one, 2) for one in account.offsets(bare, beeps)]
        run.talk = {
            name: account.talk_heard(sound, talk, spans[:plain]) for name, sound in (("ruled", kept), ("control", bare))
        }
        account.measure(run.spans, kept, began, ended)
        return _account(run, kept, bare, events, opened)


def _account(
    run: Run, kept: list[Kept], control: list[Kept], events: Sequence[Event], opened: dict[str, list[OpenedRecording]]
) -> Run:
    run.faults += account.charge(run.spans, kept, control)
    for event in events:
        took = account.recovered(control, event.channel, event.hertz, event.at)
        run.recoveries.setdefault(event.case, []).append(None if took is None else round(took, 3))
    run.faults += [
        f"recording {one.recording} does not verify"
        for several in opened.values()
        for one in several
        if not one.verified
    ]
    return run


def _play(server: SoundServer, till: Till, plan: Plan, recorders: tuple[Pc, Pc], say: Say) -> list[Span]:
    spans: list[Span] = []
    began = time.monotonic()
    while len(spans) < plan.spans or time.monotonic() - began < 60 * plan.minutes:
        say(f"{server.kind}: span {len(spans) + 1} of {plan.spans}")
        _until_open(recorders, plan.clean)
        shown = till.show()
        marked(server, len(spans), recorders[0].home)
        time.sleep(AFTER)
        spans.append(Span(shown, till.hide(), played=1000 * MARKED))
    time.sleep(plan.clean)
    return spans


def _until_open(recorders: tuple[Pc, Pc], clean: float) -> None:
    """At least `clean` seconds after the window before. The control, too: a marker that it misses has tried nothing."""
    time.sleep(clean)
    deadline = time.monotonic() + OPEN
    while not all(map(_open, recorders)) and time.monotonic() < deadline:
        time.sleep(BEAT)


def _open(recorder: Pc) -> bool:
    status = recorder.status()
    return status is not None and status["sound"]["state"] == RecorderState.RECORDING


def _hears(recorder: Pc) -> bool:
    status = recorder.status()
    sound = None if status is None else status["sound"]
    ends = () if sound is None else (sound["microphone"], sound["far_end"])
    return bool(ends) and all(end["heard_ago_s"] is not None for end in ends)


def _zeros(home: Path) -> dict[str, int]:
    """Recording -> where its time begins, by the ledger that this PC wrote."""
    lines = [
        parse_line(line, seq=0)
        for segment in sorted(home.joinpath("ledger").glob("segment-*"))
        for line in segment.read_bytes().rstrip(b"\0").splitlines()
    ]
    return {str(line["recording"]): int(str(line["zero"])) for line in lines if line["kind"] == "recording-open"}


def _kept(opened: Sequence[OpenedRecording], zeros: dict[str, int]) -> list[Kept]:
    found = [Kept(zeros[one.recording] + at * SECOND // RATE, sound) for one in opened for at, sound in _stretches(one)]
    return sorted(found, key=lambda one: one.at)


def _stretches(opened: OpenedRecording) -> Iterator[tuple[int, account.Sound]]:
    """(place of the first sample since the recording's zero, both channels) of each stretch without a gap."""
    parts: list[account.Sound] = []
    start = end = 0
    for at, samples in samples_of(opened.folder / "sound.mp4"):
        if parts and abs(at - end) > 1:
            yield start, np.concatenate(parts, axis=1)
            parts = []
        if not parts:
            start = at
        parts.append(samples.T.astype(np.float32) / np.float32(32_768))
        end = at + len(samples)
    if parts:
        yield start, np.concatenate(parts, axis=1)


def main() -> int:
    arguments = _parser().parse_args()
    console = Console(stderr=True)
    if arguments.table is not None:
        runs = runs_in(arguments.table)
        print(markdown(runs))
        return judged(runs, console)
    if arguments.talk:
        with tempfile.TemporaryDirectory(prefix="eyelid-sound-") as passing:
            print(told(talk(Path(passing))))
        return 0
    kinds = sorted(NEEDED) if arguments.server is None else [arguments.server]
    if lacking := [why for kind in kinds if (why := missing(kind))]:
        console.print("; ".join(lacking), markup=False)
        return 1
    plan = QUICK if arguments.quick else Plan(arguments.spans, arguments.minutes, arguments.rounds)
    with tempfile.TemporaryDirectory(prefix="eyelid-sound-") as passing:
        folder = arguments.dir or Path(passing)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with console.status("starting") as status, store(folder) as services:
                runs = on_all(kinds, lambda kind, say: perform(kind, plan, services, folder / kind, say), status.update)
        except StageError as failure:
            console.print(str(failure), markup=False)
            return 1
    shown = runs
    if arguments.add is not None:
        with arguments.add.open("a", encoding="ascii") as file:
            for run in runs:
                print(json.dumps(run.to_json()), file=file)
        shown = runs_in(arguments.add)
    if arguments.json:
        print(json.dumps(account.total(shown)))
    else:
        Console().print(table(shown))
        Console().print_json(json.dumps(account.total(shown)))
    return judged(runs, console, quick=arguments.quick)


def on_all(kinds: Sequence[str], perform_on: Callable[[str, Say], Run], say: Say) -> list[Run]:
    """All at once. A fault on one, or an interrupt, ends the others as soon as they have something to say: within
    seconds, but for the minute in which a recording is opened."""
    over = threading.Event()
    news: SimpleQueue[Future[Run] | None] = SimpleQueue()  # what has ended; None for an interrupt

    def still(text: str) -> None:
        if over.is_set():
            raise StageError("ended before its time")
        say(text)

    with interrupts_told(lambda: news.put(None)), ThreadPoolExecutor(len(kinds)) as servers:
        try:
            runs = [servers.submit(perform_on, kind, still) for kind in kinds]
            for run in runs:
                run.add_done_callback(news.put)
            for _ in runs:
                ended = _next(news)
                if ended is None:
                    raise KeyboardInterrupt
                ended.result()
            return [run.result() for run in runs]
        finally:
            over.set()


def _next(news: SimpleQueue[T]) -> T:
    """A signal that comes just before a thread begins to wait does not wake it; so none waits for long."""
    while True:
        with suppress(Empty):
            return news.get(timeout=1)


def judged(runs: Sequence[Run], console: Console, *, quick: bool = False) -> int:
    """Exit status. A quick run is a test, and no test judges by how busy its machine is."""
    untrue, missed = faults(runs), beyond(runs)
    for fault in untrue:
        console.print(fault, style="bold red", markup=False, highlight=False)
    for bound in missed:
        console.print(bound, style="yellow" if quick else "bold red", markup=False, highlight=False)
    return 1 if untrue or (missed and not quick) else 0


def runs_in(path: Path) -> list[Run]:
    return [Run.from_json(json.loads(line)) for line in path.read_text("ascii").splitlines()]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/bench sound",
        description=__doc__,
        epilog="example: scripts/bench sound --spans 100 --add runs.jsonl",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="two spans on each server, and two with devices")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument("--server", choices=sorted(NEEDED), help="one of the two (default: both at once)")
    parser.add_argument("--spans", type=int, default=100, metavar="N", help="on each server (default %(default)s)")
    parser.add_argument("--minutes", type=float, default=0, metavar="M", help="go on for so long at least")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="how often devices go and come")
    parser.add_argument("--add", type=Path, metavar="FILE", help="keep this run in FILE and show all of them together")
    parser.add_argument(
        "--table", type=kept_runs, metavar="FILE", help="print the runs in it as Markdown, play nothing"
    )
    parser.add_argument("--talk", action="store_true", help="say what an ordinary call takes, play nothing")
    parser.add_argument(
        "--dir", type=Path, metavar="D", help="a new folder for store, recordings and logs, to look into"
    )
    return parser


if __name__ == "__main__":
    sys.exit(in_order(main))
