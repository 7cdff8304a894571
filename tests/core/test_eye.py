"""One lane of the eye, from looks to what is kept: judgement, proof and gate together, and the law over all of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import given
from hypothesis import strategies as st

from agent.core.clearance import Timing
from agent.core.eye import BLIND, Eye
from agent.core.ghosts import Ghost
from agent.core.model import (
    Alarm,
    Attribute,
    Blind,
    Box,
    Browsing,
    Effect,
    Glimpse,
    Lane,
    LaneEffect,
    Look,
    Matcher,
    Page,
    Policy,
    Reason,
    Rule,
    Scene,
    Span,
    Window,
)

PATIENCE = 1000
CHART = Rule(0, "charts", "", (Matcher(Attribute.APP, ("chart",)),), stay_closed=20)
TILL = Rule(1, "till", "", (Matcher(Attribute.APP, ("till",)),))
POLICY = Policy("now", 1, "test", (CHART, TILL))
TIMING = Timing(settle=0, hindsight=5, max_gap=50)


@dataclass(frozen=True)
class Picture:
    span: Span
    stream: int = 0
    whole: bool = True
    repeats: bool = False

    @property
    def changed(self) -> int:
        return self.span.start


def seen(*apps: str) -> Scene:
    return Scene(tuple(Window(n, app, app, n, Box(0, 0, 9, 9), shown=True) for n, app in enumerate(apps)))


NOTES, WITH_CHART, WITH_BOTH = seen("notes"), seen("notes", "chart"), seen("chart", "till")


def eye(*witnesses: str) -> Eye[Picture]:
    made: Eye[Picture] = Eye(Lane.SCREEN, witnesses or ("w",), PATIENCE, now=0)
    made.put_in_force(POLICY, dict.fromkeys(witnesses or ("w",), TIMING), now=0)
    return made


def look(at: int, what: Scene | Blind = NOTES, witness: str = "w", policy: str = "now") -> Look:
    return Look(witness, at, at + 1, policy, what)


def test_a_look_that_knows_the_display_to_be_behind_opens_later() -> None:
    made = eye()
    made.see(replace(look(10), lag=30))
    made.see(look(40))
    made.see(look(60))
    made.push(Picture(Span(41, 42)))
    made.push(Picture(Span(42, 43)))
    assert [item.span.start for item in made.judge(61).released] == [42]


def test_without_a_policy_nothing_counts() -> None:
    made: Eye[Picture] = Eye(Lane.SCREEN, ("w",), PATIENCE, now=0)
    assert not made.counts(look(10))
    assert not made.counts(look(10, policy=""))
    made.see(look(10))
    made.push(Picture(Span(20, 21)))
    made.see(look(30))
    assert made.judge(30).released == ()
    assert made.reasons == BLIND


def test_a_picture_between_two_clean_looks_is_kept() -> None:
    made, picture = eye(), Picture(Span(20, 21))
    made.see(look(10))
    made.push(picture)
    assert made.judge(25).released == ()
    made.see(look(27))
    assert made.judge(27).released == (picture,)
    assert made.reasons == ()
    assert made.asked("w") == 27


def test_a_look_judged_with_another_policy_does_not_count() -> None:
    made = eye()
    assert made.counts(look(10))
    assert not made.counts(look(10, policy="before"))
    made.see(look(10, policy="before"))
    assert made.reasons == BLIND


def test_a_policy_that_comes_into_force_makes_all_looks_worthless() -> None:
    made = eye()
    made.see(look(10))
    made.push(Picture(Span(20, 21)))
    made.put_in_force(Policy("then", 2, "test", ()), {"w": TIMING}, now=25)
    made.see(look(30, policy="then"))
    assert made.judge(30).dropped == (Picture(Span(20, 21)),)
    assert made.timing("w") is TIMING


def test_reasons_are_told_once_and_in_order() -> None:
    made = eye("w", "v")
    made.see(look(10, WITH_BOTH))
    made.see(look(10, WITH_CHART, witness="v"))
    assert [reason.id for reason in made.reasons] == ["charts", "till"]


def test_a_look_that_was_asked_before_the_alarm_changes_nothing() -> None:
    made = eye()
    made.alarm(Alarm("w", 25, "message lost"))
    made.see(look(20))
    assert made.reasons == BLIND


def test_blindness_closes() -> None:
    made = eye()
    made.see(look(10, Blind.UNEXPLAINED))
    assert made.reasons == BLIND
    made.see(look(20))
    assert made.reasons == ()
    made.alarm(Alarm("w", 25, "silence"))
    assert made.reasons == BLIND
    assert made.asked("w") is None


def test_a_witness_whose_clock_runs_backwards_closes() -> None:
    made = eye()
    made.see(look(10))
    made.see(Look("w", 30, 29, "now", NOTES))
    assert made.reasons == BLIND


def test_a_rule_that_stays_closed_delays_the_first_picture() -> None:
    made = eye()
    made.see(look(10, WITH_CHART))
    made.see(look(15))
    assert made.provable_after == 31


def test_with_record_when_only_interactions_are_kept_and_what_comes_shortly_after() -> None:
    calls = Policy("calls", 1, "test", (TILL,), record_when=(Matcher(Attribute.APP, ("phone",)),), keep_recording=30)
    made = eye()
    made.put_in_force(calls, {"w": TIMING}, now=0)
    made.see(look(5, policy="calls"))
    assert [reason.id for reason in made.reasons] == ["not-recorded"]
    made.see(look(10, seen("phone"), policy="calls"))
    assert made.reasons == ()
    made.see(look(41, policy="calls"))
    assert made.reasons == ()
    made.see(look(42, policy="calls"))
    assert [reason.id for reason in made.reasons] == ["not-recorded"]


def kept(made: Eye[Picture], now: int) -> None:
    """Let go what may go, as the daemon does."""
    for item in made.judge(now).released:
        made.kept(item)


def test_where_kept_time_ends() -> None:
    made = eye()
    assert made.end_of_kept() is None
    made.see(look(10))
    made.push(Picture(Span(20, 21)))
    for at in (40, 60, 80):
        made.see(look(at))
    kept(made, 80)
    # The last look's question less the hindsight: the unchanged picture stood until there.
    assert made.end_of_kept() == 75
    assert made.end_of_kept() is None


def test_kept_time_never_reaches_past_a_picture_that_was_dropped() -> None:
    made = eye()
    made.see(look(10))
    made.push(Picture(Span(20, 21)))
    for at in (40, 60, 80):
        made.see(look(at))
    kept(made, 80)
    made.lost((Picture(Span(50, 52)),))
    assert made.end_of_kept() == 50


def test_kept_time_never_ends_before_what_was_released() -> None:
    made = eye()
    made.see(look(10))
    made.push(Picture(Span(20, 30)))
    made.see(look(40))
    kept(made, 40)
    made.lost((Picture(Span(25, 26)),))
    assert made.end_of_kept() == 30


def test_once_a_witness_has_closed_the_others_catch_up_with_what_it_had_proven() -> None:
    made = eye("w", "v")
    for witness in ("w", "v"):
        made.see(look(10, witness=witness))
    made.push(Picture(Span(20, 21)))
    for at in (40, 60):
        made.see(look(at))
        made.see(look(at, witness="v"))
    kept(made, 61)
    made.see(look(70, witness="v"))
    made.see(look(72, WITH_CHART, witness="v"))
    made.still(0)
    assert not made.stretch_is_over(73)  # w has proven until 55 only, v until 65
    made.see(look(90))
    assert made.stretch_is_over(90)
    assert made.end_of_kept() == 65


def test_a_still_screen_is_kept_until_the_eye_closed() -> None:
    made = eye()
    made.see(look(10))
    made.push(Picture(Span(20, 21)))
    for at in (40, 60):
        made.see(look(at))
    kept(made, 61)
    made.push(Picture(Span(62, 63), repeats=True))
    made.see(look(80, WITH_CHART))
    kept(made, 82)  # drops the repeat, which says nothing new
    assert not made.stretch_is_over(82)
    made.still(78)
    assert made.stretch_is_over(82)
    assert made.end_of_kept() == 78


def test_sound_never_stands_still() -> None:
    made: Eye[Picture] = Eye(Lane.AUDIO, ("w",), patience=100, now=0)
    made.put_in_force(POLICY, {"w": TIMING}, now=0)
    for at in (10, 40, 60):
        made.see(look(at))
    made.push(Picture(Span(20, 21)))
    kept(made, 61)
    made.see(look(80, WITH_CHART))
    assert made.stretch_is_over(82)


def test_what_lingers_on_the_display_is_not_heard() -> None:
    for lane, waits in ((Lane.SCREEN, True), (Lane.AUDIO, False)):
        made: Eye[Picture] = Eye(lane, ("w",), PATIENCE, now=0)
        made.put_in_force(POLICY, {"w": replace(TIMING, lingers=30)}, now=0)
        made.see(Look("w", 10, 11, "now", NOTES))
        assert made.provable_after == (41 if waits else 11)
        made.see(haunting(20, (Ghost(left=11, until=60),)))
        assert made.provable_after == (60 if waits else 11)


def test_nothing_is_kept_from_before_the_account_says_that_the_lane_is_open() -> None:
    made = eye()
    made.see(Look("w", 10, 11, "now", NOTES))
    made.opened(14)
    made.push(Picture(Span(12, 13)))
    made.push(Picture(Span(15, 16)))
    made.see(Look("w", 30, 31, "now", NOTES))
    outcome = made.judge(32)
    assert [one.span for one in outcome.released] == [Span(15, 16)]
    assert [one.span for one in outcome.dropped] == [Span(12, 13)]


def test_what_is_let_go_after_a_break_begins_anew() -> None:
    made = eye("w", "v")
    for witness in ("w", "v"):
        made.see(look(10, witness=witness))
    first, second = Picture(Span(20, 21)), Picture(Span(60, 61))
    made.push(first)
    made.see(look(40, witness="v"))
    made.see(look(24))
    kept(made, 42)  # what v has covered stays covered
    made.see(look(44, seen("till"), witness="v"))
    made.see(look(50, witness="v"))
    made.push(second)
    made.see(look(70, witness="v"))
    made.see(look(71))
    assert made.judge(72).released == (first, second)
    assert not made.begins_anew(first)
    made.kept(first)
    assert made.begins_anew(second)
    assert made.end_of_kept(second) == 35
    made.kept(second)
    assert not made.stretch_is_over(73)


def test_drop_all() -> None:
    made = eye()
    made.push(Picture(Span(20, 21)))
    assert made.waiting == (Picture(Span(20, 21)),)
    assert made.drop_all().dropped == (Picture(Span(20, 21)),)
    assert made.waiting == ()


@st.composite
def days(draw: st.DrawFn) -> tuple[list[tuple[int, int]], list[Look | Alarm | Picture]]:
    """When a chart really was in view, and what a truthful witness and a camera made of it, in order."""
    now, charts, acts = 1, [], []
    for _ in range(draw(st.integers(0, 4))):
        start = now + draw(st.integers(0, 60))
        end = start + draw(st.integers(1, 60))
        charts.append((start, end))
        now = end + 1

    def dirty(start: int, end: int) -> bool:
        """A look covers every moment since the one before."""
        return any(a <= end and start <= b for a, b in charts)

    now, since = 0, 0
    for _ in range(draw(st.integers(0, 40))):
        now += draw(st.integers(1, 15))
        match draw(st.sampled_from(["look", "look", "picture", "alarm"])):
            case "look":
                answered = now + draw(st.integers(0, 5))
                acts.append(Look("w", now, answered, "now", WITH_CHART if dirty(since, answered) else NOTES))
                now = since = answered
            case "picture":
                end = now + draw(st.integers(0, 5))
                acts.append(Picture(Span(now, end), whole=draw(st.booleans())))
                now = end
            case _:
                acts.append(Alarm("w", now, "x"))
    return charts, acts


@given(days())
def test_no_released_picture_ever_touches_a_chart(
    day: tuple[list[tuple[int, int]], list[Look | Alarm | Picture]],
) -> None:
    charts, acts = day
    made = eye()
    released: list[Picture] = []
    for act in acts:
        match act:
            case Look():
                made.see(act)
                now = act.answered
            case Alarm():
                made.alarm(act)
                now = act.at
            case Picture():
                made.push(act)
                now = act.span.end
        released += made.judge(now).released
    for picture in released:
        for start, end in charts:
            assert picture.span.end + TIMING.hindsight < start or end < picture.span.start


# -- several witnesses --------------------------------------------------------------------------------------------

PAYING = Page(("https://pay.example/",))
SHOPPING = Page(("https://shop.example/",))
CARDS = Policy("now", 1, "test", (Rule(0, "cards", "", (Matcher(Attribute.URL, ("pay.example",)),), stay_closed=20),))


def with_cards() -> Eye[Picture]:
    """Two witnesses, both with a clean look behind them."""
    made = eye("w", "b")
    made.put_in_force(CARDS, {"w": TIMING, "b": TIMING}, now=0)
    for witness in ("w", "b"):
        made.see(look(10, witness=witness))
    return made


def test_a_picture_needs_the_proof_of_every_witness() -> None:
    made, picture = with_cards(), Picture(Span(20, 21))
    made.push(picture)
    made.see(look(40))
    assert made.judge(41).released == ()
    made.see(look(42, witness="b"))
    assert made.judge(43).released == (picture,)


def test_proven_is_what_the_slower_witness_has_proven() -> None:
    made = with_cards()
    made.see(look(40))
    assert made.proven_by == 10
    made.see(look(42, witness="b"))
    assert made.proven_by == 40
    made.alarm(Alarm("b", 50, "silence"))
    assert made.proven_by is None
    assert made.said("w") == ()
    assert made.said("b") == BLIND


def test_what_browsers_say_is_worth_nothing_by_itself() -> None:
    made = with_cards()
    made.see(Look("b", 40, 41, "now", Browsing()))
    assert made.said("b") == BLIND


def test_an_event_that_a_rule_closes_for_is_an_alarm() -> None:
    made, picture = with_cards(), Picture(Span(20, 21))
    made.push(picture)
    assert made.glimpse(Glimpse("b", 24, PAYING))
    assert [reason.id for reason in made.said("b")] == ["cards"]
    assert made.said("w") == ()
    assert made.provable_after == 44
    made.see(look(23, witness="b"))
    assert made.asked("b") is None
    for witness in ("w", "b"):
        made.see(look(30, witness=witness))
    assert made.judge(31).dropped == (picture,)


def test_which_rules_have_spoken_of_whatever_was_seen() -> None:
    """Of the sound alone, of events that have passed, and of rules that are only tried; never Eyelid's own."""
    made = with_cards()
    assert made.spoke() == frozenset()
    made.glimpse(Glimpse("b", 24, PAYING))
    assert made.spoke() == {"cards"}
    assert made.spoke() == frozenset()
    sound = {Lane.SCREEN: LaneEffect(Effect.RECORD)}
    rules = (replace(CHART, lanes=sound), replace(TILL, dry_run=True), Rule(2, "other", "", CHART.any[:0]))
    made.put_in_force(Policy("two", 2, "test", rules), dict.fromkeys(("w", "b"), TIMING), now=30)
    made.see(look(40, WITH_BOTH, policy="two"))
    assert made.reasons == BLIND  # of the other witness, which has not looked yet
    for _ in range(2):  # for as long as they are in view
        assert made.spoke() == {"charts", "till"}
    made.see(look(50, Blind.CANNOT_VOUCH, policy="two"))
    assert made.spoke() == frozenset()


def test_a_harmless_event_says_nothing() -> None:
    made = with_cards()
    assert not made.glimpse(Glimpse("b", 24, SHOPPING))
    assert made.reasons == ()
    assert made.asked("b") == 10


def test_an_event_counts_only_under_a_policy() -> None:
    made: Eye[Picture] = Eye(Lane.SCREEN, ("b",), PATIENCE, now=0)
    assert not made.glimpse(Glimpse("b", 24, PAYING))
    assert made.reasons == BLIND


def test_an_event_is_no_interaction_to_record() -> None:
    calls = Policy("now", 1, "test", CARDS.rules, record_when=(Matcher(Attribute.APP, ("phone",)),))
    made = eye()
    made.put_in_force(calls, {"w": TIMING}, now=0)
    made.see(look(10, seen("phone")))
    made.glimpse(Glimpse("w", 20, SHOPPING))
    assert made.reasons == ()


def test_an_interaction_that_any_witness_sees_is_one_for_all() -> None:
    calls = Policy("calls", 1, "test", (), record_when=(Matcher(Attribute.APP, ("phone",)),), keep_recording=30)
    made = eye("w", "b")
    made.put_in_force(calls, {"w": TIMING, "b": TIMING}, now=0)
    nothing_open = Scene(pages_only=True)
    made.see(look(5, nothing_open, "b", "calls"))
    assert [reason.id for reason in made.said("b")] == ["not-recorded"]
    made.see(look(10, seen("phone"), policy="calls"))
    made.see(look(20, nothing_open, "b", "calls"))
    assert made.reasons == ()
    made.see(look(30, seen("phone"), policy="calls"))
    made.see(look(61, nothing_open, "b", "calls"))
    assert made.reasons == ()
    made.see(look(62, seen("notes"), policy="calls"))
    made.see(look(93, nothing_open, "b", "calls"))
    assert [reason.id for reason in made.said("b")] == ["not-recorded"]


def test_a_word_in_doubt_closes_the_lane_until_the_next() -> None:
    made = eye()
    made.see(look(10))
    made.doubt("w", 25)
    assert made.reasons == BLIND
    made.see(look(25))  # asked before anybody doubted
    assert made.reasons == BLIND
    made.see(look(27))
    assert made.reasons == ()


def test_what_was_proven_before_a_doubt_is_kept_and_nothing_of_the_time_in_doubt() -> None:
    made = eye()
    proven, doubtful = Picture(Span(12, 13)), Picture(Span(26, 27))
    made.see(look(10))
    made.push(proven)
    made.see(look(22))
    assert made.judge(23).released == (proven,)
    made.kept(proven)
    made.doubt("w", 25)
    made.push(doubtful)
    made.see(look(28))
    made.see(look(40))
    assert made.judge(41).dropped == (doubtful,)
    assert made.end_of_kept() == 17  # as far as it was proven, its hindsight taken off


def test_a_doubt_says_no_more_than_the_witness_did() -> None:
    made = eye()
    made.see(look(10, WITH_CHART))
    made.doubt("w", 25)
    assert [reason.id for reason in made.reasons] == ["charts"]


def test_what_a_rule_that_is_only_tried_says_is_remembered_from_look_to_look() -> None:
    made = eye("w", "v")
    tried = replace(POLICY, rules=(CHART, replace(TILL, dry_run=True)))
    made.put_in_force(tried, dict.fromkeys(("w", "v"), TIMING), now=0)
    made.see(look(1, seen("till")))
    made.see(look(1, seen("till"), "v"))
    assert [reason.id for reason in made.would] == ["till"]
    assert made.reasons == ()
    made.see(look(5, NOTES))
    assert [reason.id for reason in made.would] == ["till"]
    made.see(look(5, NOTES, "v"))
    assert made.would == ()
    made.see(look(9, seen("till")))
    assert made.would != ()
    made.put_in_force(POLICY, dict.fromkeys(("w", "v"), TIMING), now=10)
    assert made.would == ()


def test_a_witness_that_fell_silent_says_nothing_of_rules_that_are_only_tried() -> None:
    made: Eye[Picture] = Eye(Lane.SCREEN, ("w",), PATIENCE, now=0)
    made.put_in_force(replace(POLICY, rules=(replace(CHART, dry_run=True),)), {"w": TIMING}, now=0)
    made.see(look(10, WITH_CHART))
    assert [reason.id for reason in made.would] == ["charts"]
    made.alarm(Alarm("w", 20, "silence"))
    assert made.would == ()
    made.see(look(30, WITH_CHART))
    assert [reason.id for reason in made.would] == ["charts"]


# -- ghosts -----------------------------------------------------------------------------------------------------------


def haunting(at: int, ghosts: tuple[Ghost, ...] | None, what: Scene = NOTES, witness: str = "w") -> Look:
    return Look(witness, at, at + 1, "now", what, ghosts)


def test_what_a_window_left_on_the_display_holds_every_witness_back() -> None:
    """A page was dirty while its window moved; it is clean now, and its old picture still stands where it was."""
    made = eye("w", "b")
    made.see(haunting(10, ()))
    made.see(look(11, WITH_CHART, "b"))
    made.see(haunting(20, (Ghost(left=20, until=500),)))
    assert made.provable_after == 32  # the windows were clean when theirs left; the chart stays closed for 20
    made.see(look(40, witness="b"))
    assert made.provable_after == 500
    made.push(Picture(Span(60, 61)))
    made.see(haunting(70, (Ghost(left=20, until=90),)))
    assert made.provable_after == 90
    made.see(look(72, witness="b"))
    assert [item.span.start for item in made.judge(75).dropped] == [60]
    made.push(Picture(Span(95, 96)))
    for at in (100, 102):
        made.see(haunting(at, ()))  # long gone, and told of no more
        made.see(look(at + 1, witness="b"))
    assert [item.span.start for item in made.judge(104).released] == [95]
    assert made.provable_after == 90


def test_what_may_have_left_before_a_page_was_clean_holds_it_back_though_it_is_found_late() -> None:
    """The window moved with its dirty page; the page was left, and said so, before a busy desktop told of the move."""
    made = eye("w", "b")
    made.see(haunting(10, ()))
    made.see(look(11, WITH_CHART, "b"))
    made.see(look(40, witness="b"))
    made.see(Look("w", 39, 60, "now", NOTES, (Ghost(left=55, until=500),)))
    assert made.provable_after == 500
    made.see(haunting(65, (Ghost(left=55, until=90),)))
    assert made.provable_after == 90


def test_what_left_after_a_page_was_clean_does_not_hold_it_back() -> None:
    made = eye("w", "b")
    made.see(haunting(10, ()))
    made.see(look(11, WITH_CHART, "b"))
    made.see(look(40, witness="b"))
    made.see(haunting(42, ()))
    made.see(haunting(60, (Ghost(left=61, until=500),)))
    assert made.provable_after == 41


def test_what_was_told_of_the_display_holds_until_it_is_told_anew() -> None:
    made = eye()
    made.see(haunting(10, (Ghost(left=10, until=90),)))
    made.see(haunting(20, None))
    assert made.provable_after == 90


def ids(reasons: tuple[Reason, ...]) -> list[str]:
    return [reason.id for reason in reasons]


def test_the_rule_of_what_the_display_still_shows_is_named_until_it_is_gone() -> None:
    made = eye()
    made.see(haunting(10, (), WITH_CHART))
    made.see(haunting(40, (Ghost(left=40, until=500),)))
    assert made.reasons == ()
    assert (ids(made.closed_by(41)), ids(made.closed_by(500)), made.closed_by(501)) == (["charts"], ["charts"], ())
    assert made.haunted_until == 500
    made.see(haunting(50, (Ghost(left=40, until=90),)))
    assert (ids(made.closed_by(90)), made.closed_by(91), made.haunted_until) == (["charts"], (), 90)


def test_a_window_that_came_and_left_between_two_looks_is_named_by_the_look_that_found_it() -> None:
    made = eye()
    made.see(haunting(10, ()))
    made.see(haunting(20, (Ghost(left=20, until=500),), WITH_CHART))
    made.see(haunting(45, (Ghost(left=20, until=500),)))
    assert ids(made.closed_by(46)) == ["charts"]


def test_a_moment_of_blindness_does_not_take_the_name_of_what_the_display_still_shows() -> None:
    made = eye("w", "b")
    made.see(look(9, witness="b"))
    made.see(haunting(10, (), WITH_CHART))
    made.see(haunting(40, (Ghost(left=40, until=500),)))
    made.alarm(Alarm("w", 50, "silence"))
    assert ids(made.closed_by(51)) == ["charts", "blind"]
    made.see(haunting(60, (Ghost(left=40, until=500),)))
    made.see(look(62, witness="b"))
    assert ids(made.closed_by(63)) == ["charts"]


def test_a_blind_witness_adds_no_name() -> None:
    made = eye("w", "b")
    made.see(haunting(10, (), WITH_CHART))
    assert ids(made.reasons) == ["charts", "blind"]
    made.see(haunting(40, (Ghost(left=40, until=500),)))
    made.see(look(42, witness="b"))
    assert ids(made.closed_by(43)) == ["charts"]


def test_what_a_harmless_window_left_goes_by_what_made_it_matter() -> None:
    """It was clean when it left, but the run in which nobody doubts that has ended."""
    made = eye()
    made.see(haunting(10, ()))
    made.see(haunting(20, (Ghost(left=20, until=500),)))
    assert made.closed_by(21) == ()
    made.alarm(Alarm("w", 30, "silence"))
    made.see(haunting(40, (Ghost(left=20, until=500),)))
    assert ids(made.closed_by(41)) == ["blind"]


def test_what_leaves_where_something_else_still_shows_is_both() -> None:
    made = eye()
    made.see(haunting(10, (), WITH_CHART))
    made.see(haunting(40, (Ghost(left=40, until=500),)))
    made.see(haunting(50, (Ghost(left=40, until=500),), seen("notes", "till")))
    made.see(haunting(60, (Ghost(left=40, until=500),)))
    assert ids(made.closed_by(61)) == ["charts"]  # the till's place was painted over at once
    made.see(haunting(70, (Ghost(left=40, until=500),), seen("notes", "till")))
    made.see(haunting(80, (Ghost(left=40, until=500), Ghost(left=40, until=600))))
    assert ids(made.closed_by(81)) == ["charts", "till"]


def test_under_another_policy_nobody_knows_whose_it_is() -> None:
    made = eye()
    made.see(haunting(10, (), WITH_CHART))
    made.see(haunting(40, (Ghost(left=40, until=500),)))
    made.put_in_force(replace(POLICY, rules=(TILL, CHART)), {"w": TIMING}, now=50)
    made.see(haunting(60, (Ghost(left=40, until=500),)))
    assert ids(made.closed_by(61)) == ["blind"]


def test_what_was_not_to_be_recorded_keeps_no_recording_from_beginning() -> None:
    made = eye()
    wanted = replace(POLICY, record_when=(Matcher(Attribute.APP, ("crm",)),))
    made.put_in_force(wanted, {"w": TIMING}, now=0)
    made.see(haunting(10, ()))
    assert ids(made.reasons) == ["not-recorded"]
    made.see(haunting(20, (Ghost(left=20, until=500),), seen("crm")))
    assert made.closed_by(21) == ()
    assert made.provable_after == 500
