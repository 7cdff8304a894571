"""How much of a recording the page keeps while it plays: as much as lies ready, however long the recording is."""

from __future__ import annotations

import re

import pytest

from review.player.files import page_files
from testkit import player_page
from tests.review.player.conftest import READY, Page, Recorded, played, until

# So that 24 seconds are long: what lies ready is a fifth of a second of pictures, and half a second of sound.
READY_AHEAD = {
    "screen.js": {"SOON": 0.2, "ROWS": 1, "MOST_ROWS": 1, "KNOWN_ROWS": 1},
    "sound.js": {"AHEAD": 0.5, "BACK": 0.25, "LOAD": 1},
}

# Plays all of it and back to its begin, and takes the most that was kept at once.
MOST = """new Promise((done) => {
  const {player} = eyelid, {sound, screens} = player, most = {pictures: 0, samples: 0, sound: 0, times: 0, turns: 0};
  const seconds = (buffered) =>
    Array.from({length: buffered.length}, (_, at) => buffered.end(at) - buffered.start(at)).reduce((a, b) => a + b, 0);
  player.addEventListener("time", function look() {
    for (const {frames, samples, decoder, times} of screens) {
      most.times = Math.max(most.times, times.size);
      most.pictures = Math.max(most.pictures, frames.length + decoder.decodeQueueSize);
      most.samples = Math.max(most.samples, samples.length);
    }
    most.sound = Math.max(most.sound, seconds(sound.buffer.buffered));
    if (player.time < 23) return;
    if (most.turns++ === 1) {
      player.removeEventListener("time", look); player.pause();
      const rows = player.chains.values().flatMap(({rows}) => rows).filter(({kind}) => kind === 1);
      done({...most, row: Math.max(...rows.map(({start, end}) => end - start))});
    } else player.seek(0);
  });
  player.setRate(2); player.seek(0); player.play();
})"""

# How many elements came into the timeline and the list of checks since then.
COUNTED = """document.querySelectorAll('#lanes, #checks').forEach((one) =>
  new MutationObserver((all) => all.forEach(({addedNodes}) => (window.made += addedNodes.length)))
    .observe(one, {childList: true, subtree: true}))"""


def constants(files: dict[str, bytes]) -> dict[str, bytes]:
    """The page with less that lies ready."""
    changed = dict(files)
    for name, chosen in READY_AHEAD.items():
        text = files[name].decode()
        for constant, value in chosen.items():
            stands = re.compile(rf"^const {constant} = [^;]+;", re.MULTILINE)
            text, times = stands.subn(f"const {constant} = {value};", text)
            assert times == 1, (name, constant)
        changed[name] = text.encode()
    return changed


@pytest.mark.slow(reason="it plays a recording twice")
def test_what_lies_ready_is_all_that_is_kept(page: Page, recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    files = constants(page_files())
    monkeypatch.setattr(player_page, "page_files", lambda: files)
    with played(recorded.home, recorded.id) as address:
        page.open(address)
        until(page, READY)
        most = page.run(MOST)
        row = most["row"]
        assert 0 < most["pictures"] <= 6 + 12 + 1  # DECODED and QUEUE of screen.js
        assert 0 < most["samples"] <= (row + 2 * 2 * 0.2) * 5 + 1  # two rates of SOON, five pictures a second
        assert 0 < most["times"] <= 2 * 1 + 1  # KNOWN_ROWS of screen.js, to both sides
        assert 0 < most["sound"] <= 2 * 0.5 + 2 * 0.25 + 2 * row  # at both ends up to a row more


@pytest.mark.slow(reason="it plays for some seconds")
def test_what_was_checked_is_not_drawn_again_while_it_plays(page: Page, recorded: Recorded) -> None:
    """Or an hour's timeline is made anew five times a second, and Firefox keeps what it was."""
    with played(recorded.home, recorded.id) as address:
        page.open(address)
        until(page, "root.dataset.state === 'checked'")
        page.run("eyelid.player.seek(1), eyelid.player.setRate(2), eyelid.player.play(), 0")
        until(page, "eyelid.player.time > 3")  # what was still to be drawn is
        page.run(f"(window.made = 0, {COUNTED})")
        until(page, "eyelid.player.time > 8")
        assert page.run("window.made") == 0
