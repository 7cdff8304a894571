"""What was said, beside the picture in both browsers: of a worker's sealed file, by its key, and by no console.

Personal data in it is hidden as rules found it, and shown at a person's wish.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import base64url
from protocol.keys import public_to_text
from review.analysis.derived import Derived
from review.analysis.job_states import Kind, versions, with_what_follows
from review.analysis.jobs import Jobs, Lease, Offer
from review.analysis.lending import Lent
from review.analysis.spans import SECOND, Span
from review.analysis.speech.transcript import Language, Segment, Settings, Transcript, TranscriptState, Versions
from review.analysis.words import Channel, Word
from review.audit.bodies import bodies
from review.commands.analyse import shelf, table
from review.commands.open_log import public_key
from review.governance.model import Rendition
from review.leasing import Lending
from review.redaction.reader import RULES, PersonalReader
from review.transcripts.form import written
from store.clock import wall
from testkit.player_page import faults_of
from tests.review.opening.conftest import PLAIN, House, Page, papers_of
from tests.review.opening.test_playing import opened, ready
from tests.review.player.conftest import READY, until

__all__ = ["ready"]
pytestmark = pytest.mark.slow(reason="browsers, and a house of four processes")
ANALYSED: Final = PLAIN.replace(
    "teams:\n",
    "  analyst: { may: [analyse], of: all, rendition: original, "
    "analyses: { speech: 600 per hour, personal: 600 per hour } }\nteams:\n",
    1,
).replace("people:\n", "people:\n  worker@example.com: { roles: [analyst] }\n", 1)
MADE_WITH: Final = Versions("scripted", "1", "tiny-for-tests", "a" * 64)
ASKED: Final = "Which order is it, please?"
ANSWERED: Final = "Number forty-seven eleven, Größe <b>"
DOUBTED: Final = "I see."
INVENTED: Final = "Thanks for watching."
SHOWN: Final = "[...document.querySelectorAll('#turns li')].map((one) => one.innerText.replace(/\\s+/g, ' ').trim())"
STATE: Final = "document.querySelector('#transcript').dataset.state"
UNSIGNED: Final = "No worker whom the custodian knows has signed it as it is. It is not shown."
FOUND: Final = "document.querySelector('#transcript-personal').textContent"
CHIPS: Final = "[...document.querySelectorAll('#turns span.personal')].map((one) => one.textContent)"
HIDES: Final = "document.querySelector('#hides-personal')"
OPENER: Final = """(async () => {
  const {openTranscript, openPersonal} = await import("./derived.js");
  const {publicKey, streamKeys} = await import("./statements.js");
  const {fromBase64url} = await import("./bytes.js");
  const {key, workers, recording, files, transcript} = %s;
  const raw = fromBase64url(key);
  const keys = await streamKeys((algorithm, uses) => crypto.subtle.importKey("raw", raw, algorithm, false, uses));
  const signers = await Promise.all(workers.map(publicKey));
  const codes = {};
  for (const [name, file] of Object.entries(files))
    codes[name] = await (transcript
      ? openPersonal(keys, recording, fromBase64url(file), signers, fromBase64url(transcript))
      : openTranscript(keys, recording, fromBase64url(file), signers)
    ).then(() => "opened", (error) => error.code ?? String(error));
  return codes;
})()"""


def channel(said: list[tuple[float, str]], **more: Any) -> Transcript:
    """Each of these begins at its second; a word takes a quarter of one."""
    words: list[Word] = []
    segments = []
    for begin, text in said:
        first = len(words)
        for place, one in enumerate(text.split()):
            start = int((begin + place / 4) * SECOND)
            words.append(Word(one, start, start + SECOND // 5))
        segments.append(Segment(first, len(words) - 1, Span(words[first].start, words[-1].end)))
    language = Language("en", 0.9)
    state = TranscriptState.TRANSCRIBED
    return Transcript(state, "", 24 * SECOND, MADE_WITH, Settings(), language, words, segments, **more)


def content(recording: str) -> bytes:
    asked = channel([(1, ASKED), (14, DOUBTED), (15, INVENTED)], unsure=frozenset({6}), invented=frozenset({7, 8, 9}))
    answered = channel([(5, ANSWERED)], wordless=(Span(21 * SECOND, 22 * SECOND),))
    return written(UUID(recording), 24 * SECOND, {Channel.AGENT: asked, Channel.CUSTOMER: answered})


@dataclass
class Transcribed:
    """`key`: the worker's; `lent`: what the custodian gave it; `lease`: of the job that is done. `looked`, `found`: the
    same of the job that looked for personal data in it.

    Of a recording of its own: other tests have the house's erased, and what was once erased is never analysed.
    """

    house: House
    key: Ed25519PrivateKey
    lease: Lease
    lent: Lent
    looked: Lease
    found: Lent

    @property
    def recording(self) -> str:
        return self.lease.recording

    @property
    def path(self) -> str:
        return f"/v1/recordings/{self.recording}/transcript"

    @property
    def derived(self) -> Derived:
        return Derived.of(self.lease, self.lent.label)

    def file(self, **changed: Any) -> bytes:
        """As the worker would seal it, of another thing where something is changed."""
        words = changed.pop("content", content(self.recording))
        signer, key = changed.pop("signer", self.key), changed.pop("key", self.lent.seals)
        made: bytes = replace(self.derived, **changed).sealed(words, key, signer)
        return made

    @property
    def personal(self) -> dict[str, Any]:
        """What the worker found."""
        one = Derived.of(self.looked, self.found.label)
        read = shelf(self.house.folder / "console").get(one, self.found.seals, self.key.public_key())
        made: dict[str, Any] = json.loads(read)
        return made

    def personal_file(self, content: bytes, signer: Ed25519PrivateKey | None = None) -> bytes:
        return Derived.of(self.looked, self.found.label).sealed(content, self.found.seals, signer or self.key)


@pytest.fixture(scope="session")
def transcribed(house: House) -> Transcribed:
    """A worker's whole turn, but for the recognition."""
    house.govern(ANALYSED)
    key, recording = house.keys("worker"), str(house.another().recording.id)
    custodian = public_key(str(house.folder / "c" / "keys" / "audit.pub")).public
    said: list[str] = []
    lending = Lending(
        house.socket, "worker@example.com", key, custodian, lambda one: papers_of(house.home, str(one)),
        lambda _, code: said.append(code),
    )  # fmt: skip
    home, models = house.folder / "console", versions({Kind.SPEECH: "scripted", Kind.PERSONAL: RULES})

    def taken(jobs: Jobs, kind: Kind) -> Lease:
        """The console, which has no reader, offers the same with other versions, and withdraws these."""
        while True:
            jobs.offer([Offer(recording, wall(), wall(), with_what_follows({Kind.SPEECH}))], models)
            if lease := jobs.lease("scripted", {kind: models[kind]}):
                return lease

    with closing(Jobs(table(home))) as jobs:
        lease = taken(jobs, Kind.SPEECH)
        lent = lending.lend(lease)
        jobs.finish(lease.job, lease.fence, shelf(home, key).put(lease, lent, content(recording)))
        looked = taken(jobs, Kind.PERSONAL)
        made = PersonalReader(jobs, lending, shelf(home, key), models).read(looked, lambda _: None)
        jobs.finish(looked.job, looked.fence, made)
        found = lending.lend(looked)
    assert said == []
    return Transcribed(house, key, lease, lent, looked, found)


@pytest.fixture
def keyed(ready: House, transcribed: Transcribed) -> Iterator[Transcribed]:
    ready.between.change = None
    ready.govern(ANALYSED)
    yield transcribed
    ready.between.change = None
    ready.govern(PLAIN)


def play(of: Transcribed, page: Page, who: str = "ann", *, hides: bool = False) -> None:
    assert opened(of.house, page, who, of.recording) == "purpose"
    page.run("document.querySelector('#open').click()")
    until(page, READY)
    until(page, f"{STATE} !== undefined")
    if not hides:
        page.run(f"{HIDES}.click()")


def find(page: Page, text: str) -> str:
    page.run(f"""(() => {{
      const sought = document.querySelector("#transcript-sought");
      sought.value = {json.dumps(text)};
      sought.dispatchEvent(new Event("input"));
    }})()""")
    return str(page.run("document.querySelector('#transcript-hits').textContent"))


def test_what_was_said_stands_beside_the_picture_and_the_console_cannot_read_it(keyed: Transcribed, page: Page) -> None:
    house = keyed.house
    seen = len(house.between.seen), len(house.between.given)
    play(keyed, page)
    assert page.run(STATE) == "shown"
    rows = page.run(SHOWN)
    assert rows[0] == f"0:01.0 Microphone {ASKED}"
    assert rows[1] == f"0:05.0 Far end {ANSWERED}"
    assert rows[2].startswith("0:08.")  # what a rule closed stands between, as the verified account has it
    assert "card-forms" in rows[2]
    assert rows[3:] == [f"0:14.0 Microphone {DOUBTED}", "0:21.0 Far end Speech of which no word was made out."]
    assert not any(INVENTED in one for one in rows)
    assert page.run("[...document.querySelectorAll('#turns .unsure')].map((one) => one.textContent)") == ["see."]
    assert "tiny-for-tests" in page.run("document.querySelector('#transcript-note').textContent")
    page.run("document.querySelector('#language').click()")
    assert page.run("document.querySelector('#transcript h2').textContent") == "Transkript"
    assert "Fernende" not in page.run(SHOWN)[0]
    page.run("document.querySelector('#language').click()")
    # Of what passed the console, and of what it keeps, nothing has the words or a key.
    hidden = [
        b"forty-seven",
        *(made for key in (keyed.lent.seals, keyed.found.seals)
          for made in (key, key.hex().encode(), base64url.encode(key).encode())),
    ]  # fmt: skip
    passed = [body for _, body in (*house.between.seen[seen[0] :], *house.between.given[seen[1] :])]
    files = [one.read_bytes() for one in (house.folder / "console").rglob("*") if one.is_file()]
    assert any(path.endswith("/transcript") for path, _ in house.between.given[seen[1] :])
    for one in (*passed, *files):
        assert not [secret for secret in hidden if secret in one]


def test_a_word_leads_to_its_moment_and_the_moment_to_its_words(keyed: Transcribed, page: Page) -> None:
    play(keyed, page)
    page.run("[...document.querySelectorAll('#turns .word')].find((one) => one.textContent === 'eleven,').click()")
    until(page, "Math.abs(eyelid.player.time - 5.5) < 0.05")
    current = "document.querySelector('#turns [aria-current]')?.innerText"
    until(page, f"{current}?.includes('eleven')")
    page.run("document.querySelector('#turns button').click()")
    until(page, f"{current}?.includes('Which order')")
    page.run("eyelid.player.seek(10)")
    until(page, f"{current} === undefined")


def test_what_is_sought_is_marked_and_enter_goes_to_it(keyed: Transcribed, page: Page) -> None:
    play(keyed, page)
    assert find(page, "forty-eight") == "Not found."
    assert find(page, "  GROSSE ").startswith("1 found.")
    assert find(page, "grö").startswith("1 found.")
    assert find(page, "is").startswith("1 found.")
    assert find(page, "order is IT").startswith("1 found.")  # across words
    assert page.run("[...document.querySelectorAll('#turns mark')].map((one) => one.textContent)") == [
        "order",
        "is",
        "it,",
    ]
    assert find(page, "e").startswith("12 found.")
    enter = "document.querySelector('#transcript-sought').dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter'%s}))"
    page.run(enter % "")
    until(page, "Math.abs(eyelid.player.time - 1.25) < 0.05")  # "order"
    assert page.run("document.querySelector('#transcript-hits').textContent") == "1 of 12"
    page.run(enter % ", shiftKey: true")
    until(page, "Math.abs(eyelid.player.time - 14.25) < 0.05")  # from the first back to the last, "see."
    assert find(page, "") == ""
    assert page.run("document.querySelectorAll('#turns mark').length") == 0
    # What is typed there is no shortcut.
    page.run("document.querySelector('#transcript-sought').focus()")
    page.run("""document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {key: "k", bubbles: true}))""")
    assert page.run("eyelid.player.playing") is False


def test_personal_data_is_hidden_as_rules_found_it_until_somebody_wants_it(keyed: Transcribed, page: Page) -> None:
    play(keyed, page, hides=True)
    assert page.run(f"{HIDES}.checked")
    assert page.run(SHOWN)[:2] == [f"0:01.0 Microphone {ASKED}", "0:05.0 Far end [number] <b>"]
    assert page.run(FOUND) == "Rules found personal data in 1 place. They miss some, names above all."
    assert find(page, "eleven") == "Not found."
    assert find(page, "number") == "Not found."  # nobody said what it is replaced by
    page.run("eyelid.player.seek(0)")
    page.run("document.querySelector('#turns span.personal').click()")
    until(page, "Math.abs(eyelid.player.time - 5) < 0.05")
    page.run("document.querySelector('#language').click()")
    assert page.run(CHIPS) == ["[Nummer]"]
    assert page.run(FOUND) == "Regeln fanden Personendaten an 1 Stelle. Manches übersehen sie, vor allem Namen."
    page.run("document.querySelector('#language').click()")
    page.run(f"{HIDES}.click()")
    assert page.run(SHOWN)[1] == f"0:05.0 Far end {ANSWERED}"
    assert page.run(CHIPS) == ANSWERED.split()[:-1]
    assert page.run("document.querySelector('#turns span.personal').title") == "number"
    assert find(page, "eleven").startswith("1 found.")
    page.run(f"{HIDES}.click()")
    assert page.run("document.querySelector('#transcript-hits').textContent") == "Not found."


def test_where_nothing_is_known_of_personal_data_the_page_says_so(keyed: Transcribed, page: Page) -> None:
    found = keyed.personal
    nothing = "Nothing looked for personal data in it yet: nothing is hidden."
    unmarked = "Personal data is not marked, as what was found of it is not shown:"
    thief = Ed25519PrivateKey.generate()
    of_another = found | {"made_of": {"speech": found["made_of"]["speech"] | {"sha256": "0" * 64}}}
    french = found | {"languages": ["fr"], "spans": []}
    unread = " Microphone: the rules do not know its language (en). Far end: the rules do not know its language (en)."
    cases = (
        (None, nothing),
        (keyed.personal_file(json.dumps(of_another).encode()),
         f"{unmarked} It was looked for in another transcript of this recording."),
        (keyed.personal_file(json.dumps(found).encode(), thief),
         f"{unmarked} {UNSIGNED}"),
        (keyed.personal_file(json.dumps(french).encode()),
         f"Rules found no personal data. They miss some, names above all.{unread}"),
    )  # fmt: skip
    for file, said in cases:
        changed = None if file is None else base64url.encode(file)
        keyed.house.between.change = lambda path, _asked, given, changed=changed: (
            given | {"personal": changed} if path.endswith("/transcript") else given
        )
        play(keyed, page, hides=True)
        assert page.run(STATE) == "shown"
        assert page.run(FOUND) == said
        assert page.run("document.querySelector('#transcript-hide').hidden")
        assert page.run(SHOWN)[1] == f"0:05.0 Far end {ANSWERED}"


def test_a_file_of_personal_data_that_is_none_of_this_transcript_is_not_opened(keyed: Transcribed, page: Page) -> None:
    found, transcript = keyed.personal, keyed.file()
    other = "0193a1b2-0000-7000-8000-0000000000a1"

    def with_(**changed: Any) -> bytes:
        return keyed.personal_file(json.dumps(found | changed).encode())

    wanted = {
        "whole": (with_(), "opened"),
        "a transcript": (transcript, "swapped"),
        "of another recording": (with_(recording=other), "swapped"),
        "of another transcript": (with_(made_of={"speech": {"version": "1", "sha256": "0" * 64}}), "other-transcript"),
        "of none": (with_(made_of={}), "malformed"),
        "of a later format": (with_(eyelid_personal=2), "unknown-format"),
        "signed by a thief": (keyed.personal_file(b"{}", Ed25519PrivateKey.generate()), "wrong-signer"),
        "without languages": (with_(languages="de"), "malformed"),
        "with a language that is none": (with_(languages=[1]), "malformed"),
        "without spans": (with_(spans=None), "malformed"),
        "with a span that is none": (with_(spans=[7]), "malformed"),
        "with a kind that is none": (with_(spans=[found["spans"][0] | {"kind": 7}]), "malformed"),
        "with a time that is none": (with_(spans=[found["spans"][0] | {"end": "9"}]), "malformed"),
        "cut off": (with_()[:-1], "cut-off"),
    }
    asked = {
        "key": base64url.encode(keyed.found.seals),
        "workers": [public_to_text(keyed.key.public_key())],
        "recording": keyed.recording,
        "files": {name: base64url.encode(file) for name, (file, _) in wanted.items()},
        "transcript": base64url.encode((keyed.house.folder / "console").joinpath(
            "analysis", "derived", keyed.recording, keyed.derived.name).read_bytes()),
    }  # fmt: skip
    assert opened(keyed.house, page, "ann", keyed.recording) == "purpose"
    assert page.run(OPENER % json.dumps(asked)) == {name: code for name, (_, code) in wanted.items()}


def test_without_a_right_to_open_the_console_gives_none_of_it_and_who_got_it_is_noted(keyed: Transcribed) -> None:
    log = keyed.house.open_console.log

    def noted() -> list[str]:
        said = [one.said for one in bodies(log.log.folder, log.log.verifier, log.key)]
        return [one["who"] for one in said if one["facts"].get("of") == "transcript"]

    before = len(noted())
    for who, status in (("", 401), ("pia", 403), ("sam", 404), ("ann", 200)):
        with keyed.house.client(who) as client:
            assert client.get(keyed.path).status_code == status
    assert len(noted()) == before + 1
    with keyed.house.client("ann", Origin=keyed.house.console) as client:
        assert client.get(keyed.path).status_code == 403


def test_a_transcript_is_given_also_where_its_personal_data_is_gone(keyed: Transcribed) -> None:
    shelved = shelf(keyed.house.folder / "console")
    files = [shelved.path(Derived.of(lease, lent.label)) for lease, lent in
             ((keyed.lease, keyed.lent), (keyed.looked, keyed.found))]  # fmt: skip
    given = [one.read_bytes() for one in files]
    spoken, personal = map(base64url.encode, given)
    with keyed.house.client("ann") as client:
        assert client.get(keyed.path).json() == {"sealed": spoken, "personal": personal}
        files[1].unlink()
        try:
            assert client.get(keyed.path).json() == {"sealed": spoken, "personal": None}
        finally:
            files[1].write_bytes(given[1])


def test_a_transcript_that_is_not_there_says_so(keyed: Transcribed, page: Page) -> None:
    """The south's was never made: it waits, as the console has offered it."""
    path = f"/v1/recordings/{keyed.house.others['south']}/transcript"
    with keyed.house.client("cleo") as client:
        answer = client.get(path)
    assert (answer.status_code, answer.json()["error"]) in ((404, "transcript-waits"), (404, "not-transcribed"))
    for code, said in (
        ("not-transcribed", "This recording was not transcribed."),
        ("transcript-failed", "This recording could not be transcribed. The operator can see why."),
        ("transcript-waits", "This recording waits to be transcribed. Its transcript comes here once it is there."),
    ):
        keyed.house.between.change = lambda path, _asked, given, code=code: (
            {"error": code, "message": "m"} if path.endswith("/transcript") else given
        )
        play(keyed, page)
        assert page.run(STATE) == code
        assert page.run("document.querySelector('#transcript-state').textContent") == said
        assert page.run(SHOWN) == []


def test_a_file_that_is_not_what_a_worker_made_of_this_recording_is_not_opened(keyed: Transcribed, page: Page) -> None:
    whole = keyed.file()
    line, _, sealed = whole.partition(b"\n")
    other = "0193a1b2-0000-7000-8000-0000000000a1"
    told = json.loads(line)

    def lined(**changed: Any) -> bytes:
        return json.dumps(told | changed, separators=(",", ":")).encode() + b"\n" + sealed

    def flipped(at: int) -> bytes:
        return whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]

    wanted = {
        "whole": (whole, "opened"),
        "of another recording": (keyed.file(recording=UUID(other)), "swapped"),
        "of another kind": (keyed.file(kind=Kind.SCREEN_TEXT), "swapped"),
        "redacted": (keyed.file(rendition=Rendition.REDACTED), "swapped"),
        "of another lease": (lined(fence=told["fence"] + 1), "swapped"),
        "of another version": (lined(version="2"), "swapped"),
        "with other spaces": (json.dumps(told).encode() + b"\n" + sealed, "swapped"),
        "of a later format": (lined(format=2), "unknown-format"),
        "signed by a thief": (keyed.file(signer=Ed25519PrivateKey.generate()), "wrong-signer"),
        "under another key": (keyed.file(key=b"k" * 32), "wrong-commitment"),
        "changed in its text": (flipped(len(line) + 120), "wrong-signer"),
        "changed in its signature": (flipped(len(whole) - 1), "wrong-signer"),
        "cut off": (whole[:-1], "cut-off"),
        "longer": (whole + b"x", "cut-off"),
        "a line alone": (line, "cut-off"),
        "nothing": (b"", "cut-off"),
        "no line": (b"x" * 2000, "unknown-format"),
        "no JSON": (b"{\n" + sealed, "unknown-format"),
        "with another recording's words": (keyed.file(content=content(other)), "swapped"),
        "without words": (keyed.file(content=b"{}"), "unknown-format"),
        "no JSON inside": (keyed.file(content=b"["), "malformed"),
        "with a word that is none": (
            keyed.file(content=content(keyed.recording).replace(b'"text":"see."', b'"text":7')), "malformed",
        ),
        "with a time that is none": (
            keyed.file(content=content(keyed.recording).replace(b'"start":1.0', b'"start":"1"')), "malformed",
        ),
    }  # fmt: skip
    asked = {
        "key": base64url.encode(keyed.lent.seals),
        "workers": [public_to_text(one) for one in (Ed25519PrivateKey.generate().public_key(), keyed.key.public_key())],
        "recording": keyed.recording,
        "files": {name: base64url.encode(file) for name, (file, _) in wanted.items()},
        "transcript": "",
    }
    assert opened(keyed.house, page, "ann", keyed.recording) == "purpose"
    assert page.run(OPENER % json.dumps(asked)) == {name: code for name, (_, code) in wanted.items()}


def test_what_the_console_puts_in_its_place_is_not_shown(keyed: Transcribed, page: Page) -> None:
    forged = base64url.encode(keyed.file(signer=Ed25519PrivateKey.generate()))
    keyed.house.between.change = lambda path, _asked, given: (
        {"sealed": forged} if path.endswith("/transcript") else given
    )
    play(keyed, page)
    assert page.run(STATE) == "wrong-signer"
    assert page.run(SHOWN) == []
    said = page.run("document.querySelector('#transcript-state').textContent")
    assert said == UNSIGNED


def test_axe_finds_no_fault_in_a_transcript(keyed: Transcribed, page: Page, axe: str) -> None:
    play(keyed, page, hides=True)
    find(page, "order")
    page.run("document.querySelector('#transcript').scrollIntoView()")
    found = faults_of(page, axe, "transcript", "document.querySelector('#transcript')")
    assert not found, "\n".join(map(str, found))
