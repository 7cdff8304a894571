"""How far a witness's looks must reach around an item: what was measured, as times."""

from __future__ import annotations

from itertools import chain
from typing import Final

from agent.core.matching.match import attributes
from agent.core.model.media import Lane
from agent.core.model.rules import Attribute, Policy
from agent.core.model.seen import BROWSERS, WINDOWS
from agent.core.model.times import MILLISECOND, SECOND
from agent.core.proof.clearance import Timing

MAX_GAP: Final = {Lane.SCREEN: 250 * MILLISECOND, Lane.AUDIO: 1 * SECOND}

# Pixels outlive their window: a compositor fades it (317 ms median), a program without a background of its own leaves
# what was there until it repaints. A desktop that can tell when that has happened says so with each look; this is for
# one that cannot.
WINDOW_LINGERS: Final = 1 * SECOND

# A window is told before a pixel of it can be drawn, and a web engine at the next look after it was started (decision
# 15): as long as pages need is twice as long as that takes.
WINDOW_HINDSIGHT: Final = 300 * MILLISECOND

# A title comes when the program likes (browsers: 200 ms after the pixels), and may go before the picture does.
TITLE_SETTLE: Final = 1 * SECOND
TITLE_HINDSIGHT: Final = 1 * SECOND

# A page has left the display once the picture has shown its mark (proof.marks): nothing has to settle after that. A
# page that is in no window any more, or was there between two looks, is on the display for up to 19 ms (195 intervals).
PAGE_SETTLE: Final = 60 * MILLISECOND
# A page that paints before it changes its address does so 162-275 ms later.
PAGE_HINDSIGHT: Final = 300 * MILLISECOND

# A browser needs a core to put on the display what a page has drawn. With twenty programs on two cores that came up to
# 205 ms after the page had drawn twice (scripts/bench capture pages). As late may be a menu that it opens for a page.
PAGE_LAG: Final = 500 * MILLISECOND

# An extension's popup is on the display for up to 63 ms after its browser says that it has closed (Chromium 156, 8
# closings, 27 Nov 2026): the browser draws it, and no page can say that it has gone.
EXTENSION_LINGERS: Final = 500 * MILLISECOND

# A tab behind another has loaded another page: its hover card loses the old picture soon after.
CARD_LINGERS: Final = 500 * MILLISECOND


def timings(policy: Policy, lane: Lane) -> dict[str, Timing]:
    """What each witness's proof needs under this policy, by the witness's name."""
    titles = _asks_for_titles(policy)
    leads = [rule.on(lane).lead for rule in policy.closing]
    windows = Timing(
        settle=TITLE_SETTLE if titles else 0,
        hindsight=max([TITLE_HINDSIGHT if titles else WINDOW_HINDSIGHT, *leads]),
        max_gap=MAX_GAP[lane],
        lingers=WINDOW_LINGERS,
    )
    # A window that leaves the view with its page is the window witness's (proof.scene_merger).
    return {WINDOWS: windows, BROWSERS: Timing(hindsight=max([PAGE_HINDSIGHT, *leads]), max_gap=MAX_GAP[lane])}


def page_lag(stalled: float) -> int:
    """How far the display may be behind pages that no mark can be seen of (they are in no window any more), ns.

    `stalled`: the share of the last moments, 0 to 1, in which something that could have run had to wait for a core.
    """
    return int(PAGE_LAG * stalled)


def _asks_for_titles(policy: Policy) -> bool:
    """Whether any condition of the policy, be it an exception, looks at a window's title."""
    of_rules = ((*rule.any, *rule.unless) for rule in policy.closing)
    conditions = chain(policy.record_when or (), policy.allow_unseen, *policy.allow, *of_rules)
    return any(Attribute.TITLE in attributes(condition) for condition in conditions)
