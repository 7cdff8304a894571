"""What is recorded: the lanes, their pictures and sounds, and the chunks that come of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntFlag, StrEnum
from typing import Protocol, TypeVar

from agent.core.model.seen import Box
from agent.core.model.times import Span


class Lane(StrEnum):
    """What a rule closes separately, whole: every monitor, or both ends of the call."""

    SCREEN = "screen"
    AUDIO = "audio"


@dataclass(frozen=True, slots=True)
class Monitor:
    """One output as the recording numbers it. A changed size or place is a new monitor with a new stream number."""

    stream: int
    box: Box
    name: str


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of one monitor, owning its pixels.

    `pixels`: planar YUV 4:2:0 (I420, BT.601 limited range), width and height rounded up to even numbers by repeating
    the edge; `span` covers every grab that the picture is made of.
    `whole` marks a frame that equals one grab of the whole monitor within its span: it builds on no earlier one.
    `drawn_at`: when the first was drawn of what it shows and the frame before it does not, ns; None where not known.
    `repeats`: nothing was drawn since the frame before.
    """

    stream: int
    span: Span
    width: int
    height: int
    pixels: bytes
    whole: bool = False
    drawn_at: int | None = None
    repeats: bool = False

    @property
    def changed(self) -> int:
        """Since when the monitor may not have shown what the picture before this one shows, ns."""
        return self.span.start if self.drawn_at is None else min(self.drawn_at, self.span.start)


@dataclass(frozen=True, slots=True)
class Block:
    """20 ms of sound of both ends of the call: one Opus frame, so that a cut falls between two.

    `at`: when its first sample was heard, as well as is known, ns; `span` is that time widened by the stamp's error.
    `position`: of its first sample on the clock's grid: blocks that touch in time are 960 apart, because what was lost
    was filled with silence; it leaves out only time without a listener or a device.
    `samples`: 16 bit, little endian, left (microphone) and right (far end) in turn, at 48 kHz.
    """

    stream: int
    span: Span
    at: int
    position: int
    samples: bytes

    @property
    def whole(self) -> bool:
        """A block of sound builds on no other."""
        return True

    @property
    def repeats(self) -> bool:
        """Sound never stands still."""
        return False

    @property
    def changed(self) -> int:
        return self.span.start


class Item(Protocol):
    """A frame or a block. `whole`: it does not build on the items of its stream before it.

    `repeats`: it shows what the one before it shows. `changed`: since when what it shows differs from that, ns.
    """

    @property
    def stream(self) -> int: ...

    @property
    def span(self) -> Span: ...

    @property
    def whole(self) -> bool: ...

    @property
    def repeats(self) -> bool: ...

    @property
    def changed(self) -> int: ...


ItemT = TypeVar("ItemT", bound=Item)


class ChunkKind(Enum):
    HEADER = 0  # CMAF initialisation segment
    MEDIA = 1  # one CMAF fragment


class ChunkFlag(IntFlag):
    NONE = 0
    KEY_FRAME = 1  # starts with a key frame
    AFTER_GAP = 2  # something between the chunk before and this one was not kept


@dataclass(frozen=True, slots=True)
class Chunk:
    """Encoded plaintext of one stream. `span` is the kept time it covers, in ns of the clock."""

    stream: int
    kind: ChunkKind
    span: Span
    data: bytes
    flags: ChunkFlag = ChunkFlag.NONE
