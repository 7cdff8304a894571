"""A spool that an older version left behind: what it had sealed is sent, byte for byte, and what it half wrote goes."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import UUID

import pytest

from agent.spool import SET_ASIDE, DiskSpool
from protocol import base64url
from protocol.claims import parse_object
from tests.vectors import freeze

FROZEN = sorted(freeze.HERE.glob("v[0-9]*"))


def left_by(folder: Path, root: Path) -> list[bytes]:
    """The recording of that version as its spool has it on disk; its bodies in the order in which they must go."""
    vector = json.loads((folder / "recording.json").read_text(encoding="utf-8"))
    packet = vector["packet"].encode("ascii")
    recording = UUID(str(parse_object(base64url.decode(vector["packet"].split(".")[1]))["recording"]))
    chunks = [bytes.fromhex(chunk["sealed"]) for chunk in vector["chunks"]]
    place = root / str(recording)
    place.mkdir(parents=True)
    (place / "65535-0000000000").write_bytes(packet)
    for number, chunk in enumerate(chunks):
        (place / f"00000-{number:010d}").write_bytes(chunk)
    return [packet, *chunks]


@pytest.mark.parametrize("folder", FROZEN, ids=lambda folder: folder.name)
def test_a_recording_of_a_frozen_version_waits_as_it_did(folder: Path, tmp_path: Path) -> None:
    alarms: list[str] = []
    bodies = left_by(folder, tmp_path / "spool")
    spool = DiskSpool(tmp_path / "spool", max_bytes=10**9, keep_free=0, alarm=alarms.append)
    assert [sealed.data for sealed in spool.pending()] == bodies
    assert spool.waiting() == (len(bodies), sum(map(len, bodies)))
    assert alarms == []


@pytest.mark.parametrize("folder", FROZEN, ids=lambda folder: folder.name)
def test_what_it_had_half_written_goes_and_what_is_no_chunk_is_set_aside(folder: Path, tmp_path: Path) -> None:
    alarms: list[str] = []
    root = tmp_path / "spool"
    bodies = left_by(folder, root)
    place = next(root.iterdir())
    (place / ".part-0123456789abcdef").write_bytes(bodies[1][:50])
    (place / f"00000-{len(bodies):010d}").write_bytes(bodies[1][:50])  # torn, as without a flush before the rename
    spool = DiskSpool(root, max_bytes=10**9, keep_free=0, alarm=alarms.append)
    assert [sealed.data for sealed in spool.pending()] == bodies
    assert alarms == ["chunk-damaged"]
    assert not list(place.glob(".part-*"))
    (reason,) = (root / SET_ASIDE).glob("*.why")
    assert reason.read_text().startswith("found at the start: ")
