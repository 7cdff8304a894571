"""Comments in both browsers: written by one person, read by another, and by no console, which can make none either."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from protocol import base64url, jws
from protocol.keys import comment_key
from review.people import schema
from review.web.comments import Comments
from testkit import keyboard
from testkit.console_browser import wait_for
from testkit.player_page import faults_of
from testkit.waits import until as eventually
from tests.review.opening.conftest import PLAIN, House, Page
from tests.review.opening.test_playing import opened, ready
from tests.review.player.conftest import READY, until

__all__ = ["ready"]
pytestmark = pytest.mark.slow(reason="browsers, and a house of four processes")
Answer = dict[str, Any]
TEXT: Final = "The caller spells the number of their card here\nand we let them <b>"
COMMENTING: Final = PLAIN.replace("supervisor:\n    may: [list, play]", "supervisor:\n    may: [list, play, comment]")
THIEF: Final = Ed25519PrivateKey.generate()
LISTED: Final = "document.querySelector('#comments').dataset.state === 'listed'"
SENTENCE: Final = "import('./refusal-words.js').then(({refusal}) => refusal('%s', '%s', 'comments'))"
SHOWN: Final = "[...document.querySelectorAll('#comments-list li')].map((one) => one.innerText)"


@pytest.fixture
def keyed(ready: House) -> Iterator[House]:
    ready.between.change = None
    ready.govern(COMMENTING)
    yield ready
    ready.between.change = None
    kept(ready).forget([ready.recording])


def kept(house: House) -> Comments:
    return Comments(house.open_console.people.database)


def get(house: House, who: str, path: str, **headers: str) -> httpx.Response:
    with house.client(who, **headers) as client:
        return client.get(path)


def play(house: House, page: Page, who: str) -> None:
    assert opened(house, page, who) == "purpose"
    page.run("document.querySelector('#open').click()")
    until(page, READY)
    until(page, LISTED)


def write(page: Page, text: str = TEXT) -> str:
    """On a loop from the first to the third second; what the page says then."""
    page.run("eyelid.loopOver(1, 3)")
    page.run(f"document.querySelector('#comment-text').value = {json.dumps(text)}")
    page.run("document.querySelector('#comments-state').textContent = ''")
    page.run("document.querySelector('#comment-send').click()")
    shown = "document.querySelector('#comments-state').textContent"
    until(page, f"!['', 'The comment is being saved …'].includes({shown})")
    return str(page.run("document.querySelector('#comments-state').textContent"))


def test_one_writes_another_reads_and_the_console_does_neither(keyed: House, page: Page) -> None:
    assert COMMENTING != PLAIN
    play(keyed, page, "ann")
    assert page.run("document.querySelector('#comment-send').disabled")  # on no span yet
    assert page.run(SHOWN) == []
    seen = len(keyed.between.seen)
    assert write(page) == "Comment saved."
    (mine,) = page.run(SHOWN)
    assert "ann@example.com" in mine
    assert TEXT in mine
    assert "0:01.0 – 0:03.0" in mine  # noqa: RUF001 - as the page writes a span
    play(keyed, page, "cleo")
    (read,) = page.run(SHOWN)
    assert "ann@example.com" in read
    assert TEXT in read
    assert page.run("document.querySelector('#comment-form').hidden")  # no role of hers may comment
    bars = "[...document.querySelectorAll('#bars .bar')].map(({style}) => [style.left, style.width].map(parseFloat))"
    ((left, width),) = page.run(bars)
    length = page.run("eyelid.player.length")
    assert (left, width) == (pytest.approx(100 / length, abs=0.01), pytest.approx(200 / length, abs=0.01))
    page.run("document.querySelector('#comments-list button').click()")
    until(page, "Math.abs(eyelid.player.time - 1) < 0.3")
    # Neither what passed the console, nor its database or logs, have the text or the key.
    made = keyed.made.recording
    key = comment_key(made.key, made.id)
    hidden = [TEXT.encode(), base64url.encode(TEXT.encode()).encode()[:40], key, key.hex().encode()]
    hidden += [base64url.encode(b"_" * one + TEXT.encode()).encode()[8:48] for one in (1, 2)]
    passed = [body for _, body in (*keyed.between.seen[seen:], *keyed.between.given)]
    files = [one.read_bytes() for one in (keyed.folder / "console").rglob("*") if one.is_file()]
    files += [one.read_bytes() for one in (keyed.folder / "c").rglob("*") if one.is_file()]
    assert len(passed) > 3
    for one in (*passed, *files):
        assert not [secret for secret in hidden if secret in one]
    with keyed.open_console.people.database.reading() as connection:
        (row,) = connection.execute(select(schema.comments)).all()
    assert (row.person, row.start, row.end) == ("ann@example.com", 10**9, 3 * 10**9)
    told = get(keyed, "cleo", f"/recordings/{keyed.recording}").text
    assert "Comments: 1" in told
    assert "ann@example.com" in told
    assert "Comments: 1" not in get(keyed, "pia", f"/recordings/{keyed.recording}").text


def test_without_a_right_to_open_the_console_gives_none_of_it(keyed: House) -> None:
    path = f"/v1/recordings/{keyed.recording}/comments"
    for who, status in (("", 401), ("pia", 403), ("sam", 404), ("ann", 200)):
        assert get(keyed, who, path).status_code == status
    assert get(keyed, "ann", path, Origin=keyed.console).status_code == 403


def spliced(token: str, **changed: Any) -> str:
    head, payload, signature = token.split(".")
    told = json.loads(base64url.decode(payload)) | changed
    return f"{head}.{base64url.encode(json.dumps(told).encode())}.{signature}"


def resigned(token: str, **changed: Any) -> str:
    """By the thief, in the custodian's name."""
    payload = json.loads(base64url.decode(token.split(".")[1]))
    _, body, signature = jws.sign(jws.COMMENTED, payload | changed, THIEF).split(".")
    return f"{token.split('.', maxsplit=1)[0]}.{body}.{signature}"


SAM: Final = "sam@example.com"
OTHER: Final = "0193a1b2-0000-7000-8000-0000000000a1"
# What the console's owner makes of a comment -> the code of what is said in its place.
FORGED: Final[dict[str, tuple[Callable[[Answer], Answer], str]]] = {
    "another's name": (lambda one: one | {"comment": spliced(one["comment"], person=SAM)}, "other-comment"),
    "another span": (lambda one: one | {"comment": spliced(one["comment"], end=9 * 10**9)}, "other-comment"),
    "another text": (lambda one: one | {"comment": spliced(one["comment"], sealed="A" * 200)}, "other-comment"),
    "another's name, said again": (
        lambda one: one | {"commented": spliced(one["commented"], person=SAM)}, "bad-signature",
    ),
    "signed by the thief": (lambda one: one | {"commented": resigned(one["commented"])}, "bad-signature"),
    "signed by a key of the thief's": (
        lambda one: one | {"commented": jws.sign(jws.COMMENTED, {"comment": "x"}, THIEF)}, "wrong-signer",
    ),
    "not signed": (lambda one: one | {"commented": ""}, "malformed"),
    "no comment": (lambda one: one | {"comment": None}, "malformed"),
}  # fmt: skip


def test_what_the_console_makes_of_a_comment_is_named_and_not_shown(keyed: House, page: Page) -> None:
    play(keyed, page, "ann")
    assert write(page) == "Comment saved."
    for case, (change, wanted) in FORGED.items():

        def forging(path: str, _asked: Answer, given: Answer, change: Callable[[Answer], Answer] = change) -> Answer:
            return {"comments": [change(one) for one in given["comments"]]} if path.endswith("/comments") else given

        keyed.between.change = forging
        play(keyed, page, "cleo")
        assert page.run(SHOWN) == [], case
        for language, begins in (
            ("en", "1 comment did not pass the check and is not shown: "),
            ("de", "1 Kommentar hat die Prüfung nicht bestanden und wird nicht angezeigt: "),
        ):
            if language == "de":
                page.run("document.querySelector('#language').click()")
            said = page.run("document.querySelector('#comments-refused').innerText")
            assert said == begins + page.run(SENTENCE % (wanted, language)), case
            assert wanted not in said
        page.run("document.querySelector('#language').click()")
    keyed.between.change = lambda path, _asked, given: (
        {"comments": 2 * given["comments"]} if path.endswith("/comments") else given
    )
    play(keyed, page, "cleo")
    assert len(page.run(SHOWN)) == 1  # one that is given twice is one


def test_another_recordings_comment_is_no_comment_here(keyed: House, page: Page) -> None:
    """Signed by person and custodian, each for the other recording."""
    opener = """(async () => {
      const {openComment} = await import("./sealed.js");
      const {publicKey} = await import("./statements.js");
      const {keyOf} = await import("./person.js");
      const signer = await publicKey((await keyOf("ann@example.com")).custodianKey);
      const key = await crypto.subtle.generateKey({name: "AES-GCM", length: 256}, false, ["decrypt"]);
      const codes = [];
      for (const recording of ["%s", "%s"])
        codes.push(await openComment(key, recording, %s, signer).then(() => "opened", ({code}) => code));
      return codes;
    })()"""
    play(keyed, page, "ann")
    write(page)
    (one,) = get(keyed, "ann", f"/v1/recordings/{keyed.recording}/comments").json()["comments"]
    assert page.run(opener % (OTHER, keyed.recording, json.dumps(one))) == ["wrong-recording", "wrong-key"]


def test_what_is_not_kept_says_why_and_the_text_stays(keyed: House, page: Page) -> None:
    play(keyed, page, "ann")
    keyed.govern(PLAIN)
    assert write(page).startswith("Comment not saved: The rules refuse it. (role supervisor may not comment)")
    assert page.run("document.querySelector('#comment-text').value") == TEXT
    assert page.run(SHOWN) == []
    keyed.govern(COMMENTING)

    def swapped(_path: str, _asked: Answer, given: Answer) -> Answer:
        return given | {"commented": resigned(given["commented"])} if "commented" in given else given

    keyed.between.change = swapped
    assert write(page) == "Comment not saved: It was changed after your custodian signed it."
    assert page.run(SHOWN) == []


def test_an_erased_recordings_comments_go(keyed: House, page: Page) -> None:
    play(keyed, page, "ann")
    write(page)
    assert len(kept(keyed).about(keyed.recording)) == 1
    try:
        keyed.order_erasure(keyed.recording)
        path = f"/v1/recordings/{keyed.recording}/comments"
        assert get(keyed, "ann", path).status_code == 404
        eventually(lambda: not kept(keyed).about(keyed.recording), "the console follows the catalog, and forgets them")
    finally:
        keyed.take_back_erasures()


def test_axe_finds_no_fault_in_comments(keyed: House, page: Page, axe: str) -> None:
    play(keyed, page, "ann")
    write(page)
    page.run("document.querySelector('#comments').scrollIntoView()")
    found = faults_of(page, axe, "comments", "document.querySelector('#comments')")
    assert not found, "\n".join(map(str, found))


def test_a_comment_is_written_by_keyboard(keyed: House, page: Page) -> None:
    play(keyed, page, "ann")
    page.run("document.querySelector('#timeline').focus()")
    page.run("eyelid.loopOver(1, 3)")
    page.press("r")
    wait_for(page, "document.activeElement.id === 'comment-text'")
    keyboard.write(page, "abc. d")
    page.press("b")  # written, and no end of a loop
    assert page.run("[document.activeElement.id, eyelid.player.loop.end]") == ["comment-text", 3]
    assert page.run("document.querySelector('#comment-text').value") == "abc. db"
    keyboard.tab_to(page, "comment-send", "document.activeElement.id")
    keyboard.press(page, "Enter")
    wait_for(page, "document.querySelector('#comments-list li') !== null")
    assert "abc. db" in page.run(SHOWN)[0]
