"""Which rules the tests inside a policy try: on each lane that they close, and with what looks like it and is not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Final

from agent.core.language.tests import Tested, run_tests
from agent.core.matching.decide import NOT_ALLOWED
from agent.core.matching.match import attributes
from agent.core.model.media import Lane
from agent.core.model.rules import AllOf, Attribute, Effect, Matcher, Policy, PolicyTest, Rule

# Words of addresses and selectors that say nothing of what a page is.
EMPTY_WORDS: Final = frozenset({
    "com", "net", "org", "www", "https", "http", "html", "example", "test", "index", "php", "input", "name", "iframe",
    "the", "and", "for",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Coverage:
    """`closes`: for each lane that the rule closes, the number of tests that make it do so. `alike`: the number of
    look-alike tests, in which it stays open on such a lane for something that shares a word or a kind of field.

    `rule`: None for `allow`, which stands at `where`. There `alike` counts what is kept.
    """

    rule: Rule | None
    closes: Mapping[Lane, int]
    alike: int
    id: str
    where: str

    @property
    def untested(self) -> tuple[Lane, ...]:
        """Lanes that it closes and that no test expects it to."""
        return tuple(lane for lane, tests in self.closes.items() if not tests)

    @property
    def whole(self) -> bool:
        return not self.untested and (self.alike > 0 or not self.closes)


def coverage(policy: Policy) -> tuple[Coverage, ...]:
    """For each rule, in order, then for `allow`. Only tests that hold count."""
    outcomes = [outcome for outcome in run_tests(policy) if outcome.passed]
    tests = {test.where: test for test in policy.tests}
    return (*(_of(rule, outcomes, tests) for rule in policy.rules), *_of_allow(policy, outcomes))


def _of_allow(policy: Policy, outcomes: list[Tested]) -> Iterator[Coverage]:
    if policy.allow:
        closes = {lane: sum(o.lane is lane and NOT_ALLOWED.id in o.spoke for o in outcomes) for lane in Lane}
        kept = {o.where for o in outcomes if o.got is Effect.RECORD}
        yield Coverage(None, closes, len(kept), "allow", policy.allow[0][0].where)


def _of(rule: Rule, outcomes: list[Tested], tests: Mapping[str, PolicyTest]) -> Coverage:
    lanes = [lane for lane in Lane if rule.on(lane).effect is Effect.PAUSE]
    speaks = {lane: {o.where for o in outcomes if o.lane is lane and rule.id in o.spoke} for lane in lanes}
    open_ = {o.where for o in outcomes if o.lane in lanes and o.got is Effect.RECORD}
    silent = open_ - set(chain.from_iterable(speaks.values()))
    words = frozenset(chain.from_iterable(_words(pattern) for pattern in _patterns(rule)))
    looks_at = frozenset(chain.from_iterable(map(attributes, rule.any)))
    alike = sum(_is_alike(tests[where], words, looks_at) for where in silent)
    return Coverage(rule, {lane: len(found) for lane, found in speaks.items()}, alike, rule.id, rule.where)


def _is_alike(test: PolicyTest, words: frozenset[str], looks_at: frozenset[Attribute]) -> bool:
    pages = test.scene.pages
    if Attribute.FIELD in looks_at and any(page.fields for page in pages):
        return True
    if Attribute.CSS in looks_at and any(page.selectors for page in pages):
        return True
    seen = chain(
        (url for page in pages for url in page.urls),
        (str(text) for window in test.scene.windows for text in (window.app, window.title)),
    )
    return not words.isdisjoint(chain.from_iterable(map(_words, seen)))


def _patterns(rule: Rule) -> Iterator[str]:
    for condition in rule.any:
        for matcher in condition.matchers if isinstance(condition, AllOf) else (condition,):
            yield from _of_matcher(matcher)


def _of_matcher(matcher: Matcher) -> tuple[str, ...]:
    return () if matcher.attribute in {Attribute.FIELD, Attribute.CSS} else matcher.patterns


def _words(text: str) -> frozenset[str]:
    """Of three letters and more, small."""
    return frozenset(re.findall(r"[^\W\d_]{3,}", text.casefold())) - EMPTY_WORDS
