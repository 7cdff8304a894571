"""bench/sound: whether anything said while a sensitive window is in view is kept, on real sound servers."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Final

import numpy as np
from rich.markdown import Markdown

from bench import sound_account as account
from bench.harness import Said, Say
from bench.sound_account import SECOND, Kept, Span
from bench.sound_play import AFTER, CASES, CLEAN, MARKED, NAME, Event, Till, a_till, beeping, hot_plug, marked
from bench.sound_runs import Run, beyond, faults, markdown, total
from store.evidence.film.opus import samples_of
from testkit.calls import desk, hears, policy, sound_open
from testkit.flashes import now
from testkit.fleet import DEAF, Pc, Store, store, zeros
from testkit.interrupts import interrupts_told
from testkit.listening import packets_of
from testkit.opened import OpenedRecording, open_all
from testkit.process_use import used
from testkit.sounds import RATE, SINKS, SoundServer, played
from testkit.speech import talking
from testkit.stage import StageError
from testkit.waits import came

RULED: Final = policy(NAME)
CONTROL: Final = policy("no-such-app")
OPEN: Final = 15.0  # seconds until the sound's lid must be open again


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
    with desk(kind, folder) as made, made.stage.program("notes", (20, 20), still=True), ExitStack() as stack:
        server, homes = made.server, made.homes
        ruled, control = (
            stack.enter_context(made.recorder(services, policy, name))
            for name, policy in (("ruled", RULED), ("control", CONTROL))
        )
        both, compared = (ruled, control), [control]
        if plan.costs:
            compared.append(stack.enter_context(made.recorder(services, CONTROL, "deaf", {"audio": DEAF})))
        with a_till(made.stage) as till:
            with talking(server, homes), beeping(server) as beeps:
                for one in both:
                    one.recorder.until(lambda one=one: hears(one), "it heard both ends of the call")  # type: ignore[misc]
                before = [used(one.recorder.pid) for one in compared]
                began = now()
                spans = _play(server, till, plan, both, say)
                talk = Span(began, now())
                after = [used(one.recorder.pid) for one in compared]
            alone = list(spans)
            events: list[Event] = []
            for case, in_view in plan.rounds * [*product(plan.cases, [False]), *product(plan.in_view, [True])]:
                say(f"{kind}: {case}{', in view' * in_view}")
                if in_view:
                    _until_open(both, plan.clean)
                event, span = hot_plug(server, case, homes, till if in_view else None, len(spans))
                events.append(event)
                spans += [span] if span else []
            time.sleep(plan.clean)
            ended = now()
        for one in (*both, *compared[1:]):
            one.stop()
        say(f"{kind}: opening what was kept")
        starts = {**zeros(ruled.home), **zeros(control.home)}
        opened, bare_opened = (open_all(services, one.device, folder / one.home.name) for one in both)
    kept, bare = _kept(opened, starts), _kept(bare_opened, starts)
    minutes = (talk.hidden - talk.shown) / SECOND / 60
    files = {one.folder / "sound.mp4": starts[one.recording] for one in bare_opened}
    account.measure(spans, kept, began, ended)
    run = Run(
        kind,
        round(minutes, 1),
        spans,
        offsets=[round(one, 2) for one in account.offsets(bare, beeps)],
        costs={**used_more(before, after, minutes), "mb_per_h": round(mb_per_hour(files, talk), 2)},
        faults=account.charge(spans, kept, bare),
        planned=plan.spans,
        talk={name: account.talk_heard(each, talk, alone) for name, each in (("ruled", kept), ("control", bare))},
    )
    for event in events:
        took = account.recovered(bare, event.channel, event.hertz, event.at)
        run.recoveries.setdefault(event.case, []).append(None if took is None else round(took, 3))
    unsound = [one.recording for one in (*opened, *bare_opened) if not one.verified]
    run.faults += [f"recording {one} does not verify" for one in unsound]
    return run


def _play(server: SoundServer, till: Till, plan: Plan, recorders: tuple[Pc, Pc], say: Say) -> list[Span]:
    spans: list[Span] = []
    began = time.monotonic()
    while len(spans) < plan.spans or time.monotonic() - began < 60 * plan.minutes:
        say(f"{server.kind}: span {len(spans) + 1} of {plan.spans}")
        _until_open(recorders, plan.clean)
        shown = till.show()
        with played(server, [marked(len(spans), recorders[0].home)] * len(SINKS)):
            pass
        time.sleep(AFTER)
        spans.append(Span(shown, till.hide(), played=1000 * MARKED))
    time.sleep(plan.clean)
    return spans


def _until_open(recorders: tuple[Pc, Pc], clean: float) -> None:
    """At least `clean` seconds after the window before. The control, too: a marker that it misses has tried nothing."""
    time.sleep(clean)
    came(lambda: all(map(sound_open, recorders)), OPEN)  # a span that comes too early counts as untried


def _kept(opened: Sequence[OpenedRecording], zeros: dict[str, int]) -> list[Kept]:
    found = [Kept(zeros[one.recording] + at * SECOND // RATE, sound) for one in opened for at, sound in _stretches(one)]
    return sorted(found, key=lambda one: one.at)


def _stretches(opened: OpenedRecording) -> Iterator[tuple[int, account.Sound]]:
    """(place of the first sample since the recording's zero, both channels) of each stretch without a gap."""
    stretches: list[tuple[int, list[account.Sound]]] = []
    end = 0
    for at, samples in samples_of(opened.folder / "sound.mp4"):
        if not stretches or abs(at - end) > 1:
            stretches.append((at, []))
        stretches[-1][1].append(samples.T.astype(np.float32) / np.float32(32_768))
        end = at + len(samples)
    for at, parts in stretches:
        yield at, np.concatenate(parts, axis=1)


def used_more(
    before: Sequence[tuple[float, int]], after: Sequence[tuple[float, int]], minutes: float
) -> dict[str, float]:
    """What the recorder with sound used more than the one without; nothing where only one was read."""
    if len(after) < 2:
        return {}
    cpu, plain_cpu = (now[0] - then[0] for then, now in zip(before, after, strict=True))
    (_, memory), (_, plain_memory) = after
    return {
        "cpu_s_per_min": round((cpu - plain_cpu) / minutes, 3),
        "memory_mb": round((memory - plain_memory) / 1e6, 1),
    }


def mb_per_hour(files: Mapping[Path, int], talk: Span) -> float:
    """Of the sound kept in that time alone: while devices go and come there is no speech, and less to keep.

    `files`: each with the zero of its time. What its boxes take is shared out by time.
    """
    size, seconds = 0.0, 0.0
    for file, zero in files.items():
        packets = list(packets_of(file))
        boxes = file.stat().st_size - sum(amount for _, _, amount in packets)
        whole = sum(length for _, length, _ in packets)
        for at, length, amount in packets:
            if talk.shown <= zero + round(at * SECOND) < talk.hidden:
                seconds += length
                size += amount + boxes * length / whole
    return size / 1e6 / (seconds / 3600) if seconds else 0.0


def measure(asked: argparse.Namespace, kinds: list[str], folder: Path, say: Say) -> list[Run]:
    plan = QUICK if asked.quick else Plan(asked.spans, asked.minutes, asked.rounds)
    with store(folder) as services:
        runs = on_all(kinds, lambda kind, say: perform(kind, plan, services, folder / kind, say), say)
    for run in runs if asked.quick else ():
        if run.spans and all(span.untried for span in run.spans):
            raise StageError(f"{run.server}: the control has enough of no marker: the PC was too busy to try anything")
        # PipeWire forgets a link now and then (tests/moods.py); where it is the recorder, it is so the second time too.
        if lost := [case for case, took in run.recoveries.items() if None in took]:
            raise StageError(f"{run.server}: after {', '.join(lost)} nothing was heard again")
    return runs


def said(runs: Sequence[Run]) -> Said:
    return Said(total(runs), Markdown(markdown(runs)), faults(runs), beyond(runs))


def on_all(kinds: Sequence[str], perform_on: Callable[[str, Say], Run], say: Say) -> list[Run]:
    """All at once. A fault on one, or an interrupt, ends the others as soon as they have something to say: within
    seconds, but for the minute in which a recording is opened."""
    over: list[str] = []

    def still(text: str) -> None:
        if over:
            raise StageError("ended before its time")
        say(text)

    with interrupts_told(lambda: over.append("interrupted")), ThreadPoolExecutor(len(kinds)) as servers:
        runs = [servers.submit(perform_on, kind, still) for kind in kinds]
        try:
            while True:
                # A signal that comes just before a thread begins to wait does not wake it; so none waits for long.
                ended, rest = wait(runs, 1, FIRST_EXCEPTION)
                if over:
                    raise KeyboardInterrupt
                for run in ended:
                    run.result()  # raises what ended it
                if not rest:
                    return [run.result() for run in runs]
        finally:
            over.append("ended")
