"""Comments, legal holds and certificates of erasure: sealed within a case, and shown by what opens it."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import delete, insert

from protocol import base64url, jws, personal
from protocol.erasure import Destroyed, Erasure
from protocol.errors import ProtocolError
from protocol.keyfile import load_private
from protocol.keys import RecipientPrivate, comment_key, public_to_text
from review.audit.notes import Signer
from review.cases import reading
from review.cases.beside import Comment, Gone
from review.cases.sealing import Content
from review.cases.spans import CaseError
from review.cli import main
from store.catalog import erasure, schema
from store.evidence.show import iso
from testkit.fakes.pc import SECOND
from testkit.player_page import READY, Page, faults_of, played_case, until
from tests.review.cases.conftest import Archive, said
from tests.review.player.made import MadeRecording
from tests.store.conftest import PASSPHRASE

CASE: Final = "5f0c2f0e-8a43-4d0c-9f0b-0f6f4f0c2b11"
LOG: Final = Signer.of("review.example.com/custodian", Ed25519PrivateKey.generate())
HOUSE: Final = Ed25519PrivateKey.generate()  # signs what was erased
ANN: Final = Ed25519PrivateKey.generate()
TEXT: Final = "The caller spells <b>their number</b> here"
AT: Final = 1_790_000_000 * SECOND


def comment(of: MadeRecording, start: int, end: int, text: str = TEXT, **changed: Any) -> dict[str, str]:
    """As a browser seals and signs it, and the custodian says whose it is. Seconds."""
    key, nonce = comment_key(of.recording.key, of.recording.id), os.urandom(12)
    padded = text.encode().ljust(256)
    sealed = nonce + AESGCM(key).encrypt(nonce, padded, b"eyelid comment v1" + of.recording.id.bytes)
    told = {
        "person": "ann@example.com", "custodian": LOG.key.name, "nonce": "n", "recording": str(of.recording.id),
        "purpose": "", "start": start * SECOND, "end": end * SECOND, "sealed": base64url.encode(sealed),
    }  # fmt: skip
    token = personal.sign(personal.COMMENT, told, ANN)
    vouched = {
        "comment": personal.read(personal.COMMENT, token).id, "person": "ann@example.com",
        "recording": str(of.recording.id), "entry": 1, "at": AT,
    }  # fmt: skip
    return {"comment": token, "commented": jws.sign(jws.COMMENTED, vouched | changed, LOG.private)}


@dataclass
class Asked:
    """What `case show --json` prints, in a file."""

    archive: Archive
    folder: Path

    def export(self, comments: list[dict[str, str]], *more: object, code: int = 0) -> Path:
        one, other = self.archive.ids
        gone = str(self.archive.earlier.recording.id)
        spans = [{"recording": recording, "from": 5 * SECOND, "until": 10 * SECOND} for recording in (one, gone, other)]
        shown = {"v": 1, "case": CASE, "title": "Complaint 4711", "spans": spans, "comments": comments}
        (self.folder / "case.json").write_text(json.dumps(shown))
        (self.folder / "custodian.pub").write_text(f"{LOG.key}\n")
        words = ["case", "export", "--spans", self.folder / "case.json", "--key", self.archive.key, "--to",
                 self.archive.folder / "lawyer.pub", "--passphrase-file", self.archive.passphrase, "--home",
                 self.archive.home.folder, "-o", self.folder / "complaint", "--json", *more]  # fmt: skip
        assert main(list(map(str, words))) == code
        return self.folder / "complaint"

    def content(self) -> Content:
        reader = RecipientPrivate.from_bytes(load_private(self.archive.reader, PASSPHRASE).raw)
        statement = reading.statement_of(self.folder / "complaint")
        return reading.content_of(self.folder / "complaint", statement, reading.by_key(statement, reader))


def certificate(archive: Archive, signer: Ed25519PrivateKey = HOUSE, **changed: Any) -> str:
    recording = archive.earlier.recording
    destroyed = Destroyed(AT, ("a" * 64,), 3, 1000, (), "2027-01-01", ())
    made = Erasure(
        recording.id, archive.earlier.pc.device, "period", "rest", "b" * 64, "", "log.example.com", 7, AT, destroyed
    )
    return replace(made, **changed).sign(signer)


@pytest.fixture
def asked(archive: Archive, tmp_path: Path) -> Iterator[Asked]:
    """One recording is on hold, another was erased."""
    one, gone = archive.ids[0], archive.earlier.recording
    row = {"hold": "case-17", "recording": one, "why": "a letter", "owner": "cleo", "review": "2027-03-01"}
    order = replace(Erasure.verify(certificate(archive), HOUSE.public_key()), destroyed=None).sign(HOUSE)
    erased = {
        "recording": str(gone.id), "device": archive.earlier.pc.device, "position": 7, "order": order,
        "step": "erased", "found": "", "certificate": certificate(archive),
    }  # fmt: skip
    with closing(archive.home.database()) as database:
        with database.writing() as connection:
            generation = erasure.appoint(connection, "log.example.com", HOUSE.public_key(), 0)
            connection.execute(insert(schema.holds).values(**row, placed_at=AT))
            connection.execute(insert(schema.erasures).values(**erased))
        archive.home.generation_path.write_text(generation)
        try:
            yield Asked(archive, tmp_path)
        finally:
            with database.writing() as connection:
                for table in (schema.holds, schema.erasures, schema.lifecycle):
                    connection.execute(delete(table))
            archive.home.generation_path.unlink()


def test_what_is_beside_the_chunks_is_sealed_and_verified(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    one = asked.archive.made[0]
    comments = [comment(one, 6, 7), comment(one, 15, 16, "not of this case")]
    folder = asked.export(comments, "--custodian-key", asked.folder / "custodian.pub")
    printed = said(capsys)
    assert (printed["comments"], printed["erased"]) == (1, [str(asked.archive.earlier.recording.id)])
    content = asked.content()
    assert [part.beside.comments for part in content.parts] == [
        (Comment("ann@example.com", AT, 6 * SECOND, 7 * SECOND, TEXT),), ()
    ]  # fmt: skip
    assert [[held.hold for held in part.beside.holds] for part in content.parts] == [["case-17"], []]
    for file in folder.iterdir():
        body = file.read_bytes()
        assert not [hidden for hidden in (TEXT, "ann@example.com", "case-17") if hidden.encode() in body]
    assert main(asked.archive.verify(folder)) == 0
    found = said(capsys)
    assert [row["comments"][0]["text"] for row in found["recordings"] if row["comments"]] == [TEXT]
    assert found["recordings"][0]["holds"] == [{"hold": "case-17", "since": AT, "review": "2027-03-01"}]
    assert (found["sound"], found["erased"][0]["basis"]) == (True, "period")
    assert main([word for word in asked.archive.verify(folder) if word != "--json"]) == 0
    lines = capsys.readouterr().out
    for words in (f"ann@example.com, {iso(AT)}: {TEXT}", "on legal hold case-17", f"was erased {iso(AT)}"):
        assert words in " ".join(lines.split()), words


def test_without_the_custodians_key_no_comment_is_taken_along(asked: Asked) -> None:
    asked.export([comment(asked.archive.made[0], 6, 7)])
    assert [part.beside.comments for part in asked.content().parts] == [(), ()]


def forged(what: str, of: MadeRecording) -> dict[str, str]:
    """What a console's owner makes of a comment."""
    made, other = comment(of, 6, 7), comment(of, 6, 8, "other")
    return {
        "another's vouching": made | {"commented": other["commented"]},
        "another's text": made | {"comment": other["comment"]},
        "signed by the thief": made | {"commented": jws.sign(jws.COMMENTED, {"comment": "x"}, ANN)},
        "said of another recording": comment(of, 6, 7, recording=CASE),
        "nothing": {"comment": "", "commented": ""},
        "sealed anew": comment(replace(of, recording=_with_key(of)), 6, 7),
    }[what]


def _with_key(of: MadeRecording) -> Any:
    other = copy.copy(of.recording)
    other.key = bytes(32)
    return other


@pytest.mark.parametrize(
    "what",
    [
        "another's vouching",
        "another's text",
        "signed by the thief",
        "said of another recording",
        "nothing",
        "sealed anew",
    ],
)
def test_a_comment_that_the_console_made_or_changed_is_refused_and_nothing_is_written(
    asked: Asked, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = asked.export(
        [forged(what, asked.archive.made[0])], "--custodian-key", asked.folder / "custodian.pub", code=1
    )
    assert "1 comments are not as they were signed" in capsys.readouterr().err
    assert not folder.exists()


def test_a_certificate_of_something_else_certifies_nothing(archive: Archive) -> None:
    recording = archive.earlier.recording.id
    signer = public_to_text(HOUSE.public_key())
    assert Gone(recording, certificate(archive), signer).certified().rule == "rest"
    for token in (certificate(archive, recording=archive.made[0].recording.id), certificate(archive, destroyed=None)):
        with pytest.raises(CaseError) as refused:
            Gone(recording, token, signer).certified()
        assert refused.value.code == "misplaced"
    with pytest.raises(ProtocolError):
        Gone(recording, certificate(archive, ANN), signer).certified()


@pytest.mark.slow(reason="browsers")
def test_the_page_shows_them(asked: Asked, page: Page, axe: str) -> None:
    folder = asked.export([comment(asked.archive.made[0], 6, 7)], "--custodian-key", asked.folder / "custodian.pub")
    reader = RecipientPrivate.from_bytes(load_private(asked.archive.reader, PASSPHRASE).raw)
    with played_case(folder, reader) as address:
        page.open(address)
        until(page, READY)
        (shown,) = page.run("[...document.querySelectorAll('#comments-list li')].map((one) => one.innerText)")
        assert TEXT in shown
        assert "ann@example.com" in shown
        assert "0:06.0" in shown
        assert page.run("document.querySelector('#comment-form').hidden")
        case = page.run("document.querySelector('#case-spans').innerText")
        assert "On legal hold case-17" in case
        assert f"Recording {asked.archive.earlier.recording.id} was erased on" in case
        assert faults_of(page, axe, "a case with comments, a hold, and a recording that was erased") == []
