"""Two policies for tests of the judgement, the windows that they judge, and who closes which lane."""

from __future__ import annotations

from agent.core.matching.decide import decide
from agent.core.model.rules import Policy
from agent.core.model.seen import Blind, Box, Page, Scene, Window, WindowKind
from tests.core.policies import policy

CHART = policy(
    """
    rules:
      - id: chart
        why: HIPAA
        any:
          - all:
              - app: [epic]
              - title: ["*chart*"]
        screen: pause
        audio: record
        stay_closed: 2s
      - id: till
        why: PCI
        any:
          - app: [till]
        unless:
          - title: ["till - closed"]
        audio: { pause: open }
    """
)
CARDS = policy(
    """
    rules:
      - id: cards
        why: PCI
        any:
          - url: [pay.example.com]
          - field: [cc-csc]
        unless:
          - url: [example.com/docs, pay.example.com/help]
        audio: { pause: open }
    """
)


def window(app: str | Blind = "notes", title: str | Blind = "Notes", **more: object) -> Window:
    number = int(str(more.pop("id", 1)))
    values = {"pid": number, "box": Box(0, 0, 10, 10), "shown": True, **more}
    return Window(number, app, title, **values)  # type: ignore[arg-type]  # a test names what it varies


def closed(
    policy: Policy, *seen: Window | Page, accounted: frozenset[int] = frozenset()
) -> tuple[list[str], list[str]]:
    """Who closes the screen and who closes the sound."""
    scene = Scene(
        tuple(one for one in seen if isinstance(one, Window)),
        tuple(one for one in seen if isinstance(one, Page)),
        accounted,
    )
    verdict = decide(policy, scene)
    return [reason.id for reason in verdict.screen], [reason.id for reason in verdict.audio]


NOTHING: tuple[list[str], list[str]] = ([], [])


def menu(app: str | Blind = "epic", title: str | Blind = "", **more: object) -> Window:
    return window(app, title, **{"id": 9, "pid": 1, "kind": WindowKind.POPUP, **more})
