"""What may be listened to is drawn, and who has the log and the papers draws again: a choice would show."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import shutil
import signal
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.claims import Claims
from protocol.errors import ProtocolError
from review import samples
from review.audit.bodies import bodies
from review.audit.kinds import Act, pseudonym
from review.audit.log import AuditLog
from review.audit.verify import VerifyOptions, verify_log
from review.custodian.custodian import Custodian
from review.custodian.facts import identify
from review.governance.model import Governance
from review.refusal import Refusal
from review.rules import parse_files
from review.samples import GRACE, Candidate, Drawn, Month
from testkit.custody import RULES, SECOND, Clock, House, Kept
from tests.agent.keys.services import fork

SAMPLED = RULES.replace("    purposes: [coaching, complaint]\n", "    purposes: [coaching, complaint]\n"
                        "    sample: { coaching: 2 per agent per month }\n", 1)  # fmt: skip
NOVEMBER = Month.named("2026-11")
AGENTS = ("bert", "dora")


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


@dataclass
class Season:
    """A house through a month: recordings are made, and drawn from when it is over."""

    folder: Path
    rules: str = SAMPLED
    kept: list[Kept] = field(default_factory=list)

    def __post_init__(self) -> None:
        clock = Clock()
        clock.now = at("2026-10-20T08:00")
        self.house = House(self.folder / "house", clock=clock, rules=self.rules)
        self.custodian: Custodian = self.house.ready()
        self.governance = parse_files({"rules.yaml": self.rules.encode()})

    @property
    def samples(self) -> Path:
        return self.house.folder / "samples"

    def record(self, when: str, user: str = "bert", **changed: Any) -> Kept:
        """Its packet comes at once, unless `at` says otherwise."""
        self.house.clock.now = at(when)
        self.kept.append(self.house.recording(user=user, age=0, **changed))
        return self.kept[-1]

    def fill(self) -> None:
        for day in range(2, 28, 2):
            for user in AGENTS:
                self.record(f"2026-11-{day:02}T09:00", user)

    def log(self) -> AuditLog:
        house = self.house
        return AuditLog(house.folder / "audit", house.signer, house.reading, clock=house.clock.wall)

    def candidates(self, kept: Iterable[Kept] | None = None, rules: Governance | None = None) -> list[Candidate | str]:
        found: list[Candidate | str] = []
        for one in self.kept if kept is None else kept:
            try:
                packet, origin, start = identify(
                    Claims(one.papers, "papers", ProtocolError), self.house.settings.store_key
                )
            except ProtocolError as error:
                found.append(str(error))
            else:
                agent = (rules or self.governance).person_of(packet.os_user)
                found.append(Candidate(str(packet.recording), agent, start, origin.at, packet.device))
        return found

    def draw(
        self, shown: Iterable[Candidate | str] | None = None, now: str = "2026-12-04T00:00", *, empty: bool = False
    ) -> Drawn:
        self.house.clock.now = at(now)
        self.result = samples.draw(
            self.samples, self.log(), NOVEMBER, self.candidates() if shown is None else shown, rules=self.governance,
            now=self.house.clock.now, who="root@pc", empty=empty,
        )  # fmt: skip
        return self.result.drawn

    def check(
        self, shown: Iterable[Candidate | str] | None = None, rules: Governance | None = None
    ) -> tuple[list[str], Drawn]:
        """Codes of the findings, and what a stranger draws."""
        house = self.house
        self.report = verify_log(house.folder / "audit", VerifyOptions(house.signer.key, house.reading))
        assert not self.report.findings
        said = bodies(house.folder / "audit", house.signer.key, house.reading)
        found = samples.check(
            self.report, NOVEMBER, said, self.candidates() if shown is None else shown,
            rules=rules or self.governance, hide=lambda one: pseudonym(one, house.reading),
        )  # fmt: skip
        return sorted({one.code for one in self.report.findings}), found.drawn

    def remarks(self) -> dict[str, str]:
        """Of the last check."""
        return {one.code: one.message for one in self.report.remarks}

    def hidden(self, drawn: Drawn) -> Drawn:
        return {one: {pseudonym(agent, self.house.reading): there for agent, there in agents.items()}
                for one, agents in drawn.items()}  # fmt: skip


@pytest.fixture
def season(tmp_path: Path) -> Season:
    return Season(tmp_path)


@pytest.fixture
def full(season: Season) -> Season:
    season.fill()
    return season


# -- drawing ----------------------------------------------------------------------------------------------------------


def test_so_many_are_drawn_of_each_agent_in_the_order_of_a_seed_that_the_log_had_a_hash_of_before(full: Season) -> None:
    drawn = full.draw()["coaching"]
    told = [one for one in full.house.entries() if one["kind"] == "sample"]
    committed = next(one for one in told if one["facts"]["month"] == "2026-11")
    (revealed,) = (one["facts"] for one in told if one["facts"]["step"] == "drawn")
    seed = bytes.fromhex(revealed["seed"])
    # As docs/governance.md says it, by hand.
    assert committed["facts"]["commitment"] == hashlib.sha256(b"eyelid sample v1\n2026-11\n" + seed).hexdigest()
    assert revealed | {"seed": "", "first": 0} == {
        "step": "drawn", "month": "2026-11", "seed": "", "first": 0, "count": 26, "refused": 0,
        "rules": full.governance.hash, "purposes": ["coaching:2"],
    }  # fmt: skip
    for number, user in enumerate(AGENTS):
        own = sorted(
            (str(one.id) for one in full.kept[number::2]), key=lambda one: hmac.digest(seed, UUID(one).bytes, "sha256")
        )
        assert drawn[f"{user}@example.com"] == own[:2]
    assert full.check() == ([], full.hidden({"coaching": drawn}))


def test_what_was_drawn_is_opened_for_its_purpose_and_nothing_else_is(full: Season) -> None:
    drawn = full.draw()["coaching"]
    every = {one for there in drawn.values() for one in there}
    custodian, opened = full.house.start(), set()
    full.house.clock.now = at("2026-12-04T12:00")
    for kept in full.kept[4:]:  # not older than the role reaches
        if str(kept.id) in every:
            answer = full.house.open(custodian, "ann@example.com", kept, purpose="coaching")
            assert full.house.received("ann@example.com", kept, answer) == kept.stream_key(0)
            opened.add(str(kept.id))
        else:
            with pytest.raises(Refusal, match="only what was drawn") as refused:
                full.house.open(custodian, "ann@example.com", kept, purpose="coaching")
            assert refused.value.code == "not-yet"
    assert opened
    full.house.open(custodian, "ann@example.com", full.kept[-1], purpose="complaint")
    for kept in full.kept[4:8]:
        with pytest.raises(Refusal):
            full.house.open(custodian, "sam@example.com", kept, purpose="coaching")


def test_nothing_is_drawn_before_the_month_is_over_and_late_packets_are_here_nor_twice(full: Season) -> None:
    with pytest.raises(Refusal, match="drawn from 2026-12-04 on") as refused:
        full.draw(now="2026-12-03T23:59")
    assert refused.value.code == "too-early"
    full.draw()
    with pytest.raises(Refusal) as refused:
        full.draw(full.candidates(full.kept[:4]))
    assert refused.value.code == "drawn-already"
    assert list(samples.listed(full.samples)) == ["2026-11"]


def test_rules_without_samples_and_months_without_a_seed_draw_nothing(tmp_path: Path) -> None:
    plain = Season(tmp_path, rules=RULES)
    with pytest.raises(Refusal) as refused:
        plain.draw()
    assert refused.value.code == "no-samples"
    (plain.samples / "2026-11").unlink()
    with pytest.raises(Refusal) as refused:
        plain.draw()
    assert refused.value.code == "no-seed"
    assert [one["facts"]["step"] for one in plain.house.entries() if one["kind"] == "sample"] == ["committed"] * 2


def test_roles_with_different_numbers_have_the_fewest() -> None:
    purposes = "rendition: original, purposes: [audit, complaint] }"
    other = "purposes: [coaching, audit], sample: { coaching: 9 per agent per month, audit: 3 per agent per month } }"
    assert purposes in SAMPLED
    more = SAMPLED.replace(purposes, other)
    assert samples.numbers(parse_files({"rules.yaml": more.encode()}, tested=False)) == {"coaching": 2, "audit": 3}


def test_a_commitment_in_the_midst_of_a_month_counts_for_what_begins_after_it(tmp_path: Path) -> None:
    season = Season(tmp_path)
    shutil.rmtree(season.samples)  # as where an earlier version ran until then
    before = season.record("2026-11-10T08:00")
    season.house.clock.now = at("2026-11-10T12:00")
    season.custodian.commit_seeds()
    after = season.record("2026-11-10T12:02")
    season.house.clock.now = at("2026-11-20T12:00")
    season.house.start().commit_seeds()
    assert season.draw()["coaching"] == {"bert@example.com": [str(after.id)]}
    assert season.check()[0] == []
    assert season.remarks()["before-seed"].endswith(": bert@example.com (1)")
    assert before.id != after.id


def test_who_reads_the_folder_before_the_draw_finds_no_seed(full: Season) -> None:
    before = b"".join(path.read_bytes() for path in full.samples.iterdir() if path.is_file())
    full.draw()
    (told,) = (one["facts"] for one in full.house.entries() if one["facts"].get("step") == "drawn")
    assert told["seed"].encode() not in before
    other = Season(full.folder / "other")
    assert other.log().derived("sample 2026-11") != full.log().derived("sample 2026-11") == bytes.fromhex(told["seed"])


def test_a_seed_that_an_earlier_version_kept_is_the_one_that_it_committed_to(season: Season) -> None:
    path = season.samples / "2026-11"
    path.write_text(json.dumps({"seed": "ab" * 32}))  # killed before its entry
    season.custodian.commit_seeds()
    season.record("2026-11-10T09:00")
    season.draw()
    (told,) = (one["facts"] for one in season.house.entries() if one["facts"].get("step") == "drawn")
    assert told["seed"] == "ab" * 32


def test_the_folder_is_readable_by_its_user_alone(season: Season) -> None:
    assert [stat.S_IMODE(path.stat().st_mode) & 0o077 for path in (season.samples, *season.samples.iterdir())] == [
        0
    ] * 4


def test_a_damaged_file_is_said_and_opens_nothing(full: Season) -> None:
    full.draw()
    full.house.clock.now = at("2026-12-04T12:00")
    (full.samples / "2026-11.drawn").write_text("no json")
    with pytest.raises(ProtocolError) as error:
        full.house.open(full.custodian, "ann@example.com", full.kept[-1], purpose="coaching")
    assert error.value.code == "damaged"


# -- steering ---------------------------------------------------------------------------------------------------------


def test_leaving_a_candidate_out_is_named(full: Season) -> None:
    full.draw(full.candidates(full.kept[:1] + full.kept[2:]))
    codes, _ = full.check()
    assert codes == ["left-out"]
    assert str(full.kept[1].id) in str(full.report.findings)


def test_adding_a_candidate_is_named(full: Season) -> None:
    trusted = full.candidates()
    full.record("2026-11-28T09:00", evidence=Ed25519PrivateKey.generate(), device="d-2")
    full.draw()
    codes, _ = full.check(trusted)
    assert codes == ["added"]
    assert str(full.kept[-1].id) in str(full.report.findings)


def test_a_candidate_under_another_agent_is_named(full: Season) -> None:
    first, *rest = full.candidates()
    assert isinstance(first, Candidate)
    full.draw([first._replace(agent="dora@example.com"), *rest])
    assert full.check()[0] == ["other-agent"]


def test_papers_that_do_not_verify_make_no_candidate_and_are_counted(full: Season) -> None:
    other = full.house.recording(store=Ed25519PrivateKey.generate())
    full.draw(full.candidates([*full.kept, other]))
    (told,) = (one["facts"] for one in full.house.entries() if one["facts"].get("step") == "drawn")
    assert (told["refused"], told["count"]) == (1, 26)
    assert full.check(full.candidates([*full.kept, other]))[0] == []
    assert [one.code for one in full.report.remarks] == ["unread"]


def test_what_came_too_late_is_no_candidate_and_is_said(full: Season) -> None:
    late = full.record("2026-11-28T09:00", at=NOVEMBER.end + GRACE)
    drawn = full.draw()
    assert str(late.id) not in str(drawn)
    assert full.check()[0] == []
    assert [one.code for one in full.report.remarks] == ["came-late"]


def test_months_that_meet_share_no_recording_whatever_a_pcs_clock_says(full: Season) -> None:
    outside = [
        full.record("2026-10-31T23:59"),
        full.record("2026-12-01T00:00"),
        full.record("2026-11-05T09:00", user=""),
    ]
    ahead = full.house.recording(user="bert", age=-90 * 86_400, at=at("2026-11-29T09:00"))
    full.kept.append(ahead)
    full.draw()
    found = {
        one for entry in full.house.entries() if entry["facts"].get("step") == "candidates" for one in entry["resource"]
    }
    assert found & {str(one.id) for one in (*outside, ahead)} == {str(ahead.id)}
    assert full.check()[0] == []


def test_other_rules_than_those_of_the_draw_are_named(full: Season) -> None:
    full.draw()
    other = SAMPLED.replace("2 per agent", "9 per agent")
    assert full.check(rules=parse_files({"rules.yaml": other.encode()}))[0] == ["other-rules"]


def entry(season: Season, step: str, of: str = "2026-11", **facts: object) -> int:
    """As a custodian that lies would write it."""
    return season.log().append(Act("sample", "root@pc", "custodian", [of], {"step": step, "month": "2026-11", **facts}))


@pytest.mark.parametrize("other", ["candidates", "seed", "purposes", "rules"])
def test_a_second_draw_of_a_month_is_named(full: Season, other: str) -> None:
    full.draw()
    (told,) = (one["facts"] for one in full.house.entries() if one["facts"].get("step") == "drawn")
    first = entry(full, "candidates", of=str(full.kept[0].id), person="bert@example.com")
    changed = {
        "candidates": {"first": first, "count": 1}, "seed": {"seed": "00" * 32},
        "purposes": {"purposes": ["coaching:12"]}, "rules": {"rules": "another"},
    }[other]  # fmt: skip
    entry(full, "drawn", **{name: told[name] for name in told.keys() - {"step", "month"}} | changed)
    assert full.check()[0] == ["drawn-twice"]


def test_a_seed_that_was_not_committed_to_and_other_counts_and_numbers_are_named(full: Season) -> None:
    full.house.clock.now = at("2026-12-04T00:00")
    facts = {"seed": "00" * 32, "count": 3, "refused": 0, "rules": full.governance.hash, "purposes": ["coaching:50"]}
    first = entry(full, "candidates", of=str(full.kept[0].id), person="bert@example.com")
    entry(full, "drawn", first=first, **facts)
    assert full.check(full.candidates(full.kept[:1]))[0] == ["other-count", "other-numbers", "other-seed"]


def test_a_commitment_after_what_it_counts_from_and_a_draw_in_the_month_are_named(full: Season) -> None:
    told = next(one["facts"] for one in full.house.entries() if one["facts"].get("month") == "2026-11")
    seed = full.log().derived("sample 2026-11").hex()
    entry(full, "committed", commitment=told["commitment"], since=NOVEMBER.start)  # on the 27th, for the whole month
    facts = {"count": 0, "refused": 0, "rules": full.governance.hash, "purposes": ["coaching:2"]}
    entry(full, "drawn", first=full.log().size, seed=seed, **facts)
    assert full.check([])[0] == ["committed-late", "drawn-early"]


def test_a_commitment_that_came_after_the_candidates_is_none(full: Season) -> None:
    full.house.clock.now = at("2026-12-03T23:59")
    seed = "11" * 32
    commitment = hashlib.sha256(b"eyelid sample v1\n2026-11\n" + bytes.fromhex(seed)).hexdigest()
    first = full.log().size
    entry(full, "committed", commitment=commitment, since=NOVEMBER.start)
    facts = {"count": 0, "refused": 0, "rules": full.governance.hash, "purposes": ["coaching:2"]}
    entry(full, "drawn", first=first, seed=seed, **facts)
    # A minute before all packets can be here, too.
    assert full.check([])[0] == ["drawn-early", "other-seed"]


def test_entries_that_no_custodian_writes_are_named(full: Season) -> None:
    full.house.clock.now = at("2026-12-04T00:00")
    facts: dict[str, Any] = {"first": 0, "seed": "no-hex", "count": 0, "refused": 0, "rules": "x", "purposes": ["x"]}
    entry(full, "drawn")
    assert full.check()[0] == ["bad-entry"]
    entry(full, "drawn", **facts)
    assert full.check()[0] == ["bad-entry"]


def test_a_log_without_a_draw_says_so(full: Season) -> None:
    assert full.check() == (["not-drawn"], {})


@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_whatever_is_left_out_added_or_moved_is_named_and_nothing_else(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    season = Season(tmp_path_factory.mktemp("season"))
    for day in range(2, 8):
        for user in AGENTS:
            season.record(f"2026-11-{day:02}T09:00", user)
    honest = [one for one in season.candidates() if isinstance(one, Candidate)]
    left_out = data.draw(st.sets(st.sampled_from(honest)))
    moved = data.draw(st.sets(st.sampled_from(honest)))
    added = {Candidate(str(UUID(int=number)), "bert@example.com", NOVEMBER.start, NOVEMBER.start)
             for number in data.draw(st.sets(st.integers(1, 50), max_size=3))}  # fmt: skip
    shown = [one._replace(agent="eve@example.com") if one in moved else one for one in honest if one not in left_out]
    drawn = season.draw([*data.draw(st.permutations([*shown, *added])), *shown], empty=True)
    codes, again = season.check(honest)
    named = {one.message.split()[1].rstrip(",") for one in season.report.findings}
    assert named == {one.recording for one in left_out | moved | added}
    assert set(codes) == {
        code for code, of in (("left-out", left_out), ("added", added), ("other-agent", moved - left_out)) if of
    }
    assert again == season.hidden(drawn)
    assert all(len(there) <= 2 for agents in drawn.values() for there in agents.values())


# -- what one PC can do to a draw -------------------------------------------------------------------------------------


@pytest.mark.parametrize("odd", ["bell\x07", "x" * 300, "a\u200bb", "\u0130" * 150])
def test_a_name_that_the_log_cannot_have_costs_its_own_recordings_alone_and_they_are_named(
    full: Season, odd: str
) -> None:
    good = full.candidates()
    bad = full.record("2026-11-15T09:00", odd, evidence=Ed25519PrivateKey.generate(), device="d-9")
    drawn = full.draw()
    (named,) = full.result.unread
    assert str(bad.id) in named
    assert "PC d-9" in named
    assert full.check() == ([], full.hidden(drawn))
    assert str(bad.id) in full.remarks()["unread"]
    full.check(good)
    assert not full.report.findings


def test_a_name_that_the_log_cannot_have_stops_no_check_of_a_draw_before_it(full: Season) -> None:
    drawn = full.draw()
    full.record("2026-11-15T09:00", "bell\x07", evidence=Ed25519PrivateKey.generate(), device="d-9")
    assert full.check() == ([], full.hidden(drawn))


def test_names_of_one_pseudonym_are_one_agent(season: Season) -> None:
    for day in range(2, 28, 2):
        season.record(f"2026-11-{day:02}T09:00", "andr\u00e9")
        season.record(f"2026-11-{day:02}T10:00", "andre\u0301")  # the accent is a sign of its own
    drawn = season.draw()["coaching"]
    assert {agent: len(there) for agent, there in drawn.items()} == {"andr\u00e9@example.com": 2}
    assert season.check() == ([], season.hidden({"coaching": drawn}))


def test_many_recordings_of_another_pc_in_an_agents_name_are_counted_by_pc(full: Season) -> None:
    other = Ed25519PrivateKey.generate()
    for number in range(40):
        full.record(f"2026-11-27T{number // 4:02}:{number % 4 * 15:02}", evidence=other, device="d-9", ended=False)
    full.draw()
    assert full.result.shares["bert@example.com"].pcs == {"d-1": 13, "d-9": 40}
    assert full.check()[0] == []
    assert full.remarks() == {"many": "more than 3 times the candidates of most agents (13): bert@example.com (53)"}


def test_many_short_recordings_of_an_agents_own_pc_are_counted(full: Season) -> None:
    for number in range(20):
        full.record(f"2026-11-28T09:{number:02}")
    full.draw()
    assert full.check()[0] == []
    assert full.remarks() == {"short": "on the same PC the agent's next recording began within five minutes: "
                              "bert@example.com (19)"}  # fmt: skip


def test_what_came_in_a_month_and_says_that_it_began_before_is_said(full: Season) -> None:
    hidden = []
    for day in range(2, 28, 2):
        full.house.clock.now = at(f"2026-11-{day:02}T10:00")
        hidden.append(full.house.recording(user="zoe", age=40 * 86_400, at=full.house.clock.now))
    full.kept += hidden
    full.draw()
    assert full.result.shares["zoe@example.com"].other_month == [str(one.id) for one in hidden]
    assert full.check()[0] == []
    assert full.remarks()["other-month"].endswith(": zoe@example.com (13)")


def test_recordings_of_nobody_are_said(full: Season) -> None:
    full.record("2026-11-05T09:00", user="")
    full.draw()
    full.check()
    assert full.remarks()["no-agent"].endswith(": nobody (1)")


def test_a_flood_of_one_remark_hides_no_other(full: Season) -> None:
    full.record("2026-11-28T09:00", at=NOVEMBER.end + GRACE)
    shown = [*(f"line {number} is no candidate" for number in range(500)), *full.candidates()]
    full.draw(shown)
    full.check(shown)
    assert "bert@example.com (1)" in full.remarks()["came-late"]
    assert full.remarks()["unread"] == "and 490 more"


@pytest.mark.parametrize("shown", [[], ["line 1 is no candidate: wrong-signer"] * 26])
def test_papers_without_a_candidate_do_not_spend_the_month(full: Season, shown: list[Candidate | str]) -> None:
    with pytest.raises(Refusal, match=f"of {len(shown)} papers {len(shown)} could not be read") as refused:
        full.draw(shown)
    assert refused.value.code == "no-candidates"
    assert len(full.draw()["coaching"]) == len(AGENTS)
    assert full.check()[0] == []


def test_a_month_in_which_nobody_recorded_is_drawn_when_asked_for(season: Season) -> None:
    assert season.draw([], empty=True) == {"coaching": {}}
    assert season.check()[0] == []


# -- killed -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", range(5))
def test_killed_at_any_step_it_goes_on_with_the_candidates_that_it_had(full: Season, step: int) -> None:
    """Before its first write, after it, between entries, before what is drawn is there to be opened."""
    if not (child := fork()):
        steps = [0]

        def dying(real: Callable[..., Any]) -> Callable[..., Any]:
            def one(*words: Any, **named: Any) -> Any:
                if steps[0] == step:
                    os.kill(os.getpid(), signal.SIGKILL)
                steps[0] += 1
                return real(*words, **named)

            return one

        try:
            samples.write_over = dying(samples.write_over)  # type: ignore[attr-defined]
            AuditLog.append_all = dying(AuditLog.append_all)  # type: ignore[method-assign]
            full.draw()
        finally:
            os._exit(0)
    ended = os.WTERMSIG(os.waitpid(child, 0)[1])
    fixed = step >= 1  # the first write says what it is of
    shown = full.candidates(full.kept[:4]) if fixed else None
    if step < 4:
        assert ended == signal.SIGKILL
        assert not samples.listed(full.samples)
        drawn = full.draw(shown)
        assert full.check() == ([], full.hidden(drawn))
    else:
        assert ended == 0
        assert full.check()[0] == []
