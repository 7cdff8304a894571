"""The tests inside a policy: how they are written, run and reported."""

from __future__ import annotations

import pytest

from agent.core.language.tests import failed_tests, run_tests
from agent.core.model.media import Lane
from agent.core.model.rules import Effect, Policy
from agent.core.model.seen import Page
from tests.core.policies import HEAD, mistakes, parsed

RULES = """\
rules:
  - id: till
    why: PCI
    any:
      - app: [till]
    audio: { pause: open }
  - id: cards
    why: PCI
    any:
      - url: [pay.example.com]
      - field: [cc-csc]
      - css: ["#pan"]
    audio: record
"""
BEGINNING = HEAD + RULES + "tests:\n"  # 16 lines


def with_tests(*tests: str) -> Policy:
    return parsed(BEGINNING + "".join(f"  - {test}\n" for test in tests))


@pytest.mark.parametrize(
    "test",
    [
        "{ name: n, app: till, title: Till, expect: { screen: pause, audio: pause } }",
        "{ name: n, app: till, when: open, expect: { screen: record, audio: pause } }",
        '{ name: n, app: notes, title: "", when: shown, expect: { screen: record, audio: record } }',
        "{ name: n, title: Untold, expect: { screen: record } }",
        "{ name: n, page: https://shop.example, expect: { screen: record, audio: record } }",
        "{ name: n, page: https://shop.example, frames: [https://pay.example.com], expect: { screen: pause } }",
        "{ name: n, page: https://shop.example, field: [cc-csc], expect: { screen: pause, audio: record } }",
        '{ name: n, page: https://shop.example, css: ["#pan"], expect: { screen: pause } }',
        '{ name: n, page: "about:blank", expect: { screen: pause } }',
        "{ name: n, app: notes, beside: [{ app: till, when: open }], expect: { screen: record, audio: pause } }",
        "{ name: n, app: notes, beside: [page: https://pay.example.com], expect: { screen: pause, audio: record } }",
    ],
)
def test_examples_that_hold(test: str) -> None:
    policy = with_tests(test)
    assert [outcome.passed for outcome in run_tests(policy)] == [True] * len(policy.tests[0].expect)
    assert failed_tests(policy) == ()


def test_what_is_beside() -> None:
    beside = "[{ app: b, title: t }, { page: https://c.example }]"
    [test] = with_tests(f"{{ name: n, app: a, beside: {beside}, expect: {{ audio: record }} }}").tests
    scene = test.scene
    assert [(window.id, window.pid, window.app, window.title) for window in scene.windows] == [
        (1, 1, "a", ""),
        (2, 2, "b", "t"),
    ]
    assert scene.pages == (Page(("https://c.example",)),)


def test_a_test_is_judged_by_what_its_own_file_allows() -> None:
    """A pack's tests say that ordinary pages are recorded: they hold beside a file that allows none of them."""
    notes = "tests:\n  - {name: n, app: notes, expect: {screen: record, audio: record}}\n"
    pack = f"schema: 1\nrules: [{{id: till, why: w, any: [app: [till]]}}]\n{notes}"
    only = HEAD + "allow: [app: [crm]]\n"
    assert failed_tests(parsed(only, pack)) == ()
    assert failed_tests(parsed(only + notes, pack)) == (
        "a.yaml:6:5 the test expects screen: record, the policy says pause (not-allowed), correct the rule or the test",
        "a.yaml:6:5 the test expects audio: record, the policy says pause (not-allowed), correct the rule or the test",
    )
    ours = "schema: 1\nallow: [app: [notes]]\n" + notes
    assert failed_tests(parsed(only, ours)) == ()  # what both files allow is nothing, and each test is of its file


def test_examples_that_do_not_hold() -> None:
    policy = with_tests(
        "{ name: the till, app: till, expect: { screen: record, audio: pause } }",
        "{ name: notes, app: notes, expect: { audio: pause } }",
    )
    outcomes = run_tests(policy)
    assert [(outcome.name, outcome.lane, outcome.got, outcome.passed, outcome.spoke) for outcome in outcomes] == [
        ("the till", Lane.SCREEN, Effect.PAUSE, False, ("till",)),
        ("the till", Lane.AUDIO, Effect.PAUSE, True, ("till",)),
        ("notes", Lane.AUDIO, Effect.RECORD, False, ()),
    ]
    assert [found.where for found in outcomes[0].findings] == ["a.yaml:5:5"]
    assert [mistake.split(", ") for mistake in failed_tests(policy)] == [
        [
            "a.yaml:18:5 the test expects screen: record",
            "the policy says pause (till)",
            "correct the rule or the test",
        ],
        [
            "a.yaml:19:5 the test expects audio: pause",
            "the policy says record (no rule speaks)",
            "correct the rule or the test",
        ],
    ]


def case(test: str, *said: str) -> tuple[str, tuple[str, ...]]:
    return test, said


# Each test begins in line 18, column 5.
@pytest.mark.parametrize(
    ("test", "said"),
    [
        case("x", 'a.yaml:18:5 a test is keys with values, not "x", write name: …'),
        case(
            "{ name: n, app: a }",
            "a.yaml:18:5 a test without expect, add expect: … (What must happen to the screen, to the audio or both)",
        ),
        case(
            "{ name: n, expect: { screen: pause } }",
            "a.yaml:18:5 a test shows nothing, add page: for a page, or app: and title: for a window",
        ),
        case(
            "{ name: n, field: [cc-csc], expect: { screen: pause } }",
            "a.yaml:18:5 a test shows nothing, add page: for a page, or app: and title: for a window",
        ),
        case(
            "{ name: n, app: a, page: https://b.example, expect: { screen: pause } }",
            "a.yaml:18:5 a test shows a page or a window, this one has page and app, put one of them under beside:",
        ),
        case(
            "{ name: n, app: a, expect: {} }",
            "a.yaml:18:24 expect says nothing, add screen: or audio: with pause or record",
        ),
        case(
            "{ name: n, app: a, expect: pause }",
            'a.yaml:18:32 expect is keys with values, not "pause", write screen: …',
        ),
        case(
            "{ name: n, app: a, expect: { screen: closed } }",
            'a.yaml:18:42 screen cannot be "closed", write pause or record',
        ),
        case(
            "{ name: n, page: shop.example, expect: { screen: pause } }",
            'a.yaml:18:22 "shop.example" is no address: it has no scheme such as https://, write it as the browser '
            "shows it, whole",
        ),
        case(
            "{ name: n, page: [a], expect: { screen: pause } }", "a.yaml:18:22 page is a word or a sentence, not a list"
        ),
        case(
            "{ name: n, page: https://a.example, frames: [b.example], expect: { screen: pause } }",
            'a.yaml:18:50 "b.example" is no address: it has no scheme such as https://, write it as the browser '
            "shows it, whole",
        ),
        case(
            "{ name: n, page: https://a.example, field: [pan], expect: { screen: pause } }",
            'a.yaml:18:49 field cannot be "pan", write an HTML autofill name such as cc-number or cc-csc',
        ),
        case(
            "{ name: n, app: a, when: hidden, expect: { screen: pause } }",
            'a.yaml:18:30 when cannot be "hidden", write shown or open',
        ),
        case(
            "{ name: n, app: a, beside: [], expect: { screen: pause } }",
            "a.yaml:18:32 beside is empty and would never fit, name windows or pages or leave beside out",
        ),
        case(
            "{ name: n, app: a, beside: [{}], expect: { screen: pause } }",
            "a.yaml:18:33 an entry of beside shows nothing, add page: for a page, or app: and title: for a window",
        ),
    ],
)
def test_mistakes(test: str, said: tuple[str, ...]) -> None:
    assert mistakes(BEGINNING + f"  - {test}\n") == said
