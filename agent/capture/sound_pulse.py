"""Listening to PulseAudio or to PipeWire's pulse server, by libpulse.

A record stream here is pinned: the server is asked to end it when its source goes, never to move it, and to say so in
the stream of messages that the samples come in. That is what keeps one microphone from being recorded under another's
name (docs/decisions/0013). Nothing blocks: a server that hangs says nothing, and one that dies ends the connection.

Everything of libpulse happens in one thread. Its callbacks only note and copy; the loop between them decides.
"""

from __future__ import annotations

import ctypes
import logging
import threading
from ctypes import byref, c_size_t, c_void_p
from typing import Any, Final

from agent.capture import sound_libpulse as pulse
from agent.capture.sound_choice import Server, Source, choose
from agent.capture.sound_defaults import Defaults
from agent.capture.sound_feed import RATE, SAMPLE, Began, Devices, End, Heard, Lost, Tell, Timed
from agent.core.model.times import MILLISECOND, SECOND
from agent.ports import Clock

log = logging.getLogger(__name__)

FRAGMENT: Final = RATE // 10 * SAMPLE  # bytes that come at once: ten wake-ups a second
SERVER_KEEPS: Final = RATE * 10 * SAMPLE  # bytes that wait in the server while this PC is too busy to take them
RETRY: Final = SECOND  # between tries to reach a server or to open a source
SERVER_WITHIN: Final = 5 * SECOND  # for a server to answer, or for a stream to start
NEVER: Final = 1 << 62

PIPEWIRE: Final = "PipeWire"  # is in what its server calls itself: "PulseAudio (on PipeWire 1.4.2)"
# PipeWire's longest cycle, unless another is set: 2048 samples, which are 46 ms at 44.1 kHz. Its answers are
# those of the last one: 14 ms old on a busy PC where they should have been new (measured, 26 Nov 2026).
CYCLE: Final = 50 * MILLISECOND


class _Stream:
    """One source being listened to."""

    def __init__(self, end: End, source: Source, handle: int, opened_at: int) -> None:
        self.end = end
        self.source = source
        self.handle = handle
        self.opened_at = opened_at
        self.confirmed = False  # the server says that it is this source
        self.moved = False
        self.missing = 0  # samples lost before the next
        self.counted = 0  # samples that have come
        self.asked_at: int | None = None  # when the server was asked what time it is in the stream; None: not now
        self.before = 0  # samples that had come when the stream was confirmed
        self.held_back = 0  # ns of a monitor's newest samples that the server keeps for now
        self.on_timed: Any = None
        self.callbacks: tuple[Any, ...] = ()  # kept alive as long as the library may call them


class PulseFeed:
    """Implements `agent.capture.sound_feed.Feed`."""

    pausing: Final = frozenset[End]()

    def __init__(self, clock: Clock, devices: Devices, tell: Tell, server: str | None = None) -> None:
        """`server` as in $PULSE_SERVER, None for the session's own. Raises EnvironmentFault without libpulse."""
        self._pulse = pulse.load()
        self._clock = clock
        self._devices = devices
        self._tell = tell
        self._address = server.encode() if server else None
        self._wanted = self._closing = self._nudged = False
        self._loop = self._pulse.pa_mainloop_new()
        self._connection: int | None = None
        self._connected_at = 0
        self._ready = self._stale = self._asking = False
        self._retry_at = 0
        self._default_source = self._default_sink = ""
        self._defaults = Defaults(self._pulse, self._loop, self._address)
        self._deaf = False  # this connection is told the old defaults (sound_defaults): those of others count
        self._in_cycles = True  # what the server says of time is as of its last cycle; until it is known which it is
        self._answers = 0  # that the question in flight still waits for
        self._sources: list[Source] = []
        self._found: Server | None = None  # an answer that nothing was chosen from yet
        self._streams: dict[End, _Stream] = {}
        self._on_event = pulse.SubscribeCallback(self._heard_of_change)
        self._on_server = pulse.ServerCallback(self._take_server)
        self._on_source = pulse.SourceCallback(self._take_source)
        self._on_listener = pulse.SourceOutputCallback(self._take_listener)
        self._looping = threading.Lock()  # so that no thread wakes a loop that is freed
        self._thread = threading.Thread(target=self._run, name="sound", daemon=True)
        self._thread.start()

    def listen(self, *, on: bool) -> None:
        self._wanted = on
        self._wake()

    def close(self) -> None:
        self._closing = True
        self._wake()
        self._thread.join()

    def _wake(self) -> None:
        self._nudged = True
        with self._looping:
            if self._loop is not None:
                self._pulse.pa_mainloop_wakeup(self._loop)

    # -- the loop -----------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._closing:
            self._nudged = False
            wait = min(max(self._arrange(self._clock.now()) - self._clock.now(), 0), 60 * SECOND)
            self._pulse.pa_mainloop_prepare(self._loop, wait // 1000 + 1)
            if self._nudged:  # preparing forgets a call that came before it
                self._pulse.pa_mainloop_wakeup(self._loop)
            self._pulse.pa_mainloop_poll(self._loop)
            self._pulse.pa_mainloop_dispatch(self._loop)
        self._disconnect("")
        with self._looping:
            self._pulse.pa_mainloop_free(self._loop)
            self._loop = None

    def _arrange(self, now: int) -> int:
        """Bring connection and streams to what is wanted; when to come back at the latest."""
        if not self._wanted:
            if self._connection is not None:
                self._disconnect("")
            return NEVER
        if self._connection is None:
            if now < self._retry_at:
                return self._retry_at
            self._connect(now)
        state = self._pulse.pa_context_get_state(self._connection)
        late = not self._ready and now - self._connected_at > SERVER_WITHIN
        if state in pulse.CONTEXT_OVER or late:
            self._disconnect("server-lost")
            self._retry_at = now + RETRY
            return self._retry_at
        if state != pulse.CONTEXT_READY:
            return self._connected_at + SERVER_WITHIN + 1
        if not self._ready:
            self._ready = self._stale = True
            self._release(self._pulse.pa_context_subscribe(self._connection, pulse.DEVICES, None, None))
        again = self._look_after_streams(now)
        if self._in_cycles and self._sources:
            again = min(again, self._check_defaults(now))
        if self._found is not None:
            self._choose(self._found)
            self._found = None
        if self._stale and not self._asking and now >= self._retry_at:
            self._ask()
        return min(again, self._retry_at if self._stale and not self._asking else NEVER)

    def _connect(self, now: int) -> None:
        api = self._pulse.pa_mainloop_get_api(self._loop)
        self._connection = self._pulse.pa_context_new(api, b"Eyelid")
        self._connected_at = now
        self._pulse.pa_context_set_subscribe_callback(self._connection, self._on_event, None)
        # A failure shows in the connection's state, at once or later.
        self._pulse.pa_context_connect(self._connection, self._address, pulse.NO_AUTOSPAWN, None)

    def _disconnect(self, why: str) -> None:
        for end in list(self._streams):
            self._close_stream(end, why)
        if self._connection is not None:
            self._pulse.pa_context_set_subscribe_callback(self._connection, pulse.NO_SUBSCRIBE_CALLBACK, None)
            self._pulse.pa_context_disconnect(self._connection)  # ends questions in flight without an answer
            self._pulse.pa_context_unref(self._connection)
        self._defaults.close()
        self._connection = self._found = None
        self._ready = self._stale = self._asking = self._deaf = False
        self._sources = []

    # -- what devices there are ---------------------------------------------------------------------------------------

    def _ask(self) -> None:
        self._stale, self._asking, self._answers, self._sources = False, True, 2, []
        self._release(self._pulse.pa_context_get_server_info(self._connection, self._on_server, None))
        self._release(self._pulse.pa_context_get_source_info_list(self._connection, self._on_source, None))

    def _check_defaults(self, now: int) -> int:
        """Take what a new connection is told, where this one is told otherwise; when to come back."""
        again = self._defaults.look(now)
        defaults = self._defaults.take()
        settled = not self._stale and not self._asking
        if defaults is not None and settled and defaults != (self._default_source, self._default_sink):
            self._deaf = True
            self._default_source, self._default_sink = defaults
            self._found = Server(*defaults, tuple(self._sources))
        return again

    def _heard_of_change(self, _connection: int, event: int, _index: int, _: int) -> None:
        self._stale = True
        if event & pulse.FACILITY == pulse.OF_SERVER:
            self._deaf = False

    def _take_server(self, _connection: int, answer: Any, _: int) -> None:
        if answer:
            if not self._deaf:
                self._default_source = pulse.text(answer.contents.default_source_name)
                self._default_sink = pulse.text(answer.contents.default_sink_name)
            self._in_cycles = PIPEWIRE in pulse.text(answer.contents.server_name)
        self._answered()

    def _take_source(self, _connection: int, answer: Any, end_of_list: int, _: int) -> None:
        if end_of_list:
            self._answered()
            return
        info = answer.contents
        sink = pulse.text(info.monitor_of_sink_name) if info.monitor_of_sink != pulse.INVALID_INDEX else ""
        self._sources.append(Source(info.index, pulse.text(info.name), pulse.text(info.description), sink))

    def _answered(self) -> None:
        self._answers -= 1
        if self._answers == 0:
            self._asking = False
            self._found = Server(self._default_source, self._default_sink, tuple(self._sources))

    def _choose(self, server: Server) -> None:
        for end in End:
            source = choose(end, self._devices, server)
            stream = self._streams.get(end)
            if stream is not None and (source is None or source.index != stream.source.index):
                still_there = any(one.index == stream.source.index for one in server.sources)
                self._close_stream(end, "device-changed" if still_there else "device-lost")
                stream = None
            if stream is None and source is not None:
                self._open_stream(end, source)

    # -- streams ------------------------------------------------------------------------------------------------------

    def _open_stream(self, end: End, source: Source) -> None:
        spec = pulse.SampleSpec(pulse.S16LE, RATE, 1)
        handle = self._pulse.pa_stream_new(self._connection, end.word.encode(), byref(spec), None)
        stream = _Stream(end, source, handle, self._clock.now())

        def heard(_handle: int, _bytes: int, _: int) -> None:
            self._take(stream)

        def moved(_handle: int, _: int) -> None:
            stream.moved = True

        def timed(_handle: int, _success: int, _: int) -> None:
            self._learn_time(stream)

        stream.on_timed = pulse.SuccessCallback(timed)
        on_heard, on_moved = pulse.ReadCallback(heard), pulse.StreamCallback(moved)
        stream.callbacks = (on_heard, on_moved)
        self._pulse.pa_stream_set_read_callback(handle, on_heard, None)
        self._pulse.pa_stream_set_moved_callback(handle, on_moved, None)
        likes = pulse.AS_THE_SERVER_LIKES
        buffer = pulse.BufferAttributes(SERVER_KEEPS, likes, likes, likes, FRAGMENT)
        flags = pulse.DONT_MOVE | pulse.ADJUST_LATENCY | pulse.START_UNMUTED
        self._streams[end] = stream
        # A refusal shows in the stream's state.
        self._pulse.pa_stream_connect_record(handle, source.name.encode(), byref(buffer), flags)

    def _close_stream(self, end: End, why: str, *, doubtful: bool = False) -> None:
        stream = self._streams.pop(end)
        handle = stream.handle
        self._pulse.pa_stream_set_read_callback(handle, pulse.NO_READ_CALLBACK, None)
        self._pulse.pa_stream_set_moved_callback(handle, pulse.NO_STREAM_CALLBACK, None)
        self._pulse.pa_stream_disconnect(handle)
        self._pulse.pa_stream_unref(handle)
        if stream.confirmed:
            self._tell(Lost(end, why, doubtful))

    def _look_after_streams(self, now: int) -> int:
        """Confirm what has started, drop what has ended or moved; when to come back for one that is starting."""
        again = NEVER
        for end, stream in list(self._streams.items()):
            state = self._pulse.pa_stream_get_state(stream.handle)
            if stream.moved or (state == pulse.STREAM_READY and not self._is_its_source(stream)):
                log.warning("the sound server moved the %s to another device: it is opened again", end.word)
                self._close_stream(end, "device-changed", doubtful=True)
                self._stale = True
            elif state in pulse.STREAM_OVER or (not stream.confirmed and now - stream.opened_at > SERVER_WITHIN):
                self._close_stream(end, "device-lost")
                self._stale = True
                if not stream.confirmed:
                    self._retry_at = now + RETRY
            elif state == pulse.STREAM_READY and not stream.confirmed:
                stream.confirmed, stream.before = True, stream.counted
                self._tell(Began(end, stream.source.name))
            elif not stream.confirmed:
                again = min(again, stream.opened_at + SERVER_WITHIN + 1)
        return again

    def _is_its_source(self, stream: _Stream) -> bool:
        return bool(self._pulse.pa_stream_get_device_index(stream.handle) == stream.source.index)

    def _take(self, stream: _Stream) -> None:
        """Everything that has come; dropped while it is not confirmed whose it is."""
        arrived = self._clock.now()
        samples, length = c_void_p(), c_size_t()
        while self._pulse.pa_stream_peek(stream.handle, byref(samples), byref(length)) == 0 and length.value:
            count = length.value // SAMPLE
            heard = ctypes.string_at(samples.value, length.value) if samples.value else b""
            self._pulse.pa_stream_drop(stream.handle)
            stream.counted += count
            if not stream.confirmed or stream.moved:
                continue
            if not heard or not self._tell(Heard(stream.end, arrived, heard, stream.missing)):
                stream.missing += count
            else:
                stream.missing = 0
        if stream.asked_at is None:
            stream.asked_at = self._clock.now()
            if stream.source.monitor_of:  # first, so that its answer is there with the other
                number = self._pulse.pa_stream_get_index(stream.handle)
                ask = self._pulse.pa_context_get_source_output_info
                self._release(ask(self._connection, number, self._on_listener, None))
            self._release(self._pulse.pa_stream_update_timing_info(stream.handle, stream.on_timed, None))

    def _learn_time(self, stream: _Stream) -> None:
        """The server's answer: what it wrote last is so old, and so much of that is still to come here.

        True at some moment between question and answer, mostly within 0.3 ms (measured); with PipeWire at its last
        cycle, and nothing in the answer tells when that was. The library's own
        interpolation is not used: it was off by up to 680 ms in the first second and by 60 ms after four. What the
        server has written is counted from what has come, not from its own beginning: a server that skips some of it
        for a slow listener says so only there.
        """
        asked, now = stream.asked_at, self._clock.now()
        stream.asked_at = None
        answer = self._pulse.pa_stream_get_timing_info(stream.handle)
        if asked is None or not answer or not stream.confirmed:
            return
        info = answer.contents
        if info.write_index_corrupt or info.read_index_corrupt:
            return
        count = stream.counted - stream.before + (info.write_index - info.read_index) // SAMPLE
        # What a monitor gives is yet to be played: heard later than it was written. But PulseAudio keeps the newest of
        # it back, as much as a player may still take back, and does not count that here: 70 ms where a sink is given
        # 80 ms at a time (measured).
        later = 1000 * (info.sink_usec - info.source_usec) - stream.held_back
        stale = CYCLE if self._in_cycles else 0
        self._tell(Timed(stream.end, count, asked + later, now + later, 1000 * info.sink_usec, stale))

    def _take_listener(self, _connection: int, info: Any, end: int, _: int) -> None:
        if end != 0 or not info:
            return
        for stream in self._streams.values():
            if self._pulse.pa_stream_get_index(stream.handle) == info.contents.index:
                stream.held_back = 1000 * info.contents.buffer_usec

    def _release(self, question: int | None) -> None:
        """Not needed: the answer comes all the same."""
        if question:
            self._pulse.pa_operation_unref(question)
