"""`eyelid-review governance`: what the commands print, and the exit codes that scripts go by."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol.bundle import Bundle, sign
from protocol.carried import carried
from protocol.keys import RecipientPrivate, thumbprint
from protocol.policyhash import policy_hash
from review import cli
from review.commands import governance_init
from review.governance.keys import schema
from tests.commands import are_found_by_their_names
from tests.review.governance.rules import HEAD

Out = pytest.CaptureFixture[str]

RULES = (
    HEAD
    + """\
roles:
  lead: { may: [list, play], of: { team: own }, from: 30d, purposes: [coaching] }
  chief: { may: [export], of: all, rendition: original, purposes: [legal] }
people:
  ann@x.org: { roles: [lead], teams: [north], since: 2026-01-01 }
  cem@x.org: { roles: [chief] }
  dot@x.org: { roles: [chief] }
teams:
  north: { groups: [desks] }
approvals:
  - { act: [export], by: [chief], within: 24h }
retention:
  - { class: rest, keep: 180d }
tests:
  - { name: own team, who: { role: lead, team: north }, do: play, what: { team: north }, expect: granted }
  - { who: { role: lead }, do: export, what: {}, expect: refused }
  - { who: { role: chief }, do: export, what: {}, approved_by: [chief], expect: granted }
  - { who: { role: chief }, do: play, what: {}, expect: refused }
  - { name: old, what: { age: 200d }, expect: deleted }
...
"""
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The rules in the folder `governance` of the current one."""
    monkeypatch.chdir(tmp_path)
    place = tmp_path / "governance"
    place.mkdir()
    (place / "a.yaml").write_text(RULES)
    return place


def said(capsys: Out, *words: str, code: int = 0) -> str:
    assert cli.main(["governance", *words]) == code
    return capsys.readouterr().out


def facts(capsys: Out, *words: str, code: int = 0) -> Any:
    return json.loads(said(capsys, *words, "--json", code=code))


def failed(capsys: Out, *words: str, code: int = 2) -> str:
    assert cli.main(["governance", *words]) == code
    return capsys.readouterr().err


def change(folder: Path, was: str, becomes: str, *, into: str = "") -> None:
    assert was in RULES
    place = folder.with_name(into) if into else folder
    place.mkdir(exist_ok=True)
    (place / "a.yaml").write_text(RULES.replace(was, becomes))


def test_commands_are_found_by_their_names() -> None:
    are_found_by_their_names(cli.COMMANDS, cli.parser)


def test_the_program_runs(folder: Path) -> None:
    """As a process, once: isolated, and from where it is installed."""
    program = Path(sys.executable).with_name("eyelid-review")
    ran = subprocess.run(
        [program, "governance", "check"], cwd=folder.parent, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "House, revision 3: 2 roles, 5 tests, no mistake.\n", "")


# -- check ----------------------------------------------------------------------------------------------------------


def test_check_says_every_mistake_with_its_line(folder: Path, capsys: Out) -> None:
    change(folder, "may: [export]", "may: [exprt]")
    out = said(capsys, "check", code=1)
    assert 'governance/a.yaml:6:18 an entry of may cannot be "exprt", did you mean export?' in out
    assert "  6 │   chief: { may: [exprt], of: all" in out
    assert out.endswith("\n1 mistake: these rules would not come into force.\n")
    found = facts(capsys, "check", code=1)
    assert (found["ok"], found["hash"], found["mistakes"][0]["suggestion"]) == (False, None, "export")


def test_check_runs_the_tests_and_warns(folder: Path, capsys: Out) -> None:
    change(folder, "  dot@x.org: { roles: [chief] }\n", "")
    assert "cem@x.org can ask for export, and there are not 1 others of chief" in said(capsys, "check")
    assert said(capsys, "check").endswith("no mistake, 1 warning.\n")
    found = facts(capsys, "check", "--strict", code=1)
    assert (found["ok"], found["warnings"][0]["severity"], len(found["hash"])) == (False, "warning", 64)
    change(folder, "expect: deleted", "expect: kept")
    assert "the test expects kept, the rules say deleted" in said(capsys, "check", code=1)


def test_check_of_nothing(tmp_path: Path, capsys: Out) -> None:
    assert "holds no set of governance rules" in said(capsys, "check", str(tmp_path), code=1)
    assert facts(capsys, "check", str(tmp_path), code=1)["mistakes"][0]["file"] is None


# -- test -----------------------------------------------------------------------------------------------------------


def test_test_says_what_holds_and_why(folder: Path, capsys: Out) -> None:
    out = said(capsys, "test")
    assert "ok  own team" in out
    assert "lead: export" in out
    assert out.endswith("\n5 of 5 tests hold.\n")
    change(folder, "expect: deleted", "expect: kept, class: rest")
    out = said(capsys, "test", code=1)
    assert "NOT  old" in out
    assert "deleted, expected kept" in out
    tests = facts(capsys, "test", code=1)["tests"]
    assert [test["passed"] for test in tests] == [True, True, True, True, False]
    assert tests[-1] == {
        "name": "old",
        "where": "governance/a.yaml:22:5",
        "expected": "kept",
        "got": "deleted",
        "passed": False,
        "class": "rest",
        "because": ["class rest"],
    }
    assert facts(capsys, "test", code=1)["ok"] is False
    change(folder, "name: old, what", "what")
    assert "ok  deleted" in said(capsys, "test")


# -- explain --------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("folder")
def test_explain_grants_in_sentences(capsys: Out) -> None:
    asked = ["explain", "--as", "Ann@x.org", "--do", "play", "--purpose", "coaching", "--day", "2026-06-15"]
    out = said(capsys, *asked, "--fact", "group=desks", "--fact", "age=10d")
    assert out.startswith(
        "ann@x.org may play this recording for the purpose coaching as lead, until 2026-07-05 11:55 UTC. "
        "What is released is the redacted rendition.\n\nWhy:\n  Role lead may play.\n    governance/a.yaml:5:3  lead: {"
    )
    assert "\n  ann@x.org has role lead.\n" in out
    assert "\nHow long:\n  Class rest keeps it until 2026-12-02.\n" in out
    found = facts(capsys, *asked, "--fact", "group=desks")
    assert (found["granted"], found["role"], found["rendition"], found["missing"]) == (True, "lead", "redacted", [])
    assert found["why"][0] == {"says": "role lead may play", "where": "governance/a.yaml:5:3"}


@pytest.mark.usefixtures("folder")
def test_explain_says_what_is_missing(capsys: Out) -> None:
    asked = ["explain", "--role", "chief", "--do", "export", "--purpose", "legal", "--rendition", "original"]
    out = said(capsys, *asked, "--fact", "channel=chat,mail", "--fact", "held=true", "--asked", "3h")
    assert out.startswith("somebody may not export this recording for the purpose legal yet.\n\nWhat is missing:\n")
    assert "  1 more approval by chief is missing, within 21 h.\n    governance/a.yaml:14:5  - { act: [export]" in out
    assert out.endswith("  A legal hold keeps it as long as the hold is there.\n")
    assert facts(capsys, *asked, "--approved-by", "cem@x.org", "--fact", "team=north")["granted"]
    refused = facts(capsys, "explain", "--role", "lead", "--team", "north", "--do", "read-audit")
    assert (refused["granted"], refused["until"], refused["role"], refused["kept"]) == (False, None, None, [])


def test_explain_takes_a_scene(folder: Path, capsys: Out) -> None:
    scene = folder.parent / "scene.json"
    scene.write_text('{"group": "desks", "age": "40d", "channel": ["chat"]}')
    asked = ["explain", "--as", "ann@x.org", "--do", "play", "--purpose", "coaching", "--what", str(scene)]
    assert facts(capsys, *asked)["why"][0]["says"] == "it is older than role lead reaches back"
    assert facts(capsys, *asked, "--fact", "age=3d")["granted"]
    scene.write_text("group: desks\nage: 40d\n...\n")
    assert not facts(capsys, *asked)["granted"]
    scene.write_text("- group\n")
    assert "what is keys with values, not a list" in failed(capsys, *asked, "--fact", "age=3d")
    scene.write_text("{ group: [\n")
    assert "scene.json:1:10" in failed(capsys, *asked)
    scene.unlink()
    assert "scene.json cannot be read: No such file" in failed(capsys, *asked)


def test_explain_asks_the_rules_that_a_bundle_carries(folder: Path, capsys: Out) -> None:
    key, files = Ed25519PrivateKey.generate(), {path.name: path.read_bytes() for path in folder.iterdir()}
    signer, reader = thumbprint(key.public_key()), RecipientPrivate.generate().public
    signed = Bundle(3, (reader,), 0, governance=policy_hash(files))
    token, file = sign(signed, key), folder.parent / "next.bundle"
    (folder / "a.yaml").unlink()  # what is on the disk here does not count
    question = ["--as", "ann@x.org", "--do", "play", "--purpose", "coaching", "--fact", "team=north"]
    asked = ["explain", "--bundle", str(file), *question]
    file.write_text(f"{token}\n{carried(files)}\n")
    out = said(capsys, *asked, f"--signer={signer}")
    assert f"\n  ann@x.org has role lead.\n    {file}/a.yaml:8:3  ann@x.org: {{ roles: [lead]" in out
    assert "go together" in failed(capsys, *asked)
    assert "--signer go together" in failed(capsys, "explain", f"--signer={signer}", *question)
    for text, why, code in (
        (token, "no JSON object", 1),
        (f"{token}\n{carried({**files, 'b.yaml': b''})}", "not the files that compliance signed", 1),
        (sign(replace(signed, governance=""), key), "has no governance: nothing is opened", 2),
        (sign(signed, Ed25519PrivateKey.generate()), "not signed by the compliance key", 1),
    ):
        file.write_text(text)
        assert why in failed(capsys, *asked, f"--signer={signer}", code=code)
    file.write_bytes(b"\xff")
    assert "is no bundle" in failed(capsys, *asked, f"--signer={signer}")
    file.unlink()
    assert "cannot be read" in failed(capsys, *asked, f"--signer={signer}")


@pytest.mark.usefixtures("folder")
def test_explain_names_each_mistake_of_a_question(capsys: Out) -> None:
    err = failed(capsys, "explain", "--role", "leader", "--do", "pley", "--fact", "ege=1d", "--fact", "team=nort")
    assert '\n--role there is no role "leader", did you mean lead?\n' in err
    assert 'do cannot be "pley", did you mean play?' in err
    assert '"ege" is not a key of what, did you mean age?' in err
    assert 'there is no team "nort", did you mean north?' in err


# -- diff, schema ---------------------------------------------------------------------------------------------------


def test_diff_says_what_is_opened_more(folder: Path, capsys: Out) -> None:
    change(folder, "from: 30d", "from: 60d", into="next")
    out = said(capsys, "diff", "governance", "next", code=1)
    assert "House, revision 3  →  House, revision 3\n\nOPENS MORE" in out
    assert "  - lead reaches 60 days back  next/a.yaml:5:3" in out
    assert out.endswith("\nIts revision is not higher: write 4 to put it in force.\n")
    assert facts(capsys, "diff", "governance", "next", code=1) == {
        "opens_more": True,
        "revisions": [3, 3],
        "changes": [{"weight": "opens more", "says": "lead reaches 60 days back", "where": "next/a.yaml:5:3"}],
    }
    assert "Opens less\n  + lead reaches 30 days back" in said(capsys, "diff", "next", "governance")
    assert "Nothing that these rules do has changed." in said(capsys, "diff", "governance", "governance")
    assert "holds no set" in failed(capsys, "diff", "governance", str(folder.parent))


def test_schema_is_printed(capsys: Out) -> None:
    assert json.loads(said(capsys, "schema")) == schema()


# -- init -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("template", governance_init.TEMPLATES)
def test_init_writes_files_without_a_mistake_or_a_warning(
    template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    monkeypatch.chdir(tmp_path)
    out = said(capsys, "init", "--template", template)
    assert out.startswith("wrote governance/people.yaml\n")
    assert "tests hold" in out
    assert facts(capsys, "check", "--strict")["ok"]
    assert facts(capsys, "test")["ok"]
    assert "has people.yaml already, and nothing was written" in failed(capsys, "init", "--template", template)
    written = facts(capsys, "init", "--template", template, "--into", "other")
    assert written["written"] == [f"other/{name}.yaml" for name in ("people", "retention", "roles")] + [
        "other/schema.json"
    ]


def test_init_into_what_is_no_folder(tmp_path: Path, capsys: Out) -> None:
    (tmp_path / "file").write_text("")
    assert cli.main(["governance", "init", "--template", "small", "--into", str(tmp_path / "file")]) == 1
    assert "cannot be written: File exists" in capsys.readouterr().err


def test_init_asks_where_somebody_can_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out) -> None:
    """Patched: a test has no terminal to type at."""
    monkeypatch.chdir(tmp_path)
    assert "say which template: --template small or regulated" in failed(capsys, "init")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda _: "none")
    assert "there is no template of this name" in failed(capsys, "init")
    monkeypatch.setattr("builtins.input", lambda _: " small ")
    assert "twenty seats" in said(capsys, "init")


@pytest.mark.parametrize(
    ("words", "taken"),
    [
        (["keys", "--remove", "-" + "L" * 42, "--json"], ["keys", "--remove=-" + "L" * 42, "--json"]),
        (["keys", "--remove", "K" * 43], ["keys", "--remove", "K" * 43]),
        (["add", "--json", "-o", "x"], ["add", "--json", "-o", "x"]),
        (["--remove=a", "-" + "L" * 42], ["--remove=a", "-" + "L" * 42]),
    ],
)
def test_a_keys_id_that_begins_with_a_hyphen_is_taken_behind_an_option(words: list[str], taken: list[str]) -> None:
    assert cli._joined(words) == taken
