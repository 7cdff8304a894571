"""A pause policy is tried in the console: the page says what the commands say, keeps nothing, takes one at a time."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from agent.cli.main import main
from agent.core.account.scenes import Sighting, written
from agent.core.model.seen import WINDOWS, Box, Scene, Window
from protocol import api
from review.policy_trial.form import MOST_PARTS
from review.web.policy_tried import LARGEST, QUEUED, SUMS
from review.web.words import exactly
from store.clock import wall
from testkit.fakes.pc import SECOND, Pc
from testkit.lifecycle import govern
from testkit.reading_room import MARKUP, POLICY, POLICY_FILES, RULES
from testkit.waits import until
from tests.review.policy_trial import chance as chances
from tests.review.policy_trial.test_apart import IN_FORCE, NEXT
from tests.review.policy_trial.test_oracle import folder, sent
from tests.review.web.conftest import Served, looked_at
from tests.review.web.test_governed import shown

GERMAN = {"Accept-Language": "de"}


@pytest.fixture(scope="module")
def house(served: Served) -> Served:
    """With a pause policy in force, and a PC whose account says since when it had another, and what that closed."""
    room = served.room
    with room.world.serving() as pcs:
        pc = Pc(pcs.client)
        enrolled = pcs.client.post(api.ENROLL, json=pc.application(pcs.secret, user="dora", host="desk-9"))
        pc.device = enrolled.json()["device"]
        assert pc.ask_token(room.world.days() // SECOND).status_code == 200
        put = pc.client.put(api.policy_path(POLICY), json={"files": POLICY_FILES}, headers=pc.bearer)
        assert put.is_success
        hour = 3600 * SECOND
        pc.ledger.wall = wall() - 10 * hour
        pc.ledger.write("start", at=0)
        pc.ledger.write("policy", at=1, policy=POLICY)
        for at, rule, seconds in ((hour, 0, 90), (2 * hour, 0, 30), (3 * hour, 1, 61)):
            pc.ledger.write("lane-closed", at=at, lane="screen", rules=[rule], policy=POLICY)
            pc.ledger.write("lane-open", at=at + seconds * SECOND, lane="screen")
        assert pc.send_ledger().status_code == 200
    govern(served.room.world.home, RULES, policy={"p.yaml": IN_FORCE.decode()})
    looked_at(served)
    return served


Files = list[tuple[str, tuple[str, bytes]]]


def ask(served: Served, files: Files, headers: dict[str, str] | None = None, **texts: str) -> httpx.Response:
    kind, body = sent([*files, ("other", ("", b""))], **texts)
    with served.client("cleo", Origin=served.room.address, **{"Content-Type": kind}, **(headers or {})) as client:
        return client.post("/v1/rules/policy", content=body)


def files(policy: dict[str, str], *scenes: bytes) -> Files:
    told = [("policy", (name, text.encode())) for name, text in policy.items()]
    return [*told, *(("scenes", ("scenes.jsonl", one)) for one in scenes)]


@pytest.mark.parametrize("seed", range(3))
def test_the_page_says_what_replay_says(
    house: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str], seed: int
) -> None:
    chance = random.Random(100 + seed)
    own, new = (chances.policy(chance, revision) for revision in (1, 3))
    scenes = chances.scenes(chance, own)
    (tmp_path / "scenes.jsonl").write_bytes(scenes)
    text = ask(house, files(new, scenes), against="own").text
    capsys.readouterr()
    main(["replay", str(tmp_path), "--with", folder(tmp_path / "new", new), "--json"])
    said = json.loads(capsys.readouterr().out.replace(f"{tmp_path / 'new'}/", ""))
    tables = re.findall(r"<caption>Every span:.*?</table>", text, re.DOTALL)
    assert len(tables) == len(said["lanes"])
    for lane, table in zip(said["lanes"].values(), tables, strict=True):
        rows = [shown(row) for row in re.findall(r"<tr class=\"one\">.*?</tr>", table, re.DOTALL)]
        assert len(rows) == len(lane["spans"])
        for row, span in zip(rows, lane["spans"], strict=True):
            assert row.strip().startswith(f"{exactly(span['from'])} {exactly(span['to'])} ")
            assert ("Newly open" in row, "Newly closed" in row) == (span["newly"] == "open", span["newly"] == "closed")
            assert ("not judged" in row) == (not span["judged"])
            for one in (*span["then"], *span["with"]):
                assert f"{one['id']} {one['where'] or 'Eyelid' + chr(39) + 's own'}" in row
            assert all(thing in row for thing in span["things"])
        for kind, called in SUMS.items():
            assert f"{called} {exactly(lane[f'{kind}_ns'])}" in shown(text)
    for one in said["not_looked_for"]:
        assert one in text


def test_mistakes_have_their_places_and_cautions_and_tests_are_named(house: Served) -> None:
    wrong = ask(house, files({"a.yaml": NEXT.replace("any:", "anny:", 1)}))
    assert "a.yaml 5 " in shown(wrong.text)
    assert "did you mean any?" in shown(wrong.text)
    assert "It has mistakes" in wrong.text
    test = "tests:\n  - { name: at the till, app: till, title: x, expect: { screen: pause } }\n"
    doubtful = NEXT.replace("...", f"{test}...").replace("[crm]", "['*']").replace(", dry_run: true", "")
    text = shown(ask(house, files({"a.yaml": doubtful})).text)
    assert "Cautions" in text
    assert "1 ran, 0 do not hold." in text
    text = shown(ask(house, files({"a.yaml": NEXT.replace("...", f"{test}...")})).text)
    assert "1 ran, 1 do not hold." in text
    assert "at the till: screen pause expected, record" in text
    german = shown(ask(house, files({"a.yaml": NEXT}), headers=GERMAN).text)
    assert "Kein Fehler." in german
    assert "Es wurden keine Szenen gesendet." in german


def test_rules_of_the_last_days_that_it_drops_or_renames(house: Served) -> None:
    text = shown(ask(house, files({"a.yaml": NEXT.replace("id: cards", "id: card-forms")})).text)
    assert re.search(r"card-forms [1-9]\d* [\d:]+\.0 4 stays", text)
    assert re.search(r"patient-charts [1-9]\d* [\d:]+\.0 4 gone, or called otherwise", text)
    assert "Counted on 4 of 4 computers." in text
    assert "Weaker: what was closed will be recorded" in text
    both = {"card-forms": "cards", "patient-charts": "charts"}
    in_force = IN_FORCE.decode()
    for old, of in both.items():
        in_force = in_force.replace(f"id: {of}", f"id: {old}")
    govern(house.room.world.home, RULES, policy={"p.yaml": in_force})
    try:
        text = shown(ask(house, files({"a.yaml": NEXT})).text)
    finally:
        govern(house.room.world.home, RULES, policy={"p.yaml": IN_FORCE.decode()})
    assert re.search(r"patient-charts [1-9]\d* [\d:]+\.0 4 now called medical", text)
    assert re.search(r"card-forms [1-9]\d* [\d:]+\.0 4 now called cards", text)


def test_it_is_noted_and_nothing_of_it_is_kept_or_logged(house: Served) -> None:
    secret = "Chart of Ada Lovelace, born 1815"
    chance = random.Random(7)
    scenes = chances.scenes(chance, chances.policy(chance, 1)).replace(b"Notes", secret.encode())
    before = house.entries()
    answer = ask(house, files({"Lovelace.yaml": NEXT}, scenes))
    assert answer.status_code == 200
    [entry] = house.noted(before)
    assert entry["kind"] == "list"
    assert entry["facts"] == {"of": "policy-trial", "results": 1}
    held = [path for path in house.room.home.rglob("*") if path.is_file() and b"Lovelace" in path.read_bytes()]
    assert held == []
    with house.client("cleo") as client:
        assert secret not in client.get("/rules/policy").text
        assert "Lovelace" not in client.get("/rules").text


def test_markup_stays_text(house: Served) -> None:
    chance = random.Random(3)
    own = chances.policy(chance, 1)
    scenes = chances.scenes(chance, own).replace(b"pc <b>7", json.dumps(MARKUP)[1:-1].encode())
    named = NEXT.replace("name: Next", f"name: {json.dumps(MARKUP)}")
    text = ask(house, [*files({}, scenes), ("policy", (f"{MARKUP}.yaml", named.encode()))], against="own").text
    assert "<img src=x" not in text
    assert "&lt;img src=x onerror" in text
    assert not re.search(r"\sstyle=|<script(?![^>]*src=\"/static/)", text)


@pytest.mark.parametrize(
    ("told", "texts", "status", "says"),
    [
        ([], {}, 422, "Choose the files of a policy"),
        ([("policy", ("a.yaml", b"x")), ("policy", ("a.yaml", b"y"))], {}, 422, "Two files have the same name"),
        ([("policy", ("a.yaml", b"x"))] + [("scenes", (f"{n}", b"")) for n in range(21)], {}, 422, "20 files"),
        ([("scenes", ("a", b""))] * MOST_PARTS, {}, 422, "Send 200 files"),
        ([("scenes", ("a", b"x" * LARGEST))], {}, 413, "more than 24 MiB"),
    ],
)
def test_what_is_not_tried_ends_in_a_sentence(
    house: Served, told: Any, texts: dict[str, str], status: int, says: str
) -> None:
    answer = ask(house, told, **texts)
    assert (answer.status_code, says in answer.text) == (status, True)
    assert '<form class="filter" method="post"' in answer.text


def test_what_is_no_form_and_what_comes_from_elsewhere(house: Served) -> None:
    with house.client("cleo", Origin=house.room.address) as client:
        answer = client.post("/v1/rules/policy", json={})
        assert (answer.status_code, "form of this page" in answer.text) == (400, True)
    for headers in ({"Origin": "null"}, {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
                    {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"}):  # fmt: skip
        with house.client("cleo", **headers) as client:
            assert client.post("/v1/rules/policy", content=b"").status_code == 403
    kind, body = sent(files({"a.yaml": NEXT}))
    with house.client("cleo", Origin="null", **{"Sec-Fetch-Site": "same-origin", "Content-Type": kind}) as client:
        assert client.post("/v1/rules/policy", content=body).status_code == 200  # as browsers send this page's form


def test_without_a_policy_in_force_each_recordings_own_is_compared_with(house: Served) -> None:
    govern(house.room.world.home, RULES, policy={})
    chance = random.Random(5)
    own = chances.policy(chance, 1)
    scenes = chances.scenes(chance, own)
    try:
        with house.client("cleo") as client:
            assert "the policy in force (bundle" not in client.get("/rules/policy").text
        text = shown(ask(house, files({"a.yaml": NEXT}, scenes), against="own").text)
        assert "Compared: Chance 1, revision 1, with Next, revision 3." in text
        assert "no policy in force that can be read" in text
        assert "no policy in force is known here" in ask(house, files({"a.yaml": NEXT}, scenes)).text
    finally:
        govern(house.room.world.home, RULES, policy={"p.yaml": IN_FORCE.decode()})


# -- one at a time ----------------------------------------------------------------------------------------------------


class Slow:
    """A person who sends what they try, and does not go on before they are told to."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.answer: httpx.Response | None = None
        self.kind, self.body = sent(files({"a.yaml": NEXT}, b"x" * 100_000))
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        def parts() -> Iterator[bytes]:
            yield self.body[:1000]
            self.begun.set()
            assert self.go_on.wait(60)
            yield self.body[1000:]

        headers = {"Content-Type": self.kind, "Content-Length": str(len(self.body))}
        with self._served.client("cleo", Origin=self._served.room.address, **headers) as client:
            self.answer = client.post("/v1/rules/policy", content=parts())

    def end(self) -> httpx.Response:
        self.go_on.set()
        self.thread.join(60)
        assert self.answer is not None
        return self.answer


@pytest.mark.slow(reason="a dozen trials, one after another")
def test_two_uploads_at_once_wait_for_each_other_and_many_are_refused(house: Served) -> None:
    slow = Slow(house)
    assert slow.begun.wait(60)
    with house.client("cleo") as client:  # what was sent before is most likely at work once this is answered
        client.get("/rules/policy")
    with ThreadPoolExecutor(QUEUED + 8) as pool:
        others = [pool.submit(ask, house, files({"a.yaml": NEXT})) for _ in range(QUEUED + 8)]
        until(lambda: sum(one.done() for one in others) >= 7, "those for whom there is no room are refused")
        assert not slow.go_on.is_set()
        first = slow.end()
        codes = sorted(one.result().status_code for one in others)
    assert set(codes) == {200, 503}
    # The slow one waits with them, or has no room, where others come to the turn before it.
    wait = QUEUED + (first.status_code == 503)
    assert codes.count(200) in {wait, wait + 1}
    assert any("Try again in a minute" in one.result().text for one in others)


def judges() -> list[psutil.Process]:
    """At work for the console, which is a process of this one."""
    found = list[psutil.Process]()
    for one in psutil.Process().children(recursive=True):
        try:
            if "review.policy_trial.judge" in one.cmdline():
                found.append(one)
        except psutil.Error:
            pass
    return found


def heavy() -> Files:
    """What takes minutes: a thousand rules on thousands of scenes, no two alike."""
    rules = "".join(f"  - {{ id: r{n}, why: w, any: [title: ['*a{n}*b*c{n}']] }}\n" for n in range(1000))
    policy = f"schema: 1\nrevision: 3\nname: Heavy\nrules:\n{rules}...\n"
    chance = random.Random(1)
    own = chances.policy(chance, 1)
    head = chances.scenes(chance, own).splitlines(keepends=True)[0]
    box = Box(0, 0, 9, 9)
    looks = [Sighting(n, WINDOWS, Scene((Window(1, "crm", f"a{n}b", 1, box, shown=True),))) for n in range(3000)]
    return files({"a.yaml": policy}, head + written(looks, 0))


@pytest.mark.slow(reason="a trial that takes seconds")
def test_a_judge_that_is_killed_ends_in_a_sentence_and_the_next_is_tried(house: Served) -> None:
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask, house, heavy())
        [judge] = until(judges, "a judge is at work")
        os.kill(judge.pid, signal.SIGKILL)
        answer = asked.result()
    assert (answer.status_code, "ended before it was done" in answer.text) == (503, True)
    assert ask(house, files({"a.yaml": NEXT})).status_code == 200


@pytest.mark.slow(reason="the console waits fifteen seconds for what is under way")
def test_a_console_that_ends_meanwhile_leaves_no_judge(house: Served) -> None:
    home = str(house.room.home)  # other tests may have consoles too
    [console] = [one for one in psutil.Process().children() if "up" in one.cmdline() and home in one.cmdline()]
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask, house, heavy())
        [judge] = until(judges, "a judge is at work")
        console.send_signal(signal.SIGTERM)  # the fixture waits for its end, and wants 0
        judge.wait(60)
        console.wait(60)
        assert isinstance(asked.exception(), httpx.HTTPError) or asked.result().status_code
    assert judges() == []
