"""Whether what should happen is seen to happen: by seals and receipts, each with its time."""

from __future__ import annotations

import pytest

from agent.core.evidence import RECEIPT_WITHIN, RECEIPT_WITHIN_LIMIT, SLACK, Evidence, Promise

PROMISE = Promise(sealed=90, receipt=40)


@pytest.mark.parametrize(
    ("open_since", "sealed_at", "now", "stalled"),
    [
        (None, None, 1000, False),  # closed: nothing should be sealed
        (None, 5, 1000, False),
        (100, None, 190, False),
        (100, None, 191, True),
        (100, 5, 190, False),  # sealed before it opened: the chunk now open has its time still
        (100, 5, 191, True),
        (100, 150, 240, False),
        (100, 150, 241, True),
    ],
)
def test_an_open_eye_must_seal(open_since: int | None, sealed_at: int | None, now: int, stalled: bool) -> None:
    assert Evidence(open_since=open_since, sealed_at=sealed_at).stalled(PROMISE, now) is stalled


@pytest.mark.parametrize(
    ("waiting_since", "receipt_at", "now", "unheard"),
    [
        (None, None, 1000, None),
        (None, 5, 1000, None),  # nothing waits: nothing can be missed
        (100, None, 140, None),
        (100, None, 141, 41),
        (100, 5, 141, 41),
        (100, 130, 170, None),  # much waits, but it moves
        (100, 130, 171, 41),
    ],
)
def test_what_waits_must_be_receipted(
    waiting_since: int | None, receipt_at: int | None, now: int, unheard: int | None
) -> None:
    assert Evidence(waiting_since=waiting_since, receipt_at=receipt_at).unheard(PROMISE, now) == unheard


def test_the_promise_follows_from_the_settings() -> None:
    assert Promise.of(40, 39) == Promise(79 + SLACK, RECEIPT_WITHIN)
    assert Promise.of(40, 39, limited=True).receipt == RECEIPT_WITHIN_LIMIT
