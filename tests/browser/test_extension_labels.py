"""The extension in real browsers: card fields that only a label names, and what only looks like one."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from html import escape

import pytest

from agent.core.matching.text import fold
from tests.browser.extension_live import Live, fields
from tests.browser.labelled import CARD_NAMES, LISTED, dropped, entries, is_closing, is_found, judge, scripts
from tests.browser.test_extension_fields import desk_shows

pytestmark = pytest.mark.desktop

RECALL = 0.97

# -- the lists ----------------------------------------------------------------------------------------------------


def test_what_card_forms_call_their_fields_is_found(live: Live) -> None:
    """The half of the list that the patterns were not tuned on, and the other one."""
    listed = [entry for name in LISTED for entry in entries(name) if entry.want]
    assert len(listed) >= 300
    found, total = Counter[str](), Counter[str]()
    missed = []
    for entry, names in zip(listed, judge(live, listed), strict=True):
        total[entry.half] += 1
        found[entry.half] += is_found(entry, names)
        if not is_found(entry, names):
            missed.append(f"{entry.language} {entry.want} {entry.line}")
    assert found["held"] >= RECALL * total["held"], missed
    assert found["tune"] >= RECALL * total["tune"], missed


def test_what_looks_like_a_card_field_does_not_close(live: Live) -> None:
    listed = [entry for name in LISTED for entry in entries(name) if not entry.want]
    assert len(listed) >= 200
    closing = [entry.line for entry, names in zip(listed, judge(live, listed), strict=True) if is_closing(names)]
    assert closing == []


def test_no_search_before_the_patterns_hides_what_they_know(live: Live) -> None:
    """However the words of the lists are joined: "billing_cc_number", "billingCcNumber", "Billing / CC / number"."""
    listed = [entry for name in LISTED for entry in entries(name)]
    written, without, known = dropped(live, listed)
    assert written > 50_000
    assert without > 5_000
    assert known == []


def test_look_alikes_in_one_page_close_nothing(live: Live) -> None:
    """Each in a root of its own, so that their ids do not meet."""
    parts = "".join(f"<p data-html='{escape(entry.html)}'></p>" for entry in entries("lookalikes"))
    with live.opened("lookalikes", parts):
        live.site.order(
            "lookalikes",
            """for (const part of document.querySelectorAll("[data-html]")) {
              part.attachShadow({mode: "open"}).innerHTML = part.dataset.html;
            }
            document.body.insertAdjacentHTML("beforeend", "<hr><input autocomplete=one-time-code aria-label=Last>");""",
        )
        tab = live.look_until_tab("/lookalikes", lambda tab: "one-time-code" in fields(tab))
        assert fields(tab).isdisjoint(CARD_NAMES)


# -- the ways to say it -------------------------------------------------------------------------------------------

DIGITS = "".join(f"<input maxlength=4 aria-label='Digits {4 * n + 1} to {4 * n + 4}'>" for n in range(4))
MONTHS = "".join(f"<option>{month:02}</option>" for month in range(1, 13))
FORM = f"""<form>
  <fieldset><legend>Card number</legend>{DIGITS}</fieldset>
  <fieldset><legend>Expiry date</legend>
    <select aria-label=Month>{MONTHS}</select><select aria-label=Year><option>2030</option></select>
  </fieldset>
  <label>KPN <input maxlength=4></label>
</form>"""


def test_a_form_of_four_boxes_and_two_lists_is_known_as_a_whole(live: Live) -> None:
    with desk_shows(live, FORM):
        live.look_until_tab("/desk", lambda tab: fields(tab) == set(CARD_NAMES))


@pytest.mark.parametrize(
    "body",
    [
        f"<label for=i>{' ' * 500}Card{' ' * 500}number</label><input id=i>",
        f"<label for=i>{'Needed for the order. ' * 8}Card number</label><input id=i>",
        "<label for=i><select><option>of it</option></select>Card<wbr> number</label><input id=i>",
        "<label for=i>Card</label><label for=i>number</label><input id=i>",
        "<span id=x aria-label='Card number'>*</span><input aria-labelledby=x>",
        "<table><tr><td>A. Person</td><th>Card number</th><td><p><input></p></td></tr></table>",
        (
            "<div role=grid><div role=row><b role=columnheader>Name</b><b role=columnheader>Card number</b></div>"
            "<div role=row><i role=gridcell>A. Person</i><i role=gridcell><input></i></div></div>"
        ),
        "<table><tr><th colspan=2>Name</th><th>Card number</th></tr><tr><td>A.<td>Person<td><input></tr></table>",
        "<dl><dt>Card number</dt><dd><input></dd></dl>",
        "<textarea placeholder='Card number'></textarea>",
        "<select aria-label='Card number'><option>other</option></select>",
    ],
)
def test_a_label_is_read_as_it_is_seen(live: Live, body: str) -> None:
    with desk_shows(live, body):
        live.look_until_tab("/desk", lambda tab: fields(tab) == {"cc-number"})


def test_what_is_in_a_field_is_no_label(live: Live) -> None:
    """Not what is typed into an editable one, and not what a list offers."""
    body = """<label for=i>Name <span contenteditable>Card number</span> <select><option>Card number</option></select>
        </label><input id=i><p contenteditable id=p>Card number</p><input aria-labelledby=p>
        <textarea>Card number</textarea>"""
    with desk_shows(live, body):
        assert fields(live.look_until_tab("/desk")) == set()


def test_an_expiry_date_alone_closes_nothing(live: Live) -> None:
    with desk_shows(live, "<fieldset><legend>Valid until</legend><input aria-label=Month></fieldset>"):
        assert fields(live.look_until_tab("/desk")) == set()
        live.site.order("desk", "document.querySelector('main').insertAdjacentHTML('beforeend', '<input name=cvv>')")
        live.look_until_tab("/desk", lambda tab: fields(tab) == {"cc-csc", "cc-exp"})


# -- and to say it later ------------------------------------------------------------------------------------------

# A page that asks for no card, and what then happens to it. `main` is around it.
LATER = {
    "text in a label": ("<label for=i>Your <b>name</b></label><input id=i>", "one('b').textContent = 'card number'"),
    "text beside an element in a label": (
        "<label for=i>Name <b>*</b></label><input id=i>",
        "one('label').firstChild.nodeValue = 'Card number'",
    ),
    "a label of something else": (
        "<label for=x>Card number</label><hr><p><input id=i></p>",
        "one('label').htmlFor='i'",
    ),
    "the text of a picture": ("<label for=i><img alt=Name></label><input id=i>", "one('img').alt = 'Card number'"),
    "the first of two labels": (
        "<b id=x>Member</b><b id=y>number</b><input aria-labelledby='x y'>",
        "one('#x').textContent = 'Card'",
    ),
    "the label of one that has none": ("<hr><input><hr>", "one('input').placeholder = 'Card number'"),
    "an attribute that users read": ("<input title=Name>", "one('input').title = 'Card number'"),
    "an attribute of a payment service": ("<input data-checkout=x>", "one('input').dataset.checkout = 'cardNumber'"),
    "a description": (
        "<input aria-describedby=x aria-label=Long><p id=x>Help</p>",
        "one('p').textContent = 'Enter your card number'",
    ),
    "a description that comes": (
        "<input aria-describedby=x aria-label=Long>",
        "main.insertAdjacentHTML('beforeend', '<p id=x>Enter your card number</p>')",
    ),
    "a description in itself": ("<input>", "one('input').setAttribute('aria-description', 'Enter your card number')"),
    "a legend": (
        "<fieldset><legend>Order</legend><p><input aria-label='Part 1'></p></fieldset>",
        "one('legend').firstChild.nodeValue = 'Card number'",
    ),
    "a legend that comes": (
        "<fieldset><p><input aria-label='Part 1'></p></fieldset>",
        "one('fieldset').insertAdjacentHTML('afterbegin', '<legend>Card number</legend>')",
    ),
    "the name of a group": (
        "<div role=group aria-label=Order><p><input aria-label='Part 1'></p></div>",
        "one('div').setAttribute('aria-label', 'Card number')",
    ),
    "what becomes a group": (
        "<div aria-label='Card number'><p><input aria-label='Part 1'></p></div>",
        "one('div').setAttribute('role', 'group')",
    ),
    "what a group is labelled by": (
        "<h3 id=x>Order</h3><div role=group aria-labelledby=x><input aria-label='Part 1'></div>",
        "one('h3').textContent = 'Card number'",
    ),
    "what comes and labels a group": (
        "<div role=group aria-labelledby=x><input aria-label='Part 1'></div>",
        "main.insertAdjacentHTML('afterbegin', '<h3 id=x>Card number</h3>')",
    ),
    "the head of a row": (
        "<table><tr><th>Name</th><td><p><input></p></td></tr></table>",
        "one('th').textContent = 'Card number'",
    ),
    "a head of a row that comes": (
        "<table><tr><td><p><input></p></td></tr></table>",
        "one('tr').insertAdjacentHTML('afterbegin', '<th>Card number</th>')",
    ),
    "the cell before": (
        "<table><tr><td>Name</td><td><p><input></p></td></tr></table>",
        "one('td').firstChild.nodeValue = 'Card number'",
    ),
    "the head of a column": (
        "<table><thead><tr><th>Day<th>Name</tr></thead><tbody><tr><td>1<td><input></tr></tbody></table>",
        "main.querySelectorAll('th')[1].textContent = 'Card number'",
    ),
    "a head of a table that comes": (
        "<table><tbody><tr><td>1<td><input></tr></tbody></table>",
        "one('table').createTHead().innerHTML = '<tr><th>Day<th>Card number</tr>'",
    ),
    "a first row that comes": (
        "<table><tbody><tr><td>1<td><input></tr></tbody></table>",
        "one('tbody').insertAdjacentHTML('afterbegin', '<tr><th>Day<th>Card number</tr>')",
    ),
    "the head that a cell names": (
        "<b id=x>Name</b><table><tr><td headers=x><input></td></tr></table>",
        "one('b').textContent = 'Card number'",
    ),
    "the text before": ("Name: <input>", "main.firstChild.nodeValue = 'Card number: '"),
    "a text that comes before": ("<input>", "main.prepend('Card number: ')"),
    "a label that names nothing": (
        "<div><label>Name</label></div><div><input></div>",
        "one('label').textContent = 'Card number'",
    ),
    "a label that floats over it": (
        "<div><input><span>Name</span></div>",
        "one('span').firstChild.nodeValue = 'Card number'",
    ),
    "the label of the element around it": (
        "<x-a label=Name><input></x-a>",
        "one('x-a').setAttribute('label', 'Card number')",
    ),
    "the name of a field that is no control": (
        "<div role=textbox aria-label=Name></div>",
        "one('div').setAttribute('aria-label', 'Card number')",
    ),
    "a heading": (
        "<section><h3>Orders</h3><p><label>Number <input></label></p></section>",
        "one('h3').firstChild.nodeValue = 'Card details'",
    ),
    "a heading that comes": (
        "<section><p><label>Number <input></label></p></section>",
        "one('section').insertAdjacentHTML('afterbegin', '<h3>Card details</h3>')",
    ),
    "a heading that comes in something else": (
        "<section><p><label>Number <input></label></p></section>",
        "one('section').insertAdjacentHTML('afterbegin', '<header><div><h3>Card details</h3></div></header>')",
    ),
    "what becomes a heading": (
        "<section><b>Card details</b><p><label>Number <input></label></p></section>",
        "one('b').setAttribute('role', 'heading')",
    ),
    "a heading between that leaves": (
        "<section><h3>Card details</h3><h3>Orders</h3><p><label>Number <input></label></p></section>",
        "one('section').removeChild(main.querySelectorAll('h3')[1])",
    ),
    "a field that says so little under a heading": (
        "<section><h3>Card details</h3><p><label>Name <input></label></p></section>",
        "one('label').firstChild.nodeValue = 'Number'",
    ),
    "the label of four boxes": (
        "<div>Number</div><div><input maxlength=4><input maxlength=4><input maxlength=4><input maxlength=4></div>",
        "one('div').textContent = 'Card number'",
    ),
    "a label far above": (
        "<div><div>Name</div><div><div><div><div><div><input></div></div></div></div></div></div>",
        "one('div > div').textContent = 'Card number'",
    ),
    "a label after what it is wrapped in": (
        "<div><div><div><input></div></div><label>Name</label></div>",
        "one('label').textContent = 'Card number'",
    ),
    "the first of a label and help": (
        f"<div>Name <small>{'Needed for the order. ' * 6}</small></div><div><input></div>",
        "one('div').firstChild.nodeValue = 'Card number '",
    ),
    "a label above help": (
        f"<div>Name</div><p>{'Needed for the order. ' * 6}</p><input>",
        "one('div').textContent = 'Card number'",
    ),
    "a plain cell above": (
        "<table><tr><td>Day</td><td>Name</td></tr><tr><td></td><td><input></td></tr></table>",
        "main.querySelectorAll('td')[1].textContent = 'Card number'",
    ),
    "a plain row that comes above": (
        "<table><tbody><tr><td></td><td><input></td></tr></tbody></table>",
        "one('tbody').insertAdjacentHTML('afterbegin', '<tr><td>Day</td><td>Card number</td></tr>')",
    ),
    "the label of an editable one": (
        "<label for=i>Name</label><div id=i contenteditable></div>",
        "one('label').textContent = 'Card number'",
    ),
}

SHADOW = """const host = main.appendChild(document.createElement('{host}'));
    const root = host.attachShadow({{mode: '{mode}'}}); root.innerHTML = `{inside}`; host.innerHTML = `{light}`;"""
SLOTTED = "<label for=i><slot></slot></label><input id=i>"
CUSTOM = """if (!customElements.get('x-field')) customElements.define('x-field', class extends HTMLElement {
      static formAssociated = true;
    });"""

# The same where a script makes the page: what it does first, and what then.
LATER_BY_SCRIPT = {
    "text in a slot": (
        SHADOW.format(host="div", mode="open", inside=SLOTTED, light="<b>Name</b>"),
        "one('b').firstChild.nodeValue = 'Card number'",
    ),
    "text in a slot of a closed root": (
        SHADOW.format(host="div", mode="closed", inside=SLOTTED, light="<b>Name</b>"),
        "one('b').firstChild.nodeValue = 'Card number'",
    ),
    "a bare text in a slot": (
        SHADOW.format(host="div", mode="closed", inside=SLOTTED, light="Name"),
        "one('div').firstChild.nodeValue = 'Card number'",
    ),
    "what comes into a slot": (
        SHADOW.format(host="div", mode="closed", inside=SLOTTED, light=""),
        "one('div').innerHTML = '<b>Card number</b>'",
    ),
    "what is put into a slot by its name": (
        SHADOW.format(
            host="div", mode="closed", inside=SLOTTED.replace("slot>", "slot name=a>", 1), light="<b>Card number</b>"
        ),
        "one('b').slot = 'a'",
    ),
    "the label of a custom element": (
        f"{CUSTOM} main.innerHTML = '<label for=i>Name</label><x-field id=i></x-field>';",
        "one('label').textContent = 'Card number'",
    ),
    "a label that comes to a custom element": (
        f"{CUSTOM} main.innerHTML = '<x-field id=i></x-field>';",
        "main.insertAdjacentHTML('afterbegin', '<label for=i>Card number</label>')",
    ),
    "the label of a custom element with a field in it": (
        (
            f"{CUSTOM} main.innerHTML = '<label for=i>Name</label><x-field id=i></x-field>';"
            "one('x-field').attachShadow({mode: 'closed'}).innerHTML = '<input>';"
        ),
        "one('label').textContent = 'Card number'",
    ),
    "an attribute of the host": (
        SHADOW.format(host="x-host", mode="closed", inside="<input>", light=""),
        "one('x-host').setAttribute('label', 'Card number')",
    ),
    "text beside it in a root": (
        SHADOW.format(host="div", mode="open", inside="Name: <input>", light=""),
        "one('div').shadowRoot.firstChild.nodeValue = 'Card number: '",
    ),
    "text in a root in a label": (
        (
            "main.innerHTML = '<label for=i><div></div></label><input id=i>';"
            "one('div').attachShadow({mode: 'open'}).innerHTML = '<b>Name</b>';"
        ),
        "one('div').shadowRoot.firstChild.textContent = 'Card number'",
    ),
    "what a script names without an id": (
        "main.innerHTML = '<b>Card number</b><hr><p><input></p>';",
        "one('input').ariaLabelledByElements = [one('b')]",
    ),
}
EASE = "const main = document.querySelector('main'), one = (selector) => main.querySelector(selector);"


@pytest.mark.parametrize("case", [*LATER, *LATER_BY_SCRIPT])
def test_a_field_that_is_called_otherwise_later_is_found(live: Live, case: str) -> None:
    body, change = LATER[case] if case in LATER else ("", LATER_BY_SCRIPT[case][1])
    with desk_shows(live, body):
        if case in LATER_BY_SCRIPT:
            live.site.order("desk", f"{EASE} {LATER_BY_SCRIPT[case][0]}")
        assert fields(live.look_until_tab("/desk")) == set()
        live.site.order("desk", f"{EASE} {change}")
        live.look_until_tab("/desk", lambda tab: fields(tab) == {"cc-number"})


def test_how_much_goes_into_a_field_says_what_a_hint_is_about(live: Live) -> None:
    body = "<input aria-label=Security maxlength=40 aria-describedby=x><p id=x>Found on the back of your card</p>"
    with desk_shows(live, body):
        assert fields(live.look_until_tab("/desk")) == set()
        live.site.order("desk", f"{EASE} one('input').maxLength = 3")
        live.look_until_tab("/desk", lambda tab: fields(tab) == {"cc-csc"})


@pytest.mark.parametrize(
    ("body", "change"),
    [
        ("<label for=i>Card number</label><input id=i>", "one('label').textContent = 'Order number'"),
        ("<label for=i>Card number</label><input id=i>", "one('label').remove()"),
        ("<section><label for=i>Card number</label></section><input id=i>", "one('section').remove()"),
        ("<p><input aria-describedby=x></p><p id=x>Your card number</p>", "one('#x').remove()"),
        ("<fieldset><legend>Card number</legend><p><input></p></fieldset>", "one('legend').remove()"),
        ("<div role=group aria-label='Card number'><input></div>", "one('div').removeAttribute('role')"),
        ("<table><tr><th>Card number<td><input></table>", "one('th').textContent = 'Gift card number'"),
        ("<table><tr><th>Card number</tr><tr><td><input></table>", "one('tr').remove()"),
        ("<div>Card number</div><div><input></div>", "one('div').remove()"),
        ("<section><h3>Credit card</h3><label>Number <input></label></section>", "one('h3').remove()"),
        (
            "<section><h3>Credit card</h3><label>Number <input></label></section>",
            "one('h3').insertAdjacentHTML('afterend', '<h4>Billing address</h4>')",
        ),
    ],
)
def test_a_field_that_is_called_something_else_is_none_any_more(live: Live, body: str, change: str) -> None:
    with desk_shows(live, body):
        live.look_until_tab("/desk", lambda tab: fields(tab) == {"cc-number"})
        live.site.order("desk", f"{EASE} {change}")
        live.look_until_tab("/desk", lambda tab: fields(tab) == set())


def test_what_no_reader_sees_splits_no_word(live: Live) -> None:
    """All planes but those of ideographs and private use, by the browser's tables: what the extension passes over, the
    core does, too, but for what Python does not know yet. Accents are passed over only here.
    """
    with live.opened("unseen", scripts()):
        answer = live.site.attempt("unseen", _UNSEEN)
    passed, dropped_first = json.loads(answer.removeprefix("Error: "))
    core = {code for code in (*range(0x20000), *range(0xE0000, 0xE2000)) if fold(f"ca{chr(code)}rd") == "card"}
    accents = set(range(0x300, 0x370))
    assert core <= set(passed)
    assert {code for code in passed if code not in core | accents and unicodedata.category(chr(code)) != "Cn"} == set()
    assert dropped_first == []


_UNSEEN = """
const {plain, speaksOfCards} = eyelid;
const passed = [], dropped = [];
for (let code = 0; code < 0xe2000; code = code === 0x1ffff ? 0xe0000 : code + 1) {
  const text = `ca${String.fromCodePoint(code)}rd`;
  if (plain(text) !== "card") continue;
  passed.push(code);
  if (!speaksOfCards(text)) dropped.push(code);
}
throw new Error(JSON.stringify([passed, dropped]));
"""
