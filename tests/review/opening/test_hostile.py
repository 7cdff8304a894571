"""A hostile console changes what it passes on: each change is refused, with its reason.

A table of what is changed; the browser, the custodian and the player are real.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import base64url, jws, personal
from protocol.envelope import SOUND_STREAM
from protocol.keyfile import load_private
from protocol.keys import public_to_text, thumbprint
from review.exchange import ask
from store.admin.init import COMPLIANCE
from testkit.fakes.pc import SECOND
from tests.review.opening.conftest import APPROVED, House, Page, code, reach, text
from tests.review.opening.test_playing import filed_of, keyed, opened, press_open, ready, waiting
from tests.review.player.conftest import READY, until

__all__ = ["keyed", "ready"]
pytestmark = pytest.mark.slow(reason="browsers, and a house of four processes")
Answer = dict[str, Any]
THIEF: Final = Ed25519PrivateKey.generate()


def said(token: str) -> Answer:
    found: Answer = json.loads(base64url.decode(token.split(".")[1]))
    return found


def resigned(token: str, *, as_theirs: bool = False, **changed: Any) -> str:
    """By a key of the thief's; `as_theirs`: with the custodian's key named."""
    made = jws.sign(jws.RELEASE, {**said(token), **changed}, THIEF)
    head, payload, signature = made.split(".")
    return ".".join([token.split(".", maxsplit=1)[0] if as_theirs else head, payload, signature])


def spliced(token: str, **changed: Any) -> str:
    """With the custodian's own signature."""
    head, _, signature = token.split(".")
    payload = base64url.encode(json.dumps({**said(token), **changed}).encode())
    return f"{head}.{payload}.{signature}"


def flipped(token: str) -> str:
    text = token[:-20] + ("A" if token[-20] != "A" else "B") + token[-19:]
    assert text != token
    return text


OTHER: Final = "0193a1b2-0000-7000-8000-0000000000a1"
EVIDENCE: Final = public_to_text(THIEF.public_key())
# What the thief makes of a release -> the code that the page refuses it with.
RELEASES: Final[dict[str, tuple[Callable[[str], Any], str]]] = {
    "signed by another": (resigned, "wrong-signer"),
    "signed by another in the custodian's name": (lambda one: resigned(one, as_theirs=True), "bad-signature"),
    "another PC's key": (lambda one: spliced(one, evidence_key=EVIDENCE), "bad-signature"),
    "another PC's key, signed": (lambda one: resigned(one, evidence_key=EVIDENCE), "wrong-signer"),
    "keys of another stream": (
        lambda one: spliced(one, keys=dict(zip(said(one)["keys"], reversed(said(one)["keys"].values()), strict=True))),
        "bad-signature",
    ),
    "without a key": (lambda one: spliced(one, keys={}), "bad-signature"),
    "longer": (lambda one: spliced(one, until=2**62), "bad-signature"),
    "another recording": (lambda one: spliced(one, recording=OTHER), "bad-signature"),
    "flipped": (flipped, "bad-signature"),
    "another type": (lambda one: jws.sign(jws.INVITATION, said(one), THIEF), "wrong-type"),
    "no token": (lambda _: "x", "malformed"),
    "nothing": (lambda _: None, "malformed"),
}


def of_release(change: Callable[[str], Any]) -> Callable[[str, Answer, Answer], Answer]:
    def changed(_path: str, _asked: Answer, given: Answer) -> Answer:
        return given | {"release": change(given["release"])} if "release" in given else given

    return changed


@pytest.mark.parametrize("case", RELEASES)
def test_a_release_that_was_changed_opens_nothing(keyed: House, page: Page, case: str) -> None:
    change, wanted = RELEASES[case]
    assert opened(keyed, page, "ann") == "purpose"
    keyed.between.change = of_release(change)
    assert press_open(page, "refused", "open") == "refused"
    assert code(page) == wanted
    assert page.run("window.eyelid === undefined")


def test_an_earlier_release_and_another_sessions_open_nothing(keyed: House, page: Page) -> None:
    """What the custodian signed itself, for another request: of the same person, recording and purpose."""
    kept: list[str] = []

    def keep(_path: str, _asked: Answer, given: Answer) -> Answer:
        kept.extend([given["release"]] if "release" in given else [])
        return given

    keyed.between.change = keep
    assert opened(keyed, page, "ann") == "purpose"
    page.run("document.querySelector('#open').click()")
    until(page, READY)
    assert opened(keyed, page, "ann") == "purpose"
    keyed.between.change = of_release(lambda _: kept[0])
    assert press_open(page, "refused", "open") == "refused"
    assert code(page) == "other-release"


def test_a_request_that_is_handed_in_twice_counts_once(keyed: House, page: Page) -> None:
    sent: list[Answer] = []

    def keep(path: str, asked: Answer, given: Answer) -> Answer:
        if path == "/v1/custodian" and asked.get("do") == "open":
            sent.append(asked)
        return given

    keyed.between.change = keep
    assert opened(keyed, page, "ann") == "purpose"
    page.run("document.querySelector('#open').click()")
    until(page, READY)
    with keyed.client("ann") as client:
        again = client.post("/v1/custodian", json=sent[0])
    assert (again.status_code, again.json()["error"]) == (409, "replayed")


def test_another_custodians_nonce_is_not_signed(keyed: House, page: Page) -> None:
    def renamed(_path: str, _asked: Answer, given: Answer) -> Answer:
        return given | {"custodian": "evil.example/custodian"} if "nonce" in given else given

    assert opened(keyed, page, "ann") == "purpose"
    keyed.between.change = renamed
    seen = len(keyed.between.seen)
    assert press_open(page, "refused", "open") == "refused"
    assert code(page) == "other-custodian"
    assert not [body for _, body in keyed.between.seen[seen:] if b'"open"' in body]


def test_keys_that_the_archive_names_do_not_count(keyed: House, page: Page) -> None:
    def lying(path: str, _asked: Answer, given: Answer) -> Answer:
        if path.endswith("/player/papers"):
            return given | {"device": given["device"] | {"evidence_key": EVIDENCE}, "compliance": "x"}
        return given

    keyed.between.change = lying
    assert opened(keyed, page, "ann") == "purpose"
    page.run("document.querySelector('#open').click()")
    until(page, READY)
    assert page.run("document.querySelector('#badge').dataset.state") == "good"


@pytest.mark.parametrize(
    "case",
    [
        {},
        {"spans": [[0, 24 * SECOND]]},
        {"spans": [[0, 13 * SECOND], [13 * SECOND, 24 * SECOND]], "only": "screen"},
        {"spans": []},
    ],
)
def test_what_is_kept_back_is_missing_also_where_the_console_says_that_it_shows_a_case(
    keyed: House, page: Page, case: dict[str, Any]
) -> None:
    """Of a case what lies outside of its spans is not missing: only a command that opens one says which they are."""

    def halved(path: str, _asked: Answer, given: Answer) -> Answer:
        if path.endswith("/player/papers") and case:
            return given | {"case": case}
        if not path.endswith("/player/index"):
            return given
        early = [[row for row in one["rows"] if row[1] < 12 * SECOND] for one in given["streams"]]
        return {"streams": [one | {"rows": rows} for one, rows in zip(given["streams"], early, strict=True)]}

    keyed.between.change = halved
    assert opened(keyed, page, "ann") == "purpose"
    page.run("document.querySelector('#open').click()")
    until(page, READY)
    assert page.run("document.querySelector('#badge').dataset.state") == "wrong"
    assert page.run("eyelid.about.findings.map(({code}) => code)") == ["tail-missing"] * 3
    assert page.run("[eyelid.about.case, eyelid.about.spans, eyelid.about.leftOut]") == [None, None, []]
    assert page.run("document.querySelector('#case').hidden")
    ends = page.run("eyelid.about.lanes.screen.filter(({what}) => what === 'missing').map(({to}) => to / 1e9)")
    assert ends[-1] == 24


def test_papers_of_another_recording_are_refused(keyed: House, page: Page) -> None:
    def swapped(path: str, _asked: Answer, given: Answer) -> Answer:
        return given | {"recording": OTHER} if path.endswith(("/papers", "/opening")) else given

    keyed.between.change = swapped
    assert opened(keyed, page, "ann") == "refused"
    assert code(page) == "other-request"


def test_a_request_in_anothers_place_is_neither_shown_nor_filed(keyed: House, page: Page) -> None:
    other = waiting(keyed)
    assert opened(keyed, page, "ann") == "purpose"
    keyed.between.change = lambda _path, _asked, given: given | {"filed": other} if given.get("filed") else given
    assert press_open(page, "refused", "waiting") == "refused"
    assert code(page) == "other-request"


@pytest.mark.parametrize("name", ["person", "purpose", "recording"])
def test_an_approver_is_shown_nothing_that_was_not_signed(keyed: House, page: Page, name: str) -> None:
    filed = waiting(keyed)

    def lying(_path: str, _asked: Answer, given: Answer) -> Answer:
        if "request" not in given:
            return given
        head, payload, signature = given["request"].split(".")
        told = json.loads(base64url.decode(payload)) | {name: "audit"}
        return given | {"request": f"{head}.{base64url.encode(json.dumps(told).encode())}.{signature}"}

    keyed.between.change = lying
    keyed.enter(page, "cleo")
    keyed.show(page, "approve", filed)
    assert reach(page, "approve", "refused") == "refused"
    assert code(page) == "other-request"


# Whose invitation -> for whom, whether the thief signed it, whether it names the thief's key as the custodian's
INVITATIONS: Final = {
    "signed by another": ("ann", True, False),
    "with another custodian's key": ("ann", False, True),
    "both": ("ann", True, True),
    "both, for a person who has no key here": ("mallory", True, True),
}
KEPT: Final = """(async () => {
  const {keysHere} = await import("./person.js");
  return (await keysHere()).map(({person, id, compliance, custodianKey}) => [person, id, compliance, custodianKey]);
})()"""


def press(page: Page, words: str, state: str) -> None:
    page.run(f"[...document.querySelectorAll('#custody button')].find((one) => one.textContent === '{words}').click()")
    assert reach(page, state) == state


@pytest.mark.parametrize("case", INVITATIONS)
def test_another_houses_invitation_replaces_no_key(keyed: House, page: Page, case: str) -> None:
    """Under the real custodian's name: its key could release a recording of the thief's making."""
    person, signed, named = INVITATIONS[case]
    keyed.enter(page, "ann")
    page.open(keyed.page)
    reach(page, "home")
    before, seen = page.run(KEPT), len(keyed.between.seen)
    assert before
    page.open("about:blank")
    page.open(keyed.invitation(person, THIEF if signed else None, THIEF.public_key() if named else None))
    assert reach(page, "enrol", "refused") == "refused"
    assert code(page) == "other-house"
    assert thumbprint(THIEF.public_key()) in text(page) or not signed
    press(page, "Replace my key", "replace")
    press(page, "Keep what is here", "refused")
    press(page, "Replace my key", "replace")
    press(page, "Yes, compliance has confirmed it", "enrol")
    assert page.run(KEPT) == before
    assert not [body for _, body in keyed.between.seen[seen:] if b'"enrol"' in body]


def test_an_invitation_shows_compliances_fingerprint_before_a_key_is_made(keyed: House, page: Page) -> None:
    keyed.enter(page, "ann")
    page.open(keyed.invitation("ann"))
    assert reach(page, "enrol", "refused") == "enrol"
    assert keyed.home.key(COMPLIANCE).id in text(page)


@pytest.mark.parametrize(
    ("act", "wanted"), [("export", ""), ("analyse", "unknown-act"), ("constructor", "unknown-act")]
)
def test_an_approver_is_shown_the_act_and_signs_none_that_the_page_does_not_know(
    keyed: House, page: Page, act: str, wanted: str
) -> None:
    payload = {"person": "ann@example.com", "act": act, "recording": keyed.recording, "purpose": "audit",
               "rendition": "original", "session": "A" * 42 + "g"}  # fmt: skip
    signed = ".".join(base64url.encode(json.dumps(one).encode()) for one in ({"typ": personal.REQUEST}, payload))

    def crafted(_path: str, asked: Answer, given: Answer) -> Answer:
        if asked.get("do") != "filed":
            return given
        return {"request": f"{signed}.x", "person": "ann@example.com", "asked": 0, "approved_by": []}

    keyed.between.change = crafted
    keyed.enter(page, "cleo")
    keyed.show(page, "approve", hashlib.sha256(signed.encode()).hexdigest())
    if wanted:
        assert reach(page, "approve", "refused") == "refused"
        assert code(page) == wanted
    else:
        assert reach(page, "approve", "refused") == "approve"
        assert "export it" in text(page)


def test_what_is_shown_of_the_rendition_is_what_is_signed(keyed: House, page: Page) -> None:
    """The console says that another one is shown, or offers none."""
    for offered, wanted in (("original", "everything"), ("redacted", "the redacted"), ("", "The rules decide")):

        def lying(path: str, _asked: Answer, given: Answer, offered: str = offered) -> Answer:
            if not path.endswith("/opening"):
                return given
            other = "redacted" if offered == "original" else "original"
            return given | {"choices": [one | {"rendition": offered, "shown": other} for one in given["choices"]]}

        keyed.between.change = lying
        assert opened(keyed, page, "ann") == "purpose"
        assert wanted in text(page)


def test_a_request_goes_on_waiting_while_there_is_no_answer(keyed: House, page: Page) -> None:
    keyed.govern(APPROVED)
    left = [{"error": "no-custodian"}]

    def silent(_path: str, asked: Answer, given: Answer) -> Answer:
        return left.pop() if asked.get("do") == "filed" and left else given

    keyed.between.change = silent
    assert opened(keyed, page, "ann") == "purpose"
    press_open(page, "waiting")
    filed = filed_of(page)
    until(page, "document.querySelector('#custody').innerText.includes('There is no answer')")
    for who in ("cleo", "pia"):
        keyed.approve(who, filed)
    until(page, READY)
    assert not left


def test_a_console_that_answers_again_is_played_on_from(keyed: House, page: Page) -> None:
    left = [{"error": "no-store"}, {"error": "no-store"}]

    def starting(path: str, _asked: Answer, given: Answer) -> Answer:
        return left.pop() if path.endswith("/player/account") and left else given

    keyed.between.change = starting
    assert opened(keyed, page, "ann") == "purpose"
    page.run("""(() => {
        const said = document.querySelector("#now");
        const about = document.documentElement.dataset;
        const heard = () => (about.heard = `${about.heard ?? ""}${said.textContent}|`);
        new MutationObserver(heard).observe(said, { childList: true });
    })()""")
    page.run("document.querySelector('#open').click()")
    until(page, READY)
    assert not left
    heard = page.run("document.documentElement.dataset.heard")
    assert heard.startswith("The console does not answer. Trying again.|")
    assert page.run("document.querySelector('#now').textContent") == ""  # it was taken back


def test_a_page_plays_no_longer_than_the_custodian_said(keyed: House, page: Page) -> None:
    key = load_private(keyed.folder / "c/keys/audit-sign.key", (keyed.folder / "secret").read_bytes())
    signer = Ed25519PrivateKey.from_private_bytes(key.raw)

    def short(token: str) -> str:
        return jws.sign(jws.RELEASE, said(token) | {"until": said(token)["at"] + 5 * SECOND}, signer)

    keyed.between.change = of_release(short)
    assert opened(keyed, page, "ann") == "purpose"
    page.run("document.querySelector('#open').click()")
    until(page, 'root.dataset.code === "over"')
    assert "Your right to see this recording has ended" in page.run("document.querySelector('#failure').textContent")
    assert page.run("document.querySelector('#main').hidden")
    asked = 'import("./asking.js").then(({ask}) => ask("media", {stream: 1, from: 0, to: 1})).catch(({code}) => code)'
    assert page.run(asked) == "over"


def test_sound_without_a_header_is_not_asked_for(keyed: House, page: Page) -> None:
    def headless(path: str, _asked: Answer, given: Answer) -> Answer:
        if not path.endswith("/player/index"):
            return given
        streams = [
            one | {"rows": [row for row in one["rows"] if one["stream"] != SOUND_STREAM or row[3] != 0]}
            for one in given["streams"]
        ]
        return given | {"streams": streams}

    keyed.between.change = headless
    assert opened(keyed, page, "ann") == "purpose"
    page.run("document.querySelector('#open').click()")
    until(page, READY)
    stream = f"stream: {SOUND_STREAM}"
    asked = 'import("./asking.js").then(({ask}) => ask("peaks", {' + stream + ", from: 0, to: 1}))"
    assert page.run(asked) is None
    assert not [path for path, _ in keyed.between.seen if "from=-1" in path]


def test_what_was_approved_opens_for_its_own_session_alone(keyed: House, page: Page) -> None:
    """The thief has the request and its approvals, and no key of the person: another request is another's."""
    keyed.govern(APPROVED)
    assert opened(keyed, page, "ann") == "purpose"
    press_open(page, "waiting")
    filed = filed_of(page)
    terms = ask(keyed.socket, "filed", filed=filed)["terms"]
    key = keyed.keys("ann")
    for changed in ({"session": "A" * 42 + "g"}, {"purpose": "complaint"}, {"recording": keyed.others["open"]}):
        told = {**terms, **changed, **ask(keyed.socket, "nonce"), "person": "ann@example.com", "streams": ["0"]}
        signed = personal.sign(personal.REQUEST, told | {"filed": filed}, key)
        with keyed.client("ann") as client:
            answer = client.post("/v1/custodian", json={"do": "open", "request": signed})
        assert answer.json()["error"] in {"unknown-request", "not-closed"}
