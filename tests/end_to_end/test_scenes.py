"""A policy asks for scenes, a window's title is judged by it, and later by another one: the real recorder and store.

The title is in no file of the PC or of the store as it is, and there for whoever may open the recording.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from agent.control.recorder_state import RecorderState
from testkit.fleet import NewStore, Pc, Store, answer, installed, pc, run
from testkit.stage import own_display
from testkit.windows import program
from tests.moods import promised

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(300)]

CHART = "Chart of Quirinalia Zweistein"
INVOICE = "Invoice for Quirinalia Zweistein"
HELD = "Diary of Ottokar Achtziger"
NAMES = ("Quirinalia", "Ottokar")

THEN = """schema: 1
revision: {revision}
name: Then
{more}rules:
  - id: charts
    why: w
    any:
      - title: ["Chart *"]
...
"""
WITH = """schema: 1
revision: 9
name: Next
rules:
  - id: invoices
    why: w
    any:
      - all: [{ app: [till] }, { title: ["Invoice *"] }]
...
"""


def policy(revision: int, more: str = "") -> str:
    return THEN.format(revision=revision, more=more)


def stands(recorded: Pc, state: RecorderState) -> bool:
    """For longer than the second that a title costs at each end."""
    status = recorded.status()
    return status is not None and status["state"] == state and status["since_s"] > 3


def keeps(recorded: Pc) -> bool:
    """It records and has sealed pictures since: a busy PC may open the eye for a while and take none."""
    status = recorded.status()
    if status is None or status["state"] != RecorderState.RECORDING or status["pictures_ago_s"] is None:
        return False
    return status["since_s"] > max(3.0, status["pictures_ago_s"])


@dataclass
class Played:
    """`recordings`: as the store lists them, the oldest first; the first without scenes, the second with."""

    services: Store
    files: dict[str, bytes]
    recordings: list[str]
    folder: Path

    def replay(self, recording: str, *words: str) -> subprocess.CompletedProcess[str]:
        return self.services.ran("replay", recording, *self.services.opened_by_recipient, *words)

    def exported(self) -> Path:
        target = self.folder / "opened"
        if not target.exists():
            opened = (*self.services.opened_by_recipient, "--gaps", "no-film", "-o", str(target))
            answer("export", self.services.ran("export", self.recordings[1], *opened))
        return target


@pytest.fixture(scope="module")
def played(new_store: NewStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    folder = tmp_path_factory.mktemp("scenes")
    (folder / "with.yaml").write_text(WITH)
    (folder / "same.yaml").write_text(policy(2, "keep_scenes: true\n"))
    with (
        TemporaryDirectory(prefix="eyelid-") as homes,
        own_display(folder / "display") as stage,
        new_store(folder) as services,
    ):
        home = Path(homes) / "pc"
        environment = {**stage.environment, "EYELID_CONFIG": str(home / "agent.yaml")}
        with (
            stage.program("notes", (20, 20), still=True),
            program(stage.name, "till") as till,
            pc(services, stage, home, {"p.yaml": policy(1)}, settings={"log_level": "debug"}) as recorded,
        ):
            recorded.wait_for(RecorderState.RECORDING)
            (home / "policies" / "p.yaml").write_text(policy(2, "keep_scenes: true\n"))
            recorded.recorder.until(lambda: (recorded.status() or {}).get("policy_revision") == 2, "it was in force")
            recorded.wait_for(RecorderState.RECORDING)
            window = till.open(title=CHART, x=600, y=400)
            with promised():
                recorded.recorder.until(lambda: stands(recorded, RecorderState.CLOSED), "it was closed for a while")
            till.retitle(window=window, title=INVOICE)
            recorded.recorder.until(lambda: keeps(recorded), "pictures of it were sealed")
            answer("hold", run(installed("eyelid", "hold"), environment))
            recorded.wait_for(RecorderState.HELD)
            till.retitle(window=window, title=HELD)
            till.retitle(window=window, title=INVOICE)
            answer("release", run(installed("eyelid", "release"), environment))
            recorded.wait_for(RecorderState.RECORDING)
        files = {str(path): path.read_bytes() for path in home.rglob("*") if path.is_file()}
        files |= {str(path): path.read_bytes() for path in services.home.rglob("*") if path.is_file()}
        listed = [one["recording"] for one in services.ask("recordings")["recordings"]]
        yield Played(services, files, listed[::-1], folder)


def test_no_file_of_pc_or_store_has_the_title(played: Played) -> None:
    assert any("/ledger/" in path for path in played.files)
    assert any("/log/" in path for path in played.files)
    assert any("/blobs/" in path for path in played.files)
    for name in NAMES:
        for form in (name.encode(), name.encode("utf-16-le"), name.encode("utf-16-be"), name[::-1].encode()):
            assert [path for path, content in played.files.items() if form in content] == []


def test_the_recording_is_sound_with_its_third_lane(played: Played) -> None:
    assert len(played.recordings) == 2
    for recording in played.recordings:
        told = played.services.ask("verify", recording, *played.services.opened_by_recipient)
        assert (told["sound"], told["not_checked"]) == (True, {})
    timeline = played.services.ask("timeline", played.recordings[1])
    assert "audio" not in timeline
    whole = sum(timeline[f"{name}_ns"] for name in ("kept", "closed", "closed_margin", "held", "blind", "missing"))
    assert whole == timeline["whole_ns"]
    gaps = json.loads(played.services.ran("gaps", "--json").stdout)
    assert [device["recordings"] for device in gaps["devices"]] == [[]]


def test_a_reader_has_the_scenes_and_none_of_a_hold(played: Played) -> None:
    opened = played.exported()
    text = (opened / "scenes.jsonl").read_text()
    assert CHART in text
    assert INVOICE in text
    assert HELD not in text
    assert '"untold":"held"' in text
    [head] = [json.loads(line) for line in text.splitlines() if "eyelid_scenes" in line]
    assert head["policy_files"] == {"p.yaml": policy(2, "keep_scenes: true\n")}
    files = json.loads((opened / "timeline.json").read_bytes())["export"]["files"]
    assert [(one["name"], one["left_out"]) for one in files] == [("screen-0.mp4", []), ("scenes.jsonl", [])]
    assert oct((opened / "scenes.jsonl").stat().st_mode)[-3:] == "600"


def test_another_policy_says_what_would_newly_open_and_newly_close(played: Played) -> None:
    ran = played.replay(played.recordings[1], "--with", str(played.folder / "with.yaml"), "--json")
    assert ran.returncode == 1, ran
    told: dict[str, Any] = json.loads(ran.stdout)
    screen = told["lanes"]["screen"]
    assert list(told["lanes"]) == ["screen"]
    opened = [one for one in screen["spans"] if one["newly"] == "open"]
    closed = [one for one in screen["spans"] if one["newly"] == "closed"]
    assert screen["newly_open_ns"] == sum(one["to"] - one["from"] for one in opened) > 0
    assert screen["newly_closed_ns"] == sum(one["to"] - one["from"] for one in closed) > 0
    assert [one["then"] for one in opened] == [[{"id": "charts", "where": "p.yaml:6:5"}]] * len(opened)
    assert opened[0]["things"] == [f'till "{CHART}"']
    assert sum(one["kept_ns"] for one in opened) == 0  # what the policy closed was not kept
    assert closed[0]["with"] == [{"id": "invoices", "where": f"{played.folder / 'with.yaml'}:5:5"}]
    assert closed[0]["things"] == [f'till "{INVOICE}"']
    assert any(not one["judged"] for one in screen["spans"])  # the hold
    account = played.services.ask("timeline", played.recordings[1])["parts"]
    told_closed = [part for part in account if part["what"] == "closed" and part["rules"] == ["charts"]]
    assert told_closed
    assert all(any(one["from"] < part["to"] and part["from"] < one["to"] for one in opened) for part in told_closed)


def test_it_is_told_in_words_with_the_possible_leaks_first(played: Played) -> None:
    said = played.replay(played.recordings[1], "--with", str(played.folder / "with.yaml")).stdout
    assert said.index("WOULD NEWLY OPEN") < said.index("Would newly close") < said.index("The same under both")
    assert "then: closed by charts (p.yaml:6:5); with: no rule closes" in said
    # The same from an export, without the store.
    command = installed("eyelid", "replay", str(played.exported()), "--with", str(played.folder / "with.yaml"))
    ran = run(command, {})
    assert (ran.returncode, ran.stdout) == (1, said)


def test_its_own_policy_changes_nothing(played: Played) -> None:
    ran = played.replay(played.recordings[1], "--with", str(played.folder / "same.yaml"))
    assert ran.returncode == 0, ran
    assert "No difference" in ran.stdout


def test_what_cannot_be_tried_is_said_in_one_line(played: Played) -> None:
    new = str(played.folder / "with.yaml")
    ran = played.replay(played.recordings[0], "--with", new)
    assert ran.returncode == 2
    assert "has no scenes to try a policy on: a policy keeps them with `keep_scenes: true`" in ran.stderr
    ran = played.replay(played.recordings[1], "--with", str(played.folder / "none.yaml"))
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == f"eyelid: {played.folder / 'none.yaml'} cannot be read: No such file or directory\n"
    ran = played.services.ran("replay", "ffff", "--with", new, *played.services.opened_by_recipient)
    assert ran.returncode == 2
    wrong = ("--key", str(played.services.secret), "--key-file", str(played.services.secret))
    ran = played.services.ran("replay", played.recordings[1], "--with", new, *wrong)
    assert ran.returncode == 2
    assert len(ran.stderr.splitlines()) == 1
