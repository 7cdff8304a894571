"""A recording's scenes as `eyelid-store export` writes them, and what another policy would have done to it, as facts.

Here and not in the command, as the console tries policies by the same code (review/policies.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from agent.core.account.scenes import Line, ScenesError
from agent.core.account.scenes import read as read_lines
from agent.core.linting.replay import Interval, Judged, ReplaySpan, replay, sums_of
from agent.core.matching.match import searched_for
from agent.core.model.media import Lane
from agent.core.model.rules import Policy
from agent.core.model.seen import Blind, Page, Window
from protocol.language.characters import printable

FORMAT: Final = 1
LONGEST: Final = 90  # signs of a title or an address in a line


@dataclass(frozen=True, slots=True)
class Scenes:
    """A recording's scenes. `kept`, `unseen`: of each lane that it has; all in ns since its start."""

    recording: str
    start: str
    host: str
    length: int
    policy: str  # hash
    files: Mapping[str, str]  # of the policy; empty where the store has no text of it
    kept: Mapping[Lane, tuple[Interval, ...]]
    unseen: Mapping[Lane, tuple[Interval, ...]]
    lines: tuple[Line, ...]


def read_scenes(text: bytes) -> Scenes:
    """Raises ScenesError, whose message quotes nothing of the text; where it is no such text at all, that is empty."""
    first, *rest = text.splitlines() or [b""]
    try:
        return _with_head(json.loads(first), rest)
    except ScenesError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
        raise ScenesError from None


def _with_head(head: Mapping[str, Any], lines: Sequence[bytes]) -> Scenes:
    if head["eyelid_scenes"] != FORMAT:
        raise ScenesError(f"its format is {head['eyelid_scenes']}, this Eyelid reads {FORMAT}: upgrade the agent")
    lanes = {Lane(lane): parts for lane, parts in head["lanes"].items()}
    return Scenes(
        recording=str(head["recording"]),
        start=str(head["start"]),
        host=str(head["host"]),
        length=int(head["length_ns"]),
        policy=str(head["policy"]),
        files={str(name): str(text) for name, text in head["policy_files"].items()},
        kept={lane: _spans(part for part in parts if part["what"] == "kept") for lane, parts in lanes.items()},
        unseen={lane: _spans(part for part in parts if _unseen(part)) for lane, parts in lanes.items()},
        lines=read_lines(lines, first=2),
    )


def _spans(parts: Iterable[Mapping[str, Any]]) -> tuple[Interval, ...]:
    return tuple((int(part["from"]), int(part["to"])) for part in parts)


def _unseen(part: Mapping[str, Any]) -> bool:
    """Time that is only unproven was seen, and nothing was closed."""
    return bool(part["what"] == "held" or (part["what"] == "blind" and part["why"] != "unproven"))


def by_lane(scenes: Scenes, then: Policy, now: Policy) -> dict[Lane, tuple[ReplaySpan, ...]]:
    """Of each lane that the recording has."""
    judged: Judged = {}
    found: dict[Lane, tuple[ReplaySpan, ...]] = {}
    for lane in (lane for lane in Lane if lane in scenes.kept):
        kept, unseen = scenes.kept[lane], scenes.unseen[lane]
        found[lane] = replay(then, now, lane, scenes.lines, scenes.length, kept=kept, unseen=unseen, judged=judged)
    return found


def differs(spans: Mapping[Lane, Sequence[ReplaySpan]]) -> bool:
    return any(one.newly_open or one.newly_closed for of_lane in spans.values() for one in of_lane)


def not_looked_for(then: Policy, now: Policy) -> list[str]:
    """Fields and selectors that only the other policy names: the pages were not searched for them."""
    before, after = searched_for(then), searched_for(now)
    fields, css = ([one for one in new if one not in old] for old, new in zip(before, after, strict=True))
    return [*(f"field {one}" for one in fields), *(f"css {one}" for one in css)]


def as_json(scenes: Scenes, then: Policy, now: Policy, spans: Mapping[Lane, Sequence[ReplaySpan]]) -> dict[str, Any]:
    return {
        "recording": scenes.recording,
        "differs": differs(spans),
        "then": {"name": then.name, "revision": then.revision, "hash": then.hash},
        "with": {"name": now.name, "revision": now.revision, "hash": now.hash},
        "not_looked_for": not_looked_for(then, now),
        "lanes": {
            lane.value: {
                **{f"{name}_ns": amount for name, amount in asdict(sums_of(of_lane)).items()},
                "spans": [_span_as_json(one) for one in of_lane],
            }
            for lane, of_lane in spans.items()
        },
    }


def _span_as_json(one: ReplaySpan) -> dict[str, object]:
    return {
        "from": one.start,
        "to": one.end,
        "judged": one.judged,
        "newly": "open" if one.newly_open else "closed" if one.newly_closed else None,
        "then": [asdict(spoke) for spoke in one.then],
        "with": [asdict(spoke) for spoke in one.now],
        "let_pass_by": [asdict(spoke) for spoke in one.silent],
        "kept_ns": one.kept,
        "things": names(one.things),
    }


def names(things: Iterable[Window | Page]) -> list[str]:
    """Each once: a window that was moved, or had the focus for a while, is several and called the same."""
    return list(dict.fromkeys(map(_named, things)))


def _named(thing: Window | Page) -> str:
    if isinstance(thing, Page):
        return f"page {_short(thing.urls[0])}" if thing.urls else "a page that did not answer"
    app, title = (f"({said.value})" if isinstance(said, Blind) else said for said in (thing.app, thing.title))
    return f'{_short(app)} "{_short(title)}"' if title else _short(app)


def _short(text: str) -> str:
    """On one line, and without what would move a terminal's cursor."""
    line = printable(text)
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
