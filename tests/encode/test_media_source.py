"""What is recorded as a browser's Media Source takes it: chunk by chunk, sound and screen, with a gap in both.

ffprobe and PyAV read what no browser would; a player on a web page has this one only.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from typing import Any, ClassVar, Final

import numpy as np
import pytest

from agent.core.model.media import Block, Chunk, ChunkKind, Frame
from agent.core.model.times import MILLISECOND, Span
from agent.encode.audio import BLOCK_LENGTH, FRAME, SoundEncoder
from agent.encode.video import ScreenEncoder
from testkit import displays, web
from tests.browser.extension_browsers import CHROMIUM_FLAGS, end_all, environment
from tests.encode.films import START, frame

DEADLINE: Final = 120.0  # s, for a browser to start and play on a busy machine
SOUND: Final = 'audio/mp4; codecs="opus"'
KEPT: Final = ((200, 2600), (4000, 9000))  # ms of the recording: what was closed in between is in neither stream
NEAR: Final = 0.1  # s: a picture is repeated just before a gap; Opus ends on a packet of nothing
STREAM: Final = 5

# Every chunk is appended by itself, the header first, as it comes from the store. It plays up to the gap, stops there,
# and goes on behind it when it is told to. `played`: [from, to] of each time that it did.
PAGE: Final = """<!doctype html><title>Media Source</title><video muted></video><script>
const said = {played: [], types: {}, ranges: {}};
const tell = () => fetch("/said", {method: "POST", body: JSON.stringify(said)});
const once = (target, event) => new Promise((done, failed) => {
  target.addEventListener(event, done, {once: true});
  target.addEventListener("error", () => failed(new Error("error instead of " + event)), {once: true});
});
const ranges = (buffered) => Array.from({length: buffered.length}, (_, at) => [buffered.start(at), buffered.end(at)]);
(async () => {
  const streams = await (await fetch("/streams")).json();
  for (const {type} of streams) said.types[type] = MediaSource.isTypeSupported(type);
  const video = document.querySelector("video"), source = new MediaSource();
  const opened = once(source, "sourceopen");
  video.src = URL.createObjectURL(source);
  await opened;
  const buffers = streams.map(({type}) => source.addSourceBuffer(type));
  for (const [at, {name, type, chunks}] of streams.entries()) {
    for (let number = 0; number < chunks; number++) {
      const appended = once(buffers[at], "updateend");
      buffers[at].appendBuffer(await (await fetch(`/${name}/${number}`)).arrayBuffer());
      await appended;
    }
    said.ranges[type] = ranges(buffers[at].buffered);
  }
  source.endOfStream();
  said.both = ranges(video.buffered);
  for (const [start] of said.both) {
    const sought = once(video, "seeked");
    video.currentTime = start + 0.05;
    await sought;
    await video.play();
    const from = video.currentTime;
    while (video.currentTime < from + 0.5) await once(video, "timeupdate");
    video.pause();
    said.played.push([from, video.currentTime]);
  }
  said.pictures = video.getVideoPlaybackQuality().totalVideoFrames;
  said.heard = video.webkitAudioDecodedByteCount;
})().catch((error) => { said.failed = String(error) + (document.querySelector("video").error?.message ?? ""); })
   .finally(tell);
</script>"""


@contextmanager
def served(streams: Sequence[tuple[str, str, Sequence[bytes]]]) -> Iterator[tuple[str, Queue[dict[str, Any]]]]:
    """The page with (name, type, chunks) to play: its address, and what it says."""
    said: Queue[dict[str, Any]] = Queue()
    listed = [{"name": name, "type": kind, "chunks": len(chunks)} for name, kind, chunks in streams]
    files = {f"/{name}/{at}": chunk for name, _, chunks in streams for at, chunk in enumerate(chunks)}

    class Asked(web.Answer):
        answers: ClassVar[dict[str, bytes]] = {"/": PAGE.encode(), "/streams": json.dumps(listed).encode(), **files}

        def get(self, path: str, _: dict[str, list[str]]) -> None:
            kind = "text/html" if path == "/" else "application/octet-stream"
            self.send(kind, self.answers.get(path, b""), status=200 if path in self.answers else 404)

        def post(self, body: bytes) -> None:
            said.put(json.loads(body))
            self.send("text/plain", "")

    with web.serving(Asked) as port:
        yield f"http://127.0.0.1:{port}/", said


@contextmanager
def opened(address: str, folder: Path) -> Iterator[None]:
    """A browser without a window, that may play without anybody's click."""
    home = folder / "home"
    home.mkdir()
    flags = [*CHROMIUM_FLAGS, "--headless=new", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"]
    command = ["chromium", *flags, f"--user-data-dir={folder / 'profile'}", address]
    with displays.running(command, env=environment("", "disabled:", home), log=folder / "chromium.log"):
        try:
            yield
        finally:
            end_all(home)


def sound() -> list[Chunk]:
    encoder = SoundEncoder(START)
    tone = (8000 * np.sin(2 * np.pi * 440 * np.arange(FRAME) / 48_000)).astype("<i2").repeat(2).tobytes()
    chunks: list[Chunk] = []
    for start, end in KEPT:
        for number in range(start // 20, end // 20):
            at = START + number * BLOCK_LENGTH
            span = Span(at - MILLISECOND, at + BLOCK_LENGTH + MILLISECOND)
            chunks += encoder.encode(Block(STREAM, span, at, number * FRAME, tone))
        chunks += encoder.gap(START + (end + 700) * MILLISECOND)
    return [*chunks, *encoder.close(START + 20_000 * MILLISECOND)]


def screen() -> list[Chunk]:
    encoder = ScreenEncoder(START)
    chunks: list[Chunk] = []
    for start, end in KEPT:
        for at in range(start, end, 200):
            picture: Frame = frame(at, (at // 40 % 200, 50, 90), width=320, height=180)
            chunks += encoder.encode(picture)
        chunks += encoder.gap(START + end * MILLISECOND)
    return [*chunks, *encoder.close(START + 20_000 * MILLISECOND)]


def appended(chunks: Sequence[Chunk]) -> list[bytes]:
    """In the order in which a player gets them."""
    header = [chunk.data for chunk in chunks if chunk.kind is ChunkKind.HEADER]
    return header + [chunk.data for chunk in chunks if chunk.kind is ChunkKind.MEDIA]


def type_of_screen(header: bytes) -> str:
    """By the profile, the constraints and the level that its avcC box names (RFC 6381)."""
    at = header.index(b"avcC") + len(b"avcC") + 1
    return f'video/mp4; codecs="avc1.{header[at : at + 3].hex()}"'


def test_a_browser_plays_sound_and_screen_chunk_by_chunk_with_the_gap_in_both(tmp_path: Path) -> None:
    heard, seen = appended(sound()), appended(screen())
    assert len(heard) > 3  # a header, and more than a chunk for what was kept
    assert len(seen) > 3
    picture = type_of_screen(seen[0])
    streams = [("sound", SOUND, heard), ("screen", picture, seen)]
    with served(streams) as (address, said), opened(address, tmp_path):
        told = said.get(timeout=DEADLINE)
    assert "failed" not in told, told
    assert told["types"] == {SOUND: True, picture: True}
    kept = [pytest.approx([start / 1000, end / 1000], abs=NEAR) for start, end in KEPT]
    assert told["ranges"][SOUND] == kept
    assert told["ranges"][picture] == kept
    assert told["both"] == kept
    for (start, end), (begun, ended) in zip(KEPT, told["played"], strict=True):
        assert start / 1000 <= begun < ended - 0.4 < end / 1000
    assert told["pictures"] > 0
    assert told["heard"] > 0
