"""A single entry: read and shown to others with its proof, and refused when anything of it was changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from review.audit import proofs
from review.audit.errors import AuditError
from review.audit.kinds import SHRED
from review.audit.proofs import SingleEntries
from review.audit.tree import inclusion, leaf_hash, root, root_by, tile_root
from review.cli import main
from tests.review.audit.making import DAY, KEY, SIGNER, Clock, new_log, opening, overwrite, unsay
from tests.review.audit.proofs import is_included


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("log") / "audit"
    log = new_log(made)
    log.append_all([opening(number) for number in range(300)])
    log.state({"kind": "clock", "before": 1, "now": 0})
    log.publish()
    log.append(opening(301))
    return made


@given(st.integers(1, 70), st.data())
def test_a_proof_leads_to_the_root_and_no_other_does(size: int, data: st.DataObject) -> None:
    leaves = [leaf_hash(bytes([one])) for one in range(size)]

    def at(height: int, index: int) -> bytes:
        return tile_root(b"".join(leaves[index << height : index + 1 << height]))

    index, other = data.draw(st.integers(0, size - 1)), data.draw(st.integers(-1, size + 1))
    steps = inclusion(index, size, at)
    assert root_by(leaves[index], index, size, steps) == root(size, at)
    changed = [*steps]
    if changed and data.draw(st.booleans()):
        changed[data.draw(st.integers(0, len(steps) - 1))] = data.draw(st.sampled_from([b"", bytes(32), leaves[0]]))
    led = root_by(leaves[index], other, size, changed)
    assert (led == root(size, at)) == is_included(leaves[index], other, size, changed, root(size, at))


def test_each_entry_is_read_as_it_was_signed(folder: Path) -> None:
    entries = SingleEntries(folder, SIGNER.key)
    assert entries.point.size == 301
    assert [entries.at(one).position for one in (300, 255, 256, 0, 301)] == [300, 255, 256, 0, 301]
    for position in (302, 10**9):
        with pytest.raises(AuditError, match="no entry"):
            entries.at(position)


@pytest.mark.parametrize("position", [0, 17, 255, 256, 299])
def test_an_entry_that_was_changed_is_not_given(tmp_path: Path, position: int) -> None:
    log = new_log(tmp_path)
    log.append_all([opening(number) for number in range(300)])
    log.publish()
    unsay(tmp_path, position)
    entries = SingleEntries(tmp_path, SIGNER.key)
    with pytest.raises(AuditError) as refused:
        entries.at(position)
    assert refused.value.code == "damaged"
    assert entries.at(position - 1 if position else 1)


def proof(folder: Path, position: int) -> dict[str, Any]:
    return proofs.prove(SingleEntries(folder, SIGNER.key), KEY, position)


def checked(proof: dict[str, Any]) -> proofs.Proven:
    return proofs.check(proofs.written(proof).encode(), SIGNER.key)


def test_a_proof_says_what_was_noted_and_when(folder: Path) -> None:
    proven = checked(proof(folder, 17))
    assert (proven.position, proven.said["resource"], proven.point.size) == (17, ["0193a1b2-17"], 301)
    assert checked(proof(folder, 300)).said == {"kind": "clock", "before": 1, "now": 0}
    bare = {name: value for name, value in proof(folder, 17).items() if name not in {"body", "salt"}}
    assert checked(bare).said == {}


CHANGES: dict[str, Any] = {
    "another entry": lambda one, _other: one | {"entry": 18},
    "another's bytes": lambda one, other: one | {"raw": other["raw"]},
    "another's body": lambda one, other: one | {"body": other["body"]},
    "another's salt": lambda one, other: one | {"salt": other["salt"]},
    "a step less": lambda one, _other: one | {"proof": one["proof"][1:]},
    "a step more": lambda one, _other: one | {"proof": [*one["proof"], "00" * 32]},
    "no step": lambda one, _other: one | {"proof": ["zz"]},
    "steps of no list": lambda one, _other: one | {"proof": 5},
    "another size": lambda one, _other: one | {"checkpoint": one["checkpoint"].replace("\n301\n", "\n302\n")},
    "no checkpoint": lambda one, _other: one | {"checkpoint": ""},
    "a field more": lambda one, _other: one | {"more": 1},
    "a field less": lambda one, _other: {name: value for name, value in one.items() if name != "salt"},
    "no number": lambda one, _other: one | {"entry": "17"},
    "a negative one": lambda one, _other: one | {"entry": -1},
    "a body that is none": lambda one, _other: one | {"body": 7},
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_proof_that_was_changed_is_refused(folder: Path, change: str) -> None:
    with pytest.raises(AuditError):
        checked(CHANGES[change](proof(folder, 17), proof(folder, 18)))


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b"{" * 100_000, b" " * (proofs.LARGEST + 1)])
def test_what_is_no_proof_is_refused(content: bytes) -> None:
    with pytest.raises(AuditError) as refused:
        proofs.check(content, SIGNER.key)
    assert refused.value.code == "malformed-proof"


def test_an_entry_without_its_body_is_still_proven(tmp_path: Path) -> None:
    clock = Clock()
    log = new_log(tmp_path / "log", clock)
    log.append(opening())
    clock.now += 400 * DAY
    log.append(opening(1))
    log.shred(log.to_shred(365 * 86_400_000), 365 * 86_400_000)
    log.publish()
    proven = checked(proof(tmp_path / "log", 0))
    assert proven.said == {}
    assert checked(proof(tmp_path / "log", 2)).said["kind"] == SHRED
    overwrite(tmp_path / "log", 1)
    assert checked(proof(tmp_path / "log", 1)).said == {}


def test_the_command_checks_it_with_the_public_key_alone(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "entry.json"
    path.write_text(proofs.written(proof(folder, 17)))
    asked = ["audit", "verify", str(path), "--key", str(SIGNER.key)]
    assert main([*asked, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["sound"], said["entry"], said["said"]["resource"]) == (True, 17, ["0193a1b2-17"])
    assert main(asked) == 0
    assert "entry 17 of" in capsys.readouterr().out
    path.write_text(proofs.written(proof(folder, 17) | {"entry": 16}))
    assert main(asked) == 1
    assert "not in the log" in capsys.readouterr().err
    assert main([*asked, "--noted", str(path)]) == 2
