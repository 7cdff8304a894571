"""The bytes of a fragment, read back by a reader of its own."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.encode.cmaf import Sample, fragment
from tests.encode import boxes

some_samples = st.lists(
    st.builds(Sample, data=st.binary(min_size=1, max_size=40), duration=st.integers(0, 2**32 - 1), key=st.booleans()),
    min_size=1,
    max_size=30,
)


@given(some_samples, st.integers(1, 2**32 - 1), st.integers(0, 2**40))
def test_what_was_written_is_read(written: list[Sample], number: int, decode_time: int) -> None:
    data = fragment(number, decode_time, written)
    read = boxes.samples(data)
    assert boxes.number(data) == number
    assert read[0].at == decode_time
    assert [(one.data, one.duration, one.sync) for one in read] == [
        (one.data, one.duration, one.key) for one in written
    ]
