"""Does a matcher fit a window or a page: by structure, never by substring, in doubt where something is unread."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from agent.core.matching.address import Address, read_address
from agent.core.matching.ternary import Ternary, all_true, any_true, ternary
from agent.core.matching.text import CUT, fold, fold_app, glob, may_go_on
from agent.core.matching.url import url_patterns
from agent.core.model.rules import AllOf, Attribute, Condition, Matcher, Policy
from agent.core.model.seen import Blind, Page, Window

WINDOW_ATTRIBUTES = frozenset({Attribute.APP, Attribute.TITLE})
PAGE_ATTRIBUTES = frozenset({Attribute.URL, Attribute.FIELD, Attribute.CSS})


def attributes(condition: Condition) -> frozenset[Attribute]:
    """What the condition looks at."""
    matchers = condition.matchers if isinstance(condition, AllOf) else (condition,)
    return frozenset(matcher.attribute for matcher in matchers)


@dataclass(frozen=True, slots=True)
class WindowSight:
    """What rules compare of a window, folded once. `cut`: `app` may be the beginning of a longer name.

    `opens`: what fits opens the eye, and then a name that may go on fits for certain only what ends in `*`.
    """

    app: str | Blind
    title: str | Blind
    cut: bool
    opens: bool = False

    @classmethod
    def of(cls, window: Window) -> WindowSight:
        return cls(
            window.app if isinstance(window.app, Blind) else fold_app(window.app),
            window.title if isinstance(window.title, Blind) else fold(window.title),
            not isinstance(window.app, Blind) and window.app.endswith(CUT),
        )

    def whole_name_only(self) -> WindowSight:
        """The window where the eye would open for it: a longer name that begins like the one meant does not count."""
        return replace(self, opens=True) if self.cut else self


@dataclass(frozen=True, slots=True)
class PageSight:
    """What rules compare of a page. `frames` begins with the page's own address.

    A frame inside that has no address of its own (about:blank, srcdoc, data:) shows what the page around it made, and
    is judged by that page's address; the page itself is not: it may show what another window wrote into it.
    """

    frames: tuple[Address | Blind, ...]
    fields: frozenset[str]
    selectors: frozenset[str]

    @classmethod
    def of(cls, page: Page) -> PageSight:
        top, *inside = [read_address(url) for url in page.urls] or [Blind.NO_ADDRESS]
        judged = (address for address in inside if isinstance(address, Blind) or address.own)
        return cls((top, *judged), frozenset(map(str.lower, page.fields)), page.selectors)

    def own_address_only(self) -> PageSight:
        """The page without its frames: what opens the eye must not hang on a frame that anybody may embed."""
        return PageSight(self.frames[:1], self.fields, self.selectors)


Sight = WindowSight | PageSight


def fits(condition: Condition, sight: Sight) -> Ternary:
    """NO where the condition asks for what such a sight does not have: an address of a window, a title of a page."""
    if isinstance(condition, AllOf):
        return all_true(fits(matcher, sight) for matcher in condition.matchers)
    if isinstance(sight, WindowSight):
        return _fits_window(condition, sight)
    return _fits_page(condition, sight)


@lru_cache(maxsize=8192)
def any_of(conditions: tuple[Condition, ...], sight: Sight) -> Ternary:
    """Remembered, since pages are asked about many times a second and a shipped pack has hundreds of addresses."""
    return any_true([fits(condition, sight) for condition in conditions])


def _fits_window(matcher: Matcher, sight: WindowSight) -> Ternary:
    if matcher.attribute is Attribute.APP:
        return _fits_app(_app_patterns(matcher.patterns), sight)
    if matcher.attribute is Attribute.TITLE:
        return _fits_text(_title_patterns(matcher.patterns), sight.title)
    return Ternary.NO


def _fits_app(patterns: tuple[str, ...], sight: WindowSight) -> Ternary:
    found = _fits_text(patterns, sight.app)
    if not sight.cut or (found is Ternary.YES and not sight.opens):
        return found
    name = str(sight.app)
    if any(pattern.endswith("*") and glob((pattern,)).fullmatch(name) for pattern in patterns):
        return Ternary.YES
    return Ternary.DOUBT if may_go_on(patterns, name) else Ternary.NO


def _fits_page(matcher: Matcher, sight: PageSight) -> Ternary:
    if matcher.attribute is Attribute.URL:
        patterns = url_patterns(matcher.patterns)
        return any_true(pattern.fits(frame) for frame in sight.frames for pattern in patterns)
    if matcher.attribute is Attribute.FIELD:
        return ternary(not sight.fields.isdisjoint(matcher.patterns))
    if matcher.attribute is Attribute.CSS:
        return ternary(not sight.selectors.isdisjoint(matcher.patterns))
    return Ternary.NO


def _fits_text(patterns: tuple[str, ...], text: str | Blind) -> Ternary:
    if isinstance(text, Blind):
        return Ternary.DOUBT
    return ternary(glob(patterns).fullmatch(text) is not None)


@lru_cache(maxsize=4096)
def _app_patterns(patterns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(fold_app, patterns))


@lru_cache(maxsize=4096)
def _title_patterns(patterns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(fold, patterns))


# -- what pages are searched for ----------------------------------------------------------------------------------


def searched_for(policy: Policy) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Every field, and every selector, that the policy names anywhere, in the order in which it first does."""
    conditions = [
        *(condition for rule in policy.rules for condition in (*rule.any, *rule.unless)),
        *(policy.record_when or ()),
        *policy.allow_unseen,
    ]
    named = [matcher for condition in conditions for matcher in _matchers(condition)]
    return _patterns(named, Attribute.FIELD), _patterns(named, Attribute.CSS)


def _matchers(condition: Condition) -> tuple[Matcher, ...]:
    return condition.matchers if isinstance(condition, AllOf) else (condition,)


def _patterns(matchers: list[Matcher], attribute: Attribute) -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(pattern for matcher in matchers if matcher.attribute is attribute for pattern in matcher.patterns)
    )
