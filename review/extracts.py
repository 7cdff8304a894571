"""Which chunks of a recording an export of a case gets: those of the spans that people signed, and no other.

Who asks hands in the sealed chunks that say where a span begins and ends, and those back to its key frame. Each is
signed by the recording's device, and the chunks of a stream stand in the order of their times. So it does not matter
who hands them in: what they leave out is not released, and they cannot move the edge of a span.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Final

from protocol import base64url
from protocol.claims import Claims
from protocol.envelope import Edition, Flag, Header, Kind, check_signature
from protocol.keys import public_from_text
from review.governance.model import Act, Rendition
from review.refusal import Refusal

MOST: Final = 100_000  # chunks of a recording in an export, of all spans and streams: days of a screen
Spans = tuple[tuple[int, int], ...]
"""From when until before when, ns since the recording's start; in order, and apart."""
_TERMS: Final = {
    "case": re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    "to": re.compile(r"[A-Za-z0-9_-]{43}"),  # the reader's key
    "spans": re.compile(r"[0-9]{1,16}-[0-9]{1,16}( [0-9]{1,16}-[0-9]{1,16}){0,255}"),
    "streams": re.compile(r"[0-9]{1,5}( [0-9]{1,5}){0,255}"),
}


def terms_of(claims: Claims) -> dict[str, str]:
    """What people sign beside the terms of each opening; nothing where no case is exported.

    Raises SignatureError ("bad-field").
    """
    if not claims.has("case"):
        return {}
    if (claims.text("act"), claims.text("rendition")) != (Act.EXPORT, Rendition.ORIGINAL):
        raise claims.refuse("case", "with the act export and the original")
    terms = {name: claims.text(name) for name in _TERMS}
    for name, pattern in _TERMS.items():
        if not pattern.fullmatch(terms[name]):
            raise claims.refuse(name, f"as {pattern.pattern}")
    edges = [at for span in spans_of(terms) for at in span]
    if any(one >= after for one, after in pairwise(edges)):
        raise claims.refuse("spans", "in order, and apart")
    return terms


def spans_of(terms: Mapping[str, str]) -> Spans:
    pairs = (one.partition("-") for one in terms["spans"].split())
    return tuple((int(start), int(until)) for start, _, until in pairs)


def facts_of(terms: Mapping[str, str]) -> dict[str, object]:
    """For the log; nothing where no case is exported."""
    if "case" not in terms:
        return {}
    return {"reference": f"case {terms['case']}", "to": terms["to"], "spans": list(map(list, spans_of(terms)))}


def sequences(asked: Claims, terms: Mapping[str, str], device: str, streams: Iterable[int]) -> dict[int, list[int]]:
    """By stream: the chunks that are released, by the `chunks` that were handed in; none where no case is exported.

    `device`: its evidence key. Raises Refusal, EnvelopeError, SignatureError.
    """
    if "case" not in terms:
        return {}
    found: dict[int, dict[int, Header]] = {one: {} for one in streams}
    for text in asked.texts("chunks"):
        header = _header(asked, text, device)
        if str(header.recording) != terms["recording"] or header.stream not in found:
            raise Refusal("other-chunk", "a chunk is of another recording or stream than what was asked for")
        found[header.stream][header.sequence] = header
    chosen = {stream: _chosen(of, spans_of(terms)) for stream, of in found.items()}
    # Before any of it is written out: two chunks that a PC signed may have all numbers between them.
    if sum(one.stop - one.start for several in chosen.values() for one in several) > MOST:
        raise Refusal("too-many-chunks", f"an export has at most {MOST} chunks of a recording: make several cases")
    return {stream: sorted(set[int]().union(*several)) for stream, several in chosen.items() if several}


def _header(asked: Claims, text: str, device: str) -> Header:
    """Of a chunk that the device signed, and that has a key of its own."""
    try:
        sealed = base64url.decode(text)
    except ValueError:
        raise asked.refuse("chunks", "sealed chunks in base64url") from None
    check_signature(sealed, public_from_text(device))
    header = Header.parse(sealed)
    if header.edition is not Edition.KEYED:
        raise Refusal("no-chunk-keys", "its recorder was of an earlier version: its chunks have no keys of their own")
    return header


def _chosen(known: Mapping[int, Header], spans: Spans) -> list[range]:
    """Numbers of chunks, some of them more than once."""
    chosen = list[range]()
    for start, until in spans:
        within = [number for number, one in known.items() if one.kind is Kind.MEDIA and _meets(one, start, until)]
        if not within:
            continue
        first, last = min(within), max(within)
        while not known[first].flags & Flag.KEY_FRAME and _is_media(known.get(first - 1)):
            first -= 1
        chosen.append(range(first, last + 1))
    if chosen:
        chosen += [range(number, number + 1) for number, one in known.items() if one.kind is Kind.HEADER]
    return chosen


def _meets(one: Header, start: int, until: int) -> bool:
    """Whether it has time of the span; one that lasts no time has its moment."""
    return one.start < until and (one.end > start or one.start >= start)


def _is_media(one: Header | None) -> bool:
    return one is not None and one.kind is Kind.MEDIA
