"""Erasures that others approve: what people signed counts once, for these recordings, in its time."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from protocol import personal
from protocol.claims import Claims
from protocol.errors import ProtocolError
from review.filed import Approved
from review.lifecycle.approvals import SignedBy
from review.refusal import Refusal
from review.rules import parse_files
from testkit.lifecycle import World
from tests.review.audit.making import opening, overwrite, unsay
from tests.review.lifecycle.desk import SigningDesk
from tests.review.lifecycle.test_lifecycle import founded  # noqa: F401

RULES = """\
schema: 1
revision: 1
name: House
roles:
  privacy: { may: [list, erase], of: all, purposes: [request] }
  compliance: { may: [list], of: all }
approvals:
  - { act: [erase], by: [compliance], need: 1, within: 24h }
retention: [{ class: rest, keep: 180d }]
people:
  pia@example.com: { roles: [privacy, compliance] }
  carl@example.com: { roles: [compliance] }
  cleo@example.com: { roles: [compliance] }
  ann@example.com: { roles: [privacy] }
...
"""
GOVERNANCE = parse_files({"rules.yaml": RULES.encode()})
LINE = "rules.yaml:8:5"
PIA, CARL, CLEO, ANN = (f"{name}@example.com" for name in ("pia", "carl", "cleo", "ann"))


class Desk(SigningDesk):
    """`ids`: of three recordings."""

    def __init__(self, world: World, folder: Path) -> None:
        super().__init__(world, folder, RULES, 3)
        self.ids = [str(one.id) for one in self.recordings]
        for one in self.ids:
            (folder / "adopted" / one).write_text("a wrap")
            (folder / "adopted" / f".{one}.new").write_text("a wrap, by an `adopt` that was killed")

    def ask(self, person: str = PIA, **changed: Any) -> str:
        self.terms = self.house.erasure(self.custodian, person, self.ids[:2], **changed)
        return str(self.terms["filed"])

    def token(self, person: str, **changed: Any) -> str:
        terms = {name: value for name, value in self.terms.items() if name != "filed"}
        filed = changed.pop("filed", self.terms["filed"])
        return self.house.approval(self.custodian.nonce(), person, filed, terms, **changed)

    def approve(self, person: str = CARL) -> None:
        asked = Claims({"approval": self.token(person)}, "approval", ProtocolError)
        self.custodian.approve(asked, "test")

    def forge(self, person: str, signer: str = "", **changed: Any) -> None:
        """Who owns the custodian's folder writes an approval into it."""
        key = personal.PersonKey(self.house.people[signer or person].public_key()).id
        token = self.token(signer or person, **changed)
        filed = self.requests.get(self.terms["filed"])
        assert filed is not None
        made = Approved(person, key, self.house.clock.now, token)
        self.requests.put(self.terms["filed"], replace(filed, approvals=(made,)))

    def erase(self, filed: str, recordings: int = 2, request: str = "DSR-1") -> dict[str, str]:
        with self.world.opened() as (database, lifecycle):
            facts, ids = self.world.facts(database, GOVERNANCE), self.ids[:recordings]
            lifecycle.approved(SignedBy(facts, GOVERNANCE, filed), ids, request)
            return lifecycle.erase(facts, GOVERNANCE, ids, request).erased


@pytest.fixture
def desk(founded: Path, tmp_path: Path) -> Desk:  # noqa: F811
    shutil.copytree(founded, tmp_path / "w")
    return Desk(World(tmp_path / "w"), tmp_path / "custodian")


def refused(desk: Desk, filed: str, code: str, *, line: str = LINE, **asked: Any) -> None:
    with pytest.raises(Refusal) as found:
        desk.erase(filed, **asked)
    assert (found.value.code, found.value.line) == (code, line)
    said = desk.world.entries()[-1]
    assert (said["kind"], said["outcome"], said["reason"]) == ("erase", "failure", code)
    assert said["facts"]["rule"] == line
    assert all(desk.world.packets(one.id) for one in desk.recordings)


def test_what_others_approved_goes_with_the_custodians_wraps_and_counts_once(desk: Desk) -> None:
    filed = desk.ask()
    desk.approve()
    assert list(desk.erase(filed)) == desk.ids[:2]
    said = [one["facts"] for one in desk.world.entries() if one["kind"] == "erase"]
    assert [one["step"] for one in said] == ["asked", "order", "order", "certificate", "certificate"]
    assert (said[0]["approval"], len(said[0]["approvals"])) == (filed, 1)
    there = {path.name for path in (desk.house.folder / "adopted").iterdir()}
    assert there == {desk.ids[2], f".{desk.ids[2]}.new"}
    with pytest.raises(Refusal, match="counts once"):
        desk.erase(filed)
    assert desk.world.entries()[-1]["reason"] == "replayed"
    assert not desk.world.packets(desk.recordings[0].id)


def test_it_counts_once_also_before_anything_went(desk: Desk) -> None:
    filed = desk.ask()
    desk.approve()
    with desk.world.opened() as (database, lifecycle):
        facts = desk.world.facts(database, GOVERNANCE)
        lifecycle.approved(SignedBy(facts, GOVERNANCE, filed), desk.ids[:2], "DSR-1")
    refused(desk, filed, "replayed")


@pytest.mark.parametrize(("hide", "code"), [(unsay, "damaged"), (overwrite, "body-changed")])
def test_one_that_an_old_block_says_no_more_counts_no_second_time(
    desk: Desk, hide: Callable[[Path, int], None], code: str
) -> None:
    filed = desk.ask()
    desk.approve()
    with desk.world.opened() as (database, lifecycle):
        lifecycle.approved(SignedBy(desk.world.facts(database), GOVERNANCE, filed), desk.ids[:2], "DSR-1")
        spent = lifecycle.log.size - 1
        lifecycle.log.append_all([opening(number) for number in range(256)])
        lifecycle.follow()
    hide(desk.world.log_folder, spent)
    with pytest.raises(Refusal) as found:
        desk.erase(filed)
    assert found.value.code == code


Change = Callable[[Desk], None]
BAD: dict[str, tuple[Change, str]] = {
    "nobody approved": (lambda _: None, "not-yet"),
    "expired": (lambda desk: (desk.approve(), desk.pass_by(49))[1], "stale"),
    "its time is over": (lambda desk: (desk.approve(), desk.pass_by(25))[1], "not-yet"),
    "by who asks": (lambda desk: desk.forge(PIA), "own-request"),
    "by somebody without the role": (lambda desk: desk.forge(ANN), "not-yet"),
    "in another's name": (lambda desk: desk.forge(CARL, signer=ANN), "other-person"),
    "of another request": (lambda desk: desk.forge(CARL, filed="a" * 64), "not-yet"),
    "of another set": (lambda desk: desk.forge(CARL, recordings="a" * 64), "not-yet"),
    "denied": (lambda desk: desk.forge(CARL, verdict="deny"), "not-yet"),
    "for another custodian": (lambda desk: desk.forge(CARL, custodian="else"), "other-custodian"),
    "removed": (lambda desk: desk.requests.drop(desk.terms["filed"]), "unknown-request"),
}


@pytest.mark.parametrize("case", BAD)
def test_each_bad_approval_is_refused_by_its_line_and_noted(desk: Desk, case: str) -> None:
    change, code = BAD[case]
    filed = desk.ask()
    change(desk)
    refused(desk, filed, code)


def test_another_set_another_number_and_no_id_are_refused(desk: Desk) -> None:
    filed = desk.ask()
    desk.approve()
    refused(desk, filed, "other-recordings", recordings=3)
    refused(desk, filed, "other-recordings", recordings=1)
    refused(desk, filed, "other-request", request="DSR-2")
    refused(desk, "../settings.json", "unknown-request")
    assert list(desk.erase(filed)) == desk.ids[:2]  # none of these has used it up


def test_who_may_not_erase_or_names_no_purpose_of_theirs_gets_nothing_approved(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Refusal, match="has no role that may erase"):
        desk.ask(CLEO)
    monkeypatch.setattr("review.custodian.custodian.check_role", lambda *_: None)  # a custodian that takes all
    for person, changed, line in ((CLEO, {}, "rules.yaml:6:3"), (PIA, {"purpose": "coaching"}, "rules.yaml:2:1")):
        filed = desk.ask(person, **changed)
        desk.approve()
        refused(desk, filed, "refused", line=line)


def test_a_changed_signature_and_a_removed_key_do_not_count(desk: Desk) -> None:
    filed = desk.ask()
    desk.approve()
    kept = desk.requests.get(filed)
    assert kept is not None
    desk.requests.put(filed, replace(kept, token=kept.token[:-3] + "AAA"))
    refused(desk, filed, "bad-signature")
    desk.requests.put(filed, kept)
    desk.custodian.remove(personal.PersonKey(desk.house.people[CARL].public_key()).id, "test")
    refused(desk, filed, "not-yet")
    desk.world.custodian = None
    refused(desk, filed, "no-custodian")


def test_a_custodian_that_is_not_there_leaves_it_begun_until_it_is(desk: Desk) -> None:
    filed = desk.ask()
    desk.approve()
    away = desk.house.folder / "away"
    (desk.house.folder / "adopted").rename(away)
    assert desk.erase(filed) == {}
    away.rename(desk.house.folder / "adopted")
    with desk.world.opened() as (_, lifecycle):
        assert sorted(lifecycle.finish().erased) == sorted(desk.ids[:2])
        assert lifecycle.sweep(desk.ids[:2]) == 0
        (desk.house.folder / "adopted" / desk.ids[0]).write_text("from a backup")
        assert lifecycle.sweep(desk.ids[:2]) == 1
        for one in desk.ids:
            for path in (desk.house.folder / "adopted" / one, desk.house.folder / "adopted" / f".{one}.new"):
                path.write_text("by an `adopt` that was killed")
        assert lifecycle.sweep(desk.ids[:1]) == 2
        lifecycle.finish()
    left = {f".{desk.ids[2]}.new", desk.ids[2]}
    assert {path.name for path in (desk.house.folder / "adopted").iterdir()} == left
