"""What the daemon asks of the world, in the core's nouns. One contract suite a port, in tests/contract.

Threading: each port is used by one thread at a time, the one of the stage that owns it. `close` may come from another.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterator
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar
from uuid import UUID

from agent.core.account.rule_usage import RuleUsage
from agent.core.clocks import Reading
from agent.core.holding import UserHold
from agent.core.model.media import Block, Chunk, Frame, Monitor
from agent.core.model.rules import Hold, Policy
from agent.core.model.seen import Blind, Scene, StalePixels
from agent.core.model.times import SECOND
from protocol.api import AuthClaims
from protocol.envelope import Unsigned
from protocol.ledger import Batch
from protocol.packet import KeyPacket
from protocol.report import DeviceReport

ItemT_contra = TypeVar("ItemT_contra", contravariant=True)


class Clock(Protocol):
    def now(self) -> int:
        """ns of a clock that never jumps, ticks finely and runs through sleep."""

    def wall(self) -> int:
        """ns since 1970 (UTC) as the PC believes it; may jump."""

    def awake(self) -> int:
        """ns of a clock beside `now` that stands still while the PC sleeps, where the system has one."""

    def boot(self) -> str:
        """Which start of the PC `now` counts from; "" where the system does not say."""


class DeviceKeys(Protocol):
    """The device's two keys, wherever they lie. For any thread.

    Each statement raises Refused where it does not follow from what these keys have signed, and Transient where they
    cannot be had now; keys in the home do neither. The same statement again gets the same signature.
    """

    @property
    def where(self) -> str:
        """The keys service's socket; "" for the user's home."""

    def packet(self, packet: KeyPacket) -> str:
        """JWS."""

    def chunk(self, unsigned: Unsigned) -> bytes:
        """The signature, 64 bytes."""

    def batch(self, batch: Batch) -> str:
        """JWS."""

    def report(self, report: DeviceReport) -> str:
        """JWS."""

    def assertion(self, claims: AuthClaims) -> str:
        """JWS, by the key for tokens."""

    def forget(self) -> None:
        """For good, where they do not go with the home."""


def read(clock: Clock) -> Reading:
    """All of the PC's clocks at one moment."""
    return Reading(clock.now(), clock.wall(), clock.awake(), clock.now())


class HoldMemory(Protocol):
    """What is known of the person's hold when the recorder starts again."""

    def recall(self) -> UserHold | None:
        """The hold that is still to last; None where there is none."""

    def remember(self, hold: UserHold | None) -> None:
        """Durable when it returns. Raises Transient when the disk refuses."""


class RuleUsageMemory(Protocol):
    """What is known of how long each rule has fitted nothing when the recorder starts again."""

    def recall(self) -> RuleUsage: ...

    def remember(self, usage: RuleUsage) -> None:
        """Durable when it returns. Raises Transient when the disk refuses."""


class Desktop(Protocol):
    """What windows are on screen. Facts only: the core judges them."""

    def look(self) -> Scene | Blind:
        """The scene now, cheap when nothing changed (then it may be the very same object as before).

        Covers all moments since the look before: a window that was shown at any of them is `shown`. So is one that
        has gone but of which pixels may still be in view, where the desktop can tell; for the rest see `stale_pixels`.
        Never raises for what another program does; that is a `Blind`.
        """

    def wait(self, timeout: float) -> bool:
        """Sleep until something may have changed (True) or `timeout` seconds have passed (False)."""

    def wake(self) -> None:
        """End a `wait` at once; safe from any thread."""

    def composited(self) -> bool:
        """Whether a compositor may keep showing windows after they are gone (fading, minimise animations)."""

    def stale_pixels(self) -> tuple[StalePixels, ...] | None:
        """What the display still shows of windows that the last look no longer tells as shown, by the clock of spans.

        While `composited` without what the compositor itself goes on showing: for that, and where nothing is known of
        the pixels (None), it is `core.proof.timing.WINDOW_LINGERS`. What was gone two seconds ago may be left out.
        """

    def close(self) -> None: ...


class Witness(Protocol):
    """Something that can be asked what is in view; its looks and alarms come through the inbox."""

    name: str

    def ask(self) -> None:
        """Safe from any thread; returns at once."""

    def judge_with(self, policy: Policy) -> None:
        """Looks asked from now on carry this policy's hash."""


class Seat(Protocol):
    """Whether a person is in front of this session: locked, switched away, display off, about to sleep."""

    def holds(self) -> frozenset[Hold]: ...

    def let_sleep(self) -> None:
        """The recording is closed and its key forgotten: a sleep that was announced need not wait. From any thread."""

    def close(self) -> None: ...


class Screen(Protocol):
    """Pictures of the monitors, driven by damage."""

    def monitors(self) -> tuple[Monitor, ...]:
        """Monitors as of the last `grab` or `void`; stream numbers never repeat within a process."""

    def wait(self, timeout: float) -> bool:
        """Sleep until something was drawn (True) or `timeout` seconds have passed (False)."""

    def wake(self) -> None:
        """End a `wait` at once; safe from any thread."""

    def void(self) -> None:
        """Forget the canvas: the next grab is whole on every monitor, and monitors are read anew."""

    def grab(self, *, repeat: bool = False) -> tuple[Frame, ...]:
        """A frame of each monitor that changed (every monitor after `void`, or if `repeat`; those are whole).

        Drawing that changed no pixel, or that is not due yet, gives none. Nor does a display whose connection was cut:
        the next grabs connect anew, and are whole then. Raises EnvironmentFault when that cannot be.
        """

    def still_until(self) -> int:
        """Up to when (ns) the monitors surely showed what the last grabs of them hold: until something was drawn that
        has not been grabbed yet, or until now. 0 after `void`."""

    def close(self) -> None: ...


class Glass(Protocol):
    """The picture as it is on the display, to look for marks in. Nothing of it is handed out."""

    def find(self, marks: Collection[int]) -> frozenset[int]:
        """Those that it shows now. Raises EnvironmentFault when the display is gone."""


PEAK_OF: Final = 3 * SECOND  # ns that a level is of: longer than its readers wait between two questions


@dataclass(frozen=True, slots=True)
class Channel:
    """What status and ledger say of one end of the call. `peak`: the loudest of the last `PEAK_OF` ns, whatever else
    asked, dBFS; None for digital silence. `heard_at`: when sound above -60 dBFS was last there, ns; None if never since
    the start. `padding`: ns of silence put in for it since the start."""

    device: str  # as the sound server names it; "" while there is none
    peak: float | None = None
    heard_at: int | None = None
    padding: int = 0


@dataclass(frozen=True, slots=True)
class Mishap:
    """Something of the capture that the account must tell: `overflow`, `drift`, `silent-device`, `device-changed`,
    `device-lost`, `device-back`, `server-lost`. `padding`: ns of silence put in for it."""

    what: str
    channel: str  # "microphone" or "far-end"
    padding: int = 0


class Sound(Protocol):
    """Both ends of the call, as blocks. It follows a device that goes and comes; never raises for it."""

    def listen(self, *, on: bool) -> None:
        """Open the devices or close them (in a hold the microphone is off). Returns at once; any thread."""

    def take(self, timeout: float) -> tuple[tuple[Block, ...], tuple[Mishap, ...]]:
        """What was heard and what went wrong since the last call; waits `timeout` seconds for the first of it."""

    def channels(self) -> tuple[Channel, Channel]:
        """Microphone and far end. Any thread."""

    def captured(self) -> tuple[int | None, int | None]:
        """When microphone and far end last gave samples whose time is proven, be they silence, ns; None: not since the
        start. What is filled in for them is none of theirs. Any thread."""

    def wake(self) -> None:
        """End a `take` at once; any thread."""

    def close(self) -> None: ...


class Encoder(Protocol[ItemT_contra]):
    """Frames or blocks of one recording in, chunks out. Only what was released ever gets here."""

    def encode(self, item: ItemT_contra, /) -> Iterator[Chunk]:
        """Takes the next of its stream; yields the chunks that it completes."""

    def gap(self, until: int) -> Iterator[Chunk]:
        """Nothing after `until` (ns) is kept for now: ends every open chunk there; the next is AFTER_GAP."""

    def close(self, until: int) -> Iterator[Chunk]:
        """Ends the recording's media at `until`."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed chunk or key packet, ready for spool and wire. `name` is unique in the spool."""

    recording: UUID
    stream: int
    sequence: int
    data: bytes
    sha256: bytes

    @property
    def name(self) -> str:
        return f"{self.recording}/{self.stream:05d}-{self.sequence:010d}"


class Sealer(Protocol):
    """One recording's key: held in memory until `forget`; after that, what it sealed cannot be opened here."""

    recording: UUID

    def packet(self) -> Sealed: ...

    def seal(self, chunk: Chunk) -> Sealed: ...

    def forget(self) -> None: ...


class Spool(Protocol):
    """Sealed chunks on disk, durable before they count, forgotten only against a receipt."""

    def put(self, sealed: Sealed) -> None:
        """Durable when it returns. Raises `SpoolFull` (agent.errors) before anything is written, never after."""

    def pending(self, past: Container[UUID] = ()) -> Iterator[Sealed]:
        """Oldest first. Key packets of a recording come before its chunks. Leaves out the recordings in `past`."""

    def forget(self, name: str) -> None:
        """The store has it: its verified receipt is in hand."""

    def set_aside(self, name: str, why: str) -> None:
        """The store refused it for good: keep it out of the queue, with its reason beside it."""

    def waiting(self) -> tuple[int, int]:
        """(chunks, bytes) not yet receipted."""


class Ledger(Protocol):
    """The device's endless, chained account."""

    def write(self, kind: str, **fields: object) -> None:
        """Durable when it returns."""
