"""`eyelid-review custodian adopt`: recordings from before the review key are wrapped for it, too."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Final

from protocol.errors import ProtocolError
from review.commands.open_log import open_log_in
from review.commands.shared import answer
from review.custodian import home
from store.admin import passphrase
from store.admin.home import Home
from store.catalog import erasure
from store.catalog.blobs import LocalBlobs
from store.catalog.queries import recordings_after
from store.commands.audit import catalog_of
from store.errors import StoreError
from store.evidence.evidence import gather
from store.evidence.opening import Unsound, load_recipient, read_packet

_PAGE: Final = 500  # recordings that are asked for at once


def _give_back(folder: Path, store: Home, made: list[str]) -> int:
    """Wraps of what an erasure was ordered for after its packet was read; how many. An order comes before the erasure
    looks for wraps, so one of both finds each.
    """
    with catalog_of(store) as connection:
        gone = erasure.among(connection, made) if made else {}
    for recording in gone:
        LocalBlobs(folder / "adopted").shred(recording)
    return len(gone)


def adopt(asked: Namespace, secret: bytes) -> int:
    *_, review = home.review_keys(asked.home, secret).values()
    of_reader = Namespace(key_file=None, passphrase_file=asked.recipient_passphrase_file)
    reader = load_recipient(asked.recipient, passphrase.existing(of_reader, str(asked.recipient)))
    note = open_log_in(asked.home / "audit", asked.home / "keys", secret).note
    store = Home.open(asked.store)
    adopted, left, after = 0, list[str](), ""
    with catalog_of(store) as connection:
        while page := recordings_after(connection, after, _PAGE):
            after = str(page[-1].id)
            note("key", review.key_id, use="adopt", recordings=len(page))
            made: list[str] = []
            for one in page:
                try:
                    evidence = gather(connection, one.id, policies=False)
                    if evidence.chosen.packet is not None and evidence.erased is None:
                        packet = read_packet(store.blobs(), evidence.chosen.packet, evidence.device)
                        made += [str(one.id)] if home.adopt(asked.home, packet, reader, review) else []
                except (StoreError, ProtocolError, Unsound) as error:
                    left.append(f"{one.id}: {error}")
            adopted += len(made) - _give_back(asked.home, store, made)
    says = f"{adopted} recordings were taken over"
    answer(asked, {"adopted": adopted, "left": left}, says, *(f"! {one}" for one in left))
    return 1 if left else 0
