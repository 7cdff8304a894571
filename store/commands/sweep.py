"""`verify --all` and `gaps`: what is asked of the whole store, printed as it is found."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from protocol.keys import RecipientPrivate
from protocol.terminal import printable
from store.admin.home import Home
from store.admin.init import COMPLIANCE
from store.catalog import erasure
from store.catalog.database import explained
from store.catalog.queries import Device, devices
from store.clock import wall
from store.commands.options import Subcommands, add_command, choose_device, home_of
from store.commands.values import duration
from store.errors import StoreError
from store.evidence import picture, unfinished
from store.evidence.evidence import Policies
from store.evidence.isolation import Unreadable, each
from store.evidence.show import as_json, console, iso, print_json, progress, shortened, when
from store.evidence.timeline.device_timeline import What
from store.evidence.timeline.gaps import DeviceGaps, gaps
from store.evidence.verify.recording import CHECKS, Report
from store.evidence.verify.sweep import Checked, size, sweep


def add(commands: Subcommands[ArgumentParser]) -> None:
    gaps = add_command(
        commands,
        "gaps",
        "show what is not here: missing chunks, unexplained time, silent PCs, and how much of each day was blind",
        "  eyelid-store gaps\n  eyelid-store gaps --device 3f2c91d0 --since 30d\n"
        "  eyelid-store gaps --json | jq '.devices[] | select(.amiss)'",
        _gaps,
    )
    gaps.add_argument("--device", metavar="ID", help="this PC alone: its id, or the beginning of it")
    gaps.add_argument(
        "--since", type=duration, default="7d", metavar="TIME", help="how far back: 30m, 12h, 7d (%(default)s)"
    )


def abandoned(home: Home) -> None:
    """Removes what exports that were killed have left decrypted. StoreError where that cannot be told."""
    try:
        left = unfinished.sweep(home.exports)
    except OSError as error:
        raise StoreError(f"{home.exports} cannot be read: {error.strerror or error}") from None
    for one in left:
        what = "something" if one.folder is None else printable(str(one.folder))
        sys.stderr.write(
            f"eyelid-store: an export that was killed left {what} ({printable(one.why)}): remove it, then its note "
            f"{printable(str(one.note))}\n"
        )


_NAMED: Final = 3  # findings that the one line of an unsound recording tells in words


def verify(home: Home, recipient: RecipientPrivate | None, options: Namespace) -> int:
    """One line for everything that is not sound; 1 if there is any."""
    abandoned(home)
    counts = _Counts()
    tell = _tell_json if options.json else _tell_person
    with closing(home.database()) as database, explained(str(home.database_path)):
        after = str(options.after or "")
        with database.reading() as connection:
            counts.signer = erasure.signer(connection)
        counts.compliance = home.key(COMPLIANCE).id
        with progress("checking", size(database, after)) as advance:
            found = sweep(database, home.blobs(), recipient, compliance=home.key(COMPLIANCE).id, after=after)
            try:
                tell(counts.watching(found, advance), counts)
            except KeyboardInterrupt:
                if counts.last:
                    sys.stderr.write(f"to go on from here: eyelid-store verify --all --after {counts.last}\n")
                raise
    return 0 if not counts.unsound else 1


class _Counts:
    """Numbers alone: what a million sound recordings leave in memory."""

    def __init__(self) -> None:
        self.checked: Counter[str] = Counter()
        self.unsound: Counter[str] = Counter()
        self.not_checked: Counter[str] = Counter()
        self.why: dict[str, str] = {}  # of each check that was left out, the first reason
        self.vouched: list[Checked] = []  # every ledger
        self.last = ""  # the recording checked last
        self.signer = ""  # fingerprint of the key whose orders to erase count
        self.compliance = ""  # fingerprint of the key that bundles must be signed by
        self.erased: list[str] = []  # every recording that the catalog says was erased

    def watching(self, found: Iterator[Checked], advance: Any) -> Iterator[Checked]:
        """Those that are not sound, and those that were erased: a person must be able to ask for each why."""
        for one in found:
            self.checked[one.kind] += 1
            self.not_checked.update(check for check, _ in one.report.not_checked)
            for check, why in one.report.not_checked:
                self.why.setdefault(check, why)
            if one.kind == "recording":
                self.last = one.id
            elif one.kind == "ledger":
                self.vouched.append(replace(one, report=Report((), (), (), ())))  # what is wrong with it is not kept
            if one.report.erased is not None:
                self.erased.append(one.id)
            if not one.sound:
                self.unsound[one.kind] += 1
            if not one.sound or one.report.erased is not None:
                yield one
            advance(1)


def _tell_person(unsound: Iterator[Checked], counts: _Counts) -> None:
    out = console()
    for one in unsound:
        out.print(_line(one), markup=False, soft_wrap=True)
    for one in counts.vouched:
        out.print(printable(_vouched(one)), markup=False, soft_wrap=True)
    if counts.signer:
        said = f"{_many(len(counts.erased), 'recording')} erased: such orders count by the key {counts.signer}"
        out.print(f"{said}; compare it with the audit log's", markup=False, soft_wrap=True)
    said = f"bundles, and so readers and rules, count by compliance's key {counts.compliance}, as store.json has it"
    out.print(f"{said}; compare it with compliance's", markup=False, soft_wrap=True)
    for check, times in counts.not_checked.items():
        why = counts.why[check]
        out.print(f"not checked in {_many(times, 'recording')}: {CHECKS[check]}: {why}", markup=False, soft_wrap=True)
    whole = ", ".join(_many(times, kind) for kind, times in counts.checked.items()) or "nothing"
    wrong = ", ".join(_many(times, kind) for kind, times in counts.unsound.items())
    verdict = f"NOT SOUND: {wrong}" if wrong else "nothing wrong was found"
    out.print(f"checked {whole}: {verdict}", markup=False, soft_wrap=True)


def _vouched(one: Checked) -> str:
    """Until when an end that was cut off would show: of what came later, nothing here says that it ever was."""
    said = one.vouched
    if said is None:
        return f"{shortened(one.host)}  {one.id}  no signed report: an end that was cut off does not show"
    entries = f"{_many(said.ledger[0], 'entry')}, {said.confirmed} confirmed"
    return f"{shortened(one.host)}  {one.id}  last signed report {when(said.wall)}: {entries}"


def _many(times: int, kind: str) -> str:
    one = {"governance": "set of governance"}.get(kind, kind)
    plural = {"policy": "policies", "entry": "entries", "governance": "sets of governance"}.get(kind, f"{kind}s")
    return f"{times} {one if times == 1 else plural}"


def _line(one: Checked) -> str:
    """The whole of what is wrong with it, shortened after the third."""
    findings, erased = one.report.findings, one.report.erased
    words = [str(erased)] if erased is not None and erased.explained else []
    words += [f"{finding.where}: {finding.message} ({finding.code})" for finding in findings[:_NAMED]]
    if len(findings) > _NAMED:
        words.append(f"and {len(findings) - _NAMED} more")
    place = [one.kind, one.id, shortened(one.host), when(one.start) if one.start is not None else ""]
    return f"{'  '.join(printable(word) for word in place if word)}  {'; '.join(words)}"


def _tell_json(unsound: Iterator[Checked], counts: _Counts) -> None:
    """One object, written as it grows."""
    sys.stdout.write('{"unsound": [')
    for number, one in enumerate(one for one in unsound if not one.sound):
        facts = {
            "kind": one.kind,
            "id": one.id,
            "host": one.host,
            "findings": [asdict(finding) for finding in one.report.findings],
            "notes": list(one.report.notes),
        }
        sys.stdout.write((",\n" if number else "\n") + as_json(facts))
    rest = {
        "checked": dict(counts.checked),
        "not_sound": dict(counts.unsound),
        "not_checked": {check: {"recordings": n, "why": counts.why[check]} for check, n in counts.not_checked.items()},
        "reports": [
            {
                "device": one.id,
                "host": one.host,
                "at": iso(said.wall) if (said := one.vouched) else None,
                "entries": said.ledger[0] if said else None,
                "confirmed": said.confirmed if said else None,
            }
            for one in counts.vouched
        ],
        "erased": {"signed_by": counts.signer or None, "recordings": counts.erased},
        "compliance": counts.compliance,
        "sound": not counts.unsound,
    }
    sys.stdout.write("],\n" + as_json(rest)[1:] + "\n")


# -- gaps ---------------------------------------------------------------------------------------------------------


def _gaps(options: Namespace) -> int:
    home = home_of(options)
    abandoned(home)
    now = wall()
    zone = datetime.now(UTC).astimezone().tzinfo
    amiss = 0
    facts: list[dict[str, Any]] = []
    with closing(home.database()) as database, explained(str(home.database_path)):
        with database.reading() as connection:
            asked = devices(connection)
        if options.device is not None:
            asked = [choose_device(options.device, asked, home)]
        look = partial(gaps, database, since=now - options.since, now=now, zone=None, policies=Policies())
        tell = partial(_facts_of if options.json else _show, look)
        with progress("looking", len(asked)) as advance:
            for one in each(asked, tell, _facts_without if options.json else _show_unreadable):
                amiss += one["amiss"]
                facts.append(one)
                advance(1)
    if options.json:
        print_json({"since": iso(now - options.since), "zone": str(zone), "amiss": amiss, "devices": facts})
    elif not asked:
        console().print("No PC is enrolled: `eyelid-store enroll-token` prints the token for one.")
    else:
        console().print(picture.legend(), soft_wrap=True)
        verdict = "nothing is lost or unexplained" if not amiss else f"LOOK AT {_many(amiss, 'PC')}"
        console().print(f"{_many(len(asked), 'PC')} since {when(now - options.since)}: {verdict}", soft_wrap=True)
    return 1 if amiss else 0


def _facts_of(look: Callable[[Device], DeviceGaps], device: Device) -> dict[str, Any]:
    return _facts(look(device))


def _facts_without(device: Device, why: Unreadable) -> dict[str, Any]:
    return {**_which(device), "state": "unreadable", "amiss": True, "error": why.error}


def _show(look: Callable[[Device], DeviceGaps], device: Device) -> dict[str, Any]:
    found = look(device)
    picture.show_device(console(), found)
    return {"amiss": found.amiss}


def _show_unreadable(device: Device, why: Unreadable) -> dict[str, Any]:
    picture.show_unreadable(console(), device, why)
    return {"amiss": True}


def _which(device: Device) -> dict[str, Any]:
    return {"device": device.id, "host": device.host, "group": device.group}


def _facts(found: DeviceGaps) -> dict[str, Any]:
    """JSON. Members ending in `_ns` are exact; those of a day add up to its whole."""
    return {
        **_which(found.device),
        "state": found.state,
        "amiss": found.amiss,
        "heard": iso(found.heard),
        "clock_off_ns": found.clock_off,
        "pending_chunks": found.pending_chunks,
        "pending_bytes": found.pending_bytes,
        "pending_entries": found.pending_entries,
        "late": found.late,
        "days": [
            {
                "day": str(day.date),
                **{f"{what.value}_ns": day.sums.get(what, 0) for what in What},
                "kept_share": round(day.share(What.KEPT), 6),
                "held_share": round(day.share(What.HELD), 6),
                "blind_share": round(day.blind_share, 6),
                "why_ns": day.why,
            }
            for day in found.days
        ],
        "unexplained": [
            {"from": iso(part.start), "to": iso(part.end), "ns": part.end - part.start, "why": list(part.why)}
            for part in found.unexplained
        ],
        "recordings": [
            {
                "recording": str(short.recording),
                "start": iso(short.start),
                "why": short.why,
                "missing": [asdict(hole) for hole in short.holes],
                "more": short.more,
            }
            for short in found.recordings
        ],
        "erased": [{"recording": one.recording, **one.facts()} for one in found.erased],
        "more": found.more,
        "contradicted": [one._asdict() for one in found.contradicted],
    }
