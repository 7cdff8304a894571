"""Paths and headers that no browser sends, over raw sockets: they reach nothing, and their claims are not believed."""

from __future__ import annotations

import re
import socket
from urllib.parse import urlsplit

import pytest

from tests.review.web.conftest import Served

EVIL = "evil.example"
# What is asked of the console by who may list nothing -> its status. {anna}: a recording that they may not list.
PATHS = {
    "/recordings/{anna}": 404,
    "//recordings/{anna}": 404,
    "/./recordings/{anna}": 404,
    "/nothing/../recordings/{anna}": 404,
    "/nothing/%2e%2e/recordings/{anna}": 404,
    "/recordings%2F{anna}": 404,
    "/recordings/{anna}%2Faccess": 404,
    "/recordings/{anna}%00": 404,
    "/recordings/{anna};x=1": 404,
    "/recordings/{anna}/": 404,
    "/RECORDINGS/{anna}": 404,
    "/recordings/{anna}%23": 404,
    "/recordings/%c0%ae%c0%ae/{anna}": 404,
    "/audit/": 404,
    "/audit%2f..": 404,
    "/report/%2e%2e/audit": 404,
    "/report/..%5caudit": 404,
    "/static/x/%2e%2e/words.py": 404,
    "/static/%2e%2e/%2e%2e/words.py": 404,
    "/static/x/..%2f..%2fwords.py": 404,
    "/static/x//etc/passwd": 404,
    "/static/x/%2fetc%2fpasswd": 404,
    "http://evil.example/recordings/{anna}": 404,
    "http://evil.example/audit": 404,
    "find": 400,
    "*": 404,
}
# Headers by which some servers take a request for another one: the answer is the same to the byte.
HEADERS = {
    "another host": ("Host: evil.example",),
    "a host with a path": ("Host: evil.example/audit",),
    "forwarded": (f"X-Forwarded-Host: {EVIL}", "X-Forwarded-Proto: https", f"Forwarded: host={EVIL};proto=https"),
    "forwarded for": ("X-Forwarded-For: 203.0.113.9", "X-Real-IP: 203.0.113.9", "Forwarded: for=203.0.113.9"),
    "another path": ("X-Original-URL: /audit", "X-Rewrite-URL: /audit", "X-Forwarded-Prefix: /audit"),
    "another method": ("X-HTTP-Method-Override: POST", "X-HTTP-Method: DELETE", "X-Method-Override: PUT"),
    "another person": ("Remote-User: cleo@example.com", "X-Forwarded-User: cleo@example.com"),
    "an upgrade": ("Connection: Upgrade", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"),
}
# What is no request: refused before it is looked at.
BROKEN = {
    "two lengths": ("Content-Length: 0", "Content-Length: 5"),
    "a length and chunks": ("Content-Length: 5", "Transfer-Encoding: chunked"),
    "a space before the colon": ("Transfer-Encoding : chunked",),
    "a line that goes on": ("X-One: a\r\n b",),
    "a line feed alone": ("X-One: a\nX-Two: b\x00",),
    "a name that is none": ("X One: a",),
}


def ask(address: str, path: str, *lines: str, method: str = "GET") -> tuple[int, bytes]:
    """Status, and head and body as they came, but for the date."""
    parts = urlsplit(address)
    host = () if any(one.startswith("Host:") for one in lines) else (f"Host: {parts.netloc}",)
    head = "\r\n".join([f"{method} {path} HTTP/1.1", *host, *lines, "Connection: close", "", ""])
    with socket.create_connection((parts.hostname, parts.port), 60) as connection:
        connection.settimeout(60)
        connection.sendall(head.encode("latin-1"))
        connection.shutdown(socket.SHUT_WR)
        came = b"".join(iter(lambda: connection.recv(2**16), b""))
    return int(came.split(b" ", 2)[1]), re.sub(rb"(?im)^date: .*\r\n", b"", came)


def cookie(served: Served, who: str) -> str:
    return f"Cookie: {served.cookie(who)['Cookie']}"


@pytest.mark.parametrize("path", PATHS)
def test_no_spelling_of_a_path_reaches_what_is_refused(served: Served, path: str) -> None:
    anna = served.room.recordings["anna"][-1]
    status, came = ask(served.address, path.format(anna=anna), cookie(served, "kim"))
    assert status == PATHS[path]
    assert b"Traceback" not in came
    assert b"desk-0" not in came  # her computer


@pytest.mark.parametrize("name", HEADERS)
def test_no_header_makes_it_another_request(served: Served, name: str) -> None:
    mine = cookie(served, "kim")
    for path, who in (("/find", mine), ("/audit", mine), ("/sign-in", ""), ("/mine", "")):
        more = (who,) if who else ()
        plain, tricked = ask(served.address, path, *more), ask(served.address, path, *more, *HEADERS[name])
        assert tricked == plain
        assert EVIL.encode() not in tricked[1]


def test_no_header_says_where_it_comes_from(served: Served) -> None:
    """In the log stands who is connected."""
    before = served.entries()
    anna = served.room.recordings["anna"][-1]
    assert ask(served.address, f"/recordings/{anna}", cookie(served, "cleo"), *HEADERS["forwarded for"])[0] == 200
    (noted,) = served.noted(before)
    assert noted["kind"] == "list"
    assert "203.0.113.9" not in str(noted)


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_request_is_refused(served: Served, name: str) -> None:
    status, came = ask(served.address, "/find", cookie(served, "kim"), *BROKEN[name])
    assert status == 400
    assert b"kim@example.com" not in came


@pytest.mark.parametrize("host", ["evil.example", "localhost", "127.0.0.1:1"])
@pytest.mark.parametrize("path", ["/console.json", "/", "/page.whole.js"])
def test_the_players_files_do_not_depend_on_the_host(served: Served, path: str, host: str) -> None:
    plain = ask(served.room.player, path)
    assert plain[0] == 200
    assert ask(served.room.player, path, f"Host: {host}", f"X-Forwarded-Host: {EVIL}") == plain


@pytest.mark.parametrize(
    "path",
    [
        "//console.json", "/console.json/", "/x/../console.json", "/%2e%2e/origin.py", "/..%2forigin.py",
        "/page%2f..%2fconsole.json", "/index.html%00", "/%2fetc%2fpasswd", "http://evil.example/x",
    ],
)  # fmt: skip
def test_the_player_has_no_file_by_another_spelling(served: Served, path: str) -> None:
    assert ask(served.room.player, path)[0] == 404
