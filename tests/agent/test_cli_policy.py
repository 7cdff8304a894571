"""`eyelid policy`: what a person who writes a policy reads on the terminal, and what a machine reads as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.cli.main import main
from agent.cli.policy import starting
from agent.errors import EnvironmentFault
from agent.witness.policies import read_folder
from tests.agent.policy_commands import RULES, Out, folder, said, told

__all__ = ["folder"]  # a fixture

ROOT = Path(__file__).parents[2]

DOUBTFUL = """\
schema: 1
revision: 3
name: Cards
rules:
  - id: cards
    why: PCI DSS 3.3.1.2
    any:
      - url: [stripe.com]
      - app: ["*"]
  - id: hosted-fields
    why: PCI DSS 3.3.1.2
    any: [{ url: [js.stripe.com] }]
...
"""

CLOSES_ALL = RULES.replace("card-forms", "tills").replace("rules:", "unlisted: close\nrules:")


# -- check --------------------------------------------------------------------------------------------------------


def test_a_policy_without_a_mistake(capsys: Out) -> None:
    assert said(capsys, "check") == "Cards, revision 3: 2 rules, 1 test, no mistake.\n"


def test_every_mistake_at_once_with_its_line(folder: Path, capsys: Out) -> None:
    bad = folder / "cards.yaml"
    bad.write_text(RULES.replace("audio: record", "audio: rekord").replace("revision: 3", "revision: drei"))
    out = said(capsys, "check", str(bad), code=1)
    assert f"{bad}:2:11 revision cannot be" in out
    assert f'{bad}:9:12 audio cannot be "rekord", did you mean record?\n' in out
    assert "  9 │     audio: rekord\n    │            ^^^^^^\n" in out
    assert f"{bad}:15:87" in out  # the test says it too
    assert "3 mistakes: this would not come into force." in out
    facts = told(capsys, "check", str(bad), code=1)
    assert (facts["ok"], len(facts["mistakes"]), facts["hash"]) == (False, 3, None)
    assert facts["mistakes"][1] == {
        "file": str(bad),
        "line": 9,
        "column": 12,
        "severity": "mistake",
        "message": 'audio cannot be "rekord", did you mean record?',
        "suggestion": "record",
    }
    assert "suggestion" not in facts["mistakes"][0]  # which number was meant, nobody knows


@pytest.mark.parametrize(
    ("wrong", "right", "suggestion"),
    [
        ("rulse:", "rules:", "rules"),
        ("name: no", "name: Cards", '"no"'),
        ("user_hold: {max: 90}", "user_hold: {max: 90s}", "90s"),
        ("user_hold: {max: 1:30}", "user_hold: {max: 90s}", "90s"),
    ],
)
def test_what_is_to_be_written_instead_is_told_to_a_program_where_it_is_known_to_the_letter(
    folder: Path, capsys: Out, wrong: str, right: str, suggestion: str
) -> None:
    good = RULES if right in RULES else RULES.replace("rules:", f"{right}\nrules:", 1)
    (folder / "cards.yaml").write_text(good.replace(right, wrong, 1))
    found = told(capsys, "check", code=1)["mistakes"]
    assert suggestion in {one.get("suggestion") for one in found}
    assert all((folder / "cards.yaml").read_text().splitlines()[one["line"] - 1] for one in found)


def test_the_folder_in_use_may_lack_what_every_policy_has(folder: Path, capsys: Out) -> None:
    (folder / "cards.yaml").write_text(RULES.replace("revision: 3\n", ""))
    assert "no file has revision" in said(capsys, "check", code=1)


def test_a_mistake_that_has_no_place_is_told_to_a_program_all_the_same(tmp_path: Path, capsys: Out) -> None:
    [mistake] = told(capsys, "check", str(tmp_path), code=1)["mistakes"]
    assert (mistake["file"], mistake["line"], mistake["column"]) == (None, None, None)
    assert "holds no policy" in mistake["message"]


def test_a_test_that_fails_does_not_hide_the_warnings(folder: Path, capsys: Out) -> None:
    (folder / "cards.yaml").write_text(
        DOUBTFUL.replace("...", "tests: [{name: n, app: a, expect: {screen: record}}]\n...")
    )
    out = said(capsys, "check", code=1)
    assert "the test expects screen: record" in out
    assert "warning: this closes for every program" in out
    assert "1 mistake, 2 warnings: this would not come into force." in out


def test_warnings_are_no_mistakes_unless_they_are_asked_to_be(folder: Path, capsys: Out) -> None:
    path = folder / "cards.yaml"
    path.write_text(DOUBTFUL)
    out = said(capsys, "check")
    assert f"{path}:9:15 warning: this closes for every program, name the programs\n" in out
    assert '  9 │       - app: ["*"]\n    │               ^^^\n' in out
    assert "Cards, revision 3: 2 rules, no tests, no mistake, 2 warnings." in out
    assert said(capsys, "check", "--strict", code=1) == out
    facts = told(capsys, "check", "--strict", code=1)
    assert (facts["ok"], facts["mistakes"]) == (False, [])
    assert [(one["where"], one["kind"]) for one in facts["warnings"]] == [
        (f"{path}:9:15", "wide"),
        (f"{path}:10:5", "shadowed"),
    ]
    assert {key: facts["warnings"][0][key] for key in ("file", "line", "column", "severity", "message")} == {
        "file": str(path),
        "line": 9,
        "column": 15,
        "severity": "warning",
        "message": "this closes for every program, name the programs",
    }
    assert told(capsys, "check")["ok"] is True


def test_that_scenes_are_kept_is_warned_of_and_no_mistake_even_then(folder: Path, capsys: Out) -> None:
    (folder / "head.yaml").write_text("schema: 1\nkeep_scenes: true\n...\n")
    out = said(capsys, "check", "--strict")
    assert f"{folder / 'head.yaml'}:2:1 warning: titles and whole addresses of everything that is open are kept" in out
    assert told(capsys, "check", "--strict")["warnings"][0]["kind"] == "scenes"


def test_a_file_alone_and_its_folder_have_the_same_hash(folder: Path, capsys: Out) -> None:
    assert told(capsys, "check") == told(capsys, "check", str(folder / "cards.yaml"))


def test_a_file_that_is_not_text_has_no_line_to_show(folder: Path, capsys: Out) -> None:
    (folder / "cards.yaml").write_bytes(b"\xff\xfe" + RULES.encode("utf-16-le"))
    assert "save it as UTF-8\n\n1 mistake" in said(capsys, "check", code=1)


def test_a_folder_that_is_missing_or_empty(tmp_path: Path, capsys: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "holds no policy, a policy is one or more files" in said(capsys, "check", str(tmp_path), code=1)
    monkeypatch.setenv("EYELID_HOME", str(tmp_path / "elsewhere"))
    assert main(["policy", "check"]) == 2
    assert "`eyelid policy init payments` begins with one" in capsys.readouterr().err


def test_files_of_two_folders_are_no_policy(tmp_path: Path, folder: Path, capsys: Out) -> None:
    assert main(["policy", "check", str(tmp_path / "a.yaml"), str(folder / "cards.yaml")]) == 2
    assert "different folders" in capsys.readouterr().err


def test_a_file_of_a_policy_that_is_checked_by_itself_is_told_of_the_rest(folder: Path, capsys: Out) -> None:
    alone = folder / "ours.yaml"
    alone.write_text("schema: 1\nrules: [{ id: a, why: w, any: [app: [x]] }]\n...\n")
    out = said(capsys, "check", str(alone), code=1)
    assert f"Beside it lies cards.yaml: of all files as one policy, eyelid policy check {folder}\n" in out
    assert "Beside it" not in said(capsys, "check", str(folder))
    (folder / "cards.yaml").unlink()
    assert "Beside it" not in said(capsys, "check", str(alone), code=1)


def test_a_folder_beside_files_is_told_as_what_it_is(folder: Path, capsys: Out) -> None:
    for named in ([folder, folder / "cards.yaml"], [folder / "cards.yaml", folder], [folder, folder]):
        assert main(["policy", "check", *map(str, named)]) == 2
        assert f"{folder} is a folder: name one folder alone, or files" in capsys.readouterr().err


def test_a_file_that_yaml_cannot_read_hides_no_mistake_of_the_others(folder: Path, capsys: Out) -> None:
    (folder / "cards.yaml").write_text(RULES.replace("why: PCI", "why: PCI: the"))
    (folder / "more.yaml").write_text("schema: 1\nrules:\n  - { id: a, why: w, any: [ap: [x]], scren: pause }\n...\n")
    (folder / "torn.yaml").write_text("schema: 1\nkeep_recording: 5m\nrules: [\n...\n")
    out = said(capsys, "check", code=1)
    for words in (
        f"{folder / 'cards.yaml'}:6:13 a colon and a space inside a sentence",
        f'{folder / "more.yaml"}:3:28 "ap" is not a key of an entry of any, did you mean app?',
        f'{folder / "more.yaml"}:3:38 "scren" is not a key of a rule, did you mean screen?',
        f"{folder / 'torn.yaml'}:",
        "\n4 mistakes: this would not come into force.",
    ):
        assert words in out


def test_a_file_that_is_not_there(folder: Path, capsys: Out) -> None:
    assert main(["policy", "check", str(folder / "none.yaml")]) == 2
    assert "none.yaml cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize("pack", sorted(path.name for path in (ROOT / "policies").iterdir() if path.is_dir()))
def test_shipped_packs_have_nothing_to_be_warned_of(pack: str, capsys: Out) -> None:
    if pack != "__pycache__":
        assert told(capsys, "check", "--strict", str(ROOT / "policies" / pack))["warnings"] == []


# -- test ---------------------------------------------------------------------------------------------------------


def test_the_tests_inside_and_the_rules_that_they_leave_untried(capsys: Out) -> None:
    out = said(capsys, "test")
    assert "ok  the till closes  closed  recorded  card-forms" in out
    assert "2 of 2 expectations hold." in out
    assert "2 rules are not wholly tried." in out
    rules = {line.split()[1]: line for line in out.splitlines() if line.startswith("!")}
    assert "a look-alike that stays open" in rules["card-forms"]
    assert "screen 0, sound 0" in rules["charts"]
    assert "a test that closes" in rules["charts"]


def test_a_test_that_does_not_hold(folder: Path, capsys: Out) -> None:
    (folder / "cards.yaml").write_text(RULES.replace("audio: record}", "audio: pause}"))
    out = said(capsys, "test", code=1)
    assert "NOT" in out
    assert "recorded, expected closed" in " ".join(out.split())
    assert "does not come into force" in out
    facts = told(capsys, "test", code=1)
    assert facts["rules_without_a_test"] == ["charts"]
    assert [test["got"] for test in facts["tests"]] == ["pause", "record"]
    assert facts["rules"][0]["closes"] == {"screen": 1}


def test_without_any_test(folder: Path, capsys: Out) -> None:
    (folder / "cards.yaml").write_text(DOUBTFUL)
    assert "The policy has no tests." in said(capsys, "test")


def test_a_shipped_pack_is_wholly_tried(capsys: Out) -> None:
    out = said(capsys, "test", str(ROOT / "policies" / "payments"))
    assert "\n!" not in out
    assert "not wholly tried" not in out


# -- diff ---------------------------------------------------------------------------------------------------------


def test_what_gets_weaker_is_loud(tmp_path: Path, folder: Path, capsys: Out) -> None:
    new = tmp_path / "new.yaml"
    new.write_text(RULES.replace("app: [till]", "app: [counter]").replace("app: till", "app: counter"))
    out = said(capsys, "diff", str(folder), str(new), code=1)
    assert "Cards, revision 3  →  Cards, revision 3" in out
    assert f"WEAKER: what was closed will be recorded\n  - card-forms no longer closes for app till  {new}:5:5\n" in out
    assert "  + card-forms now also closes for app counter" in out
    assert "Its revision is not higher: write 4 to put it in force." in out
    facts = told(capsys, "diff", str(folder), str(new), code=1)
    assert (facts["weaker"], facts["revisions"]) == (True, [3, 3])
    assert [change["weight"] for change in facts["changes"]] == ["weaker", "stronger", "other", "other"]


def test_nothing_has_changed(folder: Path, capsys: Out) -> None:
    assert "Nothing that a rule does has changed." in said(capsys, "diff", str(folder), str(folder))
    assert told(capsys, "diff", str(folder), str(folder))["changes"] == []


# -- init, schema -------------------------------------------------------------------------------------------------


def test_init_writes_a_pack_that_holds(tmp_path: Path, capsys: Out) -> None:
    made = tmp_path / "made" / "here"
    out = said(capsys, "init", "payments", "--into", str(made))
    assert f"wrote {made / 'payments.yaml'}\n" in out
    assert f"eyelid policy test {made}" in out
    assert read_folder(made).rules == read_folder(ROOT / "policies" / "payments").rules
    assert "$schema=./schema.json" in (made / "policy.yaml").read_text()
    assert (made / "schema.json").exists()


def test_init_writes_several_packs_as_one_policy(tmp_path: Path, capsys: Out) -> None:
    made = tmp_path / "made"
    out = said(capsys, "init", "payments", "passwords", "payments", "--into", str(made))
    assert "all its tests hold" in out
    assert "no mistake" in said(capsys, "check", "--strict", str(made))
    together = [rule.id for name in ("passwords", "payments") for rule in read_folder(ROOT / "policies" / name).rules]
    assert sorted(rule.id for rule in read_folder(made).rules) == sorted(together)
    assert read_folder(made).name == "Card payments and Passwords"


def test_init_of_all_packs_is_named_after_all_of_them(tmp_path: Path, capsys: Out) -> None:
    made = tmp_path / "made"
    names = sorted(path.parent.name for path in (ROOT / "policies").glob("*/policy.yaml") if path.parent.name != "demo")
    said(capsys, "init", *names, "--into", str(made))
    assert read_folder(made).name == (
        "Banking, CRM systems, Personnel files, Identity documents, Medical records, Passwords, Card payments, SAP and "
        "Webmail"
    )


def test_init_says_who_brings_it_into_force_and_whom_its_folder_must_belong_to(
    folder: Path, tmp_path: Path, capsys: Out
) -> None:
    out = said(capsys, "init", "payments", "--into", str(tmp_path / "made"))
    assert "sudo install -m 644 -D -t /etc/eyelid/policies" in out
    assert "belongs to root" in out
    (folder / "cards.yaml").unlink()
    out = said(capsys, "init", "payments")  # the configured one, which is this user's own
    assert f"{folder} is where this PC's policy is read from" in out
    assert "`eyelid doctor` says whether the agent who is recorded can change it" in out


def test_what_init_and_check_say_can_be_copied_where_a_folder_has_a_space(tmp_path: Path, capsys: Out) -> None:
    folder = tmp_path / "our policies"
    out = said(capsys, "init", "payments", "--into", str(folder))
    for command in ("policy test", "policy check", "bundle sign --policies"):
        assert f"{command} '{folder}'" in out
    assert f"/etc/eyelid/policies '{folder}'/*.yaml" in out


def test_init_adds_to_a_policy_what_is_missing_and_overwrites_nothing(folder: Path, capsys: Out) -> None:
    out = said(capsys, "init", "hr")
    assert f"added {folder / 'hr.yaml'}\n" in out
    assert f"added {folder / 'schema.json'}\n" in out
    assert (folder / "cards.yaml").read_text() == RULES
    assert sorted(path.name for path in folder.iterdir()) == ["cards.yaml", "hr.yaml", "schema.json"]
    assert f"Count up revision 3 in {folder / 'cards.yaml'}:2:1 to put this in force." in out
    assert "no mistake" in said(capsys, "check", str(folder))


def test_init_leaves_what_is_there_and_says_where_it_is_not_as_shipped(tmp_path: Path, capsys: Out) -> None:
    made = tmp_path / "made"
    first = told(capsys, "init", "payments", "--into", str(made), "--json")
    assert first["written"] == [str(made / name) for name in ("payments.yaml", "policy.yaml", "schema.json")]
    assert (first["left"], first["revision"]) == ([], 2)
    ours = (made / "payments.yaml").read_text().replace("never_matched: ignore", "never_matched: 90d")
    (made / "payments.yaml").write_text(ours)
    out = said(capsys, "init", "payments", "hr", "--into", str(made))
    assert f"added {made / 'hr.yaml'}\n" in out
    assert f"left  {made / 'payments.yaml'} (there already; not as this release ships it)\n" in out
    assert f"left  {made / 'policy.yaml'} (there already)\n" in out
    assert f"left  {made / 'schema.json'} (there already)\n" in out
    assert (made / "payments.yaml").read_text() == ours
    again = told(capsys, "init", "payments", "hr", "--into", str(made), "--json")
    assert again["written"] == []
    assert [(Path(one["file"]).name, one["as_shipped"]) for one in again["left"]] == [
        ("hr.yaml", True),
        ("payments.yaml", False),
        ("policy.yaml", None),
        ("schema.json", True),
    ]
    out = said(capsys, "init", "payments", "hr", "--into", str(made))
    assert "Nothing is missing: nothing was written." in out
    assert "to put this in force" not in out


def test_init_gives_a_folder_of_rules_its_missing_head(tmp_path: Path, capsys: Out) -> None:
    said(capsys, "init", "hr", "payments", "--into", str(tmp_path))
    (tmp_path / "policy.yaml").unlink()
    out = said(capsys, "init", "hr", "--into", str(tmp_path))
    assert f"added {tmp_path / 'policy.yaml'}\n" in out
    assert read_folder(tmp_path).name == "Personnel files"


def test_init_adds_a_pack_where_few_applications_are_allowed(tmp_path: Path, capsys: Out) -> None:
    (tmp_path / "ours.yaml").write_text("schema: 1\nrevision: 3\nname: Few\nallow: [app: [crm]]\n...\n")
    out = said(capsys, "init", "webmail", "--into", str(tmp_path))
    assert f"added {tmp_path / 'webmail.yaml'}\n" in out
    assert "Few: all its tests hold." in out


@pytest.mark.parametrize(
    ("there", "says"),
    [
        ({"policy.yaml": "schema: 1\nname: Ours\n...\n"}, "no file has revision"),
        ({"ours.yml": RULES}, "only names that end in .yaml"),
        ({"ours.yaml": RULES}, "another rule is called"),
        (
            {"ours.yaml": RULES.replace("card-forms", "c").replace("rules:", "unlisted: close\nrules:")},
            "the test expects",
        ),
    ],
)
def test_init_writes_nothing_where_the_policy_would_not_come_into_force(
    tmp_path: Path, capsys: Out, there: dict[str, str], says: str
) -> None:
    made = tmp_path / "made"
    made.mkdir()
    for name, content in there.items():
        (made / name).write_text(content)
    assert main(["policy", "init", "payments", "--into", str(made)]) == 2
    err = capsys.readouterr().err
    assert f"nothing was written into {made}: with what is missing, the policy would not come into force" in err
    assert says in err
    assert {path.name: path.read_text() for path in made.iterdir()} == there


def test_init_writes_the_head_last_so_that_no_reader_takes_a_part_of_the_rules_for_the_policy(tmp_path: Path) -> None:
    made = tmp_path / "made"
    with pytest.raises(EnvironmentFault):
        starting.write({"policy.yaml": b"", "sap.yaml": b"", "no-folder/webmail.yaml": b""}, made)
    assert [path.name for path in made.iterdir()] == ["sap.yaml"]


@pytest.mark.parametrize("name", ["schema.json", "webmail.yaml"])
@pytest.mark.parametrize("kind", ["folder", "link to nothing"])
def test_init_writes_nothing_where_what_is_there_cannot_be_read(
    tmp_path: Path, capsys: Out, name: str, kind: str
) -> None:
    made = tmp_path / "made"
    made.mkdir()
    if kind == "folder":
        (made / name).mkdir()
    else:
        (made / name).symlink_to(tmp_path / "nowhere")
    assert main(["policy", "init", "payments", "webmail", "--into", str(made)]) in {2, 3}
    err = capsys.readouterr().err
    assert f"nothing was written into {made}" in err
    assert name in err
    assert [path.name for path in made.iterdir()] == [name]


def test_init_asks_for_no_new_revision_where_it_added_the_schema_alone(tmp_path: Path, capsys: Out) -> None:
    (tmp_path / "ours.yaml").write_text(RULES)
    (tmp_path / "sap.yaml").write_text("schema: 1\nrules: [{id: ours, why: w, any: [app: [desk]]}]\n...\n")
    out = said(capsys, "init", "sap", "--into", str(tmp_path))
    assert f"added {tmp_path / 'schema.json'}\n" in out
    assert f"left  {tmp_path / 'sap.yaml'} (there already; not as this release ships it)\n" in out
    assert "to put this in force" not in out


def test_init_lists_the_packs(capsys: Out) -> None:
    assert "  payments           Card payments: 4 rules\n" in said(capsys, "init")
    assert main(["policy", "init", "nothing"]) == 2
    assert "there is no pack nothing; there are" in capsys.readouterr().err
    facts = told(capsys, "init", "--json")
    assert {"pack": "payments", "name": "Card payments", "rules": 4} in facts["packs"]


def test_init_where_nothing_can_be_written(tmp_path: Path, capsys: Out) -> None:
    (tmp_path / "file").write_text("")
    assert main(["policy", "init", "payments", "--into", str(tmp_path / "file" / "folder")]) == 3
    assert "cannot be written" in capsys.readouterr().err


def test_schema_is_the_committed_one(capsys: Out) -> None:
    committed = json.loads((ROOT / "policies" / "schema.json").read_text())
    assert json.loads(said(capsys, "schema")) == committed


def test_what_is_missing_in_the_configured_folder_is_said(folder: Path, capsys: Out) -> None:
    (folder / "cards.yaml").write_text("schema: 1\n...\n")
    assert "no file has rules" in said(capsys, "check", code=1)
