"""Notes, checkpoints and cosignatures against the examples of their specifications; other spellings are refused."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from review.audit.errors import AuditError
from review.audit.notes import (
    Checkpoint,
    KeyType,
    Note,
    Signature,
    Signer,
    VerifierKey,
    cosign,
    sign,
    signed_checkpoint,
    verify,
)  # fmt: skip

# https://c2sp.org/signed-note, its example.
EXAMPLE_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE = (
    "This is an example message.\n\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
).encode()
# https://c2sp.org/tlog-checkpoint and https://c2sp.org/tlog-cosignature: their keys are not given, their form is.
COSIGNED = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+"
    "xeMcTOAYQ8=\n"
    "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+"
    "mbIUBkBIfZ+qnA==\n"
).encode()

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
LOG = VerifierKey("example.com/log", KeyType.LOG, PRIVATE.public_key())
WITNESS = VerifierKey("example.com/w", KeyType.COSIGNER, PRIVATE.public_key())
POINT = Checkpoint("example.com/log", 5, bytes(range(32)))


def code(call: object, *arguments: object) -> str:
    with pytest.raises(AuditError) as caught:
        call(*arguments)  # type: ignore[operator]
    return caught.value.code


def signed(text: str = POINT.text) -> Note:
    return Note(text, (sign(text, Signer(LOG, PRIVATE)),))


def test_the_examples_of_the_specifications() -> None:
    key = VerifierKey.parse(EXAMPLE_KEY)
    assert str(key) == EXAMPLE_KEY
    note = Note.parse(EXAMPLE)
    assert bytes(note) == EXAMPLE
    assert verify(note, key) is None
    note = Note.parse(COSIGNED)
    assert bytes(note) == COSIGNED
    assert Checkpoint.parse(note.text).size == 20852163
    assert Checkpoint.parse(note.text).text == note.text
    assert int.from_bytes(note.signatures[1].raw[:8], "big") == 1679315147  # as the specification has it


def test_what_was_signed_is_read_again() -> None:
    assert signed_checkpoint(bytes(signed()), LOG) == POINT
    made = signed().with_signature(cosign(POINT.text, Signer(WITNESS, PRIVATE), 1679315147))
    assert verify(Note.parse(bytes(made)), WITNESS) == 1679315147
    stated = f"cosignature/v1\ntime 1679315147\n{POINT.text}".encode()  # as the specification has it
    PRIVATE.public_key().verify(made.signatures[1].raw[8:], stated)
    assert signed_checkpoint(bytes(made), LOG) == POINT
    again = made.with_signature(cosign(POINT.text, Signer(WITNESS, PRIVATE), 1679315148))
    assert len(again.signatures) == 2
    assert verify(again, WITNESS) == 1679315148
    assert VerifierKey.parse(str(WITNESS)) == WITNESS


def test_signatures_of_others_do_not_count() -> None:
    other = VerifierKey("example.com/log", KeyType.LOG, Ed25519PrivateKey.generate().public_key())
    assert code(signed_checkpoint, bytes(signed()), other) == "not-signed"
    renamed = VerifierKey("example.com/other", KeyType.LOG, PRIVATE.public_key())
    assert code(signed_checkpoint, bytes(signed()), renamed) == "other-log"
    assert code(verify, signed(), WITNESS) == "not-signed"
    moved = Note(POINT.text, (cosign("another\n", Signer(WITNESS, PRIVATE), 7),))
    assert code(verify, moved, WITNESS) == "bad-signature"


@given(place=st.integers(0, len(bytes(signed())) - 1), flip=st.integers(1, 255))
def test_every_changed_byte_of_a_signed_checkpoint_is_refused(place: int, flip: int) -> None:
    content = bytearray(bytes(signed()))
    content[place] ^= flip
    with pytest.raises(AuditError):
        signed_checkpoint(bytes(content), LOG)


def spelled(encoded: str) -> str:
    """The same bytes in base64 whose unused bits are not zero."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    place = len(encoded.rstrip("=")) - 1
    other = encoded[:place] + alphabet[alphabet.index(encoded[place]) + 1] + encoded[place + 1 :]
    assert base64.b64decode(other) == base64.b64decode(encoded)
    return other


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text\n",
        b"text\n\n",
        b"\n\n",
        "text\n\n— name AAAAAAA=".encode(),  # no newline
        "text\n\n— name AAAAAAA=\nmore\n".encode(),
        b"text\n\n- name AAAAAAA=\n",
        "text\n\n— name  AAAAAAA=\n".encode(),
        "text\n\n— na+me AAAAAAA=\n".encode(),
        "text\n\n— name AAAA\n".encode(),  # no more than a part of an id
        "text\n\n— name !!!!\n".encode(),
        "te\txt\n\n— name AAAAAAA=\n".encode(),
        b"te\xffxt\n\n\xe2\x80\x94 name AAAAAAA=\n",
        EXAMPLE.replace(b"IneyaQM=", spelled("IneyaQM=").encode()),
        b"x" * 70_000,
    ],
)
def test_what_is_no_note_is_refused(content: bytes) -> None:
    assert code(Note.parse, content) == "malformed-note"


def test_a_note_may_have_empty_lines_in_its_text() -> None:
    note = Note("one\n\ntwo\n", (Signature("name", b"abcd", b"x"),))
    assert Note.parse(bytes(note)) == note


ROOT = base64.b64encode(bytes(range(32))).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name\n5\n",
        f"name\n5\n{ROOT}\nextension\n",
        f"name\n05\n{ROOT}\n",
        f"name\n-5\n{ROOT}\n",
        f"name\n5 \n{ROOT}\n",
        f"name\n{'9' * 19}\n{ROOT}\n",
        f"\n5\n{ROOT}\n",
        f"name\n5\n{ROOT[:-4]}\n",
        f"name\n5\n{spelled(ROOT)}\n",
        "name\n5\n====\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    assert code(Checkpoint.parse, text) == "malformed-checkpoint"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name+00000000",
        EXAMPLE_KEY.replace("530d903a", "530d903b"),
        EXAMPLE_KEY.replace("+Ae", "+Ce"),  # a type that is not known
        EXAMPLE_KEY.replace("example.com/foo", "exam ple"),
        EXAMPLE_KEY[:-4],
        "a+b+",
    ],
)
def test_what_is_no_key_is_refused(text: str) -> None:
    assert code(VerifierKey.parse, text) == "bad-key"


def test_a_weak_key_is_refused() -> None:
    weak = VerifierKey("name", KeyType.LOG, Ed25519PublicKey.from_public_bytes(bytes(32)))
    assert code(VerifierKey.parse, str(weak)) == "bad-key"


def test_a_name_may_not_break_a_note() -> None:
    for name in ("", "a b", "a+b", "a\nb", "x" * 201):
        assert code(VerifierKey, name, KeyType.LOG, PRIVATE.public_key()) == "bad-name"
