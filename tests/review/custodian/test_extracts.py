"""Keys of chunks for a case: exactly those of the spans that people signed, whatever is handed in."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from protocol import base64url, envelope
from protocol.claims import Claims
from protocol.envelope import SOUND_STREAM, Edition, Flag, Header, Kind
from protocol.errors import ProtocolError
from protocol.keys import chunk_key, public_to_text
from protocol.released import CHUNK_KEYS, receive
from review import extracts
from review.cases.selecting import Row, belonging, edges
from review.custodian.custodian import Custodian
from review.refusal import Refusal
from testkit.custody import SECOND, House, Kept
from tests.review.custodian.test_approvals import CARL, CLEO, PIA

DEVICE: Final = Ed25519PrivateKey.generate()
RECORDING: Final = UUID(int=7)
CASE: Final = "5f0c2f0e-8a43-4d0c-9f0b-0f6f4f0c2b11"
READER: Final = "r" * 43
KEY: Final = bytes(range(32))
SPANS: Final = "4000000000-9000000000 30000000000-31000000000"


@dataclass(frozen=True)
class Made:
    """A stream: a header, then chunks of a second with pauses between; the first after each pause is a key frame."""

    rows: list[Row]
    sealed: list[str]


def made(
    shape: Iterable[tuple[int, bool]], recording: UUID = RECORDING, stream: int = 0, key: bytes = KEY,
    device: Ed25519PrivateKey = DEVICE, edition: Edition = Edition.KEYED,
) -> Made:  # fmt: skip
    """`shape`: seconds of pause before each chunk, and whether it is a key frame."""
    rows, sealed, at = list[Row](), list[str](), 0
    for sequence, (pause, is_key) in enumerate([(0, False), *shape]):
        kind = Kind.MEDIA if sequence else Kind.HEADER
        at += pause * SECOND
        flags = Flag.KEY_FRAME if sequence and (is_key or pause or sequence == 1) else Flag.NONE
        until = at + SECOND if sequence else at
        header = Header(kind, flags, stream, recording, sequence, at, until, bytes(32), edition=edition)
        body = envelope.seal(key, header, b"x", device)
        rows.append(Row(sequence, at, until, int(kind), int(flags), len(body), envelope.digest(body).hex()))
        sealed.append(base64url.encode(body))
        at = until
    return Made(rows, sealed)


def terms(**changed: str) -> dict[str, str]:
    told = {"case": CASE, "to": READER, "spans": SPANS, "streams": "0", "recording": str(RECORDING)}
    return told | changed


def granted(chunks: list[str], spans: str = SPANS, streams: tuple[int, ...] = (0,)) -> dict[int, list[int]]:
    asked = Claims({"chunks": chunks}, "request", ProtocolError)
    return extracts.sequences(asked, terms(spans=spans), public_to_text(DEVICE.public_key()), streams)


shapes = st.lists(st.tuples(st.sampled_from((0, 0, 0, 2)), st.booleans()), min_size=1, max_size=20)
moments = st.lists(st.integers(0, 60), min_size=2, max_size=8, unique=True).map(sorted)


def halves(at: list[int]) -> list[tuple[int, int]]:
    """Spans that begin and end within chunks as well as between them."""
    pairs = zip(at[::2], at[1::2], strict=False)
    return [(start * SECOND // 2, until * SECOND // 2) for start, until in pairs]


def written(spans: Iterable[tuple[int, int]]) -> str:
    return " ".join(f"{start}-{until}" for start, until in spans)


@given(shape=shapes, at=moments, data=st.data())
def test_what_is_released_is_what_a_case_has_and_never_more(
    shape: list[tuple[int, bool]], at: list[int], data: st.DataObject
) -> None:
    stream, spans = made(shape), halves(at)
    case = [stream.rows[place].sequence for place in belonging(stream.rows, spans)]
    handed = [stream.sealed[place] for place in edges(stream.rows, spans)]
    assert granted(handed, written(spans)).get(0, []) == case
    assert granted(stream.sealed, written(spans)).get(0, []) == case  # who hands in more gets no more
    some = data.draw(st.lists(st.sampled_from(stream.sealed), unique=True))
    assert set(granted(some, written(spans)).get(0, [])) <= set(case)


WRONG: Final[dict[str, tuple[Made, str]]] = {
    "of another recording": (made([(0, True)], recording=UUID(int=8)), "other-chunk"),
    "of another stream": (made([(0, True)], stream=1), "other-chunk"),
    "of another device": (made([(0, True)], device=Ed25519PrivateKey.generate()), "bad-signature"),
    "of an earlier recorder": (made([(0, True)], edition=Edition.SIGNED), "no-chunk-keys"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_chunk_that_is_not_the_recordings_is_refused(what: str) -> None:
    stream, code = WRONG[what]
    with pytest.raises(ProtocolError) as refused:
        granted([made([(0, True)]).sealed[1], stream.sealed[1]])
    assert refused.value.code == code


@pytest.mark.parametrize("text", ["", "!", "AA==", "QUJD"])
def test_what_is_no_chunk_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        granted([text])


def test_a_span_of_more_chunks_than_any_recording_has_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extracts, "MOST", 3)  # a hundred thousand chunks take minutes to make
    with pytest.raises(Refusal) as refused:
        granted(made([(0, False)] * 8).sealed)
    assert refused.value.code == "too-many-chunks"


def test_the_bound_is_of_all_spans_and_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    """A PC that helps who asks signs two chunks of each stream, with all numbers between them, for each span."""
    streams = {stream: made([(0, True), (0, True)], stream=stream) for stream in (0, 1)}
    sealed = [one for of in streams.values() for one in of.sealed[1:]]
    spans = f"0-{2 * SECOND - 2} {2 * SECOND - 1}-{2 * SECOND}"  # of each stream both chunks, and the last again
    monkeypatch.setattr(extracts, "MOST", 6)  # a hundred thousand chunks take minutes to make
    assert granted(sealed, spans, tuple(streams)) == {0: [1, 2], 1: [1, 2]}
    monkeypatch.setattr(extracts, "MOST", 5)  # as above
    with pytest.raises(Refusal) as refused:
        granted(sealed, spans, tuple(streams))
    assert refused.value.code == "too-many-chunks"


# -- through the custodian --------------------------------------------------------------------------------------------


@pytest.fixture
def kept(house: House) -> tuple[Kept, dict[int, Made]]:
    """A recording of a screen and of sound, and the chunks of both."""
    one = house.recording()
    shape = [(0, n % 8 == 0) for n in range(40)]
    return one, {
        stream: made(shape, one.id, stream, one.stream_key(stream), house.evidence) for stream in (0, SOUND_STREAM)
    }


def asks(**changed: Any) -> dict[str, Any]:
    told = {"act": "export", "purpose": "audit", "rendition": "original", "case": CASE, "to": READER, "spans": SPANS}
    return told | {"streams": f"0 {SOUND_STREAM}"} | changed


def ask(house: House, custodian: Custodian, kept: Kept, chunks: list[str], **changed: Any) -> dict[str, Any]:
    request = house.request(custodian.nonce(), CLEO, kept.id, **asks(**changed))
    told = {"request": request, "papers": kept.papers, "chunks": chunks}
    return house.released(custodian.open(Claims(told, "request", ProtocolError), "test"))


def approve(house: House, custodian: Custodian, person: str, filed: str, kept: Kept, **changed: Any) -> str:
    told = house.terms(CLEO, kept.id, **asks(**changed))
    token = house.approval(custodian.nonce(), person, filed, told)
    try:
        custodian.approve(Claims({"approval": token}, "approval", ProtocolError), "test")
    except ProtocolError as error:
        return error.code
    return ""


def filed_by(house: House, custodian: Custodian, kept: Kept, chunks: list[str], **changed: Any) -> str:
    with pytest.raises(Refusal) as refused:
        ask(house, custodian, kept, chunks, **changed)
    assert refused.value.code == "not-yet"
    return refused.value.filed


def handed(streams: dict[int, Made], spans: str = SPANS) -> list[str]:
    pairs = extracts.spans_of({"spans": spans})
    return [one.sealed[place] for one in streams.values() for place in edges(one.rows, pairs)]


def test_an_approved_case_gets_the_keys_of_its_chunks_alone(
    house: House, custodian: Custodian, kept: tuple[Kept, dict[int, Made]]
) -> None:
    one, streams = kept
    filed = filed_by(house, custodian, one, handed(streams))
    assert [approve(house, custodian, who, filed, one) for who in (PIA, CARL)] == ["", ""]
    answer = ask(house, custodian, one, handed(streams), filed=filed)
    assert answer["keys"].keys() == answer["chunks"].keys() == {"0", str(SOUND_STREAM)}
    for stream, of in streams.items():
        numbers = [of.rows[place].sequence for place in belonging(of.rows, extracts.spans_of(asks()))]
        assert answer["chunks"][str(stream)] == numbers
        sealed = base64url.decode(answer["keys"][str(stream)])
        place = {"request": answer["request"], "recording": one.id, "stream": stream}
        opened = receive(house.sessions[CLEO], sealed, label=CHUNK_KEYS, **place)
        own = one.stream_key(stream)
        assert opened == b"".join(chunk_key(own, one.id, stream, number) for number in numbers)
        with pytest.raises(ProtocolError):  # and cannot be taken for a stream's key
            receive(house.sessions[CLEO], sealed, **place)
    noted = house.entries()[-1]
    assert (noted["kind"], noted["outcome"]) == ("export", "success")
    facts = noted["facts"]
    assert facts["reference"] == f"case {CASE}"
    assert facts["spans"] == [[4 * SECOND, 9 * SECOND], [30 * SECOND, 31 * SECOND]]
    assert (len(facts["approvals"]), facts["to"][:2]) == (2, "p.")
    hidden = json.dumps(answer)
    assert base64url.encode(one.key) not in hidden
    assert base64url.encode(one.stream_key(0)) not in hidden


CHANGED: Final = {
    "case": str(uuid4()), "to": "s" * 43, "spans": "4000000000-9000000001", "streams": "0", "purpose": "complaint",
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGED)
def test_what_was_approved_is_one_case_for_one_reader_of_these_spans_and_streams(
    house: House, custodian: Custodian, kept: tuple[Kept, dict[int, Made]], name: str
) -> None:
    one, streams = kept
    filed = filed_by(house, custodian, one, handed(streams))
    other = {name: CHANGED[name]}
    assert approve(house, custodian, PIA, filed, one, **other) == "unknown-request"
    assert [approve(house, custodian, who, filed, one) for who in (PIA, CARL)] == ["", ""]
    with pytest.raises(Refusal) as refused:
        ask(house, custodian, one, streams[0].sealed, filed=filed, **other)
    assert refused.value.code == "unknown-request"
    assert ask(house, custodian, one, handed(streams), filed=filed)["chunks"]


def test_an_approved_case_is_no_leave_for_whole_streams_nor_the_other_way(
    house: House, custodian: Custodian, kept: tuple[Kept, dict[int, Made]]
) -> None:
    one, streams = kept
    filed = filed_by(house, custodian, one, handed(streams))
    assert [approve(house, custodian, who, filed, one) for who in (PIA, CARL)] == ["", ""]
    whole = {"act": "export", "purpose": "audit", "rendition": "original"}
    with pytest.raises(Refusal) as refused:
        house.open(custodian, CLEO, one, **whole, filed=filed)
    assert refused.value.code == "unknown-request"


BAD: Final = {
    "no case": {"case": "complaint"}, "no reader": {"to": "lawyer"}, "empty": {"spans": ""}, "back": {"spans": "9-4"},
    "nothing": {"spans": "4-4"}, "overlap": {"spans": "4-9 8-12"}, "seam": {"spans": "4-9 9-12"},
    "sign": {"spans": "-4-9"}, "played": {"act": "play"}, "redacted": {"rendition": "redacted"},
    "no stream": {"streams": ""}, "text": {"streams": "all"},
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_terms_of_another_shape_are_refused(
    house: House, custodian: Custodian, kept: tuple[Kept, dict[int, Made]], what: str
) -> None:
    one, streams = kept
    with pytest.raises(ProtocolError) as refused:
        ask(house, custodian, one, handed(streams), **BAD[what])
    assert refused.value.code == "bad-field"


def test_streams_that_the_device_did_not_sign_are_refused(
    house: House, custodian: Custodian, kept: tuple[Kept, dict[int, Made]]
) -> None:
    with pytest.raises(Refusal) as refused:
        ask(house, custodian, kept[0], handed(kept[1]), streams="0 1")
    assert refused.value.code == "unknown-stream"


def test_the_custodian_stays_small() -> None:
    """700 lines that are not empty, by the order that asked for it; what it uses beside is listed in decision 80."""
    folder = Path(extracts.__file__).parent / "custodian"
    lines = [line for file in folder.glob("*.py") for line in file.read_text("utf-8").splitlines() if line.strip()]
    assert len(lines) <= 700
