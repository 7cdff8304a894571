"""What leaves the sealer: opened again with the recipients' keys, in its place in the chain, and no key left behind."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.model.media import Chunk, ChunkFlag, ChunkKind
from agent.core.model.times import SECOND, Span
from agent.errors import Refused
from agent.keys.signer import MAX_STREAMS
from agent.ports import Sealer
from protocol.envelope import KEY_PACKET_STREAM, Flag, Kind, digest, expect, open_sealed
from protocol.errors import EnvelopeError
from protocol.keys import RecipientPrivate
from protocol.packet import KeyPacket, Monitor, recording_id
from testkit.fakes.clock import NEW_YEAR_2026
from tests.agent.recordings import AUDITOR, EVIDENCE, POLICY, RECOVERY, START, header, media, new_sealer


def packet_of(sealer: Sealer) -> KeyPacket:
    return KeyPacket.verify(sealer.packet().data.decode("ascii"), EVIDENCE.public_key())


def test_the_key_packet_says_what_the_auditor_needs_and_is_signed_by_the_device() -> None:
    sealer = new_sealer()
    packet = packet_of(sealer)
    assert packet.recording == sealer.recording
    assert (packet.device, packet.host, packet.os_user) == ("device-1", "pc-17", "alice")
    assert (packet.bundle_revision, packet.policy, packet.start) == (3, POLICY, NEW_YEAR_2026)
    assert packet.monitors == (Monitor(0, 0, 0, 1920, 1080, "HDMI-1"), Monitor(1, 1920, 0, 1080, 1921, "DP-2"))
    sealed = sealer.packet()
    assert (sealed.stream, sealed.sequence, sealed.sha256) == (KEY_PACKET_STREAM, 0, digest(sealed.data))


def test_the_recipients_of_the_bundle_can_open_it_and_nobody_else() -> None:
    """The passer-by who tested the opening is no recipient."""
    sealer = new_sealer()
    packet = packet_of(sealer)
    assert packet.wrapped.keys() == {AUDITOR.key_id, RECOVERY.key_id}
    key = packet.open_key(AUDITOR)
    assert packet.open_key(RECOVERY) == key
    chunk = media(0, 0)
    assert open_sealed(packet.stream_key(key, 0), sealer.seal(chunk).data)[1] == chunk.data


def test_every_recording_has_a_key_of_its_own() -> None:
    assert packet_of(new_sealer()).open_key(AUDITOR) != packet_of(new_sealer()).open_key(AUDITOR)


def test_each_stream_counts_and_chains_by_itself_from_the_key_packet() -> None:
    sealer = new_sealer()
    packet = packet_of(sealer)
    key = packet.open_key(AUDITOR)
    previous = dict.fromkeys((0, 7), sealer.packet().sha256)
    expected = dict.fromkeys((0, 7), 0)
    for chunk in (header(0), header(7), media(0, 0), media(0, 4), media(7, 0), media(0, 8)):
        sealed = sealer.seal(chunk)
        stream = chunk.stream
        parsed, plaintext = open_sealed(packet.stream_key(key, stream), sealed.data)
        expect(parsed, recording=sealer.recording, stream=stream, sequence=expected[stream], previous=previous[stream])
        assert (sealed.recording, sealed.stream, sealed.sequence) == (sealer.recording, stream, expected[stream])
        assert sealed.sha256 == digest(sealed.data)
        assert plaintext == chunk.data
        assert parsed.kind is Kind(chunk.kind.value)
        previous[stream] = sealed.sha256
        expected[stream] += 1


def test_spans_count_from_the_recordings_start_and_flags_are_kept() -> None:
    sealer = new_sealer()
    packet = packet_of(sealer)
    key = packet.stream_key(packet.open_key(AUDITOR), 0)
    span = Span(START + 5 * SECOND, START + 9 * SECOND + 1)
    flags = ChunkFlag.KEY_FRAME | ChunkFlag.AFTER_GAP
    parsed, _ = open_sealed(key, sealer.seal(Chunk(0, ChunkKind.MEDIA, span, b"x", flags)).data)
    assert (parsed.start, parsed.end) == (5 * SECOND, 9 * SECOND + 1)
    assert parsed.flags == Flag.KEY_FRAME | Flag.AFTER_GAP


def test_what_cannot_be_sealed_spends_no_number() -> None:
    """Nothing exists under it, so the next chunk takes it and the chain has no hole."""
    sealer = new_sealer()
    before_the_start = Chunk(0, ChunkKind.MEDIA, Span(START - 1, START), b"x")
    with pytest.raises(EnvelopeError):
        sealer.seal(before_the_start)
    assert sealer.seal(media(0, 0)).sequence == 0


def test_a_recording_has_a_bound_of_streams_with_every_signer() -> None:
    sealer = new_sealer()
    for stream in range(MAX_STREAMS):
        sealer.seal(media(stream, 0))
    with pytest.raises(Refused, match="streams already"):
        sealer.seal(media(MAX_STREAMS, 0))
    assert sealer.seal(media(0, 4)).sequence == 1


def test_the_same_plaintext_twice_is_two_ciphertexts() -> None:
    sealer = new_sealer()
    chunk = media(0, 0)
    assert sealer.seal(chunk).data[92:] != sealer.seal(chunk).data[92:]


def test_a_closed_recording_seals_nothing_more() -> None:
    sealer = new_sealer()
    sealer.seal(media(0, 0))
    sealer.forget()
    with pytest.raises(RuntimeError, match="its key is gone"):
        sealer.seal(media(0, 4))


def test_the_key_is_nowhere_in_what_is_kept() -> None:
    sealer = new_sealer()
    packet = packet_of(sealer)
    key = packet.open_key(AUDITOR)
    sealed = sealer.seal(media(0, 0))
    assert key not in sealed.data + sealer.packet().data
    assert packet.stream_key(key, 0) not in sealed.data + sealer.packet().data
    sealer.forget()
    kept = [getattr(sealer, name) for name in vars(sealer)]
    assert not any(key in bytes(value) for value in kept if isinstance(value, bytes))
    assert not [value for value in kept if isinstance(value, dict) and value]  # nor the streams' keys


def test_another_recipients_private_key_opens_nothing() -> None:
    stranger = RecipientPrivate.generate()
    assert stranger.key_id not in packet_of(new_sealer()).wrapped


@given(wall=st.integers(0, 2**48 * 1_000_000 - 1), chance=st.binary(min_size=10, max_size=10))
def test_recording_ids_are_uuids_of_version_7(wall: int, chance: bytes) -> None:
    """RFC 9562 section 5.7: 48 bits of milliseconds, version, 12 random bits, variant, 62 random bits."""
    made = recording_id(wall, chance)
    assert made.version == 7
    assert made.variant == "specified in RFC 4122"
    assert made.int >> 80 == wall // 1_000_000
    assert made.int & (2**62 - 1) == int.from_bytes(chance, "big") & (2**62 - 1)


def test_the_example_of_the_rfc() -> None:
    """RFC 9562, appendix A.6: 22 February 2022, 14:22:22.00 GMT-05:00."""
    chance = (0xCC3 << 64 | 0x18C4DC0C0C07398F).to_bytes(10, "big")
    assert recording_id(0x017F22E279B0 * 1_000_000, chance) == UUID("017f22e2-79b0-7cc3-98c4-dc0c0c07398f")


@given(earlier=st.integers(0, 10**18), later=st.integers(1, 10**18))
def test_recording_ids_sort_by_the_millisecond_they_were_made(earlier: int, later: int) -> None:
    assert recording_id(earlier, b"\xff" * 10) < recording_id(earlier + later + 1_000_000, bytes(10))
