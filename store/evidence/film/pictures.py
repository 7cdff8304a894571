"""The film's picture as it changes: each screen's own pictures, slates where nothing was kept, a line for the sound.

One canvas is held in memory, and each screen's decoder; pictures are read from their files as the film goes on.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import av
import numpy as np

from protocol.envelope import AUDIO, SCREEN
from store.clock import SECOND, seconds
from store.evidence.account import union
from store.evidence.film import FORMAT
from store.evidence.film.files import Source, for_ffmpeg
from store.evidence.film.layout import Layout, Place
from store.evidence.film.plan import Gap, Plan
from store.evidence.film.slate import Planes, dark, line, slate

STEP: Final = SECOND  # between two pictures at most, so that a player can seek while nothing moves
LINE: Final = 32  # px of height
TICK: Final = 1000  # ns: the grain of the screens' own times


@dataclass(frozen=True, slots=True)
class _Change:
    """At `at` the stream shows this picture, or no longer shows any (None); a mark of the plan has no stream."""

    at: int
    stream: int | None = None
    picture: av.VideoFrame | None = None


class Pictures:
    """`size` is the film's; `shots` gives what to show and when."""

    def __init__(self, plan: Plan, layout: Layout, files: dict[int, Source]) -> None:
        self._plan = plan
        self._layout = layout
        self._files = files
        self._height = layout.height + (LINE if self._sound_is_shown() else 0)
        self._canvas = np.empty(layout.width * self._height * 3 // 2, np.uint8)
        self._showing: dict[int, av.VideoFrame | None] = dict.fromkeys(plan.streams(SCREEN))
        self._shown = deque(plan.shown)
        self._drawn = False
        self._slate: Gap | None = None
        self._line: str | None = None

    @property
    def size(self) -> tuple[int, int]:
        return self._layout.width, self._height

    def _sound_is_shown(self) -> bool:
        """Whether the sound has gaps that the picture must tell of: those while it shows no slate of its own."""
        screens = union(span for stream in self._plan.streams(SCREEN) for span in self._plan.kept[stream])
        gaps = self._plan.gaps.get(AUDIO, ())
        return any(start < gap.end and gap.start < end for gap in gaps for start, end in screens)

    def shots(self) -> Iterator[tuple[int, Planes]]:
        """(ns of the recording, whole picture) in the order of time, within what the plan shows. The picture is good
        until the next is asked for."""
        changes = heapq.merge(*map(self._changes, self._files), self._marks(), key=lambda change: change.at)
        waiting: list[_Change] = []
        for change in changes:
            if waiting and change.at - waiting[0].at >= TICK:
                yield from self._until(change.at, waiting)
                waiting = []
            waiting.append(change)
        yield from self._until(self._plan.shown[-1].end if self._plan.shown else 0, waiting)

    def _until(self, end: int, changes: list[_Change]) -> Iterator[tuple[int, Planes]]:
        """The picture after these changes, at their time and again at every step before `end`."""
        at = changes[0].at
        self._draw(at, changes)
        while self._shown and at < end:
            if at >= self._shown[0].end:
                self._shown.popleft()
            elif at < self._shown[0].start:
                at = self._shown[0].start
            else:
                yield at, self._canvas.reshape(self._height * 3 // 2, self._layout.width)
                at += STEP

    # -- what changes -------------------------------------------------------------------------------------------------

    def _marks(self) -> Iterator[_Change]:
        """Where a slate or the line may change, and where the film goes on after a cut."""
        moments = {start for start, _ in self._plan.shown}
        for gaps in self._plan.gaps.values():
            moments |= {moment for gap in gaps for moment in (gap.start, gap.end)}
        yield from map(_Change, sorted(moments | {0}))

    def _changes(self, stream: int) -> Iterator[_Change]:
        """Its pictures, and the end of each stretch of them. None is shown outside what its chunks cover."""
        spans = iter(self._plan.kept[stream])
        span = next(spans, None)
        with av.open(for_ffmpeg(self._files[stream]), "r", format=FORMAT) as container:
            container.streams.video[0].thread_type = "AUTO"
            for picture in container.decode(video=0):
                at = round((picture.time or 0.0) * SECOND)
                while span is not None and at >= span.end - TICK:
                    yield _Change(span.end, stream)
                    span = next(spans, None)
                if span is not None and at >= span.start - TICK:
                    yield _Change(max(at, span.start), stream, picture)
        while span is not None:
            yield _Change(span.end, stream)
            span = next(spans, None)

    # -- drawing ------------------------------------------------------------------------------------------------------

    def _draw(self, at: int, changes: list[_Change]) -> None:
        whole = Place(0, 0, self._layout.width, self._layout.height)
        touched = set()
        for change in changes:
            if change.stream is not None:
                self._showing[change.stream] = change.picture
                touched.add(change.stream)
        if any(self._showing.values()):
            if not self._drawn or self._slate is not None:
                self._paint(whole, dark(whole.width, whole.height))
                touched = set(self._showing)
            self._slate = None
            for stream in sorted(touched, key=lambda one: self._showing[one] is not None):
                self._draw_screen(stream)
        else:
            gap = self._plan.gap_at(SCREEN, at) or Gap(at, at, "nothing was kept")
            if gap != self._slate:
                self._slate = gap
                self._paint(whole, slate(whole.width, whole.height, gap.words, seconds(gap.length)))
        self._drawn = True
        if self._height > self._layout.height:
            self._draw_line(at)

    def _draw_screen(self, stream: int) -> None:
        """A screen that shows nothing while another does has only the eye: what the account says is of both."""
        place = self._layout.places[stream]
        picture = self._showing[stream]
        if picture is None:
            sharing = [one for one, there in self._layout.places.items() if there == place and one != stream]
            if not any(self._showing.get(one) for one in sharing):
                self._paint(place, slate(place.width, place.height, "", ""))
            return
        fitted = picture.reformat(width=place.width, height=place.height, format="yuv420p")
        self._paint(place, fitted.to_ndarray().astype(np.uint8, copy=False))

    def _draw_line(self, at: int) -> None:
        gap = self._plan.gap_at(AUDIO, at)
        words = f"no sound, {gap.words}, {seconds(gap.length)}" if gap else ""
        if words != self._line:
            self._line = words
            place = Place(0, self._layout.height, self._layout.width, LINE)
            self._paint(place, line(place.width, place.height, words))

    def _paint(self, place: Place, picture: Planes) -> None:
        """A picture of the place's size."""
        width, height = self._layout.width, self._height
        flat, whole = picture.reshape(-1), width * height
        own = place.width * place.height
        self._canvas[:whole].reshape(height, width)[
            place.y : place.y + place.height, place.x : place.x + place.width
        ] = flat[:own].reshape(place.height, place.width)
        for number in (0, 1):
            target = self._canvas[whole + number * whole // 4 : whole + (number + 1) * whole // 4]
            source = flat[own + number * own // 4 : own + (number + 1) * own // 4]
            target.reshape(height // 2, width // 2)[
                place.y // 2 : (place.y + place.height) // 2, place.x // 2 : (place.x + place.width) // 2
            ] = source.reshape(place.height // 2, place.width // 2)
