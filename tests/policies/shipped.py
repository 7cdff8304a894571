"""The packs in policies/, as their tests want them: each alone, and all together in one folder."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from agent.core.matching.decide import Verdict, decide
from agent.core.model.rules import AllOf, Matcher, Policy, Rule
from agent.core.model.seen import Page, Scene
from agent.witness.policies import parse_files, read_files, read_folder

ROOT = Path(__file__).parents[2] / "policies"
PACKS = sorted({file.parent.name for file in ROOT.glob("*/*.yaml")})
FOR_USE = [name for name in PACKS if name != "demo"]  # its pages and programs are the demo's own
ALL = "all packs"
DAILY = "all packs but those that close for a whole system of a day's work"

SHOP = "https://shop.example.com/checkout"


def joined(*names: str) -> dict[str, bytes]:
    """The files of these packs in one folder, as README.md says: each pack's policy.yaml replaces the one before."""
    return {file: content for name in names for file, content in read_files(ROOT / name).items()}


@cache
def pack(name: str) -> Policy:
    """Reading it also runs the tests inside it: one that does not hold is a PolicyError."""
    if name in (ALL, DAILY):
        return parse_files(joined(*(one for one in FOR_USE if name == ALL or one not in ("webmail", "sap"))))
    return read_folder(ROOT / name)


def judged(*pages: Page, by: str = "payments") -> Verdict:
    return decide(pack(by), Scene(pages=pages))


def matchers(rule: Rule) -> list[Matcher]:
    return [m for any_of in rule.any for m in (any_of.matchers if isinstance(any_of, AllOf) else (any_of,))]
