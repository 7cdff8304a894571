"""Private keys at rest: unreadable without the passphrase, unchangeable with any, and never overwritten."""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from protocol import keyfile
from protocol.errors import KeyProblem
from protocol.keyfile import PrivateKey, load_private, save_private

RAW = bytes(range(32))
CHEAP = 10  # log2 of scrypt's n: a test need not be slow


@pytest.fixture
def path(tmp_path: Path) -> Path:
    saved = tmp_path / "auditor.key"
    save_private(saved, "recipient", RAW, b"open sesame", cost=CHEAP)
    return saved


def code_of(path: Path, passphrase: bytes = b"open sesame") -> str:
    with pytest.raises(KeyProblem) as refused:
        load_private(path, passphrase)
    return refused.value.code


def test_round_trip(path: Path) -> None:
    assert load_private(path, b"open sesame") == PrivateKey("recipient", RAW)


def test_the_price_of_guessing_is_high_by_default(tmp_path: Path) -> None:
    save_private(tmp_path / "k", "store", RAW, b"p")
    assert json.loads((tmp_path / "k").read_text())["cost"] == 17
    assert load_private(tmp_path / "k", b"p").raw == RAW


def test_nobody_else_reads_it_and_the_key_is_not_in_it(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_bytes()
    assert RAW not in text
    assert RAW.hex().encode() not in text


def test_another_passphrase(path: Path) -> None:
    assert code_of(path, b"open sesame ") == "wrong-passphrase"


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("kind", "store", "wrong-passphrase"),
        ("cost", CHEAP + 1, "wrong-passphrase"),
        ("salt", "A" * 22, "wrong-passphrase"),
        ("nonce", "A" * 16, "wrong-passphrase"),
        ("sealed", "A" * 64, "wrong-passphrase"),
        ("sealed", "", "wrong-passphrase"),
        ("salt", "AAAA", "bad-key-file"),
        ("nonce", 7, "bad-key-file"),
        ("cost", 21, "bad-key-file"),
        ("cost", 0, "bad-key-file"),
        ("format", "eyelid-private-key-2", "bad-key-file"),
    ],
)
def test_a_changed_file_is_refused(path: Path, name: str, value: object, code: str) -> None:
    fields: dict[str, Any] = json.loads(path.read_text())
    assert fields[name] != value
    path.write_text(json.dumps({**fields, name: value}))
    assert code_of(path) == code


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b" " * 100_000], ids=["empty", "cut", "binary", "large"])
def test_another_file_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert code_of(path) == "bad-key-file"


def test_the_largest_file_is_read_and_one_byte_more_is_not(path: Path) -> None:
    path.write_bytes(path.read_bytes().ljust(64 * 2**10))
    assert load_private(path, b"open sesame").raw == RAW
    path.write_bytes(path.read_bytes() + b" ")
    assert code_of(path) == "bad-key-file"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert code_of(tmp_path / "nowhere") == "not-found"


@pytest.mark.parametrize(
    ("kind", "passphrase", "code"),
    [("Recipient", b"p", "bad-kind"), ("", b"p", "bad-kind"), ("store", b"", "no-passphrase")],
)
def test_what_is_not_stored(tmp_path: Path, kind: str, passphrase: bytes, code: str) -> None:
    with pytest.raises(KeyProblem) as refused:
        save_private(tmp_path / "k", kind, RAW, passphrase, cost=CHEAP)
    assert refused.value.code == code
    assert not (tmp_path / "k").exists()


def test_a_key_is_never_overwritten(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(KeyProblem) as refused:
        save_private(path, "recipient", RAW, b"other", cost=CHEAP)
    assert refused.value.code == "exists"
    assert path.read_bytes() == before


def test_a_full_disk_leaves_no_half_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="no space left"):
            save_private(tmp_path / "k", "store", RAW, b"p", cost=CHEAP)
    assert list(tmp_path.iterdir()) == []
    save_private(tmp_path / "k", "store", RAW, b"p", cost=CHEAP)


def test_the_name_is_made_durable_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[bool] = []
    real = os.fsync

    def watched(descriptor: int) -> None:
        synced.append(stat.S_ISDIR(os.fstat(descriptor).st_mode))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    save_private(tmp_path / "k", "store", RAW, b"p", cost=CHEAP)
    assert synced == [False, True]


def test_where_folders_cannot_be_opened_the_file_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows."""
    monkeypatch.setattr("protocol.folder.ON_WINDOWS", True)
    save_private(tmp_path / "k", "store", RAW, b"p", cost=CHEAP)
    assert load_private(tmp_path / "k", b"p").raw == RAW


def test_the_key_does_not_show() -> None:
    assert repr(PrivateKey("store", b"secret bytes")) == "PrivateKey(kind='store')"
    assert keyfile.COST == 17
