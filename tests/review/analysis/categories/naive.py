"""Categories once more, word by word: every phrase is tried at every place, and every time counted in ticks of 0.1 s.

The oracle of `review.analysis.categories.match`. It reads rules as their authors write them, so that the reader of the
files is held to it, too; it shares no code with either. Also random rules and calls for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import strategies as st

from review.analysis.spans import Span
from review.analysis.spoken import Call, Party, Speech
from tests.review.analysis.raster import Word

TICK = 100_000_000  # ns
Rule = dict[str, Any]
Hit = tuple[Party, int, int]  # ns
Position = tuple[str | None, Word | None, int]  # what is compared, the word, when it begins in ns
FOLDED = {"Ä": "ä", "Ö": "ö", "Ü": "ü", "ß": "ss", "'": "", "\u2019": ""}


def plain(text: str) -> list[str]:
    folded = "".join(FOLDED.get(sign, sign) for sign in text).lower()
    return "".join(sign if sign.isalnum() else " " for sign in folded).split()


def ticks(spans: Sequence[Span]) -> set[int]:
    return {tick for span in spans for tick in range(span.start_ns // TICK, span.end_ns // TICK)}


def runs(wanted: set[int]) -> list[tuple[int, int]]:
    """Of ticks that follow one another: the first, and the one after the last."""
    starts = sorted(tick for tick in wanted if tick - 1 not in wanted)
    ends = sorted(tick + 1 for tick in wanted if tick + 1 not in wanted)
    return list(zip(starts, ends, strict=True))


class Naive:
    def __init__(self, call: Call) -> None:
        self.call = call
        speech = call.speech
        whole = ticks([Span(speech.start_ns, speech.end_ns)])
        self.closed = ticks(speech.closed) & whole
        self.speech = {
            party: None if given is None else ticks(given) & whole - self.closed
            for party, given in ((Party.AGENT, speech.agent), (Party.CUSTOMER, speech.customer))
        }
        self.kept = whole - self.closed
        self.positions = {party: self.place(party) for party in call.words}

    def place(self, party: Party) -> list[Position]:
        hidden = ticks(self.call.masked.get(party, ())) | self.closed
        events: list[tuple[int, int, Word | None]] = [(start * TICK, 0, None) for start, _ in runs(self.closed)]
        events += [(word.start_ns, 1, word) for word in self.call.words[party]]  # type: ignore[misc]
        found: list[Position] = []
        for start, _, word in sorted(events, key=lambda event: event[:2]):
            if word is None:
                found.append((None, None, start))
                continue
            covers = range(start // TICK, max(word.end_ns // TICK, start // TICK + 1))
            masked = any(tick in hidden for tick in covers)
            found += [(None if masked else piece, word, start) for piece in plain(word.text)]
        return found

    def holds(self, rule: Rule) -> bool | None:
        if "all" in rule:
            parts = [self.holds(one) for one in rule["all"]]
            return False if False in parts else None if None in parts else True
        if "any" in rule:
            parts = [self.holds(one) for one in rule["any"]]
            return True if True in parts else None if None in parts else False
        if "not" in rule:
            inner = self.holds(rule["not"])
            return None if inner is None else not inner
        return self.holds_alone(rule)

    def holds_alone(self, rule: Rule) -> bool | None:
        if "closed_by" in rule:
            return any(name in self.call.closed_by for name in rule["closed_by"])
        if "length" in rule:
            which, _, bound = rule["length"].partition(" ")
            length = self.call.speech.end_ns - self.call.speech.start_ns
            return length > ns(bound) if which == "over" else length < ns(bound)
        if "said" in rule:
            parties = [Party(rule["by"])] if "by" in rule else list(Party)
            if any(True for _ in self.hits(rule)):
                return True
            return None if any(party not in self.positions for party in parties) else False
        return self.lasts(rule)

    def lasts(self, rule: Rule) -> bool | None:
        agent, customer = self.speech.values()
        if agent is None or customer is None:
            return None
        over = ns((rule.get("silence") or rule["overlap"]).partition(" ")[2])
        wanted = self.kept - agent - customer if "silence" in rule else agent & customer
        return any((end - start) * TICK > over and self.in_window(rule, start * TICK) for start, end in runs(wanted))

    def in_window(self, rule: Rule, start: int) -> bool:
        if "first" in rule:
            return start < self.call.speech.start_ns + ns(rule["first"])
        return "last" not in rule or start >= self.call.speech.end_ns - ns(rule["last"])

    def hits(self, rule: Rule) -> Iterator[Hit]:
        for party in [Party(rule["by"])] if "by" in rule else list(Party):
            positions = self.positions.get(party, [])
            others = list(self.matches(positions, rule.get("near", ())))
            for start, length in self.matches(positions, rule["said"]):
                if not self.in_window(rule, positions[start][2]):
                    continue
                near = [
                    (away, other, size)
                    for other, size in others
                    for away in [other - start - length if other >= start + length else start - other - size]
                    if 0 <= away <= rule.get("within", 10)
                ]
                if "near" in rule and not near:
                    continue
                taken = list(range(start, start + length))
                if near:
                    _, other, size = min(near)
                    taken += range(other, other + size)
                said = [word for place in taken for word in [positions[place][1]] if word is not None]
                yield party, min(word.start_ns for word in said), max(word.end_ns for word in said)

    def matches(self, positions: Sequence[Position], phrases: Any) -> Iterator[tuple[int, int]]:
        """(where a phrase begins, its length)"""
        for phrase in [phrases] if isinstance(phrases, str) else phrases:
            terms = [
                re.compile(".*" * open_start + re.escape(piece) + ".*" * open_end)
                for word in phrase.split()
                for pieces in [plain(word)]
                for number, piece in enumerate(pieces)
                for open_start in [word.startswith("*") and number == 0]
                for open_end in [word.endswith("*") and number == len(pieces) - 1]
            ]
            for start in range(len(positions) - len(terms) + 1):
                pieces = [piece for piece, _, _ in positions[start : start + len(terms)]]
                if all(piece is not None and term.fullmatch(piece) for term, piece in zip(terms, pieces, strict=True)):
                    yield start, len(terms)


def ns(text: str) -> int:
    number, unit = re.fullmatch(r"(\d+)(ms|s|m)", text).groups()  # type: ignore[union-attr]
    return int(number) * {"ms": 1_000_000, "s": 1_000_000_000, "m": 60_000_000_000}[unit]


# -- random calls and rules -----------------------------------------------------------------------------------------

SPOKEN = ["Fonds", "fonds,", "Deka-Fonds", "empfehle", "empfehlen!", "geht's", "gehts", "STRASSE", "Straße", "ja", "…"]
WRITTEN = ["fonds", "*fonds", "empfehl*", "*ehl*", "ja", "deka-fonds", "geht's", "straße", "empfehle", "ja ja"]
times = st.sampled_from(["100ms", "500ms", "1s", "2s", "1m"])
phrases = st.lists(st.sampled_from(WRITTEN), min_size=1, max_size=2).map(" ".join)
some = phrases | st.lists(phrases, min_size=1, max_size=3)
windows = st.one_of(
    st.just({}), times.map(lambda time: {"first": time}), times.map(lambda time: {"last": time})
)  # fmt: skip
nears = st.one_of(
    st.just({}), st.fixed_dictionaries({"near": some}, optional={"within": st.integers(1, 4)})
)  # fmt: skip
phrase_rules = st.builds(
    lambda *parts: {key: value for part in parts for key, value in part.items()},
    st.fixed_dictionaries({"said": some}, optional={"by": st.sampled_from(["agent", "customer"])}),
    nears,
    windows,
)
plain_rules = st.one_of(
    phrase_rules,
    st.builds(
        lambda what, time, window: {what: f"over {time}", **window},
        st.sampled_from(["silence", "overlap"]),
        times,
        windows,
    ),
    st.builds(lambda which, time: {"length": f"{which} {time}"}, st.sampled_from(["over", "under"]), times),
    st.builds(lambda names: {"closed_by": names}, st.lists(st.sampled_from(["cards", "health"]), min_size=1)),
)
rules = st.recursive(
    plain_rules,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda those: {"any": those}),
        st.lists(inner, min_size=1, max_size=3).map(lambda those: {"all": those}),
        inner.map(lambda one: {"not": one}),
    ),
    max_leaves=5,
)


@st.composite
def spans(draw: st.DrawFn, most: int = 3) -> tuple[Span, ...]:
    pairs = draw(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 15)), max_size=most))
    return tuple(Span(start * TICK, (start + length) * TICK) for start, length in pairs)


words = st.lists(
    st.builds(
        lambda text, start, length: Word(text, start * TICK, (start + length) * TICK),
        st.sampled_from(SPOKEN),
        st.integers(0, 50),
        st.integers(0, 5),
    ),
    max_size=12,
)


@st.composite
def calls(draw: st.DrawFn) -> Call:
    start = draw(st.integers(0, 5))
    end = start + draw(st.integers(0, 50))
    speech = Speech(start * TICK, end * TICK, draw(st.none() | spans()), draw(st.none() | spans()), draw(spans(2)))
    by_party = draw(st.fixed_dictionaries({}, optional=dict.fromkeys(Party, words)))
    masked = draw(st.fixed_dictionaries({}, optional={party: spans(2) for party in Party}))
    return Call(speech, by_party, masked, draw(st.frozensets(st.sampled_from(["cards", "health"]))))
