"""What is deleted next, holds, and the preview of an erasure: as the commands say it, to each what they may know."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from html import unescape
from unittest.mock import patch
from uuid import UUID

import pytest
from sqlalchemy import func, select

from review.commands.up import INDEX
from review.governance.retention import disposal
from review.governance.times import DAY, FOR_EVER
from review.lifecycle.facts import Facts, Known, when
from review.requests import requests
from review.rules import parse_files
from review.search import forecast
from review.search.find import Finder, Meanings
from review.search.schema import opened
from review.web import auditor, recording
from store.catalog import schema
from store.errors import Refusal
from testkit.reading_room import RULES
from tests.review.web.conftest import REASON, Served


def shown(text: str) -> str:
    """What a reader sees."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", text)))


def rows(text: str, heading: str) -> list[list[str]]:
    """Of the table under this heading, what each cell says."""
    table = text.partition(f">{heading}</h2>")[2].partition("<h2")[0].partition("<tbody>")[2].partition("</tbody>")[0]
    return [[shown(cell).strip() for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)]
            for row in re.findall(r"<tr.*?</tr>", table, re.DOTALL)]  # fmt: skip


@contextmanager
def finding(served: Served, days: int = 0, who: str = "cleo") -> Iterator[Finder]:
    """As for them, so many days from now."""
    rules, now = served.console.people.rules(), served.console.people.clock() + days * DAY
    with closing(opened(served.room.home / INDEX)) as index:
        yield Finder(index, served.console.catalog, rules, rules.person(f"{who}@example.com"), now, Meanings())


@pytest.mark.parametrize("acts", ["legal-hold, release-hold", "release-hold", "erase", "legal-hold, read-audit"])
@pytest.mark.parametrize("approved", [False, True])
def test_an_act_that_needs_approvals_is_theirs(acts: str, *, approved: bool) -> None:
    """Else counsel whose acts need a second person would see no holds, and "now" of what is held."""
    rule = f"approvals: [{{ act: [{acts}], by: [clerk], within: 24h }}]\n" if approved else ""
    text = RULES.replace("legal-hold, see-fleet, read-audit]\n    of: all", f"{acts}]\n    of: all")
    rules = parse_files({"0.yaml": text.replace("notice: |", f"{rule}notice: |").encode()})
    asks = rules, rules.person("cleo@example.com"), 0
    assert auditor.may_see_retention(*asks)
    assert auditor.may_of_all(*asks, *recording.HOLDING) == ("hold" in acts)
    assert not auditor.may_of_all(rules, rules.person("lena@example.com"), 0, *recording.HOLDING)
    assert not auditor.may_see_retention(rules, rules.person("kim@example.com"), 0)  # may list nothing


@pytest.mark.parametrize("days", [0, 100, 150, 179, 200, 800])
def test_the_forecast_counts_what_the_rules_delete(served: Served, held: list[str], days: int) -> None:
    """Each once, as if it were asked alone; what is asked for goes now, and what is held never."""
    counts: dict[str, Counter[int]] = {}
    certain: dict[str, Counter[int]] = {}
    asked = served.room.recordings["bert"][0]
    with finding(served, days) as finder:
        for one in (one for ids in served.room.recordings.values() for one in ids if one not in held):
            listed = finder.listed([one])[0][one]
            facts = {"end": listed.start + listed.length, "closed_by": frozenset(listed.rules)}
            recording = listed.whose.recording(finder.governance, listed.start, **facts, erasure_asked=one == asked)
            found = disposal(finder.governance, recording, finder.now)
            name = forecast.REQUEST if one == asked else found.retention.keeps.name
            for ahead in forecast.DAYS:
                if found.deletes or (found.at or FOR_EVER) < finder.now + ahead * DAY:
                    counts.setdefault(name, Counter())[ahead] += 1
                # A group is of a day, and goes with the last of it: less than a day after the first.
                later = 0 if name == forecast.REQUEST else (found.at or FOR_EVER) + DAY
                certain.setdefault(name, Counter())[ahead] += later < finder.now + ahead * DAY
        made = forecast.forecast(finder, held, [asked])
    said = {one.name: dict(zip(forecast.DAYS, one.counts, strict=True)) for one in made}
    assert said.keys() <= counts.keys()
    for name, some in certain.items():
        for ahead, number in some.items():
            assert number <= said.get(name, {}).get(ahead, 0) <= counts.get(name, Counter())[ahead]
    assert made[0].counts == (1, 1, 1, 1)
    if days == 800:
        assert {one.name: one.counts[0] for one in made} == {name: some[0] for name, some in counts.items()}


@pytest.mark.usefixtures("held")
def test_holds_are_shown_overdue_first_and_to_those_who_see_to_them(served: Served) -> None:
    with served.client("cleo") as client:
        text = client.get("/retention").text
    found = rows(text, "Legal holds")
    assert [row[0] for row in found] == ["case-2", "case-1"]
    assert "overdue" in found[0][1]
    assert "overdue" not in found[1][1]
    assert [row[3:5] for row in found] == [[REASON, "2"], [REASON, "1"]]
    assert "<b>letter" not in text
    assert "deleted" in found[0][6]
    with served.client("paula") as client:
        text = client.get("/retention").text
    for secret in ("case-1", "case-2", "letter", "Owner"):
        assert secret not in text
    assert "Legal holds are not counted" in text


def test_the_dry_run_is_the_lifecycles_and_tells_of_no_hold_to_others(served: Served, held: list[str]) -> None:
    rules, now = served.console.people.rules(), served.console.people.clock()
    facts = Facts(served.console.catalog, served.console.home.blobs(), rules)
    before = served.entries()
    with served.client("cleo") as client:
        found = rows(client.get("/retention", params={"agent": "anna@example.com"}).text, "Preview of an erasure")
    assert len(found) == len(served.room.recordings["anna"])
    for row, one in zip(found, reversed(served.room.recordings["anna"]), strict=True):
        known = facts.of(UUID(one), now)
        assert isinstance(known, Known)
        said = when(known.disposal(rules, now, asked=True))
        spoken = {"now": "now", "kept": "stays"}.get(said)
        day = datetime.fromisoformat(said).replace(tzinfo=UTC) if spoken is None else None
        assert row[2] == spoken or (day is not None and row[2].endswith(f"{day.day} {day:%b %Y}"))
        assert ("legal hold" in row[3]) == (one in held)
    assert [one["kind"] for one in served.noted(before)] == ["search", "list"]
    with served.client("paula") as client:
        text = client.get("/retention", params={"agent": "anna@example.com"}).text
        assert not [secret for secret in ("legal hold", "case-1", "case-2") if secret in text]
        one = client.get("/retention", params={"recording": held[0]}).text
        assert len(rows(one, "Preview of an erasure")) == 1
        assert client.get("/retention?recording=1").status_code == 400
        assert client.get("/retention?from=x").status_code == 400


def test_a_dry_run_ends_in_requests_and_deletes_nothing(served: Served) -> None:
    carl = served.room.recordings["carl"]
    body = {"recordings": " ".join(carl[:2]), "purpose": "request", "reason": "The person asked for it."}

    def post(who: str, **other: str) -> tuple[int, dict[str, str]]:
        with served.client(who, Origin=served.room.address) as client:
            answer = client.post("/v1/retention/requests", json=body | other)
        return answer.status_code, answer.json()

    with served.client("paula") as client:
        form = client.get("/retention", params={"agent": "carl@example.com"}).text
        assert all(one in form.partition('name="recordings"')[2].partition(">")[0] for one in carl)
    assert post("cleo")[1]["error"] == "not-yours"
    assert post("kim")[0] == post("lena")[0] == 404
    assert post("paula", recordings="")[0] == 422
    assert post("paula", recordings="00000000-0000-4000-8000-000000000000")[0] == 404
    assert post("paula", reason="")[1]["error"] == "bad-reason"
    assert post("paula") == (200, {"asked": 2})
    assert post("paula", recordings=" ".join(carl[:3])) == (200, {"asked": 1})
    assert post("paula")[1]["error"] == "asked-before"
    with served.client("paula") as client:
        assert client.get("/requests").text.count("The person asked for it.") == 3
    with served.console.catalog.reading() as connection:
        for table in (schema.erasures, schema.erasure_requests):
            assert connection.scalar(select(func.count()).select_from(table)) == 0


def test_of_a_preview_all_are_asked_for_or_none(served: Served) -> None:
    asks = requests.Requests(served.console.people)
    with finding(served, who="paula") as finder:
        several = list(finder.listed(served.room.recordings["anna"])[0].values())
        wish = requests.Wish("erasure", "request", "x")
        assert asks.not_asked(finder, several, wish) == several
        with pytest.raises(Refusal, match="do not let you"):
            asks.not_asked(finder, several, wish._replace(purpose="audit"))
        with patch.object(requests, "MOST_A_DAY", len(several) - 1), pytest.raises(Refusal, match="too much"):
            asks.not_asked(finder, several, wish)
