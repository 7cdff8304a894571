"""What the player asks for of one recording: ciphertext and what its device signed, and no key (docs/player.md).

Mounted by the loopback server of `eyelid-review open`; what else mounts it says which recording a request is about.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sized
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from sqlalchemy import Connection, or_, select
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from protocol.numbers import is_integer, read_number
from store.catalog import schema
from store.catalog.blobs import BlobFault, BlobMissing, BlobStore
from store.catalog.database import Database
from store.catalog.statements import bundle_of
from store.evidence.chain import Stored
from store.evidence.evidence import AFTER_RUN, Evidence
from store.evidence.opening import Unsound, read_packet

MOST_CHUNKS: Final = 16  # a request
_BATCHES: Final = 8  # a request: of up to 2 MB each
_BEFORE_END: Final = 5_000  # entries from a ledger's end in which an opening may hide that the catalog does not name


@dataclass(frozen=True)
class Source:
    """`database` is asked again for each piece of the account; all else was read once."""

    evidence: Evidence
    blobs: BlobStore
    database: Database
    papers: Mapping[str, Any]
    rows: Mapping[int, tuple[Stored, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, evidence: Evidence, blobs: BlobStore, database: Database, *, compliance: str) -> Source:
        """`compliance`: fingerprint of the key that signs bundles. Raises StoreError."""
        with database.reading() as connection:
            papers = _papers(connection, evidence, blobs, compliance)
        return cls(evidence, blobs, database, papers, dict(evidence.chosen.streams))

    @property
    def index(self) -> dict[str, Any]:
        return {"streams": [{"stream": stream, "rows": list(map(_row, all_))} for stream, all_ in self.rows.items()]}

    def pieces(self, after: int) -> dict[str, Any]:
        """Signed batches behind row `after` that have entries of this recording's run, or of what came after it."""
        batches, lines = schema.ledger_batches.c, self.evidence.lines
        wanted = [(max(0, self.evidence.ledger_next - _BEFORE_END), self.evidence.ledger_next)]
        if lines is not None:
            wanted = [(lines.start, lines.last)]
            if lines.following is not None:
                wanted.append((lines.following, lines.following + AFTER_RUN))
        within = or_(*((batches.first <= last) & (batches.last >= first) for first, last in wanted))
        chosen = select(batches.id, batches.first, batches.token).where(
            batches.device == self.evidence.device.id, batches.accepted, batches.id > after, within
        )
        with self.database.reading() as connection:
            found = list(connection.execute(chosen.order_by(batches.id).limit(_BATCHES)))
        return {
            "batches": [{"first": row.first, "token": row.token} for row in found],
            "next": found[-1].id if len(found) == _BATCHES else None,
            "report": self.evidence.device_report,
        }

    def chunks(self, stream: int, first: int, after: int) -> bytes:
        """Rows `first` to before `after`, each behind its length in 4 bytes; 0 for what is not here."""
        read = (_bytes(self.blobs, chunk) for chunk in self.rows[stream][first:after])
        return b"".join(len(body).to_bytes(4, "big") + body for body in read)


def _papers(connection: Connection, evidence: Evidence, blobs: BlobStore, compliance: str) -> dict[str, Any]:
    device, known, stored = evidence.device, evidence.recording, evidence.chosen.packet
    packet = b"" if stored is None else _bytes(blobs, stored)
    return {
        "v": 1,
        "recording": str(known.id),
        "device": {
            "id": device.id, "host": device.host, "os_user": device.user, "evidence_key": device.evidence_key_text,
        },
        "row": {"policy": known.policy, "start": str(known.start), "host": known.host, "os_user": known.os_user},
        "packet": packet.decode("latin-1") or None,
        "bundle": _bundle(connection, evidence, blobs),
        "compliance": compliance,
        "ledger_next": evidence.ledger_next,
        "undecided": [[one.stream, one.sequence] for one in evidence.chosen.undecided],
        "names": {
            policy: {
                "rules": [[rule.id, rule.why] for rule in names.rules], "reasons": list(names.reasons),
                "revision": names.revision,
            }
            for policy, names in evidence.policies.items()
        },
    }  # fmt: skip


def _bundle(connection: Connection, evidence: Evidence, blobs: BlobStore) -> str | None:
    """That of the revision which the key packet names, for its readers."""
    if (stored := evidence.chosen.packet) is None:
        return None
    try:
        return bundle_of(connection, read_packet(blobs, stored, evidence.device).bundle_revision)
    except Unsound:
        return None


def _bytes(blobs: BlobStore, stored: Stored) -> bytes:
    """As they lie here, whatever became of them: the page compares. Empty for what is not here."""
    try:
        return blobs.get(stored.blob)
    except (BlobMissing, BlobFault, ValueError):  # a row that cannot be one of a chunk names no blob
        return b""


def _row(one: Stored) -> list[int | str]:
    """A cell of another shape is damage of the catalog, which the page finds as it compares."""
    cells = (one.sequence, one.start, one.end, one.kind, one.flags, one.size)
    return [*(int(cell) if is_integer(cell) else 0 for cell in cells), str(one.sha256)]


# -- over HTTP --------------------------------------------------------------------------------------------------------


class Answers(Protocol):
    """A recording in the store, or what a case has of one."""

    @property
    def papers(self) -> Mapping[str, Any]: ...

    @property
    def index(self) -> dict[str, Any]: ...

    @property
    def rows(self) -> Mapping[int, Sized]: ...

    def pieces(self, after: int) -> dict[str, Any]: ...

    def chunks(self, stream: int, first: int, after: int) -> bytes: ...


SourceOf = Callable[[Request], Answers]
"""The recording that a request is about. Raises HTTPException for who may not ask."""


def routes(source_of: SourceOf) -> list[Route]:
    def papers(request: Request) -> Response:
        return JSONResponse(source_of(request).papers)

    def index(request: Request) -> Response:
        return JSONResponse(source_of(request).index)

    def account(request: Request) -> Response:
        return JSONResponse(source_of(request).pieces(_number(request, "from", default="0")))

    def chunks(request: Request) -> Response:
        source, stream = source_of(request), read_number(request.path_params["stream"], 0xFFFF)
        first, after = _number(request, "from"), _number(request, "to")
        if (
            stream is None
            or stream not in source.rows
            or not first < after <= min(len(source.rows[stream]), first + MOST_CHUNKS)
        ):
            raise HTTPException(404)
        return Response(source.chunks(stream, first, after), media_type="application/octet-stream")

    return [
        Route("/papers", papers), Route("/index", index), Route("/account", account),
        Route("/chunks/{stream}", chunks),
    ]  # fmt: skip


def _number(request: Request, name: str, default: str = "") -> int:
    number = read_number(request.query_params.get(name, default), 2**53)
    if number is None:
        raise HTTPException(404)
    return number
