"""Of a transcript that a worker sealed come spans, sealed; of one that is not what the job table says, none."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from review.analysis.derived import Derived, Shelf
from review.analysis.job_states import Failure, JobState, Kind, versions, with_what_follows
from review.analysis.jobs import Jobs, Lease, Offer
from review.analysis.lending import Lent
from review.analysis.spans import Span
from review.analysis.speech.transcript import Language, Segment, Settings, Transcript, TranscriptState, Versions
from review.analysis.words import SECOND, Call, Channel
from review.analysis.worker import ReadError
from review.governance.model import Rendition
from review.redaction.reader import RULES, PersonalReader
from review.transcripts.form import CHANNELS, written
from tests.review.analysis.said import call

ID = "0193a1b2-7c4d-7e5f-8a9b-0c1d2e3f4a5b"
NOW = 1_790_000_000 * SECOND
MODELS = versions({Kind.SPEECH: "base.1", Kind.PERSONAL: RULES})
OTHERS = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
MADE_WITH = Versions("tones", "1", "tones-de-en", "0" * 64)
CALL = call("agent: Wie lautet Ihre Kartennummer bitte?", "customer: vier eins eins eins acht zwei null drei",
            "agent: Danke, ich habe Sie gefunden.", "customer: Der Regen hört auf.")  # fmt: skip


def key(label: str) -> bytes:
    return label.encode().ljust(32, b"k")[:32]


def transcribed(said: Call, language: str = "de") -> dict[Channel, Transcript]:
    found = {}
    for channel in CHANNELS:
        heard = said.channels[channel]
        segments = [Segment(0, len(heard.words) - 1, Span(0, heard.end))] if heard.words else []
        found[channel] = Transcript(TranscriptState.TRANSCRIBED, "", heard.end, MADE_WITH, Settings(),
                                    Language(language), heard.words, segments)  # fmt: skip
    return found


@dataclass
class House:
    """One recording, whose speech `signer` made. `workers`: whose signature counts."""

    folder: Path
    jobs: Jobs
    signer: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    workers: list[Ed25519PublicKey] = field(default_factory=list)
    opens: dict[str, bytes] = field(default_factory=lambda: {"speech/original": key("speech/original")})
    lent: int = 0

    def __post_init__(self) -> None:
        self.workers += [OTHERS.public_key(), self.signer.public_key()]
        self.jobs.offer([Offer(ID, NOW, NOW, with_what_follows([Kind.SPEECH, Kind.SCREEN_TEXT]))], MODELS)

    @property
    def shelf(self) -> Shelf:
        return Shelf(self.folder / "derived", self.signer)

    def lend(self, lease: Lease) -> Lent:
        self.lent += 1
        label = f"{lease.kind}/original"
        return Lent({}, label, key(label), self.opens, tuple(self.workers))

    def take(self, kind: Kind) -> Lease:
        found = self.jobs.lease("pc-1", {kind: MODELS[kind]})
        assert found is not None
        return found

    def speak(self, body: bytes | None = None) -> Lease:
        lease = self.take(Kind.SPEECH)
        content = written(UUID(ID), NOW, transcribed(CALL)) if body is None else body
        self.jobs.finish(lease.job, lease.fence, self.shelf.put(lease, self.lend(lease), content))
        return lease

    def file(self, lease: Lease) -> Path:
        return self.shelf.path(Derived.of(lease, f"{lease.kind}/original"))

    def read(self) -> dict[str, Any]:
        lease, shares = self.take(Kind.PERSONAL), list[float]()
        result = PersonalReader(self.jobs, self, self.shelf, MODELS).read(lease, shares.append)
        self.jobs.finish(lease.job, lease.fence, result)
        assert (shares[0], shares[-1], shares) == (0.0, 1.0, sorted(shares))
        one = Derived(UUID(ID), Kind.PERSONAL, Rendition.ORIGINAL, MODELS[Kind.PERSONAL], lease.fence)
        found: dict[str, Any] = json.loads(self.shelf.get(one, key("personal/original"), self.signer.public_key()))
        return found

    def refused(self) -> Failure:
        before = set(self.shelf.folder.rglob("*"))
        with pytest.raises(ReadError) as error:
            PersonalReader(self.jobs, self, self.shelf, MODELS).read(self.take(Kind.PERSONAL), lambda _: None)
        assert set(self.shelf.folder.rglob("*")) == before
        return error.value.failure


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with closing(Jobs(tmp_path / "jobs.db")) as jobs:
        yield House(tmp_path, jobs)


# -- what is made -----------------------------------------------------------------------------------------------------


def test_it_says_where_personal_data_is_and_of_what_it_was_made(house: House) -> None:
    speech = house.speak()
    found = house.read()
    (job,) = (one for one in house.jobs.of(ID) if one.kind is Kind.SPEECH)
    assert (found["eyelid_personal"], found["recording"], found["rules"]) == (1, ID, "1")
    assert found["made_of"] == {"speech": {"version": speech.model, "sha256": job.result}}
    (span,) = [one for one in found["spans"] if one["kind"] == "card" and one["detector"] == "question"]
    digits = [word for word in CALL.words(Channel.CUSTOMER) if word.text in {"vier", "eins", "acht", "null", "drei"}]
    assert span["channel"] == "customer"
    assert span["start"] <= digits[0].start / SECOND
    assert span["end"] >= digits[-1].end / SECOND
    assert span["end"] <= next(one.start for one in CALL.words(Channel.CUSTOMER) if one.text == "Der") / SECOND
    assert (span["version"], span["person"]) == ("1", None)
    assert 0 < found["channels"]["customer"].pop("masked") < 1
    assert found["channels"] == {
        "agent": {"transcript": "transcribed", "language": "de", "masked": 0.0},
        "customer": {"transcript": "transcribed", "language": "de"},
    }


def test_it_says_nothing_of_what_was_said(house: House) -> None:
    house.speak()
    spans = house.read()["spans"]
    told = {word for span in spans for value in span.values() for word in str(value).lower().split()}
    assert {"asked:", "kartennummer"} <= told
    assert not told & {word.text.lower() for word in CALL.words(Channel.CUSTOMER)}


def test_the_same_words_are_the_same_bytes(house: House, tmp_path: Path) -> None:
    house.speak()
    (tmp_path / "other").mkdir()
    with closing(Jobs(tmp_path / "other" / "jobs.db")) as jobs:
        other = House(tmp_path / "other", jobs)
        other.speak()
        ones = [{**one.read(), "made_of": None} for one in (house, other)]
    assert json.dumps(ones[0]) == json.dumps(ones[1])


def test_a_call_without_a_word_has_no_spans_and_says_why(house: House) -> None:
    """No span means nothing where there were no words to look through."""
    nothing = Transcript(TranscriptState.MISSING, "The recording has no sound", 0, MADE_WITH, Settings())
    house.speak(written(UUID(ID), 0, dict.fromkeys(CHANNELS, nothing)))
    found = house.read()
    assert found["spans"] == []
    assert found["channels"]["agent"] == {"transcript": "missing", "language": None, "masked": 0.0}


# -- what is refused --------------------------------------------------------------------------------------------------


def gone(house: House, speech: Lease) -> None:
    house.file(speech).unlink()


def damaged(house: House, speech: Lease) -> None:
    body = bytearray(house.file(speech).read_bytes())
    body[-100] ^= 1
    house.file(speech).write_bytes(body)


def cut_off(house: House, speech: Lease) -> None:
    house.file(speech).write_bytes(house.file(speech).read_bytes()[:40])


def made_again_by_a_thief(house: House, speech: Lease) -> None:
    """Who stole a lease's keys and the shelf: the table has the hash of what was made."""
    words = written(UUID(ID), NOW, transcribed(call("agent: Guten Tag", "customer: Guten Tag")))
    Shelf(house.shelf.folder, house.signer).put(speech, house.lend(speech), words)


def signed_by_one_that_counts_no_more(house: House, _: Lease) -> None:
    house.workers = [OTHERS.public_key()]


def under_another_key(house: House, _: Lease) -> None:
    house.opens["speech/original"] = bytes(32)


@pytest.mark.parametrize(
    "wrong",
    [gone, damaged, cut_off, made_again_by_a_thief, signed_by_one_that_counts_no_more, under_another_key],
)
def test_a_transcript_that_is_not_what_a_worker_made_gives_no_spans(
    house: House, wrong: Callable[[House, Lease], None]
) -> None:
    speech = house.speak()
    wrong(house, speech)
    assert house.refused() is Failure.NO_SOURCE


@pytest.mark.parametrize("body", [b"", b"[]", b'{"eyelid_transcript":9}', b'{"eyelid_transcript":1,"channels":[]}'])
def test_what_is_no_transcript_gives_no_spans(house: House, body: bytes) -> None:
    house.speak(body)
    assert house.refused() is Failure.NO_SOURCE


def test_without_a_transcript_no_key_is_asked_for(house: House) -> None:
    speech = house.speak()
    asked, personal = house.lent, house.take(Kind.PERSONAL)
    house.jobs.withdraw([ID], {Kind.SPEECH})
    later = PersonalReader(house.jobs, house, house.shelf, {**MODELS, Kind.SPEECH: "base.2"})
    with pytest.raises(ReadError) as error:
        later.read(replace(personal, fence=speech.fence), lambda _: None)
    assert (error.value.failure, house.lent) == (Failure.NO_SOURCE, asked)


def test_a_disk_without_room_is_tried_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.speak()

    def full(*_: Any) -> str:
        raise ReadError(Failure.NO_ROOM)

    monkeypatch.setattr(Shelf, "put", full)  # as Shelf does on a full disk (test_derived.py)
    assert house.refused() is Failure.NO_ROOM
    assert [one.state for one in house.jobs.of(ID) if one.kind is Kind.SPEECH] == [JobState.DONE]
