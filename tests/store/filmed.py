"""A small film as CMAF: a header and one fragment a second, each from a key frame and with absolute times."""

from __future__ import annotations

import io
from pathlib import Path

import av
import numpy as np

FPS = 5


def film(seconds: int) -> tuple[bytes, list[bytes]]:
    """(header, fragments): frame n of second s is uniformly grey 16 + 8 * s."""
    out = io.BytesIO()
    options = {"movflags": "+frag_keyframe+empty_moov+default_base_moof"}
    with av.open(out, "w", format="mp4", options=options) as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        stream.codec_context.gop_size = FPS
        stream.codec_context.options = {"preset": "ultrafast", "tune": "zerolatency", "sc_threshold": "0"}
        for number in range(seconds * FPS):
            picture = np.full((96, 64), 16 + 8 * (number // FPS), np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return _split(out.getvalue())


def _split(data: bytes) -> tuple[bytes, list[bytes]]:
    header = b""
    fragments: list[bytes] = []
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        box, kind = data[at : at + size], data[at + 4 : at + 8]
        match kind:
            case b"ftyp" | b"moov":
                header += box
            case b"moof":
                fragments.append(box)
            case b"mdat":
                fragments[-1] += box
            case _:
                pass  # mfra: an index at the end, which a live stream never has
        at += size
    return header, fragments


def seconds_seen(path: Path) -> list[tuple[float, int]]:
    """(time in seconds, which second's grey) of every frame that a player would show."""
    with av.open(path) as container:
        return [
            (round(float(frame.time or 0), 3), (int(frame.to_ndarray()[:64].mean().round()) - 16) // 8)
            for frame in container.decode(video=0)
        ]
