"""The signed report: what a device said of its own ends, and nothing that it did not sign."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import jws
from protocol.errors import SignatureError
from protocol.report import DeviceReport

KEY = Ed25519PrivateKey.generate()
RECORDING = UUID("019b76da-a800-7000-8000-0000000000a1")
REPORT = DeviceReport("d-7", 5, RECORDING, {0: (4, "ab" * 32), 0x8001: (1, "cd" * 32)}, {0: 3}, (9, "ef" * 32), 8)


@pytest.mark.parametrize("report", [REPORT, replace(REPORT, recording=None, heads={}, receipted={})])
def test_what_was_signed_is_read(report: DeviceReport) -> None:
    assert DeviceReport.verify(report.sign(KEY), KEY.public_key()) == report


def test_another_s_signature_is_none() -> None:
    with pytest.raises(SignatureError) as refused:
        DeviceReport.verify(REPORT.sign(KEY), Ed25519PrivateKey.generate().public_key())
    assert refused.value.code == "wrong-signer"


HEAD = {"next": 1, "head": "ab" * 32}


@pytest.mark.parametrize(
    "changed",
    [
        {"heads": {"01": HEAD}},
        {"heads": {"x": HEAD}},
        {"heads": {str(0xFFFF): HEAD}},
        {"receipted": {"-1": 2}},
        {"receipted": {"0": "2"}},
        {"receipted": 2},
        {"heads": {"0": {"next": -1, "head": "ab" * 32}}},
        {"heads": {"0": {"next": 1, "head": "ab"}}},
        {"heads": []},
        {"ledger": {"next": 1}},
        {"confirmed": -1},
        {"recording": "another"},
        {"device": 7},
    ],
)
def test_another_shape_is_refused(changed: dict[str, Any]) -> None:
    payload = {"device": "d-7", "wall": 1, "heads": {}, "receipted": {}, "ledger": HEAD, "confirmed": 1} | changed
    with pytest.raises(SignatureError) as refused:
        DeviceReport.verify(jws.sign(jws.REPORT, payload, KEY), KEY.public_key())
    assert refused.value.code == "bad-field"
