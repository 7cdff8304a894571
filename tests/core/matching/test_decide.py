"""The judgement: which rules speak for a scene on each lane, Eyelid's own among them, and what holds of every scene."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.language.keys import OWN_RULES
from agent.core.matching.decide import Verdict, decide
from agent.core.model.media import Lane
from agent.core.model.rules import Effect, Reason
from agent.core.model.seen import Blind, Box, Page, Scene, Window, WindowKind
from agent.core.model.times import SECOND
from agent.core.proof.timing import timings
from tests.core.matching.judged import CARDS, CHART, NOTHING, closed, menu, window
from tests.core.policies import policy, rule

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


def test_a_verdict_says_who_spoke_and_on_which_lane() -> None:
    chart, till, tried = Reason("chart", 0), Reason("till", 1), Reason("tried", 2)
    verdict = Verdict((till, Reason("blind")), (chart,), ((Lane.AUDIO, tried),))
    assert verdict.ids == {"chart", "till", "tried"}
    assert [verdict.on(lane) for lane in (Lane.SCREEN, Lane.AUDIO)] == [(till, Reason("blind")), (chart,)]
    assert [verdict.would_on(lane) for lane in (Lane.SCREEN, Lane.AUDIO)] == [(), (tried,)]


def test_eyelids_own_rules_speak_last_whatever_was_found_first() -> None:
    assert closed(CHART, window("epic", Blind.NO_TITLE), window("till", id=2))[0] == ["till", "unreadable"]


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


def test_the_desktops_own_windows_need_no_title_but_one_that_is_there_is_read() -> None:
    """Any program may call its window a dock."""
    titles = rule("any: [title: [secret]]")
    assert closed(titles, window("xfdesktop", "", kind=WindowKind.DESKTOP)) == NOTHING
    assert closed(titles, window("xfdesktop", Blind.NO_TITLE, kind=WindowKind.DESKTOP))[0] == ["unreadable"]
    assert closed(titles, window("xfdesktop", "secret", kind=WindowKind.DESKTOP))[0] == ["r"]
    assert closed(titles, window("notes", Blind.NO_TITLE))[0] == ["unreadable"]
    assert closed(CHART, window(Blind.NO_PROCESS, kind=WindowKind.DESKTOP))[0] == ["unreadable"]


def test_a_notification_is_a_window_of_its_sender() -> None:
    assert closed(CHART, window("till", "You have mail", kind=WindowKind.NOTIFICATION))[0] == ["till"]


# -- menus --------------------------------------------------------------------------------------------------------


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
    assert closed(CHART, window("epic", "Inbox"), menu(title=Blind.NO_TITLE))[0] == ["unreadable"]


@pytest.mark.parametrize("pid", [7, Blind.NO_PROCESS])
def test_a_menu_without_a_window_is_judged_as_a_window(pid: int | Blind) -> None:
    assert closed(CHART, window(), menu(title=Blind.NO_TITLE, pid=pid)) == (["unreadable"], [])
    assert closed(CHART, window(), menu("till", pid=pid))[0] == ["till"]
    assert closed(CHART, window(), menu("x", pid=pid, engine=True))[0] == ["web-engine"]


def test_two_menus_do_not_answer_for_each_other() -> None:
    assert closed(CHART, menu(Blind.NO_PROCESS), menu(Blind.NO_PROCESS, id=10))[0] == ["unreadable"]


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


def test_an_overview_adds_nothing_to_a_rule_that_is_only_tried() -> None:
    overview, hidden = window("shell", "", id=5, kind=WindowKind.OVERVIEW), window(title="Doe - chart", shown=False)
    assert closed(TRIED, hidden, overview) == NOTHING
    assert would(hidden, overview) == [("screen", "chart"), ("audio", "chart")]


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
    less = [replace(seen, title=Blind.NO_TITLE)]
    if seen.kind is not WindowKind.POPUP:  # a menu takes its program from its owner
        less.append(replace(seen, app=Blind.FOREIGN_PROCESS))
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


@given(SCENES)
def test_a_rule_that_is_only_tried_changes_no_verdict(scene: Scene) -> None:
    tried = replace(BOTH, rules=(*BOTH.rules[:2], replace(BOTH.rules[2], dry_run=True)))
    without = replace(BOTH, rules=BOTH.rules[:2])
    for lane in Lane:
        assert decide(tried, scene).on(lane) == decide(without, scene).on(lane)
