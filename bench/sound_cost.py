"""What sound costs a recorder: CPU and memory beside one that records none, and what an hour of it takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import av

from bench.sound_account import SECOND, Span


def used_more(
    before: Sequence[tuple[float, int]], after: Sequence[tuple[float, int]], minutes: float
) -> dict[str, float]:
    """What the recorder with sound used more than the one without; nothing where only one was read."""
    if len(after) < 2:
        return {}
    cpu, plain_cpu = (now[0] - then[0] for then, now in zip(before, after, strict=True))
    (_, memory), (_, plain_memory) = after
    return {
        "cpu_s_per_min": round((cpu - plain_cpu) / minutes, 3),
        "memory_mb": round((memory - plain_memory) / 1e6, 1),
    }


def mb_per_hour(files: Mapping[Path, int], talk: Span) -> float:
    """Of the sound kept in that time alone: while devices go and come there is no speech, and less to keep.

    `files`: each with the zero of its time. What its boxes take is shared out by time.
    """
    size, seconds = 0.0, 0.0
    for file, zero in files.items():
        packets = list(packets_of(file))
        boxes = file.stat().st_size - sum(amount for _, _, amount in packets)
        whole = sum(length for _, length, _ in packets)
        for at, length, amount in packets:
            if talk.shown <= zero + round(at * SECOND) < talk.hidden:
                seconds += length
                size += amount + boxes * length / whole
    return size / 1e6 / (seconds / 3600) if seconds else 0.0


def packets_of(file: Path) -> Iterator[tuple[float, float, int]]:
    """(seconds since the recording's zero, seconds, bytes) of each packet of sound."""
    with av.open(str(file)) as container:
        for packet in container.demux(audio=0):
            if packet.pts is not None and packet.time_base is not None:
                yield (
                    float(packet.pts * packet.time_base),
                    float((packet.duration or 0) * packet.time_base),
                    packet.size,
                )
