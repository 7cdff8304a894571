"""The player on a recording of an hour: how soon it opens, seeks and verifies, and whether what it says is true."""

from __future__ import annotations

import random
import statistics
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

from bench import find, harness, tables
from bench.harness import Said, Say
from protocol.envelope import SOUND_STREAM
from review.player.source import Source
from store.commands.audit import evidence_of
from testkit import axe, hour
from testkit.devtools import DevTools, headless
from testkit.fakes.pc import SECOND
from testkit.interrupts import in_order
from testkit.loudspeaker import heard_browser
from testkit.player_page import PLAY, Change, Page, memory, played, until, worst_offset
from testkit.sounds import sound_server

GOALS: Final = {"open_ms": 400, "seek_ms": 250, "verify_s": 3, "heap_mb_max": 400, "sound_offset_ms": 40}
WHEN: Final = "performance.getEntriesByName(%s)[0].startTime"
# Marks on the way to the first picture, in their order; what each ends stands in docs/player.md.
STEPS: Final = ("page", "worker", "statements", "account", "opened", "begun", "chunk", "picture", "shown")
MARKS: Final = "Object.fromEntries(performance.getEntriesByType('mark').map((one) => [one.name, one.startTime]))"
FINDINGS: Final = "[...document.querySelectorAll('#findings li')].map((one) => one.dataset.code)"

# Seeks, waits for the picture of each screen and for sound, and reads the number that the pictures carry.
SEEK: Final = """(async () => {
  const {player} = eyelid, began = performance.now(), {element} = player.sound;
  player.seek(%f);
  const there = () => player.ready && !element.seeking && element.readyState >= 2;
  while (!there()) { await new Promise((done) => setTimeout(done, 4)); player.draw(); }
  const took = performance.now() - began;
  return {took, numbers: [...document.querySelectorAll("canvas")].map((canvas) => {
    const {data} = canvas.getContext("2d").getImageData(0, 20, 640, 1);
    const bits = Array.from({length: 16}, (_, bit) => (data[4 * (40 * bit + 20)] > 128) << bit);
    return bits.reduce((one, bit) => one | bit);
  })};
})()"""


# Plays until a part of the recording is over.
PLAY_TO: Final = """new Promise((done) => {
  const {player} = eyelid, rate = %f, to = %f * player.last - 0.01;
  if (player.rate !== rate) player.setRate(rate);
  player.addEventListener("time", function look() {
    if (player.time < to) return;
    player.removeEventListener("time", look); done();
  });
  if (!player.playing) player.play();
})"""


def recording(folder: Path, *, quick: bool) -> hour.Hour:
    return hour.make(folder / "made", *((8, 44 * SECOND) if quick else ()))


@contextmanager
def opened(browser: Page, made: hour.Hour, change: Change | None = None) -> Iterator[None]:
    with played(made.home, made.id, change=change) as address:
        browser.open(address)
        until(browser, "performance.getEntriesByName('shown').length > 0")
        yield
        if isinstance(browser, DevTools):
            browser.leave()


def tampering() -> dict[str, tuple[Change, set[str]]]:
    """What an operator may do -> the change, and the codes of which one must be named."""

    def chunk(stream: int, row: int, change: Any) -> Change:
        def changed(source: Source, what: str, answer: Any) -> Any:
            if what != "chunk" or answer[:2] != (stream, row):
                return answer
            return stream, row, change(source, answer[2])

        return changed

    def flip(_: Source, body: bytes) -> bytes:
        return body[:-1] + bytes([body[-1] ^ 1])

    def other(source: Source, _: bytes) -> bytes:
        return Source.chunks(source, 0, 4, 5)[4:]

    def cut(_: Source, what: str, answer: Any) -> Any:
        if what == "index":
            answer = {"streams": [{**one, "rows": one["rows"][:-1]} for one in answer["streams"]]}
        return answer

    def unaccounted(_: Source, what: str, answer: Any) -> Any:
        return {**answer, "batches": []} if what == "pieces" else answer

    def resigned(_: Source, what: str, answer: Any) -> Any:
        if what == "pieces":
            batches = [{**one, "token": one["token"][:-8] + "AAAAAAAA"} for one in answer["batches"]]
            answer = {**answer, "batches": batches}
        return answer

    return {
        "a bit of a picture": (chunk(0, 3, flip), {"damaged"}),
        "a bit of the sound": (chunk(SOUND_STREAM, 2, flip), {"damaged"}),
        "a chunk is gone": (chunk(1, 2, lambda *_: b""), {"lost"}),
        "another chunk": (chunk(0, 2, other), {"damaged"}),
        "the ends are cut": (cut, {"tail-missing"}),
        "no account": (unaccounted, {"no-ledger"}),
        "the account is signed anew": (resigned, {"bad-signature"}),
    }


def measure(folder: Path, say: Say, *, quick: bool) -> Said:
    say("making the recording")
    made = recording(folder, quick=quick)
    facts: dict[str, Any] = {}
    (folder / "browser").mkdir()
    with headless(folder / "browser") as browser:
        opens, verifies, marks = [], [], []
        for turn in range(3 if quick else 7):
            say(f"opening, {turn + 1}")
            with opened(browser, made):
                opens.append(browser.run(WHEN % "'shown'"))
                marks.append(browser.run(MARKS))
                until(browser, 'root.dataset.state === "checked"')
                verifies.append((browser.run(WHEN % "'checked'") - browser.run(WHEN % "'ready'")) / 1000)
        with opened(browser, made):
            until(browser, 'root.dataset.state === "checked"')
            facts |= played_on(browser, made, say, quick=quick)
            facts["gaps_wrong"] = gaps_wrong(browser, made)
            facts["axe_violations"] = axe_violations(browser, folder)
        facts |= tampered(browser, made, say)
    facts["open_steps_ms"] = {step: round(statistics.median(one[step] for one in marks)) for step in STEPS}
    facts |= {"open_ms": round(statistics.median(opens)), "verify_s": round(statistics.median(verifies), 2)}
    facts["list_p95_ms"] = find.measure(folder, 20_000, 100)["list_p95_ms"]
    facts["hour"] = round(made.turns * made.turn / 3600 / SECOND, 2)
    zero = ("frames_wrong", "gaps_wrong", "axe_violations")
    wrong = [f"{name}: {facts[name]}" for name in zero if facts[name]]
    wrong += [f"not named: {one}" for one in facts.pop("not_named")]
    short = [f"{name} is over {goal}" for name, goal in GOALS.items() if facts[name] > goal]
    return Said(facts, tables.facts("The player", facts), wrong, short)


def played_on(browser: DevTools, made: hour.Hour, say: Say, *, quick: bool) -> dict[str, Any]:
    say("seeking")
    chosen, took, wrong, heap = random.Random(19), [], 0, [memory()[0]]
    for _ in range(10 if quick else 30):
        turn, within = chosen.randrange(made.turns), chosen.randrange(made.kept)
        done = browser.run(SEEK % ((turn * made.turn + within) / SECOND))
        took.append(done["took"])
        wrong += sum(number != within // hour.EVERY for number in done["numbers"])
        heap.append(memory()[0])
    say("playing")
    browser.run(SEEK % 1)
    offs = browser.run(PLAY % (6, 1))  # of each screen
    for turn in range(0, made.turns, 4):  # ten seconds of each at 2x
        browser.run(SEEK % (turn * made.turn / SECOND + 1))
        browser.run(PLAY % (10, 2))
        heap.append(memory()[0])
    return {
        "seek_ms": round(statistics.median(took)), "seek_p90_ms": round(statistics.quantiles(took, n=10)[-1]),
        "frames_wrong": wrong, "sound_offset_ms": round(worst_offset(offs)),
        "heap_mb_max": max(heap), "heap_mb_last": heap[-1],
    }  # fmt: skip


def gaps_wrong(browser: DevTools, made: hour.Hour) -> int:
    """Parts of the account on which page and store differ."""
    evidence, wrong = evidence_of(made.home, made.id), 0
    for lane, parts in browser.run("eyelid.about.lanes").items():
        there = {(one["from"], one["to"], one["what"]) for one in parts}
        here = {(one.start, one.end, type(one.cause).__name__.lower()) for one in evidence.account_of(lane)}
        wrong += len(there ^ here)
    return wrong


def axe_violations(browser: DevTools, folder: Path) -> int:
    (folder / "node").mkdir()
    browser.run(f"{axe.script(folder / 'node')}; 0")
    found = 0
    for turn in range(4):
        found += browser.run(f"{axe.question()}.then(({{violations}}) => violations.length)")
        browser.run(f"document.querySelector('#{'language' if turn % 2 else 'theme'}').click()")
    return found


def tampered(browser: DevTools, made: hour.Hour, say: Say) -> dict[str, Any]:
    not_named = []
    for what, (change, codes) in tampering().items():
        say(f"tampering: {what}")
        with opened(browser, made, change):
            until(browser, 'root.dataset.state === "checked"')
            if not codes & set(browser.run(FINDINGS)):
                not_named.append(what)
    return {"tamper_tried": len(tampering()), "tamper_named": len(tampering()) - len(not_named), "not_named": not_named}


def whole(folder: Path, say: Say, *, rate: float, kind: str, quick: bool) -> Said:
    """Plays all of it at that speed, and says what memory the page and the browser have on the way."""
    say("making the recording")
    made, used = recording(folder, quick=quick), list[tuple[int, int]]()
    with ExitStack() as stack:
        server = stack.enter_context(sound_server("pulseaudio", folder / "sound"))
        browser = stack.enter_context(heard_browser(kind, server, folder / "browser"))
        stack.enter_context(opened(browser, made))
        until(browser, 'root.dataset.state === "checked"')
        for part in range(5):  # from the first second to the last
            say(f"playing, {25 * part} % of the way")
            browser.run(PLAY_TO % (rate, part / 4))
            used.append(memory())
    page, every = zip(*used, strict=True)
    facts = {"browser": kind, "rate": rate, "page_mb": page, "browser_mb": every, "heap_mb_max": max(page)}
    short = ["heap_mb_max is over its goal"] if max(page) > GOALS["heap_mb_max"] else []
    higher = [one for one in ("page_mb", "browser_mb") if facts[one][-1] > 1.25 * facts[one][0]]
    short += [f"{one} ends a quarter above its begin" for one in higher]
    return Said(facts, tables.facts("The player's memory over a whole recording", facts), [], short)


def main() -> int:
    parser = harness.parser("room", __doc__, "six minutes in place of an hour", "--quick --json")
    parser.add_argument("--whole", type=float, metavar="RATE", help="play all of it at that speed, and show the memory")
    parser.add_argument("--browser", choices=("chromium", "firefox"), default="chromium", help="for --whole")
    asked = parser.parse_args()
    part = partial(whole, rate=asked.whole, kind=asked.browser) if asked.whole else measure
    return harness.play_alone(partial(part, quick=asked.quick), asked)


if __name__ == "__main__":
    sys.exit(in_order(main))
