"""What can be asked of a recording, who may ask and answer, what becomes of it and of a case; tables, without I/O."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from review.governance.model import Act


class RequestState(StrEnum):
    ASKED = "asked"
    ANSWERED = "answered"  # what was asked for is done, or will be
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class Step(StrEnum):
    ANSWER = "answer"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"


# What is not here does not happen: nothing is answered twice, or taken up again. Who still wants it asks anew.
NEXT: Final[Mapping[tuple[RequestState, Step], RequestState]] = {
    (RequestState.ASKED, Step.ANSWER): RequestState.ANSWERED,
    (RequestState.ASKED, Step.REFUSE): RequestState.REFUSED,
    (RequestState.ASKED, Step.WITHDRAW): RequestState.WITHDRAWN,
}
BY_ASKER: Final = frozenset({Step.WITHDRAW})  # all other steps are of others, never of who asked


@dataclass(frozen=True, slots=True)
class Subject:
    """`asks`: the act by which somebody may ask. `own`: so may the person who was recorded, whatever the rules say.

    `answers`: who may do one of these may answer. `due`: within a month.
    """

    asks: Act
    own: bool
    answers: frozenset[Act]
    due: bool


SUBJECTS: Final[Mapping[str, Subject]] = {
    "legal-hold": Subject(Act.REQUEST_LEGAL_HOLD, False, frozenset({Act.LEGAL_HOLD}), False),
    # GDPR 17 and 16: a right of the person, which 12(3) has answered within a month.
    "erasure": Subject(Act.ERASE_REQUEST, True, frozenset({Act.ERASE, Act.SUBJECT_ACCESS}), True),
    "correction": Subject(Act.ERASE_REQUEST, True, frozenset({Act.ERASE, Act.SUBJECT_ACCESS}), True),
}


class CaseState(StrEnum):
    OPEN = "open"
    ASKED = "export-asked"
    EXPORTED = "exported"
    CLOSED = "closed"


class CaseStep(StrEnum):
    ASK = "ask-export"
    APPROVE = "approve"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"
    EXPORTED = "exported"
    CLOSE = "close"
    REOPEN = "reopen"


# Spans change in an open case alone: what was approved is what is exported.
CASE_NEXT: Final[Mapping[tuple[CaseState, CaseStep], CaseState]] = {
    (CaseState.OPEN, CaseStep.ASK): CaseState.ASKED,
    (CaseState.OPEN, CaseStep.CLOSE): CaseState.CLOSED,
    (CaseState.ASKED, CaseStep.APPROVE): CaseState.ASKED,
    (CaseState.ASKED, CaseStep.REFUSE): CaseState.OPEN,
    (CaseState.ASKED, CaseStep.WITHDRAW): CaseState.OPEN,
    (CaseState.ASKED, CaseStep.EXPORTED): CaseState.EXPORTED,
    (CaseState.EXPORTED, CaseStep.CLOSE): CaseState.CLOSED,
    (CaseState.EXPORTED, CaseStep.REOPEN): CaseState.OPEN,
    (CaseState.CLOSED, CaseStep.REOPEN): CaseState.OPEN,
}


ANSWERS: Final = frozenset({CaseStep.APPROVE, CaseStep.REFUSE})  # to one request for an export, with its spans


def due(asked: date) -> date:
    """The last day on which an answer is in time: the same day of the next month, or the last that it has
    (Regulation 1182/71, article 3).
    """
    year, month = (asked.year, asked.month + 1) if asked.month < 12 else (asked.year + 1, 1)
    return date(year, month, min(asked.day, calendar.monthrange(year, month)[1]))
