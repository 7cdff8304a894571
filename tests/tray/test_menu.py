"""The menu: what stands in it for each state, and what a click asks of the recorder."""

from __future__ import annotations

from typing import Any

import pytest

from agent.tray.icon_state import icon_state_of
from agent.tray.menu import LISTED, Action, Entry, menu_of
from agent.tray.words import LANGUAGES, Words, catalogue
from testkit.played import OFFER, held, sound, status

WORDS = Words("en")
NOW = 1_764_000_000.0
CARDS = "card numbers are never kept"


def menu(said: dict[str, Any] | None, pauses: list[dict[str, Any]] | None = None) -> dict[str, Entry]:
    entries = menu_of(icon_state_of(said), said, pauses, WORDS, now=NOW)
    keys = [entry.key for entry in entries]
    assert len(set(keys)) == len(keys)
    assert entries[0].label
    assert entries[-1].label
    return {entry.key: entry for entry in entries}


def pause(ago: float, length: float, kind: str = "closed", *names: str) -> dict[str, Any]:
    return {"began": NOW - ago, "s": length, "kind": kind, "names": list(names)}


def test_it_says_what_is_happening_first() -> None:
    found = menu(status(troubles={"store-lies": "", "rule-flaps": "cards"}, offline_s=20.0))
    assert list(found)[:7] == [
        "sentence", "sentence-1", "troubled", "offline", "offline-1", "evidence", "troubles"
    ]  # fmt: skip
    assert found["troubled"].label == "Tell IT: something is wrong that only they can fix (store-lies)."
    assert found["sentence"].label == "The eye is open: your screen is being recorded."
    assert found["sentence-1"].label == "Calls are not recorded here."
    assert found["troubles"].label == "For IT: rule-flaps"
    assert menu(status("stalled"))["advice"].label.startswith("Log off")


def test_each_lane_has_its_own_evidence() -> None:
    said = status(pictures_ago_s=30.0, receipt_ago_s=2.0, sound=sound(sealed_ago_s=None))
    assert menu(said)["evidence"].label == (
        "Last sealed: screen 30 s ago, call not yet · last confirmed by the store: under 10 s ago"
    )
    assert menu(status(pictures_ago_s=30.0))["evidence"].label.startswith("Last sealed: 30 s ago · ")
    older = {key: value for key, value in status(sealed_ago_s=40.0).items() if key != "pictures_ago_s"}
    assert menu(older)["evidence"].label.startswith("Last sealed: 40 s ago · ")


def test_whoever_is_recorded_is_told_that_titles_and_addresses_are_too() -> None:
    assert "scenes" not in menu(status())
    assert "scenes" not in menu(status(scenes=False))
    assert menu(status(scenes=True))["scenes"].label.startswith("Titles and addresses")


def test_a_hold_is_chosen_with_its_reason() -> None:
    found = menu(status())
    assert found["hold"].label == "Stop recording for 5 min"
    assert [(child.label, child.action) for child in found["hold"].children] == [
        ("Break", Action("hold", 300.0, "break")),
        ("Private call", Action("hold", 300.0, "private")),
        ("Something else", Action("hold", 300.0, "other")),
    ]
    assert found["hold-on"].children[0].action == Action("hold", None, "break")


def test_the_policys_reasons_and_bounds() -> None:
    offer = {"allow": True, "max_s": 120.0, "reasons": ["Break", "Call"], "own": False}
    found = menu(status(user_hold=offer))
    assert found["hold"].label == "Stop recording for 2 min"
    assert found["hold"].children[1] == Entry("hold-1", "Call", Action("hold", 120.0, "Call"))
    assert found["hold-on"].label == "Stop recording until I resume it, 2 min at most"
    assert "hold" not in menu(status(user_hold={**OFFER, "allow": False}))
    assert menu(status(user_hold={**OFFER, "allow": False}))["forbidden"].action is None


def test_who_holds_can_release_and_who_is_not_recorded_can_do_neither() -> None:
    found = menu(held(60.0))
    assert found["release"].action == Action("release")
    assert "hold" not in found
    gone = menu(None)
    assert list(gone) == ["sentence", "advice", "advice-1", "line-1", "help"]


def test_help_stands_in_the_menu_and_opens_nothing() -> None:
    """A page in a browser would close the eye."""
    asks = menu(None)["help"]
    assert asks.action is None
    assert [child.key for child in asks.children if not child.label] == ["help-1", "help-2", "help-3"]
    assert len({child.key for child in asks.children}) == len(asks.children)
    assert [child.action for child in asks.children] == [None] * len(asks.children)
    assert asks.children[-1].label == "Privacy notice (GDPR 13): ask your employer's data protection officer"
    assert "notice" not in menu(None)


@pytest.mark.parametrize("spoken", LANGUAGES)
def test_a_line_of_help_fits_into_a_menu(spoken: str) -> None:
    said = menu_of(icon_state_of(None), None, None, Words(spoken), now=NOW)
    [asks] = [entry for entry in said if entry.key == "help"]
    assert [child.label for child in asks.children if len(child.label) > 115] == []


def test_the_privacy_notice_has_its_place_in_menu_and_help() -> None:
    def notices(notice: str) -> list[Entry]:
        entries = menu_of(icon_state_of(None), None, None, WORDS, now=NOW, notice=notice)
        [asks] = [entry for entry in entries if entry.key == "help"]
        return [entry for entry in (*entries, *asks.children) if entry.key.endswith("notice")]

    page, line = notices("https://intranet.example/privacy"), notices("Intranet, Data protection")
    assert [entry.action for entry in page] == [Action("notice")] * 2
    assert [(entry.label, entry.action) for entry in line] == [
        ("Privacy notice (GDPR 13): Intranet, Data protection", None)
    ] * 2


def test_a_long_notice_is_lines_of_a_menu_of_its_own() -> None:
    text = "Example AG records _screens_ & <b>calls</b>, " + "and so on " * 30 + "\n\nhttps://example.com {0}"
    for spoken in LANGUAGES:
        entries = menu_of(icon_state_of(None), None, None, Words(spoken), now=NOW, notice=text)
        [asks] = [entry for entry in entries if entry.key == "help"]
        both = [entry for entry in (*entries, *asks.children) if entry.key.endswith("notice")]
        for entry in both:
            assert entry.label == catalogue(spoken)["menu.notice"]
            lines = [child.label for child in entry.children]
            assert " ".join(lines) == " ".join(text.split())  # as it is written: neither markup nor a format
            assert all(0 < len(line) <= 100 for line in lines)
            assert {child.action for child in entry.children} == {None}
        keys = [child.key for entry in both for child in entry.children]
        assert len(keys) == len(set(keys)) > 6


@pytest.mark.parametrize("text", ["https://example.com\nis where it is", "https://example.com and more"])
def test_an_address_within_text_is_opened_by_no_click(text: str) -> None:
    [entry] = [
        one for one in menu_of(icon_state_of(None), None, None, WORDS, now=NOW, notice=text) if one.key == "notice"
    ]
    assert entry.action is None


def test_what_was_not_recorded_today_the_latest_first() -> None:
    assert menu(status())["pauses"].label == "Not recorded today: not known"
    assert menu(status(), [])["pauses"].label == "Not recorded today: nothing so far"
    assert menu(status(), [pause(60, 0.3, "blind")])["pauses"].label == "Not recorded today: nothing so far"
    found = menu(
        status(),
        [pause(7200, 60.0, "closed", "card-forms"), pause(600, 90.0, "held", "user"), pause(30, 30.0, "blind")],
    )["pauses"]
    assert found.label == "Not recorded today: 3 times, 3 min in all"
    assert [child.label.partition("· ")[2] for child in found.children] == [
        "Eyelid could not find out what was open",
        "stopped by you (2 min)",
        "the rule card-forms (60 s)",
    ]
    assert found.children[0].label.startswith("since ")
    said = {**pause(60, 9.0, "closed", "card-forms", "cvc", "unlisted"), "why": {"card-forms": CARDS, "cvc": CARDS}}
    (child,) = menu(status(), [said])["pauses"].children
    assert child.label.partition("· ")[2] == f"{CARDS}; a window that is not to be recorded (9 s)"
    many = menu(status(), [pause(100 + number, 10.0, "closed", "r") for number in range(30)])["pauses"]
    assert len(many.children) == LISTED
