"""What of a run still counts in a recording: the same states as from all of it, and no run is followed twice."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.bundle import Bundle
from protocol.envelope import AUDIO, SCREEN
from protocol.ledger import line
from store.commands import audit
from store.evidence import earlier
from store.evidence.account import Entry, account, states
from store.evidence.earlier import EVERY, MOST_WITHIN, Allowance, Earlier, Read, TooManyEntries, entry_of
from store.evidence.evidence import TooManyChunks, gather
from store.evidence.verify import sweep as verify_sweep
from store.server.services import Services
from testkit.fakes.pc import SECOND, Pc
from tests.store.command_line import Run, run  # noqa: F401 - a fixture
from tests.store.recorded import ZERO, Filmed

LENGTH: Final = 40
TIMES: Final = st.integers(0, 60)
TOLD: Final = st.one_of(
    st.tuples(
        st.sampled_from(("hold", "release")),
        st.fixed_dictionaries({"hold": st.sampled_from(("user", "locked", "blind"))}),
    ),
    st.tuples(
        st.sampled_from(("lane-closed", "lane-open")),
        st.fixed_dictionaries(
            {"lane": st.sampled_from((SCREEN, AUDIO, "other")), "rules": st.lists(st.integers(0, 2))}
        ),
    ),
    st.tuples(st.sampled_from(("slept", "blind-since")), st.fixed_dictionaries({"from": TIMES, "to": TIMES})),
    st.tuples(st.just("heads"), st.just({})),
)


def reading(told: Sequence[Entry], read: list[int] | None = None) -> Read:
    def between(after: int, until: int) -> Iterator[Entry]:
        for entry in told[after + 1 : until]:
            if read is not None:
                read.append(entry.seq)
            yield entry

    return between


@given(
    st.lists(st.tuples(TIMES, TOLD), max_size=30), st.lists(st.tuples(st.integers(0, 30), TIMES), min_size=1), st.data()
)
def test_the_same_follows_as_from_the_whole_run(
    said: list[tuple[int, tuple[str, dict[str, Any]]]], openings: list[tuple[int, int]], data: st.DataObject
) -> None:
    """Of a PC whose clock goes back as well, and however many recordings are read one after another."""
    told = [Entry(seq, at, kind, fields) for seq, (at, (kind, fields)) in enumerate(said)]
    runs = Earlier()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(earlier, "EVERY", data.draw(st.integers(1, 5)))  # places that are remembered, in a short run too
        for opening, zero in openings:
            before = runs.before(reading(told), "pc", 0, opening, zero=zero)
            for lane in (SCREEN, AUDIO):
                whole, some = (states((*known, *told[opening:]), lane, zero) for known in (told[:opening], before))
                assert account(LENGTH, (), some) == account(LENGTH, (), whole)


def test_a_run_is_followed_once_however_many_recordings_it_has() -> None:
    kinds = ("lane-closed", "lane-open")
    told = [Entry(seq, seq, kinds[seq % 2], {"lane": SCREEN}) for seq in range(20 * EVERY)]
    openings = range(EVERY, len(told), EVERY // 2)
    for order in (openings, openings[::-1]):
        runs, read = Earlier(), list[int]()
        for opening in order:
            assert len(runs.before(reading(told, read), "pc", 0, opening, zero=opening)) == 1
        assert len(read) <= len(told) + len(openings) * EVERY


def test_a_pc_that_names_ever_more_that_is_to_come_is_not_followed() -> None:
    told = [Entry(seq, seq, "slept", {"from": 0, "to": 10**18}) for seq in range(1_000)]
    with pytest.raises(TooManyEntries):
        Earlier().before(reading(told), "pc", 0, 1_000, zero=1_000)
    with pytest.raises(TooManyEntries):
        Earlier().before(reading(told), "pc", 0, 1_000, zero=0, kept=Allowance(999))


def test_what_no_reader_asks_for_is_not_kept() -> None:
    words = json.dumps(["x" * 60] * 400)
    written = line(7, "a" * 64, at=3, wall=4, kind="lane-closed", lane=SCREEN, rules=[1], x=words, why=[words])
    assert entry_of(7, written.decode()) == Entry(7, 3, "lane-closed", {"lane": SCREEN, "rules": [1], "wall": 4})


TAKES = """
import json, sys, tracemalloc
from protocol.ledger import line
from store.evidence.earlier import Allowance, Earlier, TooManyEntries, entry_of

told = json.load(sys.stdin)
def largest(after, until):
    for seq in range(after + 1, until):
        yield entry_of(seq, line(seq, "a" * 64, at=seq, wall=0, kind="lane-closed", **told).decode())

tracemalloc.start()
try:
    Earlier().before(largest, "pc", 0, 2_000, zero=0, kept=Allowance(10_000))
except TooManyEntries:
    print(tracemalloc.get_traced_memory()[1])
"""


@pytest.mark.parametrize(
    "told",
    [
        {"rules": [*range(300, 4_300)]},
        {"rules": ["\N{PILE OF POO}" + "x" * 199] * 300},
        {"heads": {str(stream): [1, ""] for stream in range(1_300)}},
    ],
    ids=["numbers", "words", "heads"],
)
def test_large_entries_are_bounded_by_the_memory_that_they_take(told: dict[str, Any]) -> None:
    """Ten thousand entries may be kept, but not ten thousand of the largest."""

    # In an interpreter of its own: threads that other tests left take memory too.
    measured = subprocess.run(
        [sys.executable, "-c", TAKES], input=json.dumps(told), capture_output=True, text=True, check=True, timeout=200
    )
    assert 0 < int(measured.stdout) < 1.2 * 10_000 * earlier.MEMORY


def test_an_agents_own_entries_fit_by_their_number() -> None:
    closing = line(10**9, "a" * 64, at=10**18, wall=10**18, kind="lane-closed", lane=SCREEN, rules=[*range(8)],
                   policy="b" * 64)  # fmt: skip
    heads = {str(stream): [10_000, "c" * 64] for stream in (0, 1, 32_768, 32_769)}
    told = line(10**9, "a" * 64, at=10**18, wall=10**18, kind="heads", recording="d" * 36, heads=heads)
    kept = Allowance(100)
    for written in 50 * (closing, told):
        entry = entry_of(10**9, written.decode())
        assert entry is not None
        kept.take(entry)


def test_which_recordings_that_lie_in_each_other_are_read_is_no_matter_of_order(
    services: Services, new_pc: Callable[[], Pc], bundle: Bundle
) -> None:
    liar = new_pc()
    liar.ledger.write("start", at=ZERO)
    made = [liar.open_recording(bundle) for _ in range(MOST_WITHIN + 3)]
    for one in made:
        liar.ledger.write("recording-open", at=ZERO, recording=str(one.id), policy=one.policy, zero=ZERO)
    for number in range(20):
        liar.ledger.write("lane-open", at=ZERO + number * SECOND, lane=SCREEN)
    assert liar.send_ledger().is_success
    with services.database.reading() as connection:
        for order in (made, made[::-1]):
            runs, readable = Earlier(), set()
            for one in order:
                with suppress(TooManyEntries):
                    gather(connection, one.id, runs=runs, most=40)
                    readable.add(one.id)
            assert readable == {one.id for one in made[2:]}  # others begin within it, but not too many
        assert len(gather(connection, made[0].id, most=40).entries) == MOST_WITHIN + 23  # alone


def test_a_recording_of_more_chunks_than_an_agent_seals_is_not_read_with_many_others(
    services: Services, new_pc: Callable[[], Pc], bundle: Bundle
) -> None:
    liar = new_pc()
    made = liar.open_recording(bundle)
    for _ in range(5):
        assert liar.put_sealed(made.seal(b"")).is_success
    with services.database.reading() as connection:
        assert len(gather(connection, made.id, most=6).stored) == 6
        with pytest.raises(TooManyChunks):
            gather(connection, made.id, most=5)


def test_a_recording_with_more_entries_than_an_agent_writes_is_named_and_stops_nothing(
    run: Run,  # noqa: F811
    filmed: Filmed,
    new_pc: Callable[[], Pc],
    bundle: Bundle,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    liar = new_pc()
    made = liar.open_recording(bundle)
    liar.ledger.write("recording-open", at=ZERO, recording=str(made.id), policy=made.policy)
    for number in range(60):
        liar.ledger.write("lane-open", at=ZERO + number * SECOND, lane=SCREEN)
    assert liar.send_ledger().is_success
    for module in (audit, verify_sweep):
        monkeypatch.setattr(module, "MOST_EACH", 50)  # the real bound takes minutes to reach
    listed = run("recordings")
    assert listed.code == 0
    assert "cannot be read (TooManyEntries)" in " ".join(listed.out.split())
    assert str(filmed.recording.id) in listed.out.replace("\n", "")
    assert "TooManyEntries" in run("verify", "--all").out
    alone = run("timeline", str(made.id))
    assert (alone.code, alone.err) == (0, "")
