"""What a person works with in the player: waveform, silence, loop, marks, screens; by keys, and in both schemes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest

from protocol.envelope import SOUND_STREAM
from review.player.source import Source
from testkit import bidi
from testkit.axe import question
from testkit.devtools import DevTools
from testkit.stage import own_display
from tests.review.player.conftest import READY, Page, Recorded, played, until
from tests.review.player.made import LENGTH, QUIET, SOUND, TONES
from tests.review.player.test_page import PLAYED

DRAWN: Final = "document.querySelector('.wave').getAttribute('d') !== null"
READ: Final = f"{READY} && document.querySelector('#waveform').textContent === '' && {DRAWN}"


@pytest.fixture
def opened(page: Page, recorded: Recorded) -> Iterator[Page]:
    with played(recorded.home, recorded.id) as address:
        page.open(address)
        until(page, READ)
        yield page


def time(page: Page) -> float:
    return float(page.run("eyelid.player.time"))


def text(page: Page, selector: str) -> str:
    return str(page.run(f"document.querySelector({json.dumps(selector)}).textContent"))


def test_the_waveform_is_how_loud_each_end_is_where_sound_was_kept(opened: Page) -> None:
    told = opened.run(
        "(({known, ends, quiet}) => ({known: [...known], ends: ends.map((one) => [...one]), quiet}))(eyelid.waves)"
    )
    kept = [any(start <= 100 * at < end for start, end in SOUND) for at in range(LENGTH // 10**8)]
    off = [at for at, here in enumerate(kept) if bool(told["known"][at]) != here]
    assert all(any(abs(100 * at - edge) <= 100 for span in SOUND for edge in span) for at in off), off
    for end, (_, loud) in enumerate(TONES):
        for at in (20, 50, 80, 130, 200):
            assert told["ends"][end][at] == pytest.approx(255 * (loud / 32768) ** 0.5, rel=0.08), (end, at)
        assert max(told["ends"][end][QUIET[0] // 100 + 2 : QUIET[1] // 100 - 2]) < 10
        assert not any(told["ends"][end][90:120])  # closed
    [quiet] = told["quiet"]
    assert quiet["start"] == pytest.approx(QUIET[0] / 1000, abs=0.25)
    assert quiet["end"] == pytest.approx(QUIET[1] / 1000, abs=0.25)


def flipped(_: Source, what: str, answer: Any) -> Any:
    """One chunk of the sound has a bit turned over."""
    if what != "chunk" or answer[:2] != (SOUND_STREAM, 1):
        return answer
    stream, row, body = answer
    return stream, row, body[:40] + bytes([body[40] ^ 1]) + body[41:]


def test_a_chunk_that_does_not_verify_has_no_waveform(page: Page, recorded: Recorded) -> None:
    with played(recorded.home, recorded.id) as address:
        page.open(address)
        until(page, READ)
        rows = page.run("eyelid.player.chains.get(32768).rows.length")
        whole = page.run("eyelid.waves.known.reduce((sum, one) => sum + one, 0)")
    with played(recorded.home, recorded.id, change=flipped) as address:
        page.open(address)
        until(page, READ)
        assert rows > 3
        lost = whole - page.run("eyelid.waves.known.reduce((sum, one) => sum + one, 0)")
        assert 35 <= lost <= 45  # of four seconds, ten a second
        assert page.run("document.querySelectorAll('#findings li').length") == 1


@pytest.mark.slow(reason="it plays for some seconds")
def test_silence_is_skipped_where_a_person_asks_for_it_and_said(opened: Page) -> None:
    assert not opened.run("eyelid.player.skipsQuiet || document.querySelector('#quiet').checked")
    opened.press("q")
    assert opened.run("eyelid.player.skipsQuiet && document.querySelector('#quiet').checked")
    met = opened.run(PLAYED % (2, 17.6, 14.2))
    [(start, end)] = met["skipped"]
    assert 14.3 <= start < 17.2  # a busy machine notices late
    assert end == pytest.approx(17.2, abs=0.25)
    assert "of silence" in met["said"]
    assert "in all" in met["said"]
    opened.press("q")


@pytest.mark.slow(reason="it plays for some seconds")
def test_a_span_is_repeated_until_it_is_cleared(opened: Page) -> None:
    opened.run("eyelid.player.seek(3)")
    opened.press("a")
    assert text(opened, "#loop-text").startswith("From 0:03.0")
    opened.run("eyelid.player.seek(4)")
    opened.press("b")
    assert text(opened, "#loop-text") == "Repeats 0:03.0 \u2013 0:04.0"
    turns = opened.run("""new Promise((done) => {
      const {player} = eyelid; let [before, turns] = [0, 0];
      player.addEventListener("time", () => {
        if (player.time < before - 0.5) turns++;
        before = player.time;
        if (turns === 2) { player.pause(); done(turns); }
      });
      player.setRate(4); player.seek(3.1); player.play();
    })""")
    assert turns == 2
    assert 2.9 <= time(opened) <= 4.1
    opened.press("c")
    assert text(opened, "#loop-text") == "Nothing is repeated."
    assert opened.run("eyelid.player.loop") is None


@pytest.mark.slow(reason="it plays for some seconds")
def test_a_loop_in_which_nothing_was_kept_is_played_through(opened: Page) -> None:
    opened.run("eyelid.player.setLoop({start: 9, end: 12})")
    met = opened.run(PLAYED % (2, 10, 9))
    assert met["skipped"] == []  # there is nowhere in it to go on
    opened.run("eyelid.player.setLoop(null)")


@pytest.mark.slow(reason="it plays for some seconds")
def test_who_begins_behind_a_loop_is_not_taken_back(opened: Page) -> None:
    opened.run("eyelid.player.setLoop({start: 9, end: 12})")
    assert opened.run(PLAYED % (4, 14, 13))["time"] >= 14
    opened.run("eyelid.player.setLoop(null)")


DRAG: Final = """(() => {
  const line = document.querySelector("#timeline");
  const {left, width, top} = document.querySelector("#lanes").getBoundingClientRect();
  line.setPointerCapture = () => {};
  const at = (kind, share, buttons) => line.dispatchEvent(new PointerEvent(kind, {
    clientX: left + share * width, clientY: top + %d, buttons, pointerId: 1, bubbles: true, shiftKey: %s}));
  at("pointerdown", 0.25, 1); at("pointermove", 0.4, 1); at("pointermove", 0.5, 1); at("pointerup", 0.5, 0);
  return eyelid.player.loop && [eyelid.player.loop.start, eyelid.player.loop.end];
})()"""


def test_a_drag_along_the_times_is_a_loop_and_one_below_seeks(opened: Page) -> None:
    assert opened.run(DRAG % (10, "false")) == pytest.approx([6, 12], abs=0.1)
    opened.press("c")
    assert opened.run(DRAG % (60, "false")) is None
    assert time(opened) == pytest.approx(12, abs=0.1)
    assert opened.run(DRAG % (60, "true")) == pytest.approx([6, 12], abs=0.1)
    opened.press("c")


def test_marks_are_set_visited_listed_and_removed(opened: Page) -> None:
    for moment in (17, 3, 6):
        opened.run(f"eyelid.player.seek({moment})")
        opened.press("d")
    listed = "[...document.querySelectorAll('#marks .row')].map((one) => one.textContent)"
    assert opened.run(listed) == ["0:03.0", "0:06.0", "0:17.0"]
    assert text(opened, "#spans-note") == "Kept in this page only: they are gone when it is closed."
    assert opened.run("document.querySelector('#spans-note').checkVisibility()")
    opened.run("eyelid.player.seek(4)")
    opened.press("e")
    assert time(opened) == pytest.approx(6)
    opened.press("e")
    assert time(opened) == pytest.approx(17)
    opened.press("w")
    assert time(opened) == pytest.approx(6)
    opened.press("d")  # the one that stands here
    assert opened.run(listed) == ["0:03.0", "0:17.0"]
    opened.run("document.querySelector('#marks .quiet').click()")
    assert opened.run(listed) == ["0:17.0"]
    assert opened.run("document.activeElement.closest('#marks') !== null")
    assert opened.run("[...Object.keys(localStorage), ...Object.keys(sessionStorage), document.cookie]") == [""]
    opened.press("d")


@pytest.mark.parametrize(
    ("asked", "begins"), [("t=13.5", 13.5), ("t=0:13.5", 13.5), ("t=99", LENGTH / 1e9), ("t=x", 0), ("u=13", 0)]
)
def test_the_address_says_where_to_begin(page: Page, recorded: Recorded, asked: str, begins: float) -> None:
    with played(recorded.home, recorded.id) as address:
        page.open(f"{address}&{asked}")
        until(page, READY)
        assert time(page) == pytest.approx(begins)
        assert page.run("location.hash") == ""


SHOWN: Final = "[...document.querySelectorAll('figure')].map((one) => one.classList.contains('small'))"
FULL: Final = """new Promise((done) => document.addEventListener("fullscreenchange",
  () => done(!!document.fullscreenElement), {once: true}))"""


def test_screens_are_side_by_side_or_one_large(opened: Page) -> None:
    for small in ([False, False], [False, True], [True, False], [False, False]):
        assert opened.run(SHOWN) == small
        opened.press("f")
    opened.press("f")
    opened.press("f")


@pytest.fixture(scope="module")
def windowed(page: Page, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """Firefox denies full screen without a window: one on a display of its own."""
    if isinstance(page, DevTools):
        yield page
        return
    folder = tmp_path_factory.mktemp("windowed")
    with own_display(folder) as stage, bidi.headless(folder / "firefox", stage=stage) as browser:
        yield browser


@pytest.mark.slow(reason="a browser with a window, and axe")
def test_full_screen_keeps_timeline_and_screens_as_they_are(windowed: Page, recorded: Recorded, axe: str) -> None:
    with played(recorded.home, recorded.id) as address:
        windowed.open(address)
        until(windowed, READ)
        full_screen(windowed, axe)


def full_screen(opened: Page, axe: str) -> None:
    opened.press("f")
    opened.run(f"(window.full = {FULL}, undefined)")
    opened.press("g")
    assert opened.run("window.full") is True
    assert not opened.run("document.querySelector('#side').checkVisibility()")
    assert opened.run("document.querySelector('#timeline').checkVisibility()")
    opened.run(f"(() => {{ {axe}; return 0; }})()")
    for _ in range(2):  # light and dark
        assert opened.run(f"{question()}.then(({{violations}}) => violations)") == []
        opened.press("t")
    opened.press("f")
    opened.run(f"(window.full = {FULL}, undefined)")
    opened.press("g")
    assert opened.run("window.full") is False
    assert opened.run(SHOWN) == [True, False]  # as it was left
    opened.press("f")


OVER: Final = """[...document.querySelectorAll("canvas")].filter((one) => {
  const own = one.getBoundingClientRect(), stage = document.querySelector("#stage").getBoundingClientRect();
  return own.top < stage.top || own.bottom > stage.bottom;
}).length"""


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (1920, 1080), (820, 1180)])
def test_nothing_is_cut_off_at_a_desk_or_on_a_tablet(opened: Page, width: int, height: int) -> None:
    opened.picture(width, height)
    for _ in range(3):  # side by side, and each large
        assert opened.run(f"new Promise((done) => requestAnimationFrame(() => setTimeout(() => done({OVER}))))") == 0
        assert opened.run("document.documentElement.scrollWidth") <= width
        opened.press("f")
    opened.picture(1280, 800)


@pytest.mark.slow(reason="axe looks at the page four times, and at its dialog")
def test_axe_finds_nothing_in_either_language_or_scheme(opened: Page, axe: str) -> None:
    opened.picture(1280, 800)
    for key in "adv":  # a loop half set, a mark, and the proof are shown
        opened.press(key)
    opened.run(f"(() => {{ {axe}; return 0; }})()")
    asked = f"{question()}.then((said) => said.violations.map("
    asked += "(one) => [one.id, ...one.nodes.map((node) => node.html + node.failureSummary)]))"
    found: dict[str, Any] = {}
    for turn in range(4):
        found[f"turn {turn}"] = opened.run(asked)
        opened.press("t")
        if turn % 2:
            opened.run("document.querySelector('#language').click()")
    opened.press("?")
    found["keys"] = opened.run(asked)
    opened.run("document.querySelector('#keys').close()")
    assert not any(found.values()), json.dumps(found, indent=1)[:4000]


def test_every_key_is_listed_and_no_two_say_the_same(page: Page, recorded: Recorded) -> None:
    with played(recorded.home, recorded.id) as address:
        page.open(address)
        until(page, READY)
        known = page.run("""(async () => {
          const {KEYS} = await import("./acts.js"), {LANGUAGES} = await import("./words.js");
          return [Object.keys(KEYS).filter((one) => one.length === 1 && one !== " "),
            LANGUAGES.en.keysOf.map(([one]) => one), LANGUAGES.de.keysOf.map(([one]) => one)];
        })()""")
    keys, *lists = known
    for listed in lists:
        letters = [
            one for line in listed for one in line.split() if len(one) == 1 and not one.isdigit() and one not in "…←→↑↓"
        ]
        assert sorted(letters) == sorted({one.upper() for one in keys}), listed
