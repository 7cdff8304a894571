"""A person plays a recording in both browsers: a key by a link, the purpose, the picture, and what is refused."""

from __future__ import annotations

import pytest

from protocol.envelope import SOUND_STREAM
from tests.review.opening.conftest import House, Page, code, reach, text
from tests.review.player.conftest import READY, until
from tests.review.player.test_page import PIXELS

pytestmark = pytest.mark.slow(reason="browsers, and a house of four processes")


def opened(house: House, page: Page, who: str, recording: str = "") -> str:
    """What the page says of it once it asked the console."""
    house.enter(page, who)
    house.show(page, "play", recording or house.recording)
    return reach(page, "purpose", "refused")


def test_from_the_invitation_to_the_picture(plain: House, page: Page) -> None:
    plain.enrol(page, "ann")
    before = len(plain.between.seen)
    assert opened(plain, page, "ann") == "purpose"
    said = text(page)
    assert "lovelace@example.com" in said
    purposes = "[...document.querySelectorAll('#custody input[type=radio]')].map((one) => one.dataset.purpose)"
    assert page.run(purposes) == ["coaching", "complaint"]
    assert page.run("location.hash") == f"#play={plain.recording}"
    page.run("document.querySelector('#open').click()")
    until(page, READY)
    assert page.run("document.querySelector('#badge').dataset.state") == "good"
    assert page.run("document.querySelectorAll('#findings li').length") == 0
    assert page.run("document.querySelector('#custody').hidden")
    shown = page.run(PIXELS % (2.0, 0))
    assert not shown["hidden"]
    assert page.run("eyelid.player.sound !== null")
    # Nothing that a page sends, or is given by the console, is a key of a stream or of the recording.
    made = plain.made.recording
    secrets = [made.key, *(made.stream_key(one) for one in (0, 1, SOUND_STREAM))]
    assert len(plain.between.seen) > before
    for _, body in (*plain.between.seen, *plain.between.given):
        assert not [one for one in secrets if one in body or one.hex().encode() in body]
    assert "pictures" not in code(page)
