"""The lists behind the fleet's counts: what the commands say of the same store, to each of what they may see."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from sqlalchemy import insert

from store.catalog import schema
from store.catalog.alarms import acknowledge
from testkit.reading_room import MARKUP
from tests.review.web.conftest import Served, looked_at, today

ROW = re.compile(r'<tr class="one">(.*?)</tr>', re.DOTALL)


def command(served: Served, *words: str) -> dict[str, Any]:
    home = str(served.room.world.folder / "home")
    ran = subprocess.run(
        [sys.executable, "-m", "store", *words, "--home", home, "--json"], capture_output=True, text=True, check=False
    )
    assert ran.returncode in {0, 1}, ran.stderr
    return dict(json.loads(ran.stdout))


def cells(row: str) -> list[str]:
    """Their text, without markup."""
    return [
        " ".join(unescape(re.sub(r"<[^>]*>", " ", one)).split())
        for one in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)
    ]


def rows(served: Served, who: str, path: str) -> list[list[str]]:
    """Of all pages; the cells of each."""
    found, at = list[list[str]](), path
    with served.client(who) as client:
        while at:
            answer = client.get(at)
            assert answer.status_code == 200, answer.text
            found += map(cells, ROW.findall(answer.text))
            following = re.search(r'<a href="([^"]*)" rel="next"', answer.text)
            at = unescape(following.group(1)) if following else ""
    return found


@pytest.fixture(scope="module")
def alarms(served: Served) -> dict[str, list[int]]:
    """Whose PC -> alarms about it, of which the first is acknowledged. One has a code that is markup."""
    made = dict[str, list[int]]()
    now = served.console.people.clock()
    with served.console.catalog.writing() as connection:
        for user, device in served.room.computers.items():
            for place, code in enumerate(("clock-odd", "clock-odd", MARKUP)):
                row = {"at": now - place * 10**9, "code": code, "device": device, "stream": 0, "sequence": place}
                row |= {"recording": served.room.recordings[user][-1] if place else None}
                asked = insert(schema.alarms).values(row).returning(schema.alarms.c.id)
                made.setdefault(user, []).append(connection.scalar(asked) or 0)
        acknowledge(
            connection, [ids[0] for ids in made.values()], operator=MARKUP, reason=f"ticket {MARKUP}", at=now
        )  # fmt: skip
    return made


def numbers(found: list[list[str]]) -> set[int]:
    """Of the alarms."""
    return {int(row[2].rpartition(" ")[2]) for row in found}


def test_alarms_are_those_of_the_command(served: Served, alarms: dict[str, list[int]]) -> None:
    said = command(served, "alarms", "--all")["alarms"]
    every = {one["id"] for one in said}
    assert numbers(rows(served, "cleo", "/alarms?state=alarm")) == every
    open_ = {one["id"] for one in said if one["acknowledged"] is None}
    assert numbers(rows(served, "cleo", "/alarms")) == open_
    settled = rows(served, "cleo", "/alarms?state=settled")
    assert numbers(settled) == every - open_
    assert all(f"{MARKUP}: ticket {MARKUP}" in " ".join(row) for row in settled)
    # Leads see those of their team's computers.
    assert numbers(rows(served, "sam", "/alarms?state=alarm")) == set(alarms["carl"])
    assert numbers(rows(served, "lena", "/alarms?state=alarm")) == {*alarms["anna"], *alarms["bert"]}
    asked = f"/alarms?state=alarm&kind=clock-odd&text={served.room.computers['bert']}"
    assert numbers(rows(served, "cleo", asked)) == set(alarms["bert"][:2])
    assert rows(served, "sam", asked) == []
    assert rows(served, "cleo", f"/alarms?to={today() - timedelta(days=1)}") == []


def test_gaps_are_those_of_the_command(served: Served) -> None:
    def lost(page: list[list[str]]) -> int:
        return sum(row[2] == "lost" for row in page)

    said = command(served, "gaps")["devices"]
    wanted = sum(len(one["recordings"]) for one in said)
    unexplained = sum(len(one["unexplained"]) for one in said)
    looked_at(served)
    every = rows(served, "cleo", "/gaps")
    assert lost(every) == wanted == 12
    assert sum("unexplained" in row[2] for row in every) == unexplained
    assert lost(rows(served, "cleo", "/gaps?kind=lost")) == lost(every)
    # Each lost a quarter of a third of it.
    lasts = {"anna": 4, "bert": 9, "carl": 14}
    for user, minutes in lasts.items():
        device = served.room.computers[user]
        [*found] = rows(served, "cleo", f"/gaps?kind=lost&text={device}")
        third = minutes * 60 // 3
        assert [row[4] for row in found] == [f"{third // 4 // 60}:{third // 4 % 60:02}"] * 4, (user, found)
    assert len(rows(served, "lena", "/gaps?kind=lost")) == 8
    assert len(rows(served, "sam", "/gaps?kind=lost")) == 4


def test_uses_of_rules_are_those_of_the_command(served: Served) -> None:
    looked_at(served)
    said = {one["id"]: one for one in command(served, "rules", "--since", "7d")["rules"]}
    found = {row[0].removesuffix(f" {said[name]['why']}"): row for row in rows(served, "cleo", "/rules/uses")
             for name in said if row[0].startswith(name)}  # fmt: skip
    assert found.keys() == said.keys() > {"card-forms", MARKUP}
    for name, row in found.items():
        assert row[3] == str(said[name]["devices"])
        assert row[1].startswith(str(said[name]["closed"]) if said[name]["closed"] else "never")
    assert {row[3] for row in rows(served, "sam", "/rules/uses")} == {"1"}


def test_uses_are_of_whole_days_and_the_page_says_which(served: Served) -> None:
    day = today().isoformat()
    with served.client("cleo") as client:
        text = client.get(f"/rules/uses?from={day}T00:01&to={day}T00:02").text
    assert text.count(f'type="date" value="{day}"') == 2


def test_a_recording_is_named_to_those_who_may_list_it(served: Served, alarms: dict[str, list[int]]) -> None:
    """Leads reach back thirty days: Lena sees the gap of the oldest, and not which recording it is of."""
    assert alarms
    looked_at(served)
    for path, shown in (("/alarms", {"anna": 1, "bert": 1}), ("/gaps", {"anna": 3, "bert": 3})):
        with served.client("lena") as client:
            text = client.get(path).text
        for user, ids in served.room.recordings.items():
            named = {one for one in ids if one in text}
            assert named == set(ids[len(ids) - shown.get(user, 0) :]) if user in shown else named == set()


@pytest.mark.parametrize("path", ["/alarms?state=alarm", "/gaps", "/rules/uses"])
@pytest.mark.parametrize("language", ["en", "de"])
def test_names_that_a_pc_can_send_stay_text(
    served: Served, alarms: dict[str, list[int]], path: str, language: str
) -> None:
    assert alarms
    looked_at(served)
    with served.client("cleo", **{"Accept-Language": language}) as client:
        text = client.get(path).text
        said = client.get(path, params={"text": MARKUP}).text
    assert "<img src=x" not in text + said
    assert "<b>" not in text + said
    assert MARKUP in unescape(said)
    assert ("desk-0<b>" if path != "/rules/uses" else MARKUP) in unescape(text)


@pytest.mark.parametrize(
    "asked",
    ["/alarms?state=x", "/gaps?kind=x", "/rules/uses?kind=x", "/gaps?after=x", "/alarms?from=2026-13-01",
     "/alarms?from=2026-11-30T25:00", "/gaps?from=2026-11-30T08:00&to=2026-11-30T08:00", "/gaps?text=%00",
     "/rules/uses?after=%00", "/rules/uses?to=2026-01-01", "/alarms?kind=" + "a" * 201],
)  # fmt: skip
def test_what_cannot_be_asked_is_said_in_words(served: Served, asked: str) -> None:
    with served.client("cleo") as client:
        answer = client.get(asked)
    assert answer.status_code == 400
    assert "This cannot be asked so" in answer.text


def test_a_moment_can_be_asked_from_and_its_address_shared(served: Served) -> None:
    with served.client("cleo") as client:
        text = client.get("/gaps?from=2026-11-30T08:30&kind=lost").text
        assert 'type="datetime-local" value="2026-11-30T08:30"' in text
        assert 'type="date" value=""' in text
        found = client.get("/find?from=2020-01-01T08:30").text
        assert 'value="2020-01-01T08:30"' in found
        assert "12 recordings" in found


def test_each_look_is_noted_with_the_recordings_that_it_named(served: Served) -> None:
    looked_at(served)
    before = served.entries()
    rows(served, "sam", "/gaps?kind=lost")
    [noted] = served.noted(before)
    assert noted["facts"]["of"] == "gaps"
    assert noted["facts"]["results"] == 4
    assert sorted(noted["facts"]["recordings"]) == sorted(served.room.recordings["carl"][1:])
