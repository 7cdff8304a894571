"""What was in view during a recording, as lines, for those who may open it: kept only where its policy asked for that.

The first line has what trying another policy on it needs: the policy that was in force, and the account. The
lines after it are as the device sealed them (docs/envelope.md); where a chunk is not there, a line says so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from protocol import envelope
from protocol.envelope import SCENE_STREAM
from store.catalog.blobs import BlobStore
from store.evidence.chain import Stored
from store.evidence.evidence import Evidence
from store.evidence.opening import StreamKeys, read_body
from store.evidence.show import iso
from store.evidence.timeline import recording as timeline
from store.evidence.verify.recording import Report

FORMAT = 1


def kept(evidence: Evidence) -> tuple[Stored, ...]:
    """The chunks of it; none where the policy did not ask for them."""
    return evidence.chosen.streams.get(SCENE_STREAM, ())


def head(evidence: Evidence, texts: Mapping[str, str]) -> bytes:
    """`texts`: file name -> text of the recording's policy; empty where the store has none of it."""
    account = timeline.facts(evidence)
    lanes = {"screen": account["parts"], **({"audio": account["audio"]["parts"]} if "audio" in account else {})}
    fields = {
        "eyelid_scenes": FORMAT,
        "recording": str(evidence.recording.id),
        "start": iso(evidence.recording.start),
        "host": evidence.host,
        "length_ns": evidence.length,
        "policy": evidence.recording.policy,
        "policy_files": dict(texts),
        "lanes": lanes,
    }
    return json.dumps(fields, ensure_ascii=False).encode() + b"\n"


def lines(evidence: Evidence, blobs: BlobStore, keys: StreamKeys, report: Report) -> Iterator[tuple[Stored, bytes]]:
    """Each chunk that opens, with its lines. Raises Unsound, EnvelopeError for bytes that have changed meanwhile."""
    expected, until = 0, 0
    for chunk in kept(evidence):
        if chunk in report.unsound:
            continue
        _, text = envelope.open_sealed(keys(SCENE_STREAM), read_body(blobs, chunk))
        if chunk.sequence != expected:
            text = json.dumps({"at": until, "untold": "missing"}).encode("ascii") + b"\n" + text
        expected, until = chunk.sequence + 1, chunk.span.end
        yield chunk, text
