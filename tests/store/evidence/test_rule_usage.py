"""How rules were used: per PC from its account, over all PCs as `eyelid-store rules` tells it, and the alarms."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from sqlalchemy import select

from agent.core.account.watch import Amiss
from protocol import api
from protocol.policyhash import policy_hash
from store.catalog import schema
from store.commands import rules as command
from store.evidence.account import Entry
from store.evidence.rules import UNREAD, PolicyNames, RuleName
from store.evidence.timeline.rule_usage import RuleUse, TooManyChanges, rule_usage
from store.evidence.timeline.rules_used import joined
from store.server.services import Services
from testkit.fakes.pc import Pc
from tests.store.command_line import Run, run  # noqa: F401 - a fixture

SECOND = 1_000_000_000
NAMES = {"p": (RuleName("cards", "PCI"), RuleName("charts", "HIPAA")), "q": (RuleName("charts", "HIPAA"),)}


def used(*entries: tuple[float, str, dict[str, object]], since: int = 0) -> dict[str, RuleUse]:
    def names_of(policy: str) -> PolicyNames:
        return PolicyNames(NAMES[policy]) if policy in NAMES else UNREAD

    made = [
        Entry(number, round(at * SECOND), kind, {"wall": round(at * SECOND), **fields})
        for number, (at, kind, fields) in enumerate(entries)
    ]
    return rule_usage(made, names_of, since)


IN_FORCE = (1.0, "policy", {"policy": "p"})


def closed(
    at: float, *rules: int | str, lane: str = "screen", policy: str = "p"
) -> tuple[float, str, dict[str, object]]:
    return at, "lane-closed", {"lane": lane, "rules": list(rules), "policy": policy}


def opened(at: float, lane: str = "screen") -> tuple[float, str, dict[str, object]]:
    return at, "lane-open", {"lane": lane}


def would(at: float, *rules: int) -> tuple[float, str, dict[str, object]]:
    return at, "would-close", {"lane": "audio", "rules": list(rules), "policy": "p"}


def test_how_often_and_how_long() -> None:
    found = used(IN_FORCE, closed(2, 0), opened(5), closed(6, 0, "unreadable"), opened(6.5))
    assert found == {
        "cards": RuleUse("PCI", SECOND, times=2, ns=3_500_000_000, last=6 * SECOND),
        "charts": RuleUse("HIPAA", SECOND),
    }


def test_both_lanes_at_once_count_once() -> None:
    found = used(IN_FORCE, closed(2, 0), closed(3, 0, lane="audio"), opened(4), opened(6, "audio"))
    assert (found["cards"].times, found["cards"].ns) == (1, 4 * SECOND)


def test_time_in_a_hold_counts_for_nobody() -> None:
    found = used(IN_FORCE, closed(2, 0), (3, "hold", {"hold": "locked"}), (8, "release", {"hold": "locked"}), opened(9))
    assert (found["cards"].times, found["cards"].ns) == (1, 2 * SECOND)


def test_what_was_only_tried() -> None:
    found = used(IN_FORCE, would(2, 1), would(4))
    assert found["charts"] == RuleUse("HIPAA", SECOND, would_times=1, would_ns=2 * SECOND, last=2 * SECOND)


def test_the_last_policy_counts_and_remembers_what_it_kept() -> None:
    found = used(
        IN_FORCE, closed(2, 0, 1), opened(3), (4, "policy", {"policy": "q"}), closed(5, 0, policy="q"), opened(6)
    )
    assert found == {"charts": RuleUse("HIPAA", SECOND, times=2, ns=2 * SECOND, last=5 * SECOND)}


def test_a_new_run_and_what_was_before_the_time_count_for_nothing() -> None:
    found = used(IN_FORCE, closed(2, 0), (50, "start", {}), IN_FORCE, opened(60))
    assert found["cards"].ns == 0
    found = used(IN_FORCE, closed(2, 0), opened(5), closed(8, 0), opened(9), since=6 * SECOND)
    assert (found["cards"].times, found["cards"].ns, found["cards"].known) == (1, SECOND, SECOND)


def test_policies_and_numbers_that_are_not_here() -> None:
    assert used((1, "policy", {"policy": "?"}), closed(2, 0, policy="?")) == {}
    found = used(IN_FORCE, closed(2, 7, -1, "web-engine"), closed(3, 0, policy="?"), opened(4))
    assert [use.last for use in found.values()] == [None, None]


def test_the_same_policy_anew_is_no_change_and_changes_without_end_are_not_followed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("store.evidence.timeline.rule_usage.MOST_PUT", 5)  # the real bound is a million
    found = used(IN_FORCE, closed(2, 0), opened(3), *[(at, "policy", {"policy": "p"}) for at in range(4, 50)])
    assert (found["cards"].times, found["cards"].known) == (1, SECOND)
    changes = [(at, "policy", {"policy": "pq"[at % 2]}) for at in range(4)]
    with pytest.raises(TooManyChanges):
        used(*changes)


def test_never_is_said_of_all_pcs_and_only_after_long_enough() -> None:
    none, old = RuleUse("w", 0), RuleUse("w", 5, times=1, ns=3, last=9)
    late = RuleUse("w", 200)
    found = joined([{"a": none, "b": none, "c": late}, {"b": old, "d": late}], since=100, tolerance=10)
    assert [(rule.id, rule.devices, rule.never) for rule in found] == [
        ("a", 1, True),
        ("b", 2, False),
        ("c", 1, False),
        ("d", 1, False),
    ]
    assert (found[1].total.times, found[1].total.ns, found[1].total.last) == (1, 3, 9)


# -- the command --------------------------------------------------------------------------------------------------

FILES = {"p.yaml": "rules:\n  - {id: cards, why: PCI}\n  - {id: charts, why: HIPAA}\n...\n"}
POLICY = policy_hash({name: text.encode() for name, text in FILES.items()})


@pytest.fixture
def told(pc: Pc) -> Pc:
    """A PC that closed for cards once, and would have for charts; its wall clock is fixed (testkit.fakes.pc)."""
    assert pc.client.put(api.policy_path(POLICY), json={"files": FILES}, headers=pc.bearer).is_success
    write = pc.ledger.write
    write("start", at=0)
    write("policy", at=0, policy=POLICY, revision=1)
    write("lane-closed", at=SECOND, lane="screen", rules=[0], policy=POLICY)
    write("lane-open", at=61 * SECOND, lane="screen")
    assert pc.send_ledger().is_success
    return pc


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sets the operator's clock to so many seconds after the PC's began."""

    def set_to(after: int) -> None:
        monkeypatch.setattr(command, "wall", lambda: (1_800_000_000 + after) * SECOND)

    set_to(3600)
    return set_to


@pytest.mark.usefixtures("now")
def test_rules_as_a_table_and_as_facts(run: Run, told: Pc) -> None:  # noqa: F811
    answer = run("rules", "--since", "1h")
    assert answer.code == 1
    assert [line.split()[:2] for line in answer.out.splitlines() if "all this time" in line] == [["charts", "never"]]
    assert "never in all this time" in answer.out
    assert "NEVER CLOSED ANYTHING: charts" in answer.out
    facts = json.loads(run("rules", "--json", "--since", "1h", "--device", str(told.device)[:8]).out)
    assert facts["never"] == ["charts"]
    cards = next(rule for rule in facts["rules"] if rule["id"] == "cards")
    assert (cards["closed"], cards["closed_ns"], cards["devices"], cards["why"]) == (1, 60 * SECOND, 1, "PCI")


@pytest.mark.usefixtures("told")
def test_a_rule_that_is_too_young_to_tell(run: Run, now: Callable[[int], None]) -> None:  # noqa: F811
    now(120)
    answer = run("rules", "--since", "1d")
    assert answer.code == 0
    assert "no rule has been idle all this time" in answer.out


@pytest.mark.usefixtures("now")
def test_rules_that_are_all_used(run: Run, told: Pc) -> None:  # noqa: F811
    told.ledger.write("would-close", at=100 * SECOND, lane="audio", rules=[1], policy=POLICY)
    told.ledger.write("would-close", at=130 * SECOND, lane="audio", rules=[], policy=POLICY)
    assert told.send_ledger().is_success
    answer = run("rules", "--since", "1h")
    assert answer.code == 0
    assert "1 times, 30.0 s" in answer.out
    assert "no rule has been idle all this time" in answer.out


def test_rules_before_any_pc_has_told(run: Run) -> None:  # noqa: F811
    assert "No PC has reported a policy" in run("rules").out


@pytest.mark.usefixtures("now")
def test_policies_without_names_are_said(run: Run, told: Pc) -> None:  # noqa: F811
    files = {"p.yaml": "rules:\n" + "- {}\n" * 20_000}  # the table had as many lines
    policy = policy_hash({name: text.encode() for name, text in files.items()})
    assert told.client.put(api.policy_path(policy), json={"files": files}, headers=told.bearer).is_success
    told.ledger.write("policy", at=100 * SECOND, policy=policy, revision=2)
    assert told.send_ledger().is_success
    answer = run("rules", "--since", "1h")
    assert f"{told.device}  rules of a policy whose text is not here" in answer.err
    facts = json.loads(run("rules", "--json", "--since", "1h").out)
    assert [rule["id"] for rule in facts["rules"]] == ["charts", "cards"]
    assert (facts["unnamed"], facts["unreadable"]) == ([str(told.device)], [])


# -- alarms -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", [*(amiss.value for amiss in Amiss), "rule-disarmed", "bundle-refused"])
def test_what_a_pc_tells_of_its_policy_is_an_alarm_at_the_store(told: Pc, services: Services, what: str) -> None:
    told.ledger.write("alarm", at=70 * SECOND, what=what, rules=[0], policy=POLICY)
    told.ledger.write("alarm", at=71 * SECOND, what="no-sound")
    assert told.send_ledger().is_success
    assert told.send_ledger(told.ledger.batch(0)).is_success  # repeated: told once
    with services.database.reading() as connection:
        rows = connection.execute(select(schema.alarms)).all()
    assert [(row.code, row.sequence) for row in rows] == [(what, 4)]
