"""What an act must say, and that neither people nor searches are written in the clear."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from review.audit.errors import AuditError
from review.audit.kinds import KINDS, LARGEST_BODY, Act, pseudonym, read_body, read_statement, written_as_json
from review.governance.model import Person
from tests.review.audit.making import KEY, opening

SIGNED: dict[str, object] = {
    "person": "ann@example.com", "approvals": ["eve@example.com"], "approval": "ef" * 32, "rule": "roles/compliance",
}  # fmt: skip
# One act of each kind, with all that it may say. A kind that is missing here fails `test_every_kind_is_tried`.
FACTS: dict[str, dict[str, Any]] = {
    "sign-in": {"method": "passkey"},
    "sign-out": {"by": "idle"},
    "account": {"change": "locked", "person": "bob@example.com", "role": "supervisor"},
    "search": {"query": "Frau Müller  Konto", "results": 3},
    "list": {"results": 240, "of": "team", "recordings": ["0193a1b2"], "devices": ["3f2c91d0"]},
    "open": {
        "purpose": "complaint", "rule": "roles/supervisor", "rendition": "redacted", "approvals": ["eve@example.com"],
        "reference": "ticket 4711", "lanes": ["screen", "audio"], "until": 1_800_000_000_000,
    },
    "lease": {
        "kind": "speech", "rule": "roles.yaml:4:3", "version": "whisper-base/1(2)", "fence": 7, "lanes": ["32768"],
        "opens": ["screen-text/original"], "seals": "speech/original", "until": 1_800_000_000_000,
    },
    "watched": {"spans": [[0, 5], [7, 9]], "opening": 12, "lanes": ["0", "far-end"]},
    "export": {
        "purpose": "legal", "rule": "compliance", "rendition": "original", "approvals": ["eve@example.com"],
        "reference": "case 8", "to": "court@example.org", "spans": [[0, 1]],
    },
    "comment": {"comment": "c-1", "purpose": "coaching", "rule": "roles.yaml:4", "spans": [[0, 1]]},
    "request": {"act": "export", "request": "r-1", "purpose": "legal", "reference": "case 8"},
    "answer": {"act": "erasure", "request": "r-1", "step": "refuse"},
    "case": {"step": "added", "recordings": ["0193a1b2"], "spans": [[0, 1]], "purpose": "audit"},
    "review": {
        "step": "signed", "month": "2026-11", "recordings": ["0193a1b2"], "outcome": "fine", "state": "done",
        "outcomes": "0" * 64, "drawn": 4, "fine": 1, "finding": 1, "escalated": 1, "missing": 1, "rule": "a.yaml:1:1",
    },
    "privacy": {
        "act": "erasure", "step": "decide", "due": "2027-01-31", "verdict": "in-part", "grounds": ["minimum"],
        "recordings": ["0193a1b2"], "reference": "0e4f2a6c",
    },
    "approve": {"act": "export", "verdict": "granted", "role": "privacy", "reference": "case 8"},
    "consent": {
        "channel": "voice", "state": "withdrawn", "rule": "roles/privacy", "purpose": "request", "reference": "DSR-7",
    },
    "hold": {"hold": "h-1", "why": "court asks", "review": "2027-01-31", "owner": "eve@example.com", **SIGNED},
    "release": {"hold": "h-1", "why": "case is closed", "dies": "2027-02-28", **SIGNED},
    "erase": {
        "step": "shredded", "basis": "request", "certificate": "e-1", "approvals": ["eve@example.com"],
        "person": "customer 17", "device": "d-7", "rule": "rest", "rules": "ab" * 32, "request": "DSR-7",
        "approval": "ef" * 32,
    },
    "rules": {"revision": 4, "hash": "ab" * 32, "before": "cd" * 32},
    "key": {"use": "adopt", "recordings": 12},
    "interaction": {"change": "imported", "count": 5},
    "sample": {
        "step": "drawn", "month": "2026-11", "commitment": "ab" * 32, "since": 1, "person": "ann@example.com",
        "first": 3, "seed": "cd" * 32, "count": 7, "refused": 0, "rules": "ef" * 32, "purposes": ["coaching:4"],
    },
    "read-log": {"first": 0, "end": 50, "query": "open ann@example.com"},
    "report": {"first": "2026-11-01", "last": "2026-11-30", "sha256": "ab" * 32},
    "export-log": {"first": 0, "end": 50, "format": "ocsf", "following": 1},
    "shred-log": {"bodies": 5, "why": "period"},
    "operator": {
        "line": 1, "before": "00" * 32, "hash": "ab" * 32, "at": "2026-11-28T09:00:00.000+00:00", "what": "begin",
        "act": "export", "of": 1, "purpose": "ticket 4711", "said_by": "root",
    },
}  # fmt: skip


def act(kind: str) -> Act:
    return opening(kind=kind, facts=FACTS[kind])


def code(made: Act) -> str:
    with pytest.raises(AuditError) as caught:
        made.body(KEY)
    return caught.value.code


def test_every_kind_is_tried_with_all_that_it_may_say() -> None:
    assert {kind: {*named.must, *named.may} for kind, named in KINDS.items()} == {
        kind: set(facts) for kind, facts in FACTS.items()
    }


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_act_is_written_and_read_again(kind: str) -> None:
    body = act(kind).body(KEY)
    read = read_body(body)
    assert (read["kind"], read["outcome"], read["origin"]) == (kind, "success", "10.0.0.7")
    for hidden in ("@", "Müller", "müller", "customer", '"root"'):
        assert hidden not in body.decode()


@pytest.mark.parametrize("kind", KINDS)
def test_each_fact_is_demanded_or_known(kind: str) -> None:
    for name in KINDS[kind].must:
        assert code(opening(kind=kind, facts={key: FACTS[kind][key] for key in FACTS[kind] if key != name})) == (
            "missing-field"
        )
    assert code(opening(kind=kind, facts=FACTS[kind] | {"note": "x"})) == "unknown-field"
    for name in FACTS[kind]:
        for wrong in (None, "", [], {}, -1, True, 1.5, "a\nb", "x" * 5000, [[5, 1]], [["a", "b"]], ["", "x"]):
            if (kind, name, wrong) != ("read-log", "query", "") and code_of_fact(kind, name, wrong) != "bad-field":
                pytest.fail(f"{kind} takes {wrong!r} for {name}")


def code_of_fact(kind: str, name: str, value: object) -> str:
    try:
        opening(kind=kind, facts=FACTS[kind] | {name: value}).body(KEY)
    except AuditError as error:
        return error.code
    return "taken"


def test_pci_dss_fields_are_demanded() -> None:
    for changed in (
        {"who": ""}, {"who": None}, {"origin": ""}, {"origin": "a\x1bb"}, {"resource": []},
        {"resource": "recording"}, {"resource": ["a b"]},
        {"resource": [str(number) for number in range(10_001)]}, {"outcome": "maybe"}, {"outcome": "failure"},
        {"reason": "wrong-password"}, {"outcome": "failure", "reason": "Wrong Password"},
    ):  # fmt: skip
        assert code(opening(**changed)) == "bad-field"
    assert code(opening(kind="lend")) == "unknown-kind"
    failed = read_body(
        opening(kind="sign-in", facts={"method": "password"}, outcome="failure", reason="locked").body(KEY)
    )
    assert (failed["outcome"], failed["reason"]) == ("failure", "locked")


def test_an_entry_has_a_largest_size() -> None:
    many = [f"{number:0128}" for number in range(10_000)]
    assert code(opening(resource=many)) == "too-large"
    assert len(opening(resource=many[:8000]).body(KEY)) <= LARGEST_BODY


@settings(max_examples=30)
@given(name=st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=50))
def test_a_person_has_one_pseudonym_however_typed(name: str) -> None:
    assert pseudonym(name, KEY) == pseudonym(name.lower(), KEY)
    assert pseudonym(name, KEY) != pseudonym(name + "x", KEY)
    assert len(pseudonym(name, KEY)) == 22


@settings(max_examples=30)
@given(st.lists(st.text("wWeEiIsSß\u017f\u1e9e", min_size=1, max_size=5), min_size=2, max_size=2))
def test_who_are_two_in_the_rules_are_two_in_the_log(names: list[str]) -> None:
    one, other = (Person(f"{name}@example.com".lower()).id for name in names)
    assert (pseudonym(one, KEY) == pseudonym(other, KEY)) is (one == other)


def test_one_who_searches_the_same_again_is_seen_to() -> None:
    def written(query: str) -> str:
        return str(read_body(opening(kind="search", facts={"query": query, "results": 0}).body(KEY))["facts"]["query"])

    assert written("Konto  Müller") == written("konto mu\u0308ller")
    assert written("konto") != written("konten")
    assert written("konto") != pseudonym("konto", KEY).replace("p.", "q.")


WHOLE: dict[str, Any] = {
    "kind": "key", "who": "p", "outcome": "success", "origin": "x", "resource": ["a"], "facts": {"use": "adopt"}
}  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{}", b'{"kind":"lend"}', b'{"kind":["open"]}',
        json.dumps(WHOLE | {"more": 1}).encode(),
        json.dumps(WHOLE | {"facts": []}).encode(),
        json.dumps(WHOLE | {"facts": {}}).encode(),
        json.dumps(WHOLE | {"facts": {"use": "adopt", "more": 1}}).encode(),
    ],
)  # fmt: skip
def test_a_body_of_another_form_is_refused(body: bytes) -> None:
    with pytest.raises(AuditError, match="does not know"):
        read_body(body)


@pytest.mark.parametrize(
    "values",
    [
        {}, {"kind": "open"}, {"kind": "mended"}, {"kind": "mended", "bytes": "3"},
        {"kind": "mended", "bytes": 3, "x": 1},
        {"kind": "shred", "ranges": [[1]], "to": 0}, {"kind": "shred", "ranges": {}, "to": 0},
        {"kind": "shred", "ranges": [[1, "2"]], "to": 0}, {"kind": "shred", "ranges": [3], "to": 0},
    ],
)  # fmt: skip
def test_a_statement_of_another_form_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(AuditError, match="does not know"):
        read_statement(written_as_json(values))


def test_statements_are_read() -> None:
    for values in ({"kind": "mended", "bytes": 3}, {"kind": "shred", "ranges": [[1, 2]], "to": 0}):
        assert read_statement(written_as_json(values)) == values
