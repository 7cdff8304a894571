"""Whether what should happen does happen: judged by what was really sealed and really receipted, not by what is meant.

A recorder that only asked itself whether it means to record would show an open eye over a capture that hangs.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from agent.core.account.troubles import TroubleCode
from agent.core.model.times import MILLISECOND, SECOND

# What is left for a machine that is busy.
SLACK: Final = 1 * SECOND
# An unchanged screen is grabbed again every 3.9 s and a chunk of it is complete with the second grab, 7.7 s after the
# eye opened, as measured with a hindsight of 0.3 s. Less is left than for sound: a picture that was taken just before
# its capture hung is still sealed up to 1.2 s later (hindsight, a look, the encoder), and the wait begins anew; within
# ten seconds it must show.
SCREEN_SLACK: Final = 600 * MILLISECOND
# The capture says so before each grab, and grabs an unchanged screen again every 3.9 s: a hang shows before a chunk is
# missed.
GRAB_SLACK: Final = 2 * SECOND
# The store's receipt comes within a second on any line that works. Longer, and less than what is left of the ten
# seconds in which a lost network must show: up to 3.9 s pass before there is anything to send.
RECEIPT_WITHIN: Final = 4 * SECOND
# Where a limit holds the chunks back, one may be on its way for long.
RECEIPT_WITHIN_LIMIT: Final = 60 * SECOND
# A device that was just opened gives its first samples up to 2.1 s later, the second after is dropped, and the time of
# what follows must be proven (capture/sound_merge): 3 to 4 s on a PC with nothing else to do.
HEARD_WITHIN: Final = 6 * SECOND
# Samples come ten times a second. An end that gave none for longer begins anew, and so does the wait for its chunk.
UNBROKEN: Final = 1500 * MILLISECOND
# Sound comes in tenths and waits for half a second for a word that its device was another (capture/sound_merge). While
# its lane is open looks are a second apart, and what the last has not covered waits for the next.
SOUND_WAITS: Final = 2 * SECOND


@dataclass(frozen=True, slots=True)
class Promise:
    """How soon what was promised must be seen, ns."""

    sealed: int  # of the eye's opening, or of the last seal
    grabbed: int  # of the eye's opening, or of the last grab
    receipt: int = RECEIPT_WITHIN
    heard: int = HEARD_WITHIN  # of the word to listen, or of the last samples
    sound: int = SOUND_WAITS + SLACK  # as `sealed`, for sound; at its opening what waits for a rule's `lead` is added

    @classmethod
    def of(cls, chunk_length: int, repeat_every: int, *, limited: bool = False) -> Promise:
        receipt = RECEIPT_WITHIN_LIMIT if limited else RECEIPT_WITHIN
        sealed, grabbed = chunk_length + repeat_every + SCREEN_SLACK, repeat_every + GRAB_SLACK
        return cls(sealed, grabbed, receipt, sound=chunk_length + SOUND_WAITS + SLACK)


@dataclass(frozen=True, slots=True)
class Evidence:
    """When each was last seen, ns; None: not yet.

    `open_since`: the eye has been open all the time since. `grabbed_at`: the capture began a picture, or delivered one.
    `sealed_at`: a chunk of the screen became durable.
    `waiting_since`: something has been waiting for the store all the time since, and may be sent. `lead`: how much
    longer than the shortest hindsight a picture is kept waiting, for a title that comes late or for a rule's `lead`.
    """

    open_since: int | None = None
    grabbed_at: int | None = None
    sealed_at: int | None = None
    waiting_since: int | None = None
    receipt_at: int | None = None
    lead: int = 0

    def stalled(self, promise: Promise, now: int) -> bool:
        """The eye is open, and still nothing is grabbed, or nothing sealed."""
        return self.open_since is not None and now > min(self._picture_due(self.open_since, promise))

    def _picture_due(self, open_since: int, promise: Promise) -> tuple[int, int]:
        """By when one must be grabbed, and one sealed."""
        grabbed = _later(open_since, self.grabbed_at) + promise.grabbed
        return grabbed, _later(open_since + self.lead, self.sealed_at) + promise.sealed

    def unheard(self, promise: Promise, now: int) -> int | None:
        """For how long (ns) the store has confirmed nothing although something waits; None while all is well."""
        if self.waiting_since is None:
            return None
        silence = now - _later(self.waiting_since, self.receipt_at)
        return silence if silence > promise.receipt else None

    def due(self, promise: Promise, now: int) -> int | None:
        """When the next of these will be missed if nothing comes, ns; None while nothing can be."""
        ends = []
        if self.open_since is not None:
            ends.append(min(self._picture_due(self.open_since, promise)))
        if self.waiting_since is not None:
            ends.append(_later(self.waiting_since, self.receipt_at) + promise.receipt)
        return min((end + 1 for end in ends if end >= now), default=None)


class Deaf(StrEnum):
    """Why the call, or one end of it, is not recorded although it should be.

    `part`: the other end is recorded. `trouble`: the code by which the account has it.
    """

    NO_SOUND = TroubleCode.NO_SOUND
    DIED = TroubleCode.SOUND_DIED
    NO_DEVICE = "no-device"
    SILENT = "silent"  # there are devices, and they give nothing
    UNSEALED = "unsealed"  # what they give reaches no disk
    MICROPHONE = "microphone"  # that end gives nothing, and the other does
    FAR_END = "far-end"

    @property
    def part(self) -> bool:
        return self in {Deaf.MICROPHONE, Deaf.FAR_END}

    @property
    def trouble(self) -> TroubleCode:
        """The first two are troubles of their own, reported where they occur."""
        if self in {Deaf.NO_SOUND, Deaf.DIED}:
            return TroubleCode(self.value)
        return TroubleCode.CALL_RECORDED_IN_PART if self.part else TroubleCode.CALL_NOT_RECORDED


@dataclass(frozen=True, slots=True)
class Ear:
    """One end of the call. `wanted`: by the settings. `device`: whether there is one.

    `captured_at`: when it last gave samples whose time is proven, ns; None: not yet.
    """

    wanted: bool
    device: bool = False
    captured_at: int | None = None

    def gives_nothing(self, promise: Promise, listening_since: int, now: int) -> bool:
        return self.wanted and now - _later(listening_since, self.captured_at) > promise.heard


@dataclass(frozen=True, slots=True)
class Hearing:
    """What was heard and sealed of a call. Times in ns, None: not yet, or not now.

    `listening_since`: both ends have been listened to all the time since; None in a hold. `open_since`: the lane has
    been open all the time since, and what gives samples gave them without a break. `sealed_at`: a chunk of sound became
    durable. `lead`: how much is kept waiting for a rule that could still close for it.
    """

    microphone: Ear
    far_end: Ear
    listening_since: int | None = None
    open_since: int | None = None
    sealed_at: int | None = None
    lead: int = 0

    def deaf(self, promise: Promise, now: int) -> Deaf | None:
        """Silence that a device gives is sound like any other: a muted microphone is nothing that Eyelid misses."""
        if self.listening_since is None:
            return None
        wanted = [ear for ear in (self.microphone, self.far_end) if ear.wanted]
        lost = [ear for ear in wanted if ear.gives_nothing(promise, self.listening_since, now)]
        if lost and lost == wanted:
            return Deaf.SILENT if any(ear.device for ear in lost) else Deaf.NO_DEVICE
        if self.open_since is not None and now - _later(self.open_since + self.lead, self.sealed_at) > promise.sound:
            return Deaf.UNSEALED
        if lost:
            return Deaf.MICROPHONE if lost[0] is self.microphone else Deaf.FAR_END
        return None

    def unbroken(self, promise: Promise, now: int) -> bool:
        """Whether everything that gives samples has just given some. An end that is lost for good is not waited for."""
        if self.listening_since is None:
            return False
        giving = [
            ear
            for ear in (self.microphone, self.far_end)
            if ear.wanted and not ear.gives_nothing(promise, self.listening_since, now)
        ]
        fresh = [ear.captured_at is not None and now - ear.captured_at <= UNBROKEN for ear in giving]
        return bool(fresh) and all(fresh)


def _later(since: int, seen: int | None) -> int:
    return since if seen is None else max(since, seen)
