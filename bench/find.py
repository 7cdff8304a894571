"""How long a person waits for a page of recordings, with a million of them in the catalog: the whole question, p95."""

from __future__ import annotations

import resource
import sqlite3
import statistics
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from bench import harness, tables
from bench.harness import Said, Say
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


# Numbers from 0 on, and of each its owner, length (ns) and rule (0: none): drawn by mixing the number's bits, so that
# the engine makes millions itself. Sorted, as it takes them fastest.
MADE: Final = """\
with recursive
 numbers(n) as (select 0 union all select n + 1 from numbers where n + 1 < :recordings),
 bits as (select n, (n * 1103515245 + 12345) % 2147483648 as a, (n * 22695477 + 54321) % 2147483648 as b from numbers),
 mixed as (select n, (a | (a >> 15)) - (a & (a >> 15)) as a, (b | (b >> 13)) - (b & (b >> 13)) as b from bits),
 drawn as (select n, (a * 69069 + 1) % 2147483648 as a, (b * 1664525 + 3) % 2147483648 as b from mixed)
select n, 1 + (a >> 7) % :agents as owner, cast(-400 * ln((b + 1) / 2147483649.0) as integer) * 1000000000 as length,
 case when a % 10 < 6 then 0 else min(:rules,
 1 + cast(-ln(((b * 48271 + a) % 2147483648 + 1) / 2147483649.0) / 0.35 as integer)) end as rule from drawn"""
UUID: Final = "printf('00000000-0000-0000-0000-%012x', n)"
AT: Final = f"{NOW} - (:recordings - n) * :step"
LASTS: Final = f"{schema.LENGTH} + (length >= 60e9) + (length >= 300e9) + (length >= 900e9)"
CLOSED: Final = f"{schema.FIRST_RULE} + {schema.STEP} * (rule - 1)"
# An index that is not in the order of its rows is made behind them: the engine then sorts it in files, with little
# memory, in place of a million leaves that it comes back to.
FILL: Final = f"""\
drop index find.ix_entries_tag_start;
create table temp.made as {MADE};
insert into recordings select {UUID}, 'd', {AT}, 'pc', 'u', 'p', {AT} from made;
insert into find.found (id, recording, owner, start, opened_at, device, host, length, closed, screens, sound, state,
 rules) select n + 1, {UUID}, owner, {AT}, {AT}, 'd', 'pc', length, 0, 2, 1, 'closed',
 case rule when 0 then '[]' else printf('["rule-%02d"]', rule - 1) end from made;
insert into find.entries select tag, owner, {AT}, n + 1 from (
 select {schema.ALL} as tag, owner, n from made
 union all select {LASTS}, owner, n from made
 union all select {CLOSED}, owner, n from made where rule
 union all select {CLOSED} + {LASTS}, owner, n from made where rule)
 order by 1, 2, 3, 4;
create index find.ix_entries_tag_start on entries (tag, start, found, owner)"""  # noqa: S608 - of numbers alone


def fill(folder: Path, recordings: int, agents: int, say: Say = lambda _: None) -> tuple[Database, Database]:
    """A catalog and its index with so many."""
    catalog, index = Database.sqlite(folder / "store.db"), schema.opened(folder / "find.db")
    upgrade(catalog, "store.db")
    drawn = {"recordings": recordings, "agents": agents, "rules": len(RULES), "step": DAYS * DAY // recordings}
    with closing(sqlite3.connect(folder / "store.db")) as raw, raw:
        raw.execute("attach ? as find", (str(folder / "find.db"),))
        for one in ("main", "find"):
            raw.execute(f"pragma {one}.synchronous=off")
            raw.execute(f"pragma {one}.cache_size=-64000")
        raw.execute("insert into enrolments values ('e', 's', 'g', 1, 0, 0, null)")
        device = "insert into devices (id, token_key, token_kid, evidence_key, host, os, agent_version, group_name,"
        device += " enrolment, enrolled_at) values ('d', 't', 'k', 'e', 'pc', 'Linux', '1', 'g', 'e', 0)"
        raw.execute(device)
        owners = ((one + 1, f"group-{one % GROUPS}", f"user-{one}") for one in range(agents))
        raw.executemany("insert into owners values (?, ?, ?)", owners)
        raw.executemany(
            "insert into tags values (?, ?)",
            ((schema.FIRST_RULE + schema.STEP * n, one) for n, one in enumerate(RULES)),
        )
        for step, statement in enumerate(FILL.split(";"), 1):
            say(f"making {recordings:,} recordings: step {step} of {FILL.count(';') + 1}, {statement.split()[:2]}")
            raw.execute(statement, drawn)
    return catalog, index


def measure(folder: Path, recordings: int, agents: int, say: Say = lambda _: None) -> dict[str, Any]:
    began = time.perf_counter()
    catalog, index = fill(folder, recordings, agents, say)
    filled = time.perf_counter() - began
    rules, meanings = governance(agents), Meanings()
    every, cpu, wrong = [], [], 0
    slowest, dearest = {}, {}  # by the clock, and by the CPU's time
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
                dearest[f"{who}: {what}"] = round(statistics.quantiles(cpu[-TIMES:], n=20)[-1], 1)
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
        "list_cpu_median_ms": round(statistics.median(cpu), 1),
        "dearest_cpu_p95_ms": max(dearest.items(), key=lambda one: one[1]),
        "p95_ms": dict(sorted(slowest.items(), key=lambda one: -one[1])),
        "rows_wrong": wrong,
        "filled_s": round(filled, 1),
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
        "index_mb": round((folder / "find.db").stat().st_size / 2**20),
    }


def main() -> int:
    parser = harness.parser("find", __doc__, "20,000 recordings in place of a million")
    parser.add_argument("--rows", "--recordings", type=int, default=0, metavar="N", help="how many (1,000,000)")
    asked = parser.parse_args()
    recordings = asked.rows or (20_000 if asked.quick else 1_000_000)
    agents = 100 if asked.quick else max(2_000, recordings // 1000)

    def part(folder: Path, say: Say) -> Said:
        facts = measure(folder, recordings, agents, say)
        wrong = [f"{facts['rows_wrong']} questions gave rows that the rules refuse"] if facts["rows_wrong"] else []
        short = [f"p95 is over {GOAL:g} ms"] if facts["list_p95_ms"] > GOAL else []
        return Said(facts, tables.facts("p95 of each question, ms", facts["p95_ms"]), wrong, short)

    return harness.play_alone(part, asked)


if __name__ == "__main__":
    sys.exit(in_order(main))
