"""Recall on the held-out family and the cost on calls without personal data; all figures: `python -m
testkit.transcripts` (docs/analysis.md)."""

from __future__ import annotations

import pytest

from testkit.transcripts.__main__ import masked
from testkit.transcripts.calls import EACH, HELD_OUT, TUNING, calls, digest, family, harmless
from testkit.transcripts.score import rows, share

# Of every word, time and truth, as it was before the first rule was written.
FROZEN = "e757700059c538d6775f51c1fd11459821344a774ef041145c598c7d44850edb"
BOUND = ("card", "iban", "cvv")


@pytest.mark.slow(reason="every word of 3,300 calls is made and hashed")
def test_the_held_out_family_is_the_frozen_one() -> None:
    assert digest(HELD_OUT) == FROZEN


@pytest.mark.slow(reason="at least 100 calls of each kind and language")
@pytest.mark.parametrize("kind", BOUND)
def test_recall_of_what_must_be_found(kind: str) -> None:
    found = rows(calls(HELD_OUT, kinds=(kind,)), masked)
    assert {language for _, language in found} == {"de", "en"}
    assert EACH >= 100
    for row in found.values():
        assert row.asked.of + row.unasked.of >= EACH
        assert row.recall >= 0.95
        assert min(row.asked.share, row.unasked.share, row.repeated.share) >= 0.9


@pytest.mark.parametrize("name", [TUNING, HELD_OUT])
def test_calls_without_personal_data_stay_audible(name: str) -> None:
    assert share(harmless(name), masked, of_words=True) <= 0.15


def test_the_families_share_no_value_and_no_line() -> None:
    ours, held = family(TUNING), family(HELD_OUT)
    for language in ours:
        for key in ("first", "last", "street", "city", "repeat"):
            assert not set(ours[language][key]) & set(held[language][key]), key
        for kind, lines in ours[language]["kinds"].items():
            for part in ("ask", "unasked"):
                assert not set(lines[part]) & set(held[language]["kinds"][kind][part]), kind
