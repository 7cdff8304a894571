"""The judgement: which rules speak for a scene on each lane, Eyelid's own among them, and every line that excuses."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from agent.core.asking import timings
from agent.core.decide import Finding, Verdict, decide, explain, interaction_is_on
from agent.core.model import SECOND, Blind, Box, Effect, Lane, Page, Policy, Reason, Scene, Window, WindowKind
from agent.core.policy_keys import OWN_RULES
from tests.core.policies import policy, rule

CHART = policy(
    """
    rules:
      - id: chart
        why: HIPAA
        any:
          - all:
              - app: [epic]
              - title: ["*chart*"]
        screen: pause
        audio: record
        stay_closed: 2s
      - id: till
        why: PCI
        any:
          - app: [till]
        unless:
          - title: ["till - closed"]
        audio: { pause: open }
    """
)
CARDS = policy(
    """
    rules:
      - id: cards
        why: PCI
        any:
          - url: [pay.example.com]
          - field: [cc-csc]
        unless:
          - url: [example.com/docs, pay.example.com/help]
        audio: { pause: open }
    """
)


def window(app: str | Blind = "notes", title: str | Blind = "Notes", **more: object) -> Window:
    number = int(str(more.pop("id", 1)))
    values = {"pid": number, "box": Box(0, 0, 10, 10), "shown": True, **more}
    return Window(number, app, title, **values)  # type: ignore[arg-type]  # a test names what it varies


def closed(
    policy: Policy, *seen: Window | Page, accounted: frozenset[int] = frozenset()
) -> tuple[list[str], list[str]]:
    """Who closes the screen and who closes the sound."""
    scene = Scene(
        tuple(one for one in seen if isinstance(one, Window)),
        tuple(one for one in seen if isinstance(one, Page)),
        accounted,
    )
    verdict = decide(policy, scene)
    return [reason.id for reason in verdict.screen], [reason.id for reason in verdict.audio]


NOTHING: tuple[list[str], list[str]] = ([], [])


# -- the policy's rules -------------------------------------------------------------------------------------------


def test_a_clean_scene() -> None:
    assert decide(CHART, Scene((window(), window("epic", "Inbox", id=2)))) == Verdict()


def test_each_rule_on_each_lane() -> None:
    scene = Scene((window("till"), window("epic", "Doe - Chart", id=2), window("epic", "Roe - Chart", id=3)))
    assert decide(CHART, scene) == Verdict(
        screen=(Reason("chart", 0, 2 * SECOND), Reason("till", 1)), audio=(Reason("till", 1),)
    )


def test_all_asks_for_one_window() -> None:
    assert closed(CHART, window("epic", "Inbox"), window("notes", "my chart", id=2)) == NOTHING


def test_what_is_only_open_speaks_where_the_rule_says_open() -> None:
    assert closed(CHART, window("till", shown=False), window("epic", "chart", id=2, shown=False)) == ([], ["till"])


def test_unless_keeps_a_rule_silent_for_its_own_window_only() -> None:
    assert closed(CHART, window("till", "Till - closed")) == NOTHING
    assert closed(CHART, window("till", "Till - closed"), window("till", "Till", id=2))[0] == ["till"]


@pytest.mark.parametrize("lane", ["screen", "audio"])
def test_pause_beats_record(lane: str) -> None:
    found = policy(
        f"""
        rules:
          - {{ id: keep, why: w, any: [app: [till]], screen: record, audio: record }}
          - {{ id: drop, why: w, any: [app: [till]], {lane}: pause }}
        """
    )
    assert "drop" in closed(found, window("till"))[0 if lane == "screen" else 1]


# -- what cannot be read ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("blind", Blind)
def test_blind_is_closed(blind: Blind) -> None:
    assert decide(CHART, blind) == Verdict((Reason("blind"),), (Reason("blind"),))


def test_an_empty_scene_is_blind() -> None:
    assert decide(CHART, Scene()) == Verdict((Reason("blind"),), (Reason("blind"),))


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (window(Blind.NO_PROCESS), (["unreadable"], ["unreadable"])),
        (window(Blind.NO_PROCESS, shown=False), ([], ["unreadable"])),
        (window("epic", Blind.NO_TITLE), (["unreadable"], [])),
        (window("epic", Blind.NO_TITLE, shown=False), NOTHING),
        (window("notes", Blind.NO_TITLE), NOTHING),  # whatever its title says, no rule would fit
        (window("till", Blind.NO_TITLE), (["till"], ["till"])),  # perhaps excepted is not excepted
        (window(Blind.NO_PROCESS, "Till - closed"), NOTHING),  # whatever its program is, no rule would fit
    ],
)
def test_a_rule_that_needs_what_is_unread_closes(seen: Window, said: tuple[list[str], list[str]]) -> None:
    assert closed(CHART, seen) == said


def test_a_window_that_no_rule_looks_at_may_be_unreadable() -> None:
    assert closed(CARDS, window(Blind.NO_PROCESS, Blind.NO_TITLE)) == NOTHING


def test_the_desktops_own_windows_need_no_title_but_a_program() -> None:
    titles = rule("any: [title: [secret]]")
    assert closed(titles, window("xfdesktop", Blind.NO_TITLE, kind=WindowKind.DESKTOP)) == NOTHING
    assert closed(titles, window("xfdesktop", "secret", kind=WindowKind.DESKTOP))[0] == ["r"]
    assert closed(titles, window("notes", Blind.NO_TITLE))[0] == ["unreadable"]
    assert closed(CHART, window(Blind.NO_PROCESS, kind=WindowKind.DESKTOP))[0] == ["unreadable"]


def test_a_notification_is_a_window_of_its_sender() -> None:
    assert closed(CHART, window("till", "You have mail", kind=WindowKind.NOTIFICATION))[0] == ["till"]


# -- menus --------------------------------------------------------------------------------------------------------


def menu(app: str | Blind = "epic", title: str | Blind = Blind.NO_TITLE, **more: object) -> Window:
    return window(app, title, **{"id": 9, "pid": 1, "kind": WindowKind.POPUP, **more})


def test_a_menu_adds_nothing_to_the_window_it_belongs_to() -> None:
    assert closed(CHART, window("epic", "Inbox"), menu()) == NOTHING
    assert closed(CHART, window("epic", "Inbox"), menu(Blind.NO_PROCESS)) == NOTHING
    assert closed(CHART, window("epic", "Inbox", engine=True), menu(engine=True), accounted=frozenset({1})) == NOTHING


def test_a_menu_of_a_hidden_window_shows_what_that_holds() -> None:
    assert closed(CHART, window("epic", "chart", shown=False), menu()) == (["chart"], [])
    assert closed(CHART, window("epic", "chart", shown=False), menu(shown=False)) == NOTHING


def test_a_menu_of_a_process_with_a_window_in_view_does_not_raise_its_hidden_ones() -> None:
    shown, hidden = window("epic", "Inbox"), window("epic", "chart", id=2, pid=1, shown=False)
    assert closed(CHART, shown, hidden, menu()) == NOTHING


def test_a_menus_own_title_still_counts() -> None:
    assert closed(CHART, window("epic", "Inbox"), menu(title="Doe: chart"))[0] == ["chart"]


@pytest.mark.parametrize("pid", [7, Blind.NO_PROCESS])
def test_a_menu_without_a_window_is_judged_as_a_window(pid: int | Blind) -> None:
    assert closed(CHART, window(), menu(pid=pid)) == (["unreadable"], [])
    assert closed(CHART, window(), menu("till", pid=pid))[0] == ["till"]
    assert closed(CHART, window(), menu("x", pid=pid, engine=True))[0] == ["web-engine"]


def test_two_menus_do_not_answer_for_each_other() -> None:
    assert closed(CHART, menu(), menu(id=10)) == (["unreadable"], [])


# -- web engines and remote displays ------------------------------------------------------------------------------


def test_a_web_engine_without_a_witness_closes() -> None:
    browser = window("chrome", "Inbox - Chrome", engine=True)
    assert closed(CHART, browser) == (["web-engine"], ["web-engine"])
    assert closed(CHART, browser, accounted=frozenset({2}))[0] == ["web-engine"]
    assert closed(CHART, browser, accounted=frozenset({1})) == NOTHING


def test_a_web_engine_in_the_background_counts_where_a_rule_looks_at_pages_there() -> None:
    hidden = window("chrome", "Inbox - Chrome", engine=True, shown=False)
    assert closed(CHART, hidden) == NOTHING
    assert closed(CARDS, hidden) == ([], ["web-engine"])
    mixed = rule("any: [{ app: [till] }, { url: [pay.example.com] }]\naudio: { pause: open }")
    assert closed(mixed, hidden) == ([], ["web-engine"])


def test_a_remote_display_closes() -> None:
    remote = window("wfica", "Epic - chart", remote=True)
    assert closed(CHART, remote) == (["remote-display"], ["remote-display"])
    # A minimised one still counts for the sound: the till may be open in it.
    assert closed(CHART, replace(remote, shown=False)) == ([], ["remote-display"])
    assert closed(rule("any: [app: [x]]"), replace(remote, shown=False)) == NOTHING


def test_both_at_once() -> None:
    assert closed(CHART, window("vdi", engine=True, remote=True))[0] == ["web-engine", "remote-display"]


# -- overviews ----------------------------------------------------------------------------------------------------


def test_an_overview_shows_what_is_open() -> None:
    overview = window("shell", "", id=5, kind=WindowKind.OVERVIEW)
    hidden = window("epic", "chart", shown=False)
    assert closed(CHART, hidden, overview) == (["chart", "overview"], [])
    assert closed(CHART, hidden, replace(overview, shown=False)) == NOTHING
    assert closed(CHART, window(shown=False), overview) == NOTHING


def test_an_overview_says_nothing_of_what_is_in_view_anyway() -> None:
    overview = window("shell", "", id=5, kind=WindowKind.OVERVIEW)
    assert closed(CHART, window("till", shown=False), overview) == (["till", "overview"], ["till"])


@pytest.mark.parametrize(
    ("hidden", "own"),
    [
        (window("chrome", shown=False, engine=True), "web-engine"),
        (window("wfica", shown=False, remote=True), "remote-display"),
        (window("epic", Blind.NO_TITLE, shown=False), "unreadable"),
    ],
)
def test_an_overview_shows_what_cannot_be_looked_into(hidden: Window, own: str) -> None:
    overview = window("shell", "", id=5, kind=WindowKind.OVERVIEW)
    assert closed(CHART, hidden, overview)[0] == [own, "overview"]


# -- allow_unseen -------------------------------------------------------------------------------------------------

ALLOWING = policy(
    """
    rules:
      - id: titles
        why: w
        any:
          - title: [secret]
          - url: [pay.example.com]
        audio: record
    allow_unseen:
      - app: [slack, shell]
      - title: ["Dial pad"]
      - url: ["about:blank", "chrome://newtab"]
    """
)


@pytest.mark.parametrize(
    "seen",
    [
        window("Slack", "General", engine=True),
        window("slack", Blind.NO_TITLE),
        window("slack", "x", remote=True),
        window("phone", "dial pad", engine=True),
        Page(("about:blank",)),
    ],
)
def test_what_a_person_has_looked_at_is_let_pass(seen: Window | Page) -> None:
    assert closed(ALLOWING, seen) == NOTHING


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (window("slack", "secret", engine=True), ["titles"]),  # no exception from a rule of the policy
        (window(Blind.NO_PROCESS, Blind.NO_TITLE), ["unreadable"]),
        (window(Blind.NO_PROCESS, "Dial pad", engine=True), []),  # its title names it
        (window("phone", Blind.NO_TITLE), ["unreadable"]),
        (window("phone", Blind.NO_TITLE, engine=True), ["unreadable", "web-engine"]),
        (window("notslack", "x", engine=True), ["web-engine"]),
        (Page(("https://exa mple.com",)), ["unreadable"]),
        (Page(("https://shop.example", "https://exa mple.com")), ["unreadable"]),
    ],
)
def test_nothing_else_is_let_pass(seen: Window | Page, said: list[str]) -> None:
    assert closed(ALLOWING, seen)[0] == said


def test_an_overview_can_be_let_pass() -> None:
    overview = window("shell", "", id=5, kind=WindowKind.OVERVIEW)
    assert closed(ALLOWING, window("x", "secret", shown=False), overview) == NOTHING


# -- pages --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (Page(("https://shop.example/",)), NOTHING),
        (Page(("https://pay.example.com/",)), (["cards"], ["cards"])),
        (Page(("https://shop.example/", "https://pay.example.com/")), (["cards"], ["cards"])),
        (Page(("https://shop.example/",), frozenset({"cc-csc"})), (["cards"], ["cards"])),
        (Page(("https://example.com/docs", "https://pay.example.com/")), NOTHING),
        # An advertisement that embeds the excepted page does not silence the rule.
        (Page(("https://pay.example.com/", "https://example.com/docs")), (["cards"], ["cards"])),
        (Page(("https://shop.example/", "https://pay.example.com/help")), (["cards"], ["cards"])),
        (Page(("about:blank",)), (["unreadable"], ["unreadable"])),
        (Page(("about:blank",), frozenset({"cc-csc"})), (["cards"], ["cards"])),
        (Page(("https://shop.example/", "about:blank")), NOTHING),
        (Page(("https://pay.example.com/",), parked=True), (["cards"], ["cards"])),  # its picture may come up
        (Page(("https://pay.example.com/",), shown=False), ([], ["cards"])),
        (Page(("https://shop.example/",), unread=True), (["unseen-page"], ["unseen-page"])),
    ],
)
def test_pages(page: Page, said: tuple[list[str], list[str]]) -> None:
    assert closed(CARDS, page) == said


def test_parked_tabs_may_be_allowed() -> None:
    allowing = replace(CARDS, parked_tabs_allowed=True)
    assert closed(allowing, Page(("https://pay.example.com/",), parked=True)) == ([], ["cards"])
    assert closed(allowing, Page(("https://pay.example.com/",)))[0] == ["cards"]


# -- unlisted, and recording only interactions --------------------------------------------------------------------

LISTED = policy(
    """
    unlisted: close
    record_when:
      any:
        - app: [crm]
        - url: [crm.example.com]
    rules:
      - id: tools
        why: w
        any:
          - app: [phone, calc]
          - url: [wiki.example.com]
        unless:
          - title: ["*private*"]
          - url: [wiki.example.com/secret]
        screen: record
        audio: record
      - id: till
        why: w
        any: [app: [till]]
        audio: record
    """
)


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        ((window("crm"), window("phone", id=2)), NOTHING),
        ((window("crm"), window("mail", id=2)), (["unlisted"], ["unlisted"])),
        ((window("crm"), window("mail", id=2, shown=False)), NOTHING),
        ((window("crm"), window(Blind.NO_PROCESS, id=2)), (["unreadable", "unlisted"], ["unlisted"])),
        ((window("crm"), window("phone", "private", id=2)), (["unlisted"], ["unlisted"])),
        ((window("crm"), window("phone", Blind.NO_TITLE, id=2)), (["unlisted"], ["unlisted"])),
        ((window("crm"), window("till", id=2)), (["till"], [])),
        ((window("crm"), window("panel", id=2, kind=WindowKind.DESKTOP)), (["unlisted"], ["unlisted"])),
        ((window("crm"), menu()), NOTHING),
        ((window("phone"),), (["not-recorded"], ["not-recorded"])),
        ((window("phone"), window("crm", id=2, shown=False)), NOTHING),
        ((window("phone"), window(Blind.NO_PROCESS, id=2, shown=False)), (["not-recorded"], ["not-recorded"])),
        ((Page(("https://crm.example.com/",)),), NOTHING),
        ((Page(("https://crm.example.com/",)), Page(("https://wiki.example.com/",))), NOTHING),
        ((Page(("https://crm.example.com/",)), Page(("https://mail.example/",))), (["unlisted"], ["unlisted"])),
        # What opens is the page's own address, not a frame that anybody may embed.
        (
            (Page(("https://mail.example/", "https://crm.example.com/")),),
            (["unlisted", "not-recorded"], ["unlisted", "not-recorded"]),
        ),
        (
            (Page(("https://crm.example.com/",)), Page(("https://wiki.example.com/secret",))),
            (["unlisted"], ["unlisted"]),
        ),
    ],
)
def test_only_what_is_named_is_kept(seen: tuple[Window | Page, ...], said: tuple[list[str], list[str]]) -> None:
    assert closed(LISTED, *seen) == said


def test_a_browser_with_a_witness_is_listed_by_its_pages() -> None:
    browser = window("chrome", "CRM - Chrome", engine=True)
    crm = Page(("https://crm.example.com/",))
    assert closed(LISTED, browser, crm, accounted=frozenset({1})) == NOTHING
    assert closed(LISTED, browser, crm) == (["web-engine", "unlisted"], ["web-engine", "unlisted"])


def test_an_overview_shows_what_is_not_listed() -> None:
    shell = window("phone", "", id=5, kind=WindowKind.OVERVIEW)
    assert closed(LISTED, window("crm"), window("mail", id=2, shown=False), shell)[0] == ["unlisted", "overview"]


def test_an_interaction_that_another_witness_sees() -> None:
    scene = Scene((window("phone"),))
    assert not interaction_is_on(LISTED, scene)
    assert decide(LISTED, scene, interaction=True) == Verdict()
    assert interaction_is_on(LISTED, Scene((window("crm", shown=False),)))
    assert not interaction_is_on(LISTED, Blind.NO_ANSWER)
    assert interaction_is_on(CHART, Blind.NO_ANSWER)  # a policy that always records asks for none


# -- what is said of it -------------------------------------------------------------------------------------------


def test_who_spoke_for_what_and_in_which_line() -> None:
    scene = Scene((window("till", id=7),))
    assert explain(CHART, scene) == (
        Finding(Lane.SCREEN, Reason("till", 1), Effect.PAUSE, "a.yaml:14:5", "window 7"),
        Finding(Lane.AUDIO, Reason("till", 1), Effect.PAUSE, "a.yaml:14:5", "window 7"),
    )


def test_explaining_without_more_ado_asks_for_the_interaction_too() -> None:
    assert {found.reason.id for found in explain(LISTED, Scene((window("phone"),)))} == {"not-recorded"}


def test_what_was_let_pass_names_the_line() -> None:
    overview = window("shell", "", id=5, kind=WindowKind.OVERVIEW)
    scene = Scene((window("slack", Blind.NO_TITLE, id=7, engine=True), overview), (Page(("about:blank",)),))
    let_pass = explain(ALLOWING, scene)
    assert {found.effect for found in let_pass} == {Effect.RECORD}
    assert [(found.reason.id, found.thing, found.where) for found in let_pass if found.lane is Lane.SCREEN] == [
        ("unreadable", "window 7", "a.yaml:12:5"),
        ("unreadable", "page 0", "a.yaml:14:5"),
        ("web-engine", "window 7", "a.yaml:12:5"),
        ("overview", "window 5", "a.yaml:12:5"),
    ]
    assert decide(ALLOWING, scene) == Verdict()


def test_blindness_is_said_of_the_whole_scene() -> None:
    assert explain(CHART, Blind.EMPTY) == (
        Finding(Lane.SCREEN, Reason("blind")),
        Finding(Lane.AUDIO, Reason("blind")),
    )


# -- a dry run ----------------------------------------------------------------------------------------------------

TRIED = policy(
    """
    rules:
      - id: chart
        why: HIPAA
        any: [title: ["*chart*"]]
        audio: { pause: open, lead: 8s }
        dry_run: true
      - id: till
        why: PCI
        any: [app: [till]]
    allow_unseen: [app: [slack]]
    """
)


def would(*seen: Window) -> list[tuple[str, str]]:
    return [(lane.value, reason.id) for lane, reason in decide(TRIED, Scene(seen)).would]


def test_a_rule_that_is_only_tried_closes_nothing_and_is_told_of() -> None:
    assert closed(TRIED, window(title="Doe - chart")) == NOTHING
    assert would(window(title="Doe - chart")) == [("screen", "chart"), ("audio", "chart")]
    assert would(window(title="Doe - chart", shown=False), window(id=2)) == [("audio", "chart")]
    assert would(window()) == []
    verdict = decide(TRIED, Scene((window("till", "Doe - chart"),)))
    assert (verdict.screen, verdict.would_on(Lane.SCREEN)) == ((Reason("till", 1),), (Reason("chart", 0),))


def test_what_a_rule_that_is_only_tried_cannot_read_closes_nothing() -> None:
    assert closed(TRIED, window(title=Blind.NO_TITLE)) == NOTHING
    assert would(window(title=Blind.NO_TITLE)) == [("screen", "chart"), ("audio", "chart")]
    assert would(window("slack", title=Blind.NO_TITLE)) == []


def test_a_rule_that_is_only_tried_names_nothing_and_asks_for_no_time() -> None:
    listed = replace(TRIED, unlisted=Effect.PAUSE, rules=TRIED.rules[:1])
    assert closed(listed, window(title="Doe - chart")) == (["unlisted"], ["unlisted"])
    assert closed(TRIED, window(id=1), window(remote=True, shown=False, id=2)) == NOTHING
    assert timings(TRIED, Lane.AUDIO) == timings(replace(TRIED, rules=TRIED.rules[1:]), Lane.AUDIO)


# -- laws ---------------------------------------------------------------------------------------------------------

TEXT = st.sampled_from(("epic", "till", "chrome", "Doe - chart", "Till - closed", "Inbox"))
WINDOWS = st.builds(
    Window,
    id=st.integers(1, 9),
    app=TEXT | st.just(Blind.NO_PROCESS),
    title=TEXT | st.just(Blind.NO_TITLE),
    pid=st.integers(1, 3) | st.just(Blind.NO_PROCESS),
    box=st.just(Box(0, 0, 1, 1)),
    shown=st.booleans(),
    kind=st.sampled_from(WindowKind),
    engine=st.booleans(),
    remote=st.booleans(),
)
PAGES = st.builds(
    Page,
    st.lists(st.sampled_from(("https://pay.example.com", "https://shop.example", "about:blank", "x")), max_size=3).map(
        tuple
    ),
    st.frozensets(st.sampled_from(("cc-csc", "email"))),
    shown=st.booleans(),
)
SCENES = st.builds(
    Scene,
    st.lists(WINDOWS, max_size=5, unique_by=lambda window: window.id).map(tuple),
    st.lists(PAGES, max_size=3).map(tuple),
    st.frozensets(st.integers(1, 9)),
)
BOTH = replace(CHART, rules=(*CHART.rules, replace(CARDS.rules[0], number=2)))


@given(SCENES, WINDOWS | PAGES)
def test_more_to_see_never_opens_the_eye(scene: Scene, more: Window | Page) -> None:
    if isinstance(more, Window):
        # A window of a known process may explain that process's menu, so this one is of a process of its own.
        fuller = replace(scene, windows=(*scene.windows, replace(more, id=10, pid=10)))
    else:
        fuller = replace(scene, pages=(*scene.pages, more))
    before, after = decide(BOTH, scene), decide(BOTH, fuller)
    for lane in Lane:
        assert set(before.on(lane)) - {Reason("blind")} <= set(after.on(lane))


@given(SCENES)
def test_what_is_shown_closes_no_less_than_what_is_only_open(scene: Scene) -> None:
    shown = replace(scene, windows=tuple(replace(window, shown=True) for window in scene.windows))
    own = {Reason("overview")}
    for lane in Lane:
        assert set(decide(BOTH, scene).on(lane)) - own <= set(decide(BOTH, shown).on(lane))


@given(SCENES.filter(lambda scene: bool(scene.windows)), st.data())
def test_reading_less_never_opens_the_eye(scene: Scene, data: st.DataObject) -> None:
    number = data.draw(st.integers(0, len(scene.windows) - 1))
    seen = scene.windows[number]
    assume(seen.kind is not WindowKind.POPUP)  # a menu takes its program from its owner and needs no title
    less = [replace(seen, app=Blind.FOREIGN_PROCESS)]
    if seen.kind is not WindowKind.DESKTOP:  # nor does the desktop
        less.append(replace(seen, title=Blind.NO_TITLE))
    windows = (*scene.windows[:number], data.draw(st.sampled_from(less)), *scene.windows[number + 1 :])
    before, after = decide(BOTH, scene), decide(BOTH, replace(scene, windows=windows))
    for lane in Lane:
        assert not before.on(lane) or after.on(lane)


@given(SCENES)
def test_every_reason_is_a_rule_of_the_policy_or_one_of_eyelids_own(scene: Scene) -> None:
    for lane in Lane:
        for reason in decide(BOTH, scene).on(lane):
            if reason.number is None:
                assert reason.id in OWN_RULES
            else:
                assert BOTH.rules[reason.number].id == reason.id


# -- what a browser witness says ----------------------------------------------------------------------------------


def test_a_witness_of_pages_alone_is_not_blind_for_having_none() -> None:
    assert decide(CARDS, Scene(pages_only=True)) == Verdict()
    assert [reason.id for reason in decide(CARDS, Scene()).screen] == ["blind"]


def test_a_page_that_did_not_answer_may_be_let_pass_by_its_address() -> None:
    allowing = policy(
        """
        rules:
          - id: cards
            why: PCI
            any:
              - field: [cc-csc]
        allow_unseen:
          - url: ["chrome://newtab"]
        """
    )
    newtab, settings = Page(("chrome://newtab",), unread=True), Page(("chrome://settings",), unread=True)
    assert closed(allowing, newtab) == NOTHING
    assert closed(allowing, newtab, settings) == (["unseen-page"], ["unseen-page"])
    findings = explain(allowing, Scene(pages=(newtab,), pages_only=True))
    assert {(finding.effect, finding.thing) for finding in findings} == {(Effect.RECORD, "page 0")}


def test_a_page_that_did_not_answer_counts_in_the_background_only_where_a_rule_would_look() -> None:
    hidden = Page(("https://shop.example/",), shown=False, unread=True)
    assert closed(CARDS, hidden) == ([], ["unseen-page"])
    assert closed(CHART, hidden) == NOTHING


def test_a_page_that_can_no_longer_be_followed_closes_whatever_is_allowed() -> None:
    assert closed(CARDS, Page((), unread=True))[0] == ["unreadable", "unseen-page"]


def test_parked_tabs_that_are_allowed_do_not_close_for_being_unread() -> None:
    parked = Page(("https://shop.example/",), parked=True, unread=True)
    assert closed(replace(CARDS, parked_tabs_allowed=True), parked)[0] == []
    assert closed(CARDS, parked)[0] == ["unseen-page"]


def test_an_accounted_window_is_no_web_engine_without_a_witness() -> None:
    browser = window("chromium", "Shop", id=7, engine=True)
    assert closed(CARDS, browser) == (["web-engine"], ["web-engine"])
    assert closed(CARDS, browser, accounted=frozenset({7})) == NOTHING


@given(SCENES)
def test_a_rule_that_is_only_tried_changes_no_verdict(scene: Scene) -> None:
    tried = replace(BOTH, rules=(*BOTH.rules[:2], replace(BOTH.rules[2], dry_run=True)))
    without = replace(BOTH, rules=BOTH.rules[:2])
    for lane in Lane:
        assert decide(tried, scene).on(lane) == decide(without, scene).on(lane)
