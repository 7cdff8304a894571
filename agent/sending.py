"""What sends, wired together: for a recorder (app), and for what a session left behind (drain).

Beside app this is the only file that names concrete classes.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final
from uuid import UUID

from agent.config import Config
from agent.core.account.last_heads import farthest, unfinished
from agent.ledger import DiskLedger
from agent.ports import Clock
from agent.spool import DiskSpool
from agent.state.identity import Identity, Trust
from agent.upload.alarms import UploadCallbacks
from agent.upload.packets import KeptPackets
from agent.upload.receipts import KeptReceipts
from agent.upload.texts import PolicyTexts
from agent.upload.uploader import Uploader
from agent.wire import Pace, Route, Wire
from protocol.api import DeviceHealthRequest

VERSION: Final = version("eyelid")
RECEIPTS: Final = "receipts"  # the folder in home


@dataclass(frozen=True, slots=True)
class Sending:
    """The parts of one home that are about what waits in it and where it goes."""

    trust: Trust
    ledger: DiskLedger
    spool: DiskSpool
    texts: PolicyTexts
    wire: Wire
    uploader: Uploader
    clock: Clock

    def health(self) -> DeviceHealthRequest:
        """Of a PC that records nothing."""
        chunks, size = self.spool.waiting()
        number, head = self.ledger.head()
        return {
            "wall": self.clock.wall(),
            "agent_version": VERSION,
            "heads": {},
            "ledger": {"next": number, "head": head},
            "holds": [],
            "pending_chunks": chunks,
            "pending_bytes": size,
            "bundle_revision": self.trust.bundle.revision,
            "location": self.trust.location,
        }


def sending(
    config: Config,
    who: Identity,
    clock: Clock,
    *,
    keep_free: int,
    callbacks: UploadCallbacks,
    health: Callable[[], DeviceHealthRequest],
) -> Sending:
    """`keep_free`: bytes of the disk that the spool leaves. Raises UserError or EnvironmentFault."""
    trust = Trust(who)
    ledger = DiskLedger(config.home / "ledger", clock, device=who.device, keys=who.keys)
    spool = DiskSpool(
        config.home / "spool", max_bytes=config.spool.max_bytes, keep_free=keep_free, alarm=callbacks.alarm
    )
    receipts = KeptReceipts(config.home / RECEIPTS)
    sign_last_heads(ledger, spool, receipts)
    texts = PolicyTexts(config.home / "policy-texts")
    wire = Wire(
        *trust.places[-1],  # where it was enrolled: the newest may be none that can be used
        clock,
        agent_version=VERSION,
        route=Route(config.upload.proxy, config.upload.ca),
        pace=Pace(config.upload.max_kbit, clock),
        connections=config.upload.parallel + 1,  # the account and health beside the chunks
    )
    wire.follow(trust.places)
    uploader = Uploader(
        who,
        trust,
        wire,
        spool=spool,
        account=ledger,
        texts=texts,
        packets=KeptPackets(config.home / "key-packets"),
        receipts=receipts,
        health=health,
        callbacks=callbacks,
        clock=clock,
        chance=random.random,
        parallel=config.upload.parallel,
        hours=config.upload.open_at,
    )
    return Sending(trust, ledger, spool, texts, wire, uploader, clock)


def sign_last_heads(ledger: DiskLedger, spool: DiskSpool, receipts: KeptReceipts) -> None:
    """Where what a recorder that died had open ends, as far as this PC knows. To be done before anything is sent."""
    for recording, heads in unfinished(ledger.last_run()).items():
        known = farthest(heads, spool.ends(UUID(recording)), receipts.ends(UUID(recording)))
        written = {str(stream): list(head) for stream, head in known.items()}
        ledger.write("heads", recording=recording, heads=written, final=True)
