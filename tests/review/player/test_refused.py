"""What the page does with a chunk that must not be played, and with what it has not checked yet."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from protocol.envelope import SOUND_STREAM, digest
from review.player.source import Source
from store.admin.home import Home
from store.catalog.blobs import sealed_name
from testkit.fakes.pc import SECOND
from testkit.player_page import faults_of
from tests.review.player.conftest import READY, Page, Recorded, played, until
from tests.review.player.made import MadeRecording
from tests.review.player.test_page import PIXELS, PLAYED
from tests.store.recorded import flip


@pytest.fixture
def copied(recorded: Recorded, tmp_path: Path) -> Recorded:
    shutil.copytree(recorded.home.folder, tmp_path / "home", copy_function=shutil.copy2)
    return replace(recorded, home=Home.open(tmp_path / "home"))


def blob_of(recorded: Recorded, stream: int, sequence: int) -> Path:
    made: MadeRecording = recorded.made
    bodies = [one for one in made.sealed if int.from_bytes(one[6:8], "big") == stream]
    name = sealed_name(made.recording.id, stream, sequence, digest(bodies[sequence]).hex())
    return recorded.home.folder / "blobs" / name


def test_it_stops_at_a_chunk_that_was_changed_and_goes_on_at_the_next_key_frame(page: Page, copied: Recorded) -> None:
    flip(blob_of(copied, 0, 2), 200)  # four to eight seconds of the first screen
    with played(copied.home, copied.id) as address:
        page.open(address)
        until(page, READY)
        found = "[...document.querySelectorAll('#findings li')].map((one) => [one.dataset.check, one.dataset.code])"
        assert page.run(found) == [["bytes", "damaged"]]
        assert page.run("document.querySelector('#badge').dataset.state") == "wrong"
        assert page.run("document.querySelectorAll('#lanes rect.bad').length") == 1
        for moment, hidden in ((3.9, False), (5.0, True), (13.1, False)):
            assert page.run(PIXELS % (moment, 0))["hidden"] is hidden
            assert page.run(PIXELS % (moment, 1))["hidden"] is False  # the other screen is not touched
        met = page.run(PLAYED % (4, 8.0, 3.0))
        assert any("(damaged)" in one for one in met["slates"])
        assert met["skipped"] == []  # it is said where it lies, and not passed over


def test_after_a_chunk_that_is_gone_pictures_wait_for_a_key_frame(page: Page, copied: Recorded) -> None:
    blob_of(copied, 1, 1).unlink()  # the first, whose key frame the second needs
    with played(copied.home, copied.id) as address:
        page.open(address)
        until(page, READY)
        for moment, hidden in ((1.0, True), (6.0, True), (13.1, False)):
            assert page.run(PIXELS % (moment, 1))["hidden"] is hidden
        page.run("eyelid.player.seek(6)")
        assert page.run("document.querySelectorAll('.slate')[1].textContent") == (
            "Stopped here: the chunk is not here (lost)Goes on at the next key frame."
        )


def test_sound_that_was_changed_is_left_out(page: Page, copied: Recorded) -> None:
    flip(blob_of(copied, SOUND_STREAM, 2), 300)
    with played(copied.home, copied.id) as address:
        page.open(address)
        until(page, READY)
        spans = page.run("eyelid.player.sound.chain.spans.map(({start, end}) => [start, end])")
        assert len(spans) == 3
        met = page.run(PLAYED % (4, 8.2, 3.0))
        assert met["skipped"] == []  # where it lacks, pictures go on


def test_what_is_not_checked_yet_is_shown_so(page: Page, recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on, given = Event(), Source.chunks

    def late(source: Source, stream: int, first: int, after: int) -> bytes:
        if stream == 1 and first > 0:
            assert go_on.wait(60)
        return given(source, stream, first, after)

    monkeypatch.setattr(Source, "chunks", late)  # bytes that come when the test says so
    with played(recorded.home, recorded.id) as address:
        page.open(address)
        until(page, 'root.dataset.state === "ready" && document.querySelector("#lanes rect.unverified") !== null')
        assert page.run("document.querySelector('#badge').dataset.state") == "busy"
        assert page.run("[...document.querySelectorAll('#checks li.open')].length") == 5
        go_on.set()
        until(page, READY)
        assert page.run("document.querySelectorAll('#lanes rect.unverified').length") == 0


@pytest.mark.parametrize(("left", "code"), [([0, 2], "wrong-seq"), ([0], "ledger-cut")])
def test_an_account_without_its_end_is_no_whole_one(
    page: Page, recorded: Recorded, monkeypatch: pytest.MonkeyPatch, left: list[int], code: str
) -> None:
    """What the device signed of the recording's end is not here: cut in the middle, and at the end."""
    given = Source.pieces

    def cut(source: Source, after: int) -> dict[str, Any]:
        pieces = given(source, after)
        return pieces | {"batches": [pieces["batches"][one] for one in left]}

    monkeypatch.setattr(Source, "pieces", cut)  # as who owns the store can give
    with played(recorded.home, recorded.id) as address:
        page.open(address)
        until(page, READY)
        named = page.run("[...document.querySelectorAll('#findings li')].map((one) => one.dataset.code)")
        assert code in named
        assert page.run("document.querySelector('#badge').dataset.state") != "good"


def test_a_source_that_has_ended_is_said(page: Page, recorded: Recorded) -> None:
    with played(recorded.home, recorded.id) as address:
        page.open(address)
        until(page, READY)
        assert page.run("eyelid.player.length") == recorded.made.recording.streams[0].at / SECOND
    page.run("(eyelid.player.screens.forEach((one) => { one.next = -1; one.times.clear(); }), eyelid.player.seek(14))")
    with pytest.raises(AssertionError, match="gone"):
        until(page, "false")


@pytest.mark.slow(reason="axe looks at two pages in several looks")
def test_axe_finds_no_fault_where_something_is_wrong(page: Page, copied: Recorded, axe: str) -> None:
    """A chunk that was changed and one that is gone, and a page whose address was used up."""
    flip(blob_of(copied, 0, 2), 200)
    blob_of(copied, 1, 1).unlink()
    with played(copied.home, copied.id) as address:
        page.open(address)
        until(page, READY)
        page.run("eyelid.player.seek(5)")
        page.press("v")
        found = faults_of(page, axe, "player, not verified")
        assert page.run("!document.querySelector('.slate').hidden")
        page.open("about:blank")
        page.open(address)
        with pytest.raises(AssertionError, match="used-up"):
            until(page, READY)
        found += faults_of(page, axe, "player, failed")
    assert not found, "\n".join(map(str, found))
