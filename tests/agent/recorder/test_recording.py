"""One recording after another: key packet first, chunks in order, and nothing overtakes what a full spool refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest

from agent.core.model.media import Block, Chunk, ChunkKind, Frame, Lane
from agent.core.model.rules import Hold
from agent.core.model.times import SECOND, Span
from agent.errors import Refused, SpoolFull, Transient
from agent.pipeline import Mailbox
from agent.ports import Encoder, Sealed, Sealer
from agent.recorder.recording import (
    SIGNED_AGAIN_MOST,
    Blocks,
    Close,
    Factories,
    FlushBarrier,
    Gap,
    Open,
    Order,
    Recorder,
    TakeOver,
)
from protocol.envelope import SOUND_STREAM
from testkit.fakes.clock import HandClock


@dataclass
class EachFrameAChunk:
    """An encoder that makes a chunk of every frame or block, gap and close, so that order can be seen."""

    def encode(self, item: Frame | Block, /) -> Iterator[Chunk]:
        yield Chunk(item.stream, ChunkKind.MEDIA, item.span, b"frame")

    def gap(self, until: int) -> Iterator[Chunk]:
        yield Chunk(0, ChunkKind.MEDIA, Span(until, until), b"gap")

    def close(self, until: int) -> Iterator[Chunk]:
        yield Chunk(0, ChunkKind.MEDIA, Span(until, until), b"close")


@dataclass
class Numbering:
    recording: UUID = field(default_factory=uuid4)
    next: int = 0
    forgotten: bool = False
    refusal: Exception | None = None

    def packet(self) -> Sealed:
        return Sealed(self.recording, 0xFFFF, 0, b"packet", b"")

    def seal(self, chunk: Chunk) -> Sealed:
        if self.refusal is not None:
            raise self.refusal
        self.next += 1
        return Sealed(self.recording, chunk.stream, self.next - 1, chunk.data, b"\xab")

    def forget(self) -> None:
        self.forgotten = True


@dataclass
class Shelf:
    """A spool with `room` for so many chunks."""

    room: int = 99
    held: list[Sealed] = field(default_factory=list)

    def put(self, sealed: Sealed) -> None:
        if len(self.held) >= self.room:
            raise SpoolFull("full")
        self.held.append(sealed)

    def pending(self) -> Iterator[Sealed]:
        return iter(self.held)

    def forget(self, name: str) -> None: ...

    def set_aside(self, name: str, why: str) -> None: ...

    def waiting(self) -> tuple[int, int]:
        return len(self.held), 0


class Rig:
    def __init__(self, room: int = 99, *, sound: bool = False) -> None:
        self.orders: Mailbox[Order] = Mailbox(99)
        self.clock, self.spool = HandClock(), Shelf(room)
        self.sealers: list[Numbering] = []
        self.refusal: Exception | None = None  # of the keys, for a new recording
        self.entries: list[tuple[str, dict[str, Any]]] = []
        self.holds: list[tuple[Hold, bool]] = []
        self.rested: list[tuple[bool, str]] = []  # whether the key was forgotten, and the last entry by then
        self.recorder = Recorder(
            self.orders,
            factories=Factories(self._sealer, self._encoder, self._hear if sound else None),
            spool=self.spool,
            ledger=self,
            clock=self.clock,
            hold=lambda hold, on: self.holds.append((hold, on)),
            rested=lambda: self.rested.append((self.sealers[-1].forgotten, self.entries[-1][0])),
        )

    def _sealer(self, _: Open) -> Sealer:
        if self.refusal is not None:
            raise self.refusal
        self.sealers.append(Numbering())
        return self.sealers[-1]

    def _encoder(self, _: Open) -> Encoder[Frame]:
        return EachFrameAChunk()

    def _hear(self, _: Open) -> Encoder[Block]:
        return EachFrameAChunk()

    def write(self, kind: str, **fields: object) -> None:
        self.entries.append((kind, fields))

    def play(self, *orders: Order) -> list[bytes]:
        for order in orders:
            self.orders.put(order)
        self.orders.close()
        self.recorder.run()
        return [sealed.data for sealed in self.spool.held]


def frame(at: int) -> Frame:
    return Frame(0, Span(at, at), 2, 2, bytes(6), whole=True)


OPEN = Open("hash", 0, ())


def test_the_key_packet_lies_in_the_spool_before_the_recording_is_told_of() -> None:
    rig = Rig()
    assert rig.play(OPEN, frame(1), Gap(2), frame(3), Close(4, "stop")) == [
        b"packet", b"frame", b"gap", b"frame", b"close",
    ]  # fmt: skip
    kinds = [kind for kind, _ in rig.entries]
    assert kinds[0] == "recording-open"
    assert kinds[-1] == "recording-closed"
    assert rig.entries[0][1]["zero"] == 0
    assert rig.entries[-1][1] == {
        "recording": str(rig.sealers[0].recording), "heads": {"0": [4, "ab"]}, "why": "stop",
    }  # fmt: skip


def test_the_key_is_forgotten_when_the_recording_closes_and_the_next_has_its_own() -> None:
    rig = Rig()
    rig.play(OPEN, Close(1, "hour"), OPEN, frame(2))
    first, second = rig.sealers
    assert first.forgotten
    assert not second.forgotten
    assert first.recording != second.recording


def test_whoever_waits_for_the_close_is_told_once_the_key_is_forgotten() -> None:
    rig = Rig()
    rig.play(OPEN, frame(1), Close(2, "suspended"), FlushBarrier(), OPEN, frame(3))
    assert rig.rested == [(True, "recording-closed")]


def test_what_comes_outside_a_recording_is_not_kept() -> None:
    assert Rig().play(frame(1), Gap(2), Close(3, "stop")) == []


def test_a_full_spool_holds_and_nothing_overtakes_what_it_refused() -> None:
    rig = Rig(room=2)
    assert rig.play(OPEN, frame(1), frame(2), frame(3)) == [b"packet", b"frame"]
    assert rig.holds[0] == (Hold.SPOOL_FULL, True)
    assert (Hold.SPOOL_FULL, False) not in rig.holds


def test_when_there_is_room_again_the_same_bytes_follow_in_order_and_the_hold_ends() -> None:
    rig = Rig(room=1)
    for order in (OPEN, frame(1), frame(2)):
        rig.recorder._carry_out(order)
    rig.spool.room = 99
    rig.recorder._retry()
    assert [(sealed.stream, sealed.sequence) for sealed in rig.spool.held] == [(0xFFFF, 0), (0, 0), (0, 1)]
    assert rig.holds[-1] == (Hold.SPOOL_FULL, False)


def test_heads_are_of_what_lies_in_the_spool_and_the_rest_is_given_up_by_name() -> None:
    """A head that is signed and then lost would look for ever like a tail that somebody cut off."""
    rig = Rig(room=3)
    rig.play(OPEN, frame(1), frame(2), frame(3), Close(4, "stop"))
    recording = str(rig.sealers[0].recording)
    given_up = [fields for kind, fields in rig.entries if kind == "given-up"]
    assert [(lost["recording"], lost["stream"], lost["sequence"]) for lost in given_up] == [
        (recording, 0, 2),
        (recording, 0, 3),
    ]
    assert rig.entries[-1] == ("recording-closed", {"recording": recording, "heads": {"0": [2, "ab"]}, "why": "stop"})


def test_a_recording_whose_key_packet_finds_no_room_is_not_told_of_before_it_does() -> None:
    """Killed here, the account must not name a recording of which nothing ever came."""
    rig = Rig(room=0)
    for order in (OPEN, frame(1), Close(2, "hour")):
        rig.recorder._carry_out(order)
    assert rig.entries == []
    rig.spool.room = 1
    rig.recorder._retry()
    recording = str(rig.sealers[0].recording)
    assert rig.entries == [("recording-open", {"recording": recording, "policy": "hash", "zero": 0})]
    rig.spool.room = 99
    rig.recorder._retry()
    assert [kind for kind, _ in rig.entries] == ["recording-open", "recording-closed"]


def test_a_recording_that_never_came_into_being_is_given_up_by_name_and_neither_opened_nor_closed() -> None:
    rig = Rig(room=0)
    rig.play(OPEN, frame(1), Close(2, "stop"))
    recording = str(rig.sealers[0].recording)
    assert rig.entries == [
        ("given-up", {"recording": recording, "stream": stream, "sequence": sequence})
        for stream, sequence in ((0xFFFF, 0), (0, 0), (0, 1))
    ]


def test_a_recording_is_closed_in_the_ledger_when_all_of_it_is_durable() -> None:
    rig = Rig(room=2)
    for order in (OPEN, frame(1), frame(2), Close(3, "locked")):
        rig.recorder._carry_out(order)
    assert rig.sealers[0].forgotten
    assert "recording-closed" not in [kind for kind, _ in rig.entries]
    rig.spool.room = 99
    rig.recorder._retry()
    assert rig.entries[-1][1]["heads"] == {"0": [3, "ab"]}


def test_heads_are_accounted_for_every_ten_seconds() -> None:
    rig = Rig()
    for second in range(25):
        rig.clock.time = second * SECOND
        rig.recorder._carry_out(OPEN if second == 0 else frame(second))
        rig.recorder._account_heads()
    assert [kind for kind, _ in rig.entries].count("heads") == 2


def test_the_tally_is_what_lies_in_the_spool() -> None:
    rig = Rig()
    rig.play(OPEN, frame(1), frame(2))
    stats = rig.recorder.stats
    assert (stats.chunks, stats.frames, stats.bytes) == (3, 2, sum(len(sealed.data) for sealed in rig.spool.held))
    assert stats.recording == str(rig.sealers[0].recording)
    assert stats.heads == {0: (2, "ab")}
    assert stats.pictures_at == rig.clock.time
    assert stats.sound_at is None


def test_sound_and_pictures_are_evidence_of_their_own_lane_alone() -> None:
    rig = Rig(sound=True)
    rig.play(OPEN, Blocks((Block(SOUND_STREAM, Span(1, 2), 1, 0, b""),)))
    stats = rig.recorder.stats
    assert stats.sound_at == stats.sealed_at == rig.clock.time
    assert stats.pictures_at is None


NO_SIGNATURE = [Transient("too many recordings have just begun"), Refused("32 streams already")]


@pytest.mark.parametrize("refusal", NO_SIGNATURE, ids=lambda refusal: type(refusal).__name__)
def test_where_the_keys_sign_no_recording_the_recorder_holds_and_asks_again(refusal: Exception) -> None:
    rig = Rig()
    rig.refusal = refusal
    for order in (OPEN, frame(1), Gap(2), Close(3, "no-signature")):
        rig.recorder._carry_out(order)
    rig.recorder._retry()
    assert (rig.spool.held, rig.entries, rig.recorder.stats.recording) == ([], [], None)
    assert rig.holds == [(Hold.NO_SIGNATURE, True)]
    rig.clock.time += SECOND
    rig.refusal = None
    rig.recorder._retry()
    assert rig.holds[1:] == [(Hold.NO_SIGNATURE, False)]
    assert rig.play(OPEN, frame(4), Close(5, "stop")) == [b"packet", b"frame", b"close"]


def test_keys_that_sign_none_for_long_are_asked_once_a_minute() -> None:
    rig = Rig()
    rig.refusal = NO_SIGNATURE[0]
    for _ in range(9):
        rig.recorder._carry_out(OPEN)
        rig.clock.time += 59 * SECOND
        rig.recorder._retry()
    assert rig.holds[-1] == (Hold.NO_SIGNATURE, True)
    assert rig.recorder._patience() is not None
    rig.clock.time += round((SIGNED_AGAIN_MOST - 59) * SECOND)
    rig.recorder._retry()
    assert rig.holds[-1] == (Hold.NO_SIGNATURE, False)


@pytest.mark.parametrize("refusal", NO_SIGNATURE, ids=lambda refusal: type(refusal).__name__)
def test_where_the_keys_sign_no_more_of_a_recording_it_ends_with_what_was_signed(refusal: Exception) -> None:
    rig = Rig()
    rig.recorder._carry_out(OPEN)
    rig.recorder._carry_out(frame(1))
    rig.sealers[0].refusal = refusal
    rig.recorder._carry_out(frame(2))
    rig.sealers[0].refusal = None
    for order in (frame(3), Gap(4), Close(5, "no-signature")):
        rig.recorder._carry_out(order)
    assert rig.holds == [(Hold.NO_SIGNATURE, True)]
    assert [sealed.data for sealed in rig.spool.held] == [b"packet", b"frame"]
    assert rig.entries[-1][1]["heads"] == {"0": [1, "ab"]}
    assert rig.sealers[0].forgotten


def test_a_recording_that_is_to_be_renewed_ends_where_the_keys_sign_no_other() -> None:
    rig = Rig()
    rig.recorder._carry_out(OPEN)
    rig.refusal = NO_SIGNATURE[0]
    orders = (Open("hash", 5, (), renews="hour"), TakeOver(Lane.SCREEN, 5), Close(6, "no-signature"))
    for order in orders:
        rig.recorder._carry_out(order)
    assert rig.sealers[0].forgotten
    assert [(kind, fields.get("why")) for kind, fields in rig.entries][-1] == ("recording-closed", "hour")
