"""Both databases: what is good once is good once, also for those who come at the same moment; and the real log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from review.audit.entries import ReadingKey
from review.audit.log import AuditLog
from review.audit.notes import Signer
from review.people import schema
from review.people.names import Narrowing
from review.people.service import People, Proof
from review.people.states import Use
from store.catalog.database import Database
from store.errors import Refusal, StoreError
from testkit import databases
from tests.review.people.conftest import ANNA, BERT, PASSWORD, Console, console_on

AT_ONCE = 4
T = object


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with databases.postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        made = Database.sqlite(tmp_path / "people.db")
    else:
        if why := databases.missing():
            pytest.skip(why)
        made = Database(request.getfixturevalue("server"))
        with made.writing() as connection:
            schema.metadata.drop_all(connection)
    yield made
    made.close()


@pytest.fixture
def console(database: Database, tmp_path: Path) -> Iterator[Console]:
    with console_on(database, tmp_path) as made:
        yield made


def at_once(act: Callable[[], object]) -> int:
    """How many of those who do it at the same moment are not refused."""
    barrier = Barrier(AT_ONCE)

    def one(_: int) -> bool:
        barrier.wait()
        try:
            act()
        except Refusal:
            return False
        return True

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return sum(pool.map(one, range(AT_ONCE)))


def test_a_link_is_good_once_for_all_who_come_at_once(console: Console) -> None:
    link = console.invited()
    assert at_once(lambda: console.people.join(link, "192.0.2.1")) == 1
    assert len(console.people.sessions(ANNA)) == 1


def test_a_code_is_good_once_for_all_who_come_at_once(console: Console) -> None:
    secret = console.with_password()
    proof = console.app.passwords.prove(ANNA, PASSWORD, console.code(secret), "", "192.0.2.1")
    assert at_once(lambda: console.people.sign_in(proof, "192.0.2.1")) == 1


def test_first_sign_ins_at_once_make_one_person(console: Console) -> None:
    proof = Proof("oidc", ANNA, ("https://login.example.com", "s-1"))
    assert at_once(lambda: console.people.sign_in(proof, "192.0.2.1")) >= 1
    assert [one["person"] for one in console.people.everybody()] == [ANNA]
    assert console.people.sign_in(proof, "192.0.2.1")


def test_a_session_ends_once(console: Console) -> None:
    console.with_password()
    console.people.sign_in(Proof("passkey", ANNA), "192.0.2.1")
    console.clock.pass_by(3600)
    at_once(console.people.sweep)
    assert console.log.said().count(f"sign-out {ANNA} idle") == 1


def test_people_sessions_and_what_narrows(console: Console) -> None:
    people = console.people
    begun = console.begun(BERT)
    people.narrow(BERT, Narrowing(frozenset({"agent"}), frozenset()), "root@host", "host")
    assert people.session(begun.token, Use.ENROL).person == BERT
    listed = people.everybody()[0]
    assert (listed["roles"], listed["teams"], listed["sessions"]) == (["agent"], [], 1)
    people.remove(BERT, "root@host", "host")
    assert people.everybody()[0]["state"] == "removed"
    schema.prepare(people.database, "people")  # a second start


def test_a_database_of_an_earlier_version_gets_what_it_lacks(console: Console) -> None:
    """With everything that was in it."""
    console.with_password()
    people = console.people
    for number in range(1, schema.VERSION + 1):
        with people.database.writing() as connection:
            for table in reversed([one for added in schema.ADDED for one in schema.ADDED[added] if added > number]):
                table.drop(connection)
            connection.execute(schema.version.update().values(version=number))
        schema.prepare(people.database, "people")
        schema.prepare(people.database, "people")  # a second start
        with people.database.reading() as connection:
            assert connection.scalar(select(schema.version.c.version)) == schema.VERSION
            for table in schema.metadata.sorted_tables:
                connection.execute(select(table)).all()
    assert [one["person"] for one in people.everybody()] == [ANNA]
    for number in (0, schema.VERSION + 1):
        with people.database.writing() as connection:
            connection.execute(schema.version.update().values(version=number))
        with pytest.raises(StoreError, match="another version"):
            schema.prepare(people.database, "people")


def test_the_real_log_comes_first(console: Console, tmp_path: Path) -> None:
    """Each entry is durable and in the log's own words; without a log there is no sign-in."""
    signer = Signer.of("review.example.com/audit", Ed25519PrivateKey.generate())
    AuditLog.create(tmp_path / "audit", signer)
    log = AuditLog(tmp_path / "audit", signer, ReadingKey(bytes(32)))
    old = console.people
    people = People(old.database, old.sealer, old.settings, lambda: console.rules[0], log.append, clock=old.clock)
    link = people.invite(ANNA, "root@host", "host").partition("#")[2]
    begun = people.join(link, "192.0.2.1")
    people.end(ANNA)
    with pytest.raises(Refusal):
        people.sign_in(Proof("passkey", BERT), "192.0.2.1")
    assert log.size == 4
    assert ANNA.encode() not in b"".join(
        path.read_bytes() for path in (tmp_path / "audit").rglob("*") if path.is_file()
    )
    with pytest.raises(Refusal):
        people.session(begun.token, Use.ENROL)
