"""What one PC sent must not stop a command for the whole fleet: what cannot be read is named, with the PC it came from.

The readers take any entry; this is for the one that was not thought of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from store.catalog.blobs import BlobFault
from store.errors import StoreError

T = TypeVar("T")
OneT = TypeVar("OneT")

# The store's own troubles end the command: a full disk must not look like a PC that lies. Memory is no such trouble: it
# is what a PC's account can take most of, and with it is given back. Nor is a StoreError: it is about what was read.
_OURS: Final = (SQLAlchemyError, BlobFault, OSError, ImportError)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """`error`: name of the exception's type. Its text may quote what the PC sent, so it is shown nowhere; `words` are
    the store's own."""

    error: str
    words: str = ""

    def __str__(self) -> str:
        return self.words or f"what this PC sent cannot be read ({self.error})"


def isolated(read: Callable[[], T]) -> T | Unreadable:
    try:
        return read()
    except _OURS:
        raise
    except StoreError as refusal:
        return Unreadable(type(refusal).__name__, str(refusal))
    except Exception as failure:  # noqa: BLE001 - whatever a PC can cause: the others are to be shown all the same
        return Unreadable(type(failure).__name__)


def each(ones: Iterable[OneT], tell: Callable[[OneT], T], otherwise: Callable[[OneT, Unreadable], T]) -> Iterator[T]:
    """`tell` of each of a list; `otherwise` of one that cannot be told, which must not hide the others."""
    for one in ones:
        found = isolated(partial(tell, one))
        yield otherwise(one, found) if isinstance(found, Unreadable) else found
