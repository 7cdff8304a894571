"""The report's section on reviews: which were due, done, late or not, by the rules and by what the logs say."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from review.audit.kinds import Act
from review.report import reviewing
from review.report.document import Heading, Table, Text, document
from review.report.gather import Period, Sources, gather
from review.report.logs import Source, read_log
from review.report.model import Model
from review.rules import parse_files
from store.admin.init import COMPLIANCE
from testkit.lifecycle import World, govern
from tests.review.audit.making import KEY, SIGNER, Clock, new_log

RULES = """\
schema: 1
revision: 1
name: House
roles:
  compliance: { may: [list, play], of: all, purposes: [mifid], sample: { mifid: 5 per agent per month } }
reviews: [{ review: mifid, by: compliance, since: 2026-08-01, within: 20d, why: MiFID II 16(7) }]
retention: [{ class: rest, keep: 180d }]
...
"""
SUMS = {"drawn": 4, "fine": 2, "finding": 1, "escalated": 1, "missing": 0}
CLEO = "cleo@example.com"


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9


def signed(month: str, state: str = "done", who: str = CLEO, **changed: Any) -> Act:
    facts = {"step": "signed", "month": month, "state": state, **SUMS}
    return Act("review", who, "-", ["mifid"], facts, **changed)


def made(
    folder: Path, said: list[tuple[str, Act]], first: str = "2026-11-01", last: str = "2026-12-01",
    log: str = "console",
    model: Model | None = None,
) -> Model:  # fmt: skip
    """Of [first, last), with a log in which these stand, each at its time."""
    if model is None:
        model = Model(first, last, "UTC", at(first), at(last), at("2026-12-24"), "ann", "log", "key", "en")
        reviewing.demand(model, parse_files({"rules.yaml": RULES.encode()}))
    clock = Clock()
    written = new_log(folder / log, clock)
    for when, act in said:
        clock.now = at(when)
        written.append(act)
    read_log(model, Source(log, folder / log, SIGNER.key, KEY, {}), lambda: None)
    reviewing.finish(model, parse_files({"rules.yaml": RULES.encode()}))
    return model


OTHERS = [
    ("2026-11-02", Act("review", CLEO, "-", ["mifid"], {"step": "looked", "month": "2026-10"})),
    ("2026-11-03", Act("review", CLEO, "-", ["mifid"], {"step": "judged", "month": "2026-10", "outcome": "fine"})),
    ("2026-11-04", signed("2026-10", outcome="failure", reason="unfinished")),
]
# What was signed when -> (month, state, late) of each row, in a report of November: October is due before the 21st.
CASES = {
    "nothing": ([], [("2026-10", "", True)]),
    "other steps": (OTHERS, [("2026-10", "", True)]),
    "in time": ([("2026-11-20T23:59", signed("2026-10"))], [("2026-10", "done", False)]),
    "late": ([("2026-11-21", signed("2026-10"))], [("2026-10", "done", True)]),
    "unfinished": ([("2026-11-10", signed("2026-10", "unfinished"))], [("2026-10", "unfinished", True)]),
    "unfinished, then done": (
        [("2026-11-10", signed("2026-10", "unfinished")), ("2026-11-12", signed("2026-10"))],
        [("2026-10", "done", False)],
    ),
    "done twice": (
        [("2026-11-12", signed("2026-10")), ("2026-11-25", signed("2026-10"))],
        [("2026-10", "done", False)],
    ),
    "an earlier one": (
        [("2026-11-10", signed("2026-10")), ("2026-11-11", signed("2026-09"))],
        [("2026-09", "done", True), ("2026-10", "done", False)],
    ),
    "after the period": ([("2026-12-01", signed("2026-10"))], [("2026-10", "", True)]),
}


@pytest.mark.parametrize("name", CASES)
def test_what_was_due_and_what_was_signed(tmp_path: Path, name: str) -> None:
    said, rows = CASES[name]
    model = made(tmp_path, said)
    assert [(one.month, one.state, one.late) for one in model.reviews] == rows
    assert all(one.sums == (SUMS if one.state else {}) for one in model.reviews)


def test_what_was_signed_before_the_period_counts_for_what_is_due_in_it(tmp_path: Path) -> None:
    said = [("2026-11-05", signed("2026-10")), ("2026-11-06", signed("2026-09"))]
    model = made(tmp_path, said, first="2026-11-15")
    assert [(one.month, one.state, one.late, one.at) for one in model.reviews] == [
        ("2026-10", "done", False, at("2026-11-05") + 10**9)
    ]
    assert model.logs[0].counts == {}  # they are no acts of this period


def test_the_custodian_counts_before_the_console(tmp_path: Path) -> None:
    model = made(tmp_path, [("2026-11-10", signed("2026-10", who="ann@example.com"))])
    made(tmp_path, [("2026-11-10", signed("2026-10"))], log="custodian", model=model)
    (row,) = model.reviews
    assert (row.log, row.state) == ("custodian", "done")
    first = made(tmp_path / "b", [("2026-11-10", signed("2026-10"))], log="custodian")
    made(tmp_path / "b", [("2026-11-11", signed("2026-10", who="ann@example.com"))], model=first)
    assert (first.reviews[0].log, first.reviews[0].at) == ("custodian", at("2026-11-10") + 10**9)


# What each log says, in the order in which they are read -> (month, state, log) of each row, and whether it is late.
BOTH: list[tuple[list[tuple[str, str, Act]], list[tuple[str, str, str, bool]]]] = [
    ([("console", "10", signed("2026-10")), ("custodian", "10", signed("2026-10", "unfinished"))],
     [("2026-10", "unfinished", "custodian", True)]),
    ([("custodian", "10", signed("2026-10", "unfinished")), ("console", "10", signed("2026-10"))],
     [("2026-10", "unfinished", "custodian", True)]),
    ([("console", "10", signed("2026-10")), ("custodian", "10", signed("2026-09"))],
     [("2026-09", "done", "custodian", True), ("2026-10", "", "", True)]),
    ([("custodian", "10", signed("2026-10")), ("console", "10", signed("2026-09"))],
     [("2026-10", "done", "custodian", False)]),
    ([("console", "10", signed("2026-10")), ("custodian", "25", signed("2026-10"))],
     [("2026-10", "done", "custodian", True)]),
]  # fmt: skip


@pytest.mark.parametrize("place", range(len(BOTH)))
def test_what_the_console_alone_says_is_signed_is_not(tmp_path: Path, place: int) -> None:
    said, rows = BOTH[place]
    model = None
    for log, day, act in said:
        model = made(tmp_path, [(f"2026-11-{day}", act)], log=log, model=model)
    assert model is not None
    assert [(one.month, one.state, one.log, one.late) for one in model.reviews] == rows


def test_who_signs_again_later_makes_no_month_late(tmp_path: Path) -> None:
    again = [("2026-11-10", signed("2026-10")), ("2026-11-25", signed("2026-10", who="ann@example.com"))]
    (row,) = made(tmp_path, again, log="custodian").reviews
    assert (row.state, row.late, row.at) == ("done", False, at("2026-11-10") + 10**9)


@pytest.mark.parametrize(
    "changed",
    [{"month": one} for one in ("x", "2026-13", "-", "9999-12", "2026-10-01")] + [{"state": "good"}],
)
def test_a_log_that_says_what_no_console_writes_ends_no_report(tmp_path: Path, changed: dict[str, str]) -> None:
    facts = {"step": "signed", "month": "2026-10", "state": "done", **SUMS, **changed}
    act = Act("review", CLEO, "-", ["mifid"], facts)
    model = made(tmp_path, [("2026-11-10", act)])
    assert [(one.month, one.state, one.late) for one in model.reviews] == [("2026-10", "", True)]
    assert document(model).blocks


@pytest.mark.parametrize(("language", "words"), [("en", "done, late"), ("de", "erledigt, verspätet")])
def test_the_document_says_it(tmp_path: Path, language: str, words: str) -> None:
    model = made(tmp_path, [("2026-11-25", signed("2026-10"))])
    model.language = language
    blocks = document(model).blocks
    (place,) = [n for n, one in enumerate(blocks) if isinstance(one, Heading) and one.text in {
        "Periodic reviews", "Regelmäßige Prüfungen"}]  # fmt: skip
    table = blocks[place + 2]
    assert isinstance(table, Table)
    (row,) = table.rows
    assert row[:2] == ("mifid", "2026-10")
    assert row[3] == words
    assert row[4:9] == ("4", "2", "1", "1", "0")
    assert model.reviews[0].who in row


def test_without_rules_that_demand_one_there_is_none(tmp_path: Path) -> None:
    model = Model("2026-11-01", "2026-11-30", "UTC", at("2026-11-01"), at("2026-12-01"), 1, "ann", "log", "key", "en")
    said = {one.text for one in document(model).blocks if isinstance(one, Text)}
    assert "None was due, and none was signed." in said
    model.rules_read = False
    said = {one.text for one in document(model).blocks if isinstance(one, Text)}
    assert "The rules in force could not be read: which reviews they demand is not known." in said
    assert tmp_path.exists()


def test_the_rules_are_those_that_the_store_has(tmp_path: Path) -> None:
    world = World.found(tmp_path)
    with closing(world.home.database()) as database:
        log = new_log(tmp_path / "log")

        def gathered(first: date, last: date) -> Model:
            source = Source("console", log.folder, SIGNER.key, KEY, {})
            of = world.home.key(COMPLIANCE).id
            sources = Sources(database, world.home.blobs(), of, SIGNER.key, [source])
            return gather(sources, Period(first, last), "ann", verify=False)

        november = date(2026, 11, 1), date(2026, 11, 30)
        assert gathered(*november).reviews == []
        govern(world.home, RULES)
        assert [(one.review, one.month) for one in gathered(*november).reviews] == [("mifid", "2026-10")]
