"""The policy language: what a policy says, in one file or in several, and how a rule is tried and bounded."""

from __future__ import annotations

import pytest

from agent.core.language.policy import parse
from agent.core.model.media import Lane
from agent.core.model.rules import AllOf, Attribute, Effect, Extent, LaneEffect, Matcher, PolicyTest, Rule
from agent.core.model.seen import Page, Scene
from agent.core.model.times import SECOND
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
allow_extensions:                            # the same for other extensions' popups and panels
  - cjpalhdlnbpafiamejdnhcphjbkeiagm
  - "{73a6fe31-595d-460b-a920-fcc0f8843232}"
  - uBlock0@raymondhill.net
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
    assert found.allow_extensions == (
        Matcher(Attribute.EXTENSION, ("cjpalhdlnbpafiamejdnhcphjbkeiagm",)),
        Matcher(Attribute.EXTENSION, ("{73a6fe31-595d-460b-a920-fcc0f8843232}",)),
        Matcher(Attribute.EXTENSION, ("uBlock0@raymondhill.net",)),
    )
    assert [found.where for found in found.allow_extensions] == ["a.yaml:31:5", "a.yaml:32:5", "a.yaml:33:5"]
    assert found.tests == (
        PolicyTest(
            "stripe iframe in a shop",
            Scene(pages=(Page(("https://shop.example.com/cart", "https://js.stripe.com/v3/")),)),
            {Lane.SCREEN: Effect.PAUSE, Lane.AUDIO: Effect.PAUSE},
            "a.yaml:35:5",
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


def test_only_these_applications_and_no_rule() -> None:
    found = policy("allow:\n  - app: [crm, phone]\n  - all: [{ app: [desk] }, { title: ['Ticket*'] }]\n")
    [[first, second]] = found.allow
    assert first == Matcher(Attribute.APP, ("crm", "phone"))
    assert isinstance(second, AllOf)
    assert (first.where, second.where) == ("a.yaml:5:5", "a.yaml:6:13")
    assert found.rules == ()
    assert policy("rules: [{ id: r, why: w, any: [app: [x]] }]").allow == ()


# -- several files ------------------------------------------------------------------------------------------------


def test_rules_are_numbered_through_all_files() -> None:
    second = "schema: 1\nrules:\n  - { id: second, why: w, any: [app: [x]] }\nallow_unseen: [app: [y]]\n"
    found = parsed(HEAD + A_RULE, second)
    assert [(rule.number, rule.id, rule.where) for rule in found.rules] == [
        (0, "any", "a.yaml:5:5"),
        (1, "second", "b.yaml:3:5"),
    ]
    assert [matcher.where for matcher in found.allow_unseen] == ["b.yaml:4:16"]


def test_what_each_file_allows_stays_apart() -> None:
    found = parsed(HEAD + "allow: [app: [crm]]\n", "schema: 1\n" + A_RULE, "schema: 1\nallow: [app: [mail]]\n")
    assert [block[0].where for block in found.allow] == ["a.yaml:4:9", "c.yaml:2:9"]


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
