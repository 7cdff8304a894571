"""One bit of anything that is kept, wherever it turns over: on the way, on the disk, or in the catalog as well.

Each class of bytes of a sealed chunk, a key packet, a bundle and a ledger has its case. Each is named, by what refuses
it or by `verify`, and the honest bytes sent afterwards make it whole.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import httpx
import pytest
from sqlalchemy import select, update

from protocol import api
from protocol import bundle as bundles
from protocol.bundle import Bundle
from protocol.envelope import KEY_PACKET_STREAM, check_signature, digest
from protocol.errors import ProtocolError
from store.admin.home import Home
from store.admin.init import COMPLIANCE
from store.catalog import schema
from store.catalog.blobs import sealed_name
from store.evidence.verify.recording import Report
from store.server.services import Services
from testkit.fakes.pc import Pc
from testkit.flipping import BATCH, BUNDLE, CHUNK, PACKET, flip, flip_in, flip_in_line
from tests.store.conftest import Examine
from tests.store.evidence.test_sweep import Swept, swept, wrong
from tests.store.recorded import Filmed, blob, close, make_filmed

__all__ = ["swept"]  # a fixture

FLIPPED: Final = 2  # the chunk that is damaged: another follows it


def codes(report: Report) -> set[tuple[str, str, str]]:
    return {(finding.check, finding.code, finding.where) for finding in report.findings}


# -- the sealed chunk ---------------------------------------------------------------------------------------------


# The code of the store that sees it come; of the others only the chain, and the key, can tell.
REFUSED: Final = {
    "magic, first": "bad-magic",
    "magic, last": "bad-magic",
    "kind, to none": "unknown-kind",
    "flags, to none": "unknown-flags",
    "stream, first": "misplaced",
    "stream, last": "misplaced",
    "recording, first": "misplaced",
    "recording, last": "misplaced",
    "sequence, first": "misplaced",
    "sequence, last": "misplaced",
    "start, to one after the end": "bad-span",
    "end, beyond the catalog": "bad-span",
}


@pytest.mark.parametrize("place", CHUNK)
def test_a_chunk(place: str, pc: Pc, bundle: Bundle, examined: Examine, home: Home) -> None:
    made = make_filmed(pc, bundle)
    close(made)
    assert pc.send_ledger().is_success
    honest = made.sealed[FLIPPED]
    flipped = flip(honest, *CHUNK[place])
    refused = REFUSED.get(place)
    name = (made.recording.id, 0, FLIPPED)
    here, following = f"stream 0, sequence {FLIPPED}", f"stream 0, sequence {FLIPPED + 1}"

    # On the wire: the digest, made before it, no longer fits.
    torn = pc.put(*name, flipped, Content_Digest=api.content_digest(honest))
    assert (torn.status_code, torn.json()["error"]) == (400, "wrong-digest")

    # In the PC's memory: the digest is of what it has become.
    answer = pc.put(*name, flipped)
    for number, body in enumerate(made.sealed):
        if number != FLIPPED:
            pc.put_sealed(body)
    if refused:
        assert (answer.status_code, answer.json()["error"]) == (400, refused)
        assert codes(examined(made.recording)) == {("chain", "gap", here)}
    else:
        assert answer.is_success
        assert ("chain", "wrong-previous", following) in codes(examined(made.recording, None))
        edition = "edition" in place
        named = ("signatures", "wrong-edition" if edition else "bad-signature", here)
        assert named in codes(examined(made.recording, None))
        if place.startswith("commitment"):
            assert ("commitment", "wrong-commitment", here) in codes(examined(made.recording))
        elif not place.startswith("signature") and not edition:
            assert ("tags", "wrong-tag", here) in codes(examined(made.recording))

    # The honest bytes come after it: the chain and the heads say that they are the ones.
    assert pc.put_sealed(honest).is_success
    alarm = set() if refused else {("alarm", "two-bodies", here)}
    assert codes(examined(made.recording)) == alarm

    # On the store's disk.
    blob(home, made.recording, honest, FLIPPED).write_bytes(flipped)
    assert codes(examined(made.recording, None)) == {*alarm, ("bytes", "damaged", here)}

    # And whoever opens it from anywhere else is told as well.
    with pytest.raises(ProtocolError):
        check_signature(flipped, pc.evidence_key.public_key())


# -- signed statements --------------------------------------------------------------------------------------------


REFUSALS: Final = {"malformed", "wrong-algorithm", "wrong-type", "wrong-signer", "bad-signature"}


@pytest.mark.parametrize(("part", "name"), PACKET)
def test_a_key_packet(
    part: int, name: str, pc: Pc, bundle: Bundle, examined: Examine, home: Home, services: Services
) -> None:
    made = make_filmed(pc, bundle)
    close(made)
    made.put_all()
    assert pc.send_ledger().is_success
    honest = made.recording.packet
    flipped = flip_in(honest.decode("ascii"), part, name).encode("ascii")
    assert flipped != honest

    answer = pc.put(made.recording.id, KEY_PACKET_STREAM, 0, flipped)
    assert answer.status_code == 400
    assert answer.json()["error"] in REFUSALS
    if part:
        assert answer.json()["error"] == "bad-signature"
    assert codes(examined(made.recording)) == set()

    path = home.folder / "blobs" / sealed_name(made.recording.id, KEY_PACKET_STREAM, 0, digest(honest).hex())
    path.write_bytes(flipped)
    assert codes(examined(made.recording)) == {("bytes", "damaged", "key packet")}

    # In the catalog as well, as only somebody who means it can do.
    sha256 = digest(flipped).hex()
    home.blobs().put(sealed_name(made.recording.id, KEY_PACKET_STREAM, 0, sha256), flipped)
    with services.database.writing() as connection:
        connection.execute(
            update(schema.sealed).where(schema.sealed.c.stream == KEY_PACKET_STREAM).values(sha256=sha256)
        )
    found = codes(examined(made.recording))
    assert ("key-packet", answer.json()["error"], "key packet") in found
    assert ("chain", "wrong-previous", "stream 0, sequence 0") in found


@pytest.mark.parametrize(("part", "name"), BUNDLE)
def test_a_bundle(
    part: int, name: str, filmed: Filmed, examined: Examine, swept: Swept, services: Services, home: Home
) -> None:
    with services.database.reading() as connection:
        honest = connection.scalar(select(schema.bundles.c.token)) or ""
    flipped = flip_in(honest, part, name)
    with pytest.raises(ProtocolError) as refused:  # as the PC does that fetches it
        bundles.verify(flipped, home.key(COMPLIANCE).id)
    assert refused.value.code in {*REFUSALS, "wrong-fingerprint"}
    with services.database.writing() as connection:
        connection.execute(update(schema.bundles).values(token=flipped))
    assert ("bundle", refused.value.code, "bundle revision 1") in wrong(swept())
    assert codes(examined(filmed.recording)) == {("key-packet", "bad-bundle", "bundle revision 1")}


# -- the ledger ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("part", "name"), BATCH)
def test_a_batch_of_the_ledger(
    part: int, name: str, pc: Pc, bundle: Bundle, examined: Examine, swept: Swept, services: Services
) -> None:
    made = make_filmed(pc, bundle)
    close(made)
    made.put_all()
    honest = pc.ledger.batch()
    flipped = flip_in(honest, part, name)
    answer: httpx.Response = pc.client.post(api.LEDGER, json={"batch": flipped}, headers=pc.bearer)
    assert answer.status_code == 400
    code = answer.json()["error"]
    assert code in REFUSALS
    assert pc.send_ledger(honest).is_success
    assert codes(examined(made.recording)) == set()
    with services.database.writing() as connection:
        connection.execute(update(schema.ledger_batches).values(token=flipped))
    assert ("ledger", code) in {(check, found) for check, found, _ in codes(examined(made.recording))}
    assert ("ledger", code, "batch from entry 0") in wrong(swept())


LINE: Final = ("seq", "at", "wall", "kind", "lane", "rules", "policy", "prev")


@pytest.mark.parametrize("name", LINE)
def test_a_line_of_the_ledger(name: str, filmed: Filmed, examined: Examine, swept: Swept, services: Services) -> None:
    entry = next(seq for seq, line in enumerate(filmed.pc.ledger.lines) if b'"rules":[0]' in line)
    text = filmed.pc.ledger.lines[entry].decode("utf-8")
    flipped = flip_in_line(text, name)
    columns = schema.ledger_lines.c
    with services.database.writing() as connection:
        connection.execute(update(schema.ledger_lines).where(columns.seq == entry).values(line=flipped))
    named = {(code, where) for _, code, where in codes(examined(filmed.recording))}
    whole = {(code, where) for _, code, where in wrong(swept())}
    assert ("unsigned", f"entry {entry}") in named & whole
    told = ("wrong-seq", f"entry {entry}") if name == "seq" else ("broken-chain", f"entry {entry + 1}")
    assert told in named & whole


# -- the catalog --------------------------------------------------------------------------------------------------


def one_more(text: str) -> str:
    """Its first letter with the lowest bit turned over, within hexadecimal digits."""
    return f"{int(text[0], 16) ^ 1:x}" + text[1:]


CATALOG: Final[dict[str, tuple[Any, str, Callable[[Any], Any], tuple[str, str]]]] = {
    "size": (schema.sealed, "size", lambda value: value ^ 1, ("bytes", "damaged")),
    "sha256": (schema.sealed, "sha256", one_more, ("bytes", "lost")),
    "kind": (schema.sealed, "kind", lambda value: value ^ 1, ("headers", "changed-catalog")),
    "flags": (schema.sealed, "flags", lambda value: value ^ 2, ("headers", "changed-catalog")),
    "start": (schema.sealed, "start", lambda value: value ^ 1, ("headers", "changed-catalog")),
    "end": (schema.sealed, "end", lambda value: value ^ 1, ("headers", "changed-catalog")),
    "previous": (schema.sealed, "previous", one_more, ("headers", "wrong-previous")),
    "sequence": (schema.sealed, "sequence", lambda value: value ^ 16, ("bytes", "lost")),
    "policy": (schema.recordings, "policy", one_more, ("key-packet", "changed-catalog")),
    "recording's start": (schema.recordings, "start", lambda value: value ^ 1, ("key-packet", "changed-catalog")),
    "host": (schema.recordings, "host", lambda value: "q" + value[1:], ("key-packet", "changed-catalog")),
    "os_user": (schema.recordings, "os_user", lambda value: "b" + value[1:], ("key-packet", "changed-catalog")),
}


@pytest.mark.parametrize("case", CATALOG)
def test_a_row_of_the_catalog(case: str, filmed: Filmed, examined: Examine, services: Services) -> None:
    table, column, change, expected = CATALOG[case]
    where = (
        (table.c.stream == 0) & (table.c.sequence == FLIPPED)
        if table is schema.sealed
        else table.c.id == str(filmed.recording.id)
    )
    with services.database.writing() as connection:
        value = connection.scalar(select(table.c[column]).where(where))
        connection.execute(update(table).where(where).values({column: change(value)}))
    assert expected in {(check, code) for check, code, _ in codes(examined(filmed.recording))}
