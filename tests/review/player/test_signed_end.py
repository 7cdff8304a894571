"""What the page and its command say of a recording whose end is cut off, or whose key packet names a colleague."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from sqlalchemy import update

from protocol.bundle import verify as verify_bundle
from protocol.envelope import Edition
from protocol.keyfile import load_private
from protocol.keys import RecipientPrivate
from review.commands.opening import has_signed_end
from review.player.source import Source
from store.admin.home import Home
from store.admin.init import COMPLIANCE
from store.catalog import schema
from store.catalog.statements import newest_bundle
from store.commands.audit import evidence_of
from tests.review.player.conftest import READY, Page, Recorded, played, until
from tests.review.player.test_refused import copied
from tests.store.conftest import PASSPHRASE
from tests.vectors.worlds import ENDS, Disk, make_world

__all__ = ["copied"]


def cut(home: Home) -> None:
    """Chunks after twelve seconds, batches with the last heads and the closing, and the report: without any key."""
    with closing(sqlite3.connect(home.database_path)) as database, database:
        database.execute("delete from sealed where start >= 12000000000 and kind = 1")
        database.execute("delete from ledger_batches where id > (select min(id) from ledger_batches)")
        database.execute("delete from health")


def test_a_recording_whose_signed_end_is_gone_is_not_shown_as_verified(page: Page, copied: Recorded) -> None:
    cut(copied.home)
    with played(copied.home, copied.id) as address:
        page.open(address)
        until(page, READY)
        found = "[...document.querySelectorAll('#findings li')].map((one) => [one.dataset.check, one.dataset.code])"
        assert ["heads", "unsigned"] in page.run(found)
        assert page.run("document.querySelector('#badge').dataset.state") == "wrong"
        assert page.run("""document.querySelector('#checks li[data-check="heads"]').className""") == "wrong"


def test_nor_is_one_whose_end_after_a_death_is_kept_back(page: Page, copied: Recorded) -> None:
    """The run is over, as a later start shows; the next batch would say how far the recording had come."""
    home = copied.home
    with closing(home.database()) as catalog, catalog.reading() as connection:
        newest = newest_bundle(connection)
    assert newest is not None
    reader = RecipientPrivate.from_bytes(load_private(copied.key, PASSPHRASE).raw)
    disk, seed = Disk(home.folder), ENDS.index("died")
    bundle = verify_bundle(newest[1], home.key(COMPLIANCE).id)
    while (world := make_world(seed, disk, bundle, reader)).recording.edition is Edition.FIRST:
        seed += len(ENDS)
    disk.close()
    with played(home, world.id) as address:
        page.open(address)
        until(page, READY)
        assert page.run("eyelid.about.state") == "broken-off"
        found = "[...document.querySelectorAll('#findings li')].map((one) => [one.dataset.check, one.dataset.code])"
        assert ["heads", "unsigned"] in page.run(found)


def test_the_command_refuses_what_has_no_end_that_its_device_signed(copied: Recorded) -> None:
    """The row of a line is there, and no signed batch has it."""
    assert has_signed_end(copied.home, evidence_of(copied.home, copied.id))
    cut(copied.home)
    evidence = evidence_of(copied.home, copied.id)
    assert evidence.closing is not None
    assert not has_signed_end(copied.home, evidence)


def test_a_recording_has_the_name_that_its_device_enrolled_with(page: Page, copied: Recorded) -> None:
    """Into its key packet a PC writes what it likes: also a colleague's name."""
    with closing(copied.home.database()) as database, database.writing() as connection:
        connection.execute(update(schema.devices).values(host="pc-of-mallory", os_user="mallory"))
    with played(copied.home, copied.id) as address:
        page.open(address)
        until(page, READY)
        assert page.run("document.querySelector('#title').textContent") == "mallory · pc-of-mallory"
        assert "lovelace, pc-7 (other-name)" in page.run("document.querySelector('#subtitle').textContent")


def test_a_row_of_a_stream_that_there_is_not_fails_alone(copied: Recorded) -> None:
    with closing(sqlite3.connect(copied.home.database_path)) as database, database:
        database.execute("update sealed set stream = -1 where stream = 1 and sequence = 1")
    evidence = evidence_of(copied.home, copied.id)
    with closing(copied.home.database()) as database:
        source = Source.of(evidence, copied.home.blobs(), database, compliance=copied.home.key(COMPLIANCE).id)
        assert source.chunks(-1, 0, 1) == bytes(4)
