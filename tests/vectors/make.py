"""Makes the test vectors from the keys in inputs.json: bytes that any implementation must answer alike.

`python -m tests.vectors.make` writes them anew. All of it is deterministic, except that HPKE draws random bytes:
what it answered once is kept in inputs.json, and `python -m tests.vectors.wrap` draws again.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from tests.vectors.chunks import chunk_vectors, recording_vector
from tests.vectors.keyed import keyed_vectors
from tests.vectors.packets import packet_vectors
from tests.vectors.signed import signed_vectors
from tests.vectors.statements import account_vector, ledger_vectors, statement_vectors

HERE: Final = Path(__file__).parent


def build() -> dict[str, str]:
    """File name -> what it must contain."""
    vectors = {
        "recording.json": recording_vector(),
        "signed.json": signed_vectors(),
        "keyed.json": keyed_vectors(),
        "chunks.json": chunk_vectors(),
        "packets.json": packet_vectors(),
        "ledger.json": ledger_vectors(),
        "account.json": account_vector(),
        "statements.json": statement_vectors(),
    }
    return {name: json.dumps(vector, indent=1, ensure_ascii=False) + "\n" for name, vector in vectors.items()}


if __name__ == "__main__":
    for name, content in build().items():
        (HERE / name).write_text(content, encoding="utf-8")
