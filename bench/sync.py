"""Whether sound and picture are in step: a flash and a beep at one moment, recorded, exported and compared.

    scripts/bench sync [--quick] [--minutes N] [--json]

The real recorder on a real display and a real sound server; the flash comes after more than half a second of
stillness. Compared is recording.mp4 as `eyelid-store export` writes it: when its picture turns white, and when each
channel sounds. At the start, after a pause by a rule, and with --minutes every minute until then.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import av
import numpy as np
from rich.console import Console
from rich.table import Table

from agent.control.status import RecorderState
from bench.fleet import Pc, Store, pc, store
from bench.interrupts import in_order
from bench.opened import OpenedRecording, open_longest
from bench.stage import StageError, own_display
from bench.sync_signals import PLACE, RATE, Beeper, Lamp, flash_and_beep, now
from tests.stage.sounds import NEEDED, missing, sound_server

ALLOWED_MS: Final = 40.0
START, PAUSED, END = "start", "after a pause", "at the end"  # when a flash must be in the recording
FEW, MANY = 2, 5  # flashes at the start, and again after a pause
TRIES: Final = 4  # for each: a busy machine does not always know when it flashed or beeped
STILL: Final = 1.2  # s of nothing before a flash
PAUSE: Final = 2.0  # s that the card terminal is in view
TILL: Final = (300, 320)
MINUTE: Final = 60.0
SECOND: Final = 1_000_000_000
AROUND: Final = SECOND // 4  # ns that have to be kept before and after a flash
NEAR: Final = 1.0  # s; flashes are further apart
WHITE: Final = 160  # luma from which the window counts as white
LOUD: Final = 0.1  # of full scale
QUIET: Final = RATE // 4  # samples without any sound before a beep
POLICY: Final = {
    "sync.yaml": """schema: 1
revision: 1
name: Bench of sound and picture
rules:
  - id: card-terminal
    why: it pauses both lanes
    any:
      - app: [eyelid-demo-till]
    screen: pause
    audio: { pause: shown, lead: 0s }
...
"""
}


@dataclass(frozen=True, slots=True)
class Offset:
    """ms. `left`, `right`: how much later the picture is than the microphone, than the far end; by how much flash and
    beep themselves were apart is taken off.

    `picture_late`, `sound_late`: of each against the moment at which it was, by the recording's own zero of time.
    """

    when: str
    left: float
    right: float
    picture_late: float
    sound_late: float


@dataclass(frozen=True, slots=True)
class Flash:
    """When it was white, and when either end heard its beep, ns of the recording."""

    when: str
    white: int
    left: int
    right: int


Say = Callable[[str], None]


def perform(server: str, folder: Path, say: Say, *, flashes_each: int, minutes: float) -> list[Offset]:
    """Raises StageError when something that has to run does not, or a flash or beep is not in the film."""
    if why := missing(server):
        raise StageError(why)
    with ExitStack() as stack:
        homes = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="eyelid-")))
        sound = stack.enter_context(sound_server(server, homes / "s"))
        stage = stack.enter_context(own_display(folder / "display"))
        services = stack.enter_context(store(folder))
        lamp = stack.enter_context(Lamp(stage.name))
        beepers = tuple(
            stack.enter_context(Beeper(sound.address, sink, in_cycles=server == "pipewire"))
            for sink in ("micfeed", "farend")
        )
        recorded = stack.enter_context(
            pc(
                services,
                stage,
                homes / "pc",
                POLICY,
                settings={"audio": {"microphone": "default", "far_end": "default"}},
                more={"PULSE_SERVER": sound.address},
            )
        )
        flashes: list[tuple[str, int, int, int]] = []

        def flash(when: str, times: int) -> None:
            recorded.recorder.until(lambda: both_open(recorded), "it recorded screen and sound")
            for _ in range(TRIES * times):
                time.sleep(STILL)
                if (made := flash_and_beep(lamp, beepers)) is not None:
                    flashes.append((when, *made))
                    times -= 1
                if not times:
                    break
            time.sleep(STILL)  # what closes the eye takes a second before it along

        say(f"{server}: flashing at the start")
        flash(START, flashes_each)
        with stage.program("till", TILL, still=True):
            recorded.wait_for(RecorderState.CLOSED)
            time.sleep(PAUSE)
        say(f"{server}: flashing after a pause")
        flash(PAUSED, flashes_each)
        ends = now() + round(minutes * MINUTE * SECOND)
        for minute in itertools.count(1):
            if (left := (ends - now()) / SECOND) < MINUTE:
                break
            time.sleep(MINUTE)
            flash(f"minute {minute}", 1)
        if minutes:
            time.sleep(max(0.0, left))
            flash(END, flashes_each)
        time.sleep(1)  # with the second before, what the gate needs to let the last one go
        recorded.stop()
        say(f"{server}: opening the recording")
        opened, zero = _opened(services, recorded, folder / "opened")
    told = [Flash(when, white - zero, one - zero, other - zero) for when, white, one, other in flashes]
    kept = [flash for flash in told if _kept(opened, flash)]
    if missing_from := {START, PAUSED, *([END] if minutes else [])} - {flash.when for flash in kept}:
        raise StageError(
            f"no flash was kept {', '.join(sorted(missing_from))}: is the machine too busy to prove anything?"
        )
    if len(kept) < len(told):
        say(f"{server}: {len(told) - len(kept)} of {len(told)} flashes fell into time that could not be proven clean")
    return compare(opened.film, kept)


def both_open(recorded: Pc) -> bool:
    status = recorded.status()
    sound = None if status is None else status["sound"]
    return (
        status is not None
        and sound is not None
        and RecorderState(status["state"]) is RecorderState.RECORDING
        and RecorderState(sound["state"]) is RecorderState.RECORDING
        and bool(sound["microphone"]["device"])
        and bool(sound["far_end"]["device"])
    )


def _kept(opened: OpenedRecording, flash: Flash) -> bool:
    """Whether screen and sound around it are in the recording: on a busy machine a look may come too late for it."""
    return all(
        any(
            part["what"] == "kept" and part["from"] < flash.white - AROUND and flash.white + AROUND < part["to"]
            for part in lane["parts"]
        )
        for lane in (opened.timeline, opened.timeline["audio"])
    )


def _opened(services: Store, recorded: Pc, folder: Path) -> tuple[OpenedRecording, int]:
    """The recording, and its zero on the PC's clock (ns), by the ledger."""
    opened = open_longest(services, recorded.device, folder)
    segments = sorted((recorded.home / "ledger").glob("segment-*"))
    lines = b"".join(segment.read_bytes().rstrip(b"\0") for segment in segments).splitlines()
    for entry in map(json.loads, lines):
        if entry["kind"] == "recording-open" and entry["recording"] == opened.recording:
            return opened, int(entry["zero"])
    raise StageError(f"the ledger does not tell of recording {opened.recording}")


# -- judging ------------------------------------------------------------------------------------------------------


def compare(film: Path, flashes: Sequence[Flash]) -> list[Offset]:
    """Raises StageError where a flash or a beep is not in the film."""
    white, (left, right) = whitened(film), sounded(film)

    def of(found: Sequence[float], flash: Flash, what: str) -> float:
        near = [at for at in found if abs(at - flash.white / SECOND) < NEAR]
        if len(near) != 1:
            raise StageError(f"{len(near)} {what} are in the film at {flash.white / SECOND:.2f} s, where one was made")
        return near[0]

    return [
        Offset(
            when=flash.when,
            left=round((picture - one) * 1000, 1),
            right=round((picture - other) * 1000, 1),
            picture_late=round(picture * 1000, 1),
            sound_late=round((one + other) / 2 * 1000, 1),
        )
        for flash in flashes
        for picture, one, other in [
            (
                of(white, flash, "flashes") - flash.white / SECOND,
                of(left, flash, "beeps left") - flash.left / SECOND,
                of(right, flash, "beeps right") - flash.right / SECOND,
            )
        ]
    ]


def whitened(film: Path) -> list[float]:
    """When the window turned white, s of the film."""
    left, top, width, height = PLACE
    inner = np.s_[top + height // 4 : top + height * 3 // 4, left + width // 4 : left + width * 3 // 4]
    found, before = [], True
    with av.open(str(film)) as container:
        for picture in container.decode(video=0):
            luma = np.frombuffer(memoryview(picture.planes[0]), np.uint8).reshape(-1, picture.planes[0].line_size)
            now_white = bool(luma[inner].mean() > WHITE)
            if now_white and not before:
                found.append(float(picture.time or 0.0))
            before = now_white
    return found


def sounded(film: Path) -> tuple[list[float], list[float]]:
    """When each channel began to sound after silence, s of the film."""
    found: tuple[list[float], list[float]] = ([], [])
    last = [-QUIET, -QUIET]  # the place of the last sample that sounded
    with av.open(str(film)) as container:
        for block in container.decode(audio=0):
            samples = np.abs(block.to_ndarray())
            at = round(float(block.time or 0.0) * RATE)
            for channel in (0, 1):
                loud = np.flatnonzero(samples[channel] > LOUD)
                for place in loud[:1] if len(loud) else ():
                    if at + place - last[channel] > QUIET:
                        found[channel].append((at + int(place)) / RATE)
                if len(loud):
                    last[channel] = at + int(loud[-1])
    return found


def worst(offsets: Iterable[Offset]) -> float:
    return max(max(abs(offset.left), abs(offset.right)) for offset in offsets)


def typical(offsets: Iterable[Offset]) -> float:
    """The median, so that one picture that a busy machine took late says nothing of the rest."""
    return statistics.median(max(abs(offset.left), abs(offset.right)) for offset in offsets)


# -- telling ------------------------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    console = Console(stderr=True, highlight=False)
    servers = sorted(NEEDED)[::-1][: 1 if asked.quick else None]  # PulseAudio first
    found: dict[str, list[Offset]] = {}
    try:
        for server in servers if asked.server is None else [asked.server]:
            with tempfile.TemporaryDirectory(prefix="eyelid-bench-") as folder:
                found[server] = perform(
                    server,
                    Path(folder),
                    console.print,
                    flashes_each=FEW if asked.quick else MANY,
                    minutes=asked.minutes,
                )
    except StageError as failure:
        console.print(str(failure), markup=False, style="red", soft_wrap=True)
        return 1
    far = max(map(worst, found.values()))
    if asked.json:
        facts = {server: [asdict(offset) for offset in offsets] for server, offsets in found.items()}
        print(json.dumps({"offset_ms_max": far, "allowed_ms": ALLOWED_MS, "servers": facts}))
    else:
        Console().print(_table(found))
    # A quick run is a test, and no test judges by how busy its machine is: a picture waits for a core, sound does not.
    apart = max(map(typical, found.values())) if asked.quick else far
    if apart > ALLOWED_MS:
        console.print(f"Sound and picture are {apart:.0f} ms apart, more than {ALLOWED_MS:.0f}.", style="bold red")
        return 1
    return 0


def _table(found: dict[str, list[Offset]]) -> Table:
    table = Table(title="Picture after sound, ms")
    for column in ("server", "flash", "microphone", "far end", "picture late", "sound late"):
        table.add_column(column, justify="left" if column in ("server", "flash") else "right")
    for server, offsets in found.items():
        for offset in offsets:
            figures = (offset.left, offset.right, offset.picture_late, offset.sound_late)
            table.add_row(server, offset.when, *(f"{figure:.1f}" for figure in figures))
    return table


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/bench sync",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="example: scripts/bench sync --minutes 30 --server pipewire --json",
    )
    parser.add_argument("--quick", action="store_true", help="one sound server alone, less than a minute")
    parser.add_argument(
        "--minutes", type=float, default=0.0, metavar="N", help="go on for so long, with a flash every minute"
    )
    parser.add_argument("--server", choices=sorted(NEEDED), help="this sound server alone")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    return parser


if __name__ == "__main__":
    sys.exit(in_order(main))
