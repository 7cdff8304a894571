"""A reader of fragments that shares no line with what writes them (ISO/IEC 14496-12)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

CONTAINERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"mvex", b"moof", b"traf"}


@dataclass(frozen=True)
class Read:
    """One sample of a fragment. Times in ticks."""

    at: int
    duration: int
    sync: bool
    data: bytes

    @property
    def kinds(self) -> list[int]:
        """The types of its NAL units, each behind its length."""
        kinds, rest = [], self.data
        while rest:
            size = int.from_bytes(rest[:4], "big")
            assert 4 + size <= len(rest)
            kinds.append(rest[4] & 31)
            rest = rest[4 + size :]
        return kinds


def boxes(data: bytes, at: int = 0) -> Iterator[tuple[bytes, int, bytes]]:
    """Every box with its place in the file and its body, containers before what they hold."""
    position = 0
    while position < len(data):
        size, kind = struct.unpack_from(">I4s", data, position)
        assert 8 <= size <= len(data) - position
        body = data[position + 8 : position + size]
        yield kind, at + position, body
        if kind in CONTAINERS:
            yield from boxes(body, at + position + 8)
        position += size


def timescale(header: bytes) -> int:
    (mdhd,) = (body for kind, _, body in boxes(header) if kind == b"mdhd")
    assert mdhd[0] == 0
    return int(struct.unpack_from(">I", mdhd, 12)[0])


def samples(fragment: bytes) -> list[Read]:
    """Raises AssertionError where the fragment contradicts itself."""
    found = {kind: (place, body) for kind, place, body in boxes(fragment)}
    assert [kind for kind, _, _ in boxes(fragment)] == [
        *(b"moof", b"mfhd", b"traf", b"tfhd", b"tfdt", b"trun"),
        b"mdat",
    ]
    (moof, _), (mdat, media) = found[b"moof"], found[b"mdat"]
    assert moof == 0
    assert struct.unpack(">II", found[b"tfhd"][1]) == (0x020000, 1)
    version, at = struct.unpack(">IQ", found[b"tfdt"][1])
    assert version == 1 << 24
    flags, count, offset = struct.unpack_from(">III", found[b"trun"][1])
    assert flags == 0x000701
    assert offset == mdat + 8
    read, position = [], 0
    for number in range(count):
        duration, size, sample_flags = struct.unpack_from(">III", found[b"trun"][1], 12 + 12 * number)
        assert sample_flags in (0x02000000, 0x01010000)
        read.append(Read(at, duration, sample_flags == 0x02000000, media[position : position + size]))
        at, position = at + duration, position + size
    assert position == len(media)
    return read


def number(fragment: bytes) -> int:
    (mfhd,) = (body for kind, _, body in boxes(fragment) if kind == b"mfhd")
    return int(struct.unpack(">II", mfhd)[1])
