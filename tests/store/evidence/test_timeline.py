"""The account of a recording, from what the store has received of it."""

from __future__ import annotations

import pytest
from sqlalchemy import delete

from protocol import api
from protocol.bundle import Bundle
from protocol.policyhash import policy_hash
from store.catalog import schema
from store.evidence.account import BlindCause, NotKept
from store.evidence.rules import UNREAD, Bound, PolicyNames, read_names
from store.evidence.timeline import recording as timeline
from store.server import entries
from store.server.services import Services
from testkit.fakes.pc import SECOND, Pc
from tests.store.command_line import Run, run
from tests.store.conftest import Gather
from tests.store.recorded import POLICY, ZERO, Filmed, close, make_filmed

__all__ = ["run"]  # a fixture


def test_every_second_is_accounted_for(filmed: Filmed, gathered: Gather) -> None:
    facts = timeline.facts(gathered(filmed.recording))
    assert facts["state"] == "closed"
    assert facts["whole_ns"] == 10 * SECOND
    assert [(part["from"] / SECOND, part["to"] / SECOND, part["what"]) for part in facts["parts"]] == [
        (0, 3, "kept"),
        (3, 3.2, "closed_margin"),
        (3.2, 4, "closed"),
        (4, 5.5, "closed"),
        (5.5, 6, "closed_margin"),
        (6, 8, "kept"),
        (8, 9, "held"),
        (9, 10, "kept"),
    ]
    assert facts["parts"][3]["rules"] == ["card-forms", "unreadable"]
    assert facts["parts"][6]["holds"] == ["user"]
    assert facts["parts"][6]["reason"] == "Break"
    sums = {
        name: facts[f"{name}_ns"] / SECOND for name in ("kept", "closed", "closed_margin", "held", "blind", "missing")
    }
    assert sums == {"kept": 6, "closed": 2.3, "closed_margin": 0.7, "held": 1, "blind": 0, "missing": 0}
    cards, unreadable = facts["rules"]
    assert (cards["id"], cards["why"], cards["rule"], cards["policy"]) == ("card-forms", "PCI DSS", 0, POLICY)
    assert (cards["closed_ns"], cards["times"]) == (2_300_000_000, 1)
    assert (unreadable["id"], unreadable["rule"], unreadable["closed_ns"]) == (
        "unreadable",
        "unreadable",
        1_500_000_000,
    )
    assert facts["held_by"] == {"user": SECOND}


@pytest.mark.parametrize(
    ("until", "whole"),
    [(ZERO + 11 * SECOND, 11), (ZERO + 9_900_000_000, 10), (ZERO - 1, 13), ("x", 13)],
)
def test_one_that_another_took_over_from_ends_there(
    pc: Pc, bundle: Bundle, gathered: Gather, monkeypatch: pytest.MonkeyPatch, until: object, whole: int
) -> None:
    monkeypatch.setattr(entries, "check", lambda *_: None)  # an earlier store took it
    made = make_filmed(pc, bundle)
    made.put_all()
    close(made, at=13, why="hour", until=until)
    pc.send_ledger()
    facts = timeline.facts(gathered(made.recording))
    assert (facts["whole_ns"], facts["blind_ns"]) == (whole * SECOND, (whole - 10) * SECOND)
    assert sum(part["to"] - part["from"] for part in facts["parts"]) == whole * SECOND


def test_a_policy_whose_text_never_came_leaves_the_number(
    pc: Pc, bundle: Bundle, gathered: Gather, services: Services
) -> None:
    made = make_filmed(pc, bundle)
    with services.database.writing() as connection:
        connection.execute(delete(schema.policies))
    made.put_all()
    pc.send_ledger()
    assert [rule["id"] for rule in timeline.facts(gathered(made.recording))["rules"]] == ["rule 0", "unreadable"]


def test_one_pc_s_policies_are_read_once_each_so_many_of_them_and_only_for_who_shows_names(
    pc: Pc, bundle: Bundle, gathered: Gather, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.evidence.evidence.MOST_POLICIES", 3)  # the real bound is 32
    made = make_filmed(pc, bundle)
    others = []
    for number in range(5):
        files = {"p.yaml": f"rules: [{{id: of-{number}}}]\n...\n"}
        others.append(policy_hash({name: text.encode() for name, text in files.items()}))
        assert pc.client.put(api.policy_path(others[-1]), json={"files": files}, headers=pc.bearer).is_success
        for _ in range(2):
            pc.ledger.write("lane-closed", at=ZERO + 9 * SECOND, lane="screen", rules=[0], policy=others[-1])
    close(made)
    made.put_all()
    assert pc.send_ledger().is_success
    read: list[object] = []

    def counted(files: dict[str, str], bound: Bound) -> PolicyNames:
        read.append(files)
        return read_names(files, bound)

    monkeypatch.setattr("store.evidence.evidence.read_names", counted)  # what is read is counted
    for command in (("recordings",), ("verify", str(made.recording.id)), ("verify", "--all")):
        run(*command)
    assert read == []
    found = gathered(made.recording)
    assert len(read) == 3
    first = others[0]
    assert found.names_of(POLICY).rules
    assert [rule.id for rule in found.names_of(first).rules] == ["of-0"]
    assert found.names_of(others[4]) is UNREAD


def test_an_open_recording_has_a_rest_that_is_not_here_yet(pc: Pc, bundle: Bundle, gathered: Gather) -> None:
    made = make_filmed(pc, bundle)
    made.pc.ledger.write("heads", at=ZERO + 10 * SECOND, recording=str(made.recording.id), heads=made.recording.heads())
    for body in made.sealed[:-1]:
        made.pc.put_sealed(body)
    made.pc.send_ledger()
    facts = timeline.facts(gathered(made.recording))
    assert facts["state"] == "open"
    last = facts["parts"][-1]
    assert (last["from"], last["to"], last["what"], last["why"]) == (9 * SECOND, 10 * SECOND, "missing", "not-here-yet")


def test_a_chunk_that_is_lost_is_missing_and_no_closing(filmed: Filmed, gathered: Gather, services: Services) -> None:
    with services.database.writing() as connection:
        connection.execute(delete(schema.sealed).where(schema.sealed.c.sequence == 2))
    facts = timeline.facts(gathered(filmed.recording))
    assert facts["missing_by"] == {"lost": SECOND}
    assert [part["what"] for part in facts["parts"]][:3] == ["kept", "missing", "kept"]


def test_a_tail_that_was_cut_off_is_missing(filmed: Filmed, gathered: Gather, services: Services) -> None:
    with services.database.writing() as connection:
        connection.execute(delete(schema.sealed).where(schema.sealed.c.sequence >= 4))
    facts = timeline.facts(gathered(filmed.recording))
    assert facts["missing_by"] == {"lost": 3_700_000_000}  # from 3 s on, but for what rules closed and the user held
    assert facts["held_by"] == {"user": SECOND}


def test_what_an_agent_that_died_had_not_sealed_is_blind(pc: Pc, bundle: Bundle, gathered: Gather) -> None:
    made = make_filmed(pc, bundle)
    made.put_all()
    made.pc.ledger.write("heads", at=ZERO + 12 * SECOND, recording=str(made.recording.id), heads=made.recording.heads())
    rebooted = 3 * SECOND  # the clock began again
    made.pc.ledger.write(
        "blind-since", at=rebooted, why="died", to=rebooted, from_wall=1, **{"from": ZERO + 12 * SECOND}
    )
    made.pc.ledger.write("start", at=rebooted)
    made.pc.send_ledger()
    evidence = gathered(made.recording)
    facts = timeline.facts(evidence)
    assert facts["state"] == "broken-off"
    assert facts["whole_ns"] == 12 * SECOND
    assert facts["blind_by"] == {"unproven": 2 * SECOND}


@pytest.mark.parametrize("boot", [{}, {"boot": "two"}])
def test_a_death_in_a_later_run_says_nothing_of_this_one(
    pc: Pc, bundle: Bundle, gathered: Gather, boot: dict[str, str]
) -> None:
    """The PC started anew, and its clock began again: the same moments mean other times."""
    made = make_filmed(pc, bundle)
    made.put_all()
    close(made)
    made.pc.ledger.write("stop", at=ZERO + 20 * SECOND, why="shutdown")
    made.pc.send_ledger()
    before = timeline.facts(gathered(made.recording))
    made.pc.ledger.write("start", at=SECOND, **boot)
    made.pc.ledger.write("blind-since", at=2**62, to=2**62, why="died", from_wall=1, **boot, **{"from": 2 * SECOND})
    made.pc.send_ledger()
    assert timeline.facts(gathered(made.recording)) == before


def test_after_a_death_all_the_rest_is_blind_whatever_the_next_clock_says(
    pc: Pc, bundle: Bundle, gathered: Gather
) -> None:
    made = make_filmed(pc, bundle)
    made.put_all()
    rebooted = 3 * SECOND
    made.pc.ledger.write(
        "blind-since", at=rebooted, why="died", to=rebooted, boot="two", from_wall=1, **{"from": ZERO + 9 * SECOND}
    )
    made.pc.send_ledger()
    evidence = gathered(made.recording)
    assert evidence.stated("screen")[-1] == NotKept(9 * SECOND, None, BlindCause("died"))


def test_a_recording_whose_ledger_has_not_come_says_so(pc: Pc, bundle: Bundle, gathered: Gather) -> None:
    made = make_filmed(pc, bundle)
    made.put_all()
    facts = timeline.facts(gathered(made.recording))
    assert facts["missing_by"] == {"no-ledger": 4 * SECOND}
    assert facts["kept_ns"] == 6 * SECOND
