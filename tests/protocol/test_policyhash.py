"""One hash for one set of policy files, on every machine."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import ProtocolError
from protocol.policyhash import policy_hash

NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8)
FILES = st.dictionaries(NAMES, st.binary(max_size=30), max_size=4)


def test_by_hand() -> None:
    by_hand = b"a.yaml\0" + (3).to_bytes(8, "big") + b"one" + b"b.yaml\0" + bytes(8)
    assert policy_hash({"b.yaml": b"", "a.yaml": b"one"}) == hashlib.sha256(by_hand).hexdigest()


@given(FILES, FILES)
def test_two_sets_have_two_hashes(one: dict[str, bytes], other: dict[str, bytes]) -> None:
    assert (policy_hash(one) == policy_hash(other)) == (one == other)


@pytest.mark.parametrize("name", ["", "a\0b"])
def test_a_name_that_would_be_ambiguous_is_refused(name: str) -> None:
    with pytest.raises(ProtocolError) as refused:
        policy_hash({name: b""})
    assert refused.value.code == "bad-name"
