"""A recording's account as what a page shows: a drawing, and the same as a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from protocol.envelope import SCREEN
from review.web.words import Words
from store.evidence.account import PERSON, BlindCause, Closed, Held, Kept, Missing, Part, totals
from store.evidence.evidence import Evidence
from store.evidence.rules import REASONS, reason_of
from store.evidence.timeline.recording import rule_name

WIDE: Final = 1000  # of the drawing, in its own units
MOST: Final = 400  # parts that are drawn and listed of a lane: what a person can look through
# A recorder's holds, for people; another word is shown as it is.
HELD: Final = {
    "no-policy": "there was no policy", "spool-full": "the computer had no room left",
    "locked": "the screen was locked", "not-in-front": "another person was in front",
    "seat-unknown": "who was in front was not known", "display-off": "the display was off",
    "suspended": "the computer slept", "logoff": "the person had logged off", "shutdown": "the computer was shut down",
    **REASONS,
}  # fmt: skip
_TICKS: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)  # s between two


@dataclass(frozen=True, slots=True)
class Line:
    """A part. `kind`: kept, closed, held, blind or missing; `x`, `width`: in the drawing. `why`: of compliance, or in
    the reader's language. `revision`: of the policy that closed it, where its text says one."""

    kind: str
    start: int
    end: int
    rules: tuple[str, ...]
    why: str
    margin: bool
    x: float
    width: float
    revision: int | None = None


@dataclass(frozen=True, slots=True)
class Lane:
    """`sums`: ns by kind. `left_out`: parts behind the last that is listed."""

    name: str
    lines: tuple[Line, ...]
    sums: dict[str, int]
    left_out: int


@dataclass(frozen=True, slots=True)
class Tick:
    x: float
    at: int


def lanes(evidence: Evidence, words: Words) -> list[Lane]:
    made = []
    for name in evidence.lanes:
        parts = evidence.account_of(name)
        sums = totals(parts)
        kinds = {
            "kept": sums.kept, "closed": sums.closed + sums.closed_margin, "held": sums.held, "blind": sums.blind,
            "missing": sums.missing,
        }  # fmt: skip
        lines = tuple(_line(evidence, part, words) for part in parts[:MOST])
        label = words("Screen") if name == SCREEN else words("Sound")
        made.append(Lane(label, lines, {kind: ns for kind, ns in kinds.items() if ns}, max(0, len(parts) - MOST)))
    return made


def ticks(length: int) -> list[Tick]:
    """At whole times, ten at most."""
    every = next((one for one in _TICKS if length <= one * 10 * 10**9), _TICKS[-1]) * 10**9
    return [Tick(_x(at, length), at) for at in range(0, min(length, every * 10) + 1, every)]


def _line(evidence: Evidence, part: Part, words: Words) -> Line:
    kind, rules, why, revision = "kept", tuple[str, ...](), "", None
    match part.cause:
        case Kept():
            pass
        case Closed(policy, numbers):
            names = [rule_name(evidence, policy, one) for one in numbers]
            kind, rules, revision = "closed", tuple(one.id for one in names), evidence.names_of(policy).revision
            why = "; ".join(dict.fromkeys(words(one.why) for one in names if one.why))
        case Held(holds):
            kind = "held"
            why = "; ".join(words(HELD.get(hold, hold)) for hold in holds if hold != PERSON)
            if PERSON in holds:
                reason = reason_of(part.cause, evidence.names_of)
                why = "; ".join([words("by the person") + (f" ({reason})" if reason else ""), *([why] if why else [])])
        case BlindCause(reason):
            kind, why = "blind", words(REASONS.get(reason, reason))
        case Missing(reason):
            kind, why = "missing", words(REASONS.get(reason, reason))
    length = max(evidence.length, 1)
    x = _x(part.start, length)
    width = max(_x(part.end, length) - x, 0.5)  # a narrower one would not be seen
    return Line(kind, part.start, part.end, rules, why, part.margin, x, round(width, 2), revision)


def _x(at: int, length: int) -> float:
    return round(WIDE * at / max(length, 1), 2)
