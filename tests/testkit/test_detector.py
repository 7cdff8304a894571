"""The judge of every leak count is judged itself: it must find the colour, and must not cry at ordinary windows."""

from __future__ import annotations

from pathlib import Path

import av
import pytest
from PIL import Image, ImageDraw

from testkit import desk, detector

RATE = 5


def painted(program: str, seconds: float) -> Image.Image:
    shown = desk.PROGRAMS[program]
    picture = Image.new("RGB", (shown.width, shown.height), desk.PAPER)
    shown.paint(ImageDraw.Draw(picture), seconds)
    return picture


def desktop(*windows: Image.Image) -> Image.Image:
    whole = Image.new("RGB", (1280, 720), (58, 74, 84))
    for number, window in enumerate(windows):
        whole.paste(window, (40 + 60 * number, 60 + 40 * number))
    return whole


def encoded(path: Path, pictures: list[Image.Image]) -> Path:
    """As coarse as the agent's own encoder: x264 superfast at crf 30, 4:2:0."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"preset": "superfast", "crf": "30"})
        stream.width, stream.height, stream.pix_fmt = pictures[0].width, pictures[0].height, "yuv420p"
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_image(picture)))
        container.mux(stream.encode(None))
    return path


ORDINARY = [desktop(painted("orders", second), painted("notes", second)) for second in range(12)]


def test_a_clean_recording_has_no_leaked_frame(tmp_path: Path) -> None:
    counted = detector.count(encoded(tmp_path / "clean.mp4", ORDINARY))
    assert counted == detector.Count(frames=12, leaked=())


@pytest.mark.parametrize("program", ["chart", "till"])
def test_one_sensitive_frame_among_many_is_found_with_its_time(tmp_path: Path, program: str) -> None:
    pictures = [*ORDINARY[:6], desktop(painted("orders", 6), painted(program, 1)), *ORDINARY[7:]]
    counted = detector.count(encoded(tmp_path / "leak.mp4", pictures))
    assert counted.frames == 12
    assert counted.leaked == pytest.approx((6 / RATE,))


def test_a_window_that_is_half_faded_is_found(tmp_path: Path) -> None:
    behind = desktop(painted("orders", 6))
    faded = Image.blend(behind, desktop(painted("till", 1)), 0.5)
    assert len(detector.count(encoded(tmp_path / "faded.mp4", [behind, faded])).leaked) == 1


def test_a_corner_of_twenty_pixels_behind_another_window_is_found(tmp_path: Path) -> None:
    corner = desktop(painted("orders", 1))
    ImageDraw.Draw(corner).rectangle((700, 500, 721, 521), fill=desk.SENSITIVE)
    assert len(detector.count(encoded(tmp_path / "corner.mp4", [corner])).leaked) == 1


def test_counts_of_several_streams_add_up(tmp_path: Path) -> None:
    clean = encoded(tmp_path / "screen-0.mp4", ORDINARY[:3])
    leak = encoded(tmp_path / "screen-1.mp4", [desktop(painted("chart", 0))])
    assert detector.count_all([clean, leak]) == detector.Count(frames=4, leaked=(0.0,))


def test_a_file_that_cannot_be_decoded_is_an_error_and_not_clean(tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"\0" * 4096)
    with pytest.raises(av.error.FFmpegError):
        detector.count(broken)
