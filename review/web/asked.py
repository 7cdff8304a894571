"""What a person asks of Find, as an address says it: read with care, and written so that it can be shared."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from typing import Final

from protocol.claims import is_uuid
from review.languages import local, start_of
from review.report.gather import LONGEST, Period
from review.search import log_index
from review.search.find import Key, Wanted
from review.search.schema import LENGTHS as BOUNDS
from review.web.words import Words
from store.errors import Refusal

LENGTHS: Final = ("under 1 min", "1 to 5 min", "5 to 15 min", "15 min and more")
_LONGEST: Final = 200
LAST: Final = 2**63 - 1  # ns
_NUMBER: Final = re.compile(r"[0-9]{1,19}")
_DAY: Final = re.compile(r"(?:19[7-9]|20|21)[0-9]{1,2}-[0-9]{2}-[0-9]{2}")
_MOMENT: Final = re.compile(_DAY.pattern + r"T[0-9]{2}:[0-9]{2}(?:[+-][0-9]{2}:[0-9]{2})?")


def read(asked: Mapping[str, str], words: Words) -> Wanted:
    """Of a name that is there twice the last counts; others are passed over. Refusals: 400."""
    length = asked.get("length", "")
    if length and length not in map(str, range(len(BOUNDS))):
        raise _refusal(words("the length is one of those in the list"))
    bounds = span(asked, words)
    agent, team, rule = (named(asked.get(name, ""), words) for name in ("agent", "team", "rule"))
    return Wanted(
        agent=agent.lower(), team=team, rule=rule, length=int(length) if length else None,
        after=list_key(asked.get("after", ""), words), **bounds,
    )  # fmt: skip


def written(wanted: Wanted) -> dict[str, str]:
    """Without the place in the list."""
    asked = written_span(wanted.since, wanted.until) | {
        "agent": wanted.agent, "team": wanted.team, "rule": wanted.rule,
        "length": "" if wanted.length is None else str(wanted.length),
    }  # fmt: skip
    return {name: value for name, value in asked.items() if value}


def span(asked: Mapping[str, str], words: Words) -> dict[str, int]:
    """`since` and `until`, ns, as far as `from` and `to` say them: days, of which the last is included, or moments.

    Refusals: 400.
    """
    bounds = {}
    for name, bound in (("from", "since"), ("to", "until")):
        text = asked.get(name, "")
        if _MOMENT.fullmatch(text):
            bounds[bound] = moment(text, words)
        elif day := _day(text, words):
            bounds[bound] = start_of(day + timedelta(days=1) if bound == "until" else day)
    if len(bounds) == len({"since", "until"}) and bounds["since"] >= bounds["until"]:
        raise _refusal(words("the first day is after the last"))
    return bounds


def written_span(since: int, until: int) -> dict[str, str]:
    """As `span` reads it. 0, or the last moment that there is: without that bound."""
    first, end = local(since), local(until)
    days = (first.date().isoformat(), (end.date() - timedelta(days=1)).isoformat())
    of_day = [start_of(one.date()) == ns for one, ns in ((first, since), (end, until))]
    said = (days[0] if of_day[0] else written_moment(since), days[1] if of_day[1] else written_moment(until))
    return {"from": said[0] if since else "", "to": said[1] if until != LAST else ""}


def moment(text: str, words: Words) -> int:
    """ns of 2027-01-31T08:30, here. Of an hour that comes twice, as clocks are put back, the first; the other with
    its distance to UTC: 2027-10-31T02:30+01:00. Refusals: 400.
    """
    try:
        at = datetime.fromisoformat(text if _MOMENT.fullmatch(text) else "")
        return int(at.astimezone().timestamp()) * 10**9
    except (ValueError, OverflowError, OSError):
        raise _refusal(words("a moment is written 2027-01-31T08:30")) from None


def written_moment(ns: int) -> str:
    """To the minute, as `moment` reads it."""
    at = local(ns)
    said, zone = at.strftime("%Y-%m-%dT%H:%M"), at.strftime("%z")
    first = at.replace(tzinfo=None).astimezone()
    return said if first.utcoffset() == at.utcoffset() else f"{said}{zone[:3]}:{zone[3:5]}"


def key(place: Key) -> str:
    return f"{place[0]}.{place[1]}"


def list_key(text: str, words: Words) -> Key | None:
    place = place_by_id(text, _NUMBER, words)
    if place is None:
        return None
    if int(place[1]) > LAST:
        raise _refusal(words("this is no place in a list"))
    return place[0], int(place[1])


def place_by_id(text: str, ids: re.Pattern[str], words: Words) -> tuple[int, str] | None:
    """Where a list goes on: a moment (ns), a dot and an id; None at its beginning. Refusals: 400."""
    if not text:
        return None
    moment, _, own = text.partition(".")
    if not _NUMBER.fullmatch(moment) or int(moment) > LAST or not ids.fullmatch(own):
        raise _refusal(words("this is no place in a list"))
    return int(moment), own


def _day(text: str, words: Words) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text if _DAY.fullmatch(text) else "")
    except ValueError:
        raise _refusal(words("a day is written 2027-01-31")) from None


def named(text: str, words: Words) -> str:
    if len(text) > _LONGEST or not text.isprintable():
        raise _refusal(words("a name has at most 200 characters that can be printed"))
    return text.strip()


def _refusal(message: str) -> Refusal:
    return Refusal(400, "bad-question", message)


# -- of the audit log -------------------------------------------------------------------------------------------------

_POSITION: Final = re.compile(r"[0-9]{1,15}")
_OUTCOMES: Final = ("", "success", "failure")


def read_log(asked: Mapping[str, str], kinds: Collection[str], words: Words) -> tuple[log_index.Asked, dict[str, str]]:
    """The question, `who` as it was asked, and what of it an address needs. Refusals: 400."""
    since, until = (_day(asked.get(name, ""), words) for name in ("from", "to"))
    if since and until and since > until:
        raise _refusal(words("the first day is after the last"))
    who, recording = (named(asked.get(name, ""), words).lower() for name in ("who", "recording"))
    kind, outcome = asked.get("kind", ""), asked.get("outcome", "")
    if kind and kind not in kinds:
        raise _refusal(words("the act is one of those in the list"))
    if outcome not in _OUTCOMES:
        raise _refusal(words("the outcome is success or failure"))
    if recording and not is_uuid(recording):
        raise _refusal(words("a recording is named by its whole number"))
    question = log_index.Asked(
        since=start_of(since) // _MS if since else None,
        until=start_of(until + timedelta(days=1)) // _MS if until else None,
        who=who, kind=kind, recording=recording, outcome=outcome, before=position(asked.get("before", ""), words),
    )  # fmt: skip
    said = {
        "from": since.isoformat() if since else "", "to": until.isoformat() if until else "",
        "who": who, "kind": kind, "recording": recording, "outcome": outcome,
    }  # fmt: skip
    return question, {name: value for name, value in said.items() if value}


def position(text: str, words: Words) -> int | None:
    if not text:
        return None
    if not _POSITION.fullmatch(text):
        raise _refusal(words("this is no place in a list"))
    return int(text)


_MS: Final = 1_000_000  # ns


# -- of a report ------------------------------------------------------------------------------------------------------


def period(first: str, last: str, words: Words) -> Period:
    """Refusals: 400."""
    since, until = _day(first, words), _day(last, words)
    if since is None or until is None:
        raise _refusal(words("a day is written 2027-01-31"))
    if since > until:
        raise _refusal(words("the first day is after the last"))
    if (until - since).days >= LONGEST:
        raise _refusal(words("a report is of 366 days at most"))
    return Period(since, until)


def last_month(now: int) -> tuple[str, str]:
    """Its first and its last day."""
    last = local(now).date().replace(day=1) - timedelta(days=1)
    return last.replace(day=1).isoformat(), last.isoformat()
