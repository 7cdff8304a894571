"""Two policies tried on the same scenes: for each span of time, what one does and what the other would do.

Both are judged by the same code with the same margins: a policy tried against itself shows no difference. Time without
a scene is judged under neither.

What a look says of the display at that moment (`Look.stale_pixels`, `Look.lag`) is in no scene. Both policies open when
`settle` is over: sooner than the gate did on a busy display, never later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from agent.core.account.scenes import Ended, Hole, Line, Passing, Sighting
from agent.core.matching.decide import RuleFinding, explain, interaction_is_on
from agent.core.model.media import Lane
from agent.core.model.rules import Effect, Policy
from agent.core.model.seen import Blind, Page, Scene, Window
from agent.core.proof.timing import timings

Interval = tuple[int, int]  # [start, end) in ns since the recording's start
# What a policy says of a scene: by whether it is the other policy, the scene, and whether an interaction is on.
Judged = dict[tuple[bool, Scene | Blind, bool], tuple[RuleFinding, ...]]

MOST_THINGS: Final = 3  # that a span names


@dataclass(frozen=True, slots=True)
class Spoke:
    """A rule that closes. `where` it stands: file:line:column; empty for one of Eyelid's own."""

    id: str
    where: str


@dataclass(frozen=True, slots=True)
class ReplaySpan:
    """`then`, `now`: the rules that close under the one policy and under the other; none: it records.

    `silent`: rules of the other that found something and let it pass: only tried, or excused by `allow_unseen`.
    `things`: windows and pages for which a rule closes under only one of the two, the first few.
    `judged`: False where no scene tells what was in view. `kept`: ns of it that the recording has.
    """

    start: int
    end: int
    then: tuple[Spoke, ...]
    now: tuple[Spoke, ...]
    judged: bool = True
    silent: tuple[Spoke, ...] = ()
    things: tuple[Window | Page, ...] = ()
    kept: int = 0

    @property
    def length(self) -> int:
        return self.end - self.start

    @property
    def newly_open(self) -> bool:
        """Closed by the one and not by the other: what was closed would be recorded."""
        return self.judged and bool(self.then) and not self.now

    @property
    def newly_closed(self) -> bool:
        return self.judged and bool(self.now) and not self.then


@dataclass(frozen=True, slots=True)
class Sums:
    """ns; together they are the whole."""

    newly_open: int = 0
    newly_closed: int = 0
    closed: int = 0
    open: int = 0
    not_judged: int = 0


def sums_of(spans: Iterable[ReplaySpan]) -> Sums:
    amounts = dict.fromkeys(("newly_open", "newly_closed", "closed", "open", "not_judged"), 0)
    for span in spans:
        amounts[_kind(span)] += span.length
    return Sums(**amounts)


def _kind(span: ReplaySpan) -> str:
    if not span.judged:
        return "not_judged"
    if span.newly_open or span.newly_closed:
        return "newly_open" if span.newly_open else "newly_closed"
    return "closed" if span.now else "open"


def replay(
    then: Policy,
    now: Policy,
    lane: Lane,
    lines: Sequence[Line],
    length: int,
    *,
    kept: Sequence[Interval] = (),
    unseen: Sequence[Interval] = (),
    judged: Judged | None = None,
) -> tuple[ReplaySpan, ...]:
    """The whole of [0, length) in order, without a seam between equals. `judged`: of the other lane, for the time that
    it saves; what is judged here is added.

    `lines`: in the order of their times. `kept`: what the recording has of the lane; `unseen`: when it held, or nothing
    could see. Each in order and without overlaps.
    """
    seen = tuple(_seen(lines))
    judged = {} if judged is None else judged
    spells = [*_spells(then, lane, seen, judged, now=False), *_spells(now, lane, seen, judged, now=True)]
    dark = [_Spell(start, end, None) for start, end in (*unseen, *_dark(lines, length))]
    swept = _swept([*spells, *dark], length)
    return tuple(replace(one, kept=_overlap(one, kept)) for one in _joined(swept))


# -- what was seen, and when --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Seen:
    """[start, end] of one scene of one witness; a page that only an event showed has no length."""

    start: int
    end: int
    witness: str
    scene: Scene | Blind
    passing: bool = False


def _seen(lines: Sequence[Line]) -> Iterator[_Seen]:
    standing: dict[str, Sighting] = {}
    for line in lines:
        match line:
            case Sighting(at, witness):
                if witness in standing:
                    yield _until(standing[witness], at)
                standing[witness] = line
            case Passing(at, witness, page):
                yield _Seen(at, at, witness, Scene(pages=(page,), pages_only=True), passing=True)
            case _:
                yield from (_until(sighting, line.at) for sighting in standing.values())
                standing.clear()
    for sighting in standing.values():
        yield _until(sighting, lines[-1].at)


def _until(sighting: Sighting, end: int) -> _Seen:
    return _Seen(sighting.at, end, sighting.witness, sighting.seen)


def _dark(lines: Sequence[Line], length: int) -> Iterator[Interval]:
    """When one of the witnesses that were ever heard of has told nothing that still stands."""
    expected = {line.witness for line in lines if isinstance(line, Sighting)}
    known: set[str] = set()
    since: int | None = 0  # None while all is known
    for line in lines:
        match line:
            case Sighting(at, witness):
                known.add(witness)
                if since is not None and known == expected:
                    yield since, at
                    since = None
            case Hole(at) | Ended(at):
                known.clear()
                since = at if since is None else since
    end = since if since is not None else lines[-1].at  # what came after the last line is not known
    yield end, max(end, length)


# -- one policy ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Voice:
    """A rule of one of the two policies. `place`: its number there; Eyelid's own come last."""

    now: bool
    closes: bool
    place: int
    spoke: Spoke


@dataclass(frozen=True, slots=True)
class _Spell:
    """How long a voice is heard, and for what; without a voice, how long nothing is known."""

    start: int
    end: int
    voice: _Voice | None
    thing: Window | Page | None = None


def _spells(policy: Policy, lane: Lane, seen: Sequence[_Seen], judged: Judged, *, now: bool) -> Iterator[_Spell]:
    """With what the proof leaves out before a sign and after it, as in `core.proof.clearance`."""
    interactions = tuple(_interactions(policy, seen))
    of_witness = timings(policy, lane)
    for whole in seen:
        timing = of_witness[whole.witness]
        for one, interaction in _pieces(policy, whole, interactions):
            asked = (now, one.scene, interaction)
            if asked not in judged:  # what is in view comes again and again, and both lanes ask
                judged[asked] = explain(policy, one.scene, interaction=interaction)
            for found in judged[asked]:
                if found.lane is not lane:
                    continue
                number = found.reason.number
                closes = found.effect is Effect.PAUSE
                place = len(policy.rules) if number is None else number
                voice = _Voice(now, closes, place, Spoke(found.reason.id, found.where))
                before = timing.hindsight if closes else 0
                after = max(timing.settle, found.reason.stay_closed) if closes else 0
                yield _Spell(one.start - before, one.end + after, voice, _thing(one.scene, found.thing))


def _interactions(policy: Policy, seen: Sequence[_Seen]) -> Iterator[Interval]:
    """When one is on that `record_when` names, in order and without overlaps; none where a policy asks for none."""
    spans = sorted(
        (one.start, one.end + policy.keep_recording)
        for one in seen
        if policy.record_when is not None and not one.passing and interaction_is_on(policy, one.scene)
    )
    while spans:
        start, end = spans.pop(0)
        while spans and spans[0][0] <= end:
            end = max(end, spans.pop(0)[1])
        yield start, end


def _pieces(policy: Policy, whole: _Seen, interactions: Sequence[Interval]) -> Iterator[tuple[_Seen, bool]]:
    """Cut where an interaction begins or ends; each with whether one is on."""
    if policy.record_when is None or whole.passing:
        yield whole, True
        return
    inside = {bound for interval in interactions for bound in interval if whole.start < bound < whole.end}
    bounds = sorted({whole.start, whole.end, *inside})
    for start, end in zip(bounds, bounds[1:] or bounds, strict=False):
        on = any(begin <= start and end <= until for begin, until in interactions)
        yield replace(whole, start=start, end=end), on


def _thing(scene: Scene | Blind, name: str) -> Window | Page | None:
    """What a finding is about, by the name that `decide` gives it; None for the whole scene."""
    if isinstance(scene, Blind) or not name:
        return None
    kind, number = name.split()
    if kind == "page":
        return scene.pages[int(number)]
    return next(window for window in scene.windows if window.id == int(number))


# -- both ---------------------------------------------------------------------------------------------------------


def _swept(spells: Sequence[_Spell], length: int) -> Iterator[ReplaySpan]:
    """One ends at `length` or later: what came after the last line is a spell, too."""
    marks = sorted(
        [(max(0, spell.start), True, number) for number, spell in enumerate(spells)]
        + [(spell.end, False, number) for number, spell in enumerate(spells)],
        key=lambda mark: mark[0],
    )
    heard: dict[int, _Spell] = {}
    since = 0
    for at, begins, number in marks:
        if since < min(at, length):
            yield _span(since, min(at, length), tuple(heard.values()))
            since = min(at, length)
        if begins and spells[number].start < spells[number].end:
            heard[number] = spells[number]
        elif not begins:
            heard.pop(number, None)


def _span(start: int, end: int, heard: Sequence[_Spell]) -> ReplaySpan:
    if any(spell.voice is None for spell in heard):
        return ReplaySpan(start, end, (), (), judged=False)
    voices = sorted(
        {spell.voice for spell in heard if spell.voice is not None}, key=lambda one: (one.place, one.spoke.id)
    )
    then = _each(voice.spoke for voice in voices if not voice.now and voice.closes)
    now = _each(voice.spoke for voice in voices if voice.now and voice.closes)
    silent = _each(voice.spoke for voice in voices if voice.now and not voice.closes)
    things = dict.fromkeys(
        spell.thing
        for spell in heard
        if spell.thing is not None and spell.voice is not None and spell.voice.closes and bool(now) is not bool(then)
    )
    return ReplaySpan(start, end, then, now, True, silent, tuple(things)[:MOST_THINGS])


def _each(spoke: Iterable[Spoke]) -> tuple[Spoke, ...]:
    return tuple(dict.fromkeys(spoke))


def _joined(spans: Iterable[ReplaySpan]) -> Iterator[ReplaySpan]:
    last: ReplaySpan | None = None
    for one in spans:
        if last is not None and _says(last) == _says(one):
            things = tuple(dict.fromkeys((*last.things, *one.things)))[:MOST_THINGS]
            last = replace(last, end=one.end, things=things, silent=_each((*last.silent, *one.silent)))
            continue
        if last is not None:
            yield last
        last = one
    if last is not None:
        yield last


def _says(span: ReplaySpan) -> tuple[object, ...]:
    """What a reader would tell two spans apart by."""
    return span.judged, span.then, span.now


def _overlap(span: ReplaySpan, kept: Iterable[Interval]) -> int:
    return sum(max(0, min(span.end, end) - max(span.start, start)) for start, end in kept)
