"""One lane of the eye where the display goes on showing what has left: held back, and named, until it is gone."""

from __future__ import annotations

from dataclasses import replace

from agent.core.account.lane import AccountedProof
from agent.core.model.media import Lane
from agent.core.model.rules import Attribute, Matcher, Reason
from agent.core.model.seen import Alarm, Look, Scene, StalePixels
from agent.core.model.times import Span
from agent.core.proof.stale_pixels import StalePixelReports
from tests.core.proof.lanes import CHART, NOTES, PATIENCE, POLICY, TILL, TIMING, WITH_CHART, Picture, look, proof, seen


def attribution(at: int, stale_pixels: tuple[StalePixels, ...] | None, what: Scene = NOTES, witness: str = "w") -> Look:
    return Look(witness, at, at + 1, "now", what, stale_pixels)


def test_what_a_window_left_on_the_display_holds_every_witness_back() -> None:
    """A page was dirty while its window moved; it is clean now, and its old picture still stands where it was."""
    made = proof("w", "b")
    made.see(attribution(10, ()))
    made.see(look(11, WITH_CHART, "b"))
    made.see(attribution(20, (StalePixels(left=20, until=500),)))
    assert made.proof.provable_after == 32  # the windows were clean when theirs left; the chart stays closed for 20
    made.see(look(40, witness="b"))
    assert made.proof.provable_after == 500
    made.proof.push(Picture(Span(60, 61)))
    made.see(attribution(70, (StalePixels(left=20, until=90),)))
    assert made.proof.provable_after == 90
    made.see(look(72, witness="b"))
    assert [item.span.start for item in made.judge(75).dropped] == [60]
    made.proof.push(Picture(Span(95, 96)))
    for at in (100, 102):
        made.see(attribution(at, ()))  # long gone, and no longer reported
        made.see(look(at + 1, witness="b"))
    assert [item.span.start for item in made.judge(104).released] == [95]
    assert made.proof.provable_after == 90


def test_what_may_have_left_before_a_page_was_clean_holds_it_back_though_it_is_found_late() -> None:
    """The window moved with its dirty page; the page was left, and said so, before a busy desktop told of the move."""
    made = proof("w", "b")
    made.see(attribution(10, ()))
    made.see(look(11, WITH_CHART, "b"))
    made.see(look(40, witness="b"))
    made.see(Look("w", 39, 60, "now", NOTES, (StalePixels(left=55, until=500),)))
    assert made.proof.provable_after == 500
    made.see(attribution(65, (StalePixels(left=55, until=90),)))
    assert made.proof.provable_after == 90


def test_what_left_after_a_page_was_clean_does_not_hold_it_back() -> None:
    made = proof("w", "b")
    made.see(attribution(10, ()))
    made.see(look(11, WITH_CHART, "b"))
    made.see(look(40, witness="b"))
    made.see(attribution(42, ()))
    made.see(attribution(60, (StalePixels(left=61, until=500),)))
    assert made.proof.provable_after == 41


def test_what_was_told_of_the_display_holds_until_it_is_told_anew() -> None:
    made = proof()
    made.see(attribution(10, (StalePixels(left=10, until=90),)))
    made.see(attribution(20, None))
    assert made.proof.provable_after == 90


def ids(reasons: tuple[Reason, ...]) -> list[str]:
    return [reason.id for reason in reasons]


def test_the_rule_of_what_the_display_still_shows_is_named_until_it_is_gone() -> None:
    made = proof()
    made.see(attribution(10, (), WITH_CHART))
    made.see(attribution(40, (StalePixels(left=40, until=500),)))
    assert made.proof.reasons == ()
    assert (ids(made.closed_by(41)), ids(made.closed_by(500)), made.closed_by(501)) == (["charts"], ["charts"], ())
    assert made.stale_until == 500
    made.see(attribution(50, (StalePixels(left=40, until=90),)))
    assert (ids(made.closed_by(90)), made.closed_by(91), made.stale_until) == (["charts"], (), 90)


def test_a_window_that_came_and_left_between_two_looks_is_named_by_the_look_that_found_it() -> None:
    made = proof()
    made.see(attribution(10, ()))
    made.see(attribution(20, (StalePixels(left=20, until=500),), WITH_CHART))
    made.see(attribution(45, (StalePixels(left=20, until=500),)))
    assert ids(made.closed_by(46)) == ["charts"]


def test_a_moment_of_blindness_does_not_take_the_name_of_what_the_display_still_shows() -> None:
    made = proof("w", "b")
    made.see(look(9, witness="b"))
    made.see(attribution(10, (), WITH_CHART))
    made.see(attribution(40, (StalePixels(left=40, until=500),)))
    made.alarm(Alarm("w", 50, "silence"))
    assert ids(made.closed_by(51)) == ["charts", "blind"]
    made.see(attribution(60, (StalePixels(left=40, until=500),)))
    made.see(look(62, witness="b"))
    assert ids(made.closed_by(63)) == ["charts"]


def test_a_blind_witness_adds_no_name() -> None:
    made = proof("w", "b")
    made.see(attribution(10, (), WITH_CHART))
    assert ids(made.proof.reasons) == ["charts", "blind"]
    made.see(attribution(40, (StalePixels(left=40, until=500),)))
    made.see(look(42, witness="b"))
    assert ids(made.closed_by(43)) == ["charts"]


def test_what_a_harmless_window_left_goes_by_what_made_it_matter() -> None:
    """It was clean when it left, but the run in which nobody doubts that has ended."""
    made = proof()
    made.see(attribution(10, ()))
    made.see(attribution(20, (StalePixels(left=20, until=500),)))
    assert made.closed_by(21) == ()
    made.alarm(Alarm("w", 30, "silence"))
    made.see(attribution(40, (StalePixels(left=20, until=500),)))
    assert ids(made.closed_by(41)) == ["blind"]


def test_what_leaves_where_something_else_still_shows_is_both() -> None:
    made = proof()
    made.see(attribution(10, (), WITH_CHART))
    made.see(attribution(40, (StalePixels(left=40, until=500),)))
    made.see(attribution(50, (StalePixels(left=40, until=500),), seen("notes", "till")))
    made.see(attribution(60, (StalePixels(left=40, until=500),)))
    assert ids(made.closed_by(61)) == ["charts"]  # the till's place was painted over at once
    made.see(attribution(70, (StalePixels(left=40, until=500),), seen("notes", "till")))
    made.see(attribution(80, (StalePixels(left=40, until=500), StalePixels(left=40, until=600))))
    assert ids(made.closed_by(81)) == ["charts", "till"]


def test_under_another_policy_nobody_knows_whose_it_is() -> None:
    made = proof()
    made.see(attribution(10, (), WITH_CHART))
    made.see(attribution(40, (StalePixels(left=40, until=500),)))
    made.put_in_force(replace(POLICY, rules=(TILL, CHART)), {"w": TIMING}, now=50)
    made.see(attribution(60, (StalePixels(left=40, until=500),)))
    assert ids(made.closed_by(61)) == ["blind"]


def test_what_was_not_to_be_recorded_keeps_no_recording_from_beginning() -> None:
    made = proof()
    wanted = replace(POLICY, record_when=(Matcher(Attribute.APP, ("crm",)),))
    made.put_in_force(wanted, {"w": TIMING}, now=0)
    made.see(attribution(10, ()))
    assert ids(made.proof.reasons) == ["not-recorded"]
    made.see(attribution(20, (StalePixels(left=20, until=500),), seen("crm")))
    assert made.closed_by(21) == ()
    assert made.proof.provable_after == 500


def test_what_lingers_on_the_display_is_not_heard() -> None:
    for lane, waits in ((Lane.SCREEN, True), (Lane.AUDIO, False)):
        made: AccountedProof[Picture] = AccountedProof(lane, ("w",), PATIENCE, now=0)
        made.put_in_force(POLICY, {"w": replace(TIMING, lingers=30)}, now=0)
        made.see(Look("w", 10, 11, "now", NOTES))
        assert made.proof.provable_after == (41 if waits else 11)
        made.see(attribution(20, (StalePixels(left=11, until=60),)))
        assert made.proof.provable_after == (60 if waits else 11)


def copied(left: int, until: int = 9000, most: int = 9000) -> tuple[StalePixels, ...]:
    """What a window has taken along: until it is painted."""
    return (StalePixels(left, until, most),)


def test_what_a_window_copied_while_something_was_hidden_holds_until_it_has_painted() -> None:
    made = proof()
    made.see(attribution(10, (), WITH_CHART))
    made.see(attribution(20, copied(20), WITH_CHART))
    made.see(attribution(60, copied(20)))
    assert made.proof.provable_after == 9000
    made.see(attribution(90, copied(20, 80)))
    assert made.proof.provable_after == 80


def test_what_it_copied_counts_from_the_look_before_that_found_it() -> None:
    """The picture may be a moment older than the word of it: a chart may have been there then."""
    made = proof()
    made.see(attribution(10, (), WITH_CHART))
    made.see(attribution(40, ()))
    began = made.proof.runs["w"].began
    made.see(attribution(began, ()))
    made.see(attribution(began + 5, copied(began + 5)))
    assert made.proof.provable_after == 9000


def test_a_copy_that_cannot_be_watched_holds_for_so_long_after_the_run_began() -> None:
    made = proof()
    made.see(attribution(10, copied(10, most=30), WITH_CHART))
    made.see(attribution(1000, copied(10, most=30)))
    assert made.proof.provable_after == made.proof.runs["w"].began + 30


def test_a_copy_of_what_was_kept_hides_nothing_for_good() -> None:
    """It was in view in a picture that was kept: when something is hidden and gone again it does not count."""
    made = proof()
    made.see(attribution(10, (), WITH_CHART))
    made.see(attribution(40, ()))
    for at in range(50, 200, 5):
        made.see(attribution(at, copied(60) if at >= 60 else ()))
    made.see(attribution(200, copied(60), WITH_CHART))
    made.see(attribution(250, copied(60)))
    assert made.proof.provable_after == made.proof.runs["w"].began
    assert made.proof.stale_pixels.reported == ()


def test_where_nothing_is_proven_no_copy_was_kept() -> None:
    """Between equal times lies no picture."""
    reports = StalePixelReports()
    for before, counts in ((60, copied(20)), (61, ())):
        reports.tell("w", 30, copied(20))
        reports.keep(60, before)
        reports.tell("w", 70, copied(20))
        assert reports.reported == counts


def test_one_that_is_newer_than_hindsight_is_not_among_those() -> None:
    made = proof()
    made.see(attribution(10, (), WITH_CHART))
    made.see(attribution(40, ()))
    hindsight = made.proof.hindsight
    for at in range(50, 200, 5):
        made.see(attribution(at, ()))
    made.see(attribution(200, copied(200)))
    made.see(attribution(200 + hindsight, copied(200)))
    made.see(attribution(202 + hindsight, copied(200), WITH_CHART))
    made.see(attribution(210 + hindsight, copied(200)))
    assert made.proof.provable_after == 9000


def test_nor_is_one_that_holds_what_a_window_left_without_being_copied() -> None:
    made = proof()
    made.see(attribution(10, (), WITH_CHART))
    for at in range(40, 200, 5):
        made.see(attribution(at, (StalePixels(left=90, until=9000),) if at >= 90 else ()))
    made.see(attribution(200, (StalePixels(left=90, until=9000),), WITH_CHART))
    made.see(attribution(210, (StalePixels(left=90, until=9000),)))
    assert made.proof.provable_after == 9000


def test_a_copy_that_holds_is_not_kept_by_the_looks_that_it_holds_back() -> None:
    made = proof()
    made.see(attribution(10, copied(10), WITH_CHART))
    for at in range(40, 200, 5):
        made.see(attribution(at, copied(10)))
    assert made.proof.stale_pixels.reported == copied(10)
    assert made.proof.provable_after == 9000
