"""Each kind of tampering of tests/vectors is named by the page, as `eyelid-store verify` names it; and its account is
the store's, whatever a device told."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

import pytest

from protocol.bundle import verify as verify_bundle
from protocol.envelope import Edition
from protocol.keyfile import load_private
from protocol.keys import RecipientPrivate
from store.admin.home import Home
from store.admin.init import COMPLIANCE, RECIPIENT, Plan, found
from store.catalog.statements import bundle_of, newest_bundle
from store.commands.audit import evidence_of
from store.evidence.account import BlindCause, Closed, Held, Missing, Part
from store.evidence.verify.ledger import SignedLedger
from store.evidence.verify.recording import examine
from testkit.cheap_keys import COST
from tests.quick import Cases
from tests.review.player.conftest import READY, Page, played, until
from tests.store.conftest import PASSPHRASE
from tests.vectors.tampering import TAMPERING
from tests.vectors.worlds import Disk, World, make_world

Findings = set[tuple[str, str]]
# What every world has: its PC signs anything.
OWN: Final[Findings] = {("account", "kept-while-closed"), ("heads", "beyond-closing")}
UNSIGNED: Final = ("heads", "unsigned")  # a finding of the page where nothing signs the end; verify has a word for it
LINES: Final[Findings] = {("ledger", "changed-catalog"), ("ledger", "wrong-seq"), ("ledger", "unsigned")}
# What one of the two names alone: the page, and verify; the page names all else that verify does, and nothing else.
_PACKET: Final = (  # without a packet nothing says whose keys were handed over: no chunk of it is looked at further
    {("signatures", "no-key-packet")}, {("chain", "wrong-previous")},
)  # fmt: skip
_CATALOG: Final[tuple[Findings, Findings]] = (set(), LINES)  # lines of the catalog, of which the page reads none
_COMMITMENT: Final[tuple[Findings, Findings]] = (  # needs the recording's key: who hands over a stream's checks it
    set(), {("commitment", "wrong-key"), ("commitment", "wrong-commitment")},
)  # fmt: skip
ALONE: Final[dict[str, tuple[Findings, Findings]]] = {
    "blob_unreadable": ({("bytes", "lost")}, {("bytes", "unreadable")}),  # a server gives nothing in its place
    "packet_blob_removed": ({("key-packet", "no-key-packet"), ("signatures", "no-key-packet")}, {("bytes", "lost")}),
    "packet_removed": _PACKET,
    "packet_changed": _PACKET,
    "packet_is_no_text": _PACKET,
    "packet_of_another_device": _PACKET,
    "packet_of_another_recording": _PACKET,
    "packet_names_another_device": _PACKET,
    "wrapped_changed": _COMMITMENT,
    "commitment_changed": _COMMITMENT,
    # A column that only says what the chunk before is called: the page compares what the chunks themselves have.
    "previous_changed": (set(), {("chain", "wrong-previous"), ("headers", "wrong-previous")}),
    # After the first check that fails the page makes no other of a chunk.
    "chunk_of_another_recording": (set(), {("chain", "wrong-previous")}),
    # The page opens a chunk where verify first compares what it commits to.
    "chunk_does_not_open": ({("tags", "wrong-commitment")}, {("commitment", "wrong-commitment")}),
    "line_changed": _CATALOG,
    "line_removed": _CATALOG,
    "line_column_changed": _CATALOG,
    "end_invented": _CATALOG,
    "kind_changed": _CATALOG,
    "later_line_changed": _CATALOG,
    "opening_blanked": _CATALOG,
    # The page finds the opening in what was signed, and with it what the device said of its time.
    "opening_hidden": ({("account", "kept-while-closed")}, LINES),
    # Verify goes on with lines that no batch signs any more; the page has none without one.
    "batch_removed": (
        {("ledger", "ledger-cut"), ("ledger", "no-ledger"), UNSIGNED}, {*OWN, *LINES, ("ledger", "wrong-signer")},
    ),
    "batch_changed": ({("ledger", "missing")}, LINES),
    "batch_of_another_device": ({("ledger", "no-ledger"), ("ledger", "ledger-cut"), UNSIGNED}, {*OWN, *LINES}),
    "health_names_more": (set(), {("heads", "wrong-head")}),  # no one signs that part of health
    "alarm_raised": (set(), {("alarm", "wrong-head")}),  # the store's own, about other bodies
}  # fmt: skip
# Nothing of this recording is wrong: a true body is beside the other one, and what is gone is another recording.
SOUND: Final = {"nothing", "another_body", "recording_removed", "ledger_contradicted"}
SEEDS: Final = {"batch_of_another_device": 90, "kind_changed": 147}  # where it is this recording's run that is changed


@dataclass(frozen=True)
class Tampered:
    """`worlds`: kind of tampering, or seed -> recording. `ended`: those whose device signed where they end."""

    home: Home
    worlds: dict[str, str]
    ended: set[str]


@pytest.fixture(scope="session")
def tampered(tmp_path_factory: pytest.TempPathFactory) -> Tampered:
    """A store, and for each kind of tampering a recording of a signed edition; more of which nothing was changed, by
    their seeds."""
    home = found(Plan(tmp_path_factory.mktemp("tampered") / "home", "https://localhost:8443", cost=COST), PASSPHRASE)
    database = home.database()
    with database.reading() as connection:
        newest = newest_bundle(connection)
    database.close()
    assert newest is not None
    bundle = verify_bundle(newest[1], home.key(COMPLIANCE).id)
    disk, reader, made, ended = Disk(home.folder), reader_of(home), {}, set[str]()
    for number, way in enumerate(TAMPERING):
        seed = SEEDS.get(way.__name__, number)
        while (world := make_world(seed, disk, bundle, reader)).recording.edition is Edition.FIRST:
            seed += len(TAMPERING)
        way(world)
        made[way.__name__] = world.id
        if signs_end(world):
            ended.add(way.__name__)
    made |= {str(seed): make_world(seed, disk, bundle, reader).id for seed in WORLDS}
    disk.close()
    return Tampered(home, made, ended)


def signs_end(world: World) -> bool:
    own = [one for one in map(json.loads, world.pc.ledger.lines) if one.get("recording") == world.id]
    return any(one["kind"] == "recording-closed" or one.get("final") is True for one in own)


def reader_of(home: Home) -> RecipientPrivate:
    return RecipientPrivate.from_bytes(load_private(home.folder / home.key(RECIPIENT).file, PASSPHRASE).raw)


def verified(home: Home, recording: str) -> set[tuple[str, str]]:
    """As `eyelid-store verify` with the reader's key."""
    database, evidence = home.database(), evidence_of(home, recording)

    def bundles(revision: int) -> str | None:
        with database.reading() as connection:
            return bundle_of(connection, revision)

    ledger = SignedLedger(database, evidence.device)
    fingerprint = home.key(COMPLIANCE).id
    report = examine(evidence, home.blobs(), reader_of(home), compliance=fingerprint, bundles=bundles, ledger=ledger)
    database.close()
    return {(finding.check, finding.code) for finding in report.findings}


def named(page: Page, home: Home, recording: str) -> set[tuple[str, str]]:
    with played(home, recording) as address:
        page.open(address)
        until(page, READY)
        told: list[list[Any]] = page.run(
            "[...document.querySelectorAll('#findings li')].map((one) => [one.dataset.check, one.dataset.code])"
        )
    return {(check, code) for check, code in told if code != "not-media"}  # their content is no picture


WORLDS: Final = range(1000, 1020)


@pytest.mark.slow(reason="a page is opened for each of fifty kinds of tampering")
def test_the_page_names_what_verify_names(page: Page, tampered: Tampered, cases: Cases) -> None:
    """Exactly: check and code of each finding, with the exceptions of ALONE."""
    others = {}
    for way in cases([one.__name__ for one in TAMPERING], type(page).__name__):
        id = tampered.worlds[way]  # noqa: A001 - what it is
        here, there = named(page, tampered.home, id), verified(tampered.home, id)
        of_page, of_verify = ALONE.get(way, (set(), set()))
        unsigned = set() if way in tampered.ended else {UNSIGNED}
        wanted = (there - of_verify) | of_page | unsigned
        if here != wanted or (way not in SOUND) != bool(there - OWN):
            others[way] = {"missing": wanted - here, "more": here - wanted, "verify": there}
    assert not others


def told(part: Part) -> dict[str, Any]:
    """As the page has it."""
    match part.cause:
        case Closed(policy, rules):
            more: dict[str, Any] = {"what": "closed", "policy": policy, "rules": list(rules)}
        case Held(holds, reason, policy):
            more = {"what": "held", "holds": list(holds)}
            if "user" in holds:
                more |= {"reason": reason} | ({"policy": policy} if isinstance(reason, int) else {})
        case BlindCause(why):
            more = {"what": "blind", "why": why}
        case Missing(why):
            more = {"what": "missing", "why": why}
        case _:
            more = {"what": "kept"}
    return {"from": part.start, "to": part.end, "margin": part.margin, **more}


@pytest.mark.slow(reason="a page is opened for each of twenty recordings")
def test_the_account_is_the_stores_whatever_a_device_told(page: Page, tampered: Tampered, cases: Cases) -> None:
    home, worlds = tampered.home, tampered.worlds
    for seed in cases(WORLDS, ""):
        evidence = evidence_of(home, worlds[str(seed)])
        with played(home, worlds[str(seed)]) as address:
            page.open(address)
            until(page, READY)
            lanes = page.run("eyelid.about.lanes")
            length = page.run("eyelid.about.length")
        assert length == evidence.length, seed
        for parts in lanes.values():
            for part in parts:
                part["margin"] = part["margin"] is not None
        assert lanes == {lane: [told(part) for part in evidence.account_of(lane)] for lane in evidence.lanes}, seed
