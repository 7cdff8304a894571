"""What the page does with a chunk that must not be played, and with what it has not checked yet."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol.envelope import SIGNATURE_SIZE, SOUND_STREAM, Edition, Header, digest, seal, sign_digest
from review.player.source import Source
from store.admin.home import Home
from store.catalog.blobs import sealed_name
from testkit.devtools import DevTools
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


def bodies_of(recorded: Recorded, stream: int) -> list[bytes]:
    made: MadeRecording = recorded.made
    return [one for one in made.sealed if Header.parse(one).stream == stream]


def blob_of(recorded: Recorded, stream: int, sequence: int) -> Path:
    name = sealed_name(
        recorded.made.recording.id, stream, sequence, digest(bodies_of(recorded, stream)[sequence]).hex()
    )
    return recorded.home.folder / "blobs" / name


def put_in_place(recorded: Recorded, stream: int, sequence: int, body: bytes) -> None:
    """Of the true one: the row and the blob fit each other."""
    blob_of(recorded, stream, sequence).unlink()
    name = sealed_name(recorded.made.recording.id, stream, sequence, digest(body).hex())
    (recorded.home.folder / "blobs" / name).write_bytes(body)
    with closing(sqlite3.connect(recorded.home.folder / "store.db")) as database, database:
        database.execute(
            "UPDATE sealed SET sha256 = ?, size = ? WHERE recording = ? AND stream = ? AND sequence = ?",
            (digest(body).hex(), len(body), recorded.id, stream, sequence),
        )


def flipped(recorded: Recorded, stream: int) -> None:
    flip(blob_of(recorded, stream, 2), 200)


def lost(recorded: Recorded, stream: int) -> None:
    blob_of(recorded, stream, 2).unlink()


def forged(recorded: Recorded, stream: int) -> None:
    """It opens, and another key than the device's signed it."""
    unsigned = bodies_of(recorded, stream)[2][:-SIGNATURE_SIZE]
    signed = sign_digest(digest(unsigned), Ed25519PrivateKey.generate(), Edition.KEYED)
    put_in_place(recorded, stream, 2, unsigned + signed)


def of_another_stream(recorded: Recorded, stream: int) -> None:
    other = 1 if stream == 0 else 0
    put_in_place(recorded, stream, 2, bodies_of(recorded, other)[2])


def swapped(recorded: Recorded, stream: int) -> None:
    """With the chunk before it."""
    _, first, second, *_ = bodies_of(recorded, stream)
    put_in_place(recorded, stream, 1, second)
    put_in_place(recorded, stream, 2, first)


Tamper = Callable[[Recorded, int], None]
# What is done to the second chunk of a stream -> why it is not played, and whether the next one follows it no more.
TAMPERED: Final[dict[str, tuple[Tamper, str, bool]]] = {
    "flipped": (flipped, "damaged", False),
    "lost": (lost, "lost", False),
    "forged": (forged, "bad-signature", True),
    "of another stream": (of_another_stream, "wrong-stream", True),
    "swapped": (swapped, "wrong-sequence", True),
}
# Plays on at a speed until a moment; of each tick: the time, what stands in place of the first screen's picture, the
# picture on its canvas, and whether the clock is the sound's.
THROUGH: Final = """new Promise((done) => {
  const {player} = eyelid, {canvas} = player.screens[0], slate = document.querySelector(".slate"), met = [];
  player.setRate(%f);
  player.addEventListener("time", () => {
    const said = slate.hidden ? "" : slate.textContent;
    met.push([player.time, said, Number(canvas.dataset.at) / 1e6, player.master === "sound"]);
    if (player.time < %f || !player.playing) return;
    player.pause();
    done(met);
  });
  player.play();
})"""
DRAWN: Final = "(async () => { while (!eyelid.player.ready) await new Promise(requestAnimationFrame); })()"
FINDINGS: Final = "[...document.querySelectorAll('#findings li')].map((one) => [one.dataset.check, one.dataset.code])"
BUFFERED: Final = """(() => {
  const {buffered} = eyelid.player.sound.buffer;
  return [...Array(buffered.length).keys()].map((at) => [buffered.start(at), buffered.end(at)]);
})()"""
MARGIN: Final = 0.3  # s: around a chunk's end, where a picture may be one late


def played_through(page: Page, address: str, since: float, until_: float, rate: float = 4) -> list[Any]:
    """Nothing is passed over, and nothing sought on the way."""
    page.open(f"{address}&t={since}")
    until(page, READY)
    page.press("s")
    page.run(DRAWN)
    jumps = page.run("eyelid.player.jumps")
    met: list[Any] = page.run(THROUGH % (rate, until_))
    assert page.run("eyelid.player.jumps") == jumps
    return met


@pytest.mark.slow(reason="it plays for some seconds")
@pytest.mark.parametrize("case", TAMPERED)
def test_playing_stops_at_the_chunk_and_goes_on_after_the_next_key_frame(
    page: Page, copied: Recorded, case: str
) -> None:
    """Chunks of the first screen are 4 s; a key frame begins those at 13 and at 20 s, after a gap each."""
    tamper, code, breaks = TAMPERED[case]
    tamper(copied, 0)
    since = 4.5 if case == "swapped" else 3.0
    with played(copied.home, copied.id) as address:
        met = played_through(page, address, since, 21.5)
        assert any(f"({code})" in said for t, said, *_ in met if 4 + MARGIN < t < 8 - MARGIN)
        for t, said, *_ in met:
            if t < 4 - MARGIN or t > 20 + MARGIN:
                assert said == "", t
            elif 4 + MARGIN < t < 8 - MARGIN:
                assert f"({code})" in said, t
            elif 13 + MARGIN < t < 17.9 - MARGIN:
                assert ("(wrong-previous)" in said) is breaks, t
                assert breaks or said == "", t
        painted = [at for *_, at, _ in met if at is not None]
        assert not [at for at in painted if 4.01 < at < 13]  # nothing of the chunk
        assert any(13 <= at < 18 for at in painted) is not breaks
        page.run(DRAWN)
        assert page.run("eyelid.player.time - eyelid.player.screens[0].canvas.dataset.at / 1e6") < 0.3
        assert code in [two[1] for two in page.run(FINDINGS)]


@pytest.mark.slow(reason="it plays for some seconds")
@pytest.mark.parametrize("case", TAMPERED)
def test_sound_stops_at_the_chunk_and_goes_on_after_it(page: Page, copied: Recorded, case: str) -> None:
    """Pictures go on meanwhile. Each chunk of sound can be played alone."""
    tamper, code, breaks = TAMPERED[case]
    tamper(copied, SOUND_STREAM)
    starts = [Header.parse(one).start / SECOND for one in bodies_of(copied, SOUND_STREAM)]
    first, last = 1 if case == "swapped" else 2, 3 if breaks else 2
    bad, good = starts[first], starts[last + 1]
    with played(copied.home, copied.id) as address:
        met = played_through(page, address, max(0.0, bad - 0.5), good + 2, 2)
        refused = page.run(f"[...eyelid.player.chains.get({SOUND_STREAM}).bad]")
        assert dict(refused) == {row: code if row <= 2 else "wrong-previous" for row in range(first, last + 1)}
        assert not [t for t, *_, by_sound in met if bad + MARGIN < t < good - MARGIN and by_sound]
        assert all(said == "" for t, said, *_ in met if t < 8)
        heard = [t for t, *_, by_sound in met if t > good and by_sound]
        assert heard or not isinstance(page, DevTools)  # Firefox has no device to play it
        buffered = page.run(BUFFERED)
        assert not [one for one in buffered if one[0] < good - MARGIN and one[1] > bad + MARGIN], buffered
        assert any(start <= good + MARGIN < end for start, end in buffered), buffered


@pytest.mark.parametrize("place", [0, 2])
def test_after_sound_that_is_no_media_pictures_go_on(page: Page, copied: Recorded, place: int) -> None:
    """Its device signed it. A browser may take no more sound after it, or wait for more of it. `place`: of its header,
    or of a chunk."""
    recording = copied.made.recording
    header = Header.parse(bodies_of(copied, SOUND_STREAM)[place])
    key, signer = recording.stream_key(SOUND_STREAM), copied.made.pc.evidence_key
    put_in_place(copied, SOUND_STREAM, place, seal(key, header, bytes(range(200)), signer))
    with played(copied.home, copied.id) as address:
        page.open(f"{address}&t=3.5")
        until(page, READY)
        page.run("(window.failed = [], addEventListener('unhandledrejection', ({reason}) => failed.push(`${reason}`)))")
        page.run(PLAYED % (2, 6.0, 3.5))
        until(page, "document.querySelector('#findings [data-code=not-media]') !== null")
        for moment in (1.0, 13.1):
            assert page.run(PIXELS % (moment, 0))["hidden"] is False
        met = page.run(PLAYED % (2, 3.0, 1.0))
        assert place == 2 or not met["bySound"]
        assert page.run("failed") == []


def test_it_stops_at_a_chunk_that_was_changed_and_goes_on_at_the_next_key_frame(page: Page, copied: Recorded) -> None:
    flip(blob_of(copied, 0, 2), 200)  # four to eight seconds of the first screen
    with played(copied.home, copied.id) as address:
        page.open(address)
        until(page, READY)
        assert page.run(FINDINGS) == [["bytes", "damaged"]]
        assert page.run("document.querySelector('#badge').dataset.state") == "wrong"
        assert page.run("document.querySelectorAll('#lanes rect.bad').length") == 1
        for moment, hidden in ((3.9, False), (5.0, True), (13.1, False)):
            assert page.run(PIXELS % (moment, 0))["hidden"] is hidden
            assert page.run(PIXELS % (moment, 1))["hidden"] is False  # the other screen is not touched
        met = page.run(PLAYED % (4, 8.0, 3.0))
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
