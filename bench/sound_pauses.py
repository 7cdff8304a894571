"""bench/sound: whether anything said while a sensitive window is in view is kept, on real sound servers."""

from __future__ import annotations

import argparse
import json
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
from rich.console import Group
from rich.json import JSON

from bench import harness
from bench import sound_account as account
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
from bench.sound_rig import LISTENING, Said, Say, desk, sound_open
from bench.sound_signals import now
from bench.sound_table import markdown as markdown  # noqa: PLC0414 - of these runs, for bench/sound
from bench.sound_table import table
from bench.sound_window import NAME
from store.evidence.film.opus import samples_of
from testkit.fleet import DEAF, Pc, Store, store, zeros
from testkit.interrupts import interrupts_told
from testkit.opened import OpenedRecording, open_all
from testkit.sounds import SoundServer
from testkit.stage import StageError

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
NOT_LISTENING: Final = {"audio": DEAF}
OPEN: Final = 15.0  # seconds until the sound's lid must be open again
BEAT: Final = 0.05

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
    with desk(kind, folder) as made, made.stage.program("notes", (20, 20), still=True):
        server, homes = made.server, made.homes
        with ExitStack() as recorders:
            ruled, control, *deaf = (
                recorders.enter_context(made.recorder(services, policy, name, settings))
                for name, policy, settings in (
                    ("ruled", RULED, LISTENING),
                    ("control", CONTROL, LISTENING),
                    ("deaf", CONTROL, NOT_LISTENING),
                )[: 3 if plan.costs else 2]
            )
            with Till(made.stage.environment) as till:
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
        starts = {**zeros(ruled.home), **zeros(control.home)}
        opened = {one.device: open_all(services, one.device, folder / one.home.name) for one in (ruled, control)}
        costs = {
            **used_more(used, minutes),
            "mb_per_h": round(
                mb_per_hour({one.folder / "sound.mp4": starts[one.recording] for one in opened[control.device]}, talk),
                2,
            ),
        }
        kept, bare = (_kept(opened[one.device], starts) for one in (ruled, control))
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
    while not all(map(sound_open, recorders)) and time.monotonic() < deadline:
        time.sleep(BEAT)


def _hears(recorder: Pc) -> bool:
    status = recorder.status()
    sound = None if status is None else status["sound"]
    ends = () if sound is None else (sound["microphone"], sound["far_end"])
    return bool(ends) and all(end["heard_ago_s"] is not None for end in ends)


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


def measure(asked: argparse.Namespace, kinds: list[str], folder: Path, say: Say) -> list[Run]:
    plan = QUICK if asked.quick else Plan(asked.spans, asked.minutes, asked.rounds)
    with store(folder) as services:
        return on_all(kinds, lambda kind, say: perform(kind, plan, services, folder / kind, say), say)


def said(runs: Sequence[Run]) -> Said:
    total = account.total(runs)
    return Said(total, Group(table(runs), JSON.from_data(total)), faults(runs), beyond(runs))


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


def runs_in(path: Path) -> list[Run]:
    return [Run.from_json(run) for run in harness.runs_in(path)]
