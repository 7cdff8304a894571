"""What every BlobStore promises; the fake that other tests use passes the same suite as the real ones.

A new back end is one more entry in `MAKERS`. What only a local folder promises is in
tests/store/catalog/test_blobs_local.py.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import pytest

from store.catalog.blobs import BlobMissing, BlobStore, LocalBlobs, sealed_name
from testkit.fakes.blobs import MemoryBlobs


def local(folder: Path) -> BlobStore:
    blobs = LocalBlobs(folder / "blobs")
    blobs.prepare()
    return blobs


def memory(folder: Path) -> BlobStore:
    del folder
    return MemoryBlobs()


MAKERS: dict[str, Callable[[Path], BlobStore]] = {"local": local, "memory": memory}


@pytest.fixture(params=sorted(MAKERS))
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    return MAKERS[request.param](tmp_path)


def test_gives_back_what_was_put(blobs: BlobStore) -> None:
    blobs.put("ab/one", b"\x00\xffbody")
    assert blobs.get("ab/one") == b"\x00\xffbody"
    assert blobs.size("ab/one") == 6


def test_an_empty_body_is_a_body(blobs: BlobStore) -> None:
    blobs.put("empty", b"")
    assert blobs.get("empty") == b""
    assert blobs.size("empty") == 0


def test_what_is_not_there_is_missing(blobs: BlobStore) -> None:
    with pytest.raises(BlobMissing):
        blobs.get("ab/none")
    with pytest.raises(BlobMissing):
        blobs.size("ab/none")


def test_putting_again_changes_nothing(blobs: BlobStore) -> None:
    blobs.put("ab/one", b"body")
    blobs.put("ab/one", b"body")
    assert blobs.get("ab/one") == b"body"
    assert list(blobs.names()) == ["ab/one"]


def test_putting_again_heals_a_damaged_blob(blobs: BlobStore) -> None:
    blobs.put("ab/one", b"dam")
    blobs.put("ab/one", b"whole")
    assert blobs.get("ab/one") == b"whole"


def test_lists_names_by_prefix_in_order(blobs: BlobStore) -> None:
    for name in ("b/2", "a/1", "ab/3", "a/0"):
        blobs.put(name, b".")
    assert list(blobs.names()) == ["a/0", "a/1", "ab/3", "b/2"]
    assert list(blobs.names("a/")) == ["a/0", "a/1"]
    assert list(blobs.names("c")) == []


def test_lists_recordings_by_their_folders(blobs: BlobStore) -> None:
    one, other = UUID(int=1), UUID(int=2)
    for recording in (one, other, one):
        blobs.put(sealed_name(recording, 0, 0, "0" * 64), b"body")
    blobs.put("ab/none", b"body")
    assert list(blobs.recordings()) == [one, other]


def test_remove_removes_and_may_be_repeated(blobs: BlobStore) -> None:
    blobs.put("ab/one", b"body")
    blobs.put("ab/two", b"body")
    blobs.remove("ab/one")
    blobs.remove("ab/one")
    blobs.remove("never/was")
    with pytest.raises(BlobMissing):
        blobs.get("ab/one")
    assert list(blobs.names()) == ["ab/two"]


@pytest.mark.parametrize(
    "name", ["", "/a", "a/", "a//b", "../a", "a/../b", "a/./b", ".a", "a/.b", "A", "a b", "a\0", "ä"]
)
def test_refuses_names_that_could_leave_the_store(blobs: BlobStore, name: str) -> None:
    for call in (lambda: blobs.put(name, b"."), lambda: blobs.get(name), lambda: blobs.remove(name)):
        with pytest.raises((ValueError, BlobMissing)):
            call()
    assert list(blobs.names()) == []


def test_many_threads_put_at_once(blobs: BlobStore) -> None:
    def put(number: int) -> None:
        blobs.put(f"{number % 4:02x}/{number}", str(number).encode())
        blobs.put("same/one", b"always this")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(64)))
    assert {blobs.get(f"{number % 4:02x}/{number}") for number in range(64)} == {str(n).encode() for n in range(64)}
    assert blobs.get("same/one") == b"always this"
    assert len(list(blobs.names())) == 65


def test_what_is_shredded_is_gone_and_may_be_gone_before(blobs: BlobStore) -> None:
    blobs.put("ab/one", b"secret")
    blobs.put("ab/two", b"other")
    blobs.shred("ab/one")
    blobs.shred("ab/one")
    assert list(blobs.names()) == ["ab/two"]
