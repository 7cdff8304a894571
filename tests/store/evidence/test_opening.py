"""A stream is opened with its own key alone, by a reader who has neither the recording's key nor the key packet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from protocol.bundle import Bundle
from protocol.envelope import SIGNATURE_SIZE, SOUND_STREAM, Edition
from protocol.keys import RecipientPrivate
from protocol.packet import KeyPacket
from store.admin.home import Home
from store.admin.init import RECIPIENT
from store.evidence.chain import Stored
from store.evidence.evidence import Evidence
from store.evidence.opening import Unsound, read_packet, recording_key
from testkit.fakes.pc import FakeRecording, Pc
from testkit.stream_keys import open_stream, stream_key
from tests.store.conftest import Gather

SCREEN, OTHER_SCREEN = 0, 1
SEEN, HEARD = [b"one look", b"another look"], [b"a word", b"an answer"]

GiveKey = Callable[[Evidence, int], bytes]


@pytest.fixture
def recording(pc: Pc, bundle: Bundle) -> FakeRecording:
    made = pc.open_recording(bundle)
    for stream, contents in ((SCREEN, SEEN), (SOUND_STREAM, HEARD)):
        for content in contents:
            assert pc.put_sealed(made.seal(content, stream=stream)).is_success
    return made


@pytest.fixture
def given(home: Home, readers: dict[str, RecipientPrivate]) -> GiveKey:
    """What a reader gives to another: the key of one stream."""

    def give(evidence: Evidence, stream: int) -> bytes:
        packet = packet_of(evidence, home)
        return stream_key(packet, recording_key(packet, readers[RECIPIENT]), stream)

    return give


def packet_of(evidence: Evidence, home: Home) -> KeyPacket:
    assert evidence.chosen.packet is not None
    return read_packet(home.blobs(), evidence.chosen.packet, evidence.device)


def contents(home: Home, evidence: Evidence, stream: int, key: bytes) -> list[bytes]:
    opened = open_stream(home.blobs(), evidence.chosen.streams[stream], key, evidence.device.evidence_key)
    return [content for _, content in opened]


def refusal(home: Home, evidence: Evidence, stream: int, key: bytes) -> str:
    with pytest.raises(Unsound) as refused:
        contents(home, evidence, stream, key)
    return refused.value.code


def test_who_has_the_screen_s_key_sees_the_screen_and_hears_nothing(
    recording: FakeRecording, gathered: Gather, given: GiveKey, home: Home
) -> None:
    evidence = gathered(recording)
    screen, sound = given(evidence, SCREEN), given(evidence, SOUND_STREAM)
    assert contents(home, evidence, SCREEN, screen) == SEEN
    assert contents(home, evidence, SOUND_STREAM, sound) == HEARD
    assert refusal(home, evidence, SOUND_STREAM, screen) == "wrong-commitment"
    assert refusal(home, evidence, SCREEN, sound) == "wrong-commitment"
    assert refusal(home, evidence, SCREEN, given(evidence, OTHER_SCREEN)) == "wrong-commitment"


def test_the_recording_s_key_opens_no_stream_by_itself(recording: FakeRecording, gathered: Gather, home: Home) -> None:
    assert refusal(home, gathered(recording), SCREEN, recording.key) == "wrong-commitment"


def test_a_monitor_that_came_after_the_packet_has_a_key_that_is_committed_to(
    recording: FakeRecording, gathered: Gather, given: GiveKey, home: Home
) -> None:
    """The key packet names the monitors of the start alone."""
    assert recording.pc.put_sealed(recording.seal(b"plugged in", stream=7)).is_success
    evidence = gathered(recording)
    assert 7 not in {monitor.stream for monitor in packet_of(evidence, home).monitors}
    assert contents(home, evidence, 7, given(evidence, 7)) == [b"plugged in"]


def test_what_the_device_did_not_sign_is_not_opened(
    recording: FakeRecording, gathered: Gather, given: GiveKey, home: Home
) -> None:
    """Who was given the key of a stream can seal with it, and so can every reader."""
    forged = recording.seal(b"it never was")
    assert recording.pc.put_sealed(forged[:-SIGNATURE_SIZE] + bytes(SIGNATURE_SIZE)).is_success
    evidence = gathered(recording)
    assert refusal(home, evidence, SCREEN, given(evidence, SCREEN)) == "bad-signature"


def test_a_chunk_without_a_signature_is_not_opened(
    recording: FakeRecording, gathered: Gather, given: GiveKey, home: Home
) -> None:
    key = given(gathered(recording), SCREEN)
    recording.edition, recording.key = Edition.FIRST, key
    assert recording.pc.put_sealed(recording.seal(b"it never was")).is_success
    assert refusal(home, gathered(recording), SCREEN, key) == "wrong-edition"


def test_a_chunk_in_another_place_is_not_opened(
    recording: FakeRecording, gathered: Gather, given: GiveKey, home: Home
) -> None:
    evidence = gathered(recording)
    first, second = evidence.chosen.streams[SCREEN]
    swapped: list[Stored] = [replace(second, sequence=first.sequence)]
    blobs = home.blobs()
    blobs.put(swapped[0].blob, blobs.get(second.blob))
    with pytest.raises(Unsound) as refused:
        list(open_stream(blobs, swapped, given(evidence, SCREEN), evidence.device.evidence_key))
    assert refused.value.code == "wrong-sequence"


def test_what_is_damaged_is_named(recording: FakeRecording, gathered: Gather, given: GiveKey, home: Home) -> None:
    evidence = gathered(recording)
    path = home.folder / "blobs" / evidence.chosen.streams[SCREEN][0].blob
    path.write_bytes(path.read_bytes()[:-1])
    assert refusal(home, evidence, SCREEN, given(evidence, SCREEN)) == "damaged"


def test_no_stream_of_the_first_edition_has_a_key_to_give(
    pc: Pc, bundle: Bundle, gathered: Gather, given: GiveKey
) -> None:
    """It would open all of them."""
    made = pc.open_recording(bundle, edition=Edition.FIRST)
    assert pc.put_sealed(made.seal()).is_success
    with pytest.raises(Unsound) as refused:
        given(gathered(made), SCREEN)
    assert refused.value.code == "no-stream-keys"
