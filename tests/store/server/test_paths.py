"""The path of a chunk, however it is spelt: the same answer, or a refusal that repeats nothing of it."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from protocol import api
from protocol.bundle import Bundle
from protocol.envelope import KEY_PACKET_STREAM
from testkit.fakes.pc import Pc

NOBODYS = "00000000-0000-7000-8000-000000000000"

# What a path says instead of the one spelling that agents use.
SPELLINGS: dict[str, Callable[[str], str]] = {
    "in capitals": lambda path: path.replace(path.split("/")[3], path.split("/")[3].upper()),
    "with zeros before the stream": lambda path: path.replace("/0/", "/000/"),
    "with zeros before the sequence": lambda path: f"{path.rpartition('/')[0]}/0{path.rpartition('/')[2]}",
}


def put(pc: Pc, path: str, body: bytes, **headers: str) -> httpx.Response:
    sent = {"Authorization": f"Bearer {pc.token}", api.CONTENT_DIGEST_HEADER: api.content_digest(body), **headers}
    return pc.client.put(path, content=body, headers=sent)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_another_spelling_has_the_same_answer(spelling: str, pc: Pc, bundle: Bundle) -> None:
    recording = pc.open_recording(bundle)
    sealed = recording.seal()
    path = api.recording_path(recording.id, 0, 0)
    first = put(pc, path, sealed)
    again = put(pc, SPELLINGS[spelling](path), sealed)
    assert (first.status_code, again.status_code, again.json()) == (200, 200, first.json())


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("PUT", "/v1/recordings/no-uuid/0/0", 400, "bad-path"),
        ("PUT", api.RECORDING.format(recording=NOBODYS, stream=65536, sequence=0), 400, "bad-path"),
        ("PUT", api.RECORDING.format(recording=NOBODYS, stream=0, sequence=2**63), 400, "bad-path"),
        ("PUT", api.RECORDING.format(recording=NOBODYS, stream=-1, sequence=0), 400, "bad-path"),
        ("PUT", api.RECORDING.format(recording=NOBODYS, stream="\u0664", sequence=0), 400, "bad-path"),
        ("PUT", api.RECORDING.format(recording=NOBODYS, stream=0, sequence="9" * 5000), 400, "bad-path"),
        ("PUT", api.RECORDING.format(recording=NOBODYS, stream=0, sequence="0/0"), 404, "no-such-path"),
        ("GET", api.RECORDING.format(recording=NOBODYS, stream=0, sequence=0), 405, "no-such-method"),
    ],
)  # fmt: skip
def test_what_is_no_chunks_path_is_refused(pc: Pc, method: str, path: str, status: int, code: str) -> None:
    answer = pc.client.request(method, path, content=b"x" if method == "PUT" else None, headers={
        "Authorization": f"Bearer {pc.token}", api.CONTENT_DIGEST_HEADER: api.content_digest(b"x"),
    })  # fmt: skip
    assert (answer.status_code, answer.json()["error"]) == (status, code)


def test_a_refusal_is_dated_and_in_the_stores_words(pc: Pc, bundle: Bundle) -> None:
    recording = pc.open_recording(bundle)
    answer = put(pc, api.recording_path(recording.id, 0, 0), recording.seal(), Authorization="Bearer nothing")
    assert (answer.status_code, answer.json()["error"], answer.headers["WWW-Authenticate"]) == (
        401, "bad-token", "Bearer",
    )  # fmt: skip
    assert answer.headers["Date"]
    assert answer.headers["Cache-Control"] == "no-store"
    packet = put(pc, api.recording_path(recording.id, KEY_PACKET_STREAM, 1), b"x")
    assert (packet.status_code, packet.json()["error"]) == (400, "misplaced")


def test_a_bad_path_is_not_repeated(pc: Pc) -> None:
    answer = put(pc, "/v1/recordings/canary/0/0", b"x")
    assert (answer.status_code, answer.json()["message"]) == (400, "the path is none of this store's: see recording")


def test_only_the_methods_that_are_described_are_answered(pc: Pc) -> None:
    answer = pc.client.head(api.HEALTH)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")
