"""Opens a recording for its reader: a playable file for each stream, one film of all, and the account beside.

A stream's header and any run of its fragments from a key frame on are a file (CMAF; times are absolute, so a closed
eye stays a hole in time). The film has them all in step. Everything is written beside the folder asked for, made
durable, and moved there whole.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO, Final

from protocol import envelope
from protocol.envelope import AUDIO, SCENE_STREAM, SCREEN, SOUND_STREAM, Flag, Kind, lane_of
from protocol.packet import Monitor
from store.catalog.blobs import BlobStore
from store.clock import SECOND, seconds
from store.errors import StoreError, WrongUsage
from store.evidence import scenes
from store.evidence.account import Interval, union
from store.evidence.chain import Stored
from store.evidence.evidence import Evidence
from store.evidence.film import CannotPlay, apart
from store.evidence.film.plan import Plan, make_plan
from store.evidence.opening import StreamKeys, read_body
from store.evidence.rules import words_of
from store.evidence.show import progress
from store.evidence.timeline import recording as timeline
from store.evidence.unfinished import building, put_in_place
from store.evidence.verify.ledger import Defect
from store.evidence.verify.recording import Report
from store.files import write_new

FILM: Final = "recording.mp4"
SCENES: Final = "scenes.jsonl"
LONGEST_FILM: Final = 24 * 3600 * SECOND  # a recording lasts an hour, but a device that lies can claim years


class Gaps(StrEnum):
    """What the film has where nothing was kept: a slate as long as the gap, or nothing; or no film is made at all."""

    SLATE = "slate"
    CUT = "cut"
    NO_FILM = "no-film"


@dataclass(frozen=True, slots=True)
class Written:
    """One stream's file: how many chunks are in it, what time they cover (ns since the recording's start; none
    where nothing plays), and which were left out although they were received."""

    stream: int
    name: str
    chunks: int
    bytes: int
    kept: tuple[Interval, ...]
    left_out: tuple[Stored, ...]


@dataclass(frozen=True, slots=True)
class Film:
    """`length`: ns. `slates`: stretches of the screen or of the sound that it has nothing of. `why_not`: why there is
    none, or ""."""

    gaps: Gaps
    bytes: int = 0
    length: int = 0
    slates: int = 0
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Export:
    """`film` is None where none was asked for, or there is nothing to show."""

    folder: Path
    files: tuple[Written, ...]
    film: Film | None
    missing: tuple[Defect, ...]
    not_checked: tuple[tuple[str, str], ...] = ()  # as in `Report`

    @property
    def complete(self) -> bool:
        failed = self.film is not None and bool(self.film.why_not)
        accounted = all(check != "account" for check, _ in self.not_checked)  # else nothing says where it ends
        return accounted and not self.missing and not failed and not any(file.left_out for file in self.files)


def check_target(folder: Path) -> None:
    """Raises WrongUsage where something lies already: an export never overwrites."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise WrongUsage(f"{folder} is not empty: name a folder that is not there yet")
    if not folder.absolute().parent.is_dir():
        raise WrongUsage(f"{folder.absolute().parent} is not there: make it first")


def in_the_way(report: Report) -> list[Defect]:
    """Findings that an export must not pass over; an alarm that was settled is reported and stops nothing."""
    return [finding for finding in report.findings if finding.check != "alarm"]


def write(
    evidence: Evidence,
    blobs: BlobStore,
    keys: StreamKeys,
    report: Report,
    folder: Path,
    *,
    register: Path,
    monitors: Sequence[Monitor],
    gaps: Gaps = Gaps.SLATE,
    texts: Mapping[str, str] | None = None,
) -> Export:
    """The opened recording under `folder`, on disk when it returns. Raises StoreError, and then leaves nothing there.

    `register`: where it is noted that something lies here unfinished. `monitors`: of the key packet. `texts`: of its
    policy, for the scenes. A recording whose media no decoder takes has no film, and says so.
    """
    folder = folder.absolute()
    streams = sorted(evidence.chosen.streams.items())
    try:
        with building(register, folder) as hidden:
            with progress("opening", sum(len(chain) for _, chain in streams)) as advance:
                opener = _Opener(blobs, keys, report, advance)
                files = tuple(
                    opener.write_scenes(evidence, texts or {}, hidden)
                    if stream == SCENE_STREAM
                    else opener.write_stream(stream, chain, hidden)
                    for stream, chain in streams
                )
            film = None if gaps is Gaps.NO_FILM else _film(evidence, files, monitors, hidden, gaps)
            done = Export(folder, files, film, tuple(in_the_way(report)), report.not_checked)
            account = timeline.facts(evidence) | {"export": _facts(done)}
            write_new(hidden / "timeline.json", json.dumps(account, ensure_ascii=False, indent=1).encode() + b"\n")
            put_in_place(hidden, folder)
    except OSError as error:
        raise StoreError(f"{folder} cannot be written: {error.strerror or error}") from None
    return done


@dataclass(frozen=True, slots=True)
class _Opener:
    blobs: BlobStore
    keys: StreamKeys
    report: Report
    advance: Callable[[int], None]

    def write_stream(self, stream: int, chain: Sequence[Stored], folder: Path) -> Written:
        name = _name_of(stream)
        plays = set(playable(chain, self.report))
        with _new(folder / name) as file:
            for chunk in chain:
                self.advance(1)
                if chunk in plays:
                    _, plaintext = envelope.open_sealed(self.keys(stream), read_body(self.blobs, chunk))
                    file.write(plaintext)
            written = file.tell()
        kept = union(chunk.span for chunk in plays if chunk.kind is Kind.MEDIA)
        left_out = tuple(chunk for chunk in chain if chunk not in plays)
        return Written(stream, name, len(plays), written, tuple(kept), left_out)

    def write_scenes(self, evidence: Evidence, texts: Mapping[str, str], folder: Path) -> Written:
        chain = scenes.kept(evidence)
        done = set()
        with _new(folder / SCENES) as file:
            file.write(scenes.head(evidence, texts))
            for chunk, text in scenes.lines(evidence, self.blobs, self.keys, self.report):
                file.write(text)
                done.add(chunk)
            written = file.tell()
        self.advance(len(chain))
        left_out = tuple(chunk for chunk in chain if chunk not in done)
        return Written(SCENE_STREAM, SCENES, len(done), written, (), left_out)


def _name_of(stream: int) -> str:
    """A PC may have sent streams that no agent makes: they must not take the place of another's file."""
    if lane_of(stream) == SCREEN:
        return f"screen-{stream}.mp4"
    return "sound.mp4" if stream == SOUND_STREAM else f"sound-{stream}.mp4"


@contextmanager
def _new(path: Path) -> Iterator[BinaryIO]:
    """Readable by its owner alone, and on disk when it is closed."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def playable(chain: Sequence[Stored], report: Report) -> Iterator[Stored]:
    """The header, and after a hole in the chain nothing up to the next key frame: a decoder would paint garbage."""
    expected, broken = 0, False
    headed = any(chunk.kind is Kind.HEADER and chunk not in report.unsound for chunk in chain)
    for chunk in chain:
        broken = (broken or chunk.sequence != expected) and not (chunk.flags or Flag.NONE) & Flag.KEY_FRAME
        expected = chunk.sequence + 1
        if not headed or chunk in report.unsound:
            broken = True
        elif chunk.kind is Kind.HEADER or not broken:
            yield chunk


def _film(
    evidence: Evidence, files: Sequence[Written], monitors: Sequence[Monitor], folder: Path, gaps: Gaps
) -> Film | None:
    playing = [file for file in files if file.kept]
    if not playing:
        return None
    screens = {file.stream: folder / file.name for file in playing if lane_of(file.stream) == SCREEN}
    sound = next(((file.stream, folder / file.name) for file in playing if lane_of(file.stream) == AUDIO), None)
    plan = make_plan(
        evidence.length,
        {file.stream: file.kept for file in playing},
        {lane: evidence.account_of(lane) for lane in evidence.lanes},
        lambda cause: words_of(cause, evidence.names_of),
        cut=gaps is Gaps.CUT,
    )
    if plan.length > LONGEST_FILM:
        return Film(gaps, why_not=f"it would last {seconds(plan.length)}, and no recording does: try --gaps cut")
    film = folder / FILM
    try:
        with progress(f"making {FILM} (seconds)", plan.length // SECOND) as advance:
            apart.make(plan, monitors, screens, sound, film, advance=advance)
    except CannotPlay as error:
        film.unlink(missing_ok=True)
        return Film(gaps, why_not=str(error))
    with film.open("rb") as made:
        os.fsync(made.fileno())
    return Film(gaps, film.stat().st_size, plan.length, _slates(plan))


def _slates(plan: Plan) -> int:
    return sum(
        any(start < gap.end and gap.start < end for start, end in plan.shown)
        for gaps in plan.gaps.values()
        for gap in gaps
    )


def _facts(export: Export) -> dict[str, Any]:
    film = export.film
    return {
        "complete": export.complete,
        "files": [
            {
                "name": file.name,
                "chunks": file.chunks,
                "bytes": file.bytes,
                "left_out": [str(chunk) for chunk in file.left_out],
            }
            for file in export.files
        ],
        "film": None
        if film is None
        else {
            "name": None if film.why_not else FILM,
            "bytes": film.bytes,
            "length_ns": film.length,
            "gaps": film.gaps.value,
            "slates": film.slates,
            "why_not": film.why_not,
        },
        "missing": [asdict(finding) for finding in export.missing],
        "not_checked": dict(export.not_checked),
    }


def facts(export: Export) -> dict[str, Any]:
    """JSON for the command line."""
    return {"folder": str(export.folder), **_facts(export)}
