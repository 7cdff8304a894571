"""What the policy says of one window or one page, with the very words of the file that say it.

`decide` judges; this explains it to a reader. It may be slow: the recorder does not call it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from agent.core.matching.decide import RuleFinding, explain
from agent.core.matching.match import PageSight, Sight, WindowSight, any_of, fits
from agent.core.matching.ternary import Ternary
from agent.core.model.media import Lane
from agent.core.model.rules import AllOf, Attribute, Condition, Effect, Extent, Matcher, Policy, Rule
from agent.core.model.seen import Page, Scene, Window


class Does(StrEnum):
    """What a rule that fits does to a lane."""

    CLOSES = "closes"
    TRIED = "would-close"  # dry_run
    EXCUSED = "excused"  # by its `unless`, or one of Eyelid's own by `allow_unseen`
    RECORDS = "records"  # it says `record` for this lane
    OUT_OF_VIEW = "out-of-view"  # it closes while the thing is shown, which it is not


@dataclass(frozen=True, slots=True)
class Hit:
    """One pattern that fits. `place` it stands: file:line:column. `frame`: which address of the page, 0 its own."""

    attribute: Attribute
    pattern: str
    place: str
    frame: int | None = None


@dataclass(frozen=True, slots=True)
class Word:
    """What one rule says of one lane. `rule`: None for one of Eyelid's own.

    `hits`: what of the rule's `any` fits; `excuse`: what of its `unless`; `where`: the line of the rule, or of the
    `allow_unseen` that excuses.
    """

    lane: Lane
    id: str
    does: Does
    where: str = ""
    rule: Rule | None = None
    hits: tuple[Hit, ...] = ()
    excuse: tuple[Hit, ...] = ()


def words_of(policy: Policy, thing: Window | Page, scene: Scene | None = None) -> tuple[Word, ...]:
    """For each lane, the rules that fit in their order, then Eyelid's own.

    `scene`: in which the thing is judged, the thing alone in it; for what only a whole look knows of it.
    """
    scene = scene or (Scene((thing,)) if isinstance(thing, Window) else Scene(pages=(thing,)))
    findings = explain(policy, scene)
    return tuple(word for lane in Lane for word in _on(policy, thing, findings, lane))


def _on(policy: Policy, thing: Window | Page, findings: tuple[RuleFinding, ...], lane: Lane) -> Iterator[Word]:
    spoke = {found.reason.number: found for found in findings if found.lane is lane}
    for rule in policy.rules:
        hits = hits_of(rule.any, thing)
        if hits:
            excuse = hits_of(rule.unless, thing, opening=True)
            does = _does(rule, lane, excused=bool(excuse), spoke=rule.number in spoke)
            yield Word(lane, rule.id, does, rule.where, rule, hits, excuse)
    own = dict.fromkeys(
        (found.reason.id, found.effect, found.where)
        for found in findings
        if found.lane is lane and found.reason.number is None
    )
    for name, effect, where in own:
        yield Word(lane, name, Does.CLOSES if effect is Effect.PAUSE else Does.EXCUSED, where)


def _does(rule: Rule, lane: Lane, *, excused: bool, spoke: bool) -> Does:
    on = rule.on(lane)
    if excused:
        return Does.EXCUSED
    if on.effect is Effect.RECORD:
        return Does.RECORDS
    if not spoke and on.extent is Extent.SHOWN:
        return Does.OUT_OF_VIEW
    return Does.TRIED if rule.dry_run else Does.CLOSES


# -- which words fit ----------------------------------------------------------------------------------------------


def hits_of(conditions: tuple[Condition, ...], thing: Window | Page, *, opening: bool = False) -> tuple[Hit, ...]:
    """The patterns of the first condition that fits for certain; empty if none does.

    `opening`: what fits lets the eye stay open, so that only a page's own address counts, and a whole name.
    """
    sight = _sight(thing, opening=opening)
    for condition in conditions:
        if any_of((condition,), sight) is Ternary.YES:
            matchers = condition.matchers if isinstance(condition, AllOf) else (condition,)
            return tuple(hit for matcher in matchers for hit in _hits(matcher, thing, sight, opening=opening))
    return ()


def _sight(thing: Window | Page, *, opening: bool) -> Sight:
    if isinstance(thing, Window):
        window = WindowSight.of(thing)
        return window.whole_name_only() if opening else window
    whole = PageSight.of(thing)
    return whole.own_address_only() if opening else whole


def _hits(matcher: Matcher, thing: Window | Page, sight: Sight, *, opening: bool) -> Iterator[Hit]:
    """One for each pattern that fits; of addresses, the first that it fits."""
    for pattern, place in zip(matcher.patterns, matcher.places, strict=True):
        one = Matcher(matcher.attribute, (pattern,))
        if isinstance(thing, Page) and matcher.attribute is Attribute.URL:
            urls = thing.urls[:1] if opening else thing.urls
            frame = next((number for number, url in enumerate(urls) if _fits_address(one, url)), None)
            if frame is not None:
                yield Hit(matcher.attribute, pattern, place, frame)
        elif fits(one, sight) is Ternary.YES:
            yield Hit(matcher.attribute, pattern, place)


def _fits_address(matcher: Matcher, url: str) -> bool:
    return fits(matcher, PageSight.of(Page((url,)))) is Ternary.YES
