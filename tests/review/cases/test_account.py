"""What `case verify` and the page tell of the time of a case is what the store tells of it, whatever a device wrote."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Final
from uuid import uuid4

import pytest

from protocol.bundle import verify as verify_bundle
from protocol.keyfile import load_private
from protocol.keys import RecipientPrivate, chunk_key
from review.cases import reading, verifying, writing
from review.cases.sealing import Statement
from review.cases.spans import Case, Span
from review.player.source import Source
from store.admin.home import Home
from store.admin.init import COMPLIANCE, RECIPIENT, Plan, found
from store.catalog.statements import newest_bundle
from store.commands.audit import evidence_of, examined, keys_of
from store.evidence.account import Interval, Part, union
from store.evidence.evidence import Evidence
from store.evidence.papers import identity
from testkit.cheap_keys import COST
from testkit.player_page import READY, Page, played_case, until
from tests.store.conftest import PASSPHRASE
from tests.vectors.worlds import Disk, make_world

# Of those that chance makes, some of the third edition in which nothing is wrong: closed, died; with sound and without.
SEEDS: Final = (13, 48, 191, 233, 250, 258, 1078, 1473, 1843, 2003)
DIED: Final = 1843  # and of its screens less is here than of its sound
READER: Final = RecipientPrivate.generate()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return found(Plan(tmp_path_factory.mktemp("worlds") / "home", "https://localhost:8443", cost=COST), PASSPHRASE)


@pytest.fixture(scope="module")
def recordings(home: Home) -> dict[int, str]:
    """Seed -> recording."""
    with closing(home.database()) as database, database.reading() as connection:
        newest = newest_bundle(connection)
    assert newest is not None
    disk, bundle = Disk(home.folder), verify_bundle(newest[1], home.key(COMPLIANCE).id)
    made = {seed: make_world(seed, disk, bundle, _reader(home)).id for seed in SEEDS}
    disk.close()
    return made


def _reader(home: Home) -> RecipientPrivate:
    return RecipientPrivate.from_bytes(load_private(home.folder / home.key(RECIPIENT).file, PASSPHRASE).raw)


def exported(home: Home, evidence: Evidence, folder: Path, *spans: tuple[int, int]) -> Path:
    recording = evidence.recording.id
    case = Case(uuid4(), "worlds", tuple(Span(recording, *one) for one in spans))
    _, keys = keys_of(evidence, home.blobs(), _reader(home))
    with closing(home.database()) as database:
        source = Source.of(evidence, home.blobs(), database, compliance=home.key(COMPLIANCE).id)
        with database.reading() as connection:
            origin = str(identity(connection, evidence, home.blobs(), home.store_key())["origin"])

        def own(stream: int, sequence: int) -> bytes:
            return chunk_key(keys(stream), recording, stream, sequence)

        chosen = writing.Chosen(source, origin, own, case.of(recording), case.gives)
        writing.write(
            case, 1, [chosen], folder, reader=READER.public, passphrase=b"", signer=home.store_key(),
            register=home.exports, advance=lambda _: None,
        )  # fmt: skip
    return folder


def source_of(folder: Path) -> tuple[reading.PartSource, Statement]:
    statement = reading.statement_of(folder)
    content = reading.content_of(folder, statement, reading.by_key(statement, READER))
    return reading.sources_of(folder, statement, content)[content.parts[0].recording], statement


def cut(parts: tuple[Part, ...], start: int, until_: int) -> list[Part]:
    within = [one for one in parts if max(one.start, start) < min(one.end, until_)]
    return [replace(one, start=max(one.start, start), end=min(one.end, until_)) for one in within]


def seamless(parts: list[Part]) -> list[tuple[object, bool, list[tuple[int, int]]]]:
    """By cause and margin, in which order they came: where two are equal, a seam between them says nothing."""
    causes = dict.fromkeys((one.cause, one.margin) for one in parts)
    times = {key: [Interval(one.start, one.end) for one in parts if (one.cause, one.margin) == key] for key in causes}
    return [(*key, [(one.start, one.end) for one in union(of)]) for key, of in times.items()]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_account_of_a_case_is_the_stores(home: Home, recordings: dict[int, str], seed: int, tmp_path: Path) -> None:
    evidence = evidence_of(home, recordings[seed])
    assert examined(home, evidence, _reader(home)).sound
    third = evidence.length // 3
    for number, spans in enumerate(([(0, evidence.length)], [(0, third), (2 * third, evidence.length)])):
        source, statement = source_of(exported(home, evidence, tmp_path / str(number), *spans))
        proven = verifying.prove(source, statement.signer, lambda _: None)
        assert not proven.found
        assert tuple(proven.account) == evidence.lanes
        for lane, parts in proven.account.items():
            wanted = [part for one in spans for part in cut(evidence.account_of(lane), *one)]
            assert seamless(list(parts)) == seamless(wanted)


@pytest.mark.parametrize("seed", SEEDS)
def test_an_account_whose_end_was_left_out_is_named(
    home: Home, recordings: dict[int, str], seed: int, tmp_path: Path
) -> None:
    """An exporter cuts it: the account would say its last state of all the time that follows."""
    evidence = evidence_of(home, recordings[seed])
    source, statement = source_of(exported(home, evidence, tmp_path / "case", (0, evidence.length)))
    ends = [evidence.closing] if evidence.closing else [one for one in evidence.later_entries if one.kind == "heads"]
    numbers = sorted(int(one["first"]) for one in source.part.account)
    last = max(one for one in numbers if one <= ends[0].seq)  # the batch that has it
    left = tuple(one for one in source.part.account if one["first"] < last)
    cut_off = replace(source, part=replace(source.part, account=left), _starts={})
    codes = {one.code for one in verifying.prove(cut_off, statement.signer, lambda _: None).found}
    assert codes & {"unsigned", "no-ledger"}


@pytest.mark.slow(reason="a browser opens a case")
def test_the_page_tells_all_of_a_span_of_a_recording_whose_pc_died(
    page: Page, home: Home, recordings: dict[int, str], tmp_path: Path
) -> None:
    """Nothing of the case says how long it was: its last chunk is of a stream that has none in the span."""
    evidence = evidence_of(home, recordings[DIED])
    assert evidence.closing is None
    span = (evidence.length - 2, evidence.length)
    with played_case(exported(home, evidence, tmp_path / "case", span), READER) as address:
        page.open(address)
        until(page, READY)
        told = page.run("eyelid.about.lanes.screen.map(({from, to, what}) => [from, to, what])")
        assert [told[0][:2], told[-1][1]] == [[0, span[0]], span[1]]
        assert sum(end - start for start, end, what in told if what != "outside") == 2
