"""The lane of scenes at the store: kept and checked like any other, played by nobody, and tried by the agent's command.

A chunk that is not there is said in the text; what cannot be tried is said in one line, and is no answer of `replay`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agent.core.account.scenes import Ended, GapCause, Hole, Sighting, read, written
from agent.core.model.seen import WINDOWS, Blind
from protocol.bundle import Bundle
from protocol.envelope import SCENE_STREAM, digest
from store import cli
from store.admin.home import Home
from store.admin.init import RECIPIENT
from store.catalog.blobs import sealed_name
from testkit.fakes.pc import SECOND, Pc
from tests.store.conftest import PASSPHRASE, Examine, Gather
from tests.store.recorded import POLICY_FILES, Filmed, close, make_filmed

POLICY = "schema: 1\nrevision: 2\nname: Next\nrules:\n  - { id: r, why: w, any: [app: [epic]] }\n...\n"
SCENES = (
    Sighting(SECOND, WINDOWS, Blind.EMPTY),
    Sighting(4 * SECOND, WINDOWS, Blind.NO_TITLE),
    Ended(10 * SECOND),
)


def with_scenes(pc: Pc, bundle: Bundle) -> Filmed:
    """Three chunks of scenes, also from the time in which the eye was closed."""
    made = make_filmed(pc, bundle)
    for number, line in enumerate(SCENES):
        made.sealed.append(
            made.recording.seal(written([line], 0), stream=SCENE_STREAM, length=SECOND, gap=0 if number else SECOND)
        )
    close(made)
    made.put_all()
    assert pc.send_ledger().is_success
    return made


@pytest.fixture
def told(pc: Pc, bundle: Bundle) -> Filmed:
    return with_scenes(pc, bundle)


@dataclass
class Ran:
    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def run(home: Home, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Run:
    """`eyelid-store COMMAND REC`, with the recipient's key."""
    secret = tmp_path / "passphrase"
    secret.write_bytes(PASSPHRASE + b"\n")
    key = home.folder / home.key(RECIPIENT).file

    def command(name: str, recording: object, *more: object) -> Ran:
        capfd.readouterr()
        opened = ("--home", home.folder, "--key", key, "--passphrase-file", secret)
        code = cli.main([str(word) for word in (name, recording, *opened, *more)])
        said = capfd.readouterr()
        return Ran(code, said.out, said.err)

    return command


def test_what_was_seen_while_the_eye_was_closed_is_sound(told: Filmed, gathered: Gather, examined: Examine) -> None:
    report = examined(told.recording)
    assert report.findings == ()
    evidence = gathered(told.recording)
    assert evidence.lanes == ("screen",)
    assert evidence.length == 10 * SECOND
    assert evidence.kept("screen") == tuple((second * SECOND, (second + 1) * SECOND) for second in (0, 1, 2, 6, 7, 9))


def test_an_export_has_them_beside_the_film(told: Filmed, run: Run, tmp_path: Path) -> None:
    ended = run("export", told.recording.id, "-o", tmp_path / "out")
    assert ended.code == 0
    assert "scenes.jsonl  3 chunks" in ended.out
    first, *rest = (tmp_path / "out" / "scenes.jsonl").read_bytes().splitlines()
    head = json.loads(first)
    assert head["policy_files"] == POLICY_FILES
    assert head["length_ns"] == 10 * SECOND
    account = json.loads((tmp_path / "out" / "timeline.json").read_bytes())
    assert head["lanes"] == {"screen": account["parts"]}
    assert account["export"]["film"]["name"] == "recording.mp4"
    assert read(rest) == SCENES


def test_a_chunk_that_is_not_there_is_said_in_its_place(told: Filmed, home: Home, run: Run, tmp_path: Path) -> None:
    name = sealed_name(told.recording.id, SCENE_STREAM, 1, digest(told.sealed[-2]).hex())
    (home.folder / "blobs" / name).unlink()
    refused = run("export", told.recording.id, "-o", tmp_path / "out")
    assert (refused.code, f"stream {SCENE_STREAM}, sequence 1" in refused.err) == (1, True)
    partial = "--what-opens"  # the old name
    ended = run("export", told.recording.id, "-o", tmp_path / "out", partial, "--gaps", "no-film")
    assert "scenes.jsonl: left out sequences 1" in ended.out
    _, *rest = (tmp_path / "out" / "scenes.jsonl").read_bytes().splitlines()
    assert read(rest) == (SCENES[0], Hole(2 * SECOND, GapCause.MISSING), SCENES[2])


def test_another_policy_is_tried_by_the_agents_command(told: Filmed, run: Run, tmp_path: Path) -> None:
    """This recording's own policy is one that only a store reads, so that another has to be given for it."""
    (tmp_path / "next.yaml").write_text(POLICY)
    with_it = ("--with", tmp_path / "next.yaml")
    refused = run("replay", told.recording.id, *with_it)
    assert refused.code == 2
    assert refused.err.startswith("eyelid: the recording's own policy cannot be read any more, give one with --then:")
    ended = run("replay", told.recording.id, *with_it, "--then", tmp_path / "next.yaml", "--json")
    assert ended.code == 0
    facts: dict[str, Any] = json.loads(ended.out)
    assert facts["differs"] is False
    assert facts["lanes"]["screen"]["closed_ns"] > 0


def test_a_recording_without_scenes_says_how_to_have_some(filmed: Filmed, run: Run, tmp_path: Path) -> None:
    ended = run("replay", filmed.recording.id, "--with", tmp_path / "next.yaml")
    assert (ended.code, ended.out) == (2, "")
    assert "a policy keeps them with `keep_scenes: true`, from the next recording on" in ended.err


def test_without_a_key_packet_there_is_no_answer(told: Filmed, run: Run, home: Home, tmp_path: Path) -> None:
    name = sealed_name(told.recording.id, 0xFFFF, 0, digest(told.recording.packet).hex())
    (home.folder / "blobs" / name).unlink()
    ended = run("replay", told.recording.id, "--with", tmp_path / "next.yaml")
    assert (ended.code, ended.out) == (2, "")
    assert "key packet" in ended.err


def test_a_store_without_the_agent_beside_it_says_what_to_do(
    told: Filmed, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    ended = run("replay", told.recording.id, "--with", tmp_path / "next.yaml")
    assert (ended.code, ended.out) == (2, "")
    assert "install the agent beside the store, or export the recording and run `eyelid replay FOLDER" in ended.err
    broken = tmp_path / "eyelid"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o700)
    assert "install the agent beside the store" in run("replay", told.recording.id, "--with", "x").err


def test_a_device_that_lost_scenes_is_told_of_like_any_other(pc: Pc, bundle: Bundle, run: Run) -> None:
    made = make_filmed(pc, bundle)
    lost = made.recording.seal(written(SCENES[:1], 0), stream=SCENE_STREAM)
    close(made)
    made.put_all()
    assert pc.send_ledger().is_success
    ended = run("verify", made.recording.id)
    assert (ended.code, f"stream {SCENE_STREAM}, sequences 0 to 0" in ended.out) == (1, True)
    assert pc.put(made.recording.id, SCENE_STREAM, 0, lost).is_success
    assert run("verify", made.recording.id).code == 0
