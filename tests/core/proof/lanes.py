"""An eye for tests, with what it judges by and what it is shown."""

from __future__ import annotations

from dataclasses import dataclass

from agent.core.account.lane import AccountedProof
from agent.core.model.media import Lane
from agent.core.model.rules import Attribute, Matcher, Policy, Rule
from agent.core.model.seen import Blind, Box, Look, Scene, Window
from agent.core.model.times import Span
from agent.core.proof.clearance import Timing

PATIENCE = 1000
CHART = Rule(0, "charts", "", (Matcher(Attribute.APP, ("chart",)),), stay_closed=20)
TILL = Rule(1, "till", "", (Matcher(Attribute.APP, ("till",)),))
POLICY = Policy("now", 1, "test", (CHART, TILL))
TIMING = Timing(settle=0, hindsight=5, max_gap=50)


@dataclass(frozen=True)
class Picture:
    span: Span
    stream: int = 0
    whole: bool = True
    repeats: bool = False

    @property
    def changed(self) -> int:
        return self.span.start


def seen(*apps: str) -> Scene:
    return Scene(tuple(Window(n, app, app, n, Box(0, 0, 9, 9), shown=True) for n, app in enumerate(apps)))


NOTES, WITH_CHART, WITH_BOTH = seen("notes"), seen("notes", "chart"), seen("chart", "till")


def proof(*witnesses: str) -> AccountedProof[Picture]:
    made: AccountedProof[Picture] = AccountedProof(Lane.SCREEN, witnesses or ("w",), PATIENCE, now=0)
    made.put_in_force(POLICY, dict.fromkeys(witnesses or ("w",), TIMING), now=0)
    return made


def look(at: int, what: Scene | Blind = NOTES, witness: str = "w", policy: str = "now") -> Look:
    return Look(witness, at, at + 1, policy, what)


def kept(made: AccountedProof[Picture], now: int) -> None:
    """Let go what may go, as the daemon does."""
    for item in made.judge(now).released:
        made.kept(item)
