"""Keys, settings and policy as the doctor asks them, in homes as they are on PCs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agent.cli.main import main
from agent.config import defaults, load, resolve
from agent.core.language.change import InForce
from agent.core.model.times import SECOND
from agent.doctor.ask import ask_all, settings
from agent.doctor.ask.home import ask_keys, ask_policy
from agent.doctor.facts import Facts
from agent.doctor.findings import Unasked
from agent.doctor.judge import eyelid as judge
from agent.enrolment import enrol
from agent.state.identity import Trust
from agent.state.identity import load as load_identity
from agent.state.in_force import remember
from agent.witness.policies import parse_files, read_folder
from tests.doctor.facts import GOOD
from tests.fakes.store import FakeStore

POLICY = """\
schema: 1
revision: 3
name: Cards
parked_tabs: allow
rules:
  - {id: cards, why: PCI, any: [{url: [pay.example.com/secret-path]}]}
...
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EYELID_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("EYELID_CONFIG", raising=False)
    return tmp_path / "home"


@pytest.fixture
def shop() -> Iterator[FakeStore]:
    with FakeStore() as running_store:
        yield running_store


def put(home: Path, text: str) -> None:
    (home / "policies").mkdir(parents=True, exist_ok=True)
    (home / "policies" / "cards.yaml").write_text(text)


# -- keys ---------------------------------------------------------------------------------------------------------


def test_keys_that_only_their_user_can_read(home: Path, shop: FakeStore) -> None:
    assert not ask_keys(home).enrolled
    enrol(shop.pasted(), load())
    seen = ask_keys(home)
    assert (seen.enrolled, seen.trouble, seen.device, seen.bundle) == (True, "", "device-1", 1)
    assert [file.mode for file in seen.files] == [0o700, 0o600, 0o600]
    assert judge.keys(seen, GOOD).mark == "good"
    assert judge.pins(seen, GOOD).mark == "good"


@pytest.mark.parametrize(("name", "mode"), [("identity.json", 0o640), ("trust.json", 0o604), ("", 0o755)])
def test_keys_that_lie_open(home: Path, shop: FakeStore, name: str, mode: int) -> None:
    enrol(shop.pasted(), load())
    (home / name).chmod(mode)
    finding = judge.keys(ask_keys(home), GOOD)
    assert finding.mark == "wrong"
    assert finding.next[0].endswith(f" {(home / name)}")
    assert os.system(finding.next[0]) == 0  # noqa: S605 - the step that is told mends it
    assert judge.keys(ask_keys(home), GOOD).mark == "good"


@pytest.mark.skipif(os.getuid() != 0, reason="giving a file away needs root")
def test_keys_of_somebody_else(home: Path, shop: FakeStore) -> None:
    enrol(shop.pasted(), load())
    os.chown(home / "identity.json", 61_000, 61_000)
    finding = judge.keys(ask_keys(home), GOOD)
    assert finding.mark == "wrong"
    assert "belongs to another user" in finding.found


def test_keys_that_are_damaged(home: Path, shop: FakeStore) -> None:
    enrol(shop.pasted(), load())
    (home / "trust.json").write_text("{}")
    assert "trust.json is damaged" in judge.keys(ask_keys(home), GOOD).found


# -- policy -------------------------------------------------------------------------------------------------------


def test_a_policy_and_its_age(home: Path) -> None:
    put(home, POLICY)
    os.utime(home / "policies" / "cards.yaml", (1, 1))
    seen = ask_policy(load(), "")
    assert (seen.revision, seen.rules, seen.parked_tabs, seen.bundle) == (3, 1, True, None)
    assert seen.age > 50 * 365 * 86_400
    assert judge.policy(seen, GOOD).mark == "warning"


def test_mistakes_are_told_by_their_places_alone(home: Path) -> None:
    put(home, POLICY.replace("url: [pay.example.com/secret-path]", "url: ['pay.example.com /secret-path']"))
    seen = ask_policy(load(), "")
    assert seen.places == (f"{home}/policies/cards.yaml:6:40",)
    finding = judge.policy(seen, GOOD)
    assert finding.mark == "wrong"
    assert "secret-path" not in str(finding)
    assert finding.next == (f"eyelid policy check {home}/policies",)


def test_no_policy_at_all(home: Path) -> None:
    finding = judge.policy(ask_policy(load(), ""), GOOD)
    assert finding.mark == "wrong"
    assert "has no policy in it, or cannot be read, and nothing is recorded" in finding.found
    begin = finding.next[-1]
    assert begin == f"eyelid policy init payments --into {home}/policies"
    assert main(begin.split()[1:]) == 0  # the step leads out of it
    assert judge.policy(ask_policy(load(), ""), GOOD).mark != "wrong"


def test_a_change_without_a_new_revision_is_not_in_force(home: Path) -> None:
    put(home, POLICY)
    remember(home, InForce.of(read_folder(home / "policies")), 5 * SECOND)
    assert ask_policy(load(), "").since == 5.0
    assert judge.policy(ask_policy(load(), ""), GOOD).mark == "good"
    put(home, POLICY.replace("why: PCI", "why: PCI DSS"))
    finding = judge.policy(ask_policy(load(), ""), GOOD)
    assert finding.mark == "wrong"
    assert "up to 4" in finding.next[0]
    put(home, POLICY.replace("revision: 3", "revision: 4"))
    assert judge.policy(ask_policy(load(), ""), GOOD).mark == "warning"  # a recorder runs, and has not taken it yet
    assert ask_policy(load(), "ab" * 32).last == (3, "ab" * 32)  # what a recorder says counts


def test_a_damaged_memory_is_said(home: Path) -> None:
    put(home, POLICY)
    (home / "policy-in-force.json").write_text("{")
    assert "is damaged" in judge.policy(ask_policy(load(), ""), GOOD).found


def test_what_compliance_signed_is_judged_and_not_what_lies_in_the_folder(home: Path, shop: FakeStore) -> None:
    shop.bundle = shop.signed_bundle(1, None, **{"cards.yaml": POLICY})
    enrol(shop.pasted(), load())  # puts it into the folder too
    seen = ask_policy(load(), "")
    assert (seen.bundle, seen.revision, seen.beside) == (1, 3, "same")
    newer = shop.signed_bundle(2, None, **{"cards.yaml": POLICY.replace("revision: 3", "revision: 8")})
    Trust(load_identity(home)).adopt(newer, ())
    remember(home, InForce.of(parse_files({"cards.yaml": POLICY.replace("revision: 3", "revision: 8").encode()})), 1)
    seen = ask_policy(load(), "")
    assert (seen.bundle, seen.revision, seen.beside, seen.beside_revision) == (2, 8, "older", 3)
    assert judge.policy(replace(seen, age=0.0), GOOD).mark == "good"  # the folder's revision 3 is not what counts
    assert judge.signed(seen, GOOD).mark == "good"
    for text, revision in ((POLICY.replace("revision: 3", "revision: 9"), 9), ("schema: 1\n", None)):
        put(home, text)
        seen = ask_policy(load(), "")
        assert (seen.revision, seen.beside, seen.beside_revision) == (8, "another", revision)
        assert judge.signed(seen, GOOD).mark == "warning"
    assert judge.guarded(ask_policy(load(), "", os.getuid() + 61_000), GOOD).mark == "good"


def test_a_signed_policy_with_mistakes_is_told_by_its_places(home: Path, shop: FakeStore) -> None:
    shop.bundle = shop.signed_bundle(1, None, **{"cards.yaml": POLICY.replace("why: PCI", "wy: PCI")})
    enrol(shop.pasted(), load())
    seen = ask_policy(load(), "")
    assert seen.places[0] == "bundle-1/cards.yaml:6:5"
    assert home.exists()


def test_a_policy_that_the_recorded_user_can_change(home: Path) -> None:
    put(home, POLICY)
    somebody = os.getuid() + 61_000
    assert not ask_policy(load(), "", somebody).mine
    for path in (home / "policies", home / "policies" / "cards.yaml"):
        before = path.stat().st_mode
        path.chmod(0o777)
        assert ask_policy(load(), "", somebody).mine
        path.chmod(before)


@pytest.mark.skipif(os.getuid() != 0, reason="giving a folder away needs root")
def test_whoever_owns_a_folder_above_can_change_it_too(home: Path) -> None:
    put(home, POLICY)
    os.chown(home, 61_000, 61_000)
    assert ask_policy(load(), "", 61_000).mine
    assert not ask_policy(load(), "", 61_001).mine


# -- settings, and all at once ------------------------------------------------------------------------------------


def test_a_password_that_others_may_read(tmp_path: Path) -> None:
    file = tmp_path / "agent.yaml"
    file.write_text("upload: {proxy: 'http://a:hunter2@proxy:3128'}\n")
    for mode, is_open in ((0o644, True), (0o600, False)):
        file.chmod(mode)
        seen = settings(resolve({"EYELID_CONFIG": str(file)}), ())
        assert bool(seen.open_password) is is_open
    file.chmod(0o644)
    file.write_text("upload: {proxy: 'http://proxy:3128'}\n")
    assert settings(resolve({"EYELID_CONFIG": str(file)}), ()).open_password == ""


def test_whatever_a_question_meets_the_others_are_answered(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from agent.doctor.ask import disk, memory, units  # noqa: PLC0415 - to break them

    def broken(*_: object) -> object:
        raise KeyError("a fault")

    def refused(*_: object) -> object:
        raise PermissionError(13, "Permission denied", "/somewhere")

    def hangs(*_: object) -> object:
        import time  # noqa: PLC0415

        time.sleep(30)
        return None

    monkeypatch.setattr(memory, "ask", broken)
    monkeypatch.setattr(disk, "ask", refused)
    monkeypatch.setattr(units, "ask", hangs)
    facts: Facts = ask_all(defaults(), ("x:1:1 a mistake",), within=8)
    assert facts.memory == Unasked("a fault of Eyelid's own (KeyError): please report this")
    assert facts.disk == Unasked("Permission denied")
    assert facts.units == Unasked("it did not answer within 8 s")
    assert not isinstance(facts.keys, Unasked)
    assert not isinstance(facts.settings, Unasked)
    assert facts.settings.mistakes == ("x:1:1 a mistake",)
    assert home.parent.exists()
