"""What jobs of the analysis there are, and how they change, as data; reads and writes nothing.

The table itself is review.analysis.jobs. Times: wall clock, ns since 1970.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final

from review.governance.model import Kind as Kind  # noqa: PLC0414 - a name of this module, which the signed rules have as well

SECOND: Final = 10**9
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR


# What a kind is made of: it waits until each of these that the recording has is done, and begins with none that failed.
# A redacted rendition without the personal data of what was said would let it be heard.
MADE_OF: Final[Mapping[Kind, frozenset[Kind]]] = {
    Kind.SPEECH: frozenset(),
    Kind.SCREEN_TEXT: frozenset(),
    Kind.TEXT: frozenset(),
    Kind.PERSONAL: frozenset({Kind.SPEECH, Kind.SCREEN_TEXT, Kind.TEXT}),
    Kind.RENDITION: frozenset({Kind.PERSONAL}),
    Kind.INDEX: frozenset({Kind.PERSONAL}),
}
SOURCES: Final = frozenset(kind for kind, of in MADE_OF.items() if not of)
NO_READER: Final = "0"  # the version of a kind that nothing here reads


def versions(readers: Mapping[Kind, str]) -> dict[Kind, str]:
    """Of each kind the version of its reader and of what it is made of: a new speech model makes all behind it anew."""
    found: dict[Kind, str] = {}
    for kind in Kind:  # what a kind is made of stands before it
        own, of = readers.get(kind, NO_READER), sorted(MADE_OF[kind])
        found[kind] = own + (f"({','.join(found[one] for one in of)})" if of else "")
    return found


def with_what_follows(sources: Iterable[Kind]) -> tuple[Kind, ...]:
    """All kinds of a recording that has these sources, in the order in which they are made; none where it has none."""
    has = set(sources)
    if not has:
        return ()
    return tuple(kind for kind in Kind if kind in has or kind not in SOURCES)


# -- states -----------------------------------------------------------------------------------------------------------


class JobState(StrEnum):
    WAITING = "waiting"
    LEASED = "leased"
    DONE = "done"
    FAILED = "failed"  # for good, until a person asks for it again
    WITHDRAWN = "withdrawn"


class Event(StrEnum):
    LEASE = "lease"
    RENEW = "renew"
    FINISH = "finish"
    RETRY = "retry"  # it failed, or its worker was lost, and is tried again
    FAIL = "fail"  # for good
    GIVE_BACK = "give-back"  # its worker ends in good order
    WITHDRAW = "withdraw"
    OFFER = "offer"  # its recording is to be analysed by this version
    ASK = "ask"  # a person asks for it


NEXT: Final[Mapping[tuple[JobState, Event], JobState]] = {
    (JobState.WAITING, Event.LEASE): JobState.LEASED,
    (JobState.WAITING, Event.ASK): JobState.WAITING,
    (JobState.WAITING, Event.OFFER): JobState.WAITING,
    (JobState.WAITING, Event.WITHDRAW): JobState.WITHDRAWN,
    (JobState.LEASED, Event.RENEW): JobState.LEASED,
    (JobState.LEASED, Event.FINISH): JobState.DONE,
    (JobState.LEASED, Event.RETRY): JobState.WAITING,
    (JobState.LEASED, Event.FAIL): JobState.FAILED,
    (JobState.LEASED, Event.GIVE_BACK): JobState.WAITING,
    (JobState.LEASED, Event.ASK): JobState.LEASED,
    (JobState.LEASED, Event.OFFER): JobState.LEASED,
    (JobState.LEASED, Event.WITHDRAW): JobState.WITHDRAWN,
    (JobState.DONE, Event.ASK): JobState.DONE,
    (JobState.DONE, Event.OFFER): JobState.DONE,
    (JobState.DONE, Event.WITHDRAW): JobState.WITHDRAWN,
    (JobState.FAILED, Event.ASK): JobState.WAITING,
    (JobState.FAILED, Event.OFFER): JobState.FAILED,
    (JobState.FAILED, Event.WITHDRAW): JobState.WITHDRAWN,
    (JobState.WITHDRAWN, Event.ASK): JobState.WITHDRAWN,
    (JobState.WITHDRAWN, Event.OFFER): JobState.WAITING,
}
# A kind of a recording has one job in these at most.
LIVE: Final = frozenset({JobState.WAITING, JobState.LEASED, JobState.FAILED})


class Withdrawn(StrEnum):
    """Why a job was withdrawn."""

    ERASED = "erased"  # and never comes back
    NOT_ALLOWED = "not-allowed"
    SUPERSEDED = "superseded"  # by another version, before it was done
    REPLACED = "replaced"  # by another version's result


class Turn(IntEnum):
    """Whose turn it is: the smallest first."""

    ASKED = 0
    NEW = 1
    BACKFILL = 2


# -- failures ---------------------------------------------------------------------------------------------------------


class Failure(StrEnum):
    """Why a job failed: a code, never what the recording says."""

    BROKEN = "broken"
    ERASED = "erased"
    LOST = "lost"
    NO_ROOM = "no-room"
    NO_ANSWER = "no-answer"
    NO_SOURCE = "no-source"
    NOT_YET = "not-yet"
    REFUSED = "refused"
    UNSOUND = "unsound"
    WRONG_MODEL = "wrong-model"


@dataclass(frozen=True, slots=True)
class Meaning:
    """`tries`: how often it is tried in all, 0: without an end. `first`, `longest`: ns until the next try."""

    says: str
    tries: int
    first: int = MINUTE
    longest: int = DAY


MEANINGS: Final[Mapping[Failure, Meaning]] = {
    Failure.BROKEN: Meaning("the reader failed on this recording", 5),
    Failure.ERASED: Meaning("the recording was erased", 1),
    Failure.LOST: Meaning("its worker ended or was cut off without a word", 5),
    Failure.NO_ROOM: Meaning("no room was left on the worker's disk", 0, 5 * MINUTE, HOUR),
    Failure.NO_ANSWER: Meaning("the store or the custodian did not answer", 0, MINUTE, HOUR),
    Failure.NO_SOURCE: Meaning("what it is made of is missing, damaged or signed by no worker that counts", 5),
    Failure.NOT_YET: Meaning("the custodian waits for something, such as consent or the recording's end", 0, HOUR),
    Failure.REFUSED: Meaning("the signed rules refuse it", 1),
    Failure.UNSOUND: Meaning("it is not what its PC signed", 1),
    Failure.WRONG_MODEL: Meaning("the model on the worker is not the one that is pinned", 0, HOUR),
}
LONGEST_WAIT: Final = max(one.longest for one in MEANINGS.values())


def counts(failure: Failure) -> bool:
    """Whether it is one of the tries that are limited: what the job has no part in is not."""
    return MEANINGS[failure].tries > 0


def wait(failure: Failure, times: int) -> int | None:
    """ns until it is tried again; None: it has failed for good. `times`: that it failed so far in ways that count, or
    in ways that do not, as this one does; 1 or more.
    """
    meaning = MEANINGS[failure]
    if meaning.tries and times >= meaning.tries:
        return None
    return min(meaning.first << 2 * min(times - 1, 16), meaning.longest)
