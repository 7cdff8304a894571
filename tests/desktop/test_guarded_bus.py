"""The filter between a message bus and the D-Bus library: bytes in, and only what is believed out."""

from __future__ import annotations

import contextlib
import os
import random
import socket
from array import array
from collections.abc import Iterator
from itertools import pairwise

import pytest
from dbus_fast._private.unmarshaller import Unmarshaller

from agent.desktop.seat.guarded_bus import FIXED, LONGEST, Filter, length_of, sender_of
from testkit.buses import frame

LOGIND = ":1.7"
HEAD = [(1, "o", "/x"), (2, "s", "a.b"), (3, "s", "Said")]


def of(sender: str, body: bytes = b"") -> bytes:
    return frame([*HEAD, (7, "s", sender), *([(8, "g", "ay")] if body else [])], body)


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, Filter]]:
    bus, ours = socket.socketpair()
    ours.setblocking(False)
    made = Filter(ours, lambda sender: sender == LOGIND)
    with bus, contextlib.closing(made):
        yield bus, made


def test_only_what_is_believed_comes_through(ends: tuple[socket.socket, Filter]) -> None:
    bus, ours = ends
    first, second = of(LOGIND), of(LOGIND, b"\1\0\0\0z")
    bus.sendall(of(":1.8") + first + of("") + frame(HEAD) + second + of(":1.8"))
    assert ours.recv(1) == first
    assert ours.recv(8192) == second
    with pytest.raises(BlockingIOError):
        ours.recv(8192)


def test_what_comes_in_pieces_is_put_together(ends: tuple[socket.socket, Filter]) -> None:
    bus, ours = ends
    said = of(LOGIND, b"\1\0\0\0z")
    for at in range(len(said) - 1):
        bus.sendall(said[at : at + 1])
        with pytest.raises(BlockingIOError):
            ours.recv(8192)
    bus.sendall(said[-1:])
    assert ours.recv(8192) == said


def test_what_is_too_long_is_never_held(ends: tuple[socket.socket, Filter]) -> None:
    bus, ours = ends
    bus.setblocking(False)
    long, said = of(LOGIND, b"z" * (4 * LONGEST)), of(LOGIND)
    waiting = memoryview(long + said)
    got = b""
    while not got:
        with contextlib.suppress(BlockingIOError):
            waiting = waiting[bus.send(waiting) :] if waiting else waiting
        with contextlib.suppress(BlockingIOError):
            got = ours.recv(8192)
        assert len(ours._message) <= FIXED + LONGEST
    assert got == said


def test_a_bus_that_has_gone_is_noticed(ends: tuple[socket.socket, Filter]) -> None:
    bus, ours = ends
    bus.sendall(of(LOGIND) + of(LOGIND)[:20])
    bus.close()
    assert ours.recv(8192)
    assert ours.recv(8192) == b""


def test_what_is_no_message_ends_the_connection(ends: tuple[socket.socket, Filter]) -> None:
    bus, ours = ends
    bus.sendall(b"z" * FIXED)
    with pytest.raises(ConnectionError):
        ours.recv(8192)


def test_descriptors_stay_with_their_message_and_a_strangers_are_closed(ends: tuple[socket.socket, Filter]) -> None:
    bus, ours = ends
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    read, written = os.pipe()
    for said in (of(":1.8"), of(LOGIND)):
        bus.sendmsg([said], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", [written]))])
    os.close(written)
    message, [(_, _, given)] = ours.recvmsg(FIXED, 1024)
    assert message == of(LOGIND)
    os.close(array("i", given)[0])
    assert os.read(read, 1) == b""  # no other writing end is open
    os.close(read)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


@pytest.mark.parametrize(
    "fields",
    [
        [*HEAD, (7, "s", LOGIND), (10, "s", "more")],
        [*HEAD, (0, "s", "none"), (7, "s", LOGIND)],
        [*HEAD, (7, "o", LOGIND)],
        [*HEAD, (7, "g", LOGIND)],
        [*HEAD, (5, "s", "1"), (7, "s", LOGIND)],
        [*HEAD, (7, "s", ":1.8"), (7, "s", LOGIND)],
        [*HEAD, (9, "y", 0), (7, "s", LOGIND)],
    ],
)
def test_a_header_that_the_specification_does_not_give_has_no_sender(fields: list[tuple[int, str, str | int]]) -> None:
    assert sender_of(frame(fields)) == ""


def test_both_byte_orders_are_read() -> None:
    for order in ("<", ">"):
        assert sender_of(frame([(5, "u", 3), *HEAD, (8, "g", "s"), (7, "s", LOGIND)], order=order)) == LOGIND


def test_whatever_comes_is_read_as_the_library_reads_it_or_has_no_sender() -> None:
    """Random bytes in messages of all kinds. What is given a sender is read by dbus-fast with the same one, or not."""
    chance = random.Random(7)
    agreed = 0
    for _ in range(20_000):
        order = chance.choice("<>")
        fields = [*HEAD, (5, "u", 9), (6, "s", ":1.9"), (7, "s", LOGIND), (9, "u", 0)]
        chance.shuffle(fields)
        said = bytearray(frame(fields[: chance.randrange(8)], order=order))
        for _ in range(chance.choice((0, 1, 1, 2, 8))):
            said[chance.randrange(1, len(said))] = chance.choice((0, 1, 4, 7, 8, ord("s"), chance.randrange(256)))
        _, long = length_of(said)
        if long > 4096:
            continue
        said = said[:long] + bytes(max(0, long - len(said)))
        sender = sender_of(said)
        if sender and (read := read_by_the_library(bytes(said))) is not None:
            assert sender == read[0]
            agreed += 1
    assert agreed > 1000


def read_by_the_library(said: bytes) -> tuple[str | None] | None:
    """None where it takes it for no message."""
    bus, ours = socket.socketpair()
    ours.setblocking(False)
    with bus, ours:
        bus.sendall(said)
        try:
            message = Unmarshaller(None, ours, False).unmarshall()
        except Exception:  # noqa: BLE001 - whatever it raises: such a message is none
            return None
        return None if message is None else (message.sender,)


def test_the_filter_takes_any_bytes_in_any_pieces() -> None:
    chance = random.Random(8)
    for _ in range(300):
        said = b"".join(of(chance.choice((LOGIND, ":1.8")), chance.randbytes(chance.randrange(40))) for _ in range(4))
        broken = bytearray(said)
        for _ in range(chance.randrange(3)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        bus, ours = socket.socketpair()
        ours.setblocking(False)
        with bus, contextlib.closing(Filter(ours, lambda sender: sender == LOGIND)) as made:
            cuts = sorted({0, len(broken), *(chance.randrange(len(broken)) for _ in range(3))})
            with contextlib.suppress(ConnectionError):
                for start, end in pairwise(cuts):
                    bus.sendall(broken[start:end])
                    with contextlib.suppress(BlockingIOError):
                        while got := made.recv(1):
                            assert sender_of(got) == LOGIND
