"""bench/sound: what a person hears of a call that is recorded, cut twice by a rule, exported and listened to."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image, ImageDraw
from rich.markdown import Markdown

from bench import tables
from bench.harness import Said, Say
from bench.sound_call_heard import Call, Cut, End, Heard, judged, placed
from bench.sound_pauses import RULED
from bench.sound_play import a_till
from bench.sound_talk import AGENT, BUSY, CALL, CALLER, NUMBER, chunks_of, scripted, voice
from testkit.calls import both_open, desk
from testkit.desk import AMBER, INK, PAPER, TEXT
from testkit.fleet import store
from testkit.listening import Samples, decoded, heard_in
from testkit.opened import SECOND, OpenedRecording, open_longest
from testkit.sounds import RATE, SINKS, played, write

IN_VIEW: Final = 3.0  # seconds
INTO: Final = 1.2  # seconds into a sentence at which the window comes
CUT: Final = (NUMBER, BUSY)  # lines of `CALL`
QUICK_LENGTH: Final = NUMBER + 2  # lines; only the first of the two cuts is in them
SETTLED: Final = 3.0  # seconds before anybody speaks, and after
COSTS: Final = 3.0  # seconds that a window costs beside those in view
LEAST: Final = 0.5  # of what should have been kept: a busy PC keeps less, and that is for other benches to say
LIKE_OPUS: Final = 3.0  # dB by which the film may be less like the call than the encoder alone makes it
QUIET: Final = -50.0  # dB of full scale that an edge may always have above all speech
ABOVE: Final = -40.0  # dB of full scale that may always lie above all speech within a stretch
LOUDER: Final = 3.0  # dB more than the recording itself that both may have
IN_STEP: Final = 40.0  # ms
ENDS: Final = ("the agent's end", "the caller's end")
ROWS: Final = ("the agent, as spoken (orange: not kept)", "as recorded", "the caller, as spoken", "as recorded")
ROW, CAPTION = (1200, 120), 24  # px of a row of the picture, and above it
UP_TO: Final = 10_000.0  # Hz at its top
FLOOR: Final = -90.0  # dB that are drawn as nothing


@dataclass(frozen=True, slots=True)
class Played:
    """`cuts`: windows that came into view; `least`: seconds of the call that neither they nor what they cost took;
    `verified`: what `eyelid-store verify` says of the recording."""

    server: str
    heard: Heard
    cuts: int
    least: float
    verified: bool

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> Played:
        heard = written["heard"]
        agent, caller = (End(**end) for end in heard["ends"])
        return cls(**{**written, "heard": Heard(**{**heard, "ends": (agent, caller)})})


def perform(kind: str, folder: Path, say: Say, *, lines: int) -> Played:
    """What is to be said of the call; `folder` has the film to be listened to, and a picture of it.

    Raises StageError when something that has to run does not, or the call is not in the film.
    """
    folder.mkdir(parents=True, exist_ok=True)
    said, begins = scripted(CALL[:lines], voice)
    with ExitStack() as stack:
        made = stack.enter_context(desk(kind, folder))
        stack.enter_context(made.stage.program("notes", (20, 20), still=True))
        services = stack.enter_context(store(folder))
        recorded = stack.enter_context(made.recorder(services, RULED))
        till = stack.enter_context(a_till(made.stage))
        recorded.recorder.until(lambda: both_open(recorded), "it recorded screen and call")
        time.sleep(SETTLED)
        say(f"{kind}: the call")
        ends = [write(folder / f"{sink}.wav", said[:, end]) for end, sink in zip((AGENT, CALLER), SINKS, strict=True)]
        with played(made.server, ends):
            begun = time.monotonic()
            for number in (one for one in CUT if one < lines):
                time.sleep(max(0.0, begun + begins[number] + INTO - time.monotonic()))
                till.show()
                time.sleep(IN_VIEW)
                till.hide()
        time.sleep(SETTLED)
        recorded.stop()
        say(f"{kind}: listening to the recording")
        opened = open_longest(services, recorded.device, folder / "opened")
    film = heard_in(opened.film)
    kept = kept_in(opened, len(film))
    lying, apart = zip(*(placed(said[:, end] / 32_768, film[:, end], kept) for end in (AGENT, CALLER)), strict=True)
    there = np.stack(lying, axis=1)
    sealed = decoded(opened.folder / "sound.mp4", len(film))
    heard = judged(Call(there, through_opus(there, kept, folder), sealed, film), kept, (apart[0], apart[1]))
    draw(there, film, kept, folder / "call.png")
    windows = sum(number < lines for number in CUT)
    least = len(said) / RATE - windows * (IN_VIEW + COSTS)
    return Played(kind, heard, windows, round(least, 1), opened.verified)


def kept_in(opened: OpenedRecording, length: int) -> list[Cut]:
    """The kept stretches of sound, those that touch as one."""
    stretches: list[Cut] = []
    for part in opened.timeline["audio"]["parts"]:
        if part["what"] != "kept":
            continue
        first, last = (min(round(part[name] * RATE / SECOND), length) for name in ("from", "to"))
        if stretches and first - stretches[-1][1] <= 1:
            first = stretches.pop()[0]
        stretches.append((first, last))
    return stretches


def through_opus(said: Samples, kept: Sequence[Cut], folder: Path) -> Samples:
    """What the recorder's encoder and the store's decoder alone make of the same stretches."""
    heard, file = np.zeros_like(said), folder / "opus.mp4"
    for first, last in kept:
        samples = np.asarray(np.rint(said[first:last] * 32_767), "<i2")
        file.write_bytes(b"".join(chunk.data for chunk in chunks_of(samples)))
        heard[first:last] = decoded(file, last - first)
        file.unlink()
    return heard


def draw(said: Samples, film: Samples, kept: Sequence[Cut], to: Path) -> None:
    """A PNG. `said` as it lies in the film: it is known only where something was kept."""
    (width, height), window = ROW, RATE // 25
    starts = np.linspace(0, len(film) - window, width).astype(int)
    lost = ~np.any([(starts >= first) & (starts < last) for first, last in kept], axis=0)
    tones = np.linspace(UP_TO * window / RATE, 0, height).astype(int)
    picture = Image.new("RGB", (width, len(ROWS) * (height + CAPTION)), PAPER)
    for row, (name, samples) in enumerate(zip(ROWS, (said[:, 0], film[:, 0], said[:, 1], film[:, 1]), strict=True)):
        pieces = np.stack([samples[start : start + window] for start in starts]) * np.hanning(window)
        strength = np.abs(np.fft.rfft(pieces))[:, tones].T / (window / 4)
        grey = 255 * np.clip(20 * np.log10(np.maximum(strength, 1e-9)) / FLOOR, 0, 1)
        shown = np.repeat(grey.astype(np.uint8)[:, :, None], 3, axis=2)
        shown[:, lost] = AMBER
        ImageDraw.Draw(picture).text((8, row * (height + CAPTION) + 2), name, INK, TEXT)
        picture.paste(Image.fromarray(shown), (0, row * (height + CAPTION) + CAPTION))
    picture.save(to)


def faults(played: Played) -> list[str]:
    """What a person would hear that was not in the call, and what leaves nothing to judge."""
    heard, found = played.heard, []
    if not played.verified:
        found.append("the recording does not verify")
    if heard.cuts < played.cuts:
        found.append(f"{heard.cuts} cuts, where a window came into view {played.cuts} times: no cut was judged")
    for name, end in zip(ENDS, heard.ends, strict=True):
        if end.stray:
            found.append(f"{name}: {end.stray} ms have something that nobody said")
        if end.above > max(ABOVE, end.above_sealed + LOUDER):
            found.append(f"{name}: clicks of {end.above} dB above all speech, {end.above_sealed} in the recording")
    if heard.edges > max(QUIET, heard.soft + LOUDER):
        found.append(f"an edge clicks: {heard.edges} dB above all speech, {heard.soft} if the recording faded there")
    if heard.between > 0:
        found.append("something is heard where nothing was kept")
    return found


def missed(played: Played) -> list[str]:
    """What a person would miss. A PC that is too busy to play and to record can do the same."""
    heard, found = played.heard, []
    if heard.kept < played.least * LEAST:
        found.append(f"{heard.kept:.1f} s were kept, of {played.least:.1f}: too little to judge")
    for name, end in zip(ENDS, heard.ends, strict=True):
        if end.lost:
            found.append(f"{name}: {end.lost} ms of speech are missing from what was kept")
        if min(end.like, end.like_sealed) < end.like_opus - LIKE_OPUS:
            found.append(f"{name}: {end.like} dB like the call, where the encoder alone comes to {end.like_opus}")
        if end.apart > IN_STEP:
            found.append(f"{name}: its stretches are up to {end.apart:.0f} ms apart")
    return found


# -- telling ------------------------------------------------------------------------------------------------------


def measure(asked: argparse.Namespace, kinds: list[str], folder: Path, say: Say) -> list[Played]:
    lines = QUICK_LENGTH if asked.quick else len(CALL)
    return [perform(kind, folder / kind, say, lines=lines) for kind in (kinds[:1] if asked.quick else kinds)]


def said(found: Sequence[Played]) -> Said:
    return Said(
        facts={"runs": [{**asdict(one), "faults": faults(one), "missed": missed(one)} for one in found]},
        table=Markdown(markdown(found)),
        wrong=[f"{one.server}: {fault}" for one in found for fault in faults(one)],
        short=[f"{one.server}: {what}" for one in found for what in missed(one)],
    )


def markdown(found: Sequence[Played]) -> str:
    return tables.markdown(("", *_ends(found)), _lines(found))


# What is told of each end, in the table's words.
TOLD: Final[tuple[tuple[str, Callable[[Heard, End], str]], ...]] = (
    ("kept, s", lambda heard, _: f"{heard.kept:.1f}"),
    ("speech that is missing, ms", lambda _, end: str(end.lost)),
    ("sound that was not made, ms", lambda _, end: str(end.stray)),
    ("stretches differ in place by, ms", lambda _, end: f"{end.apart:.1f}"),
    ("the call over what the film has beside it, dB", lambda _, end: f"{end.like:.1f}"),
    ("- the recording", lambda _, end: f"{end.like_sealed:.1f}"),
    ("- the encoder alone", lambda _, end: f"{end.like_opus:.1f}"),
    ("the recording over what the film has beside it, dB", lambda _, end: f"{end.film:.1f}"),
    ("loudest above all speech, dB of full scale", lambda _, end: f"{end.above:.1f}"),
    ("- the recording", lambda _, end: f"{end.above_sealed:.1f}"),
    ("loudest above all speech at an edge", lambda heard, _: f"{heard.edges:.1f}"),
    ("- the recording, if it faded there", lambda heard, _: f"{heard.soft:.1f}"),
    ("- the recording as it is", lambda heard, _: f"{heard.hard:.1f}"),
)


def _ends(found: Sequence[Played]) -> list[str]:
    """The head of each column; of several runs on one server with their number."""
    servers = [played.server for played in found]
    runs = [
        f"{server} {servers[:place].count(server) + 1}" if servers.count(server) > 1 else server
        for place, server in enumerate(servers)
    ]
    return [f"{run}, {name}" for run in runs for name in ("agent", "caller")]


def _lines(found: Sequence[Played]) -> list[list[str]]:
    return [[words, *(told(one.heard, end) for one in found for end in one.heard.ends)] for words, told in TOLD]
