"""Lists of alarms, gaps and uses of rules: pages have each line once, whatever is asked and whosever it is, and the
engine's steps for a page do not grow with what there is."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from review.search import pc_find, pc_index, pc_schema
from review.search.pc_find import Asked, AskedRules, Reach
from review.search.pc_index import PcIndex
from review.search.pc_schema import GAP
from store.catalog import schema as catalog
from store.catalog.alarms import acknowledge
from store.catalog.database import Database, upgrade
from store.catalog.queries import devices
from store.clock import SECOND
from store.evidence.evidence import Policies
from testkit.lifecycle import World

EMPTY = {"until": None, "length": None, "number": None, "why": "", "recording": None, "stream": None, "sequence": None}


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Database]:
    with closing(pc_schema.opened(tmp_path / "pcs.db")) as made:
        yield made


def fill(index: Database, count: int, pcs: int, seed: int = 1) -> list[dict[str, Any]]:
    """Of random PCs, times and kinds; some at the same moment."""
    drawn = random.Random(seed)
    rows = [
        EMPTY | {"list": GAP, "device": f"pc-{drawn.randrange(pcs):05}", "at": drawn.randrange(count // 2 + 1) * SECOND,
                 "kind": drawn.choices(pc_schema.GAPS, (90, 5, 3, 1, 1))[0], "length": drawn.randrange(9)}
        for _ in range(count)
    ]  # fmt: skip
    with index.writing() as connection:
        connection.execute(sa.insert(pc_schema.lines), rows)
    return rows


def reach(pcs: int, of: int) -> Reach:
    return Reach(frozenset(f"pc-{number:05}" for number in range(0, of, max(1, of // pcs))[:pcs]), pcs == of)


def walk(connection: sa.Connection, who: Reach, asked: Asked) -> Iterator[pc_find.Lines]:
    while True:
        page = pc_find.page(connection, who, asked)
        yield page
        if page.following is None:
            return
        asked = Asked(asked.list, asked.kind, asked.since, asked.until, page.following)


@pytest.mark.parametrize("seed", range(6))
def test_pages_have_each_line_once_newest_first(index: Database, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    monkeypatch.setattr(pc_find, "MANY", 5)
    monkeypatch.setattr(pc_find, "SIZE", 7)
    drawn = random.Random(seed)
    rows = fill(index, 300, 20, seed)
    with index.reading() as connection:
        for pcs in (1, 4, 12, 20):
            who = reach(pcs, 20)
            for kind in ("", pc_schema.LOST, pc_schema.UNEXPLAINED):
                since, until = sorted((drawn.randrange(150) * SECOND, drawn.randrange(150) * SECOND + 1))
                asked = Asked(GAP, kind, since, until)
                fits = [
                    row for row in rows
                    if row["device"] in who.devices and kind in ("", row["kind"]) and since <= row["at"] < until
                ]  # fmt: skip
                pages = list(walk(connection, who, asked))
                shown = [row for page in pages for row in page.rows]
                assert len(shown) == len({row.id for row in shown}) == len(fits)
                assert {page.count for page in pages} == {len(fits)}
                assert all((a.at, a.id) > (b.at, b.id) for a, b in pairwise(shown))
                found = pc_find.sums(connection, who, asked)
                assert sum(number for number, _ in found.values()) == len(fits)
                assert sum(length for _, length in found.values()) == sum(row["length"] for row in fits)
        assert pc_find.page(connection, Reach(frozenset(), every=False), Asked(GAP)).rows == ()


def steps(connection: sa.Connection, asked: Asked, who: Reach) -> int:
    """Of the engine's, in tens, for a page."""
    taken = 0

    def count() -> int:
        nonlocal taken
        taken += 1
        return 0

    driver: Any = connection.connection.driver_connection
    driver.set_progress_handler(count, 10)
    page = pc_find.page(connection, who, asked)
    driver.set_progress_handler(None, 0)
    assert len(page.rows) == pc_find.SIZE
    return taken


def test_a_page_reads_as_much_of_many_lines_as_of_few(index: Database) -> None:
    """But for its count, which goes to 10,000: a line more is some steps more of the engine, up to there."""
    many = {}
    for count in (8_000, 32_000):
        with index.writing() as connection:
            connection.execute(sa.delete(pc_schema.lines))
        fill(index, count, 1000)
        with index.reading() as connection:
            half = max(row.at for row in pc_find.page(connection, reach(1000, 1000), Asked(GAP)).rows) // 2
            for who in (reach(1000, 1000), reach(500, 1000), reach(100, 1000)):
                for asked in (Asked(GAP), Asked(GAP, after=(half, 0)), Asked(GAP, pc_schema.LOST)):
                    many[count, len(who.devices), asked.kind, asked.after is None] = steps(connection, asked, who)
    of_few = {key[1:]: taken for key, taken in many.items() if key[0] == 8_000}
    of_many = {key[1:]: taken for key, taken in many.items() if key[0] == 32_000}
    counted = 3 * pc_find.MOST  # thirty steps for each line that is counted, hidden ones between them included
    assert {key: taken for key, taken in of_many.items() if taken > of_few[key] + counted} == {}
    assert max(of_many.values()) < 2 * counted


@pytest.fixture
def raised(tmp_path: Path, index: Database) -> Iterator[tuple[Database, PcIndex]]:
    with closing(Database.sqlite(tmp_path / "store.db")) as made:
        upgrade(made, "store.db")
        with made.writing() as connection:
            connection.exec_driver_sql("insert into enrolments values ('e', 's', 'g', 1, 0, 0, null)")
            for one in ("a", "b"):
                columns = "id, token_key, token_kid, evidence_key, host, os, agent_version, group_name, enrolment"
                connection.exec_driver_sql(
                    f"insert into devices ({columns}, enrolled_at) values (?, ?, ?, ?, 'pc', 'L', '1', 'g', 'e', 0)",  # noqa: S608
                    (one, one, one, one),
                )
        yield made, PcIndex(made, index)


def test_alarms_are_followed_as_they_are_raised_and_acknowledged(
    raised: tuple[Database, PcIndex], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pc_index, "AT_ONCE", 3)
    database, made = raised
    drawn, settled = random.Random(3), set[int]()
    every = Reach(frozenset("ab"), every=True)
    for round_ in range(5):
        with database.writing() as connection:
            rows = [
                {"at": round_ * 100 + n, "code": drawn.choice("xyz"), "device": drawn.choice("ab")} for n in range(7)
            ]
            connection.execute(sa.insert(catalog.alarms), rows)
            open_ = set(connection.scalars(sa.select(catalog.alarms.c.id))) - settled
            some = drawn.sample(sorted(open_), 4)
            acknowledge(connection, some, operator="<b>op", reason="ticket", at=round_ * 100 + 50)
            settled |= set(some)
        made.take_in_alarms()
        with made.index.reading() as connection:
            found = {
                name: [row for page in walk(connection, every, Asked(name)) for row in page.rows]
                for name in (pc_schema.ALARM, pc_schema.OPEN, pc_schema.SETTLED)
            }
        ids = {name: {row.number for row in rows} for name, rows in found.items()}
        assert ids[pc_schema.ALARM] == set(range(1, round_ * 7 + 8))
        assert ids[pc_schema.SETTLED] == settled
        assert ids[pc_schema.OPEN] == ids[pc_schema.ALARM] - settled
        assert {row.number for row in found[pc_schema.ALARM] if row.settled_at is not None} == settled
        assert {(row.operator, row.why) for row in found[pc_schema.SETTLED]} == {("<b>op", "ticket")}
    # A second entry about one changes nothing.
    with database.writing() as connection:
        acknowledge(connection, [min(settled)], operator="other", reason="again", at=10**6)
    made.take_in_alarms()
    with made.index.reading() as connection:
        assert pc_find.page(connection, every, Asked(pc_schema.SETTLED, since=10**6)).rows == ()
        assert pc_find.kinds(connection, every, pc_schema.ALARM) == ["x", "y", "z"]


def test_numbers_that_come_after_higher_ones_are_taken_in(raised: tuple[Database, PcIndex]) -> None:
    """As PostgreSQL shows them where two transactions wrote at once."""
    database, made = raised
    every = Reach(frozenset("ab"), every=True)

    def write(table: sa.Table, **row: object) -> None:
        with database.writing() as connection:
            connection.execute(sa.insert(table).values(row))

    def found(of: str) -> list[int]:
        made.take_in_alarms()
        with made.index.reading() as connection:
            return sorted(row.number for row in pc_find.page(connection, every, Asked(of)).rows)

    said = {"operator": "op", "reason": "ticket", "at": 9, "action": "acknowledge"}
    for number in (2, 3, 1):
        write(catalog.alarms, id=number, at=number, code="x", device="a")
        assert number in found(pc_schema.OPEN)
    for number, alarm in ((12, 3), (11, 2)):
        write(catalog.audit, id=number, alarm=alarm, **said)
        assert alarm in found(pc_schema.SETTLED)
    assert found(pc_schema.OPEN) == [1]
    assert found(pc_schema.ALARM) == [1, 2, 3]


@pytest.mark.parametrize("seed", range(4))
def test_rules_are_put_together_by_days_and_pcs(index: Database, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    monkeypatch.setattr(pc_find, "SIZE", 3)
    drawn = random.Random(seed)
    has, on = dict[tuple[str, str], int](), dict[tuple[str, str, int], int]()
    for pc in (f"pc-{number:05}" for number in range(8)):
        for rule in (f"rule-{number}" for number in range(9)):
            if drawn.random() < 0.7:
                has[rule, pc] = drawn.randrange(100)
                on |= {(rule, pc, day): drawn.randrange(1, 5) for day in range(5) if drawn.random() < 0.2}
    with index.writing() as connection:
        connection.execute(sa.insert(pc_schema.rules), [
            {"rule": rule, "device": pc, "why": "", "known": known} for (rule, pc), known in has.items()
        ])  # fmt: skip
        connection.execute(sa.insert(pc_schema.uses), [
            {"rule": rule, "device": pc, "day": day, "times": times, "ns": 10 * times, "would_times": 0, "would_ns": 0,
             "last": day + 1} for (rule, pc, day), times in on.items()
        ])  # fmt: skip
    for who in (reach(8, 8), reach(4, 8)):
        for first, last, kind in ((0, 9, ""), (1, 2, ""), (0, 9, pc_find.NEVER), (2, 3, pc_find.CLOSED)):
            pcs, times = defaultdict[str, list[int]](list), defaultdict[str, int](int)
            for (rule, pc), known in has.items():
                if pc in who.devices:
                    pcs[rule].append(known)
                    times[rule] += sum(on.get((rule, pc, day), 0) for day in range(first, last + 1))
            wanted = {
                rule: (len(several), times[rule]) for rule, several in pcs.items()
                if not kind or (times[rule] if kind == pc_find.CLOSED else not times[rule] and min(several) <= 30)
            }  # fmt: skip
            found, after = dict[str, tuple[int, int]](), ""
            while True:
                with index.reading() as connection:
                    rows, after = pc_find.used(connection, who, AskedRules(first, last, kind, after), settled=30)
                found |= {row.rule: (row.devices, row.times or 0) for row in rows}
                if not after:
                    break
            assert found == wanted


def test_what_is_missing_is_measured_by_its_cause(tmp_path: Path, index: Database) -> None:
    """Time that is still on its way is not lost, and none counts twice: of a recording of which one chunk was given up,
    and of which one in the middle and one at the end may come."""
    world = World.found(tmp_path / "world")
    with world.serving() as pcs:
        pc = pcs.pc()
        made, write, zero = (
            pc.open_recording(pcs.bundle, start=world.days() - 60 * SECOND),
            pc.ledger.write,
            4000 * SECOND,
        )
        pc.ledger.wall = world.days() - 60 * SECOND - zero
        sealed = [made.seal(length=length * SECOND) for length in (3, 2, 3, 4, 3, 5)]
        write("start", at=zero)
        write("recording-open", at=zero, recording=str(made.id), policy="", zero=zero)
        write("given-up", at=zero + SECOND, recording=str(made.id), stream=0, sequence=1)
        write("recording-closed", at=zero + 20 * SECOND, recording=str(made.id), heads=made.heads(), why="stop")
        for body in sealed[::2]:
            assert pc.put_sealed(body).status_code == 200
        assert pc.send_ledger().status_code == 200
        for pending, cause in ((2, pc_schema.ON_ITS_WAY), (0, pc_schema.LOST)):
            assert pc.put_health(pc.report(wall=world.days()), pending_chunks=pending).is_success
            with world.opened() as (database, _):
                with database.reading() as connection:
                    [device] = devices(connection)
                read = PcIndex(database, index).read(device, world.days(), Policies())
            found = {line["kind"]: (line["number"], line["length"]) for line in read.lines if line["recording"]}
            assert found == {pc_schema.GIVEN_UP: (1, 2 * SECOND), cause: (2, 9 * SECOND)}
