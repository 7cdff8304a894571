"""The websites of these tests answer whatever a browser says to them."""

from __future__ import annotations

import socket

from tests.end_to_end.walk import walking

HELLO = b"\x16\x03\x01 with no end of a line"


def test_a_hello_without_the_end_of_a_line_is_not_waited_for() -> None:
    with walking("shop.example", {}, start="/") as site, socket.create_connection(site.server_address) as browser:
        browser.settimeout(30)
        browser.sendall(HELLO)
        assert browser.recv(1) == b""
