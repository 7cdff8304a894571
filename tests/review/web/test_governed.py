"""The rules in force in the console say what the commands say; other rules are tried and come into nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import UUID

import pytest

from protocol.carried import carried
from protocol.language.errors import MistakesError
from review import cli
from review.governance.times import DAY
from review.lifecycle import every
from review.lifecycle.facts import Facts
from review.lifecycle.trial import consents_of
from review.web import bundles, trials
from store.clock import wall
from testkit.reading_room import RULES
from testkit.waits import until
from tests.review.web.conftest import Served

WIDER = RULES.replace("revision: 1", "revision: 2").replace("of: { team: own }", "of: all").replace("180d", "30d")


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A folder with other rules."""
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "0.yaml").write_text(WIDER)
    return folder


def command(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, Any]:
    capsys.readouterr()
    cli.main(["governance", *map(str, words), "--json"])
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def shown(text: str) -> str:
    """What a reader sees."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", text)))


def tried(served: Served, files: dict[str, str], days: str) -> str:
    with served.client("cleo", Origin=served.room.address) as client:
        assert client.post("/v1/rules/trial", json={"files": files, "days": days}).status_code == 200
        until(lambda: client.get("/v1/rules/trial").json()["state"] != "running", "the rules were tried")
        return shown(client.get("/rules").text)


@pytest.mark.parametrize("act", ["play", "export", "erase", "list"])
def test_explain_is_the_commands(served: Served, capsys: pytest.CaptureFixture[str], act: str) -> None:
    one = served.room.recordings["anna"][-1]
    store = ("--store", served.room.world.folder / "home", "--socket", served.room.home / "no.sock")
    for who, purpose in (("lena@example.com", "coaching"), ("sam@example.com", ""), ("cleo@example.com", "audit")):
        asked = ("--as", who, "--do", act, "--recording", one, *(("--purpose", purpose) if purpose else ()))
        said = command(capsys, "explain", *asked, *store)
        with served.client("cleo") as client:
            query = {"who": who, "do": act, "purpose": purpose, "recording": one}
            text = shown(client.get("/rules", params=query).text)
        assert said["answer"] in text
        for reason in (*said["why"], *said["missing"], *said["kept"]):
            assert reason["says"] in text
            assert (reason["where"] or "") in text
        for fact in said["recording"]["is"]:
            assert fact in text or fact.startswith(("its PC signed", "it is recording", "the custodian"))


def test_who_is_not_in_the_rules_and_what_is_not_there(served: Served) -> None:
    with served.client("cleo") as client:
        text = client.get("/rules", params={"who": "<b>x</b>", "do": "list"}).text
        assert "<b>x" not in text
        assert "has no role" in text
        nothing = "00000000-0000-4000-8000-000000000000"
        text = client.get("/rules", params={"who": "anna@example.com", "recording": nothing}).text
        assert "there is no such recording" in text
        for query in ("who=a&do=fly", "who=a&recording=1", "who=a&rendition=x", "who=%00"):
            assert client.get(f"/rules?{query}").status_code == 400


def test_a_look_at_what_a_recording_is_is_in_the_log(served: Served) -> None:
    one, before = served.room.recordings["carl"][0], served.entries()
    with served.client("cleo") as client:
        client.get("/rules", params={"who": "anna@example.com", "recording": one})
    [entry] = served.noted(before)
    assert (entry["kind"], entry["facts"]["recordings"]) == ("list", [one])


@pytest.mark.parametrize("days", ["30", "0"])
def test_try_is_the_commands(served: Served, rules: Path, capsys: pytest.CaptureFixture[str], days: str) -> None:
    over = () if days == "0" else ("--days", days)
    said = command(capsys, "try", rules, "--store", served.room.world.folder / "home", *over)
    text = tried(served, {"0.yaml": WIDER}, days)
    assert f"Tried over {said['recordings']} recordings" in text
    deleted, sooner = (sum(bool(one[name]) for one in said["deletes"]) for name in ("deleted", "sooner"))
    assert f"{deleted} would be deleted in the next 30 days, {sooner} sooner than now." in text
    assert said["opens"]
    for one in said["opens"]:
        row = " ".join(str(one[name]) for name in ("person", "act", "rendition", "now", "then", "more", "less"))
        assert row in text
    found = command(capsys, "diff", _written(rules.parent / "old", RULES), rules)
    assert found["changes"]
    for one in found["changes"]:
        assert one["says"] in text
    with served.client("lena") as client:
        assert client.get("/v1/rules/trial").status_code == 404
    assert served.console.people.rules().revision == 1  # nothing came into force


def _written(folder: Path, text: str) -> Path:
    folder.mkdir()
    (folder / "0.yaml").write_text(text)
    return folder


def test_mistakes_are_all_named_and_nothing_is_tried(served: Served) -> None:
    text = tried(served, {"0.yaml": WIDER.replace("roles:", "rolez:")}, "7")
    assert "These rules have mistakes" in text
    assert "0.yaml:" in text
    assert "is not a bundle signed by this archive" in tried(served, {"new.bundle": "no bundle"}, "7")
    assert "1 to 100 files" in tried(served, {}, "7")
    with served.client("cleo", Origin=served.room.address) as client:
        assert client.post("/v1/rules/trial", json={"files": {}, "days": "8"}).status_code == 422
        assert client.post("/v1/rules/trial", json={"files": {"a.yaml": 1}, "days": "7"}).status_code == 400


def test_files_come_alone_or_out_of_a_bundle_of_this_house() -> None:
    files = {"0.yaml": RULES.encode()}
    assert trials.files_in({"0.yaml": RULES, "notes.txt": "x"}, "") == files
    for sent in ({"a.bundle": "x\n" + carried(files)}, {"notes.txt": "x"}, {"a": "", "b": ""}):
        with pytest.raises(MistakesError):
            trials.files_in(sent, "f" * 43)


@pytest.mark.parametrize("changed", [bundles.rules_changed, bundles.policy_changed])
def test_a_bundle_that_cannot_be_read_is_not_compared(changed: Callable[..., bundles.Changed]) -> None:
    """As if it had no rules, all of the other's would be new."""
    legible = bundles.Shown(1, 0, rules={"0.yaml": RULES.encode()}, policy={"p.yaml": b"rules: []\n"})
    unread = bundles.Shown(2, 0, wrong="it is signed by another key")
    for old, new in ((legible, unread), (unread, legible), (unread, unread)):
        found = changed(old, new)
        assert "bundle 2 cannot be read: it is signed by another key" in found.wrong
        assert not found.changes
        assert not found.same


@pytest.mark.parametrize("step", ["by_both", "goes", "opens"])
def test_a_trial_ends_with_the_console_wherever_it_is(served: Served, step: str) -> None:
    jobs, seen = trials.Trials(), list[int]()

    def stopped(*_: object) -> Iterator[int]:
        """The console ends meanwhile."""
        jobs._stop.set()
        for one in range(0 if step == "opens" else 3):
            seen.append(one)
            yield one

    facts = Facts(served.console.catalog, served.console.home.blobs(), served.console.people.rules())
    with patch.object(trials, "goes" if step == "opens" else step, stopped):
        job = jobs.start("cleo@example.com", 0, {"0.yaml": WIDER.encode()}, facts)
        jobs.close()
    assert job.state == "failed"
    assert seen in ([], [0])


def test_a_trial_that_takes_too_long_says_so(served: Served) -> None:
    """Rules of a megabyte can name ten thousand people: each question is asked whether it is over."""
    now = [wall()]
    jobs = trials.Trials(clock=lambda: now[0])
    facts = Facts(served.console.catalog, served.console.home.blobs(), served.console.people.rules())

    def endless(*_: object, advance: Callable[[], None]) -> Iterator[dict[str, object]]:
        while True:
            now[0] += trials.LONGEST // 3
            advance()
            yield {}

    with patch.object(trials, "opens", endless):
        job = jobs.start("cleo@example.com", 0, {"0.yaml": WIDER.encode()}, facts)
        assert jobs._thread is not None
        jobs._thread.join()
    assert (job.state, ["longer than 10 minutes" in one for one in job.mistakes]) == ("mistaken", [True])
    assert jobs.start("lena@example.com", 0, MistakesError(("m",)), facts).state == "mistaken"  # the next may begin


def test_a_trial_is_as_long_as_what_it_goes_through(served: Served) -> None:
    database, now = served.console.catalog, wall()
    first = every.amount(database)
    assert first == every.amount(database, trials.came(0, now))
    assert first > every.amount(database, trials.came(1, now + 400 * DAY)) == 0
    assert every.amount(database, trials.came(1, now)) == first  # opened by the store a moment ago


def test_a_page_does_not_say_where_the_custodian_listens(tmp_path: Path) -> None:
    sentences, given = consents_of(tmp_path / "no.sock", UUID(int=1), says_where=False)
    assert sentences == ("the custodian cannot be asked for consent, so none counts",)
    assert not given
