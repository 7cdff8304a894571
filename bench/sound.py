"""Whether what is said beside a sensitive window is kept, what a person hears of a call, and whether it is in step.

    scripts/bench sound [PART] [--quick] [--json] [--server pulseaudio|pipewire] [--spans N] [--minutes M] [--rounds N]
                        [--add FILE] [--dir D]
    scripts/bench sound --table FILE
    scripts/bench sound --talk

Without PART all three, one after the other:

pauses  Speech is played to both ends of a call, and a window that a rule closes for comes and goes. Each time it is in
        view a marker of its own is played, and never else: what a recorder with the rule kept must have none of them,
        and what one without it kept must have every one, or nothing was proven. Then devices go and come (--rounds
        times), while the window is out of view, and again while it is in view.
call    A talk with turns and pauses in a person's own voice is played. Twice such a window comes into view in the
        middle of a sentence. What is judged is recording.mp4 as `eyelid-store export` writes it, beside what was said
        and beside the encoder alone: whether anything was lost, added, moved or laid over it, and whether the cuts
        click. --dir keeps it to be listened to, with a picture of it.
sync    A flash and a beep at one moment, at the start, after a pause by a rule, and with --minutes every minute until
        then: when the film's picture turns white, and when each of its channels sounds.

--add keeps a run of pauses or call in FILE and shows what all runs there come to. --talk: what an ordinary call takes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from bench import harness, sound_call, sound_pauses, sound_runs, sound_sync
from bench.harness import Said, Say
from bench.sound_talk import told
from testkit.interrupts import in_order
from testkit.sounds import NEEDED, missing

PAUSES, CALL, SYNC = "pauses", "call", "sync"
# What each makes of the arguments, the sound servers and a folder; and what it makes of what it made.
PARTS: Final[dict[str, tuple[Callable[[argparse.Namespace, list[str], Path, Say], Any], Callable[[Any], Said]]]] = {
    PAUSES: (sound_pauses.measure, sound_pauses.said),
    CALL: (sound_call.measure, sound_call.said),
    SYNC: (sound_sync.measure, sound_sync.said),
}
# Of those whose runs can be kept in a file: how one is read, and several are shown.
KEPT: Final[dict[str, tuple[Callable[[Any], Any], Callable[[Any], str]]]] = {
    PAUSES: (sound_runs.Run.from_json, sound_runs.markdown),
    CALL: (sound_call.Played.from_json, sound_call.markdown),
}


def kept(file: Path) -> tuple[str, list[Any]]:
    """The part whose runs are in it, and these."""
    runs = harness.runs_in(file)
    part = CALL if "heard" in runs[0] else PAUSES
    return part, [KEPT[part][0](run) for run in runs]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = _parser()
    asked = parser.parse_args(arguments)
    if asked.add is not None and (asked.quick or asked.part not in KEPT):
        parser.error("--add keeps runs that are shown: of one part, pauses or call, and none that is --quick")
    console = Console(stderr=True, highlight=False)
    if asked.table is not None:
        part, runs = kept(asked.table)
        print(KEPT[part][1](runs))
        return PARTS[part][1](runs).tell(console)
    if asked.talk:
        print(told())
        return 0
    kinds = sorted(NEEDED)[::-1] if asked.server is None else [asked.server]  # PulseAudio first
    if lacking := [why for kind in kinds if (why := missing(kind))]:
        return harness.tell(lacking, console)
    with harness.folder(asked.dir) as folder:
        names = PARTS if asked.part is None else [asked.part]
        return harness.play({name: partial(_part, name, asked, kinds) for name in names}, asked, folder)


def _part(name: str, asked: argparse.Namespace, kinds: list[str], folder: Path, say: Say) -> Said:
    measure, said = PARTS[name]
    made = measure(asked, kinds, folder, say)
    if asked.add is None:
        return said(made)
    harness.keep(asked.add, map(asdict, made))
    together, alone = said(kept(asked.add)[1]), said(made)
    return replace(together, wrong=alone.wrong, short=alone.short)


def _parser() -> argparse.ArgumentParser:
    quick = "a little of each part, call and sync on PulseAudio alone"
    parser = harness.parser("sound", __doc__, quick, "pauses --spans 100 --add runs.jsonl")
    parser.add_argument("part", nargs="?", choices=PARTS, help="this part alone")
    parser.add_argument("--server", choices=sorted(NEEDED), help="one of the two (default: both)")
    parser.add_argument("--spans", type=int, default=100, metavar="N", help="pauses: on each server (%(default)s)")
    parser.add_argument("--minutes", type=float, default=0, metavar="M", help="pauses, sync: go on for so long")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="pauses: how often devices go and come")
    harness.add_runs(parser)
    harness.add_folder(parser)
    parser.add_argument("--talk", action="store_true", help="say what an ordinary call takes, play nothing")
    return parser


if __name__ == "__main__":
    sys.exit(in_order(main))
