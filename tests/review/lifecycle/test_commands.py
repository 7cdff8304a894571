"""`eyelid-review holds, due, erase, restored, certificate` on a store, from init to a restored backup."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from functools import partialmethod
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import bundle
from protocol.claims import Claims
from protocol.errors import ProtocolError
from protocol.keys import thumbprint
from protocol.packet import recording_id
from review import cli
from review.commands.people import opened
from review.filed import set_of
from review.governance.times import DAY, day_of
from review.lifecycle.facts import Facts
from store.admin.home import Home
from store.admin.init import COMPLIANCE
from store.catalog import database as database_module
from store.clock import SECOND
from store.errors import StoreError
from testkit.custody import House
from testkit.fakes.pc import FakeRecording
from testkit.lifecycle import World, govern, new_home

RULES = """schema: 1
revision: 1
name: House
roles:
  privacy: { may: [list, erase], of: all, purposes: [request] }
approvals:
  - { act: [erase], by: [privacy], need: 1, within: 24h }
people:
  ann@example.com: { roles: [privacy] }
  carl@example.com: { roles: [privacy] }
os_users:
  - { user: lovelace, person: ada@example.com }
retention:
  - { class: cards, any: [{ closed_by: [card-forms] }], keep: 60d, minimum: 40d, why: PCI }
  - { class: rest, keep: 10d }
...
"""
Run = Callable[..., tuple[int, Any, str]]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Two recordings of 50 days ago, and one of 20."""
    govern(new_home(tmp_path / "home"), RULES)
    (tmp_path / "pass").write_text("a long passphrase of seven odd words\n")
    (tmp_path / "replica").mkdir()
    (tmp_path / "custodian" / "adopted").mkdir(parents=True)
    monkeypatch.setenv("EYELID_STORE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("EYELID_REVIEW_HOME", str(tmp_path / "review"))
    return World(tmp_path)


@pytest.fixture
def run(world: World, capsys: pytest.CaptureFixture[str]) -> Run:
    def command(*words: object, keys: bool = True) -> tuple[int, Any, str]:
        capsys.readouterr()
        given = [str(word) for word in words]
        more = ["--passphrase-file", str(world.folder / "pass")] if keys else []
        try:
            code = cli.main([*given, *more, "--json"])
        except SystemExit as left:
            code = int(left.code or 0)
        told = capsys.readouterr()
        assert "Traceback" not in told.err
        return code, json.loads(told.out) if told.out else None, told.err

    return command


def recorded(world: World, *kinds: tuple[str, int]) -> list[str]:
    made = []
    for kind, days in kinds:
        world.days.now = time.time_ns() - days * DAY
        with world.serving() as pcs:
            made.append(str(pcs.record(pcs.pc(), kind)[0].id))
    world.mirror()
    return made


def hold(run: Run, name: str, *which: str, code: int = 0) -> tuple[list[str], str]:
    day = day_of(time.time_ns() + 30 * DAY)
    place = ("holds", "place", name, *which, "--why", "w", "--owner", "o@example.com", "--review", day)
    exits, said, error = run(*place)
    assert exits == code, error
    return said["recordings"], error


def began(world: World, run: Run) -> Path:
    assert run("audit", "init", "--name", "review.example.com/audit")[0] == 0
    code, said, _ = run("certificate", "init", "--backups", "35d", "--replica", world.replica,
                        "--custodian", world.folder / "custodian")  # fmt: skip
    assert code == 0
    assert said["log"] == "review.example.com/audit"
    return world.folder / "review" / "keys" / "audit.pub"


def days_since(begun: int, later: int = 0) -> set[str]:
    """Today, or a day so much (ns) later; both days where midnight has passed since."""
    return {day_of(at + later).isoformat() for at in (begun, time.time_ns())}


def approved(world: World, recordings: str, *, rules: str = RULES, **terms_: str) -> str:
    """Ann asks at a custodian, and Carl approves."""
    house = House(world.folder / "custodian", compliance=world.compliance(), rules=rules)
    custodian = house.ready()
    terms = house.erasure(custodian, "ann@example.com", [], recordings=recordings, **terms_)
    filed = str(terms.pop("filed"))
    if terms_.get("act") == "legal-hold":
        return filed
    token = house.approval(custodian.nonce(), "carl@example.com", filed, terms)
    custodian.approve(Claims({"approval": token}, "approval", ProtocolError), "test")
    return filed


@pytest.mark.slow(reason="each of its commands opens keys that are sealed under a passphrase")
def test_from_init_to_a_certificate_that_a_stranger_checks(world: World, run: Run) -> None:
    old, cards, young = recorded(world, ("rest", 50), ("cards", 50), ("rest", 5))
    begun, public = time.time_ns(), began(world, run)
    code, said, _ = run("due")
    assert code == 0
    assert {one["recording"]: one["why"] for one in said["recordings"]} == {
        old: "class rest", cards: "class cards", young: "class rest",
    }  # fmt: skip
    assert [one["recording"] for one in said["recordings"] if one["when"] == "now"] == [old]
    assert all(not one["unsure"] for one in said["recordings"])

    day = day_of(time.time_ns() + 30 * DAY)
    place = ("holds", "place", "case-1", old, "--why", "a letter", "--owner", "carla@example.com")
    assert run(*place, "--review", day)[0] == 0
    assert run("due", "--apply")[1] == {"erased": {}, "kept": {}, "stuck": {}, "log_emptied": True}
    [hold] = run("holds", "list", keys=False)[1]["holds"]
    assert (hold["hold"], hold["owner"], hold["recordings"]) == ("case-1", "carla@example.com", [old])
    code, said, _ = run("holds", "release", "case-1", "--why", "settled")
    assert said["next"] in days_since(begun)
    assert said["recordings"][0]["when"] == "now"
    assert run("holds", "release", "case-1", "--why", "settled", "--apply")[0] == 0

    choice = ("--agent", "Ada@example.com", "--where", "closed_by=card-forms", "--request", "DSR-1")
    code, _, error = run("erase", *choice, "--apply")
    assert (code, "bundle 2/0.yaml:7:5" in error, "ask-erasure" in error) == (2, True, True)
    filed = approved(world, run("erase", *choice)[1]["set"])
    code, _, error = run("erase", *choice[:2], *choice[4:], "--apply", "--approved", filed)
    assert (code, "bundle 2/0.yaml:7:5" in error, "another set of recordings" in error) == (1, True, True)
    code, said, _ = run("erase", *choice, "--apply", "--approved", filed)
    assert (code, list(said["erased"])) == (0, [cards])
    code, said, _ = run("due", "--apply")
    assert (code, list(said["erased"])) == (0, [old])

    _, shown, _ = run("certificate", "show", cards[:13], keys=False)
    (world.folder / "erased.jws").write_text(shown["token"] + "\n")
    code, said, _ = run("certificate", "verify", world.folder / "erased.jws", "--key", public, keys=False)
    assert code == 0
    [certificate] = said["certificates"]
    assert (certificate["recording"], certificate["reference"]) == (cards, "DSR-1")
    assert certificate["destroyed"]["backups_until"] in days_since(begun, 36 * DAY - 1)
    code, said, _ = run("audit", "show", "--kind", "erase")
    assert [one["facts"]["step"] for one in said["entries"]] == ["asked", "asked", *["order", "certificate"] * 2]
    assert said["entries"][3]["facts"]["certificate"] == certificate["hash"]


@pytest.mark.slow(reason="each of its commands opens keys that are sealed under a passphrase")
def test_what_a_reader_keeps_in_the_catalogs_log_is_said_until_it_is_gone(
    world: World, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "_BETWEEN", 0.0)  # the reader stays: there is nothing to wait for
    [old] = recorded(world, ("rest", 50))
    began(world, run)
    with closing(sqlite3.connect(world.home.database_path, isolation_level=None)) as reader:
        reader.execute("begin")
        reader.execute("select count(*) from devices").fetchall()  # as a backup, and the console
        said = run("due", "--apply")[1]
        assert (list(said["erased"]), said["log_emptied"]) == ([old], False)
    assert run("erase", "--go-on")[1] == {"erased": {}, "kept": {}, "stuck": {}, "log_emptied": True}


def test_a_backup_that_is_put_back_is_served_only_after_the_newest_log_was_followed(world: World, run: Run) -> None:
    [old] = recorded(world, ("rest", 50))
    public = began(world, run)
    backup = world.folder / "backup"
    shutil.copytree(world.home.folder, backup, ignore=shutil.ignore_patterns("generation"))
    shutil.copytree(world.log_folder, world.folder / "old-log")
    assert list(run("due", "--apply")[1]["erased"]) == [old]
    assert run("audit", "cosigner", "--name", "council.example.com", "--signer", world.folder / "council.key")[0] == 0
    noted = world.folder / "council.note"
    cosign = ("audit", "cosign", world.log_folder, "--key", public, "--name", "council.example.com")
    assert run(*cosign, "--signer", world.folder / "council.key", "--last", noted)[0] == 0

    shutil.rmtree(world.home.folder)
    shutil.copytree(backup, world.home.folder)
    with pytest.raises(Exception, match="put back from a backup"), world.serving():
        pass
    code, _, error = run("restored", "--noted", noted, "--log", world.folder / "old-log")
    assert (code, "cut" in error) == (1, True)
    code, said, _ = run("restored", "--noted", noted)
    assert (code, list(said["erased"])) == (0, [old])
    assert world.files(UUID(old)) == []
    with world.serving():
        pass


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("erase", "0193", "--request", "x y"), "letters, digits"),
        (("erase", "--where", "color=red", "--request", "R"), "one of device"),
        (("erase", "0193"), "--request"),
        (("erase", "0193", "--request", "R"), "no recording or interaction begins"),
        (("due", "--until", "soon"), "no day"),
        (("due", "--apply"), "audit"),
        (("holds", "place", "h", "0193", "--why", "w", "--owner", "o", "--review", "2020-01-01"), "day to come"),
        (("certificate", "verify", "none.jws", "--key", "none.pub"), "none.pub"),
    ],
)
def test_mistakes_are_told_in_a_line(world: World, run: Run, words: tuple[str, ...], says: str) -> None:
    code, _, error = run(*words, keys=words[0] != "certificate")
    assert code in {1, 2}
    assert says in error
    assert Home.open(world.home.folder).folder == world.home.folder


def test_without_governance_nothing_is_erased_and_a_hold_can_still_be_placed(world: World, run: Run) -> None:
    [old] = recorded(world, ("rest", 50))
    began(world, run)
    govern(world.home)
    for words in (("due",), ("due", "--apply"), ("erase", old, "--request", "R", "--apply")):
        code, _, error = run(*words)
        assert (code, "has no governance, so nothing is erased" in error) == (1, True)
    place = (
        "holds",
        "place",
        "case-1",
        old,
        "--why",
        "w",
        "--owner",
        "o",
        "--review",
        day_of(time.time_ns() + 9 * DAY),
    )
    assert run(*place)[0] == 0
    assert run("holds", "list", keys=False)[1]["holds"][0]["recordings"] == [old]


@pytest.mark.slow(reason="each of its commands opens keys that are sealed under a passphrase")
def test_a_hold_takes_what_may_fit_and_an_erasure_what_certainly_does(
    world: World, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.days.now = time.time_ns() - 62 * DAY
    with world.serving() as pcs:
        pc = pcs.pc()
        honest, cards = (str(pcs.record(pc, kind)[0].id) for kind in ("rest", "cards"))
        with monkeypatch.context() as patch:  # into its packets a PC writes what it likes
            patch.setattr(
                FakeRecording, "make_packet", partialmethod(FakeRecording.make_packet, host="zz", os_user="zz")
            )
            renamed = str(pcs.record(pc, "rest")[0].id)
    world.mirror()
    began(world, run)
    for number, which in enumerate(("host=pc-7", "user=lovelace", "host=zz")):
        held, error = hold(run, f"case-{number}", "--where", which)
        assert set(held) == ({renamed} if "zz" in which else {honest, cards, renamed})
        assert f"{renamed} is held, as it may be one of them: it is said to be of zz@zz and of lovelace@pc-7" in error
    assert set(hold(run, "case-3", "--agent", "Ada@example.com")[0]) == {honest, cards, renamed}
    code, said, error = run("erase", "--agent", "ada@example.com", "--request", "R")
    assert (code, {one["recording"] for one in said["recordings"]}) == (0, {honest, cards})
    assert f"{renamed} is kept, as it may not be one of them (name it by its id to erase it): it is said" in error

    with closing(sqlite3.connect(world.home.database_path)) as database, database:
        database.execute("delete from policies")  # what closed is not known any more, by its name
    held, error = hold(run, "case-4", "--where", "closed_by=card-forms")
    assert (held, f"{cards} is held, as it may be one of them: the names of its rules" in error) == ([cards], True)

    monkeypatch.setattr(
        Facts, "of", lambda *_, **__: "what this PC sent cannot be read (ValueError)"
    )  # as where its account is damaged
    assert hold(run, "case-5", honest)[0] == [honest]
    held, error = hold(run, "case-6", honest, "--where", "channel=voice", code=1)
    assert (held, "may be one of them: what this PC sent cannot be read" in error) == ([honest], True)
    assert set(hold(run, "case-7", "--agent", "ada@example.com", code=1)[0]) == {honest, cards, renamed}
    assert run("due", "--apply")[1]["erased"] == {}


@pytest.mark.slow(reason="each of its commands opens keys that are sealed under a passphrase")
def test_a_hold_is_placed_and_taken_off_by_who_signs_it(world: World, run: Run) -> None:
    rules = RULES.replace("[list, erase]", "[list, erase, legal-hold, release-hold]").replace(
        "[erase]", "[release-hold]"
    )
    govern(world.home, rules)
    [old] = recorded(world, ("rest", 50))
    began(world, run)
    day = day_of(time.time_ns() + 30 * DAY)
    place = ("holds", "place", "case-1", old, "--why", "w", "--owner", "o@example.com", "--review", day)
    release = ("holds", "release", "case-1", "--why", "settled")
    signed = {"request": "case-1", "rules": rules}
    code, _, error = run(*place)
    assert (code, f"set is {set_of([old])}: give it to `custodian ask-hold`" in " ".join(error.split())) == (2, True), (
        error
    )
    assert run(*place, "--approved", approved(world, set_of([old]), act="legal-hold", **signed))[0] == 0
    shutil.rmtree(world.folder / "custodian")  # another, with keys of its own: the one before has Ann's already
    assert run(*release, "--apply")[0] == 2
    filed = approved(world, run(*release)[1]["set"], act="release-hold", **signed)
    assert run(*release, "--apply", "--approved", filed)[0] == 0
    assert run("holds", "list", keys=False)[1]["holds"] == []


@pytest.mark.slow(reason="each of its commands opens keys that are sealed under a passphrase")
def test_a_console_has_no_log_by_which_the_store_erases(world: World, run: Run) -> None:
    """Its thief could write there that a hold was released, or an erasure ordered; `due` would carry it out."""
    began(world, run)
    secret, store = (world.folder / "pass").read_bytes().strip(), world.folder / "home"
    shared, own = world.folder / "review", world.folder / "console"
    words = ("--log", own / "audit", "--keys", own / "keys")
    assert run("audit", "init", "--name", "review.example.com/console", *words)[0] == 0
    for folder in (shared, own):
        (folder / "people.yaml").write_text("schema: 1\naddress: https://review.example.com\n...\n")
    with opened(own, store, secret) as console:
        assert console.people.everybody() == []
    with pytest.raises(StoreError, match="could write that"), opened(shared, store, secret):
        pass
    assert not (shared / "people.db").exists()
    for more in ((), words):
        code, _, error = run("certificate", "init", "--backups", "35d", *more)
        assert (code, "is a console's folder (people.yaml)" in error) == (2, True), error


@pytest.mark.slow(reason="each of its commands opens keys that are sealed under a passphrase")
def test_an_older_bundle_than_was_followed_erases_nothing(world: World, run: Run) -> None:
    govern(world.home, RULES.replace("keep: 10d", "keep: 90d"))
    [old] = recorded(world, ("rest", 50))
    began(world, run)
    place = ("holds", "place", "case-1", old, "--why", "w", "--owner", "o@example.com", "--review", "2099-01-01")
    code, _, error = run(*place, "--approved", "a" * 64)
    assert (code, "no person has to sign the act legal-hold" in error) == (2, True)
    hold(run, "case-1", old)
    assert run("due", "--apply")[1] == {"erased": {}, "kept": {}, "stuck": {}, "log_emptied": True}
    with closing(sqlite3.connect(world.home.database_path)) as database, database:
        database.execute("delete from bundles where revision = (select max(revision) from bundles)")
    release = ("holds", "release", "case-1", "--why", "w", "--apply")
    for words in (("due", "--apply"), ("erase", old, "--request", "R", "--apply", "--approved", "x"), release):
        code, _, error = run(*words)
        assert (code, "no hold is taken off, until `eyelid-store bundle put`" in error) == (1, True)


@pytest.mark.slow(reason="each of its commands opens keys that are sealed under a passphrase")
def test_a_compliance_key_that_was_put_into_the_stores_settings_decides_nothing(world: World, run: Run) -> None:
    began(world, run)
    about, true = world.home.folder / "store.json", world.home.key(COMPLIANCE).id
    other = Ed25519PrivateKey.generate()
    about.write_text(about.read_text().replace(true, thumbprint(other.public_key())))
    with closing(sqlite3.connect(world.home.database_path)) as database, database:
        for revision, token in database.execute("select revision, token from bundles").fetchall():
            signed = bundle.sign(bundle.verify(token, true), other)
            database.execute("update bundles set token = ? where revision = ?", (signed, revision))
    for words in (("due", "--apply"), ("erase", "--go-on"), ("holds", "derive")):
        code, _, error = run(*words)
        assert (code, f"here it was {true}" in error) == (1, True)


@pytest.mark.slow(reason="each of its commands opens keys that are sealed under a passphrase")
def test_what_is_left_when_the_rules_change_goes_by_the_new_ones(
    world: World, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = recorded(world, ("rest", 50), ("rest", 50), ("rest", 50))
    began(world, run)
    longer = RULES.replace("keep: 10d", "keep: 9y, minimum: 5y, why: law")
    slept = lambda _: govern(world.home, longer)  # noqa: E731
    monkeypatch.setattr("review.commands.lifecycle.sleep", slept)  # between two at once and the third
    code, _, error = run("due", "--apply", "--rate", "12")
    assert (code, "2 of 3 were erased, then bundle 2 is no longer the store's newest" in error) == (1, True), error
    left = [one for one in old if world.packets(UUID(one))]
    assert (len(left), run("due", "--apply")[1]["erased"]) == (1, {})


@pytest.mark.slow(reason="each of its commands opens keys that are sealed under a passphrase")
def test_rows_that_are_not_the_logs_are_made_anew(world: World, run: Run) -> None:
    [old] = recorded(world, ("rest", 50))
    began(world, run)
    with closing(sqlite3.connect(world.home.database_path)) as database, database:
        database.execute("insert into erasure_requests values (?, 'R')", [old])
    code, _, error = run("due", "--apply")
    assert (code, "`eyelid-review holds derive`" in error) == (1, True)
    assert run("holds", "derive")[1] == {"missing": 0, "foreign": 1}
    assert list(run("due", "--apply")[1]["erased"]) == [old]


@pytest.mark.slow(reason="each of its commands opens keys that are sealed under a passphrase")
def test_what_is_found_of_a_customer_is_erased_with_its_recordings(world: World, run: Run) -> None:
    govern(world.home, re.sub(r"approvals:\n.*\n", "", RULES).replace("revision: 1", "revision: 2"))
    world.days.now = time.time_ns() - 5 * DAY
    with world.serving() as pcs:
        start = world.days() - 10 * SECOND
        named = {"id": recording_id(start, bytes(10)), "start": start}
        mine, other = (str(pcs.record(pcs.pc(), "rest", **more)[0].id) for more in (named, {}))
    assert run("audit", "init", "--name", "review.example.com/audit")[0] == 0
    assert run("certificate", "init", "--backups", "35d", "--replica", world.replica)[0] == 0
    begun = datetime.fromtimestamp(start // SECOND + 2, UTC).isoformat()
    customer = {"tel": "030 1234567890", "name": "Kim Sommer"}
    call = {
        "parties": [customer],
        "dialog": [{"type": "recording", "start": begun, "duration": 5, "parties": [0]}],
        "eyelid": {"queue": "sales", "agents": [{"user": "lovelace", "host": "pc-7"}]},
    }
    (world.folder / "call.vcon").write_text(json.dumps(call))
    with world.serving() as pcs:
        where = ("--house", "example.com", "--country", "49", "--address", str(pcs.client.base_url).rstrip("/"))
        assert run("interactions", "init")[0] == 0
        assert run("interactions", "add", "phone", *where, "-o", world.folder / "phone.key")[0] == 0
        sent = run("interactions", "import", world.folder / "call.vcon", "--integration", world.folder / "phone.key")
        assert (sent[0], len(sent[1]["sent"])) == (0, 1)
    world.mirror()
    found = run("interactions", "find", "--tel", "+49 30 1234567890")[1]
    [one] = found["interactions"]
    assert (one["recordings"], found["recordings"]) == ([mine], 1)
    chosen = ("erase", one["id"], *one["recordings"], "--request", "DSR-2026-18")
    assert {row["recording"] for row in run(*chosen)[1]["recordings"]} == {one["id"], mine}
    code, said, error = run(*chosen, "--apply")
    assert code == 0, error
    assert (set(said["erased"]), said["kept"]) == ({one["id"], mine}, {})
    assert run("interactions", "find", "--tel", "+49 30 1234567890")[1]["interactions"] == []
    assert (world.packets(UUID(mine)), len(world.packets(UUID(other)))) == ([], 2)
