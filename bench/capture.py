"""What recording costs with everything on, beside ffmpeg's x11grab on the same display; how it ends and how it lags.

    scripts/bench capture [PART] [--quick] [--json]

desk    A support desk of 1080p stands still, ticks, is typed into, scrolled and turned (testkit/support_desk.py). The
        busy script is the last three together, each with a pause of reading after it.
ending  How long a recorder takes to end. *drain*: from the word to end until twelve waiting pictures of coarse noise
        are encoded, sealed and durable. *whole*: from SIGTERM to the exit, with a store that hangs. The aim is 2 s.
relay   From the start of the browser's relay to its first message at an agent. The aim is 100 ms.
looks   What looks at 20 windows cost, and how long pixels of a window stay.
pages   How far the display is behind a page that has drawn, two minutes in each browser.

Without PART the first three. It fails where something did not happen, never for its time.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial, reduce
from operator import add
from pathlib import Path
from typing import Any, Final

import av
from rich.json import JSON

from agent.control.recorder_state import RecorderState
from bench import capture_delays, harness, tables
from bench.capture_delays import POLICY, SIZE
from bench.harness import Said, Say
from testkit.fleet import pc, store
from testkit.interrupts import in_order
from testkit.process_use import used
from testkit.stage import Running, Stage, StageError, own_display, running
from testkit.support_desk import SupportDesk

WARM_UP: Final = 6.0  # s: the first pictures and their key frame belong to no case
BUSY: Final = ("typing", "scrolling", "turning")
MB: Final = 1e6


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
    with av.open(str(film)) as container:
        return sum(packet.size > 0 for packet in container.demux(video=0))


@dataclass(frozen=True, slots=True)
class Used:
    """What a recorder has used until a moment, or in some time; `pss`: its memory at the end."""

    seconds: float
    cpu: float
    bytes: int
    pss: int = 0

    @classmethod
    def now(cls, recorder: Recorder) -> Used:
        cpu, pss = used(recorder.process.pid)
        kept = sum(path.stat().st_size for path in recorder.media.rglob("*") if path.is_file())
        return cls(time.monotonic(), cpu, kept, pss)

    def since(self, before: Used) -> Used:
        return Used(self.seconds - before.seconds, self.cpu - before.cpu, self.bytes - before.bytes, self.pss)

    def __add__(self, other: Used) -> Used:
        return Used(self.seconds + other.seconds, self.cpu + other.cpu, self.bytes + other.bytes)


COLUMNS: Final = ("", "CPU s", "MB", "ffmpeg CPU s", "ffmpeg MB")


def _a_minute(ours: Used, peer: Used) -> dict[str, float]:
    """CPU-seconds and megabytes (10^6)."""
    return {
        f"{whose}{what}_per_min": round(60 * amount / used.seconds, 3)
        for whose, used in (("", ours), ("peer_", peer))
        for what, amount in (("cpu_s", used.cpu), ("mb", used.bytes / MB))
    }


def desk(lengths: Lengths, folder: Path, say: Say) -> Said:
    """Plays the script before both recorders. Raises StageError when anything does not start or ends by itself."""
    for name in ("Xvfb", "openbox", "ffmpeg"):
        if shutil.which(name) is None:
            raise StageError(f"{name} is not on this machine; scripts/setup --for test installs it")
    with own_display(folder, SIZE) as stage, SupportDesk(stage.name) as support:
        with our_recorder(stage, folder) as ours, peer_recorder(stage, folder) as peer:
            say("warming up")
            support.clock(WARM_UP)
            uses = _play(support, (ours, peer), lengths, say)
        frames = f"Frames kept: {ours.kept()}; ffmpeg {peer.kept()}."
    mine, its = uses["busy"]
    cases = {name: _a_minute(*both) for name, both in uses.items()}
    facts = {
        "cpu_ratio": round(its.cpu / mine.cpu, 2),  # above 1 ours is the smaller
        "bytes_ratio": round(its.bytes / mine.bytes, 2),
        "pss_mb": round(max(ours.pss for ours, _ in uses.values()) / MB, 1),
        "cases": cases,
    }
    lines = [(name, *(f"{figure:.3f}" for figure in case.values())) for name, case in cases.items()]
    shown = tables.drawn("Per minute of a 1080p desktop, 5 fps at most", COLUMNS, lines)
    shown.caption = (
        f"busy: {facts['cpu_ratio']:.1f} x less CPU, {facts['bytes_ratio']:.1f} x fewer bytes. "
        f"Memory {facts['pss_mb']:.0f} MB PSS. {frames}"
    )
    return Said(facts, shown)


def _play(
    support: SupportDesk, recorders: tuple[Recorder, Recorder], lengths: Lengths, say: Say
) -> dict[str, tuple[Used, Used]]:
    """The use of both in each case."""
    parts: dict[str, Callable[[], object]] = {
        "static": lambda: support.still(lengths.still),
        "clock": lambda: support.clock(lengths.clock),
    }

    def act_then_read(action: Callable[[float], None]) -> None:
        action(lengths.active)
        support.clock(lengths.pause)

    for name, action in zip(BUSY, (support.typing, support.scrolling, support.turning), strict=True):
        parts[name] = partial(act_then_read, action)
    support.still(lengths.pause)  # what the warm-up drew has landed
    uses = {}
    for name, part in parts.items():
        if name == "clock":
            support.clock(lengths.pause)  # so that as many of its bytes are on their way at the start as at the end
        say(name)
        before = [Used.now(recorder) for recorder in recorders]
        part()
        ours, peer = (Used.now(recorder).since(one) for recorder, one in zip(recorders, before, strict=True))
        uses[name] = (ours, peer)
    ours, peer = (reduce(add, [uses[name][which] for name in BUSY]) for which in (0, 1))
    uses["busy"] = (ours, peer)
    return uses


# With the rounds of each in full and quickly.
DELAYS: Final[dict[str, tuple[Callable[[int, Path, Say], dict[str, Any]], int, int]]] = {
    "ending": (capture_delays.ending, 10, 2),
    "relay": (capture_delays.relay, 100, 20),
    "looks": (capture_delays.looks, 1, 1),
    "pages": (capture_delays.pages, 1, 1),
}
WHOLE: Final = ("desk", "ending", "relay")


def _part(name: str, quick: bool, folder: Path, say: Say) -> Said:
    if name not in DELAYS:
        return desk(QUICK if quick else FULL, folder, say)
    measure, *rounds = DELAYS[name]
    found = measure(rounds[quick], folder, say)
    return Said(found, JSON.from_data({name: found}))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = harness.parser("capture", __doc__, "coarser figures, and a few rounds")
    parser.add_argument("part", nargs="?", choices=("desk", *DELAYS), help="this part alone")
    asked = parser.parse_args(arguments)
    names = WHOLE if asked.part is None else [asked.part]
    with harness.folder() as folder:
        return harness.play({name: partial(_part, name, asked.quick) for name in names}, asked, folder)


if __name__ == "__main__":
    sys.exit(in_order(main))
