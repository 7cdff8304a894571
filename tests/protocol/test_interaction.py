"""What of a call, a chat or a mail may be in clear, what is refused before it is kept, and how it is found again."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol import interaction as module
from protocol import jws
from protocol.envelope import Edition, Header, Kind, digest, seal
from protocol.errors import ProtocolError
from protocol.interaction import (
    ADDRESS,
    ID,
    TEL,
    Agent,
    Interaction,
    finding_key,
    interaction_id,
    opened,
    plain,
    receive,
    sealed,
    tag,
)
from protocol.keys import RecipientPrivate, stream_key
from protocol.packet import KeyPacket, Monitor

SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = SIGNER.public_key()
READER = RecipientPrivate(bytes(range(32)))
READERS = frozenset({READER.key_id})
WHO = "0193a1b2-0000-7000-8000-000000000001"
HOUSE = ("example.com",)
CONTENT = b'{"parties":[{"tel":"+4930123456"}]}'
ABOUT = Interaction(
    UUID("0193a1b2-0000-7000-8000-0000000000c1"), WHO, "chat", "inbound", "Front desk 2", 1_800 * 10**15,
    1_801 * 10**15, {"chat": "given"}, (Agent("anna@example.com", "anna", "desk-12", WHO), Agent(user="m.weber")),
    ("A" * 43,),
)  # fmt: skip


def known(revision: int) -> frozenset[str] | None:
    return READERS if revision == 3 else None


def made(about: Interaction = ABOUT, revision: int = 3, content: bytes = CONTENT) -> bytes:
    key = secrets.token_bytes(32)
    return sealed(about, content, (READER.public,), key, SIGNER, bundle_revision=revision, version="0.1")


def refused(body: bytes, sender: str = WHO) -> str:
    with pytest.raises(ProtocolError) as error:
        receive(body, sender, PUBLIC, HOUSE, known)
    assert "+49" not in str(error.value)
    return error.value.code


def statement(**changes: object) -> str:
    """The code by which a statement that says this is refused."""
    payload = jws.verify(jws.INTERACTION, made().split(b"\n")[1].decode(), PUBLIC)
    with pytest.raises(ProtocolError) as error:
        Interaction.verify(jws.sign(jws.INTERACTION, payload | changes, SIGNER), PUBLIC)
    return error.value.code


def test_what_was_sealed_is_received_and_opened_by_its_reader_alone() -> None:
    body = made()
    assert CONTENT not in body
    received = receive(body, WHO, PUBLIC, HOUSE, known)
    assert replace(received.about, packet="", sealed="") == ABOUT
    about, content = opened(received.statement, received.packet, received.chunk, PUBLIC, READER)
    assert (about, content) == (received.about, CONTENT)
    with pytest.raises(ProtocolError) as error:
        opened(received.statement, received.packet, received.chunk, PUBLIC, RecipientPrivate.generate())
    assert error.value.code == "not-a-recipient"


DAY = 24 * 3600 * 10**9


@pytest.mark.parametrize(("kind", "longest"), [("call", DAY), ("chat", 31 * DAY), ("mail", 31 * DAY)])
def test_what_lasts_too_long_is_refused(kind: str, longest: int) -> None:
    """It would have every recording of its agents."""
    about = replace(ABOUT, kind=kind, end=ABOUT.start + longest)
    assert receive(made(about), WHO, PUBLIC, HOUSE, known).about.end == about.end
    assert refused(made(replace(about, end=about.end + 1))) == "too-long"


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", CONTENT, b'{"a":\n1\n}', b" [1]\n[2]\n3", "Größe\n\n1".encode(), "a\nÄ\n1".encode(), b"From: a\n\n"],
)
def test_clear_bodies_are_refused(body: bytes) -> None:
    assert refused(body) == "clear-body"


@settings(max_examples=60)
@given(st.binary(max_size=400) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
def test_whatever_comes_is_refused_with_a_code(body: bytes) -> None:
    assert refused(body) in {"clear-body", "malformed", "wrong-algorithm", "oversized"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"subject": "hello"}, "clear-text"),
        ({"agents": [{"tel": "+4930"}]}, "clear-text"),
        ({"agents": [{"person": "Anna"}]}, "bad-field"),
        ({"agents": [{"user": "4930123456"}]}, "bad-field"),
        ({"agents": [{"host": "a@b"}]}, "bad-field"),
        ({"agents": [{"device": "x"}]}, "bad-field"),
        ({"agents": [{}] * 65}, "bad-field"),
        ({"queue": "+49 30 123456"}, "bad-field"),
        ({"queue": "line 030123456"}, "bad-field"),
        ({"queue": "anna@example.com"}, "bad-field"),
        ({"kind": "fax"}, "bad-field"),
        ({"direction": ""}, "bad-field"),
        ({"tags": ["+4930123456"]}, "bad-field"),
        ({"tags": ["A" * 43] * 513}, "bad-field"),
        ({"consent": {"voice": "yes"}}, "bad-field"),
        ({"consent": {"smell": "given"}}, "bad-field"),
        ({"end": 1}, "bad-field"),
    ],
)
def test_what_is_in_clear_is_a_closed_list(changes: dict[str, object], code: str) -> None:
    assert statement(**changes) == code


def test_an_agent_is_of_the_house() -> None:
    outside = replace(ABOUT, queue="", agents=(Agent("anna@example.com"), Agent("kim@elsewhere.example")))
    assert refused(made(outside)) == "clear-party"


def change(what: str) -> bytes:
    """A body in which one thing is another's, signed all the same."""
    key = secrets.token_bytes(32)
    about = ABOUT
    facts: dict[str, Any] = {
        "recording": ABOUT.id, "bundle_revision": 3, "policy": module.NO_POLICY, "start": ABOUT.start, "device": WHO,
        "host": "", "os_user": "", "monitors": (), "agent_version": "0.1", "edition": Edition.SIGNED,
    }  # fmt: skip
    facts |= {
        "host": {"host": "desk-12"}, "user": {"os_user": "anna"}, "policy": {"policy": "a" * 64},
        "version": {"agent_version": "call me"},
        "monitor": {"monitors": (Monitor(0, 0, 0, 1, 1, "x"),)}, "recording": {"recording": UUID(int=9)},
        "device": {"device": "another"}, "edition": {"edition": Edition.FIRST}, "bundle": {"bundle_revision": 4},
    }.get(what, {})  # fmt: skip
    reader = RecipientPrivate.generate() if what == "readers" else READER
    payload = KeyPacket.build(key, [reader.public], **facts).payload()
    payload |= {"name": {"note": "hello"}, "blanks": {"agent_version": " " * 2**19}}.get(what, {})
    packet = jws.sign(jws.PACKET, payload, SIGNER).encode()
    header = Header(Kind.MEDIA, module.Flag.KEY_FRAME, module.TEXT_STREAM, about.id, 0, 0, 0, digest(packet),
                    edition=Edition.SIGNED)  # fmt: skip
    if what == "stream":
        header = replace(header, stream=0)
    if what == "previous":
        header = replace(header, previous=bytes(32))
    signer = Ed25519PrivateKey.generate() if what == "signature" else SIGNER
    chunk = seal(stream_key(key, about.id, module.TEXT_STREAM), header, CONTENT, signer)
    about = replace(about, packet=digest(packet).hex(), sealed=digest(chunk).hex())
    if what == "digest":
        about = replace(about, sealed="0" * 64)
    return b"\n".join((packet, about.sign(SIGNER).encode(), chunk))


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ("host", "clear-text"), ("user", "clear-text"), ("policy", "clear-text"), ("monitor", "clear-text"),
        ("name", "clear-text"), ("version", "clear-text"), ("blanks", "oversized"),
        ("recording", "misplaced"), ("device", "misplaced"), ("edition", "misplaced"), ("bundle", "unknown-bundle"),
        ("readers", "other-readers"), ("digest", "wrong-digest"), ("stream", "wrong-stream"),
        ("previous", "wrong-previous"), ("signature", "bad-signature"),
    ],
)  # fmt: skip
def test_what_is_another_s_is_refused(what: str, code: str) -> None:
    assert refused(change(what)) == code


def test_a_key_packet_alone_says_whether_it_is_this_interactions() -> None:
    received = receive(made(), WHO, PUBLIC, HOUSE, known)
    module.check_packet(received.about, received.packet, PUBLIC)
    with pytest.raises(ProtocolError) as error:
        module.check_packet(replace(received.about, packet="0" * 64), received.packet, PUBLIC)
    assert error.value.code == "wrong-digest"
    with pytest.raises(ProtocolError, match="a recording's"):
        module.check_packet(received.about, change("host").split(b"\n")[0], PUBLIC)


def test_the_sender_signs_as_itself() -> None:
    assert receive(change("nothing"), WHO, PUBLIC, HOUSE, known).about.id == ABOUT.id
    assert refused(made(), "another") == "misplaced"


# -- finding ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "text", "spelt"),
    [
        (TEL, "+49 (0)30 / 123-456", (TEL, "+4930123456")),
        (TEL, "tel:+4930123456;ext=2", (TEL, "+4930123456")),
        (TEL, "0049 30 123456", (TEL, "+4930123456")),
        (TEL, "030 123456", (TEL, "+4930123456")),
        (TEL, "211", (TEL, "211")),
        (TEL, "anonymous", ("", "")),
        (TEL, "+", ("", "")),
        (TEL, "1" * 30, ("", "")),
        (ADDRESS, "mailto:Kim@Example.ORG?subject=x", (ADDRESS, "kim@example.org")),
        (ADDRESS, "10001@qq.example", (ADDRESS, "10001@qq.example")),
        (ADDRESS, "sip:+4930123456@pbx.example;user=phone", (TEL, "+4930123456")),
        (ADDRESS, "sips:kim@pbx.example", (ADDRESS, "kim@pbx.example")),
        (ADDRESS, "kim", ("", "")),
        (ID, "  C-17   a ", (ID, "c-17 a")),
        (ID, " ", ("", "")),
    ],
)
def test_one_number_has_one_spelling(kind: str, text: str, spelt: tuple[str, str]) -> None:
    assert plain(kind, text, "49") == spelt


def test_without_a_country_a_national_number_stays_as_it_is() -> None:
    assert plain(TEL, "030 123456") == (TEL, "030123456")


@given(st.sampled_from([TEL, ADDRESS, ID]), st.text(max_size=60))
def test_a_spelling_is_spelt_so_itself(kind: str, text: str) -> None:
    found, spelt = plain(kind, text, "49")
    assert (found == "") == (spelt == "")
    if found:
        assert plain(found, spelt, "49") == (found, spelt)


def test_the_same_source_has_the_same_id_and_no_other_key_knows_it() -> None:
    one, source = interaction_id(bytes(32), 1_800 * 10**15, bytes(32)), bytes(31) + b"x"
    assert one == interaction_id(bytes(32), 1_800 * 10**15, bytes(32))
    assert one.version == 7
    others = {interaction_id(b"k" * 32, 1_800 * 10**15, bytes(32)), interaction_id(bytes(32), 1_800 * 10**15, source)}
    assert len(others | {one}) == 3


def test_a_tag_is_of_its_key_its_kind_and_its_spelling() -> None:
    house = secrets.token_bytes(32)
    one, other = finding_key(house, WHO), finding_key(house, "another")
    make: Callable[..., str | None] = tag
    tags = {make(key, kind, "+49301") for key in (one, other, house) for kind in (TEL, ID)}
    assert len(tags) == 6
    assert make(one, TEL, "0301", "49") == make(one, TEL, "+49 301")
    assert make(one, TEL, "nobody") is None
    with pytest.raises(ProtocolError):
        finding_key(b"short", WHO)
