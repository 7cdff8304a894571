"""The account: chained without an end, durable before what it tells of happens, and honest about where it was blind."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.core.model.times import SECOND
from agent.errors import EnvironmentFault, Untrusted
from agent.ledger import BATCH_LINES, KEPT_SEGMENTS, SEGMENT_SIZE
from protocol.api import MAX_LEDGER_BODY
from protocol.ledger import MAX_RULES, ZERO, line_hash, walk
from testkit.fakes.clock import HandClock
from tests.agent.ledgers import all_lines, batch_of, entries, opened, store_takes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state" / "ledger"


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


# -- writing ------------------------------------------------------------------------------------------------------


def test_entries_carry_number_both_times_kind_fields_and_the_hash_before(folder: Path, clock: HandClock) -> None:
    ledger = opened(folder, clock)
    ledger.write("lane-closed", lane="screen", rules=[4, "unreadable"])
    clock.pass_by(1.5)
    clock.ahead -= 3600 * SECOND
    ledger.write("hold", hold="user")
    first, second = entries(folder)
    start = HandClock()
    assert first == {
        "v": 1, "seq": 0, "at": start.now(), "wall": start.wall(), "kind": "lane-closed", "lane": "screen",
        "rules": [4, "unreadable"], "prev": ZERO,
    }  # fmt: skip
    assert (second["seq"], second["at"], second["wall"]) == (1, clock.now(), clock.wall())
    assert second["prev"] == line_hash(all_lines(folder)[0])
    assert ledger.head() == (2, line_hash(all_lines(folder)[1]))


def test_of_very_many_rules_the_first_are_named(folder: Path) -> None:
    """A policy may have 12,500, and a store refuses an entry with so many values, and all that follow it."""
    opened(folder).write("lane-closed", lane="screen", rules=[*range(12_500)])
    assert entries(folder)[0]["rules"] == [*range(MAX_RULES)]


def test_nobody_else_may_read_it(folder: Path) -> None:
    opened(folder).write("start")
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_segment_that_is_full_is_followed_by_another(folder: Path) -> None:
    ledger = opened(folder)
    for number in range(30):
        ledger.write("note", number=number, text="x" * 20_000)
    assert [entry["number"] for entry in entries(folder)] == list(range(30))
    assert len(list(folder.glob("segment-*"))) == 3
    assert {path.stat().st_size for path in folder.glob("segment-*")} == {SEGMENT_SIZE}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(runs=st.lists(st.lists(st.integers(1, 60_000), max_size=6), min_size=1, max_size=4), stopped=st.booleans())
def test_whatever_is_written_over_however_many_starts_is_one_chain(
    tmp_path_factory: pytest.TempPathFactory, runs: list[list[int]], *, stopped: bool
) -> None:
    folder = tmp_path_factory.mktemp("ledger")
    sizes: list[int] = []
    for run in runs:
        ledger = opened(folder)
        for size in run:
            ledger.write("note", text="x" * size)
        if stopped:
            ledger.write("stop")
        sizes += run
    written = entries(folder)
    assert [len(entry["text"]) for entry in written if entry["kind"] == "note"] == sizes
    assert [entry["seq"] for entry in written] == list(range(len(written)))


# -- after a start ------------------------------------------------------------------------------------------------


def test_an_end_without_a_stop_becomes_an_entry(folder: Path, clock: HandClock) -> None:
    opened(folder, clock).write("start")
    died = (clock.now(), clock.wall())
    clock.pass_by(90)
    opened(folder, clock)
    last = entries(folder)[-1]
    assert (last["kind"], last["why"]) == ("blind-since", "died")
    assert (last["from"], last["from_wall"], last["to"], last["boot"]) == (*died, clock.now(), clock.boot())


@pytest.mark.parametrize("kinds", [[], ["start", "stop"]])
def test_nothing_is_told_where_nothing_was_missed(folder: Path, kinds: list[str]) -> None:
    ledger = opened(folder)
    for kind in kinds:
        ledger.write(kind)
    opened(folder)
    assert [entry["kind"] for entry in entries(folder)] == kinds


LAST = 160  # bytes, less than the last entry below has


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(begin=st.integers(0, LAST), length=st.integers(1, LAST))
def test_a_torn_last_line_is_cut_and_the_chain_goes_on(
    tmp_path_factory: pytest.TempPathFactory, begin: int, length: int
) -> None:
    """Any stretch of the last line may be zeros still: pages reach the disk in any order."""
    folder = tmp_path_factory.mktemp("ledger")
    ledger = opened(folder)
    ledger.write("start")
    whole = len(b"\n".join(all_lines(folder))) + 1
    ledger.write("hold", hold="user", reason="r" * 80)
    [segment] = folder.glob("segment-*")
    content = bytearray(segment.read_bytes())
    used = len(content.rstrip(b"\0"))
    torn = slice(whole + begin, min(whole + begin + length, used))
    content[torn] = bytes(torn.stop - torn.start)
    segment.write_bytes(content)

    opened(folder).write("release", hold="user")

    assert [entry["kind"] for entry in entries(folder)] == ["start", "blind-since", "release"]


def test_an_entry_that_lost_only_its_line_feed_is_cut_too(folder: Path) -> None:
    ledger = opened(folder)
    ledger.write("start")
    ledger.write("hold", hold="user")
    [segment] = folder.glob("segment-*")
    content = segment.read_bytes().rstrip(b"\0")
    segment.write_bytes(content[:-1])
    opened(folder)
    assert [entry["kind"] for entry in entries(folder)] == ["start", "blind-since"]


def test_a_changed_entry_in_the_middle_is_told_and_stays_visible(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is repaired: the chain shows it to everybody who walks it."""
    ledger = opened(folder)
    for number in range(4):
        ledger.write("note", number=number)
    [segment] = folder.glob("segment-*")
    segment.write_bytes(segment.read_bytes().replace(b'"number":1', b'"number":7'))
    opened(folder)
    assert "the ledger is damaged on this disk: ledger entry 2: the entry before it is not as it was" in caplog.text
    [mistake] = walk(all_lines(folder))
    assert (mistake.code, mistake.seq) == ("broken-chain", 2)
    assert len(all_lines(folder)) == 5


def test_a_folder_that_cannot_be_used_is_a_clear_message(tmp_path: Path) -> None:
    (tmp_path / "ledger").write_text("a file in its place")
    with pytest.raises(EnvironmentFault, match="cannot be used"):
        opened(tmp_path / "ledger")


# -- sending ------------------------------------------------------------------------------------------------------


def test_a_batch_is_due_after_ten_seconds_or_500_entries(folder: Path, clock: HandClock) -> None:
    ledger = opened(folder, clock)
    assert ledger.due() is None
    assert ledger.due(at_once=True) is None
    ledger.write("start")
    clock.pass_by(9.9)
    ledger.write("hold", hold="user")
    assert ledger.due() is None
    clock.pass_by(0.1)
    assert ledger.due() is not None
    assert store_takes(ledger).last == 1
    for number in range(BATCH_LINES - 1):
        ledger.write("note", number=number)
    assert ledger.due() is None
    ledger.write("note")
    assert ledger.due() is not None


def test_a_batch_is_signed_and_holds_what_the_store_lacks(folder: Path) -> None:
    ledger = opened(folder)
    ledger.write("start")
    ledger.write("hold", hold="user")
    batch = store_takes(ledger)
    assert (batch.device, batch.first, batch.last, batch.prev) == ("device-1", 0, 1, ZERO)
    assert list(batch.lines) == all_lines(folder)
    ledger.write("release", hold="user")
    batch = batch_of(ledger)
    assert (batch.first, batch.last) == (2, 2)
    assert batch.prev == line_hash(all_lines(folder)[1])


def test_a_batch_without_an_answer_is_handed_out_again(folder: Path) -> None:
    ledger = opened(folder)
    ledger.write("start")
    assert batch_of(ledger) == batch_of(ledger)


def test_a_long_absence_becomes_many_batches_over_segments_and_starts(folder: Path) -> None:
    ledger = opened(folder)
    for number in range(1800):
        ledger.write("note", number=number, text="x" * 300)
    ledger = opened(folder)
    sent: list[bytes] = []
    while ledger.due(at_once=True):
        token = ledger.due(at_once=True)
        assert token is not None
        assert len(token) < MAX_LEDGER_BODY
        batch = store_takes(ledger)
        assert len(batch.lines) <= BATCH_LINES
        sent += batch.lines
    assert sent == all_lines(folder)
    assert len(sent) == 1801
    assert ledger.due() is None


def test_large_entries_make_small_batches(folder: Path) -> None:
    ledger = opened(folder)
    for _ in range(20):
        ledger.write("note", text="\\" * 20_000)  # every one is escaped twice on its way into the batch
    while (token := ledger.due(at_once=True)) is not None:
        assert len(token) < MAX_LEDGER_BODY
        store_takes(ledger)


def test_what_was_sent_is_known_after_a_start(folder: Path) -> None:
    ledger = opened(folder)
    ledger.write("start")
    ledger.write("stop")
    store_takes(ledger)
    ledger = opened(folder)
    assert ledger.due(at_once=True) is None
    ledger.write("start")
    assert batch_of(ledger).first == 2


def test_without_its_mark_the_store_says_where_to_go_on(folder: Path) -> None:
    ledger = opened(folder)
    for kind in ("start", "hold", "stop"):
        ledger.write(kind)
    (folder / "sent").unlink(missing_ok=True)
    ledger = opened(folder)
    assert batch_of(ledger).first == 0
    ledger.confirmed(2, line_hash(all_lines(folder)[1]))
    assert batch_of(ledger).first == 2


def test_a_store_that_went_back_gets_the_entries_again(folder: Path) -> None:
    ledger = opened(folder)
    for kind in ("start", "hold", "stop"):
        ledger.write(kind)
    store_takes(ledger)
    ledger.confirmed(1, line_hash(all_lines(folder)[0]))
    assert batch_of(ledger).first == 1
    ledger.confirmed(0, ZERO)
    assert batch_of(ledger).first == 0


@pytest.mark.parametrize(("next_", "head"), [(4, "ab" * 32), (2, "ab" * 32), (0, "ab" * 32)])
def test_a_store_with_another_ledger_is_not_believed(folder: Path, next_: int, head: str) -> None:
    ledger = opened(folder)
    for kind in ("start", "hold", "stop"):
        ledger.write(kind)
    with pytest.raises(Untrusted, match="is not this ledger"):
        ledger.confirmed(next_, head)
    assert batch_of(ledger).first == 0


def test_old_segments_go_once_the_store_has_them(folder: Path) -> None:
    ledger = opened(folder)
    while len(list(folder.glob("segment-*"))) < KEPT_SEGMENTS + 4:
        ledger.write("note", text="x" * 60_000)
    kept = len(all_lines(folder))
    while ledger.due(at_once=True):
        store_takes(ledger)
    assert len(list(folder.glob("segment-*"))) == KEPT_SEGMENTS + 1
    ledger = opened(folder)
    assert ledger.head()[0] == kept + 1
    assert batch_of(ledger).first == kept


def test_a_damaged_entry_that_was_not_sent_is_left_out_so_that_the_store_misses_it(folder: Path) -> None:
    ledger = opened(folder)
    for number in range(4):
        ledger.write("note", number=number)
    [segment] = folder.glob("segment-*")
    segment.write_bytes(segment.read_bytes().replace(b'"number":1', b'"\xff\xffmber":1'))
    ledger = opened(folder)
    assert store_takes(ledger).last == 0
    assert batch_of(ledger).first == 2


def test_entries_of_a_day_are_read_back_with_some_before(folder: Path, clock: HandClock) -> None:
    ledger = opened(folder, clock)
    while len(list(folder.glob("segment-*"))) < 3:
        ledger.write("filling", text="x" * 9000)
    clock.pass_by(5)
    ledger.write("today")
    read = ledger.entries(clock.wall())
    assert read[-1]["kind"] == "today"
    assert len(read) < len(entries(folder)) == len(ledger.entries(0))
    assert ledger.entries(0) == entries(folder)


def test_the_last_run_reaches_back_to_its_start_over_segments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.ledger.SEGMENT_SIZE", 400)
    ledger = opened(tmp_path)
    assert ledger.last_run() == []
    ledger.write("hold", hold="user")
    ledger.write("heads", recording="a", heads={})
    assert [entry["kind"] for entry in ledger.last_run()] == ["heads"]
    for recording in ("b", "c"):
        ledger.write("start")
        for number in range(9):
            ledger.write("heads", recording=recording, heads={"0": [number, ""]})
            ledger.write("lane-open", lane="screen")
    run = ledger.last_run()
    assert [entry["kind"] for entry in run] == ["start", *["heads"] * 9]
    assert [entry["heads"] for entry in run[1:]] == [{"0": [number, ""]} for number in range(9)]
    assert len(list(tmp_path.glob("segment-*"))) > 5


def test_the_last_run_leaves_damaged_lines_out(tmp_path: Path) -> None:
    ledger = opened(tmp_path)
    ledger.write("start")
    ledger.write("heads", recording="a", heads={})
    ledger.write("heads", recording="b", heads={})
    segment = next(tmp_path.glob("segment-*"))
    segment.write_bytes(segment.read_bytes().replace(b'"recording":"a","heads"', b'"recording":"a""heads" ', 1))
    assert [entry.get("recording") for entry in ledger.last_run()] == [None, "b"]
