"""The whole way, by processes as they run: what two people said is in a sealed transcript, and nowhere in the clear."""

from __future__ import annotations

import hashlib
import json
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest

from agent.encode.opus import Opus
from review.analysis.derived import Derived
from review.analysis.job_states import JobState, Kind
from review.analysis.jobs import Lease
from review.cli import main
from review.commands.analyse import table
from review.commands.open_log import public_key
from review.commands.signed_papers import Papers, papers_command
from review.leasing import Lending
from testkit import waits
from testkit.analyst import WORKER, AnalystHouse, analyst_house
from testkit.fakes.pc import FakeRecording
from testkit.spoken import SENTENCES

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the kernel says who asks the custodian on Linux alone"),
    pytest.mark.slow(reason="store, custodian, console and workers as processes, and Whisper in each of these"),
]
PATIENCE: Final = 240.0  # s; a busy machine gives Whisper little
KINDS: Final = (Kind.SPEECH, Kind.PERSONAL)
PHONE: Final = "6175550142"
SPOKEN: Final = ("conference", "participant", "telephone", "available representative", "area code")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AnalystHouse]:
    with analyst_house(tmp_path_factory.mktemp("house")) as made:
        yield made


def job_of(house: AnalystHouse, made: FakeRecording, kind: Kind) -> Any:
    with house.jobs() as jobs:
        return next((one for one in jobs.of(str(made.id)) if one.kind is kind), None)


def until_done(house: AnalystHouse, *made: FakeRecording) -> None:
    def done() -> bool:
        found = [job_of(house, one, kind) for one in made for kind in KINDS]
        assert all(one is None or one.state is not JobState.FAILED for one in found), [one.why for one in found if one]
        return all(one is not None and one.state is JobState.DONE for one in found)

    waits.until(done, "all sound was transcribed and looked through", patience=PATIENCE, beat=0.5)


def opened(house: AnalystHouse, made: FakeRecording, kind: Kind = Kind.SPEECH) -> dict[str, Any]:
    """What a worker made, with a key that the custodian releases for a lease of its own."""
    job = job_of(house, made, kind)
    lease = Lease(job.id, job.fence, time.time_ns() + 120 * 10**9, str(made.id), kind, job.model)
    said = list[str]()
    with closing(Papers(papers_command(None, house.world.home.folder))) as papers:
        log = public_key(str(house.log_key)).public
        lent = Lending(house.socket, WORKER, house.key, log, papers, lambda _, code: said.append(code)).lend(lease)
    assert said == []
    body = house.shelf.get(Derived.of(lease, lent.label), lent.seals, house.key.public_key())
    assert hashlib.sha256(house.shelf.path(Derived.of(lease, lent.label)).read_bytes()).hexdigest() == job.result
    found: dict[str, Any] = json.loads(body)
    return found


def text(channel: dict[str, Any]) -> str:
    said = (word["text"] for segment in channel["segments"] for word in segment["words"] if not word["invented"])
    return " ".join(word.strip(".,?!").lower() for word in said)


def in_the_clear(folder: Path) -> list[tuple[str, str]]:
    """(file, what) of all that was said, and of sound that is not sealed: each stream of it begins with this header."""
    header = Opus().header
    wanted = {word: [word.encode(form) for form in ("utf-8", "utf-16-le", "utf-16-be")] for word in SPOKEN}
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "models" not in path.parts:
            content = path.read_bytes()
            small = content.lower()
            found += [(str(path), what) for what, forms in wanted.items() if any(one in small for one in forms)]
            found += [(str(path), "sound")] * (header in content)
    return found


def test_the_search_finds_what_lies_in_the_clear(tmp_path: Path) -> None:
    for place, form in enumerate(("utf-8", "utf-16-le", "utf-16-be")):
        (tmp_path / f"{place}.bin").write_bytes(b"\x00\x01\x02" + "The Conference is".encode(form))
    (tmp_path / "3.bin").write_bytes(b"\x00" + Opus().header + b"\x00")
    assert [what for _, what in in_the_clear(tmp_path)] == [*["conference"] * 3, "sound"]


def test_a_worker_without_a_key_is_told_what_it_needs(house: AnalystHouse, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--home", str(house.console), "--store", str(house.world.home.folder)]
    assert main(["analyse", *where]) == 2
    assert "to work it needs --as, --key and --custodian-key" in capsys.readouterr().err
    assert main(["analyse", *where, "--models", str(house.temporary), "--status"]) == 0


def test_what_was_said_is_transcribed_sealed_and_nowhere_in_the_clear(house: AnalystHouse) -> None:
    made = house.record(["conf-lockednow"], ["privacy-prompt"])
    with house.working() as worker:
        until_done(house, made)
    assert worker.returncode == 0
    found = opened(house, made)
    assert text(found["channels"]["agent"]) == SENTENCES["conf-lockednow"]
    assert text(found["channels"]["customer"]) == SENTENCES["privacy-prompt"]
    assert found["channels"]["agent"]["versions"]["model"] == "whisper-tiny.en"
    assert in_the_clear(house.folder) == []
    assert list(house.temporary.iterdir()) == []


def test_what_a_rule_closed_is_a_named_gap_and_not_in_the_words(house: AnalystHouse) -> None:
    made = house.record(["conf-onlyone"], ["conf-lockednow"], closed=[(0.0, 4.0)])
    with house.working():
        until_done(house, made)
    found = opened(house, made)
    assert [one["rule"] for one in found["channels"]["customer"]["gaps"]] == ["closed: card-forms"]
    assert "conference" not in text(found["channels"]["customer"])


def test_where_personal_data_is_said_is_found_and_not_what_it_is(house: AnalystHouse) -> None:
    """The question is the agent's, the number the customer's: eight seconds later, by a voice that names digits."""
    made = house.record(["privacy-prompt"], ["silence/8", *(f"digits/{digit}" for digit in PHONE)])
    with house.working():
        until_done(house, made)
    speech, personal = (opened(house, made, kind) for kind in KINDS)
    job = job_of(house, made, Kind.SPEECH)
    assert personal["made_of"] == {"speech": {"version": job.model, "sha256": job.result}}
    said = [word for segment in speech["channels"]["customer"]["segments"] for word in segment["words"]]
    assert len([word for word in said if any(map(str.isdigit, word["text"]))]) > len(PHONE) // 2
    (asked,) = [one for one in personal["spans"] if one["detector"] == "question"]
    assert (asked["channel"], asked["kind"], asked["because"]) == ("customer", "phone", "asked: phone number")
    assert asked["start"] <= said[0]["start"] < said[-1]["end"] <= asked["end"]
    assert {one["channel"] for one in personal["spans"]} == {"customer"}
    assert in_the_clear(house.folder) == []


def test_workers_killed_at_random_instants_lose_and_double_nothing(house: AnalystHouse) -> None:
    """What a killed worker's lease leaves is over in two minutes; here the table's times are moved back instead."""
    made = [house.record(["conf-lockednow"], ["conf-lockednow"]) for _ in range(3)]
    waits.until(
        lambda: all(job_of(house, one, Kind.SPEECH) for one in made), "the console filled the table", patience=PATIENCE
    )
    chance, kills = random.Random(20261204), 0
    while kills < 6:
        with house.working() as worker:
            try:
                worker.wait(chance.uniform(0.5, 9.0))  # the instant is the point
            except subprocess.TimeoutExpired:
                worker.send_signal(signal.SIGKILL)
                kills += 1
        with closing(sqlite3.connect(table(house.console))) as jobs, jobs:
            jobs.execute("update jobs set deadline = 1 where state = 'leased'")
            jobs.execute("update jobs set ready_at = 1, tries = 0 where state = 'waiting'")
    with house.working():
        until_done(house, *made)
    with house.jobs() as jobs:
        house.shelf.sweep(jobs)
        for one in made:
            assert text(opened(house, one)["channels"]["agent"]) == SENTENCES["conf-lockednow"]
            fences = {kind: job_of(house, one, kind).fence for kind in KINDS}
            files = sorted(path.name for path in (house.shelf.folder / str(one.id)).iterdir())
            assert files == sorted(f"{kind}.original.{fence}" for kind, fence in fences.items())
            assert sorted(other.kind for other in jobs.of(str(one.id))) == sorted(KINDS)
    assert in_the_clear(house.folder) == []
    assert list(house.temporary.iterdir()) == []
