"""Samples: which recordings of an agent and a month are drawn, so that no person chooses whom to listen to.

The custodian commits to a seed in the log before the month begins. When it is over, the candidates are noted first and
the seed after them: it orders them, and the first ones are drawn. Who has log and papers draws again (`check`).

Of a month such as 2026-11, in the custodian's folder samples/:
2026-11        its seed, and from when on recordings count; then what the draw is of, before any of it is noted
2026-11.drawn  purpose -> agent -> recordings, once the log has the draw
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import UUID

from protocol.claims import parse_object
from protocol.errors import ProtocolError
from protocol.folder import write_over
from review.audit.bodies import Body
from review.audit.kinds import MOST, Act
from review.audit.log import AuditLog
from review.audit.verify import Report
from review.governance.model import Governance
from review.governance.times import DAY, SECOND, day_of, start_of
from review.refusal import Refusal
from store.files import lock

GRACE: Final = 3 * DAY  # so long a month's packets may come after its end, as of PCs that were not connected
_AHEAD: Final = 60 * SECOND  # a commitment in the midst of a month counts from so much later on
_KIND: Final = "sample"
_MS: Final = 1_000_000
_CUSTODIAN: Final = "custodian"
Drawn = Mapping[str, Mapping[str, list[str]]]
"""Purpose -> agent -> recordings, in the order in which they were drawn."""


class Month(NamedTuple):
    """`start`, `end`: wall clock, ns, in UTC."""

    name: str
    start: int
    end: int

    @classmethod
    def of(cls, at: int) -> Month:
        first = day_of(at).replace(day=1)
        return cls(first.isoformat()[:7], start_of(first), start_of((first + timedelta(31)).replace(day=1)))

    @classmethod
    def named(cls, name: str) -> Month:
        """Raises ValueError."""
        first = date.fromisoformat(f"{name}-01")
        if first.isoformat()[:7] != name or not 1970 <= first.year < 2200:
            raise ValueError("a month, such as 2026-11")
        return cls.of(start_of(first))


class Candidate(NamedTuple):
    """`start`, `came` (its key packet, to the store): wall clock, ns. `agent`: by the rules; "" for none."""

    recording: str
    agent: str
    start: int
    came: int


# -- the custodian's part -------------------------------------------------------------------------------------------


def commit(folder: Path, log: AuditLog, now: int) -> None:
    """To a seed for this month and for the next, where there is none yet. Raises ProtocolError, OSError."""
    folder.mkdir(mode=0o700, exist_ok=True)
    month = Month.of(now)
    with _alone(folder):
        for one in (month, Month.of(month.end)):
            path = folder / one.name
            kept: dict[str, Any] = _read(path) if path.exists() else {"seed": os.urandom(32).hex()}
            if "since" not in kept:
                write_over(path, json.dumps(kept).encode())  # first: a seed that is in the log is not to be lost
                kept["since"] = max(one.start, now + _AHEAD)
                made = _commitment(one, kept["seed"])
                _note(log, _CUSTODIAN, one, "committed", commitment=made, since=kept["since"])
                write_over(path, json.dumps(kept).encode())


def drawn(folder: Path, rules: Governance, purpose: str, recording: UUID, start: int) -> frozenset[str]:
    """This purpose, if it was drawn for it; no other is looked for. Raises ProtocolError, OSError."""
    path = folder / f"{Month.of(start).name}.drawn"
    if purpose not in numbers(rules) or not path.exists():
        return frozenset()
    agents: Mapping[str, list[str]] = _read(path).get(purpose, {})
    return frozenset({purpose} if any(str(recording) in there for there in agents.values()) else ())


def draw(
    folder: Path, log: AuditLog, month: Month, shown: Iterable[Candidate | str], *, rules: Governance, now: int,
    who: str,
) -> tuple[Drawn, list[str]]:  # fmt: skip
    """Once a month; what was drawn, and why some of `shown` (as texts) were no candidates. `who`: asks for it.

    What it is of is fixed before the log has any of it: killed, it goes on with that. Raises Refusal, AuditError.
    """
    if now < month.end + GRACE:
        day = day_of(month.end + GRACE)
        raise Refusal("too-early", f"{month.name} is drawn from {day} on, when packets that come late are here")
    path, done = folder / month.name, folder / f"{month.name}.drawn"
    every = list(shown)  # first: many signatures are checked, and the custodian does not wait for that
    with _alone(folder):
        if done.exists():
            raise Refusal("drawn-already", f"{month.name} was drawn: `eyelid-review samples list` shows it")
        kept = _read(path) if path.exists() else {}
        if "since" not in kept:
            raise Refusal("no-seed", f"the custodian committed to no seed for {month.name}: nothing of it can be drawn")
        refused: list[str] = []
        if "agents" not in kept:
            agents, refused = _grouped(every, month, kept["since"])
            kept |= {"agents": agents, "purposes": numbers(rules), "rules": rules.hash, "refused": len(refused)}
            if not kept["purposes"]:
                raise Refusal("no-samples", "no role of the rules in force has samples: nothing is to be drawn")
            write_over(path, json.dumps(kept).encode())
        agents, purposes = kept["agents"], kept["purposes"]
        first = log.size
        log.append_all([
            _act(who, month, "candidates", there[at : at + MOST], person=agent)
            for agent, there in sorted(agents.items()) for at in range(0, len(there), MOST)
        ])  # fmt: skip
        _note(log, who, month, "drawn", seed=kept["seed"], first=first, count=sum(map(len, agents.values())),
              refused=kept["refused"], rules=kept["rules"], purposes=_written(purposes))  # fmt: skip
        made = _in_order(kept["seed"], agents, purposes)
        write_over(done, json.dumps(made).encode())
        path.unlink()
    return made, refused


def _grouped(shown: Iterable[Candidate | str], month: Month, since: int) -> tuple[dict[str, list[str]], list[str]]:
    agents, refused = defaultdict[str, set[str]](set), list[str]()
    for one in shown:
        if isinstance(one, str):
            refused.append(one)
        elif _counts(one, month, since):
            agents[one.agent].add(one.recording)
    return {agent: sorted(there) for agent, there in agents.items()}, refused


def listed(folder: Path) -> dict[str, Drawn]:
    """Month -> what was drawn of it."""
    return {path.stem: _read(path) for path in sorted(folder.glob("*.drawn"))}


def numbers(rules: Governance) -> dict[str, int]:
    """Purpose -> how many; the fewest, where roles have different numbers."""
    found: dict[str, int] = {}
    for role in rules.roles.values():
        for purpose, sample in sorted(role.sample.items()):
            found[purpose] = min(sample.per_agent_and_month, found.get(purpose, sample.per_agent_and_month))
    return found


def _counts(one: Candidate, month: Month, since: int, *, late: bool = False) -> bool:
    """`late`: whether it would, but for its packet that came too late."""
    started = max(month.start, since) <= one.start < month.end
    return one.agent != "" and started and late == (one.came >= month.end + GRACE)


def _in_order(seed: str, agents: Mapping[str, Iterable[str]], purposes: Mapping[str, int]) -> Drawn:
    def place(recording: str) -> bytes:
        return hmac.digest(bytes.fromhex(seed), UUID(recording).bytes, "sha256")

    ordered = {agent: sorted(there, key=place) for agent, there in sorted(agents.items())}
    return {purpose: {agent: there[:n] for agent, there in ordered.items()} for purpose, n in sorted(purposes.items())}


def _written(purposes: Mapping[str, int]) -> list[str]:
    return [f"{one}:{number}" for one, number in sorted(purposes.items())]


def _commitment(month: Month, seed: str) -> str:
    return hashlib.sha256(b"eyelid sample v1\n" + month.name.encode() + b"\n" + bytes.fromhex(seed)).hexdigest()


def _act(who: str, month: Month, step: str, of: list[str], **facts: object) -> Act:
    return Act(_KIND, who, _CUSTODIAN, of, {"step": step, "month": month.name, **facts})


def _note(log: AuditLog, who: str, month: Month, step: str, **facts: object) -> None:
    log.append(_act(who, month, step, [month.name], **facts))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    opened = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        lock(opened, wait=True)
        yield
    finally:
        os.close(opened)


def _read(path: Path) -> dict[str, Any]:
    try:
        return parse_object(path.read_bytes())
    except ValueError:
        raise ProtocolError("damaged", f"{path} is not what the custodian wrote") from None


# -- a stranger's part ------------------------------------------------------------------------------------------------


def check(
    report: Report, month: Month, said: Iterable[Body], shown: Iterable[Candidate | str], *, rules: Governance,
    hide: Callable[[str], str],
) -> Drawn:  # fmt: skip
    """Draws again, from a log and from papers. `hide`: an agent's pseudonym, by which the result names them.

    `report` is told what is not as it must be.
    """
    try:
        return _check(report, month, [one for one in said if one.said.get("kind") == _KIND], shown, rules, hide)
    except (LookupError, TypeError, ValueError):
        report.find("bad-entry", f"an entry about {month.name} is none that a custodian writes")
        return {}


def _check(  # noqa: PLR0917 - as `check`
    report: Report, month: Month, said: list[Body], shown: Iterable[Candidate | str], rules: Governance,
    hide: Callable[[str], str],
) -> Drawn:  # fmt: skip
    steps = defaultdict[str, list[Body]](list)
    for one in said:
        if one.said["facts"]["month"] == month.name:
            steps[one.said["facts"]["step"]].append(one)
    if not steps["drawn"]:
        report.find("not-drawn", f"the log has no draw of {month.name}, or its body was shredded")
        return {}
    draw, *later = steps["drawn"]
    revealed = _facts(draw)
    since = _check_commitment(report, steps["committed"], month, draw)
    found = _candidates_of(steps["candidates"], draw)
    if draw.time * _MS < month.end + GRACE:
        report.find("drawn-early", f"entry {draw.position}: {month.name} was drawn before all of it could be here")
    for one in later:
        if (_facts(one)["seed"], _candidates_of(steps["candidates"], one)) != (revealed["seed"], found):
            report.find("drawn-twice", f"entry {one.position}: {month.name} was drawn before, from other candidates")
    if revealed["count"] != len(found):
        report.find(
            "other-count", f"entry {draw.position}: of {revealed['count']} candidates {len(found)} are in the log"
        )
    if revealed["rules"] != rules.hash:
        report.find("other-rules", f"it was drawn by the rules with hash {revealed['rules']}, and not by these")
    elif revealed["purposes"] != _written(numbers(rules)):
        report.find("other-numbers", f"entry {draw.position}: the rules say {', '.join(_written(numbers(rules)))}")
    _compare(report, found, {one.recording: hide(one.agent) for one in _expected(report, month, shown, since)})
    agents = defaultdict[str, list[str]](list)
    for recording, agent in found.items():
        agents[agent].append(recording)
    return _in_order(
        revealed["seed"], agents, {one: int(n) for one, _, n in (two.rpartition(":") for two in revealed["purposes"])}
    )


def _check_commitment(report: Report, committed: list[Body], month: Month, draw: Body) -> int:
    """From when on recordings count."""
    revealed = _facts(draw)
    before = [one for one in committed if one.position < revealed["first"]]
    wanted = _commitment(month, revealed["seed"])
    if {_facts(one)["commitment"] for one in before} != {wanted}:
        found = "another" if before else "none"
        report.find(
            "other-seed", f"entry {draw.position}: to this seed it should have committed, and it did to {found}"
        )
    since = max((_facts(one)["since"] for one in before), default=0)
    for one in before:
        if one.time * _MS > _facts(one)["since"]:
            report.find("committed-late", f"entry {one.position}: recordings count from before it was written")
    return since


def _candidates_of(noted: list[Body], draw: Body) -> dict[str, str]:
    """Recording -> agent."""
    return {
        recording: _facts(one)["person"]
        for one in noted if _facts(draw)["first"] <= one.position < draw.position
        for recording in one.said["resource"]
    }  # fmt: skip


def _expected(report: Report, month: Month, shown: Iterable[Candidate | str], since: int) -> Iterator[Candidate]:
    for one in shown:
        if isinstance(one, str):
            report.remark("unread", one)
        elif _counts(one, month, since):
            yield one
        elif _counts(one, month, since, late=True):
            report.remark("came-late", f"recording {one.recording} came on {day_of(one.came)}: it was no candidate")


def _compare(report: Report, found: Mapping[str, str], expected: Mapping[str, str]) -> None:
    for recording in sorted(expected.keys() | found.keys()):
        here, there = found.get(recording), expected.get(recording)
        if here is None:
            report.find("left-out", f"recording {recording}, of {there}, was no candidate and should have been one")
        elif there is None:
            report.find("added", f"recording {recording} was a candidate, and its papers are not here or say otherwise")
        elif here != there:
            report.find("other-agent", f"recording {recording} is of {there}, and was a candidate of {here}")


def _facts(one: Body) -> dict[str, Any]:
    return dict(one.said["facts"])
