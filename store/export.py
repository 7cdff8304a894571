"""Opens a recording for whoever may see it: a playable file for each stream, and the account beside them.

A stream's header and any run of its fragments from a key frame on are a file (CMAF; times are absolute, so a closed
eye stays a hole in time). Everything is written beside the folder asked for and moved there whole.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from protocol import envelope
from protocol.envelope import SCREEN, Flag, Kind, lane_of
from store.blobs import BlobStore
from store.chain import Stored
from store.errors import StoreError, WrongUsage
from store.evidence import Evidence
from store.files import write_new
from store.opening import read_body
from store.timeline import recording as timeline
from store.verify.recording import Finding, Report


@dataclass(frozen=True, slots=True)
class Written:
    """One stream's file: how many chunks are in it, and which are left out although they were received."""

    name: str
    chunks: int
    bytes: int
    left_out: tuple[Stored, ...]


@dataclass(frozen=True, slots=True)
class Export:
    folder: Path
    files: tuple[Written, ...]
    missing: tuple[Finding, ...]

    @property
    def complete(self) -> bool:
        return not self.missing and not any(file.left_out for file in self.files)


def check_target(folder: Path) -> None:
    """Raises WrongUsage where something lies already: an export never overwrites."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise WrongUsage(f"{folder} is not empty: name a folder that is not there yet")
    if not folder.absolute().parent.is_dir():
        raise WrongUsage(f"{folder.absolute().parent} is not there: make it first")


def in_the_way(report: Report) -> list[Finding]:
    """Findings that an export must not pass over; an alarm that was settled is told and stands in nobody's way."""
    return [finding for finding in report.findings if finding.check != "alarm"]


def write(
    evidence: Evidence,
    blobs: BlobStore,
    key: bytes,
    report: Report,
    folder: Path,
    *,
    advance: Callable[[int], None],
) -> Export:
    """The opened recording under `folder`. Raises StoreError, and then leaves nothing there."""
    folder = folder.absolute()
    building = folder.parent / f".{folder.name}.{secrets.token_hex(4)}"
    try:
        building.mkdir(mode=0o700)
        opener = _Opener(blobs, key, report, advance)
        streams = sorted(evidence.chosen.streams.items())
        files = tuple(opener.write_stream(stream, chain, building) for stream, chain in streams)
        done = Export(folder, files, tuple(in_the_way(report)))
        account = timeline.facts(evidence) | {"export": _facts(done)}
        write_new(building / "timeline.json", json.dumps(account, ensure_ascii=False, indent=1).encode() + b"\n")
        if folder.is_dir():
            folder.rmdir()
        building.rename(folder)
    except OSError as error:
        raise StoreError(f"{folder} cannot be written: {error.strerror or error}") from None
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return done


@dataclass(frozen=True, slots=True)
class _Opener:
    blobs: BlobStore
    key: bytes
    report: Report
    advance: Callable[[int], None]

    def write_stream(self, stream: int, chain: Sequence[Stored], folder: Path) -> Written:
        name = f"screen-{stream}.mp4" if lane_of(stream) == SCREEN else "sound.mp4"
        playable = set(_playable(chain, self.report))
        with os.fdopen(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            for chunk in chain:
                self.advance(1)
                if chunk in playable:
                    _, plaintext = envelope.open_sealed(self.key, read_body(self.blobs, chunk))
                    file.write(plaintext)
            written = file.tell()
        return Written(name, len(playable), written, tuple(chunk for chunk in chain if chunk not in playable))


def _playable(chain: Sequence[Stored], report: Report) -> Iterator[Stored]:
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


def _facts(export: Export) -> dict[str, Any]:
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
        "missing": [asdict(finding) for finding in export.missing],
    }


def facts(export: Export) -> dict[str, Any]:
    """JSON for the command line."""
    return {"folder": str(export.folder), **_facts(export)}
