"""For all tests of the people's side: the keys that they seal have no strength."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from testkit.cheap_keys import cheap_keys


@pytest.fixture(scope="module", autouse=True)
def _cheap_keys() -> Iterator[None]:
    with cheap_keys():
        yield
