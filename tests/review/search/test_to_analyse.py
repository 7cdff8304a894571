"""The job table is filled with what is over and what the signed rules let the analyst have, and with nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from review.analysis.job_states import DAY, HOUR, SECOND, JobState, Kind, versions
from review.analysis.jobs import Jobs
from review.governance.model import Governance
from review.rules import parse_files
from review.search import schema, to_analyse
from review.search.facts import Listed, Whose
from review.search.index import put
from review.search.to_analyse import ToAnalyse
from store.catalog.database import Database

NOW = 1_800_000_000 * SECOND
RULES = """\
schema: 1
revision: 1
name: House
roles:
  lead: {{ may: [list], of: all }}
  analyst: {{ may: [{may}], of: {of}, rendition: {rendition}{analyses} }}
people:
  lena@example.com: {{ roles: [lead] }}
  analyst@example.com: {{ roles: [{role}] }}
teams:
  north: {{ groups: [n] }}
retention:
  - {{ class: rest, keep: 180d }}
...
"""


ALL = ", ".join(f"{kind}: 60 per hour" for kind in Kind)


def rules(
    may: str = "analyse", of: str = "all", rendition: str = "original", role: str = "analyst", kinds: str = ALL
) -> Governance:
    analyses = f", analyses: {{ {kinds} }}" if (may, rendition) == ("analyse", "original") and kinds else ""
    text = RULES.format(may=may, of=of, rendition=rendition, role=role, analyses=analyses)
    return parse_files({"rules.yaml": text.encode()})


class House:
    def __init__(self, index: Database, jobs: Jobs) -> None:
        self.index, self.jobs = index, jobs
        self.now, self.rules = NOW, rules()
        self.models = versions({})
        self.filling = self.anew()

    def anew(self) -> ToAnalyse:
        return ToAnalyse(self.index, self.jobs, lambda: self.rules, self.models, lambda: self.now)

    def record(self, name: str, *, ago: int = HOUR, group: str = "n", over: bool = True, state: str = "closed",
               screens: int = 1, sound: bool = True) -> str:  # fmt: skip
        at = self.now - ago
        one = Listed(name, Whose(group, "ann"), at, at, "pc", "host", 60 * SECOND, 0, screens, sound, state, ())
        with self.index.writing() as connection:
            put(connection, one, None if over else self.now)
        return name

    def fill(self) -> None:
        while self.filling.pass_once():
            pass

    def kinds(self, recording: str) -> list[Kind]:
        return [one.kind for one in self.jobs.of(recording) if one.state is not JobState.WITHDRAWN]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    jobs = Jobs(tmp_path / "analysis" / "jobs.db", lambda: NOW)
    with closing(jobs), closing(schema.opened(tmp_path / "find.db")) as index:
        yield House(index, jobs)


def test_what_a_recording_has_makes_its_jobs(house: House) -> None:
    house.record("both")
    house.record("sound", screens=0)
    house.record("screen", sound=False)
    house.record("nothing", screens=0, sound=False)
    house.fill()
    follow = [Kind.PERSONAL, Kind.RENDITION, Kind.INDEX]
    assert house.kinds("both") == [Kind.SPEECH, Kind.SCREEN_TEXT, *follow]
    assert house.kinds("sound") == [Kind.SPEECH, *follow]
    assert house.kinds("screen") == [Kind.SCREEN_TEXT, *follow]
    assert house.kinds("nothing") == []


def test_one_that_goes_on_or_cannot_be_read_waits(house: House) -> None:
    house.record("open", over=False)
    house.record("odd", state="unreadable")
    house.fill()
    assert house.kinds("open") == house.kinds("odd") == []
    house.record("open")
    house.fill()
    assert Kind.SPEECH in house.kinds("open")


@pytest.mark.parametrize(
    "changed",
    [{"may": "list"}, {"role": "lead"}, {"rendition": "redacted"}, {"kinds": ""}],
    ids=["no act", "no person", "redacted", "no kind"],
)
def test_without_a_line_of_the_rules_nothing_is_analysed(house: House, changed: dict[str, str]) -> None:
    house.rules = rules(**changed)
    house.record("r1")
    house.fill()
    assert house.jobs.of("r1") == []


def test_the_analyst_gets_what_their_role_covers(house: House) -> None:
    house.rules = rules(of="{ team: north }")
    house.record("north")
    house.record("south", group="s")
    house.fill()
    assert house.kinds("north")
    assert house.kinds("south") == []


def test_newer_rules_take_jobs_back_and_give_them_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(to_analyse, "PAGE", 2)  # the real page takes long to fill
    made = [house.record(f"r{number}", ago=number * DAY) for number in range(5)]
    house.record("south", ago=9 * DAY, group="s")
    house.fill()
    assert all(house.kinds(one) for one in [*made, "south"])
    house.rules = rules(of="{ team: north }")
    house.fill()
    assert [bool(house.kinds(one)) for one in [*made, "south"]] == [True] * 5 + [False]
    house.rules = rules(role="lead")
    house.fill()
    assert not any(house.kinds(one) for one in made)
    house.rules = rules()
    house.fill()
    assert all(house.kinds(one) for one in [*made, "south"])


def test_only_the_kinds_that_the_rules_name_are_made(house: House) -> None:
    house.record("r1")
    house.rules = rules(kinds="speech: 60 per hour")
    house.fill()
    assert house.kinds("r1") == [Kind.SPEECH]
    house.rules = rules()
    house.fill()
    assert house.kinds("r1") == [Kind.SPEECH, Kind.SCREEN_TEXT, Kind.PERSONAL, Kind.RENDITION, Kind.INDEX]
    house.rules = rules(kinds="screen-text: 60 per hour")
    house.fill()
    assert house.kinds("r1") == [Kind.SCREEN_TEXT]
    assert house.filling.ask("r1") == 1


def test_an_erased_one_does_not_come_back(house: House) -> None:
    house.record("r1")  # the index is some seconds behind
    house.jobs.forget(["r1"])
    house.fill()
    house.filling = house.anew()
    house.fill()
    assert house.kinds("r1") == []


def test_one_that_ends_days_later_comes_with_the_next_walk(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(to_analyse, "PAGE", 1)  # the real page takes long to fill
    house.record("new")
    house.record("old", ago=3 * DAY)  # where a pass ends
    house.record("long", ago=5 * DAY, over=False)
    house.fill()
    house.record("long", ago=5 * DAY)
    house.fill()
    assert house.kinds("long") == []
    house.now += DAY
    house.fill()
    assert house.kinds("long")


def test_another_model_makes_new_jobs(house: House) -> None:
    house.record("r1")
    house.fill()
    house.models = versions({Kind.SPEECH: "base"})
    house.filling = house.anew()
    house.fill()
    assert [(one.kind, one.model) for one in house.jobs.of("r1") if one.kind is Kind.SPEECH] == [(Kind.SPEECH, "base")]


def test_a_request_comes_first_or_says_why_not(house: House) -> None:
    for number in range(3):
        house.record(f"r{number}", ago=number * HOUR)
    house.record("asked", ago=99 * DAY)
    house.record("open", over=False)
    house.models = versions({Kind.SPEECH: "base"})
    house.filling = house.anew()
    house.fill()
    assert house.filling.ask("asked") == 5
    lease = house.jobs.lease("pc-1", {Kind.SPEECH: "base"})
    assert lease is not None
    assert lease.recording == "asked"
    for recording, says in (("none", "knows no such recording"), ("open", "it goes on")):
        found = house.filling.ask(recording)
        assert isinstance(found, tuple)
        assert says in found[0].says
    house.rules = rules(rendition="redacted")
    found = house.filling.ask("r1")
    assert isinstance(found, tuple)
    assert found[0].says == "no line of the signed rules lets anything be made of recordings"


def test_a_worker_makes_the_kinds_that_its_roles_name_while_it_holds_them() -> None:
    made = rules(kinds="speech: 60 per hour, personal: 9 per hour")
    assert to_analyse.makes(made, "analyst@example.com", NOW) == {Kind.SPEECH, Kind.PERSONAL}
    assert to_analyse.makes(made, "lena@example.com", NOW) == frozenset()
    assert to_analyse.makes(made, "nobody@example.com", NOW) == frozenset()
    (own,) = (one for one in made.people if one.person == "analyst@example.com")
    for held in (replace(own, until=NOW), replace(own, since=NOW + 1)):
        assert to_analyse.makes(replace(made, people=(held,)), own.person, NOW) == frozenset()
    ended = {"analyst": replace(made.roles["analyst"], until=NOW)}
    assert to_analyse.makes(replace(made, roles=ended), own.person, NOW) == frozenset()
