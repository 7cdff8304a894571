"""The store's log of operators goes on here: each line once, in order, with the hashes that chain it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from review.audit import journal
from review.audit.entries import Entry
from review.audit.errors import AuditError
from review.audit.kinds import read_body
from review.audit.log import AuditLog
from review.audit.operators import _acts, adopt
from store.admin.operators import NAME, OperatorsLog
from store.errors import StoreError
from tests.review.audit.making import DAY, KEY, ORIGIN, SIGNER, START, Clock, new_log, opening
from tests.review.audit.test_log import YEAR, sound


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    (tmp_path / "home").mkdir()
    made = new_log(tmp_path / "log")
    made.append(opening(0))
    return made


def taken(folder: Path) -> list[dict[str, Any]]:
    bodies = []
    for group in journal.groups(folder, SIGNER.key):
        for one in group.entries:
            entry = Entry.parse(one.raw)
            if not entry.statement and entry.matches(one.rest):
                bodies.append(read_body(KEY.open(ORIGIN, one.position, entry, one.rest)[0]))
    return [body for body in bodies if body["kind"] == "operator"]


def test_each_line_is_taken_in_once_in_order_with_its_chain(log: AuditLog, tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert adopt(log, KEY, home) == (0, ())
    operators = OperatorsLog(home)
    line = operators.begin("export", recordings=["0193a1b2"], purpose="ticket 4711")
    operators.end(line, "done", exit=0)
    assert adopt(log, KEY, home) == (2, ())
    assert adopt(log, KEY, home) == (0, ())
    failed = operators.begin("recordings", all=True)
    log.append(opening(1))
    operators.end(failed, "failed", error="OSError")
    assert adopt(log, KEY, home) == (2, ())
    found = taken(tmp_path / "log")
    facts = [body["facts"] for body in found]
    lines = (home / NAME).read_bytes().splitlines()
    assert [fact["line"] for fact in facts] == [1, 2, 3, 4]
    assert [fact["hash"] for fact in facts] == [hashlib.sha256(line).hexdigest() for line in lines]
    assert [fact["before"] for fact in facts] == ["0" * 64, *(fact["hash"] for fact in facts[:-1])]
    assert [fact["what"] for fact in facts] == ["begin", "end", "begin", "end"]
    assert [body["outcome"] for body in found] == ["success", "success", "success", "failure"]
    assert (found[0]["resource"], found[2]["resource"], found[3]["reason"]) == (["0193a1b2"], ["archive"], "failed")
    assert (facts[0]["purpose"], facts[0]["act"], facts[1]["of"]) == ("ticket 4711", "export", 1)
    sound(tmp_path / "log")


def test_a_log_that_was_written_anew_is_refused(log: AuditLog, tmp_path: Path) -> None:
    home = tmp_path / "home"
    OperatorsLog(home).begin("export")
    assert adopt(log, KEY, home).lines == 1
    whole = (home / NAME).read_bytes()
    for content in (whole.replace(b"export", b"verify"), b""):
        (home / NAME).write_bytes(content)
        with pytest.raises(AuditError, match="written anew") as caught:
            adopt(log, KEY, home)
        assert caught.value.code == "rewritten"
    (home / NAME).unlink()
    with pytest.raises(AuditError, match="written anew"):
        adopt(log, KEY, home)


def test_a_line_that_is_none_is_taken_in_by_its_hash(log: AuditLog, tmp_path: Path) -> None:
    home = tmp_path / "home"
    lines = [
        b"\xff torn",
        b'{"what":"begin","act":"Act!","user":"a\\u0007b","host":7,"recordings":["x y","ok"],"of":-1}',
        b'{"what":"end","outcome":"Ended badly","of":true,"sudo_user":"root"}',
        b'{"what":"mended","why":"torn","recordings":"none","at":""}',
    ]
    (home / NAME).write_bytes(b"".join(line + b"\n" for line in lines))
    adopted = adopt(log, KEY, home)
    assert adopted.lines == 4
    assert adopted.findings
    found = taken(tmp_path / "log")
    assert [body["facts"]["what"] for body in found] == ["unreadable", "begin", "end", "mended"]
    assert [body["resource"] for body in found] == [["archive"], ["ok"], ["archive"], ["archive"]]
    assert [body.get("reason") for body in found] == ["unreadable", None, "unreadable", None]
    assert all("of" not in body["facts"] for body in found)


@pytest.mark.parametrize(
    ("line", "what", "most"),
    [
        (b'{"what":[]}', "unreadable", 1),
        (b'{"what":{}}', "unreadable", 1),
        (b'{"what":"end","outcome":[]}', "end", 1),
        (b'{"what":"end","outcome":{}}', "end", 1),
        (b'{"what":"begin","recordings":[' + b",".join([b'"' + b"a" * 120 + b'"'] * 10_000) + b"]}", "begin", 4_262),
    ],
)
def test_no_line_stops_those_after_it(log: AuditLog, tmp_path: Path, line: bytes, what: str, most: int) -> None:
    home = tmp_path / "home"
    (home / NAME).write_bytes(line + b'\n{"what":"begin"}\n')
    assert adopt(log, KEY, home).lines == 2
    found = taken(tmp_path / "log")
    assert [body["facts"]["what"] for body in found] == [what, "begin"]
    assert len(found[0]["resource"]) == most


def test_adoption_goes_on_after_a_kill_before_its_statement(log: AuditLog, tmp_path: Path) -> None:
    home = tmp_path / "home"
    operators = OperatorsLog(home)
    operators.begin("export")
    operators.begin("verify")
    log.append_all(list(_acts((home / NAME).read_bytes().split(b"\n")[:1], 0)))  # one line came, and no statement
    log.append(opening(1))
    assert adopt(log, KEY, home).lines == 1
    assert [body["facts"]["line"] for body in taken(tmp_path / "log")] == [1, 2]


def test_adoption_goes_on_after_its_bodies_were_shredded(log: AuditLog, tmp_path: Path) -> None:
    home = tmp_path / "home"
    operators = OperatorsLog(home)
    operators.begin("export")
    assert adopt(log, KEY, home).lines == 1
    later = AuditLog(tmp_path / "log", SIGNER, KEY, clock=Clock(START + 400 * DAY))
    later.append(opening(2))
    later.shred(later.to_shred(YEAR), YEAR)
    assert taken(tmp_path / "log") == []
    operators.begin("verify")
    assert adopt(later, KEY, home).lines == 1
    assert [body["facts"]["line"] for body in taken(tmp_path / "log")] == [2]


def test_a_log_that_cannot_be_read_is_told(log: AuditLog, tmp_path: Path) -> None:
    (tmp_path / "home" / NAME).mkdir()
    with pytest.raises(StoreError, match="cannot be read"):
        adopt(log, KEY, tmp_path / "home")
