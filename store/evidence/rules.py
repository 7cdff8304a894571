"""Which rule a number in a ledger means: the kept text of the policy says it, years later as on the day."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import yaml

from protocol.claims import MAX_INTEGER
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
    "no-ledger": "the ledger has not told of it",
    "silent": "nothing was heard",
    "no-end": "the recorder ended and did not say how",
    "clock-went-back": "the device's own clock went back",
}
_LOADER: Final = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader


@dataclass(frozen=True, slots=True)
class RuleName:
    """`why` is empty where the policy's text is not here or says nothing."""

    id: str
    why: str


def names_in(files: Mapping[str, str]) -> tuple[RuleName, ...]:
    """The policy's rules by their number: in the order of the files' names, then of the file.

    A text that cannot be read as a policy has no names: it is kept as it came.
    """
    found: list[RuleName] = []
    for _, text in sorted(files.items(), key=lambda file: file[0].encode("utf-8")):
        try:
            tree = yaml.compose(text, Loader=_LOADER)
        except (yaml.YAMLError, RecursionError):
            return ()
        # Nodes and not values: aliases cannot explode that way, and YAML's `off` stays a word.
        found += [
            RuleName(_scalar(_member(rule, "id")), _scalar(_member(rule, "why")))
            for rule in _children(_member(tree, "rules"))
        ]
    return tuple(found)


# The agent's own words, where the policy names no reasons.
OWN_REASONS: Final = frozenset({"break", "private", "other"})


def hold_reasons_in(files: Mapping[str, str]) -> tuple[str, ...]:
    """What the policy lets the person in front choose from, by number; () where it names none or cannot be read."""
    for text in files.values():
        try:
            tree = yaml.compose(text, Loader=_LOADER)
        except (yaml.YAMLError, RecursionError):
            return ()
        if (terms := _member(tree, "user_hold")) is not None:  # in one file of a policy at most
            return tuple(_scalar(reason) for reason in _children(_member(terms, "reasons")))
    return ()


def revision_in(files: Mapping[str, str]) -> int | None:
    """The policy's own revision, the highest that its files say; None where none says one that can be read."""
    found = []
    for text in files.values():
        try:
            said = _scalar(_member(yaml.compose(text, Loader=_LOADER), "revision"))
        except (yaml.YAMLError, RecursionError):
            continue
        if (revision := read_number(said, MAX_INTEGER)) is not None:
            found.append(revision)
    return max(found, default=None)


def name_of(rule: Rule, policy: tuple[RuleName, ...]) -> RuleName:
    """The rule's id and reason; a number that the policy's text does not explain says so."""
    if isinstance(rule, str):
        return RuleName(rule, OWN.get(rule, ""))
    if 0 <= rule < len(policy) and policy[rule].id:
        return policy[rule]
    return RuleName(f"rule {rule}", "the text of this policy is not here")


def reason_of(held: Held, reasons: Mapping[str, tuple[str, ...]]) -> str:
    """The words that the person in front chose; "" for none, and for a number that no policy's text here explains.

    `reasons`: of `hold_reasons_in`, by the policy's hash.
    """
    if isinstance(held.reason, int):
        named = reasons.get(held.policy, ())
        return named[held.reason] if 0 <= held.reason < len(named) else ""
    return held.reason or ""


class HoldReasons:
    """As `reason_of`, with each policy's text asked for once: `texts`, from its hash.

    `most`: policies that are asked for, where a PC that lies could name any number of them.
    """

    def __init__(self, texts: Callable[[str], Mapping[str, str]], most: int | None = None) -> None:
        self._texts = texts
        self._most = most
        self._known: dict[str, tuple[str, ...]] = {}

    def __call__(self, held: Held) -> str:
        room = self._most is None or len(self._known) < self._most
        if isinstance(held.reason, int) and held.policy not in self._known and room:
            self._known[held.policy] = hold_reasons_in(self._texts(held.policy))
        return reason_of(held, self._known)


def hold_words(hold: str, held: Held, reasons: Mapping[str, tuple[str, ...]]) -> str:
    """One hold of `held` for people: "by the person (Break)", "locked"."""
    if hold != PERSON:
        return REASONS.get(hold, hold)
    reason = reason_of(held, reasons)
    return f"by the person ({reason})" if reason else "by the person"


def words_of(
    cause: Cause,
    policies: Mapping[str, tuple[RuleName, ...]],
    reasons: Mapping[str, tuple[str, ...]] | None = None,
) -> str:
    """Why nothing was kept, in a line: "closed: card-forms", "held: by the person (Break)". `policies`: by hash;
    `reasons`: of their holds."""
    match cause:
        case Closed(policy, rules):
            names = ", ".join(name_of(rule, policies.get(policy, ())).id for rule in rules)
            return f"closed: {names}" if names else "closed"
        case Held(holds):
            return f"held: {', '.join(hold_words(hold, cause, reasons or {}) for hold in holds)}"
        case BlindCause(why) | Missing(why):
            return REASONS.get(why, why)
        case _:
            return "kept"


def _member(node: yaml.Node | None, name: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for key, value in node.value if isinstance(key, yaml.ScalarNode) and key.value == name), None)


def _children(node: yaml.Node | None) -> list[yaml.Node]:
    return node.value if isinstance(node, yaml.SequenceNode) else []


def _scalar(node: yaml.Node | None) -> str:
    return str(node.value) if isinstance(node, yaml.ScalarNode) else ""
