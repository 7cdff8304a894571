"""How the page begins: what comes early counts, what cannot begin is said, and nothing is left behind by each chunk."""

from __future__ import annotations

import pytest

from review.player.files import page_files
from testkit import player_page
from tests.review.player.conftest import READY, Page, Recorded, played, until

# The page's own code comes after the worker has checked its first chunks, as where its file is on the way for long.
LATE = (
    b"\nwindow.early = new Promise((done) => worker.addEventListener('message', ({data}) => data.checked && done()));\n"
)


def test_what_was_checked_before_the_page_listened_counts(
    page: Page, recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = page_files()
    assert files["page.js"].count(b"\nbegin().catch(") == 1
    late = files | {
        "asking.js": files["asking.js"] + LATE,
        "page.js": files["page.js"].replace(b"\nbegin().catch(", b"\nwindow.early.then(begin).catch("),
    }
    monkeypatch.setattr(player_page, "page_files", lambda: late)
    with played(recorded.home, recorded.id) as address:
        page.open(address)
        until(page, READY)
        assert page.run("document.querySelector('#badge-text').textContent") == "Verified in this browser"
        assert page.run("document.querySelectorAll('#findings li').length") == 0


def test_a_page_that_lacks_a_part_of_itself_says_so(
    page: Page, recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    without = {name: content for name, content in page_files().items() if name != "custody.js"}
    monkeypatch.setattr(player_page, "page_files", lambda: without)
    with played(recorded.home, recorded.id) as address:
        page.open(address.split("#")[0])
        with pytest.raises(AssertionError, match="failed: The recording cannot be opened"):
            until(page, READY)
        assert not page.run("document.querySelector('#badge').checkVisibility()")


# Listeners of the sound's buffer that are still there after some changes of it, while the player makes none.
LISTENING = """(async () => {
  const {sound} = eyelid.player, {buffer} = sound, added = [], add = buffer.addEventListener;
  while (sound.busy || buffer.updating) await new Promise(requestAnimationFrame);
  sound.busy = true;
  buffer.addEventListener = function (...all) { added.push(all[2]); return add.apply(this, all); };
  for (let times = 0; times < 3; times++) await sound.update(() => buffer.remove(0, 0.1));
  sound.busy = false;
  return [added.length, added.filter((one) => !one?.signal?.aborted).length];
})()"""


def test_a_chunk_of_sound_leaves_no_listener_behind(page: Page, recorded: Recorded) -> None:
    with played(recorded.home, recorded.id) as address:
        page.open(address)
        until(page, READY)
        added, left = page.run(LISTENING)
        assert added > 2
        assert left == 0
