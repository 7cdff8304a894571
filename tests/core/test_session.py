"""The session as data: every phase meets every event, holds are a set, and the ledger comes before the effect."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.matching.decide import BLIND, NOT_RECORDED
from agent.core.model.media import Lane
from agent.core.model.rules import Attribute, Hold, Matcher, Policy, Reason
from agent.core.session import (
    ENDING,
    ENDS,
    PHASES,
    RECORDING_LENGTH,
    STOPS,
    UNSEEN,
    CloseRecording,
    Command,
    Drained,
    Event,
    Finish,
    HoldsAre,
    LaneJudged,
    LaneWould,
    OpenRecording,
    Phase,
    PolicyInForce,
    RenewRecording,
    Rest,
    Session,
    Shut,
    Slept,
    Started,
    StopAsked,
    Tick,
    WallJumped,
    Write,
    step,
)

POLICY = Policy("hash-1", 1, "one", ())
OTHER = Policy("hash-2", 2, "two", ())
CALLS = Policy("hash-3", 3, "calls only", (), record_when=(Matcher(Attribute.APP, ("softphone",)),))
CARD = Reason("card-forms", 0)
CLEAN = LaneJudged(Lane.SCREEN, ())
LOCKED = HoldsAre(frozenset({Hold.LOCKED, Hold.DISPLAY_OFF}), frozenset({Hold.LOCKED}))
UNLOCKED = HoldsAre(frozenset({Hold.LOCKED, Hold.DISPLAY_OFF}), frozenset())
USER = HoldsAre(frozenset({Hold.USER}), frozenset({Hold.USER}))

EVENTS: list[Event] = [
    Started(),
    StopAsked(),
    Drained(),
    Tick(),
    Slept(0, 1),
    WallJumped(0, 1),
    PolicyInForce(POLICY),
    PolicyInForce(OTHER),
    PolicyInForce(CALLS),
    LOCKED,
    UNLOCKED,
    USER,
    CLEAN,
    LaneJudged(Lane.SCREEN, (CARD,)),
    LaneJudged(Lane.SCREEN, (Reason("unreadable"),)),
    LaneJudged(Lane.SCREEN, (NOT_RECORDED,)),
    LaneJudged(Lane.AUDIO, (NOT_RECORDED,)),
    LaneJudged(Lane.AUDIO, (BLIND,)),
    LaneWould(Lane.SCREEN, (CARD,)),
]


def play(*events: Event, session: Session | None = None, now: int = 0) -> tuple[Session, list[Command]]:
    session = session or Session()
    commands: list[Command] = []
    for event in events:
        session, more = step(session, event, now)
        commands += more
    return session, commands


def running() -> Session:
    return play(Started(), PolicyInForce(POLICY), CLEAN)[0]


def test_a_session_is_born_held_and_blind() -> None:
    session, commands = play(Started())
    assert not session.keeps(Lane.SCREEN)
    assert commands == [
        Write("start"),
        Write("hold", {"hold": "no-policy"}),
        Write("lane-closed", {"lane": "screen", "rules": ["blind"], "policy": ""}),
    ]


def test_with_a_policy_and_a_clean_look_it_keeps() -> None:
    session, commands = play(Started(), PolicyInForce(POLICY), CLEAN)
    assert session.keeps(Lane.SCREEN)
    assert not session.keeps(Lane.AUDIO)  # nobody has judged that lane
    assert commands[3:] == [
        Write("policy", {"policy": "hash-1", "revision": 1}),
        Write("release", {"hold": "no-policy"}),
        Write("lane-closed", {"lane": "screen", "rules": ["blind"], "policy": "hash-1"}),
        OpenRecording(POLICY),
        Write("lane-open", {"lane": "screen"}),
    ]


def test_a_rule_is_named_by_its_number_and_ours_by_name() -> None:
    _, commands = play(LaneJudged(Lane.SCREEN, (CARD, Reason("unreadable"))), session=running())
    assert commands == [Write("lane-closed", {"lane": "screen", "rules": [0, "unreadable"], "policy": "hash-1"})]


def test_the_same_judgement_twice_is_one_entry() -> None:
    _, commands = play(CLEAN, LaneJudged(Lane.SCREEN, (CARD,)), LaneJudged(Lane.SCREEN, (CARD,)), session=running())
    assert len(commands) == 1


def test_holds_overlap_and_release_one_by_one() -> None:
    session, _ = play(USER, LOCKED, session=running())
    assert session.holds == {Hold.USER, Hold.LOCKED}
    session, _ = play(UNLOCKED, session=session)
    assert session.holds == {Hold.USER}
    assert not session.keeps(Lane.SCREEN)


def test_a_source_never_touches_the_holds_of_others() -> None:
    session, _ = play(USER, HoldsAre(frozenset({Hold.LOCKED}), frozenset({Hold.SPOOL_FULL})), session=running())
    assert session.holds == {Hold.USER}


def test_a_hold_shuts_at_once_and_the_ledger_comes_first() -> None:
    _, commands = play(USER, session=running())
    assert commands == [Write("hold", {"hold": "user"}), Shut()]


def held(*holds: Hold) -> HoldsAre:
    return HoldsAre(frozenset(holds), frozenset(holds))


def released(*holds: Hold) -> HoldsAre:
    return HoldsAre(frozenset(holds), frozenset())


@pytest.mark.parametrize("hold", sorted(ENDING))
def test_some_holds_end_the_recording(hold: Hold) -> None:
    session, commands = play(held(hold), session=running())
    assert [command for command in commands if command != Rest()][-2:] == [Shut(), CloseRecording(hold.value)]
    assert session.opened is None
    _, commands = play(released(hold), session=session)
    assert commands[-1] == OpenRecording(POLICY)


@pytest.mark.parametrize("hold", sorted(set(Hold) - set(ENDING)))
def test_other_holds_leave_a_gap_in_it(hold: Hold) -> None:
    session, commands = play(held(hold), session=running())
    assert commands[-1] == Shut()
    assert session.opened is not None


def test_a_recording_ends_for_the_weightiest_reason() -> None:
    _, commands = play(held(*Hold), StopAsked(), session=running())
    assert [command for command in commands if isinstance(command, CloseRecording)] == [CloseRecording("shutdown")]


def test_the_words_of_the_ledger() -> None:
    assert [end.why for end in ENDS] == [
        *("shutdown", "logoff", "suspended", "locked", "not-in-front", "seat-unknown", "no-policy", "no-signature"),
        *("failed", "stop", "suspended", "interaction", "policy", "hour"),
    ]
    assert [end.why for end in STOPS] == ["shutdown", "logoff", "failed", "stop"]


# -- only during interactions ---------------------------------------------------------------------------------------


def quiet(*lanes: Lane) -> list[Event]:
    return [LaneJudged(lane, (NOT_RECORDED,)) for lane in lanes or (Lane.SCREEN,)]


def turns(commands: list[Command]) -> list[str]:
    """What happens to recordings."""
    return [
        "open" if isinstance(command, OpenRecording) else command.why
        for command in commands
        if isinstance(command, OpenRecording | CloseRecording)
    ]


def test_a_recording_lasts_as_long_as_its_interaction() -> None:
    session, commands = play(Started(), PolicyInForce(CALLS), *quiet())
    assert turns(commands) == []  # nobody is on the phone
    session, commands = play(CLEAN, session=session)
    assert turns(commands) == ["open"]
    session, commands = play(*quiet(), session=session)
    assert turns(commands) == ["interaction"]
    assert turns(play(CLEAN, *quiet(), session=session)[1]) == ["open", "interaction"]


def test_a_rule_that_closes_during_an_interaction_does_not_end_it() -> None:
    session, _ = play(Started(), PolicyInForce(CALLS), CLEAN)
    assert turns(play(LaneJudged(Lane.SCREEN, (CARD,)), CLEAN, session=session)[1]) == []


def test_an_interaction_out_of_sight_goes_on_and_none_begins() -> None:
    blind = LaneJudged(Lane.SCREEN, (BLIND,))
    session, commands = play(Started(), PolicyInForce(CALLS), blind, *quiet(), blind)
    assert turns(commands) == []
    assert turns(play(CLEAN, blind, *quiet(), session=session)[1]) == ["open", "interaction"]


def test_one_lane_that_sees_an_interaction_is_enough() -> None:
    session, _ = play(Started(), PolicyInForce(CALLS), CLEAN, *quiet(Lane.AUDIO))
    assert session.opened is not None
    assert turns(play(*quiet(), session=session)[1]) == ["interaction"]


def test_what_another_policy_saw_begins_no_interaction_under_this_one() -> None:
    seen = play(CLEAN, LaneJudged(Lane.AUDIO, ()), session=running())[0]
    _, commands = play(PolicyInForce(CALLS), LaneJudged(Lane.SCREEN, (BLIND,)), *quiet(), session=seen)
    assert turns(commands) == ["policy"]


def test_a_start_names_the_boot_that_the_clock_counts_from() -> None:
    assert play(Started("b-1"))[1][0] == Write("start", {"boot": "b-1"})


def test_a_sleep_that_nobody_told_of_ends_the_recording_too() -> None:
    session, commands = play(Slept(5, 9), session=running(), now=9)
    assert commands == [
        Write("slept", {"from": 5, "to": 9}),
        Shut(),
        CloseRecording("suspended"),
        OpenRecording(POLICY),
    ]
    assert session.opened == 9
    assert play(Tick(), session=session)[1] == []


def test_a_sleep_that_was_told_of_is_only_written_down() -> None:
    suspended = frozenset({Hold.SUSPENDED})
    session, _ = play(HoldsAre(suspended, suspended), session=running())
    assert play(Slept(5, 9), session=session)[1] == [Write("slept", {"from": 5, "to": 9})]


def test_a_sleep_that_is_announced_may_come_once_the_recording_is_closed() -> None:
    suspended = frozenset({Hold.SUSPENDED})
    session, commands = play(HoldsAre(suspended, suspended), session=running())
    assert commands == [Write("hold", {"hold": "suspended"}), Shut(), CloseRecording("suspended"), Rest()]
    assert play(HoldsAre(suspended, suspended), session=session)[1] == []
    locked = frozenset({Hold.LOCKED})
    session, _ = play(HoldsAre(locked, locked), session=running())
    assert play(HoldsAre(suspended, suspended), session=session)[1][-1] == Rest()  # nothing was open: at once


def test_a_wall_clock_that_was_set_is_an_entry_and_changes_nothing() -> None:
    session, commands = play(WallJumped(7, 9), session=running())
    assert (session, commands) == (running(), [Write("wall-jumped", {"before": 7, "after": 9})])


def test_a_recording_lasts_at_most_an_hour() -> None:
    session = running()
    assert step(session, Tick(), RECORDING_LENGTH - 1)[1] == ()
    session, commands = step(session, Tick(), RECORDING_LENGTH)
    assert commands == (RenewRecording(POLICY, "hour"),)
    assert session.opened == RECORDING_LENGTH


def test_another_policy_begins_another_recording() -> None:
    _, commands = play(PolicyInForce(OTHER), session=running())
    assert commands == [
        Write("policy", {"policy": "hash-2", "revision": 2}),
        CloseRecording("policy"),
        OpenRecording(OTHER),
    ]


def test_numbers_of_rules_are_told_anew_under_another_policy() -> None:
    session, _ = play(LaneJudged(Lane.SCREEN, (CARD,)), session=running())
    _, commands = play(PolicyInForce(OTHER), session=session)
    assert Write("lane-closed", {"lane": "screen", "rules": [0], "policy": "hash-2"}) in commands


def test_stopping_closes_drains_and_says_so() -> None:
    session, commands = play(StopAsked(), session=running())
    assert commands == [Shut(), CloseRecording("stop"), Finish()]
    session, commands = play(Drained(), session=session)
    assert commands == [Write("stop", {"why": "stop"})]
    assert session.phase is Phase.STOPPED


@pytest.mark.parametrize("hold", [Hold.SHUTDOWN, Hold.LOGOFF])
def test_the_end_of_the_account_says_what_ended_the_session(hold: Hold) -> None:
    _, commands = play(held(hold), held(Hold.LOCKED), StopAsked(), Drained(), session=running())
    assert CloseRecording(hold.value) in commands
    assert commands[-1] == Write("stop", {"why": hold.value})


def test_a_run_that_ends_blind_has_failed() -> None:
    _, commands = play(held(Hold.BLIND), StopAsked(), Drained(), session=running())
    assert CloseRecording("failed") in commands
    assert commands[-1] == Write("stop", {"why": "failed"})


def test_stopping_while_locked_names_the_stop_once() -> None:
    session, _ = play(LOCKED, session=running())
    _, commands = play(StopAsked(), session=session)
    assert commands == [Finish()]


@pytest.mark.parametrize(("phase", "event"), list(product(Phase, EVENTS)))
def test_every_phase_meets_every_event(phase: Phase, event: Event) -> None:
    session = Session(
        phase=phase,
        holds=frozenset(),
        closed={Lane.SCREEN: ()},
        policy=POLICY,
        opened=0 if phase is Phase.RUNNING else None,
    )
    after, commands = step(session, event, 1)
    assert after.phase is PHASES.get((phase, type(event).__name__), phase)
    assert (after.opened is not None) == after.wants_recording()
    if phase is Phase.STOPPED and not isinstance(event, Started):
        assert not any(isinstance(command, OpenRecording) for command in commands)


@given(st.lists(st.sampled_from(EVENTS), max_size=30))
def test_the_books_always_balance(events: list[Event]) -> None:
    """Recordings open and close in turn, the ledger's holds and lanes are the session's, keeping needs a clean look."""
    session, commands = play(Started(), *events)
    turns = [command for command in commands if isinstance(command, OpenRecording | CloseRecording)]
    assert all(isinstance(turn, OpenRecording) == (place % 2 == 0) for place, turn in enumerate(turns))
    assert (len(turns) % 2 == 1) == (session.opened is not None)
    held: set[object] = set()
    for command in commands:
        if isinstance(command, Write) and command.kind == "hold":
            held.add(command.fields["hold"])
        elif isinstance(command, Write) and command.kind == "release":
            held.remove(command.fields["hold"])
    assert held == {hold.value for hold in session.holds}
    assert not session.keeps(Lane.SCREEN) or session.closed[Lane.SCREEN] == ()
    assert session.closed[Lane.SCREEN] != UNSEEN or not session.keeps(Lane.SCREEN)


# -- rules that are only tried ------------------------------------------------------------------------------------


def test_what_would_have_closed_is_written_down() -> None:
    session, commands = play(LaneWould(Lane.AUDIO, (CARD,)), LaneWould(Lane.AUDIO, (CARD,)), session=running())
    assert commands == [Write("would-close", {"lane": "audio", "rules": [0], "policy": "hash-1"})]
    assert session.keeps(Lane.SCREEN)
    _, commands = play(LaneWould(Lane.AUDIO, ()), session=session)
    assert commands == [Write("would-close", {"lane": "audio", "rules": [], "policy": "hash-1"})]


@pytest.mark.parametrize("event", [USER, StopAsked(), PolicyInForce(OTHER)])
def test_where_nobody_looks_nothing_would_have_closed(event: Event) -> None:
    session, _ = play(LaneWould(Lane.SCREEN, (CARD,)), session=running())
    session, commands = play(event, session=session)
    assert session.would.get(Lane.SCREEN, ()) == ()
    assert "would-close" in {command.kind for command in commands if isinstance(command, Write)}
