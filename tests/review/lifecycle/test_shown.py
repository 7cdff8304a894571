"""Wherever somebody looks, an erased recording says so; one that was deleted otherwise is still called lost."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from protocol.erasure import Erasure
from protocol.jws import Keys
from review.governance.times import DAY
from store import cli, clock
from testkit.fakes.pc import FakeRecording
from testkit.lifecycle import RULES, World

Ask = Callable[..., tuple[int, str, str]]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.found(tmp_path)


@pytest.fixture
def ask(world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Ask:
    monkeypatch.setenv("EYELID_STORE_HOME", str(world.home.folder))

    def run(*words: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = cli.main([str(word) for word in words])
        told = capsys.readouterr()
        assert "Traceback" not in told.err
        return code, told.out, told.err

    return run


def recorded(world: World, count: int = 1) -> list[FakeRecording]:
    with world.serving() as pcs:
        pc = pcs.pc()
        made = [pcs.record(pc, "cards")[0] for _ in range(count)]
        pc.put_health(pc.report(), pending_chunks=0)
    world.mirror()
    return made


def erase(world: World, recording: FakeRecording) -> str:
    world.days.pass_by(41)
    with world.opened() as (database, lifecycle):
        lifecycle.clock_is_right = True  # no PC was heard in these weeks
        done = lifecycle.erase(world.facts(database), RULES, [str(recording.id)], "DSR-7")
    return done.erased[str(recording.id)]


def facts(answer: tuple[int, str, str]) -> Any:
    return json.loads(answer[1])


def test_it_says_so_in_lists_in_the_timeline_in_checks_and_at_an_export(world: World, ask: Ask, tmp_path: Path) -> None:
    [recording, other] = recorded(world, 2)
    before = facts(ask("timeline", recording.id, "--json"))
    erase(world, recording)
    says = "erased on 2027-02-25, request DSR-7, certificate "
    assert says in ask("recordings")[1]
    listed = {one["recording"]: one for one in facts(ask("recordings", "--json"))["recordings"]}
    assert listed[str(recording.id)]["state"] == "erased"
    assert listed[str(recording.id)]["erased"]["request"] == "DSR-7"
    assert listed[str(other.id)]["state"] == "closed"
    assert says in ask("timeline", recording.id)[1]
    assert "key packet says" not in ask("timeline", recording.id)[1]
    after = facts(ask("timeline", recording.id, "--json"))
    assert "says" not in after  # what it said was destroyed
    assert after["closed_ns"] == before["closed_ns"]  # the device's account stays, and so does why
    assert (after["kept_ns"], after["missing_by"]) == (0, {"erased": before["kept_ns"] + before["closed_margin_ns"]})
    code, said, _ = ask("verify", recording.id)
    assert (code, says in said) == (0, True)
    shown = ask("gaps", "--since", "900d")[1]
    assert f"- recording {recording.id}: {says}" in shown
    assert "(lost)" not in shown
    code, _, error = ask("export", recording.id, "-o", tmp_path / "out", "--key", world.home.folder / "none.key")
    assert (code, says in error) == (1, True)


def found_by(ask: Ask) -> dict[str, set[str]]:
    unsound = facts(ask("verify", "--all", "--json"))["unsound"]
    return {one["id"]: {finding["code"] for finding in one["findings"]} for one in unsound}


def test_a_theft_is_no_erasure_whatever_the_catalog_says(world: World, ask: Ask) -> None:
    [stolen, erased] = recorded(world, 2)
    sound = found_by(ask)
    erase(world, erased)
    assert found_by(ask) == sound
    with closing(sqlite3.connect(world.home.database_path)) as database, database:
        row = list(database.execute("select * from erasures").fetchone())
        names = [column[1] for column in database.execute("pragma table_info(erasures)")]
        row[names.index("recording")] = str(stolen.id)  # another one's order and certificate
        database.execute("insert into erasures values (?, ?, ?, ?, ?, ?, ?, ?)", row)
        database.execute("delete from sealed where recording = ?", [str(stolen.id)])
    shutil.rmtree(next(world.home.blobs_folder.glob(f"*/{stolen.id}")))
    assert found_by(ask)[str(stolen.id)] == {"unexplained"}
    assert "GONE, AND NOTHING SIGNED SAYS WHY" in ask("recordings")[1]
    [device] = facts(ask("gaps", "--since", "900d", "--json"))["devices"]
    assert [one["recording"] for one in device["recordings"]] == [str(stolen.id)]
    assert [one["recording"] for one in device["erased"]] == [str(erased.id)]


def test_bytes_that_come_back_are_found(world: World, ask: Ask) -> None:
    [recording] = recorded(world)
    kept = shutil.copytree(world.home.blobs_folder, world.folder / "kept")
    sound = found_by(ask)
    erase(world, recording)
    shutil.copytree(kept, world.home.blobs_folder, dirs_exist_ok=True)
    assert found_by(ask) == sound | {str(recording.id): {"not-erased"}}
    with world.opened() as (_, lifecycle):
        assert lifecycle.sweep([str(recording.id)]) == 3
    assert found_by(ask) == sound


def test_a_recording_that_is_erased_with_its_row_is_missed_by_nobody(world: World, ask: Ask) -> None:
    [recording] = recorded(world)
    sound = found_by(ask)
    erase(world, recording)
    with closing(sqlite3.connect(world.home.database_path)) as database, database:
        database.execute("delete from recordings")  # as in a catalog that was put back from before it began
    assert found_by(ask) == sound
    assert "(lost)" not in ask("gaps", "--since", "900d")[1]


def test_an_erasure_that_only_the_catalog_knows_of_is_not_called_a_deletion(world: World, ask: Ask) -> None:
    [recording] = recorded(world)
    with closing(sqlite3.connect(world.home.database_path)) as database, database:
        row = (str(recording.id), "x", 0, "x", "erased", "{}", 0, "x")
        database.execute("insert into erasures values (?, ?, ?, ?, ?, ?, ?, ?)", row)
    [finding] = [one for one in facts(ask("verify", recording.id, "--json"))["findings"] if one["check"] == "erasure"]
    assert finding["code"] == "unexplained"
    assert finding["message"].endswith("it was deleted, or the catalog was changed")


def test_papers_are_not_signed_for_what_is_gone_nor_from_a_catalog_that_was_put_back(world: World, ask: Ask) -> None:
    erased, other = recorded(world, 2)
    erase(world, erased)
    code, said, error = ask("papers", erased.id)
    assert (code, said, "erased on" in error) == (1, "", True)
    assert ask("papers", other.id)[0] == 0
    world.home.generation_path.unlink()
    code, said, error = ask("papers", other.id)
    assert (code, said, "put back from a backup" in error) == (1, "", True)


def test_what_was_erased_long_ago_costs_the_lists_of_today_nothing(
    world: World, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    erased, _ = recorded(world, 2)
    erase(world, erased)
    verified = []
    real = Erasure.verify

    def verify(token: str, key: Keys) -> Erasure:
        verified.append(token)
        return real(token, key)

    monkeypatch.setattr(Erasure, "verify", verify)  # counts them
    assert len(facts(ask("gaps", "--since", "900d", "--json"))["devices"][0]["erased"]) == 1
    assert len(verified) == 4  # for the list, and for what is missing: order and certificate
    verified.clear()
    monkeypatch.setattr(clock, "time", SimpleNamespace(time_ns=lambda: world.days() + 10 * DAY))  # the command asks it
    assert len(facts(ask("gaps", "--since", "5d", "--json"))["devices"]) == 1
    assert verified == []
