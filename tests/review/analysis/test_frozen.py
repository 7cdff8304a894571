"""The held-out family is the one that was frozen before any rule was written: its words, times and truth."""

from __future__ import annotations

from testkit.transcripts.calls import HELD_OUT, digest

FROZEN = "e757700059c538d6775f51c1fd11459821344a774ef041145c598c7d44850edb"


def test_the_held_out_family_is_the_frozen_one() -> None:
    assert digest(HELD_OUT) == FROZEN
