"""Rows that lie for the minute of a command hide no recording from a hold, and bring none under an erasure."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from protocol import api
from protocol.envelope import KEY_PACKET_STREAM
from review.governance.model import Team, UserRule
from review.lifecycle.facts import Known
from store.clock import SECOND
from store.evidence.evidence import gather
from testkit.fakes.pc import Pc
from testkit.lifecycle import POLICY, POLICY_FILES, World, govern
from testkit.lifecycle import RULES as PERIODS
from tests.review.lifecycle.test_commands import RULES, Run, began, hold, recorded, run, world
from tests.review.lifecycle.test_decided import sql
from tests.review.lifecycle.test_unsigned_rows import COPY

__all__ = ["run", "world"]


@contextmanager
def another_name(world: World, recording: str, name: str) -> Iterator[None]:
    """For that minute rows say another user, and none names the key packet."""
    with closing(sqlite3.connect(world.home.database_path, isolation_level=None)) as database:
        [(device, user)] = database.execute(
            "select device, os_user from recordings where id = ?", [recording]
        ).fetchall()
        for said, stream in ((name, 65_534), (user, 65_535)):
            database.execute("update recordings set os_user = ? where id = ?", (said, recording))
            database.execute("update devices set os_user = ? where id = ?", (said, device))
            moved = (stream, recording, 131_069 - stream)
            database.execute("update sealed set stream = ? where recording = ? and stream = ?", moved)
            if said == name:
                yield


@contextmanager
def hidden(world: World, recording: str, _: str) -> Iterator[None]:
    """For that minute there is no row of it."""
    with closing(sqlite3.connect(world.home.database_path, isolation_level=None)) as database:
        [row] = database.execute("select * from recordings where id = ?", [recording]).fetchall()
        database.execute("delete from recordings where id = ?", [recording])
        yield
        database.execute(f"insert into recordings values ({', '.join('?' * len(row))})", row)  # noqa: S608 - question marks


@pytest.mark.slow(reason="each of its commands opens keys that are sealed under a passphrase")
@pytest.mark.parametrize("lie", [another_name, hidden])
@pytest.mark.parametrize("packet", [True, False])
def test_a_hold_on_a_person_takes_what_hides_for_that_minute(
    world: World, run: Run, lie: Callable[[World, str, str], object], packet: bool
) -> None:
    first, second = recorded(world, ("rest", 20), ("rest", 20))
    began(world, run)
    path = next(world.home.blobs_folder.rglob(f"{first}/{KEY_PACKET_STREAM:05d}-*"))
    body = path.read_bytes()
    with lie(world, first, "someone"):  # type: ignore[attr-defined]
        if not packet:
            path.unlink()
        held, error = hold(run, "case-17", "--where", "user=lovelace", code=1)
    path.write_bytes(body)
    assert set(held) == {first, second}
    assert f"{first} is held, as it may be one of them" in error
    assert run("due", "--apply")[1]["erased"] == {}
    assert world.packets(UUID(first))


@pytest.mark.slow(reason="each of its commands opens keys that are sealed under a passphrase")
def test_an_erasure_of_one_person_takes_none_of_another(world: World, run: Run) -> None:
    rules = RULES[: RULES.index("approvals:")] + RULES[RULES.index("people:") : RULES.index("retention:")]
    govern(world.home, rules.replace("[list, erase]", "[list]") + "retention:\n  - { class: rest, keep: 90d }\n...\n")
    [recording] = recorded(world, ("rest", 5))
    began(world, run)
    path = next(world.home.blobs_folder.rglob(f"{recording}/{KEY_PACKET_STREAM:05d}-*"))
    body = path.read_bytes()
    wanted = ("erase", "--where", "user=mallory", "--request", "DSR-1", "--apply")
    with another_name(world, recording, "mallory"):
        assert run(*wanted)[1]["erased"] == {}
        path.unlink()
        code, said, error = run(*wanted)
    path.write_bytes(body)
    assert (code, said["erased"]) == (1, {})
    assert f"{recording} is kept, as it may not be one of them" in error
    assert "nothing signed says whose it is" in error
    assert len(world.files(UUID(recording))) == 6


@pytest.mark.slow(reason="each of its commands opens keys that are sealed under a passphrase")
def test_due_names_what_is_suspect_and_its_exit_code_says_so(world: World, run: Run) -> None:
    [recording] = recorded(world, ("rest", 50))
    began(world, run)
    sql(world, COPY.format(stream=32_768))
    for words in (("due",), ("due", "--apply")):
        code, _, error = run(*words)
        assert (code, f"{recording} is kept until that is explained" in error) == (1, True), error
    assert len(world.files(UUID(recording))) == 6


def spellings(name: str, old: str) -> list[str]:
    """The name with each letter in place of `old` that becomes `old` when case is folded, and not in small letters."""
    every = map(chr, range(sys.maxunicode + 1))
    return [name.replace(old, one) for one in every if one.casefold() == old and one.lower() != old]


def test_names_are_one_where_the_rules_take_them_for_one(tmp_path: Path) -> None:
    """Else a PC drops out of a hold on its person, and of its team's class, by a letter."""
    world = World.found(tmp_path)
    rules = replace(PERIODS, users=(UserRule("*", "*@example.com"),), teams={"north": Team(users=frozenset({"jess"}))})
    others = [*spellings("jess", "s"), *spellings("jess", "ss")]
    assert {"je\u017f\u017f", "je\u00df"} <= {*others}
    made = {}
    with world.serving() as pcs:
        for said in ("jess", "JESS", *others):
            pc = Pc(pcs.client)
            pc.device = pcs.client.post(api.ENROLL, json=pc.application(pcs.secret, user="jess")).json()["device"]
            assert pc.ask_token(world.days() // SECOND).status_code == 200
            policy = pc.client.put(api.policy_path(POLICY), json={"files": POLICY_FILES}, headers=pc.bearer)
            assert policy.is_success
            made[said] = pcs.record(pc, "rest", os_user=said)[0].id
    with world.opened() as (database, _):
        facts = world.facts(database, rules)
        for said, recording in made.items():
            known = facts.of(recording, world.days())
            assert isinstance(known, Known)
            assert "jess@example.com" in {names.person for names in known.names}, said
            assert bool(known.unsure) is (said in others)
            with database.reading() as connection:
                assert (gather(connection, recording).other_name is not None) is (said in others)
