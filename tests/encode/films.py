"""Frames to encode and a player to see what became of them."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

import av
import numpy as np

from agent.core.model.media import Chunk, ChunkKind, Frame
from agent.core.model.times import MILLISECOND, Span
from tests.capture.colours import Colour, ycbcr

Probed = dict[str, str]

START = 5_000_000_123_456_789  # ns: a recording begins at no round number
WIDTH, HEIGHT = 64, 48


def frame(
    at: int, colour: Colour = (90, 90, 90), *, stream: int = 0, width: int = WIDTH, height: int = HEIGHT
) -> Frame:
    """A solid picture, `at` ms after the recording's start; its grab took 2 ms."""
    luma, blue, red = (bytes([part]) for part in ycbcr(colour))
    pixels = luma * (width * height) + blue * (width * height // 4) + red * (width * height // 4)
    start = START + at * MILLISECOND
    return Frame(stream, Span(start, start + 2 * MILLISECOND), width, height, pixels)


def noise(at: int, seed: int, stream: int = 0) -> Frame:
    pixels = np.random.default_rng(seed).integers(60, 200, WIDTH * HEIGHT * 3 // 2, dtype=np.uint8)
    start = START + at * MILLISECOND
    return Frame(stream, Span(start, start + 2 * MILLISECOND), WIDTH, HEIGHT, pixels.tobytes())


def ms(at: int) -> int:
    """A time of the clock as ms of the recording."""
    return (at - START) // MILLISECOND


def media(chunks: Iterable[Chunk], stream: int = 0) -> list[Chunk]:
    return [chunk for chunk in chunks if chunk.kind is ChunkKind.MEDIA and chunk.stream == stream]


def film(chunks: Sequence[Chunk], stream: int = 0) -> bytes:
    """The header and the fragments of one stream, as a player gets them."""
    (header,) = (one for one in chunks if one.kind is ChunkKind.HEADER and one.stream == stream)
    return header.data + b"".join(chunk.data for chunk in media(chunks, stream))


def play(data: bytes) -> list[av.VideoFrame]:
    """Every picture that PyAV decodes. Raises where the file is broken."""
    with av.open(io.BytesIO(data)) as container:
        return list(container.decode(video=0))


def times(frames: Iterable[av.VideoFrame]) -> list[int]:
    """When each is shown, in ms."""
    return [round(1000 * float(one.pts * one.time_base)) for one in frames if one.pts is not None]


def durations(data: bytes) -> list[int]:
    """Of each sample as the container says, in ms."""
    with av.open(io.BytesIO(data)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.pts is not None]
        return [round(1000 * float((packet.duration or 0) * packet.time_base)) for packet in packets]


def probe(data: bytes, folder: Path) -> tuple[list[Probed], list[Probed]]:
    """What ffprobe says of packets and frames; ffmpeg must decode all of it without a word of complaint."""
    file = folder / "film.mp4"
    file.write_bytes(data)
    ffmpeg, ffprobe = shutil.which("ffmpeg"), shutil.which("ffprobe")
    assert ffmpeg, "ffmpeg is missing (apt install ffmpeg)"
    assert ffprobe, "ffprobe is missing (apt install ffmpeg)"
    decode = [ffmpeg, "-v", "warning", "-i", str(file), "-fps_mode", "passthrough", "-f", "null", "-"]
    assert subprocess.run(decode, check=True, capture_output=True, text=True).stderr == ""
    show = [ffprobe, "-v", "error", "-of", "json", "-show_packets", "-show_frames", str(file)]
    said = json.loads(subprocess.run(show, check=True, capture_output=True, text=True).stdout)
    both: list[Probed] = said["packets_and_frames"]
    return [one for one in both if one["type"] == "packet"], [one for one in both if one["type"] == "frame"]
