"""What must stay small: the proof, which a person has to read whole to believe it, and the benches."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize(("folder", "most"), [("agent/core/proof", 1_500), ("bench", 9_000)])
def test_a_part_that_was_promised_small_is(folder: str, most: int) -> None:
    files = [*(ROOT / folder).glob("*.py")]
    assert files
    assert sum(len(file.read_text("utf-8").splitlines()) for file in files) <= most
