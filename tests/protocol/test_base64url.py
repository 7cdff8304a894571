"""One spelling for one value: everything else would let a signed text be changed without breaking its signature."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import base64url


@given(st.binary(max_size=100))
def test_round_trip(raw: bytes) -> None:
    assert base64url.decode(base64url.encode(raw)) == raw


@pytest.mark.parametrize(
    "text",
    ["Zg==", "Z", "Zh", "Z+", "Z/", "Zm 9", "Zm9\n", "é", "Zm9v=", "=", "\udcff"],
    ids=repr,
)
def test_any_other_spelling_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not base64url"):
        base64url.decode(text)


def test_no_padding_is_written() -> None:
    assert base64url.encode(b"f") == "Zg"
    assert base64url.encode(b"\xfb\xff") == "-_8"
