"""bench/sound: whether sound and picture are in step, by a flash and a beep at one moment.

The real recorder on a real display and a real sound server; the flash comes after more than half a second of
stillness. Compared is recording.mp4 as `eyelid-store export` writes it: when its picture turns white, and when each
channel sounds.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import av
import numpy as np

from agent.control.recorder_state import RecorderState
from bench.harness import Said, Say
from bench.sound_account import SECOND
from bench.tables import drawn
from testkit.calls import both_open, desk, policy
from testkit.flashes import PLACE, Lamp, beepers_of, flash_and_beep
from testkit.fleet import store, zeros
from testkit.listening import blocks_of
from testkit.opened import OpenedRecording, open_longest
from testkit.sounds import RATE
from testkit.stage import StageError

ALLOWED_MS: Final = 40.0
COLUMNS: Final = ("server", "flash", "microphone", "far end", "picture late", "sound late")
START, PAUSED, END = "start", "after a pause", "at the end"  # when a flash must be in the recording
FEW, MANY = 2, 5  # flashes at the start, and again after a pause
TRIES: Final = 4  # for each: a busy machine does not always know when it flashed or beeped
STILL: Final = 1.2  # s of nothing before a flash
PAUSE: Final = 2.0  # s that the card terminal is in view
TILL: Final = "eyelid-demo-till"  # the card terminal
THERE: Final = (300, 320)  # where it is
MINUTE: Final = 60.0
AROUND: Final = SECOND // 4  # ns that have to be kept before and after a flash
NEAR: Final = 1.0  # s; flashes are further apart
WHITE: Final = 160  # luma from which the window counts as white
LOUD: Final = 0.1  # of full scale
QUIET: Final = RATE // 4  # samples without any sound before a beep


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


def perform(server: str, folder: Path, say: Say, *, flashes_each: int, minutes: float) -> list[Offset]:
    """Raises StageError when something that has to run does not, or a flash or beep is not in the film."""
    with ExitStack() as stack:
        made = stack.enter_context(desk(server, folder))
        services = stack.enter_context(store(folder))
        lamp = stack.enter_context(Lamp(made.stage.name))
        beepers = stack.enter_context(beepers_of(made.server))
        recorded = stack.enter_context(made.recorder(services, policy(TILL, screen="pause")))
        flashes: list[tuple[str, int, int, int]] = []

        def flash(when: str, times: int) -> None:
            recorded.recorder.until(lambda: both_open(recorded), "it recorded screen and sound")
            for _ in range(TRIES * times):
                time.sleep(STILL)
                if (moments := flash_and_beep(lamp, beepers)) is not None:
                    flashes.append((when, *moments))
                    times -= 1
                if not times:
                    break
            time.sleep(STILL)  # what closes the eye takes a second before it along

        say(f"{server}: flashing at the start")
        flash(START, flashes_each)
        with made.stage.program("till", THERE, still=True):
            recorded.wait_for(RecorderState.CLOSED)
            time.sleep(PAUSE)
        say(f"{server}: flashing after a pause")
        flash(PAUSED, flashes_each)
        ends, minute = time.monotonic() + minutes * MINUTE, 0
        while ends - time.monotonic() >= MINUTE:
            time.sleep(MINUTE)
            flash(f"minute {(minute := minute + 1)}", 1)
        if minutes:
            time.sleep(max(0.0, ends - time.monotonic()))
            flash(END, flashes_each)
        time.sleep(1)  # with the second before, what the gate needs to let the last one go
        recorded.stop()
        say(f"{server}: opening the recording")
        opened = open_longest(services, recorded.device, folder / "opened")
        zero = zeros(recorded.home)[opened.recording]
    told = [Flash(when, white - zero, one - zero, other - zero) for when, white, one, other in flashes]
    kept = [flash for flash in told if _kept(opened, flash)]
    if missing_from := {START, PAUSED, *([END] if minutes else [])} - {flash.when for flash in kept}:
        raise StageError(
            f"no flash was kept {', '.join(sorted(missing_from))}: is the machine too busy to prove anything?"
        )
    if len(kept) < len(told):
        say(f"{server}: {len(told) - len(kept)} of {len(told)} flashes fell into time that could not be proven clean")
    return compare(opened.film, kept)


def _kept(opened: OpenedRecording, flash: Flash) -> bool:
    """Whether screen and sound around it are in the recording: on a busy machine a look may come too late for it."""
    return all(
        any(
            part["what"] == "kept" and part["from"] < flash.white - AROUND and flash.white + AROUND < part["to"]
            for part in lane["parts"]
        )
        for lane in (opened.timeline, opened.timeline["audio"])
    )


# -- judging ------------------------------------------------------------------------------------------------------


def compare(film: Path, flashes: Sequence[Flash]) -> list[Offset]:
    """Raises StageError where a flash or a beep is not in the film."""
    white, (left, right) = whitened(film), sounded(film)

    def late(found: Sequence[float], made: int, flash: Flash, what: str) -> float:
        """By how many ms it comes later in the film than it was made."""
        near = [at for at in found if abs(at - flash.white / SECOND) < NEAR]
        if len(near) != 1:
            raise StageError(f"{len(near)} {what} are in the film at {flash.white / SECOND:.2f} s, where one was made")
        return (near[0] - made / SECOND) * 1000

    offsets = []
    for flash in flashes:
        picture = late(white, flash.white, flash, "flashes")
        one = late(left, flash.left, flash, "beeps left")
        other = late(right, flash.right, flash, "beeps right")
        figures = (picture - one, picture - other, picture, (one + other) / 2)
        offsets.append(Offset(flash.when, *(round(figure, 1) for figure in figures)))
    return offsets


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
    for at, samples in blocks_of(film):
        for channel in (0, 1):
            if len(loud := np.flatnonzero(np.abs(samples[:, channel]) > LOUD)):
                if at + loud[0] - last[channel] > QUIET:
                    found[channel].append((at + int(loud[0])) / RATE)
                last[channel] = at + int(loud[-1])
    return found


def apart(offset: Offset) -> float:
    return max(abs(offset.left), abs(offset.right))


def best(offsets: Sequence[Offset]) -> float:
    """Of the best of each time: one picture that a busy machine took late says nothing of the rest."""
    return max(min(apart(one) for one in offsets if one.when == when) for when in {one.when for one in offsets})


# -- telling ------------------------------------------------------------------------------------------------------


def measure(asked: argparse.Namespace, kinds: list[str], folder: Path, say: Say) -> dict[str, list[Offset]]:
    """Of each server."""
    each, chosen = (FEW, kinds[:1]) if asked.quick else (MANY, kinds)
    return {kind: perform(kind, folder / kind, say, flashes_each=each, minutes=asked.minutes) for kind in chosen}


def said(found: dict[str, list[Offset]]) -> Said:
    """A quick run is judged by the best of each time: a picture waits for a core and sound does not, and what is wrong
    with the film's own clock is wrong with each."""
    far = max(apart(offset) for offsets in found.values() for offset in offsets)
    servers = {server: [asdict(offset) for offset in offsets] for server, offsets in found.items()}
    lines = [
        (server, *(one if isinstance(one, str) else f"{one:.1f}" for one in offset.values()))
        for server, offsets in servers.items()
        for offset in offsets
    ]
    wrong, short = (
        [f"Sound and picture are {by:.0f} ms apart, more than {ALLOWED_MS:.0f}."] if by > ALLOWED_MS else []
        for by in (max(map(best, found.values())), far)
    )
    facts = {"offset_ms_max": far, "allowed_ms": ALLOWED_MS, "servers": servers}
    return Said(facts, drawn("Picture after sound, ms", COLUMNS, lines, words=2), wrong, [] if wrong else short)
