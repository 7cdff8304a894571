"""The gate: nothing unproven leaves, nothing is doubled or forgotten, and no picture owes a pixel to a dropped one."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.model.media import Block, Lane
from agent.core.model.times import Span
from agent.core.proof.clearance import Clearance
from agent.core.proof.gate import PATIENCE, Gate, GateResult, Proof


@dataclass(frozen=True)
class Picture:
    stream: int
    span: Span
    whole: bool = True
    repeats: bool = False

    @property
    def changed(self) -> int:
        return self.span.start


def gate_with(*pictures: Picture, patience: int = 100) -> Gate[Picture]:
    gate: Gate[Picture] = Gate(patience)
    for picture in pictures:
        gate.push(picture)
    return gate


def proof(after: int, before: int, hindsight: int = 0) -> Proof:
    return Proof(Clearance(after, before), hindsight)


A = Picture(0, Span(10, 12))


def test_the_published_patience() -> None:
    assert PATIENCE == {Lane.SCREEN: 2_000_000_000, Lane.AUDIO: 10_000_000_000}


def test_no_witness_proves_nothing() -> None:
    gate = gate_with(A)
    assert gate.judge({}, now=13) == GateResult()
    assert gate.waiting == (A,)


def test_without_a_witness_items_still_do_not_wait_for_ever() -> None:
    gate = gate_with(A)
    assert gate.judge({}, now=112) == GateResult()
    assert gate.judge({}, now=113) == GateResult(dropped=(A,))


def test_an_item_leaves_when_its_witness_has_covered_it() -> None:
    gate = gate_with(A)
    assert gate.judge({"w": proof(0, 12)}, now=13) == GateResult()
    assert gate.judge({"w": proof(0, 13)}, now=13) == GateResult(released=(A,))
    assert gate.waiting == ()


def test_the_hindsight_of_each_witness_must_have_passed() -> None:
    gate = gate_with(A)
    assert gate.judge({"w": proof(0, 15, hindsight=3)}, now=15) == GateResult()
    assert gate.judge({"w": proof(0, 16, hindsight=3)}, now=16) == GateResult(released=(A,))


def test_every_witness_must_cover_it_though_not_at_once() -> None:
    gate = gate_with(A)
    assert gate.judge({"w": proof(0, 20), "v": proof(0, 0)}, now=20) == GateResult()
    # The first one's run has ended since. What it proved stays proven.
    assert gate.judge({"w": proof(30, 30), "v": proof(0, 20)}, now=30) == GateResult(released=(A,))


def test_an_item_that_no_later_look_can_cover_goes_at_once() -> None:
    assert gate_with(A).judge({"w": proof(10, 10)}, now=13) == GateResult(dropped=(A,))
    assert gate_with(A).judge({"w": proof(9, 9)}, now=13) == GateResult()


def test_patience_ends() -> None:
    gate = gate_with(A, patience=5)
    assert gate.judge({"w": proof(0, 0)}, now=17) == GateResult()
    assert gate.judge({"w": proof(0, 0)}, now=18) == GateResult(dropped=(A,))


def test_what_is_proven_does_not_lose_patience_behind_one_that_waits() -> None:
    early, late = Picture(0, Span(10, 30)), Picture(1, Span(11, 12))
    gate = gate_with(early, late, patience=15)
    assert gate.judge({"w": proof(0, 20)}, now=28) == GateResult()
    assert gate.judge({"w": proof(0, 31)}, now=31) == GateResult(released=(early, late))


def test_a_dropped_picture_takes_along_what_was_composed_on_it() -> None:
    first, second = Picture(0, Span(10, 11)), Picture(0, Span(20, 21), whole=False)
    other = Picture(1, Span(22, 23))
    fresh = Picture(0, Span(30, 31))
    gate = gate_with(first, second, other, fresh)
    outcome = gate.judge({"w": proof(15, 40)}, now=40)
    assert outcome == GateResult(released=(other, fresh), dropped=(first, second))


def test_after_a_drop_a_stream_begins_anew_with_a_whole_picture() -> None:
    gate = gate_with(A)
    gate.judge({"w": proof(10, 10)}, now=13)
    patch, whole = Picture(0, Span(20, 21), whole=False), Picture(0, Span(30, 31))
    gate.push(patch)
    assert gate.waiting == ()
    gate.push(whole)
    gate.push(Picture(0, Span(32, 33), whole=False))
    outcome = gate.judge({"w": proof(15, 40)}, now=40)
    assert outcome.dropped == (patch,)
    assert outcome.released == (whole, Picture(0, Span(32, 33), whole=False))
    assert gate.judge({"w": proof(15, 40)}, now=40) == GateResult()


def test_a_stream_that_never_began_whole_is_refused() -> None:
    gate = gate_with(Picture(0, Span(1, 2), whole=False))
    assert gate.judge({"w": proof(0, 9)}, now=9).dropped == (Picture(0, Span(1, 2), whole=False),)


def test_drop_all_forgets_every_stream() -> None:
    gate = gate_with(Picture(0, Span(1, 2), whole=False), A, Picture(1, Span(11, 12)))
    assert len(gate.drop_all().dropped) == 3
    assert gate.drop_all() == GateResult()
    gate.push(Picture(1, Span(20, 21), whole=False))
    assert gate.judge({"w": proof(0, 30)}, now=30).released == ()


@dataclass
class Counted:
    """A block of sound that counts how often anybody asks when it was."""

    at: Span
    stream: int = 0
    whole: bool = True
    read: int = 0

    @property
    def span(self) -> Span:
        self.read += 1
        return self.at


@pytest.mark.parametrize(
    ("proofs", "now"),
    [
        ({"w": proof(0, 10)}, 12),  # nobody has looked since
        ({"w": proof(9, 10)}, 12),  # it begins after what can never be proven
        ({"w": proof(0, 13, hindsight=3)}, 14),  # looked at, but not so late as the hindsight of the first needs
        ({"w": proof(0, 10), "v": proof(0, 5)}, 20),
        ({"w": proof(0, 10)}, 110),  # patient to the last moment
    ],
)
def test_where_no_witness_has_come_to_the_first_nobody_asks_about_the_rest(proofs: dict[str, Proof], now: int) -> None:
    """Sound waits in hundreds of blocks."""
    blocks = [Counted(Span(at, at + 1)) for at in range(10, 90)]
    gate: Gate[Counted] = Gate(100)
    for block in blocks:
        gate.push(block)
    assert gate.judge(proofs, now) == GateResult()
    assert [block.read for block in blocks[1:]] == [0] * 79
    assert len(gate.waiting) == 80


def test_a_block_owes_nothing_to_one_that_was_dropped() -> None:
    first, second = (Block(9, Span(at, at + 2), at, at, b"") for at in (10, 20))
    gate: Gate[Block] = Gate(100)
    gate.push(first)
    gate.push(second)
    assert gate.judge({"w": proof(10, 30)}, now=30) == GateResult(released=(second,), dropped=(first,))


@st.composite
def plays(draw: st.DrawFn) -> list[Picture | tuple[dict[str, Proof], int]]:
    """Pictures in order of time, and moments at which two witnesses' proofs are judged."""
    acts: list[Picture | tuple[dict[str, Proof], int]] = []
    now = 0
    after = {"w": 0, "v": 0}
    for _ in range(draw(st.integers(1, 25))):
        now += draw(st.integers(0, 8))
        if draw(st.booleans()):
            end = now + draw(st.integers(0, 3))
            acts.append(Picture(draw(st.integers(0, 1)), Span(now, end), draw(st.booleans())))
            now = end
            continue
        proofs = {}
        for name, floor in after.items():
            start = max(floor, now - draw(st.integers(0, 40)))
            proofs[name] = proof(start, max(start, now - draw(st.integers(0, 6))), draw(st.integers(0, 3)))
        after = {name: given.clearance.after for name, given in proofs.items()}
        acts.append((proofs, now))
    return acts


@given(plays())
def test_what_leaves_was_covered_by_all_and_owes_nothing_to_what_did_not(
    acts: list[Picture | tuple[dict[str, Proof], int]],
) -> None:
    gate: Gate[Picture] = Gate(20)
    pushed: list[Picture] = []
    released: list[Picture] = []
    dropped: list[Picture] = []
    covered: dict[int, set[str]] = {}
    for act in acts:
        if isinstance(act, Picture):
            pushed.append(act)
            gate.push(act)
            continue
        proofs, now = act
        for index, picture in enumerate(pushed):
            for name, given_proof in proofs.items():
                start, end = picture.span.start, picture.span.end + given_proof.hindsight
                if given_proof.clearance.after < start and end < given_proof.clearance.before:
                    covered.setdefault(index, set()).add(name)
        outcome = gate.judge(proofs, now)
        released += outcome.released
        dropped += outcome.dropped
    # Nothing is forgotten and nothing doubled (by identity: equal pictures may exist).
    leaves = [id(p) for p in (*released, *dropped, *gate.waiting)]
    in_gate = {id(p) for p in pushed}
    refused = in_gate - set(leaves)
    assert len(leaves) == len(set(leaves))
    assert all(not p.whole for p in pushed if id(p) in refused)  # pushed after the last judgement, onto a broken stream
    # Order is kept.
    order = {id(p): index for index, p in enumerate(pushed)}
    assert [order[id(p)] for p in released] == sorted(order[id(p)] for p in released)
    # Everything a released picture is composed of was released before it.
    gone = {id(p) for p in released}
    for picture in released:
        index = order[id(picture)]
        assert covered[index] == {"w", "v"}
        layers = [p for p in pushed[: index + 1] if p.stream == picture.stream]
        base = max((i for i, p in enumerate(layers) if p.whole), default=None)
        assert base is not None
        assert all(id(p) in gone for p in layers[base:])
