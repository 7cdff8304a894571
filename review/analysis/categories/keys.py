"""The words of a file of categories: which keys there are, what each means, what may stand there, and how much."""

from __future__ import annotations

from typing import Final

from protocol.language.joined import LANGUAGE
from protocol.language.keys import WORD, WORDS, Key, Keys, Shape, list_of, one_of, ref, table_schema
from review.analysis.spoken import Party

LARGEST: Final = 1 << 18  # bytes of a file
MOST_NODES: Final = 20_000  # words, lists and tables of a file
MOST_CATEGORIES: Final = 200
MOST_CONDITIONS: Final = 1_000  # of all categories together, those inside of others included
MOST_PHRASES: Final = 4_000  # of all categories together, near included
MOST_OPEN: Final = 1_000  # words with a *, of all categories together
MOST_WORDS: Final = 12  # of a phrase
LONGEST_WORD: Final = 40  # letters
SHORTEST_OPEN: Final = 3  # letters beside a *
DEEPEST: Final = 6  # any, all and not inside of one another
FARTHEST: Final = 100  # words
MOST_TESTS: Final = 100
MOST_TEST_WORDS: Final = 10_000  # said in all tests together

PHRASES: Final[Shape] = {"anyOf": [WORD, WORDS]}
SECONDS: Final[Shape] = {"type": "string", "pattern": "^[0-9]{1,9}(ms|s|m)$"}

FILE: Final[Keys] = {
    "schema": Key("The version of this language. Always 1; not yours to count.", {"const": LANGUAGE}, True),
    "category": Key(
        "The categories, each by its name: small letters, digits and single hyphens.",
        {"type": "object", "additionalProperties": ref("category"), "minProperties": 1},
        True,
    ),
    "tests": Key("Calls, and the categories that they must have.", list_of("test")),
}
CATEGORY: Final[Keys] = {
    "why": Key("The reason, such as the law.", WORD),
    "any": Key("One of these must hold.", list_of("condition")),
    "all": Key("All of these must hold.", list_of("condition")),
    "not": Key("This must not hold.", ref("condition")),
}
CONDITION: Final[Keys] = {
    "said": Key("A word or a phrase, or a list of them. With * a word may go on: kündig*, *rechnung.", PHRASES),
    "by": Key("Who says it: agent or customer; either of them unless it says otherwise.", one_of(*Party)),
    "near": Key("One of these is said by the same person, before or after.", PHRASES),
    "within": Key(
        "With near: so many words stand between at most; 10 unless it says otherwise.",
        {"type": "integer", "minimum": 1, "maximum": FARTHEST},
    ),
    "first": Key("It begins in the first so many seconds of the call, such as 30s.", SECONDS),
    "last": Key("It begins in the last so many seconds of the call, such as 30s.", SECONDS),
    "silence": Key("Neither speaks for so long without a break: such as over 20s. Closed time is no silence.", WORD),
    "overlap": Key("Both speak at once for so long without a break: such as over 3s.", WORD),
    "length": Key("How long the call is: such as over 10m, or under 1m.", WORD),
    "closed_by": Key("Rules of the pause policy; one of them closed something in the call.", WORDS),
    "any": CATEGORY["any"],
    "all": CATEGORY["all"],
    "not": CATEGORY["not"],
}
# What an entry is about, and the keys that may stand beside it.
SUBJECTS: Final = {
    "said": frozenset({"by", "near", "within", "first", "last"}),
    "silence": frozenset({"first", "last"}),
    "overlap": frozenset({"first", "last"}),
    "length": frozenset[str](),
    "closed_by": frozenset[str](),
    "any": frozenset[str](),
    "all": frozenset[str](),
    "not": frozenset[str](),
}
TEST: Final[Keys] = {
    "name": Key("What the example shows.", WORD),
    "call": Key("What happens in it, one after another.", list_of("turn"), True),
    "expect": Key("The categories that it has, and no other; [] for none.", {"type": "array", "items": WORD}, True),
}
TURN: Final[Keys] = {
    "says": Key("What is said, 0.4 s a word.", WORD),
    "by": Key("Who says it.", one_of(*Party)),
    "at": Key("When it begins, from the call's start on; after what stands before unless it says otherwise.", SECONDS),
    "silence": Key("Nothing is said for so long.", SECONDS),
    "closed": Key("So much is closed.", SECONDS),
    "closed_by": Key("With closed: the rules of the pause policy that closed it.", WORDS),
}


def schema() -> dict[str, object]:
    """JSON Schema draft 7, which editors' YAML plugins understand."""
    tables = {"category": CATEGORY, "condition": CONDITION, "test": TEST, "turn": TURN}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Eyelid categories",
        "description": "A file of categories of calls.",
        **table_schema(FILE),
        "definitions": {name: table_schema(keys) for name, keys in tables.items()},
    }
