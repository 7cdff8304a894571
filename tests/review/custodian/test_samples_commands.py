"""The commands, from a real store's papers to a stranger's check of the draw."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from protocol import enrolment
from protocol.bundle import Bundle
from review.audit.kinds import Act
from review.audit.log import AuditLog
from review.commands import samples as commands
from review.commands.open_log import open_log_in
from review.custodian.custodian import Custodian
from review.samples import GRACE, Month
from store import cli as store_cli
from store.admin.home import Home
from store.admin.init import COMPLIANCE
from testkit.custody import DAY, NAME, PAGE
from testkit.fakes.pc import Pc
from tests.review.custodian.test_process import run, sealed_to, sign_bundle  # noqa: F401 - a fixture
from tests.review.custodian.test_samples import SAMPLED
from tests.store.conftest import SetClock

Run = Callable[..., Any]


def papers(month: Month, capsys: pytest.CaptureFixture[str], home: Home, to: Path) -> int:
    capsys.readouterr()
    code = store_cli.main(["papers", "--home", str(home.folder), "--month", month.name])
    to.write_text(capsys.readouterr().out)
    return code


def test_a_month_is_drawn_from_what_the_store_shows_and_a_stranger_draws_the_same(
    run: Run, home: Home, bundle: Bundle, pc: Pc, clock: SetClock, tmp_path: Path,  # noqa: F811
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    month = Month.of(clock())
    wall = SetClock()
    wall.now = month.start - DAY
    monkeypatch.setitem(AuditLog.__init__.__kwdefaults__, "clock", wall)  # months pass
    monkeypatch.setattr(commands, "time", SimpleNamespace(time_ns=wall))  # as above
    token = tmp_path / "enrolment.token"
    named = enrolment.Enrolment("https://localhost", "", home.store_key().public_key(), home.key(COMPLIANCE).id, "s")
    token.write_text(enrolment.make(named))
    run("custodian", "init", "--name", NAME, "--token", token, "--origin", PAGE, "--console", "nobody")
    custody = tmp_path / "c"
    log = open_log_in(custody / "audit", custody / "keys", b"four words that differ").log
    custodian = Custodian(custody, {}, log, clock=wall)
    custodian.commit_seeds()
    made = sign_bundle(home, bundle, sealed_to(tmp_path), tmp_path / "next.bundle", SAMPLED)
    wall.now = clock()
    custodian.take_bundle((tmp_path / "next.bundle").read_text("ascii"), "test")
    every = {str(pc.open_recording(made, start=clock()).id) for _ in range(5)}

    shown = tmp_path / "month.papers"
    assert papers(month, capsys, home, shown) == 0
    assert len(shown.read_text().splitlines()) == 5
    assert "is drawn from" in run("samples", "draw", month.name, shown, code=1)
    wall.now = month.end + GRACE
    (tmp_path / "none.papers").touch()
    assert "nothing was drawn" in run("samples", "draw", month.name, tmp_path / "none.papers", code=1)
    answer = run("samples", "draw", month.name, shown)
    (drawn,) = answer["drawn"]["coaching"].values()
    assert (len(drawn), set(drawn) <= every, answer["refused"]) == (2, True, [])
    assert run("samples", "list")["months"] == {month.name: answer["drawn"]}
    assert "was drawn" in run("samples", "draw", month.name, shown, code=1)

    shutil.copytree(custody / "audit", tmp_path / "copy")
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "rules.yaml").write_text(SAMPLED)
    words = (
        "samples", "verify", month.name, tmp_path / "copy", shown, "--key", custody / "keys" / "audit.pub",
        "--reading-key", custody / "keys" / "audit-read.key", "--rules", rules, "--token", token,
    )  # fmt: skip
    found = run(*words)
    assert (found["sound"], found["drawn"]) == (True, answer["drawn"])
    assert [one["candidates"] for one in found["agents"].values()] == [5]
    assert found["agents"] == answer["agents"]
    point = tmp_path / "point"
    shutil.copy(tmp_path / "copy" / "checkpoint", point)
    run(*words, "--noted", point)
    log.append(Act("key", "root", "custodian", ["k"], {"use": "test"}))
    log.publish()
    shutil.copy(custody / "audit" / "checkpoint", point)
    assert "the end of the log was cut off" in run(*words, "--noted", point, code=1, said=True)
    left = shown.read_text().splitlines()
    shown.write_text("\n".join([*left[:4], "no papers"]))
    ended = run(*words, code=1, said=True)
    assert "added: recording" in ended
    assert "line 5 is no candidate" in ended
    assert "NOT AS IT SHOULD" in ended


def test_a_month_that_is_none_and_files_that_are_missing_are_told_in_a_line(run: Run, tmp_path: Path) -> None:  # noqa: F811
    for word in ("2026-13", "november", "9999-12", "2026-1", "202611"):
        with pytest.raises(SystemExit):
            run("samples", "draw", word, tmp_path / "none", code=2)
    assert "No such file" in run("samples", "draw", "2026-11", tmp_path / "none", code=1)
    assert run("samples", "list")["months"] == {}
