"""The encoder does what it is told, or says so: nobody may find out when a recording does not play."""

from __future__ import annotations

import pytest

from agent.encode.h264 import H264, VideoSettings
from agent.errors import EnvironmentFault
from tests.encode.films import HEIGHT, WIDTH, frame

GREY = frame(0).pixels


def test_a_key_frame_that_was_not_asked_for_is_refused() -> None:
    encoder = H264(WIDTH, HEIGHT, VideoSettings())
    with pytest.raises(EnvironmentFault, match=r"kinds \[5\] where one ordinary frame was asked for"):
        encoder.encode(GREY, 0, key=False)  # x264 cannot begin with anything else
    encoder.close()


def test_every_picture_comes_out_at_once_and_is_a_key_frame_when_asked() -> None:
    encoder = H264(WIDTH, HEIGHT, VideoSettings())
    for at in range(20):
        sample = encoder.encode(GREY, at * 200_000, key=at % 7 == 0)
        assert int.from_bytes(sample[:4], "big") == len(sample) - 4  # one unit, and nothing about the encoder itself
        assert sample[4] & 0x1F == (5 if at % 7 == 0 else 1)
    encoder.close()


def test_the_header_is_the_same_every_time() -> None:
    first, second = (H264(WIDTH, HEIGHT, VideoSettings()) for _ in range(2))
    assert first.header == second.header
    for encoder in (first, second):
        encoder.close()
