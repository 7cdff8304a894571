"""A field that gets its name from elsewhere in the page, and later; and that nothing of what is typed is ever told."""

from __future__ import annotations

import json
import time

import pytest

from tests.browser.extension_live import Live, fields, press, read

pytestmark = pytest.mark.desktop

SETTLED = 1.5  # seconds after which no observer has anything left to tell
LINGERS = 2.5  # seconds: longer than what has lost its name counts as present for its own sake
# A tab that is just opened has the focus a moment later, and a key goes through the browser's own process first.
SOON = """for (let tries = 0; !({}); tries++) {{
  if (tries > 250) throw new Error("{}");
  await new Promise(done => setTimeout(done, 20));
}}
"""
FOCUS = SOON.format("document.hasFocus()", "the tab is not in front") + "document.getElementById('%s').focus()"
ARRIVED = SOON.format("(f => (f.value ?? f.textContent).length >= %d)(document.getElementById('%s'))", "a key was lost")
TRIES = 3
CASES = {
    "the label comes later": (
        "<input id=i>",
        "document.body.insertAdjacentHTML('beforeend', '<label for=i>Card number</label>')",
    ),
    "what it is labelled by comes later": (
        "<input aria-labelledby=x>",
        "document.body.insertAdjacentHTML('beforeend', '<div><span id=x>Card number</span></div>')",
    ),
    "what it is labelled by gets its id later": (
        f"<input aria-labelledby=x><p>{'Much is said here. ' * 8}<span>Card number</span></p>",
        "document.querySelector('span').id = 'x'",
    ),
    "what it is labelled by is replaced": (
        "<span id=x>Name</span><input aria-labelledby=x>",
        "document.querySelector('span').outerHTML = '<span id=x>Card number</span>'",
    ),
    "what it was labelled by goes, and another has its id": (
        "<section><span id=x>Name</span></section><span id=x>Card number</span><input aria-labelledby=x>",
        "document.querySelector('section').remove()",
    ),
    "a label can be written into": (
        "<label aria-label='Card number'>x</label>",
        "document.querySelector('label').contentEditable = 'true'",
    ),
    "a label becomes a text box": (
        "<label aria-label='Card number'>x</label>",
        "document.querySelector('label').role = 'textbox'",
    ),
    "what it was labelled by gives its id away": (
        "<span id=x>Name</span><span id=x>Card number</span><input aria-labelledby=x>",
        "document.querySelector('span').id = 'y'",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_field_that_is_named_later_is_found(live: Live, case: str) -> None:
    body, change = CASES[case]
    with live.opened("late", body):
        live.look_until_tab("/late", lambda tab: read(tab) and not fields(tab))
        live.site.order("late", change)
        time.sleep(SETTLED)  # the first look after it must know: each look asks the extension again
        assert "cc-number" in fields(live.look_until_tab("/late"))


TRANSLATED = {
    "Firefox": "document.documentElement.lang = 'ru'",
    "Chrome": "document.documentElement.classList.add('translated-ltr')",
    "Edge": "document.querySelector('main').setAttribute('_msttexthash', '1')",
}
FORM = "document.querySelector('main').innerHTML = '<label>Card number <input></label>'"
IN_RUSSIAN = "document.querySelector('label').firstChild.data = 'Номер карты'"


@pytest.mark.parametrize("by", TRANSLATED)
@pytest.mark.parametrize("comes", ["before", "after"])
def test_a_field_keeps_its_name_when_its_words_are_translated(live: Live, by: str, comes: str) -> None:
    """Whether it comes before its page is translated or after. What is called otherwise counts for two seconds more."""
    translate = TRANSLATED[by]
    first, then = ([FORM], [IN_RUSSIAN, translate]) if comes == "before" else ([translate, FORM], [IN_RUSSIAN])
    with live.opened("translated", "<main></main>"):
        for change in first:
            live.site.order("translated", change)
        live.look_until_tab("/translated", lambda tab: "cc-number" in fields(tab))
        for change in then:
            live.site.order("translated", change)
        time.sleep(LINGERS)
        assert "cc-number" in fields(live.look_until_tab("/translated", read))
        live.site.order("translated", "document.querySelector('label').remove()")
        live.look_until_tab("/translated", lambda tab: read(tab) and not fields(tab))


def test_a_hidden_code_keeps_its_name_beside_that_of_a_password_when_it_is_translated(live: Live) -> None:
    with live.opened("code", "<label>Security code of your card <input type=password></label>"):
        live.look_until_tab("/code", lambda tab: "cc-csc" in fields(tab))
        for change in (TRANSLATED["Firefox"], "document.querySelector('label').firstChild.data = 'Код на обороте'"):
            live.site.order("code", change)
        time.sleep(LINGERS)
        assert {"cc-csc", "current-password"} <= fields(live.look_until_tab("/code", read))


def test_a_field_that_is_called_otherwise_in_the_same_language_loses_its_name(live: Live) -> None:
    with live.opened("renamed", "<label>Card number <input></label>"):
        live.look_until_tab("/renamed", lambda tab: "cc-number" in fields(tab))
        live.site.order("renamed", "document.querySelector('label').firstChild.data = 'Your town'")
        live.look_until_tab("/renamed", lambda tab: read(tab) and not fields(tab))


def test_what_can_no_longer_be_written_into_is_no_field(live: Live) -> None:
    with live.opened("written", "<div contenteditable aria-label='Card number'>x</div>"):
        live.look_until_tab("/written", lambda tab: "cc-number" in fields(tab))
        live.site.order("written", "document.querySelector('div').removeAttribute('contenteditable')")
        live.look_until_tab("/written", lambda tab: read(tab) and not fields(tab))


def type_key(live: Live, key: str, place: str, number: int) -> None:
    """The key as `number`th into an element. Now and then one does not get to a Firefox that has just opened a tab: it
    is typed again, and if it comes late after all it makes another word, which the test sees.
    """
    for _ in range(TRIES):
        live.site.order("typing", FOCUS % place)
        press(live.display, key)
        failed = live.site.attempt("typing", ARRIVED % (number, place))
        if not failed:
            return
    raise AssertionError(f"key {number} into {place}: {failed}")


def test_what_is_typed_is_never_told(live: Live) -> None:
    body = "<input id=i autocomplete=cc-number><div id=e contenteditable aria-label='Card number'></div>"
    with live.opened("typing", body):
        live.look_until_tab("/typing", lambda tab: "cc-number" in fields(tab))
        for place in ("i", "e"):
            for number, key in enumerate("sekret", start=1):
                type_key(live, key, place, number)
            live.look_until_tab("/typing")
        live.site.order(
            "typing", "if (i.value !== 'sekret' || e.textContent !== 'sekret') throw new Error('nothing was typed')"
        )
        live.look_until_tab("/typing")
    assert "sekret" not in json.dumps(live.line.heard)
