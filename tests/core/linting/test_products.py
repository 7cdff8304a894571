"""The table of products: each name once, no process of it is taken for a product, and all of it is as patterns are."""

from __future__ import annotations

import pytest

from agent.core.linting.products import _BY_PROCESS, _PROCESSES, processes_of
from agent.core.matching.text import fold_app


def test_every_name_of_a_product_is_there_once() -> None:
    assert len(_PROCESSES) == sum(len(names.split(", ")) for names in _BY_PROCESS.values())


@pytest.mark.parametrize("processes", _BY_PROCESS)
def test_a_process_is_written_as_a_rule_names_it_and_is_no_product(processes: str) -> None:
    for process in processes.split(", "):
        assert process == fold_app(process)
        assert processes_of(process) is None


def test_a_name_is_known_however_it_is_written() -> None:
    assert processes_of("SAP  GUI") == processes_of("sap gui") == "saplogon, saplgpad, sapgui"
    assert processes_of("saplogon") is None
    assert processes_of("till") is None


def test_a_hundred_products_are_known() -> None:
    assert len(_BY_PROCESS) >= 100
