"""A case of bench/leaks: one way in which something sensitive comes into a document and goes again, as data.

The pages of a case are written from it by leaks_site/part.js; leaks_acts.py plays it. Its dimensions are words, so
that a case can be printed, kept in a file and played again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Case:
    """One value of each dimension; `stays`, `held` and `hung` are seconds.

    `document`: where it is. `sensitive`: what of it the policy knows. `comes`, `goes`: how. `by`: who takes it away,
    its own document or the one around that. `after`: what takes its place. `meanwhile`: what else happens as it goes.
    `held`: how long a view transition lasts. `hung`: how long a process is stopped. `load`: processes that only work.
    """

    browser: str
    document: str = "top"
    sensitive: str = "token"
    comes: str = "insert"
    goes: str = "remove"
    by: str = "document"
    after: str = "nothing"
    meanwhile: str = "none"
    stays: float = 0.8
    held: int = 0
    hung: int = 0
    load: int = 0


DEPTHS: Final = {
    "top": 0, "shadow_root": 0, "frame": 1, "near_frame": 1, "srcdoc": 1, "sandboxed": 1, "frame_in_frame": 2,
}  # fmt: skip
"""Document -> how many documents are around it."""

# A frame whose own address is what is sensitive comes with the frame, which the document around it puts there.
WITH_ITS_FRAME: Final = frozenset({"insert", "reveal", "replace", "transition", "template"})


def comes_at(case: Case) -> int:
    """The depth of the document that lets it come."""
    with_frame = case.sensitive == "frame_address" and case.comes in WITH_ITS_FRAME
    return DEPTHS[case.document] - with_frame


def goes_at(case: Case) -> int:
    """The depth of the document that lets it go."""
    return DEPTHS[case.document] - (case.by == "parent")
