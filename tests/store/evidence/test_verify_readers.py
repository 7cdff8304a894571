"""Who may read a recording: a check names a packet that is sealed to others than compliance signed for its revision."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import update

from protocol.bundle import Bundle
from protocol.bundle import sign as signed_bundle
from protocol.keyfile import load_private
from protocol.keys import RecipientPrivate, RecipientPublic, signing_key
from store.admin.home import Home
from store.admin.init import COMPLIANCE
from store.catalog import schema
from store.evidence.verify import recording as verify
from store.evidence.verify.ledger import SignedLedger
from store.server.services import Services
from testkit.fakes.pc import FakeRecording, Pc
from tests.store.conftest import PASSPHRASE, Examine, Gather
from tests.store.recorded import Filmed, make_filmed


def codes(report: verify.Report) -> list[tuple[str, str]]:
    return [(finding.check, finding.code) for finding in report.findings]


def test_names_readers_that_compliance_never_signed(pc: Pc, bundle: Bundle, examined: Examine) -> None:
    """A device that seals to one reader more: its operator would read along."""
    extra = RecipientPrivate.generate().public
    more = replace(bundle, recipients=(*bundle.recipients, extra))
    made = make_filmed(pc, more)
    made.put_all()
    assert ("key-packet", "other-readers") in codes(examined(made.recording))


def test_names_a_bundle_that_compliance_did_not_sign(
    filmed: Filmed, gathered: Gather, home: Home, bundles: verify.Bundles, services: Services
) -> None:
    evidence = gathered(filmed.recording)
    ledger = SignedLedger(services.database, evidence.device)
    report = verify.examine(evidence, home.blobs(), None, compliance="another", bundles=bundles, ledger=ledger)
    assert codes(report) == [("key-packet", "bad-bundle")]


PutBundle = Callable[[Bundle], None]


@pytest.fixture
def put_bundle(services: Services, home: Home) -> PutBundle:
    """Signed by compliance, and handed out from then on."""
    compliance = signing_key(load_private(home.folder / home.key(COMPLIANCE).file, PASSPHRASE).raw)

    def put(made: Bundle) -> None:
        row = {"revision": made.revision, "token": signed_bundle(made, compliance), "added_at": 0}
        with services.database.writing() as connection:
            connection.execute(schema.bundles.insert().values(**row))

    return put


def sealed_under(pc: Pc, revision: int, *recipients: RecipientPublic) -> FakeRecording:
    """A recording whose packet names this revision and is sealed to these readers."""
    recording = FakeRecording(pc, recipients)
    recording.packet = recording.make_packet(bundle_revision=revision)
    assert pc.put_packet(recording).status_code == 200
    return recording


def test_an_older_bundle_is_noted(filmed: Filmed, examined: Examine, put_bundle: PutBundle, bundle: Bundle) -> None:
    put_bundle(replace(bundle, revision=2))
    report = examined(filmed.recording)
    assert report.sound
    assert report.notes == ("sealed under bundle revision 1, the newest is 2",)


def test_names_readers_that_were_not_those_of_an_older_bundle(
    pc: Pc, bundle: Bundle, examined: Examine, put_bundle: PutBundle
) -> None:
    stranger = RecipientPrivate.generate().public
    put_bundle(replace(bundle, revision=2, recipients=(*bundle.recipients, stranger)))
    assert codes(examined(sealed_under(pc, 2, *bundle.recipients, stranger))) == []
    assert codes(examined(sealed_under(pc, 1, *bundle.recipients, stranger))) == [("key-packet", "other-readers")]
    assert codes(examined(sealed_under(pc, 1, stranger), None)) == [("key-packet", "other-readers")]


@pytest.mark.parametrize("revision", [0, 2, 2**63 - 1])
def test_names_a_revision_that_compliance_never_signed(
    pc: Pc, bundle: Bundle, examined: Examine, revision: int
) -> None:
    """A device that makes up a revision could seal to any key, and to its own."""
    stranger = RecipientPrivate.generate().public
    assert codes(examined(sealed_under(pc, revision, stranger), None)) == [("key-packet", "unknown-bundle")]
    assert codes(examined(sealed_under(pc, revision, *bundle.recipients))) == [("key-packet", "unknown-bundle")]


def test_names_a_bundle_that_stands_under_another_revision(
    pc: Pc, bundle: Bundle, examined: Examine, put_bundle: PutBundle, services: Services
) -> None:
    """With the store's disk one can file a true bundle under the number that a packet names."""
    put_bundle(replace(bundle, revision=2))
    with services.database.writing() as connection:
        connection.execute(update(schema.bundles).where(schema.bundles.c.revision == 2).values(revision=3))
    assert codes(examined(sealed_under(pc, 3, *bundle.recipients))) == [("key-packet", "bad-bundle")]
