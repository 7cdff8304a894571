"""What the analysis made is kept sealed: whole or not at all, as what it is alone, and no longer than it counts."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from protocol.envelope import Edition, Flag, Header, seal
from protocol.envelope import Kind as ChunkKind
from protocol.errors import EnvelopeError, ProtocolError
from protocol.keys import chunk_key
from review.analysis.derived import STREAMS, Derived, DerivedError, Shelf, Sweeper
from review.analysis.job_states import SECOND, Failure, Kind, versions, with_what_follows
from review.analysis.jobs import Jobs, Lease, Offer
from review.analysis.lending import Keeper, Lent
from review.analysis.worker import ReadError
from review.governance.model import Rendition
from testkit.disks import CannotMount, disk
from testkit.waits import until

ONE, OTHER = "0193a1b2-7c4d-7e5f-8a9b-0c1d2e3f4a5b", "0193a1b2-7c4d-7e5f-8a9b-0c1d2e3f4a5c"
KEY, SIGNER = b"k" * 32, Ed25519PrivateKey.from_private_bytes(b"s" * 32)
WORKER = SIGNER.public_key()
WORDS = b'[{"word": "Guten", "start": 0.4}]'
NOW = 1_790_000_000 * SECOND
MODELS = versions({Kind.SPEECH: "base.1"})
THIS = Derived(UUID(ONE), Kind.SPEECH, Rendition.ORIGINAL, "base.1", 7)


def lease(fence: int = 7, recording: str = ONE, kind: Kind = Kind.SPEECH, model: str = "base.1") -> Lease:
    return Lease(1, fence, NOW, recording, kind, model)


def lent(label: str = "speech/original", key: bytes = KEY) -> Lent:
    return Lent({}, label, key)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "derived", SIGNER)


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    with closing(Jobs(tmp_path / "jobs.db")) as made:
        made.offer([Offer(one, NOW, NOW, with_what_follows([Kind.SPEECH])) for one in (ONE, OTHER)], MODELS)
        yield made


def take(jobs: Jobs) -> Lease:
    found = jobs.lease("pc-1", {Kind.SPEECH: MODELS[Kind.SPEECH]})
    assert found is not None
    return found


def files(shelf: Shelf) -> list[str]:
    return sorted(str(one.relative_to(shelf.folder)) for one in shelf.folder.rglob("*"))


# -- what is kept -----------------------------------------------------------------------------------------------------


def test_what_was_put_is_there_again_and_nowhere_in_the_clear(shelf: Shelf) -> None:
    keeper: Keeper = shelf
    result = keeper.put(lease(), lent(), WORDS)
    path = shelf.path(THIS)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == result
    assert shelf.get(THIS, KEY, WORKER) == WORDS
    assert b"Guten" not in path.read_bytes()
    assert files(shelf) == [ONE, f"{ONE}/speech.original.7"]
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_the_form_is_the_one_in_the_pages(shelf: Shelf) -> None:
    """docs/envelope.md."""
    shelf.put(lease(), lent(), WORDS)
    line, _, sealed = shelf.path(THIS).read_bytes().partition(b"\n")
    assert line.decode() == (
        f'{{"format":1,"recording":"{ONE}","kind":"speech","rendition":"original","version":"base.1","fence":7,'
        f'"stream":61440,"size":{len(sealed)}}}'
    )
    header = Header.parse(sealed)
    said = (header.edition, header.stream, header.sequence, header.recording, header.previous)
    assert said == (Edition.KEYED, 0xF000, 7, UUID(ONE), hashlib.sha256(line + b"\n").digest())
    assert sorted(STREAMS.values()) == [0xF000, 0xF001, 0xF002, 0xF003, 0xF004, 0xF005]
    assert STREAMS.keys() == set(Kind)


def test_nothing_is_put_under_another_kinds_key_nor_without_a_signature(shelf: Shelf) -> None:
    with pytest.raises(ValueError, match="seals nothing of another kind"):
        shelf.put(lease(), lent("screen-text/original"), WORDS)
    with pytest.raises(ValueError, match="takes nothing"):
        Shelf(shelf.folder).put(lease(), lent(), WORDS)
    with pytest.raises(ValueError, match="badly formed"):
        shelf.put(lease(recording="../../etc"), lent(), WORDS)
    with pytest.raises(EnvelopeError) as error:
        shelf.put(lease(), lent(), bytes(16 * 2**20))
    assert error.value.code == "oversized"
    assert not shelf.folder.exists()


def test_a_job_that_is_done_again_uses_no_key_and_nonce_twice(shelf: Shelf) -> None:
    """By another lease the key is another; in one lease, or after a lost table, the nonce."""
    found = set()
    for fence in (7, 8, 7):
        shelf.put(lease(fence), lent(), WORDS)
        sealed = shelf.path(replace(THIS, fence=fence)).read_bytes().partition(b"\n")[2]
        header = Header.parse(sealed)
        found.add((chunk_key(KEY, header.recording, header.stream, header.sequence), header.nonce))
    assert len(found) == 3
    assert len({key for key, _ in found}) == 2
    assert len({nonce for _, nonce in found}) == 3


# -- what is refused --------------------------------------------------------------------------------------------------


def refused(one: Derived, body: bytes, key: bytes = KEY, worker: Ed25519PrivateKey = SIGNER) -> str:
    with pytest.raises(ProtocolError) as error:
        one.opened(body, key, worker.public_key())
    assert "Guten" not in str(error.value)
    return error.value.code


def test_every_byte_that_is_flipped_is_refused() -> None:
    body = THIS.sealed(WORDS, KEY, SIGNER)
    for at in range(len(body)):
        for bit in (0, 3, 7):
            refused(THIS, body[:at] + bytes([body[at] ^ 1 << bit]) + body[at + 1 :])


def test_what_is_cut_off_or_longer_is_refused_at_every_length() -> None:
    body = THIS.sealed(WORDS, KEY, SIGNER)
    assert {refused(THIS, body[:length]) for length in range(len(body))} == {"cut-off"}
    assert refused(THIS, body + b"\0") == "cut-off"


@pytest.mark.parametrize(
    "other",
    [{"recording": UUID(OTHER)}, {"kind": Kind.SCREEN_TEXT}, {"rendition": Rendition.REDACTED}, {"version": "base.2"},
     {"fence": 8}],
)  # fmt: skip
def test_a_file_passes_for_no_other(shelf: Shelf, other: dict[str, object]) -> None:
    """As it is, with the other's line before it, and where its own writer seals it in the other's name."""
    that = replace(THIS, **other)  # type: ignore[arg-type]
    body = THIS.sealed(WORDS, KEY, SIGNER)
    assert refused(that, body) == "swapped"
    line, ended, sealed = body.partition(b"\n")
    assert refused(that, that.line(len(sealed)) + sealed) in {"swapped", "wrong-commitment"}
    assert refused(THIS, that.line(len(sealed)) + sealed) == "swapped"
    shelf.path(that).parent.mkdir(parents=True)
    shelf.path(that).write_bytes(body)
    with pytest.raises(DerivedError, match="says that it is another"):
        shelf.get(that, KEY, WORKER)
    assert line + ended == THIS.line(len(sealed))


@pytest.mark.parametrize(
    "changed", [{"kind": ChunkKind.HEADER}, {"flags": Flag.KEY_FRAME}, {"start": 0, "end": 1}, {"previous": bytes(32)}]
)
def test_a_chunk_that_says_more_than_it_should_is_refused(changed: dict[str, object]) -> None:
    line = THIS.line(Edition.KEYED.overhead + len(WORDS))
    header = replace(THIS._header(line), **changed)  # type: ignore[arg-type]
    assert refused(THIS, line + seal(KEY, header, WORDS, SIGNER)) == "swapped"


def test_another_key_and_another_signer_are_refused() -> None:
    body = THIS.sealed(WORDS, KEY, SIGNER)
    assert refused(THIS, body, key=b"x" * 32) == "wrong-commitment"
    assert refused(THIS, body, worker=Ed25519PrivateKey.generate()) == "bad-signature"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"", "unknown-format"), (b"{", "unknown-format"), (b"[]", "unknown-format"), (b"\xff", "unknown-format"),
        (b"{" * 1000, "unknown-format"), (b'{"format":2}', "unknown-format"), (b'{"format":1}', "unknown-format"),
        (b'{"format":1,"size":"9"}', "unknown-format"), (b'{"format":1,"size":1}', "swapped"),
        (b"{" * 5000, "unknown-format"), (b'{"format":1,"size":' + b"9" * 900 + b"}", "unknown-format"),
    ],
)  # fmt: skip
def test_another_line_is_refused_with_its_reason(line: bytes, code: str) -> None:
    assert refused(THIS, line + b"\n" + bytes(400)) == code


@given(st.binary(max_size=2000))
def test_no_bytes_make_it_fail_in_another_way(body: bytes) -> None:
    assert refused(THIS, body) in {"cut-off", "unknown-format"}


@given(st.binary(max_size=3000), st.integers(1, 2**62), st.sampled_from(Kind), st.sampled_from(Rendition))
def test_whatever_is_sealed_opens_again(content: bytes, fence: int, kind: Kind, rendition: Rendition) -> None:
    one = Derived(UUID(ONE), kind, rendition, "tesseract-5.(a,b)", fence)
    assert one.opened(one.sealed(content, KEY, SIGNER), KEY, WORKER) == content


def test_what_is_not_there_says_so(shelf: Shelf) -> None:
    with pytest.raises(DerivedError) as error:
        shelf.get(THIS, KEY, WORKER)
    assert error.value.code == "missing"
    shelf.path(THIS).parent.mkdir(parents=True)
    with shelf.path(THIS).open("wb") as file:
        file.truncate(17 * 2**20)
    with pytest.raises(EnvelopeError) as large:
        shelf.get(THIS, KEY, WORKER)
    assert large.value.code == "oversized"


# -- a disk and a process that end ------------------------------------------------------------------------------------


def test_a_full_disk_is_said_and_leaves_nothing() -> None:
    try:
        with disk("tmpfs", size=2**20) as small:
            full = Shelf(small.root / "derived", SIGNER)
            full.put(lease(1), lent(), WORDS)
            with pytest.raises(ReadError) as error:
                full.put(lease(2), lent(), bytes(2**20))
            assert error.value.failure is Failure.NO_ROOM
            assert files(full) == [ONE, f"{ONE}/speech.original.1"]
    except CannotMount as reason:
        pytest.skip(str(reason))


def test_another_fault_of_the_disk_is_no_want_of_room(shelf: Shelf) -> None:
    shelf.folder.write_bytes(b"")
    with pytest.raises(OSError, match="exists"):
        shelf.put(lease(), lent(), WORDS)


PUTS = """
import sys
from pathlib import Path
from tests.review.analysis.test_derived import SIGNER, Shelf, lease, lent
shelf, fence = Shelf(Path(sys.argv[1]), SIGNER), int(sys.argv[2])
while True:
    shelf.put(lease(fence), lent(), bytes([fence % 256]) * 2**23)
    fence += 1
    print(fence, flush=True)
"""


@pytest.mark.slow(reason="processes that are killed while they write")
def test_a_put_that_is_killed_leaves_a_whole_file_or_none(shelf: Shelf, jobs: Jobs) -> None:
    first, left = 1, 0
    for _ in range(12):
        words = [sys.executable, "-c", PUTS, str(shelf.folder), str(first)]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as running:
            assert running.stdout is not None
            first = int(running.stdout.readline())
            until(lambda: any(shelf.folder.glob("*/.*")), "one is being written")
            running.send_signal(signal.SIGKILL)
            first += len(running.stdout.read().split())
        for name in files(shelf)[1:]:
            if "/." in name:
                left += 1
                continue
            fence = int(name.rpartition(".")[2])
            assert shelf.get(replace(THIS, fence=fence), KEY, WORKER) == bytes([fence % 256]) * 2**23
        first += 1
        shelf.sweep(jobs)  # none of these leases is in the table
        assert files(shelf) == []
    assert left > 0, "no kill came while a file was being written"


# -- what belongs to nothing ------------------------------------------------------------------------------------------


def test_what_a_lease_or_a_result_is_named_by_stays_and_the_rest_goes(shelf: Shelf, jobs: Jobs) -> None:
    old = take(jobs)
    shelf.put(old, lent(), WORDS)
    assert shelf.sweep(jobs) == 0
    jobs.give_back(old.job, old.fence)
    new = take(jobs)
    result = shelf.put(new, lent(), WORDS)
    assert shelf.sweep(jobs) == 1  # of the lease before
    jobs.finish(new.job, new.fence, result)
    path = shelf.folder / new.recording
    (path / ".speech.original.9.new").write_bytes(b"half")
    (path / "speech.original.99").write_bytes(b"of no lease")
    (path / "note.txt").write_bytes(b"of no program of ours")
    assert shelf.sweep(jobs) == 3
    assert files(shelf) == [new.recording, f"{new.recording}/speech.original.{new.fence}"]
    assert Shelf(shelf.folder).sweep(jobs) == 0


def test_what_another_version_made_goes_once_the_new_one_is_done(shelf: Shelf, jobs: Jobs) -> None:
    old = take(jobs)
    jobs.finish(old.job, old.fence, shelf.put(old, lent(), WORDS))
    models = versions({Kind.SPEECH: "base.2"})
    jobs.offer([Offer(old.recording, NOW, NOW, with_what_follows([Kind.SPEECH]))], models)
    new = jobs.lease("pc-1", {Kind.SPEECH: "base.2"})
    assert new is not None
    result = shelf.put(new, lent(), WORDS)
    assert shelf.sweep(jobs) == 0
    jobs.finish(new.job, new.fence, result)
    assert shelf.sweep(jobs) == 1
    assert files(shelf)[1:] == [f"{new.recording}/speech.original.{new.fence}"]


def test_without_a_shelf_there_is_nothing_to_sweep_or_forget(shelf: Shelf, jobs: Jobs) -> None:
    assert shelf.sweep(jobs) == 0
    shelf.forget([ONE, "r1"])
    assert not shelf.folder.exists()


def test_what_is_erased_goes_and_a_late_result_of_it_at_the_next_sweep(shelf: Shelf, jobs: Jobs) -> None:
    one, two = take(jobs), take(jobs)
    for each in (one, two):
        shelf.put(each, lent(), WORDS)
    jobs.forget([one.recording])
    shelf.forget([one.recording, "../..", "r1", str(UUID(int=9))])
    assert files(shelf) == [two.recording, f"{two.recording}/speech.original.{two.fence}"]
    shelf.put(one, lent(), WORDS)  # its worker was not yet told
    assert shelf.sweep(jobs) == 1
    assert files(shelf) == [two.recording, f"{two.recording}/speech.original.{two.fence}"]


def test_what_is_put_while_a_sweep_asks_the_table_is_not_taken_for_older(
    shelf: Shelf, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lost table gives a fence again: its put waits until the sweep has removed the older file."""
    shelf.put(lease(1), lent(), b"older")
    of, began, done = Jobs.of, threading.Event(), threading.Event()

    def put() -> None:
        began.set()
        shelf.put(lease(1), lent(), WORDS)
        done.set()

    putting = threading.Thread(target=put)

    def asked(self: Jobs, recording: str) -> object:
        found = of(self, recording)
        putting.start()
        began.wait()
        assert not done.is_set()
        return found

    monkeypatch.setattr(Jobs, "of", asked)  # in the midst of the sweep
    assert shelf.sweep(jobs) == 1
    putting.join()
    assert shelf.get(replace(THIS, fence=1), KEY, WORKER) == WORDS


def test_the_sweeper_goes_on_after_a_fault_and_ends_when_it_is_told(shelf: Shelf, jobs: Jobs) -> None:
    stop, said = threading.Event(), list[str]()
    shelf.put(lease(), lent(), WORDS)
    folder = shelf.path(THIS).parent
    jobs.close()  # a table that cannot be asked

    def failed(kind: str) -> None:
        said.append(kind)
        if len(said) == 2:
            stop.set()

    Sweeper(shelf, jobs, every=0.01).follow(stop, failed)
    assert said == ["JobsUnusable", "JobsUnusable"]
    assert folder.exists()
    assert shelf.sweep(jobs, stop) == 0
