"""What both browsers showed and played is what the custodian's log says they did, whatever a console does between."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from random import Random
from typing import Any, Final

import pytest

from protocol import base64url
from review.audit.bodies import bodies
from review.commands.open_log import open_log_in
from review.played import MOST_SPANS
from testkit.cheap_keys import cheap_keys
from testkit.devtools import DevTools
from testkit.waits import LateError
from testkit.waits import until as eventually
from tests.review.opening.conftest import House, Page
from tests.review.opening.test_playing import keyed, opened, ready
from tests.review.player.conftest import READY, until

__all__ = ["keyed", "ready"]
pytestmark = pytest.mark.slow(reason="browsers, and a house of four processes")
Lanes = dict[str, list[tuple[float, float]]]
STEP: Final = 0.25  # s: a little more than from one picture of the recording to the next
NEAR: Final = 0.35  # s: between two ticks, and until a pause takes hold


@pytest.fixture
def open_house(keyed: House) -> Iterator[House]:
    yield keyed
    keyed.between.withholds = ""


def entries(house: House) -> list[dict[str, Any]]:
    """Of the custodian's log: what was opened, and what pages reported."""
    with cheap_keys():
        log = open_log_in(
            house.folder / "c" / "audit", house.folder / "c" / "keys", (house.folder / "secret").read_bytes()
        )
    found = bodies(log.log.folder, log.log.verifier, log.key)
    return [{**one.said, "position": one.position} for one in found if one.said["kind"] in {"open", "watched"}]


def reported(house: House) -> Lanes:
    """Of the newest opening, in seconds."""
    known = entries(house)
    opening = [one["position"] for one in known if (one["kind"], one["outcome"]) == ("open", "success")][-1]
    found: Lanes = defaultdict(list)
    for one in known:
        if one["kind"] == "watched" and one["facts"]["opening"] == opening:
            for lane, (start, end) in zip(one["facts"]["lanes"], one["facts"]["spans"], strict=True):
                found[lane].append((start / 1e9, end / 1e9))
    return {lane: joined(spans) for lane, spans in found.items()}


def joined(spans: list[tuple[float, float]]) -> list[tuple[float, float]]:
    found: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1] + NEAR:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return found


def near(found: list[tuple[float, float]], wanted: list[tuple[float, float]]) -> bool:
    pairs = [(one, other) for a, b in zip(found, wanted, strict=False) for one, other in zip(a, b, strict=True)]
    return len(found) == len(wanted) and all(abs(one - other) <= NEAR for one, other in pairs)


# What stands on each canvas, looked at with each picture of the display, beside what the page itself notes.
SEEN: Final = """(() => {
  const {player} = eyelid;
  window.seen = [];
  const look = () => {
    window.heard ||= player.master === 'sound' && player.sound.audio.state === 'running';
    window.seen.push([player.time, player.playing, ...player.screens.map(({canvas}) => canvas.dataset.at / 1e6)]);
    requestAnimationFrame(look);
  };
  look();
  player.play();
})()"""


def fits(page: Page, found: list[tuple[float, float]], wanted: list[tuple[float, float]], screen: int) -> bool:
    """Nothing but what was played, and all for which the moment's own picture stood there: a busy machine is late."""
    seen = page.run("window.seen")
    right = sum(
        after[0] - one[0] for one, after in pairwise(seen)
        if one[1] and after[1] and 0 <= after[0] - one[0] < 1 and 0 <= one[0] - one[2 + screen] < STEP
    )  # fmt: skip
    inside = all(any(a - NEAR <= start and end <= b + NEAR for a, b in wanted) for start, end in found)
    return inside and sum(end - start for start, end in found) >= right - 2 * NEAR


def begin(house: House, page: Page, at: float) -> None:
    """Opened, and all so far reported."""
    assert opened(house, page, "ann", f"{house.recording}&t={at}") == "purpose"
    page.run("document.querySelector('#open').click()")
    until(page, READY)
    page.run("eyelid.player.first")


def play(page: Page, to: float) -> float:
    """Where it then stood."""
    page.run(SEEN)
    until(page, f"eyelid.player.time >= {to}")
    return float(page.run("(eyelid.player.pause(), eyelid.player.time)"))


def is_heard(page: Page) -> bool:
    """Whether a device took the sound: without one Firefox plays none, and then none is reported."""
    heard = page.run("window.heard === true") is True
    assert heard or not isinstance(page, DevTools)
    return heard


def flush(page: Page) -> None:
    """Waits for what is being sealed, and reports at once: while something is sealed, a page reports nothing."""
    page.run("""(async () => {
      while (eyelid.reports.busy) await new Promise((tried) => setTimeout(tried, 20));
      await eyelid.reports.flush();
    })()""")


def sent(house: House) -> dict[str, Any]:
    """The newest report, as the console saw it."""
    bodies_ = (json.loads(body or b"{}") for _, body in reversed(house.between.seen))
    return next(one for one in bodies_ if one.get("do") == "watched")


def test_what_was_played_is_what_is_noted(open_house: House, page: Page) -> None:
    """Over what was not kept, which is skipped, with one end off."""
    begin(open_house, page, 6)
    page.run("eyelid.player.sound.setVolume(1, 0)")
    end = play(page, 14.5)
    flush(page)
    found = reported(open_house)
    sound = {"microphone": [(6, 8.5), (12.5, end)]} if is_heard(page) else {}
    assert found.keys() == {"0", "1", *sound}
    assert all(near(found[lane], spans) for lane, spans in sound.items()), found
    assert all(fits(page, found[str(one)], [(6, 8), (13, end)], one) for one in range(2)), found


def test_pictures_that_are_looked_at_are_noted_and_what_lies_between_is_not(open_house: House, page: Page) -> None:
    begin(open_house, page, 1)
    for moment in (3, 16):
        page.run(f"eyelid.player.seek({moment})")
        until(page, "eyelid.player.ready")
    flush(page)
    found = reported(open_house)
    assert found.keys() == {"0", "1"}
    for lane in found.values():
        assert near(lane, [(1, 1.1), (3, 3.1), (16, 16.1)]), found


def test_a_page_that_is_not_seen_reports_what_is_heard_alone(open_house: House, page: Page) -> None:
    begin(open_house, page, 1)
    flush(page)
    page.run("Object.defineProperty(document, 'visibilityState', {value: 'hidden', configurable: true}) && 1")
    page.run("eyelid.player.seek(3)")
    end = play(page, 4.5)
    flush(page)
    sound = {lane: [(3.0, end)] for lane in ("far-end", "microphone")} if is_heard(page) else {}
    wanted = {"0": [(1.0, 1.1)], "1": [(1.0, 1.1)], **sound}
    found = reported(open_house)
    assert found.keys() == wanted.keys()
    assert all(near(found[lane], spans) for lane, spans in wanted.items()), found


# The page's own ticks stop, as all scripts do; its sound plays on.
STANDS_STILL: Final = """(async () => {
  const {player} = eyelid, {element} = player.sound ?? {};
  const frame = () => new Promise(requestAnimationFrame);
  player.play();
  while (player.master !== "sound" && player.time < 16) await frame();
  if (player.master !== "sound" || player.sound.audio.state !== "running") return null;
  const from = player.time;
  player.tick = () => {};
  while (element.currentTime < from + 6) await frame();
  const at = element.currentTime;
  delete player.tick;
  %s;
  player.pause();
  return [from, at];
})()"""


@pytest.mark.parametrize("then", ["player.tick()", "player.seek(1)"])
def test_sound_that_plays_on_while_the_page_stands_still_is_noted(open_house: House, page: Page, then: str) -> None:
    """As under a browser's dialog to print: nothing is drawn then, and it is heard."""
    begin(open_house, page, 13)
    flush(page)
    stood = page.run(STANDS_STILL % then)
    assert stood or not isinstance(page, DevTools)  # Firefox has no device to play it
    flush(page)
    found = reported(open_house)
    wanted = [tuple(stood)] if stood else []
    for lane in ("microphone", "far-end"):
        assert near(found.get(lane, []), wanted), found
    assert stood is None or sum(min(end, stood[1]) - start for start, end in found["0"] if start > 12) < 4, found


def leave(house: House, page: Page, patience: float) -> float:
    """Plays a little, and leaves the page; where it then stood. Raises LateError if that is not reported."""

    def reports() -> int:
        return sum(one["kind"] == "watched" for one in entries(house))

    begin(house, page, 1)
    flush(page)
    before = reports()
    end = play(page, 3)
    until(page, "!eyelid.reports.busy && eyelid.reports.sealed === eyelid.reports.played.changes")
    page.open("about:blank")
    eventually(lambda: reports() > before, "it was reported", patience)
    return end


def test_a_page_that_goes_reports_what_is_left(open_house: House, page: Page) -> None:
    """Chromium each time. On a busy machine Firefox loses about one in ten, sent by fetch or as a beacon."""
    tries = 1 if isinstance(page, DevTools) else 5
    for left in reversed(range(tries)):
        try:
            end = leave(open_house, page, patience=10 if left else 30)
            break
        except LateError:
            if not left:
                raise
    assert all(1 - NEAR <= start < until_ <= end + NEAR for start, until_ in reported(open_house)["0"])


def test_a_report_that_is_withheld_is_missing_and_what_it_said_comes_with_the_next(
    open_house: House, page: Page
) -> None:
    begin(open_house, page, 1)
    open_house.between.withholds = "watched"
    end = play(page, 2.5)
    flush(page)
    assert reported(open_house) == {}
    open_house.between.withholds = ""
    flush(page)
    assert fits(page, reported(open_house)["1"], [(1, end)], 1)


def test_a_console_changes_repeats_and_swaps_none(open_house: House, page: Page) -> None:
    begin(open_house, page, 1)
    flush(page)
    first = sent(open_house)
    begin(open_house, page, 2)
    flush(page)
    second = sent(open_house)
    known = len(entries(open_house))
    changed = bytearray(base64url.decode(second["sealed"]))
    changed[20] ^= 1
    for body, code in (
        (second, "replayed"),
        (second | {"sealed": base64url.encode(bytes(changed))}, "not-its-page"),
        (second | {"sealed": first["sealed"]}, "not-its-page"),
        (second | {"opening": first["opening"]}, "not-its-page"),
        (second | {"opening": "0" * 64}, "unknown-opening"),
    ):
        with open_house.client("sam") as client:
            answer = client.post("/v1/custodian", json=body)
        assert (answer.status_code, answer.json()["error"]) == (409, code)
    assert len(entries(open_house)) == known


def test_more_spans_than_a_report_has_are_joined_where_the_least_lies_between(open_house: House, page: Page) -> None:
    begin(open_house, page, 1)
    random, at = Random(4), 0.0
    spans: list[tuple[float, float]] = []
    for _ in range(700):
        start = at + random.uniform(0.2, 3)
        at = start + random.uniform(0.1, 2)
        spans.append((start, at))
    made = page.run(f"""import('./watching.js').then(({{Played}}) => {{
      const played = new Played({{addEventListener() {{}}, length: {at + 1}}});
      for (const [start, end] of {json.dumps(random.sample(spans, len(spans)))}) played.add('0', start, end);
      return played.said()['0'];
    }})""")
    found = [tuple(int(one) / 1e9 for one in span.split("-")) for span in str(made).split()]
    gaps = sorted(after[0] - before[1] for before, after in pairwise(spans))
    between = sorted(after[0] - before[1] for before, after in pairwise(found))
    assert len(found) == MOST_SPANS
    assert between == pytest.approx(gaps[len(spans) - MOST_SPANS :], abs=1e-6)
    assert (found[0][0], found[-1][1]) == pytest.approx((spans[0][0], spans[-1][1]), abs=1e-6)
