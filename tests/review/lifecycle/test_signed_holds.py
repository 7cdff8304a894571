"""Legal holds that people sign: placed and taken off by who may, once, for these recordings, with approvals."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing, nullcontext
from dataclasses import replace
from functools import partialmethod
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from protocol import personal
from protocol.claims import Claims
from protocol.errors import ProtocolError
from review.audit import kinds
from review.audit.log import AuditLog
from review.filed import Approved, Filed, set_of
from review.governance.model import Act
from review.governance.times import day_of
from review.lifecycle import lifecycle as lifecycle_module
from review.lifecycle.approvals import SignedBy, line_of, signs
from review.refusal import Refusal
from review.rules import parse_files
from store.errors import StoreError
from testkit.custody import DAY, SECOND
from testkit.fakes.pc import FakeRecording
from testkit.lifecycle import World
from tests.review.lifecycle.desk import SigningDesk
from tests.review.lifecycle.test_lifecycle import founded, made  # noqa: F401

RULES = """\
schema: 1
revision: 1
name: House
roles:
  counsel: { may: [list, legal-hold, release-hold], of: all, purposes: [legal] }
  north: { may: [list, legal-hold, release-hold], of: { team: [north] }, purposes: [legal] }
  recent: { may: [list, legal-hold], of: all, from: 30d, purposes: [legal] }
  privacy: { may: [list], of: all }
approvals:
  - { act: [release-hold], by: [privacy], need: 1, within: 24h }
retention: [{ class: rest, keep: 180d }]
teams:
  north: { groups: [north desk], users: [northern] }
people:
  cleo@example.com: { roles: [counsel, privacy] }
  carl@example.com: { roles: [counsel] }
  ann@example.com: { roles: [north] }
  pia@example.com: { roles: [privacy] }
  sam@example.com: { roles: [recent], since: 2026-01-01 }
...
"""
GOVERNANCE = parse_files({"rules.yaml": RULES.encode()})
PLACE, APPROVE = "rules.yaml:5:3", "rules.yaml:10:5"
ANN, CARL, CLEO, PIA, SAM = (f"{name}@example.com" for name in ("ann", "carl", "cleo", "pia", "sam"))


class Desk(SigningDesk):
    """`ids`: of two recordings."""

    def __init__(self, world: World, folder: Path) -> None:
        super().__init__(world, folder, RULES, 2)
        self.ids = sorted(str(one.id) for one in self.recordings)

    def ask(self, person: str = CARL, act: str = "legal-hold", of: int = 1, **changed: Any) -> str:
        said = {"act": act, "request": "case-1", "purpose": "legal", **changed}
        self.terms = self.house.erasure(self.custodian, person, self.ids[:of], **said)
        return str(self.terms.pop("filed"))

    def approve(self, filed: str, person: str = PIA, **changed: Any) -> None:
        token = self.house.approval(self.custodian.nonce(), person, filed, self.terms, **changed)
        self.custodian.approve(Claims({"approval": token}, "approval", ProtocolError), "test")

    def place(self, filed: str | None, name: str = "case-1", of: int = 1) -> None:
        day = day_of(self.world.days() + 30 * DAY)
        with self.world.opened() as (database, lifecycle):
            by = None if filed is None else SignedBy(self.world.facts(database, GOVERNANCE), GOVERNANCE, filed)
            lifecycle.hold(name, self.ids[:of], why="a letter", owner="o@example.com", review=day, by=by)

    def release(self, filed: str, name: str = "case-1") -> None:
        with self.world.opened() as (database, lifecycle):
            by = SignedBy(self.world.facts(database, GOVERNANCE), GOVERNANCE, filed)
            lifecycle.release(name, why="settled", dies=None, by=by)

    def waiting(self) -> list[str]:
        return list(self.requests.waiting(GOVERNANCE, self.house.clock.now))

    def held(self) -> list[str]:
        with self.world.opened() as (_, lifecycle):
            lifecycle.follow()
            return sorted(lifecycle.decided.holds)


@pytest.fixture
def desk(founded: Path, tmp_path: Path) -> Desk:  # noqa: F811
    shutil.copytree(founded, tmp_path / "w")
    return Desk(World(tmp_path / "w"), tmp_path / "custodian")


def refused(desk: Desk, act: Callable[[], None], code: str, line: str, kind: str) -> None:
    before = desk.held()
    with pytest.raises(Refusal) as found:
        act()
    assert (found.value.code, found.value.line) == (code, line)
    said = desk.world.entries()[-1]
    assert (said["kind"], said["outcome"], said["reason"], said["facts"]["rule"]) == (kind, "failure", code, line)
    assert desk.held() == before


def test_a_person_places_it_and_takes_it_off_with_anothers_approval_and_each_counts_once(desk: Desk) -> None:
    desk.place(desk.ask())
    assert desk.held() == desk.ids[:1]
    placed = desk.world.entries()[-1]
    off = desk.ask(act="release-hold")
    refused(desk, lambda: desk.release(off), "not-yet", APPROVE, "release")
    with pytest.raises(ProtocolError, match="has no role whose approval counts"):
        desk.approve(off, ANN)
    desk.approve(off)
    desk.release(off)
    assert desk.held() == []
    taken_off = desk.world.entries()[-1]
    assert placed["facts"]["person"] == taken_off["facts"]["person"]
    assert ("approvals" in placed["facts"], len(taken_off["facts"]["approvals"])) == (False, 1)
    again = desk.ask(request="case-2")
    desk.place(again, "case-2")
    refused(desk, lambda: desk.place(again, "case-2b"), "replayed", PLACE, "hold")
    refused(desk, lambda: desk.release(off, "case-2"), "replayed", APPROVE, "release")


def test_a_hold_that_was_killed_before_its_last_entry_goes_on_with_the_same_request(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle_module, "AT_ONCE", 1)  # of 64
    filed, append_all = desk.ask(of=2), AuditLog.append_all
    monkeypatch.setattr(AuditLog, "append_all", killed_after_the_first(append_all))  # between two blocks
    with pytest.raises(KeyboardInterrupt):
        desk.place(filed, of=2)
    monkeypatch.setattr(AuditLog, "append_all", append_all)  # as it was
    assert desk.held() == desk.ids[:1]
    with pytest.raises(StoreError, match="there was a hold case-1 already"):
        desk.place(desk.ask(CLEO, of=2), of=2)
    desk.place(filed, of=2)
    assert desk.held() == desk.ids
    refused(desk, lambda: desk.place(filed, of=2), "replayed", PLACE, "hold")
    with pytest.raises(StoreError, match="there was a hold case-1 already"):
        desk.place(desk.ask(of=2), of=2)


def test_a_hold_is_placed_whatever_the_clock_says(desk: Desk) -> None:
    desk.pass_by(100 * 24)
    desk.place(desk.ask())
    assert desk.held() == desk.ids[:1]


def killed_after_the_first(append_all: Callable[..., list[int]]) -> Callable[..., list[int]]:
    def write(log: AuditLog, acts: Sequence[kinds.Act]) -> list[int]:
        append_all(log, acts[:1])
        if len(acts) > 1:
            raise KeyboardInterrupt
        return [log.size - 1]

    return write


Change = Callable[[Desk], str]


def forged(desk: Desk) -> str:
    """Who has the custodian's folder changes what a person signed, and who it was."""
    filed = desk.ask(ANN)
    kept = desk.requests.get(filed)
    assert kept is not None
    desk.requests.put(filed, replace(kept, person=CARL))
    return filed


def put_in(desk: Desk, person: str = PIA, act: str = "legal-hold", line: str = PLACE) -> str:
    """Who has the custodian's folder puts in what the custodian refused."""
    with pytest.raises(Refusal, match=f"{person} has no role that may {act}") as found:
        desk.ask(person, act)
    assert (found.value.code, found.value.line, desk.waiting()) == ("refused", line, [])
    terms = {"act": act, "recordings": set_of(desk.ids[:1]), "request": "case-1", "purpose": "legal"}
    terms["expires"] = str(desk.house.clock.now + 2 * DAY)
    said = {**terms, **desk.custodian.nonce(), "person": person}
    token = personal.sign(personal.REQUEST, said, desk.house.people[person])
    filed = personal.read(personal.REQUEST, token).id
    desk.requests.put(filed, Filed(person, terms, desk.house.clock.now, token))
    return filed


def late(desk: Desk) -> str:
    filed = desk.ask()
    desk.pass_by(49)
    return filed


BAD: dict[str, tuple[Change, str, str]] = {
    "not signed": (lambda _: "", "not-signed", PLACE),
    "of no request": (lambda _: "a" * 64, "unknown-request", PLACE),
    "by somebody without the act": (put_in, "refused", "rules.yaml:8:3"),
    "by one of another team": (lambda desk: desk.ask(ANN), "refused", "rules.yaml:6:3"),
    "for a purpose that the role lacks": (lambda desk: desk.ask(purpose="coaching"), "refused", "rules.yaml:2:1"),
    "of another set": (lambda desk: desk.ask(of=2), "other-recordings", PLACE),
    "of another hold": (lambda desk: desk.ask(request="case-9"), "other-request", PLACE),
    "of another act": (lambda desk: desk.ask(act="release-hold"), "other-request", PLACE),
    "of an erasure": (lambda desk: put_in(desk, CARL, "erase", "rules.yaml:2:1"), "other-request", PLACE),
    "in another's name": (forged, "other-person", PLACE),
    "expired": (late, "stale", PLACE),
}


@pytest.mark.parametrize("case", BAD)
def test_each_bad_signature_places_nothing_and_is_noted_with_its_line(desk: Desk, case: str) -> None:
    change, code, line = BAD[case]
    filed = change(desk)
    refused(desk, lambda: desk.place(filed), code, line, "hold")


def test_each_bad_approval_takes_nothing_off(desk: Desk) -> None:
    desk.place(None)  # as where no person signs
    off = desk.ask(CLEO, "release-hold")
    with pytest.raises(Refusal, match="who asks cannot approve"):
        desk.approve(off, CLEO)
    kept = desk.requests.get(off)
    assert kept is not None
    token = desk.house.approval(desk.custodian.nonce(), CLEO, off, desk.terms)
    key = personal.PersonKey(desk.house.people[CLEO].public_key()).id
    desk.requests.put(off, replace(kept, approvals=(Approved(CLEO, key, desk.house.clock.now, token),)))
    refused(desk, lambda: desk.release(off), "own-request", APPROVE, "release")
    desk.requests.put(off, kept)
    desk.approve(off)
    desk.pass_by(25)
    refused(desk, lambda: desk.release(off), "not-yet", APPROVE, "release")
    desk.world.custodian = None
    refused(desk, lambda: desk.release(off), "no-custodian", APPROVE, "release")
    assert desk.held() == desk.ids[:1]


def test_what_cannot_be_read_is_decided_on_by_who_covers_all(desk: Desk) -> None:
    desk.place(None, of=1)
    packet, *_ = desk.world.packets(UUID(desk.ids[0]))
    (desk.world.home.blobs_folder / packet).write_bytes(b"damaged")
    for person, code in ((ANN, "refused"), (CARL, "")):
        off = desk.ask(person, "release-hold", of=1)
        desk.approve(off)
        with pytest.raises(Refusal) if code else nullcontext():
            desk.release(off)
        assert bool(desk.held()) is bool(code)


def test_a_name_that_a_pc_wrote_and_a_later_receipt_let_nobody_decide_on_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    renamed = partialmethod(FakeRecording.make_packet, os_user="northern")
    monkeypatch.setattr(FakeRecording, "make_packet", renamed)  # a PC writes any name into its packets
    [theirs] = made(desk.world, "rest")[1]
    desk.ids = [str(theirs.id), *desk.ids]
    refused(desk, lambda: desk.place(desk.ask(ANN)), "refused", "rules.yaml:6:3", "hold")
    desk.place(desk.ask(SAM), "case-1")
    desk.pass_by(40 * 24)
    with closing(sqlite3.connect(desk.world.home.database_path)) as database, database:
        database.execute("update sealed set received_at = ?", [desk.world.days()])
    refused(desk, lambda: desk.place(desk.ask(SAM, request="case-2"), "case-2"), "refused", "rules.yaml:7:3", "hold")


def test_what_needs_no_approval_waits_until_it_expires(desk: Desk) -> None:
    desk.house.clock.pass_by(1)
    filed = desk.ask(expires=str(desk.house.clock.now + 7 * DAY))
    desk.house.clock.pass_by(7 * DAY // SECOND - 10)
    desk.ask()
    assert filed in desk.waiting()
    desk.house.clock.pass_by(60)
    desk.ask()
    assert filed not in desk.waiting()


def test_people_sign_where_rules_want_approval_or_name_who_does_it_and_a_custodian_is_there() -> None:
    none = replace(GOVERNANCE, approvals=(), roles={})
    for rules, act, custodian, expected in (
        (GOVERNANCE, Act.RELEASE_HOLD, False, True),
        (GOVERNANCE, Act.LEGAL_HOLD, False, False),
        (GOVERNANCE, Act.LEGAL_HOLD, True, True),
        (GOVERNANCE, Act.ERASE, True, False),
        (none, Act.RELEASE_HOLD, True, False),
    ):
        assert signs(rules, act, custodian=custodian) is expected
    assert (line_of(GOVERNANCE, Act.RELEASE_HOLD), line_of(none, Act.ERASE)) == (APPROVE, "")
