"""Sealed sound as samples, by libopus.

FFmpeg's own decoder of Opus, which PyAV takes unless told otherwise, makes a burst of broad noise of some frames of
ordinary speech (docs/decisions/0025). libopus is the reference, and what browsers play the same stream with.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from numpy.typing import NDArray

from store.evidence.film import FORMAT, CannotPlay
from store.evidence.film.files import Source, for_ffmpeg

RATE: Final = 48_000  # samples a second; also the grain of the sound's own times
CHANNELS: Final = 2  # the agent's microphone, and the far end
_PRE_SKIP: Final = slice(10, 12)  # of an OpusHead (RFC 7845 5.1): samples to drop first. Times say here which those are

Samples = NDArray[np.int16]
"""(samples, channels)."""


def samples_of(file: Source) -> Iterator[tuple[int, Samples]]:
    """(place of the first since the recording's zero, samples) of each packet, read as it is asked for.

    Each stretch without a gap has a decoder of its own, as it had an encoder: nothing of what was said before a gap is
    heard after it. Places before zero are what the encoder looked ahead, and are silent.

    Raises CannotPlay where there is no sound, av.error.FFmpegError where it does not decode.
    """
    with av.open(for_ffmpeg(file), "r", format=FORMAT) as container:
        if not container.streams.audio:
            raise CannotPlay(f"{file.name} holds no sound")
        stream = container.streams.audio[0]
        head = stream.codec_context.extradata or b""
        decoder: AudioCodecContext | None = None
        expected = 0
        for packet in container.demux(stream):
            if packet.pts is None or packet.time_base is None:
                continue  # what PyAV ends a stream with
            at = round(packet.pts * packet.time_base * RATE)
            if decoder is None or abs(at - expected) > 1:
                decoder = _decoder(head)
            length = round((packet.duration or 0) * packet.time_base * RATE)
            expected = at + length
            # A copy without its times: the decoder would drop by them what the file's edit list leaves out.
            for frame in decoder.decode(av.Packet(bytes(packet))):
                samples = frame.to_ndarray().reshape(-1, CHANNELS)[: length or None].astype(np.int16, copy=False)
                yield at, samples
                at += len(samples)


def _decoder(head: bytes) -> AudioCodecContext:
    decoder = av.CodecContext.create("libopus", "r")
    decoder.extradata = head[: _PRE_SKIP.start] + bytes(2) + head[_PRE_SKIP.stop :]
    decoder.sample_rate, decoder.layout = RATE, "stereo"
    return decoder
