"""Which bodies are the recording: signed heads first, then who follows whom, then who came first."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.envelope import KEY_PACKET_STREAM, Kind
from store.evidence.account import Interval
from store.evidence.chain import Stored, choose, gaps
from store.evidence.evidence import heads_of

RECORDING = UUID("0193a1b2-0000-7000-8000-000000000001")


def packet(sha256: str = "packet", received_at: int = 0) -> Stored:
    return Stored(RECORDING, KEY_PACKET_STREAM, 0, sha256, 1, received_at)


def chunk(
    sequence: int, sha256: str, previous: str, *, received_at: int = 0, stream: int = 0, span: tuple[int, int] = (0, 0)
) -> Stored:
    return Stored(RECORDING, stream, sequence, sha256, 1, received_at, Kind.MEDIA, None, *span, previous)


def names(chain: tuple[Stored, ...]) -> list[str]:
    return [one.sha256 for one in chain]


PLAIN = [packet(), chunk(0, "a", "packet"), chunk(1, "b", "a"), chunk(2, "c", "b")]


def test_without_doubles_everything_is_chosen() -> None:
    found = choose(PLAIN[::-1], {})
    assert found.packet == packet()
    assert names(found.streams[0]) == ["a", "b", "c"]
    assert (found.rejected, found.undecided) == ((), ())


@pytest.mark.parametrize("first_is_right", [True, False])
def test_the_chunk_that_follows_decides(first_is_right: bool) -> None:
    forged = chunk(1, "forged", "a", received_at=9 if first_is_right else -9)
    found = choose([*PLAIN, forged], {})
    assert names(found.streams[0]) == ["a", "b", "c"]
    assert (found.rejected, found.undecided) == ((forged,), ())


def test_a_whole_forged_tail_is_undecided_without_a_signed_head() -> None:
    forged = [chunk(1, "b'", "a", received_at=5), chunk(2, "c'", "b'", received_at=5)]
    found = choose([*PLAIN, *forged], {})
    assert names(found.streams[0]) == ["a", "b", "c"]  # what came first
    assert found.undecided == (PLAIN[3],)


def test_a_signed_head_decides_over_what_came_first() -> None:
    later = [chunk(1, "b'", "a", received_at=5), chunk(2, "c'", "b'", received_at=5)]
    found = choose([*PLAIN, *later], {0: {2: "c'"}})
    assert names(found.streams[0]) == ["a", "b'", "c'"]
    assert set(names(found.rejected)) == {"b", "c"}
    assert found.undecided == ()


def test_a_signed_head_decides_even_against_the_chunk_that_follows() -> None:
    found = choose([*PLAIN, chunk(1, "b'", "a")], {0: {1: "b'"}})
    assert names(found.streams[0]) == ["a", "b'", "c"]  # verify then names the broken link


def test_the_last_chunk_is_decided_by_whom_it_follows_and_is_said_to_be_doubtful() -> None:
    found = choose([*PLAIN, chunk(2, "stray", "nothing", received_at=-9)], {})
    assert names(found.streams[0]) == ["a", "b", "c"]
    assert found.undecided == (PLAIN[3],)


def test_the_first_chunks_decide_between_two_key_packets() -> None:
    other = packet("other", received_at=-9)
    assert choose([*PLAIN, other], {}).packet == packet()
    assert choose([*PLAIN, other], {}).rejected == (other,)
    assert choose([packet(), other], {}).undecided == (other,)


def test_without_a_key_packet_there_is_none() -> None:
    assert choose(PLAIN[1:], {}).packet is None
    assert choose([], {}).streams == {}


def test_streams_are_chosen_apart() -> None:
    found = choose([*PLAIN, chunk(0, "x", "packet", stream=3)], {3: {0: "x"}})
    assert {stream: names(chain) for stream, chain in found.streams.items()} == {0: ["a", "b", "c"], 3: ["x"]}


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from("abcde"), st.sampled_from("abcdep"), st.integers(0, 3))))
def test_every_body_is_chosen_or_rejected_and_each_name_has_one(told: list[tuple[int, str, str, int]]) -> None:
    stored = {(sequence, sha): chunk(sequence, sha, prev, received_at=at) for sequence, sha, prev, at in told}
    found = choose(stored.values(), {0: {2: "b"}})
    chosen = found.streams.get(0, ())
    assert {*chosen, *found.rejected} == set(stored.values())
    assert len(chosen) + len(found.rejected) == len(stored)
    assert [one.sequence for one in chosen] == sorted({sequence for sequence, _ in stored})


@pytest.mark.parametrize(
    ("sequences", "expected"),
    [
        ([], []),
        ([0, 1, 2], []),
        ([0, 1, 4], [(2, 3, Interval(20, 40))]),
        ([2, 3], [(0, 1, Interval(0, 20))]),
        ([0, 2, 4], [(1, 1, Interval(10, 20)), (3, 3, Interval(30, 40))]),
    ],
)
def test_gaps_in_the_numbers(sequences: list[int], expected: list[tuple[int, int, Interval]]) -> None:
    chain = [chunk(number, str(number), "", span=(number * 10, number * 10 + 10)) for number in sequences]
    assert gaps(chain) == expected


def test_heads_of_another_shape_are_not_told() -> None:
    """As a program in another language reads them: `true` is no number, and a number has one spelling."""
    told = {"00": [1, "a"], "65535": [1, "a"], "0": [True, "a"], "1": [0, "a"], "2": [1, 7], "3": [4, "a"], "x": 5}
    assert heads_of(told) == {3: (4, "a")}
    assert heads_of([]) == {}
