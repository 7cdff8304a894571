"""What `eyelid policy check` and `eyelid config check` find, for editors and other programs: its place, its
weight, and what to write instead.

A mistake is made as one line for people, `file:line:column what is wrong, what was meant`; here it is taken apart.
"""

from __future__ import annotations

import re
from typing import Final

from agent.cli.policy.reading import place_of
from agent.core.linting.cautions import Caution

# Where the end of the line is what to write, to the letter. What the author wrote comes before, and in quotes.
_INSTEAD: Final = (
    re.compile(r".*[,:] did you mean `?([^\s`]+)`?\?", re.DOTALL),
    re.compile(r'.*, write it in quotes: (".*")', re.DOTALL),
    re.compile(r".*, write a whole number with ms, s or m: (\w+)", re.DOTALL),
)

RuleFinding = dict[str, str | int | None]


def mistake_as_json(message: str) -> RuleFinding:
    return _finding(message, "mistake")


def warning_as_json(caution: Caution) -> RuleFinding:
    """`where` and `says` are the same as a line for people has them."""
    same: RuleFinding = {"where": caution.where, "kind": caution.kind.value, "says": caution.says}
    return same | _finding(f"{caution.where} {caution.says}", "warning")


def _finding(message: str, severity: str) -> RuleFinding:
    """`file`, `line` and `column` are None where it is about no place: a folder without a policy."""
    place = place_of(message)
    file, line, column, says = (None, None, None, message) if place is None else place
    found: RuleFinding = {"file": file, "line": line, "column": column, "severity": severity, "message": says}
    instead = next((match[1] for shape in _INSTEAD if (match := shape.fullmatch(says))), None)
    return found if instead is None else {**found, "suggestion": instead}
