"""The words of the governance files: which keys there are, what each means, what may stand there."""

from __future__ import annotations

from typing import Final

from protocol.language.joined import LANGUAGE
from protocol.language.keys import TRUTH, WORD, WORDS, Key, Keys, Shape, list_of, one_of, ref, table_schema
from protocol.notice import LONGEST
from review.governance.model import PLAY_ORIGINAL, Act, Channel, Consent, Kind, Rendition

NAME: Final = r"[a-z0-9]+(-[a-z0-9]+)*"
NAMES: Final[Shape] = {"type": "array", "items": {"type": "string", "pattern": f"^{NAME}$"}, "minItems": 1}
PERIOD: Final[Shape] = {"type": "string", "pattern": "^[1-9][0-9]*(d|w|y)$"}
RATE: Final[Shape] = {"type": "string", "pattern": "^[1-9][0-9]{0,5} per hour$"}
WAIT: Final[Shape] = {"type": "string", "pattern": "^[1-9][0-9]*(m|h|d)$"}
DAY: Final[Shape] = {"type": "string", "format": "date"}
ACTS: Final = tuple(act.value for act in Act)
APPROVED: Final = (*(act for act in ACTS if act != Act.CONSENT), PLAY_ORIGINAL)  # taking consent back never waits


def named(name: str) -> Shape:
    """A table whose keys are names of the author's."""
    return {"type": "object", "additionalProperties": ref(name), "minProperties": 1}


def some_of(*words: str) -> Shape:
    return {"type": "array", "items": one_of(*words), "minItems": 1}


FILE: Final[Keys] = {
    "schema": Key("The version of this language. Always 1; not yours to count.", {"const": LANGUAGE}, True),
    "revision": Key(
        "Yours: count it up at every change. Only a higher revision comes into force.",
        {"type": "integer", "minimum": 1},
    ),
    "name": Key("What people call these rules.", WORD),
    "roles": Key("Who may do what. What no role allows is refused.", named("role")),
    "people": Key(
        "Who has which roles, by what they sign in with; * before the end that all have in common.", named("person")
    ),
    "os_users": Key(
        "Whose an OS user is: the first entry that fits. One * is the same text in both.", list_of("os_user")
    ),
    "teams": Key("Teams by the groups of devices and the OS users whose recordings are theirs.", named("team")),
    "approvals": Key("What needs others' approval, by whom, and in which time.", list_of("approval")),
    "retention": Key(
        "How long recordings are kept. The longest period of all classes that fit counts.", list_of("class")
    ),
    "consent": Key("Of what nothing is opened or transcribed without consent.", ref("consent")),
    "reviews": Key("What of each month has to be looked at, by whom and until when.", list_of("review")),
    "notice": Key(
        "What those who are recorded read (GDPR 13): who records, why, how long, who may see it, their rights.",
        {**WORD, "maxLength": LONGEST},
    ),
    "tests": Key("Examples that must hold, or these rules do not come into force.", list_of("test")),
}
ROLE: Final[Keys] = {
    "may": Key("The acts.", some_of(*ACTS), True),
    "of": Key(
        "Of which recordings: own, all, or { team: … } with own or teams by name.",
        {"anyOf": [one_of("own", "all"), ref("of")]},
        True,
    ),
    "from": Key(
        "How far back: such as 30d; or grant: nothing from before the person had the role.",
        {"anyOf": [PERIOD, one_of("grant")]},
    ),
    "until": Key("The last day (UTC) of the role.", DAY),
    "rendition": Key("redacted (unless it says otherwise), or original.", one_of(*Rendition)),
    "otherwise": Key(
        "What is shown until there is a redacted rendition: nothing, or original.", one_of("nothing", "original")
    ),
    "purposes": Key("One of them must be named at each act on a recording.", NAMES),
    "sample": Key(
        "For these purposes only what was drawn: such as { coaching: 4 per agent per month }.",
        {"type": "object", "additionalProperties": WORD, "minProperties": 1},
    ),
    "analyses": Key("What the act analyse makes of recordings, and of how many an hour.", ref("analyses")),
}
ANALYSES: Final[Keys] = {
    kind.value: Key("Recordings an hour whose keys are given out for it: such as 60 per hour.", RATE) for kind in Kind
}
OF: Final[Keys] = {"team": Key("own, or names of teams.", {"anyOf": [WORD, WORDS]}, True)}
PERSON: Final[Keys] = {
    "roles": Key("The roles that they have.", NAMES, True),
    "teams": Key("Their own teams.", NAMES),
    "since": Key("The first day (UTC) of the roles.", DAY),
    "until": Key("The last day (UTC) of the roles.", DAY),
}
OS_USER: Final[Keys] = {
    "user": Key("The name of the OS user, in any letters: such as anna, or CORP\\*.", WORD, True),
    "person": Key("The person: such as anna@example.com, or *@example.com.", WORD, True),
}
TEAM: Final[Keys] = {
    "groups": Key("The groups of devices.", WORDS),
    "users": Key("OS users.", WORDS),
}
APPROVAL: Final[Keys] = {
    "act": Key(f"The acts; {PLAY_ORIGINAL} is play where the original is released.", some_of(*APPROVED), True),
    "by": Key("Roles. Each counts for one approver; a role that stands twice takes two.", NAMES, True),
    "need": Key(
        "How many of them; all unless it says otherwise. Never the person who asks.", {"type": "integer", "minimum": 1}
    ),
    "within": Key("How long they have from the request on, such as 24h.", WAIT, True),
    "delay": Key("How long the act waits from the request on, so that others can object.", WAIT),
}
CLASS: Final[Keys] = {
    "class": Key("Its name.", {"type": "string", "pattern": f"^{NAME}$"}, True),
    "any": Key(
        "A recording belongs to it when one of these holds. Exactly one class has none: that is for the rest.",
        list_of("condition"),
    ),
    "keep": Key("How long recordings are kept, from their end on: such as 180d or 2y.", PERIOD, True),
    "minimum": Key("How long the law wants them kept: no erasure before.", PERIOD),
    "why": Key("The reason, such as the law.", WORD),
    "worm": Key("true: nothing of the original is changed or deleted before the minimum is over.", TRUTH),
}
FACTS: Final[Keys] = {
    "group": Key("Groups of devices.", WORDS),
    "team": Key("Names of teams.", NAMES),
    "closed_by": Key("Rules of the pause policy that closed something in it.", WORDS),
    "category": Key("Categories that the analysis found.", WORDS),
    "channel": Key("What was recorded.", some_of(*Channel)),
    "length": Key(
        "over or under, and a time: such as over 10m.",
        {"type": "string", "pattern": "^(over|under) [1-9][0-9]*(m|h|d)$"},
    ),
}
CONDITION: Final[Keys] = {**FACTS, "all": Key("All of these must hold.", list_of("fact"))}
REVIEW: Final[Keys] = {
    "review": Key(
        "Its name: a purpose of the role in by:, for which that role's sample is drawn.",
        {"type": "string", "pattern": f"^{NAME}$"},
        True,
    ),
    "by": Key("The role whose people look at what was drawn, and sign what became of it.", WORD, True),
    "since": Key("It is demanded of the months that begin on this day (UTC) or later.", DAY, True),
    "within": Key("How long they have from the month's end on, such as 20d; 5d to 92d.", PERIOD, True),
    "why": Key("The law that demands it.", WORD, True),
}
CONSENT: Final[Keys] = {
    channel.value: Key(
        f"required: {channel} is not opened without consent. where-written: only a withdrawal counts.",
        one_of("required", "where-written"),
    )
    for channel in Channel
}
WHO: Final[Keys] = {
    "person": Key("A person whom people: names.", WORD),
    "role": Key("A role, as if somebody had it.", WORD),
    "team": Key("Their own teams.", {"anyOf": [WORD, WORDS]}),
}
WHAT: Final[Keys] = {
    "person": Key("Whose work it is; own: of who asks.", WORD),
    "user": Key("The OS user, from whom os_users and teams tell the person and the teams.", WORD),
    "group": Key("The group of the device.", WORD),
    "team": Key("Its teams.", {"anyOf": [WORD, WORDS]}),
    "age": Key("How long ago it began: such as 10d. 1d unless it says otherwise.", PERIOD),
    "length": Key("How long it is; 5m unless it says otherwise.", WAIT),
    "closed_by": FACTS["closed_by"],
    "category": Key("Categories that the analysis found.", WORDS),
    "analysed": Key("false: no analysis has looked at it. Without it, and without category, none has.", TRUTH),
    "channel": FACTS["channel"],
    "consent": Key("Of all its channels; given unless it says otherwise.", one_of(*Consent)),
    "redacted": Key("Whether there is a redacted rendition; true unless it says otherwise.", TRUTH),
    "drawn": Key("The purposes that it was drawn for.", NAMES),
    "held": Key("Whether a legal hold is on it.", TRUTH),
    "erasure": Key("Whether somebody asked for its erasure.", TRUTH),
}
QUESTION: Final[Keys] = {
    "who": Key("Who asks.", ref("who")),
    "do": Key("The act.", one_of(*ACTS)),
    "what": Key("The recording.", ref("what")),
    "purpose": Key("The purpose that is named.", WORD),
    "rendition": Key("What is asked for; redacted unless it says otherwise.", one_of(*Rendition)),
    "day": Key("The day (UTC) at whose noon it is asked.", DAY),
    "asked": Key("How long ago the request was filed that approvals answer.", WAIT),
    "approved_by": Key("Those who approved: roles, or people whom people: names.", WORDS),
    "kind": Key("What is made of it, where the act is analyse; any unless it says otherwise.", one_of(*Kind)),
}
EXPECTED: Final = ("granted", "refused", "kept", "deleted")
TEST: Final[Keys] = {
    "name": Key("What the example shows.", WORD),
    **QUESTION,
    "expect": Key("granted or refused; without do: kept or deleted.", one_of(*EXPECTED), True),
    "class": Key("The retention class whose period counts.", WORD),
}


def schema() -> dict[str, object]:
    """JSON Schema draft 7, which editors' YAML plugins understand."""
    tables = {
        "role": ROLE,
        "analyses": ANALYSES,
        "of": OF,
        "person": PERSON,
        "os_user": OS_USER,
        "team": TEAM,
        "approval": APPROVAL,
        "class": CLASS,
        "consent": CONSENT,
        "review": REVIEW,
        "who": WHO,
        "what": WHAT,
        "test": TEST,
    }
    one_key = {"minProperties": 1, "maxProperties": 1}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Eyelid governance",
        "description": "One file of the governance rules. All *.yaml files of a folder are one set.",
        **table_schema(FILE),
        "definitions": {
            **{name: table_schema(keys) for name, keys in tables.items()},
            "condition": {**table_schema(CONDITION), **one_key},
            "fact": {**table_schema(FACTS), **one_key},
        },
    }
