"""Samples: which recordings of an agent and a month are drawn, so that no person chooses whom to listen to.

The custodian commits to a seed in the log before the month begins. When it is over, the candidates are noted first and
the seed after them: it orders them, and the first ones are drawn. Who has log and papers draws again (`check`).

Of a month such as 2026-11, in the custodian's folder samples/:
2026-11        from when on recordings count; then what the draw is of, before any of it is noted
2026-11.drawn  purpose -> agent -> recordings, once the log has the draw
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import UUID

from protocol.claims import parse_object
from protocol.errors import ProtocolError
from protocol.folder import write_over
from protocol.terminal import printable
from review.audit.bodies import Body
from review.audit.kinds import MOST, Act, compared
from review.audit.log import AuditLog
from review.audit.verify import Report
from review.governance.model import Governance
from review.governance.times import DAY, SECOND, day_of, start_of
from review.refusal import Refusal
from store.files import lock

GRACE: Final = 3 * DAY  # so long a month's packets may come after its end, as of PCs that were not connected
_AHEAD: Final = 60 * SECOND  # a commitment in the midst of a month counts from so much later on
_SHORT: Final = 300 * SECOND  # a recording was short where the same PC began the agent's next one within this
_FEW: Final = 10  # one in so many that were short is usual
_MANY: Final = 3  # so many times the candidates of most agents are remarkable
_TOLD: Final = 10  # agents, or papers, that one remark names
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
    """`start`, `came` (its key packet, to the store): wall clock, ns. `agent`: by the rules; "" for none. `device`: its
    PC, by the store."""

    recording: str
    agent: str
    start: int
    came: int
    device: str = ""


@dataclass
class Share:
    """What began or came in a month, of an agent. `pcs`: candidates of each PC. `short`: candidates. All others lists:
    recordings that were no candidates, as they came too late, began in an earlier month, or before the commitment.
    """

    pcs: dict[str, int] = field(default_factory=dict)
    short: int = 0
    late: list[str] = field(default_factory=list)
    other_month: list[str] = field(default_factory=list)
    before_seed: list[str] = field(default_factory=list)

    @property
    def candidates(self) -> int:
        return sum(self.pcs.values())


class Result(NamedTuple):
    """`unread`: why papers made no candidate, as texts. `shares`: agent -> theirs; of "", what no rule names."""

    drawn: Drawn
    shares: Mapping[str, Share]
    unread: Sequence[str]


# -- the custodian's part -------------------------------------------------------------------------------------------


def commit(folder: Path, log: AuditLog, now: int) -> None:
    """To a seed for this month and for the next, where there is none yet. Raises ProtocolError, OSError."""
    folder.mkdir(mode=0o700, exist_ok=True)
    month = Month.of(now)
    with _alone(folder):
        for one in (month, Month.of(month.end)):
            path = folder / one.name
            kept: dict[str, Any] = _read(path) if path.exists() else {}
            if "since" not in kept:
                kept["since"] = max(one.start, now + _AHEAD)
                made = _commitment(one, _seed(log, one, kept))
                _note(log, _CUSTODIAN, one, "committed", commitment=made, since=kept["since"])
                write_over(path, json.dumps(kept).encode())


def drawn(folder: Path, rules: Governance, purpose: str, recording: UUID, start: int) -> frozenset[str]:
    """This purpose, if it was drawn for it; no other is looked for. Raises ProtocolError, OSError."""
    path = folder / f"{Month.of(start).name}.drawn"
    if purpose not in numbers(rules) or not path.exists():
        return frozenset()
    agents: Mapping[str, list[str]] = _read(path).get(purpose, {})
    return frozenset({purpose} if any(str(recording) in there for there in agents.values()) else ())


def sample(folder: Path, purpose: str, month: str) -> list[str] | None:
    """Every agent's; None while the month is not drawn, or where it was drawn without this purpose.

    Raises ProtocolError ("bad-field"), OSError.
    """
    try:
        path = folder / f"{Month.named(month).name}.drawn"
    except ValueError as error:
        raise ProtocolError("bad-field", f"`month` must be {error}") from None
    if not path.exists():
        return None
    agents: Mapping[str, list[str]] | None = _read(path).get(purpose)
    return None if agents is None else sorted({one for there in agents.values() for one in there})


def drawn_of(folder: Path, purpose: str, agent: str, month: Month) -> list[str] | None:
    """One agent's; None while the month is not drawn. Raises ProtocolError, OSError."""
    path = folder / f"{month.name}.drawn"
    if not path.exists():
        return None
    agents: Mapping[str, list[str]] = _read(path).get(purpose, {})
    try:
        return agents.get(_name(agent), [])
    except ValueError:  # none that the log can have: it has no samples
        return []


def drawn_months(folder: Path) -> list[Month]:
    return [Month.named(path.stem) for path in folder.glob("*.drawn")]


def draw(
    folder: Path, log: AuditLog, month: Month, shown: Iterable[Candidate | str], *, rules: Governance, now: int,
    who: str, empty: bool = False,
) -> Result:  # fmt: skip
    """Once a month. Texts of `shown` say why papers could not be read. `who`: asks for it. `empty`: also of nothing.

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
        found, shares, unread = _sorted(every, month, kept["since"])
        if "agents" not in kept:
            agents = _by_agent({one.recording: one.agent for one in found})
            kept |= {"agents": agents, "purposes": numbers(rules), "rules": rules.hash, "refused": len(unread)}
            if not kept["purposes"]:
                raise Refusal("no-samples", "no role of the rules in force has samples: nothing is to be drawn")
            if not agents and not empty:
                why = f"of {len(every)} papers {len(unread)} could not be read, and none is of a candidate"
                raise Refusal("no-candidates", f"{why}: nothing was drawn. --empty draws {month.name} all the same")
            write_over(path, json.dumps(kept).encode())
        agents, purposes = kept["agents"], kept["purposes"]
        first = log.size
        log.append_all([
            _act(who, month, "candidates", there[at : at + MOST], person=agent)
            for agent, there in sorted(agents.items()) for at in range(0, len(there), MOST)
        ])  # fmt: skip
        seed = _seed(log, month, kept)
        _note(log, who, month, "drawn", seed=seed, first=first, count=sum(map(len, agents.values())),
              refused=kept["refused"], rules=kept["rules"], purposes=_written(purposes))  # fmt: skip
        made = _in_order(seed, agents, purposes)
        write_over(done, json.dumps(made).encode())
        path.unlink()
    return Result(made, shares, unread)


def _seed(log: AuditLog, month: Month, kept: Mapping[str, Any]) -> str:
    """Never on disk, as who reads a backup could choose ids of recordings by it."""
    return str(kept.get("seed") or log.derived(f"sample {month.name}").hex())  # earlier versions wrote it


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


# -- what the draw is of: the same for who draws and for who draws again --------------------------------------------


def _sorted(
    shown: Iterable[Candidate | str], month: Month, since: int
) -> tuple[list[Candidate], dict[str, Share], list[str]]:
    """Candidates, each once and by its agent's name as names are compared; what there is of each agent; unread ones."""
    found, shares, unread = dict[str, Candidate](), defaultdict[str, Share](Share), list[str]()
    for one in shown:
        if isinstance(one, str):
            unread.append(one)
            continue
        began, came = (month.start <= at < month.end for at in (one.start, one.came))
        if not began and not came:
            continue
        try:
            agent = _name(one.agent)
        except ValueError as error:  # a PC chooses its OS user's name: that costs no other PC's recordings
            which = f"recording {one.recording} of PC {printable(one.device)}"
            unread.append(f"{which} is no candidate: its agent's name must be {error}")
            continue
        if not began:
            shares[agent].other_month.append(one.recording)
        elif one.came >= month.end + GRACE:
            shares[agent].late.append(one.recording)
        elif one.start < since:
            shares[agent].before_seed.append(one.recording)
        else:
            named = one._replace(agent=agent)
            found[one.recording] = min(named, found.get(one.recording, named))
    before: dict[tuple[str, str], int] = {}
    for one in sorted(found.values(), key=lambda one: one.start):
        share, place = shares[one.agent], (one.agent, one.device)
        share.pcs[one.device] = share.pcs.get(one.device, 0) + 1
        share.short += one.start - before.get(place, -_SHORT) < _SHORT
        before[place] = one.start
    return [one for one in found.values() if one.agent], dict(sorted(shares.items())), unread


def _name(agent: str) -> str:
    """As the log compares names, so that two names of one pseudonym are one agent. Raises ValueError."""
    if agent and compared(name := compared(agent)) != name:
        raise ValueError("one that the log can compare")
    return name if agent else ""


def _by_agent(found: Mapping[str, str]) -> dict[str, list[str]]:
    """Agent -> recordings, of recording -> agent."""
    agents = defaultdict[str, list[str]](list)
    for recording, agent in sorted(found.items()):
        agents[agent].append(recording)
    return dict(agents)


def remarks(result: Result) -> Iterator[tuple[str, str]]:
    """(code, message): what people should look at, one of a code, so that no flood of one hides another."""
    shares = {agent: one for agent, one in result.shares.items() if agent}
    counts = sorted(one.candidates for one in shares.values() if one.candidates)
    usual = counts[(len(counts) - 1) // 2] if counts else 0
    for code, says, of in (
        ("many", f"more than {_MANY} times the candidates of most agents ({usual})",
         {agent: one.candidates for agent, one in shares.items() if one.candidates > _MANY * usual}),
        ("short", "on the same PC the agent's next recording began within five minutes",
         {agent: one.short for agent, one in shares.items() if one.short * _FEW > one.candidates}),
        ("came-late", "came too late to be candidates", {agent: len(one.late) for agent, one in shares.items()}),
        ("other-month", "came in this month and say that they began in an earlier one: no candidates of this one",
         {agent: len(one.other_month) for agent, one in shares.items()}),
        ("before-seed", "began before the custodian had committed to a seed: no candidates",
         {agent: len(one.before_seed) for agent, one in shares.items()}),
        ("no-agent", "are of an OS user whom no rule names",
         {"nobody": result.shares[""].candidates} if "" in result.shares else {}),
    ):  # fmt: skip
        several = sorted(((number, agent) for agent, number in of.items() if number), reverse=True)
        if several:
            yield code, f"{says}: {_some([f'{agent} ({number})' for number, agent in several])}"
    for text in result.unread[:_TOLD]:
        yield "unread", text
    if len(result.unread) > _TOLD:
        yield "unread", f"and {len(result.unread) - _TOLD} more"


def _some(texts: Sequence[str]) -> str:
    more = f", and {len(texts) - _TOLD} more agents" if len(texts) > _TOLD else ""
    return ", ".join(texts[:_TOLD]) + more


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
) -> Result:  # fmt: skip
    """Draws again, from a log and from papers. `hide`: an agent's pseudonym, by which `drawn` names them.

    `report` is told what is not as it must be.
    """
    try:
        return _check(report, month, [one for one in said if one.said.get("kind") == _KIND], shown, rules, hide)
    except (LookupError, TypeError, ValueError):
        report.find("bad-entry", f"an entry about {month.name} is none that a custodian writes")
        return Result({}, {}, [])


def _check(  # noqa: PLR0917 - as `check`
    report: Report, month: Month, said: list[Body], shown: Iterable[Candidate | str], rules: Governance,
    hide: Callable[[str], str],
) -> Result:  # fmt: skip
    steps = defaultdict[str, list[Body]](list)
    for one in said:
        if one.said["facts"]["month"] == month.name:
            steps[one.said["facts"]["step"]].append(one)
    if not steps["drawn"]:
        report.find("not-drawn", f"the log has no draw of {month.name}, or its body was shredded")
        return Result({}, {}, [])
    draw, *later = steps["drawn"]
    revealed = _facts(draw)
    since = _check_commitment(report, steps["committed"], month, draw)
    found = _candidates_of(steps["candidates"], draw)
    if draw.time * _MS < month.end + GRACE:
        report.find("drawn-early", f"entry {draw.position}: {month.name} was drawn before all of it could be here")
    for one in later:  # one that was killed notes the same again, at another place
        if (_facts(one) | {"first": 0}, _candidates_of(steps["candidates"], one)) != (revealed | {"first": 0}, found):
            differs = "from other candidates, or by another seed, other rules or numbers"
            report.find("drawn-twice", f"entry {one.position}: {month.name} was drawn before, {differs}")
    if revealed["count"] != len(found):
        report.find(
            "other-count", f"entry {draw.position}: of {revealed['count']} candidates {len(found)} are in the log"
        )
    if revealed["rules"] != rules.hash:
        report.find("other-rules", f"it was drawn by the rules with hash {revealed['rules']}, and not by these")
    elif revealed["purposes"] != _written(numbers(rules)):
        report.find("other-numbers", f"entry {draw.position}: the rules say {', '.join(_written(numbers(rules)))}")
    expected, shares, unread = _sorted(shown, month, since)
    _compare(report, found, {one.recording: hide(one.agent) for one in expected})
    purposes = {one: int(n) for one, _, n in (two.rpartition(":") for two in revealed["purposes"])}
    result = Result(_in_order(revealed["seed"], _by_agent(found), purposes), shares, unread)
    for code, message in remarks(result):
        report.remark(code, message)
    return result


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
