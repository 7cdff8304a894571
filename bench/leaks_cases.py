"""A case of bench/leaks: one way in which something sensitive comes into a document and goes again, as data.

The pages of a case are written from it by leaks_parts.py and leaks_site/part.js; leaks_acts.py plays it. Its dimensions
are words and numbers, so that a case can be printed, kept in a file and played again. What goes together stands in
RULES; `drawn` composes a case from a seed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import asdict, dataclass, fields
from random import Random
from typing import Any, Final

Value = str | int | float


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
    stays: float = 1.0
    held: int = 0
    hung: int = 0
    load: int = 0


DIMENSIONS: Final[Mapping[str, tuple[Value, ...]]] = {
    "browser": ("chromium", "firefox"),
    "document": ("top", "shadow_root", "near_frame", "frame", "frame_in_frame", "srcdoc", "sandboxed"),
    "sensitive": ("token", "name", "label", "css", "address", "frame_address"),
    "comes": ("insert", "reveal", "replace", "written", "template", "navigate", "streamed", "transition", "history"),
    "goes": (
        "remove", "hide", "replace", "written", "navigate", "history", "transition", "named_transition", "crossing",
    ),
    "by": ("document", "parent"),
    "after": ("nothing", "light", "svg", "layers", "busy", "canvas", "video"),
    "meanwhile": ("none", "scroll", "zoom", "tab", "window", "hang_gpu", "hang_renderer", "hang_extension"),
    "stays": (1.0, 0.5),
    "held": (0, 1, 2, 3),
    "hung": (0, 1, 2, 4),
    "load": (0, 1, 2, 3, 4, 5),
}  # fmt: skip
"""Dimension -> its values, the simplest first.

`written`: by document.open. `crossing`: a view transition from one document to the next. `layers`: of backdrop-filter.
`busy`: the script that lets it go works on, so that nothing can be drawn.
"""

# How often a value is drawn where another of its dimension is drawn once.
WEIGHTS: Final[Mapping[tuple[str, Value], int]] = {("meanwhile", "none"): 5, ("load", 0): 6, ("load", 2): 2}

DEPTHS: Final[Mapping[str, int]] = {
    "top": 0, "shadow_root": 0, "near_frame": 1, "frame": 1, "frame_in_frame": 2, "srcdoc": 1, "sandboxed": 1,
}  # fmt: skip
"""Document -> how many documents are around it. `near_frame` is of its parent's site, `frame` is not."""

FRAMED: Final = frozenset(document for document, depth in DEPTHS.items() if depth)
ADDRESSES: Final = frozenset({"address", "frame_address"})
FORMS: Final = frozenset({"token", "name", "label", "css"})
LOADED: Final = frozenset({"navigate", "streamed"})
HANGS: Final = frozenset({"hang_gpu", "hang_renderer", "hang_extension"})
HELD: Final = frozenset({"transition", "named_transition"})
# A frame whose own address is what is sensitive comes with the frame, which the document around it puts there.
WITH_ITS_FRAME: Final = frozenset({"insert", "reveal", "replace", "written", "transition", "template"})


@dataclass(frozen=True, slots=True)
class Rule:
    """Where the case has one of `when` in each of its dimensions, it must have one of `then`."""

    when: Mapping[str, Set[Value]]
    then: Mapping[str, Set[Value]]
    why: str

    def allows(self, values: Mapping[str, Value]) -> bool:
        asked = all(values[name] in among for name, among in self.when.items())
        return not asked or all(values[name] in among for name, among in self.then.items())


def _but(name: str, *values: Value) -> frozenset[Value]:
    return frozenset(DIMENSIONS[name]) - set(values)


RULES: Final = (
    Rule({"sensitive": {"address"}}, {"document": {"top"}}, "it is the window's address"),
    Rule({"sensitive": {"frame_address"}}, {"document": FRAMED - {"srcdoc"}}, "a srcdoc frame has no address"),
    Rule({"sensitive": FORMS}, {"comes": _but("comes", "history")}, "pushState brings an address and no form"),
    Rule({"sensitive": {"address"}}, {"comes": LOADED | {"history"}}, "an address comes with its document"),
    Rule(
        {"sensitive": ADDRESSES, "by": {"document"}},
        {"goes": {"navigate", "crossing", "history"}},
        "only another address ends an address",
    ),
    Rule({"by": {"parent"}}, {"document": FRAMED}, "nothing is around a top document"),
    Rule({"by": {"parent"}}, {"goes": _but("goes", "history", "crossing")}, "those are its own document's"),
    Rule({"goes": {"history"}}, {"comes": LOADED | {"history"}}, "back to what was before"),
    Rule({"goes": {"history"}, "comes": LOADED}, {"after": {"nothing"}}, "the page before is as it was"),
    Rule({"document": {"srcdoc"}}, {"comes": WITH_ITS_FRAME}, "its content is of the attribute"),
    Rule({"document": {"srcdoc"}}, {"goes": _but("goes", "history", "crossing")}, "it has no origin to stay in"),
    Rule(
        {"document": {"sandboxed"}},
        {"comes": _but("comes", "history"), "goes": _but("goes", "history", "crossing")},
        "its origin is opaque: no pushState, and no transition between its documents",
    ),
    Rule({"goes": {"crossing"}}, {"browser": {"chromium"}}, "Firefox has none"),
    Rule({"meanwhile": {"hang_gpu"}}, {"browser": {"chromium"}}, "Firefox on X11 has no such process"),
    Rule({"meanwhile": HANGS}, {"hung": _but("hung", 0)}, "a hang lasts"),
    Rule({"meanwhile": _but("meanwhile", *HANGS)}, {"hung": {0}}, "nothing hangs"),
    Rule({"goes": HELD}, {"held": _but("held", 0)}, "a transition lasts"),
    Rule({"goes": _but("goes", *HELD)}, {"held": {0}}, "nothing is held"),
)
"""What goes together, and why nothing else does."""


def broken(case: Case) -> list[str]:
    """Why it cannot be played; empty where it can."""
    values = asdict(case)
    return [
        *(f"{name} has no {values[name]!r}" for name, among in DIMENSIONS.items() if values[name] not in among),
        *(rule.why for rule in RULES if not rule.allows(values)),
    ]


def comes_at(case: Case) -> int:
    """The depth of the document that lets it come."""
    with_frame = case.sensitive == "frame_address" and case.comes in WITH_ITS_FRAME
    return DEPTHS[case.document] - with_frame


def goes_at(case: Case) -> int:
    """The depth of the document that lets it go."""
    return DEPTHS[case.document] - (case.by == "parent")


# -- composing ------------------------------------------------------------------------------------------------------

Order = Callable[[str], Sequence[Value]]


def completed(fixed: Mapping[str, Value], order: Order) -> Case | None:
    """The first case with these values, its other dimensions tried in the order given; None where there is none."""
    names = [*fixed, *(name for name in DIMENSIONS if name not in fixed)]
    due = [
        [rule for rule in RULES if name in {*rule.when, *rule.then} <= {*names[: place + 1]}]
        for place, name in enumerate(names)
    ]

    def fill(values: dict[str, Value], place: int) -> dict[str, Value] | None:
        if place == len(names):
            return values
        name = names[place]
        for value in [fixed[name]] if name in fixed else order(name):
            tried = {**values, name: value}
            if all(rule.allows(tried) for rule in due[place]) and (whole := fill(tried, place + 1)):
                return whole
        return None

    found = fill({}, 0)
    return None if found is None else Case(**found)  # type: ignore[arg-type]


def drawn(seed: int, index: int, browser: str | None = None) -> Case:
    """The case of that number: the same one for ever."""
    chance = Random(f"{seed}/{index}/{browser or 'both'}")

    def shuffled(name: str) -> list[Value]:
        # Heavier ones are likelier to come first (Efraimidis and Spirakis).
        return sorted(DIMENSIONS[name], key=lambda value: -(chance.random() ** (1 / WEIGHTS.get((name, value), 1))))

    case = completed({"browser": browser} if browser else {}, shuffled)
    assert case is not None  # every value of the first dimensions can be completed
    return case


def nearest(case: Case, **changed: Value) -> Case | None:
    """That case with these values, and with what they need: the rest stays, or becomes as simple as it can."""
    now = asdict(case)
    return completed(changed, lambda name: [now[name], *(one for one in DIMENSIONS[name] if one != now[name])])


# -- making one that leaked simpler ------------------------------------------------------------------------------------

Leaks = Callable[[Sequence[Case]], Sequence[bool]]
"""Of each case, whether it leaked, played as often as the caller needs to believe that it does not."""


def complexity(case: Case) -> int:
    """How far its values are from the simplest ones. It leaked in its browser: neither is the simpler one."""
    values = asdict(case)
    return sum(among.index(values[name]) for name, among in DIMENSIONS.items() if name != "browser")


def shrink(case: Case, leaks: Leaks) -> Iterator[Case]:
    """Simpler and simpler ones that leaked too. Of the last one, none that is simpler by one dimension does."""
    while (less := _less(case, leaks)) is not None:
        case = less
        yield case


def _less(case: Case, leaks: Leaks) -> Case | None:
    # The simplest value of a dimension is likely to do. Only where none does, those in between are asked.
    simplest = simpler(case, most=1)
    for candidates in (simplest, [other for other in simpler(case) if other not in simplest]):
        asked = leaks(candidates) if candidates else []
        leaking = [other for other, leaked in zip(candidates, asked, strict=True) if leaked]
        if leaking:
            return min(leaking, key=complexity)
    return None


def simpler(case: Case, *, most: int | None = None) -> list[Case]:
    """It with one dimension simpler, and with what that needs. `most`: so many of a dimension, its simplest ones."""
    values = asdict(case)
    found: dict[Case, None] = {}
    for name, among in DIMENSIONS.items():
        less = among[: among.index(values[name])] if name != "browser" else ()
        others = [nearest(case, browser=case.browser, **{name: value}) for value in less]
        those = [other for other in others if other is not None and complexity(other) < complexity(case)]
        found.update(dict.fromkeys(those[:most]))
    return list(found)


# -- as text --------------------------------------------------------------------------------------------------------


def as_text(case: Case) -> str:
    """One line that `parsed` reads: without what is as simple as it can be."""
    plain = Case(case.browser)
    said = {name: value for name, value in asdict(case).items() if name == "browser" or value != getattr(plain, name)}
    return json.dumps(said)


def parsed(text: str) -> Case:
    """Raises ValueError with what is wrong with it."""
    return from_json(json.loads(text))


def from_json(values: Any) -> Case:
    if not isinstance(values, dict) or "browser" not in values:
        raise ValueError("a case is an object with a browser and other dimensions")
    if strange := set(values) - set(DIMENSIONS):
        raise ValueError(f"a case has no {', '.join(sorted(strange))}; it has {', '.join(DIMENSIONS)}")
    case = Case(**values)
    if faults := broken(case):
        raise ValueError("; ".join(faults))
    return case


assert [field.name for field in fields(Case)] == list(DIMENSIONS)
