"""Sound has a lane of its own: the same looks, its own reasons, its own patience, and ends of its own."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from agent.core.holding import UserHold
from agent.core.model.media import Block, Lane
from agent.core.model.rules import Attribute, Effect, Hold, LaneEffect, Matcher, Policy, Rule
from agent.core.model.seen import Box, Scene, Window
from agent.core.model.times import MILLISECOND, SECOND, Span
from agent.ports import Mishap
from agent.recorder.audio_loop import Heard
from agent.recorder.lane_pipeline import ROOM_FOR_SOUND
from agent.recorder.messages import PolicyArrived
from agent.recorder.recording import Blocks, Close, Gap, Open, Order
from protocol.envelope import SOUND_STREAM
from tests.agent.recorder.daemon_rig import NOTES, Rig, hold

NUMBERS = Rule(
    0,
    "card numbers",
    "PCI DSS",
    (Matcher(Attribute.APP, ("pay",)),),
    lanes={Lane.SCREEN: LaneEffect(Effect.RECORD), Lane.AUDIO: LaneEffect(lead=3 * SECOND)},
)
SIGHTS = Rule(
    1,
    "charts",
    "HIPAA",
    (Matcher(Attribute.APP, ("chart",)),),
    lanes={Lane.SCREEN: LaneEffect(), Lane.AUDIO: LaneEffect(Effect.RECORD)},
)
POLICY = Policy("hash-1", 1, "test", (NUMBERS, SIGHTS))
PLACE = Box(0, 0, 50, 50)
PAYING = Scene((*NOTES.windows, Window(2, "pay", "Pay", 11, PLACE, shown=True)))
CHARTED = Scene((*NOTES.windows, Window(3, "chart", "Chart", 12, PLACE, shown=True)))
LENGTH = 20 * MILLISECOND


class Call(Rig):
    """A call that is heard all the time, and a screen that is looked at every 100 ms."""

    def __init__(self) -> None:
        super().__init__(sound=True, room=1000)
        self.position = 0
        self.daemon.turn(PolicyArrived(POLICY))

    def hear(self, seen: Scene, tenths: int) -> list[Order]:
        """A tenth of a second of sound and a look, so many times; what the recorder was given meanwhile."""
        for _ in range(tenths):
            begins = self.clock.time
            self.clock.time += 100 * MILLISECOND
            blocks = []
            for number in range(5):
                at = begins + number * LENGTH
                blocks.append(Block(SOUND_STREAM, Span(at - MILLISECOND, at + LENGTH), at, self.position, b""))
                self.position += 960
            self.daemon.turn(Heard(tuple(blocks)))
            self.look(seen)
        return self.taken()


def kept(orders: Sequence[Order]) -> list[Block]:
    return [block for order in orders if isinstance(order, Blocks) for block in order.blocks]


def test_sound_is_kept_once_the_lead_after_it_was_clean() -> None:
    call = Call()
    assert kept(call.hear(NOTES, 30)) == []
    heard = kept(call.hear(NOTES, 30))
    assert heard
    assert call.clock.time - heard[-1].span.end > 3 * SECOND
    assert [block.position for block in heard] == [heard[0].position + 960 * number for number in range(len(heard))]


def test_a_rule_for_sound_alone_takes_the_lead_before_it_too_and_leaves_the_screen_open() -> None:
    call = Call()
    call.hear(NOTES, 60)
    began = call.clock.time
    orders = call.hear(PAYING, 20)
    assert all(block.span.end + 3 * SECOND < began for block in kept(orders))
    assert [order.lane for order in orders if isinstance(order, Gap)] == [Lane.AUDIO]
    assert call.daemon.session.keeps(Lane.SCREEN)
    assert not call.daemon.session.keeps(Lane.AUDIO)
    assert ("lane-closed", {"lane": "audio", "rules": [0], "policy": "hash-1"}) in call.ledger.entries
    assert kept(call.hear(PAYING, 50)) == []
    ended = call.clock.time
    after = kept(call.hear(NOTES, 80))
    assert after
    assert after[0].span.start > ended


def test_a_rule_for_the_screen_alone_leaves_the_sound_whole() -> None:
    call = Call()
    first = call.hear(NOTES, 60)
    then = call.hear(CHARTED, 60)
    assert not call.daemon.session.keeps(Lane.SCREEN)
    heard = kept(first) + kept(then)
    assert [block.position for block in heard] == [heard[0].position + 960 * number for number in range(len(heard))]
    assert not [order for order in then if isinstance(order, Gap) and order.lane is Lane.AUDIO]


def test_in_a_hold_nobody_listens_and_nothing_that_waited_is_kept() -> None:
    call = Call()
    call.hear(NOTES, 60)
    assert call.listening == [True]
    hold(call.daemon, UserHold(call.clock.time))
    assert call.listening == [True, False]
    assert kept(call.hear(NOTES, 20)) == []
    hold(call.daemon, None)
    released = call.clock.time
    assert call.listening == [True, False, True]
    assert all(block.span.start >= released for block in kept(call.hear(NOTES, 60)))


def test_nothing_is_kept_of_what_was_heard_before_the_release_was_in_the_account(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A hold so short that the feed never noticed, and a disk that takes its time."""
    call = Call()
    call.hear(NOTES, 60)
    told: list[int] = []

    def write(kind: str, **_: object) -> None:
        if kind == "release":
            call.clock.time += 50 * MILLISECOND
            told.append(call.clock.time)

    monkeypatch.setattr(call.ledger, "write", write)  # no real disk takes its time at the one moment that counts
    hold(call.daemon, UserHold(call.clock.time))
    call.clock.time += MILLISECOND
    at = call.clock.time + 20 * MILLISECOND
    hold(call.daemon, None)
    call.daemon.turn(Heard((Block(SOUND_STREAM, Span(at, at + LENGTH), at, call.position, b""),)))
    heard = kept(call.hear(NOTES, 60))
    assert heard
    assert all(block.span.start > told[0] for block in heard)


def test_a_recording_that_ends_ends_its_sound_first_and_sound_from_before_the_next_is_not_in_it() -> None:
    call = Call()
    call.hear(NOTES, 60)
    call.seat.now = frozenset({Hold.LOCKED})
    call.daemon.turn(None)
    kinds = [type(order) for order in call.taken()]
    assert kinds[-2:] == [Gap, Close]
    late = Block(SOUND_STREAM, Span(call.clock.time, call.clock.time + LENGTH), call.clock.time, 0, b"")
    call.clock.time += SECOND
    call.seat.now = frozenset()
    call.daemon.turn(None)
    assert isinstance(call.taken()[-1], Open)
    call.daemon.turn(Heard((late,)))
    assert call.daemon.sound is not None
    assert call.daemon.sound.proof.waiting == ()


def test_what_waits_at_the_hour_belongs_to_the_next_recording() -> None:
    call = Call()
    call.hear(NOTES, 60)
    call.clock.time += 3600 * SECOND
    call.hear(NOTES, 60)
    call.clock.time += 3600 * SECOND - 12 * SECOND
    orders = call.hear(NOTES, 120)
    opened = next(order for order in orders if isinstance(order, Open))
    at = orders.index(opened)
    assert all(block.span.start >= opened.start for block in kept(orders[at:]))
    assert all(block.span.end <= opened.start + LENGTH for block in kept(orders[:at]))


def test_a_recorder_that_takes_no_more_sound_loses_it_with_an_end() -> None:
    call = Call()
    call.hear(NOTES, 60)
    for _ in range(ROOM_FOR_SOUND):
        call.orders.put(Gap(0))
    assert kept(call.hear(NOTES, 3)) == []
    heard = kept(call.hear(NOTES, 60))
    assert heard


def test_mishaps_are_told_in_the_account() -> None:
    call = Call()
    call.daemon.turn(Heard((), (Mishap("overflow", "microphone", 40 * MILLISECOND), Mishap("device-lost", "far-end"))))
    assert call.ledger.entries[-2:] == [
        ("sound", {"what": "overflow", "channel": "microphone", "filled_ms": 40}),
        ("sound", {"what": "device-lost", "channel": "far-end"}),
    ]
