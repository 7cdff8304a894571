"""What is deleted soon, as the page draws and writes it: in a console of its own, as other rules stay in force."""

from __future__ import annotations

from review.search import forecast
from testkit.lifecycle import govern
from testkit.reading_room import RULES
from tests.review.web.conftest import Served
from tests.review.web.test_retained import finding, rows


def test_the_forecast_is_drawn_and_written(served: Served, held: list[str]) -> None:
    with served.client("cleo") as client:
        assert "delete nothing in the next 90 days" in client.get("/retention").text
        govern(served.room.world.home, RULES.replace("180d", "100d"))
        text = client.get("/retention").text
    with finding(served) as finder:
        [made] = forecast.forecast(finder, held, [])
    assert (made.name, made.counts) == ("rest", (0, 0, 0, 2))  # of Bert and of Carl, forty days old
    assert rows(text, "What is deleted next") == [["rest", "0", "0", "0", "2"]]
    assert 'role="img"' in text
