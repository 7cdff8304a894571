"""What a log says is what was signed: a changed entry, and a body that was lost without shredding, are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from review.audit import journal
from review.audit.bodies import bodies
from review.audit.log import AuditLog
from tests.review.audit.making import DAY, KEY, SIGNER, Clock, new_log, opening, overwrite, unsay
from tests.review.audit.test_log import YEAR, code


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two full blocks, and what follows."""
    new_log(tmp_path / "log").append_all([opening(number) for number in range(600)])
    return tmp_path / "log"


def said(folder: Path, first: int = 0) -> list[int]:
    return [one.position for one in bodies(folder, SIGNER.key, KEY, first) if one.said]


@pytest.mark.parametrize("position", [0, 255, 256, 599])
def test_a_changed_entry_is_refused_and_nothing_of_its_block_is_said(folder: Path, position: int) -> None:
    assert said(folder) == list(range(600))
    unsay(folder, position)
    assert code(said, folder) == "damaged"
    given = journal.groups(folder, SIGNER.key)
    before = position // 256 * 256
    assert [one.position for _ in range(before // 256) for one in next(given).entries] == list(range(before))
    assert code(next, given) == "damaged"


def test_what_is_before_is_held_against_the_same_checkpoint_by_its_tiles(folder: Path) -> None:
    assert said(folder, 520) == list(range(520, 600))
    tile = folder / "tile/0/000"
    tile.write_bytes(bytes(32) + tile.read_bytes()[32:])
    assert code(said, folder, 520) == "damaged"


def test_a_checkpoint_of_no_key_or_another_size_vouches_for_nothing(folder: Path) -> None:
    path = journal.block_path(folder, 1)
    found = list(journal.records(path.read_bytes()))
    last = found[-1]
    note = last.raw.replace(b"\xe2\x80\x94 review", b"\xe2\x80\x94 revieu")
    path.write_bytes(path.read_bytes()[: last.offset] + journal.signed_record(note))
    assert code(said, folder) == "not-signed"
    path.write_bytes(path.read_bytes()[: last.offset] + journal.signed_record(found[64].raw))
    assert code(said, folder) == "damaged"


def test_a_body_is_silent_only_where_the_log_says_so_itself(tmp_path: Path) -> None:
    clock, folder = Clock(), tmp_path / "log"
    log = new_log(folder, clock)
    log.append_all([opening(number) for number in range(300)])
    clock.now += 400 * DAY
    log.append(opening(300))
    log.shred(log.to_shred(YEAR)[:299], YEAR)
    assert [one.position for one in bodies(folder, SIGNER.key, KEY)] == list(range(301))
    assert said(folder) == [299, 300]
    overwrite(folder, 299)
    assert code(said, folder) == "body-changed"
    AuditLog(folder, SIGNER, KEY, clock=clock).append(opening(302))
    assert said(folder, 300) == [300, 302]
