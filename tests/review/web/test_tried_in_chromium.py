"""A pause policy is tried in a real Chromium by keyboard alone; axe finds no fault in what comes of it, light, dark and
narrow, in both languages.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.core.account.scenes import Ended, Sighting, written
from agent.core.model.seen import WINDOWS, Box, Scene, Window
from agent.core.model.times import SECOND
from testkit.console_browser import to, wait_for
from testkit.devtools import DevTools, headless
from testkit.keyboard import press
from testkit.lifecycle import govern
from testkit.looks import faults
from testkit.reading_room import RULES
from tests.review.policy_trial.test_apart import HEAD, IN_FORCE, NEXT
from tests.review.web.conftest import Served
from tests.review.web.test_in_chromium import enter, tab_to


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevTools]:
    with headless(tmp_path_factory.mktemp("chromium")) as made:
        yield made


@pytest.fixture
def browser(chromium: DevTools) -> Iterator[DevTools]:
    with chromium.apart():
        yield chromium


def window(app: str, title: str) -> Scene:
    return Scene((Window(1, app, title, 1, Box(0, 0, 9, 9), shown=True),))


def choose(browser: DevTools, selector: str, *files: Path) -> None:
    """The dialogue is the browser's own."""
    root = browser.call("DOM.getDocument")["root"]["nodeId"]
    node = browser.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
    browser.call("DOM.setFileInputFiles", files=list(map(str, files)), nodeId=node)


@pytest.mark.slow(reason="a browser, and a page in four shapes")
@pytest.mark.parametrize("language", ["en", "de"])
def test_a_policy_is_tried_by_keyboard_alone(
    served: Served, browser: DevTools, axe: str, tmp_path: Path, language: str
) -> None:
    govern(served.room.world.home, RULES, policy={"p.yaml": IN_FORCE.decode()})
    scenes = tmp_path / "scenes.jsonl"
    seen = (
        Sighting(0, WINDOWS, window("notes", "Notes")), Sighting(20 * SECOND, WINDOWS, window("epic", "Chart 17")),
        Sighting(40 * SECOND, WINDOWS, window("till", "Till")), Sighting(60 * SECOND, WINDOWS, window("hr", "Payslip")),
        Sighting(75 * SECOND, WINDOWS, window("notes", "Notes")), Ended(90 * SECOND),
    )  # fmt: skip
    kept = [{"from": 0, "to": 100 * SECOND, "what": "kept"}]
    head = HEAD | {"length_ns": 100 * SECOND, "lanes": {"screen": kept, "audio": kept}}
    scenes.write_bytes(json.dumps(head).encode() + b"\n" + written(seen, 0))
    policy = NEXT.replace("...", "  - { id: payslips, why: w, any: [app: [hr], field: [cc-csc]], audio: record }\n...")

    enter(browser, served, "cleo")
    browser.call("Log.enable")
    browser.asks_for(language)
    to(browser, served.room.address + "/rules")
    tab_to(browser, {"en": "Try a pause policy", "de": "Eine Pausenrichtlinie ausprobieren"}[language])
    press(browser, "Enter")
    wait_for(browser, "location.pathname === '/rules/policy' && document.readyState === 'complete'")
    tab_to(browser, "policy")
    tab_to(browser, "scenes")
    choose(browser, "#scenes", scenes)
    tab_to(browser, "text")
    browser.call("Input.insertText", text=policy)
    tab_to(browser, {"en": "Try it", "de": "Ausprobieren"}[language])
    press(browser, "Enter")
    wait_for(browser, "document.getElementById('tried') !== null && document.readyState === 'complete'")

    assert browser.run("document.documentElement.lang") == language
    text = browser.run("document.querySelector('main').textContent")
    assert {"en": "Newly open", "de": "Neu offen"}[language] in text
    for said in ("payslips", "till", "field cc-csc", "Payslip", "p.yaml"):
        assert said in text
    kinds = browser.run("[...document.querySelectorAll('svg.line rect')].map((one) => one.getAttribute('fill'))")
    assert {"url(#missing)", "url(#held)", "url(#closed)", "url(#blind)"} <= set(kinds)
    tab_to(browser, browser.run("document.querySelector('section summary').textContent.trim()"))
    press(browser, "Enter")
    wait_for(browser, "document.querySelector('section details').open")
    browser.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert faults(browser, axe, "a policy tried") == []
    logged = [one["params"]["entry"] for one in browser._events if one["method"] == "Log.entryAdded"]
    assert [one for one in logged if one["source"] in ("security", "violation")] == []

    to(browser, served.room.address + "/rules/policy")  # nothing of it is here any more
    assert "Payslip" not in browser.run("document.querySelector('main').textContent")
