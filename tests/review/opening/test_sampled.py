"""Before a picture the person sees what is left of the sample, as the custodian signed it, in both browsers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest

from review.samples import Month
from store.clock import wall
from testkit.player_page import switch
from tests.review.opening.conftest import House, Page, reach, text
from tests.review.opening.test_hostile import flipped, spliced
from tests.review.opening.test_playing import keyed, opened, ready
from tests.review.player.conftest import READY, until

__all__ = ["keyed", "ready"]
pytestmark = pytest.mark.slow(reason="browsers, and a house of four processes")
MONTH: Final = Month.of(wall()).name
OTHER: Final = "0193a1b2-0000-7000-8000-0000000000a1"
AGENT: Final = "lovelace@example.com"
Answer = dict[str, Any]


@pytest.fixture
def drawn(keyed: House) -> Iterator[House]:
    """This month's sample as a draw leaves it, which takes a month to come to."""
    path = keyed.folder / "c" / "samples" / f"{MONTH}.drawn"
    path.write_text(json.dumps({"quality": {AGENT: [keyed.recording, OTHER]}}))
    yield keyed
    path.unlink()


def console(house: House, language: str) -> str:
    with house.client("quinn", **{"Accept-Language": language}) as client:
        return client.get(f"/recordings/{house.recording}").text


def test_what_is_left_is_shown_before_and_less_of_it_after_an_opening(drawn: House, page: Page) -> None:
    """Openings of both browsers count, as the custodian knows them."""
    assert opened(drawn, page, "quinn") == "purpose"
    said = text(page)
    assert "2 were drawn" in said
    assert "This recording is among them." in said
    assert "signed" in said
    switch(page, "de", "light")
    until(page, "document.querySelector('#custody').innerText.includes('2 gezogen')")
    assert "Diese Aufnahme ist dabei" in text(page)
    switch(page, "en", "light")
    page.run("document.querySelector('#open').click()")
    until(page, READY)
    assert opened(drawn, page, "quinn") == "purpose"
    assert "You opened 1 of these; 1 is left." in text(page)
    assert "You opened 1 of these; 1 are left." in console(drawn, "en")
    assert "Davon haben Sie 1 geöffnet; 1 sind übrig." in console(drawn, "de")


def test_a_person_can_choose_before_the_figures_have_come(drawn: House, page: Page) -> None:
    drawn.between.keeps = "sampled"
    drawn.between.goes_on.clear()
    try:
        drawn.enter(page, "quinn")
        drawn.show(page, "play", drawn.recording)
        assert reach(page, "purpose", "refused") == "purpose"
        assert "The custodian is asked what is left of the sample" in text(page)
        assert page.run("!document.querySelector('#open').disabled")
        page.run("document.querySelector('#open').focus()")
        drawn.between.goes_on.set()
        until(page, "document.querySelector('#custody').innerText.includes('2 were drawn')")
        assert page.run("document.activeElement.id") == "open"  # what had the focus keeps it
        drawn.between.goes_on.clear()
        drawn.show(page, "play", drawn.recording)
        reach(page, "purpose")
        page.run("document.querySelector('#open').click()")
        until(page, READY)  # without them
    finally:
        drawn.between.keeps = ""
        drawn.between.goes_on.set()
    page.run("new Promise((done) => setTimeout(done))")
    assert page.run("document.querySelector('#custody').hidden")  # late figures do not come over the picture


def test_before_a_draw_the_pages_say_so(keyed: House, page: Page) -> None:
    assert opened(keyed, page, "quinn") == "purpose"
    assert "nothing is drawn yet" in text(page)
    assert "nothing is drawn yet" in console(keyed, "en")
    assert opened(keyed, page, "ann") == "purpose"
    assert "drawn" not in text(page)


CHANGES: Final[dict[str, tuple[Callable[[str], Any], str]]] = {
    "another number": (lambda one: spliced(one, left=9), "bad-signature"),
    "flipped": (flipped, "bad-signature"),
    "nothing": (lambda _: None, "malformed"),
}


def changing(change: Callable[[str], Any]) -> Callable[[str, Answer, Answer], Answer]:
    def changed(_path: str, _asked: Answer, given: Answer) -> Answer:
        return given | {"sampled": change(given["sampled"])} if "sampled" in given else given

    return changed


@pytest.mark.parametrize("case", CHANGES)
def test_figures_that_were_changed_are_not_shown(drawn: House, page: Page, case: str) -> None:
    change, code = CHANGES[case]
    drawn.between.change = changing(change)
    assert opened(drawn, page, "quinn") == "purpose"
    assert f"does not say now what is left of the sample ({code})" in text(page)
    assert "were drawn" not in text(page)


def test_earlier_figures_and_another_persons_are_not_shown(drawn: House, page: Page) -> None:
    kept: list[str] = []

    def keep(_path: str, _asked: Answer, given: Answer) -> Answer:
        kept.extend([given["sampled"]] if "sampled" in given else [])
        return given

    drawn.between.change = keep
    assert opened(drawn, page, "quinn") == "purpose"
    drawn.between.change = changing(lambda _: kept[0])
    assert opened(drawn, page, "quinn") == "purpose"
    assert "does not say now what is left of the sample (other-request)" in text(page)
