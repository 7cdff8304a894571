"""What a start after a death knows of where its recordings end, from the account, the spool and the receipts."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agent.core.account.last_heads import farthest, unfinished

A, B = "recording-a", "recording-b"
OPEN_A: dict[str, Any] = {"kind": "recording-open", "recording": A}
OPEN_B: dict[str, Any] = {"kind": "recording-open", "recording": B}


def heads(recording: str, **told: Any) -> dict[str, Any]:
    return {"kind": "heads", "recording": recording, "heads": {"0": [3, "ab"], "32768": [7, "cd"]}, **told}


def test_what_was_opened_and_not_closed_is_unfinished_with_its_last_heads() -> None:
    start, closed = {"kind": "start"}, {"kind": "recording-closed", "recording": A}
    assert unfinished([start, OPEN_A]) == {A: {}}
    assert unfinished([start, OPEN_A, heads(A)]) == {A: {0: (3, "ab"), 32768: (7, "cd")}}
    assert unfinished([start, OPEN_A, heads(A), closed]) == {}
    assert unfinished([start, OPEN_A, OPEN_B, closed]) == {B: {}}
    assert unfinished([start, OPEN_A, heads(B), {"kind": "given-up", "recording": A}]) == {A: {}}


def test_it_is_told_once_and_not_of_a_run_that_ended_in_order() -> None:
    assert unfinished([OPEN_A, {"kind": "blind-since"}, heads(A, final=True)]) == {}
    assert unfinished([OPEN_A, {"kind": "stop"}]) == {}


ENDS = st.dictionaries(st.integers(0, 3), st.tuples(st.integers(1, 5), st.text("ab", min_size=2, max_size=2)))


@given(st.lists(ENDS, max_size=4))
def test_the_farthest_of_each_stream_counts(known: list[dict[int, tuple[int, str]]]) -> None:
    found = farthest(*known)
    assert set(found) == {stream for heads in known for stream in heads}
    for stream, head in found.items():
        told = [heads[stream] for heads in known if stream in heads]
        assert head in told
        assert head[0] == max(number for number, _ in told)
