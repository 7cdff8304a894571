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


def test_different_purposes_are_not_no_purpose(served: Served) -> None:
    """Each recording's erasure may be asked for, and not for one purpose."""
    roles = """\
  privacy: { may: [list, subject-access], of: all, purposes: [request] }
  northern: { may: [erase-request], of: { team: north }, purposes: [request] }
  southern: { may: [erase-request], of: { team: south }, purposes: [audit] }
"""
    privacy = next(one for one in RULES.splitlines(keepends=True) if one.startswith("  privacy:"))
    govern(served.room.world.home, RULES.replace(privacy, roles).replace("[privacy]", "[privacy, northern, southern]"))
    with served.client("paula") as client:
        text = client.get("/retention?from=2020-01-01").text
        assert "for different purposes only" in text
        assert "do not let you ask for their erasure" not in text
        assert "ask-erasure" not in text
        for who, purpose in (("anna", "request"), ("carl", "audit")):
            text = client.get("/retention", params={"agent": f"{who}@example.com"}).text
            assert f'name="purpose" value="{purpose}"' in text
