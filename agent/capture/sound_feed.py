"""What a sound system tells the recorder, whichever it is: the words between a feed and `agent.capture.audio`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from fnmatch import fnmatchcase
from typing import Final, Protocol

RATE: Final = 48_000  # samples a second, of each end
SAMPLE: Final = 2  # bytes

DEFAULT: Final = "default"
NONE: Final = "none"


class End(IntEnum):
    """One end of the call. Its number is its channel: left, right."""

    MICROPHONE = 0
    FAR_END = 1

    @property
    def word(self) -> str:
        return "microphone" if self is End.MICROPHONE else "far-end"


@dataclass(frozen=True, slots=True)
class Devices:
    """Which device each end is: `default`, `none`, or a glob over names and descriptions, case not counted.

    The far end is what this PC plays: the device named is an output.
    """

    microphone: str = DEFAULT
    far_end: str = DEFAULT

    def of(self, end: End) -> str:
        return self.microphone if end is End.MICROPHONE else self.far_end


@dataclass(frozen=True, slots=True)
class Began:
    """From here on the end is heard by this device, and by no other until `Lost`."""

    end: End
    device: str


@dataclass(frozen=True, slots=True)
class Heard:
    """16-bit mono at `RATE`. `arrived`: when the feed got hold of it, ns; it was heard before.

    `missing`: samples that are known to be lost right before it.
    """

    end: End
    arrived: int
    samples: bytes
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Timed:
    """The system's word that a sample was heard between `earliest` and `latest`, ns.

    `count`: its number since `Began`, from 0, missing ones counted; it may be yet to come. `ahead`: of what is
    played, how long before it is heard it was already there, ns. `stale`: so much before `earliest` it may have been,
    ns, where a system says as of now what was true then.
    """

    end: End
    count: int
    earliest: int
    latest: int
    ahead: int = 0
    stale: int = 0


@dataclass(frozen=True, slots=True)
class Lost:
    """The device is no longer heard. `why`: a word of `agent.ports.Mishap`; empty when the recorder closed it.

    `doubtful`: what came before this may already be another device's.
    """

    end: End
    why: str
    doubtful: bool = False


FeedEvent = Began | Heard | Timed | Lost
Tell = Callable[[FeedEvent], bool]  # False: there was no room for it, so it counts as missing before the next


class Feed(Protocol):
    """A sound system. It follows devices that go and come, on threads of its own, and never raises for them.

    `pausing`: ends that give no samples while nothing is played, so that it is no fault when they give none.
    """

    @property
    def pausing(self) -> frozenset[End]:
        """Any thread."""

    def listen(self, *, on: bool) -> None:
        """Open the devices or close them; returns at once; any thread."""

    def close(self) -> None:
        """Also ends its threads."""


def fits(pattern: str, *names: str) -> bool:
    return any(fnmatchcase(name.casefold(), pattern.casefold()) for name in names)
