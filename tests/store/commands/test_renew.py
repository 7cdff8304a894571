"""What of a store can be renewed: in the order that strands no PC, and told in words where it is not that.

That PCs follow is tried with real processes in tests/agent/upload/test_real_store.py.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from sqlalchemy import select

from protocol import successor
from protocol.location import Location
from store.admin import renew
from store.admin.home import Home
from store.admin.init import STORE
from store.catalog import queries, schema
from store.server.services import Services
from testkit.fakes.pc import Pc
from tests.store.command_line import Run, passphrase_file, run

__all__ = ["passphrase_file", "run"]  # fixtures


@pytest.fixture
def sealed(passphrase_file: Path) -> tuple[str, Path]:
    return "--passphrase-file", passphrase_file


def location(home: Home, services: Services) -> Location:
    with services.database.reading() as connection:
        newest = queries.location(connection)
    assert newest is not None
    return Location.verify(newest[1], home.store_key().public_key())


def says(pc: Pc, services: Services, **health: Any) -> None:
    """What the store has of its health."""
    with services.database.writing() as connection:
        queries.put(connection, schema.health, device=pc.device, at=1, body=json.dumps(health))


def test_a_new_signing_key_is_vouched_for_by_the_one_before(run: Run, home: Home, services: Services) -> None:
    before = home.store_key().public_key()
    assert run("renew", "store-key").code == 0
    after = Home.open(home.folder)
    assert after.key(STORE).id != home.key(STORE).id
    with services.database.reading() as connection:
        trusted = successor.trusted(before, queries.successors(connection))
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
    assert (made.number, made.address) == (1, "https://new.example.com:9443")
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
    says(pc, services, location=1)
    assert "still of the old authority" in run("renew", "ca", "--drop-old", *sealed).err
    assert run("renew", "tls", *sealed).code == 0
    assert run("renew", "ca", "--drop-old", *sealed).code == 0
    [left] = x509.load_pem_x509_certificates(location(home, services).ca.encode())
    x509.load_pem_x509_certificate(home.server_certificate.read_bytes()).verify_directly_issued_by(left)
    assert "only one authority" in run("renew", "ca", "--drop-old", *sealed).err


def test_a_restored_store_numbers_above_what_pcs_know(
    run: Run, home: Home, services: Services, pc: Pc, sealed: tuple[str, Path]
) -> None:
    says(pc, services, location=7)
    assert run("rename", "--name", "new.example.com", *sealed).code == 0
    assert location(home, services).number == 8


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
