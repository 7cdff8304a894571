"""A film of real streams: pictures, slates and sound come when they should, and nothing else does."""

from __future__ import annotations

import resource
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from agent.core.model.media import Block
from agent.core.model.times import MILLISECOND, Span
from agent.encode.audio import BLOCK_LENGTH, FRAME, SoundEncoder
from agent.encode.video import ScreenEncoder
from protocol.envelope import AUDIO, SCREEN, SOUND_STREAM
from protocol.packet import Monitor
from store.clock import SECOND
from store.evidence.account import Closed, Interval, account
from store.evidence.film import CannotPlay, making
from store.evidence.film.files import OpenFile
from store.evidence.film.layout import lay_out
from store.evidence.film.plan import Plan, make_plan
from store.evidence.film.slate import DARK, slate
from store.evidence.rules import UNREAD, words_of
from tests.encode.films import START, film, frame

RED, GREEN, BLUE = (200, 30, 30), (30, 200, 30), (30, 30, 200)
COLOURS = (RED, GREEN, BLUE, DARK)
RATE = 48_000
BAND = 3400.0  # Hz
TONES = (500.0, 1500.0)  # Hz, of the left and the right channel


def screen(
    folder: Path, stream: int, runs: Sequence[tuple[int, int, tuple[int, int, int]]], size: tuple[int, int] = (320, 240)
) -> Path:
    """A file of solid pictures, five a second: (from, to, colour), in ms; a hole between two is a gap."""
    encoder = ScreenEncoder(START)
    chunks = []
    for start, end, colour in runs:
        for at in range(start, end, 200):
            chunks += encoder.encode(frame(at, colour, stream=stream, width=size[0], height=size[1]))
        chunks += encoder.gap(START + end * MILLISECOND)
    file = folder / f"screen-{stream}.mp4"
    file.write_bytes(film(chunks, stream))
    return file


Said = Callable[[np.ndarray], np.ndarray]
"""(samples, 2) at these places."""


def tones(places: np.ndarray) -> np.ndarray:
    """Each end has one of its own."""
    return np.stack([8000 * np.sin(2 * np.pi * tone * places / RATE) for tone in TONES], axis=1)


def voice(length: int) -> Said:
    """The caller as a telephone has them, sounds of a throat with pauses, none above `BAND`; a quiet room at the other
    end."""
    drawn = np.random.default_rng(3)
    beats, at = np.zeros(length), 0.0
    while at < length:
        apart = RATE / drawn.uniform(90, 230)
        for _ in range(int(drawn.integers(10, 40))):
            if at < length:
                beats[int(at)] = drawn.uniform(0.5, 1)
            at += apart
        at += drawn.uniform(0, 0.15) * RATE
    ends = np.zeros((length, 2))
    ends[:, 1] = without(beats, np.fft.rfftfreq(length, 1 / RATE) > BAND)
    ends *= 13_000 / np.abs(ends).max()
    ends[:, 0] = drawn.normal(0, 32, length)
    return lambda places: ends[places]


def without(samples: np.ndarray, frequencies: np.ndarray) -> np.ndarray:
    spectrum = np.fft.rfft(samples)
    spectrum[frequencies] = 0
    return np.fft.irfft(spectrum, len(samples))


def call(folder: Path, runs: Sequence[tuple[int, int]], said: Said = tones) -> Path:
    """A file in which both ends sound from and to these ms."""
    encoder = SoundEncoder(START)
    chunks = []
    for start, end in runs:
        for number in range(start // 20, end // 20):
            samples = said(np.arange(number * FRAME, (number + 1) * FRAME))
            at = START + number * BLOCK_LENGTH
            block = Block(SOUND_STREAM, Span(at, at), at, number * FRAME, samples.astype("<i2").tobytes())
            chunks += encoder.encode(block)
        chunks += encoder.gap(START + end * MILLISECOND)
    file = folder / "sound.mp4"
    file.write_bytes(film(chunks, SOUND_STREAM))
    return file


def spans(*runs: tuple[int, int]) -> tuple[Interval, ...]:
    return tuple(Interval(start * MILLISECOND, end * MILLISECOND) for start, end in runs)


def planned(length: int, kept: dict[int, tuple[Interval, ...]], *, cut: bool = False) -> Plan:
    """`length` in ms. What is not kept was closed by the only rule."""
    whole = length * MILLISECOND
    lanes = {SCREEN: [0, 1], AUDIO: [SOUND_STREAM]}
    accounts = {
        lane: account(
            whole, [one for stream in streams for one in kept.get(stream, ())], [], otherwise=Closed("", (0,))
        )
        for lane, streams in lanes.items()
        if lane == SCREEN or SOUND_STREAM in kept
    }
    return make_plan(whole, kept, accounts, lambda cause: words_of(cause, lambda _: UNREAD), cut=cut)


def made(
    tmp_path: Path, plan: Plan, screens: dict[int, Path], sound: Path | None = None, monitors: Sequence[Monitor] = ()
) -> Path:
    told: list[int] = []
    layout = lay_out(monitors, making.sizes(screens), plan.kept)
    sources = making.Sources(screens, None if sound is None else (SOUND_STREAM, sound))
    to = tmp_path / "recording.mp4"
    making.make(plan, layout, sources, OpenFile.new(to), advance=told.append)
    assert sum(told) == plan.length // SECOND
    assert to.stat().st_mode & 0o777 == 0o600
    return to


def seen(file: Path, x: int = 20, y: int = 20) -> list[tuple[int, tuple[int, int, int]]]:
    """(ms, which of the colours) of each picture where its colour there changes."""
    found: list[tuple[int, tuple[int, int, int]]] = []
    with av.open(str(file)) as container:
        for picture in container.decode(video=0):
            here = picture.to_ndarray(format="rgb24")[y, x].astype(int)
            colour = min(COLOURS, key=lambda one: int(np.abs(here - one).sum()))
            if not found or found[-1][1] != colour:
                found.append((round(float(picture.time or 0) * 1000), colour))
    return found


def heard(file: Path) -> np.ndarray:
    """(channels, samples), each at its time."""
    with av.open(str(file)) as container:
        length = float(container.streams.audio[0].duration or 0) * float(container.streams.audio[0].time_base or 0)
        whole = np.zeros((2, round(length * RATE) + RATE))
        for block in container.decode(audio=0):
            samples = block.to_ndarray()
            at = round(float(block.time or 0) * RATE)
            whole[:, max(at, 0) : at + samples.shape[1]] = samples[:, max(-at, 0) :]
    return whole


def loud(samples: np.ndarray, tone: float, piece: int = 480) -> list[tuple[int, int]]:
    """From and to, in ms, of each stretch in which the tone is heard."""
    pieces = samples[: len(samples) // piece * piece].reshape(-1, piece)
    wave = np.exp(-2j * np.pi * tone * np.arange(piece) / RATE)
    there = np.abs(pieces @ wave) * 2 / piece > 0.05
    edges = np.flatnonzero(np.diff(np.concatenate(([0], there.astype(int), [0]))))
    return [(int(start) * 10, int(end) * 10) for start, end in edges.reshape(-1, 2)]


def about(found: list[tuple[int, int]], wanted: list[tuple[int, int]]) -> bool:
    """To one hundredth of a second, in which the tone is judged."""
    return len(found) == len(wanted) and all(
        abs(a - b) <= 10 for pair in zip(found, wanted, strict=True) for a, b in zip(*pair, strict=True)
    )


def test_a_gap_is_a_slate_of_its_length_and_silence(tmp_path: Path) -> None:
    kept = {0: spans((0, 2000), (5000, 7000)), SOUND_STREAM: spans((0, 3000), (5000, 7000))}
    screens = {0: screen(tmp_path, 0, [(0, 2000, RED), (5000, 7000, BLUE)])}
    file = made(tmp_path, planned(7000, kept), screens, call(tmp_path, [(0, 3000), (5000, 7000)]))
    assert seen(file) == [(0, RED), (2000, DARK), (5000, BLUE)]
    ends = heard(file)
    for number, tone in enumerate(TONES):
        assert about(loud(ends[number], tone), [(0, 3000), (5000, 7000)])
        assert loud(ends[1 - number], tone) == []  # each end stays in its channel


@pytest.mark.parametrize("size", [(320, 240 + more) for more in range(0, 16, 2)] + [(322, 242), (1680, 1050)])
def test_every_pixel_has_its_colour_whatever_the_size(tmp_path: Path, size: tuple[int, int]) -> None:
    file = made(tmp_path, planned(1000, {0: spans((0, 1000))}), {0: screen(tmp_path, 0, [(0, 1000, RED)], size)})
    with av.open(str(file)) as container:
        shown = [picture.to_ndarray(format="rgb24").astype(int) for picture in container.decode(video=0)]
    assert max(np.abs(picture - RED).max() for picture in shown) <= 16


def test_a_slate_says_its_own_reason_and_its_own_length(tmp_path: Path) -> None:
    """As a person reads it: the picture is the one with these words, and not the one with others."""
    kept = {0: spans((0, 2000), (5000, 6000))}
    file = made(tmp_path, planned(6000, kept), {0: screen(tmp_path, 0, [(0, 2000, RED), (5000, 6000, BLUE)])})
    with av.open(str(file)) as container:
        shown = next(one for one in container.decode(video=0) if 2.5 < float(one.time or 0) < 4.5)
    luma = shown.to_ndarray(format="yuv420p")[: shown.height].astype(int)

    def far(words: str, length: str) -> int:
        """Pixels that are plainly others."""
        drawn = slate(shown.width, shown.height, words, length)[: shown.height].astype(int)
        return int((np.abs(luma - drawn) > 48).sum())

    right = far("closed: rule 0", "3.0 s")
    for words, length in (("held: by the person", "3.0 s"), ("closed: rule 1", "3.0 s"), ("closed: rule 0", "8.4 s")):
        assert far(words, length) > 2 * right + 20
    assert right < 20


def test_a_cut_has_no_slate_and_stays_in_step(tmp_path: Path) -> None:
    kept = {0: spans((0, 2000), (5000, 7000)), SOUND_STREAM: spans((0, 3000), (5000, 6000))}
    screens = {0: screen(tmp_path, 0, [(0, 2000, RED), (5000, 7000, BLUE)])}
    file = made(tmp_path, planned(7000, kept, cut=True), screens, call(tmp_path, [(0, 3000), (5000, 6000)]))
    # From 2 to 3 the sound goes on alone; from 3 to 5 there was nothing at all.
    assert seen(file) == [(0, RED), (2000, DARK), (3000, BLUE)]
    assert about(loud(heard(file)[0], TONES[0]), [(0, 4000)])


def test_screens_lie_side_by_side_and_one_that_has_nothing_shows_only_the_eye(tmp_path: Path) -> None:
    monitors = [Monitor(0, 0, 0, 320, 240, "one"), Monitor(1, 320, 0, 320, 240, "two")]
    kept = {0: spans((0, 6000)), 1: spans((0, 2000), (4000, 6000))}
    screens = {
        0: screen(tmp_path, 0, [(0, 6000, GREEN)]),
        1: screen(tmp_path, 1, [(0, 2000, RED), (4000, 6000, BLUE)]),
    }
    file = made(tmp_path, planned(6000, kept), screens, monitors=monitors)
    assert seen(file) == [(0, GREEN)]
    assert seen(file, x=340) == [(0, RED), (2000, DARK), (4000, BLUE)]


def test_a_closed_sound_is_told_below_the_picture(tmp_path: Path) -> None:
    kept = {0: spans((0, 6000)), SOUND_STREAM: spans((0, 2000), (4000, 6000))}
    screens = {0: screen(tmp_path, 0, [(0, 6000, GREEN)])}
    file = made(tmp_path, planned(6000, kept), screens, call(tmp_path, [(0, 2000), (4000, 6000)]))
    assert seen(file) == [(0, GREEN)]
    with av.open(str(file)) as container:
        bright = {
            round(float(picture.time or 0)): int(picture.to_ndarray(format="gray")[242:270].max())
            for picture in container.decode(video=0)
        }
    assert bright[1] < 80 < bright[3]
    assert bright[5] < 80


def test_sound_alone_is_a_film_too(tmp_path: Path) -> None:
    plan = planned(4000, {SOUND_STREAM: spans((1000, 4000))})
    file = made(tmp_path, plan, {}, call(tmp_path, [(1000, 4000)]))
    assert [colour for _, colour in seen(file)] == [DARK]
    assert about(loud(heard(file)[1], TONES[1]), [(1000, 4000)])


def test_the_films_encoder_lays_no_clicks_over_a_voice(tmp_path: Path) -> None:
    """With its noise shaped in time they were up to -22 dB here, where the recording itself has -61."""
    file = made(
        tmp_path, planned(8000, {SOUND_STREAM: spans((0, 8000))}), {}, call(tmp_path, [(0, 8000)], voice(8 * RATE))
    )
    caller = heard(file)[1]
    above = without(caller, np.fft.rfftfreq(len(caller), 1 / RATE) < BAND + 1000)
    assert np.abs(caller).max() > 0.3
    assert 20 * np.log10(np.abs(above).max()) < -48


def test_chapters_say_what_is_where(tmp_path: Path) -> None:
    kept = {0: spans((0, 2000), (5000, 6000))}
    file = made(tmp_path, planned(6000, kept), {0: screen(tmp_path, 0, [(0, 2000, RED), (5000, 6000, BLUE)])})
    with av.open(str(file)) as container:
        told = [(chapter["start"], chapter["metadata"]["title"]) for chapter in container.chapters()]
    assert told == [(0, "kept"), (2000, "closed: rule 0, 3.0 s"), (5000, "kept")]


def test_pictures_outside_what_their_chunks_stand_for_are_not_shown(tmp_path: Path) -> None:
    """A stream may hold more than it says: only what is accounted for is in the film."""
    screens = {0: screen(tmp_path, 0, [(0, 6000, RED)])}
    kept = {0: spans((0, 2000), (4000, 6000)), SOUND_STREAM: spans((0, 2000), (4000, 6000))}
    file = made(tmp_path, planned(6000, kept), screens, call(tmp_path, [(0, 6000)]))
    assert seen(file) == [(0, RED), (2000, DARK), (4000, RED)]
    assert about(loud(heard(file)[0], TONES[0]), [(0, 2000), (4000, 6000)])


def test_a_player_can_seek_while_nothing_moves(tmp_path: Path) -> None:
    encoder = ScreenEncoder(START)
    chunks = [*encoder.encode(frame(0, RED)), *encoder.gap(START + 60_000 * MILLISECOND)]
    still = tmp_path / "screen-0.mp4"
    still.write_bytes(film(chunks))
    file = made(tmp_path, planned(60_000, {0: spans((0, 60_000))}), {0: still})
    with av.open(str(file)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.pts is not None]
    times = [float(packet.pts * packet.time_base) for packet in packets if packet.pts is not None]
    keys = [time for packet, time in zip(packets, times, strict=True) if packet.is_keyframe]
    assert max(after - before for before, after in pairwise(times)) <= 1.01
    assert max(after - before for before, after in pairwise(keys)) <= 11
    assert times[-1] > 59.5


def test_what_no_decoder_takes_is_said(tmp_path: Path) -> None:
    odd = tmp_path / "screen-0.mp4"
    odd.write_bytes(b"this is no film")
    with pytest.raises(CannotPlay, match=r"screen-0\.mp4 is no film"):
        making.sizes({0: odd})
    whole = screen(tmp_path, 0, [(0, 2000, RED)])
    plan = planned(2000, {0: spans((0, 2000)), SOUND_STREAM: spans((0, 2000))})
    layout = lay_out([], making.sizes({0: whole}), plan.kept)
    garbage = tmp_path / "garbage.mp4"
    garbage.write_bytes(b"nor is this")
    for sound, told in ((garbage, "cannot be decoded"), (whole, "holds no sound")):
        sources = making.Sources({0: whole}, (SOUND_STREAM, sound))
        with pytest.raises(CannotPlay, match=told):
            making.make(plan, layout, sources, OpenFile.new(tmp_path / f"{told}.mp4"), advance=lambda _: None)


@pytest.mark.slow(reason="five minutes of film are made")
def test_an_hour_does_not_lie_in_memory(tmp_path: Path) -> None:
    """What three minutes take, half a one takes too: nothing grows with the length but the file's own index."""
    high = []
    for seconds in (30, 180):
        folder = tmp_path / str(seconds)
        folder.mkdir()
        length = seconds * 1000
        screens = {0: screen(folder, 0, [(0, length, GREEN)])}
        plan = planned(length, {0: spans((0, length)), SOUND_STREAM: spans((0, length))})
        made(folder, plan, screens, call(folder, [(0, length)]))
        high.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    assert high[1] - high[0] < 20_000, high  # KB
