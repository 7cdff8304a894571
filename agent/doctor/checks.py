"""All checks, in the order in which they are told, and what they come to together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from agent.doctor.facts import Facts
from agent.doctor.findings import Check, Finding, Mark, Unasked, beside, warning
from agent.doctor.judge import browsers, eyelid, pc, screen, store

CHECKS: Final = (*eyelid.CHECKS, *screen.CHECKS, *browsers.CHECKS, *pc.CHECKS, *store.CHECKS)

# As `eyelid status` has them: 1 degraded, 3 not recording or not sending.
EXIT_CODES: Final = {Mark.GOOD: 0, Mark.BESIDE: 0, Mark.WARNING: 1, Mark.WRONG: 3}


@dataclass(frozen=True, slots=True)
class Said:
    """A finding and the check that came to it."""

    check: Check
    finding: Finding

    @property
    def title(self) -> str:
        return f"{self.finding.of}: {self.check.title}" if self.finding.of else self.check.title


def judge_all(facts: Facts) -> tuple[Said, ...]:
    """By group, and in it by what they are about: all of one browser together."""
    said = [said for check in CHECKS for said in _judge(check, facts)]
    groups = list(dict.fromkeys(one.check.group for one in said))
    subjects = list(dict.fromkeys(("", *(one.finding.of for one in said))))
    return tuple(sorted(said, key=lambda one: (groups.index(one.check.group), subjects.index(one.finding.of))))


def _judge(check: Check, facts: Facts) -> Iterator[Said]:
    about = getattr(facts, check.about)
    if isinstance(about, Unasked):
        yield Said(check, beside(about.why) if about.follows else warning(f"it could not be asked: {about.why}"))
        return
    found = check.judge(about, facts)
    for finding in found if isinstance(found, tuple) else (found,):
        yield Said(check, finding)


def worst(said: tuple[Said, ...]) -> Mark:
    marks = [one.finding.mark for one in said]
    return max(marks, key=list(Mark).index, default=Mark.GOOD)


def as_json(said: tuple[Said, ...]) -> dict[str, object]:
    """`id`, `group` and `mark` are stable; the words are for people."""
    return {
        "worst": worst(said).value,
        "checks": [
            {
                "id": one.check.id,
                "group": one.check.group,
                "of": one.finding.of,
                "mark": one.finding.mark.value,
                "found": one.finding.found,
                "next": list(one.finding.next),
            }
            for one in said
        ],
    }
