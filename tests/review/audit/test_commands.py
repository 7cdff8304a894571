"""The commands, as people call them: on a log that `init` made, in this process; and one as its own."""

from __future__ import annotations

import argparse
import json
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from protocol.os_user import os_user
from review.audit import journal
from review.audit.log import AuditLog
from review.audit.notes import Checkpoint
from review.audit.tree import leaf_hash
from review.cli import main
from review.commands.open_log import open_log
from store.admin.operators import OperatorsLog
from testkit.lifecycle import World
from tests.review.audit.making import DAY, opening, overwrite, unsay
from tests.review.audit.proofs import is_included
from tests.review.audit.test_log import YEAR

ROOT = Path(__file__).resolve().parents[3]
COUNCIL = "council.example.com"


class Ran:
    """What a command printed, and how it ended."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *words: object, code: int = 0) -> str:
        self._capsys.readouterr()
        assert main(["audit", *map(str, words)]) == code
        said = self._capsys.readouterr()
        return said.out if code == 0 or said.out else said.err

    def json(self, *words: object, code: int = 0) -> Any:
        return json.loads(self(*words, "--json", code=code))


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ran:
    monkeypatch.setenv("EYELID_REVIEW_HOME", str(tmp_path))
    monkeypatch.setenv("EYELID_PASSPHRASE", "four words that differ")
    told = Ran(capsys)
    told("init", "--name", "review.example.com/audit")
    return told


def test_from_the_first_entry_to_the_cosigner(told: Ran, tmp_path: Path) -> None:
    public = (tmp_path / "keys/audit.pub").read_text().strip()
    assert told.json("show")["entries"] == []
    shown = told.json("show")["entries"]
    assert [(one["kind"], one["facts"]) for one in shown] == [("read-log", {"first": 0, "end": 0})]
    copy = Path(shutil.copytree(tmp_path / "audit", tmp_path / "copy"))
    report = told.json("verify", copy, "--key", public)
    assert (report["sound"], report["entries"], report["bodies"]["sealed"]) == (True, 2, 2)
    assert len(report["unchecked"]) == 2
    key, council = ["--key", tmp_path / "keys/audit.pub"], ["--signer", tmp_path / "council.key"]
    cosigner = told.json("cosigner", "--name", COUNCIL, *council)["key"]
    sign = ["cosign", copy, *key, "--name", COUNCIL, *council, "--last", tmp_path / "council.note"]
    assert "2 entries, the first that was seen here" in told(*sign)
    told("export")  # which publishes
    shutil.rmtree(copy)
    shutil.copytree(tmp_path / "audit", copy)
    assert "it continues the 2 that were signed before" in told(*sign)
    assert "is in" in told("cosigned", tmp_path / "council.note")
    shutil.rmtree(copy)
    shutil.copytree(tmp_path / "audit", copy)
    read = ["--reading-key", tmp_path / "keys/audit-read.key"]
    report = told.json("verify", copy, *key, *read, "--noted", tmp_path / "council.note", "--cosigner", cosigner)
    assert report["sound"]
    assert report["cosigned"]["by"] == COUNCIL
    assert (report["bodies"]["opened"], report["unchecked"]) == (report["entries"], [])
    (copy / "journal/000").write_bytes(b"")
    said = told("verify", copy, *key, code=1)
    assert said.startswith("! cut: the end of the log was cut off")
    assert "NOT AS IT WAS WRITTEN" in said
    assert told.json("verify", copy, *key, code=1)["findings"][0]["code"] == "cut"


def test_show_filters_by_person_and_kind_and_names_whom_it_is_given(told: Ran, tmp_path: Path) -> None:
    told("show")
    told("prove", "0")
    mine = told.json("show", "--kind", "read-log", "--first", "0")["entries"][0]["who"]
    name = f"{os_user()}@{socket.gethostname()}"
    (tmp_path / "people").write_text(f"{name}\n\n")
    assert told.json("show", "--who", name, "--people", tmp_path / "people")["entries"][0]["who"] == name
    assert mine.startswith("p.")
    assert told.json("show", "--who", "somebody@example.com")["entries"] == []
    assert told.json("show", "--kind", "open")["entries"] == []
    assert name in told("show", "--last", "5", "--people", tmp_path / "people")
    assert "not both" in told("show", "--first", "1", "--last", "5", code=2)


def test_a_proof_can_be_checked_without_any_key(told: Ran) -> None:
    told("show")
    told("show")
    proof = json.loads(told("prove", "1"))
    size = int(proof["checkpoint"].splitlines()[1])
    root = Checkpoint.parse("\n".join(proof["checkpoint"].splitlines()[:3]) + "\n").root
    leaf = leaf_hash(bytes.fromhex(proof["raw"]))
    assert is_included(leaf, 1, size, [bytes.fromhex(step) for step in proof["proof"]], root)
    assert json.loads(proof["body"])["kind"] == "read-log"
    assert "there is no entry 99" in told("prove", "99", code=2)


def test_export_goes_on_after_its_cursor_and_refuses_another_history(told: Ran, tmp_path: Path) -> None:
    cursor = ["--cursor", tmp_path / "siem"]
    told("show")
    first = [json.loads(line) for line in told("export", *cursor).splitlines()]
    assert [one["metadata"]["event_code"] for one in first] == ["read-log", "export-log"]
    told("show")
    more = [json.loads(line) for line in told("export", *cursor).splitlines()]
    assert [one["metadata"]["sequence"] for one in more] == [2, 3]
    shutil.rmtree(tmp_path / "audit")
    shutil.move(str(tmp_path / "keys"), str(tmp_path / "old"))
    told("init", "--name", "review.example.com/audit")
    assert "is not signed by the key" in told("export", *cursor, code=1)


def test_export_follows(told: Ran, tmp_path: Path) -> None:
    """A process of its own, which waits for what comes."""
    command = [sys.executable, "-P", "-m", "review", "audit", "export", "--follow", "--cursor", str(tmp_path / "siem")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True) as following:
        assert following.stdout is not None
        assert json.loads(following.stdout.readline())["metadata"]["event_code"] == "export-log"
        told("show")
        assert json.loads(following.stdout.readline())["metadata"]["event_code"] == "read-log"
        following.terminate()
        following.wait()


def test_shred_says_what_would_go(told: Ran) -> None:
    told("show")
    assert "0 bodies would be shredded" in told("shred", "--keep", "365d")
    assert told.json("shred", "--keep", "730d", "--apply") == {"bodies": 0, "applied": True}
    assert "twelve months" in told("shred", "--keep", "30d", code=1)


@pytest.fixture
def old(told: Ran, tmp_path: Path) -> Ran:
    """Three bodies of 800 days ago, and one of today."""
    opened = open_log(options(tmp_path))
    before = AuditLog(tmp_path / "audit", opened.signer, opened.key, clock=lambda: time.time_ns() - 800 * DAY)
    before.append_all([opening(number) for number in range(3)])
    told("show")
    return told


def test_bodies_over_their_period_are_named_with_what_to_do(old: Ran, tmp_path: Path) -> None:
    verify = ["verify", tmp_path / "audit", "--key", tmp_path / "keys/audit.pub"]
    said = "3 bodies are older than 730 days: `eyelid-review audit shred --keep 730d --apply` destroys them"
    assert f"- over-period: {said}" in old(*verify)
    report = old.json(*verify)
    assert (report["sound"], report["over_period"]) == (True, 3)
    assert [one["code"] for one in report["remarks"]] == ["over-period"]
    assert old.json(*verify, "--keep", "900d")["over_period"] == 0
    assert "365d or more" in old(*verify, "--keep", "364d", code=2)
    assert old.json("shred")["bodies"] == 3
    assert old.json("shred", "--apply", "--clock-is-right")["applied"] is True
    assert old.json(*verify)["over_period"] == 0


def test_a_clock_that_the_pcs_do_not_bear_out_shreds_no_body(old: Ran, tmp_path: Path) -> None:
    verify = ["verify", tmp_path / "audit", "--key", tmp_path / "keys/audit.pub"]
    said = old("shred", "--apply", "--home", tmp_path / "none", code=1)
    assert "nothing is shredded, as no PC can be asked what time it is" in said
    world = World.found(tmp_path / "world")
    world.days.now = time.time_ns()
    with world.serving() as pcs:
        pc = pcs.pc()
        assert pc.put_health(pc.report(wall=world.days() - 500 * DAY)).is_success
        said = old("shred", "--apply", "--home", world.home.folder, code=1)
        assert "nothing is shredded: the store's clock is 500 days ahead of most PCs" in said
        assert old.json(*verify)["over_period"] == 3
        pc = pcs.pc()
        assert pc.put_health(pc.report(wall=world.days())).is_success
    assert old.json("shred", "--apply", "--home", world.home.folder)["bodies"] == 3
    assert old.json(*verify)["bodies"]["shredded"] == 3


def test_adopt_takes_in_the_operators(told: Ran, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    OperatorsLog(tmp_path / "home").begin("export")
    assert told.json("adopt", tmp_path / "home") == {"lines": 1, "findings": []}
    (tmp_path / "home/operators.head").unlink()
    OperatorsLog(tmp_path / "home").begin("export")
    OperatorsLog(tmp_path / "home").begin("export")
    (tmp_path / "home/operators.head").write_bytes(b"")
    assert "! " in told("adopt", tmp_path / "home", code=1)


def test_mistakes_are_told_in_a_line(told: Ran, tmp_path: Path) -> None:
    public = tmp_path / "keys/audit.pub"
    assert "is not empty" in told("init", "--name", "x", "--keys", tmp_path / "more", code=1)
    assert "there is a file already" in told("init", "--name", "x", "--log", tmp_path / "new", code=1)
    assert "has no audit log" in told("show", "--log", tmp_path / "none", code=1)
    assert "is no folder" in told("verify", tmp_path / "none", "--key", public, code=2)
    assert "cannot be read" in told("verify", tmp_path, "--key", tmp_path / "none", code=1)
    key = told.json("cosigner", "--name", COUNCIL, "--signer", tmp_path / "council.key")["key"]
    assert "--key takes the key of a log" in told("verify", tmp_path / "audit", "--key", key, code=2)
    wrong = ["verify", tmp_path / "audit", "--key", public, "--reading-key", tmp_path / "council.key"]
    assert "a key of another kind" in told(*wrong, code=2)
    public.write_text(f"{key}\n")
    assert "is not the public half" in told("show", code=1)
    with pytest.raises(SystemExit):
        main(["audit", "prove", "x"])


def test_what_was_shredded_is_said_wherever_it_is_read(told: Ran, tmp_path: Path) -> None:
    told("show")
    opened = open_log(options(tmp_path))
    later = AuditLog(tmp_path / "audit", opened.signer, opened.key, clock=lambda: time.time_ns() + 400 * DAY)
    later.append(opening(1))
    later.shred(later.to_shred(YEAR)[:1], YEAR)
    shown = told.json("show", "--first", "0")["entries"]
    assert [one["kind"] for one in shown[:3]] == ["shredded", "open", "shred"]
    assert "ranges [[0, 1]]" in told("show")
    assert "body" not in json.loads(told("prove", "0"))
    assert json.loads(told("export").splitlines()[0])["metadata"]["event_code"] == "open"
    assert told.json("show", "--kind", "open")["entries"][0]["entry"] == 1
    shutil.copytree(tmp_path / "audit", tmp_path / "copy")
    said = told("verify", tmp_path / "copy", "--key", tmp_path / "keys/audit.pub")
    assert "bodies that were shredded, as the log says itself" in said
    assert "- clock-set-back: " in said


def test_an_entry_that_was_changed_hides_no_other(
    told: Ran, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told("show")
    told("show")
    [one, *_] = journal.records((tmp_path / "audit/journal/000").read_bytes())
    block = tmp_path / "audit" / "journal/000"
    body = bytearray(block.read_bytes())
    body[one.rest_at + 40] ^= 1
    block.write_bytes(body)
    shown = told.json("show", "--first", "0", code=1)["entries"]
    assert [entry["kind"] for entry in shown] == ["changed", "read-log"]
    capsys.readouterr()
    assert main(["audit", "export", "--cursor", str(tmp_path / "cursor")]) == 1
    said = capsys.readouterr()
    assert "entry 0: what lies beside it was changed" in said.err
    assert len(said.out.splitlines()) == 3
    assert main(["audit", "export", "--cursor", str(tmp_path / "cursor")]) == 0


@pytest.mark.parametrize("first", ["0", "4"])
def test_a_changed_entry_of_an_old_block_is_not_left_out_in_silence(told: Ran, tmp_path: Path, first: str) -> None:
    opened = open_log(options(tmp_path))
    opened.log.append_all([opening(number) for number in range(300)])
    unsay(tmp_path / "audit", 3)
    assert "journal/000 is not as it was signed" in told("show", "--first", first, code=1)
    assert "journal/000 is not as it was signed" in told("export", code=1)


def test_a_body_that_is_overwritten_is_shredded_only_where_the_log_says_so(told: Ran, tmp_path: Path) -> None:
    told("show")
    told("show")
    overwrite(tmp_path / "audit", 0)
    shown = told.json("show", "--first", "0", code=1)["entries"]
    assert [entry["kind"] for entry in shown] == ["changed", "read-log"]
    assert "no entry says that it was shredded" in shown[0]["statement"]["why"]
    assert len(told("export", code=1).splitlines()) == 3


def test_help_has_an_example_for_each_command(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("init", "show", "export", "prove", "shred", "adopt", "cosigned", "verify", "cosigner", "cosign"):
        with pytest.raises(SystemExit):
            main(["audit", name, "--help"])
        assert f"eyelid-review audit {name} " in capsys.readouterr().out


def options(folder: Path) -> argparse.Namespace:
    paths = {"log": folder / "audit", "keys": folder / "keys"}
    return argparse.Namespace(passphrase_file=None, key_file=None, **paths)
