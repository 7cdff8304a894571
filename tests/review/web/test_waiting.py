"""What the page of requests makes of the custodian's answers: many, odd ones, and for whom it asks."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest

from tests.review.web.conftest import Served, custodian_of
from tests.review.web.test_reviews import answering

MARKUP = "<b onclick=alert(1)>"


def row(number: int, **changed: Any) -> dict[str, Any]:
    return {
        "filed": f"{number:064x}", "person": "cleo@example.com", "act": "export", "recording": MARKUP,
        "purpose": MARKUP, "case": MARKUP, "asked": 1, "until": 2, "approved_by": [MARKUP],
        "missing": [{"need": 1, "by": [MARKUP]}],
    } | changed  # fmt: skip


def requests(served: Served, who: str, answer: dict[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    asked: list[dict[str, Any]] = []

    def custodian(said: dict[str, Any]) -> dict[str, Any]:
        asked.append(said)
        return answer

    with answering(custodian_of(served.room), custodian), served.client(who) as client:
        got = client.get("/requests")
        assert got.status_code == 200
        client.get("/requests?ended=1")
    return got.text, asked


def test_it_asks_for_the_sessions_own_person_alone(served: Served) -> None:
    text, asked = requests(served, "lena", {"waiting": [row(1)]})
    assert asked == [{"do": "waiting", "person": "lena@example.com"}]
    assert f'href="{served.room.player}/#approve={1:064x}"' in text
    assert MARKUP not in text
    assert MARKUP in unescape(text)
    assert "waits for others" in requests(served, "cleo", {"waiting": [row(1)]})[0]


def test_of_many_those_that_end_first_are_shown(served: Served) -> None:
    text, _ = requests(served, "lena", {"waiting": [row(number) for number in range(53)]})
    assert text.count("#approve=") == 50
    assert "3 more wait. What ends first is shown." in text


def test_without_any_the_page_has_no_such_part(served: Served) -> None:
    assert 'id="waits"' not in requests(served, "lena", {"waiting": []})[0]


@pytest.mark.parametrize(
    "answer",
    [
        {}, {"error": "no-rules", "message": "none"}, {"waiting": "x"}, {"waiting": [row(1, act="erase")]},
        {"waiting": [row(1, filed="x")]}, {"waiting": [row(1, until="soon")]}, {"waiting": [{}]},
    ],
)  # fmt: skip
def test_an_odd_answer_is_none(served: Served, answer: dict[str, Any]) -> None:
    text, _ = requests(served, "lena", answer)
    assert "The custodian does not answer" in text
    assert "#approve=" not in text
