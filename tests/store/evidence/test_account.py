"""The account of a recording: every nanosecond has one cause, and the causes are the ledger's."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.evidence.account import (
    MOST_HOLDS,
    UNPROVEN,
    BlindCause,
    Cause,
    Closed,
    Entry,
    Held,
    Interval,
    Kept,
    Missing,
    NotKept,
    Part,
    account,
    by_reason,
    by_rule,
    states,
    totals,
    union,
    without,
)
from store.evidence.isolation import Unreadable, isolated
from store.evidence.verify.recording import overlapping

POLICY = "a" * 64
CARDS = Closed(POLICY, (0,))
NOTES = Closed(POLICY, (1, "unreadable"))
USER = Held(("user",))
LOST = Missing("lost")


def entries(*told: tuple[int, str, dict[str, object]]) -> list[Entry]:
    return [Entry(number, at, kind, fields) for number, (at, kind, fields) in enumerate(told)]


def closed(at: int, *rules: int | str, lane: str = "screen") -> tuple[int, str, dict[str, object]]:
    return (at, "lane-closed", {"lane": lane, "rules": list(rules), "policy": POLICY})


def opened(at: int, lane: str = "screen") -> tuple[int, str, dict[str, object]]:
    return (at, "lane-open", {"lane": lane})


def hold(at: int, name: str, **told: object) -> tuple[int, str, dict[str, object]]:
    return (at, "hold", {"hold": name, **told})


def release(at: int, name: str) -> tuple[int, str, dict[str, object]]:
    return (at, "release", {"hold": name})


# -- states -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        pytest.param([], (), id="nothing told"),
        pytest.param([closed(110, 0), opened(130)], (NotKept(10, 30, CARDS),), id="a closing"),
        pytest.param([closed(110, 0)], (NotKept(10, None, CARDS),), id="never opened again"),
        pytest.param([closed(40, 0), opened(130)], (NotKept(-60, 30, CARDS),), id="closed before the recording began"),
        pytest.param(
            [closed(110, 0), closed(120, 1, "unreadable"), opened(130)],
            (NotKept(10, 20, CARDS), NotKept(20, 30, NOTES)),
            id="other rules take over",
        ),
        pytest.param([closed(110, 0, lane="audio"), opened(130, "audio")], (), id="another lane"),
        pytest.param(
            [closed(110, 0), hold(115, "user"), release(125, "user"), opened(130)],
            (NotKept(10, 15, CARDS), NotKept(15, 25, USER), NotKept(25, 30, CARDS)),
            id="a hold stands above a closing",
        ),
        pytest.param(
            [hold(110, "user"), hold(112, "locked"), release(115, "user"), release(120, "locked")],
            (NotKept(10, 12, USER), NotKept(12, 15, Held(("user", "locked"))), NotKept(15, 20, Held(("locked",)))),
            id="releasing one hold never releases another",
        ),
        pytest.param(
            [
                hold(110, "user", reason=1, policy=POLICY),
                hold(112, "locked", reason=2, policy=POLICY),
                hold(115, "user", reason="break"),
                release(120, "user"),
                release(125, "locked"),
                hold(130, "user", reason=[1]),
                release(135, "user"),
            ],
            (
                NotKept(10, 12, Held(("user",), 1, POLICY)),
                NotKept(12, 15, Held(("user", "locked"), 1, POLICY)),
                NotKept(15, 20, Held(("user", "locked"), "break")),
                NotKept(20, 25, Held(("locked",))),
                NotKept(30, 35, USER),
            ),
            id="the person's reason, until they ask anew or release",
        ),
        pytest.param([release(110, "user"), opened(120)], (), id="an end without a beginning"),
        pytest.param(
            [closed(110, "blind"), opened(130)], (NotKept(10, 30, BlindCause("blind")),), id="closed for blindness"
        ),
        pytest.param(
            [hold(110, "blind"), release(130, "blind")], (NotKept(10, 30, BlindCause("blind")),), id="held for it"
        ),
        pytest.param(
            [hold(110, "blind"), hold(110, "user"), release(130, "user"), release(130, "blind")],
            (NotKept(10, 30, USER),),
            id="blind and held is held",
        ),
        pytest.param([closed(110), opened(130)], (NotKept(10, 30, Closed(POLICY, ())),), id="closed without a rule"),
        pytest.param(
            [(200, "blind-since", {"from": 120, "to": 180, "why": "died"})],
            (NotKept(20, 80, BlindCause("died")),),
            id="told after a death",
        ),
        pytest.param([hold(110, "locked"), release(110, "locked")], (), id="what lasted no time"),
        pytest.param([(200, "slept", {"from": 150, "to": 120})], (), id="what ended before it began"),
        pytest.param(
            [
                (150, "slept", {"from": 120, "to": True}),
                closed(160, True, 0),
                opened(170),
                hold(180, "user", reason=True),
            ],
            (NotKept(20, 50, Held(("suspended",))), NotKept(60, 70, CARDS), NotKept(80, None, USER)),
            id="true is no number",
        ),
        pytest.param([opened(130), closed(110, 0)], (NotKept(10, None, CARDS),), id="by number, whatever the clock"),
        pytest.param([(110, "heads", {"heads": {}}), (120, "policy", {})], (), id="other kinds say nothing of it"),
    ],
)
def test_states(told: list[tuple[int, str, dict[str, object]]], expected: tuple[NotKept, ...]) -> None:
    assert states(entries(*told), "screen", zero=100) == expected


# -- account ------------------------------------------------------------------------------------------------------


def parts(*told: tuple[int, int, Cause] | tuple[int, int, Cause, str]) -> tuple[Part, ...]:
    return tuple(Part(start, end, cause, margin=bool(rest)) for start, end, cause, *rest in told)


@pytest.mark.parametrize(
    ("kept", "stated", "missing", "expected"),
    [
        pytest.param([(0, 100)], [], [], parts((0, 100, Kept())), id="all kept"),
        pytest.param([(0, 40), (40, 100)], [], [], parts((0, 100, Kept())), id="chunks side by side have no seam"),
        pytest.param([(0, 60), (30, 100)], [], [], parts((0, 100, Kept())), id="two monitors are one time"),
        pytest.param([(0, 150)], [], [], parts((0, 100, Kept())), id="never more than the whole"),
        pytest.param(
            [(0, 40), (70, 100)],
            [NotKept(43, 60, CARDS)],
            [],
            parts(
                (0, 40, Kept()),
                (40, 43, CARDS, "margin"),
                (43, 60, CARDS),
                (60, 70, CARDS, "margin"),
                (70, 100, Kept()),
            ),
            id="the margins belong to the closing",
        ),
        pytest.param(
            [(0, 40), (80, 100)],
            [NotKept(45, 50, CARDS), NotKept(60, 70, NOTES)],
            [],
            parts(
                (0, 40, Kept()),
                (40, 45, CARDS, "m"),
                (45, 50, CARDS),
                (50, 60, CARDS, "m"),
                (60, 70, NOTES),
                (70, 80, NOTES, "m"),
                (80, 100, Kept()),
            ),
            id="between two closings it is the first one's",
        ),
        pytest.param(
            [(0, 50), (50, 100)], [NotKept(45, 55, CARDS)], [], parts((0, 100, Kept())), id="what is kept is kept"
        ),
        pytest.param(
            [(20, 80)],
            [],
            [],
            parts((0, 20, BlindCause(UNPROVEN)), (20, 80, Kept()), (80, 100, BlindCause(UNPROVEN))),
            id="without a state it was not proven",
        ),
        pytest.param(
            [(0, 40), (80, 100)],
            [],
            [(Interval(40, 80), LOST)],
            parts((0, 40, Kept()), (40, 80, LOST), (80, 100, Kept())),
            id="a lost chunk is no closing",
        ),
        pytest.param(
            [(0, 40), (90, 100)],
            [NotKept(60, 70, CARDS)],
            [(Interval(40, 80), LOST)],
            parts(
                (0, 40, Kept()),
                (40, 60, LOST),
                (60, 70, CARDS),
                (70, 80, LOST),
                (80, 90, BlindCause(UNPROVEN)),
                (90, 100, Kept()),
            ),
            id="beside lost time there is no margin",
        ),
        pytest.param(
            [(30, 100)],
            [NotKept(-50, 20, USER)],
            [],
            parts((0, 20, USER), (20, 30, USER, "m"), (30, 100, Kept())),
            id="a hold from before the recording",
        ),
        pytest.param([], [NotKept(40, None, CARDS)], [], parts((0, 40, CARDS, "m"), (40, 100, CARDS)), id="to the end"),
        pytest.param(
            [],
            [NotKept(20, 60, CARDS), NotKept(0, 100, BlindCause("died"))],
            [],
            parts((0, 20, BlindCause("died")), (20, 60, CARDS), (60, 100, BlindCause("died"))),
            id="the earlier of two states counts",
        ),
    ],
)
def test_account(
    kept: list[tuple[int, int]],
    stated: list[NotKept],
    missing: list[tuple[Interval, Missing]],
    expected: tuple[Part, ...],
) -> None:
    assert account(100, [Interval(*span) for span in kept], stated, missing) == expected


def test_what_one_monitor_kept_does_not_hide_what_the_other_lost() -> None:
    found = account(12, [Interval(0, 12), Interval(0, 4), Interval(8, 12)], (), [(Interval(4, 8), LOST)])
    assert found == (Part(0, 4, Kept()), Part(4, 8, LOST), Part(8, 12, Kept()))


def test_of_what_is_missing_twice_the_first_counts() -> None:
    later = Missing("not-here-yet")
    found = account(12, [], (), [(Interval(2, 6), LOST), (Interval(4, 12), later)], otherwise=later)
    assert found == (Part(0, 2, later), Part(2, 6, LOST), Part(6, 12, later))


def test_a_recording_without_any_length_has_no_parts() -> None:
    assert account(0, [Interval(0, 10)], [NotKept(0, None, CARDS)]) == ()


def test_what_nothing_explains_can_be_called_otherwise() -> None:
    assert account(10, [], otherwise=Missing("no-ledger")) == parts((0, 10, Missing("no-ledger")))


# -- for any input ------------------------------------------------------------------------------------------------

moments = st.integers(-50, 250)
spans = st.tuples(moments, moments).map(lambda two: Interval(*sorted(two)))
causes = st.sampled_from([CARDS, NOTES, USER, BlindCause("blind")])
any_state = st.builds(
    lambda span, cause, ends: NotKept(span.start, span.end if ends else None, cause), spans, causes, st.booleans()
)
inputs = (st.integers(0, 200), st.lists(spans), st.lists(any_state), st.lists(st.tuples(spans, st.just(LOST))))


@given(*inputs)
def test_the_parts_always_add_up_exactly_to_the_whole(
    length: int, kept: list[Interval], stated: list[NotKept], missing: list[tuple[Interval, Missing]]
) -> None:
    found = account(length, kept, stated, missing)
    assert [found[0].start, found[-1].end] == [0, length] if length else found == ()
    assert all(one.end == next_one.start for one, next_one in pairwise(found))
    assert all(part.start < part.end for part in found)
    assert all((one.cause, one.margin) != (next_one.cause, next_one.margin) for one, next_one in pairwise(found))
    sums = totals(found)
    assert sums.kept + sums.closed + sums.closed_margin + sums.held + sums.blind + sums.missing == length
    reasons = by_reason(found)
    assert sum(reasons["blind"].values()) == sums.blind
    assert sum(reasons["missing"].values()) == sums.missing


@given(*inputs)
def test_every_moment_has_the_cause_that_its_inputs_give_it(
    length: int, kept: list[Interval], stated: list[NotKept], missing: list[tuple[Interval, Missing]]
) -> None:
    for part in account(length, kept, stated, missing):
        for at in range(part.start, part.end):
            lost = any(start <= at < end for (start, end), _ in missing)
            if not lost and any(start <= at < end for start, end in kept):
                assert part.cause == Kept()
                continue
            covering = [state for state in stated if state.start <= at and (state.end is None or at < state.end)]
            if covering:
                assert (part.cause, part.margin) == (covering[0].cause, False)
            elif lost:
                assert part.cause == LOST
            else:
                assert part.margin or part.cause == BlindCause(UNPROVEN)


@given(st.lists(spans))
def test_a_union_is_the_same_time_without_overlaps(intervals: list[Interval]) -> None:
    merged = union(intervals)
    covered = {at for start, end in intervals for at in range(start, end)}
    assert {at for start, end in merged for at in range(start, end)} == covered
    assert all(one.end < next_one.start for one, next_one in pairwise(merged))


ledger_kinds = st.sampled_from(["hold", "release", "lane-closed", "lane-open", "heads", "blind-since"])
any_entries = st.lists(
    st.builds(
        Entry,
        seq=st.integers(0, 9),
        at=moments,
        kind=ledger_kinds,
        fields=st.dictionaries(
            st.sampled_from(["hold", "lane", "rules", "policy", "from", "to"]),
            st.sampled_from(["user", "blind", "screen", [0], [0, "unreadable"], ["blind"], [None], 7, None, {}]),
        ),
    )
)


@given(any_entries, st.integers(0, 200), st.lists(spans))
def test_no_ledger_can_break_the_account(told: list[Entry], length: int, kept: list[Interval]) -> None:
    found = account(length, kept, states(told, "screen", 0))
    assert sum(part.end - part.start for part in found) == length
    by_rule(found)


# -- sums ---------------------------------------------------------------------------------------------------------


def test_rules_get_their_time_margins_and_how_often_they_spoke() -> None:
    found = account(
        100,
        [Interval(0, 10), Interval(40, 60), Interval(90, 100)],
        [NotKept(12, 20, CARDS), NotKept(20, 30, Closed(POLICY, (0, "unreadable"))), NotKept(70, 80, CARDS)],
    )
    rules = {time.rule: time for time in by_rule(found)}
    assert [rules[0].closed, rules[0].margin, rules[0].times] == [8 + 10 + 10, 2 + 10 + 10 + 10, 2]
    assert [rules["unreadable"].closed, rules["unreadable"].margin, rules["unreadable"].times] == [10, 10, 1]
    assert rules[0].policy == POLICY
    assert rules["unreadable"].policy == ""
    assert [time.rule for time in by_rule(found)] == [0, "unreadable"]
    sums = totals(found)
    assert [sums.kept, sums.closed, sums.closed_margin] == [40, 28, 32]


def test_one_rule_of_two_policies_is_two_rules() -> None:
    other = "b" * 64
    found = account(20, [], [NotKept(0, 10, CARDS), NotKept(10, 20, Closed(other, (0,)))])
    assert {(time.policy, time.rule, time.closed) for time in by_rule(found)} == {(POLICY, 0, 10), (other, 0, 10)}


def test_reasons_of_the_rest() -> None:
    found = account(
        100,
        [Interval(0, 10)],
        [NotKept(10, 30, Held(("user", "locked"))), NotKept(50, 60, BlindCause("died"))],
        [(Interval(60, 80), LOST)],
    )
    assert by_reason(found) == {
        "held": {"user": 40, "locked": 40},
        "blind": {"died": 10, UNPROVEN: 20},
        "missing": {"lost": 20},
    }


# -- the slow and plain way, which the account must agree with ----------------------------------------------------

TIME = st.integers(-3, 14)
CAUSE = st.sampled_from([CARDS, NOTES, USER, BlindCause("blind")])
STATE = st.builds(NotKept, TIME, st.none() | TIME, CAUSE)
SPAN = st.builds(Interval, TIME, TIME)


@given(st.lists(STATE, max_size=8), SPAN)
def test_a_span_overlaps_what_it_overlaps_one_by_one(stated: list[NotKept], span: Interval) -> None:
    """States without an end, spans of no length, and what lies the wrong way round in a catalog that was changed."""
    plain = any((one.end is None or span.start < one.end) and one.start < span.end for one in stated)
    assert overlapping(stated)(span) == plain


def plainly_without(intervals: list[Interval], taken: list[Interval]) -> list[Interval]:
    left = []
    for start, end in intervals:
        for from_, to in taken:
            if start < from_ < end:
                left.append(Interval(start, from_))
            if from_ < end and start < to:
                start = to  # noqa: PLW2901 - as it was
        if start < end:
            left.append(Interval(start, end))
    return left


@given(st.lists(SPAN, max_size=6), st.lists(SPAN, max_size=6))
def test_what_is_left_beside_what_is_taken(intervals: list[Interval], taken: list[Interval]) -> None:
    whole, away = union(intervals), union(taken)
    assert list(without(whole, away)) == plainly_without(whole, away)


@given(st.integers(1, 12), st.lists(SPAN, max_size=4), st.lists(STATE, max_size=8), st.lists(SPAN, max_size=3))
def test_each_moment_has_the_cause_of_the_uppermost_layer(
    length: int, kept: list[Interval], stated: list[NotKept], lost: list[Interval]
) -> None:
    painted: list[Cause | None] = [None] * length  # by ns, the upper layers over the lower ones
    layers: list[tuple[int, int, Cause]] = [(*one, LOST) for one in lost]
    layers += [(one.start, length if one.end is None else one.end, one.cause) for one in stated[::-1]]
    layers += [(*one, Kept()) for one in plainly_without(union(kept), union(lost))]
    for start, end, cause in layers:
        for moment in range(max(0, start), min(length, end)):
            painted[moment] = cause
    parts = account(length, kept, stated, [(one, LOST) for one in lost])
    told = {moment: part for part in parts for moment in range(part.start, part.end)}
    for moment, cause in enumerate(painted):
        own = not told[moment].margin and told[moment].cause != BlindCause(UNPROVEN)
        assert (told[moment].cause if own else None) == cause


def test_a_pc_that_names_ever_other_holds_makes_no_state_of_them_all() -> None:
    told = entries(*((at, "hold", {"hold": f"h{at}"}) for at in range(200)), (200, "release", {"hold": "h0"}))
    found = states(told, "screen", 0)
    assert len(found) == MOST_HOLDS + 1
    assert max(len(one.cause.holds) for one in found if isinstance(one.cause, Held)) == MOST_HOLDS


def test_a_pc_whose_account_takes_all_memory_is_named() -> None:
    def read() -> None:
        raise MemoryError

    assert isolated(read) == Unreadable("MemoryError")
