"""The report in the console: made in the background, one at a time, and given only to the person who asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from review.cli import main
from review.report import signing
from review.report.gather import Period
from review.search import log_index
from review.search.log_index import LogIndex
from review.web import reports
from review.web.reports import LASTS, MOST, Reports
from store.admin.init import COMPLIANCE
from store.errors import Refusal
from testkit.waits import until
from tests.review.web.conftest import Served


def today() -> date:
    return date.today()  # noqa: DTZ011 - as the console counts days


def ask(client: httpx.Client, **changed: Any) -> httpx.Response:
    """Of all there is, also where a day ends meanwhile."""
    span = {"from": str(today() - timedelta(60)), "to": str(today() + timedelta(1)), "verify": True}
    return client.post("/v1/reports", json=span | changed)


def test_a_report_is_made_shown_downloaded_and_checked(
    served: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    anna, before = served.room.recordings["anna"][-1], served.entries()
    with served.client("cleo", Origin=served.room.address) as client:
        client.get(f"/recordings/{anna}")
        assert client.get("/v1/reports").json() == {"state": "none"}
        assert ask(client).json()["state"] in ("running", "made")
        said = until(lambda: one if (one := client.get("/v1/reports").json())["state"] != "running" else None, "made")
        assert said["state"] == "made"
        assert said["done"] == said["total"]
        page = client.get("/report").text
        for name in (*signing.FILES, signing.SIGNATURE):
            answer = client.get(f"/report/{name}")
            assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
            assert answer.headers["Cache-Control"] == "no-store"
            (tmp_path / name).write_bytes(answer.content)
    facts = json.loads((tmp_path / signing.JSON).read_bytes())
    assert facts["lanes"]["screen"]["recordings"] == 12
    assert facts["verified"]["recordings"] == 12
    assert [one["who"] for one in facts["looks"]["rows"] if anna in one["recordings"]][-1] == "cleo@example.com"
    assert "What this report does not know" in page
    assert "cleo@example.com" in page
    assert "<img src=x" not in page
    key = str(served.console.log.signer.key)
    assert main(["report", "verify", str(tmp_path), "--key", key, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sound"]
    (tmp_path / signing.PDF).write_bytes(b"%PDF-1.7")
    assert main(["report", "verify", str(tmp_path), "--key", key]) == 1
    assert "report.pdf is not what was signed" in capsys.readouterr().out
    noted = [one["kind"] for one in served.noted(before)]
    assert noted == ["list", "read-log", "report"]
    # It is given to no one else.
    with served.client("sam", Origin=served.room.address) as client:
        assert client.get("/report").status_code == client.get(f"/report/{signing.JSON}").status_code == 404
        assert ask(client).status_code == 404


@pytest.mark.parametrize(
    "changed",
    [{"from": "2026-13-01"}, {"from": ""}, {"to": "2020-01-01"}, {"from": "2020-01-01"}, {"verify": "yes"}, {"to": 7}],
)
def test_what_cannot_be_asked_is_refused(served: Served, changed: dict[str, Any]) -> None:
    with served.client("cleo", Origin=served.room.address) as client:
        assert ask(client, **changed).status_code == 400


@pytest.fixture
def kept(served: Served, tmp_path: Path) -> Iterator[Reports]:
    console = served.console
    with closing(log_index.opened(tmp_path / "log.db")) as database:
        entries = LogIndex(database, console.log.log.folder, console.log.log.verifier, console.log.key)
        home, compliance = console.home, console.home.key(COMPLIANCE).id
        made = Reports(console.catalog, home.blobs(), compliance, console.log.log, entries, clock=clock)
        with closing(made):
            yield made


NOW = [1_795_953_600 * 10**9]


def clock() -> int:
    return NOW[0]


def begin(kept: Reports, person: str) -> reports.Job:
    period = Period(today(), today())
    return kept.start(person, "-", period, verify=False, language="en", names=lambda _: {})


def test_one_is_made_at_a_time_and_is_forgotten(kept: Reports, monkeypatch: pytest.MonkeyPatch) -> None:
    go, real = threading.Event(), reports.gather

    def waiting(*given: Any, **named: Any) -> Any:
        assert go.wait(60)
        return real(*given, **named)

    monkeypatch.setattr(reports, "gather", waiting)  # so that one is surely under way
    begin(kept, "p0")
    for person in ("p0", "p1"):
        with pytest.raises(Refusal) as refused:
            begin(kept, person)
        assert refused.value.code == "report-running"
    go.set()
    people = [f"p{number}" for number in range(MOST + 2)]
    for person in people:
        until(lambda: not any(job and job.state == "running" for job in map(kept.of, people)), "made")
        if kept.of(person) is None:
            begin(kept, person)
    until(lambda: (job := kept.of(people[-1])) is not None and job.state == "made", "made")
    assert [person for person in people if kept.of(person)] == people[-MOST:]
    NOW[0] += LASTS
    assert not any(map(kept.of, people))


def test_a_report_that_fails_says_so_and_blocks_no_other(kept: Reports, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_given: Any, **_named: Any) -> Any:
        raise RuntimeError("PRIVATE")

    with monkeypatch.context() as patched:
        patched.setattr(reports, "gather", broken)  # a store that is damaged in a way that was not thought of
        job = begin(kept, "p0")
        until(lambda: job.state == "failed", "failed")
    job = begin(kept, "p0")
    until(lambda: job.state == "made", "made")


def test_a_console_that_ends_waits_for_no_report(kept: Reports, monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(*_given: Any, check: Any, **_named: Any) -> Any:
        while True:
            check()

    monkeypatch.setattr(reports, "gather", endless)  # a store that takes for ever
    job = begin(kept, "p0")
    kept.close()
    assert job.state == "failed"
