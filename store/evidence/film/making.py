"""Writes the film: one MP4 with a track of pictures and one of sound, as players people have show it.

Re-encoded, because a slate can stand between two pictures only where both have one encoder; the single streams beside
it stay as they were sealed. H.264 and AAC are what every player takes (docs/decisions/0019).
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.frame import PictureType
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from av.video.stream import VideoStream

from protocol.envelope import SCREEN
from store.clock import SECOND, seconds
from store.evidence.film import FORMAT, CannotPlay
from store.evidence.film.files import OpenFile, Source, for_ffmpeg
from store.evidence.film.layout import Layout
from store.evidence.film.opus import RATE
from store.evidence.film.pictures import Pictures
from store.evidence.film.plan import Plan
from store.evidence.film.sound import Sound, ticks

if TYPE_CHECKING:
    from av.container.core import Chapter  # only its type is told

TIMESCALE: Final = 90_000  # ticks a second; what players expect of video
FRAMES: Final = 5  # a second; what the encoder is told, and how long a player lets the last picture stand
KEY_EVERY: Final = 10 * SECOND  # how far apart a player's seeks may land
BLOCK: Final = 1024  # samples of an AAC frame
AAC_RATE: Final = 96_000  # bit/s
# No joint stereo: it may make one channel of both where they are alike. No noise shaped in time: FFmpeg's own encoder
# laid clicks of -19 dB over a voice that had nothing above -76 there. Its quick quantiser is 5 to 14 dB nearer to what
# it is given. No noise put in for what is left out, which nothing here needs (`scripts/bench sound call`).
AAC: Final = {"aac_ms": "0", "aac_is": "0", "aac_tns": "0", "aac_pns": "0", "aac_coder": "fast"}
DISK: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG, errno.EROFS, errno.EACCES})
CHAPTER: Final = SECOND  # gaps as long as this are chapters


@dataclass(frozen=True, slots=True)
class Sources:
    """Single streams as they were written, by their numbers; `sound` is the stream of both ends of the call."""

    screens: Mapping[int, Source]
    sound: tuple[int, Source] | None


def sizes(screens: Mapping[int, Source]) -> dict[int, tuple[int, int]]:
    """px of each stream's pictures. Raises CannotPlay."""
    found = {}
    for stream, file in screens.items():
        try:
            with av.open(for_ffmpeg(file), "r", format=FORMAT) as container:
                video = container.streams.video[0]
                found[stream] = video.width, video.height
        except (av.error.FFmpegError, IndexError):
            raise CannotPlay(f"{file.name} is no film that can be decoded") from None
    return found


def make(plan: Plan, layout: Layout, sources: Sources, to: OpenFile, *, advance: Callable[[int], None]) -> None:
    """Writes the film to `to`, an empty file. `advance` is called with each further second of it.

    Raises CannotPlay, OSError.
    """
    pictures = Pictures(plan, layout, dict(sources.screens))
    try:
        # `faststart` reads what it wrote, to move it: FFmpeg opens the file a second time for that.
        options = {"movflags": "faststart"}
        with av.open(to, "w", format=FORMAT, options=options, io_open=lambda *_: to.again()) as container:
            container.set_chapters(list(_chapters(plan)))
            video = _video(container, pictures.size)
            audio = None if sources.sound is None else _Audio(container, plan, *sources.sound)
            _write(container, video, audio, pictures, plan, advance=advance)
    except av.error.FFmpegError as error:
        if isinstance(error, OSError) and error.errno in DISK:
            raise
        raise CannotPlay(f"the streams cannot be decoded or encoded ({error.strerror})") from None


def _write(
    container: OutputContainer,
    video: VideoStream,
    audio: _Audio | None,
    pictures: Pictures,
    plan: Plan,
    *,
    advance: Callable[[int], None],
) -> None:
    last, last_key, shown = -1, -KEY_EVERY, 0
    scene: object = None
    for at, picture in pictures.shots():
        film_time = plan.film_time(at)
        pts = film_time * TIMESCALE // SECOND
        if pts <= last:
            continue
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
        frame.pts, frame.time_base = pts, Fraction(1, TIMESCALE)
        now = plan.gap_at(SCREEN, at)
        if film_time - last_key >= KEY_EVERY or now != scene:
            frame.pict_type = PictureType.I
            last_key, scene = film_time, now
        container.mux(video.encode(frame))
        last = pts
        if audio is not None:
            audio.up_to(film_time)
        advance(film_time // SECOND - shown)
        shown = film_time // SECOND
    end = plan.length * TIMESCALE // SECOND - TIMESCALE // FRAMES
    if 0 <= last < end:  # players end with the last picture's beginning, or guess how long it stands
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
        frame.pts, frame.time_base = end, Fraction(1, TIMESCALE)
        container.mux(video.encode(frame))
    container.mux(video.encode(None))
    if audio is not None:
        audio.end()
    advance(plan.length // SECOND - shown)


def _video(container: OutputContainer, size: tuple[int, int]) -> VideoStream:
    stream = container.add_stream("libx264", rate=FRAMES)
    stream.width, stream.height = size
    stream.pix_fmt = "yuv420p"
    stream.time_base = Fraction(1, TIMESCALE)
    codec = stream.codec_context
    codec.time_base = Fraction(1, TIMESCALE)
    codec.gop_size = 1 << 16  # key frames are asked for
    codec.max_b_frames = 0
    codec.color_range, codec.colorspace = ColorRange.MPEG, Colorspace.SMPTE170M  # as the recorder's own
    codec.color_primaries, codec.color_trc = ColorPrimaries.BT709, ColorTrc.IEC61966_2_1
    codec.options = {"preset": "superfast", "crf": "20", "forced-idr": "1", "x264-params": "scenecut=0"}
    return stream


def _chapters(plan: Plan) -> Iterator[Chapter]:
    """Players show them as places to jump to."""
    marks: list[tuple[int, str]] = []
    for gap in plan.gaps.get(SCREEN, ()):
        if gap.length >= CHAPTER:
            marks += [
                (plan.film_time(gap.start), f"{gap.words}, {seconds(gap.length)}"),
                (plan.film_time(gap.end), "kept"),
            ]
    if not marks:
        return
    if marks[0][0] > 0:
        marks.insert(0, (0, "kept"))
    ends = [start for start, _ in marks[1:]] + [plan.length]
    for number, ((start, title), end) in enumerate(zip(marks, ends, strict=True)):
        if start < end:
            yield {
                "id": number,
                "start": start // 1_000_000,
                "end": end // 1_000_000,
                "time_base": Fraction(1, 1000),
                "metadata": {"title": title},
            }


class _Audio:
    """Every sample of the film, kept or silent, so that no player loses its step."""

    def __init__(self, container: OutputContainer, plan: Plan, stream: int, file: Source) -> None:
        self._container = container
        self._track: AudioStream = container.add_stream("aac", rate=RATE, layout="stereo")
        self._track.codec_context.bit_rate = AAC_RATE
        self._track.codec_context.options = AAC
        self._blocks = self._all(plan, Sound(file, plan.kept[stream]))
        self._written = 0

    def up_to(self, film_time: int) -> None:
        while self._written < ticks(film_time) and self._next():
            pass

    def end(self) -> None:
        while self._next():
            pass
        self._container.mux(self._track.encode(None))

    def _next(self) -> bool:
        block = next(self._blocks, None)
        if block is None:
            return False
        frame = av.AudioFrame.from_ndarray(block.reshape(1, -1), format="s16", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self._written, Fraction(1, RATE)
        self._container.mux(self._track.encode(frame))
        self._written += len(block)
        return True

    @staticmethod
    def _all(plan: Plan, sound: Sound) -> Iterator[np.ndarray[tuple[int, ...], np.dtype[np.int16]]]:
        for start, end in plan.shown:
            first = ticks(start)
            last = first + ticks(plan.film_time(start) + end - start) - ticks(plan.film_time(start))
            for place in range(first, last, BLOCK):
                yield sound.between(place, min(place + BLOCK, last))
