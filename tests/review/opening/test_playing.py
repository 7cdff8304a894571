"""A person plays a recording in both browsers: a key by a link, the purpose, the picture, and what is refused."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from protocol import personal
from protocol.envelope import SOUND_STREAM
from review.exchange import ask
from testkit.console_browser import wait_for, with_authenticator
from testkit.devtools import DevTools
from testkit.looks import Runs
from testkit.marionette import Marionette, headless_firefox
from testkit.player_page import faults_of
from testkit.waits import until as eventually
from tests.review.opening.conftest import APPROVED, CONSENTED, House, Page, code, reach, text
from tests.review.player.conftest import READY, until
from tests.review.player.test_page import PIXELS

pytestmark = pytest.mark.slow(reason="browsers, and a house of four processes")


@pytest.fixture(scope="session")
def ready(house: House, page: Page) -> House:
    """With a key of everybody in this browser."""
    for who in ("ann", "sam", "quinn", "cleo", "pia"):
        house.enrol(page, who)
    return house


@pytest.fixture
def keyed(ready: House, plain: House) -> House:
    assert ready is plain
    return plain


def opened(house: House, page: Page, who: str, recording: str = "") -> str:
    """What the page says of it once it asked the console."""
    house.enter(page, who)
    house.show(page, "play", recording or house.recording)
    state = reach(page, "purpose", "refused")
    until(page, "!document.querySelector('#left-asked')")  # what is left of a sample comes later
    return state


def press_open(page: Page, *states: str) -> str:
    page.run("document.querySelector('#open').click()")
    return reach(page, *states)


def test_from_the_invitation_to_the_picture(plain: House, page: Page) -> None:
    plain.enrol(page, "ann")
    before = len(plain.between.seen)
    assert opened(plain, page, "ann") == "purpose"
    said = text(page)
    assert "lovelace@example.com" in said
    purposes = "[...document.querySelectorAll('#custody input[type=radio]')].map((one) => one.dataset.purpose)"
    assert page.run(purposes) == ["coaching", "complaint"]
    assert page.run("location.hash") == f"#play={plain.recording}"
    page.run("document.querySelector('#open').click()")
    until(page, READY)
    assert page.run("document.querySelector('#badge').dataset.state") == "good"
    assert page.run("document.querySelectorAll('#findings li').length") == 0
    assert page.run("document.querySelector('#custody').hidden")
    assert "custodian" in page.run("document.querySelector('[data-text^=limits]').textContent")
    shown = page.run(PIXELS % (2.0, 0))
    assert not shown["hidden"]
    assert page.run("eyelid.player.sound !== null")
    # Nothing that a page sends, or is given by the console, is a key of a stream or of the recording.
    made = plain.made.recording
    secrets = [made.key, *(made.stream_key(one) for one in (0, 1, SOUND_STREAM))]
    assert len(plain.between.seen) > before
    for _, body in (*plain.between.seen, *plain.between.given):
        assert not [one for one in secrets if one in body or one.hex().encode() in body]


def test_a_key_cannot_be_taken_out_of_the_browser(keyed: House, page: Page) -> None:
    keyed.show(page, "approve", "0")
    reach(page, "refused")
    tried = """(async () => {
      const {keyOf} = await import("./person.js");
      const {key} = await keyOf("ann@example.com");
      const exported = await Promise.all(["pkcs8", "jwk"].map((how) => crypto.subtle.exportKey(how, key)
        .then(() => "taken", (error) => error.name)));
      return [key.extractable, ...exported];
    })()"""
    assert page.run(tried) == [False, "InvalidAccessError", "InvalidAccessError"]


def test_the_session_s_key_cannot_be_taken_out_either(keyed: House, page: Page) -> None:
    """To which the custodian seals what it releases. It is made as the worker makes its own."""
    keyed.show(page, "approve", "0")
    reach(page, "refused")
    tried = """(async () => {
      const {newSession} = await import("./released.js");
      const {pair: {privateKey: key}} = await newSession();
      const exported = await Promise.all(["pkcs8", "jwk", "raw"].map((how) => crypto.subtle.exportKey(how, key)
        .then(() => "taken", (error) => error.name)));
      return [key.extractable, key.usages, exported.includes("taken")];
    })()"""
    assert page.run(tried) == [False, ["deriveBits"], False]


def test_the_page_without_an_order_says_whose_keys_are_here(keyed: House, page: Page) -> None:
    page.open("about:blank")
    page.open(keyed.page)
    reach(page, "home")
    assert "ann@example.com" in text(page)


def test_both_languages_say_everything(keyed: House, page: Page) -> None:
    assert opened(keyed, page, "ann") == "purpose"
    shapes = """(async () => {
      const {TEXTS} = await import("./opening-words.js");
      const shape = (one) =>
        typeof one === "object" ? Object.keys(one).sort().map((key) => [key, shape(one[key])]) : typeof one;
      return [JSON.stringify(shape(TEXTS.en)), JSON.stringify(shape(TEXTS.de))];
    })()"""
    english, german = page.run(shapes)
    assert english == german
    page.run("document.querySelector('#language').click()")
    assert "Diese Aufnahme öffnen" in text(page)
    page.run("document.querySelector('#language').click()")
    assert "Open this recording" in text(page)


# who, which recording, the state before Open and after it, the code, words of the reason
REFUSED = {
    "role may not": ("pia", "", "refused", "", "refused", "may not play"),
    "another team's": ("sam", "", "refused", "", "no-such-path", "no such recording"),
    "nothing": ("ann", "00000000-0000-4000-8000-000000000000", "refused", "", "no-such-path", "no such recording"),
    "not drawn": ("quinn", "", "purpose", "refused", "not-yet", "only what was drawn"),
    "goes on": ("ann", "open", "purpose", "refused", "not-closed", "signed its end"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_is_said_with_its_reason(keyed: House, page: Page, case: str) -> None:
    who, which, before, after, wanted, reason = REFUSED[case]
    assert opened(keyed, page, who, keyed.others.get(which, which)) == before
    if after:
        assert press_open(page, "refused", "open") == after
    assert code(page) == wanted
    assert reason in text(page)
    assert page.run("window.eyelid === undefined")


def test_a_purpose_that_the_role_does_not_have_is_refused_by_the_custodian(keyed: House, page: Page) -> None:
    """The console offers it: what counts is what the person signed, and the signed rules."""

    def offer(path: str, _asked: object, given: dict[str, object]) -> dict[str, object]:
        if path.endswith("/opening"):
            choices = given["choices"]
            assert isinstance(choices, list)
            return given | {"choices": [choices[0] | {"purpose": "audit"}]}
        return given

    keyed.between.change = offer
    assert opened(keyed, page, "ann") == "purpose"
    assert press_open(page, "refused", "open") == "refused"
    assert "role supervisor does not have the purpose audit" in text(page)


def test_without_consent_nothing_opens_and_with_it_it_does(keyed: House, page: Page) -> None:
    keyed.govern(CONSENTED)
    assert opened(keyed, page, "ann") == "purpose"
    assert press_open(page, "refused", "open") == "refused"
    assert "there is no consent to the voice" in text(page)


def test_a_stranger_and_another_session_get_nowhere(keyed: House, page: Page) -> None:
    keyed.sessions["stranger"] = "x" * 43
    assert opened(keyed, page, "stranger") == "refused"
    assert code(page) == "no-session"
    # Ann's key signs, and the session is Sam's: the console hands in nothing, and the custodian hears nothing.
    assert opened(keyed, page, "ann") == "purpose"
    keyed.enter_beside(page, "sam")
    assert press_open(page, "refused", "open") == "refused"
    assert code(page) == "other-person"


# What the page says passes at once, where it does not say it for as long as something is so.
PASSES = """(() => {
  const late = window.setTimeout;
  window.setTimeout = (act, ms, ...more) => late(act, ms === 6000 ? 0 : ms, ...more);
})()"""


def test_a_console_that_does_not_answer_is_said_until_it_answers_again(keyed: House, page: Page) -> None:
    assert opened(keyed, page, "ann") == "purpose"
    press_open(page, "open")
    until(page, READY)
    page.run(PASSES)
    said = "document.querySelector('#now').textContent"
    forget = "(eyelid.player.screens.forEach((one) => { one.next = -1; one.times.clear(); }), eyelid.player.seek(14))"
    until(page, "eyelid.player.ready")
    held, on_its_way = threading.Event(), threading.Event()

    def late(_: str) -> threading.Event:
        keyed.between.late = None  # the first alone, or what a browser asks for at once is used up
        on_its_way.set()
        return held

    keyed.between.late = late
    try:
        page.run(forget)
        assert on_its_way.wait(30)
        keyed.between.busy = True
        page.run(forget.replace("14", "3"))
        until(page, f"{said} === 'The console does not answer. Trying again.'")
        answered = len(keyed.between.given)
        held.set()  # what was asked before it stopped answering says nothing of it
        eventually(lambda: len(keyed.between.given) > answered, "that answer went to the page")
        page.run("new Promise((done) => setTimeout(done))")  # what passes has passed
        assert page.run(said) == "The console does not answer. Trying again."
    finally:
        held.set()
        keyed.between.late, keyed.between.busy = None, False
    until(page, f"{said} === ''")
    until(page, "eyelid.player.ready")


def test_while_it_is_opened_a_console_that_does_not_answer_is_said(keyed: House, page: Page) -> None:
    assert opened(keyed, page, "ann") == "purpose"
    keyed.between.busy = True
    try:
        press_open(page, "open")
        badge = "document.querySelector('#badge-text').textContent"
        until(page, f"{badge} === 'The console does not answer. Trying again.'")
    finally:
        keyed.between.busy = False
    until(page, READY)
    assert page.run(badge) == "Verified in this browser"
    assert page.run("document.activeElement.id") == "play"  # the page before is gone, and what had the focus


def filed_of(page: Page) -> str:
    return str(page.run("document.querySelector('#approval').value")).rpartition("=")[2]


def test_two_people_approve_and_it_goes_on(keyed: House, page: Page) -> None:
    keyed.govern(APPROVED)
    assert opened(keyed, page, "ann") == "purpose"
    assert "2 of these roles approve" in text(page)
    press_open(page, "waiting")
    filed = filed_of(page)
    keyed.approve("cleo", filed)
    approved = "document.querySelector('#custody .state').textContent.includes('cleo@example.com')"
    until(page, approved)
    assert page.run("document.documentElement.dataset.custody") == "waiting"
    keyed.approve("pia", filed)
    until(page, READY)
    assert page.run("document.querySelector('#badge').dataset.state") == "good"


def test_a_denied_request_is_over(keyed: House, page: Page) -> None:
    keyed.govern(APPROVED)
    assert opened(keyed, page, "ann") == "purpose"
    press_open(page, "waiting")
    keyed.approve("pia", filed_of(page), "deny")
    assert reach(page, "refused") == "refused"
    assert code(page) == "unknown-request"


def waiting(house: House, who: str = "ann") -> str:
    """A request of theirs that waits, made outside of any browser."""
    house.govern(APPROVED)
    key = house.keys(who)
    said = {
        "person": f"{who}@example.com", "act": "play", "recording": house.recording, "purpose": "complaint",
        "rendition": "redacted", "session": "A" * 42 + "g", "streams": ["0"], **ask(house.socket, "nonce"),
    }  # fmt: skip
    return house.filed(personal.sign(personal.REQUEST, said, key))


@pytest.mark.parametrize("place", [0, 1])
def test_an_approver_sees_what_was_signed_and_says_yes_or_no(keyed: House, page: Page, place: int) -> None:
    filed = waiting(keyed)
    keyed.enter(page, "cleo")
    keyed.show(page, "approve", filed)
    reach(page, "approve")
    said = text(page)
    assert "ann@example.com asks to open a recording" in said
    assert "a complaint" in said
    assert "play it: see and hear it" in said
    page.run("""(() => {
      const whose = document.querySelector('#whose');
      whose.value = 'cleo@example.com';
      whose.dispatchEvent(new Event('change'));
    })()""")
    page.run(f"document.querySelectorAll('#custody .acts button')[{place}].click()")
    until(page, f"document.querySelector('#custody h2').textContent === 'You {('approved', 'denied')[place]} it'")
    if place:
        with pytest.raises(Exception, match="no request of this id waits"):
            ask(keyed.socket, "filed", filed=filed)
    else:
        assert ask(keyed.socket, "filed", filed=filed)["approved_by"] == ["cleo@example.com"]


def test_a_recording_that_is_erased_while_it_plays_ends_there(keyed: House, page: Page, axe: str) -> None:
    assert opened(keyed, page, "ann") == "purpose"
    page.run("document.querySelector('#open').click()")
    until(page, READY)
    keyed.order_erasure(keyed.recording)
    try:
        page.run("eyelid.player.screens.forEach((one) => { one.next = -1; one.times.clear(); })")
        page.run("eyelid.player.seek(14)")
        with pytest.raises(AssertionError, match="ended"):
            until(page, "false")
        assert "erased" in page.run("document.querySelector('#failure').textContent")
        assert faults_of(page, axe, "player, over") == []
    finally:
        keyed.take_back_erasures()


def test_a_custodian_that_is_not_there_is_said(keyed: House, page: Page) -> None:
    keyed.custodian.kill()
    keyed.custodian.wait()
    try:
        assert opened(keyed, page, "ann") == "purpose"
        assert press_open(page, "refused", "open") == "refused"
        assert code(page) == "no-custodian"
        assert "The custodian does not answer" in text(page)
    finally:
        keyed.restart_custodian()
    page.run("[...document.querySelectorAll('#custody .acts button')][0].click()")
    until(page, 'root.dataset.custody === "purpose"')
    page.run("document.querySelector('#open').click()")
    until(page, READY)


def test_a_link_to_a_moment_begins_there(plain: House, page: Page) -> None:
    plain.enrol(page, "ann")
    assert opened(plain, page, "ann", f"{plain.recording}&t=2") == "purpose"
    page.run("document.querySelector('#open').click()")
    until(page, READY)
    assert abs(page.run("eyelid.player.time") - 2) < 0.5


def test_a_passkey_signs_each_opening(plain: House, page: Page, tmp_path: Path) -> None:
    """In Firefox in one that speaks Marionette: WebDriver BiDi has no virtual authenticator."""
    with ExitStack() as stack:
        signing: DevTools | Marionette
        if isinstance(page, DevTools):
            signing = page
            page.open("about:blank")
            with_authenticator(page)
        else:
            signing = stack.enter_context(headless_firefox(tmp_path / "firefox"))
            signing.open(f"{plain.console}/static/nothing")
            signing.add_authenticator()
        plain.enter_beside(signing, "ann")
        if isinstance(signing, DevTools):
            signing.call("Page.navigate", url=plain.invitation("ann"))
        else:
            signing.open(plain.invitation("ann"))
        reach_after(signing, "enrol")
        signing.run("document.querySelectorAll('#custody .choices button')[0].click()")
        reach(signing, "enrolled")
        signing.run(f"location.hash = '#play={plain.recording}'")
        reach_after(signing, "purpose")
        signing.run("document.querySelector('#open').click()")
        until(signing, READY)
        assert signing.run("document.querySelector('#badge').dataset.state") == "good"
    keys = ask(plain.socket, "keys")["keys"]
    assert "webauthn" in {one["signs"] for one in keys if one["person"] == "ann@example.com"}
    plain.enrol(page, "ann")  # a key of this browser's again, for the tests that follow


def reach_after(page: Runs, state: str) -> None:
    """In a page that is still to be loaded."""
    wait_for(page, f"document.documentElement.dataset.custody === '{state}'")
