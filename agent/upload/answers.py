"""What each answer means for what was sent: one table. All that is not plainly the store's word means "later"."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from http import HTTPStatus
from typing import Final, TypeVar

from agent.core.account.troubles import TroubleCode
from agent.errors import EyelidError, Refused, Transient, Untrusted
from agent.wire import Answer
from protocol import api
from protocol.claims import Claims
from protocol.errors import ProtocolError

T = TypeVar("T")


class Disposition(Enum):
    ACCEPTED = "accepted"
    LATER = "later"  # it may pass: the same request again, after a while
    NEVER = "never"  # the store itself said that no repetition will help
    NOT_KNOWN = "not known"  # the bearer token is no longer good: once more with a new one
    SHUT_OUT = "shut out"  # nothing of this PC is taken until a person does something


# The first three in the store's words (protocol.api).
SHUT_OUT_CODES: Final = frozenset({
    TroubleCode.DEVICE_REVOKED, TroubleCode.DEVICE_UNKNOWN, TroubleCode.AGENT_UNSUPPORTED, TroubleCode.NOT_LET_IN,
})  # fmt: skip
# What the store is too old for waits until it is upgraded.
SHUT_OUT: Final = {str(code): code for code in SHUT_OUT_CODES} | {api.UNKNOWN_CRITICAL: TroubleCode.AGENT_UNSUPPORTED}

NO_KEY_PACKET: Final = "no-key-packet"  # 409: the store does not know the recording (store/server/ingest.py)

_PASSING: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})


class ShutOut(EyelidError):
    """Nothing is lost: it waits here until the store's operator lets this PC in again."""

    def __init__(self, code: TroubleCode) -> None:
        super().__init__(f"the store takes nothing from this PC ({code}): ask its operator")
        self.code = code


def weigh(answer: Answer) -> Disposition:
    """A refusal counts only in the store's own words: a proxy's 403 or a portal's 404 says nothing about a chunk."""
    refusal = answer.refusal()
    if answer.accepted:
        return Disposition.ACCEPTED
    if refusal in SHUT_OUT:
        return Disposition.SHUT_OUT
    if answer.status == HTTPStatus.UNAUTHORIZED:
        return Disposition.NOT_KNOWN
    if not 400 <= answer.status < 500 or answer.status in _PASSING or refusal in {"", *api.DAMAGED_ON_THE_WAY}:
        return Disposition.LATER
    return Disposition.NEVER


def later(answer: Answer) -> Transient:
    return Transient(f"the store answered {answer.status}: it will be tried again", retry_after=answer.retry_after)


def settle(answer: Answer, what: str) -> None:
    """Returns when the store accepted. Raises Refused or Transient; `what` was sent, in words."""
    match weigh(answer):
        case Disposition.ACCEPTED:
            return
        case Disposition.NEVER:
            raise Refused(f"the store refused {what}: {answer.refusal()} ({answer.status})")
        case _:
            raise later(answer)


def understood(answer: Answer, read: Callable[[Claims], T]) -> T:
    """What `read` finds in the store's JSON. Raises Untrusted when it is not there."""
    try:
        return read(answer.claims())
    except ProtocolError as problem:
        raise Untrusted(f"the store's answer is not what it must be: {problem}") from problem
