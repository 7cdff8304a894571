"""Numbers that no honest PC sends: each is answered with a refusal, and none with a traceback in the log."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from protocol import api
from protocol.bundle import Bundle
from protocol.envelope import Header, Kind, digest, seal
from store.catalog.queries import devices
from store.evidence.verify.sweep import check_ledger
from store.server import ingest
from store.server.services import Services
from testkit.fakes.pc import SECOND, Pc
from tests.store.conftest import Examine
from tests.store.recorded import Filmed

LONG = "9" * 5000  # Python reads 4,300 digits at most
HOUR = 3600 * SECOND


@contextmanager
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No error and no traceback in the log meanwhile."""
    caplog.clear()
    yield
    assert [
        record.getMessage() for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR
    ] == []


def health(**changes: object) -> dict[str, Any]:
    return {
        "wall": 1,
        "agent_version": "0.1.0",
        "recording": "019b76da-a800-7000-8000-0000000000a1",
        "heads": {},
        "ledger": {"next": 0, "head": "0" * 64},
        "holds": [],
        "pending_chunks": 0,
        "pending_bytes": 0,
        "bundle_revision": 1,
    } | changes


@pytest.mark.parametrize("version", [f"{LONG}.0", f"0.{LONG}", f"{LONG}.{LONG}", "0.٣", "²"])
def test_a_version_of_thousands_of_digits_names_none(
    client: httpx.Client, caplog: pytest.LogCaptureFixture, version: str
) -> None:
    with quiet(caplog):
        sent = {api.AGENT_VERSION_HEADER: version.encode("utf-8")}
        answer = client.post(api.TOKEN, json={"assertion": "x"}, headers=sent)  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["error"]) == (400, "malformed")


@pytest.mark.parametrize("stream", [LONG, "-1", "01", "٣", "²", "65535", "", "0" * 5000])
def test_a_head_of_a_stream_that_cannot_be_is_refused(pc: Pc, caplog: pytest.LogCaptureFixture, stream: str) -> None:
    with quiet(caplog):
        heads = {stream: {"next": 1, "head": "a" * 64}}
        answer = pc.client.put(api.device_health_path(pc.device), json=health(heads=heads), headers=pc.bearer)
    assert (answer.status_code, answer.json()["error"]) == (400, "bad-field")


@pytest.mark.parametrize("number", [LONG, "9" * 4000, "1e999", "-1e999"])
@pytest.mark.parametrize("name", ["wall", "pending_chunks", "unheard-of"])
def test_a_number_that_no_other_program_could_hold_is_no_json(
    pc: Pc, caplog: pytest.LogCaptureFixture, name: str, number: str
) -> None:
    body = httpx.Request("PUT", "http://x", json=health(**{name: 7654321})).content.replace(b"7654321", number.encode())
    with quiet(caplog):
        answer = pc.client.put(api.device_health_path(pc.device), content=body, headers=pc.bearer)
    assert (answer.status_code, answer.json()["error"]) == (400, "bad-json")


@pytest.mark.parametrize("place", ["stream", "sequence"])
def test_a_path_of_thousands_of_digits_is_refused(pc: Pc, caplog: pytest.LogCaptureFixture, place: str) -> None:
    numbers = {"stream": "0", "sequence": "0"} | {place: LONG}
    with quiet(caplog):
        answer = pc.put("019b76da-a800-7000-8000-0000000000a1", numbers["stream"], numbers["sequence"], b"x")
    assert (answer.status_code, answer.json()["error"]) == (400, "bad-path")


@pytest.mark.parametrize(
    ("start", "end"),
    [(0, 3 * HOUR), (0, 10 * 365 * 24 * HOUR), (10 * 365 * 24 * HOUR, 10 * 365 * 24 * HOUR + 1), (0, 2**64 - 1)],
)
def test_a_chunk_that_claims_more_than_a_recording_can_last_is_refused(
    pc: Pc, bundle: Bundle, start: int, end: int
) -> None:
    recording = pc.open_recording(bundle)
    header = Header(Kind.MEDIA, 0, 0, recording.id, 0, start, end, digest(recording.packet))  # type: ignore[arg-type]
    answer = pc.put_sealed(seal(recording.key, header, b"x"))
    assert (answer.status_code, answer.json()["error"]) == (400, "bad-span")


# -- keys ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["token_key", "evidence_key"])
@pytest.mark.parametrize("weak", ["A" * 43, "AQ" + "A" * 41])
def test_a_key_that_anybody_can_sign_with_is_not_enrolled(
    client: httpx.Client, secret: Callable[..., str], which: str, weak: str
) -> None:
    application = Pc(client).application(secret()) | {which: weak}
    answer = client.post(api.ENROLL, json=application)
    assert (answer.status_code, answer.json()["error"]) == (400, "bad-key")


# -- what an earlier store took -----------------------------------------------------------------------------------


def test_verify_names_a_chunk_of_ten_years(filmed: Filmed, examined: Examine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "check_span", lambda *_: None)
    assert filmed.pc.put_sealed(filmed.recording.seal(length=10 * 365 * 24 * HOUR)).status_code == 200
    report = examined(filmed.recording)
    assert ("headers", "bad-span") in {(finding.check, finding.code) for finding in report.findings}


def test_verify_names_a_pc_whose_key_is_weak(filmed: Filmed, services: Services) -> None:
    del filmed
    with services.database.reading() as connection:
        device = devices(connection)[0]
    assert check_ledger(services.database, device)[0] == []
    weak = dataclasses.replace(device, evidence_key_text="A" * 43)
    assert "weak-key" in {finding.code for finding in check_ledger(services.database, weak)[0]}
