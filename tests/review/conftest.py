"""For all tests of the people's side: the keys that they seal have no strength; axe for those of pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from testkit import axe as the_axe
from testkit.cheap_keys import cheap_keys


@pytest.fixture(scope="module", autouse=True)
def _cheap_keys() -> Iterator[None]:
    with cheap_keys():
        yield


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What a page runs before testkit.axe asks it."""
    return the_axe.script(tmp_path_factory.mktemp("node"))
