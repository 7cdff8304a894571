"""libopus by PyAV, one encoder for a run of blocks without a gap between them.

Opus looks ahead: what a packet decodes to lies 120 samples before what went in with it, and the first packet begins
with that much nothing. The header's edit list says so once (RFC 7845 5.1, "Encapsulation of Opus in ISOBMFF" 4.4), so
that a packet's time in the file is that of its block, and what is heard comes at the time when it was heard.
"""

from __future__ import annotations

import io
import struct
from typing import Final

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext

from agent.errors import EnvironmentFault

RATE: Final = 48_000  # samples a second; also the ticks of the track
FRAME: Final = 960  # samples of each channel in a packet
CHANNELS: Final = 2
LOOK_AHEAD: Final = 120  # samples; of libopus at 48 kHz in its mode `lowdelay`

# bit/s. At 24 000 the channels leak into each other by -13 dB, from 32 000 on not at all in this mode (measured).
BIT_RATE: Final = 34_000

# Never Opus' own mode for speech (SILK): after a beep it now and then makes a burst at full scale (decision 28).
OPTIONS: Final = {"frame_duration": "20", "application": "lowdelay", "vbr": "constrained"}


class Opus:
    """One open encoder. `header` is the CMAF initialisation segment, the same for all of them."""

    def __init__(self, bit_rate: int = BIT_RATE) -> None:
        written = io.BytesIO()
        options = {"movflags": "cmaf+empty_moov+default_base_moof", "use_editlist": "0", "fflags": "+bitexact"}
        self._container = av.open(written, "w", format="mp4", options=options)
        stream = self._container.add_stream("libopus", rate=RATE, layout="stereo")
        self._codec: AudioCodecContext = stream.codec_context
        self._codec.format = "s16"
        self._codec.bit_rate = bit_rate
        self._codec.options = OPTIONS
        self._container.start_encoding()
        self.header = _with_edit_list(written.getvalue())

    def encode(self, samples: bytes) -> bytes:
        """One block of `FRAME` samples as a packet. Raises EnvironmentFault when the encoder gives anything else."""
        frame = av.AudioFrame.from_ndarray(np.frombuffer(samples, "<i2").reshape(1, -1), "s16", "stereo")
        frame.sample_rate = RATE
        packets = [bytes(packet) for packet in self._codec.encode(frame)]
        if len(packets) != 1:
            raise EnvironmentFault(
                f"this PyAV's libopus gave {len(packets)} packets where one was due: install the locked version"
            )
        return packets[0]

    def end(self) -> bytes:
        """The packet with what the encoder still looked ahead to, and nothing else. Frees the encoder."""
        packet = self.encode(bytes(FRAME * CHANNELS * 2))
        self._container.close()
        return packet


def _with_edit_list(header: bytes) -> bytes:
    """FFmpeg writes an edit list only once it has seen the first packet, which is too late for a header of its own."""
    entry = struct.pack(">IiHH", 0, LOOK_AHEAD, 1, 0)  # of duration 0: all that the fragments bring
    elst = struct.pack(">I4sII", 16 + len(entry), b"elst", 0, 1) + entry
    edts = struct.pack(">I4s", 8 + len(elst), b"edts") + elst
    moov, trak = header.index(b"moov") - 4, header.index(b"trak") - 4
    after_head = trak + 8 + _size(header, trak + 8)  # of tkhd, which comes first
    grown = bytearray(header)
    for place in (moov, trak):
        struct.pack_into(">I", grown, place, _size(header, place) + len(edts))
    grown[after_head:after_head] = edts
    return bytes(grown)


def _size(data: bytes, place: int) -> int:
    return int(struct.unpack_from(">I", data, place)[0])
