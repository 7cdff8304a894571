"""What a browser is given cannot be read, changed, or used as something else; and the key's file is checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from review.people.sealing import Sealer
from store.errors import StoreError


def test_only_what_was_sealed_as_this_opens() -> None:
    sealer = Sealer(bytes(32))
    sealed = sealer.seal("flow", {"state": "x"})
    assert sealer.open("flow", sealed).text("state") == "x"
    assert sealed != sealer.seal("flow", {"state": "x"})
    for what, text, key in [
        ("known", sealed, bytes(32)),
        ("flow", sealed, b"1" * 32),
        ("flow", "", bytes(32)),
        ("flow", sealed[:-1], bytes(32)),
        ("flow", "A" * len(sealed), bytes(32)),
        ("flow", "é", bytes(32)),
    ]:
        with pytest.raises(ValueError):  # noqa: PT011 - of whichever kind
            Sealer(key).open(what, text)


def test_the_keys_file(tmp_path: Path) -> None:
    path = tmp_path / "people.key"
    sealed = Sealer.of(path).seal("flow", {})
    assert path.stat().st_mode & 0o777 == 0o600
    Sealer.of(path).open("flow", sealed)
    path.chmod(0o644)
    with pytest.raises(StoreError, match="chmod 600"):
        Sealer.of(path)
    path.chmod(0o600)
    path.write_bytes(b"short")
    with pytest.raises(StoreError, match="no key"):
        Sealer.of(path)
    with pytest.raises(StoreError, match="cannot be used"):
        Sealer.of(tmp_path / "nowhere" / "people.key")
