"""x264 by PyAV, one encoder for a run of pictures: no picture waits inside, and key frames come when asked for, only.

A screen is not a camera: it moves by whole pixels, stands still between, and its edges are sharp. The settings below
leave out what x264 does for cameras (docs/decisions/0006).
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc

from agent.errors import EnvironmentFault

TIMESCALE: Final = 1_000_000  # ticks a second
ENDLESS: Final = 1 << 30  # x264's "infinite" key frame interval

# NAL unit types (ITU-T H.264, table 7-1).
SLICE: Final = 1
KEY_SLICE: Final = 5


@dataclass(frozen=True, slots=True)
class VideoSettings:
    """`quantizer` is x264's qp: 0 lossless, 51 worst; text stays crisp to about 32. `motion_range` in px."""

    quantizer: int = 28
    motion_range: int = 192
    preset: str = "superfast"


class H264:
    """One open encoder. About 28 MB for 1080p (measured), given back by `close`."""

    def __init__(self, width: int, height: int, settings: VideoSettings) -> None:
        """Even width and height, in px."""
        self._size = (width, height)
        written = io.BytesIO()
        self._container = av.open(
            written,
            "w",
            format="mp4",
            options={
                "movflags": "cmaf+empty_moov+default_base_moof",
                "use_editlist": "0",
                "video_track_timescale": str(TIMESCALE),
                "fflags": "+bitexact",  # no version strings
            },
        )
        stream = self._container.add_stream("libx264", rate=5)
        stream.time_base = Fraction(1, TIMESCALE)
        self._codec: VideoCodecContext = stream.codec_context
        self._set_up(settings)
        self._container.start_encoding()
        self.header = written.getvalue()  # the CMAF initialisation segment; the container is asked for nothing else

    def _set_up(self, settings: VideoSettings) -> None:
        codec = self._codec
        codec.width, codec.height = self._size
        codec.pix_fmt = "yuv420p"
        codec.time_base = Fraction(1, TIMESCALE)
        codec.gop_size = ENDLESS
        codec.max_b_frames = 0
        codec.thread_count = 1
        codec.color_range = ColorRange.MPEG
        codec.colorspace = Colorspace.SMPTE170M  # BT.601's matrix, as the canvas uses
        codec.color_primaries = ColorPrimaries.BT709  # sRGB's
        codec.color_trc = ColorTrc.IEC61966_2_1
        x264 = {
            # A constant quantizer needs no look at how hard the picture is: half of what an unchanged one costs, and
            # a picture that stands still is not sent again and again to make it better.
            "qp": settings.quantizer,
            "ipratio": 1.1,
            "me": "umh",
            "merange": settings.motion_range,  # wide, so that it follows the wheel
            "subme": 0,
            "weightp": 0,
            "8x8dct": 0,
            "no-deblock": 1,
            "scenecut": 0,  # a new page is no key frame: only `key` is
        }
        codec.options = {
            "preset": settings.preset,
            "tune": "zerolatency",
            "forced-idr": "1",
            "x264-params": ":".join(f"{name}={value}" for name, value in x264.items()),
        }

    def encode(self, pixels: bytes, at: int, *, key: bool) -> bytes:
        """One I420 picture shown from `at` (ticks) on, as an MP4 sample: NAL units with their length before them.

        Raises EnvironmentFault when the encoder does not do what was asked.
        """
        width, height = self._size
        planes = np.frombuffer(pixels, np.uint8).reshape(height * 3 // 2, width)
        # A copy, 0.5 ms for 1080p: `from_numpy_buffer` spares it, and takes every height for a multiple of four.
        picture = av.VideoFrame.from_ndarray(planes, "yuv420p")
        picture.pts = at
        picture.time_base = Fraction(1, TIMESCALE)
        picture.pict_type = PictureType.I if key else PictureType.NONE
        packets = self._codec.encode(picture)
        units = [unit for packet in packets for unit in _picture_units(bytes(packet))]
        if len(packets) != 1 or not units or any((_kind(unit) == KEY_SLICE) != key for unit in units):
            raise EnvironmentFault(
                f"this PyAV's x264 gave {len(packets)} pictures of kinds {sorted(map(_kind, units))} where one "
                f"{'key frame' if key else 'ordinary frame'} was asked for: install the locked version"
            )
        return b"".join(len(unit).to_bytes(4, "big") + unit for unit in units)

    def close(self) -> None:
        self._container.close()


def _picture_units(annex_b: bytes) -> list[bytes]:
    """The NAL units that hold picture; parameters are in the header, and x264's message about itself is not kept.

    A unit never ends in a zero byte (H.264, 7.4.1): those before a start code belong to the code.
    """
    units = [unit.rstrip(b"\0") for unit in annex_b.split(b"\0\0\1")]
    return [unit for unit in units if unit and _kind(unit) in (SLICE, KEY_SLICE)]


def _kind(unit: bytes) -> int:
    return unit[0] & 0x1F
