"""`governance explain --recording` and `governance try`: over recordings of a real store, by rules that it has."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from protocol.interaction import Agent
from review import cli
from review.governance.times import DAY
from store.catalog import interactions
from store.catalog.interactions import Integration
from testkit.lifecycle import World, govern
from tests.review.lifecycle.test_interactions import CALL, SECRET, SIGNER, WHO, body, post

RULES = """schema: 1
revision: 1
name: House
roles:
  supervisor: { may: [list, play], of: { team: own }, otherwise: original, purposes: [coaching] }
  compliance: { may: [list, play, export], of: all, rendition: original, purposes: [audit] }
approvals:
  - { act: [export], by: [compliance], need: 1, within: 24h }
teams:
  north: { groups: [g] }
  south: { groups: [s] }
people:
  supervisor@example.com: { roles: [supervisor], teams: [north] }
  sam@example.com: { roles: [supervisor], teams: [south] }
  carla@example.com: { roles: [compliance] }
os_users:
  - { user: "*", person: "*@example.com" }
retention:
  - { class: cards, any: [{ closed_by: [card-forms] }], keep: 2y, minimum: 1y, why: PCI }
  - { class: rest, keep: 180d }
...
"""
Run = Callable[..., tuple[int, Any, str]]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World.found(tmp_path)
    govern(made.home, RULES)
    monkeypatch.setenv("EYELID_STORE_HOME", str(made.home.folder))
    monkeypatch.setenv("COLUMNS", "200")
    return made


def recorded(world: World, kind: str, days: int = 0) -> str:
    world.days.now = time.time_ns() - days * DAY
    with world.serving() as pcs:
        return str(pcs.record(pcs.pc(), kind)[0].id)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def command(*words: object) -> tuple[int, Any, str]:
        capsys.readouterr()
        try:
            code = cli.main(["governance", *map(str, words)])
        except SystemExit as left:
            code = int(left.code or 0)
        told = capsys.readouterr()
        assert "Traceback" not in told.err
        return code, json.loads(told.out) if "--json" in words else told.out, told.err

    return command


def test_a_lawyer_reads_why_she_may_and_he_may_not(world: World, run: Run) -> None:
    one = recorded(world, "cards")
    asks = ("explain", "--do", "play", "--purpose", "coaching", "--recording", one[:13])
    code, said, _ = run(*asks, "--as", "supervisor@example.com")
    assert code == 0
    assert said.startswith("supervisor@example.com may play this recording for the purpose coaching as supervisor")
    for words in (
        f"It is recording {one}, from ", "in group g, which is of team north.", "bundle 2/0.yaml:5:3  supervisor:",
        "Class cards keeps it until", "It cannot be erased before",
    ):  # fmt: skip
        assert words in said
    code, told, _ = run(*asks, "--as", "sam@example.com", "--json")
    assert (code, told["granted"], told["recording"]["id"]) == (0, False, one)
    assert [reason["says"] for reason in told["why"]][:1] == [
        "role supervisor does not cover this recording, which is of team north"
    ]
    code, said, _ = run("explain", "--do", "play", "--recording", one[:13], "--as", "supervisor@example.com")
    assert "A purpose must be named: coaching." in said
    asks = ("explain", "--do", "export", "--purpose", "audit", "--rendition", "original", "--recording", one)
    _, told, _ = run(*asks, "--as", "carla@example.com", "--json")
    assert (told["granted"], len(told["missing"])) == (False, 1)


def test_what_cannot_be_explained_says_why(world: World, run: Run, tmp_path: Path) -> None:
    one = recorded(world, "rest")
    asks = ("explain", "--do", "play", "--as", "sam@example.com")
    assert "no recording or interaction begins" in run(*asks, "--recording", "ffff")[2]
    assert "leave --what" in run(*asks, "--recording", one, "--fact", "age=1d")[2]
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "all.yaml").write_text(RULES.replace("teams: [south]", "teams: [north]"))
    assert run(*asks, "--purpose", "coaching", "--recording", one, "--rules", tmp_path / "rules", "--json")[1][
        "granted"
    ]
    govern(world.home)
    code, _, error = run(*asks, "--recording", one)
    assert (code, "has no governance: nothing is opened" in error) == (1, True)


def test_a_recording_that_goes_on_is_not_explained_away(world: World, run: Run) -> None:
    with world.serving() as pcs:
        pc = pcs.pc()
        made = pc.open_recording(pcs.bundle)
        assert pc.put_sealed(made.seal(b"picture")).status_code == 200
    code, _, error = run("explain", "--do", "play", "--as", "sam@example.com", "--recording", made.id)
    assert (code, "no end that its device signed yet" in error) == (1, True)


def test_a_trial_counts_who_could_open_more_and_what_would_go(world: World, run: Run, tmp_path: Path) -> None:
    old, cards = recorded(world, "rest", 100), recorded(world, "cards", 100)
    new = tmp_path / "new"
    new.mkdir()
    rules = RULES.replace("revision: 1", "revision: 2").replace("keep: 180d", "keep: 90d")
    for team, other in (("north]", "NORTH]"), ("south]", "north]"), ("NORTH]", "south]")):
        rules = rules.replace(f"teams: [{team}", f"teams: [{other}")
    (new / "all.yaml").write_text(rules)
    code, said, _ = run("try", new, "--json")
    assert (code, said["recordings"], said["opens_more"], said["deletes_sooner"]) == (1, 2, True, True)
    assert [(one["person"], one["now"], one["then"], one["more"], one["less"]) for one in said["opens"]] == [
        ("sam@example.com", 0, 2, 2, 0), ("supervisor@example.com", 2, 0, 0, 2),
    ]  # fmt: skip
    gone = {one["recording"]: one for one in said["deletes"]}
    assert (gone[old]["then"], gone[old]["because"], gone[old]["sooner"]) == ("now", "class rest", True)
    assert (gone[cards]["deleted"], gone[cards]["sooner"]) == (False, False)
    code, told, _ = run("try", new)
    assert (code, "1 would be deleted up to" in told, "1 sooner than now" in told) == (1, True, True)

    (new / "all.yaml").write_text(RULES)
    code, said, _ = run("try", new, "--json")
    assert (code, said["opens"], said["opens_more"], said["deletes_sooner"]) == (0, [], False, False)
    govern(world.home)
    code, said, _ = run("try", new, "--json")
    assert (said["opens_more"], said["deletes_sooner"]) == (True, True)  # none opened and deleted nothing


def test_a_trial_knows_the_teams_of_an_interaction(world: World, run: Run, tmp_path: Path) -> None:
    """It has no user of its own, as a recording has: its agents have."""
    by_team = "  - { class: south, any: [{ team: [south] }], keep: 9y, minimum: 5y, why: law }\n  - { class: rest"
    kept = RULES.replace("groups: [s] }", "users: [lovelace] }").replace("  - { class: rest", by_team)
    govern(world.home, kept)
    world.days.now = time.time_ns() - 200 * DAY
    with world.opened() as (database, _), database.writing() as connection:
        interactions.let_in(connection, Integration(WHO, "x", SIGNER.public_key(), (), "", 1, None), SECRET)
    call = replace(CALL, start=world.days.now - DAY, end=world.days.now - DAY + 60 * 10**9)
    assert post(world, body(world, replace(call, agents=(Agent(user="lovelace"),)))).status_code == 200
    new = tmp_path / "new"
    new.mkdir()
    (new / "all.yaml").write_text(kept)
    code, said, _ = run("try", new, "--json")
    assert (code, [one["deleted"] for one in said["deletes"]]) == (0, [False])
    (new / "all.yaml").write_text(RULES)
    code, said, _ = run("try", new, "--json")
    (one,) = said["deletes"]
    assert (code, one["then"], one["sooner"], said["deletes_sooner"]) == (1, "now", True, True)
    assert one["now"] != "now"
