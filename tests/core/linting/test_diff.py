"""What changes from one policy to the next, in words, and whether it weakens."""

from __future__ import annotations

import pytest

from agent.core.linting.diff import changes, named, spoken_time
from tests.core.policies import HEAD, parsed, rule

KEEP = "  - {id: keep, why: w, any: [app: [keep]]}\n"


def between(old: str, new: str, head: str = "", new_head: str | None = None) -> list[tuple[str, str, str]]:
    """Of a rule `r`, from these keys to those, in line 6; or of lines of the head."""

    def text(keys: str, lines: str) -> str:
        line = f"  - {{id: r, why: w, {keys}}}\n" if keys else ""
        return f"{HEAD}rules:\n{KEEP}{line}{lines}"

    found = changes(parsed(text(old, head)), parsed(text(new, head if new_head is None else new_head)))
    return [(change.weight.value, change.says, change.where) for change in found]


def test_nothing_that_counts() -> None:
    assert between("any: [app: [a]]", "any: [app: [a]]") == []


HOLDS = "the agent may hold (before: may not hold)"
LIMITED = "the agent may hold, for 10m at most, for one of these reasons: a private call (before: may not hold)"
HERE = "a.yaml:6:5"
HEADED = "a.yaml:2:1"


def case(old: str, new: str, *said: tuple[str, str, str]) -> tuple[str, str, list[tuple[str, str, str]]]:
    return old, new, list(said)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        case(
            "any: [url: [a.x]]",
            "",
            ("weaker", "rule r is gone: what it closed will be recorded (url a.x)", HEADED),
        ),
        case(
            "any: [app: [keep]]", "", ("other", "rule r is gone; keep closes for all that it closed for", "a.yaml:5:5")
        ),
        case("any: [app: [a]], dry_run: true", "", ("other", "rule r is gone; it closed nothing", HEADED)),
        case(
            "any: [app: [a]], screen: record, audio: record",
            "",
            ("other", "rule r is gone; it closed nothing", HEADED),
        ),
        case(
            "",
            "any: [{app: [a, b]}, {url: [c.x]}, all: [{app: [d]}, {title: [e]}]], audio: record",
            (
                "stronger",
                "rule r is new: it closes screen for app a, b; url c.x; app d together with title e",
                HERE,
            ),
        ),
        case("", "any: [app: [keep]]", ("other", "rule r is new; keep closed for all of it before", HERE)),
        case(
            "",
            "any: [app: [a]], dry_run: true",
            ("other", "rule r is tried, and closes nothing yet: app a", HERE),
        ),
        case(
            "",
            "any: [app: [a]], screen: record, audio: record",
            ("other", "rule r is there, and closes nothing: app a", HERE),
        ),
        case(
            "any: [app: [a]]",
            "any: [app: [a]], dry_run: true",
            ("weaker", "r is only tried from now on (dry_run): what it closed will be recorded", HERE),
        ),
        case(
            "any: [app: [a]], dry_run: true",
            "any: [app: [a]]",
            ("stronger", "r closes from now on, and is no longer only tried", HERE),
        ),
        case(
            "any: [app: [a, b]]",
            "any: [app: [a, c]]",
            ("weaker", "r no longer closes for app b", HERE),
            ("stronger", "r now also closes for app c", "a.yaml:6:36"),
        ),
        case(
            "any: [app: [a, b]], dry_run: true",
            "any: [app: [a]], dry_run: true",
            ("other", "r no longer closes for app b", HERE),
        ),
        case(
            "any: [url: [js.x.y]]",
            "any: [url: [js.x.y, x.y]]",
            ("stronger", "r now also closes for url x.y", "a.yaml:6:41"),
        ),
        case("any: [url: [x.y, js.x.y]]", "any: [url: [x.y]]", ("other", "r says the same in other words", HERE)),
        case(
            "any: [all: [{app: [a]}, {title: [t]}]]",
            "any: [all: [{app: [a]}, {title: [u]}]]",
            ("weaker", "r no longer closes for app a together with title t", HERE),
            ("stronger", "r now also closes for app a together with title u", "a.yaml:6:34"),
        ),
        case(
            "any: [url: [a.x]]",
            "any: [url: [a.x]], unless: [url: [a.x/b]]",
            ("weaker", "r is now silent for url a.x/b (unless)", "a.yaml:6:55"),
        ),
        case(
            "any: [url: [a.x]], unless: [url: [a.x/b]]",
            "any: [url: [a.x]]",
            ("stronger", "r is no longer silent for url a.x/b (unless)", HERE),
        ),
        case("any: [app: [a]]", "any: [app: [a]], audio: record", ("weaker", "r no longer closes the sound", HERE)),
        case("any: [app: [a]], audio: record", "any: [app: [a]]", ("stronger", "r now closes the sound", HERE)),
        case(
            "any: [app: [a]], audio: {pause: open}",
            "any: [app: [a]], audio: {pause: shown}",
            ("weaker", "r closes the sound only while it is in view", HERE),
        ),
        case(
            "any: [app: [a]], screen: pause",
            "any: [app: [a]], screen: {pause: open}",
            ("stronger", "r closes the screen also while it is only open in the background", HERE),
        ),
        case(
            "any: [app: [a]]",
            "any: [app: [a]], audio: {pause: shown, lead: 1500ms}",
            ("weaker", "r drops 1500ms of sound before the first sign, and no longer 3s", HERE),
        ),
        case(
            "any: [app: [a]]",
            "any: [app: [a]], audio: {pause: shown, lead: 5s}",
            ("stronger", "r drops 5s of sound before the first sign, and no longer 3s", HERE),
        ),
        case(
            "any: [app: [a]], stay_closed: 2m",
            "any: [app: [a]]",
            ("weaker", "r stays closed for 0s after the last sign, and no longer for 2m", HERE),
        ),
        case(
            "any: [app: [a]]",
            "any: [app: [a]], max_pause: 20m",
            ("other", "r: an alarm for closing too long is raised after 20m", HERE),
        ),
        case(
            "any: [app: [a]], max_pause: 20m",
            "any: [app: [a]]",
            ("other", "r: an alarm for closing too long is no longer raised", HERE),
        ),
        case(
            "any: [app: [a]]",
            "any: [app: [a]], never_matched: 90d",
            ("other", "r: an alarm for never fitting is raised after 90 days", HERE),
        ),
        case(
            "any: [app: [a]]",
            "any: [app: [a]], never_matched: ignore",
            ("other", "r: an alarm for never fitting is no longer raised", HERE),
        ),
    ],
)
def test_rules(old: str, new: str, said: list[tuple[str, str, str]]) -> None:
    assert between(old, new) == said


def test_a_reason() -> None:
    old, new = rule("any: [app: [a]]"), parsed(HEAD + "rules:\n  - {id: r, why: better, any: [app: [a]]}\n")
    assert [str(change.says) for change in changes(old, new)] == ["r has another reason: better"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("unlisted: close", "unlisted: record", ("weaker", "windows that no rule names will be recorded", HEADED)),
        ("", "unlisted: close", ("stronger", "windows that no rule names now close", HEADED)),
        (
            "",
            "allow: [app: [crm]]",
            ("stronger", "recorded is only app crm, and no longer every application (allow)", "a.yaml:6:9"),
        ),
        (
            "allow: [app: [crm]]",
            "",
            ("weaker", "recorded is every application, and no longer only app crm (allow)", HEADED),
        ),
        (
            "allow: [app: [crm]]",
            "allow: [app: [crm, mail]]",
            ("weaker", "recorded is only app crm, mail, and no longer only app crm (allow)", "a.yaml:6:9"),
        ),
        (  # "*" is no certain answer for what has no address or cannot be read
            "allow: [url: ['*']]",
            "allow: [url: ['about:blank']]",
            ("weaker", "recorded is only url about:blank, and no longer only url * (allow)", "a.yaml:6:9"),
        ),
        (
            "allow: [app: ['*']]",
            "allow: [title: [a]]",
            ("weaker", "recorded is only title a, and no longer only app * (allow)", "a.yaml:6:9"),
        ),
        (
            "allow: [app: ['c*', mail]]",
            "allow: [app: [crm]]",
            ("stronger", "recorded is only app crm, and no longer only app c*, mail (allow)", "a.yaml:6:9"),
        ),
        (
            "allow: [app: [crm, mail]]",
            "allow: [{app: [mail]}, {app: [crm]}]",
            ("other", "allow says the same in other words", "a.yaml:6:10"),
        ),
        ("", "parked_tabs: allow", ("weaker", "sensitive tabs behind another tab no longer close", HEADED)),
        ("parked_tabs: allow", "", ("stronger", "sensitive tabs behind another tab now close", HEADED)),
        (
            "",
            "keep_scenes: true",
            (
                "weaker",
                "titles and whole addresses of everything that is open are kept from now on, sealed (keep_scenes)",
                "a.yaml:6:1",
            ),
        ),
        (
            "keep_scenes: true",
            "keep_scenes: false",
            (
                "stronger",
                "titles and whole addresses of everything that is open are no longer kept (keep_scenes)",
                "a.yaml:6:1",
            ),
        ),
        (
            "",
            "allow_unseen: [app: [slack]]",
            ("weaker", "let pass without being looked into: app slack", "a.yaml:6:22"),
        ),
        (
            "allow_unseen: [app: [slack]]",
            "",
            ("stronger", "no longer let pass without being looked into: app slack", HEADED),
        ),
        (
            "",
            "allow_extensions: [dialler@example.com]",
            ("weaker", "let pass whatever it shows beside pages: extension dialler@example.com", "a.yaml:6:20"),
        ),
        (
            "allow_extensions: [dialler@example.com]",
            "",
            ("stronger", "no longer let pass what it shows beside pages: extension dialler@example.com", HEADED),
        ),
        (
            "",
            "record_when: {any: [title: ['Call*']]}",
            ("stronger", "recorded is only while this is open: title Call*, and no longer always", HEADED),
        ),
        (
            "record_when: {any: [title: ['Call*']]}",
            "record_when: {any: [title: ['Call with*']]}",
            (
                "stronger",
                (
                    "recorded is only while this is open: title Call with*, and no longer only while this is open: "
                    "title Call*"
                ),
                HEADED,
            ),
        ),
        (
            "record_when: {any: [title: ['Call*']]}",
            "",
            ("weaker", "recorded is always, and no longer only while this is open: title Call*", HEADED),
        ),
        (
            "user_hold: {allow: false}",
            "user_hold: {allow: true, max: 10m, reasons: [a private call]}",
            (
                "other",
                LIMITED,
                HEADED,
            ),
        ),
        (
            "user_hold: {allow: false}",
            "user_hold: {allow: true}",
            ("other", HOLDS, HEADED),
        ),
        (
            "record_when: {any: [app: [a]]}\nkeep_recording: 1s",
            "record_when: {any: [app: [a]]}\nkeep_recording: 20s",
            ("weaker", "recording goes on for 20s after an interaction, and no longer for 1s", HEADED),
        ),
        (
            "tests: [{name: n, app: a, expect: {screen: record}}]",
            "",
            ("other", "1 test is gone or changed", HEADED),
        ),
        (
            "",
            "tests: [{name: n, app: a, expect: {screen: record}}, {name: m, app: a, expect: {screen: record}}]",
            ("other", "2 tests are new or changed", HEADED),
        ),
    ],
)
def test_the_head(old: str, new: str, said: tuple[str, str, str]) -> None:
    assert between("", "", old, new) == [said]


def test_what_weakens_comes_first() -> None:
    found = between("any: [app: [a]]", "any: [app: [b]]", "", "parked_tabs: allow")
    assert [weight for weight, _, _ in found] == ["weaker", "weaker", "stronger"]


def test_words() -> None:
    [several] = rule("any: [app: [a, b]]").rules[0].any
    assert named(several) == "app a or b"
    assert [spoken_time(ns) for ns in (0, 5_000_000, 1_000_000_000, 90_000_000_000, 120_000_000_000)] == [
        "0s",
        "5ms",
        "1s",
        "90s",
        "2m",
    ]


def test_one_more_file_that_allows_takes_away() -> None:
    one, other = HEAD + "allow: [app: [crm, mail]]\n", "schema: 1\nallow: [app: [crm]]\n"
    assert [(c.weight.value, c.says) for c in changes(parsed(one), parsed(one, other))] == [
        ("stronger", "recorded is only app crm, mail and also app crm, and no longer only app crm, mail (allow)")
    ]
    assert [c.weight.value for c in changes(parsed(one, other), parsed(one))] == ["weaker"]
