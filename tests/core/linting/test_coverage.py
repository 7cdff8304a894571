"""Which rules the tests inside a policy try, on which lanes, and with what looks alike."""

from __future__ import annotations

from agent.core.linting.coverage import coverage
from agent.core.model.media import Lane
from tests.core.policies import HEAD, parsed

RULES = """\
rules:
  - {id: cards, why: w, any: [{url: [pay.shop.example]}, {field: [cc-csc]}]}
  - {id: forms, why: w, any: [css: ["#pan"]], audio: record, dry_run: true}
  - id: charts
    why: w
    any: [all: [{app: [epic]}, {title: ["*chart*"]}]]
    audio: {pause: open}
  - {id: names, why: w, any: [app: [crm]], screen: record, audio: record}
"""


def counted(*tests: str) -> list[tuple[str, dict[Lane, int], int, bool]]:
    text = HEAD + RULES + ("tests:\n" + "".join(f"  - {{name: n, {test}}}\n" for test in tests) if tests else "")
    return [(one.id, dict(one.closes), one.alike, one.whole) for one in coverage(parsed(text))]


def test_without_tests_only_a_rule_that_closes_nothing_is_whole() -> None:
    assert counted() == [
        ("cards", {Lane.SCREEN: 0, Lane.AUDIO: 0}, 0, False),
        ("forms", {Lane.SCREEN: 0}, 0, False),
        ("charts", {Lane.SCREEN: 0, Lane.AUDIO: 0}, 0, False),
        ("names", {}, 0, True),
    ]


def test_each_lane_counts_and_rules_that_are_only_tried_too() -> None:
    found = counted(
        "page: https://pay.shop.example, expect: {screen: pause}",
        "page: https://pay.shop.example/2, expect: {screen: pause, audio: pause}",
        'page: https://x.example, css: ["#pan"], expect: {screen: pause}',
        "app: epic, title: a chart, when: open, expect: {audio: pause, screen: record}",
    )
    assert [(name, closes) for name, closes, _, _ in found[:3]] == [
        ("cards", {Lane.SCREEN: 2, Lane.AUDIO: 1}),
        ("forms", {Lane.SCREEN: 1}),
        ("charts", {Lane.SCREEN: 0, Lane.AUDIO: 1}),
    ]


def test_a_test_that_does_not_hold_tries_nothing() -> None:
    assert counted("page: https://pay.shop.example, expect: {audio: record}")[0][1:3] == (
        {Lane.SCREEN: 0, Lane.AUDIO: 0},
        0,
    )


def alike(test: str) -> list[str]:
    """For which rules it is a look-alike."""
    return [name for name, _, number, _ in counted(f"{test}, expect: {{screen: record}}") if number]


def test_what_looks_alike() -> None:
    assert alike("page: https://shop.example/") == ["cards"]
    assert alike("page: https://a.example, frames: [https://b.example/shop]") == ["cards"]
    assert alike("page: https://a.example, field: [cc-name]") == ["cards"]
    assert alike('page: https://a.example, css: ["#other"]') == ["forms"]
    assert alike("app: epic, title: Inbox") == ["charts"]
    assert alike("app: mail, title: where is the chart") == ["charts"]
    assert alike("page: https://www.example.com") == []
    assert alike("app: notes, title: Notes") == []


def test_a_rule_that_closes_and_stays_open_is_wholly_tried() -> None:
    found = counted(
        "page: https://pay.shop.example/2, expect: {screen: pause, audio: pause}",
        "page: https://shop.example/, expect: {audio: record}",
    )
    assert found[0] == ("cards", {Lane.SCREEN: 1, Lane.AUDIO: 1}, 1, True)


def test_what_is_allowed_is_tried_by_what_it_keeps_and_what_it_does_not() -> None:
    text = HEAD + "allow: [app: [crm]]\ntests:\n"
    kept = "  - {name: n, app: crm, expect: {screen: record, audio: record}}\n"
    shut = "  - {name: n, app: mail, expect: {screen: pause}}\n"
    [one] = coverage(parsed(text + kept + shut))
    assert (one.rule, one.id, one.where, one.alike) == (None, "allow", "a.yaml:4:9", 1)
    assert dict(one.closes) == {Lane.SCREEN: 1, Lane.AUDIO: 0}
    assert not one.whole
    [both] = coverage(parsed(text + kept + shut.replace("pause", "pause, audio: pause")))
    assert both.whole
    assert not coverage(parsed(text + shut.replace("pause", "pause, audio: pause")))[0].whole
