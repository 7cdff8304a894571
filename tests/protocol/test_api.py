"""The paths and the digest header, as both sides write and read them."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import api
from protocol.errors import ProtocolError


def test_paths() -> None:
    recording = UUID("019b76da-a800-7000-8000-0000000000a1")
    assert api.recording_path(recording, 65535, 0) == "/v1/recordings/019b76da-a800-7000-8000-0000000000a1/65535/0"
    assert api.policy_path("ab" * 32) == "/v1/policies/" + "ab" * 32
    assert api.device_health_path("d-7") == "/v1/devices/d-7/health"


def test_every_path_is_of_this_version() -> None:
    paths = [value for name, value in vars(api).items() if name.isupper() and str(value).startswith("/")]
    assert len(paths) == 10
    assert all(path.startswith(f"/{api.VERSION}/") for path in paths)


def test_digest_is_that_of_rfc_9530() -> None:
    """RFC 9530 appendix D."""
    assert api.content_digest(b'{"hello": "world"}\n') == "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"


@given(st.binary(max_size=50))
def test_digest_round_trip(body: bytes) -> None:
    assert len(api.parse_content_digest(f" {api.content_digest(body)} ")) == 32


@pytest.mark.parametrize(
    "value",
    ["", "sha-256=::", "sha-512=:AAAA:", "sha-256=:" + "A" * 44 + ":", "sha-256=:" + "A" * 42 + "B=:", "sha-256=RK/0"],
)
def test_another_digest_is_refused(value: str) -> None:
    with pytest.raises(ProtocolError) as refused:
        api.parse_content_digest(value)
    assert refused.value.code == "bad-digest"
