"""Which rule a number in a ledger means: the kept text of the policy says it, years later as on the day."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import yaml

from protocol.claims import MAX_INTEGER
from protocol.language.folder import LARGEST_FOLDER, MOST_FILES, MOST_NODES
from protocol.numbers import read_number
from store.evidence.account import PERSON, BlindCause, Cause, Closed, Held, Missing, Rule

# Eyelid's own rules are named in the ledger by their name (design: the window witness).
OWN: Final[Mapping[str, str]] = {
    "unreadable": "a window's program or title could not be read",
    "web-engine": "a window renders web pages and no browser witness accounts for it",
    "unseen-page": "a page, or a part of it, gave no answer, so it could not be looked into",
    "remote-display": "a window shows another machine",
    "overview": "a switcher or overview shows other windows",
    "unlisted": "no rule names what was shown, and the policy closes for that",
    "not-allowed": "something was shown that is none of the applications that allow names",
    "not-recorded": "nothing that the policy records was open",
    "blind": "nothing could be seen",
}
# Of time that no rule closed, for people; whatever else a ledger gives as a reason is shown as it is.
REASONS: Final[Mapping[str, str]] = {
    "blind": "nothing could be seen",
    "unproven": "not proven in time",
    "died": "the recorder was not running",
    "lost": "chunks were not received",
    "not-here-yet": "it is on its way",
    "erased": "it was erased",
    "no-ledger": "the ledger has not reported it",
    "silent": "nothing was heard",
    "no-end": "the recorder ended and did not say how",
    "clock-went-back": "the device's own clock went back",
}
# The agent's own words, where the policy names no reasons.
OWN_REASONS: Final = frozenset({"break", "private", "other"})
_LOADER: Final = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader


@dataclass(frozen=True, slots=True)
class RuleName:
    """`why` is empty where the policy's text is not here or says nothing."""

    id: str
    why: str


@dataclass(frozen=True, slots=True)
class PolicyNames:
    """By their number in the policy: its rules, and what it lets the person in front choose from. `revision`: the
    highest that its files say; None where none says one."""

    rules: tuple[RuleName, ...] = ()
    reasons: tuple[str, ...] = ()
    revision: int | None = None


UNREAD: Final = PolicyNames()
"""Of a policy whose text is not here, or is none that can be read."""

NamesOf = Callable[[str], PolicyNames]
"""From a policy's hash."""


@dataclass(frozen=True, slots=True)
class Bound:
    """What is read of a policy's text, which is whatever a PC sent: `size` in bytes; `nodes` as MOST_NODES has them."""

    size: int
    nodes: int


WHOLE: Final = Bound(LARGEST_FOLDER, MOST_NODES)
"""No policy that an agent puts in force is beyond this."""
LEAST_NODES: Final = 8  # of a rule that closes for anything: itself, its `id`, and what it looks for


def read_names(files: Mapping[str, str], bound: Bound = WHOLE) -> PolicyNames:
    """The rules in the order of the files' names, then of the file. UNREAD for a text that cannot be read as a policy,
    which is kept as it came, and for what is beyond the bound.
    """
    if len(files) > MOST_FILES or sum(len(text.encode("utf-8")) for text in files.values()) > bound.size:
        return UNREAD
    rules: list[RuleName] = []
    terms: _Node = None
    revisions = list[int]()
    left = bound.nodes
    try:
        for _, text in sorted(files.items(), key=lambda file: file[0].encode("utf-8")):
            tree, read = _tree(text, left)
            left -= read
            rules += [
                RuleName(_scalar(_member(rule, "id")), _scalar(_member(rule, "why")))
                for rule in _children(_member(tree, "rules"))
            ]
            terms = _member(tree, "user_hold") if terms is None else terms  # in one file of a policy at most
            if (revision := _revision(tree)) is not None:
                revisions.append(revision)
    except (yaml.YAMLError, _BeyondError):
        return UNREAD
    if len(rules) > bound.nodes // LEAST_NODES:
        return UNREAD
    reasons = tuple(_scalar(reason) for reason in _children(_member(terms, "reasons")))
    return PolicyNames(tuple(rules), reasons, max(revisions, default=None))


def at_most(most: int, names_of: NamesOf) -> NamesOf:
    """For one PC, or what else can name policies without end: those beyond the first `most` are UNREAD, and each of
    the others is asked for once.
    """
    known: dict[str, PolicyNames] = {}

    def of(policy: str) -> PolicyNames:
        if policy not in known:
            if len(known) >= most:
                return UNREAD
            known[policy] = names_of(policy)
        return known[policy]

    return of


def revision_in(files: Mapping[str, str]) -> int | None:
    """The policy's own revision, the highest that its files say; None where none says one that can be read."""
    found = []
    for text in files.values():
        try:
            revision = _revision(_tree(text, MOST_NODES)[0])
        except (yaml.YAMLError, _BeyondError):
            continue
        if revision is not None:
            found.append(revision)
    return max(found, default=None)


def _revision(tree: _Node) -> int | None:
    return read_number(_scalar(_member(tree, "revision")), MAX_INTEGER)


def name_of(rule: Rule, policy: tuple[RuleName, ...]) -> RuleName:
    """The rule's id and reason; a number that the policy's text does not explain says so."""
    if isinstance(rule, str):
        return RuleName(rule, OWN.get(rule, ""))
    if 0 <= rule < len(policy) and policy[rule].id:
        return policy[rule]
    return RuleName(f"rule {rule}", "no text of this policy is here that can be read")


def reason_of(held: Held, names_of: NamesOf) -> str:
    """The words that the person in front chose; "" for none, and for a number that no policy's text here explains."""
    if isinstance(held.reason, int):
        named = names_of(held.policy).reasons
        return named[held.reason] if 0 <= held.reason < len(named) else ""
    return held.reason or ""


def hold_words(hold: str, held: Held, names_of: NamesOf) -> str:
    """One hold of `held` for people: "by the person (Break)", "locked"."""
    if hold != PERSON:
        return REASONS.get(hold, hold)
    reason = reason_of(held, names_of)
    return f"by the person ({reason})" if reason else "by the person"


def words_of(cause: Cause, names_of: NamesOf) -> str:
    """Why nothing was kept, in a line: "closed: card-forms", "held: by the person (Break)"."""
    match cause:
        case Closed(policy, rules):
            names = ", ".join(name_of(rule, names_of(policy).rules).id for rule in rules)
            return f"closed: {names}" if names else "closed"
        case Held(holds):
            return f"held: {', '.join(hold_words(hold, cause, names_of) for hold in holds)}"
        case BlindCause(why) | Missing(why):
            return REASONS.get(why, why)
        case _:
            return "kept"


# -- YAML, bare ---------------------------------------------------------------------------------------------------


class _Table(list["_Node"]):
    """Keys and values in turn."""


_Node = str | list["_Node"] | None
"""A scalar's text, so that YAML's `off` stays a word; None for an alias, which is not followed: no policy has one."""


class _BeyondError(Exception):
    pass


def _tree(text: str, most: int) -> tuple[_Node, int]:
    """The root, and how many nodes there are.

    Built from the parser's events: composing takes 650 bytes for each node, of which one letter makes one.
    Raises yaml.YAMLError, _BeyondError for more nodes than `most`.
    """
    documents: list[_Node] = []
    open_: list[list[_Node]] = [documents]
    nodes = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.NodeEvent):
            nodes += 1
            if nodes > most:
                raise _BeyondError
            if isinstance(event, yaml.CollectionStartEvent):
                made: list[_Node] = _Table() if isinstance(event, yaml.MappingStartEvent) else []
                open_[-1].append(made)
                open_.append(made)
            else:
                open_[-1].append(event.value if isinstance(event, yaml.ScalarEvent) else None)
        elif isinstance(event, yaml.CollectionEndEvent):
            open_.pop()
    if len(documents) > 1:
        raise yaml.YAMLError("one file holds one document")
    return documents[0] if documents else None, nodes


def _member(node: _Node, name: str) -> _Node:
    if not isinstance(node, _Table):
        return None
    return next((value for key, value in zip(node[::2], node[1::2], strict=True) if key == name), None)


def _children(node: _Node) -> list[_Node]:
    return node if isinstance(node, list) and not isinstance(node, _Table) else []


def _scalar(node: _Node) -> str:
    return node if isinstance(node, str) else ""
