"""What may be listened to is drawn, and who has the log and the papers draws again: a choice would show."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import shutil
import signal
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol import keyfile
from protocol.claims import Claims
from protocol.errors import ProtocolError
from review import samples
from review.audit.bodies import bodies
from review.audit.kinds import Act, pseudonym
from review.audit.log import AuditLog
from review.audit.verify import Asked, verify_log
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
                found.append(Candidate(str(packet.recording), agent, start, origin.at))
        return found

    def draw(self, shown: Iterable[Candidate | str] | None = None, now: str = "2026-12-04T00:00") -> Drawn:
        self.house.clock.now = at(now)
        drawn, _ = samples.draw(
            self.samples, self.log(), NOVEMBER, self.candidates() if shown is None else shown, rules=self.governance,
            now=self.house.clock.now, who="root@pc",
        )  # fmt: skip
        return drawn

    def check(
        self, shown: Iterable[Candidate | str] | None = None, rules: Governance | None = None
    ) -> tuple[list[str], Drawn]:
        """Codes of the findings, and what a stranger draws."""
        house = self.house
        self.report = verify_log(house.folder / "audit", Asked(house.signer.key, house.reading))
        assert not self.report.findings
        said = bodies(house.folder / "audit", house.signer.key, house.reading)
        drawn = samples.check(
            self.report, NOVEMBER, said, self.candidates() if shown is None else shown,
            rules=rules or self.governance, hide=lambda one: pseudonym(one, house.reading),
        )  # fmt: skip
        return sorted({one.code for one in self.report.findings}), drawn

    def hidden(self, drawn: Drawn) -> Drawn:
        return {one: {pseudonym(agent, self.house.reading): there for agent, there in agents.items()}
                for one, agents in drawn.items()}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _cheap_keys() -> Iterator[None]:
    """Keys that are sealed cheaply: the real ones take seconds each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keyfile.save_private, "__kwdefaults__", {"cost": 10})
        yield


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
    # The seed that was lost is in the log, too.
    assert season.check()[0] == ["other-seed"]
    assert before.id != after.id


def test_the_seed_is_readable_by_its_user_alone(season: Season) -> None:
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


@pytest.mark.parametrize("other", ["candidates", "seed"])
def test_a_second_draw_of_a_month_is_named(full: Season, other: str) -> None:
    full.draw()
    (told,) = (one["facts"] for one in full.house.entries() if one["facts"].get("step") == "drawn")
    first = entry(full, "candidates", of=str(full.kept[0].id), person="bert@example.com")
    changed = {"first": first, "count": 1} if other == "candidates" else {"seed": "00" * 32}
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
    kept = json.loads((full.samples / "2026-11").read_text())
    entry(full, "committed", commitment=told["commitment"], since=NOVEMBER.start)  # on the 27th, for the whole month
    facts = {"count": 0, "refused": 0, "rules": full.governance.hash, "purposes": ["coaching:2"]}
    entry(full, "drawn", first=full.log().size, seed=kept["seed"], **facts)
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
    drawn = season.draw([*data.draw(st.permutations([*shown, *added])), *shown])
    codes, again = season.check(honest)
    named = {one.message.split()[1].rstrip(",") for one in season.report.findings}
    assert named == {one.recording for one in left_out | moved | added}
    assert set(codes) == {
        code for code, of in (("left-out", left_out), ("added", added), ("other-agent", moved - left_out)) if of
    }
    assert again == season.hidden(drawn)
    assert all(len(there) <= 2 for agents in drawn.values() for there in agents.values())


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
