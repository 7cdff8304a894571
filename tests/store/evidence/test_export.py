"""An opened recording: it plays, says what is missing, and is never half there."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from protocol.bundle import Bundle
from protocol.envelope import SOUND_STREAM, Flag, Kind
from protocol.keys import RecipientPrivate
from store.admin.home import Home
from store.admin.init import RECIPIENT
from store.catalog import schema
from store.evidence import export
from store.evidence.opening import Unsound, read_packet, recording_key
from store.evidence.rules import UNREAD
from store.server.services import Services
from testkit.fakes.pc import SECOND, FakeRecording, Pc
from tests.store.conftest import Examine, Gather
from tests.store.filmed import seconds_seen
from tests.store.recorded import POLICY, Filmed, blob, close, make_filmed

Exporter = Callable[..., export.Export]


@pytest.fixture
def exported(gathered: Gather, examined: Examine, home: Home, readers: dict[str, RecipientPrivate]) -> Exporter:
    def write(recording: FakeRecording, folder: Path, gaps: export.Gaps = export.Gaps.SLATE) -> export.Export:
        evidence = gathered(recording)
        packet = evidence.chosen.packet
        assert packet is not None
        opened = read_packet(home.blobs(), packet, evidence.device)
        keys = partial(opened.stream_key, recording_key(opened, readers[RECIPIENT]))
        return export.write(
            evidence,
            home.blobs(),
            keys,
            examined(recording),
            folder,
            register=home.exports,
            monitors=opened.monitors,
            gaps=gaps,
        )

    return write


def test_a_policy_s_text_that_was_exchanged_names_no_rule(filmed: Filmed, gathered: Gather, services: Services) -> None:
    """Who can write the catalog must not choose what a rule that closed the eye is called."""
    known = gathered(filmed.recording).policies
    assert known[POLICY].rules
    with services.database.writing() as connection:
        connection.execute(update(schema.policies).values(files='{"p.yaml": "rules:\\n  - {id: lunch}\\n...\\n"}'))
    found = gathered(filmed.recording)
    assert found.policies[POLICY] == UNREAD


def test_a_pc_that_seals_several_streams_of_sound_is_exported(
    pc: Pc, bundle: Bundle, exported: Exporter, tmp_path: Path
) -> None:
    recording = pc.open_recording(bundle)
    for stream in (SOUND_STREAM, 40_000):
        assert pc.put_sealed(recording.seal(b"header", stream=stream, kind=Kind.HEADER, length=0)).is_success
    done = exported(recording, tmp_path / "out", export.Gaps.NO_FILM)
    assert [file.name for file in done.files] == ["sound.mp4", "sound-40000.mp4"]


def test_the_film_plays_with_the_closed_seconds_missing(filmed: Filmed, exported: Exporter, tmp_path: Path) -> None:
    done = exported(filmed.recording, tmp_path / "out")
    assert done.complete
    film_file = tmp_path / "out" / "screen-0.mp4"
    seen = seconds_seen(film_file)
    assert [time for time, _ in seen] == [second + tick / 5 for second in (0, 1, 2, 6, 7, 9) for tick in range(5)]
    assert [int(time) for time, _ in seen] == [second for _, second in seen]
    account = json.loads((tmp_path / "out" / "timeline.json").read_bytes())
    assert account["kept_ns"] == 6 * SECOND
    assert account["export"] == {
        "complete": True,
        "files": [{"name": "screen-0.mp4", "chunks": 7, "bytes": film_file.stat().st_size, "left_out": []}],
        "film": {
            "name": "recording.mp4",
            "bytes": (tmp_path / "out" / "recording.mp4").stat().st_size,
            "length_ns": 10 * SECOND,
            "gaps": "slate",
            "slates": 3,
            "why_not": "",
        },
        "missing": [],
        "not_checked": {},
    }
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "out").iterdir()} == {0o600}
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o700


def test_what_opens_leaves_out_what_could_not_be_decoded(
    pc: Pc, bundle: Bundle, exported: Exporter, tmp_path: Path, home: Home
) -> None:
    made = make_filmed(pc, bundle)
    close(made)
    made.put_all()
    pc.send_ledger()
    blob(home, made.recording, made.sealed[2], 2).unlink()
    done = exported(made.recording, tmp_path / "out")
    assert not done.complete
    assert [str(chunk) for chunk in done.files[0].left_out] == ["stream 0, sequence 2"]
    assert [finding.code for finding in done.missing] == ["lost"]
    assert sorted({int(time) for time, _ in seconds_seen(tmp_path / "out" / "screen-0.mp4")}) == [0, 2, 6, 7, 9]


def test_after_a_hole_nothing_is_written_up_to_the_next_key_frame(
    pc: Pc, bundle: Bundle, exported: Exporter, tmp_path: Path, home: Home
) -> None:
    recording = pc.open_recording(bundle)
    flags = [Flag.KEY_FRAME, Flag.NONE, Flag.NONE, Flag.KEY_FRAME, Flag.NONE]
    sealed = [recording.seal(b"H", kind=Kind.HEADER, length=0)]
    sealed += [recording.seal(str(place).encode(), flags=flag) for place, flag in enumerate(flags)]
    for body in sealed:
        pc.put_sealed(body)
    blob(home, recording, sealed[2], 2).unlink()
    done = exported(recording, tmp_path / "out")
    assert (tmp_path / "out" / "screen-0.mp4").read_bytes() == b"H034"
    assert [chunk.sequence for chunk in done.files[0].left_out] == [2, 3]


def test_without_its_header_nothing_of_a_stream_plays(
    pc: Pc, bundle: Bundle, exported: Exporter, tmp_path: Path, home: Home
) -> None:
    recording = pc.open_recording(bundle)
    sealed = [recording.seal(b"H", kind=Kind.HEADER, length=0), recording.seal(b"0", flags=Flag.KEY_FRAME)]
    for body in sealed:
        pc.put_sealed(body)
    blob(home, recording, sealed[0], 0).unlink()
    done = exported(recording, tmp_path / "out")
    assert done.files[0].chunks == 0
    assert len(done.files[0].left_out) == 2


def test_two_monitors_are_two_files(pc: Pc, bundle: Bundle, exported: Exporter, tmp_path: Path) -> None:
    recording = pc.open_recording(bundle)
    for stream in (0, 3):
        pc.put_sealed(recording.seal(b"H", stream=stream, kind=Kind.HEADER, length=0))
        pc.put_sealed(recording.seal(str(stream).encode(), stream=stream, flags=Flag.KEY_FRAME))
    done = exported(recording, tmp_path / "out")
    assert [(file.name, file.bytes) for file in done.files] == [("screen-0.mp4", 2), ("screen-3.mp4", 2)]


def test_a_failure_leaves_nothing_under_the_name(
    filmed: Filmed, exported: Exporter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> bytes:
        raise Unsound("lost", "gone in between")

    monkeypatch.setattr(export, "read_body", fail)
    with pytest.raises(Unsound):
        exported(filmed.recording, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".out")] == []


def test_a_pc_that_claims_years_gets_no_film_of_them(
    pc: Pc, bundle: Bundle, exported: Exporter, tmp_path: Path
) -> None:
    """Its account says when the recording closed, and nothing else does: the streams are there all the same."""
    made = make_filmed(pc, bundle)
    close(made, at=10 * 365 * 24 * 3600)
    made.put_all()
    assert pc.send_ledger().status_code == 200
    done = exported(made.recording, tmp_path / "out")
    assert done.film is not None
    assert "no recording does" in done.film.why_not
    assert not done.complete
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["screen-0.mp4", "timeline.json"]
    cut = exported(made.recording, tmp_path / "cut", export.Gaps.CUT)
    assert cut.film is not None
    assert cut.film.why_not == ""


def test_streams_that_no_agent_makes_are_files_of_their_own(
    pc: Pc, bundle: Bundle, exported: Exporter, tmp_path: Path
) -> None:
    """Two of them wanted one name, and nothing of such a recording could be exported."""
    filmed = make_filmed(pc, bundle)
    streams = (0x8000, 40_000, 40_001)
    filmed.sealed += [filmed.recording.seal(b"noise", stream=stream, length=SECOND) for stream in streams]
    close(filmed)
    filmed.put_all()
    assert pc.send_ledger().status_code == 200
    done = exported(filmed.recording, tmp_path / "out")
    assert [file.name for file in done.files] == ["screen-0.mp4", "sound.mp4", "sound-40000.mp4", "sound-40001.mp4"]
