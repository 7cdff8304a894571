"""The console in a real Firefox: by password and code, and by passkey; what people do, and each page."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator

import pytest

from review.people import totp
from review.people.routes import SESSION
from testkit.marionette import Marionette, headless_firefox
from testkit.reading_room import NUMBER
from tests.review.people.conftest import PASSWORD
from tests.review.web.conftest import Served
from tests.review.web.pages import PARTS, call, look_at

__all__ = ["call"]

WHO = "anna@example.com"


@pytest.fixture(scope="module")
def firefox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Marionette]:
    with headless_firefox(tmp_path_factory.mktemp("web") / "firefox") as made:
        yield made


@pytest.fixture
def browser(firefox: Marionette, served: Served) -> Marionette:
    """One for all tests, as a start takes longer than they; what a test leaves in it is its cookies."""
    firefox.open(served.room.address + "/static/nothing")
    firefox.forget()
    return firefox


@pytest.fixture
def with_authenticator(browser: Marionette) -> Iterator[Marionette]:
    """And no key of another test's in it."""
    made = browser.add_authenticator()
    yield browser
    browser.call("WebAuthn:RemoveVirtualAuthenticator", authenticatorId=made)


def fill(browser: Marionette, form: str, **fields: str) -> None:
    for name, value in fields.items():
        browser.run(f"document.getElementById('{form}').elements.namedItem('{name}').focus()")
        browser.type(value)
    browser.press("Enter")


def at(browser: Marionette, path: str) -> None:
    browser.until(f"location.pathname === '{path}' && document.readyState === 'complete'")


@pytest.mark.slow(reason="a browser, from the link to a recording")
def test_by_password_and_code_to_ones_own_recordings(served: Served, browser: Marionette) -> None:
    browser.open(served.console.people.invite(WHO, "root@host", "host"))
    browser.run("document.getElementById('join').click()")
    at(browser, "/enrol")
    fill(browser, "propose", password="password1234")
    browser.until("document.getElementById('said').textContent.includes('soon guessed')")
    browser.run("document.getElementById('propose').reset()")
    fill(browser, "propose", password=PASSWORD)
    text = browser.until("document.getElementById('secret').textContent")
    secret = base64.b32decode(text.replace(" ", ""))
    fill(browser, "confirm", code=totp.code_of(secret, time.time_ns() // totp.PERIOD))
    at(browser, "/")
    assert browser.run("document.querySelectorAll('tbody a').length") == 4
    browser.run("document.querySelector('tbody a').click()")
    at(browser, f"/recordings/{served.room.recordings['anna'][-1]}")
    assert browser.run("document.querySelectorAll('svg.line rect[fill]').length") >= 1
    browser.run("document.getElementById('sign-out').click()")
    at(browser, "/sign-in")
    fill(browser, "password", person=WHO, password="not the password", code="000000")
    browser.until("document.getElementById('said').textContent.includes('did not sign you in')")
    assert browser.run("document.activeElement.id") == "said"


@pytest.mark.slow(reason="a browser, from the link to a recording")
def test_by_passkey(served: Served, with_authenticator: Marionette) -> None:
    browser = with_authenticator
    browser.open(served.console.people.invite("carl@example.com", "root@host", "host"))
    browser.run("document.getElementById('join').click()")
    at(browser, "/enrol")
    browser.run("document.getElementById('make').click()")
    at(browser, "/")
    browser.run("document.getElementById('sign-out').click()")
    at(browser, "/sign-in")
    carl = served.room.recordings["carl"][-1]
    browser.open(f"{served.room.address}/recordings/{carl}")
    at(browser, "/sign-in")
    browser.run("document.getElementById('passkey').click()")
    at(browser, f"/recordings/{carl}")
    assert "carl@example.com" in browser.run("document.querySelector('dl').textContent")
    # Another team's is one that there is not.
    browser.open(f"{served.room.address}/recordings/{served.room.recordings['anna'][-1]}")
    assert browser.run("document.querySelector('h1').textContent") == "This is not here"


@pytest.mark.slow(reason="a browser, and two people one after the other")
def test_an_erasure_is_asked_for_and_refused_and_a_call_is_found(served: Served, browser: Marionette) -> None:
    def enter(who: str, path: str) -> None:
        browser.open(served.room.address + "/static/nothing")
        browser.remember(served.room.address, SESSION, served.sign_in(who))
        browser.open(served.room.address + path)
        at(browser, path.partition("?")[0])

    anna = served.room.recordings["anna"][-1]
    enter("anna", f"/recordings/{anna}")
    browser.run("document.querySelector('#ask-erasure').closest('details').open = true")
    browser.run("document.querySelector('#ask-erasure textarea').focus()")
    browser.type("It shows a private call")
    browser.run("document.querySelector('#ask-erasure button').click()")
    at(browser, "/requests")
    assert "Answer due by" in browser.run("document.querySelector('main').textContent")

    enter("paula", "/requests")
    browser.run("document.querySelector('textarea').focus()")
    browser.type("The legal minimum keeps it")
    browser.run("document.querySelector('button[value=refuse]').click()")
    browser.until("location.search === '?ended=1' && document.readyState === 'complete'")
    browser.open(f"{served.room.address}/find")
    at(browser, "/find")
    fill(browser, "caller", caller=NUMBER)
    browser.until("location.search.startsWith('?call=') && document.readyState === 'complete'")
    assert browser.run("document.querySelectorAll('tbody a').length") == 2

    enter("anna", "/requests?ended=1")
    assert "The legal minimum keeps it" in browser.run("document.querySelector('main').textContent")


@pytest.mark.slow(reason="a browser, and a report of a store")
def test_an_auditor_reads_the_log_and_makes_a_report(served: Served, with_authenticator: Marionette) -> None:
    browser = with_authenticator
    browser.open(served.console.people.invite("cleo@example.com", "root@host", "host"))
    browser.run("document.getElementById('join').click()")
    at(browser, "/enrol")
    browser.run("document.getElementById('make').click()")
    at(browser, "/since")
    entry = served.about["about_both"]
    browser.run("document.querySelector('nav a[href=\"/audit\"]').click()")
    at(browser, "/audit")
    browser.run(f"document.querySelector('a[href=\"/audit/{entry}\"]').click()")
    at(browser, f"/audit/{entry}")
    assert browser.run("document.querySelector('a[download]').getAttribute('href')") == f"/audit/{entry}/proof"
    browser.run("document.querySelector('nav a[href=\"/report\"]').click()")
    at(browser, "/report")
    browser.run("document.querySelector('#make-report button').click()")
    browser.until("document.querySelector('article.report') !== null")
    assert "Nothing was verified" in browser.run("document.querySelector('article').textContent")


@pytest.mark.slow(reason="a browser, and several pages")
def test_a_case_is_built_and_a_span_removed(served: Served, browser: Marionette) -> None:
    anna = served.room.recordings["anna"][-1]
    browser.remember(served.room.address, SESSION, served.sign_in("lena"))
    browser.open(f"{served.room.address}/recordings/{anna}?from=10&until=0:20.5")
    at(browser, f"/recordings/{anna}")
    browser.run("document.getElementById('case').value = ''")
    fill(browser, "add-span", title="Complaint 4711")
    browser.until("location.pathname.startsWith('/cases/') && document.readyState === 'complete'")
    assert browser.run("document.querySelector('h1').textContent") == "Complaint 4711"
    browser.run("window.before = true")
    browser.run("document.querySelector('tbody button').click()")
    browser.until("window.before === undefined && document.querySelector('tbody') === null")


@pytest.mark.slow(reason="a browser, and a policy that is tried")
def test_a_pasted_policy_is_tried(served: Served, browser: Marionette) -> None:
    """Firefox, too, names no origin of a form on a page that sends no referrer."""
    browser.remember(served.room.address, SESSION, served.sign_in("cleo"))
    browser.open(f"{served.room.address}/rules/policy")
    at(browser, "/rules/policy")
    browser.run("document.getElementById('text').focus()")
    browser.type("schema: 1")
    browser.run("document.querySelector('form.filter button').click()")
    browser.until("document.getElementById('check') !== null && document.readyState === 'complete'")
    assert "the file does not end with the line ..." in browser.run("document.querySelector('main').textContent")


@pytest.mark.slow(reason="a browser, and each page in both schemes and languages")
@pytest.mark.parametrize("part", range(PARTS))
def test_each_page_is_without_fault_in_both_languages_and_schemes(
    served: Served, call: str, browser: Marionette, axe: str, part: int
) -> None:
    """Nor does the browser's own console complain: no policy stopped anything, and no script failed."""
    browser.complaints("")  # those of other tests
    found = []
    try:
        for language, *looks in (("en", ("light", 1280)), ("de", ("dark", 820))):
            found += look_at(browser, served, call, axe, browser.open, language, part, tuple(looks))
    finally:
        browser.asks_for("en")
        browser.look("light", 1280)
    assert not found, "\n".join(map(str, found))
    assert browser.complaints(served.room.address) == []
