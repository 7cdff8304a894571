"""A real recording exported as a case: what is in it, what it opens, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from review import cli
from tests.review.cases.conftest import Archive, said


def test_a_case_verifies_and_says_what_it_proves(
    archive: Archive, exported: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert cli.main(archive.verify(exported)) == 0
    facts = said(capsys)
    print(json.dumps(facts, indent=1))
    assert facts["sound"]
    assert facts["title"] == "Complaint 4711"
    one, other = facts["recordings"]
    assert (one["recording"], other["recording"]) == archive.ids
