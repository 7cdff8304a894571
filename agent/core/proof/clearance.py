"""The proof: which time a witness has shown to be clean.

Pixels come before any event in a fifth of real transitions and stay after the event that ends them, so no delay is a
proof; a clean look before *and* after is. A witness's *run* on a lane is its consecutive clean looks
since the last dirty look or alarm; the run proves the open interval

    clearance = ( first.answered + settle , last.asked )

with more than `settle` where the first look itself says that the display is further behind (`Look.lag`). What the
display still shows of what left before the run raises the lower end (`StalePixels`); what left since was in view of its
looks, and clean.

All comparisons are strict: on a coarse clock a look and a picture can carry the same time; equal times prove nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from agent.core.model.rules import Reason
from agent.core.model.seen import StalePixels
from agent.core.model.times import MILLISECOND, SECOND, Span

ANSWERS_WITHIN: Final = 1 * SECOND  # an asked look that is not answered for this long is an alarm


@dataclass(frozen=True, slots=True)
class Timing:
    """What a witness's proof needs on a lane, ns. Measured per platform: docs/platforms.md.

    `settle`: how long the picture may still be what the truth has left, whatever the display does.
    `lingers`: how long the display may go on showing what has gone, unless a look itself says so (`Look.stale_pixels`).
    `hindsight`: how long the truth may come after the pixels.
    `max_gap`: how far two looks may lie apart around an item.
    """

    settle: int = 0
    hindsight: int = 0
    max_gap: int = 250 * MILLISECOND
    lingers: int = 0

    def settled(self, *, display_known: bool) -> int:
        """What has to pass after a look, ns. `display_known`: it says itself what the display still shows."""
        return self.settle if display_known else max(self.settle, self.lingers)


@dataclass(frozen=True, slots=True)
class Clearance:
    """An open interval (after, before) of ns; empty when `before` does not exceed `after`."""

    after: int
    before: int

    def covers(self, span: Span, hindsight: int) -> bool:
        """Whether the whole span, and `hindsight` after it, lies strictly inside."""
        return self.after < span.start and span.end + hindsight < self.before

    def never_covers(self, span: Span) -> bool:
        """Whether no later look can help: the span starts at or below the lower end.

        The bound falls only when stale pixels clear early, and never to a time that was already past when it rose.
        """
        return span.start <= self.after


@dataclass(frozen=True, slots=True)
class Run:
    """One witness on one lane. A new one, or one after an alarm, proves nothing until its first clean look.

    `barrier`: looks asked at or before it count for nothing. `after`: the lower end of the clearance. `last`: (asked,
    answered) of the last clean look, if any. `began`: when what the first one saw had settled. `stale_until`: until
    when the display shows what had left by then, by what is known now. Before the first, both are the lower end.
    """

    barrier: int
    after: int
    began: int
    stale_until: int
    last: tuple[int, int] | None = None

    @classmethod
    def unproven(cls, since: int) -> Run:
        return cls(barrier=since, after=since, began=since, stale_until=since)

    @property
    def clean(self) -> bool:
        """Whether the last that counted was a clean look."""
        return self.last is not None

    @property
    def clearance(self) -> Clearance:
        after = max(self.after, self.stale_until)
        return Clearance(after, after if self.last is None else self.last[0])


def gone_by(stale_pixels: Sequence[StalePixels], began: int) -> int:
    """When the last of what had left by `began` (ns) is gone; 0 if nothing had."""
    return max((min(one.until, began + one.most) for one in stale_pixels if one.left <= began), default=0)


def alarmed(run: Run, at: int, stay_closed: int = 0) -> Run:
    """The run after an alarm at `at`: what was looked at before is worthless, and `stay_closed` ns more stay closed."""
    after = max(run.after, at + stay_closed)
    return Run(barrier=max(run.barrier, at), after=after, began=after, stale_until=after)


def with_stale(run: Run, stale_pixels: Sequence[StalePixels], now: int) -> Run:
    """The run, with what a look answered at `now` says of stale pixels. Of those yet to clear the latest look counts;
    those that have cleared may never be reported again.
    """
    if run.last is None:
        return run
    past = [one for one in stale_pixels if one.until <= now]
    known = [run.stale_until] if run.stale_until <= now else []
    after, until = max(run.after, *known, gone_by(past, run.began)), gone_by(stale_pixels, run.began)
    return replace(run, after=after, stale_until=until)


def looked(
    run: Run, asked: int, answered: int, reasons: Sequence[Reason], timing: Timing, *, display_known: bool, lag: int
) -> Run:
    """The run after a look that was judged with the policy in force; `reasons` is empty for a clean one.

    `display_known`: the look says what the display still shows, and `stale_until` brings that in. `lag`: as in `Look`.
    A clean look whose question is not strictly later than the last alarm, or than the answer before it, does not count:
    of two looks in flight at once it is not known which saw what. A dirty one counts whenever it comes.
    """
    if answered < asked:
        return alarmed(run, asked)  # a witness whose clock runs backwards is not a witness
    if reasons:
        return alarmed(run, answered, max(reason.stay_closed for reason in reasons))
    if asked <= run.barrier:
        return run
    if run.last is None:
        began = answered + max(timing.settled(display_known=display_known), lag)
        return replace(run, after=max(run.after, began), last=(asked, answered), began=began)
    asked_before, answered_before = run.last
    if asked <= answered_before:
        return run
    # The scene was seen somewhere between question and answer, so the worst distance counts. Not asking is not silence:
    # the run goes on, but what lies between two looks this far apart is not proven.
    too_far = answered - asked_before > timing.max_gap
    return replace(run, after=max(run.after, answered) if too_far else run.after, last=(asked, answered))
