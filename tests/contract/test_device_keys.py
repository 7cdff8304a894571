"""What a device's keys promise, wherever they lie: in the home, or in `eyelid keys` as it is started."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agent.keys.home import HomeKeys
from agent.keys.service import ServiceKeys
from agent.ledger import DiskLedger
from agent.seal import Provenance
from agent.state.identity import NewKeys
from protocol import envelope, jws
from protocol.application import Application
from protocol.ledger import Batch
from protocol.packet import KeyPacket
from protocol.report import DeviceReport
from testkit.displays import await_true
from testkit.fakes.clock import HandClock
from tests.agent.keys.services import APPLICANT, DEVICE, application
from tests.agent.recordings import media, new_sealer


@pytest.fixture(scope="module")
def socket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("service")
    path = folder / "keys.sock"
    command = [sys.executable, "-m", "agent", "keys", "--folder", str(folder / "keys"), "--socket", str(path)]
    process = subprocess.Popen(command)
    try:
        await_true(path.exists, "the service's socket", 60)
        yield path
    finally:
        process.kill()
        process.wait()


@dataclass(frozen=True)
class Made:
    keys: Any  # both ports
    application: Application


@pytest.fixture(params=["home", "service"])
def made(request: pytest.FixtureRequest) -> Made:
    keys: NewKeys = (
        HomeKeys.generate() if request.param == "home" else ServiceKeys(request.getfixturevalue("socket"), within=60)
    )
    application_ = application(keys.apply(APPLICANT))
    keys.admitted(DEVICE)
    return Made(keys, application_)


def test_an_application_is_proven_by_two_new_keys(made: Made) -> None:
    again = application(made.keys.apply(APPLICANT))
    assert again.token_key != again.evidence_key
    assert (again.secret, again.user) == (APPLICANT.secret, APPLICANT.user)


def test_a_recording_is_signed(made: Made) -> None:
    sealer = new_sealer(time.time_ns(), Provenance(DEVICE, made.keys, "pc-17", "alice", "0.1.0"))
    packet = KeyPacket.verify(sealer.packet().data.decode("ascii"), made.application.evidence_key)
    assert (packet.recording, packet.device) == (sealer.recording, DEVICE)
    for stream, at in ((0, 0), (1, 0), (0, 4)):
        envelope.check_signature(sealer.seal(media(stream, at)).data, made.application.evidence_key)


def test_the_account_is_signed_and_what_was_signed_once_is_signed_again(made: Made, tmp_path: Path) -> None:
    ledger = DiskLedger(tmp_path / "ledger", HandClock(), device=DEVICE, keys=made.keys)
    ledger.write("start")
    first = ledger.due(at_once=True)
    assert ledger.due(at_once=True) == first
    ledger.write("stop", why="stop")
    longer = ledger.due(at_once=True)
    assert first is not None
    assert longer is not None
    assert Batch.verify(first, made.application.evidence_key).last == 0
    assert Batch.verify(longer, made.application.evidence_key).last == 1
    ledger.confirmed(1, Batch.verify(first, made.application.evidence_key).head)
    rest = ledger.due(at_once=True)
    assert rest is not None
    assert Batch.verify(rest, made.application.evidence_key).first == 1


def test_a_report_and_an_assertion_are_signed_each_by_its_key(made: Made) -> None:
    report = DeviceReport(DEVICE, 1, None, {}, {}, (0, "0" * 64), 0)
    assert DeviceReport.verify(made.keys.report(report), made.application.evidence_key) == report
    claims = {"device": DEVICE, "iat": 5, "exp": 65, "jti": "x"}
    assert jws.verify(jws.AUTH, made.keys.assertion(claims), made.application.token_key) == claims
