"""What was in view on its way to the recorder: only where it is asked for, only into an open recording, never from a
hold, never at the cost of a picture; and sealed before it touches anything."""

from __future__ import annotations

from dataclasses import replace

from agent.core.holding import UserHold
from agent.core.model import (
    BROWSERS,
    MILLISECOND,
    SECOND,
    WINDOWS,
    Box,
    BrowserWindow,
    Browsing,
    Chunk,
    ChunkFlag,
    ChunkKind,
    Glimpse,
    Look,
    Page,
    Scene,
    Span,
    Tab,
)
from agent.core.scenes import Ended, Hole, Passing, Sighting, Untold, read
from agent.core.session import RECORDING_LENGTH
from agent.messages import PolicyArrived
from agent.recording import Close, Gap, Open, Scenes
from agent.scenes import MOST, ROOM
from protocol import envelope
from protocol.envelope import SCENE_STREAM
from protocol.packet import KeyPacket
from tests.agent.recordings import AUDITOR, EVIDENCE, START, new_sealer
from tests.agent.test_daemon import NOTES, POLICY, WITH_CHART, Rig, hold
from tests.agent.test_recording import OPEN, frame
from tests.agent.test_recording import Rig as RecorderRig

KEEPING = replace(POLICY, hash="hash-2", revision=2, keep_scenes=True)
CARD = Page(("https://shop.example/pay",), frozenset({"cc-csc"}))


def opened(**options: int) -> Rig:
    """A policy that asks for scenes, and a recording."""
    rig = Rig(**options)
    rig.daemon.turn(PolicyArrived(KEEPING))
    return rig


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
    rig.daemon.turn(Glimpse(BROWSERS, rig.clock.time, CARD))
    rig.wait(5000)
    rig.daemon.turn(None)
    rig.daemon.turn(PolicyArrived(replace(POLICY, hash="hash-3", revision=3)))
    assert told(rig) == []


def test_what_an_event_shows_between_two_looks_is_told() -> None:
    rig = opened(browsers=True)
    rig.wait(1)
    rig.daemon.turn(Glimpse(BROWSERS, rig.clock.time, CARD))
    rig.wait(3000)
    rig.daemon.turn(None)
    [batch] = told(rig)
    assert batch.lines == (Passing(rig.clock.time - 3 * SECOND, BROWSERS, CARD),)


def test_the_browsers_are_told_as_they_are_judged() -> None:
    rig = opened(browsers=True)
    rig.look(NOTES, "hash-2")
    tab = Tab(1, CARD, visible=True, painted=True)
    window = BrowserWindow("b", 9, 1, "Shop", Box(0, 0, 9, 9), minimised=False, tabs=(tab,))
    rig.wait(1)
    asked = rig.clock.time
    rig.wait(1)
    rig.daemon.turn(Look(BROWSERS, asked, rig.clock.time, "hash-1", Browsing((window,))))  # of another policy
    rig.daemon.turn(Look(BROWSERS, asked, rig.clock.time, "hash-2", Browsing((window,))))
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
    assert seen(told(rig)) == [NOTES, Untold.HELD]
    rig.look(WITH_CHART, "hash-2")
    rig.daemon.turn(Glimpse(BROWSERS, rig.clock.time, CARD))
    rig.wait(5000)
    hold(rig.daemon, None)
    rig.daemon.turn(Look(WINDOWS, in_flight, rig.clock.time, "hash-2", WITH_CHART))  # asked before it was over
    rig.look(NOTES, "hash-2")
    rig.wait(3000)
    rig.daemon.turn(None)
    assert seen(told(rig)) == [NOTES]


def test_a_recording_that_takes_over_begins_with_what_stands() -> None:
    rig = opened()
    rig.look(NOTES, "hash-2")
    rig.clock.time += RECORDING_LENGTH
    rig.look(NOTES, "hash-2")
    orders = [order for order in rig.taken() if isinstance(order, (Open, Scenes, Close))]
    names = [type(order).__name__ for order in orders]
    assert names[names.index("Close") - 1 :] == ["Scenes", "Close", "Open"]  # no line falls into the next recording
    last = orders[names.index("Close") - 1]
    assert isinstance(last, Scenes)
    assert isinstance(last.lines[-1], Ended)
    rig.wait(3000)
    rig.daemon.turn(None)
    [batch] = told(rig)
    new = orders[-1]
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
    assert batch.lines == (Hole(first, Untold.BUSY), Sighting(rig.clock.time, WINDOWS, NOTES))


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
    assert batch.lines[-1].why is Untold.CHANGING
    rig.wait(3000)
    rig.daemon.turn(None)
    assert seen(told(rig)) == [last]


# -- the recorder -------------------------------------------------------------------------------------------------


def test_scenes_are_a_stream_of_their_own_and_count_for_no_picture() -> None:
    rig = RecorderRig()
    rig.play(OPEN, Scenes((Ended(3), Sighting(2, WINDOWS, NOTES))))
    sealed = rig.spool.held[-1]
    assert sealed.stream == SCENE_STREAM
    assert read(sealed.data.splitlines()) == (Sighting(2, WINDOWS, NOTES), Ended(3))
    assert rig.recorder.tally.pictures_at is None
    assert rig.recorder.tally.heads == {SCENE_STREAM: (1, "ab")}
    rig = RecorderRig()
    rig.play(Scenes((Ended(3),)), OPEN, frame(1))
    assert [one.stream for one in rig.spool.held] == [envelope.KEY_PACKET_STREAM, 0]


def test_only_a_reader_opens_them() -> None:
    sealer = new_sealer()
    text = b'{"at":0,"ended":true}\n'
    sealed = sealer.seal(Chunk(SCENE_STREAM, ChunkKind.MEDIA, Span(START, START), text, ChunkFlag.KEY_FRAME))
    assert text not in sealed.data
    packet = KeyPacket.verify(sealer.packet().data.decode("ascii"), EVIDENCE.public_key())
    assert envelope.open_sealed(packet.open_key(AUDITOR), sealed.data)[1] == text
