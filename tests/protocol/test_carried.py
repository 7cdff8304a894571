"""The governance files beside a bundle: as they were signed, to the byte, or refused."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.carried import MAX_SIZE, carried, read_carried, split
from protocol.errors import BundleError
from protocol.language.folder import LARGEST_FOLDER, MOST_FILES
from protocol.policyhash import policy_hash

FILES = {"roles.yaml": b"schema: 1\n...\n", "leute.yaml": "é\x00\t\n".encode()}
NAMES = st.from_regex(r"[a-zé -]{1,8}\.yaml", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
FOLDERS = st.dictionaries(NAMES, TEXTS.map(str.encode), min_size=1, max_size=4)


def code_of(text: str, files: Mapping[str, bytes] = FILES) -> str:
    with pytest.raises(BundleError) as refused:
        read_carried(text, policy_hash(files))
    return refused.value.code


def saying(**fields: object) -> str:
    return json.dumps({"v": 1, "files": {name: content.decode() for name, content in FILES.items()}, **fields})


@given(FOLDERS)
def test_round_trip(files: dict[str, bytes]) -> None:
    text = carried(files)
    assert text.isascii()
    assert "\n" not in text
    assert read_carried(text, policy_hash(files)) == files


@given(FOLDERS, FOLDERS)
def test_other_files_than_the_signed_ones_are_refused(files: dict[str, bytes], signed: dict[str, bytes]) -> None:
    if files != signed:
        assert code_of(carried(files), signed) == "wrong-governance"


@given(st.text(max_size=60))
def test_what_is_no_such_text_is_refused_in_words(text: str) -> None:
    assert code_of(text) in {"malformed", "bad-field"}


@given(st.data())
def test_a_changed_character_is_never_taken_for_other_files(data: st.DataObject) -> None:
    text = carried(FILES)
    at = data.draw(st.integers(0, len(text) - 1))
    changed = text[:at] + data.draw(st.characters(max_codepoint=126)) + text[at + 1 :]
    try:
        assert read_carried(changed, policy_hash(FILES)) == FILES
    except BundleError as error:
        assert error.code in {"malformed", "bad-field", "bad-name", "unknown-version", "wrong-governance"}  # noqa: PT017


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "malformed"),
        ("[]", "malformed"),
        (saying() + saying(), "malformed"),
        ('{"files": {}, "files": {}}', "malformed"),
        ('{"files": {"a.yaml": "\\ud800"}}', "malformed"),
        ('{"files": {"a.yaml": "é"}}', "malformed"),
        (saying(v=2), "unknown-version"),
        (saying(crit=["later"], later=1), "unknown-critical"),
        (saying(files=[]), "bad-field"),
        (saying(files={}), "bad-field"),
        (saying(files={"a.yaml": 1}), "bad-field"),
        (saying(files={"../a.yaml": ""}), "bad-name"),
        (saying(files={f"{n}.yaml": "" for n in range(MOST_FILES + 1)}), "oversized"),
        (saying(files={"a.yaml": "x" * (LARGEST_FOLDER + 1)}), "oversized"),
        (" " * (MAX_SIZE + 1), "oversized"),
    ],
)
def test_a_mistake_has_a_code_of_its_own(text: str, code: str) -> None:
    assert code_of(text) == code


def test_what_a_later_version_adds_is_ignored() -> None:
    assert read_carried(saying(later=1), policy_hash(FILES)) == FILES


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".yaml",
        ".a.yaml",
        "..",
        "a.yml",
        "a.yaml\n",
        "/etc/a.yaml",
        "..\\a.yaml",
        "C:a.yaml",
        "a\0.yaml",
        "\x85.yaml",
        "\udcff.yaml",
        "é" * 126 + ".yaml",
    ],
)
def test_a_name_that_is_no_plain_files_is_neither_written_nor_read(name: str) -> None:
    with pytest.raises(BundleError) as refused:
        carried({name: b""})
    assert refused.value.code == "bad-name"
    if name.isprintable():
        assert code_of(saying(files={name: ""})) == "bad-name"


def test_the_longest_name_is_taken() -> None:
    files = {"é" * 125 + ".yaml": b""}
    assert read_carried(carried(files), policy_hash(files)) == files


def test_what_is_too_large_or_no_text_is_not_written() -> None:
    for files, code in (
        ({}, "bad-field"),
        ({"a.yaml": b"\xff"}, "bad-field"),
        ({f"{n}.yaml": b"" for n in range(MOST_FILES + 1)}, "oversized"),
        ({"a.yaml": bytes(LARGEST_FOLDER), "b.yaml": b"x"}, "oversized"),
    ):
        with pytest.raises(BundleError) as refused:
            carried(files)
        assert refused.value.code == code


def test_the_largest_is_read_back() -> None:
    """Of the bytes that JSON makes the most of."""
    files = {"a.yaml": bytes(LARGEST_FOLDER)}
    text = carried(files)
    assert len(text) <= MAX_SIZE
    assert read_carried(text, policy_hash(files)) == files


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ("", "")),
        ("a.b.c", ("a.b.c", "")),
        ("a.b.c\n", ("a.b.c", "")),
        ("a.b.c\r\n{}\r\n", ("a.b.c", "{}")),
        ("a\n{}\nmore\n", ("a", "{}\nmore")),
    ],
)
def test_a_bundles_file_is_a_token_and_what_it_carries(text: str, parts: tuple[str, str]) -> None:
    assert split(text) == parts
