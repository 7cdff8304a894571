"""The store's log of operators (store/admin/operators.py) goes on in this one: each of its lines once, in order.

What is noted there stays as it is; here stand its lines with the hashes that chain them, so that neither can be
written anew without the other.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from itertools import accumulate
from pathlib import Path
from typing import Any, Final, NamedTuple

from protocol.claims import MAX_INTEGER, parse_object
from protocol.numbers import is_integer
from review.audit.bodies import bodies
from review.audit.entries import Entry, ReadingKey
from review.audit.errors import AuditError
from review.audit.kinds import ADOPTED, FAILURE, LARGEST_BODY, MOST, SUCCESS, Act, read_statement
from review.audit.log import AuditLog
from store.admin.operators import BEGIN, END, MENDED, NAME, START, OperatorsLog
from store.errors import StoreError

UNREADABLE: Final = "unreadable"
_AT_ONCE: Final = 256
_WORD: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_ID: Final = re.compile(r"[A-Za-z0-9_.:/-]{1,128}")


class Adopted(NamedTuple):
    """`findings`: what the operators' log is found to lack by itself."""

    lines: int
    findings: tuple[str, ...]


def adopt(log: AuditLog, key: ReadingKey, home: Path) -> Adopted:
    """Takes in what the operators' log in the store's folder `home` has and this one has not.

    Raises AuditError ("rewritten") where a line that was taken in has another hash now; StoreError.
    """
    line, known = _last_adopted(log, key)
    checked = OperatorsLog(home).check()
    try:
        lines = (home / NAME).read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:
        lines = []
    except OSError as error:
        raise StoreError(f"{home / NAME} cannot be read: {error.strerror or error}") from None
    if line and (len(lines) < line or hashlib.sha256(lines[line - 1]).hexdigest() != known):
        message = f"line {line} is not the one that was taken in, whose hash is {known}: the log was written anew"
        raise AuditError("rewritten", f"{home / NAME}: {message}")
    acts = list(_acts(lines, line))
    for at in range(0, len(acts), _AT_ONCE):
        log.append_all(acts[at : at + _AT_ONCE])
    if acts:
        log.state({"kind": ADOPTED, "line": acts[-1].facts["line"], "hash": acts[-1].facts["hash"]})
    return Adopted(len(acts), tuple(map(str, checked.findings)))


def _last_adopted(log: AuditLog, key: ReadingKey) -> tuple[int, str]:
    """Line and hash of the last that is here; (0, "") for none. A statement says so even when all bodies are shredded;
    where the process was killed before it wrote one, the bodies say so.
    """
    found, after = (0, ""), 0
    for group in log.groups():
        for one in group.entries:
            if statement := Entry.parse(one.raw).statement:
                said = read_statement(statement)
                if said["kind"] == ADOPTED:
                    found, after = (said["line"], said["hash"]), one.position
    for body in bodies(log.folder, log.verifier, key, after):
        if body.said.get("kind") == "operator":
            found = body.said["facts"]["line"], body.said["facts"]["hash"]
    return found


def _acts(lines: list[bytes], after: int) -> Iterator[Act]:
    before = hashlib.sha256(lines[after - 1]).hexdigest() if after else START
    for number, line in enumerate(lines[after:], after + 1):
        hashed = hashlib.sha256(line).hexdigest()
        try:
            entry: Mapping[str, Any] = parse_object(line)
        except ValueError:
            entry = {}
        yield _act(number, before, hashed, entry)
        before = hashed


def _act(number: int, before: str, hashed: str, entry: Mapping[str, Any]) -> Act:
    """A line that is no entry is taken in as such: its hash is what counts."""
    what, recordings, of = entry.get("what"), entry.get("recordings"), entry.get("of")
    facts: dict[str, object] = {
        "line": number,
        "before": before,
        "hash": hashed,
        "at": _said(entry, "at") or "-",
        "what": what if what in (BEGIN, END, MENDED) else UNREADABLE,
    }
    optional = {"act": _word(entry, "act"), "purpose": _said(entry, "purpose"), "said_by": _said(entry, "sudo_user")}
    facts |= {name: value for name, value in optional.items() if value}
    if is_integer(of) and 0 <= of <= MAX_INTEGER:
        facts["of"] = of
    listed = recordings if isinstance(recordings, list) else []
    failed = facts["what"] == UNREADABLE or entry.get("outcome") not in (None, "done")
    return Act(
        "operator",
        who=_said(entry, "user") or "eyelid-store",
        origin=_said(entry, "host") or "eyelid-store",
        resource=_ids(listed) or ["archive"],
        facts=facts,
        outcome=FAILURE if failed else SUCCESS,
        reason=(_word(entry, "outcome") or UNREADABLE) if failed else None,
    )


def _ids(listed: list[object]) -> list[str]:
    """The first of them, as many as an entry holds: a line with more must not stop all that follow it."""
    found = [one for one in listed if isinstance(one, str) and _ID.fullmatch(one)][:MOST]
    sizes = accumulate(len(json.dumps(one)) + 1 for one in found)
    return [one for one, size in zip(found, sizes, strict=True) if size <= LARGEST_BODY // 2]


def _said(entry: Mapping[str, Any], name: str) -> str:
    value = entry.get(name)
    return "".join(letter for letter in value if letter.isprintable())[:200] if isinstance(value, str) else ""


def _word(entry: Mapping[str, Any], name: str) -> str:
    return said if _WORD.fullmatch(said := _said(entry, name)) else ""
