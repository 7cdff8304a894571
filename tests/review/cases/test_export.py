"""A real recording exported as a case: what is in it, what it opens and what not, and what is refused."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO, StringIO, TextIOWrapper
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest

from protocol import jws
from protocol.envelope import MAX_SEALED, Header, open_by_chunk_key
from protocol.errors import EnvelopeError
from protocol.keyfile import load_private
from protocol.keys import RecipientPrivate, signing_key
from review import cli
from review.cases import reading, sealing, writing
from review.cases.sealing import SEALED, STATEMENT, Content
from review.cases.spans import Case, Span
from review.commands import case as case_command
from store.admin.home import Home
from store.admin.operators import NAME
from store.errors import WrongUsage
from tests.review.cases.conftest import Archive, said
from tests.store.conftest import PASSPHRASE

SECOND = 10**9


def content_of(archive: Archive, folder: Path) -> Content:
    reader = RecipientPrivate.from_bytes(load_private(archive.reader, PASSPHRASE).raw)
    statement = reading.statement_of(folder)
    return reading.content_of(folder, statement, reading.by_key(statement, reader))


def test_a_case_verifies_and_says_what_it_proves(
    archive: Archive, exported: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert cli.main(archive.verify(exported)) == 0
    facts = said(capsys)
    assert (facts["sound"], facts["findings"], facts["not_signed"]) == (True, [], [])
    assert facts["title"] == "Complaint 4711"
    one, other = facts["recordings"]
    assert (one["recording"], other["recording"]) == archive.ids
    assert one["spans"] == [
        {"from": 5 * SECOND, "until": 10 * SECOND}, {"from": 205 * SECOND // 10, "until": 22 * SECOND},
    ]  # fmt: skip
    screen, audio = one["lanes"]["screen"], one["lanes"]["audio"]
    assert screen["kept"] == 4_500_000_000
    assert screen["closed"] + screen["closed_margin"] == 2_000_000_000
    assert audio["kept"] == 5_000_000_000
    assert other["lanes"]["screen"]["kept"] == 1_750_000_000


def test_its_keys_open_its_chunks_and_no_other(archive: Archive, exported: Path) -> None:
    content = content_of(archive, exported)
    given = {
        (part.recording, stream, sequence): key
        for part in content.parts for stream, of in part.keys.items() for sequence, key in of.items()
    }  # fmt: skip
    listed = {(part.recording, stream, row.sequence) for part in content.parts
              for stream, rows in part.rows.items() for row in rows}  # fmt: skip
    assert given.keys() == listed
    opened, others = set(), 0
    for made in archive.made:
        for sealed in made.sealed:
            header = Header.parse(sealed)
            place = (header.recording, header.stream, header.sequence)
            for of, key in given.items():
                if of == place:
                    assert open_by_chunk_key(key, sealed)[0] == header
                    opened.add(place)
                else:
                    others += 1
                    with pytest.raises(EnvelopeError, match=r"key|another"):
                        open_by_chunk_key(key, sealed)
    assert opened == given.keys()
    assert others > 500
    text = content.write()
    for made in archive.made:
        for secret in (made.recording.key, *map(made.recording.stream_key, (0, 1, 32768))):
            assert sealing.base64url.encode(secret).encode() not in text
            assert secret not in given.values()


def test_nothing_of_it_lies_in_the_clear(exported: Path) -> None:
    everything = b"".join(one.read_bytes() for one in exported.iterdir())
    for clear in (b"Complaint 4711", b"lovelace", b"card-forms", b"eyelid-ledger"):
        assert clear not in everything
    assert all(one.stat().st_mode & 0o077 == 0 for one in (exported, *exported.iterdir()))


def test_the_act_is_noted_with_its_spans_and_without_its_title(archive: Archive, exported: Path) -> None:
    case = str(content_of(archive, exported).case.id)
    lines = [json.loads(line) for line in (archive.home.folder / NAME).read_text("utf-8").splitlines()]
    [noted] = [one for one in lines if one.get("case") == case]
    assert (noted["act"], noted["what"]) == ("export", "begin")
    assert noted["recordings"] == list(archive.ids)
    assert noted["spans"][0] == [archive.ids[0], 5 * SECOND, 10 * SECOND]
    assert "Complaint" not in (archive.home.folder / NAME).read_text("utf-8")


def test_a_passphrase_opens_a_case(archive: Archive, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "own").write_text("four words unlike each other\n")
    (tmp_path / "other").write_text("four words that are not those\n")
    folder = archive.export(tmp_path / "case", f"{archive.ids[0]}:5-6", to=("--to-passphrase", tmp_path / "own"))
    asked = ["case", "verify", str(folder), "--passphrase", "--json", "--passphrase-file"]
    capsys.readouterr()
    assert cli.main([*asked, str(tmp_path / "own")]) == 0
    assert said(capsys)["recordings"][0]["sound"]
    assert cli.main([*asked, str(tmp_path / "other")]) == 1
    assert "does not open it" in capsys.readouterr().err
    assert cli.main(archive.verify(folder)) == 1
    assert "was sealed to a passphrase" in capsys.readouterr().err


@pytest.mark.parametrize("piped", [False, True])
def test_a_case_of_the_consoles_is_exported_under_its_own_id(
    archive: Archive, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, piped: bool
) -> None:
    made = Case(
        archive.made[0].recording.id, "of the console", (Span(archive.made[1].recording.id, SECOND, 2 * SECOND),)
    )
    (tmp_path / "case.json").write_bytes(made.write())
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(made.write())))  # what `case show --json` prints
    folder = tmp_path / "out"
    asked = ["case", "export", "--spans", "-" if piped else tmp_path / "case.json", "--key", archive.key, "--to",
             archive.folder / "lawyer.pub", "--passphrase-file", archive.passphrase, "--home", archive.home.folder,
             "-o", folder]  # fmt: skip
    assert cli.main([str(one) for one in asked]) == 0
    assert "1 span of 1 recording" in capsys.readouterr().out
    assert content_of(archive, folder).case == made


def test_a_span_in_which_nothing_was_kept_is_proven_closed(
    archive: Archive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = archive.export(tmp_path / "case", f"{archive.ids[0]}:9-12")
    capsys.readouterr()
    assert cli.main(archive.verify(folder)) == 0
    [one] = said(capsys)["recordings"]
    assert one["chunks"] == 0
    assert one["lanes"]["screen"]["closed"] == 3 * SECOND


# -- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spans", "why"),
    [
        ("{earlier}:1-2", "its chunks have no keys of their own"),
        ("{one}:1-25", "lasts 24.0 s"),
        ("{one}:2-1", "must end after it begins"),
        ("{one}:1:99-2", "must end after it begins"),
        ("{one}:1..5-2", "is no time of a recording"),
        ("00000000:1-2", "has no recording"),
        ("nothing.json", "neither a span"),
    ],
)
def test_what_cannot_be_a_case_is_refused_in_words(
    archive: Archive, tmp_path: Path, capsys: pytest.CaptureFixture[str], spans: str, why: str
) -> None:
    text = spans.format(earlier=archive.earlier.recording.id, one=archive.ids[0])
    code = 2 if why in ("lasts 24.0 s", "has no recording", "neither a span", "is no time of a recording") else 1
    archive.export(tmp_path / "case", text, code=code)
    assert why in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "did `case show --json` refuse?"),
        (b"{}", "is not what `case show --json` prints"),
        (b" " * 2**24 + b"{}", "has more than"),
    ],
)
def test_a_file_that_is_no_case_is_named(
    archive: Archive, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, why: str
) -> None:
    (tmp_path / "case.json").write_bytes(content)
    archive.export(tmp_path / "case", str(tmp_path / "case.json"), code=2)
    error = capsys.readouterr().err
    assert why in error
    assert str(tmp_path / "case.json") in error


def test_a_title_is_asked_for_at_a_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = StringIO("Fall Müller\n")
    monkeypatch.setattr(sys, "stdin", asked)  # no terminal belongs to a test
    with pytest.raises(WrongUsage, match="needs a --title"):
        case_command.asked_title()
    monkeypatch.setattr(asked, "isatty", lambda: True)  # a terminal, as far as the command can tell
    assert case_command.asked_title() == "Fall Müller"


def test_a_file_in_place_of_a_folder_is_no_case(archive: Archive, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(archive.verify(archive.passphrase)) == 2
    assert "is no case: it has no case.jws" in capsys.readouterr().err


def test_a_recording_that_does_not_verify_is_refused(
    archive: Archive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    shutil.copytree(archive.home.folder, home)
    sealed = archive.made[1].sealed[-1]
    [blob] = [one for one in Home.open(home).blobs_folder.rglob("*") if one.is_file() and one.read_bytes() == sealed]
    blob.chmod(0o600)
    blob.write_bytes(sealed[:-1] + bytes([sealed[-1] ^ 1]))
    changed = Archive(Home.open(home), archive.made, archive.earlier, archive.folder)
    changed.export(tmp_path / "case", f"{archive.ids[1]}:1-2", code=1)
    error = capsys.readouterr().err
    assert "does not verify, and nothing was written" in error
    assert "(damaged)" in error
    assert [one.name for one in tmp_path.iterdir()] == ["home"]


def test_a_full_disk_and_an_interrupt_leave_nothing(
    archive: Archive, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, content: bytes) -> None:
        path.write_bytes(content[: len(content) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    def ended(*_: object, **__: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(writing, "write_new", full)  # in the middle of the sealed object
    archive.export(tmp_path / "case", f"{archive.ids[0]}:5-6", code=1)
    assert "No space left" in capsys.readouterr().err
    monkeypatch.undo()
    monkeypatch.setattr(writing, "sign", ended)  # with all but the statement written
    archive.export(tmp_path / "case", f"{archive.ids[0]}:5-6", code=130)
    assert list(tmp_path.iterdir()) == []


# -- tampering --------------------------------------------------------------------------------------------------------


def _flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def _lengthen(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b"\0")


def _link(file: Path) -> None:
    elsewhere = file.with_name("elsewhere")
    file.rename(elsewhere)
    file.symlink_to(elsewhere)


def names(exported: Path) -> list[str]:
    return sorted(one.name for one in exported.iterdir())


@pytest.mark.parametrize("change", [_flip, _cut, _lengthen, Path.unlink, _link], ids=lambda one: one.__name__)
def test_each_file_that_is_not_as_it_was_signed_is_named(
    archive: Archive, exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Callable[[Path], Any]
) -> None:
    for name in names(exported):
        if name == STATEMENT and change in (_cut, _lengthen, _link):
            continue
        folder = tmp_path / name
        shutil.copytree(exported, folder)
        change(folder / name)
        for asked in (["case", "verify", str(folder), "--json"], archive.verify(folder)):
            capsys.readouterr()
            code = cli.main(asked)
            if name == STATEMENT:
                assert code in (1, 2)
                assert STATEMENT in capsys.readouterr().err
                continue
            assert code == 1
            facts = said(capsys)
            assert not facts["sound"]
            assert facts["findings"][0].startswith(f"{name} is "), facts


def test_chunks_that_were_changed_or_swapped_are_named(
    archive: Archive, exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "case"
    shutil.copytree(exported, folder)
    one, other = (folder / f"{archive.ids[0]}.{stream}.chunks" for stream in (0, 1))
    one.rename(folder / "aside")
    other.rename(one)
    (folder / "aside").rename(other)
    capsys.readouterr()
    assert cli.main(archive.verify(folder)) == 1
    findings = said(capsys)["findings"]
    rows = content_of(archive, folder).parts[0].rows
    for stream in (0, 1):
        for row in rows[stream]:
            named = [text for text in findings if f"stream {stream}, sequence {row.sequence}:" in text]
            assert len(named) == 1
            assert named[0].endswith(("(damaged)", "(lost)"))


def test_what_is_no_part_of_it_is_named(
    archive: Archive, exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "case"
    shutil.copytree(exported, folder)
    (folder / f"{archive.ids[1]}.7.chunks").write_bytes(b"more")
    capsys.readouterr()
    assert cli.main(archive.verify(folder)) == 0
    assert said(capsys)["not_signed"] == [f"{archive.ids[1]}.7.chunks"]


# -- a hostile folder -------------------------------------------------------------------------------------------------


def sealed_anew(archive: Archive, folder: Path, change: Callable[[Any], Any]) -> Path:
    """What an exporter could write who lies: its sealed object changed, and signed by the store."""
    reader = RecipientPrivate.from_bytes(load_private(archive.reader, PASSPHRASE).raw)
    honest = reading.statement_of(folder)
    key = reading.by_key(honest, reader)
    values = json.loads(sealing.unseal(key, honest.case, (folder / SEALED).read_bytes()))
    change(values["recordings"][0])
    sealed = sealing.seal(key, honest.case, json.dumps(values).encode())
    (folder / SEALED).write_bytes(sealed)
    files = {**honest.files, SEALED: hashlib.sha256(sealed).hexdigest()}
    store = archive.home.store_key()
    signed = sealing.sign(honest.case, honest.made, files, key=key, reader=reader.public, signer=store)
    (folder / STATEMENT).write_text(signed)
    return folder


def _size(size: int) -> Callable[[Any], Any]:
    return lambda one: one["streams"][0]["rows"][0].__setitem__(5, size)


def _key(stream: str, sequence: str) -> Callable[[Any], Any]:
    return lambda one: one["keys"].setdefault(stream, {}).update({sequence: "A" * 43})


@pytest.mark.parametrize(
    "change",
    [
        *map(_size, (MAX_SEALED + 1, 2**34, 2**40, 2**62, 2**63 - 1)),
        *(
            _key(*one)
            for one in (("0", "-1"), ("0", "9" * 30), ("0", "\u0663"), ("-1", "0"), ("65535", "0"), ("x", "0"))
        ),
    ],
)
def test_what_no_case_has_is_refused_before_anything_is_read(
    archive: Archive, exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Callable[[Any], Any]
) -> None:
    folder = tmp_path / "case"
    shutil.copytree(exported, folder)
    sealed_anew(archive, folder, change)
    assert cli.main(archive.verify(folder)) == 1
    assert "another shape" in capsys.readouterr().err


def test_where_chunks_lie_is_added_up_once_a_stream(
    archive: Archive, exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "case"
    shutil.copytree(exported, folder)
    reader = RecipientPrivate.from_bytes(load_private(archive.reader, PASSPHRASE).raw)
    statement = reading.statement_of(folder)
    content = reading.content_of(folder, statement, reading.by_key(statement, reader))
    summed: list[int] = []

    def counted(sizes: Iterable[int], *, initial: int) -> Iterator[int]:
        summed.append(initial)
        return accumulate(sizes, initial=initial)

    monkeypatch.setattr(reading, "accumulate", counted)  # it is counted, and does what it does
    source = next(iter(reading.sources_of(folder, statement, content).values()))
    for place in range(len(source.rows[0])):
        assert source.sealed(0, place, place + 1)[0]
    assert len(summed) == 1


def _folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def _pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


@pytest.mark.parametrize("change", [_folder, _pipe, _link], ids=lambda one: one.__name__)
def test_chunks_that_are_no_file_are_lost_and_the_rest_is_there(
    archive: Archive, exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Callable[[Path], Any]
) -> None:
    folder = tmp_path / "case"
    shutil.copytree(exported, folder)
    change(folder / f"{archive.ids[0]}.0.chunks")
    assert cli.main(archive.verify(folder)) == 1
    findings = said(capsys)["findings"]
    rows = content_of(archive, folder).parts[0].rows[0]
    assert len(findings) == 1 + len(rows)
    assert all(one.endswith("(lost)") for one in findings[1:])


@pytest.mark.parametrize("change", [_folder, _pipe, _link, _flip], ids=lambda one: one.__name__)
def test_a_key_file_that_is_none_keeps_no_one_waiting(
    archive: Archive, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Callable[[Path], Any]
) -> None:
    folder = archive.export(
        tmp_path / "case", f"{archive.ids[0]}:5-6", to=("--to-passphrase", archive.folder / "passphrase")
    )
    change(folder / "case.key")
    assert cli.main(["open", str(folder), "--passphrase", "--passphrase-file", str(archive.passphrase)]) == 1
    assert "case.key" in capsys.readouterr().err


def test_a_case_that_another_signs_is_refused(
    archive: Archive, exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A stranger without a reader's key can sign the folder anew, and still cannot vouch for a device."""
    folder = tmp_path / "case"
    shutil.copytree(exported, folder)
    honest = reading.statement_of(folder)
    capsys.readouterr()
    assert cli.main(archive.verify(folder, "--signer", honest.fingerprint)) == 0
    stranger = signing_key(bytes(range(32)))
    claims = jws.verify(jws.CASE, (folder / STATEMENT).read_text("ascii").strip(), honest.signer)
    claims["store_key"] = sealing.keys.public_to_text(stranger.public_key())
    (folder / STATEMENT).write_text(jws.sign(jws.CASE, claims, stranger))
    capsys.readouterr()
    assert cli.main(archive.verify(folder, "--signer", honest.fingerprint)) == 1
    assert "signed by another store" in capsys.readouterr().err
    assert cli.main(archive.verify(folder)) == 1
    assert "origin" in capsys.readouterr().err


def test_a_sealed_object_under_another_key_is_refused(
    archive: Archive, exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Those who can sign can seal something else to the same reader, but not under this commitment."""
    folder = tmp_path / "case"
    shutil.copytree(exported, folder)
    honest = reading.statement_of(folder)
    store = archive.home.store_key()
    claims = jws.verify(jws.CASE, (folder / STATEMENT).read_text("ascii").strip(), honest.signer)
    reader = RecipientPrivate.from_bytes(load_private(archive.reader, PASSPHRASE).raw)
    other = bytes(32)
    (folder / SEALED).write_bytes(sealing.seal(other, honest.case, content_of(archive, exported).write()))
    claims["files"] = {**honest.files, SEALED: hashlib.sha256((folder / SEALED).read_bytes()).hexdigest()}
    wrapped = sealing.keys.wrap_case(reader.public, honest.case, other)
    claims["wrapped"] = {reader.key_id: sealing.base64url.encode(wrapped)}
    (folder / STATEMENT).write_text(jws.sign(jws.CASE, claims, store))
    capsys.readouterr()
    assert cli.main(archive.verify(folder)) == 1
    assert "the key is not the one that was committed to" in capsys.readouterr().err
