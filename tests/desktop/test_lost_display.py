"""An X server that goes while a connection to it is made, or refuses it: no socket of python-xlib's stays open."""

from __future__ import annotations

import gc
import socket
import threading
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from agent.capture import damage
from agent.desktop.x11 import wire
from agent.errors import EnvironmentFault

REFUSED = b"\0\x04\x0b\0\0\0\x01\0none"  # the server's answer to a connection: no, and why


@pytest.fixture(params=["wire", "damage"])
def connect(request: pytest.FixtureRequest) -> Callable[[str], Any]:
    return wire.Wire if request.param == "wire" else lambda name: damage.Damage(lambda: 0, name)


def left_open(connect: Callable[[str], Any], name: str) -> list[str]:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        with pytest.raises(EnvironmentFault):
            connect(name)
        gc.collect()
    return [str(one.message) for one in seen]


def test_one_that_went_after_it_was_looked_for(connect: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Its socket's path, and then TCP, are tried in vain."""
    for module in (wire, damage):
        monkeypatch.setattr(module, "somebody_listens", lambda _: True)
    assert left_open(connect, ":59001") == []


def test_one_that_refuses(connect: Callable[[str], Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def refuse() -> None:
            asking, _ = listening.accept()
            with asking:
                asking.recv(65536)
                asking.sendall(REFUSED)
                while asking.recv(65536):
                    pass

        thread = threading.Thread(target=refuse)
        thread.start()
        assert left_open(connect, f"127.0.0.1:{listening.getsockname()[1] - 6000}") == []
        thread.join()
