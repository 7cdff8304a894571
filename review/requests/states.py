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


def due(asked: date, months: int = 1) -> date:
    """The last day on which an answer is in time: the same day so many months later, or the last that the month has
    (Regulation 1182/71, article 3).
    """
    year, month = divmod(asked.year * 12 + asked.month - 1 + months, 12)
    return date(year, month + 1, min(asked.day, calendar.monthrange(year, month + 1)[1]))


def extended(came: date) -> date:
    """By two months from the first due date, which is never later than three months from the day on which it came."""
    return due(due(came), 2)


# -- requests of people about what is kept of them ------------------------------------------------------------------


class PrivacyState(StrEnum):
    OPEN = "open"
    DECIDED = "decided"
    ENDED = "ended"


class PrivacyStep(StrEnum):
    EXTEND = "extend"  # once
    DECIDE = "decide"
    END = "end"


PRIVACY_NEXT: Final[Mapping[tuple[PrivacyState, PrivacyStep], PrivacyState]] = {
    (PrivacyState.OPEN, PrivacyStep.EXTEND): PrivacyState.OPEN,
    (PrivacyState.OPEN, PrivacyStep.DECIDE): PrivacyState.DECIDED,
    (PrivacyState.DECIDED, PrivacyStep.END): PrivacyState.ENDED,
}
# Kind -> whose role has one of these acts works on it. GDPR 15, 17, 18 and 21.
PRIVACY_KINDS: Final[Mapping[str, frozenset[Act]]] = {
    "access": frozenset({Act.SUBJECT_ACCESS}),
    "erasure": frozenset({Act.ERASE_REQUEST, Act.SUBJECT_ACCESS}),
    "restriction": frozenset({Act.SUBJECT_ACCESS}),
    "objection": frozenset({Act.SUBJECT_ACCESS}),
}
