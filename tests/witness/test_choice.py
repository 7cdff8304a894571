"""Which policy counts: what compliance signed, else the folder, and since when."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.core.language.change import InForce
from agent.errors import EnvironmentFault
from agent.state.in_force import NAME, recall, remember, since
from agent.witness.choice import Choice, Kind, Signed, choose, foretell
from agent.witness.policies import parse_files


def text(revision: int, rule: str = "till") -> str:
    return f"schema: 1\nrevision: {revision}\nname: n\nrules:\n  - {{ id: {rule}, why: w, any: [app: [x]] }}\n...\n"


def signed(content: str) -> Signed:
    return Signed({"a.yaml": content.encode()}, 7, "compliance", 0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "policies"
    made.mkdir()
    return made


def test_what_is_signed_counts_whatever_lies_in_the_folder(folder: Path) -> None:
    (folder / "a.yaml").write_text(text(9))
    assert Choice(folder, None).files() == {"a.yaml": text(9).encode()}
    assert Choice(folder, signed(text(2))).files() == {"a.yaml": text(2).encode()}


@pytest.mark.parametrize(
    ("content", "kind", "revision"),
    [
        (None, Kind.NOTHING, None),
        (text(5), Kind.SAME, 5),
        (text(4), Kind.OLDER, 4),
        (text(5, "other"), Kind.ANOTHER, 5),
        (text(6), Kind.ANOTHER, 6),
        ("half a file", Kind.ANOTHER, None),
    ],
)
def test_what_lies_beside_a_signed_policy(folder: Path, content: str | None, kind: Kind, revision: int | None) -> None:
    if content is not None:
        (folder / "a.yaml").write_text(content)
    beside = Choice(folder, signed(text(5))).beside()
    assert (beside.kind, beside.revision) == (kind, revision)
    assert Choice(folder, None).beside().kind is Kind.NOTHING


def test_beside_a_signed_policy_with_mistakes_any_other_is_another(folder: Path) -> None:
    (folder / "a.yaml").write_text(text(1))
    assert Choice(folder, signed("schema: 1\n")).beside().kind is Kind.ANOTHER


def test_without_keys_the_folder_counts_and_with_damaged_ones_nobody_can_say(tmp_path: Path, folder: Path) -> None:
    assert choose(tmp_path, folder).signed is None
    (tmp_path / "identity.json").write_text("{")
    (tmp_path / "identity.json").chmod(0o600)
    with pytest.raises(EnvironmentFault, match="damaged"):
        choose(tmp_path, folder)


def test_what_would_be_in_force_and_since_when(tmp_path: Path, folder: Path) -> None:
    (folder / "a.yaml").write_text(text(3))
    foretold = foretell(tmp_path, folder)
    assert foretold.policy is not None
    assert (foretold.policy.revision, foretold.since, foretold.refused, foretold.mistakes) == (3, None, (), ())
    remember(tmp_path, InForce.of(foretold.policy), 17)
    assert foretell(tmp_path, folder).since == 17
    (folder / "a.yaml").write_text(text(2))
    foretold = foretell(tmp_path, folder)
    assert "older than 3" in foretold.refused[0]
    assert foretold.since is None
    (folder / "a.yaml").write_text("schema: 1\n")
    assert foretell(tmp_path, folder).policy is None


def test_how_long_it_has_been_in_force_outlives_a_restart(tmp_path: Path) -> None:
    first, second = (InForce.of(parse_files({"a.yaml": text(revision).encode()})) for revision in (1, 2))
    assert since(tmp_path) is None
    remember(tmp_path, first, 10)
    remember(tmp_path, first, 20)
    assert (since(tmp_path), recall(tmp_path)) == (10, first)
    remember(tmp_path, second, 30)
    assert since(tmp_path) == 30
    (tmp_path / NAME).write_text("{")
    assert since(tmp_path) is None
    remember(tmp_path, second, 40)  # a damaged memory stops the start; what is in force is noted all the same
    assert (since(tmp_path), recall(tmp_path)) == (40, second)
    (tmp_path / NAME).write_text('{"revision": 2, "hash": "x", "rules": []}')  # of a version that did not note it
    assert since(tmp_path) is None
