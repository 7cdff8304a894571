"""Fragments of CMAF: what one sealed chunk holds, placed in the recording's time on its own.

Written by hand because FFmpeg's muxer starts every fragment file at time 0 and cannot be told otherwise: its output
would have to be parsed and patched, which is longer than these boxes. The header is FFmpeg's own.
Source: ISO/IEC 14496-12 (ISO base media file format) 8.8, 23000-19 (CMAF) 7.5; numbers are big-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

TRACK: Final = 1  # a stream's file holds one track

DEFAULT_BASE_IS_MOOF: Final = 0x020000  # tfhd: offsets count from the moof, so fragments can be moved and joined
TRUN_FIELDS: Final = 0x000701  # trun: data offset; duration, size and flags of each sample
SYNC_SAMPLE: Final = 0x02000000  # depends on no other
DEPENDENT_SAMPLE: Final = 0x01010000  # depends on others, is no sync sample


@dataclass(frozen=True, slots=True)
class Sample:
    """One coded picture or audio frame. `duration` in ticks of the track's timescale."""

    data: bytes
    duration: int
    key: bool


def fragment(number: int, decode_time: int, samples: Sequence[Sample]) -> bytes:
    """A moof and its mdat. `number` from 1, rising; `decode_time` of the first sample, in ticks since the start."""
    head = _full_box(b"mfhd", 0, 0, struct.pack(">I", number))
    track = _full_box(b"tfhd", 0, DEFAULT_BASE_IS_MOOF, struct.pack(">I", TRACK))
    time = _full_box(b"tfdt", 1, 0, struct.pack(">Q", decode_time))
    entries = b"".join(
        struct.pack(">III", one.duration, len(one.data), SYNC_SAMPLE if one.key else DEPENDENT_SAMPLE)
        for one in samples
    )
    # Sizes of the boxes around: trun 20 + entries, traf 8, moof 8; then 8 of mdat's own head.
    offset = 8 + len(head) + 8 + len(track) + len(time) + 20 + len(entries) + 8
    run = _full_box(b"trun", 0, TRUN_FIELDS, struct.pack(">II", len(samples), offset) + entries)
    moof = _box(b"moof", head + _box(b"traf", track + time + run))
    return moof + _box(b"mdat", b"".join(one.data for one in samples))


def _box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind) + body


def _full_box(kind: bytes, version: int, flags: int, body: bytes) -> bytes:
    return _box(kind, struct.pack(">I", version << 24 | flags) + body)
