"""The page in both browsers, on a recording by the real encoders: pictures, sound, account, keys, and what it keeps to
itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from review.player.files import page_files
from review.web.lines import HELD
from store import cli
from testkit import devtools, player_page
from testkit.player_compared import PIXELS, difference, parts_exported, parts_shown, pictures
from tests.review.player.conftest import READY, Page, Recorded, played, until
from tests.review.player.made import LENGTH, SIZES
from tests.store.conftest import PASSPHRASE

NEAR = 8  # of 255: two decoders' colours
SEEKS = (0.0, 0.3, 7.9, 3.21, 13.1, 4.4, 17.99, 23.9, 20.0, 2.0)  # s; where both screens were kept


@pytest.fixture(scope="session")
def exported(recorded: Recorded, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported")
    (folder / "passphrase").write_bytes(PASSPHRASE)
    asked = ("export", recorded.id, "--home", recorded.home.folder, "--key", recorded.key)
    more = ("--passphrase-file", folder / "passphrase", "-o", folder / "out", "--gaps", "no-film")
    assert cli.main([str(one) for one in (*asked, *more)]) == 0
    return folder / "out"


@pytest.fixture
def opened(page: Page, recorded: Recorded) -> Any:
    with played(recorded.home, recorded.id) as address:
        page.open(address)
        until(page, READY)
        yield page


@pytest.mark.slow(reason="a browser seeks and decodes, and twenty pictures are compared pixel by pixel")
def test_the_canvas_shows_the_pictures_of_the_export(opened: Page, exported: Path) -> None:
    for stream, (width, height) in enumerate(SIZES):
        film = pictures(exported / f"screen-{stream}.mp4")
        for moment in SEEKS:
            drawn = opened.run(PIXELS % (moment, stream))
            assert not drawn["hidden"]
            assert (drawn["width"], drawn["height"]) == (width, height)
            off = difference(drawn["pixels"], film, moment)
            assert np.percentile(off, 99.5) <= NEAR, (stream, moment)
            assert off.mean() < 2, (stream, moment)
    if isinstance(opened, devtools.DevTools):  # what it draws as pictures, it keeps without a graphics card
        assert opened.run("eyelid.player.screens.every(({copies}) => copies)")


def test_the_account_is_that_of_the_export(opened: Page, exported: Path) -> None:
    facts = json.loads((exported / "timeline.json").read_text("utf-8"))
    for lane, told in (("screen", facts), ("audio", facts["audio"])):
        assert parts_shown(opened, lane) == parts_exported(told)
    assert opened.run("eyelid.about.length") == LENGTH == facts["whole_ns"]
    rows = opened.run("[...document.querySelectorAll('#gaps .what')].map((one) => one.textContent)")
    assert rows == ["Closed by rule card-forms", "Closed by rule card-forms", "Closed by rule unreadable"]
    whys = opened.run("[...document.querySelectorAll('#gaps .why')].map((one) => one.textContent)")
    assert whys[:2] == ["PCI DSS; revision 12 of the policy"] * 2
    assert whys[2].endswith("; revision 12 of the policy")  # what rule is Eyelid's own, the policy in force let in


def test_everything_is_said_to_be_verified_once_it_is(opened: Page) -> None:
    assert opened.run("document.querySelector('#badge').dataset.state") == "good"
    assert opened.run("[...document.querySelectorAll('#checks li')].map((one) => one.className)") == ["good"] * 9
    assert opened.run("document.querySelectorAll('#findings li').length") == 0
    assert opened.run("document.querySelectorAll('#lanes .unverified, #lanes .bad').length") == 2  # patterns alone


# Plays from a moment until another, and says what it met.
PLAYED = """new Promise((done) => {
  const {player} = eyelid, met = {skipped: [], slates: new Set(), silent: false, far: 0};
  player.setRate(%f);
  player.addEventListener("skipped", ({detail}) => met.skipped.push([detail.from, detail.to]));
  player.addEventListener("silent", () => { met.silent = true; });
  player.addEventListener("time", () => {
    for (const one of document.querySelectorAll(".slate:not([hidden]) strong")) met.slates.add(one.textContent);
    met.byOwn ||= player.master === "own"; met.bySound ||= player.master === "sound";
    if (player.time >= %f && player.playing) {
      player.pause();
      done({...met, slates: [...met.slates], time: player.time, said: document.querySelector("#now").textContent});
    }
  });
  player.seek(%f);
  player.play();
})"""


@pytest.mark.slow(reason="it plays for some seconds")
def test_it_plays_over_what_was_not_kept_and_says_so(opened: Page) -> None:
    met = opened.run(PLAYED % (2, 14.0, 6.5))
    [(start, end)] = met["skipped"]
    assert 8.1 <= start < 12.5  # where the sound ends, too; a busy machine passes over it late
    assert end == pytest.approx(12.5, abs=0.1)
    assert met["said"].startswith("Skipped ")
    assert "card-forms" in met["said"]
    assert met["bySound"] or met["silent"]  # the clock is the sound's, where a device takes it
    assert "Closed by rule card-forms" in " ".join(met["slates"])  # of the screen, while the sound is kept
    assert met["time"] >= 14


@pytest.mark.slow(reason="it plays for some seconds")
def test_what_was_not_kept_can_be_played_through(opened: Page) -> None:
    opened.press("s")
    met = opened.run(PLAYED % (4, 13.5, 7.5))
    assert met["skipped"] == []
    assert any("card-forms" in one for one in met["slates"])


def test_the_sound_is_both_ends_apart(opened: Page) -> None:
    assert opened.run("eyelid.player.sound !== null && !document.querySelector('#volumes').hidden")
    assert opened.run("(eyelid.player.play(), eyelid.player.sound.gains.length)") == 2
    opened.run("(document.querySelector('#volume-1').value = 25, "
               "document.querySelector('#volume-1').dispatchEvent(new Event('input')))")  # fmt: skip
    assert opened.run("eyelid.player.sound.gains.map(({gain}) => gain.value)") == [1, 0.25]
    opened.press("m")
    assert opened.run("eyelid.player.sound.volumes") == [0, 0]
    opened.press("m")
    assert opened.run("eyelid.player.sound.volumes") == [1, 0.25]
    opened.run("eyelid.player.pause()")


# Whether the sound lies ready where one is, after one left that moment and came back at once.
LEFT_AND_BACK = """(async () => {
  const {player} = eyelid, {sound} = player;
  const loaded = async () => { do await new Promise(requestAnimationFrame); while (sound.busy); return sound.has(2); };
  player.seek(2);
  while (!await loaded());
  player.seek(player.length);
  player.seek(2);
  return loaded();
})()"""


def test_who_leaves_a_moment_and_comes_back_at_once_hears_it(opened: Page) -> None:
    assert opened.run(LEFT_AND_BACK)


def test_everything_goes_by_keyboard(opened: Page) -> None:
    def time() -> float:
        return float(opened.run("eyelid.player.time"))

    opened.run("eyelid.player.seek(5)")
    opened.press("l")
    assert time() == pytest.approx(15)
    opened.press("j")
    assert time() == pytest.approx(5)
    opened.press("9")
    assert time() == pytest.approx(21.6)
    opened.press("0")
    assert time() == 0
    opened.press("n")
    assert time() == pytest.approx(6)  # two seconds before the gap
    opened.run("(async () => { while (!eyelid.player.ready) await new Promise(requestAnimationFrame); })()")
    opened.press(".")
    assert time() == pytest.approx(6.2, abs=0.01)
    opened.press(",")
    assert time() == pytest.approx(6, abs=0.01)
    opened.press("k")
    assert opened.run("eyelid.player.playing")
    opened.press("k")
    assert not opened.run("eyelid.player.playing")
    opened.press("f")
    assert opened.run("[...document.querySelectorAll('figure')].map((one) => one.className)") == ["", "small"]
    opened.press("v")
    assert opened.run("document.activeElement.id") == "proof"
    opened.press("t")
    opened.press("?")
    assert opened.run("document.querySelector('#keys').open")
    opened.run("document.querySelector('#keys').close()")
    names = (
        "[...document.querySelectorAll('button, input, select, [role=slider]')].filter((one) => one.checkVisibility())"
    )
    unnamed = ".filter((one) => !(one.ariaLabel || one.textContent.trim() || one.labels?.[0]?.textContent.trim()))"
    assert opened.run(f"{names}{unnamed}.map((one) => one.outerHTML)") == []


def test_both_languages_say_everything(opened: Page) -> None:
    shapes = """(async () => {
      const {LANGUAGES} = await import("./words.js");
      const shape = (one) =>
        typeof one === "object" ? Object.keys(one).sort().map((key) => [key, shape(one[key])]) : typeof one;
      return [JSON.stringify(shape(LANGUAGES.en)), JSON.stringify(shape(LANGUAGES.de))];
    })()"""
    english, german = opened.run(shapes)
    assert english == german
    opened.run("document.querySelector('#language').click()")
    assert opened.run("document.documentElement.lang") == "de"
    assert opened.run("document.querySelector('#badge-text').textContent") == "In diesem Browser geprüft"
    opened.run("document.querySelector('#language').click()")


def test_every_part_of_an_account_is_said_in_words(opened: Page) -> None:
    """As the console says them: `lines.HELD` has the codes of the recorder's holds and of blind time."""
    parts = json.dumps([
        *({"what": "held", "holds": [code]} for code in HELD),
        *({"what": "blind", "why": code} for code in HELD),
        {"what": "outside"},
        {"what": "closed", "rules": [4], "policy": "unknown"},
    ])  # fmt: skip
    said = opened.run(f"""(async () => {{
      const {{LANGUAGES, describe}} = await import("./words.js");
      const all = (words) => {parts}.map((part) => Object.values(describe(part, {{}}, words)).join(" "));
      return [...all(LANGUAGES.en), ...all(LANGUAGES.de)];
    }})()""")
    for one in said:
        assert not any(code in one for code in HELD if "-" in code), one
        assert "undefined" not in one
        assert "rule rule" not in one


# Done by the page's own code: what a browser's tools run is not bound by the policy. Each is what must not work.
STRANGERS = """
const tries = {
  script: () => { document.createElement("script").src = "https://example.com/a.js"; },
  html: () => { document.body.innerHTML = "<b>x</b>"; },
  evaluated: () => (0, eval)("1"),
  made: () => new Function("return 1")(),
  worker: () => new Worker("words.js"),
};
window.refused = [];
for (const [name, attempt] of Object.entries(tries)) {
  try { attempt(); } catch (error) { window.refused.push(name); }
}
fetch("https://example.com/")
  .catch(() => window.refused.push("fetched"))
  .finally(() => { document.documentElement.dataset.state = "tried"; });
"""


def test_the_policy_holds_in_the_page_itself(page: Page, recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    files = page_files() | {"page.js": STRANGERS.encode()}
    monkeypatch.setattr(player_page, "page_files", lambda: files)  # a page with a stranger's script
    with played(recorded.home, recorded.id) as address:
        page.open(address)
        until(page, 'root.dataset.state === "tried"')
        assert sorted(page.run("window.refused")) == ["evaluated", "fetched", "html", "made", "script", "worker"]


def test_the_address_is_good_for_one_page(page: Page, recorded: Recorded) -> None:
    failed = 'root.dataset.state === "failed" && root.dataset.code === "used-up" || false'
    with played(recorded.home, recorded.id) as address:
        page.open(address)
        until(page, READY)
        assert page.run("location.hash") == ""
        for again in (address, address.split("#")[0]):
            page.open("about:blank")
            page.open(again)
            with pytest.raises(AssertionError, match="used-up"):
                until(page, failed.replace("||", "&&"))


def test_a_browser_that_cannot_check_signatures_opens_nothing(
    page: Page, recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = page_files()
    without = b"crypto.subtle.importKey = () => Promise.reject(new DOMException('NotSupportedError'));\n"
    stripped = files | {"worker.js": without + files["worker.js"]}
    monkeypatch.setattr(player_page, "page_files", lambda: stripped)  # as in a browser that has no Ed25519
    with played(recorded.home, recorded.id) as address:
        page.open(address)
        with pytest.raises(AssertionError, match="no-ed25519: This browser cannot verify Ed25519"):
            until(page, READY)
        assert page.run("document.querySelector('#main').hidden")
