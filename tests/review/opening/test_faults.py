"""While somebody plays, the console or the custodian is killed, the archive is slow, or the recording is erased.

Each part is a process of its own. What the page says, what it goes on with, and what is right in the end.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any, Final

import pytest

from protocol import personal
from protocol.envelope import SOUND_STREAM
from review.exchange import ask
from review.filed import set_of
from store.clock import wall
from testkit.fakes.pc import SECOND
from testkit.player_compared import PIXELS
from tests.review.opening.conftest import APPROVED, RULES, House, Page, text
from tests.review.opening.test_playing import filed_of, keyed, opened, press_open, ready
from tests.review.opening.test_watched import SEEN, begin, fits, flush, is_heard, near, play, reported
from tests.review.player.conftest import READY, until

__all__ = ["keyed", "ready"]
pytestmark = pytest.mark.slow(reason="browsers, and a house of four processes that are killed")
SAID: Final = "document.querySelector('#now').textContent"
NO_ANSWER: Final = "The console does not answer. Trying again."
# What is loaded of screens and sound is forgotten, as of an hour's recording most is not loaded.
FORGET: Final = """(() => {
  for (const one of eyelid.player.screens) { one.next = -1; one.times.clear(); }
})()"""

LOADED: Final = """(async () => {
  const {screens, sound} = eyelid.player;
  while (sound.busy || sound.next < 5 || screens.some((one) => one.next < 3))
    await new Promise(requestAnimationFrame);
})()"""


def test_a_console_that_is_killed_is_said_and_played_on_from_once_it_is_there_again(keyed: House, page: Page) -> None:
    with keyed.without_proxy():
        begin(keyed, page, 1)
        with keyed.client("ann") as client:
            before = client.get(f"/v1/recordings/{keyed.recording}/opening").json()
        page.run(LOADED)
        keyed.kill_console()
        try:
            play(page, 3)  # with what it has
            assert page.run("document.documentElement.dataset.state") == "checked"
            page.run(FORGET)
            page.run("(eyelid.player.seek(14), eyelid.player.play())")
            until(page, f"{SAID} === '{NO_ANSWER}'")
            assert page.run("[eyelid.player.playing, eyelid.player.time]") == [True, pytest.approx(14, abs=0.2)]
        finally:
            keyed.restart_console()
        until(page, f"{SAID} === ''")
        until(page, "eyelid.player.time > 15 && eyelid.player.ready")
        assert not page.run(PIXELS % (16.0, 0))["hidden"]
        with keyed.client("ann") as client:  # the session, and what it may ask, are as they were
            assert client.get(f"/v1/recordings/{keyed.recording}/opening").json() == before


def test_an_answer_that_a_killed_console_cut_off_is_asked_for_again(keyed: House, page: Page) -> None:
    """Also while everything is checked."""
    assert opened(keyed, page, "ann") == "purpose"
    keyed.between.cuts = 3
    page.run("document.querySelector('#open').click()")
    until(page, READY)
    assert keyed.between.cuts == 0
    assert page.run("document.querySelector('#badge').dataset.state") == "good"


def test_a_request_outlives_a_console_that_is_killed(keyed: House, page: Page) -> None:
    """The page that waits for its approvals goes on once they are there."""
    keyed.govern(APPROVED)
    with keyed.without_proxy():
        assert opened(keyed, page, "ann") == "purpose"
        press_open(page, "waiting")
        filed = filed_of(page)
        keyed.kill_console()
        try:
            until(page, "document.querySelector('#custody').innerText.includes('There is no answer')")
        finally:
            keyed.restart_console()
        for who in ("cleo", "pia"):
            keyed.approve(who, filed)
        until(page, READY)


def test_what_was_played_while_the_custodian_was_dead_is_reported_once_it_runs_again(keyed: House, page: Page) -> None:
    begin(keyed, page, 1)
    flush(page)
    keyed.custodian.kill()
    keyed.custodian.wait()
    try:
        page.run("eyelid.player.seek(3)")
        end = play(page, 5)  # with the keys that it has
        flush(page)  # in vain
        assert page.run("document.documentElement.dataset.state") == "checked"
    finally:
        keyed.restart_custodian()
    page.run(FORGET)
    page.run("eyelid.player.seek(14)")
    until(page, "eyelid.player.ready")
    flush(page)
    found = reported(keyed)
    screens: list[tuple[float, float]] = [(1, 1.1), (3, end), (14, 14.1)]
    assert fits(page, found["0"], screens, 0), found
    assert near(found["0"][-1:], screens[-1:]), found
    if is_heard(page):
        assert near(found["microphone"], [(3, end)]), found


@pytest.fixture
def late(keyed: House) -> Iterator[dict[str, threading.Event]]:
    """Answers with these chunks (`stream?from=`) come once their events are set; all that is asked is noted there."""
    held: dict[str, threading.Event] = {}
    keyed.between.late = lambda path: held.get(path.partition("/player/chunks/")[2].partition("&")[0])
    yield held
    for one in held.values():
        one.set()
    keyed.between.late = None


def row_at(page: Page, stream: int, t: float) -> str:
    """As `late` has it: the request that brings what stands there."""
    return str(page.run(f"(({{chains}}) => {{ const one = chains.get({stream}); "
                        f"return `{stream}?from=${{one.key(one.at({t}))}}`; }})(eyelid.player)"))  # fmt: skip


def test_while_chunks_are_late_the_page_says_so_and_stands_and_plays_when_they_come(
    keyed: House, page: Page, late: dict[str, threading.Event]
) -> None:
    begin(keyed, page, 1)
    page.run(FORGET)
    place = row_at(page, 0, 14)
    late[place] = threading.Event()
    page.run("eyelid.player.seek(14)")
    page.run(SEEN)
    until(page, f"{SAID} === 'Loading …'")
    stood = page.run("[eyelid.player.time, eyelid.player.time]")
    assert stood == [pytest.approx(14, abs=0.3)] * 2
    assert page.run("eyelid.player.playing")
    late[place].set()
    until(page, f"{SAID} === ''")
    until(page, "eyelid.player.time > 15")
    page.run("eyelid.player.pause()")
    until(page, "eyelid.player.ready")
    flush(page)
    assert fits(page, reported(keyed)["0"], [(1, 1.1), (14, page.run("eyelid.player.time"))], 0)


def test_of_seeks_while_chunks_are_late_the_last_one_counts(
    keyed: House, page: Page, late: dict[str, threading.Event]
) -> None:
    """Also where its bytes come first, and those of the ones before after it."""
    begin(keyed, page, 1)
    right = page.run(PIXELS % (21.0, 0))
    for order in ((14.5, 6.5, 21.0), (21.0, 6.5, 14.5)):
        page.run(FORGET)
        places = [row_at(page, 0, t) for t in (14.5, 21.0)]
        late |= {place: threading.Event() for place in places}
        for moment in (14.5, 6.5, 21.0):
            page.run(f"eyelid.player.seek({moment})")
        until(page, f"{SAID} === 'Loading …'")
        for moment in order:
            late.get(row_at(page, 0, moment), threading.Event()).set()
        until(page, "eyelid.player.ready")
        assert page.run("eyelid.player.time") == 21
        assert page.run(PIXELS % (21.0, 0)) == right


ERASING: Final = RULES.format(
    more="  clerk: { may: [list, erase], of: all, purposes: [request] }\n"
    "approvals:\n  - { act: [erase], by: [privacy], need: 1, within: 24h }\n"
).replace("{ roles: [quality] }", "{ roles: [quality, clerk] }")


def command(house: House, *words: str) -> dict[str, Any]:
    """`eyelid-review`, as a process, by the store's own log."""
    more = ("--key-file", str(house.folder / "secret"), "--json")
    env = os.environ | {"EYELID_STORE_HOME": str(house.home.folder), "EYELID_REVIEW_HOME": str(house.folder / "review")}
    done = subprocess.run(
        [sys.executable, "-m", "review", *words, *more], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_recording_that_is_erased_by_its_command_while_it_plays_ends_there(keyed: House, page: Page) -> None:
    """Asked for and approved by people with keys; nothing of it can be fetched any more, and the page says why."""
    keyed.govern(ERASING)
    if not (keyed.folder / "review").exists():
        command(keyed, "audit", "init", "--name", "review.example.com/store")
        command(keyed, "certificate", "init", "--backups", "35d", "--custodian", str(keyed.folder / "c"))
    recording = str(keyed.another().recording.id)
    assert opened(keyed, page, "ann", recording) == "purpose"
    press_open(page, "open")
    until(page, READY)
    page.run("eyelid.player.play()")
    said = {
        "act": "erase", "recordings": set_of([recording]), "request": "DSR-1", "purpose": "request",
        "expires": str(wall() + 3600 * SECOND), "person": "quinn@example.com", **ask(keyed.socket, "nonce"),
    }  # fmt: skip
    filed = ask(keyed.socket, "file", request=personal.sign(personal.REQUEST, said, keyed.keys("quinn")))["filed"]
    keyed.approve("pia", filed)
    with keyed.client("ann") as client:
        place = f"/v1/recordings/{recording}"
        paths = [f"{place}/opening", *(f"{place}/player/{one}" for one in ("papers", "index", "account"))]
        paths += [f"{place}/player/chunks/{stream}?from=0&to=1" for stream in (0, 1, SOUND_STREAM)]
        assert [client.get(one).status_code for one in paths] == [200] * len(paths)
        done = command(keyed, "erase", recording, "--request", "DSR-1", "--apply", "--approved", filed)
        assert list(done["erased"]) == [recording], done
        assert [client.get(one).status_code for one in paths] == [404] * len(paths)
    page.run(FORGET)
    page.run("eyelid.player.seek(14)")
    with pytest.raises(AssertionError, match="ended: The recording is not here any more: it was erased"):
        until(page, "false")
    assert page.run("[eyelid.player.playing, document.querySelector('#failure').hidden]") == [False, False]
    assert opened(keyed, page, "ann", recording) == "refused"
    assert "no such recording" in text(page)
