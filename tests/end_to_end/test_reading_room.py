"""The whole way of a call: an agent takes it, a team lead finds, hears and questions it, an auditor reports it.

A real recorder, store, custodian, console and player, each as a process, and Chromium: nothing is put into a database.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import httpx
import pytest

from agent.control.recorder_state import RecorderState
from protocol.os_user import os_user
from review.commands.people import opened
from review.people.routes import SESSION
from review.people.service import Proof
from review.report import signing
from scripts.showcase.console import House, Links, listed, press, sign_in
from store.clock import wall
from testkit.browsers import chromium
from testkit.calls import LISTENING, both_open, hears, stand
from testkit.cheap_keys import cheap_keys
from testkit.console_browser import to, wait_for
from testkit.devtools import DevTools, headless
from testkit.fleet import Pc, Store, pc, store
from testkit.player_compared import PIXELS
from testkit.player_page import READY, until
from testkit.reading_room import NUMBER, import_calls, vcon
from testkit.sounds import SINKS, missing, sound_server, tone
from testkit.stage import own_display
from testkit.waits import until as eventually
from tests.end_to_end.walk import walking

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.slow(reason="a call is recorded for half a minute, and five processes serve it"),
    pytest.mark.timeout(300),
]
ROOT: Final = Path(__file__).resolve().parents[2]
CLOSED: Final = 11  # seconds that the form is open
SECOND: Final = 10**9
LEAD, AUDITOR, AGENT = "lena@example.com", "vera@example.com", f"{os_user()}@example.com"
RULES: Final = f"""\
schema: 1
revision: 1
name: House
roles:
  lead:
    may: [list, play, comment, request-legal-hold]
    of: {{ team: own }}
    from: 30d
    purposes: [coaching, complaint]
    otherwise: original
  auditor: {{ may: [list, see-access, read-audit], of: all }}
  agent: {{ may: [list, see-access], of: own }}
people:
  {LEAD}: {{ roles: [lead], teams: [support], since: 2026-01-01 }}
  {AUDITOR}: {{ roles: [auditor] }}
  {AGENT}: {{ roles: [agent] }}
teams:
  support: {{ groups: [support] }}
os_users:
  - {{ user: "*", person: "*@example.com" }}
retention: [{{ class: rest, keep: 180d }}]
...
"""
FORM: Final = "<h1>Pay</h1><form><input name=card_number placeholder='Card number'><input name=cvv></form>"
COMMENT: Final = "The number was typed and not said: well done."
LOADED: Final = "document.readyState === 'complete'"


@dataclass(frozen=True)
class Story:
    """`shared`: the folder with the copy of the custodian's log, which the console reads."""

    house: House
    links: Links
    recording: str
    shared: Path

    @contextmanager
    def signed_in(self, person: str) -> Iterator[str]:
        """Their session's token."""
        home, secret = self.house.store.home, self.house.store.secret.read_bytes()
        with opened(self.house.console, home, secret) as console:
            console.people.invite(person, "root@host", "host")
            yield console.people.sign_in(Proof("password", person), "192.0.2.1").token

    def copy_log(self) -> None:
        """As root does from time to time."""
        shutil.rmtree(self.shared / "audit", ignore_errors=True)
        shutil.copytree(self.house.folder / "custodian" / "audit", self.shared / "audit")


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    if why := missing("pulseaudio"):
        pytest.skip(why)
    folder = tmp_path_factory.mktemp("story")
    with ExitStack() as stack:
        short = Path(stack.enter_context(TemporaryDirectory(prefix="eyelid-")))
        services = stack.enter_context(store(folder))  # with compliance's key, as for its first start
        with cheap_keys():
            house = House.furnish(folder, services, short, secure=False, rules=RULES)
            shared = folder / "shared"
            house.review("custodian", "share-log", "--home", folder / "custodian", "--console-key-file",
                         services.secret, "-o", shared)  # fmt: skip
        began = wall()
        _record(services, folder, short)
        called = vcon(AGENT.partition("@")[0], {"tel": NUMBER}, began, (wall() - began) // SECOND)
        finding = import_calls(house.console, services.home, services.secret, services.address, [called])
        (recorded,) = services.ask("recordings")["recordings"]
        words = ("--finding-key", finding, "--openings", shared)
        links = stack.enter_context(house.served(*words, person=LEAD))
        yield Story(house, links, recorded["recording"], shared)


def _record(services: Store, folder: Path, short: Path) -> None:
    """A shop in the agent's browser, a card form in it for some seconds while both speak, and the shop again."""
    policy = {path.name: path.read_text("utf-8") for path in (ROOT / "policies" / "payments").glob("*.yaml")}
    both = (RecorderState.RECORDING, RecorderState.RECORDING)
    with ExitStack() as stack:
        stage = stack.enter_context(own_display(folder / "display", (800, 600)))
        server = stack.enter_context(sound_server("pulseaudio", short / "s"))
        for place, sink in enumerate(SINKS):
            tone(short / f"{sink}.wav", 300 + 200 * place, 200)
            stack.enter_context(server.plays(sink, short / f"{sink}.wav"))
        shop = stack.enter_context(
            walking("shop.example", {"/cart": "<h1>Your cart</h1>", "/pay": FORM}, start="/cart")
        )
        more = {"PULSE_SERVER": server.address}
        agent: Pc = stack.enter_context(
            pc(services, stage, short / "pc", policy, settings=LISTENING, more=more, group="support")
        )
        flags = (*shop.flags, "--window-position=0,0", "--window-size=600,400")
        stack.enter_context(chromium(stage, short / "b", "http://shop.example/cart", eyes=agent.home, flags=flags))
        stack.enter_context(stage.program("orders", (300, 420)))
        agent.recorder.until(lambda: both_open(agent) and hears(agent), "it heard both ends")
        stand(agent, *both, 5)
        shop.next = "/pay"
        stand(agent, RecorderState.CLOSED, RecorderState.CLOSED, CLOSED)
        shop.next = "/cart"
        stand(agent, *both, 5)
        agent.stop()


def test_a_call_from_its_number_to_the_hold_and_what_others_see_of_it(story: Story, tmp_path: Path) -> None:
    profile = story.house.short / "reads"
    profile.mkdir()
    with headless(profile) as browser:
        _lead_finds(browser, story)
        _lead_plays(browser, story)
        _lead_asks_for_a_hold(browser)
        story.copy_log()
        with story.signed_in(AUDITOR) as token:
            _enter(browser, story, token)
            _auditor_reports(browser, story, token, tmp_path)
        with story.signed_in(AGENT) as token:
            _enter(browser, story, token)
            to(browser, f"{story.links.address}/mine")
            looked = browser.run("document.querySelector('#looked').closest('.card').innerText")
            released = browser.run("document.querySelector('#opened').closest('.card').innerText")
            assert "commented on it" in looked
            assert LEAD in looked
            assert "legal hold" not in looked
            assert "opened it" in released
            assert "complaint" in released
            assert "Screen 1" in released  # what her page reported as played


def _lead_finds(browser: DevTools, story: Story) -> None:
    """By the number, then by the rule; by the link on the recording's page into the player."""
    sign_in(browser, story.links)
    eventually(lambda: story.recording in listed(browser, story.links, ""), "the recording is in the list")
    browser.run(f"document.querySelector('#caller-by').value = '{NUMBER}'")
    _go(browser, "document.querySelector('#caller button').click()", "location.search.startsWith('?call=')")
    browser.run("document.querySelector('#rule').value = 'card-forms'")
    _go(browser, "document.querySelector('form.filter button').click()", "location.search.includes('rule=card-forms')")
    found = "[...document.querySelectorAll('tr.one a')].map((one) => one.pathname)"
    assert browser.run(found) == [f"/recordings/{story.recording}"]
    _go(browser, "document.querySelector('tr.one a').click()", f"location.pathname === '/recordings/{story.recording}'")


def _lead_plays(browser: DevTools, story: Story) -> None:
    """What is shown, heard, and said of the seconds that are not there; and a comment on these."""
    back = browser.run("location.href")
    to(browser, story.links.enrol)
    press(browser, "enrol", "#custody .choices div:nth-child(2) button", "enrolled")  # a key, no passkey
    to(browser, back)
    _go(
        browser,
        "document.querySelector('a.button[href*=\"#play=\"]').click()",
        f"location.origin === '{story.house.player}'",
    )
    wait_for(browser, "document.documentElement.dataset.custody === 'purpose'")
    browser.run("document.querySelector('#custody input[data-purpose=complaint]').click()")
    press(browser, "purpose", "#open", "open")
    until(browser, READY)
    gap = browser.run("""eyelid.about.lanes.screen.filter(({what, rules, margin}) => what === 'closed' && !margin)
        .map(({from, to}) => [from / 1e9, to / 1e9]).sort((a, b) => b[1] - b[0] - a[1] + a[0])[0]""")
    assert CLOSED <= gap[1] - gap[0] < 3 * CLOSED  # a busy machine is late
    begins = gap[0] - 4  # she stood five seconds and more at her cart
    assert not browser.run(PIXELS % (begins, 0))["hidden"]
    browser.run("document.querySelector('#play').click()")
    until(browser, f"eyelid.player.time > {begins + 1.5} && eyelid.player.master === 'sound'")
    assert browser.run("eyelid.player.sound.element.currentTime") > begins + 1
    assert browser.run("eyelid.player.screens[0].canvas.dataset.at / 1e6") > begins
    browser.run("document.querySelector('#play').click()")
    assert not browser.run("eyelid.player.playing")
    why = browser.run("document.querySelector('#gaps').innerText")
    assert "Closed by rule card-forms" in why
    assert "PCI DSS" in why
    assert browser.run("document.querySelector('#badge').dataset.state") == "good"
    assert "Verified" in browser.run("document.querySelector('#badge-text').textContent")
    browser.run("document.querySelector('#badge').click()")
    assert set(browser.run("[...document.querySelectorAll('#checks li')].map((one) => one.className)")) == {"good"}
    browser.run(f"eyelid.loopOver({gap[0]}, {gap[1]})")
    browser.run(f"document.querySelector('#comment-text').value = {COMMENT!r}")
    browser.run("document.querySelector('#comment-send').click()")
    until(browser, "document.querySelector('#comments-list').innerText.includes('well done')")
    browser.run("""(async () => {
      while (eyelid.reports.busy) await new Promise((tried) => setTimeout(tried, 20));
      await eyelid.reports.flush();
    })()""")
    to(browser, back)


def _lead_asks_for_a_hold(browser: DevTools) -> None:
    told = browser.run("document.querySelector('main').innerText")
    assert "Comments: 1" in told
    browser.run("document.querySelector('#ask-legal-hold').closest('details').open = true")
    browser.run("document.querySelector('#purpose-legal-hold').value = 'complaint'")
    browser.run("document.querySelector('#reason-legal-hold').value = 'The customer disputes the payment'")
    _go(browser, "document.querySelector('#ask-legal-hold button').click()", "location.pathname === '/requests'")
    assert "The customer disputes the payment" in browser.run("document.querySelector('main').innerText")


def _auditor_reports(browser: DevTools, story: Story, token: str, folder: Path) -> None:
    """The report of a week, every byte verified; and that what was downloaded is what the log's key signed."""
    to(browser, f"{story.links.address}/report")
    browser.run("document.querySelector('#verify').checked = true")
    browser.run("document.querySelector('#make-report button').click()")
    wait_for(browser, f"{LOADED} && document.querySelector('article.report') !== null")
    report = browser.run("document.querySelector('article.report').innerText")
    assert "card-forms" in report
    assert LEAD in report
    with httpx.Client(base_url=story.links.address, cookies={SESSION: token}) as client:
        for name in (*signing.FILES, signing.SIGNATURE):
            answer = client.get(f"/report/{name}", headers={"Cookie": f"{SESSION}={token}"})
            (folder / name).write_bytes(answer.raise_for_status().content)
    key = story.house.console / "keys" / "audit.pub"
    assert story.house.review("report", "verify", folder, "--key", key)["sound"]


def _go(browser: DevTools, act: str, there: str) -> None:
    browser.run(act)
    wait_for(browser, f"{there} && {LOADED}")


def _enter(browser: DevTools, story: Story, token: str) -> None:
    """In the place of the person before."""
    browser.call("Network.clearBrowserCookies")
    browser.call("Network.setCookie", url=story.links.address, name=SESSION, value=token, secure=True, path="/")
