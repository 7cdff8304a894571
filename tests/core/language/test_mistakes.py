"""Mistakes at the top of a policy: each answered to the letter, all of them at once, and none that nobody explains."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.language.keys import CONDITION, EXPECT, LANE, POLICY, RECORD_WHEN, RULE, TEST
from agent.core.language.policy import parse
from agent.errors import PolicyError
from protocol.language.marks import Mark, MarkedDocument, Node, Scalar, Series, Table
from tests.core.policies import HEAD, case, mistakes
from tests.core.policies import RULE as A_RULE

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
        HEAD.replace("Contact centre", r'"\e[2J"') + A_RULE,
        "a.yaml:3:7 name has a control character (U+001B) in it, write it without",
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
        "record_when, keep_recording, unlisted, allow, never_matched, rules, allow_unseen, allow_extensions, "
        "parked_tabs, user_hold, keep_scenes, tests",
    ),
    case(
        HEAD + A_RULE + "unless: []\n",
        'a.yaml:9:1 "unless" is a key of a rule, indent it as far as that rule\'s id',
    ),
    case(
        HEAD + A_RULE + "n\u200bame: again\n",
        'a.yaml:9:1 "n?ame" is not a key of a policy file (character 2 is a zero width space (U+200B)), '
        "did you mean name?",
    ),
    case(
        HEAD + A_RULE + "name: again\n",
        'a.yaml:9:1 "name" stands twice here, first in line 3, leave one out',
    ),
    case(
        HEAD + A_RULE + "allow: []\n",
        "a.yaml:9:8 allow is empty and would never fit, name applications or pages or leave allow out",
    ),
    case(
        HEAD + A_RULE + "allow: [crm]\n",
        'a.yaml:9:9 an entry of allow is one key with a list, not "crm", write for example app: …',
    ),
    case(
        HEAD + A_RULE + "allow: [field: [cc-number]]\n",
        'a.yaml:9:9 "field" is not a key of an entry of allow, write app or title or url or all',
    ),
    case(
        HEAD + A_RULE + "allow: [all: [{app: [crm]}, {css: ['#x']}]]\n",
        'a.yaml:9:30 "css" is not a key of an entry of all, write app or title or url',
    ),
    case(
        HEAD + A_RULE + "allow: [all: [{app: [chrome]}, {url: [crm.example.com]}]]\n",
        "a.yaml:9:9 all mixes app or title, which windows have, with url, field or css, which pages have: no one thing "
        "has both, write two rules or leave one out",
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
        "a.yaml:4:9 a rule without why, add why: … (The reason, for those who ask later)",
    ),
    case(
        HEAD + A_RULE + "allow_unseen: [field: [cc-csc]]\n",
        'a.yaml:9:16 "field" is not a key of an entry of allow_unseen, write app or title or url',
    ),
    case(
        HEAD + A_RULE + "allow_unseen: [slack]\n",
        'a.yaml:9:16 an entry of allow_unseen is one key with a list, not "slack", write for example app: …',
    ),
    case(
        HEAD + A_RULE + "allow_extensions: []\n",
        "a.yaml:9:19 allow_extensions is empty and would never fit, name ids of extensions or leave allow_extensions "
        "out",
    ),
    case(
        HEAD + A_RULE + "allow_extensions: [uBlock Origin, 7]\n",
        'a.yaml:9:20 allow_extensions names ids, not "uBlock Origin", write 32 letters from a to p (Chromium, Chrome, '
        'Edge), or as Firefox lists it: "name@maker", or "{…}" in quotes',
        'a.yaml:9:35 YAML reads 7 as the number 7, write it in quotes: "7"',
    ),
    case(
        HEAD
        + A_RULE
        + "allow_extensions: ['https://chromewebstore.google.com/detail/x/CJPALHDLNBPAFIAMEJDNHCPHJBKEIAGM']\n",
        'a.yaml:9:20 allow_extensions names ids, not "https://chromewebstore.google.com/detai…", write '
        "cjpalhdlnbpafiamejdnhcphjbkeiagm",
    ),
]


@pytest.mark.parametrize(("text", "said"), TOP)
def test_mistakes_at_the_top(text: str, said: tuple[str, ...]) -> None:
    assert mistakes(text) == said


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


@pytest.mark.slow(reason="each tree is read with every suggestion for what it misspells")
@given(st.lists(NODES, min_size=1, max_size=2))
def test_any_tree_is_a_policy_or_is_explained(roots: list[Node]) -> None:
    """Whoever waits for policies must never die of one."""
    with suppress(PolicyError):
        parse([MarkedDocument("a.yaml", root) for root in roots], "hash")
