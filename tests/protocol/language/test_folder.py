"""Files as they lie in a folder: read whole, and what would be passed over silently or cannot be read is a mistake."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from protocol.language import folder as of_language
from protocol.language.errors import MistakesError
from protocol.language.folder import (
    LARGEST,
    LARGEST_FOLDER,
    MOST_FILES,
    fingerprint,
    only_read,
    read_documents,
    read_files,
)


def text(name: str) -> str:
    return f"name: {name}\n...\n"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    place = tmp_path / "policies"
    place.mkdir()
    return place


def wrong(place: Path) -> tuple[str, ...]:
    with pytest.raises(MistakesError) as caught:
        read_files(place, "policy")
    return caught.value.mistakes


def test_what_is_read_and_in_which_order(place: Path) -> None:
    for name in ("b.yaml", "a.yaml", ".c.yaml", "d.yaml~", "notes.md", ".hidden.yml"):
        (place / name).write_text(text(name))
    files = read_files(place, "policy")
    assert sorted(files) == ["a.yaml", "b.yaml"]
    read = read_documents(files, "shown")
    assert [document.file for document in read.documents] == ["shown/a.yaml", "shown/b.yaml"]
    assert (read.mistakes, read.whole) == ((), True)


def test_what_cannot_be_read_as_yaml_is_left_out_and_said() -> None:
    read = read_documents({"a.yaml": b"a: [\n", "b.yaml": b"b: c\n...\n"})
    assert [document.file for document in read.documents] == ["b.yaml"]
    assert not read.whole
    assert all(mistake.startswith("a.yaml:") for mistake in read.mistakes)
    with pytest.raises(MistakesError, match=r"a\.yaml:"):
        read_documents({"a.yaml": b"a: [\n"})
    assert read_documents({}).documents == ()


def test_a_fingerprint_is_of_what_is_read(place: Path) -> None:
    (place / "a.yaml").write_text(text("a"))
    before = fingerprint(place)
    (place / "notes.md").write_text("")
    assert [name for name, *_ in fingerprint(place)] == ["", "a.yaml"]
    (place / "a.yaml").write_text(text("longer"))
    assert fingerprint(place) != before
    (place / "b.yaml").symlink_to(place / "nowhere")
    assert len(fingerprint(place)) == 2
    assert fingerprint(place / "nowhere") == ()


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
    (place / "a.yaml").write_text(text("rules"))
    (place / name).write_text(text("rules"))
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
    with pytest.raises(MistakesError) as caught:
        read_documents({"huge.yaml": bytes(10 << 20)})
    assert caught.value.mistakes == said


def test_files_that_are_too_much_together() -> None:
    half = b"#" * (LARGEST_FOLDER // 2)
    with pytest.raises(MistakesError) as caught:
        read_documents({"a.yaml": half, "b.yaml": half, "c.yaml": b"...\n"})
    assert caught.value.mistakes == ("c.yaml:1:1 the files have 2097156 bytes together, at most 2097152 are read",)


def test_files_of_too_many_words_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without that the store could not name the rules of what is in force here."""
    monkeypatch.setattr(of_language, "MOST_NODES", 11)  # the real bound is 100,000
    file = b"rules: [{id: a}, b]\n...\n"  # seven
    assert read_documents({"a.yaml": file}).whole
    with pytest.raises(MistakesError) as caught:
        read_documents({"a.yaml": file, "b.yaml": file})
    assert caught.value.mistakes == (
        "b.yaml:1:1 the files have 14 words, lists and tables together, at most 11 are read",
    )


def test_a_file_that_grows_while_it_is_read(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = place / "a.yaml"
    path.write_text(text("rules"))
    small = path.stat()
    path.write_bytes(b"#" * (LARGEST + 1))
    real = Path.stat
    # It grew after it had been looked at: no test can come in between.
    monkeypatch.setattr(Path, "stat", lambda self, **more: small if self.name == path.name else real(self, **more))
    assert wrong(place) == ("a.yaml:1:1 the file has 1048577 bytes, at most 1048576 are read, split it",)


def test_too_many_files(place: Path) -> None:
    for number in range(101):
        (place / f"{number}.yaml").write_text("")
    assert wrong(place) == (f"{place} holds 101 policy files, at most 100 are read, join some",)


def test_a_file_replaced_while_another_is_read_is_read_again(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "a.yaml").write_text(text("old"))
    (place / "b.yaml").write_text("schema: 1\n...\n")
    save_during_reads(place, monkeypatch, text("new"))
    assert read_files(place, "policy")["a.yaml"] == text("new").encode()


def test_a_file_that_never_rests_is_read_as_it_is(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read then is whole or refused; the next event or beat reads again."""
    (place / "a.yaml").write_text(text("rules"))
    (place / "b.yaml").write_text("schema: 1\n...\n")
    save_during_reads(place, monkeypatch, *(text("r" * length) for length in range(1, 9)))
    assert read_files(place, "policy")["a.yaml"] == text("rr").encode()


def save_during_reads(place: Path, monkeypatch: pytest.MonkeyPatch, *saves: str) -> None:
    """Somebody saves a.yaml each time that b.yaml is about to be read."""
    real, waiting = of_language._read, list(saves)

    def read(path: Path) -> bytes | str:
        if path.name == "b.yaml" and waiting:
            (place / "a.yaml").write_text(waiting.pop(0))
        return real(path)

    monkeypatch.setattr(of_language, "_read", read)  # another program writes just then


def test_of_files_that_lie_in_no_folder_those_with_a_name_that_is_read_are_taken() -> None:
    given = {"a.yaml": b"a", ".b.yaml": b"b", "c.md": b"c"}
    assert only_read(given, "policy") == {"a.yaml": b"a"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "there is no policy"),
        ({"c.md": b""}, "there is no policy"),
        ({"a.yaml": b"", "b.YAML": b""}, r"b\.YAML:1:1"),
        ({"b.yml.txt": b""}, r"b\.yml\.txt:1:1"),
        ({f"{number}.yaml": b"" for number in range(MOST_FILES + 1)}, f"at most {MOST_FILES} are read"),
    ],
)
def test_and_none_is_passed_over_silently_there_either(given: dict[str, bytes], said: str) -> None:
    with pytest.raises(MistakesError) as caught:
        only_read(given, "policy")
    assert len(caught.value.mistakes) == 1
    assert re.search(said, caught.value.mistakes[0])
