"""`rules`: what each rule of the policies in force has closed, on all PCs, and which have never closed anything.

One PC proves little: a rule for payments need not match where none is taken. Asked of all PCs, a rule that has never
spoken is most likely wrong (docs/decisions/0021).
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from contextlib import closing
from typing import Final

from rich.text import Text

from protocol.terminal import printable
from store.catalog.database import explained
from store.catalog.queries import Device, devices
from store.clock import seconds, wall
from store.commands.options import Subcommands, add_command, choose_device, home_of
from store.commands.values import duration
from store.evidence.isolation import Unreadable
from store.evidence.show import console, iso, print_json, print_table, progress, shortened, when
from store.evidence.timeline.rules_used import Rule, joined, of_each


def add(commands: Subcommands[ArgumentParser]) -> None:
    rules = add_command(
        commands,
        "rules",
        "show what each rule of the policies in force has closed, and which have never closed anything",
        "  eyelid-store rules\n  eyelid-store rules --since 90d\n"
        "  eyelid-store rules --json | jq '.rules[] | select(.never)'",
        _rules,
    )
    rules.add_argument("--device", metavar="ID", help="this PC alone: its id, or the beginning of it")
    rules.add_argument(
        "--since", type=duration, default="30d", metavar="TIME", help="how far back: 12h, 7d, 90d (%(default)s)"
    )


def _rules(options: Namespace) -> int:
    """1 where a rule has never closed anything, so that a timer can ask."""
    home = home_of(options)
    since = wall() - options.since
    with closing(home.database()) as database, explained(str(home.database_path)):
        with database.reading() as connection:
            asked = devices(connection)
        if options.device is not None:
            asked = [choose_device(options.device, asked, home)]
        with progress("looking", len(asked)) as advance:
            left_out: list[tuple[Device, Unreadable | None]] = []
            found = joined(of_each(database, asked, since, advance, left_out), since, options.since // 10)
    never = [rule for rule in found if rule.never]
    if options.json:
        print_json(
            {
                "since": iso(since),
                "never": [rule.id for rule in never],
                "rules": [_facts(r) for r in found],
                "unreadable": [device.id for device, why in left_out if why],
                "unnamed": [device.id for device, why in left_out if not why],
            }
        )
    elif not found:
        console().print("No PC has reported a policy in this time.")
    else:
        print_table(
            ["rule", "closed", "for", "PCs", "last", "would have closed", ""], map(_row, found), numbers=[1, 2, 3],
            below=(5, 6),
        )  # fmt: skip
        summary = (
            f"NEVER CLOSED ANYTHING: {', '.join(rule.id for rule in never)}"
            if never
            else "no rule has been idle all this time"
        )
        console().print(f"since {when(since)}: {summary}", soft_wrap=True, markup=False)
    for device, why in left_out:
        said = f"{shortened(device.host)}  {device.id}  {why or _UNNAMED}"
        console(stderr=True).print(printable(said), soft_wrap=True, markup=False)
    return 1 if never else 0


_UNNAMED: Final = "rules of a policy whose text is not here, or is none that can be read, are left out"


def _row(rule: Rule) -> list[str | Text]:
    total = rule.total
    would = f"{total.would_times} times, {seconds(total.would_ns)}" if total.would_times else ""
    return [
        rule.id,
        str(total.times) if total.times else "never",
        seconds(total.ns) if total.times else "-",
        str(rule.devices),
        when(total.last),
        would,
        Text("never in all this time", style="bold red") if rule.never else "",
    ]


def _facts(rule: Rule) -> dict[str, object]:
    return {
        "id": rule.id,
        "why": rule.why,
        "devices": rule.devices,
        "closed": rule.total.times,
        "closed_ns": rule.total.ns,
        "would_close": rule.total.would_times,
        "would_close_ns": rule.total.would_ns,
        "last": iso(rule.total.last),
        "never": rule.never,
    }
