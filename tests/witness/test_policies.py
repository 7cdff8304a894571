"""Policy files as they lie on a disk: one policy with one hash, or every mistake of it."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from agent.core.language.tests import failed_tests
from agent.errors import PolicyError
from agent.witness.policies import parse_files, read_files, read_folder
from protocol.language import folder as of_language
from protocol.language.folder import LARGEST
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


def test_a_missing_or_empty_folder_is_no_policy(place: Path) -> None:
    assert wrong(place) == (f"{place} holds no policy, a policy is one or more files whose names end in .yaml",)
    place.rmdir()
    assert wrong(place) == (f"{place} is no folder that can be read (No such file or directory), put a policy there",)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("cards.yml", "only names that end in .yaml in small letters are read, rename it"),
        ("cards.YAML", "only names that end in .yaml in small letters are read, rename it"),
        ("cards.yaml.txt", "the name ends in .txt, so that it is not read, rename it to end in .yaml"),
        ("car\x07ds.yaml", "the name has signs that cannot be shown, rename it"),
        ("car\udcffds.yaml", "the name has signs that cannot be shown, rename it"),
    ],
)
def test_a_file_that_would_be_passed_over_silently(place: Path, name: str, said: str) -> None:
    (place / "a.yaml").write_text(text(1))
    (place / name).write_text(text(1))
    assert wrong(place) == (f"{name}:1:1 {said}",)


def test_what_cannot_be_read(place: Path) -> None:
    (place / "big.yaml").write_bytes(b"#" * (LARGEST + 1))
    (place / "dir.yaml").mkdir()
    os.mkfifo(place / "fifo.yaml")
    (place / "gone.yaml").symlink_to(place / "nowhere")
    assert wrong(place) == (
        "big.yaml:1:1 the file has 1048577 bytes, at most 1048576 are read, split it",
        "dir.yaml:1:1 this is not a file, remove or rename it",
        "fifo.yaml:1:1 this is not a file, remove or rename it",
        "gone.yaml:1:1 the file cannot be read (No such file or directory), correct that or remove it",
    )


def test_a_policy_of_ten_megabytes_is_refused_unread(place: Path) -> None:
    with (place / "huge.yaml").open("wb") as file:
        file.truncate(10 << 20)
    said = ("huge.yaml:1:1 the file has 10485760 bytes, at most 1048576 are read, split it",)
    assert wrong(place) == said
    with pytest.raises(PolicyError) as caught:
        parse_files({"huge.yaml": bytes(10 << 20)})
    assert caught.value.mistakes == said


def test_a_file_that_grows_while_it_is_read(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = place / "a.yaml"
    path.write_text(text(1))
    small = path.stat()
    path.write_bytes(b"#" * (LARGEST + 1))
    real = Path.stat
    monkeypatch.setattr(Path, "stat", lambda self, **more: small if self.name == path.name else real(self, **more))
    assert wrong(place) == ("a.yaml:1:1 the file has 1048577 bytes, at most 1048576 are read, split it",)


def test_too_many_files(place: Path) -> None:
    for number in range(101):
        (place / f"{number}.yaml").write_text("")
    assert wrong(place) == (f"{place} holds 101 policy files, at most 100 are read, join some",)


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


def test_a_file_replaced_while_another_is_read_is_read_again(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "a.yaml").write_text(text(1, "old"))
    (place / "b.yaml").write_text("schema: 1\n...\n")
    save_during_reads(place, monkeypatch, text(2, "new", "newer"))
    assert read_files(place)["a.yaml"] == text(2, "new", "newer").encode()


def test_a_file_that_never_rests_is_read_as_it_is(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read then is whole or refused; the next event or beat reads again."""
    (place / "a.yaml").write_text(text(1))
    (place / "b.yaml").write_text("schema: 1\n...\n")
    save_during_reads(place, monkeypatch, *(text(1, "r" * length) for length in range(1, 9)))
    assert read_files(place)["a.yaml"] == text(1, "rr").encode()


def save_during_reads(place: Path, monkeypatch: pytest.MonkeyPatch, *saves: str) -> None:
    """Somebody saves a.yaml each time that b.yaml is about to be read."""
    real, waiting = of_language._read, list(saves)

    def read(path: Path) -> bytes | str:
        if path.name == "b.yaml" and waiting:
            (place / "a.yaml").write_text(waiting.pop(0))
        return real(path)

    monkeypatch.setattr(of_language, "_read", read)


# -- the guide ----------------------------------------------------------------------------------------------------

GUIDE = (ROOT / "docs" / "policy-guide.md").read_text("utf-8")


# All but the one that shows what a mistake looks like; tests/test_documents.py holds what is said of that.
@pytest.mark.parametrize("example", re.findall(r"(?<!slip\.yaml -->\n)```yaml\n(.*?)```", GUIDE, re.DOTALL))
def test_the_guides_examples_are_policies(example: str) -> None:
    assert parse_files({"example.yaml": example.encode()}).rules
