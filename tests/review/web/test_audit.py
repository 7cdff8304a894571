"""The audit log in the console: what each may read of it, page by page, and proofs that anybody checks."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path

import pytest

from review.audit import journal, proofs
from review.audit.kinds import Act
from review.cli import main
from review.web import access, auditor
from testkit.reading_room import MARKUP
from tests.review.web.conftest import Served

HOSTILE = ("=cmd|'/c calc'!A1", "<script>alert(1)</script>", "\u202eevil", MARKUP)


def listed(text: str) -> list[int]:
    return [int(one) for one in re.findall(r'href="/audit/(\d+)"', text)]


def looked(served: Served, who: str, recording: str, many: int) -> list[int]:
    facts = {"of": "account", "results": 1, "recordings": [recording]}
    acts = [Act("list", f"{who}@example.com", "192.0.2.1", ["console"], facts)] * many
    return served.console.log.log.append_all(acts)


def test_pages_go_on_by_key_and_have_every_entry_once(served: Served) -> None:
    looked(served, "carl", served.room.recordings["carl"][0], 120)
    found: list[int] = []
    with served.client("cleo") as client:
        path = "/audit"
        while path:
            text = client.get(path).text
            page = listed(text)
            assert len(page) <= auditor.SIZE
            found += page
            following = re.search(r'href="([^"]*)" rel="next"', text)
            path = unescape(following[1]) if following else ""
    assert found == [*range(found[0], -1, -1)]


def test_a_filter_finds_what_fits_and_is_noted_as_a_pseudonym(served: Served) -> None:
    bert = served.room.recordings["bert"][0]
    mine = looked(served, "anna", bert, 3)
    before = served.entries()
    with served.client("cleo") as client:
        for asked, wanted in (
            ({"who": "anna@example.com", "recording": bert}, mine),
            ({"who": "ANNA@example.com", "kind": "list", "outcome": "success", "recording": bert}, mine),
            ({"who": "anna@example.com", "kind": "erase"}, []),
            ({"recording": bert, "outcome": "failure"}, []),
            ({"recording": bert, "from": "2020-01-01", "to": "2020-01-02"}, []),
        ):
            text = client.get("/audit", params=asked).text
            assert listed(text) == sorted(wanted, reverse=True)
    noted = served.noted(before)
    assert [one["kind"] for one in noted] == ["read-log"] * 5
    assert all(one["facts"]["query"].startswith("q.") for one in noted)
    assert "anna" not in str(noted)


def test_of_anothers_recordings_no_entry_is_there(served: Served) -> None:
    """To the byte, but for the address; and no page of the list names one."""
    about = served.about
    with served.client("sam") as client:
        text = client.get("/audit").text
        refused = client.get(f"/audit/{about['about_anna']}").text
        nothing = client.get("/audit/99999999").text
    assert re.sub(r'\?back=[^"]*', "", refused) == re.sub(r'\?back=[^"]*', "", nothing)
    shown = set(listed(text))
    assert about["about_carl"] in shown
    assert not shown & {about["about_anna"], about["about_both"], about["about_none"]}
    for name in ("anna", "bert"):
        assert not [one for one in served.room.recordings[name] if one in text]


@pytest.mark.parametrize(
    "asked",
    ["kind=nothing", "outcome=maybe", "recording=17", "before=-1", "before=x", "from=2026-13-01", "who=%00",
     "from=2026-11-30&to=2026-11-01", "recording=" + "a" * 201],
)  # fmt: skip
def test_what_cannot_be_asked_is_said_in_words(served: Served, asked: str) -> None:
    with served.client("cleo") as client:
        answer = client.get(f"/audit?{asked}")
    assert answer.status_code == 400
    assert "This cannot be asked so" in answer.text


@pytest.mark.parametrize("hostile", HOSTILE)
def test_markup_in_an_entry_stays_text(served: Served, hostile: str) -> None:
    reason = "".join(one for one in hostile if one.isprintable())
    hold = Act(
        "hold", "cleo@example.com", reason, ["case-1"], {"hold": "case-1", "why": reason, "review": "2027-01-31"}
    )
    position = served.console.log.log.append(hold)
    with served.client("cleo") as client:
        for path in ("/audit", f"/audit/{position}"):
            text = client.get(path).text
            assert reason in unescape(text)
            assert "<script>" not in text
            assert "<img src=x" not in text
        assert reason.lower() in unescape(client.get("/audit", params={"who": reason}).text)


def test_a_proof_is_downloaded_and_checked_by_the_public_key_alone(
    served: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    position = served.about["about_anna"]
    before = served.entries()
    with served.client("cleo") as client:
        shown = client.get(f"/audit/{position}").text
        answer = client.get(f"/audit/{position}/proof")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="entry-{position}.json"'
    assert answer.headers["Content-Type"].startswith("application/json")
    path = tmp_path / "entry.json"
    path.write_bytes(answer.content)
    key = str(served.console.log.signer.key)
    assert main(["audit", "verify", str(path), "--key", key, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["said"]["facts"]["recordings"] == [served.room.recordings["anna"][-1]]
    proven = proofs.check(answer.content, served.console.log.signer.key)
    assert proven.point.root
    assert "cleo@example.com" in shown
    assert [(one["kind"], one["facts"]) for one in served.noted(before)] == [
        ("read-log", {"first": position, "end": position + 1})
    ] * 2


def test_who_looked_is_complete_however_long_ago(served: Served) -> None:
    anna = served.room.recordings["anna"][0]
    looked(served, "lena", anna, 1)
    looked(served, "carl", served.room.recordings["carl"][0], access.SIZE * 3)
    looked(served, "bert", anna, access.SIZE)
    with served.client("anna") as client:
        first = client.get(f"/recordings/{anna}/access").text
        following = re.search(r'href="([^"]*)" rel="next"', first)
        assert following
        second = client.get(unescape(following[1])).text
    assert first.count("bert@example.com") + second.count("bert@example.com") >= access.SIZE
    assert "lena@example.com" not in first
    assert "lena@example.com" in second


def test_the_head_says_how_far_it_is_signed_and_that_no_other_machine_vouches(served: Served) -> None:
    with served.client("cleo") as client:
        text = client.get("/audit").text
    assert served.console.log.signer.key.name in text
    assert "by no other machine yet" in text
    with served.client("kim") as client:
        assert "/audit" not in client.get("/").text


@pytest.mark.parametrize("position", ["1" * 5000, "-1", "01", "x", "\u0661"])
def test_what_is_no_position_is_not_there(served: Served, position: str) -> None:
    for who in ("", "cleo"):
        with served.client(who) as client:
            answer = client.get(f"/audit/{position}")
        assert answer.status_code == (404 if who else 303)


def test_an_entry_whose_body_was_overwritten_hides_no_other(served: Served) -> None:
    """Last in this file: the log is not mended."""
    log = served.console.log.log
    position = log.append(Act("list", "cleo@example.com", "-", ["console"], {"of": "account", "results": 0}))
    found = next(one for group in log.groups() for one in group.entries if one.position == position)
    with journal.block_path(log.folder, found.block).open("r+b") as file:
        file.seek(found.rest_at + len(found.rest) - 1)
        last = file.read(1)
        file.seek(-1, 1)
        file.write(bytes([last[0] ^ 1]))
    with served.client("cleo") as client:
        text = client.get("/audit").text
        entry = client.get(f"/audit/{position}")
    assert {position, position - 1} <= set(listed(text))
    assert "changed" in text
    assert entry.status_code == 200
