"""Marked files -> Policy, or PolicyError with every mistake at once.

A mistake that passed here would open the eye silently, so nothing is guessed: an unknown key, an empty list, a word
that YAML takes for a number are all refused, each at its place and with what was probably meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from agent.core.language.conditions import read_allowed, read_conditions, read_extension, read_matcher
from agent.core.language.examples import read_test
from agent.core.language.hold import read_user_hold
from agent.core.language.keys import ID, LANE, OWN_RULES, POLICY, RECORD_WHEN, RULE, UNSEEN
from agent.core.matching.match import PAGE_ATTRIBUTES, attributes
from agent.core.model.media import Lane
from agent.core.model.rules import Condition, Effect, Extent, HoldTerms, LaneEffect, Policy, Rule
from agent.core.model.times import SECOND
from agent.errors import PolicyError
from protocol.language.joined import JoinedFiles, Read
from protocol.language.marks import Mark, MarkedDocument, Node, Scalar
from protocol.language.reading import HOUR, Entries, Reading, quoted

LONGEST_ID: Final = 64
# Dropped before a rule's first sign unless it says otherwise: numbers are spoken before the form opens.
DEFAULT_LEAD: Final = {Lane.SCREEN: 0, Lane.AUDIO: 3 * SECOND}
# A lead makes everything wait at the gate, which drops what has waited 2 s (screen) or 10 s (audio).
LONGEST_LEAD: Final = {Lane.SCREEN: 1 * SECOND, Lane.AUDIO: 8 * SECOND}

LONGEST_PAUSE: Final = 24 * HOUR
# Two to four weeks of holidays, and then a while to speak: six weeks of working days (docs/decisions/0029).
DEFAULT_NEVER_MATCHED: Final = 30  # days

_NONE: Final[tuple[Condition, ...]] = ()


def parse(documents: Sequence[MarkedDocument], policy_hash: str, *, whole: bool = True) -> Policy:
    """One policy of all files. Rules are numbered from 0 through the files in the order given, which must be that of
    their names' bytes: the ledger names rules by these numbers.

    `whole`: False where further files of it cannot be read as YAML. What these files lack may stand there, and is no
    mistake then; what comes out is no policy to judge by.

    Raises PolicyError with every mistake, each as `file:line:column what is wrong, what was meant`.
    """
    if not documents:
        raise PolicyError(("there is no policy file, a policy is one or more files whose names end in .yaml",))
    reading = Reading((POLICY, RULE, "a rule, indent it as far as that rule's id"))
    files = _Files(reading, documents, POLICY, "a policy file", _ENTRIES, whole=whole)
    policy = Policy(
        hash=policy_hash,
        revision=files.one("revision", Reading.whole_number, 1, required=True),
        name=files.one("name", Reading.text, "", required=True),
        rules=_read_rules(files),
        record_when=files.one("record_when", _read_record_when, None),
        keep_recording=files.one("keep_recording", Reading.duration, 0),
        unlisted=files.one("unlisted", _read_unlisted, Effect.RECORD),
        allow=tuple(
            tuple(condition for entry in entries for condition in read_allowed(files.reading, entry))
            for entries in files.each("allow")
        ),
        allow_unseen=tuple(
            matcher
            for entry in files.all("allow_unseen")
            for matcher in read_matcher(files.reading, entry, UNSEEN, "an entry of allow_unseen")
        ),
        allow_extensions=tuple(
            matcher for entry in files.all("allow_extensions") for matcher in read_extension(files.reading, entry)
        ),
        parked_tabs_allowed=files.one("parked_tabs", _read_parked_tabs, False),
        user_hold=files.one("user_hold", read_user_hold, HoldTerms()),
        tests=tuple(read_test(files.reading, entry) for entry in files.all("tests")),
        where=str(files.place("revision")),
        keep_scenes=files.one("keep_scenes", Reading.truth, False),
        scenes_where=str(files.place("keep_scenes")),
    )
    _check_sense(files, policy)
    mistakes = sorted(files.reading.mistakes)
    if mistakes:
        raise PolicyError(tuple(f"{mark} {mistake}" for mark, mistake in mistakes))
    return policy


class _Files(JoinedFiles):
    def rules(self) -> Iterator[tuple[Node, int]]:
        """Each with the days that its file lets it be silent."""
        for table in self.tables:
            never_matched = self.reading.value(table, "never_matched", Reading.days, DEFAULT_NEVER_MATCHED)
            if "rules" in table:
                for node in self.reading.items(table["rules"][1], "rules", _ENTRIES["rules"]):
                    yield node, never_matched


_ENTRIES: Final = {
    "rules": "rules",
    "allow": "applications or pages",
    "allow_unseen": "programs or pages",
    "allow_extensions": "ids of extensions",
    "tests": "tests",
}


def _check_sense(files: _Files, policy: Policy) -> None:
    """What is well formed and still cannot be meant."""
    leaves_out = policy.unlisted is Effect.PAUSE or files.has("allow")
    if not policy.rules and not leaves_out and not files.has("rules") and files.whole:
        files.reading.wrong(
            files.place("rules"), "no file has rules, a policy without rules would record everything, add rules:"
        )
    if files.whole and files.has("keep_recording") and policy.record_when is None:
        files.reading.wrong(
            files.place("keep_recording"), "keep_recording says nothing without record_when: any: [...], add that"
        )


# -- the single keys ----------------------------------------------------------------------------------------------


def _read_unlisted(reading: Reading, node: Node, name: str) -> Effect:
    return Effect.PAUSE if reading.choice(node, name, ("record", "close")) == "close" else Effect.RECORD


def _read_parked_tabs(reading: Reading, node: Node, name: str) -> bool:
    return reading.choice(node, name, ("close", "allow")) == "allow"


def _read_record_when(reading: Reading, node: Node, name: str) -> tuple[Condition, ...] | None:
    """None: always."""
    if isinstance(node, Scalar):
        reading.choice(node, name, ("always",))
        return None
    return reading.value(reading.table(node, RECORD_WHEN, name), "any", read_conditions, _NONE)


# -- rules --------------------------------------------------------------------------------------------------------


def _read_rules(files: _Files) -> tuple[Rule, ...]:
    rules = []
    first: dict[str, Mark] = {}
    for number, (node, never_matched) in enumerate(files.rules()):
        table = files.reading.table(node, RULE, "a rule")
        rule = _read_rule(files.reading, number, node.mark, table, never_matched)
        rules.append(rule)
        if "id" in table and rule.id in first:
            again = table["id"][1].mark
            files.reading.wrong(again, f"another rule is called {quoted(rule.id)}, in {first[rule.id]}, rename one")
        elif "id" in table:
            first[rule.id] = table["id"][1].mark
    return tuple(rules)


def _read_rule(reading: Reading, number: int, mark: Mark, table: Entries, never_matched: int) -> Rule:
    rule = Rule(
        number=number,
        id=reading.value(table, "id", _read_id, ""),
        why=reading.value(table, "why", Reading.text, ""),
        any=reading.value(table, "any", read_conditions, _NONE),
        unless=reading.value(table, "unless", read_conditions, _NONE),
        lanes={lane: reading.value(table, lane.value, _read_lane, _paused(lane)) for lane in Lane},
        stay_closed=reading.value(table, "stay_closed", Reading.duration, 0),
        dry_run=reading.value(table, "dry_run", Reading.truth, False),
        max_pause=reading.value(table, "max_pause", _read_max_pause, 0),
        never_matched=reading.value(table, "never_matched", Reading.days, never_matched),
        where=str(mark),
    )
    if rule.any and rule.unless and not _of_pages(rule.any) & _of_pages(rule.unless):
        one, other = ("pages", "windows") if True in _of_pages(rule.any) else ("windows", "pages")
        reading.wrong(table["unless"][0], f"any looks at {one}, unless only at {other}: it would never hold, move one")
    return rule


def _of_pages(conditions: tuple[Condition, ...]) -> set[bool]:
    return {bool(attributes(condition) & PAGE_ATTRIBUTES) for condition in conditions}


def _read_id(reading: Reading, node: Node, name: str) -> str:
    before = len(reading.mistakes)
    written = reading.text(node, name)
    if len(reading.mistakes) > before:
        return written
    if not re.fullmatch(ID, written) or len(written) > LONGEST_ID:
        allowed = f"write small letters, digits and single hyphens, {LONGEST_ID} at most"
        reading.wrong(node.mark, f"id cannot be {quoted(written)}, {allowed}")
    elif written in OWN_RULES:
        reading.wrong(
            node.mark, f"id cannot be {quoted(written)}, a rule of Eyelid's own has this name, choose another"
        )
    return written


def _paused(lane: Lane) -> LaneEffect:
    return LaneEffect(Effect.PAUSE, Extent.SHOWN, DEFAULT_LEAD[lane])


def _read_lane(reading: Reading, node: Node, name: str) -> LaneEffect:
    lane = Lane(name)
    if isinstance(node, Scalar):
        word = reading.choice(node, name, ("pause", "record"))
        return _paused(lane) if word == "pause" else LaneEffect(Effect.RECORD)
    table = reading.table(node, LANE, name)
    return LaneEffect(
        Effect.PAUSE,
        Extent(reading.value(table, "pause", _read_extent, "shown")),
        reading.value(table, "lead", _read_lead(lane), DEFAULT_LEAD[lane]),
    )


def _read_extent(reading: Reading, node: Node, name: str) -> str:
    return reading.choice(node, name, ("shown", "open"))


def _read_max_pause(reading: Reading, node: Node, name: str) -> int:
    return reading.duration(node, name, LONGEST_PAUSE)


def _read_lead(lane: Lane) -> Read[int]:
    return lambda reading, node, name: reading.duration(node, name, LONGEST_LEAD[lane])
