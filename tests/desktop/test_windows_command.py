"""`eyelid windows` on a real display: what the recorder sees, what the rules say, and a second opinion by PyWinCtl."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from agent.cli.main import main
from agent.cli.windows import NO_PAGES, NO_RECORDER
from agent.config import load
from agent.control.control import ControlSocket
from agent.enrolment import enrol
from testkit.fakes.store import FakeStore
from testkit.windows import program

pytestmark = pytest.mark.desktop

POLICY = """\
schema: 1
revision: 1
name: Tills
rules:
  - {id: tills, why: PCI DSS, any: [app: [till]]}
  - {id: payments, why: new, any: [title: [Payment]], audio: record, dry_run: true}
  - {id: pages, why: PCI DSS, any: [field: [cc-csc]]}
...
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, openbox_display: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "tills.yaml").write_text(POLICY)
    monkeypatch.setenv("EYELID_HOME", str(tmp_path))
    monkeypatch.delenv("EYELID_CONFIG", raising=False)
    monkeypatch.setenv("DISPLAY", openbox_display)
    monkeypatch.setenv("COLUMNS", "120")


def test_a_title_cannot_speak_to_the_terminal(openbox_display: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A page chooses its window's title."""
    with program(openbox_display, "till") as till:
        till.open(title="Pay\x1b]0;other\x07\x9b31m\u202e")
        assert main(["windows"]) == 0
        out = capsys.readouterr().out
    assert "Pay\ufffd]0;other" in out
    assert not set(out) & set("\x1b\x07\x9b\u202e")


@pytest.mark.parametrize("backend", ["x11", "portable"])
def test_windows_and_what_the_rules_say(
    backend: str, openbox_display: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EYELID_DESKTOP", backend)
    with program(openbox_display, "till") as till:
        till.open(title="Payment")
        assert main(["windows", "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert [(w["app"], w["title"], w["screen"]) for w in told["windows"]] == [("till", "Payment", ["tills"])]
        assert [rule["does"] for rule in told["windows"][0]["rules"]] == ["closes", "would-close", "closes", "records"]
        assert told["screen"] == ["tills"]
        assert told["overlooked"] == 0
        assert told["browsers"] == NO_RECORDER
        assert main(["windows"]) == 0
        out = capsys.readouterr().out
        assert "Tills, revision 1. Screen: closed by tills. Sound: closed by tills." in out
        assert "tills, payments" in out
        assert "(dry run)" in out
        assert "(says record)" in out
        assert " ".join(out.split()).endswith(NO_RECORDER)


def test_the_policy_that_compliance_signed_judges_and_not_the_folders(
    tmp_path: Path, openbox_display: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with FakeStore() as shop:
        newer = POLICY.replace("revision: 1", "revision: 2").replace("id: tills", "id: counters")
        shop.bundle = shop.signed_bundle(5, None, **{"tills.yaml": newer})
        enrol(shop.pasted(), load())
    with program(openbox_display, "till") as till:
        till.open(title="Payment")
        assert main(["windows", "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["screen"] == ["counters"]
        assert [told["policy"][key] for key in ("origin", "bundle", "revision", "in_force")] == ["bundle", 5, 2, True]
        assert main(["windows"]) == 0
        out = " ".join(capsys.readouterr().out.split())
        assert "Signed with bundle 5 by the compliance key" in out
        assert f"The folder {tmp_path / 'policies'} holds an older policy (revision 1): it does not count." in out


def test_a_recorder_that_goes_on_with_another_policy_is_told_of(
    tmp_path: Path, openbox_display: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status = {"policy_revision": 7, "policy_hash": "ab" * 32}
    served = ControlSocket(tmp_path, lambda verb, _: status if verb == "status" else {"accounted": [], "pages": []})
    try:
        with program(openbox_display, "till") as till:
            till.open(title="Payment")
            for text, words in ((POLICY, "Screen: closed by tills."), ("schema: 1\n", "does not end with the line")):
                (tmp_path / "policies" / "tills.yaml").write_text(text)
                assert main(["windows"]) == 0
                out = " ".join(capsys.readouterr().out.split())
                assert "The recorder that runs goes on with revision 7, another policy than this." in out
                assert words in out
    finally:
        served.close()


def test_where_the_keys_are_damaged_nobody_can_say_which_policy_counts(
    tmp_path: Path, openbox_display: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "identity.json").write_text("{")
    (tmp_path / "identity.json").chmod(0o600)
    with program(openbox_display, "till") as till:
        till.open(title="Payment")
        assert main(["windows"]) == 0
        out = " ".join(capsys.readouterr().out.split())
        assert "It cannot be told which policy counts." in out
        assert "identity.json is damaged" in out


PAGE = {"urls": ["https://shop.example/pay", "https://pay.example/f"], "fields": ["cc-csc"], "selectors": ["#pan"]}
PAGES = {
    "accounted": [],
    "pages": [
        {**PAGE, "shown": True, "parked": False, "unread": False},
        {**PAGE, "urls": ["https://wiki.example"], "fields": [], "shown": True, "parked": True, "unread": True},
        {**PAGE, "urls": [], "shown": False, "parked": False, "unread": False},
    ],
}


def test_pages_are_what_the_recorder_has_been_told(
    tmp_path: Path, openbox_display: str, capsys: pytest.CaptureFixture[str]
) -> None:
    answers: list[Mapping[str, object]] = [PAGES, PAGES, {"accounted": [], "pages": []}]
    served = ControlSocket(tmp_path, lambda verb, _: answers.pop(0) if verb == "pages" else {})
    try:
        with program(openbox_display, "notes") as notes:
            notes.open(title="Notes")
            assert main(["windows", "--json"]) == 0
            told = json.loads(capsys.readouterr().out)
            assert [page["screen"] for page in told["pages"]] == [["pages"], ["unseen-page"], []]
            assert [page["audio"] for page in told["pages"]] == [["pages"], ["unseen-page"], []]
            assert told["pages"][2]["rules"][0]["does"] == "out-of-view"
            assert told["screen"] == ["pages", "unseen-page"]
            assert main(["windows"]) == 0
            out = capsys.readouterr().out
            for words in (
                "frame https://pay.example/f",
                "field cc-csc",
                "css #pan",
                "behind a tab",
                "a part of it does not answer",
                "a page that can no longer be followed",
                "(not in view)",
            ):
                assert words in " ".join(out.split())
            assert main(["windows"]) == 0
            assert " ".join(capsys.readouterr().out.split()).endswith(NO_PAGES)
    finally:
        served.close()


def test_without_a_policy_the_windows_are_shown_all_the_same(
    tmp_path: Path, openbox_display: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "policies" / "tills.yaml").write_text("schema: 1\n...\n")
    with program(openbox_display, "till") as till:
        till.open(title="Payment")
        assert main(["windows"]) == 0
        out = capsys.readouterr().out
        assert "No policy is in force, so nothing is kept." in out
        assert "Payment" in out


def test_while_one_watches_what_is_saved_judges_at_once(tmp_path: Path, openbox_display: str) -> None:
    """The tool with which one writes a rule: save, and look."""
    counters = POLICY.replace("revision: 1", "revision: 2").replace("id: tills", "id: counters")
    with program(openbox_display, "till") as till:
        till.open(title="Payment")
        command = [sys.executable, "-P", "-m", "agent", "windows", "--watch", "--json"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as watching:
            assert watching.stdout is not None
            said = (json.loads(line) for line in watching.stdout)
            assert next(said)["screen"] == ["tills"]
            for text, rules, revision in ((counters, ["counters"], 2), ("schema: 1\n", [], None)):
                (tmp_path / "policies" / "tills.yaml").write_text(text)
                one = next(one for one in said if one["screen"] == rules)
                assert one["policy"]["revision"] == revision
            watching.terminate()
