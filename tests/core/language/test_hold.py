"""`user_hold` in a policy: what it says, and every mistake with its place."""

from __future__ import annotations

import pytest

from agent.core.model.rules import HoldTerms
from agent.core.model.times import SECOND
from tests.core.policies import HEAD, RULE, mistakes, parsed

ONE_TOO_MANY = ", ".join(f"reason {number}" for number in range(13))


def terms(text: str) -> HoldTerms:
    return parsed(HEAD + RULE + text).user_hold


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", HoldTerms(allowed=True, longest=None, reasons=())),
        ("user_hold: { allow: true }\n", HoldTerms()),
        ("user_hold: { allow: false }\n", HoldTerms(allowed=False)),
        ("user_hold: { allow: off }\n", HoldTerms(allowed=False)),
        ("user_hold: { max: 10m }\n", HoldTerms(longest=600 * SECOND)),
        ("user_hold: { max: 720m }\n", HoldTerms(longest=12 * 3600 * SECOND)),
        ("user_hold: { max: 1s }\n", HoldTerms(longest=SECOND)),
        (
            "user_hold: { allow: true, max: 90s, reasons: [Pause, Private call] }\n",
            HoldTerms(longest=90 * SECOND, reasons=("Pause", "Private call")),
        ),
    ],
)
def test_what_it_says(text: str, said: HoldTerms) -> None:
    assert terms(text) == said


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("user_hold: no\n", 'a.yaml:9:12 user_hold is keys with values, not "no", write allow: …'),
        ("user_hold: { allowed: true }\n", 'a.yaml:9:14 "allowed" is not a key of user_hold, did you mean allow?'),
        (
            'user_hold: { allow: "true" }\n',
            'a.yaml:9:21 allow cannot be "true", write true or false, without quotes',
        ),
        (
            "user_hold: { allow: [a] }\n",
            "a.yaml:9:21 allow cannot be a list or keys, write true or false, without quotes",
        ),
        ("user_hold: { max: 10 }\n", 'a.yaml:9:19 max cannot be "10", write a whole number with ms, s or m: 10s'),
        ("user_hold: { max: 0s }\n", "a.yaml:9:19 max is shorter than a second, write allow: false to forbid it"),
        ("user_hold: { max: 721m }\n", "a.yaml:9:19 max cannot be 721m, at most 43200s makes sense here"),
        (
            "user_hold: { allow: false, max: 1m }\n",
            "a.yaml:9:28 max says nothing beside allow: false, leave one of them out",
        ),
        (
            "user_hold: { allow: false, reasons: [a] }\n",
            "a.yaml:9:28 reasons says nothing beside allow: false, leave one of them out",
        ),
        ("user_hold: { reasons: Break }\n", "a.yaml:9:23 reasons is a list, write [Break]"),
        (
            "user_hold: { reasons: [] }\n",
            "a.yaml:9:23 reasons is empty and would never fit, name words or leave reasons out",
        ),
        ("user_hold: { reasons: [Break, BREAK] }\n", 'a.yaml:9:31 "BREAK" stands here twice, first in line 9'),
        (
            f"user_hold: {{ reasons: [{'x' * 41}] }}\n",
            f'a.yaml:9:24 "{"x" * 39}…" does not fit into a menu, write one line of 40 signs at most',
        ),
        (
            'user_hold: { reasons: ["a\\tb"] }\n',
            'a.yaml:9:24 "a?b" does not fit into a menu, write one line of 40 signs at most',
        ),
        (
            f"user_hold: {{ reasons: [{ONE_TOO_MANY}] }}\n",
            "a.yaml:9:14 13 reasons are too many to choose from, write 12 at most",
        ),
    ],
)
def test_every_mistake_has_its_place(text: str, mistake: str) -> None:
    assert mistakes(HEAD + RULE + text) == (mistake,)


def test_files_that_share_a_policy_must_not_contradict_each_other() -> None:
    one, other = (HEAD + RULE + "user_hold: { max: 10m }\n", "schema: 1\nuser_hold: { max: 5m }\n")
    assert mistakes(one, other) == (
        "b.yaml:2:1 user_hold is not the same as in a.yaml:9:1, let it stand in one file only",
    )
