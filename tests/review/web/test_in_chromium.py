"""The console in a real Chromium: from the one-time link by passkey, by keyboard alone, without a fault of axe's."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from review.people.routes import SESSION
from testkit import keyboard, web
from testkit.console_browser import leave, to, wait_for, with_authenticator
from testkit.devtools import DevTools, headless
from testkit.keyboard import press
from testkit.reading_room import NUMBER, RULES
from tests.review.web.conftest import Served
from tests.review.web.pages import PARTS, call, look_at

__all__ = ["call"]
FOCUSED = "(document.activeElement.id || document.activeElement.name || document.activeElement.textContent.trim())"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevTools]:
    with headless(tmp_path_factory.mktemp("chromium")) as made:
        yield made


@pytest.fixture
def browser(chromium: DevTools) -> Iterator[DevTools]:
    """As new for each test."""
    with chromium.apart():
        yield chromium


def enter(browser: DevTools, served: Served, who: str, path: str = "/") -> None:
    browser.open(served.room.address + "/static/nothing")
    browser.remember(served.room.address, SESSION, served.session(who))
    to(browser, served.room.address + path)


def tab_to(browser: DevTools, wanted: str) -> None:
    keyboard.tab_to(browser, wanted, FOCUSED)


@pytest.mark.slow(reason="a browser, and a page after another")
def test_from_the_link_to_the_recording_by_keyboard_alone(served: Served, browser: DevTools) -> None:
    browser.open(served.room.address + "/sign-in")
    with_authenticator(browser)
    to(browser, served.link)
    tab_to(browser, "join")
    press(browser, "Enter")
    wait_for(browser, "location.pathname === '/enrol' && document.readyState === 'complete'")
    tab_to(browser, "make")
    press(browser, "Enter")
    wait_for(browser, "location.pathname === '/' && document.readyState === 'complete'")
    assert browser.run("document.cookie") == ""
    tab_to(browser, "sign-out")
    press(browser, "Enter")
    wait_for(browser, "location.pathname === '/sign-in' && document.readyState === 'complete'")

    # A link that somebody shared: to it after signing in.
    anna = served.room.recordings["anna"][-1]
    to(browser, served.room.address + "/?rule=card-forms&agent=anna")
    wait_for(browser, "location.pathname === '/sign-in' && document.readyState === 'complete'")
    tab_to(browser, "passkey")
    press(browser, "Enter")
    wait_for(browser, "location.search === '?rule=card-forms&agent=anna' && document.readyState === 'complete'")
    times = browser.run("[...document.querySelectorAll('tbody a')].map((one) => one.textContent)")
    assert len(times) == 2
    tab_to(browser, times[0])
    press(browser, "Enter")
    wait_for(browser, f"location.pathname === '/recordings/{anna}' && document.readyState === 'complete'")
    tab_to(browser, "The same as a table")
    press(browser, "Enter")
    wait_for(browser, "document.querySelector('details').open")
    shown = browser.run("[...document.querySelectorAll('caption + thead + tbody tr')].map((one) => one.innerText)")
    assert [row.split("\t")[3].strip() for row in shown] == ["kept", "closed", "kept", "missing", "kept", "kept"]
    assert "card-forms" in shown[1]
    assert "PCI DSS 3.2 (revision 7 of the policy)" in shown[1]


def test_back_to_a_page_is_to_the_page_as_it_is_now(served: Served, browser: DevTools) -> None:
    """Chromium shows it from memory, whatever the headers say: without what was done, and seen, since."""
    enter(browser, served, "cleo", "/find")
    browser.run("window.before = true")
    browser.run("document.querySelector('nav a[href=\"/requests\"]').click()")
    wait_for(browser, "location.pathname === '/requests' && document.readyState === 'complete'")
    leave(browser, "history.back()")
    wait_for(browser, "location.pathname === '/find' && window.before === undefined")


@pytest.mark.slow(reason="a browser, and pages in both schemes and languages")
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("language", ["en", "de"])
def test_axe_finds_no_fault_and_the_policy_is_kept(
    served: Served, call: str, browser: DevTools, axe: str, language: str, part: int
) -> None:
    enter(browser, served, "cleo")
    browser.call("Log.enable")
    found = look_at(browser, served, call, axe, partial(to, browser), language, part)
    assert not found, "\n".join(map(str, found))
    logged = [one["params"]["entry"] for one in browser._events if one["method"] == "Log.entryAdded"]
    assert [one for one in logged if one["source"] in ("security", "violation")] == []


@pytest.mark.slow(reason="a browser, and a report of a store")
def test_an_auditor_reads_the_log_and_makes_a_report_by_keyboard_alone(served: Served, browser: DevTools) -> None:
    entry = served.about["about_both"]
    enter(browser, served, "cleo")
    tab_to(browser, "Audit log")
    press(browser, "Enter")
    wait_for(browser, "location.pathname === '/audit' && document.readyState === 'complete'")
    to(browser, served.room.address + f"/audit?before={entry + 1}")  # other tests fill the first page
    tab_to(browser, str(entry))
    press(browser, "Enter")
    wait_for(browser, f"location.pathname === '/audit/{entry}' && document.readyState === 'complete'")
    tab_to(browser, "Download the proof")
    to(browser, served.room.address + "/report")
    tab_to(browser, "verify")
    press(browser, " ")
    tab_to(browser, "Make the report")
    browser.run("window.before = true")  # another test's report may be on this page
    press(browser, "Enter")
    made = "document.querySelector('article.report[lang=en]') !== null && document.querySelector('progress') === null"
    wait_for(browser, f"window.before === undefined && {made} && document.readyState === 'complete'")
    tab_to(browser, "report.pdf")
    assert "What this report does not know" in browser.run("document.querySelector('article').textContent")
    assert browser.run("document.querySelectorAll('[style], style').length") == 0


@pytest.mark.slow(reason="a browser")
def test_trusted_types_and_the_policy_stop_what_gets_in(served: Served, browser: DevTools) -> None:
    enter(browser, served, "cleo")
    stopped = """
      (async () => {
        const said = [];
        addEventListener("securitypolicyviolation", (one) => said.push(one.effectiveDirective));
        const tried = [];
        try { document.body.innerHTML = "<b>x</b>"; } catch (error) { tried.push(error.name); }
        const script = document.createElement("script");
        try { script.textContent = "window.ran = true"; } catch (error) { tried.push(error.name); }
        document.body.append(script);
        const image = document.createElement("img");
        image.src = "https://example.com/x.png";
        document.body.append(image);
        try { await fetch("https://example.com/"); } catch (error) { tried.push(error.name); }
        await new Promise((done) => setTimeout(done));
        return [tried, [...new Set(said)].sort(), window.ran ?? false];
      })()
    """
    tried, said, ran = browser.run(stopped)
    assert tried == ["TypeError", "TypeError", "TypeError"]
    assert {"require-trusted-types-for", "img-src", "connect-src"} <= set(said)
    assert ran is False


@pytest.mark.slow(reason="a browser")
def test_a_page_of_another_origin_shows_it_in_no_frame(served: Served, browser: DevTools) -> None:
    """Nor the player. Beside them is a page that lets itself be framed: what is not shown is refused."""

    class Framing(web.Answer):
        def get(self, path: str, query: dict[str, list[str]]) -> None:
            shown = "".join(f'<iframe src="{one}"></iframe>' for one in query.get("of", ()))
            self.send("text/html", f"<!doctype html><p>{path}</p>{shown}")

    with web.serving(Framing, web.HERE, "127.0.0.2") as port:
        control = f"http://127.0.0.2:{port}/control"
        refused = [f"{served.room.address}/sign-in", f"{served.room.player}/"]
        with httpx.Client(timeout=60) as client:
            assert [client.get(one).status_code for one in refused] == [200, 200]
        browser.open(f"http://{web.HERE}:{port}/?{urlencode({'of': [control, *refused]}, doseq=True)}")
        shown = browser.frames("location.href")
        assert shown == {control: control, **dict.fromkeys(refused, "chrome-error://chromewebdata/")}


@pytest.mark.slow(reason="a browser")
def test_a_session_is_ended_from_the_list(served: Served, browser: DevTools) -> None:
    other = served.sign_in("sam")
    enter(browser, served, "sam", "/sessions")
    before = browser.run("document.querySelectorAll('button[data-session]').length")
    browser.run("[...document.querySelectorAll('button[data-session]')].at(-1).click()")
    wait_for(browser, f"document.querySelectorAll('button[data-session]').length === {before - 1}")
    with served.client(Cookie=f"{SESSION}={other}") as client:
        assert client.get("/sessions").status_code == 303


@pytest.mark.slow(reason="a browser, and three people one after the other")
def test_a_hold_is_asked_for_and_answered_by_keyboard_alone(served: Served, browser: DevTools) -> None:
    """A supervisor finds yesterday's call from one number, asks for a hold of it, and reads the answer."""
    served.sessions["lena"] = served.sign_in("lena")  # another test ended hers
    enter(browser, served, "lena", "/find")
    tab_to(browser, "caller-by")
    browser.call("Input.insertText", text=NUMBER)
    press(browser, "Enter")
    wait_for(browser, "location.search.startsWith('?call=') && document.readyState === 'complete'")
    times = browser.run("[...document.querySelectorAll('tbody a')].map((one) => one.textContent)")
    assert len(times) == 1
    tab_to(browser, times[0])
    press(browser, "Enter")
    wait_for(browser, "location.pathname.startsWith('/recordings/') && document.readyState === 'complete'")
    tab_to(browser, "Ask for a legal hold")
    press(browser, "Enter")
    tab_to(browser, "purpose-legal-hold")
    press(browser, "ArrowDown")
    tab_to(browser, "reason-legal-hold")
    browser.call("Input.insertText", text="<b>disputed</b>")
    tab_to(browser, "Ask for a legal hold")
    press(browser, "Enter")
    wait_for(browser, "location.pathname === '/requests' && document.readyState === 'complete'")
    assert "<b>disputed</b>" in browser.run("document.querySelector('.written').textContent")
    assert "complaint" in browser.run("document.querySelector('dl').textContent")

    enter(browser, served, "cleo", "/requests")
    named = browser.run("document.querySelector('textarea').id")
    tab_to(browser, named)
    browser.call("Input.insertText", text="\u202eturned")
    tab_to(browser, "step")
    press(browser, "Enter")
    wait_for(browser, "document.getElementById('said').textContent.includes('4,000 characters')")
    assert browser.run("document.activeElement.id") == "said"
    browser.run(f"document.getElementById('{named}').value = ''")
    browser.run(f"document.getElementById('{named}').focus()")
    browser.call("Input.insertText", text="Placed as case-17")
    tab_to(browser, "step")
    press(browser, "Enter")
    wait_for(browser, "location.search === '?ended=1' && document.readyState === 'complete'")

    enter(browser, served, "lena", "/requests?ended=1")
    text = browser.run("document.querySelector('main').textContent")
    assert "Placed as case-17" in text
    assert "cleo@example.com" in text


@pytest.mark.slow(reason="a browser, and rules that are tried")
def test_rules_are_explained_and_tried_by_keyboard_alone(
    served: Served, browser: DevTools, tmp_path: Path
) -> None:  # fmt: skip
    enter(browser, served, "cleo")
    tab_to(browser, "Rules")
    press(browser, "Enter")
    wait_for(browser, "location.pathname === '/rules' && document.readyState === 'complete'")
    tab_to(browser, "who")
    browser.call("Input.insertText", text="sam@example.com")
    tab_to(browser, "recording")
    browser.call("Input.insertText", text=served.room.recordings["anna"][-1])
    press(browser, "Enter")
    wait_for(browser, "document.getElementById('answer') !== null && document.readyState === 'complete'")
    assert "may not play this recording" in browser.run("document.getElementById('answer').textContent")

    other = tmp_path / "0.yaml"
    other.write_text(RULES.replace("of: { team: own }", "of: all"))
    tab_to(browser, "files")
    root = browser.call("DOM.getDocument")["root"]["nodeId"]
    node = browser.call("DOM.querySelector", nodeId=root, selector="#files")["nodeId"]
    browser.call("DOM.setFileInputFiles", files=[str(other)], nodeId=node)  # the dialogue is the browser's own
    tab_to(browser, "Try them")
    press(browser, "Enter")
    tried = "document.getElementById('tried')?.textContent.includes('lead covers all recordings')"  # not another's
    wait_for(browser, f"{tried} && document.readyState === 'complete'")
    assert "sam@example.com" in browser.run("document.getElementById('tried').textContent")


@pytest.mark.slow(reason="a browser")
def test_an_erasure_is_tried_and_asked_for_by_keyboard_alone(served: Served, browser: DevTools) -> None:
    enter(browser, served, "paula")
    tab_to(browser, "Retention")
    press(browser, "Enter")
    wait_for(browser, "location.pathname === '/retention' && document.readyState === 'complete'")
    tab_to(browser, "recording")
    browser.call("Input.insertText", text=served.room.recordings["bert"][0])
    press(browser, "Enter")
    wait_for(browser, "document.getElementById('tried') !== null && document.readyState === 'complete'")
    tab_to(browser, "reason")
    browser.call("Input.insertText", text="Asked for on 3 May")
    tab_to(browser, "Ask for their erasure")
    press(browser, "Enter")
    wait_for(browser, "location.pathname === '/requests' && document.readyState === 'complete'")
    assert "Asked for on 3 May" in browser.run("document.querySelector('main').textContent")


@pytest.mark.slow(reason="a browser, and several pages")
def test_a_case_is_built_and_its_hold_asked_for_by_keyboard_alone(served: Served, browser: DevTools) -> None:
    served.sessions["lena"] = served.sign_in("lena")  # another test ended hers
    anna = served.room.recordings["anna"][-1]
    enter(browser, served, "lena", f"/recordings/{anna}?from=10&until=0:20.5")
    tab_to(browser, "case")
    for _ in range(3):  # to the last one, a new case
        press(browser, "ArrowDown")
    tab_to(browser, "case-title")
    browser.call("Input.insertText", text="Complaint 4711")
    press(browser, "Enter")
    wait_for(browser, "location.pathname.startsWith('/cases/') && document.readyState === 'complete'")
    assert browser.run("document.querySelector('h1').textContent") == "Complaint 4711"
    row = browser.run("document.querySelector('tbody tr').innerText")
    assert "0:10.0" in row
    assert "0:20.5" in row
    tab_to(browser, "Ask for a legal hold")
    press(browser, "Enter")
    wait_for(browser, "document.querySelector('#ask-hold').closest('details').open")
    tab_to(browser, "reason-hold")
    browser.call("Input.insertText", text="The customer disputes it")
    press(browser, "Tab")
    press(browser, "Enter")
    wait_for(browser, "location.pathname === '/requests' && document.readyState === 'complete'")
    assert "The customer disputes it" in browser.run("document.querySelector('main').textContent")
