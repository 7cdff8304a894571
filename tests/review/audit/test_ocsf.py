"""Events as https://schema.ocsf.io/1.8.0 has them: the names, the numbers, and what each class demands."""

from __future__ import annotations

from typing import Any

import pytest

from review.audit.kinds import KINDS, read_body
from review.audit.ocsf import event
from tests.review.audit.making import KEY, ORIGIN, opening
from tests.review.audit.test_kinds import FACTS

# From https://github.com/ocsf/ocsf-schema at its release 1.8.0: class -> activities; what it demands beside the base
# event; what it allows beside the base event and the profile `host`, of what is used here.
CLASSES: dict[int, tuple[dict[int, str], set[str], set[str]]] = {
    3002: ({1: "Logon", 2: "Logoff"}, {"user"}, {"user", "service", "src_endpoint", "actor"}),
    3004: ({3: "Update"}, {"entity"}, {"entity", "src_endpoint", "actor"}),
    6001: (
        {2: "Read", 3: "Update", 4: "Delete", 5: "Search", 6: "Import", 7: "Export", 8: "Share"},
        {"web_resources"},
        {"web_resources", "src_endpoint", "actor"},
    ),
    6005: ({1: "Read"}, {"actor", "src_endpoint"}, {"databucket", "src_endpoint", "actor"}),
    1008: ({2: "Delete", 3: "Export"}, set(), {"log_name", "src_endpoint", "actor"}),
}
BASE_DEMANDS = {"activity_id", "category_uid", "class_uid", "metadata", "severity_id", "time", "type_uid"}
BASE = BASE_DEMANDS | {"status_id", "status_code", "unmapped"}
METADATA = {"version", "product", "log_name", "event_code", "sequence", "uid", "profiles"}
OBJECTS = {
    "product": {"name", "vendor_name", "version"}, "user": {"uid"}, "service": {"uid", "name"},
    "src_endpoint": {"ip", "name"}, "entity": {"uid", "type", "type_id"}, "databucket": {"uid", "name"},
    "actor": {"user"},
}  # fmt: skip


def made(kind: str, **changed: Any) -> dict[str, Any]:
    return event(ORIGIN, 17, 1_800_000_000_000, read_body(opening(kind=kind, facts=FACTS[kind], **changed).body(KEY)))


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_an_event_of_its_class(kind: str) -> None:
    found = made(kind)
    activities, demanded, allowed = CLASSES[found["class_uid"]]
    assert found["activity_id"] in activities
    assert found["type_uid"] == found["class_uid"] * 100 + found["activity_id"]
    assert found["category_uid"] == found["class_uid"] // 1000
    assert BASE_DEMANDS | demanded <= found.keys() <= BASE | allowed
    assert found["metadata"].keys() <= METADATA
    assert found["metadata"]["uid"] == f"{ORIGIN}/17"
    for name, names in OBJECTS.items():
        assert found.get(name, found["metadata"].get(name, {})).keys() <= names
    assert "@" not in str(found)


def test_success_and_failure() -> None:
    assert (made("sign-in")["status_id"], made("sign-in")["severity_id"]) == (1, 1)
    failed = made("sign-in", outcome="failure", reason="locked")
    assert (failed["status_id"], failed["severity_id"], failed["status_code"]) == (2, 2, "locked")


def test_where_it_came_from() -> None:
    assert made("open")["src_endpoint"] == {"ip": "10.0.0.7"}
    assert made("open", origin="2001:db8::1")["src_endpoint"] == {"ip": "2001:db8::1"}
    assert made("open", origin="desk 7")["src_endpoint"] == {"name": "desk 7"}
