"""What is understood of a vCon and of a mail, and that no file, however broken, ends in anything but clear words."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol import base64url
from protocol.errors import ProtocolError
from protocol.interaction import ADDRESS, ID, TEL, Agent
from review.interactions.vcon import MAX_CONTENT, Unreadable, as_bytes, of_mail, of_vcon

HOUSE = ("example.com",)
CALL: dict[str, Any] = {
    "vcon": "0.4.0",
    "uuid": "01a07e00-0ecc-81db-b9a2-279e0d16bc46",
    "created_at": "2026-09-07T22:32:08.133+00:00",
    "parties": [
        {"tel": "+49 30 123456", "name": "Kim"},
        {"mailto": "Anna@example.com", "name": "Anna"},
        {"mailto": "sam@example.com"},
    ],
    "dialog": [
        {"type": "recording", "start": "2026-06-15T09:30:00+02:00", "duration": 90.5, "parties": [0, 1]},
        {"type": "recording", "start": "2026-06-15T09:32:00+02:00", "duration": 60, "parties": [0, 2]},
    ],
}
MAIL = b"""\
From: =?utf-8?q?Kim_M=C3=BCller?= <kim@example.org>
To: anna@example.com, "Others, The" <others@example.net>
Date: Mon, 15 Jun 2026 09:30:00 +0200
Subject: =?utf-8?b?R3LDvMOfZQ==?=
Message-ID: <17@example.org>
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/html

<b>no</b>
--b
Content-Type: text/plain; charset=latin-1
Content-Transfer-Encoding: quoted-printable

Gr=FC=DFe
--b
Content-Type: text/plain
Content-Disposition: attachment; filename=a.txt

attached
--b--
"""


def text(**changes: Any) -> bytes:
    return json.dumps({name: value for name, value in (CALL | changes).items() if value is not None}).encode()


def test_a_call_is_understood() -> None:
    read = of_vcon(text(), HOUSE, "sales")
    assert (read.kind, read.direction, read.queue) == ("call", "inbound", "sales")
    assert (read.end - read.start) / 10**9 == 180
    assert read.agents == (Agent("anna@example.com"), Agent("sam@example.com"))
    assert {(TEL, "+49 30 123456"), (ADDRESS, "Anna@example.com"), (ID, CALL["uuid"])} <= set(read.goes_by)
    assert as_bytes(read, UUID(int=1)) == text()  # as it came, to the byte


@pytest.mark.parametrize(
    ("dialog", "kind"),
    [
        ([], "call"),
        ([{"type": "incomplete", "start": CALL["created_at"], "disposition": "busy"}], "call"),
        ([{"type": "text", "start": CALL["created_at"], "body": "hi"}], "chat"),
        ([{"type": "text", "start": CALL["created_at"], "message_id": "<1@x>"}], "mail"),
        ([{"type": "text", "start": CALL["created_at"], "mediatype": "message/rfc822"}], "mail"),
    ],
)
def test_the_kind_is_that_of_its_dialog(dialog: list[dict[str, Any]], kind: str) -> None:
    assert of_vcon(text(dialog=dialog), HOUSE).kind == kind


@pytest.mark.parametrize(
    ("first", "direction"),
    [
        ({"parties": [[1], 0]}, "outbound"),
        ({"parties": [1, 0], "originator": 0}, "inbound"),
        ({"parties": 7}, "inbound"),
    ],
)
def test_who_began_says_the_direction(first: dict[str, Any], direction: str) -> None:
    assert of_vcon(text(dialog=[{"type": "text", "start": CALL["created_at"], **first}]), HOUSE).direction == direction


def test_what_we_know_better_stands_in_the_extension() -> None:
    said = {
        "kind": "chat", "direction": "internal", "queue": "leads", "consent": {"chat": "given"},
        "agents": [{"user": "anna", "host": "desk-12"}],
    }  # fmt: skip
    read = of_vcon(text(eyelid=said), HOUSE, "sales")
    assert (read.kind, read.direction, read.queue, read.consent) == ("chat", "internal", "leads", {"chat": "given"})
    assert read.agents == (Agent(user="anna", host="desk-12"),)
    with pytest.raises(Unreadable):
        of_vcon(text(eyelid={"queeu": "x"}), HOUSE)
    with pytest.raises(ProtocolError):
        of_vcon(text(eyelid={"agents": "anna"}), HOUSE)


@pytest.mark.parametrize(
    ("statuses", "expiration", "consent"),
    [
        (["granted"], None, {"voice": "given"}),
        (["granted"], "2026-06-15T09:00:00+02:00", {"voice": "missing"}),
        (["granted"], "2027-06-15T09:00:00+02:00", {"voice": "given"}),
        (["granted", "denied"], None, {"voice": "missing"}),
        (["denied", "revoked", "granted"], None, {"voice": "withdrawn"}),
        (["perhaps"], None, {"voice": "missing"}),
        ([], None, {}),
    ],
)
@pytest.mark.parametrize("inline", [True, False])
def test_consent_is_that_of_its_attachments(
    statuses: list[str], expiration: str | None, consent: dict[str, str], inline: bool
) -> None:
    body: Any = {
        "expiration": expiration, "party": 0, "dialog": 0,
        "consents": [
            *({"purpose": "recording", "status": one} for one in statuses),
            {"purpose": "marketing", "status": "denied"},
        ],
    }  # fmt: skip
    attached = {"purpose": "consent", "encoding": "json", "body": json.dumps(body) if inline else body}
    assert of_vcon(text(attachments=[attached, {"purpose": "slides"}]), HOUSE).consent == consent


@pytest.mark.parametrize(
    ("member", "status", "consent"),
    [
        ({"voice": "given"}, "revoked", {"voice": "withdrawn"}),
        ({"voice": "withdrawn"}, "granted", {"voice": "withdrawn"}),
        ({"voice": "given", "screen": "missing"}, "denied", {"voice": "missing", "screen": "missing"}),
        ({"screen": "given"}, "granted", {"voice": "given", "screen": "given"}),
        ({"voice": "perhaps"}, "granted", {"voice": "perhaps"}),  # and is refused
    ],
)
def test_consent_is_the_worst_of_attachments_and_member(
    member: dict[str, str], status: str, consent: dict[str, str]
) -> None:
    attached = {"purpose": "consent", "body": {"consents": [{"purpose": "recording", "status": status}]}}
    assert of_vcon(text(attachments=[attached], eyelid={"consent": member}), HOUSE).consent == consent


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not a JSON object"),
        (b"[]", "not an object"),
        (b"\xff\xfe", "not a JSON object"),
        (b'{"parties":[{}],"parties":[]}', "each name once"),
        (b'{"a":' * 100_000, "not a JSON object"),
        (b"[" * 600_000, "values"),
        (b'{"a":[' + b"1000," * 600_000, "values"),
        (b" " * (MAX_CONTENT + 1), "bytes that one interaction may have"),
        (text(parties=None), "parties"),
        (text(parties=["Kim"]), "list of objects"),
        (text(dialog={"a": 1}), "list of objects"),
        (text(dialog=[{"start": "yesterday"}]), "`start`"),
        (text(dialog=[{"start": "2026-06-15T09:30:00"}]), "`start`"),
        (text(dialog=[{"start": "1926-06-15T09:30:00Z"}]), "`start`"),
        (text(dialog=[{"start": "0001-01-01T00:00:00+14:00"}]), "`start`"),
        (text(dialog=[{"start": 5}]), "`start`"),
        (text(dialog=[], created_at=None), "`created_at`"),
        (text(critical=["redacted-video"]), "critical"),
        (b'{"payload":"x","signatures":[]}', "unsigned form"),
        (b'{"ciphertext":"x"}', "unsigned form"),
        (text(attachments=[{"type": "consent", "body": "{"}]), "not a JSON object"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(content: bytes, words: str) -> None:
    with pytest.raises(Unreadable) as error:
        of_vcon(content, HOUSE)
    assert words in str(error.value)
    assert "Kim" not in str(error.value)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150)
@given(
    st.dictionaries(
        st.sampled_from(["parties", "dialog", "attachments", "eyelid", "uuid", "created_at", "critical"]),
        _JSON | st.lists(st.dictionaries(st.sampled_from(["start", "duration", "parties", "originator", "type", "body",
                                                          "purpose", "mailto", "tel", "role"]), _JSON, max_size=4),
                         max_size=3),
        max_size=4,
    )
)  # fmt: skip
def test_whatever_stands_in_it(changes: dict[str, Any]) -> None:
    with suppress(Unreadable, ProtocolError):
        of_vcon(json.dumps(CALL | changes).encode(), HOUSE)


# -- mail ---------------------------------------------------------------------------------------------------------


def test_a_mail_is_understood_and_all_of_it_kept() -> None:
    read = of_mail(MAIL, HOUSE, "post")
    assert (read.kind, read.direction, read.queue, read.agents) == (
        "mail",
        "inbound",
        "post",
        (Agent("anna@example.com"),),
    )
    assert {(ADDRESS, "kim@example.org"), (ID, "<17@example.org>")} <= set(read.goes_by)
    made = json.loads(as_bytes(read, UUID(int=1)))
    assert made["uuid"] == str(UUID(int=1))
    assert made["parties"][0] == {"mailto": "kim@example.org", "name": "Kim Müller"}
    assert (made["subject"], made["dialog"][0]["body"]) == ("Grüße", "Grüße")
    assert base64url.decode(made["attachments"][0]["body"]) == MAIL
    again = of_vcon(as_bytes(read, UUID(int=1)), HOUSE)
    assert (again.kind, again.direction, again.start, again.agents) == (
        read.kind,
        read.direction,
        read.start,
        read.agents,
    )


@pytest.mark.parametrize(("size", "with_text"), [(6_000_000, True), (8_000_000, False), (12_000_000, False)])
def test_a_mail_of_twelve_million_bytes_fits(size: int, with_text: bool) -> None:
    head = b"From: kim@example.org\nDate: Mon, 15 Jun 2026 09:30:00 +0200\n\n"
    raw = head + (b"x" * 75 + b"\n") * ((size - len(head)) // 76)
    made = as_bytes(of_mail(raw, HOUSE), UUID(int=1))
    assert len(made) <= MAX_CONTENT
    vcon = json.loads(made)
    assert base64url.decode(vcon["attachments"][0]["body"]) == raw
    assert bool(vcon["dialog"][0]["body"]) is with_text


def test_who_sent_it_says_the_direction() -> None:
    ours = MAIL.replace(b"kim@example.org>\n", b"sam@example.com>\n")
    assert of_mail(ours, HOUSE).direction == "outbound"
    assert of_mail(ours.replace(b"example.net", b"example.com"), HOUSE).direction == "internal"


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "sender"),
        (b"\x00\xff" * 1000, "sender"),
        (b"From: nobody\n\n", "sender"),
        (MAIL.replace(b"Date:", b"X:"), "date"),
        (MAIL.replace(b"Mon, 15 Jun 2026", b"Mon, 95 Jun 2026"), "date"),
        (bytes(MAX_CONTENT), "bytes that a mail may have"),
        *(
            (mail, "than a mail has")
            for mail in (
                MAIL + b"Content-Type: multipart/mixed; boundary=c\n" * 600 + b"x\r" * 10_000,
                MAIL.replace(b"--b--", b"--b\n\n" * 30_000),
                MAIL + b"x\n" * 600_000,
                b"Subject: " + b"=?utf-8?q?" * 20_000 + MAIL,
                b"X: y\n" * 30_000 + MAIL,
                MAIL.replace(b"text/plain", b"text/plain;" + b"\n a*0*=x;" * 2_000),
            )
        ),
    ],
)
def test_a_broken_mail_is_refused_in_words(raw: bytes, words: str) -> None:
    with pytest.raises(Unreadable) as error:
        of_mail(raw, HOUSE)
    assert words in str(error.value)


@pytest.mark.parametrize(
    "changed",
    [
        MAIL.replace(b"latin-1", b"no-such-charset"),
        MAIL.replace(b"?utf-8?b?R3LDvMOfZQ==?=", b"?no-such?b?!!!?="),
        MAIL.replace(b"--b--", b""),
        MAIL.replace(b"+0200", b""),
        MAIL.replace(b"Content-Type: multipart/mixed; boundary=b", b"Content-Type: nonsense"),
    ],
)
def test_what_is_a_little_broken_is_taken(changed: bytes) -> None:
    assert of_mail(changed, HOUSE).kind == "mail"


def test_mails_within_mails_end() -> None:
    nested = b"Content-Type: message/rfc822\n\n" * 5000
    with pytest.raises(Unreadable):
        of_mail(b"From: kim@example.org\nDate: Mon, 15 Jun 2026 09:30:00 +0200\n" + nested, HOUSE)


@settings(max_examples=150)
@given(st.data())
def test_a_mail_with_bytes_changed_is_read_or_refused(data: st.DataObject) -> None:
    raw = bytearray(MAIL)
    for _ in range(data.draw(st.integers(1, 8))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    with suppress(Unreadable):
        of_mail(bytes(raw), HOUSE)
