"""A policy folder that a test follows, files to put into it, and what it has told so far."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.core.language.change import InForce
from agent.core.model.rules import Policy
from agent.witness.choice import Signed
from agent.witness.policy_folder import PolicyFolder
from protocol.language.folder import Files
from protocol.policyhash import policy_hash

DEADLINE = 10.0  # seconds; what is awaited comes within one, unless the machine is very busy


def text(revision: int, *rules: str) -> str:
    """A whole policy file."""
    listed = "".join(f"  - {{ id: {rule}, why: w, any: [app: [{rule}]] }}\n" for rule in rules or ("till",))
    return f"schema: 1\nrevision: {revision}\nname: Test\nrules:\n{listed}...\n"


class Reports:
    """What the folder has told so far; `next` awaits what it tells next."""

    def __init__(self) -> None:
        self._said: queue.Queue[tuple[str, object]] = queue.Queue()
        self.files: dict[str, bytes] = {}

    def on_policy(self, policy: Policy, files: Files) -> None:
        assert policy.hash == policy_hash(files)
        self._said.put(("policy", policy.revision))

    def on_mistakes(self, mistakes: tuple[str, ...]) -> None:
        self._said.put(("mistakes", mistakes))

    def on_vanished(self, rules: tuple[str, ...]) -> None:
        self._said.put(("vanished", rules))

    def on_disarmed(self, rules: tuple[str, ...]) -> None:
        self._said.put(("disarmed", rules))

    def on_unsigned(self, there: bool) -> None:
        self._said.put(("unsigned", there))

    def on_unguarded(self, so: bool) -> None:
        self._said.put(("unguarded", so))

    def next(self) -> tuple[str, object]:
        return self._said.get(timeout=DEADLINE)

    def nothing_more(self) -> bool:
        return self._said.empty()


@pytest.fixture
def told() -> Reports:
    return Reports()


@pytest.fixture
def follow(tmp_path: Path, told: Reports) -> Iterator[Callable[..., PolicyFolder]]:
    """Begins to follow tmp_path/policies and ends it after the test."""
    folders: list[PolicyFolder] = []

    def begin(
        last: InForce | None = None,
        beat: float = 3600.0,
        signed: Callable[[], Files] = dict,
        uid: int = 0,
        pinned: bool = True,
    ) -> PolicyFolder:
        folder = PolicyFolder(
            tmp_path / "policies",
            on_policy=told.on_policy,
            on_mistakes=told.on_mistakes,
            on_vanished=told.on_vanished,
            on_disarmed=told.on_disarmed,
            last=last,
            signed=lambda: Signed(files, 1, "compliance", 0) if (files := signed()) else None,
            on_unsigned=told.on_unsigned,
            uid=uid,
            pinned=pinned,
            on_unguarded=told.on_unguarded,
            beat=beat,
        )
        folders.append(folder)
        folder.start()
        return folder

    yield begin
    for folder in folders:
        folder.close()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    place = tmp_path / "policies"
    place.mkdir()
    return place
