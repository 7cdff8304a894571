"""A case opened in both browsers from its folder alone: what it plays, what it proves, and what it says of the rest."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import pytest

from protocol import base64url
from protocol.envelope import SOUND_STREAM, open_by_chunk_key
from protocol.keyfile import load_private
from protocol.keys import RecipientPrivate
from review import cli as review_cli
from review.cases import reading
from store import cli
from testkit.player_page import READY, Page, played_case, until
from tests.review.cases.conftest import Archive
from tests.review.player.made import SIZES
from tests.review.player.test_page import NEAR, PIXELS, PLAYED, difference, pictures
from tests.store.conftest import PASSPHRASE

WITHIN = (5.0, 7.9, 6.3, 20.5, 21.8, 5.01)  # s; where both screens were kept, within the spans


@pytest.fixture(scope="session")
def reader(archive: Archive) -> RecipientPrivate:
    return RecipientPrivate.from_bytes(load_private(archive.reader, PASSPHRASE).raw)


@pytest.fixture
def opened(page: Page, exported: Path, reader: RecipientPrivate) -> Any:
    with played_case(exported, reader) as address:
        page.open(address)
        until(page, READY)
        yield page


def test_it_is_verified_and_outside_of_its_spans_is_not_part_of_it(opened: Page, archive: Archive) -> None:
    assert opened.run("[...document.querySelectorAll('#findings li')].map((one) => one.textContent)") == []
    assert opened.run("document.querySelector('#badge').dataset.state") == "good"
    assert opened.run("[...document.querySelectorAll('#checks li')].map((one) => one.className)") == ["good"] * 9
    assert opened.run("eyelid.about.recording") == archive.ids[0]
    parts = opened.run("eyelid.about.lanes.screen.map(({from, to, what}) => [from / 1e9, to / 1e9, what])")
    assert parts == [
        [0, 5, "outside"], [5, 8, "kept"], [8, 8.3, "closed"], [8.3, 10, "closed"], [10, 20.5, "outside"],
        [20.5, 22, "kept"], [22, 24, "outside"],
    ]  # fmt: skip


@pytest.fixture(scope="session")
def whole(archive: Archive, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first recording, as it is exported without a case."""
    folder = tmp_path_factory.mktemp("whole") / "out"
    asked = ("export", archive.ids[0], "--home", archive.home.folder, "--key", archive.key, "--passphrase-file",
             archive.passphrase, "-o", folder, "--gaps", "no-film")  # fmt: skip
    assert cli.main([str(one) for one in asked]) == 0
    return folder


@pytest.mark.slow(reason="a browser seeks and decodes, and pictures are compared pixel by pixel")
def test_the_pictures_are_those_of_the_whole_export(opened: Page, whole: Path) -> None:
    for stream in range(len(SIZES)):
        film = pictures(whole / f"screen-{stream}.mp4")
        for moment in WITHIN:
            drawn = opened.run(PIXELS % (moment, stream))
            assert not drawn["hidden"]
            off = difference(drawn["pixels"], film, moment)
            assert np.percentile(off, 99.5) <= NEAR, (stream, moment)


def test_the_sound_is_that_of_the_whole_export(
    exported: Path, whole: Path, reader: RecipientPrivate, tmp_path: Path
) -> None:
    statement = reading.statement_of(exported)
    content = reading.content_of(exported, statement, reading.by_key(statement, reader))
    source = next(iter(reading.sources_of(exported, statement, content).values()))
    rows = source.rows[SOUND_STREAM]
    keys = source.part.keys[SOUND_STREAM]
    sealed = source.sealed(SOUND_STREAM, 0, len(rows))
    opened = [open_by_chunk_key(keys[row.sequence], one)[1] for row, one in zip(rows, sealed, strict=True)]
    (tmp_path / "sound.mp4").write_bytes(b"".join(opened))

    def heard(path: Path) -> dict[int, bytes]:
        with av.open(path) as container:
            return {one.pts or 0: bytes(one) for one in container.demux(audio=0) if one.size}

    here, there = heard(tmp_path / "sound.mp4"), heard(whole / "sound.mp4")
    assert here.items() <= there.items()
    spans = [(5, 8.5), (20.5, 22)]  # what of them was kept
    wanted = {at for at in there if any(start * 48_000 <= at < until * 48_000 - 960 for start, until in spans)}
    assert wanted <= here.keys()


def test_what_is_outside_is_neither_shown_nor_played(opened: Page) -> None:
    for asked, there in ((0, 5), (3, 5), (9.5, 9.5), (12, 20.5), (23.5, 22)):
        opened.run(f"eyelid.player.seek({asked})")
        assert opened.run("eyelid.player.time") == pytest.approx(there), asked
    opened.press("0")
    assert opened.run("eyelid.player.time") == pytest.approx(5)


@pytest.mark.slow(reason="it plays for some seconds")
def test_playing_goes_from_span_to_span_and_ends_with_the_last(opened: Page) -> None:
    ended = """new Promise((done) => {
      const {player} = eyelid;
      player.addEventListener("changed", () => { if (!player.playing) done(player.time); });
      player.seek(21.5);
      player.play();
    })"""
    assert opened.run(ended) == pytest.approx(22, abs=0.3)
    met = opened.run(PLAYED % (4, 21.0, 7.0))
    assert met["skipped"][-1][1] == pytest.approx(20.5)
    assert met["time"] >= 21


def test_its_other_recordings_are_a_click_away_and_so_is_the_way_back(opened: Page, archive: Archive) -> None:
    assert opened.run("document.querySelector('#case-title').textContent") == "Complaint 4711"
    assert opened.run("[...document.querySelectorAll('#case-spans .row')].map((one) => one.textContent)") == [
        "0:05.0 \u2013 0:10.0", "0:20.5 \u2013 0:22.0", "0:14.2 \u2013 0:16.0",
    ]  # fmt: skip
    for recording in (archive.ids[1], archive.ids[0], archive.ids[1]):
        link = opened.run("document.querySelector('#case-spans a').href")
        opened.open("about:blank")
        opened.open(link)
        until(opened, READY)
        assert opened.run("eyelid.about.recording") == recording
        assert opened.run("location.hash") == ""
        assert opened.run("document.querySelector('#badge').dataset.state") == "good"


def test_an_address_is_good_for_one_page(page: Page, exported: Path, reader: RecipientPrivate) -> None:
    with played_case(exported, reader) as address:
        page.open(address)
        until(page, READY)
        page.open("about:blank")
        page.open(address)
        with pytest.raises(AssertionError, match="used-up"):
            until(page, READY)


def test_what_was_changed_is_named_and_the_rest_plays(
    page: Page, exported: Path, reader: RecipientPrivate, archive: Archive, tmp_path: Path
) -> None:
    folder = tmp_path / "changed"
    shutil.copytree(exported, folder)
    statement = reading.statement_of(folder)
    content = reading.content_of(folder, statement, reading.by_key(statement, reader))
    rows = content.parts[0].rows[0]
    file = folder / f"{archive.ids[0]}.0.chunks"
    sealed = bytearray(file.read_bytes())
    sealed[rows[0].size + 100] ^= 1  # in the first fragment
    file.write_bytes(sealed)
    (folder / f"{archive.ids[0]}.1.chunks").unlink()
    with played_case(folder, reader) as address:
        page.open(address)
        until(page, READY)
        found = page.run("eyelid.about.findings.map(({code, where}) => [code, where.stream, where.sequence])")
        wanted = [["damaged", 0, rows[1].sequence], *(["lost", 1, one.sequence] for one in content.parts[0].rows[1])]
        assert sorted(found) == sorted(wanted)
        plays = page.run("eyelid.player.chains.get(0).plays")
        assert plays[-1]
        assert not plays[1]


# -- the command ------------------------------------------------------------------------------------------------------


@pytest.mark.slow(reason="it starts the command as a process, which imports what a server needs")
def test_the_command_needs_the_folder_alone(archive: Archive, exported: Path, tmp_path: Path) -> None:
    folder = tmp_path / "case"
    shutil.copytree(exported, folder)
    (folder / "more").write_text("of another")
    (folder / f"{archive.ids[1]}.0.chunks").unlink()
    command = [sys.executable, "-m", "review", "open", str(folder), "--key", str(archive.reader), "--json",
               "--passphrase-file", str(archive.passphrase), "--home", str(tmp_path / "no-store")]  # fmt: skip
    before = sorted(tmp_path.rglob("*"))
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        said = ""
        while not said.endswith("}\n"):
            line = process.stdout.readline()
            assert line, process.stderr.read()
            said += line
        facts = json.loads(said)
        assert facts["not_signed"] == ["more"]
        assert facts["missing"] == [f"{archive.ids[1]}.0.chunks"]
        address, secret = facts["address"].split("#")
        assert httpx.get(address + "papers", timeout=60).json()["recording"] == archive.ids[0]
        assert httpx.get(address.rsplit("/", 2)[0] + "/other/papers", timeout=60).status_code == 404
        assert httpx.get(address + "papers", headers={"Host": "evil.example"}, timeout=60).status_code == 403
        assert httpx.post(address + "keys", content=bytes(32), timeout=60).status_code == 403
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        assert "signed by the store's key" in process.stderr.read()
    assert sorted(tmp_path.rglob("*")) == before
    assert secret not in said.replace(facts["address"], "")


def test_what_is_served_opens_nothing(exported: Path, reader: RecipientPrivate) -> None:
    """Without the secret of its address: ciphertext, signed statements, and neither title nor key."""
    statement = reading.statement_of(exported)
    content = reading.content_of(exported, statement, reading.by_key(statement, reader))
    with played_case(exported, reader) as address:
        base = address.split("#")[0]
        paths = ("papers", "index", "account", "chunks/0?from=0&to=2")
        everything = b"".join(httpx.get(base + path, timeout=60).content for path in paths)
    assert content.case.title.encode() not in everything
    for of in content.parts[0].keys.values():
        for key in of.values():
            assert key not in everything
            assert base64url.encode(key).encode() not in everything


@pytest.mark.parametrize("named", ["complain", "no/such/case", "."])
def test_what_is_neither_a_recording_nor_a_case_is_said_without_a_store(
    capsys: pytest.CaptureFixture[str], named: str
) -> None:
    assert review_cli.main(["open", named, "--home", "/nowhere"]) == 2
    assert "is no recording's id, and no folder of a case (with a case.jws)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ((), "say what opens it"),
        (("--key", "{key}", "--passphrase"), "say what opens it"),
        (("--passphrase",), "a passphrase does not open it"),
        (("--key", "{store}"), "was sealed to"),
        (("--key", "{key}", "--signer", "another"), "signed by another store"),
    ],
)
def test_what_does_not_open_it_is_said(
    archive: Archive, exported: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], why: str
) -> None:
    named = [one.format(key=archive.reader, store=archive.key) for one in more]
    assert review_cli.main(["open", str(exported), *named, "--passphrase-file", str(archive.passphrase)]) in (1, 2)
    assert why in capsys.readouterr().err
