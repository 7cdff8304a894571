"""`eyelid-review people`: its answers, what it notes, and its mistakes as a person would make them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from review.cli import main
from review.people import schema
from store.admin.home import Home
from store.catalog.database import Database
from testkit.lifecycle import govern, new_home
from tests.review.people.conftest import ANNA, RULES

Run = Callable[..., tuple[int, str, str]]
SETTINGS = "schema: 1\naddress: https://review.example.com\n...\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("review")
    (home / "secret").write_text("x" * 40)
    (home / "people.yaml").write_text(SETTINGS)
    govern(new_home(home / "store"), RULES)
    paths = ["--log", str(home / "audit"), "--keys", str(home / "keys"), "--key-file", str(home / "secret")]
    assert main(["audit", "init", "--name", "review.example.com/audit", *paths]) == 0
    return home


@pytest.fixture
def run(made: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("EYELID_STORE_HOME", str(made / "store"))

    def call(*words: str) -> tuple[int, str, str]:
        code = main(["people", *words, "--home", str(made), "--key-file", str(made / "secret")])
        return code, *capsys.readouterr()

    return call


def log(home: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    paths = ["--log", str(home / "audit"), "--keys", str(home / "keys"), "--key-file", str(home / "secret")]
    main(["audit", "show", "--json", "--kind", "account", *paths])
    return [one["facts"]["change"] for one in json.loads(capsys.readouterr().out)["entries"]]


def test_a_person_from_the_link_to_the_end(run: Run, made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("list")[1].startswith("There are no people yet")
    code, out, _ = run("invite", "Anna@example.com", "--for", "4h")
    assert code == 0
    assert out.splitlines()[0].startswith("https://review.example.com/join#")
    first = json.loads(run("invite", ANNA, "--json")[1])["link"]
    assert first != out.splitlines()[0]
    assert run("narrow", ANNA, "--role", "lead", "--team", "north")[:2] == (0, f"{ANNA}: from the next request on.\n")
    listed = json.loads(run("list", "--json")[1])["people"]
    assert listed == [
        {
            "person": ANNA, "state": "good", "roles": ["lead"], "teams": ["north"], "passkeys": 0, "password": False,
            "sessions": 0, "signed_in_at": None,
        }
    ]  # fmt: skip
    assert run("end-sessions", ANNA)[1] == f"0 sessions of {ANNA} have ended.\n"
    assert run("remove", ANNA)[1] == f"{ANNA} can no longer sign in.\n"
    assert "removed" in run("list")[1]
    assert log(made, capsys) == ["invited", "invited", "narrowed", "sessions-ended", "removed"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("invite", "eve@example.org"), "no signed rule gives eve@example.org a role"),
        (("invite", "\u0430nna@example.com"), "is no name"),
        (("narrow", "bert@example.com"), "bert@example.com was never invited"),
        (("remove", "bert@example.com"), "bert@example.com was never invited"),
        (("end-sessions", "anna example"), "is no name"),
        (("list", "--store", "/nowhere"), "/nowhere holds no store"),
    ],
)
def test_mistakes_are_a_line(run: Run, words: tuple[str, ...], says: str) -> None:
    code, out, error = run(*words)
    assert code in {1, 2}
    assert out == ""
    assert says in error
    assert "Traceback" not in error


def test_without_governance_nobody_is_invited(run: Run, made: Path) -> None:
    govern(Home.open(made / "store"))
    assert f"no signed rule gives {ANNA} a role" in run("invite", ANNA)[2]
    govern(Home.open(made / "store"), RULES)


def test_a_folder_that_is_none(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = tmp_path / "key"
    key.write_text("x" * 40)
    assert main(["people", "list", "--home", str(tmp_path), "--key-file", str(key)]) == 1
    assert "people.yaml is missing" in capsys.readouterr().err
    (tmp_path / "people.yaml").write_text(SETTINGS)
    store = ["--store", str(made / "store")]
    assert main(["people", "list", "--home", str(tmp_path), "--key-file", str(key), *store]) == 1
    assert "audit.pub cannot be read" in capsys.readouterr().err


def test_a_database_of_another_program(run: Run, made: Path) -> None:
    path = made / "people.db"
    kept = path.read_bytes() if path.exists() else None
    path.unlink(missing_ok=True)
    database = Database.sqlite(path)
    with database.writing() as connection:
        connection.exec_driver_sql("create table other (id integer)")
    database.close()
    assert "tables of another program" in run("list")[2]
    path.unlink()
    database = Database.sqlite(path)
    schema.prepare(database, "people.db")
    with database.writing() as connection:
        connection.execute(schema.version.update().values(version=schema.VERSION + 1))
    database.close()
    assert "another version of eyelid-review" in run("list")[2]
    path.write_bytes(b"no database" * 500)
    assert "no database of a store, or is damaged" in run("list")[2]
    path.unlink()
    if kept:
        path.write_bytes(kept)


def test_as_a_process(made: Path) -> None:
    paths = ["--home", str(made), "--store", str(made / "store"), "--key-file", str(made / "secret")]
    command = [sys.executable, "-m", "review", "people", "invite", "bert@example.com", "--json", *paths]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path.cwd())
    assert json.loads(ran.stdout)["link"].startswith("https://review.example.com/join#")
    assert ran.stderr == ""
