"""What a drain of one user reports may have been written by that user: nothing in it may stop the others' drain."""

from __future__ import annotations

import json

import pytest

from agent.drain import MAX_REPORT, DrainReport, DrainState

HONEST = {"state": "drained", "sent": 1, "waiting_chunks": 0, "waiting_bytes": 0, "troubles": []}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "[" * (MAX_REPORT - 1),
        json.dumps(HONEST).replace('"sent": 1', '"sent": 1e400'),
        json.dumps(HONEST | {"sent": "1"}),
        json.dumps(HONEST | {"state": "happy"}),
    ],
    ids=["nothing", "a list", "deep", "without end", "a word", "no state"],
)
def test_what_is_no_report_is_said_to_be_none(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - json has words of its own
        DrainReport.parse(text)


def test_an_honest_report_is_read() -> None:
    assert DrainReport.parse(json.dumps(HONEST)) == DrainReport(DrainState.DRAINED, sent=1)
