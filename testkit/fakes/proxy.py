"""A small proxy on loopback: it opens tunnels (CONNECT, RFC 9110 section 9.3.6) and remembers what was asked of it."""

from __future__ import annotations

import contextlib
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FakeProxy:
    """Use as a context manager. `leads_to`: (host, port) where every tunnel ends instead of where it was asked to."""

    def __init__(self, *, leads_to: tuple[str, int] | None = None, refuses: int = 0) -> None:
        """`refuses`: the status that every CONNECT gets instead of a tunnel."""
        self.leads_to = leads_to
        self.refuses = refuses
        self.asked: list[str] = []  # "host:port" of every CONNECT
        self.credentials: list[str] = []
        self._server = _Server(self)
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> FakeProxy:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, proxy: FakeProxy) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.proxy = proxy


class _Connection(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_CONNECT(self) -> None:
        proxy = self.server.proxy
        proxy.asked.append(self.path)
        proxy.credentials.append(self.headers.get("Proxy-Authorization", ""))
        self.close_connection = True
        if proxy.refuses:
            self.send_error(proxy.refuses)
            return
        host, _, port = self.path.rpartition(":")
        with socket.create_connection(proxy.leads_to or (host, int(port)), timeout=30) as other:
            self.send_response(200)
            self.end_headers()
            back = threading.Thread(target=_relay, args=(other, self.connection))
            back.start()
            _relay(self.connection, other)
            back.join()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Quiet."""


def _relay(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):  # one side hung up
        while part := source.recv(65536):
            sink.sendall(part)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
