"""libpulse by ctypes: the thirty functions and five structures that listening takes (docs/decisions/0013).

Both sound servers of Linux desktops, PulseAudio and PipeWire (pipewire-pulse), are spoken to through this one library.
Source: the headers of libpulse 17 (pulse/{context,def,introspect,mainloop,sample,stream,subscribe}.h). Only the first
fields of what the server describes are declared: the library owns those structures, and only ever adds at their end.
"""

from __future__ import annotations

import ctypes
from ctypes import CFUNCTYPE, POINTER, c_char_p, c_int, c_int64, c_long, c_size_t, c_uint8, c_uint32, c_uint64, c_void_p
from typing import Final

from agent.errors import EnvironmentFault

LIBRARY: Final = "libpulse.so.0"

# pa_context_state_t and pa_stream_state_t
CONTEXT_READY: Final = 4
CONTEXT_OVER: Final = frozenset({5, 6})  # failed, terminated
STREAM_READY: Final = 2
STREAM_OVER: Final = frozenset({3, 4})

NO_AUTOSPAWN: Final = 0x1  # pa_context_flags_t: the desktop starts sound servers, not a recorder

# pa_subscription_mask_t: sinks, sources, and the server itself (its defaults)
DEVICES: Final = 0x1 | 0x2 | 0x80
# pa_subscription_event_type_t
FACILITY: Final = 0xF
OF_SERVER: Final = 0x7  # also: another device is the default one

# pa_stream_flags_t
DONT_MOVE: Final = 0x200  # when the source goes the server ends the stream; otherwise it goes on with another source
ADJUST_LATENCY: Final = 0x2000  # fragments of the asked size instead of the hardware's
START_UNMUTED: Final = 0x10000

INVALID_INDEX: Final = 0xFFFFFFFF  # PA_INVALID_INDEX
AS_THE_SERVER_LIKES: Final = 0xFFFFFFFF  # of a buffer's attributes
S16LE: Final = 3  # pa_sample_format_t


class SampleSpec(ctypes.Structure):
    _fields_ = (("format", c_int), ("rate", c_uint32), ("channels", c_uint8))


class ChannelMap(ctypes.Structure):
    _fields_ = (("channels", c_uint8), ("map", c_int * 32))


class Volume(ctypes.Structure):
    _fields_ = (("channels", c_uint8), ("values", c_uint32 * 32))


class BufferAttributes(ctypes.Structure):
    _fields_ = tuple((name, c_uint32) for name in ("maxlength", "tlength", "prebuf", "minreq", "fragsize"))


class ServerInfo(ctypes.Structure):
    """The beginning of pa_server_info."""

    _fields_ = (
        ("user_name", c_char_p),
        ("host_name", c_char_p),
        ("server_version", c_char_p),
        ("server_name", c_char_p),
        ("sample_spec", SampleSpec),
        ("default_sink_name", c_char_p),
        ("default_source_name", c_char_p),
    )


class SourceInfo(ctypes.Structure):
    """The beginning of pa_source_info."""

    _fields_ = (
        ("name", c_char_p),
        ("index", c_uint32),
        ("description", c_char_p),
        ("sample_spec", SampleSpec),
        ("channel_map", ChannelMap),
        ("owner_module", c_uint32),
        ("volume", Volume),
        ("mute", c_int),
        ("monitor_of_sink", c_uint32),
        ("monitor_of_sink_name", c_char_p),
    )


class SourceOutputInfo(ctypes.Structure):
    """The beginning of pa_source_output_info: one who listens to a source."""

    _fields_ = (
        ("index", c_uint32),
        ("name", c_char_p),
        ("owner_module", c_uint32),
        ("client", c_uint32),
        ("source", c_uint32),
        ("sample_spec", SampleSpec),
        ("channel_map", ChannelMap),
        ("buffer_usec", c_uint64),
    )


class TimeValue(ctypes.Structure):
    _fields_ = (("seconds", c_long), ("microseconds", c_long))


class TimingInfo(ctypes.Structure):
    """The beginning of pa_timing_info. Times in microseconds, indices in bytes."""

    _fields_ = (
        ("timestamp", TimeValue),
        ("synchronized_clocks", c_int),
        ("sink_usec", c_uint64),
        ("source_usec", c_uint64),
        ("transport_usec", c_uint64),
        ("playing", c_int),
        ("write_index_corrupt", c_int),
        ("write_index", c_int64),
        ("read_index_corrupt", c_int),
        ("read_index", c_int64),
    )


# Callbacks get the connection or the stream, what they are about, and the pointer that was given with them.
StreamCallback: Final = CFUNCTYPE(None, c_void_p, c_void_p)
SuccessCallback: Final = CFUNCTYPE(None, c_void_p, c_int, c_void_p)
ReadCallback: Final = CFUNCTYPE(None, c_void_p, c_size_t, c_void_p)
SubscribeCallback: Final = CFUNCTYPE(None, c_void_p, c_int, c_uint32, c_void_p)
ServerCallback: Final = CFUNCTYPE(None, c_void_p, POINTER(ServerInfo), c_void_p)
SourceCallback: Final = CFUNCTYPE(None, c_void_p, POINTER(SourceInfo), c_int, c_void_p)
SourceOutputCallback: Final = CFUNCTYPE(None, c_void_p, POINTER(SourceOutputInfo), c_int, c_void_p)

_SIGNATURES: Final = {
    "pa_mainloop_new": (c_void_p, ()),
    "pa_mainloop_free": (None, (c_void_p,)),
    "pa_mainloop_get_api": (c_void_p, (c_void_p,)),
    "pa_mainloop_prepare": (c_int, (c_void_p, c_int)),  # microseconds to wait at most
    "pa_mainloop_poll": (c_int, (c_void_p,)),
    "pa_mainloop_dispatch": (c_int, (c_void_p,)),
    "pa_mainloop_wakeup": (None, (c_void_p,)),  # the one that other threads may call
    "pa_context_new": (c_void_p, (c_void_p, c_char_p)),
    "pa_context_connect": (c_int, (c_void_p, c_char_p, c_int, c_void_p)),
    "pa_context_disconnect": (None, (c_void_p,)),
    "pa_context_unref": (None, (c_void_p,)),
    "pa_context_get_state": (c_int, (c_void_p,)),
    "pa_context_set_subscribe_callback": (None, (c_void_p, SubscribeCallback, c_void_p)),
    "pa_context_subscribe": (c_void_p, (c_void_p, c_int, c_void_p, c_void_p)),
    "pa_context_get_server_info": (c_void_p, (c_void_p, ServerCallback, c_void_p)),
    "pa_context_get_source_info_list": (c_void_p, (c_void_p, SourceCallback, c_void_p)),
    "pa_context_get_source_output_info": (c_void_p, (c_void_p, c_uint32, SourceOutputCallback, c_void_p)),
    "pa_operation_unref": (None, (c_void_p,)),
    "pa_stream_new": (c_void_p, (c_void_p, c_char_p, POINTER(SampleSpec), c_void_p)),
    "pa_stream_connect_record": (c_int, (c_void_p, c_char_p, POINTER(BufferAttributes), c_int)),
    "pa_stream_disconnect": (c_int, (c_void_p,)),
    "pa_stream_unref": (None, (c_void_p,)),
    "pa_stream_get_state": (c_int, (c_void_p,)),
    "pa_stream_get_index": (c_uint32, (c_void_p,)),
    "pa_stream_get_device_index": (c_uint32, (c_void_p,)),
    "pa_stream_update_timing_info": (c_void_p, (c_void_p, SuccessCallback, c_void_p)),
    "pa_stream_get_timing_info": (POINTER(TimingInfo), (c_void_p,)),
    "pa_stream_peek": (c_int, (c_void_p, POINTER(c_void_p), POINTER(c_size_t))),
    "pa_stream_drop": (c_int, (c_void_p,)),
    "pa_stream_set_read_callback": (None, (c_void_p, ReadCallback, c_void_p)),
    "pa_stream_set_moved_callback": (None, (c_void_p, StreamCallback, c_void_p)),
}

# What takes a callback away again.
NO_STREAM_CALLBACK: Final = StreamCallback()
NO_READ_CALLBACK: Final = ReadCallback()
NO_SUBSCRIBE_CALLBACK: Final = SubscribeCallback()


def text(name: bytes | None) -> str:
    return (name or b"").decode(errors="replace")


def load() -> ctypes.CDLL:
    """The library with its signatures set. Raises EnvironmentFault where it is missing."""
    try:
        library = ctypes.CDLL(LIBRARY)
    except OSError:
        raise EnvironmentFault(
            f"{LIBRARY} is not on this PC, so its sound cannot be recorded: install libpulse0 (Debian, Ubuntu), "
            "pulseaudio-libs (Fedora) or libpulse (Arch), or set both ends to `none` in the configuration"
        ) from None
    for name, (result, arguments) in _SIGNATURES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library
