"""Who opened a recording, by a copy of the custodian's log: read by the console, written by nothing of it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from review.audit.kinds import Act
from review.cli import main
from review.commands.open_log import OpenLog, make_log, open_log_in
from review.commands.people import opened
from review.people.routes import SESSION
from review.people.service import Proof
from review.search import log_index
from review.web import access
from review.web.access import MOST, REPORTS
from testkit import console_browser
from testkit.cheap_keys import cheap_keys
from testkit.devtools import DevTools, headless
from testkit.looks import LOOKS, faults
from testkit.marionette import Marionette, headless_firefox
from testkit.reading_room import ReadingRoom, furnish
from testkit.waits import until

SECRET = b"the custodian's own words"
RELEASED = {"purpose": "complaint", "rule": "roles/lead", "rendition": "original"}


@dataclass
class Shared:
    """A console beside a custodian's log, and the folder with its copy."""

    room: ReadingRoom
    custodian: OpenLog
    folder: Path
    address: str
    sessions: dict[str, str]

    def copy(self) -> None:
        """As root does from time to time."""
        shutil.rmtree(self.folder / "audit", ignore_errors=True)
        shutil.copytree(self.custodian.log.folder, self.folder / "audit")

    def note(self, kind: str, who: str, recording: str, reason: str | None = None, **facts: object) -> int:
        said = RELEASED | facts
        outcome = "failure" if reason else "success"
        act = Act(kind, f"{who}@example.com", "uid 0", [recording], said, outcome, reason)
        position = self.custodian.log.append(act)
        self.custodian.log.publish()
        return position

    def report(self, who: str, recording: str, opening: int, lanes: dict[str, list[list[int]]]) -> None:
        pairs = [(lane, span) for lane, spans in lanes.items() for span in spans]
        facts = {"opening": opening, "spans": [span for _, span in pairs], "lanes": [lane for lane, _ in pairs]}
        self.custodian.log.append(Act("watched", f"{who}@example.com", "uid 0", [recording], facts))
        self.custodian.log.publish()

    def get(self, who: str, path: str, **headers: str) -> str:
        with httpx.Client(base_url=self.address, timeout=60) as client:
            answer = client.get(path, headers={"Cookie": f"{SESSION}={self.sessions[who]}", **headers})
        assert answer.status_code == 200, answer.text
        return answer.text[answer.text.index('id="opened"') :]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    folder = tmp_path_factory.mktemp("openings")
    room, home = furnish(folder / "room"), folder / "custodian"
    with cheap_keys():
        make_log(home / "audit", home / "keys", "review.example.com/custodian", SECRET)
        (folder / "passphrase").write_bytes(SECRET)
        words = ["custodian", "share-log", "--home", home, "--passphrase-file", folder / "passphrase",
                 "--console-key-file", room.home / "secret", "-o", folder / "shared"]  # fmt: skip
        assert main(list(map(str, words))) == 0
    log = open_log_in(home / "audit", home / "keys", SECRET)
    log.log.publish()
    with ExitStack() as stack:
        made = Shared(room, log, folder / "shared", "", {})
        made.copy()
        made.address = stack.enter_context(room.up("--openings", str(folder / "shared")))["address"]
        secret = (room.home / "secret").read_bytes()
        console = stack.enter_context(opened(room.home, Path(room.world.folder / "home"), secret))
        for who in ("cleo", "anna", "carl"):
            console.people.invite(f"{who}@example.com", "root@host", "host")
            made.sessions[who] = console.people.sign_in(Proof("password", f"{who}@example.com"), "192.0.2.1").token
        every = sum(map(len, room.recordings.values()))
        with httpx.Client(base_url=made.address, timeout=60) as client:
            cookie = {"Cookie": f"{SESSION}={made.sessions['cleo']}"}
            until(lambda: f"{every} recordings" in client.get("/find", headers=cookie).text, "the index was filled")
        yield made


def rows(text: str) -> list[str]:
    return re.findall(r"<tr><td>.*?</tr>", text, re.DOTALL)


def test_what_was_released_is_shown_with_its_purpose_and_rule(house: Shared) -> None:
    anna, carl = house.room.recordings["anna"][-1], house.room.recordings["carl"][-1]
    before = rows(house.get("cleo", f"/recordings/{anna}/access"))
    house.note("open", "lena", anna)
    house.note("export", "cleo", anna, reference="case 1", to="r" * 43)
    house.note("open", "lena", anna, "refused")  # released nothing
    house.note("open", "lena", carl)
    house.note("open", "anna", anna)
    house.copy()
    found = rows(house.get("cleo", f"/recordings/{anna}/access"))
    assert before == []
    assert len(found) == 3
    assert "anna@example.com" in found[0]
    assert "exported it" in found[1]
    assert "cleo@example.com" in found[1]
    for said in ("lena@example.com", "opened it", "complaint", "roles/lead"):
        assert said in found[2]
    mine = rows(house.get("anna", "/mine"))  # without one's own, and without other people's recordings
    assert [re.findall(r"[a-z]+@example.com", one) for one in mine] == [["cleo@example.com"], ["lena@example.com"]]
    assert [re.findall(r"[a-z]+@example.com", one) for one in rows(house.get("carl", "/mine"))] == [
        ["lena@example.com"]
    ]
    assert "freigegeben" in house.get("anna", "/mine", **{"Accept-Language": "de"})


def test_what_a_worker_was_given_stands_at_the_recording_and_is_no_opening_of_a_person(house: Shared) -> None:
    carl = house.room.recordings["carl"][-1]
    mine = rows(house.get("carl", "/mine"))
    facts = {"kind": "speech", "rule": "roles.yaml:9:3", "version": "whisper-base", "fence": 1, "lanes": ["32768"]}
    house.custodian.log.append(Act("lease", "analyst-1", "uid 0", [carl], facts))
    house.custodian.log.publish()
    house.copy()
    first = rows(house.get("cleo", f"/recordings/{carl}/access"))[0]
    assert [said in first for said in ("had it analysed", "roles.yaml:9:3", "not reported")] == [True, True, False]
    assert rows(house.get("carl", "/mine")) == mine


def test_openings_go_back_page_by_page(house: Shared) -> None:
    anna = house.room.recordings["anna"][0]
    for _ in range(60):
        house.note("open", "lena", anna)
    house.copy()
    for path in (f"/recordings/{anna}/access", "/mine"):
        first = house.get("cleo" if "access" in path else "anna", path)
        assert len(rows(first)) == 50
        (more,) = re.findall(r'href="([^"]*opened=\d+)#opened"', first)
        assert len(rows(house.get("cleo" if "access" in path else "anna", more))) >= 10


def test_a_copy_that_was_changed_is_said_and_shows_nothing(house: Shared) -> None:
    """As the console's owner may change it: what is not as it was signed is not shown."""
    anna = house.room.recordings["anna"][-1]
    house.note("open", "lena", anna)
    house.copy()
    block = max((house.folder / "audit" / "journal").rglob("*"))
    content = bytearray(block.read_bytes())
    content[60] ^= 1
    block.write_bytes(content)
    try:
        for who, path in (("cleo", f"/recordings/{anna}/access"), ("anna", "/mine")):
            text = house.get(who, path)
            assert "is not as it was signed" in text
            assert rows(text) == []
    finally:
        house.copy()
    assert rows(house.get("cleo", f"/recordings/{anna}/access"))


def test_the_report_has_who_opened_what(house: Shared) -> None:
    carl, day = house.room.recordings["carl"][-1], date.today().isoformat()  # noqa: DTZ011 - as the console counts days
    position = house.note("open", "lena", carl)
    house.report("lena", carl, position, {"0": [[0, 2 * SECOND]]})
    house.copy()
    cookie = {"Cookie": f"{SESSION}={house.sessions['cleo']}", "Origin": house.room.address}
    with httpx.Client(base_url=house.address, timeout=60, headers=cookie) as client:
        asked = client.post("/v1/reports", json={"from": day, "to": day, "verify": False})
        assert asked.status_code == 200, asked.text
        until(lambda: client.get("/v1/reports").json()["state"] == "made", "the report is made")
        facts, page = client.get("/report/report.json").json(), client.get("/report").text
    (found,) = (one for one in facts["openings"]["rows"] if one["entry"] == position and one["log"] == "custodian")
    assert (found["who"], found["purpose"], found["rule"]) == ("lena@example.com", "complaint", "roles/lead")
    assert (found["recordings"], found["played"]) == ([carl], 2 * SECOND)
    assert [one["why_not"] for one in facts["logs"] if one["log"] == "custodian"] == [""]
    assert "has no key to it" not in page


SECOND = 10**9


def cells(row: str) -> list[str]:
    """As text, with plain dashes."""
    row = row.replace("\N{EN DASH}", "-")
    return [
        re.sub(r"\s+", " ", re.sub(r"<.*?>", " ", one)).strip() for one in re.findall(r"<td>.*?</td>", row, re.DOTALL)
    ]


def test_what_pages_reported_stands_at_their_openings_and_nowhere_else(house: Shared) -> None:
    anna = house.room.recordings["anna"][1]
    first = house.note("open", "lena", anna)
    second = house.note("open", "cleo", anna)
    house.note("open", "lena", anna)
    house.note("export", "cleo", anna, reference="case 1", to="r" * 43)
    house.report("lena", anna, first, {"0": [[0, 2 * SECOND]], "far-end": [[SECOND, 3 * SECOND]]})
    house.report("cleo", anna, second, {"1": [[50 * SECOND, 70 * SECOND]]})
    many = [[2 * one * SECOND, (2 * one + 1) * SECOND] for one in range(20)]
    house.report(
        "lena", anna, first, {"0": [[2 * SECOND, 5 * SECOND // 2], [4 * SECOND, 5 * SECOND]], "microphone": many}
    )
    house.copy()
    text = house.get("cleo", f"/recordings/{anna}/access")
    found = [cells(one)[-1] for one in rows(text)]
    assert found[:3] == ["-", "not reported", "Screen 2: 0:50.0-1:10.0"]
    assert found[3].startswith("Screen 1: 0:00.0-0:02.5, 0:04.0-0:05.0 Far end: 0:01.0-0:03.0 Microphone: 0:00.0")
    assert found[3].endswith("0:14.0-0:15.0 and 12 more")
    assert "what was released is the most" in text
    mine = [cells(one)[-1] for one in rows(house.get("anna", "/mine"))]
    assert mine[:4] == found[:4]
    german = house.get("anna", "/mine", **{"Accept-Language": "de"})
    assert "nicht gemeldet" in german
    assert "Bildschirm 2: 0:50.0-1:10.0" in [cells(one)[-1] for one in rows(german)]


@pytest.fixture(params=["chromium", "firefox"])
def browser(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DevTools | Marionette]:
    started = headless if request.param == "chromium" else headless_firefox
    (tmp_path / "browser").mkdir()
    with started(tmp_path / "browser") as made:
        yield made


@pytest.mark.slow(reason="a browser, and two pages in several looks")
def test_axe_finds_no_fault_in_what_was_opened_and_played(
    house: Shared, browser: DevTools | Marionette, axe: str
) -> None:
    anna = house.room.recordings["anna"][2]
    first = house.note("open", "lena", anna)
    house.note("export", "cleo", anna, reference="case 1", to="r" * 43)
    house.report("lena", anna, first, {"0": [[0, 2 * SECOND]], "far-end": [[SECOND, 3 * SECOND]]})
    house.copy()
    looks = LOOKS if isinstance(browser, DevTools) else (("light", 1280), ("dark", 820))
    for language in ("en", "de"):
        for who, path in (("cleo", f"/recordings/{anna}/access"), ("anna", "/mine")):
            browser.open(house.room.address + "/static/nothing")
            browser.asks_for(language)
            browser.forget()
            browser.remember(house.room.address, SESSION, house.sessions[who])
            to = partial(console_browser.to, browser) if isinstance(browser, DevTools) else browser.open
            to(house.room.address + path)
            assert browser.run("document.documentElement.lang") == language
            assert browser.run("document.querySelectorAll('#opened ~ * tbody tr').length") >= 2
            found = faults(browser, axe, f"openings, {who}", looks)
            assert not found, "\n".join(map(str, found))


def test_more_reports_than_are_read_are_said(house: Shared) -> None:
    """Of the openings before the oldest report that is read; newer ones have theirs."""
    carl = house.room.recordings["carl"][0]
    first = house.note("open", "lena", carl)
    acts = [Act("watched", "lena@example.com", "uid 0", [carl], {"opening": first, "spans": [[0, 1]], "lanes": ["0"]})]
    house.custodian.log.append_all(acts * (REPORTS + 1))
    second = house.note("open", "lena", carl)
    house.report("lena", carl, second, {"0": [[0, SECOND]]})
    house.copy()
    found = [cells(one)[-1] for one in rows(house.get("cleo", f"/recordings/{carl}/access"))]
    assert found == ["Screen 1: 0:00.0-0:01.0", "more reports than are read here"]


def test_reports_are_in_the_way_of_no_opening(house: Shared) -> None:
    carl = house.room.recordings["carl"][1]
    first = house.note("open", "lena", carl)
    acts = [Act("watched", "lena@example.com", "uid 0", [carl], {"opening": first, "spans": [[0, 1]], "lanes": ["0"]})]
    house.custodian.log.append_all(acts * MOST)
    house.copy()
    assert len(rows(house.get("cleo", f"/recordings/{carl}/access"))) == 1


def test_reports_are_in_the_way_of_no_opening_of_mine_nor_of_those_of_late(
    house: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More of them than are gone through for a page, here by the console's own functions."""
    monkeypatch.setattr(access, "WALK", 20)
    bert = house.room.recordings["bert"][1]
    opening = house.note("open", "lena", bert, purpose="coaching")
    facts = {"opening": opening, "spans": [[0, 1]], "lanes": ["0"]}
    house.custodian.log.append_all([Act("watched", "lena@example.com", "uid 0", [bert], facts)] * 100)
    listed: Any = object()
    with closing(log_index.opened(house.folder / "test.db")) as made:
        index = log_index.LogIndex(
            made, house.custodian.log.folder, house.custodian.log.verifier, house.custodian.key
        )  # fmt: skip
        late = access.opened_since(index, 0, lambda _: {})
        mine = access.opened_of_mine(
            index, "bert@example.com", lambda _: {}, lambda some: dict.fromkeys(some, listed), None
        )  # fmt: skip
    assert late is not None
    assert mine is not None
    assert [late.looks[0].position, mine.looks[0][0].position] == [opening, opening]
