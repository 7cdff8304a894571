"""A recording's sound in a real store becomes a transcript, or a state that says why it did not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from sqlalchemy import text

from protocol.envelope import SOUND_STREAM
from review.analysis.job_states import Failure, Kind
from review.analysis.jobs import Lease
from review.analysis.lending import Lent
from review.analysis.speech.port import Recogniser, SpeechError
from review.analysis.speech.transcript import Settings
from review.analysis.worker import LeaseOver, ReadError
from review.transcripts.reader import SpeechReader
from review.transcripts.sound import SoundStore
from store.admin.init import COMPLIANCE
from store.catalog.blobs import LocalBlobs
from testkit.fakes.pc import SECOND, FakeRecording, Pc
from testkit.fakes.recogniser import FakeRecogniser, Said, tones
from testkit.lifecycle import Pcs, World
from testkit.recorded_call import RATE, record_call

AGENT: Final[Sequence[Said]] = [("ja", 1, 1.4), ("karte", 1.6, 2), ("zwei", 9, 9.4)]
CUSTOMER: Final[Sequence[Said]] = [("vier", 4, 4.4), ("eins", 5, 5.4), ("null", 9.6, 9.9)]
CALL: Final = np.stack([tones(said, 12, RATE) for said in (AGENT, CUSTOMER)], axis=1)
MOST: Final = 2**40
ORDERED: Final = (
    'insert into erasures (recording, device, step, position, found, "order") '
    "values (:id, :device, 'ordered', 0, '{}', '')"
)


def patient(_: float) -> None:
    """Goes on."""


@dataclass
class Shelf:
    """What was put; in place of the one that seals it to a disk."""

    keys: dict[str, FakeRecording] = field(default_factory=dict)
    put_away: list[bytes] = field(default_factory=list)
    refuses: Failure | None = None
    asked: int = 0

    def lend(self, lease: Lease) -> Lent:
        self.asked += 1
        return Lent({SOUND_STREAM: self.keys[lease.recording].stream_key(SOUND_STREAM)}, "speech/original", bytes(32))

    def put(self, lease: Lease, lent: Lent, content: bytes) -> str:
        assert (lease.kind, lent.label) == (Kind.SPEECH, "speech/original")
        if self.refuses is not None:
            raise ReadError(self.refuses)
        self.put_away.append(content)
        return hashlib.sha256(content).hexdigest()


@dataclass
class House:
    """`wrong`: sentences about the model that the worker was given to say."""

    world: World
    pcs: Pcs
    pc: Pc
    store: SoundStore
    shelf: Shelf = field(default_factory=Shelf)
    wrong: list[str] = field(default_factory=list)

    def record(self, ends: Any = CALL, **how: Any) -> FakeRecording:
        made = record_call(self.pcs, self.pc, ends, start=self.world.days() - 20 * SECOND, **how)
        self.shelf.keys[str(made.id)] = made
        return made

    def reader(self, load: Callable[[], Recogniser] = FakeRecogniser) -> SpeechReader:
        versions = FakeRecogniser.versions
        return SpeechReader(self.store, self.shelf, self.shelf, versions, Settings(), load, self.wrong.append)

    def read(self, made: FakeRecording, progress: Callable[[float], None] = patient) -> dict[str, Any]:
        result = self.reader().read(lease(made), progress)
        assert result == hashlib.sha256(self.shelf.put_away[-1]).hexdigest()
        found: dict[str, Any] = json.loads(self.shelf.put_away[-1])
        return found

    def refused(self, made: FakeRecording) -> Failure:
        before = len(self.shelf.put_away)
        with pytest.raises(ReadError) as refusal:
            self.reader().read(lease(made), patient)
        assert len(self.shelf.put_away) == before
        return refusal.value.failure

    def blobs_of(self, made: FakeRecording) -> list[Path]:
        """Files of its sound, in order: the header first."""
        return sorted(self.world.home.blobs_folder.glob(f"**/{made.id}/{SOUND_STREAM:05d}-*"))


def lease(made: FakeRecording) -> Lease:
    return Lease(1, 1, MOST, str(made.id), Kind.SPEECH, "v")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    world = World.found(tmp_path)
    with ExitStack() as stack:
        pcs = stack.enter_context(world.serving())
        database = stack.enter_context(closing(world.home.database()))
        store = SoundStore(database, world.home.blobs(), world.home.key(COMPLIANCE).id)
        yield House(world, pcs, pcs.pc(), store)


def words(channel: dict[str, Any]) -> list[tuple[str, float]]:
    return [(word["text"], word["start"]) for segment in channel["segments"] for word in segment["words"]]


def near(channel: dict[str, Any], said: Sequence[Said]) -> bool:
    found = words(channel)
    same = [text for text, _ in found] == [text for text, _, _ in said]
    return same and all(abs(at - start) < 0.06 for (_, at), (_, start, _) in zip(found, said, strict=True))


# -- what a transcript says -------------------------------------------------------------------------------------------


def test_each_channel_has_its_words_at_their_times(house: House) -> None:
    made, shares = house.record(), list[float]()
    found = house.read(made, shares.append)
    assert found["eyelid_transcript"] == 1
    assert found["recording"] == str(made.id)
    assert found["lasts"] == 12.0
    assert found["channels"].keys() == {"agent", "customer"}
    assert near(found["channels"]["agent"], AGENT)
    assert near(found["channels"]["customer"], CUSTOMER)
    assert found["channels"]["agent"]["gaps"] == []
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_the_same_sound_is_the_same_bytes(house: House) -> None:
    made = house.record()
    house.read(made)
    house.read(made)
    assert house.shelf.put_away[0] == house.shelf.put_away[1]


def test_what_a_rule_closed_is_a_gap_with_the_rules_name(house: House) -> None:
    found = house.read(house.record(closed=[(3.0, 6.0)]))
    (gap,) = found["channels"]["customer"]["gaps"]
    assert gap == {"start": 3.0, "end": 6.0, "rule": "closed: card-forms"}
    assert [text for text, _ in words(found["channels"]["customer"])] == ["null"]
    assert near(found["channels"]["agent"], AGENT)


def test_a_chunk_that_never_came_is_a_gap_that_says_so(house: House) -> None:
    """The header is place 0; chunk 2 begins after 4 s or so."""
    found = house.read(house.record(lose=frozenset({2})))
    (gap,) = found["channels"]["agent"]["gaps"]
    assert gap["rule"] == "chunks were not received"
    assert 0 < gap["start"] < gap["end"] < 12


def test_an_end_that_was_broken_off_is_a_gap(house: House) -> None:
    made = house.record(lose=frozenset({3, 4, 5, 6}))
    gap = house.read(made)["channels"]["agent"]["gaps"][-1]
    assert (gap["end"], gap["rule"]) == (12.0, "chunks were not received")


def test_without_its_header_nothing_can_be_heard_and_that_is_said(house: House) -> None:
    found = house.read(house.record(lose=frozenset({0})))
    assert found["channels"]["agent"]["state"] == "closed"
    assert found["channels"]["agent"]["segments"] == []
    assert {one["rule"] for one in found["channels"]["agent"]["gaps"]} <= {
        "chunks were not received", "left out: it does not open"
    }  # fmt: skip


def test_a_channel_with_nothing_in_it_says_so(house: House) -> None:
    ends = CALL.copy()
    ends[:, 1] = 0
    found = house.read(house.record(ends))
    assert near(found["channels"]["agent"], AGENT)
    assert found["channels"]["customer"]["state"] == "no-speech"
    assert found["channels"]["customer"]["why"].startswith("Silence")


def test_a_recording_without_sound_says_so(house: House) -> None:
    made, _ = house.pcs.record(house.pc, "rest")
    house.shelf.keys[str(made.id)] = made
    found = house.read(made)
    assert {one["state"] for one in found["channels"].values()} == {"missing"}
    assert {one["why"] for one in found["channels"].values()} == {"The recording has no sound"}


# -- what is no transcript --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [0, 1, -1])
def test_an_altered_chunk_is_unsound(house: House, place: int) -> None:
    made = house.record()
    blob = house.blobs_of(made)[place]
    content = bytearray(blob.read_bytes())
    content[len(content) // 2] ^= 1
    blob.write_bytes(content)
    assert house.refused(made) is Failure.UNSOUND
    assert house.shelf.asked == 0  # no key is asked for


def test_chunks_in_each_others_place_are_unsound(house: House) -> None:
    made = house.record()
    first, second = house.blobs_of(made)[1:3]
    one, other = first.read_bytes(), second.read_bytes()
    first.write_bytes(other)
    second.write_bytes(one)
    assert house.refused(made) is Failure.UNSOUND


def test_a_chunk_of_another_recording_is_unsound(house: House) -> None:
    made, other = house.record(), house.record()
    house.blobs_of(made)[1].write_bytes(house.blobs_of(other)[1].read_bytes())
    assert house.refused(made) is Failure.UNSOUND
    assert near(house.read(other)["channels"]["agent"], AGENT)


def test_a_chunk_that_is_gone_from_the_disk_is_unsound(house: House) -> None:
    made = house.record()
    house.blobs_of(made)[1].unlink()
    assert house.refused(made) is Failure.UNSOUND


def test_another_key_than_the_device_sealed_with_is_unsound(house: House) -> None:
    made, other = house.record(), house.record()
    house.shelf.keys[str(made.id)] = other
    assert house.refused(made) is Failure.UNSOUND


def test_altered_between_the_check_and_the_reading(house: House) -> None:
    made = house.record()

    def alters(done: float) -> None:
        if done == 0.0:
            house.blobs_of(made)[1].write_bytes(b"another")

    with pytest.raises(ReadError) as refusal:
        house.reader().read(lease(made), alters)
    assert refusal.value.failure is Failure.UNSOUND


def test_what_no_decoder_takes_is_unsound(house: House) -> None:
    """A PC that lies has signed it."""
    made = house.record(altered=lambda data: bytes(len(data)))
    assert house.refused(made) is Failure.UNSOUND


def test_one_that_goes_on_is_not_yet_read(house: House) -> None:
    assert house.refused(house.record(ended=False)) is Failure.NOT_YET


def test_erased_during_its_analysis(house: House) -> None:
    made, ordered = house.record(), list[str]()

    def erases(done: float) -> None:
        if done > 0.5 and not ordered:
            with house.store.database.writing() as connection:
                connection.execute(text(ORDERED), {"id": str(made.id), "device": house.pc.device})
            ordered.append(str(made.id))

    with pytest.raises(ReadError) as refusal:
        house.reader().read(lease(made), erases)
    assert refusal.value.failure is Failure.ERASED
    assert house.shelf.put_away == []
    assert house.refused(made) is Failure.ERASED


def test_a_store_that_is_gone_gives_no_answer(house: House) -> None:
    made = house.record()
    blobs = house.world.home.blobs_folder
    blobs.rename(blobs.with_name("away"))
    lost = SoundStore(house.store.database, LocalBlobs(blobs / "nowhere"), house.store.compliance)
    reader = SpeechReader(
        lost, house.shelf, house.shelf, FakeRecogniser.versions, Settings(), FakeRecogniser, house.wrong.append
    )
    with pytest.raises(ReadError) as refusal:
        reader.read(lease(made), patient)
    assert refusal.value.failure is Failure.NO_ANSWER


def test_a_full_disk_is_no_room(house: House) -> None:
    house.shelf.refuses = Failure.NO_ROOM
    assert house.refused(house.record()) is Failure.NO_ROOM


def test_another_model_than_the_pinned_one(house: House) -> None:
    def load() -> Recogniser:
        raise SpeechError("model.bin is not the pinned file")

    with pytest.raises(ReadError) as refusal:
        house.reader(load).read(lease(house.record()), patient)
    assert refusal.value.failure is Failure.WRONG_MODEL
    assert house.wrong == ["model.bin is not the pinned file"]
    assert house.shelf.asked == 0


def test_a_language_that_the_model_does_not_know(house: House) -> None:
    settings = Settings("tlh")
    reader = SpeechReader(
        house.store, house.shelf, house.shelf, FakeRecogniser.versions, settings, FakeRecogniser, house.wrong.append
    )
    with pytest.raises(ReadError) as refusal:
        reader.read(lease(house.record()), patient)
    assert refusal.value.failure is Failure.WRONG_MODEL
    assert house.wrong == ["tones-de-en knows de and en, and not tlh"]


def test_a_lease_that_is_over_ends_it(house: House) -> None:
    def over(done: float) -> None:
        if done > 0:
            raise LeaseOver

    with pytest.raises(LeaseOver):
        house.reader().read(lease(house.record()), over)
    assert house.shelf.put_away == []


def test_its_version_fits_a_lease_and_names_model_and_settings(house: House) -> None:
    one = house.reader()
    assert one.model.startswith("tones-de-en-00000000-tones-1-")
    other = SpeechReader(
        house.store, house.shelf, house.shelf, FakeRecogniser.versions, Settings("de"), FakeRecogniser, print
    )
    assert other.model != one.model


def test_nothing_is_written_in_the_clear(house: House, tmp_path: Path) -> None:
    """No file comes into being but those of the store's own database. The scenario searches all folders for words."""
    made = house.record()
    before, seen = set(tmp_path.rglob("*")), set[Path]()
    house.read(made, lambda _: seen.update(tmp_path.rglob("*")))
    assert {path.name for path in seen - before} <= {"catalog.db-wal", "catalog.db-shm"}
