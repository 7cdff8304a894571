"""The extension in real browsers: what a look shows of pages that hide things in every way a page can."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from Xlib import X
from Xlib.display import Display
from Xlib.protocol.event import ClientMessage
from Xlib.xobject.drawable import Window

from tests.browser.extension_live import (
    CSS,
    FIELDS,
    Live,
    browser,
    css,
    fields,
    read,
    tabs,
    tabs_at,
    titles,
    urls,
)
from tests.browser.extension_pages import page
from tests.stage import displays

pytestmark = pytest.mark.desktop

CARD = "<input autocomplete=cc-number>"


@pytest.fixture(scope="module", params=["chromium", "firefox"])
def live(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with browser(request.param, tmp_path_factory.mktemp(request.param)) as running:
        yield running


@pytest.fixture
def card_form(live: Live) -> Iterator[str]:
    """The name of a tab in front with a card field `#number` in it."""
    with live.opened("card", "<input id=number autocomplete=cc-number>"):
        live.look_until_tab("/card", lambda tab: "cc-number" in fields(tab))
        yield "card"


# -- the line -----------------------------------------------------------------------------------------------------


def test_hello_comes_first_and_says_who_it_is(live: Live) -> None:
    hello = live.line.heard[0]
    assert (hello["n"], hello["kind"], hello["protocol"]) == (1, "hello", 1)
    assert hello["browser"] == live.name.capitalize()
    assert hello["private"] is False
    assert all(part.isdigit() for part in hello["version"].split("."))


def test_policy_is_answered_with_the_selectors_that_the_browser_refuses(live: Live) -> None:
    told = [message for message in live.line.heard if message["kind"] == "policy"]
    assert told[-1]["hash"] == "P1"
    assert told[-1]["refused"] == [CSS.index("::::")]


def test_looks_carry_the_hash_they_were_judged_with(live: Live, card_form: str) -> None:
    live.line.policy("P2", ["cc-csc"], [])
    answer = live.line.look_until(lambda look: look["policy"] == "P2")
    assert fields(tabs_at(answer, f"/{card_form}")[0]) == set()
    live.line.policy("P1", FIELDS, CSS)
    answer = live.line.look_until(lambda look: look["policy"] == "P1")
    assert fields(tabs_at(answer, f"/{card_form}")[0]) == {"cc-number"}


def test_windows_have_a_place_and_a_title(live: Live, card_form: str) -> None:
    answer = live.line.look_until(lambda look: card_form in titles(look))
    window = answer["windows"][titles(answer).index(card_form)]
    assert window["minimised"] is False
    assert window["private"] is False
    left, top, width, height = window["box"]
    assert 0 <= left < left + width <= 1280
    assert 0 <= top < top + height <= 800


# -- what is open -------------------------------------------------------------------------------------------------


def test_a_minimised_window_shows_no_tab(live: Live) -> None:
    with displays.connection(live.display) as link:
        (top,) = managed(link)
        change = ClientMessage(window=top, client_type=link.intern_atom("WM_CHANGE_STATE"), data=(32, [3, 0, 0, 0, 0]))
        link.screen().root.send_event(change, event_mask=X.SubstructureRedirectMask | X.SubstructureNotifyMask)
        link.flush()
        answer = live.line.look_until(lambda look: any(window["minimised"] for window in look["windows"]))
        (window,) = (window for window in answer["windows"] if window["minimised"])
        assert [tab["visible"] for tab in window["tabs"]] == [False]
        top.map()
        link.flush()
        live.look_until_tab("/desk", lambda tab: tab["visible"] and tab["painted"])


def managed(link: Display) -> list[Window]:
    ids = link.screen().root.get_full_property(link.intern_atom("_NET_CLIENT_LIST"), X.AnyPropertyType).value
    return [link.create_resource_object("window", number) for number in ids]


def test_every_kind_of_frame_is_read(live: Live) -> None:
    live.site.serve({"/inner": CARD.replace("number", "csc")})
    body = f"""
      <iframe src="{live.site.other}/inner"></iframe>
      <iframe sandbox="allow-scripts" src="/inner?sandboxed"></iframe>
      <iframe srcdoc='{CARD}'></iframe>
      <iframe src='data:text/html,<input type=password>'></iframe>
      <script>
        const inner = new Blob(["<input autocomplete=one-time-code>"], {{type: "text/html"}});
        const frame = document.body.appendChild(document.createElement("iframe"));
        frame.src = URL.createObjectURL(inner);
        const blank = document.body.appendChild(document.createElement("iframe"));
        blank.contentDocument.body.innerHTML = "<input autocomplete=new-password>";
      </script>"""
    with live.opened("frames", body):
        tab = live.look_until_tab("/frames", lambda tab: read(tab) and len(fields(tab)) == 5)
        by_scheme = {frame["url"].partition(":")[0]: frame["fields"] for frame in tab["frames"][1:]}
        assert by_scheme["data"] == ["current-password"]
        assert by_scheme["blob"] == ["one-time-code"]
        by_address = {frame["url"]: frame["fields"] for frame in tab["frames"]}
        assert by_address[f"{live.site.other}/inner"] == ["cc-csc"]
        assert by_address[f"{live.site.here}/inner?sandboxed"] == ["cc-csc"]
        assert by_address["about:srcdoc"] == ["cc-number"]
        assert by_address["about:blank"] == ["new-password"]


def test_hidden_and_distant_frames_do_not_keep_a_look_waiting(live: Live) -> None:
    live.site.serve({"/far": "<p>far</p>"})
    frames = "".join(
        f'<iframe src="{live.site.other}/far?{style}" style="{style}"></iframe>'
        for style in ("display:none", "visibility:hidden", "position:absolute;left:-9999px", "margin-top:5000px")
    )
    with live.opened("distant", frames):
        tab = live.look_until_tab("/distant", lambda tab: read(tab) and tab["painted"])
        assert len(tab["frames"]) == 5
        assert tab["visible"]


def test_a_tab_behind_another_answers_and_is_not_visible(live: Live, card_form: str) -> None:
    with live.opened("cover", ""):
        tab = live.look_until_tab(f"/{card_form}", lambda tab: not tab["visible"])
        assert read(tab)
        assert fields(tab) == {"cc-number"}
        assert not tab["painted"]


def test_the_browsers_own_page_is_unread(live: Live) -> None:
    if live.name == "chromium":
        live.run("--new-window")  # with the browser's own new tab; it opens no other own page from outside
        start = "chrome://"
    else:
        live.run("--new-tab", "about:license")
        start = "about:license"
    live.line.look_until(lambda look: any(tab["unread"] and urls(tab)[0].startswith(start) for tab in tabs(look)))


@pytest.mark.parametrize("source", ["refused", "denied"])
def test_an_error_page_inside_another_page_is_empty(live: Live, source: str) -> None:
    live.site.serve({"/denied": "<p>in no frame</p>"})
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # and does not listen
        address = {"refused": f"http://127.0.0.1:{bound.getsockname()[1]}/", "denied": "/denied"}[source]
        body = f'<iframe src="{address}"></iframe>'
    with live.opened("broken", body):
        tab = live.look_until_tab("/broken", lambda tab: read(tab) and tab["painted"])
        assert urls(tab) == [f"{live.site.here}/broken"]


def test_a_page_that_hangs_is_unread_and_the_look_still_comes(live: Live) -> None:
    with live.opened("hanging", CARD, live.site.other) as address:
        live.site.order("hanging", "setTimeout(() => {for (const end = Date.now() + 3000; Date.now() < end;);}, 50)")
        tab = live.look_until_tab("/hanging", lambda tab: tab["unread"])
        assert urls(tab) == [address]
        live.look_until_tab("/hanging", read)


def test_a_private_window_is_not_seen(live: Live) -> None:
    live.site.serve({"/private": page("private", "")})
    address = f"{live.site.here}/private"
    live.run("--incognito" if live.name == "chromium" else "--private-window", address)
    live.site.order("private", "document.title = 'open'")  # it is there, and runs
    answer = live.line.look()
    live.site.send("private", "window.close()")
    assert not tabs_at(answer, "/private")
    assert not any(window["private"] for window in answer["windows"])


# -- fields -------------------------------------------------------------------------------------------------------


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
    ],
)
def test_a_control_goes_by_its_autofill_name(live: Live, control: str, name: str) -> None:
    with desk_shows(live, control):
        tab = live.look_until_tab("/desk", lambda tab: name in fields(tab))
        assert fields(tab) == {name}


def test_other_controls_have_no_such_name(live: Live) -> None:
    body = (
        "<input name=company><input name=q placeholder=Search><input placeholder='Contract expiry'>"
        "<input type=hidden name=cvv><input type=checkbox name=card_number><label>Discard number <input></label>"
    )
    with desk_shows(live, body):
        assert fields(live.look_until_tab("/desk", read)) == set()


def test_a_revealed_password_is_still_one(live: Live) -> None:
    with desk_shows(live, "<input type=password id=secret>"):
        live.look_until_tab("/desk", lambda tab: fields(tab) == {"current-password"})
        live.site.order("desk", "document.getElementById('secret').type = 'text'")
        for _ in range(3):
            assert fields(live.look_until_tab("/desk")) == {"current-password"}


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
        script = """const main = document.querySelector('main'), host = document.createElement('div');
            const pause = () => new Promise((done) => setTimeout(done, 20));"""
        live.site.order("desk", script + HOSTS[kind])
        live.look_until_tab("/desk", lambda tab: fields(tab) == {"cc-number"})


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
        assert css(live.look_until_tab("/desk")) == set()
        live.site.order("desk", f"document.getElementById('x').{then}")
        assert css(live.look_until_tab("/desk")) == {place}


# -- coming and going ---------------------------------------------------------------------------------------------


def test_what_left_a_visible_page_stays_until_the_page_was_drawn_without_it(live: Live, card_form: str) -> None:
    if live.name == "firefox":
        pytest.skip("Firefox draws twice before it hands on a message, so that no look comes in between")
    change = "document.getElementById('number').remove(); history.pushState(0, '', '#paid'); fetch('/done?id=changed');"
    keep_busy = "for (const end = Date.now() + 400; Date.now() < end;);"  # a look is asked before anything can be drawn
    live.site.order(card_form, f"setTimeout(() => {{{change} {keep_busy}}}, 20)")
    live.site.await_done("changed")
    before = f"{live.site.here}/{card_form}"
    tab = live.look_until_tab("/card")
    assert fields(tab) == {"cc-number"}
    assert urls(tab) == [f"{before}#paid", before]
    tab = live.look_until_tab("/card", lambda tab: not fields(tab) and urls(tab) == [f"{before}#paid"])
    assert tab["painted"]


def test_a_frame_that_was_taken_out_is_in_the_picture_until_its_page_was_drawn(live: Live) -> None:
    if live.name == "firefox":
        pytest.skip("only a view transition keeps a page from being drawn while it answers, and in Firefox it does not")
    live.site.serve({"/inner": page("inner", "<input autocomplete=cc-number>")})
    frame = f'<iframe id=pay src="{live.site.other}/inner"></iframe>'
    with live.opened("taken_out", frame):
        live.look_until_tab("/taken_out", lambda tab: fields(tab) == {"cc-number"} and tab["painted"])
        take_out = "document.getElementById('pay').remove(); fetch('/done?id=taken');"
        freeze = f"() => {{{take_out} return new Promise((go) => setTimeout(go, 1500));}}"
        live.site.order("taken_out", f"document.startViewTransition({freeze})")
        live.site.await_done("taken")
        tab = live.look_until_tab("/taken_out", lambda tab: not fields(tab))
        assert not tab["painted"]
        live.look_until_tab("/taken_out", lambda tab: not fields(tab) and tab["painted"])


def test_a_window_that_another_one_wrote_into_has_no_address_of_its_own(live: Live) -> None:
    write = "const shown = open('', 'written'); shown.document.open(); shown.document.write('<title>w</title>hello');"
    with live.opened("writer", "<p>writes</p>"):
        live.site.order("writer", f"{write} shown.document.close(); window.shown = shown")
        found = live.line.look_until(
            lambda look: [tab for tab in tabs(look) if "about:blank" in urls(tab) and read(tab)]
        )
        written = [tab for tab in tabs(found) if "about:blank" in urls(tab)]
        assert [urls(tab)[0] for tab in written] == ["about:blank"]
        live.site.order("writer", "window.shown.close()")
        live.line.look_until(lambda look: not [tab for tab in tabs(look) if "about:blank" in urls(tab)])


def test_what_left_a_hidden_tab_is_told_once_more_and_then_forgotten(live: Live, card_form: str) -> None:
    before = f"{live.site.here}/{card_form}"
    with live.opened("cover", ""):
        live.look_until_tab("/card", lambda tab: not tab["visible"])
        live.site.order(card_form, "document.getElementById('number').remove(); history.pushState(0, '', '#paid')")
        tab = live.look_until_tab("/card")
        assert fields(tab) == {"cc-number"}
        assert urls(tab) == [f"{before}#paid", before]
        live.look_until_tab("/card", lambda tab: not fields(tab) and urls(tab) == [f"{before}#paid"])


def test_a_field_that_left_a_frame_out_of_sight_is_forgotten(live: Live) -> None:
    live.site.serve({"/inner": page("inner", "<input id=number autocomplete=cc-number>")})
    with live.opened("around", f'<iframe style="margin-top:5000px" src="{live.site.other}/inner"></iframe>'):
        live.look_until_tab("/around", lambda tab: fields(tab) == {"cc-number"})
        live.site.order("inner", "document.getElementById('number').remove()")
        live.look_until_tab("/around", lambda tab: not fields(tab) and tab["painted"])


def test_events_tell_of_addresses_and_fields_as_they_come(live: Live) -> None:
    since = len(live.line.heard)
    with live.opened("eventful", "") as address:
        live.line.await_one(lambda told: told.get("what") == "navigate" and told["urls"][0] == address, since)
        live.site.order("eventful", f"document.body.insertAdjacentHTML('beforeend', '{CARD}')")
        event = live.line.await_one(lambda told: told.get("what") == "field" and told["urls"][0] == address, since)
        assert event["fields"] == ["cc-number"]
        live.site.order("eventful", "history.pushState(0, '', '/paying'); history.replaceState(0, '', '/eventful')")
        live.line.await_one(
            lambda told: told.get("what") in {"history", "tab"} and told["urls"][0].endswith("/paying"), since
        )


def test_many_events_are_joined_and_none_is_lost(live: Live) -> None:
    with live.opened("busy", ""):
        since, began = len(live.line.heard), time.monotonic()
        script = """const field = Object.assign(document.createElement('input'), {name: 'cvv'});
            for (let i = 0; i < 2500; i++) {
              document.body.append(field); await null; field.remove(); await null;
            }
            field.name = 'cardnumber'; document.body.append(field);"""
        live.site.order("busy", script)
        live.line.await_one(lambda told: "cc-number" in told.get("fields", []), since)
        told = [message for message in live.line.heard[since:] if message.get("what") == "field"]
        # 500 in each second of the clock one by one, then 20 joined ones. On a busy machine none need be joined.
        assert 0 < len(told) <= 520 * (time.monotonic() - began + 2)


def test_a_page_kept_for_the_way_back_is_in_no_tab_until_it_returns(live: Live) -> None:
    first = (
        f"<!doctype html><title>first</title>{CARD}<script>"
        "onpageshow = ({persisted}) => { if (persisted) document.title = 'back'; };"
        "onload = () => setTimeout(() => { location.href = '/second'; }, 300);</script>"
    )
    live.site.serve({"/first": first, "/second": page("second", "")})
    live.site.order("desk", "window.open('/first', '_blank', 'noopener')")
    tab = live.look_until_tab("/second", read)
    live.look_until_tab("/second", lambda tab: read(tab) and fields(tab) == set() and tab["painted"])
    live.site.send("second", "history.back()")
    answer = live.line.look_until(
        lambda look: any(read(tab) and fields(tab) == {"cc-number"} for tab in tabs_at(look, "/first"))
    )
    assert "back" in titles(answer), "the browser loaded the page anew: nothing was tried"
    assert tabs_at(answer, "/first")[0]["id"] == tab["id"]


def test_a_prerendered_page_is_in_no_tab_until_it_is_shown(live: Live) -> None:
    if live.name == "firefox":
        pytest.skip("Firefox prerenders nothing")
    rules = '{"prerender": [{"source": "list", "urls": ["/later"], "eagerness": "immediate"}]}'
    once = "if (document.prerendering) onload = () => fetch('/done?id=prerendered');"
    live.site.serve({"/later": page("later", f"{CARD}<script>{once}</script>")})
    with live.opened("before", f"<script type=speculationrules>{rules}</script>"):
        live.site.await_done("prerendered")
        tab = live.look_until_tab("/before", read)
        assert urls(tab) == [f"{live.site.here}/before"]
        live.site.send("before", "location.href = '/later'")
        live.look_until_tab("/later", lambda tab: read(tab) and tab["painted"] and fields(tab) == {"cc-number"})
        live.site.send("later", "location.href = '/before'")
        live.look_until_tab("/before", lambda tab: read(tab) and not fields(tab))


def test_a_new_agent_is_greeted_anew(live: Live) -> None:
    numbers = [message["n"] for message in live.line.heard]
    assert numbers == list(range(1, len(numbers) + 1))
    live.line.cut()
    live.line = live.agent.accept()
    assert live.line.heard[0]["kind"] == "hello"
    assert live.line.heard[0]["n"] == 1
    live.line.policy("P1", FIELDS, CSS)
    live.look_until_tab("/desk", read)


# -- what a page does without telling anybody --------------------------------------------------------------------------


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
        answer = live.line.look_until(lambda look: look["policy"] == "P2" and tabs_at(look, "/clobbered")[0]["painted"])
        live.line.policy("P1", FIELDS, CSS)
        assert fields(tabs_at(answer, "/clobbered")[0]) == {"cc-csc"}


def test_while_a_view_transition_runs_the_page_before_is_in_the_picture(live: Live, card_form: str) -> None:
    change = "document.startViewTransition(() => document.getElementById('number').remove()).ready"
    slow = "<style>::view-transition-group(*), ::view-transition-old(*) { animation-duration: 1500ms }</style>"
    live.site.order(card_form, f"document.head.insertAdjacentHTML('beforeend', '{slow}'); await {change}")
    tab = live.look_until_tab("/card")
    assert fields(tab) == {"cc-number"} or not tab["painted"]
    live.look_until_tab("/card", lambda tab: not fields(tab) and tab["painted"])


def test_a_frame_whose_style_has_not_come_has_not_painted(live: Live) -> None:
    live.site.serve({"/styled": '<!doctype html><title>s</title><link rel=stylesheet href="/slow.css"><body>new'})
    with live.opened("frames_slowly", f'<iframe id=f src="{live.site.other}/inner"></iframe>'):
        live.look_until_tab("/frames_slowly", lambda tab: read(tab) and tab["painted"])
        live.site.order("frames_slowly", f"document.getElementById('f').src = '{live.site.other}/styled'")
        styled = lambda tab: any(url.endswith("/styled") for url in urls(tab))  # noqa: E731
        began = time.monotonic()
        live.look_until_tab("/frames_slowly", styled)
        while time.monotonic() < began + 1.6:
            assert not live.look_until_tab("/frames_slowly", styled)["painted"]
        live.look_until_tab("/frames_slowly", lambda tab: styled(tab) and read(tab) and tab["painted"])
