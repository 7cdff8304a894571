"""What pause policies do, for the people's side: what changes from one to the next, and what trying one says.

The one place that knows the agent (docs/decisions/0074, 0083): it has the functions of `eyelid policy diff`, `eyelid
policy check` and `eyelid replay`, since a second wording would soon say something else. No I/O.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from agent.core.account.scenes import ScenesError
from agent.core.language.tests import run_tests
from agent.core.linting.cautions import Caution, cautions
from agent.core.linting.diff import Change, changes
from agent.core.linting.replayed import Scenes, as_json, by_lane, read_scenes
from agent.core.model.rules import Policy, Rule
from agent.errors import PolicyError
from agent.witness.policies import parse_files
from protocol.language.errors import MistakesError
from protocol.language.findings import finding_as_json
from protocol.language.folder import Files, only_read

MOST: Final = 200  # of each list that a page shows
MOST_SPANS: Final = 400  # of a lane, as of a recording's account
LONGEST: Final = 400 * 24 * 3600 * 10**9  # ns; more than a recording can last, and a number that each reader has
_NO_SCENES: Final = "it holds no scenes: `eyelid-store export` writes scenes.jsonl"


def read(files: Mapping[str, bytes], shown_in: str) -> Policy:
    """Its own tests are not run. Raises MistakesError."""
    try:
        return parse_files(files, tested=False, shown_in=shown_in)
    except PolicyError as error:
        raise MistakesError(error.mistakes) from None


@dataclass(frozen=True, slots=True)
class TrialInput:
    """`in_force`: the files that count, which places show in `shown_in`; none where each PC's own folder rules. `sent`:
    the files to try. `rest`: the other files of the policy in force belong to it. `scenes`: (name, content). `own`:
    compare with the policy that each recording had, and not with the one in force.
    """

    in_force: Files
    shown_in: str
    sent: Files
    scenes: Sequence[tuple[str, bytes]] = ()
    rest: bool = False
    own: bool = False


def tried(asked: TrialInput) -> dict[str, Any]:
    """As JSON has it: `mistakes` and `warnings` as `eyelid policy check` says them, and, where the policy can be read,
    `name`, `revision`, `rules`, `tests`, `changes`, `becomes` (what becomes of each rule in force) and `recordings`.
    """
    mistakes, new = _checked(asked)
    facts: dict[str, Any] = {"mistakes": _few([finding_as_json(one) for one in mistakes]), "mistaken": len(mistakes)}
    if new is None:
        return facts
    old = _in_force(asked)
    warned = [_warning(one) for one in cautions(new)]
    facts |= {"name": new.name, "revision": new.revision, "rules": len(new.rules), "warnings": _few(warned)}
    facts |= {"warned": len(warned), "tests": _tests(new), "ids": [rule.id for rule in new.closing]}
    facts |= {"in_force": None if old is None else {"name": old.name, "revision": old.revision}}
    found = () if old is None else changes(old, new)
    facts["changes"] = _few([{"weight": one.weight.value, "says": one.says, "where": one.where} for one in found])
    facts["becomes"] = {} if old is None else _becomes(old, new)
    facts["recordings"] = [_recording(name, text, old, new, own=asked.own) for name, text in asked.scenes]
    return facts


def _few(found: Sequence[Any]) -> list[Any]:
    return list(found[:MOST])


def _checked(asked: TrialInput) -> tuple[tuple[str, ...], Policy | None]:
    """(mistakes, what can be read of the policy), as `eyelid policy check` has them."""
    try:
        files = only_read(asked.sent, "policy")
    except MistakesError as error:
        return error.mistakes, None
    files = {**asked.in_force, **files} if asked.rest else files
    try:
        return (), parse_files(files)
    except PolicyError as error:
        mistakes = error.mistakes
    try:
        return mistakes, parse_files(files, tested=False)
    except PolicyError:
        return mistakes, None


def _in_force(asked: TrialInput) -> Policy | None:
    """None where there is none, or none that can still be read."""
    try:
        return read(asked.in_force, asked.shown_in) if asked.in_force else None
    except MistakesError:
        return None


def _warning(one: Caution) -> dict[str, Any]:
    return {"kind": one.kind.value, **finding_as_json(str(one), "warning")}


def _tests(policy: Policy) -> dict[str, Any]:
    """Those that do not hold are mistakes as well; here is which example each is."""
    ran = run_tests(policy)
    failed = [
        {"name": one.name, "where": one.where, "lane": one.lane.value, "expected": one.expected.value,
         "got": one.got.value}
        for one in ran if not one.passed
    ]  # fmt: skip
    return {"ran": len(ran), "failed": _few(failed), "failures": len(failed)}


def _becomes(old: Policy, new: Policy) -> dict[str, list[str]]:
    """Of each rule in force: kept, tried (it closes no more), renamed and how, or gone."""
    there = {rule.id: rule for rule in new.rules}
    come = {_same(rule): rule.id for rule in new.closing if rule.id not in {one.id for one in old.rules}}
    found: dict[str, list[str]] = {}
    for rule in old.closing:
        if (kept := there.get(rule.id)) is not None:
            found[rule.id] = ["tried" if kept.dry_run else "kept"]
        else:
            renamed = come.get(_same(rule))
            found[rule.id] = ["gone"] if renamed is None else ["renamed", renamed]
    return found


def _same(rule: Rule) -> str:
    """Equal for rules that close for the same; a place or a name counts nothing."""
    lanes = {lane: rule.on(lane) for lane in sorted(rule.lanes)}
    return repr(replace(rule, number=0, id="", why="", where="", lanes=lanes, any=_bare(rule.any),
                        unless=_bare(rule.unless)))  # fmt: skip


def _bare(conditions: Any) -> Any:
    """Without places."""
    return tuple(
        replace(one, matchers=_bare(one.matchers)) if hasattr(one, "matchers") else replace(one, where="", places=())
        for one in conditions
    )


# -- one recording ----------------------------------------------------------------------------------------------------


def _recording(name: str, text: bytes, old: Policy | None, new: Policy, *, own: bool) -> dict[str, Any]:
    """What `eyelid replay --json` says of it, with its file; `wrong`: why it cannot be tried."""
    try:
        scenes = _scenes(text)
        then = _own(scenes) if own else old
    except ScenesError as error:
        return {"file": name, "wrong": str(error) or _NO_SCENES}
    except (PolicyError, UnicodeEncodeError):
        return {"file": name, "wrong": "the text of the policy that it had is not in it, or cannot be read any more"}
    if then is None:
        return {"file": name, "wrong": "no policy in force is known here: compare with the one that the recording had"}
    facts = as_json(scenes, then, new, by_lane(scenes, then, new))
    for lane in facts["lanes"].values():
        lane["left_out"] = max(0, len(lane["spans"]) - MOST_SPANS)
        lane["spans"] = lane["spans"][:MOST_SPANS]
    facts["not_looked_for"] = _few(facts["not_looked_for"])
    return {"file": name, "start": scenes.start, "host": scenes.host, "length": scenes.length, **facts}


def _scenes(text: bytes) -> Scenes:
    """Raises ScenesError."""
    scenes = read_scenes(text)
    if not 0 <= scenes.length <= LONGEST:
        raise ScenesError
    return scenes


def _own(scenes: Scenes) -> Policy:
    """Raises PolicyError."""
    policy = parse_files({name: text.encode() for name, text in scenes.files.items()}, tested=False)
    if policy.hash != scenes.policy:
        raise PolicyError(("the text is another's",))
    return policy


__all__ = ["Change", "TrialInput", "changes", "read", "tried"]
