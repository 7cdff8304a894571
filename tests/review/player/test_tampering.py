"""Each kind of tampering of tests/vectors is named by the page, as `eyelid-store verify` names it; and its account is
the store's, whatever a device told."""

from __future__ import annotations

from collections.abc import Iterator
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
from tests.vectors.worlds import Disk, make_world

# What is wrong in the catalog alone, of which the page uses nothing: it reads what the device signed.
CATALOG: Final = {
    ("ledger", "unsigned"), ("ledger", "changed-catalog"), ("ledger", "wrong-seq"), ("alarm", "wrong-head"),
}  # fmt: skip
# Nothing signed says it: a column of the catalog, the store's alarms, the unsigned part of health.
NOT_NAMED: Final = {
    "previous_changed", "alarm_raised", "health_names_more", "line_column_changed", "kind_changed", "line_changed",
    "line_removed", "later_line_changed", "end_invented",
}  # fmt: skip


@pytest.fixture(scope="session")
def tampered(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, dict[str, str]]:
    """A store, and for each kind of tampering a recording of a signed edition; more of which nothing was changed, by
    their seeds."""
    home = found(Plan(tmp_path_factory.mktemp("tampered") / "home", "https://localhost:8443", cost=COST), PASSPHRASE)
    database = home.database()
    with database.reading() as connection:
        newest = newest_bundle(connection)
    database.close()
    assert newest is not None
    bundle = verify_bundle(newest[1], home.key(COMPLIANCE).id)
    disk, reader, made = Disk(home.folder), reader_of(home), {}
    for number, way in enumerate(TAMPERING):
        seed = number
        while (world := make_world(seed, disk, bundle, reader)).recording.edition is Edition.FIRST:
            seed += len(TAMPERING)
        way(world)
        made[way.__name__] = world.id
    made |= {str(seed): make_world(seed, disk, bundle, reader).id for seed in WORLDS}
    disk.close()
    return home, made


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
SOME: Final = (
    "nothing", "blob_changed", "blob_removed", "packet_changed", "bodies_swapped", "row_removed", "chunk_forged",
    "chunk_does_not_open", "tail_cut", "signature_exchanged", "batch_changed", "report_changed",
)  # fmt: skip


def ways(page: Page) -> Iterator[str]:
    """All in one browser; in the other one of each kind."""
    chromium = type(page).__name__ == "DevTools"
    yield from (way.__name__ for way in TAMPERING if chromium or way.__name__ in SOME)


@pytest.mark.slow(reason="a page is opened for each of fifty kinds of tampering")
def test_the_page_names_what_verify_names(page: Page, tampered: tuple[Home, dict[str, str]], cases: Cases) -> None:
    home, worlds = tampered
    others = {}
    for way in cases([*ways(page)], ""):
        here, wanted = named(page, home, worlds[way]), verified(home, worlds[way]) - CATALOG
        if way == "nothing":
            good = here == wanted
        else:
            good = way in NOT_NAMED or not wanted or bool({code for _, code in here} & {code for _, code in wanted})
            good = good or ("ledger", "no-ledger") in here
        if not good:
            others[way] = here, wanted
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
def test_the_account_is_the_stores_whatever_a_device_told(
    page: Page, tampered: tuple[Home, dict[str, str]], cases: Cases
) -> None:
    home, worlds = tampered
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
