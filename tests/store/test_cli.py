"""The command line: facts for people and programs, exit codes, and never a traceback for an operator's mistake."""

from __future__ import annotations

import errno
import os
import re
import socket
import sqlite3
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from rich.text import Text
from sqlalchemy import update

from protocol import enrolment
from protocol.keys import thumbprint
from store.admin import init
from store.admin.home import Home
from store.admin.init import COMPLIANCE, STORE
from store.catalog import database, schema
from store.cli import COMMANDS as BY_MODULE
from store.cli import parser
from store.server.services import Services
from testkit.cheap_keys import COST
from testkit.fakes.pc import Pc
from testkit.fleet import installed
from testkit.terminal import typed
from tests.commands import are_found_by_their_names, every
from tests.store.command_line import Run, passphrase_file, run
from tests.store.conftest import PASSPHRASE

__all__ = ["passphrase_file", "run"]  # fixtures

# -- help ---------------------------------------------------------------------------------------------------------

COMMANDS = [
    "init", "keys", "serve", "enroll-token", "tokens", "devices", "revoke", "renew", "rename",
    "recordings", "timeline", "verify",
    "export", "gaps", "rules", "replay",
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_an_example(run: Run, command: str) -> None:
    told = run(command, "--help")
    assert told.code == 0
    assert f"eyelid-store {command}" in told.out.split("examples:")[1]
    assert "--json" in told.out
    assert "--home" in told.out


def test_each_command_is_found_with_its_module_alone() -> None:
    are_found_by_their_names(BY_MODULE, parser)


def test_no_message_moves_the_terminals_cursor(run: Run) -> None:
    told = run("recordings", "--home", "\x1b[2Jx")
    assert told.code != 0
    assert told.err.rstrip("\n").isprintable()
    assert "\N{REPLACEMENT CHARACTER}[2Jx" in told.err


def test_a_disk_that_takes_no_more_is_said(run: Run, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, *_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr("protocol.folder.write_new", full)  # as a full disk does
    told = run("renew", "store-key")
    assert told.code == 1
    assert f"the disk takes no more ({home.store_key_path.parent}/" in told.err


@pytest.mark.parametrize("columns", [80, 60])
def test_no_help_is_wider_than_the_terminal(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("EYELID_STORE_HOME", "/srv/eyelid")
    for command in every(parser()):
        prose = [line for line in command.format_help().splitlines() if columns == 80 or not line.startswith(" ")]
        assert [line for line in prose if len(line) > columns] == []


def test_a_store_and_its_keys_are_told_on_a_terminal_of_80_columns(tmp_path: Path) -> None:
    secret = tmp_path / "pass.txt"
    secret.write_bytes(PASSPHRASE + b"\n")
    init = ("--address", "127.0.0.1", "--passphrase-file", "pass.txt")
    for command in (("init", "--home", "store", *init), ("keys", "--home", "store")):
        said = Text.from_ansi(typed(installed("eyelid-store", *command), os.environ, folder=tmp_path)).plain
        prose = [line for line in said.splitlines() if str(tmp_path) not in line]
        assert [line for line in prose if len(line) > 80] == []
        [_, key] = re.findall(r"^(key|recovery) +(\S+)", said, re.MULTILINE)
        assert len(key[1]) == 43  # in one piece
        assert "eyelid-keys/recovery.key\n" in said


def test_the_commands_are_listed(run: Run) -> None:
    told = run("--help")
    assert told.code == 0
    assert all(f"    {command}" in told.out for command in COMMANDS)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("nonsense",),
        ("export", "x"),
        ("serve", "--port", "70000"),
        ("enroll-token", "--uses", "0"),
        ("enroll-token", "--expires", "soon"),
        ("recordings", "--limit", "-1"),
        ("verify", "x", "--passphrase-file", "a", "--key-file", "b"),
    ],
)
def test_wrong_usage_is_told_in_a_line(run: Run, arguments: tuple[str, ...]) -> None:
    told = run(*arguments)
    assert told.code == 2
    assert "error:" in told.err


# -- init and keys ------------------------------------------------------------------------------------------------


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seals new keys at once: these tests open none."""
    whole = init.Plan
    monkeypatch.setattr("store.commands.init.Plan", lambda **fields: whole(**fields, cost=COST))


POLICY = "schema: 1\nrevision: 1\nname: Test\nrules: [{ id: till, why: because, any: [app: [till]] }]\n...\n"


@pytest.mark.usefixtures("cheap")
def test_init_tells_a_person_what_to_take_away(run: Run, tmp_path: Path, passphrase_file: Path) -> None:
    folder = tmp_path / "new"
    keys = ("--keys", tmp_path / "stick", "--passphrase-file", passphrase_file)
    told = run("init", "--home", folder, "--name", "Store.Example.com", *keys)
    assert told.code == 0
    assert "https://store.example.com:8443" in told.out
    assert "take these files off this machine" in told.out
    for name in ("recipient.key", "recovery.key", "compliance.key"):
        assert f"{tmp_path}/stick/{name}\n" in told.out
        assert (tmp_path / "stick" / name).stat().st_mode & 0o077 == 0
    assert [path.name for path in (folder / "keys").iterdir()] == ["store.key"]
    again = run("init", "--home", folder, "--passphrase-file", passphrase_file)
    assert (again.code, "holds a store already" in again.err) == (2, True)


@pytest.mark.usefixtures("cheap")
def test_the_recipients_key_stays_with_the_store_only_where_it_is_asked_for(
    run: Run, tmp_path: Path, passphrase_file: Path
) -> None:
    folder, stick = tmp_path / "new", tmp_path / "stick"
    keys = ("--keys", stick, "--passphrase-file", passphrase_file)
    assert run("init", "--home", folder, "--recipient-here", *keys).code == 0
    assert sorted(path.name for path in (folder / "keys").iterdir()) == ["recipient.key", "store.key"]
    assert sorted(path.name for path in stick.iterdir()) == ["compliance.key", "recovery.key"]


@pytest.mark.usefixtures("cheap")
@pytest.mark.parametrize("where", ["new/keys", "new", "stick", "file/keys"])
def test_keys_go_neither_into_the_store_nor_over_others_and_a_failure_leaves_none(
    run: Run, tmp_path: Path, passphrase_file: Path, where: str
) -> None:
    (tmp_path / "stick").mkdir()
    (tmp_path / "stick" / "recovery.key").write_text("another store's")
    (tmp_path / "file").write_text("")
    told = run("init", "--home", tmp_path / "new", "--keys", tmp_path / where, "--passphrase-file", passphrase_file)
    assert told.code in {1, 2}
    assert where in told.err
    assert not (tmp_path / "new").exists()
    assert [path.name for path in (tmp_path / "stick").iterdir()] == ["recovery.key"]


@pytest.mark.usefixtures("cheap")
def test_init_as_json_with_a_key_file(run: Run, tmp_path: Path) -> None:
    folder, secret = tmp_path / "new", tmp_path / "stick"
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "a.yaml").write_text(POLICY)
    told = run(
        "init", "--home", folder, "--address", "10.0.0.5", "--port", 9000, "--key-file", secret,
        "--policies", tmp_path / "policies", "--keys", tmp_path / "keys", "--json",
    )  # fmt: skip
    assert told.code == 0
    assert told.facts["address"] == "https://10.0.0.5:9000"
    assert [fact["name"] for fact in told.facts["keys"]] == list(init.PURPOSES)
    assert all(Path(fact["private_half"]).exists() for fact in told.facts["keys"])
    assert secret.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--name", "not a name"), "no host name"),
        (("--address", "store.example.com"), "no IP address"),
        (("--policies", "/nowhere"), "cannot be read"),
        ((), "a passphrase is needed"),
    ],
)
def test_init_refuses_what_it_cannot_carry_out(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    told = run("init", "--home", tmp_path / "new", *arguments)
    assert (told.code, words in told.err) == (2, True)
    assert not (tmp_path / "new").exists()


def test_keys_says_which_are_here_and_shows_none(run: Run, home: Home) -> None:
    (home.folder / home.key(COMPLIANCE).file).rename(home.folder.parent / "stick")
    facts = run("keys", "--json").facts["keys"]
    assert {fact["name"]: fact["here"] for fact in facts} == {
        "recipient": True, "recovery": True, "compliance": False, "store": True,
    }  # fmt: skip
    told = run("keys")
    assert all(record.id in told.out for record in home.keys)
    assert "not here" in told.out
    assert "PRIVATE" not in told.out


def test_a_folder_without_a_store(run: Run, tmp_path: Path) -> None:
    for command in (("devices",), ("serve",), ("verify", "x"), ("enroll-token",), ("keys",)):
        told = run(*command, "--home", tmp_path / "none")
        assert (told.code, "eyelid-store init" in told.err) == (2, True)


# -- the fleet ----------------------------------------------------------------------------------------------------


def test_a_token_lets_a_pc_in(run: Run, home: Home, client: httpx.Client) -> None:
    told = run("enroll-token", "--group", "leeds", "--address", str(client.base_url))
    assert told.code == 0
    assert "Good for 1 enrolment until" in told.err
    assert home.key(COMPLIANCE).id in told.err
    token = enrolment.parse(told.out)
    assert token.address == str(client.base_url).rstrip("/")
    assert token.ca.startswith("-----BEGIN CERTIFICATE")
    assert thumbprint(token.store_key) == home.key(STORE).id
    assert token.compliance == home.key(COMPLIANCE).id
    assert Pc(client).enrol(token.secret).status_code == 200
    assert Pc(client).enrol(token.secret).json()["error"] == "used-up-enrolment"
    (device,) = run("devices", "--json").facts["devices"]
    assert (device["group"], device["host"], device["revoked"], device["health"]) == ("leeds", "pc-7", None, None)


def test_a_token_as_json(run: Run, home: Home) -> None:
    facts = run("enroll-token", "--uses", 50, "--expires", "12h", "--json").facts
    assert (facts["uses"], facts["compliance"]) == (50, home.key(COMPLIANCE).id)
    assert enrolment.parse(facts["token"]).address == home.address
    assert enrolment.parse(run("enroll-token", "--address", "http://127.0.0.1:1").out).ca == ""


def test_an_address_that_is_none(run: Run) -> None:
    assert run("enroll-token", "--address", "store.example.com").code == 2


def test_devices_for_a_person(run: Run, new_pc: Callable[[], Pc]) -> None:
    assert "No PC is enrolled" in run("devices").out
    pc = new_pc()
    listed = run("devices")
    assert pc.device in listed.out
    assert "pc-7" in listed.out


def test_broken_ones_come_first_and_say_what_to_do(run: Run, new_pc: Callable[[], Pc], services: Services) -> None:
    fine, broken = new_pc(), new_pc()
    with services.database.writing() as connection:
        of_broken = update(schema.devices).where(schema.devices.c.id == broken.device)
        connection.execute(of_broken.values(enrolled_at=1, os_user="turing"))  # else its user enrolled anew since
    told = run("devices").out
    assert told.index(broken.device) < told.index(fine.device)
    assert "never heard of" in told
    assert "eyelid run" in told
    assert "2 users of 1 PC: 1 broken, 1 fine." in told
    facts = {one["device"]: one for one in run("devices", "--json").facts["devices"]}
    assert (facts[broken.device]["level"], facts[fine.device]["level"]) == ("broken", "fine")
    assert facts[broken.device]["next_step"]


def test_a_host_name_cannot_move_the_cursor(run: Run, client: httpx.Client, secret: Callable[..., str]) -> None:
    pc = Pc(client)
    body = pc.application(secret(), host="\x1b[2J\x1b]0;owned\x07[red]x")
    assert client.post("/v1/enroll", json=body).status_code == 200
    listed = run("devices").out
    assert "\x1b" not in listed
    assert "\x07" not in listed
    assert "[red]x" in listed


def test_revoke_shuts_a_pc_out(run: Run, pc: Pc) -> None:
    told = run("revoke", pc.device[:8])
    assert (told.code, "is shut out" in told.out) == (0, True)
    assert pc.client.get("/v1/bundle", headers=pc.bearer).json()["error"] == "device-revoked"
    facts = run("revoke", pc.device, "--json").facts
    assert (facts["device"], facts["was_revoked"]) == (pc.device, True)
    assert "revoked" in run("devices").out


def test_revoke_wants_one_device(run: Run, new_pc: Callable[[], Pc]) -> None:
    first, second = new_pc(), new_pc()
    assert "no device" in run("revoke", "zzz").err
    shared = next((a for a, b in zip(first.device, second.device, strict=True) if a == b), "")
    assert run("revoke", "").code == 2
    if shared and first.device[0] == second.device[0]:
        assert "write more" in run("revoke", first.device[0]).err


# -- trouble ------------------------------------------------------------------------------------------------------


def test_a_locked_database(run: Run, pc: Pc, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT", 0.0)
    other = sqlite3.connect(home.database_path, isolation_level=None)
    other.execute("begin immediate")
    told = run("revoke", pc.device)
    other.close()
    assert (told.code, "locked by another program" in told.err) == (1, True)


def test_a_foreign_database(run: Run, home: Home) -> None:
    home.database_path.write_bytes(b"not a database, and long enough to be looked at " * 40)
    told = run("recordings")
    assert (told.code, "no database of a store" in told.err) == (1, True)


def test_a_port_that_is_taken(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        told = run("serve", "--host", "127.0.0.1", "--port", other.getsockname()[1])
    assert (told.code, "is taken" in told.err) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--http",), "127.0.0.1"),
        (("--http", "--host", "10.0.0.5"), "127.0.0.1"),
        (("--http", "--host", "store.example.com"), "127.0.0.1"),
        (("--host", "no such host"), "no such address"),
    ],
)
def test_serve_refuses_what_would_be_open_to_all(run: Run, arguments: tuple[str, ...], words: str) -> None:
    told = run("serve", *arguments)
    assert (told.code, words in told.err) == (2, True)


def test_a_damaged_certificate(run: Run, home: Home) -> None:
    home.server_certificate.write_bytes(b"nothing")
    told = run("serve", "--host", "127.0.0.1", "--port", 0)
    assert (told.code, "put them back" in told.err) == (1, True)
