"""`eyelid policy explain`: what would happen to one page or window, which line of which file says so, and what would
make it otherwise.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.text import Text

from agent.cli.policy.reading import read
from agent.cli.policy.words import SPOKEN, because, effect_of, undo, verdict
from agent.core.linting.explain import Does, Word, words_of
from agent.core.linting.reach import no_scheme
from agent.core.matching.address import BadAddressError, parse_address
from agent.core.model.media import Lane
from agent.core.model.rules import Effect, Policy
from agent.core.model.seen import Box, Page, Window
from agent.errors import PolicyError, UserError
from protocol.language.findings import line_at, page
from protocol.terminal import Wrapped

if TYPE_CHECKING:
    from agent.cli.policy.status import PolicyStatus

SOMEWHERE: Final = Box(0, 0, 800, 600)  # no rule looks at the place
MARKS: Final = {Does.CLOSES: ("●", "yellow"), Does.TRIED: ("◌", "cyan")}
SILENT: Final = ("○", "dim")
# What a program is made of is seen when it runs, and by no name.
SEEN_RUNNING: Final = (
    "  Where it shows web pages of its own (Electron) or another machine (Citrix, RDP, VNC), Eyelid closes\n"
    "  all the same: `eyelid windows` says so while it is in view."
)
MOST_HITS: Final = 3  # lines of a file that are shown for one rule


def add_to(verbs: Any) -> None:
    ask = verbs.add_parser(
        "explain",
        help="what would happen, and which line says so",
        description="Judges one page or one window by the policy, and says of each rule that fits it what it does, "
        "why, which line says so and what would make it otherwise. Without --policy it judges by what "
        "counts on this PC: the policy that compliance signed, else the folder's.",
        epilog="examples:\n  eyelid policy explain https://shop.example.com/pay \\\n"
        "      --frame https://js.stripe.com/v3/\n"
        '  eyelid policy explain --app keepassxc --title "Passwords"',
        formatter_class=Wrapped,
    )
    ask.add_argument("url", nargs="?", help="the address of a page")
    ask.add_argument("--frame", action="append", default=[], metavar="URL", help="the address of a frame in the page")
    ask.add_argument("--field", action="append", default=[], metavar="TOKEN", help="a field in it, such as cc-number")
    ask.add_argument(
        "--css", action="append", default=[], metavar="SELECTOR", help='a selector that fits in it: "#pan"'
    )
    ask.add_argument("--app", help="the window's process name")
    ask.add_argument("--title", default="", help="the window's title")
    ask.add_argument("--extension", metavar="ID", help="another extension of a browser, which may be showing something")
    ask.add_argument("--open", action="store_true", help="it is open in the background, not in view")
    ask.add_argument("--policy", action="append", default=[], metavar="FILE", help="files or a folder")
    ask.add_argument("--json", action="store_true", help="print one JSON object")
    ask.set_defaults(work=_explain)


@dataclass(frozen=True, slots=True)
class Judged:
    """`held`: texts of files that lie on no disk, as `line_at` takes them."""

    thing: Window | Page
    policy: Policy
    held: Mapping[str, bytes]


def _explain(asked: argparse.Namespace) -> int:
    thing = _thing(asked)
    counts = None if asked.policy else _policy_status()
    policy = read(asked.policy, tested=False) if counts is None else _policy_of(counts)
    words = words_of(policy, thing)
    if asked.json:
        lanes = {lane.value: _lane_as_json(policy, words, lane, thing) for lane in Lane}
        print(json.dumps(lanes if counts is None else {"policy": counts.as_json(), **lanes}))
        return 0
    out = page()
    _introduce(out, policy, thing, counts)
    judged = Judged(thing, policy, {} if counts is None else _texts(counts))
    if _same_on_both(words):
        _print_lanes(out, judged, words, (Lane.SCREEN, Lane.AUDIO))
    else:
        for lane in Lane:
            _print_lanes(out, judged, words, (lane,))
    if isinstance(thing, Window) and all(effect_of(words, lane) is not Effect.PAUSE for lane in Lane):
        out.print(SEEN_RUNNING, style="dim", markup=False)
    return 0


def _policy_status() -> PolicyStatus:
    from agent.cli.policy.status import policy_status  # noqa: PLC0415 - half of a start

    counts = policy_status()
    folder = counts.foretold.choice.folder
    if counts.foretold.choice.signed is None and not folder.exists():
        raise UserError(f"there is no policy in {folder}; `eyelid policy init payments` begins with one")
    return counts


def _policy_of(counts: PolicyStatus) -> Policy:
    if counts.foretold.policy is None:
        raise PolicyError(counts.foretold.mistakes)
    return counts.foretold.policy


def _texts(counts: PolicyStatus) -> dict[str, bytes]:
    """By the names that places have for them: what is signed lies in no folder."""
    return {str(Path(counts.foretold.choice.shown_in, name)): text for name, text in counts.foretold.files.items()}


def _same_on_both(words: tuple[Word, ...]) -> bool:
    screen, audio = ([replace(word, lane=Lane.SCREEN) for word in words if word.lane is lane] for lane in Lane)
    return screen == audio


def _thing(asked: argparse.Namespace) -> Window | Page:
    of_window = asked.app is not None or bool(asked.title)
    if asked.extension is not None:
        if of_window or asked.url is not None or asked.frame or asked.field or asked.css:
            raise UserError("give --extension alone, or with --open: what it shows has no address, field or title")
        return Page((), shown=not asked.open, unread=True, extension=asked.extension)
    if (asked.url is not None) == of_window:
        raise UserError(
            "say what to judge: an address, --app with --title, or --extension. `eyelid policy explain --help`"
        )
    if of_window and (asked.frame or asked.field or asked.css):
        raise UserError("--frame, --field and --css are of a page: give its address, not --app")
    if of_window:
        return Window(1, asked.app or "", asked.title, 1, SOMEWHERE, shown=not asked.open, focused=not asked.open)
    for address in (asked.url, *asked.frame):
        try:
            scheme = parse_address(address).scheme
        except BadAddressError as problem:
            # Browsers hide the scheme, so it is missing where an address was typed off.
            meant = "write it whole, as the browser copies it" if "://" in address else f"write https://{address}"
            raise UserError(f"{address} is no address: {problem}; {meant}") from None
        if no_scheme(scheme) and address[len(scheme) + 1 :][:1].isdigit():  # a host and its port
            raise UserError(f"{address} is no address: it has no scheme such as https://; write https://{address}")
    return Page((asked.url, *asked.frame), frozenset(asked.field), frozenset(asked.css), shown=not asked.open)


def _introduce(out: Console, policy: Policy, thing: Window | Page, counts: PolicyStatus | None) -> None:
    if isinstance(thing, Page) and thing.extension is not None:
        out.print(f"what the extension {thing.extension} may be showing", style="bold", markup=False)
    elif isinstance(thing, Page):
        out.print(thing.urls[0], style="bold", markup=False)
        for frame in thing.urls[1:]:
            out.print(f"  with the frame {frame}", markup=False)
        for address in thing.urls:
            if problem := no_scheme(parse_address(address).scheme):
                out.print(f"  {problem}", style="yellow", markup=False)
        for kind, found in (("field", thing.fields), ("css", thing.selectors)):
            if found:
                out.print(f"  with {kind} {', '.join(sorted(found))}", markup=False)
    else:
        title = f'with the title "{thing.title}"' if thing.title else "without a title"
        out.print(f"a window of {thing.app or 'some program'} {title}", style="bold", markup=False)
    where = "in view" if thing.shown else "open in the background"
    out.print(f"  {where}; judged by {policy.name}, revision {policy.revision}", style="dim", markup=False)
    if counts is not None:
        out.print(f"  {counts.origin()}", style="dim", markup=False)
        for doubt in counts.doubts():
            out.print(f"  {doubt}", style="yellow", markup=False)


def _print_lanes(out: Console, judged: Judged, words: tuple[Word, ...], lanes: tuple[Lane, ...]) -> None:
    """`lanes`: one, or both where the same is said of them."""
    closed = effect_of(words, lanes[0]) is Effect.PAUSE
    state = ("closed", "bold yellow") if closed else ("recorded", "bold green")
    spoken = " and ".join(SPOKEN[lane] for lane in lanes)
    out.print()
    out.print(Text.assemble((f"{spoken.capitalize()}: ", "bold"), state))
    found = [word for word in words if word.lane is lanes[0]]
    if not found:
        out.print("  No rule fits it.", style="dim")
    for word in found:
        _print_word(out, judged, word, "both" if len(lanes) > 1 else f"the {spoken}")


def _print_word(out: Console, judged: Judged, word: Word, lanes: str) -> None:
    mark, style = MARKS.get(word.does, SILENT)
    own = " (a rule of Eyelid's own)" if word.rule is None else ""
    out.print(Text.assemble((f"  {mark} ", style), (word.id, "bold"), own, f" {verdict(word, lanes)}, because"))
    out.print(f"    {because(word, judged.thing)}.", markup=False)
    for place in _places(word):
        out.print(Text.assemble((f"    {place}  ", "dim"), (line_at(place, judged.held).strip(), "cyan")))
    if word.rule is not None and word.does in (Does.CLOSES, Does.TRIED):
        out.print(f"    Why: {word.rule.why}", markup=False)
    if remedy := undo(judged.policy, word, judged.thing):
        out.print(f"    {remedy}", markup=False, style="dim")


def _places(word: Word) -> list[str]:
    """The lines that say so: of what fits, or of what excuses."""
    hits = word.excuse if word.does is Does.EXCUSED else word.hits
    places = list(dict.fromkeys(hit.place for hit in hits))[:MOST_HITS]
    if word.does in (Does.RECORDS, Does.OUT_OF_VIEW):
        places = [word.where]
    return places or ([word.where] if word.where else [])


def _lane_as_json(policy: Policy, words: tuple[Word, ...], lane: Lane, thing: Window | Page) -> dict[str, object]:
    return {
        "effect": effect_of(words, lane).value,
        "rules": [
            {
                "id": word.id,
                "own": word.rule is None,
                "does": word.does.value,
                "where": word.where,
                "because": because(word, thing),
                "lines": _places(word),
                "undo": undo(policy, word, thing),
            }
            for word in words
            if word.lane is lane
        ],
    }
