"""What the command line tells of recordings: which there are, whether they are whole, and the film that a key opens."""

from __future__ import annotations

import json
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from protocol.bundle import Bundle
from protocol.envelope import Flag, Kind
from protocol.keyfile import save_private
from protocol.keys import RecipientPrivate
from store.admin.home import Home
from store.admin.init import COMPLIANCE
from testkit.cheap_keys import COST
from testkit.fakes.pc import SECOND, Pc
from tests.store.command_line import Run, key, passphrase_file, run
from tests.store.conftest import PASSPHRASE
from tests.store.filmed import seconds_seen
from tests.store.recorded import Filmed, blob, make_filmed

__all__ = ["key", "passphrase_file", "run"]  # fixtures


def test_recordings_are_listed(run: Run, filmed: Filmed) -> None:
    (fact,) = run("recordings", "--json").facts["recordings"]
    assert fact["recording"] == str(filmed.recording.id)
    assert (fact["state"], fact["chunks"], fact["alarms"]) == ("closed", 7, 0)
    assert (fact["kept_ns"], fact["closed_ns"], fact["closed_margin_ns"]) == (6 * SECOND, 2_300_000_000, 700_000_000)
    assert fact["bytes"] == len(filmed.recording.packet) + sum(map(len, filmed.sealed))
    listed = run("recordings").out
    for word in (str(filmed.recording.id), "pc-7", "6.0 s", "3.0 s", "closed"):
        assert word in listed
    assert run("recordings", "--device", "none", "--json").facts == {"recordings": []}


def test_no_recordings_yet(run: Run) -> None:
    assert "no recording yet" in run("recordings").out


def test_the_timeline_as_a_picture_and_as_facts(run: Run, filmed: Filmed) -> None:
    facts = run("timeline", filmed.recording.id, "--json").facts
    assert facts["whole_ns"] == 10 * SECOND
    told = run("timeline", str(filmed.recording.id)[:13]).out
    bar = next(line for line in told.splitlines() if line.startswith("█"))
    assert [bar.count(sign) for sign in "█░▓="] == [60, 7, 23, 10]
    for words in (
        "kept 6.0 s",
        "closed by a rule 2.3 s",
        "card-forms",
        "PCI DSS",
        "unreadable",
        "held: by the person (Break)",
    ):
        assert words in told


def test_an_unknown_recording(run: Run, filmed: Filmed) -> None:
    for command in (("timeline",), ("verify",)):
        for name in (str(uuid4()), "zzz", "", "%"):
            told = run(*command, name)
            assert (told.code, "no recording" in told.err) == (2, True)
    assert filmed.recording


def test_the_beginning_of_several_recordings(run: Run, pc: Pc, bundle: Any) -> None:
    ids = [str(pc.open_recording(bundle).id) for _ in range(17)]  # two of them begin with the same of 16 digits
    shared = next(first for first in "0123456789abcdef" if sum(one.startswith(first) for one in ids) > 1)
    told = run("timeline", shared)
    assert (told.code, "several recordings begin" in told.err) == (2, True)


def test_verify_a_sound_recording(run: Run, filmed: Filmed, key: Path, passphrase_file: Path) -> None:
    told = run("verify", filmed.recording.id, "--key", key, "--passphrase-file", passphrase_file)
    assert told.code == 0
    assert "nothing wrong was found" in told.out
    assert "every chunk opens" in told.out
    assert "not checked" not in told.out
    facts = run("verify", filmed.recording.id, "--json").facts
    assert facts["sound"] is True
    assert set(facts["not_checked"]) == {"commitment", "tags"}


def test_verify_names_what_is_wrong_and_fails(run: Run, filmed: Filmed, home: Home) -> None:
    blob(home, filmed.recording, filmed.sealed[3], 3).unlink()
    told = run("verify", filmed.recording.id)
    assert told.code == 1
    assert "stream 0, sequence 3: the bytes that a receipt was given for are gone (lost)" in told.out
    assert "one thing is wrong" in told.out
    facts = run("verify", filmed.recording.id, "--json")
    assert facts.code == 1
    assert facts.facts["findings"][0]["code"] == "lost"


def test_export_a_film_that_plays(run: Run, filmed: Filmed, key: Path, passphrase_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "opened"
    told = run("export", filmed.recording.id, "-o", out, "--key", key, "--passphrase-file", passphrase_file)
    assert (told.code, told.err) == (0, "")
    assert f"mpv {out}/recording.mp4" in told.out
    assert f"{out}/recording.mp4  all in step, 10.0 s" in told.out
    assert len(seconds_seen(out / "screen-0.mp4")) == 30
    assert stat.S_IMODE((out / "screen-0.mp4").stat().st_mode) == 0o600
    again = run("export", filmed.recording.id, "-o", out, "--key", key, "--passphrase-file", passphrase_file)
    assert (again.code, "is not empty" in again.err) == (2, True)


def test_export_refuses_what_is_not_whole_unless_told(
    run: Run, filmed: Filmed, key: Path, passphrase_file: Path, tmp_path: Path, home: Home
) -> None:
    blob(home, filmed.recording, filmed.sealed[3], 3).unlink()
    asked = (
        "export", filmed.recording.id, "-o", tmp_path / "out", "--key", key, "--passphrase-file", passphrase_file,
    )  # fmt: skip
    told = run(*asked)
    assert told.code == 1
    assert "sequence 3" in told.err
    assert not (tmp_path / "out").exists()
    told = run(*asked, "--partial")
    assert told.code == 1
    assert "THIS EXPORT IS INCOMPLETE" in told.out
    assert (tmp_path / "out" / "screen-0.mp4").exists()
    assert json.loads((tmp_path / "out" / "timeline.json").read_bytes())["export"]["complete"] is False


def test_export_cut_or_without_a_film(
    run: Run, filmed: Filmed, key: Path, passphrase_file: Path, tmp_path: Path
) -> None:
    opening = ("--key", key, "--passphrase-file", passphrase_file)
    for gaps, length in (("cut", 6 * SECOND), ("no-film", None)):
        out = tmp_path / gaps
        told = run("export", filmed.recording.id, "-o", out, *opening, "--gaps", gaps, "--json").facts
        assert (told["film"] and told["film"]["length_ns"]) == length
        assert (out / "recording.mp4").exists() is (length is not None)
    assert run("export", filmed.recording.id, "-o", tmp_path / "other", *opening, "--gaps", "black").code == 2


def test_export_says_why_there_is_no_film(
    run: Run, pc: Pc, bundle: Bundle, key: Path, passphrase_file: Path, tmp_path: Path
) -> None:
    recording = pc.open_recording(bundle)
    pc.put_sealed(recording.seal(b"no header of a film", kind=Kind.HEADER, length=0))
    pc.put_sealed(recording.seal(b"nor a fragment", flags=Flag.KEY_FRAME))
    told = run("export", recording.id, "-o", tmp_path / "out", "--key", key, "--passphrase-file", passphrase_file)
    assert told.code == 1
    assert "recording.mp4: screen-0.mp4 is no film that can be decoded" in told.out
    assert (tmp_path / "out" / "screen-0.mp4").read_bytes() == b"no header of a filmnor a fragment"
    assert not (tmp_path / "out" / "recording.mp4").exists()


def test_export_without_the_account_says_so_and_is_incomplete(
    run: Run, pc: Pc, bundle: Bundle, key: Path, passphrase_file: Path, tmp_path: Path
) -> None:
    made = make_filmed(pc, bundle)
    made.put_all()  # and no account
    asked = ("export", made.recording.id, "--key", key, "--passphrase-file", passphrase_file)
    told = run(*asked, "-o", tmp_path / "out")
    assert told.code == 1
    assert "not checked" in told.err
    assert "THIS EXPORT IS INCOMPLETE" in told.out
    beside = json.loads((tmp_path / "out" / "timeline.json").read_bytes())["export"]
    facts = run(*asked, "-o", tmp_path / "again", "--json").facts
    for said in (beside, facts):
        assert said["complete"] is False
        assert {"ledger", "account", "heads"} <= set(said["not_checked"])


def test_export_as_json(run: Run, filmed: Filmed, key: Path, passphrase_file: Path, tmp_path: Path) -> None:
    told = run(
        "export",
        filmed.recording.id,
        "-o",
        tmp_path / "out",
        "--key",
        key,
        "--passphrase-file",
        passphrase_file,
        "--json",
    )
    assert told.facts["complete"] is True
    assert told.facts["folder"] == str(tmp_path / "out")
    assert [file["chunks"] for file in told.facts["files"]] == [7]


def test_export_with_the_wrong_secret_or_key(
    run: Run, filmed: Filmed, key: Path, passphrase_file: Path, tmp_path: Path, home: Home
) -> None:
    (tmp_path / "wrong").write_text("another passphrase")
    (tmp_path / "garbage").write_bytes(b"garbage")
    stranger = tmp_path / "stranger.key"
    save_private(stranger, "recipient", RecipientPrivate.generate().to_bytes(), PASSPHRASE, cost=COST)
    compliance = home.folder / home.key(COMPLIANCE).file
    for given, secret, words in (
        (key, tmp_path / "wrong", "passphrase does not open it"),
        (tmp_path / "gone", passphrase_file, "no such key file"),
        (tmp_path / "garbage", passphrase_file, "not a private key file"),
        (compliance, passphrase_file, "opens nothing"),
        (stranger, passphrase_file, "was not sealed to"),
        (tmp_path, passphrase_file, "cannot be read"),
    ):
        told = run("export", filmed.recording.id, "-o", tmp_path / "out", "--key", given, "--passphrase-file", secret)
        assert (told.code, words in told.err) == (1, True), told.err
    assert not (tmp_path / "out").exists()


def test_export_into_nowhere(run: Run, filmed: Filmed, key: Path, passphrase_file: Path, tmp_path: Path) -> None:
    told = run(
        "export", filmed.recording.id, "-o", tmp_path / "no" / "out", "--key", key, "--passphrase-file", passphrase_file
    )
    assert (told.code, "is not there" in told.err) == (2, True)


def test_export_without_a_key_packet(
    run: Run, filmed: Filmed, key: Path, passphrase_file: Path, home: Home, tmp_path: Path
) -> None:
    with sqlite3.connect(home.database_path) as connection:
        connection.execute("delete from sealed where stream = 65535")
    connection.close()
    told = run(
        "export", filmed.recording.id, "-o", tmp_path / "out", "--key", key, "--passphrase-file", passphrase_file
    )
    assert (told.code, "no key packet" in told.err) == (1, True)


@pytest.mark.parametrize("value", ["zz", b"\xff\x00"])
@pytest.mark.parametrize("column", ["stream", "sequence", "start", "end"])
def test_a_cell_that_is_no_number_is_said_in_words(
    run: Run,
    home: Home,
    filmed: Filmed,
    key: Path,
    passphrase_file: Path,
    tmp_path: Path,
    column: str,
    value: str | bytes,
) -> None:
    with closing(sqlite3.connect(home.database_path)) as database, database:
        database.execute(f'update sealed set "{column}" = ? where sequence = 2', (value,))  # noqa: S608 - this test's own words
    name, secret = str(filmed.recording.id), ("--key", key, "--passphrase-file", passphrase_file)
    for command in (
        ("timeline", name),
        ("timeline", name, "--json"),
        ("verify", name),
        ("verify", name, *secret),
        ("papers", name),
        ("export", name, *secret, "-o", tmp_path / "opened"),
    ):
        ended = run(*command)
        assert ended.code == 1 or command[0] == "papers"  # which are of the end that the device signed
        assert ended.out + ended.err
