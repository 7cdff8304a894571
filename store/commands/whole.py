"""`verify --all` and `gaps`: what is asked of the whole store, told as it is found."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from typing import Any, Final

from protocol.keys import RecipientPrivate
from store.database import explained
from store.founding import COMPLIANCE
from store.home import Home
from store.show import clean, console, progress, when
from store.verify.recording import CHECKS
from store.verify.sweep import Checked, size, sweep

_NAMED: Final = 3  # findings that the one line of an unsound recording tells in words


def verify(home: Home, recipient: RecipientPrivate | None, options: Namespace) -> int:
    """One line for everything that is not sound; 1 if there is any."""
    tally = _Tally()
    told = _tell_json if options.json else _tell_person
    with closing(home.database()) as database, explained(str(home.database_path)):
        after = str(options.after or "")
        with progress("checking", size(database, after)) as advance:
            found = sweep(database, home.blobs(), recipient, compliance=home.key(COMPLIANCE).id, after=after)
            try:
                told(tally.watching(found, advance), tally)
            except KeyboardInterrupt:
                if tally.last:
                    sys.stderr.write(f"to go on from here: eyelid-store verify --all --after {tally.last}\n")
                raise
    return 0 if not tally.unsound else 1


class _Tally:
    """Numbers alone: what a million sound recordings leave in memory."""

    def __init__(self) -> None:
        self.checked: Counter[str] = Counter()
        self.unsound: Counter[str] = Counter()
        self.not_checked: Counter[str] = Counter()
        self.why: dict[str, str] = {}  # of each check that was left out, the first reason
        self.last = ""  # the recording checked last

    def watching(self, found: Iterator[Checked], advance: Any) -> Iterator[Checked]:
        """Those that are not sound."""
        for one in found:
            self.checked[one.kind] += 1
            self.not_checked.update(check for check, _ in one.report.not_checked)
            for check, why in one.report.not_checked:
                self.why.setdefault(check, why)
            if one.kind == "recording":
                self.last = one.id
            if not one.sound:
                self.unsound[one.kind] += 1
                yield one
            advance(1)


def _tell_person(unsound: Iterator[Checked], tally: _Tally) -> None:
    out = console()
    for one in unsound:
        out.print(_line(one), markup=False, soft_wrap=True)
    for check, times in tally.not_checked.items():
        why = tally.why[check]
        out.print(f"not checked in {_many(times, 'recording')}: {CHECKS[check]}: {why}", markup=False, soft_wrap=True)
    whole = ", ".join(_many(times, kind) for kind, times in tally.checked.items()) or "nothing"
    wrong = ", ".join(_many(times, kind) for kind, times in tally.unsound.items())
    verdict = f"NOT SOUND: {wrong}" if wrong else "nothing wrong was found"
    out.print(f"checked {whole}: {verdict}", markup=False, soft_wrap=True)


def _many(times: int, kind: str) -> str:
    plural = {"policy": "policies"}.get(kind, f"{kind}s")
    return f"{times} {kind if times == 1 else plural}"


def _line(one: Checked) -> str:
    """The whole of what is wrong with it, shortened after the third."""
    findings = one.report.findings
    words = [f"{finding.where}: {finding.message} ({finding.code})" for finding in findings[:_NAMED]]
    if len(findings) > _NAMED:
        words.append(f"and {len(findings) - _NAMED} more")
    place = [one.kind, one.id, one.host, when(one.start) if one.start is not None else ""]
    return f"{'  '.join(clean(word) for word in place if word)}  {'; '.join(words)}"


def _tell_json(unsound: Iterator[Checked], tally: _Tally) -> None:
    """One object, written as it grows."""
    sys.stdout.write('{"unsound": [')
    for number, one in enumerate(unsound):
        facts = {
            "kind": one.kind,
            "id": one.id,
            "host": one.host,
            "findings": [asdict(finding) for finding in one.report.findings],
            "notes": list(one.report.notes),
        }
        sys.stdout.write((",\n" if number else "\n") + json.dumps(facts, ensure_ascii=False))
    rest = {
        "checked": dict(tally.checked),
        "not_sound": dict(tally.unsound),
        "not_checked": {check: {"recordings": n, "why": tally.why[check]} for check, n in tally.not_checked.items()},
        "sound": not tally.unsound,
    }
    sys.stdout.write("],\n" + json.dumps(rest, ensure_ascii=False)[1:] + "\n")
