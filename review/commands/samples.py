"""`eyelid-review samples`: draw the recordings of a month that may be listened to, and check such a draw."""

from __future__ import annotations

import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from protocol import bundle, enrolment
from protocol.carried import read_carried, split
from protocol.claims import Claims, parse_object
from protocol.errors import ProtocolError
from protocol.keys import public_to_text
from protocol.terminal import printable
from review import samples
from review.audit.bodies import bodies
from review.audit.kinds import pseudonym
from review.audit.verify import VerifyOptions, verify_log
from review.commands.audit import findings_of, noted
from review.commands.custodian import log_of, with_home
from review.commands.open_log import operator, public_key, reading_key
from review.commands.shared import Subcommands, answer, command, group, option
from review.custodian import home
from review.custodian.facts import identify
from review.governance.model import Governance
from review.rules import in_force, read_folder
from review.samples import Candidate, Drawn, Month, Result, Share
from store.admin import passphrase
from store.evidence.show import print_json, print_table

_PCS: Final = 3  # so many are shown of an agent


def add(commands: Subcommands[ArgumentParser]) -> None:
    verbs = group(commands, "samples", "draw what may be listened to of a month, and check a draw",
                  "eyelid-review samples draw 2026-11 november.papers",
                  "eyelid-review samples list")  # fmt: skip
    month = option("month", "such as 2026-11", "MONTH", type=_month)
    shown = "what `eyelid-store papers --month` printed"

    command(verbs, "samples draw", "draw a month that is over; once, with the custodian's seed",
            "2026-11 november.papers", _draw, with_home, passphrase.add_options, month,
            option("papers", shown, "FILE", type=Path),
            option("--empty", "also where the papers have no candidate: the month is then drawn, with nothing in it",
                   action="store_true"))  # fmt: skip
    command(verbs, "samples list", "list what was drawn", "", _list, with_home)
    command(verbs, "samples verify", "draw again from a copy of the custodian's log: was nothing left out, or added?",
            "2026-11 copy/ november.papers --key audit.pub --reading-key audit-read.key \\\n"
            "    --rules governance/ --token enrolment.token", _verify, month,
            option("folder", "a copy of the log's folder", "COPY", type=Path),
            option("papers", f"{shown}, from a store or a backup that you trust", "FILE", type=Path),
            option("--key", "the log's public key, or a file with it", "KEY", required=True),
            option("--reading-key", "it opens the log's bodies", "FILE", type=Path, required=True),
            option("--rules", "the rules by which it was drawn (`eyelid-store bundle show --save-governance`)", "DIR",
                   type=Path, required=True),
            option("--token", "an enrolment token: it names the store's key", "FILE", type=Path, required=True),
            option("--noted", "a checkpoint that was kept elsewhere: the log must continue it", "FILE", type=Path,
                   action="append", default=[]),
            passphrase.add_options)  # fmt: skip


def _month(text: str) -> Month:
    try:
        return Month.named(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no month: write it as 2026-11") from None


def _candidates(path: Path, store_key: str, rules: Governance) -> Iterator[Candidate | str]:
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                packet, origin, start = identify(Claims(parse_object(line), "papers", ProtocolError), store_key)
            except (ProtocolError, ValueError) as error:
                yield f"line {number} is no candidate: {error}"
            else:
                agent = rules.person_of(packet.os_user)
                yield Candidate(str(packet.recording), agent, start, origin.at, packet.device)


def _draw(asked: Namespace) -> int:
    log, settings = log_of(asked).log, home.Settings.read(asked.home)
    token, files = split((asked.home / "bundle").read_text("ascii"))
    made = bundle.verify(token, settings.compliance)
    rules = in_force(made, read_carried(files, made.governance) if made.governance else {})
    now = home.Latest(asked.home / "clock", time.time_ns).now()
    shown, folder = _candidates(asked.papers, settings.store_key, rules), asked.home / "samples"
    found = samples.draw(folder, log, asked.month, shown, rules=rules, now=now, who=operator()[0], empty=asked.empty)
    noticed = [{"code": code, "message": message} for code, message in samples.remarks(found)]
    facts = {"month": asked.month.name, "drawn": found.drawn, "refused": found.unread, "remarks": noticed}
    _show_result(asked, facts, found, *(f"- {one['code']}: {one['message']}" for one in noticed))
    return 1 if found.unread else 0


def _list(asked: Namespace) -> int:
    found = samples.listed(asked.home / "samples")
    _show(asked, {"months": found}, found)
    return 0


def _verify(asked: Namespace) -> int:
    key = reading_key(asked.reading_key, passphrase.existing(asked, str(asked.reading_key)))
    log, rules = public_key(asked.key), read_folder(asked.rules, tested=False)
    store_key = public_to_text(enrolment.parse(asked.token.read_text("utf-8")).store_key)
    report = verify_log(asked.folder, VerifyOptions(log, key, noted=noted(asked)))
    found = Result({}, {}, [])
    if not report.findings:  # what was changed is not asked what it says
        said, shown = bodies(asked.folder, log, key), _candidates(asked.papers, store_key, rules)
        found = samples.check(report, asked.month, said, shown, rules=rules, hide=lambda one: pseudonym(one, key))
        names = {pseudonym(one, key): one for one in found.shares if one}
        found = found._replace(drawn={purpose: {names.get(one, one): there for one, there in agents.items()}
                                      for purpose, agents in found.drawn.items()})  # fmt: skip
    facts, lines = findings_of(report)
    if not asked.noted:
        lines.append("- not checked: whether entries after the last checkpoint were cut off: give --noted")
    verdict = "NOT AS IT SHOULD HAVE BEEN DRAWN" if report.findings else "drawn as it should be"
    facts |= {"month": asked.month.name, "drawn": found.drawn, "unread": found.unread}
    _show_result(asked, facts, found, *lines, f"{asked.month.name}: {verdict}")
    return 1 if report.findings else 0


def _show_result(asked: Namespace, facts: dict[str, Any], found: Result, *lines: str) -> None:
    """With what there is of each agent, so that people see who was drawn from what."""
    if found.shares and not asked.json:
        headings = ["agent", "candidates", "of PCs", "short", "late", "other month", "before seed"]
        print_table(headings, [_row(*one) for one in found.shares.items()], numbers=(1, 3, 4, 5, 6), below=(2,))
    shares = {agent: asdict(one) | {"candidates": one.candidates} for agent, one in found.shares.items()}
    _show(asked, facts | {"agents": shares}, {asked.month.name: found.drawn}, *lines)


def _row(agent: str, of: Share) -> list[str]:
    most = sorted(((number, pc) for pc, number in of.pcs.items()), reverse=True)
    more = f", and {len(most) - _PCS} more" if len(most) > _PCS else ""
    pcs = ", ".join(f"{printable(pc)} {number}" for number, pc in most[:_PCS]) + more
    numbers = of.candidates, of.short, *map(len, (of.late, of.other_month, of.before_seed))
    first, *rest = map(str, numbers)
    return [agent or "-", first, pcs or "-", *rest]


def _show(asked: Namespace, facts: dict[str, Any], months: Mapping[str, Drawn], *lines: str) -> None:
    if asked.json:
        print_json(facts)
        return
    rows = [
        (month, purpose, agent, recording)
        for month, drawn in months.items() for purpose, agents in drawn.items()
        for agent, there in agents.items() for recording in there
    ]  # fmt: skip
    print_table(["month", "for", "agent", "recording"], rows)
    answer(asked, facts, *lines)
