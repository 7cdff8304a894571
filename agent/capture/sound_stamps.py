"""When each sample was heard, as far as it is proven: counts and stamps in, dated pieces and doubts out.

A sound system hands over samples, and now and then a stamp: when one of them was heard. Between two stamps only a
sample's number is known, and samples can vanish unreported (a suspended source, a full buffer). So samples wait until
the stamps around them agree with their number: then none can have vanished in between, beyond `AGREE`. Samples without
such stamps are a doubt, and are not kept.

A stamp that disagrees with those before and after it is passed over: systems are wrong for a moment. A stamp that no
later one confirms is not used: a loss could hide behind it. No stamp brings a sample's time past its arrival. All
stamps may be equally old when they are given, which agreement cannot show: that age goes into the span.

Pure: no thread, no clock of its own. Times are ns, counts are samples since the device was opened.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from agent.capture.sound_feed import RATE, SAMPLE, Heard, Timed
from agent.core.model.times import MILLISECOND, SECOND

AGREE: Final = 40 * MILLISECOND  # words and count may differ by this: servers wander by up to 36 ms for one answer
VAGUE: Final = 15 * MILLISECOND  # a word that leaves more than this open is not heard: its question hung
BEARS_OUT: Final = 3  # words that agree with each other, before anything is dated by them
APART: Final = RATE // 50  # samples; words closer than this say the same twice
SYSTEM_ERROR: Final = 10 * MILLISECOND  # what systems leave out of what they say of their latency
LONGEST_AHEAD: Final = 2500 * MILLISECOND  # no player's buffer is longer: PulseAudio's own are 2 s at most
LONGEST_BEHIND: Final = 5 * SECOND  # from being heard to coming here; older is not believed
LONGEST_WAIT: Final = 10 * RATE  # samples, for words that agree
WORDS: Final = 100  # that are remembered without agreement: ten seconds of a feed's


@dataclass(frozen=True, slots=True)
class Piece:
    """Samples whose time is proven. `at`: of the first. Each was heard within [its place - early, its place + late].

    `first`: its count. `missing`: nothing but silence for samples that the feed told as lost.
    """

    at: int
    first: int
    samples: bytes
    early: int
    late: int
    missing: bool = False


@dataclass(frozen=True, slots=True)
class Doubt:
    """So many samples are not kept: it is not known when they were heard."""

    samples: int


@dataclass(slots=True)
class _Fragment:
    first: int
    samples: bytes
    arrived: int
    missing: bool

    @property
    def end(self) -> int:
        return self.first + len(self.samples) // SAMPLE


class Stamps:
    """One device's samples from its opening to its end."""

    def __init__(self) -> None:
        self._waiting: deque[_Fragment] = deque()
        self._counted = 0  # samples heard so far, missing ones included
        self._anchor: Timed | None = None  # borne out from both sides; everything before it is dated or doubted
        self._later: list[Timed] = []  # words after it
        self._out: list[Piece | Doubt] = []

    @property
    def counted(self) -> int:
        return self._counted

    def heard(self, event: Heard) -> None:
        if event.missing:
            self._add(bytes(event.missing * SAMPLE), event.arrived, missing=True)
        self._add(event.samples, event.arrived, missing=False)
        self._date()

    def timed(self, word: Timed) -> None:
        """A word that is vague, or outside of what is physically possible, is passed over."""
        if not 0 <= word.latest - word.earliest <= VAGUE or not 0 <= word.ahead <= LONGEST_AHEAD or word.stale < 0:
            return
        before = self._later[-1] if self._later else self._anchor
        if before is not None and abs(word.count - before.count) < APART and _agree(before, word):
            return
        self._later.append(word)
        self._date()
        if len(self._later) > WORDS:
            del self._later[0]

    def taken(self) -> list[Piece | Doubt]:
        """What has been dated or doubted since the last call, in its order."""
        out, self._out = self._out, []
        return out

    def forget(self) -> None:
        """Nothing that was said of time until now holds any more, and what waits is dropped untold."""
        self._waiting.clear()
        self._later.clear()
        self._anchor = None
        self._out.clear()

    def _add(self, samples: bytes, arrived: int, *, missing: bool) -> None:
        self._waiting.append(_Fragment(self._counted, samples, arrived, missing))
        self._counted += len(samples) // SAMPLE
        if self._counted - self._waiting[0].first > LONGEST_WAIT:
            self._doubt(self._take(self._waiting[0].end))

    def _doubt(self, dropped: list[_Fragment]) -> None:
        self._out.append(Doubt(sum(len(one.samples) // SAMPLE for one in dropped)))

    def _date(self) -> None:
        while self._go_on() or self._begin_anew():
            pass

    def _go_on(self) -> bool:
        """From the anchor to the last word that it agrees with and that a later one bears out."""
        anchor = self._anchor
        if anchor is None:
            return False
        agreeing = [word for word in self._later if _agree(anchor, word)]
        for witness, word in zip(agreeing[:0:-1], agreeing[-2::-1], strict=True):
            if word.count <= self._counted and _agree(word, witness):
                self._hand_out(anchor, word)
                self._move_to(word)
                return True
        return False

    def _begin_anew(self) -> bool:
        """Where the last words agree with each other and not with the anchor, samples have vanished, or came twice."""
        last = self._later[-BEARS_OUT:]
        if len(last) < BEARS_OUT or last[1].count > self._counted:
            return False
        if not _agree(last[0], last[-1]) or not all(_agree(one, other) for one, other in pairwise(last)):
            return False
        if self._anchor is not None and any(_agree(self._anchor, word) for word in last):
            return False
        self._doubt(self._take(last[1].count))
        self._move_to(last[1])
        return True

    def _move_to(self, word: Timed) -> None:
        self._anchor = word
        place = self._later.index(word)
        del self._later[: place + 1]

    def _take(self, until: int) -> list[_Fragment]:
        """What waits of the samples before `until`."""
        taken: list[_Fragment] = []
        while self._waiting and self._waiting[0].first < until:
            one = self._waiting[0]
            if one.end <= until:
                taken.append(self._waiting.popleft())
            else:
                cut = (until - one.first) * SAMPLE
                taken.append(_Fragment(one.first, one.samples[:cut], one.arrived, one.missing))
                self._waiting[0] = _Fragment(until, one.samples[cut:], one.arrived, one.missing)
        return taken

    def _hand_out(self, one: Timed, other: Timed) -> None:
        """Samples between two words that agree. Where any vanished, each was heard between what both lines say."""
        for fragment in self._take(other.count):
            if fragment.samples:
                self._out.append(_dated(fragment, one, other))


def _agree(one: Timed, other: Timed) -> bool:
    """Whether as much time passed between them as samples did, whatever both leave open."""
    passed = _length(other.count - one.count)
    return (
        other.count >= one.count
        and other.latest - one.earliest - passed <= AGREE
        and other.earliest - one.latest - passed >= -AGREE
    )


def _dated(fragment: _Fragment, one: Timed, other: Timed) -> Piece | Doubt:
    """Placed when it was heard. What is still to be played was already there before: its span reaches back so far."""

    def place(count: int) -> int:
        begin, end = (one.earliest + one.latest) // 2, (other.earliest + other.latest) // 2
        return begin + (end - begin) * (count - one.count) // max(1, other.count - one.count)

    early = late = 0
    ahead, stale = max(one.ahead, other.ahead), max(one.stale, other.stale)
    for count in (fragment.first, fragment.end):
        first, last = _length(count - one.count), _length(other.count - count)
        early = max(early, place(count) - min(one.earliest + first, other.earliest - last))
        late = max(late, max(one.latest + first, other.latest - last) - place(count))
    came_after = fragment.arrived - (place(fragment.end) - ahead)
    if not -AGREE <= came_after <= LONGEST_BEHIND:
        return Doubt(len(fragment.samples) // SAMPLE)
    early = max(early, -came_after) + ahead + stale + SYSTEM_ERROR
    late = max(late + SYSTEM_ERROR, fragment.arrived - place(fragment.first))
    return Piece(place(fragment.first), fragment.first, fragment.samples, early, late, fragment.missing)


def _length(samples: int) -> int:
    return samples * SECOND // RATE
