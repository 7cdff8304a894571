"""An enrolled PC that writes what it likes into its account: the operators' commands go on for all the others.

Entries of any shape and size come in by the route that every PC uses. Then each command that reads must work, and say
of an honest PC exactly what it said before.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import generate_latest

from protocol.bundle import verify as verify_bundle
from protocol.errors import LedgerError
from protocol.ledger import line, parse_line
from store.admin.home import Home
from store.admin.init import COMPLIANCE
from store.catalog.statements import newest_bundle
from store.commands import audit, fleet, sweep
from store.evidence.timeline import rules_used
from store.evidence.verify import sweep as verify_sweep
from store.server import entries, metrics
from store.server.enrolment import make_secret
from store.server.metrics import Metrics
from store.server.services import Services
from store.server.serving import open_services
from testkit.fakes.pc import FakeRecording, Pc
from tests.store.command_line import Run, key, passphrase_file, run  # noqa: F401 - fixtures
from tests.store.conftest import SetClock, serving
from tests.store.recorded import POLICY, Filmed, close, make_filmed, start_run

KINDS: Final = (
    "start", "stop", "policy", "hold", "release", "lane-closed", "lane-open", "would-close", "recording-open", "heads",
    "recording-closed", "sound", "given-up", "blind-since", "slept", "wall-jumped", "alarm", "unheard-of",
)  # fmt: skip
NAMES: Final = (
    "boot", "why", "policy", "revision", "hold", "reason", "for_ms", "lane", "rules", "recording", "zero", "heads",
    "until", "what", "channel", "filled_ms", "stream", "sequence", "from", "from_wall", "to", "before", "after", "x",
)  # fmt: skip
EXTREMES: Final = (0, -1, 1, 2**31, 2**53, 2**63 - 1, 2**63, 2**64 - 1, -(2**63), 1.5, 1e300, True, None)
WORDS: Final = (
    "screen", "audio", "blind", "user", "locked", "microphone", POLICY, "f" * 64, "", "\0", "\x1b[2J", "x" * 60_000,
)  # fmt: skip
HEADS: Final = (
    {"9" * 5000: [1, "a" * 64]},
    {"0": [2**63, "a" * 64]},
    {"0": [2**64 - 1, "a" * 64], "1": [5, "b" * 64]},
    {"0": [1, "x" * 60_000]},
    {"²": [1, "a"], "-1": [1, "a"], "0": {}},
    {str(number): [1, "a" * 64] for number in range(600)},
)  # fmt: skip
UNICODE: Final = st.characters(exclude_categories=["Cs"])
ANY: Final = st.recursive(
    st.sampled_from((*EXTREMES, *WORDS)) | st.integers(-(2**63), 2**64 - 1) | st.text(UNICODE, max_size=8),
    lambda inside: (
        st.lists(inside, max_size=4) | st.dictionaries(st.sampled_from(("0", "1", "a", "9" * 5000)), inside, max_size=3)
    ),
    max_leaves=8,
)
TIMES: Final = st.sampled_from((0, 1, 10**11, 2**62, 2**63 - 1)) | st.integers(0, 2**63 - 1)


def a_value(name: str) -> st.SearchStrategy[object]:
    if name == "heads":
        return st.sampled_from(HEADS) | ANY
    if name == "rules":
        return st.lists(st.sampled_from((0, 1, 2**64 - 1, "unreadable", "x" * 999)), max_size=3) | ANY
    return ANY


ENTRIES: Final = st.lists(
    st.tuples(
        st.sampled_from(KINDS),
        TIMES,
        TIMES,
        st.booleans(),  # about the PC's own recording
        st.lists(st.sampled_from(NAMES), unique=True, max_size=6).flatmap(
            lambda names: st.fixed_dictionaries({name: a_value(name) for name in names})
        ),
    ),
    min_size=10,
    max_size=30,
)  # fmt: skip
EXPLODING: Final = {
    "digits": ("heads", {"heads": {"9" * 5000: [1, "a" * 64]}}),
    "lane": ("lane-closed", {"lane": {}, "rules": [0], "policy": POLICY}),
    "zero": ("recording-open", {"zero": 10**4000, "policy": POLICY}),
    "until": ("recording-closed", {"until": 10**4000, "heads": {}}),
    "wide zero": ("recording-open", {"zero": 2**64 - 1, "policy": POLICY}),
    "wide until": ("recording-closed", {"until": 2**64 - 1, "heads": {}}),
    "before all": ("blind-since", {"from_wall": -(2**63), "why": {}}),
    "deep": ("blind-since", {"why": json.loads("[" * 400 + "]" * 400)}),
    "kind": ("x\0y", {}),
    "alarm": ("alarm", {"what": {}}),
}


class Hostile:
    """An enrolled PC with an open recording, beside an honest one."""

    def __init__(self, pc: Pc, recording: FakeRecording) -> None:
        self.pc = pc
        self.recording = recording
        self.taken = 0

    def tell(self, kind: str, at: int, wall: int, fields: dict[str, object]) -> None:
        """One entry, as the PC's own program would never write it; left out again where the store refuses it."""
        ledger = self.pc.ledger
        own = {name: value for name, value in fields.items() if name not in {"seq", "at", "wall", "kind", "prev"}}
        try:
            ledger.lines.append(line(len(ledger.lines), ledger.head, at=at, wall=wall, kind=kind, **own))
        except (LedgerError, ValueError):
            return  # larger than a line may be
        try:
            answer = self.pc.send_ledger()
        except LedgerError:
            ledger.lines.pop()
            return
        assert answer.status_code in {200, 400}
        if answer.is_success:
            self.taken += 1
        else:
            ledger.lines.pop()


@dataclass
class Before:
    """A store to which two PCs have sent what they should: tests get copies of it."""

    folder: Path
    honest: Filmed
    hostile: FakeRecording
    seen: dict[str, Any] = field(default_factory=dict)  # what commands say of the honest PC


@pytest.fixture(scope="module")
def before(made_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Before:
    folder = tmp_path_factory.mktemp("before") / "home"
    shutil.copytree(made_home, folder, copy_function=shutil.copy2)
    home, now = Home.open(folder), SetClock()
    services = open_services(home, now)
    with services.database.reading() as connection:
        newest = newest_bundle(connection)
    assert newest is not None
    bundle = verify_bundle(newest[1], home.key(COMPLIANCE).id)
    with serving(home, services) as client:
        pcs = [Pc(client), Pc(client)]
        for pc in pcs:
            with services.database.writing() as connection:
                secret = make_secret(connection, uses=1, expires_at=now() + 10**12, group="", now=now())
            assert pc.enrol(secret).status_code == 200
            assert pc.ask_token(now.seconds).status_code == 200
        honest = make_filmed(pcs[0], bundle)
        close(honest)
        honest.put_all()
        assert honest.pc.send_ledger().status_code == 200
        pc = pcs[1]
        recording = pc.open_recording(bundle, policy=POLICY)
        assert pc.put_sealed(recording.seal()).status_code == 200
        start_run(pc)
        pc.ledger.write("recording-open", at=10**11, recording=str(recording.id), policy=POLICY, zero=10**11)
        assert pc.send_ledger().status_code == 200
    services.close()
    return Before(folder, honest, recording)


@pytest.fixture
def home(before: Before, tmp_path: Path) -> Home:
    shutil.copytree(before.folder, tmp_path / "home", copy_function=shutil.copy2)
    return Home.open(tmp_path / "home")


def again(pc: Pc, client: httpx.Client, clock: SetClock) -> Pc:
    """The PC as it stands, at the copy of its store."""
    made = Pc(client)
    made.token_key, made.evidence_key, made.device = pc.token_key, pc.evidence_key, pc.device
    made.ledger.lines, made.ledger.sent = [*pc.ledger.lines], pc.ledger.sent
    assert made.ask_token(clock.seconds).status_code == 200
    return made


@pytest.fixture
def filmed(before: Before, client: httpx.Client, clock: SetClock) -> Filmed:
    pc = again(before.honest.pc, client, clock)
    return Filmed(pc, replace(before.honest.recording, pc=pc), before.honest.sealed)


@pytest.fixture
def hostile(before: Before, client: httpx.Client, clock: SetClock) -> Hostile:
    pc = again(before.hostile.pc, client, clock)
    return Hostile(pc, replace(before.hostile, pc=pc))


class Operator:
    """Asks every command that reads."""

    def __init__(self, run: Run, services: Services, home: Home, honest: Filmed, hostile: Hostile) -> None:  # noqa: F811
        self._run = run
        self._services = services
        self._home = home
        self._honest = honest
        self._hostile = hostile
        self.before: dict[str, Any] = {}  # what was said when no PC had lied yet

    def _ask(self, *arguments: object) -> str:
        for form in ((), ("--json",)):
            ended = self._run(*arguments, *form)
            assert ended.code in {0, 1}, ended.err
        return ended.out

    def _honest_of(self, listed: list[dict[str, Any]], *names: str) -> dict[str, Any]:
        assert {self._hostile.pc.device, self._honest.pc.device} <= {one["device"] for one in listed}
        return next({name: one[name] for name in names} for one in listed if one["device"] == self._honest.pc.device)

    def look(self) -> dict[str, Any]:
        """What they say of the honest PC."""
        own, other = str(self._honest.recording.id), str(self._hostile.recording.id)
        unsound = json.loads(self._ask("verify", "--all"))["unsound"]
        assert [one for one in unsound if one["id"] in {own, self._honest.pc.device}] == []
        self._ask("timeline", other)
        self._ask("verify", other)
        self._ask("rules")
        assert b"eyelid_store_devices" in generate_latest(Metrics(self._services, self._home).registry)
        return {
            "devices": self._honest_of(json.loads(self._ask("devices"))["devices"], "level", "alarms", "words"),
            "gaps": self._honest_of(json.loads(self._ask("gaps"))["devices"], "recordings", "contradicted", "state"),
            "recordings": self._honest_of(json.loads(self._ask("recordings"))["recordings"], "kept_ns", "whole_ns"),
            "timeline": json.loads(self._ask("timeline", own)),
        }


@pytest.fixture
def operator(
    run: Run,  # noqa: F811
    services: Services,
    home: Home,
    filmed: Filmed,
    hostile: Hostile,
    before: Before,
) -> Operator:
    made = Operator(run, services, home, filmed, hostile)
    before.seen = before.seen or made.look()
    made.before = before.seen
    return made


@pytest.fixture(params=["as it is", "without bounds at intake"])
def intake(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an earlier store took lies there for ever: readers must bear it, too."""
    if request.param != "as it is":
        monkeypatch.setattr(entries, "check", lambda *_: None)


@pytest.mark.usefixtures("intake")
@pytest.mark.parametrize("which", EXPLODING)
def test_an_entry_that_once_broke_every_command(operator: Operator, hostile: Hostile, which: str) -> None:
    kind, fields = EXPLODING[which]
    hostile.tell(kind, 10**11, 10**18, {"recording": str(hostile.recording.id), **fields})
    assert operator.look() == operator.before


@pytest.mark.slow(reason="each example is thirty requests and forty commands")
@pytest.mark.usefixtures("intake")
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(written=ENTRIES)
def test_no_account_breaks_a_command_for_the_others(
    operator: Operator, hostile: Hostile, written: list[tuple[str, int, int, bool, dict[str, object]]]
) -> None:
    for kind, at, wall, own, fields in written:
        hostile.tell(kind, at, wall, fields | ({"recording": str(hostile.recording.id)} if own else {}))
    assert operator.look() == operator.before


# -- the entry that was not thought of ----------------------------------------------------------------------------


def breaking(monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str, whose: str) -> None:
    """The reader fails at everything of this PC or this recording."""
    read = getattr(module, name)

    def fail(*arguments: Any, **named: Any) -> Any:
        if whose in str(arguments):
            raise TypeError("unhashable: a secret")
        return read(*arguments, **named)

    monkeypatch.setattr(module, name, fail)


@pytest.mark.parametrize(
    ("command", "module", "name"),
    [
        ("devices", fleet, "device_status"),
        ("gaps", sweep, "gaps"),
        ("rules", rules_used, "_used"),
        ("verify --all", verify_sweep, "check_ledger"),
        ("verify --all", verify_sweep, "_examined"),
        ("recordings", audit, "_facts_of"),
    ],
)
def test_a_pc_whose_account_no_reader_bears_is_named_and_the_others_are_shown(
    run: Run,  # noqa: F811
    filmed: Filmed,
    hostile: Hostile,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    module: ModuleType,
    name: str,
) -> None:
    of_recording = name in {"_examined", "_facts_of"}
    whose, shown = (
        (str(one.recording.id) if of_recording else one.pc.device) for one in (hostile, filmed)
    )  # fmt: skip
    breaking(monkeypatch, module, name, whose)
    for form in ((), ("--json",)):
        ended = run(*command.split(), *form)
        assert ended.code in {0, 1}
        said = ended.out + ended.err
        assert whose in said
        assert "unreadable" in said.lower() or "cannot be read" in said
        assert "secret" not in said
        assert shown in said or command in {"rules", "verify --all"}


def test_a_scrape_counts_a_pc_that_cannot_be_read(
    services: Services, home: Home, filmed: Filmed, hostile: Hostile, monkeypatch: pytest.MonkeyPatch
) -> None:
    del filmed
    breaking(monkeypatch, metrics, "_add", hostile.pc.device)
    scraped = generate_latest(Metrics(services, home).registry).decode()
    assert 'eyelid_store_devices{state="unreadable"} 1.0' in scraped
    assert 'eyelid_store_devices{state="never"} 1.0' in scraped


def test_entries_that_the_agent_writes_are_within_the_bounds(filmed: Filmed) -> None:
    for seq, written in enumerate(filmed.pc.ledger.lines):
        entries.check(parse_line(written, seq=seq), seq)


@pytest.mark.parametrize(
    "told",
    [
        {"kind": "slept", "to": True},
        {"kind": "lane-closed", "rules": [True]},
        {"kind": "heads", "heads": {"00": [1, "a" * 64]}},
        {"kind": "heads", "heads": {"65535": [1, "a" * 64]}},
        {"kind": "heads", "heads": {"0": [True, "a" * 64]}},
    ],
    ids=str,
)
def test_an_entry_that_two_readers_could_read_in_two_ways_is_refused(told: dict[str, Any]) -> None:
    with pytest.raises(LedgerError) as refused:
        entries.check(told, 0)
    assert refused.value.code == "bad-field"
