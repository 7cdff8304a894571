"""What scripts/setup installs is what pyproject.toml asks for, with a hash for everything and no registry named."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
EXTRAS = {
    "agent": ["agent"], "store": ["store"], "review": ["store", "review"], "speech": ["store", "review", "speech"],
    "dev": ["agent", "store", "review", "speech", "dev"], "build": ["build"], "release": ["build", "release"],
}  # fmt: skip


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(lock: str) -> set[tuple[str, str]]:
    """(name, version) of every package in requirements/<lock>.txt; numpy has one version for each Python."""
    lines = (ROOT / "requirements" / f"{lock}.txt").read_text("utf-8").splitlines()
    package = re.compile(r"([a-z0-9][a-z0-9.-]*)(?:\[[a-z0-9,-]+\])?==([^ ;\\]+)")
    return {(m[1], m[2]) for line in lines if (m := package.match(line))}


def names(lock: str) -> set[str]:
    return {name for name, _ in locked(lock)}


def asked_for(extras: list[str]) -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [*project["dependencies"], *(line for extra in extras for line in project["optional-dependencies"][extra])]
    return {canonical(m[0]) for line in wanted if (m := re.match(r"[A-Za-z0-9._-]+", line))}


@pytest.mark.parametrize("lock", EXTRAS)
def test_everything_asked_for_is_locked(lock: str) -> None:
    assert asked_for(EXTRAS[lock]) <= names(lock), "scripts/lock writes the locks anew"


@pytest.mark.parametrize("lock", EXTRAS)
def test_every_package_has_a_hash_and_no_registry_is_named(lock: str) -> None:
    text = (ROOT / "requirements" / f"{lock}.txt").read_text("utf-8")
    entries = re.split(r"(?m)^(?=[a-z0-9])", text)[1:]
    assert len(entries) == len(locked(lock))
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text
    assert "index-url" not in text


@pytest.mark.parametrize("lock", ["agent", "store", "review", "speech", "build"])
def test_what_is_installed_is_what_was_tested(lock: str) -> None:
    assert locked(lock) <= locked("dev")


def test_an_extra_that_a_package_asks_for_is_locked_as_one() -> None:
    """pip takes `coverage[toml]` for another requirement than `coverage`, and wants a hash of its newest release."""
    text = (ROOT / "requirements" / "dev.txt").read_text("utf-8")
    assert re.search(r"(?m)^coverage\[toml\]==", text), "pytest-cov asks for coverage[toml]"


def test_nothing_for_macos_is_locked() -> None:
    """pyobjc brings markers on which Debian 13's pip dies; macOS wants a lock of its own."""
    assert not [name for name in names("dev") if name.startswith("pyobjc")]
