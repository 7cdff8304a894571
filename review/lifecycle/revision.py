"""Which bundle's rules were followed last. Who owns the database can take the newest bundle out of it, and an older one
is signed just as well: so the number is kept beside the audit log.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from store.errors import StoreError
from store.files import write_over

_NAME: Final = "followed-bundle"


def check_revision(folder: Path, revision: int) -> None:
    """Raises StoreError for a bundle that is older than the one before."""
    path = folder / _NAME
    try:
        before = int(path.read_text("ascii")) if path.exists() else 0
    except ValueError:
        raise StoreError(f"{path} is damaged: it has the number of the store's newest bundle") from None
    if revision < before:
        message = f"the store's newest bundle is {revision}, and by bundle {before} it was decided before"
        raise StoreError(f"{message}: nothing is erased until `eyelid-store bundle put` brings that one back")
    if revision > before:
        write_over(path, f"{revision}\n".encode("ascii"))
