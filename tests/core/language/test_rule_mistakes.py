"""Mistakes inside a rule and in its name: each answered to the letter, with its place and what was meant."""

from __future__ import annotations

import pytest

from agent.core.language.keys import OWN_RULES
from tests.core.policies import HEAD, case, mistakes, wrong_in_rule
from tests.core.policies import RULE as A_RULE

RULE_KEYS = "id, why, any, unless, screen, audio, stay_closed, max_pause, never_matched, dry_run"

NO_EXPRESSION = (
    "which this is not, write * for any characters, an entry for each alternative, or ? for a character that is really "
    "there"
)

LONG = "[" * 100_000

# The body begins in line 7, column 5.
IN_A_RULE = [
    case(
        "any: []",
        "a.yaml:7:10 any is empty and would never fit, name conditions or leave any out",
    ),
    case(
        "any: { app: [x] }",
        "a.yaml:7:10 any is a list of conditions, not keys with values, begin each entry with -",
    ),
    case(
        "any: [x]",
        'a.yaml:7:11 an entry of any is one key with a list, not "x", write for example app: …',
    ),
    case(
        "any: [{}]",
        "a.yaml:7:11 an empty entry, write for example app: …",
    ),
    case(
        "any:\n  - app: [x]\n    title: [y]",
        'a.yaml:8:9 an entry has one key, this one has "app" and "title", write all: with both under it, or '
        "begin the second with its own -",
    ),
    case(
        "any: [app: x]",
        "a.yaml:7:16 app is a list, write [x]",
    ),
    case(
        'any: [title: "a, b"]',
        'a.yaml:7:18 title is a list, write ["a, b"]',
    ),
    case(
        "any: [app: []]",
        "a.yaml:7:16 app is empty and would never fit, name words or leave app out",
    ),
    case(
        f'any: [title: ["{LONG}"]]',  # read by an expression, it would take an hour
        f'a.yaml:7:19 title cannot be "{LONG[:39]}…": it has 100000 characters, and an entry 2000 at most, shorten it',
    ),
    case(
        "any: [app: { x: y }]",
        "a.yaml:7:16 app is a list of words, not keys with values, begin each entry with -",
    ),
    case(
        "any:\n  - css:\n    - #pan",
        "a.yaml:9:10 an entry of css has no value, write a word (one that begins with # needs quotes)",
    ),
    case(
        "any: [app: [no]]",
        'a.yaml:7:17 YAML reads no as false, write it in quotes: "no"',
    ),
    case(
        "any: [app: [[x]]]",
        "a.yaml:7:17 an entry of app is a word or a sentence, not a list",
    ),
    case(
        'any: [title: [""]]',
        "a.yaml:7:19 an entry of title is empty, write a word",
    ),
    case(
        'any: [title: ["\u200b"]]',
        "a.yaml:7:19 title has only invisible characters, write what stands in the title",
    ),
    case(
        r"any: [app: ['C:\Tools\crm.exe']]",
        'a.yaml:7:17 app is a process name without its folder, not "C:\\Tools\\crm.exe", write crm.exe',
    ),
    case(
        "any: [app: [/usr/bin/]]",
        'a.yaml:7:17 app is a process name without its folder, not "/usr/bin/", leave the folder out',
    ),
    case(
        "any: [app: [.exe]]",
        'a.yaml:7:17 app cannot be ".exe", write a process name',
    ),
    case(
        "any: [app: [sap.*]]",
        f'a.yaml:7:17 app cannot be "sap.*": .* belongs to a regular expression, {NO_EXPRESSION}',
    ),
    case(
        "any: [title: ['.*card.*']]",
        f'a.yaml:7:19 title cannot be ".*card.*": .* belongs to a regular expression, {NO_EXPRESSION}',
    ),
    case(
        "any: [url: ['pay|shop.example.com']]",
        'a.yaml:7:17 url cannot be "pay|shop.example.com": | belongs to a regular expression, which this is not, '
        "write * for any characters, an entry for each alternative, or %-escapes as in the address",
    ),
    case(
        'any: [url: ["pay.exa\u200bmple.com"]]',
        "a.yaml:7:17 character 8 of this url is a zero width space (U+200B), and addresses have none as such, "
        "delete it, or write the plain one, or %E2%80%8B where the address has that",
    ),
    case(
        "any: [app:, b]",
        "a.yaml:7:15 app is a list of words, not nothing, begin each entry with -, indented deeper than it",
        'a.yaml:7:17 an entry of any is one key with a list, not "b", write for example app: …',
    ),
    case(
        "any: [field: [cc-cvc]]",
        'a.yaml:7:19 field cannot be "cc-cvc", did you mean cc-csc?',
    ),
    case(
        "any: [field: [Pan]]",
        'a.yaml:7:19 field cannot be "Pan", write an HTML autofill name such as cc-number or cc-csc',
    ),
    case(
        "any: [css: ['input[name=pan']]",
        'a.yaml:7:17 css cannot be "input[name=pan", a [ or ] has no partner (character 6)',
    ),
    case(
        "any: [css: ['a:not(b']]",
        'a.yaml:7:17 css cannot be "a:not(b", a ( or ) has no partner (character 6)',
    ),
    case(
        """any: [css: ["[name='cvv]"]]""",
        """a.yaml:7:17 css cannot be "[name='cvv]", a string has no ' at its end (character 7)""",
    ),
    case(
        "any: [css: ['#zzz /* card']]",
        'a.yaml:7:17 css cannot be "#zzz /* card", a comment has no */ (character 6)',
    ),
    case(
        "any: [css: ['#zzz\\']]",
        'a.yaml:7:17 css cannot be "#zzz\\", a \\ has nothing behind it (character 5)',
    ),
    case(
        "any: [url: ['*.stripe.com']]",
        'a.yaml:7:17 url cannot be "*.stripe.com": a host covers its subdomains by itself; write stripe.com',
    ),
    case(
        "any: [app: [x]]\nshwon: pause",
        f'a.yaml:8:5 "shwon" is not a key of a rule, write one of {RULE_KEYS}',
    ),
    case(
        "any: [app: [x]]\nscren: pause",
        'a.yaml:8:5 "scren" is not a key of a rule, did you mean screen?',
    ),
    case(
        "any: [app: [x]]\nall: [app: [x]]",
        f'a.yaml:8:5 "all" is not a key of a rule, write one of {RULE_KEYS}',
    ),
    case(
        "any: [app: [x]]\naudio: off",
        "a.yaml:8:12 YAML reads off as false, write pause or record",
    ),
    case(
        "any: [app: [x]]\naudio: pasue",
        'a.yaml:8:12 audio cannot be "pasue", did you mean pause?',
    ),
    case(
        "any: [app: [x]]\naudio: { pause: shwon }",
        'a.yaml:8:21 pause cannot be "shwon", did you mean shown?',
    ),
    case(
        "any: [app: [x]]\naudio: { lead: 3s }",
        "a.yaml:8:12 audio without pause, add pause: … (shown: while it is in view. open: also while it is "
        "only open in the background)",
    ),
    case(
        "any: [app: [x]]\naudio: [pause]",
        "a.yaml:8:12 audio is keys with values, not a list, write pause: …",
    ),
    case(
        "any: [app: [x]]\naudio: { pause: open, lead: 9s }",
        "a.yaml:8:33 lead cannot be 9s, at most 8s makes sense here",
    ),
    case(
        "any: [app: [x]]\nscreen: { pause: open, lead: 1500ms }",
        "a.yaml:8:34 lead cannot be 1500ms, at most 1s makes sense here",
    ),
    case(
        "any: [app: [x]]\nstay_closed: 1:30",
        'a.yaml:8:18 stay_closed cannot be "1:30", write a whole number with ms, s or m: 90s',
    ),
    case(
        "any: [app: [x]]\nstay_closed: 2",
        'a.yaml:8:18 stay_closed cannot be "2", write a whole number with ms, s or m: 2s',
    ),
    case(
        "any: [app: [x]]\nstay_closed: 1.5s",
        'a.yaml:8:18 stay_closed cannot be "1.5s", write a whole number with ms, s or m: 1500ms',
    ),
    case(
        "any: [app: [x]]\nstay_closed: 0.5s",
        'a.yaml:8:18 stay_closed cannot be "0.5s", write a whole number with ms, s or m: 500ms',
    ),
    case(
        "any: [app: [x]]\nstay_closed: soon",
        'a.yaml:8:18 stay_closed cannot be "soon", write a whole number with ms, s or m, such as 2s',
    ),
    case(
        "any: [app: [x]]\nstay_closed: [2s]",
        "a.yaml:8:18 stay_closed cannot be a list, write a whole number with ms, s or m, such as 2s",
    ),
    case(
        "any: [app: [x]]\nstay_closed: 61m",
        "a.yaml:8:18 stay_closed cannot be 61m, at most 3600s makes sense here",
    ),
    case(
        "any:\n  - all: []",
        "a.yaml:8:14 all is empty and would never fit, name conditions or leave all out",
    ),
    case(
        "any:\n  - all:\n      - all: [app: [x]]",
        'a.yaml:9:13 "all" is not a key of an entry of all, write app or title or url or field or css',
    ),
    case(
        "any:\n  - all:\n      - app",
        'a.yaml:9:13 an entry of all is one key with a list, not "app", write for example app: …',
    ),
    case(
        "any:\n  - all:\n      - app: [chrome]\n      - url: [pay.example.com]",
        "a.yaml:8:9 all mixes app or title, which windows have, with url, field or css, which pages have: no "
        "one thing has both, write two rules or leave one out",
    ),
    case(
        "any: [app: [x]]\nunless: [url: [example.com]]",
        "a.yaml:8:5 any looks at windows, unless only at pages: it would never hold, move one",
    ),
    case(
        "any: [url: [example.com]]\nunless: [title: [x]]",
        "a.yaml:8:5 any looks at pages, unless only at windows: it would never hold, move one",
    ),
]


@pytest.mark.parametrize(("body", "said"), IN_A_RULE)
def test_mistakes_in_a_rule(body: str, said: tuple[str, ...]) -> None:
    assert wrong_in_rule(body) == said


@pytest.mark.parametrize("id_", ["Card-Forms", "card_forms", "-card", "card--forms", "k" * 65])
def test_an_id_is_a_short_plain_name(id_: str) -> None:
    shown = id_ if len(id_) <= 40 else "k" * 39 + "…"
    assert mistakes(HEAD + A_RULE.replace("id: any", f"id: {id_}")) == (
        f'a.yaml:5:9 id cannot be "{shown}", write small letters, digits and single hyphens, 64 at most',
    )


def test_an_id_that_yaml_takes_for_a_number() -> None:
    assert mistakes(HEAD + A_RULE.replace("id: any", "id: 007")) == (
        'a.yaml:5:9 YAML reads 007 as the number 7, write it in quotes: "007"',
    )


@pytest.mark.parametrize("name", OWN_RULES)
def test_the_names_of_eyelids_own_rules_are_taken(name: str) -> None:
    assert mistakes(HEAD + A_RULE.replace("id: any", f"id: {name}")) == (
        f'a.yaml:5:9 id cannot be "{name}", a rule of Eyelid\'s own has this name, choose another',
    )
