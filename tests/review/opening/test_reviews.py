"""A month of a review is signed in both browsers: shown before, with what is missing, and as the custodian drew it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest
from sqlalchemy import delete, select

from protocol import jws, personal
from review.commands.open_log import public_key
from review.people import schema
from review.samples import Month
from store.clock import wall
from testkit.player_page import faults_of
from tests.review.opening.conftest import PLAIN, House, Page, code, reach, text
from tests.review.opening.test_playing import ready
from tests.review.player.conftest import until

__all__ = ["ready"]
pytestmark = pytest.mark.slow(reason="browsers, and a house of four processes")
MONTH: Final = Month.of(Month.of(Month.of(wall()).start - 1).start - 1).name  # over, and long enough to be drawn
REVIEWED: Final = PLAIN.replace(
    "purposes: [audit] }", "purposes: [audit, mifid], sample: { mifid: 5 per agent per month } }"
).replace("retention:", "reviews: [{ review: mifid, by: compliance, since: 2026-01-01, within: 92d, why: MiFID }]\n"
          "retention:")  # fmt: skip
NOTE: Final = "The costs were not named"


@pytest.fixture
def drawn(ready: House) -> Iterator[House]:
    """With the month's sample as a draw leaves it, which takes a month to come to."""
    ready.between.change = None
    ready.govern(REVIEWED)
    path = ready.folder / "c" / "samples" / f"{MONTH}.drawn"
    sample = {"mifid": {"ann@example.com": [ready.recording], "sam@example.com": [ready.others["south"]]}}
    path.write_text(json.dumps(sample))
    yield ready
    path.unlink()
    ready.between.change = None
    with ready.open_console.people.database.writing() as connection:
        for table in (schema.review_signatures, schema.review_outcomes, schema.review_samples):
            connection.execute(delete(table))


def judge(house: House, recording: str, outcome: str, note: str = "") -> None:
    with house.client("cleo", Origin=house.console) as client:
        body = {"recording": recording, "outcome": outcome, "note": note}
        answer = client.post(f"/v1/reviews/mifid/{MONTH}", json=body)
    assert answer.status_code == 200, answer.text


def show(house: House, page: Page, who: str = "cleo") -> str:
    house.enter(page, who)
    house.show(page, "review", f"mifid/{MONTH}")
    return reach(page, "review", "refused")


def sign(page: Page) -> str:
    page.run("document.querySelector('#custody button.main').click()")
    return reach(page, "reviewed", "refused")


def signatures(house: House) -> list[Any]:
    with house.open_console.people.database.reading() as connection:
        return list(connection.execute(select(schema.review_signatures).order_by(schema.review_signatures.c.at)))


def test_a_month_is_signed_with_what_is_missing_and_then_as_done(drawn: House, page: Page) -> None:
    assert REVIEWED.count("mifid") > 2
    judge(drawn, drawn.recording, "finding", NOTE)
    assert show(drawn, page) == "review"
    said = text(page)
    assert "Sign as unfinished" in said
    assert "MiFID" in said
    assert NOTE not in said
    assert sign(page) == "reviewed"
    assert "You signed the month as unfinished" in text(page)
    judge(drawn, drawn.others["south"], "fine")
    assert show(drawn, page) == "review"
    assert "Sign as done" in text(page)
    assert sign(page) == "reviewed"
    first, last = signatures(drawn)
    assert (first.state, last.state, last.person) == ("unfinished", "done", "cleo@example.com")
    key = public_key(str(drawn.folder / "c" / "keys" / "audit.pub")).public
    told = jws.verify(jws.REVIEWED, last.reviewed, key)
    assert (told["signed"], told["state"], told["month"]) == (last.id, "done", MONTH)
    assert personal.read(personal.REVIEW, last.token).id == last.id
    with drawn.client("cleo") as client:
        assert "signed as done" in client.get(f"/reviews/mifid/{MONTH}").text
    assert show(drawn, page) == "refused"
    assert code(page) == "review-signed"


def test_another_list_than_was_drawn_is_signed_by_no_custodian(drawn: House, page: Page) -> None:
    """The console's owner leaves the recording with the finding out: on the page, and where the list is handed in."""
    judge(drawn, drawn.recording, "finding", NOTE)
    judge(drawn, drawn.others["south"], "fine")

    def left_out(path: str, _: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        if path.endswith("/list"):
            return answer | {"outcomes": [one for one in answer["outcomes"] if one["outcome"] == "fine"]}
        return answer

    drawn.between.change = left_out
    assert show(drawn, page) == "review"
    assert sign(page) == "refused"
    assert code(page) == "other-outcomes"
    with drawn.open_console.people.database.writing() as connection:
        columns = schema.review_outcomes.c
        connection.execute(delete(schema.review_outcomes).where(columns.recording == drawn.recording))
    assert show(drawn, page) == "review"
    assert sign(page) == "refused"
    assert code(page) == "other-sample"
    assert signatures(drawn) == []


def test_what_the_custodian_did_not_sign_is_no_countersignature(drawn: House, page: Page) -> None:
    def forged(path: str, asked: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        if path == "/v1/custodian" and asked.get("do") == "review":
            head, payload, _ = answer["reviewed"].split(".")
            return {"reviewed": f"{head}.{payload}.{'A' * 86}"}
        return answer

    drawn.between.change = forged
    assert show(drawn, page) == "review"
    assert sign(page) == "refused"
    assert code(page) == "bad-signature"


def test_who_does_not_do_it_signs_nothing(drawn: House, page: Page) -> None:
    drawn.enter(page, "ann")
    drawn.show(page, "review", f"mifid/{MONTH}")
    assert reach(page, "refused") == "refused"
    assert code(page) == "no-such-path"
    for odd in ("mifid", "mifid/2026", "../mifid/2026-01", "mifid/2026-01/x"):
        drawn.show(page, "review", odd)
        assert reach(page, "refused") == "refused"


def test_the_purpose_of_the_review_is_chosen_for_what_was_drawn(drawn: House, page: Page) -> None:
    drawn.enter(page, "cleo")
    page.open("about:blank")
    page.open(f"{drawn.page}/#play={drawn.recording}&for=mifid")
    assert reach(page, "purpose") == "purpose"
    assert page.run("document.querySelector('#custody input:checked').dataset.purpose") == "mifid"
    page.open("about:blank")
    page.open(f"{drawn.page}/#play={drawn.recording}&for=nothing")
    reach(page, "purpose")
    assert page.run("document.querySelector('#custody input:checked').dataset.purpose") == "audit"
    until(page, "document.querySelector('#open') !== null")


def test_axe_finds_nothing_on_the_page(drawn: House, page: Page, axe: str) -> None:
    judge(drawn, drawn.recording, "finding", NOTE)
    assert show(drawn, page) == "review"
    found = faults_of(page, axe, "a review to sign", "document.querySelector('#custody')")
    assert not found, "\n".join(map(str, found))
