"""Random policies, and scenes of random recordings as `eyelid-store export` writes them; a seed says what each is."""

from __future__ import annotations

import json
import random
from typing import Final

from agent.core.account.scenes import Ended, GapCause, Hole, Line, Passing, Sighting, written
from agent.core.model.seen import BROWSERS, WINDOWS, Blind, Box, Page, Scene, Window
from agent.core.model.times import SECOND
from protocol.policyhash import policy_hash

APPS: Final = ("epic", "crm", "notes", "till", "mail")
TITLES: Final = ("Chart - Ada", "Chart of Ada", "Notes", "Karte \u202e\ud800", "")
URLS: Final = ("https://shop.example/pay", "https://crm.example/x?id=7", "chrome://newtab", "https://bank.example/")
EXTRA: Final = (
    "", ", stay_closed: 2s", ", dry_run: true", ", audio: record", ", screen: {pause: open}",
    ", audio: {pause: shown, lead: 1s}",
)  # fmt: skip
FIELDS: Final = ("cc-number", "cc-csc", "current-password")


def policy(chance: random.Random, revision: int) -> dict[str, str]:
    """Files of one that has no mistake."""
    rules = "".join(_rule(chance, number) for number in range(chance.randint(1, 5)))
    head = f"schema: 1\nrevision: {revision}\nname: Chance {revision}\n"
    if chance.random() < 0.2:
        head += "record_when:\n  any:\n    - app: [crm, epic]\nkeep_recording: 3s\n"
    if chance.random() < 0.2:
        head += "unlisted: close\n"
    if chance.random() < 0.3:
        head += 'allow_unseen:\n  - url: ["chrome://newtab"]\n'
    test = (
        f"tests:\n  - {{name: t, app: epic, title: Chart, expect: {{screen: {chance.choice(('pause', 'record'))}}}}}\n"
    )
    files = {"a.yaml": f"{head}rules:\n{rules}{test if chance.random() < 0.4 else ''}...\n"}
    if chance.random() < 0.4:
        files["b.yaml"] = f"schema: 1\nrules:\n{_rule(chance, 9)}...\n"
    return files


def _rule(chance: random.Random, number: int) -> str:
    conditions = [_condition(chance) for _ in range(chance.randint(1, 3))]
    extra = chance.choice(EXTRA)
    # It looks at what some condition of `any` looks at, or it would be a mistake.
    windows = any("app:" in one for one in conditions)
    unless = ", unless: [{title: ['*Ada']}]" if windows and chance.random() < 0.3 else ""
    return f"  - {{id: rule-{number}, why: w, any: [{', '.join(conditions)}]{unless}{extra}}}\n"


def _condition(chance: random.Random) -> str:
    return chance.choice((
        f"{{app: [{chance.choice(APPS)}]}}",
        f"{{title: ['{chance.choice(('Chart*', '*Ada', 'Notes'))}']}}",
        f"{{url: [{chance.choice(('shop.example/pay', 'crm.example', 'bank.example'))}]}}",
        f"{{field: [{chance.choice(FIELDS)}]}}",
        "{css: ['#pan']}",
        "{all: [{app: [epic]}, {title: ['*Chart*']}]}",
    ))  # fmt: skip


def scenes(chance: random.Random, own: dict[str, str], *, length: int = 60) -> bytes:
    """`own`: files of the policy that it had. `length`: s."""
    lines: list[Line] = [Sighting(0, WINDOWS, _windows(chance)), Sighting(0, BROWSERS, _pages(chance))]
    for _ in range(chance.randint(0, 25)):
        at = chance.randint(0, length * 10) * SECOND // 10
        lines.append(chance.choice((
            lambda at=at: Sighting(at, WINDOWS, _windows(chance)),
            lambda at=at: Sighting(at, BROWSERS, _pages(chance)),
            lambda at=at: Sighting(at, WINDOWS, chance.choice(tuple(Blind))),
            lambda at=at: Passing(at, BROWSERS, _page(chance)),
            lambda at=at: Hole(at, chance.choice(tuple(GapCause))),
        ))())  # fmt: skip
    lines.sort(key=lambda line: line.at)
    if chance.random() < 0.8:
        lines.append(Ended(length * SECOND))
    cut = sorted(chance.sample(range(1, length), 3))
    kinds = ({"what": "kept"}, {"what": "held"}, {"what": "blind", "why": "died"}, {"what": "blind", "why": "unproven"})
    parts = [
        {"from": start * SECOND, "to": end * SECOND, **chance.choice(kinds)}
        for start, end in zip([0, *cut], [*cut, length], strict=True)
    ]
    head = {
        "eyelid_scenes": 1, "recording": f"{chance.getrandbits(32):08x}", "start": "2026-11-24T10:00:00Z",
        "host": "pc <b>7", "length_ns": length * SECOND, "policy": policy_hash(_bytes(own)), "policy_files": own,
        "lanes": {"screen": parts, **({"audio": parts[:1]} if chance.random() < 0.7 else {})},
    }  # fmt: skip
    return json.dumps(head).encode() + b"\n" + written(lines, 0)


def _windows(chance: random.Random) -> Scene:
    return Scene(tuple(
        Window(number, chance.choice((*APPS, Blind.EMPTY)) if chance.random() < 0.1 else chance.choice(APPS),
               chance.choice(TITLES), number, Box(0, 0, 9, 9), shown=chance.random() < 0.8)
        for number in range(chance.randint(0, 3))
    ))  # fmt: skip


def _pages(chance: random.Random) -> Scene:
    return Scene(pages=tuple(_page(chance) for _ in range(chance.randint(0, 2))), pages_only=True)


def _page(chance: random.Random) -> Page:
    fields = frozenset(chance.sample(FIELDS, chance.choice((0, 0, 1))))
    css = frozenset({"#pan"} if chance.random() < 0.2 else ())
    return Page((chance.choice(URLS),), fields, css, shown=chance.random() < 0.8, unread=chance.random() < 0.1)


def _bytes(files: dict[str, str]) -> dict[str, bytes]:
    return {name: text.encode() for name, text in files.items()}
