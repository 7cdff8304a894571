"""How long a person waits for a page of recordings, with a million of them in the catalog: the whole question, p95."""

from __future__ import annotations

import json
import random
import sqlite3
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from rich.console import Console
from rich.table import Table

from bench import harness
from review.governance.model import Act, Governance, Grant, Person, Reach, Role, Team, UserRule
from review.governance.times import DAY, Period
from review.search import schema
from review.search.find import Finder, Meanings, Wanted
from store.catalog.database import Database, upgrade
from testkit.interrupts import in_order

GOAL: Final = 150.0  # ms, p95
NOW: Final = 1_900_000_000 * 10**9
DAYS: Final = 365
GROUPS: Final = 40
RULES: Final = tuple(f"rule-{number:02}" for number in range(20))
TIMES: Final = 30  # that each question is asked


def governance(agents: int) -> Governance:
    def role(name: str, of: Reach, oldest: Period | None = None) -> Role:
        return Role(name, frozenset({Act.LIST}), of, oldest=oldest)

    return Governance(
        hash="f" * 64,
        roles={
            "agent": role("agent", Reach(own=True)),
            "lead": role("lead", Reach(own_teams=True), Period(ns=90 * DAY)),
            "all": role("all", Reach(everything=True)),
        },
        teams={f"team-{number}": Team(frozenset({f"group-{number}"})) for number in range(GROUPS)}
        | {"half": Team(users=frozenset(f"user-{number}" for number in range(0, agents, 2)))},
        users=(UserRule("*", "*@example.com"),),
    )


PEOPLE: Final = {
    "agent": Person("user-7@example.com", (Grant("agent"),)),
    "lead": Person("lead@example.com", (Grant("lead", frozenset({"team-3"})),)),
    "half": Person("head@example.com", (Grant("lead", frozenset({"half"})),)),
    "all": Person("compliance@example.com", (Grant("all"),)),
}
QUESTIONS: Final = {
    "newest": Wanted(),
    "a day": Wanted(since=NOW - 60 * DAY, until=NOW - 59 * DAY),
    "a rare rule": Wanted(rule=RULES[-1]),
    "rule and length": Wanted(rule=RULES[3], length=3),
    "an agent": Wanted(agent="user-7"),
    "far down": Wanted(after=(NOW - 80 * DAY, 10**9)),
}


def fill(folder: Path, recordings: int, agents: int) -> tuple[Database, Database]:
    """A catalog and its index with so many: sorted, as an engine takes them fastest."""
    random.seed(19)
    catalog, index = Database.sqlite(folder / "store.db"), schema.opened(folder / "find.db")
    upgrade(catalog, "store.db")
    step = DAYS * DAY // recordings
    rows: list[tuple[int, int, int, int]] = []  # owner, start, length (ns), rule or 0
    for number in range(recordings):
        rule = 0 if random.random() < 0.6 else min(int(random.expovariate(0.35)) + 1, len(RULES))
        length = int(random.expovariate(1 / 400)) * 10**9
        rows.append((random.randrange(agents) + 1, NOW - (recordings - number) * step, length, rule))
    with closing(sqlite3.connect(folder / "store.db")) as raw, raw:
        raw.execute("pragma synchronous=off")
        raw.execute("insert into enrolments values ('e', 's', 'g', 1, 0, 0, null)")
        device = "insert into devices (id, token_key, token_kid, evidence_key, host, os, agent_version, group_name,"
        device += " enrolment, enrolled_at) values ('d', 't', 'k', 'e', 'pc', 'Linux', '1', 'g', 'e', 0)"
        raw.execute(device)
        ids = ((str(UUID(int=number)), "d", row[1], "pc", "u", "p", row[1]) for number, row in enumerate(rows))
        raw.executemany("insert into recordings values (?, ?, ?, ?, ?, ?, ?)", ids)
    with closing(sqlite3.connect(folder / "find.db")) as raw, raw:
        raw.execute("pragma synchronous=off")
        raw.execute("pragma cache_size=-400000")
        owners = ((one + 1, f"group-{one % GROUPS}", f"user-{one}") for one in range(agents))
        raw.executemany("insert into owners values (?, ?, ?)", owners)
        raw.executemany("insert into tags values (?, ?)", ((schema.FIRST_RULE + n, one) for n, one in enumerate(RULES)))
        columns = "id, recording, owner, start, opened_at, device, host, length, closed, screens, sound, state, rules"
        found = (
            (number + 1, str(UUID(int=number)), owner, start, start, "d", "pc", length, 0, 2, 1, "closed",
             json.dumps([RULES[rule - 1]] if rule else []))
            for number, (owner, start, length, rule) in enumerate(rows)
        )  # fmt: skip
        raw.executemany(f"insert into found ({columns}) values ({','.join('?' * 13)})", found)  # noqa: S608
        raw.executemany("insert into entries values (?, ?, ?, ?)", sorted(_entries(rows)))
    return catalog, index


def _entries(rows: list[tuple[int, int, int, int]]) -> Iterator[tuple[int, int, int, int]]:
    for number, (owner, start, length, rule) in enumerate(rows):
        for tag in (schema.ALL, schema.length_tag(length), *([schema.FIRST_RULE + rule - 1] if rule else [])):
            yield tag, owner, start, number + 1


def measure(folder: Path, recordings: int, agents: int) -> dict[str, Any]:
    began = time.perf_counter()
    catalog, index = fill(folder, recordings, agents)
    filled = time.perf_counter() - began
    rules, meanings = governance(agents), Meanings()
    every: list[float] = []
    cpu: list[float] = []
    slowest: dict[str, float] = {}
    wrong = 0
    with closing(catalog), closing(index):
        for who, person in PEOPLE.items():
            for what, wanted in QUESTIONS.items():
                finder = Finder(index, catalog, rules, person, NOW, meanings)
                took = []
                for _ in range(TIMES):
                    at, busy = time.perf_counter(), time.thread_time()
                    page = finder.page(wanted)
                    took.append(1000 * (time.perf_counter() - at))
                    cpu.append(1000 * (time.thread_time() - busy))
                wrong += any(not finder.may_list(one.whose, one.start) for one in page.rows)
                every += took
                slowest[f"{who}: {what}"] = round(statistics.quantiles(took, n=20)[-1], 1)
            took = []
            for _ in range(5):
                at = time.perf_counter()
                finder.choices()
                took.append(1000 * (time.perf_counter() - at))
            slowest[f"{who}: choices"] = round(max(took), 1)
    return {
        "recordings": recordings,
        "list_p95_ms": round(statistics.quantiles(every, n=20)[-1], 1),
        "list_cpu_p95_ms": round(statistics.quantiles(cpu, n=20)[-1], 1),
        "p95_ms": dict(sorted(slowest.items(), key=lambda one: -one[1])),
        "rows_wrong": wrong,
        "filled_s": round(filled, 1),
        "index_mb": round((folder / "find.db").stat().st_size / 2**20),
    }


def main() -> int:
    parser = harness.parser("find", __doc__, "20,000 recordings in place of a million")
    parser.add_argument("--recordings", type=int, default=0, metavar="N", help="how many (1,000,000)")
    asked = parser.parse_args()
    recordings = asked.recordings or (20_000 if asked.quick else 1_000_000)
    with harness.folder() as folder:
        facts = measure(folder, recordings, 100 if asked.quick else 2_000)
    table = Table("question", "p95, ms")
    for question, took in facts["p95_ms"].items():
        table.add_row(question, str(took))
    wrong = [f"{facts['rows_wrong']} questions gave rows that the rules refuse"] if facts["rows_wrong"] else []
    short = [f"p95 is over {GOAL:g} ms"] if facts["list_p95_ms"] > GOAL else []
    print(json.dumps(facts)) if asked.json else Console().print(table)
    return harness.Said(facts, table, wrong, short).tell(Console(stderr=True), quick=asked.quick)


if __name__ == "__main__":
    sys.exit(in_order(main))
