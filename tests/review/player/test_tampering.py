"""Each kind of tampering of tests/vectors is named by the page, as `eyelid-store verify` names it."""

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
from store.catalog.queries import bundle_of, newest_bundle
from store.commands.audit import evidence_of
from store.evidence.verify.ledger import SignedLedger
from store.evidence.verify.recording import examine
from tests.review.player.conftest import READY, Page, played, until
from tests.store.conftest import COST, PASSPHRASE
from tests.vectors.tampering import TAMPERING
from tests.vectors.worlds import Disk, make_world

# What is wrong in the catalog alone, of which the page uses nothing: it reads what the device signed.
CATALOG: Final = {
    ("ledger", "unsigned"), ("ledger", "changed-catalog"), ("ledger", "wrong-seq"), ("alarm", "wrong-head"),
}  # fmt: skip
# Nothing signed says it: a column of the catalog, the store's alarms, the unsigned part of health.
NOT_NAMED: Final = {
    "previous_changed", "alarm_raised", "health_names_more", "line_column_changed", "kind_changed", "line_changed",
    "line_removed", "later_line_changed", "end_invented", "nothing", "wrapped_changed", "commitment_changed",
}  # fmt: skip


@pytest.fixture(scope="session")
def tampered(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, dict[str, str]]:
    """A store, and for each kind of tampering a recording of today's edition."""
    home = found(Plan(tmp_path_factory.mktemp("tampered") / "home", "https://localhost:8443", cost=COST), PASSPHRASE)
    database = home.database()
    with database.reading() as connection:
        newest = newest_bundle(connection)
    database.close()
    assert newest is not None
    bundle = verify_bundle(newest[1], home.key(COMPLIANCE).id)
    disk, reader, found_ = Disk(home.folder), reader_of(home), {}
    for number, way in enumerate(TAMPERING):
        seed = number
        while (world := make_world(seed, disk, bundle, reader)).recording.edition is not Edition.SIGNED:
            seed += len(TAMPERING)
        way(world)
        found_[way.__name__] = world.id
    disk.close()
    return home, found_


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


SOME: Final = (
    "nothing", "blob_changed", "blob_removed", "packet_changed", "bodies_swapped", "row_removed", "chunk_forged",
    "chunk_does_not_open", "tail_cut", "signature_exchanged", "batch_changed", "report_changed",
)  # fmt: skip


def ways(page: Page) -> Iterator[str]:
    """All in one browser; in the other one of each kind."""
    chromium = type(page).__name__ == "DevTools"
    yield from (way.__name__ for way in TAMPERING if chromium or way.__name__ in SOME)


@pytest.mark.slow(reason="a page is opened for each of fifty kinds of tampering")
def test_the_page_names_what_verify_names(page: Page, tampered: tuple[Home, dict[str, str]]) -> None:
    home, worlds = tampered
    others = {}
    for way in ways(page):
        here, wanted = named(page, home, worlds[way]), verified(home, worlds[way]) - CATALOG
        if way == "nothing":
            good = here == wanted
        else:
            good = way in NOT_NAMED or not wanted or bool({code for _, code in here} & {code for _, code in wanted})
            good = good or ("ledger", "no-ledger") in here
        if not good:
            others[way] = here, wanted
    assert not others
