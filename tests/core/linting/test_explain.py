"""Why the policy says what it says: which words of which line fit what, and what each rule does to each lane."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.linting.explain import Does, Hit, Word, hits_of, words_of
from agent.core.matching.decide import decide
from agent.core.model.media import Lane
from agent.core.model.rules import Attribute
from agent.core.model.seen import Box, Page, Scene, Window
from tests.core.policies import policy

RULES = policy(
    """
    rules:
      - id: cards
        why: PCI
        any:
          - url: [stripe.com, js.stripe.com]
          - field: [cc-csc, cc-number]
          - css: ["#pan"]
        unless:
          - url: [stripe.com/docs]
        audio: { pause: open }
      - id: chart
        why: HIPAA
        any:
          - all:
              - app: ["epic*"]
              - title: ["*chart*"]
        audio: record
      - id: tried
        why: new
        any:
          - title: ["*chart*"]
        dry_run: true
    allow_unseen:
      - app: [slack]
    """
)


def window(app: str, title: str, **more: object) -> Window:
    values = {"pid": 1, "box": Box(0, 0, 1, 1), "shown": True, **more}
    return Window(1, app, title, **values)  # type: ignore[arg-type]  # a test names what it varies


def said(thing: Window | Page) -> list[tuple[str, str, str]]:
    return [(word.lane.value, word.id, word.does.value) for word in words_of(RULES, thing)]


def test_a_page_that_closes_names_the_pattern_and_the_frame() -> None:
    page = Page(("https://shop.example/", "https://js.stripe.com/v3"))
    rule = RULES.rules[0]
    hits = (
        Hit(Attribute.URL, "stripe.com", "a.yaml:8:15", 1),
        Hit(Attribute.URL, "js.stripe.com", "a.yaml:8:27", 1),
    )
    assert words_of(RULES, page) == (
        Word(Lane.SCREEN, "cards", Does.CLOSES, "a.yaml:5:5", rule, hits),
        Word(Lane.AUDIO, "cards", Does.CLOSES, "a.yaml:5:5", rule, hits),
    )


@pytest.mark.parametrize(
    ("page", "hit"),
    [
        (Page(("https://x.example",), frozenset({"cc-csc"})), Hit(Attribute.FIELD, "cc-csc", "a.yaml:9:17")),
        (
            Page(("https://x.example",), selectors=frozenset({"#pan"})),
            Hit(Attribute.CSS, "#pan", "a.yaml:10:15"),
        ),
    ],
)
def test_fields_and_selectors(page: Page, hit: Hit) -> None:
    assert {word.hits for word in words_of(RULES, page)} == {(hit,)}


def test_an_exception_is_told_with_its_line() -> None:
    page = Page(("https://stripe.com/docs/x", "https://js.stripe.com"))
    assert [(word.does, word.excuse) for word in words_of(RULES, page)] == [
        (Does.EXCUSED, (Hit(Attribute.URL, "stripe.com/docs", "a.yaml:12:15", 0),))
    ] * 2
    # A frame excuses nothing.
    assert said(Page(("https://stripe.com/pay", "https://stripe.com/docs"))) == [
        ("screen", "cards", "closes"),
        ("audio", "cards", "closes"),
    ]


def test_a_window_on_each_lane() -> None:
    assert said(window("epic", "Doe - chart")) == [
        ("screen", "chart", "closes"),
        ("screen", "tried", "would-close"),
        ("audio", "chart", "records"),
        ("audio", "tried", "would-close"),
    ]
    assert said(window("epic", "Doe - chart", shown=False)) == [
        ("screen", "chart", "out-of-view"),
        ("screen", "tried", "out-of-view"),
        ("audio", "chart", "records"),
        ("audio", "tried", "out-of-view"),
    ]
    hits = words_of(RULES, window("epic", "Doe - chart"))[0].hits
    assert [(hit.pattern, hit.place) for hit in hits] == [("epic*", "a.yaml:18:19"), ("*chart*", "a.yaml:19:21")]


def test_rules_of_eyelids_own() -> None:
    assert said(window("chrome", "x", engine=True)) == [
        ("screen", "web-engine", "closes"),
        ("audio", "web-engine", "closes"),
    ]
    words = words_of(RULES, window("slack", "x", engine=True))
    assert [(word.does, word.where) for word in words] == [(Does.EXCUSED, "a.yaml:27:5")] * 2
    accounted = Scene((window("chrome", "x", engine=True),), accounted=frozenset({1}))
    assert words_of(RULES, accounted.windows[0], accounted) == ()


def test_a_page_without_an_address_fits_nothing_for_certain() -> None:
    assert said(Page(("about:blank",))) == [("screen", "unreadable", "closes"), ("audio", "unreadable", "closes")]
    assert hits_of(RULES.rules[0].any, Page(())) == ()


PAGES = st.builds(
    Page,
    st.lists(
        st.sampled_from(("https://js.stripe.com", "https://stripe.com/docs", "https://shop.example", "about:blank")),
        min_size=1,
        max_size=3,
    ).map(tuple),
    st.frozensets(st.sampled_from(("cc-csc", "email"))),
    shown=st.booleans(),
)
WINDOWS = st.builds(
    Window,
    id=st.just(1),
    app=st.sampled_from(("epic", "slack", "notes")),
    title=st.sampled_from(("Doe - chart", "x")),
    pid=st.just(1),
    box=st.just(Box(0, 0, 1, 1)),
    shown=st.booleans(),
    engine=st.booleans(),
    remote=st.booleans(),
)


@given(PAGES | WINDOWS)
def test_what_is_told_is_what_is_decided(thing: Page | Window) -> None:
    scene = Scene((thing,)) if isinstance(thing, Window) else Scene(pages=(thing,))
    verdict = decide(RULES, scene)
    for lane in Lane:
        closes = {word.id for word in words_of(RULES, thing) if word.lane is lane and word.does is Does.CLOSES}
        assert closes == {reason.id for reason in verdict.on(lane)}
        tried = {word.id for word in words_of(RULES, thing) if word.lane is lane and word.does is Does.TRIED}
        assert tried <= {reason.id for reason in verdict.would_on(lane)}
