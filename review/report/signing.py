"""A report as a folder of four files: JSON, HTML, PDF, and the audit log's signature over the hashes of these three."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from protocol import jws
from protocol.claims import Claims
from protocol.errors import ProtocolError
from review.audit.kinds import Act
from review.audit.log import AuditLog
from review.report import html
from review.report.document import document
from review.report.model import Model
from store.errors import StoreError
from store.files import write_new

JSON, HTML, PDF, SIGNATURE = "report.json", "report.html", "report.pdf", "report.jws"
FILES: Final = (JSON, HTML, PDF)
LARGEST: Final = 2**30  # bytes of one
_PIECE: Final = 2**20


@dataclass(frozen=True, slots=True)
class Signed:
    """`files`: by their names, the signature among them."""

    model: Model
    files: Mapping[str, bytes]


def signed(model: Model, log: AuditLog, who: str, origin: str) -> Signed:
    """Its entry, with the hash of the JSON, is durable before it is given. Raises AuditError, OSError."""
    from review.report import pdf  # noqa: PLC0415 - slow to import, and a console makes few

    shown = document(model)
    files = {
        JSON: json.dumps(model.facts(), ensure_ascii=False, indent=1).encode("utf-8") + b"\n",
        HTML: html.page(shown), PDF: pdf.page(shown, model.made),
    }  # fmt: skip
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    facts = {"first": model.first, "last": model.last, "sha256": hashes[JSON]}
    entry = log.append(Act("report", who, origin, [log.origin], facts))
    said = {"log": log.origin, "first": model.first, "last": model.last, "made": model.made, "entry": entry}
    token = log.sign(jws.PERIOD, said | {"files": hashes})
    return Signed(model, files | {SIGNATURE: token.encode("ascii") + b"\n"})


def write(made: Signed, folder: Path) -> None:
    """Into a folder that is not there yet, or empty. Raises StoreError, OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise StoreError(f"{folder} is not empty: a report goes into a folder of its own")
    for name, content in made.files.items():
        write_new(folder / name, content, 0o600)


@dataclass(frozen=True, slots=True)
class Checked:
    """`findings`: what does not fit. `others`: files that the signature says nothing of."""

    first: str
    last: str
    made: int
    entry: int
    findings: tuple[str, ...]
    others: tuple[str, ...]


def check(folder: Path, key: Ed25519PublicKey, origin: str) -> Checked:
    """By the log's public key alone. Raises ProtocolError where nothing is signed by it; OSError."""
    with (folder / SIGNATURE).open("rb") as file:
        token = file.read(_PIECE).decode("ascii", "replace").strip()
    claims = Claims(jws.verify(jws.PERIOD, token, key), "report", ProtocolError)
    findings = []
    if claims.text("log") != origin:
        findings.append(f"it is of another log: {claims.text('log')!r}")
    hashes = claims.text_map("files")
    for name in FILES:
        if name not in hashes:
            findings.append(f"{name} is not signed")
        elif (found := _hash(folder / name)) is None:
            findings.append(f"{name} is missing, or no file")
        elif found != hashes[name]:
            findings.append(f"{name} is not what was signed")
    others = sorted(one.name for one in folder.iterdir() if one.name not in (*FILES, SIGNATURE))
    return Checked(
        claims.text("first"), claims.text("last"), claims.integer("made"), claims.integer("entry"), tuple(findings),
        tuple(others),
    )  # fmt: skip


def _hash(path: Path) -> str | None:
    if not path.is_file() or path.stat().st_size > LARGEST:
        return None
    made = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            made.update(piece)
    return made.hexdigest()
