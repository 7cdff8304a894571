"""The websites of these tests answer whichever way a browser comes to them."""

from __future__ import annotations

import socket
import ssl

from tests.end_to_end.walk import walking

ASKED = b"GET /cart HTTP/1.1\r\nHost: shop.example\r\n\r\n"


def answer(connection: socket.socket) -> bytes:
    connection.settimeout(30)
    connection.sendall(ASKED)
    with connection.makefile("rb") as told:
        return told.read()


def test_a_page_comes_with_tls_and_without() -> None:
    as_a_browser = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    as_a_browser.check_hostname = False
    as_a_browser.verify_mode = ssl.CERT_NONE
    with walking("shop.example", {"/cart": "<h1>Your cart</h1>"}, start="/cart") as site:
        with socket.create_connection(site.server_address) as plain:
            assert b"<h1>Your cart</h1>" in answer(plain)
        with (
            socket.create_connection(site.server_address) as plain,
            as_a_browser.wrap_socket(plain, server_hostname="shop.example") as secured,
        ):
            assert b"<h1>Your cart</h1>" in answer(secured)
        assert site.asked["/cart"] == 2


def test_who_says_nothing_is_not_waited_for() -> None:
    with walking("shop.example", {}, start="/") as site, socket.create_connection(site.server_address) as silent:
        silent.settimeout(30)
        assert silent.recv(1) == b""
