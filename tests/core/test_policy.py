"""The policy language: what a policy says, and what each mistake is answered with, to the letter."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.model import (
    SECOND,
    AllOf,
    Attribute,
    Effect,
    Extent,
    Lane,
    LaneEffect,
    Matcher,
    Page,
    PolicyTest,
    Rule,
    Scene,
)
from agent.core.policy import parse
from agent.core.policy_keys import CONDITION, EXPECT, LANE, OWN_RULES, POLICY, RECORD_WHEN, RULE, TEST
from agent.core.policy_marks import Mark, MarkedDocument, Node, Scalar, Series, Table
from agent.errors import PolicyError
from tests.core.policies import HEAD, mistakes, parsed, policy, rule, wrong_in_rule
from tests.core.policies import RULE as A_RULE

# design.md, section 5, to the letter
WHOLE = """\
# yaml-language-server: $schema=./schema.json
schema: 1                      # the language; not yours to count
revision: 12                   # yours: count it up at every change
name: Contact centre
record_when: always            # or any: [...] with keep_recording: 30s, to record only during such interactions
unlisted: record               # windows that no rule names; close = only what record_when names is ever kept
rules:
  - id: card-forms
    why: PCI DSS 3.3.1.2 - the card verification code is never kept
    any:                                     # one of these is enough
      - url: [js.stripe.com, checkout.example.com/pay]
      - field: [cc-number, cc-csc]           # HTML autofill tokens
      - css: ["#pan"]
    unless:
      - url: [stripe.com/docs]
    screen: pause                            # while shown (the default)
    audio: { pause: open, lead: 3s }         # also while the form is only in the background
    stay_closed: 2s                          # after the last sign of it
  - id: patient-records
    why: HIPAA 164.502(b) minimum necessary
    any:
      - all:                                 # all of these, of one window
          - app: [hyperspace, "epic*"]
          - title: ["*chart*"]
    screen: pause
    audio: record
allow_unseen:                                # looked at by a person and known to be harmless
  - app: [slack, zoiper]
  - url: ["chrome://newtab"]
tests:
  - { name: stripe iframe in a shop, page: "https://shop.example.com/cart",
      frames: ["https://js.stripe.com/v3/"], expect: { screen: pause, audio: pause } }
...
"""


def test_the_whole_language() -> None:
    found = parsed(WHOLE)
    assert (found.hash, found.revision, found.name, found.where) == ("hash", 12, "Contact centre", "a.yaml:3:1")
    assert found.record_when is None
    assert found.unlisted is Effect.RECORD
    assert not found.parked_tabs_allowed
    assert found.rules == (
        Rule(
            0,
            "card-forms",
            "PCI DSS 3.3.1.2 - the card verification code is never kept",
            any=(
                Matcher(Attribute.URL, ("js.stripe.com", "checkout.example.com/pay")),
                Matcher(Attribute.FIELD, ("cc-number", "cc-csc")),
                Matcher(Attribute.CSS, ("#pan",)),
            ),
            unless=(Matcher(Attribute.URL, ("stripe.com/docs",)),),
            lanes={
                Lane.SCREEN: LaneEffect(Effect.PAUSE, Extent.SHOWN),
                Lane.AUDIO: LaneEffect(Effect.PAUSE, Extent.OPEN, 3 * SECOND),
            },
            stay_closed=2 * SECOND,
            never_matched=30,
        ),
        Rule(
            1,
            "patient-records",
            "HIPAA 164.502(b) minimum necessary",
            any=(
                AllOf(
                    (Matcher(Attribute.APP, ("hyperspace", "epic*")), Matcher(Attribute.TITLE, ("*chart*",))),
                ),
            ),
            lanes={Lane.SCREEN: LaneEffect(), Lane.AUDIO: LaneEffect(Effect.RECORD)},
            never_matched=30,
        ),
    )
    assert [found.where for found in found.rules] == ["a.yaml:8:5", "a.yaml:19:5"]
    assert found.allow_unseen == (
        Matcher(Attribute.APP, ("slack", "zoiper")),
        Matcher(Attribute.URL, ("chrome://newtab",)),
    )
    assert [found.where for found in found.allow_unseen] == ["a.yaml:28:5", "a.yaml:29:5"]
    assert found.tests == (
        PolicyTest(
            "stripe iframe in a shop",
            Scene(pages=(Page(("https://shop.example.com/cart", "https://js.stripe.com/v3/")),)),
            {Lane.SCREEN: Effect.PAUSE, Lane.AUDIO: Effect.PAUSE},
            "a.yaml:31:5",
        ),
    )


def test_a_lane_that_a_rule_does_not_name_is_paused_and_sound_leads_by_three_seconds() -> None:
    lanes = rule("any: [app: [x]]").rules[0].lanes
    assert lanes == {Lane.SCREEN: LaneEffect(), Lane.AUDIO: LaneEffect(lead=3 * SECOND)}
    assert rule("any: [app: [x]]\naudio: pause").rules[0].lanes == lanes
    assert rule("any: [app: [x]]\naudio: { pause: shown }").rules[0].lanes == lanes
    without = rule("any: [app: [x]]\naudio: { pause: shown, lead: 0s }").rules[0].lanes
    assert without[Lane.AUDIO] == LaneEffect()


@pytest.mark.parametrize(
    ("written", "length"), [("500ms", SECOND // 2), ("2s", 2 * SECOND), ("5m", 300 * SECOND), ("60m", 3600 * SECOND)]
)
def test_durations(written: str, length: int) -> None:
    assert rule(f"any: [app: [x]]\nstay_closed: {written}").rules[0].stay_closed == length


def test_recording_only_during_named_interactions() -> None:
    found = policy(
        """
        record_when:
          any:
            - app: [softphone]
        keep_recording: 30s
        unlisted: close
        parked_tabs: allow
        """
    )
    assert found.record_when == (Matcher(Attribute.APP, ("softphone",)),)
    assert found.keep_recording == 30 * SECOND
    assert found.unlisted is Effect.PAUSE
    assert found.parked_tabs_allowed
    assert found.rules == ()


# -- several files ------------------------------------------------------------------------------------------------


def test_rules_are_numbered_through_all_files() -> None:
    second = "schema: 1\nrules:\n  - { id: second, why: w, any: [app: [x]] }\nallow_unseen: [app: [y]]\n"
    found = parsed(HEAD + A_RULE, second)
    assert [(rule.number, rule.id, rule.where) for rule in found.rules] == [
        (0, "any", "a.yaml:5:5"),
        (1, "second", "b.yaml:3:5"),
    ]
    assert [matcher.where for matcher in found.allow_unseen] == ["b.yaml:4:16"]


def test_files_may_repeat_what_they_share_but_not_contradict_each_other() -> None:
    assert mistakes(HEAD + A_RULE, HEAD) == ()
    assert mistakes(HEAD + A_RULE, HEAD.replace("12", "13") + "unlisted: close\n") == (
        "b.yaml:2:1 revision is not the same as in a.yaml:2:1, let it stand in one file only",
    )


def test_an_id_is_there_once_in_all_files() -> None:
    assert mistakes(HEAD + A_RULE, "schema: 1\n" + A_RULE) == (
        'b.yaml:3:9 another rule is called "any", in a.yaml:5:9, rename one',
    )


def test_no_file_at_all() -> None:
    with pytest.raises(PolicyError) as caught:
        parse([], "hash")
    assert caught.value.mistakes == ("there is no policy file, a policy is one or more files whose names end in .yaml",)


# -- mistakes -----------------------------------------------------------------------------------------------------


RULE_KEYS = "id, why, any, unless, screen, audio, stay_closed, max_pause, never_matched, dry_run"


def case(text: str, *said: str) -> tuple[str, tuple[str, ...]]:
    return text, said


TOP = [
    case(
        "# nothing yet\n~\n",
        'a.yaml:2:1 a policy file is keys with values, not "~", write schema: …',
    ),
    case(
        "- a\n",
        "a.yaml:1:1 a policy file is keys with values, not a list, write schema: …",
    ),
    case(
        "schema: 1\n",
        "a.yaml:1:1 no file has name, add name: … (What people call this policy)",
        "a.yaml:1:1 no file has revision, add revision: … (Yours: count it up at every change. Only a higher "
        "revision comes into force)",
        "a.yaml:1:1 no file has rules, a policy without rules would record everything, add rules:",
    ),
    case(
        "revision: 1\nname: n\n" + A_RULE,
        "a.yaml:1:1 a policy file without schema, add schema: … (The version of the policy language. Always "
        "1; not yours to count)",
    ),
    case(
        "schema: 2\nrevision: 1\nname: n\n" + A_RULE,
        'a.yaml:1:9 schema cannot be "2", this Eyelid reads schema: 1',
    ),
    case(
        'schema: "1"\nrevision: 1\nname: n\n' + A_RULE,
        'a.yaml:1:9 schema cannot be "1", this Eyelid reads schema: 1',
    ),
    case(
        "schema: [1]\nrevision: 1\nname: n\n" + A_RULE,
        "a.yaml:1:9 schema cannot be a list or keys, this Eyelid reads schema: 1",
    ),
    case(
        HEAD.replace("12", "0") + A_RULE,
        'a.yaml:2:11 revision cannot be "0", write a whole number from 1 up, without quotes',
    ),
    case(
        HEAD.replace("12", '"12"') + A_RULE,
        'a.yaml:2:11 revision cannot be "12", write a whole number from 1 up, without quotes',
    ),
    case(
        HEAD.replace("12", "[12]") + A_RULE,
        "a.yaml:2:11 revision cannot be a list, write a whole number from 1 up, without quotes",
    ),
    case(
        HEAD.replace("12", "") + A_RULE,
        'a.yaml:2:10 revision cannot be "", write a whole number from 1 up, without quotes',
    ),
    case(
        HEAD.replace("Contact centre", "007") + A_RULE,
        'a.yaml:3:7 YAML reads 007 as the number 7, write it in quotes: "007"',
    ),
    case(
        HEAD.replace("Contact centre", '" "') + A_RULE,
        "a.yaml:3:7 name is empty, write a word",
    ),
    case(
        HEAD.replace("Contact centre", "") + A_RULE,
        "a.yaml:3:6 name has no value, write a word (one that begins with # needs quotes)",
    ),
    case(
        HEAD.replace("Contact centre", "[a]") + A_RULE,
        "a.yaml:3:7 name is a word or a sentence, not a list",
    ),
    case(
        HEAD + A_RULE + "rulez: 1\n",
        'a.yaml:9:1 "rulez" is not a key of a policy file, did you mean rules?',
    ),
    case(
        HEAD + A_RULE + "colour: 1\n",
        'a.yaml:9:1 "colour" is not a key of a policy file, write one of schema, revision, name, '
        "record_when, keep_recording, unlisted, never_matched, rules, allow_unseen, parked_tabs, user_hold, "
        "keep_scenes, tests",
    ),
    case(
        HEAD + A_RULE + "name: again\n",
        'a.yaml:9:1 "name" stands twice here, first in line 3, leave one out',
    ),
    case(
        HEAD + A_RULE + "unlisted: closed\n",
        'a.yaml:9:11 unlisted cannot be "closed", did you mean close?',
    ),
    case(
        HEAD + A_RULE + "unlisted: no\n",
        "a.yaml:9:11 YAML reads no as false, write record or close",
    ),
    case(
        HEAD + A_RULE + "unlisted:\n",
        "a.yaml:9:10 unlisted has no value, write record or close",
    ),
    case(
        HEAD + A_RULE + "unlisted: [close]\n",
        "a.yaml:9:11 unlisted is one word, not a list, write record or close",
    ),
    case(
        HEAD + A_RULE + "parked_tabs: maybe\n",
        'a.yaml:9:14 parked_tabs cannot be "maybe", write close or allow',
    ),
    case(
        HEAD + A_RULE + "keep_recording: 30s\n",
        "a.yaml:9:1 keep_recording says nothing without record_when: any: [...], add that",
    ),
    case(
        HEAD + A_RULE + "record_when: sometimes\n",
        'a.yaml:9:14 record_when cannot be "sometimes", write always',
    ),
    case(
        HEAD + A_RULE + "record_when: {}\n",
        "a.yaml:9:14 record_when without any, add any: … (Record while one of these is open)",
    ),
    case(
        HEAD + A_RULE + "record_when: [app: [x]]\n",
        "a.yaml:9:14 record_when is keys with values, not a list, write any: …",
    ),
    case(
        HEAD + "rules: []\n",
        "a.yaml:4:8 rules is empty and would never fit, name rules or leave rules out",
    ),
    case(
        HEAD + "rules: card-forms\n",
        'a.yaml:4:8 rules is a list of rules, not "card-forms", begin each entry with -',
    ),
    case(
        HEAD + "rules: [card-forms]\n",
        'a.yaml:4:9 a rule is keys with values, not "card-forms", write id: …',
    ),
    case(
        HEAD + "rules: [{}]\n",
        "a.yaml:4:9 a rule without any, add any: … (The rule speaks when one of these fits)",
        "a.yaml:4:9 a rule without id, add id: … (A short name for reports: small letters, digits and hyphens)",
        "a.yaml:4:9 a rule without why, add why: … (The reason, for whoever asks later)",
    ),
    case(
        HEAD + A_RULE + "allow_unseen: [field: [cc-csc]]\n",
        'a.yaml:9:16 "field" is not a key of an entry of allow_unseen, write app or title or url',
    ),
    case(
        HEAD + A_RULE + "allow_unseen: [slack]\n",
        'a.yaml:9:16 an entry of allow_unseen is one key with a list, not "slack", write for example app: …',
    ),
]


@pytest.mark.parametrize(("text", "said"), TOP)
def test_mistakes_at_the_top(text: str, said: tuple[str, ...]) -> None:
    assert mistakes(text) == said


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
        "a.yaml:7:19 title has only signs that nobody can see, write what stands in the title",
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
        "any: [field: [cc-cvc]]",
        'a.yaml:7:19 field cannot be "cc-cvc", did you mean cc-csc?',
    ),
    case(
        "any: [field: [Pan]]",
        'a.yaml:7:19 field cannot be "Pan", write an HTML autofill name such as cc-number or cc-csc',
    ),
    case(
        "any: [css: ['input[name=pan']]",
        'a.yaml:7:17 css cannot be "input[name=pan", a [ or ] has no partner',
    ),
    case(
        "any: [css: ['a:not(b']]",
        'a.yaml:7:17 css cannot be "a:not(b", a ( or ) has no partner',
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


def test_every_mistake_is_told_at_once_in_the_order_of_its_place() -> None:
    text = HEAD.replace("12", "x") + "rules:\n  - id: A\n    any:\n      - ap: [x]\n    audio: off\nunlisted: maybe\n"
    assert [mistake.split(" ", 1)[0] for mistake in mistakes(text)] == [
        "a.yaml:2:11",
        "a.yaml:5:5",
        "a.yaml:5:9",
        "a.yaml:7:9",
        "a.yaml:8:12",
        "a.yaml:9:11",
    ]


def test_a_mistake_quotes_the_author_briefly_and_on_one_line() -> None:
    [said] = mistakes(HEAD + A_RULE + 'unlisted: "\\x07' + "k" * 100 + '"\n')
    assert said == f'a.yaml:9:11 unlisted cannot be "?{"k" * 38}…", write record or close'


# -- anything at all ----------------------------------------------------------------------------------------------

KEYS = sorted({key for keys in (POLICY, RULE, LANE, RECORD_WHEN, CONDITION, TEST, EXPECT) for key in keys})
WORDS = ["1", "record", "pause", "close", "open", "2s", "https://a.example", "*", "", "cc-csc", "#pan"]
MARK = Mark("a.yaml", 1, 1)
SCALARS = st.builds(
    Scalar, st.just(MARK), st.sampled_from(WORDS) | st.text(max_size=5), st.sampled_from(["", "a number"])
)
NODES = st.recursive(
    SCALARS,
    lambda nodes: st.one_of(
        st.builds(Series, st.just(MARK), st.lists(nodes, max_size=3).map(tuple)),
        st.builds(
            Table,
            st.just(MARK),
            st.lists(st.tuples(st.builds(Scalar, st.just(MARK), st.sampled_from(KEYS)), nodes), max_size=6).map(tuple),
        ),
    ),
    max_leaves=25,
)


@given(st.lists(NODES, min_size=1, max_size=2))
def test_any_tree_is_a_policy_or_is_explained(roots: list[Node]) -> None:
    """Whoever waits for policies must never die of one."""
    with suppress(PolicyError):
        parse([MarkedDocument("a.yaml", root) for root in roots], "hash")


# -- trying a rule, and bounding it -------------------------------------------------------------------------------


def test_a_rule_that_is_only_tried_and_one_that_is_bounded() -> None:
    tried = rule("any: [app: [x]]\ndry_run: true\nmax_pause: 90m\n")
    assert (tried.rules[0].dry_run, tried.rules[0].max_pause) == (True, 90 * 60 * SECOND)
    assert tried.closing == ()
    plain = rule("any: [app: [x]]\ndry_run: false\n")
    assert (plain.rules[0].dry_run, plain.rules[0].max_pause, plain.closing) == (False, 0, plain.rules)


def test_how_long_a_rule_may_be_silent() -> None:
    """30 days, unless its file says otherwise, unless it does."""
    two = "rules:\n  - {id: a, why: w, any: [app: [x]]}\n  - {id: b, why: w, any: [app: [x]], never_matched: 90d}\n"
    assert [one.never_matched for one in parsed(HEAD + two).rules] == [30, 90]
    assert [one.never_matched for one in parsed(HEAD + "never_matched: ignore\n" + two).rules] == [0, 90]
    other = "schema: 1\nnever_matched: 5d\nrules: [{id: c, why: w, any: [app: [x]], never_matched: ignore}]\n"
    own, pack = HEAD + two, other.replace("never_matched: ignore", "max_pause: 1m")
    assert [one.never_matched for one in parsed(own, pack).rules] == [30, 90, 5]
    assert [one.never_matched for one in parsed(own, other).rules] == [30, 90, 0]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "never_matched: 30",
            'a.yaml:8:20 never_matched cannot be "30", write days up to 365d, such as 30d, or ignore',
        ),
        (
            "never_matched: 400d",
            'a.yaml:8:20 never_matched cannot be "400d", write days up to 365d, such as 30d, or ignore',
        ),
        (
            "never_matched: [30d]",
            "a.yaml:8:20 never_matched cannot be a list, write days up to 365d, such as 30d, or ignore",
        ),
        ("dry_run: yes", "a.yaml:8:14 YAML reads yes as true, write true"),
        ("dry_run: off", "a.yaml:8:14 YAML reads off as false, write false"),
        ('dry_run: "true"', 'a.yaml:8:14 dry_run cannot be "true", write true or false, without quotes'),
        ("dry_run: [true]", "a.yaml:8:14 dry_run cannot be a list, write true or false, without quotes"),
        ("dry_run:", "a.yaml:8:13 dry_run cannot be nothing, write true or false, without quotes"),
        ("max_pause: 1441m", "a.yaml:8:16 max_pause cannot be 1441m, at most 86400s makes sense here"),
    ],
)
def test_mistakes_in_them(line: str, said: str) -> None:
    assert wrong_in_rule(f"any: [app: [x]]\n{line}\n") == (said,)
