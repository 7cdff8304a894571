"""The account and the other signed statements: ledger, receipts, bundles, successors; and the enrolment token."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import base64url, bundle, enrolment, keys, ledger, successor
from protocol.carried import carried
from protocol.envelope import digest
from protocol.policyhash import policy_hash
from protocol.receipt import Receipt
from protocol.report import DeviceReport
from tests.vectors.chunks import CHUNKS, PACKET
from tests.vectors.inputs import (
    AUDITOR,
    COMPLIANCE,
    EVIDENCE,
    NEXT_STORE,
    OTHER_EVIDENCE,
    POLICY,
    RECORDING,
    RECOVERY,
    SECOND,
    START,
    STORE,
    THIRD_STORE,
    Case,
    public,
)
from tests.vectors.packets import parts_of, raw_jws

GOVERNANCE = {"people.yaml": "schema: 1\n# Müller\n...\n".encode(), "roles.yaml": b"schema: 1\nrevision: 1\n...\n"}
NOTICE = "Example AG records screens and calls.\nAsk privacy@example.com."


def strange(token: str, key: Ed25519PrivateKey, **fields: Any) -> str:
    """The same statement, of which its signer said that a reader must understand `later`."""
    return with_payload(token, key, crit=["later"], later=1, **fields)


def with_payload(token: str, key: Ed25519PrivateKey, **fields: Any) -> str:
    header, payload, _ = parts_of(token)
    return raw_jws(header, {**payload, **fields}, key)


def ledger_lines() -> list[bytes]:
    entries: tuple[tuple[str, dict[str, Any]], ...] = (
        ("start", {}),
        ("recording-open", {"recording": str(RECORDING), "policy": POLICY, "zero": SECOND}),
        ("lane-closed", {"lane": "screen", "rules": [0, "unreadable"], "policy": POLICY}),
        ("heads", {"recording": str(RECORDING), "heads": {"0": [3, digest(CHUNKS[2]).hex()]}}),
    )
    lines: list[bytes] = []
    for seq, (kind, fields) in enumerate(entries):
        prev = ledger.line_hash(lines[-1]) if lines else ledger.ZERO
        lines.append(ledger.line(seq, prev, at=seq * SECOND, wall=START + seq * SECOND, kind=kind, **fields))
    return lines


def ledger_vectors() -> dict[str, Any]:
    lines = ledger_lines()
    changed = lines[1].replace(POLICY.encode(), b"0" * 64)
    head = ledger.line_hash(lines[1])
    later = ledger.line(1, ledger.line_hash(lines[0]), at=SECOND, wall=START, kind="later", crit=["later"], later=1)

    def case(name: str, run: list[bytes], expect: list[str], prev: str = ledger.ZERO, seq: int = 0) -> Case:
        return {"name": name, "lines": [line.decode() for line in run], "prev": prev, "seq": seq, "expect": expect}

    return {
        "about": "Walk `lines`, which should go on after hash `prev` with number `seq`; `expect` lists what is wrong.",
        "cases": [
            case("good: from the start", lines, []),
            case("good: from the middle", lines[2:], [], head, 2),
            case("good: nothing new", [], []),
            case("changed: one line", [lines[0], changed, *lines[2:]], ["broken-chain"]),
            case("missing: one line", [lines[0], *lines[2:]], ["wrong-seq"]),
            case(
                "swapped: two lines", [lines[0], lines[2], lines[1], lines[3]], ["wrong-seq", "wrong-seq", "wrong-seq"]
            ),
            case("repeated: one line", [*lines[:2], *lines[1:]], ["wrong-seq"]),
            case("truncated: the last line", [*lines[:3], lines[3][:-5]], ["bad-line"]),
            case("another start", lines[2:], ["broken-chain"], ledger.ZERO, 2),
            case("a critical name that is not understood", [lines[0], later], ["unknown-critical"]),
            case("not an object", [b"[]"], ["bad-line"]),
            case("a line without a kind", [b'{"seq":0,"at":0,"wall":0,"prev":"' + b"0" * 64 + b'"}'], ["bad-field"]),
        ],
    }


def account_vector() -> dict[str, Any]:
    """A store that has nothing of the device must be able to take it."""
    lines = ledger_lines()
    batch = ledger.Batch("d-7", 0, len(lines) - 1, tuple(lines))
    return {
        "about": "A device's whole account in one signed batch, from entry 0 on; `next` and `head` are where it ends.",
        "device": batch.device,
        "evidence_key": public(EVIDENCE),
        "token": batch.sign(EVIDENCE),
        "next": len(lines),
        "head": batch.head,
    }


def statement_vectors() -> dict[str, Any]:
    heads = {0: (4, digest(CHUNKS[3]).hex()), 32_768: (1, digest(CHUNKS[0]).hex())}
    report = DeviceReport("d-7", START, RECORDING, heads, {0: 3}, (4, ledger.line_hash(ledger_lines()[3])), 2)
    receipt = Receipt(RECORDING, 0, 1, digest(CHUNKS[1]).hex(), START + SECOND, "d-7")
    lines = ledger_lines()
    batch = ledger.Batch("d-7", 2, 3, tuple(lines[2:]))
    fingerprint = keys.thumbprint(COMPLIANCE.public_key())
    both = bundle.Bundle(3, (AUDITOR.public, RECOVERY.public), START, {"demo.yaml": "schema: 1\n...\n"})
    signed_bundle = bundle.sign(both, COMPLIANCE)
    governance = policy_hash(GOVERNANCE)
    bundle_header, bundle_payload, _ = parts_of(signed_bundle)

    def with_readers(recipients: list[str]) -> str:
        return raw_jws(bundle_header, {**bundle_payload, "recipients": recipients}, COMPLIANCE)

    swapped_key = raw_jws({**bundle_header, "jwk": {**bundle_header["jwk"], "x": public(STORE)}}, bundle_payload, STORE)
    first, second = (
        successor.sign(NEXT_STORE.public_key(), STORE, at=START),
        successor.sign(THIRD_STORE.public_key(), NEXT_STORE, at=START),
    )
    forged = raw_jws(parts_of(first)[0], parts_of(first)[1], OTHER_EVIDENCE)
    line_of = sorted(keys.thumbprint(key.public_key()) for key in (STORE, NEXT_STORE, THIRD_STORE))
    pasted = enrolment.make(
        enrolment.Enrolment(
            "https://store.example:8443", "", STORE.public_key(), fingerprint, "once-only", "front desk"
        )
    )
    enrolled = {
        "address": "https://store.example:8443",
        "compliance": fingerprint,
        "secret": "once-only",
        "group": "front desk",
    }
    pinned = {"store_key": public(STORE)}
    later_enrolment = json.loads(base64url.decode(pasted.removeprefix(enrolment.PREFIX))) | {"crit": ["later"]}
    return {
        "about": "Each is one signed statement (or the enrolment token) and what it must be taken to say.",
        "cases": [
            {
                "name": "receipt: good",
                "kind": "receipt",
                "token": receipt.sign(STORE),
                **pinned,
                "expect": "ok",
                "says": {
                    "recording": str(RECORDING),
                    "stream": 0,
                    "sequence": 1,
                    "sha256": receipt.sha256,
                    "at": receipt.at,
                    "device": "d-7",
                },
            },
            {
                "name": "receipt: a critical name that is not understood",
                "kind": "receipt",
                "token": strange(receipt.sign(STORE), STORE),
                **pinned,
                "expect": "unknown-critical",
            },
            {
                "name": "receipt: of a later version",
                "kind": "receipt",
                "token": strange(receipt.sign(STORE), STORE, v=2),
                **pinned,
                "expect": "unknown-version",
            },
            {"name": "receipt: wrong typ", "kind": "receipt", "token": PACKET, **pinned, "expect": "wrong-type"},
            {
                "name": "receipt: by another store",
                "kind": "receipt",
                "token": receipt.sign(NEXT_STORE),
                **pinned,
                "expect": "wrong-signer",
            },
            {
                "name": "batch: good",
                "kind": "batch",
                "token": batch.sign(EVIDENCE),
                "evidence_key": public(EVIDENCE),
                "expect": "ok",
                "says": {
                    "device": "d-7",
                    "first": 2,
                    "last": 3,
                    "prev": ledger.line_hash(lines[1]),
                    "head": ledger.line_hash(lines[3]),
                },
            },
            {
                "name": "batch: a critical name that is not understood",
                "kind": "batch",
                "token": strange(batch.sign(EVIDENCE), EVIDENCE),
                "evidence_key": public(EVIDENCE),
                "expect": "unknown-critical",
            },
            {
                "name": "batch: a line too few",
                "kind": "batch",
                "token": ledger.Batch("d-7", 2, 3, (lines[2],)).sign(EVIDENCE),
                "evidence_key": public(EVIDENCE),
                "expect": "bad-count",
            },
            {
                "name": "batch: swapped lines",
                "kind": "batch",
                "token": ledger.Batch("d-7", 2, 3, (lines[3], lines[2])).sign(EVIDENCE),
                "evidence_key": public(EVIDENCE),
                "expect": "wrong-seq",
            },
            {
                "name": "report: good",
                "kind": "report",
                "token": report.sign(EVIDENCE),
                "evidence_key": public(EVIDENCE),
                "expect": "ok",
                "says": {
                    "device": "d-7",
                    "wall": START,
                    "recording": str(RECORDING),
                    "heads": {"0": [4, digest(CHUNKS[3]).hex()], "32768": [1, digest(CHUNKS[0]).hex()]},
                    "receipted": {"0": 3},
                    "ledger": [4, ledger.line_hash(lines[3])],
                    "confirmed": 2,
                },
            },
            {
                "name": "report: no recording is open",
                "kind": "report",
                "token": replace(report, recording=None, heads={}, receipted={}).sign(EVIDENCE),
                "evidence_key": public(EVIDENCE),
                "expect": "ok",
                "says": {
                    "device": "d-7",
                    "wall": START,
                    "recording": None,
                    "heads": {},
                    "receipted": {},
                    "ledger": [4, ledger.line_hash(lines[3])],
                    "confirmed": 2,
                },
            },
            {
                "name": "report: by another device that names this one",
                "kind": "report",
                "token": raw_jws(*parts_of(report.sign(EVIDENCE))[:2], OTHER_EVIDENCE),
                "evidence_key": public(EVIDENCE),
                "expect": "bad-signature",
            },
            {
                "name": "report: more values than a statement may have",
                "kind": "report",
                "token": with_payload(report.sign(EVIDENCE), EVIDENCE, later=[0] * 8192),
                "evidence_key": public(EVIDENCE),
                "expect": "oversized",
            },
            {
                "name": "report: a critical name that is not understood",
                "kind": "report",
                "token": strange(report.sign(EVIDENCE), EVIDENCE),
                "evidence_key": public(EVIDENCE),
                "expect": "unknown-critical",
            },
            {
                "name": "report: a stream written with a zero before it",
                "kind": "report",
                "token": with_payload(report.sign(EVIDENCE), EVIDENCE, receipted={"00": 3}),
                "evidence_key": public(EVIDENCE),
                "expect": "bad-field",
            },
            {
                "name": "report: the key packet's stream number",
                "kind": "report",
                "token": with_payload(report.sign(EVIDENCE), EVIDENCE, receipted={"65535": 3}),
                "evidence_key": public(EVIDENCE),
                "expect": "bad-field",
            },
            {
                "name": "bundle: good",
                "kind": "bundle",
                "token": signed_bundle,
                "fingerprint": fingerprint,
                "expect": "ok",
                "says": {
                    "revision": 3,
                    "created": START,
                    "recipients": [AUDITOR.key_id, RECOVERY.key_id],
                    "policy_files": {"demo.yaml": "schema: 1\n...\n"},
                },
            },
            {
                "name": "bundle: with governance and a notice",
                "kind": "bundle",
                "token": bundle.sign(replace(both, governance=governance, notice=NOTICE), COMPLIANCE),
                "fingerprint": fingerprint,
                "expect": "ok",
                "says": {
                    "revision": 3,
                    "created": START,
                    "recipients": [AUDITOR.key_id, RECOVERY.key_id],
                    "policy_files": {"demo.yaml": "schema: 1\n...\n"},
                    "governance": governance,
                    "notice": NOTICE,
                },
            },
            {
                "name": "bundle: a notice that turns the direction of text",
                "kind": "bundle",
                "token": raw_jws(bundle_header, {**bundle_payload, "notice": "see \u202emoc.elpmaxe"}, COMPLIANCE),
                "fingerprint": fingerprint,
                "expect": "bad-field",
            },
            {
                "name": "carried: the governance files of that bundle",
                "kind": "carried",
                "text": carried(GOVERNANCE),
                "hash": governance,
                "expect": "ok",
                "says": {"files": {name: content.decode("utf-8") for name, content in GOVERNANCE.items()}},
            },
            {
                "name": "carried: other files",
                "kind": "carried",
                "text": carried({**GOVERNANCE, "roles.yaml": b"roles: {}\n...\n"}),
                "hash": governance,
                "expect": "wrong-governance",
            },
            {
                "name": "carried: a name that leaves the folder",
                "kind": "carried",
                "text": '{"v":1,"files":{"../roles.yaml":""}}',
                "hash": governance,
                "expect": "bad-name",
            },
            {
                "name": "bundle: a critical name that is not understood",
                "kind": "bundle",
                "token": strange(signed_bundle, COMPLIANCE),
                "fingerprint": fingerprint,
                "expect": "unknown-critical",
            },
            {
                "name": "bundle: signed by the store instead",
                "kind": "bundle",
                "token": bundle.sign(both, STORE),
                "fingerprint": fingerprint,
                "expect": "wrong-fingerprint",
            },
            {
                "name": "bundle: another key under the right name",
                "kind": "bundle",
                "token": swapped_key,
                "fingerprint": fingerprint,
                "expect": "wrong-fingerprint",
            },
            {
                "name": "bundle: the right key in the header, another's signature",
                "kind": "bundle",
                "token": raw_jws(bundle_header, bundle_payload, STORE),
                "fingerprint": fingerprint,
                "expect": "bad-signature",
            },
            {
                "name": "bundle: no recipient",
                "kind": "bundle",
                "token": with_readers([]),
                "fingerprint": fingerprint,
                "expect": "no-recipients",
            },
            {
                "name": "bundle: a reader whose X25519 key is of small order",
                "kind": "bundle",
                "token": with_readers([base64url.encode(AUDITOR.public.raw[:1184] + bytes(32))]),
                "fingerprint": fingerprint,
                "expect": "bad-recipient",
            },
            {
                "name": "bundle: a reader whose ML-KEM key has a coefficient out of range",
                "kind": "bundle",
                "token": with_readers([base64url.encode(b"\xff" * 1184 + AUDITOR.public.raw[1184:])]),
                "fingerprint": fingerprint,
                "expect": "bad-recipient",
            },
            {
                "name": "successors: a line of three keys, told backwards",
                "kind": "successor",
                "tokens": [second, first],
                **pinned,
                "expect": "ok",
                "says": {"trusted": line_of},
            },
            {
                "name": "successors: one outside the line",
                "kind": "successor",
                "tokens": [second],
                **pinned,
                "expect": "ok",
                "says": {"trusted": [keys.thumbprint(STORE.public_key())]},
            },
            {
                "name": "successors: a critical name that is not understood",
                "kind": "successor",
                "tokens": [strange(first, STORE)],
                **pinned,
                "expect": "unknown-critical",
            },
            {
                "name": "successors: forged",
                "kind": "successor",
                "tokens": [forged],
                **pinned,
                "expect": "bad-signature",
            },
            {"name": "enrolment: good", "kind": "enrolment", "token": pasted, "expect": "ok", "says": enrolled},
            {
                "name": "enrolment: broken into lines by a mail program",
                "kind": "enrolment",
                "token": "\n".join(pasted[at : at + 76] for at in range(0, len(pasted), 76)) + "\n",
                "expect": "ok",
                "says": enrolled,
            },
            {
                "name": "enrolment: a critical name that is not understood",
                "kind": "enrolment",
                "token": enrolment.PREFIX + base64url.encode(json.dumps(later_enrolment).encode("utf-8")),
                "expect": "unknown-critical",
            },
            {"name": "enrolment: not pasted whole", "kind": "enrolment", "token": pasted[:-10], "expect": "damaged"},
            {"name": "enrolment: something else", "kind": "enrolment", "token": "hello", "expect": "not-a-token"},
        ],
    }
