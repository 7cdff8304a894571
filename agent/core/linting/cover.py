"""Whether what one condition names is all named by another, or by none: for reviewing a policy, not for judging.

Both answers are certain or not given: True is proven from the patterns alone, False says only that it could not be.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import product

from agent.core.matching.address import WITHOUT_ADDRESS
from agent.core.matching.text import fold, fold_app
from agent.core.matching.url import UrlPattern, parse_pattern
from agent.core.model.media import Lane
from agent.core.model.rules import AllOf, Attribute, Condition, Effect, Extent, Matcher, Rule

_MANY = "\0"  # stands for a `*` of the pattern that is to be covered
_ONE = "\1"  # and for its `?`


def covers(wide: Condition, narrow: Condition) -> bool:
    """Whether `wide` fits every window or page that `narrow` fits.

    Never across attributes: also a `*` is a doubt where its own part (a title, an address) is not there to be read.
    """
    if isinstance(wide, AllOf):
        return all(covers(matcher, narrow) for matcher in wide.matchers)
    if isinstance(narrow, AllOf):
        return any(covers(wide, matcher) for matcher in narrow.matchers)
    return wide.attribute is narrow.attribute and all(
        any(_pattern_covers(wide.attribute, one, other) for one in wide.patterns) for other in narrow.patterns
    )


def all_covered(wide: tuple[Condition, ...], narrow: tuple[Condition, ...]) -> bool:
    """Whether each of the narrow ones is covered by one of the wide."""
    return all(any(covers(one, other) for one in wide) for other in narrow)


def contradiction(condition: AllOf) -> tuple[Matcher, Matcher] | None:
    """Two members that no one window can fit both. Members with `url` cannot contradict: a page has many frames."""
    texts = [matcher for matcher in condition.matchers if matcher.attribute in _FOLDS]
    for number, one in enumerate(texts):
        for other in texts[number + 1 :]:
            if one.attribute is other.attribute and not _can_both_fit(one, other):
                return one, other
    return None


def rule_covers(wide: Rule, narrow: Rule) -> bool:
    """Whether `wide` closes whatever `narrow` closes, as early, as long and as far into the background."""
    lanes = [lane for lane in Lane if narrow.on(lane).effect is Effect.PAUSE]
    return (
        bool(lanes)
        and bool(narrow.any)
        and all(_reaches(wide, narrow, lane) for lane in lanes)
        and wide.stay_closed >= narrow.stay_closed
        and all_covered(wide.any, narrow.any)
        and all_covered(narrow.unless, wide.unless)
    )


def _reaches(wide: Rule, narrow: Rule, lane: Lane) -> bool:
    one, other = wide.on(lane), narrow.on(lane)
    return (
        one.effect is Effect.PAUSE
        and one.lead >= other.lead
        and (one.extent is Extent.OPEN or other.extent is Extent.SHOWN)
    )


# -- patterns -----------------------------------------------------------------------------------------------------

_FOLDS = {Attribute.APP: fold_app, Attribute.TITLE: fold}


@lru_cache(maxsize=65536)
def _pattern_covers(attribute: Attribute, wide: str, narrow: str) -> bool:
    if attribute in _FOLDS:
        fold_text = _FOLDS[attribute]
        return _text_covers(fold_text(wide), fold_text(narrow), one="?")
    if attribute is Attribute.URL:
        return _url_covers(_parsed(wide), _parsed(narrow))
    return wide == narrow


_parsed = lru_cache(maxsize=4096)(parse_pattern)  # each is held against all others


def _text_covers(wide: str, narrow: str, one: str = "") -> bool:
    """Whether `wide` fits whatever `narrow` fits; `*` is any signs, `one` (if given) any one sign.

    Each piece after a `*` is found once and for all, as in `matching.text.glob`: no pattern makes it slow.
    """
    text = narrow.replace("*", _MANY)
    text = text.replace(one, _ONE) if one else text
    first, *rest = (
        "".join(f"[^{_MANY}]" if sign == one else re.escape(sign) for sign in piece) for piece in re.split(r"\*+", wide)
    )
    expression = first
    if rest:
        expression += "".join(f"(?>.*?{piece})" for piece in rest[:-1]) + f".*{rest[-1]}"
    return re.fullmatch(expression, text, re.DOTALL) is not None


def _url_covers(wide: UrlPattern, narrow: UrlPattern) -> bool:
    if wide.scheme in WITHOUT_ADDRESS or narrow.scheme in WITHOUT_ADDRESS:
        return wide.scheme == narrow.scheme and narrow.path.startswith(wide.path)
    return (
        wide.scheme in (None, narrow.scheme)
        and _host_covers(wide, narrow)
        and wide.port in (None, narrow.port)
        and _text_covers(wide.path + "*", narrow.path + "*")
        and all(any(_token_covers(one, other) for other in narrow.query) for one in wide.query)
        and _text_covers(wide.fragment + "*", narrow.fragment + "*")
    )


def _host_covers(wide: UrlPattern, narrow: UrlPattern) -> bool:
    if not wide.host:
        return True
    if wide.host == narrow.host:
        return not wide.exact or narrow.exact
    return not wide.exact and narrow.host.endswith("." + wide.host)


def _token_covers(wide: str, narrow: str) -> bool:
    return narrow.startswith(wide[:-1]) if wide.endswith("*") else wide == narrow


def _can_both_fit(one: Matcher, other: Matcher) -> bool:
    fold_text = _FOLDS[one.attribute]
    return any(
        _can_meet(fold_text(first), fold_text(second)) for first, second in product(one.patterns, other.patterns)
    )


def _can_meet(one: str, other: str) -> bool:
    """Whether some text fits both, by the places that reading both from the left can have come to."""
    open_places, seen = [(0, 0)], {(0, 0)}
    while open_places:
        at, there = open_places.pop()
        if at == len(one) and there == len(other):
            return True
        for place in _next_places(one, other, at, there):
            if place not in seen:
                seen.add(place)
                open_places.append(place)
    return False


def _next_places(one: str, other: str, at: int, there: int) -> list[tuple[int, int]]:
    """A `*` either ends, or takes what the other pattern asks for next."""
    first, second = one[at : at + 1], other[there : there + 1]
    places = []
    if first == "*":
        places.append((at + 1, there))
    if second == "*":
        places.append((at, there + 1))
    if first == "*" and second:
        places.append((at, there + 1))
    if second == "*" and first:
        places.append((at + 1, there))
    if first and second and "*" not in (first, second) and (first == second or "?" in (first, second)):
        places.append((at + 1, there + 1))
    return places
