"""What recording costs with everything on, beside ffmpeg's x11grab on the same display in the same minutes.

    scripts/bench capture [--quick] [--json]

A support desk of 1080p stands still, ticks, is typed into, scrolled and turned (bench/capture_desktop.py). The busy
script is the last three together, each with a pause of reading after it.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Final

import psutil
from rich.console import Console
from rich.table import Table

from agent.control.status import RecorderState
from bench.capture_desktop import SupportDesk
from bench.fleet import pc, store
from bench.interrupts import in_order
from bench.stage import Running, Stage, StageError, own_display, running

SIZE: Final = (1920, 1080)
WARM_UP: Final = 6.0  # s: the first pictures and their key frame belong to no case
BUSY: Final = ("typing", "scrolling", "turning")
MB: Final = 1e6
POLICY: Final = {"demo.yaml": resources.files("policies").joinpath("demo", "demo.yaml").read_text(encoding="utf-8")}


@dataclass(frozen=True, slots=True)
class Lengths:
    """Seconds. `pause` is longer than a chunk, so that a case's bytes have landed when it ends."""

    still: float
    clock: float
    active: float
    pause: float


FULL: Final = Lengths(still=60, clock=60, active=30, pause=15)
QUICK: Final = Lengths(still=8, clock=8, active=8, pause=5)


@dataclass(frozen=True, slots=True)
class Recorder:
    """A running recorder: its processes, and where its bytes land."""

    process: Running
    media: Path
    kept: Callable[[], int]  # frames; to be asked when it has ended

    def processes(self) -> list[psutil.Process]:
        own = psutil.Process(self.process.pid)
        return [own, *own.children(recursive=True)]


@contextmanager
def our_recorder(stage: Stage, folder: Path) -> Iterator[Recorder]:
    """The real one with everything on: looks, gate, seal, spool, ledger, and upload to a store on the loopback.

    Its bytes are those that the store keeps; the store is a process of its own and does not count.
    """
    frames = 0
    with store(folder) as services, pc(services, stage, folder / "pc", POLICY) as recording:
        recording.wait_for(RecorderState.RECORDING)
        yield Recorder(recording.recorder, services.home / "blobs", lambda: frames)
        frames = (recording.status() or {}).get("frames", 0)


@contextmanager
def peer_recorder(stage: Stage, folder: Path) -> Iterator[Recorder]:
    """What everybody starts with: ffmpeg's x11grab and x264 ultrafast, without the mouse, as ours."""
    folder.joinpath("peer").mkdir(parents=True)
    film = folder / "peer" / "film.mkv"
    grab = ["-f", "x11grab", "-framerate", "5", "-draw_mouse", "0", "-video_size", f"{SIZE[0]}x{SIZE[1]}"]
    command = [
        *("ffmpeg", "-hide_banner", "-loglevel", "warning", "-nostats", *grab, "-i", stage.name),
        *("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-flush_packets", "1", str(film)),
    ]
    with running("ffmpeg", command, folder / "ffmpeg.log", stage.environment) as process:
        process.until(lambda: film.exists() and film.stat().st_size > 0, "its film began")
        yield Recorder(process, film.parent, lambda: _pictures(film))


def _pictures(film: Path) -> int:
    ffprobe = shutil.which("ffprobe") or "ffprobe"
    count = ["-v", "error", "-count_packets", "-show_entries", "stream=nb_read_packets", "-of", "csv=p=0"]
    return int(subprocess.run([ffprobe, *count, str(film)], check=True, capture_output=True, text=True).stdout)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a recorder has used until a moment."""

    at: float
    cpu: float
    bytes: int
    pss: int

    @classmethod
    def of(cls, recorder: Recorder) -> Reading:
        processes = recorder.processes()
        times = [process.cpu_times() for process in processes]
        return cls(
            at=time.monotonic(),
            cpu=sum(one.user + one.system for one in times),
            bytes=sum(path.stat().st_size for path in recorder.media.rglob("*") if path.is_file()),
            pss=sum(process.memory_full_info().pss for process in processes),
        )


@dataclass(frozen=True, slots=True)
class Use:
    """What a recorder used in some time."""

    seconds: float
    cpu: float
    bytes: int

    @classmethod
    def between(cls, before: Reading, after: Reading) -> Use:
        return cls(after.at - before.at, after.cpu - before.cpu, after.bytes - before.bytes)

    def __add__(self, other: Use) -> Use:
        return Use(self.seconds + other.seconds, self.cpu + other.cpu, self.bytes + other.bytes)

    @property
    def cpu_a_minute(self) -> float:
        return 60 * self.cpu / self.seconds

    @property
    def mb_a_minute(self) -> float:
        return 60 * self.bytes / MB / self.seconds


@dataclass(frozen=True, slots=True)
class Case:
    """CPU-seconds and megabytes (10^6) a minute, ours and ffmpeg's."""

    cpu_s_per_min: float
    mb_per_min: float
    peer_cpu_s_per_min: float
    peer_mb_per_min: float

    @classmethod
    def of(cls, ours: Use, peer: Use) -> Case:
        figures = (ours.cpu_a_minute, ours.mb_a_minute, peer.cpu_a_minute, peer.mb_a_minute)
        return cls(*(round(figure, 3) for figure in figures))


@dataclass(frozen=True, slots=True)
class CaptureResult:
    """Ratios are the peer's use on the busy script divided by ours: above 1 ours is the smaller."""

    cpu_ratio: float
    bytes_ratio: float
    pss_mb: float
    cases: dict[str, Case]


@dataclass(frozen=True, slots=True)
class Kept:
    """Frames of the whole run."""

    ours: int
    peer: int


def measure(lengths: Lengths, folder: Path, say: Callable[[str], None]) -> tuple[CaptureResult, Kept]:
    """Plays the script before both recorders. Raises StageError when anything does not start or ends by itself."""
    for name in ("Xvfb", "openbox", "ffmpeg", "ffprobe"):
        if shutil.which(name) is None:
            raise StageError(f"{name} is not on this machine; scripts/setup --for test installs it")
    with own_display(folder, SIZE) as stage, SupportDesk(stage.name) as support:
        with our_recorder(stage, folder) as ours, peer_recorder(stage, folder) as peer:
            say("warming up")
            support.clock(WARM_UP)
            uses, peak = _play(support, (ours, peer), lengths, say)
        kept = Kept(ours.kept(), peer.kept())
    return _outcome(uses, peak), kept


def _play(
    support: SupportDesk, recorders: tuple[Recorder, Recorder], lengths: Lengths, say: Callable[[str], None]
) -> tuple[dict[str, tuple[Use, Use]], int]:
    """The use of both in each case, and the most memory (PSS, bytes) that ours had at the end of one."""
    parts: dict[str, Callable[[], None]] = {
        "static": lambda: support.still(lengths.still),
        "clock": lambda: support.clock(lengths.clock),
    }
    actions = {"typing": support.typing, "scrolling": support.scrolling, "turning": support.turning}

    def act_then_read(action: Callable[[float], None]) -> None:
        action(lengths.active)
        support.clock(lengths.pause)

    for name in BUSY:
        parts[name] = lambda action=actions[name]: act_then_read(action)  # type: ignore[misc]
    support.still(lengths.pause)  # what the warm-up drew has landed
    uses, peak = {}, 0
    for name, part in parts.items():
        if name == "clock":
            support.clock(lengths.pause)  # so that as many of its bytes are on their way at the start as at the end
        say(name)
        before = [Reading.of(recorder) for recorder in recorders]
        part()
        after = [Reading.of(recorder) for recorder in recorders]
        uses[name] = (Use.between(before[0], after[0]), Use.between(before[1], after[1]))
        peak = max(peak, after[0].pss)
    return uses, peak


def _outcome(uses: dict[str, tuple[Use, Use]], peak: int) -> CaptureResult:
    ours, peer = uses[BUSY[0]]
    for name in BUSY[1:]:
        ours, peer = ours + uses[name][0], peer + uses[name][1]
    cases = {name: Case.of(*both) for name, both in uses.items()} | {"busy": Case.of(ours, peer)}
    return CaptureResult(
        cpu_ratio=round(peer.cpu / ours.cpu, 2),
        bytes_ratio=round(peer.bytes / ours.bytes, 2),
        pss_mb=round(peak / MB, 1),
        cases=cases,
    )


def _table(outcome: CaptureResult, kept: Kept) -> Table:
    table = Table(title="Per minute of a 1080p desktop, 5 fps at most")
    for column in ("", "CPU s", "MB", "ffmpeg CPU s", "ffmpeg MB"):
        table.add_column(column, justify="left" if not column else "right")
    for name, case in outcome.cases.items():
        table.add_row(name, *(f"{figure:.3f}" for figure in asdict(case).values()))
    table.caption = (
        f"busy: {outcome.cpu_ratio:.1f} x less CPU, {outcome.bytes_ratio:.1f} x fewer bytes. "
        f"Memory {outcome.pss_mb:.0f} MB PSS. Frames kept: {kept.ours}; ffmpeg {kept.peer}."
    )
    return table


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="scripts/bench capture", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="at most 90 seconds; coarser figures")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    arguments = parser.parse_args()
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="eyelid-bench-") as folder:
        try:
            outcome, kept = measure(QUICK if arguments.quick else FULL, Path(folder), console.print)
        except StageError as failure:
            console.print(str(failure), markup=False)
            return 1
    if arguments.json:
        print(json.dumps(asdict(outcome)))
    else:
        Console().print(_table(outcome, kept))
    return 0


if __name__ == "__main__":
    sys.exit(in_order(main))
