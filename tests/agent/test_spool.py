"""What a spool on disk keeps over a start and while it runs: all of it, in order, and nothing that is not its own."""

from __future__ import annotations

import shutil
import stat
import threading
from pathlib import Path
from typing import SupportsIndex
from uuid import UUID

import pytest

from agent.core.model.times import SECOND
from agent.errors import EnvironmentFault, SpoolFull, Transient
from agent.ports import Sealed
from agent.spool import Place
from protocol.envelope import Header
from testkit.fakes.clock import NEW_YEAR_2026
from tests.agent.recordings import new_sealer, sealed_recording
from tests.agent.spools import filled, opened, reasons


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "state" / "spool"


@pytest.fixture
def alarms() -> list[str]:
    return []


def test_it_says_when_what_has_waited_longest_was_recorded(root: Path) -> None:
    spool = opened(root)
    assert spool.oldest() is None
    put = list(sealed_recording(3))
    for sealed in put:
        spool.put(sealed)
    begun = (put[0].recording.int >> 80) * 10**6
    assert spool.oldest() == begun  # the key packet's
    spool.forget(put[0].name)
    assert spool.oldest() == begun + Header.parse(put[1].data).start
    for sealed in put[1:]:
        spool.forget(sealed.name)
    assert spool.oldest() is None


def test_it_says_where_the_streams_of_a_recording_end(root: Path, alarms: list[str]) -> None:
    """Signed chunks and an older agent's alike; one that cannot be read says nothing."""
    put = filled(root, 5)
    others = filled(root, 3)
    last, recording = put[-1], put[0].recording
    spool = opened(root, alarms)
    assert spool.ends(recording) == {0: (last.sequence + 1, last.sha256.hex())}
    assert spool.ends(others[0].recording) == {0: (others[-1].sequence + 1, others[-1].sha256.hex())}
    spool.forget(last.name)
    assert spool.ends(recording) == {0: (last.sequence, put[-2].sha256.hex())}
    (root / put[-2].name).unlink()
    assert spool.ends(recording) == {}
    assert spool.ends(UUID(int=5)) == {}


# -- after a start ------------------------------------------------------------------------------------------------


def test_a_new_process_hands_out_the_same_in_the_same_order(root: Path) -> None:
    put = filled(root, 6)
    spool = opened(root)
    assert list(spool.pending()) == put
    assert spool.waiting() == (6, sum(len(sealed.data) for sealed in put))


def test_nobody_else_may_read_it(root: Path) -> None:
    [packet] = filled(root, 1)
    assert stat.S_IMODE((root / packet.name).stat().st_mode) == 0o600
    for folder in (root, root / str(packet.recording), root / "set_aside"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_files_that_were_being_written_are_removed(root: Path) -> None:
    [packet] = filled(root, 1)
    half = root / str(packet.recording) / ".part-0123456789abcdef"
    half.write_bytes(b"EYL1 and then the power went")
    assert list(opened(root).pending()) == [packet]
    assert not half.exists()


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("00000-0000000007", b"", "header and tag alone"),
        ("00000-0000000007", b"EYL1" + bytes(20), "header and tag alone"),
        ("00000-0000000007", bytes(200), "does not begin with EYL1"),
        ("00000-0000000007", "chunk", "another chunk than the one named"),
        ("65535-0000000000", b"no key packet", "not a whole key packet"),
        ("65535-0000000000", "chunk", "not a whole key packet"),
        ("65535-0000000001", "packet", "another chunk than the one named"),
        ("0-7", "chunk", "no name of a sealed chunk"),
        ("00000-00000000000", "chunk", "in another spelling"),
        ("00000-0000000001.eyl", "chunk", "no name of a sealed chunk"),
        ("notes.txt", b"", "no name of a sealed chunk"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_set_aside(
    root: Path, alarms: list[str], name: str, content: bytes | str, why: str
) -> None:
    """Never sent, never deleted: a person may want to see it."""
    packet, chunk = filled(root, 2)
    body = {"chunk": chunk.data, "packet": packet.data}[content] if isinstance(content, str) else content
    strange = root / str(packet.recording) / name
    strange.write_bytes(body)

    spool = opened(root, alarms)

    assert list(spool.pending()) == [one for one in (packet, chunk) if root / one.name != strange]
    assert not strange.exists()
    assert alarms == ["chunk-damaged"]
    assert spool.aside() == 1
    [kept] = [path for path in (root / "set_aside").iterdir() if path.suffix != ".why"]
    assert kept.read_bytes() == body
    [reason] = reasons(root)
    assert why in reason


def test_a_chunk_in_another_recordings_folder_is_set_aside(root: Path, alarms: list[str]) -> None:
    packet, chunk = filled(root, 2)
    elsewhere = root / str(new_sealer().recording)
    elsewhere.mkdir()
    shutil.copy(root / chunk.name, elsewhere / Path(chunk.name).name)
    assert list(opened(root, alarms).pending()) == [packet, chunk]
    assert alarms == ["chunk-damaged"]


def test_two_contents_under_one_number_are_both_kept_aside(root: Path, alarms: list[str]) -> None:
    """Set aside twice under one name: neither overwrites the other."""
    [packet] = filled(root, 1)
    for content in (b"one", b"two"):
        (root / str(packet.recording) / "00000-0000000007").write_bytes(content)
        opened(root, alarms)
    kept = {path.read_bytes() for path in (root / "set_aside").iterdir() if path.suffix != ".why"}
    assert kept == {b"one", b"two"}


def test_what_is_none_of_its_own_is_left_alone(root: Path) -> None:
    [packet] = filled(root, 1)
    (root / "lost+found").mkdir()
    (root / "README").write_text("not mine")
    assert list(opened(root).pending()) == [packet]
    assert (root / "README").exists()


def test_what_was_set_aside_still_counts_after_a_start(root: Path) -> None:
    packet, chunk = filled(root, 2)
    opened(root).set_aside(packet.name, "the store refused it: foreign-recording (403)")
    spool = opened(root, max_bytes=len(packet.data) + len(chunk.data))
    with pytest.raises(SpoolFull, match=r"spool\.max_bytes"):
        spool.put(next(sealed_recording(1)))
    assert reasons(root) == ["the store refused it: foreign-recording (403)\n"]


def test_a_folder_that_cannot_be_used_is_a_clear_message(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("a file in its place")
    with pytest.raises(EnvironmentFault, match="cannot be used"):
        opened(tmp_path / "spool")


# -- while it runs ------------------------------------------------------------------------------------------------


def test_a_chunk_that_somebody_removed_is_told_and_does_not_stop_the_queue(root: Path, alarms: list[str]) -> None:
    spool = opened(root, alarms)
    first, second, third = sealed_recording(3)
    for sealed in (first, second, third):
        spool.put(sealed)
    (root / second.name).unlink()
    assert list(spool.pending()) == [first, third]
    assert alarms == ["chunk-vanished"]
    assert spool.waiting()[0] == 2


def test_a_recordings_folder_that_somebody_removed_is_made_again(root: Path, alarms: list[str]) -> None:
    spool = opened(root, alarms)
    packet, chunk = sealed_recording(2)
    spool.put(packet)
    shutil.rmtree(root / str(packet.recording))
    with pytest.raises(Transient, match="ENOENT"):
        spool.put(chunk)
    spool.put(chunk)
    assert list(spool.pending()) == [chunk]


def test_how_much_waits_is_known_without_asking_the_disk(root: Path) -> None:
    spool = opened(root)
    [packet] = sealed_recording(1)
    spool.put(packet)
    shutil.rmtree(root)
    assert spool.waiting() == (1, len(packet.data))


def test_folders_of_recordings_that_are_through_are_swept(root: Path) -> None:
    spool = opened(root)
    [old] = sealed_recording(1)
    spool.put(old)
    spool.forget(old.name)
    assert (root / str(old.recording)).exists()
    [new] = sealed_recording(1)
    spool.put(new)
    assert not (root / str(old.recording)).exists()
    assert list(spool.pending()) == [new]


def test_bytes_that_are_not_the_chunk_they_are_named_for_are_refused(root: Path) -> None:
    packet, chunk = sealed_recording(2)
    spool = opened(root)
    for wrong in (
        Sealed(chunk.recording, chunk.stream, chunk.sequence + 1, chunk.data, chunk.sha256),
        Sealed(chunk.recording, chunk.stream, chunk.sequence, packet.data, packet.sha256),
        Sealed(new_sealer().recording, packet.stream, 0, packet.data, packet.sha256),
    ):
        with pytest.raises(ValueError, match=r"another chunk|begin with EYL1"):
            spool.put(wrong)
    assert spool.waiting() == (0, 0)


# -- two threads --------------------------------------------------------------------------------------------------


def test_one_thread_puts_while_another_takes(root: Path) -> None:
    """As sealing and uploading do: everything comes through once, the order of each recording kept."""
    spool = opened(root)
    put = [*sealed_recording(60, NEW_YEAR_2026), *sealed_recording(60, NEW_YEAR_2026 + SECOND)]
    taken: list[Sealed] = []

    def take() -> None:
        while len(taken) < len(put):
            for sealed in spool.pending():
                taken.append(sealed)
                spool.forget(sealed.name)

    taker = threading.Thread(target=take, daemon=True)
    taker.start()
    for sealed in put:
        spool.put(sealed)
    taker.join(60)

    assert taken == put
    assert spool.waiting() == (0, 0)


# -- a long queue -------------------------------------------------------------------------------------------------


class Counted(list[Place]):
    """A queue that counts how often it is looked into."""

    looks = 0

    def __getitem__(self, at: SupportsIndex) -> Place:  # type: ignore[override]
        self.looks += 1
        return super().__getitem__(at)


def test_a_busy_recording_is_passed_over_as_a_whole(root: Path) -> None:
    """10,000 chunks of a recording whose turn it is not: a look at each of them would be one at each chunk sent."""
    busy, free = sealed_recording(1), sealed_recording(2, NEW_YEAR_2026 + SECOND)
    spool = opened(root)
    [packet] = busy
    spool.put(packet)
    waiting = list(free)
    for sealed in waiting:
        spool.put(sealed)
    for number in range(10_000):
        spool._enter(Place(packet.recording, True, number, 0, number, 200))
    spool._queue = queue = Counted(spool._queue)
    assert list(spool.pending({packet.recording})) == waiting
    assert queue.looks < 100
