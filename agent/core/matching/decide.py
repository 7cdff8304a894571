"""The judgement: (policy, what was seen) -> which rules speak, for each lane.

What closes takes a doubt for a yes, what opens takes a doubt for a no. Nothing is let pass silently: beside the
policy's rules speak Eyelid's own, and what they let pass is let pass by a line of `allow_unseen`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from agent.core.matching.match import PAGE_ATTRIBUTES, PageSight, Sight, WindowSight, any_of, attributes, fits
from agent.core.matching.ternary import Ternary
from agent.core.model.media import Lane
from agent.core.model.rules import Effect, Extent, Matcher, Policy, Reason, Rule
from agent.core.model.seen import Blind, Page, Scene, Window, WindowKind

BLIND: Final = Reason("blind")
UNREADABLE: Final = Reason("unreadable")
WEB_ENGINE: Final = Reason("web-engine")
REMOTE_DISPLAY: Final = Reason("remote-display")
OVERVIEW: Final = Reason("overview")
UNSEEN_PAGE: Final = Reason("unseen-page")
UNLISTED: Final = Reason("unlisted")
NOT_ALLOWED: Final = Reason("not-allowed")
NOT_RECORDED: Final = Reason("not-recorded")
LEFT_OUT: Final = frozenset({UNLISTED, NOT_ALLOWED})  # said of what the policy does not name


@dataclass(frozen=True, slots=True)
class Verdict:
    """The rules that spoke, for each lane. A lane without a reason is clean. `would`: rules that are only tried."""

    screen: tuple[Reason, ...] = ()
    audio: tuple[Reason, ...] = ()
    would: tuple[tuple[Lane, Reason], ...] = ()

    @property
    def ids(self) -> frozenset[str]:
        """Of the policy's rules that spoke or would have, on any lane."""
        spoke = (*self.screen, *self.audio, *(reason for _, reason in self.would))
        return frozenset(reason.id for reason in spoke if reason.number is not None)

    def on(self, lane: Lane) -> tuple[Reason, ...]:
        return self.screen if lane is Lane.SCREEN else self.audio

    def would_on(self, lane: Lane) -> tuple[Reason, ...]:
        return tuple(reason for tried_on, reason in self.would if tried_on is lane)


@dataclass(frozen=True, slots=True)
class RuleFinding:
    """One thing that one rule says about one lane. `effect` RECORD: what the rule found was let pass.

    `where`: the line that spoke, of the policy's rule or of its `allow_unseen`; empty for a rule of Eyelid's own.
    `thing`: the window's id or the page's place in the scene; empty where the whole scene is meant.
    `dry`: the rule is only tried, and would have closed.
    """

    lane: Lane
    reason: Reason
    effect: Effect = Effect.PAUSE
    where: str = ""
    thing: str = ""
    dry: bool = False


def decide(policy: Policy, seen: Scene | Blind, *, interaction: bool = False) -> Verdict:
    """The reasons to close each lane, in the order of the rules, Eyelid's own last; each once.

    `interaction`: an interaction that `record_when` asks for is known to be going on, whatever this scene shows of it
    (another witness sees it, or `keep_recording` has not run out).
    """
    reasons: dict[Lane, dict[Reason, None]] = {lane: {} for lane in Lane}
    would: dict[tuple[Lane, Reason], None] = {}
    for finding in explain(policy, seen, interaction=interaction):
        if finding.effect is Effect.PAUSE:
            reasons[finding.lane][finding.reason] = None
        elif finding.dry:
            would[finding.lane, finding.reason] = None
    spoke = {lane: sorted(found, key=lambda reason: reason.number is None) for lane, found in reasons.items()}
    return Verdict(tuple(spoke[Lane.SCREEN]), tuple(spoke[Lane.AUDIO]), tuple(would))


def explain(policy: Policy, seen: Scene | Blind, *, interaction: bool = False) -> tuple[RuleFinding, ...]:
    """Everything that any rule says of the scene, with the line that says it: what `decide` sums up."""
    if isinstance(seen, Blind) or not (seen.windows or seen.pages or seen.pages_only):
        return tuple(RuleFinding(lane, BLIND) for lane in Lane)
    things = (*_windows(seen), *_pages(policy, seen))
    overviews = [(thing, _allowed_by(policy, thing)) for thing in things if thing.shows_others]
    everything = any(allowed is None for _, allowed in overviews)  # then what is open counts as shown
    return (
        *_policy_rules(policy, things, everything=everything),
        *_own_rules(policy, seen, things, everything=everything),
        *(_own(lane, OVERVIEW, thing, allowed) for thing, allowed in overviews if allowed for lane in Lane),
        *_left_out(policy, seen, things, everything=everything),
        *(() if interaction else _not_recorded(policy, seen)),
    )


def reasons_of(policy: Policy, page: Page) -> tuple[Reason, ...]:
    """Why the screen closes for this page while it is in view, whatever else is."""
    return decide(policy, Scene(pages=(page,)), interaction=True).screen


def interaction_is_on(policy: Policy, seen: Scene | Blind) -> bool:
    """Whether `record_when` names something that is open, in view or not; a policy that always records asks nothing."""
    if policy.record_when is None:
        return True
    if isinstance(seen, Blind):
        return False
    things = (*_windows(seen), *_pages(policy, seen))
    return any(any_of(policy.record_when, thing.opening()) is Ternary.YES for thing in things)


# -- what there is to judge ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Thing:
    """A window or a page. `shares`: a menu or tooltip whose process has another window here, which answers for both."""

    name: str
    sight: Sight
    shown: bool
    window: Window | None = None
    shares: bool = False
    unread: bool = False  # a page of which a part did not answer
    extension: str | None = None  # not a tab, but what this extension may be showing

    @property
    def shows_others(self) -> bool:
        return self.shown and self.window is not None and self.window.kind is WindowKind.OVERVIEW

    def opening(self) -> Sight:
        """What counts where the eye would open for it."""
        if isinstance(self.sight, PageSight):
            return self.sight.own_address_only()
        return self.sight.whole_name_only()


def _windows(scene: Scene) -> Iterator[_Thing]:
    owners: dict[int, list[Window]] = {}
    for window in scene.windows:
        if window.kind is not WindowKind.POPUP and isinstance(window.pid, int):
            owners.setdefault(window.pid, []).append(window)
    families = {
        window.id: owners[window.pid]
        for window in scene.windows
        if window.kind is WindowKind.POPUP and isinstance(window.pid, int) and window.pid in owners
    }
    # A menu may show what its hidden window holds, so that window counts as shown while no other of its process is.
    raised = {
        owner.id
        for popup in scene.windows
        if popup.shown and not any(owner.shown for owner in families.get(popup.id, ()))
        for owner in families.get(popup.id, ())
    }
    for window in scene.windows:
        owner = next(iter(families.get(window.id, ())), None)
        yield _Thing(
            name=f"window {window.id}",
            sight=WindowSight.of(replace(window, app=owner.app) if owner else window),
            shown=window.shown or window.id in raised,
            window=window,
            shares=owner is not None,
        )


def _pages(policy: Policy, scene: Scene) -> Iterator[_Thing]:
    """A parked tab counts as shown: its picture is in hover cards, in split view, and comes back on a tab switch."""
    for number, page in enumerate(scene.pages):
        shown = page.shown and not (page.parked and policy.parked_tabs_allowed)
        sight = PageSight.of(page)
        yield _Thing(f"page {number}", sight, shown, unread=page.unread, extension=page.extension)


Reach = Mapping[bool, list[tuple[Lane, bool]]]


def _reach(extents: Mapping[Lane, Extent], *, everything: bool) -> Reach:
    """For a thing that is shown (True) or only open (False): the lanes on which it counts, each with whether it counts
    there only because an overview may be showing it.
    """
    return {
        shown: [
            (lane, not shown and extent is Extent.SHOWN)
            for lane, extent in extents.items()
            if shown or everything or extent is Extent.OPEN
        ]
        for shown in (True, False)
    }


def _with_overview(finding: RuleFinding, *, by_overview: bool) -> Iterator[RuleFinding]:
    yield finding
    if by_overview and finding.effect is Effect.PAUSE:
        yield RuleFinding(finding.lane, OVERVIEW, thing=finding.thing)


# -- the policy's rules -------------------------------------------------------------------------------------------


def _policy_rules(policy: Policy, things: tuple[_Thing, ...], *, everything: bool) -> Iterator[RuleFinding]:
    for rule in policy.rules:
        extents = {lane: rule.on(lane).extent for lane in Lane if rule.on(lane).effect is Effect.PAUSE}
        reach = _reach(extents, everything=everything)
        for thing in things:
            if not reach[thing.shown] or (verdict := _closing(rule, thing)) is Ternary.NO:
                continue
            excuse = _excuse_unread(policy, thing)
            for lane, by_overview in reach[thing.shown]:
                if verdict is Ternary.YES or (rule.dry_run and excuse is None):
                    reason = Reason(rule.id, rule.number, rule.stay_closed)
                    effect = Effect.RECORD if rule.dry_run else Effect.PAUSE
                    finding = RuleFinding(lane, reason, effect, rule.where, thing.name, rule.dry_run)
                else:
                    finding = _own(lane, UNREADABLE, thing, excuse)
                yield from _with_overview(finding, by_overview=by_overview)


def _closing(rule: Rule, thing: _Thing) -> Ternary:
    """Whether the rule closes for the thing; only a certain `unless` keeps it silent."""
    if any_of(rule.unless, thing.opening()) is Ternary.YES:
        return Ternary.NO
    return any_of(rule.any, thing.sight)


def _excuse_unread(policy: Policy, thing: _Thing) -> Matcher | None:
    """The line that lets an unread thing pass. It names a program, so a window without a readable one has none."""
    if isinstance(thing.sight, WindowSight) and isinstance(thing.sight.app, Blind):
        return None
    return _allowed_by(policy, thing)


# -- Eyelid's own rules -------------------------------------------------------------------------------------------


def _own_rules(policy: Policy, scene: Scene, things: tuple[_Thing, ...], *, everything: bool) -> Iterator[RuleFinding]:
    """What no witness can look into. In the background it counts where a rule would want to look there too."""
    engines = _reach({lane: _widest(policy, lane, of_pages=True) for lane in Lane}, everything=everything)
    remotes = _reach({lane: _widest(policy, lane, of_pages=False) for lane in Lane}, everything=everything)
    for thing in things:
        unseen: list[tuple[Reason, Reach]] = []
        if thing.unread:
            unseen.append((UNSEEN_PAGE, engines))
        if thing.window and not thing.shares:
            if thing.window.engine and thing.window.id not in scene.accounted:
                unseen.append((WEB_ENGINE, engines))
            if thing.window.remote:
                unseen.append((REMOTE_DISPLAY, remotes))
        for reason, reach in unseen:
            allowed = _allowed_by(policy, thing)
            for lane, by_overview in reach[thing.shown]:
                yield from _with_overview(_own(lane, reason, thing, allowed), by_overview=by_overview)


def _widest(policy: Policy, lane: Lane, *, of_pages: bool) -> Extent:
    """OPEN if a rule that pauses the lane looks into the background; `of_pages`: only rules that look at pages."""
    for rule in policy.closing:
        on = rule.on(lane)
        if on.effect is Effect.PAUSE and on.extent is Extent.OPEN:
            looks_at_pages = any(attributes(condition) & PAGE_ATTRIBUTES for condition in rule.any)
            if looks_at_pages or not of_pages:
                return Extent.OPEN
    return Extent.SHOWN


def _allowed_by(policy: Policy, thing: _Thing) -> Matcher | None:
    """The line of `allow_unseen` that names the thing for certain; for an extension, that of `allow_extensions`."""
    if thing.extension is not None:
        named = (matcher for matcher in policy.allow_extensions if thing.extension in matcher.patterns)
        return next(named, None)
    sight = thing.opening()
    return next((matcher for matcher in policy.allow_unseen if fits(matcher, sight) is Ternary.YES), None)


def _own(lane: Lane, reason: Reason, thing: _Thing, allowed: Matcher | None) -> RuleFinding:
    if allowed is None:
        return RuleFinding(lane, reason, thing=thing.name)
    return RuleFinding(lane, reason, Effect.RECORD, allowed.where, thing.name)


def _left_out(policy: Policy, scene: Scene, things: tuple[_Thing, ...], *, everything: bool) -> Iterator[RuleFinding]:
    """`unlisted: close`, and `allow`. A browser's window that a witness answers for is judged by its pages."""
    asked = [(UNLISTED, _named)] if policy.unlisted is Effect.PAUSE else []
    asked += [(NOT_ALLOWED, _allowed)] if policy.allow else []
    reach = _reach(dict.fromkeys(Lane, Extent.SHOWN), everything=everything)
    for reason, names in asked:
        for thing in things:
            accounted = thing.window is not None and thing.window.id in scene.accounted
            # An extension that may be showing something is no window of its own: `allow_extensions` is all it needs.
            answered_for = thing.shares or accounted or thing.extension is not None
            if reach[thing.shown] and not answered_for and not names(policy, thing):
                for lane, by_overview in reach[thing.shown]:
                    yield from _with_overview(RuleFinding(lane, reason, thing=thing.name), by_overview=by_overview)


def _allowed(policy: Policy, thing: _Thing) -> bool:
    """Whether every file that says `allow` names the thing for certain."""
    return all(any_of(block, thing.opening()) is Ternary.YES for block in policy.allow)


def _named(policy: Policy, thing: _Thing) -> bool:
    """Whether a rule or `record_when` names the thing for certain."""
    sight = thing.opening()
    return any_of(policy.record_when or (), sight) is Ternary.YES or any(
        any_of(rule.any, sight) is Ternary.YES and any_of(rule.unless, thing.sight) is Ternary.NO
        for rule in policy.closing
    )


def _not_recorded(policy: Policy, seen: Scene) -> Iterator[RuleFinding]:
    if not interaction_is_on(policy, seen):
        yield from (RuleFinding(lane, NOT_RECORDED) for lane in Lane)
