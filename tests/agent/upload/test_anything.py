"""Nothing that a network, a proxy, a store or the PC's own disk answers may end the sending (real HTTP and files)."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.core import backoff
from testkit.fakes.store import Reply
from tests.agent.upload.conftest import Pc

PATHS = ("/v1/token", "/v1/recordings", "/v1/ledger", "/v1/bundle", "/v1/policies", "/v1/devices")

BODIES = {
    "nothing": b"",
    "null": b"null",
    "number": b"17",
    "list": b"[]",
    "not-utf-8": b'{"receipt": "\xff\xfe"}',
    "utf-16": '{"receipt": "x"}'.encode("utf-16"),
    "nested": b"[" * 100_000,
    "nested-objects": b'{"a":' * 50_000,
    "doubled": b'{"receipt": "a", "receipt": "b"}',
    "half-a-pair": b'{"receipt": "\\ud800"}',
    "a-long-number": b'{"next": ' + b"9" * 10_000 + b"}",
    "nan": b'{"next": NaN}',
    "page": b"<html>Please log in</html>" * 1000,
    "wrong-types": json.dumps(
        {key: {"a": [None]} for key in ("token", "expires_in", "receipt", "next", "head", "bundle", "bundle_revision")}
    ).encode(),
    "wrong-values": json.dumps({
        "token": "\r\nX: y", "expires_in": 10**18, "receipt": "..", "next": -1, "head": "", "bundle": "a.b.c",
        "successors": ["", "é.é.é"], "bundle_revision": 10**17,
    }).encode(),
    "odd-values": json.dumps({
        "token": "é", "expires_in": 0, "receipt": "é.é.é", "next": 10**18, "head": "\0", "bundle": "\ud83d\ude00.x.y",
        "successors": ["x"], "bundle_revision": 0,
    }).encode(),
    "a-refusal-with-wild-words": json.dumps({"error": "\x1b[2J", "message": "\x1b[2J" * 100}).encode(),
    "shut-out": json.dumps({"error": "device-revoked", "message": "x"}).encode(),
    "refused": json.dumps({"error": "some-code", "message": "x"}).encode(),
}  # fmt: skip

HEADERS: tuple[dict[str, str], ...] = (
    {"Retry-After": "soon"},
    {"Retry-After": ""},
    {"Retry-After": "-1"},
    {"Retry-After": "1.5"},
    {"Retry-After": "9" * 400},
    {"Retry-After": "9" * 5000},
    {"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"},
    {"Retry-After": "Fri, 31 Dec 99999 23:59:59 GMT"},
    {"Retry-After": "Mon, 01 Jan 0001 00:00:00 GMT"},
    {"Retry-After": "Mon, 01 Jan 0001 00:00:00 -0000"},
    {"Retry-After": "Mon, 01 Jan 2024 00:00:00 +9999999999999999"},
    {"Retry-After": "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"},
    {"Date": ""},
    {"Date": "yesterday"},
    {"Date": "Fri, 31 Dec 9999 23:59:59 GMT"},
    {"Date": "Mon, 01 Jan 0001 00:00:00 -0000"},
    {"Date": "Mon, 01 Jan 0001 00:00:00 +2300"},
    {"Date": "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"},
    {"Content-Type": "text/html; charset=nonsense"},
    {"Content-Encoding": "gzip"},
    {"Content-Encoding": "br, zstd, nonsense"},
    {"Set-Cookie": "a=b; Max-Age=nonsense; Domain=.."},
    {"Connection": "close"},
    {"Transfer-Encoding": "chunked", "Connection": "close"},
    {"Content-Length": "-5", "Connection": "close"},
    {"Content-Length": "many", "Connection": "close"},
    {"Content-Length": "1", "Connection": "close"},
    {"Content-Length": "99999999999999999999", "Connection": "close"},
    {"X": "\x00\x01"},
    {"Location": "http://[::1"},
    {"Location": "http://a:99999999999/"},
    {"Location": "javascript:alert(1)"},
    {"Location": "//" + "é" * 300},
    {"Location": "http://" + "a" * 300 + ".example/"},
    {"WWW-Authenticate": "Negotiate"},
    {"X-Long": "x" * 100_000},
)

STATUSES = (200, 204, 206, 300, 301, 302, 307, 400, 401, 403, 404, 409, 410, 413, 418, 429, 499, 500, 503, 599, 999)


def go_on(pc: Pc, turns: int = 6) -> None:
    """Whatever it meets; time enough for every pause in between. Raises what would have ended the sending."""
    for _ in range(turns):
        pause = pc.work()
        assert 0 < pause <= 2 * backoff.CAP
        pc.outlast_everything()


def check_all_arrives(pc: Pc, made: list[str]) -> None:
    """Once the store is itself again. What it refused for good, in its own words, lies aside and is not lost."""
    for path in PATHS:
        pc.store.forgive(path)
    go_on(pc, 4)
    aside = {path.name.rsplit("-", 1)[0] for path in (pc.identity.home / "spool" / "set_aside").iterdir()}
    for name in made:
        recording, rest = name.split("/")
        assert name in pc.spool.forgotten or f"{recording}-{rest}" in aside
    assert pc.waiting() == []
    assert pc.ledger.due(at_once=True) is None


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("status", STATUSES)
def test_any_status_with_any_body(pc: Pc, path: str, status: int) -> None:
    made = [sealed.name for sealed in pc.record(2)]
    pc.ledger.write("heads")
    pc.texts.offer({"p.yaml": b"revision: 1\n...\n"})
    pc.store.says(path, *(Reply(status, body) for body in BODIES.values()))
    go_on(pc, 12)
    check_all_arrives(pc, made)


@pytest.mark.parametrize("status", [200, 302, 401, 429, 503])
@pytest.mark.parametrize("path", PATHS)
def test_any_header(pc: Pc, path: str, status: int) -> None:
    made = [sealed.name for sealed in pc.record(2)]
    pc.ledger.write("heads")
    pc.texts.offer({"p.yaml": b"revision: 1\n...\n"})
    pc.store.says(path, *(Reply(status, b"{}", headers) for headers in HEADERS))
    go_on(pc, len(HEADERS) + 2)
    check_all_arrives(pc, made)


# -- this PC's own disk -------------------------------------------------------------------------------------------


def _gone(path: Path) -> None:
    shutil.rmtree(path)


def _a_file(path: Path) -> None:
    shutil.rmtree(path)
    path.write_bytes(b"x")


def _full_of_folders(path: Path) -> None:
    for file in [file for file in path.rglob("*") if file.is_file()]:
        file.unlink()
        file.mkdir()


@pytest.mark.parametrize("what_happens", [_gone, _a_file, _full_of_folders])
@pytest.mark.parametrize("folder", ["ledger", "outbox", "key-packets"])
def test_a_folder_of_its_own_that_is_not_what_it_was(pc: Pc, folder: str, what_happens: Callable[[Path], None]) -> None:
    made = [sealed.name for sealed in pc.record(2)]
    pc.texts.offer({"p.yaml": b"revision: 1\n...\n"})
    pc.ledger.write("heads")
    pc.clock.pass_by(60)
    what_happens(pc.identity.home / folder)
    go_on(pc)
    assert set(made) <= set(pc.spool.forgotten)
    assert ("alarm state-unreadable" in pc.heard) is (folder == "ledger")


@pytest.mark.parametrize("what_happens", [_gone, _full_of_folders])
def test_a_spool_that_somebody_laid_hands_on_sends_what_is_left(pc: Pc, what_happens: Callable[[Path], None]) -> None:
    pc.spool._alarm = lambda code: pc.heard.append(f"alarm {code}")
    first = pc.record(2)
    what_happens(pc.identity.home / "spool" / str(first[0].recording))
    later = pc.record(2)
    go_on(pc)
    assert {sealed.name for sealed in later} <= set(pc.spool.forgotten)
    assert pc.heard.count("alarm chunk-vanished") + pc.heard.count("alarm chunk-unreadable") == 3
    assert pc.waiting() == []


def test_what_is_refused_goes_aside_also_where_somebody_tidied_that_folder_away(pc: Pc) -> None:
    made = {sealed.name for sealed in (*pc.record(1), *pc.record(1))}
    shutil.rmtree(pc.identity.home / "spool" / "set_aside")
    pc.store.says("/v1/recordings", Reply(422, BODIES["refused"]), Reply(422, BODIES["refused"]))
    go_on(pc)
    assert pc.waiting() == []
    assert (pc.spool.aside(), len(set(pc.spool.forgotten))) == (2, len(made) - 2)
