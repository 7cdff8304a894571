"""A device's life from its entries: every stretch has its cause, and what nobody explains is said to be so."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, timedelta, timezone

import pytest

from store.clock import SECOND
from store.evidence.account import MOST_HOLDS, Entry, Interval, union
from store.evidence.timeline.days import CELLS, MOST_REASONS, days
from store.evidence.timeline.device_timeline import LastReport, TimelineSpan, What, spans

WALL = 1_800_000_000  # s since 1970 at second 0 of the device's clock
HOUR = 3600


class Written:
    """Entries of a device, times in seconds of its clock."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.offset = WALL

    def __call__(self, at: float, kind: str, **fields: object) -> None:
        fields["wall"] = int((self.offset + at) * SECOND)
        self.entries.append(Entry(len(self.entries), int(at * SECOND), kind, fields))


@pytest.fixture
def write() -> Written:
    return Written()


def told(
    write: Written, kept: Callable[[Entry], list[Interval]] = lambda _: [], last_report: LastReport | None = None
) -> list[tuple[str, float, float, tuple[str, ...]]]:
    """(what, from, to, why) with times in seconds since WALL."""
    return [
        (one.what.value, one.start / SECOND - WALL, one.end / SECOND - WALL, one.why)
        for one in spans(write.entries, "screen", kept, last_report)
        if one.end > one.start
    ]


def last_report(at: float, now: float | None = None, *, complete: bool = True, silent: bool = False) -> LastReport:
    moment = at if now is None else now
    return LastReport(int((WALL + at) * SECOND), int((WALL + moment) * SECOND), complete=complete, silent=silent)


def test_what_waits_to_be_told_has_a_bound(write: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many entries a PC writes within a minute of its clock."""
    monkeypatch.setattr("store.evidence.timeline.device_timeline.MOST_WAITING", 3)  # the real bound takes long
    write(0, "start")
    for at in range(1, 20):
        write(at, "hold" if at % 2 else "release", hold="locked")
    read = iter(write.entries)
    first = next(spans(read, "screen", lambda _: []))
    assert first.end == (WALL + 1) * SECOND
    assert next(read).at == 5 * SECOND  # the four spans up to here are as many as wait
    monkeypatch.undo()
    assert len(told(write)) == 19


def test_a_hold_by_the_person_has_the_reason_that_they_chose(write: Written) -> None:
    write(0, "start")
    write(1, "hold", hold="user", reason="break")
    write(2, "hold", hold="locked", reason="odd")  # nobody chooses one for this
    write(3, "release", hold="user")
    write(4, "release", hold="locked")
    write(5, "hold", hold="user", reason=1, policy="p")
    write(6, "stop")
    parts = list(spans(write.entries, "screen", lambda _: [], None, lambda held: f"{held.reason}/{held.policy}"))
    assert [part.why for part in parts if part.what is What.HELD] == [
        ("user (break/)",),
        ("user (break/)", "locked"),
        ("locked",),
        ("user (1/p)",),
    ]
    assert [why for what, _, _, why in told(write) if what == "held"][-1] == ("user",)  # without the policy's text


def test_a_pc_that_names_holds_without_end_is_told_of_in_part(write: Written) -> None:
    write(0, "start")
    for number in range(MOST_HOLDS + 3):
        write(1 + number, "hold", hold=f"hold-{number}")
    write(100, "release", hold="hold-0")
    write(101, "hold", hold="later")
    write(102, "stop")
    held = [why for what, _, _, why in told(write) if what == "held"]
    assert max(map(len, held)) == MOST_HOLDS
    assert "later" in held[-1]


def test_a_run_in_its_states(write: Written) -> None:
    write(0, "start")
    write(0, "lane-closed", lane="screen", rules=["blind"], policy="")
    write(2, "lane-open", lane="screen")
    write(2, "recording-open", recording="r", zero=2 * SECOND)
    write(10, "lane-closed", lane="screen", rules=[0], policy="p")
    write(20, "lane-closed", lane="screen", rules=["web-engine"], policy="p")
    write(25, "lane-closed", lane="screen", rules=["web-engine", 0], policy="p")
    write(28, "lane-closed", lane="audio", rules=["blind"], policy="p")  # of another lane
    write(30, "hold", hold="user")
    write(40, "stop")
    write(100, "start")
    assert told(write, lambda _: [Interval(3 * SECOND, 9 * SECOND)]) == [
        ("blind", 0, 2, ("blind",)),
        ("unproven", 2, 3, ()),
        ("kept", 3, 9, ()),
        ("unproven", 9, 10, ()),
        ("closed", 10, 20, ()),
        ("unseen", 20, 25, ("web-engine",)),
        ("closed", 25, 28, ()),
        ("closed", 28, 30, ()),
        ("held", 30, 40, ("user",)),
        ("off", 40, 100, ()),
    ]


def test_kept_time_goes_on_over_entries_and_stands_above_states(write: Written) -> None:
    write(0, "start")
    write(0, "recording-open", recording="r", zero=0)
    write(5, "heads", recording="r", heads={})
    write(6, "hold", hold="user")
    write(10, "stop")
    assert told(write, lambda _: [Interval(0, 4 * SECOND), Interval(4 * SECOND, 7 * SECOND)]) == [
        ("kept", 0, 5, ()),
        ("kept", 5, 6, ()),
        ("kept", 6, 7, ()),
        ("held", 7, 10, ("user",)),
    ]


def test_what_is_kept_may_have_begun_before_the_entry_that_opens_it(write: Written) -> None:
    write(0, "start")
    write(5, "heads")
    write(6, "recording-open", recording="r", zero=4 * SECOND)
    write(500, "stop")
    assert told(write, lambda opening: [Interval(int(str(opening.fields["zero"])), 8 * SECOND)]) == [
        ("unproven", 0, 4, ()),
        ("kept", 4, 5, ()),
        ("kept", 5, 6, ()),
        ("kept", 6, 8, ()),
        ("unproven", 8, 500, ()),
    ]


def test_what_a_thousand_recordings_keep_of_a_time_to_come_is_joined_once(
    write: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    joined = 0

    def counted(intervals: Iterable[Interval]) -> list[Interval]:
        nonlocal joined
        several = list(intervals)
        joined += len(several)
        return union(several)

    monkeypatch.setattr("store.evidence.timeline.device_timeline.union", counted)  # calls are counted
    write(0, "start")
    for number in range(1_000):
        write(1, "recording-open", recording=str(number))
    write(3_000, "stop")

    def kept(opening: Entry) -> list[Interval]:
        at = 1_000 + int(opening.text("recording"))
        return [Interval(at * SECOND, (at + 1) * SECOND)]  # without a seam

    assert ("kept", 1_000, 2_000, ()) in told(write, kept)
    assert 0 < joined <= 3 * 1_000


def test_a_death_that_was_told_and_one_that_was_not(write: Written) -> None:
    write(0, "start")
    write(10, "heads")
    write.offset += 50  # the PC has started anew: its own clock too
    write(0, "blind-since", why="died", **{"from": 10 * SECOND, "from_wall": (WALL + 10) * SECOND, "to": 0})
    write(1, "start")
    write(9, "heads")
    write.offset += 100
    write(0, "start")
    assert told(write) == [
        ("unproven", 0, 10, ()),
        ("blind", 10, 50, ("died",)),
        ("blind", 50, 51, ("died",)),
        ("unproven", 51, 59, ()),
        ("unexplained", 59, 150, ("no-end",)),
    ]


def test_what_was_kept_after_the_last_entry_before_a_death_is_kept(write: Written) -> None:
    write(0, "start")
    write(10, "recording-open", recording="r", zero=9 * SECOND)
    write.offset += 50  # the PC has started anew: its own clock too
    write(0, "blind-since", why="died", **{"from": 10 * SECOND, "from_wall": (WALL + 10) * SECOND, "to": 0})
    write(1, "start")
    write(9, "stop")
    kept = [Interval(9 * SECOND, 12 * SECOND), Interval(13 * SECOND, 15 * SECOND)]
    assert told(write, lambda _: kept) == [
        ("unproven", 0, 9, ()),
        ("kept", 9, 10, ()),
        ("kept", 10, 12, ()),
        ("unproven", 12, 13, ()),
        ("kept", 13, 15, ()),
        ("blind", 15, 50, ("died",)),
        ("blind", 50, 51, ("died",)),
        ("unproven", 51, 59, ()),
    ]


def test_a_wall_clock_that_jumps_changes_no_length(write: Written) -> None:
    write(0, "start")
    write(10, "heads")
    write.offset -= HOUR
    write(20, "heads")
    write(30, "stop")
    assert [(start, end - start) for _, start, end, _ in told(write)] == [(0, 10), (10, 10), (20 - HOUR, 10)]


def test_a_wall_clock_set_back_while_off_gives_no_negative_time(write: Written) -> None:
    write(0, "start")
    write(10, "stop")
    write.offset -= HOUR
    write(20, "start")
    write(21, "stop")
    assert [what for what, *_ in told(write)] == ["unproven", "unproven"]


def test_a_device_clock_that_goes_back_without_a_start_is_not_explained(write: Written) -> None:
    write(0, "start")
    write(100, "heads")
    write.offset += 130
    write(5, "heads")
    assert told(write)[1:] == [("unexplained", 100, 135, ("clock-went-back",))]


def test_a_sleep_is_held_whatever_the_state_was_and_ends_at_its_entry(write: Written) -> None:
    write(0, "start", boot="b")
    write(0, "lane-open", lane="screen")
    write(5, "recording-open", recording="r", zero=0)
    write(700, "slept", **{"from": 100 * SECOND, "to": 700 * SECOND})
    write(710, "stop")
    assert told(write, lambda _: [Interval(0, 99 * SECOND)]) == [
        ("kept", 0, 5, ()),
        ("kept", 5, 99, ()),
        ("unproven", 99, 100, ()),
        ("held", 100, 700, ("suspended",)),
        ("unproven", 700, 710, ()),
    ]


@pytest.mark.parametrize("since", [None, "soon", -1, 10**15])
def test_a_sleep_that_names_no_possible_beginning_only_moves_the_time_on(write: Written, since: object) -> None:
    write(0, "start")
    write(10, "slept", **{"from": since})
    assert told(write) == [("unproven", 0, 10, ())]


def test_within_a_boot_no_wall_clock_has_a_say_in_how_long_nobody_looked(write: Written) -> None:
    write(0, "start", boot="b")
    write(10, "heads")
    write.offset -= HOUR
    write(70, "blind-since", why="died", boot="b", **{"from": 10 * SECOND, "from_wall": (WALL + 10) * SECOND})
    write(71, "start", boot="b")
    write(80, "stop")
    write.offset += 9 * HOUR
    write(90, "start", boot="b")
    write.offset += HOUR
    write(5, "start", boot="c")
    assert [(what, end - start) for what, start, end, _ in told(write)] == [
        ("unproven", 10), ("blind", 60), ("blind", 1), ("unproven", 9), ("off", 10), ("unexplained", HOUR - 85),
    ]  # fmt: skip


def test_what_came_before_the_first_start_is_not_told(write: Written) -> None:
    write(0, "heads")
    write(10, "hold", hold="user")
    assert told(write, last_report=last_report(20)) == []
    write(20, "start")
    assert told(write) == [("unexplained", 10, 20, ("no-end",))]


def test_up_to_the_last_sign_of_life_the_state_goes_on(write: Written) -> None:
    write(0, "start")
    write(10, "hold", hold="locked")
    assert told(write, last_report=last_report(70))[1:] == [("held", 10, 70, ("locked",))]
    assert told(write, last_report=last_report(70, 1000, silent=True))[2:] == [("unexplained", 70, 1000, ("silent",))]
    assert told(write, last_report=last_report(70, complete=False))[1:] == [("unexplained", 10, 70, ("not-here-yet",))]


def test_after_an_end_in_order_it_is_off_until_now(write: Written) -> None:
    write(0, "start")
    write(10, "stop")
    assert told(write, last_report=last_report(10, 500))[1:] == [("off", 10, 500, ())]


def test_after_a_death_that_was_told_and_no_start(write: Written) -> None:
    write(0, "start")
    write(10, "blind-since", why="died", from_wall=(WALL + 5) * SECOND)
    assert told(write, last_report=last_report(10, 50)) == [("blind", 5, 10, ("died",)), ("blind", 10, 50, ("died",))]


# -- days ---------------------------------------------------------------------------------------------------------

ZONE = timezone(timedelta(hours=2))
MIDNIGHT = (1_800_000_000 // 86400 * 86400 - 2 * HOUR) * SECOND  # in that zone


def span(begin: float, end: float, what: What, *why: str) -> TimelineSpan:
    """Hours after MIDNIGHT."""
    return TimelineSpan(MIDNIGHT + int(begin * HOUR * SECOND), MIDNIGHT + int(end * HOUR * SECOND), what, why)


def test_a_stretch_over_midnight_is_cut_there() -> None:
    first, second = days([span(23, 25.25, What.KEPT)], ZONE, 0, 2**63)
    assert (second.date - first.date).days == 1
    assert (first.start, first.end) == (MIDNIGHT, second.start)
    assert (first.sums, second.sums) == (
        {What.KEPT: HOUR * SECOND},
        {What.KEPT: int(1.25 * HOUR) * SECOND},
    )
    assert [bool(cell) for cell in first.cells] == [False] * 46 + [True] * 2
    assert [cell.get(What.KEPT, 0) // SECOND for cell in second.cells[:4]] == [1800, 1800, 900, 0]


def test_cells_add_up_to_the_sums_and_shares_leave_out_what_was_off() -> None:
    parts = [
        span(0, 8.1, What.OFF),
        span(8.1, 9.37, What.KEPT),
        span(9.37, 12, What.UNSEEN, "web-engine"),
        span(12, 13, What.HELD, "user"),
        span(13, 17.5, What.BLIND, "died"),
        span(17.5, 18, What.UNEXPLAINED, "silent"),
        span(18, 18.2, What.CLOSED),
    ]
    (day,) = days(parts, ZONE, 0, 2**63)
    for what in What:
        assert sum(cell.get(what, 0) for cell in day.cells) == day.sums.get(what, 0)
    assert len(day.cells) == CELLS
    assert day.watched == int(10.1 * HOUR) * SECOND
    assert day.blind_share == pytest.approx((2.63 + 4.5 + 0.5) / 10.1)
    assert day.share(What.KEPT) == pytest.approx(1.27 / 10.1)
    assert set(day.why) == {"web-engine", "user", "died", "silent"}


def test_a_day_that_was_off_has_no_shares() -> None:
    (day,) = days([span(0, 24, What.OFF)], ZONE, 0, 2**63)
    assert (day.watched, day.blind_share) == (0, 0)


def test_what_lies_outside_is_left_out() -> None:
    parts = [span(0, 10, What.KEPT), span(24 * 365, 24 * 365 + 1, What.KEPT)]
    (day,) = days(parts, ZONE, MIDNIGHT + 4 * HOUR * SECOND, MIDNIGHT + 48 * HOUR * SECOND)
    assert day.sums == {What.KEPT: 6 * HOUR * SECOND}


def test_a_day_names_so_many_reasons_and_no_more(write: Written) -> None:
    """What a hold is called, its PC says."""
    write(0, "start")
    for number in range(3 * MOST_REASONS):
        write(2 * number, "hold", hold=f"h{number}")
        write(2 * number + 1, "release", hold=f"h{number}")
    parts = list(spans(write.entries, "screen", lambda _: []))
    (day,) = days(parts, UTC, 0, 2 * WALL * SECOND)
    assert len(day.why) == MOST_REASONS + 1
    assert sum(day.why.values()) == day.sums[What.HELD] == 3 * MOST_REASONS * SECOND
