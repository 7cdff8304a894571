"""What is well formed in a policy and still probably not meant: rules that can never speak, that another one makes
superfluous, or that reach too far. Never a mistake: such a policy comes into force, and its author hears of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from typing import Final

from agent.core.linting.cover import all_covered, contradiction, covers, rule_covers
from agent.core.linting.reach import never, too_wide
from agent.core.matching.match import attributes
from agent.core.matching.text import fold_app
from agent.core.model.media import Lane
from agent.core.model.rules import AllOf, Attribute, Condition, Effect, Matcher, Policy, Rule

# Whose windows a witness answers for, by the extension.
BROWSERS: Final = frozenset({
    "brave", "brave-browser", "chrome", "chromium", "chromium-browser", "firefox", "firefox-esr", "google-chrome",
    "msedge", "microsoft-edge", "opera", "vivaldi", "vivaldi-bin",
})  # fmt: skip


class Kind(StrEnum):
    NEVER = "never"  # it can never speak
    SHADOWED = "shadowed"  # another rule covers every case of it
    WIDE = "wide"  # it reaches much further than anybody means
    SCENES = "scenes"  # it keeps what is in view: a reviewer must know


@dataclass(frozen=True, slots=True)
class Caution:
    """`where` it stands: file:line:column. `says`: what is doubtful, what was meant."""

    where: str
    kind: Kind
    says: str

    def __str__(self) -> str:
        return f"{self.where} {self.says}"


def cautions(policy: Policy) -> tuple[Caution, ...]:
    """In the order of the files and lines; each once."""
    found = chain(
        *(_of_rule(policy, rule) for rule in policy.rules),
        _shadows(policy),
        _of_conditions(policy.record_when or (), Opens.RECORDING),
        _of_conditions(policy.allow_unseen, Opens.UNSEEN),
        _titles_alone(policy.allow_unseen, Opens.UNSEEN),
        *(_of_allow(policy, block) for block in policy.allow),
        _scenes(policy),
    )
    return tuple(sorted(dict.fromkeys(found), key=_place))


def _place(caution: Caution) -> tuple[str, int, int, str]:
    file, line, column = caution.where.rsplit(":", 2)
    return file, int(line), int(column), caution.says


# -- one rule -----------------------------------------------------------------------------------------------------


class Opens(StrEnum):
    """What a condition that fits does, in words; the first closes, the others open."""

    NOTHING = "closes for"
    RULE = "keeps this rule silent for"
    UNSEEN = "lets pass unseen"
    RECORDING = "begins recording for"
    ALLOWED = "allows to be recorded"


def _of_rule(policy: Policy, rule: Rule) -> Iterator[Caution]:
    if not any(rule.on(lane).effect is Effect.PAUSE for lane in Lane) and policy.unlisted is Effect.RECORD:
        says = f"{rule.id} closes nothing: both lanes say record, which counts only beside unlisted: close"
        yield Caution(rule.where, Kind.NEVER, f"{says}, write pause for one, or leave the rule out")
    yield from _of_conditions(rule.any, Opens.NOTHING)
    yield from _of_conditions(rule.unless, Opens.RULE)
    yield from _swallowed(rule)


def _swallowed(rule: Rule) -> Iterator[Caution]:
    """An `unless` that excuses all that `any` names. It looks at the page's own address: a frame is not excused."""
    excused = [(condition, _excuse(rule, condition)) for condition in rule.any]
    if not rule.any or not all(excuse for _, excuse in excused):
        return
    excuse = next(excuse for _, excuse in excused if excuse)
    as_frame = any(Attribute.URL in attributes(condition) for condition in rule.any)
    says = f"{rule.id} can never close: this unless excuses all that its any names"
    if as_frame:
        says = f"{rule.id} closes only for frames inside other pages: this unless excuses the pages that its any names"
    yield Caution(excuse.where, Kind.NEVER, f"{says}, write a narrower one")


def _excuse(rule: Rule, condition: Condition) -> Condition | None:
    return next((one for one in rule.unless if covers(one, condition)), None)


def _of_conditions(conditions: tuple[Condition, ...] | tuple[Matcher, ...], opens: Opens) -> Iterator[Caution]:
    for condition in conditions:
        matchers = condition.matchers if isinstance(condition, AllOf) else (condition,)
        for matcher in matchers:
            for pattern, place in zip(matcher.patterns, matcher.places, strict=True):
                if impossible := never(matcher.attribute, pattern):
                    yield Caution(place, Kind.NEVER, impossible)
        if isinstance(condition, AllOf):
            yield from _of_all(condition, opens)
        else:
            yield from _wide(condition, opens)


def _of_all(condition: AllOf, opens: Opens) -> Iterator[Caution]:
    if apart := contradiction(condition):
        one, other = apart
        words = f"all can never fit: no window has the {other.attribute} asked for here and that of {one.where}"
        yield Caution(other.where, Kind.NEVER, f"{words}, write both in one list: {other.attribute}: […, …]")
    # Wide members are narrowed by the others.
    if all(list(_wide(matcher, opens)) for matcher in condition.matchers):
        yield from _wide(condition.matchers[0], opens)


def _wide(matcher: Matcher, opens: Opens) -> Iterator[Caution]:
    for pattern, place in zip(matcher.patterns, matcher.places, strict=True):
        if reach := too_wide(matcher.attribute, pattern, opening=opens is not Opens.NOTHING):
            yield Caution(place, Kind.WIDE, f"this {opens} {reach.what}, {reach.instead}")


def _of_allow(policy: Policy, block: tuple[Condition, ...]) -> Iterator[Caution]:
    yield from _of_conditions(block, Opens.ALLOWED)
    alone = tuple(condition for condition in block if isinstance(condition, Matcher))
    yield from _titles_alone(alone, Opens.ALLOWED)
    for matcher in alone:
        for pattern, place in zip(matcher.patterns, matcher.places, strict=True):
            if matcher.attribute is Attribute.APP and fold_app(pattern) in BROWSERS:
                yield _of_browser(policy, pattern, place)


def _of_browser(policy: Policy, pattern: str, where: str) -> Caution:
    """An `allow` of a browser. Only windows that no extension answers for count by themselves, and these close."""
    browser = Matcher(Attribute.APP, (pattern,))
    unseen = next((matcher for matcher in policy.allow_unseen if covers(matcher, browser)), None)
    if unseen and all(all_covered(block, (browser,)) for block in policy.allow):
        says = f"the windows of {pattern} are recorded whatever they show where no extension answers for them"
        how = f"allow_unseen ({unseen.where}) lets them pass, leave {pattern} out there and name its pages with url"
        return Caution(where, Kind.WIDE, f"{says}: {how}")
    says = f"the windows of {pattern} count by their pages, which this does not allow"
    return Caution(where, Kind.NEVER, f"{says}, name these with url")


def _titles_alone(matchers: tuple[Matcher, ...], opens: Opens) -> Iterator[Caution]:
    for matcher in matchers:
        if matcher.attribute is Attribute.TITLE:
            says = f"this {opens} whatever calls itself so, and a web page chooses its own title"
            yield Caution(matcher.where, Kind.WIDE, f"{says}, name the program with app instead")


def _scenes(policy: Policy) -> Iterator[Caution]:
    if policy.keep_scenes:
        says = "titles and whole addresses of everything that is open are kept, also while the eye is closed for them"
        how = "sealed, for those who may open the recording; leave the key out to keep none"
        yield Caution(policy.scenes_where, Kind.SCENES, f"{says}: {how}")


# -- two rules ----------------------------------------------------------------------------------------------------


def _shadows(policy: Policy) -> Iterator[Caution]:
    """Of two rules that say the same, the later is reported. A rule that is only tried covers nothing that counts."""
    for rule in policy.rules:
        for other in policy.rules:
            counts = rule.dry_run or not other.dry_run
            first_of_same = rule.number < other.number and rule.dry_run is other.dry_run and _same(rule, other)
            if other is not rule and counts and rule_covers(other, rule) and not first_of_same:
                says = f"{rule.id} adds nothing: {other.id} ({other.where}) closes for all that it names"
                yield Caution(rule.where, Kind.SHADOWED, f"{says}, leave one of them out")
                break


def _same(one: Rule, other: Rule) -> bool:
    return rule_covers(one, other) and rule_covers(other, one)
