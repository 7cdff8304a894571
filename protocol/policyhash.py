"""One hash over all files of a policy, the same on the PC and in the store: the ledger names rules by it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from protocol.errors import ProtocolError


def policy_hash(files: Mapping[str, bytes]) -> str:
    """Hex SHA-256 over the files in the order of their names' bytes: name, NUL, length (8 bytes, big-endian), bytes."""
    total = hashlib.sha256()
    for name, content in sorted((name.encode("utf-8"), content) for name, content in files.items()):
        if not name or b"\0" in name:
            raise ProtocolError("bad-name", "a policy file's name must not be empty or contain NUL")
        total.update(name + b"\0" + len(content).to_bytes(8, "big") + content)
    return total.hexdigest()
