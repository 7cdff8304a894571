"""The other machine: it signs what continues what it signed last, and refuses by name what does not."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from review.audit.cosigning import bring_back, cosign_log
from review.audit.notes import Checkpoint, KeyType, Signer, verify
from review.audit.verify import VerifyOptions, verify_log
from tests.review.audit.making import SIGNER, new_log, opening
from tests.review.audit.test_log import code
from tests.review.audit.test_verify import COUNCIL, endless, pipe, rewritten

AUDITOR = Signer.of("auditor.example.com", Ed25519PrivateKey.from_private_bytes(bytes(31) + b"\1"), KeyType.COSIGNER)


def cosigned(folder: Path, last: Path, by: Signer = COUNCIL) -> tuple[int, int | None]:
    note, before = cosign_log(folder, SIGNER.key, by, last, 1_900_000_000)
    assert verify(note, by.key) == 1_900_000_000
    return Checkpoint.parse(note.text).size, before


@settings(max_examples=15)  # each writes a log
@given(first=st.integers(0, 300), more=st.integers(0, 300))
def test_it_signs_whatever_continues(tmp_path_factory: pytest.TempPathFactory, first: int, more: int) -> None:
    folder = tmp_path_factory.mktemp("audit")
    log = new_log(folder / "log")
    for count, before in ((first, None), (more, first)):
        log.append_all([opening(number) for number in range(count)])
        log.publish()
        copy = Path(shutil.copytree(folder / "log", folder / f"copy{before}"))
        assert cosigned(copy, folder / "council.note") == (count + (before or 0), before)


def test_it_refuses_a_fork_a_cut_and_another_log(tmp_path: Path) -> None:
    log, last = new_log(tmp_path / "log"), tmp_path / "council.note"
    log.append_all([opening(number) for number in range(20)])
    log.publish()
    cosigned(tmp_path / "log", last)
    kept = last.read_bytes()
    for name, entries, wanted in (("fork", 30, "forked"), ("same", 20, "forked"), ("cut", 19, "cut")):
        rewritten(tmp_path / name, entries=entries)
        assert code(cosigned, tmp_path / name, last) == wanted
    rewritten(tmp_path / "other", entries=30, origin="another.example.com")
    assert code(cosigned, tmp_path / "other", last) == "other-log"
    (tmp_path / "log/checkpoint").unlink()
    assert code(cosigned, tmp_path / "log", last) == "no-checkpoint"
    assert last.read_bytes() == kept


def test_it_refuses_tiles_that_are_not_those_of_the_checkpoint(tmp_path: Path) -> None:
    log, last = new_log(tmp_path / "log"), tmp_path / "council.note"
    log.append_all([opening(number) for number in range(300)])
    log.publish()
    cosigned(tmp_path / "log", last)
    tile = tmp_path / "log/tile/0/001.p/44"
    whole = tile.read_bytes()
    tile.write_bytes(bytes(len(whole)))
    assert code(cosigned, tmp_path / "log", last) == "changed"
    tile.write_bytes(whole[:-1])
    assert code(cosigned, tmp_path / "log", last) == "tile-missing"
    (tmp_path / "log/tile/0/001").write_bytes(whole + bytes(8192 - len(whole)))  # the full one comes in its place
    assert cosigned(tmp_path / "log", last) == (300, 300)


def test_what_it_signed_last_must_be_its_own(tmp_path: Path) -> None:
    log, last = new_log(tmp_path / "log"), tmp_path / "council.note"
    log.publish()
    cosigned(tmp_path / "log", last)
    assert code(cosigned, tmp_path / "log", last, AUDITOR) == "not-signed"


def test_cosigned_checkpoints_come_back(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    log = new_log(folder)
    log.append(opening(0))
    log.publish()
    cosigned(folder, tmp_path / "old.note")
    shutil.copy(tmp_path / "old.note", tmp_path / "council.note")
    log.append(opening(1))
    log.publish()
    cosigned(folder, tmp_path / "council.note")
    cosigned(folder, tmp_path / "auditor.note", AUDITOR)
    for name in ("old", "council", "auditor", "council"):
        assert bring_back(folder, SIGNER.key, (tmp_path / f"{name}.note").read_bytes()).size in {1, 2}
    for by in (COUNCIL, AUDITOR):  # two of one checkpoint stand in one note
        report = verify_log(folder, VerifyOptions(SIGNER.key, cosigner=by.key))
        assert report.findings == []
        assert report.cosigned == {"by": by.key.name, "size": 2, "seconds": 1_900_000_000}
    assert code(bring_back, folder, SIGNER.key, (tmp_path / "old.note").read_bytes()) == "older"
    rewritten(tmp_path / "fork", entries=2)
    (tmp_path / "fork.note").unlink(missing_ok=True)
    cosigned(tmp_path / "fork", tmp_path / "fork.note")
    assert code(bring_back, folder, SIGNER.key, (tmp_path / "fork.note").read_bytes()) == "forked"


@pytest.mark.parametrize("spoil", [pipe, endless])
@pytest.mark.parametrize(("name", "wanted"), [("checkpoint", "no-checkpoint"), ("tile/0/001.p/44", "tile-missing")])
def test_a_pipe_or_an_endless_file_is_no_file(
    tmp_path: Path, spoil: Callable[[Path], None], name: str, wanted: str
) -> None:
    log = new_log(tmp_path / "log")
    log.append_all([opening(number) for number in range(300)])
    log.publish()
    spoil(tmp_path / "log" / name)
    assert code(cosigned, tmp_path / "log", tmp_path / "council.note") == wanted
