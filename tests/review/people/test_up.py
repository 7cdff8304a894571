"""`eyelid-review up`, as a process: the first person's link, sign-in by it, and an end in order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from review.cli import main
from testkit.reading_room import served
from tests.review.people.conftest import ANNA
from tests.review.people.test_commands import made

__all__ = ["made"]
ORIGIN = "https://review.example.com"  # people.yaml's


@contextmanager
def up(home: Path, *words: str) -> Iterator[dict[str, str]]:
    """What it says once it serves."""
    paths = ("--home", str(home), "--store", str(home / "store"), "--key-file", str(home / "secret"))
    with served("0", *paths, *words) as said:
        yield said


def test_the_first_person_gets_in_by_the_link_that_it_prints(made: Path) -> None:
    with (
        up(made, "--first", ANNA) as said,
        httpx.Client(base_url=said["address"], headers={"Origin": ORIGIN}) as client,
    ):
        assert client.get("/v1/session").status_code == 401
        link, _, secret = said["link"].partition("#")
        assert link == f"{ORIGIN}/join"
        assert client.post("/v1/join", json={"link": secret}).status_code == 200
        assert client.post("/v1/join", json={"link": secret}).status_code == 401  # once
    with up(made) as said:
        assert "link" not in said


def test_what_is_missing_is_said(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = ["--home", str(made), "--store", str(made / "store"), "--key-file", str(made / "secret")]
    assert main(["up", *paths]) == 1
    assert "put server.crt and server.key there" in capsys.readouterr().err
    other = ["--finding-key", str(made / "keys" / "audit-read.key")]
    assert main(["up", "--http", "--host", "127.0.0.1", "--port", "0", *other, *paths]) == 2
    assert "holds no finding key" in capsys.readouterr().err
    none = ["--finding-key", str(made / "keys" / "none.key")]
    assert main(["up", "--http", "--host", "127.0.0.1", "--port", "0", *none, *paths]) == 1
    assert "there is no such key file" in capsys.readouterr().err
    assert main(["up", "--http", *paths]) == 2
    assert "--http sends tokens unencrypted" in capsys.readouterr().err
    assert main(["up", "--http", "--host", "127.0.0.1", "--port", "0", "--first", "eve@example.org", *paths]) == 2
    assert "no signed rule gives eve@example.org a role" in capsys.readouterr().err
