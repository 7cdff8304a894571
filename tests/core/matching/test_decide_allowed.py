"""`allow`: only what it names is kept. What is not named for certain closes; rules close what is named all the same.

The law is an oracle of its own here: it compares plain words, and knows nothing of patterns, doubts and verdicts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from agent.core.matching.decide import Verdict, decide, reasons_of
from agent.core.model.media import Lane
from agent.core.model.rules import AllOf, Attribute, Condition, Matcher, Policy, Rule
from agent.core.model.seen import Blind, Box, Page, Scene, Window, WindowKind
from tests.core.matching.judged import closed, window
from tests.core.policies import HEAD, parsed, policy

NOTHING: tuple[list[str], list[str]] = ([], [])
SHUT = (["not-allowed"], ["not-allowed"])

ONLY = policy(
    """
    allow:
      - app: [crm, phone]
      - all: [{ app: [desk] }, { title: ["Ticket*"] }]
      - url: [crm.example.com, "chrome://newtab"]
    rules:
      - { id: till, why: w, any: [all: [{ app: [crm] }, { title: ["*card*"] }]], audio: record }
      - { id: pay, why: w, any: [url: [crm.example.com/pay]] }
    allow_unseen:
      - app: [slack]
    """
)


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        ((window("crm"), window("phone", id=2)), NOTHING),
        ((window("CRM.exe"),), NOTHING),
        ((window("crm"), window("mail", id=2)), SHUT),
        ((window("crm"), window("mail", id=2, shown=False)), NOTHING),
        ((window("crm"), window("crm2", id=2)), SHUT),
        ((window("desk", "Ticket 17"),), NOTHING),
        ((window("desk", "Reports"),), SHUT),
        ((window("crm"), window("panel", id=2, kind=WindowKind.DESKTOP)), SHUT),
        ((window("crm"), window("chat", id=2, kind=WindowKind.NOTIFICATION)), SHUT),
        # What cannot be read is not allowed, although no rule would ask for it.
        ((window("desk", Blind.NO_TITLE),), SHUT),
        # A rule closes for what is allowed.
        ((window("crm", "a card"),), (["till"], [])),
        ((Page(("https://crm.example.com/pay",)),), (["pay"], ["pay"])),
        # Pages are named by their own address, never by a frame that anybody may embed.
        ((Page(("https://crm.example.com/",)),), NOTHING),
        ((Page(("https://crm.example.com/", "https://ads.example/")),), NOTHING),
        ((Page(("https://mail.example/", "https://crm.example.com/")),), SHUT),
        ((Page(("https://crm.example.com/",)), Page(("https://mail.example/",), parked=True)), SHUT),
        ((Page(("https://crm.example.com/",)), Page(("https://mail.example/",), shown=False)), NOTHING),
        ((Page(()),), (["unreadable", "not-allowed"], ["unreadable", "not-allowed"])),
        # allow_unseen excuses from Eyelid's own rules, and allows nothing.
        ((window("slack", engine=True),), SHUT),
    ],
)
def test_only_what_it_names_is_kept(seen: tuple[Window | Page, ...], said: tuple[list[str], list[str]]) -> None:
    assert closed(ONLY, *seen) == said


def test_a_program_that_cannot_be_told_is_not_allowed() -> None:
    assert "not-allowed" in closed(ONLY, window("crm"), window(Blind.NO_PROCESS, id=2))[0]
    assert closed(ONLY) == (["blind"], ["blind"])


def test_a_browser_with_a_witness_is_allowed_by_its_pages() -> None:
    browser = window("chrome", "CRM - Chrome", engine=True)
    crm, mail = Page(("https://crm.example.com/",)), Page(("https://mail.example/",))
    assert closed(ONLY, browser, crm, accounted=frozenset({1})) == NOTHING
    assert closed(ONLY, browser, mail, accounted=frozenset({1})) == SHUT
    assert closed(ONLY, browser, crm) == (["web-engine", "not-allowed"], ["web-engine", "not-allowed"])


def test_what_an_extension_may_be_showing_is_allowed_by_its_id() -> None:
    dialler = Page((), extension="dialler@example.com")
    named = parsed(HEAD + "allow: [app: [crm]]\nallow_extensions: [dialler@example.com]\n")
    assert "not-allowed" not in closed(named, window("crm"), dialler)[0]


def test_several_files_must_each_name_it() -> None:
    """A file beside the one of IT can take away, and never add."""
    theirs = "schema: 1\nallow:\n  - app: [crm, mail]\n"
    both = parsed(HEAD + "allow:\n  - app: [crm, phone]\n", theirs)
    assert closed(both, window("crm")) == NOTHING
    assert closed(both, window("phone")) == SHUT
    assert closed(both, window("mail")) == SHUT
    listed = parsed(HEAD + "allow: [app: [crm]]\nunlisted: close\nrules: [{id: r, why: w, any: [app: [phone]]}]\n")
    assert closed(listed, window("crm")) == (["unlisted"], ["unlisted"])
    assert closed(listed, window("phone")) == (["r", "not-allowed"], ["r", "not-allowed"])


def test_why_a_page_closes_says_it() -> None:
    assert [reason.id for reason in reasons_of(ONLY, Page(("https://mail.example/",)))] == ["not-allowed"]


# -- the law, against worlds of windows ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    """One line of `allow`, as an author means it: a program, a title, both of one window, or the host of a page."""

    app: str = ""
    title: str = ""
    host: str = ""

    def written(self) -> Condition:
        parts = [(Attribute.APP, self.app), (Attribute.TITLE, self.title), (Attribute.URL, self.host)]
        matchers = tuple(Matcher(attribute, (word,)) for attribute, word in parts if word)
        return AllOf(matchers) if matchers[1:] else matchers[0]

    def means(self, window: Window) -> bool:
        return not self.host and self.app in ("", window.app) and self.title in ("", window.title)


APPS, TITLES, HOSTS = ("crm", "phone", "till"), ("call", "notes"), ("crm.example", "mail.example")
ENTRIES = st.one_of(
    st.builds(Entry, app=st.sampled_from(APPS)),
    st.builds(Entry, title=st.sampled_from(TITLES)),
    st.builds(Entry, app=st.sampled_from(APPS), title=st.sampled_from(TITLES)),
    st.builds(Entry, host=st.sampled_from(HOSTS)),
)
FILES = st.lists(st.lists(ENTRIES, min_size=1, max_size=3), min_size=1, max_size=2)
WINDOWS = st.builds(
    Window,
    id=st.just(0),
    app=st.sampled_from((*APPS, Blind.NO_PROCESS)),
    title=st.sampled_from((*TITLES, Blind.NO_TITLE)),
    pid=st.sampled_from((1, 2, Blind.NO_PROCESS)),
    box=st.just(Box(0, 0, 9, 9)),
    shown=st.booleans(),
    kind=st.sampled_from(WindowKind),
    engine=st.booleans(),
)
PAGES = st.builds(
    Page,
    urls=st.sampled_from(
        [(f"https://{host}/", *inside) for host in HOSTS for inside in ((), ("https://crm.example/",))]
    ),
    shown=st.booleans(),
    parked=st.booleans(),
)
TILL = Rule(0, "till", "sensitive, also where it is allowed", (Matcher(Attribute.APP, ("till",)),))


def family(menu: Window, windows: list[Window]) -> list[Window]:
    """The other windows of a menu's process; none where it is not known whose it is."""
    known = isinstance(menu.pid, int)
    return [one for one in windows if known and one.kind is not WindowKind.POPUP and one.pid == menu.pid]


def visible(windows: list[Window]) -> list[Window]:
    """What can be seen, or may be seen in a menu: the hidden windows of a menu's process while it has none in view."""
    seen = [one for one in windows if one.shown]
    for menu in [one for one in seen if one.kind is WindowKind.POPUP]:
        owners = family(menu, windows)
        seen += [] if any(owner.shown for owner in owners) else owners
    return seen


def may_be_recorded(
    files: list[list[Entry]], windows: list[Window], accounted: frozenset[int], pages: list[Page]
) -> bool:
    """Only if each window and page in view is named in every file, is not the till, and can be looked into."""
    for one in visible(windows):
        owners = family(one, windows) if one.kind is WindowKind.POPUP else []
        app = owners[0].app if owners else one.app
        if one.kind is WindowKind.OVERVIEW or app == "till" or isinstance(app, Blind):
            return False
        if owners:
            continue  # they answer for it
        if one.engine and one.id not in accounted:
            return False
        if one.id not in accounted and not all(any(line.means(one) for line in file) for file in files):
            return False
    return all(
        any(line.host and page.urls[0] == f"https://{line.host}/" for line in file)
        for page in pages
        if page.shown
        for file in files
    )


@given(FILES, st.lists(WINDOWS, max_size=4), st.sets(st.integers(0, 3)), st.lists(PAGES, max_size=2))
def test_recorded_is_only_what_every_window_in_view_allows(
    files: list[list[Entry]], windows: list[Window], accounted: set[int], pages: list[Page]
) -> None:
    windows = [replace(window, id=number) for number, window in enumerate(windows)]
    allow = tuple(tuple(line.written() for line in file) for file in files)
    judge = Policy("hash", 1, "Only these", (TILL,), allow=allow)
    scene = Scene(tuple(windows), tuple(pages), frozenset(accounted))
    verdict = decide(judge, scene)
    anything = bool(windows or pages)
    expected = anything and may_be_recorded(files, windows, frozenset(accounted), pages)
    event(f"recorded: {expected}")
    assert [not verdict.on(lane) for lane in Lane] == [expected, expected]
    unbound = decide(Policy("hash", 1, "Anything", (TILL,)), scene)
    assert verdict == Verdict() or {r.id for r in unbound.screen} <= {r.id for r in verdict.screen}  # it only closes
