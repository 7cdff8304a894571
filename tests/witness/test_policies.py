"""Policy files as they lie on a disk: one policy with one hash, or every mistake of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from agent.core.language.tests import failed_tests
from agent.errors import PolicyError
from agent.witness.policies import parse_files, read_files, read_folder
from protocol.policyhash import policy_hash

ROOT = Path(__file__).resolve().parents[2]


def text(revision: int, *rules: str) -> str:
    """A whole policy file."""
    listed = "".join(f"  - {{ id: {rule}, why: w, any: [app: [{rule}]] }}\n" for rule in rules or ("till",))
    return f"schema: 1\nrevision: {revision}\nname: Test\nrules:\n{listed}...\n"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    place = tmp_path / "policies"
    place.mkdir()
    return place


def test_the_shipped_demo_policy_holds_its_own_tests() -> None:
    demo = read_folder(ROOT / "policies" / "demo")
    assert {rule.id for rule in demo.rules} >= {"card-forms", "patient-chart", "card-terminal"}
    assert failed_tests(demo) == ()


def test_all_yaml_files_are_one_policy_with_one_hash(place: Path) -> None:
    (place / "b.yaml").write_text("schema: 1\nrules: [{ id: second, why: w, any: [app: [x]] }]\n...\n")
    (place / "a.yaml").write_text(text(3, "first"))
    for other in ("a.yaml~", ".a.yaml.swp", ".#a.yaml", "#a.yaml#", "a.yaml.bak", "README.md", "schema.json", "4913"):
        (place / other).write_text("not a policy")
    (place / "old").mkdir()
    read = read_folder(place)
    assert [rule.id for rule in read.rules] == ["first", "second"]
    files = read_files(place)
    assert sorted(files) == ["a.yaml", "b.yaml"]
    assert read.hash == policy_hash(files)
    assert parse_files(files) == read
    elsewhere = parse_files(files, shown_in="policies")
    assert (elsewhere.hash, elsewhere.where) == (read.hash, "policies/a.yaml:2:1")


def wrong(place: Path) -> tuple[str, ...]:
    with pytest.raises(PolicyError) as caught:
        read_folder(place)
    return caught.value.mistakes


def test_every_mistake_of_every_file(place: Path) -> None:
    (place / "a.yaml").write_text(text(1).replace("app", "ap"))
    (place / "b.yaml").write_text("schema: 1\nrules: [{ id: b, why: w, any: [title: [*x]] }]\nunlisted: maybe\n...\n")
    assert wrong(place) == (
        "b.yaml:2:40 a word that begins with * needs quotes, write '*x'",
        'a.yaml:5:31 "ap" is not a key of an entry of any, did you mean app?',
        'b.yaml:3:11 unlisted cannot be "maybe", write record or close',
    )


def test_while_one_file_cannot_be_read_as_yaml_the_others_are_not_blamed(place: Path) -> None:
    (place / "a.yaml").write_text("schema: 1\nrevision: 1\nname: PCI: cards\n...\n")
    (place / "b.yaml").write_text(
        "schema: 1\nkeep_recording: 5m\ntests: [{ name: n, app: till, expect: { screen: pause } }]\n...\n"
    )
    assert wrong(place) == ("a.yaml:3:10 a colon and a space inside a sentence, put the whole sentence in quotes",)


def test_while_one_file_cannot_be_read_as_yaml_the_others_mistakes_are_told(place: Path) -> None:
    (place / "a.yaml").write_text("schema: 1\nrevision: 1\nname: PCI: cards\n...\n")
    (place / "b.yaml").write_text(text(1).replace("app", "ap"))
    assert wrong(place) == (
        "a.yaml:3:10 a colon and a space inside a sentence, put the whole sentence in quotes",
        'b.yaml:5:31 "ap" is not a key of an entry of any, did you mean app?',
    )


def test_a_policy_whose_own_tests_fail_is_mistaken(place: Path) -> None:
    failing = text(1).replace("...", "tests: [{ name: n, app: notes, expect: { screen: pause } }]\n...")
    (place / "a.yaml").write_text(failing)
    [mistake] = wrong(place)
    assert mistake.startswith("a.yaml:6:9 the test expects screen: pause, the policy says record (no rule speaks), ")
    assert read_folder(place, tested=False).revision == 1


# -- the guide ----------------------------------------------------------------------------------------------------

GUIDE = (ROOT / "docs" / "policy-guide.md").read_text("utf-8")


# All but the one that shows what a mistake looks like; tests/test_documents.py holds what is said of that.
@pytest.mark.parametrize("example", re.findall(r"(?<!slip\.yaml -->\n)```yaml\n(.*?)```", GUIDE, re.DOTALL))
def test_the_guides_examples_are_policies(example: str) -> None:
    assert parse_files({"example.yaml": example.encode()}).rules
