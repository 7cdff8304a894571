"""The extension in real browsers: fields by their names and selectors, in every root that can hide them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import pytest

from tests.browser.extension_live import CSS, FIELDS, Live, css, fields, read, tabs_at, titles
from tests.browser.extension_pages import CARD

pytestmark = pytest.mark.desktop

# -- names --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("control", "name"),
    [
        ("<input autocomplete='section-a billing cc-number'>", "cc-number"),
        ("<input type=password>", "current-password"),
        ("<input type=password autocomplete=new-password>", "new-password"),
        ("<input autocomplete=one-time-code>", "one-time-code"),
        ("<input name=cardNumber>", "cc-number"),
        ("<label>Kartennummer <input></label>", "cc-number"),
        ("<label for=a>Número de tarjeta</label><input id=a>", "cc-number"),
        ("<span id=l>Numéro de carte</span><input aria-labelledby=l>", "cc-number"),
        ("<input placeholder='CVV / CVC'>", "cc-csc"),
        ("<input aria-label=Prüfnummer>", "cc-csc"),
        ("<input name=security_code>", "cc-csc"),
        ("<input placeholder='Cryptogramme visuel'>", "cc-csc"),
        ("<select name=card_exp_month></select>", "cc-exp"),
        ("<form><input name=localName><input name=closest><input name=matches><input name=cvv></form>", "cc-csc"),
        ("<div contenteditable aria-label='Card number'></div>", "cc-number"),
        ("<div role='combobox TextBox' aria-label='Card number'></div>", "cc-number"),
        # None of these is a type to a browser, which shows a text field: it takes no space away and folds ASCII alone.
        ("<input type='hidden ' autocomplete=cc-number>", "cc-number"),
        ("<input type=' button' autocomplete=cc-number>", "cc-number"),
        ("<input type='range\n' autocomplete=cc-csc>", "cc-csc"),
        ("<input type='chec\N{KELVIN SIGN}box' autocomplete=cc-number>", "cc-number"),
    ],
)
def test_a_control_goes_by_its_autofill_name(live: Live, control: str, name: str) -> None:
    with desk_shows(live, control):
        tab = live.look_until_tab("/desk", lambda tab: name in fields(tab))
        assert fields(tab) == {name}


def test_other_controls_have_no_such_name(live: Live) -> None:
    body = (
        "<input name=company><input name=q placeholder=Search><input placeholder='Contract expiry'>"
        "<input type=hidden name=cvv><input type=HIDDEN name=cvv><input type=checkbox name=card_number>"
        "<label>Discard number <input></label>"
    )
    with desk_shows(live, body):
        assert fields(live.look_until_tab("/desk", read)) == set()


def test_a_revealed_password_is_still_one(live: Live) -> None:
    with desk_shows(live, "<input type=password id=secret>"):
        live.look_until_tab("/desk", lambda tab: fields(tab) == {"current-password"})
        live.site.order("desk", "document.getElementById('secret').type = 'text'")
        for _ in range(3):
            assert fields(live.look_until_tab("/desk")) == {"current-password"}


@pytest.mark.parametrize(
    "way",
    {
        "in its place": "box.innerHTML = `<input name=geheim id=x value=abc>`",
        "of the same id": "box.innerHTML = `<input id=x>`",
        "of the same name": "box.innerHTML = `<input name=geheim>`",
        "a copy": "const copy = x.cloneNode(); copy.type = 'text'; x.replaceWith(copy)",
        "a twin that was hidden": "x.remove(); document.getElementById('twin').style.display = ''",
    }.items(),
    ids=lambda way: way[0],
)
def test_a_password_may_be_revealed_by_another_element(live: Live, way: tuple[str, str]) -> None:
    body = (
        "<p><input name=geheim id=twin style='display: none'></p><p id=box><input type=password name=geheim id=x></p>"
        "<input name=other><input id=y type=hidden name=geheim>"
    )
    with live.opened("masked", body):
        live.look_until_tab("/masked", lambda tab: fields(tab) == {"current-password"})
        twin = "" if "twin" in way[1] else "document.getElementById('twin').remove();"
        live.site.order("masked", f"const box = document.getElementById('box'), x = box.firstChild; {twin} {way[1]}")
        for _ in range(3):
            assert fields(live.look_until_tab("/masked", read)) == {"current-password"}


@pytest.mark.parametrize(
    "body",
    [
        "<label for=x>Customer name</label><input id=x>",
        "<label>Customer name <input id=x></label>",
        "<span id=says><b>Customer name</b></span><input id=x aria-labelledby=says>",
    ],
)
def test_a_label_may_change_by_its_text_alone(live: Live, body: str) -> None:
    with live.opened("relabelled", body):
        live.look_until_tab("/relabelled", lambda tab: read(tab) and not fields(tab))
        change = "document.querySelector('label, b').firstChild.nodeValue = 'Card number'"
        live.site.order("relabelled", change)
        assert "cc-number" in fields(live.look_until_tab("/relabelled"))


def test_a_form_that_is_called_like_what_is_asked_hides_nothing(live: Live) -> None:
    forms = "".join(f"<form name={name}></form>" for name in ("querySelectorAll", "querySelector", "visibilityState"))
    with live.opened("clobbered", f"{forms}<input autocomplete=cc-csc>"):
        live.line.policy("P2", ["cc-csc"], [])  # searched anew as a whole
        answer = live.line.look_until(lambda look: look["policy"] == "P2")
        live.line.policy("P1", FIELDS, CSS)
        assert fields(tabs_at(answer, "/clobbered")[0]) == {"cc-csc"}


@contextmanager
def desk_shows(live: Live, body: str) -> Iterator[None]:
    """The desk's tab with `body` in it, gone and forgotten afterwards."""
    live.site.order(
        "desk", f"document.body.append(Object.assign(document.createElement('main'), {{innerHTML: {body!r}}}))"
    )
    try:
        yield
    finally:
        live.site.order("desk", "document.querySelector('main').remove()")
        live.look_until_tab("/desk", lambda tab: not fields(tab) and not css(tab))


# -- shadow roots -------------------------------------------------------------------------------------------------

HOSTS = {
    "open": f"host.attachShadow({{mode: 'open'}}).innerHTML = '{CARD}'; main.append(host);",
    "closed": f"host.attachShadow({{mode: 'closed'}}).innerHTML = '{CARD}'; main.append(host);",
    "late": f"main.append(host); await pause(); host.attachShadow({{mode: 'closed'}}).innerHTML = '{CARD}';",
    "filled late": f"""const root = host.attachShadow({{mode: 'closed'}}); main.append(host); await pause();
        root.innerHTML = '{CARD}';""",
    "nested": f"""const outer = host.attachShadow({{mode: 'closed'}}); main.append(host);
        const inner = outer.appendChild(document.createElement('section')); await pause();
        inner.attachShadow({{mode: 'closed'}}).innerHTML = '{CARD}';""",
    "moved": f"""host.attachShadow({{mode: 'closed'}}).innerHTML = '{CARD}'; main.append(host); await pause();
        host.remove(); await pause(); main.append(host);""",
    "declarative": f"main.setHTMLUnsafe(`<div><template shadowrootmode=closed>{CARD}</template></div>`);",
    "custom element": f"""const name = 'x-' + Math.random().toString(36).slice(2);
        customElements.define(name, class extends HTMLElement {{
          constructor() {{ super(); this.attachShadow({{mode: 'closed'}}).innerHTML = '{CARD}'; }}
        }});
        main.innerHTML = `<${{name}}></${{name}}>`;""",
}


@pytest.mark.parametrize("kind", HOSTS)
def test_a_field_in_a_shadow_root_is_seen(live: Live, kind: str) -> None:
    with desk_shows(live, "<p>hosts</p>"):
        # Milliseconds until observers have heard of what was done before: there is no event for that.
        script = """const main = document.querySelector('main'), host = document.createElement('div');
            const pause = () => new Promise((done) => setTimeout(done, 20));"""
        live.site.order("desk", script + HOSTS[kind])
        live.look_until_tab("/desk", lambda tab: fields(tab) == {"cc-number"})


DEFINE = "customElements.define('x-' + kind, class extends HTMLElement { static formAssociated = true; });"
LATE = {
    "in the page": f"main.innerHTML = card; await pause(); {DEFINE}",
    "after one that has left": f"main.innerHTML = card + card; await pause(); main.firstChild.remove(); {DEFINE}",
    "in a closed root": f"""host.attachShadow({{mode: 'closed'}}).innerHTML = card; main.append(host);
        await pause(); {DEFINE}""",
    "in a label": f"main.innerHTML = `<label>${{card}}</label>`; await pause(); {DEFINE}",
    "in an empty frame": f"""main.innerHTML = `<iframe src="javascript:void 0"></iframe>`;
        const {{contentWindow: view}} = main.firstChild;
        view.document.body.innerHTML = card; await pause(); view.{DEFINE.replace("HTMLElement", "view.HTMLElement")}""",
    "by a registry of its own": f"""const scope = new CustomElementRegistry();
        host.attachShadow({{mode: 'closed', customElementRegistry: scope}}).innerHTML = card; main.append(host);
        main.insertAdjacentHTML('afterbegin', card); await pause(); scope.{DEFINE.removeprefix("customElements.")}""",
}


@pytest.mark.parametrize("way", LATE)
def test_a_custom_element_that_becomes_a_field_later_is_seen(live: Live, way: str) -> None:
    """No observer hears of that."""
    with desk_shows(live, "<p>cards</p>"):
        # As above, and until the extension has read the page as it was.
        script = """const main = document.querySelector('main'), host = document.createElement('div');
            const kind = Math.random().toString(36).slice(2), card = `<x-${kind} autocomplete=cc-number></x-${kind}>`;
            const pause = () => new Promise((done) => setTimeout(done, 200));"""
        failed = live.site.attempt("desk", script + LATE[way])
        if "CustomElementRegistry" in failed or "Illegal constructor" in failed:
            pytest.skip("this browser has one registry for a document")
        assert failed == ""
        live.look_until_tab("/desk", lambda tab: read(tab) and fields(tab) == {"cc-number"})


@pytest.mark.parametrize("mode", ["open", "closed"])
def test_a_declarative_shadow_root_of_the_parser_is_seen(live: Live, mode: str) -> None:
    nested = f"<section><template shadowrootmode={mode}>{CARD}</template></section>"
    with live.opened("declared", f"<div><script></script><template shadowrootmode={mode}>{nested}</template></div>"):
        live.look_until_tab("/declared", lambda tab: fields(tab) == {"cc-number"})


def test_a_root_attached_after_the_document_was_written_anew_is_seen(live: Live) -> None:
    with desk_shows(live, "<iframe></iframe>"):
        script = f"""const inner = document.querySelector('iframe').contentDocument;
            inner.open(); inner.write('<p>new</p><div></div>'); inner.close();
            await new Promise((done) => setTimeout(done, 50));
            inner.querySelector('div').attachShadow({{mode: 'closed'}}).innerHTML = '{CARD}';"""
        live.site.order("desk", script)
        live.look_until_tab("/desk", lambda tab: fields(tab) == {"cc-number"})


def test_pages_cannot_tell_that_roots_are_watched(live: Live) -> None:
    probe = """const own = Element.prototype.attachShadow;
        let refusal = '';
        try { document.createElement('input').attachShadow({mode: 'open'}); } catch (error) { refusal = error.name; }
        const found = [
          /\\[native code\\]/.test(Function.prototype.toString.call(own)),
          own.name === 'attachShadow', own.length === 1,
          refusal === 'NotSupportedError', !Object.getOwnPropertyNames(window).some((name) => /eyelid/i.test(name)),
          !/eyelid/i.test(document.documentElement.outerHTML.replace(/<script[^]*?<.script>/g, '')),
        ];
        document.title = 'probed ' + found.join();"""
    with live.opened("probing", ""):
        live.site.order("probing", probe)
        answer = live.line.look_until(lambda look: any(title.startswith("probed") for title in titles(look)))
        assert "probed true,true,true,true,true,true" in titles(answer)


# -- selectors ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "then", "place"),
    [
        ("<i id=x></i>", "id = 'pan'", 0),
        ("<div id=x><i class=amount></i></div>", "className = 'secret'", 1),
        ("<input type=checkbox id=x><b></b>", "checked = true", 3),
        ("<i id=x></i>", "dataset.kind = 'ssn'", 4),
        ("<i id=x></i>", "innerHTML = '<b data-kind=ssn>1</b>'", 4),
        ("<div id=x></div>", "attachShadow({mode: 'closed'}).innerHTML = '<i id=pan></i>'", 0),
    ],
)
def test_a_selector_is_current_at_every_look(live: Live, body: str, then: str, place: int) -> None:
    with desk_shows(live, body):
        assert css(live.look_until_tab("/desk", read)) == set()
        live.site.order("desk", f"document.getElementById('x').{then}")
        assert css(live.look_until_tab("/desk", read)) == {place}


def read_by(live: Live, policy: str) -> dict[str, Any]:
    """The desk in the first look that is by this policy and in which it is read."""
    seen = live.line.look_until(lambda look: look["policy"] == policy and all(map(read, tabs_at(look, "/desk"))))
    (desk,) = tabs_at(seen, "/desk")
    return desk


OPEN = ["[name='cvv]", '[name="cvv', "#zzz /* card", "#zzz\\", "input[name=cvv", "a:not(b", ":is([x", ":is({", ":is(')"]


def test_a_selector_that_is_not_closed_is_refused_and_takes_no_other_with_it(live: Live) -> None:
    with desk_shows(live, "<i id=pan></i>"):
        answer = live.line.policy("P-open", FIELDS, [*OPEN, "#pan"])
        assert answer["refused"] == [*range(len(OPEN))]
        assert css(read_by(live, "P-open")) == {len(OPEN)}
        live.line.policy("P1", FIELDS, CSS)


def test_a_selector_never_changes_what_another_finds(live: Live) -> None:
    chance = Random(7)
    pieces = [
        "a",
        "#b",
        ".c",
        "'",
        '"',
        "\\",
        "/*",
        "*/",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ":is(",
        ":not(",
        "[x='",
        "url(",
        ",",
    ]
    texts = ["".join(chance.choices(pieces, k=chance.randint(1, 8))) for _ in range(4000)]
    with desk_shows(live, "<i id=pan></i>"):
        refused = set(live.line.policy("P-all", FIELDS, [*texts, "#pan"])["refused"])
        taken = [text for place, text in enumerate(texts) if place not in refused]
        assert len(taken) > 20
        assert len(texts) in css(read_by(live, "P-all"))
        live.line.policy("P1", FIELDS, CSS)


@pytest.mark.parametrize("selector", ["input:\\63hecked", "input:/**/checked", "[data-/**/x], [/**/data-y]"])
def test_a_selector_in_another_spelling_is_current_at_every_look(live: Live, selector: str) -> None:
    with desk_shows(live, "<input type=checkbox id=x>"):
        refused = live.line.policy("P-spelt", FIELDS, [selector])["refused"]
        assert css(read_by(live, "P-spelt")) == set()
        live.site.order("desk", "const x = document.getElementById('x'); x.checked = true; x.dataset.y = 1")
        assert refused or css(live.look_until_tab("/desk", read)) == {0}
        live.line.policy("P1", FIELDS, CSS)
