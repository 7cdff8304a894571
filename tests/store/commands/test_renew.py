"""What of a store can be renewed: in the order that strands no PC, and told in words where it is not that.

That PCs follow is tried with real processes in tests/agent/upload/test_real_store.py.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from sqlalchemy import delete, select, update

from protocol import api, successor
from protocol.claims import MAX_INTEGER
from protocol.location import Location
from protocol.os_user import os_user
from protocol.system import ON_WINDOWS
from store.admin import home as admin_home
from store.admin import renew
from store.admin.home import Home
from store.admin.init import STORE
from store.catalog import inserting, schema, statements
from store.clock import SECOND, wall
from store.commands import renew as command
from store.files import write_over
from store.server.services import Services
from testkit.fakes.pc import Pc
from tests.store.command_line import Run, passphrase_file, run

__all__ = ["passphrase_file", "run"]  # fixtures


@pytest.fixture
def sealed(passphrase_file: Path) -> tuple[str, Path]:
    return "--passphrase-file", passphrase_file


def location(home: Home, services: Services) -> Location:
    with services.database.reading() as connection:
        newest = statements.location(connection)
    assert newest is not None
    return Location.verify(newest[1], home.store_key().public_key())


def says(pc: Pc, services: Services, **health: Any) -> None:
    """What the store has of its health."""
    with services.database.writing() as connection:
        inserting.put(connection, schema.health, device=pc.device, at=1, body=json.dumps(health))


def test_a_new_signing_key_is_vouched_for_by_the_one_before(run: Run, home: Home, services: Services) -> None:
    before = home.store_key().public_key()
    assert run("renew", "store-key").code == 0
    after = Home.open(home.folder)
    assert after.key(STORE).id != home.key(STORE).id
    with services.database.reading() as connection:
        trusted = successor.trusted(before, statements.successors(connection))
        actions = list(connection.scalars(select(schema.audit.c.action)))
    assert set(trusted) == {home.key(STORE).id, after.key(STORE).id}
    assert trusted[after.key(STORE).id] == after.store_key().public_key()
    assert actions == ["renew-store-key"]
    assert after.store_key_path.stat().st_mode & 0o077 == 0


def test_a_new_name_is_beside_the_old_one_until_that_is_dropped(
    run: Run, home: Home, services: Services, sealed: tuple[str, Path]
) -> None:
    told = run("rename", "--name", "New.Example.com", "--port", "9443", "--json", *sealed)
    assert told.facts["address"] == "https://new.example.com:9443"
    assert Home.open(home.folder).address == "https://new.example.com:9443"
    made = location(home, services)
    assert (made.number // 10**8, made.address) == (wall() // 10**17, "https://new.example.com:9443")
    assert run("rename", "--address", "10.0.0.9", *sealed).code == 0
    assert location(home, services).address == "https://10.0.0.9:9443"
    assert renew.names_of(home) == (["new.example.com"], ["10.0.0.9"])
    assert "for 10.0.0.9." in run("renew", "tls", "--drop-old", *sealed).out
    assert renew.names_of(home) == ([], ["10.0.0.9"])


def test_an_authority_goes_only_when_pcs_know_the_new_one(
    run: Run, home: Home, services: Services, pc: Pc, sealed: tuple[str, Path]
) -> None:
    says(pc, services)
    assert run("renew", "ca", *sealed).code == 0
    assert len(x509.load_pem_x509_certificates(location(home, services).ca.encode())) == 2
    assert "first `renew tls`" in run("renew", "ca", *sealed).err
    for words in (("renew", "tls"), ("renew", "ca", "--drop-old"), ("rename", "--name", "new.example.com")):
        told = run(*words, *sealed)
        assert (told.code, "1 PCs have not said yet" in told.err, "pc-7" in told.err) == (2, True, True)
    says(pc, services, location=location(home, services).number)
    assert "still of the old authority" in run("renew", "ca", "--drop-old", *sealed).err
    assert run("renew", "tls", *sealed).code == 0
    assert run("renew", "ca", "--drop-old", *sealed).code == 0
    [left] = x509.load_pem_x509_certificates(location(home, services).ca.encode())
    x509.load_pem_x509_certificate(home.server_certificate.read_bytes()).verify_directly_issued_by(left)
    assert "only one authority" in run("renew", "ca", "--drop-old", *sealed).err


@pytest.mark.parametrize("claimed", [7, MAX_INTEGER - 1, MAX_INTEGER])
def test_what_a_pc_says_that_it_knows_sets_no_number_and_proves_nothing(
    run: Run, home: Home, services: Services, pc: Pc, sealed: tuple[str, Path], claimed: int
) -> None:
    said = {
        "wall": 1, "agent_version": "1", "heads": {}, "ledger": {"next": 0, "head": "0" * 64}, "holds": [],
        "pending_chunks": 0, "pending_bytes": 0, "bundle_revision": 1, "location": claimed,
    }  # fmt: skip
    assert pc.client.put(api.device_health_path(pc.device), json=said, headers=pc.bearer).status_code == 200
    before = wall() // SECOND
    assert run("rename", "--name", "new.example.com", *sealed).code == 0
    first = location(home, services).number
    assert before <= first <= wall() // SECOND  # above those that a catalog put back from a backup has forgotten
    assert run("renew", "ca", *sealed).code == 0
    assert location(home, services).number in range(first + 1, wall() // SECOND + 2)
    assert "1 PCs have not said yet" in run("renew", "tls", *sealed).err


def test_while_no_statement_names_the_new_authority_no_pc_knows_it(
    run: Run, home: Home, services: Services, pc: Pc, sealed: tuple[str, Path]
) -> None:
    """As after a catalog was put back from a backup."""
    assert run("renew", "ca", *sealed).code == 0
    number = location(home, services).number
    says(pc, services, location=number)
    assert run("renew", "store-key").code == 0  # what it signed before still counts
    with services.database.writing() as connection:
        connection.execute(delete(schema.locations))
    before = home.ca_certificate.read_bytes(), home.server_certificate.read_bytes()
    for words in (("renew", "tls"), ("rename", "--name", "new.example.com")):
        told = run(*words, *sealed)
        assert (told.code, "run `renew ca` again" in told.err) == (2, True)
    assert run("renew", "ca", *sealed).code == 0
    assert (home.ca_certificate.read_bytes(), home.server_certificate.read_bytes()) == before
    says(pc, services, location=location(home, services).number)
    assert run("renew", "store-key").code == 0
    assert run("renew", "tls", *sealed).code == 0


class Cut(KeyboardInterrupt):
    """As Ctrl-C at the worst moment."""


def cut_before(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Patched, because no signal can be timed to come between two steps."""
    passed = 0

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            nonlocal passed
            passed += 1
            if passed == step:
                raise Cut
            return real(*given, **named)

        return call

    for module in (renew, admin_home):
        monkeypatch.setattr(module, "write_over", counted(write_over))
    monkeypatch.setattr(renew, "save_private", counted(renew.save_private))
    monkeypatch.setattr(renew, "publish", counted(renew.publish))
    monkeypatch.setattr(command, "_note", counted(command._note))


@pytest.mark.parametrize("step", range(1, 6))
def test_a_new_authority_that_was_cut_short_shuts_nobody_out_and_is_made_again(
    run: Run, home: Home, services: Services, pc: Pc, sealed: tuple[str, Path], step: int
) -> None:
    says(pc, services)
    old = x509.load_pem_x509_certificate(home.ca_certificate.read_bytes())
    with pytest.MonkeyPatch.context() as patched:
        cut_before(step, patched)
        assert run("renew", "ca", *sealed).code == 130

    def old_is_enough() -> None:
        x509.load_pem_x509_certificate(home.server_certificate.read_bytes()).verify_directly_issued_by(old)

    run("renew", "tls", *sealed)  # whatever that says: a PC that knows nothing of this still comes in
    old_is_enough()
    assert run("renew", "ca", *sealed).code == 0
    old_is_enough()
    assert "1 PCs have not said yet" in run("renew", "tls", *sealed).err
    made = location(home, services)
    assert made.ca.encode() == home.ca_certificate.read_bytes()
    newest, before = x509.load_pem_x509_certificates(made.ca.encode())
    assert before == old
    assert [path.name for path in home.ca_key.parent.glob(".*")] == []
    says(pc, services, location=made.number)
    assert run("renew", "tls", *sealed).code == 0
    x509.load_pem_x509_certificate(home.server_certificate.read_bytes()).verify_directly_issued_by(newest)
    with services.database.reading() as connection:
        assert "renew-ca" in connection.scalars(select(schema.audit.c.action)).all()


@pytest.mark.parametrize("mended", [True, False])
def test_an_authority_half_put_by_an_earlier_version_is_mended(
    run: Run, home: Home, services: Services, pc: Pc, sealed: tuple[str, Path], mended: bool
) -> None:
    """That version changed the certificates, then the key, and told PCs last."""
    says(pc, services)
    old, key = home.ca_certificate.read_bytes(), home.ca_key.read_bytes()
    assert run("renew", "ca", *sealed).code == 0
    if not mended:
        home.ca_key.write_bytes(key)
    with services.database.writing() as connection:
        connection.execute(delete(schema.locations))
    assert run("renew", "tls", *sealed).code == 2
    assert mended or "run `renew ca`" in run("renew", "tls", "--anyway", *sealed).err
    assert run("renew", "ca", *sealed).code == 0
    assert location(home, services).ca.encode().endswith(old)
    says(pc, services, location=location(home, services).number)
    assert run("renew", "tls", *sealed).code == 0


@pytest.mark.parametrize("step", range(1, 4))
def test_an_old_authority_whose_end_was_cut_short_can_be_dropped_again(
    run: Run, home: Home, services: Services, pc: Pc, sealed: tuple[str, Path], step: int
) -> None:
    assert run("renew", "ca", *sealed).code == 0
    assert run("renew", "tls", *sealed).code == 0
    newest = x509.load_pem_x509_certificate(home.ca_certificate.read_bytes())
    with pytest.MonkeyPatch.context() as patched:
        cut_before(step, patched)
        assert run("renew", "ca", "--drop-old", *sealed).code == 130
    assert newest in x509.load_pem_x509_certificates(location(home, services).ca.encode())
    says(pc, services, location=location(home, services).number)
    assert run("renew", "ca", "--drop-old", *sealed).code == 0
    assert x509.load_pem_x509_certificates(location(home, services).ca.encode()) == [newest]
    assert x509.load_pem_x509_certificates(home.ca_certificate.read_bytes()) == [newest]


@pytest.mark.parametrize("step", range(1, 6))
def test_a_name_that_was_cut_short_is_given_again(
    run: Run, home: Home, services: Services, sealed: tuple[str, Path], step: int
) -> None:
    with pytest.MonkeyPatch.context() as patched:
        cut_before(step, patched)
        assert run("rename", "--name", "new.example.com", *sealed).code == 130
    with services.database.reading() as connection:
        told = statements.location(connection) is not None
    assert told or Home.open(home.folder).address == home.address
    assert not told or renew.names_of(home) == (["new.example.com"], [])
    assert run("rename", "--name", "new.example.com", *sealed).code == 0
    assert location(home, services).address == Home.open(home.folder).address
    assert renew.names_of(home) == (["new.example.com"], [])
    key = load_pem_private_key(home.server_key.read_bytes(), password=None)
    assert key.public_key() == x509.load_pem_x509_certificate(home.server_certificate.read_bytes()).public_key()


@pytest.mark.skipif(ON_WINDOWS or os.geteuid() != 0, reason="only root can leave files that are root's")
def test_root_leaves_the_stores_files_to_its_user(run: Run, home: Home, sealed: tuple[str, Path]) -> None:
    for path in (home.folder, *home.folder.rglob("*")):
        os.chown(path, 4001, 4002)
    for words in (("renew", "store-key"), ("renew", "ca"), ("renew", "tls"), ("rename", "--name", "new.example.com")):
        assert run(*words, *(sealed if words[1] != "store-key" else ())).code == 0
        owners = {path: (path.stat().st_uid, path.stat().st_gid) for path in home.folder.rglob("*")}
        assert {path: owner for path, owner in owners.items() if owner != (4001, 4002)} == {}


def test_a_pcs_own_name_moves_no_terminal(run: Run, services: Services, pc: Pc, sealed: tuple[str, Path]) -> None:
    says(pc, services)
    with services.database.writing() as connection:
        connection.execute(update(schema.devices).values(host="pc\x1b[2J\n\x9b7"))
    assert run("renew", "ca", *sealed).code == 0
    told = run("renew", "tls", *sealed).err
    assert "pc\N{REPLACEMENT CHARACTER}[2J" in told
    assert told.rstrip("\n").isprintable()


@pytest.mark.parametrize("claimed", ["somebody", "\udcff"])
def test_the_audit_names_whom_the_system_knows(
    run: Run, services: Services, monkeypatch: pytest.MonkeyPatch, claimed: str
) -> None:
    for name in ("LOGNAME", "USER", "LNAME"):
        monkeypatch.setenv(name, claimed)
    assert run("renew", "store-key").code == 0
    with services.database.reading() as connection:
        assert connection.scalars(select(schema.audit.c.operator)).all() == [os_user()]
    if not ON_WINDOWS:
        import pwd  # noqa: PLC0415 - Windows has none

        assert os_user() == pwd.getpwuid(os.getuid()).pw_name


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("renew", "store-key", "--drop-old"), "old signing key still proves old receipts"),
        (("rename", "--name", "not a name"), "no host name"),
        (("rename", "--address", "new.example.com"), "no IP address"),
        (("rename",), "one of the arguments --name --address is required"),
        (("renew", "tls", "--key-file", "/nowhere"), "cannot be read"),
    ],
)
def test_what_cannot_be_meant_changes_nothing(run: Run, home: Home, words: tuple[str, ...], told: str) -> None:
    before = {path: path.read_bytes() for path in (home.folder / "tls").iterdir()}
    ended = run(*words)
    assert (ended.code, told in ended.err) == (2, True)
    assert {path: path.read_bytes() for path in (home.folder / "tls").iterdir()} == before


def test_a_wrong_passphrase_changes_nothing(run: Run, home: Home, tmp_path: Path) -> None:
    (tmp_path / "wrong").write_text("another passphrase\n")
    before = home.ca_certificate.read_bytes(), home.server_certificate.read_bytes()
    for words in (("renew", "tls"), ("renew", "ca"), ("rename", "--name", "new.example.com")):
        assert "does not open it" in run(*words, "--passphrase-file", tmp_path / "wrong").err
    assert (home.ca_certificate.read_bytes(), home.server_certificate.read_bytes()) == before
    assert Home.open(home.folder).address == home.address
