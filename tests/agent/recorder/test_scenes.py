"""What was in view on its way to the recorder: only where it is asked for, only into an open recording, never from a
hold, never at the cost of a picture; and sealed before it touches anything."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.core.account.scenes import Ended, GapCause, Hole, Passing, Sighting, read, written
from agent.core.holding import UserHold
from agent.core.linting.replay import ReplaySpan, replay
from agent.core.model.marks import Sighted as MarksSighted
from agent.core.model.media import Chunk, ChunkFlag, ChunkKind, Frame, Lane
from agent.core.model.rules import Attribute, Matcher, Policy, Rule
from agent.core.model.seen import (
    BROWSERS,
    WINDOWS,
    Blind,
    Box,
    BrowserWindow,
    Browsing,
    Document,
    Look,
    Page,
    PageEvent,
    Scene,
    Tab,
    Window,
)
from agent.core.model.times import MILLISECOND, SECOND, Span
from agent.core.session import RECORDING_LENGTH
from agent.recorder.messages import PolicyArrived
from agent.recorder.recording import Gap, Open, Scenes
from agent.recorder.scenes import MOST, ROOM
from protocol import envelope
from protocol.envelope import SCENE_STREAM
from protocol.packet import KeyPacket
from tests.agent.recorder.daemon_rig import NOTES, POLICY, WITH_CHART, Rig, hold
from tests.agent.recorder.desk_with_browsers import POLICY as DESK
from tests.agent.recorder.desk_with_browsers import World
from tests.agent.recorder.test_daemon_browsers import PICTURES_EVERY, Op, ops, play, watch, worlds
from tests.agent.recorder.test_recording import OPEN, frame
from tests.agent.recorder.test_recording import Rig as RecorderRig
from tests.agent.recordings import AUDITOR, EVIDENCE, START, new_sealer

BANK = Rule(1, "bank", "w", (Matcher(Attribute.URL, ("bank.example",)),))
KEEPING = Policy("hash-2", 2, "test", (*POLICY.rules, BANK), keep_scenes=True)
CARD = Page(("https://shop.example/pay",), frozenset({"cc-csc"}))
BANNED = Page(("https://bank.example/account",))
HARMLESS = Page(("https://news.example/",))


def opened(**options: int) -> Rig:
    """A policy that asks for scenes, a recording, and the look that reaches back into the time without a policy."""
    rig = Rig(**options)
    rig.daemon.turn(PolicyArrived(KEEPING))
    rig.look(WITH_CHART, "hash-2")
    known(rig)
    return rig


def known(rig: Rig) -> None:
    """The display has shown the browser's window as it is, so that what is in front in it is known."""
    rig.wait(1)
    marks, now = rig.daemon.marks, rig.clock.time
    tabs = (Tab(0, HARMLESS, visible=True, documents=(Document(0, -1, HARMLESS),)),)
    look = Look(
        BROWSERS, now, now, "hash-2", Browsing((BrowserWindow("b", 9, 1, "Shop", Box(0, 0, 9, 9), False, tabs),))
    )
    marks.take(look)
    list(marks.requests(now))
    marks.sighted(MarksSighted(marks.sought, now))
    marks.take(look)


def browsed(rig: Rig, *pages: Page, asked: int = 0, painted: bool = True) -> None:
    """The browsers answer: one window, the first page in front."""
    rig.wait(1)
    asked = asked or rig.clock.time
    rig.wait(1)
    tabs = tuple(Tab(number, page, visible=not number, painted=painted) for number, page in enumerate(pages))
    window = BrowserWindow("b", 9, 1, "Shop", Box(0, 0, 9, 9), minimised=False, tabs=tabs)
    rig.daemon.turn(Look(BROWSERS, asked, rig.clock.time, "hash-2", Browsing((window,))))


def pages_in(batches: list[Scenes]) -> set[Page]:
    scenes = [line.seen for batch in batches for line in batch.lines if isinstance(line, Sighting)]
    passing = {line.page for batch in batches for line in batch.lines if isinstance(line, Passing)}
    return {page for scene in scenes if isinstance(scene, Scene) for page in scene.pages} | passing


def told(rig: Rig) -> list[Scenes]:
    return [order for order in rig.taken() if isinstance(order, Scenes)]


def seen(batches: list[Scenes]) -> list[object]:
    """What the lines say, without their times."""
    return [
        line.seen if isinstance(line, Sighting) else line.why if isinstance(line, Hole) else type(line)
        for batch in batches
        for line in batch.lines
    ]


def test_only_changes_are_told_and_within_a_chunks_length() -> None:
    rig = opened()
    rig.look(NOTES, "hash-2")
    first = rig.clock.time
    for _ in range(10):
        rig.look(NOTES, "hash-2")
    rig.look(WITH_CHART, "hash-2")  # it closes the eye, and is what the lane is for
    assert told(rig) == []
    rig.wait(3000)
    rig.daemon.turn(None)
    [batch] = told(rig)
    assert [line.at for line in batch.lines] == [first, rig.clock.time - 3000 * MILLISECOND]
    assert batch.lines[-1].at - batch.lines[0].at < 4 * SECOND
    assert seen([batch]) == [NOTES, WITH_CHART]


def test_nothing_is_told_where_the_policy_does_not_ask() -> None:
    rig = Rig().opened()
    rig.look(WITH_CHART)
    rig.daemon.turn(PageEvent(BROWSERS, rig.clock.time, CARD))
    rig.wait(5000)
    rig.daemon.turn(None)
    rig.daemon.turn(PolicyArrived(replace(POLICY, hash="hash-3", revision=3)))
    assert told(rig) == []


def test_what_an_event_shows_between_two_looks_is_told() -> None:
    rig = opened(browsers=True)
    rig.wait(1)
    rig.daemon.turn(PageEvent(BROWSERS, rig.clock.time, CARD))
    rig.wait(3000)
    rig.daemon.turn(None)
    [batch] = told(rig)
    assert batch.lines == (Passing(rig.clock.time - 3 * SECOND, BROWSERS, CARD),)


def test_the_browsers_are_told_as_they_are_judged() -> None:
    rig = opened(browsers=True)
    rig.look(NOTES, "hash-2")
    browsed(rig, CARD)
    rig.wait(3000)
    rig.daemon.turn(None)
    windows, pages = seen(told(rig))
    assert windows == NOTES
    assert isinstance(pages, Scene)
    assert CARD in pages.pages


def test_in_a_hold_nothing_is_told_and_after_it_everything_anew() -> None:
    rig = opened()
    rig.look(NOTES, "hash-2")
    in_flight = rig.clock.time
    hold(rig.daemon, UserHold(rig.clock.time))
    assert seen(told(rig)) == [NOTES, GapCause.HELD]
    rig.look(WITH_CHART, "hash-2")
    rig.daemon.turn(PageEvent(BROWSERS, rig.clock.time, CARD))
    rig.wait(5000)
    hold(rig.daemon, None)
    rig.daemon.turn(Look(WINDOWS, in_flight, rig.clock.time, "hash-2", WITH_CHART))  # asked before it was over
    rig.look(WITH_CHART, "hash-2")  # reaches back into the hold
    rig.look(NOTES, "hash-2")
    rig.wait(3000)
    rig.daemon.turn(None)
    assert seen(told(rig)) == [NOTES]


def test_a_page_of_a_hold_is_told_only_once_it_is_seen_outside_of_one() -> None:
    """The view brings it back, since its picture may still be there: then it is a page that nobody looked into."""
    rig = opened(browsers=True)
    rig.look(NOTES, "hash-2")
    browsed(rig, HARMLESS)
    hold(rig.daemon, UserHold(rig.clock.time))
    in_flight = rig.clock.time
    rig.wait(1)
    rig.daemon.turn(PageEvent(BROWSERS, rig.clock.time, BANNED, "b", 0))
    browsed(rig, BANNED, HARMLESS, asked=in_flight)
    hold(rig.daemon, None)
    rig.look(NOTES, "hash-2")
    rig.look(NOTES, "hash-2")
    browsed(rig, HARMLESS, painted=False)
    rig.wait(3000)
    rig.daemon.turn(None)
    assert BANNED in rig.daemon.merger.pages.pages  # it still judges by it
    batches = told(rig)
    assert HARMLESS in pages_in(batches)
    assert Page((), unread=True) in pages_in(batches)
    assert not any(page.urls == BANNED.urls for page in pages_in(batches))
    browsed(rig, BANNED, HARMLESS)
    rig.wait(3000)
    rig.daemon.turn(None)
    assert BANNED in pages_in(told(rig))


def test_a_page_that_an_event_showed_is_told_of_wherever_it_comes_back() -> None:
    rig = opened(browsers=True)
    rig.look(NOTES, "hash-2")
    browsed(rig, HARMLESS)
    for number in range(MOST):
        rig.wait(1)
        rig.daemon.turn(PageEvent(BROWSERS, rig.clock.time, replace(BANNED, urls=(f"https://bank.example/{number}",))))
    rig.wait(1)
    rig.daemon.turn(PageEvent(BROWSERS, rig.clock.time, CARD))  # more than is followed
    asked = rig.clock.time
    rig.wait(1)
    rig.daemon.turn(PageEvent(BROWSERS, rig.clock.time, BANNED))
    rig.look(NOTES, "hash-2")
    rig.taken()
    browsed(rig, HARMLESS, asked=asked)
    rig.wait(3000)
    rig.daemon.turn(None)
    assert not any(isinstance(scene, Scene) and CARD in scene.pages for scene in seen(told(rig)))


@pytest.mark.parametrize("front", [(HARMLESS,), ()])
def test_a_page_that_browsers_tell_of_no_more_leaves_with_its_window_as_what_it_was(front: tuple[Page, ...]) -> None:
    """The view remembers what the display may still have; it was seen outside of a hold, so nothing of it is hidden."""
    rig = opened(browsers=True)
    window = Window(7, "chromium", "Shop", 9, Box(0, 0, 9, 9), shown=True, engine=True)
    for _ in range(2):
        rig.look(Scene((window,)), "hash-2")
        browsed(rig, HARMLESS, CARD)
    rig.look(Scene((window,)), "hash-2")
    for _ in range(2):
        browsed(rig, *front)
    rig.look(Scene((replace(window, shown=False),)), "hash-2")
    rig.wait(3000)
    rig.daemon.turn(None)
    *_, last = told(rig)[-1].lines
    assert isinstance(last, Sighting)
    assert isinstance(last.seen, Scene)
    assert {page.urls for page in last.seen.pages} == {HARMLESS.urls, CARD.urls}
    assert not any(page.unread for page in last.seen.pages)


def test_blindness_is_told_too() -> None:
    rig = opened()
    rig.look(Blind.EMPTY, "hash-2")
    rig.wait(3000)
    rig.daemon.turn(None)
    assert seen(told(rig)) == [Blind.EMPTY]


def test_what_was_seen_under_another_policy_or_is_no_scene_yet_is_not_told() -> None:
    rig = opened()
    rig.look(NOTES, "hash-1")
    lane = rig.daemon.scenes
    lane.see(raw := Look(BROWSERS, 0, 1, "hash-2", Browsing()), raw)
    rig.wait(3000)
    rig.daemon.turn(None)
    assert told(rig) == []


def test_a_recording_without_scenes_may_be_held_and_follow_another() -> None:
    rig = opened()
    rig.look(NOTES, "hash-2")
    rig.daemon.turn(PolicyArrived(replace(KEEPING, hash="hash-3", revision=3, keep_scenes=False)))
    assert isinstance(told(rig)[-1].lines[-1], Ended)
    rig.look(NOTES, "hash-3")
    rig.daemon.turn(PageEvent(BROWSERS, rig.clock.time, CARD))
    hold(rig.daemon, UserHold(rig.clock.time))
    assert told(rig) == []


def test_a_recording_that_takes_over_begins_with_what_stands() -> None:
    rig = opened()
    rig.look(NOTES, "hash-2")
    rig.clock.time += RECORDING_LENGTH
    rig.look(NOTES, "hash-2")
    orders = [order for order in rig.taken() if isinstance(order, (Open, Scenes))]
    last, new = orders[-2:]  # no line falls into the next recording
    assert isinstance(last, Scenes)
    assert isinstance(last.lines[-1], Ended)
    rig.wait(3000)
    rig.daemon.turn(None)
    [batch] = told(rig)
    assert isinstance(new, Open)
    assert batch.lines == (Sighting(new.start, WINDOWS, NOTES),)


def test_what_the_recorder_has_no_room_for_is_a_hole_and_then_told_anew() -> None:
    rig = opened()
    rig.look(NOTES, "hash-2")
    first = rig.clock.time
    for at in range(ROOM):
        rig.orders.put(Gap(at))
    rig.wait(3000)
    rig.daemon.turn(None)
    assert told(rig) == []
    rig.daemon.turn(None)
    [batch] = told(rig)
    assert batch.lines == (Hole(first, GapCause.BUSY), Sighting(rig.clock.time, WINDOWS, NOTES))


def test_more_changes_than_are_kept_are_a_hole_and_then_told_anew() -> None:
    rig = opened()
    window = NOTES.windows[0]
    for number in range(MOST + 20):
        rig.look(Scene((replace(window, title=str(number)),)), "hash-2")
    last = Scene((replace(window, title=str(MOST + 19)),))
    rig.wait(3000)
    rig.daemon.turn(None)
    [batch] = told(rig)
    assert len(batch.lines) == MOST + 1
    assert isinstance(batch.lines[-1], Hole)
    assert batch.lines[-1].why is GapCause.CHANGING
    rig.wait(3000)
    rig.daemon.turn(None)
    assert seen(told(rig)) == [last]


# -- whatever happens on a desk -------------------------------------------------------------------------------------


def kept_and_judged_anew(world: World, acts: list[Op], every: int) -> tuple[list[Span], tuple[ReplaySpan, ...]]:
    """The pictures that the gate kept, and what the replay says of the same policy from the scenes kept beside them."""
    policy = replace(DESK, keep_scenes=True)
    orders = watch(world, play(world, acts, every) + 5000, policy)
    lines = read(
        [line for order in orders if isinstance(order, Scenes) for line in written(order.lines, 0).splitlines()]
    )
    kept = [order.span for order in orders if isinstance(order, Frame)]
    return kept, replay(policy, policy, Lane.SCREEN, lines, lines[-1].at)


def assert_kept_lies_in_open(kept: list[Span], spans: tuple[ReplaySpan, ...]) -> None:
    for span in spans:
        if span.judged and span.then:
            assert not any(one.start < span.end and span.start < one.end for one in kept), span
    assert any(span.judged for span in spans)


@pytest.mark.slow(reason="forty whole desks are played, every moment of them")
@settings(max_examples=40)  # each is seconds of a whole desk
@given(worlds, st.lists(ops, max_size=14), PICTURES_EVERY)
def test_what_was_kept_lies_in_time_that_its_policy_calls_open_once_more(
    world: World, acts: list[Op], every: int
) -> None:
    """So the lane tells what the pictures were judged by, and the replay judges as the gate did."""
    assert_kept_lies_in_open(*kept_and_judged_anew(world, acts, every))


def test_a_closed_tab_that_leaves_with_its_window_is_told_as_the_page_that_it_was() -> None:
    """Browsers tell of it no more, but the display may still have it: the gate knew a clean page, and kept."""
    acts = [Op(5, what, 0, tab, told=False, drawing=False) for what, tab in (("close tab", 1), ("leave", 0))]
    kept, spans = kept_and_judged_anew(World(Random(1), [2], previews=False), acts, 17)
    assert_kept_lies_in_open(kept, spans)
    # Before the first picture it is not known what the browser showed.
    later = [span for span in spans if span.start >= kept[0].start]
    assert not any(spoke.id == "unseen-page" for span in later for spoke in span.then)


# -- the recorder -------------------------------------------------------------------------------------------------


def test_scenes_are_a_stream_of_their_own_and_count_for_no_picture() -> None:
    rig = RecorderRig()
    rig.play(OPEN, Scenes((Ended(3), Sighting(2, WINDOWS, NOTES))))
    sealed = rig.spool.held[-1]
    assert sealed.stream == SCENE_STREAM
    assert read(sealed.data.splitlines()) == (Sighting(2, WINDOWS, NOTES), Ended(3))
    assert rig.recorder.stats.pictures_at is None
    assert rig.recorder.stats.heads == {SCENE_STREAM: (1, "ab")}
    rig = RecorderRig()
    rig.play(Scenes((Ended(3),)), OPEN, frame(1))
    assert [one.stream for one in rig.spool.held] == [envelope.KEY_PACKET_STREAM, 0]


def test_only_a_reader_opens_them() -> None:
    sealer = new_sealer()
    text = b'{"at":0,"ended":true}\n'
    sealed = sealer.seal(Chunk(SCENE_STREAM, ChunkKind.MEDIA, Span(START, START), text, ChunkFlag.KEY_FRAME))
    assert text not in sealed.data
    packet = KeyPacket.verify(sealer.packet().data.decode("ascii"), EVIDENCE.public_key())
    key = packet.stream_key(packet.open_key(AUDITOR), SCENE_STREAM)
    assert envelope.open_sealed(key, sealed.data)[1] == text
